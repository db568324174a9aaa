"""The same scenario in both Pythons: event logs, messages and drives equal to the byte."""
from dataclasses import replace
from pathlib import Path

import pytest

from host_sim.scenario.load import load
from host_sim.scenario.runner import run

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


@pytest.mark.parametrize("level", ["wave", "quantity"])
def test_assay_is_the_same_in_both_pythons(vm, level):
    scenario = load("assay")
    here = run(scenario, level=level)
    there = run(scenario, level=level, vm=True)
    assert there.python == "vm" and here.python == "cpython"
    assert there.event_log() == here.event_log()
    assert [text for _, text in there.panel] == [text for _, text in here.panel]
    assert there.bus == here.bus
    assert there.drives == here.drives
    assert "PHS_DONE" in here.event_log()


@pytest.mark.parametrize(("level", "run_s"), [("quantity", 40), ("phasor", 100)])
def test_branches_are_the_same_in_both_pythons(vm, level, run_s):
    """28 controllers; at quantity level until the branch is back, at phasor level all of it."""
    scenario = replace(load("branch"), run_us=run_s * 1_000_000)
    here = run(scenario, level=level)
    there = run(scenario, level=level, vm=True)
    assert there.event_log() == here.event_log()
    assert there.bus == here.bus
    assert there.drives == here.drives
    assert "BRN_ON" in here.event_log()


def test_meters_give_their_golden_log_there_too(vm):
    """Here it is tests/scenario/test_meter.py's."""
    there = run(load("meter"), level="wave", vm=True)
    assert there.event_log() == (GOLDEN / "meter-wave-seed1.log").read_text()


def test_meters_say_the_same_in_both_pythons(vm):
    """Ten minutes end at 10 s; dips, a swell, an interruption before."""
    scenario = load("meter")
    scenario = replace(scenario, run_us=15_000_000, start_utc_ms=scenario.start_utc_ms + 25_000)
    here = run(scenario, level="wave")
    there = run(scenario, level="wave", vm=True)
    assert there.bus == here.bus
    assert sum(topic.endswith("/pq") for _, _, topic, _ in here.bus) == 2
    scenario = replace(scenario, run_us=8_000_000)
    assert run(scenario, level="phasor", vm=True).bus == run(scenario, level="phasor").bus


def test_the_comparison_sees_another_seed():
    scenario = load("assay")
    one = run(scenario, level="quantity")
    other = run(scenario, level="quantity", seed=2)
    assert one.bus != other.bus


@pytest.mark.parametrize("name", ["assay", "branch"])
def test_a_run_that_leaps_is_the_same_in_both_pythons(vm, name):
    scenario = load(name)
    here = run(scenario, level="phasor")
    there = run(scenario, level="phasor", vm=True)
    assert there.event_log() == here.event_log()
    assert there.bus == here.bus
    assert there.drives == here.drives
