"""One trial of the link study: a broker, a path that fails, a cabinet, its centre; and the counts.

While a case (link_cases.py) does its worst to the path, the centre commands the cabinet and the
cabinet has events to tell, all the time. Afterwards the path is healed, all that waits is waited
for, and each command and event is accounted for:

- executed: the role was handed it and answered that it is done; refused: handed and not done;
- doubled: the role was handed it more than once, or a contact moved that no command explains;
- a command that was never handed over is lost if it could have been: within its validity, and
  before a restart that made it void, broker, path, link, centre and clock were in order for three
  seconds without a break; else it expired;
- unauthorised is what the role was handed and did not refuse, and was never issued;
- an event is lost if the centre never got it, doubled if it did more than once after it has taken
  out what it knows by sender, number and time.
"""
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from acu import messages
from host_sim.net import broker
from host_sim.net.faults import Cut, FaultProxy, Way
from host_sim.net.mosquitto import Material
from host_sim.study.link_centre import Centre, Order
from host_sim.study.link_plant import PARENT, SC, USER, Cabinet, keys_record

SWITCH, PHASES = "switch", "phases"

_ENOUGH_S = 3.0             # so long in order: whatever was valid then had its chance
_CLOCK_S = 6.0              # a clock is in order below this; at 10 s a command is too old
_LOOK_S = 0.02
_BEACON_S = 5.0
_QUIET_S = 1.0
_WHY_SCC = 3


@dataclass(frozen=True)
class Design:
    """What a test makes wrong on purpose. link: wraps the MqttLink; twist: is given each Acu."""

    link: Callable[[Any], Any] = lambda link: link
    twist: Callable[[Any], None] = lambda acu: None
    blind: bool = False         # the receiver does not de-duplicate


@dataclass
class Timeline:
    """Of something that is in order or not."""

    changes: list[tuple[float, bool]] = field(default_factory=list)

    def note(self, good: bool, now_s: float) -> None:
        if good != (self.changes[-1][1] if self.changes else False):
            self.changes.append((now_s, good))

    def longest_s(self, begin: float, end: float) -> float:
        """In order without a break, between these two."""
        longest, since, good = 0.0, begin, False
        for at, after in [*self.changes, (end, False)]:
            if good:
                longest = max(longest, min(at, end) - max(since, begin))
            since, good = at, after
        return longest


class Trial:
    """A context. plan: which commands. material, words: of a broker with an access list, and the
    passwords by user."""

    def __init__(self, seed: int, plan: str = SWITCH, event_every_s: float = 0.3,
                 design: Design | None = None, kind: str = "auto",
                 material: Material | None = None, words: dict[str, str] | None = None,
                 pause_s: float = 0.1):
        self.random = random.Random(seed)
        self.own, self.group = secrets.token_bytes(32), secrets.token_bytes(32)
        self.design = design or Design()
        self.events: dict[int, float] = {}      # serial numbers told, and when
        self.words = words or {}                # passwords by user, at a broker with access list
        self.notes: dict[str, Any] = {}         # what a case found besides
        self.reconnects: list[float] = []
        self.hold = threading.Event()           # no further command for now
        self.path_s = 0.0                       # what the path itself takes of a new connection
        self.healthy = True                     # the case has broken nothing beside the proxy
        self._plan = plan
        self._event_every_s = event_every_s
        self._pause_s = pause_s
        self._good = Timeline()
        self._end = threading.Event()           # of commands and events
        self._over = threading.Event()          # of the trial
        self._broken_s = 0.0                    # when a connection was ended last
        self._still = threading.Event()
        self._threads: list[threading.Thread] = []
        self._failures: list[str] = []
        self._serial = 0
        self._lock = threading.Lock()
        self.broker = broker.start(kind, material=material)
        self.proxy = FaultProxy((self.broker.host, self.broker.port), seed)
        self.proxy.on_cut = self._ended
        name = f"{SC}.{PARENT}"
        self.centre = Centre(self.broker.port, self.own, self.group,
                             (name, self.words[name]) if words else None, self.design.blind, seed)
        self.cabinet: Cabinet

    def __enter__(self) -> "Trial":
        self.began_s = time.monotonic()
        self.proxy.__enter__()
        self.centre.__enter__()
        self.centre.online.wait(10)
        self.cabinet = Cabinet(("127.0.0.1", self.proxy.port), keys_record(self.own, self.group),
                               self.words.get(USER), design=self.design.link,
                               twist=self.design.twist)
        self.cabinet.__enter__()
        self.wait(self.cabinet.ready, 30, "a first connection")
        for what in (self._watch, self._command, self._tell):
            self._start(what)
        return self

    def __exit__(self, *what: object) -> None:
        self._end.set()
        self._over.set()
        for thread in self._threads:
            thread.join(15)
        for one in (self.cabinet, self.centre, self.proxy):
            one.__exit__()
        self.broker.stop()

    # -- for a case

    def wait(self, what: Callable[[], bool], s: float, name: str) -> bool:
        """False and a failure of the trial if it does not come."""
        end = time.monotonic() + s
        while not what():
            if time.monotonic() > end:
                self._failures.append(f"{name} did not come within {s:.0f} s")
                return False
            time.sleep(0.01)
        return True

    def fail(self, text: str) -> None:
        self._failures.append(text)

    def back(self, since: int = 0, s: float = 40.0) -> bool:
        """Waits until commands are taken again. since: connections so far; it has to be another
        one."""
        return self.wait(lambda: self.cabinet.sessions > since and self.cabinet.ready(), s,
                         "a new connection")

    def cut(self, way: Way, cut: Cut, anew: bool = False) -> int:
        """Arms it and waits until it has happened; for back(). anew: in a new connection."""
        before, since = self.proxy.counts["cuts"], self.cabinet.sessions
        way.cut = cut
        if anew:
            self.proxy.kill()
        self.wait(lambda: self.proxy.counts["cuts"] > before, 20, "a packet to cut")
        return since

    def until_sent(self) -> None:
        """The centre has just sent a command."""
        before = self.centre.sent
        self.wait(lambda: self.centre.sent > before, 20, "a command")

    def run(self, s: float) -> None:
        """Lets time go by."""
        time.sleep(s)

    def quiet_events(self, s: float) -> None:
        """For so long nothing happens that would be worth telling."""
        self._still.set()
        time.sleep(s)
        self._still.clear()

    def event(self) -> None:
        with self._lock:
            self._serial += 1
            serial = self._serial
        if self.cabinet.event(serial):
            self.events[serial] = time.monotonic()

    # -- what goes on all the time

    def _start(self, what: Callable[[], None]) -> None:
        def safely() -> None:
            try:
                what()
            except Exception as e:
                self._failures.append(f"{what.__name__}: {type(e).__name__}: {e}")
        thread = threading.Thread(target=safely, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _watch(self) -> None:
        """Keeps when all was in order, and how soon the link is back when nothing hinders it."""
        up, since = True, None
        sessions = self.cabinet.sessions
        beacon_s = 0.0
        while not self._over.wait(_LOOK_S):
            now_s = time.monotonic()
            path = self.proxy.clear and self.broker.running and self.healthy
            self._good.note(path and self.proxy.passing and self.cabinet.ready()
                            and self.centre.connected and self.cabinet.wrong_s() < _CLOCK_S, now_s)
            before, up = up, self.cabinet.up
            if not up:
                if not (path and self.cabinet.acu is not None):
                    since = None
                elif since is None or since < self._broken_s:
                    since = now_s
            elif not before or self.cabinet.sessions != sessions:
                self.reconnects.append(now_s - since if since is not None else 0.0)
                since = None
                sessions = self.cabinet.sessions
            if now_s - beacon_s >= _BEACON_S:
                beacon_s = now_s
                self.centre.beacon()

    def _ended(self) -> None:
        self._broken_s = time.monotonic()

    def _command(self) -> None:
        for one in self._orders():
            self.centre.settle(one)
            if self._end.wait(self._pause_s):
                return
            while self.hold.is_set() and not self._end.wait(_LOOK_S):
                pass

    def _orders(self) -> Iterator[Order]:
        """open, select, close; where one was not done, from the beginning. Or one phase on."""
        def sw(on: int, sel: int) -> Order:
            return self.centre.order("sw.req", {"on": on, "sel": sel, "why": _WHY_SCC, "t_ms": 0,
                                                "lease_s": 0})
        phase = 0
        while not self._end.is_set():
            if self._plan == PHASES:
                phase = (phase + 1) % 3
                yield self.centre.order("phs.req", {"ph": phase, "t_ms": 0, "dead_ms": 60})
                continue
            for on, sel in ((0, 0), (1, 1), (1, 0)):
                one = sw(on, sel)
                yield one
                if one.e:
                    break

    def _tell(self) -> None:
        while not self._end.wait(self._event_every_s):
            if not self._still.is_set():
                self.event()

    # -- the end

    def finish(self, s: float = 60.0) -> dict:
        """Heals, waits for what waits, accounts."""
        self.proxy.heal()
        self._end.set()
        for thread in self._threads[1:]:
            thread.join(15)
        self.wait(lambda: self.cabinet.up, s, "a connection at the end")
        end_s = time.monotonic() + s
        quiet_s = time.monotonic()
        while time.monotonic() < end_s:
            self.cabinet.do(lambda: None)
            if not (self.cabinet.quiet() and self.centre.connected):
                quiet_s = time.monotonic()
            missing = len(self.events) - len(self.centre.receiver.got)
            if time.monotonic() - quiet_s > (_QUIET_S if missing <= 0 else 3 * _QUIET_S):
                break
            time.sleep(0.02)
        self._over.set()
        return self._account()

    def _valid_until(self, one: Order) -> float:
        """The counters of a block are void after a restart."""
        cuts = [at for at in self.cabinet.cut_s if at >= one.sent_s]
        return min([one.until_s, one.void_s, *cuts])

    def _account(self) -> dict:
        told: dict[str, Any] = dict.fromkeys(
            ("sent", "executed", "refused", "expired", "unanswered", "commands_lost",
             "commands_doubled", "unauthorised"), 0)
        accepted = self.cabinet.accepted
        opens = closes = 0
        for one in list(self.centre.orders.values()):
            told["sent"] += 1
            n = accepted[one.t, one.k]
            told["commands_doubled"] += max(n - 1, 0)
            if n or one.e >= 0:
                told["refused" if one.e > 0 else "executed"] += 1
                told["unanswered"] += one.e < 0
                if one.e <= 0:
                    body = messages.decode(one.raw)["b"]
                    opens += one.t == "phs.req" or not body["on"]
                    closes += one.t == "phs.req" or body["on"] and not body["sel"]
            elif self._good.longest_s(one.sent_s, self._valid_until(one)) >= _ENOUGH_S:
                told["commands_lost"] += 1
            else:
                told["expired"] += 1
        moved = [sum(1 for _, to in self.cabinet.moves if to == k) for k in (0, 1)]
        unexplained = max(moved[0] - opens, 0) + max(moved[1] - closes, 0)
        foreign = [raw for raw in self.cabinet.taken if raw not in self.centre.issued]
        told["unauthorised"] = sum(1 for raw in foreign if not self.cabinet.refused(raw))
        told["foreign_refused"] = len(foreign) - told["unauthorised"]
        # a movement that no command explains: somebody has switched, or something twice
        told["unauthorised" if foreign else "commands_doubled"] += unexplained
        got = self.centre.receiver.got
        lost = [at for serial, at in self.events.items() if serial not in got]
        told |= {"events": len(self.events), "events_lost": len(lost),
                 "events_lost_at_s": [round(at - self.began_s, 2) for at in lost],
                 "cut_at_s": [round(at - self.began_s, 2) for at in self.cabinet.cut_s],
                 "events_doubled": sum(n - 1 for n in got.values()),
                 "events_raw_doubled": self.centre.receiver.raw_doubles,
                 "discarded": self.cabinet.discarded(),
                 "reconnects": len(self.reconnects),
                 "reconnect_s_max": round(max(
                     max(self.reconnects, default=0.0) - self.path_s, 0.0), 2),
                 "moves": sum(moved), "lives": self.cabinet.lives,
                 "dropped": self.cabinet.dropped(), "proxy": dict(self.proxy.counts),
                 "wall_s": round(time.monotonic() - self.began_s, 1)}
        told |= self.notes
        if self.cabinet.failure:
            self._failures.append(f"the controller raised {self.cabinet.failure}")
        told["failures"] = self._failures
        return told
