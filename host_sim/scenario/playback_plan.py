"""Which channels of a COMTRADE record go to which inputs of a Meter, through which ratios.

A Meter has one, two or three phases of 100 to 400 V: what was recorded elsewhere, in kV or on a
transformer's secondary side, is brought there by one ratio, as a voltage transformer would, and
what the Meter says is shown multiplied back. Errors: E173, E175, E177, E178.
"""
import math
import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from host_sim.comtrade.read import Channel, Record
from host_sim.comtrade.wave import period
from host_sim.scenario.complaints import InputError

INPUTS = ("ua", "ub", "uc", "ia", "ib", "ic")
_PHASES = {"A": 0, "B": 1, "C": 2, "R": 0, "S": 1, "T": 2, "L1": 0, "L2": 1, "L3": 2, "1": 0,
           "2": 1, "3": 2}
_NAME = re.compile(r"(?:^|[^A-Z])[UVI][_ ]?(L?[ABCRST123])[_ -]?N?(?![A-Z0-9])")
_OTHER_PHASE = re.compile(r"[NEG]|(?:L?[ABCRST123]){2,3}")
_OTHER_NAME = re.compile(r"^3[UVI]|(?:^|[^A-Z])[UVI][_ ]?(?:[0NEGO]|(?:L?[ABCRST123]){2})"
                         r"(?![A-Z0-9])")
_LINE_V = (100, 110, 190, 200, 208, 220, 380, 400, 415, 480, 690, 3300, 6000, 6600, 10_000,
           11_000, 13_800, 15_000, 20_000, 22_000, 30_000, 33_000, 35_000, 66_000, 69_000,
           110_000, 115_000, 132_000, 138_000, 150_000, 220_000, 230_000, 330_000, 345_000,
           400_000, 500_000, 735_000, 765_000)
_UN_V = (120.0, 127.0, 220.0, 230.0, 240.0, 277.0, *(u / math.sqrt(3) for u in _LINE_V))
_LOW_V, _HIGH_V, _UN_METER_V = 100.0, 400.0, 230.0
_LEAST_HZ = 500.0
_MOST_HZ = 1e6
_LISTED = 8             # names in a note
_LEAST = 8              # samples
_LONGEST_S = 3600.0
_U_PEAK_V = 450.0       # of the board, as long as the record fits


@dataclass
class Plan:
    """inputs: of the Meter, in its order, each with its channel or None (a dead input)."""
    kind: str
    wiring: str
    inputs: list[tuple[str, Channel | None]]
    un_v: float                  # of the record, phase to neutral
    un_dv: int                   # of the Meter
    u_ratio: float               # record / Meter
    i_ratio: float
    u_peak_dv: int
    i_peak_ma: int
    fn_mhz: int
    period_s: float              # of the cycles repeated before and after
    notes: list[str] = field(default_factory=list)


def plan(record: Record, un_v: float | None = None, chosen: dict[str, str] | None = None) -> Plan:
    """Raises InputError. un_v: nominal voltage to neutral of the record, else its own; chosen:
    channels for inputs, by name or number, instead of the phases that the record gives."""
    notes = list(record.notes)
    f_nominal = _nominal_hz(record)
    step_s = record.length_s / max(1, len(record.time_s) - 1)
    if record.length_s + step_s < 0.999 / f_nominal or len(record.time_s) < _LEAST:
        raise InputError([f"E177 {record.name}: {record.length_s * 1000:.1f} ms long, at least "
                          f"one cycle ({1000 / f_nominal:.0f} ms) is needed. Take a longer "
                          "record."])
    if record.length_s > _LONGEST_S:
        raise InputError([f"E177 {record.name}: {record.length_s:.0f} s long, at most "
                          f"{_LONGEST_S:.0f} s are played. Cut it."])
    slowest_hz = 1.0 / float(np.diff(record.time_s).max())
    if slowest_hz < _LEAST_HZ:
        raise InputError([f"E173 {record.name}: {slowest_hz:.4g} samples a second at its slowest, "
                          f"a wave needs at least {_LEAST_HZ:.0f} Hz (is it a log of RMS values?)."
                          " Give a record of samples."])
    fastest_hz = 1.0 / float(np.diff(record.time_s).min())
    if fastest_hz > _MOST_HZ * 1.001:
        raise InputError([f"E173 {record.name}: {fastest_hz:.4g} samples a second at its fastest, "
                          f"at most {_MOST_HZ:.0f} Hz are played. Thin it."])
    wired = _chosen(record, chosen) if chosen else _found(record, notes)
    phases = sorted({INPUTS.index(name) % 3 for name in wired})
    if not wired:
        raise InputError([f"E175 {record.name}: neither voltage nor current of a phase among its "
                          f"channels ({_listed(record)}). Name them, --map ua=CHANNEL,..."])
    kind = ("single", "two", "post")[len(phases) - 1]
    wiring = "CA" if phases == [0, 2] else "".join("ABC"[k] for k in phases)
    order = [2, 0] if wiring == "CA" else phases
    inputs = [(quantity + "abc"[k], wired.get(quantity + "abc"[k]))
              for quantity in "ui" for k in order]
    notes += [f"{name}: nothing recorded, a dead input" for name, channel in inputs
              if channel is None]
    voltages, currents = ([c.values for name, c in inputs if c is not None and name[0] == of]
                          for of in "ui")
    if not voltages:
        notes.append("no voltage: the Meter runs at its nominal frequency")
    period_s, found = period(record.time_s, np.array(voltages or currents), f_nominal)
    if not found:
        notes.append("its beginning does not repeat itself: the cycles before it are as it began")
    if un_v is None and not voltages:
        un_v = _UN_METER_V
    elif un_v is None:
        un_v = _own_un(record, np.array(voltages), period_s)
        notes.append(f"nominal voltage to neutral taken as {_si(un_v, 'V')}; --un says otherwise")
    elif not 1.0 <= un_v <= 1e6:
        raise InputError([f"E175 --un {un_v:g} is outside 1 to 1000000 V, phase to neutral. "
                          "Give that of the record's primary side."])
    u_ratio = 1.0 if _LOW_V <= un_v <= _HIGH_V else un_v / _UN_METER_V
    peak_v = max((float(abs(y).max()) for y in voltages), default=0.0) / u_ratio
    peak_a = max((float(abs(y).max()) for y in currents), default=1.0)
    i_ratio = 1.0
    while peak_a / i_ratio > 1900.0:       # metering.py: E118
        i_ratio *= 10.0
    return Plan(kind, wiring, inputs, un_v, round(un_v / u_ratio * 10), u_ratio, i_ratio,
                _round_up(max(_U_PEAK_V, peak_v * 1.02) * 10),
                _round_up(max(1.0, peak_a / i_ratio * 1.1) * 1000),
                round(f_nominal) * 1000, period_s, notes)


def _round_up(x: float) -> int:
    """To two digits."""
    step = 10 ** max(0, math.floor(math.log10(x)) - 1)
    return math.ceil(x / step) * step


def _si(x: float, of: str) -> str:
    return f"{x / 1000:.4g} k{of}" if x >= 1000 else f"{x:.4g} {of}"


def _nominal_hz(record: Record) -> float:
    """50 or 60, from what the file says or, if it says nothing, from its spectrum."""
    f_hz = record.f_hz
    if not f_hz:
        n = 4096
        t = np.linspace(0.0, min(record.length_s, 1.0), n)
        first = next((c for c in record.channels if c.quantity == "V"), record.channels[0])
        y = np.interp(t, record.time_s, first.values)
        tones = np.arange(40.0, 70.0, 0.5)
        f_hz = float(tones[np.argmax(abs(np.exp(2j * np.pi * tones[:, None] * t) @ y))])
    for nominal in (50.0, 60.0):
        if abs(f_hz - nominal) <= 4.9:
            return nominal
    raise InputError([f"E178 {record.name}: its line frequency is {f_hz:g} Hz"
                      f"{'' if record.f_hz else ' (by its wave)'}, a Meter is for 50 or 60 Hz. "
                      "Correct the .cfg if that is wrong."])


def _listed(record: Record) -> str:
    return ", ".join(f"{n} {c.name} [{c.quantity or '?'}]"
                     for n, c in enumerate(record.channels, 1)) or "none"


def _chosen(record: Record, chosen: dict[str, str]) -> dict[str, Channel]:
    wired = {}
    for name, wanted in chosen.items():
        if name not in INPUTS:
            raise InputError([f"E175 --map {name}={wanted}: {name!r} is no input of a Meter. "
                              f"There are: {', '.join(INPUTS)}."])
        known = {c.name.lower(): c for c in record.channels}
        known |= {str(n): c for n, c in enumerate(record.channels, 1)
                  if str(n) not in known}
        channel = known.get(wanted.lower())
        if channel is None:
            raise InputError([f"E175 --map {name}={wanted}: {record.name} has no channel "
                              f"{wanted!r}. There are: {_listed(record)}."])
        quantity = {"u": "V", "i": "A"}[name[0]]
        if channel.quantity and channel.quantity != quantity:
            raise InputError([f"E175 --map {name}={wanted}: {channel.name} is in "
                              f"{channel.quantity}, {name} needs {quantity}. Choose another."])
        wired[name] = channel
    return wired


def _found(record: Record, notes: list[str]) -> dict[str, Channel]:
    """By phase and unit; where no phase is given, in the order of the file."""
    wired: dict[str, Channel] = {}
    unused = []
    for quantity, letter in (("V", "u"), ("A", "i")):
        all_mine = [c for c in record.channels if c.quantity == quantity]
        mine = [c for c in all_mine if not _other(c)]
        unused += [c.name for c in all_mine if _other(c)]
        # recorders put numbers of their own where the phase belongs: whichever tells more
        phases = max(([by_phase(c) for c in mine], [by_name(c) for c in mine]),
                     key=lambda found: len(set(found) - {None}))
        if not set(phases) - {None}:
            if len(mine) > 3:
                raise InputError([f"E175 {record.name}: {len(mine)} channels in {quantity} and "
                                  f"none says its phase ({_listed(record)}). Say which: --map "
                                  f"{letter}a=CHANNEL,..."])
            phases = list(range(len(mine)))
        for channel, k in zip(mine, phases, strict=True):
            name = "" if k is None else letter + "abc"[k]
            if not name or name in wired:
                unused.append(channel.name)
            else:
                wired[name] = channel
    if unused:
        more = f" and {len(unused) - _LISTED} more" if len(unused) > _LISTED else ""
        notes.append(f"not used: {', '.join(unused[:_LISTED])}{more}; --map chooses")
    return wired


def _plain(phase: str) -> str:
    """AN and A-N are A."""
    text = phase.replace("-", "").replace(" ", "")
    return text[:-1] if len(text) > 1 and text.endswith("N") else text


def by_phase(channel: Channel) -> int | None:
    """0, 1, 2 from what the file gives as its phase; None: something else."""
    return _PHASES.get(_plain(channel.phase))


def by_name(channel: Channel) -> int | None:
    seen = _NAME.search(channel.name.upper())
    return _PHASES.get(seen[1]) if seen else None


def _other(channel: Channel) -> bool:
    """Between phases, of the neutral or a sum: nothing that a Meter is connected to."""
    return bool(_OTHER_PHASE.fullmatch(_plain(channel.phase))
                or _OTHER_NAME.search(channel.name.upper()))


def _own_un(record: Record, voltages: np.ndarray, period_s: float) -> float:
    """The usual voltage next to that of the first cycle, or of most of the record's better ones
    where that is dead."""
    n = max(1, int(record.length_s / period_s + 1e-6))
    ends = np.searchsorted(record.time_s, np.arange(n + 1) * period_s - 1e-9)
    cycles = np.array([np.sqrt((voltages[:, a:b]**2).mean(axis=1)) for a, b in pairwise(ends)])
    rms = float(np.median(cycles[0]))
    best = float(np.percentile(cycles, 80))
    if rms < best / 2:
        rms = best
    if not rms:
        raise InputError([f"E175 {record.name}: its voltages are zero throughout. Take another "
                          "record, or other channels by --map."])
    near = min(_UN_V, key=lambda u: abs(math.log(u / rms)))
    return near if abs(math.log(near / rms)) < 0.08 else float(f"{rms:.3g}")
