"""`slvg sim lahsh20`, and any other scenario of kind "district": four reclosers, four machines."""
import os
from functools import partial
from pathlib import Path

from rich.console import Console

from host_sim.scenario import captures, district_plan, district_run
from host_sim.scenario.district_figures import check, figures
from slvg import one_acu
from slvg.output import bad_input

_SHOWN = ("timeline", "trips", "ufls", "f_max_hz", "f_min_hz", "island_hz", "f_end_hz",
          "close_angle_deg", "close_slip_hz", "close_du_pct", "peak_p_pu", "angle_end_deg",
          "angle_90_s", "angle_180_s", "in_step", "closings", "close_orders", "closed_end",
          "records", "events", "messages", "messages_lost", "event_log_sha256", "python", "seed",
          "wall_s")
_TITLES = {"no_scheme": "without the scheme: the reclosers only watch",
           "no_pai": "without PAI: overcurrent protection alone",
           "blind": "closed by hand at 6.5 s, unsynchronised"}


def variant_of(given: dict[str, bool]) -> str:
    """given: options that each mean another variant of the day, and whether they were given."""
    wanted = [option for option, on in given.items() if on]
    if len(wanted) > 1:
        bad_input(f"E131 {' '.join(wanted)}: are different runs. Give one of them.")
    return wanted[0].lstrip("-").replace("-", "_") if wanted else ""


def command(name: str, comtrade: Path | None, variant: str, **options) -> None:
    """options: of one_acu.sim()."""
    def plan_of(name: str):
        plan = district_plan.read(name, variant)
        if comtrade is not None and not (comtrade.is_dir() and os.access(comtrade, os.W_OK)):
            bad_input(f"E132 --comtrade {comtrade}: is no folder that can be written. Make it, or "
                      "write elsewhere.")
        return plan

    def records(console: Console, plan, result) -> dict:
        if comtrade is None:
            return {}
        paths, bad = [], 0
        for one in plan.reclosers:
            more, damaged = captures.export(comtrade, plan.name, one.id, "",
                                            result.captures.get(one.id, []))
            paths += more
            bad += damaged
        console.print(f"{comtrade}: {len(paths)} COMTRADE records", markup=False)
        return {"comtrade": [path.name for path in paths], "comtrade_damaged": bad}

    one_acu.sim(name, plan_of, district_run.run, partial(_said, variant), check, _draw, _SHOWN,
                kind="district", more=records, words=_words, **options)


def _said(variant: str, result) -> dict:
    figure = figures(result)
    return figure | {"variant_means": _TITLES[variant]} if variant else figure


def _words(line: str) -> str:
    """Who says it, too."""
    _, who, _, rest = line.split(" ", 3)
    return f"{who} {rest}"


def _draw():
    from host_sim.scenario.district_plot import plot

    return plot
