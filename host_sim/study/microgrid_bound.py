"""What the microgrid costs at least: the cheapest dispatch by somebody who knows all years before.

A linear programme (spec microgrid_dispatch, section 5) over all steps at once, solved by HiGHS.
The diesel set's cost is not convex, since a running set costs d0 even at no power. Under it lies
its convex envelope, a straight line from standstill to the power at which a kWh is cheapest and
the curve from there on; tangents of that make the programme's cost, so its optimum is a true lower
bound. Then the hours in which the set runs are fixed and the rest is solved again: a schedule that
can be played, whose exact cost on the plant is an upper bound. Knows nothing of the firmware.
"""
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import highspy
import numpy as np
from scipy.sparse import coo_matrix

from host_sim.study.microgrid import Case, Played, drive
from host_sim.study.microgrid_profiles import HOUR_S, MW_KW, Profiles
from host_sim.study.milp import silent
from host_sim.world.microgrid import PlantSpec

PIECES = 30
_RUNS_KW = (0.06, 0.1)       # below, the set is not worth starting; tried in turn, best is kept
_ITERATIONS = 4              # of the simplex, about, for each step

# Columns of a step, then one for each piece of the diesel set's cost.
_B_OUT, _B_IN, _H_OUT, _H_IN, _PNS, _B, _H, _DIE = range(8)


class NoBound(Exception):
    """HiGHS found none; the text says how it ended."""


@dataclass(frozen=True)
class Bound:
    """relaxed_eur: by year, their sum is the lower bound; schedule: played on the plant."""

    relaxed_eur: list[float]
    schedule: Played
    iterations: int
    seconds: float


Progress = Callable[[int, int], None]


def pieces(spec: PlantSpec, kind: str, n: int) -> tuple[np.ndarray, np.ndarray]:
    """(widths in kW, EUR per kWh) of a convex cost of the diesel set, cheapest first. envelope:
    tangents under its cost. spread: n chords, d0 spread over the power as d0 * P / Pmax, as the
    specification's section 5 has it. running: n chords of the cost without d0."""
    top = spec.d_max_mw / MW_KW
    d0, d1, d2 = (x / 1e6 for x in (spec.d0_ueur_h, spec.d1_ueur_kwh, spec.d2_ueur_kw2h))
    if top <= 0:
        return np.zeros(1), np.zeros(1)
    if kind == "envelope":
        cheapest = math.sqrt(d0 / d2) if d2 else top
        if cheapest >= top:
            return np.array([top]), np.array([d2 * top + d1 + d0 / top])
        touch = np.linspace(cheapest, top, n)
        cuts = np.r_[0, (touch[1:] + touch[:-1]) / 2, top]
        return np.diff(cuts), 2 * d2 * touch + d1
    cuts = np.linspace(0, top, n + 1)
    return np.diff(cuts), d2 * (cuts[1:] + cuts[:-1]) + d1 + (d0 / top if kind == "spread" else 0)


class _Programme:
    """All steps of all years in one HiGHS model. Powers in kW, energies in kWh."""

    def __init__(self, profiles: Profiles, spec: PlantSpec, kind: str, n: int):
        self.n = len(profiles)
        self.spec = spec
        self._dt_h = profiles.step_s / HOUR_S
        self._pieces = n
        self._t = np.arange(self.n)
        self.widths, self.prices = pieces(spec, kind, n)
        self._wide = _DIE + len(self.widths)
        self._highs = self._model(profiles)
        self.iterations = 0

    def _at(self, column: int) -> np.ndarray:
        return self._t * self._wide + column

    def _model(self, profiles: Profiles) -> highspy.Highs:
        spec, n, t, dt_h = self.spec, self.n, self._t, self._dt_h
        load, pv = profiles.load_mw / MW_KW, profiles.pv_mw / MW_KW
        size = n * self._wide
        low, high, self._cost = np.zeros(size), np.zeros(size), np.zeros(size)
        for store, out, into, at in ((spec.battery, _B_OUT, _B_IN, _B),
                                     (spec.hydrogen, _H_OUT, _H_IN, _H)):
            high[self._at(out)] = high[self._at(into)] = store.p_max_mw / MW_KW
            high[self._at(at)] = store.cap_mwh / 1e6
        low[self._at(_H)[-1]] = spec.hydrogen.start_mwh / 1e6      # (A5)
        high[self._at(_PNS)] = load
        self._cost[self._at(_PNS)] = spec.c_pns_ueur_kwh / 1e6 * dt_h
        for k, (width, price) in enumerate(zip(self.widths, self.prices, strict=True)):
            high[self._at(_DIE + k)] = width
            self._cost[self._at(_DIE + k)] = price * dt_h
        rows, columns, values = [], [], []

        def put(row, column, value):
            rows.append(row)
            columns.append(column)
            values.append(np.full(len(row), value))

        for column, sign in ((_B_OUT, 1), (_B_IN, -1), (_H_OUT, 1), (_H_IN, -1), (_PNS, 1),
                             *((_DIE + k, 1) for k in range(len(self.widths)))):
            put(3 * t, self._at(column), sign)       # what is above the load is given up
        least = np.zeros(3 * n)
        most = np.zeros(3 * n)
        least[3 * t] = load - pv
        most[3 * t] = np.inf
        for k, (store, out, into, at) in enumerate(((spec.battery, _B_OUT, _B_IN, _B),
                                                    (spec.hydrogen, _H_OUT, _H_IN, _H))):
            row = 3 * t + 1 + k
            put(row, self._at(at), 1)
            put(row[1:], self._at(at)[:-1], -1)
            put(row, self._at(out), dt_h * 1000 / store.zeta_pm)
            put(row, self._at(into), -dt_h * store.eta_pm / 1000)
            least[1 + k] = most[1 + k] = store.start_mwh / 1e6
        matrix = coo_matrix((np.concatenate(values), (np.concatenate(rows),
                                                      np.concatenate(columns))),
                            shape=(3 * n, size)).tocsc()
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = size, 3 * n
        lp.col_cost_, lp.col_lower_, lp.col_upper_ = self._cost, low, high
        lp.row_lower_, lp.row_upper_ = least, most
        lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        lp.a_matrix_.start_, lp.a_matrix_.index_ = matrix.indptr, matrix.indices
        lp.a_matrix_.value_ = matrix.data
        highs = highspy.Highs()
        highs.setOptionValue("output_flag", False)
        highs.setOptionValue("threads", 1)
        highs.passModel(lp)
        return highs

    def solve(self, told: Callable[[int], None]) -> np.ndarray:
        """The cheapest: a row of columns for each step. told(iterations of the simplex)."""
        highs = self._highs

        def said(event):
            told(event.data_out.simplex_iteration_count)

        highs.cbSimplexInterrupt += said
        highs.run()
        highs.cbSimplexInterrupt -= said
        status = highs.getModelStatus()
        if status != highspy.HighsModelStatus.kOptimal:
            raise NoBound(f"E418 bound: HiGHS ended with '{highs.modelStatusToString(status)}' "
                          "instead of an optimum. Leave it out with --no-bound, and report it.")
        self.iterations += highs.getInfo().simplex_iteration_count
        return np.array(highs.getSolution().col_value).reshape(self.n, self._wide)

    def cost(self, x: np.ndarray) -> np.ndarray:
        """Of each step, as the programme counts it."""
        return (x * self._cost.reshape(self.n, self._wide)).sum(axis=1)

    def fix(self, runs: np.ndarray) -> None:
        """From now on the set turns in these steps and no others, at the cost of a turning one."""
        widths, prices = pieces(self.spec, "running", len(self.widths))
        columns = np.concatenate([self._at(_DIE + k) for k in range(len(widths))])
        none = np.zeros(len(columns))
        most = np.concatenate([np.where(runs, width, 0) for width in widths])
        cost = np.repeat(prices * self._dt_h, self.n)
        columns = columns.astype(np.int32)
        self._highs.changeColsBounds(len(columns), columns, none, most)
        self._highs.changeColsCost(len(columns), columns, cost)


def bound(profiles: Profiles, case: Case | None = None, kind: str = "envelope", n: int = PIECES,
          progress: Progress = lambda done, of: None) -> Bound:
    """kind, n: of pieces(); the other bounds are for comparison with published figures."""
    case = case or Case()
    profiles = case.profiles(profiles)
    began_s = time.monotonic()
    of = _ITERATIONS * len(profiles)
    with silent():
        programme = _Programme(profiles, case.spec, kind, n)
        x = programme.solve(lambda k: None if k % 500 else progress(min(k, of - 1), of))
        by_step = programme.cost(x)
        best = _played(profiles, case, x)
        for least_kw in _RUNS_KW if kind == "envelope" else ():
            programme.fix(x[:, _DIE:].sum(axis=1) > least_kw)
            x = programme.solve(lambda k: None)
            other = _played(profiles, case, x)
            if other.total_eur < best.total_eur:
                best = other
    progress(of, of)
    relaxed = [float(by_step[part].sum()) for part in profiles.parts]
    return Bound(relaxed, best, programme.iterations, time.monotonic() - began_s)


def _played(profiles: Profiles, case: Case, x: np.ndarray) -> Played:
    """The schedule on the plant: diesel and hydrogen as planned, the battery takes the rest."""
    die = np.rint(x[:, _DIE:].sum(axis=1) * MW_KW).astype(np.int64)
    h2 = np.rint((x[:, _H_OUT] - x[:, _H_IN]) * MW_KW).astype(np.int64)
    rest = profiles.load_mw - profiles.pv_mw - die - h2
    steps = iter(zip(rest.tolist(), h2.tolist(), die.tolist(), strict=True))

    def ask(seen):
        battery, hydrogen, diesel = next(steps)
        return [battery, hydrogen, diesel, 0, 0, int(diesel > 0)]

    return drive(profiles, case, "Perfect information", ask)
