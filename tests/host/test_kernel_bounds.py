"""No kernel leaves 32 bits on the way or 2^30 at its end, whatever the codes: over ranges."""
import random
from array import array

import pytest

from acu.dsp import correction, kernels
from tests.host.spans import Cells, Span, run, span

CODE = 4095
PAIRS = [(0, 3), (5, 5)]


def sums(n, first=0, size=256, code=CODE):
    """take_pairs over any codes, any phase, any step up to half a turn a frame."""
    ring = Cells(2, kernels.STRIDE * size, 0, code)
    par = Cells.of(4, [size, len(PAIRS), *PAIRS[0], *PAIRS[1]])
    ref = Cells.of(4, [span(0, (1 << 24) - 1), span(0, 1 << 23)])
    out = Cells(4, 9 * len(PAIRS))
    run(kernels, "take_pairs", n, first, ring, par, ref, Cells(4, 320, -4096, 4096), out)
    assert ref.values[0].lo >= 0 and ref.values[0].hi < 1 << 24
    return out.values


@pytest.mark.parametrize(("n", "first"), [(127, 0), (127, 200), (126, 131), (3, 254)])
def test_the_sums_of_up_to_127_frames_stay_in_bounds(n, first):
    assert kernels.MAX_FRAMES == 127
    found = sums(n, first)
    for value in found:
        assert max(-value.lo, value.hi) <= n * 2048 * 4096 < 1 << 30
    # and the ranges are no wider than what codes can do
    assert (found[0].lo, found[0].hi) == (-2048 * n, 2047 * n)
    assert (found[2].lo, found[2].hi) == (0, 2048 * 2048 * n)
    assert (found[4].lo, found[4].hi) == (-2048 * 2047 * n, 2048 * 2048 * n)
    assert (found[5].lo, found[5].hi) == (-2048 * 4096 * n, 2048 * 4096 * n)


def test_200_frames_or_codes_of_13_bits_leave_32_bits():
    with pytest.raises(OverflowError, match="leaves 32 bits"):
        sums(200)
    with pytest.raises(OverflowError, match="leaves 32 bits"):
        sums(127, code=8191)


def test_128_frames_would_leave_an_object_on_the_board():
    with pytest.raises(ValueError, match="not below 2\\^30"):
        sums(128)


def corrected(decide, entry=32760):
    ring = Cells(2, kernels.STRIDE * 64, 0, CODE)
    states = ((0, 7), (-1, CODE), (0, CODE)) * 3
    mem = Cells.of(4, [span(lo, hi) for lo, hi in states])
    run(correction, "correct", 63, 40, ring, Cells.of(4, [64, 3]), Cells(2, 4096, 0, entry), mem,
        decide=decide)
    return ring, mem


@pytest.mark.parametrize("decide", [lambda: True, lambda: False, None])
def test_the_correction_gives_codes_and_keeps_less_than_one(decide):
    ring, mem = corrected(decide)
    assert ring.hull() == (0, CODE)
    for c in range(3):
        assert mem.values[3 * c].lo >= 0 and mem.values[3 * c].hi <= 7
        assert mem.values[3 * c + 2].lo >= 0 and mem.values[3 * c + 2].hi <= CODE


def test_an_entry_above_32760_would_give_a_code_of_13_bits():
    assert corrected(lambda: False, entry=32761)[0].hull() == (0, 4096)


def test_spreading_and_skipping_stay_in_bounds():
    ring = Cells(2, kernels.STRIDE * 64)
    run(kernels, "spread", Cells(1, 12 * 40, 0, 15), 40, ring, Cells.of(4, [6, 64]), (1 << 29) - 1)
    ref = Cells.of(4, [span(0, (1 << 24) - 1), span(0, 1 << 23)])
    run(kernels, "skip", ref, span(0, (1 << 29) - 1))
    assert ref.values[0].lo >= 0 and ref.values[0].hi < 1 << 24


def test_a_sum_of_ranges_holds_what_numbers_give():
    """Random forms against their own values at random places: a range that lied would prove
    nothing."""
    rng = random.Random(6)
    steps = {
        "add": lambda a, b: a + b, "sub": lambda a, b: a - b, "mul": lambda a, b: a * b,
        "shl": lambda a, b: a << 3, "shr": lambda a, b: a >> 2, "and": lambda a, b: a & 1023,
        "neg": lambda a, b: 5 - a, "own": lambda a, b: a * a - (a << 6),
        "or": lambda a, b: a & 63 | 64}
    for _ in range(300):
        ends = [sorted((rng.randrange(-99, 99), rng.randrange(-99, 99))) for _ in range(3)]
        ranges: list[Span] = [span(*pair) for pair in ends]
        numbers = [[rng.randint(*pair) for pair in ends] for _ in range(20)]
        for _ in range(5):
            step = steps[rng.choice(sorted(steps))]
            a, b = rng.randrange(len(ranges)), rng.randrange(len(ranges))
            try:
                ranges.append(step(ranges[a], ranges[b]))
            except OverflowError:
                break
            for row in numbers:
                row.append(step(row[a], row[b]))
                assert ranges[-1].lo <= row[-1] <= ranges[-1].hi


def test_the_extremes_are_reached():
    """The bound of the sums is not only above what happens: some codes give it."""
    ring = array("H", [0] * kernels.STRIDE * 128)
    out = array("i", bytes(4 * 18))
    par = array("i", [128, 2, 0, 3, 5, 5])
    kernels.take_pairs(127, 0, ring, par, array("i", [0, 0]), kernels.SINE, out)
    assert out[2] == sums(127)[2].hi == out[4]
