"""A meter on a test bench: waves of a known truth through transducers and a converter into the
firmware's own Measuring and Quantities, calibrated once at full current by its own calibrating.

The meter is boards/pico_w_meter3: three pairs, so one run has three loads. Averages are over 10 s,
single windows stand beside them.
"""
import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from acu.functions import adc_table, calibrating
from acu.functions.quantities import Quantities
from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from host_sim.waveform.adc import CODES, READINGS, Converter, Curve
from host_sim.waveform.twin import TwinSampler, correct

_BOARD = Path(__file__).resolve().parents[2] / "boards" / "pico_w_meter3" / "board.json"

AVERAGE_S = 10.0
_SETTLE_S = 1.2                  # frequency and offsets are found; far from nominal it is searched
_SEARCH_S = 4.0
UN_V = 230.0
_REF_TEMPERATURE_C = 23.0
_OFFSETS = (6.0, -9.0, 3.0, -4.0, 11.0, -7.0)   # of the mid voltage at each input, codes


def board() -> dict:
    return json.loads(_BOARD.read_text(encoding="utf-8"))


BOARD = board()
RATE_HZ: int = BOARD["rate_hz"]
U_PEAK_V: float = BOARD["u_peak_dv"] / 10
I_PEAK_A: float = BOARD["i_peak_ma"] / 1000
I_MAX_A: float = BOARD["limits"]["i_max_ma"] / 1000
NOMINAL = tuple((round((U_PEAK_V if c < 3 else I_PEAK_A) * 1e6), BOARD["slot_ns"] * c)
                for c in range(6))


@dataclass(frozen=True)
class Front:
    """Transducers, converter and correction of a meter. converter: 'ideal', 'rp2040' or a curve's
    name; sums: what it reads (None: ideal); table: the correction in use."""

    name: str
    sums: np.ndarray | None = None
    table: array | None = None
    # what a calibration meets: gain of each channel, lead of the current transformer in urad at
    # 1 % and at 100 % of full current, falling with its logarithm
    gains: tuple = (1.012, 0.991, 1.004, 0.985, 1.009, 1.017)
    lead_urad: tuple = (0.0, 0.0)
    gain_ppm_k: float = 0.0      # of both, so the power's is twice that
    offset_lsb_k: float = 0.0
    lead_urad_k: float = 0.0


@dataclass(frozen=True)
class Load:
    """What is applied; tuples by phase."""

    u_v: tuple = (UN_V,) * 3
    i_a: tuple = (I_MAX_A,) * 3
    phi: tuple = (0.0,) * 3      # lag of each current, radian
    f_mhz: int = 50_000
    shift: tuple = (0.0, -2 * math.pi / 3, 2 * math.pi / 3)    # of the voltages, radian
    # (order, share of the fundamental, radian)
    u_harmonics: tuple = ()
    i_harmonics: tuple = ()
    noise_lsb: float = 0.5
    jitter_ns: float = 0.0
    temperature_c: float = _REF_TEMPERATURE_C
    offset: float = 0.0          # codes, besides each channel's own
    average_s: float = AVERAGE_S
    fn_mhz: int = 50_000
    un_v: float = UN_V
    labels: dict = field(default_factory=dict, compare=False)

    def truth(self) -> dict:
        """Arrays by phase: U and I with their harmonics, P, Q of the fundamental; u2/u1 in %."""
        u1, i1 = np.array(self.u_v), np.array(self.i_a)
        phi = np.array(self.phi)
        u = u1 * math.sqrt(1 + sum(share**2 for _, share, _ in self.u_harmonics))
        i = i1 * math.sqrt(1 + sum(share**2 for _, share, _ in self.i_harmonics))
        p = u1 * i1 * np.cos(phi)
        for h, share, angle in self.u_harmonics:
            for hi, share_i, angle_i in self.i_harmonics:
                if h == hi:
                    p = p + u1 * i1 * share * share_i * np.cos(h * phi + angle - angle_i)
        a = np.exp(2j * np.pi / 3)
        x = u1 * np.exp(1j * np.array(self.shift))
        u2 = abs(x[0] + a * a * x[1] + a * x[2]) / max(abs(x[0] + a * x[1] + a * a * x[2]), 1e-9)
        return {"u_v": u, "i_a": i, "p_w": p, "q_var": u1 * i1 * np.sin(phi), "u2_pct": 100 * u2,
                "f_mhz": self.f_mhz}


@dataclass
class Readings:
    """Of single windows, rows; p, q, u, i: columns by phase; in W, var, V, A, mHz, %."""

    p_w: np.ndarray
    q_var: np.ndarray
    u_v: np.ndarray
    i_a: np.ndarray
    f_mhz: np.ndarray
    u2_pct: np.ndarray
    frames: np.ndarray

    def mean(self, what: str) -> np.ndarray:
        """Over the 10 s, as an aggregate does it: U and I in squares."""
        x = getattr(self, what)
        if what in ("u_v", "i_a"):
            return np.sqrt(np.average(x * x, axis=0, weights=self.frames))
        return np.average(x, axis=0, weights=self.frames)


def codes_of(load: Load, front: Front, seed: int, seconds: float) -> np.ndarray:
    """Frames x 6 codes, uint16."""
    r = np.random.default_rng(seed)
    n = int(seconds * RATE_HZ)
    skew = np.array([slot for _, slot in NOMINAL]) * 1e-9
    t = np.arange(n)[:, None] / RATE_HZ + skew
    if load.jitter_ns:
        t = t + load.jitter_ns * 1e-9 * r.standard_normal((n, 1))
    warmer = load.temperature_c - _REF_TEMPERATURE_C
    part = np.clip(np.array(load.i_a) / I_MAX_A, 0.01, 1.0)
    low, high = front.lead_urad
    lead = (high + (low - high) * np.log(part) / math.log(0.01) + front.lead_urad_k * warmer) / 1e6
    turn = 2 * np.pi * load.f_mhz / 1000 * t + r.uniform(0, 2 * np.pi)
    turn += np.array([*load.shift, *(np.array(load.shift) - np.array(load.phi))])
    gain = np.array(front.gains) * (1 + front.gain_ppm_k * 1e-6 * warmer)
    x = np.empty((n, 6))
    for c in range(6):
        harmonics = load.u_harmonics if c < 3 else load.i_harmonics
        ahead = 0.0 if c < 3 else lead[c - 3]
        wave = np.cos(turn[:, c] + ahead)
        for h, share, angle in harmonics:
            wave += share * np.cos(h * turn[:, c] + angle + ahead / h)
        peak = load.u_v[c] / U_PEAK_V if c < 3 else load.i_a[c - 3] / I_PEAK_A
        x[:, c] = peak * math.sqrt(2) * CODES / 2 * gain[c] * wave
    x += CODES / 2 + np.array(_OFFSETS) + load.offset + front.offset_lsb_k * warmer
    if load.noise_lsb:
        x += load.noise_lsb * r.standard_normal(x.shape)
    which = r.integers(0, READINGS, x.shape) if front.sums is not None else 0
    return Converter(front.sums).codes(x, which).astype("<u2")


class Meter:
    """The firmware's fast and slow half on the codes; cal: as calibrating gives it."""

    def __init__(self, front: Front, cal: Sequence, fn_mhz: int, un_v: float):
        self._sampler = sampler = TwinSampler(6, PAIRS["post"], 1024, RATE_HZ)
        # what the sampler's use_table does in every take, here for all frames at once: the same
        # codes (a test compares), much sooner
        self._table = None if front.table is None else np.array(front.table, dtype=np.int64)
        self._mem = array("i", [0, -1, 0] * 6)
        self.measuring = Measuring(sampler, "post", cal, round(un_v * 10), fn_mhz)
        self._quantities = Quantities(self.measuring, "ABC")

    def windows(self, codes: np.ndarray):
        """Yields the quantities after each window."""
        block = RATE_HZ // 200
        if self._table is not None:
            codes = correct(codes, self._table, self._mem)
        for tick in range(len(codes) // block):
            self._sampler.push(codes[tick * block:(tick + 1) * block].tobytes())
            self.measuring.fast(tick * 5000 & 0x3FFFFFFF)
            if self.measuring.slow():
                self._quantities.update()
                yield self._quantities


def calibrated(front: Front, seed: int, parts: Sequence[float] = (1.0,)) -> Sequence:
    """By a reference at nominal voltage and power factor 1, with these parts of full current.
    Raises ValueError with what calibrating says."""
    points = []
    for k, part in enumerate(parts):
        load = Load(i_a=(I_MAX_A * part,) * 3)
        meter = Meter(front, NOMINAL, load.fn_mhz, load.un_v)
        m = meter.measuring
        point = calibrating.Point(m, round(UN_V * 1e6), round(I_MAX_A * part * 1e6), 0, load.f_mhz)
        settled = _SETTLE_S
        for _ in meter.windows(codes_of(load, front, seed + k, _SETTLE_S + AVERAGE_S)):
            settled -= m.window_ms / 1000
            if settled <= 0:
                point.add()
        points.append(point)
    cal, why = calibrating.calibrate(points)
    if cal is None:
        raise ValueError(why)
    return cal


def measured(load: Load, front: Front, cal: Sequence, seed: int) -> Readings:
    meter = Meter(front, cal, load.fn_mhz, load.un_v)
    rows: list = []
    settled = _SETTLE_S if abs(load.f_mhz - load.fn_mhz) < 3000 else _SEARCH_S
    lasting = load.average_s
    codes = codes_of(load, front, seed, settled + load.average_s + 0.5)
    for q in meter.windows(codes):
        window_s = meter.measuring.window_ms / 1000
        settled -= window_s
        if settled > 0:
            continue
        rows.append(([p / 1000 for p in q.p_mw], [x / 1000 for x in q.q_mvar],
                     [u / 1000 for u in q.u_mv], [i / 1e6 for i in q.i_ua], q.f_mhz,
                     q.u2_ppm / 10_000, meter.measuring.n_frames))
        lasting -= window_s
        if lasting < window_s / 2:
            break
    return Readings(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def own_table(curve: Curve) -> array:
    """Learned as on a board: the ramp of sum_a, reading by reading. Raises ValueError with what
    the firmware says of a converter that it cannot learn."""
    histogram = adc_table.Histogram(adc_table.RAMP)
    readings = (curve.sum_a[:, None] + np.arange(READINGS)) // READINGS
    codes = array("H", readings.astype("u2").tobytes())
    histogram.add(codes, len(codes))
    table, why = histogram.learn()
    if table is None:
        raise ValueError(why)
    return table


def with_table(front: Front, table: array | None) -> Front:
    return replace(front, table=table)
