"""The form of scenario and board files: every key with its unit in the name and its bounds.

pydantic reads the files with these; load.py joins them to a Scenario. Defaults of the street are
those of world/spec.py. Unknown keys are errors: a misspelt setting must not silently run with its
default.
"""
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from acu.primitives.kinds import PAIRS
from acu.primitives.windows import F_MIN_MHZ
from host_sim.world.spec import (
    AcuSpec,
    CustomerSpec,
    FrontEndSpec,
    RelaySpec,
    SourceSpec,
    StreetSpec,
)

ACUS_MAX = 1_100

PHASES = "ABC"
Phase = Literal["A", "B", "C"]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,16}$")]
Percent = Annotated[float, Field(ge=0, le=100)]
PerUnit = Annotated[float, Field(ge=0, le=1.5)]
DelayMs = Annotated[int, Field(ge=0, le=60_000)]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Street(Form):
    un_v: float = Field(StreetSpec.un_v, ge=100, le=400)
    temperature_dc: int = Field(StreetSpec.temperature_dc, ge=-400, le=1500)


class WithHarmonics(Form):
    harmonics_pct: list[list[float]] = []     # [order, percent]

    @model_validator(mode="after")
    def _harmonics(self):
        for pair in self.harmonics_pct:
            if len(pair) != 2 or pair[0] not in range(2, 41) or not 0 <= pair[1] <= 30:
                raise ValueError(f"harmonics_pct holds {pair}. "
                                 "Write [order 2 to 40, percent 0 to 30].")
        return self


class Source(WithHarmonics):
    u_v: float = Field(SourceSpec.u_v, ge=1, le=600)
    f_mhz: int = Field(SourceSpec.f_mhz, ge=45_000, le=65_000)
    rating_va: int = Field(SourceSpec.rating_va, ge=1_000, le=4_000_000)
    z_pct: float = Field(SourceSpec.z_pct, ge=0.1, le=20)
    x_over_r: float = Field(SourceSpec.x_over_r, ge=0, le=50)
    harmonics_pct: list[list[float]] = Field([list(h) for h in SourceSpec.harmonics_pct],
                                             max_length=20)


class Feeder(Form):
    """A street with lines. Relative paths are relative to the scenario file."""

    network: str                              # "synthetic", a folder of CSV files, or a .dss file
    customers: int = Field(55, ge=3, le=1_000)   # of the synthetic feeder
    seed: int = Field(1, ge=0, le=2**31 - 1)     # of the synthetic feeder and its profiles
    neutral: bool = False                     # synthetic: lines with a neutral conductor
    operators: str | None = None              # board: a customer and an Operator for each load
    branches: int | list[str] | None = None   # Sub-Coordinators: how many, or at which lines
    branch_board: str = "pico_w_branch"
    profiles: str | None = None               # "synthetic", "network" (its own), or a file
    first_minute: int = Field(0, ge=0, le=1_439)   # of the profiles, at the run's start
    load: Literal["z", "i", "p"] = "p"        # of generated customers
    inrush_x: float = Field(CustomerSpec.inrush_x, ge=0, le=20)
    inrush_ms: int = Field(CustomerSpec.inrush_ms, ge=0, le=10_000)
    i3_pct: float = Field(CustomerSpec.i3_pct, ge=0, le=100)


class Zoom(Form):
    """Level 'phasor': how fine, how long before and after an event; acus: fine all the time."""

    level: Literal["wave", "quantity"] = "quantity"
    before_s: float = Field(2.0, ge=0, le=3_600)
    after_s: float = Field(5.0, ge=0, le=3_600)
    acus: list[str] = []


class Customer(Form):
    id: Id
    phase: Phase | None = None                # or phases
    s_va: float = Field(ge=0, le=100_000)
    pf: float = Field(CustomerSpec.pf, ge=0.5, le=1)
    inrush_x: float = Field(CustomerSpec.inrush_x, ge=0, le=20)
    inrush_ms: int = Field(CustomerSpec.inrush_ms, ge=0, le=10_000)
    i3_pct: float = Field(CustomerSpec.i3_pct, ge=0, le=100)
    load: Literal["z", "i", "p", "g"] = "z"   # constant impedance, current, power; g: fed in
    bus: str = ""
    phases: Literal["", "AB", "BC", "CA", "ABC"] = ""
    profile: int = Field(0, ge=0, le=10_000)


class FrontEnd(Form):
    noise_lsb: float = Field(FrontEndSpec.noise_lsb, ge=0, le=50)
    offset_lsb: float = Field(FrontEndSpec.offset_lsb, ge=0, le=200)
    gain_err_pct: float = Field(FrontEndSpec.gain_err_pct, ge=0, le=20)
    i_lead_urad: list[list[float]] = Field([], max_length=8)
    temperature_dc: int = Field(FrontEndSpec.temperature_dc, ge=-400, le=1500)
    gain_ppm_k: float = Field(FrontEndSpec.gain_ppm_k, ge=-1_000, le=1_000)
    offset_lsb_k: float = Field(FrontEndSpec.offset_lsb_k, ge=-10, le=10)
    inl: str = FrontEndSpec.inl
    jitter_ns: float = Field(FrontEndSpec.jitter_ns, ge=0, le=20_000)
    i_sat_pct: float = Field(FrontEndSpec.i_sat_pct, ge=0, le=100)

    @model_validator(mode="after")
    def _leads(self):
        last = -1.0
        for point in self.i_lead_urad:
            if len(point) != 2 or not last < point[0] <= 200 or abs(point[1]) > 90_000:
                raise ValueError(f"i_lead_urad holds {point}. Write [percent of full scale up to "
                                 "200, microradian -90000 to 90000], percents ascending.")
            last = point[0]
        return self


class Relay(Form):
    open_ms: float = Field(RelaySpec.open_ms, ge=0.5, le=200)
    close_ms: float = Field(RelaySpec.close_ms, ge=0.5, le=200)
    scatter_ms: float = Field(RelaySpec.scatter_ms, ge=0, le=20)
    bounce_ms: float = Field(RelaySpec.bounce_ms, ge=0, le=20)


class AcuForm(Form):
    id: Id
    role: Literal["operator", "subcoordinator", "coordinator", "meter"]
    board: str
    customer: Id | None = None
    uc: Id = "uc0"
    line: str = ""                            # of a branch on a feeder
    ct_x: int = Field(1, ge=1, le=100)        # ratio of current transformers before the board's
    prio: int = Field(0, ge=0, le=99)
    holdup_ms: int = Field(AcuSpec.holdup_ms, ge=0, le=3_600_000)
    front_end: dict[str, Any] = {}
    relay: dict[str, Any] = {}
    config: dict[str, Any] = {}


class Network(Form):
    delay_ms: DelayMs = 20
    jitter_ms: DelayMs = 10
    loss_pct: Percent = 0.0
    dup_pct: Percent = 0.0
    reorder_pct: Percent = 0.0


class SetEvent(Form):
    name: str
    value: Any
    acu: str | None = None
    phase: Phase | None = None
    channel: int | None = Field(None, ge=0, le=15)
    line: str | None = None
    bus: str | None = None
    to: Literal["A", "B", "C", "N", "E"] | None = None
    ohm: float | None = Field(None, ge=0.001, le=10_000)
    for_ms: int = Field(0, ge=0, le=86_400_000)


class RebootEvent(Form):
    acu: str
    off_ms: int = Field(500, ge=0, le=3_600_000)


class HangEvent(Form):
    acu: str
    for_ms: int = Field(ge=10, le=3_600_000)


class LinkEvent(Form):
    acu: str
    delay_ms: DelayMs | None = None
    jitter_ms: DelayMs | None = None
    loss_pct: Percent | None = None
    dup_pct: Percent | None = None
    reorder_pct: Percent | None = None
    partition: bool | None = None
    for_ms: int = Field(0, ge=0, le=86_400_000)


class SccEvent(Form):
    type: Literal["cfg", "sc.cmd"]
    body: dict[str, Any]


class ClockEvent(Form):
    acu: str
    step_ms: int = Field(ge=-86_400_000, le=86_400_000)


class LoadEvent(Form):
    acu: str
    value: float = Field(ge=-1_000, le=1_000)    # negative: it feeds in


EVENT_KINDS = ("supply", "phase_lost", "phase_back", "supply_pu", "f_mhz", "set", "reboot", "link",
               "scc", "clock", "hang", "load_pct")


class EventForm(Form):
    at_s: float = Field(ge=0, le=1_000_000)
    supply: Literal["lost", "back"] | None = None
    phase_lost: Phase | None = None
    phase_back: Phase | None = None
    supply_pu: list[PerUnit] | None = Field(None, min_length=3, max_length=3)
    f_mhz: int | None = Field(None, ge=45_000, le=65_000)
    set: SetEvent | None = None
    reboot: RebootEvent | None = None
    link: LinkEvent | None = None
    scc: SccEvent | None = None
    clock: ClockEvent | None = None
    hang: HangEvent | None = None
    load_pct: LoadEvent | None = None

    def kinds(self) -> list[str]:
        return [k for k in EVENT_KINDS if getattr(self, k) is not None]

    @model_validator(mode="after")
    def _one_thing(self):
        if len(self.kinds()) != 1:
            raise ValueError(f"an event does exactly one thing, this one {len(self.kinds())} "
                             f"({', '.join(self.kinds()) or 'nothing'}). Give one of: "
                             f"{', '.join(EVENT_KINDS)}.")
        return self


Never = Literal["two_phases_joined", "reconnected_during_outage", "left_off_silently"]
Between = Annotated[list[float], Field(min_length=2, max_length=2)]


class Expected(Form):
    """What must come out of a run; a pair is [lowest, highest] of a figure of that name."""

    def bounds(self) -> dict[str, tuple[float, float]]:
        """Figure name -> (lowest, highest), of those given."""
        pairs = {name: getattr(self, name) for name, field in type(self).model_fields.items()
                 if field.annotation == Between | None}
        return {name: (pair[0], pair[1]) for name, pair in pairs.items() if pair is not None}

    @model_validator(mode="after")
    def _in_order(self):
        for name, (low, high) in self.bounds().items():
            if low > high:
                raise ValueError(f"{name} = [{low:g}, {high:g}] can never hold. "
                                 "Write [lowest, highest].")
        return self


class ExpectForm(Expected):
    """What must come out. A pair is [lowest, highest]; the figures are those of figures.py."""

    panel: list[str] = []                     # an ordered subsequence of what the panel showed
    panel_end: str | None = None
    never: list[Never] = []
    events: list[str] = []                    # "acu NAME": a line that the log must have
    reconnect_order: list[Id] | None = None
    moves: list[list[str]] | None = None      # of [operator, from phase, to phase]
    outage_latency_ms: Between | None = None
    all_open_ms: Between | None = None
    reconnect_first_ms: Between | None = None
    reconnect_gap_ms: Between | None = None
    ui_before_pct: Between | None = None
    ui_after_pct: Between | None = None
    contact_overlap_ms: Between | None = None
    break_ms: Between | None = None
    n_ok: Between | None = None
    n_outage: Between | None = None
    n_restore: Between | None = None
    n_ub_res: Between | None = None
    balance_moves: Between | None = None
    branch_open_ms: Between | None = None     # order of the centre to the open breaker
    branch_back_ms: Between | None = None     # order of the centre to the closed breaker
    branch_gap_ms: Between | None = None      # between its customers that connect again
    dv_report_max_v: Between | None = None
    u_in_band_pct: Between | None = None      # EN 50160: of the 10-minute means, +-10 %
    u_in_band_reported_pct: Between | None = None


class ScenarioForm(Form):
    title: str
    seed: int = Field(1, ge=0, le=2**31 - 1)
    run_s: float = Field(ge=0.1, le=100_000)
    start_utc: Any = "2026-03-01T06:00:00Z"   # a TOML time or a text; load.py reads both
    level: Literal["wave", "quantity", "phasor"] = "quantity"
    zoom: Zoom | None = None
    sc: Id = "sc1"
    street: Street = Street()
    source: Source = Source()
    front_end: FrontEnd = FrontEnd()
    relay: Relay = Relay()
    network: Network = Network()
    config: dict[str, Any] = {}
    feeder: Feeder | None = None
    customer: list[Customer] = Field([], max_length=ACUS_MAX)
    acu: list[AcuForm] = Field(min_length=1, max_length=ACUS_MAX)
    event: list[EventForm] = []
    expect: ExpectForm = ExpectForm()


# The firmware's measuring takes at most 127 frames a half cycle, at the lowest frequency too.
_RATE_MAX_HZ = (127 * F_MIN_MHZ - 1) // 500
# Board kind -> roles that it may run, names of its channels in order, phases of its outputs. The
# order of the channels and of the inputs is the firmware's; see docs/architecture.md.
_LINES = ("ua", "ub", "uc", "ia", "ib", "ic")
_KINDS: dict[str, tuple] = {
    "post": ({"coordinator", "subcoordinator", "meter"}, _LINES, []),
    "customer": ({"operator"}, ("ua", "ub", "uc", "ul", "i"), list(PHASES)),
    "branch": ({"subcoordinator"}, _LINES, [PHASES]),
    "two": ({"meter"}, ("u1", "u2", "i1", "i2"), []),
    "single": ({"meter"}, ("u", "i"), []),
    "recloser": ({"recloser"}, ("u1ab", "u1bc", "u2ab", "u2bc", "u0", "ia", "ib", "ic"),
                 [PHASES]),
    "microgrid": ({"microgrid"}, ("u", "i_pv", "i_load", "i_diesel"), ["-"] * 4),
}
_INPUTS = {"recloser": 7, "microgrid": 4}       # others: 3
# Two wattmeters on each side (Ub is the common wire), and the neutral's voltage.
_PAIRS = {**PAIRS, "recloser": ((0, 5), (1, 7), (4, 6), (2, 5), (3, 7))}


class Channel(Form):
    name: str
    meaning: str


class Output(Form):
    name: str
    phase: Literal["A", "B", "C", "ABC", "-"]     # "-": of no phase, a contact of its own
    at_reset: Literal["released"]     # no coil is energised before the self-test


class Input(Form):
    name: str
    meaning: str


class Unused(Form):
    """An output that the board has and no role drives: it is held released."""

    name: str
    meaning: str
    at_reset: Literal["released"]


class Limits(Form):
    """Outside of these the board's hardware must not be used; config cannot raise them."""

    u_max_dv: int = Field(ge=500, le=10_000)
    i_max_ma: int = Field(ge=1_000, le=5_000_000)


class BoardForm(Form):
    """board.json. A full-scale value is what 2048 codes above mid-scale stand for."""

    board: str
    title: str
    mcu: Literal["rp2040", "esp32"]
    kind: Literal["post", "customer", "branch", "two", "single", "recloser", "microgrid"]
    roles: list[Literal["operator", "subcoordinator", "coordinator", "meter", "recloser",
                        "microgrid"]] = Field(min_length=1)
    rate_hz: int = Field(ge=1_000, le=_RATE_MAX_HZ)
    slot_ns: int = Field(ge=0, le=100_000)
    ring_ms: int = Field(ge=500, le=4_000)    # a flash erase may hold up the fast tier for 400 ms
    u_peak_dv: int = Field(ge=500, le=20_000)
    i_peak_ma: int = Field(ge=1_000, le=5_000_000)
    channels: list[Channel] = Field(min_length=1, max_length=16)
    pairs: list[list[int]] = Field(min_length=1, max_length=8)   # (voltage, current) channels
    outputs: list[Output]
    inputs: list[Input]
    unused: list[Unused] = []
    limits: Limits

    @model_validator(mode="after")
    def _whole(self):
        for names in ([channel.name for channel in self.channels],
                      [output.name for output in self.outputs] + [one.name for one in self.unused],
                      [one.name for one in self.inputs]):
            twice = [name for name in names if names.count(name) > 1]
            if twice:
                raise ValueError(f"the name {twice[0]} is given twice. Give each its own.")
        roles, channels, phases = _KINDS[self.kind]
        pairs = [list(pair) for pair in _PAIRS[self.kind]]
        for key, given, wanted in (
                ("channels", [channel.name for channel in self.channels], list(channels)),
                ("pairs", self.pairs, pairs),
                ("outputs of phases", [output.phase for output in self.outputs], phases)):
            if given != wanted:
                raise ValueError(f"{key} = {given} do not fit the firmware of a {self.kind} board."
                                 f" Write {wanted}, in this order.")
        inputs = _INPUTS.get(self.kind, 3)
        if len(self.inputs) != inputs:
            raise ValueError(f"inputs has {len(self.inputs)} entries. Give {inputs}.")
        if not roles.issuperset(self.roles):
            raise ValueError(f"roles = {self.roles} do not run on a {self.kind} board. "
                             f"It is for: {', '.join(sorted(roles))}.")
        return self
