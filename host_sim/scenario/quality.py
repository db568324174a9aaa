"""Voltage quality along a feeder: the truth of the world against what the Operators report.

EN 50160 looks at 10-minute means: sqrt of the mean square, here of the phase that the customer is
connected to, interruptions left out. A run shorter than that is one period. Reports are the `meas`
messages of the Operators themselves.
"""
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from host_sim.scenario.plan import Scenario
from host_sim.scenario.result import RunResult

PERIOD_US = 600_000_000
_BAND_PCT = 10.0
_DARK_PU = 0.05          # below it is an interruption
REPORT_US = 400_000      # a report is of a window that ended less than that before
_U_DV = re.compile(rb'"u_dV":\[(\d+),(\d+),(\d+)\]')


@dataclass
class Report:
    """What an Operator said of his three voltages."""

    t_us: int
    customer: int            # row of StreetSpec.customers
    u_v: tuple


def reports(result: RunResult, scenario: Scenario) -> list[Report]:
    """The Operators' own `meas`, in order of time."""
    row = {c.id: n for n, c in enumerate(scenario.street.customers)}
    of = {a.id: row[a.customer] for a in scenario.operators()}
    found = []
    for t_us, sender, topic, payload in result.bus:
        if sender in of and topic.endswith("/meas"):
            match = _U_DV.search(payload)
            if match:
                found.append(Report(t_us, of[sender], tuple(int(u) / 10 for u in match.groups())))
    return found


def quality(result: RunResult, scenario: Scenario) -> dict[str, Any]:
    """Figures of voltage quality; {} on a street without a feeder."""
    states = result.record.voltages
    if not states or not result.run_us:
        return {}
    un_v = scenario.street.un_v
    begins = np.array([state.t_us for state in states], dtype=np.int64)
    told = reports(result, scenario)
    ends = np.append(begins[1:], result.run_us)
    true_v, u2, u0 = _means(states, begins, ends, result.run_us, un_v)
    told_v = _told_means(told, states, begins, true_v.shape, un_v)
    errors = _errors(told, states, begins)
    return {
        "u_min_v": _rounded(np.nanmin(true_v, initial=np.inf)),
        "u_max_v": _rounded(np.nanmax(true_v, initial=-np.inf)),
        "u_in_band_pct": _share(true_v, un_v),
        "u_in_band_reported_pct": _share(told_v, un_v),
        "u2_max_pct": _rounded(u2.max()), "u0_max_pct": _rounded(u0.max()),
        "reports": len(told),
        "dv_report_max_v": _rounded(errors.max()) if len(errors) else None,
        "dv_report_rms_v": _rounded(np.sqrt(np.mean(errors ** 2))) if len(errors) else None,
    }


def _rounded(x) -> float | None:
    return round(float(x), 3) if np.isfinite(x) else None


def _share(means: np.ndarray, un_v: float) -> float | None:
    """Share of the customers' periods inside the band, %."""
    there = means[np.isfinite(means)]
    inside = np.abs(there / un_v - 1.0) <= _BAND_PCT / 100.0
    return round(100.0 * float(inside.mean()), 2) if len(there) else None


def own_v(state) -> np.ndarray:
    """Voltage of each customer's own phase, nan where he is not connected."""
    rows = np.arange(len(state.phase))
    return np.where(state.phase >= 0, state.u_v[rows, state.phase], np.nan)


def _means(states: list, begins: np.ndarray, ends: np.ndarray, run_us: int, un_v: float):
    """(10-minute means [periods x customers], nan where dark all the time; u2 %, u0 %)"""
    periods = max(1, run_us // PERIOD_US)
    length = PERIOD_US if run_us >= PERIOD_US else run_us
    squares = np.zeros((periods, len(states[0].phase)))
    times = np.zeros_like(squares)
    unbalance = np.zeros((periods, 2))
    for state, begin, end in zip(states, begins.tolist(), ends.tolist(), strict=True):
        u = np.nan_to_num(own_v(state).astype(np.float64))
        lit = u >= _DARK_PU * un_v
        for period in range(begin // length, min(-(-end // length), periods)):
            dt = min(end, (period + 1) * length) - max(begin, period * length)
            squares[period] += np.where(lit, u * u, 0.0) * dt
            times[period] += lit * dt
            unbalance[period] += np.array(state.unbalance_pct) * (dt / length)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(squares / times), unbalance[:, 0], unbalance[:, 1]


def _state_at(begins: np.ndarray, t_us: int) -> int:
    return max(int(np.searchsorted(begins, t_us, side="right")) - 1, 0)


def _told_means(told: list[Report], states: list, begins: np.ndarray, shape: tuple, un_v: float):
    """The same means from reports: each stands for its moment."""
    squares, counts = np.zeros(shape), np.zeros(shape)
    for report in told:
        phase = states[_state_at(begins, report.t_us)].phase[report.customer]
        period = report.t_us // PERIOD_US if shape[0] > 1 else 0
        if phase >= 0 and period < shape[0] and report.u_v[phase] >= _DARK_PU * un_v:
            squares[period, report.customer] += report.u_v[phase] ** 2
            counts[period, report.customer] += 1
    with np.errstate(invalid="ignore"):
        return np.sqrt(squares / counts)


def _errors(told: list[Report], states: list, begins: np.ndarray) -> np.ndarray:
    """How far each reported voltage lies outside of what was true since shortly before it."""
    errors = []
    for report in told:
        span = states[_state_at(begins, report.t_us - REPORT_US):
                      _state_at(begins, report.t_us) + 1]
        true = np.array([state.u_v[report.customer] for state in span])
        said = np.array(report.u_v)
        errors.append(np.maximum(np.maximum(true.min(axis=0) - said, said - true.max(axis=0)),
                                 0.0))
    return np.array(errors).reshape(-1)
