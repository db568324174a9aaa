"""Harmonics 1..25, THD, crest factor and DC of each channel, from the frames in the ring.

Slow tier: step() in a task of 10 ms takes what the fast tier has measured meanwhile, or does
another piece of work, each below 1 ms on an RP2040. One channel after the other, over 10 (60 Hz:
12) cycles of the measured frequency: class S of IEC 61000-4-30, whose harmonics need not be
without gaps; a channel comes again after some 0.3 s times the channels. Harmonic components, not
groups: a Hann window looks at the harmonic and little else. None at or above half the rate. THD is
that of harmonics 2..25 by the fundamental. A window is given up when frames were lost or the slow
tier came too late. Without a ring (quantity level) everything stays UNKNOWN. The DC is the
converter's offset too.
"""
from array import array

from micropython import const

from acu.dsp import harmonics
from acu.dsp.fixed import clear, isqrt
from acu.dsp.harmonics import HARMONICS, PLACES
from acu.dsp.kernels import SINE

UNKNOWN = const(-1)
_COUNT = const(0x1FFFFFFF)
_MARGIN = const(64)      # frames that may be written while a piece is read
_PIECE = const(127)      # frames of a pass
_EACH = const(6)         # harmonics of a pass
_LEAST = const(1264)     # 158 * 8 codes: a fundamental with a smaller peak has no harmonics

# What step() does next.
_BEGIN = const(0)
_FRAMES = const(1)
_WAVES = const(2)
_SIZES = const(3)
_REST = const(4)


class Spectrum:
    """Lists over the channels. thd_ppm; crest_m: peak by RMS, per mille; dc_u: uV or uA; h_ppm:
    arrays of HARMONICS + 1, h_ppm[c][h] that of harmonic h in ppm of the fundamental (at most
    2,200,000), and in place 0 the THD again. UNKNOWN where there is none yet, or next to no
    signal."""

    def __init__(self, sampler, measuring):
        n = len(measuring.cal)
        self.thd_ppm = [UNKNOWN] * n
        self.crest_m = [UNKNOWN] * n
        self.dc_u = [UNKNOWN] * n
        self.h_ppm = [array("i", [UNKNOWN] * (HARMONICS + 1)) for _ in range(n)]
        self.n_done = 0          # windows of a channel
        self.clipped = 0         # a bit a channel: its peaks were at the converter's rails
        # the simulator's sampler brings the two heavy loops in numpy
        self._loops = getattr(sampler, "harmonics", harmonics)
        self._sampler = sampler
        self._m = measuring
        self._c = 0
        self._work = _BEGIN
        self._overruns = 0
        self._st = array("i", [0] * 12)
        self._bins = array("i", [0] * PLACES)
        self._acc = array("i", [0] * (2 * HARMONICS))
        self._size = array("i", [0] * HARMONICS)

    def step(self):
        """One pass. Returns the channel that has new values, or UNKNOWN."""
        sampler = self._sampler
        work = self._work
        if sampler.ring is None:
            return UNKNOWN
        if work == _FRAMES:
            if sampler.overruns != self._overruns or self._m.fund is None:
                self._work = _BEGIN
            else:
                self._frames()
        elif work == _WAVES:
            end = min(self._h + _EACH, self._count + 1)
            self._loops.correlate(0, 0, self._h, end, SINE, self._bins, self._acc)
            self._h = end
            if end > self._count:
                self._work = _SIZES
        elif work == _SIZES:
            self._sizes()
        elif work == _REST:
            return self._finish()
        elif self._m.fund is not None:
            self._begin()
        return UNKNOWN

    def _begin(self):
        """A window of this channel begins with the next frame."""
        sampler = self._sampler
        f_mhz = self._m.used_mhz
        rate = sampler.rate_hz * 1000
        cycles = 10 if f_mhz < 55_000 else 12
        self._n = self._left = (rate * cycles + f_mhz // 2) // f_mhz
        self._count = min(HARMONICS, (rate - 1) // (2 * f_mhz))
        self._overruns = sampler.overruns
        self._next = sampler.tail
        clear(self._bins, PLACES)
        turn = 0x1000000 // self._n
        state = (self._next & (sampler.size - 1), sampler.size - 1, self._c, turn // 2, turn,
                 0, ((f_mhz << 24) + rate // 2) // rate, 4095, -4095, 0, 0, 0)
        for k in range(len(state)):
            self._st[k] = state[k]
        self._work = _FRAMES

    def _frames(self):
        sampler = self._sampler
        n = min((sampler.tail - self._next) & _COUNT, self._left, _PIECE)
        self._loops.gather(0, 0, n, self._st, sampler.ring, SINE, self._bins)
        if (sampler.tail - self._next) & _COUNT > sampler.size - _MARGIN:
            self._work = _BEGIN   # overwritten, maybe, before they were read
            return
        self._next = (self._next + n) & _COUNT
        self._left -= n
        if not self._left:
            harmonics.fold(0, 0, self._bins)
            self._h = 1
            self._work = _WAVES

    def _sizes(self):
        """Harmonics and THD; a wave of a codes peak gives frames * 96 * 1.6468 * a."""
        sizes = self._size
        h_ppm = self.h_ppm[self._c]
        harmonics.magnitudes(0, 0, self._count, self._acc, sizes)
        self._alive = sizes[0] >= self._n * _LEAST
        for h in range(HARMONICS + 1):
            h_ppm[h] = UNKNOWN
        if self._alive:
            harmonics.ratios(0, 0, self._count, sizes, h_ppm)
        self._work = _REST

    def _finish(self):
        c = self._c
        n = self._n
        low, high, total, square, limb = self._st[7:]     # harmonics.gather()
        table = self._sampler._table                      # it moves the rails too
        top, bottom = (table[4095] >> 3, table[0] + 7 >> 3) if table else (4095, 0)
        self.clipped &= ~(1 << c)
        if high >= top - 2048 or low <= bottom - 2048:
            self.clipped |= 1 << c
        self.dc_u[c] = total * self._m.cal[c][0] // (2048 * n)
        self.thd_ppm[c] = self.h_ppm[c][0]
        self.crest_m[c] = UNKNOWN
        if self._alive:
            peak = max(high * n - total, total - low * n)
            square = ((limb << 24) + square) * n - total * total
            self.crest_m[c] = isqrt(peak * peak * 1_000_000 // square)
        self._c = (c + 1) % len(self.thd_ppm)
        self._work = _BEGIN
        self.n_done += 1
        return c
