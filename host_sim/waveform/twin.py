"""numpy twin of dsp/ring.py and its kernels, bit-equal and fast, for waveform-level simulation.

One matrix product gives all sums: products of codes stay far below 2^53, so doubles are exact.
Overruns, order and reference are RingSampler's own.
"""
import numpy as np

from acu.dsp import kernels
from acu.dsp.ring import HEAD_PERIOD, RingSampler

SINE = np.array(kernels.SINE[:256], dtype=np.int64)     # Q12 at the middle of 256 steps of a cycle
COSINE = np.array(kernels.SINE[64:], dtype=np.int64)
WAVES = np.array([COSINE, SINE], dtype=float).T.copy()

_ROWS = np.arange(128)


class TwinSampler(RingSampler):
    """RingSampler whose frames lie twice in a centred float buffer, so that no take wraps."""

    def __init__(self, channels, pairs, size_frames, rate_hz):
        super().__init__(channels, pairs, size_frames, rate_hz)
        # columns: 1, cos, sin (filled at take), then the channels
        self._frames = np.zeros((2 * size_frames, channels + 3))
        self._frames[:, 0] = 1
        place = []
        for v, i in pairs:
            v, i = v + 3, i + 3
            place += [(0, v), (0, i), (v, v), (i, i), (v, i), (1, v), (2, v), (1, i), (2, i)]
        self._place = np.array([row * (channels + 3) + column for row, column in place])

    def push(self, codes):
        new = np.frombuffer(codes, "<u2").reshape(-1, self.channels)
        at = self.head % self._size
        self.head = (self.head + len(new)) % HEAD_PERIOD
        while len(new):
            part = new[:self._size - at]
            self._frames[at:at + len(part), 3:] = part
            self._frames[at:at + len(part), 3:] -= 2048
            twice = at + self._size
            self._frames[twice:twice + len(part), 3:] = self._frames[at:at + len(part), 3:]
            new = new[len(part):]
            at = 0

    def take(self, n, ref, out):
        at = self._tail & (self._size - 1)
        frames = self._frames[at:at + n]
        index = ((_ROWS[:n] * ref[1] + ref[0]) >> 16) & 255
        frames[:, 1:3] = WAVES[index]
        sums = (frames.T @ frames).ravel()[self._place]
        into = np.frombuffer(out, "i4")
        into += sums.astype("i4")
        ref[0] = (ref[0] + n * ref[1]) & 0xFFFFFF
        self._tail = (self._tail + n) % HEAD_PERIOD
