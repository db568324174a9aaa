"""`slvg study sync`: how well a recloser measures two sides, and when it closes between them.

Estimator errors over random trials; a closing Monte Carlo of the synchronising and the check mode
against the truth and against an oracle; what each gate is good for; how soon a loss blocks and
good conditions permit. All of it through the firmware itself in MicroPython, a part in both
Pythons. sync_cases.py draws, sync_play.py plays one, this file plans, collects and counts.
"""
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from acu.functions import synccheck
from host_sim.study import sync_cases as cases
from host_sim.study.resumed import fingerprint, played, taken_up
from host_sim.study.sync_play import Item, play

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS, FULL = 2000, 100_000
_TRIALS_LEAST, _TIMED_LEAST, _TWINS, _TWINS_FULL = 200, 60, 24, 1000
_BLIND_MOST, _BLIND_MOST_FULL = 20, 500      # cases that are played again without a gate

# Key, most (availability: least), by the front end
GOALS: dict[str, dict[str, float]] = {
    "rp2040": {"angle_err_max_deg": 0.2, "slip_static_err_max_mhz": 1.5,
               "slip_touch_err_max_mhz": 6.0, "u_err_max_pct": 0.3, "touch_steady_max_deg": 2.0,
               "touch_p99_deg": 6.0, "touch_max_deg": 10.0, "touch_check_max_deg": 10.0,
               "outside_limits": 0,
               "block_ms_max": 50.0, "permit_ms_max": 150.0, "permit_energise_ms_max": 400.0,
               "twin_mismatches": 0, "never_permitted": 0},
    "esp32": {"angle_err_max_deg": 0.5, "slip_static_err_max_mhz": 5.0, "u_err_max_pct": 0.5,
              "outside_limits": 0, "touch_max_deg": 10.0, "twin_mismatches": 0},
}
AVAILABLE_PCT = 85.0


def gate_names() -> dict[int, str]:
    """Of the synchronism check, by bit; those that only wait are no gates."""
    found = {getattr(synccheck, name): name[5:].lower() for name in dir(synccheck)
             if name.startswith("GATE_") and name not in ("GATE_DWELL", "GATE_AIM")}
    return {mask.bit_length() - 1: found[mask] for mask in sorted(found)}


def items(n: int, seed: int, front: str, curve: str, full: bool) -> list[Item]:
    """n closings: a quarter steady, half stress, a quarter in check mode. Besides estimates, a
    tenth; faults of the measuring, a twentieth; timings, a fiftieth of each."""
    def some(family: int, count: int, **more) -> list[Item]:
        return [Item(seed, family, k, front, curve, **more) for k in range(count)]

    steady, check = n // 4, n // 4
    timed = max(_TIMED_LEAST, n // 50)
    twins = _TWINS_FULL if full else _TWINS
    made = some(cases.ESTIMATE, max(_TRIALS_LEAST, n // 10))
    made += some(cases.STEADY, steady) + some(cases.STRESS, n - steady - check)
    made += some(cases.CHECK, check) + some(cases.FAULTY, max(_TIMED_LEAST, n // 20))
    for family in (cases.BLOCK, cases.PERMIT, cases.ENERGISE, cases.SETTLE):
        made += some(family, timed)
    for family in (cases.ESTIMATE, cases.STRESS, cases.CHECK, cases.FAULTY):
        made += some(family, -(-twins // 4), twin=True)
    return made


def blinded(chosen: Sequence[Item], rows: Sequence[dict], full: bool) -> list[Item]:
    """Cases in which a gate refused alone, once more without it; of many, so many spread over
    them."""
    most = _BLIND_MOST_FULL if full else _BLIND_MOST
    made = []
    for gate in gate_names():
        alone = [item for item, row in zip(chosen, rows, strict=True)
                 if row.get("alone", {}).get(str(gate))]
        step = max(1, len(alone) // most)
        made += [item._replace(blind=1 << gate) for item in alone[::step][:most]]
    return made


_DEPENDS = ("firmware/acu/dsp/*.py", "firmware/acu/functions/sync*.py", "firmware/acu/sync*.py",
            "firmware/acu/functions/vt_supervision.py", "firmware/acu/functions/adc_table.py",
            "firmware/acu/primitives/bay_measuring.py", "host_sim/study/sync*.py",
            "host_sim/study/bay_batch.py", "host_sim/board/bay_rig.py",
            "host_sim/waveform/bay_codes.py", "host_sim/world/two_sided.py",
            "boards/pico_w_recloser/board.json")


def run(chosen: list[Item], full: bool, jobs: int, file: Path | None,
        progress: Callable[[int, int], None] = lambda done, of: None) -> list[dict]:
    """Rows of the items, then those played again without a gate; what the file already holds is
    not played again. Raises InputError, VmError."""
    first = chosen[0]
    mark = fingerprint("sync", f"{first.seed} {first.front} {first.curve}", _DEPENDS)
    done = taken_up(file, mark) if file else {}
    rows = played(play, chosen, done, jobs, file, mark, progress)
    return rows + played(play, blinded(chosen, rows, full), done, jobs, file, mark, progress)


def by_family(rows: Sequence[dict]) -> dict[str, list[dict]]:
    """Rows by the first word of their case; twins and blinded ones under `twin` and `blind`."""
    found: dict[str, list[dict]] = {name: [] for name in (*cases.NAMES, "twin", "blind")}
    for row in rows:
        words = row["case"].split()
        found[words[2] if len(words) > 2 else words[0]].append(row)
    return found


def _most(rows: Sequence[dict], key: str) -> float | None:
    return round(max(row[key] for row in rows), 3) if rows else None


def touches(rows: Sequence[dict], late: bool = False) -> np.ndarray:
    """Angles at the touch, degrees, of the closes without (or with) something sudden late."""
    return np.array([abs(row["touch_deg"]) for row in rows
                     if row.get("order_s") is not None and row["late"] == late])


def _touch(rows: Sequence[dict]) -> dict:
    deg = touches(rows)
    if not len(deg):
        return {"closes": 0}
    later = touches(rows, True)
    return {"closes": len(deg) + len(later),
            "p50_deg": round(float(np.percentile(deg, 50)), 3),
            "p99_deg": round(float(np.percentile(deg, 99)), 3),
            "max_deg": round(float(deg.max()), 3),
            "disturbed_later": len(later),
            "disturbed_later_max_deg": round(float(later.max()), 3) if len(later) else None,
            "outside": sum(bool(row["outside"]) for row in rows if row.get("order_s") is not None)}


def availability(rows: Sequence[dict]) -> float | None:
    """% of the cases that the oracle closes in which the firmware closed as well."""
    could = [row for row in rows if row["oracle_s"] is not None]
    if not could:
        return None
    return round(100 * sum(row["order_s"] is not None for row in could) / len(could), 2)


def _surely_below(rows: Sequence[dict], least_pct: float) -> bool:
    """By more than two standard errors of this many cases: a small sample scatters."""
    reached = availability(rows)
    if reached is None:
        return False
    n = sum(row["oracle_s"] is not None for row in rows)
    return reached + 2 * math.sqrt(reached * (100 - reached) / n) < least_pct


def gates(rows: Sequence[dict], blind: Sequence[dict]) -> dict[str, dict]:
    """Of each gate: the ticks and cases in which it alone refused; of those played without it,
    which closed that had not, or at another time, and how badly."""
    found: dict[str, dict] = {}
    plain = {row["case"]: row for row in rows}
    for bit, name in gate_names().items():
        ticks = [row["alone"].get(str(bit), 0) for row in rows]
        of = [row for row in blind if row["case"].endswith(f" {1 << bit:x}")]
        closed = [row for row in of if row["order_s"] is not None]
        changed = [row for row in closed
                   if plain[row["case"].split(" blind")[0]]["order_s"] != row["order_s"]]
        found[name] = {
            "alone_ticks": sum(ticks), "alone_cases": sum(n > 0 for n in ticks),
            "played_without": len(of), "closes_changed": len(changed),
            "outside_without": sum(bool(row["outside"]) for row in changed),
            "touch_without_max_deg": _most(
                [row | {"deg": abs(row["touch_deg"])} for row in changed if not row["late"]],
                "deg")}
    return found


def _ms(rows: Sequence[dict]) -> float | None:
    return _most([row for row in rows if row["ms"] is not None], "ms")


def figures(rows: Sequence[dict], front: str) -> dict:
    """The study's answer; None: none was played, or it never happened."""
    of = by_family(rows)
    estimates = of["estimate"]
    closing = of["steady"] + of["stress"] + of["check"]
    all_closing = closing + of["faulty"]
    aimed = of["steady"] + of["stress"]
    touch = {name: _touch(of[name]) for name in ("steady", "stress", "check", "faulty")}
    together = _touch(aimed)
    timed = of["block"] + of["permit"] + of["energise"] + of["settle"]
    found: dict[str, Any] = {
        "front_end": front, "scenarios": len(closing), "trials": len(estimates),
        "angle_err_max_deg": _most(estimates, "angle_deg"),
        "slip_static_err_max_mhz": _most(estimates, "slip_mhz"),
        "slip_touch_err_max_mhz": _most(estimates, "slip_touch_mhz"),
        "u_err_max_pct": _most(estimates, "u_pct"),
        "closes": sum(one["closes"] for name, one in touch.items() if name != "faulty"),
        "touch_p50_deg": together.get("p50_deg"), "touch_p99_deg": together.get("p99_deg"),
        "touch_max_deg": together.get("max_deg"),
        "touch_steady_max_deg": touch["steady"].get("max_deg"),
        "touch_check_max_deg": touch["check"].get("max_deg"),
        "outside_limits": sum(one.get("outside", 0) for one in touch.values()),
        "availability_pct": availability(closing),
        "twin_mismatches": sum(not row["same"] for row in of["twin"]),
        "twin_scenarios": len(of["twin"]),
        "block_ms_max": _ms(of["block"]),
        "permit_ms_max": _ms(of["permit"]),
        "permit_energise_ms_max": _ms(of["energise"]),
        "permit_slip_ms_max": _ms(of["settle"]),
        "never_permitted": sum(row["ms"] is None for row in timed)
        + sum(not row["permitted_before"] for row in of["block"]),
        "touch": touch,
        "availability_of_pct": {name: availability(of[name]) for name in
                                ("steady", "stress", "check")},
        "estimator": {key: _most(estimates, key) for key in (estimates[0] if estimates else {})
                      if key not in ("case", "f1_hz", "slip_hz", "ticks")},
        "ms_of": {f"{name} {what}": _ms([row for row in of[name] if row["what"] == what])
                  for name in ("block", "permit", "energise", "settle")
                  for what in dict.fromkeys(row["what"] for row in of[name])},
        "gates": gates(all_closing, of["blind"]),
    }
    goals = GOALS[front]
    missed = [key for key, most in goals.items() if found[key] is not None and found[key] > most]
    if front == "rp2040" and _surely_below(closing, AVAILABLE_PCT):
        missed.append("availability_pct")
    found["goals_missed"] = missed
    return found


def goal(key: str, front: str) -> str:
    """In words, for who missed it."""
    if key == "availability_pct":
        return f"at least {AVAILABLE_PCT:g}, less two standard errors"
    return f"at most {GOALS[front][key]:g}"
