"""The stand-in for viper computes as the board does when asked to, and costs nothing when not."""
import importlib
import sys
from array import array

import micropython
import numpy as np
import pytest

from acu.dsp.ring import RingSampler
from acu.primitives.measuring import Measuring
from acu.primitives.sensing import Sensing
from host_sim import stand_in
from host_sim.waveform.twin import TwinSampler


@micropython.viper
def move(v: ptr16, par: ptr32, out: ptr32) -> int:
    """Sums par[0] codes two places apart by moving the pointer."""
    n = par[0]
    a = 0
    while n:
        a += v[0]
        v = ptr16(int(v) + 4)
        n -= 1
    out[0] = a
    return a << 20


@micropython.viper
def product(a: int, b: int) -> int:
    return a * b


@micropython.viper
def modulo(a: int, b: int) -> int:
    return int(uint(a) * uint(b)) & 0xFFFFFF


@micropython.viper
def narrow(p: ptr8, k: int, value: int):
    p[k] = value


@micropython.viper
def first(p: ptr32, k: int) -> int:
    p[k] += 1
    return -p[k]


stored = product  # a reference taken before any change of mode


@pytest.fixture(autouse=True)
def _back_to_fast():
    yield
    stand_in.use(stand_in.FAST)


def test_installing_twice_changes_nothing():
    before = sys.modules["micropython"]
    stand_in.install()
    assert sys.modules["micropython"] is before is importlib.import_module("micropython")


def test_in_fast_mode_a_body_without_addresses_is_the_plain_function():
    assert product(1 << 20, 1 << 20) == 1 << 40
    assert product.__code__.co_consts == stored.__code__.co_consts


def test_moved_pointers_work_in_both_modes():
    codes = array("H", range(100, 120))
    for mode in (stand_in.FAST, stand_in.CHECKED):
        stand_in.use(mode)
        out = array("i", [0])
        move(codes, array("i", [10]), out)
        assert out[0] == sum(range(100, 120, 2))


def test_results_are_cut_to_32_bits_and_a_proof_refuses_that():
    with stand_in.checked():
        assert stored(1 << 16, (1 << 16) + 3) == 3 << 16
        assert product(1 << 16, 1 << 15) == -1 << 31
        assert first(array("i", [0x7FFFFFFF]), 0) == -1 << 31  # -(-2^31), as a register has it
    with stand_in.checked(prove=True):
        with pytest.raises(OverflowError, match="leaves 32 bits"):
            stored(1 << 16, 1 << 16)
        assert product(46340, 46340) == 46340**2
    assert stored(1 << 16, 1 << 16) == 1 << 32


def test_unsigned_arithmetic_is_modulo_by_declaration():
    with stand_in.checked(prove=True):
        assert modulo(0x12345678, 0x7654321) == 0x12345678 * 0x7654321 & 0xFFFFFF


def test_every_access_stays_inside_its_buffer():
    with stand_in.checked():
        for k in (-1, 4):
            with pytest.raises(IndexError):
                first(array("i", [0] * 4), k)
    with pytest.raises(IndexError):
        move(array("H", [0] * 19), array("i", [11]), array("i", [0]))


def test_widths_are_those_of_the_pointer_not_of_the_array():
    a = array("i", [0, 0])
    with stand_in.checked():
        narrow(a, 5, 0x1FF)
    assert a.tolist() == [0, 0xFF00]
    with stand_in.checked(prove=True), pytest.raises(OverflowError):
        narrow(a, 0, 0x1FF)


def test_an_address_from_nowhere_is_refused():
    with pytest.raises(ValueError, match="in no buffer"):
        stand_in.ptr16(0x20000000)
    with pytest.raises(ValueError, match="odd address"):
        stand_in.ptr16(stand_in.Address(bytearray(4), 1))


def meter_log(make, codes):
    """Everything that Measuring and Sensing say about the codes."""
    sampler = make(6, ((0, 3), (1, 4), (2, 5)), 256, 4000)
    meter = Measuring(sampler, "post", [(450_000_000, 0)] * 3 + [(100_000_000, 6000)] * 3,
                      2300, 50_000)
    sensing = Sensing(meter)
    said = []
    for k in range(0, len(codes), 20):
        sampler.push(codes[k:k + 20].tobytes())
        sensing.fast(meter.fast(k * 250))
        said.append((meter.half_seq, meter.half_dv.tolist(), meter.half_ma.tolist(),
                     sensing.bad, sensing.why.tolist()))
        if meter.slow():
            said.append((meter.u_dv[:], meter.i_ma[:], meter.p_w[:], meter.q_var[:], meter.f_mhz,
                         meter.quality, meter.e_import_mwh))
    return said


@pytest.mark.parametrize("wave", ["sine", "rails", "noise", "square"])
def test_all_of_measuring_is_proved_free_of_overflow_and_equal_on_the_twin(wave):
    n = 1100
    rng = np.random.default_rng(5)
    t = np.arange(n)[:, None] / 4000
    codes = {
        "sine": 2048 + 1400 * np.sin(2 * np.pi * 50.7 * t + np.arange(6))
        + rng.normal(0, .5, (n, 6)),
        "rails": np.where(np.arange(n) // 300 % 2, 0, 4095)[:, None] + np.zeros(6),
        "noise": rng.integers(0, 4096, (n, 6)),
        "square": np.where(np.sin(2 * np.pi * 50 * t + .3) > 0, 4095, 0) + np.zeros(6),
    }[wave].clip(0, 4095).astype("u2")
    with stand_in.checked(prove=True):
        as_board = meter_log(RingSampler, codes)
    assert as_board == meter_log(TwinSampler, codes)
