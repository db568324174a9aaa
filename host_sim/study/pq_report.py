"""The study of power quality as a report: goals, latencies, errors, the day, the EN 50160 week."""
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from acu.functions import voltage_events as ve
from host_sim.study import accuracy_bench as bench
from host_sim.study import en50160, pq_day, pq_week
from host_sim.study.pq import GOALS, LATENCY_NAMES, Results, verdicts
from host_sim.study.pq_week import Week
from host_sim.study.report import FAIL, PASS, Report, chart

_KIND = {ve.DIP: "dip", ve.SWELL: "swell", ve.INTERRUPTION: "interruption",
         ve.RVC: "rapid change"}
_GOAL_SAYS = {
    "u_err_max_pct": "U of a window, % of Udin", "u2_err_max_pct": "u2 of a window, points of %",
    "f_err_max_mhz": "f of a window, U from 20 %, mHz",
    "residual_err_max_pct": "residual voltage at 0.5 LSB, % of Udin",
    "duration_err_max_cycles": "duration, cycles", "loss_latency_max_ms": "loss, U < 90 %, ms",
    "interruption_latency_max_ms": "interruption, ms", "dip_latency_max_ms": "85 % dip, ms",
    "fast_latency_max_ms": "loss, fast path, ms",
    "fast_dip_latency_max_ms": "85 % dip, fast path, ms",
    "false_operations": "false operations of the fast path", "false_events": "false events",
    "events_missed": "events missed", "events_too_many": "events too many",
    "phases_wrong": "events with wrong phases", "week_events_wrong": "events of the week wrong",
}
_NOMINAL_HZ = "50 Hz,"           # waves that the goals of latency are for
_SHOWN = {"loss": "loss, U < 90 %", "interruption": "interruption", "told": "interruption told",
          "fast": "loss, fast path", "dip": "85 % dip", "fast_dip": "85 % dip, fast path"}


def report(results: Results, figures: dict) -> Report:
    r = Report("pq", "Power quality by the meter's firmware", [
        f"Meter: boards/pico_w_meter3, {bench.RATE_HZ} frames a second, 12 bit, full scale "
        f"{bench.U_PEAK_V:g} V peak, Udin {bench.UN_V:g} V.",
        "Waves of a known truth run through the firmware's own measuring, watching, events, "
        "spectrum and aggregates. Fast tier each 5 ms, slow tier each 10 ms.",
        "Limits and definitions: IEC 61000-4-30 class A where it is named; harmonics are class S "
        "(one channel after the other). No certificate.",
    ])
    rows = [(_GOAL_SAYS[key], key, figures[key], bound,
             FAIL if key in figures["goals_missed"] else PASS)
            for key, bound in GOALS.items() if key in figures]
    r.table("goals", "Goals", ("what, worst", "figure", "reached", "at most", "verdict"), rows)
    if results.rows:
        _accuracy(r, results.rows)
    if results.latencies:
        _events(r, results)
    if results.day:
        _day(r, results.day, figures)
    if results.week:
        _week(r, results.week, figures["week"])
    return r


def _accuracy(r: Report, rows: list[dict]) -> None:
    waves = list(dict.fromkeys(one["wave"] for one in rows))
    table = []
    for wave in waves:
        level = [one for one in rows if one["wave"] == wave and one["what"] == "u"]
        apart = [one for one in rows if one["wave"] == wave and one["what"] == "u2"]
        table.append((wave, max((one["u_err_pct"] for one in level), default=None),
                      max((one["f_err_mhz"] for one in level if one["level_pct"] >= 20),
                          default=None),
                      max((one["u2_err_pct"] for one in apart), default=None)))
    r.table("accuracy", "Single windows of 10/12 cycles against the truth",
            ("wave", "U, % of Udin (0.1)", "f, mHz (10)", "u2, points (0.15)"), table,
            "U at 10 to 150 % of Udin (with harmonics to 140 %), f from 20 % on, u2 of unbalances "
            "up to 13 %. Greatest errors of any window and phase.")
    figure, axes = chart("Voltage: greatest error of a window of 10/12 cycles", "U, % of Udin",
                         "error, % of Udin")
    for wave in waves:
        points = sorted((one["level_pct"], one["u_err_pct"]) for one in rows
                        if one["wave"] == wave and one["what"] == "u")
        axes.plot(*zip(*points, strict=True), marker=".", label=wave)
    axes.axhline(0.1, color="k", ls="--", lw=1, label="limit of class A, 0.1 %")
    axes.set_ylim(0, max(0.11, 1.05 * axes.dataLim.ymax))
    axes.legend(fontsize=7, ncol=2, loc="center left", bbox_to_anchor=(0.0, 0.68))
    r.figure("voltage", figure, "Greatest error of a window; dashed the limit of class A.")


def _events(r: Report, results: Results) -> None:
    waves = list(dict.fromkeys(one.wave for one in results.latencies))
    rows: list[tuple] = []
    for wave in waves:
        some = [one.ms for one in results.latencies if one.wave == wave]
        for name, label in _SHOWN.items():
            ms = np.concatenate([one[name] for one in some])
            rows.append((wave, label, len(ms), float(np.median(ms)), float(ms.max())))
    r.table("latency", "From the change of the voltage to the tick that saw it",
            ("wave", "what", "cases", "median, ms", "greatest, ms"), rows)
    figure, axes = chart("From the change of the voltage to the tick that saw it, 50 Hz",
                         "ms", "share of cases")
    nominal = [one for one in results.latencies if one.wave.startswith(_NOMINAL_HZ)]
    for k, (name, label) in enumerate(_SHOWN.items()):
        ms = np.sort(np.concatenate([one.ms[name] for one in nominal or results.latencies]))
        goal = GOALS.get(LATENCY_NAMES[name])
        axes.plot(ms, np.arange(1, len(ms) + 1) / len(ms), color=f"C{k}",
                  label=label + (f", at most {goal:g} ms" if goal else ""))
        if goal:
            axes.axvline(goal, color=f"C{k}", ls="--", lw=1)
    axes.set_xlim(0, None)
    figure.legend(fontsize=7, loc="outside lower center", ncols=3)
    r.figure("latency", figure, "End to end, the 5 ms tick included; dashed the goals.")
    rows = []
    for kind in (ve.DIP, ve.SWELL, ve.INTERRUPTION):
        for noise in sorted({case.noise_lsb for case in results.cases}):
            cases = [case for case in results.cases
                     if case.kind == kind and case.noise_lsb == noise]
            errors = np.array([case.errors() for case in cases]).reshape(-1, 2)
            rows.append((_KIND[kind], noise, len(cases),
                         sum(case.told_ms is None for case in cases),
                         *(float(x) for x in errors.max(axis=0, initial=0))))
    r.table("events", "Events of random phases, depth, moment and duration (30 ms to 1 s)",
            ("kind", "noise, LSB", "cases", "missed", "residual, % of Udin",
             "duration, cycles (1)"), rows,
            "Depth at least 1 % of Udin from a limit. The residual of a swell is its greatest. "
            "Goal of the residual 0.2 % at 0.5 LSB; noise of 2 LSB alone has an RMS of 0.22 %.")
    r.table("cases", "Each of them",
            ("kind", "noise, LSB", "A, % of Udin", "B, %", "C, %", "lasted, ms", "told, ms",
             "told, % of Udin", "told of"),
            [(_KIND[case.kind], case.noise_lsb, *(100 * float(x) for x in case.levels),
              case.lasting_ms, case.told_ms, case.told_pct, _letters(case.told_phases))
             for case in results.cases[:200]],
            "The first 200.")


def _letters(mask: int | None) -> str | None:
    return None if mask is None else "".join("ABC"[p] for p in range(3) if mask >> p & 1)


def _day(r: Report, day: Sequence[pq_day.Outcome], figures: dict) -> None:
    r.table("day", "A day without an event: each operation would be a false one",
            ("hours", "THD, %", "noise, LSB", "load steps", "U, least and most, % of Udin",
             "false operations", "false dips and swells", "nearest, % of Udin"),
            [(figures["hours"], figures["thd_pct"], figures["noise_lsb"], figures["load_steps"],
              f"{figures['u_least_pct']} .. {figures['u_most_pct']}", figures["false_operations"],
              figures["false_events"], figures["nearest_pct"])],
            "The fast path operates below 88 %; nearest: the least that it saw. By a numpy twin, "
            "bit-equal to the firmware (a test compares).")
    figure, axes = chart(f"{figures['hours']:g} h at {figures['thd_pct']:g} % THD and "
                         f"{figures['noise_lsb']:g} LSB of noise: nothing may operate", "hour",
                         "% of Udin")
    wide = pq_day.STRETCH_S / 3600
    at = [one.number * wide for one in day]
    axes.bar(at, [one.u_pct[1] - one.u_pct[0] for one in day], wide, align="edge",
             bottom=[one.u_pct[0] for one in day], alpha=0.3,
             label="RMS of a cycle, least to most of 5 minutes")
    axes.plot([x + wide / 2 for x in at], [one.nearest_pct for one in day], ".", ms=3,
              label="least seen by the fast path")
    axes.axhline(88, color="k", ls="--", lw=1, label="the fast path operates below 88 %")
    axes.set_ylim(86, None)
    axes.margins(x=0.01)
    figure.legend(fontsize=7, loc="outside lower center", ncols=3)
    r.figure("day", figure, "Dashed: where the fast path operates.")


def _week(r: Report, week: Week, figures: dict) -> None:
    rows = [(one.row.limit.what, f"{one.row.limit.share:g} %", *_bounds(one.row.limit),
             one.row.least, one.row.most, one.row.inside_pct, one.phase,
             PASS if one.row.ok else FAIL) for one in verdicts(week)]
    r.table("en50160", "EN 50160: a simulated week",
            ("what", "share of the values", "limits", "unit", "least", "most", "inside, %",
             "worst phase", "verdict"), rows,
            f"{figures['intervals']} intervals of 10 minutes, {figures['flagged']} with an event "
            "are flagged and do not count. Least and most of the share named. Flicker is not "
            "measured; harmonics to the 25th; f: single windows, each for 10 s.")
    events = [(kind, pct, ms) for _, kind, _, pct, ms in week.told]
    deep = [(pct, ms) for kind, pct, ms in events if kind in (ve.DIP, ve.INTERRUPTION)]
    # an interruption is in the row below 5 %, not a second time as the dip that it is also
    for kind, pct, ms in events:
        if kind == ve.INTERRUPTION:
            deep.remove(min((one for one in deep if one != (pct, ms) and one[0] < 5),
                            key=lambda one: abs(one[1] - ms), default=(pct, ms)))
    _classes(r, "dips", "Dips and interruptions by residual voltage and duration", deep,
             en50160.RESIDUALS_PCT, en50160.DIP_MS)
    _classes(r, "swells", "Swells by greatest voltage and duration",
             [(pct, ms) for kind, pct, ms in events if kind == ve.SWELL], en50160.SWELLS_PCT,
             en50160.SWELL_MS)
    r.table("week-events", "Each event of the week",
            ("day", "time", "kind", "phases", "% of Udin", "ms"),
            [(k // 144 + 1, f"{k // 6 % 24:02d}:{k % 6}0", _KIND[kind],
              _letters(mask), pct, ms)
             for k, kind, mask, pct, ms in week.told],
            "A rapid change has the change instead of the voltage.")
    _week_values(r, week)


def _bounds(limit: en50160.Limit) -> tuple[str, str]:
    if limit.low == -np.inf:
        return f"<= {limit.high:g}", limit.unit
    return f"{limit.low:g} .. {limit.high:g}", limit.unit


def _classes(r: Report, name: str, title: str, events: Sequence, classes: Sequence,
             ends_ms: Sequence) -> None:
    table = en50160.count(events, classes, ends_ms)
    shown = [f"{low:g} .. {high:g}" if np.isfinite(high) else f">= {low:g}"
             for low, high in classes]
    r.table(name, title, ("% of Udin", *(f"to {ms / 1000:g} s" for ms in ends_ms), "longer"),
            [(label, *row) for label, row in zip(shown, table, strict=True)])


def _week_values(r: Report, week: Week) -> None:
    values = week.values
    days = np.arange(len(values["u_v"])) / 144
    columns = ["interval, UTC ms", "UA, V", "UB, V", "UC, V", "u2, %", "THD A, %", "THD B, %",
               "THD C, %"]
    rows = [(pq_week.START_MS + (k + 1) * 600_000, *(None if np.isnan(x) else float(x) for x in (
        *values["u_v"][k], *values["u2_pct"][k], *values["thd_pct"][k])))
        for k in range(len(days))]
    r.attach("week", columns, rows)
    figure = Figure(figsize=(8, 6.8), layout="constrained")
    figure.suptitle("A simulated week: values of 10 minutes and the limits of EN 50160",
                    fontsize="medium")
    for k, (name, label, limits) in enumerate((
            ("u_v", "U, V", (0.9 * bench.UN_V, 1.1 * bench.UN_V)), ("thd_pct", "THD, %", (8.0,)),
            ("u2_pct", "u2/u1, %", (2.0,)))):
        axes = figure.add_subplot(3, 1, k + 1)
        of = values[name].reshape(len(days), -1)
        for c in range(of.shape[1]):
            axes.plot(days, of[:, c], lw=0.8, label=f"phase {'ABC'[c]}" if k == 0 else None)
        for limit in limits:
            axes.axhline(limit, color="k", ls="--", lw=1)
            axes.annotate(f"{limit:g}", (1, limit), xycoords=("axes fraction", "data"),
                          xytext=(3, -3), textcoords="offset points", fontsize=7)
        if k == 0:
            figure.legend(fontsize=7, ncols=3, loc="outside lower center")
        axes.set(ylabel=label, xlim=(0, days[-1] + 1 / 144))
        axes.grid(alpha=0.3)
    axes.set_xlabel("day")
    r.figure("week", figure, "Ten-minute values; gaps are flagged intervals, dashed the limits; "
             "where the phases are alike, C covers A and B.")
