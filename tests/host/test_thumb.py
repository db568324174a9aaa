"""What the kernels cost on a Cortex-M0+, counted in the machine code that mpy-cross makes."""
import importlib.util
import sys
import types

import pytest

from host_sim.bench import ROOT, compile_to, firmware_files
from host_sim.thumb import asm_cycles_per_pair, cycles_per_pair, loops, machine_code

DSP = ROOT / "firmware/acu/dsp"
VIPER, BY_HAND = DSP / "kernels.py", DSP / "kernels_thumb.py"


@pytest.fixture(scope="module")
def dsp(tmp_path_factory):
    folder = tmp_path_factory.mktemp("armv6m")
    compile_to(folder, "armv6m", [VIPER, BY_HAND, DSP / "correction.py"], ROOT / "firmware")
    return folder / "acu/dsp"


def test_a_pair_costs_at_most_80_cycles_in_viper_and_20_by_hand(dsp):
    viper = cycles_per_pair(dsp / "kernels.mpy", VIPER)
    asm = asm_cycles_per_pair(dsp / "kernels_thumb.mpy", BY_HAND)
    assert 40 < viper["sums"] <= 80 and 10 < asm["sums"] <= 20
    assert asm["correlation"] < 30 < viper["correlation"] < 150


def test_the_correction_costs_at_most_70_cycles_a_code(dsp):
    code = machine_code(dsp / "correction.mpy", DSP / "correction.py", "correct")
    assert loops(code)[0]["cycles"] <= 70


def test_cycles_are_counted_as_the_manual_says():
    """movs; loop: ldrh, muls, adds, bne: 1 outside; 2 + 1 + 1 + 2 a pass."""
    code = bytes.fromhex("0020 0388 4343 5b18 fbd1")
    assert loops(code) == [{"muls": 1, "instructions": 4, "cycles": 6}]


def test_a_hand_assembled_kernel_of_another_shape_is_not_counted(dsp):
    with pytest.raises(ValueError):
        asm_cycles_per_pair(dsp / "kernels.mpy", VIPER)


@pytest.mark.parametrize(("platform", "by_hand"), [("rp2", True), ("esp32", False)])
def test_a_board_takes_the_kernel_that_its_core_runs(monkeypatch, platform, by_hand):
    twin = types.ModuleType("acu.dsp.kernels_thumb")
    twin.take_pairs = object()
    monkeypatch.setitem(sys.modules, twin.__name__, twin)
    monkeypatch.setattr(sys, "platform", platform)
    spec = importlib.util.spec_from_file_location("kernels_of_a_board", VIPER)
    kernels = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernels)
    assert (kernels.take_pairs is twin.take_pairs) is by_hand


def test_the_virtual_machine_gets_no_hand_assembled_file():
    assert VIPER in firmware_files() and BY_HAND not in firmware_files()
