"""A run in two processes has the log, messages and drives of a run in one."""
import os
import signal
import time

import pytest

from host_sim.bench_street import circuit
from host_sim.board.jobs import JobError
from host_sim.scenario.load import load
from host_sim.scenario.runner import Run, run


def told(result):
    return result.events, result.bus, result.drives, result.panel


def test_the_assay():
    scenario = load("assay")
    assert told(run(scenario, level="wave", jobs=2)) == told(run(scenario, level="wave"))


def test_reboots_hangs_clocks_and_links():
    """On either side of the pipe: odd and even controllers alike."""
    both = []
    for jobs in (1, 2):
        one = Run(circuit(13, "wave"), jobs=jobs)
        try:
            while one.t_us < 14_000_000:
                if one.t_us == 1_500_000:
                    for acu in ("eu1", "eu2"):
                        one.happen("reboot", acu=acu, off_ms=300)
                        one.happen("clock", acu=acu, step_ms=4000)
                if one.t_us == 2_000_000:
                    for acu in ("eu3", "eu4"):
                        one.happen("hang", acu=acu, for_ms=10_000)
                        one.happen("link", acu=acu, partition=True, for_ms=2000)
                if one.t_us == 3_000_000:
                    one.happen("world", name="supply", value="lost", for_ms=900)
                    one.happen("world", name="adc.freeze", value=1, acu="eu5", channel="UA",
                               for_ms=500)
                one.step()
        finally:
            one.finish()
        both.append(told(one.result))
    assert both[0] == both[1]
    assert len(both[0][0]) > 50


def test_the_other_process_that_dies_is_named():
    one = Run(circuit(5, "wave"), jobs=2)
    try:
        one.step()
        os.kill(one.firmware._child.pid, signal.SIGKILL)
        with pytest.raises(JobError, match="E137 .* exit code -9.*--jobs 1"):
            one.step()
    finally:
        began = time.perf_counter()
        one.finish()
    assert time.perf_counter() - began < 5
