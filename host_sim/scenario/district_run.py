"""Plays a district's scenario: world -> codes -> four whole firmwares -> breakers -> world, with
the reclosers and the generators on one bus.

An instant is 5 ms, as in every run: the world and the codes of [t - 5 ms, t), the contacts at t,
what arrived, each fast tier by id, every second instant the slow ones too; an order given at t
starts the breaker's travel at t. Firmware and bus begin with the lead-in, before the run's 0 s, in
which the world stands still. Same plan, same merged log, in either Python.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from host_sim.board.firmware import Firmware
from host_sim.scenario.district_net import Net
from host_sim.scenario.district_plan import STEP_US, Deed, Plan
from host_sim.scenario.district_truth import Kept, Truth
from host_sim.scenario.one_acu import Typist
from host_sim.vm.client import VmFirmware
from host_sim.waveform.district_block import DistrictBlocks
from host_sim.world.breaker import Breaker
from host_sim.world.cell import Cell
from host_sim.world.dice import bits
from host_sim.world.district import BASE_A

_STEP_MS = STEP_US // 1000


@dataclass
class Result:
    """Times in us of the run; those in the lead-in are below 0. orders: what each one's coils were
    driven for."""
    plan: Plan
    python: str
    kept: Kept
    marks: list[tuple[str, int]] = field(default_factory=list)      # of the world, ms
    events: list[tuple[int, str]] = field(default_factory=list)     # line of the log
    messages: list[tuple[int, str, str, bytes]] = field(default_factory=list)
    orders: list[tuple[int, str, bool]] = field(default_factory=list)
    consoles: dict[str, str] = field(default_factory=dict)
    captures: dict[str, list[bytes]] = field(default_factory=dict)
    closed_end: list[str] = field(default_factory=list)
    lost: int = 0                            # messages
    wall_s: float = 0.0

    def event_log(self) -> str:
        return "".join(line + "\n" for _, line in self.events)

    @property
    def console(self) -> str:
        return "".join(self.consoles[name] for name in sorted(self.consoles))


class Run:
    def __init__(self, plan: Plan, vm: bool = False, seed: int | None = None):
        seed = plan.seed if seed is None else seed
        self._plan = plan
        self._names = [one.id for one in plan.reclosers]
        self.cells = {
            one.id: Cell(Breaker(one.close_s, one.open_s, one.scatter_s, one.id != "r3",
                                 np.random.Generator(bits(seed, one.id, "breaker"))),
                         list(one.inputs), one.spring_s)
            for one in plan.reclosers}
        self.truth = Truth(plan, self.cells)
        self.net = Net(plan, seed, self.truth)
        self._blocks = DistrictBlocks(plan.board, BASE_A, [one.ct_n for one in plan.reclosers],
                                      seed, plan.noise_lsb)
        specs = [{"id": one.id, "board": plan.board, "config": one.config, "level": "wave",
                  "utc0_ms": plan.start_utc_ms} for one in plan.reclosers]
        self.firmware = (VmFirmware(specs, _no_sums) if vm else
                         Firmware(specs, _no_sums, twin=False))
        self.result = Result(plan, self.firmware.python, self.truth.kept)
        self._deeds = list(plan.deeds)
        self._typists = {name: Typist() for name in self._names}
        # without supply until then; gone: it runs
        self._boot_us = dict.fromkeys(self._names, -plan.lead_in_us)
        self._mail: dict[str, list] = {name: [] for name in self._names}

    def play(self, on_event: Callable[[int, str], None] | None = None,
             on_progress: Callable[[int, int], None] | None = None,
             stop: Callable[[], bool] | None = None) -> Result:
        """stop: asked after each instant; ends the run early."""
        began_s = time.monotonic()
        out = self.result
        steps = (self._plan.lead_in_us + self._plan.run_us) // STEP_US
        try:
            for n in range(steps + 1):
                self._instant(n, on_event)
                if on_progress and n % 50 == 0:
                    on_progress(n, steps)
                if stop and stop():
                    break
            out.captures = {name: self.firmware.stored(name) for name in self._names}
        finally:
            self.firmware.close()
        out.consoles = {name: typist.said for name, typist in self._typists.items() if typist.said}
        out.closed_end = [name for name in self._names if self.truth.world.closed[name]]
        out.marks = self.truth.world.marks
        self.truth.finish()
        out.lost = self.net.bus.lost
        out.wall_s = round(time.monotonic() - began_s, 3)
        return out

    def _instant(self, n: int, on_event) -> None:
        own_us, out = n * STEP_US, self.result        # the firmware's and the bus's time
        t_us = own_us - self._plan.lead_in_us
        t_s = t_us / 1e6
        while self._deeds and self._deeds[0].t_us <= t_us:
            self._do(t_us, self._deeds.pop(0))
        codes = None
        if n:
            seen = self.truth.turn(t_us // 1000)
            codes = self._blocks.codes((own_us - STEP_US) // 1000, seen * (_STEP_MS // len(seen)))
        for name, arrived in self.net.turn(own_us).items():
            if name in self._mail:
                self._mail[name] += arrived
        slow = n % 2 == 0
        work = []
        for k, name in enumerate(self._names):
            levels = self.cells[name].levels(t_s)
            if name in self._boot_us:
                if t_us >= self._boot_us[name]:
                    del self._boot_us[name]
                    filters = self.firmware.boot(name, own_us, levels, self.net.bus.up(name))
                    self.net.bus.join(name, filters, own_us)
                continue
            arrived = []
            if slow:
                arrived, self._mail[name] = self._mail[name], []
                self._typists[name].type(own_us, self.firmware.keys, name)
            if codes is not None:
                work.append((name, codes[k].tobytes(), levels, arrived, self.net.bus.up(name)))
        if not work:
            return
        done = self.firmware.instant(own_us, slow, work)
        for (name, *_), (drives, sent, lines, _) in zip(work, done, strict=True):
            for _, level in drives:
                if level >= 0:
                    self.cells[name].order(level == 1, t_s)
                    out.orders.append((t_us, name, level == 1))
            for topic, payload, qos, retain in sent:
                out.messages.append((t_us, name, topic, bytes(payload)))
                self.net.bus.publish(own_us, name, topic, bytes(payload), retain, qos)
            for line in lines:
                out.events.append((t_us, line))
                if on_event:
                    on_event(t_us, line)

    def _do(self, t_us: int, deed: Deed) -> None:
        what = dict(deed.what)
        if deed.kind == "link":
            link = self.net.bus.links[what.pop("node")]
            link.partition = deed.on and what.pop("lost")
            for key in ("loss_pct", "dup_pct", "reorder_pct", "delay_ms", "jitter_ms"):
                usual = self._plan.network[key] if key.endswith("_pct") else 0
                setattr(link, key, what[key] if deed.on else usual)
        elif deed.kind == "silent":
            (self.net.silent.add if deed.on else self.net.silent.discard)(what["generator"])
        elif deed.kind == "trip":
            self.truth.trip(what["generator"])
        elif deed.kind == "breaker":
            breaker = self.cells[what["recloser"]].breaker
            breaker.weld, breaker.stuck = what["state"] == "weld", what["state"] == "stuck"
        elif deed.kind == "hand":
            self.cells[what["recloser"]].order(what["close"], t_us / 1e6)
        elif deed.kind == "console":
            self._typists[what["recloser"]].lines += what["lines"]
        elif deed.kind == "reboot":
            name = what["recloser"]
            self.firmware.off(name)
            self.net.bus.leave(name)
            self._typists[name] = Typist()
            self._mail[name] = []
            self._boot_us[name] = t_us + what["off_ms"] * 1000


def _no_sums(*_):
    raise ValueError("a recloser takes samples, no sums")


def run(plan: Plan, vm: bool = False, seed: int | None = None, on_event=None,
        on_progress=None) -> Result:
    return Run(plan, vm, seed).play(on_event, on_progress)
