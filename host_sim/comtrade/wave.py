"""A record as a wave at any time: band-limited between its samples, its first cycle repeated
before it and its last one after it, so that a meter has settled when it begins.

Uniform records go through a Kaiser-windowed sinc whose band ends at half of the lower of the two
rates; several rates, and times of the record's own, are first drawn onto the finest step by a
spline of fifth order.
"""
import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.optimize import minimize_scalar

_HALF = 24              # samples of the lower rate on each side
_BETA = 8.0             # 80 dB
_LEAST_HZ = 4000.0      # of at()
_BLOCK = 1 << 20        # products at a time
_FINE = 2048            # places of the kernel a sample of the lower rate; linear between them
_AT = np.arange(_FINE * _HALF + 1) / _FINE
_KERNEL = np.concatenate([np.sinc(_AT) * np.i0(_BETA * np.sqrt(1 - (_AT / _HALF)**2))
                          / np.i0(_BETA), np.zeros(_FINE)])
_SLOPE = np.diff(_KERNEL)
_STEADY = 0.05          # rms of the difference of two cycles: above it they are none of one wave


class Wave:
    """time_s ascending from 0, values: channels x samples. lead_s, tail_s: how far at() must reach
    before the first and after the last sample; period_s: of the repeated cycles."""

    def __init__(self, time_s: np.ndarray, values: np.ndarray, period_s: float, lead_s: float,
                 tail_s: float):
        steps = np.diff(time_s)
        uniform = float(steps.max() - steps.min()) < 1e-3 * float(steps.min())
        end_s = float(time_s[-1])
        self._rate_hz = (len(time_s) - 1) / end_s if uniform else 1.0 / float(steps.min())
        spare_s = 2 * _HALF / min(self._rate_hz, _LEAST_HZ)
        n_lead = int((lead_s + spare_s) * self._rate_hz)
        n_own = int(end_s * self._rate_hz + 1e-6) + 1
        n_tail = int((tail_s + spare_s) * self._rate_hz)
        own = values if uniform else _spline(time_s, values)(np.arange(n_own) / self._rate_hz)
        cycle = int(period_s * self._rate_hz) + 8        # samples, and a few for the spline
        grid = np.arange(n_own) / self._rate_hz
        first = _spline(grid[:cycle], own[:, :cycle])
        last = _spline(grid[-cycle:], own[:, -cycle:])
        early = np.arange(-n_lead, 0) / self._rate_hz
        late = grid[-1] + np.arange(1, n_tail + 1) / self._rate_hz
        self._samples = np.concatenate([
            first(early % period_s), own,
            last(grid[-1] - period_s + (late - grid[-1]) % period_s)], axis=1)
        self._n_lead = n_lead

    def at(self, channel: int, t_s: np.ndarray, rate_hz: float) -> np.ndarray:
        """Values of a channel at t_s, limited to the band of rate_hz."""
        y = self._samples[channel]
        lower = min(1.0, rate_hz / self._rate_hz)      # band, of the record's own
        half = int(np.ceil(_HALF / lower))
        out = np.empty(len(t_s))
        taps = np.arange(1 - half, half + 1)
        step = max(1, _BLOCK // len(taps))
        for at in range(0, len(t_s), step):
            place = t_s[at:at + step] * self._rate_hz + self._n_lead
            first = np.floor(place).astype(np.int64)
            x = np.abs(taps[None, :] - (place - first)[:, None]) * (lower * _FINE)
            k = np.minimum(x.astype(np.int64), len(_KERNEL) - 2)
            weights = _KERNEL[k] + _SLOPE[k] * (x - k)
            index = np.clip(first[:, None] + taps[None, :], 0, len(y) - 1)
            out[at:at + step] = (y[index] * weights).sum(axis=1) / weights.sum(axis=1)
        return out


def _spline(time_s: np.ndarray, values: np.ndarray):
    return make_interp_spline(time_s, values, k=5, axis=1)


def period(time_s: np.ndarray, values: np.ndarray, nominal_hz: float) -> tuple[float, bool]:
    """(s, found): the cycle of the record's beginning, by which it repeats itself best; the
    nominal one where its beginning does not repeat itself (dead, or the event at once)."""
    near_s = 1.0 / nominal_hz
    found = False
    first = int(np.searchsorted(time_s, 19 / nominal_hz))
    spline = make_interp_spline(time_s[:first], values[:, :first], k=3, axis=1)
    for cycles in (1, 2, 4, 8, 16):
        if (cycles * 1.06 + 1) * near_s > time_s[:first][-1]:
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
