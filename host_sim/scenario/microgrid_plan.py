"""Reads a microgrid's scenario and its board, and joins them to one plan, or says what is wrong.

The plant in the world is that of the controller's settings. Every fault of a file ends in
InputError; nothing runs here.
"""
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from acu import microgrid_settings
from host_sim.scenario import load, one_acu, reading
from host_sim.scenario.complaints import Complaints, InputError
from host_sim.scenario.microgrid_form import EventForm, ExpectForm, MicrogridForm, ProfileForm
from host_sim.world.island import DEVICES
from host_sim.world.microgrid import PlantSpec
from host_sim.world.spec import FrontEndSpec

STEP_US = 5_000
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class Deed:
    """on: what begins, else it is over. what: (channel, ..) or (device, ..), ms, lines."""
    t_us: int
    kind: str
    on: bool
    what: tuple = ()


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
    settings: dict           # complete
    names: dict[str, str]    # id of each device on the bus
    look_us: int
    state_s: int
    diesel_start_s: int
    load_pf: float
    front: FrontEndSpec
    network: dict
    plant: PlantSpec
    pv_mw: Callable[[int], int]
    load_mw: Callable[[int], int]
    deeds: tuple[Deed, ...]
    expect: ExpectForm = field(default_factory=ExpectForm)


def is_one(name: str) -> bool:
    """Does this name or file mean a microgrid's scenario?"""
    return one_acu.is_kind(name, "microgrid")


def read(name: str) -> Plan:
    path = load.find(name)
    return build(reading.read_toml(path), path)


def build(given: dict, path: Path) -> Plan:
    """`given` is what the TOML of `path` holds."""
    form = reading.form_of(MicrogridForm, given, path.name)
    wrong = Complaints(path.name)
    start_ms = load.utc_ms_of(form.start_utc, wrong)
    board = one_acu.board_of(form.board, path, "microgrid", wrong)
    names = {name: name for name in DEVICES}
    config, full = one_acu.config_of(form, "microgrid", path.name, wrong, {
        f"mg_{name}": name for name in names})
    front = form.front_end.model_dump()
    for sentence in load.too_fine(front, "phasor"):
        wrong.add("E127", "", sentence)
    if wrong.all:
        raise InputError(wrong.all)
    front["i_lead_urad"] = ()
    spec = PlantSpec.of(microgrid_settings.plant(full), form.devices.battery_pct,
                        form.devices.hydrogen_pct)
    events = sorted(form.event, key=lambda event: event.at_s)
    return Plan(
        path.stem, form.title, form.seed, round(form.run_s * 1e6) // STEP_US * STEP_US, start_ms,
        form.id, board, config, full, names, form.look_ms * 1000, form.devices.state_s,
        form.devices.diesel_start_s, form.devices.load_pf,
        FrontEndSpec(slot_ns=board["slot_ns"], **front), form.network.model_dump(), spec,
        _course(form.profile, form.profile.pv_w), _course(form.profile, form.profile.load_w),
        tuple(_deeds(events)), form.expect)


def _course(form: ProfileForm, values: list[float]) -> Callable[[int], int]:
    """mW of a second of the run, in whole numbers from the first on."""
    points = [round(1000 * x) for x in values]

    def at(second: int) -> int:
        t = second // form.hold_s * form.hold_s
        k, rest = divmod(t, form.every_s)
        a, b = points[k % len(points)], points[(k + 1) % len(points)]
        return a + (b - a) * rest // form.every_s
    return at


def _deeds(events: list[EventForm]) -> list[Deed]:
    """What the run does at its time, in order."""
    out = []
    for event in events:
        t_us, kind = round(event.at_s * 1e6) // STEP_US * STEP_US, event.kind()
        what: tuple = ()
        lasts_s = 0
        one = getattr(event, kind)
        if event.freeze is not None:
            what, lasts_s = (event.freeze.channel,), event.freeze.for_s
        elif event.silent is not None:
            what, lasts_s = (event.silent.device,), event.silent.for_s
        elif event.told is not None:
            what, lasts_s = (event.told.store, event.told.pct), event.told.for_s
        elif kind in ("reboot", "console"):
            what = (one,)
        else:
            lasts_s = one
        out.append(Deed(t_us, kind, True, what))
        if lasts_s:
            out.append(Deed(t_us + lasts_s * _SECOND_US, kind, False, what))
    return sorted(out, key=lambda deed: deed.t_us)
