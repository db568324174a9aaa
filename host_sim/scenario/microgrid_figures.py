"""What a microgrid's run reached, in numbers, and whether that is what its scenario expects.

Energies and costs are the island's truth; an error is what the controller has counted and told
against the truth at that moment. Words come from the event log and the console.
"""
import hashlib
from typing import Any

from host_sim.scenario.figures import Check, words
from host_sim.scenario.microgrid_run import Result

_KWH = 3.6e9             # mW s
_NEUR_S = 3.6e12         # of a EUR: nano-EUR an hour, times seconds
# figure: place in the truths of a report, key of the report, its unit in the truth's
_COUNTED = {"pv_error_pct": (0, "v_Wh", 3.6e6), "load_error_pct": (1, "e_Wh", 3.6e6),
            "diesel_error_pct": (2, "d_Wh", 3.6e6), "eur_error_pct": (4, "ueur", 3.6e6)}
_LEAST = 0.05            # kWh or EUR: of less an error says nothing


def figures(result: Result) -> dict[str, Any]:
    plan, island = result.plan, result.island
    plant, sums = island.plant, island.plant.totals
    log = result.event_log()
    stored = {"battery": plant.battery, "hydrogen": plant.hydrogen}
    in_out = {"battery": (sums.b_in_mws, sums.b_out_mws), "hydrogen": (sums.h_in_mws,
                                                                     sums.h_out_mws)}
    out: dict[str, Any] = {
        "scenario": plan.name, "seed": plan.seed, "python": result.python,
        "run_s": plan.run_us / 1e6, "wall_s": result.wall_s, "instants": result.instants,
        "with_codes": result.fine,
        "pv_kwh": island.pv_mws / _KWH, "given_up_kwh": island.given_up_mws / _KWH,
        "load_kwh": island.load_mws / _KWH, "pns_kwh": sums.pns_mws / _KWH,
        "diesel_kwh": sums.diesel_mws / _KWH, "diesel_h": sums.diesel_s / 3600,
        "eur": sums.cost_neur_s / _NEUR_S}
    for name, tank in stored.items():
        took, gave = in_out[name]
        out[f"{name}_in_kwh"], out[f"{name}_out_kwh"] = took / _KWH, gave / _KWH
        out[f"{name}_end_pct"] = 100 * tank.e_mwh / tank.spec.cap_mwh if tank.spec.cap_mwh else 0.0
    out["balance_kwh"] = (out["pv_kwh"] + out["diesel_kwh"] - out["load_kwh"]
                          + sum(gave - took for took, gave in in_out.values()) / _KWH)
    for name, (place, key, unit) in _COUNTED.items():
        out[name] = _error(result, place, key, unit)
    starts = [line for _, line in result.events if " MG_DIESEL state=1 " in line]
    return {k: round(v, 4) if isinstance(v, float) else v for k, v in out.items()} | {
        "diesel_starts": len(starts), "closings": sum(level == 1 for _, _, level in result.drives),
        "events": len(result.events), "messages": len(result.messages),
        "reports": len(result.reports),
        "event_log_sha256": hashlib.sha256(log.encode()).hexdigest()}


def _error(result: Result, place: int, key: str, unit: float) -> float | None:
    """Of what the last report says, in %; None where there is too little of it."""
    if not result.reports:
        return None
    _, body, truth = result.reports[-1]
    true = truth[place] / unit
    least = _LEAST * (1e6 if key == "ueur" else 1e3)
    return 100 * (body[key] - true) / true if true >= least else None


def check(figure: dict[str, Any], result: Result) -> list[Check]:
    """One for each thing that the scenario expects."""
    expect = result.plan.expect
    out = []
    for name, (low, high) in expect.bounds().items():
        got = figure[name]
        out.append(Check(name, got is not None and low <= got <= high,
                         f"{low:g} to {high:g}: {'too little of it' if got is None else got}"))
    return out + words(expect, [line for _, line in result.events], result.console)
