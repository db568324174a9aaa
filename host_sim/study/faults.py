"""`slvg study faults`: one fault a run, at every moment and to every message, and what must hold
after each (fault_rules.py), judged by the world's own record. Quantity level.

The street is that of a scenario with shorter timers. A run goes on after its last event until
everybody is supplied again, at most until the Coordinator's second attempt at those who missed
their turn. Results go to a file as they come, one JSON a line, so that a cut sweep is taken up.
"""
import copy
import hashlib
import random
import tomllib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

from host_sim.scenario.load import FILES, build
from host_sim.scenario.plan import Scenario
from host_sim.scenario.runner import Run
from host_sim.study.fault_cases import Case, cases
from host_sim.study.fault_rules import (
    RULES,
    closed,
    customers,
    lines,
    log_out_of_order,
    names,
    violations,
)
from host_sim.study.pool import spread
from host_sim.study.resumed import noted, taken_up

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ("assay", "branch")
_TIMERS = {"t_hb_ms": 1000, "t_res_ms": 1000, "t_base_ms": 1000, "t_slot_ms": 1000,
           "ub_hold_ms": 1000, "ub_avg_ms": 1000, "ub_win_ms": 300}
# The assay in short: outage, reconnection, then a correction.
_ASSAY_EVENTS = [{"at_s": 3.0, "supply": "lost"}, {"at_s": 5.0, "supply": "back"},
                 {"at_s": 11.0, "scc": {"type": "cfg", "body": {"k": "ub_en", "val": 1}}}]
# The branches in short: works on one, silence of another, then a correction across all.
_BRANCH_EVENTS = [
    {"at_s": 3.0, "scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["s2", 0, 0]}}},
    {"at_s": 6.0, "scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["s2", 1, 0]}}},
    {"at_s": 20.0, "link": {"acu": "s3", "partition": True, "for_ms": 6000}},
    {"at_s": 28.0, "scc": {"type": "cfg", "body": {"k": "ub_en", "val": 1}}}]
_EVENTS = {"assay": _ASSAY_EVENTS, "branch": _BRANCH_EVENTS}
_RUN_S = {"assay": 18.0, "branch": 38.0}
_STEP_S = {"assay": 0.5, "branch": 2.0}
_SETTLE_S = 3.0          # everybody supplied for the last time, then this long
_LASTING_S = 15.0        # with a fault that stays: somebody may be off, and has said so by then
_LATEST_S = 80.0         # the Coordinator tries again after 60 s
_UNHURT_BY_HANG = tuple(rule for rule in RULES if rule is not log_out_of_order)


@cache
def scenario_of(name: str) -> Scenario:
    """The scenario that is swept."""
    path = FILES / f"{name}.toml"
    given: dict[str, Any] = copy.deepcopy(tomllib.loads(path.read_text(encoding="utf-8")))
    given.pop("expect", None)
    given |= {"level": "quantity", "run_s": _RUN_S[name]}
    given["event"] = _EVENTS[name]
    given["config"] |= _TIMERS
    return build(given, path)


class Tampered(Run):
    """A run in which the n-th message is lost, doubled or late. n_messages: published so far."""

    def __init__(self, scenario: Scenario, message: tuple[int, str, int] | None = None):
        super().__init__(scenario)
        self.n_messages = 0
        self._message = message
        self._publish = self.bus.publish
        self.bus.publish = self._tamper      # type: ignore[method-assign]

    def _tamper(self, t_us: int, sender: str, topic: str, payload: bytes, retain=0, qos=0):
        n, what, ms = self._message or (-1, "", 0)
        at = self.n_messages
        self.n_messages += 1
        if at != n:
            self._publish(t_us, sender, topic, payload, retain, qos)
            return
        if what != "lost":
            self._publish(t_us + 1000 * ms, sender, topic, payload, retain, qos)
        if what == "doubled":
            self._publish(t_us + 200_000, sender, topic, payload, retain, qos)


def _locked_out(run: Run, acu: str) -> bool:
    """It said that it will not close any more: by rule, a person has to look."""
    return bool({"LOCKOUT", "STUCK", "PHS_FAIL"} & set(names(run, acu)))


def _off_by_order(run: Run) -> set:
    """Branches that the centre opened and whose closing was not accepted (the centre was told),
    with all behind them: it is for the centre to order again."""
    given = sum(event.kind == "scc" and event.args["type"] == "sc.cmd"
                for event in run.scenario.events)
    coordinator = run.scenario.coordinator().id
    taken = sum(body["e"] == "0" for _, body in lines(run, coordinator, "SCC_CMD"))
    out: set = set()
    for branch in run.scenario.branches():
        opened = lines(run, branch.id, "OPENED")
        if taken < given and opened and opened[-1][1]["why"] == "SCC":
            out |= {a.id for a in run.scenario.acus if a.config["uc"] == branch.config["uc"]}
    return out


def play(name: str, case: Case | None) -> Tampered:
    """The whole run of a case (None: without a fault), until it has settled."""
    scenario = scenario_of(name)
    run = Tampered(scenario, case.message if case else None)
    due_us = case.t_us if case and case.deed else None
    good_us = None
    lasting = bool(case and case.lasting)
    while True:
        if due_us is not None and run.t_us >= due_us and case and case.deed:
            kind, args = case.deed
            run.happen(kind, **args)
            due_us = None
        run.step()
        over_s = (run.t_us - scenario.run_us) / 1e6
        if over_s < 0 or run.t_us % 100_000:
            continue
        now = closed(run)
        if all(now.values()) and _breakers_closed(run):
            good_us = run.t_us if good_us is None else good_us
            if run.t_us - good_us >= 1e6 * _SETTLE_S:
                break
        else:
            good_us = None
            gone = [eu for eu, c in customers(run).items() if not now[c]]
            given_up = gone and all(_locked_out(run, eu) for eu in gone)
            if over_s >= (_LASTING_S if lasting or given_up else _LATEST_S):
                break
    run.finish()
    return run


def _breakers_closed(run: Run) -> bool:
    state = {acu: on for _, acu, on in run.street.breakers}
    return all(state.values())


def judged(name: str, case: Case) -> dict:
    """The result of a case, as it stands in the file."""
    run = play(name, case)
    wrong = violations(run, _UNHURT_BY_HANG if case.hangs else RULES)
    now = closed(run)
    off = [eu for eu, c in customers(run).items() if not now[c]]
    off += [acu for acu, on in {a: on for _, a, on in run.street.breakers}.items() if not on]
    if not case.lasting:
        by_order = _off_by_order(run)
        wrong += [("stays_off", f"{acu} is off for good without a lock-out") for acu in off
                  if acu not in by_order and not _locked_out(run, acu)]
    return {"case": case.name, "kind": case.kind, "off": off,
            "wrong": [list(one) for one in wrong], "run_s": run.t_us / 1e6}


def _safely(name: str, case: Case) -> dict:
    """An exception of the firmware is a finding too."""
    try:
        return judged(name, case)
    except Exception as e:      # noqa: BLE001
        return {"case": case.name, "kind": case.kind, "off": [], "run_s": 0.0,
                "wrong": [["exception", f"{type(e).__name__}: {e}"]]}


def all_cases(name: str) -> list[Case]:
    """The full sweep of a scenario."""
    quiet = play(name, None)
    steps = int(_RUN_S[name] / _STEP_S[name])
    # off the round second, where the scenario's own events are
    moments = [round(k * _STEP_S[name] + 0.13, 2) for k in range(steps)]
    return cases(quiet.scenario, moments, quiet.n_messages, _representatives(quiet.scenario))


def _representatives(scenario: Scenario) -> set:
    """Everybody of a small street; of many Operators the first of each branch."""
    first: dict = {}
    for acu in scenario.operators():
        first.setdefault(acu.config["uc"] if len(scenario.acus) > 8 else acu.id, acu.id)
    return {a.id for a in scenario.acus if a.role != "operator"} | set(first.values())


def sample(every: list[Case], n: int, seed: int) -> list[Case]:
    """n cases, of each kind in turn, drawn by the seed."""
    by_kind: dict[str, list] = {}
    for case in every:
        by_kind.setdefault(case.kind, []).append(case)
    r = random.Random(seed)
    for some in by_kind.values():
        r.shuffle(some)
    out: list[Case] = []
    while len(out) < min(n, len(every)):
        for some in by_kind.values():
            if some and len(out) < n:
                out.append(some.pop())
    return out


def fingerprint(name: str) -> str:
    """Changes with the firmware, the simulator or the scenario: then old results do not count."""
    told = hashlib.sha256()
    for folder in ("firmware/acu", "host_sim", "boards"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".toml", ".json", ".csv") and "study" not in path.parts:
                told.update(path.read_bytes())
    for file in ("fault_cases.py", "fault_rules.py", "faults.py"):
        told.update((Path(__file__).parent / file).read_bytes())
    return f"{name} {told.hexdigest()[:16]}"


def sweep(name: str, chosen: list[Case], jobs: int, file: Path | None,
          progress: Callable[[int, int], None] | None = None) -> list[dict]:
    """Plays the chosen cases that are not in the file yet; results in the cases' order."""
    mark = fingerprint(name)
    done = taken_up(file, mark) if file else {}
    left = [case for case in chosen if case.name not in done]
    results = noted(spread(partial(_safely, name), left, jobs), file, mark, done)
    for n, one in enumerate(results, 1):
        done[one["case"]] = one
        if progress:
            progress(len(chosen) - len(left) + n, len(chosen))
    return [done[case.name] for case in chosen]


def figures(name: str, results: list[dict], of: int) -> dict:
    """Counts by kind of fault, and every finding."""
    kinds: dict[str, dict] = {}
    for one in results:
        row = kinds.setdefault(one["kind"], {"runs": 0, "wrong": 0, "somebody_off": 0})
        row["runs"] += 1
        row["wrong"] += bool(one["wrong"])
        row["somebody_off"] += bool(one["off"])
    return {"scenario": name, "runs": len(results), "runs_of": of,
            "wrong": sum(bool(one["wrong"]) for one in results), "kinds": kinds,
            "findings": [{"case": one["case"], "what": [": ".join(w) for w in one["wrong"]]}
                         for one in results if one["wrong"]]}
