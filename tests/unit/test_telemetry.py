"""F1 against section 8 of the spec: who is asked when, and what the sums tell."""
from acu.functions.telemetry import T_COMPOSE, T_REQ, T_REQ_ALL, SumCheck, Telemetry

ASSAY = (5000, 500, 1)


def play(t, start_ms, stop_ms, answers):
    """Steps every 10 ms. answers: [(after_ms, op), ...] to each broadcast."""
    said = []
    due = []
    for now in range(start_ms, stop_ms, 10):
        for at, op in due:
            if at == now:
                t.on_meas(op)
        for action in t.step(now):
            said.append((now,) + action)
            if action[0] == T_REQ_ALL:
                due = [(now + after, op) for after, op in answers]
    return said


def test_everybody_answers_and_the_cycle_is_periodic():
    t = Telemetry(3, *ASSAY)
    said = play(t, 0, 16_000, ((20, 0), (190, 1), (350, 2)))
    assert said == [(5000, T_REQ_ALL), (5350, T_COMPOSE, 3), (10_000, T_REQ_ALL),
                    (10_350, T_COMPOSE, 3), (15_000, T_REQ_ALL), (15_350, T_COMPOSE, 3)]


def test_only_the_missing_are_asked_again_and_the_page_is_never_late():
    t = Telemetry(3, *ASSAY)
    said = play(t, 0, 6500, ((20, 0), (350, 2)))
    assert said == [(5000, T_REQ_ALL), (5500, T_REQ, 1), (6000, T_COMPOSE, 2)]
    assert list(t.got) == [1, 0, 1]
    t = Telemetry(2, 60_000, 3000, 2)
    said = play(t, 0, 70_000, ())
    assert said[-1] == (65_000, T_COMPOSE, 0)  # a window of 3 s, two retries of 1 s


def test_a_late_answer_counts_but_one_from_before_does_not():
    t = Telemetry(2, *ASSAY)
    said = play(t, 0, 9000, ((20, 0), (700, 1)))
    assert said[-1] == (5700, T_COMPOSE, 2)
    t.got[1] = 0
    t.on_meas(1)
    assert list(t.got) == [1, 0]  # this cycle's page is made
    said = play(t, 9000, 12_000, ((20, 0),))
    assert said[-1] == (11_000, T_COMPOSE, 1)


def test_a_cycle_can_be_asked_for_at_once_or_after_the_running_one():
    t = Telemetry(1, *ASSAY)
    play(t, 0, 100, ())
    t.trigger()
    said = play(t, 100, 130, ())
    assert said == [(100, T_REQ_ALL)]
    t.trigger()
    t.trigger()
    said = play(t, 130, 2500, ((20, 0),))
    assert said == [(600, T_REQ, 0), (1100, T_COMPOSE, 0), (1110, T_REQ_ALL), (1130, T_COMPOSE, 1)]
    assert play(t, 2500, 5500, ((20, 0),))[0] == (5000, T_REQ_ALL)  # the period is undisturbed


def test_theft_is_told_once_after_three_cycles_and_again_after_it_was_in_order():
    c = SumCheck(15_000)
    off = (5000, 1600, 4000, 1600, 5250)
    fine = (5000, 1600, 4950, 1580, 5250)
    assert [c.step(*x) for x in (off, off, off, off, fine, off, off, off)] == [
        False, False, True, False, False, False, False, True]
    c = SumCheck(15_000)
    assert not any([c.step(*x) for x in (off, off, fine, off, off)])


def test_reactive_power_counts_and_the_limit_is_of_the_apparent_power():
    c = SumCheck(15_000, 15, 1)
    assert not c.step(5000, 1600, 5000, 811, 5260)  # 789 var of 5260 VA: 15.0 %
    assert c.step(5000, 1600, 5000, 810, 5260)


def test_at_little_load_the_sums_say_nothing():
    c = SumCheck(15_000, 15, 1)
    assert not c.step(749, 0, 0, 0, 749)
    assert c.step(750, 0, 0, 0, 750)
