"""The dispatching ACU's scenarios inside MicroPython: their golden logs to the byte, the same
messages, the same words at the console."""
from dataclasses import replace

import pytest

from host_sim.scenario import load, microgrid_plan, microgrid_run
from tests.scenario.golden import golden

NAMES = [name for name in load.scenario_names() if microgrid_plan.is_one(name)]


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_log_comes_there_too(vm, name):
    there = microgrid_run.run(microgrid_plan.read(name), vm=True)
    assert there.python == "vm"
    assert there.event_log() == golden(f"{name}-seed1")


@pytest.mark.parametrize("policy", ["naive", "table"])
def test_messages_contacts_and_the_console_are_the_same_in_both_pythons(vm, policy):
    plan = microgrid_plan.read("microgrid_faults")
    typed = microgrid_plan.Deed(300_000_000, "console", True, (["ACC", "MG", "TAR", "MET"],))
    deeds = tuple(sorted((*plan.deeds, typed), key=lambda deed: deed.t_us))
    plan = replace(plan, run_us=2_500_000_000, deeds=deeds,
                   config=plan.config | {"mg_policy": policy})
    here = microgrid_run.run(plan)
    there = microgrid_run.run(plan, vm=True)
    assert here.messages == there.messages and len(here.messages) > 300
    assert here.drives == there.drives and len(here.drives) > 3
    assert "decided by" in here.console and here.console == there.console
