"""The street's circuit with lines: phasors from the grid engine (host_sim/world/grid).

The same calls as circuit.Circuit. Every customer sees the three voltages of his own bus; the post
stands at the transformer; a branch controller at the source's side of its line, whose three
phases its breaker opens. A load keeps its impedance, current or power; during its inrush it is a
current of inrush_x times the rated one. Simplifications as in circuit.py: the source's voltage
harmonics reach the customers undamped; third harmonics of the loads add up at branches and post
and do not distort the voltage.

All phasors are rounded to 2^-20 V or A before anybody sees them: the last bits of a matrix product
differ from machine to machine, and what the controllers read must not.
"""
import math
from typing import Any

import numpy as np

from host_sim.world.circuit import Load, Solution, rms
from host_sim.world.grid.network import buses_of
from host_sim.world.spec import AcuSpec, StreetSpec
from host_sim.world.supply import ANGLES
from host_sim.world.tree import Tree

_PHASES = "ABC"
_CONTACT_S = 1_000.0     # of a closed contact, where two of a customer join phases
_ROUNDS = 3              # a load that is fed again rushes, and may pull others below the floor
_DARK_V = 1e-3
_GRID = float(1 << 20)
_SQRT3 = math.sqrt(3.0)


def rounded(x) -> np.ndarray:
    """Complex values on the grid of 2^-20."""
    x = np.asarray(x, dtype=np.complex128)
    return (np.rint(x.real * _GRID) + 1j * np.rint(x.imag * _GRID)) / _GRID


class _Legs:
    """Where a customer's load hangs: its ports by phase, and how much of it."""

    def __init__(self, load: Load, ports: dict, un_v: float):
        spec = load.spec
        self.load = load
        self.at = [ports.get((spec.bus, p, "N"), len(ports)) for p in _PHASES]
        self.un_v = un_v
        self.share = 1.0
        self.wired: list | None = None
        if spec.phases == "ABC":
            self.wired, self.share = self.at, 1 / 3
        elif spec.phases:
            self.wired = [ports[spec.bus, spec.phases[0], spec.phases[1]]]
            self.un_v = un_v * _SQRT3

    def taken(self) -> list:
        """Ports that feed it now; with two contacts closed the lowest, the others are tied."""
        if self.wired is not None:
            return self.wired
        mask = self.load.mask
        return [self.at[(mask & -mask).bit_length() - 1]] if mask else []

    def ties(self) -> list:
        closed = [self.at[p] for p in range(3) if self.load.mask >> p & 1]
        return [] if self.wired is not None else list(zip(closed, closed[1:], strict=False))


class Circuit:
    """One feeder. engine: the class that solves it (grid.engine.Engine, or the one of OpenDSS)."""

    def __init__(self, spec: StreetSpec, loads: dict, engine: Any = None):
        if engine is None:
            from host_sim.world.grid.engine import Engine as engine
        network = spec.feeder
        self._spec = spec
        self.loads: dict[str, Load] = loads
        self.tree = Tree(network)
        self.post = network.lv_bus
        has = buses_of(network)
        self.buses = set(has)
        self.lines = {line.name for line in network.lines}
        wanted = [(self.post, p, "N") for p in _PHASES]
        for load in loads.values():
            wanted += [(load.spec.bus, p, "N") for p in _PHASES if p in has[load.spec.bus]]
            if len(load.spec.phases) == 2:
                wanted.append((load.spec.bus, *load.spec.phases))
        branches = [acu for acu in spec.acus if acu.kind == "branch"]
        for acu in branches:
            wanted += [(self.tree.ends[acu.line][0], p, "N") for p in _PHASES]
        self.ports = {port: k for k, port in enumerate(dict.fromkeys(wanted))}
        self._engine = engine(network, list(self.ports))
        self.legs = {load.id: _Legs(load, self.ports, spec.un_v) for load in loads.values()}
        self.customer_ports = np.array([legs.at for legs in self.legs.values()]).reshape(-1, 3)
        self.behind = {acu.id: self._customers_behind(acu.line) for acu in branches}
        # what faults.py sets: lines open by hand, (line, conductor) broken, faults by their place
        self.lines_open: set = set()
        self.broken: set = set()
        self.faults: dict = {}
        self._breakers_open: set = set()
        self._topology: tuple | None = None

    def _customers_behind(self, line: str) -> list:
        buses = self.tree.behind(line)
        return [load.id for load in self.loads.values() if load.spec.bus in buses]

    def breaker(self, acu: AcuSpec, closed: bool):
        """A branch's breaker has opened or closed."""
        (self._breakers_open.discard if closed else self._breakers_open.add)(acu.line)

    def open_lines(self) -> frozenset:
        return frozenset(self.lines_open | self._breakers_open)

    def solve(self, supply, floor_v: float, energise) -> "FeederSolution":
        """The present state. energise(load, fed) is told of each load whether it is fed, and says
        whether that begins an inrush."""
        cut = self.broken | {("source", p)
                             for p, on in zip(_PHASES, supply.live(), strict=True) if not on}
        topology = (self.open_lines(), frozenset(cut), tuple(self.faults.values()))
        if topology != self._topology:
            self._engine.topology(*topology)
            self._topology = topology
        for _ in range(_ROUNDS):
            taking = [legs for legs in self.legs.values() if legs.taken()]
            state = self._state(supply, taking)
            reached = np.append(np.abs(state.u) >= floor_v, False)
            begun = False
            for legs in self.legs.values():
                fed = any(reached[k] for k in legs.taken())
                begun = bool(energise(legs.load, fed)) or begun
            if not begun:
                break
        else:
            state = self._state(supply, taking)
        return FeederSolution(self, supply, state, taking)

    def _state(self, supply, taking: list):
        at: list = []
        s_va: list = []
        y: list = []
        i_a: list = []
        ties: list = []
        for legs in taking:
            load, un_v = legs.load, legs.un_v
            i = load.i_rated * (self._spec.un_v / un_v * legs.share)
            for k in legs.taken():
                at.append(k)
                rushing = load.inrush_end_us > 0
                pu = supply.pu[legs.at.index(k)] if k in legs.at else 1.0
                kind = "i" if rushing else load.spec.load
                s_va.append(un_v * i.conjugate() if kind == "p" else 0j)
                y.append(i / un_v if kind == "z" else 0j)
                i_a.append((i * load.spec.inrush_x * pu if rushing else i) if kind == "i" else 0j)
            ties += [(a, b, _CONTACT_S) for a, b in legs.ties()]
        e = np.array(supply.e(), dtype=np.complex128) * np.array(supply.live())
        return self._engine.solve(e, np.array(at, dtype=np.intp), np.array(s_va, dtype=complex),
                                  np.array(y, dtype=complex), np.array(i_a, dtype=complex),
                                  ties=tuple(ties))


class FeederSolution(Solution):
    """One constant state of a feeder. Lists by order are made when somebody asks."""

    def __init__(self, circuit: Circuit, supply, state, taking: list):
        harmonics = dict(supply.harmonics)
        orders = tuple(sorted({1, 3, *harmonics}))
        super().__init__(orders)
        self.state = state
        self.open_lines = circuit.open_lines()
        self._circuit = circuit
        self._port_u = np.append(rounded(state.u), 0j)    # the last: a phase that a bus has not
        self.port_v: np.ndarray = np.abs(self._port_u)
        self._alive = self.port_v > _DARK_V
        e = supply.e()
        self._distortion = [
            [abs(e[p]) * harmonics.get(h, 0.0) / 100.0 * ANGLES[p * h % 3] for h in orders[1:]]
            for p in range(3)]
        self._load_i1: dict = {}          # customer -> [(port, fundamental current)]
        i_load = rounded(state.i_load).tolist()
        k = 0
        for legs in taking:
            ports = legs.taken()
            self._load_i1[legs.load.id] = list(zip(ports, i_load[k:k + len(ports)], strict=True))
            k += len(ports)
        self.masks = {c: legs.load.mask for c, legs in circuit.legs.items()}
        self._third = orders.index(3)
        self.u = [self._u(circuit.ports[circuit.post, p, "N"], n) for n, p in enumerate(_PHASES)]
        self.i = self._with_thirds(rounded(state.i_src).tolist()[:3], circuit.legs)
        self.u_v = [rms(u) for u in self.u]
        self.s_va = [u_v * rms(i) for u_v, i in zip(self.u_v, self.i, strict=True)]
        self.peak_a = [math.sqrt(2.0) * rms(i) for i in self.i]
        self.load_va = {c: sum(float(self.port_v[k]) * abs(i) for k, i in self._load_i1.get(c, ()))
                        for c in self.masks}

    def customers_v(self) -> np.ndarray:
        """Rms with harmonics at the customers' panels, V, [customers x 3]."""
        u = self.port_v[self._circuit.customer_ports]
        square = u * u + np.array(self.harmonics_v()) ** 2
        return np.where(u > _DARK_V, np.sqrt(square), 0.0).astype(np.float32)

    def harmonics_v(self) -> list:
        """Rms of the source's harmonics, phases A B C, V."""
        return [math.sqrt(sum(abs(d) ** 2 for d in phase)) for phase in self._distortion]

    def phases(self) -> np.ndarray:
        """The phase that each customer is connected to, the lowest of two; -1: none."""
        return np.array([(mask & -mask).bit_length() - 1 for mask in self.masks.values()],
                        dtype=np.int8)

    def unbalance_pct(self) -> tuple:
        """(u2/u1, u0/u1) of the fundamental at the post."""
        a, b, c = (u[0] for u in self.u)
        turn = ANGLES[2]
        u1 = abs(a + turn * b + turn * turn * c)
        if u1 < 1.0:
            return 0.0, 0.0
        return 100 * abs(a + turn * turn * b + turn * c) / u1, 100 * abs(a + b + c) / u1

    def two_of(self, acu: AcuSpec) -> tuple:
        """(voltages to neutral, currents towards the customer) of the two phases that he is wired
        to; a load between them takes from the first what it gives back to the second."""
        circuit = self._circuit
        at = circuit.legs[acu.customer].at
        phases = [_PHASES.index(p) for p in circuit.loads[acu.customer].spec.phases]
        i = self.load_of(acu.customer)[1]
        return [self._u(at[p], p) for p in phases], [i, [-x for x in i]]

    def runs(self, acu: AcuSpec, floor_v: float) -> bool:
        """Does any phase at this controller's place reach floor_v?"""
        if acu.kind == "single":
            return rms(self.load_of(acu.customer)[0]) >= floor_v
        return bool((self.port_v[self._ports_of(acu)] >= floor_v).any())

    def supply_of(self, customer: str) -> list:
        """What reaches a customer's panel, three phases."""
        return [self._u(k, p) for p, k in enumerate(self._circuit.legs[customer].at)]

    def load_of(self, customer: str) -> tuple:
        """(voltage behind the phase switch, load current); of a wired customer the first leg's"""
        legs = self._load_i1.get(customer)
        if not legs:
            return [0j] * len(self.orders), [0j] * len(self.orders)
        k, i1 = legs[0]
        at = self._circuit.legs[customer].at
        u = self._u(k, at.index(k)) if k in at else \
            [complex(self._port_u[k]), *[0j] * (len(self.orders) - 1)]
        return u, self._with_third(customer, i1)

    def branch_of(self, acu: AcuSpec) -> tuple:
        """(voltages on the source's side, currents towards the customers), three phases each."""
        u = [self._u(k, p) for p, k in enumerate(self._ports_of(acu))]
        i = rounded(self.state.line_i(acu.line)).tolist()[:3]
        return u, self._with_thirds(i, self._circuit.behind[acu.id])

    def _ports_of(self, acu: AcuSpec) -> list:
        circuit = self._circuit
        if acu.kind in ("customer", "single", "two"):
            return circuit.legs[acu.customer].at
        bus = circuit.post if acu.kind == "post" else circuit.tree.ends[acu.line][0]
        return [circuit.ports[bus, p, "N"] for p in _PHASES]

    def _u(self, port: int, phase: int) -> list:
        u1 = complex(self._port_u[port])
        return [u1, *(self._distortion[phase] if self._alive[port] else
                      [0j] * (len(self.orders) - 1))]

    def _third_of(self, customer: str, i1: complex) -> complex:
        size = abs(i1)
        if not size:
            return 0j
        unit = i1 / size
        return unit * unit * unit * (size * self._circuit.loads[customer].spec.i3_pct / 100.0)

    def _with_third(self, customer: str, i1: complex) -> list:
        i = [0j] * len(self.orders)
        i[0], i[self._third] = i1, self._third_of(customer, i1)
        return i

    def _with_thirds(self, i1: list, customers) -> list:
        """Currents of three conductors with the third harmonics of these customers' loads."""
        thirds = [0j, 0j, 0j]
        for customer in customers:
            spec = self._circuit.loads[customer].spec
            at = self._circuit.legs[customer].at
            for port, i in self._load_i1.get(customer, ()):
                third = self._third_of(customer, i)
                if port in at:
                    thirds[at.index(port)] += third
                else:
                    thirds[_PHASES.index(spec.phases[0])] += third
                    thirds[_PHASES.index(spec.phases[1])] -= third
        currents = []
        for p in range(3):
            i = [0j] * len(self.orders)
            i[0], i[self._third] = i1[p], thirds[p]
            currents.append(i)
        return currents
