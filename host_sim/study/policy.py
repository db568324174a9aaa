"""`slvg study policy`: computes a dispatch table from training profiles and says what it is worth.

A method is a function (pv_kw, load_kw, spec, jobs, progress) -> policy_file.Values, hourly years
in, values out; `sdp` below is the one that ships, another may be named as module:function. What it
gives is written as the firmware's file, and played by the firmware over training and held-out
years (microgrid.py).
"""
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from host_sim.scenario.complaints import InputError
from host_sim.study import microgrid
from host_sim.study.microgrid_profiles import HOUR_S, MW_KW, Profiles
from host_sim.study.policy_climate import Climate, season_middle
from host_sim.study.policy_file import PolicyError, Values, pack
from host_sim.study.policy_reduce import Shape, reduced
from host_sim.study.policy_sdp import (
    H_LEVELS,
    Battery,
    Costs,
    hydrogen_prices,
    sample_days,
)
from host_sim.study.pool import spread
from host_sim.world.microgrid import PlantSpec

SEASONS = 16
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


@dataclass(frozen=True, eq=False)
class Made:
    """A table, and what it is worth: `played` with it, the others without."""

    raw: bytes
    values: Values
    train: tuple[int, ...]
    played: microgrid.Played
    rule: microgrid.Played
    naive: microgrid.Played

    def figures(self) -> dict:
        def share(played, held: bool):
            eur = [x for k, x in enumerate(played.eur, 1) if (k in self.train) != held]
            return round(sum(eur), 2) if eur else None

        out: dict = {"train": list(self.train), "table_bytes": len(self.raw)}
        for name, one in (("", self.played), ("rule_", self.rule), ("naive_", self.naive)):
            out |= {f"{name}train_eur": share(one, False), f"{name}heldout_eur": share(one, True),
                    f"{name}total_eur": round(one.total_eur, 2),
                    f"{name}years_eur": [round(x, 2) for x in one.eur],
                    f"{name}h2_final_kwh": round(one.parts[-1].h_end_kwh, 1),
                    f"{name}corrected_eur": round(one.corrected_eur, 2)}
        return out


def hourly(profiles: Profiles, years: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(PV, load) in kW of these years, counted from 1."""
    n = HOUR_S // profiles.step_s
    out = []
    for power in (profiles.pv_mw, profiles.load_mw):
        parts = [power[profiles.parts[y - 1]].reshape(-1, n).mean(1) for y in years]
        out.append(np.concatenate(parts) / MW_KW)
    return out[0], out[1]


def table_of(profiles: Profiles, spec: PlantSpec, train: tuple[int, ...], how: Callable = sdp,
             jobs: int = 1, progress=None) -> tuple[bytes, Values]:
    """The table that the years `train` make, as a file and as values."""
    wrong = [y for y in train if not 1 <= y <= profiles.years]
    if wrong or not train:
        raise InputError([f"E428 --train: year {wrong[0] if wrong else 'none'} is not in "
                          f"{profiles.name}, which has {profiles.years}. Name some of 1 to "
                          f"{profiles.years}."])
    values = how(*hourly(profiles, train), spec, jobs, progress)
    try:
        return pack(spec, values), values
    except PolicyError as e:
        raise InputError([str(e)]) from None


def make(profiles: Profiles, spec: PlantSpec, train: tuple[int, ...], how: Callable,
         jobs: int = 1, progress=None) -> Made:
    """A table from the years `train`, and all years played by the firmware with it."""
    raw, values = table_of(profiles, spec, train, how, jobs, progress)
    case = microgrid.Case(spec=spec)
    return Made(raw, values, train, microgrid.play(profiles, case, microgrid.table(raw)),
                microgrid.play(profiles, case, microgrid.RULE), microgrid.play(profiles, case))
