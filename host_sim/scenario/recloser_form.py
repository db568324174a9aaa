"""The form of a recloser's scenario (kind = "recloser"): every key with its unit and its bounds.

recloser_plan.py makes a plan of it. Side 1 is the grid's, side 2 the island's; voltages in per
unit of nominal, angles in electrical degrees, currents in A behind the transformers. Unknown keys
are errors.
"""
from typing import Any, Literal

from pydantic import Field, model_validator

from host_sim.scenario.one_acu import OneThing
from host_sim.scenario.schema import Between, Expected, Form, Id, Phase, WithHarmonics
from host_sim.world.bay import INPUTS

Channel = Literal["u1ab", "u1bc", "u2ab", "u2bc", "u0", "ia", "ib", "ic"]
_LASTS_MS = 3_600_000


class SideForm(WithHarmonics):
    """A source at the start; events change it. wiring_deg, swapped: behind its VT."""
    f_hz: float = Field(50.0, ge=45.0, le=55.0)
    angle_deg: float = Field(0.0, ge=-360, le=360)
    u_pu: float = Field(1.0, ge=0, le=1.4)
    swing_hz: float = Field(0.0, ge=0, le=1.0)        # its frequency swings by that
    swing_rate_hz: float = Field(1.0, ge=0.05, le=5.0)
    u2_pu: float = Field(0.0, ge=0, le=0.5)
    harmonics_pct: list[list[float]] = Field([], max_length=10)      # [order, percent]
    wiring_deg: float = Field(0.0, ge=-180, le=180)
    swapped: bool = False


class BreakerForm(Form):
    closed: bool = False
    close_ms: float = Field(50.0, ge=20, le=300)
    open_ms: float = Field(35.0, ge=10, le=200)
    scatter_ms: float = Field(0.0, ge=0, le=20)
    spring_s: float = Field(5.0, ge=0, le=60)


class LoadForm(Form):
    """Of the closed recloser."""
    i_a: float = Field(0.5, ge=0, le=10)
    deg: float = Field(-18.0, ge=-180, le=180)


class LineForm(Form):
    """What the recloser feeds where side 2 has no source. A crew mends the line when the breaker
    has been open for crew_s, and has it closed; such an outage counts crew_min."""
    customers: int = Field(ge=1, le=1_000_000)
    crew_s: float = Field(ge=1, le=10_000)
    crew_min: float = Field(60.0, ge=0, le=10_000)


class SideEvent(Form):
    """What becomes of a source; over_s: how long a frequency or voltage takes to get there."""
    side: Literal[1, 2]
    f_hz: float | None = Field(None, ge=45.0, le=55.0)
    u_pu: float | None = Field(None, ge=0, le=1.4)
    over_s: float = Field(0.0, ge=0, le=600)
    jump_deg: float | None = Field(None, ge=-180, le=180)

    @model_validator(mode="after")
    def _something(self):
        if self.f_hz is None and self.u_pu is None and self.jump_deg is None:
            raise ValueError("nothing happens to this side. Give f_hz, u_pu or jump_deg.")
        return self


class FuseEvent(Form):
    side: Literal[1, 2]
    phase: Phase
    left: float = Field(0.0, ge=0, le=1)


class FaultEvent(Form):
    """Behind the recloser. for_ms 0: for good. burns_out_s: so long without voltage ends it."""
    phases: Literal["A", "B", "C", "AB", "BC", "CA", "ABC"]
    i_a: float = Field(ge=0, le=20)
    deg: float = Field(-70.0, ge=-180, le=180)
    u_pu: float = Field(0.4, ge=0, le=1)
    u0_pu: float = Field(0.0, ge=0, le=1.4)
    for_ms: int = Field(0, ge=0, le=_LASTS_MS)
    burns_out_s: float = Field(0.0, ge=0, le=600)


class InputEvent(Form):
    name: Literal[INPUTS]     # type: ignore[valid-type]
    value: Literal[0, 1]
    for_ms: int = Field(0, ge=0, le=_LASTS_MS)


class FreezeEvent(Form):
    channel: Channel
    for_ms: int = Field(ge=5, le=_LASTS_MS)




class EventForm(OneThing):
    at_s: float = Field(ge=0, le=10_000)
    side: SideEvent | None = None
    fuse: FuseEvent | None = None
    fault: FaultEvent | None = None
    input: InputEvent | None = None
    freeze: FreezeEvent | None = None
    breaker: Literal["weld", "stuck", "whole"] | None = None
    # of the centre: close is a select, and the order when the select is granted
    message: Literal["close", "open", "tag", "untag"] | None = None
    console: list[str] | None = Field(None, min_length=1, max_length=40)    # lines typed
    reboot: int | None = Field(None, ge=5, le=600_000)      # ms without supply


class ExpectForm(Expected):
    """What must come out. A pair is [lowest, highest]; touches are the world's truth."""
    log: list[str] = []              # texts that lines of the log have, in this order
    never: list[str] = []            # texts that no line of the log has
    says: list[str] = []             # texts that the console has said
    closings: Between | None = None  # how often the contacts touched
    touch_deg: Between | None = None     # each time with both sides live
    touch_mhz: Between | None = None
    touch_du_pct: Between | None = None
    wait_s: Between | None = None    # message or last key to touch, each time
    trip_ms: Between | None = None   # fault to parting contacts, each time
    closed_end: bool | None = None
    records: Between | None = None   # of samples in the store
    # of a line, per customer: long interruptions, momentary ones, minutes; and without reclosing
    interruptions: Between | None = None
    momentary: Between | None = None
    minutes: Between | None = None
    minutes_without: Between | None = None


class RecloserForm(Form):
    kind: Literal["recloser"]
    title: str
    seed: int = Field(1, ge=0, le=2**31 - 1)
    run_s: float = Field(ge=0.1, le=10_000)
    start_utc: Any = "2026-03-01T06:00:00Z"
    sc: Id = "sc1"
    uc: Id = "uc1"
    id: Id = "r1"
    board: str = "pico_w_recloser"
    noise_lsb: float = Field(0.55, ge=0, le=50)
    config: dict[str, Any] = {}
    one: SideForm = SideForm()
    two: SideForm = SideForm()
    breaker: BreakerForm = BreakerForm()
    load: LoadForm = LoadForm()
    line: LineForm | None = None
    event: list[EventForm] = []
    expect: ExpectForm = ExpectForm()
