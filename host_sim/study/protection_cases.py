"""What the study of the protection plays: for each function faults of a known time and pick-up.

A time is judged against the setting: 5 % or 20 ms, whichever is more (anchors, section 2); a
function without a delay against what it may take in all. `still`: nothing may operate.
"""
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from host_sim.study.protection_waves import Fault, bay, hz, three

UNITS = {"81U": "mHz", "81O": "mHz", "81R": "mHz/s"}
CURVES = {                       # in seconds, as the standards print them
    "iec_ni": lambda m: 0.14 / (m**0.02 - 1), "iec_vi": lambda m: 13.5 / (m - 1),
    "iec_ei": lambda m: 80 / (m**2 - 1), "ieee_mi": lambda m: 0.0515 / (m**0.02 - 1) + 0.114,
    "ieee_vi": lambda m: 19.61 / (m**2 - 1) + 0.491,
    "ieee_ei": lambda m: 28.2 / (m**2 - 1) + 0.1217,
}
_START_S = 0.4                   # healthy before anything happens: the fits are of full length
_SLOW_MS, _SLOW_PART = 20.0, 0.05
# what a function without a delay may take in all, ms
FAST_MS = {"50": 35.0, "81U": 80.0, "81O": 80.0, "81R": 160.0}
# a pick-up may be off by so much, in % of the setting or in its unit
PICK = {"81U": 5.0, "81O": 5.0, "81R": 100.0}
PICK_PCT = 1.5


@dataclass(frozen=True)
class Case:
    """truth(): of a pick-up, the value minus the setting, in the error's unit; want is 0 then."""

    number: int
    function: str
    kind: str
    element: str
    given: dict
    fault: Fault
    x: float
    want: float
    allowed: float
    begin: float = 0.0           # of a ramp, in the unit of the error
    end: float = 0.0
    late_s: float = 0.0

    def truth(self, t_s: float) -> float:
        """How far beyond the setting the ramp was at t_s, less what the window is late by."""
        f = self.fault
        t = t_s - self.late_s
        if self.function in ("81U", "81O"):
            return float(hz(f, np.array(t))) * 1000 - self.begin
        if self.function == "81R":
            return (f.f_steps[-1][2] + f.f_growth * (t - f.f_steps[-1][0])) * 1000 - self.begin
        part = min(max((t - f.at_s) / f.ramp_s, 0.0), 1.0)
        return self.begin + (self.end - self.begin) * part


def _harmonics(rng) -> tuple:
    """Some of EN 50160's, small enough to be a network's day."""
    return tuple((h, share * rng.uniform(0.2, 1.0), rng.uniform(0, 360))
                 for h, share in ((3, 0.02), (5, 0.04), (7, 0.03), (11, 0.02)))


def _common(rng, seconds: float) -> dict:
    """at_s anywhere in a tick, any phase, a frequency of an ordinary day."""
    return {"at_s": _START_S + rng.uniform(0, 0.02), "seconds": seconds, "turn": rng.uniform(),
            "f_steps": ((0.0, 50.0 + rng.uniform(-0.5, 0.5), 0.0),),
            "harmonics": _harmonics(rng)}


def _allowed(want_ms: float) -> float:
    return max(_SLOW_MS, _SLOW_PART * want_ms)


LOAD_A = 0.3


def _currents(element: str, rng, level_a: float, before_a: float = LOAD_A) -> tuple:
    """(before, after) phasors of all channels with the level in what the element sees."""
    healthy = three()
    lag = np.exp(-1j * math.radians(rng.uniform(0, 80)))
    load = tuple(x * before_a * lag for x in three())
    if element in ("50na", "51n"):
        i = (load[0] + level_a * lag, load[1], load[2])      # residual: exactly the level
    elif element == "46":
        i = tuple(x * lag for x in three(before_a, level_a))
    else:
        kind = rng.integers(3)
        big = tuple(x * level_a * lag for x in three())
        i = big if kind == 0 else (big[0], load[1], load[2]) if kind == 1 else (
            load[0], big[1], -big[1])
    return bay(healthy, healthy, 0, load), bay(healthy, healthy, 0, i)


def _over_current(name: str, element: str, curve: str, rng, kind: str) -> dict:
    """50, 50N, 46 definite; 51, 51N by a curve."""
    pick_ma = int(rng.integers(500, 1500))
    given: dict = {f"gr_{element}_ma": pick_ma}
    if kind == "pickup":
        lo, hi = 0.95 * pick_ma / 1000, 1.05 * pick_ma / 1000
        seed = rng.integers(1 << 30)
        start = _currents(element, np.random.default_rng(seed), lo, 0.1)[1]
        end = _currents(element, np.random.default_rng(seed), hi, 0.1)[1]
        fault = Fault(start, end, ramp_s=1.0, **_common(rng, _START_S + 1.1))
        return {"given": given | {f"gr_{element}_t_ms": 0}, "fault": fault, "x": 1.0, "want": 0.0,
                "allowed": PICK_PCT, "begin": -5.0, "end": 5.0, "late_s": 0.01}
    m = math.exp(rng.uniform(math.log(1.2), math.log(min(20.0, 20_000 / pick_ma))))
    if name == "50":
        m = max(m, 2.0)
    if element in ("50na", "51n", "46"):
        m = min(m, 10_000 / pick_ma)     # above, with a direct component, phases clip: no residual
    before, after = _currents(element, rng, m * pick_ma / 1000)
    if curve:
        want_s = rng.uniform(0.1, 1.5)
        tms = round(want_s / CURVES[curve](m) * 1000)
        tms = min(max(tms, 20), 2000 if curve.startswith("iec") else 15_000)
        want = CURVES[curve](m) * tms
        given |= {f"gr_{element}_curve": curve, f"gr_{element}_tms_m": tms}
    else:
        want = 0.0 if name == "50" else float(rng.integers(50, 800))
        given[f"gr_{element}_t_ms"] = int(want)
    dc = (rng.uniform(0, 1), rng.uniform(0.01, 0.06))
    fault = Fault(before, after, dc=dc, **_common(rng, _START_S + 0.2 + want * 1.1 / 1000))
    return {"given": given, "fault": fault, "x": m, "want": want,
            "allowed": FAST_MS[name] if name == "50" else _allowed(want)}


def _voltage(name: str, element: str, rng, kind: str) -> dict:
    """27, 59 of any phase; 59N; 47 of the negative sequence."""
    t_ms = int(rng.integers(60, 800))
    lag = np.exp(2j * math.pi * rng.uniform())
    pick_pm = {"27": rng.integers(400, 900), "59": rng.integers(1080, 1250),
               "59N": rng.integers(50, 500), "47": rng.integers(50, 220)}[name]
    sense = -1 if name == "27" else 1

    def level(u: float) -> tuple:
        if name in ("27", "59"):
            return bay(three(u), three())
        if name == "59N":
            return bay(three(), three(), u * lag)
        return bay(three(1.0, u * lag), three())

    u = pick_pm / 1000
    given = {f"gr_{element}_pm": int(pick_pm), f"gr_{element}_t_ms": t_ms}
    if name == "27":
        given["gr_dead_pm"] = 100
    if kind == "pickup":
        # from where it has reset: while it starts to measure, anything may have picked up
        a, b = u * (1 - 0.1 * sense), u * (1 + 0.03 * sense)
        fault = Fault(level(a), level(b), ramp_s=1.3, **_common(rng, _START_S + 1.4))
        return {"given": given, "fault": fault, "x": 1.0, "want": 0.0,
                "allowed": PICK_PCT, "begin": -10.0 * sense, "end": 3.0 * sense, "late_s": 0.02}
    x = rng.uniform(0.3, 0.95) if name == "27" else rng.uniform(1.03, 1.1 if name == "59" else 1.3)
    healthy = 1.0 if name in ("27", "59") else 0.0
    fault = Fault(level(healthy), level(u * x),
                  **_common(rng, _START_S + 0.2 + t_ms / 1000))
    return {"given": given, "fault": fault, "x": x, "want": float(t_ms),
            "allowed": _allowed(t_ms)}


def _frequency(name: str, element: str, rng, kind: str) -> dict:
    """81U, 81O: a step of up to 0.5 Hz or a ramp; 45 to 55 Hz."""
    sense = -1 if name == "81U" else 1
    set_mhz = int(rng.integers(45_300, 49_900) if sense < 0 else rng.integers(50_100, 54_700))
    f0 = set_mhz / 1000
    given = {f"gr_{element}_mhz": set_mhz, f"gr_{element}_t_ms": 0}
    phasors = bay(three(1.0, 0.01), three())
    rest = {"seconds": _START_S + 1.2, "turn": rng.uniform(), "harmonics": _harmonics(rng)}
    at = _START_S + rng.uniform(0, 0.02)
    if kind == "pickup":
        rate = 0.02 * sense
        fault = Fault(phasors, phasors, at_s=at, **rest, f_steps=(
            (0.0, f0 - 0.01 * sense, 0.0), (at, f0 - 0.01 * sense, rate)))
        return {"given": given, "fault": fault, "x": f0, "want": 0.0, "allowed": PICK[name],
                "begin": float(set_mhz), "late_s": 0.04}
    if rng.integers(2):
        beyond = rng.uniform(0.03, 0.25)
        fault = Fault(phasors, phasors, at_s=at, **rest, f_steps=(
            (0.0, f0 - rng.uniform(0.03, 0.25) * sense, 0.0), (at, f0 + beyond * sense, 0.0)))
    else:
        rate, lead = rng.uniform(0.5, 5.0), rng.uniform(0.05, 0.2)
        fault = Fault(phasors, phasors, at_s=at, **rest, f_steps=(
            (0.0, f0 - rate * lead * sense, 0.0),
            (at - lead, f0 - rate * lead * sense, rate * sense)))
    return {"given": given, "fault": fault, "x": f0, "want": 0.0, "allowed": FAST_MS[name]}


def _rocof(name: str, element: str, rng, kind: str) -> dict:
    set_mhzs = int(rng.integers(500, 3000))
    sense = int(rng.choice((-1, 1)))
    r0 = set_mhzs / 1000 * sense
    given = {f"gr_{element}_mhzs": set_mhzs, f"gr_{element}_t_ms": 0}
    phasors = bay(three(1.0, 0.01), three())
    rest = {"turn": rng.uniform(), "harmonics": _harmonics(rng)}
    if kind == "pickup":
        # grows by 0.2 Hz/s in a second
        start = r0 - 0.2 * sense
        begin = _START_S - 0.3
        f_start = 50.0 - r0 * 0.7
        fault = Fault(phasors, phasors, at_s=begin, seconds=_START_S + 1.4, **rest, f_steps=(
            (0.0, f_start, start), (begin, f_start + start * begin, start)), f_growth=0.2 * sense)
        return {"given": given, "fault": fault, "x": r0, "want": 0.0, "allowed": PICK[name],
                "begin": r0 * 1000, "late_s": 0.07}
    at = _START_S + rng.uniform(0, 0.02)
    f0 = rng.uniform(48, 52)
    fault = Fault(phasors, phasors, at_s=at, seconds=_START_S + 0.4, **rest, f_steps=(
        (0.0, f0, 0.0), (at, f0, r0 * rng.uniform(1.3, 2.5))))
    return {"given": given, "fault": fault, "x": r0, "want": 0.0, "allowed": FAST_MS[name]}


def _power(name: str, element: str, rng, kind: str) -> dict:
    sense = int(rng.choice((-1, 1)))
    set_mw = int(rng.integers(20_000, 300_000))
    turned = np.exp(-1j * math.radians(rng.uniform(-40, 40)))
    ip = set_mw / 1000 / (math.sqrt(3.0) * 100.0 * turned.real) * sense   # rms A at the setting
    given = {f"gr_{element}_mw": set_mw * sense}

    def level(part: float) -> tuple:
        return bay(three(), three(), 0, tuple(x * ip * part * turned for x in three()))

    if kind == "pickup":
        fault = Fault(level(0.97), level(1.03), ramp_s=1.0, **_common(rng, _START_S + 1.1))
        return {"given": given | {f"gr_{element}_t_ms": 0}, "fault": fault, "x": 1.0, "want": 0.0,
                "allowed": PICK_PCT, "begin": -3.0, "end": 3.0, "late_s": 0.02}
    t_ms = int(rng.integers(50, 800))
    x = rng.uniform(1.1, 4.0)
    fault = Fault(level(-0.5), level(x), **_common(rng, _START_S + 0.2 + t_ms / 1000))
    return {"given": given | {f"gr_{element}_t_ms": t_ms}, "fault": fault, "x": x,
            "want": float(t_ms), "allowed": _allowed(t_ms)}


def _jump(name: str, element: str, rng, _kind: str) -> dict:
    """A phase jump and a voltage dip are no frequency: nothing may operate. A third of them too
    small to be told as jumps."""
    given = {"gr_81r_mhzs": 1000, "gr_81r_t_ms": 0, "gr_81ua_mhz": 49_500, "gr_81ua_t_ms": 0,
             "gr_81o_mhz": 50_500, "gr_81o_t_ms": 0}
    healthy = bay(three(), three())
    dipped = bay(three(rng.uniform(0.55, 1.0)), three())
    most = 0.25 if rng.integers(3) else 0.015
    fault = Fault(healthy, dipped if most > 0.1 else healthy, jump=rng.uniform(-most, most),
                  **(_common(rng, _START_S + 0.6) | {
                      "f_steps": ((0.0, 50.0 + rng.uniform(-0.2, 0.2), 0.0),)}))
    return {"given": given, "fault": fault, "x": fault.jump * 360, "want": 0.0, "allowed": 0.0}


# function: (element, curve, maker, kinds)
FUNCTIONS: dict[str, tuple] = {
    "50": ("50a", "", _over_current, ("time", "pickup")),
    "50 definite": ("50b", "", _over_current, ("time", "pickup")),
    **{f"51 {curve}": ("51", curve, _over_current, ("time", "pickup")) for curve in CURVES},
    "50N": ("50na", "", _over_current, ("time", "pickup")),
    "51N iec_ni": ("51n", "iec_ni", _over_current, ("time", "pickup")),
    "46": ("46", "", _over_current, ("time", "pickup")),
    "27": ("27a", "", _voltage, ("time", "pickup")),
    "59": ("59a", "", _voltage, ("time", "pickup")),
    "59N": ("59n", "", _voltage, ("time", "pickup")),
    "47": ("47", "", _voltage, ("time", "pickup")),
    "81U": ("81ua", "", _frequency, ("time", "pickup")),
    "81O": ("81o", "", _frequency, ("time", "pickup")),
    "81R": ("81r", "", _rocof, ("time", "pickup")),
    "32": ("32", "", _power, ("time", "pickup")),
    "81U phase jump": ("81ua", "", _jump, ("still",)),
    "81O phase jump": ("81o", "", _jump, ("still",)),
    "81R phase jump": ("81r", "", _jump, ("still",)),
}


def cases(trials: int, seed: int, functions=None) -> list[Case]:
    """trials of each kind of each function (all, or those named); any one is the same whichever
    others are played."""
    found = []
    for n, (name, (element, curve, maker, kinds)) in enumerate(FUNCTIONS.items()):
        if functions and name not in functions:
            continue
        make: Callable = maker
        for k, kind in enumerate(kinds):
            for trial in range(trials):
                rng = np.random.default_rng([seed, n, k, trial])
                args = (name, element, curve, rng, kind) if maker is _over_current else (
                    name, element, rng, kind)
                found.append(Case(number=(n * 2 + k) * 1_000_000 + trial, function=name, kind=kind,
                                  element=element, **make(*args)))
    return found
