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
    r.figure("current", _by_current(results), "Error of P over the current; dashed the limits of "
             "class 0.5S, dotted of class 1. Whiskers: all noises and phases.")
    if front.sums is not None:
        r.figure("converter", _inl(front), "The converter's deviation from a straight line, as it "
                 "is and as corrected.")
    for group, (unit, title, note) in _SAY.items():
        _group(r, [x for x in results if x.group == group], group, unit, title, note)
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


def _group(r: Report, of: list[Result], group: str, unit: str, title: str, note: str) -> None:
    if not of:
        return
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
        figure, (left, right) = _axes(2)
        for pct in dict.fromkeys(o.pct for o in of):
            some = sorted((o for o in of if o.pct == pct), key=lambda o: o.x)
            left.plot([o.x for o in some], [o.p_pct for o in some], ".", label=f"{pct:g} %")
            right.plot([o.x for o in some], [o.u_pct for o in some], ".", label=f"{pct:g} %")
        left.set(xlabel=unit, ylabel="error of P, %")
        right.set(xlabel=unit, ylabel="error of U, % of Udin")
        left.legend(title="Imax")
        r.figure(group, figure, f"{title}: errors of P and U.")


def _worst(of: Iterable[Result], name: str) -> float:
    values: list[float] = [getattr(o, name) for o in of]
    worst = max(values, key=abs)
    return round(worst, 4)


def _axes(n: int):
    figure = Figure(figsize=(9.5, 3.6), layout="constrained")
    axes = figure.subplots(1, n, squeeze=False)[0]
    for ax in axes:
        ax.grid(alpha=0.3)
    return figure, axes


def _by_current(results: list[Result]) -> Figure:
    figure, (ax,) = _axes(1)
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
        fine = np.geomspace(min(CURRENTS_PCT), 100, 200)
        for cls, line in (("0.5S", "--"), ("1", ":")):
            bound = [limit(cls, pf, pct) or np.nan for pct in fine]
            for sign in (1, -1):
                ax.plot(fine, sign * np.array(bound), line, color=colour, linewidth=0.8)
    ax.set_xscale("log")
    ax.set(xlabel="current, % of Imax", ylabel="error of P, %")
    ax.set_xticks(CURRENTS_PCT, [f"{pct:g}" for pct in CURRENTS_PCT])
    ax.legend(loc="lower right", ncols=3)
    return figure


def _inl(front: Front) -> Figure:
    """Of the curve in codes, raw and through the table in use."""
    figure, (ax,) = _axes(1)
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
