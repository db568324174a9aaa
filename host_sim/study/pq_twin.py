"""numpy twin of what a meter's fast path sees, for days of waveform: the kernels of watching.py
and dsp/expected.py and the way of Measuring from window to window, bit-equal (test_study_pq.py).

Two passes over a stretch of codes. `follow` goes through the windows: sums by matrix products, but
evaluated by the firmware's own Windows, so that the tracked frequency and the offsets are its own.
`Twin.run` then has all ticks at once. Voltages only; a tick has rate / 200 frames; no overruns.
"""
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from acu.primitives import windows
from acu.primitives.measuring import Measuring
from acu.primitives.watching import Watch
from host_sim.waveform import halves
from host_sim.waveform.twin import WAVES

MID = 2048
_ROWS = np.arange(1024)
_ARMED, _TRIPS = 12, 8           # steps like the cycle before: at most; from here it trips
_HOLD = 5                        # steps that a tripped phase holds at least
_LOW, _HIGH = 3318, 4956         # squared ratio, Q12, of a step like the cycle before


def _table_error(phase: int, step: int, n: int, _sine: Any, out: Any) -> None:
    out[0], out[1], out[2] = halves.table_errors(
        np.array([phase]), np.array([step]), np.array([n]))[0]


@contextmanager
def quick_tables() -> Iterator[None]:
    """table_error of the firmware by numpy; the same numbers."""
    was = windows.table_error
    windows.table_error = _table_error
    try:
        yield
    finally:
        windows.table_error = was


def follow(m: Measuring, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """m: as it was made; codes: frames x voltages, 0..4095, from the first frame on, of a voltage
    without events. Returns what the watch is given at each tick: frames of a cycle, Q8; offsets,
    Q8, of the voltages. m has read all windows but not closed a half cycle."""
    per_tick = m._rate_hz // 200
    ticks = len(codes) // per_tick
    lag_q8 = np.empty(ticks, dtype=np.int64)
    zero_q8 = np.empty((ticks, codes.shape[1]), dtype=np.int64)
    n_v = codes.shape[1]
    x = np.ascontiguousarray(codes, dtype=float) - MID
    half_q16, length = m._half_q16, m._half_q16 >> 16
    rest, phase, step = 0x8000, 0, m._step
    at = said = 0
    zero = m._zero_q8[:n_v]
    with quick_tables():
        while True:
            sums, counts, starts = [], [], [phase]
            for _ in range(2):
                n = 0
                for _ in range(m._mid):
                    n += length
                    rest += half_q16
                    length = rest >> 16
                    rest &= 0xFFFF
                if at + n > ticks * per_tick:
                    lag_q8[said:] = half_q16 >> 7
                    zero_q8[said:] = m._zero_q8[:n_v]
                    zero_q8[said] = zero
                    return lag_q8, zero_q8
                part = x[at:at + n]
                wave = WAVES[(_ROWS[:n] * step + phase >> 16) & 255]
                sums.append(_sums(part, wave))
                counts.append(n)
                at += n
                phase = phase + n * step & 0xFFFFFF
                starts.append(phase)
            tick = (at + per_tick - 1) // per_tick - 1     # in which the window ends
            lag_q8[said:tick] = half_q16 >> 7
            zero_q8[said:tick] = m._zero_q8[:n_v]
            zero_q8[said] = zero             # the watch came before the window was read
            zero = m._zero_q8[:n_v]
            said = tick
            half_q16 = m._half_q16
            marks = [*starts, step, 2 * m._mid]
            step = m._step
            m._window(sums[0], sums[1], counts[0], sum(counts), marks, 0)


def _sums(x: np.ndarray, wave: np.ndarray) -> list[int]:
    """The 27 sums of the sampler's door; exact, far below 2^53."""
    out = [0] * 27
    plain, square = x.sum(axis=0), np.einsum("ij,ij->j", x, x)
    waves = wave.T @ x
    for k in range(x.shape[1]):
        out[9 * k] = int(plain[k])
        out[9 * k + 2] = int(square[k])
        out[9 * k + 5], out[9 * k + 6] = int(waves[0, k]), int(waves[1, k])
    return out


class Seen:
    """What each tick of a stretch saw, rows, by phase: the mean square of the last cycle (codes
    Q5), both ratios (Q12), and whether either would trip."""

    def __init__(self, ticks: int, phases: int):
        self.square = np.zeros((ticks, phases), dtype=np.int64)
        self.ratio = np.full((ticks, phases, 2), -1, dtype=np.int64)
        self.trips = np.zeros((ticks, phases), dtype=bool)


class Twin:
    """A Watch for a stretch. The same state in numbers: masks, armed steps, steps to hold."""

    def __init__(self, watch: Watch):
        self.phases = n = watch.phases
        self._lim = np.array(watch._lim, dtype=np.int64).reshape(n, 9)
        self._short, self._long, self._stride = watch._st[4], watch._st[5], watch._st[12]
        self._far = watch._far
        self._per_tick = watch._sampler.rate_hz // 200
        self.dip = self.swell = self.interruption = self.fast = 0
        self.ready = [0] * n
        self._hold = [0] * n

    def see(self, codes: np.ndarray, lag_q8: np.ndarray, zero_q8: np.ndarray) -> Seen:
        """From the first frame on; the ticks until the ring holds enough stay empty."""
        ticks = len(lag_q8)
        seen = Seen(ticks, self.phases)
        ends = (np.arange(ticks) + 1) * self._per_tick
        whole = ends - 1 > lag_q8 >> 8   # the ring holds a cycle
        lag = lag_q8 + 128 >> 8
        for c in range(self.phases):
            a = codes[:len(codes), c].astype(np.int32) - MID
            z = zero_q8[:, c] + 128 >> 8
            self._squares(seen, c, a, np.flatnonzero(whole), (ends, lag_q8, z))
            best = _highest(seen.square[:, c]) >> 10
            rows = np.flatnonzero(ends >= (lag_q8 * 5 >> 10) + self._far)
            for part in np.array_split(rows, len(rows) // 8192 + 1):
                self._ratios(seen, c, a, part, (ends, lag, z, best))
        return seen

    def _squares(self, seen: Seen, c: int, a: np.ndarray, rows: np.ndarray, of: tuple) -> None:
        ends, lag_q8, z = (x[rows] for x in of)
        lag, f = lag_q8 >> 8, lag_q8 & 255
        sums = np.concatenate(([0], np.cumsum(a, dtype=np.int64)))
        squares = np.concatenate(([0], np.cumsum(a * a, dtype=np.int64)))
        s = squares[ends] - squares[ends - lag] + lag * z * z
        s -= 2 * z * (sums[ends] - sums[ends - lag])
        y = a[ends - lag - 1] - z
        s += y * y * f >> 8
        seen.square[rows, c] = (s << 13) // lag_q8

    def _ratios(self, seen: Seen, c: int, a: np.ndarray, rows: np.ndarray, of: tuple) -> None:
        """dsp/expected.py: its four kernels."""
        ends, lag, z, best = (x[rows] for x in of)
        lag = lag[:, None]
        place = ends[:, None] - 1 - self._stride * np.arange(self._long)
        z = z.astype(np.int32)[:, None]
        x = a[place] - z
        e = a[place - lag] - z
        q = a[place - lag - (lag + 2 >> 2)] - z
        lim = self._lim[c]
        n = self._short
        short = _squares(x[:, :n], e[:, :n], lim[8] * n)
        fell = (short >= 0) & (short < 4096) & (short * best < lim[7])
        fit = _Fit(x, e, q, lim[8] * self._long)
        hints = fit.told & (fit.ratio < 4096) & (fit.ratio * best < lim[6])
        for row in np.flatnonzero(hints & ~fell):
            fell[row] = fit.confirmed(row, x[row], e[row], q[row])
        seen.trips[rows, c] = fell
        seen.ratio[rows, c, 0] = short
        seen.ratio[rows, c, 1] = fit.ratio

    def run(self, seen: Seen, first: int = 0) -> list[tuple[int, int, int, int, int]]:
        """Goes through the ticks from `first` on; returns those that changed a mask: (tick, dip,
        swell, interruption, fast)."""
        lim = self._lim
        short, long = seen.ratio[:, :, 0], seen.ratio[:, :, 1]
        like = (long > _LOW) & (long < _HIGH) & ((short > 1024) & (short < 16384) | (short < 0))
        inside = ((seen.square >= lim[:, 0]) & (seen.square <= lim[:, 2])
                  & (seen.square >= lim[:, 4]))
        odd = np.flatnonzero((~(like & inside) | seen.trips).any(axis=1))
        told = []
        now = (self.dip, self.swell, self.interruption, self.fast)
        tick = first
        while tick < len(seen.square):
            if not any(now) and min(self.ready) == _ARMED:
                # nothing happens until the next odd one
                k = int(np.searchsorted(odd, tick))
                if k == len(odd):
                    break
                tick = int(odd[k])
            self._step(seen, tick, like)
            after = (self.dip, self.swell, self.interruption, self.fast)
            if after != now:
                told.append((tick, *after))
                now = after
            tick += 1
        return told

    def _step(self, seen: Seen, tick: int, like: np.ndarray) -> None:
        for c in range(self.phases):
            bit = 1 << c
            v = int(seen.square[tick, c])
            if seen.trips[tick, c] and self.ready[c] >= _TRIPS:
                self.fast |= bit
                self._hold[c] = _HOLD
            if like[tick, c]:
                self.ready[c] = min(self.ready[c] + 1, _ARMED)
            else:
                self.ready[c] = max(self.ready[c] - 1, 0)
            lim = self._lim[c]
            self.dip = _turned(self.dip, bit, v < lim[0], v >= lim[1])
            self.swell = _turned(self.swell, bit, v > lim[2], v <= lim[3])
            self.interruption = _turned(self.interruption, bit, v < lim[4], v >= lim[5])
            if self.fast & bit:
                if self._hold[c]:
                    self._hold[c] -= 1
                elif v >= lim[1]:
                    self.fast ^= bit


def _turned(mask: int, bit: int, begins: bool, ends: bool) -> int:
    if mask & bit:
        return mask ^ bit if ends else mask
    return mask | bit if begins else mask


def _dot(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", u, v).astype(np.int64)


def _squares(x: np.ndarray, e: np.ndarray, least: int) -> np.ndarray:
    """Squares of x by those of e, Q12, 16384 from 4 on; -1 where e is too flat."""
    xx, ee = _dot(x, x), _dot(e, e)
    shift = np.maximum(np.frexp(ee.astype(float))[1] - 16, 0)
    ratio = ((xx >> shift) << 12) // np.maximum(ee >> shift, 1)
    return np.where(ee < least, -1, np.where(xx >> 2 < ee, ratio, 16384))


class _Fit:
    """x = a e + b q by least squares. ratio: a a + b b, Q12; told: whether it is one."""

    def __init__(self, x: np.ndarray, e: np.ndarray, q: np.ndarray, least: int):
        xx, xe, xq = _dot(x, x), _dot(x, e), _dot(x, q)
        ee, eq, qq = _dot(e, e), _dot(e, q), _dot(q, q)
        most = np.maximum(ee, qq)
        flat, far = most < least, xx >> 1 >= ee + qq
        self._shift = shift = np.maximum(np.frexp(most.astype(float))[1] - 14, 0)
        ee, eq, qq, xe, xq, most = (y >> shift for y in (ee, eq, qq, xe, xq, most))
        det = ee * qq - eq * eq
        twisted = det <= most * most >> 4
        det = np.maximum(det >> 12, 1)
        u, v = xe * qq - xq * eq, xq * ee - xe * eq
        self._a = np.where(u < 0, -(-u // det), u // det)
        self._b = np.where(v < 0, -(-v // det), v // det)
        a, b = abs(self._a), abs(self._b)
        ratio = np.where((a < 8192) & (b < 8192), a * a + b * b >> 12, 16384)
        self.told = ~flat & ~far & ~twisted
        self.ratio = np.where(flat | ~far & twisted, -1, np.where(far, 16384, ratio))
        self._size = ee + qq

    def confirmed(self, row: Any, x: np.ndarray, e: np.ndarray, q: np.ndarray) -> bool:
        """What the fit leaves of the samples is too little for a jump of phase."""
        rest = x - (e * self._a[row] + q * self._b[row] + 2048 >> 12)
        less = 4096 - self.ratio[row] >> 1
        bound = (less * less >> 12) * self._size[row] >> 12
        return bool((rest @ rest >> self._shift[row]) * 28 < bound)


def _highest(square: np.ndarray) -> np.ndarray:
    """The greatest of the last five steps."""
    padded = np.concatenate((np.zeros(4, dtype=np.int64), square))
    return np.lib.stride_tricks.sliding_window_view(padded, 5).max(axis=1)
