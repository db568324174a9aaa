"""The study of phasors as a report: limits of the P class, each test, steps."""
from collections.abc import Sequence

from matplotlib.figure import Figure

from host_sim.study.phasor import DELAY_MS, LIMITS, OVERSHOOT_PCT, STEP_MS, Errors, Step
from host_sim.study.report import FAIL, PASS, Report

_X = {"frequency": "Hz", "magnitude": "% of Un", "harmonics": "order", "ramp": "Hz/s",
      "modulation of both": "Hz", "modulation of the angle": "Hz"}


def report(results: Sequence[Errors | Step], figures: dict) -> Report:
    plain = [one for one in results if isinstance(one, Errors)]
    steps = [one for one in results if isinstance(one, Step)]
    r = Report("phasor", "Phasors of the recloser against the P class of C37.118.1", [
        f"Board pico_w_recloser, side 1, converter {figures['front_end']}: ADC codes through the "
        "firmware's own measuring in a 32-bit MicroPython, a report each 5 ms.",
        f"Each quantity is stamped with the middle of its window; all three of an instant are "
        f"known {figures['latency_ms']:g} ms after it.",
        "Limits: IEEE C37.118.1-2011 with amendment 2014a, P class at 50 Hz. No certificate.",
    ])
    rows = []
    for kind, limits in LIMITS.items():
        got = figures["by_test"][kind]
        ok = all(value <= limit for value, limit in zip(got.values(), limits, strict=True))
        rows.append((kind, sum(one.kind == kind for one in plain), got["tve_pct"], limits[0],
                     got["fe_mhz"], limits[1], got["rfe_hz_s"], limits[2], PASS if ok else FAIL))
    r.table("limits", "Greatest errors and limits",
            ("test", "plays", "TVE, %", "limit", "FE, mHz", "limit", "RFE, Hz/s", "limit",
             "verdict"), rows)
    r.table("steps", "Steps: response, delay, overshoot",
            ("step", "TVE, ms", "FE, ms", "RFE, ms", "delay, ms", "overshoot, %", "verdict"),
            [(*one, PASS if all(x <= most for x, most in zip(
                one[1:], (*STEP_MS, DELAY_MS, OVERSHOOT_PCT), strict=True)) else FAIL)
             for one in steps],
            f"Limits: {', '.join(f'{x:g}' for x in STEP_MS)} ms, {DELAY_MS:g} ms, "
            f"{OVERSHOOT_PCT:g} %. Twenty steps spread over a tick, seen together.")
    r.attach("tests", ("test", "x", "TVE, %", "FE, mHz", "RFE, Hz/s"), plain)
    figure = Figure(figsize=(8, 5.2), layout="constrained")
    for n, kind in enumerate(LIMITS, 1):
        axes = figure.add_subplot(2, 3, n)
        some = sorted((one.x, one.tve_pct) for one in plain if one.kind == kind)
        axes.plot(*zip(*some, strict=True), marker=".")
        axes.set_title(kind, fontsize=9)
        axes.set_xlabel(_X[kind], fontsize=8)
        axes.set_ylabel("TVE, %", fontsize=8)
        axes.set_ylim(0, 1.1 * max(y for _, y in some))
        axes.grid(alpha=0.3)
    r.figure("tve", figure, "Total vector error by test; the limits (1 %, modulation 3 %) are far "
                            "above.")
    return r
