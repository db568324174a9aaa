"""Role Recloser (ACU at a breaker between two nets): synchronism check, protection, events.

The fast tier measures both sides, lets the check and the protection judge, and trips or closes
through the one gate without any message. A closing is asked for by message or at the console,
select before operate; the slow tier then only hands the request to the check, which waits for the
right moment (spec recloser, sections 3 and 4; ANSI 25, 27/59, 46, 47, 50/51, 81). Automatic
reclosing and islanding are other functions. Voltages and currents in messages are primary.
"""
import struct

from micropython import const

from acu import events as ev
from acu.dsp.bay import BAD, DDT, F1, IA, SEQ, SLIPT, UAB1, P, Q
from acu.dsp.fixed import isqrt
from acu.functions import synccheck as sc
from acu.functions.protection import (
    ACTED,
    COUNT,
    EACH,
    OPERATED,
    PHASES,
    ROSE,
    ROW,
    Protection,
)
from acu.functions.sync_record import D_STATE, D_VALUES, ND
from acu.functions.vt_supervision import VtSupervision
from acu.primitives.bay_gate import IN_52A, IN_52B, R_POSITION, R_SYNC, BayGate
from acu.primitives.bay_measuring import MORE, BayMeasuring
from acu.primitives.bay_sensing import BaySensing
from acu.primitives.recording import Record
from acu.primitives.switching import R_OK, TO_E
from acu.roles.base import DRF_1, DRF_2, DRF_3, FW
from acu.roles.switched import HAND, O_CLOSE, O_NONE, VERIFY_MS, Switched

_ABC = const(3)              # phase told of a three-pole breaker
_FULL = const(8)             # blocks of the longest window
_OF_CURRENT = const(63)      # elements 50 to 46, the first six
_BURST = const(3)            # more blocks a tick at most, of those that a flash erase left behind
_STATE = "<BBBBBI"           # version, why, locked, setting group, VT alarms, operations
_VERSION = const(1)
_WORD = "<q%di" % ND         # a decision as it is stored: Unix time in ms, the record
KEPT = const(16)             # decisions
_IDLE_MS = const(600_000)
_CAPTURE = const(65)         # metering.CAPTURE


class Recloser(Switched):
    POIS = (("PSB", DRF_1 | DRF_2 | DRF_3),)
    gate: BayGate

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        q = self.bay.q
        par, rows, curves, count = board["tables"]
        self.vts = VtSupervision(par, q)
        self.check = board.get("check", sc.SyncCheck)(par, q, self.vts.st)
        self.protection = Protection(rows, curves, count, q)
        self.look = self.gate = BayGate(self.gear, self.check, q)
        self.phase = _ABC
        self.decisions = []          # packed, oldest first; a board's console unpacks them
        self._up = "slvg/1/mst/%s/%s/up/" % (cfg["sc"], self.id)
        # fast tier's words for the slow one
        self._trips = 0              # elements that hold the trip
        self._blocked = 0            # what holds closings off: trips, a breaker that is not open
        self.hold = 0                # reasons of others that hold closings off
        self._group = -1             # setting group to change to
        # slow tier's
        self._mode = sc.SYNC if cfg.get("sy_mode") == "sync" else sc.CHECK
        self._for_ms = 0             # a request waits so long; 0: sy_wait_ms
        self._driven = False         # the close order under proof has gone out
        self._alarms = 0             # of the VT supervision, as told
        self._position = -1          # as told: 0 open, 1 closed, 2 neither, 3 both
        self._unsaved = False        # the state record waits for may_write()
        self._untold = False         # decisions wait to be stored
        self._idle_ms = -_IDLE_MS    # of the last permit told that nobody had asked for
        self._told = -1
        self._record = Record(self.store, "state")
        self._decided = Record(self.store, "decisions")
        self.capture = None
        self._picked = 0             # a close order or a trip in this tick: number of its event
        if cfg["cap_n"]:
            from acu.functions.capturing import Capture, Origin
            self.capture = Capture(
                self._sampler, Origin("recloser", board["cal"], cfg["un1_mv"] // 100, 50_000),
                self.store, self.clock, self.sync, cfg["cap_n"], 200, 200 + cfg["t_close_ms"])
        self._load_state()
        self.link.subscribe("slvg/1/mst/%s/%s/dn/+" % (cfg["sc"], self.id))
        self.link.subscribe("slvg/1/mst/%s/all/dn/+" % cfg["sc"])
        self.scheduler.add("operate", self._operate, 10, 500, True)

    def _fit_measuring(self, board, cfg, ports):
        self.measuring = self.bay = BayMeasuring(ports.sampler, board["cal"], cfg)
        self.bay.ratio = cfg["vt_n"] * cfg["ct_n"]
        self.bay.u_ratio(cfg["vt_n"])
        self.sensing = BaySensing(self.bay, len(board["cal"]))

    # -- memory

    def _load_state(self):
        raw = self._record.load_of(_VERSION, struct.calcsize(_STATE), struct.calcsize(_STATE))
        group = 0
        if raw:
            (_, self.why, self.gate.locked, group, self._alarms,
             self.gate.operations) = struct.unpack(_STATE, raw)
            self.vts.restore(self._alarms)
        elif self._record.damaged:               # what it had locked is not known
            self.gate.locked = ev.WHY_RESET
        self.protection.use(group)
        raw = self._decided.load()
        size = struct.calcsize(_WORD)
        if raw and len(raw) % size == 0:
            self.decisions = [raw[k:k + size] for k in range(0, len(raw), size)]
        self._booted(self.gate.mask())
        self._save()

    def _save(self):
        self._unsaved = not self.may_write()
        if not self._unsaved:
            self._record.save(struct.pack(_STATE, _VERSION, self.why, self.gate.locked,
                                          self.protection.group, self._alarms,
                                          self.gate.operations))

    # -- fast tier

    def fast(self, now_us):
        """5 ms: every block of frames that waits, judged one by one."""
        self.ticks = now_us
        bay = self.bay
        more = bay.fast(now_us)
        if more:
            self._judge(now_us)
            n = _BURST
            while more == MORE and n:
                n -= 1
                more = bay.fast(now_us)
                self._judge(now_us)
        else:
            self.check.step()                    # nothing new: it refuses, and permits end
        if not more or bay.q[BAD] != self.sensing.bad:
            self.sensing.fast(more)
        if self._group >= 0:
            self.protection.use(self._group)
            self._group = -1
        if self._order:
            self._carry_out(now_us)
        if self.gate.driving:
            self.gate.fast()
        if self.capture and (self._picked or self.capture.awake):
            self.capture.fast(now_us, self._picked, self._picked)
            self._picked = 0

    def _judge(self, now_us):
        if self.bay.q[SEQ] < _FULL:              # the windows fill
            return
        gate = self.gate
        position = gate.position()
        self.vts.step(position)
        trips = self._trips_now()
        st = self.protection.state
        if st[ROSE] or st[ACTED]:
            self._tell_elements(st, now_us)
        if trips and gate.armed and (trips & ~self._trips or position and not gate.busy()):
            if trips & ~self._trips and position:
                self._trip_seen = self._why_of(trips)
                self.check.cancel()
                self._picked = ev.OPENED
                self.log.fast(ev.OPENED, self._trip_seen, _ABC, self._own_dv(), now_us)
            gate.open_all()
        self._trips = trips
        blocked = (trips or position) | self.hold
        if blocked != self._blocked:
            self._blocked = blocked
            self.check.block(blocked)
        if self.check.step() == sc.CLOSE:        # in this very tick, or not at all
            self._order_r = gate.close(0)
            self._picked = ev.SYNC_CLOSE
            if self._order == O_CLOSE:
                self._order = O_NONE
            self.log.fast(ev.SYNC_CLOSE, self._order_r, self.bay.q[DDT], self.bay.q[SLIPT], now_us)

    def _trips_now(self):
        """What wants the breaker open in this tick, as a mask."""
        return self.protection.step()

    def _why_of(self, trips):
        return ev.WHY_OC if trips & _OF_CURRENT else ev.WHY_PROT

    def _tell_elements(self, st, now_us):
        protection = self.protection
        for k in range(st[COUNT]):
            bit = 1 << k
            at = ROW + EACH * k
            if st[ROSE] & bit:
                self.log.fast(ev.PICKUP, k, st[at + PHASES], protection.value(k), now_us)
            if st[ACTED] & bit:
                self.log.fast(ev.OPERATED, k, protection.value(k), protection.since_ms(k), now_us)

    def _carry_out(self, now_us):
        order = self._order
        if order != O_CLOSE:
            return super()._carry_out(now_us)
        # a closing waits for the check, which answers in _judge(); what forbids it ends the wait
        r = self.gate.may_close(0)
        if r == R_OK and self.check.waiting():
            return
        self.check.cancel()
        self._order_r = r or R_SYNC
        self._order = O_NONE

    # -- slow tier

    def may_write(self):
        """No flash erase while an element's time runs and there is something to open, a request
        waits for its moment, a coil is driven or an operation is being proved."""
        return not (self.protection.timing() and self.gate.mask() or self.check.waiting()
                    or self._order or self._busy or self._trip_seen or self.gate.busy())

    def relays_ok(self):
        """The two contacts must say one and the same position."""
        return self.gate.closed() or not self.gate.mask()

    def blind(self):
        """A side may be dead, not a whole converter."""
        return self.sensing.bad == (1 << len(self.sensing.why)) - 1

    def use_group(self, n):
        """Another setting group of the protection, 0 grid, 1 island. An error E_*, 0 if done."""
        if not 0 <= n < self.protection.groups:
            return ev.E_LIMIT
        if not self.may_write():
            return ev.E_BUSY
        self._group = n
        self.log.add(self.clock.now_ms(), ev.GROUP, n)
        return ev.E_OK

    def _own_dv(self):
        """Line voltage AB of side 1, primary. In the fast tier too."""
        return self.bay.half_u(0)

    def _made(self, mask):
        return self.gate.closed()

    def _begin(self, now_ms, order, msg, why):
        self.gate.remote = msg is not None and msg is not HAND
        wait_ms = 0
        if order == O_CLOSE:
            wait_ms = self._for_ms or self.cfg["sy_wait_ms"]
            self._driven = False
            self.check.request(self._mode, wait_ms)
        super()._begin(now_ms, order, msg, why)
        self._busy[1] += wait_ms

    def _verify(self, now_ms):
        if self._busy[0] == O_CLOSE and not self._order_r and not self._driven:
            self._driven = True
            self._busy[1] = now_ms + VERIFY_MS   # of travel, not of waiting
        super()._verify(now_ms)

    def _refuse(self, now_ms, request, what, r, e, sel=0):
        if r == R_SYNC:
            self._take_decisions(now_ms)         # why it was refused comes first
        super()._refuse(now_ms, request, what, r, e, sel)

    def _give_up(self, now_ms):
        """An opening waits for nothing: whatever is being done or proved ends here."""
        self.check.cancel()
        if self._busy and self._busy[2]:
            self._sw_ack(now_ms, self._busy[2], ev.E_BUSY)
        self._busy = None
        self._order = O_NONE

    def _stuck(self, now_ms, mask):
        self.gate.locked = ev.WHY_STUCK
        self.log.add(now_ms, ev.STUCK, mask, 0, max(self.bay.half_ma), True)

    def _tell_trip(self, now_ms):
        k = self._first(self.protection.state[OPERATED])
        self._evt(now_ms, "PRO", k, self.protection.value(k), self._trips)

    def _operate(self, now_ms):
        """Proof of what was ordered, decisions of the check, alarms, what others did to the
        breaker."""
        if self._trip_seen:
            self._local(now_ms)
            self._tell_trip(now_ms)
        if self._busy and not self._order:
            self._verify(now_ms)
        self._take_decisions(now_ms)
        n = self.capture.slow(now_ms, self.may_write()) if self.capture else 0
        if n:
            self.log.add(now_ms, _CAPTURE, n, self.capture.frames,
                         self.capture.missed + self.capture.lost)
        if self.vts.st[0] != self._alarms:
            self._alarms = self.vts.st[0]
            self.log.add(now_ms, ev.VT, self._alarms, 0, 0, True)
            self._evt(now_ms, "VTS", 0, self._alarms, 0)
            self._save()
        if not (self._engaged() or self.gate.busy() or self._trip_seen):
            self._look_at_breaker(now_ms)
            if self._unsaved:
                self._save()
            if self._untold and self.may_write():
                self._untold = False
                self._decided.save(b"".join(self.decisions))
        told = self.gate.mask() << 8 | self.why
        if self.ready and told != self._told and not self._engaged():
            self.beat(now_ms)

    @staticmethod
    def _first(mask):
        k = 0
        while k < 29 and not mask >> k & 1:
            k += 1
        return k if k < 29 else 0

    def _take_decisions(self, now_ms):
        """What the check has decided: into the log, and whole into the store."""
        while self.check.pop():
            d = self.check.decision
            if not d[D_STATE + sc.S_FOR]:        # nobody asked: a permit now and then is enough
                if now_ms - self._idle_ms < _IDLE_MS:
                    continue
                self._idle_ms = now_ms
            at_ms = now_ms - ((self.bay.q[SEQ] - d[D_STATE + sc.S_SEQ]) & 0x1FFFFFFF) * 5
            self.log.add(at_ms, ev.SYNC, d[0], d[D_STATE + sc.S_REASONS], d[D_VALUES + sc.V_TOUCH])
            self.decisions.append(struct.pack(_WORD, self.sync.utc_ms(at_ms), *d))
            if len(self.decisions) > KEPT:
                self.decisions = self.decisions[-KEPT:]
            self._untold = True

    def _look_at_breaker(self, now_ms):
        """Somebody else moved it, or its contacts cannot be."""
        a = self.gear.feedback(IN_52A)
        b = self.gear.feedback(IN_52B)
        position = 1 if a and not b else 0 if b and not a else 3 if a else 2
        if position == self._position:
            return
        self._position = position
        if position > 1:
            self.log.add(now_ms, ev.POSITION, a, b, 0, True)
        elif position and self.why != ev.WHY_NONE:
            self.why = ev.WHY_NONE
            self.log.add(now_ms, ev.CLOSED, ev.WHY_LOCAL, _ABC, self._own_dv())
            self._save()
        elif not position and self.why == ev.WHY_NONE:
            self.why = ev.WHY_LOCAL
            self.log.add(now_ms, ev.OPENED, ev.WHY_LOCAL, _ABC, self._own_dv())
            self._save()

    # -- messages

    def handle(self, now_ms, topic, msg):
        t = msg["t"]
        body = msg["b"]
        if t == "sw.req" and msg["d"] == self.id:
            if body["lease_s"]:                  # nothing closes by itself
                return self._refuse(now_ms, msg, int(body["on"] != 0), 0, ev.E_LIMIT, body["sel"])
            if body["on"] and self.gate.position() < 0:
                return self._refuse(now_ms, msg, 1, R_POSITION, TO_E[R_POSITION], body["sel"])
            self._on_sw(now_ms, msg, body)
        elif t == "cfg" and msg["d"] == self.id:
            self._on_cfg(now_ms, msg, body)
        elif t == "meas.req" and msg["d"] == self.id:
            self._reply_meas(now_ms, msg)

    def _reply_meas(self, now_ms, msg):
        q = self.bay.q
        cfg = self.cfg
        u = cfg["un1_mv"] * cfg["vt_n"]
        ratio = self.bay.ratio
        p_w = q[P] * ratio // 1000
        q_var = q[Q] * ratio // 1000
        self._say(now_ms, "meas", msg, {
            "u_dV": [q[UAB1 + k] * u // 1_000_000 for k in range(3)],
            "i_mA": [q[IA + k] * cfg["ct_n"] for k in range(3)],
            "p_W": [p_w, None, None], "q_var": [q_var, None, None],
            "s_VA": [isqrt(p_w * p_w + q_var * q_var), None, None],
            "f_mHz": q[F1], "e_Wh": self.e_wh, "t_dC": None, "gnd": None, "dofc": None,
            "ph": _ABC, "on": self._on(), "fl": self.quality(now_ms)})

    def say_hello(self, now_ms):
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "rcl", "dom": "sp", "fw": FW, "drf": self.drf(), "ph": 0,
            "un_dV": self.cfg["un1_mv"] * self.cfg["vt_n"] // 100, "sw": 1, "boot": self.boots})

    def beat(self, now_ms):
        self._told = self.gate.mask() << 8 | self.why
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": self.rssi(),
            "q": self.quality(now_ms), "err": self.gate.locked,
            "ph": 0, "on": self._on(), "why": self.why})

    # -- rest: a recloser never does

    def rest_ms(self, now_ms):
        return 0
