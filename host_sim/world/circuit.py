"""The street's circuit, closed form: a Thevenin source a phase, customers behind contacts.

Phasors are rms; currents flow from the source to the customer. A load is a constant admittance.
During its inrush it is a current source INSTEAD of the admittance, so that the total is exactly
inrush_x times the rated current (times the source's per-unit voltage), at the load's
power-factor angle to the voltage. Simplifications, the same in truth and in the waveforms: no
line impedance; the third harmonic of a load is i3_pct of its own fundamental, in step with it,
and does not distort the voltage; the source's voltage harmonics reach the customers undamped.
"""
import math

from host_sim.world.spec import CustomerSpec, SourceSpec, StreetSpec
from host_sim.world.supply import ANGLES

_ROUNDS = 30  # of the fixed point for the angle of the inrush; each gains about a digit


class Load:
    """One customer: what it takes (spec), and what changes: contacts, scale, inrush."""

    def __init__(self, spec: CustomerSpec, un_v: float):
        self.id = spec.id
        self.spec = spec
        self.mask = 1 << spec.phase       # contacts closed, bit per phase
        self.cut = False                  # behind an open branch breaker
        self.scale_pct = 100.0
        self.energised = True
        self.inrush_end_us = 0            # 0: none
        q = math.sqrt(1.0 - spec.pf * spec.pf)
        self._unit = complex(abs(spec.pf), -q if spec.pf > 0 else q)
        self._un_v = un_v
        self._i = spec.s_va / un_v * self._unit

    def take_kw(self, kw: float):
        """From now on it takes this active power at the nominal voltage (a profile's minute)."""
        self._i = kw * 1000.0 / abs(self.spec.pf) / self._un_v * self._unit

    @property
    def fed_mask(self) -> int:
        """Phases that reach it: closed contacts, unless its branch is open."""
        return 0 if self.cut else self.mask

    @property
    def i_rated(self) -> complex:
        """Current at nominal voltage, relative to the voltage's angle."""
        return self._i * (self.scale_pct / 100.0)

    @property
    def y(self) -> complex:
        return self.i_rated / self._un_v


class Solution:
    """One constant state of the street: the phasors of everything, for each order of `orders`.

    orders[0] is 1. u[p], i[p]: at the transformer; u_load[id], i_load[id]: at the customers; each
    a list by order.
    """

    def __init__(self, orders: tuple):
        self.orders = orders
        zero = [0j] * len(orders)
        self.u = [zero] * 3
        self.i = [zero] * 3
        self.u_load: dict = {}
        self.i_load: dict = {}
        self.masks: dict = {}             # id -> contacts closed
        self.cut: set = set()             # ids behind an open branch
        self._phases: dict = {}           # id -> phases that it takes its current from

    def supply_of(self, customer: str) -> list:
        """What reaches a customer's panel, three phases."""
        return [[0j] * len(self.orders)] * 3 if customer in self.cut else self.u

    def load_of(self, customer: str) -> tuple:
        """(voltage behind the phase switch, load current)"""
        return self.u_load[customer], self.i_load[customer]

    def two_of(self, acu) -> tuple:
        """(voltages, currents) of the two phases that a customer is wired to; on a feeder only."""
        raise ValueError(f"acu {acu.id!r}: kind 'two' needs a street with a feeder, and a "
                         "customer with two phases")

    def runs(self, acu, floor_v: float) -> bool:
        """Does any phase at this controller's place reach floor_v?"""
        if acu.kind == "single":
            return rms(self.u_load[acu.customer]) >= floor_v
        return acu.customer not in self.cut and max(self.u_v) >= floor_v

    def branch_of(self, acu) -> tuple:
        """(voltages on the source's side, currents) of a branch, three phases each."""
        i = [[0j] * len(self.orders) for _ in range(3)]
        for customer in acu.behind:
            phases = self._phases[customer]
            for p in phases:
                i[p] = [a + b / len(phases)
                        for a, b in zip(i[p], self.i_load[customer], strict=True)]
        return self.u, i

    def close(self, loads: list):
        """Works out what every block's record needs, once."""
        self.masks = {load.id: load.mask for load in loads}
        self.cut = {load.id for load in loads if load.cut}
        self._phases = {load.id: [p for p in range(3) if load.fed_mask >> p & 1]
                        for load in loads}
        self.u_v = [rms(u) for u in self.u]
        self.s_va = [u_v * rms(i) for u_v, i in zip(self.u_v, self.i, strict=True)]
        self.peak_a = [math.sqrt(2.0) * rms(i) for i in self.i]
        self.load_va = {c: rms(self.u_load[c]) * rms(self.i_load[c]) for c in self.masks}

    def powers(self, u: list, i: list) -> tuple:
        """(u_v, i_a, p_w, q1_var, s_va) of a pair; p with all harmonics, q of the fundamental."""
        u_v, i_a = rms(u), rms(i)
        p_w = sum(a.real * b.real + a.imag * b.imag for a, b in zip(u, i, strict=True))
        return u_v, i_a, p_w, u[0].imag * i[0].real - u[0].real * i[0].imag, u_v * i_a


class Circuit:
    """A street without lines; feeder.py has the same calls for one with them."""

    def __init__(self, spec: StreetSpec, loads: dict):
        self._spec = spec
        self._loads: dict[str, Load] = loads

    def breaker(self, acu, closed: bool):
        """A branch's breaker has opened or closed."""
        for customer in acu.behind:
            self._loads[customer].cut = not closed

    def solve(self, supply, floor_v: float, energise) -> Solution:
        """The present state. energise(load, fed) is told of each load whether it is fed."""
        loads = list(self._loads.values())
        nodes = nodes_of(load.fed_mask for load in loads)
        e_node = node_sources(supply.e(), supply.live(), nodes)
        for load in loads:
            energise(load, any(load.fed_mask >> p & 1 and abs(e_node[nodes[p]]) >= floor_v
                               for p in range(3)))
        return solve(self._spec.source, self._spec.un_v, supply, loads)


def rms(phasors: list) -> float:
    return math.sqrt(sum(x.real * x.real + x.imag * x.imag for x in phasors))


def nodes_of(masks) -> list:
    """Node of each phase: its own, or the lowest of those that somebody's closed contacts join."""
    nodes = [0, 1, 2]
    for mask in masks:
        joined = {nodes[p] for p in range(3) if mask >> p & 1}
        nodes = [min(joined) if n in joined else n for n in nodes]
    return nodes


def node_sources(e: tuple, live: tuple, nodes: list) -> list:
    """Open-circuit voltage of each node: the mean of its sources, whose impedances are equal."""
    return [_mean([e[p] for p in range(3) if nodes[p] == n and live[p]]) for n in range(3)]


def solve(spec: SourceSpec, un_v: float, supply, loads: list) -> Solution:
    """The state of the street with these contacts, loads and this supply."""
    harmonics = dict(supply.harmonics)
    sol = Solution((1, *sorted({3, *harmonics} - {1})))
    z = _impedance(spec, un_v)
    e, live = supply.e(), supply.live()
    nodes = nodes_of(load.fed_mask for load in loads)
    e_node = node_sources(e, live, nodes)
    dark = [0j] * len(sol.orders)
    for node in set(nodes):
        phases = [p for p in range(3) if nodes[p] == node]
        fed = [p for p in phases if live[p]]
        taken = [load for load in loads
                 if load.fed_mask and nodes[_first(load.fed_mask)] == node]
        if not fed:
            for load in taken:
                sol.u_load[load.id] = sol.i_load[load.id] = dark
            continue
        k = len(fed)
        u1 = _node_voltage(e_node[node], z / k, abs(e_node[node]) / spec.u_v, taken)
        distorted = {p: [e[p], *(_harmonic(e[p], p, h, harmonics) for h in sol.orders[1:])]
                     for p in fed}
        u = [u1] + [_mean([distorted[p][n] for p in fed]) for n in range(1, len(sol.orders))]
        total = dark
        for load in taken:
            i = _load_current(load, u1, abs(e_node[node]) / spec.u_v, sol.orders)
            sol.u_load[load.id], sol.i_load[load.id] = u, i
            total = [a + b for a, b in zip(total, i, strict=True)]
        for p in phases:
            sol.u[p] = u
        for p in fed:
            # Its share of the loads, and what circulates between joined phases.
            sol.i[p] = [total[n] / k + (_circulating(distorted, p, fed, n, z, h) if k > 1 else 0j)
                        for n, h in enumerate(sol.orders)]
    for load in loads:
        if not load.fed_mask:
            sol.u_load[load.id] = sol.i_load[load.id] = dark
    sol.close(loads)
    return sol


def _impedance(spec: SourceSpec, un_v: float) -> complex:
    """Per phase, ohms, from the short-circuit voltage of the transformer."""
    z = spec.z_pct / 100.0 * 3.0 * un_v * un_v / spec.rating_va
    r = z / math.sqrt(1.0 + spec.x_over_r * spec.x_over_r)
    return complex(r, r * spec.x_over_r)


def _first(mask: int) -> int:
    return (mask & -mask).bit_length() - 1


def _mean(values: list) -> complex:
    return sum(values) / len(values) if values else 0j


def _unit(x: complex) -> complex:
    size = abs(x)
    return x / size if size else complex(1.0, 0.0)


def _node_voltage(e: complex, z: complex, pu: float, loads: list) -> complex:
    """V = (E - Z I_src) / (1 + Z Y), the angle of I_src following V."""
    y = sum((load.y for load in loads if not load.inrush_end_us), 0j)
    rushing = [load for load in loads if load.inrush_end_us]
    i_src = sum((load.i_rated * load.spec.inrush_x * pu for load in rushing), 0j)
    u = e / (1.0 + z * y)
    if i_src:
        for _ in range(_ROUNDS):
            u = (e - z * i_src * _unit(u)) / (1.0 + z * y)
    return u


def _load_current(load: Load, u1: complex, pu: float, orders: tuple) -> list:
    if load.inrush_end_us:
        i1 = load.i_rated * load.spec.inrush_x * pu * _unit(u1)
    else:
        i1 = load.y * u1
    unit = _unit(i1)
    i3 = unit * unit * unit * (abs(i1) * load.spec.i3_pct / 100.0)  # crests on the fundamental's
    return [i1 if h == 1 else i3 if h == 3 else 0j for h in orders]


def _harmonic(e: complex, phase: int, order: int, harmonics: dict) -> complex:
    """h-th harmonic of a source: h times its angle, so the third is a zero sequence."""
    return abs(e) * harmonics.get(order, 0.0) / 100.0 * ANGLES[phase * order % 3]


def _circulating(distorted: dict, p: int, fed: list, n: int, z: complex, order: int) -> complex:
    mean = _mean([distorted[q][n] for q in fed])
    return (distorted[p][n] - mean) / complex(z.real, z.imag * order)
