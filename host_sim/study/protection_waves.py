"""Faults as ADC codes of the recloser's board: eight phasors before, eight after, and between them
a step or a ramp; a frequency of its own; harmonics, a decaying direct component, noise.

Time in s, phasors in secondary peak codes as complex numbers against the source's angle. The truth
is what went in: nobody estimates it. For studies; no event log depends on these floats.
"""
import cmath
import math
from dataclasses import dataclass

import numpy as np

from host_sim.waveform.bay_codes import (
    CHANNELS,
    I_PEAK_A,
    MID,
    RATE_HZ,
    SLOT_S,
    TOP,
    U_PEAK_V,
    UN_V,
)

NOISE_LSB = 0.5
A = cmath.exp(2j * math.pi / 3)


@dataclass(frozen=True)
class Fault:
    """before, after: phasors of u1ab u1bc u2ab u2bc u0 ia ib ic. at_s: the step, or where the ramp
    from one to the other begins; ramp_s: how long it takes. f_steps: (s, Hz, Hz/s): from then on
    this frequency, that changes so. dc: of the currents' step, share and time constant in s.
    harmonics: (order, share of each channel's fundamental, degrees)."""

    before: tuple
    after: tuple
    at_s: float
    seconds: float
    ramp_s: float = 0.0
    f_steps: tuple = ((0.0, 50.0, 0.0),)
    f_growth: float = 0.0            # Hz/s/s, of the last step
    turn: float = 0.0                # angle at 0 s, turns
    jump: float = 0.0                # of the angle at at_s, turns
    dc: tuple = (0.0, 0.05)
    harmonics: tuple = ()


def volts(ua: complex, ub: complex, uc: complex) -> tuple:
    """Codes of ab and bc of phase voltages in per unit."""
    scale = UN_V / math.sqrt(3.0) * math.sqrt(2.0) / U_PEAK_V * MID
    return (ua - ub) * scale, (ub - uc) * scale


def amps(x: complex) -> complex:
    """Codes of an rms current in A."""
    return x * math.sqrt(2.0) / I_PEAK_A * MID


def three(x: complex = 1.0, negative: complex = 0.0) -> tuple:
    """Phases of a positive and a negative sequence."""
    return x + negative, x / A + negative * A, x * A + negative / A


def bay(u1: tuple, u2: tuple, u0: complex = 0.0, i: tuple = (0.0, 0.0, 0.0)) -> tuple:
    """The phasors of all channels: phase voltages of either side in per unit, u0 of the open
    delta's nominal, currents in A."""
    return (*volts(*u1), *volts(*u2), u0 * UN_V * math.sqrt(2.0) / U_PEAK_V * MID,
            *(amps(x) for x in i))


def hz(fault: Fault, t):
    """The truth of the frequency."""
    f = np.zeros_like(np.asarray(t, dtype=float))
    for k, (begin, start, slope) in enumerate(fault.f_steps):
        past = np.maximum(t - begin, 0.0)
        growth = fault.f_growth if k == len(fault.f_steps) - 1 else 0.0
        f = np.where(t >= begin, start + slope * past + 0.5 * growth * past * past, f)
    return f


def turns(fault: Fault, t):
    """The angle of the source, continuous but for the jump."""
    x = np.full_like(t, fault.turn)
    steps = fault.f_steps
    for k, (begin, start, slope) in enumerate(steps):
        last = k == len(steps) - 1
        end = np.inf if last else steps[k + 1][0]
        past = np.clip(t, begin, end) - begin
        x += start * past + 0.5 * slope * past * past
        if last:
            x += fault.f_growth * past**3 / 6.0
    return x + fault.jump * (t >= fault.at_s)


def codes(fault: Fault, rng: np.random.Generator) -> np.ndarray:
    """(frames, 8) uint16, whole ticks of 20 frames."""
    frames = round(fault.seconds * 200) * 20
    out = np.empty((frames, CHANNELS), dtype=np.uint16)
    noise = rng.standard_normal((frames, CHANNELS), dtype=np.float32) * NOISE_LSB
    base = np.arange(frames) / RATE_HZ
    for k in range(CHANNELS):
        t = base + k * SLOT_S
        wave = np.exp(2j * np.pi * turns(fault, t))
        past = t - fault.at_s
        w = np.clip(past / fault.ramp_s, 0.0, 1.0) if fault.ramp_s else (past >= 0) * 1.0
        phasor = fault.before[k] + (fault.after[k] - fault.before[k]) * w
        x = (phasor * wave).real
        for order, share, deg in fault.harmonics:
            turned = cmath.exp(1j * math.radians(deg))
            x += share * (phasor * turned * wave**order).real
        if k >= 5 and fault.dc[0]:
            # what keeps the current from jumping, in part
            at = np.exp(2j * np.pi * turns(fault, np.array([fault.at_s])))[0]
            start = ((fault.before[k] - fault.after[k]) * at).real * fault.dc[0]
            x += (past >= 0) * start * np.exp(-np.maximum(past, 0.0) / fault.dc[1])
        out[:, k] = np.clip(np.rint(x + MID + noise[:, k]), 0, TOP)
    return out
