"""Who is moved at the full hour: rules that know the past only, and bounds that know the future.

A rule is called with the minute and the present arrangement, and returns moves (customer, to). It
sees powers before that minute only; the study (balancing.py) counts and limits the moves.
"""
import numpy as np

from acu.functions.planner import Planner
from acu.functions.unbalance import ui_m
from host_sim.study.street_day import HOUR, MINUTES, Feeder

AVERAGE_MIN = 15        # what an Operator reports: avg_s = 900
UI_MAX_M, TARGET_M = 200, 150
# The loss rule. A household's last quarter of an hour says little of its next hour, so it counts
# for a fifth and the street's mean for the rest: on days dealt anew this is as good as fitted
# predictions with six terms.
OWN_SHARE = 0.2
GAIN = 0.001            # least gain of a move, of the estimated losses
DAY_SHARE = 0.5         # of the rest: the customer's own past days at this hour, if there are any


class ByUnbalance:
    """The firmware's: its own Planner on the averages of the last 15 minutes, when the unbalance
    at the post is above 20 %."""

    def __init__(self, feeder: Feeder):
        self._feeder = feeder

    def __call__(self, minute: int, now: np.ndarray, free: np.ndarray) -> list:
        feeder = self._feeder
        va = abs(feeder.s[minute - AVERAGE_MIN:minute].mean(axis=0)).round().astype(int).tolist()
        post = [sum(s for s, ph in zip(va, now, strict=True) if ph == x) for x in range(3)]
        if ui_m(post, feeder.rated_va) <= UI_MAX_M:
            return []
        ops = [(k, int(now[k]), va[k], va[k], 0, bool(free[k])) for k in range(len(va))]
        planner = Planner(ops, len(ops), post, feeder.rated_va, TARGET_M)
        while not planner.step():
            pass
        return [(op, to) for op, _, to in planner.moves]


class ByLosses:
    """Estimates the coming hour's powers and moves one after the other whoever saves most, while
    a move saves GAIN of the estimated losses. Needs the feeder's resistances."""

    def __init__(self, feeder: Feeder, most: int):
        self._feeder = feeder
        self._most = most

    def estimate(self, minute: int) -> np.ndarray:
        """VA of each customer over the coming hour, from the minutes before it."""
        s = self._feeder.s
        last = s[minute - AVERAGE_MIN:minute].mean(axis=0)
        rest = s[minute - HOUR:minute].mean()
        same = [s[m:m + HOUR].mean(axis=0)
                for m in range(minute % MINUTES, minute - HOUR + 1, MINUTES)]
        prior = DAY_SHARE * np.mean(same, axis=0) + (1 - DAY_SHARE) * rest if same else rest
        return OWN_SHARE * last + (1 - OWN_SHARE) * prior

    def __call__(self, minute: int, now: np.ndarray, free: np.ndarray) -> list:
        return descend(self._feeder, self.estimate(minute)[None], now, free, GAIN, self._most)[1]


def descend(feeder: Feeder, s: np.ndarray, start: np.ndarray, free: np.ndarray, gain: float,
            most: int) -> tuple[np.ndarray, list]:
    """Best single move after best single move while one saves at least `gain` of the losses.

    s: [instants x customers] VA. Returns (arrangement, moves). Currents are taken at the
    open-circuit voltage, so that losses are i* R i.
    """
    r = feeder.resistance
    ports = feeder.ports
    own = np.arange(len(start))
    current = np.conj(s.T[:, None, :] / feeder.e[None, :, None])     # customer, phase, instant
    square = (abs(current) ** 2).sum(axis=2)
    now = start.copy()
    moves: list[tuple[int, int]] = []
    i = np.zeros((len(r), len(s)), complex)
    np.add.at(i, ports[own, now], current[own, now])
    while len(moves) < most:
        ri = r @ i
        was = ports[own, now]
        change = np.zeros(ports.shape)
        for ph in range(3):
            to = ports[:, ph]
            old, new = current[own, now], current[:, ph]
            change[:, ph] = (
                2 * (new.conj() * ri[to] - old.conj() * ri[was]).real.sum(axis=1)
                + square[own, now] * r[was, was] + square[:, ph] * r[to, to]
                - 2 * r[was, to] * (old.conj() * new).real.sum(axis=1))
        change[~free] = 0
        change[own, now] = 0
        k, ph = (int(x) for x in np.unravel_index(np.argmin(change), change.shape))
        if not change[k, ph] < -max(gain, 1e-9) * (i.conj() * ri).real.sum():
            break
        i[ports[k, now[k]]] -= current[k, now[k]]
        i[ports[k, ph]] += current[k, ph]
        now[k] = ph
        moves.append((k, ph))
    return now, moves


def best_static(feeder: Feeder, starts: int = 8) -> np.ndarray:
    """The arrangement that, kept all day, would have lost least: the best of some descents, with
    all of the day known. A bound to hold the rules against, no rule."""
    r = np.random.default_rng(0)
    everybody = np.ones(len(feeder.home), bool)
    found = []
    for k in range(starts):
        start = feeder.home if k == 0 else r.integers(0, 3, len(feeder.home))
        now, _ = descend(feeder, feeder.s, start, everybody, 0.0, 10 * len(start))
        hours = [now] * (len(feeder.s) // HOUR)
        found.append((feeder.flow(hours).kwh, k, now))
    return min(found, key=lambda f: f[:2])[2]
