"""The course of a run as a picture: voltages and powers at the post, powers of the customers; what
meters logged, if there are any; of a feeder also its map, and the voltage along the way."""
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")  # a file, never a window

import matplotlib.pyplot as plt  # noqa: E402  after the choice above
import numpy as np  # noqa: E402

from host_sim.scenario.feeder_map import (  # noqa: E402
    PHASE_COLOURS,
    Feeder,
    draw_map,
    draw_profile,
)
from host_sim.scenario.figures import event_lines  # noqa: E402
from host_sim.scenario.meter_plot import draw_logged, rows_of  # noqa: E402
from host_sim.scenario.plan import Event, Scenario  # noqa: E402
from host_sim.scenario.quality import reports  # noqa: E402
from host_sim.scenario.result import RunResult  # noqa: E402

# Events of the log worth a mark; more would hide the curves.
_MARKED = ("OUT", "RES", "RECON_END", "UB_QUERY", "UB_DONE", "UV", "STUCK", "LOCKOUT")
_MANY = 12       # customers: of more the curves have their phase's colour and no names
_HOURS_S = 7_200.0   # longer runs are drawn over hours
_LETTER = 0.0058  # of the width of the voltages' frame, takes a letter of a label
_ROWS = 7        # of labels in it, before they cover each other


def plot(result: RunResult, scenario: Scenario, path: Path) -> None:
    """Writes the PNG (or what the suffix of path says)."""
    hours = result.run_us / 1e6 > _HOURS_S
    t_s = [t / (3.6e6 if hours else 1000) for t in result.trace["t_ms"]]
    customers = [k for k in result.trace if k.startswith("s_va_")]
    with_map = scenario.street.feeder is not None and bool(result.record.voltages)
    if with_map:
        figure = plt.figure(figsize=(19, 10), layout="constrained")
        panes: Any = figure.subfigures(1, 2, width_ratios=(1.15, 1))
        left, right = panes
        volts, powers, users = left.subplots(3, 1, sharex=True)
        top, bottom = right.subplots(2, 1, height_ratios=(2.2, 1))
        feeder = Feeder(result, scenario)
        draw_map(top, feeder, right)
        draw_profile(bottom, feeder, reports(result, scenario))
    else:
        meters = [acu.id for acu in scenario.acus if acu.role == "meter"]
        rows = 4 if meters else 3
        figure, axes = plt.subplots(rows, 1, sharex=True, figsize=(12, 2 + 2.4 * rows),
                                    height_ratios=(4, 3, 3, 0.7 + 0.9 * len(meters))[:rows],
                                    layout="constrained")
        volts, powers, users = axes[:3]
        if meters:
            draw_logged(axes[3], meters, result, 3.6e9 if hours else 1e6)
            axes[3].set_xlabel("time of the run, " + ("h" if hours else "s"))
    for p, colour in enumerate(PHASE_COLOURS):
        volts.plot(t_s, result.trace[f"u_v{p}"], color=colour, lw=1.2, label=f"phase {'ABC'[p]}")
        powers.plot(t_s, result.trace[f"s_va{p}"], color=colour, lw=1.2, label=f"phase {'ABC'[p]}")
    names = {a.customer: a.id for a in scenario.operators()}
    phase = {c.id: c.phase for c in scenario.street.customers}
    for key in customers:
        customer = key.removeprefix("s_va_")
        if len(customers) > _MANY:
            users.plot(t_s, result.trace[key], lw=0.5, alpha=0.6,
                       color=PHASE_COLOURS[phase[customer]])
        else:
            users.plot(t_s, result.trace[key], lw=1.2,
                       label=f"{names.get(customer, customer)} ({customer})")
    volts.set_ylabel("U at the post, V rms")
    powers.set_ylabel("S at the post, VA")
    users.set_ylabel("S of the customers, VA")
    if with_map or not meters:
        users.set_xlabel("time of the run, " + ("h" if hours else "s"))
    volts.set_ylim(0, 1.18 * max(max(result.trace[f"u_v{p}"], default=0) for p in range(3)) or 1)
    _frame(powers, [result.trace[f"s_va{p}"] for p in range(3)], scenario)
    _frame(users, [result.trace[key] for key in customers], scenario)
    for axes in (volts, powers, users):
        axes.grid(alpha=0.3)
        axes.margins(x=0)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", ncols=6, fontsize="small", framealpha=0.9)
    _mark(volts, (powers, users), result, scenario, 3600.0 if hours else 1.0)
    figure.suptitle(f"{scenario.title}\nseed {result.seed}, {result.level} level, {result.python}",
                    fontsize="medium", parse_math=False)   # a $ in a title is a $
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _frame(axes, curves: list[list[float]], scenario: Scenario) -> None:
    """Inrush of six times the load would press everything else to the floor: it leaves the frame,
    with a note of how far."""
    highest = max((max(curve, default=0.0) for curve in curves), default=0.0)
    usual = max(0.75 * sum(c.s_va for c in scenario.street.customers),
                *(1.1 * float(np.percentile(curve or [0.0], 97.0)) for curve in curves))
    if scenario.street.feeder is not None and highest:
        usual = 1.15 * max(float(np.percentile(curve, 99.0)) for curve in curves)
    top = max(1.0, min(highest, usual))
    axes.set_ylim(0, top * 1.18)   # room for the legend above the curves
    if highest > top * 1.18:
        axes.text(0.995, 0.95, f"peaks up to {highest / 1000:.1f} kVA, beyond the frame",
                  transform=axes.transAxes, ha="right", va="top", fontsize="x-small")


def _label(event: Event) -> str:
    args = event.args
    if event.kind == "world":
        acu = f" {args['acu']}" if args.get("acu") else ""
        value = args["value"]
        if isinstance(value, (list, tuple)):     # a phase each
            value = "/".join(f"{x:g}" if isinstance(x, float) else str(x) for x in value)
        return f"{args['name']} {value}{acu}"
    if event.kind == "scc":
        return " ".join(["scc", *(str(v) for v in args["body"].values())])
    return f"{event.kind} {args.get('acu', '')}"


def _mark(top, others, result: RunResult, scenario: Scenario, unit_s: float) -> None:
    unit_us = unit_s * 1e6
    marks = [(e.t_us / unit_us, _label(e), "tab:red") for e in scenario.events]
    marks += [(e.t_us / unit_us, f"{e.acu} {e.name}", "tab:blue") for e in event_lines(result)
              if e.name in _MARKED]
    marks.sort()
    width = max(result.run_us / unit_us, 1e-9)
    rows = rows_of([(t, _LETTER * width * (len(text) + 1)) for t, text, _ in marks], _ROWS)
    for (t, text, colour), row in zip(marks, rows, strict=True):
        for axes in (top, *others):
            axes.axvline(t, color=colour, lw=0.8, ls="--", alpha=0.7)
        right = t + _LETTER * width * len(text) > width     # else it would leave the frame
        top.annotate(text, (t, 0.62 - 0.085 * row), xycoords=("data", "axes fraction"),
                     xytext=(-3 if right else 3, 0), textcoords="offset points",
                     ha="right" if right else "left", fontsize="x-small", color=colour,
                     bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.5})
