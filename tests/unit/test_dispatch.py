"""Dispatch of a microgrid against the specification: the step vectors of section 10, the order in
which lack and surplus are covered, and each rule of the field (dead band, least times, stale
inputs, impossible stores, reserves, least power). Powers mW, energies mWh.
"""
import gc

from acu.functions.dispatch import (
    B_MWH,
    BAT,
    CUR,
    DIE,
    DT_S,
    FRESH,
    H2,
    H_MWH,
    HOLD,
    IDLE,
    LOAD,
    PNS,
    PV,
    RUN,
    SEEN,
    SET,
    Dispatch,
    Naive,
    Plant,
    Store,
)

HOUR_S = 3600
KW = 1_000_000
CAP_B = 2_900_000
CAP_H = 200_000_000


def plant(reserve_b=0, reserve_h=0, d_min_mw=0, d_max_mw=KW):
    return Plant(Store(2_900_000, CAP_B, 950, 950, reserve_b),
                 Store(KW, CAP_H, 650, 650, reserve_h), d_max_mw, d_min_mw)


def see(pv_mw, load_mw, b_mwh, h_mwh, dt_s=HOUR_S):
    seen = [0] * SEEN
    seen[PV], seen[LOAD], seen[B_MWH], seen[H_MWH], seen[DT_S] = pv_mw, load_mw, b_mwh, h_mwh, dt_s
    return seen


def ask(dispatch, seen, now_ms=0, age_ms=0):
    """A copy, since the list is the same each time; the balance must always come out."""
    out = list(dispatch.step(now_ms, seen, age_ms))
    if dispatch.state != HOLD:
        left = (seen[PV] - out[CUR] + out[BAT] + out[H2] + out[DIE]) - (seen[LOAD] - out[PNS])
        assert not left, (seen, out, left)
    return out


class Says:
    """A policy that wants this; None: it has no answer."""

    def __init__(self, h2=0, die=0, silent=False):
        self.h2 = h2
        self.die = die
        self.silent = silent
        self.asked = 0

    def propose(self, seen, out):
        self.asked += 1
        out[H2] = self.h2
        out[DIE] = self.die
        return not self.silent


# Section 10: pv, load, battery, hydrogen -> battery, hydrogen, diesel, curtailed, not supplied.
VECTORS = (
    ((4_000_000, 1_000_000, 1_000_000, 50_000_000), (-2_000_000, -1_000_000, 0, 0, 0)),
    ((0, 2_100_000, 1_000_000, 50_000_000), (950_000, 1_000_000, 150_000, 0, 0)),
    ((0, 2_100_000, 0, 0), (0, 0, 1_000_000, 0, 1_100_000)),
    ((6_000_000, 500_000, CAP_B, CAP_H), (0, 0, 0, 5_500_000, 0)),
    ((6_000_000, 100_000, 0, 199_900_000), (-2_900_000, -153_846, 0, 2_846_154, 0)),
    ((1_000_000, 1_000_000, 0, 0), (0, 0, 0, 0, 0)),
    ((1_000_000, 1_000_000, 1_234_567, 100_000_000), (0, 0, 0, 0, 0)),
    ((4_899_000, 672_000, CAP_B, 38_600_000), (0, -1_000_000, 0, 3_227_000, 0)),
)


def test_the_step_vectors_of_the_specification():
    for given, wanted in VECTORS:
        out = ask(Dispatch(plant()), see(*given))
        assert tuple(out[k] for k in (BAT, H2, DIE, CUR, PNS)) == wanted, (given, out)
        assert out[RUN] == (1 if wanted[2] else 0)


def test_a_short_step_is_limited_by_power_a_long_one_by_energy():
    kw_3 = (0, 3_000_000, 100_000, 0)
    assert ask(Dispatch(plant()), see(*kw_3, dt_s=1))[BAT] == 2_900_000
    assert ask(Dispatch(plant()), see(*kw_3, dt_s=HOUR_S))[BAT] == 95_000
    assert ask(Dispatch(plant()), see(*kw_3, dt_s=900))[BAT] == 380_000


def test_at_balance_nothing_moves_and_one_milliwatt_is_seen():
    d = Dispatch(plant())
    assert ask(d, see(5, 4, 0, 0))[BAT] == -1
    assert ask(d, see(4, 5, CAP_B, 0))[BAT] == 1


def test_a_policy_is_followed_as_far_as_the_plant_can():
    says = Says(h2=-KW, die=KW)
    out = ask(Dispatch(plant(), (says,)), see(0, 500_000, CAP_B - 95, 100_000_000))
    assert out[H2] == -KW and out[DIE] == KW and out[BAT] == 500_000
    says = Says(h2=7 * KW, die=0)
    assert ask(Dispatch(plant(), (says,)), see(0, 3 * KW, 0, 1_000_000))[H2] == 650_000
    says = Says(h2=-7 * KW, die=0)
    assert ask(Dispatch(plant(), (says,)), see(6 * KW, 0, 0, CAP_H - 65))[H2] == -100


def test_nobody_is_left_out_while_anything_could_deliver():
    """The policy forgot the load: first its charging stops, then the set runs, then hydrogen."""
    out = ask(Dispatch(plant(), (Says(h2=-KW),)), see(0, 800_000, 0, 100_000_000))
    assert (out[H2], out[DIE], out[PNS]) == (0, 800_000, 0)
    out = ask(Dispatch(plant(), (Says(),)), see(0, 1_700_000, 0, 100_000_000))
    assert (out[H2], out[DIE], out[PNS]) == (700_000, KW, 0)
    out = ask(Dispatch(plant(), (Says(),)), see(0, 2_100_000, 0, 100_000_000))
    assert (out[H2], out[DIE], out[PNS]) == (KW, KW, 100_000)


def test_nothing_is_given_up_while_anything_could_take_it():
    """The policy burns and discharges in the sun: the set stops, then hydrogen is stored."""
    out = ask(Dispatch(plant(), (Says(h2=500_000, die=500_000),)),
              see(2 * KW, KW, CAP_B, 100_000_000))
    assert (out[DIE], out[H2], out[CUR], out[RUN]) == (0, -KW, 0, 0)
    out = ask(Dispatch(plant(), (Says(h2=500_000, die=500_000),)),
              see(3 * KW, KW, CAP_B, 100_000_000))
    assert (out[DIE], out[H2], out[CUR]) == (0, -KW, KW)
    out = ask(Dispatch(plant(), (Says(die=900_000),)), see(0, 500_000, CAP_B, CAP_H))
    assert (out[DIE], out[CUR]) == (500_000, 0)


def test_the_next_policy_is_asked_and_naive_is_the_last():
    first, second = Says(silent=True), Says(h2=100_000, die=100_000)
    d = Dispatch(plant(), (first, second))
    out = ask(d, see(0, 200_000, 0, 100_000_000))
    assert d.by == 1 and out[H2] == out[DIE] == 100_000
    second.silent = True
    out = ask(d, see(0, 200_000, 0, 100_000_000))
    assert d.by == 2 and out[H2] == 200_000 and out[DIE] == 0
    assert first.asked == second.asked == 2
    first.silent = False
    ask(d, see(0, 200_000, 0, 100_000_000))
    assert d.by == 0 and second.asked == 2


def test_naive_says_what_hydrogen_and_diesel_do():
    out = [0] * SET
    for given, wanted in VECTORS:
        assert Naive(plant()).propose(see(*given), out)
        assert out[H2] == wanted[1]
        assert out[DIE] == wanted[2] + wanted[4]     # what the set cannot give is not its matter


def test_a_reserve_is_left_alone_but_may_be_filled():
    d = Dispatch(plant(reserve_b=1_000_000, reserve_h=50_000_000))
    out = ask(d, see(0, 2_000_000, 1_100_000, 50_065_000))
    assert out[BAT] == 95_000 and out[H2] == 42_250 and out[DIE] == KW
    assert out[PNS] == 2_000_000 - 95_000 - 42_250 - KW
    out = ask(d, see(0, 500_000, 900_000, 40_000_000))
    assert out[BAT] == out[H2] == 0 and out[DIE] == 500_000
    assert ask(d, see(KW, 0, 900_000, 40_000_000))[BAT] == -KW


def test_inside_the_dead_band_the_battery_alone_works():
    d = Dispatch(plant(), (Says(h2=-KW, die=KW),), dead_mw=50_000)
    out = ask(d, see(100_000, 149_000, CAP_B // 2, 100_000_000))
    assert (out[BAT], out[H2], out[DIE], out[RUN]) == (49_000, 0, 0, 0)
    out = ask(d, see(149_000, 100_000, CAP_B // 2, 100_000_000))
    assert (out[BAT], out[H2], out[DIE]) == (-49_000, 0, 0)
    out = ask(d, see(149_000, 100_000, CAP_B, 100_000_000))
    assert (out[H2], out[CUR]) == (0, 49_000)


def test_the_dead_band_is_left_at_its_edge_and_entered_at_balance():
    d = Dispatch(plant(), dead_mw=50_000)

    def h2(lack_mw):
        return ask(d, see(KW, KW + lack_mw, 0, 100_000_000))[H2]

    assert h2(50_000) == 0
    assert h2(51_000) == 51_000
    assert h2(10_000) == 10_000          # no chattering at the edge
    assert h2(0) == 0
    assert h2(10_000) == 0               # in the band again: the diesel set has to help out

    def taken(surplus_mw):
        return ask(d, see(KW + surplus_mw, KW, CAP_B, 100_000_000))[H2]

    assert taken(60_000) == -60_000
    assert taken(10_000) == -10_000
    assert h2(10_000) == 0               # to the other side it passes through balance


def test_a_lack_in_the_dead_band_is_covered_when_the_battery_is_empty():
    d = Dispatch(plant(), dead_mw=50_000)
    out = ask(d, see(0, 30_000, 0, 100_000_000))
    assert out[DIE] == 30_000 and out[PNS] == 0


def test_nobody_is_left_out_for_the_dead_bands_sake():
    d = Dispatch(plant(d_max_mw=0), dead_mw=50_000)
    out = ask(d, see(0, 30_000, 0, 100_000_000))
    assert (out[H2], out[PNS]) == (30_000, 0)


MINUTE_MS = 60_000


def run_stop():
    return Dispatch(plant(), run_ms=10 * MINUTE_MS, stop_ms=5 * MINUTE_MS)


def test_the_diesel_set_runs_for_its_least_time():
    d = run_stop()
    lack, sun = see(0, 500_000, 0, 0, 60), see(KW, 500_000, 0, 0, 60)
    assert ask(d, lack, 0)[RUN] == 1
    assert ask(d, sun, 1 * MINUTE_MS)[RUN] == 1
    assert ask(d, sun, 10 * MINUTE_MS - 1)[RUN] == 1
    assert ask(d, sun, 10 * MINUTE_MS)[RUN] == 0


def test_the_diesel_set_stands_for_its_least_time_and_hydrogen_helps_out():
    d = run_stop()
    lack, sun = see(0, 500_000, 0, 0, 60), see(KW, 500_000, 0, 0, 60)
    ask(d, lack, 0)
    ask(d, sun, 11 * MINUTE_MS)
    out = ask(d, lack, 12 * MINUTE_MS)
    assert out[RUN] == 0 and out[PNS] == 500_000
    stored = see(0, 500_000, 0, 100_000_000, 60)
    out = ask(d, stored, 13 * MINUTE_MS)
    assert out[H2] == 500_000 and out[PNS] == 0 and out[RUN] == 0
    assert ask(d, lack, 16 * MINUTE_MS - 1)[RUN] == 0
    assert ask(d, lack, 16 * MINUTE_MS)[RUN] == 1


def test_a_set_that_must_stand_stands_whatever_its_least_power():
    d = Dispatch(plant(d_min_mw=300_000), (Says(die=500_000),), stop_ms=5 * MINUTE_MS)
    full, lack = see(KW, 0, CAP_B, CAP_H, 60), see(0, 500_000, 0, 0, 60)
    assert ask(d, lack, 0)[RUN] == 1
    assert ask(d, full, MINUTE_MS)[RUN] == 0
    out = ask(d, lack, 2 * MINUTE_MS)
    assert out[RUN] == 0 and out[DIE] == 0 and out[PNS] == 500_000


def test_the_least_times_count_from_the_last_change_only():
    d = run_stop()
    lack = see(0, 500_000, 0, 0, 60)
    for minute in range(15):
        assert ask(d, lack, minute * MINUTE_MS)[RUN] == 1
    assert ask(d, see(KW, 0, 0, 0, 60), 15 * MINUTE_MS)[RUN] == 0


def test_the_first_start_needs_no_wait():
    d = run_stop()
    assert ask(d, see(0, 500_000, 0, 0, 60), 1)[RUN] == 1


def test_a_set_gives_no_less_than_its_least_and_the_rest_is_stored_or_given_up():
    d = Dispatch(plant(d_min_mw=300_000))
    out = ask(d, see(0, 100_000, 0, 0))
    assert out[DIE] == 300_000 and out[BAT] == -200_000 and out[PNS] == 0
    out = ask(d, see(0, 100_000, 0, 100_000_000))
    assert out[DIE] == 0 and out[H2] == 100_000
    d = Dispatch(plant(d_min_mw=300_000), (Says(die=1),))
    out = ask(d, see(50_000, 400_000, 0, 0))
    assert out[DIE] == 350_000
    d = Dispatch(plant(d_min_mw=300_000), (Says(die=200_000),))
    out = ask(d, see(900_000, 1_000_000, CAP_B, CAP_H))
    assert out[DIE] == 300_000 and out[CUR] == 200_000
    out = ask(d, see(0, 100_000, CAP_B, CAP_H))      # no PV to give up: the load is its limit
    assert out[DIE] == 100_000 and out[CUR] == 0
    out = ask(Dispatch(plant(d_min_mw=300_000), (Says(),)), see(0, 100_000, 0, 0))
    assert out[DIE] == 300_000 and out[BAT] == -200_000


def test_the_least_of_a_set_goes_where_there_is_room():
    """A battery that is left alone (its energy is unknown) takes nothing: hydrogen does."""
    d = Dispatch(plant(d_min_mw=300_000), (Says(),))
    out = ask(d, see(0, 100_000, -1, 0))
    assert (out[DIE], out[BAT], out[H2]) == (300_000, 0, -200_000)
    out = ask(d, see(250_000, 350_000, -1, -1))
    assert (out[DIE], out[BAT], out[H2], out[CUR]) == (300_000, 0, 0, 200_000)


def test_no_set_runs_backwards():
    for d_min_mw in (0, 300_000):
        out = ask(Dispatch(plant(d_min_mw=d_min_mw), (Says(die=-KW),)), see(KW, 0, CAP_B, CAP_H))
        assert out[DIE] == 0 and out[CUR] == KW and out[RUN] == 0
        out = ask(Dispatch(plant(d_min_mw=d_min_mw), (Says(die=-KW),)), see(0, 100_000, CAP_B, 0))
        assert out[DIE] == 0 and out[BAT] == 100_000 and out[RUN] == 0


def test_a_set_that_must_go_on_turning_gives_its_least():
    d = Dispatch(plant(d_min_mw=300_000), run_ms=10 * MINUTE_MS)
    ask(d, see(0, 500_000, 0, 0, 60))
    out = ask(d, see(2 * KW, 500_000, 0, 100_000_000, 60), MINUTE_MS)
    assert out[RUN] == 1 and out[DIE] == 300_000 and out[BAT] == -1_800_000
    out = ask(d, see(2 * KW, 500_000, CAP_B, CAP_H, 60), 2 * MINUTE_MS)
    assert out[RUN] == 1 and out[DIE] == 300_000 and out[CUR] == 1_800_000


def test_stale_inputs_hold_and_then_idle_the_stores():
    d = Dispatch(plant(), hold_ms=5000, idle_ms=30_000)
    first = ask(d, see(0, KW, CAP_B, 0, 1), 0, 0)
    assert d.state == FRESH and first[BAT] == KW
    other = see(5 * KW, 300_000, CAP_B, 100_000_000, 1)
    assert ask(d, other, 4000, 4999) != first and d.state == FRESH
    held = ask(d, see(0, KW, CAP_B, 0, 1), 5000, 0)
    assert ask(d, other, 6000, 5000) == held and d.state == HOLD
    assert ask(d, other, 30_000, 29_999) == held
    out = ask(d, other, 31_000, 30_000)
    assert d.state == IDLE and out[BAT] == out[H2] == 0
    assert out[DIE] == 300_000 and out[PNS] == 0 and out[CUR] == 5 * KW
    out = ask(d, other, 32_000, 0)
    assert d.state == FRESH and out[BAT] == out[DIE] == 0 and out[H2] == -KW


def test_a_load_above_the_set_is_left_out_when_nobody_knows_the_pv():
    d = Dispatch(plant(), idle_ms=30_000)
    out = ask(d, see(0, 1_500_000, CAP_B, CAP_H), 0, 30_000)
    assert out[DIE] == KW and out[PNS] == 500_000


def test_an_impossible_store_is_left_out_and_the_other_does_its_work():
    for b_mwh in (-5, CAP_B * 2, CAP_B + CAP_B // 50 + 1):
        d = Dispatch(plant())
        out = ask(d, see(0, 500_000, b_mwh, 100_000_000))
        assert d.refused == 1 and out[BAT] == 0 and out[H2] == 500_000
        out = ask(d, see(KW, 0, b_mwh, 100_000_000))
        assert out[BAT] == 0 and out[H2] == -KW
        ask(d, see(0, 500_000, CAP_B, 100_000_000))
        assert d.refused == 0
    d = Dispatch(plant())
    out = ask(d, see(0, 500_000, 0, CAP_H * 2))
    assert d.refused == 2 and out[H2] == 0 and out[DIE] == 500_000


def test_a_gauge_that_reads_two_percent_too_much_is_full():
    d = Dispatch(plant())
    out = ask(d, see(KW, 0, CAP_B + CAP_B // 50, 0))
    assert d.refused == 0 and out[BAT] == 0 and out[H2] == -KW
    assert ask(d, see(0, 2_900_000, CAP_B + CAP_B // 50, 0))[BAT] == 2_755_000
    assert Store(KW, CAP_B, 950, 950).room_mw(CAP_B + 1, HOUR_S) == 0


def test_a_store_that_is_not_there_is_not_used():
    """Unknown (-1): neither refused nor used, whatever a policy says."""
    d = Dispatch(plant(), (Says(h2=KW),))
    out = ask(d, see(0, 500_000, -1, -1))
    assert d.refused == 0 and out[BAT] == out[H2] == 0 and out[DIE] == 500_000
    out = ask(Dispatch(plant(), (Says(h2=-KW),)), see(KW, 0, -1, -1))
    assert out[BAT] == out[H2] == 0 and out[CUR] == KW


def test_ten_thousand_steps_take_no_memory():
    """The list is the same each time, and nothing is kept of what was seen."""
    d = Dispatch(plant(), (Says(silent=True),), dead_mw=50_000, run_ms=600_000, stop_ms=300_000)
    seen = see(0, 0, 0, 0, 60)
    out = d.step(0, seen)
    kept = 0
    for k in range(11_000):
        if k == 1000:
            kept = in_use()
        seen[PV], seen[LOAD] = k * 577 % 3_000_000, k * 331 % 2_100_000
        seen[B_MWH], seen[H_MWH] = k * 977 % CAP_B, k * 7919 % CAP_H
        assert d.step(k * 60_000, seen) is out
    assert in_use() - kept < 256         # a number of 64 bits more or less


def in_use():
    """Bytes, where the interpreter tells; else objects."""
    gc.collect()
    return gc.mem_alloc() if hasattr(gc, "mem_alloc") else len(gc.get_objects())
