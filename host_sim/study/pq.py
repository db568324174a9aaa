"""Power quality by the meter's firmware against IEC 61000-4-30 and its own goals, in four parts:
windows (accuracy), events with their latencies, a day without a false operation, an EN 50160 week.
"""
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from acu.functions import voltage_events as ve
from host_sim.study import accuracy_bench as bench
from host_sim.study import en50160, pq_accuracy, pq_day, pq_events, pq_week
from host_sim.study.pool import spread
from host_sim.study.pq_week import Week

PARTS = ("accuracy", "events", "day", "week")

# What must be met: key, most
GOALS = {
    "u_err_max_pct": 0.1, "u2_err_max_pct": 0.15, "f_err_max_mhz": 10.0,
    "residual_err_max_pct": 0.2, "duration_err_max_cycles": 1.0, "loss_latency_max_ms": 15.0,
    "interruption_latency_max_ms": 30.0, "dip_latency_max_ms": 25.0, "fast_latency_max_ms": 7.0,
    "fast_dip_latency_max_ms": 10.0, "false_operations": 0, "false_events": 0,
    "events_missed": 0, "events_too_many": 0, "phases_wrong": 0,
    "week_events_wrong": 0,
}
LATENCY_NAMES = {"loss": "loss_latency_max_ms", "interruption": "interruption_latency_max_ms",
          "told": "interruption_told_max_ms", "fast": "fast_latency_max_ms",
          "dip": "dip_latency_max_ms", "fast_dip": "fast_dip_latency_max_ms"}
_RIGS, _RIGS_FULL = 8, 80        # of each wave
_LATENCIES, _CASES = 12, 8       # of each rig
_NOISE_LSB = 0.5                 # at which the residual must be right
_DAYS_FULL = 7

Progress = Callable[[str], Callable[[int, int], None]]


class Latencies(NamedTuple):
    """wave: its name; ms by name."""

    wave: str
    ms: dict


@dataclass
class Results:
    rows: list[dict] = field(default_factory=list)
    latencies: list[Latencies] = field(default_factory=list)
    cases: list[pq_events.Case] = field(default_factory=list)
    day: list[pq_day.Outcome] = field(default_factory=list)
    week: Week | None = None


def _onsets(work: tuple) -> tuple:
    """One rig: latencies and cases share nothing but the kind of wave."""
    wave, seed = work
    cases = []
    for noise_lsb in dict.fromkeys((_NOISE_LSB, wave.noise_lsb)):
        one = pq_events.Onsets(wave._replace(noise_lsb=noise_lsb), _CASES, seed)
        cases += pq_events.cases(one)
    return (Latencies(wave.name, pq_events.latencies(pq_events.Onsets(wave, _LATENCIES, seed))),
            cases)


def _collected(work: Callable, items: Sequence, jobs: int,
               progress: Callable[[int, int], None]) -> list:
    found = []
    for one in spread(work, items, jobs):
        found.append(one)
        progress(len(found), len(items))
    return found


def run(parts: Sequence[str], full: bool, hours: float, seed: int, jobs: int,
        progress: Progress) -> Results:
    """hours: of the day; more than 24 are more days. progress: given what is done, gives whom to
    tell how far."""
    results = Results()
    if "accuracy" in parts:
        cal = pq_accuracy.prepare(seed)
        work = [(load, cal, seed + k) for k, load in enumerate(pq_accuracy.loads(full, seed))]
        results.rows = sorted(_collected(pq_accuracy.row, work, jobs, progress("states measured")),
                              key=str)
    if "events" in parts:
        rigs = [(wave, seed * 100_000 + k * len(pq_events.WAVES) + j)
                for k in range(_RIGS_FULL if full else _RIGS)
                for j, wave in enumerate(pq_events.WAVES)]
        for latencies, cases in sorted(_collected(_onsets, rigs, jobs, progress("meters struck")),
                                       key=str):
            results.latencies.append(latencies)
            results.cases += cases
    if "day" in parts:
        count = max(1, round(hours * 3600 / pq_day.STRETCH_S))
        # fewer than a day's: spread over the day
        step = max(1.0, pq_day.DAY / count)
        stretches = [pq_day.Stretch(seed, int(k * step)) for k in range(count)]
        results.day = pq_day.run(stretches, jobs, progress("stretches of the day"))
    if "week" in parts:
        results.week = pq_week.run(seed, jobs, progress=progress("intervals of the week"))
    return results


def hours_of(full: bool, hours: float | None) -> float:
    return hours if hours is not None else 24.0 * (_DAYS_FULL if full else 1)


def figures(results: Results) -> dict:
    """Keys of the parts that were run; None: something was not seen at all."""
    found: dict[str, Any] = {}
    if results.rows:
        found |= {key: _rounded(value) for key, value in
                  pq_accuracy.figures(results.rows).items()}
    if results.latencies:
        found |= _latency_figures(results.latencies)
        found |= {key: _rounded(value) for key, value in
                  pq_events.figures(results.cases).items()}
    if results.day:
        found |= pq_day.figures(results.day)
    if results.week:
        found["week"] = week_figures(results.week)
        found["week_events_wrong"] = sum(
            abs(found["week"][kind] - found["week"][kind + "_drawn"])
            for kind in ("dips", "swells", "interruptions", "rapid_changes"))
    goals = {key: bound for key, bound in GOALS.items() if key in found}
    found["goals_missed"] = [key for key, bound in goals.items()
                             if found[key] is None or found[key] > bound]
    return found


def _rounded(value: float | None) -> float | int | None:
    if value is None or isinstance(value, int):
        return value
    return round(float(value), 5) if math.isfinite(value) else None


def _latency_figures(latencies: list[Latencies]) -> dict:
    """At 50 Hz with sine and with harmonics; other frequencies beside them."""
    found: dict[str, Any] = {"onsets": sum(len(one.ms["loss"]) for one in latencies)}
    near = [one for one in latencies if one.wave.startswith("50 Hz")]
    for name, key in LATENCY_NAMES.items():
        found[key] = _rounded(max(max(one.ms[name]) for one in near))
    found["latency_ms"] = {
        wave: {name: _rounded(max(max(one.ms[name]) for one in latencies if one.wave == wave))
               for name in LATENCY_NAMES} for wave in dict.fromkeys(one.wave for one in latencies)}
    return found


class Verdict(NamedTuple):
    """A row of EN 50160: the worst phase."""

    row: en50160.Row
    phase: str


def verdicts(week: Week) -> list[Verdict]:
    found = []
    for name, limits in en50160.limits(bench.UN_V).items():
        values = week.values[name]
        columns = values.reshape(len(values), -1).T
        for limit in limits:
            rows = [Verdict(en50160.judge(limit, column), "ABC"[k] if len(columns) == 3 else "")
                    for k, column in enumerate(columns)]
            found.append(min(rows, key=lambda one: (one.row.ok, one.row.inside_pct,
                                                    -one.row.most)))
    return found


def week_figures(week: Week) -> dict:
    """With the meter's 10-minute values against what was simulated."""
    u_v = np.array([state.u_v for state in week.states])
    thd = np.array([math.sqrt(sum(pct**2 for _, pct, _ in state.harmonics))
                    for state in week.states])
    got = week.values
    kinds = [kind for _, kind, *_ in week.told]
    drawn = [event.kind for event in week.events]
    rows = verdicts(week)
    return {
        "intervals": len(got["u_v"]),
        "flagged": week.flagged,
        "u_10min_err_max_pct": _rounded(
            float(np.nanmax(np.abs(got["u_v"] - u_v))) / bench.UN_V * 100),
        "thd_10min_err_max_pct": _rounded(float(np.nanmax(np.abs(got["thd_pct"].T - thd)))),
        "u_95_v": [round(rows[2].row.least, 2), round(rows[2].row.most, 2)],
        "thd_95_pct": _rounded(next(one.row.most for one in rows if "THD" in one.row.limit.what)),
        "u2_95_pct": _rounded(next(one.row.most for one in rows if "u2" in one.row.limit.what)),
        # an interruption is a dip as well; a rapid change goes and comes back
        "dips": kinds.count(ve.DIP) - kinds.count(ve.INTERRUPTION),
        "dips_drawn": drawn.count(ve.DIP),
        "swells": kinds.count(ve.SWELL),
        "swells_drawn": drawn.count(ve.SWELL),
        "interruptions": kinds.count(ve.INTERRUPTION),
        "interruptions_drawn": drawn.count(ve.INTERRUPTION),
        "rapid_changes": kinds.count(ve.RVC),
        "rapid_changes_drawn": 2 * drawn.count(ve.RVC),
        "en50160_pass": all(one.row.ok for one in rows),
        "en50160_failed": [one.row.limit.what for one in rows if not one.row.ok],
    }
