"""What a run reached, in numbers, and whether that is what its scenario expects.

Contacts and supply come from the world's truth, the rest from the event log and from what the
centre received. A figure that may occur several times is the number if it occurred once, a list if
more often, None if never; a bound of the scenario must hold for each.
"""
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from acu import messages
from host_sim.scenario.plan import Scenario
from host_sim.scenario.quality import quality
from host_sim.scenario.result import RunResult
from host_sim.scenario.schema import PHASES

_BOUNCE_US = 20_000      # a contact open for less has bounced, not opened
# A closing that was already under way when the supply fell cannot be stopped: drive to contact.
_UNDER_WAY_US = 50_000
# Event names that say why a customer is without supply; OPENED does so by its reason (_explains).
_SAYS_WHY = ("STUCK", "LOCKOUT", "RECON_FAIL", "PHS_FAIL", "MISSING", "ABORTED")
Spans = list[tuple[int, int]]   # (from, to) in us
_LASTING = ("OV", "SCC", "STUCK", "LOCAL", "VERIFY")


@dataclass(frozen=True)
class Line:
    """A line of the log: `2026-03-01T06:00:20.231Z cd 12 OUT ph_mask=7 u_max_dv=12 since_ms=0`"""

    t_us: int
    acu: str
    name: str
    args: dict[str, str]


@dataclass(frozen=True)
class Check:
    """One expectation of the scenario; text says what was wanted and what came."""

    name: str
    ok: bool
    text: str


def words(expect, lines: list[str], console: str) -> list[Check]:
    """What must and must not be in a log, in order, and at the console: of a scenario with one
    controller."""
    out = []
    at = 0
    for text in expect.log:
        found = next((k for k in range(at, len(lines)) if text in lines[k]), None)
        out.append(Check("log", found is not None,
                         text if found is None else f"{text}: {lines[found][:24]}"))
        at = at if found is None else found + 1
    for text in expect.never:
        seen = next((line for line in lines if text in line), None)
        out.append(Check("never", seen is None, text if seen is None else f"{text}: {seen}"))
    return out + [Check("says", text in console, text) for text in expect.says]


@dataclass(frozen=True)
class Change:
    """A customer's contact made after all were open; break_us: since the last one opened."""

    t_us: int
    customer: str
    old: int
    new: int
    break_us: int


def event_lines(result: RunResult) -> list[Line]:
    lines = []
    for t_us, acu, text in result.events:
        words = text.split(" ")
        args = dict(word.split("=", 1) for word in words[4:] if "=" in word)
        lines.append(Line(t_us, acu, words[3], args))
    return lines


def bodies(result: RunResult, kind: str) -> Iterator[dict]:
    """Bodies of what the centre received of this type; a message that came twice counts once."""
    seen = set()
    for _, topic, payload in result.messages:
        if not topic.endswith("/up/" + kind):
            continue
        msg = messages.decode(payload)
        if msg is not None and (msg["s"], msg["n"], msg["ts"]) not in seen:
            seen.add((msg["s"], msg["n"], msg["ts"]))
            yield msg["b"]


class Contacts:
    """The contacts of all customers over the run; each starts closed on the customer's phase."""

    def __init__(self, result: RunResult, scenario: Scenario):
        self.closed = {c.id: {c.phase} for c in scenario.street.customers}
        self.changes: list[Change] = []
        self.makes_us: list[int] = []                # every make after a true opening
        self.all_open_us: list[int] = []             # when the last customer lost its last contact
        self.overlap_us = 0
        last = {c.id: (c.phase, -_BOUNCE_US) for c in scenario.street.customers}
        joined_us: dict[str, int] = {}
        for t_us, customer, phase, closed in result.contacts:
            now = self.closed[customer]
            old, open_us = last[customer]
            if closed and phase not in now:
                if not now and t_us - open_us >= _BOUNCE_US:
                    self.changes.append(Change(t_us, customer, old, phase, t_us - open_us))
                    self.makes_us.append(t_us)
                now.add(phase)
                if len(now) == 2:
                    joined_us[customer] = t_us
            elif not closed and phase in now:
                now.remove(phase)
                if len(now) == 1 and customer in joined_us:
                    self.overlap_us += t_us - joined_us.pop(customer)
                if not now:
                    last[customer] = (phase, t_us)
                    if not any(self.closed.values()):
                        self.all_open_us.append(t_us)
        self.overlap_us += sum(result.run_us - t_us for t_us in joined_us.values())


def _outages(result: RunResult, scenario: Scenario) -> Spans:
    """(lost, back) of each total loss of supply in truth; back is the run's end if none came."""
    dead_v = 0.1 * scenario.street.un_v
    spans = []
    lost_us = None
    for t_us, u_v in result.supply:
        dead = all(u < dead_v for u in u_v)
        if dead and lost_us is None:
            lost_us = t_us
        elif not dead and lost_us is not None:
            spans.append((lost_us, t_us))
            lost_us = None
    if lost_us is not None:
        spans.append((lost_us, result.run_us))
    return spans


def _seen_outages(lines: list[Line], coordinator: str, run_us: int) -> Spans:
    """(from, to) of the Coordinator's own view OUT; a restart or a partial return ends it too."""
    spans = []
    since_us = None
    for line in lines:
        if line.acu != coordinator:
            continue
        if line.name == "OUT" and since_us is None:
            since_us = line.t_us
        elif line.name in ("RES", "BOOT", "UV") and since_us is not None:
            spans.append((since_us, line.t_us))
            since_us = None
    if since_us is not None:
        spans.append((since_us, run_us))
    return spans


def _one(values: list) -> Any:
    """None, the value, or the list."""
    return values if len(values) > 1 else (values[0] if values else None)


def _ms(us: int) -> int | float:
    return us // 1000 if us % 1000 == 0 else us / 1000


def figures(result: RunResult, scenario: Scenario) -> dict[str, Any]:
    """Every figure of the run by its name; plain values, ready for JSON."""
    lines = event_lines(result)
    contacts = Contacts(result, scenario)
    outages = _outages(result, scenario)
    seen = _seen_outages(lines, scenario.coordinator().id, result.run_us)
    operator_of = {a.customer: a.id for a in scenario.operators()}

    latency, opened, first, gaps, order = [], [], [], [], []
    for from_us, to_us in seen:
        before = [lost for lost, _ in outages if lost <= from_us]
        if before:
            latency.append(_ms(from_us - before[-1]))
            done = [t for t in contacts.all_open_us if before[-1] <= t < to_us]
            if done:
                opened.append(_ms(done[0] - from_us))
    for n, (_, back_us) in enumerate(outages):
        until_us = outages[n + 1][0] if n + 1 < len(outages) else result.run_us
        again = [c for c in contacts.changes if back_us <= c.t_us < until_us and c.old == c.new]
        if again:
            first.append(_ms(again[0].t_us - back_us))
            order = [operator_of.get(c.customer, c.customer) for c in again]
        gaps += [_ms(b.t_us - a.t_us) for a, b in zip(again, again[1:], strict=False)]

    tele = list(bodies(result, "tele"))
    balanced = list(bodies(result, "ub.res"))
    return {
        "name": result.name, "seed": result.seed, "level": result.level, "python": result.python,
        "run_s": result.run_us / 1e6, "wall_s": round(result.wall_s, 3),
        "speed_x": round(result.run_us / 1e6 / result.wall_s, 2) if result.wall_s else None,
        "acus": len(scenario.acus),
        "panel": [text for _, text in result.panel],
        "panel_s": [t_us / 1e6 for t_us, _ in result.panel],
        "outage_latency_ms": _one(latency),
        "all_open_ms": _one(opened),
        "reconnect_first_ms": _one(first),
        "reconnect_gap_ms": _one(gaps),
        "reconnect_order": order,
        "ui_before_pct": _one([b["ui0_m"] / 10 for b in balanced]),
        "ui_after_pct": _one([b["ui1_m"] / 10 for b in balanced]),
        "moves": [_move(m, scenario) for b in balanced for m in b["moves"]],
        "balance_moves": sum(1 for c in contacts.changes if c.old != c.new),
        "branch_open_ms": _one(_breaker_ms(result, scenario, 0)),
        "branch_back_ms": _one(_breaker_ms(result, scenario, 1)),
        "branch_gap_ms": _one(_branch_gaps(result, scenario, contacts)),
        "contact_overlap_ms": _ms(contacts.overlap_us),
        "break_ms": _one([_ms(c.break_us) for c in contacts.changes if c.old != c.new]),
        "n_ok": min((b["n_ok"] for b in tele), default=None),
        "n_all": max((b["n_all"] for b in tele), default=None),
        "n_outage": len(list(bodies(result, "outage"))),
        "n_restore": len(list(bodies(result, "restore"))),
        "n_ub_res": len(balanced),
        "never": {
            "two_phases_joined": contacts.overlap_us > 0,
            "reconnected_during_outage": _reconnected_during(contacts, outages, seen),
            "left_off_silently": _left_off(result, scenario, contacts, lines, outages),
        },
        **quality(result, scenario),
        "events": len(result.events),
        "event_log_sha256": hashlib.sha256(result.event_log().encode()).hexdigest(),
    }


def _breaker_ms(result: RunResult, scenario: Scenario, on: int) -> list:
    """From each order of the centre to a branch until its breaker has moved; None: it did not."""
    branches = {a.id for a in scenario.branches()}
    took: list = []
    for event in scenario.events:
        body = event.args.get("body", {}) if event.kind == "scc" else {}
        if body.get("cmd") != "sw" or body["args"][0] not in branches or body["args"][1] != on:
            continue
        done = [t_us for t_us, acu, closed in result.record.breakers
                if acu == body["args"][0] and closed == bool(on) and t_us >= event.t_us]
        took.append(_ms(done[0] - event.t_us) if done else None)
    return took


def _branch_gaps(result: RunResult, scenario: Scenario, contacts: Contacts) -> list:
    """Between the customers of a branch that connect again after its breaker closed."""
    gaps: list = []
    for branch in scenario.branches():
        below = {a.customer for a in scenario.operators() if a.config["uc"] == branch.config["uc"]}
        turns = [(t_us, closed) for t_us, acu, closed in result.record.breakers
                 if acu == branch.id]
        for n, (back_us, closed) in enumerate(turns):
            until_us = turns[n + 1][0] if n + 1 < len(turns) else result.run_us
            if closed and until_us - back_us > _BOUNCE_US:
                again = [c.t_us for c in contacts.changes if c.customer in below
                         and c.old == c.new and c.t_us - c.break_us < back_us <= c.t_us < until_us]
                gaps += [_ms(b - a) for a, b in zip(again, again[1:], strict=False)]
    return gaps


def _move(move: list, scenario: Scenario) -> list[str]:
    """[operator, from, to] with the names of operator and phases."""
    op, old, new = move
    if isinstance(op, int):
        op = scenario.coordinator().config["members"][op]
    return [op, *(PHASES[p] if isinstance(p, int) else p for p in (old, new))]


def _reconnected_during(contacts: Contacts, outages: Spans, seen: Spans) -> bool:
    forbidden = [(lost + _UNDER_WAY_US, back) for lost, back in outages] + seen
    return any(a <= t_us < b for t_us in contacts.makes_us for a, b in forbidden)


def _left_off(result: RunResult, scenario: Scenario, contacts: Contacts, lines: list[Line],
              outages: Spans) -> list[str]:
    """Customers without supply at the end that no event explains; [] if there are none."""
    coordinator = scenario.coordinator()
    operators = {a.customer: a.id for a in scenario.operators()}
    silent = []
    for customer, closed in contacts.closed.items():
        if len(closed) == 1:
            continue
        operator = operators.get(customer, "")
        last_us = max((t for t, c, _, on in result.contacts if c == customer and on), default=-1)
        # an outage, or a reconnection not yet ended, explains an opening because of it
        pending = bool(outages) and (outages[-1][1] >= result.run_us or not any(
            e.name == "RECON_END" and e.acu == coordinator.id and e.t_us >= outages[-1][1]
            for e in lines))
        if not any(_explains(e, operator, coordinator, pending)
                   for e in lines if e.t_us >= last_us):
            silent.append(customer)
    return silent


def _explains(line: Line, operator: str, coordinator, pending: bool) -> bool:
    if line.acu == operator:
        if line.name == "OPENED":
            why = line.args.get("why", "")
            return why in _LASTING or (why == "OUT" and pending)
        return line.name in _SAYS_WHY
    if line.acu != coordinator.id or line.name not in _SAYS_WHY:
        return False
    return line.args.get("op") in (operator, str(coordinator.config["members"].index(operator)))


def check(figure: dict[str, Any], scenario: Scenario) -> list[Check]:
    """Every expectation of the scenario against the figures."""
    expect = scenario.expect
    checks = []
    if expect.panel:
        missing = _first_missing(expect.panel, figure["panel"])
        shown = " / ".join(figure["panel"])
        checks.append(Check("panel", missing is None, " / ".join(expect.panel) if missing is None
                            else f"'{missing}' not shown in its place; shown: {shown}"))
    if expect.panel_end is not None:
        end = figure["panel"][-1] if figure["panel"] else ""
        checks.append(_equal("panel_end", expect.panel_end, end))
    if expect.moves is not None:
        checks.append(_equal("moves", expect.moves, figure["moves"]))
    if expect.reconnect_order is not None:
        checks.append(_equal("reconnect_order", expect.reconnect_order, figure["reconnect_order"]))
    for name, (low, high) in expect.bounds().items():
        value = figure.get(name)
        values = value if isinstance(value, list) else [value]
        ok = all(v is not None and low <= v <= high for v in values)
        checks.append(Check(name, ok, f"{low:g} to {high:g}: {value}"))
    for name in expect.never:
        found = figure["never"][name]
        checks.append(Check("never " + name, not found,
                            "did not happen" if not found else f"happened ({found})"))
    return checks


def check_events(result: RunResult, scenario: Scenario) -> list[Check]:
    """The event lines that the scenario names."""
    there = {f"{e.acu} {e.name}" for e in event_lines(result)}
    return [Check("event " + want, want in there, "logged" if want in there else "not in the log")
            for want in scenario.expect.events]


def _equal(name: str, want, got) -> Check:
    return Check(name, want == got, f"{want}" if want == got else f"{want} expected, {got} came")


def _first_missing(wanted: list[str], shown: list[str]) -> str | None:
    rest = iter(shown)
    return next((want for want in wanted if want not in rest), None)
