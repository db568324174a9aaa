"""Role Microgrid: the dispatching ACU of an isolated microgrid (spec microgrid_dispatch).

Measures voltage, PV, load and diesel set, and every mg_step_s has functions/dispatch.py decide on
the mean since the last step who covers the load. The answer goes out in two ways: contacts through
the one gate (primitives/plant_gate.py), and set-points by message on its Slave Net, each good for
mg_lease_s: a device that hears no more falls back by itself. Stores tell their energy; who tells
it must be the configured one. What cannot be believed is left out, said in an event, and never an
exception: a bad channel makes PV and load stale, a silent or impossible store counts for nothing,
a diesel set that does not start counts as unavailable for a while.
"""
from micropython import const

from acu import events as ev
from acu.functions import devices as dv
from acu.functions import dispatch as dp
from acu.functions import plant_watch as pw
from acu.primitives import plant_gate as pg
from acu.primitives.messaging import FOREIGN
from acu.primitives.recording import Record
from acu.roles.base import DRF_1, DRF_2, DRF_3, FW, Acu

POLICIES = ("naive", "rule", "table")
_FIRST_MS = const(5_000)     # from the self-test to the first step, if not all stores answer
_HELD_MS = const(3_600_000)  # so long is what a dead channel showed last counted
_POLICY_MS = const(60_000)   # a change of who decides is told so often at most
_JUMP_MS = const(1_000)      # and steps because of a jump are so far apart
_IDLE_PM = const(10)         # of its most: below, hydrogen is not worth to be enabled


def policies(wanted, plant, store):
    """(policies before Naive, in their order; their numbers in POLICIES; what is wrong with the
    table, a code or 0). The one place where they are made: one that is not to be had is left out,
    and the next decides."""
    made, numbers, code = (), (), 0
    if wanted == 2:
        from acu.functions import policy_table

        def read(at, n):
            return store.read(policy_table.RECORD, at, n)
        wrong = policy_table.unfit(plant, read)
        if wrong:
            code = int(wrong[1:4])
        else:
            made, numbers = (policy_table.Table(plant, read),), (2,)
    if wanted:
        from acu.functions.policy_rule import Rule
        made += (Rule(plant),)
        numbers += (1,)
    return made, numbers, code


class Microgrid(Acu):
    POIS = (("MG", DRF_1 | DRF_2 | DRF_3),)

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        now_ms = self.clock.now_ms()
        self.log.add(now_ms, ev.BOOT, self.boots, self.cause)
        self.contacts = pg.PlantGate(self.gear)
        self.plant = plant = board["plant"]
        self.policy = POLICIES.index(cfg.get("mg_policy", "naive"))
        made, self._numbers, code = policies(self.policy, plant, self.store)
        self._numbers += (0,)
        self.dispatch = dp.Dispatch(plant, made, cfg["mg_dead_mw"], cfg["mg_run_s"] * 1000,
                                    cfg["mg_stop_s"] * 1000, cfg["mg_hold_s"] * 1000,
                                    cfg["mg_idle_s"] * 1000)
        self.log.add(now_ms, ev.MG_START, self._numbers[0], self.policy, code)
        self.watch = pw.DieselWatch(cfg["mg_start_s"] * 1000, cfg["mg_retry_s"] * 1000)
        self.accounts = pw.Accounts(plant, self._sampler.rate_hz)
        self._kept = Record(self.store, "mgrid")
        raw = self._kept.load()
        if not self.accounts.unpack(raw) if raw else self._kept.damaged:
            self.log.add(now_ms, ev.LOST_REC, 3, 0, 0, True)
        self._count()
        self._step_ms = cfg["mg_step_s"] * 1000
        self._resend_ms = min(self._step_ms, cfg["mg_lease_s"] * 1000 // 3)
        ids = [cfg.get(key) for key in dv.KEYS]
        self.devices = dv.Devices(ids, cfg["mg_silent_s"] * 1000)
        self._refused = 0        # of the last step, bits as Dispatch.refused
        self.seen = [0, 0, cfg["mg_load_mw"], -1, -1, 1]
        self.by = 0              # who decided last, a number of POLICIES
        self._told_by = self._numbers[0]
        self._told_ms = -_POLICY_MS
        self.stale = dp.FRESH
        self._good_ms = now_ms   # when all that PV and load need was believed last
        self._bad = 0            # channels that were bad in this window
        self._sum = [0, 0, 0]    # mW frames of PV and load since the last step; frames
        self.p_mw = [0, 0, 0]    # PV, load, diesel of the last window
        self._expect = [0, 0]    # PV and load as the last step left them
        self._stepped_ms = -1    # no step yet
        self._next_ms = -1       # of the next step; -1: the self-test has not passed
        self._send_ms = 0
        self._pns = False        # load is being left out, and that was told
        self._rep_ms = 0         # of the next report
        self.pns_mw = 0          # load that was told to be left out
        self._left_out = False   # load is left out, and nobody told it to be
        self._stop = 0
        self._inputs = ()        # as they were looked at last
        base = "slvg/1/slv/%s/%s/" % (cfg["sc"], cfg["uc"])
        self._net = base
        self._up = base + self.id + "/up/"
        self.link.subscribe(base + self.id + "/dn/+")
        self.link.subscribe(base + "all/dn/+")
        for name in ids:
            if name:
                self.link.subscribe(base + name + "/up/mg.st")
        self.scheduler.add("dispatch", self._turn, 10, 500, True)

    # -- fast tier

    def protect(self, halves, now_us):
        bad = self.sensing.bad
        self._bad |= bad
        self.contacts.fast(bad)

    def blind(self):
        """One dead current must not leave the island without anybody: it makes stale."""
        return self.sensing.bad & 1

    def passed(self, now_ms):
        self.contacts.armed = True
        self.contacts.wanted = 1 << pg.BATTERY      # it forms the grid
        self._next_ms = now_ms + _FIRST_MS
        self._send_ms = now_ms      # a set-point is answered with a state

    # -- windows

    def window(self, now_ms):
        m = self.measuring
        bad = self._bad | self.sensing.bad
        self._bad = 0
        n = m.n_frames
        p = [max(x, 0) for x in m.p_mw]          # at night a PV is noise
        if m.u_dv[0] * 10 < m.un_dv:             # no voltage: nobody's power means anything
            bad |= 1
        if not bad & 7:
            self._good_ms = now_ms
            self._sum[0] += p[0] * n
            self._sum[1] += p[1] * n
            self._sum[2] += n
        held_ms = now_ms - self._good_ms
        for k in range(3):
            if bad & (1 | 2 << k):               # as it was last, or as it was told
                p[k] = self.dispatch.out[dp.DIE] if k == 2 else self.p_mw[k]
                if held_ms > _HELD_MS or k == 0 and self.stale == dp.IDLE:
                    p[k] = 0
        if not bad & 7:
            self.p_mw = p
        self.accounts.add(n, p[0], p[1], p[2], self.pns_mw, self.gear.feedback(pg.IN_RUNS))

    def _grown_mwh(self):
        return self.accounts.total() - self._stored

    def _store_energy(self):
        """What is told is what is stored."""
        if self._kept.save(self.accounts.pack()):
            self._count()

    def _count(self):
        """What the store has: Wh of PV, load, diesel set, not supplied; micro-EUR."""
        sums = self.accounts
        self._stored = sums.total()
        self.sums = [x // 1000 for x in sums.mwh] + [sums.ueur]
        self.e_wh = self.sums[pw.A_LOAD]

    # -- a turn of the slow tier

    def _turn(self, now_ms):
        due = self._look(now_ms) or now_ms >= self._next_ms
        if not self.ready:
            return
        if self._stepped_ms < 0:        # a diesel set started for want of a word runs for long
            due = now_ms >= self._next_ms or self._sum[2] and self.devices.heard()
        jumped = not due and self._stepped_ms >= 0 and self._jumped(now_ms)
        if due or jumped:
            self._step(now_ms, jumped)
        elif now_ms >= self._send_ms:
            self._send(now_ms)

    def _jumped(self, now_ms):
        """PV or load are no longer what the set-points were made for: not for the mean's sake may
        somebody stay without."""
        jump_mw = self.cfg["mg_jump_mw"]
        if self._good_ms < self._stepped_ms + _JUMP_MS or self.stale:
            return False
        if self._left_out:
            return True
        if not jump_mw:
            return False
        p, was = self.p_mw, self._expect
        return abs(p[0] - was[0]) > jump_mw or abs(p[1] - was[1]) > jump_mw

    def _look(self, now_ms):
        """Inputs, stores and the age of the measurement; True if dispatch must not wait."""
        gear = self.gear
        self._inputs = inputs = tuple([gear.feedback(k) for k in range(gear.inputs)])
        stop = inputs[pg.IN_STOP]
        if stop != self._stop:
            self._stop = stop
            self.log.add(now_ms, ev.MG_STOP, stop, 0, 0, True)
        ordered = self.contacts.wanted >> pg.DIESEL & 1 and not stop
        before_ms = self.watch.since_ms
        answer = self.watch.step(now_ms, ordered, inputs[pg.IN_RUNS], inputs[pg.IN_FAULT])
        if answer >= 0:
            self.log.add(now_ms, ev.MG_DIESEL, answer, now_ms - before_ms, 0, True)
            if answer in (pw.NO_START, pw.LOST):
                self._evt(now_ms, "DGF", answer, 0, 0)
        turned = self._judge(now_ms) or answer in (pw.NO_START, pw.LOST, pw.AGAIN)
        age_ms = now_ms - self._good_ms
        stale = self.dispatch.stale(age_ms)
        if stale != self.stale and self.ready:
            self.stale = stale
            self.log.add(now_ms, ev.MG_STALE, stale, age_ms, self.sensing.bad, True)
            self._evt(now_ms, "STL", 0, stale, age_ms)
            turned = True
        return turned

    def _judge(self, now_ms):
        """What the stores are taken for; True if that has changed."""
        changed = False
        for k in (dv.BATTERY, dv.HYDROGEN):
            if self.ready and self.devices.judge(now_ms, self._started_ms, k,
                                                 self._refused >> k & 1):
                changed = True
                state, told = self.devices.stores[k], self.devices.told[k]
                self.log.add(now_ms, ev.MG_STORE, k + 1, state,
                             told[dv.T_MWH] // 1000 if told else -1, True)
                if state:
                    self._evt(now_ms, "STO", k + 1, state, 0)
        return changed

    def _step(self, now_ms, jumped=False):
        """Dispatch on the mean since the last step, after a jump on the last window; the next one
        is at a whole multiple of mg_step_s."""
        self._stepped_ms = now_ms
        self._left_out = False
        self._next_ms = (now_ms // self._step_ms + 1) * self._step_ms
        seen, sums, plant = self.seen, self._sum, self.plant
        devices, cfg = self.devices, self.cfg
        guess = not self.pns_mw and devices.left_out(now_ms)
        if jumped:
            sums[0], sums[1], sums[2] = self.p_mw[0], self.p_mw[1], 1
        if sums[2]:
            seen[dp.PV] = devices.potential(now_ms, sums[0] // sums[2], self.dispatch.out[dp.CUR],
                                            cfg["mg_pv_mw"])
            seen[dp.LOAD] = devices.demand(now_ms, sums[1] // sums[2], self.pns_mw,
                                           cfg["mg_load_mw"])
            self._sum = [0, 0, 0]
        seen[dp.UTC_S] = self.sync.utc_ms(now_ms) // 1000 if self.sync.synchronised(now_ms) else 0
        seen[dp.B_MWH] = devices.energy(dv.BATTERY)
        seen[dp.H_MWH] = devices.energy(dv.HYDROGEN)
        seen[dp.DT_S] = max((self._next_ms - now_ms + 500) // 1000, 1)
        diesel = int(self.watch.available and devices.diesel(now_ms))
        plant.d_max_mw = cfg["mg_d_max_mw"] if diesel else 0
        one = self.dispatch
        out = one.step(now_ms, seen, now_ms - self._good_ms)
        self._refused = one.refused
        self._judge(now_ms)
        if one.state == dp.FRESH:
            self.by = self._numbers[one.by]
        if self.by != self._told_by and now_ms - self._told_ms >= _POLICY_MS:
            self.log.add(now_ms, ev.MG_POLICY, self.by, self._told_by)
            self._told_by = self.by
            self._told_ms = now_ms
        # on a guess, or blind, or deaf, nobody is told to do without
        told = not guess and one.state != dp.IDLE and self.link.up
        self.pns_mw = out[dp.PNS] if told else 0
        pns = guess or self.pns_mw > (0 if self._pns else cfg["mg_dead_mw"])
        if pns != self._pns:
            self._pns = pns
            p_w = self.pns_mw // 1000
            self.log.add(now_ms, ev.MG_PNS, int(pns), p_w, self.accounts.mwh[pw.A_PNS] // 1000,
                         True)
            self._evt(now_ms, "PNS", 0, p_w, int(pns))
        self._expect = [seen[dp.PV] - out[dp.CUR], seen[dp.LOAD] - self.pns_mw]
        h2 = out[dp.H2] if devices.stores[dv.HYDROGEN] == dv.GOOD else 0
        if abs(h2) * 1000 < plant.hydrogen.p_max_mw * _IDLE_PM:
            h2 = 0
        battery = devices.stores[dv.BATTERY] != dv.IMPOSSIBLE
        self.contacts.wanted = ((out[dp.RUN] & diesel) << pg.DIESEL | (h2 < 0) << pg.ELECTROLYSER
                                | (h2 > 0) << pg.FUEL_CELL | battery << pg.BATTERY)
        self._send(now_ms)
        if now_ms >= self._rep_ms:
            self._rep_ms = now_ms + cfg["t_tele_ms"]
            self._report(now_ms)

    # -- messages

    def set_points(self):
        """(on, mW) of each device, in the order of the settings."""
        out, wanted, pns = self.dispatch.out, self.contacts.wanted, self.pns_mw
        h2 = wanted >> pg.ELECTROLYSER & 3
        return ((wanted >> pg.BATTERY & 1, out[dp.BAT]),
                (int(h2 != 0), out[dp.H2] if h2 else 0),
                (wanted >> pg.DIESEL & 1, out[dp.DIE]),
                (int(out[dp.CUR] > 0), max(self.seen[dp.PV] - out[dp.CUR], 0)),
                (int(pns > 0), pns))

    def _send(self, now_ms):
        """Set-points to all that have a name. Renewed well before their lease is over."""
        self._send_ms = min(now_ms + self._resend_ms, self._next_ms)
        points = self.set_points()
        for k in range(len(points)):
            name = self.devices.ids[k]
            if name and self.link.up:       # an old set-point must not wait in an outbox
                self.net.send(now_ms, self._net + name + "/dn/mg.set", "mg.set", name, {
                    "on": points[k][0], "p_mW": points[k][1], "lease_s": self.cfg["mg_lease_s"]},
                    self.net.corr())

    def state(self):
        """Bits of `err` and `st`: 3 as stale, 4 battery and 8 hydrogen left out, 16 no diesel set,
        32 stop, 64 load left out."""
        stores = self.devices.stores
        return (self.stale | int(stores[0] != dv.GOOD) << 2 | int(stores[1] != dv.GOOD) << 3
                | int(not self.watch.available) << 4 | self._stop << 5 | int(self._pns) << 6)

    def _report(self, now_ms):
        out, sums, p = self.dispatch.out, self.sums, self.p_mw
        e = [told[dv.T_MWH] // 1000 if told and told[dv.T_MWH] >= 0 else None
             for told in self.devices.told[:2]]
        self.net.send(now_ms, self._up + "mg.rep", "mg.rep", "*", {
            "p_W": [x // 1000 for x in p],
            "set_W": [out[dp.BAT] // 1000, out[dp.H2] // 1000, out[dp.DIE] // 1000],
            "cur_W": out[dp.CUR] // 1000, "pns_W": self.pns_mw // 1000, "b_Wh": e[0],
            "h_Wh": e[1], "v_Wh": sums[0], "e_Wh": sums[1], "d_Wh": sums[2], "x_Wh": sums[3],
            "ueur": sums[4], "by": self.by, "st": self.state()})

    def accept(self, now_ms, topic, raw):
        """A device speaks on its own topic only; nobody passes for a store."""
        net = topic.split("/")              # slvg 1 slv sc uc op up|dn type
        senders = None
        if net[6] == "up":
            senders = (net[5],) if net[5] in self.devices.ids else ()
        return self.net.receive(now_ms, raw, False, senders)

    def handle(self, now_ms, topic, msg):
        t, body = msg["t"], msg["b"]
        if t == "mg.st":
            if "/up/" not in topic:
                self.net.count(FOREIGN)
                return self._count_drops(now_ms)
            if self.devices.hear(now_ms, msg["s"], body) == dv.LOAD:
                self._left_out = body["lim"] and not self.pns_mw
        elif t == "meas.req" and msg["d"] == self.id:
            self._reply_meas(now_ms, msg)

    def _reply_meas(self, now_ms, msg):
        """The places of the phases are PV, load and diesel set."""
        m, bad = self.measuring, self.sensing.bad

        def row(values):
            return [None if bad & (1 | 2 << k) else values[k] for k in range(3)]
        self.net.send(now_ms, self._up + "meas", "meas", msg["s"], {
            "u_dV": [None if bad & 1 else m.u_dv[0], None, None], "i_mA": row(m.i_ma),
            "p_W": row(m.p_w), "q_var": row(m.q_var), "s_VA": row(m.s_va), "f_mHz": m.f_mhz,
            "e_Wh": self.e_wh, "t_dC": None, "gnd": None, "dofc": None, "ph": None, "on": None,
            "fl": self.quality(now_ms)}, msg["c"])

    def say_hello(self, now_ms):
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "mg", "dom": "eu", "fw": FW, "drf": self.drf(), "ph": 0,
            "un_dV": self.cfg["un_dv"], "sw": 0, "boot": self.boots})

    def beat(self, now_ms):
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": self.rssi(),
            "q": self.quality(now_ms), "err": self.state(),
            "ph": 0, "on": int(not self._pns), "why": 0})

    # -- rest

    def rest_ms(self, now_ms):
        if self._next_ms < 0 or self.contacts.busy():
            return 0
        for k in range(self.gear.inputs):
            if self.gear.feedback(k) != self._inputs[k]:
                return 0
        rest_ms = min(super().rest_ms(now_ms), self._next_ms - now_ms, self._send_ms - now_ms)
        for other_ms in (self.devices.rest_ms(now_ms, self._started_ms),
                         self.watch.rest_ms(now_ms),
                         self._stepped_ms + _JUMP_MS + 200 - now_ms):    # and a window
            if other_ms >= 0:
                rest_ms = min(rest_ms, other_ms)
        return rest_ms
