"""Rule and table: what they read, when they answer, and when the next one has to."""
from acu.functions import dispatch as dp
from acu.functions import policy_table as pt
from acu.functions.policy_rule import Rule
from acu.functions.policy_table import Table, unfit
from tests.unit.policies import (
    EVENING_JANUARY_S,
    NOON_JUNE_S,
    UTC_S,
    clear,
    plant,
    price,
    profile_mw,
    reader,
    seen,
    table,
    worth,
)


def made(**more):
    return Table(plant(), reader(table(**more)))


def spoiled(raw, at, value):
    return raw[:at] + bytes([value]) + raw[at + 1:]


# -- the file


def test_a_table_that_is_whole_and_for_this_plant_is_taken():
    assert unfit(plant(), reader(table())) == ""
    assert unfit(None, reader(table())) == ""


def test_what_is_no_table_is_named_with_its_remedy():
    raw = table()
    for bad, code in ((b"", "E420"), (None, "E420"), (b"GARBAGE" * 99, "E420"),
                      (table(version=2), "E421"), (raw[:-1], "E422"), (raw[:400], "E422"),
                      (spoiled(raw, 300, raw[300] ^ 1), "E422"), (raw + b"x", "E422"),
                      (spoiled(raw, -1 % len(raw), raw[-1] ^ 128), "E422"),
                      (table(unit=pt.UNIT_MOST + 1), "E422"), (table(unit=0), "E422")):
        said = unfit(plant(), (lambda at, n: None) if bad is None else reader(bad))
        assert said[:4] == code and said.rstrip().endswith("."), (code, said)


def test_a_table_for_another_plant_is_named_by_what_differs():
    other = dp.Plant(dp.Store(2_900_000, 3_500_000, 950, 950),
                     dp.Store(1_000_000, 200_000_000, 650, 650))
    said = unfit(other, reader(table()))
    assert said[:4] == "E423" and "battery capacity 2900000" in said and "3500000" in said
    for key, word in (("d_max_mw", "diesel power"), ("d2_ueur_kw2h", "d2"),
                      ("c_pns_ueur_kwh", "c_pns")):
        assert word in unfit(plant(**{key: 77}), reader(table())), key


# -- what it reads


def at_node(one, season_s, hour, h_kwh, factor_pm, sky_pm):
    """Slopes and price for a state that lies on a node, after an hour of learning there."""
    utc_s = UTC_S + season_s + hour * 3600
    one._turn(utc_s // 3600)
    one._sky = sky_pm << 10
    one._sums[0], one._sums[1] = factor_pm * 1000, 1_000_000
    one._few_ws = 1
    out = [0] * dp.SET
    see = [utc_s, 0, profile_mw(hour) * factor_pm // 1000, 1_000_000, h_kwh * 1_000_000, 1]
    assert one.propose(see, out)
    return list(one._slopes)


def test_on_a_node_it_reads_what_was_written_there():
    year_s = 31_556_952
    for season in (0, 3, 7):
        middle_s = year_s * (2 * season + 1) // 16 // 86_400 * 86_400
        for h, h_kwh in ((0, 10), (1, 80), (2, 190)):
            for load, factor in ((0, 750), (1, 1250)):
                slopes = at_node(made(), middle_s, 20, h_kwh, factor, 900)
                for part in range(4):
                    want = worth(season, 20, h, load, 1, part) * 40
                    assert abs(slopes[part] - want) <= 45, (season, h, load, part)


def test_between_two_nodes_it_is_between_them():
    low, high = (at_node(made(), 15 * 86_400, 20, h, 750, 900)[0] for h in (80, 190))
    half = at_node(made(), 15 * 86_400, 20, 135, 750, 900)[0]
    assert min(low, high) < half < max(low, high) and abs(2 * half - low - high) <= 20


def test_it_keeps_one_hour_in_ram_and_reads_it_once():
    reads = []
    raw = table()

    def read(at, n):
        reads.append(n)
        return raw[at:at + n]
    one = Table(plant(), read)
    out = [0] * dp.SET
    del reads[:]
    for k in range(3600):
        one.propose(seen(0, 500, 1000, 100, EVENING_JANUARY_S + k, 1), out)
    assert len(reads) <= 2 and sum(reads) == 2 * (1 + 5 + 48)


# -- when it answers


def test_without_a_clock_the_next_policy_answers():
    d = dp.Dispatch(plant(), (made(), Rule(plant())))
    d.step(0, seen(0, 500, 1000, 100, 0))
    assert d.by == 1
    d.step(3_600_000, seen(0, 500, 1000, 100))
    assert d.by == 0


def days(one, n, shift_h=0, factor=1000, sky=700, start_s=UTC_S + 150 * 86_400, odd_w=0):
    """n days as the table knows them, but for its clock, the load and the sky."""
    out = [0] * dp.SET
    answered = 0
    season = 3
    for k in range(24 * n):
        hour = k % 24
        pv = clear(season, hour) * 25 * sky // 1000
        load = profile_mw(hour) // 1000 * factor // 1000 + (odd_w if k & 1 else -odd_w)
        answered += one.propose(
            seen(pv, max(load, 0), 1000, 100, start_s + (k + shift_h) * 3600), out)
    return answered


def test_days_as_the_table_knows_them_have_no_misfit():
    one = made()
    for factor in (800, 1200):
        assert days(one, 5, factor=factor) == 120
        assert one.misfit_pm < 60


def test_a_clock_that_is_half_a_day_wrong_is_found_within_two_days():
    one = made()
    assert days(one, 3, shift_h=12) < 48 and one.misfit_pm > 1000


def test_a_load_of_another_shape_is_found():
    one = made(fit_pm=300)
    days(one, 3, odd_w=900)
    assert one.misfit_pm > 300
    assert not one.propose(seen(0, 500, 1000, 100, UTC_S + 153 * 86_400), [0] * dp.SET)


def test_after_a_wrong_clock_was_mended_it_answers_again():
    one = made()
    days(one, 3, shift_h=12)
    assert days(one, 20, start_s=UTC_S + 153 * 86_400) > 24 * 8
    assert one.misfit_pm < 1000


def test_noise_of_a_third_is_no_other_load():
    one = made()
    assert days(one, 10, odd_w=200) == 240


# -- the rule


def test_the_rule_keeps_hydrogen_and_lets_the_set_run_at_part_load():
    rule, out = Rule(plant()), [0] * dp.SET
    assert rule.propose(seen(0, 600, 0, 10, 0), out)
    assert out[dp.DIE] >= 600_000 and out[dp.H2] <= 0           # little of it: dear
    rule.propose(seen(0, 600, 0, 195, 0), out)
    assert out[dp.H2] > 300_000                                 # nearly full: cheap
    rule.propose(seen(0, 100, 0, 5, 0), out)
    assert out[dp.DIE] > 500_000                                # charges at its cheap part load


def test_the_rule_leaves_a_plant_without_a_set_to_naive():
    assert not Rule(plant(d_max_mw=0)).propose(seen(0, 600, 0, 10), [0] * dp.SET)


def test_dispatch_covers_the_load_whatever_they_propose():
    for policies in ((Rule(plant()),), (made(), Rule(plant()))):
        d = dp.Dispatch(plant(), policies)
        for k in range(200):
            see = seen((k * 37) % 50 * 120, (k * 53) % 21 * 100, (k * 71) % 30 * 100,
                       (k * 13) % 21 * 10, NOON_JUNE_S + k * 3600)
            out = d.step(k * 3_600_000, see)
            assert (out[dp.BAT] + out[dp.H2] + out[dp.DIE] + out[dp.PNS] - out[dp.CUR]
                    == see[dp.LOAD] - see[dp.PV])
            if out[dp.PNS]:
                assert out[dp.DIE] == 1_000_000


def test_prices_of_hydrogen_lie_between_their_nodes():
    one = made()
    one.propose(seen(0, 900, 0, 100, EVENING_JANUARY_S), [0] * dp.SET)
    k, f = one._corner[9], one._corner[11]
    assert (k, f) == (2, 0)
    at = one._block[1 + k] >> 8
    assert min(price(0, 2), price(7, 2)) <= at <= max(price(0, 2), price(7, 2))
