"""Reads a recloser's scenario and its board, and joins them to one plan, or says what is wrong.

What its sources do is laid out before the run, as functions of time (world/two_sided.py); what the
breaker makes of it, only the run knows. Every fault of a file ends in InputError.
"""
from dataclasses import dataclass, field
from pathlib import Path

from host_sim.scenario import load, one_acu, reading
from host_sim.scenario.complaints import Complaints, InputError
from host_sim.scenario.crew import Line
from host_sim.scenario.recloser_form import EventForm, ExpectForm, RecloserForm, SideForm
from host_sim.world.bay import Fault, Input, Load
from host_sim.world.two_sided import Side, TwoSided

_SUDDEN_S = 1e-3        # a step of the frequency; the angle has none
CHANNELS = ("u1ab", "u1bc", "u2ab", "u2bc", "u0", "ia", "ib", "ic")


@dataclass(frozen=True)
class Deed:
    """freeze: (channel, end_us); breaker: a word; message: a word; console: lines; reboot: ms."""
    t_us: int
    kind: str
    what: object


@dataclass(frozen=True)
class Breaker:
    closed: bool
    close_s: float
    open_s: float
    scatter_s: float
    spring_s: float


@dataclass(frozen=True)
class Plan:
    name: str
    title: str
    seed: int
    run_us: int
    start_utc_ms: int
    id: str
    board: dict
    config: dict
    noise_lsb: float
    world: TwoSided
    breaker: Breaker
    load: Load
    faults: tuple[Fault, ...]
    inputs: tuple[Input, ...]
    deeds: tuple[Deed, ...]
    expect: ExpectForm = field(default_factory=ExpectForm)
    line: Line | None = None


def is_one(name: str) -> bool:
    """Does this name or file mean a recloser's scenario?"""
    return one_acu.is_kind(name, "recloser")


def read(name: str) -> Plan:
    path = load.find(name)
    return build(reading.read_toml(path), path)


def build(given: dict, path: Path) -> Plan:
    """`given` is what the TOML of `path` holds."""
    form = reading.form_of(RecloserForm, given, path.name)
    wrong = Complaints(path.name)
    start_ms = load.utc_ms_of(form.start_utc, wrong)
    board = one_acu.board_of(form.board, path, "recloser", wrong)
    _, config = one_acu.config_of(form, "recloser", path.name, wrong)
    events = sorted(form.event, key=lambda event: event.at_s)
    if wrong.all:
        raise InputError(wrong.all)
    return Plan(
        path.stem, form.title, form.seed, round(form.run_s * 1e6) // 5000 * 5000, start_ms,
        form.id, board, config, form.noise_lsb,
        TwoSided(_side(form.one, 1, events), _side(form.two, 2, events)),
        Breaker(form.breaker.closed, form.breaker.close_ms / 1e3, form.breaker.open_ms / 1e3,
                form.breaker.scatter_ms / 1e3, form.breaker.spring_s),
        Load(form.load.i_a, form.load.deg), tuple(_faults(events)), tuple(_inputs(events)),
        tuple(_deeds(events)), form.expect,
        Line(**form.line.model_dump()) if form.line is not None else None)


def _end(event: EventForm, for_ms: int) -> float:
    return event.at_s + for_ms / 1e3 if for_ms else float("inf")


def _side(form: SideForm, number: int, events: list[EventForm]) -> Side:
    """Its source with all that the events make of it."""
    f_hz, u_pu = form.f_hz, form.u_pu
    ramps, steps, slopes, jumps, fuses = [], [], [], [], []
    for event in events:
        if event.fuse is not None and event.fuse.side == number:
            fuses.append((event.at_s, "ABC".index(event.fuse.phase), event.fuse.left))
        one = event.side
        if one is None or one.side != number:
            continue
        if one.jump_deg is not None:
            jumps.append((event.at_s, one.jump_deg))
        if one.f_hz is not None:
            over_s = max(one.over_s, _SUDDEN_S)
            ramps.append((event.at_s, event.at_s + over_s, (one.f_hz - f_hz) / over_s))
            f_hz = one.f_hz
        if one.u_pu is not None and one.over_s:
            slopes.append((event.at_s, event.at_s + one.over_s, (one.u_pu - u_pu) / one.over_s))
        elif one.u_pu is not None:
            steps.append((event.at_s, one.u_pu - u_pu))
        u_pu = u_pu if one.u_pu is None else one.u_pu
    return Side(
        f_hz=form.f_hz, angle_deg=form.angle_deg, u_pu=form.u_pu, swing_hz=form.swing_hz,
        swing_rate_hz=form.swing_rate_hz, u2_pu=form.u2_pu,
        harmonics=tuple((int(n), pct, 0.0, -120.0 * n) for n, pct in form.harmonics_pct),
        wiring_deg=form.wiring_deg, swapped=form.swapped, ramps=tuple(ramps), jumps=tuple(jumps),
        u_steps=tuple(steps), u_ramps=tuple(slopes), fuses=tuple(fuses))


def _faults(events: list[EventForm]) -> list[Fault]:
    return [Fault(e.at_s, _end(e, e.fault.for_ms), e.fault.phases, e.fault.i_a, e.fault.deg,
                  e.fault.u_pu, e.fault.u0_pu, e.fault.burns_out_s)
            for e in events if e.fault is not None]


def _inputs(events: list[EventForm]) -> list[Input]:
    return [Input(e.at_s, _end(e, e.input.for_ms), e.input.name, e.input.value)
            for e in events if e.input is not None]


def _deeds(events: list[EventForm]) -> list[Deed]:
    """What the run does at its time, in order."""
    out = []
    for event in events:
        t_us, kind = round(event.at_s * 1e6), event.kind()
        what: object = getattr(event, kind)
        if event.freeze is not None:
            what = (CHANNELS.index(event.freeze.channel), t_us + event.freeze.for_ms * 1000)
        if kind in ("freeze", "breaker", "message", "console", "reboot"):
            out.append(Deed(t_us, kind, what))
    return out
