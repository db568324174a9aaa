"""The study of the synchronism check on small seeded samples: the firmware stays inside the
limits, wrong designs do not, and the judge says the truth."""
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from acu import sync_settings
from acu.dsp import bay
from acu.functions import synccheck
from host_sim.study import bay_batch, phasor, sync, sync_cases, sync_judge, sync_play
from host_sim.study.sync_judge import Limits
from host_sim.study.sync_play import Item, play
from host_sim.waveform import adc, bay_codes
from host_sim.world.two_sided import Side, TwoSided, wrapped
from slvg.cli import app

AIMED = Limits(0.05, 10.0, 0.5, 0.06)
CHECKED = Limits(0.05, 10.0, 0.2, 0.06, aimed=False)
SEED = 5


def rows(family, count, **more):
    return [play(Item(SEED, family, k, **more)) for k in range(count)]


@pytest.fixture(scope="module")
def played(vm):
    """A small study in this process."""
    chosen = []
    for family, count in ((sync_cases.ESTIMATE, 30), (sync_cases.STEADY, 20),
                          (sync_cases.STRESS, 40), (sync_cases.CHECK, 20),
                          (sync_cases.FAULTY, 11), (sync_cases.BLOCK, 8), (sync_cases.PERMIT, 8),
                          (sync_cases.ENERGISE, 6), (sync_cases.SETTLE, 4)):
        chosen += [Item(SEED, family, k) for k in range(count)]
    return sync.run(chosen, False, 1, None)


def test_the_firmware_reaches_the_goals(played):
    found = sync.figures(played, "rp2040")
    assert [key for key in found["goals_missed"] if key != "availability_pct"] == []
    assert found["closes"] > 50 and found["availability_pct"] > 75
    assert found["touch"]["steady"]["closes"] == 20
    assert found["touch_steady_max_deg"] < 1 and found["slip_static_err_max_mhz"] < 1


def test_of_what_is_measured_wrong_nothing_closes_outside(played):
    faulty = sync.by_family(played)["faulty"]
    assert {row["what"] for row in faulty} == set(sync_cases.FAULTS)
    for row in faulty:
        if row["what"] in ("fuse", "swapped", "frequency", "clipped", "one phase high"):
            assert row["order_s"] is None or row["late"], row
        assert row["order_s"] is None or not row["outside"]


def test_a_dft_of_one_cycle_fails_the_estimator_s_limit():
    """At nominal reference, of ab alone: what off-nominal frequency and harmonics make of it."""
    worst = 0.0
    for k in range(1, 21, 2):
        case = sync_cases.case(SEED, sync_cases.ESTIMATE, k)
        codes = bay_batch.played(case.world, 0.4, bay_codes.RP2040, np.random.default_rng(k))
        for end in range(800, 1600, 100):
            t = (np.arange(end - 80, end)) / bay_codes.RATE_HZ
            deg = []
            for channel in (0, 2):
                at = t + channel * bay_codes.SLOT_S
                x = codes[end - 80:end, channel] - 2048.0
                deg.append(np.degrees(np.angle(np.sum(x * np.exp(-2j * math.pi * 50 * at)))))
            middle = t.mean() + bay_codes.SLOT_S
            worst = max(worst, abs(wrapped(deg[1] - deg[0] - case.world.deg(middle))))
    assert worst > 5 * sync.GOALS["rp2040"]["angle_err_max_deg"]


def test_closing_at_the_window_without_a_lead_angle_fails_the_touch(vm):
    """As soon as the angle is inside 10 degrees and slip and voltage are: no prediction."""
    touch = []
    for k in range(20):
        item = Item(SEED, sync_cases.STEADY, k)
        world, q, t = sync_play.example(item)
        good = ((np.abs(q[:, bay.DD]) < 1000) & (np.abs(q[:, bay.SLIP]) < 500_000)
                & (np.abs(q[:, bay.U2] - q[:, bay.U1]) < 500) & (t > sync_cases.ASK_S))
        if good.any():
            touch.append(abs(float(world.deg(t[good.argmax()] + sync_cases.CLOSE_S))))
    assert len(touch) == 20
    assert np.percentile(touch, 50) > 2         # of the firmware: 0.1


def test_without_the_prediction_s_gates_worse_closes_are_given(played):
    """The check mode without its angle gates closes anywhere."""
    plain = sync.by_family(played)["check"]
    bare = rows(sync_cases.CHECK, 20, blind=synccheck.GATE_ANGLE | synccheck.GATE_TOUCH)
    worse = [row for row in bare if row["order_s"] is not None and row["outside"]]
    assert worse and not any(row.get("outside") for row in plain)


def test_a_gate_that_refused_alone_is_played_again_without_it(played):
    found = sync.figures(played, "rp2040")["gates"]
    assert set(found) == set(sync.gate_names().values())
    tried = {name: one for name, one in found.items() if one["played_without"]}
    assert {"du", "angle", "slip", "slipt"} <= set(tried)
    for one in tried.values():
        assert one["played_without"] <= one["alone_cases"]
    assert found["du"]["closes_changed"] > 0


def test_both_pythons_say_the_same(vm):
    for family in (sync_cases.ESTIMATE, sync_cases.STRESS, sync_cases.CHECK, sync_cases.FAULTY):
        assert play(Item(SEED, family, 1, twin=True))["same"], family


def test_both_pythons_say_the_same_of_a_frozen_channel(vm):
    """Whose angle turns by a quarter each tick: no slip of the second estimator leaves 32 bits."""
    item = Item(1, sync_cases.FAULTY, 2, "esp32")
    case = sync_cases.case(1, sync_cases.FAULTY, 2)
    assert case.what == "frozen"
    codes = sync_play._codes(item, case)[:2000]
    given = sync_play._given(item)
    here = bay_batch.Here(given).rows(codes)
    assert (bay_batch.of_process(json.dumps(given)).rows(codes) == here).all()


def test_a_measured_converter_is_learned_and_calibrated(vm, tmp_path):
    made = adc.made_chip(3)
    file = tmp_path / "chip.npz"
    np.savez(file, sum_a=made.sum_a, sum_b=made.sum_b)
    got = rows(sync_cases.ESTIMATE, 3, curve=str(file))
    assert max(row["u_pct"] for row in got) < 0.3 and max(row["angle_deg"] for row in got) < 0.2
    assert abs(sync_play.front_of("rp2040", str(file)).gain - 1) > 0.001


def test_a_twin_that_differs_is_counted(vm):
    row = {"case": "check 0 twin", "same": False}
    rest = rows(sync_cases.BLOCK, 1)
    assert "twin_mismatches" in sync.figures([row, *rest], "rp2040")["goals_missed"]


def test_the_judge_knows_inside_outside_and_late():
    world = TwoSided(Side(), Side(f_hz=50.4, angle_deg=-0.4 * 360))     # 0 degrees at 1 s
    good = sync_judge.judge(world, AIMED, 0.94, 0.0)
    assert abs(good.touch_deg) < 1e-6 and not good.outside and not good.late
    assert sync_judge.judge(world, AIMED, 1.04, 0.0).outside == "touch"
    fast = TwoSided(Side(), Side(f_hz=50.55, angle_deg=-0.55 * 360))
    assert sync_judge.judge(fast, AIMED, 0.94, 0.0).outside == "slip"
    low = TwoSided(Side(), Side(u_pu=0.94))
    assert sync_judge.judge(low, AIMED, 0.94, 0.0).outside == "voltage"
    # a check mode wants the present angle inside as well: 11.5 degrees before
    slow = TwoSided(Side(), Side(f_hz=50.4, angle_deg=-0.4 * 360 - 9))
    assert sync_judge.judge(slow, CHECKED._replace(slip_hz=0.5), 0.94, 0.0).outside == "angle"
    # and the prediction: -8 degrees now, -12.3 at the touch
    gone = TwoSided(Side(), Side(f_hz=49.8, angle_deg=0.2 * 360 * 0.94 - 8))
    assert sync_judge.judge(gone, CHECKED._replace(slip_hz=0.5), 0.94, 0.0).outside == ""
    late = sync_judge.judge(gone, CHECKED._replace(slip_hz=0.5), 0.97, 0.0)
    assert late.outside == "touch" and late.touch_deg < -14
    for at, late, outside in ((0.85, False, "touch"), (0.93, True, ""), (0.99, True, "")):
        jumped = TwoSided(Side(jumps=((at, 30.0),)), world.two)
        close = sync_judge.judge(jumped, AIMED, 0.94, 0.0)
        assert (close.late, close.outside) == (late, outside), at
        assert abs(close.touch_deg + 30) < 1e-6


def test_the_oracle_closes_at_the_first_moment_that_it_may():
    world = TwoSided(Side(), Side(f_hz=50.4, angle_deg=-0.4 * 360))
    assert abs(sync_judge.oracle(world, AIMED, 0.3, 3.0) - 0.94) < 0.006
    assert abs(sync_judge.oracle(world, AIMED, 1.0, 3.9) - 3.44) < 0.006    # the next time
    assert sync_judge.oracle(world, AIMED, 1.0, 3.0) is None
    assert sync_judge.oracle(world, CHECKED, 0.3, 3.0) is None              # slip
    near = TwoSided(Side(on_s=0.5), Side(f_hz=50.01))
    assert abs(sync_judge.oracle(near, CHECKED, 0.3, 3.0) - 0.595) < 0.006  # 100 ms of dwell
    assert sync_judge.oracle(TwoSided(Side(), Side(u_pu=0.9)), AIMED, 0.3, 3.0) is None


def test_the_settings_are_those_of_the_study_s_constants():
    for given, angle, du, slip in ((sync_play.AIMED, None, None, sync_cases.SLIP_IN_HZ),
                                   (sync_play.CHECKED, sync_cases.ANGLE_IN_DEG,
                                    sync_cases.DU_IN_PU, None)):
        par = sync_settings.limits(given)
        for place, want in ((synccheck.V_ANGLE, angle and angle * 100),
                            (synccheck.V_DU, du and du * 1e4),
                            (synccheck.V_SLIP, slip and slip * 1e6)):
            assert want is None or par[3 * place + 1] == round(want)
    limits = sync_play.limits_of(sync_cases.STRESS)
    assert limits == AIMED and sync_play.limits_of(sync_cases.CHECK) == CHECKED


def test_the_draw_is_of_seed_family_and_number():
    for family in range(len(sync_cases.NAMES)):
        assert sync_cases.case(1, family, 3) == sync_cases.case(1, family, 3)
        assert sync_cases.case(1, family, 3) != sync_cases.case(2, family, 3)
    pct = [sum(x[1] ** 2 for x in sync_cases.case(1, 0, k).world.one.harmonics) ** 0.5
           for k in range(50)]
    assert 5 < max(pct) <= 8.0001                # EN 50160: THD of 8 %


def test_a_run_that_was_cut_is_taken_up(vm, tmp_path):
    chosen = [Item(SEED, sync_cases.CHECK, k) for k in range(6)]
    file = tmp_path / "rows.jsonl"
    whole = sync.run(chosen, False, 1, file)
    lines = file.read_text(encoding="utf-8").splitlines()
    marked = json.loads(lines[2]) | {"what": "kept"}
    file.write_text("\n".join([*lines[:2], json.dumps(marked), lines[3][:20]]), encoding="utf-8")
    again = sync.run(chosen, False, 1, file)
    assert [row["case"] for row in again] == [row["case"] for row in whole]
    assert again[1]["what"] == "kept" and again[2:] == whole[2:]


def test_phasors_stay_inside_the_p_class(vm):
    some = [test for test in phasor.tests(False) if test.kind != "harmonics" or test.x in (2, 50)]
    got = [phasor.errors(test, phasor.played(test.side, test.seconds, "rp2040", (SEED, n)))
           for n, test in enumerate(some)]
    got += [phasor.step(what, "rp2040", SEED) for what in ("magnitude +10 %", "angle +10 deg")]
    found = phasor.figures(got, "rp2040")
    assert found["goals_missed"] == []
    assert found["tve_max_pct"] < 0.2 and 10 < found["step_ms"] < 40
    # a stamp that is 1 ms wrong is seen: 0.6 % at 1 Hz off nominal
    test = next(one for one in some if one.kind == "frequency" and one.x == 48.0)
    late = phasor.played(test.side, test.seconds, "rp2040", (SEED, 0))
    late = late._replace(t=late.t + 0.001)
    assert phasor.errors(test, late).tve_pct > 1


def test_the_commands(vm, tmp_path, monkeypatch):
    monkeypatch.setattr(sync, "_TRIALS_LEAST", 10)
    monkeypatch.setattr(sync, "_TIMED_LEAST", 4)
    monkeypatch.setattr(sync, "_TWINS", 4)
    monkeypatch.setattr(sync, "AVAILABLE_PCT", 0.0)
    run = CliRunner().invoke
    out = tmp_path / "sync.json"
    done = run(app, ["study", "sync", "--scenarios", "24", "--jobs", "1", "--json", str(out),
                     "--report", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text(encoding="utf-8"))
    for key in ("angle_err_max_deg", "slip_static_err_max_mhz", "slip_touch_err_max_mhz",
                "u_err_max_pct", "closes", "touch_p50_deg", "touch_p99_deg", "touch_max_deg",
                "outside_limits", "availability_pct", "twin_mismatches", "block_ms_max",
                "permit_ms_max", "permit_energise_ms_max"):
        assert figures[key] is not None, key
    assert figures["twin_mismatches"] == 0 and figures["twin_scenarios"] == 4
    made = {file.name for file in (tmp_path / "report").iterdir()}
    assert {"sync.html", "sync-touch.png", "sync-errors.png", "sync-example.png",
            "sync-gates.csv"} <= made
    monkeypatch.setitem(sync.GOALS["rp2040"], "touch_max_deg", 0.0)
    done = run(app, ["study", "sync", "--scenarios", "24", "--jobs", "1"])
    assert done.exit_code == 1 and "E187 study sync: touch_max_deg = " in done.output
    done = run(app, ["study", "sync", "--curve", str(tmp_path / "none.npz")])
    assert done.exit_code == 2 and "E150" in done.output
