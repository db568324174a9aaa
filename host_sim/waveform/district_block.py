"""The channels of a district's reclosers as ADC codes, all of them at once, the same on every
machine: u1ab u1bc u2ab u2bc u0 ia ib ic of each.

The world gives phasors at the begin and the end of each ms, in a frame that turns at exactly 50 Hz
and whose angle is that of phase A. Between the two a phasor goes straight; what is switched is
switched between two ms. Phasors become integers of 2^-12 of a code; from there on all is integers,
as in bay_block.py. There is no neutral displacement: all is symmetrical.
"""
import cmath
import math
from collections.abc import Sequence

import numpy as np

from host_sim.waveform import adc
from host_sim.waveform.bay_block import CHANNELS, UN_V, converted, loudness
from host_sim.waveform.synthesis import sine_q30
from host_sim.world.dice import bits

F_HZ = 50
_QUARTER = 1 << 30               # of a turn of 2^32
_WHOLE = 1 << 16                 # a ms, for the place of a sample in it
# Which of (u1, u2, i) a channel shows, and at which angle to it: line ab leads phase A by 30
# degrees. u0 shows none.
_SHOWS = ((0, 30), (0, -90), (1, 30), (1, -90), (2, 0), (2, 0), (2, -120), (2, 120))
_U0 = 4


class DistrictBlocks:
    """base_a: A primary of 1 per unit; ct_n: ratio of each recloser's current transformers. Behind
    the voltage transformers 1 per unit is UN_V."""

    def __init__(self, board: dict, base_a: float, ct_n: Sequence[int], seed: int,
                 noise_lsb: float = adc.NOISE_LSB):
        self._per_ms = board["rate_hz"] // 1000
        slot_s = board["slot_ns"] * 1e-9
        u_codes = UN_V / (board["u_peak_dv"] / 10) * 2048 * math.sqrt(2.0)       # of 1 pu
        i_codes = base_a * 1000 / board["i_peak_ma"] * 2048 * math.sqrt(2.0)
        turn = [cmath.rect(4096.0, math.radians(deg)) for _, deg in _SHOWS]
        turn[_U0] = 0j
        size = np.array([[i_codes / n if of == 2 else u_codes for of, _ in _SHOWS] for n in ct_n])
        self._re = size * [one.real for one in turn]
        self._im = size * [one.imag for one in turn]
        self._of = [of for of, _ in _SHOWS]
        # the frame's angle and the sample's place in its ms, of each frame of a period
        frames = self._per_ms * 1000 // F_HZ
        at = np.arange(frames)[:, None] / board["rate_hz"] + np.arange(CHANNELS) * slot_s
        angle = np.rint(at * F_HZ * (1 << 26)).astype(np.int64) << 6
        self._cos, self._sin = sine_q30(angle + _QUARTER), sine_q30(angle)
        self._place = np.rint((at[:self._per_ms] * 1000) * _WHOLE).astype(np.int64)[:, None, :]
        self._noise = loudness(noise_lsb)
        self._words = bits(seed, "district", "noise")

    def codes(self, first_ms: int, phasors: Sequence) -> np.ndarray:
        """Of len(phasors) ms from first_ms on, (recloser, frame, channel) uint16. phasors: of each
        ms a pair (at its begin, at its end) of (u1, u2, i) of each recloser, complex per unit."""
        shown = np.array(phasors)[..., self._of]             # ms, begin and end, recloser, channel
        # real products only: what numpy makes of complex ones depends on the machine
        re = np.rint(shown.real * self._re - shown.imag * self._im).astype(np.int64)
        im = np.rint(shown.real * self._im + shown.imag * self._re).astype(np.int64)
        re, im = self._between(re), self._between(im)        # ms, frame, recloser, channel
        ms, per_ms, n = re.shape[:3]
        frames = (first_ms * per_ms + np.arange(ms * per_ms)) % len(self._cos)
        cos, sin = (table[frames].reshape(ms, per_ms, 1, CHANNELS)
                    for table in (self._cos, self._sin))
        wave = (re * cos - im * sin >> 30).reshape(ms * per_ms, n, CHANNELS)
        return converted(wave, self._words, self._noise).transpose(1, 0, 2).astype("<u2")

    def _between(self, x: np.ndarray) -> np.ndarray:
        begin, end = x[:, 0, None], x[:, 1, None]
        return begin + ((end - begin) * self._place >> 16)
