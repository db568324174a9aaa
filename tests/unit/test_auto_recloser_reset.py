"""A recloser that recloses by itself and loses its supply: lock-out in every state, what comes
first in the store, counters that stay. Whole firmware."""
import struct

from acu import events as ev
from acu.functions import reclosing as rc
from tests.unit.radial import Radial, locked_by, ready


def test_a_reset_in_the_sequence_locks_out_in_every_state():
    for t_ms, closed in ((100, False), (640, False), (700, True), (900, True)):
        y = ready()
        y.fault(300).run(t_ms)
        y.drives.clear()
        y.boot()
        y.lines.clear()
        y.run(100)
        assert y.drives == []
        y.started()
        y.run(800)
        assert y.recl.state == rc.LOCKED and y.gate.locked == ev.WHY_RESET, t_ms
        assert y.locks()[-1][0] == rc.RESET and y.seen("ABORTED") and y.seen("LOCKOUT")
        assert y.drives == [] and y.closed == closed


def test_a_reset_before_the_sequence_was_stored_locks_out_too():
    y = ready()
    files = dict(y.unit.store.files)            # as they were while it was closed
    y.fault(300).run(200)
    y.unit.store.files.clear()
    y.unit.store.files.update(files)
    y.boot().started()
    y.run(800)
    assert y.recl.state == rc.LOCKED and y.gate.locked == ev.WHY_RESET and y.closes() == []
    y.boot().started()                          # and once more
    y.run(800)
    assert y.recl.state == rc.LOCKED and y.gate.locked and y.closes() == []


def test_after_a_start_nobody_knows_what_was():
    """Closed, and no sequence stored: a trip within the reclaim time is the last one."""
    y = Radial().started()
    y.fault(300).run(200)
    locked_by(y, rc.RESET)


def test_a_first_start_with_an_open_breaker_is_no_lock_out():
    y = Radial(closed=False).started()
    assert y.recl.state == rc.OPEN and not y.gate.locked
    y.boot().started()
    assert y.recl.state == rc.OPEN and not y.gate.locked


def test_a_reset_after_the_sequence_is_no_lock_out():
    y = ready()
    y.fault(300).run(4_000)
    assert y.recl.state == rc.READY
    y.boot().started()
    y.run(2_000)
    assert y.recl.state == rc.READY and not y.gate.locked


def test_counters_and_the_last_lock_out_survive_a_restart():
    y = ready()
    y.fault(300).run(4_000)
    y.fault(-1).run(4_000)
    before = list(y.recl.counts)
    assert before == [4, 2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    when = y.acu.locked_utc
    y.boot().started()
    assert list(y.recl.counts) == before and y.recl.cause == rc.SHOTS
    assert y.acu.locked_utc == when > 0 and y.recl.state == rc.LOCKED


def test_a_record_that_is_damaged_locks_out():
    y = ready()
    y.fault(300).run(4_000)
    for name in y.unit.store.names():
        if name[:4] == "recl":
            y.unit.store.files[name] = bytes(len(y.unit.store.files[name]))
    y.boot().started()
    y.run(500)
    assert y.recl.state == rc.LOCKED and y.gate.locked == ev.WHY_RESET


def test_the_lock_is_stored_before_the_sequence_is_said_to_be_over():
    """A cut between the two must find the one or the other."""
    y = ready(rc_shots=1)
    y.fault(-1)
    wrong = []
    write = y.unit.store.write

    def watched(name, data):
        done = write(name, data)
        if name[:4] == "recl" and y.acu.recl.state == rc.LOCKED and not data[11]:
            raw = y.acu._record.load()
            if not struct.unpack("<BBB", raw[:3])[2]:
                wrong.append(name)
        return done

    y.unit.store.write = watched
    y.run(4_000)
    assert y.recl.state == rc.LOCKED and wrong == []
    y.acu._unsaved, y.acu._stored = True, False     # the lock waits for its turn
    y.acu._store()
    assert not y.acu._stored


def test_a_sequence_is_stored_before_the_reason_of_its_opening():
    """With the reason alone a restart would find a breaker that somebody opened."""
    y = ready(rc_t1_ms=3_000)
    y.fault(-1)
    wrong, stored = [], []
    write = y.unit.store.write

    def watched(name, data):
        done = write(name, data)
        if name[:5] == "state" and y.acu.recl.running():
            raw = y.acu._recl_record.load()
            stored.append(name)
            if not raw or not raw[1]:
                wrong.append(name)
        return done

    y.unit.store.write = watched
    y.run(400)
    assert stored and wrong == []
