"""DRF-4 Phase switching: break before make, the open state proven (spec smartlvgrid, section 11).

open all -> mirror contacts open -> dead time, counted from the contact's opening -> load side
dead -> close the target -> contact and load voltage prove it. Zero current proves nothing and is
not asked. Runs in the fast tier: nothing allocates; every drive goes through the gate, which
checks again.
"""
from micropython import const

from acu import events as ev
from acu.primitives.switching import R_OK, TO_E

IDLE = const(0)
OPENING = const(1)
DEAD = const(2)
CLOSING = const(3)
VERIFY = const(4)

# Bounds of dead_ms, those of the setting (config.py).
DEAD_MIN_MS = const(40)
DEAD_MAX_MS = const(2_000)

_PROVE_US = const(150_000)      # a contact that has not moved by then is stuck
_DEAD_MAX_US = const(5_000_000)  # so long may a motor or an inverter keep the load side alive
_VERIFY_US = const(200_000)

# Results. RUNNING until one of the others; the slow tier takes it with take().
RUNNING = const(-1)
NONE = const(0)
DONE = const(1)
BACK = const(2)       # target failed, previous phase connected again
FAILED = const(3)     # left open, locked out
WELDED = const(4)     # never opened; nothing was closed


class PhaseSequence:
    """One phase change of one customer. dead_ms: 40..2000; t_close_ms: drive to contact, 1..25."""

    def __init__(self, gate, look, clock, dead_ms, t_close_ms):
        self._gate = gate
        self._look = look
        self._clock = clock
        self._dead_us = 0
        self._t_close_us = t_close_ms * 1000
        self.set_dead(dead_ms)
        self.state = IDLE
        self.result = NONE
        self.e = 0
        self.step = 0          # where it failed
        self.break_ms = 0      # contact open to contact made, as the mirrors showed it
        self.phase = 0         # where the customer ended up
        self._from = 0
        self._to = 0
        self._back = False     # on the way back to where it came from
        self._t_us = 0
        self._open_us = 0

    def set_dead(self, dead_ms):
        self._dead_us = dead_ms * 1000

    def start(self, source, target, now_us):
        """Opens now. The caller has checked the request; the gate checks the closing."""
        self._from = source
        self._to = target
        self._back = False
        self.result = RUNNING
        self.e = 0
        self._t_us = now_us
        self.state = OPENING
        self._gate.open_all()

    def abort(self):
        """An outage or a local opening came: stay open, close nothing."""
        if self.state != IDLE:
            self._gate.open_all()
            self._end(FAILED, ev.E_BUSY)

    def take(self):
        """The finished result once, else NONE."""
        r = self.result
        if r == RUNNING:
            return NONE
        self.result = NONE
        return r

    def _end(self, result, e):
        self.step = self.state
        self.e = e
        self.state = IDLE
        self.result = result

    def fast(self, now_us):
        """One fast tick."""
        if self.state == IDLE:
            return
        mask = self._gate.mask()
        spent_us = self._clock.ticks_diff(now_us, self._t_us)
        if self.state == OPENING:
            if mask == 0:
                self._open_us = now_us
                self._t_us = now_us
                self.state = DEAD
            elif spent_us > _PROVE_US:
                self._gate.locked = ev.WHY_STUCK
                self._end(WELDED, ev.E_NOT_VERIFIED)
        elif self.state == DEAD:
            if mask:
                self._fail(ev.E_INTERLOCK)
            elif spent_us + self._t_close_us >= self._dead_us:
                if self._look.load_dead():
                    r = self._gate.close(self._to)
                    if r == R_OK:
                        self._t_us = now_us
                        self.state = CLOSING
                    else:
                        self._retreat(TO_E[r], now_us)
                elif spent_us > _DEAD_MAX_US:
                    self._fail(ev.E_NOT_VERIFIED)
        elif mask & ~(1 << self._to):
            self._fail(ev.E_INTERLOCK)      # another contact closed by itself: never two phases
        elif self.state == CLOSING:
            if mask:
                self.break_ms = self._clock.ticks_diff(now_us, self._open_us) // 1000
                self._t_us = now_us
                self.state = VERIFY
            elif spent_us > _PROVE_US:
                self._gate.open_all()
                self._retreat(ev.E_NOT_VERIFIED, now_us)
        elif self.state == VERIFY:
            if mask and self._look.load_live():
                self.phase = self._to
                self._end(BACK if self._back else DONE, self.e)
            elif spent_us > _VERIFY_US:
                self._gate.open_all()
                self._retreat(ev.E_NOT_VERIFIED, now_us)

    def _retreat(self, e, now_us):
        """The target did not work: once, try the phase we came from; then stay open and lock."""
        if self._back:
            self._fail(e)
            return
        self._back = True
        self.e = e
        self._to = self._from
        self._t_us = now_us
        self.state = OPENING

    def _fail(self, e):
        self._gate.open_all()
        if e != ev.E_NO_VOLTAGE:      # a supply that went away is no fault of the switch
            self._gate.locked = ev.WHY_STUCK
        self._end(FAILED, e)
