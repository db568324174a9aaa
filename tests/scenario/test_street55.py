"""Scenario `street55`: 55 customers with minute profiles, at phasor level with zoom."""
import os
from dataclasses import replace
from pathlib import Path

import pytest

from host_sim.scenario import load
from host_sim.scenario.complaints import InputError
from host_sim.scenario.feeder_map import Feeder
from host_sim.scenario.plots import plot
from host_sim.scenario.quality import reports
from tests.scenario.kit import Played, assay, play

SHARED = Path(os.environ.get("SLVG_SHARED", Path(__file__).resolve().parents[3] / "shared"))
EURO_LV = SHARED / "data" / "euro_lv"
WORKS, ENDED = ({"scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["s2", on, 0]}}}
                for on in (0, 1))


@pytest.fixture(scope="module")
def evening() -> Played:
    """Twenty minutes from 19:00 on: works on branch 2, later the supply is lost for a minute."""
    return play(assay("street55", run_s=1_200.0, feeder={"first_minute": 1_140},
                      config={"t_tele_ms": 60_000, "t_hb_ms": 60_000, "t_base_ms": 5_000},
                      events=[(130, WORKS), (250, ENDED), (600, {"supply": "lost"}),
                              (660, {"supply": "back"})]), "phasor")


def test_a_day_is_what_the_file_says():
    scenario = load.load("street55")
    assert scenario.run_us == 86_400_000_000 and scenario.level == "phasor"
    roles = [a.role for a in scenario.acus]
    assert [roles.count(r) for r in ("coordinator", "subcoordinator", "operator")] == [1, 4, 55]
    cd = scenario.coordinator().config
    assert cd["un_dv"] == 2402 and cd["ub_en"] == 1 and len(cd["members"]) == 55
    assert set(cd["via"]) <= {"-", "s1", "s2", "s3", "s4"} and cd["via"].count("-") < 15
    assert scenario.zoom.level == "wave"
    assert scenario.street.profiles_kw.shape == (1440, 55)


def test_profiles_begin_at_the_first_minute():
    late, early = (assay("street55", feeder={"first_minute": n}).street.profiles_kw
                   for n in (1_000, 0))
    assert (late[0] == early[1_000]).all() and (late[440] == early[0]).all()


def test_everybody_is_on_again_after_works_and_after_the_outage(evening):
    dark = evening.closed_at(200.0)
    n = len([a for a in evening.scenario.operators() if a.config["uc"] == "uc2"])
    assert sum(1 for phases in dark.values() if not phases) == n > 5
    assert all(evening.closed_at(590.0).values())
    assert not any(evening.closed_at(650.0).values())
    assert all(evening.closed_at(1_190.0).values())
    assert not any(evening.figures["never"].values())
    assert any("s2-" in text for text in evening.panel)
    assert evening.panel[-1].startswith("OK ") and "-" not in evening.panel[-1]


def test_reports_are_true_while_controllers_rest(evening):
    told = reports(evening.result, evening.scenario)
    assert len(told) > 10 * 55 and evening.figures["dv_report_max_v"] <= 0.3
    assert evening.figures["u_in_band_pct"] == evening.figures["u_in_band_reported_pct"] == 100


def test_the_same_seed_gives_the_same_log_and_another_does_not():
    scenario = replace(assay("street55", events=[(20, WORKS)], run_s=60.0), level="phasor")
    logs = [play(scenario, "phasor", seed=seed).result for seed in (1, 1, 2)]
    assert logs[0].event_log() == logs[1].event_log() and logs[0].bus == logs[1].bus
    assert logs[0].bus != logs[2].bus


def test_the_map_has_every_bus_and_the_state_of_highest_load(evening, tmp_path):
    feeder = Feeder(evening.result, evening.scenario)
    assert set(feeder.bus_v) == set(feeder.distance_m) and len(feeder.bus_v) > 100
    solution = evening.result.record.peak[1]
    assert sum(solution.s_va) > 20_000 and feeder.opened == {"s2"}
    far = max(feeder.distance_m, key=feeder.distance_m.__getitem__)
    assert 100 < feeder.distance_m[far] < 1_000
    assert feeder.lowest_v(far) < feeder.lowest_v(feeder.network.lv_bus)
    n = feeder.state.phase.tolist().index(1)
    bus = evening.scenario.street.customers[n].bus
    assert feeder.bus_v[bus][1] == pytest.approx(float(feeder.state.u_v[n, 1]), abs=1e-3)
    path = tmp_path / "evening.png"
    plot(evening.result, evening.scenario, path)
    assert path.stat().st_size > 100_000


@pytest.mark.skipif(not EURO_LV.is_dir(), reason="the shared data are not here")
def test_another_feeder_in_its_place():
    scenario = load.load("street55", str(EURO_LV))
    assert len(scenario.operators()) == 55 and len(scenario.street.feeder.lines) == 905
    assert scenario.coordinator().config["un_dv"] == 2402
    assert scenario.street.source.u_v == pytest.approx(252.19, abs=0.01)
    phases = [c.phase for c in scenario.street.customers]
    assert [phases.count(p) for p in range(3)] == [21, 19, 15]
    short = replace(scenario, run_us=150_000_000, events=())
    played = play(short, "phasor")
    assert played.panel == ["OK A21 B19 C15"] and played.figures["dv_report_max_v"] <= 0.3


def test_another_feeder_needs_a_scenario_with_one(tmp_path):
    with pytest.raises(InputError, match=r"E121 assay.toml: --feeder needs"):
        load.load("assay", str(tmp_path))
    with pytest.raises(InputError, match=r"E120 .*no such file or folder"):
        load.load("street55", str(tmp_path / "none"))
