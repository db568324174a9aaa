"""Role Recloser from messages to contacts: closes in step or not at all, trips by itself."""
from acu import events as ev
from acu.dsp import bay as at
from acu.functions import synccheck as sc
from acu.ports import CLOSE, OPEN
from acu.primitives.bay_gate import R_LOCAL, R_POSITION, R_STORED, R_SYNC, R_TAG
from acu.primitives.switching import R_CONTACT, R_LOCKED, R_MEASURE, R_UNARMED
from acu.roles.switched import O_CHECK, O_CLOSE
from tests.unit.yard import A52, B52, BATTERY, REMOTE, SPRING, TAG, TRIP, Side, Yard, slipping

FAULT = {"gr_50b_do": "trip", "gr_50b_ma": 4_000, "gr_50b_t_ms": 0}


def asked(y, ms=3000):
    """Select and operate; the last answer's body."""
    y.order(1, 1).run(100)
    y.order(1).run(ms)
    return y.said("sw.ack")[-1]["b"]


def closes(y):
    return [level for _, level in y.drives if level == CLOSE]


def test_a_synchronising_close_touches_at_0_degrees():
    for slip in (0.05, -0.06):
        y = slipping(slip, -40 * (1 if slip > 0 else -1), sy_mode="sync").started()
        answer = asked(y)
        assert answer["on"] == 1 and answer["ok"] == 1
        assert len(y.moves) == 1 and abs(y.moves[0][2]) < 0.5
        assert len(closes(y)) == 1
        assert y.seen("SYNC_CLOSE") and y.seen("CLOSED")


def test_a_check_closes_inside_its_limits():
    y = slipping(0.05, -40).started()
    assert asked(y)["ok"] == 1
    assert 0 < abs(y.moves[0][2]) < 10


def test_out_of_step_it_waits_says_why_and_gives_up():
    y = slipping(0.3, 0, sy_wait_ms=1_000).started()
    answer = asked(y)
    assert answer["ok"] == 0 and answer["e"] == ev.E_NO_VOLTAGE and not closes(y)
    assert y.seen("REFUSED")[-1] == "REFUSED what=1 e=4 gate=%d" % R_SYNC
    kinds = [int(line.split("kind=")[1].split(" ")[0]) for line in y.seen("SYNC")]
    assert kinds == [sc.KIND_WAIT, sc.KIND_TIMEOUT]
    gates = int(y.seen("SYNC")[-1].split("gates=")[1].split(" ")[0])
    assert gates & sc.GATE_SLIP
    assert len(y.acu.decisions) == 2


def test_nothing_closes_without_a_select():
    y = Yard().started()
    y.order(1).run(1000)
    assert y.said("sw.ack")[-1]["b"]["e"] == ev.E_INTERLOCK and not closes(y)


def test_what_the_select_found_is_looked_at_again_when_it_operates():
    """Between select and operate the world has changed."""
    for level, value, reason in (
            (SPRING, 0, R_STORED), (TRIP, 0, R_STORED), (BATTERY, 0, R_STORED),
            (TAG, 1, R_TAG), (REMOTE, 0, R_LOCAL), (B52, 0, R_POSITION)):
        y = Yard(sy_wait_ms=1000).started()
        y.order(1, 1).run(100)
        assert y.said("sw.ack")[-1]["b"]["ok"] == 1
        y.levels[level] = value
        y.order(1).run(2000)
        assert not closes(y), level
        assert y.seen("REFUSED")[-1].endswith("gate=%d" % reason), (level, y.lines)


def test_the_same_stand_against_a_select():
    for level, value, reason in ((SPRING, 0, R_STORED), (TAG, 1, R_TAG), (REMOTE, 0, R_LOCAL),
                                 (A52, 1, R_POSITION)):
        y = Yard().started()
        y.levels[level] = value
        y.order(1, 1).run(100)
        assert y.said("sw.ack")[-1]["b"]["ok"] == 0, level
        assert y.seen("REFUSED")[-1].endswith("gate=%d" % reason)


def test_contacts_that_contradict_each_other_are_told_by_the_gate():
    y = Yard().started()
    for a, b in ((1, 1), (0, 0)):
        y.levels[A52], y.levels[B52] = a, b
        y.run(20)
        assert y.gate.may_close(0) == R_POSITION


def test_while_it_waits_a_tag_or_a_lock_ends_the_wait():
    y = slipping(0.3, 0).started()
    y.order(1, 1).run(100)
    y.order(1).run(500)
    assert y.acu.check.waiting()
    y.levels[TAG] = 1
    y.run(100)
    assert not y.acu.check.waiting()
    y.levels[TAG] = 0
    y.two.f_hz = 50.0
    y.two.turn = y.one.turn
    y.run(1500)
    assert not closes(y) and y.seen("REFUSED")[-1].endswith("gate=%d" % R_TAG)


def test_the_gate_asks_the_check_whoever_calls_it():
    y = Yard().started()
    y.run(500)
    assert y.acu.check.st[sc.S_PERMIT] == 1          # it would permit,
    assert y.gate.may_close(0) == 0
    assert y.gate.close(0) == R_SYNC and not closes(y)   # but has ordered nothing


def test_at_the_console_the_way_is_the_same():
    y = slipping(0.3, 0, sy_wait_ms=1000).started()
    acu = y.acu
    assert acu.at_console(y.unit.clock.now_ms(), O_CLOSE) == ev.E_INTERLOCK
    assert acu.at_console(y.unit.clock.now_ms(), O_CHECK) == 0
    y.run(50)
    assert acu.hand_over() == 0
    assert acu.at_console(y.unit.clock.now_ms(), O_CLOSE) == 0
    assert acu.hand_over() is None
    y.run(1500)
    assert acu.hand_over() == R_SYNC and not closes(y)


def test_an_opening_waits_for_nothing():
    y = slipping(0.3, 0).started()
    y.order(1, 1).run(100)
    y.order(1).run(300)
    y.order(0).run(300)
    assert not y.acu.check.waiting() and [level for _, level in y.drives][0] == OPEN
    y.two.f_hz = 50.0
    y.two.turn = y.one.turn
    y.run(1500)
    assert not closes(y)
    y = Yard(closed=True).started()
    y.order(0).run(400)
    assert not y.closed and y.said("sw.ack")[-1]["b"]["ok"] == 1


def test_bad_measurements_refuse():
    y = Yard(sy_wait_ms=1_000).started()
    y.stuck = {2: 1_700}
    y.run(60)
    y.order(1, 1).run(100)
    assert y.seen("REFUSED")[-1].endswith("gate=%d" % R_MEASURE)
    y = Yard(sy_wait_ms=1_000).started()
    y.order(1, 1).run(100)
    y.stuck = {0: 4095}
    y.order(1).run(1500)
    assert not closes(y)


def test_no_frames_no_closing():
    y = slipping(0.05, -40, sy_wait_ms=5_000).started()
    y.order(1, 1).run(100)
    y.order(1).run(200)
    for _ in range(40):                 # the converter stands; the fast tier runs on
        y.t_us += 5000
        y.unit.clock.set(y.t_us)
        y.acu.fast(y.unit.clock.ticks_us())
    assert y.q[at.AGE] > 40 and not y.acu.check.waiting()
    y.unit.acu.slow(y.unit.clock.now_ms())
    assert not y.unit.switchgear.take_drives()


def test_a_permit_ends_with_the_frames():
    y = Yard().started().run(500)
    assert y.acu.check.st[sc.S_PERMIT] == 1
    y.t_us += 5000
    y.unit.clock.set(y.t_us)
    y.acu.fast(y.unit.clock.ticks_us())
    assert y.acu.check.st[sc.S_PERMIT] == 0


def test_alarms_of_the_voltage_transformers_survive_a_reset():
    y = Yard().started()
    y.acu.vts.restore(8)
    y.run(200)
    y.boot().run(800)
    assert y.acu.vts.st[0] & 8


def test_a_state_that_is_damaged_locks_out():
    y = Yard().started()
    for name in y.unit.store.names():
        if name.startswith("state"):
            y.unit.store.files[name] = bytes(len(y.unit.store.files[name]))
    y.boot().run(800)
    assert y.acu.ready and y.gate.locked == ev.WHY_RESET


def test_before_the_self_test_nothing_moves():
    y = Yard(closed=True, **FAULT)
    y.fault_a = 10.0
    y.run(200)
    assert not y.drives
    assert y.gate.may_close(0) == R_UNARMED


def test_contacts_that_cannot_be_fail_the_self_test():
    y = Yard()
    y.levels[A52] = y.levels[B52] = 1
    y.run(1000)
    assert not y.acu.ready


def test_a_fault_trips_without_any_message():
    y = Yard(closed=True, **FAULT).started()
    y.fault_a = 10.0
    start = y.ms()
    y.run(200)
    assert not y.closed
    opened = [t for t, level in y.drives if level == OPEN]
    assert opened[0] - start <= 25
    assert y.seen("PICKUP") and y.seen("OPERATED") and y.seen("OPENED")
    event = [m["b"] for m in y.said("evt")]
    assert event and event[0]["code"] == "PRO"
    assert y.acu.why == ev.WHY_OC


def test_a_trip_wins_over_a_closing_and_a_fault_is_not_closed_onto_twice():
    y = Yard(sy_wait_ms=1_000, **FAULT).started()
    y.fault_a = 10.0
    y.i_load = 0.0
    asked(y, 500)
    assert [up for _, up, _ in y.moves] == [1, 0] and len(closes(y)) == 1
    y.run(2000)
    assert len(closes(y)) == 1 and not y.closed


def test_a_breaker_that_does_not_open_is_tripped_again():
    y = Yard(closed=True, **FAULT).started()
    y.weld = True
    y.fault_a = 10.0
    y.run(500)
    assert len([level for _, level in y.drives if level == OPEN]) >= 3


def test_a_breaker_that_does_not_close_locks_out():
    y = Yard().started()
    y.jam = True
    answer = asked(y, 1500)
    assert answer["e"] == ev.E_NOT_VERIFIED and y.gate.locked == ev.WHY_STUCK
    y.jam = False
    y.order(1, 1).run(100)
    assert y.seen("REFUSED")[-1].endswith("gate=%d" % R_LOCKED)


def test_no_flash_write_while_something_is_picked_up_or_a_request_waits():
    y = slipping(0.3, 0).started()
    assert y.acu.may_write()
    y.order(1, 1).run(100)
    y.order(1).run(100)
    assert not y.acu.may_write()
    y.order(0).run(500)
    assert y.acu.may_write()
    y = Yard(closed=True, gr_51_do="trip", gr_51_ma=1_500, gr_51_t_ms=5_000,
             gr_51_curve="dt").started()
    assert y.acu.may_write()
    y.i_load = 3.0
    y.run(100)
    assert not y.acu.may_write() and y.closed


def test_a_request_does_not_outlive_a_reset():
    y = slipping(0.3, 0).started()
    y.order(1, 1).run(100)
    y.order(1).run(200)
    y.boot().run(800)
    y.two.f_hz = 50.0
    y.two.turn = y.one.turn
    y.run(1500)
    assert not closes(y) and not y.acu.check.waiting()


def test_lock_and_decisions_survive_a_reset():
    y = slipping(0.3, 0, sy_wait_ms=1_000).started()
    asked(y)
    y.send("cfg", {"k": "lockout", "val": 1}).run(200)
    assert y.gate.locked == ev.WHY_LOCAL
    before = list(y.acu.decisions)
    y.boot().run(800)
    assert y.gate.locked == ev.WHY_LOCAL and y.acu.decisions == before and before


def test_a_dead_line_is_closed_onto_only_where_allowed():
    y = Yard(two=Side(50, 0, 0.0), sy_wait_ms=3_000).started()
    y.noise_lsb = 1.5
    assert asked(y, 4000)["ok"] == 0 and not closes(y)
    y = Yard(two=Side(50, 0, 0.0), sy_wait_ms=3_000, dead_mode=2, dead_ms=500)
    y.noise_lsb = 1.5
    y.started()
    assert asked(y, 2000)["ok"] == 1 and y.closed


def test_somebody_at_the_lever_is_told():
    y = Yard(closed=True).started()
    y.closed = False
    y.run(100)
    assert y.seen("OPENED")[-1].startswith("OPENED why=LOCAL") and y.acu.why == ev.WHY_LOCAL
    y.closed = True
    y.run(100)
    assert y.seen("CLOSED")[-1].startswith("CLOSED why=LOCAL") and y.acu.why == ev.WHY_NONE


def test_a_closed_breaker_is_not_closed_again():
    y = Yard(closed=True).started()
    assert y.gate.may_close(0) == R_CONTACT
    y.order(1, 1).run(100)
    assert y.said("sw.ack")[-1]["b"]["ok"] == 1 and not closes(y)     # it is on already


def test_setting_groups():
    y = Yard(closed=True, is_50b_do="trip", is_50b_ma=2_500, is_50b_t_ms=0).started()
    y.i_load = 3.0
    y.run(200)
    assert y.closed                      # off in the grid's group
    y.i_load = 1.0
    y.run(200)
    assert y.acu.use_group(2) == ev.E_LIMIT and y.acu.use_group(1) == 0
    y.run(200)
    assert y.closed and y.acu.protection.group == 1
    y.i_load = 3.0
    y.run(200)
    assert not y.closed


def test_wrong_wiring_is_an_alarm_that_holds_closings_off():
    y = Yard(closed=True).started()
    tick = y.tick

    def crossed():
        tick()
    y.tick = crossed
    y.acu.vts.restore(8)
    y.run(100)
    assert y.seen("VT") and y.said("evt")[-1]["b"]["code"] == "VTS"
    y.order(0).run(500)
    y.lines.clear()
    y.order(1, 1).run(100)
    y.order(1).run(1000)
    assert not closes(y)


def test_readings_are_primary():
    y = Yard(closed=True).started()
    y.i_load = 2.0
    y.run(300)
    y.send("meas.req", {"what": 0, "win_ms": 0}).run(100)
    body = y.said("meas")[-1]["b"]
    assert abs(body["u_dV"][0] - 100_000) < 300 and abs(body["i_mA"][0] - 200_000) < 1_000
    assert abs(body["p_W"][0] - 3_464_000) < 20_000 and body["on"] == 1


def test_a_trip_by_voltage_is_told_as_one():
    y = Yard(closed=True, gr_59a_do="trip", gr_59a_pm=1_200, gr_59a_t_ms=40).started()
    y.one.u = 1.3
    y.run(300)
    assert not y.closed and y.seen("OPENED")[0].startswith("OPENED why=PROT ph=3 u_dv=")
    assert y.acu.why == ev.WHY_PROT


def test_the_fast_tier_allocates_nothing():
    y = Yard(closed=True, vt_n=1_000, un1_mv=110_000, un2_mv=110_000, gr_59a_do="trip",
             gr_59a_pm=1_200, gr_59a_t_ms=0, **FAULT).started()
    y.fault_a = 10.0
    y.one.u = 1.4               # 154 kV: numbers at their largest
    for _ in range(60):                 # through pick-up, trip and opening
        y._breaker()
        if y.closed:
            y.two.turn, y.two.f_hz, y.two.u = y.one.turn, y.one.f_hz, y.one.u
        y.i_a = y.fault_a if y.closed else 0.0
        y.locked_tick()
    assert not y.closed
    y = slipping(0.05, -30, sy_mode="sync").started()
    y.order(1, 1).run(100)
    y.order(1).run(10)
    driven = 0
    for _ in range(240):
        driven += y.locked_tick()
    assert driven and not y.acu.check.waiting()
