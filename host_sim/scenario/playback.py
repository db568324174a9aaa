"""Plays a COMTRADE record to a Meter: its wave becomes converter codes, those go through the
firmware, and its windows and events come out, in the record's own volts and amperes.

The Meter starts two seconds before the record, on the record's first cycle repeated, so that its
self-test has passed and its windows follow the frequency; after the record its last cycle goes on
for a second, so that everything is told. What is said of those spans is marked or left out.
"""
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from acu.primitives.kinds import PAIRS
from host_sim.board.firmware import Firmware
from host_sim.comtrade.check import RecordError
from host_sim.comtrade.read import Record, read
from host_sim.comtrade.wave import Wave
from host_sim.scenario.complaints import InputError
from host_sim.scenario.playback_plan import Plan, plan
from host_sim.vm.client import VmFirmware
from host_sim.world.dice import bits

RATE_HZ = 4000
SLOT_NS = 2000
STEP_US = 5000
_FRAMES = RATE_HZ * STEP_US // 1_000_000
LEAD_US = 2_000_000
TAIL_US = 1_000_000
_NOISE_LSB = 0.5
ME = "meter"


@dataclass
class Window:
    """A 10/12-cycle window, primary; lists by phase. t_s: its end, from the record's first sample;
    whole: nothing of the repeated cycles is in it."""
    t_s: float
    length_s: float
    whole: bool
    quality: int
    f_hz: float
    u_v: list[float]
    i_a: list[float]
    p_w: list[float]
    q_var: list[float]
    pf: list[float]
    u_deg: list[float]
    i_deg: list[float]
    thd_u_pct: list[float | None]
    thd_i_pct: list[float | None]
    u2_pct: float | None
    sequence: int


@dataclass
class Played:
    record: Record
    plan: Plan
    windows: list[Window]
    events: list[tuple[float, str]]     # s from the record's first sample, line of the log
    same: bool | None                   # the VM's log is equal; None: not asked
    ends: list[int] = field(default_factory=list)     # frames at the end of each window


def prepare(path: Path, un_v: float | None, chosen: dict[str, str] | None) -> tuple[Record, Plan]:
    """Reads and fits; whatever is wrong with the files is an InputError."""
    try:
        record = read(path)
        return record, plan(record, un_v, chosen)
    except RecordError as e:
        raise InputError(e.text.split("\n")) from e


def board(of: Plan) -> dict:
    """A Meter's board whose converter is as wide as this record needs."""
    return {"board": "playback", "kind": of.kind, "roles": ["meter"], "rate_hz": RATE_HZ,
            "slot_ns": SLOT_NS, "ring_ms": 500, "u_peak_dv": of.u_peak_dv,
            "i_peak_ma": of.i_peak_ma,
            "channels": [{"name": name} for name, _ in of.inputs],
            "pairs": PAIRS[of.kind], "outputs": [], "inputs": []}


def codes(record: Record, of: Plan, seed: int) -> np.ndarray:
    """What the converter makes of it, frames x channels, from LEAD_US before to TAIL_US after."""
    n = (LEAD_US + TAIL_US + round(record.length_s * 1e6)) // STEP_US * _FRAMES
    t_s = np.arange(n) / RATE_HZ - LEAD_US / 1e6
    words = bits(seed, "playback").random_raw(n * len(of.inputs))
    four = np.array([words >> np.uint64(16 * k) & np.uint64(0xFFFF) for k in range(4)])
    noise = ((four.sum(axis=0) - 131_070.0) * (_NOISE_LSB / 37_837.0)).reshape(n, -1)
    wired = [channel for _, channel in of.inputs if channel is not None]
    wave = Wave(record.time_s, np.array([c.values for c in wired]), of.period_s,
                LEAD_US / 1e6 + 0.1, TAIL_US / 1e6 + 0.1)
    out = np.full((n, len(of.inputs)), 2048.5)
    for k, (name, channel) in enumerate(of.inputs):
        if channel is not None:
            full = (of.u_peak_dv / 10 * of.u_ratio if name[0] == "u" else
                    of.i_peak_ma / 1000 * of.i_ratio)
            at = t_s + k * SLOT_NS * 1e-9 - channel.skew_s
            out[:, k] += wave.at(wired.index(channel), at, RATE_HZ) * (2048 / full)
    return np.clip(np.floor(out + noise), 0, 4095).astype("<u2")


def spec(record: Record, of: Plan) -> dict:
    """The Meter, as host_sim/board/unit.py takes it."""
    config = {"id": ME, "role": "meter", "sc": "playback", "uc": "playback",
              "wiring": of.wiring, "un_dv": of.un_dv, "fn_mhz": of.fn_mhz,
              "cap_n": 4, "i_max_ma": min(4_000_000, round(of.i_peak_ma / 1.4142))}
    return {"id": ME, "board": board(of), "config": config, "level": "wave",
            "utc0_ms": start_ms(record)}


def run(record: Record, of: Plan, seed: int = 1, vm: bool = False,
        on_progress: Callable[[int, int], None] | None = None) -> Played:
    """vm: the same once more in the 32-bit MicroPython, whose log must be equal to the byte."""
    blocks = codes(record, of, seed)
    out = Played(record, of, [], [], None)
    firmware = Firmware([spec(record, of)], _no_sums)
    lines: list[str] = []
    frames = 0
    for n, told in instants(firmware, blocks):
        lines += told
        acu: Any = firmware.units[ME].acu
        if acu.measuring.n_windows != len(out.ends):
            frames += acu.measuring.n_frames
            out.ends.append(frames)
            window = _window(out, acu, frames)
            if window is not None:
                out.windows.append(window)
        if on_progress and n % 20 == 0:
            on_progress(n, len(blocks) // _FRAMES)
    if vm:
        inside = VmFirmware([spec(record, of)], _no_sums)
        try:
            out.same = [line for _, told in instants(inside, blocks) for line in told] == lines
        finally:
            inside.close()
    zero_ms = start_ms(record) + LEAD_US // 1000
    for line in lines:
        at = dt.datetime.fromisoformat(line.split(" ", 1)[0]).timestamp()
        out.events.append((round(at * 1000 - zero_ms) / 1000, line))
    return out


def instants(firmware, blocks: np.ndarray) -> Iterator[tuple[int, list[str]]]:
    """Number of each instant of 5 ms, and what the Meter has written into its log in it."""
    firmware.boot(ME, 0, [], True)
    for n, at in enumerate(range(0, len(blocks), _FRAMES), 1):
        frames = blocks[at:at + _FRAMES].tobytes()
        work: list[tuple] = [(ME, frames, [], [], True)]
        (_, _, told, _), = firmware.instant(n * STEP_US, n % 2 == 0, work)
        yield n, told


def _no_sums(*_):
    raise ValueError("a record has samples, no sums")


def start_ms(record: Record) -> int:
    """Unix time at which the Meter starts; the record's time is taken as UTC."""
    first_ms = round(record.start.replace(tzinfo=dt.UTC).timestamp() * 1000)
    return max(LEAD_US // 1000, first_ms) - LEAD_US // 1000


def _pct(ppm: int) -> float | None:
    return None if ppm < 0 else ppm / 1e4


def _window(out: Played, acu, frames: int) -> Window | None:
    """None outside the record, and where it is less than a quarter of the window."""
    meter, q = acu.measuring, acu.quantities
    end_s = frames / RATE_HZ - LEAD_US / 1e6
    length_s = meter.n_frames / RATE_HZ
    both_s = min(end_s, out.record.length_s) - max(end_s - length_s, 0.0)
    if both_s < min(length_s, out.record.length_s) / 4:
        return None
    u, i = out.plan.u_ratio, out.plan.i_ratio
    n = len(q.u_mv)
    return Window(
        end_s, length_s, end_s - length_s >= 0 and end_s <= out.record.length_s, meter.quality,
        q.f_mhz / 1000, [x * u / 1e3 for x in q.u_mv], [x * i / 1e6 for x in q.i_ua],
        [x * u * i / 1e3 for x in q.p_mw], [x * u * i / 1e3 for x in q.q_mvar],
        [x / 1e5 for x in q.pf_e5], [x / 100 for x in q.angles_cdeg[:n]],
        [x / 100 for x in q.angles_cdeg[n:]],
        [_pct(x) for x in acu.spectrum.thd_ppm[:n]], [_pct(x) for x in acu.spectrum.thd_ppm[n:]],
        _pct(q.u2_ppm), q.sequence)
