"""The console of a recloser in an islanding scheme: ISL."""
from acu.functions import peers as ps
from tests.unit.desk import Desk
from tests.unit.quad import Quad
from tests.unit.yard import Yard


def plain(text):
    return " ".join(text.split())


def test_isl_shows_duty_state_the_others_and_the_machines():
    i = Quad("lead").quiet()
    d = Desk(i).level("1")
    text = plain(d.text("ISL"))
    for row in ("duty lead", "state with the grid", "PAI on armed", "r2 (second) CLOSED with",
                "r3 (tie) OPEN with", "not known yet", "g1 - kW never heard",
                "closing the loop allows it"):
        assert row in text, (row, text)
    i.gen("g1", 60_000).gen("g2", 30_000).run(100)
    assert "60.000 kW runs" in plain(d.text("ISL"))
    i.separated()
    i.silent("r2").run(1_000)
    text = plain(d.text("ISL"))
    for row in ("state ISLAND", "% voltage", "r2 (second) - not heard, or not in time",
                "r3 (tie) CLOSED ISLAND", "closing with the grant of r3"):
        assert row in text, (row, text)
    assert "E304" in d.text("ISL X") and "PAI trigger" in d.text("EXP PAI")


def test_isl_of_the_others_and_of_none():
    i = Quad("tie", True).quiet()
    i.peer("r1", 1, ps.REJOIN).peer("r2", 0, ps.SYNC, ask=5).run(200)
    text = Desk(i).level("1").text("ISL")
    assert "PAI" not in text and "load" not in text and "r4 (shed)" in text
    i = Quad("second").quiet()
    i.separated()
    i.peer("r1", 1, ps.REJOIN, 5_000)
    i.run(1_000)
    text = Desk(i).level("1").text("ISL")
    assert "with the grant of r1" in text, text
    assert "E311" in Desk(Yard().started()).level("1").text("ISL")
