"""What is wrong with a network, said before anything runs: every complaint with the thing, the
bound, the remedy. Called through network.check.
"""
import math
from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from host_sim.world.grid.network import CONDUCTORS, PHASES, Network, buses_of, ports_of

_SHOWN = 8       # of one kind of mistake


def meant(word: str, known: Iterable[str]) -> str:
    """The remedy for a name that does not exist."""
    known = sorted(known)
    near = get_close_matches(word, known, n=1, cutoff=0.55)
    hint = f"Did you mean {near[0]}? " if near else ""
    more = ", ..." if len(known) > _SHOWN else ""
    return f"{hint}There are: {', '.join(known[:_SHOWN]) or 'none'}{more}."


class _Findings:
    def __init__(self, name: str):
        self.name = name
        self.all: list[str] = []
        self._count: dict[str, int] = {}

    def add(self, code: str, text: str) -> None:
        self._count[code] = count = self._count.get(code, 0) + 1
        if count <= _SHOWN:
            self.all.append(f"{code} {self.name}: {text}")

    def done(self) -> list[str]:
        for code, count in self._count.items():
            if count > _SHOWN:
                self.all.append(f"{code} {self.name}: and {count - _SHOWN} more of this kind.")
        return self.all


def complaints(network: Network, radial: bool) -> list[str]:
    findings = _Findings(network.name)
    _names(network, findings)
    _values(network, findings)
    _lines(network, findings)
    if not findings.all:
        _connections(network, findings, radial)
        _customers(network, findings)
    return findings.done()


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _names(network: Network, findings: _Findings) -> None:
    for kind, things in (("line", network.lines), ("switch", network.switches)):
        for name in _twice(thing.name for thing in things):
            findings.add("E331", f"two {kind}s are called {name}. Name each once.")
    for name in _twice(load.id for load in network.loads):
        findings.add("E331", f"two customers are called {name}. Name each once.")
    lines = {line.name for line in network.lines}
    for switch in network.switches:
        if switch.line not in lines:
            findings.add("E331", f"switch {switch.name} is in line {switch.line}, which there is "
                                 "not. " + meant(switch.line, lines))
        if switch.name in lines and switch.name != switch.line:
            findings.add("E331", f"switch {switch.name} has the name of another line. Rename it.")
    for name in _twice(switch.line for switch in network.switches):
        findings.add("E331", f"line {name} has two switches. Leave one.")
    taken: dict[str, str] = {}
    for load in network.loads:
        if load.switch and load.switch in taken:
            findings.add("E339", f"customers {taken[load.switch]} and {load.id} are both on "
                                 f"switch {load.switch}. Give each its own.")
        taken[load.switch] = load.id
        if load.switch and len(load.phases) > 1:
            findings.add("E339", f"customer {load.id} on phases {load.phases} has the phase "
                                 f"switch {load.switch}. Only one-phase customers can have one.")


def _values(network: Network, findings: _Findings) -> None:
    s, t = network.source, network.transformer
    for what, value in (("source kv", s.kv), ("source freq_hz", s.freq_hz),
                        ("source isc3_a", s.isc3_a), ("source isc1_a", s.isc1_a),
                        ("nominal voltage un_v", network.un_v),
                        *((("transformer kva", t.kva), ("transformer hv_kv", t.hv_kv),
                           ("transformer lv_kv", t.lv_kv),
                           ("transformer xhl_percent", t.xhl_percent)) if t else ())):
        if not (value > 0.0 and math.isfinite(value)):
            findings.add("E337", f"{what} = {value:g} must be above zero. Correct it.")
    if s.r1_ohm is not None and not abs(complex(s.r1_ohm, s.x1_ohm)) > 0.0:
        findings.add("E337", "the source has no impedance. Give r1_ohm or x1_ohm above zero.")
    if t and s.bus != t.hv_bus:
        findings.add("E337", f"the source is at bus {s.bus}, the transformer's HV side at "
                             f"{t.hv_bus}. Give both the same bus.")
    if t and abs(s.kv - t.hv_kv) > 0.2 * t.hv_kv:
        findings.add("E337", f"the source has {s.kv:g} kV, the transformer's HV side {t.hv_kv:g} "
                             "kV. Give both the same nominal voltage.")
    for code in network.codes.values():
        n = len(code.r_ohm_per_km)
        for matrix in (code.r_ohm_per_km, code.x_ohm_per_km, code.c_nf_per_km):
            if matrix and (len(matrix) != n or any(len(row) != n for row in matrix) or not all(
                    math.isfinite(v) for row in matrix for v in row)):
                findings.add("E332", f"code {code.name}: its matrices must be {n} x {n} numbers. "
                                     "Correct them.")
                break
        else:
            if not 1 <= n <= 4 or min(code.r_ohm_per_km[k][k] for k in range(n)) <= 0.0:
                findings.add("E332", f"code {code.name}: needs 1 to 4 conductors with a "
                                     "resistance above zero. Correct it.")
    for load in network.loads:
        if not math.isfinite(load.kw) or not 0.0 < load.vmin_pu < load.vmax_pu:
            findings.add("E337", f"customer {load.id}: kw = {load.kw:g}, vmin_pu = "
                                 f"{load.vmin_pu:g}, vmax_pu = {load.vmax_pu:g}. "
                                 "Give kw, and 0 < vmin_pu < vmax_pu.")


def _lines(network: Network, findings: _Findings) -> None:
    for line in network.lines:
        code = network.codes.get(line.code)
        if code is None:
            findings.add("E332", f"line {line.name} has the code {line.code}, which there is not. "
                                 + meant(line.code, network.codes))
        elif len(code.r_ohm_per_km) != len(line.phases):
            findings.add("E334", f"line {line.name} has the conductors {line.phases}, its code "
                                 f"{line.code} has {len(code.r_ohm_per_km)}. Make them equal.")
        if not line.phases or len(set(line.phases)) != len(line.phases) or (
                set(line.phases) - set(CONDUCTORS)):
            findings.add("E334", f"line {line.name} has the conductors {line.phases!r}. "
                                 "Use each of A B C N at most once.")
        if not (line.length_m > 0.0 and math.isfinite(line.length_m)):
            findings.add("E333", f"line {line.name}: length_m = {line.length_m:g} must be above "
                                 "zero. Join its buses, or give a length.")
        if line.bus1 == line.bus2:
            findings.add("E333", f"line {line.name} begins and ends at bus {line.bus1}. "
                                 "Give it two buses, or leave it out.")


class _Groups:
    """Union-find by name."""

    def __init__(self):
        self.parent: dict = {}

    def find(self, one):
        parent = self.parent
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    def join(self, a, b) -> bool:
        """False if they were together already."""
        a, b = self.find(a), self.find(b)
        self.parent[a] = b
        return a != b


def _connections(network: Network, findings: _Findings, radial: bool) -> None:
    groups = _Groups()
    open_ties = {s.line for s in network.switches if not s.closed}
    for line in network.lines:
        if line.name not in open_ties and not groups.join(line.bus1, line.bus2) and radial:
            findings.add("E340", f"line {line.name} from bus {line.bus1} to {line.bus2} closes a "
                                 "loop, and the feeder must be radial here. Take it out, or give "
                                 "it a switch that is open.")
    for line in network.lines:
        groups.join(line.bus1, line.bus2)
    root = groups.find(network.lv_bus)
    lost: dict[str, list[str]] = {}
    for bus in buses_of(network):
        if groups.find(bus) != root:
            lost.setdefault(groups.find(bus), []).append(bus)
    for buses in lost.values():
        some = ", ".join(sorted(buses)[:5]) + (", ..." if len(buses) > 5 else "")
        findings.add("E336", f"{len(buses)} buses ({some}) are an island without a way to bus "
                             f"{network.lv_bus}. Connect them by a line.")
    for earth in network.earths:
        has = buses_of(network).get(earth.bus, "")
        if earth.conductor not in has:
            findings.add("E338", f"an earthing is at bus {earth.bus}, conductor "
                                 f"{earth.conductor}; "
                                 + (f"there are {', '.join(has)}." if has else
                                    "no line has this bus.") + " Correct its bus.")
        if not earth.ohm > 0.0:
            findings.add("E338", f"the earthing at bus {earth.bus} has {earth.ohm:g} ohm, must be "
                                 "above zero. Set 0.001 for a solid one.")


def _customers(network: Network, findings: _Findings) -> None:
    groups = _Groups()
    for line in network.lines:
        for c in line.phases:
            groups.join((line.bus1, c), (line.bus2, c))
    buses = buses_of(network)
    lv = network.lv_bus
    for load in network.loads:
        if load.bus not in buses:
            findings.add("E335", f"customer {load.id} is at bus {load.bus}, which no line has. "
                                 + meant(load.bus, buses))
            continue
        need = {c for port in ports_of(load) for c in port[1:]
                if c in PHASES or c == "N" and "N" in buses[load.bus]}
        missing = [c for c in sorted(need) if c not in buses[load.bus]
                   or c in buses[lv] and groups.find((load.bus, c)) != groups.find((lv, c))]
        if missing:
            findings.add("E338", f"customer {load.id} at bus {load.bus} needs "
                                 f"{', '.join(missing)}, which does not reach it from bus {lv}. "
                                 "Give every line on the way this conductor, or choose another "
                                 "phase.")

