"""What a controller remembers: energy by amount and time, counters, states, settings.

On the places of host_sim/vm/life.py, which are told readings: a minute is a few calls.
"""
import struct

from acu import events as ev
from acu.primitives import history, provisioned
from acu.primitives.recording import Record
from host_sim.board.doors import SimStore
from host_sim.vm.life import Place

ROOT = __file__.rsplit("/", 3)[0]
ROLES = ("operator", "meter", "subcoordinator", "coordinator")


def place(role="operator", store=None, p_w=2000, **config):
    one = Place(ROOT, role, store or SimStore(), **config)
    one.p_w = p_w
    one.start()
    return one


def again(p):
    """The plug was pulled: another one from the same store, contacts as they are."""
    one = Place(ROOT, p.role, p.unit.store, p.closed)
    one.t_us = p.t_us + 3_000_000
    one.start()
    return one


def saves(p):
    """Sequence number of the energy record."""
    record = Record(p.unit.store, "registers" if p.role == "meter" else "energy")
    record.load()
    return record._seq


def minutes(p, n):
    for _ in range(n * 60):
        p.go(1000, 1000)


# -- energy

def test_energy_is_stored_each_minute_while_it_grows():
    for role in ROLES:
        p = place(role)
        minutes(p, 10)
        assert 9 <= saves(p) <= 11, (role, saves(p))    # and once with a page of 10 minutes
        assert 9 * 2000 // 60 <= p.acu.e_wh <= p.energy_mwh() // 1000


def test_a_cut_costs_60_s_or_a_tenth_of_a_watt_hour():
    for role in ROLES:
        for p_w in (40, 200, 6000):
            p = place(role, p_w=p_w)
            worst = 0
            for second in range(200):
                p.go(1000, 1000)
                if second % 7 and not 55 < second < 65:
                    continue
                stored = again(p).energy_mwh() - p_w * 1100 // 3600 - 1     # its own start's
                lost = p.energy_mwh() - stored
                worst = max(worst, lost)
                assert lost <= max(100, 61 * p_w * 1000 // 3600) + p_w * 2200 // 3600 + 2, (
                    role, p_w, second)
            assert worst > 50


def test_no_growth_is_no_write():
    for role in ROLES:
        p = place(role, p_w=0)
        before = saves(p)
        minutes(p, 30)
        assert saves(p) == before
        p.p_w = 5           # what is no load does not creep
        if role in ("operator", "meter"):
            p.p_w = 2       # a tenth of a watt-hour in three minutes
            minutes(p, 30)
            assert 8 <= saves(p) - before <= 12, (role, saves(p) - before)


def test_a_voltage_that_leaves_its_band_has_energy_stored_at_once():
    for role in ROLES:
        p = place(role)
        p.go(40_000, 1000)
        assert saves(p) == 0
        p.u_dv = 0
        p.go(1200)                  # an Operator first opens: until then it may not write
        assert saves(p) == 1, role
        assert again(p).acu.e_wh == p.acu.e_wh > 15


def test_a_voltage_that_flickers_does_not_wear_the_flash():
    p = place("coordinator")
    for _ in range(100):
        p.u_dv = 1900
        p.go(200, 50)
        p.u_dv = 2300
        p.go(200, 50)
    assert 2 <= saves(p) <= 4       # 40 s


def test_nothing_is_told_above_what_is_stored_also_when_the_store_fails():
    for role in ROLES:
        p = place(role)
        minutes(p, 3)
        told = p.acu.e_wh
        assert told > 60
        write = p.unit.store.write
        p.unit.store.write = lambda name, data: False
        minutes(p, 3)
        assert p.acu.e_wh == told
        assert again(p).acu.e_wh == told
        p.unit.store.write = write
        minutes(p, 2)
        assert p.acu.e_wh > told + 100


def test_an_older_energy_record_is_read_and_a_damaged_one_is_said():
    store = SimStore()
    Record(store, "energy").save(struct.pack("<QQ", 5_000_000, 7_000))
    assert place(store=store).acu.e_wh == 5000
    Record(store, "energy").save(struct.pack("<QQI", 6_000_000, 7_000, 9))     # a newer one
    store.files.pop("energy.b", None)
    assert place(store=store).acu.e_wh == 6000
    store.files["energy.a"] = b"garbage, and a lot of it"
    store.files.pop("energy.b", None)
    p = place(store=store)
    assert p.acu.e_wh == 0 and [line for line in p.lines if " LOST_REC what=2" in line]


# -- counters and states

def test_starts_are_counted_on_also_when_their_record_is_lost():
    """They are the session number of the messages: begun anew, all would be taken for old ones."""
    p = place()
    for _ in range(4):
        minutes(p, 2)
        p = again(p)
    assert p.acu.boots == 5
    minutes(p, 2)
    for name in ("boot.a", "boot.b"):
        p.unit.store.files[name] = b"\xff" * 14
    p = again(p)
    assert p.acu.boots == 6 and [line for line in p.lines if " LOST_REC what=1" in line]
    rows = list(history.newest(p.acu.log))
    assert [row[3] for row in rows if row[2] == ev.BOOT] == [6, 5, 4, 3, 2, 1]


def test_operations_are_counted_over_restarts():
    p = place()
    for _ in range(2):
        p.switch(0, 0, 3)
        p.switch(1, 1, 3)
        p.switch(1, 0, 3)
    done = p.acu.gate.operations
    assert done >= 4 and p.closed == 1
    p = again(p)
    assert p.acu.gate.operations == done
    p.switch(0, 0, 3)
    assert again(p).acu.gate.operations == done + 1


def test_a_state_of_before_versions_and_one_that_is_damaged_lock_out():
    for raw in (struct.pack("<BBBBIIQ", 0, 0, 0, 0, 0, 0, 0), struct.pack("<BBBBBIIQ", 32, 0, 0, 0,
                                                                         0, 0, 0, 0), None):
        p = place()
        if raw is None:
            for name in ("state.a", "state.b"):
                p.unit.store.files[name] = b"\0" * 35
        else:
            record = Record(p.unit.store, "state")
            record.load()
            record.save(raw)
        p = again(p)
        assert p.acu.gate.locked == ev.WHY_RESET and p.moved == 0 and p.closed == 1
    assert place().acu.gate.locked == 0         # where there never was one


def test_a_breakers_state_of_before_operations_were_counted_is_read():
    p = place("subcoordinator")
    record = p.acu._record
    raw = record.load()
    record.save(raw[:2] + b"\x0a" + raw[3:12])          # locked: LOCAL
    assert again(p).acu.gate.locked == ev.WHY_LOCAL
    record.load()
    record.save(raw[:11])
    assert again(p).acu.gate.locked == ev.WHY_RESET


# -- settings

def test_settings_come_back_and_a_failed_save_leaves_those_before():
    store = SimStore()
    assert provisioned.load(store) == ({}, "")
    cfg = {"id": "eu1", "role": "operator", "members": ["a", "b"]}
    assert provisioned.save(store, cfg) == "" and provisioned.load(store) == (cfg, "")
    store.write = lambda name, data: False
    store.complaint = lambda: "E381 store: x"
    assert provisioned.save(store, {"id": "eu2"}) == "E381 store: x"
    assert provisioned.load(store) == (cfg, "")
    store.write = lambda name, data: True       # says so, and does not
    store.complaint = lambda: ""
    assert provisioned.save(store, {"id": "eu2"})[:5] == "E385 "


def test_settings_of_another_kind_are_refused_by_name():
    for body, code in ((b'{"id": "eu1"}', ""), (b"\x02{}", "E384 "), (b"\x01[1]", "E383 "),
                       (b"\x01{", "E383 "), (b"", "E384 ")):
        store = SimStore()
        Record(store, "settings").save(body)
        found, why = provisioned.load(store)
        assert why[:5] == code and found == ({} if code else {"id": "eu1"}), body
    store = SimStore()
    store.files["settings.a"] = b"torn"
    assert provisioned.load(store)[1][:5] == "E383 "
