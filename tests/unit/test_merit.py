"""The merit order: the cheapest of all decisions, at any values, sizes and steps."""
from array import array

from acu.functions import dispatch as dp
from acu.functions.merit import Merit
from tests.unit.policies import plant, seen


class Dice:
    """The same numbers in both Pythons."""

    def __init__(self, seed):
        self._x = seed

    def below(self, n):
        self._x = (self._x * 8121 + 28_411) % 134_456
        return self._x * n // 134_456


def solved(one, slopes, price, see):
    out = [0] * dp.SET
    Merit(one).solve(array("i", slopes), price, see, out)
    return out[dp.H2] // 1000, out[dp.DIE] // 1000


def cost(one, slopes, price, see, h2, die):
    """0.1 mEUR times W of a decision, the battery taking the rest; None: it cannot be. What the
    definition says, part by part: nothing of the merit order is in it."""
    b, dt_s = one.battery, see[dp.DT_S]
    lack = (see[dp.LOAD] - see[dp.PV]) // 1000 - h2 - die
    give = b.avail_mw(see[dp.B_MWH], dt_s) // 1000
    take = b.room_mw(see[dp.B_MWH], dt_s) // 1000
    bat = max(-take, min(give, lack))
    total = 0
    if bat < lack:
        total += (lack - bat) * (one.c_pns_ueur_kwh // 100)
    if die:
        total += one.d0_ueur_h * 10 + die * (one.d1_ueur_kwh // 100)
        total += one.d2_ueur_kw2h * die // 1000 * die // 100
    store = one.hydrogen
    total += h2 * price * 1000 // store.zeta_pm if h2 > 0 else h2 * price * store.eta_pm // 1000
    # what is in the battery, before and after, in W of this step
    parts = len(slopes)
    before = see[dp.B_MWH]
    after = before - (bat * dt_s * 1000 * 10 // (36 * b.zeta_pm) if bat > 0
                      else bat * dt_s * b.eta_pm // 3600)
    worth = 0
    for k in range(parts):
        low, high = b.cap_mwh * k // parts, b.cap_mwh * (k + 1) // parts
        worth += (max(min(after, high), low) - max(min(before, high), low)) * slopes[k]
    return total - worth * 36 // (10 * dt_s)


def best(one, slopes, price, see, step):
    """Of all decisions on a grid."""
    store = one.hydrogen
    room = store.room_mw(see[dp.H_MWH], see[dp.DT_S]) // 1000
    avail = store.avail_mw(see[dp.H_MWH], see[dp.DT_S]) // 1000
    least = None
    for h2 in [-room, avail] + list(range(-room, avail + 1, step)):
        for die in range(0, one.d_max_mw // 1000 + 1, step):
            here = cost(one, slopes, price, see, h2, die)
            if least is None or here < least:
                least = here
    return least


def test_no_decision_on_a_fine_grid_is_cheaper():
    dice = Dice(1)
    one = plant()
    for k in range(40):
        slopes = sorted([dice.below(9000) for _ in range(1 + k % 4)], reverse=True)
        see = seen(dice.below(6000) if k & 1 else 0, dice.below(2100), dice.below(2901),
                   dice.below(201), dt_s=(3600, 900)[k % 3 == 0])
        price = dice.below(6000)
        h2, die = solved(one, slopes, price, see)
        mine = cost(one, slopes, price, see, h2, die)
        # a W, and a 1024th of a part of the battery, are not told apart
        assert mine <= best(one, slopes, price, see, 50) + 12_000, (k, slopes, price, see, h2, die)


def test_the_no_load_cost_keeps_the_set_stopped_for_a_little():
    one = plant()
    # 20 W of hydrogen at 0.5 EUR/kWh cost 1 cent an hour, of the set 0.2 and 1.6 without load
    assert solved(one, [0], 3250, seen(0, 20, 0, 100)) == (20, 0)
    assert solved(one, [0], 3250, seen(0, 300, 0, 100)) == (0, 300)


def test_half_a_watt_at_night_starts_no_set():
    out = [0] * dp.SET
    Merit(plant()).solve(array("i", [0]), 3250, [0, 0, 400, 0, 100_000_000, 3600], out)
    assert (out[dp.H2], out[dp.DIE]) == (1000, 0)


def test_dear_hydrogen_waits_and_cheap_hydrogen_goes_first():
    one = plant()
    # at the price the set's marginal cost reaches at 600 W
    price = (1080 + 6 * 600 + 120) * 650 // 1000
    h2, die = solved(one, [100], price, seen(0, 900, 0, 100))
    assert abs(die - 600) < 8 and h2 == 900 - die
    assert solved(one, [0], 10, seen(0, 900, 0, 100)) == (900, 0)


def test_a_surplus_goes_where_it_is_worth_most():
    one = plant()
    assert solved(one, [2000], 1500, seen(2000, 0, 0, 100)) == (0, 0)         # battery
    assert solved(one, [100], 1500, seen(2000, 0, 0, 100))[0] == -1000        # hydrogen first
    assert solved(one, [2000], 1500, seen(5000, 0, 0, 100))[0] == -1000       # the rest of it


def test_the_set_charges_what_is_worth_more_than_it_costs():
    one = plant()
    h2, die = solved(one, [4000], 5000, seen(0, 100, 0, 0))
    assert h2 == 0 and abs(die - (4000 * 95 // 100 - 1080) * 10 // 62) < 8


def test_a_store_that_is_not_known_takes_no_part():
    one = plant()
    see = seen(0, 500, 0, 0)
    see[dp.B_MWH] = see[dp.H_MWH] = -1
    assert solved(one, [9000], 9000, see) == (0, 500)
    see[dp.PV] = 2_000_000
    assert solved(one, [9000], 9000, see) == (0, 0)


def test_a_set_that_is_out_of_order_is_not_asked():
    one = plant()
    merit, out = Merit(one), [0] * dp.SET
    merit.solve(array("i", [3000]), 5000, seen(0, 900, 0, 100), out)
    assert out[dp.DIE] > 0
    one.d_max_mw = 0
    merit.solve(array("i", [3000]), 5000, seen(0, 900, 0, 100), out)
    assert out[dp.DIE] == 0 and out[dp.H2] == 650_000 * 20 // 13 * 900 // 1000


def test_big_and_small_plants_and_steps_stay_in_32_bits():
    for scale in (1, 40, 1000):
        one = dp.Plant(dp.Store(2_900_000 * scale, 2_900_000 * scale, 950, 950),
                       dp.Store(1_000_000 * scale, 200_000_000 * scale, 650, 650),
                       1_000_000 * scale, 0, 15_700 * scale, 108_000, 310_000 // scale or 1)
        for dt_s in (1, 60, 3600):
            see = [0, 0, 1_500_000 * scale, 1_000_000 * scale, 50_000_000 * scale, dt_s]
            out = [0] * dp.SET
            Merit(one).solve(array("i", [6000, 2000]), 2600, see, out)
            want = [0] * dp.SET
            Merit(plant()).solve(array("i", [6000, 2000]), 2600,
                                 [0, 0, 1_500_000, 1_000_000, 50_000_000, dt_s], want)
            for place in (dp.H2, dp.DIE):
                assert abs(out[place] // scale - want[place]) <= 5_000, (scale, dt_s)
