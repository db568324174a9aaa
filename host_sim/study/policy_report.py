"""The policy's study as a report: costs by year, and what the table holds as pictures."""
import numpy as np
from matplotlib.figure import Figure

from host_sim.study.policy import Made
from host_sim.study.report import Report


def report(made: Made, facts: list[str]) -> Report:
    r = Report("policy", "A dispatch policy from a table of marginal values", facts)
    rows = []
    for name, one in (("table", made.played), ("rule", made.rule), ("naive", made.naive)):
        last = one.parts[-1].h_end_kwh
        rows.append((name, *(round(x, 2) for x in one.eur), round(one.total_eur, 2),
                     round(last, 1), round(one.corrected_eur, 2)))
    years = [f"year {k}, EUR" + (" (training)" if k in made.train else "")
             for k in range(1, len(made.played.eur) + 1)]
    r.table("costs", "Costs", ("policy", *years, "total, EUR", "hydrogen left, kWh",
                               "corrected for it, EUR"), rows,
            "The state is carried over from year to year.")
    r.figure("hydrogen", _prices(made), "What a kWh of stored hydrogen is worth, by day of the "
             "year and level.")
    r.figure("battery", _slopes(made), "What one more kWh in the half full battery is worth, by "
             "hour and season, at half full hydrogen: overcast and clear sky.")
    r.figure("level", _level(made), "Hydrogen stored over the years.")
    return r


def _prices(made: Made) -> Figure:
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    axes = figure.subplots()
    prices = made.values.prices
    picture = axes.imshow(prices.T, origin="lower", aspect="auto", extent=(0, 365, 0, 100),
                          cmap="viridis")
    axes.set_xlabel("day of the year")
    axes.set_ylabel("hydrogen, % of capacity")
    figure.colorbar(picture, label="EUR/kWh")
    return figure


def _slopes(made: Made) -> Figure:
    values = made.values
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    half = int(np.argmin(np.abs(np.array(values.h_nodes) - 0.5)))
    load = len(values.load_nodes) // 2
    part = values.slopes.shape[-1] // 2
    some = values.slopes[:, :, half, load, :, part]
    for n, (sky, name) in enumerate(((0, "overcast"), (-1, "clear")), 1):
        axes = figure.add_subplot(1, 2, n)
        picture = axes.imshow(some[:, :, sky], aspect="auto", origin="lower", vmin=some.min(),
                              vmax=some.max(), extent=(0, 24, 0, 12), cmap="viridis")
        axes.set_title(name, fontsize=9)
        axes.set_xlabel("hour, UTC")
        axes.set_ylabel("month")
    figure.colorbar(picture, ax=figure.axes, label="EUR/kWh")
    return figure


def _level(made: Made) -> Figure:
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    for name, one in (("table", made.played), ("rule", made.rule), ("naive", made.naive)):
        level = one.stores[:, 1] / 1e6
        day = np.arange(len(level)) * 365 * len(one.parts) / len(level)
        axes.plot(day, level, lw=0.8, label=name)
    axes.set_xlabel("day")
    axes.set_ylabel("kWh")
    axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure
