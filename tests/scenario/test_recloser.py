"""Scenarios of a recloser: a breaker between two sources, through the whole firmware.

Golden logs: golden.py. In MicroPython the same logs come: tests/vm/test_recloser_on_vm.py."""
import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from typer.testing import CliRunner

from acu import events as ev
from host_sim.comtrade.read import read
from host_sim.scenario import captures, load, recloser_plan, recloser_run
from host_sim.scenario.complaints import InputError
from host_sim.scenario.recloser_figures import check, figures
from host_sim.waveform.bay_block import BayBlocks
from host_sim.world.bay import Bay, Fault, Load
from host_sim.world.breaker import Breaker
from host_sim.world.two_sided import Side, TwoSided
from slvg.cli import app
from tests.scenario.golden import is_golden

NAMES = [name for name in load.scenario_names() if recloser_plan.is_one(name)]
QUIET = """kind = "recloser"
title = "Nothing happens"
run_s = 0.5
"""


@cache
def played(name):
    return recloser_run.run(recloser_plan.read(name))


def build(text, tmp_path):
    path = tmp_path / "x.toml"
    path.write_text(text)
    return recloser_plan.read(str(path))


@pytest.mark.parametrize("name", NAMES)
def test_everything_that_a_scenario_expects_comes(name):
    result = played(name)
    checks = check(figures(result), result)
    assert [f"{c.name}: {c.text}" for c in checks if not c.ok] == [] and len(checks) >= 5


@pytest.mark.parametrize("name", NAMES)
def test_the_event_log_is_the_golden_one(name):
    assert is_golden(f"{name}-seed1", played(name).event_log())


def test_there_is_one_for_each_thing_that_may_happen():
    assert sorted(NAMES) == ["recloser", "recloser_check", "recloser_dead", "recloser_fault",
                             "recloser_permanent", "recloser_radial", "recloser_refused",
                             "recloser_wiring"]


def test_each_closing_and_trip_leaves_200_ms_before_and_after_on_8_channels(tmp_path):
    result = played("recloser_fault")
    paths, damaged = captures.export(tmp_path, "x", "r1", "", result.captures)
    assert damaged == 0 and len(paths) == len(result.touches) + len(result.partings) == 3
    causes = [captures.unpack(raw).cause for raw in result.captures]
    assert sorted(causes) == [ev.OPENED, ev.OPENED, ev.SYNC_CLOSE]
    for path in paths:
        record = read(path)
        assert [c.name for c in record.channels] == [name for name, _, _ in captures.RECLOSER]
        assert record.trigger_s >= 0.2 and record.length_s - record.trigger_s >= 0.2


def test_the_record_of_a_closing_shows_both_sides_coming_together(tmp_path):
    result = played("recloser_check")
    (touch,) = result.touches
    (path,), _ = captures.export(tmp_path, "x", "r1", "", result.captures)
    record = read(path)
    travel_s = touch.t_s - touch.order_s
    assert record.length_s - record.trigger_s - travel_s >= 0.19     # after the touch
    t = record.time_s
    turn = np.exp(-2j * np.pi * 50 * t)
    one, two = (np.array(record.channels[k].values) * turn for k in (0, 2))
    skew = 2 * np.pi * 50 * (record.channels[2].skew_s - record.channels[0].skew_s)

    def deg(begin_s):
        at = (t >= begin_s - 1e-9) & (t < begin_s + 0.04 - 1e-9)
        return np.degrees(np.angle(two[at].sum() / one[at].sum()) - skew)

    # in the middle of two cycles: what the slip makes of the time between
    touch_s = record.trigger_s + travel_s
    before = deg(touch_s - 0.05) + 360 * touch.slip_hz * 0.03
    assert before == pytest.approx(touch.deg, abs=0.3)
    assert abs(deg(touch_s + 0.02)) < 0.1
    amps = np.array(record.channels[5].values)
    assert abs(amps[t < touch_s - 0.005]).max() < 0.1 < abs(amps[t > touch_s + 0.02]).max()


def test_same_seed_same_log_and_another_seed_another(tmp_path):
    plan = replace(recloser_plan.read("recloser_check"), run_us=4_300_000)
    one = recloser_run.run(plan)
    assert recloser_run.run(plan).event_log() == one.event_log()
    other = recloser_run.run(plan, seed=2)
    assert other.event_log() != one.event_log() and "SYNC_CLOSE" in other.event_log()


def test_a_reboot_ends_a_request_and_the_breaker_stays(tmp_path):
    plan = build(QUIET.replace("0.5", "6.0") + """
[config]
sy_mode = "sync"
[two]
f_hz = 50.05
angle_deg = -100.0
[[event]]
at_s = 1.0
message = "close"
[[event]]
at_s = 2.0
reboot = 500
""", tmp_path)
    result = recloser_run.run(plan)
    log = result.event_log()
    assert log.count(" BOOT ") == 2 and "SYNC kind=1" in log and "SYNC_CLOSE" not in log
    assert result.touches == [] and not result.closed_end


def test_a_frozen_channel_a_stuck_and_a_welded_breaker(tmp_path):
    base = QUIET.replace("0.5", "4.0") + '[two]\nf_hz = 50.01\n[config]\nsy_wait_ms = 1000\n'
    frozen = recloser_run.run(build(base + """
[[event]]
at_s = 0.9
freeze = { channel = "u2bc", for_ms = 1500 }
[[event]]
at_s = 1.0
message = "close"
""", tmp_path))
    assert "ADC_BAD" in frozen.event_log() and frozen.touches == []
    stuck = recloser_run.run(build(base + """
[[event]]
at_s = 0.5
breaker = "stuck"
[[event]]
at_s = 1.0
message = "close"
""", tmp_path))
    assert "SYNC_CLOSE gate=0" in stuck.event_log() and "STUCK" in stuck.event_log()
    assert not stuck.closed_end
    welded = recloser_run.run(build(base.replace("[two]", "[breaker]\nclosed = true\n[two]") + """
[[event]]
at_s = 0.5
breaker = "weld"
[[event]]
at_s = 1.0
message = "open"
""", tmp_path))
    assert "STUCK" in welded.event_log() and welded.closed_end


@pytest.mark.parametrize(("change", "code", "word"), [
    ("[config]\nsy_slip_mhz = 250\n", "E190", "sy_slip_mhz"),
    ("[config]\nsy_slpi_mhz = 50\n", "E101", "sy_slip_mhz"),
    ("[config]\nid = \"x\"\n", "E121", "follows"),
    ("[two]\nf_hz = 60.0\n", "E123", "f_hz"),
    ("[two]\nphase = 1.0\n", "E121", "phase"),
    ("board = \"pico_w_meter\"\n", "E212", "recloser"),
    ("board = \"pico_w_reclser\"\n", "E211", "pico_w_recloser"),
    ("[[event]]\nat_s = 1.0\n", "E127", "exactly one thing"),
    ("[[event]]\nat_s = 1.0\nside = { side = 1 }\n", "E127", "nothing happens"),
    ("[[event]]\nat_s = 1.0\nmessage = \"force\"\n", "E125", "message"),
    ("[[event]]\nat_s = 1.0\ninput = { name = \"key\", value = 1 }\n", "E125", "remote"),
    ("[expect]\ntouch_deg = [2, -2]\n", "E127", "can never hold"),
    ("start_utc = \"soon\"\n", "E127", "start_utc"),
])
def test_what_is_wrong_with_a_file_is_said_by_name(change, code, word, tmp_path):
    with pytest.raises(InputError) as e:
        build(QUIET + change, tmp_path)
    assert e.value.code == code and word in e.value.text and "x.toml" in e.value.text


def test_the_command_plays_plots_and_writes(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(QUIET.replace("0.5", "1.5") + """
[two]
f_hz = 50.01
[[event]]
at_s = 1.0
message = "close"
[expect]
closings = [1, 1]
touch_deg = [-10, 10]
""")
    out = tmp_path / "out.json"
    words = ["sim", str(path), "--json", str(out), "--plot", str(tmp_path / "p.png"),
             "--log", str(tmp_path / "x.log")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(out.read_text())
    assert told["ok"] and told["closings"] == 1 and len(told["event_log_sha256"]) == 64
    assert "".join(one["line"] + "\n" for one in told["log"]) == (tmp_path / "x.log").read_text()
    assert (tmp_path / "p.png").stat().st_size > 10_000
    assert "CLOSED why=SCC" in done.output and "PASS" in done.output
    assert CliRunner().invoke(app, ["check", str(path)]).exit_code == 0
    path.write_text(path.read_text().replace("[1, 1]", "[2, 2]"))
    failed = CliRunner().invoke(app, ["sim", str(path), "-q"])
    assert failed.exit_code == 1 and "E140 mine: expectation closings" in failed.output
    assert CliRunner().invoke(app, ["sim", str(path), "--jobs", "2"]).exit_code == 2


def test_the_world_around_a_breaker():
    """Open: two sources; closed: one conductor, and a fault is fed through it only."""
    world = TwoSided(Side(), Side(f_hz=50.1, angle_deg=20.0))
    bay = Bay(world, Breaker(0.06, 0.035), Load(1.0), [Fault(0.5, 0.9, "BC", 8.0, -70, 0.3, 0.1)],
              [], 3.0)
    bay.order(True, 0.1)
    assert bay.touches[0].t_s == pytest.approx(0.16) and not bay.closed(0.15)
    assert bay.touches[0].deg == pytest.approx(20 + 36 * 0.16)
    assert bay.source(1, 0.15).f_hz == 50.1 and bay.source(1, 0.17).f_hz == 50.0
    assert [abs(i) for i in bay.currents(0.1)] == [0, 0, 0]
    surge = bay.currents(0.1601)[0] - 1.0 * np.exp(-1j * np.radians(18))
    assert abs(surge) == pytest.approx(2 * np.sin(np.radians(25.76 / 2)) / 0.3, rel=0.01)
    assert abs(bay.currents(0.49)[0]) == pytest.approx(1.0, abs=0.1)
    a, b, c = bay.currents(0.6)
    assert abs(b) == pytest.approx(8) and b + c == 0 and abs(a) < 1.1 and bay.u0(0.6) == 0.1
    assert abs(bay.lines(0, 0.6)[1]) == pytest.approx(0.3) and bay.levels(0.6)[:3] == [1, 0, 0]
    bay.order(False, 0.7)
    assert [abs(i) for i in bay.currents(0.74)] == [0, 0, 0] and bay.fault(0.74) is None
    assert abs(bay.world.deg(0.735)) < 1e-6             # side 2 goes on from where both were
    assert bay.levels(0.8)[:2] == [0, 1] and bay.levels(3.2)[2] == 1


def test_codes_are_the_same_however_they_are_asked_for():
    board = recloser_plan.read("recloser").board
    world = TwoSided(Side(harmonics=((5, 3.0, 0.0, -600.0),)), Side(f_hz=50.1, u_pu=0.1))

    def blocks():
        bay = Bay(world, Breaker(0.06, 0.035), Load(1.0), [], [], 3.0)
        bay.order(True, 0.0)
        return BayBlocks(bay, board, 7)
    one, other = blocks(), blocks()
    whole = one.codes(0, 400)
    parts = np.concatenate([other.codes(20 * k, 20) for k in range(20)])
    assert np.array_equal(whole, parts)
    assert whole.dtype == np.dtype("<u2") and 600 < whole[:, 0].min() < whole[:, 0].max() < 3500
