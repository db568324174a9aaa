"""The protection study as a report: worst errors by function, and each fault as a point."""
from matplotlib.figure import Figure

from host_sim.study import protection_cases
from host_sim.study.protection import Result
from host_sim.study.report import FAIL, PASS, Report

_PER_ROW = 3


def report(results: list[Result], figures: dict) -> Report:
    r = Report("protection", "Times and pick-ups of the protection", [
        "Board: boards/pico_w_recloser, 4000 frames a second, 12 bit, noise 0.5 LSB, slots of "
        "31.25 us; 50 Hz.",
        "Faults as ADC codes: random phase and place in the tick, harmonics of EN 50160's size, "
        "49.5 to 50.5 Hz (81: 45 to 55), currents with a direct component of up to their full "
        "step. Through the firmware's measuring in the 32-bit VM and its table of elements.",
        "Time: from the first faulty sample to the tick that operates the element, against the "
        "setting; breaker and output are not in it. Allowed: 5 % or 20 ms, whichever is more; of "
        "a function without a delay what it takes in all.",
        "Pick-up: a slow ramp over the setting, in % of it unless a unit stands there.",
    ])
    rows = []
    for name, row in figures["functions"].items():
        rows.append([name, row["trials"], row["time_err_ms_max"], row["pickup_err_max"],
                     row["pickup_unit"] if row["pickup_err_max"] is not None else "",
                     row.get("false_operations"), row["outside"],
                     FAIL if row["outside"] else PASS])
    r.table("summary", "Summary", [
        "function", "faults", "worst error of the time, ms", "worst error of the pick-up", "unit",
        "false operations", "outside what is allowed", "verdict"], rows,
        "50, 81 and 81R without a delay: the whole time stands as the error of the time.")
    for kind, title, label in (("time", "Time", "error, ms"),
                               ("pickup", "Pick-up", "error, % or mHz or mHz/s")):
        of = [one for one in results if one.kind == kind]
        if of:
            r.heading(title)
            r.figure(kind, _points(of, title, label), "Each fault a point, over the multiple of "
                     "the setting (81: over the setting, Hz or Hz/s). Dashed: what is allowed, at "
                     "the longest time played.")
    r.attach("faults", list(Result._fields), [list(one) for one in results])
    return r


def _points(results: list[Result], title: str, label: str) -> Figure:
    names = list(dict.fromkeys(one.function for one in results))
    lines = -(-len(names) // _PER_ROW)
    figure = Figure(figsize=(9.5, 1.9 * lines), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    axes = figure.subplots(lines, _PER_ROW, squeeze=False)
    for ax in axes.flat[len(names):]:
        ax.set_visible(False)
    for name, ax in zip(names, axes.flat, strict=False):
        of = [one for one in results if one.function == name]
        seen = [(one.x, one.err) for one in of if one.err is not None]
        xs, ys = [x for x, _ in seen], [y for _, y in seen]
        if title == "Pick-up" and name not in protection_cases.UNITS:
            ax.hist(ys, bins=30)
            ax.set_ylabel("faults", fontsize="x-small")
            ax.set_xlabel("error, %", fontsize="x-small")
        else:
            ax.plot(xs, ys, ".", ms=3)
            ax.set_ylabel(label if name not in protection_cases.UNITS or title == "Time" else (
                f"error, {protection_cases.UNITS[name]}"), fontsize="x-small")
            top = max(one.allowed for one in of)
            for sign in (1, -1):
                if sign > 0 or min(ys, default=0) < 0:
                    ax.axhline(sign * top, color="k", ls="--", lw=0.7)
        ax.set_title(name, fontsize="small")
        ax.tick_params(labelsize="x-small")
        ax.grid(alpha=0.3)
    return figure
