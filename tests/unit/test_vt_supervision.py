"""VT supervision: what is a blown fuse, what is a dead line, and what is wired wrong."""
import micropython

from acu.dsp import bay
from acu.functions import synccheck as sc
from acu.functions import vt_supervision as vt
from tests.unit.tie import Tie

# Line voltages of a side with one fuse gone: of two transformers in V (A, B, C), of three in star.
ONE_FUSE = ((0, 10_000, 10_000), (5_000, 5_000, 10_000), (10_000, 0, 10_000),
            (5_770, 10_000, 5_770))


def lines(tie, side, u):
    for name, bp in zip(("UAB%d", "UBC%d", "UCA%d"), u):
        tie.q[getattr(bay, name % side)] = bp
    tie.q[getattr(bay, "U%d" % side)] = sum(u) // 3
    tie.q[getattr(bay, "CALM%d" % side)] = 0
    return tie.set(GOOD=0)


def current(tie, ma, i2_ma=0):
    return tie.set(IA=ma, IB=ma, IC=ma, I1=ma, I2=i2_ma)


def closed_tie(ma=200, **changed):
    tie = current(Tie(**changed), ma).both(0, 0)
    tie.closed = 1
    tie.run(100)
    return tie


def alarms(tie):
    return tie.vt.st[vt.S_ALARMS]


def ms_to(tie, mask, most_ms=30_000):
    """ms until these alarms stand; -1: never."""
    for n in range(most_ms // 5):
        tie.tick()
        if alarms(tie) & mask == mask:
            return 5 * n + 5
    return -1


def test_two_healthy_nets_give_no_alarm_open_or_closed():
    tie = Tie()
    tie.run(15_000)
    assert alarms(tie) == 0
    tie = closed_tie()
    tie.run(15_000)
    assert alarms(tie) == 0


def test_one_fuse_while_closed_is_seen_in_60_ms_and_named():
    for u in ONE_FUSE:
        for side in (1, 2):
            for ma in (0, 200):
                tie = lines(closed_tie(ma), side, u)
                assert ms_to(tie, side) == 60 and alarms(tie) == side, (u, side, ma)


def test_one_fuse_while_open_is_seen_in_1_s():
    for u in ONE_FUSE:
        for side in (1, 2):
            tie = lines(Tie(), side, u)
            assert ms_to(tie, side) == 1000 and alarms(tie) == side, (u, side)


def test_an_uneven_net_is_no_fuse():
    # a short circuit between two phases: both sides show it, and the currents
    tie = lines(lines(current(closed_tie(), 3_000, 1_500), 1, ONE_FUSE[3]), 2, ONE_FUSE[3])
    tie.run(5000)
    assert alarms(tie) == 0
    # one that is cleared in half a second, at an open breaker
    tie = lines(Tie(), 1, ONE_FUSE[3])
    tie.run(900)
    tie.live(1).run(5000)
    assert alarms(tie) == 0
    # just below a quarter
    for closed in (0, 1):
        tie = closed_tie() if closed else Tie()
        lines(tie, 1, (7_501, 10_000, 10_000)).run(5000)
        assert alarms(tie) == 0
    assert ms_to(lines(closed_tie(), 1, (7_500, 10_000, 10_000)), 1) == 60
    # contacts that do not tell, and no current
    tie = lines(Tie(), 1, ONE_FUSE[0])
    tie.closed = -1
    tie.run(5000)
    assert alarms(tie) == 0


def test_currents_tell_where_there_is_no_other_side():
    # side 2 has lost its own already; now one fuse of side 1, the load is even
    tie = closed_tie()
    tie.dead(2)
    assert ms_to(tie, 2) == 30
    lines(tie, 1, ONE_FUSE[3])
    assert ms_to(tie, 1) == 60
    tie = closed_tie()                      # and if it is not, it is a fault
    tie.dead(2).run(100)
    lines(current(tie, 3_000, 900), 1, ONE_FUSE[3]).run(5000)
    assert alarms(tie) == 2
    tie = closed_tie()                      # 30 % of the load
    tie.dead(2).run(100)
    lines(current(tie, 3_000, 899), 1, ONE_FUSE[3]).run(5000)
    assert alarms(tie) == 3
    tie = closed_tie(60)                    # a small I2 is none
    tie.dead(2).run(100)
    lines(current(tie, 60, 49), 1, ONE_FUSE[3]).run(5000)
    assert alarms(tie) == 3


def test_all_fuses_of_a_side_while_closed_or_while_current_flows():
    for side in (1, 2):
        tie = closed_tie()
        assert ms_to(tie.dead(side), side) == 30 and alarms(tie) == side
        tie = closed_tie(0)                 # no load: the contacts tell
        assert ms_to(tie.dead(side), side) == 30
        tie = current(Tie(), 50)            # wrong contacts: the current tells
        assert ms_to(tie.dead(side), side) == 30
        tie = current(Tie(), 49)
        assert ms_to(tie.dead(side), side, 3000) == -1


def test_current_of_any_phase_tells():
    for name in ("IA", "IB", "IC"):
        tie = Tie().set(**{name: 50})
        assert ms_to(tie.dead(2), 2) == 30, name


def test_a_dip_of_both_sides_is_no_fuse():
    tie = closed_tie(3_000)
    tie.dead(1).live(2, 4_999).run(3000)
    assert alarms(tie) == 0
    tie = closed_tie(3_000)
    assert ms_to(tie.dead(1).live(2, 5_000), 1) == 30


def test_both_sides_lost_while_the_load_flows_on():
    tie = closed_tie(1000)
    assert ms_to(current(tie.dead(1).dead(2), 1299), 3) == 60
    for ma in (1300, 700, 40):              # a short circuit; a line that was switched off
        tie = closed_tie(1000)
        current(tie.dead(1).dead(2), ma).run(5000)
        assert alarms(tie) == 0, ma
    tie = closed_tie(49)                    # no load worth the name
    tie.dead(1).dead(2).run(5000)
    assert alarms(tie) == 0


def test_a_line_that_dies_while_the_breaker_is_open_is_dead():
    tie = Tie(dead_mode=7)
    tie.run(100)
    said = tie.dead(2).run(1100)
    assert alarms(tie) == 0 and said[-1] == sc.PERMIT


def test_a_fuse_is_no_dead_line_after_the_breaker_has_opened():
    tie = closed_tie(dead_mode=7)
    current(tie.dead(2), 200).run(50)
    current(tie, 0)
    tie.closed = 0
    assert sc.PERMIT not in tie.run(10_000) and tie.reasons & sc.GATE_FUSE
    # nor if the fuses go one after another at an open breaker
    tie = lines(Tie(dead_mode=7), 2, ONE_FUSE[3])
    tie.run(1000)
    assert sc.PERMIT not in tie.dead(2).run(10_000) and tie.reasons & sc.GATE_FUSE


def test_a_fuse_alarm_ends_after_5_s_of_health_or_at_the_console():
    tie = lines(Tie(), 2, ONE_FUSE[0])
    tie.run(1000)
    lines(tie, 2, (9_000, 10_000, 10_000)).run(20_000)     # not yet even
    assert alarms(tie) == vt.FUSE2
    lines(tie, 2, (8_499, 8_499, 8_499)).run(20_000)       # even, not live
    assert alarms(tie) == vt.FUSE2
    tie.live(2).run(4995)
    assert alarms(tie) == vt.FUSE2
    tie.set(UAB2=8_000).run(5)
    tie.live(2).run(4995)
    assert alarms(tie) == vt.FUSE2
    tie.tick()
    assert alarms(tie) == 0
    tie = lines(Tie(), 2, ONE_FUSE[0])
    tie.run(2000)
    tie.vt.reset()
    tie.tick()
    assert alarms(tie) == 0
    assert ms_to(tie, vt.FUSE2) == 995                     # still there


def test_wrong_wiring_seen_while_closed():
    for dd, alarm in ((1_500, vt.ANGLE), (-1_500, vt.ANGLE), (12_000, vt.ANGLE),
                      (-18_000, vt.ANGLE), (1_499, 0)):
        tie = closed_tie().both(dd, 0)
        assert ms_to(tie, vt.ANGLE, 3000) == (1000 if alarm else -1), dd
    tie = closed_tie(0).both(12_000, 0)                    # by the contacts alone
    assert ms_to(tie, vt.ANGLE, 3000) == 1000
    tie = closed_tie().both(12_000, 0)                     # by the current alone
    tie.closed = 0
    assert ms_to(tie, vt.ANGLE, 3000) == 1000


def test_wrong_ratio_seen_while_closed():
    for u2, alarm in ((11_000, True), (9_000, True), (10_999, False)):
        tie = closed_tie().live(2, u2)
        assert ms_to(tie, vt.RATIO, 3000) == (1000 if alarm else -1), u2


def test_what_is_not_settled_or_not_live_proves_no_wiring():
    for name, value in (("GOOD", 41), ("UAB1", 8_499), ("UBC2", 8_499)):
        tie = closed_tie().both(12_000, 0).set(**{name: value})
        tie.run(3000)
        assert alarms(tie) == 0, name
    tie = Tie().both(12_000, 100)                          # two nets drift past
    tie.run(15_000)
    assert alarms(tie) == 0


def test_wrong_wiring_seen_while_open_by_sides_that_stand_still():
    for dd in (-12_000, 18_000, 6_000, 10_500, 13_499):
        tie = Tie().both(dd, 0)
        assert ms_to(tie, vt.ANGLE) == 10_005, dd
    for dd in (0, 4_500, 9_000, 10_499, 13_500):
        tie = Tie().both(dd, 0)
        assert ms_to(tie, vt.ANGLE, 11_000) == -1, dd
    for uhz in (5_000, -5_000):
        tie = Tie().both(12_000, 0).set(SLIP=uhz)
        assert ms_to(tie, vt.ANGLE, 11_000) == -1
        tie.set(SLIP=uhz // 5_000 * 4_999)
        assert ms_to(tie, vt.ANGLE) == 10_000
    tie = Tie().both(12_000, 0)                            # contacts that do not tell
    tie.closed = -1
    assert ms_to(tie, vt.ANGLE, 11_000) == -1


def test_sides_that_move_3_degrees_do_not_stand_still():
    tie = Tie().both(12_000, 0)
    for n in range(2000):
        tie.set(DD=12_000 + n * 299 // 2000).tick()
    tie.tick()
    assert alarms(tie) == vt.ANGLE
    for sign in (1, -1):
        tie = Tie().both(12_000, 0)
        for n in range(4000):
            tie.set(DD=12_000 + sign * (n * 310 // 2000)).tick()
        assert alarms(tie) == 0


def test_a_wiring_alarm_ends_only_closed_and_equal_or_at_the_console():
    tie = Tie().both(12_000, 0)
    tie.run(10_100)
    tie.both(0, 50).run(20_000)                            # looks right now, and proves nothing
    assert alarms(tie) == vt.ANGLE
    tie.closed = 1
    tie.both(500, 0).run(20_000)
    assert alarms(tie) == vt.ANGLE
    tie.both(499, 0).run(5000)
    assert alarms(tie) == 0
    tie = closed_tie().live(2, 11_000)
    tie.run(2000)
    tie.live(2, 10_500).run(20_000)
    assert alarms(tie) == vt.RATIO
    tie.live(2, 10_499).run(5000)
    assert alarms(tie) == 0


def test_phase_order_of_each_side():
    for side, alarm in ((1, vt.ORDER1), (2, vt.ORDER2)):
        tie = Tie().set(**{"ROT%d" % side: -1})
        assert ms_to(tie, alarm) == 100 and alarms(tie) == alarm
        tie.set(**{"ROT%d" % side: 0}).run(20_000)         # weak: it proves nothing
        assert alarms(tie) == alarm
        tie.set(**{"ROT%d" % side: 1}).run(5000)
        assert alarms(tie) == 0
    tie = Tie().set(ROT1=0)
    tie.run(5000)
    assert alarms(tie) == 0


def test_one_transformer_on_both_sides():
    assert Tie().par[sc.P_VT_SAME] == 12_000               # a minute
    one = Tie(vt_same_ms=2000).both(3, 0)
    assert ms_to(one, vt.ONE_VT, 3000) == 2000
    assert not one.run(500)[-1] and one.reasons == sc.GATE_ONE_VT
    for changed in ({"DD": 4}, {"DD": -4}, {"U2": 10_011}, {"U1": 10_011}, {"UAB2": 10_011},
                    {"UBC1": 10_011}, {"UCA2": 9_989}):
        tie = Tie(vt_same_ms=2000).both(0, 0).set(**changed)
        assert ms_to(tie, vt.ONE_VT, 3000) == -1, changed
    for changed in ({"DD": -3}, {"U2": 10_010}, {"UAB2": 10_010}, {"UCA2": 9_990}):
        tie = Tie(vt_same_ms=2000).both(0, 0).set(**changed)
        assert ms_to(tie, vt.ONE_VT, 3000) == 2000, changed
    tie = closed_tie(vt_same_ms=2000)                      # closed they are one conductor
    assert ms_to(tie, vt.ONE_VT, 3000) == -1
    one.closed = 1                                         # and it says nothing against it
    one.set(DD=10).run(20_000)
    assert alarms(one) == vt.ONE_VT
    one.closed = 0
    one.run(5000)
    assert alarms(one) == 0
    tie = Tie(vt_same_ms=0).both(0, 0)
    assert ms_to(tie, vt.ONE_VT, 5000) == -1


def test_alarms_of_before_a_restart_stand():
    tie = Tie()
    tie.vt.restore(vt.ANGLE)
    assert not any(tie.run(20_000)) and tie.reasons == sc.GATE_WIRING


def test_a_tick_allocates_nothing():
    tie = closed_tie()
    for play in (lambda: lines(tie, 1, ONE_FUSE[0]), lambda: tie.dead(2), tie.vt.reset):
        play()
        for _ in range(30):
            micropython.heap_lock()
            tie.vt.step(1)
            micropython.heap_unlock()
