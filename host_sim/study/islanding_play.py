"""One variant of the district, played one way, as a row of the study.

The scheme goes through the firmware itself: four reclosers in the 32-bit MicroPython, from samples
to breakers, on a bus with the machines (scenario/district_run.py). The ideal scheme and the two
baselines are world only. A run ends early when it is lost, or quiet in parallel.
"""
from dataclasses import replace
from typing import Any, NamedTuple

from host_sim.scenario import district_plan, district_run
from host_sim.study import islanding_ideal
from host_sim.study.islanding_cases import Variant, variant
from host_sim.study.islanding_ideal import QUIET_MS
from host_sim.study.islanding_watch import Watch, Watched

SCHEME = "scheme"
KINDS = (SCHEME, islanding_ideal.IDEAL, islanding_ideal.NONE, islanding_ideal.BLIND)
RUN_MS = 40_000
_SCENARIOS = {0.2: "lahsh20", 0.6: "lahsh60", 1.0: "lahsh100"}
_MS = 4                           # digits of a figure in a row


class Item(NamedTuple):
    seed: int
    number: int
    kind: str

    @property
    def name(self) -> str:
        return f"{self.number} {self.kind}"


def play(item: Item) -> dict:
    v = variant(item.seed, item.number)
    row: dict[str, Any] = {
        "case": item.name, "number": item.number, "kind": item.kind, "base": v.base,
        "load_share": round(v.load_share, _MS), "can_be_carried": v.can_be_carried,
        "tj_s": [round(t, _MS) for t in v.params.tj_s]}
    if item.kind == SCHEME:
        return row | _through_firmware(v, item.seed)
    done = islanding_ideal.play(v.params, v.load_share, item.kind, RUN_MS)
    return row | _seen(done.watch, done.district) | {"tripped": list(done.tripped)}


def _through_firmware(v: Variant, seed: int) -> dict:
    plan = replace(district_plan.read(_SCENARIOS[v.base]), params=v.params,
                   load_share=v.load_share, run_us=RUN_MS * 1000)
    run = district_run.Run(plan, vm=True, seed=seed * 1_000_003 + v.number)
    world = run.truth.world = Watched(v.params, v.load_share)
    ending = _Ending(world)
    result = run.play(stop=ending)
    row = _seen(world.watch, world)
    row["tripped"] = [name for name, m in world.machines.items() if not m.on]
    if not row["in_step"]:
        row["log"] = result.event_log()      # why? is asked of the few that fail
    return row


class _Ending:
    """Asked once an instant: may the run end?"""

    def __init__(self, world: Watched):
        self._world = world
        self._since_ms: int | None = None

    def __call__(self) -> bool:
        w = self._world
        if w.watch.lost():
            return True
        if not (w.watch.closings and w.watch.parallel()):
            self._since_ms = None
            return False
        self._since_ms = w.now_ms if self._since_ms is None else self._since_ms
        return w.now_ms - self._since_ms >= QUIET_MS


def _seen(watch: Watch, world: Watched) -> dict:
    ok = watch.in_step()
    why = ("" if ok else "slipped" if watch.slipped_ms is not None else
           "dead" if watch.dead_ms is not None else "not parallel")
    island = watch.f_max >= watch.f_min
    return {"in_step": ok, "why": why, "ended_ms": world.now_ms,
            "lost_ms": watch.slipped_ms or watch.dead_ms,
            "f_min_hz": round(watch.f_min, _MS) if island else None,
            "f_max_hz": round(watch.f_max, _MS) if island else None,
            "f_end_hz": round(world.f_hz(), _MS), "peak_pu": round(watch.peak_pu, _MS),
            "closings": [[c.name, c.ms, round(c.deg, _MS), round(c.slip_hz, _MS),
                          round(c.du_pu, _MS)] for c in watch.closings]}
