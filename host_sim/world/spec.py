"""What a street consists of, as plain values. Built by scenario/load.py, read by the world.

Units are in the names. Phases are 0, 1, 2 for A, B, C. Nothing here computes.
"""
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class SourceSpec:
    """Supply and transformer: one Thevenin source a phase (spec smartlvgrid, section 7)."""

    u_v: float = 233.0            # open-circuit voltage, phase to neutral
    f_mhz: int = 50_000           # 45_000..65_000
    rating_va: int = 15_000       # of the transformer, three phases
    z_pct: float = 4.0            # short-circuit voltage
    x_over_r: float = 2.0
    harmonics_pct: tuple = ((3, 1.0), (5, 3.0), (7, 1.5))   # (order, % of the fundamental voltage)


@dataclass(frozen=True)
class CustomerSpec:
    """One customer: constant impedance, current or power, or a current source during its inrush.
    A single-phase one hangs behind a phase switch; one with `phases` is wired for good."""

    id: str
    phase: int                    # 0, 1, 2; of a wired one the first
    s_va: float                   # apparent power at the nominal voltage; negative: it feeds in
    pf: float = 0.95              # lagging if positive; 0.5..1
    inrush_x: float = 6.0         # total during inrush, in rated currents; 0 = none
    inrush_ms: int = 200
    i3_pct: float = 5.0           # third harmonic of the load current, % of its fundamental
    load: str = "z"               # 'z', 'i' or 'p': what stays constant; i and p on a feeder only
    bus: str = ""                 # on a feeder
    phases: str = ""              # 'AB' (phase to phase), 'ABC': wired for good, on a feeder only
    profile: int = 0              # column of StreetSpec.profiles_kw, from 1; 0: none


@dataclass(frozen=True)
class RelaySpec:
    """A latching contact: keeps its position without drive (spec smartlvgrid, section 7)."""

    open_ms: float = 8.0
    close_ms: float = 10.0
    scatter_ms: float = 0.5       # +- uniform, drawn for each operation
    bounce_ms: float = 1.5        # contact chatter after each closing; 0 = none


@dataclass(frozen=True)
class FrontEndSpec:
    """Error model of one ACU's ADC front end, the same at waveform and at quantity level, but for
    what level wave alone can show."""

    noise_lsb: float = 0.5        # rms
    offset_lsb: float = 3.0       # +- uniform, drawn once a channel
    gain_err_pct: float = 0.0     # +- uniform, drawn once a channel ("ideal transducers": 0)
    slot_ns: int = 2_000          # between channels of a frame; channel k is k slots late
    # how far the current transformers' output leads: (% of full scale, microradian), ascending
    i_lead_urad: tuple = ()
    temperature_dc: int = 250     # of transducers and converter; they drift from 25 degC on
    gain_ppm_k: float = 0.0
    offset_lsb_k: float = 0.0
    # level wave:
    inl: str = ""                 # "": an even converter; "rp2040"; a file with a measured curve
    jitter_ns: float = 0.0        # of the sampling instant, rms
    i_sat_pct: float = 0.0        # of full scale, where current transformers saturate; 0: never


@dataclass(frozen=True)
class AcuSpec:
    """One controller. kind 'post': channels UA UB UC IA IB IC at the transformer; kind 'customer':
    UA UB UC U_load I at the customer's panel, outputs and inputs 0..2 = relays and mirror contacts
    A B C. Post inputs: 0 ground conductor present, 1 cut-out active, 2 temperature in 0.1 degC.
    Kind 'branch': channels as a post's, at the beginning of a branch, voltages on the source's
    side of its three-pole breaker; output 0 the breaker, inputs: 0 its mirror contact, 1 spare,
    2 temperature. Kinds 'single' and 'two': a meter at one customer, behind his phase switch if he
    has one: U I, or U1 U2 I1 I2 of the two phases that he is wired to. inputs: names of those that
    are no mirror contacts; none: a post's.
    u_peak_v / i_peak_a: what gives code 2048 + 2048."""

    id: str
    kind: str
    customer: str = ""            # id of the customer behind it
    line: str = ""                # of a branch on a feeder: the line that its breaker opens
    inputs: tuple = ()
    behind: tuple = ()            # of a branch without a feeder: ids of the customers behind it
    rate_hz: int = 4_000
    u_peak_v: float = 450.0
    i_peak_a: float = 100.0
    holdup_ms: int = 15_000       # how long it runs on without supply
    front_end: FrontEndSpec = field(default_factory=FrontEndSpec)
    relay: RelaySpec = field(default_factory=RelaySpec)


@dataclass(frozen=True)
class ZoomSpec:
    """At level 'phasor': the finer level, seconds of it before and after an event, and controllers
    that are fine all the time."""

    level: str = "quantity"       # or 'wave'
    before_s: float = 2.0
    after_s: float = 5.0
    acus: tuple = ()


@dataclass(frozen=True)
class StreetSpec:
    source: SourceSpec
    customers: tuple              # of CustomerSpec
    acus: tuple                   # of AcuSpec
    un_v: float = 230.0
    temperature_dc: int = 350
    # host_sim.world.grid.network.Network; None: one Thevenin source a phase, no lines
    feeder: Any = None
    # minutes x columns: kW at a customer's nominal voltage, from minute 0 of the run on, again
    # from the start when they end
    profiles_kw: Any = field(default=None, compare=False)
