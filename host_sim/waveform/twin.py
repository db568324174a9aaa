"""numpy twin of dsp/ring.py and its kernels, bit-equal and fast, for waveform-level simulation.

One matrix product gives all sums: products of codes stay far below 2^53, so doubles are exact.
Overruns, order and reference are RingSampler's own.
"""
from array import array

import numpy as np

from acu.dsp import kernels
from acu.dsp.kernels import STRIDE
from acu.dsp.ring import HEAD_PERIOD, RingSampler
from host_sim.waveform import harmonics

SINE = np.array(kernels.SINE[:256], dtype=np.int64)     # Q12 at the middle of 256 steps of a cycle
COSINE = np.array(kernels.SINE[64:], dtype=np.int64)
WAVES = np.array([COSINE, SINE], dtype=float).T.copy()

_ROWS = np.arange(128)


def correct(codes, table, mem):
    """Kernel `correct` for a block: codes (frames x channels, integers), table as it takes it,
    mem: its three words a channel, brought up to date. Returns the corrected codes."""
    out = np.empty_like(codes)
    for c in range(codes.shape[1]):
        carry, last, shown = mem[3 * c:3 * c + 3]
        raw = codes[:, c]
        fresh = np.flatnonzero(np.diff(raw, prepend=last))
        total = carry + np.cumsum(table[raw[fresh]])
        values = np.diff(total >> 3, prepend=0)
        if len(fresh):
            out[:fresh[0], c] = shown
            out[fresh[0]:, c] = np.repeat(values, np.diff(fresh, append=len(raw)))
            mem[3 * c:3 * c + 3] = array("i", [int(total[-1]) & 7, int(raw[-1]), int(values[-1])])
        else:
            out[:, c] = shown
    return out


class TwinSampler(RingSampler):
    """RingSampler whose frames lie twice in a centred float buffer, so that no take wraps. With
    keep_ring its `ring` has them too, for those who look back."""

    keep_ring = False
    harmonics = harmonics       # for functions/spectrum.py

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
        self._codes = np.frombuffer(self.ring, dtype="u2").reshape(size_frames, STRIDE)

    def push(self, codes):
        new = np.frombuffer(codes, "<u2").reshape(-1, self.channels)
        at = self.head % self.size
        self.head = (self.head + len(new)) % HEAD_PERIOD
        while len(new):
            part = new[:self.size - at]
            self._frames[at:at + len(part), 3:] = part
            self._frames[at:at + len(part), 3:] -= 2048
            twice = at + self.size
            self._frames[twice:twice + len(part), 3:] = self._frames[at:at + len(part), 3:]
            if self.keep_ring:
                self._codes[at:at + len(part), :self.channels] = part
            new = new[len(part):]
            at = 0

    def take(self, n, ref, out):
        at = self.tail & (self.size - 1)
        if self._table is not None:
            self._put_right(at, n)
        frames = self._frames[at:at + n]
        index = ((_ROWS[:n] * ref[1] + ref[0]) >> 16) & 255
        frames[:, 1:3] = WAVES[index]
        sums = (frames.T @ frames).ravel()[self._place]
        into = np.frombuffer(out, "i4")
        into += sums.astype("i4")
        ref[0] = (ref[0] + n * ref[1]) & 0xFFFFFF
        self.tail = (self.tail + n) % HEAD_PERIOD

    def _put_right(self, at, n):
        rows = (at + np.arange(n)) % self.size
        codes = self._frames[rows, 3:].astype(np.int64) + 2048
        codes = correct(codes, self._entries, self._mem)
        self._frames[rows, 3:] = self._frames[rows + self.size, 3:] = codes - 2048
        if self.keep_ring:
            self._codes[rows, :self.channels] = codes

    def use_table(self, table):
        super().use_table(table)
        self._entries = np.array(table, dtype=np.int64)
