"""The microgrid's plant and the firmware's dispatch on it: whatever a policy proposes, whatever
the plant is, at any step. Exact integers, so there are no tolerances but where floats are the
reference, and for the firmware's gauges, which tell whole mWh.
"""
import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from acu.functions.dispatch import (
    B_MWH,
    BAT,
    CUR,
    DIE,
    H2,
    H_MWH,
    PNS,
    RUN,
    Dispatch,
)
from acu.functions.policy_table import plant_words
from host_sim.board.dispatch_rig import plant_of
from host_sim.world.microgrid import Microgrid, PlantSpec, StoreSpec

KW = 1_000_000
HOUR_S = 3600
STEPS_FLOAT = 10_000


class Says:
    """A policy that proposes what the test put there."""

    def __init__(self):
        self.h2 = self.die = 0

    def propose(self, seen, out):
        out[H2], out[DIE] = self.h2, self.die
        return True


powers = st.integers(0, 7 * KW)
anything = st.integers(-9 * KW, 9 * KW)
percent = st.integers(1, 1000)


@st.composite
def stores(draw, most_mwh):
    cap = draw(st.integers(0, most_mwh))
    return StoreSpec(draw(st.integers(0, 4 * KW)), cap, draw(percent), draw(percent),
                     draw(st.integers(0, cap)))


plants = st.builds(PlantSpec, stores(3 * KW), stores(200 * KW), st.integers(0, 2 * KW))
steps = st.lists(st.tuples(powers, powers, anything, anything, anything), min_size=1, max_size=8)


def energies(world):
    return world.battery.e_mws, world.hydrogen.e_mws


def check(world, before, pv, load, dt_s):
    """Kirchhoff, the bounds of everything, and no energy out of nothing. before: energies."""
    did, spec = world.did, world.spec
    assert pv - did[CUR] + did[BAT] + did[H2] + did[DIE] == load - did[PNS]
    assert 0 <= did[CUR] <= pv and 0 <= did[PNS] <= load and 0 <= did[DIE] <= spec.d_max_mw
    for store, tank, p, e in ((spec.battery, world.battery, did[BAT], before[0]),
                              (spec.hydrogen, world.hydrogen, did[H2], before[1])):
        assert abs(p) <= store.p_max_mw and 0 <= tank.e_mws <= store.cap_mwh * HOUR_S
        change = (Fraction(-p * dt_s * 1000, store.zeta_pm) if p > 0
                  else Fraction(-p * dt_s * store.eta_pm, 1000))
        assert change - 1 < tank.e_mws - e <= change


@given(plants, steps, st.integers(1, HOUR_S))
@settings(max_examples=300, deadline=None)
def test_no_energy_appears_whatever_the_plant_is_asked(spec, sequence, dt_s):
    world = Microgrid(spec)
    for pv, load, bat, h2, die in sequence:
        before = energies(world)
        world.step(pv, load, [bat, h2, die, 0, 0, 0], dt_s)
        check(world, before, pv, load, dt_s)


def carried_out(out, did, spec, dt_s):
    """To the milliwatt; of a store that is full to less than a mWh, which the gauge does not
    tell, what does not fit in is given up, not generated or not taken from the other store."""
    kept = [(store, out[k], did[k]) for store, k in ((spec.battery, BAT), (spec.hydrogen, H2))]
    not_taken = sum(done - asked for _, asked, done in kept if asked < 0)
    for store, asked, done in kept:
        if asked < 0:
            assert 0 <= done - asked <= HOUR_S * 1000 // (store.eta_pm * dt_s) + 1
        else:
            assert 0 <= asked - done <= not_taken
    assert out[PNS] == did[PNS]
    instead = did[CUR] - out[CUR] + out[DIE] - did[DIE]
    assert instead == sum(done - asked for _, asked, done in kept)
    assert did[CUR] >= out[CUR] and did[DIE] <= out[DIE]


def seen_by(world, pv, load, dt_s):
    return [0, pv, load, world.battery.e_mwh, world.hydrogen.e_mwh, dt_s]


@given(plants, steps, st.integers(1, HOUR_S))
@settings(max_examples=400, deadline=None)
def test_any_proposal_becomes_what_the_plant_can_do_and_costs_least(spec, sequence, dt_s):
    """The set-points are carried out to the milliwatt; nobody is left out while anything could
    deliver, no PV is given up while anything could take it."""
    world = Microgrid(spec)
    plant = plant_of(plant_words(spec))
    says = Says()
    dispatch = Dispatch(plant, (says,))
    for k, (pv, load, _, says.h2, says.die) in enumerate(sequence):
        before = energies(world)
        seen = seen_by(world, pv, load, dt_s)
        out = list(dispatch.step(k * dt_s * 1000, seen))
        carried_out(out, world.step(pv, load, out, dt_s), spec, dt_s)
        check(world, before, pv, load, dt_s)
        if out[PNS]:
            assert out[DIE] == spec.d_max_mw
            assert out[BAT] == plant.battery.avail_mw(seen[B_MWH], dt_s)
            assert out[H2] == plant.hydrogen.avail_mw(seen[H_MWH], dt_s)
        if out[CUR]:
            assert out[DIE] == 0
            assert out[BAT] == -plant.battery.room_mw(seen[B_MWH], dt_s)
            assert out[H2] == -plant.hydrogen.room_mw(seen[H_MWH], dt_s)


@given(plants, steps, st.integers(1, HOUR_S), st.integers(0, 300_000), st.integers(0, 400_000),
       st.integers(0, 3), st.integers(0, 3))
@settings(max_examples=300, deadline=None)
def test_with_the_rules_of_the_field_the_balance_still_comes_out(spec, sequence, dt_s, dead_mw,
                                                                 d_min_mw, run, stop):
    world = Microgrid(spec)
    plant = plant_of(plant_words(spec))
    plant.d_min_mw = min(d_min_mw, plant.d_max_mw)
    says = Says()
    times = {"run_ms": run * dt_s * 1000, "stop_ms": stop * dt_s * 1000}
    dispatch = Dispatch(plant, (says,), dead_mw=dead_mw, **times)
    changed, turned = -10, 0
    for k, (pv, load, _, says.h2, says.die) in enumerate(sequence):
        before = energies(world)
        out = list(dispatch.step(k * dt_s * 1000, seen_by(world, pv, load, dt_s)))
        carried_out(out, world.step(pv, load, out, dt_s), spec, dt_s)
        check(world, before, pv, load, dt_s)
        if out[RUN] != turned:
            assert changed < 0 or k - changed >= (run if turned else stop)
            changed, turned = k, out[RUN]


def naive(spec, pv, load, b, h, dt_h):
    """Section 4 as it stands, in floats: kW, kWh, h."""
    zb, eb = spec.battery.zeta_pm / 1000, spec.battery.eta_pm / 1000
    zh, eh = spec.hydrogen.zeta_pm / 1000, spec.hydrogen.eta_pm / 1000
    cap_b, cap_h = spec.battery.cap_mwh / 1e6, spec.hydrogen.cap_mwh / 1e6
    pb, ph = spec.battery.p_max_mw / 1e6, spec.hydrogen.p_max_mw / 1e6
    die = pns = cur = 0.0
    if pv > load:
        x = pv - load
        bat = -min(x, pb, (cap_b - b) / (eb * dt_h))
        x += bat
        h2 = -min(x, ph, (cap_h - h) / (eh * dt_h))
        cur = x + h2
        return bat, h2, die, cur, pns, b - eb * bat * dt_h, h - eh * h2 * dt_h
    x = load - pv
    bat = min(x, pb, b * zb / dt_h)
    x -= bat
    h2 = min(x, ph, h * zh / dt_h)
    x -= h2
    die = min(spec.d_max_mw / 1e6, x)
    pns = x - die
    return bat, h2, die, cur, pns, b - bat / zb * dt_h, h - h2 / zh * dt_h


def test_integers_follow_the_float_naive_within_two_units():
    """Each step from a random state: powers within 2 mW, stores within 2 mWh (at a full hour)."""
    dice = random.Random(4)
    spec = PlantSpec()
    for _ in range(STEPS_FLOAT):
        pv = dice.choice((0, dice.randrange(6 * KW)))
        load = dice.randrange(2_100_000)
        b = dice.choice((0, spec.battery.cap_mwh, dice.randrange(spec.battery.cap_mwh)))
        h = dice.choice((0, spec.hydrogen.cap_mwh, dice.randrange(3 * KW),
                         dice.randrange(spec.hydrogen.cap_mwh)))
        dt_s = dice.choice((1, 60, 900, HOUR_S, HOUR_S))
        world = Microgrid(spec)
        world.battery.e_mws, world.hydrogen.e_mws = b * HOUR_S, h * HOUR_S
        out = Dispatch(plant_of(plant_words(spec))).step(0, seen_by(world, pv, load, dt_s))
        did = world.step(pv, load, out, dt_s)
        *powers_kw, b_kwh, h_kwh = naive(spec, pv / 1e6, load / 1e6, b / 1e6, h / 1e6,
                                         dt_s / HOUR_S)
        for k, p_kw in zip((BAT, H2, DIE, CUR, PNS), powers_kw, strict=True):
            assert abs(did[k] - p_kw * 1e6) <= 2, (k, did, powers_kw, dt_s)
        assert abs(world.battery.e_mws / HOUR_S - b_kwh * 1e6) <= 2
        assert abs(world.hydrogen.e_mws / HOUR_S - h_kwh * 1e6) <= 2


def test_costs_are_the_papers():
    """Section 10, vectors 2 and 3: EUR of an hour."""
    for load, b_mwh, h_mwh, eur in ((2_100_000, KW, 50 * KW, 0.038875), (2_100_000, 0, 0, 1.5337)):
        spec = PlantSpec(StoreSpec(2_900_000, 2_900_000, 950, 950, b_mwh),
                         StoreSpec(KW, 200 * KW, 650, 650, h_mwh))
        world = Microgrid(spec)
        out = Dispatch(plant_of(plant_words(spec))).step(0, seen_by(world, 0, load, HOUR_S))
        world.step(0, load, out, HOUR_S)
        assert abs(world.totals.eur - eur) < 1e-9


def test_a_short_step_costs_its_share():
    """An hour in seconds is an hour: energies, diesel cost and hydrogen, to a rounding."""
    found = []
    for dt_s in (HOUR_S, 900, 1):
        world = Microgrid()
        dispatch = Dispatch(plant_of(plant_words(world.spec)))
        for k in range(HOUR_S // dt_s):
            out = dispatch.step(k * dt_s * 1000, seen_by(world, 0, 1_500_000, dt_s))
            world.step(0, 1_500_000, out, dt_s)
        found.append((world.totals.eur, world.totals.h_out_mws / HOUR_S, world.hydrogen.e_mwh,
                      world.totals.diesel_mws / HOUR_S))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            assert abs(a - b) <= 1e-6 * max(abs(a), 1)


def test_a_standing_set_costs_nothing_and_an_idling_one_its_no_load_cost():
    world = Microgrid()
    world.step(0, 0, [0, 0, 0, 0, 0, 0], HOUR_S)
    assert world.totals.eur == 0 and world.totals.diesel_s == 0
    world.step(0, 0, [0, 0, 0, 0, 0, 1], HOUR_S)
    assert abs(world.totals.eur - 0.0157) < 1e-12 and world.totals.diesel_s == HOUR_S
