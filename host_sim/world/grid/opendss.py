"""The same interface as engine.Engine, through OpenDSS (optional extra `grid`).
For meshed or very large networks, and as the reference of the tests: networks, states and loads
are written as OpenDSS text, solved there and read back. Slow: every change of topology or of a
load's place writes the circuit anew.
"""
import cmath
from collections.abc import Iterable, Sequence

import numpy as np

from host_sim.world.grid.circuit import LEAK_S, Port, Tie
from host_sim.world.grid.engine import VMAX_PU, VMIN_PU, Engine
from host_sim.world.grid.network import PHASES, GridError, Network
from host_sim.world.grid.sources import thevenin_z

_NODE = {"A": 1, "B": 2, "C": 3, "N": 4, "E": 0}
_IDEAL_OHM = 1e-8        # of the three phasors before the Thevenin impedance


def available() -> bool:
    try:
        import opendssdirect  # noqa: F401
    except ImportError:
        return False
    return True


def _matrix(m: np.ndarray) -> str:
    return "[" + " | ".join(" ".join(f"{v:.12g}" for v in row[:k + 1])
                            for k, row in enumerate(m)) + "]"


class OpenDssState:
    """The attributes of engine.State."""

    def __init__(self, u: np.ndarray, i_src: np.ndarray, i_load: np.ndarray, losses_va: complex,
                 lines: dict, voltages: dict, rounds: int):
        self.u, self.i_src, self.i_load, self.losses_va = u, i_src, i_load, losses_va
        self.rounds = rounds
        self._lines, self._voltages = lines, voltages

    def line_i(self, name: str) -> np.ndarray:
        return self._lines[name]

    def all_voltages(self) -> dict[tuple[str, str], complex]:
        return self._voltages


class OpenDssEngine:
    """Network, ports, topology() and solve() as engine.Engine has them."""

    def __init__(self, network: Network, ports: Sequence[Port]):
        try:
            import opendssdirect
        except ImportError:
            raise GridError("E362 opendss: OpenDSSDirect is not installed. "
                            "Install the extra: pip install slvg[grid].") from None
        self.dss = opendssdirect
        self.own = Engine(network, ports)       # checks, names, directions, what floats
        self.network, self.ports, self.index = network, self.own.ports, self.own.index
        self._state: tuple = (frozenset(), frozenset(), ())
        self._bus = {bus: f"b{k}" for k, bus in enumerate(self.own.plan.buses)}
        self.topology()

    def topology(self, open_lines: Iterable[str] = frozenset(),
                 cut: Iterable[tuple[str, str]] = frozenset(), faults: Iterable[tuple] = (),
                 closed: Iterable[str] = frozenset()) -> None:
        faults = tuple(faults)
        cut = frozenset(cut)
        self.own.topology(open_lines, cut, faults, closed)
        opened = {line for line in self.own.plan.sections
                  if line not in self.own.circuit.net.conductors}
        self._state = (opened, cut, faults)

    def _say(self, text: str) -> None:
        self.dss.Text.Command(text)

    def _at(self, bus: str, *conductors: str) -> str:
        has = self.own.plan.buses[bus]
        nodes = [_NODE[c] if c in has else 0 for c in conductors]
        return ".".join([self._bus[bus], *map(str, nodes)])

    def _circuit(self, e: np.ndarray) -> None:
        network, plan = self.network, self.own.plan
        _, cut, faults = self._state
        say = self._say
        say("clear")
        say(f"set defaultbasefrequency={network.source.freq_hz:.9g}")
        lv = network.lv_bus
        star = self._at(lv, "N").rpartition(".")[2]
        for k in range(3):
            u, angle = cmath.polar(complex(e[k]))
            what = "new circuit.feeder" if k == 0 else f"new vsource.e{k}"
            say(f"{what} phases=1 bus1=thevenin.{k + 1} bus2={self._bus[lv]}.{star} "
                f"basekv={max(u, 1e-9) / 1000.0:.15g} pu=1 angle={np.degrees(angle):.15g} "
                f"r1={_IDEAL_OHM} x1={_IDEAL_OHM} r0={_IDEAL_OHM} x0={_IDEAL_OHM}")
        z = thevenin_z(network)
        fed = [k for k in range(3) if ("source", PHASES[k]) not in cut]
        pick = np.ix_(fed, fed)
        self._fed = fed
        if fed:
            nodes = ".".join(str(k + 1) for k in fed)
            say(f"new line.thevenin bus1=thevenin.{nodes} bus2={self._bus[lv]}.{nodes} "
                f"phases={len(fed)} rmatrix={_matrix(z.real[pick])} "
                f"xmatrix={_matrix(z.imag[pick])} "
                f"cmatrix={_matrix(np.zeros((len(fed), len(fed))))} length=1 units=none")
        for number, (name, left) in enumerate(self.own.circuit.net.conductors.items()):
            section = plan.sections[name]
            z = plan.z_of(section, left) * section.km
            own = [section.conductors.index(c) for c in left]
            c_nf = plan.y_km[section.code][np.ix_(own, own)].imag * section.km * 1e9 / (
                2.0 * np.pi * network.source.freq_hz)
            say(f"new line.l{number} bus1={self._at(section.bus1, *left)} "
                f"bus2={self._at(section.bus2, *left)} phases={len(left)} "
                f"rmatrix={_matrix(z.real)} xmatrix={_matrix(z.imag)} cmatrix={_matrix(c_nf)} "
                "length=1 units=none")
        for k, earth in enumerate(network.earths):
            self._resistor(f"earth{k}", earth.bus, earth.conductor, "E", earth.ohm)
        for k, (bus, plus, minus, ohm) in enumerate(faults):
            self._resistor(f"fault{k}", bus, plus, minus, ohm)
        for k, (bus, conductor) in enumerate(self.own.circuit.leaks):
            self._resistor(f"leak{k}", bus, conductor, "E", 1.0 / LEAK_S)

    def _resistor(self, name: str, bus: str, plus: str, minus: str, ohm: float) -> None:
        # Its second end must not be the default (all of bus's own neutral): said in full.
        self._say(f"new reactor.{name} phases=1 bus1={self._at(bus, plus)} "
                  f"bus2={self._at(bus, minus)} r={ohm:.12g} x=0")

    def _load(self, name: str, port: Port, model: int, s: complex) -> None:
        bus, plus, minus = port
        kv = self.network.un_v / 1000.0 * (3.0 ** 0.5 if minus in PHASES else 1.0)
        self._say(f"new load.{name} phases=1 bus1={self._at(bus, plus, minus)} kv={kv:.12g} "
                  f"kw={s.real / 1000.0:.12g} kvar={s.imag / 1000.0:.12g} model={model} "
                  f"vminpu={VMIN_PU} vmaxpu={VMAX_PU} vlowpu=0")

    def solve(self, e, at, s_va, y=None, i_a=None, ties: Sequence[Tie] = (), v0=None
              ) -> OpenDssState:
        """As engine.Engine.solve; v0 is not used. y and i_a are taken at the nominal voltage."""
        e = np.asarray(e, complex)
        self._circuit(e)
        at = [int(p) for p in at]
        n = len(at)
        zero = np.zeros(n, complex)
        s, y, i_a = (zero if x is None else np.broadcast_to(np.asarray(x, complex), n)
                     for x in (s_va, y, i_a))
        for k, p in enumerate(at):
            port = self.ports[p]
            un = self.network.un_v * (3.0 ** 0.5 if port[2] in PHASES else 1.0)
            kinds = ((1, s[k]), (2, np.conj(y[k]) * un * un), (5, np.conj(i_a[k]) * un))
            for model, power in kinds:
                if power:
                    self._load(f"m{model}_{k}", port, model, complex(power))
        for k, (p, q, siemens) in enumerate(ties):
            one, two = self.ports[p], self.ports[q]
            self._say(f"new reactor.tie{k} phases=1 bus1={self._at(one[0], one[1])} "
                      f"bus2={self._at(two[0], two[1])} r={1.0 / siemens:.12g} x=0")
        self._say("set tolerance=1e-11")
        self._say("set maxiterations=2000")
        for algorithm in ("normal", "newton"):
            self._say(f"set algorithm={algorithm}")
            self.dss.Solution.Solve()
            if self.dss.Solution.Converged():
                break
        else:
            raise GridError(f"E361 {self.network.name}: OpenDSS found no solution. "
                            "Take less power.")
        return self._read(e, at, n)

    def _current(self, element: str, conductors: int) -> np.ndarray | None:
        """Currents into the first terminal."""
        if self.dss.Circuit.SetActiveElement(element) < 0:
            return None
        both = np.asarray(self.dss.CktElement.Currents())
        return both[0:2 * conductors:2] + 1j * both[1:2 * conductors:2]

    def _read(self, e: np.ndarray, at: list[int], n: int) -> OpenDssState:
        dss, plan = self.dss, self.own.plan
        array = np.asarray(dss.Circuit.YNodeVArray())
        volts = array[0::2] + 1j * array[1::2]
        node = {name.lower(): k for k, name in enumerate(dss.Circuit.YNodeOrder())}

        def v(bus: str, c: str) -> complex:
            k = node.get(f"{self._bus[bus]}.{_NODE[c]}", -1) if c in plan.buses[bus] else -1
            return complex(volts[k]) if k >= 0 else 0j

        u = np.array([v(bus, p) - v(bus, m) for bus, p, m in self.ports])
        i_load = np.zeros(n, complex)
        for k in range(n):
            for model in (1, 2, 5):
                i = self._current(f"load.m{model}_{k}", 1)
                if i is not None:
                    i_load[k] += i[0]
        i_src = np.zeros(3, complex)
        if self._fed:
            into = self._current("line.thevenin", len(self._fed))
            if into is not None:
                i_src[self._fed] = into
        lines = {name: np.zeros(len(s.conductors), complex) for name, s in plan.sections.items()}
        for number, (name, left) in enumerate(self.own.circuit.net.conductors.items()):
            section = plan.sections[name]
            i = self._current(f"line.l{number}", len(left))
            if i is not None:
                place = [section.conductors.index(c) for c in left]
                lines[name][place] = section.sign * i
        square = float(np.vdot(i_src, i_src).real) - abs(i_src.sum()) ** 2 / 3.0
        losses = np.vdot(i_src, e) - self.own.z_upstream * square - np.vdot(i_load, u[at])
        voltages = {(bus, c): v(bus, c) for bus, has in plan.buses.items() for c in has}
        return OpenDssState(u, i_src, i_load, complex(losses), lines, voltages,
                            dss.Solution.Iterations())
