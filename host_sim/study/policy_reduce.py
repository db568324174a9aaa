"""From the dynamic programme's fine grids to the few nodes that a table has room for.

Each axis by itself: least squares of the table's linear interpolation against the fine grid, so
that what is read between the nodes is right on average. Returns policy_file.Values.
"""
from dataclasses import dataclass

import numpy as np

from host_sim.study.policy_climate import DAYS, SKY, Climate, season_middle
from host_sim.study.policy_file import Values
from host_sim.study.policy_sdp import H_LEVELS, Costs

PRICE_PARTS = 9


@dataclass(frozen=True)
class Shape:
    """Of the table: seasons of its slopes, parts of the battery, nodes of hydrogen (of its
    capacity) and of the sky."""

    seasons: int = 8
    parts: int = 4
    h_nodes: tuple[float, ...] = (0.05, 0.4, 0.95)
    sky_nodes: tuple[float, ...] = (0.0, 0.2, 0.9)


def _onto(fine, nodes):
    """Matrix from values at `fine` to values at `nodes`."""
    share = np.zeros((len(fine), len(nodes)))
    for row, x in enumerate(fine):
        k = min(max(int(np.searchsorted(nodes, x, side="right")) - 1, 0), len(nodes) - 2)
        f = min(max((x - nodes[k]) / (nodes[k + 1] - nodes[k]), 0), 1)
        share[row, k] += 1 - f
        share[row, k + 1] += f
    return np.linalg.pinv(share)


def _onto_seasons(fine, few):
    share = np.zeros((fine, few))
    for row in range(fine):
        x = ((row + 0.5) / fine * few - 0.5) % few
        share[row, int(x) % few] += 1 - (x - int(x))
        share[row, (int(x) + 1) % few] += x - int(x)
    return np.linalg.pinv(share)


def _onto_parts(fine, parts):
    """Means over equal parts of an axis of equal steps."""
    edges = np.arange(fine + 1) / fine
    share = np.zeros((parts, fine))
    for j in range(parts):
        share[j] = np.clip(np.minimum(edges[1:], (j + 1) / parts)
                           - np.maximum(edges[:-1], j / parts), 0, None) * parts
    return share


def _applied(matrix, array, axis):
    return np.moveaxis(np.tensordot(matrix, array, axes=(1, axis)), 0, axis)


def _seasonal(table, n):
    """(n, ...) means of a (365, ...) table over the seasons."""
    around = DAYS // n // 2
    return np.array([table[np.arange(d - around, d + around + 1) % DAYS].mean(0)
                     for d in (season_middle(s, n) for s in range(n))])


def reduced(climate: Climate, costs: Costs, slopes: np.ndarray, levels, prices: np.ndarray,
            shape: Shape, offset_s: int = 0) -> Values:
    """slopes: (season, 24, hydrogen, factor, sky, step) at hydrogen `levels`, of its capacity;
    prices: (365, H_LEVELS)."""
    fine_seasons = len(slopes)
    ends = (float(climate.factors[0]), float(climate.factors[-1]))
    slopes = _applied(_onto_seasons(fine_seasons, shape.seasons), slopes, 0)
    slopes = _applied(_onto(levels, shape.h_nodes), slopes, 2)
    slopes = _applied(_onto(climate.factors, ends), slopes, 3)
    slopes = _applied(_onto(SKY, shape.sky_nodes), slopes, 4)
    slopes = _applied(_onto_parts(slopes.shape[5], shape.parts), slopes, 5)
    # a kWh more is never worth more than the one before it
    slopes = np.minimum.accumulate(np.maximum(slopes, 0), axis=-1)
    at = np.rint(np.linspace(0, H_LEVELS - 1, PRICE_PARTS)).astype(int)
    return Values(slopes, _seasonal(prices, shape.seasons)[:, at],
                  _seasonal(climate.clear_kw, shape.seasons), climate.profile_kw,
                  tuple(shape.h_nodes), ends, tuple(shape.sky_nodes), offset_s, climate.dawn_kw)
