"""One machine against a stiff bus by hand: equal areas and successive intervals.

The methods of spec/recloser.md, section 5, that need no simulation; what the simulation of
district.py is checked by. Angles in degrees, powers in pu of the machine, times in s.
"""
import math
from collections.abc import Callable

from host_sim.world.swing import F_HZ


def clearing_angle(p0: float, before: float, during: float, after: float) -> tuple[float, ...]:
    """(delta_0, delta_max, delta_critical) for the amplitudes of P = Pm sin(delta) before, during
    and after a fault: at the last, accelerating and retarding areas are equal."""
    d0 = math.asin(p0 / before)
    dm = math.pi - math.asin(p0 / after)
    cos = (p0 * (dm - d0) + after * math.cos(dm) - during * math.cos(d0)) / (after - during)
    return tuple(math.degrees(x) for x in (d0, dm, math.acos(cos)))


def successive(deg: float, dp: Callable[[float], float], tj_s: float, dt_s: float,
               n: int) -> list[float]:
    """delta at 0, dt, ... n dt after a change: the first interval counts half its power. dp:
    accelerating power at an angle."""
    k = 360 * F_HZ * dt_s * dt_s / tj_s
    out, step = [deg], 0.0
    for i in range(n):
        step += k * dp(out[-1]) / (1 if i else 2)
        out.append(out[-1] + step)
    return out
