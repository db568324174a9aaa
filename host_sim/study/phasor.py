"""`slvg study phasor`: the recloser's phasor of side 1 against the P class of IEEE C37.118.1 at
50 Hz: steady states, ramps, modulations, steps.

Time: a phasor belongs to the middle of its window, frequency and its rate of change to the middle
of their fits, as a phasor measurement unit stamps them; what all three of an instant take until
they are known is `latency_ms`. Reports are every 5 ms. Limits: C37.118.1-2011 with amendment
2014a, tables 3, 5, 7 to 9. The unit is tested without a GPS clock: the sampler's own time is the
reference.
"""
import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from acu.dsp import bay
from host_sim.study import bay_batch
from host_sim.study.bay_batch import TICK_S
from host_sim.study.pool import spread
from host_sim.waveform import bay_codes
from host_sim.world.two_sided import Side, TwoSided, wrapped

FN_HZ = 50.0
# How long before the end of a tick the middles are: two-cycle window, fit of 7, fit of 19 windows
PHASOR_S = 81 / 4000
F_S = PHASOR_S + 3 * TICK_S
ROCOF_S = PHASOR_S + 9 * TICK_S
_SETTLE_S = 0.3
_AB_DEG = 30.0                   # the positive sequence is told as line voltage ab

# Test: TVE in %, FE in mHz, RFE in Hz/s (P class)
LIMITS = {"frequency": (1.0, 5.0, 0.4), "magnitude": (1.0, 5.0, 0.4), "harmonics": (1.0, 5.0, 0.4),
          "ramp": (1.0, 10.0, 0.4), "modulation of both": (3.0, 60.0, 2.3),
          "modulation of the angle": (3.0, 60.0, 2.3)}
STEADY = ("frequency", "magnitude", "harmonics")
# Response of TVE, FE, RFE (2, 4.5, 6 cycles); delay: a quarter of a report; overshoot in %
STEP_MS = (40.0, 90.0, 120.0)
DELAY_MS = 1000 * TICK_S / 4
OVERSHOOT_PCT = 5.0
_OFFSETS = 20                    # of a step within a tick


class Test(NamedTuple):
    """x: what the test varies. seconds: of which the first _SETTLE_S do not count."""

    kind: str
    x: float
    side: Side
    seconds: float = 0.8
    from_s: float = _SETTLE_S
    until_s: float = math.inf    # stamps from and to


class Errors(NamedTuple):
    """Of a test, in % , mHz, Hz/s: greatest."""

    kind: str
    x: float
    tve_pct: float
    fe_mhz: float
    rfe_hz_s: float


class Step(NamedTuple):
    """ms and % of a step."""

    what: str
    tve_ms: float
    fe_ms: float
    rfe_ms: float
    delay_ms: float
    overshoot_pct: float


def tests(full: bool) -> list[Test]:
    made = []
    for f in np.arange(48.0, 52.01, 0.1 if full else 0.5):
        for angle in ((0.0, 40.0, 80.0) if full else (40.0,)):
            made.append(Test("frequency", round(float(f), 2), Side(f_hz=float(f),
                                                                   angle_deg=angle)))
    for u in np.arange(0.8, 1.201, 0.05 if full else 0.1):
        made.append(Test("magnitude", round(100 * float(u)), Side(u_pu=float(u))))
    for h in range(2, 51):
        made.append(Test("harmonics", h, Side(harmonics=((h, 1.0, 30.0 * h, 70.0 * h),))))
    for rate in (1.0, -1.0):
        side = Side(f_hz=FN_HZ - 2 * rate, ramps=((0.5, 4.5, rate),))
        # the standard leaves out two reports at the ends of the ramp
        made.append(Test("ramp", rate, side, 4.6, 0.5 + 0.1, 4.4))
    for f_mod in ((0.1, 0.5, 1.0, 1.5, 2.0) if not full else np.arange(0.1, 2.01, 0.1)):
        for kind, mod_u in (("modulation of both", 0.1), ("modulation of the angle", 0.0)):
            side = Side(mod_hz=float(f_mod), mod_u=mod_u, mod_rad=0.1)
            made.append(Test(kind, round(float(f_mod), 2), side, _SETTLE_S + 0.1 + max(
                1.0, 1 / float(f_mod))))
    return made


class Reports(NamedTuple):
    """Of a play, by tick: stamps of the phasor, of f, of the rate; phasor in pu against the
    nominal reference; mHz off nominal, Hz/s."""

    t: np.ndarray
    t_f: np.ndarray
    t_rocof: np.ndarray
    phasor: np.ndarray
    f_mhz: np.ndarray
    rocof_hz_s: np.ndarray


def reports(q: np.ndarray) -> Reports:
    end = (np.arange(len(q)) + 1) * TICK_S
    turn = q[:, bay.TH1] / 2**24
    return Reports(end - PHASOR_S, end - F_S, end - ROCOF_S,
                   q[:, bay.U1] / 1e4 * np.exp(2j * math.pi * turn),
                   q[:, bay.F1].astype(float), q[:, bay.DF1] / 1e3)


def true_phasor(side: Side, t: np.ndarray) -> np.ndarray:
    turns = side.cycles(t) - FN_HZ * t + _AB_DEG / 360
    return side.pu(t) * np.exp(2j * math.pi * turns)


def played(side: Side, seconds: float, front: str, seed: Sequence[int]) -> Reports:
    rng = np.random.default_rng(seed)
    # the other side is there, so that nothing depends on its being dead
    world = TwoSided(side, Side())
    codes = bay_batch.played(world, seconds, bay_codes.FRONTS[front], rng)
    return reports(bay_batch.of_process(json.dumps(bay_batch.settings())).rows(codes))


def errors(test: Test, got: Reports) -> Errors:
    def counted(t: np.ndarray) -> np.ndarray:
        return (t >= test.from_s) & (t <= test.until_s)

    side, most = test.side, lambda x: float(np.abs(x).max())
    at, at_f, at_r = counted(got.t), counted(got.t_f), counted(got.t_rocof)
    true = true_phasor(side, got.t[at])
    return Errors(test.kind, test.x, most((got.phasor[at] - true) / np.abs(true)) * 100,
                  most(got.f_mhz[at_f] - 1e3 * side.hz(got.t_f[at_f])),
                  most(got.rocof_hz_s[at_r] - side.hz_s(got.t_rocof[at_r])))


_STEPS = {"magnitude +10 %": 0.1, "magnitude -10 %": -0.1, "angle +10 deg": 10.0,
          "angle -10 deg": -10.0}


def step(what: str, front: str, seed: int) -> Step:
    """Many steps at moments spread over a tick, seen together on the time since the step."""
    size = _STEPS[what]
    tve: list = []
    fe: list = []
    rfe: list = []
    path: list = []
    for k in range(_OFFSETS):
        at = 0.5 + TICK_S * k / _OFFSETS
        side = Side(u_steps=((at, size),)) if abs(size) < 1 else Side(jumps=((at, size),))
        got = played(side, 0.9, front, (seed, 99, k))
        some = got.t > _SETTLE_S
        true = true_phasor(side, got.t)
        value = np.abs(got.phasor) if abs(size) < 1 else wrapped(
            np.degrees(np.angle(got.phasor)) - _AB_DEG)
        start = 1.0 if abs(size) < 1 else 0.0
        path += list(zip(got.t[some] - at, (value[some] - start) / size, strict=True))
        tve += list(zip(got.t[some] - at, 100 * (np.abs(got.phasor - true) / np.abs(true))[some],
                        strict=True))
        for stamps, off, to in ((got.t_f, got.f_mhz - 50_000, fe),
                                (got.t_rocof, got.rocof_hz_s, rfe)):
            some = stamps > _SETTLE_S
            to += list(zip(stamps[some] - at, np.abs(off[some]), strict=True))
    path.sort()
    t, x = np.array(path).T
    crossing = t[np.argmax(x >= 0.5)]
    over = max(float(x.max()) - 1, -float(x.min())) * 100
    return Step(what, _beyond(tve, 1.0), _beyond(fe, 5.0), _beyond(rfe, 0.4),
                1000 * abs(float(crossing)), max(over, 0.0))


def _beyond(points: list, limit: float) -> float:
    """ms from the first to the last point outside of the limit."""
    outside = [t for t, x in points if x > limit]
    return 1000 * (max(outside) - min(outside)) if outside else 0.0


def _one(work: tuple) -> Errors | Step:
    n, test, front, seed = work
    if isinstance(test, str):
        return step(test, front, seed)
    return errors(test, played(test.side, test.seconds, front, (seed, n)))


def run(front: str, full: bool, seed: int, jobs: int,
        progress: Callable[[int, int], None] = lambda done, of: None) -> list[Errors | Step]:
    """Raises VmError, NoMicroPython."""
    work: list[tuple] = [(n, test, front, seed) for n, test in enumerate(tests(full))]
    work += [(0, what, front, seed) for what in _STEPS]
    found: list[Errors | Step] = []
    progress(0, len(work))
    for one in spread(_one, work, jobs):
        found.append(one)
        progress(len(found), len(work))
    return sorted(found, key=lambda one: (isinstance(one, Step), str(one[0]), one[1]))


def figures(results: Sequence[Errors | Step], front: str) -> dict:
    """tve_max_pct, fe_max_mhz, rfe_max_hz_s are of the steady states, where the limits are the
    same; each other test has its own."""
    plain = [one for one in results if isinstance(one, Errors)]
    steps = [one for one in results if isinstance(one, Step)]
    kinds: dict[str, Any] = {}
    missed = []
    for kind, limits in LIMITS.items():
        some = [one for one in plain if one.kind == kind]
        worst = [round(max(getattr(one, key) for one in some), 4) for key in Errors._fields[2:]]
        kinds[kind] = dict(zip(("tve_pct", "fe_mhz", "rfe_hz_s"), worst, strict=True))
        missed += [f"{kind}: {key} = {value:g}, at most {limit:g}" for (key, value), limit
                   in zip(kinds[kind].items(), limits, strict=True) if value > limit]
    worst_step = [round(max(getattr(one, key) for one in steps), 3) for key in Step._fields[1:]]
    for key, value, most in zip(Step._fields[1:], worst_step,
                                (*STEP_MS, DELAY_MS, OVERSHOOT_PCT), strict=True):
        if value > most:
            missed.append(f"step: {key} = {value:g}, at most {most:g}")
    return {"front_end": front, "tests": len(results),
            "tve_max_pct": max(kinds[k]["tve_pct"] for k in STEADY),
            "fe_max_mhz": max(kinds[k]["fe_mhz"] for k in STEADY),
            "rfe_max_hz_s": max(kinds[k]["rfe_hz_s"] for k in STEADY),
            "step_ms": worst_step[0], "step_f_ms": worst_step[1], "step_rocof_ms": worst_step[2],
            "step_delay_ms": worst_step[3], "step_overshoot_pct": worst_step[4],
            "latency_ms": round(1000 * ROCOF_S, 2), "by_test": kinds,
            "goals_missed": missed}
