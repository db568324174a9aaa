"""A recloser's eight channels as ADC codes, 5 ms at a time, the same on every machine: for runs
whose log is compared to the byte. Studies take bay_codes.py, which is faster.

Angles are rounded to 2^-26 of a turn, magnitudes to 2^-16, amplitudes to 2^-12 of a code; from
there on all is integers. Noise are raw words of PCG64, four of 16 bits a sample.
"""
import math

import numpy as np

from host_sim.waveform import adc
from host_sim.waveform.synthesis import sine_q30
from host_sim.world.bay import Bay
from host_sim.world.dice import bits

CHANNELS = 8
UN_V = 100.0                     # line voltage behind the VT, and of the open delta
_MID, _TOP = 2048, 4095
_QUARTER = 1 << 30               # of a turn of 2^32
_SPREAD = 37_837                 # of the sum of four words of 16 bits


class BayBlocks:
    """board: what board.json says. Frame k is at k / rate_hz."""

    def __init__(self, bay: Bay, board: dict, seed: int, noise_lsb: float = adc.NOISE_LSB):
        self._bay = bay
        self._rate_hz = board["rate_hz"]
        self._slot_s = board["slot_ns"] * 1e-9
        self._u_codes = UN_V / (board["u_peak_dv"] / 10) * 2048 * math.sqrt(2.0)    # of 1 pu
        self._i_codes = 1000 / board["i_peak_ma"] * 2048 * math.sqrt(2.0)           # of 1 A
        self._noise = loudness(noise_lsb)
        self._words = bits(seed, "bay", "noise")
        self.frozen: dict[int, int] = {}        # channel: its code while it does not move

    def codes(self, first: int, n: int) -> np.ndarray:
        """Frames first to first + n, (n, 8) uint16."""
        rate = self._rate_hz
        cuts = self._bay.cuts(first / rate, (first + n) / rate)
        edges = sorted({first, first + n, *(math.ceil(at * rate) for at in cuts)})
        parts = [self._part(a, b) for a, b in zip(edges, edges[1:], strict=False) if b > a]
        wave = np.concatenate(parts)
        out = converted(wave, self._words, self._noise)
        for channel, code in self.frozen.items():
            out[:, channel] = code
        return out.astype("<u2")

    def _part(self, a: int, b: int) -> np.ndarray:
        """Frames a to b, between which only angles and magnitudes change; codes in Q12."""
        bay = self._bay
        t = np.arange(a, b) / self._rate_hz
        at_s = float(t[0])
        out = np.zeros((b - a, CHANNELS), dtype=np.int64)
        sources = [bay.source(side, at_s) for side in (0, 1)]
        lines = [bay.lines(side, at_s) for side in (0, 1)]
        turns = [source.cycles(t) for source in sources]
        hz = [source.hz(t) for source in sources]
        pu = [np.rint(source.pu(t) * 65_536).astype(np.int64) for source in sources]
        for channel in range(4):
            side, which = divmod(channel, 2)
            line = lines[side][which] * self._u_codes
            at = turns[side] + hz[side] * (channel * self._slot_s)
            wave = _wave(line, at, 1)
            for order, pct, *degs in sources[side].harmonics:
                size = abs(line) * pct / 100
                rad = math.radians(degs[which])
                wave = wave + _wave(complex(size * math.cos(rad), size * math.sin(rad)), at, order)
            out[:, channel] = wave * pu[side] >> 24
        rest = [complex(bay.u0(at_s) * self._u_codes)]
        rest += [i * self._i_codes for i in bay.currents(at_s)]
        for k, size in enumerate(rest):
            if size:
                at = turns[0] + hz[0] * ((4 + k) * self._slot_s)
                out[:, 4 + k] = _wave(size, at, 1) >> 8
        return out


def loudness(noise_lsb: float) -> int:
    """Of converted()."""
    return round(noise_lsb * (1 << 28) / _SPREAD)


def converted(wave: np.ndarray, words: np.random.PCG64, loud: int) -> np.ndarray:
    """Codes of a wave in Q12 of a code about zero, with noise drawn from `words`."""
    raw = words.random_raw(wave.size)
    four = np.array([raw >> np.uint64(16 * k) & np.uint64(0xFFFF) for k in range(4)])
    noise = (four.astype(np.int64).sum(axis=0) - 131_070) * loud >> 16
    return np.clip(wave + noise.reshape(wave.shape) + (_MID << 12) + 2048 >> 12, 0, _TOP)


def _wave(size: complex, turns: np.ndarray, order: int) -> np.ndarray:
    """Re(size exp(j order turns)) in Q20 of a code."""
    turn = order * (np.floor((turns - np.floor(turns)) * (1 << 26)).astype(np.int64) << 6)
    re, im = round(size.real * 4096), round(size.imag * 4096)
    return re * sine_q30(turn + _QUARTER) - im * sine_q30(turn) >> 22
