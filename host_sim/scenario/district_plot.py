"""A district's run as a picture: what the paper plots (currents of R1 and R2, powers of G1 to G4,
the microgrid's frequency, rotor angles), with the marks of its timeline.

All of it is the world's truth. Angles are against the grid: once turned back to +-180 degrees,
once as they grow; those of a machine that was tripped end there.
"""
import math
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

from host_sim.scenario.district_figures import timeline  # noqa: E402
from host_sim.scenario.district_run import Result  # noqa: E402

_MACHINES = (("G1", "tab:blue", "-"), ("G2", "tab:cyan", "--"), ("G3", "tab:red", "-"),
             ("G4", "tab:orange", "--"))
_SHOWN = ("fault", "A", "B", "C", "D", "E")
_NAN = float("nan")
_NEAR = 0.012            # of the run: marks nearer than that get their letters on either side


def plot(result: Result, path: Path) -> None:
    rows = result.kept.rows
    t = [row.t_s for row in rows]
    figure, axes = plt.subplots(5, 1, sharex=True, figsize=(11, 12), layout="constrained",
                                gridspec_kw={"height_ratios": [1, 1.1, 1, 1, 1]})
    amps, powers, f, near, far = axes
    for k, (name, colour) in enumerate((("R1", "tab:blue"), ("R2", "tab:red"))):
        amps.plot(t, [row.amps[k] for row in rows], lw=1, color=colour, label=name)
    amps.set_ylabel("I, A")
    f.plot(t, [row.f_hz for row in rows], lw=1, color="black")
    f.set_ylabel("f of the microgrid, Hz")
    for k, (name, colour, style) in enumerate(_MACHINES):
        look = {"lw": 1.2, "color": colour, "ls": style, "label": name}
        on = [row.on[k] for row in rows]
        powers.plot(t, _if([row.p_mw[k] for row in rows], on), **look)
        deg = _if([row.deg[k] for row in rows], on)
        near.plot(t, _wrapped(deg), **look)
        far.plot(t, deg, **look)
        if not on[-1]:
            last = on.index(False) - 1
            powers.plot(t[last], rows[last].p_mw[k], "x", color=colour, ms=6)
    powers.set_ylabel("P, MW")
    near.set_ylabel("rotor angle, deg\n(+-180)")
    near.set_ylim(-180, 180)
    near.set_yticks(range(-180, 181, 90))
    far.set_ylabel("rotor angle, deg\n(unwrapped)")
    for axis in axes:
        axis.grid(alpha=0.3)
        axis.margins(x=0)
    for axis in (amps, powers):
        axis.legend(fontsize="small", loc="upper right", ncols=4)
    _mark(axes, result, t[-1])
    plan = result.plan
    more = f" ({plan.variant.replace('_', ' ')})" if plan.variant else ""
    amps.set_title(f"{plan.name}{more}: {plan.title}", fontsize="medium", pad=16)
    axes[-1].set_xlabel("s")
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _if(values: list[float], on: list[bool]) -> list[float]:
    return [x if there else _NAN for x, there in zip(values, on, strict=True)]


def _wrapped(deg: list[float]) -> list[float]:
    """Without the line from one edge to the other."""
    out: list[float] = []
    turn = 0
    for x in deg:
        now = turn if math.isnan(x) else round(x / 360)
        out.append(x - 360 * now if now == turn else _NAN)
        turn = now
    return out


def _mark(axes, result: Result, end_s: float) -> None:
    """Lines through all, letters above the first, beside their lines where those are close."""
    marks = sorted(((t, name) for name, t in timeline(result).items()
                    if name in _SHOWN and t is not None))
    times = [-end_s, *(t for t, _ in marks), 2 * end_s]
    for before, (t_s, name), after in zip(times, marks, times[2:], strict=False):
        for axis in axes:
            axis.axvline(t_s, color="0.35", lw=0.8, ls=":")
        where = "center"
        if t_s - before < _NEAR * end_s:
            where = "left"
        elif after - t_s < _NEAR * end_s and t_s - before > 3 * _NEAR * end_s:
            where = "right"
        axes[0].annotate(name, (t_s, 1), xycoords=("data", "axes fraction"),
                         xytext=({"left": 2, "right": -2, "center": 0}[where], 3),
                         textcoords="offset points", ha=where, fontsize="small")
