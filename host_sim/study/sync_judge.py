"""The truth about a close order, and an oracle that knows it.

The oracle has the limits of the settings (without guards), the same dwell and the same breaker,
and knows all angles, also those to come. A close is `outside` when a limit was violated without a
break from 50 ms or more before the order until it: in check mode those of spec/recloser.md,
section 3, `pred` with the true slip among them; in the synchronising mode, whose angle now is
free, the touch itself as it would have been had nothing sudden happened after that moment. What
happened later, until the touch, is counted apart.
"""
from typing import NamedTuple

import numpy as np

from host_sim.study.bay_batch import TICK_S
from host_sim.world.two_sided import TwoSided, wrapped

SEEN_S = 0.050                   # what is older than that before the order must have been seen
_F_WINDOW_HZ = 5.0
_AIM_DEG = 2.0                   # so near that the oracle does not wait for the zero


class Limits(NamedTuple):
    """As set, for the truth."""

    du_pu: float
    deg: float
    slip_hz: float
    close_s: float
    dwell_s: float = 0.1
    aimed: bool = True           # the synchronising mode


class Close(NamedTuple):
    """touch_deg: at the true touch. late: something sudden between 50 ms before the order and the
    touch. outside: '' or which limit."""

    order_s: float
    touch_deg: float
    late: bool
    outside: str


def _steady(world: TwoSided, limits: Limits, t: np.ndarray) -> dict[str, np.ndarray]:
    """What is true of each limit but the angle's, at each t."""
    return {"live": world.live(t), "voltage": np.abs(world.du_pu(t)) < limits.du_pu,
            "slip": np.abs(world.slip_hz(t)) < limits.slip_hz,
            "frequency": (np.abs(world.one.hz(t) - 50) <= _F_WINDOW_HZ)
            & (np.abs(world.two.hz(t) - 50) <= _F_WINDOW_HZ)}


def judge(world: TwoSided, limits: Limits, order_s: float, scatter_s: float) -> Close:
    """Of an order given at order_s; scatter_s: of this close."""
    touch_s = order_s + limits.close_s + scatter_s
    touch_deg = float(world.deg(touch_s))
    known_s = order_s - SEEN_S
    late = any(known_s < at <= touch_s for at in world.sudden())
    t = known_s + np.arange(0.0, SEEN_S + 1e-9, 0.001)
    outside = [name for name, holds in _steady(world, limits, t).items() if not holds.any()]
    if limits.aimed:
        touch = np.array([world.until(known_s).deg(order_s + limits.close_s)])
    else:
        if (np.abs(world.deg(t)) >= limits.deg).all():
            outside.append("angle")
        touch = wrapped(world.deg(t) + 360 * world.slip_hz(t) * limits.close_s)
    if (np.abs(touch) >= limits.deg).all():
        outside.append("touch")
    return Close(order_s, touch_deg, late, " ".join(outside))


def held(ok: np.ndarray, ticks: int) -> np.ndarray:
    """Where `ok` has held for so many ticks, this one included."""
    run = np.zeros(len(ok), dtype=int)
    n = 0
    for k, one in enumerate(ok):
        n = n + 1 if one else 0
        run[k] = n
    return run >= ticks


def oracle(world: TwoSided, limits: Limits, ask_s: float, until_s: float) -> float | None:
    """When the oracle closes; None: it never could."""
    t = np.arange(TICK_S, until_s + 1e-9, TICK_S)
    ok = np.logical_and.reduce(list(_steady(world, limits, t).values()))
    # it knows of what comes before the touch
    touch = world.deg(t + limits.close_s)
    inside = np.abs(touch) < limits.deg
    if limits.aimed:
        calm = held(ok, round(limits.dwell_s / TICK_S))
        after = world.deg(t + TICK_S + limits.close_s)
        crossing = (np.sign(touch) != np.sign(after)) & (np.abs(wrapped(after - touch)) < 90)
        slow = np.abs(world.slip_hz(t)) < 0.02
        good = calm & inside & (crossing | (slow & (np.abs(touch) <= _AIM_DEG)))
    else:
        good = held(ok & inside & (np.abs(world.deg(t)) < limits.deg),
                    round(limits.dwell_s / TICK_S))
    good &= t >= ask_s
    return float(t[good.argmax()]) if good.any() else None
