"""A feeder from OpenDSS text: circuit, line codes, lines, one transformer, loads, load shapes.

What the engine cannot do is complained of with file, line and remedy; what does not matter here
(meters, monitors, commands that plot or solve) is passed over. OpenDSS's own defaults hold, among
them the trap that a load becomes a constant impedance outside 0.95 to 1.05 of its voltage.
"""
import math
from pathlib import Path

import numpy as np

from host_sim.world.grid.csv_files import triangle
from host_sim.world.grid.dss_parser import Element, Reader
from host_sim.world.grid.network import (
    Earth,
    GridError,
    Line,
    LineCode,
    LoadPoint,
    Matrix,
    Network,
    Source,
    Switch,
    Transformer,
)
from host_sim.world.grid.sources import short_circuit_z

KM_OF = {"none": 1.0, "": 1.0, "km": 1.0, "m": 1e-3, "mi": 1.609344, "kft": 0.3048,
         "ft": 0.3048e-3, "in": 0.0254e-3, "cm": 1e-5, "mm": 1e-6}
_CONDUCTOR = {1: "A", 2: "B", 3: "C", 4: "N"}
_PASSED_OVER = {"energymeter", "monitor", "spectrum", "growthshape", "tcc_curve", "xycurve",
                "sensor", "linespacing", "wiredata"}
_MODELS = {1: "p", 2: "z", 5: "i"}
_YES = ("y", "yes", "t", "true", "1")
# Properties that change the result and are not modelled: class, property, value that is harmless.
_REFUSED = (("line", "geometry", ""), ("line", "spacing", ""), ("linecode", "kron", "no"),
            ("transformer", "tap", "1"), ("transformer", "taps", "1"),
            ("transformer", "leadlag", "lag"), ("transformer", "bank", ""),
            ("load", "rneut", "-1"), ("load", "xneut", "0"), ("load", "zipv", ""))


def read_dss(path: str | Path) -> Network:
    """The network of an OpenDSS master file; raises GridError with everything wrong in it."""
    return _Builder(Path(path)).network()


def read_dss_profiles(path: str | Path) -> np.ndarray:
    """Its load shapes, [steps x shapes]; LoadPoint.profile counts them from 1."""
    builder = _Builder(Path(path))
    builder.network()
    shapes = list(builder.shapes.values())
    if not shapes:
        return np.zeros((0, 0))
    if len({len(shape) for shape in shapes}) > 1:
        raise GridError(f"E343 {Path(path).name}: its load shapes have different lengths "
                        f"({', '.join(sorted({str(len(s)) for s in shapes}))}). Make them equal.")
    return np.array(shapes).T


class _Builder:
    def __init__(self, path: Path):
        self.path = path
        self.wrong: list[str] = []
        self.notes: list[str] = []
        self.reader = Reader(self.wrong, self.notes)
        self.reader.read(path)
        self.shapes: dict[str, np.ndarray] = {}
        self._buses: dict[str, str] = {}
        self.codes: dict[str, LineCode] = {}
        self._code_unit: dict[str, str] = {}

    def of(self, kind: str) -> list[Element]:
        return [e for (k, _), e in self.reader.elements.items()
                if k == kind and e.values.get("enabled", "y").lower() in _YES]

    def bad(self, e: Element, text: str, remedy: str) -> None:
        self.wrong.append(f"E348 {e.where}: {e.kind} {e.name}: {text}. {remedy}")

    def number(self, e: Element, key: str, default: float) -> float:
        text = e.values.get(key)
        return default if text is None else self.floats(e, key, text, [default])[0]

    def floats(self, e: Element, key: str, text: str, default: list[float]) -> list[float]:
        try:
            values = [float(word) for word in text.replace(",", " ").split()]
        except ValueError:
            values = []
        if not values or not all(math.isfinite(v) for v in values):
            self.bad(e, f"{key}={text} is no number", "Write a number.")
            return default
        return values

    def bus(self, e: Element, key: str, conductors: int) -> tuple[str, list[int]]:
        """(bus, nodes); without nodes 1, 2, ... as OpenDSS counts them."""
        text = e.values.get(key, "")
        name, *nodes = text.split(".")
        if not name:
            self.bad(e, f"{key} is missing", "Name its bus.")
            name = "?"
        name = self._buses.setdefault(name.lower(), name)
        if not all(n.isdigit() and int(n) <= 4 for n in nodes):
            self.bad(e, f"{key}={text} has a node above 4 or none",
                     "Use nodes 1 2 3 for the phases, 4 for the neutral, 0 for earth.")
            nodes = []
        found = [int(n) for n in nodes] or list(range(1, conductors + 1))
        return name, found

    # --- the parts -------------------------------------------------------------------------------

    def network(self) -> Network:
        known = {"vsource", "linecode", "line", "transformer", "load", "generator", "loadshape",
                 "reactor"} | _PASSED_OVER
        for (kind, _), e in self.reader.elements.items():
            if kind not in known:
                self.bad(e, "this class is not modelled",
                         f"Take it out. Known: {', '.join(sorted(known - _PASSED_OVER))}.")
            elif kind not in _PASSED_OVER:
                self.wrong += [f"E346 {where}: {value!r} stands without a name. Write name=value."
                               for value, where in e.stray]
            for refused, key, harmless in _REFUSED:
                value = e.values.get(key)
                fine = (harmless, harmless + ".0", *(("n", "false") if harmless == "no" else ()))
                if kind == refused and value is not None and value.lower() not in fine and not all(
                        v == "1" for v in value.replace(",", " ").split()):
                    self.bad(e, f"{key}={value} is not modelled", "Take it out.")
        transformer = self._transformer()
        source = self._source(transformer)
        for e in self.of("linecode"):
            self._code(e, e.name.lower(), int(self.number(e, "nphases", 3)))
        lines = tuple(self._line(e) for e in self.of("line"))
        for e in self.of("loadshape"):
            self._shape(e)
        loads = [self._load(e) for e in self.of("load")]
        loads += [self._generator(e) for e in self.of("generator")]
        earths = tuple(earth for e in self.of("reactor") for earth in self._earth(e))
        switches = tuple(switch for name, where in self.reader.opened
                         for switch in self._opened(name, where, lines))
        if self.wrong or source is None:
            raise GridError(self.wrong)
        un_v = (transformer.lv_kv if transformer else source.kv) * 1000.0 / math.sqrt(3.0)
        coords = {self._buses[bus]: at for bus, at in self.reader.coords.items()
                  if bus in self._buses}
        return Network(source, transformer, self.codes, lines, tuple(x for x in loads if x),
                       coords, earths, un_v, switches, self.path.name, tuple(self.notes))

    def _source(self, transformer: Transformer | None) -> Source | None:
        sources = self.of("vsource")
        if len(sources) != 1:
            self.wrong.append(f"E348 {self.path.name}: has {len(sources)} sources, one is needed. "
                              "Write one 'New circuit.name'.")
            return None
        e = sources[0]
        if self.number(e, "phases", 3) != 3:
            self.bad(e, "is not three-phase", "Set phases=3.")
        e.values.setdefault("bus1", "sourcebus")
        bus, _ = self.bus(e, "bus1", 3)
        kv = self.number(e, "basekv", 115.0)
        x1r1, x0r0 = self.number(e, "x1r1", 4.0), self.number(e, "x0r0", 3.0)
        scale = math.sqrt(3.0) * kv / 1000.0          # MVA of 1 A
        isc3, isc1 = 2000.0 / scale, 2100.0 / scale
        ohms: dict[str, float] = {}
        for key, text in e.lists:
            value = self.floats(e, key, text, [0.0]) if key in (
                "isc3", "isc1", "mvasc3", "mvasc1", "r1", "x1", "r0", "x0", "z1", "z0") else [0.0]
            if key in ("isc3", "mvasc3"):
                isc3 = value[0] / (1.0 if key[0] == "i" else scale)
                ohms = {}
            elif key in ("isc1", "mvasc1"):
                isc1 = value[0] / (1.0 if key[0] == "i" else scale)
                ohms = {}
            elif key in ("r1", "x1", "r0", "x0"):
                ohms[key] = value[0]
            elif key in ("z1", "z0") and len(value) == 2:
                ohms["r" + key[1]], ohms["x" + key[1]] = value
            elif key in ("puz1", "puz0", "z2", "puz2", "baseMVA"):
                self.bad(e, f"{key} is not modelled", "Give Z1 and Z0 in ohm, or Isc3 and Isc1.")
        if isc3 <= 0.0 or isc1 <= 0.0:
            self.bad(e, "a short-circuit current is not above zero", "Correct it.")
            return None
        z1, z0 = short_circuit_z(kv, isc3, isc1, x1r1, x0r0)
        if ohms:
            z1 = complex(ohms.get("r1", 1.65), ohms.get("x1", 6.6))
            z0 = complex(ohms.get("r0", 1.9), ohms.get("x0", 5.7))
        freq = float(self.reader.options.get("defaultbasefrequency", "60"))
        if transformer is not None and bus.lower() != transformer.hv_bus.lower():
            self.bad(e, f"is at bus {bus}, the transformer's HV side at {transformer.hv_bus}",
                     "Lines on the HV side are not modelled: put both at one bus.")
        return Source(bus, kv, self.number(e, "pu", 1.0), isc3, isc1, x1r1,
                      self.number(e, "basefreq", freq), z1.real, z1.imag, z0.real, z0.imag,
                      self.number(e, "angle", 0.0))

    def _transformer(self) -> Transformer | None:
        found = self.of("transformer")
        if not found:
            return None
        if len(found) > 1:
            self.bad(found[1], f"is the second of {len(found)}", "Make one feeder of each.")
        e = found[0]
        side = [{"bus": "", "conn": "wye", "kv": "12.47", "kva": "1000", "%r": "0.2"}
                for _ in range(2)]
        at = 0
        many = {"buses": "bus", "conns": "conn", "kvs": "kv", "kvas": "kva", "%rs": "%r"}
        for key, value in e.lists:
            if key == "wdg":
                at = int(self.floats(e, key, value, [1.0])[0]) - 1
                if at not in (0, 1):
                    self.bad(e, f"has a winding {value}", "Two windings are modelled.")
                    at = 0
            elif key in many:
                for k, word in enumerate(value.replace(",", " ").split()[:2]):
                    side[k][many[key]] = word
            elif key == "%loadloss":
                loss = self.floats(e, key, value, [0.4])[0]
                side[0]["%r"] = side[1]["%r"] = str(loss / 2.0)
            elif key in side[0]:
                side[at][key] = value
        if self.number(e, "windings", 2) != 2 or self.number(e, "phases", 3) != 3:
            self.bad(e, "is not three-phase with two windings", "Only that is modelled.")
        for key in ("%noloadloss", "%imag"):
            if self.number(e, key, 0.0):
                self.notes.append(f"{e.where}: transformer {e.name}: {key} is left out.")
        names, conns = [], []
        for part in side:
            name = part["bus"].partition(".")[0]
            names.append(self._buses.setdefault(name.lower(), name))
            conns.append({"delta": "delta", "d": "delta", "ll": "delta", "wye": "wye", "y": "wye",
                          "ln": "wye"}.get(part["conn"].lower(), part["conn"]))
        if conns[1] != "wye" or conns[0] not in ("wye", "delta") or not all(names):
            self.bad(e, f"has windings {', '.join(conns)} at buses {', '.join(names)}",
                     "Write the HV winding (delta or wye) first, the LV one (wye) second.")
        nodes = side[1]["bus"].split(".")[1:]
        if nodes not in ([], ["1", "2", "3"], ["1", "2", "3", "0"], ["1", "2", "3", "4"]):
            self.bad(e, f"has its LV winding at nodes {'.'.join(nodes)}",
                     "Use 1.2.3, 1.2.3.0 or 1.2.3.4.")
        kv = [self.floats(e, "kv", part["kv"], [1.0])[0] for part in side]
        kva = self.floats(e, "kva", side[0]["kva"], [1.0])[0]
        r = sum(self.floats(e, "%r", part["%r"], [0.2])[0] for part in side)
        return Transformer(e.name, names[0], names[1], kv[0], kv[1], kva,
                           self.number(e, "xhl", 7.0), r, conns[0], "wye")

    def _code(self, e: Element, key: str, conductors: int) -> None:
        """Impedance for each km, or for each unit where the code has none."""
        unit = e.values.get("units", "none").lower()
        if unit not in KM_OF:
            self.bad(e, f"units={unit} is not known", f"Choose {', '.join(filter(None, KM_OF))}.")
            unit = "none"
        per = 1.0 / KM_OF[unit]
        matrices: list[Matrix] = []
        last = max((k for k, (name, _) in enumerate(e.lists) if name in ("r1", "x1")), default=-1)
        given = any(name == "rmatrix" and k > last for k, (name, _) in enumerate(e.lists))
        if given:
            for name in ("rmatrix", "xmatrix", "cmatrix"):
                text = e.values.get(name)
                matrix = triangle(text) if text else None
                if matrix is None and (text or name != "cmatrix"):
                    self.bad(e, f"{name}={text} is no lower triangle",
                             "Write [1 | .1 1 | .1 .1 1].")
                    matrix = tuple((0.1,) * conductors for _ in range(conductors))
                if matrix is None:
                    # without a cmatrix the sequence capacitances' defaults hold
                    matrix = LineCode.sequence("", 0, 0, 0, 0, 3.4, 1.6, conductors).c_nf_per_km
                matrices.append(tuple(tuple(v * per for v in row) for row in matrix))
            sizes = {len(m) for m in matrices}
            if sizes != {conductors}:
                self.bad(e, f"has matrices of {', '.join(map(str, sorted(sizes)))} rows and "
                         f"{conductors} conductors", "Make them equal.")
            self.codes[key] = LineCode(key, *matrices)
        else:
            values = [self.number(e, name, default) * per for name, default in (
                ("r1", 0.058), ("x1", 0.1206), ("r0", 0.1784), ("x0", 0.4047), ("c1", 3.4),
                ("c0", 1.6))]
            if conductors == 1:          # OpenDSS: one conductor is its own positive sequence
                values[2], values[3], values[5] = values[0], values[1], values[4]
            r1, x1, r0, x0, c1, c0 = values
            self.codes[key] = LineCode.sequence(key, r1, x1, r0, x0, c1, c0, conductors)
        self._code_unit[key] = unit

    def _line(self, e: Element) -> Line:
        key = e.values.get("linecode", "").lower()
        length, unit = self.number(e, "length", 1.0), e.values.get("units", "none").lower()
        if unit not in KM_OF:
            self.bad(e, f"units={unit} is not known", f"Choose {', '.join(filter(None, KM_OF))}.")
            unit = "none"
        if e.values.get("switch", "n").lower() in _YES:
            e.values.update(r1="1", x1="1", r0="1", x0="1", c1="1.1", c0="1")
            e.values["units"] = "none"
            length, key, unit = 0.001, "", "none"
        own = any(name in e.values for name in ("r1", "x1", "r0", "x0", "rmatrix", "xmatrix"))
        if key and key not in self.codes:
            self.wrong.append(f"E332 {e.where}: line {e.name} has the code "
                              f"{e.values['linecode']}, which there is not. Write its linecode.")
        in_code = self.codes.get(key)
        conductors = int(self.number(e, "phases", len(in_code.r_ohm_per_km) if in_code else 3))
        if own or not key:
            key = f"line.{e.name.lower()}"
            self._code(e, key, conductors)
        elif in_code and len(in_code.r_ohm_per_km) != conductors:
            self.bad(e, f"has {conductors} phases, its code {len(in_code.r_ohm_per_km)}",
                     "Make them equal.")
        code_unit = self._code_unit.get(key, "none")
        if unit != "none" and code_unit != "none":
            length_km = length * KM_OF[unit]
        else:                            # OpenDSS converts nothing then: the code's unit holds
            length_km = length * KM_OF[code_unit]
        bus1, nodes1 = self.bus(e, "bus1", conductors)
        bus2, nodes2 = self.bus(e, "bus2", conductors)
        if nodes1 != nodes2 or len(nodes1) != conductors or 0 in nodes1:
            self.bad(e, f"joins the nodes {nodes1} with {nodes2} by {conductors} conductors",
                     "Give both ends the same nodes, one a conductor.")
            nodes1 = list(range(1, min(conductors, 4) + 1))
        return Line(e.name, bus1, bus2, key, length_km * 1000.0,
                    "".join(_CONDUCTOR[n] for n in nodes1))

    def _shape(self, e: Element) -> None:
        text = e.values.get("csvfile") or e.values.get("mult") or e.values.get("pmult")
        points = int(self.number(e, "npts", 0))
        if text is None:
            self.bad(e, "has neither csvfile nor mult", "Give one.")
            return
        body = text.strip()
        if "csvfile" in e.values or body.lower().startswith("file="):
            name = body[5:] if body.lower().startswith("file=") else body
            found = self.reader.file(name.strip("\"'()[] "), e.folder, e.where)
            if found is None:
                return
            body = found.read_text(errors="replace")
            if any("," in line.strip(" ,") for line in body.splitlines()):
                self.bad(e, f"{name} has more than one column", "Leave the one with the values.")
                return
        values = np.array(self.floats(e, "mult", body.replace("\n", " "), [1.0]))
        self.shapes[e.name.lower()] = values[:points] if points else values

    def _profile(self, e: Element) -> int | None:
        for key in ("yearly", "daily", "duty"):
            name = e.values.get(key, "").lower()
            if name and name in self.shapes:
                return list(self.shapes).index(name) + 1
            if name and name != "default":
                self.bad(e, f"{key}={name}: there is no such load shape", "Write it.")
        return None

    def _load(self, e: Element, sign: float = 1.0, kw: float = 10.0, pf: float = 0.88,
              band: tuple[float, float, float] = (0.95, 1.05, 0.5)) -> LoadPoint | None:
        phases = int(self.number(e, "phases", 3))
        delta = e.values.get("conn", "wye").lower() in ("delta", "d", "ll")
        bus, nodes = self.bus(e, "bus1", phases)
        if delta and phases == 1 and len(nodes) == 1:
            nodes.append(nodes[0] % 3 + 1)
        lines, rest = nodes[:3], nodes[3:]
        if phases == 1:
            lines, rest = nodes[:1], nodes[1:]
            if rest and rest[0] in (1, 2, 3):
                lines, rest = nodes[:2], []
        if (phases not in (1, 3) or len(lines) < (3 if phases == 3 else 1) or not all(
                n in (1, 2, 3) for n in lines) or len(set(lines)) != len(lines)):
            self.bad(e, f"has {phases} phases at nodes {nodes}",
                     "Use one or three phases, nodes 1 2 3 and 4 or 0 for the neutral.")
            return None
        model = int(self.number(e, "model", 1))
        if model not in _MODELS:
            self.bad(e, f"model={model} is not modelled",
                     "Use 1 (power), 2 (impedance) or 5 (current).")
            return None
        p, factor, q = self.number(e, "kw", kw), self.number(e, "pf", pf), None
        for key, text in e.lists:         # the last of kvar, pf and kva decides
            if key == "kvar":
                q = self.floats(e, key, text, [0.0])[0]
            elif key == "pf":
                q = None
            elif key == "kva":
                p, q = self.floats(e, key, text, [0.0])[0] * abs(factor), None
        kv = self.number(e, "kv", 12.47)
        u_v = kv * 1000.0 / (math.sqrt(3.0) if phases == 3 and not delta else 1.0)
        lo, hi, low = (self.number(e, key, default) for key, default in zip(
            ("vminpu", "vmaxpu", "vlowpu"), band, strict=True))
        return LoadPoint(
            e.name, bus, "".join(_CONDUCTOR[n] for n in lines), sign * p, factor, self._profile(e),
            delta and phases == 3, _MODELS[model], u_v, lo, hi, low if low < lo else 0.0,
            kvar=None if q is None else sign * q, neutral="N" if rest[:1] == [4] else "E")

    def _generator(self, e: Element) -> LoadPoint | None:
        """Negative power; constant, as OpenDSS's models 1 and 7."""
        if e.values.get("model") == "7":
            e.values["model"] = "1"
        if int(self.number(e, "model", 1)) != 1:
            self.bad(e, f"model={e.values['model']} is not modelled", "Use 1.")
            return None
        return self._load(e, -1.0, 1000.0, 0.88, (0.9, 1.1, 0.0))

    def _earth(self, e: Element) -> list[Earth]:
        """A reactor from a neutral to earth."""
        bus, nodes = self.bus(e, "bus1", 3)
        _, to = self.bus(e, "bus2", 3) if "bus2" in e.values else ("", [0])
        ohm = self.number(e, "r", 0.0)
        if nodes != [4] or to[:1] != [0] or self.number(e, "x", 0.0) or ohm <= 0.0:
            self.bad(e, "is not an earthing resistance of node 4",
                     "Write phases=1 bus1=name.4 bus2=name.0 r=ohm x=0.")
            return []
        return [Earth(bus, ohm)]

    def _opened(self, name: str, where: str, lines: tuple[Line, ...]) -> list[Switch]:
        kind, _, one = name.partition(".")
        found = [line.name for line in lines if line.name.lower() == one.lower()]
        if kind.lower() != "line" or not found:
            self.wrong.append(f"E346 {where}: open {name}: there is no such line. Name a line.")
            return []
        return [Switch(found[0], found[0], closed=False)]
