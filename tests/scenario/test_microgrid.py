"""Scenarios of a dispatching ACU: an island of PV, stores, diesel set and load, through the whole
firmware.

Golden logs: golden.py. In MicroPython the same logs come: tests/vm/test_microgrid_on_vm.py."""
import json
from dataclasses import replace
from functools import cache

import pytest
from typer.testing import CliRunner

from acu import messages
from host_sim.scenario import load, microgrid_plan, microgrid_run
from host_sim.scenario.complaints import InputError
from host_sim.scenario.microgrid_figures import check, figures
from host_sim.waveform.island_front import IslandFront
from host_sim.world.island import CONTACTS, DEVICES, Island
from host_sim.world.microgrid import PlantSpec, StoreSpec
from host_sim.world.spec import FrontEndSpec
from slvg.cli import app
from tests.scenario.golden import is_golden

NAMES = [name for name in load.scenario_names() if microgrid_plan.is_one(name)]
QUIET = """kind = "microgrid"
title = "Nothing happens"
run_s = 30
[profile]
pv_w = [1000]
load_w = [400]
"""


@cache
def played(name):
    return microgrid_run.run(microgrid_plan.read(name))


def build(text, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(text)
    return microgrid_plan.read(str(path))


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_a_scenario_expects_comes(name):
    result = played(name)
    checks = check(figures(result), result)
    assert [f"{c.name}: {c.text}" for c in checks if not c.ok] == [] and len(checks) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_the_event_log_is_the_golden_one(name):
    assert is_golden(f"{name}-seed1", played(name).event_log())


def test_there_is_a_day_and_a_list_of_faults():
    assert sorted(NAMES) == ["microgrid", "microgrid_faults"]


def test_what_it_counts_never_goes_back_not_even_over_a_restart():
    reports = [body for _, body, _ in played("microgrid_faults").reports]
    assert len(reports) > 150
    for key in ("v_Wh", "e_Wh", "d_Wh", "x_Wh", "ueur"):
        values = [body[key] for body in reports]
        assert values == sorted(values) and values[-1] > 0, key


def test_every_set_point_has_a_lease_and_no_store_is_led_both_ways_at_once():
    result = played("microgrid_faults")
    sets = [messages.decode(raw) for _, topic, raw in result.messages if topic.endswith("mg.set")]
    assert {msg["d"] for msg in sets} == set(DEVICES)
    assert {msg["b"]["lease_s"] for msg in sets} == {180}
    closed = [0] * len(CONTACTS)
    opened_us = {}
    for t_us, output, level in result.drives:
        closed[output] = int(level == 1)
        if level != 1:
            opened_us[output] = t_us
        both = CONTACTS.index("electrolyser"), CONTACTS.index("fuel_cell")
        assert not (closed[both[0]] and closed[both[1]])
        if level == 1 and output in both:
            other = both[1 - both.index(output)]
            assert t_us - opened_us.get(other, -10**9) >= 1_000_000


def test_a_whole_day_leaps_and_still_counts_every_second():
    figure = figures(played("microgrid"))
    assert figure["instants"] < 86_400 * 200 / 100      # of 5 ms each
    assert figure["with_codes"] >= 1440 * 60
    assert abs(figure["load_error_pct"]) < 0.1 and abs(figure["pv_error_pct"]) < 0.1
    assert figure["balance_kwh"] == 0


def test_same_seed_same_log_and_another_seed_other_readings():
    plan = replace(microgrid_plan.read("microgrid"), run_us=400_000_000)
    one = microgrid_run.run(plan)
    assert microgrid_run.run(plan).messages == one.messages
    assert microgrid_run.run(plan, seed=2).messages != one.messages


def test_codes_and_readings_tell_the_same_energy(tmp_path):
    """Looked at all the time, and told its readings between: the same kWh within the noise."""
    text = QUIET.replace("run_s = 30", "run_s = 240\nlook_ms = {}")
    told = []
    for look_ms in (200, 60_000):
        result = microgrid_run.run(build(text.format(look_ms), tmp_path))
        _, body, truth = result.reports[-1]
        told.append((body["v_Wh"], body["e_Wh"]))
        assert abs(body["v_Wh"] - truth[0] / 3.6e6) <= 18      # stored a minute ago at most
    assert max(abs(a - b) for a, b in zip(*told, strict=True)) <= 1 and min(told[0]) > 10


def test_without_a_link_devices_fall_back_by_themselves_and_the_diesel_set_carries_the_load(
        tmp_path):
    plan = build("""kind = "microgrid"
title = "Nothing in the stores, and no link"
run_s = 400
[config]
mg_lease_s = 30
[devices]
battery_pct = 0
hydrogen_pct = 0
[profile]
pv_w = [0]
load_w = [800]
[[event]]
at_s = 100.0
link_lost = 290
""", tmp_path)
    result = microgrid_run.run(plan)
    flow = result.island.flow
    assert flow["diesel"] == flow["load"] == 800_000 and flow["hydrogen"] == 0
    assert result.event_log().count("MG_STORE store=1 state=2") == 1


def test_the_console_tells_who_delivers_what(tmp_path):
    plan = build(QUIET + """
[[event]]
at_s = 5.0
console = ["ACC", "MG", "CMG", "MET", "EXP MG_STORE"]
[expect]
says = ["decided by", "battery charge", " s ago"]
""", tmp_path)
    result = microgrid_run.run(plan)
    checks = check(figures(result), result)
    assert [c.text for c in checks if not c.ok] == []
    assert "U_PV" not in result.console and "P_PV" in result.console
    assert "impossible charge" in result.console and '"decided by","naive"' in result.console


@pytest.mark.parametrize(("change", "code", "word"), [
    ("[config]\nmg_step_s = 0\n", "E107", "mg_step_s"),
    ("[config]\nmg_stpe_s = 60\n", "E101", "mg_st"),
    ("[config]\nmg_b_res_mwh = 3000000\n", "E196", "mg_b_mwh"),
    ("[config]\nmg_idle_s = 4\n", "E197", "mg_hold_s"),
    ("[config]\nmg_retry_s = 20\n", "E198", "mg_start_s"),
    ("[config]\nmg_battery = \"b\"\n", "E121", "follows"),
    ("[config]\nmg_policy = \"best\"\n", "E105", "naive"),
    ("[devices]\nbattery_pct = 101\n", "E123", "battery_pct"),
    ("[front_end]\njitter_ns = 5.0\n", "E127", "jitter_ns"),
    ("[[event]]\nat_s = 1.0\n", "E127", "exactly one thing"),
    ("[[event]]\nat_s = 1.0\nfreeze = { channel = \"i\", for_s = 3 }\n", "E125", "i_pv"),
    ("[[event]]\nat_s = 1.0\nsilent = { device = \"pump\", for_s = 3 }\n", "E125", "battery"),
    ("[expect]\npv_kwh = [2, 1]\n", "E127", "can never hold"),
])
def test_what_is_wrong_with_a_file_is_said_by_name(change, code, word, tmp_path):
    with pytest.raises(InputError) as e:
        build(QUIET + change, tmp_path)
    assert e.value.code == code and word in e.value.text and "x.toml" in e.value.text


@pytest.mark.parametrize(("old", "new", "word"), [
    ("pv_w = [1000]", "pv_w = [1000, 2]", "same number"),
    ("pv_w = [1000]", "pv_w = [-1]", "0 to 100000 W"),
    ("pv_w = [1000]", "pv_w = [nan]", "nan"),
    ("[profile]", "board = \"pico_w_meter\"\n[profile]", "pico_w_microgrid"),
    ("[profile]", "board = \"pico_w_micro\"\n[profile]", "pico_w_microgrid"),
])
def test_a_wrong_profile_or_board_is_refused(old, new, word, tmp_path):
    with pytest.raises(InputError) as e:
        build(QUIET.replace(old, new), tmp_path)
    assert word in e.value.text


def test_the_command_plays_plots_and_writes(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(QUIET + "\n[expect]\nload_kwh = [0.003, 0.004]\n")
    out = tmp_path / "out.json"
    words = ["sim", str(path), "--json", str(out), "--plot", str(tmp_path / "p.png"),
             "--log", str(tmp_path / "x.log")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert told["ok"] and len(told["event_log_sha256"]) == 64
    assert "".join(one["line"] + "\n" for one in told["log"]) == (tmp_path / "x.log").read_text()
    assert (tmp_path / "p.png").stat().st_size > 10_000 and "PASS" in done.output
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0
    path.write_text(path.read_text().replace("[0.003, 0.004]", "[1, 2]"))
    failed = CliRunner().invoke(app, ["sim", str(path), "-q"])
    assert failed.exit_code == 1 and "E140 mine: expectation load_kwh" in failed.output
    assert CliRunner().invoke(app, ["sim", str(path), "--jobs", "2"]).exit_code == 2


# -- the island itself

def island(pv_w=0, load_w=0, battery_mwh=1_000_000, hydrogen_mwh=1_000_000):
    spec = PlantSpec(StoreSpec(2_900_000, 2_900_000, 950, 950, battery_mwh),
                     StoreSpec(1_000_000, 5_000_000, 650, 650, hydrogen_mwh))
    one = Island(spec, lambda s: pv_w * 1000, lambda s: load_w * 1000, 5)
    one.drive(CONTACTS.index("battery"), True)
    return one


def test_the_battery_takes_the_balance_and_nothing_without_its_contact():
    one = island(1000, 700)
    one.step()
    assert one.flow["battery"] == -300_000 and one.flow["cur"] == 0
    one.drive(CONTACTS.index("battery"), False)
    one.step()
    assert one.flow["battery"] == 0 and one.flow["cur"] == 300_000 and one.told("pv")["lim"] == 1


def test_the_fuel_cell_obeys_contact_and_lease_and_gives_more_when_the_battery_is_empty():
    one = island(0, 900, battery_mwh=0)
    one.point("hydrogen", 1, 500_000, 3_000_000)
    one.step()
    assert one.flow["hydrogen"] == 0 and one.flow["pns"] == 900_000 and one.told("load")["lim"]
    one.drive(CONTACTS.index("fuel_cell"), True)
    one.step()
    assert one.flow["hydrogen"] == 900_000 and one.flow["pns"] == 0
    for _ in range(2):
        one.step()
    assert one.flow["hydrogen"] == 0 and one.flow["pns"] == 900_000      # the lease is over
    one.point("hydrogen", 1, 500_000, 10**9)
    one.gas = True
    one.step()
    assert one.flow["hydrogen"] == 0 and one.told("hydrogen")["ok"] == 0


def test_the_diesel_set_turns_some_seconds_after_its_contact_and_stops_with_it():
    one = island(0, 1500, battery_mwh=0)
    one.drive(0, True)
    turned = []
    for _ in range(8):
        one.step()
        turned.append(one.runs)
    assert turned == [False] * 5 + [True] * 3 and one.flow["diesel"] == 1_000_000
    assert one.flow["pns"] == 500_000 and one.levels() == [1, 0, 1, 0]
    one.drive(0, False)
    one.step()
    assert not one.runs and one.flow["diesel"] == 0
    one.no_start = True
    one.drive(0, True)
    for _ in range(20):
        one.step()
    assert not one.runs


def test_a_ceiling_and_a_shed_load_are_obeyed_and_counted():
    one = island(3000, 1000, battery_mwh=2_900_000)
    one.point("pv", 1, 400_000, 10**9)
    one.point("load", 1, 300_000, 10**9)
    one.step()
    assert one.flow["pv"] == 400_000 and one.flow["cur"] == 2_600_000
    assert one.flow["load"] == 700_000 and one.flow["pns"] == 300_000
    assert one.flow["battery"] == 300_000


def test_codes_are_the_same_however_far_ahead_they_are_made():
    board = microgrid_plan.read("microgrid").board

    def codes(ahead_us):
        front = IslandFront("mg", board, 3, FrontEndSpec(), 0.95)
        front.learn(0, 2_000_000, 900_000, 0)
        front.look(0)
        return [front.codes(5000 * k, ahead_us) for k in range(1, 40)]
    assert codes(0) == codes(10**9)
