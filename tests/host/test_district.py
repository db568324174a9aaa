"""The district of Lahsh: its swing equations against the vectors of spec/recloser.md, section 8,
and the table of section 6 with an ideal scheme. What the firmware is judged by must be right."""
import cmath
import math
import random
from dataclasses import replace

import pytest

from host_sim.study.islanding_ideal import BLIND, IDEAL, NONE, play, trip_set
from host_sim.world.district import RECLOSERS, District
from host_sim.world.district_params import DataError, Params
from host_sim.world.equal_area import clearing_angle, successive
from host_sim.world.swing import Machine, kron, power, power_by_angles

P0, BEFORE, DURING, AFTER = 0.8, 1.6, 0.4, 1.4


def swung(clear_s, until_s, dt_s=1e-4):
    """(greatest angle, angle at the end) of one machine, by the integration of the world."""
    m = Machine("g", 1.0, 0.3, 8.0)
    m.p_mw, m.delta_deg = P0, 30.0
    most = 0.0
    for n in range(round(until_s / dt_s)):
        pm = DURING if n * dt_s < clear_s else AFTER
        m.swing(pm * math.sin(math.radians(m.delta_deg)), 0.0, dt_s)
        most = max(most, m.delta_deg)
        if most > 400:
            break
    return most, m.delta_deg


def test_equal_areas_give_the_clearing_angle_and_the_integration_its_time():
    d0, dm, dcr = clearing_angle(P0, BEFORE, DURING, AFTER)
    assert (round(d0, 2), round(dm, 2), round(dcr, 2)) == (30.00, 145.15, 83.54)
    low, high = 0.2, 0.4
    while high - low > 5e-4:
        t_s = (low + high) / 2
        low, high = (t_s, high) if swung(t_s, 2.0)[0] < dm else (low, t_s)
    assert abs(low - 0.294) < 0.002
    assert abs(swung(low, low)[1] - dcr) < 0.3
    assert abs(swung(0.284, 2.0)[0] - 126) < 1
    assert swung(0.304, 2.0)[0] > 180


def test_successive_intervals_agree_with_the_printed_vector_and_with_fine_steps():
    got = successive(30.0, lambda deg: P0 - DURING * math.sin(math.radians(deg)), 8.0, 0.05, 6)
    want = (30, 31.69, 36.69, 44.85, 55.93, 69.64, 85.74)
    assert all(abs(a - b) < 0.006 for a, b in zip(got, want, strict=True))
    assert abs(swung(1.0, 0.30)[1] - 85.67) < 0.03


def test_equation_8_is_the_real_part_of_e_times_conjugate_current():
    rng = random.Random(8)
    for _ in range(200):
        y = [[0j] * 4 for _ in range(4)]
        for i in range(4):
            y[i][i] += complex(rng.uniform(0, 2), rng.uniform(-2, 0))
            for j in range(i):
                link = 1 / complex(rng.uniform(0, 0.5), rng.uniform(0.05, 1))
                y[i][j] = y[j][i] = -link
                y[i][i] += link
                y[j][j] += link
        size = [rng.uniform(0.7, 1.8) for _ in range(4)]
        deg = [rng.uniform(-180, 180) for _ in range(4)]
        e = [cmath.rect(u, math.radians(d)) for u, d in zip(size, deg, strict=True)]
        worst = max(abs(a - b) for a, b in zip(power_by_angles(size, deg, y), power(e, y),
                                               strict=True))
        scale = max(abs(x) for row in y for x in row)
        assert worst < 1e-12 * max(1.0, scale)


def test_a_reduced_network_gives_the_currents_of_the_whole_one():
    """Three nodes in a row, the middle one eliminated, a fourth that hangs on nothing."""
    a, b = 1 / (0.1 + 0.2j), 1 / (0.05 + 0.1j)
    y = [[a, 0j, -a, 0j], [0j, b, -b, 0j], [-a, -b, a + b, 0j], [0j, 0j, 0j, 0.3 + 0j]]
    reduced, factors = kron(y, 2)
    through = 1 / (0.15 + 0.3j)
    assert abs(reduced[0][0] - through) < 1e-12 and abs(reduced[0][1] + through) < 1e-12
    assert abs(sum(factors[0]) - 1) < 1e-12
    assert factors[1] == [0j, 0j]


# -- the district

@pytest.mark.parametrize("share", [0.2, 0.6, 1.0])
def test_it_starts_in_steady_state_at_ratings_and_nominal_voltage(share):
    d = District(Params(fault_s=5.0), share)
    for _ in range(1000):
        d.step()
    assert all(abs(abs(u) - 1) < 1e-9 for u in d.sides("r3"))
    for m, pe in zip(d.machines.values(), d.pe_mw(), strict=True):
        assert abs(pe - m.s_mva) < 1e-9 and abs(m.w) < 1e-12
    given = sum(d.pe_mw()) + (1 * d.q6_amps().conjugate()).real
    assert given > share and given - share < 0.03            # losses of the lines
    into = d.amps("r1") + d.amps("r2")
    assert abs(into - d.q6_amps()) < 1e-9


def test_both_sides_of_a_closed_recloser_are_one_and_what_nothing_feeds_is_dead():
    d = District(Params(), 0.6)
    for name in ("r1", "r2", "r4"):
        one, two = d.sides(name)
        assert one == two and abs(d.amps(name)) > 0.01
    d.switch("r4", False)
    assert d.sides("r4")[1] == 0 and d.amps("r4") == 0
    assert d.sides("r3")[0] != d.sides("r3")[1] and d.amps("r3") == 0
    for gen in d.machines:
        d.trip(gen)
    for name in ("r1", "r2"):
        d.switch(name, False)
    d.step()
    assert d.sides("r1") == (1, 0) and d.sides("r3") == (0, 0)
    assert d.pe_mw() == [0, 0, 0, 0] and d.f_hz() == 0
    for name in RECLOSERS:
        d.switch(name, True)
    d.step()
    assert abs(d.sides("r1")[0]) > 0.9                       # from the grid, without a machine


def test_power_balances_in_the_island():
    d = District(Params(), 0.6)
    for name, closed in (("r1", False), ("r2", False), ("r3", True)):
        d.switch(name, closed)
    one, _ = d.sides("r3")
    two = one - d.amps("r3") * d.params.tie
    load = 0.3 * (abs(one) ** 2 + abs(two) ** 2)
    lost = abs(d.amps("r3")) ** 2 * d.params.tie.real
    assert abs(sum(d.pe_mw()) - load - lost) < 1e-9
    assert abs(d.sides("r1")[0] - 1) < 1e-12                 # F, from the grid, unloaded


def test_q6_trips_recloses_once_and_locks_out_on_a_fault_that_stays():
    def marks(**changed):
        d = District(Params(**changed), 0.6)
        for name in ("r1", "r2"):
            d.switch(name, False)
        while d.now_ms < 12_000:
            d.step()
        return d, d.marks

    d, told = marks()
    assert told == [("fault", 1400), ("B", 2000), ("clear", 2000), ("D", 5000)]
    assert d.q6_closed and not d.fault_on
    d, told = marks(fault_for_s=math.inf)
    assert told == [("fault", 1400), ("B", 2000), ("D", 5000), ("B", 5600)]
    assert not d.q6_closed and d.fault_on and d.sides("r1")[0] == 0
    d, told = marks(fault_for_s=0.3)                         # goes out before Q6 trips
    assert told == [("fault", 1400), ("clear", 1700)] and d.q6_closed


def test_a_machine_obeys_a_request_until_it_runs_out():
    d = District(Params(fault_s=100.0), 0.6)
    for name, closed in (("r1", False), ("r2", False), ("r3", True)):
        d.switch(name, closed)

    def go(until_ms, df_hz, du_pu):
        while d.now_ms < until_ms:
            for gen in d.machines:
                d.request(gen, True, df_hz, du_pu, d.now_ms + 1000)
            d.step()

    go(15_000, 0.0, 0.0)
    assert abs(d.f_hz() - 50.0) < 0.05
    go(30_000, 0.10, -0.03)
    assert abs(d.f_hz() - 50.10) < 0.03
    assert abs(abs(d.sides("r3")[0]) - 0.97) < 0.01
    assert all(m.isl for m in d.machines.values())
    while d.now_ms < 36_000:                                 # nobody asks any more
        d.step()
    assert not any(m.isl for m in d.machines.values())
    assert abs(abs(d.sides("r3")[0]) - 1.0) < 0.01


# -- the table of section 6

TABLE = {0.2: (53.25, 49.37, ("g1", "g2"), None, 8.67, 1.19),
         0.6: (51.15, 49.70, ("g3", "g4"), None, 9.54, 1.34),
         1.0: (50.53, 47.63, (), 4.86, 16.77, 1.28)}


@pytest.mark.parametrize("share", TABLE)
def test_the_ideal_scheme_reproduces_the_table(share):
    f_max, f_min, tripped, ufls_s, e_s, peak = TABLE[share]
    for step_us in (1000, 500, 2000):
        done = play(Params(), share, IDEAL, 30_000, step_us)
        w = done.watch
        assert done.tripped == tripped == trip_set(Params(), share)
        assert abs(w.f_max - f_max) < 0.02 and abs(w.f_min - f_min) < 0.02
        assert (done.ufls_ms is None) == (ufls_s is None)
        assert ufls_s is None or abs(done.ufls_ms / 1000 - ufls_s) < 0.02
        assert [c.name for c in w.closings] == ["r1", "r2"]
        assert abs(w.closings[0].ms / 1000 - e_s) < 0.05
        assert abs(w.closings[0].deg) < 10 and abs(w.closings[0].slip_hz) < 0.2
        assert abs(w.peak_pu - peak) < 0.04 and w.in_step()
    blind = play(Params(), share, BLIND, 8_000).watch
    assert blind.peak_pu > 2 * w.peak_pu
    assert abs(blind.closings[0].deg - {0.2: -117, 0.6: -40, 1.0: 48}[share]) < 1
    none = play(Params(), share, NONE, 8_000).watch
    assert none.slipped_ms < 2000 and not none.in_step()


# -- bad data

@pytest.mark.parametrize(("changed", "says"), [
    ({"tj_s": (8.0, 8.0, 8.0)}, "E562 district: g4 has no tj_s"),
    ({"s_mw": (0.31, None, 0.12, 0.12)}, "E562 district: g2 has no s_mw"),
    ({"x_d": (0.3,) * 5}, "E561 district: x_d has 5 values"),
    ({"x_d": 0.3}, "E560 district: x_d = 0.3 must be a list"),
    ({"tj_s": (8.0, 8.0, 0.0, 8.0)}, "E564 district: tj_s of g3 = 0.0 cannot be"),
    ({"d": math.nan}, "E564 district: d = nan"),
    ({"ki": "4"}, "E564 district: ki = '4'"),
    ({"xs": -0.05}, "E564 district: xs = -0.05"),
    ({"fault_for_s": -1.0}, "E564 district: fault_for_s = -1.0"),
    ({"line2": 0j}, "E563 district: impedance of line2"),
    ({"tie": -0.1 + 0.2j}, "E563 district: impedance of tie"),
    ({"q6_shots": 9}, "E564 district: q6_shots = 9"),
    ({"r4_mw": 0.6}, "E565 district: r4_mw = 0.6 MW is more than bus 2 has"),
])
def test_missing_or_impossible_data_are_named_and_refused(changed, says):
    with pytest.raises(DataError) as refused:
        Params(**changed)
    assert len(refused.value.complaints) == 1 and str(refused.value).startswith(says)
    assert str(refused.value).endswith(".")


def test_a_district_that_cannot_be_is_refused():
    with pytest.raises(DataError, match="E566 district: load_share = 0.0"):
        District(Params(), 0.0)
    weak = replace(Params(), s_mw=(10.0, 10.0, 0.12, 0.12), line1=0.5 + 1.5j)
    with pytest.raises(DataError, match="E567 district: machines at their ratings"):
        District(weak, 0.6)
