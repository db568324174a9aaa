"""The console of a recloser that recloses by itself: REC in words and as rows, the end of a
lock-out, what starts it and what holds it off."""
from binascii import crc32

from acu.console import rec
from acu.functions import reclosing as rc
from tests.unit.desk import Desk
from tests.unit.radial import Radial
from tests.unit.yard import REMOTE, SPRING, TAG, Yard


def desk(y, level="B"):
    y.levels[REMOTE] = 0
    return Desk(y.started()).level(level)


def locked():
    """Locked out after both shots."""
    y = Radial()
    d = desk(y)
    y.run(2_200)
    y.fault().run(3_000)
    assert y.locks() == [(rc.SHOTS, 2)]
    y.fault_a = 0.0
    return d


def test_every_cause_and_state_has_its_words():
    names = [name for name in rc.__dict__ if name.isupper() and name[0] != "_"]
    assert len(rec.STATES) == rc.LOCKED + 1
    for k in range(1, rc.MEASURE + 1):
        name, what, remedy = rec.of_cause(k)
        assert name in names and getattr(rc, name) == k and len(what) > 10 and len(remedy) > 5
    assert len(rec.CAUSES.strip("\n").split("\n")) == rc.MEASURE + 1


def test_rec_shows_the_sequence_while_it_runs():
    y = Radial(rc_t1_ms=30_000, rc_init=1)
    d = desk(y, "1")
    y.run(2_200)
    lines = "\n".join([" ".join(line.split()) for line in d.say("REC")])
    for part in ("state 0 ready", "shot 0 of 2 dead times 30.000 0.900 s", "closings, shot 2",
                 "starts with 50A 50B", "spring charged 1"):
        assert part in lines, (part, lines)
    y.fault(200).run(1_000)
    text = d.text("REC")
    assert "open, dead time" in text and [line for line in text.split("\n") if (
        line.split()[:2] == ["trips", "1"])], text
    left_s = [float(line.split()[2]) for line in text.split("\n") if line[:9] == "time left"]
    assert 27 < left_s[0] < 29.5
    rows = d.say("CREC")
    for row in rows:
        body, _, code = row.rpartition(",")
        assert code == '"%08X"' % (crc32(body.encode()) & 0xFFFFFFFF)
    assert '"state","2"' in rows[0] and rows[-1].startswith('"END","%d"' % (len(rows) - 1))
    assert "Remote" not in d.text("CREM 2") and "E304" in d.text("REC X")


def test_a_lock_out_is_told_with_its_cause_and_ends_after_somebody_has_looked():
    d = locked()
    y = d.place
    text = d.text("REC")
    for part in ("LOCKED OUT", "SHOTS: all shots used", "2026-", "50B", "Find the fault",
                 "lock-outs 1", "holds closing off", "locked out or tagged"):
        assert part in text, (part, text)
    assert "E310 close refused: locked out" in d.answers("CLO", "Y", "Y")
    assert "E306" in d.answers("REC R", "N") and y.gate.locked
    assert "Ended." in d.answers("REC R", "Y", "Y")
    y.run(100)
    assert not y.gate.locked and y.recl.state == rc.OPEN
    assert "E304" in d.text("REC R")
    assert "Breaker CLOSED" in d.answers("CLO", "Y", "Y")
    y.run(3_000)
    assert y.recl.state == rc.READY
    assert "last lock-out               1" in d.text("REC")      # what was is not forgotten
    assert d.events("RECL_LOCK") == ["RECL_LOCK cause=1 shot=2 detail=2"]


def test_who_may_not_end_it():
    d = locked()
    d.say("QUI")
    d.level("1")
    assert "E302" in d.text("REC R") and d.place.gate.locked
    d.level("B")
    d.answers("LOC 0", "Y", "Y")
    assert not d.place.gate.locked                  # as any lock-out
    d.text("LOC 1")
    assert "E304" in d.text("REC R")


def test_a_tag_is_no_lock_out():
    y = Radial(rc_t1_ms=30_000)
    d = desk(y)
    y.run(2_200)
    y.fault(200).run(1_000)
    d.say("LOC 1")                                  # ends the sequence at once
    y.run(50)
    assert y.locks() == [(rc.INHIBIT, 0)]
    text = d.text("REC R")
    assert "a tag hangs" in text, text


def test_what_holds_a_closing_off():
    y = Radial(rc_t1_ms=30_000)
    d = desk(y)
    y.run(2_200)
    y.fault(200).run(1_000)
    for level, value, words in ((SPRING, 0, "spring, trip circuit"), (TAG, 1, "hot-line tag")):
        before = y.levels[level]
        y.levels[level] = value
        assert words in d.text("REC"), words
        y.levels[level] = before


def test_where_there_is_none():
    d = desk(Yard(), "1")
    assert "E311 REC: automatic reclosing is off. Set rc_shots" in d.text("REC")
    assert "Automatic reclosing" in d.text("HEL REC") and "RECL_LOCK" in d.text("EXP RECL_LOCK")
    assert "settings contradict" in d.text("EXP E503")
