"""Reads a district's scenario and its board, and joins them to one plan, or says what is wrong.

A variant plays the same day otherwise: `no_scheme` with reclosers that only watch, `no_pai` with
overcurrent protection alone, `blind` with reclosers that somebody closes by hand, unsynchronised.
Every fault of a file ends in InputError; nothing runs here.
"""
from dataclasses import dataclass, field, fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from host_sim.scenario import load, one_acu, reading
from host_sim.scenario.complaints import Complaints, InputError, meant
from host_sim.scenario.district_form import DistrictForm, EventForm, ExpectForm, RecloserForm
from host_sim.world.bay import Input
from host_sim.world.district import RECLOSERS, District
from host_sim.world.district_params import DataError, Params

STEP_US = 5_000
VARIANTS = ("no_scheme", "no_pai", "blind")
_COMPLEX = ("line1", "line2", "tie")       # [r, x] in a file
_BLIND_S = 6.5                             # R1 touches, R2 and R3 follow
_BLIND_GAP_S = 0.2


@dataclass(frozen=True)
class Deed:
    """on: what begins, else it is over. what: the event's own keys."""
    t_us: int
    kind: str
    on: bool
    what: dict


@dataclass(frozen=True)
class Recloser:
    """config: as the controller is given it; ct_n: of its complete settings."""
    id: str
    config: dict
    ct_n: int
    close_s: float
    open_s: float
    scatter_s: float
    spring_s: float
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Plan:
    name: str
    title: str
    variant: str             # "": none
    seed: int
    run_us: int
    lead_in_us: int
    start_utc_ms: int        # of the firmware's start, before the lead-in
    sc: str
    uc: str
    board: dict
    noise_lsb: float
    network: dict
    params: Params
    load_share: float
    reclosers: tuple[Recloser, ...]
    deeds: tuple[Deed, ...]
    expect: ExpectForm = field(default_factory=ExpectForm)


def is_one(name: str) -> bool:
    """Does this name or file mean a district's scenario?"""
    return one_acu.is_kind(name, "district")


def read(name: str, variant: str = "") -> Plan:
    path = load.find(name)
    return build(reading.read_toml(path), path, variant)


def build(given: dict, path: Path, variant: str = "") -> Plan:
    """`given` is what the TOML of `path` holds."""
    form = reading.form_of(DistrictForm, given, path.name)
    wrong = Complaints(path.name)
    start_ms = load.utc_ms_of(form.start_utc, wrong)
    board = one_acu.board_of(form.board, path, "recloser", wrong)
    params = _params(form, wrong)
    names = [one.id for one in form.recloser]
    if sorted(names) != sorted(RECLOSERS):
        wrong.add("E540", "[[recloser]]", f" is there for {', '.join(names) or 'none'}. Write one "
                  f"for each of {', '.join(RECLOSERS)}.")
    lead_in_us = round(form.lead_in_s * 100) * 10_000       # whole slow instants
    events = sorted(form.event, key=lambda event: event.at_s)
    reclosers = [_recloser(form, one, events, variant, path.name, wrong)
                 for one in sorted(form.recloser, key=lambda one: one.id)]
    if wrong.all:
        raise InputError(list(dict.fromkeys(wrong.all)))     # a common setting's, once
    return Plan(
        path.stem, form.title, variant, form.seed,
        round(form.run_s * 1e6) // STEP_US * STEP_US, lead_in_us, start_ms - lead_in_us // 1000,
        form.sc, form.uc, board, form.noise_lsb, form.network.model_dump(), params,
        form.load_pct / 100, tuple(reclosers),
        tuple(sorted(_deeds(events) + (_blind(reclosers) if variant == "blind" else []),
                     key=lambda deed: deed.t_us)),
        getattr(form, f"expect_{variant}") if variant else form.expect)


def _params(form: DistrictForm, wrong: Complaints) -> Params:
    """[district], judged by the world itself: it must have a steady state to begin with. Lists are
    of g1 to g4, of a line's r and x."""
    known = [one.name for one in fields(Params)]
    for key in form.district:
        if key not in known:
            wrong.add("E541", f"[district] {key}", f" is unknown. {meant(key, known)}")
    given = {key: _value(key, value) for key, value in form.district.items() if key in known}
    try:
        params = Params(**given)
        District(params, form.load_pct / 100)
    except DataError as e:
        wrong.all += [text.replace(" district: ", f" {wrong.file}: [district] ", 1)
                      for text in e.complaints]
        return Params()
    return params


def _value(key: str, given: Any) -> Any:
    if not isinstance(given, list):
        return given
    if key in _COMPLEX and len(given) == 2 and all(isinstance(x, int | float) for x in given):
        return complex(*given)
    return tuple(given)


def _recloser(form: DistrictForm, one: RecloserForm, events: list[EventForm], variant: str,
              file: str, wrong: Complaints) -> Recloser:
    own = form.config | one.config
    asked = SimpleNamespace(id=one.id, sc=form.sc, uc=form.uc, config=own | _changed(own, variant))
    config, full = one_acu.config_of(asked, "recloser", f"{file}: {one.id}", wrong)
    b = one.breaker
    inputs = [Input(e.at_s, e.at_s + e.input.for_ms / 1e3 if e.input.for_ms else float("inf"),
                    e.input.name, e.input.value)
              for e in events if e.input is not None and e.input.recloser == one.id]
    return Recloser(one.id, config, full.get("ct_n", 1), b.close_ms / 1e3, b.open_ms / 1e3,
                    b.scatter_ms / 1e3, b.spring_s, tuple(inputs))


def _changed(config: dict, variant: str) -> dict:
    """Settings that a variant has otherwise."""
    if variant == "no_pai":
        return {"il_pai": "off"}
    if variant == "no_scheme":          # as if there were closed switches: nothing trips
        return {"il_duty": "none"} | {key: "alarm" for key, value in config.items()
                                      if key.endswith("_do") and value == "trip"}
    return {}


def _blind(reclosers: list[Recloser]) -> list[Deed]:
    """Orders at the breakers, so early that their contacts touch at the time."""
    r1, r2, r3, _ = reclosers
    steps = ((r1, True, _BLIND_S - r1.close_s), (r2, True, _BLIND_S + _BLIND_GAP_S - r2.close_s),
             (r3, False, _BLIND_S + 2 * _BLIND_GAP_S - r3.open_s))
    return [Deed(round(at_s * 1e6), "hand", True, {"recloser": one.id, "close": close})
            for one, close, at_s in steps]


def _deeds(events: list[EventForm]) -> list[Deed]:
    """What the run does at its time."""
    out = []
    for event in events:
        t_us, kind = round(event.at_s * 1e6), event.kind()
        one = getattr(event, kind)
        what = {"generator": one} if kind == "trip" else one.model_dump()
        if kind == "input":              # its contacts know their times
            continue
        lasts_ms = what.pop("for_ms", 0)
        out.append(Deed(t_us, kind, True, what))
        if lasts_ms:
            out.append(Deed(t_us + lasts_ms * 1000, kind, False, what))
    return out
