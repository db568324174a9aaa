"""A recloser's run as a picture: voltages, frequencies, angle and current, with what was decided.

Curves are the world's truth, marks are the event log's.
"""
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from host_sim.scenario.recloser_run import Result  # noqa: E402

# of the log: what is marked, and how
_MARKS = {"SYNC_CLOSE": ("close order", "tab:green", "-"), "CLOSED": ("closed", "tab:green", ":"),
          "OPENED": ("opened", "tab:red", "-"), "PICKUP": ("pick-up", "tab:orange", ":"),
          "REFUSED": ("refused", "tab:purple", "--"), "VT": ("VT alarm", "tab:brown", "--")}
_ROWS = ((1, "U, per unit", ("side 1", "side 2")), (3, "f, Hz", ("side 1", "side 2")),
         (5, "side 2 - side 1, deg", ("",)), (6, "I of phase A, A", ("",)))


def plot(result: Result, path: Path) -> None:
    rows = result.trace
    t = [row[0] for row in rows]
    figure, axes = plt.subplots(4, 1, sharex=True, figsize=(11, 9), layout="constrained")
    for axis, (at, label, names) in zip(axes, _ROWS, strict=True):
        for k, name in enumerate(names):
            values = [row[at + k] for row in rows]
            if at == 3:
                values = [x or float("nan") for x in values]
            if at == 5:
                values = [x if row[1] > 0.2 and row[2] > 0.2 else float("nan")
                          for x, row in zip(values, rows, strict=True)]
                axis.plot(t, values, ".", ms=1.5)
            else:
                axis.plot(t, values, lw=1, label=name)
        axis.set_ylabel(label)
        axis.grid(alpha=0.3)
        if len(names) > 1:
            axis.legend(fontsize="small", loc="upper right")
    axes[2].set_ylim(-180, 180)
    axes[2].set_yticks(range(-180, 181, 60))
    _shade(axes, rows)
    _mark(axes, result)
    axes[0].set_title(f"{result.plan.name}: {result.plan.title}", fontsize="medium")
    axes[-1].set_xlabel("s")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _shade(axes, rows: list[list[float]]) -> None:
    """Where the breaker is closed."""
    began = None
    for row in [*rows, [rows[-1][0], *[0.0] * 7]]:
        if row[7] and began is None:
            began = row[0]
        elif not row[7] and began is not None:
            for axis in axes:
                axis.axvspan(began, row[0], color="0.5", alpha=0.12, lw=0)
            began = None


def _mark(axes, result: Result) -> None:
    seen = set()
    for t_us, line in result.events:
        words = line.split(" ")
        if words[3] not in _MARKS:
            continue
        label, colour, style = _MARKS[words[3]]
        for axis in axes:
            axis.axvline(t_us / 1e6, color=colour, ls=style, lw=0.9,
                         label=label if axis is axes[3] and label not in seen else None)
        seen.add(label)
    if seen:
        axes[3].legend(fontsize="small", loc="upper right")
