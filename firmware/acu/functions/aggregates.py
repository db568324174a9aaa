"""Windows of 10/12 cycles aggregated without a gap: 3 s, 10 s, 10 min, 2 h (IEC 61000-4-30, 4.4).

Slow tier, once per window. Integers of any length; each longer interval is made of the very sums
of its parts, so nothing is rounded twice. A window counts in the interval in which it ends. An
interval of 10 min ends at the tick of UTC, so does the one of 3 s (150/180 cycles) that runs then,
short of its windows; 2 h are twelve such. Frequency is also averaged over the 10 s of UTC (5.1).
When the clock was set, intervals end early and are flagged; no window is lost or counted twice.
"""
from array import array

import micropython
from micropython import const

from acu.dsp.fixed import clear

THREE_S = const(0)
TEN_S = const(1)
TEN_MIN = const(2)
TWO_H = const(3)

CLOCK = const(1)            # flag: the clock was set, or wrong, meanwhile

_WINDOWS = const(15)        # of 10/12 cycles in 150/180
_LATE_MS = const(60_000)    # ends of windows do not lie apart so far
_MS = (0, 10_000, 600_000, 7_200_000)
_PIECE = const(4095)        # frames that _add() takes at most


@micropython.viper
def _add(x: int, y: int, n: int, values: ptr32, kinds: ptr8, st: ptr32):
    """One window of n < 2^12 frames into the sums; |values| < 2^31; x: how many; y: nothing. st:
    for each value its sum in five limbs of 15 bits, or its extreme, and its frames."""
    left = x
    p = 0
    v = 0
    while v < left:
        x = values[v]
        kind = kinds[v]
        v += 1
        if kind == 108 or kind == 103:      # l, g
            if not st[p + 5] or (kind == 108 and x < st[p]) or (kind == 103 and x > st[p]):
                st[p] = x
            st[p + 5] = 1
        elif x or kind != 102:              # f
            st[p + 5] += n
            a = x & 32767
            b = x >> 15
            c = 0
            d = 0
            if kind == 114:                 # r; the products are below 2^32, so without their sign
                y = a * a
                x = a * b << 1
                d = b * b
                a = y & 32767
                b = (y >> 15) + (x & 32767)
                c = (x >> 15 & 131071) + (d & 32767)
                d = d >> 15 & 131071
            y = st[p] + a * n
            st[p] = y & 32767
            y = (y >> 15) + st[p + 1] + b * n
            st[p + 1] = y & 32767
            y = (y >> 15) + st[p + 2] + c * n
            st[p + 2] = y & 32767
            y = (y >> 15) + st[p + 3] + d * n
            st[p + 3] = y & 32767
            st[p + 4] += y >> 15
        p += 6


class _Interval:
    """What its parts have added up to: by value a sum (or extreme), and its frames."""

    def __init__(self, kinds, of_windows):
        self.kinds = kinds
        self._letters = array("B", "".join(kinds).encode())
        self._st = array("i", [0] * (6 * len(kinds) * of_windows))
        self.clear()

    def clear(self):
        self.n = 0              # frames
        self.flags = 0
        self.windows = 0
        clear(self._st, len(self._st))
        self.sums = [0] * len(self.kinds)
        self.parts = [0] * len(self.kinds)

    def add(self, n, values, flags):
        """One window."""
        self.n += n
        self.flags |= flags
        self.windows += 1
        row = array("i", values)
        while n > 0:
            _add(len(row), 0, min(n, _PIECE), row, self._letters, self._st)
            n -= _PIECE

    def settle(self):
        """Sums of windows as integers of any length: seldom, for they cost a board 10 ms."""
        st = self._st
        for p in range(0, len(st), 6):
            x = st[p]
            if self.kinds[p // 6] not in "lg":
                high = ((st[p + 4] << 15) + st[p + 3] << 15) + st[p + 2]
                x += (high << 15) + st[p + 1] << 15
            self.sums[p // 6] = x
            self.parts[p // 6] = st[p + 5]

    def join(self, other):
        """A finished part."""
        for k in range(len(self.sums)):
            x = other.sums[k]
            if self.kinds[k] not in "lg":
                self.sums[k] += x
            elif not self.parts[k] or (x < self.sums[k]) == (self.kinds[k] == "l"):
                self.sums[k] = x
            self.parts[k] += other.parts[k]
        self.n += other.n
        self.flags |= other.flags

    def values(self, near):
        """near: of each about what it will be, where its root begins."""
        out = []
        for k in range(len(self.sums)):
            x = self.sums[k]
            n = self.parts[k]
            if self.kinds[k] == "r":
                x = _root(x, n, near[k])
            elif self.kinds[k] not in "lg":
                x = (2 * x + n) // (2 * n) if n else 0
            out.append(x)
        return tuple(out)


def _root(x, n, near):
    """The root of x / n, to the nearest."""
    x = 4 * x // n
    if x < 1:
        return 0
    y = 2 * near + 1
    y = (y + x // y) >> 1       # at or above the root from any start
    while True:
        z = (y + x // y) >> 1
        if z >= y:
            return (y + 1) >> 1
        y = z


class Aggregates:
    """kinds: a letter for each value of a window: r, root of the mean square; m, mean; f, mean
    where it is not 0 (frequency), also over 10 s; l and g, least and greatest window."""

    def __init__(self, kinds):
        self._f_at = kinds.index("f") if "f" in kinds else -1
        self._parts = [_Interval(kinds, 1), _Interval("f", 1), _Interval(kinds, 0),
                       _Interval(kinds, 0)]
        self._last_ms = None    # end of the window before
        self._end_ms = [0] * 4  # of the intervals that run

    def add(self, utc_ms, n_frames, values, flags=0):
        """A window that ended at utc_ms, below 2^31 in all values, r not negative. Returns the
        intervals that this window, or the clock, ended: (interval, end in ms of UTC, values,
        frames, flags); flags are those of all its windows, or'd."""
        done = []
        three_s, ten_s, ten_min, two_h = self._parts
        last_ms = self._last_ms
        set_clock = last_ms is not None and not last_ms < utc_ms < last_ms + _LATE_MS
        if set_clock:
            flags |= CLOCK
        for k in (TEN_S, TEN_MIN, TWO_H):
            end_ms = self._end_ms[k]
            if utc_ms <= end_ms and not set_clock:
                continue
            self._parts[k].flags |= flags & CLOCK     # where it ends is as uncertain
            if set_clock:
                end_ms = last_ms
            if k == TEN_MIN:
                self._end(done, THREE_S, last_ms, values, ten_min)
            self._end(done, k, end_ms, values, two_h if k == TEN_MIN else None)
            self._end_ms[k] = ((utc_ms - 1) // _MS[k] + 1) * _MS[k]
        self._last_ms = utc_ms
        three_s.add(n_frames, values, flags)
        if self._f_at >= 0:
            ten_s.add(n_frames, (values[self._f_at],), flags)
        if three_s.windows == _WINDOWS:
            self._end(done, THREE_S, utc_ms, values, ten_min)
        return done

    def _end(self, done, kind, end_ms, near, into):
        part = self._parts[kind]
        if part.n:
            part.settle()
            done.append((kind, end_ms, part.values(near), part.n, part.flags))
            if into:
                into.join(part)
        part.clear()
