"""Over-current and short circuit of a branch, without any message (ANSI 51 definite time, 50).

Runs in the fast tier once per half cycle. Says why the branch must be opened now, and switches
nothing itself. A channel that is frozen or stale shows no current, so it trips nothing; one at its
rails does show one. Allocates nothing.
"""
from micropython import const

from acu.events import WHY_NONE, WHY_OC, WHY_SHC

_SHORT_US = const(15_000)   # two half cycles: one alone may be a spike


class OverCurrent:
    """RMS(1/2) above i_trip for t_trip, or at i_shc: limits in mA, per phase."""

    def __init__(self, i_trip_ma, t_trip_ms, i_shc_ma):
        self.i_trip_ma = i_trip_ma
        self.i_shc_ma = i_shc_ma
        self._t_trip_us = t_trip_ms * 1000
        self.over_us = 0        # for how long a phase has been above i_trip
        self.short_us = 0
        self.i_ma = 0           # of the worst phase, last half cycle
        self.mask = 0           # phases above i_trip

    def step(self, half_us, i0_ma, i1_ma, i2_ma, seen, clipped):
        """One half cycle of half_us. seen: phases whose channel shows its current; clipped: those
        of them whose channel is at its rails."""
        a = i0_ma if seen & 1 else 0
        b = i1_ma if seen & 2 else 0
        c = i2_ma if seen & 4 else 0
        limit = self.i_trip_ma
        mask = clipped
        if a > limit:
            mask |= 1
        if b > limit:
            mask |= 2
        if c > limit:
            mask |= 4
        self.mask = mask
        self.i_ma = max(a, b, c)
        if clipped or self.i_ma >= self.i_shc_ma:
            self.short_us += half_us
        else:
            self.short_us = 0
        if not mask:
            self.over_us = 0
        elif self.over_us < 100_000_000:
            self.over_us += half_us
        if self.short_us >= _SHORT_US:
            self.short_us = _SHORT_US
            return WHY_SHC
        if self.over_us >= self._t_trip_us:
            return WHY_OC
        return WHY_NONE
