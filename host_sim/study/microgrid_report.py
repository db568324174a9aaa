"""The microgrid study as a report: costs and energies by method, stores over the years, a week in
winter and one in summer."""
import numpy as np
from matplotlib.figure import Figure

from acu.functions import dispatch as fw
from host_sim.study import microgrid_study as study
from host_sim.study.microgrid import Played
from host_sim.study.microgrid_profiles import DAY_H, HOUR_S, MW_KW
from host_sim.study.report import FAIL, PASS, Report

_WEEKS = (("winter", 14), ("summer", 182))      # name, first day of the year
_WEEK_H = 7 * DAY_H
# What delivers, what takes: label, place of a set-point, sign, colour.
_GIVES = (("battery", fw.BAT, "#4c78a8"), ("hydrogen", fw.H2, "#72b7b2"),
          ("diesel", fw.DIE, "#8c6d5a"), ("not supplied", fw.PNS, "#d62728"))
_TAKES = (("battery, charging", fw.BAT, "#a6c5e3"), ("hydrogen, charging", fw.H2, "#c5e5e2"))
_PV, _DARK = "#f2cf5b", "#b8860b"
_LATE = 2        # digits of EUR and kWh in the tables


def report(results: study.Results, facts: list[str]) -> Report:
    r = Report("microgrid", "An isolated microgrid: what its dispatch costs", facts)
    r.table("costs", "Costs", *_rounded(study.costs(results)),
            "At least: a bound that nobody can be below, its years are shares of it. Stores are "
            "carried over from year to year; hydrogen left counts "
            "0.2795 EUR/kWh in the column corrected for it. Random is not mended by the firmware.")
    r.table("energies", "Energies of all years", *_rounded(study.energies(results)))
    if results.robust:
        r.table("robustness", "Robustness, all years, corrected for the hydrogen left",
                *_rounded(study.robustness(results)))
    if results.vm:
        columns, rows = study.in_vm(results)
        r.table("vm", "The same set-points in the 32-bit MicroPython", [*columns, "verdict"],
                [[*row, PASS if one.equal and one.grown_bytes <= study.GROWS_BYTES else FAIL]
                 for row, one in zip(rows, results.vm.values(), strict=True)])
    r.heading("Stores over the years")
    r.figure("stores", _stores(results), "Daily: hydrogen at midnight; of the battery the day's "
             "least and most, of the cheapest method.")
    best = results.best
    for name, day in _WEEKS:
        hour = HOUR_S // results.profiles.step_s
        span = slice(day * DAY_H * hour, (day * DAY_H + _WEEK_H) * hour)
        if span.stop <= len(best.did):
            r.heading(f"A week in {name}")
            r.figure(name, _week(best, span, results.profiles.step_s, name),
                     f"{best.name}. Above 0 what delivers, below what takes; the line is the "
                     "load. Charge in % of the highest.")
    r.attach("years", *_parsed(study.table_csv(results)))
    return r


def _parsed(text: str) -> tuple[list[str], list[list[str]]]:
    lines = [line.split(",") for line in text.splitlines()]
    return lines[0], lines[1:]


def _rounded(table: tuple[list[str], list[list]]) -> tuple[list[str], list[list]]:
    """As text: EUR and kWh want two decimals, however large."""
    columns, rows = table
    return columns, [[f"{x:.{_LATE}f}" if isinstance(x, float) else x for x in row]
                     for row in rows]


def _stores(results: study.Results) -> Figure:
    figure = Figure(figsize=(9, 5), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    day = DAY_H * HOUR_S // results.profiles.step_s
    every = dict(results.played)
    if results.bound is not None and results.bound.schedule.stores.shape == next(
            iter(every.values())).stores.shape:
        every[results.bound.schedule.name] = results.bound.schedule
    for name, one in every.items():
        top.plot(one.stores[day - 1::day, 1] / 1e6, lw=1, label=name)
    top.set(title="Hydrogen", ylabel="kWh")
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", fontsize="small",
                  ncols=4)
    battery = results.best.stores[:, 0].reshape(-1, day) / 1e6
    bottom.fill_between(range(len(battery)), battery.min(axis=1), battery.max(axis=1), lw=0,
                        alpha=0.6)
    bottom.set(title=f"Battery, {results.best.name}", xlabel="day", ylabel="kWh")
    for axes in (top, bottom):
        axes.grid(alpha=0.3)
    return figure


def _week(one: Played, span: slice, step_s: int, name: str) -> Figure:
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    did = one.did[span] / MW_KW
    seen = one.seen[span] / MW_KW
    hours = np.arange(len(did) + 1) * step_s / HOUR_S
    used = seen[:, fw.PV] - did[:, fw.CUR]
    gives = [("PV used", used, _PV)] + [(label, np.maximum(did[:, at], 0), colour)
                                        for label, at, colour in _GIVES]
    takes = [(label, np.minimum(did[:, at], 0), colour) for label, at, colour in _TAKES]
    for stack in (gives, takes):
        base = np.zeros(len(did))
        for label, power, colour in stack:
            top.stairs(base + power, hours, baseline=base, fill=True, color=colour, label=label)
            base = base + power
    top.stairs(used + did[:, fw.CUR], hours, baseline=None, color=_DARK, ls="--", lw=1,
               label="PV possible")
    top.stairs(seen[:, fw.LOAD], hours, baseline=None, color="k", lw=1.2, label="load")
    top.set(title=f"A week in {name}: powers", ylabel="kW")
    for place, label in ((0, "battery"), (1, "hydrogen")):
        stored = one.stores[span, place] / max(int(one.stores[:, place].max()), 1)
        bottom.plot(hours[1:], 100 * stored, label=label)
    bottom.set(xlabel="hours", ylabel="%", ylim=(-2, 102))
    bottom.set_xticks(range(0, _WEEK_H + 1, DAY_H))
    bottom.legend(fontsize="x-small", ncols=2)
    figure.legend(*top.get_legend_handles_labels(), loc="outside lower center", fontsize="x-small",
                  ncols=9)
    for axes in (top, bottom):
        axes.grid(alpha=0.3)
    return figure
