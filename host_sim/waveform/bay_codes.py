"""A two-sided world as ADC codes of the recloser's board: u1ab u1bc u2ab u2bc u0 ia ib ic.

One period of each channel with its harmonics is a table over the angle of its source; a sample is
looked up in it, linear between the places, times the magnitude. The angle is exact at the slot
in which a channel is sampled; magnitudes, jumps and losses fall between frames. Noise comes from a
pool drawn once, at a place drawn for each channel, so it is cheap; the same seed gives the same
codes. For studies: no event log depends on these floats.
"""
import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from host_sim.waveform import adc
from host_sim.world.two_sided import Side, TwoSided

CHANNELS = 8
RATE_HZ = 4000
SLOT_S = 31.25e-6                # from a channel to the next
MID, TOP = 2048, 4095
U_PEAK_V, I_PEAK_A = 200.0, 30.0
UN_V = 100.0                     # nominal line voltage, and of the open delta
_PLACES = 2048                   # of a table; an even 50th harmonic of 1 % is right to 3e-5
_POOL = 1 << 20


@dataclass(frozen=True)
class Front:
    """A converter: noise and jitter are standard deviations. curve: sums as adc.py has them, None
    an even one."""

    name: str
    noise_lsb: float
    jitter_s: float = 0.0
    curve: np.ndarray | None = None


# The board's own converter; its noise is taken as high as the RP2040's, with which the figures of
# the anchors were made.
RP2040 = Front("rp2040", adc.NOISE_LSB)
ESP32 = Front("esp32", 8.0, 10e-6)
FRONTS = {front.name: front for front in (RP2040, ESP32)}
IDEAL = Front("ideal", 0.0)


@cache
def _pool() -> np.ndarray:
    return np.random.default_rng(0x510).standard_normal(_POOL, dtype=np.float32)


def _drawn(rng: np.random.Generator, n: int) -> np.ndarray:
    """n of about standard deviation 1, not to be written to."""
    pool = _pool()
    if n >= _POOL:
        return rng.standard_normal(n, dtype=np.float32)
    at = int(rng.integers(0, _POOL - n))
    return pool[at:at + n]


def _table(fundamental: complex, harmonics: list) -> np.ndarray:
    """One period in codes and its first place again. harmonics: (order, complex share of one)."""
    spectrum = np.zeros(_PLACES // 2 + 1, dtype=complex)
    spectrum[1] = fundamental
    for order, share in harmonics:
        spectrum[order] += share
    wave = np.fft.irfft(spectrum * (_PLACES / 2), _PLACES)
    return np.concatenate((wave, wave[:1])).astype(np.float32)


def _voltage_tables(side: Side, t: float) -> list[np.ndarray]:
    """Of ab and bc in codes at 1 per unit, as they are at t."""
    peak = UN_V * math.sqrt(2.0) / U_PEAK_V * MID
    out = []
    for which, line in enumerate(side.lines(t)):
        # what is gone of the fundamental is gone of its harmonics
        parts = [(h, pct / 100 * abs(line) * peak * np.exp(1j * math.radians(degs[which])))
                 for h, pct, *degs in side.harmonics]
        out.append(_table(line * peak, parts))
    return out


def _looked_up(table: np.ndarray, turns: np.ndarray) -> np.ndarray:
    place = (turns - np.floor(turns)) * _PLACES
    index = place.astype(np.int32)
    np.minimum(index, _PLACES - 1, out=index)
    low = table[index]
    return low + (table[index + 1] - low) * (place - index).astype(np.float32)


def _pieces(side: Side, t: np.ndarray) -> list[tuple[int, int, list]]:
    """(first, end, tables) of the frames between changes of the side's wiring and fuses."""
    cuts = [0, *(int(k) for k in np.searchsorted(t, side.changes())), len(t)]
    return [(a, b, _voltage_tables(side, float(t[a])))
            for a, b in zip(cuts, cuts[1:], strict=False) if b > a]


def codes(world: TwoSided, frames: int, front: Front, rng: np.random.Generator,
          first: int = 0) -> np.ndarray:
    """(frames, 8) uint16, from frame `first` on; frame k is at k / RATE_HZ s."""
    t = (first + np.arange(frames)) / RATE_HZ
    late = front.jitter_s * _drawn(rng, frames * CHANNELS).reshape(frames, CHANNELS) \
        if front.jitter_s else None
    out = np.empty((frames, CHANNELS), dtype=np.uint16)
    angles = {}
    for s, side in enumerate((world.one, world.two)):
        turns, hz, u = side.cycles(t), side.hz(t), side.pu(t).astype(np.float32)
        angles[s] = turns, hz
        pieces = _pieces(side, t)
        for which in range(2):
            k = 2 * s + which
            x = _at_slot(turns, hz, k, late)
            wave = np.empty(frames, dtype=np.float32)
            for a, b, tables in pieces:
                wave[a:b] = _looked_up(tables[which], x[a:b])
            out[:, k] = _converted(wave * u, front, rng)
    turns, hz = angles[0]
    u0 = world.u0_pu * UN_V * math.sqrt(2.0) / U_PEAK_V * MID
    rest = [(4, u0, world.u0_deg)]
    rest += [(5 + p, world.i_a[p] * math.sqrt(2.0) / I_PEAK_A * MID,
              world.i_deg[p] - 120.0 * p) for p in range(3)]
    for k, peak, deg in rest:
        if peak:
            table = _table(complex(peak), [])
            wave = _looked_up(table, _at_slot(turns, hz, k, late) + deg / 360.0)
        else:
            wave = np.zeros(frames, dtype=np.float32)
        out[:, k] = _converted(wave, front, rng)
    return out


def _at_slot(turns: np.ndarray, hz: np.ndarray, k: int, late: np.ndarray | None) -> np.ndarray:
    """The angle when channel k is sampled."""
    if late is None:
        return turns + hz * (k * SLOT_S)
    return turns + hz * (k * SLOT_S + late[:, k])


def _converted(wave: np.ndarray, front: Front, rng: np.random.Generator) -> np.ndarray:
    x = wave + np.float32(MID)
    if front.noise_lsb:
        x += np.float32(front.noise_lsb) * _drawn(rng, len(x))
    if front.curve is None:
        return np.clip(np.rint(x), 0, TOP).astype(np.uint16)
    step = np.clip(np.rint(8 * x), 0, adc.STEPS - 1).astype(np.int32)
    return ((front.curve[step] + adc.READINGS // 2) // adc.READINGS).astype(np.uint16)
