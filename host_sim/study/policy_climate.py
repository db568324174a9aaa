"""What the training profiles say of sky and load: the stochastic model behind a policy's table.

Sky: PV as part of a clear one, where clear is what few hours of that season and hour exceed; it
passes from hour to hour as it did in the profiles around that day. Load: a daily shape times a
factor of the day, which the first hours tell and the next day draws anew (the profiles' own
factors). All hourly, kW. Used by policy_sdp.py and policy.py.
"""
from dataclasses import dataclass

import numpy as np

SKY = np.array([0, 0.08, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95])   # nodes of the sky's state
DAYS = 365
_CLEAR_OF = 0.97        # of the hours around a day are below its clear sky
_AROUND = 20            # days before and after that count for it
_PASSES_AROUND = 30     # and for how the sky changes


def season_middle(season: int, of: int) -> int:
    """Day of the year in the middle of a season."""
    return int((season + 0.5) * DAYS / of)


def between_seasons(day: int, of: int) -> tuple[int, int, float]:
    """(season, next one, part of the next) for a day."""
    x = (day / DAYS * of - 0.5) % of
    return int(x) % of, (int(x) + 1) % of, x - int(x)


def sky_weights(sky: float) -> np.ndarray:
    """Of the nodes, linear between them."""
    w = np.zeros(len(SKY))
    x = min(max(sky, SKY[0]), SKY[-1])
    k = min(int(np.searchsorted(SKY, x, side="right")) - 1, len(SKY) - 2)
    f = (x - SKY[k]) / (SKY[k + 1] - SKY[k])
    w[k], w[k + 1] = 1 - f, f
    return w


@dataclass(frozen=True)
class Climate:
    """clear_kw: (365, 24); profile_kw: (24,); factors: nodes of the day's load factor, with
    `chances` of each; sky: (years, 365, 24) as the controller would know it."""

    pv_kw: np.ndarray
    load_kw: np.ndarray
    clear_kw: np.ndarray
    profile_kw: np.ndarray
    factors: np.ndarray
    chances: np.ndarray
    sky: np.ndarray
    dawn_kw: float

    @classmethod
    def of(cls, pv_kw: np.ndarray, load_kw: np.ndarray, factors: int = 3) -> "Climate":
        """pv_kw, load_kw: hourly, whole years of 8760 h."""
        years = len(pv_kw) // (DAYS * 24)
        pv = pv_kw.reshape(years, DAYS, 24)
        load = load_kw.reshape(years, DAYS, 24)
        clear = np.empty((DAYS, 24))
        for day in range(DAYS):
            near = np.arange(day - _AROUND, day + _AROUND + 1) % DAYS
            clear[day] = np.quantile(pv[:, near].reshape(-1, 24), _CLEAR_OF, axis=0)
        profile = load.mean((0, 1))
        daily = load.sum(2).ravel() / max(profile.sum(), 1e-9)
        low, high = np.quantile(daily, (0.01, 0.99))
        nodes = np.linspace(low, max(high, low + 0.02), factors)
        at = np.clip((daily - nodes[0]) / (nodes[1] - nodes[0]), 0, factors - 1)
        k = np.minimum(at.astype(int), factors - 2)
        chances = (np.bincount(k, 1 - (at - k), factors)
                   + np.bincount(k + 1, at - k, factors)) / len(daily)
        dawn = 0.025 * clear.max()
        return cls(pv, load, clear, profile, nodes, chances, _track(pv, clear, dawn), dawn)

    @property
    def years(self) -> int:
        return len(self.pv_kw)

    def clear_around(self, day: int, around: int = 7) -> np.ndarray:
        """(24,) clear sky, mean over the days around."""
        return self.clear_kw[np.arange(day - around, day + around + 1) % DAYS].mean(0)

    def passes(self, day: int) -> np.ndarray:
        """(24, sky, sky) chances that the sky of an hour becomes that of the next."""
        chances = np.zeros((24, len(SKY), len(SKY)))
        clear = self.clear_kw[day]
        flat = self.sky.reshape(-1)
        near = (np.arange(day - _PASSES_AROUND, day + _PASSES_AROUND + 1)) % DAYS
        firsts = (np.arange(self.years)[:, None] * DAYS + near).ravel() * 24
        for hour in range(24):
            if max(clear[hour], clear[(hour + 1) % 24]) <= self.dawn_kw:
                chances[hour] = np.eye(len(SKY))       # at night it is what it was at dusk
                continue
            counts = np.zeros((len(SKY), len(SKY)))
            for at in firsts + hour:
                if at + 1 < len(flat):
                    counts += np.outer(sky_weights(flat[at]), sky_weights(flat[at + 1]))
            # where little was seen, what the sky is at that hour at all
            usual = 2 * counts.sum(0) / counts.sum()
            chances[hour] = (counts + usual) / (counts.sum(1, keepdims=True) + 2)
        return chances


def _track(pv: np.ndarray, clear: np.ndarray, dawn_kw: float) -> np.ndarray:
    """The sky as it is known at each hour: held where there is too little of it."""
    sky = np.empty(pv.shape)
    last = 0.5
    for year in range(len(pv)):
        for day in range(DAYS):
            for hour in range(24):
                if clear[day, hour] > dawn_kw:
                    last = min(pv[year, day, hour] / clear[day, hour], 1.2)
                sky[year, day, hour] = last
    return sky
