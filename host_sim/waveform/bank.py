"""All channels of one sampling rate, rendered together and ahead of time.

One matrix product makes some blocks for every controller at once. It is thrown away from the
instant at which anything changes (a new `epoch`), and since noise belongs to the frame number,
rendering twice gives the same codes. Frame k is taken at k / rate_hz; a block's frames are those
inside it, so 5 ms need not be a whole number of frames.
"""
import math

import numpy as np

from host_sim.waveform import adc, synthesis
from host_sim.waveform.front_end import CHUNK, SUM4_SD, FrontEnd

_PRODUCT = 200_000               # so many products at once keep the BLAS from starting threads
AHEAD = 16                       # blocks rendered at once while nothing changes
# What a frame adds: 1, and the door's cosine and sine, Q12 at the middle of 256 steps of a cycle.
_MIDDLES = [math.pi * (2 * i + 1) / 256 for i in range(256)]
SUM_COLUMNS = np.array([[1, round(4096 * math.cos(x)), round(4096 * math.sin(x))]
                        for x in _MIDDLES], dtype=np.float64)
_PEAK_CODES = 64.0               # codes an ampere for the exact currents: 2 kA stay exact
_FINE = 4096.0                   # slopes are small, and whole
_COUNT = np.arange(127, dtype=np.int64)  # most frames that one take may ask for


class Codes:
    """What the controllers of one rate have converted in the present block, as columns."""

    has_codes = True

    def __init__(self, rate_hz: int, widths: dict):
        """widths: number of channels of each controller, in the order of the columns."""
        self.rate_hz = rate_hz
        self._slice = {}
        first = 0
        for acu_id, width in widths.items():
            self._slice[acu_id] = slice(first, first + width)
            first += width
        self.width = first
        self._present = np.zeros((0, first), dtype="<u2")

    @property
    def members(self) -> list:
        return list(self._slice)

    def put(self, codes: bytes):
        """The block's frames of all columns, as block_codes() gave them elsewhere."""
        self._present = np.frombuffer(codes, dtype="<u2").reshape(-1, self.width)

    def n_frames(self) -> int:
        return len(self._present)

    def columns(self, acu_id: str) -> slice:
        """A controller's channels in block()."""
        return self._slice[acu_id]

    def block_codes(self):
        """The block's frames of all channels; valid until the next block."""
        return self._present

    def block(self):
        """The same less 2048 as float64."""
        return self._present.astype(np.float64) - synthesis.MID

    def codes(self, acu_id: str) -> bytes:
        """Interleaved little-endian codes of one controller."""
        return self.block_codes()[:, self._slice[acu_id]].tobytes()


class Bank(Codes):
    """Codes of the block that the street describes now, for several controllers."""

    def __init__(self, rate_hz: int, front_ends: dict, block_us: int):
        super().__init__(rate_hz, {name: len(f.channels) for name, f in front_ends.items()})
        self.front_ends: dict[str, FrontEnd] = front_ends
        first = self.width
        self._channels = [c for front_end in front_ends.values() for c in front_end.channels]
        rows = (AHEAD + 1) * (block_us * rate_hz // 1_000_000 + 2)
        self._centred = np.zeros((rows, first))            # code - 2048, exact in float64
        self._currents = np.zeros((rows, 3))
        self._base = 0                    # frame of row 0
        self._end = 0                     # frames rendered
        self._first = 0                   # frames of the present block
        self._last = 0
        self._epoch = -1
        self._amplitudes = np.zeros((0, 0))  # of the epoch: a column a channel
        self._exact = np.zeros((0, 0))       # of the transformer currents
        self._noise: dict = {}                # chunk -> noise of all channels
        self._uneven = self._passages()
        # of each channel; jitter moves a sample along the wave's slope
        self._jitter_ns = np.concatenate([[f.jitter_ns] * len(f.channels)
                                          for f in front_ends.values()])
        self._slopes = np.zeros((0, 0))

    def frame_at(self, t_us: int) -> int:
        """First frame at or after t_us."""
        return -(-t_us * self.rate_hz // 1_000_000)

    def begin(self, t_us: int, t_end_us: int):
        """The block [t_us, t_end_us) is next; its segments follow by `fill`."""
        self._first, self._last = self.frame_at(t_us), self.frame_at(t_end_us)

    def fill(self, segment: tuple, ahead_us: int, epoch: int, solution, supply, phasors_of):
        """Renders what the block still lacks of the segment (from, to), and on to ahead_us.

        phasors_of(acu_id): the phasors of the controller's channels in this state of the street.
        """
        first, last = self.frame_at(segment[0]), self.frame_at(segment[1])
        fresh = epoch != self._epoch
        if last <= first or (not fresh and last <= self._end):
            return
        if fresh:
            self._end = min(self._end, first)
            self._amplitudes = self._columns(solution, supply, phasors_of)
            if self._jitter_ns.any():
                self._slopes = self._slopes_of(self._amplitudes, solution.orders, supply.f_mhz)
            self._exact = np.array([synthesis.column(0.0, i, _PEAK_CODES, solution.orders, 0)
                                    for i in solution.i], dtype=np.float64).T
            self._epoch = epoch
        self._drop_before(self._first)
        last = max(last, min(self.frame_at(ahead_us), self._base + len(self._centred)))
        self._render(self._end, last, solution.orders, supply)
        self._end = last

    def n_frames(self) -> int:
        return self._last - self._first

    def block_codes(self):
        return (self.block() + synthesis.MID).astype("<u2")

    def codes(self, acu_id: str) -> bytes:
        return (self.block()[:, self._slice[acu_id]] + synthesis.MID).astype("<u2").tobytes()

    def block(self):
        row = self._first - self._base
        return self._centred[row:row + self.n_frames()]

    def add_sums(self, acu_id: str, k0: int, n: int, phase: int, step: int, pairs: tuple, out):
        """Adds to `out` the sums of the sampler door over frames k0..k0+n-1 of the block."""
        row = self._first - self._base + k0
        x = self._centred[row:row + n, self._slice[acu_id]]
        index = (phase + step * _COUNT[:n] & 0xFFFFFF) >> 16
        sums = (x.T @ SUM_COLUMNS[index]).tolist()
        products = (x.T @ x).tolist()
        k = 0
        for v, i in pairs:
            sum_v, v_cos, v_sin = sums[v]
            sum_i, i_cos, i_sin = sums[i]
            row_v = products[v]
            out[k] += int(sum_v)
            out[k + 1] += int(sum_i)
            out[k + 2] += int(row_v[v])
            out[k + 3] += int(products[i][i])
            out[k + 4] += int(row_v[i])
            out[k + 5] += int(v_cos)
            out[k + 6] += int(v_sin)
            out[k + 7] += int(i_cos)
            out[k + 8] += int(i_sin)
            k += 9

    def peaks(self) -> list:
        """Largest magnitude of each transformer current at the block's frames, exact, A."""
        rows = slice(self._first - self._base, self._last - self._base)
        return self._currents[rows].max(axis=0).tolist()

    def _columns(self, solution, supply, phasors_of):
        row = self._end - 1 - self._base
        last = ((self._centred[row] + synthesis.MID).astype(int).tolist() if row >= 0
                else [synthesis.MID] * len(self._channels))
        columns: list = []
        for acu_id, front_end in self.front_ends.items():
            for channel, x in zip(front_end.channels, phasors_of(acu_id), strict=True):
                last_code = last[len(columns)]
                columns.append(channel.column(x, solution.orders, supply.f_mhz, last_code))
        return np.array(columns, dtype=np.float64).T

    def _drop_before(self, frame: int):
        """Moves the frames from `frame` on to row 0."""
        if frame > self._base:
            keep = slice(frame - self._base, max(self._end, frame) - self._base)
            count = keep.stop - keep.start
            for buffer in (self._centred, self._currents):
                buffer[:count] = buffer[keep].copy()
            self._base = frame
            self._end = max(self._end, frame)

    def _rows(self, first: int, last: int, orders: tuple, supply):
        frames = np.arange(first, last, dtype=np.int64)
        t0_ns = first * 1_000_000_000 // self.rate_hz
        return synthesis.basis(supply.phase(t0_ns), supply.f_mhz,
                               frames * 1_000_000_000 // self.rate_hz - t0_ns, orders)

    def _render(self, first: int, last: int, orders: tuple, supply):
        rows = slice(first - self._base, last - self._base)
        basis = self._rows(first, last, orders, supply)
        step = max(1, _PRODUCT // max(self._amplitudes.size, 1))
        self._currents[rows] = np.abs(basis @ self._exact) * (synthesis.CODE / _PEAK_CODES)
        y = self._centred[rows]
        for k in range(0, len(y), step):
            np.matmul(basis[k:k + step], self._amplitudes, out=y[k:k + step])
        y += self._noise_of(first, last)
        if self._jitter_ns.any():
            y += basis @ self._slopes * self._lateness(first, last)
        uneven = [(columns, table[self._eighths(y[:, columns])])
                  for columns, table in self._unfrozen()]
        y *= synthesis.CODE
        np.floor(y, out=y)
        y -= synthesis.MID
        np.maximum(y, -synthesis.MID, out=y)
        np.minimum(y, synthesis.TOP - synthesis.MID, out=y)
        for columns, codes in uneven:
            y[:, columns] = codes.astype(np.float64) - synthesis.MID

    # ---- converters that are not even

    def _passages(self) -> list:
        """(columns, table) of the channels that have one."""
        tables = [table for f in self.front_ends.values() for table in f.passages()]
        found: dict = {}
        for column, table in enumerate(tables):
            if table is not None:
                found.setdefault(id(table), ([], table))[0].append(column)
        return list(found.values())

    def _unfrozen(self):
        """A frozen channel's code is one that has come out of the converter already."""
        for columns, table in self._uneven:
            live = [c for c in columns if not self._channels[c].frozen]
            if live:
                yield live, table

    @staticmethod
    def _eighths(y):
        """Places in a passage; y is half a code up, since codes are rounded down."""
        k = np.floor(y * (8 * synthesis.CODE) - 3.5) - 8 * adc.LOW
        return np.clip(k, 0, adc.PASSAGE - 1).astype(np.int64)

    def _slopes_of(self, amplitudes, orders: tuple, f_mhz: int):
        """Columns for the basis: how the waves change in jitter_ns, scaled for _lateness. Whole,
        so that the product is exact."""
        slopes = np.zeros_like(amplitudes)
        turn = 2 * math.pi * f_mhz * 1e-12 * self._jitter_ns
        for k, h in enumerate(orders):
            cos, sin = amplitudes[1 + 2 * k], amplitudes[2 + 2 * k]
            slopes[1 + 2 * k] = np.rint(sin * turn * (h * _FINE))
            slopes[2 + 2 * k] = np.rint(-cos * turn * (h * _FINE))
        return slopes

    def _lateness(self, first: int, last: int):
        """Frames x channels: the frame's jitter, less the scale of the slopes."""
        columns = []
        for f in self.front_ends.values():
            chunks = range(first // CHUNK, (last - 1) // CHUNK + 1)
            late = np.concatenate([f.jitter(c) for c in chunks]) if f.jitter_ns else np.zeros(
                len(chunks) * CHUNK)
            at = first - chunks[0] * CHUNK
            columns += [late[at:at + last - first]] * len(f.channels)
        return np.array(columns).T * (1.0 / (SUM4_SD * _FINE))

    def _noise_of(self, first: int, last: int):
        pieces = []
        while first < last:
            chunk, row = divmod(first, CHUNK)
            if chunk not in self._noise:
                self._noise = {c: n for c, n in self._noise.items() if c == chunk - 1}
                self._noise[chunk] = np.hstack([f.noise(chunk) for f in self.front_ends.values()])
            stop = min(last, (chunk + 1) * CHUNK)
            pieces.append(self._noise[chunk][row:row + stop - first])
            first = stop
        noise = np.vstack(pieces) if len(pieces) > 1 else pieces[0]
        frozen = [c.frozen for c in self._channels]
        if any(frozen):
            noise = np.where(frozen, 0.0, noise)
        return noise
