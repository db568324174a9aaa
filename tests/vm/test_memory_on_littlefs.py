"""Memory on real littlefs inside the real MicroPython: power cuts, a full flash, wear."""
import subprocess
from pathlib import Path

import pytest

from host_sim.study import powercut
from host_sim.vm.client import VmError

ROOT = Path(__file__).resolve().parents[2]


def test_a_full_flash_sheds_captures_then_events_and_a_failing_one_raises_nothing(vm):
    done = subprocess.run([vm, "-X", "heapsize=16M", str(ROOT / "tests/vm/full_flash.py"),
                           str(ROOT)], capture_output=True, text=True, timeout=60, check=False)
    lines = done.stdout.splitlines()
    assert done.returncode == 0 and len(lines) == 20, done.stdout + done.stderr
    assert [line for line in lines if not line.startswith("ok ")] == []


def test_a_cut_at_any_write_loses_nothing_and_moves_nothing(vm):
    """A sample; `slvg study powercut --full` cuts at each of them."""
    found = powercut.run(200, False, 3, 1, wear=False)
    assert found["wrong"] == [] and found["goals_missed"] == []
    assert found["cuts"] == 200 and found["again"] > 10
    assert {"adc", "boot", "cap", "energy", "ev", "registers", "settings", "start",
            "state"} <= set(found["kinds"])
    assert found["worst_loss_s"] <= 60.5


def test_the_study_finds_the_wrong_design(vm):
    """One slot, written in place."""
    found = powercut.run(60, False, 1, 1, design="single", wear=False)
    assert found["records_lost"] > 5 and found["energy_backwards"] > 5
    assert found["goals_missed"] == ["records_lost", "energy_backwards"]


def test_a_process_that_fails_says_how(vm):
    with pytest.raises(VmError, match="E134 nothing.py ended with exit code"):
        powercut.vm_answer("nothing.py", {})


def test_a_day_costs_the_flash_little(vm):
    """At 2900 erases a day the 212 blocks of a Pico W would last 20 years."""
    found = powercut.vm_answer(
        "wear.py", {"role": "operator", "page": 256, "blocks": 212, "days": 1})
    assert found["stores_per_day"] > 1440 and 50 < found["erases_per_day"] < 400
