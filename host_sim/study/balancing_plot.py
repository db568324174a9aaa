"""The picture of the balancing study: losses an hour under each rule, and the moves."""
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402

from host_sim.study.balancing import Played  # noqa: E402
from host_sim.study.street_day import HOUR  # noqa: E402

_NAMES = {"none": "no moves", "ui": "by unbalance (firmware)", "loss": "by estimated losses",
          "hindsight": "best static, in hindsight"}
_LOOK = {"none": ("0.35", "-"), "ui": ("tab:orange", "-"), "loss": ("tab:blue", "-"),
         "hindsight": ("tab:green", ":")}


def draw(played: dict[str, Played], title: str, file: Path) -> None:
    """Writes the picture; its kind is that of the file's name."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(10, 6.5), sharex=True,
                                          height_ratios=(3, 1), layout="constrained")
    for name, one in played.items():
        wh = one.flow.losses_w.reshape(-1, HOUR).sum(axis=1) / HOUR
        pct = 100 * (one.flow.kwh / played["none"].flow.kwh - 1)
        colour, line = _LOOK[name]
        label = _NAMES[name] + (f" ({pct:+.1f} %)" if name != "none" else "")
        upper.stairs(wh, color=colour, linestyle=line, linewidth=1.6, label=label)
    upper.set(ylabel="losses, Wh in the hour", title=title)
    upper.set_ylim(bottom=0)
    upper.legend(loc="upper left")
    hours = len(played["none"].flow.losses_w) // HOUR
    width = 0.4
    for shift, name in ((-width / 2, "ui"), (width / 2, "loss")):
        at = [minute // HOUR for minute, *_ in played[name].moves]
        counts = np.bincount(at, minlength=hours) if at else np.zeros(hours)
        lower.bar(np.arange(hours) + shift, counts, width, color=_LOOK[name][0],
                  label=f"{len(at)} moves")
    lower.set(ylabel="moves at the hour", xlabel="hour", xlim=(-0.5, hours))
    lower.set_xticks(range(0, hours + 1, max(1, hours // 12)))
    lower.yaxis.get_major_locator().set_params(integer=True)
    lower.set_ylim(top=1.35 * max(lower.get_ylim()[1], 1))
    lower.legend(loc="upper right", ncols=2)
    for axes in (upper, lower):
        axes.grid(alpha=0.3)
    figure.savefig(file, dpi=110)
    plt.close(figure)
