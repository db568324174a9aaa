"""The reference of the planner study: the plan as a mixed-integer programme (spec smartlvgrid,
section 11), solved to proven optimality by HiGHS.

One 0/1 variable for each move that is possible. Objectives in order: fewest moves that meet the
target, then least moved VA, then least unbalance; if nothing meets the target, least unbalance,
then moves. Where somebody exports a phase's power is |P|, which a fourth kind of variable, the
sign of the phase, makes linear; power factor 1 is assumed there (cases.py).
"""
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from host_sim.study.cases import Case

_HALF = 0.5           # VA: powers are integers, so less than one more means equal
_LIMIT_S = 60.0


@dataclass(frozen=True)
class Best:
    """feasible: the target can be met; proven: HiGHS ended before its time limit."""

    feasible: bool
    proven: bool
    moves: int
    moved_va: int
    ui_m: int


@contextmanager
def silent() -> Iterator[None]:
    """HiGHS writes a line of its own to standard output now and then, which may be the JSON."""
    sys.stdout.flush()
    kept = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(null)


class _Street:
    """The programme's variables: moves x, |power| of each phase, its sign, the worst distance."""

    def __init__(self, case: Case):
        self.proven = True
        ops = case.movable
        self._signed = case.signed
        self.moves = [(k, to) for k, op in enumerate(ops) for to in range(3) if to != op[1]]
        self._n = len(self.moves)
        self._y, self._sign = self._n, self._n + 3
        self._worst = self._n + 6
        self.size = self._n + 7
        self._rows: list = []
        self.va = self._zeros()
        self.count = self._zeros()
        now = [float(x) for x in case.fixed()]
        change = [self._zeros() for _ in range(3)]
        for k, op in enumerate(ops):
            now[op[1]] += case.load(op)
            once = self._zeros()
            for at, (who, to) in enumerate(self.moves):
                if who == k:
                    once[at] = 1
                    change[op[1]][at] -= case.load(op)
                    change[to][at] += case.load(op)
                    self.va[at] = op[2]
                    self.count[at] = 1
            self._add(once, -np.inf, 1)
        big = sum(abs(x) for x in now) + sum(abs(case.load(op)) for op in ops) + 1.0
        for ph in range(3):
            self._magnitude(ph, now[ph], change[ph], big)
        self._total = self._zeros()
        self._total[self._y:self._y + 3] = 1
        self._lp = Bounds(np.zeros(self.size),
                          np.r_[np.ones(self._n), np.full(3, big), np.ones(3), 3 * big])

    def _zeros(self) -> np.ndarray:
        return np.zeros(self.size)

    def _add(self, row, low, high) -> None:
        self._rows.append((row, low, high))

    def _magnitude(self, ph: int, now: float, change, big: float) -> None:
        """y = |now + change x|."""
        y = self._zeros()
        y[self._y + ph] = 1
        if not self._signed:
            self._add(y - change, now, now)
            return
        sign = self._zeros()
        sign[self._sign + ph] = 2 * big     # 0: positive, 1: negative
        self._add(y - change, now, np.inf)
        self._add(y + change, -now, np.inf)
        self._add(y - change - sign, -np.inf, now)
        self._add(y + change + sign, -np.inf, 2 * big - now)

    def within(self, share: float) -> list:
        """Rows that keep each phase within this share of the mean."""
        rows: list = []
        for ph in range(3):
            y3 = self._zeros()
            y3[self._y + ph] = 3
            rows.append((y3 - (1 + share) * self._total, -np.inf, 0))
            rows.append((y3 - (1 - share) * self._total, 0, np.inf))
        return rows

    def least(self, cost, extra: list):
        """The variables of the cheapest solution, None if there is none."""
        rows = self._rows + extra
        kind = np.r_[np.ones(self._n), np.zeros(3), np.ones(3), 0]
        limits = LinearConstraint(np.array([row for row, _, _ in rows]),
                                  [low for _, low, _ in rows], [high for _, _, high in rows])
        with silent():
            found = milp(cost, integrality=kind, bounds=self._lp, constraints=limits,
                         options={"mip_rel_gap": 0, "time_limit": _LIMIT_S})
        self.proven &= found.status in (0, 2)
        return found.x

    def least_ui(self, extra: list):
        """Least worst distance from the mean, divided by the mean (Dinkelbach's iteration)."""
        worst = self._zeros()
        worst[self._worst] = 1
        rows = list(extra)
        for ph in range(3):
            y3 = self._zeros()
            y3[self._y + ph] = 3
            rows.append((worst - y3 + self._total, 0, np.inf))
            rows.append((worst + y3 - self._total, 0, np.inf))
        ratio, x = 0.0, None
        for _ in range(20):
            x = self.least(worst - ratio * self._total, rows)
            if x is None:
                return None
            smaller = self.ui(x)
            if not self._signed or abs(smaller - ratio) < 1e-7:   # else the total is a constant
                return x
            ratio = smaller
        return x

    def ui(self, x) -> float:
        y = x[self._y:self._y + 3]
        return max(abs(3 * y - y.sum())) / y.sum()

    def best(self, x, feasible: bool) -> Best:
        return Best(feasible, self.proven, round(self.count @ x), round(self.va @ x),
                    round(1000 * self.ui(x)))


def reference(case: Case, target_m: int) -> Best:
    """The best plan there is. target_m: unbalance aimed at, per mille."""
    street = _Street(case)
    meets = street.within(target_m / 1000)
    x = street.least(street.count, meets)
    if x is None:
        x = street.least_ui([])
        near = street.within(street.ui(x) + 0.0005)     # the firmware knows unbalance per mille
        fewer = street.least(street.count, near)
        return street.best(x if fewer is None else fewer, False)
    moves = (street.count, -np.inf, round(street.count @ x) + _HALF)
    x = street.least(street.va, [*meets, moves])
    least_va = (street.va, -np.inf, round(street.va @ x) + _HALF)
    nearest = street.least_ui([*meets, moves, least_va])
    return street.best(x if nearest is None else nearest, True)
