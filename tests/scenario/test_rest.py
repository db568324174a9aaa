"""The rest contract (architecture, 'Rest'): where the firmware says that it has nothing to do,
leaving its slow tier out changes no byte of any message, event or drive."""
import pytest

from acu.functions.loading import LoadingControl
from acu.functions.telemetry import Telemetry
from acu.primitives.processing import Scheduler
from acu.roles.base import Acu
from host_sim.scenario import load
from host_sim.scenario.runner import Run
from tests.scenario.kit import assay

# Whatever has a timer, an input or a link: nothing of it may be slept through.
ROUGH = (
    (3.123, {"set": {"name": "temperature_dc", "acu": "cd", "value": 950}}),
    (4.444, {"set": {"name": "ground", "acu": "cd", "value": 0,
                      "for_ms": 1_700}}),
    (5.000, {"scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["eu2", 0, 7]}}}),
    (6.000, {"link": {"acu": "eu1", "partition": True, "for_ms": 4_000}}),
    (9.010, {"scc": {"type": "cfg", "body": {"k": "ub_en", "val": 0}}}),
    (11.000, {"link": {"acu": "cd", "partition": True, "for_ms": 2_500}}),
    (14.005, {"hang": {"acu": "eu3", "for_ms": 12_000}}),
    (15.500, {"set": {"name": "adc.freeze", "acu": "eu2", "channel": 1, "value": 1,
                      "for_ms": 600}}),
    (17.000, {"supply_pu": [0.85, 1.0, 1.0]}),
    (17.300, {"supply_pu": [1.0, 1.0, 1.0]}),
    (18.000, {"phase_lost": "A"}),
    (21.000, {"phase_back": "A"}),
    (27.000, {"reboot": {"acu": "eu1", "off_ms": 155}}),
    (30.000, {"link": {"acu": "cd", "partition": True, "for_ms": 12_000}}),
    (30.500, {"supply": "lost"}),
    (31.500, {"supply": "back"}),
    (30.900, {"link": {"acu": "eu2", "partition": True, "for_ms": 30_000}}),
    (42.000, {"clock": {"acu": "eu2", "step_ms": 3_600_000}}),
    (52.000, {"scc": {"type": "sc.cmd", "body": {"cmd": "phs", "args": ["eu1", 2]}}}),
    (55.000, {"scc": {"type": "sc.cmd", "body": {"cmd": "lock", "args": ["eu1"]}}}),
)


def _rough():
    return assay(events=list(ROUGH), run_s=65.0, config={
        "t_iso_ms": 10_000, "t_base_ms": 1_000, "t_hb_ms": 3_170, "t_time_ms": 7_000,
        "t_tele_ms": 5_330,
        "t_slot_ms": 500})


SCENARIOS = {"assay": lambda: load.load("assay"), "assay_scd": lambda: load.load("assay_scd"),
             "branch": lambda: load.load("branch"), "rough": _rough}
UNTIL_US = {"branch": 58_000_000}      # the works on a branch and its reconnection


def _played(name: str, rests: bool):
    scenario = SCENARIOS[name]()
    run = Run(scenario, level="quantity", rests=rests)
    until_us = UNTIL_US.get(name, scenario.run_us)
    while run.t_us < until_us:
        run.step()
    return run


@pytest.fixture(scope="module")
def always():
    """Each scenario once, with every call made."""
    return {name: _played(name, rests=False) for name in SCENARIOS}


def _difference(one: Run, other: Run) -> str:
    """The first thing in which they differ; '' for none."""
    for key in ("events", "bus", "drives"):
        a, b = getattr(one.result, key), getattr(other.result, key)
        if a != b:
            return f"{key}: {next((x for x in zip(a, b, strict=False) if x[0] != x[1]), 'length')}"
    return ""


@pytest.mark.parametrize("name", SCENARIOS)
def test_nothing_is_slept_through(always, name):
    rested = _played(name, rests=True)
    assert not _difference(always[name], rested)
    for unit, all_passes in ((rested.firmware.units[n], always[name].firmware.units[n].passes)
                             for n in rested.firmware.units):
        assert unit.passes < all_passes * 0.75


def test_the_rough_run_is_rough(always):
    log = always["rough"].result.event_log()
    for name in ("OT ", "GND ", "MISSING", "BACK_AGAIN", "ADC_BAD", "UV ", "OUT ", "RECON_END",
                 "LEASE", "TISO", "CFG"):
        assert name in log, name
    # eu3 hangs from 14.005 s: reset 8.388 s after its last pass, though it rested
    assert "06:00:22.390Z eu3 1 BOOT boots=2" in log


MUTATIONS = {
    "everybody rests three times as long": (Acu, "rest_ms", lambda was: lambda self, now_ms:
                                            3 * was(self, now_ms)),
    "telemetry forgets its window": (Telemetry, "rest_ms", lambda was: lambda self, now_ms: 10**6),
    "loading forgets its slot": (LoadingControl, "rest_ms",
                                 lambda was: lambda self, now_ms: 10**6),
    "the fast tier wakes nobody": (Acu, "stirred", lambda was: lambda self: False),
    "tasks lose their phase": (Scheduler, "rested", lambda was: lambda self, now_ms, n: None),
}


@pytest.mark.parametrize("what", MUTATIONS)
def test_a_rest_that_is_too_long_shows(always, monkeypatch, what):
    owner, name, change = MUTATIONS[what]
    monkeypatch.setattr(owner, name, change(getattr(owner, name)))
    assert any(_difference(always[n], _played(n, rests=True)) for n in ("assay", "rough"))
