"""Stochastic dynamic programming in two time scales: what energy in battery and hydrogen is worth.

The battery's day: for each season and each price of hydrogen, backwards over the hours with the
state (load factor of the day, sky, energy in the battery), cyclic until the day repeats itself.
Hydrogen's year: the training days of a season, played at each price, tell what a day costs and
does to the hydrogen; backwards over the days of a year that repeats itself, with those days as
equally probable, gives the hydrogen's price by day and level. The step's decision between diesel,
hydrogen and load left out is in closed form, as in the firmware's merit.py.

kW, kWh, EUR; hourly. Researchers: docs/microgrid.md, "Another method".
"""
from dataclasses import dataclass

import numpy as np

from host_sim.study.policy_climate import (
    DAYS,
    SKY,
    Climate,
    between_seasons,
    season_middle,
    sky_weights,
)

LEVELS = 16                 # of the battery
H_LEVELS = 101              # of the hydrogen
_SAMPLE_AROUND = 15         # training days around a season's middle that are played
_CYCLES = 3                 # days and years until they repeat themselves
_TRIALS = np.linspace(0, 1, 41)
# prices of hydrogen that are worked out, of the diesel set's marginal cost at full power
_PRICES = np.array([0.07, 0.16, 0.205, 0.235, 0.26, 0.29, 0.315, 0.345, 0.37, 0.4, 0.425, 0.455,
                    0.48, 0.51, 0.535, 0.575, 0.63, 0.715, 0.825])


@dataclass(frozen=True)
class Costs:
    """The plant of host_sim.world.microgrid.PlantSpec in kW, kWh and EUR, for numpy."""

    b_max: float
    b_cap: float
    b_eta: float
    b_zeta: float
    h_max: float
    h_cap: float
    h_eta: float
    h_zeta: float
    d_max: float
    d0: float
    d1: float
    d2: float
    pns: float

    @classmethod
    def of(cls, spec) -> "Costs":
        b, h = spec.battery, spec.hydrogen
        return cls(b.p_max_mw / 1e6, b.cap_mwh / 1e6, b.eta_pm / 1e3, b.zeta_pm / 1e3,
                   h.p_max_mw / 1e6, h.cap_mwh / 1e6, h.eta_pm / 1e3, h.zeta_pm / 1e3,
                   spec.d_max_mw / 1e6, spec.d0_ueur_h / 1e6, spec.d1_ueur_kwh / 1e6,
                   spec.d2_ueur_kw2h / 1e6, spec.c_pns_ueur_kwh / 1e6)

    @property
    def prices(self) -> np.ndarray:
        """Of hydrogen, EUR per kWh stored."""
        full = self.d1 + 2 * self.d2 * self.d_max if self.d_max else self.pns
        return _PRICES * min(full, self.pns)

    def running(self, pd):
        """EUR of an hour of the diesel set."""
        return np.where(pd > 1e-9, self.d0 + self.d1 * pd + self.d2 * pd * pd, 0)

    def _diesel(self, mu):
        return np.clip((mu - self.d1) / max(2 * self.d2, 1e-9), 0, self.d_max)

    def cover(self, need, price):
        """(EUR with hydrogen at its price, diesel kW, hydrogen kW) at least cost for `need` kW
        beyond the battery; negative: a surplus."""
        low, high = price * self.h_eta, price / self.h_zeta
        off = np.clip(need, -self.h_max, self.h_max)
        some, more = self._diesel(low), self._diesel(high)
        pd = np.where(need < some, np.maximum(np.minimum(some, need + self.h_max), 0), some)
        pd = np.where(need > some, np.minimum(need, more), pd)
        pd = np.where(need > more + self.h_max, np.minimum(need - self.h_max, self.d_max), pd)
        on = np.clip(need - pd, -self.h_max, self.h_max)
        costs = []
        for die, h2 in ((np.zeros_like(off), off), (pd, on)):
            missing = np.maximum(need - die - h2, 0)
            costs.append(self.running(die) + self.pns * missing
                         + np.where(h2 > 0, h2 * high, h2 * low))
        run = costs[1] < costs[0]
        return np.where(run, costs[1], costs[0]), np.where(run, pd, 0), np.where(run, on, off)


class Battery:
    """The battery's day of one season. worth: (price, 24, factor, sky, level) EUR that energy
    after the hour's decision is worth, up to a constant."""

    def __init__(self, climate: Climate, costs: Costs, season: int, seasons: int):
        self.levels = np.linspace(0, costs.b_cap, LEVELS)
        step = self.levels[:, None] - self.levels[None, :]
        power = np.where(step > 0, step * costs.b_zeta, step / costs.b_eta)
        day = season_middle(season, seasons)
        passes, clear = climate.passes(day), climate.clear_around(day)
        allowed = np.abs(power) <= costs.b_max + 1e-9
        lack = climate.profile_kw[:, None, None] * climate.factors[:, None] - (
            clear[:, None, None] * SKY)
        need = lack[..., None, None] - power        # hour, factor, sky, from, to
        shape = (len(climate.factors), len(SKY), LEVELS)
        self.worth = np.zeros((len(costs.prices), 24, *shape))
        for k, price in enumerate(costs.prices):
            cover = np.where(allowed, costs.cover(need, price)[0], np.inf)
            value = np.zeros(shape)
            for _ in range(_CYCLES):
                for hour in range(23, -1, -1):
                    if hour == 23:        # tomorrow's load is not known
                        value = np.broadcast_to(np.tensordot(climate.chances, value, 1), shape)
                    self.worth[k, hour] = np.einsum("jk,lkb->ljb", passes[hour], value)
                    value = (cover[hour] + self.worth[k, hour][:, :, None, :]).min(-1)
                value = value - value.min()

    def slopes(self, k: int, f: float) -> np.ndarray:
        """(24, factor, sky, level - 1) EUR per kWh, at f between prices k and k + 1."""
        worth = (1 - f) * self.worth[k] + f * self.worth[k + 1]
        return -np.diff(worth, axis=-1) / (self.levels[1] - self.levels[0])


def sample_days(climate: Climate, costs: Costs, battery: Battery, season: int, seasons: int):
    """(cost, change of hydrogen) of each training day around the season at each price: two arrays
    (day, price), EUR and kWh."""
    middle = season_middle(season, seasons)
    prices = costs.prices
    n = len(prices)
    row = np.arange(n)
    stored = np.full(n, costs.b_cap / 3)
    around = range(middle - _SAMPLE_AROUND, middle + _SAMPLE_AROUND + 1)
    days = [(year, day % DAYS) for year in range(climate.years) for day in around]
    spent, moved = np.zeros((len(days), n)), np.zeros((len(days), n))
    for i, (year, day) in enumerate(days):
        for hour in range(24):
            lack = climate.load_kw[year, day, hour] - climate.pv_kw[year, day, hour]
            worth = _at(climate, battery, year, day, hour)
            low = -np.minimum(costs.b_max, (costs.b_cap - stored) / costs.b_eta)
            high = np.minimum(costs.b_max, stored * costs.b_zeta)
            power = low[:, None] + (high - low)[:, None] * _TRIALS
            power = np.concatenate([power, np.clip(lack, low, high)[:, None]], 1)
            after = stored[:, None] - np.where(power > 0, power / costs.b_zeta,
                                               power * costs.b_eta)
            x = np.clip(after / costs.b_cap * (LEVELS - 1), 0, LEVELS - 1 - 1e-6)
            k = x.astype(int)
            kept = worth[row[:, None], k]
            kept = kept + (x - k) * (worth[row[:, None], k + 1] - kept)
            cost, die, h2 = costs.cover(lack - power, prices[:, None])
            best = (row, (cost + kept).argmin(1))
            need = lack - power[best]
            stored = np.clip(after[best], 0, costs.b_cap)
            die, h2 = die[best], h2[best]
            spent[i] += costs.running(die) + costs.pns * np.maximum(need - die - h2, 0)
            moved[i] -= np.where(h2 > 0, h2 / costs.h_zeta, h2 * costs.h_eta)
    return spent, moved


def _at(climate: Climate, battery: Battery, year: int, day: int, hour: int) -> np.ndarray:
    """(price, level) worth in the state of a training hour."""
    factors, profile = climate.factors, climate.profile_kw[hour]
    x = (len(factors) - 1) / 2
    if profile > 1e-3 * climate.profile_kw.max():
        x = (climate.load_kw[year, day, hour] / profile - factors[0]) / (factors[1] - factors[0])
        x = min(max(x, 0.0), len(factors) - 1.0)
    k = min(int(x), len(factors) - 2)
    worth = battery.worth[:, hour, k] * (1 - x + k) + battery.worth[:, hour, k + 1] * (x - k)
    return np.einsum("j,njb->nb", sky_weights(climate.sky[year, day, hour]), worth)


def hydrogen_prices(costs: Costs, spent: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """(365, H_LEVELS) EUR per kWh of hydrogen by day and level. spent, moved: (season, day,
    price) of sample_days()."""
    level = np.linspace(0, costs.h_cap, H_LEVELS)
    found = np.zeros((DAYS, H_LEVELS))
    worth = np.zeros(H_LEVELS)
    dear = costs.prices[-1]
    mean = spent.mean(1)
    for _ in range(_CYCLES):
        for day in range(DAYS - 1, -1, -1):
            a, b, f = between_seasons(day, len(spent))
            cost = np.zeros((H_LEVELS, len(costs.prices)))
            for season, part in ((a, 1 - f), (b, f)):
                after = level[:, None, None] + moved[season]
                later = np.interp(np.clip(after, 0, costs.h_cap), level, worth)
                short = np.maximum(-after, 0) * dear        # there is none to deliver
                cost += part * (mean[season] + (later + short).mean(1))
            worth = cost.min(1)
            found[day] = -np.gradient(worth, level)
        worth = worth - worth[0]
    return np.clip(found, costs.prices[0], costs.prices[-1])
