"""`slvg study link`: commands and events over a network that fails in every way, and what is lost.

The whole Operator with its real link against a real mosquitto, a proxy between them that fails on
purpose, a centre on the other side (link_trial.py); the cases are in link_cases.py and run side by
side, since they mostly wait. Here they are spread over processes, cut into parts where each byte
of a packet is one, and put together. Nothing leaves this machine's loopback.
"""
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from host_sim.net import mosquitto
from host_sim.net.broker import BrokerError
from host_sim.study import link_attack, link_many
from host_sim.study.link_cases import CASES as PATHS
from host_sim.study.link_cases import Case
from host_sim.study.link_plant import drivers
from host_sim.study.link_trial import Design, Trial
from host_sim.study.pool import spread

GOALS = {"commands_lost": 0, "commands_doubled": 0, "events_lost": 0, "events_doubled": 0,
         "unauthorised": 0, "reconnect_s_max": 10.0}
SUMS = ("sent", "executed", "refused", "expired", "unanswered", "commands_lost",
        "commands_doubled", "unauthorised", "events", "events_lost", "events_doubled",
        "events_raw_doubled", "discarded", "reconnects")
SIDE_BY_SIDE = 8            # they wait; two cores carry so many
_SAMPLE = 5                 # bytes of a packet that are cut without --full
_PART = 20                  # of those with it, in one trial

CASES = (*PATHS,
         Case("many_messages", "66,000 QoS 1 messages in one session", link_attack.open_broker),
         Case("attack_acl", "stolen Operator, broker with access list", link_attack.access_list),
         Case("attack_open", "stolen Operator, broker open to all", link_attack.open_broker))
BY_NAME = {case.name: case for case in CASES}

# (name, part, bytes to cut at, full, seed)
Job = tuple[str, int, tuple[int, ...], bool, int]


def check() -> None:
    """What a run needs, before it begins. Raises NoUmqtt, BrokerError."""
    drivers()
    if not mosquitto.find():
        raise BrokerError("E461 study link: there is no mosquitto, neither as $MOSQUITTO nor on "
                          "the PATH. Install it (Debian: apt-get install mosquitto).")


def jobs_of(names: Iterable[str], full: bool, seed: int) -> list[Job]:
    """The longest first."""
    jobs: list[Job] = []
    for name in names:
        size = BY_NAME[name].bytes
        r = random.Random(f"{seed} {name}")
        every = list(range(size + 1)) if size else []
        r.shuffle(every)        # each part the same mixture
        if not full:
            every = every[:_SAMPLE]
        parts = [tuple(every[at:at + _PART]) for at in range(0, len(every), _PART)] or [()]
        jobs += [(name, part, cuts, full, r.randrange(1 << 30))
                 for part, cuts in enumerate(parts)]
    slow = ("restart", "mid_packet", "half_open", "broker_down", "many_messages")
    return sorted(jobs, key=lambda job: (job[0] not in slow, -len(job[2])))


def play(job: Job, design: Design | None = None) -> tuple[str, dict]:
    """One trial. An exception is its failure, not the study's end."""
    name, _, cuts, full, seed = job
    case = BY_NAME[name]
    if name == "many_messages":
        return name, link_many.play(seed)
    material, words = link_attack.with_acl() if name == "attack_acl" else (None, None)
    with Trial(seed, case.plan, case.event_every_s, design, "mosquitto", material,
               words) as trial:
        case.play(trial, full, cuts)
        return name, trial.finish(600.0 if full else 60.0)


def _safely(job: Job) -> tuple[str, dict]:
    try:
        return play(job)
    except Exception as e:
        return job[0], {"failures": [f"{type(e).__name__}: {e}"]}


def run(names: Iterable[str], full: bool, seed: int, side_by_side: int = SIDE_BY_SIDE,
        progress: Callable[[int, int], None] | None = None) -> dict:
    jobs = jobs_of(names, full, seed)
    found: dict[str, list[dict]] = {}
    for n, (name, one) in enumerate(spread(partial(_safely), jobs, side_by_side), 1):
        found.setdefault(name, []).append(one)
        if progress is not None:
            progress(n, len(jobs))
    return figures(found)


def figures(found: dict[str, list[dict]]) -> dict:
    """By fault and in total, and what missed its goal."""
    faults = {case.name: _together(found[case.name]) for case in CASES if case.name in found}
    missed = [f"{name} {key} = {one[key]}" for name, one in faults.items()
              for key, most in GOALS.items() if one[key] > most]
    failures = [f"{name}: {text}" for name, parts in found.items() for part in parts
                for text in part["failures"]]
    return {"faults": faults, "total": _together([*faults.values()]),
            "goals_missed": missed, "failures": failures}


def _together(parts: list[dict]) -> dict:
    told: dict[str, Any] = {"trials": sum(one.get("trials", 1) for one in parts)}
    for key in SUMS:
        told[key] = sum(one.get(key, 0) for one in parts)
    for key in ("reconnect_s_max", "wall_s"):
        told[key] = max((one.get(key, 0.0) for one in parts), default=0.0)
    for key in ("dropped", "proxy"):
        told[key] = {}
        for one in parts:
            for name, n in one.get(key, {}).items():
                told[key][name] = told[key].get(name, 0) + n
    for key in ("replayed", "attempts", "overheard", "reached_cabinet", "retained_refused",
                "foreign_refused"):
        if any(key in one for one in parts):
            told[key] = sum(one.get(key, 0) for one in parts)
    return told


COLUMNS = {"sent": "sent", "executed": "executed", "refused": "refused", "expired": "expired",
           "commands_lost": "lost", "commands_doubled": "doubled", "unauthorised": "unauthorised",
           "events": "events", "events_lost": "events lost", "events_doubled": "events doubled",
           "events_raw_doubled": "came twice", "reconnects": "reconnections",
           "reconnect_s_max": "back in, s"}


def table(figures: dict) -> tuple[list[str], list[list]]:
    """A row a fault, and the total."""
    rows = [[name, *(one[key] for key in COLUMNS)] for name, one in figures["faults"].items()]
    return (["fault", *COLUMNS.values()],
            [*rows, ["total", *(figures["total"][key] for key in COLUMNS)]])
