"""`slvg study balancing`: what moving customers between phases saves on a street in a day.

At each full hour a rule that knows the past only may order moves; the day is then solved minute
by minute with what it ordered. A gain at one instant (the snapshot) is told apart and is no day's
gain.
"""
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from host_sim.study.decisions import ByLosses, ByUnbalance, best_static, descend
from host_sim.study.street_day import HOUR, MINUTES, Feeder, Flow

MOVES_EACH = 4      # a customer and day (spec, section 7)
MOVES_ALL = 40      # the street and day
Say = Callable[[str], None]


@dataclass(frozen=True)
class Played:
    """A rule's days. moves: (minute, customer, from, to)."""

    flow: Flow
    hours: list
    moves: list


def play(feeder: Feeder, rule: Callable | None, most: int = MOVES_ALL) -> Played:
    """Hour by hour. The first hour is home: nothing is known before it."""
    now = feeder.home.copy()
    hours, moves = [now.copy()], []
    left, budget = np.full(len(now), MOVES_EACH), most
    for h in range(1, len(feeder.s) // HOUR):
        minute = h * HOUR
        if minute % MINUTES == 0:
            left[:], budget = MOVES_EACH, most
        asked = rule(minute, now.copy(), left > 0) if rule and budget else []
        for k, to in asked[:budget]:
            if left[k] > 0 and to != now[k]:
                moves.append((minute, int(k), int(now[k]), int(to)))
                now[k] = to
                left[k] -= 1
                budget -= 1
        hours.append(now.copy())
    return Played(feeder.flow(hours), hours, moves)


def study(feeder: Feeder, deals: int = 0, say: Say = lambda text: None) -> tuple[dict, dict]:
    """(figures, {rule: Played}). deals: more days of the same feeder with the profiles dealt anew,
    to tell luck from rule; 0 none."""
    say("the day as it was")
    played = {"none": play(feeder, None)}
    say("the day by the firmware's rule")
    played["ui"] = play(feeder, ByUnbalance(feeder))
    say("the day by estimated losses")
    played["loss"] = play(feeder, ByLosses(feeder, MOVES_ALL))
    say("the best arrangement in hindsight")
    static = best_static(feeder)
    played["hindsight"] = Played(feeder.flow([static] * len(played["none"].hours)), [], [])
    before = played["none"].flow
    figures: dict = {
        "customers": len(feeder.network.loads), "movable": len(feeder.movable),
        "days": feeder.days, "energy_kwh": round(float(feeder.s.real.sum()) / 60_000, 1),
        "losses_pct": _change(played["loss"].flow, before), "moves": len(played["loss"].moves),
        "rules": {name: _told(one, before) for name, one in played.items() if name != "hindsight"},
        "hindsight_static_losses_pct": _change(played["hindsight"].flow, before),
        "snapshot": _snapshot(feeder, before),
    }
    if deals:
        figures["deals"] = _deals(feeder, deals, say)
    return figures, played


def _change(flow: Flow, before: Flow) -> float:
    return round(100 * (flow.kwh / before.kwh - 1), 2)


def _told(one: Played, before: Flow) -> dict:
    flow = one.flow
    each = np.bincount([k for _, k, _, _ in one.moves], minlength=1)
    return {
        "losses_kwh": round(flow.kwh, 4), "losses_pct": _change(flow, before),
        "moves": len(one.moves), "moves_most_of_one": int(each.max()),
        "neutral_a_rms": round(float(np.sqrt((flow.neutral_a ** 2).mean())), 2),
        "neutral_a_max": round(float(flow.neutral_a.max()), 1),
        "vuf_post_pct_mean": round(float(flow.vuf_post_pct.mean()), 4),
        "vuf_post_pct_max": round(float(flow.vuf_post_pct.max()), 4),
        "vuf_worst_customer_pct_mean": round(float(flow.vuf_worst_pct.mean()), 4),
        "vuf_worst_customer_pct_max": round(float(flow.vuf_worst_pct.max()), 4)}


def _snapshot(feeder: Feeder, before: Flow) -> dict:
    """The minute with the greatest losses, and what moving for that minute alone would give."""
    minute = int(before.losses_w.argmax())
    everybody = np.ones(len(feeder.home), bool)
    one_minute = slice(minute, minute + 1)

    def losses_w(arrangement) -> float:
        return float(feeder.solve(one_minute, arrangement).losses_va.real[0])

    told: dict = {"minute": minute + 1, "losses_w": round(float(before.losses_w[minute]), 1)}
    for most in (1, 3):
        now, moves = descend(feeder, feeder.s[one_minute], feeder.home, everybody, 0.0, most)
        told[f"moves_{most}_pct_of_this_minute"] = round(
            100 * (losses_w(now) / losses_w(feeder.home) - 1), 1) if moves else 0.0
    return told


def _deals(feeder: Feeder, deals: int, say: Say) -> dict:
    pct: dict[str, list] = {"ui": [], "loss": []}
    moves: dict[str, list] = {"ui": [], "loss": []}
    for seed in range(1, deals + 1):
        say(f"deal {seed} of {deals}")
        feeder.deal(seed)
        before = play(feeder, None).flow
        for name, rule in (("ui", ByUnbalance(feeder)), ("loss", ByLosses(feeder, MOVES_ALL))):
            one = play(feeder, rule)
            pct[name].append(_change(one.flow, before))
            moves[name].append(len(one.moves))
    feeder.take(feeder.profiles)
    return {"deals": deals} | {name: {
        "losses_pct_mean": round(float(np.mean(pct[name])), 2),
        "losses_pct_best": min(pct[name]), "losses_pct_worst": max(pct[name]),
        "losses_pct_sd": round(float(np.std(pct[name])), 2),
        "moves_mean": round(float(np.mean(moves[name])), 1), "moves_most": max(moves[name]),
    } for name in pct}
