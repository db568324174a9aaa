"""Windows of 10/12 cycles aggregated without a gap: 3 s, 10 s, 10 min, 2 h (IEC 61000-4-30, 4.4).

Slow tier, once per window. Integers of any length; each longer interval is made of the very sums
of its parts, so nothing is rounded twice. A window counts in the interval in which it ends. An
interval of 10 min ends at the tick of UTC, so does the one of 3 s (150/180 cycles) that runs then,
short of its windows; 2 h are twelve such. Frequency is also averaged over the 10 s of UTC (5.1).
When the clock was set, intervals end early and are flagged; no window is lost or counted twice.
"""
from micropython import const

THREE_S = const(0)
TEN_S = const(1)
TEN_MIN = const(2)
TWO_H = const(3)

CLOCK = const(1)            # flag: the clock was set, or wrong, meanwhile

_WINDOWS = const(15)        # of 10/12 cycles in 150/180
_LATE_MS = const(60_000)    # ends of windows do not lie apart so far


class _Interval:
    """What windows have added up to: by value a sum, and what it is to be divided by."""

    def __init__(self, kinds):
        self.kinds = kinds
        self.clear()

    def clear(self):
        self.n = 0              # frames
        self.flags = 0
        self.windows = 0
        self.sums = [None if kind in "lg" else 0 for kind in self.kinds]
        self.parts = [0] * len(self.kinds)

    def add(self, n, values, flags):
        """One window."""
        self.n += n
        self.flags |= flags
        self.windows += 1
        sums = self.sums
        for k in range(len(sums)):
            x = values[k]
            kind = self.kinds[k]
            if kind == "r":
                sums[k] += x * x * n
            elif kind == "m":
                sums[k] += x * n
            elif kind == "f":
                if x:
                    sums[k] += x * n
                    self.parts[k] += n
            elif x is not None and (sums[k] is None or (x < sums[k]) == (kind == "l")):
                sums[k] = x

    def join(self, other):
        """A finished part."""
        for k in range(len(self.sums)):
            x = other.sums[k]
            if self.kinds[k] not in "lg":
                self.sums[k] += x
                self.parts[k] += other.parts[k]
            elif x is not None and (self.sums[k] is None
                                    or (x < self.sums[k]) == (self.kinds[k] == "l")):
                self.sums[k] = x
        self.n += other.n
        self.flags |= other.flags
        self.windows += other.windows

    def values(self):
        out = []
        for k in range(len(self.sums)):
            x = self.sums[k]
            kind = self.kinds[k]
            if kind == "r":
                x = _root(x, self.n)
            elif kind not in "lg":
                n = self.parts[k] if kind == "f" else self.n
                x = (2 * x + n) // (2 * n) if n else 0
            out.append(x)
        return tuple(out)


def _root(x, n):
    """The root of x / n, to the nearest."""
    x = 4 * x // n
    if x < 2:
        return x
    y = x
    z = (y + 1) >> 1
    while z < y:
        y = z
        z = (y + x // y) >> 1
    return (y + 1) >> 1


class Aggregates:
    """kinds: a letter for each value of a window: r, root of the mean square; m, mean; f, mean
    where it is not 0 (frequency), also over 10 s; l and g, least and greatest window."""

    def __init__(self, kinds):
        self._f_at = kinds.index("f") if "f" in kinds else -1
        self._parts = [_Interval(kinds), _Interval("f"), _Interval(kinds), _Interval(kinds)]
        self._last_ms = None    # end of the window before

    def add(self, utc_ms, n_frames, values, flags=0):
        """A window that ended at utc_ms. Returns the intervals that this window, or the clock,
        ended: (interval, end in ms of UTC, values, frames, flags); flags are those of all its
        windows, or'd."""
        done = []
        three_s, ten_s, ten_min, two_h = self._parts
        last_ms = self._last_ms
        set_clock = last_ms is not None and not last_ms < utc_ms < last_ms + _LATE_MS
        if last_ms is not None:
            for k, part, ms in ((TEN_S, ten_s, 10_000), (TEN_MIN, ten_min, 600_000),
                                (TWO_H, two_h, 7_200_000)):
                slot = (last_ms - 1) // ms
                if slot == (utc_ms - 1) // ms and not set_clock:
                    continue
                if set_clock:
                    part.flags |= CLOCK
                if k == TEN_MIN:
                    self._end(done, THREE_S, last_ms, ten_min)
                    self._end(done, TEN_MIN, last_ms if set_clock else (slot + 1) * ms, two_h)
                else:
                    self._end(done, k, last_ms if set_clock else (slot + 1) * ms, None)
        self._last_ms = utc_ms
        if set_clock:
            flags |= CLOCK
        three_s.add(n_frames, values, flags)
        if self._f_at >= 0:
            ten_s.add(n_frames, (values[self._f_at],), flags)
        if three_s.windows == _WINDOWS:
            self._end(done, THREE_S, utc_ms, ten_min)
        return done

    def _end(self, done, kind, end_ms, into):
        part = self._parts[kind]
        if not part.n:
            part.clear()
            return
        done.append((kind, end_ms, part.values(), part.n, part.flags))
        if into:
            into.join(part)
        part.clear()
