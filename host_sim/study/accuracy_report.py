"""The accuracy study as a report: class tables, goals, errors by what was varied, and pictures."""
from collections.abc import Iterable

import numpy as np
from matplotlib.figure import Figure

from acu.functions import adc_table
from host_sim.study import accuracy_bench as bench
from host_sim.study.accuracy import CURRENTS_PCT, LIMITS, PF, Result, class_points, limit, passes
from host_sim.study.accuracy_bench import Front
from host_sim.study.report import FAIL, PASS, Report
from host_sim.waveform.adc import READINGS, STEPS

_LOOK = {"1": ("tab:blue", "o"), "0.5i": ("tab:orange", "s"), "0.8c": ("tab:green", "^")}
_SAY = {
    "frequency": ("Hz", "Frequency", "Currents of 100, 20 and 5 %."),
    "voltage": ("% of Udin", "Voltage", "U in % of Udin; Udin 230 V, with --full 127 V too."),
    "harmonics": ("THD, %", "Harmonics", "8: voltage only; 27: the current's, and 8 % of U. "
                  "True power, harmonics included."),
    "unbalance": ("u2, %", "Unbalance", "Loads of 100, 20 and 5 % on the phases."),
    "noise": ("LSB", "Noise", "Of the converter's input, rms, added."),
    "jitter": ("ns", "Jitter", "Of the sampling instant, rms."),
    "temperature": ("degC", "Temperature", "Transducers drift by 15 ppm/K each, the mid voltage "
                    "by 0.1 LSB/K, the current's phase by 5 urad/K; calibrated at 23 degC."),
    "transformer, one point": ("% of Imax", "Current transformer, calibrated at one point",
                               "Its lead falls from 8 mrad at 1 % to 1.5 mrad at 100 %."),
    "transformer, table": ("% of Imax", "Current transformer, calibrated by a sweep",
                           "The same transformer, its lead learned at 100, 30, 10, 3 and 1.5 %."),
    "offset": ("LSB", "Mid voltage", "All inputs' mid voltage beside the converter's middle."),
}


def _verdict(good: bool) -> str:
    return PASS if good else FAIL


def report(results: list[Result], figures: dict, front: Front) -> Report:
    r = Report(f"accuracy-{figures['front_end']}-{figures['correction']}",
               f"Accuracy of the meter: converter {figures['front_end']}, "
               f"correction {figures['correction']}", [
        f"Meter: boards/pico_w_meter3, {bench.RATE_HZ} frames a second, 12 bit; full scale "
        f"{bench.U_PEAK_V:g} V and {bench.I_PEAK_A:g} A peak, Imax {bench.I_MAX_A:g} A, Udin "
        f"{bench.UN_V:g} V.",
        "Waves of a known truth run through the firmware's own measuring, quantities and "
        "calibration. Calibrated once: nominal voltage, full current, power factor 1.",
        f"Each reading is an average over {bench.AVERAGE_S:g} s, gap-free; the spread is the "
        "standard deviation of its single windows (10 or 12 cycles).",
        "Errors of P and I in % of the true value, of U in % of Udin, of Q (fundamental) in % of "
        "U I.",
        "The limits are the numerical part of the classes (IEC 62053-21, -22), not a certificate.",
    ])
    _summary(r, results, figures)
    _classes(r, results)
    name = f"converter {figures['front_end']}, correction {figures['correction']}"
    r.heading("Error of P over the current")
    r.figure("current", _by_current(results, name), "Error of P over the current; dashed the "
             "limits of class 0.5S, dotted of class 1, thick of PF 1, thin of PF 0.5i and 0.8c. "
             "Points: means; whiskers: least and greatest of all noises and phases.")
    if front.sums is not None:
        r.heading("The converter")
        r.figure("converter", _inl(front, name), "The converter's deviation from a straight line, "
                 "as it is and as corrected; one reading a step, without noise added.")
    for group, (unit, title, note) in _SAY.items():
        _group(r, [x for x in results if x.group == group], (group, unit, title, note), name,
               0.01 if figures["front_end"] == "ideal" else 0.1)
    fields = list(Result.__dataclass_fields__)
    r.attach("readings", fields, [[getattr(x, name) for name in fields] for x in results])
    return r


def _summary(r: Report, results: list[Result], figures: dict) -> None:
    rows: list = [(f"Class {cls}, numerical part", "", _verdict(passes(results, cls)))
                  for cls in LIMITS]
    ideal = figures["front_end"] == "ideal"
    u_goal = 0.01 if ideal else 0.1
    goals = [("U, % of Udin", "u_err_max_pct", u_goal),
             ("U of a single window, % of Udin", "u_window_err_max_pct", u_goal),
             ("f, mHz", "f_err_max_mhz", 1.0), ("f of a single window, mHz",
                                                "f_window_err_max_mhz", 10.0),
             ("u2, points of %", "u2_err_max_pct", 0.15)]
    if ideal:
        goals = [("P from 5 % of Imax, 45-65 Hz, %", "p_err_from_5_pct", 0.02),
                 ("I from 2 % of Imax, 45-65 Hz, %", "i_err_max_pct", 0.05), *goals]
    for title, key, goal in goals:
        if figures[key] is None:
            continue
        rows.append((f"{title}: worst, goal {goal:g}", figures[key],
                     _verdict(figures[key] <= goal)))
    r.table("summary", "Summary", ["what", "found", "verdict"], rows)


def _classes(r: Report, results: list[Result]) -> None:
    for cls in LIMITS:
        judged = class_points(results, cls)
        rows = []
        for pct in sorted({x.pct for x, _ in judged}, reverse=True):
            row: list = [pct]
            for pf in PF:
                errors = [x.p_pct for x, _ in judged if x.pct == pct and x.pf == pf]
                bound = limit(cls, pf, pct)
                if not errors or bound is None:
                    row += [None, None, None]
                    continue
                worst = max(errors, key=abs)
                row += [round(worst, 4), bound, _verdict(abs(worst) <= bound)]
            rows.append(row)
        r.table(f"class-{cls}", f"Class {cls}", [
            "% of Imax", *(f"{head}{pf}" for pf in PF
                           for head in ("worst error of P, %, PF ", "limit, %, PF ", "PF "))],
            rows, "Worst of all noises (0 to 2 LSB added; the ideal converter 0.5 LSB) and phases."
            + (" At every power factor the limits that the standard has at 1." if cls == "1"
               else ""))


def _group(r: Report, of: list[Result], about: tuple, name: str, u_goal: float) -> None:
    """u_goal: of U, % of Udin; 0 where the temperature is what is wrong."""
    if not of:
        return
    group, unit, title, note = about
    rows = []
    for x, pct in dict.fromkeys((one.x, one.pct if group != "unbalance" else None) for one in of):
        same = [o for o in of if o.x == x and pct in (o.pct, None)]
        rows.append([x, pct, *(_worst(same, name) for name in (
            "p_pct", "p_spread_pct", "q_pct", "u_pct", "u_window_pct", "i_pct", "f_mhz",
            "f_window_mhz", "u2_pct"))])
    r.table(group.replace(", ", "-").replace(" ", "-"), title, [
        unit, "% of Imax", "P, %", "spread of P, %", "Q, % of S", "U, % of Udin", "U, window, %",
        "I, %", "f, mHz", "f, window, mHz", "u2, points of %"], rows,
        f"{note} Each cell the worst of three pairs of channels (PF 1, 0.5i, 0.8c).")
    if group in ("frequency", "voltage", "temperature"):
        r.figure(group, _pair(of, f"{title}: {name}", unit, 0 if group == "temperature"
                              else u_goal),
                 f"{title}: errors of P and U, each pair of channels a point; marks as above: "
                 "circle PF 1, square 0.5i, triangle 0.8c."
                 + ("" if group == "temperature" else " Dashed: the goal of U."))


def _pair(of: list[Result], title: str, unit: str, u_goal: float) -> Figure:
    """P on the left with the narrowest class limit that its errors leave visible, U on the
    right."""
    figure, (left, right) = _axes(2, title)
    pcts = list(dict.fromkeys(o.pct for o in of))
    for n, pct in enumerate(pcts):
        for pf, (_, mark) in _LOOK.items():
            some = [o for o in of if o.pct == pct and o.pf == pf]
            for axes, name in ((left, "p_pct"), (right, "u_pct")):
                axes.plot([o.x for o in some], [getattr(o, name) for o in some], mark, ms=4,
                          color=f"C{n}", fillstyle="none",
                          label=f"{pct:g} % of Imax" if pf == "1" else None)
    worst = max(abs(o.p_pct) for o in of)
    tight = min(limit("0.5S", o.pf, o.pct) or np.inf for o in of)
    left.set_title(f"P (class 0.5S: ±{tight:g} % at PF 1)", fontsize="small")
    if worst > tight / 10:
        _limits(left, tight)
    right.set_title(f"U (goal ±{u_goal:g} %)" if u_goal else "U", fontsize="small")
    if u_goal:
        _limits(right, u_goal)
    left.set(xlabel=unit, ylabel="error of P, %")
    right.set(xlabel=unit, ylabel="error of U, % of Udin")
    left.legend(fontsize="x-small")
    return figure


def _limits(axes, bound: float) -> None:
    for sign in (1, -1):
        axes.axhline(sign * bound, color="k", ls="--", lw=0.8)


def _worst(of: Iterable[Result], name: str) -> float:
    values: list[float] = [getattr(o, name) for o in of]
    worst = max(values, key=abs)
    return round(worst, 4)


def _axes(n: int, title: str):
    figure = Figure(figsize=(9.5, 4.0), layout="constrained")
    figure.suptitle(title, fontsize="medium", parse_math=False)   # a file's name may have a $
    axes = figure.subplots(1, n, squeeze=False)[0]
    for ax in axes:
        ax.grid(alpha=0.3)
    return figure, axes


def _by_current(results: list[Result], name: str) -> Figure:
    figure, (ax,) = _axes(1, f"Error of P over the current: {name}")
    of = [r for r in results if r.group == "current"]
    for n, (pf, (colour, mark)) in enumerate(_LOOK.items()):
        pcts = sorted({r.pct for r in of if r.pf == pf})
        errors = [np.array([r.p_pct for r in of if r.pf == pf and r.pct == pct]) for pct in pcts]
        mean = np.array([e.mean() for e in errors])
        low = mean - [e.min() for e in errors]
        high = np.array([e.max() for e in errors]) - mean
        x = np.array(pcts) * (0.96 + 0.04 * n)
        ax.errorbar(x, mean, (low, high), color=colour, marker=mark, capsize=3, linewidth=1,
                    label=f"PF {pf}")
    fine = np.geomspace(min(CURRENTS_PCT), 100, 400)
    for cls, line in (("0.5S", "--"), ("1", ":")):
        for pf, said, width in (("1", "PF 1", 1.4), ("0.5i", "PF 0.5i, 0.8c", 0.7)):
            if cls == "1" and pf != "1":
                continue         # the same
            bound = np.array([limit(cls, pf, pct) or np.nan for pct in fine])
            label = f"class {cls}" + (f", {said}" if cls != "1" else "")
            for sign, shown in ((1, label), (-1, None)):
                ax.plot(fine, sign * bound, line, color="k", linewidth=width, label=shown)
    ax.set_xscale("log")
    ax.set(xlabel="current, % of Imax", ylabel="error of P, %")
    ax.set_xticks(CURRENTS_PCT, [f"{pct:g}" for pct in CURRENTS_PCT])
    figure.legend(loc="outside lower center", ncols=6, fontsize="small")
    return figure


def _inl(front: Front, name: str) -> Figure:
    """Of the curve in codes, raw and through the table in use."""
    figure, (ax,) = _axes(1, f"Deviation from a straight line: {name}")
    x = np.arange(STEPS) / 8
    raw = np.asarray(front.sums) / READINGS
    inside = slice(STEPS // 64, -STEPS // 64)
    curves = [("as it is", raw, "0.6")]
    table = front.table or adc_table.general()
    corrected = np.interp(raw, np.arange(4096), np.array(table) / 8)
    curves.append(("corrected" if front.table else "by the general table (not used)", corrected,
                   "tab:blue"))
    for label, y, colour in curves:
        slope, start = np.polyfit(x[inside], y[inside], 1)
        ax.plot(x[inside], (y - slope * x - start)[inside], color=colour, linewidth=0.7,
                label=label)
    ax.set(xlabel="input, codes", ylabel="deviation, codes")
    ax.legend()
    return figure
