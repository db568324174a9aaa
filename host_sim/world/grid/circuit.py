"""The network in one switching state, seen from its ports: V = V0 e - Z I.
Y-bus of the reduced network (closed loops, earthed neutrals, faults are only more entries),
factored once; from it the impedance between all ports, and what each source phasor gives at each
port. Branch currents and the voltages of all buses are worked out when asked for.
"""
from dataclasses import replace

import numpy as np

from host_sim.world.grid.blocks import Blocks, Factor
from host_sim.world.grid.network import PHASES, GridError
from host_sim.world.grid.reduction import Plan, Reduction, State
from host_sim.world.grid.sources import thevenin_z

Port = tuple[str, str, str]
Tie = tuple[int, int, float]

# Admittance to earth of a conductor that nothing connects to earth or source: the insulation, S.
LEAK_S = 1e-8
# Conductance across the loads' ports where loads hold conductors that float: the engine takes it
# off the loads again. Without it all impedances there would be the leak's, and digits would be
# lost.
AID_S = 1e-2
_COLUMNS = 512        # of the inverse at a time
_EARTH = -1           # as an island


class Selection:
    """The loads' places in a circuit: rows of its matrices, gathered once for each `at`."""

    def __init__(self, circuit: "Circuit", at: np.ndarray):
        self.at = at
        self.z_rows = np.ascontiguousarray(circuit.z[at])          # loads x ports; Z is symmetric
        self.z = np.ascontiguousarray(self.z_rows[:, at])
        self.z_t = self.z.T
        self.v0 = circuit.v0[at]
        self.hard = False
        self.aided: tuple[Circuit, Selection] | None = None
        self.aid = AID_S if circuit.state.aids else 0.0
        self.dead: np.ndarray | None = None        # loads without a source
        self.dark: np.ndarray | None = None        # ports without a source
        if circuit.floating or circuit.lost:
            self._islands(circuit, at)

    def _islands(self, circuit: "Circuit", at: np.ndarray) -> None:
        """Which floating conductors the loads connect with what.

        Floating ones tied by loads to nothing else, or to earth only, carry no current: everything
        there is dark. Otherwise loads feed them (a broken neutral, a phase fed back): they are
        solved in a circuit with aids, by the iteration with the loads' admittances.
        """
        ends = circuit.ends
        edges = [ends[p] for p in at.tolist()]
        group = {island: island for island in circuit.floating}

        def find(island: int) -> int:
            while group[island] != island:
                island = group[island]
            return island

        for a, b in edges:
            if a in group and b in group:
                group[find(a)] = find(b)
        neighbours: dict[int, set[int]] = {}
        for a, b in edges:
            if (a in group) != (b in group):
                inside, outside = (a, b) if a in group else (b, a)
                neighbours.setdefault(find(inside), set()).add(outside)
        dark = {i for i in group if not neighbours.get(find(i), set()) - circuit.earthed
                and len(neighbours.get(find(i), ())) <= 1}
        self.hard = any(find(i) in neighbours for i in group if i not in dark)
        if self.hard and not self.aid:
            with_aids = Circuit(circuit.plan, replace(circuit.state, aids=tuple(dict.fromkeys(
                circuit.ports[p] for p in at.tolist()))), circuit.ports)
            self.aided = with_aids, Selection(with_aids, at)

        def is_dark(pair: tuple[int, int]) -> bool:
            return (pair[0] in dark or pair[1] in dark or pair[0] in circuit.lost) and all(
                end in dark or end in circuit.earthed for end in pair)

        mask = np.array([is_dark(pair) for pair in ends])
        if mask.any():
            self.dark = mask
            dead = mask[at]
            if dead.any():
                self.dead = dead


class Circuit:
    """z: ports x ports; v0: ports x 3; i0: 3 x 3 (source currents without loads)."""

    def __init__(self, plan: Plan, state: State, ports: list[Port]):
        self.plan = plan
        self._selections: dict[bytes, Selection] = {}
        self._rows: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        self._tied: dict[tuple[Tie, ...], Circuit] = {}
        self.state, self.ports = state, ports
        lv = plan.network.lv_bus
        keep = {lv, *(bus for bus, _, _ in ports), *(e.bus for e in plan.network.earths)}
        self.net = net = Reduction(plan, state, keep)
        first = [0]
        for bus in net.buses:
            first.append(first[-1] + len(plan.buses[bus]))
        self.node = {(bus, c): first[b] + j for b, bus in enumerate(net.buses)
                     for j, c in enumerate(plan.buses[bus])}
        self.nodes = first[-1]
        self._blocks = Blocks([len(plan.buses[bus]) for bus in net.buses])
        self._parent = list(range(self.nodes))
        self._grounded: set[int] = set()          # nodes
        self._chains()
        live = self._source(state)
        for earth in plan.network.earths:
            self._resistor(earth.bus, earth.conductor, "E", earth.ohm)
        for bus, plus, minus, ohm in state.faults:
            self._resistor(bus, plus, minus, ohm)
        self._find_islands(live)
        for bus, plus, minus in state.aids:
            self._resistor(bus, plus, minus, 1.0 / AID_S, False)
        try:
            self._factor = Factor(self._blocks)
        except np.linalg.LinAlgError:
            raise GridError(
                f"E363 {plan.network.name}: the network's equations have no solution in this "
                "state. Give each line and source an impedance above zero.") from None
        del self._blocks
        self._ports(ports)

    # --- the matrix ----------------------------------------------------------------------------

    def _chains(self) -> None:
        net = self.net
        for chain in net.chains:
            b1, b2 = net.number[chain.bus1], net.number[chain.bus2]
            try:
                y = np.linalg.inv(net.z(chain))
            except np.linalg.LinAlgError:
                raise GridError(
                    f"E363 {self.plan.network.name}: line {chain.sections[0][0].name} has a "
                    "singular impedance matrix. Give its code a positive resistance.") from None
            j1 = [self.plan.buses[chain.bus1].index(c) for c in chain.conductors]
            j2 = [self.plan.buses[chain.bus2].index(c) for c in chain.conductors]
            half = net.shunt(chain)
            own = y if half is None else y + half
            self._add(b1, j1, b1, j1, own)
            self._add(b2, j2, b2, j2, own)
            self._add(b1, j1, b2, j2, -y)
            self._add(b2, j2, b1, j1, -y)
            for c in chain.conductors:
                self._join(self.node[chain.bus1, c], self.node[chain.bus2, c])

    def _add(self, b: int, jb: list[int], c: int, jc: list[int], y: np.ndarray) -> None:
        sizes = self._blocks.sizes
        if len(jb) == sizes[b] and len(jc) == sizes[c]:
            self._blocks.add(b, c, y)
            return
        block = np.zeros((sizes[b], sizes[c]), complex)
        block[np.ix_(jb, jc)] = y
        self._blocks.add(b, c, block)

    def _source(self, state: State) -> set[int]:
        """The Thevenin source's phases that are not cut, from the star point (or earth)."""
        plan = self.plan
        lv = plan.network.lv_bus
        b, has = self.net.number[lv], plan.buses[lv]
        cut = {c for line, c in state.cut if line == "source"}
        fed = [k for k in range(3) if PHASES[k] not in cut]
        self._y_source = y = np.zeros((3, 3), complex)
        if fed:
            y[np.ix_(fed, fed)] = np.linalg.inv(thevenin_z(plan.network)[np.ix_(fed, fed)])
        take = np.zeros((len(has), 3))
        for k in range(3):
            take[has.index(PHASES[k]), k] = 1.0
        if "N" in has:
            take[has.index("N")] = -1.0
        self._take = take
        self._at_source = slice(self.node[lv, "A"], self.node[lv, "A"] + len(has))
        self._blocks.add(b, b, take @ y @ take.T)
        return {self.node[lv, PHASES[k]] for k in fed}

    def _resistor(self, bus: str, plus: str, minus: str, ohm: float, joins: bool = True) -> None:
        b = self.net.number[bus]
        has = self.plan.buses[bus]
        y = 1.0 / ohm
        if minus == "N" and "N" not in has:
            minus = "E"
        p = has.index(plus)
        self._blocks.add_at(b, p, b, p, y)
        if minus == "E":
            if joins:
                self._grounded.add(self.node[bus, plus])
            return
        m = has.index(minus)
        self._blocks.add_at(b, m, b, m, y)
        self._blocks.add_at(b, p, b, m, -y)
        self._blocks.add_at(b, m, b, p, -y)
        if joins:
            self._join(self.node[bus, plus], self.node[bus, minus])

    # --- islands -------------------------------------------------------------------------------

    def _root(self, node: int) -> int:
        parent = self._parent
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    def _join(self, a: int, b: int) -> None:
        self._parent[self._root(a)] = self._root(b)

    def _find_islands(self, live: set[int]) -> None:
        """Conductors connected with neither source nor earth float: a leak gives them a voltage
        (zero, if loads do not hold them)."""
        roots = {self._root(n) for n in range(self.nodes)}
        fed = {self._root(n) for n in live}
        grounded = {self._root(n) for n in self._grounded}
        lv = self.plan.network.lv_bus
        star = self._root(self.node[lv, "N"]) if (lv, "N") in self.node else _EARTH
        self.floating = roots - fed - grounded
        if live:
            self.floating.discard(star)
        self.earthed = (({star, _EARTH} if live else {_EARTH}) | grounded) - fed
        phases = {self._root(n) for (_, c), n in self.node.items() if c != "N"}
        # without a source, but with an earth fault
        self.lost = (phases & grounded) - fed - {star}
        leaking = self.floating | ({star} - grounded - {_EARTH})
        name = {n: key for key, n in self.node.items()}
        self.leaks = [name[root] for root in sorted(leaking)]      # (bus, conductor)
        for bus, c in self.leaks:
            b, j = self.net.number[bus], self.plan.buses[bus].index(c)
            self._blocks.add_at(b, j, b, j, LEAK_S)

    # --- ports ---------------------------------------------------------------------------------

    def _node_of(self, bus: str, conductor: str) -> int:
        """Number of a node; earth, also for a neutral that is not there: -1."""
        return self.node.get((bus, conductor), _EARTH)

    def _ports(self, ports: list[Port]) -> None:
        n = len(ports)
        plus = np.array([self._node_of(bus, p) for bus, p, _ in ports], np.intp)
        minus = np.array([self._node_of(bus, m) for bus, _, m in ports], np.intp)
        self._plus, self._minus = plus, minus
        self.ends = [(self._root(int(p)), _EARTH if m == _EARTH else self._root(int(m)))
                     for p, m in zip(plus, minus, strict=True)]
        self.z = np.empty((n, n), complex)
        for start in range(0, n, _COLUMNS):
            some = range(start, min(n, start + _COLUMNS))
            right = np.zeros((self.nodes + 1, len(some)), complex)
            for column, port in enumerate(some):
                right[plus[port], column] += 1.0
                right[minus[port], column] -= 1.0       # earth is the last row: -1
            self.z[:, start:start + len(some)] = self._across(self._factor.solve(right[:-1]))
        right = np.zeros((self.nodes, 3), complex)
        right[self._at_source] = self._take @ self._y_source
        self.v0_nodes = self._factor.solve(right)
        self.v0 = self._across(self.v0_nodes)
        self.i0 = self._y_source - self._y_source @ (self._take.T @ self.v0_nodes[self._at_source])

    def _across(self, v: np.ndarray) -> np.ndarray:
        """Port voltages of node voltages, nodes x columns."""
        padded = np.concatenate((v, np.zeros((1, v.shape[1]), complex)))
        return padded[self._plus] - padded[self._minus]

    def select(self, at: np.ndarray) -> Selection:
        key = at.tobytes()
        found = self._selections.get(key)
        if found is None:
            if len(self._selections) >= 32:
                self._selections.clear()
            found = self._selections[key] = Selection(self, at)
        return found

    def tied(self, ties: tuple[Tie, ...]) -> "Circuit":
        """This circuit with contacts between ports. Where conductors float, the small system would
        lose digits to the leak's resistance: there the contacts go into the matrix."""
        found = self._tied.get(ties)
        if found is None:
            if len(self._tied) >= 8:
                self._tied.clear()
            ends = [(self.ports[p], self.ports[q], siemens) for p, q, siemens in ties]
            for one, two, siemens in ends:
                if not siemens > 0.0:
                    raise GridError(f"E364 tie {'.'.join(one)} to {'.'.join(two)}: {siemens} S "
                                    "must be above zero. Leave it out.")
                if one[0] != two[0] or one[1] == two[1]:
                    raise GridError(f"E364 tie {'.'.join(one)} to {'.'.join(two)}: joins the plus "
                                    "ends of two ports. Give two conductors of one bus.")
            if self.floating:
                state = replace(self.state, faults=(*self.state.faults, *(
                    (one[0], one[1], two[1], 1.0 / siemens) for one, two, siemens in ends)))
                found = Circuit(self.plan, state, self.ports)
            else:
                found = TiedCircuit(self, ties)
            self._tied[ties] = found
        return found

    # --- what is asked for afterwards ----------------------------------------------------------

    def ports_current(self, i: np.ndarray, e: np.ndarray) -> np.ndarray:
        """Currents at all ports for the loads' ones."""
        return i

    def line_rows(self, line: str) -> tuple[np.ndarray, np.ndarray] | None:
        """(conductors x 3, conductors x ports): a line's currents are the first times e plus the
        second times I. None: it is open."""
        if line not in self.net.chain_of:
            return None
        if line not in self._rows:
            number, way = self.net.chain_of[line]
            chain = self.net.chains[number]
            section = self.plan.sections[line]
            y = np.linalg.inv(self.net.z(chain))
            n1 = [self.node[chain.bus1, c] for c in chain.conductors]
            n2 = [self.node[chain.bus2, c] for c in chain.conductors]
            right = np.zeros((self.nodes, len(n1)), complex)
            right[n1] += y
            right[n2] -= y
            x = self._factor.solve(right)
            into = -self._across(x).T
            from_e = y @ (self.v0_nodes[n1] - self.v0_nodes[n2])
            half = self.net.shunt(chain)
            if half is not None:          # measured at the end nearer to the source
                near = n1 if way > 0 else n2
                right = np.zeros((self.nodes, len(near)), complex)
                right[near] = half
                into = into - way * self._across(self._factor.solve(right)).T
                from_e = from_e + way * (half @ self.v0_nodes[near])
            place = [section.conductors.index(c) for c in chain.conductors]
            e_row = np.zeros((len(section.conductors), 3), complex)
            i_row = np.zeros((len(section.conductors), len(self.z)), complex)
            e_row[place], i_row[place] = way * from_e, way * into
            self._rows[line] = e_row, i_row
        return self._rows[line]

    def all_voltages(self, e: np.ndarray, i_ports: np.ndarray) -> dict[tuple[str, str], complex]:
        """Voltage to earth of every conductor of every bus; i_ports: current at each port."""
        right = np.zeros((self.nodes + 1, 1), complex)
        np.subtract.at(right[:, 0], self._plus, i_ports)
        np.add.at(right[:, 0], self._minus, i_ports)
        right = right[:-1]
        right[self._at_source, 0] += self._take @ (self._y_source @ e)
        v = self._factor.solve(right)[:, 0]
        found = {key: complex(v[node]) for key, node in self.node.items()}
        for chain in self.net.chains:
            if len(chain.sections) == 1:
                continue
            v1 = v[[self.node[chain.bus1, c] for c in chain.conductors]]
            v2 = v[[self.node[chain.bus2, c] for c in chain.conductors]]
            i = np.linalg.solve(self.net.z(chain), v1 - v2)
            at, bus = v1, chain.bus1
            for section, way in chain.sections[:-1]:
                at = at - self.plan.z_of(section, chain.conductors) @ i * section.km
                bus = section.bus2 if way == 1 else section.bus1
                for c, volts in zip(chain.conductors, at.tolist(), strict=True):
                    found[bus, c] = volts
        return found


class TiedCircuit(Circuit):
    """A circuit with some ports' plus ends joined by contacts: a small linear system on top.

    A contact of g siemens from port p to port q carries g (u_p - u_q), out of p and into q.
    """

    def __init__(self, base: Circuit, ties: tuple[Tie, ...]):
        self.__dict__.update(base.__dict__)
        self.base = base
        self._selections = {}
        self._rows = {}
        self._tied = {}
        a = np.zeros((len(base.z), len(ties)))
        for k, (p, q, _) in enumerate(ties):
            a[p, k] += 1.0
            a[q, k] -= 1.0
        resist = np.diag([1.0 / siemens for _, _, siemens in ties])
        self._a = a
        za = base.z @ a
        self._m = np.linalg.inv(resist + a.T @ za)
        self.z = base.z - za @ self._m @ za.T
        self.v0 = base.v0 - za @ (self._m @ (a.T @ base.v0))
        self.i0 = base.i0 + (base.v0.T @ a) @ self._m @ (a.T @ base.v0)

    def ports_current(self, i: np.ndarray, e: np.ndarray) -> np.ndarray:
        u = self.base.v0 @ e - self.base.z @ i
        return i + self._a @ (self._m @ (self._a.T @ u))

    def line_rows(self, line: str) -> tuple[np.ndarray, np.ndarray] | None:
        rows = self.base.line_rows(line)
        if rows is None:
            return None
        e_row, i_row = rows
        through = (i_row @ self._a) @ self._m @ self._a.T
        return e_row + through @ self.base.v0, i_row - through @ self.base.z
