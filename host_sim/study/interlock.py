"""`slvg study interlock`: what random orders, faults and losses make of the loop's interlock.

interlock_play.py plays and judges one sequence; this file plans, collects and counts. A step is
one thing that happens: an order, a contact that fails, a link that loses, a restart, a grid gone.
"""
from collections.abc import Callable, Sequence
from pathlib import Path

from host_sim.study import interlock_play
from host_sim.study.interlock_play import Item
from host_sim.study.resumed import fingerprint, played, taken_up

STEPS, FULL = 1200, 100_000
EACH = 40                         # steps of a sequence
RULES = ("loop", "no permit", "tie into a closed grid", "dead side", "out of step")
_DEPENDS = ("firmware/acu/**/*.py", "host_sim/study/interlock*.py", "host_sim/world/loop.py",
            "host_sim/world/breaker.py", "host_sim/board/*.py",
            "host_sim/scenario/files/lahsh60.toml")


def row(item: Item) -> dict:
    told = interlock_play.Sequence(item).play()
    found = {"case": item.name, "steps": told.steps, "closings": told.closings,
             "live_closings": told.live_closings, "loop_most_s": round(told.loop_most_s, 3),
             "touch_most_deg": round(told.touch_most_deg, 2), "late": told.late,
             "broken": [list(one) for one in told.broken]}
    return found | ({"course": told.course} if told.broken else {})


def run(steps: int, seed: int, jobs: int, file: Path | None,
        progress: Callable[[int, int], None] = lambda done, of: None) -> list[dict]:
    """Rows of the sequences in order; what the file already holds is not played again."""
    items = [Item(seed, number, EACH) for number in range(-(-steps // EACH))]
    mark = fingerprint("interlock", str(seed), _DEPENDS)
    done = taken_up(file, mark) if file else {}
    return played(row, items, done, jobs, file, mark, progress)


def figures(rows: Sequence[dict]) -> dict:
    broken = [(one["case"], *what) for one in rows for what in one["broken"]]
    return {"sequences": len(rows), "steps": sum(one["steps"] for one in rows),
            "closings": sum(one["closings"] for one in rows),
            "live_closings": sum(one["live_closings"] for one in rows),
            "disturbed_later": sum(one["late"] for one in rows),
            "loop_most_s": max(one["loop_most_s"] for one in rows),
            "touch_most_deg": max(one["touch_most_deg"] for one in rows),
            "broken": {rule: sum(one[2] == rule for one in broken) for rule in RULES},
            "broken_first": broken[:10]}
