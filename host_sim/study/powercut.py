"""`slvg study powercut`: the supply goes at each write of a controller's life, and what it costs.

The lives, the cuts and the judging run inside the 32-bit MicroPython on littlefs (host_sim/vm/
powercut.py, wear.py); here they are spread over processes and their figures put together.
"""
import json
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

from host_sim.study.pool import spread
from host_sim.vm.client import ROOT, VmError
from host_sim.vm.find import micropython

CUTS = 300
FULL_CUTS = 12_000
GOALS = {"records_lost": 0, "energy_backwards": 0, "outputs_moved": 0, "not_started": 0}
LIFE_YEARS = 20
ROLES = ("operator", "meter", "subcoordinator", "coordinator")
# page that the image programs littlefs with, blocks of 4 KiB that it gives to the file system
FLASHES = {"pico_w": (256, 212), "esp32": (32, 512)}
_TIMEOUT_S = 3000
_SUMS = ("cuts", "again", "records_lost", "energy_backwards", "outputs_moved", "not_started")


def vm_answer(script: str, job: dict, heap: str = "220M",
              timeout_s: int = _TIMEOUT_S) -> dict:
    """One process; its answer is the last line, others are of files that the cut left open."""
    done = subprocess.run(
        [micropython(), "-X", f"heapsize={heap}", str(ROOT / "host_sim/vm" / script),
         str(ROOT / "firmware"), str(ROOT), json.dumps(job)],
        capture_output=True, text=True, timeout=timeout_s, check=False)
    last = done.stdout.rstrip().rpartition("\n")[2]
    if done.returncode or not last.startswith("{"):
        raise VmError(f"E134 {script} ended with exit code {done.returncode}: "
                      f"{(done.stderr or done.stdout)[-1500:]}")
    found: dict = json.loads(last)
    return found


def _run(item: tuple[str, dict]) -> tuple[str, dict, dict]:
    return (*item, vm_answer(*item))


def run(cuts: int, full: bool, seed: int, jobs: int, progress: Callable | None = None,
        design: str = "good", wear: bool = True) -> dict:
    """The figures. full: a longer life whose log has gone round, and 60 days of wear."""
    parts = min(jobs, max(cuts // 50, 1))
    work = [("powercut.py", {"seed": seed, "cuts": cuts, "part": part, "parts": parts,
                             "minutes": 240 if full else 40, "fill": 2200 if full else 0,
                             "design": design}) for part in range(parts)]
    days = 60 if full else 2
    work += [("wear.py", {"role": role, "page": page, "blocks": blocks, "days": days,
                          "flash": flash})
             for flash, (page, blocks) in FLASHES.items() for role in ROLES
             if wear and (full or flash == "pico_w")]
    found: list[tuple[str, dict, dict]] = []
    for one in spread(partial(_run), work, jobs):
        found.append(one)
        if progress is not None:
            progress(len(found), len(work))
    return figures(found, days)


def figures(found: list[tuple[str, dict, dict]], days: int) -> dict:
    told: dict[str, Any] = dict.fromkeys(_SUMS, 0)
    told |= {"operations": 0, "worst_loss_mwh": 0, "worst_loss_s": 0.0, "kinds": {},
             "erases_per_day": {}, "flash_life_years": {}, "stores_per_day": {}, "wrong": []}
    for script, job, one in found:
        if script == "wear.py":
            role, flash = job["role"], job["flash"]
            for key, value in (("erases_per_day", one["erases_per_day"]),
                               ("stores_per_day", one["stores_per_day"]),
                               ("flash_life_years", one[
                                   "life_years_hottest" if days >= 30 else "life_years_even"])):
                told[key].setdefault(flash, {})[role] = value
            continue
        for key in _SUMS:
            told[key] += one[key]
        told["operations"] = max(told["operations"], one["operations"])
        told["worst_loss_mwh"] = max(told["worst_loss_mwh"], one["worst_loss_mwh"])
        told["worst_loss_s"] = max(told["worst_loss_s"], one["worst_loss_ms"] / 1000)
        for kind, n in one["kinds"].items():
            told["kinds"][kind] = told["kinds"].get(kind, 0) + n
        told["wrong"] += one["wrong"]
    told["kinds"] = dict(sorted(told["kinds"].items()))
    told["flash_life_by"] = f"hottest block in {days} days" if days >= 30 else "even wear"
    told["wrong"] = sorted(told["wrong"])[:20]
    told["goals_missed"] = [key for key, most in GOALS.items() if told[key] > most] + [
        f"flash_life_years {flash} {role}" for flash, by in told["flash_life_years"].items()
        for role, years in by.items() if years < LIFE_YEARS]
    return told
