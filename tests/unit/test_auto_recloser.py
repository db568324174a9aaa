"""A recloser that recloses by itself, from the fault on the line to the log: each cause of a
lock-out by its own event, one close order a shot. What a reset leaves:
test_auto_recloser_reset.py. Whole firmware."""

from acu import events as ev
from acu.functions import reclosing as rc
from acu.functions import synccheck as sc
from acu.ports import CLOSE, RELEASE
from acu.roles.switched import O_CHECK
from tests.unit.radial import Radial, locked_by, opened, ready
from tests.unit.yard import A52, B52, BATTERY, REMOTE, SPRING, TAG, TRIP


def test_a_transient_fault_costs_a_dead_time_and_all_is_told_in_order():
    y = ready()
    y.lines.clear()
    y.fault(300).run(4_000)
    names = [line.split(" ")[0] for line in y.lines if line.split(" ")[0] != "SYNC"]
    assert names == ["PICKUP", "OPERATED", "OPENED", "RECL_TRIP", "RECL_ASK", "SYNC_CLOSE",
                     "RECLOSE", "CLOSED", "RECLAIM"], names
    assert y.seen("CLOSED")[-1].startswith("CLOSED why=RECL")
    assert y.closed and y.acu.why == ev.WHY_NONE and y.recl.state == rc.READY
    assert len(y.closes()) == 1 and not y.gate.locked
    assert list(y.recl.counts)[:7] == [1, 1, 0, 0, 0, 0, 1]


def test_a_permanent_fault_is_tried_as_often_as_set_and_locked_out():
    for shots in (1, 3):
        y = ready(rc_shots=shots, rc_t3_ms=700)
        y.fault().run(3_200)
        assert len(y.closes()) == shots and len(y.moves) == 2 * shots + 1
        locked_by(y, rc.SHOTS, shots)
        assert y.gate.locked == ev.WHY_RECL and not y.closed
        assert list(y.recl.counts)[:6] == [shots + 1] + [1] * shots + [0] * (5 - shots)


def test_off_means_that_nothing_recloses_and_nothing_is_loaded():
    y = Radial(rc_shots=0).started()
    y.run(2_000)
    y.fault(300).run(1_500)
    assert not y.closed and y.closes() == [] and not hasattr(y.acu, "recl")
    assert not y.gate.locked


def test_only_chosen_elements_start_it():
    y = ready(gr_59a_do="trip", gr_59a_pm=1_200, gr_59a_t_ms=40)
    y.one.u = 1.3
    y.run(500)
    y.one.u = 1.0
    y.run(1_500)
    assert not y.closed and y.closes() == [] and y.recl.state == rc.OPEN and not y.gate.locked
    y = ready(rc_init=2, gr_51_do="trip", gr_51_curve="dt", gr_51_ma=2_000, gr_51_t_ms=200)
    y.fault(300).run(1_500)                     # 50 trips first
    assert not y.closed and y.closes() == []
    y = ready(rc_init=2, gr_51_do="trip", gr_51_curve="dt", gr_51_ma=2_000, gr_51_t_ms=200)
    y.fault(300, 3.0).run(1_500)
    assert y.closed and len(y.closes()) == 1


def test_a_switch_on_local_does_not_hold_it_off():
    """It is nobody's message, whoever asked last."""
    y = Radial(closed=False).started()
    y.order(1, 1).run(100)
    y.order(1).run(1_500)
    y.recl._t_us = 0x1F000000
    y.run(10)
    assert y.closed and y.recl.state == rc.READY and y.gate.remote
    y.levels[REMOTE] = 0
    y.fault(300).run(900)
    assert y.closed and not y.locks()


def test_an_opening_by_order_is_not_reclosed():
    y = ready()
    y.order(0).run(1_500)
    assert not y.closed and y.closes() == [] and not y.gate.locked
    y.order(1, 1).run(100)
    y.order(1).run(2_000)                       # by hand it closes as ever
    assert y.closed and y.recl.state == rc.RECLAIM


def test_lock_out_without_synchronism():
    y = ready(dead_mode=0, rc_wait_ms=1_000)    # the dead line may not be closed onto
    y.fault(300).run(3_000)
    locked_by(y, rc.SYNC)
    assert int(y.seen("RECL_LOCK")[0].split("detail=")[1]) & sc.GATE_DEAD_MODE
    y = ready(rc_wait_ms=1_000)
    y.back_u = 0.9                              # fed back from the far end, out of step
    y.fault(300)
    y.run(60)
    y.two.f_hz = 51.0
    y.run(3_000)
    locked_by(y, rc.SYNC)


def test_lock_out_of_a_line_that_is_not_dead_in_time():
    y = ready(rc_line="dead", rc_wait_ms=1_000)
    y.back_u = 0.5
    y.fault(300).run(3_000)
    assert not y.seen("RECL_ASK")
    locked_by(y, rc.LINE)
    y = ready(rc_line="dead", rc_wait_ms=1_000)
    y.back_u = 0.5
    y.fault(300).run(900)
    y.back_u = 0.0                              # the generator has gone, late but in time
    y.run(1_500)
    assert y.closed and not y.locks()


def test_with_both_sides_alive_it_closes_in_step_only():
    y = ready(dead_mode=0, rc_wait_ms=5_000)
    y.back_u = 1.0
    y.fault(100)
    y.run(60)
    y.two.f_hz = 50.01
    y.run(5_000)
    assert y.closed and abs(y.moves[-1][2]) < 10


def test_lock_out_of_a_breaker_that_does_not_close():
    y = opened(ready().fault(300))
    y.jam = True
    y.run(1_500)
    assert len(y.closes()) == 1
    assert y.opens()[-1] > y.closes()[0]        # it must not follow later
    y.jam = False
    locked_by(y, rc.NOT_CLOSED, 1)


def test_a_slow_breaker_is_one_that_works():
    y = ready(t_close_ms=120, rc_open_ms=100)
    y.travel_ms = 150
    y.fault(300).run(4_000)
    assert y.closed and y.recl.state == rc.READY and len(y.closes()) == 1


def test_lock_out_of_a_breaker_that_does_not_open():
    y = ready()
    y.weld = True
    y.fault(-1).run(400)
    assert y.locks() == [(rc.NOT_OPENED, 0)] and y.closed
    y.run(500)
    assert len(y.opens()) > 3                   # and is tripped again and again
    y.weld = False
    y.run(200)
    assert not y.closed
    locked_by(y, rc.NOT_OPENED)


def test_lock_out_by_a_trip_in_the_discrimination_time():
    y = ready(rc_discr_ms=500)
    y.fault(-1).run(2_000)
    assert len(y.closes()) == 1
    locked_by(y, rc.DISCRIMINATION, 1)


def test_a_trip_in_the_close_pulse_wins_and_nothing_closes_again():
    y = opened(ready(gr_59a_do="trip", gr_59a_pm=1_200, gr_59a_t_ms=0).fault(300))
    while y.recl.state != rc.CLOSING:
        y.run(5)
    y.acu._why_of(1 << 8)                       # in this very tick
    y.gate.open_all()
    y.run(1_000)
    assert [level for _, level in y.drives if level != RELEASE][-2:] == [CLOSE, 0]
    locked_by(y, rc.DISCRIMINATION, 1)


def test_lock_out_by_frequent_operation():
    y = ready(rc_freq_n=2, rc_freq_s=600)
    for _ in range(2):
        y.fault(300).run(4_000)
    assert y.closed and not y.locks()
    y.fault(300).run(1_000)
    locked_by(y, rc.FREQUENT)


def test_lock_out_by_a_closing_by_hand_in_the_sequence():
    y = opened(ready().fault(100))
    y.run(100)
    y.closed = True                             # at the lever
    locked_by(y, rc.BY_HAND)
    assert y.seen("CLOSED")[-1].startswith("CLOSED why=LOCAL")
    for how in ("message", "console"):
        y = opened(ready(rc_t1_ms=3_000).fault(300))
        y.levels[REMOTE] = 1
        if how == "message":
            y.order(1, 1).run(100)
            assert y.said("sw.ack")[-1]["b"]["ok"] == 0
        else:
            y.acu.at_console(y.unit.clock.now_ms(), O_CHECK)
        locked_by(y, rc.BY_HAND)
        assert not y.closed


def test_a_select_from_before_the_trip_closes_nothing():
    y = ready(rc_t1_ms=3_000)
    y.order(0).run(500)
    y.order(1, 1).run(50)                       # granted
    y.closed = True
    y.run(2_200)
    y.acu._selected = ("scc", y.unit.clock.now_ms() + 60_000)
    y.fault(300)
    y.run(200)
    assert y.recl.state == rc.DEAD
    y.order(1).run(300)
    locked_by(y, rc.BY_HAND)
    assert not y.closed


def test_lock_out_of_a_breaker_that_is_open_at_the_end_of_the_reclaim_time():
    y = ready()
    y.fault(300).run(1_200)
    assert y.recl.state == rc.RECLAIM and y.closed
    y.closed = False
    y.run(1_000)
    assert not y.locks()
    locked_by(y, rc.OPENED, 1)


def test_lock_out_if_something_still_trips_at_the_end_of_the_dead_time():
    y = ready(gr_59a_do="trip", gr_59a_pm=1_200, gr_59a_t_ms=0)
    opened(y.fault(300))
    y.one.u = 1.3                               # over-voltage on the live side
    y.run(1_000)
    y.one.u = 1.0
    locked_by(y, rc.TRIPPING)


def test_lock_out_by_what_inhibits():
    y = ready()
    y.levels[TAG] = 1                           # a hot-line tag: one trip, no shot
    y.fault(300).run(40)
    locked_by(y, rc.INHIBIT)
    assert y.seen("RECL_LOCK")[0].endswith("detail=9") and not y.seen("RECL_TRIP")
    for t_ms in (100, 900):                     # in the dead time; while the check waits
        y = opened(ready(rc_wait_ms=5_000).fault(300))
        y.back_u = 0.5
        y.run(t_ms)
        y.levels[TAG] = 1
        y.run(50)
        assert y.recl.state == rc.LOCKED        # at once
        y.back_u = 0.0
        locked_by(y, rc.INHIBIT)
    y = opened(ready(rc_t1_ms=3_000).fault(300))
    y.order(0).run(200)                         # ordered to stay open
    locked_by(y, rc.INHIBIT)
    y = ready(gr_59a_do="trip", gr_59a_pm=1_200, gr_59a_t_ms=40)
    y.fault(300).run(1_200)
    assert y.recl.state == rc.RECLAIM and y.closed
    y.one.u = 1.3                               # trips in the sequence, and starts nothing
    y.run(300)
    y.one.u = 1.0
    locked_by(y, rc.INHIBIT, 1)


def test_a_tag_by_message_ends_the_sequence_at_once():
    for t_ms in (100, 900):
        y = opened(ready(rc_wait_ms=5_000).fault(300))
        y.back_u = 0.5
        y.run(t_ms)
        y.send("cfg", {"k": "lockout", "val": 1}).run(50)
        y.back_u = 0.0
        locked_by(y, rc.INHIBIT)


def test_a_lock_before_the_fault_inhibits():
    y = ready()
    y.send("cfg", {"k": "lockout", "val": 1}).run(200)
    assert y.gate.locked == ev.WHY_LOCAL
    y.fault(300).run(500)
    locked_by(y, rc.INHIBIT)


def test_lock_out_of_stored_energy_trip_coil_and_battery_that_are_not_ready_in_time():
    for level in (SPRING, TRIP, BATTERY):
        y = opened(ready(rc_ready_ms=1_000).fault(300))
        y.levels[level] = 0
        y.run(2_000)
        assert not y.seen("RECL_ASK")
        y.levels[level] = 1
        locked_by(y, rc.STORED)
    y = opened(ready(rc_ready_ms=3_000).fault(300))
    y.levels[SPRING] = 0
    y.run(1_500)
    y.levels[SPRING] = 1                        # charged late, but in time
    y.run(500)
    assert y.closed and not y.locks()


def test_lock_out_of_measurements_that_are_not_to_be_believed():
    y = opened(ready(rc_ready_ms=500).fault(300))
    y.stuck = {0: 1_700}
    y.run(2_000)
    y.stuck = {}
    locked_by(y, rc.MEASURE)


def test_lock_out_of_contacts_that_contradict_each_other():
    for a, b in ((1, 1), (0, 0)):
        y = opened(ready().fault(300))
        y.levels[A52], y.levels[B52] = a, b
        locked_by(y, rc.CONTACTS)
    y = opened(ready().fault(300))
    y.levels[A52] = 0                           # closes, and 52a does not say so
    y.run(1_200)
    locked_by(y, rc.CONTACTS, 1)


def test_lock_out_by_a_trip_after_a_closing_by_hand():
    y = ready()
    y.order(0).run(500)
    y.fault(-1)
    y.order(1, 1).run(100)
    y.order(1).run(1_500)
    assert [up for _, up, _ in y.moves] == [0, 1, 0] and len(y.closes()) == 1
    locked_by(y, rc.ON_FAULT)


def test_while_the_slow_tier_stands_still_it_opens_and_closes_all_the_same():
    """A handshake of some seconds: the fast tier alone clears the fault."""
    y = ready()
    y.fault(300)
    slow = y.acu.slow
    y.acu.slow = lambda now_ms: True
    y.run(1_500)
    assert y.closed and len(y.closes()) == 1
    y.acu.slow = slow
    y.run(4_000)
    assert y.closed and not y.gate.locked and not y.seen("STUCK") and not y.locks()
    assert y.acu.why == ev.WHY_NONE and y.recl.state == rc.READY


def test_no_flash_write_comes_between_a_dead_time_and_its_end():
    y = ready(rc_t1_ms=3_000)
    y.fault(300)
    y.run(30)
    assert not y.acu.may_write()                # it must open
    y.run(400)
    assert y.recl.state == rc.DEAD and y.acu.may_write() and y.acu._stored
    y.run(2_000)
    assert not y.acu.may_write()                # less than two erases are left
    y.run(700)
    assert y.recl.state == rc.RECLAIM and not y.acu.may_write()
    y.run(400)
    assert y.acu.may_write()


def test_frames_that_stay_away_close_nothing():
    y = opened(ready(rc_ready_ms=500).fault(300))
    for n in range(600):                        # the converter stands; the fast tier runs on
        y.t_us += 5_000
        y.unit.clock.set(y.t_us)
        y.acu.fast(y.unit.clock.ticks_us())
        if n & 1:
            y.acu.slow(y.unit.clock.now_ms())
    assert y.recl.state == rc.LOCKED and y.recl.cause == rc.MEASURE
    assert CLOSE not in [level for _, level in y.unit.switchgear.take_drives()]


def test_dead_and_reclaim_times_over_random_phases():
    """From parting contacts to the close order, and from their touch to the end."""
    worst = []
    seed = 77
    for n in range(3):
        seed = seed * 1103 + 12345 & 0x3FFFFF
        y = ready(rc_t1_ms=600 + seed % 500)
        given = 600 + seed % 500
        y.one.turn += seed % 628 / 100
        y.run(5 * (seed % 11))
        y.fault(250).run(given + 300)
        (parts, _, _), (touches, _, _) = y.moves[-2:]
        order = y.closes()[0]
        worst.append(abs(order - parts - given))
        assert worst[-1] <= max(20, given // 100), (n, given, order - parts)
    assert len(worst) == 3


def test_the_fast_tier_allocates_nothing():
    y = ready()
    y.fault(-1)
    for _ in range(700):                        # trip, shot, trip, shot, lock-out
        y._breaker()
        y.two.u = 1.0 if y.closed else 0.0
        if y.closed:
            y.two.turn, y.two.f_hz = y.one.turn, y.one.f_hz
        y.i_a = y.fault_a if y.closed else 0.0
        y.locked_tick()
    assert y.recl.state == rc.LOCKED and y.recl.cause == rc.SHOTS and y.recl.shot == 2
