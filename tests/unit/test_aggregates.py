"""Aggregates: nothing lost, nothing twice, ends where UTC says."""
from math import sqrt

from acu.functions.aggregates import CLOCK, TEN_MIN, TEN_S, THREE_S, TWO_H, Aggregates

T0_MS = 1_767_225_600_000       # a full hour of an even number
KINDS = ("r", "m", "f", "l", "g")


def play(a, windows, t_ms=T0_MS, window_ms=200, u_mv=230_000, p_mw=1_000_000, f_mhz=50_000,
         flags=0):
    """Windows that follow each other from t_ms; u_mv may be a function of the number."""
    done = []
    for k in range(windows):
        u = u_mv(k) if callable(u_mv) else u_mv
        done += a.add(t_ms + (k + 1) * window_ms, window_ms * 4, (u, p_mw, f_mhz, u, u), flags)
    return done


def of(done, kind):
    return [one for one in done if one[0] == kind]


def test_three_seconds_are_the_root_of_the_mean_square_of_fifteen_windows():
    done = play(Aggregates(KINDS), 30, u_mv=lambda k: 220_000 + 1000 * (k % 15))
    assert [one[1] for one in done] == [T0_MS + 3000, T0_MS + 6000]
    truth = sqrt(sum([(220_000 + 1000 * k)**2 for k in range(15)]) / 15)
    for one in done:
        assert abs(one[2][0] - truth) <= 0.51
        assert one[2][1:] == (1_000_000, 50_000, 220_000, 234_000)
        assert one[3:] == (12_000, 0)


def test_ten_minutes_hold_every_window_and_end_at_the_tick():
    a = Aggregates(KINDS)
    start = T0_MS + 137_000         # 463 s to the tick, no whole number of 3 s
    done = play(a, 10_000, start, u_mv=lambda k: 229_000 + k % 7)
    tens = of(done, TEN_MIN)
    assert [one[1] for one in tens] == [T0_MS + 600_000 * k for k in (1, 2, 3)]
    assert [one[3] for one in tens] == [463 * 4000, 600 * 4000, 600 * 4000]
    threes = of(done, THREE_S)
    assert sum([one[3] for one in threes if one[1] <= tens[-1][1]]) == 1663 * 4000
    assert T0_MS + 600_000 in [one[1] for one in threes]
    assert tens[1][2] == (229_003, 1_000_000, 50_000, 229_000, 229_006)


def test_a_first_window_that_ends_with_the_tick_belongs_before_it():
    a = Aggregates(("f",))
    assert a.add(T0_MS, 800, (50_000,)) == []
    done = a.add(T0_MS + 200, 800, (50_010,))
    assert [one[:2] for one in done] == [(TEN_S, T0_MS), (THREE_S, T0_MS), (TEN_MIN, T0_MS),
                                         (TWO_H, T0_MS)]
    assert all([one[2:4] == ((50_000,), 800) for one in done])


def test_windows_that_straddle_the_tick_count_where_they_end():
    a = Aggregates(("m",))
    done = []
    t_ms = T0_MS - 1000
    for k in range(3010):
        t_ms += 199 if k & 1 else 202
        done += a.add(t_ms, 800, (k,))
    tens = of(done, TEN_MIN)
    assert [one[1] for one in tens] == [T0_MS, T0_MS + 600_000]
    n = tens[0][3] // 800
    assert n == 4 and tens[0][2] == (2,)        # 0 to 3: 1.5
    last = n + tens[1][3] // 800 - 1
    assert tens[1][2] == ((n + last + 1) // 2,)
    assert abs(tens[1][3] - 2993 * 800) <= 800  # of 200.5 ms


def test_two_hours_are_twelve_ten_minutes_without_rounding_between():
    a = Aggregates(("r", "m"))
    done = []
    square = total = 0
    n = 36_000 // 9
    for k in range(n + 2):
        u, p = 225_000 + k * 7919 % 9000, k * 104_729 % 100_003 - 50_000
        done += a.add(T0_MS + (k + 1) * 1800, 7200, (u, p))
        if k < n:
            square += u * u
            total += p
    two_h = of(done, TWO_H)
    assert len(two_h) == 1 and two_h[0][1] == T0_MS + 7_200_000 and two_h[0][3] == 7200 * n
    assert abs(two_h[0][2][0] - sqrt(square / n)) <= 0.51
    assert two_h[0][2][1] == (2 * total + n) // (2 * n)
    assert len(of(done, TEN_MIN)) == 12


def test_frequency_over_ten_seconds_leaves_out_where_there_is_none():
    a = Aggregates(KINDS)
    done = play(a, 25, f_mhz=50_020) + play(a, 20, T0_MS + 5000, f_mhz=0)
    done += play(a, 6, T0_MS + 9000, f_mhz=49_980)
    tens = of(done, TEN_S)
    assert tens == [(TEN_S, T0_MS + 10_000, (50_013,), 40_000, 0)]
    done = play(a, 101, T0_MS + 10_200, f_mhz=0)
    assert of(done, TEN_S)[1][2] == (0,)


def test_one_flagged_window_flags_all_intervals_that_hold_it():
    a = Aggregates(KINDS)
    flagged = []
    for k in range(7300):           # in pieces: what is kept must not cut up the VM's heap
        done = play(a, 5, T0_MS + 1000 * k, flags=16 if k == 200 else 0)
        flagged += [one[:2] for one in done if one[4]]
    assert flagged == [(THREE_S, T0_MS + 201_000), (TEN_S, T0_MS + 210_000),
                       (TEN_MIN, T0_MS + 600_000), (TWO_H, T0_MS + 7_200_000)]


def test_a_clock_that_is_set_ends_intervals_early_and_loses_no_window():
    for step_ms in (3_600_000, -3_600_000, 90_000):
        a = Aggregates(KINDS)
        done = play(a, 2000)
        done += play(a, 9000, T0_MS + 400_000 + step_ms)
        tens = of(done, TEN_MIN)
        assert tens[0][3] == 2000 * 800 and tens[0][1] == T0_MS + 400_000
        assert tens[0][4] & CLOCK and tens[1][4] & CLOCK and not tens[2][4]
        rest = a._parts[TEN_MIN].n + a._parts[THREE_S].n
        assert sum([one[3] for one in tens]) + rest == 11_000 * 800


def test_a_clock_set_by_less_than_a_minute_over_the_tick_flags_both_sides():
    a = Aggregates(KINDS)
    play(a, 58, window_ms=10_000)       # to 20 s before the tick
    done = play(a, 1, T0_MS + 605_000, 5000, flags=CLOCK)
    done += play(a, 120, T0_MS + 610_000, 5000)
    assert [(one[1], one[4]) for one in of(done, TEN_MIN)] == [(T0_MS + 600_000, CLOCK),
                                                               (T0_MS + 1_200_000, CLOCK)]


def test_the_mean_square_of_a_large_current():
    """Of a transformer of 2000 A, in microampere."""
    for x in (2**30 - 1, 2**30, 1_899_659_492, 2**31 - 1):
        a = Aggregates("rm")
        done = []
        for k in range(15):
            done += a.add(T0_MS + 200 * (k + 1), 800, (x, -x))
        assert of(done, THREE_S)[0][2] == (x, -x), x
