"""`slvg study accuracy`: the meter's errors over current, power factor, voltage, frequency,
harmonics, unbalance, noise, temperature, against the class limits and the study's goals.

Cases are made here, measured on accuracy_bench.py, judged here; accuracy_report.py writes them
down. Errors: P, I in % of the true value, U in % of Udin, Q in % of U * I, f in mHz, u2 in points
of percent. A reading is an average over 10 s; `spread` is the standard deviation of its single
windows. Limits: IEC 62053-22 (0.2S, 0.5S) and 62053-21 (1); the numerical part of a class, no type
test.
"""
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from acu.functions import adc_table
from host_sim.study import accuracy_bench as bench
from host_sim.study.accuracy_bench import I_MAX_A, UN_V, Front, Load
from host_sim.study.pool import spread
from host_sim.waveform import adc

PF = {"1": 0.0, "0.5i": math.acos(0.5), "0.8c": -math.acos(0.8)}
CURRENTS_PCT = (100, 50, 20, 10, 5, 2, 1)
NOISES_LSB = (0.0, 0.5, 1.0, 2.0)
U_THD8 = ((5, 0.06, 0.0), (7, 0.05, math.pi), (11, 0.015, 0.0), (13, 0.01, 1.0))
I_THD27 = ((3, 0.2, math.pi), (5, 0.15, 0.3), (7, 0.1, 2.0))

# From so many percent of full current on: limit in %; at PF 1, and at 0.5i and 0.8c.
LIMITS = {
    "0.2S": (((1, 0.4), (5, 0.2)), ((2, 0.5), (10, 0.3))),
    "0.5S": (((1, 1.0), (5, 0.5)), ((2, 1.0), (10, 0.6))),
    # at every power factor what the standard asks at 1, so it is stricter than that
    "1": (((2, 1.5), (5, 1.0)), ((2, 1.5), (5, 1.0))),
}


@dataclass(frozen=True)
class Case:
    group: str
    x: float                     # what the group varies
    pct: float                   # of full current
    load: Load
    pfs: tuple = ("1", "0.5i", "0.8c")
    front: str = ""              # "": the study's; else one of `fronts`


@dataclass(frozen=True)
class Result:
    """Errors of one pair of channels in one case; `_spread` and `_window`: of single windows."""

    group: str
    x: float
    pct: float
    pf: str
    phase: str
    noise_lsb: float
    f_hz: float
    p_pct: float
    p_spread_pct: float
    q_pct: float
    u_pct: float
    u_window_pct: float
    i_pct: float
    i_spread_pct: float
    f_mhz: float
    f_window_mhz: float
    u2_pct: float


def limit(cls: str, pf: str, pct: float) -> float | None:
    """In %; None: the class says nothing there."""
    found = None
    for least, value in LIMITS[cls][pf != "1"]:
        if pct >= least:
            found = value
    return found


def _load(pct: float, turn: int = 0, **more) -> tuple[Load, tuple]:
    """Three equal currents at the three power factors, in the turn-th order."""
    pfs = tuple(list(PF)[(k + turn) % 3] for k in range(3))
    load = Load(i_a=(I_MAX_A * pct / 100,) * 3, phi=tuple(PF[pf] for pf in pfs), **more)
    return load, pfs


def _noises(ideal: bool) -> tuple:
    return (0.5,) if ideal else NOISES_LSB


def cases(ideal: bool, full: bool) -> list[Case]:
    """All of a study. An ideal converter has its currents at half a code of noise, others at all
    noises that a class is judged with."""
    made: list[Case] = []

    def add(group, x, pct, turn=0, front="", **more):
        load, pfs = _load(pct, turn, **more)
        made.append(Case(group, x, pct, load, pfs, front))

    currents = (*CURRENTS_PCT, *((110, 80, 35, 15, 7, 3, 1.5) if full else ()))
    turns = 3 if full or not ideal else 1
    for n, noise in enumerate(_noises(ideal)):
        for pct in currents:
            for turn in range(turns):
                add("current", pct, pct, turn + n, noise_lsb=noise)
    some = (100, 20, 5)
    step = 1000 if full else 2500
    for f in (*range(45_000, 65_001, step), 49_870, 50_130):
        for n, pct in enumerate(some):
            add("frequency", f / 1000, pct, n, f_mhz=f, fn_mhz=50_000 if f < 55_000 else 60_000)
    for n, u in enumerate((10, 20, 40, 60, 80, 90, 100, 110, 120, 130, 150)):
        add("voltage", u, 50, n, u_v=(UN_V * u / 100,) * 3)
    if full:
        for n, u in enumerate((10, 50, 90, 100, 110, 150)):
            add("voltage", u, 50, n, u_v=(127 * u / 100,) * 3, un_v=127.0, f_mhz=60_000,
                fn_mhz=60_000)
    for n, pct in enumerate(some):
        add("harmonics", 8, pct, n, u_harmonics=U_THD8)
        add("harmonics", 27, pct, n, u_harmonics=U_THD8, i_harmonics=I_THD27)
        add("harmonics", 27, pct, n, u_harmonics=U_THD8, i_harmonics=I_THD27, f_mhz=49_870)
    made += _unbalanced()
    for n, noise in enumerate(NOISES_LSB):
        for pct in some:
            add("noise", noise, pct, n, noise_lsb=noise)
    for n, jitter in enumerate((100, 1000, 5000)):
        add("jitter", jitter, 20, n, jitter_ns=float(jitter))
    for n, t in enumerate((-25, 0, 23, 40, 55)):
        for pct in (100, 5):
            add("temperature", t, pct, n, "warm", temperature_c=float(t))
    for n, pct in enumerate(CURRENTS_PCT):
        add("transformer, one point", pct, pct, n, "bent")
        add("transformer, table", pct, pct, n, "bent, swept")
    if full:
        for offset in (-60, -20, 20, 60):
            for pct in CURRENTS_PCT:
                add("offset", offset, pct, offset // 20, offset=float(offset))
    return made


def _unbalanced() -> Iterator[Case]:
    third = 2 * math.pi / 3
    for u, turn in (((1.0, 1.0, 1.0), 0.0), ((1.0, 0.97, 1.02), 0.01), ((0.95, 1.0, 1.03), -0.02),
                    ((1.0, 0.9, 0.9), 0.03)):
        load, pfs = _load(100)
        load = replace(load, u_v=tuple(UN_V * x for x in u), shift=(0.0, -third + turn, third),
                       i_a=(I_MAX_A, 0.2 * I_MAX_A, 0.05 * I_MAX_A))
        yield Case("unbalance", round(load.truth()["u2_pct"], 2), 100, load, pfs)


def measured(case: Case, seed: int, fronts: dict) -> list[Result]:
    front, cal = fronts[case.front]
    load = case.load
    readings = bench.measured(load, front, cal, seed)
    truth = load.truth()
    s = truth["u_v"] * truth["i_a"]
    p = 100 * (readings.mean("p_w") / truth["p_w"] - 1)
    p_spread = 100 * readings.p_w.std(axis=0) / abs(truth["p_w"])
    q = 100 * (readings.mean("q_var") - truth["q_var"]) / s
    u = 100 * (readings.mean("u_v") - truth["u_v"]) / load.un_v
    u_window = 100 * abs(readings.u_v - truth["u_v"]).max(axis=0) / load.un_v
    i = 100 * (readings.mean("i_a") / truth["i_a"] - 1)
    i_spread = 100 * readings.i_a.std(axis=0) / truth["i_a"]
    f = float(readings.mean("f_mhz") - load.f_mhz)
    f_window = float(abs(readings.f_mhz - load.f_mhz).max())
    u2 = float(readings.mean("u2_pct") - truth["u2_pct"])
    pcts = [100 * i_a / I_MAX_A for i_a in load.i_a]
    return [Result(case.group, case.x, round(pcts[k], 4), case.pfs[k], "ABC"[k], load.noise_lsb,
                   load.f_mhz / 1000, float(p[k]), float(p_spread[k]), float(q[k]), float(u[k]),
                   float(u_window[k]), float(i[k]), float(i_spread[k]), f, f_window, u2)
            for k in range(3)]


def _numbered(work: tuple, fronts: dict, seed: int) -> tuple:
    n, case = work
    return n, measured(case, seed + 1000 + n, fronts)


class NotLearned(ValueError):
    """The converter cannot be corrected or calibrated; its text says why."""


def _front(front_end: str, curve: adc.Curve | None, correction: str) -> Front:
    """Raises NotLearned."""
    if curve is None and front_end == "rp2040":
        curve = adc.Curve("rp2040", adc.rp2040(), adc.rp2040())
    table = None
    if correction == "general":
        table = adc_table.general()
    elif correction == "own":
        if curve is None:
            raise NotLearned("E152 study: an ideal converter has nothing to correct. Leave "
                             "--correction out, or choose --front-end rp2040.")
        try:
            table = bench.own_table(curve)
        except ValueError as e:
            raise NotLearned(str(e)) from e
    return (Front("ideal", None, table) if curve is None
            else Front(curve.name, curve.sum_b, table))


def run(front_end: str, curve: adc.Curve | None, correction: str, full: bool, seed: int, jobs: int,
        progress: Callable = lambda done, of: None) -> tuple[list[Result], Front]:
    """All cases; the same for any number of jobs. Raises NotLearned."""
    front = _front(front_end, curve, correction)
    warm = replace(front, gain_ppm_k=15.0, offset_lsb_k=0.1, lead_urad_k=5.0)
    bent = replace(front, lead_urad=(8000.0, 1500.0))
    every = cases(front.sums is None, full)
    wanted = {case.front for case in every}
    try:
        cal = bench.calibrated(front, seed)
        fronts = {"": (front, cal), "warm": (warm, cal)}
        if "bent" in wanted:
            fronts["bent"] = (bent, bench.calibrated(bent, seed))
        if "bent, swept" in wanted:
            parts = (1.0, 0.3, 0.1, 0.03, 0.015)
            fronts["bent, swept"] = (bent, bench.calibrated(bent, seed, parts))
    except ValueError as e:
        raise NotLearned(str(e)) from e
    found: list = []
    progress(0, len(every))
    for one in spread(partial(_numbered, fronts=fronts, seed=seed), enumerate(every), jobs):
        found.append(one)
        progress(len(found), len(every))
    found.sort(key=lambda one: one[0])
    return [result for _, results in found for result in results], front


def _worst(results: Iterable[Result], what: str, digits: int = 4) -> float | None:
    values = [abs(getattr(r, what)) for r in results]
    return round(max(values), digits) if values else None


def class_points(results: list[Result], cls: str, from_pct: float = 0.0) -> list[tuple]:
    """(result, limit) of every reading that the class judges."""
    points = []
    for r in results:
        bound = limit(cls, r.pf, r.pct)
        if r.group == "current" and bound is not None and r.pct >= from_pct:
            points.append((r, bound))
    return points


def passes(results: list[Result], cls: str, from_pct: float = 0.0) -> bool:
    return all(abs(r.p_pct) <= bound for r, bound in class_points(results, cls, from_pct))


def by_current(results: list[Result]) -> dict[str, float | None]:
    of = [r for r in results if r.group == "current"]
    pcts = sorted({r.pct for r in of}, reverse=True)
    return {f"{pct:g}": _worst((r for r in of if r.pct == pct), "p_pct") for pct in pcts}


def figures(results: list[Result], name: str, correction: str, per_current: bool) -> dict:
    """per_current: p_err_max_pct is by current (of a curve), else the worst from 5 % on."""
    plain = [r for r in results if r.group in ("current", "frequency")]
    from_5 = [r for r in plain if r.pct >= 5]
    live = [r for r in results if not (r.group == "voltage" and r.x < 20)]
    worst_p = _worst(from_5, "p_pct")
    volts = [*plain, *(r for r in results if r.group == "voltage")]
    found: dict = {
        "front_end": name, "correction": correction, "readings": len(results),
        "p_err_max_pct": by_current(results) if per_current else worst_p,
        "p_err_from_5_pct": worst_p,
        "p_spread_from_5_pct": _worst(from_5, "p_spread_pct"),
        "q_err_from_5_pct": _worst(from_5, "q_pct"),
        "u_err_max_pct": _worst(volts, "u_pct"),
        "u_window_err_max_pct": _worst(volts, "u_window_pct"),
        "i_err_max_pct": _worst((r for r in plain if r.pct >= 2), "i_pct"),
        "f_err_max_mhz": _worst(live, "f_mhz"),
        "f_window_err_max_mhz": _worst(live, "f_window_mhz"),
        "u2_err_max_pct": _worst((r for r in results if r.group == "unbalance"), "u2_pct"),
    }
    for cls in LIMITS:
        found[f"class_{cls.replace('.', '').lower()}_pass"] = passes(results, cls)
    found["class_1_from_5_pass"] = passes(results, "1", 5.0)
    groups = dict.fromkeys(r.group for r in results)
    found["p_err_of_group_pct"] = {group: _worst((r for r in results if r.group == group),
                                                 "p_pct") for group in groups}
    warm = [r for r in results if r.group == "temperature"]
    if warm:
        found["p_drift_max_pct_k"] = round(max(
            abs(r.p_pct) / abs(r.x - 23) for r in warm if r.x != 23), 4)
    return found

