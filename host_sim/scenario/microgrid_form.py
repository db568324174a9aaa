"""The form of a microgrid's scenario (kind = "microgrid"): every key with its unit and its bounds.

microgrid_plan.py makes a plan of it. The plant is that of the controller's settings ([config]
mg_...). PV and load are values at equal distances, straight lines between them, held for hold_s.
Unknown keys are errors.
"""
from typing import Any, Literal

from pydantic import Field, model_validator

from host_sim.scenario.one_acu import OneThing
from host_sim.scenario.schema import Between, Expected, Form, FrontEnd, Id, Network

Store = Literal["battery", "hydrogen"]
Device = Literal["battery", "hydrogen", "diesel", "pv", "load"]
Channel = Literal["u", "i_pv", "i_load", "i_diesel"]
_LASTS_S = 86_400


class ProfileForm(Form):
    """The last value is followed by the first one again."""
    every_s: int = Field(3_600, ge=60, le=86_400)
    hold_s: int = Field(300, ge=1, le=3_600)
    pv_w: list[float] = Field(min_length=1, max_length=1_440)
    load_w: list[float] = Field(min_length=1, max_length=1_440)

    @model_validator(mode="after")
    def _alike(self):
        if len(self.pv_w) != len(self.load_w):
            raise ValueError(f"pv_w has {len(self.pv_w)} values, load_w {len(self.load_w)}. Give "
                             "both the same number.")
        for name in ("pv_w", "load_w"):
            bad = [x for x in getattr(self, name) if not 0 <= x <= 100_000]
            if bad:
                raise ValueError(f"{name} holds {bad[0]:g}. Give 0 to 100000 W.")
        return self


class DevicesForm(Form):
    """Devices on the bus. battery_pct, hydrogen_pct: charge at the start."""
    battery_pct: float = Field(50.0, ge=0, le=100)
    hydrogen_pct: float = Field(50.0, ge=0, le=100)
    state_s: int = Field(20, ge=1, le=3_600)         # how often each tells its state
    diesel_start_s: int = Field(5, ge=0, le=600)
    load_pf: float = Field(0.95, ge=0.5, le=1)


class FreezeEvent(Form):
    channel: Channel
    for_s: int = Field(ge=1, le=_LASTS_S)


class SilentEvent(Form):
    device: Device
    for_s: int = Field(ge=1, le=_LASTS_S)


class ToldEvent(Form):
    """A gauge that shows something else than the truth."""
    store: Store
    pct: float = Field(ge=-100, le=1_000)
    for_s: int = Field(ge=1, le=_LASTS_S)




class EventForm(OneThing):
    """no_start (diesel set), gas (alarm), stop (chain open), link_lost: seconds that it lasts."""
    at_s: float = Field(ge=0, le=1_000_000)
    freeze: FreezeEvent | None = None
    silent: SilentEvent | None = None
    told: ToldEvent | None = None
    no_start: int | None = Field(None, ge=1, le=_LASTS_S)
    gas: int | None = Field(None, ge=1, le=_LASTS_S)
    stop: int | None = Field(None, ge=1, le=_LASTS_S)
    link_lost: int | None = Field(None, ge=1, le=_LASTS_S)
    reboot: int | None = Field(None, ge=5, le=600_000)      # ms without supply
    console: list[str] | None = Field(None, min_length=1, max_length=40)    # lines typed


class ExpectForm(Expected):
    """What must come out. A pair is [lowest, highest]; energies are the plant's truth in kWh,
    errors are of what the controller has counted against it."""
    log: list[str] = []              # texts that lines of the log have, in this order
    never: list[str] = []            # texts that no line of the log has
    says: list[str] = []             # texts that the console has said
    pv_kwh: Between | None = None
    load_kwh: Between | None = None
    diesel_kwh: Between | None = None
    pns_kwh: Between | None = None
    given_up_kwh: Between | None = None
    battery_in_kwh: Between | None = None
    battery_out_kwh: Between | None = None
    hydrogen_in_kwh: Between | None = None
    hydrogen_out_kwh: Between | None = None
    battery_end_pct: Between | None = None
    hydrogen_end_pct: Between | None = None
    eur: Between | None = None
    pv_error_pct: Between | None = None
    load_error_pct: Between | None = None
    diesel_error_pct: Between | None = None
    eur_error_pct: Between | None = None
    balance_kwh: Between | None = None     # what came in less what went out and was lost


class MicrogridForm(Form):
    kind: Literal["microgrid"]
    title: str
    seed: int = Field(1, ge=0, le=2**31 - 1)
    run_s: float = Field(ge=1, le=1_000_000)
    start_utc: Any = "2026-06-21T00:00:00Z"
    sc: Id = "sc1"
    uc: Id = "uc1"
    id: Id = "mg"
    board: str = "pico_w_microgrid"
    look_ms: int = Field(400, ge=200, le=3_600_000)    # of ADC codes before each step of dispatch
    config: dict[str, Any] = {}
    front_end: FrontEnd = FrontEnd()
    network: Network = Network(jitter_ms=0)
    devices: DevicesForm = DevicesForm()
    profile: ProfileForm
    event: list[EventForm] = []
    expect: ExpectForm = ExpectForm()
