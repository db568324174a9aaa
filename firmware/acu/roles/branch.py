"""The breaker of a branch (PSB, R1): over-current, automatic reclosing, and what survives a power
cut.

Protection, sequence and gate run in the fast tier without any message; orders of the centre come
the way that switched.py has it. A board without outputs measures only. The load side has no
voltage channel: a closing is proven by the mirror contact, an opening by mirror and current (spec
smartlvgrid, 3.3).
"""
import struct
from array import array

from micropython import const

from acu import events as ev
from acu.functions import branch_reclosing as rc
from acu.functions.overcurrent import OverCurrent
from acu.primitives.recording import Record
from acu.primitives.switching import R_MEASURE, R_OK, R_SUPPLY, BranchLook
from acu.roles.base import Acu
from acu.roles.switched import O_CLOSE, O_NONE, O_OPEN, Switched

_ABC = const(3)              # phase told of a three-pole breaker
_STOP = const(5)             # order: end the sequence, drive nothing
_DEAD_PARTS = const(400)     # a current below 1/400 of full scale is none

# version, why, locked, sequence running, lease end (utc ms), operations. What is new goes to the
# end; the version changes where that is not enough.
_STATE = "<BBBBQI"
_VERSION = const(1)
_LEAST = const(12)           # bytes: the first ones had no operations


class Branch(Switched):
    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.breaker = self.gear.outputs > 0
        self.phase = _ABC
        self._fit(BranchLook(self.measuring, self.sensing, cfg["un_dv"], cfg["u_lo_pm"],
                             cfg["u_hi_pm"], board["cal"][3][0] // (1000 * _DEAD_PARTS)),
                  int(self.breaker))
        self.rule = OverCurrent(cfg["i_trip_ma"], cfg["t_trip_ms"], cfg["i_shc_ma"])
        self.recl = rc.Reclosing(cfg["recl_shots"], cfg["t_recl_ms"], cfg["t_reclaim_ms"])
        self._record = Record(self.store, "state")
        self._last_us = self.clock.ticks_us()
        # fast tier's words for the slow one
        self._trip_mask = self._trip_ma = 0
        self._done_by_itself = array("b", [0] * 5)  # MADE, LOCK, RECLAIMED: not yet told
        self._running = 0               # as saved: a sequence is under way
        self._unsaved = False           # the state record waits for may_write()
        self._told = -1                 # position and reason of the last beat
        if self.breaker:
            self._load_state()
            self.scheduler.add("operate", self._operate, 10, 500, True)
        else:
            self.log.add(self.clock.now_ms(), ev.BOOT, self.boots, self.cause)

    # -- memory

    def _load_state(self):
        raw = self._record.load_of(_VERSION, _LEAST, struct.calcsize(_STATE))
        mask = self.gate.mask()
        running = int(self._record.damaged)     # what it had locked is not known
        if raw:
            (_, self.why, self.gate.locked, running, self._lease_utc,
             self.gate.operations) = struct.unpack(_STATE, raw)
        now_ms = self._booted(mask)
        if not mask:
            self.recl.stop()
        if running:                     # cut by the reset: abort to lock-out
            self.gate.locked = self.gate.locked or ev.WHY_RESET
            self.log.add(now_ms, ev.ABORTED, 5, ev.WHY_RESET)
            self._done_by_itself[rc.LOCK] = 1       # the centre awaits a reclosing
        self._save()

    def _save(self):
        """Now, or as soon as the flash may be written: an erase holds a trip back."""
        self._unsaved = not self.may_write()
        if self._unsaved:
            return
        self._running = int(self.recl.running())
        self._record.save(struct.pack(_STATE, _VERSION, self.why, self.gate.locked, self._running,
                                      self._lease_utc, self.gate.operations))

    # -- fast tier

    def protect(self, halves, now_us):
        if not self.breaker:
            return
        gate = self.gate
        recl = self.recl
        us = self.clock.ticks_diff(now_us, self._last_us)
        self._last_us = now_us
        rule = self.rule
        if recl.state:
            if recl.state == rc.RECLAIM and (rule.over_us or rule.short_us):
                us = 0              # a fault that is there is not over
            what = rc.NOTHING
            if gate.locked and recl.state == rc.DEAD:
                what = rc.CLOSE     # the gate refuses, and that is the end
            elif not gate.locked or recl.state != rc.OFF:
                what = recl.step(us, gate.mask(), gate.busy())
            if what == rc.CLOSE:
                r = gate.close(0)
                if r == R_OK:
                    m = self.measuring
                    self.log.fast(ev.RECLOSE, recl.shot + 1,
                                  min(m.half_u(0), m.half_u(1), m.half_u(2)), 0, now_us)
                what = recl.asked(r == R_OK, r == R_SUPPLY or r == R_MEASURE)
                if what == rc.LOCK:
                    self._lock(ev.WHY_RECL)
            elif what == rc.LOCK:       # driven, and the contact did not follow
                gate.open_all()
                self._lock(ev.WHY_VERIFY)
            elif what:
                self._done_by_itself[what] = 1
        if halves:
            i_ma = self.measuring.half_ma
            why = rule.step(self.half_us * halves, i_ma[0], i_ma[1], i_ma[2], self.look.seen(),
                            self.look.clipped())
            if why == ev.WHY_NONE:
                if rule.over_us == 0 and rule.short_us == 0:
                    self._tripped = ev.WHY_NONE
            elif self._tripped == ev.WHY_NONE and gate.armed:
                self._tripped = why     # a lying mirror contact must not keep it closed
                gate.open_all()
                self._trip_mask = rule.mask
                self._trip_ma = rule.i_ma
                self.log.fast(ev.SHC if why == ev.WHY_SHC else ev.OC, rule.mask, rule.i_ma,
                              rule.i_shc_ma if why == ev.WHY_SHC else rule.i_trip_ma, now_us)
                self.log.fast(ev.OPENED, why, _ABC, self.measuring.half_u(0), now_us)
                self._trip_seen = why
                if recl.trip() == rc.LOCK:
                    self._lock(why)
        if self._order:
            self._carry_out(now_us)
        if gate.driving:
            gate.fast()

    def _lock(self, why):
        self.gate.locked = self.gate.locked or why
        self._done_by_itself[rc.LOCK] = 1

    def _carry_out(self, now_us):
        order = self._order
        if order == _STOP:
            self.recl.stop()
            self._order = O_NONE
            return
        super()._carry_out(now_us)
        if order == O_OPEN:
            self.recl.stop()
        elif order == O_CLOSE and self._order_r == R_OK:
            self.recl.by_hand()

    # -- slow tier

    def may_write(self):
        if not self.breaker:
            return True
        if self._busy or self._order or self.recl.fresh() or (
                self.gate.busy() and self.gate.mask()):
            return False
        # once it has opened nothing is left to protect
        picked_up = self.rule.over_us or self.rule.short_us
        return not (picked_up and self.gate.mask() and not self._tripped)

    def relays_ok(self):
        return True             # one contact: either position is possible

    def blind(self):
        return self.sensing.bad & ~(self.look.clipped() << 3)

    def _flows(self, mask):
        return mask != 0 or not self.look.load_dead()

    def _give_up(self, now_ms):
        """An opening waits for nothing: whatever is being done or proved ends here."""
        if self._busy and self._busy[2]:
            self._sw_ack(now_ms, self._busy[2], ev.E_BUSY)
        self._busy = None
        self._order = O_NONE

    def _on_cfg(self, now_ms, msg, body):
        super()._on_cfg(now_ms, msg, body)
        if self.gate.locked and not self._order:
            self._order = _STOP         # nothing recloses after a tag, also when it is gone again

    def _operate(self, now_ms):
        """Proof of what was ordered or done by the fast tier, the lever, the lease."""
        if self._trip_seen:
            why = self._trip_seen
            self._local(now_ms)
            self._evt(now_ms, ev.WHYS[why], self._trip_mask, self._trip_ma,
                      self.rule.i_shc_ma if why == ev.WHY_SHC else self.rule.i_trip_ma)
        for what in (rc.MADE, rc.RECLAIMED):
            self._tell(now_ms, what)
        if self._busy and not self._order:
            self._verify(now_ms)
        still = not (self._engaged() or self.gate.busy() or self._trip_seen)
        if still:
            self._tell(now_ms, rc.LOCK)
            self._lever(now_ms)
            if self._unsaved or self._running != int(self.recl.running()):
                self._save()
        if self._good(now_ms) and self._alone_ms(now_ms) <= 0:
            self._end_lease(now_ms)
        told = self.gate.mask() << 8 | self.why
        if still and self.ready and told != self._told:
            self.beat(now_ms)           # the Coordinator waits for it

    def _tell(self, now_ms, what):
        """What the sequence did by itself."""
        if not self._done_by_itself[what]:
            return
        self._done_by_itself[what] = 0
        if what == rc.MADE:
            self.why = ev.WHY_NONE
            self.log.add(now_ms, ev.CLOSED, ev.WHY_RECL, _ABC, self._own_dv())
        elif what == rc.RECLAIMED:
            self.log.add(now_ms, ev.RECLAIM)
        else:
            self.log.add(now_ms, ev.LOCKOUT, self.gate.locked, self.gate.mask(), 0, True)
            self._evt(now_ms, "LCK", 0, self.gate.locked, self.recl.shot)
        self._save()

    def _lever(self, now_ms):
        """Somebody moves the breaker by hand: then the position is his, and nothing recloses."""
        if rc.DEAD <= self.recl.state <= rc.CLOSING:
            return
        mask = self.gate.mask()
        if not mask and self.why == ev.WHY_NONE and self.look.load_dead():
            self.why = ev.WHY_LOCAL
            self._order = _STOP
            self.log.add(now_ms, ev.OPENED, ev.WHY_LOCAL, _ABC, self._own_dv())
            self._save()
        elif mask and self.why != ev.WHY_NONE and not self.gate.locked:
            self.why = ev.WHY_NONE
            self.log.add(now_ms, ev.CLOSED, ev.WHY_LOCAL, _ABC, self._own_dv())
            self._save()

    # -- rest

    def rest_ms(self, now_ms):
        if not self.breaker:
            return Acu.rest_ms(self, now_ms)
        if (self.stirred() or self.recl.state not in (rc.READY, rc.OFF) or self._told < 0
                or self._unsaved):
            return 0
        return super().rest_ms(now_ms)

    def stirred(self):
        return (super().stirred() or max(self.measuring.half_ma) > self.rule.i_trip_ma
                or self._trip_seen or max(self._done_by_itself) > 0)
