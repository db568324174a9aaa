"""The study of the synchronism check as a report: goals, errors of the estimators, closings, what
each gate is good for, one synchronising close."""
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from acu.dsp import bay
from host_sim.study import sync_cases
from host_sim.study.report import FAIL, PASS, Report, chart
from host_sim.study.sync import AVAILABLE_PCT, GOALS, by_family, touches
from host_sim.study.sync_play import Item, example, limits_of
from host_sim.world.two_sided import wrapped

_SAYS = {
    "angle_err_max_deg": "angle now, deg",
    "slip_static_err_max_mhz": "slip of the static gate, mHz",
    "slip_touch_err_max_mhz": "slip predicted for the touch, mHz",
    "u_err_max_pct": "voltage, % of Un",
    "touch_steady_max_deg": "synchronising close at steady slip: touch, deg",
    "touch_p99_deg": "synchronising close, all: touch, 99th percentile, deg",
    "touch_max_deg": "synchronising close, all: touch, deg",
    "touch_check_max_deg": "check mode: touch, deg",
    "outside_limits": "closes outside of the limits for 50 ms or more",
    "block_ms_max": "block after a loss or a jump, ms",
    "permit_ms_max": "permit after conditions came in smoothly, ms",
    "permit_energise_ms_max": "permit after energisation, ms",
    "twin_mismatches": "cases that differ between the two Pythons",
    "never_permitted": "timed cases in which nothing happened",
}
_ERRORS = (("angle_deg", "angle, deg"), ("slip_mhz", "slip of the static gate, mHz"),
           ("slip_touch_mhz", "slip at touch, mHz"), ("u_pct", "voltage, %"))


def report(rows: Sequence[dict], figures: dict, first: Item) -> Report:
    of = by_family(rows)
    front = figures["front_end"]
    name = f"measured converter {first.curve.rsplit('/', 1)[-1]}" if first.curve else front
    r = Report("sync", "Synchronism check of the recloser", [
        f"Board pico_w_recloser, converter {name}; seed {first.seed}; "
        f"{figures['scenarios']} closings, {figures['trials']} trials.",
        "ADC codes through the firmware's own measuring and check in a 32-bit MicroPython; "
        f"{figures['twin_scenarios']} cases in CPython as well.",
        f"Breaker {1000 * sync_cases.CLOSE_S:g} ms, scatter "
        f"{1000 * sync_cases.SCATTER_S:g} ms; caps of IEEE 1547 lifted for the study.",
    ])
    _goals(r, figures, front)
    _estimator(r, of["estimate"], figures)
    _closings(r, of, figures)
    _gates(r, figures)
    _example(r, of, first)
    return r


def _goals(r: Report, figures: dict, front: str) -> None:
    missed = figures["goals_missed"]
    rows = [(_SAYS[key], key, figures[key], most, FAIL if key in missed else PASS)
            for key, most in GOALS[front].items() if figures[key] is not None]
    r.table("goals", "Goals", ("what, worst", "figure", "reached", "at most", "verdict"), rows)
    r.table("availability", "Availability", ("what", "figure", "reached, %", "at least, %",
                                             "verdict"),
            [("closed, of what the oracle closes", "availability_pct",
              figures["availability_pct"], AVAILABLE_PCT,
              FAIL if "availability_pct" in missed else PASS)],
            "The oracle knows the truth, also that to come, and has the same limits, dwell and "
            "breaker, no guards and nothing to wait for. Missed: by more than two standard "
            "errors. " + ", ".join(f"{name} {value}" for name, value in
                                    figures["availability_of_pct"].items()) + " %.")


def _estimator(r: Report, rows: Sequence[dict], figures: dict) -> None:
    if not rows:
        return
    table = []
    for key in figures["estimator"]:
        x = np.array([row[key] for row in rows])
        table.append((key, *(float(np.percentile(x, p)) for p in (50, 99)), float(x.max())))
    r.table("errors", "Errors of the estimators: greatest of each trial",
            ("what", "median", "99th percentile", "greatest"), table,
            "47.5 to 51.5 Hz on both sides, half with slips to 2 Hz, harmonics up to EN 50160. "
            "second_: the diverse estimator, which only has to agree.")
    r.attach("trials", list(rows[0]), [list(row.values()) for row in rows])
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    for n, (key, label) in enumerate(_ERRORS, 1):
        axes = figure.add_subplot(2, 2, n)
        axes.scatter([row["f1_hz"] for row in rows], [row[key] for row in rows], s=3)
        axes.set_xlabel("frequency of side 1, Hz", fontsize=8)
        axes.set_ylabel(label, fontsize=8)
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
    r.figure("errors", figure, "Greatest error of each trial over the frequency of side 1.")


def _closings(r: Report, of: dict, figures: dict) -> None:
    columns = ("closes", "p50_deg", "p99_deg", "max_deg", "outside", "disturbed_later",
               "disturbed_later_max_deg")
    r.table("closings", "Angles at the touch",
            ("set", "closes", "median, deg", "99 %, deg", "greatest, deg",
             "outside limits", "disturbed later", "of these greatest, deg"),
            [(name, *(one.get(key) for key in columns)) for name, one in
             figures["touch"].items()],
            "Disturbed later: something sudden between 50 ms before the order and the touch.")
    r.table("times", "Times", ("what", "greatest, ms"), list(figures["ms_of"].items()))
    keys = ("case", "what", "slip_hz", "oracle_s", "order_s", "touch_deg", "late", "outside")
    r.attach("cases", keys, [[row.get(key) for key in keys] for name in
                             ("steady", "stress", "check", "faulty") for row in of[name]])
    figure, axes = chart("Angle at the touch", "degrees", "closes")
    for name in ("steady", "stress", "check"):
        deg = touches(of[name])
        if len(deg):
            axes.hist(deg, bins=np.arange(0, 10.26, 0.25).tolist(), histtype="step", label=name,
                      log=True)
    axes.axvline(10, color="k", ls="--", lw=1, label="limit, 10 deg")
    axes.legend(fontsize=8)
    r.figure("touch", figure, "Closes by the angle at the true touch, without those that were "
                              "disturbed after the order.")


def _gates(r: Report, figures: dict) -> None:
    r.table("gates", "What each gate is good for",
            ("gate", "alone, ticks", "alone, cases", "played without", "other closes",
             "of these outside", "greatest touch, deg"),
            [(name, *one.values()) for name, one in figures["gates"].items()],
            "Alone: nothing else refused in that tick. Without: some of these cases played once "
            "more with this gate taken out; closes that then were given, or at another time.")


def _example(r: Report, of: dict, first: Item) -> None:
    """The steady close with the greatest slip among the first hundred."""
    closed = [row for row in of["steady"][:100] if row["order_s"] is not None]
    if not closed:
        return
    row = max(closed, key=lambda one: abs(one["slip_hz"]))
    item = first._replace(family=sync_cases.STEADY, number=int(row["case"].split()[1]))
    world, q, t = example(item)
    touch_s = row["order_s"] + limits_of(item.family).close_s
    show = (t > 0.25) & (t <= touch_s + 0.1)
    figure, axes = chart(f"A synchronising close at {row['slip_hz']:g} Hz", "s", "degrees")
    axes.plot(t[show], world.deg(t[show]), label="angle, true", lw=1)
    axes.plot(t[show], q[show, bay.DDT] / 100, label="predicted for the touch", lw=1)
    axes.axvline(row["order_s"], color="C2", ls="--", lw=1, label="order")
    axes.axvline(touch_s, color="C3", ls="--", lw=1,
                 label=f"touch, {wrapped(world.deg(touch_s)):.2f} deg")
    axes.axhline(0, color="k", lw=0.5)
    axes.legend(fontsize=8)
    r.figure("example", figure, f"Case {row['case']}: the order goes out when the predicted touch "
                                "is nearest to 0 degrees.")
