"""The measuring state of many controllers as rows of one table of 32-bit integers.

numpy sees the table whole (host_sim/waveform/halves.py); a controller's firmware sees pieces of
its row as memoryviews, which are indexed like its own `array('i')`, so nothing is ever copied
between the two. A row has place for six channels; who has fewer never looks at the rest.
"""
from itertools import pairwise

import numpy as np

CHANNELS = 6
PAIRS = 3
VALUES = 9 * PAIRS
HISTORY = 16
_WINDOW = 2 * VALUES + 1

# What a row holds, in order: name and width. The names are those of acu/primitives/measuring.py.
_LAYOUT = (
    ("words", 4),               # frames left, half cycles of the window, half_seq, bank
    ("ref", 2), ("state", 11), ("half", VALUES), ("prev", VALUES),
    ("codes_q8", CHANNELS), ("still", CHANNELS), ("zero_q8", CHANNELS),
    ("half_dv", 4), ("half_ma", 3), ("history", HISTORY * 4), ("times_us", HISTORY),
    ("part0", _WINDOW), ("part1", _WINDOW), ("part2", _WINDOW), ("part3", _WINDOW),
    ("marks0", 5), ("marks1", 5), ("scale", 5 * CHANNELS),
    ("sense", 13), ("why", CHANNELS), ("since_us", CHANNELS),
)
# places in `words`
LEFT, HALVES, SEQ, BANK = range(4)


class Pool:
    """State of `rows` controllers. What a controller is (its scale, its number of channels) is
    taken from its row by learn()."""

    def __init__(self, rows: int):
        ends = np.cumsum([0, *(width for _, width in _LAYOUT)]).tolist()
        self._at = {name: slice(a, b)
                    for (name, _), (a, b) in zip(_LAYOUT, pairwise(ends), strict=True)}
        self.table = np.zeros((rows, ends[-1]), dtype=np.int32)
        self.words, self.ref = self.of("words"), self.of("ref")
        self.state, self.half, self.prev = self.of("state"), self.of("half"), self.of("prev")
        self.codes_q8, self.still, self.zero_q8 = (
            self.of("codes_q8"), self.of("still"), self.of("zero_q8"))
        self.half_dv, self.half_ma = self.of("half_dv"), self.of("half_ma")
        self.times_us, self.sense, self.why = self.of("times_us"), self.of("sense"), self.of("why")
        self.width = self.table.shape[1]
        self.part0 = self._at["part0"].start
        self.history0 = self._at["history"].start
        # what learn() finds: places of a channel's sums, multiplier, shift; numbers of voltages
        self.place = np.zeros((3, rows, CHANNELS), dtype=np.int64)
        self.factor = np.zeros((rows, CHANNELS), dtype=np.int64)
        self.shift = np.full((rows, CHANNELS), 8, dtype=np.int64)
        self.voltages = np.full(rows, 3, dtype=np.int64)
        self.currents_at = np.zeros((rows, 3), dtype=np.int64)  # places of the currents

    def of(self, name: str):
        """A piece of every row, as numpy sees it."""
        return self.table[:, self._at[name]]

    def view(self, row: int, name: str, length: int | None = None) -> memoryview:
        """A piece of one row, as a controller sees it."""
        return self.table[row, self._at[name]].data[:length]

    def adopt(self, row: int, name: str, values) -> memoryview:
        """Copies an array of the controller into its row and gives back the view on it."""
        view = self.view(row, name, len(values))
        for k, value in enumerate(values):
            view[k] = value
        return view

    def clear(self, row: int):
        """A controller starts anew."""
        self.table[row] = 0

    def learn(self, row: int):
        """Takes the constants of the controller that has just been put into the row."""
        _, _, channels, voltages = self.state[row, :4].tolist()
        scale = self.of("scale")[row, :5 * channels].reshape(channels, 5)
        self.place[:, row, :channels] = scale[:, :3].T
        self.place[:, row, channels:] = 0
        self.factor[row, :channels] = scale[:, 3]
        self.shift[row, :channels] = scale[:, 4]
        self.voltages[row] = voltages
        self.currents_at[row] = np.minimum(voltages + np.arange(3), channels - 1)
