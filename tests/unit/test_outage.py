"""F2 against section 9 of the spec: what is an outage, what is none, and when it is over."""
from acu.functions.outage import (
    BACK,
    FELL,
    LOST,
    NORMAL,
    NOTHING,
    OUTAGE,
    PART,
    PART_END,
    PARTIAL,
    RESTORED,
    RESTORING,
    OutageDetector,
)

GOOD = (2300, 2295, 2305)
DEAD = (0, 3, 0)
ONLY_B = (0, 2290, 0)
NO_C = (2300, 2290, 4)
SAGGED = (1150, 1150, 1150)
FUSE = (2300, 1150, 1150)  # a blown fuse on the medium-voltage side of a Dyn transformer
HIGH = (2300, 2560, 2300)


def detector(t_res_ms=5000):
    return OutageDetector(230, 1610, 2070, 2530, 200, 1000, t_res_ms)


def play(d, *spans):
    """Feeds (u_dv, ms) or (u_dv, ms, bad_mask) in half cycles of 10 ms; [(t_ms, answer), ...]."""
    t = 0
    said = []
    for span in spans:
        for _ in range(span[1] // 10):
            answer = d.step(t, span[0], *span[2:])
            if answer != NOTHING:
                said.append((t, answer))
            t += 10
    return said


def test_an_outage_is_reported_once_with_its_first_bad_half_cycle():
    d = detector()
    assert play(d, (GOOD, 1000), (DEAD, 3000)) == [(1200, LOST)]
    assert d.t0_ms == 1000 and d.state == OUTAGE and d.mask == 7


def test_what_is_no_outage():
    for u_dv, ms, bounces in ((DEAD, 150, 1), (DEAD, 190, 1), (ONLY_B, 900, 0), (SAGGED, 900, 0)):
        d = detector()
        assert play(d, (GOOD, 500), (u_dv, ms), (GOOD, 500)) == []
        assert d.state == NORMAL and d.bounces == bounces


def test_half_voltage_for_ten_seconds_is_under_voltage_and_no_outage():
    d = detector()
    assert play(d, (GOOD, 500), (SAGGED, 10_000)) == [(1500, PART)]
    assert d.state == PARTIAL and d.mask == 7 and d.part_ms == 500 and not d.after_outage


def test_duration_runs_from_the_first_bad_to_the_first_good_half_cycle():
    d = detector()
    said = play(d, (GOOD, 1000), (DEAD, 10_000), (GOOD, 6000))
    assert said == [(1200, LOST), (11_000, BACK), (16_000, RESTORED)]
    assert d.dur_ms == 10_000 and d.state == NORMAL


def test_a_second_fall_is_the_same_outage():
    d = detector()
    said = play(d, (DEAD, 1000), (GOOD, 4000), (DEAD, 500), (GOOD, 6000))
    assert said == [(200, LOST), (1000, BACK), (5000, FELL), (5500, BACK), (10_500, RESTORED)]
    assert d.t0_ms == 0 and d.dur_ms == 5500


def test_too_high_a_voltage_is_not_back():
    d = detector()
    assert play(d, (DEAD, 1000), (HIGH, 900)) == [(200, LOST)]


def test_lost_phases_are_named_after_a_second_and_end_when_steady():
    for u_dv, mask in ((ONLY_B, 5), (NO_C, 4), (FUSE, 6)):
        d = detector()
        said = play(d, (GOOD, 500), (u_dv, 3000), (GOOD, 6000))
        assert said == [(1500, PART), (8500, PART_END)], said
        assert d.mask == mask and d.dur_ms == 3000 and d.state == NORMAL


def test_a_second_fuse_is_told_and_chatter_is_not():
    d = detector()
    said = play(d, (NO_C, 2000), (ONLY_B, 2000), (NO_C, 2000), (ONLY_B, 2000))
    assert said == [(1000, PART), (3000, PART)]
    assert d.mask == 5 and d.part_ms == 0


def test_one_phase_slightly_low_is_no_event_but_all_of_them_are():
    d = detector()
    assert play(d, ((2000, 2300, 2300), 5000)) == []
    assert play(d, ((2000, 2000, 2000), 5000)) == [(1000, PART)] and d.mask == 7


def test_a_partial_loss_can_become_an_outage():
    d = detector()
    said = play(d, (NO_C, 2000), (DEAD, 1000), (GOOD, 6000))
    assert said == [(1000, PART), (2200, LOST), (3000, BACK), (8000, RESTORED)]
    assert d.t0_ms == 2000 and d.dur_ms == 1000


def test_after_an_outage_some_phases_back_are_told_and_the_outage_stays_one():
    d = detector()
    said = play(d, (DEAD, 1000), (ONLY_B, 70_000))
    assert said == [(200, LOST), (2000, PART)]
    assert d.after_outage and d.mask == 5 and d.state == PARTIAL
    d = detector()
    said = play(d, (DEAD, 1000), (ONLY_B, 3000), (DEAD, 1000), (ONLY_B, 3000), (GOOD, 6000))
    assert said == [(200, LOST), (2000, PART), (4200, FELL), (6000, PART), (13_000, RESTORED)]
    assert d.t0_ms == 0 and d.dur_ms == 8000 and not d.after_outage
    assert play(d, (GOOD, 100), (DEAD, 300)) == [(300, LOST)]


def test_a_bad_channel_does_not_invent_an_outage():
    for bad in (1, 3, 7):
        d = detector()
        frozen = [0 if bad >> ph & 1 else 2300 for ph in range(3)]
        assert play(d, (GOOD, 500), (frozen, 9000, bad)) == []
        assert d.state == NORMAL


def test_a_bad_channel_does_not_hide_an_outage():
    d = detector()
    assert play(d, (GOOD, 500), ((2300, 0, 0), 900, 1)) == [(700, LOST)]
    assert d.mask == 6


def test_a_bad_channel_does_not_confirm_a_restoration():
    d = detector()
    assert play(d, (DEAD, 1000), (GOOD, 500, 1)) == [(200, LOST)]
    d = detector()
    said = play(d, (DEAD, 1000), (GOOD, 4000), (GOOD, 4000, 1), (GOOD, 4900))
    assert said == [(200, LOST), (1000, BACK)] and d.state == RESTORING
    d = detector()
    assert play(d, (DEAD, 1000), (GOOD, 30_000, 2)) == [(200, LOST), (2000, PART)]
    assert d.mask == 2 and d.after_outage


def test_without_any_view_nothing_changes():
    for span, state in ((GOOD, 500), NORMAL), ((DEAD, 500), OUTAGE), ((NO_C, 2000), PARTIAL):
        d = detector()
        play(d, span)
        assert d.state == state
        assert play(d, (DEAD, 20_000, 7)) == [] and play(d, (GOOD, 20_000, 7)) == []
        assert d.state == state
    d = detector()
    assert play(d, (DEAD, 150), (DEAD, 1000, 7), (DEAD, 150)) == []


def test_after_a_restart_the_outage_goes_on_from_its_beginning_until_the_supply_is_steady():
    d = detector()
    d.resume(-60_000)
    assert d.state == OUTAGE and d.mask == 7
    assert play(d, (DEAD, 500), (GOOD, 6000)) == [(500, BACK), (5500, RESTORED)]
    assert d.t0_ms == -60_000 and d.dur_ms == 60_500
