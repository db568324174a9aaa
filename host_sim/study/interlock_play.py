"""One sequence of the interlock fuzz: random orders, contact faults, lost messages, restarts, a
grid that goes and comes, and what must never happen meanwhile.

Judged by the world, not by what the firmware says: where the main contacts are, at what angle they
touched, what its check had ordered in the very tick in which a coil was driven. Same item, same
course. interlock.py plans and counts.
"""
import random
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from acu import messages
from acu.functions import synccheck
from host_sim.board.bus import Bus
from host_sim.scenario import district_plan
from host_sim.scenario.one_acu import Typist
from host_sim.study.interlock_rig import STEP_US, Recloser
from host_sim.world.bay import INPUTS
from host_sim.world.breaker import Breaker
from host_sim.world.dice import bits
from host_sim.world.loop import ENDS, LOAD, ONE, TWO, Loop, Touch
from host_sim.world.two_sided import wrapped

SCENARIO = "lahsh60"
LOOP_MOST_S = 0.3            # R1, R2 and R3 closed together
_DEG, _HZ = 10.0, 0.20       # what the check permits at the touch,
_ARMED_DEG = 35.0            # and the tie's armed closing when it is ordered
_MARGIN_DEG, _MARGIN_HZ = 2.5, 0.02   # scatter of the breaker at the greatest slip; rounding
_SEEN_S = 0.045              # what came later before an order, nobody could see
_NAMES = ("r1", "r2", "r3", "r4")
_NULL_CODE = "0" * 16
_SCC = 3
_SETTLE_MS = 2600            # to the first step: self-test, time, a second of health
_CLOSE_S = 0.05
_SELECT_MS = 150             # from a select to its order
_CONFIG = {"cap_n": 0, "il_back_ms": 500}    # no records of samples; sooner back to the grid


class Item(NamedTuple):
    seed: int
    number: int
    steps: int

    @property
    def name(self) -> str:
        return f"{self.number}"


@dataclass
class Told:
    """broken: (s, rule, what) that must never be."""
    broken: list[tuple[float, str, str]] = field(default_factory=list)
    steps: int = 0
    closings: int = 0
    live_closings: int = 0
    loop_most_s: float = 0.0
    touch_most_deg: float = 0.0
    late: int = 0
    course: list[str] = field(default_factory=list)


class Sequence:
    """spoil(recloser): takes a rule out of it, after each start."""

    def __init__(self, item: Item, spoil: Any = None):
        self.told = Told()
        self.t_us = 0
        self._spoil = spoil
        self._steps = item.steps
        self._r = random.Random(f"interlock {item.seed} {item.number}")
        r = self._r
        rng = np.random.Generator(bits(item.seed, "interlock", item.number))
        self.loop = Loop({name: Breaker(r.uniform(0.045, 0.055), r.uniform(0.02, 0.05), 0.002,
                                        name != "r3", rng) for name in _NAMES})
        plan = district_plan.read(SCENARIO)
        mode = r.choice(("check", "check", "sync"))
        self._start_ms = plan.start_utc_ms
        self.reclosers = {one.id: Recloser(
            {"id": one.id, "board": plan.board, "config": one.config | _CONFIG | {"sy_mode": mode},
             "level": "wave", "utc0_ms": plan.start_utc_ms}, _CLOSE_S) for one in plan.reclosers}
        self._bus = Bus(item.number, 20, r.choice((0, 10, 40)))
        self._up = f"slvg/1/mst/{plan.sc}/"
        self._n = 0
        for name in (*_NAMES, "scc"):
            self._bus.join(name, [], 0)
        self._mail: dict[str, list] = {name: [] for name in _NAMES}
        self._fixed: dict[tuple[str, str], tuple[int, int]] = {}     # input: value, until us
        self._boot_us = dict.fromkeys(_NAMES, 0)
        self._typists = {name: Typist() for name in _NAMES}
        self._until: list[tuple[int, Any]] = []                      # us, what ends then
        self._sudden_s = -1.0
        self._orders: dict[str, tuple] = {}          # last: s, mode, dead
        self._loop_s: float | None = None            # since when all three are closed
        self._failed_s = -1.0                        # until then a breaker does not obey
        self._seen = 0

    def play(self, stop: bool = False) -> Told:
        """stop: at the first thing that must never be."""
        self._run(_SETTLE_MS)
        if self._r.random() < 0.6:           # most begin as an island
            self._fault(self._r)
            self._run(1500)
        while self.told.steps < self._steps and not (stop and self.told.broken):
            for _ in range(self._r.choice((1, 1, 2, 3))):
                self._step()
                self._run(self._r.choice((5, 10, 20, 50, 100, 150)))
                self.told.steps += 1
            self._run(self._r.choice((0, 200, 500, 1500, 2500)))
        return self.told

    # -- what may happen

    def _step(self) -> None:
        r = self._r
        what = r.choices(tuple(_DO), tuple(weight for weight, _ in _DO.values()))[0]
        said = _DO[what][1](self, r)
        self.told.course.append(f"{self.t_us / 1e6:.3f} {what} {said}")

    def _later(self, ms: int, done: Any) -> None:
        self._until.append((self.t_us + ms * 1000, done))

    def _order(self, r: random.Random) -> str:
        """By message: a closing is a select, and the order whatever the answer was."""
        name, on = r.choice(_NAMES[:3] if r.random() < 0.9 else _NAMES), r.random() < 0.75
        self._switch(name, on)
        return f"{name} {'close' if on else 'open'}"

    def _switch(self, name: str, on: bool) -> None:
        def send(sel: int) -> None:
            self._send(name, "sw.req", {"on": int(on), "sel": sel, "why": _SCC, "t_ms": 0,
                                        "lease_s": 0})

        if on:
            send(1)
            self._later(_SELECT_MS, lambda: send(0))
        else:
            send(0)

    def _race(self, r: random.Random) -> str:
        """Two or three are told to close at once."""
        some = r.sample(_NAMES[:3], r.choice((2, 2, 3)))
        for name in some:
            self._switch(name, True)
        return " ".join(some)

    def _console(self, r: random.Random) -> str:
        name = r.choice(_NAMES[:3])
        line = r.choice(("CLO", "CLO", "OPE"))
        self._fixed[name, "remote"] = (0, self.t_us + r.choice((2000, 6000)) * 1000)
        self._typists[name].lines += ["ACC", "BAC", line, "Y", "Y"]
        return f"{name} {line}"

    def _tag(self, r: random.Random) -> str:
        """A close-block tag, or the end of every lock-out, so that there is something to close."""
        on = r.random() < 0.2
        some = [r.choice(_NAMES)] if on else _NAMES
        for name in some:
            self._send(name, "cfg", {"k": "lockout", "val": int(on)})
        return f"{' '.join(some)} {int(on)}"

    def _contact(self, r: random.Random) -> str:
        """A contact or a switch that stays at something for a while."""
        name = r.choice(_NAMES)
        key = r.choice(("closed_52a", "open_52b", "closed_52a", "open_52b", *INPUTS))
        value, ms = r.randrange(2), r.choice((30, 100, 400, 2000, 8000))
        self._fixed[name, key] = (value, self.t_us + ms * 1000)
        return f"{name} {key}={value} {ms} ms"

    def _breaker(self, r: random.Random) -> str:
        """Its mechanism: does not obey, or is slow."""
        name, fault = r.choice(_NAMES[:3]), r.choice(("stuck", "weld", "slow", "no_52a", "no_52b"))
        breaker, ms = self.loop.breakers[name], r.choice((300, 2000, 6000))
        if fault == "slow":
            usual = breaker.open_s
            breaker.open_s = r.uniform(0.06, 0.3)
            self._later(ms, lambda: setattr(breaker, "open_s", usual))
        else:
            setattr(breaker, fault, True)
            self._later(ms, lambda: setattr(breaker, fault, False))
        if fault in ("stuck", "weld", "slow"):
            self._failed_s = max(self._failed_s, (self.t_us + ms * 1000) / 1e6)
        return f"{name} {fault} {ms} ms"

    def _net(self, r: random.Random) -> str:
        name = r.choice((*_NAMES, *_NAMES, "scc"))
        link, ms = self._bus.links[name], r.choice((200, 1000, 4000))
        what, value, usual = r.choice((
            ("partition", True, False), ("loss_pct", 40, 0), ("loss_pct", 80, 0),
            ("delay_ms", 80, 0), ("delay_ms", 400, 0), ("jitter_ms", 200, 0), ("dup_pct", 60, 0),
            ("reorder_pct", 60, 0)))
        setattr(link, what, value)
        self._later(ms, lambda: setattr(link, what, usual))
        return f"{name} {what}={value} {ms} ms"

    def _reboot(self, r: random.Random) -> str:
        name, ms = r.choice(_NAMES), r.choice((50, 500, 3000))
        if self.reclosers[name].runs:
            self.reclosers[name].off()
            self._bus.leave(name)
            self._typists[name] = Typist()
            self._mail[name] = []
            self._boot_us[name] = self.t_us + ms * 1000
        return f"{name} {ms} ms"

    def _fault(self, r: random.Random) -> str:
        """Short circuit at F, with which the grid goes; it comes back by itself."""
        ms = r.choice((300, 600, 3000, 8000))
        self.loop.fault = True
        self._grid_goes(r)
        self._later(r.choice((60, 120, 600)), lambda: self._set(fault=False))
        self._later(ms + 600, lambda: self._set(grid=True))
        return f"{ms} ms"

    def _loss(self, r: random.Random) -> str:
        """The grid goes without a fault; its frequency tells."""
        ms = r.choice((300, 3000, 8000))
        self._grid_goes(r)
        if r.random() < 0.7:
            self._df(3000)
            self._later(250, lambda: self._df(0))
        self._later(ms, lambda: self._set(grid=True))
        return f"{ms} ms"

    def _grid_goes(self, r: random.Random) -> None:
        self.loop.grid = False
        self._speeds(r)
        self._set()

    def _speeds(self, r: random.Random) -> str:
        """Parts of their own get other speeds; often what one can close at."""
        self._set(hz=[0.0, *(r.choice((r.uniform(-0.18, 0.18), 0.1, 0.0, r.uniform(-1.5, 1.5)))
                             for _ in range(2)), 0.0])
        return " ".join(f"{hz:+.3f}" for hz in self.loop.hz[1:3])

    def _near(self, r: random.Random) -> str:
        """All parts of their own are brought near to the grid's angle, where closings can be."""
        for bus in (ONE, TWO, LOAD):
            self.loop.deg[bus] = r.uniform(-9, 9)
        self.loop.hz = [0.0, r.uniform(-0.1, 0.1), r.uniform(-0.1, 0.1), 0.0]
        self._set()
        return ""

    def _ripe(self, r: random.Random) -> str:
        """All are unlocked and told to close, two of three or all; then the angles come to where
        every check permits, in one and the same tick."""
        for name in _NAMES:
            self._send(name, "cfg", {"k": "lockout", "val": 0})
        some = r.sample(_NAMES[:3], r.choice((2, 3, 3)))
        for name in some:
            self._later(100 + r.choice((0, 0, 10, 30, 100)), lambda name=name: self._switch(name,
                                                                                         True))

        def come() -> None:
            self._set(grid=True, fault=False)
            self._near(r)

        self._later(r.choice((150, 400)), come)
        return " ".join(some)

    def _machines(self, r: random.Random) -> str:
        bus, ms = r.choice((ONE, TWO)), r.choice((1000, 5000))
        self.loop.runs[bus] = False
        self._set()

        def back() -> None:
            self.loop.runs[bus] = True
            self._set()

        self._later(ms, back)
        return f"{bus} {ms} ms"

    def _df(self, mhz_s: int) -> None:
        for one in self.reclosers.values():
            if one.runs:
                one.measured.df_mhz_s = mhz_s

    def _set(self, **changed: Any) -> None:
        """Something sudden in the world."""
        for key, value in changed.items():
            setattr(self.loop, key, value)
        self._sudden_s = self.t_us / 1e6
        self.loop.disturb()

    # -- the course

    def _run(self, ms: int) -> None:
        for _ in range(ms * 1000 // STEP_US):
            self._instant()
            self.t_us += STEP_US

    def _instant(self) -> None:
        t_us, loop = self.t_us, self.loop
        t_s = t_us / 1e6
        for due in [one for one in self._until if one[0] <= t_us]:
            self._until.remove(due)
            due[1]()
        loop.step(t_s, STEP_US / 1e6)
        self._judge_touches()
        self._judge_loop(t_s)
        slow = t_us // STEP_US % 2 == 0
        if t_us % 1_000_000 == 0:
            self._send("all", "time", {"utc_ms": self._start_ms + t_us // 1000, "src": "scc"})
        for name, arrived in self._bus.deliver(t_us).items():
            if name in self._mail:
                self._mail[name] += arrived
        for name, one in self.reclosers.items():
            levels = self._levels(name, t_s)
            if name in self._boot_us:
                if t_us >= self._boot_us[name]:
                    del self._boot_us[name]
                    self._bus.join(name, one.boot(t_us, levels, loop), t_us)
                    if self._spoil is not None:
                        self._spoil(one)
                continue
            self._turn(one, t_us, levels, slow)

    def _turn(self, one: Recloser, t_us: int, levels: list[int], slow: bool) -> None:
        unit = one.unit
        one.measured.see(self.loop)
        one.ordered = False
        unit.show(t_us, levels, self._bus.up(one.name))
        one.acu.fast(unit.clock.ticks_us())
        arrived: list = []
        if slow:
            arrived, self._mail[one.name] = self._mail[one.name], []
            self._typists[one.name].type(t_us, lambda _, keys: unit.keys(keys), one.name)
        drives, sent, _, _ = unit.finish(t_us, arrived, slow)
        for _, level in drives:
            if level == 1:
                self._judge_order(one, t_us / 1e6)
            if level >= 0:
                self.loop.breakers[one.name].order(level == 1, t_us / 1e6)
        for topic, payload, qos, retain in sent:
            self._bus.publish(t_us, one.name, topic, bytes(payload), retain, qos)

    def _levels(self, name: str, t_s: float) -> list[int]:
        a, b = self.loop.breakers[name].aux(t_s)
        now = dict(zip(INPUTS, (a, b, 1, 1, 1, 1, 0), strict=True))
        for (of, key), (value, until_us) in list(self._fixed.items()):
            if of != name:
                continue
            if self.t_us >= until_us:
                del self._fixed[of, key]
            else:
                now[key] = value
        return [now[key] for key in INPUTS]

    def _send(self, name: str, kind: str, body: dict) -> None:
        self._n += 1
        utc_ms = self._start_ms + self.t_us // 1000
        self._bus.publish(self.t_us, "scc", f"{self._up}{name}/dn/{kind}", messages.encode(
            kind, "scc", "*" if name == "all" else name, self._n & 0xFFFF, self._n, utc_ms,
            body, lambda raw: _NULL_CODE, self._n, utc_ms + 10_000))

    # -- what must never be

    def _broken(self, rule: str, what: str) -> None:
        self.told.broken.append((self.t_us / 1e6, rule, what))

    def _judge_order(self, one: Recloser, t_s: float) -> None:
        self.told.closings += 1
        if not one.ordered:
            self._broken("no permit", f"{one.name} drove its closing coil without an order of the "
                                      "check in this tick")
        a, b = ENDS[one.name]
        deg = abs(wrapped(self.loop.deg[b] - self.loop.deg[a]))
        armed = one.mode == synccheck.ARMED
        if armed and deg > _ARMED_DEG + _MARGIN_DEG and self._sudden_s < t_s - _SEEN_S:
            self._broken("out of step", f"{one.name} was ordered, armed, at {deg:.1f} deg")
        self._orders[one.name] = (t_s, armed, one.dead)

    def _judge_touches(self) -> None:
        for touch in self.loop.touches[self._seen:]:
            self._judge_touch(touch)
        self._seen = len(self.loop.touches)

    def _judge_touch(self, touch: Touch) -> None:
        order_s, armed, dead = self._orders[touch.name]
        late = self._sudden_s >= order_s - _SEEN_S
        self.told.late += late
        c = self.loop.closed
        if touch.name == "r3" and c["r1"] and c["r2"] and self._loop_at_rest(order_s):
            self._broken("tie into a closed grid", "r3 touched, r1 and r2 had stood closed when "
                                                   "it was ordered")
        if not all(touch.live):
            if not dead and not late:
                self._broken("dead side", f"{touch.name} touched with a dead side, unasked")
            return
        self.told.live_closings += 1
        if late or armed:                        # judged when it was ordered
            return
        self.told.touch_most_deg = max(self.told.touch_most_deg, abs(touch.deg))
        if abs(touch.deg) > _DEG + _MARGIN_DEG or abs(touch.slip_hz) > _HZ + _MARGIN_HZ or dead:
            self._broken("out of step", f"{touch.name} touched at {touch.deg:.1f} deg, "
                                        f"{touch.slip_hz:.3f} Hz, ordered at {order_s:.3f} s")

    def _loop_at_rest(self, order_s: float) -> bool:
        """R1 and R2 had not just touched when R3 was ordered."""
        last = [max((t.t_s for t in self.loop.touches if t.name == name), default=-1.0)
                for name in ("r1", "r2")]
        return all(t_s < order_s - LOOP_MOST_S for t_s in last)

    def _judge_loop(self, t_s: float) -> None:
        if not self.loop.loop_closed():
            self._loop_s = None
            return
        if self._loop_s is None:
            self._loop_s = t_s
        if self._failed_s >= self._loop_s:       # a mechanism that does not obey: nobody can
            return
        lasts_s = t_s - self._loop_s
        self.told.loop_most_s = max(self.told.loop_most_s, lasts_s)
        if lasts_s > LOOP_MOST_S and not any(rule == "loop" for _, rule, _ in self.told.broken):
            self._broken("loop", f"r1, r2 and r3 closed since {self._loop_s:.3f} s")


_DO = {
    "order": (18, Sequence._order), "race": (18, Sequence._race),
    "near": (10, Sequence._near), "ripe": (24, Sequence._ripe), "speeds": (8, Sequence._speeds),
    "fault": (8, Sequence._fault), "loss": (4, Sequence._loss),
    "contact": (10, Sequence._contact), "breaker": (4, Sequence._breaker),
    "net": (10, Sequence._net), "reboot": (4, Sequence._reboot),
    "console": (4, Sequence._console), "tag": (10, Sequence._tag),
    "machines": (2, Sequence._machines),
}
