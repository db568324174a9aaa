"""A feeder in one switching state, series sections merged: what the admittance matrix is made of.
Buses where nothing begins, ends, branches or hangs are inner points of a chain; a chain of
sections becomes one branch whose impedance is the sum of theirs, exactly, and inner voltages
follow from its current. 906 buses of the European feeder become about 170.
"""
from dataclasses import dataclass, field

import numpy as np

from host_sim.world.grid.network import CONDUCTORS, LineCode, Network, buses_of


@dataclass(frozen=True)
class State:
    """What is switched, broken and faulty. Hashable: solutions are kept for each state."""

    open_lines: frozenset = frozenset()   # names of lines
    cut: frozenset = frozenset()          # (line, conductor); "source": its phase at the LV bus
    faults: tuple = ()                    # (bus, plus, minus or 'E', ohm)
    aids: tuple = ()                      # ports with circuit.AID_S across them


@dataclass
class Section:
    """One line as the engine sees it, conductors in the order A B C N."""

    name: str
    bus1: str
    bus2: str
    conductors: str
    code: tuple[str, str]         # key of Plan.z_km
    km: float
    shunt: bool
    sign: int = 1                 # +1: bus1 is nearer to the source


@dataclass
class Chain:
    """Sections in series between two kept buses. inner: (bus, sections before it)."""

    bus1: str
    bus2: str
    conductors: str
    sections: list[tuple[Section, int]]          # +1: walked from its bus1 to its bus2
    km: dict[tuple[tuple[str, str], str], float] = field(default_factory=dict)


class Plan:
    """What stays the same in all states: sections, impedances, conductors, directions."""

    def __init__(self, network: Network):
        self.network = network
        self.buses = buses_of(network)
        self.z_km: dict[tuple[str, str], np.ndarray] = {}
        self.y_km: dict[tuple[str, str], np.ndarray] = {}
        self.sections: dict[str, Section] = {}
        for line in network.lines:
            order = "".join(c for c in CONDUCTORS if c in line.phases)
            key = (line.code, line.phases)
            if key not in self.z_km:
                self._matrices(key, network.codes[line.code], order)
            self.sections[line.name] = Section(
                line.name, line.bus1, line.bus2, order, key, line.length_m / 1000.0,
                bool(self.y_km[key].any()))
        self._direct()

    def _matrices(self, key: tuple[str, str], code: LineCode, order: str) -> None:
        pick = np.ix_(*[[key[1].index(c) for c in order]] * 2)
        z = np.array(code.r_ohm_per_km) + 1j * np.array(code.x_ohm_per_km)
        self.z_km[key] = z[pick]
        omega = 2.0 * np.pi * self.network.source.freq_hz
        c_nf = np.array(code.c_nf_per_km) if code.c_nf_per_km else np.zeros(z.shape)
        self.y_km[key] = 1j * omega * 1e-9 * c_nf[pick]

    def _direct(self) -> None:
        """Positive current flows away from the source, whatever the order of a line's buses."""
        at: dict[str, list[Section]] = {}
        for section in self.sections.values():
            at.setdefault(section.bus1, []).append(section)
            at.setdefault(section.bus2, []).append(section)
        reached = {self.network.lv_bus: 0}
        wave = [self.network.lv_bus]
        open_ties = {s.line for s in self.network.switches if not s.closed}
        for ties in (False, True):        # closed lines say the direction; ties come last
            while wave:
                then = []
                for bus in wave:
                    for section in at.get(bus, ()):
                        if section.name in open_ties and not ties:
                            continue
                        other = section.bus2 if bus == section.bus1 else section.bus1
                        if other not in reached:
                            reached[other] = reached[bus] + 1
                            then.append(other)
                wave = then
            wave = list(reached)
        for section in self.sections.values():
            far = len(reached) + 1
            if reached.get(section.bus2, far) < reached.get(section.bus1, far):
                section.sign = -1

    def z_of(self, section: Section, conductors: str) -> np.ndarray:
        """ohm for each km of these conductors (all of the section's but for cut ones)."""
        z = self.z_km[section.code]
        if conductors == section.conductors:
            return z
        return z[np.ix_(*[[section.conductors.index(c) for c in conductors]] * 2)]


class Reduction:
    """The chains of one state."""

    def __init__(self, plan: Plan, state: State, keep: set[str]):
        self.plan = plan
        self.conductors: dict[str, str] = {}     # of each section that conducts
        at: dict[str, list[Section]] = {}
        shunted: set[str] = set()
        cuts: dict[str, str] = {}
        for line, conductor in state.cut:
            cuts[line] = cuts.get(line, "") + conductor
        for section in plan.sections.values():
            if section.name in state.open_lines:
                continue
            left = section.conductors
            if section.name in cuts:
                left = "".join(c for c in left if c not in cuts[section.name])
                if not left:
                    continue
            self.conductors[section.name] = left
            at.setdefault(section.bus1, []).append(section)
            at.setdefault(section.bus2, []).append(section)
            if section.shunt:
                shunted.update((section.bus1, section.bus2))
        kept = keep | shunted | {bus for bus, plus, minus, ohm in state.faults}
        have = self.conductors
        inner = set()
        for bus, sections in at.items():
            if (len(sections) == 2 and bus not in kept
                    and have[sections[0].name] == have[sections[1].name] == plan.buses[bus]
                    and sections[0] is not sections[1]):
                inner.add(bus)
        self.buses = [bus for bus in plan.buses if bus not in inner]
        self.number = {bus: b for b, bus in enumerate(self.buses)}
        self.chains: list[Chain] = []
        self.chain_of: dict[str, tuple[int, int]] = {}   # section -> (chain, +1 or -1)
        walked: set[str] = set()
        for bus in self.buses:
            for section in at.get(bus, ()):
                if section.name not in walked:
                    self._walk(bus, section, at, inner, walked)
        for bus in inner:                 # a ring of inner buses, cut off from everything
            if not any(section.name in walked for section in at[bus]):
                self.number[bus] = len(self.buses)
                self.buses.append(bus)
                self._walk(bus, at[bus][0], at, inner - {bus}, walked)

    def _walk(self, start: str, section: Section, at, inner, walked) -> None:
        chain = Chain(start, start, self.conductors[section.name], [])
        number = len(self.chains)
        bus = start
        while True:
            walked.add(section.name)
            way = 1 if section.bus1 == bus else -1
            chain.sections.append((section, way))
            self.chain_of[section.name] = (number, way * section.sign)
            key = (section.code, section.conductors)
            chain.km[key] = chain.km.get(key, 0.0) + section.km
            bus = section.bus2 if way == 1 else section.bus1
            if bus not in inner:
                break
            one, two = at[bus]
            section = two if one is section else one
        chain.bus2 = bus
        self.chains.append(chain)

    def z(self, chain: Chain) -> np.ndarray:
        """Series impedance of a chain, ohm."""
        if len(chain.km) > 1 or len(chain.sections) > 1:
            full = sum(self.plan.z_km[code] * km for (code, _), km in chain.km.items())
            order = chain.sections[0][0].conductors
        else:
            section = chain.sections[0][0]
            full, order = self.plan.z_km[section.code] * section.km, section.conductors
        if order == chain.conductors:
            return np.asarray(full)
        pick = [order.index(c) for c in chain.conductors]
        return np.asarray(full)[np.ix_(pick, pick)]

    def shunt(self, chain: Chain) -> np.ndarray | None:
        """Half of a chain's shunt admittance, S; it has one section then."""
        section = chain.sections[0][0]
        if not section.shunt:
            return None
        y = self.plan.y_km[section.code] * section.km / 2.0
        pick = [section.conductors.index(c) for c in chain.conductors]
        return y[np.ix_(pick, pick)]
