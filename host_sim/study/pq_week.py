"""A simulated week at the end of a street, measured by a meter's firmware, for EN 50160.

Of each 10 minutes a second and a half is played as waveform through Measuring, Quantities, Watch,
VoltageEvents and Spectrum; its windows stand for the whole interval in the firmware's Aggregates.
Events are played in full. The profile (voltage of the day and of the week's end, unbalance,
harmonics of the evening, frequency) and the events are drawn from the seed.
"""
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from acu.functions import voltage_events as ve
from acu.functions.aggregates import TEN_MIN, TEN_S, Aggregates
from acu.functions.quantities import Quantities
from acu.functions.spectrum import Spectrum
from host_sim.study import accuracy_bench as bench
from host_sim.study.pool import spread
from host_sim.study.pq_day import wave_of
from host_sim.study.pq_events import Rig, Wave

INTERVALS = 7 * 144
PART = 36                        # intervals that one process plays in a row
START_MS = 1_767_571_200_000     # Monday, 5 January 2026, 0:00 UTC
HARMONICS = range(2, 26)

_TEN_MIN_MS = 600_000
_FLAGS = 7                       # bit of a dip in the flags of an interval, as in roles/meter.py
_SETTLE, _WINDOWS = 2, 6         # of an interval's windows: passed over, counted
_EACH = 2                        # times that a window is given to the aggregates
_ORDERS = (2, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25)
# In the evening, % of the fundamental
_EVENING = (0.2, 1.4, 2.9, 1.6, 0.4, 0.8, 0.6, 0.15, 0.4, 0.3, 0.1, 0.25, 0.2)
_NOISE_LSB = 0.7


class Event(NamedTuple):
    """levels: of Udin, by phase; None: as before."""

    interval: int
    kind: int
    levels: tuple
    lasting_ms: float


class State(NamedTuple):
    """Of an interval: U in V and its shift in cycles, by phase, f, harmonics in %."""

    u_v: tuple
    shift: tuple
    f_hz: float
    harmonics: tuple


def profile(seed: int) -> list[State]:
    r = np.random.default_rng((seed, 10))
    angles = r.uniform(-0.4, 0.4, len(_ORDERS)) + np.array([0, 0.5, 3.0, 0.3, 1, 2, 1, 0, 2, 1, 0,
                                                           1, 2])
    wander = [0.0] * 4
    found = []
    for k in range(INTERVALS):
        hour, day = k / 6 % 24, k // 144
        home = 0.35 + 0.65 * _hump(hour, 19.5, 2.5) + 0.4 * _hump(hour, 7.5, 1.2)
        home += 0.25 * _hump(hour, 12.5, 2) * (day > 4)
        sun = _hump(hour, 12.5, 2.3) * (0.35 + 0.65 * ((day * 5 + 2) % 7) / 6)
        wander = [0.8 * w + 0.6 * r.standard_normal() for w in wander]
        u_v = [236.5 - x * home + y * sun + 0.9 * w for x, y, w in zip(
            (11.5, 8.5, 14.0), (7.5, 5.0, 4.0), wander, strict=False)]
        shift = [(-c / 3) + 0.0006 * r.standard_normal() for c in range(3)]
        evening = 0.55 + 0.45 * home + 0.05 * wander[3]
        harmonics = [pct * max(evening + 0.08 * r.standard_normal(), 0.1) for pct in _EVENING]
        found.append(State(tuple(u_v), tuple(shift), 50 + 0.018 * r.standard_normal(),
                           tuple(zip(_ORDERS, harmonics, angles.tolist(), strict=True))))
    return found


def _hump(hour: float, at: float, width: float) -> float:
    return math.exp(-((hour - at) / width) ** 2)


def draw_events(seed: int) -> list[Event]:
    """Dips, swells, short interruptions, rapid changes; at most one an interval."""
    r = np.random.default_rng((seed, 11))
    kinds = [ve.DIP] * 22 + [ve.SWELL] * 4 + [ve.INTERRUPTION] * 3 + [ve.RVC] * 5
    places = np.sort(r.choice(np.arange(2, INTERVALS - 2), len(kinds), replace=False))
    found = []
    for interval, kind in zip(places.tolist(), r.permutation(kinds).tolist(), strict=True):
        lasting_ms = float(np.exp(r.uniform(math.log(40), math.log(8000))))
        mask = int(r.choice((1, 2, 4, 3, 5, 6, 7), p=(.2, .2, .2, .08, .08, .08, .16)))
        if kind == ve.INTERRUPTION:
            levels: tuple = (0.01,) * 3
        elif kind == ve.RVC:
            levels = tuple(0.92 if mask & 1 << c else None for c in range(3))
            lasting_ms = 3000.0
        else:
            low, high = (0.15, 0.88) if kind == ve.DIP else (1.115, 1.3)
            depth = high - (high - low) * r.power(0.6) if kind == ve.DIP else r.uniform(low, high)
            levels = tuple(float(depth) if mask & 1 << c else None for c in range(3))
        found.append(Event(interval, kind, levels, lasting_ms))
    return found


class _Voltages:
    """A Measuring whose channels are the voltages only: the spectrum has no currents to do."""

    def __init__(self, m: Any):
        self._m = m
        self.cal = m.cal[:3]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._m, name)


class Meter(Rig):
    """The rig with what an interval needs besides events."""

    windows: list | None = None
    _due = 0                     # channels that the spectrum still has to do

    def __init__(self, first: State, seed: int):
        super().__init__(Wave("week", first.f_hz, 0.0, _NOISE_LSB), seed)
        self.quantities = Quantities(self.measuring, "ABC")
        self.spectrum = Spectrum(self._sampler, _Voltages(self.measuring))

    def slow(self) -> None:
        if self.window and self.windows is not None:
            self.quantities.update()
            q = self.quantities
            self.windows.append((q.f_mhz, max(q.u2_ppm or 0, 0), *q.u_mv))
        if self._due and self.spectrum.step() >= 0:
            self._due -= 1

    def interval(self, state: State) -> tuple[list, list]:
        """Windows (f, u2, U) and, of each phase, THD and harmonics in ppm."""
        orders, shares, angles = zip(*state.harmonics, strict=True)
        wave = wave_of(orders, [x / 100 for x in shares], angles)
        self.tables = [wave] * 3
        self.shift = np.array(state.shift)
        self.f_hz = state.f_hz
        self.before = np.array(state.u_v) / bench.UN_V
        self.quiet(_SETTLE * 40 + 4)
        self.windows = []
        self._due = 3
        self.quiet(_WINDOWS * 40 + 4)
        windows, self.windows = self.windows[:_WINDOWS], None
        for _ in range(10):
            if self._due:
                self.quiet(40)
        return windows, [(self.spectrum.thd_ppm[c], *(self.spectrum.h_ppm[c][h]
                                                      for h in HARMONICS)) for c in range(3)]

    def event(self, event: Event) -> None:
        """`told` has what became of it and of what came before."""
        levels = tuple(before if level is None else level
                       for level, before in zip(event.levels, self.before, strict=True))
        told = self.told[:]
        self.strike(levels, event.lasting_ms)
        if event.kind == ve.RVC:
            self.quiet(260)              # a rapid change is told a second after it
        self.told[:0] = told


class Work(NamedTuple):
    seed: int
    first: int
    states: list
    events: list


def play(work: Work) -> list:
    """[(interval, windows, spectra, what VoltageEvents told)] of a part of the week."""
    meter = Meter(work.states[0], work.seed * 1000 + work.first)
    found = []
    for k, state in enumerate(work.states, work.first):
        meter.told.clear()
        windows, spectra = meter.interval(state)
        for event in work.events:
            if event.interval == k:
                meter.event(event)
        found.append((k, windows, spectra, [one for _, one in meter.told]))
    return found


class Week(NamedTuple):
    """Ten-minute values: rows, by phase where the meter has three; NaN in flagged intervals, but U
    only where supply was interrupted (EN 50160, 4.2.2). f_hz: 10 s. told:
    (interval, kind, phases, % of Udin, ms) of ended events."""

    values: dict
    flagged: int
    told: list
    events: list
    states: list


def aggregate(played: list, states: list, events: list) -> Week:
    """Through the firmware's Aggregates, in the order of time."""
    letters = "fm" + "r" * 3 + "f" * 3 + "r" * 3 * len(HARMONICS)
    aggregates = Aggregates(letters)
    frames = _TEN_MIN_MS // 1000 * bench.RATE_HZ // (_WINDOWS * _EACH)
    ten_min, ten_s, told = [], [], []
    last = None
    for k, windows, spectra, said in sorted(played):
        flags = 0
        for kind, start, mask, value_dv, ms, _ in said:
            flags |= 1 << kind << _FLAGS if kind != ve.RVC else 0
            if start == ve.END:
                told.append((k, kind, mask, value_dv / bench.UN_V * 10, ms))
        thd = [phase[0] for phase in spectra]
        harmonics = [x for phase in spectra for x in phase[1:]]
        every = _TEN_MIN_MS // (len(windows) * _EACH)
        for j in range(len(windows) * _EACH):
            f_mhz, u2_ppm, *u_mv = windows[j // _EACH]
            end_ms = START_MS + k * _TEN_MIN_MS + (j + 1) * every
            last = (end_ms, frames, (f_mhz, u2_ppm, *u_mv, *thd, *harmonics))
            for kind, _, values, _, f in aggregates.add(*last, flags if j == 0 else 0):
                if kind == TEN_MIN:
                    ten_min.append((values, f))
                elif kind == TEN_S:
                    ten_s.append(values[0])
    if last:             # the window that ends the week's last interval
        for kind, _, values, _, f in aggregates.add(last[0] + 1, *last[1:]):
            if kind == TEN_MIN:
                ten_min.append((values, f))
    return Week(_table(ten_min, ten_s), sum(flags != 0 for _, flags in ten_min), told, events,
                states)


def _table(ten_min: list, ten_s: list) -> dict:
    x = np.array([values for values, _ in ten_min], dtype=float)
    flags = np.array([flags for _, flags in ten_min])
    x[flags & 1 << ve.INTERRUPTION << _FLAGS != 0] = np.nan
    u_v = x[:, 2:5] / 1000
    x[flags != 0] = np.nan
    n = len(HARMONICS)
    found = {"f_hz": np.array(ten_s, dtype=float) / 1000, "u2_pct": x[:, 1:2] / 10_000,
             "u_v": u_v, "thd_pct": x[:, 5:8] / 10_000}
    for k, h in enumerate(HARMONICS):
        found[f"h{h}_pct"] = x[:, 8 + k:8 + 3 * n:n] / 10_000
    return found


def run(seed: int, jobs: int, intervals: int = INTERVALS,
        progress: Callable[[int, int], None] = lambda done, of: None) -> Week:
    states, events = profile(seed)[:intervals], draw_events(seed)
    events = [one for one in events if one.interval < intervals]
    parts = [Work(seed, first, states[first:first + PART], events)
             for first in range(0, intervals, PART)]
    played: list = []
    for part in spread(play, parts, jobs):
        played += part
        progress(len(played), intervals)
    return aggregate(played, states, events)
