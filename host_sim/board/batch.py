"""The fast tier's measuring and sensing of all controllers at once, by their numpy twins.

A TwinMeasuring is the firmware's Measuring with its arrays in a row of a Pool and its counters
beside them. Before the fast ticks of an instant FastTwin works out for all controllers what their
Measuring.fast and Sensing.fast would have done, and each of those then only tells the result.
Whatever is not the usual case (frames left over, a reading in place of frames, a channel that is
not well, the middle and the end of a window) is left to the firmware's own code on the same row.
"""
import math

import numpy as np

from acu.dsp.fixed import LENGTH, isqrt, table_error
from acu.primitives import windows
from acu.primitives.sensing import Sensing
from host_sim.board.measuring import SimMeasuring
from host_sim.waveform import halves
from host_sim.waveform import pool as pools
from host_sim.waveform.sources import source_for

_TICKS = 0x3FFFFFFF
_FEW = 8        # so few half cycles are ended sooner one by one


def _word(place):
    """A counter of Measuring, in its row."""
    def get(self):
        return self.words[place]

    def put(self, value):
        self.words[place] = value

    return property(get, put)


class TwinMeasuring(SimMeasuring):
    """One controller's measuring in row `row` of `pool`; otherwise as SimMeasuring."""

    _left = _word(pools.LEFT)
    _halves = _word(pools.HALVES)
    half_seq = _word(pools.SEQ)
    _bank = _word(pools.BANK)

    def __init__(self, pool, row, *args):
        pool.clear(row)
        self.words = pool.view(row, "words")
        self.closed = -1            # what fast() will tell; -1: it has to work itself
        self.sensed = False         # sensing of this tick is done
        self._errors: dict = {}     # of the sine table, for the window that waits
        super().__init__(*args)
        for name, values in (("ref", "_ref"), ("state", "_state"), ("half", "_half"),
                             ("prev", "_prev"), ("codes_q8", "codes_q8"), ("still", "still"),
                             ("zero_q8", "_zero_q8"), ("half_dv", "half_dv"),
                             ("half_ma", "half_ma"), ("history", "_history"),
                             ("times_us", "_times_us"), ("scale", "_scale")):
            setattr(self, values, pool.adopt(row, name, getattr(self, values)))
        self._parts = [pool.adopt(row, f"part{k}", part) for k, part in enumerate(self._parts)]
        self._marks = [pool.adopt(row, f"marks{k}", marks) for k, marks in enumerate(self._marks)]
        self._win = self._parts[0]
        pool.learn(row)

    # -- fast tier

    def fast(self, now_us):
        closed = self.closed
        if closed < 0:
            return super().fast(now_us)
        self.closed = -1
        self.sensed = closed > 0    # else nobody asks sensing
        self.idle_ticks = 0
        self.t_frames_us = now_us
        return closed

    def usual(self):
        """Nothing but the frames of the coming block waits, and none was lost."""
        sampler = self._sampler
        return self._overruns == sampler.overruns and not sampler.ready()

    def close_one(self, t_us):
        """One half cycle by the firmware's own code. True: a window was handed over."""
        waited = self._pending
        self._close(t_us)
        self._left = self._state[LENGTH]
        return self._pending and not waited

    def passed(self):
        """After the half cycle that is the middle of a window or past its end. True: it was
        handed over."""
        count = self._halves
        if count == self._mid:
            self._win = self._parts[self._bank + 1]
            self._marks[self._bank >> 1][1] = self._ref[0]
        elif not self._pending:
            self._swap(count)
            self._halves = 0
            return True
        return False

    def due_errors(self):
        """(phase, step, frames) of the halves of the window that waits."""
        bank = self._bank ^ 2
        marks = self._marks[bank >> 1]
        return [(marks[k], marks[3], self._parts[bank + k][54]) for k in (0, 1)]

    # -- slow tier

    def slow(self):
        if not self._pending:
            return super().slow()
        # the same numbers by quicker ways, for as long as this window takes
        windows.table_error = self._table_error
        windows.isqrt = math.isqrt
        try:
            return super().slow()
        finally:
            windows.table_error = table_error
            windows.isqrt = isqrt

    def _table_error(self, phase, step, n, sine, out):
        found = self._errors.pop((phase, step, n), None)
        if found is None:
            table_error(phase, step, n, sine, out)
        else:
            out[0], out[1], out[2] = found

    def expect(self, ranges, errors):
        self._errors = dict(zip(ranges, errors, strict=True))


class FastTwin:
    """The controllers `names`, each with a row of one Pool."""

    def __init__(self, names):
        self.rows = {name: row for row, name in enumerate(names)}
        self.pool = pools.Pool(len(self.rows))
        self.meters: list = [None] * len(self.rows)
        self._sensings: list = [None] * len(self.rows)
        self._mids = np.zeros(len(self.rows), dtype=np.int64)
        self._band = np.zeros((len(self.rows), 2), dtype=np.int64)
        self.loud = np.zeros(len(self.rows), dtype=bool)  # rows with anything to be looked at
        self._batches: dict = {}          # id of a bank -> _Batch

    def measuring(self, name):
        """In place of the class Measuring, for one controller."""
        row = self.rows[name]

        def make(*args):
            meter = TwinMeasuring(self.pool, row, *args)
            self.meters[row] = meter
            self._mids[row] = meter._mid
            self._batches = {}
            return meter

        return make

    def adopt(self, name, sensing, low_dv=0, high_dv=_TICKS):
        """The sensing that has just been built on the measuring of `name`. low_dv, high_dv: with
        all supply voltages between them its fast tier has nothing to do."""
        row = self.rows[name]
        self._band[row] = low_dv, high_dv
        meter = self.meters[row]
        pool = self.pool
        sensing._st = pool.adopt(row, "sense", sensing._st)
        sensing.why = pool.adopt(row, "why", sensing.why)
        sensing.bad_since_us = pool.adopt(row, "since_us", sensing.bad_since_us)
        self._sensings[row] = sensing

        def fast(closed):
            if meter.sensed:
                meter.sensed = False
            else:
                Sensing.fast(sensing, closed)

        sensing.fast = fast

    def usual(self, name):
        """Can tick() do this controller's coming block of frames?"""
        return self.meters[self.rows[name]].usual()

    def tick(self, bank, names, now_us):
        """The block of `bank` for its controllers `names`, who are usual() and take frames."""
        n = bank.n_frames()
        batch = self._batch(bank, names)
        pool, rows = self.pool, batch.rows
        self.loud[rows] = False
        left = pool.words[rows, pools.LEFT].astype(np.int64)
        ref = pool.ref[rows].astype(np.int64)
        phase, step = ref[:, 0], ref[:, 1]
        inside = left < n                     # a half cycle ends before the last frame
        ends = left <= n
        cut = inside.any()
        first = np.minimum(left, n)
        sums = batch.source.sums(None, np.zeros_like(first) if cut else None, first, phase, step)
        pool.half[rows] += sums.astype(np.int32)
        pool.ref[rows, 0] = phase + first * step & 0xFFFFFF
        pool.words[rows, pools.LEFT] = left - first
        closed = ends.tolist()
        for meter, one in zip(batch.meters, closed, strict=True):
            meter.closed = int(one)
        if ends.any():
            t_us = now_us - (n - first[ends]) * (1_000_000 // bank.rate_hz) & _TICKS
            self._close(rows[ends], t_us)
            if cut:
                self._rest(batch, np.flatnonzero(inside), first[inside], n)

    def _rest(self, batch, which, first, n):
        """The frames of the block after the end of a half cycle, of some controllers."""
        pool, rows = self.pool, batch.rows[which]
        ref = pool.ref[rows].astype(np.int64)
        rest = n - first
        sums = batch.source.sums(which, first, rest, ref[:, 0], ref[:, 1])
        pool.half[rows] += sums.astype(np.int32)
        pool.ref[rows, 0] = ref[:, 0] + rest * ref[:, 1] & 0xFFFFFF
        pool.words[rows, pools.LEFT] -= rest.astype(np.int32)

    def _close(self, rows, t_us):
        pool = self.pool
        if len(rows) <= _FEW:
            self.loud[rows] = True
            swapped = []
            for row, at_us in zip(rows.tolist(), t_us.tolist(), strict=True):
                if self.meters[row].close_one(at_us):
                    swapped.append(row)
                Sensing.fast(self._sensings[row], 1)
            self._foresee(swapped)
            return
        mids = self._mids[rows]
        halves.close_halves(pool, rows, mids, t_us)
        self.sense(rows)
        count = pool.words[rows, pools.HALVES]
        over = (count == mids) | (count >= 2 * mids)
        if over.any():
            self.loud[rows[over]] = True
            self._foresee([row for row in rows[over].tolist() if self.meters[row].passed()])

    def sense(self, rows):
        """Sensing after each of these closed a half cycle."""
        unusual, changed = halves.sense(self.pool, rows)
        dv = self.pool.half_dv[rows, :3]
        low, high = self._band[rows].T[:, :, None]
        self.loud[rows] = unusual | ((dv < low) | (dv > high)).any(axis=1) | (
            self.pool.sense[rows, 1:3] != 0).any(axis=1)
        if unusual.any():
            for row in rows[unusual].tolist():
                Sensing.fast(self._sensings[row], 1)
        if changed.any():
            for row in rows[changed].tolist():
                sensing = self._sensings[row]
                _, sensing.ov, sensing.uv, sensing.oc = sensing._st[:4]

    def _foresee(self, rows):
        """What the slow tier will ask of the sine table for the windows handed over just now."""
        due = [self.meters[row].due_errors() for row in rows]
        flat = [one for ranges in due for one in ranges]
        if not flat or max(one[2] for one in flat) > halves.MAX_FRAMES:
            return
        errors = halves.table_errors(*np.array(flat).T)
        for k, row in enumerate(rows):
            self.meters[row].expect(due[k], errors[2 * k:2 * k + 2])

    def _batch(self, bank, names):
        batch = self._batches.get(bank.rate_hz)
        if batch is None or batch.bank is not bank or batch.names != names:
            rows = [self.rows[name] for name in names]
            meters = [self.meters[row] for row in rows]
            batch = _Batch(bank, names, np.array(rows), meters)
            self._batches[bank.rate_hz] = batch
        return batch


class _Batch:
    """Controllers of one bank that are worked out together."""

    def __init__(self, bank, names, rows, meters):
        self.bank = bank
        self.names = names
        self.rows = rows
        self.meters = meters
        self.source = source_for(bank, names, [m._sampler.pairs for m in meters])
