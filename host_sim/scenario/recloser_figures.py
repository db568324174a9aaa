"""What a recloser's run reached, in numbers, and whether that is what its scenario expects.

Touches, partings and times are the world's truth; words come from the event log and the console.
Angles and slips are side 2 minus side 1 at the moment of the touch.
"""
import hashlib
from typing import Any

from host_sim.scenario.figures import Check, words
from host_sim.scenario.recloser_run import Result


def figures(result: Result) -> dict[str, Any]:
    plan = result.plan
    touches = result.touches
    live = [one for one in touches if all(one.live)]
    begun = [fault.at_s for fault in plan.faults]
    trips = [(at, next((t for t, _ in result.partings if t >= at), None)) for at in begun]
    # each asked closing and the next touch, unless another was asked for before it
    asked = [t / 1e6 for t in result.asked_us]
    waits = []
    for k, at in enumerate(asked):
        until = asked[k + 1] if k + 1 < len(asked) else float("inf")
        waits += [one.t_s - at for one in touches if at <= one.t_s < until][:1]
    log = result.event_log()
    shown: dict[str, Any] = {}
    if plan.line is not None:
        # SAIFI, MAIFI, SAIDI are of one run, not of a year: per customer, in the time played
        shown = {"customers": plan.line.customers, **result.outages,
                 **{f"{key}_without": value for key, value in result.without.items()}}
    return shown | {
        "scenario": plan.name, "seed": plan.seed, "python": result.python,
        "run_s": plan.run_us / 1e6, "wall_s": result.wall_s,
        "asked": len(asked), "closings": len(touches),
        "touch_s": [round(one.t_s, 4) for one in touches],
        "touch_deg": [round(one.deg, 3) for one in live],
        "touch_mhz": [round(1000 * one.slip_hz, 1) for one in live],
        "touch_du_pct": [round(one.du_pct, 2) for one in live],
        "wait_s": [round(wait, 3) for wait in waits],
        "openings": len(result.partings),
        "trip_ms": [round(1000 * (t - at), 1) for at, t in trips if t is not None],
        "closed_end": result.closed_end, "records": len(result.captures),
        "events": len(result.events), "messages": len(result.messages),
        "event_log_sha256": hashlib.sha256(log.encode()).hexdigest(),
    }


def check(figure: dict[str, Any], result: Result) -> list[Check]:
    """One for each thing that the scenario expects."""
    expect = result.plan.expect
    out = []
    for name, (low, high) in expect.bounds().items():
        got = figure[name]
        values = got if isinstance(got, list) else [got]
        ok = all(low <= x <= high for x in values) and bool(values)
        shown = ", ".join(f"{x:g}" for x in values) or "none"
        out.append(Check(name, ok, f"{low:g} to {high:g}: {shown}"))
    out += words(expect, [line for _, line in result.events], result.console)
    if expect.closed_end is not None:
        ok = result.closed_end == expect.closed_end
        out.append(Check("closed_end", ok, f"{expect.closed_end}: {result.closed_end}"))
    return out
