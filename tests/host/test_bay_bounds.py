"""No step of a recloser's measuring leaves 32 bits: run as the board computes, where a step that
would be cut raises OverflowError (stand_in.checked(prove=True))."""
import random

import pytest

from acu.dsp import bay as at
from acu.dsp import fit
from host_sim.stand_in import checked
from tests.unit.bay import Bay, Side


def codes_of(shape: str, tick: int, dice: random.Random) -> bytes:
    """A block of 20 frames: rail to rail, as bad as a converter can deliver."""
    out = bytearray(320)
    for k in range(160):
        frame, channel = tick * 20 + (k >> 3), k & 7
        half = frame // 40 % 2
        if shape == "noise":
            code = dice.randrange(4096)
        elif shape == "square":         # the largest fundamental there is, all channels in phase
            code = 4095 * half
        elif shape == "against":        # neighbours against one another: the largest differences
            code = 4095 * (half ^ channel & 1)
        elif shape == "low":
            code = 0
        else:
            code = 4095
        out[2 * k] = code & 255
        out[2 * k + 1] = code >> 8
    return bytes(out)


@pytest.mark.parametrize("shape", ["noise", "square", "against", "low", "high"])
def test_measuring_of_any_codes(shape):
    dice = random.Random(1)
    b = Bay(un1_mv=50_000, un2_mv=250_000)
    with checked(prove=True):
        for tick in range(14):
            b.sampler.push(codes_of(shape, tick, dice))
            assert b.bay.fast(0)
    assert max(b.q) < 1 << 29 and min(b.q) > -(1 << 29)


def test_slips_up_to_5_hz_and_any_angle_fit_without_a_cut():
    """The sums of a fit may wrap on the way by declaration; of what is measured none does."""
    for slip in (-5.0, 0.3, 5.0):
        b = Bay(Side(50 - slip / 2), Side(50 + slip / 2, 170.0))
        b.run(350)
        with checked(prove=True):
            for _ in range(3):
                b.tick()
        assert abs(b.q[at.SLIP] / 1e6 - slip) < 0.02


def test_a_shape_is_the_one_of_its_docstring():
    for m in (7, 17, 19, 41):
        first, points, s2, a, s4 = fit.shape(100, 50, m)
        x = range(-(m // 2), m // 2 + 1)
        assert (first, points) == (150 - m, m)
        assert s2 == sum(k * k for k in x) and a * m == s2      # whole, or the mean is no mean
        assert s4 == sum((k * k - a) ** 2 for k in x)
