"""Sums of the sampler door without samples: the phasors of a range of frames, in closed form.

Between two events every channel is a constant and a few phasors, so a sum of products over frames
is a weighted sum of geometric series g(m) = sum of exp(j m theta). Only the door's reference is a
table and no exponential: its products with each order are summed over frames once for a take,
whatever the number of channels.

Noise (with rounding's variance, 1/12) is drawn where the sums see it: along the constant, cosine
and sine of the fundamental, made orthogonal over the range, so that v, v^2, v i and v cos vary
together as with samples; what the other directions add to the squares follows. A range that holds
an event is cut there. A take's noise belongs to its first frame, not to what was asked before.
A clipped channel keeps the orders and the mean square of its clipped wave. Frozen is exact.

Integers sit in float64 below 2^53, and all else is done element by element, so that every machine
gives the same sums.
"""
import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from host_sim.waveform import synthesis
from host_sim.waveform.bank import SUM_COLUMNS
from host_sim.waveform.front_end import FrontEnd
from host_sim.world.dice import bits
from host_sim.world.supply import CYCLE

_AHEAD = 32                      # blocks worked out at once while nothing changes
_G_BITS = 17                     # fractional bits of g(m)
_BASIS_BITS = 14                 # of the basis that meets the reference
_POWER_BITS = 6                  # of products of amplitudes, in codes^2
_AMP_BITS = 8                    # of amplitudes against the reference
_RATIO_BITS = 16                 # of the sums' sizes
_DRAWS = 5                       # of a channel: three directions, square and product of the others
_FRAMES_A_ROW = 4                # takes that begin in the same ones share their draws
_ROWS = 256                      # of draws made at a time
_WAVE = 2.0 ** -(_BASIS_BITS + _AMP_BITS)
_NORMAL_BITS = 12                # of a draw that are used
_NORMAL = np.array([round(NormalDist().inv_cdf((2 * i + 1) / (2 << _NORMAL_BITS)) * 4096)
                    for i in range(1 << _NORMAL_BITS)]) / 4096
_REFERENCE = np.ascontiguousarray(SUM_COLUMNS[:, 1:])
_COUNT = np.arange(127, dtype=np.int64)
_STILL = 4                       # so few frames of a healthy channel may all be equal
_FLAT = 1e-3                     # a direction shorter than this, squared, is none
_CODES = 1 << synthesis.AMP_BITS


@lru_cache(maxsize=512)
def _steps(step: int):
    """How far the reference has turned at each frame of a take."""
    return _COUNT * step


@lru_cache(maxsize=512)
def _sizes(f_mhz: int, rate_hz: int, n: int, ms: tuple):
    """sin(n x) / sin(x) of each order m, x half of what it turns in a frame."""
    sizes = []
    for m in ms:
        turns = m * f_mhz % (2000 * rate_hz)       # of 2000 rate_hz a turn; both sines from one x
        x = 2 * math.pi * turns / (2000 * rate_hz)
        if turns % (1000 * rate_hz):
            size = math.sin(n * x) / math.sin(x)
        else:                                      # the order falls on a multiple of the rate
            size = n * math.cos(n * x) / math.cos(x)
        sizes.append(round(size * (1 << _RATIO_BITS)))
    return np.array(sizes, dtype=np.int64)


def _clipped(column: list, orders: tuple) -> tuple:
    """(column, mean square of what its orders lack) of the wave between the rails."""
    basis = synthesis.basis(0, 1, np.arange(512) * (CYCLE // 512), orders)
    y = np.clip(np.floor(basis @ np.array(column, dtype=np.float64) * synthesis.CODE),
                0, synthesis.TOP) - synthesis.MID
    parts = (y @ basis) * (2.0 / 512 / (1 << synthesis.ROW_BITS))
    parts[0] /= 2
    square = float(y @ y) / 512 - parts[0] ** 2 - sum((parts[1:] ** 2).tolist()) / 2
    kept = [round(x * _CODES) for x in parts.tolist()]
    kept[0] += round((synthesis.MID + 0.5) * _CODES)
    return kept, max(round((square - 1 / 12) * 64) / 64, 0.0)


def _directions(c1, c2, s1, s2, n: int) -> tuple:
    """Cholesky factor of 1, cos, sin over n frames, from their sums at once and twice the angle:
    l10, l20, l11, l21, l22, 1/l11, 1/l22; 0 for a direction that is none."""
    l10, l20 = c1 / math.sqrt(n), s1 / math.sqrt(n)
    l11, r11 = _root((n + c2) / 2 - l10 * l10)
    l21 = (s2 / 2 - l10 * l20) * r11
    l22, r22 = _root((n - c2) / 2 - l20 * l20 - l21 * l21)
    return l10, l20, l11, l21, l22, r11, r22


def _root(square) -> tuple:
    there = square > _FLAT
    root = np.sqrt(np.where(there, square, 1.0))
    return root * there, there / root


class _State:
    """One constant state of the street from frame `first` on, and the ranges worked out in it."""

    def __init__(self, rate_hz: int, first: int, orders: tuple, supply, columns: list, variances):
        """variances: of noise and rounding, codes^2, by channel; 0 where frozen."""
        self._orders = orders
        self._f_mhz = supply.f_mhz
        self._variances = variances
        self._noise = np.sqrt(variances)
        self._rate_hz = rate_hz
        self._t_ns = self._time_ns(first)
        self._phase = supply.phase(self._t_ns)
        self._columns = columns
        self.ranges: dict = {}                     # (first, n) -> (sums, amplitudes)
        self._basis = np.zeros((0, 0))
        self._basis_first = self._basis_end = 0
        limit = (synthesis.MID - 1) * _CODES
        zero = round((synthesis.MID + 0.5) * _CODES)
        kept, rest = [], []
        for column in columns:
            peak = abs(column[0] - zero) + sum(math.hypot(column[k], column[k + 1])
                                               for k in range(1, len(column), 2))
            clipped = _clipped(column, orders) if peak > limit else (column, 0.0)
            kept.append(clipped[0])
            rest.append(clipped[1])
        self._rest = np.array(rest)                # codes^2
        amplitudes = np.array(kept, dtype=np.float64)
        amplitudes[:, 0] -= zero
        self._phasors = amplitudes[:, ::2].astype(np.complex128)   # the constant is one of order 0
        self._phasors[:, 1:] = amplitudes[:, 1::2] - 1j * amplitudes[:, 2::2]
        self._cos, self._sin = amplitudes[:, 1] / _CODES, amplitudes[:, 2] / _CODES
        self._amplitudes = np.rint(amplitudes * (2.0 ** _AMP_BITS / _CODES))
        self._weights: tuple | None = None
        hs = (0, *orders)
        self._ms = tuple(sorted({m for h in hs for g in hs for m in (h + g, abs(h - g))}))

    def forget(self):
        """The pairs have become more."""
        self.ranges.clear()
        self._weights = None

    def solve(self, firsts: list, n: int, z, v: list, i: list) -> tuple:
        """(sums, amplitudes) of ranges of n frames from each of firsts.

        sums: ranges x pairs x 9, the last four left to the reference; amplitudes: ranges x 2 pairs
        x basis, scaled for the basis; noise is in both. z: draws x ranges x channels, normal;
        v, i: channels of the pairs.
        """
        if self._weights is None:
            self._weights = self._weigh(v, i)
        weights, scale = self._weights
        g = self._series(firsts, n)
        exact = g @ weights * scale
        c = len(self._noise)
        mean, square, product = exact[:, :c], exact[:, c:2 * c], exact[:, 2 * c:]

        one, two, half = self._ms.index(1), self._ms.index(2), len(self._ms)
        c1, c2, s1, s2 = (g.T[[one, two, half + one, half + two]] * 2.0 ** -_G_BITS)[:, :, None]
        l10, l20, l11, l21, l22, r11, r22 = _directions(c1, c2, s1, s2, n)
        y1, y2 = self._cos * l11 + self._sin * l21, self._sin * l22
        e0 = z[0] * np.sqrt(np.maximum(self._variances * n - 1 / 12, 0.0))   # the sum is rounded
        e1, e2 = z[1] * self._noise * (l11 > 0), z[2] * self._noise * (l22 > 0)
        others = n - 1.0 - (l11 > 0) - (l22 > 0)   # directions of noise that meet no signal

        top = n * synthesis.MID
        sums = np.clip(np.rint(mean + e0), -top, top)
        level = sums * sums / n
        spread = (square - mean * mean / n + self._rest * n + (y1 + y1 + e1) * e1
                  + (y2 + y2 + e2) * e2 + self._variances * (others + np.sqrt(2 * others) * z[3]))
        spread = np.minimum(np.maximum(spread, self._variances * ((n - 1) / 16)),
                            top * synthesis.MID - level)
        squares = np.rint(level + spread * (n > 1))
        if n > _STILL:                             # only a frozen channel does not move at all
            squares = np.maximum(squares, np.floor(level) + (self._variances > 0))

        a, b = np.array(v), np.array(i)
        cross = (product - mean[:, a] * mean[:, b] / n
                 + y1[:, a] * e1[:, b] + e1[:, a] * (y1[:, b] + e1[:, b])
                 + y2[:, a] * e2[:, b] + e2[:, a] * (y2[:, b] + e2[:, b])
                 + self._noise[a] * self._noise[b] * np.sqrt(others) * z[4][:, a])
        cross *= (self._variances[a] > 0) & (self._variances[b] > 0) & (n > 1)
        found = np.zeros((len(firsts), len(a), 9))
        for k, column in enumerate((sums[:, a], sums[:, b], squares[:, a], squares[:, b],
                                    np.rint(sums[:, a] * sums[:, b] / n + cross))):
            found[:, :, k] = column

        # The same noise as amplitudes of the constant, the cosine and the sine.
        d_sin = e2 * r22
        d_cos = (e1 - l21 * d_sin) * r11
        d_constant = e0 / n - (l10 * d_cos + l20 * d_sin) / math.sqrt(n)
        rows = np.stack((a, b), 1).ravel()
        amplitudes = np.repeat(self._amplitudes[None, rows], len(firsts), 0)
        for k, noise in enumerate((d_constant, d_cos, d_sin)):
            amplitudes[:, :, k] += np.rint(noise[:, rows] * 2.0 ** _AMP_BITS)
        return found, amplitudes * _WAVE

    def basis(self, first: int, n: int):
        """Rows constant, cosine and sine of each order; a column a frame."""
        if first < self._basis_first or first + n > self._basis_end:
            frames = np.arange(first, first + n * _AHEAD, dtype=np.int64)
            base_ns = self._time_ns(first)
            rows = synthesis.basis(self._phase_at(base_ns), self._f_mhz,
                                   frames * 1_000_000_000 // self._rate_hz - base_ns, self._orders)
            rows = np.rint(rows * 2.0 ** (_BASIS_BITS - synthesis.ROW_BITS))
            self._basis = np.ascontiguousarray(rows.T)
            self._basis_first, self._basis_end = first, first + len(frames)
        at = first - self._basis_first
        return self._basis[:, at:at + n]

    def last_codes(self, frame: int) -> list:
        """Codes of a frame, without noise: where a channel that freezes then stays."""
        row = synthesis.basis(self._phase_at(self._time_ns(frame)), self._f_mhz,
                              np.zeros(1, dtype=np.int64), self._orders)
        y = np.floor(row @ np.array(self._columns, dtype=np.float64).T * synthesis.CODE)
        return np.clip(y[0], 0, synthesis.TOP).astype(int).tolist()

    def _weigh(self, v: list, i: list) -> tuple:
        """Matrix from [Re g, Im g] to the sums of each channel, of its square, and of the products
        of the pairs; and the scale of each."""
        place = {m: k for k, m in enumerate(self._ms)}
        x = self._phasors
        hs = (0, *self._orders)
        sums = np.zeros((len(self._ms), len(x)), dtype=np.complex128)
        for k, h in enumerate(hs):
            sums[place[h]] = x[:, k]
        channels = list(range(len(x)))
        a, b = x[channels + v], x[channels + i]
        products = np.zeros((len(self._ms), len(a)), dtype=np.complex128)
        for j, h in enumerate(hs):
            for k, g in enumerate(hs):
                products[place[h + g]] += a[:, j] * b[:, k]
                products[place[abs(h - g)]] += (a[:, j] * b[:, k].conj() if h >= g
                                                else a[:, j].conj() * b[:, k])
        products = products / (2.0 * _CODES * _CODES / 2.0 ** _POWER_BITS)
        both = np.hstack((sums, products))
        scale = np.full(both.shape[1], 2.0 ** -(_G_BITS + _POWER_BITS))
        scale[:len(x)] = 2.0 ** -_G_BITS / _CODES
        return np.vstack((np.rint(both.real), np.rint(-both.imag))), scale

    def _series(self, firsts: list, n: int):
        """g of each order over n frames from each of firsts: a row [Re g, Im g] a range."""
        base_ns = self._time_ns(firsts[0])
        twice = np.array([self._time_ns(k) + self._time_ns(k + n - 1) for k in firsts])
        # Twice the phase in the middle, then 2^32 a cycle.
        middle = (2 * self._phase_at(base_ns) + self._f_mhz * (twice - 2 * base_ns)) % (2 * CYCLE)
        turns = ((middle << 19) // 5**12)[:, None] * np.array(self._ms)
        waves = synthesis.sine_q30(np.hstack((turns + (1 << 30), turns)))
        sizes = _sizes(self._f_mhz, self._rate_hz, n, self._ms)
        down = 30 + _RATIO_BITS - _G_BITS
        g = waves * np.concatenate((sizes, sizes)) + (1 << (down - 1)) >> down
        return g.astype(np.float64)

    def _time_ns(self, frame: int) -> int:
        return frame * 1_000_000_000 // self._rate_hz

    def _phase_at(self, t_ns: int) -> int:
        return (self._phase + self._f_mhz * (t_ns - self._t_ns)) % CYCLE


class QuantityBank:
    """Sums of the block that the street describes now, for several controllers of one rate."""

    has_codes = False

    def __init__(self, rate_hz: int, front_ends: dict, noise_lsb: dict, seed: int):
        """noise_lsb: rms of each controller's noise, by id like front_ends."""
        self.rate_hz = rate_hz
        self.front_ends: dict[str, FrontEnd] = front_ends
        self._seed = seed
        self._channel0 = {}
        self._channels: list = []
        variances = []
        for acu_id, front_end in front_ends.items():
            self._channel0[acu_id] = len(self._channels)
            self._channels += front_end.channels
            variances += [noise_lsb[acu_id] * noise_lsb[acu_id] + 1 / 12] * len(front_end.channels)
        self._variances = np.array(variances)      # codes^2, rounding included
        self._asked: dict = {}                     # (controller, pairs) -> slices
        self._v: list = []                         # channels of the pairs
        self._i: list = []
        self._t_us = self._t_end_us = 0
        self._first = self._last = 0
        self._epoch = -1
        self._pieces: list = []                    # (first, last, state) of the block
        self._draws: dict = {}

    def frame_at(self, t_us: int) -> int:
        """First frame at or after t_us."""
        return -(-t_us * self.rate_hz // 1_000_000)

    def begin(self, t_us: int, t_end_us: int):
        """The block [t_us, t_end_us) is next; its segments follow by `fill`."""
        self._t_us, self._t_end_us = t_us, t_end_us
        self._first, self._last = self.frame_at(t_us), self.frame_at(t_end_us)
        self._pieces = [(self._first, self._last, self._pieces[-1][2])] if self._pieces else []

    def fill(self, segment: tuple, _ahead_us: int, epoch: int, solution, supply, phasors_of):
        """A segment (from, to) of the block; phasors_of(acu_id): of the controller's channels."""
        first, last = self.frame_at(segment[0]), self.frame_at(segment[1])
        if last <= first or epoch == self._epoch:
            return
        self._epoch = epoch
        held = [synthesis.MID] * len(self._channels)
        if self._pieces:
            begun, _, before = self._pieces.pop()
            held = before.last_codes(first - 1)
            if begun < first:
                self._pieces.append((begun, first, before))
        phasors = [x for acu_id in self.front_ends for x in phasors_of(acu_id)]
        columns = [channel.column(x, solution.orders, supply.f_mhz, code)
                   for channel, x, code in zip(self._channels, phasors, held, strict=True)]
        state = _State(self.rate_hz, first, solution.orders, supply, columns,
                       np.where([c.frozen for c in self._channels], 0.0, self._variances))
        self._pieces.append((first, self._last, state))

    @property
    def members(self) -> list:
        return list(self.front_ends)

    def n_frames(self) -> int:
        return self._last - self._first

    def add_sums(self, acu_id: str, k0: int, n: int, phase: int, step: int, pairs: tuple, out):
        """Adds to `out` the sums of the sampler door over frames k0..k0+n-1 of the block."""
        own, rows = self._asked.get((acu_id, pairs)) or self._ask(acu_id, pairs)
        into = np.frombuffer(out, dtype="i4").reshape(-1, 9)
        start = self._first + k0
        for begun, end, state in self._pieces:
            first = start if start > begun else begun
            count = (start + n if start + n < end else end) - first
            if count > 0:
                sums, amplitudes = state.ranges.get((first, count)) or self._work_out(
                    state, first, count)
                turned = phase + (first - start) * step
                table = _REFERENCE.take(_steps(step)[:count] + turned >> 16, 0, mode="wrap")
                waves = amplitudes[rows].dot(state.basis(first, count).dot(table))
                sums = sums[own]
                sums[:, 5:] = np.rint(waves).reshape(-1, 4)
                np.add(into, sums, out=into, casting="unsafe")

    def places(self, acu_ids: list, pairs: list):
        """First pair of each controller, for sums_of(); all have equally many."""
        asked = [self._asked.get((name, of_one)) or self._ask(name, of_one)
                 for name, of_one in zip(acu_ids, pairs, strict=True)]
        return np.array([of_pairs.start for of_pairs, _ in asked])

    def sums_of(self, firsts, k0: int, n: int, phases, steps):
        """As add_sums, over the same frames for several controllers: a row of 27 for each of
        places() `firsts`; phases, steps: of their references."""
        found = np.zeros((len(firsts), 3, 9))
        rows = firsts[:, None] + np.arange(3)
        both = 2 * firsts[:, None] + np.arange(6)
        start = self._first + k0
        for begun, end, state in self._pieces:
            first = start if start > begun else begun
            count = (start + n if start + n < end else end) - first
            if count > 0:
                sums, amplitudes = state.ranges.get((first, count)) or self._work_out(
                    state, first, count)
                turned = phases + (first - start) * steps
                table = _REFERENCE.take(
                    _COUNT[:count] * steps[:, None] + turned[:, None] >> 16, 0, mode="wrap")
                waves = np.matmul(amplitudes[both], np.matmul(state.basis(first, count), table))
                sums = sums[rows]
                sums[:, :, 5:] = np.rint(waves).reshape(len(firsts), 3, 4)
                found += sums
        return found.reshape(len(firsts), 27)

    def _ask(self, acu_id: str, pairs: tuple) -> tuple:
        """Pairs that are asked for the first time; from now on they are worked out with all."""
        first = self._channel0[acu_id]
        begin, end = len(self._v), len(self._v) + len(pairs)
        self._v += [first + v for v, _ in pairs]
        self._i += [first + i for _, i in pairs]
        self._asked[acu_id, pairs] = slice(begin, end), slice(2 * begin, 2 * end)
        for _, _, state in self._pieces:
            state.forget()
        return self._asked[acu_id, pairs]

    def _work_out(self, state: _State, first: int, n: int) -> tuple:
        """The sums of all pairs over a range, and at the same place of the blocks ahead."""
        firsts = [first]
        block_us = self._t_end_us - self._t_us
        for k in range(1, _AHEAD if len(self._pieces) == 1 else 1):
            begun = self.frame_at(self._t_us + k * block_us)
            if self.frame_at(self._t_end_us + k * block_us) - begun == self.n_frames():
                firsts.append(begun + first - self._first)
        state.ranges = {key: one for key, one in state.ranges.items() if key[0] >= self._first}
        draws = np.array([self._row(k // _FRAMES_A_ROW) for k in firsts])
        normals = _NORMAL[draws >> 16 - _NORMAL_BITS].reshape(len(firsts), -1, _DRAWS)
        z = np.ascontiguousarray(normals.transpose(2, 0, 1))
        found = state.solve(firsts, n, z, self._v, self._i)
        for k, one in zip(firsts, zip(*found, strict=True), strict=True):
            state.ranges[k, n] = one
        return state.ranges[first, n]

    def _row(self, row: int):
        """Draws of 16 bits of all channels."""
        chunk, at = divmod(row, _ROWS)
        if chunk not in self._draws:
            past = self._first // _FRAMES_A_ROW // _ROWS
            self._draws = {c: d for c, d in self._draws.items() if c >= past}
            self._draws[chunk] = np.hstack([
                self._words(acu_id, chunk, len(front_end.channels) * _DRAWS)
                for acu_id, front_end in self.front_ends.items()])
        return self._draws[chunk][at]

    def _words(self, acu_id: str, chunk: int, width: int):
        words = bits(self._seed, acu_id, "sums", chunk).random_raw(_ROWS * -(-width // 4))
        return words.astype("<u8").view("<u2").reshape(_ROWS, -1)[:, :width]
