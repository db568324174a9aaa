"""A simulated day of voltage as bad as the rules allow but without an event, and what a meter's
fast path makes of it: each operation is a false one.

8 % THD all day, 2 LSB of noise, frequency and voltages that drift, steps of loads with their jump
of phase. In stretches of five minutes, each a value of (seed, number) and with its own
start of the meter, so that processes share the day.
"""
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from acu.primitives.watching import Watch
from host_sim.study import accuracy_bench as bench
from host_sim.study.pool import spread
from host_sim.study.pq_twin import Twin, follow
from host_sim.waveform.twin import TwinSampler

THD_PCT = 8.0
NOISE_LSB = 2.0
STRETCH_S = 300
DAY = 86_400 // STRETCH_S
RING = 1024                      # frames; as long as a board's half second, a power of two

_SETTLE_S = 3.0                  # of a stretch, until frequency and offsets are found; not counted
_TABLE = 1 << 16
_ORDERS = (3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25)
_SHARES = (5.0, 6.0, 5.0, 1.5, 3.5, 3.0, 0.5, 2.0, 1.5, 0.5, 1.5, 1.5)    # EN 50160, % of U1
_STEPS_S = 15.0                  # mean time between two steps of a load
_STEP_PCT = 3.0                  # the greatest
_LEAST, _MOST = 0.925, 1.075     # of Udin, the RMS at any time
_TICK_S = 0.005


class Stretch(NamedTuple):
    seed: int
    number: int
    seconds: int = STRETCH_S


@dataclass
class Outcome:
    """number: of the stretch; ticks that counted; operations: (ticks since the stretch began,
    mask) of the fast path; events: the same of dip, swell and interruption; nearest_pct: least
    voltage that the fast path saw, % of Udin; u_pct: range of the RMS; steps of load."""

    number: int
    ticks: int
    operations: list
    events: list
    nearest_pct: float
    u_pct: tuple
    steps: int


def meter() -> tuple[Measuring, Watch]:
    sampler = TwinSampler(6, PAIRS["post"], RING, bench.RATE_HZ)
    m = Measuring(sampler, "post", bench.NOMINAL, round(bench.UN_V * 10), 50_000)
    return m, Watch(sampler, m, round(bench.UN_V * 10))


def wave_of(orders: Sequence, shares: Any, angles: Any) -> np.ndarray:
    """A cycle of a cosine with these harmonics (shares of the fundamental), of RMS 1."""
    lines = np.zeros(_TABLE // 2 + 1, dtype=complex)
    lines[1] = 1
    lines[list(orders)] += np.array(shares) * np.exp(1j * np.array(angles))
    wave = np.fft.irfft(lines) * (_TABLE / 2)
    return (wave / math.sqrt(float(np.mean(wave**2)))).astype(np.float32)


def table(r: np.random.Generator, thd_pct: float) -> np.ndarray:
    """The same with shares drawn below EN 50160's bounds, to this THD."""
    share = np.array(_SHARES) * r.uniform(0.2, 1.0, len(_SHARES))
    share *= thd_pct / 100 / math.sqrt(float(np.sum(share**2)))
    return wave_of(_ORDERS, share, r.uniform(0, 2 * np.pi, len(_ORDERS)))


def _wander(r: np.random.Generator, n: int, sd: float, time_s: float) -> np.ndarray:
    """A walk that returns with time_s, standard deviation sd, at each tick; by way of seconds."""
    every = round(1 / _TICK_S)
    seconds = n // every + 2
    kept = math.exp(-1 / time_s)
    x = r.standard_normal(seconds) * sd * math.sqrt(1 - kept**2)
    x[0] = sd * r.standard_normal()
    for k in range(1, seconds):
        x[k] += kept * x[k - 1]
    return np.interp(np.arange(n), np.arange(seconds) * every, x)


def _steps(r: np.random.Generator, u: np.ndarray, turn: np.ndarray) -> int:
    """Loads come and go: a step of one phase or all, with its jump of phase. In place."""
    n, at, count = len(u), 0, 0
    while True:
        at += 1 + int(r.exponential(_STEPS_S) / _TICK_S)
        if at >= n:
            return count
        lasting = int(r.exponential(10.0) / _TICK_S) + 1
        depth = min(r.exponential(1.0), _STEP_PCT) / 100 * r.choice((-1, 1))
        which = slice(None) if r.random() < 0.3 else slice(k := int(r.integers(3)), k + 1)
        u[at:at + lasting, which] += depth
        turn[at:at + lasting, which] += depth * r.uniform(-0.6, 0.6)     # radian; 1 deg at 3 %
        count += 1


def render(one: Stretch) -> tuple[np.ndarray, int]:
    """Frames x 3 codes, and how many steps of load there were."""
    r = np.random.default_rng((one.seed, one.number))
    per_tick = bench.RATE_HZ // 200
    n = round((one.seconds + _SETTLE_S) / _TICK_S) + 1
    hour = one.number * STRETCH_S / 3600
    f_hz = 50 + _wander(r, n, 0.02, 60)
    ramp = int(r.integers(n))            # once a stretch 0.2 Hz away and back, 0.02 Hz/s
    f_hz += 0.2 * r.choice((-1, 1)) * np.clip(
        1 - np.abs(np.arange(n) - ramp) * _TICK_S / 10, 0, None)
    cycles = np.concatenate(([0], np.cumsum(f_hz * _TICK_S)))[:-1] + r.random()
    level = 1.0 - 0.03 * math.sin(2 * math.pi * (hour - 13) / 24) * np.array([1, 0.6, 1.3])
    u = np.stack([level[c] + _wander(r, n, 0.004, 40) for c in range(3)], axis=1)
    turn = np.zeros((n, 3))
    count = _steps(r, u, turn)
    start = int(r.integers(n))           # ten seconds of a beating load, 8.8 Hz
    u[start:start + 2000] += 0.005 * (np.arange(n)[start:start + 2000, None] * 8.8 * _TICK_S % 1
                                      < 0.5)
    np.clip(u, _LEAST, _MOST, out=u)
    frames = np.arange(per_tick) / bench.RATE_HZ
    codes = np.empty((n * per_tick, 3), dtype=np.uint16)
    scale = bench.UN_V / bench.U_PEAK_V * 2048
    for c in range(3):
        wave = table(r, THD_PCT)
        middle = 2048.5 + r.uniform(-10, 10)
        for part in range(0, n, 20_000):
            at = slice(part, part + 20_000)
            x = (cycles[at] + turn[at, c] / (2 * np.pi) - c / 3)[:, None] + f_hz[at, None] * frames
            place = (x * _TABLE).astype(np.int64)
            place &= _TABLE - 1
            y = wave[place]
            y *= (u[at, c] * scale).astype(np.float32)[:, None]
            y += NOISE_LSB * r.standard_normal(y.shape, dtype=np.float32)
            y += np.float32(middle)
            np.clip(y, 0, 4095, out=y)
            codes[part * per_tick:part * per_tick + y.size, c] = y.ravel().astype(np.uint16)
    # steps come at any frame of a meter's tick
    first = int(r.integers(per_tick))
    return codes[first:first + (n - 1) * per_tick], count


def play(one: Stretch) -> Outcome:
    codes, count = render(one)
    m, watch = meter()
    lag_q8, zero_q8 = follow(m, codes)
    twin = Twin(watch)
    seen = twin.see(codes, lag_q8, zero_q8)
    settled = round(_SETTLE_S / _TICK_S)
    told = twin.run(seen, settled // 2)
    operations, events = [], []
    fast = states = 0
    for tick, *masks, now in told:
        state = masks[0] | masks[1] << 3 | masks[2] << 6
        if tick >= settled:
            if now & ~fast:
                operations.append((tick - settled, now & ~fast))
            if state & ~states:
                events.append((tick - settled, state & ~states))
        fast, states = now, state
    ratio = seen.ratio[settled:, :, 1]
    root = np.sqrt(seen.square[settled:] / 32) * bench.U_PEAK_V / 2048 / bench.UN_V * 100
    nearest = np.sqrt(np.maximum(ratio, 0) / 4096) * root
    return Outcome(one.number, len(root), operations, events, float(nearest.min()),
                   (float(root.min()), float(root.max())), count)


def run(stretches: list[Stretch], jobs: int,
        progress: Callable[[int, int], None] = lambda done, of: None) -> list[Outcome]:
    found: list[Outcome] = []
    for outcome in spread(play, stretches, jobs):
        found.append(outcome)
        progress(len(found), len(stretches))
    return sorted(found, key=lambda one: one.number)


def figures(found: list[Outcome]) -> dict:
    hours = sum(one.ticks for one in found) * _TICK_S / 3600
    return {
        "hours": round(hours, 3),
        "false_operations": sum(len(one.operations) for one in found),
        "false_events": sum(len(one.events) for one in found),
        "nearest_pct": round(min(one.nearest_pct for one in found), 2),
        "u_least_pct": round(min(one.u_pct[0] for one in found), 2),
        "u_most_pct": round(max(one.u_pct[1] for one in found), 2),
        "load_steps": sum(one.steps for one in found),
        "thd_pct": THD_PCT,
        "noise_lsb": NOISE_LSB,
    }
