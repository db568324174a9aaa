"""All controllers at once, and those that rest passed by: the log is that of each by itself."""
import random

import pytest

from host_sim.bench_street import circuit
from host_sim.board.firmware import Firmware
from host_sim.scenario import runner
from host_sim.scenario.load import load


def alone(monkeypatch):
    """From now on a run has each controller by itself, on the kernels' twin (test_twin.py)."""
    monkeypatch.setattr(runner, "TwinFirmware",
                        lambda specs, ask, _banks, rests: Firmware(specs, ask, True, rests))


def told(result):
    return result.events, result.bus, result.drives


@pytest.mark.parametrize("level", ["wave", "quantity"])
def test_the_log_of_a_scenario_is_that_of_the_firmware_alone(level, monkeypatch):
    scenario = load("assay")
    twinned = runner.run(scenario, level=level)
    alone(monkeypatch)
    assert told(twinned) == told(runner.run(scenario, level=level))
    assert len(twinned.events) > 20


def happen(run, rng):
    """Whatever makes a controller that rested busy, or just not."""
    acu = f"eu{rng.randrange(1, 13)}"
    kind = rng.choice(["pu", "pu", "pu", "lost", "freeze", "reboot", "hang", "link", "load", "f",
                       "input", "flicker"])
    if kind == "pu":
        edges = (0.05, 0.12, 0.84, 0.88, 0.905, 1.09, 1.105, 1.14, 1.16, 1.2)
        run.happen("world", name="supply_pu", value=[rng.choice(edges) for _ in range(3)],
                   for_ms=rng.choice((8, 15, 40, 250, 1500)))
    elif kind == "lost":
        run.happen("world", name="phase_lost", value=rng.choice("ABC"), for_ms=300)
    elif kind == "freeze":
        run.happen("world", name="adc.freeze", value=1, acu=acu, channel=rng.randrange(5),
                   for_ms=rng.randrange(20, 300))
    elif kind == "reboot":
        run.happen("reboot", acu=acu, off_ms=rng.randrange(5, 300))
    elif kind == "hang":
        run.happen("hang", acu=acu, for_ms=rng.choice((50, 9000)))
    elif kind == "link":
        run.happen("link", acu=acu, partition=True, for_ms=rng.randrange(5, 900))
    elif kind == "flicker":     # each too short for the local rule
        for later_us in (0, 120_000):
            run.street.set("supply_pu", [1.09] * 3, for_ms=60, at_us=run.t_us + later_us)
    elif kind == "input":
        run.happen("world", name="mirror.stuck", value=1, acu=acu, phase="A", for_ms=300)
        run.happen("world", name="temperature_dc", value=rng.randrange(200, 1200))
    elif kind == "load":
        run.happen("world", name="load_pct", value=rng.randrange(10, 300), acu=acu)
    else:
        run.happen("world", name="f_mhz", value=rng.randrange(49_000, 51_000))


@pytest.mark.parametrize("level, limits", [
    ("wave", {}), ("quantity", {"u_ov_pm": 1050, "u_hi_pm": 1150, "t_ov_ms": 100})])
def test_who_is_passed_by_has_missed_nothing(level, limits, monkeypatch):
    """A street of 13 that rests most of the time: the log, each message and each count of ticks
    and half cycles are those of controllers that are called every time."""
    both = []
    for k in range(2):
        rng = random.Random(level)
        one = runner.Run(circuit(13, level, config={"t_tele_ms": 5000, "t_hb_ms": 2000,
                                                    "t_res_ms": 1000, "t_base_ms": 1000,
                                                    "t_slot_ms": 1000, **limits}))
        passed = 0
        while one.t_us < 25_000_000:
            if one.t_us > 3_000_000 and one.t_us % 250_000 == 0 and rng.random() < 0.4:
                happen(one, rng)
            one.step()
            assert k or all(unit.acu is None or unit.acu.measuring.closed < 0
                            for unit in one.firmware.units.values())
            passed += sum(getattr(unit, "_ticks", 0) > 0 for unit in one.firmware.units.values())
        for unit in one.firmware.units.values():
            if k == 0:
                unit.make_up()
        counts = [(unit.acu.ticks, unit.acu.measuring.half_seq, unit.acu.measuring.t_frames_us,
                   unit.watchdog._fed_ms, unit.passes) for unit in one.firmware.units.values()]
        both.append((*told(one.finish()), counts))
        assert (passed > 20_000) == (k == 0)
        alone(monkeypatch)
    for one, other in zip(*both, strict=True):
        assert one == other
    assert len(both[0][0]) > 60


def test_zoom_and_back_is_told_alike(monkeypatch):
    """Level phasor with waves around the events."""
    scenario = circuit(13, "phasor", 40.0, zoom={"level": "wave", "before_s": 0.5},
                       event=[{"at_s": 10.0, "supply": "lost"}, {"at_s": 12.0, "supply": "back"},
                              {"at_s": 20.0, "reboot": {"acu": "eu3"}}])
    twinned = runner.run(scenario)
    alone(monkeypatch)
    assert told(twinned) == told(runner.run(scenario))
