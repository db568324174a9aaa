"""`slvg study islanding`: how many perturbed districts stay in step, with the scheme and without.

islanding_cases.py draws variants, islanding_play.py plays each four ways: with the firmware's
scheme in MicroPython, with an ideal one on the true phasors, with none, and with a blind closing.
This file plans, collects and counts; shares carry Wilson's 95 % interval.
"""
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from host_sim.study.islanding_ideal import BLIND, IDEAL, NONE
from host_sim.study.islanding_play import KINDS, SCHEME, Item, play
from host_sim.study.resumed import fingerprint, played, taken_up

VARIANTS, FULL = 18, 1000
GOAL_PCT = 95.0
_Z = 1.959964                     # of 95 %
_DEPENDS = ("firmware/acu/**/*.py", "host_sim/world/district*.py", "host_sim/world/swing.py",
            "host_sim/world/cell.py", "host_sim/world/breaker.py",
            "host_sim/study/islanding*.py", "host_sim/scenario/district_*.py",
            "host_sim/scenario/files/lahsh*.toml", "host_sim/waveform/district_block.py",
            "boards/pico_w_recloser/board.json")


def wilson(k: int, n: int) -> tuple[float, float]:
    """Interval in which a share of k in n lies with 95 %, in percent."""
    z2 = _Z * _Z
    p = k / n
    mid = p + z2 / (2 * n)
    half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    return 100 * (mid - half) / (1 + z2 / n), 100 * (mid + half) / (1 + z2 / n)


def run(variants: int, seed: int, jobs: int, file: Path | None,
        progress: Callable[[int, int], None] = lambda done, of: None) -> list[dict]:
    """Rows in order; what the file already holds is not played again. Raises InputError,
    VmError."""
    items = [Item(seed, number, kind) for kind in KINDS for number in range(variants)]
    mark = fingerprint("islanding", str(seed), _DEPENDS)
    done = taken_up(file, mark) if file else {}
    return played(play, items, done, jobs, file, mark, progress)


def _share(rows: Sequence[dict]) -> tuple[float | None, list[float] | None]:
    if not rows:
        return None, None
    k = sum(row["in_step"] for row in rows)
    return (round(100 * k / len(rows), 2), [round(x, 2) for x in wilson(k, len(rows))])


def figures(rows: Sequence[dict]) -> dict:
    """in_step_pct and its likes: of the variants that somebody could carry; _all: of all."""
    of = {kind: [row for row in rows if row["kind"] == kind] for kind in KINDS}
    could = {kind: [row for row in some if row["can_be_carried"]] for kind, some in of.items()}
    scheme = could[SCHEME]
    closings = [c for row in of[SCHEME] for c in row["closings"]]
    found: dict = {"n": len(of[SCHEME]), "n_carried": len(scheme)}
    for key, kind in (("in_step", SCHEME), ("in_step_ideal", IDEAL), ("in_step_no_scheme", NONE),
                      ("in_step_blind", BLIND)):
        word = key.replace("in_step", "")
        found[f"in_step_pct{word}"], found[f"in_step_ci95_pct{word}"] = _share(could[kind])
    found["in_step_all_pct"], found["in_step_all_ci95_pct"] = _share(of[SCHEME])
    found |= {
        "in_step_of_pct": {f"{base:g}": _share([r for r in scheme if r["base"] == base])[0]
                           for base in sorted({row["base"] for row in scheme})},
        "lost": {why: sum(row["why"] == why for row in scheme)
                 for why in ("slipped", "dead", "not parallel")},
        "failed": [row["number"] for row in scheme if not row["in_step"]],
        "close_angle_max_deg": _most(closings, 2), "close_slip_max_hz": _most(closings, 3),
        "close_du_max_pu": _most(closings, 4),
        "peak_p_max_pu": max((row["peak_pu"] for row in of[SCHEME]), default=None),
        "peak_p_max_pu_blind": max((row["peak_pu"] for row in of[BLIND]), default=None),
        "close_s_last": max((c[1] / 1000 for c in closings), default=None),
    }
    found["goals_missed"] = [] if _reached(scheme) else ["in_step_pct"]
    return found


def _most(closings: Sequence[Sequence], place: int) -> float | None:
    return max((abs(c[place]) for c in closings), default=None)


def _reached(scheme: Sequence[dict]) -> bool:
    """The goal lies inside the interval or below it: a small sample scatters."""
    return not scheme or wilson(sum(row["in_step"] for row in scheme), len(scheme))[1] >= GOAL_PCT
