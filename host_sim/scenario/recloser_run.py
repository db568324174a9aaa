"""Plays a recloser's scenario: sources and breaker -> codes -> the whole firmware -> breaker.

An instant is 5 ms, as in every run: the codes of [t - 5 ms, t), the contacts at t, what arrived,
fast tier, every second instant the slow one; an order given at t starts the breaker's travel at t.
The centre's closing is a select and, granted, the order. Keys at the console are typed line by
line, each when a prompt or a question has stood for 0.3 s. Same plan, same log, in either Python.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from acu import messages
from host_sim.board.firmware import Firmware
from host_sim.scenario.crew import Crew, outages
from host_sim.scenario.one_acu import Typist
from host_sim.scenario.recloser_plan import Plan
from host_sim.vm.client import VmFirmware
from host_sim.waveform.bay_block import BayBlocks
from host_sim.world.bay import Bay, Touch
from host_sim.world.breaker import Breaker
from host_sim.world.dice import bits

STEP_US = 5000
_CENTRE = "scc"
_SCC = 3                   # `why` of the centre's orders (events.WHY_SCC)
_TIME_US = 1_000_000       # the centre tells the time
_NULL_CODE = "0" * 16


@dataclass
class Result:
    """Times in us of the run. asked_us: each closing that was asked for: by message its select, at
    the console its last key."""
    plan: Plan
    python: str
    events: list[tuple[int, str]] = field(default_factory=list)     # line of the log
    messages: list[tuple[int, str, bytes]] = field(default_factory=list)
    console: str = ""
    touches: list[Touch] = field(default_factory=list)
    partings: list[tuple[float, float]] = field(default_factory=list)
    asked_us: list[int] = field(default_factory=list)
    # rows: s, U1, U2 in pu, f1, f2 in Hz, angle of side 2 minus 1, A of phase A, closed
    trace: list[list[float]] = field(default_factory=list)
    captures: list[bytes] = field(default_factory=list)
    closed_end: bool = False
    outages: dict = field(default_factory=dict)     # of a line's customers, see crew.py
    without: dict = field(default_factory=dict)     # the same, had nothing been reclosed
    wall_s: float = 0.0

    def event_log(self) -> str:
        return "".join(line + "\n" for _, line in self.events)


class Centre:
    """Who orders by message, and hears the answers."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._n = 0
        self.to: list[tuple[str, bytes]] = []       # waits for the next slow instant
        self.prefix = ""                            # of the controller's own topic
        self._wanted = ""

    def subscribed(self, filters: list[str]) -> None:
        mine = f"/{self._plan.id}/dn/+"
        self.prefix = next((f[:-1] for f in filters if f.endswith(mine)), "")

    def order(self, t_us: int, what: str) -> None:
        if what in ("tag", "untag"):
            self.send(t_us, "cfg", {"k": "lockout", "val": int(what == "tag")})
        else:
            self._wanted = what
            self._switch(t_us, what == "close", what == "close")

    def _switch(self, t_us: int, on: bool, select: bool) -> None:
        self.send(t_us, "sw.req", {"on": int(on), "sel": int(select), "why": _SCC, "t_ms": 0,
                                   "lease_s": 0})

    def send(self, t_us: int, kind: str, body: dict) -> None:
        self._n += 1
        utc_ms = self._plan.start_utc_ms + t_us // 1000
        self.to.append((self.prefix + kind, messages.encode(
            kind, _CENTRE, self._plan.id, self._n, self._n, utc_ms, body, lambda raw: _NULL_CODE,
            self._n, utc_ms + 10_000)))

    def hear(self, t_us: int, payload: bytes) -> None:
        msg = messages.decode(payload)
        if msg is None or msg["t"] != "sw.ack" or self._wanted != "close":
            return
        self._wanted = ""
        if msg["b"]["sel"] and msg["b"]["ok"]:
            self._switch(t_us, True, False)


class Run:
    def __init__(self, plan: Plan, vm: bool = False, seed: int | None = None):
        seed = plan.seed if seed is None else seed
        rng = np.random.Generator(bits(seed, plan.id, "breaker"))
        b = plan.breaker
        self.bay = Bay(plan.world, Breaker(b.close_s, b.open_s, b.scatter_s, b.closed, rng),
                       plan.load, list(plan.faults), list(plan.inputs), b.spring_s)
        self.blocks = BayBlocks(self.bay, plan.board, seed, plan.noise_lsb)
        self._frames = plan.board["rate_hz"] * STEP_US // 1_000_000
        spec = {"id": plan.id, "board": plan.board, "config": plan.config, "level": "wave",
                "utc0_ms": plan.start_utc_ms}
        self.firmware = (VmFirmware([spec], _no_sums) if vm else
                         Firmware([spec], _no_sums, twin=False))
        self.result = Result(plan, self.firmware.python)
        self._plan = plan
        self._deeds = list(plan.deeds)
        self._centre = Centre(plan)
        self._typist = Typist()
        self._crew = Crew(plan.line, self.bay, self._centre.order) if plan.line else None
        self._back_us: int | None = 0         # without supply until then; None: it runs
        self._frozen: list[tuple[int, int]] = []

    def play(self, on_event: Callable[[int, str], None] | None = None,
             on_progress: Callable[[int, int], None] | None = None) -> Result:
        began_s = time.monotonic()
        out = self.result
        steps = self._plan.run_us // STEP_US
        try:
            for n in range(steps + 1):
                self._instant(n, on_event)
                if on_progress and n % 50 == 0:
                    on_progress(n, steps)
            out.captures = self.firmware.stored(self._plan.id)
        finally:
            self.firmware.close()
        out.console = self._typist.said
        out.touches = self.bay.touches
        out.partings = self.bay.partings
        out.closed_end = self.bay.closed(self._plan.run_us / 1e6)
        if self._plan.line is not None:
            out.outages = outages(self._plan.line, self.bay, self._plan.run_us / 1e6)
        out.wall_s = round(time.monotonic() - began_s, 3)
        return out

    def _instant(self, n: int, on_event) -> None:
        t_us, out, bay = n * STEP_US, self.result, self.bay
        t_s = t_us / 1e6
        self._due(t_us)
        levels = bay.levels(t_s)
        if n:
            codes = self.blocks.codes((n - 1) * self._frames, self._frames)
            out.trace.append([t_s, *bay.told(t_s), float(bay.closed(t_s))])
        if self._back_us is not None:
            if t_us < self._back_us:
                return
            self._back_us = None
            self._centre.subscribed(self.firmware.boot(self._plan.id, t_us, levels, True))
        if not n:
            return
        slow = n % 2 == 0
        if slow and self._crew is not None:
            self._crew.look(t_us)
        if slow and t_us % _TIME_US == 0:
            self._centre.send(t_us, "time", {"utc_ms": self._plan.start_utc_ms + t_us // 1000,
                                             "src": _CENTRE})
        arrived: list[tuple[str, bytes]] = []
        if slow:
            arrived, self._centre.to = self._centre.to, []
            self._typist.type(t_us, self.firmware.keys, self._plan.id)
        (drives, sent, lines, _), = self.firmware.instant(
            t_us, slow, [(self._plan.id, codes.tobytes(), levels, arrived, True)])
        for _, level in drives:
            if level >= 0:
                bay.order(level == 1, t_s)
        for topic, payload, _, _ in sent:
            out.messages.append((t_us, topic, bytes(payload)))
            self._centre.hear(t_us, bytes(payload))
        for line in lines:
            out.events.append((t_us, line))
            if on_event:
                on_event(t_us, line)

    def _due(self, t_us: int) -> None:
        """What the plan does now."""
        for channel, end_us in self._frozen[:]:
            if t_us >= end_us:
                self._frozen.remove((channel, end_us))
                del self.blocks.frozen[channel]
        while self._deeds and self._deeds[0].t_us <= t_us:
            deed = self._deeds.pop(0)
            what = deed.what
            if deed.kind == "freeze" and isinstance(what, tuple):
                self._frozen.append(what)
                self.blocks.frozen[what[0]] = 2048
            elif deed.kind == "breaker":
                self.bay.breaker.weld = what == "weld"
                self.bay.breaker.stuck = what == "stuck"
            elif deed.kind == "message":
                if what == "close":
                    self.result.asked_us.append(t_us)
                self._centre.order(t_us, str(what))
            elif deed.kind == "console" and isinstance(what, list):
                if "CLO" in [line.upper() for line in what]:
                    self.result.asked_us.append(t_us)
                self._typist.lines += what
            elif deed.kind == "reboot" and isinstance(what, int):
                self.firmware.off(self._plan.id)
                self._typist = Typist()
                self._back_us = t_us + what * 1000


def _no_sums(*_):
    raise ValueError("a recloser takes samples, no sums")


def run(plan: Plan, vm: bool = False, seed: int | None = None, on_event=None,
        on_progress=None) -> Result:
    """A line with customers is played a second time, without reclosing: what that is worth. In
    the VM only the first time: its log is compared, not its figures."""
    result = Run(plan, vm, seed).play(on_event, on_progress)
    if plan.line is not None and plan.config.get("rc_shots") and not vm:
        never = replace(plan, config={**plan.config, "rc_shots": 0})
        result.without = Run(never, vm, seed).play(None, on_progress).outages
    return result
