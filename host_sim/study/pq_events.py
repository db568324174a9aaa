"""Voltage events of a known truth into a meter's Measuring, Watch and VoltageEvents: how soon each
is seen, and what is told of its residual and duration.

A rig is a meter on a bench that runs on from case to case. The fast tier comes each 5 ms, at its
end the frames of those 5 ms are there; the slow one each 10 ms. So latencies are end to end, from
the moment at which the voltage changes, anywhere between two frames, to the end of the tick.
"""
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from acu.functions import voltage_events as ve
from host_sim.study import accuracy_bench as bench
from host_sim.study.pq_day import meter, table
from host_sim.waveform.twin import TwinSampler

TICK_MS = 5.0
CYCLE_MS = 20.0
_SCALE = bench.UN_V / bench.U_PEAK_V * 2048        # codes of Udin, rms
_PER_TICK = bench.RATE_HZ // 200
_SETTLE_S = 1.4
_QUIET = 90                      # ticks between events: hysteresis, windows, the fast path
_TREMBLE_HZ = 0.05               # from case to case, so that each meets the wave elsewhere
_SEEN_TICKS = 12                 # after an event by when everything must have been seen


class Wave(NamedTuple):
    """What goes on besides the events."""

    name: str
    f_hz: float = 50.0
    thd_pct: float = 0.0
    noise_lsb: float = 0.5
    before: float = 1.0          # of Udin


WAVES = (Wave("50 Hz, sine"), Wave("50 Hz, 8 % THD, 2 LSB", thd_pct=8.0, noise_lsb=2.0),
         Wave("49.5 Hz, 8 % THD, 2 LSB", 49.5, 8.0, 2.0),
         Wave("50.5 Hz, 8 % THD, 2 LSB", 50.5, 8.0, 2.0))


class Rig:
    """A meter and its waves; now: ticks so far. slow() is for those who want more of it."""

    def __init__(self, wave: Wave, seed: int):
        self._r = np.random.default_rng(seed)
        self._wave = wave
        self.measuring, self.watch = meter()
        self.events = ve.VoltageEvents(self.watch, round(bench.UN_V * 10))
        self._sampler: TwinSampler = self.measuring._sampler
        self._sampler.keep_ring = True
        self.f_hz = wave.f_hz
        self.before = np.full(3, wave.before)              # of Udin, by phase
        self.shift = -np.arange(3) / 3                     # cycles
        self.tables = [table(self._r, wave.thd_pct) for _ in range(3)]
        self._cycles = self._r.random()
        self.now = 0
        self.window = False      # whether one has just been evaluated
        self.told: list = []     # (tick, what VoltageEvents says)
        self.masks: list = []    # (tick, dip, swell, interruption, fast) where they changed
        self.quiet(round(_SETTLE_S * 200))

    @property
    def most(self) -> float:
        """Of Udin, whose peak the converter can still show."""
        return 2000 / (_SCALE * max(float(np.abs(one).max()) for one in self.tables))

    def quiet(self, ticks: int) -> None:
        self.run(np.tile(self.before, (ticks * _PER_TICK, 1)))

    def run(self, level: np.ndarray) -> None:
        """level: frames x 3 of Udin, whole ticks."""
        n = len(level)
        step = self.f_hz / bench.RATE_HZ
        place = self._cycles + step * np.arange(n)[:, None] + self.shift
        self._cycles = (self._cycles + n * step) % 1
        index = (place * len(self.tables[0])).astype(np.int64) % len(self.tables[0])
        codes = np.full((n, 6), 2048, dtype="<u2")
        for c in range(3):
            x = 2053.5 + _SCALE * level[:, c] * self.tables[c][index[:, c]]
            x += self._wave.noise_lsb * self._r.standard_normal(n)
            codes[:, c] = np.clip(x, 0, 4095)
        for at in range(0, n, _PER_TICK):
            self._tick(codes[at:at + _PER_TICK])

    def slow(self) -> None:
        """Comes after each slow pass; `window` says whether one was evaluated."""

    def _tick(self, codes: np.ndarray) -> None:
        self.now += 1
        now_us = self.now * 5000 & 0x3FFFFFFF
        self._sampler.push(codes.tobytes())
        w = self.watch
        w.fast(now_us, self.measuring.fast(now_us))
        masks = (w.dip, w.swell, w.interruption, w.fast_mask)
        if masks != (self.masks[-1][1:] if self.masks else (0, 0, 0, 0)):
            self.masks.append((self.now, *masks))
        if self.now & 1:
            return
        self.told += [(self.now, one) for one in self.events.step(self.now * 5, now_us)]
        self.window = self.measuring.slow()
        self.slow()

    def strike(self, levels: tuple, lasting_ms: float) -> float:
        """A tick or two of before, then `levels` for lasting_ms, then quiet. Returns when it
        began, in ms of now * 5."""
        self.told.clear()
        del self.masks[:-1]
        wait = self._r.uniform(1, 2) * _PER_TICK           # frames, not whole
        end = wait + lasting_ms * bench.RATE_HZ / 1000
        ticks = math.ceil(end / _PER_TICK)
        t0_ms = self.now * TICK_MS + wait * 1000 / bench.RATE_HZ
        level = np.tile(self.before, (ticks * _PER_TICK, 1))
        level[math.ceil(wait):math.ceil(end)] = levels
        # frame k is sampled at k; one that is exactly at the change has the new voltage
        self.run(level)
        self.quiet(_QUIET + int(self._r.integers(2)))     # either tick of a slow pass
        return t0_ms

    def after(self, t0_ms: float, place: int, mask: int) -> float:
        """How long after t0_ms all of mask was first set there, ms; infinite if it was not."""
        for tick, *masks in self.masks:
            late_ms = tick * TICK_MS - t0_ms
            if 0 <= late_ms <= _SEEN_TICKS * TICK_MS and masks[place] & mask == mask:
                return late_ms
        return math.inf


class Onsets(NamedTuple):
    wave: Wave
    cases: int
    seed: int


def latencies(one: Onsets) -> dict:
    """Lists of ms: a total loss of all phases, a dip to 85 % of one or all."""
    rig = Rig(one.wave, one.seed)
    r = np.random.default_rng((one.seed, 1))
    found: dict = {name: [] for name in (
        "loss", "interruption", "told", "fast", "dip", "fast_dip")}
    for _ in range(one.cases):
        rig.f_hz = one.wave.f_hz + r.uniform(-_TREMBLE_HZ, _TREMBLE_HZ)
        t0_ms = rig.strike((0.0, 0.0, 0.0), 60.0)
        for name, place in (("loss", 0), ("interruption", 2), ("fast", 3)):
            found[name].append(rig.after(t0_ms, place, 7))
        found["told"].append(min((tick * TICK_MS - t0_ms for tick, event in rig.told
                                  if event[:2] == (ve.INTERRUPTION, ve.START)), default=math.inf))
        mask = int(r.choice((1, 2, 4, 7)))
        t0_ms = rig.strike(tuple(0.85 if mask & 1 << c else one.wave.before for c in range(3)),
                           60.0)
        for name, place in (("dip", 0), ("fast_dip", 3)):
            found[name].append(rig.after(t0_ms, place, mask))
    return found


@dataclass
class Case:
    """An event as it was and as it was told; None where nothing fitting was told."""

    kind: int
    levels: tuple
    phases: int
    lasting_ms: float
    residual_pct: float          # or the greatest of a swell
    noise_lsb: float
    told_phases: int | None = None
    told_ms: float | None = None
    told_pct: float | None = None
    extra: list = field(default_factory=list)     # what else was told

    def errors(self) -> tuple[float, float]:
        """Of residual in % of Udin, of duration in cycles."""
        if self.told_pct is None or self.told_ms is None:
            return math.inf, math.inf
        return (abs(self.told_pct - self.residual_pct),
                abs(self.told_ms - self.lasting_ms) / CYCLE_MS)


def _levels(r: np.random.Generator, kind: int, before: float, most: float) -> tuple:
    """Of the phases: at least one leaves, none is nearer than 1 % to a limit or above `most`."""
    if kind == ve.INTERRUPTION:
        return tuple(r.uniform(0, 0.04, 3).tolist())
    low, high = (0.06, 0.89) if kind == ve.DIP else (1.11, min(1.45, most))
    mask = int(r.integers(1, 8))
    return tuple(float(r.uniform(low, high)) if mask & 1 << c else before for c in range(3))


def cases(one: Onsets) -> list[Case]:
    """Events of random kind, phases, depth, moment; 1.5 cycles to a second."""
    rig = Rig(one.wave, one.seed)
    r = np.random.default_rng((one.seed, 2))
    found = []
    for _ in range(one.cases):
        rig.f_hz = one.wave.f_hz + r.uniform(-_TREMBLE_HZ, _TREMBLE_HZ)
        kind = int(r.choice((ve.DIP, ve.DIP, ve.SWELL, ve.INTERRUPTION)))
        levels = _levels(r, kind, one.wave.before, rig.most)
        lasting_ms = float(np.exp(r.uniform(math.log(30), math.log(1000))))
        found.append(_case(rig, kind, levels, lasting_ms, one.wave.noise_lsb))
    return found


def _case(rig: Rig, kind: int, levels: tuple, lasting_ms: float, noise_lsb: float) -> Case:
    worst = max(levels) if kind == ve.SWELL else min(levels)
    inside = {ve.DIP: lambda x: x < 0.9, ve.SWELL: lambda x: x > 1.1,
              ve.INTERRUPTION: lambda x: x < 0.05}[kind]
    phases = sum(1 << c for c in range(3) if inside(levels[c]))
    case = Case(kind, levels, phases, lasting_ms, worst * 100, noise_lsb)
    rig.strike(levels, lasting_ms)
    for _, (told, start, mask, value_dv, ms, _) in rig.told:
        if start == ve.END and told == kind and case.told_ms is None:
            case.told_phases, case.told_ms = mask, ms
            case.told_pct = float(value_dv / bench.UN_V * 10)
        elif start == ve.END and (kind, told) != (ve.INTERRUPTION, ve.DIP):
            case.extra.append(told)          # an interruption is a dip as well
    return case


def figures(found: list[Case]) -> dict:
    """The residual also apart with much noise: its root mean square adds to that of the voltage,
    and where there is none it is all that is seen."""
    errors = [case.errors() for case in found]
    return {
        "events": len(found),
        "events_missed": sum(case.told_ms is None for case in found),
        "events_too_many": sum(len(case.extra) for case in found),
        "phases_wrong": sum(case.told_phases not in (None, case.phases) for case in found),
        "residual_err_max_pct": max(case.errors()[0] for case in found if case.noise_lsb <= 1),
        "residual_err_2_lsb_max_pct": max((case.errors()[0] for case in found
                                           if case.noise_lsb > 1), default=None),
        "duration_err_max_cycles": max(one[1] for one in errors),
    }
