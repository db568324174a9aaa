"""ISF-2: whose time counts, and that a step of it moves no deadline."""
from acu.primitives.synchronising import Synchroniser


class Clock:
    def __init__(self, utc_ms):
        self.t_ms = 1000
        self._utc_ms = utc_ms

    def now_ms(self):
        return self.t_ms

    def utc_ms(self):
        return self._utc_ms + self.t_ms - 1000


OWN = 1_700_000_000_000
TRUE = 1_772_345_000_000


def test_own_clock_until_somebody_gives_the_time():
    s = Synchroniser(Clock(OWN))
    assert s.utc_ms(1500) == OWN + 500 and not s.synchronised(1500)
    assert s.set(2000, TRUE, 5) == TRUE - OWN - 1000
    assert s.utc_ms(2500) == TRUE + 500 and s.synchronised(2500)


def test_an_old_time_message_cannot_turn_the_clock_back():
    s = Synchroniser(Clock(OWN))
    s.set(2000, TRUE, 5)
    for k in (5, 4, 0):
        assert s.set(60_000, TRUE, k) is None
    assert s.utc_ms(60_000) == TRUE + 58_000
    assert s.set(60_000, TRUE + 59_000, 6) == 1000


def test_the_clock_counts_as_synchronised_for_an_hour():
    s = Synchroniser(Clock(OWN))
    s.set(2000, TRUE, 1)
    assert s.synchronised(3_601_999) and not s.synchronised(3_602_000)
    s.set(3_700_000, TRUE, 2)
    assert s.synchronised(3_700_000)


def test_a_message_that_was_long_under_way_hardly_pulls_back():
    s = Synchroniser(Clock(OWN))
    s.set(2000, TRUE, 1)
    assert s.set(12_000, TRUE + 10_000 - 160, 2) == -20
    assert s.set(22_000, TRUE + 20_000 + 50, 3) == 70      # an earlier one is news
    assert s.set(32_000, TRUE + 30_000 - 5000, 4) == -5050   # a real step is taken whole


def answered(s, asked_ms, now_ms, utc_ms):
    s.questioned(asked_ms)
    return s.set(now_ms, utc_ms, -1, True)


def test_an_answer_that_waited_for_seconds_leaves_a_clock_that_it_cannot_refute():
    """Over a lossy path: else every command would be too old, or not yet sent, until the next."""
    s = Synchroniser(Clock(OWN))
    answered(s, 2000, 2040, TRUE + 20)
    assert s.utc_ms(2040) == TRUE + 40
    for asked_ms, sent_ms, now_ms in ((10_000, 10_020, 18_000), (30_000, 37_990, 38_000)):
        assert answered(s, asked_ms, now_ms, TRUE + sent_ms - 2000) == 0
        assert s.utc_ms(now_ms) == TRUE + now_ms - 2000 and s.delay_ms() == 20
        assert s.round_ms == 8000               # and the role asks again soon
    # an hour of question and answer keeps the clock a synchronised one
    answered(s, 3_600_000, 3_602_100, TRUE + 3_599_000)
    assert s.synchronised(7_200_000)


def test_a_wrong_clock_takes_the_middle_of_an_answer_that_waited():
    for own, first in ((OWN, False), (TRUE, True)):
        s = Synchroniser(Clock(own))
        if first:
            answered(s, 2000, 2040, TRUE + 20 - 7000)       # whoever answers has set his clock
        answered(s, 10_000, 16_000, TRUE + 8000)            # 10,000 to 16,000 of his 8000
        assert s.utc_ms(16_000) == TRUE + 11_000
        answered(s, 20_000, 20_040, TRUE + 18_020)
        assert s.utc_ms(20_040) == TRUE + 18_040


def test_a_start_is_turned_into_monotonic_time():
    s = Synchroniser(Clock(TRUE))
    s.set(1000, TRUE, 1)
    assert s.start_ms(5000, 0) == 5000
    assert s.start_ms(5000, TRUE + 6000) == 7000
    assert s.start_ms(5000, TRUE + 64_000) == 65_000


def test_a_start_in_the_past_or_far_ahead_is_refused():
    s = Synchroniser(Clock(TRUE))
    s.set(1000, TRUE, 1)
    assert s.start_ms(5000, TRUE + 3800) == 5000     # 200 ms late still counts as now
    assert s.start_ms(5000, TRUE + 3799) is None
    assert s.start_ms(5000, TRUE + 64_001) is None
    assert s.start_ms(5000, 1) is None


def test_a_time_set_by_hand_steps_the_clock_and_is_no_synchronised_time():
    s = Synchroniser(Clock(OWN))
    assert s.set_by_hand(2000, TRUE) == TRUE - OWN - 1000
    assert s.utc_ms(2500) == TRUE + 500 and not s.synchronised(2500)
    assert s.set(3000, TRUE + 1000, 1) == 0 and s.synchronised(3000)      # any counter
