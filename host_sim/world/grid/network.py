"""A low-voltage feeder as plain values: what the readers make and the engine takes.
Units are in the names. Conductors of a bus are 'A', 'B', 'C' and, where its lines have one, 'N'.
A line without a neutral has an ideal return: its impedances contain the return path, its loads are
connected from phase to earth. Nothing here computes; `check` says what is wrong with a network,
all at once.
"""
from collections.abc import Mapping
from dataclasses import dataclass, field

PHASES = "ABC"
CONDUCTORS = "ABCN"
Matrix = tuple[tuple[float, ...], ...]


class GridError(Exception):
    """What is wrong with a network, its files or a state of it; one complaint a line."""

    def __init__(self, complaints: list[str] | str):
        self.complaints = [complaints] if isinstance(complaints, str) else list(complaints)
        self.text = "\n".join(self.complaints)
        self.code = self.text.split(" ", 1)[0]
        super().__init__(self.text)

    def __reduce__(self):
        return GridError, (self.complaints,)


@dataclass(frozen=True)
class LineCode:
    """Series impedance (and shunt capacitance, may be ()) for each km, one row a conductor."""

    name: str
    r_ohm_per_km: Matrix
    x_ohm_per_km: Matrix          # at the network's frequency
    c_nf_per_km: Matrix = ()

    @classmethod
    def sequence(cls, name: str, r1: float, x1: float, r0: float, x0: float,
                 c1: float = 0.0, c0: float = 0.0, conductors: int = 3) -> "LineCode":
        """From positive and zero sequence, ohm/km and nF/km: balanced conductors."""
        def matrix(one: float, zero: float) -> Matrix:
            own, mutual = (2.0 * one + zero) / 3.0, (zero - one) / 3.0
            return tuple(tuple(own if j == k else mutual for k in range(conductors))
                         for j in range(conductors))
        return cls(name, matrix(r1, r0), matrix(x1, x0), matrix(c1, c0) if c1 or c0 else ())


@dataclass(frozen=True)
class Line:
    name: str
    bus1: str
    bus2: str
    code: str
    length_m: float
    phases: str = "ABC"           # conductors in the order of the code's rows: 'ABCN', 'AN', 'B'


@dataclass(frozen=True)
class Transformer:
    """Dyn (HV delta, LV star, earthed or with a neutral), or 'wye' on both sides."""

    name: str
    hv_bus: str
    lv_bus: str
    hv_kv: float
    lv_kv: float
    kva: float
    xhl_percent: float
    r_percent_total: float
    hv_conn: str = "delta"
    lv_conn: str = "wye"


@dataclass(frozen=True)
class Source:
    """A Thevenin source, phase to phase kv. Without a transformer its bus is the LV bus.
    Impedances come from the short-circuit currents, or, where r1_ohm is given, from the four ohm
    values."""

    bus: str
    kv: float
    pu: float = 1.0
    isc3_a: float = 10_000.0
    isc1_a: float = 10_500.0
    x_over_r: float = 4.0
    freq_hz: float = 50.0
    r1_ohm: float | None = None
    x1_ohm: float = 0.0
    r0_ohm: float = 0.0
    x0_ohm: float = 0.0
    angle_deg: float = 0.0

    @classmethod
    def pu_of(cls, bus: str, un_v: float, kva: float, z_pct: float, x_over_r: float,
              pu: float = 1.0, z0_x: float = 1.0, freq_hz: float = 50.0) -> "Source":
        """A plain LV source: un_v phase to neutral, impedance in % of the rating kva; z0_x: zero
        over positive sequence impedance."""
        z = z_pct / 100.0 * 3.0 * un_v ** 2 / (kva * 1000.0)
        r = z / (1.0 + x_over_r ** 2) ** 0.5
        return cls(bus, un_v * 3.0 ** 0.5 / 1000.0, pu, x_over_r=x_over_r, freq_hz=freq_hz,
                   r1_ohm=r, x1_ohm=r * x_over_r, r0_ohm=r * z0_x, x0_ohm=r * x_over_r * z0_x)


@dataclass(frozen=True)
class LoadPoint:
    """A customer. kw at the nominal voltage, all phases together; negative: a generator.
 Outside vmin_pu..vmax_pu of its nominal voltage it is a constant impedance (as in OpenDSS, whose
own default 0.95..1.05 gives other voltages above 1.05). Below vmin_pu, OpenDSS lets the admittance
fall from its value at vmin_pu to the nominal one at vlow_pu; 0: it stays what it is at vmin_pu."""

    id: str
    bus: str
    phases: str                   # 'A', 'AB' (phase to phase), 'ABC'
    kw: float
    pf: float = 0.95              # lagging if positive
    profile: int | None = None    # 1-based column of the profiles
    delta: bool = False           # of a three-phase load: between the phases
    model: str = "p"              # constant 'p' power, 'i' current, 'z' impedance
    u_v: float | None = None      # nominal voltage across the load; None: the network's
    vmin_pu: float = 0.5
    vmax_pu: float = 1.5
    vlow_pu: float = 0.0
    switch: str = ""              # id of its phase switch, if it has one
    kvar: float | None = None     # instead of pf
    neutral: str = "N"            # where its star point goes; 'E': to earth past the neutral


@dataclass(frozen=True)
class Switch:
    """A named three-pole switch in a line; closed=False: a tie that is normally open."""

    name: str
    line: str
    closed: bool = True


@dataclass(frozen=True)
class Earth:
    """An earthing resistance of a bus's neutral."""

    bus: str
    ohm: float
    conductor: str = "N"


@dataclass(frozen=True)
class Network:
    source: Source
    transformer: Transformer | None
    codes: Mapping[str, LineCode]
    lines: tuple[Line, ...]
    loads: tuple[LoadPoint, ...]
    coords: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    earths: tuple[Earth, ...] = ()
    un_v: float = 230.0           # nominal voltage, phase to neutral
    switches: tuple[Switch, ...] = ()
    name: str = "feeder"          # for complaints: the file it came from
    notes: tuple[str, ...] = ()   # what a reader left out

    @property
    def lv_bus(self) -> str:
        """Where the feeder begins: the transformer's LV terminals, or the source's own bus."""
        return self.transformer.lv_bus if self.transformer else self.source.bus


def buses_of(network: Network) -> dict[str, str]:
    """Every bus with its conductors in the order A B C N, of all lines, open or closed."""
    found: dict[str, set[str]] = {network.lv_bus: set(PHASES)}
    for line in network.lines:
        for bus in (line.bus1, line.bus2):
            found.setdefault(bus, set()).update(line.phases)
    return {bus: "".join(c for c in CONDUCTORS if c in have) for bus, have in found.items()}


def ports_of(load: LoadPoint) -> tuple[tuple[str, str, str], ...]:
    """The ports (bus, plus, minus) over which a load divides its power evenly."""
    phases = load.phases
    if len(phases) == 1:
        return ((load.bus, phases, load.neutral),)
    if len(phases) == 2:
        return ((load.bus, phases[0], phases[1]),)
    if load.delta:
        return tuple((load.bus, phases[k], phases[(k + 1) % 3]) for k in range(3))
    return tuple((load.bus, phase, load.neutral) for phase in phases)


def check(network: Network, radial: bool = False) -> list[str]:
    """Everything that is wrong with the network; radial: loops too. [] if nothing."""
    from host_sim.world.grid.checks import complaints
    return complaints(network, radial)
