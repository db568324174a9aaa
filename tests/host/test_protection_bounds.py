"""The protection's kernel and its curves: no step leaves 32 bits and no word that leaves is 2^30,
over ranges and over random quantities; curves against the formulas of the standards."""
import math
import random
from array import array

import pytest

from acu import protection_settings as settings
from acu.dsp import bay
from acu.functions import curves
from acu.functions import protection as pr
from acu.functions import protection_table as table
from host_sim.stand_in import checked
from host_sim.study.protection import settings_of
from host_sim.study.protection_cases import CURVES
from tests.host.spans import Cells, run, span

RNG = random.Random(50)
# magnitudes that measuring leaves: a size is a 16-bit multiple of a peak, an angle rate is limited
VALUE = (1 << 30) - 1
WORD = 1 << 21          # of what a curve sees: currents below 2 kA secondary


def looked_up(tab: array, excess_ma: int) -> int:
    """The rate that the kernel reads at this excess, from the element's own sum."""
    q = array("i", [0] * bay.NQ)
    row = table.row(pr.INVERSE, bay.I0, 1, 0, 10, 0, 1 << 30)
    p = pr.Protection(row, tab, 1, q)
    q[bay.I0] = 10 + excess_ma
    q[bay.SEQ] = 1
    p.step()
    return p.state[pr.ROW + pr.DONE]


@pytest.mark.parametrize("name", sorted(curves.CURVES))
@pytest.mark.parametrize(("tms_m", "pick_ma"), [(20, 50), (300, 1000), (1000, 20_000),
                                                (2000, 333), (15_000, 5000)])
def test_the_rate_is_the_formula_to_half_a_percent(name, tms_m, pick_ma):
    if name.startswith("iec") and tms_m > 2000:
        return                   # refused, E185
    tab = curves.table(name, tms_m, pick_ma)
    rates = list(tab[curves.HEADER:])
    assert 0 <= rates[0] and rates == sorted(rates) and rates[-1] < 1 << 26
    for k in range(120):
        m = 1.05 * (30 / 1.05) ** (k / 119)
        excess = round((m - 1) * pick_ma)
        if not excess or excess > 29 * pick_ma:
            continue
        m = 1 + excess / pick_ma
        want_ms = CURVES[name](m) * tms_m
        got_ms = 5 * tab[2] / looked_up(tab, excess)
        assert abs(got_ms / want_ms - 1) < 0.005, (m, got_ms, want_ms)
        told_us = curves.time_us(name, tms_m, pick_ma + excess, pick_ma)
        assert abs(told_us - want_ms * 1000) <= 1 + want_ms / 10


def test_powers_are_exact_near_one_and_far_away():
    for num in (1001, 1050, 1999, 2000, 2001, 30_000):
        for p in (2, 100, 200):
            want = (num / 1000) ** (p / 100) - 1
            assert math.isclose(curves.excess_q30(num, 1000, p) / 2**30, want, rel_tol=1e-4)


def everything(curve="iec_ei", disc=0, **given) -> tuple:
    full = settings_of({f"{g}_{name}_do": "trip" for g in settings.GROUPS
                        for name in settings.ELEMENTS})
    for g in settings.GROUPS:
        for name in settings.INVERSE:
            full[f"{g}_{name}_curve"] = curve
            full[f"{g}_{name}_disc"] = disc
    return table.build(full | given, 30_000, 20_000)


def state_of(rows, count, picked: bool) -> list:
    """Any state that a tick may leave."""
    state = [count, 0, span(-1, 0x1FFFFFFF), *[0] * 13]
    for k in range(count):
        state += [span(1, 7) if picked else 0, span(0, rows[k * pr.ROW + pr.LIMIT]),
                  span(0, 60_000), span(0, 0x1FFFFFFF), span(-VALUE, VALUE), span(0, 2),
                  span(0, 0x1FFFFFFF), span(0, 1), 0, 0]
    return state


def tick(q: Cells, rows, joined, st: Cells, decide):
    """Both functions, as step() calls them."""
    run(pr, "look", 0, 0, q, Cells.of(4, rows), st, decide=decide)
    run(pr, "judge", 0, 0, q.values[bay.SEQ], Cells.of(4, rows), Cells.of(4, joined), st,
        decide=decide)


def quantities(low=-WORD, high=WORD) -> Cells:
    q = Cells.of(4, [span(low, high) for _ in range(bay.NQ)])
    q.values[bay.SEQ] = span(1, 0x1FFFFFFF)
    q.values[bay.BAD] = span(0, 255)
    q.values[bay.P] = span(-VALUE, VALUE)
    return q


def chance(n: int):
    """How a run decides what its ranges leave open: never, always, or by a seeded chance."""
    rng = random.Random(n)
    share = (0.0, 1.0, 0.5, 0.8, 0.2)[n % 5]
    return lambda: rng.random() < share


@pytest.mark.parametrize("picked", [False, True])
def test_no_step_of_any_element_leaves_32_bits_and_no_word_is_2_to_the_30(picked):
    rows, joined, count = everything("dt")
    for n in range(20):
        st = Cells.of(4, state_of(rows, count, picked))
        tick(quantities(), rows, joined, st, chance(n))
        for k in range(count):
            done = st.values[pr.ROW + pr.EACH * k + pr.DONE]
            assert done.lo >= 0 and done.hi <= rows[k * pr.ROW + pr.LIMIT]


def one_curve(name: str, tms_m: int, pick_ma: int, picked: bool) -> None:
    """Pieces of the table between two of its values: one an octave and all of the steepest, the
    last; and all that is beyond or below."""
    tables: list = []
    row = table.row(pr.TRIP, bay.I0, 1, 0xE0, pick_ma, pick_ma * 95 // 100, 0, 1)
    table.inverse(row, name, tms_m, tables, True)
    tab = tables[0]
    first, top, full = tab[:curves.HEADER]
    pieces = [(-(WORD << 4), 0), (0, (1 << first) - 1), (top << 4, WORD << 4)]
    for n in range(first, 26):
        pieces += [((1 << n) + (j << n - 4), (1 << n) + (j + 1 << n - 4) - 1)
                   for j in range(0 if 2 << n > top << 4 else 15, 16)
                   if (1 << n) + (j << n - 4) < top << 4]
    for k, (low, high) in enumerate(pieces):
        lo, hi = -(-low // 16) + pick_ma, min(high // 16, WORD) + pick_ma
        if lo > hi:
            continue                 # between two milliamperes
        q = quantities(lo, hi)
        q.values[bay.BAD] = span(0, 0)
        st = Cells.of(4, state_of(row, 1, picked))
        tick(q, row, tab, st, chance(k))
        done = st.values[pr.ROW + pr.DONE]
        assert done.lo >= 0 and done.hi <= full


@pytest.mark.parametrize("picked", [False, True])
@pytest.mark.parametrize("name", sorted(curves.CURVES))
def test_no_piece_of_any_curve_leaves_32_bits(name, picked):
    for tms_m, pick_ma in ((20, 20_000), (2000, 50)):
        one_curve(name, tms_m, pick_ma, picked)


def test_a_table_with_larger_rates_would_be_caught(monkeypatch):
    """The bound that interpolation needs is not only a comment."""
    monkeypatch.setattr(curves, "_RATE_TOP", 1 << 28)
    with pytest.raises((OverflowError, ValueError)):
        one_curve("iec_ei", 20, 1000, True)


def test_random_quantities_computed_as_the_board_does():
    """Random quantities, gaps and group changes through both groups; the same answers as in plain
    Python, and a mask is the sum of its elements."""
    rows, joined, count = everything("ieee_mi", 1)
    values = (0, 1, -1, 999, 1000, 1050, 20_000, 50_000, 49_000, 10_000, 200_000, -200_000,
              1 << 20)

    def played(seed):
        rng = random.Random(seed)
        q = array("i", [0] * bay.NQ)
        p = pr.Protection(rows, joined, count, q)
        seen = []
        seq = 0x1FFFFF00
        for _ in range(300):
            for k in range(bay.NQ):
                if rng.random() < 0.2:
                    q[k] = rng.choice(values)
            q[bay.BAD] = rng.choice((0, 0, 0, 255, rng.randrange(256)))
            seq = seq + rng.choice((1, 1, 1, 0, 2, 77, 500)) & 0x1FFFFFFF
            q[bay.SEQ] = seq
            if rng.random() < 0.02:
                p.use(rng.randrange(2))
                assert not p.state[pr.PICKED] and p.state[pr.TRIPS] == 0
            trips = p.step()
            st = p.state
            assert trips == st[pr.TRIPS] and trips & ~st[pr.OPERATED] == 0
            assert st[pr.OPERATED] & ~st[pr.PICKED] == 0
            for k in range(count):
                one = st[pr.ROW + pr.EACH * k: pr.ROW + pr.EACH * (k + 1)]
                assert (one[pr.PHASES] != 0) == bool(st[pr.PICKED] >> k & 1)
                assert one[pr.OPER] == st[pr.OPERATED] >> k & 1
            seen.append(list(st))
        return seen

    for seed in range(3):
        fast = played(seed)
        with checked(prove=True):
            assert played(seed) == fast
