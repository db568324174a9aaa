"""What `slvg study sync` plays: worlds drawn by a seed, of several families.

The draw of case i of a family depends on (seed, family, i) only, so any number of processes and
any order give the same cases, and a run that was cut can be taken up.
"""
import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from host_sim.study import en50160
from host_sim.world.two_sided import Side, TwoSided

# Families; their numbers seed the draw
ESTIMATE, STEADY, STRESS, CHECK, BLOCK, PERMIT, ENERGISE = range(7)
NAMES = ("estimate", "steady", "stress", "check", "block", "permit", "energise")
CLOSING = (STEADY, STRESS, CHECK)

CLOSE_S = 0.060                  # the breaker
SCATTER_S = 0.001
ASK_S = 0.3                      # when the close is asked for
ESTIMATE_S = 0.45
CLOSING_S = 3.5
TIMING_S = 1.6
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


def _stress(r: np.random.Generator, number: int) -> Case:
    """Slip to 0.6 Hz, swings of one or both sides, and something sudden in most."""
    one, two = _meeting(r, r.uniform(-0.6, 0.6), 0.06)
    if r.random() < 0.7:
        two = _swinging(r, two, 0.15)
    if r.random() < 0.3:
        one = _swinging(r, one, 0.1)
    what = str(r.choice(_EVENTS))
    if r.random() < 0.3:
        one = _struck(r, one, what)
    else:
        two = _struck(r, two, what)
    return Case(STRESS, number, TwoSided(one, two), CLOSING_S, what=what)


def _check(r: np.random.Generator, number: int) -> Case:
    """As the stress set, at slips that check mode can close at."""
    one, two = _meeting(r, r.uniform(-0.25, 0.25), 0.05)
    if r.random() < 0.5:
        two = _swinging(r, two, 0.1)
    what = str(r.choice(_EVENTS))
    if r.random() < 0.3:
        one = _struck(r, one, what)
    else:
        two = _struck(r, two, what)
    return Case(CHECK, number, TwoSided(one, two), CLOSING_S, what=what)


def _calm(r: np.random.Generator, slip_hz: float, deg: float) -> tuple[Side, Side]:
    f, start, u = r.uniform(49.0, 50.8), r.uniform(-180, 180), r.uniform(0.98, 1.02)
    return (_side(r, f_hz=f, angle_deg=start, u_pu=u),
            _side(r, f_hz=f + slip_hz, angle_deg=start + deg, u_pu=u + r.uniform(-0.01, 0.01)))


def _block(r: np.random.Generator, number: int) -> Case:
    """All is well, then a side is lost or its angle jumps out of the limits."""
    sides = list(_calm(r, r.uniform(-0.01, 0.01), r.uniform(-3, 3)))
    t = r.uniform(0.9, 1.2)
    which = int(r.integers(0, 2))
    what = ("lost", "jump")[number % 2]
    more: dict = {"off_s": t} if what == "lost" else {
        "jumps": ((t, r.uniform(18, 90) * r.choice((-1, 1))),)}
    sides[which] = replace(sides[which], **more)
    return Case(BLOCK, number, TwoSided(sides[0], sides[1]), TIMING_S, t, what)


def _permit(r: np.random.Generator, number: int) -> Case:
    """What was outside comes in smoothly: the angle drifts, or the voltage or the slip settles."""
    what = ("angle", "voltage", "slip")[number % 3]
    t = r.uniform(0.5, 0.8)
    sign = r.choice((-1, 1))
    if what == "angle":
        slip = r.uniform(0.01, 0.05)
        deg = 10.0 + 360 * slip * t
        one, two = _calm(r, -sign * slip, sign * deg)
    elif what == "voltage":
        one, two = _calm(r, 0.0, r.uniform(-3, 3))
        rate = r.uniform(0.02, 0.05)
        u = one.u_pu + sign * (0.045 + rate * t)
        two = replace(two, u_pu=u, u_ramps=((0.0, t + 0.4, -sign * rate),))
    else:
        rate = r.uniform(0.02, 0.045)
        slip = 0.195 + rate * t
        one, two = _calm(r, sign * slip, 0.0)
        end = 5.0                # it goes on to fall; the angle is inside from t - 0.1 s on
        two = replace(two, ramps=((0.0, end, -sign * rate),))
        passed = 360 * (slip * t - 0.5 * rate * t * t)
        two = replace(two, angle_deg=one.angle_deg - sign * passed - sign * r.uniform(8.9, 9.3))
    return Case(PERMIT, number, TwoSided(one, two), TIMING_S, t, what)


def _energise(r: np.random.Generator, number: int) -> Case:
    """One side is dead and comes at a time inside all limits."""
    sides = list(_calm(r, r.uniform(-0.01, 0.01), r.uniform(-4, 4)))
    t = r.uniform(0.4, 0.7)
    which = int(r.integers(0, 2))
    sides[which] = replace(sides[which], on_s=t)
    return Case(ENERGISE, number, TwoSided(sides[0], sides[1]), TIMING_S, t, f"side {which + 1}")


_MAKERS = (_estimate, _steady, _stress, _check, _block, _permit, _energise)
