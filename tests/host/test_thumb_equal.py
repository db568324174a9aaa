"""The machine code that a board runs, in a CPU emulator, gives the sums that CPython gives.

Both kernels' armv6m code is taken from the .mpy as mpy-cross made it; the reference is the plain
kernel on CPython, which the 32-bit VM (tests/unit/test_kernels.py) and numpy (test_twin.py) match.
"""
import random
import re
from array import array

import capstone
import pytest

from acu.dsp import kernels
from acu.dsp.correction import correct
from host_sim.bench import ROOT, compile_to
from host_sim.thumb import machine_code
from tests.host.thumb_machine import Machine

DSP = ROOT / "firmware/acu/dsp"
EXTREMES = ((0, 4095), (0,), (4095,), (2048,), (2047, 2049))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("armv6m")
    sources = [DSP / "kernels.py", DSP / "kernels_thumb.py", DSP / "correction.py"]
    compile_to(folder, "armv6m", sources, ROOT / "firmware")
    return folder / "acu/dsp"


@pytest.fixture(scope="module", params=["viper", "assembler"])
def take_pairs(request, compiled):
    if request.param == "viper":
        return Machine((compiled / "kernels.mpy", DSP / "kernels.py", "take_pairs"))
    code = (compiled / "kernels_thumb.mpy", DSP / "kernels_thumb.py")
    return Machine((*code, "take_pairs"), (*code, "_piece"))


def frames(rng, size, codes=None):
    pick = range(4096) if codes is None else codes
    return array("H", rng.choices(pick, k=kernels.STRIDE * size))


def same(take_pairs, n, first, ring, pairs, ref, out):
    """Both take n frames from first on; sums, reference and ring must agree."""
    size = len(ring) // kernels.STRIDE
    par = array("i", [size, len(pairs), *[c for pair in pairs for c in pair]])
    want_out, want_ref, was = array("i", out), array("i", ref), array("H", ring)
    kernels.take_pairs(n, first, array("H", ring), par, want_ref, kernels.SINE, want_out)
    take_pairs.call(n, first, ring, par, ref, kernels.SINE, out)
    assert out == want_out and ref == want_ref and ring == was, (n, first, pairs)


def test_random_lengths_places_pairs_and_phases(take_pairs):
    rng = random.Random(1)
    for _ in range(60):
        ring = frames(rng, 256)
        n, first = rng.randrange(128), rng.randrange(256)
        pairs = [(rng.randrange(8), rng.randrange(8)) for _ in range(rng.randrange(1, 5))]
        ref = array("i", [rng.randrange(1 << 24), rng.randrange(1 << 20)])
        out = array("i", [rng.randrange(-1000, 1000) for _ in range(9 * len(pairs))])
        same(take_pairs, n, first, ring, pairs, ref, out)


def test_every_length_up_to_ten_and_the_longest_over_the_end_of_the_ring(take_pairs):
    rng = random.Random(2)
    ring = frames(rng, 128)
    for n in (*range(11), 126, 127):
        for first in (0, 128 - n & 127, 125, 126, 127):
            ref = array("i", [0xFFFFFF, 209_715])
            same(take_pairs, n, first, ring, [(0, 3), (1, 4), (2, 5)], ref, array("i", [0] * 27))


@pytest.mark.parametrize("codes", EXTREMES)
def test_extreme_codes_for_as_long_as_the_door_allows(take_pairs, codes):
    rng = random.Random(3)
    ring = frames(rng, 128, codes)
    ref = array("i", [0, 209_715])
    same(take_pairs, 127, 64, ring, [(0, 3), (7, 7), (4, 2)], ref, array("i", [0] * 27))


def test_the_correction_on_the_board_is_that_of_cpython(compiled):
    rng = random.Random(4)
    machine = Machine((compiled / "correction.mpy", DSP / "correction.py", "correct"))
    table = array("H", (rng.randrange(32761) for _ in range(4096)))
    ring = frames(rng, 128)
    for k in range(20, 50):
        ring[kernels.STRIDE * k + 2] = 777  # a channel that stands still for a while
    mem = array("i", [0, -1, 0] * 5)
    for n, first in ((0, 0), (20, 0), (80, 20), (28, 100), (127, 120)):
        par = array("i", [128, 5])
        want_ring, want_mem = array("H", ring), array("i", mem)
        correct(n, first, want_ring, par, table, want_mem)
        machine.call(n, first, ring, par, table, mem)
        assert ring == want_ring and mem == want_mem, (n, first)


def test_skip_and_spread_on_the_board_are_those_of_cpython(compiled):
    rng = random.Random(5)
    skip = Machine((compiled / "kernels.mpy", DSP / "kernels.py", "skip"))
    for n in (0, 1, 127, 1 << 28):
        ref, want = (array("i", [0xABCDEF, 209_715]) for _ in range(2))
        kernels.skip(want, n)
        skip.call(ref, n)
        assert ref == want
    spread = Machine((compiled / "kernels.mpy", DSP / "kernels.py", "spread"))
    codes = array("B", rng.randbytes(2 * 6 * 40))
    ring, want = (array("H", [9] * kernels.STRIDE * 64) for _ in range(2))
    shape = array("i", [6, 64])
    kernels.spread(codes, 40, want, shape, 50)
    spread.call(codes, 40, ring, shape, 50)
    assert ring == want


def test_each_instruction_given_as_data_is_what_its_comment_says(compiled):
    source = DSP / "kernels_thumb.py"
    code = machine_code(compiled / "kernels_thumb.mpy", source, "_piece")
    md = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    said = re.findall(r"data\(2, 0x([0-9A-F]{4})\)  # (.*)", source.read_text())
    assert len(said) == source.read_text().count("data(2, ") == 7
    for word, text in said:
        op = next(md.disasm(int(word, 16).to_bytes(2, "little"), 0))
        shown = f"{op.mnemonic} {op.op_str}".replace("fp", "r11").replace("ip", "r12")
        shown = shown.replace("sb", "r9").replace("sl", "r10")
        assert shown == text
        assert int(word, 16).to_bytes(2, "little") in code
