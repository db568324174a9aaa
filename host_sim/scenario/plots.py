"""The course of a run as a picture: voltages and powers at the post, powers of the customers."""
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")  # a file, never a window

import matplotlib.pyplot as plt  # noqa: E402  after the choice above

from host_sim.scenario.figures import event_lines  # noqa: E402
from host_sim.scenario.plan import Event, Scenario  # noqa: E402
from host_sim.scenario.result import RunResult  # noqa: E402

_PHASE_COLOURS = ("tab:brown", "black", "tab:gray")   # L1 L2 L3 of IEC 60445
# Events of the log worth a mark; more would hide the curves.
_MARKED = ("OUT", "RES", "RECON_END", "UB_QUERY", "UB_DONE", "UV", "STUCK", "LOCKOUT")
_NEAR_S = 0.02   # of the width of the picture: labels closer than that go to the next row


def plot(result: RunResult, scenario: Scenario, path: Path) -> None:
    """Writes the PNG (or what the suffix of path says)."""
    t_s = [t / 1000 for t in result.trace["t_ms"]]
    customers = [k for k in result.trace if k.startswith("s_va_")]
    figure, (volts, powers, users) = plt.subplots(
        3, 1, sharex=True, figsize=(12, 9), height_ratios=(3, 3, 3), layout="constrained")
    for p, colour in enumerate(_PHASE_COLOURS):
        volts.plot(t_s, result.trace[f"u_v{p}"], color=colour, lw=1.2, label=f"phase {'ABC'[p]}")
        powers.plot(t_s, result.trace[f"s_va{p}"], color=colour, lw=1.2, label=f"phase {'ABC'[p]}")
    names = {a.customer: a.id for a in scenario.operators()}
    for key in customers:
        customer = key.removeprefix("s_va_")
        users.plot(t_s, result.trace[key], lw=1.2,
                   label=f"{names.get(customer, customer)} ({customer})")
    volts.set_ylabel("U at the post, V rms")
    powers.set_ylabel("S at the post, VA")
    users.set_ylabel("S of the customers, VA")
    users.set_xlabel("time of the run, s")
    volts.set_ylim(0, 1.18 * max(max(result.trace[f"u_v{p}"], default=0) for p in range(3)) or 1)
    _frame(powers, [result.trace[f"s_va{p}"] for p in range(3)], scenario)
    _frame(users, [result.trace[key] for key in customers], scenario)
    for axes in (volts, powers, users):
        axes.grid(alpha=0.3)
        axes.margins(x=0)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(loc="upper left", ncols=6, fontsize="small", framealpha=0.9)
    _mark(volts, (powers, users), result, scenario)
    figure.suptitle(f"{scenario.title}\nseed {result.seed}, {result.level} level, {result.python}",
                    fontsize="medium", parse_math=False)   # a $ in a title is a $
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _frame(axes, curves: list[list[float]], scenario: Scenario) -> None:
    """Inrush of six times the load would press everything else to the floor: it leaves the frame,
    with a note of how far."""
    highest = max((max(curve, default=0.0) for curve in curves), default=0.0)
    top = max(1.0, min(highest, 0.75 * sum(c.s_va for c in scenario.street.customers)))
    axes.set_ylim(0, top * 1.18)   # room for the legend above the curves
    if highest > top * 1.18:
        axes.text(0.995, 0.95, f"inrush peaks up to {highest / 1000:.1f} kVA, beyond the frame",
                  transform=axes.transAxes, ha="right", va="top", fontsize="x-small")


def _label(event: Event) -> str:
    args = event.args
    if event.kind == "world":
        acu = f" {args['acu']}" if args.get("acu") else ""
        return f"{args['name']} {args['value']}{acu}"
    if event.kind == "scc":
        return " ".join(["scc", *(str(v) for v in args["body"].values())])
    return f"{event.kind} {args.get('acu', '')}"


def _mark(top, others, result: RunResult, scenario: Scenario) -> None:
    marks = [(e.t_us / 1e6, _label(e), "tab:red") for e in scenario.events]
    marks += [(e.t_us / 1e6, f"{e.acu} {e.name}", "tab:blue") for e in event_lines(result)
              if e.name in _MARKED]
    row, last_s = 0, -1e9
    near_s = _NEAR_S * result.run_us / 1e6 * 4
    for t_s, text, colour in sorted(marks):
        for axes in (top, *others):
            axes.axvline(t_s, color=colour, lw=0.8, ls="--", alpha=0.7)
        row = row + 1 if t_s - last_s < near_s else 0
        last_s = t_s
        top.annotate(text, (t_s, 0.62 - 0.09 * (row % 6)), xycoords=("data", "axes fraction"),
                     xytext=(3, 0), textcoords="offset points", fontsize="x-small", color=colour,
                     bbox={"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 0.5})
