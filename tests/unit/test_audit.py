"""CSF-1, the record of who asked what from afar."""
from acu.primitives.audit import NONE, Audit
from acu.primitives.audit_file import read as rows
from host_sim.board.doors import SimStore


def ask(audit, k, t="sw.req", src="cd", now_ms=0):
    audit.ordered(now_ms, 1_772_345_000_000 + now_ms, {"s": src, "t": t, "k": k, "c": k & 0xFFFF})


def test_an_answered_command_is_stored_with_its_answer():
    store = SimStore()
    audit = Audit(store)
    ask(audit, 7)
    audit.slow(0, True)
    assert rows(store) == []
    audit.answered(8, 0)                    # another's
    audit.answered(7, 2)
    audit.slow(10, False)                   # something is picked up
    assert rows(store) == [] and audit.rest_ms(10) == 0
    audit.slow(20, True)
    assert rows(store) == [(1_772_345_000_000, 7, 7, 2, "cd", "sw.req")]
    audit.answered(7, 5)
    audit.slow(30, True)
    assert len(rows(store)) == 1 and audit.rest_ms(30) > 1_000_000


def test_one_without_an_answer_is_stored_as_such():
    store = SimStore()
    audit = Audit(store)
    ask(audit, 1)
    assert audit.rest_ms(0) == 15_001
    audit.slow(15_001, True)
    assert rows(store)[0][3] == NONE


def test_it_is_a_ring_that_goes_on_after_a_restart():
    store = SimStore()
    for boot in range(3):
        audit = Audit(store)
        for k in range(70):
            ask(audit, boot * 70 + k, now_ms=(boot * 70 + k) * 1000)
            audit.answered(boot * 70 + k, 0)
            audit.slow(0, True)
    found = [row[1] for row in rows(store)]
    assert found == list(range(209, 209 - len(found), -1)) and 86 <= len(found) <= 172
    assert max([len(raw) for raw in store.files.values()]) <= 4096


def test_a_torn_or_damaged_row_is_none():
    store = SimStore()
    audit = Audit(store)
    for k in range(3):
        ask(audit, k)
        audit.answered(k, 0)
        audit.slow(0, True)
    store.files["audit0"] = store.files["audit0"][:-5]
    audit = Audit(store)
    ask(audit, 9)
    audit.answered(9, 0)
    audit.slow(0, True)
    assert sorted([row[1] for row in rows(store)]) == [0, 1, 9]


def test_a_flood_of_commands_costs_no_memory():
    audit = Audit(SimStore())
    for k in range(100):
        ask(audit, k)
        audit.slow(k, True)
    assert len(audit._rows) <= 4
