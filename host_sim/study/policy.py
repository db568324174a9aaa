"""`slvg study policy`: computes a dispatch table from training profiles and says what it is worth.

A method is a function (pv_kw, load_kw, spec, jobs, progress) -> policy_file.Values, hourly years
in, values out; `sdp` below is the one that ships, another may be named as module:function. What it
gives is written as the firmware's file, and played by the firmware over training and held-out
years (microgrid.py).
"""
import importlib
from collections.abc import Callable
from functools import partial

import numpy as np

from host_sim.scenario.complaints import InputError
from host_sim.study.policy_climate import Climate
from host_sim.study.policy_file import Values
from host_sim.study.policy_reduce import Shape, reduced
from host_sim.study.policy_sdp import (
    H_LEVELS,
    Battery,
    Costs,
    hydrogen_prices,
    sample_days,
)
from host_sim.study.pool import spread

SEASONS = 24
LEVELS_OF_H = np.linspace(0.025, 0.975, 9)


def _season(climate: Climate, costs: Costs, season: int):
    battery = Battery(climate, costs, season, SEASONS)
    spent, moved = sample_days(climate, costs, battery, season, SEASONS)
    return season, battery, spent, moved


def sdp(pv_kw, load_kw, spec, jobs: int = 1, progress=None, shape: Shape | None = None) -> Values:
    """Stochastic dynamic programming in two time scales (policy_sdp.py)."""
    if not (spec.battery.cap_mwh and spec.hydrogen.cap_mwh):
        raise InputError(["E426 study policy: this plant lacks a battery or hydrogen, so there is "
                          "no energy to put a price on. Use the rule or Naive."])
    climate = Climate.of(pv_kw, load_kw)
    costs = Costs.of(spec)
    found: dict[int, tuple] = {}
    for season, *rest in spread(partial(_season, climate, costs), range(SEASONS), jobs):
        found[season] = tuple(rest)
        if progress:
            progress(len(found), SEASONS)
    batteries = [found[s][0] for s in range(SEASONS)]
    prices = hydrogen_prices(costs, np.array([found[s][1] for s in range(SEASONS)]),
                             np.array([found[s][2] for s in range(SEASONS)]))
    slopes = np.array([_slopes(costs, battery, prices, s) for s, battery in enumerate(batteries)])
    return reduced(climate, costs, slopes, LEVELS_OF_H, prices, shape or Shape())


def _slopes(costs: Costs, battery: Battery, prices, season: int):
    """(24, hydrogen, factor, sky, step) of a season, each level of hydrogen at its price."""
    from host_sim.study.policy_climate import season_middle

    row = prices[season_middle(season, SEASONS)]
    at = []
    for level in LEVELS_OF_H:
        price = np.interp(level * (H_LEVELS - 1), np.arange(H_LEVELS), row)
        k = min(max(int(np.searchsorted(costs.prices, price, side="right")) - 1, 0),
                len(costs.prices) - 2)
        f = (price - costs.prices[k]) / (costs.prices[k + 1] - costs.prices[k])
        at.append(battery.slopes(k, f))
    return np.stack(at, axis=1)


METHODS: dict[str, Callable] = {"sdp": sdp}


def method(name: str) -> Callable:
    """One of METHODS, or module:function of somebody else's."""
    if name in METHODS:
        return METHODS[name]
    module, _, function = name.partition(":")
    try:
        return getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError, ValueError):
        raise InputError([f"E427 --method {name}: there is no such function. Name one of "
                          f"{' '.join(METHODS)}, or module:function of your own."]) from None
