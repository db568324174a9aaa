"""The sampler door over a ring of frames in memory (ports.py, Sampler).

`ring` holds size_frames frames of kernels.STRIDE codes. Something else writes it and moves `head`,
a count of frames modulo HEAD_PERIOD: on a board the DMA's write address, in the simulator push().
`tail` counts the frames taken likewise; those stay in the ring until they are overwritten.
ready() and take() run in the fast tier: they allocate nothing and do no I/O.
"""
from array import array

from micropython import const

from acu.dsp.kernels import SINE, STRIDE, spread, take_pairs

HEAD_PERIOD = const(0x20000000)
_MASK = const(0x1FFFFFFF)
_GUARD = const(16)  # frames the writer may add between ready() and the end of take()


class RingSampler:
    """`channels` codes a frame, `pairs` of (v, i) channels, size_frames a power of two. ring: its
    memory, array('H') of that many frames; who has none gets one."""

    def __init__(self, channels, pairs, size_frames, rate_hz, ring=None):
        if channels > STRIDE or size_frames & (size_frames - 1) or size_frames < 4 * _GUARD:
            raise ValueError("ring: at most 8 channels, and a power of two of at least 64 frames")
        self.channels = channels
        self.pairs = pairs
        self.rate_hz = rate_hz
        self.overruns = 0      # frames overwritten before they were taken
        self.begin = 0         # the frame from which on they follow one another in the ring
        self.head = 0
        self.ring = array("H", bytes(2 * STRIDE * size_frames)) if ring is None else ring
        self.tail = 0
        self.size = size_frames
        self._keep = size_frames - _GUARD
        par = [size_frames, len(pairs)]
        for v, i in pairs:
            par += [v, i]
        self._par = array("i", par)
        self._shape = array("i", [channels, size_frames])
        self._table = None     # of the converter's errors

    def use_table(self, table):
        """From now on each code becomes table[code] / 8 when it is taken, in the ring too. table:
        array('H'), 4096 entries of at most 32760."""
        from acu.dsp.correction import correct
        self._correct = correct
        self._mem = array("i", [0, -1, 0] * self.channels)
        self._sizes = array("i", [self.size, self.channels])
        self._table = table

    def ready(self):
        """Frames that wait to be taken. Those that were overwritten are counted and left out."""
        n = (self.head - self.tail) & _MASK
        if n > self._keep:
            lost = n - self._keep
            self.overruns += lost
            self.tail = (self.tail + lost) & _MASK
            n = self._keep
        return n

    def take(self, n, ref, out):
        """Adds the sums of the n oldest frames to out; n <= ready() and n <= 127."""
        take_pairs(n, self.fetch(n), self.ring, self._par, ref, SINE, out)

    def fetch(self, n):
        """The n oldest frames count as taken; returns where in the ring they begin. n <= ready().
        They stay there until they are overwritten, corrected by the table if there is one."""
        tail = self.tail
        first = tail & (self.size - 1)
        if self._table is not None:
            self._correct(n, first, self.ring, self._sizes, self._table, self._mem)
        self.tail = (tail + n) & _MASK
        return first

    def push(self, codes):
        """Appends frames of packed little-endian 16-bit codes, as a converter's DMA would."""
        n = len(codes) // (2 * self.channels)
        spread(codes, n, self.ring, self._shape, self.head)
        self.head = (self.head + n) & _MASK
