"""Plays a microgrid's scenario: island -> codes or readings -> the whole firmware -> contacts and
set-points -> devices on the bus -> island.

Time leaps (docs/simulator.md): the controller sees ADC codes, 5 ms an instant, for look_us before
each of its steps, while its firmware says that it may not rest, and while one of its channels has
a fault; between, it is told what it has measured. The island turns in whole seconds. Devices tell
their state every state_s and answer each set-point. Same plan, same log, in either Python.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from acu import messages
from host_sim.board.bus import Bus
from host_sim.board.firmware import Firmware
from host_sim.scenario.microgrid_plan import STEP_US, Deed, Plan
from host_sim.scenario.one_acu import Typist
from host_sim.vm.client import VmFirmware
from host_sim.waveform.island_front import IslandFront
from host_sim.world.island import DEVICES, SECOND_US, Island

SLOW_US = 10_000
_TIME_US = 60_000_000          # the centre tells the time
_CENTRE = "cd"
_NULL_CODE = "0" * 16
_NOTE_S = 60                   # a row of the trace


@dataclass
class Result:
    """Times in us of the run. reports: what the controller told of itself, with the island's true
    energies (mW s of PV, load, diesel set, not supplied; nano-EUR s) at that moment."""
    plan: Plan
    python: str
    island: Island
    events: list[tuple[int, str]] = field(default_factory=list)
    messages: list[tuple[int, str, bytes]] = field(default_factory=list)
    reports: list[tuple[int, dict, tuple]] = field(default_factory=list)
    console: str = ""
    # rows: s, then W: pv_could, pv, load_would, load, diesel, battery, hydrogen; kWh of the stores
    trace: list[list[float]] = field(default_factory=list)
    drives: list[tuple[int, int, int]] = field(default_factory=list)
    instants: int = 0
    fine: int = 0                # of them, with codes
    wall_s: float = 0.0

    def event_log(self) -> str:
        return "".join(line + "\n" for _, line in self.events)


class Run:
    def __init__(self, plan: Plan, vm: bool = False, seed: int | None = None):
        seed = plan.seed if seed is None else seed
        self._plan = plan
        self.island = Island(plan.plant, plan.pv_mw, plan.load_mw, plan.diesel_start_s)
        self.front = IslandFront(plan.id, plan.board, seed, plan.front, plan.load_pf)
        self.bus = Bus(seed, plan.network["delay_ms"], plan.network["jitter_ms"])
        spec = {"id": plan.id, "board": plan.board, "config": plan.config, "level": "wave",
                "utc0_ms": plan.start_utc_ms}
        self.firmware = (VmFirmware([spec], _no_sums) if vm else
                         Firmware([spec], _no_sums, twin=True))
        self.result = Result(plan, self.firmware.python, self.island)
        self._net = f"slvg/1/slv/{plan.config['sc']}/{plan.config['uc']}/"
        for name in DEVICES:
            self.bus.join(name, [f"{self._net}{name}/dn/+"], 0)
        self.bus.join(_CENTRE, [f"{self._net}{plan.id}/up/+"], 0)
        self._n = dict.fromkeys((*DEVICES, _CENTRE), 0)
        self._deeds = list(plan.deeds)
        self._silent: set[str] = set()
        self._lim = dict.fromkeys(DEVICES, 0)      # as each told it last
        self._typist = Typist()
        self._fine = False
        self._wake_us = 0              # the firmware may rest until then; 0: not at all
        self._running = False
        self._boot_us: int | None = 0  # without supply until then; None: it runs
        self._booted_us = 0
        self._step_us = plan.settings["mg_step_s"] * SECOND_US
        self._mail: list[tuple[str, bytes]] = []
        self._levels: list[int] = []
        self._moved = False            # what it measures has changed since it was called
        self._noted_s = -_NOTE_S

    def play(self, on_event: Callable[[int, str], None] | None = None,
             on_progress: Callable[[int, int], None] | None = None) -> Result:
        began_s = time.monotonic()
        out, run_us = self.result, self._plan.run_us
        t_us = 0
        try:
            while t_us <= run_us:
                self._instant(t_us, on_event)
                out.instants += 1
                if on_progress and out.instants % 1000 == 0:
                    on_progress(t_us, run_us)
                t_us = self._next_us(t_us)
        finally:
            self.firmware.close()
        out.console = self._typist.said
        out.wall_s = round(time.monotonic() - began_s, 3)
        return out

    # -- when

    def _next_us(self, t_us: int) -> int:
        """The next instant at which anything can happen."""
        if self._fine:
            return t_us + STEP_US
        second = t_us // SECOND_US + 1
        state_s = self._plan.state_s
        due = [(second + state_s - 1) // state_s * state_s * SECOND_US]
        if self.island.settling() or self._moves(second):
            due.append(second * SECOND_US + SLOW_US)
        if self._running:
            due += [self._wake_us, self._look_us(t_us)]
        if self._boot_us is not None:
            due.append(self._boot_us)
        if self._deeds:
            due.append(self._deeds[0].t_us)
        arrival = self.bus.next_us()
        if arrival is not None:
            due.append(arrival)
        return max(-(-min(due) // SLOW_US) * SLOW_US, t_us + SLOW_US)

    def _look_us(self, t_us: int) -> int:
        """When it looks closely the next time: before each step of dispatch."""
        own_us = t_us - self._booted_us
        return (self._booted_us + (own_us + self._plan.look_us) // self._step_us * self._step_us
                + self._step_us - self._plan.look_us)

    def _looking(self, t_us: int) -> bool:
        own_us = t_us - self._booted_us
        return (self._step_us - own_us % self._step_us <= self._plan.look_us
                or own_us % self._step_us < SLOW_US)

    def _moves(self, second: int) -> bool:
        """PV or load change with this second."""
        plan = self._plan
        return any(course(second) != course(second - 1) for course in (plan.pv_mw, plan.load_mw))

    # -- one instant

    def _instant(self, t_us: int, on_event) -> None:
        self._turn(t_us)
        while self._deeds and self._deeds[0].t_us <= t_us:
            self._do(t_us, self._deeds.pop(0))
        slow = t_us % SLOW_US == 0
        if slow:
            self._post(t_us)
        levels = self.island.levels()
        if self._boot_us is not None:
            if t_us >= self._boot_us:
                self._boot(t_us, levels)
            return
        changed = levels != self._levels
        self._levels = levels
        due = self._fine or (slow and (
            self._mail or changed or self._moved or t_us >= self._wake_us or self._looking(t_us)
            or self._typist.busy()))
        if not due or t_us == self._booted_us:
            return
        self._moved = False
        frames = self._frames(t_us)
        mail: list[tuple[str, bytes]] = []
        if slow:
            mail, self._mail = self._mail, []
            self._type(t_us)
        (drives, sent, lines, self._wake_us), = self.firmware.instant(
            t_us, slow, [(self._plan.id, frames, levels, mail, self.bus.up(self._plan.id))])
        for output, level in drives:
            self.island.drive(output, level == 1)
            self.result.drives.append((t_us, output, level))
        for topic, payload, _, retain in sent:
            self.result.messages.append((t_us, topic, bytes(payload)))
            self.bus.publish(t_us, self._plan.id, topic, bytes(payload), retain)
            if topic.endswith("/mg.rep"):
                self._report(t_us, bytes(payload))
        for line in lines:
            self.result.events.append((t_us, line))
            if on_event:
                on_event(t_us, line)
        if slow:
            self._level(t_us)

    def _frames(self, t_us: int):
        if not self._fine:
            return self.front.reading(t_us)
        self.result.fine += 1
        return self.front.codes(t_us, (self.island.now_s) * SECOND_US)

    def _level(self, t_us: int) -> None:
        """Codes or readings from here on; after a slow pass, when no window waits."""
        fine = (self._wake_us == 0 or self._looking(t_us + SLOW_US) or self.front.faulty()
                or self._typist.busy())
        if fine and not self._fine:
            self.front.look(t_us)
        elif self._fine and not fine:
            self.front.leave(t_us)
        self._fine = fine

    def _turn(self, t_us: int) -> None:
        """The island, up to and with the second that begins before t_us."""
        island = self.island
        while island.now_s * SECOND_US < t_us:
            now_s = island.now_s
            if island.step() or now_s == 0:
                flow = island.flow
                self.front.learn(now_s * SECOND_US, flow["pv"], flow["load"], flow["diesel"])
                self._moved = True
            if now_s - self._noted_s >= _NOTE_S:
                self._noted_s = now_s
                self._note(now_s)

    def _note(self, now_s: int) -> None:
        flow, plant = self.island.flow, self.island.plant
        self.result.trace.append([
            now_s, *(flow[k] / 1000 for k in ("pv_could", "pv", "load_would", "load", "diesel",
                                              "battery", "hydrogen")),
            plant.battery.e_mwh / 1e6, plant.hydrogen.e_mwh / 1e6])

    def _boot(self, t_us: int, levels: list[int]) -> None:
        self._boot_us = None
        self._booted_us = t_us
        self._levels = levels
        filters = self.firmware.boot(self._plan.id, t_us, levels, True)
        self.bus.join(self._plan.id, filters, t_us)
        self._running, self._fine, self._wake_us = True, True, 0
        self.front.look(t_us)

    def _do(self, t_us: int, deed: Deed) -> None:
        island, what = self.island, deed.what
        if deed.kind == "freeze":
            names = [channel["name"] for channel in self._plan.board["channels"]]
            self.front.end.channels[names.index(what[0])].freeze(deed.on)
            self.front.touch()
            self._wake_us = 0
        elif deed.kind == "silent":
            (self._silent.add if deed.on else self._silent.discard)(what[0])
        elif deed.kind == "told":
            if deed.on:
                island.told_pct[what[0]] = what[1]
            else:
                island.told_pct.pop(what[0], None)
        elif deed.kind in ("no_start", "gas", "stop"):
            setattr(island, deed.kind, deed.on)
        elif deed.kind == "link_lost":
            self.bus.links[self._plan.id].partition = deed.on
            self._wake_us = 0
        elif deed.kind == "console":
            self._typist.lines += what[0]
            self._wake_us = 0
        elif deed.kind == "reboot":
            self.firmware.off(self._plan.id)
            self.bus.leave(self._plan.id)
            island.released()
            self._typist = Typist()
            self._mail = []
            self._running = self._fine = False
            self._boot_us = t_us + max(what[0] * 1000 // SLOW_US, 1) * SLOW_US

    # -- the bus

    def _post(self, t_us: int) -> None:
        """Devices and the centre speak; what has arrived is read."""
        whole = t_us % SECOND_US == 0 and t_us // SECOND_US % self._plan.state_s == 0
        for name in DEVICES:
            lim = self.island.told(name)["lim"]
            if whole or lim != self._lim[name]:
                self._lim[name] = lim
                self._tell(t_us, name, 0)
        if t_us % _TIME_US == 0:
            utc_ms = self._plan.start_utc_ms + t_us // 1000
            self._say(t_us, _CENTRE, f"{self._net}all/dn/", "time", "*",
                      {"utc_ms": utc_ms, "src": _CENTRE})
        for node, arrived in self.bus.deliver(t_us).items():
            if node == self._plan.id:
                if self._running:
                    self._mail += arrived
            elif node != _CENTRE:
                for _, payload in arrived:
                    self._obey(t_us, node, payload)

    def _obey(self, t_us: int, name: str, payload: bytes) -> None:
        msg = messages.decode(payload)
        if msg is None or msg["t"] != "mg.set" or name in self._silent:
            return
        body = msg["b"]
        self.island.point(name, body["on"], body["p_mW"], t_us + body["lease_s"] * SECOND_US)
        self._tell(t_us, name, msg["c"])

    def _tell(self, t_us: int, name: str, c: int) -> None:
        if name not in self._silent:
            self._say(t_us, name, f"{self._net}{name}/up/", "mg.st", self._plan.id,
                      self.island.told(name), c)

    def _say(self, t_us: int, who: str, base: str, kind: str, dst: str, body: dict,
             c: int = 0) -> None:
        self._n[who] += 1
        n = self._n[who]
        utc_ms = self._plan.start_utc_ms + t_us // 1000
        self.bus.publish(t_us, who, base + kind, messages.encode(
            kind, who, dst, n & 0xFFFF, c, utc_ms, body, lambda raw: _NULL_CODE, n,
            utc_ms + 10_000))

    def _report(self, t_us: int, payload: bytes) -> None:
        msg = messages.decode(payload)
        if msg is not None:
            island = self.island
            sums = island.plant.totals
            self.result.reports.append((t_us, msg["b"], (
                island.pv_mws, island.load_mws, sums.diesel_mws, sums.pns_mws, sums.cost_neur_s)))

    def _type(self, t_us: int) -> None:
        typist = self._typist
        typist.type(t_us, self.firmware.keys, self._plan.id)
        if typist.idle(t_us):
            typist.open = False


def _no_sums(*_):
    raise ValueError("a microgrid takes samples or readings, no sums")


def run(plan: Plan, vm: bool = False, seed: int | None = None, on_event=None,
        on_progress=None) -> Result:
    return Run(plan, vm, seed).play(on_event, on_progress)
