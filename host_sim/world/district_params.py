"""Data of the district (spec/recloser.md, section 5.1), and what is wrong with them.

Per unit on 1 MVA and 10 kV. Scenarios give them, the study perturbs them, district.py uses them.
"""
import math
from dataclasses import dataclass

GENERATORS = ("g1", "g2", "g3", "g4")
# Greatest and least that a 10 kV district can have; outside is a slip of the pen or of the unit.
_BOUNDS = {
    "s_mw": (0.01, 10.0, "MW"), "x_d": (0.05, 2.0, "pu of its own rating"),
    "tj_s": (0.5, 40.0, "s"), "d": (0.0, 20.0, "pu"), "r_droop": (0.005, 0.5, "pu"),
    "tg_s": (0.02, 10.0, "s"), "rate": (0.01, 10.0, "1/s"), "ki": (0.0, 40.0, "1/s"),
    "ka": (0.0, 40.0, "1/s"), "l_max_mw": (0.01, 10.0, "MW"), "pf": (0.5, 1.0, ""),
    "r4_mw": (0.0, 10.0, "MW"), "xs": (0.001, 1.0, "pu"), "fault_s": (0.1, 3600.0, "s"),
    "fault_for_s": (0.0, 3600.0, "s"), "q6_pickup_pu": (0.5, 100.0, "pu"),
    "q6_trip_s": (0.01, 60.0, "s"), "q6_open_s": (0.0, 1.0, "s"),
    "q6_reclose_s": (0.1, 3600.0, "s"),
}
_PER_MACHINE = ("s_mw", "x_d", "tj_s")
_LINES = ("line1", "line2", "tie")
_Z_LEAST, _Z_MOST = 1e-4, 2.0


class DataError(ValueError):
    """What of the district's data is missing or cannot be, one complaint a line."""

    def __init__(self, complaints: list[str]):
        self.complaints = complaints
        super().__init__("\n".join(complaints))


@dataclass(frozen=True)
class Params:
    """s_mw, x_d, tj_s: of g1 to g4; g1 and g2 are on bus 1. d: damping. rate: of the turbine, of
    its rating a second. pf: of the load, lagging. r4_mw: of the greatest load, what R4 feeds.
    fault_for_s: None, until nothing feeds it from the grid (Q6 open); math.inf: permanent.
    q6_shots: how often Q6 recloses before it stays open."""

    s_mw: tuple[float, ...] = (0.31, 0.31, 0.12, 0.12)
    x_d: tuple[float, ...] = (0.30,) * 4
    tj_s: tuple[float, ...] = (8.0,) * 4
    d: float = 1.5
    r_droop: float = 0.05
    tg_s: float = 0.2
    rate: float = 0.3
    ki: float = 4.0
    ka: float = 2.0
    l_max_mw: float = 1.0
    pf: float = 0.95
    r4_mw: float = 0.20
    xs: float = 0.05
    line1: complex = 0.02 + 0.04j
    line2: complex = 0.02 + 0.04j
    tie: complex = 0.01 + 0.02j
    fault_s: float = 1.40
    fault_for_s: float | None = None
    q6_pickup_pu: float = 8.0        # above what machines that slip draw, below the fault's 20
    q6_trip_s: float = 0.56
    q6_open_s: float = 0.04
    q6_reclose_s: float = 3.0
    q6_shots: int = 1

    def __post_init__(self) -> None:
        found = _complaints(self)
        if found:
            raise DataError(found)


def _complaints(p: Params) -> list[str]:
    found = []
    for key, (low, high, unit) in _BOUNDS.items():
        value = getattr(p, key)
        if key not in _PER_MACHINE:
            if not (key == "fault_for_s" and value in (None, math.inf)):
                found += _within(key, value, low, high, unit)
            continue
        if not isinstance(value, tuple):
            found.append(f"E560 district: {key} = {value!r} must be a list. Give one value for "
                         "each of g1, g2, g3, g4.")
            continue
        for k, name in enumerate(GENERATORS):
            if k >= len(value) or value[k] is None:
                found.append(f"E562 district: {name} has no {key}. Give it, {low:g} to {high:g} "
                             f"{unit}.")
            else:
                found += _within(f"{key} of {name}", value[k], low, high, unit)
        if len(value) > len(GENERATORS):
            found.append(f"E561 district: {key} has {len(value)} values, there are 4 machines. "
                         "Take the others out.")
    for key in _LINES:
        z = getattr(p, key)
        if not isinstance(z, complex | float | int) or isinstance(z, bool) \
                or not _Z_LEAST <= abs(z) <= _Z_MOST or z.real < 0 or z.imag < 0:
            found.append(f"E563 district: impedance of {key} = {z!r} cannot be. Give r + jx, both "
                         f"not below 0, together {_Z_LEAST:g} to {_Z_MOST:g} pu.")
    if type(p.q6_shots) is not int or not 0 <= p.q6_shots <= 5:
        found.append(f"E564 district: q6_shots = {p.q6_shots!r}. Set 0 to 5.")
    if not found and p.r4_mw > p.l_max_mw / 2:
        found.append(f"E565 district: r4_mw = {p.r4_mw:g} MW is more than bus 2 has, half of "
                     f"l_max_mw = {p.l_max_mw:g} MW. Set at most {p.l_max_mw / 2:g}.")
    return found


def _within(what: str, value: object, low: float, high: float, unit: str) -> list[str]:
    if isinstance(value, float | int) and not isinstance(value, bool) and low <= value <= high:
        return []
    return [f"E564 district: {what} = {value!r} cannot be. Set {low:g} to {high:g} {unit}".rstrip()
            + "."]
