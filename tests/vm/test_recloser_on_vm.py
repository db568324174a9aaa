"""The recloser's scenarios inside MicroPython: their golden logs to the byte, the same records of
samples, the same words at the console."""
from dataclasses import replace

import pytest

from host_sim.scenario import load, recloser_plan, recloser_run
from tests.scenario.golden import golden

NAMES = [name for name in load.scenario_names() if recloser_plan.is_one(name)]


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_log_comes_there_too(vm, name):
    there = recloser_run.run(recloser_plan.read(name), vm=True)
    assert there.python == "vm"
    assert there.event_log() == golden(f"{name}-seed1")


def test_records_messages_and_the_console_are_the_same_in_both_pythons(vm):
    plan = replace(recloser_plan.read("recloser_check"), run_us=5_500_000)
    typed = recloser_plan.Deed(4_500_000, "console", ["ACC", "SYN", "MET", "CSYN"])
    plan = replace(plan, deeds=(*plan.deeds, typed))
    here = recloser_run.run(plan)
    there = recloser_run.run(plan, vm=True)
    assert len(here.captures) == 1 and here.captures == there.captures
    assert here.messages == there.messages
    assert "permit" in here.console and here.console == there.console
