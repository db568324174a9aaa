"""The kernels of watching and of the spectrum stay in bounds: over ranges, or driven to extremes.

Where sums of codes decide, any codes are in the ring while the real Watch and Spectrum say where
to look. Where a bound rests on what a range cannot know (that a sum of products is no larger than
those of the squares, that a rotation keeps a length), random and extreme waves run as the board
computes, and a step that leaves 32 bits raises.
"""
import functools
import random
from array import array
from math import pi

import pytest

from acu.dsp import fixed, harmonics
from acu.functions import spectrum
from acu.primitives import watching
from host_sim import stand_in
from tests.host.spans import Cells, run, span
from tests.unit.test_spectrum import Meter
from tests.unit.waves import POST, RATE_HZ, Street

CODE = 4095
FAR_Q8 = 512 << 8       # the most that an offset can be, see fixed.close_half


class Shadow:
    """In place of a kernel: it runs, and beside it the same source over ranges.

    A ring may hold any codes. What the kernels write stays a range from one call to the next,
    until somebody else writes it.
    """

    def __init__(self, module, name):
        self.module, self.name = module, name
        self.real = getattr(module, name)
        self.calls = 0

    kept: dict[int, tuple[array, array, Cells]] = {}

    def cells(self, held: array) -> Cells:
        if held.typecode == "H":
            return Cells(2, len(held), 0, CODE)
        _, last, cells = self.kept.get(id(held), (held, held, None))
        if cells is None:
            return Cells.of(4, held)
        for k, value in enumerate(held):
            if value != last[k]:
                cells.values[k] = span(value, value)
        return cells

    def __call__(self, *args):
        self.calls += 1
        ranges = [self.cells(arg) if isinstance(arg, array) else arg for arg in args]
        # a code that is neither a new least nor a new greatest one may be any
        run(self.module, self.name, *ranges, decide=lambda: False)
        result = self.real(*args)
        for arg, cells in zip(args, ranges, strict=True):
            if isinstance(arg, array) and arg.typecode == "i":
                self.kept[id(arg)] = (arg, array("i", arg), cells)
        return result


@pytest.mark.parametrize(("f_hz", "fn_mhz", "rate_hz"), [
    (42.6, 50_000, 10_000), (69.0, 60_000, RATE_HZ)])
def test_a_spectrum_of_any_codes_stays_below_2_to_30(monkeypatch, f_hz, fn_mhz, rate_hz):
    monkeypatch.setattr(Shadow, "kept", {})
    shadows = {name: Shadow(harmonics, name) for name in ("gather", "fold", "correlate")}
    for name, shadow in shadows.items():
        monkeypatch.setattr(spectrum, name, shadow)

    def clear(held, n):
        fixed.clear(held, n)
        Shadow.kept.pop(id(held), None)

    monkeypatch.setattr(spectrum, "clear", clear)
    meter = Meter(((1480, {}), (90, {})), f_hz, fn_mhz, 512, rate_hz)
    meter.run(400, slow=False)
    for _ in range(30):
        meter.measuring.slow()      # the frequency, before the spectrum begins
    for _ in range(60):
        meter.run(10)
        if meter.told:
            break
    assert meter.told == [0] and shadows["gather"].calls > 5
    assert shadows["fold"].calls == 1 and shadows["correlate"].calls > 3
    # and ranges are as wide as codes can make them: all full, with the sign of each cosine
    most = max(value.hi for _, _, cells in Shadow.kept.values() for value in cells.values[:50]
               if cells.width == 4 and len(cells.values) == 50)
    assert 0.9 < most / (meter.spectrum._n * 6144 * 64 * 2 / pi) < 1.1


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
