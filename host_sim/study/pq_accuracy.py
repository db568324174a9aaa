"""Voltage, unbalance and frequency of single windows against the truth, where class A of
IEC 61000-4-30 asks for it: 10 to 150 % of Udin, with and without harmonics.

The bench is that of the accuracy study: an ideal 12-bit converter, transducers a few per mille off
and calibrated once at nominal voltage by the firmware's own calibrating.
"""
import math
from dataclasses import replace

import numpy as np

from host_sim.study import accuracy_bench as bench
from host_sim.study.accuracy_bench import Front, Load

LEVELS_PCT = (10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150)
HARMONICS = ((3, 0.04, 0.3), (5, 0.055, 1.0), (7, 0.035, 2.0), (11, 0.02, 1.0), (13, 0.015, 0.0))
THD_MOST_PCT = 140               # of Udin: above, the peak of such a wave leaves the converter

_FRONT = Front("ideal")
_AVERAGE_S = 2.0                 # ten windows a case


def loads(full: bool, seed: int) -> list[Load]:
    """The cases; labels say of what."""
    r = np.random.default_rng((seed, 3))
    idle = Load(i_a=(0.0,) * 3, average_s=_AVERAGE_S)
    found = []
    waves: list = [("sine, 50 Hz", {}), ("8 % THD, 50 Hz", {"u_harmonics": HARMONICS}),
                   ("8 % THD, 2 LSB, 49.6 Hz", {"u_harmonics": HARMONICS, "noise_lsb": 2.0,
                                               "f_mhz": 49_600})]
    waves += [(f"sine, {f / 1000:g} Hz", {"f_mhz": f, "fn_mhz": 60_000 if f > 55_000 else 50_000})
              for f in (45_000, 47_500, 52_500, 57_500, 62_500, 65_000)]
    for name, what in waves:
        for pct in LEVELS_PCT:
            if "u_harmonics" in what and pct > THD_MOST_PCT:
                continue
            found.append(replace(idle, u_v=(pct / 100 * bench.UN_V,) * 3, labels={
                "what": "u", "wave": name, "level_pct": pct}, **what))
    for k in range(200 if full else 30):
        name, what = waves[k % 3]
        u_v = tuple(bench.UN_V * r.uniform(0.85, 1.1, 3))
        shift = tuple(np.array(idle.shift) + np.radians(r.uniform(-4, 4, 3)))
        found.append(replace(idle, u_v=u_v, shift=shift, labels={
            "what": "u2", "wave": name, "level_pct": None}, **what))
    return found


def prepare(seed: int) -> tuple:
    """The calibration that all cases share."""
    return tuple(bench.calibrated(_FRONT, seed))


def row(work: tuple) -> dict:
    """work: (load, calibration, seed). Greatest errors of single windows: of U and the mean of the
    case in % of Udin, of u2 in percent points, of f in mHz."""
    load, cal, seed = work
    got = bench.measured(load, _FRONT, cal, seed)
    true = load.truth()
    u_pct = np.abs(got.u_v - true["u_v"]) / bench.UN_V * 100
    mean_pct = np.abs(got.mean("u_v") - true["u_v"]) / bench.UN_V * 100
    return {**load.labels,
            "u_err_pct": float(u_pct.max()), "u_mean_err_pct": float(mean_pct.max()),
            "u2_pct": float(true["u2_pct"]),
            "u2_err_pct": float(np.abs(got.u2_pct - true["u2_pct"]).max()),
            "f_err_mhz": float(np.abs(got.f_mhz - true["f_mhz"]).max())}


def figures(rows: list[dict]) -> dict:
    """The sweep of U keeps the phases equal; at 10 % of Udin there is no u2 to speak of."""
    level = [one for one in rows if one["what"] == "u"]
    apart = [one for one in rows if one["what"] == "u2"]
    plain = [one for one in rows if one["level_pct"] is None or one["level_pct"] >= 20]
    return {
        "u_err_max_pct": max(one["u_err_pct"] for one in level),
        "u_mean_err_max_pct": max(one["u_mean_err_pct"] for one in level),
        "u2_err_max_pct": max(one["u2_err_pct"] for one in apart),
        "f_err_max_mhz": max((one["f_err_mhz"] for one in plain), default=math.nan),
        "windows_cases": len(rows),
    }
