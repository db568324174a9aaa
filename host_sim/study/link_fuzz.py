"""Bent and random messages to a controller, for `slvg study link --fuzz`: nothing may happen.

Half of them are mutants of real signed commands, which the receiver's code covers whole, so that
not one may be taken; a quarter are mutants of any other message, a quarter random bytes. They go
to the decoder and to a whole Operator at work. Counted are exceptions, commands taken, and changes
of what a message can change: contacts, drives, phase, lock-out, reason, keys' counters, clock,
records in the store. Counters of what was dropped, and their lines in the log, are none.
"""
import random
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from acu import app, messages
from acu.primitives.authentication import mac
from acu.primitives.recording import Record
from host_sim.board.doors import SimClock, SimLink, SimStore, SimSwitchgear, SimWatchdog
from host_sim.study.link_bend import MUTATIONS, truncations
from host_sim.study.link_plant import BOARD, DOWN, ID, PARENT, SC, UC, SteadySums, keys_record
from host_sim.study.pool import spread

SAMPLE = 20_000
FULL = 1_000_000
_PART = 25_000
_T0_MS = 1_772_345_678_901
_STEP_US = 5000
_EACH = 64                  # messages between two looks at the state, and an instant of time
_COMMANDS = (("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}),
             ("sw.req", {"on": 1, "sel": 1, "why": 5, "t_ms": 0, "lease_s": 60}),
             ("phs.req", {"ph": 1, "t_ms": 0, "dead_ms": 60}),
             ("cfg", {"k": "lockout", "val": 1}),
             ("time", {"utc_ms": _T0_MS, "src": "ntp"}))
_OTHERS = (("hello", {"role": "cd", "dom": "cd", "fw": "1", "drf": 1, "ph": 0, "un_dV": 2300,
                      "sw": 1, "boot": 3}),
           ("hb", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1, "why": 0}),
           ("meas.req", {"what": 1, "win_ms": 100}), ("ub.req", {"avg_s": 60, "win_ms": 300}),
           ("evt", {"code": "OV", "ph": 1, "val": 2600, "lim": 2530, "t0_ms": _T0_MS}))


class Target:
    """An Operator at work, whose clock says _T0_MS; what it has become."""

    def __init__(self, seed: int):
        r = random.Random(seed)
        self.own, self.group = r.randbytes(32), r.randbytes(32)
        self.clock = SimClock(_T0_MS)
        self.clock.boot(0)
        self.sampler = SteadySums(self._closed)
        self.switchgear = SimSwitchgear(3, 3)
        self.switchgear.levels[0] = 1
        self.link = SimLink()
        self.store = SimStore()
        self.watchdog = SimWatchdog(self.clock)
        Record(self.store, "keys").save(keys_record(self.own, self.group))
        self.acu = app.build(BOARD, {"id": ID, "role": "operator", "sc": SC, "uc": UC}, self)
        self.drives = 0
        self._t_us = 0
        for _ in range(120):
            self.instant()
        # knows the time: else all would be dropped as stale
        self.acu.sync.set(self.clock.now_ms(), self.clock.utc_ms(), 1, True)

    @staticmethod
    def _closed() -> tuple[bool, ...]:
        return (True, False, False)

    def instant(self) -> None:
        self._t_us += _STEP_US
        self.clock.set(self._t_us)
        self.sampler.block(20)
        self.acu.fast(self.clock.ticks_us())
        self.acu.slow(self.clock.now_ms())
        self.drives += len(self.switchgear.take_drives())
        del self.link.sent[:]

    def state(self) -> tuple:
        """All that a message may not change. The log is one of the store's records."""
        acu = self.acu
        files = {name: raw for name, raw in self.store.files.items() if name[:2] != "ev"}
        return (self.drives, acu.gate.mask(), acu.phase, acu.why, acu.gate.locked,
                acu.gate.operations, acu.moves, acu.local, bool(acu._engaged()), acu._selected,
                acu._lease_utc, self._offset_ms(), len(acu.net.outbox.live), files)

    def _offset_ms(self) -> int:
        now_ms = self.clock.now_ms()
        return self.acu.sync.utc_ms(now_ms) - now_ms

    def command(self, r: random.Random) -> bytes:
        """A good one, that would be obeyed; never sent as it is."""
        t, body = r.choice(_COMMANDS)
        ts = self.clock.utc_ms()
        return messages.encode(t, PARENT, ID, r.randrange(65536), r.randrange(65536), ts, body,
                               lambda raw: mac(self.own, raw), (1 << 20) + r.randrange(1 << 20),
                               ts + 10_000)


def frames(target: Target, r: random.Random, n: int) -> Iterator[tuple[str, bytes]]:
    """(kind, message), n of them."""
    left = n
    for raw in truncations(target.command(r)):
        if left:
            left -= 1
            yield "truncation", raw
    ways = tuple(MUTATIONS.items())
    while left:
        dice = r.randrange(4)
        if dice == 3:
            left -= 1
            raw = r.randbytes(r.randrange(600))
            yield "random bytes", raw if r.randrange(2) else b'{"v":1,' + raw
            continue
        t, body = r.choice(_OTHERS)
        good = target.command(r) if dice < 2 else messages.encode(
            t, PARENT, ID, r.randrange(65536), 0, target.clock.utc_ms(), body)
        kind, way = r.choice(ways)
        bent = way(good, r)
        if bent != good:
            left -= 1
            yield kind if dice < 2 else "other messages", bent


def play(target: Target, n: int, seed: int) -> dict:
    """One part: what happened."""
    r = random.Random(seed)
    told: dict[str, Any] = {"messages": 0, "taken": 0, "exceptions": 0, "changes": 0,
                            "kinds": Counter(), "wrong": []}
    before = target.state()
    taken: list[bytes] = []
    handle = target.acu.handle

    def watched(now_ms: int, topic: str, msg: dict) -> None:
        if messages.command(msg["t"]):
            taken.append(here)
        handle(now_ms, topic, msg)
    target.acu.handle = watched
    here = b""
    for kind, here in frames(target, r, n):     # noqa: B007  (watched() looks at it)
        told["messages"] += 1
        told["kinds"][kind] += 1
        try:
            messages.decode(here)
            target.acu.on_message(DOWN + "sw.req", here)
            if told["messages"] % _EACH == 0:
                target.instant()
        except Exception as e:
            told["exceptions"] += 1
            told["wrong"].append(f"{type(e).__name__} at {here!r}")
        if told["messages"] % _EACH == 0 and target.state() != before:
            told["changes"] += 1
            told["wrong"].append(f"a change of state before {here!r}")
            before = target.state()
    told["taken"] = len(taken)
    told["wrong"] += [f"taken: {raw!r}" for raw in taken]
    told["dropped"] = list(target.acu.net.dropped)
    return told


def _part(seed: int, job: tuple[int, int]) -> dict:
    part, n = job
    return play(Target(seed + part), n, seed * 1000 + part)


def run(n: int, seed: int, jobs: int, progress: Callable[[int, int], None] | None = None) -> dict:
    parts = [(part, min(_PART, n - part * _PART)) for part in range(-(-n // _PART))]
    told: dict[str, Any] = {"messages": 0, "taken": 0, "exceptions": 0, "changes": 0,
                            "kinds": Counter(), "wrong": []}
    for one in spread(partial(_part, seed), parts, min(jobs, len(parts))):
        for key in ("messages", "taken", "exceptions", "changes"):
            told[key] += one[key]
        told["kinds"].update(one["kinds"])
        told["wrong"] += one["wrong"][:5]
        if progress is not None:
            progress(told["messages"], n)
    return told | {"kinds": dict(sorted(told["kinds"].items())),
                   "grown_bytes": grown_bytes(seed), "wrong": sorted(told["wrong"])[:20]}


def grown_bytes(seed: int, n: int = 4000) -> int:
    """What the second half of a part leaves behind in memory. Not the first: a log fills up."""
    target = Target(seed)
    play(target, n, seed)
    tracemalloc.start()
    play(target, n, seed + 1)
    middle, _ = tracemalloc.get_traced_memory()
    play(target, n, seed + 2)
    end, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return end - middle
