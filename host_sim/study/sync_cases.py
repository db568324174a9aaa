"""What `slvg study sync` plays: worlds drawn by a seed, of several families.

The draw of case i of a family depends on (seed, family, i) only, so any number of processes and
any order give the same cases, and a run that was cut can be taken up.
"""
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from host_sim.study import en50160
from host_sim.waveform import bay_codes
from host_sim.world.two_sided import Side, TwoSided

# Families; their numbers seed the draw
ESTIMATE, STEADY, STRESS, CHECK, FAULTY, BLOCK, PERMIT, ENERGISE, SETTLE = range(9)
NAMES = ("estimate", "steady", "stress", "check", "faulty", "block", "permit", "energise",
         "settle")
CLOSING = (STEADY, STRESS, CHECK, FAULTY)
AIMED = (STEADY, STRESS, FAULTY, SETTLE)     # played in the synchronising mode, others in check

CLOSE_S = 0.060                  # the breaker
SCATTER_S = 0.001
ASK_S = 0.3                      # when the close is asked for
ESTIMATE_S = 0.45
CLOSING_S = 3.5
TIMING_S = 1.6
# Where conditions become true for the firmware: settings of sync_play.py less their guards
ANGLE_IN_DEG, DU_IN_PU, SLIP_IN_HZ = 9.5, 0.045, 0.495
F_LOW_HZ, F_HIGH_HZ = 47.5, 51.5
_THD_PCT = 8.0                   # EN 50160:2010, 4.2.5


class Case(NamedTuple):
    """event_s: of the timing families, when what is timed happens."""

    family: int
    number: int
    world: TwoSided
    seconds: float
    event_s: float = 0.0
    what: str = ""


def rng_of(seed: int, family: int, number: int, use: int = 0) -> np.random.Generator:
    return np.random.default_rng((seed, family, number, use))


def harmonics(r: np.random.Generator) -> tuple:
    """Up to the limits of EN 50160, table 1, scaled down where they exceed its THD."""
    pct = {h: limit * r.uniform(0.2, 1.0) for h, limit in en50160.HARMONICS_PCT.items()}
    thd = math.sqrt(sum(x * x for x in pct.values()))
    scale = min(1.0, _THD_PCT / thd)
    return tuple((h, x * scale, r.uniform(0, 360), r.uniform(0, 360)) for h, x in pct.items())


def _side(r: np.random.Generator, **more) -> Side:
    given: dict = {"u_pu": r.uniform(0.96, 1.06), "harmonics": harmonics(r),
                   "u2_pu": r.uniform(0, 0.015), "u2_deg": r.uniform(0, 360)}
    return Side(**(given | more))


def case(seed: int, family: int, number: int) -> Case:
    r = rng_of(seed, family, number)
    return _MAKERS[family](r, number)


def _estimate(r: np.random.Generator, number: int) -> Case:
    """Both sides anywhere in the range; every other one with a slip to 2 Hz, else to 0.1 Hz."""
    f1 = r.uniform(F_LOW_HZ, F_HIGH_HZ)
    most = 2.0 if number % 2 else 0.1
    f2 = float(np.clip(f1 + r.uniform(-most, most), F_LOW_HZ, F_HIGH_HZ))
    one = _side(r, f_hz=f1, angle_deg=r.uniform(-180, 180), u_pu=r.uniform(0.85, 1.1))
    two = _side(r, f_hz=f2, angle_deg=r.uniform(-180, 180), u_pu=r.uniform(0.85, 1.1))
    return Case(ESTIMATE, number, TwoSided(one, two), ESTIMATE_S)


def _meeting(r: np.random.Generator, slip_hz: float, du_pu: float = 0.03,
             base=(49.0, 50.8)) -> tuple[Side, Side]:
    """Two sides whose angle passes 0 at a time drawn from the play, were the slip steady."""
    meet_s = r.uniform(ASK_S + 0.2, CLOSING_S - 0.5)
    start = r.uniform(-180, 180)
    u = r.uniform(0.97, 1.04)
    f = r.uniform(*base)
    one = _side(r, f_hz=f, angle_deg=start, u_pu=u)
    two = _side(r, f_hz=f + slip_hz, angle_deg=start - 360 * slip_hz * meet_s,
                u_pu=u + r.uniform(-du_pu, du_pu))
    return one, two


def _steady(r: np.random.Generator, number: int) -> Case:
    """Steady slip to 0.49 Hz: the limit, caps lifted, is 0.5 Hz with 5 mHz of guard."""
    slip = r.uniform(0.01, 0.49) * r.choice((-1, 1))
    one, two = _meeting(r, slip)
    return Case(STEADY, number, TwoSided(one, two), CLOSING_S)


def _swinging(r: np.random.Generator, side: Side, most_hz: float) -> Side:
    amplitude = most_hz * math.exp(-r.uniform(0, math.log(30)))
    return replace(side, swing_hz=amplitude, swing_rate_hz=r.uniform(0.1, 1.5),
                 swing_deg=r.uniform(0, 360))


_EVENTS = ("none", "none", "none", "jump", "jump", "step", "ramp", "energise", "lost")


def _struck(r: np.random.Generator, side: Side, what: str) -> Side:
    t = r.uniform(0.35, CLOSING_S - 0.6)
    if what == "jump":
        return replace(side, jumps=((t, r.uniform(3, 60) * r.choice((-1, 1))),))
    if what == "step":
        return replace(side, u_steps=((t, r.uniform(0.02, 0.2) * r.choice((-1, 1))),))
    if what == "ramp":
        return replace(side, u_ramps=((t, t + 1.0, r.uniform(-0.15, 0.1)),))
    if what == "energise":
        return replace(side, on_s=r.uniform(0.2, 1.5))
    if what == "lost":
        return replace(side, off_s=t)
    return side


def _with_event(r: np.random.Generator, family: int, number: int, one: Side, two: Side) -> Case:
    """Something sudden on one of the sides, mostly the second."""
    what = str(r.choice(_EVENTS))
    if r.random() < 0.3:
        one = _struck(r, one, what)
    else:
        two = _struck(r, two, what)
    return Case(family, number, TwoSided(one, two), CLOSING_S, what=what)


def _stress(r: np.random.Generator, number: int) -> Case:
    """Slip to 0.6 Hz, swings of one or both sides, and something sudden in most."""
    one, two = _meeting(r, r.uniform(-0.6, 0.6), 0.06)
    if r.random() < 0.7:
        two = _swinging(r, two, 0.15)
    if r.random() < 0.3:
        one = _swinging(r, one, 0.1)
    return _with_event(r, STRESS, number, one, two)


def _check(r: np.random.Generator, number: int) -> Case:
    """As the stress set, at slips that check mode can close at."""
    one, two = _meeting(r, r.uniform(-0.25, 0.25), 0.05)
    if r.random() < 0.5:
        two = _swinging(r, two, 0.1)
    return _with_event(r, CHECK, number, one, two)


def _calm(r: np.random.Generator, slip_hz: float, deg: float) -> tuple[Side, Side]:
    f, start, u = r.uniform(49.0, 50.8), r.uniform(-180, 180), r.uniform(0.98, 1.02)
    return (_side(r, f_hz=f, angle_deg=start, u_pu=u),
            _side(r, f_hz=f + slip_hz, angle_deg=start + deg, u_pu=u + r.uniform(-0.01, 0.01)))


def _block(r: np.random.Generator, number: int) -> Case:
    """All is well, then a side is lost, its angle jumps out of the limits, its voltage sags or
    one of its phases goes."""
    sides = list(_calm(r, r.uniform(-0.01, 0.01), r.uniform(-3, 3)))
    t = r.uniform(0.9, 1.2)
    which = int(r.integers(0, 2))
    what = ("lost", "jump", "sag", "phase")[number % 4]
    more: dict = {"off_s": t}
    if what == "jump":
        more = {"jumps": ((t, r.uniform(14, 90) * r.choice((-1, 1))),)}
    elif what == "sag":
        more = {"u_steps": ((t, -r.uniform(0.18, 0.8)),)}
    elif what == "phase":
        more = {"fuses": ((t, int(r.integers(0, 3)), 0.0),)}
    sides[which] = replace(sides[which], **more)
    return Case(BLOCK, number, TwoSided(sides[0], sides[1]), TIMING_S, t, what)


def _permit(r: np.random.Generator, number: int) -> Case:
    """What was outside comes in smoothly: the angle drifts, or the voltage settles."""
    what = ("angle", "voltage")[number % 2]
    t = r.uniform(0.5, 0.8)
    sign = r.choice((-1, 1))
    if what == "angle":
        slip = r.uniform(0.01, 0.05)
        one, two = _calm(r, -sign * slip, sign * (ANGLE_IN_DEG + 360 * slip * t))
    else:
        one, two = _calm(r, 0.0, r.uniform(-3, 3))
        rate = r.uniform(0.02, 0.05)
        two = replace(two, u_pu=one.u_pu + sign * (DU_IN_PU + rate * t),
                      u_ramps=((0.0, t + 0.4, -sign * rate),))
    return Case(PERMIT, number, TwoSided(one, two), TIMING_S, t, what)


def _settle(r: np.random.Generator, number: int) -> Case:
    """The slip falls below its limit, slowly enough to count as calm."""
    t = r.uniform(0.5, 0.8)
    sign = r.choice((-1, 1))
    rate = r.uniform(0.01, 0.04)
    one, two = _calm(r, sign * (SLIP_IN_HZ + rate * t), r.uniform(-180, 180))
    two = replace(two, ramps=((0.0, 9.0, -sign * rate),))
    return Case(SETTLE, number, TwoSided(one, two), TIMING_S, t, "slip")


def _energise(r: np.random.Generator, number: int) -> Case:
    """One side is dead and comes inside all limits, or its angle jumps into them."""
    sides = list(_calm(r, r.uniform(-0.01, 0.01), r.uniform(-4, 4)))
    t = r.uniform(0.4, 0.7)
    which = int(r.integers(0, 2))
    what = ("energised", "jump")[number % 2]
    side = sides[which]
    if what == "energised":
        sides[which] = replace(side, on_s=t)
    else:
        deg = r.uniform(20, 120) * r.choice((-1, 1))
        sides[which] = replace(side, angle_deg=side.angle_deg - deg, jumps=((t, deg),))
    return Case(ENERGISE, number, TwoSided(sides[0], sides[1]), TIMING_S, t, what)


FAULTS = ("fuse", "swapped", "frozen", "gain", "shift", "noise", "offset", "clipped", "frequency",
          "harmonics", "one phase high")


def _faulty(r: np.random.Generator, number: int) -> Case:
    """A meeting at steady slip that is measured wrong, or that is no normal one."""
    one, two = _meeting(r, r.uniform(0.02, 0.49) * r.choice((-1, 1)))
    what = FAULTS[number % len(FAULTS)]
    t = 0.0 if r.random() < 0.5 else r.uniform(0.4, CLOSING_S - 1.0)
    if what == "fuse":
        two = replace(two, fuses=((t, int(r.integers(0, 3)), r.uniform(0, 0.5)),))
    elif what == "swapped":
        two = replace(two, swapped=True)
    elif what == "one phase high":
        two = replace(two, fuses=((t, int(r.integers(0, 3)), r.uniform(1.2, 1.4)),))
    elif what == "frequency":
        off = r.uniform(5.1, 7.0) * r.choice((-1, 1))
        one, two = (replace(side, f_hz=side.f_hz + off) for side in (one, two))
    elif what == "harmonics":
        two = replace(two, harmonics=tuple((h, 4 * pct, a, b) for h, pct, a, b in two.harmonics))
    return Case(FAULTY, number, TwoSided(one, two), CLOSING_S, t, what)


def spoilt(case: Case, codes: np.ndarray, r: np.random.Generator) -> np.ndarray:
    """What a fault of the measuring itself makes of the codes, from its event on."""
    k = int(r.integers(0, 4))
    first = round(case.event_s * bay_codes.RATE_HZ)
    x = codes.astype(float) - bay_codes.MID
    if case.what == "frozen":
        x[first:, k] = x[first, k]
    elif case.what == "gain":
        x[first:, k] *= 1 + r.uniform(0.03, 0.2) * r.choice((-1, 1))
    elif case.what == "shift":               # frames of one channel come late
        n = int(r.integers(1, 9))
        x[first + n:, k] = x[first:len(x) - n, k].copy()
    elif case.what == "noise":
        x[first:, k] += r.uniform(20, 200) * r.standard_normal(len(x) - first)
    elif case.what == "offset":
        x[first:, k] += r.uniform(50, 300) * r.choice((-1, 1))
    elif case.what == "clipped":
        x[first:, k] = np.clip(1.6 * x[first:, k], -bay_codes.MID, bay_codes.MID - 1)
    return np.clip(np.rint(x) + bay_codes.MID, 0, bay_codes.TOP).astype(np.uint16)


_MAKERS = (_estimate, _steady, _stress, _check, _faulty, _block, _permit, _energise, _settle)
