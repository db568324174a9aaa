"""The grid engine against another way to the same answer, and the laws that any answer obeys."""
import math
from dataclasses import replace

import numpy as np
import pytest

from host_sim.world.grid import direct
from host_sim.world.grid.engine import Engine
from host_sim.world.grid.loads import Limits
from host_sim.world.grid.network import (
    Earth,
    GridError,
    Line,
    LineCode,
    LoadPoint,
    Network,
    Source,
    Switch,
    check,
)
from host_sim.world.grid.sources import hv_side, open_circuit
from host_sim.world.grid.synthetic import day, feeder

Q = math.tan(math.acos(0.95))


def ports_of(network):
    return [(load.bus, phase, "N") for load in network.loads for phase in "ABC"]


class Street:
    """A feeder whose customers take seeded powers of all three kinds."""

    def __init__(self, network, seed=5, extra_ports=()):
        self.network = network
        self.engine = Engine(network, [*ports_of(network), *extra_ports])
        self.e = open_circuit(network)
        rng = np.random.default_rng(seed)
        self.at = np.array([self.engine.index[load.bus, load.phases, "N"]
                            for load in network.loads])
        n = len(self.at)
        self.s = rng.uniform(200.0, 3000.0, n) * (1 + 1j * Q)
        self.s[1] *= -1.0                          # one feeds in
        self.y = rng.uniform(0.0, 0.02, n) * (1 - 0.2j)
        self.i = rng.uniform(0.0, 3.0, n) * (1 - 0.1j)

    def solve(self, ties=(), **state):
        self.engine.topology(**state)
        return self.engine.solve(self.e, self.at, self.s, self.y, self.i, ties)

    def directly(self, **state):
        loads = [(self.engine.ports[p], s, y, i) for p, s, y, i in zip(
            self.at.tolist(), self.s, self.y, self.i, strict=True)]
        return direct.solve(self.network, self.e, loads, **state)

    def worst_v(self, state):
        """Largest difference of any conductor of any bus to the direct solution."""
        own, other = self.solve(**state).all_voltages(), self.directly(**state)
        assert own.keys() == other.keys()
        return max(abs(own[key] - other[key]) for key in other)


@pytest.fixture(scope="module", params=[False, True], ids=["three wires", "four wires"])
def street(request):
    return Street(feeder(24, 3, request.param))


def with_tie(network, closed):
    """A second way from the first customer's bus to the last one's."""
    a, b = network.loads[0].bus, network.loads[-1].bus
    tie = Line("tie", a, b, "main_95", 60.0, network.lines[0].phases)
    return replace(network, lines=(*network.lines, tie),
                   switches=(Switch("S1", "tie", closed=closed),))


def chain(sections, neutral=False):
    """LV bus 1, sections of 10 m in series, one customer at the end."""
    code = LineCode.sequence("c", 0.5, 0.08, 1.6, 0.3)
    lines = tuple(Line(f"L{k}", str(k), str(k + 1), "c", 10.0) for k in range(1, sections + 1))
    return Network(Source.pu_of("1", 230.0, 100.0, 4.0, 3.0), None, {"c": code}, lines,
                   (LoadPoint("c1", str(sections + 1), "A", 3.0),))


# --- the answer is right -----------------------------------------------------------------------


def test_voltages_of_every_conductor_equal_the_direct_solution(street):
    assert street.worst_v({}) < 1e-6


def test_faults_equal_the_direct_solution(street):
    bus = street.network.loads[4].bus
    for fault in ((bus, "A", "E", 5.0), (bus, "A", "B", 0.5), (bus, "C", "N", 0.3)):
        assert street.worst_v({"faults": (fault,)}) < 1e-6, fault


def test_a_neutral_broken_between_earthings_equals_the_direct_solution():
    street = Street(feeder(24, 3, True))
    intact = street.solve()
    assert street.worst_v({"cut": {("L1", "N")}}) < 1e-6
    assert max(abs(street.solve(cut={("L1", "N")}).u)) > max(abs(intact.u)) + 10.0


def test_a_closed_tie_equals_the_direct_solution_and_an_open_one_changes_nothing(street):
    closed = Street(with_tie(street.network, True))
    assert closed.worst_v({}) < 1e-6
    opened = Street(with_tie(street.network, False))
    np.testing.assert_allclose(opened.solve().u, street.solve().u, atol=1e-9)
    np.testing.assert_allclose(opened.solve(closed={"S1"}).u, closed.solve().u, atol=1e-9)
    np.testing.assert_allclose(closed.solve(open_lines={"S1"}).u, street.solve().u, atol=1e-9)


def test_contacts_welded_together_are_a_short_of_this_resistance(street):
    bus = street.network.loads[2].bus
    p, q = (street.engine.index[bus, phase, "N"] for phase in "AB")
    tied = street.solve(ties=((p, q, 20.0),))
    fault = street.solve(faults=((bus, "A", "B", 0.05),))
    np.testing.assert_allclose(tied.u, fault.u, atol=1e-6)
    np.testing.assert_allclose(tied.i_src, fault.i_src, atol=1e-5)
    np.testing.assert_allclose(tied.line_i("L1"), fault.line_i("L1"), atol=1e-5)
    assert abs(tied.losses_va - fault.losses_va) < 1e-2
    own, other = tied.all_voltages(), fault.all_voltages()
    assert max(abs(own[key] - other[key]) for key in own) < 1e-6


def test_a_delta_transformer_passes_no_zero_sequence(street):
    state = street.solve()
    _, i = hv_side(street.network, state.i_src)
    assert abs(i.sum()) < 1e-9 < abs(state.i_src.sum())


def test_shunt_capacitance_of_a_cable_draws_its_current():
    code = LineCode.sequence("c", 0.2, 0.08, 0.8, 0.3, 400.0, 400.0)
    network = replace(chain(1), codes={"c": code}, lines=(Line("L1", "1", "2", "c", 1000.0),),
                      loads=())
    engine = Engine(network, [("2", "A", "N")])
    state = engine.solve(open_circuit(network), [0], [0.0])
    expected = 230.0 * 2.0 * math.pi * 50.0 * 400e-9
    assert abs(state.line_i("L1")[0]) == pytest.approx(expected, rel=2e-3)
    assert state.i_src[0] == pytest.approx(state.line_i("L1")[0], abs=1e-9)


def test_inner_points_of_a_merged_chain_are_on_the_straight_line():
    network = chain(5)
    engine = Engine(network, [("6", "A", "N")])
    v = engine.solve(open_circuit(network), [0], [3000.0 + 1000.0j]).all_voltages()
    drops = np.diff([v[str(k), "A"] for k in range(1, 7)])
    np.testing.assert_allclose(drops, drops[0], atol=1e-9)
    assert abs(drops[0]) > 0.01 and len(v) == 18


# --- currents and losses -------------------------------------------------------------------------


def test_the_transformer_carries_the_sum_of_its_lines_and_power_is_conserved(street):
    state = street.solve()
    heads = [line for line in street.network.lines if "1" in (line.bus1, line.bus2)]
    total = sum(state.line_i(line.name)[:3] for line in heads)
    np.testing.assert_allclose(total, state.i_src, atol=1e-7)
    u, i = hv_side(street.network, state.i_src)
    taken = np.vdot(state.i_load, state.u[street.at])
    assert abs(np.vdot(i, u) - taken - state.losses_va) < 1e-3
    assert 0.0 < state.losses_va.real < 0.2 * taken.real


def test_a_line_meter_reads_away_from_the_source_whatever_the_order_of_its_buses():
    network = chain(3)
    turned = replace(network, lines=tuple(replace(line, bus1=line.bus2, bus2=line.bus1)
                                          for line in network.lines))
    for one in (network, turned):
        engine = Engine(one, [("4", "A", "N")])
        state = engine.solve(open_circuit(one), [0], [3000.0])
        assert state.line_i("L2")[0].real > 10.0
        np.testing.assert_allclose(state.line_i("L2"), [state.i_load[0], 0.0, 0.0], atol=1e-7)


def test_neutral_current_and_neutral_to_earth_voltage():
    network = feeder(24, 3, True)
    street = Street(network, extra_ports=[(load.bus, "N", "E") for load in network.loads])
    state = street.solve()
    i = state.line_i("L1")
    assert len(i) == 4 and abs(i[3]) > 1.0
    assert state.neutral_i("L1") == i[3]
    assert abs(i.sum()) < 0.1 * abs(i[3])              # a little returns through earth
    nev = np.abs(state.u[len(ports_of(network)):])
    assert 0.1 < nev.max() < 20.0
    three = Street(feeder(24, 3)).solve()
    assert three.neutral_i("L1") == -three.line_i("L1").sum()


# --- what is switched off ------------------------------------------------------------------------


def test_behind_an_open_line_everything_is_dark_and_the_rest_goes_on(street):
    from host_sim.world.grid.tree import downstream
    line = street.network.lines[20].name
    behind = downstream(street.network, line)
    state = street.solve(open_lines={line})
    dark = np.array([bus in behind for bus, _, _ in street.engine.ports])
    assert dark.any() and not dark.all()
    assert (state.u[dark] == 0.0).all() and (np.abs(state.u[~dark]) > 150.0).all()
    loads = dark[street.at]
    assert (state.i_load[loads] == 0.0).all() and (state.i_load[~loads] != 0.0).all()
    assert (state.line_i(line) == 0.0).all()
    with_fault = street.solve(open_lines={line}, faults=((sorted(behind)[0], "A", "E", 1.0),))
    np.testing.assert_allclose(with_fault.u, state.u, atol=1e-6)


def test_a_phase_of_the_supply_lost_and_all_of_it(street):
    state = street.solve(cut={("source", "A")})
    u = {port: abs(v) for port, v in zip(street.engine.ports, state.u, strict=True)}
    assert state.i_src[0] == 0.0
    assert max(v for (_, phase, _), v in u.items() if phase == "A") < 40.0
    assert min(v for (_, phase, _), v in u.items() if phase == "B") > 150.0
    state = street.solve(cut={("source", phase) for phase in "ABC"})
    assert (state.u == 0.0).all() and (state.i_src == 0.0).all()
    street.engine.topology()
    dead = street.engine.solve(np.zeros(3), street.at, street.s, street.y, street.i)
    assert np.abs(dead.u).max() < 1e-6


def test_a_lost_phase_is_fed_back_by_a_load_between_two():
    network = chain(3)
    engine = Engine(network, [("4", "A", "N"), ("4", "A", "B")])
    engine.topology(cut={("source", "A")})
    state = engine.solve(open_circuit(network), [0, 1], [0, 0], [0.01, 0.01])
    assert abs(state.u[0]) == pytest.approx(115.0, rel=0.01)     # a divider from phase B
    alone = engine.solve(open_circuit(network), [0], [0], [0.01])
    assert abs(alone.u[0]) == 0.0


def test_a_lost_phase_held_by_many_loads_between_phases_equals_the_direct_solution():
    network = feeder(55, 2)
    ports = [(load.bus, *pair) for load in network.loads for pair in (("A", "N"), ("A", "B"))]
    engine = Engine(network, ports)
    engine.topology(cut={("source", "A")})
    n = len(ports)
    s, y, i = np.linspace(10.0, 800.0, n) * (1 + 0.3j), np.full(n, 0.004), np.full(n, 0.7)
    e = open_circuit(network)
    own = engine.solve(e, np.arange(n), s, y, i).all_voltages()
    other = direct.solve(network, e, list(zip(ports, s, y, i, strict=True)),
                         cut={("source", "A")})
    assert max(abs(own[key] - other[key]) for key in own) < 2e-5


def test_a_broken_neutral_without_earth_divides_the_phases_by_their_loads():
    code = LineCode("c", *(tuple(tuple(value if j == k else 0.0 for k in range(4))
                                 for j in range(4)) for value in (0.3, 0.08)))
    network = replace(chain(2), codes={"c": code}, lines=tuple(
        replace(line, phases="ABCN") for line in chain(2).lines), earths=(Earth("1", 1.0),))
    engine = Engine(network, [("3", p, "N") for p in "ABC"] + [("3", "N", "E")])
    e = open_circuit(network)
    engine.topology(cut={("L1", "N")})
    state = engine.solve(e, [0, 1], [0, 0], [0.02, 0.01])
    ab = abs(e[0] - e[1])
    assert abs(state.u[0]) == pytest.approx(ab / 3.0, rel=5e-3)
    assert abs(state.u[1]) == pytest.approx(ab * 2.0 / 3.0, rel=5e-3)
    # one load alone: no current, its neutral at the phase's voltage, which the others see
    alone = engine.solve(e, [0], [3000.0])
    assert abs(alone.u[0]) < 0.01 and abs(alone.u[1]) > 390.0 and abs(alone.u[3]) > 225.0


def test_constant_power_that_the_line_cannot_carry_still_has_a_solution():
    network = chain(60)                      # 0.3 ohm
    engine = Engine(network, [("61", "A", "N")])
    state = engine.solve(open_circuit(network), [0], [60_000.0])
    u = abs(state.u[0])
    assert 5.0 < u < 115.0                   # below half it is an impedance, see Limits
    assert state.i_load[0] == pytest.approx(60_000.0 / 115.0 ** 2 * state.u[0], rel=1e-5)


# --- loads ---------------------------------------------------------------------------------------


def test_kinds_of_load_and_their_limits():
    network = chain(1)
    engine = Engine(network, [("2", "A", "N")])
    e = open_circuit(network)
    s = 2000.0 + 500.0j

    def drawn(scale, limits=None, **kind):
        state = engine.solve(e * scale, [0], kind.get("s", [0.0]), kind.get("y"), kind.get("i"),
                             limits=limits)
        return state.i_load[0], state.u[0]

    i, u = drawn(1.0, s=[s])
    assert i == pytest.approx(np.conj(s / u), rel=1e-6)
    i, u = drawn(1.0, y=[0.01 - 0.002j])
    assert i == pytest.approx((0.01 - 0.002j) * u, rel=1e-6)
    i, u = drawn(0.9, i=[10.0 - 2.0j])
    assert i == pytest.approx((10.0 - 2.0j) * u / abs(u), rel=1e-6)
    # OpenDSS's own limits: an impedance above 1.05 and, sliding to the nominal one, below 0.95
    limits = Limits(*(np.array([230.0 * x]) for x in (0.95, 1.05, 1.0, 0.5)))
    i, u = drawn(1.1, limits, s=[s])
    assert i / u == pytest.approx(np.conj(s) / (230.0 * 1.05) ** 2, rel=1e-6)
    i, u = drawn(0.4, limits, s=[s])
    assert i / u == pytest.approx(np.conj(s) / 230.0 ** 2, rel=1e-6)
    i, u = drawn(0.7, limits, s=[s])
    part = (abs(u) / 230.0 - 0.5) / 0.45
    line = (0.5 + (1.0 / 0.95 - 0.5) * part) * np.conj(s) / 230.0
    assert i == pytest.approx(line * u / abs(u), rel=1e-5)


def test_a_phase_switch_moves_a_load_to_the_other_port(street):
    at = street.at.copy()
    bus, phase, _ = street.engine.ports[at[0]]
    at[0] = street.engine.index[bus, "B" if phase != "B" else "C", "N"]
    street.engine.topology()
    moved = street.engine.solve(street.e, at, street.s, street.y, street.i)
    loads = [replace(load, phases=street.engine.ports[p][1])
             for load, p in zip(street.network.loads, at.tolist(), strict=True)]
    fresh = Street(replace(street.network, loads=tuple(loads))).solve()
    np.testing.assert_allclose(moved.u, fresh.u, atol=1e-7)


def test_many_at_once_are_the_single_ones_also_where_something_is_dark(street):
    s = day(24, 1)[::60] * 1000.0 * (1 + 1j * Q)
    for state in ({}, {"open_lines": {street.network.lines[20].name}}):
        street.engine.topology(**state)
        many = street.engine.solve_many(street.e, street.at, s, street.y)
        for t in range(0, len(s), 5):
            one = street.engine.solve(street.e, street.at, s[t], street.y)
            np.testing.assert_allclose(many.u[t], one.u, atol=1e-6)
            np.testing.assert_allclose(many.i_src[t], one.i_src, atol=1e-6)
            np.testing.assert_allclose(many.line_i("L1")[t], one.line_i("L1"), atol=1e-6)
            assert abs(many.losses_va[t] - one.losses_va) < 1e-3
            assert abs(many.at(t).losses_va - one.losses_va) < 1e-3


def test_a_solution_depends_on_its_arguments_alone(street):
    before = street.solve()
    street.solve(open_lines={"L5"})
    again = street.solve()
    assert (before.u == again.u).all() and (before.i_src == again.i_src).all()
    warm = street.engine.solve(street.e, street.at, street.s, street.y, street.i,
                               v0=before.u[street.at] * 0.9)
    np.testing.assert_allclose(warm.u, before.u, atol=1e-6)


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bad, code, word", [
    (lambda e: Engine(e.network, [("nowhere", "A", "N")]), "E351", "nowhere"),
    (lambda e: Engine(e.network, [("1", "A", "A")]), "E352", "1.AA"),
    (lambda e: e.topology(open_lines={"L999"}), "E353", "L999"),
    (lambda e: e.topology(cut={("L1", "X")}), "E354", "L1.X"),
    (lambda e: e.topology(faults=(("1", "A", "X", 1.0),)), "E355", "1.AX"),
    (lambda e: e.topology(faults=(("1", "A", "E", 0.0),)), "E356", "ohm"),
    (lambda e: e.solve([230, 0, 0], [0], [0], ties=((0, 3, 1.0),)), "E364", "one bus"),
    (lambda e: e.solve([230, 0, 0], [0], [0], ties=((0, 1, 0.0),)), "E364", "above zero"),
])
def test_what_cannot_be_asked_for(bad, code, word):
    with pytest.raises(GridError) as caught:
        bad(Street(feeder(3, 1)).engine)
    assert caught.value.code == code and word in caught.value.text


def test_made_up_feeders_are_sound_seeded_and_scale():
    for customers, neutral in ((1, False), (3, True), (24, True), (250, False)):
        network = feeder(customers, 7, neutral)
        assert check(network, radial=True) == []
        assert len(network.loads) == customers and network == feeder(customers, 7, neutral)
        assert len({load.bus for load in network.loads}) == customers
        assert set(network.coords) >= {line.bus2 for line in network.lines}
    assert feeder(24, 7) != feeder(24, 8)
    phases = [load.phases for load in feeder(550, 7).loads]
    assert phases.count("A") > phases.count("B") > phases.count("C") > 100


def test_made_up_days_look_like_households():
    kw = day(200, 4)
    assert kw.shape == (1440, 200) and (kw == day(200, 4)).all()
    assert 0.4 < kw.mean() < 0.6
    peaks = kw.max(axis=0)
    assert 5.0 < np.median(peaks) < 10.0 and kw.min() > 0.05
    hours = kw.mean(axis=1).reshape(24, 60).mean(axis=1)
    assert hours[20] > 2.0 * hours[3] and hours[8] > 1.5 * hours[3]
    # drawn from integers: this very sum on every machine
    assert int(round(kw.sum() * 1000.0)) == DAY_SUM_W


DAY_SUM_W = 129550244
