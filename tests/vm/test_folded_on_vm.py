"""The firmware as boards have it, constants folded and names short (host_sim/fold.py), compiled:
the same logs, messages and drives as its sources give on CPython."""
from dataclasses import replace
from functools import partial

import pytest

from host_sim.bench import ROOT, compile_to, firmware_files
from host_sim.scenario import runner
from host_sim.scenario.load import load
from host_sim.vm.client import VmFirmware
from tests.scenario.golden import golden

DOORS = ("__init__.py", "board/__init__.py", "board/doors.py", "board/unit.py",
         "board/measuring.py")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("mpy")
    compile_to(path, "x86", firmware_files(), ROOT / "firmware")
    compile_to(path, "x86", [ROOT / "host_sim" / name for name in DOORS], ROOT)
    assert not list(path.rglob("*.py"))
    return path


@pytest.fixture
def compiled(vm, folder, monkeypatch):
    monkeypatch.setattr(runner, "VmFirmware", partial(VmFirmware, folders=(folder, folder)))


def test_the_assay(compiled):
    there = runner.run(load("assay"), level="wave", vm=True)
    assert there.event_log() == golden("assay-wave-seed1")


def test_a_meter(compiled):
    there = runner.run(load("meter"), level="wave", vm=True)
    assert there.event_log() == golden("meter-wave-seed1")


def test_branches(compiled):
    """Sub-Coordinators, a branch breaker, phase changes."""
    scenario = replace(load("branch"), run_us=60_000_000)
    here = runner.run(scenario, level="phasor")
    there = runner.run(scenario, level="phasor", vm=True)
    assert there.event_log() == here.event_log()
    assert there.bus == here.bus and there.drives == here.drives
    assert "BRN_ON" in here.event_log()
