"""`slvg study reclosing`: times of the firmware over a few faults, some cuts in the VM, parts put
together, what the command says of a miss."""
import json

from typer.testing import CliRunner

from host_sim.study import reclosing
from slvg.cli import app


def tried(**changed):
    return "trial", {"seed": 1, "orders": 2, "touches": 2, "reclaimed": 1, "dead_ms": [3.0, 8.0],
                     "dead_pct": [15.0, 40.0], "reclaim_ms": [-2.0],
                     "reclaim_pct": [10.0]} | changed


def cut(**found):
    return "cuts", {"found": dict.fromkeys(reclosing._SUMS, 0) | {"cuts": 10} | found,
                    "states": {"dead": 6, "locked": 4}, "causes": [1], "wrong": [],
                    "operations": 90}


def test_times_of_the_firmware_and_one_order_a_shot():
    told = reclosing.run(2, 0, False, 7, 1)
    assert told["dead_times"] == 4 and told["reclaim_times"] == 2 and told["goals_missed"] == []
    assert max(map(abs, told["dead_late_ms"])) <= 20 and told["double_pulses"] == 0


def test_cuts_in_the_vm_leave_lock_outs_and_counters(vm):
    told = reclosing.run(0, 60, False, 3, 1)
    assert told["cuts"] == 60 and told["goals_missed"] == [] and told["wrong"] == []
    assert {"dead", "opening", "reclaim", "locked"} <= set(told["states"]), told["states"]
    assert told["again"] > 0 and told["operations"] > 100 and len(told["causes"]) >= 3


def test_parts_add_up():
    told = reclosing.figures([tried(), tried(dead_ms=[-4.0], dead_pct=[20.0]), cut(), cut()])
    assert told["dead_late_ms"] == [-4.0, 8.0] and told["dead_late_pct"] == 40.0
    assert told["cuts"] == 20 and told["states"] == {"dead": 12, "locked": 8}
    assert told["goals_missed"] == []


def test_each_miss_is_one():
    for key in ("moved", "closed_later", "not_locked", "counts_lost", "not_started"):
        assert reclosing.figures([cut(**{key: 1})])["goals_missed"] == [key]
    for key, changed in (("double_pulses", {"orders": 3}), ("shots_missing", {"touches": 1}),
                         ("shots_missing", {"reclaimed": 0}),
                         ("dead_late_pct", {"dead_pct": [101.0]}),
                         ("reclaim_late_pct", {"reclaim_pct": [120.0]})):
        assert reclosing.figures([tried(**changed)])["goals_missed"] == [key]
    assert reclosing.allowed_ms(500) == 20 and reclosing.allowed_ms(5_000) == 50


def test_the_command_says_what_was_missed(monkeypatch, tmp_path):
    found = reclosing.figures([tried(), cut(not_locked=1)])
    monkeypatch.setattr(reclosing, "run", lambda *args: found)
    out = tmp_path / "x.json"
    done = CliRunner().invoke(app, ["study", "reclosing", "--json", str(out)])
    assert done.exit_code == 1
    assert "E511 study reclosing: not_locked = 1, at most 0" in done.output
    assert json.loads(out.read_text())["not_locked"] == 1
