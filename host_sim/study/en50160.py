"""EN 50160 for a low-voltage supply with a connection to the grid: limits of a week, the tables of
its events. Knows no firmware: arrays of 10-minute values in, rows of a table out.

Limits from EN 50160:2010, clause 4; flicker is not measured here.
"""
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Share of the fundamental that 95 % of the 10-minute values must not exceed, % (table 1)
HARMONICS_PCT = {2: 2.0, 3: 5.0, 4: 1.0, 5: 6.0, 6: 0.5, 7: 5.0, 8: 0.5, 9: 1.5, 10: 0.5, 11: 3.5,
                 12: 0.5, 13: 3.0, 14: 0.5, 15: 0.5, 16: 0.5, 17: 2.0, 18: 0.5, 19: 1.5, 20: 0.5,
                 21: 0.5, 22: 0.5, 23: 1.5, 24: 0.5, 25: 1.5}

# Classes of events: residual in % of Udin from .. to below, duration up to, ms (tables 2 and 3)
RESIDUALS_PCT = ((80, 90), (70, 80), (40, 70), (5, 40), (0, 5))
DIP_MS = (200, 500, 1000, 5000, 60_000)
SWELLS_PCT = ((120, math.inf), (110, 120))
SWELL_MS = (500, 5000, 60_000)


class Limit(NamedTuple):
    """In `share` % of the values: low <= value <= high."""

    what: str
    unit: str
    share: float
    low: float
    high: float


class Row(NamedTuple):
    """The range that holds `share` of the values, and how many are inside the limits."""

    limit: Limit
    least: float
    most: float
    inside_pct: float
    ok: bool


def judge(limit: Limit, values: np.ndarray) -> Row:
    """values: those that count, any shape; NaN does not."""
    x = np.sort(values[~np.isnan(values)])
    if not len(x):
        return Row(limit, math.nan, math.nan, math.nan, False)
    inside = 100 * float(np.mean((x >= limit.low) & (x <= limit.high)))
    # what may be outside is taken away where it is farthest, relative to the limits' middle
    out = math.floor(len(x) * (1 - limit.share / 100) + 1e-9)
    if limit.low == -math.inf:
        kept = x[:len(x) - out]
    else:
        middle = (limit.low + limit.high) / 2
        kept = np.sort(x[np.argsort(np.abs(x - middle), kind="stable")][:len(x) - out])
    return Row(limit, float(kept[0]), float(kept[-1]), inside, inside >= limit.share)


def limits(un_v: float) -> dict[str, list[Limit]]:
    """By the name of the values: f_hz (10 s), u_v, u2_pct, thd_pct."""
    none = -math.inf
    return {
        "f_hz": [Limit("Frequency, 10 s", "Hz", 99.5, 49.5, 50.5),
                 Limit("Frequency, 10 s", "Hz", 100.0, 47.0, 52.0)],
        "u_v": [Limit("Voltage, 10 min", "V", 95.0, round(0.9 * un_v, 3), round(1.1 * un_v, 3)),
                Limit("Voltage, 10 min", "V", 100.0, round(0.85 * un_v, 3),
                      round(1.1 * un_v, 3))],
        "u2_pct": [Limit("Unbalance u2/u1, 10 min", "%", 95.0, none, 2.0)],
        "thd_pct": [Limit("THD of the voltage, 10 min", "%", 95.0, none, 8.0)],
    } | {f"h{h}_pct": [Limit(f"Harmonic {h}, 10 min", "%", 95.0, none, limit)]
         for h, limit in HARMONICS_PCT.items()}


def place(classes: Sequence[tuple[float, float]], value: float) -> int:
    """Index of low <= value < high; the class whose end is nearest if it is in none."""
    for k, (low, high) in enumerate(classes):
        if low <= value < high:
            return k
    return min(range(len(classes)), key=lambda k: min(abs(value - x) for x in classes[k]))


def count(events: Sequence[tuple[float, float]], classes: Sequence[tuple[float, float]],
          ends_ms: Sequence[float]) -> list[list[int]]:
    """events: (residual or greatest in % of Udin, ms). Rows by voltage, columns by duration; the
    last column has what lasts longer."""
    table = [[0] * (len(ends_ms) + 1) for _ in classes]
    for pct, ms in events:
        column = next((k for k, end in enumerate(ends_ms) if ms <= end), len(ends_ms))
        table[place(classes, pct)][column] += 1
    return table
