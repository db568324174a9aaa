"""slvg study policy: the model of sky and load, the dynamic programme, the file, its earnings."""
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from acu.functions import policy_table
from host_sim.board.dispatch_rig import reader
from host_sim.scenario.complaints import InputError
from host_sim.study import microgrid, policy, policy_file, policy_sdp
from host_sim.study.microgrid_profiles import read, synthetic
from host_sim.study.policy_climate import SKY, Climate
from host_sim.study.policy_reduce import Shape, reduced
from host_sim.world.microgrid import PlantSpec, StoreSpec
from slvg.cli import app
from tests.host.policy_kit import PLANT, made_up

DATA = Path(__file__).parents[2] / "../shared/data/microgrid"
SPEC = PlantSpec()


@pytest.fixture(scope="module")
def found():
    """What the dynamic programme found, before it is brought into the form of a table."""
    return []


@pytest.fixture(scope="module")
def made(found):
    """From the first of two made-up years; the second is held out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy, "reduced", lambda *a, **k: found.append(a) or reduced(*a, **k))
        return policy.make(synthetic(2, 7), SPEC, (1,), policy.sdp, 2)


def test_the_table_beats_rule_and_naive_in_a_year_that_it_never_saw(made):
    told = made.figures()
    assert told["heldout_eur"] < 0.93 * told["rule_heldout_eur"] < 0.75 * told["naive_heldout_eur"]
    assert told["table_bytes"] == len(made.raw) <= policy_file.MAX_BYTES
    assert made.played.answered == 2 * 8760          # by the table itself, each hour
    assert abs(told["train_eur"] + told["heldout_eur"] - told["total_eur"]) < 0.02


def test_a_table_of_a_wrong_plan_earns_less(made):
    """The same values half a day away: it is the plan that earns it, not the fallback."""
    values = replace(made.values, slopes=np.roll(made.values.slopes, 12, axis=1))
    raw = policy_file.pack(SPEC, values)
    wrong = microgrid.play(synthetic(2, 7), policy=microgrid.table(raw))
    assert wrong.total_eur > 1.15 * made.played.total_eur


def test_energy_is_worth_less_the_more_there_is(made):
    assert (np.diff(made.values.slopes, axis=-1) <= 0).all()
    assert (np.diff(made.values.prices, axis=-1) <= 0.01).all()
    dark, clear = made.values.slopes[3, 9, 1, 0, 0], made.values.slopes[3, 9, 1, 0, -1]
    assert (clear <= dark).all() and clear.mean() < 0.6 * dark.mean()


def test_the_decision_in_closed_form_is_the_cheapest():
    costs = policy_sdp.Costs.of(SPEC)
    h2 = np.linspace(-1, 1, 401)[:, None]
    die = np.linspace(0, 1, 401)[None, :]
    for price in (0.0, 0.1, 0.25, 0.4, 0.6):
        for need in (-3.0, -0.9, -0.2, 0.0, 0.05, 0.4, 0.8, 1.7, 2.6):
            cost, d, h = costs.cover(np.array([need]), price)
            missing = np.maximum(need - h2 - die, 0)
            grid = (costs.running(die) + missing
                    + np.where(h2 > 0, h2 * price / costs.h_zeta, h2 * price * costs.h_eta))
            assert cost[0] <= grid.min() + 1e-3, (price, need)
            assert -1 <= h[0] <= 1 and 0 <= d[0] <= 1


def test_the_model_of_the_sky_is_a_chain_and_knows_the_seasons():
    one = synthetic(1, 3)
    climate = Climate.of(one.pv_mw / 1e6, one.load_mw / 1e6)
    passes = climate.passes(180)
    assert passes.shape == (24, len(SKY), len(SKY))
    assert np.allclose(passes.sum(2), 1) and (passes >= 0).all()
    assert passes[12, -1] @ SKY > passes[12, 0] @ SKY + 0.3      # it stays as it is, mostly
    assert np.array_equal(passes[1], np.eye(len(SKY)))           # at night there is nothing to see
    assert climate.clear_kw[180].sum() > 1.5 * climate.clear_kw[0].sum()
    assert abs(climate.chances.sum() - 1) < 1e-9
    assert climate.factors[0] < 0.8 and climate.factors[-1] > 1.2


def test_a_file_is_read_back_as_it_was_written():
    values = made_up()
    raw = policy_file.pack(PLANT, values)
    assert policy_table.unfit(PLANT, reader(raw)) == ""
    one = policy_table.Table(PLANT, reader(raw))
    one._turn(1_388_534_400 // 3600 + 24 * 23 + 18)      # the middle of the first of 8 seasons
    got = np.array(one._block[10:]).reshape(3, 2, 3, 4) * 40e-4 / 256
    assert np.abs(got - values.slopes[0, 18]).max() < 0.004


def test_values_that_make_no_table_are_named():
    values = made_up()
    negative, hole = values.slopes.copy(), values.prices.copy()
    negative[0], hole[3, 3] = -1, np.nan
    for wrong, word in ((replace(values, slopes=negative), "slopes holds"),
                        (replace(values, prices=hole), "prices holds"),
                        (replace(values, prices=values.prices[:5]), "prices are"),
                        (replace(values, clear_kw=values.clear_kw[:, :9]), "clear_kw is"),
                        (replace(values, slopes=values.slopes[:, :, :2]), "slopes are"),
                        (replace(values, h_nodes=(0.5, 0.4, 0.9)), "must rise"),
                        (made_up(seasons=24), "bytes, at most 16384")):
        with pytest.raises(policy_file.PolicyError, match=word) as e:
            policy_file.pack(PLANT, wrong)
        assert str(e.value)[:4] in ("E424", "E425")


def test_other_shapes_are_the_researchers_choice(made, found):
    climate, costs, slopes, levels, prices, _ = found[0]
    small = policy.make(synthetic(1, 7), SPEC, (1,), lambda *_: reduced(
        climate, costs, slopes, levels, prices, Shape(4, 3)))
    assert len(small.raw) < 6500 < len(made.raw)
    assert small.figures()["train_eur"] < 0.8 * small.figures()["naive_train_eur"]
    assert small.figures()["heldout_eur"] is None


def run(*words):
    return CliRunner().invoke(app, ["study", "policy", *map(str, words)])


def test_bad_words_are_named_with_their_remedy(tmp_path):
    operator = tmp_path / "operator.json"
    operator.write_text(json.dumps({"id": "a", "role": "operator", "sc": "s", "uc": "u"}))
    for words, code in ((("--train", "4"), "E428"), (("--train", "x"), "E428"),
                        (("--method", "nix"), "E427"), (("--method", "os:nix"), "E427"),
                        (("--settings", operator), "E429"), (("--data", tmp_path / "no"), "E411"),
                        (("--out", tmp_path / "no" / "file"), "E132")):
        done = run(*words)
        assert done.exit_code == 2 and code in done.output, (words, done.output)


def test_a_plant_without_stores_has_no_table():
    spec = PlantSpec(battery=StoreSpec(0, 0, 950, 950))
    with pytest.raises(InputError, match="E426"):
        policy.make(synthetic(1, 1), spec, (1,), policy.sdp)


def somebodys(pv_kw, load_kw, spec, jobs, progress):
    """A method of somebody else."""
    assert len(pv_kw) == len(load_kw) == 8760
    return made_up()


def test_another_method_is_named_as_module_and_function(tmp_path):
    out, told = tmp_path / "policy.bin", tmp_path / "told.json"
    done = run("--train", "2", "--method", "tests.host.test_study_policy:somebodys", "--out", out,
               "--json", told)
    assert done.exit_code == 0, done.output
    figures = json.loads(told.read_text())
    assert figures["table_bytes"] == len(out.read_bytes()) and figures["train"] == [2]


@pytest.mark.skipif(not DATA.exists(), reason="the data of the specification are not here")
def test_on_the_specifications_data_it_beats_the_published_network_and_the_goal():
    made = policy.make(read(DATA), SPEC, (1, 2), policy.sdp, os.cpu_count() or 1)
    told = made.figures()
    assert told["naive_total_eur"] == 3974.43
    assert told["total_eur"] <= 2700 and told["heldout_eur"] <= 900
    assert told["rule_total_eur"] <= 2958 and told["rule_heldout_eur"] <= 1000


def test_never_dearer_than_naive_whatever_it_was_not_made_for(made):
    one = synthetic(1, 8)
    for case in microgrid.ROBUST:
        naive = microgrid.play(one, case, keep=False)
        table = microgrid.play(one, case, microgrid.table(made.raw), keep=False)
        assert table.corrected_eur < 0.95 * naive.corrected_eur, case.name
        if "12 h" in case.name:           # the clock is found wrong, and the rule decides
            rule = microgrid.play(one, case, microgrid.RULE, keep=False)
            assert abs(table.corrected_eur - rule.corrected_eur) < 0.01 * rule.corrected_eur
            assert table.answered < 100
