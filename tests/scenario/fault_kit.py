"""The street of the assay with shorter timers, for runs with a fault; what must hold after each.

The rules are those of the fault study, host_sim/study/fault_rules.py.
Times are seconds in calls, microseconds in records.
"""

import copy
import tomllib

from host_sim.scenario.load import FILES, build
from host_sim.scenario.runner import Run
from host_sim.study.fault_rules import closed, lines, made, names, violations

__all__ = ["Once", "at", "broken_mirror", "check", "closed", "fault", "lines", "link", "lost_for",
           "made", "names", "outage", "play", "reboot", "world"]

HOME = {"c1": 0, "c2": 1, "c3": 0}

_ASSAY = tomllib.loads((FILES / "assay.toml").read_text(encoding="utf-8"))
_TIMERS = {
    "t_hb_ms": 1000,
    "t_res_ms": 1000,
    "t_base_ms": 1000,
    "t_slot_ms": 1000,
    "ub_hold_ms": 1000,
    "ub_avg_ms": 1000,
    "ub_win_ms": 300,
}


def at(t_s, **what):
    """An [[event]] of a scenario."""
    return {"at_s": float(t_s), **what}


def fault(t_s, name, acu, value=1, **where):
    return at(t_s, set={"name": name, "value": value, "acu": acu, **where})


def outage(lost_s=3.0, back_s=5.0):
    return [at(lost_s, supply="lost"), at(back_s, supply="back")]


class Once:
    """after_ms after `who` wrote an event line, or published a message, that holds all the parts:
    do(run), once."""

    def __init__(self, who, *parts, do, after_ms=0):
        self.moment = (who, *parts)
        self.done = False
        self._do = do
        self._after_us = after_ms * 1000
        self._due_us = None

    def look(self, run, said):
        if self._due_us is None:
            who, *parts = self.moment
            if any(by == who and all(p in text for p in parts) for by, text in said):
                self._due_us = run.t_us + self._after_us
        if self._due_us is not None and not self.done and run.t_us >= self._due_us:
            self.done = True
            self._do(run)


def reboot(acu, off_ms=500):
    return lambda run: run.happen("reboot", acu=acu, off_ms=off_ms)


def link(acu, **args):
    return lambda run: run.happen("link", acu=acu, **args)


def world(name, value, **args):
    return lambda run: run.happen("world", name=name, value=value, **args)


def lost_for(ms):
    """A second outage, as long as this."""
    return world("supply", "lost", for_ms=ms)


def broken_mirror(acu, phase):
    """The wire of a mirror contact breaks: it says open, whatever the contact does."""

    def do(run):
        run.street._relays[acu][phase]._mirror_held = 0

    return do


def play(
    events, *onces, seed, run_s=13.0, level="quantity", network=None, holdup_ms=15_000, **config
):
    """Runs the street with these [[event]]s and settings to the end; returns the Run."""
    given = copy.deepcopy(_ASSAY)
    given.pop("expect")
    given |= {
        "event": sorted(events, key=lambda e: e["at_s"]),
        "run_s": run_s,
        "level": level,
        "seed": seed,
        "network": network or {},
    }
    given["config"] |= _TIMERS | config
    for acu in given["acu"]:
        acu["holdup_ms"] = holdup_ms
    scenario = build(given, FILES / "assay.toml")
    run = Run(scenario)
    lines, bus = run.result.events, run.result.bus
    n_lines = n_sent = 0
    while run.t_us < scenario.run_us:
        run.step()
        said = [(who, line) for _, who, line in lines[n_lines:]]
        said += [(who, f"{topic} {raw.decode()}") for _, who, topic, raw in bus[n_sent:]]
        n_lines, n_sent = len(lines), len(bus)
        for once in onces:
            once.look(run, said)
    run.finish()
    for once in onces:
        assert once.done, f"the moment of the fault never came: {once.moment}"
    return run


def check(run, off=(), moved=None):
    """Every rule holds; at the end exactly `off` are without supply, the others on their phase,
    which for `moved` is another than at the start."""
    wrong = violations(run)
    assert not wrong, f"{wrong}\n" + run.result.event_log()
    phase = HOME | (moved or {})
    expected = {c: 0 if c in off else 1 << phase[c] for c in HOME}
    assert closed(run) == expected, run.result.event_log()
    return run
