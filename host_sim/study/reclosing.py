"""`slvg study reclosing`: times of a recloser's 79 over random phases, and cuts of its power.

Times: a radial line (scenario recloser_permanent) whose fault begins at any moment, with random
dead times, reclaim time, breaker and noise, through the whole firmware on CPython. A dead time is
judged from parting contacts to the close order, against the setting, a reclaim time from the touch
to the event. Cuts: host_sim/vm/recl_cuts.py, inside the VM on littlefs.
"""
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from host_sim.scenario import recloser_plan
from host_sim.scenario.recloser_run import Run
from host_sim.study.pool import spread
from host_sim.study.powercut import vm_answer
from host_sim.world.dice import bits

TRIALS, FULL_TRIALS = 40, 1_000
CUTS, FULL_CUTS = 300, 10_000
GOALS = {"dead_late_pct": 100.0, "reclaim_late_pct": 100.0, "double_pulses": 0, "shots_missing": 0,
         "moved": 0, "closed_later": 0, "not_locked": 0, "counts_lost": 0, "not_started": 0}
_SUMS = ("cuts", "again", "moved", "closed_later", "not_locked", "locked_needlessly",
         "counts_lost", "not_started", "looked_away")
_HEAP = "12M"            # a greater one takes longer to be collected
_TIMEOUT_S = 7_200
_A_LIFE = 500               # cuts in a life of its own


def allowed_ms(setting_ms: float) -> float:
    """1 % or 20 ms, whichever is more (anchors, section 2)."""
    return max(20.0, setting_ms / 100)


def trial(seed: int) -> dict[str, Any]:
    """One fault that survives the first shot, and its times."""
    dice = np.random.Generator(bits(seed, "reclosing", "trial"))
    t1 = int(dice.integers(500, 1_500))
    t2 = t1 + int(dice.integers(400, 1_500))        # the fault survives the one, not the other
    reclaim = int(dice.integers(2_000, 4_000))
    plan = recloser_plan.read("recloser_permanent")
    fault = replace(plan.faults[0], at_s=reclaim / 1e3 + 1 + float(dice.uniform(0, 0.1)),
                    phases=str(dice.choice(["ABC", "AB", "BC", "CA", "A"])), dead_s=t1 / 1e3 + 0.2)
    plan = replace(
        plan, seed=seed, deeds=(), faults=(fault,), noise_lsb=float(dice.uniform(0.3, 1.0)),
        run_us=int((fault.at_s * 1e3 + t1 + t2 + reclaim + 700) // 5 * 5000),
        config={**plan.config, "rc_t1_ms": t1, "rc_t2_ms": t2, "rc_reclaim_ms": reclaim,
                "cap_n": 0},
        breaker=replace(plan.breaker, close_s=float(dice.uniform(0.04, 0.09)),
                        open_s=float(dice.uniform(0.02, 0.06)), scatter_s=0.002, spring_s=0.3))
    run = Run(plan)
    orders: list[float] = []
    order = run.bay.order

    def noted(close: bool, t_s: float) -> None:
        if close:
            orders.append(t_s)
        order(close, t_s)

    run.bay.order = noted           # type: ignore[method-assign]
    result = run.play()
    touches = [one.t_s for one in result.touches]
    parted = [t for t, _ in result.partings]
    ended = [t_us / 1e6 for t_us, line in result.events if line.split(" ")[3] == "RECLAIM"]
    dead = [1e3 * (at - gone) - want for at, gone, want in
            zip(orders, parted, (t1, t2), strict=False)]
    late = [1e3 * (t - touches[-1]) - reclaim for t in ended] if touches else []
    return {"seed": seed, "orders": len(orders), "touches": len(touches), "reclaimed": len(ended),
            "dead_ms": dead, "dead_pct": [100 * abs(x) / allowed_ms(want) for x, want in
                                          zip(dead, (t1, t2), strict=False)],
            "reclaim_ms": late, "reclaim_pct": [100 * abs(x) / allowed_ms(reclaim) for x in late]}


def _one(item: tuple[str, Any]) -> tuple[str, dict]:
    kind, what = item
    return kind, trial(what) if kind == "trial" else vm_answer(
        "recl_cuts.py", what, _HEAP, _TIMEOUT_S)


def run(trials: int, cuts: int, full: bool, seed: int, jobs: int,
        progress: Callable | None = None) -> dict[str, Any]:
    each = _A_LIFE if full else max(min(_A_LIFE, cuts // jobs), 1)
    work: list[tuple[str, Any]] = [
        ("cuts", {"seed": seed * 1_000 + n, "cuts": min(each, cuts - n * each), "seconds": 60})
        for n in range(-(-cuts // each))]
    work += [("trial", seed * 100_000 + n) for n in range(trials)]
    found: list[tuple[str, dict]] = []
    for one in spread(partial(_one), work, jobs):
        found.append(one)
        if progress is not None:
            progress(len(found), len(work))
    return figures(found)


def figures(found: list[tuple[str, dict]]) -> dict[str, Any]:
    tried = [one for kind, one in found if kind == "trial"]
    told: dict[str, Any] = {"trials": len(tried)}
    for name in ("dead", "reclaim"):
        errors = [x for one in tried for x in one[f"{name}_ms"]]
        told[f"{name}_times"] = len(errors)
        told[f"{name}_late_ms"] = ([round(min(errors), 1), round(max(errors), 1)] if errors
                                   else [])
        # of what is allowed: 1 % or 20 ms
        told[f"{name}_late_pct"] = round(max((x for one in tried for x in one[f"{name}_pct"]),
                                             default=0.0), 1)
    told["double_pulses"] = sum(max(one["orders"] - 2, 0) for one in tried)
    told["shots_missing"] = sum(one["touches"] != 2 or one["reclaimed"] != 1 for one in tried)
    told |= dict.fromkeys(_SUMS, 0) | {"operations": 0, "states": {}, "causes": [], "wrong": []}
    for kind, one in found:
        if kind == "trial":
            continue
        for key in _SUMS:
            told[key] += one["found"][key]
        told["operations"] = max(told["operations"], one["operations"])
        for state, n in one["states"].items():
            told["states"][state] = told["states"].get(state, 0) + n
        told["causes"] = sorted({*told["causes"], *one["causes"]})
        told["wrong"] += one["wrong"]
    told["states"] = dict(sorted(told["states"].items()))
    told["wrong"] = sorted(told["wrong"])[:20]
    told["goals_missed"] = [key for key, most in GOALS.items() if told[key] > most]
    return told
