"""The grid engine: voltages at every customer for any loads, in 0.1 ms.
Topology (lines, breakers, broken conductors, faults) is compiled once for each state into
voltages and impedances between ports; a solve is then the fixed point v = e - z I(v). Results
depend on the arguments alone, never on earlier solves.
"""
from collections.abc import Iterable, Sequence

import numpy as np

from host_sim.world.grid.circuit import Circuit, Port, Selection, Tie
from host_sim.world.grid.loads import TOLERANCE_V, Limits, Loads, robust
from host_sim.world.grid.network import PHASES, GridError, Network, buses_of, check
from host_sim.world.grid.reduction import Plan
from host_sim.world.grid.reduction import State as Topology
from host_sim.world.grid.sources import upstream_z

VMIN_PU, VMAX_PU = 0.5, 1.5
_KEPT = 64            # circuits
_ROUNDS = 40          # of the fast iteration
_CHUNK = 128          # instants at a time in solve_many: stays in the cache
_TOLERANCE2 = TOLERANCE_V ** 2


class State:
    """One solution. Currents positive away from the source; a load's into the load."""

    def __init__(self, engine: "Engine", circuit: Circuit, chosen: Selection, e: np.ndarray,
                 i_net: np.ndarray, rounds: int):
        self._engine, self._circuit, self._chosen = engine, circuit, chosen
        self.e = e
        self.rounds = rounds
        self.i_net = i_net        # of the loads, less what the circuit's aids take
        self._u: np.ndarray | None = None

    @property
    def u(self) -> np.ndarray:
        """Complex rms voltage of every declared port; 0 where no source reaches."""
        if self._u is None:
            u = self._circuit.v0 @ self.e - self.i_net.dot(self._chosen.z_rows)
            if self._chosen.dark is not None:
                u[self._chosen.dark] = 0.0
            self._u = u
        return self._u

    @property
    def i_load(self) -> np.ndarray:
        """Current of each load, in the order of `at`."""
        aid = self._chosen.aid
        return self.i_net + aid * self.u[self._chosen.at] if aid else self.i_net

    @property
    def i_src(self) -> np.ndarray:
        """Currents A B C out of the transformer's LV terminals."""
        return self._circuit.i0 @ self.e + self.i_net @ self._chosen.v0

    def line_i(self, name: str) -> np.ndarray:
        """Current of each conductor (A B C N, those the line has) of a line or switch, positive
        away from the source; zeros if it is open."""
        line = self._engine.line_of(name)
        rows = self._circuit.line_rows(line)
        if rows is None:
            return np.zeros(len(self._engine.plan.sections[line].conductors), complex)
        return rows[0] @ self.e + rows[1][:, self._chosen.at] @ self.i_net

    def neutral_i(self, name: str) -> complex:
        """Current of a line's neutral; without one: what returns through earth, minus the sum of
        the phases."""
        i = self.line_i(name)
        return complex(i[3]) if len(i) == 4 else -complex(i.sum())

    @property
    def losses_va(self) -> complex:
        """Of transformer, lines, contacts, earthings and faults: what enters on the HV side less
        the loads."""
        i = self.i_src
        square = float(np.vdot(i, i).real) - abs(i.sum()) ** 2 / 3.0
        s_load = np.vdot(self.i_load, self.u[self._chosen.at])
        return complex(np.vdot(i, self.e) - self._engine.z_upstream * square - s_load)

    def all_voltages(self) -> dict[tuple[str, str], complex]:
        """Voltage to earth of every conductor of every bus of the feeder: (bus, conductor) -> V.
        Takes some milliseconds."""
        i = np.zeros(len(self._circuit.z), complex)
        np.add.at(i, self._chosen.at, self.i_net)
        found = self._circuit.all_voltages(self.e, self._circuit.ports_current(i, self.e))
        return {key: found.get(key, 0j) for bus, has in self._engine.plan.buses.items()
                for key in ((bus, c) for c in has)}


class States:
    """Solutions over time: the first index of every array is the instant."""

    def __init__(self, engine: "Engine", circuit: Circuit, chosen: Selection, e: np.ndarray,
                 u_load: np.ndarray, i_net: np.ndarray, rounds: int):
        self._engine, self._circuit, self._chosen = engine, circuit, chosen
        self.e, self.u_load, self.rounds = e, u_load, rounds
        self._i = i_net

    @property
    def i_load(self) -> np.ndarray:
        return self._i + self._chosen.aid * self.u_load if self._chosen.aid else self._i

    @property
    def u(self) -> np.ndarray:
        u = self.e @ self._circuit.v0.T - self._i @ self._chosen.z_rows
        if self._chosen.dark is not None:
            u[:, self._chosen.dark] = 0.0
        return u

    @property
    def i_src(self) -> np.ndarray:
        return self.e @ self._circuit.i0.T + self._i @ self._chosen.v0

    def line_i(self, name: str) -> np.ndarray:
        line = self._engine.line_of(name)
        rows = self._circuit.line_rows(line)
        if rows is None:
            width = len(self._engine.plan.sections[line].conductors)
            return np.zeros((len(self.i_load), width), complex)
        return self.e @ rows[0].T + self._i @ rows[1][:, self._chosen.at].T

    @property
    def losses_va(self) -> np.ndarray:
        i = self.i_src
        square = (abs(i) ** 2).sum(axis=1) - abs(i.sum(axis=1)) ** 2 / 3.0
        s_load = (self.u_load * self.i_load.conj()).sum(axis=1)
        return (self.e * i.conj()).sum(axis=1) - self._engine.z_upstream * square - s_load

    def at(self, instant: int) -> State:
        return State(self._engine, self._circuit, self._chosen, self.e[instant],
                     self._i[instant], self.rounds)


class Engine:
    """ports: every (bus, plus, minus) that may ever carry a load or be looked at; minus 'N' is
    earth where the bus has no neutral, 'E' is always earth. Raises GridError with all
    complaints."""

    def __init__(self, network: Network, ports: Sequence[Port]):
        wrong = check(network)
        if wrong:
            raise GridError(wrong)
        self.network = network
        self.ports = [(str(bus), plus, minus) for bus, plus, minus in ports]
        self._check_ports()
        self.index = {port: k for k, port in enumerate(self.ports)}
        self.plan = Plan(network)
        self.z_upstream = upstream_z(network)
        self._normally_open = frozenset(s.line for s in network.switches if not s.closed)
        self._line_of = {line.name: line.name for line in network.lines}
        self._line_of.update((s.name, s.line) for s in network.switches)
        nominal = np.array([network.un_v * (3 ** 0.5 if m in PHASES else 1.0)
                            for _, _, m in self.ports])
        self._nominal, self._lo, self._hi = nominal, VMIN_PU * nominal, VMAX_PU * nominal
        self._circuits: dict[Topology, Circuit] = {}
        self._limits: dict[bytes, tuple[Limits, np.ndarray, np.ndarray]] = {}
        self.circuit: Circuit
        self.topology()

    def _check_ports(self) -> None:
        buses = buses_of(self.network)
        wrong = []
        for bus, plus, minus in self.ports:
            if bus not in buses:
                wrong.append(f"E351 port {bus}.{plus}{minus}: bus {bus} is in no line. "
                             "Name a bus of the network.")
            elif (plus not in buses[bus] or plus == minus
                    or minus not in buses[bus] and minus not in ("N", "E")):
                wrong.append(f"E352 port {bus}.{plus}{minus}: bus {bus} has the conductors "
                             f"{', '.join(buses[bus])}. Choose two of them, or N or E for earth.")
        if wrong:
            raise GridError(wrong)

    def line_of(self, name: str) -> str:
        if name not in self._line_of:
            raise GridError(f"E353 line {name!r}: no line or switch of {self.network.name} has "
                            "this name. Look it up in the network's lines.")
        return self._line_of[name]

    def topology(self, open_lines: Iterable[str] = frozenset(),
                 cut: Iterable[tuple[str, str]] = frozenset(), faults: Iterable[tuple] = (),
                 closed: Iterable[str] = frozenset()) -> None:
        """The state that the following solves are for; every state is compiled once.

        open_lines: lines or switches with all conductors open. cut: (line, conductor) broken; line
        "source": that phase of the supply, at the LV terminals. faults: (bus, plus, minus or 'E',
        ohm). closed: names of normally open switches that are closed now.
        """
        opened = {self.line_of(name) for name in open_lines}
        opened |= self._normally_open - {self.line_of(name) for name in closed}
        broken = frozenset((line if line == "source" else self.line_of(line), c)
                           for line, c in cut)
        state = Topology(frozenset(opened), broken, tuple(faults))
        found = self._circuits.get(state)
        if found is None:
            self._check_state(state)
            if len(self._circuits) >= _KEPT:
                self._circuits.pop(next(iter(self._circuits)))
            found = self._circuits[state] = Circuit(self.plan, state, self.ports)
        self.circuit = found

    def _check_state(self, state: Topology) -> None:
        wrong = []
        buses = self.plan.buses
        for line, c in sorted(state.cut):
            has = PHASES if line == "source" else self.plan.sections[line].conductors
            if c not in has:
                wrong.append(f"E354 cut {line}.{c}: this line has the conductors "
                             f"{', '.join(has)}. Choose one of them.")
        for bus, plus, minus, ohm in state.faults:
            where = f"fault {bus}.{plus}{minus}"
            has = buses.get(bus, "")
            if plus not in has or minus not in has and minus not in ("N", "E") or plus == minus:
                wrong.append(f"E355 {where}: bus {bus} has the conductors "
                             f"{', '.join(has) or 'none'}. Choose two of them, or E for earth.")
            if not ohm > 0.0:
                wrong.append(f"E356 {where}: {ohm} ohm must be above zero. "
                             "Set 0.001 for a solid one.")
        if wrong:
            raise GridError(wrong)

    def _limits_of(self, at: np.ndarray) -> tuple[Limits, np.ndarray, np.ndarray]:
        """(limits, squares of the bounds) of the loads at these ports; kept for each `at`."""
        key = at.tobytes()
        found = self._limits.get(key)
        if found is None:
            if len(self._limits) >= 64:
                self._limits.clear()
            lo, hi = self._lo[at], self._hi[at]
            found = self._limits[key] = (Limits(lo, hi, self._nominal[at]), lo * lo, hi * hi)
        return found

    def solve(self, e, at, s_va, y=None, i_a=None, ties: Sequence[Tie] = (), v0=None,
              limits: Limits | None = None) -> State:
        """e: open-circuit phasors A B C at the LV terminals, rms V; at: port index of each load;
        s_va, y, i_a: a load takes conj(s/V) + y V + i_a V/|V| (None: 0). ties: (port, port, S)
        contacts between the ports' plus ends. v0: voltages of the loads to start from.
        limits: else 0.5 to 1.5 of the ports' nominal voltage."""
        e = np.asarray(e, complex)
        at = np.asarray(at, np.intp)
        s = np.asarray(s_va, complex)
        circuit = self.circuit.tied(tuple(ties)) if len(ties) else self.circuit
        chosen = circuit.select(at)
        if chosen.aided is not None:
            circuit, chosen = chosen.aided
        if limits is None:
            limits, lo2, hi2 = self._limits_of(at)
        else:
            lo2, hi2 = limits.lo_v ** 2, limits.hi_v ** 2
        open_v = chosen.v0 @ e
        if chosen.hard or chosen.dead is not None:
            return self._robust(circuit, chosen, e, open_v, (s, y, i_a), limits, v0)
        z = chosen.z
        s_conj = s.conj()
        v = open_v if v0 is None else np.asarray(v0, complex)
        rounds = 0
        with np.errstate(all="ignore"):
            while rounds < _ROUNDS:
                rounds += 1
                i = s_conj / v.conj()
                if y is not None:
                    i += y * v
                if i_a is not None:
                    i += i_a * (v / np.abs(v))
                new = open_v - z.dot(i)
                step = new - v
                v = new
                if not np.vdot(step, step).real > _TOLERANCE2:
                    break
        square = v.real ** 2 + v.imag ** 2
        if rounds == _ROUNDS or not ((square >= lo2) & (square <= hi2)).all():
            return self._robust(circuit, chosen, e, open_v, (s, y, i_a), limits, v0)
        return State(self, circuit, chosen, e, i, rounds)

    def _robust(self, circuit: Circuit, chosen: Selection, e, open_v, taken, limits: Limits,
                v0) -> State:
        n = len(open_v)
        s, y, i_a = (np.zeros(n, complex) if x is None else np.broadcast_to(
            np.asarray(x, complex), n) for x in taken)
        go = np.ones(n, bool) if chosen.dead is None else ~chosen.dead
        i = np.zeros(n, complex)
        rounds = 0
        if go.any():
            some = Limits(*(None if x is None else x[go] for x in (
                limits.lo_v, limits.hi_v, limits.u_v, limits.low_v)))   # type: ignore[arg-type]
            loads = Loads(s[go], y[go] - chosen.aid, i_a[go], some)
            start = open_v[go] if v0 is None else np.asarray(v0, complex)[go]
            z = chosen.z if chosen.dead is None else chosen.z[np.ix_(go, go)]
            _, i[go], rounds = robust(open_v[go], z, loads, start, chosen.hard, chosen.aid,
                                     self.network.name)
        return State(self, circuit, chosen, e, i, rounds)

    def solve_many(self, e, at, s_va, y=None, i_a=None, ties: Sequence[Tie] = (),
                   limits: Limits | None = None) -> States:
        """Like solve, for s_va [instants x loads]; e is [3] or [instants x 3], y and i_a may be
        [loads] or [instants x loads]."""
        at = np.asarray(at, np.intp)
        s = np.asarray(s_va, complex)
        count, n = s.shape
        es = np.broadcast_to(np.asarray(e, complex), (count, 3))
        ys, cs = (None if x is None else np.broadcast_to(np.asarray(x, complex), (count, n))
                  for x in (y, i_a))
        circuit = self.circuit.tied(tuple(ties)) if len(ties) else self.circuit
        chosen = circuit.select(at)
        if chosen.aided is not None:
            circuit, chosen = chosen.aided
        own = self._limits_of(at)[0] if limits is None else limits
        lo2, hi2 = own.lo_v ** 2, own.hi_v ** 2
        v, i = np.empty((count, n), complex), np.empty((count, n), complex)
        most = 0
        for first in range(0, count, _CHUNK):
            some = slice(first, min(count, first + _CHUNK))
            with np.errstate(all="ignore"):
                rounds = 0 if chosen.hard or chosen.dead is not None else self._chunk(
                    chosen, es[some], s[some], None if ys is None else ys[some],
                    None if cs is None else cs[some], v[some], i[some])
            most = max(most, rounds)
            square = v[some].real ** 2 + v[some].imag ** 2
            fine = ((square >= lo2) & (square <= hi2)).all(axis=1)
            if not rounds:
                fine[:] = False
            for t in (first + np.flatnonzero(~fine)).tolist():
                taken = (s[t], None if ys is None else ys[t], None if cs is None else cs[t])
                state = self._robust(circuit, chosen, es[t], chosen.v0 @ es[t], taken, own, None)
                v[t], i[t] = state.u[at], state.i_net
                most = max(most, state.rounds)
        return States(self, circuit, chosen, es, v, i, most)

    @staticmethod
    def _chunk(chosen: Selection, e, s, y, i_a, v_out, i_out) -> int:
        """Plain iteration of some instants together; 0: it did not converge."""
        open_v = e @ chosen.v0.T
        s_conj = s.conj()
        v = open_v
        for rounds in range(1, _ROUNDS + 1):
            i = s_conj / v.conj()
            if y is not None:
                i += y * v
            if i_a is not None:
                i += i_a * (v / np.abs(v))
            new = open_v - i @ chosen.z_t
            step = new - v
            v = new
            if not (step.real ** 2 + step.imag ** 2).max(initial=0.0) > _TOLERANCE2:
                v_out[:], i_out[:] = v, i
                return rounds
        v_out[:], i_out[:] = v, i
        return 0
