"""Sums of the sampler door for many controllers at once, from one bank.

A source is made for a bank and some of its controllers; sums(which, first, count, phase, step)
gives a row of 27 values for each of those controllers, over `count` frames of the present block
from `first` on, against the controller's own reference. All numbers are whole, below 2^53.
"""
import numpy as np

from host_sim.waveform.bank import Codes
from host_sim.waveform.pool import CHANNELS, PAIRS
from host_sim.waveform.quantity import QuantityBank
from host_sim.waveform.twin import WAVES

_FRAMES = np.arange(128)
_WAVES_AT = CHANNELS              # rows of a controller's matrix: channels, cosine, sine, 1
_WIDTH = CHANNELS + 3


def source_for(bank: Codes | QuantityBank, names: list, pairs: list):
    """pairs: of each controller, as its sampler has them."""
    return (SumsSource(bank, names, pairs) if isinstance(bank, QuantityBank)
            else CodesSource(bank, names, pairs))


class CodesSource:
    """From the codes of the block: one matrix product a controller gives all its sums."""

    def __init__(self, bank: Codes, names: list, pairs: list):
        self._bank = bank
        last = bank.width - 1
        first = np.array([bank.columns(name).start for name in names])
        # a controller of five channels has a neighbour's as its sixth, and no sum of it is used
        self._columns = np.minimum(first[:, None] + np.arange(CHANNELS), last)
        self._place = np.empty((len(names), 9 * PAIRS), dtype=np.int64)
        for k, of_one in enumerate(pairs):
            place = []
            for v, i in of_one:
                cos, sin, one = _WAVES_AT, _WAVES_AT + 1, _WAVES_AT + 2
                place += [(v, one), (i, one), (v, v), (i, i), (v, i), (v, cos), (v, sin), (i, cos),
                          (i, sin)]
            self._place[k] = [row * _WIDTH + column for row, column in place]

    def sums(self, which, first, count, phase, step):
        """which: indices of controllers, None for all; first, count: arrays or None for all
        frames; phase, step: arrays."""
        block = self._bank.block()
        columns, place = self._columns, self._place
        if which is not None:
            columns, place = columns[which], place[which]
        n, rows = len(block), len(columns)
        frames = _FRAMES[:n]
        if first is None:
            turns = frames
        else:
            turns = frames - first[:, None]
        index = phase[:, None] + step[:, None] * turns >> 16 & 255
        own = np.empty((rows, _WIDTH, n))
        channels = own[:, :CHANNELS]
        channels[:] = block.take(columns.ravel(), 1).reshape(n, rows, CHANNELS).transpose(1, 2, 0)
        if first is not None:
            channels *= ((turns >= 0) & (turns < count[:, None]))[:, None]
        own[:, _WAVES_AT:_WAVES_AT + 2] = WAVES[index].transpose(0, 2, 1)
        own[:, _WAVES_AT + 2] = 1
        products = np.matmul(channels, own.transpose(0, 2, 1)).reshape(rows, -1)
        return np.take_along_axis(products, place, 1)


class SumsSource:
    """From the phasors: ranges that several controllers share are worked out together."""

    def __init__(self, bank: QuantityBank, names: list, pairs: list):
        self._bank = bank
        self._own = bank.places(names, pairs)

    def sums(self, which, first, count, phase, step):
        own = self._own if which is None else self._own[which]
        n = self._bank.n_frames()
        if first is None:
            return self._bank.sums_of(own, 0, n, phase, step)
        found = np.empty((len(own), 9 * PAIRS))
        for k0, m in set(zip(first.tolist(), count.tolist(), strict=True)):
            same = np.flatnonzero((first == k0) & (count == m))
            found[same] = self._bank.sums_of(own[same], k0, m, phase[same], step[same])
        return found
