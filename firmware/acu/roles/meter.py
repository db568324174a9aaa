"""Role Meter: quantities, energy and quality of the supply at one place; switches nothing.

The fast tier watches the voltages (DRF-1); the slow one makes events of what it saw, evaluates
each window of 10/12 cycles (DRF-2), aggregates it and tells it. Speaks on the Slave Net like an
Operator, but answers only to who asks it by its name: it is nobody's member. A value of a bad
channel is null; powers and energies go on as estimates, and `fl` says so (functions/energy.py).
"""
from micropython import const

from acu import events as ev
from acu import forget
from acu import metering as mt
from acu.functions import supply_events as se
from acu.functions import voltage_events as ve
from acu.functions.aggregates import CLOCK, TEN_MIN, Aggregates
from acu.functions.energy import EXPORT, IMPORT, Energy
from acu.functions.quantities import Quantities
from acu.functions.spectrum import Spectrum
from acu.primitives.recording import Record
from acu.primitives.sensing import FROZEN, STALE
from acu.primitives.watching import Watch
from acu.primitives.windows import LOST, NO_F
from acu.roles.base import DRF_1, DRF_2, FW, Q_ADC, Q_OVERRUN, Acu

# Of `fl` and `q`: powers and energy of the last window are estimates, or its frequency is held.
Q_ESTIMATED = const(16)

# Flags of an aggregate besides the window's own (windows.py: 2 to 16) and the clock's (1).
A_ESTIMATED = const(32)
A_ADC = const(64)
A_EVENT_SHIFT = const(7)     # 128 a dip, 256 a swell, 512 an interruption (61000-4-30, 4.7)

_TICK_MS = const(600_000)
_HOLD_MS = const(80)         # sensing knows by then that a channel is frozen
_STEP_MS = const(500)        # a clock that jumps by more was set
_STEADY_MS = const(1000)     # so long is a voltage steady before a rapid change is over

# Kind of a supply event: number and code of `evt`.
_SUPPLY = {se.F_LOW: (mt.F_OUT, "FRQ"), se.F_HIGH: (mt.F_OUT, "FRQ"),
           se.OVERCURRENT: (mt.OCU, "OC"), se.REVERSED: (mt.REV, "REV"),
           se.PHASE_LOSS: (mt.PH_LOSS, "PHL"), se.SEQUENCE: (mt.PH_SEQ, "SEQ"),
           se.NEUTRAL: (ev.NEUTRAL, "NEU"), se.OPEN_U: (mt.OPEN_CH, "OPC"),
           se.OPEN_I: (mt.OPEN_CH, "OPC"), se.COVER: (mt.COVER, "TAMP"),
           se.MAGNET: (mt.MAGNET, "TAMP")}
_OF_PHASES = (se.OVERCURRENT, se.REVERSED, se.PHASE_LOSS, se.OPEN_U, se.OPEN_I)
_VOLTAGE = ((mt.DIP, "DIP"), (mt.SWELL, "SWL"), (mt.INTR, "INT"), (mt.RVC, "RVC"))


class Meter(Acu):
    POIS = (("SEP", DRF_1 | DRF_2),)

    def __init__(self, board, cfg, ports):
        from acu.primitives import calibration
        cal, table, date_s, why = calibration.load(
            ports.store, board["cal"], getattr(ports, "unique_id", b""))
        super().__init__({"kind": board["kind"], "cal": cal}, cfg, ports)
        now_ms = self.clock.now_ms()
        self.log.add(now_ms, ev.BOOT, self.boots, self.cause)
        if why or date_s:
            self.log.add(now_ms, mt.CAL, int(not why), date_s // 86_400,
                         int(why[1:4]) if why else 0, why != "")
        m = self.measuring
        calibration.seed(m)
        forget("acu.primitives.calibration")
        if table is not None and self._sampler.ring is not None:
            self._sampler.use_table(table)
        un_dv, fn_mhz = cfg["un_dv"], cfg["fn_mhz"]
        self.quantities = q = Quantities(m, cfg["wiring"])
        self.phases = q.phases
        self.n = n = len(q.phases)
        self.watch = Watch(self._sampler, m, un_dv, cfg["u_dip_pm"], cfg["u_swell_pm"],
                           cfg["u_int_pm"])
        self.voltage = ve.VoltageEvents(self.watch, un_dv, fn_mhz, cfg["rvc_pm"])
        step_ua = cal[-1][0] // 2048            # one code of a current
        self.supply = se.SupplyEvents(
            n, un_dv, fn_mhz - cfg["f_dev_mhz"], fn_mhz + cfg["f_dev_mhz"], cfg["i_max_ma"],
            cfg["rev_w"], step_ua * 10 // 1000 + 1, step_ua * 2 // 1000 + 1, cfg["t_pick_ms"])
        self.energy = Energy(n, self._sampler.rate_hz, m._creep_mw * 3 >> 3, un_dv * 100,
                             cfg["t_est_s"])
        self._registers = Record(self.store, "registers")
        raw = self._registers.load()
        if not self.energy.unpack(raw) if raw else self._registers.damaged:
            self.log.add(now_ms, mt.REGISTERS, 0, 0, 0, True)
        self.e_wh = self.energy.total_mwh(IMPORT) // 1000
        self._exported_wh = self.energy.total_mwh(EXPORT) // 1000
        self.spectrum = Spectrum(self._sampler, m)
        self.capture = None
        if cfg["cap_n"]:
            from acu.functions.capturing import Capture
            self.capture = Capture(self._sampler, m, self.store, self.clock, self.sync,
                                   cfg["cap_n"])
        # f, u2, u0, and of each phase: U, its least and greatest, I, P, Q, THD of U and I
        self.aggregates = Aggregates("fff" + "".join([kind * n for kind in "rlgrmmff"]))
        self.latest = [None] * 4        # the last finished interval of each kind
        self._starts = [None, None, None]    # of voltage events, by kind, that wait to be told
        self._begun = 0                      # kinds (bits) whose start was told
        self._begun_ms = [0, 0, 0]           # when that was
        self._bad = 0                   # channels that were bad in this window
        self._lost = m.lost_frames
        self._offset_ms = self.sync.utc_ms(0)
        self._off = -1                  # channels that said nothing in all of these 10 minutes
        self._told_q = (0, 0)           # phases whose estimates, and gaps, are in the log
        names = [one["name"] for one in board["inputs"]]
        self._inputs = [names.index(name) if name in names else -1
                        for name in ("cover", "magnet", "temperature")]
        self._up = "slvg/1/slv/%s/%s/%s/up/" % (cfg["sc"], cfg["uc"], self.id)
        down = "slvg/1/slv/%s/%s/" % (cfg["sc"], cfg["uc"])
        self.link.subscribe(down + self.id + "/dn/+")
        self.link.subscribe(down + "all/dn/+")
        self.scheduler.add("watch", self._watch, 10, 500, True)

    # -- fast tier

    def protect(self, halves, now_us):
        w = self.watch
        w.fast(now_us, halves)
        self._bad |= self.sensing.bad
        if self.ready and self.capture:
            self.capture.fast(now_us, w.dip | w.swell | w.interruption | w.fast_mask,
                              mt.SWELL if w.swell else mt.DIP)

    # -- events

    def blind(self):
        """One dead channel must not keep the others from being measured."""
        every = (1 << self.n) - 1
        return self.sensing.bad & every == every

    def _dead(self):
        """Channels that say nothing: these, and voltages that are surely off; of a current that
        is only likely."""
        return self._still() | self.supply.mask[se.OPEN_U]

    def _still(self):
        """Channels that do not move. One that clips says something: it is over its range."""
        why = self.sensing.why if self.sensing.bad else ()
        return sum([1 << c for c in range(len(why)) if why[c] in (FROZEN, STALE)])

    def _mask(self, measured):
        """Measured phases as a mask of A, B, C."""
        return sum([1 << self.phases[k] for k in range(self.n) if measured & 1 << k])

    def _watch(self, now_ms):
        self._voltages(now_ms)
        self.spectrum.step()
        n = self.capture.slow(now_ms, self.may_write()) if self.capture else 0
        if n:
            self.log.add(now_ms, mt.CAPTURE, n, self.capture.frames,
                         self.capture.missed + self.capture.lost)

    def passed(self, now_ms):
        """What is wrong with the voltage already began before the start, or with it."""
        for kind, mask, value, start_ms in self.voltage.running():
            self._starts[kind] = (start_ms, mask, value)

    def _voltages(self, now_ms):
        """A channel that froze shows a dip at first: a start waits until sensing has judged."""
        now_us = self.clock.ticks_us()
        bad = self._dead() & (1 << self.n) - 1
        starts = self._starts
        for one in self.voltage.step(now_ms, now_us, bad):
            kind, began, mask, value, dur_ms, t0_us = one
            if began:
                if self.ready:
                    starts[kind] = (now_ms - ((now_us - t0_us) & 0x3FFFFFFF) // 1000, mask, value)
            elif kind == ve.RVC:
                self._tell(now_ms, now_ms - dur_ms - _STEADY_MS, kind, mask, value, dur_ms)
            else:
                if starts[kind] and mask & bad:
                    starts[kind] = None
                self._tell_start(now_ms, kind)
                if self._begun & 1 << kind:
                    self._begun ^= 1 << kind
                    self._tell(now_ms, self._begun_ms[kind], kind, mask, value, dur_ms)
        for kind in range(len(starts)):
            if starts[kind] and now_ms - starts[kind][0] >= _HOLD_MS:
                self._tell_start(now_ms, kind)

    def _tell_start(self, now_ms, kind):
        """If it waits to be told."""
        if not self._starts[kind]:
            return
        at_ms, mask, value = self._starts[kind]
        self._starts[kind] = None
        if kind == ve.INTERRUPTION:
            self._tell_start(now_ms, ve.DIP)         # it is one as well, and began before
            self._falling = True        # store: it may be the last that we do
        self._begun |= 1 << kind
        self._begun_ms[kind] = at_ms
        self._tell(now_ms, at_ms, kind, mask, value, 0)

    def _tell(self, now_ms, t0_ms, kind, mask, value, dur_ms):
        """A voltage event that began at t0_ms; dur_ms 0 at its start. Logged when it was, a rapid
        change at its start."""
        number, code = _VOLTAGE[kind]
        mask = self._mask(mask)
        if kind == ve.RVC:
            self.log.add(t0_ms, number, mask, value, self.voltage.rvc_max_dv, True)
        else:
            self.log.add(t0_ms + dur_ms, number, mask, value, dur_ms, True)
        self._evt(now_ms, code, mask, value, dur_ms, t0_ms)

    def _supplies(self, now_ms, dead):
        m, q, n = self.measuring, self.quantities, self.n
        i_ma = [(x + 500) // 1000 for x in q.i_ua]
        level = [self.gear.feedback(k) if k >= 0 else 0 for k in self._inputs]
        told = self.supply.step(
            now_ms, m.window_ms, q.f_mhz, m.u_dv, i_ma, m.p_w, dead & (1 << n) - 1, dead >> n,
            q.sequence, q.u0_ppm, q.u2_ppm, level[0], level[1])
        for kind, on, mask, value, dur_ms in told:
            number, code = _SUPPLY[kind]
            ph = self._mask(mask) if kind in _OF_PHASES else 0
            args = (value, on, dur_ms)                              # F_OUT, PH_SEQ
            if number == mt.OCU:
                args = (ph, value, on and self.cfg["i_max_ma"])
            elif number == mt.REV:
                args = (ph, value, on)
            elif number == mt.PH_LOSS:
                args = (ph, on, value)
            elif number == mt.OPEN_CH:      # the lowest of them; all are in the message
                k = 0
                while not mask & 1 << k:
                    k += 1
                args = (k if kind == se.OPEN_U else n + k, on, 0)
            elif kind >= se.COVER:
                value = 1 + kind - se.COVER
                args = (on, 0, 0)
            elif kind == se.NEUTRAL:
                args = (max(m.u_dv), min(m.u_dv), 0)
            if on or kind != se.NEUTRAL:
                self.log.add(now_ms, number, args[0], args[1], args[2], True)
            self._evt(now_ms, code, ph, value, on, now_ms - dur_ms)

    # -- windows

    def window(self, now_ms):
        self._voltages(now_ms)          # what happened in it, before it is judged
        m, q, energy = self.measuring, self.quantities, self.energy
        q.update()
        dead = self._dead()
        bad = self._bad | dead
        self._bad = 0
        lost = m.lost_frames
        energy.add(m.n_frames, q.p_mw, q.q_mvar, bad, q.u_mv, q.i_ua, lost - self._lost)
        self._lost = lost
        if (energy.q, energy.missing) != self._told_q:
            self._told_q = (energy.q, energy.missing)
            self.log.add(now_ms, mt.ESTIMATED, self._mask(energy.q), int(energy.q != 0),
                         self._mask(energy.missing))
        flags = m.quality | self.voltage.seen() << A_EVENT_SHIFT
        if energy.q:
            flags |= A_ESTIMATED
        if bad or self.spectrum.clipped:
            flags |= A_ADC
        offset_ms = self.sync.utc_ms(0)
        if (abs(offset_ms - self._offset_ms) > _STEP_MS
                or not self.sync.synchronised(now_ms)):
            flags |= CLOCK
        self._offset_ms = offset_ms
        values = [q.f_mhz, max(q.u2_ppm, 0), max(q.u0_ppm, 0)]
        values += q.u_mv + q.u_mv + q.u_mv + q.i_ua + energy.p_mw + energy.q_mvar
        values += [max(thd, 0) for thd in self.spectrum.thd_ppm]
        for done in self.aggregates.add(self.sync.utc_ms(now_ms), m.n_frames, values, flags):
            self.latest[done[0]] = done
            if done[0] == TEN_MIN:
                if self.ready:
                    self._tell_pq(now_ms, done)
                self._off = -1
        self._off &= dead
        if self.ready:
            self._supplies(now_ms, self._still())

    def _grown_mwh(self):
        return self.energy.fresh_mwh()

    def _store_energy(self):
        """What is told is what is stored."""
        if self._registers.save(self.energy.pack()):
            self.energy.fresh = 0
            self.e_wh = self.energy.total_mwh(IMPORT) // 1000
            self._exported_wh = self.energy.total_mwh(EXPORT) // 1000

    # -- rest

    def rest_ms(self, now_ms):
        """Until a tick of the 10 minutes ends an interval, or a condition has lasted for its
        time."""
        if self.voltage.active or self.capture and self.capture.busy():
            return 0
        tick_ms = _TICK_MS - self.sync.utc_ms(now_ms) % _TICK_MS
        return min(super().rest_ms(now_ms), self.supply.rest_ms(now_ms), tick_ms)

    def stirred(self):
        """Each half cycle is looked at, when there are any."""
        return True

    # -- messages

    def quality(self, now_ms):
        q = super().quality(now_ms)
        seen = self.measuring.quality
        if seen & LOST:
            q |= Q_OVERRUN
        if self.spectrum.clipped:       # peaks of a wave whose RMS is none for sensing
            q |= Q_ADC
        return q | Q_ESTIMATED if self.energy.q or seen & NO_F else q

    def handle(self, now_ms, topic, msg):
        if msg["d"] == self.id and msg["t"] == "meas.req":
            self._reply_meas(now_ms, msg)

    def _three(self, values, unit, bad=0):
        """[A, B, C] of what is measured, rounded; null where it is not, or its channel is bad."""
        row = [None, None, None]
        for k in range(self.n):
            if not bad & 1 << k and values[k] is not None:
                row[self.phases[k]] = (values[k] + unit // 2) // unit
        return row

    def _reply_meas(self, now_ms, msg):
        q, n = self.quantities, self.n
        bad = self._dead()
        t_in = self._inputs[2]
        self.net.send(now_ms, self._up + "meas", "meas", msg["s"], {
            "u_dV": self._three(q.u_mv, 100, bad), "i_mA": self._three(q.i_ua, 1000, bad >> n),
            "p_W": self._three(self.energy.p_mw, 1000),
            "q_var": self._three(self.energy.q_mvar, 1000),
            "s_VA": self._three(q.s_mva, 1000, bad | bad >> n), "f_mHz": q.f_mhz,
            "e_Wh": self.e_wh, "t_dC": self.gear.feedback(t_in) if t_in >= 0 else None,
            "gnd": None, "dofc": None, "ph": self.phases[0] if n == 1 else None, "on": None,
            "fl": self.quality(now_ms)}, msg["c"])

    def _tell_pq(self, now_ms, done):
        _, end_ms, v, n_frames, flags = done
        n = self.n
        at = [v[k:k + n] for k in range(3, 3 + 6 * n, n)]
        thd = [x or None for x in v[3 + 6 * n:]]            # 0: there was none to be had
        off = self._off
        if self.energy.fresh:
            self._store_energy()
        self.net.send(now_ms, self._up + "pq", "pq", "*", {
            "t0_ms": end_ms, "n": n_frames, "fl": flags, "u_mV": self._three(at[0], 1, off),
            "umin_mV": self._three(at[1], 1, off), "umax_mV": self._three(at[2], 1, off),
            "i_mA": self._three(at[3], 1000, off >> n), "p_W": self._three(at[4], 1000),
            "q_var": self._three(at[5], 1000), "thdu_m": self._three(thd, 1000),
            "thdi_m": self._three(thd[n:], 1000), "f_mHz": v[0] or None,
            "u2_m": (v[1] + 500) // 1000 if n == 3 else None,
            "u0_m": (v[2] + 500) // 1000 if n == 3 else None,
            "e_Wh": self.e_wh, "x_Wh": self._exported_wh})

    def say_hello(self, now_ms):
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "mt", "dom": "tp" if self.n == 3 else "eu", "fw": FW, "drf": self.drf(),
            "ph": self.phases[0], "un_dV": self.cfg["un_dv"], "sw": 0, "boot": self.boots})

    def beat(self, now_ms):
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": self.rssi(), "q": self.quality(now_ms), "err": 0,
            "ph": self.phases[0], "on": 1, "why": 0})
