"""DRF-3 On/off switching: the one gate. Nothing else in the firmware drives an output.

One output per phase contact (latching relays: a coil pulse each way), one mirror contact per
output. Every closing is re-checked here at operate time, whoever asks for it. Runs in the fast
tier: no allocation. Position is what the mirror contacts say, never what was ordered (design,
section 7).
"""
from array import array

from micropython import const

from acu import events as ev
from acu.ports import CLOSE, OPEN, RELEASE
from acu.primitives.sensing import CLIPPED, OK

_PULSE_TICKS = const(8)      # 40 ms of coil drive; the slowest relay allowed moves in 25 ms

# Why a closing was refused, finer than the message's `e`: shown in REFUSED events.
R_OK = const(0)
R_UNARMED = const(1)      # self-test not passed since start
R_LOCKED = const(2)       # lock-out, lock or tag
R_CONTACT = const(3)      # a contact of this switch is closed, or just being driven closed
R_MEASURE = const(4)      # measurement stale, frozen, clipped or implausible
R_SUPPLY = const(5)       # the phase to be connected is outside its band
R_LOAD = const(6)         # the load side is alive
# 7 to 11 are of a recloser: bay_gate.py
TO_E = (ev.E_OK, ev.E_BUSY, ev.E_INTERLOCK, ev.E_INTERLOCK, ev.E_LIMIT, ev.E_NO_VOLTAGE,
        ev.E_INTERLOCK, ev.E_NO_VOLTAGE, ev.E_LIMIT, ev.E_INTERLOCK, ev.E_INTERLOCK,
        ev.E_NOT_VERIFIED)


class Gate:
    """The outputs of one switch, at most one of them closed. look: measured facts, see Look."""

    def __init__(self, switchgear, n, look):
        self._gear = switchgear
        self._look = look
        self._pulse = array("i", [0] * n)      # ticks of drive left, by output
        self._closing = array("i", [0] * n)    # 1: the drive in progress closes
        self.n = n
        self.driving = 0                       # fast() has to be called
        self.armed = False                     # set by the self-test, never by a message
        self.locked = 0                        # reason of the lock, ev.WHY_*; 0: none
        self.operations = 0

    def mask(self):
        """Closed contacts as bits, from the mirror contacts."""
        m = 0
        for k in range(self.n):
            if self._gear.feedback(k):
                m |= 1 << k
        return m

    def open_all(self):
        """Opens every contact, closed or not; never refused once the self-test passed."""
        if not self.armed:
            return
        self.driving = 1
        for k in range(self.n):
            self._gear.drive(k, OPEN)
            self._pulse[k] = _PULSE_TICKS
            self._closing[k] = 0
        self.operations += 1

    def may_close(self, k):
        """R_OK or the reason why contact k must not close now."""
        if not self.armed:
            return R_UNARMED
        if self.locked:
            return R_LOCKED
        if self.mask():
            return R_CONTACT
        for j in range(self.n):
            if self._closing[j] and self._pulse[j]:
                return R_CONTACT
        if not self._look.healthy(k):
            return R_MEASURE
        if not self._look.supply_ok(k):
            return R_SUPPLY
        if not self._look.load_dead():
            return R_LOAD
        return R_OK

    def close(self, k):
        """Drives contact k closed if everything is true at this very moment; else the reason."""
        r = self.may_close(k)
        if r == R_OK:
            self.driving = 1
            self._gear.drive(k, CLOSE)
            self._pulse[k] = _PULSE_TICKS
            self._closing[k] = 1
            self.operations += 1
        return r

    def busy(self):
        """A coil is being driven."""
        return max(self._pulse) > 0

    def fast(self):
        """Each fast tick while `driving`: ends the coil pulses."""
        for k in range(self.n):
            p = self._pulse[k]
            if p:
                p -= 1
                self._pulse[k] = p
                if p == 0:
                    self._gear.drive(k, RELEASE)
                    self._closing[k] = 0
        self.driving = max(self._pulse)


class Look:
    """What the gate has to know of the measurement, in one place: band, load side, health."""

    def __init__(self, measuring, sensing, un_dv, lo_pm, hi_pm):
        self._m = measuring
        self._s = sensing
        self._lo_dv = un_dv * lo_pm // 1000
        self._hi_dv = un_dv * hi_pm // 1000
        self._dead_dv = un_dv // 4          # load side: dead below 0.25 Un (spec, section 11)
        self._live_dv = un_dv * 8 // 10

    def healthy(self, k):
        """Phase k and the load side: neither stale, frozen, clipped nor implausible."""
        return self._s.bad & (1 << k | 8) == 0

    def supply_ok(self, k):
        u = self._m.half_u(k)
        return self._lo_dv <= u <= self._hi_dv

    def load_dead(self):
        return self._m.half_load_dv() < self._dead_dv

    def load_live(self):
        return self._m.half_load_dv() > self._live_dv


class BranchLook:
    """The same for a three-pole breaker whose load side has no voltage channel: it is dead as far
    as no current flows. dead_ma: what is noise below that."""

    def __init__(self, measuring, sensing, un_dv, lo_pm, hi_pm, dead_ma):
        self._m = measuring
        self._s = sensing
        self._lo_dv = un_dv * lo_pm // 1000
        self._hi_dv = un_dv * hi_pm // 1000
        self._dead_ma = dead_ma

    def healthy(self, k):
        """All channels: a breaker that is blind to its current must not be closed."""
        return self._s.bad & 63 == 0

    def supply_ok(self, k):
        for j in range(3):
            if not self._lo_dv <= self._m.half_u(j) <= self._hi_dv:
                return False
        return True

    def seen(self):
        """Phases whose channel shows their current: also one at its rails does."""
        mask = 0
        for j in range(3):
            why = self._s.why[3 + j]
            if why == OK or why == CLIPPED:
                mask |= 1 << j
        return mask

    def clipped(self):
        """Phases whose current is at the rails of its channel."""
        mask = 0
        for j in range(3):
            if self._s.why[3 + j] == CLIPPED:
                mask |= 1 << j
        return mask

    def load_dead(self):
        seen = self.seen()
        for j in range(3):
            if seen & 1 << j and self._m.half_ma[j] > self._dead_ma:
                return False
        return True
