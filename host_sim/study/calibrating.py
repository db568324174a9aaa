"""Calibrates a meter from what it captured while a reference fed it: records for its store, or a
sentence that names what is wrong.

`meter` and `learn` also serve studies that calibrate a simulated meter. All judgement is the
firmware's own (functions/calibrating.py); here are files, units and the way through Measuring.
"""
import datetime as dt
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from acu.app import calibration as nominal_of
from acu.functions.calibrating import Point, calibrate, lag_of, save, save_table
from acu.functions.wiring import NAMES
from acu.primitives import calibration
from acu.primitives.measuring import Measuring
from host_sim.scenario.complaints import InputError
from host_sim.study.calibrating_files import (
    FolderStore,
    PointForm,
    board_of,
    codes_of,
    job_of,
    table_of,
    windows_of,
)
from host_sim.waveform.twin import TwinSampler

SETTLE = 2                  # windows that a meter needs to find the frequency
_TICK_US = 5000
_RING_FRAMES = 1024


def meter(board: dict, cal: list | None = None, table: Any = None, un_dv: int = 2300,
          fn_mhz: int = 50_000) -> Measuring:
    """The firmware's Measuring of this board over the numpy twin of its kernels."""
    sampler = TwinSampler(len(board["channels"]), board["pairs"], _RING_FRAMES, board["rate_hz"])
    if table is not None:
        sampler.use_table(table)
    one = Measuring(sampler, board["kind"], cal or nominal_of(board), un_dv, fn_mhz)
    calibration.seed(one)
    return one


def feed(one: Measuring, codes: np.ndarray, on_window: Any) -> None:
    """codes: frames x channels, as the converter gave them. on_window() after each window."""
    codes = np.ascontiguousarray(codes, dtype="<u2")
    per_tick = one._sampler.rate_hz * _TICK_US // 1_000_000
    t_us = 0
    for first in range(0, len(codes), per_tick):
        one._sampler.push(codes[first:first + per_tick].tobytes())
        t_us = (t_us + _TICK_US) & 0x3FFFFFFF
        one.fast(t_us)
        if one.slow():
            on_window()


def learn(one: Measuring, codes: np.ndarray, **reference: Any) -> Point:
    """A Point (its arguments: `reference`) from a steady capture; the first windows go."""
    point = Point(one, **reference)
    seen = [0]

    def on_window() -> None:
        seen[0] += 1
        if seen[0] > SETTLE:
            point.add()

    feed(one, codes, on_window)
    return point


def told(board: dict, file: Path, un_dv: int, **reference: Any) -> Point:
    """The same from a file of windows."""
    one = meter(board, un_dv=un_dv)
    form = windows_of(file, len(board["channels"]))
    cal = [tuple(channel) for channel in form.cal] if form.cal else one.cal
    stand_in = SimpleNamespace(kind=one.kind, cal=cal, pairs=one.pairs, n_v=one.n_v, n_p=one.n_p)
    point = Point(stand_in, **reference)
    for window in form.windows:
        vars(stand_in).update(vars(window), _zero_q8=window.zero_q8)
        point.add()
    return point


def _micro(values: list[float] | None, n: int, key: str, k: int) -> list[int]:
    if values is None:
        return [0] * n
    if len(values) not in (1, n):
        raise InputError([f"E169 [point {k}] {key} has {len(values)} entries. Give 1 or {n}, in "
                          "the order of the channels."])
    return [round(x * 1e6) for x in (values * n if len(values) == 1 else values)]


def reference(form: PointForm, k: int, one: Measuring) -> dict:
    """The arguments of a Point. k: number of the point in its file."""
    n_v, n_p = one.n_v, one.n_p
    n_i = len(one.cal) - n_v
    u_uv = _micro(form.u_v, n_v, "u_v", k)
    i_ua = _micro(form.i_a, n_i, "i_a", k)
    if form.phi_deg is not None:
        lag = [round(math.radians(x / 1e6) * 1e6)
               for x in _micro(form.phi_deg, n_p, "phi_deg", k)]
    else:
        lag = []
        p_uw = _micro(form.p_w, n_p, "p_w", k)
        q_uvar = _micro(form.q_var, n_p, "q_var", k)
        for pair in range(n_p):
            v, i = one.pairs[pair]
            angle, why = lag_of(u_uv[v], i_ua[i - n_v], p_uw[pair] // 1000, q_uvar[pair] // 1000)
            if why:
                raise InputError([why])
            lag.append(angle)
    angles = None
    if form.angle_deg is not None:
        angles = [round(math.radians(x / 1e6) * 1e6)
                  for x in _micro(form.angle_deg, n_v, "angle_deg", k)]
        if angles[0]:
            raise InputError([f"E169 [point {k}] angle_deg begins with {form.angle_deg[0]}. The "
                              "first voltage is the one that the others lag behind: write 0."])
    return {"u_uv": u_uv, "i_ua": i_ua, "lag_urad": lag, "angle_urad": angles,
            "f_mhz": round(form.f_hz * 1000) if form.f_hz else 0}


def board_id_of(text: str) -> bytes:
    """A board's unique id from hexadecimal digits, b"" from none."""
    try:
        found = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        found = bytes(calibration.BOARD + 1)
    if len(found) > calibration.BOARD or text and not any(found):
        raise InputError([f"E169 --board-id {text}: is no unique id, 1 to {calibration.BOARD} "
                          "bytes as hexadecimal digits. The console's STA shows it."])
    return found


def run(file: Path, out: Path | None = None, board_id: bytes = b"") -> dict:
    """Carries out a job; writes the records into the folder `out`, for the board of this unique
    id. InputError where anything is wrong, and nothing is written."""
    job = job_of(file)
    board = board_of(job.board, file.parent)
    table = table_of(job, file.parent)
    un_dv, fn_mhz = round(job.un_v * 10), job.fn_hz * 1000
    points = []
    for k, form in enumerate(job.point, 1):
        one = meter(board, None, table, un_dv, fn_mhz)
        said = reference(form, k, one)
        if form.windows:
            points.append(told(board, file.parent / form.windows, un_dv, **said))
        else:
            codes = codes_of(file.parent / str(form.codes), board)
            points.append(learn(one, codes, **said))
        if points[-1].cal != points[0].cal:
            raise InputError([f"E169 [point {k}] was measured with another cal than point 1. "
                              "Capture all points with one."])
    cal, why = calibrate(points)
    nominal = nominal_of(board)
    why = why or calibration.wrong(cal, nominal)
    if cal is None or why:
        raise InputError([why])
    date = job.date or dt.datetime.now(dt.UTC).date()
    date_s = (date - dt.date(1970, 1, 1)).days * 86_400
    if out is not None:
        store = FolderStore(out)
        if table is not None:
            save_table(store, table, board_id)
        save(store, cal, nominal, date_s, table, board_id)
    return figures(board, cal, nominal, points, date, table is not None)


def figures(board: dict, cal: list, nominal: list, points: list[Point],
            date: dt.date, table: bool) -> dict:
    """For the command: each channel's gain, offset and leads."""
    channels = {}
    for c, name in enumerate(NAMES[board["kind"]]):
        full_u, _, bend, zero_q8 = cal[c]
        channels[name] = {
            "gain_ppm": full_u * 1_000_000 // nominal[c][0] - 1_000_000,
            "offset_codes": round(zero_q8 / 256, 2),
            "lead_mrad": {f"{x_u / 1e6:.3f}": lead / 1000 for x_u, lead in bend}}
    return {"board": board["board"], "date": date.isoformat(), "table": table,
            "points": len(points), "windows": sum(point.n for point in points),
            "channels": channels}
