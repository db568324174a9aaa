"""The day study of balancing: what it reports is what the grid does, and nobody looks ahead."""
import json
import os
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from host_sim.study import balancing, street_day
from host_sim.study.decisions import ByLosses, ByUnbalance, best_static, descend
from host_sim.study.street_day import HOUR, MINUTES, Feeder
from host_sim.world.grid import synthetic
from host_sim.world.grid.network import GridError
from slvg.cli import app

RULES = {"ui": ByUnbalance, "loss": lambda feeder: ByLosses(feeder, balancing.MOVES_ALL)}


def shared_feeder():
    root = Path(os.environ.get("SLVG_SHARED") or Path(__file__).parents[3] / "shared")
    folder = root / "data" / "euro_lv"
    if not folder.is_dir():
        pytest.skip("no reference feeder")
    return folder


@pytest.fixture(scope="module")
def street():
    return street_day.made_up(1, 1)


@pytest.fixture(scope="module")
def studied(street):
    return balancing.study(street)


@pytest.mark.parametrize("rule", RULES)
def test_what_comes_later_changes_no_earlier_decision(rule):
    feeder = street_day.made_up(2, 2)
    whole = balancing.play(feeder, RULES[rule](feeder)).moves
    assert len(whole) > 20
    for hour in range(1, 48, 4):
        other = feeder.profiles.copy()
        other[hour * HOUR:] = np.roll(other[hour * HOUR:], 7, axis=1) * 3
        feeder.take(other)
        changed = balancing.play(feeder, RULES[rule](feeder)).moves
        upto = [[m for m in moves if m[0] <= hour * HOUR] for moves in (whole, changed)]
        assert upto[0] == upto[1], hour
        assert hour > 24 or whole != changed
    assert all(minute % HOUR == 0 and minute > 0 for minute, *_ in whole)


@pytest.mark.parametrize("rule", RULES)
def test_no_customer_and_no_day_has_more_moves_than_allowed(rule):
    feeder = street_day.made_up(3, 2)
    one = balancing.play(feeder, RULES[rule](feeder))
    for day in range(2):
        moved = [k for minute, k, *_ in one.moves if minute // MINUTES == day]
        assert 0 < len(moved) <= balancing.MOVES_ALL
        assert np.bincount(moved).max() <= balancing.MOVES_EACH


def test_a_rule_that_wants_too_much_is_held_back(street):
    restless = balancing.play(street, lambda minute, now, free: [(0, (now[0] + 1) % 3)])
    assert len(restless.moves) == balancing.MOVES_EACH
    greedy = balancing.play(street, lambda minute, now, free: [
        (k, (now[k] + 1) % 3) for k in range(len(now))], most=7)
    assert len(greedy.moves) == 7


def test_the_moves_are_what_the_flow_is_of(street, studied):
    one = studied[1]["loss"]
    now = street.home.copy()
    for h, hour in enumerate(one.hours):
        for minute, k, was, to in one.moves:
            if minute == h * HOUR:
                assert now[k] == was
                now[k] = to
        assert (hour == now).all()
    assert np.allclose(street.flow(one.hours).losses_w, one.flow.losses_w)


def test_flow_against_the_engine_one_by_one(street):
    flow = street.flow([street.home] * 24)
    for minute in (0, 494, 1439):
        at = street.ports[np.arange(55), street.home]
        state = street.engine.solve(street.e, at, street.s[minute])
        assert abs(flow.losses_w[minute] - state.losses_va.real) < 1e-3
        assert abs(flow.neutral_a[minute] - abs(state.i_src.sum())) < 1e-6
        a = np.exp(2j * np.pi / 3)
        vuf = []
        for bus in [street.network.lv_bus, *(load.bus for load in street.network.loads)]:
            u = [state.u[street.engine.index[bus, ph, "N"]] for ph in "ABC"]
            vuf.append(100 * abs(u[0] + a * a * u[1] + a * u[2]) / abs(
                u[0] + a * u[1] + a * a * u[2]))
        assert abs(flow.vuf_post_pct[minute] - vuf[0]) < 1e-6
        assert abs(flow.vuf_worst_pct[minute] - max(vuf[1:])) < 1e-6


def test_the_estimate_of_a_move_is_what_the_move_saves(street):
    minute = slice(494, 495)
    free = np.ones(55, bool)
    before = street.solve(minute, street.home).losses_va.real[0]
    now, moves = descend(street, street.s[minute], street.home, free, 0.0, 1)
    best = min(
        (street.solve(minute, np.where(np.arange(55) == k, ph, street.home)).losses_va.real[0], k,
         ph) for k in range(55) for ph in range(3))
    assert moves == [(best[1], best[2])] and best[0] < 0.8 * before
    kept, none = descend(street, street.s[minute], now, ~free, 0.0, 5)
    assert none == [] and (kept == now).all()


def test_hindsight_is_a_bound_for_what_stays_as_it_is(street, studied):
    figures, played = studied
    assert figures["hindsight_static_losses_pct"] < figures["losses_pct"] < 0
    best = best_static(street, 2)
    r = np.random.default_rng(5)
    for _ in range(10):
        other = best.copy()
        other[r.integers(55)] = r.integers(3)
        assert street.flow([other] * 24).kwh >= street.flow([best] * 24).kwh - 2e-4


def test_the_figures_say_what_was_reached(studied):
    figures, played = studied
    assert figures["losses_pct"] <= -7 and figures["moves"] <= 40
    rules = figures["rules"]
    assert rules["none"]["moves"] == 0 and rules["none"]["losses_pct"] == 0
    assert rules["loss"]["losses_pct"] < rules["ui"]["losses_pct"] < 0
    assert rules["loss"]["neutral_a_rms"] < rules["none"]["neutral_a_rms"]
    assert figures["snapshot"]["moves_1_pct_of_this_minute"] < -10
    assert "deals" not in figures


def test_the_reference_feeder_saves_seven_percent_with_forty_moves():
    """Its snapshot gain, -37 % with one switch, is no gain of a day."""
    figures, _ = balancing.study(street_day.from_folder(shared_feeder(), None), deals=3)
    assert figures["losses_pct"] <= -7 and figures["moves"] <= 40
    snapshot = figures["snapshot"]
    assert snapshot["minute"] == 566 and snapshot["losses_w"] == 2050.2
    assert -38 < snapshot["moves_1_pct_of_this_minute"] < -36
    assert figures["deals"]["deals"] == 3


def test_another_deal_is_another_day_and_leaves_no_trace(street):
    before = street.s.copy()
    figures, _ = balancing.study(street, deals=2)
    assert (street.s == before).all()
    deals = figures["deals"]["loss"]
    assert deals["losses_pct_best"] != deals["losses_pct_worst"]


def test_bad_input_is_named():
    network = synthetic.feeder(5, 1)
    day = synthetic.day(5, 1)
    for profiles, code in ((day[:100], "E371"), (day[:, :3], "E372")):
        with pytest.raises(GridError) as e:
            Feeder(network, profiles)
        assert e.value.code == code
    with pytest.raises(GridError) as e:
        street_day.from_folder(shared_feeder(), 2)
    assert e.value.code == "E374"


def test_the_command(tmp_path):
    files = [str(tmp_path / name) for name in ("b.json", "b.png")]
    done = CliRunner().invoke(app, ["study", "balancing", "--deals", "0", "--json", files[0],
                                    "--plot", files[1]])
    assert done.exit_code == 0, done.output
    assert json.loads(Path(files[0]).read_text())["losses_pct"] < 0
    assert Path(files[1]).stat().st_size > 10_000
    done = CliRunner().invoke(app, ["study", "balancing", "--feeder", str(tmp_path)])
    assert done.exit_code == 2 and "E341" in done.output
