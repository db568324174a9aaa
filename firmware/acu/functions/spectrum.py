"""Harmonics 1..25, THD, crest factor and DC of each channel, from the frames in the sampler's ring.

Slow tier: step() in a task of 10 ms takes what the fast tier has measured meanwhile, in pieces of
at most MAX_CHUNK frames, and does one piece of work. One channel after the other, each over 10
(60 Hz: 12) cycles of the measured frequency: class S of IEC 61000-4-30, whose harmonics need not
be without gaps; a channel comes again after n channels times some 0.22 s. Harmonic components,
not groups: a Hann window finds what is at the harmonic. No harmonic at or above half the rate.
THD is that of harmonics 2..25, of the fundamental. A window is given up when frames were lost or
the slow tier came too late. Without a ring (quantity level) everything stays UNKNOWN. The DC is
the converter's offset too.
"""
from array import array

from micropython import const

from acu.dsp.fixed import clear, isqrt
from acu.dsp.harmonics import (
    AT,
    CHANNEL,
    COUNT,
    HANN,
    HANN_STEP,
    HARMONICS,
    HIGH,
    LOW,
    MASK,
    MAX_CHUNK,
    PHASE,
    SQUARES,
    STATE,
    STEP,
    SUM,
    correlate,
    magnitudes,
    weigh,
)
from acu.dsp.kernels import SINE

UNKNOWN = const(-1)
_TAIL = const(0x1FFFFFFF)
_MARGIN = const(64)      # frames that may be written while a piece is read
_LEAST_Q8 = const(2048)  # peak of a fundamental that has harmonics: 8 codes
_WORK = const(1)         # what step() does next: frames, magnitudes, the rest
_SIZES = const(2)
_REST = const(3)


class Spectrum:
    """Lists over the channels. thd_ppm; crest_m: peak by RMS, per mille; dc_u: uV or uA; h_ppm:
    arrays of HARMONICS + 1, h_ppm[c][h] that of harmonic h in ppm of the fundamental. UNKNOWN
    where there is none yet, or next to no signal."""

    def __init__(self, sampler, measuring):
        n = len(measuring.cal)
        self.thd_ppm = [UNKNOWN] * n
        self.crest_m = [UNKNOWN] * n
        self.dc_u = [UNKNOWN] * n
        self.h_ppm = [array("i", [UNKNOWN] * (HARMONICS + 1)) for _ in range(n)]
        self.n_done = 0          # windows of a channel
        self._sampler = sampler
        self._m = measuring
        # the simulator has it in numpy
        self._correlate = getattr(sampler, "correlate", correlate)
        # pieces a step: what comes in 10 ms and half as much again
        self._pieces = sampler.rate_hz * 3 // (200 * MAX_CHUNK) + 1
        self._c = 0
        self._work = 0
        self._st = array("i", [0] * STATE)
        self._acc = array("i", [0] * (2 * HARMONICS))
        self._sizes = array("i", [0] * HARMONICS)
        self._buf = array("i", [0] * MAX_CHUNK)

    def step(self):
        """One pass. Returns the channel that has new values, or UNKNOWN."""
        if self._sampler.ring is None:
            return UNKNOWN
        if not self._work or self._sampler.overruns != self._overruns or self._m.fund is None:
            self._begin()
        elif self._work == _WORK:
            self._frames()
        elif self._work == _SIZES:
            self._harmonics()
        else:
            return self._finish()
        return UNKNOWN

    def _begin(self):
        """A window of this channel begins with the next frame."""
        m = self._m
        sampler = self._sampler
        self._overruns = sampler.overruns
        if m.fund is None or not m.used_mhz:
            self._work = 0
            return
        rate = sampler.rate_hz * 1000
        cycles = 10 if m.used_mhz < 55_000 else 12
        self._n = self._left = (rate * cycles + m.used_mhz // 2) // m.used_mhz
        self._next = sampler.tail
        st = self._st
        clear(st, STATE)
        clear(self._acc, 2 * HARMONICS)
        st[AT] = self._next & (sampler.size - 1)
        st[MASK] = sampler.size - 1
        st[CHANNEL] = self._c
        st[HANN_STEP] = (0x1000000 + self._n // 2) // self._n
        st[HANN] = st[HANN_STEP] // 2
        st[LOW] = 4095
        st[HIGH] = -4095
        st[STEP] = ((m.used_mhz << 24) + rate // 2) // rate
        st[COUNT] = min(HARMONICS, (rate - 1) // (2 * m.used_mhz))
        self._work = _WORK

    def _frames(self):
        sampler = self._sampler
        st = self._st
        for _ in range(self._pieces):
            n = min((sampler.tail - self._next) & _TAIL, self._left, MAX_CHUNK)
            if n <= 0:
                return
            weigh(0, 0, n, st, sampler.ring, SINE, self._buf)
            if (sampler.tail - self._next) & _TAIL > sampler.size - _MARGIN:
                self._work = 0   # overwritten, maybe, while it was read
                return
            self._correlate(0, 0, n, st, SINE, self._buf, self._acc)
            self._next = (self._next + n) & _TAIL
            self._left -= n
            if not self._left:
                self._work = _SIZES
                return

    def _harmonics(self):
        sizes = self._sizes
        count = self._st[COUNT]
        magnitudes(0, 0, count, self._acc, sizes)
        h_ppm = self._h = self.h_ppm[self._c]
        one = sizes[0]
        # a wave of a codes peak gives n * 64 * 1.6468 * a
        self._alive = one * 256 >= self._n * 105 * _LEAST_Q8
        for h in range(HARMONICS):
            h_ppm[h + 1] = ((sizes[h] * 1_000_000 + one // 2) // one
                            if self._alive and h < count else UNKNOWN)
        self._work = _REST

    def _finish(self):
        c = self._c
        st = self._st
        n = self._n
        h_ppm = self._h
        h_ppm[0] = UNKNOWN
        self.thd_ppm[c] = self.crest_m[c] = UNKNOWN
        total = st[SUM]
        self.dc_u[c] = total * self._m.cal[c][0] // (2048 * n)
        if self._alive:
            square = 0
            for h in range(2, st[COUNT] + 1):
                square += h_ppm[h] * h_ppm[h]
            self.thd_ppm[c] = isqrt(square)
            peak = max(st[HIGH] * n - total, total - st[LOW] * n)
            square = ((st[SQUARES + 1] << 24) + st[SQUARES]) * n - total * total
            self.crest_m[c] = isqrt(peak * peak * 1_000_000 // square)
        self._c = (c + 1) % len(self.thd_ppm)
        self._work = 0
        self.n_done += 1
        return c
