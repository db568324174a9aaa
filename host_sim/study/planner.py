"""`slvg study planner`: the firmware's plan of phase moves against the best plan there is.

Each seeded street is planned by firmware/acu/functions/planner.py on CPython, by the mixed-integer
reference (milp.py), and by the planner inside the 32-bit VM, which is timed there and must answer
the same.
"""
import json
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from acu.functions.planner import PLAN_FEW, PLAN_OK, Planner
from host_sim.study.cases import KINDS, SR_VA, TARGET_M, UI_MAX_M, Case, case
from host_sim.study.milp import Best, reference
from host_sim.study.pool import spread
from host_sim.vm.client import VmError
from host_sim.vm.find import micropython

HEAP = "128K"        # what a Coordinator has for it is less than the 192 KiB of a Pico
_SEEDS = 1_000_000   # of one study: case k of seed s has seed s * _SEEDS + k


@dataclass(frozen=True)
class Outcome:
    """One case. best is None where F4 would not have asked for a plan, or too few answered."""

    case: Case
    ui0_m: int
    ui1_m: int
    moves: tuple
    why: int              # PLAN_OK, or why there is no plan
    best: Best | None

    @property
    def moved_va(self) -> int:
        moved = {move[0] for move in self.moves}
        return sum(op[2] for op in self.case.ops if op[0] in moved)


def arguments(one: Case) -> tuple:
    """Of Planner(), as the role passes them."""
    signed = (one.p_w, one.q_var) if one.signed else (None, None)
    return (one.ops, one.n_all, one.s_va, SR_VA, TARGET_M, *signed)


def firmware_plan(one: Case) -> Planner:
    planner = Planner(*arguments(one))
    while not planner.step():
        pass
    return planner


def outcome(seed: int, kind: str | None = None) -> Outcome:
    """Plans one case both ways."""
    one = case(seed, kind)
    plan = firmware_plan(one)
    asked = plan.ui0_m > UI_MAX_M and plan.why != PLAN_FEW
    best = reference(one, TARGET_M) if asked else None
    return Outcome(one, plan.ui0_m, plan.ui1_m, tuple(plan.moves), plan.why, best)


def run(cases: int, seed: int, jobs: int = 1, kind: str | None = None,
        progress: Callable[[int, int], None] | None = None) -> list[Outcome]:
    """Every case's outcome in the order of the seeds. progress(done, of)."""
    first = seed * _SEEDS
    outcomes = []
    for one in spread(partial(outcome, kind=kind), range(first, first + cases), jobs):
        outcomes.append(one)
        if progress:
            progress(len(outcomes), cases)
    return sorted(outcomes, key=lambda o: o.case.seed)


def figures(outcomes: list[Outcome]) -> dict:
    """What the study says, but for the time in the VM."""
    needed = [o for o in outcomes if o.best]
    by_kind = {kind: _compare([o for o in needed if o.case.kind == kind]) for kind in KINDS}
    few = sum(o.why == PLAN_FEW for o in outcomes)
    return {"cases": len(outcomes), "cases_none": len(outcomes) - len(needed) - few,
            "cases_few_answered": few, **_compare(needed),
            "kinds": {kind: told for kind, told in by_kind.items() if told["cases_plan"]}}


def _compare(needed: list[Outcome]) -> dict:
    feasible = [(o, o.best) for o in needed if o.best and o.best.feasible]
    hopeless = [(o, o.best) for o in needed if o.best and not o.best.feasible]
    extra = [len(o.moves) - best.moves for o, best in feasible]
    same = [(o, best) for o, best in feasible if len(o.moves) == best.moves]
    # where the target cannot be met, what the firmware leaves beyond the least unbalance
    short = [(o.ui1_m - best.ui_m) / 10 for o, best in hopeless if o.why == PLAN_OK]
    return {
        "cases_plan": len(needed), "cases_feasible": len(feasible),
        "cases_infeasible": len(hopeless),
        "cases_unproven": sum(not best.proven for _, best in feasible + hopeless),
        "moves_equal_pct": _pct(sum(e == 0 for e in extra), len(extra)),
        "moves_worst_extra": max(extra, default=0),
        "moves_mean": round(statistics.fmean(best.moves for _, best in feasible), 2)
        if feasible else None,
        "ui_ok_pct": _pct(sum(o.ui1_m <= TARGET_M for o, _ in feasible), len(feasible)),
        "moved_va_equal_pct": _pct(sum(o.moved_va == best.moved_va for o, best in same),
                                   len(same)),
        "infeasible_ui_extra_pct_worst": max(short, default=None),
    }


def _pct(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 2) if whole else None


def time_in_vm(outcomes: list[Outcome]) -> dict:
    """Times of the planner in the 32-bit VM, and whether it made the same plans there."""
    from host_sim.bench import ROOT, compile_to

    needed = [o for o in outcomes if o.best]
    lines = "".join(json.dumps(arguments(o.case)) + "\n" for o in needed)
    with tempfile.TemporaryDirectory() as folder:
        sources = [ROOT / "firmware/acu" / name for name in
                   ("__init__.py", "functions/__init__.py", "functions/planner.py",
                    "functions/unbalance.py")]
        compile_to(Path(folder), "x86", [s for s in sources if s.exists()], ROOT / "firmware")
        script = str(Path(__file__).with_name("vm_planner.py"))
        done = subprocess.run([micropython(), "-X", f"heapsize={HEAP}", script, folder],
                              input=lines, capture_output=True, text=True, check=False)
    if done.returncode:
        raise VmError(f"E134 the planner in the MicroPython VM ended with exit code "
                      f"{done.returncode}: {(done.stdout + done.stderr)[-500:]}")
    rows = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    same = [row[3:] == [x for move in o.moves for x in move]
            for row, o in zip(rows, needed, strict=True)]
    ms = [row[0] / 1000 for row in rows]
    return {"ms_vm": round(max(ms, default=0), 2),
            "ms_vm_median": round(statistics.median(ms), 2) if ms else None,
            "ms_vm_longest_step": round(max([row[1] / 1000 for row in rows], default=0), 2),
            "vm_plans_equal": all(same)}
