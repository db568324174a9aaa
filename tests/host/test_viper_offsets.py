"""Kernels whose pointers are offsets compute what a board computes: the very numbers of the
checked mode, where every pointer is an object and every step is cut to 32 bits."""
import random
from array import array

import micropython
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acu.dsp import bay, correction, fit, harmonics, kernels, phasor, quadrature
from acu.functions import protection
from acu.functions.protection import Protection
from host_sim import stand_in
from tests.host.test_bay_bounds import codes_of
from tests.unit.bay import Bay, Side
from tests.unit.test_protection import healthy
from tests.unit.yard import Yard

MOVING = {kernels.take_pairs, correction.correct, harmonics.correlate, fit.follow, fit.fits,
          fit.foretell, phasor.piece, phasor.block, phasor.window, quadrature.products,
          protection.look, protection.judge}


@micropython.viper
def rolling(x: int, y: int, v: ptr32, out: ptr32) -> int:
    """Sums that wrap on the way and at the end; every kind of step that shows it."""
    a = x
    n = 6
    p = v
    while n:
        a += p[0] * y
        a = p[1] + a - (p[0] >> 3)
        p = ptr32(int(p) + 4)
        n -= 1
    out[0] = a
    out[1] = a >> 5
    out[2] = a // 7
    out[3] = a + x & 0xFFFF
    out[4] = 1 if a + y > 0 else 0
    out[5] = 0 - (a + x)
    out[6] = (a + y) % 1000
    out[7] = 0
    if a + x:
        out[7] = ~(a + x) ^ y
    b = a + y
    while b > 1000 or b < -1000:
        b = b >> 1
    return a - x + b


@micropython.viper
def widths(x: int, y: int, v: ptr8, words: ptr16, out: ptr32) -> int:
    """Addresses in variables and out of terms that are no whole elements by themselves."""
    low = ptr16(int(out) + x + x)
    low[1] = y
    at = int(words) + (x << 1)
    half = ptr16(at + 2)
    k = half[0]
    half = ptr16(4 + int(half) - x * 2)
    byte = ptr8(int(v) + x)
    byte[1] = y
    byte = ptr8(int(byte) + 3 - 1)
    word = ptr32(int(low) + 4 * x - x - x)
    word[1] = k
    out = ptr32(int(out) + 4)
    out[1] = half[0] + byte[0]
    out[2] = words[x]
    return byte[2]


@micropython.viper
def either(x: int, y: int, one: ptr32, other: ptr32) -> int:
    """Which array its pointer is in only the run can say."""
    p = ptr32(int(one) + 4)
    if x:
        p = ptr32(int(other) + 4)
    return p[y]


def both(call):
    """What call() returns, in either mode."""
    quick = call()
    with stand_in.checked():
        assert quick == call()
    return quick


def test_the_pointers_of_every_kernel_that_moves_some_are_offsets():
    found = {one.f for one in stand_in._vipers
             if set(one.plain.co_names) & set(stand_in._POINTERS)
             and one.f.__module__.startswith("acu.")}
    assert found == MOVING
    for f in (*found, rolling, widths):
        assert not set(f.__code__.co_names) & {*stand_in._POINTERS, "_binary", "_to_int"}, f
    assert "ptr32" in either.__code__.co_names


WORD = st.integers(-2**31, 2**31 - 1)


@settings(deadline=None)
@given(WORD, WORD, st.lists(WORD, min_size=7, max_size=7))
def test_numbers_wrap_as_in_a_register(x, y, v):
    def call():
        out = array("i", [9] * 8)
        return rolling(x, y, array("i", v), out), list(out)
    both(call)


@settings(deadline=None)
@given(st.sampled_from([0, 2, 4]), st.integers(0, 2**31 - 1), st.binary(min_size=24, max_size=24))
def test_each_pointer_reads_and_writes_its_own_width(x, y, some):
    def call():
        v, words = bytearray(some), array("H", some)
        out = array("i", [-1] * 8)
        return widths(x, y, v, words, out), v, words, out
    both(call)


def test_a_pointer_that_may_be_in_either_array_is_an_object():
    one, other = array("i", [1, 2, 3]), array("i", [4, 5, 6])
    assert both(lambda: (either(0, 1, one, other), either(1, 1, one, other))) == (3, 6)
    with pytest.raises(IndexError):
        either(0, 2, one, other)


def measured(pushed):
    """All that a recloser's measuring keeps, after each block."""
    b = Bay(un1_mv=50_000, un2_mv=250_000)
    m = b.bay
    for codes in pushed:
        b.sampler.push(codes)
        assert m.fast(0)
        yield [list(x) for x in (m.q, m._st, m._blocks, m._ends, m._ph, m._size, m._angle, m._raw,
                                 m._rings, m._fit, m._told, m._sums, m._past, m._seen, m._still)]


@pytest.mark.parametrize("shape", ["noise", "square", "against", "low"])
def test_a_recloser_measures_any_codes_alike(shape):
    dice = random.Random(shape)
    pushed = [codes_of(shape, tick, dice) for tick in range(60)]
    both(lambda: list(measured(pushed)))


def test_a_recloser_measures_a_swing_alike():
    b = Bay(Side(49.2, 30.0), Side(51.9, 170.0, 0.8))
    pushed = [b"".join(b.frame() for _ in range(20)) for _ in range(60)]
    assert both(lambda: list(measured(pushed)))[-1][0][20]


def test_its_protection_judges_anything_alike():
    made = Yard(gr_51_do="trip", gr_51_curve="iec_vi", gr_51n_do="trip", gr_51n_curve="ieee_mi",
                gr_51n_disc=1, gr_27a_do="trip", gr_46_do="alarm", gr_81r_do="trip",
                gr_32_do="trip").acu.protection

    def call():
        dice = random.Random(4)
        q = healthy()
        p = Protection(made._rows, made._curve, made.state[protection.COUNT], q)
        said = []
        for tick in range(1000):
            for k in range(bay.NQ):
                if dice.random() < 0.1:
                    q[k] = dice.choice((0, 3, 400, 9000, 10_500, 48_000, 52_000, 200_000, -90_000))
            q[bay.BAD] = dice.choice((0, 0, 0, 0, 1, 0x60))
            q[bay.SEQ] = tick + tick // 50
            said.append((p.step(), list(p.state)))
        return said
    assert 100 < sum(trips > 0 for trips, _ in both(call)) < 900
