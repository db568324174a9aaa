"""The converter's own correction table: learned from a histogram of its codes, or the general one.

Fed with raw codes (no table in use) of an even slow ramp or of a clean sine over the converter's
whole range: how often a code came is how wide it is. A sine may overdrive a little; its frequency
must be no simple fraction of the sampling rate. What comes out is the table of RingSampler: for
each code the middle of what it stands for, in eighths of a code, on the straight line that fits
all codes best: gain and offset are calibration's. Slow tier, in maintenance only: learn() works
for seconds on a board, so it calls `rest` every 64 codes. Stores and uses nothing.
"""
from array import array

import micropython
from micropython import const

RAMP = const(0)
SINE = const(1)

_CODES = const(4096)
_ENOUGH = const(16)     # counts a code, on the average
_FIRST = const(256)     # the signal must come below this, and as near to the other end
_GAP = const(8)         # codes in a row that may be missing (E11 has none; a ramp of steps has)
_WIDE = const(64)       # times the average: wider than any code, the ramp stood still
_FAR = const(128)       # 16 codes from the line, in eighths: no ramp, no sine, no converter
_JUMP = const(64)       # codes between two readings of a slow ramp, more than any noise

# Erratum RP2040-E11 and the unequal weights of the binary capacitors, the mean of several chips:
# where a code begins, in 1/64 of a code. host_sim/waveform/adc.py makes converters of the same.
STEPS = ((512, 638), (1536, 542), (2560, 572), (3584, 621))
BITS = (0, 3, 15, -5, 2, 3, 5, -13, 13, 31, 51)
BOW = const(-43)        # at either end


@micropython.viper
def tally(par: ptr32, codes: ptr16, counts: ptr16):
    """par: readings, from one to the next in `codes`, the last one (-1: none), jumps so far."""
    n = par[0]
    k = 0
    last = par[2]
    while n:
        x = codes[k] & 4095
        if counts[x] < 65_535:
            counts[x] += 1
        if last >= 0 and (x - last > 64 or last - x > 64):
            par[3] += 1
        last = x
        k += par[1]
        n -= 1
    par[2] = last


class Histogram:
    """Counts codes; 8 KB, which the table takes over. shape: RAMP or SINE."""

    def __init__(self, shape):
        self.shape = shape
        self.n = 0
        self.counts = array("H", bytes(2 * _CODES))
        self._par = array("i", [0, 1, -1, 0])

    def add(self, codes, n, stride=1):
        """n raw codes, each `stride` places after the one before: array('H') or a view of it."""
        self._par[0] = n
        self._par[1] = stride
        tally(self._par, codes, self.counts)
        self.n += n

    def learn(self, rest=None):
        """(table or None, why not). The counts are gone afterwards."""
        # a sawtooth may fall back to its start some times
        if self.shape == RAMP and self._par[3] > 16:
            return None, ("E151 adc table: %d readings more than %d codes from the one before. "
                          "A ramp must be slow and without spikes." % (self._par[3], _JUMP))
        return learn(self.counts, self.shape, rest)


def learn(counts, shape, rest=None):
    """(table, "") or (None, sentence). counts: array('H') of 4096; it becomes the table."""
    why, first, last, total = _nonsense(counts)
    if why:
        return None, why
    # p is the middle of a code on the signal's own scale; of the end codes nothing is known
    n = last - first - 1
    before = counts[first]
    s_c = s_cc = s_p = s_cp = 0
    for c in range(first + 1, last):
        p = _middle(before, counts[c], total, shape)
        before += counts[c]
        s_c += c
        s_cc += c * c
        s_p += p
        s_cp += c * p
        if rest and not c & 63:
            rest()
    slope = n * s_cp - s_c * s_p
    if slope <= 0:
        return None, "E151 adc table: the codes do not rise with the signal. Check its wiring."
    # eighths of a code for one of p * n, Q40
    per_p = ((n * s_cc - s_c * s_c) << 43) // slope
    middle = (8 * s_c << 40) // n
    before = counts[first]
    for c in range(first + 1, last):
        width = counts[c]
        p = _middle(before, width, total, shape)
        before += width
        t = (middle + (p * n - s_p) * per_p // n + (1 << 39)) >> 40
        if abs(t - 8 * c) > _FAR:
            return None, ("E151 adc table: code %d lies %d codes beside the line. That is no %s, "
                          "or not this converter." % (
                              c, abs(t - 8 * c) >> 3,
                              "clean sine" if shape == SINE else "even ramp"))
        counts[c] = _within(t)
        if rest and not c & 63:
            rest()
    _ends(counts, first, last)
    return counts, ""


def general():
    """The table of no chip in particular: what RP2040 converters have in common."""
    table = array("H", bytes(2 * _CODES))
    total = moment = 0
    mean_c = 2 * _CODES - 1        # of the codes, times 4
    for c in range(_CODES):
        e = _shape(c)
        total += e
        moment += e * (4 * c - mean_c)
    for c in range(_CODES):
        # less the line: sum of (4 c - mean)^2 is 16 * 4096 * (4096^2 - 1) / 12
        line = total + (4 * c - mean_c) * moment * 12 // (16 * (_CODES * _CODES - 1))
        table[c] = _within((64 * c * _CODES + _shape(c) * _CODES - line + 4 * _CODES)
                           // (8 * _CODES))
    return table


def _shape(c):
    """How far the middle of a code is from its place, 1/64 of a code."""
    return (_begin(c) + _begin(c + 1)) >> 1


def _begin(c):
    e = BOW * (c - 2048) * (c - 2048) >> 22
    for at, step in STEPS:
        if c >= at:
            e += step
    for b in range(11):
        if c >> b & 1:
            e += BITS[b]
    return e


def _nonsense(counts):
    """(why the histogram is worth nothing or "", first and last code that came, how many)."""
    if len(counts) != _CODES:
        return "E151 adc table: %d counts, a 12-bit converter has 4096." % len(counts), 0, 0, 0
    first = last = -1
    total = most = at_most = 0
    for c in range(_CODES):
        if counts[c]:
            if first < 0:
                first = c
            last = c
            total += counts[c]
            if counts[c] >= 65_535:
                return ("E151 adc table: code %d came 65535 times or more, a count holds no more. "
                        "Take fewer readings, or a signal that does not rest there." % c,
                        0, 0, 0)
    if total < _ENOUGH * _CODES:
        return ("E151 adc table: %d readings, at least %d are needed. Go on for longer." % (
            total, _ENOUGH * _CODES), 0, 0, 0)
    if first >= _FIRST or last < _CODES - _FIRST:
        return ("E151 adc table: only codes %d to %d came. The signal must reach below %d and "
                "above %d." % (first, last, _FIRST, _CODES - _FIRST - 1), 0, 0, 0)
    missing = 0
    for c in range(first + 1, last):
        if counts[c]:
            missing = 0
        else:
            missing += 1
            if missing > _GAP:
                return ("E151 adc table: codes %d to %d never came. The signal must move evenly, "
                        "in steps below half a code." % (c - _GAP, c), 0, 0, 0)
        # crests of a sine are wide too, but near the ends only
        if first + 64 < c < last - 64 and counts[c] > most:
            most = counts[c]
            at_most = c
    if most > _WIDE * (total // _CODES):
        return ("E151 adc table: code %d came %d times, %d times the average. The signal stood "
                "still there." % (at_most, most, most * _CODES // total), 0, 0, 0)
    return "", first, last, total


def _middle(before, width, total, shape):
    """Where a code's middle is: `before` readings lie below it, `width` in it."""
    if shape == RAMP:
        return 2 * before + width
    return -_cos_q28(before, total) - _cos_q28(before + width, total)


def _cos_q28(part, whole):
    """cos(pi part / whole), Q28, within 16."""
    x = (843_314_857 * (whole - 2 * part)) // (2 * whole)   # sin of pi / 2 less that, Q28
    square = x * x >> 28
    s = 268_435_456 - square // 110        # x - x^3 / 3! + ..., from the inside
    s = 268_435_456 - (square * s >> 28) // 72
    s = 268_435_456 - (square * s >> 28) // 42
    s = 268_435_456 - (square * s >> 28) // 20
    s = 268_435_456 - (square * s >> 28) // 6
    return x * s >> 28


def _within(t):
    return max(0, min(32_760, t))


def _ends(table, first, last):
    """Codes that did not come, or of which only one edge is known, are as wrong as the next."""
    low = table[first + 1] - 8 * (first + 1)
    for c in range(first + 1):
        table[c] = _within(8 * c + low)
    high = table[last - 1] - 8 * (last - 1)
    for c in range(last, _CODES):
        table[c] = _within(8 * c + high)
