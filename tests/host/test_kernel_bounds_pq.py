"""The kernels of watching and of the spectrum stay in bounds: over ranges, or driven to extremes.

Where sums of codes decide, any codes are in the ring. Where a bound rests on what a range cannot
know (that a sum of products is no larger than those of the squares, that a rotation keeps a
length), random and extreme waves run as the board computes, and a step that leaves 32 bits raises.
"""
import functools
import random
from array import array
from math import pi

import pytest

from acu.dsp import harmonics
from acu.dsp.kernels import SINE
from acu.primitives import watching
from host_sim import stand_in
from tests.host.spans import Cells, run
from tests.unit.waves import POST, Street

CODE = 4095
FAR_Q8 = 512 << 8       # the most that an offset can be, see fixed.close_half


@pytest.mark.parametrize("cycles", [10, 12])
def test_a_spectrum_of_any_codes_stays_below_2_to_30(cycles):
    frames = 2550       # as the module says
    hann = 0x1000000 // frames
    turn = (cycles << 24) // frames
    st = Cells.of(4, [0, 127, 5, hann // 2, hann, 0, turn, CODE, -CODE, 0, 0, 0])
    sine, bins = Cells.of(4, SINE), Cells(4, 256)
    left = frames
    while left:
        n = min(left, 127)
        left -= n
        # a code that is neither a new least nor a new greatest one may be any
        run(harmonics, "gather", 0, 0, n, st, Cells(2, 8 * 128, 0, CODE), sine, bins,
            decide=lambda: False)
    # ranges as wide as codes can make them: the mean weight is 4096, six times those of the spline
    assert bins.hull()[1] > 0.99 * frames / 256 * 4096 * 6144
    run(harmonics, "fold", 0, 0, bins)
    acc = Cells(4, 50)
    run(harmonics, "correlate", 0, 0, 1, 26, sine, bins, acc)
    assert acc.hull()[1] > 0.99 * frames * 6144 * 64 * 2 / pi


@pytest.mark.parametrize("f_hz", [42.6, 69.0])
def test_the_mean_square_of_a_cycle_of_any_codes_stays_below_2_to_30(monkeypatch, f_hz):
    street = Street(POST, f_hz)
    street.run(150)
    zero = street.meter._zero_q8

    def any_codes(name, *args):
        ranges = [Cells(4, len(a), -FAR_Q8, FAR_Q8) if a is zero else
                  Cells(2, len(a), 0, CODE) if getattr(a, "typecode", "") == "H" else
                  Cells.of(4, a) if isinstance(a, array) else a for a in args]
        run(watching, name, *ranges)
        called.append(name)

    called: list[str] = []
    for name in ("_cycle", "_halves"):
        monkeypatch.setattr(watching, name, functools.partial(any_codes, name))
    street.run(15)
    street.watch.restart()
    street.run(10)
    assert set(called) == {"_cycle", "_halves"}


def waves(kind, rng):
    """Frames of codes without end: noise, steps between the ends, each at any time."""
    k = 0
    while True:
        if kind == "noise":
            yield [rng.randrange(4096) for _ in range(6)]
        elif kind == "square":
            yield [CODE if (k + 13 * c) % 80 < 40 else 0 for c in range(6)]
        elif kind == "steps":
            if not k % 37:
                level = [rng.choice((0, 2048, 2049, CODE)) for _ in range(6)]
            yield level
        else:               # a full wave that is lost and comes back
            on = k // 333 % 2
            yield [min(CODE, max(0, 2048 + on * rng.choice((2047, -2048)))) for _ in range(6)]
        k += 1


@pytest.mark.parametrize("kind", ["noise", "square", "steps", "bursts"])
def test_watching_leaves_32_bits_nowhere_whatever_the_wave(kind):
    rng = random.Random(8)
    street = Street(POST)
    street.run(60)
    frames = waves(kind, rng)
    with stand_in.checked(prove=True):
        for _ in range(60):
            codes = array("H", [code for _ in range(20) for code in next(frames)])
            street.sampler.push(codes.tobytes())
            street.tick()
    assert street.log


def test_magnitudes_leave_32_bits_nowhere_up_to_their_bound():
    """2550 frames * 6144 * 64, as the module says; at the axes, at the diagonals and between."""
    rng = random.Random(9)
    most = 2550 * 6144 * 64
    pairs = [(most, 0), (0, -most), (-most, 1), (0, 0), (1, 0), (0, 1), (most * 7 // 10,) * 2]
    pairs += [(rng.randrange(-most, most), 0) for _ in range(10)]
    pairs += [tuple(rng.randrange(-most, most) * 7 // 10 for _ in range(2)) for _ in range(60)]
    acc = array("i", [value for pair in pairs for value in pair])
    out = array("i", bytes(4 * len(pairs)))
    with stand_in.checked(prove=True):
        harmonics.magnitudes(0, 0, len(pairs), acc, out)
    for (x, y), found in zip(pairs, out, strict=True):
        assert abs(found - 1.646760 * (x * x + y * y)**0.5) <= 40 + found / 20_000
