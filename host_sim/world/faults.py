"""The settable parameters of the street by name: supply events and faults.

`settings` says what exists; `bind` checks a call against the street, in a sentence that names
the thing and what exists, and returns the deed: a function of the time that carries it out and
returns the undoing.
"""
from host_sim.waveform.front_end import Channel
from host_sim.world.circuit import Load
from host_sim.world.relay import Relay
from host_sim.world.supply import Supply

PHASES = "ABC"
SUPPLY = ("supply", "phase_lost", "phase_back", "supply_pu", "f_mhz", "harmonics_pct")
RELAY = ("relay.weld", "relay.no_close", "mirror.stuck")
ADC = ("adc.freeze", "adc.gain_pct", "adc.open")
CUSTOMER = ("load_pct",)
INPUTS = ("ground", "dofc", "temperature_dc", "cover", "magnet")
GRID = ("line.open", "neutral.cut", "bus.fault")     # of a street with a feeder
settings = SUPPLY + RELAY + ADC + CUSTOMER + INPUTS + GRID

_POST_INPUTS = ("ground", "cutout", "temperature")
_NAME_OF = {"dofc": "cutout", "temperature_dc": "temperature"}    # of the input, if it has another


def phase_index(phase) -> int:
    """0..2 from 0..2 or A..C."""
    if isinstance(phase, str) and len(phase) == 1 and phase.upper() in PHASES:
        return PHASES.index(phase.upper())
    if isinstance(phase, int) and not isinstance(phase, bool) and 0 <= phase <= 2:
        return phase
    raise ValueError(f"phase {phase!r} does not exist; there are A, B, C (0, 1, 2)")


def channel_of(channels: list, channel, acu: str) -> Channel:
    """A channel by its number or its name."""
    names = [c.name for c in channels]
    if isinstance(channel, str) and channel.upper() in [n.upper() for n in names]:
        return channels[[n.upper() for n in names].index(channel.upper())]
    if isinstance(channel, int) and not isinstance(channel, bool) and 0 <= channel < len(names):
        return channels[channel]
    listed = ", ".join(f"{k} {n}" for k, n in enumerate(names))
    raise ValueError(f"channel {channel!r} of acu {acu!r} does not exist; there are {listed}")


def bind_supply(supply: Supply, name: str, value):
    """Deed of a supply event on `supply`."""
    if name == "supply":
        return _supply(supply, _one_of(name, value, ("lost", "back")))
    if name in ("phase_lost", "phase_back"):
        return _phase(supply, phase_index(value), name == "phase_lost")
    if name == "supply_pu":
        pu = _three(name, value)
        return _assign(supply, "pu", pu)
    if name == "f_mhz":
        return _frequency(supply, int(_number(name, value, 40_000, 70_000)))
    return _assign(supply, "harmonics", _harmonics(value))


def bind_relay(relay: Relay, name: str, value, changed):
    """Deed of a contact's fault; changed(t_us) is called if healing lets the contact go."""
    on = bool(_number(name, value, 0, 1))

    def weld(on):
        def deed(t_us):
            before = relay.welded
            if relay.weld(on):
                changed(t_us)
            return weld(before)
        return deed

    def mirror(on):
        def deed(_t_us):
            before = relay.mirror_held
            relay.hold_mirror(on)
            return mirror(before)
        return deed

    if name == "relay.weld":
        return weld(on)
    if name == "mirror.stuck":
        return mirror(on)
    return _assign(relay, "no_close", on)


def bind_adc(channel: Channel, name: str, value):
    """Deed of a channel's fault."""
    if name == "adc.gain_pct":
        return _assign(channel, "gain_fault_pct", _number(name, value, -100, 1000))
    if name == "adc.open":
        return _assign(channel, "open", bool(_number(name, value, 0, 1)))

    def freeze(on):
        def deed(_t_us):
            before = channel.frozen
            if on != before:
                channel.freeze(on)
            return freeze(before)
        return deed

    return freeze(bool(_number(name, value, 0, 1)))


def bind_load(load: Load, name: str, value):
    return _assign(load, "scale_pct", _number(name, value, -10_000, 10_000))


def bind_input(levels: list, names: tuple, name: str, value):
    """Deed on an input; levels is the list that `feedback` reads, names: of the inputs."""
    low, high = (-1000, 3000) if name == "temperature_dc" else (0, 1)
    own = _one_of("input", _NAME_OF.get(name, name), names or _POST_INPUTS)
    return _item(levels, (names or _POST_INPUTS).index(own), int(_number(name, value, low, high)))


def bind_grid(circuit, name: str, value, place: dict):
    """Deed on a feeder. place: line; or bus, phase, to (phase, N or E), ohm of a fault."""
    on = bool(_number(name, value, 0, 1))
    if circuit is None:
        raise ValueError(f"{name} needs a street with a feeder")
    if name == "bus.fault":
        bus = _one_of("bus", place["bus"], circuit.buses)
        phase = PHASES[phase_index(place["phase"])]
        to = _one_of("to", place["to"] or "N", tuple(c for c in "ABCNE" if c != phase))
        ohm = _number("ohm", place["ohm"], 0.001, 10_000)
        return _keep(circuit.faults, (bus, phase, to), (bus, phase, to, ohm), on)
    line = _one_of("line", place["line"], circuit.lines)
    if name == "line.open":
        return _member(circuit.lines_open, line, on)
    return _member(circuit.broken, (line, "N"), on)


def _member(group: set, one, on: bool):
    """In the group or not."""
    def deed(_t_us):
        before = one in group
        (group.add if on else group.discard)(one)
        return _member(group, one, before)
    return deed


def _keep(things: dict, key, thing, on: bool):
    def deed(_t_us):
        before = things.pop(key, None)
        if on:
            things[key] = thing
        return _keep(things, key, before, before is not None)
    return deed


def _assign(thing, attribute: str, value):
    def deed(_t_us):
        before = getattr(thing, attribute)
        setattr(thing, attribute, value)
        return _assign(thing, attribute, before)
    return deed


def _item(items: list, index: int, value):
    def deed(_t_us):
        before = items[index]
        items[index] = value
        return _item(items, index, before)
    return deed


def _supply(supply: Supply, how: str):
    def deed(_t_us):
        dead, pu = supply.dead, supply.pu

        def undo(_t_us):
            supply.dead, supply.pu = dead, pu

        supply.dead = how == "lost"
        if how == "back":
            supply.pu = (1.0, 1.0, 1.0)   # a sag ends with it; a blown fuse of one phase does not
        return undo
    return deed


def _phase(supply: Supply, phase: int, lost: bool):
    return _item(supply.blown, phase, lost)


def _frequency(supply: Supply, f_mhz: int):
    def deed(t_us):
        before = supply.f_mhz
        supply.set_f(f_mhz, t_us)
        return _frequency(supply, before)
    return deed


def _one_of(name: str, value, known: tuple | set):
    if value not in known:
        there = sorted(known) if isinstance(known, set) else known
        listed = ", ".join(there[:20]) + (" ..." if len(there) > 20 else "")
        raise ValueError(f"{name} = {value!r} does not exist; there are {listed}")
    return value


def _number(name: str, value, low: float, high: float):
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name} = {value!r} is not a number from {low} to {high}")
    return value


def _three(name: str, value) -> tuple:
    if not isinstance(value, (list, tuple)) or len(value) != 3:
        raise ValueError(f"{name} = {value!r} needs three numbers, for A, B and C")
    return tuple(float(_number(name, x, 0, 2)) for x in value)


def _harmonics(value) -> tuple:
    try:
        pairs = [(int(h), float(pct)) for h, pct in value]
    except (TypeError, ValueError):
        raise ValueError(f"harmonics_pct = {value!r} needs pairs [order, percent]") from None
    for h, pct in pairs:
        _number("order in harmonics_pct", h, 2, 40)
        _number(f"percent of order {h} in harmonics_pct", pct, 0, 100)
    return tuple(pairs)
