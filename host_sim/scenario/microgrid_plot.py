"""A microgrid's run as a picture: powers, stores, and what was decided.

Curves are the island's truth, a row a minute; marks are the event log's.
"""
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from host_sim.scenario.microgrid_run import Result  # noqa: E402

# of the log: what is marked, and how
_MARKS = {"BOOT": ("start", "0.4", "--"), "MG_STALE": ("measurement stale, fresh", "tab:red", ":"),
          "MG_STORE": ("store out, back", "tab:purple", ":"),
          "MG_PNS": ("load left out, supplied", "tab:brown", "-"),
          "MG_STOP": ("stop", "black", "-")}
_FAILED = ("state=2 ", "state=3 ")       # of MG_DIESEL


def plot(result: Result, path: Path) -> None:
    rows = list(zip(*result.trace, strict=True))
    t = [s / 3600 for s in rows[0]]
    could, pv, would, load, diesel, battery, hydrogen = ([x / 1000 for x in row]
                                                        for row in rows[1:8])
    figure, axes = plt.subplots(3, 1, sharex=True, figsize=(11, 9), layout="constrained")
    axes[0].fill_between(t, pv, could, color="tab:orange", alpha=0.2, lw=0, label="PV given up")
    axes[0].plot(t, pv, color="tab:orange", lw=1.2, label="PV")
    axes[0].plot(t, load, color="tab:blue", lw=1.2, label="load")
    axes[0].fill_between(t, load, would, color="tab:red", alpha=0.5, lw=0, label="not supplied")
    axes[0].plot(t, diesel, color="black", lw=1.2, label="diesel set")
    axes[0].set_ylabel("kW")
    axes[1].plot(t, battery, color="tab:green", lw=1, label="battery, + delivers")
    axes[1].plot(t, hydrogen, color="tab:purple", lw=1, label="hydrogen, + delivers")
    axes[1].axhline(0, color="0.6", lw=0.6)
    axes[1].set_ylabel("kW")
    spec = result.plan.plant
    axes[2].plot(t, [100 * x / max(spec.battery.cap_mwh / 1e6, 1e-9) for x in rows[8]],
                 color="tab:green", lw=1.2, label="battery")
    axes[2].plot(t, [100 * x / max(spec.hydrogen.cap_mwh / 1e6, 1e-9) for x in rows[9]],
                 color="tab:purple", lw=1.2, label="hydrogen")
    axes[2].set_ylim(-3, 103)
    axes[2].set_ylabel("charge, %")
    axes[2].set_xlabel("h")
    _mark(axes, result)
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    axes[0].set_title(f"{result.plan.name}: {result.plan.title}", fontsize="medium")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _mark(axes, result: Result) -> None:
    seen = set()
    for t_us, line in result.events:
        words = line.split(" ", 4)
        mark = _MARKS.get(words[3])
        if words[3] == "MG_DIESEL" and line.split(" ", 4)[4].startswith(_FAILED):
            mark = ("diesel set failed", "tab:red", "-")
        if mark is None:
            continue
        label, colour, style = mark
        for axis in axes:
            axis.axvline(t_us / 3.6e9, color=colour, ls=style, lw=0.9,
                         label=label if axis is axes[2] and label not in seen else None)
        seen.add(label)
