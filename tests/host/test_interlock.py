"""The fuzz of the loop's interlock: a few sequences in which nothing may happen that never must,
and the proof that it would be seen: each rule that is taken out breaks one."""
import json

import pytest
from typer.testing import CliRunner

from acu.functions import synccheck
from acu.functions.separating import FREE
from host_sim.study import interlock
from host_sim.study.interlock_play import Item, Sequence
from host_sim.study.interlock_rig import Measured
from host_sim.world.breaker import Breaker
from host_sim.world.loop import ENDS, F, Loop
from slvg.cli import app


def test_some_sequences_and_nothing_that_never_must(tmp_path):
    file = tmp_path / "rows.jsonl"
    done = CliRunner().invoke(app, ["study", "interlock", "--steps", "120", "--seed", "3",
                                    "--results", str(file), "--json", "-", "--jobs", "1"])
    assert done.exit_code == 0, done.output
    got = json.loads(done.stdout)
    assert got["steps"] >= 120 and got["live_closings"] > 3
    assert got["loop_most_s"] <= 0.3 and not any(got["broken"].values())
    held = file.read_text()
    assert interlock.figures(interlock.run(120, 3, 1, file))["closings"] == got["closings"]
    assert file.read_text() == held


def test_the_same_item_has_the_same_course():
    one, two = (Sequence(Item(5, 9, 6)).play() for _ in range(2))
    assert one.course == two.course and one.course


# -- each rule taken out is found

def coil_without_the_check(one):
    one.acu.check.request = lambda mode, wait_ms: one.acu.gear.drive(0, 1)


def angle_of_no_matter(one):
    par = one.acu.check.par
    for k in range(synccheck.NV):
        par[3 * k + 2] &= ~(synccheck.GATE_ANGLE | synccheck.GATE_TOUCH | synccheck.GATE_AIM)


def no_interlock(one):
    if one.name != "r4":
        one.acu.scheme.loop_allows = lambda *_: (FREE, 0)


def a_tie_that_stays(one):
    if one.name == "r3":
        step = one.acu.scheme.step
        one.acu.grants.due = lambda now_ms: False
        one.acu.scheme.step = lambda *a: 0 if (wants := step(*a)) == 3 else wants


@pytest.mark.parametrize(("spoil", "rules", "number"), [
    (coil_without_the_check, {"no permit"}, 0),
    (angle_of_no_matter, {"out of step"}, 0),
    (no_interlock, {"out of step", "tie into a closed grid", "loop"}, 5),
    (a_tie_that_stays, {"loop"}, 0),
])
def test_a_rule_that_is_taken_out_is_missed(spoil, rules, number):
    """In the first sequence that does, of a few."""
    for k in (number, *range(8)):
        told = Sequence(Item(1, k, 40), spoil).play(stop=True)
        if told.broken:
            assert {told.broken[0][1]} <= rules
            return
    raise AssertionError("nothing broke without it")


# -- the loop itself

def loop():
    return Loop({name: Breaker(0.05, 0.04, 0.0, name != "r3") for name in ENDS})


def test_parts_turn_by_themselves_and_a_touch_tells_what_stood_between_them():
    w = loop()
    w.hz = [0.0, 0.1, -0.1, 0.0]
    for name in ("r1", "r2"):
        w.breakers[name].order(False, 0.0)
    for n in range(1, 401):                  # 2 s, parted after 40 ms
        w.step(n * 0.005, 0.005)
    assert abs(w.deg[1] - 0.1 * 360 * 1.965) < 0.5 and abs(w.deg[2] + w.deg[1]) < 1e-9
    assert w.deg[F] == 0 and w.live(1) and not w.loop_closed()
    w.breakers["r3"].order(True, 2.0)
    w.step(2.1, 0.1)
    touch, = w.touches
    assert touch.name == "r3" and touch.live == (True, True)
    assert abs(touch.deg + 2 * 0.1 * 360 * 1.965) < 1 and abs(touch.slip_hz + 0.2) < 1e-9
    assert w.deg[1] == w.deg[2] == w.deg[3] and w.deg[F] == 0
    w.runs[1] = w.runs[2] = False
    w.disturb()
    assert not w.live(1) and not w.live(3) and w.live(F)
    w.grid = False
    w.disturb()
    assert not w.live(F)


def test_what_is_measured_is_late_and_carried_on_by_the_slip():
    class Of:
        q = [0] * 64
        _st = [0] * 32

    w = loop()
    w.hz = [0.0, 0.2, 0.2, 0.0]
    for name in ("r1", "r2"):
        w.breakers[name].order(False, 0.0)
    seen = Measured("r1", Of, 0.05)
    for n in range(1, 201):
        w.step(n * 0.005, 0.005)
        seen.see(w)
        seen.fast(0)
    from acu.dsp import bay

    assert abs(Of.q[bay.DD] - 100 * w.deg[1]) <= 2 and Of.q[bay.SLIP] == 200_000
    assert abs(Of.q[bay.DDT] - Of.q[bay.DD] - 360) <= 1      # 3.6 degrees until the touch
    w.grid = False
    w.disturb()
    for n in range(1, 5):
        w.step(1 + n * 0.005, 0.005)
        seen.see(w)
        seen.fast(0)
    assert Of.q[bay.U1] == 10_000            # not seen yet
    for n in range(5, 9):
        w.step(1 + n * 0.005, 0.005)
        seen.see(w)
        seen.fast(0)
    assert Of.q[bay.U1] < 100 and Of.q[bay.GOOD] == 0 and Of.q[bay.CALM2] > 100
