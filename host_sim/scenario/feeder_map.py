"""A feeder as a picture: its map at the highest load, and the voltage along the way.

Lines are coloured by their lowest phase; customers by the phase that they are connected to. The
voltage along the way shows the truth of all buses and customers, and what the Operators reported.
"""
import math
from typing import Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from host_sim.scenario.plan import Scenario
from host_sim.scenario.quality import REPORT_US, Report
from host_sim.scenario.result import RunResult
from host_sim.world.tree import Tree

PHASE_COLOURS = ("tab:brown", "black", "tab:gray")   # L1 L2 L3 of IEC 60445
_OFF = "white"
_LABELS = 30      # customers whose ids are written


class Feeder:
    """What is drawn: the state of highest load of a run."""

    def __init__(self, result: RunResult, scenario: Scenario):
        self.scenario = scenario
        self.network: Any = scenario.street.feeder
        self.tree = Tree(self.network)
        result.record.settle(result.run_us)
        self.t_us, solution = result.record.peak or result.record.last
        self.opened = {acu for _, acu, closed in result.record.breakers if not closed}
        voltages = solution.state.all_voltages()
        more_v = solution.harmonics_v()
        self.bus_v = {bus: tuple(math.hypot(abs(voltages[bus, p] - voltages.get((bus, "N"), 0j)),
                                            more_v[n]) if (bus, p) in voltages else np.nan
                                 for n, p in enumerate("ABC"))
                      for bus in self.tree.order}
        states = result.record.voltages
        self.states = states
        self.state = next(s for s in reversed(states) if s.t_us <= self.t_us)
        self.length_m = {line.name: line.length_m for line in self.network.lines}
        self.distance_m = {self.network.lv_bus: 0.0}
        for bus in self.tree.order[1:]:
            self.distance_m[bus] = (self.distance_m[self.tree.parent[bus]]
                                    + self.length_m[self.tree.up[bus].name])

    def lowest_v(self, bus: str) -> float:
        return float(np.nanmin(self.bus_v[bus]))

    def true_v(self, report: Report) -> np.ndarray:
        """What was true when this was measured, three phases, V."""
        at_us = report.t_us - REPORT_US // 2
        state = next(s for s in reversed(self.states) if s.t_us <= at_us or s is self.states[0])
        return state.u_v[report.customer]

    def colour(self, customer: int) -> str:
        phase = int(self.state.phase[customer])
        return PHASE_COLOURS[phase] if phase >= 0 else _OFF


def draw_map(axes, feeder: Feeder, figure) -> None:
    """Lines by voltage, customers by phase, branches and post."""
    xy = {bus: at for bus, at in feeder.network.coords.items() if bus in feeder.bus_v}
    lines = [line for line in feeder.network.lines if line.bus1 in xy and line.bus2 in xy]
    axes.set_title(f"the feeder at its highest load, {_clock(feeder.t_us)}", fontsize="small")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    if not lines:
        axes.text(0.5, 0.5, "no coordinates of the buses", ha="center", transform=axes.transAxes)
        return
    values = [min(feeder.lowest_v(line.bus1), feeder.lowest_v(line.bus2)) for line in lines]
    shown = LineCollection([[xy[line.bus1], xy[line.bus2]] for line in lines], cmap="viridis",
                           linewidths=3, capstyle="round", zorder=1)
    shown.set_array(np.array(values))
    axes.add_collection(shown)
    bar = figure.colorbar(shown, ax=axes, shrink=0.6, pad=0.01)
    bar.set_label("lowest phase, V", fontsize="x-small")
    bar.ax.tick_params(labelsize="x-small")
    customers = feeder.scenario.street.customers
    for n, customer in enumerate(customers):
        if customer.bus in xy:
            axes.scatter(*xy[customer.bus], s=34, color=feeder.colour(n), edgecolors="tab:red"
                         if feeder.colour(n) == _OFF else "white", linewidths=0.8, zorder=3)
            if len(customers) <= _LABELS:
                axes.annotate(customer.id, xy[customer.bus], xytext=(4, 3), fontsize=5,
                              textcoords="offset points")
    for acu in feeder.scenario.street.acus:
        ends = feeder.tree.ends.get(acu.line)
        if ends and ends[0] in xy and ends[1] in xy:
            (x0, y0), (x1, y1) = xy[ends[0]], xy[ends[1]]
            opened = acu.id in feeder.opened
            colour = "tab:red" if opened else "tab:green"
            axes.scatter((x0 + x1) / 2, (y0 + y1) / 2, marker="D", s=46, zorder=4, color=colour,
                         edgecolors="white")
            away = 24 / max(math.hypot(x1 - x0, y1 - y0), 1e-9)    # points along the line
            axes.annotate(acu.id + (" (was open)" if opened else ""), (x1, y1),
                          xytext=((x1 - x0) * away, (y1 - y0) * away), ha="center", va="center",
                          textcoords="offset points", fontsize="small", weight="bold", zorder=5,
                          color=colour, bbox={"facecolor": "white", "alpha": 0.7, "lw": 0,
                                              "pad": 0.8})
    axes.scatter(*xy[feeder.network.lv_bus], marker="s", s=110, color="tab:blue",
                 edgecolors="white", zorder=4)
    axes.annotate("post", xy[feeder.network.lv_bus], xytext=(9, -14), textcoords="offset points",
                  color="tab:blue", weight="bold")
    axes.margins(0.06)
    marks = [Line2D([], [], ls="", marker="o", color=colour, label=f"on {phase}")
             for phase, colour in zip("ABC", PHASE_COLOURS, strict=True)]
    marks.append(Line2D([], [], ls="", marker="D", color="tab:green", label="branch breaker"))
    axes.legend(handles=marks, fontsize="x-small", loc="best", framealpha=0.8)


def draw_profile(axes, feeder: Feeder, told: list[Report]) -> None:
    """Voltage against the way from the post: crosses as reported first after the highest load,
    dots the truth of the same time, lines all buses at the highest load itself."""
    for p, colour in enumerate(PHASE_COLOURS):
        ways = [[(feeder.distance_m[feeder.tree.parent[bus]],
                  feeder.bus_v[feeder.tree.parent[bus]][p]),
                 (feeder.distance_m[bus], feeder.bus_v[bus][p])] for bus in feeder.tree.order[1:]]
        axes.add_collection(LineCollection(ways, colors=colour, linewidths=0.7, alpha=0.55))
    said: dict[int, Report] = {}
    for report in told:
        if report.t_us > feeder.t_us + REPORT_US:
            said.setdefault(report.customer, report)
    customers = feeder.scenario.street.customers
    for n, customer in enumerate(customers):
        phase = int(feeder.state.phase[n])
        if phase < 0 or customer.phases:
            continue
        x = feeder.distance_m[customer.bus]
        if n in said:
            axes.plot(x, feeder.true_v(said[n])[phase], "o", ms=4, color=PHASE_COLOURS[phase])
            axes.plot(x, said[n].u_v[phase], "x", ms=6, color="tab:red", mew=0.9)
    axes.plot([], [], lw=0.7, color="black", label="true, all buses, at the highest load")
    axes.plot([], [], "o", ms=4, color="black", label="true, when reported next, own phase")
    axes.plot([], [], "x", ms=6, color="tab:red", label="reported by the Operator")
    axes.autoscale_view()
    axes.set_xlabel("way from the post, m")
    axes.set_ylabel("U, V rms")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="x-small", loc="best", framealpha=0.8)


def _clock(t_us: int) -> str:
    s = t_us // 1_000_000
    return f"{s} s" if s < 7_200 else f"{s // 3600:02}:{s // 60 % 60:02} h of the run"
