"""Plays changed assays on the emulated street and finds things in what they leave behind.

Times are seconds of the run unless the name says otherwise. Each module plays its streets once, in
fixtures, and asks them many questions.
"""
from collections.abc import Callable
from copy import deepcopy

from acu import messages
from host_sim.board.bus import matches
from host_sim.scenario import load, reading
from host_sim.scenario.figures import Contacts, Line, check, event_lines, figures
from host_sim.scenario.load import Scenario
from host_sim.scenario.runner import Run

NULL_CODE = "0" * 16       # what the null authenticator signs with
ENABLE = {"scc": {"type": "cfg", "body": {"k": "ub_en", "val": 1}}}
A, B, C = 0, 1, 2


def assay(name: str = "assay", *, events: list | None = None, run_s: float | None = None,
          config: dict | None = None, acus: dict | None = None, customers: dict | None = None,
          **tables: dict) -> Scenario:
    """The scenario file with changes: `events` ((at_s, {kind: ...}), ...) instead of its own,
    `config` and whole `tables` over its own, `acus` and `customers` {id: {key: value}}."""
    path = load.find(name)
    given = reading.read_toml(path)
    if events is not None:
        given["event"] = [{"at_s": float(at_s), **what} for at_s, what in events]
    if run_s is not None:
        given["run_s"] = float(run_s)
    given["config"].update(config or {})
    for table, values in tables.items():
        given[table] = {**given.get(table, {}), **values}
    for table, changes in (("acu", acus), ("customer", customers)):
        for one in given.get(table, ()):
            one.update((changes or {}).get(one["id"], {}))
    if events is not None or run_s is not None:
        given.pop("expect", None)
    return load.build(deepcopy(given), path)


class Played:
    """One finished run: the log, the messages, the world's own record."""

    def __init__(self, run: Run):
        self.run = run
        self.scenario = run.scenario
        self.result = run.finish()
        self.log = event_lines(self.result)
        self.contacts = Contacts(self.result, self.scenario)
        self.panel = [text for _, text in self.result.panel]

    @property
    def figures(self) -> dict:
        return figures(self.result, self.scenario)

    def failed(self) -> list[str]:
        """What of the scenario file's own expectations did not come."""
        return [f"{c.name}: {c.text}" for c in check(self.figures, self.scenario) if not c.ok]

    def lines(self, name: str, acu: str = "", since_s: float = 0.0) -> list[Line]:
        return [e for e in self.log if e.name == name and acu in ("", e.acu)
                and e.t_us >= since_s * 1e6]

    def times(self, name: str, acu: str = "", since_s: float = 0.0) -> list[float]:
        return [e.t_us / 1e6 for e in self.lines(name, acu, since_s)]

    def heard(self, kind: str = "") -> list[tuple[float, dict]]:
        """(t_s, message) that the centre received of this type."""
        got = [(t_us / 1e6, messages.decode(raw)) for t_us, _, raw in self.result.messages]
        return [(t_s, m) for t_s, m in got if m and kind in ("", m["t"])]

    def sent(self, kind: str, sender: str = "") -> list[tuple[float, str, dict]]:
        """(t_s, topic, message) published by a controller."""
        return [(t_us / 1e6, topic, messages.decode(raw))
                for t_us, who, topic, raw in self.result.bus
                if topic.endswith("/" + kind) and sender in ("", who)]

    def addressed(self, kind: str, acu: str) -> list[tuple[float, str, dict]]:
        """Published messages of this type that the network carries to this controller."""
        filters = self.unit(acu).link.filters
        return [m for m in self.sent(kind) if any(matches(f, m[1]) for f in filters)]

    def unit(self, acu: str):
        return self.run.firmware.units[acu]

    def moves(self, customer: str, since_s: float = 0.0) -> list[tuple[float, int, int]]:
        """(t_s, phase before, phase after) of each make after an opening, without bounce."""
        return [(c.t_us / 1e6, c.old, c.new) for c in self.contacts.changes
                if c.customer == customer and c.t_us >= since_s * 1e6]

    def closed_at(self, t_s: float) -> dict[str, set]:
        """Closed phases of each customer at this time, in truth."""
        now = {c.id: {c.phase} for c in self.scenario.street.customers}
        for t_us, customer, phase, closed in self.result.contacts:
            if t_us <= t_s * 1e6:
                (now[customer].add if closed else now[customer].discard)(phase)
        return now

    def opened_s(self, customer: str, since_s: float = 0.0) -> float:
        """When this customer's contact first opened."""
        return next(t_us / 1e6 for t_us, c, _, closed in self.result.contacts
                    if c == customer and not closed and t_us >= since_s * 1e6)

    def trace(self, key: str, from_s: float, to_s: float) -> list[float]:
        """The world's record of each 5 ms block inside."""
        blocks = self.result.trace
        return [x for t_ms, x in zip(blocks["t_ms"], blocks[key], strict=True)
                if from_s * 1000 < t_ms <= to_s * 1000]


def play(scenario: Scenario, level: str = "quantity", at: dict[float, Callable] | None = None,
         each: Callable | None = None, seed: int | None = None) -> Played:
    """The whole run. at: {t_s: deed(run)}, done between two instants; each(run): after each."""
    run = Run(scenario, seed, level)
    deeds = sorted((at or {}).items())
    while run.t_us < scenario.run_us:
        while deeds and deeds[0][0] * 1e6 <= run.t_us:
            deeds.pop(0)[1](run)
        run.step()
        if each:
            each(run)
    return Played(run)


def frame(run: Run, t: str, src: str, dst: str, body: dict, n: int, k: int, *, age_ms: int = 0,
          ttl_ms: int = 10_000, code: str = NULL_CODE) -> bytes:
    """A message as a node of the circuit would write it now."""
    ts = run.scenario.start_utc_ms + run.t_us // 1000 - age_ms
    return messages.encode(t, src, dst, n, n, ts, body, lambda text: code, k, ts + ttl_ms)


def inject(run: Run, topic: str, raw: bytes) -> None:
    """Puts bytes on the network, as anybody with access to the broker could."""
    run.bus.publish(run.t_us, "scc", topic, raw)


def drops(run_or_played, acu: str) -> dict[str, int]:
    """Refused messages of a controller by reason."""
    from acu.primitives.messaging import REASONS
    run = getattr(run_or_played, "run", run_or_played)
    return dict(zip(REASONS, run.firmware.units[acu].acu.net.dropped, strict=True))


def panel_subsequence(wanted: list[str], shown: list[str]) -> bool:
    rest = iter(shown)
    return all(want in rest for want in wanted)
