"""The district of Lahsh: four reclosers, four machines, one fault, from samples to breakers.

Inside MicroPython, where four controllers cost a third of what they cost here; that CPython's log
is the same to the byte is a test of its own. Golden logs: golden.py, rewritten from there.
"""
import json
from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

from acu import messages
from host_sim.comtrade.read import read
from host_sim.scenario import captures, district_plan, district_run, load, reading
from host_sim.scenario.complaints import InputError
from host_sim.scenario.controllers import controllers
from host_sim.scenario.district_figures import check, figures, timeline
from host_sim.waveform.district_block import DistrictBlocks
from slvg.cli import app
from tests.scenario.golden import golden, is_golden

NAMES = ("lahsh20", "lahsh60", "lahsh100")
pytestmark = pytest.mark.usefixtures("vm")


def plan_of(name="lahsh20", variant="", run_s=None, **tables):
    """A scenario's plan with other tables at its top, and its events."""
    path = load.find(name)
    given = reading.read_toml(path)
    if run_s is not None:
        given["run_s"] = run_s
    for key, value in tables.items():
        given[key] = value
    return district_plan.build(given, path, variant)


@cache
def whole(name):
    return district_run.run(plan_of(name), vm=True)


def played(name="lahsh20", variant="", **changes):
    """With a short lead-in, that is still enough for clocks and for the lead's table."""
    return district_run.run(plan_of(name, variant, **{"lead_in_s": 2.0} | changes), vm=True)


def at(s, **what):
    return {"at_s": s} | what


def said(result, text):
    return [line for _, line in result.events if text in line]


def moves(result, recloser, closed):
    return [m.t_s for m in result.kept.moves if m.recloser == recloser and m.closed == closed]


# -- the three cases

@pytest.mark.parametrize("name", NAMES)
def test_everything_that_a_scenario_expects_comes(name):
    result = whole(name)
    checks = check(figures(result), result)
    assert [f"{c.name}: {c.text}" for c in checks if not c.ok] == [] and len(checks) >= 25


@pytest.mark.parametrize("name", NAMES)
def test_the_merged_event_log_is_the_golden_one(name):
    assert is_golden(f"{name}-seed1", whole(name).event_log())


@pytest.mark.parametrize(("name", "until_s"), [("lahsh20", 2.4), ("lahsh100", 5.2)])
def test_cpython_gives_the_same_log_messages_and_moves(name, until_s):
    """To just after C, which every duty has had its part in."""
    here = district_run.run(plan_of(name, run_s=until_s))
    there = whole(name)
    assert here.python == "cpython" and there.python == "vm"
    last_us = round(until_s * 1e6)
    assert here.events == [one for one in there.events if one[0] <= last_us]
    assert here.messages == [one for one in there.messages if one[0] <= last_us]
    assert here.kept.moves == [one for one in there.kept.moves if one.t_s <= until_s]
    assert len(here.events) > 20 and len(here.kept.moves) >= 3
    assert golden(f"{name}-seed1").startswith(here.event_log())


def test_another_seed_is_another_run_that_ends_alike():
    other = district_run.run(plan_of("lahsh60", run_s=2.4), vm=True, seed=2)
    assert not whole("lahsh60").event_log().startswith(other.event_log())
    one, two = (timeline(result) for result in (other, whole("lahsh60")))
    assert all(one[mark] == pytest.approx(two[mark], abs=0.02) for mark in ("A", "A_r3", "C"))


def test_each_closing_leaves_a_record_of_eight_channels(tmp_path):
    """R1 with R2: what both sides show comes together, as it does for the recloser alone."""
    result = whole("lahsh20")
    for name, wanted in (("r1", 2), ("r2", 2), ("r3", 1), ("r4", 0)):
        paths, damaged = captures.export(tmp_path, "lahsh20", name, "", result.captures[name])
        assert (len(paths), damaged) == (wanted, 0)
    record = read(tmp_path / "r1-0002.cfg")
    assert [c.name for c in record.channels] == [name for name, _, _ in captures.RECLOSER]
    touch = next(m for m in result.kept.moves if m.recloser == "r1" and m.closed)
    t = record.time_s
    turn = np.exp(-2j * np.pi * 50 * t)
    one, two = (np.array(record.channels[k].values) * turn for k in (0, 2))
    skew = 2 * np.pi * 50 * (record.channels[2].skew_s - record.channels[0].skew_s)

    def deg(begin_s):
        at = (t >= begin_s - 1e-9) & (t < begin_s + 0.04 - 1e-9)
        return np.degrees(np.angle(two[at].sum() / one[at].sum()) - skew)

    touch_s = record.trigger_s + touch.t_s - touch.order_s
    assert deg(touch_s - 0.06) == pytest.approx(touch.deg - 360 * touch.slip_hz * 0.04, abs=0.5)
    assert abs(deg(touch_s + 0.02)) < 0.1


# -- the same day otherwise

@pytest.mark.parametrize("name", NAMES)
def test_without_the_scheme_the_machines_fall_out_of_step(name):
    result = played(name, "no_scheme", run_s=2.2)
    assert 1.4 < result.kept.angle_90_s < result.kept.angle_180_s < 2.0
    assert result.kept.moves == [] and result.orders == [] and not result.kept.in_step


@pytest.mark.parametrize("name", NAMES)
def test_a_blind_closing_costs_twice_the_power_at_least(name):
    result = played(name, "blind", run_s=7.5)
    assert moves(result, "r1", True) == [pytest.approx(6.5, abs=0.0021)]
    assert result.kept.peak_p_pu >= 2 * whole(name).kept.peak_p_pu > 2
    assert not said(result, "SYNC_CLOSE gate=0 touch_cdeg=-")[1:]    # but R3's at the begin


@pytest.mark.parametrize("name", NAMES)
def test_pai_is_a_tenth_of_a_second_ahead_of_the_current_protection(name):
    without = played(name, "no_pai", run_s=2.0)
    assert said(without, "OPENED why=OC") and not said(without, "why=PAI")
    for recloser in ("r1", "r2"):
        (late,), (early,) = (moves(one, recloser, False) for one in (without, whole(name)))
        assert late - early >= 0.1
    assert without.kept.a_s < 2.0                     # and that is ahead of Q6


# -- faults

def test_a_stuck_breaker_fails_and_gets_no_second_order():
    result = played("lahsh60", run_s=9.3, event=[
        at(6.0, breaker={"recloser": "r1", "state": "stuck"})])
    assert said(result, "r1 ") and said(result, "STUCK") and said(result, "LOCKOUT")
    orders = [t_us for t_us, name, close in result.orders if name == "r1" and close]
    assert len(orders) == 1 and figures(result)["close_orders"]["r1"] == 1
    assert moves(result, "r1", True) == []


@pytest.mark.parametrize("contact", ["closed_52a", "open_52b"])
def test_without_one_of_its_contacts_it_gets_no_second_order_either(contact):
    result = played("lahsh60", run_s=9.3, event=[
        at(6.0, input={"recloser": "r1", "name": contact, "value": 0})])
    orders = [t_us for t_us, name, close in result.orders if name == "r1" and close]
    assert said(result, "POSITION a=0 b=0") and len(orders) == (contact == "closed_52a")
    assert len(said(result, "STUCK")) == len(said(result, "LOCKOUT")) == len(orders)


def test_no_loop_lasts_and_none_stands_in_any_of_these_runs():
    """R1, R2 and R3 closed together for less than 0.3 s, at every reconnection."""
    for name in NAMES:
        begin = None
        for row in whole(name).kept.rows:
            if all(row.closed[:3]):
                begin = row.t_s if begin is None else begin
                assert row.t_s - begin < 0.3
            else:
                begin = None


def test_a_lead_that_hears_nobody_waits_for_its_link():
    """Machines that are not asked any more hold by their droop; R1 closes once it hears again."""
    result = played(run_s=13.5, event=[
        at(3.0, link={"node": "r1", "lost": True, "for_ms": 6500})])
    (touch,) = moves(result, "r1", True)
    assert touch > 9.5 and figures(result)["trips"] == ["g1", "g2"]
    assert max(map(abs, figures(result)["close_angle_deg"])) < 10


def test_separators_need_no_link_to_separate():
    result = played(run_s=3.0, event=[
        at(0.5, link={"node": name, "lost": True}) for name in ("r1", "r2")])
    assert result.kept.a_s == pytest.approx(1.5, abs=0.01)
    assert moves(result, "r3", True) == [] and said(result, "GEN_FAIL g=-1 cause=2")


def test_a_machine_that_is_silent_is_told_off_and_the_island_waits():
    """G1 should be tripped and does not hear of it: too much power, too fast, no closing."""
    result = played(run_s=10.0, event=[at(0.0, silent={"generator": "g1"})])
    assert [name for _, name in result.kept.trips] == ["g2"] and said(result, "GEN_FAIL g=0")
    assert moves(result, "r1", True) == [] == moves(result, "r2", True)
    sets = [t_us for t_us, _, topic, _ in result.messages if topic.endswith("/g1/dn/gen.set")]
    assert len(sets) > 5


def test_messages_are_lost_and_the_day_ends_well():
    result = played("lahsh60", run_s=10.5, network={"loss_pct": 5.0})
    assert result.lost > 20 and figures(result)["trips"] == ["g3", "g4"]
    assert result.closed_end == ["r1", "r2", "r4"] and result.kept.angle_90_s is None


def test_onto_a_fault_that_stays_nobody_closes():
    result = played(run_s=7.5, district={"fault_for_s": float("inf")})
    assert [name for name, _ in result.marks] == ["fault", "B", "D", "B"]
    assert moves(result, "r1", True) == [] == moves(result, "r2", True)
    assert result.closed_end == ["r3", "r4"] and not said(result, "st=3")


def test_after_a_reset_of_the_lead_the_second_brings_the_island_back_and_the_tie_stays():
    """R1 does nothing by itself any more; R3 must not open, or bus 1 would be without supply."""
    result = played(run_s=10.5, event=[at(3.0, reboot={"recloser": "r1", "off_ms": 500})])
    assert said(result, "BOOT boots=2") and moves(result, "r1", True) == []
    assert len(moves(result, "r2", True)) == 1 and moves(result, "r3", False) == []
    assert abs(figures(result)["close_angle_deg"][0]) < 10
    assert result.closed_end == ["r2", "r3", "r4"]


def test_a_console_shows_the_scheme():
    result = played(run_s=1.3, event=[
        at(0.0, console={"recloser": "r3", "lines": ["ACC", "ISL"]})])
    assert list(result.consoles) == ["r3"] and "r1" in result.console


# -- world and bus

def test_generators_tell_and_obey_and_an_order_runs_out():
    result = whole("lahsh20")
    sets = [(t_us, messages.decode(raw)["b"]) for t_us, who, topic, raw in result.messages
            if topic.endswith("/g3/dn/gen.set")]
    assert {who for _, who, topic, _ in result.messages if topic.endswith("/gen.set")} == {"r1"}
    assert all(body["on"] == 1 for _, body in sets)
    assert sets[0][1]["isl"] == 1 and sets[0][0] < 2e6
    biased = [t_us for t_us, body in sets if body["df_mHz"]]
    assert biased and min(biased) > 5e6                  # not before Q6 has reclosed
    run = district_run.Run(plan_of(run_s=4.9, lead_in_s=2.0, event=[
        at(2.5, link={"node": "r1", "lost": True})]), vm=True)
    asked = []
    run.play(stop=lambda: asked.append(run.truth.world.machines["g3"].isl))
    # 5 ms an instant: asked from A on, for the last time just before 2.5 s, good for 2 s
    assert 1.5 < 5e-3 * asked.index(True) - 2.0 < 1.7 and not asked[-1]
    assert 4.0 < 5e-3 * (len(asked) - asked[::-1].index(True)) - 2.0 < 4.6


def test_codes_follow_what_is_switched_to_the_millisecond_and_the_slot():
    board = plan_of().board
    blocks = DistrictBlocks(board, 57.735, [20, 20, 20, 10], 1, 0.0)

    def standing(ms, f=51.0):
        u = np.exp(2j * np.pi * (f - 50) * ms / 1000)
        return [(1 + 0j, u, 0.5 * u)] * 4

    steps = [(standing(ms), standing(ms + 1)) for ms in range(40)]
    dead = [(0j, 0j, 0j)] * 4
    codes = np.concatenate([blocks.codes(5 * k, steps[5 * k:5 * k + 5]) for k in range(8)]
                           + [blocks.codes(40, [(dead, dead)] * 5)], axis=1)
    assert codes.shape == (4, 180, 8) and codes.dtype == np.dtype("<u2")
    t = np.arange(160)[:, None] / 4000 + np.arange(8) * 31.25e-6
    u, i = 100 * np.sqrt(2) / 200 * 2048, 57.735 / 20 * np.sqrt(2) / 30 * 2048
    for channel, (f, peak, deg) in enumerate([(50, u, 30), (50, u, -90), (51, u, 30), (51, u, -90),
                                              (50, 0, 0), (51, i / 2, 0), (51, i / 2, -120),
                                              (51, i / 2, 120)]):
        wave = 2048 + peak * np.cos(2 * np.pi * f * t[:, channel] + np.radians(deg))
        assert abs(codes[0, :160, channel] - wave).max() < 0.6
    assert (codes[:, 160:] == 2048).all()
    assert abs(codes[3, :160, 5].astype(int) - 2048).max() == pytest.approx(i, abs=2)


# -- files and the command

@pytest.mark.parametrize(("change", "code", "word"), [
    ({"load_pct": 200.0}, "E123", "load_pct"),
    ({"load": 20.0}, "E121", "load"),
    ({"district": {"fault_at": 1.0}}, "E541", "fault_at"),
    ({"district": {"s_mw": [0.31, 0.31, 0.12]}}, "E562", "g4"),
    ({"district": {"line2": [0.1, 1.9], "s_mw": [0.3, 0.3, 5.0, 5.0]}}, "E567", "steady state"),
    ({"district": {"tie": [0.0, 0.0]}}, "E563", "tie"),
    ({"event": [{"at_s": 1.0}]}, "E127", "exactly one thing"),
    ({"event": [{"at_s": 1.0, "trip": "g5"}]}, "E125", "g4"),
    ({"event": [{"at_s": 1.0, "link": {"node": "r5"}}]}, "E125", "r4"),
    ({"expect": {"order": ["F"]}}, "E125", "order"),
    ({"config": {"il_dutty": "lead"}}, "E101", "il_duty"),
])
def test_what_is_wrong_with_a_file_is_said_by_name(change, code, word):
    with pytest.raises(InputError) as e:
        plan_of(**change)
    assert e.value.code == code and word in e.value.text and "lahsh20.toml" in e.value.text


def test_four_reclosers_and_no_fewer():
    given = reading.read_toml(load.find("lahsh20"))
    with pytest.raises(InputError) as e:
        plan_of(recloser=given["recloser"][:3])
    assert e.value.code == "E540" and "r1, r2, r3, r4" in e.value.text


def test_the_command_plays_plots_writes_and_refuses(tmp_path):
    out = tmp_path / "out.json"
    path = tmp_path / "mine.toml"
    text = load.find("lahsh20").read_text().replace("run_s = 30.0", "run_s = 2.3")
    head, _, rest = text.partition("[expect]")
    path.write_text(head + "[expect]\npai_ms = [0, 100]\n[expect_no_scheme]"
                    + rest.partition("[expect_no_scheme]")[2])
    done = CliRunner().invoke(app, ["sim", str(path), "--vm", "--json", str(out), "--plot",
                                    str(tmp_path / "p.png"), "--log", str(tmp_path / "x.log"),
                                    "--comtrade", str(tmp_path)])
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert told["ok"] and told["timeline"]["A"] == 1.5 and told["timeline"]["E"] is None
    assert {"f_max_hz", "f_min_hz", "close_angle_deg", "close_slip_hz", "peak_p_pu", "in_step",
            "event_log_sha256", "trips", "ufls"} <= set(told)
    assert "".join(one["line"] + "\n" for one in told["log"]) == (tmp_path / "x.log").read_text()
    assert (tmp_path / "p.png").stat().st_size > 10_000 and "r3-0001.cfg" in told["comtrade"]
    assert "r1 PAI trigger=1" in done.output and "PASS" in done.output
    run = CliRunner().invoke
    assert run(app, ["check", str(path)]).exit_code == 0
    both = run(app, ["sim", str(path), "--blind", "--no-scheme"])
    assert both.exit_code == 2 and "E131 --no-scheme --blind" in both.output
    other = run(app, ["sim", "recloser", "--blind"])
    assert other.exit_code == 2 and "E542 --blind" in other.output
    assert run(app, ["sim", str(path), "--jobs", "2"]).exit_code == 2
    failed = run(app, ["sim", str(path), "--vm", "-q", "--no-scheme"])
    assert failed.exit_code == 1 and "E140 mine: expectation order" in failed.output


def test_a_keyring_is_made_for_all_four():
    found = {one["id"]: one for one in controllers("lahsh20")}
    assert sorted(found) == ["r1", "r2", "r3", "r4"] and found["r3"]["il_duty"] == "tie"
