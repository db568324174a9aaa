"""The kernels in MicroPython on an emulated Pico (rp2040js): same sums, and cycles as they pass.

Needs Node, and three things that are not part of the project, named by the environment:
SLVG_RP2040JS  folder of the npm package rp2040js, 1.4.1
SLVG_BOOTROM   the RP2040's boot ROM: 16 KiB as .bin, or a JavaScript module with bootromB1
SLVG_IMAGE     MicroPython for the Pico, .uf2 or .bin, 1.26 or later (hard timers)
Without them these tests are skipped; tests/host/test_thumb_equal.py runs the same code without.
"""
import os
import shutil
import subprocess
from array import array
from pathlib import Path

import pytest

from acu.dsp import kernels
from host_sim.bench import ROOT, compile_to
from tests.unit.test_kernels import noise

HERE = Path(__file__).parent
GIVEN = [os.environ.get(name, "") for name in ("SLVG_RP2040JS", "SLVG_BOOTROM", "SLVG_IMAGE")]
MHZ, CALLS = 125, 50

pytestmark = pytest.mark.skipif(not all(GIVEN) or not shutil.which("node"),
                                reason="no emulator, boot ROM and image: SLVG_RP2040JS and so on")


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What the chip prints, as lists of words. The compiled kernels go into its flash first."""
    folder = tmp_path_factory.mktemp("chip")
    dsp = ROOT / "firmware/acu/dsp"
    viper = folder / "acu/dsp/viper.py"
    viper.parent.mkdir(parents=True)
    viper.write_text((dsp / "kernels.py").read_text().replace('sys.platform == "rp2"', "False"))
    compile_to(folder, "armv6m", [dsp / f"{name}.py" for name in (
        "kernels", "kernels_thumb", "correction")], ROOT / "firmware")
    compile_to(folder, "armv6m", [viper], folder)
    lines = ["import os", "for d in ('acu', 'acu/dsp'):", " try: os.mkdir(d)",
             " except OSError: pass"]
    for mpy in sorted((folder / "acu/dsp").glob("*.mpy")):
        data = mpy.read_bytes()
        lines += [f"with open('acu/dsp/{mpy.name}', 'wb') as f:",
                  *(f" f.write({data[k:k + 64]!r})" for k in range(0, len(data), 64))]
    script = folder / "script.py"
    script.write_text("\n".join(lines) + "\n" + (HERE / "on_chip.py").read_text())
    done = subprocess.run(["node", HERE / "chip.mjs", *GIVEN, script, "60"], capture_output=True,
                          text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_the_chip_takes_the_hand_assembled_kernel(said):
    assert ["twin", "True"] in said


def test_both_kernels_give_the_sums_of_cpython(said):
    ring = array("H", noise(kernels.STRIDE * 128, 1))
    par = array("i", [128, 3, 0, 3, 1, 4, 2, 5])
    found = [[int(word) for word in line[1:]] for line in said if line[0] == "sums"]
    assert len(found) == 6
    for n, first, phase, *sums in found:
        ref = array("i", [0xFEDCBA, 209_715])
        out = array("i", bytes(4 * 27))
        kernels.take_pairs(n, first, ring, par, ref, kernels.SINE, out)
        assert sums == list(out) and phase == ref[0]


def test_a_frame_costs_what_the_machine_code_says(said, capsys):
    """By the difference of calls with 120 and with 40 frames, so the call itself drops out."""
    us = [[int(word) for word in line[1:]] for line in said if line[0] == "us"]
    viper, asm, correct = ((long - short) * MHZ / CALLS / 80 for short, long in us)
    calls = [(3 * short - long) / 2 * MHZ / CALLS for short, long in us]
    with capsys.disabled():
        print(f"\ncycles a pair and frame: viper {viper / 3:.1f}, assembler {asm / 3:.1f}; "
              f"correction, a code: {correct / 6:.1f}; of a call: "
              f"{', '.join(f'{c:.0f}' for c in calls)}")
    assert asm / 3 < 50 < viper / 3 < 230 and correct / 6 < 75
