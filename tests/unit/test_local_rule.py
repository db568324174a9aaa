"""F3 in the Operator: opens without any message, and never because of a converter that lies."""
from acu.events import WHY_NONE, WHY_OUT, WHY_OV
from acu.functions.local_rule import LocalRule

HALF_US = 10_000
GOOD = (2300, 2300, 2300)


def rule():
    return LocalRule(un_dv=2300, u_out_dv=230, t_open_ms=300, u_ov_dv=2760, t_ov_ms=200)


def play(r, *spans):
    """(u_dv of A B C, ms, or with valid and all_valid) spans; own phase A. [(ms, answer)] of each
    change."""
    t = 0
    said = []
    last = WHY_NONE
    for span in spans:
        u = span[0]
        valid = span[2] if len(span) > 2 else True
        all_valid = span[3] if len(span) > 3 else valid
        for _ in range(span[1] // 10):
            t += 10
            why = r.step(HALF_US, u[0], u[0], u[1], u[2], valid, all_valid)
            if why != last:
                said.append((t, why))
            last = why
    return said


def test_an_outage_of_the_own_phase_opens_after_its_time():
    assert play(rule(), (GOOD, 100), ((0, 0, 0), 1000)) == [(400, WHY_OUT)]
    assert play(rule(), (GOOD, 100), ((229, 2300, 2300), 1000)) == [(400, WHY_OUT)]


def test_what_is_no_outage_opens_nobody():
    for span in (((0, 0, 0), 290), ((230, 230, 230), 5000), ((2300, 0, 0), 5000)):
        assert play(rule(), (GOOD, 100), span, (GOOD, 100)) == []


def test_time_below_is_not_added_up_over_interruptions():
    spans = [(GOOD, 50), ((0, 0, 0), 200)] * 5
    assert play(rule(), *spans) == []


def test_over_voltage_opens_after_its_time_and_not_at_the_limit():
    assert play(rule(), (GOOD, 100), ((2761, 2300, 2300), 1000)) == [(300, WHY_OV)]
    assert play(rule(), ((2760, 2300, 2300), 5000)) == []
    assert play(rule(), ((2900, 2300, 2300), 190), (GOOD, 50), ((2900, 2300, 2300), 190),
                (GOOD, 50)) == []
    # another phase's trouble is not ours
    assert play(rule(), ((2300, 2900, 2900), 5000)) == []


def test_a_lost_neutral_is_told_from_a_high_supply():
    r = rule()
    assert play(r, ((2900, 1500, 2300), 400)) == [(200, WHY_OV)] and r.neutral
    r = rule()
    # own 1.17 Un, below u_ov
    assert play(r, ((2700, 1500, 2300), 400)) == [(200, WHY_OV)] and r.neutral
    r = rule()
    assert play(r, ((2900, 2900, 2900), 400)) == [(200, WHY_OV)] and not r.neutral
    assert play(rule(), ((2700, 2700, 2700), 5000)) == []
    assert play(rule(), ((1500, 2900, 2300), 5000)) == []      # it is the others who are high


def test_a_channel_that_proves_nothing_does_not_trip():
    assert play(rule(), (GOOD, 100), ((0, 0, 0), 5000, False)) == []
    assert play(rule(), (GOOD, 100), ((4000, 2300, 2300), 5000, False)) == []


def test_a_channel_that_proves_nothing_does_not_reset_either():
    assert play(rule(), ((0, 0, 0), 200), (GOOD, 500, False), ((0, 0, 0), 200)) == [(800, WHY_OUT)]
    assert play(rule(), ((2900, 2300, 2300), 100), (GOOD, 500, False),
                ((2900, 2300, 2300), 200)) == [(700, WHY_OV)]


def test_a_dead_converter_on_another_phase_is_no_lost_neutral():
    assert play(rule(), ((2700, 0, 2300), 5000, True, False)) == []
    # own over-voltage still counts
    assert play(rule(), ((2900, 0, 2300), 400, True, False)) == [(200, WHY_OV)]


def test_it_says_so_as_long_as_it_lasts_and_not_longer():
    r = rule()
    assert play(r, ((0, 0, 0), 120_000), (GOOD, 100)) == [(300, WHY_OUT), (120_010, WHY_NONE)]
    assert r.low_us == 0 and r.high_us == 0
