"""A record as a wave at any time: band-limited between its samples, its first cycle repeated
before it and its last one after it, so that a meter has settled when it begins.

Uniform records go through a Kaiser-windowed sinc whose band ends at half of the lower of the two
rates; several rates, and times of the record's own, are first drawn onto the finest step by a
spline of fifth order.
"""
import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.optimize import minimize_scalar
from scipy.signal import decimate

_HALF = 24              # samples of the lower rate on each side
_BETA = 8.0             # 80 dB
_FAST_HZ = 40_000.0     # above it a record is thinned first: more would only cost time
_BLOCK = 4096
_STEADY = 0.05          # rms of the difference of two cycles: above it they are none of one wave


class Wave:
    """time_s ascending from 0, values: channels x samples. lead_s, tail_s: how far at() must reach
    before the first and after the last sample; period_s: of the repeated cycles."""

    def __init__(self, time_s: np.ndarray, values: np.ndarray, period_s: float, lead_s: float,
                 tail_s: float):
        steps = np.diff(time_s)
        step = float(np.min(steps))
        uniform = float(np.max(steps)) - step < 1e-3 * step
        self._rate_hz = (len(time_s) - 1) / float(time_s[-1]) if uniform else 1.0 / step
        self._end_s = float(time_s[-1])
        if uniform and self._rate_hz >= 2 * _FAST_HZ:
            thin = int(self._rate_hz / _FAST_HZ)
            values = decimate(values, thin, ftype="fir", axis=1)
            self._rate_hz /= thin
            time_s = np.arange(values.shape[1]) / self._rate_hz
            self._end_s = float(time_s[-1])
        spline = make_interp_spline(time_s, values, k=5, axis=1)
        n_lead = int(lead_s * self._rate_hz) + 2 * _HALF * int(1 + self._rate_hz / 1000)
        n_tail = int(tail_s * self._rate_hz) + 2 * _HALF * int(1 + self._rate_hz / 1000)
        n_own = int(round(self._end_s * self._rate_hz)) + 1
        grid = (np.arange(n_lead + n_own + n_tail) - n_lead) / self._rate_hz
        inside = grid
        early, late = grid < 0, grid > self._end_s
        inside = np.where(early, grid + np.ceil(-grid / period_s) * period_s, inside)
        inside = np.where(late, grid - np.ceil((grid - self._end_s) / period_s) * period_s, inside)
        self._samples = spline(np.clip(inside, 0.0, self._end_s))
        if uniform:
            self._samples[:, n_lead:n_lead + values.shape[1]] = values[:, :n_own]
        self._n_lead = n_lead

    def at(self, channel: int, t_s: np.ndarray, rate_hz: float) -> np.ndarray:
        """Values of a channel at t_s, limited to the band of rate_hz."""
        y = self._samples[channel]
        lower = min(1.0, rate_hz / self._rate_hz)      # band, of the record's own
        half = int(np.ceil(_HALF / lower))
        window = np.i0(_BETA)
        out = np.empty(len(t_s))
        taps = np.arange(1 - half, half + 1)
        for at in range(0, len(t_s), _BLOCK):
            place = t_s[at:at + _BLOCK] * self._rate_hz + self._n_lead
            first = np.floor(place).astype(np.int64)
            x = taps[None, :] - (place - first)[:, None]
            shape = np.sqrt(np.maximum(0.0, 1.0 - (x / half)**2))
            weights = np.sinc(x * lower) * np.i0(_BETA * shape) / window
            weights /= weights.sum(axis=1, keepdims=True)
            index = np.clip(first[:, None] + taps[None, :], 0, len(y) - 1)
            out[at:at + _BLOCK] = (y[index] * weights).sum(axis=1)
        return out


def period(time_s: np.ndarray, values: np.ndarray, nominal_hz: float) -> tuple[float, bool]:
    """(s, found): the cycle of the record's beginning, by which it repeats itself best; the
    nominal one where its beginning does not repeat itself (dead, or the event at once)."""
    near_s = 1.0 / nominal_hz
    found = False
    spline = make_interp_spline(time_s, values, k=3, axis=1)
    for cycles in (1, 2, 4, 8, 16):
        if (cycles * 1.06 + 1) * near_s > time_s[-1]:
            break
        t = np.arange(64) / 64 * near_s
        one = spline(t)
        size = np.sqrt((one**2).mean())
        if size == 0:
            break

        def off(period_s: float, t=t, one=one, cycles=cycles) -> float:
            return float(((spline(t + cycles * period_s) - one)**2).mean())

        width = 0.06 / cycles
        best = minimize_scalar(off, bounds=(near_s * (1 - width), near_s * (1 + width)),
                               method="bounded", options={"xatol": near_s * 1e-8})
        if np.sqrt(best.fun) > _STEADY * size:
            break
        near_s, found = float(best.x), True
    return near_s, found
