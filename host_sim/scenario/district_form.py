"""The form of a district's scenario (kind = "district"): every key with its unit and its bounds.

district_plan.py makes a plan of it. Reclosers are r1 to r4, generators g1 to g4, where
host_sim/world/district.py has them; [district] takes that world's own data. Unknown keys are
errors.
"""
from typing import Any, Literal

from pydantic import Field

from host_sim.scenario.one_acu import OneThing
from host_sim.scenario.schema import Between, DelayMs, Expected, Form, Id, Network, Percent
from host_sim.world.bay import INPUTS
from host_sim.world.district import RECLOSERS
from host_sim.world.district_params import GENERATORS

Recloser = Literal[RECLOSERS]                     # type: ignore[valid-type]
Generator = Literal[GENERATORS]                   # type: ignore[valid-type]
# What the run can tell the time of, in the order of the paper's timeline.
Mark = Literal["fault", "A", "A_r3", "B", "C", "D", "E", "E_r2", "E_r3_open"]
_LASTS_MS = 3_600_000


class BreakerForm(Form):
    close_ms: float = Field(50.0, ge=20, le=300)
    open_ms: float = Field(50.0, ge=10, le=200)
    scatter_ms: float = Field(1.0, ge=0, le=20)
    spring_s: float = Field(5.0, ge=0, le=60)


class RecloserForm(Form):
    id: Recloser
    config: dict[str, Any] = {}
    breaker: BreakerForm = BreakerForm()


class LinkEvent(Form):
    """Conditions at a node, until for_ms is over; 0: for good. lost: nothing in, nothing out."""
    node: Literal[Recloser, Generator]
    lost: bool = False
    loss_pct: Percent = 0.0
    dup_pct: Percent = 0.0
    reorder_pct: Percent = 0.0
    delay_ms: DelayMs = 0
    jitter_ms: DelayMs = 0
    for_ms: int = Field(0, ge=0, le=_LASTS_MS)


class BreakerEvent(Form):
    recloser: Recloser
    state: Literal["weld", "stuck", "whole"]


class InputEvent(Form):
    recloser: Recloser
    name: Literal[INPUTS]     # type: ignore[valid-type]
    value: Literal[0, 1]
    for_ms: int = Field(0, ge=0, le=_LASTS_MS)


class ConsoleEvent(Form):
    recloser: Recloser
    lines: list[str] = Field(min_length=1, max_length=40)


class RebootEvent(Form):
    recloser: Recloser
    off_ms: int = Field(500, ge=5, le=600_000)


class SilentEvent(Form):
    """A generator that tells nothing and obeys nothing; 0: for good."""
    generator: Generator
    for_ms: int = Field(0, ge=0, le=_LASTS_MS)


class HandEvent(Form):
    """Somebody at the breaker itself; what the controller says is not asked."""
    recloser: Recloser
    close: bool


class EventForm(OneThing):
    at_s: float = Field(ge=0, le=10_000)
    link: LinkEvent | None = None
    breaker: BreakerEvent | None = None
    input: InputEvent | None = None
    console: ConsoleEvent | None = None
    reboot: RebootEvent | None = None
    silent: SilentEvent | None = None
    trip: Generator | None = None     # by its own protection
    hand: HandEvent | None = None


class ExpectForm(Expected):
    """What must come out. A pair is [lowest, highest] of a figure of that name; all but the words
    are the world's truth."""
    log: list[str] = []                  # texts that lines of the log have, in this order
    never: list[str] = []                # texts that no line of the log has
    says: list[str] = []                 # texts that a console has said
    order: list[Mark] = []               # marks that come, in this order
    trips: list[Generator] | None = None     # all that were tripped
    ufls: bool | None = None             # R4 has opened
    in_step: bool | None = None
    closed_end: list[Recloser] | None = None
    closings: dict[Recloser, int] | None = None     # how often each one's contacts touched
    a_s: Between | None = None
    c_s: Between | None = None
    e_s: Between | None = None
    pai_ms: Between | None = None        # fault to A
    f_max_hz: Between | None = None      # up to E
    f_min_hz: Between | None = None
    island_hz: Between | None = None     # lowest and highest, from C + 2 s to E
    f_end_hz: Between | None = None
    close_angle_deg: Between | None = None     # of R1 and R2 with both sides live, each time
    close_slip_hz: Between | None = None
    close_du_pct: Between | None = None
    tie_angle_deg: Between | None = None       # of R3 likewise
    peak_p_pu: Between | None = None     # largest |P|/S of a running machine after E
    angle_end_deg: Between | None = None       # of the running machines after E, and largest
    angle_180_s: Between | None = None   # when a machine that is joined to the grid was beyond
    records: Between | None = None       # of samples, in all stores


class DistrictForm(Form):
    kind: Literal["district"]
    title: str
    seed: int = Field(1, ge=0, le=2**31 - 1)
    run_s: float = Field(30.0, ge=0.1, le=10_000)
    lead_in_s: float = Field(4.0, ge=0.5, le=60)     # before 0 s: firmware starts, nothing happens
    start_utc: Any = "2026-03-01T06:00:00Z"          # of 0 s
    load_pct: float = Field(ge=1, le=150)      # of the greatest load
    sc: Id = "sc1"
    uc: Id = "uc1"
    board: str = "pico_w_recloser"
    noise_lsb: float = Field(0.55, ge=0, le=50)
    network: Network = Network()
    district: dict[str, Any] = {}
    config: dict[str, Any] = {}                # of all four
    recloser: list[RecloserForm]
    event: list[EventForm] = []
    expect: ExpectForm = ExpectForm()
    expect_no_scheme: ExpectForm = ExpectForm()      # instead, with that option
    expect_no_pai: ExpectForm = ExpectForm()
    expect_blind: ExpectForm = ExpectForm()
