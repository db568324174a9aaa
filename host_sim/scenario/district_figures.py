"""What a district's run reached, in numbers, and whether that is what its scenario expects.

Times, angles, slips, powers and frequencies are the world's truth; words come from the event log
and the consoles. Marks are those of the paper's timeline (docs/simulator.md).
"""
import hashlib
from typing import Any

from host_sim.scenario.district_run import Result
from host_sim.scenario.district_truth import Move
from host_sim.scenario.figures import Check, words

# From the balancing on (C), so long may the island's frequency be anywhere.
_SETTLED_S = 2.0
_EQUAL = ("trips", "ufls", "in_step", "closed_end", "closings")


def timeline(result: Result) -> dict[str, float | None]:
    """A, A_r3: R1 and R2 have parted, R3 has touched; B, D: Q6 opens and recloses; C: the first
    machine tripped, or R4 parted; E, E_r2, E_r3_open: R1 and R2 have touched again, R3 parted."""
    kept = result.kept
    a_s = kept.a_s

    def first(name: str, closed: bool, from_s: float | None) -> float | None:
        return None if from_s is None else next(
            (m.t_s for m in kept.moves
             if m.recloser == name and m.closed == closed and m.t_s >= from_s), None)

    def mark(name: str) -> float | None:
        return next((ms / 1000 for what, ms in result.marks if what == name), None)

    began = [t_s for t_s, _ in kept.trips] + [m.t_s for m in kept.moves
                                              if m.recloser == "r4" and not m.closed]
    return {"fault": mark("fault"), "A": a_s, "A_r3": first("r3", True, a_s), "B": mark("B"),
            "C": min(began, default=None), "D": mark("D"), "E": first("r1", True, a_s),
            "E_r2": first("r2", True, a_s), "E_r3_open": first("r3", False, first(
                "r3", True, a_s))}


def figures(result: Result) -> dict[str, Any]:
    plan, kept = result.plan, result.kept
    at = timeline(result)
    a_s, c_s, e_s, fault_s = at["A"], at["C"], at["E"], at["fault"]
    touches = [m for m in kept.moves if m.closed]
    live = [m for m in touches if m.live and m.recloser in ("r1", "r2")]
    tie = [m for m in touches if m.live and m.recloser == "r3"]
    shed = next((m.t_s for m in kept.moves if m.recloser == "r4" and not m.closed), None)
    until = kept.f_hz[:_ms(e_s) + 1] if e_s is not None else kept.f_hz
    settled = until[_ms(c_s + _SETTLED_S):] if a_s is not None and c_s is not None else []
    log = result.event_log()
    return {
        "scenario": plan.name, "variant": plan.variant or None, "seed": plan.seed,
        "python": result.python, "run_s": plan.run_us / 1e6, "wall_s": result.wall_s,
        "load_pct": round(100 * plan.load_share, 3),
        "timeline": at, "a_s": a_s, "c_s": c_s, "e_s": e_s,
        "pai_ms": None if a_s is None or fault_s is None else round(1000 * (a_s - fault_s)),
        "trips": sorted(name for _, name in kept.trips),
        "trip_s": [[t_s, name] for t_s, name in kept.trips],
        "ufls": shed is not None, "ufls_s": shed,
        "f_max_hz": round(max(until), 3), "f_min_hz": round(min(until), 3),
        "island_hz": [round(min(settled), 3), round(max(settled), 3)] if settled else [],
        "f_end_hz": round(kept.f_hz[-1], 3),
        "close_angle_deg": [round(m.deg, 2) for m in live],
        "close_slip_hz": [round(m.slip_hz, 4) for m in live],
        "close_du_pct": [round(m.du_pct, 2) for m in live],
        "tie_angle_deg": [round(m.deg, 2) for m in tie],
        "peak_p_pu": None if kept.peak_p_pu is None else round(kept.peak_p_pu, 3),
        "angle_end_deg": None if kept.most_deg is None else round(kept.most_deg, 1),
        "angle_90_s": kept.angle_90_s, "angle_180_s": kept.angle_180_s,
        "in_step": kept.in_step,
        "moves": [_told(m) for m in kept.moves],
        "closings": {one.id: sum(m.recloser == one.id for m in touches)
                     for one in plan.reclosers},
        "close_orders": {one.id: log_count(result, one.id, "SYNC_CLOSE")
                         for one in plan.reclosers},
        "closed_end": result.closed_end,
        "records": sum(map(len, result.captures.values())),
        "events": len(result.events), "messages": len(result.messages),
        "messages_lost": result.lost,
        "event_log_sha256": hashlib.sha256(log.encode()).hexdigest(),
    }


def _ms(t_s: float) -> int:
    """The place of a time in Kept.f_hz, whose first is that at 1 ms."""
    return max(round(1000 * t_s) - 1, 0)


def log_count(result: Result, recloser: str, event: str) -> int:
    return sum(line.split(" ")[1:4:2] == [recloser, event] for _, line in result.events)


def _told(m: Move) -> dict[str, Any]:
    told: dict[str, Any] = {"t_s": m.t_s, "recloser": m.recloser, "closed": m.closed,
                            "order_s": round(m.order_s, 3)}
    if m.closed and m.live:
        told |= {"deg": round(m.deg, 2), "slip_hz": round(m.slip_hz, 4),
                 "du_pct": round(m.du_pct, 2)}
    return told


def check(figure: dict[str, Any], result: Result) -> list[Check]:
    """One for each thing that the scenario expects."""
    expect = result.plan.expect
    out = _in_order(figure["timeline"], expect.order)
    for name, (low, high) in expect.bounds().items():
        got = figure[name]
        values = got if isinstance(got, list) else [got]
        ok = all(x is not None and low <= x <= high for x in values) and bool(values)
        shown = ", ".join("none" if x is None else f"{x:g}" for x in values) or "none"
        out.append(Check(name, ok, f"{low:g} to {high:g}: {shown}"))
    out += words(expect, [line for _, line in result.events], result.console)
    for name in _EQUAL:
        wanted = getattr(expect, name)
        if wanted is None:
            continue
        got = figure[name]
        if isinstance(wanted, dict):
            got = {key: got[key] for key in wanted}
        ok = sorted(wanted) == sorted(got) if isinstance(wanted, list) else wanted == got
        out.append(Check(name, ok, f"{wanted}: {got}"))
    return out


def _in_order(at: dict[str, float | None], wanted: list) -> list[Check]:
    """The marks come, each not before the one that is named before it."""
    if not wanted:
        return []
    times = [at[name] for name in wanted]
    there = [t for t in times if t is not None]
    shown = " ".join(f"{name} {'-' if t is None else f'{t:.3f}'}"
                     for name, t in zip(wanted, times, strict=True))
    return [Check("order", len(there) == len(times) and there == sorted(there), shown)]
