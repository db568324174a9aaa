"""The switch of a customer's panel: the fast tier of an Operator, and what survives a power cut.

Local rule, gate and phase sequence run here, without any message; orders come from the slow tier
the way that switched.py has it (spec smartlvgrid, 10, 11).
"""
import struct

from micropython import const

from acu import events as ev
from acu.functions.local_rule import LocalRule
from acu.primitives import phase_switching as ps
from acu.primitives.recording import Record
from acu.primitives.switching import Look
from acu.roles.switched import O_NONE, O_PHASE, Switched

# version, why, phase, locked, sequence running, moves today, day, lease end (utc ms), operations.
# What is new goes to the end; the version changes where that is not enough.
_STATE = "<BBBBBIIQI"
_VERSION = const(32)     # above any reason: before there were versions a record began with one


class Panel(Switched):
    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        un_dv = cfg["un_dv"]
        self._fit(Look(self.measuring, self.sensing, un_dv, cfg["u_lo_pm"], cfg["u_hi_pm"]), 3)
        self.sequence = ps.PhaseSequence(self.gate, self.look, self.clock, cfg["dead_ms"],
                                         cfg["t_close_ms"])
        self._u_out_dv = un_dv * cfg["u_out_pm"] // 1000
        self.rule = LocalRule(un_dv, self._u_out_dv, cfg["t_out_ms"] + 100,
                              un_dv * cfg["u_ov_pm"] // 1000, cfg["t_ov_ms"])
        self._record = Record(self.store, "state")
        self._driven = 0           # 1: opened by the local rule, though no mirror says closed
        # With the own voltage between these the rule has nothing to say; _calm: nothing of it
        # counts, nor is in force, either.
        self._lo_dv = self._u_out_dv
        self._hi_dv = min(un_dv * cfg["u_ov_pm"], un_dv * 1150) // 1000
        self._calm = False
        self._phs = None           # (start_ms, target, request) of a change that waits
        self._load_state()

    # -- memory

    def _load_state(self):
        size = struct.calcsize(_STATE)
        raw = self._record.load_of(_VERSION, size, size)
        mask = self.gate.mask()
        if raw is None:
            self.why, self.phase, self.moves, self.day, self._lease_utc = ev.WHY_NONE, 0, 0, 0, 0
            running = int(self._record.damaged)     # what it had locked is not known
        else:
            (_, self.why, self.phase, locked, running, self.moves, self.day, self._lease_utc,
             self.gate.operations) = struct.unpack(_STATE, raw)
            self.gate.locked = locked
        for k in range(3):
            if mask == 1 << k:
                self.phase = k          # where the contact is, whatever memory says
        now_ms = self._booted(mask)
        if running:                     # a phase change was cut by the reset: abort to lock-out
            self.gate.locked = ev.WHY_RESET
            self.log.add(now_ms, ev.ABORTED, 4, ev.WHY_RESET)
            self.log.add(now_ms, ev.LOCKOUT, ev.WHY_RESET, mask, 0, True)
            if not mask:
                self.why = ev.WHY_RESET
        self._save()

    def _save(self):
        running = int(self._phs is not None or self._busy is not None and self._busy[0] == O_PHASE)
        self._record.save(struct.pack(
            _STATE, _VERSION, self.why, self.phase, self.gate.locked, running, self.moves,
            self.day, self._lease_utc, self.gate.operations))

    # -- fast tier

    def protect(self, halves, now_us):
        if halves and not (
                self._calm
                and self._lo_dv <= self.measuring.half_dv[self.phase] <= self._hi_dv):
            self._calm = False
            m = self.measuring
            k = self.phase
            dv = m.half_dv
            own_dv = dv[k]
            bad = self.sensing.bad
            if (own_dv < self._u_out_dv and not bad & 8 and not self.look.load_dead()
                    and self.gate.mask() == 1 << k):
                # alive behind the closed contact: a dead channel, not a dead phase
                own_dv = m.half_load_dv()
            why = self.rule.step(self.half_us * halves, own_dv, dv[0], dv[1], dv[2],
                                 bad & (1 << k) == 0, bad & 7 == 0)
            if why == 0:
                if self.rule.low_us == 0 and self.rule.high_us == 0:
                    self._tripped = 0
                    self._driven = 0
                    self._calm = True
            elif self._tripped != why and self.gate.armed:
                # with nothing closed the trip stays due: a contact may be on its way
                if self.sequence.state:
                    self._tripped = why
                    self.sequence.abort()
                elif self.gate.mask():
                    self._tripped = why
                    self.gate.open_all()
                    self._trip_seen = why
                    self.log.fast(ev.OPENED, why, k, own_dv, now_us)
                elif not self._driven:
                    self._driven = 1
                    self.gate.open_all()    # a broken mirror contact must keep nobody connected
                    if self.why == ev.WHY_NONE:        # nobody had opened: it is broken
                        self._trip_seen = why
                        self.log.fast(ev.OPENED, why, k, own_dv, now_us)
        if self._order:
            self._carry_out(now_us)
        if self.sequence.state:
            self.sequence.fast(now_us)
        if self.gate.driving:
            self.gate.fast()

    def _carry_out(self, now_us):
        if self._order != O_PHASE:
            super()._carry_out(now_us)
            return
        if self.gate.mask() == 1 << self.phase and not self._tripped:
            self.sequence.start(self.phase, self._order_k, now_us)
            self._order_r = 0
        else:
            self._order_r = 3
        self._order = O_NONE

    def may_write(self):
        if self.sequence.state or self._busy or self._order:
            return False
        # once it has opened nothing is left to protect, and the log must not wait for the supply
        picked_up = self.rule.low_us or self.rule.high_us
        return not (picked_up and self.gate.mask() and not self._tripped)

    def relays_ok(self):
        return self.gate.mask() in (0, 1, 2, 4)

    def _contact(self):
        return self.phase

    def _own_dv(self):
        return self.measuring.half_u(self.phase)

    def _load_dv(self):
        return self.measuring.half_load_dv()

    def _made(self, mask):
        return mask == 1 << self.phase and self.look.load_live()
