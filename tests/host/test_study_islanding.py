"""The study of perturbed districts: what it draws, what it calls in step, what it counts; one
variant through the firmware."""
import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from host_sim.study import islanding
from host_sim.study.islanding_cases import BASES, variant
from host_sim.study.islanding_ideal import BLIND, IDEAL, NONE, play
from host_sim.study.islanding_play import SCHEME
from host_sim.study.islanding_watch import Watched
from host_sim.world.district_params import Params
from slvg.cli import app


def test_variants_are_drawn_within_half_each_on_its_own_and_the_same_again():
    usual = Params()
    some = [variant(7, k) for k in range(300)]
    assert some == [variant(7, k) for k in range(300)] and some[0] != variant(8, 0)
    for name, of in (
            ("load", [v.load_share / v.base for v in some]),
            ("inertia", [t / 8 for v in some for t in v.params.tj_s]),
            ("line1", [abs(v.params.line1 / usual.line1) for v in some]),
            ("line2", [abs(v.params.line2 / usual.line2) for v in some]),
            ("tie", [abs(v.params.tie / usual.tie) for v in some])):
        assert 0.5 <= min(of) < 0.52 and 1.48 < max(of) <= 1.5001, name
        assert abs(sum(of) / len(of) - 1) < 0.06, name
    assert {v.base for v in some} == set(BASES)
    assert len(set(some[0].params.tj_s)) == 4
    heavy = [v for v in some if v.load_share > 0.86 / 0.8]
    assert heavy and {v.can_be_carried for v in heavy} == {False}
    assert all(v.can_be_carried for v in some if v not in heavy)


def test_wilsons_interval():
    """Values of the literature: 0 of 10, 5 of 10, 950 of 1000."""
    for k, n, low, high in ((0, 10, 0.0, 27.75), (5, 10, 23.66, 76.34), (950, 1000, 93.47, 96.19)):
        got = islanding.wilson(k, n)
        assert abs(got[0] - low) < 0.01 and abs(got[1] - high) < 0.01


def row(kind, ok, carried=True, why="slipped"):
    return {"case": "", "number": 3, "kind": kind, "base": 0.6, "can_be_carried": carried,
            "in_step": ok, "why": "" if ok else why, "peak_pu": 1.0,
            "closings": [["r1", 9000, -3.0, 0.1, 0.001]]}


def test_the_share_counts_what_could_be_carried_and_beside_it_all():
    rows = [row(SCHEME, True)] * 8 + [row(SCHEME, False)] * 2 + [row(SCHEME, False, False)] * 10
    rows += [row(IDEAL, True), row(NONE, False), row(BLIND, True), row(BLIND, False)]
    got = islanding.figures(rows)
    assert got["in_step_pct"] == 80.0 and got["in_step_all_pct"] == 40.0
    assert (got["in_step_pct_ideal"], got["in_step_pct_no_scheme"],
            got["in_step_pct_blind"]) == (100.0, 0.0, 50.0)
    assert got["n"] == 20 and got["n_carried"] == 10 and got["lost"]["slipped"] == 2
    assert got["close_angle_max_deg"] == 3.0 and got["failed"] == [3, 3]
    low, high = got["in_step_ci95_pct"]
    assert low < 80 < high < 95 + 3
    assert got["goals_missed"] == (["in_step_pct"] if high < 95 else [])
    many = islanding.figures([row(SCHEME, k % 10 > 1) for k in range(400)])
    assert many["goals_missed"] == ["in_step_pct"]


def watched(**changed):
    return Watched(replace(Params(), fault_s=1000.0, **changed), 0.6)


def test_a_machine_that_slips_against_the_grid_is_lost():
    d = watched()
    for _ in range(10):
        d.step()
    assert not d.watch.lost() and d.watch.worst_deg < 25
    d.machines["g3"].delta_deg += 175
    d.step()
    assert d.watch.slipped_ms == 10 and not d.watch.in_step()


def test_an_island_counts_its_angle_from_its_closing_and_dies_of_its_frequency():
    d = watched()
    d.switch("r1", False)
    d.switch("r2", False)
    d.switch("r3", True)
    for m in d.machines.values():
        m.delta_deg += 720           # whole turns in the island are no slip
        m.w = 0.01
    d.step()
    d.switch("r1", True)
    closing = d.watch.closings[0]
    assert closing.name == "r1" and abs(closing.slip_hz - 0.5) < 0.02
    d.step()
    assert not d.watch.lost() and d.watch.worst_deg < 60
    d.switch("r1", False)
    for m in d.machines.values():
        m.w = -0.11                  # 44.5 Hz
    d.step()
    assert d.watch.dead_ms is not None and d.watch.f_min < 45


def test_in_step_wants_the_parallel_run_back():
    done = play(Params(), 0.6, IDEAL, 8_000)
    assert not done.watch.lost() and not done.watch.in_step()
    assert play(Params(), 0.6, IDEAL, 20_000).watch.in_step()


def test_the_command_plays_the_firmware_and_takes_up_its_file(tmp_path):
    file = tmp_path / "rows.jsonl"
    done = CliRunner().invoke(app, ["study", "islanding", "--variants", "1", "--results",
                                    str(file), "--json", "-", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    got = json.loads(done.stdout)
    assert got["in_step_pct"] == 100.0 and got["in_step_pct_no_scheme"] == 0.0
    assert got["close_angle_max_deg"] < 10 and got["n"] == 1
    held = file.read_text()
    again = islanding.run(1, 1, 1, file)
    assert [r["kind"] for r in again] == [SCHEME, IDEAL, NONE, BLIND]
    assert file.read_text() == held


@pytest.mark.parametrize("words", [["--variants", "0"], ["--results", "/nowhere/x.jsonl"]])
def test_bad_options_are_refused(words):
    assert CliRunner().invoke(app, ["study", "islanding", *words]).exit_code == 2
