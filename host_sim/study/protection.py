"""The protection's times and pick-ups: faults of random phase as ADC codes, through the firmware's
measuring (in the VM) and its table of elements.

Each function is played `trials` times twice: a step, for its time from the fault's first sample
to the tick that operates it; and a slow ramp over its setting, for the value at which it picks up.
Everything is random within a seed: phase, place in the tick, size, setting, frequency, harmonics.
"""
import json
from array import array
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from acu import protection_settings
from acu.functions import protection as pr
from acu.functions import protection_table
from host_sim.study import bay_batch, protection_cases
from host_sim.study.pool import spread
from host_sim.study.protection_cases import Case
from host_sim.study.protection_waves import codes

TRIALS, FULL_TRIALS = 40, 1000
TICK_MS = 5.0
I_PEAK_MA, U_PEAK_BP = 30_000, 20_000


class Result(NamedTuple):
    """err: ms, or of the pick-up in its unit. allowed: |err| at most. x: what was varied, for the
    picture: the multiple of the setting."""

    function: str
    kind: str                # time, pickup or still
    x: float
    want: float
    got: float | None        # None: it did not operate
    allowed: float

    @property
    def err(self) -> float | None:
        return None if self.got is None else self.got - self.want

    @property
    def good(self) -> bool:
        if self.kind == "still":
            return self.got is None
        return self.err is not None and abs(self.err) <= self.allowed


def settings_of(given: dict) -> dict:
    """Complete settings: defaults and what is given."""
    full: dict = {"fn_mhz": 50_000}
    for key, rule in protection_settings.rules():
        if not isinstance(rule[0], str):
            full[key] = rule[0]
    return full | given


def element(name: str, given: dict, q: array) -> pr.Protection:
    """The firmware's protection with this one element of the grid's group."""
    full = settings_of({f"gr_{name}_do": "trip"} | given)
    wrong = protection_settings.wrong(full)
    if wrong:
        raise ValueError(wrong[0])
    rows, curve, _ = protection_table.build(full, I_PEAK_MA, U_PEAK_BP)
    at = protection_settings.ELEMENTS.index(name) * pr.ROW
    return pr.Protection(rows[at:at + pr.ROW], curve, 1, q)


def firmware(case: Case, rows: np.ndarray) -> tuple[float | None, float | None]:
    """(ms of the last pick-up, ms of the operation) from the beginning on, None: never. rows: q
    of each tick."""
    q = array("i", rows[0].tobytes())
    one = element(case.element, case.given, q)
    picked = None
    view = memoryview(q)
    for k, row in enumerate(rows):
        view[:] = memoryview(row.astype("i"))
        trips = one.step()
        if one.state[pr.ROSE]:
            picked = (k + 1) * TICK_MS
        if trips:
            return picked, (k + 1) * TICK_MS
    return picked, None


def judged(case: Case, rows: np.ndarray, design: Callable = firmware) -> Result:
    """design: who decides; a wrong one may be put there."""
    picked, operated = design(case, rows)
    if case.kind == "pickup":
        got = None if picked is None else case.truth(picked / 1000)
    else:
        got = None if operated is None else operated - case.fault.at_s * 1000
    return Result(case.function, case.kind, case.x, case.want, got, case.allowed)


def rows_of(case: Case, seed: int, runner) -> np.ndarray:
    return runner.rows(codes(case.fault, np.random.default_rng([seed, case.number])))


def _played(case: Case, seed: int, given: str) -> tuple[int, Result]:
    return case.number, judged(case, rows_of(case, seed, bay_batch.of_process(given)))


def run(trials: int, seed: int, jobs: int,
        progress: Callable = lambda done, of: None, functions=None) -> list[Result]:
    """All of them, the same for any number of jobs."""
    every = protection_cases.cases(trials, seed, functions)
    given = json.dumps(bay_batch.settings())
    found: list = []
    progress(0, len(every))
    for one in spread(partial(_played, seed=seed, given=given), every, jobs):
        found.append(one)
        progress(len(found), len(every))
    found.sort(key=lambda one: one[0])
    return [result for _, result in found]


def _worst(results: list[Result]) -> float | None:
    errors = [abs(r.err) for r in results if r.err is not None]
    return round(max(errors), 3) if errors else None


def figures(results: list[Result]) -> dict:
    """Per function the worst of each kind; a goal that one fault missed is missed."""
    found: dict = {"faults": len(results), "functions": {}}
    missed = []
    for name in dict.fromkeys(r.function for r in results):
        of = [r for r in results if r.function == name]
        times = [r for r in of if r.kind == "time"]
        picks = [r for r in of if r.kind == "pickup"]
        still = [r for r in of if r.kind == "still"]
        row: dict = {"time_err_ms_max": _worst(times), "pickup_err_max": _worst(picks),
                     "pickup_unit": protection_cases.UNITS.get(name, "%")}
        if times:
            row["time_ms_max"] = max((r.got for r in times if r.got is not None), default=None)
        if still:
            row["false_operations"] = sum(not r.good for r in still)
        row["outside"] = sum(not r.good for r in of)
        row["trials"] = len(of)
        found["functions"][name] = row
        if row["outside"]:
            missed.append(name)
    found["goals_missed"] = missed
    return found
