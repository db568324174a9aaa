"""`slvg sim recloser`, and any other scenario of kind "recloser": one breaker between two nets."""
import os
from pathlib import Path

from rich.console import Console

from host_sim.scenario import captures, recloser_plan, recloser_run
from host_sim.scenario.recloser_figures import check, figures
from slvg import one_acu
from slvg.output import bad_input

_SHOWN = ("asked", "closings", "touch_s", "touch_deg", "touch_mhz", "touch_du_pct", "wait_s",
          "openings", "trip_ms", "closed_end", "records", "events", "event_log_sha256", "python",
          "seed", "wall_s")


def command(name: str, comtrade: Path | None, **options) -> None:
    """options: of one_acu.sim()."""
    def plan_of(name: str):
        plan = recloser_plan.read(name)
        if comtrade is not None and not (comtrade.is_dir() and os.access(comtrade, os.W_OK)):
            bad_input(f"E132 --comtrade {comtrade}: is no folder that can be written. Make it, or "
                      "write elsewhere.")
        return plan

    def more(console: Console, plan, result) -> dict:
        if plan.line is not None:
            console.print(_customers(plan.line.customers, result), markup=False)
        if comtrade is None:
            return {}
        paths, bad = captures.export(comtrade, plan.name, plan.id, "", result.captures)
        console.print(f"{comtrade}: {len(paths)} COMTRADE records", markup=False)
        return {"comtrade": [path.name for path in paths], "comtrade_damaged": bad}

    one_acu.sim(name, plan_of, recloser_run.run, figures, check, _draw, _SHOWN, kind="recloser",
                more=more, **options)


def _customers(n: int, result) -> str:
    text = "{interruptions} long interruptions, {momentary} momentary, {minutes:.1f} min"
    told = f"Each of {n} customers: " + text.format(**result.outages)
    return f"{told}; without reclosing {text.format(**result.without)}" if result.without else told


def _draw():
    from host_sim.scenario.recloser_plot import plot

    return plot
