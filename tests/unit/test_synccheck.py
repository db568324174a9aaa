"""The synchronism check: each gate, both modes, dead sides, one order a request (spec, 3, 8)."""
import micropython

from acu.dsp import bay
from acu.functions import synccheck as sc
from acu.functions.sync_record import D_KIND, D_STATE, D_U2, D_VALUES
from tests.unit.tie import NO_GUARDS, Tie

LAHSH = dict(NO_GUARDS, sy_slip_mhz=200)


def permitted(tie, ms=150):
    return sc.PERMIT in tie.run(ms)


def test_truth_table_of_the_spec_with_guards_0():
    for du_bp, dd, slip, permit in (
            (490, 990, 0, True), (500, 0, 0, False), (-500, 0, 0, False), (499, 0, 0, True),
            (-499, 0, 0, True), (0, 1000, 0, False), (0, -1000, 0, False), (0, -999, 0, True),
            (0, 0, 200, False), (0, 0, -200, False), (0, 0, 199, True),
            (0, 800, 150, False), (0, -800, 150, True), (0, 800, -150, True)):
        tie = Tie(**LAHSH).live(2, 10_000 + du_bp).both(dd, slip)
        assert permitted(tie) == permit, (du_bp, dd, slip)


def test_359_degrees_are_minus_1():
    tie = Tie(**LAHSH).both(35_900, 0)
    assert permitted(tie) and tie.check.val[sc.V_ANGLE] == -100
    assert permitted(Tie(**LAHSH).both(-35_900, 0))


def test_guards_lie_inside_the_limits_and_take_30_percent_at_most():
    for changed, du_bp, dd, slip_mhz, permit in (
            ({}, 449, 0, 0, True), ({}, 450, 0, 0, False), ({}, 0, 949, 0, True),
            ({}, 0, 950, 0, False), ({}, 0, 0, 61, True), ({}, 0, 0, 62, False),
            ({"sy_du_bp": 100}, 69, 0, 0, True), ({"sy_du_bp": 100}, 70, 0, 0, False),
            ({"sy_slip_mhz": 10}, 0, 0, 6, True), ({"sy_slip_mhz": 10}, 0, 0, 7, False),
            ({"sy_ang_cdeg": 100, "gd_ang_cdeg": 300}, 0, 69, 0, True),
            ({"sy_ang_cdeg": 100, "gd_ang_cdeg": 300}, 0, 70, 0, False)):
        tie = Tie(**changed).live(2, 10_000 + du_bp).both(dd, slip_mhz)
        assert permitted(tie) == permit, (changed, du_bp, dd, slip_mhz)


def test_the_wide_guard_holds_while_the_slip_changes():
    # 67 mHz less 30 %: 46.9
    for acc, slip_mhz, permit in ((49, 61, True), (50, 61, False), (-50, -61, False),
                                  (50, 46, True), (-49, -61, True), (50, -46, True)):
        tie = Tie().both(0, slip_mhz).set(ACC=acc)
        assert permitted(tie) == permit, (acc, slip_mhz)
    tie = Tie().set(ACC=50, SLIPT=46_900)       # each of the two slips alone
    tie.run(150)
    assert tie.reasons == sc.GATE_SLIPT
    tie = Tie().set(ACC=50, SLIP=46_900)
    tie.run(150)
    assert tie.reasons == sc.GATE_SLIP


def test_voltage_of_the_island_0_to_plus_5_percent():
    for island, u1, u2, permit in ((2, 10_000, 10_000, True), (2, 10_000, 10_449, True),
                                   (2, 10_000, 9_999, False), (2, 10_000, 10_450, False),
                                   (1, 10_449, 10_000, True), (1, 9_999, 10_000, False),
                                   (1, 10_450, 10_000, False), (0, 10_449, 10_000, True)):
        tie = Tie(sy_island=island).live(1, u1).live(2, u2)
        assert permitted(tie) == permit, (island, u1, u2)


# What each gate refuses alone, and what it lets pass just beside.
EDGES = (
    ({"UAB1": 8499}, {"UAB1": 8500}, sc.GATE_LIVE1),
    ({"UBC1": 8499}, {"UBC1": 8500}, sc.GATE_LIVE1),
    ({"UCA1": 8499}, {"UCA1": 8500}, sc.GATE_LIVE1),
    ({"UAB1": 12_001}, {"UAB1": 12_000}, sc.GATE_LIVE1),
    ({"UAB2": 8499}, {"UAB2": 8500}, sc.GATE_LIVE2),
    ({"UBC2": 8499}, {"UBC2": 8500}, sc.GATE_LIVE2),
    ({"UCA2": 8499}, {"UCA2": 8500}, sc.GATE_LIVE2),
    ({"UCA2": 12_001}, {"UCA2": 12_000}, sc.GATE_LIVE2),
    ({"U2": 10_450, "U2_B": 10_450}, {"U2": 10_449, "U2_B": 10_449}, sc.GATE_DU),
    ({"U2": 9_550, "U2_B": 9_550}, {"U2": 9_551, "U2_B": 9_551}, sc.GATE_DU),
    ({"DD": 950, "DD_B": 950}, {"DD": 949, "DD_B": 949}, sc.GATE_ANGLE),
    ({"DD": -950, "DD_B": -950}, {"DD": -949, "DD_B": -949}, sc.GATE_ANGLE),
    ({"DDT": 950, "DDT80": 950}, {"DDT": 949, "DDT80": 949}, sc.GATE_TOUCH),
    ({"DDT": -950, "DDT80": -950}, {"DDT": -949, "DDT80": -949}, sc.GATE_TOUCH),
    ({"DDT": 700, "DDT80": 950}, {"DDT": 700, "DDT80": 949}, sc.GATE_TOUCH),
    ({"DDT": -700, "DDT80": -950}, {"DDT": -700, "DDT80": -949}, sc.GATE_TOUCH),
    ({"SLIP": 62_000}, {"SLIP": 61_999}, sc.GATE_SLIP),
    ({"SLIP": -62_000}, {"SLIP": -61_999}, sc.GATE_SLIP),
    ({"SLIPT": 62_000}, {"SLIPT": 61_999}, sc.GATE_SLIPT),
    ({"SLIPT": -62_000}, {"SLIPT": -61_999}, sc.GATE_SLIPT),
    ({"ACC": 1000}, {"ACC": 999}, sc.GATE_ACC),
    ({"ACC": -1000}, {"ACC": -999}, sc.GATE_ACC),
    ({"RES": 400}, {"RES": 399}, sc.GATE_RES),
    ({"RES": -1}, {"RES": 0}, sc.GATE_RES),
    ({"DDT80": 400}, {"DDT80": 399}, sc.GATE_FITS),
    ({"DDT80": -200}, {"DDT80": -199}, sc.GATE_FITS),
    ({"AGE": 60}, {"AGE": 40}, sc.GATE_AGE),
    ({"AGE": 41}, {"AGE": 40}, sc.GATE_AGE),
    ({"AGE": -1}, {"AGE": 0}, sc.GATE_AGE),
    ({"BAD": 1}, {"BAD": 0}, sc.GATE_BAD),
    ({"BAD": 128}, {"BAD": 0}, sc.GATE_BAD),
    ({"F1": 55_001, "F1_B": 55_001}, {"F1": 55_000, "F1_B": 55_000}, sc.GATE_FREQ1),
    ({"F1": 44_999, "F1_B": 44_999}, {"F1": 45_000, "F1_B": 45_000}, sc.GATE_FREQ1),
    ({"F2": 55_001, "F2_B": 55_001}, {"F2": 55_000, "F2_B": 55_000}, sc.GATE_FREQ2),
    ({"F2": 44_999, "F2_B": 44_999}, {"F2": 45_000, "F2_B": 45_000}, sc.GATE_FREQ2),
    ({"ROT1": 0}, {"ROT1": 1}, sc.GATE_ORDER1),
    ({"ROT2": 0}, {"ROT2": 1}, sc.GATE_ORDER2),
    ({"ROT2": 2}, {"ROT2": 1}, sc.GATE_ORDER2),
    ({"GOOD": 41}, {"GOOD": 42}, sc.GATE_SETTLED),
    ({"DD_B": 400}, {"DD_B": 399}, sc.GATE_B_ANGLE),
    ({"DD_B": -200}, {"DD_B": -199}, sc.GATE_B_ANGLE),
    ({"U1_B": 10_200}, {"U1_B": 10_199}, sc.GATE_B_U1),
    ({"U1_B": 9_800}, {"U1_B": 9_801}, sc.GATE_B_U1),
    ({"U2_B": 10_200}, {"U2_B": 10_199}, sc.GATE_B_U2),
    ({"U2_B": 9_800}, {"U2_B": 9_801}, sc.GATE_B_U2),
    ({"SLIP_B": 100_000}, {"SLIP_B": 99_999}, sc.GATE_B_SLIP),
    ({"SLIP_B": -100_000}, {"SLIP_B": -99_999}, sc.GATE_B_SLIP),
    ({"F1_B": 50_200}, {"F1_B": 50_199}, sc.GATE_B_SLIP),
    ({"F1_B": 49_800}, {"F1_B": 49_801}, sc.GATE_B_SLIP),
    ({"F2_B": 50_200}, {"F2_B": 50_199}, sc.GATE_B_SLIP),
    ({"F2_B": 49_800}, {"F2_B": 49_801}, sc.GATE_B_SLIP),
)


def test_each_gate_refuses_alone_and_permits_just_beside():
    for wrong, right, reason in EDGES:
        tie = Tie().set(**wrong)
        assert not permitted(tie), wrong
        assert tie.reasons == reason, (wrong, hex(tie.reasons))
        assert permitted(Tie().set(**right)), right


def test_the_two_fits_are_compared_the_short_way_round():
    for ddt, short in ((17_900, -17_950), (-17_900, 17_950)):
        tie = Tie().set(DD=ddt, DD_B=ddt, DDT=ddt, DDT80=short)
        tie.run(150)
        assert tie.reasons == sc.GATE_ANGLE | sc.GATE_TOUCH, hex(tie.reasons)


def test_positive_sequence_counts_among_the_voltages_of_a_side():
    tie = Tie().live(2, 8_600).set(U1=8_499, U1_B=8_499)
    tie.run(150)
    assert tie.reasons == sc.GATE_LIVE1
    tie = Tie().live(1, 8_600).set(U2=8_499, U2_B=8_499)
    tie.run(150)
    assert tie.reasons == sc.GATE_LIVE2


def test_the_second_estimator_may_be_10_ms_late():
    # 60 mHz: 0.216 degrees in 10 ms
    for slip, dd_b, permit in ((60, 320, True), (60, 321, False), (60, -321, False),
                               (-60, 320, True), (-60, -320, True), (-60, 321, False)):
        tie = Tie().both(0, slip).set(DD_B=dd_b)
        assert permitted(tie) == permit, (slip, dd_b)


def test_numbers_that_no_measurement_gives_refuse():
    # the most negative of 32 bits has no magnitude; CPython's arrays do not wrap
    least = -0x40000000 if getattr(micropython, "stand_in", False) else -0x7FFFFFFF - 1
    for name in ("U1", "UAB2", "DD", "DDT", "SLIP", "SLIPT", "ACC", "RES", "DDT80", "DD_B", "U1_B",
                 "SLIP_B", "F1", "F2_B", "GOOD", "AGE", "BAD", "ROT1"):
        for value in (least, least + 1):
            if name in ("DD", "DDT", "DDT80", "DD_B") and value % 36_000 < 900:
                continue
            tie = Tie().set(**{name: value})
            assert not permitted(tie), (name, value)


def test_measurements_of_the_tick_before_are_stale():
    tie = Tie()
    assert permitted(tie)
    assert tie.check.step() == sc.NOTHING       # q was not filled anew
    assert tie.check.st[sc.S_WHY] & sc.GATE_AGE


def test_alarms_refuse():
    for alarms, reason in ((1, sc.GATE_FUSE), (2, sc.GATE_FUSE), (4, sc.GATE_ONE_VT),
                           (8, sc.GATE_WIRING), (0x10, sc.GATE_WIRING), (0x20, sc.GATE_WIRING),
                           (0x40, sc.GATE_WIRING)):
        for mode in (0, sc.CHECK, sc.SYNC):
            tie = Tie()
            tie.vt.restore(alarms)
            tie.check.request(mode, 1000)
            assert set(tie.run(150)) == {0}, alarms
            assert tie.reasons == reason


def test_block_refuses_until_it_is_taken_away():
    for mode, answer in ((0, sc.PERMIT), (sc.CHECK, sc.CLOSE), (sc.SYNC, sc.CLOSE)):
        tie = Tie()
        tie.check.block(0x10)
        tie.check.request(mode, 1000)
        assert set(tie.run(150)) == {0} and tie.reasons == sc.GATE_BLOCKED
        tie.check.block(0)
        assert answer in tie.run(150)


def test_dwell_is_20_ticks_and_any_false_begins_it_again():
    tie = Tie()
    assert tie.run(100) == [0] * 19 + [1]
    tie = Tie()
    assert tie.run(80) == [0] * 16
    tie.set(U2=9_000).run(5)
    tie.set(U2=10_000)
    assert tie.run(100) == [0] * 19 + [1]


def test_a_permit_falls_at_once_and_ends_after_10_s():
    tie = Tie()
    said = tie.run(10_300)
    n = said.index(0, 19)
    assert n == 20 + 2000           # and it is earned anew
    assert said[n:n + 20] == [0] * 20 and said[n + 20] == 1
    tie.set(RES=400)
    assert tie.tick() == sc.NOTHING


def test_one_order_a_request_and_only_then():
    tie = Tie()
    assert set(tie.run(500)) == {0, 1}
    assert not tie.check.may_close()            # a permit is no order
    assert tie.check.request(sc.CHECK, 1000) and tie.check.waiting()
    assert not tie.check.request(sc.CHECK, 1000)
    assert tie.tick() == sc.CLOSE and tie.check.may_close()
    assert tie.result == sc.ORDERED and not tie.check.waiting()
    assert tie.tick() == sc.NOTHING and not tie.check.may_close()
    assert tie.run(95)[-1] == sc.PERMIT         # earned anew
    assert sc.CLOSE not in tie.run(1000)


def test_the_order_counts_in_its_own_tick_only():
    tie = Tie()
    tie.run(200)
    tie.check.request(sc.CHECK, 1000)
    tie.tick()
    assert tie.check.may_close()
    tie.check.block(1)
    assert not tie.check.may_close()
    tie.check.block(0)
    tie.check.cancel()
    assert not tie.check.may_close()
    tie = Tie()
    tie.run(200)
    tie.check.request(sc.CHECK, 1000)
    tie.tick()
    tie.q[bay.SEQ] += 1                         # measured on, and nobody stepped
    assert not tie.check.may_close()
    tie = Tie()
    tie.run(200)
    tie.check.request(sc.CHECK, 1000)
    tie.tick()
    tie.check.step()                            # stepped on, and nothing was measured
    assert not tie.check.may_close()


def test_nothing_is_ordered_before_the_first_tick():
    tie = Tie()
    assert not tie.check.may_close()
    tie.set(SEQ=-1)
    assert not tie.check.may_close()


def test_a_request_ends_by_its_time_and_keeps_the_reasons():
    tie = Tie().set(RES=400)
    tie.check.request(sc.CHECK, 500)
    tie.set(SLIP=62_000)
    tie.run(250)
    tie.set(SLIP=0)
    assert tie.run(245)[-1] == 0 and tie.check.waiting()
    tie.tick()
    assert tie.result == sc.TIMED_OUT and not tie.check.waiting()
    assert tie.check.st[sc.S_ALWAYS] == sc.GATE_RES == tie.reasons
    assert tie.records() == [(sc.KIND_WAIT, sc.GATE_RES | sc.GATE_SLIP),
                             (sc.KIND_TIMEOUT, sc.GATE_RES)]
    tie.set(RES=0)
    assert sc.CLOSE not in tie.run(1000)


def test_a_cancelled_request_orders_nothing():
    tie = Tie().set(RES=400)
    tie.check.request(sc.CHECK, 5000)
    tie.run(100)
    tie.check.cancel()
    assert not tie.check.waiting()
    assert sc.CLOSE not in tie.set(RES=0).run(1000)
    assert tie.result == sc.CANCELLED
    assert (sc.KIND_CANCEL, sc.GATE_DWELL) in tie.records()
    tie.check.request(sc.CHECK, 5000)           # not yet taken
    tie.check.cancel()
    assert sc.CLOSE not in tie.run(1000)
    tie.check.request(sc.SYNC, 5000)            # cancelled and asked anew in one tick
    tie.run(5)
    tie.check.cancel()
    assert tie.check.request(sc.CHECK, 5000)
    assert sc.CLOSE in tie.run(200)


def test_what_is_no_request():
    tie = Tie()
    for mode, wait_ms in ((0, 1000), (3, 1000), (-1, 1000), (sc.CHECK, 0), (sc.CHECK, -5)):
        assert not tie.check.request(mode, wait_ms)
    assert sc.CLOSE not in tie.run(500)


def closing(slip_mhz, start_cdeg, **changed):
    """A synchronising close at this slip from this angle; the tie after it."""
    tie = Tie(sy_slip_mhz=300, **changed)
    tie.set(DD=start_cdeg)
    tie.check.request(sc.SYNC, 60_000)
    said = tie.turn(60_000, slip_mhz)
    assert said[-1] == sc.CLOSE, slip_mhz
    return tie


def test_synchronising_close_touches_within_half_a_tick_of_0():
    for t_ms in (40, 60, 250):
        for slip in (20, 50, 100, 240, 290):
            for sign in (1, -1):
                tie = closing(sign * slip, sign * -4000, t_close_ms=t_ms)
                half = 36 * slip * 5 // 2000 + 2
                assert abs(tie.q[bay.DDT]) <= half, (t_ms, slip, tie.q[bay.DDT])
                # in the lead by the way of the breaker's time
                lead = 36 * slip * t_ms // 1000
                assert -sign * tie.q[bay.DD] > 0 or lead < half
                assert abs(abs(tie.q[bay.DD]) - lead) <= half + 1


def test_synchronising_close_never_after_the_angle_has_gone_by():
    # dwell ends when the touch would be 1.5 degrees late: it waits for the next time
    tie = Tie(sy_slip_mhz=300).both(-200, 100, 150)
    tie.check.request(sc.SYNC, 60_000)
    assert sc.CLOSE not in tie.run(500) and tie.reasons == sc.GATE_AIM
    assert tie.both(-200, 100, 149).tick() == sc.CLOSE
    tie = Tie(sy_slip_mhz=300).both(200, -100, -150)
    tie.check.request(sc.SYNC, 60_000)
    assert sc.CLOSE not in tie.run(500)
    assert tie.both(200, -100, -149).tick() == sc.CLOSE


def test_synchronising_close_waits_for_the_nearest_tick():
    # at 100 mHz half a tick is 0.09 degrees
    for sign in (1, -1):
        tie = Tie(sy_slip_mhz=300).both(-300 * sign, 100 * sign, -10 * sign)
        tie.check.request(sc.SYNC, 60_000)
        assert sc.CLOSE not in tie.run(500) and tie.reasons == sc.GATE_AIM
        assert tie.both(-300 * sign, 100 * sign, -9 * sign).tick() == sc.CLOSE


def test_with_hardly_any_slip_it_closes_at_once_inside_the_aim():
    for slip_uhz, ddt, answer in ((0, 149, 2), (0, -149, 2), (0, 150, 0), (0, -150, 0),
                                  (9_999, -149, 2), (10_000, -149, 0), (-9_999, 149, 2),
                                  (-10_000, 149, 0)):
        tie = Tie().set(SLIPT=slip_uhz, DDT=ddt, DDT80=ddt)
        tie.check.request(sc.SYNC, 60_000)
        tie.run(100)
        assert (tie.result == sc.ORDERED) == (answer == 2), (slip_uhz, ddt)


def test_synchronising_close_needs_every_gate_but_the_angles():
    for wrong, _, reason in EDGES:
        if reason in (sc.GATE_ANGLE, sc.GATE_TOUCH):
            continue
        tie = Tie().set(**wrong)        # hardly any slip, 1 degree: it would close at once
        tie.check.request(sc.SYNC, 60_000)
        assert sc.CLOSE not in tie.run(200), wrong
        assert tie.reasons == reason, (wrong, hex(tie.reasons))


def test_synchronising_close_dwells_too():
    tie = Tie().both(0, 0)
    tie.check.request(sc.SYNC, 60_000)
    assert tie.run(100) == [0] * 19 + [2]
    tie = Tie()                                 # the touch is 10 degrees away
    tie.both(1000, 0)
    tie.check.request(sc.SYNC, 60_000)
    tie.run(500)
    tie.both(0, 0).set(RES=400).tick()
    tie.set(RES=0)
    assert tie.run(100) == [0] * 19 + [2]


def test_dead_sides_close_only_where_it_is_allowed_and_after_dead_ms():
    for mode in range(8):
        for dead, bit in (((1,), 1), ((2,), 2), ((1, 2), 4)):
            tie = Tie(dead_mode=mode, dead_ms=500)
            for side in dead:
                tie.dead(side)
            tie.check.request(sc.CHECK, 60_000)
            said = tie.run(600)
            if mode & bit:
                assert said.index(sc.CLOSE) == 99, (mode, dead)
            else:
                assert set(said) == {0} and tie.reasons == sc.GATE_DEAD_MODE, (mode, dead)


def test_between_dead_and_live_nothing_closes():
    for bp in (2001, 5000, 8499):
        for side in (1, 2):
            tie = Tie(dead_mode=7).dead(side).live(side, bp)
            assert set(tie.run(2000)) == {0}
            assert tie.reasons & (sc.GATE_LIVE1, sc.GATE_LIVE2)[side - 1]
    for side, other in ((1, 2), (2, 1)):       # dead one side, the other neither
        tie = Tie(dead_mode=7).dead(side).live(other, 8_499)
        assert set(tie.run(2000)) == {0}
    assert sc.PERMIT in Tie(dead_mode=2).dead(2, 2000).run(1100)
    for name in ("UAB2", "UBC2", "UCA2", "U2"):    # one voltage is enough to be alive
        assert set(Tie(dead_mode=7).dead(2).set(**{name: 2001}).run(2000)) == {0}, name
    assert set(Tie(dead_mode=7).dead(2).set(UAB2=-1).run(2000)) == {0}


def test_what_holds_a_closing_onto_a_dead_side_off():
    for wrong, reason in (
            ({"AGE": 41}, sc.GATE_AGE), ({"BAD": 4}, sc.GATE_BAD),
            ({"U2_B": 2001}, sc.GATE_DEAD_SIDE), ({"U2_B": -1}, sc.GATE_DEAD_SIDE),
            ({"F1": 44_999, "F1_B": 44_999}, sc.GATE_DEAD_SIDE), ({"ROT1": 0}, sc.GATE_DEAD_SIDE),
            ({"U1_B": 9_800}, sc.GATE_DEAD_SIDE), ({"CALM1": 41}, sc.GATE_DEAD_SIDE)):
        tie = Tie(dead_mode=7).dead(2)
        tie.set(**wrong)
        assert set(tie.run(1500)) == {0}, wrong
        assert tie.reasons == reason, (wrong, hex(tie.reasons))
    for wrong in ({"U1_B": 2001}, {"F2": 55_001}, {"ROT2": 0}, {"U2_B": 9_800}, {"CALM2": 41}):
        tie = Tie(dead_mode=7).dead(1)
        tie.set(**wrong)
        assert set(tie.run(1500)) == {0} and tie.reasons == sc.GATE_DEAD_SIDE, wrong
    for alarms, reason in ((1, sc.GATE_FUSE), (2, sc.GATE_FUSE), (4, sc.GATE_ONE_VT),
                           (8, sc.GATE_WIRING)):
        tie = Tie(dead_mode=7).dead(2)
        tie.vt.restore(alarms)
        assert set(tie.run(1500)) == {0} and tie.reasons == reason, alarms
    tie = Tie(dead_mode=7).dead(2)
    tie.check.block(1)
    assert set(tie.run(1500)) == {0} and tie.reasons == sc.GATE_BLOCKED


def test_a_side_must_be_dead_all_the_time_and_the_same_side():
    tie = Tie(dead_mode=7).dead(2)
    tie.run(900)
    tie.live(2).tick()
    tie.dead(2)
    assert set(tie.run(995)) == {0} and tie.tick() == sc.PERMIT
    tie = Tie(dead_mode=7).dead(2)
    tie.run(900)
    tie.dead(1)                                 # now both are
    assert set(tie.run(995)) == {0} and tie.tick() == sc.PERMIT
    said = tie.run(11_000)                      # and it ends like the other permit
    assert 0 in said


def test_records_tell_every_value_of_a_permit_its_loss_and_an_order():
    tie = Tie().live(2, 10_100)
    tie.run(200)
    tie.set(RES=400).tick()
    tie.set(RES=0)
    tie.check.request(sc.CHECK, 5000)
    tie.run(200)
    assert tie.records() == [(sc.KIND_PERMIT, 0), (sc.KIND_LOST, sc.GATE_RES),
                             (sc.KIND_WAIT, sc.GATE_DWELL), (sc.KIND_ORDER, 0),
                             (sc.KIND_PERMIT, 0)]
    d = tie.check.decision
    assert d[D_U2] == 10_100 and d[D_VALUES + sc.V_DU] == 100 and d[D_VALUES + sc.V_GOOD] == 1000
    assert len(d) == D_VALUES + sc.NV and D_VALUES == D_STATE + sc.NS


def test_records_wait_eight_deep_and_the_lost_are_counted():
    tie = Tie()
    for _ in range(12):
        tie.set(RES=0).run(100)
        tie.set(RES=400).tick()
    assert len(tie.records()) == 8 and tie.check._records.lost == 16
    assert tie.check.decision[D_KIND] == sc.KIND_LOST
    assert not tie.check.pop()


def test_limits_without_a_gate_are_not_taken():
    tie = Tie()
    for value in range(sc.NV):
        par = tie.par[:]
        par[3 * value + 2] = 0
        try:
            sc.SyncCheck(par, tie.q, tie.vt.st)
        except ValueError:
            continue
        raise AssertionError(value)


def test_a_tick_allocates_nothing():
    tie = Tie(dead_mode=7)
    tie.run(100)
    plays = (lambda: tie.check.request(sc.SYNC, 100), lambda: tie.dead(2), lambda: tie.live(2),
             lambda: tie.set(GOOD=100).check.request(sc.CHECK, 1000), tie.check.cancel)
    for play in plays:
        play()
        for _ in range(30):
            seq = (tie.q[bay.SEQ] + 1) & 0x1FFFFFFF
            tie.q[bay.SEQ] = seq
            micropython.heap_lock()
            tie.vt.step(0)
            tie.check.step()
            tie.check.may_close()
            micropython.heap_unlock()


# The same gates, written down once more as the spec and the settings say them.

def _wrap(cdeg):
    return (cdeg + 18_000) % 36_000 - 18_000


def _inside(setting, guard):
    return setting - min(guard, setting * 30 // 100)


def reference(q, full, alarms, block, seq_before):  # noqa: C901
    """(reasons, dead) of one tick."""
    why = 0
    live = [False, False]
    dead = [False, False]
    for k, (places, reason) in enumerate((((0, 2, 3, 4), sc.GATE_LIVE1),
                                          ((1, 5, 6, 7), sc.GATE_LIVE2))):
        u = [q[p] for p in places]
        live[k] = min(u) >= 10 * full["u_live_pm"] and max(u) <= 10 * full["u_high_pm"]
        dead[k] = min(u) >= 0 and max(u) <= 10 * full["u_dead_pm"]
        if not live[k]:
            why |= reason
    du = q[bay.U2] - q[bay.U1]
    limit = _inside(full["sy_du_bp"], full["gd_du_bp"])
    if full["sy_island"] == 0 and not abs(du) < limit:
        why |= sc.GATE_DU
    if full["sy_island"] == 1 and not 0 <= -du < limit:
        why |= sc.GATE_DU
    if full["sy_island"] == 2 and not 0 <= du < limit:
        why |= sc.GATE_DU
    limit = _inside(full["sy_ang_cdeg"], full["gd_ang_cdeg"])
    dd, ddt = _wrap(q[bay.DD]), _wrap(q[bay.DDT])
    if not abs(dd) < limit:
        why |= sc.GATE_ANGLE
    if not abs(ddt) < limit:
        why |= sc.GATE_TOUCH
    if not abs(_wrap(q[bay.DDT80])) < limit:
        why |= sc.GATE_TOUCH
    guard = full["gd_slip_mhz"]
    if abs(q[bay.ACC]) >= full["gd_calm_mhzs"]:
        guard = max(guard, full["gd_swing_mhz"])
    limit = _inside(1000 * full["sy_slip_mhz"], 1000 * guard)
    if not abs(q[bay.SLIP]) < limit:
        why |= sc.GATE_SLIP
    if not abs(q[bay.SLIPT]) < limit:
        why |= sc.GATE_SLIPT
    if not abs(q[bay.ACC]) < full["sy_acc_mhzs"]:
        why |= sc.GATE_ACC
    if not 0 <= q[bay.RES] < 400:
        why |= sc.GATE_RES
    if not abs(_wrap(q[bay.DDT80] - ddt)) < 300:
        why |= sc.GATE_FITS
    if not 0 <= q[bay.AGE] <= 40 or q[bay.SEQ] == seq_before:
        why |= sc.GATE_AGE
    if q[bay.BAD]:
        why |= sc.GATE_BAD
    hurt = [False, False]
    for k in range(2):
        f = q[bay.F1 + k]
        wrong = 0
        if abs(f - full["fn_mhz"]) > full["f_win_mhz"]:
            wrong |= sc.GATE_FREQ1 << k
        if q[bay.ROT1 + k] != 1:
            wrong |= sc.GATE_ORDER1 << k
        if not abs(q[bay.U1_B + k] - q[bay.U1 + k]) < 200:
            wrong |= sc.GATE_B_U1 << k
        if not abs(q[bay.F1_B + k] - f) < 200:
            why |= sc.GATE_B_SLIP
        why |= wrong
        if dead[k]:
            hurt[k] = not 0 <= q[bay.U1_B + k] <= 10 * full["u_dead_pm"]
        else:
            hurt[k] = wrong != 0 or q[bay.CALM1 + k] < 42
    if q[bay.GOOD] < 42:
        why |= sc.GATE_SETTLED
    if not abs(_wrap(q[bay.DD_B] - dd)) < 300 + abs(q[bay.SLIP]) // 2778:
        why |= sc.GATE_B_ANGLE
    if not abs(q[bay.SLIP_B] - q[bay.SLIP]) < 100_000:
        why |= sc.GATE_B_SLIP
    if alarms & 3:
        why |= sc.GATE_FUSE
    if alarms & 4:
        why |= sc.GATE_ONE_VT
    if alarms & 0x78:
        why |= sc.GATE_WIRING
    if block:
        why |= sc.GATE_BLOCKED
    if dead[0] and dead[1]:
        pair = 4
    elif dead[0] and live[1]:
        pair = 1
    elif live[0] and dead[1]:
        pair = 2
    else:
        pair = 0
    if not pair & full["dead_mode"]:
        why |= sc.GATE_DEAD_MODE
    if hurt[0] or hurt[1]:
        why |= sc.GATE_DEAD_SIDE
    return why, pair


class Dice:
    """The same numbers in either Python (a linear congruence, modulus 2^24)."""

    def __init__(self, seed):
        self._x = seed

    def roll(self, n):
        self._x = (self._x * 1_140_671 + 12_820_163) & 0xFFFFFF
        return (self._x >> 4) % n

    def of(self, choices):
        return choices[self.roll(len(choices))]


SETTINGS = ({}, {"sy_island": 1, "dead_mode": 7}, {"sy_island": 2, "dead_mode": 1},
            dict(NO_GUARDS, dead_mode=2), {"sy_slip_mhz": 10, "sy_ang_cdeg": 300, "dead_mode": 4},
            {"gd_slip_mhz": 60, "gd_swing_mhz": 0, "u_live_pm": 700, "u_dead_pm": 400})


def test_gates_are_those_of_a_plain_reference_at_and_beside_every_limit():
    dice = Dice(25)
    seen = 0
    for changed in SETTINGS:
        tie = Tie(**changed)
        full, q = tie.full, tie.q
        du = _inside(full["sy_du_bp"], full["gd_du_bp"])
        ang = _inside(full["sy_ang_cdeg"], full["gd_ang_cdeg"])
        slips = [_inside(1000 * full["sy_slip_mhz"], 1000 * full[g])
                 for g in ("gd_slip_mhz", "gd_swing_mhz")]
        live, high, low = full["u_live_pm"] * 10, full["u_high_pm"] * 10, full["u_dead_pm"] * 10
        f_win, acc, calm = full["f_win_mhz"], full["sy_acc_mhzs"], full["gd_calm_mhzs"]
        edges = ((0, live, high, low), (0, live, high, low)) + ((0, live, high, low),) * 6
        alarms = block = 0
        for n in range(400):
            # mostly one or two things change, so that many masks have few bits
            if n % 40 == 0:
                tie.live(1).live(2).both(0, 0).set(
                    ACC=0, RES=0, AGE=5, BAD=0, GOOD=100, CALM1=100, CALM2=100)
                alarms = block = 0
            for _ in range(1 + dice.roll(3)):
                near = dice.roll(3) - 1
                sign = dice.roll(2) * 2 - 1
                what = dice.roll(24)
                if what < 8:
                    q[what] = dice.of(edges[what]) + near
                elif what == 8:
                    q[bay.U1] = live + 300
                    q[bay.U2] = live + 300 + sign * dice.of((0, du)) + near
                    q[bay.U1_B + dice.roll(2)] = live + 300
                elif what == 9:
                    q[bay.DD] = sign * dice.of((0, ang, 36_000 - ang, 18_000)) + near
                elif what == 10:
                    q[bay.DDT] = sign * dice.of((0, ang, 36_000 - ang, 17_950)) + near
                elif what == 11:
                    q[bay.DDT80] = q[bay.DDT] + sign * dice.of((0, 300, 36_000)) + near
                elif what == 12:
                    q[bay.DD_B] = q[bay.DD] + sign * (
                        300 + dice.of((0, 1)) * (abs(q[bay.SLIP]) // 2778)) + near
                elif what == 13:
                    q[bay.SLIP + dice.of((0, 3))] = sign * dice.of(slips) + near
                elif what == 14:
                    q[bay.SLIP_B] = q[bay.SLIP] + sign * dice.of((0, 100_000)) + near
                elif what == 15:
                    q[bay.ACC] = sign * dice.of((0, calm, acc)) + near
                elif what == 16:
                    q[bay.RES] = dice.of((0, 400)) + near
                elif what == 17:
                    q[bay.F1 + dice.roll(2)] = 50_000 + sign * dice.of((0, f_win)) + near
                elif what == 18:
                    k = dice.roll(2)
                    q[bay.F1_B + k] = q[bay.F1 + k] + sign * dice.of((0, 200)) + near
                    q[bay.U1_B + k] = q[bay.U1 + k] + sign * dice.of((0, 200)) + near
                elif what == 19:
                    q[dice.of((bay.GOOD, bay.CALM1, bay.CALM2))] = 42 + near
                elif what == 20:
                    q[bay.AGE] = dice.of((0, 40)) + near
                    q[bay.BAD] = dice.of((0, 0, 1 << dice.roll(8)))
                elif what < 23:
                    tie.dead(1 + dice.roll(2), low + min(near, 0))
                else:
                    q[bay.ROT1 + dice.roll(2)] = near if dice.roll(2) else 1
                    alarms = dice.of((0, 0, 1 << dice.roll(7)))
                    block = dice.of((0, 0, 8))
            before = tie.check.st[sc.S_SEQ]
            if dice.roll(8):
                q[bay.SEQ] += 1
            tie.vt.st[0] = alarms
            tie.check.block(block)
            tie.check.step()
            st = tie.check.st
            assert (st[sc.S_WHY], st[sc.S_DEAD]) == reference(q, full, alarms, block, before), n
            seen |= ~st[sc.S_WHY] & 0x7FFFFFF
    assert seen == 0x7FFFFFF        # every gate has held now and then
