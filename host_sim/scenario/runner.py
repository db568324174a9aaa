"""Runs a scenario: the street, the controllers in either Python, the network, the centre
(architecture, 'One instant'). Returns what happened as a RunResult and judges nothing.
"""
import time
from collections.abc import Callable

from acu import config as acu_config
from acu import messages
from host_sim.board.bus import Bus
from host_sim.board.firmware import Firmware
from host_sim.board.jobs import JobsFirmware
from host_sim.board.twinned import TwinFirmware
from host_sim.scenario.leaping import Leaping, zoom_of
from host_sim.scenario.load import Event, Scenario
from host_sim.scenario.result import RunResult
from host_sim.scenario.scc import Scc
from host_sim.vm.client import VmFirmware
from host_sim.world.leap import LeapStreet
from host_sim.world.street import Street

STEP_US = 5_000
SCC = "scc"


class Run:
    """One run, steerable instant by instant; `run()` drives it from start to end."""

    def __init__(self, scenario: Scenario, seed=None, level=None, vm=False, twin=True,
                 rests=True, jobs=1, net=None):
        """net: a real network instead of the simulated one (over_broker.OverBroker)."""
        self.scenario = scenario
        self._net = net
        self.seed = scenario.seed if seed is None else seed
        self.level = level or scenario.level
        leaps = self.level == "phasor"
        self._fine = zoom_of(scenario)[0] if leaps else self.level
        self.street = (LeapStreet if leaps else Street)(scenario.street, self.seed, self._fine)
        self.bus: Bus = (net.bus if net else Bus)(
            self.seed, scenario.network.delay_ms, scenario.network.jitter_ms)
        self.scc = Scc(scenario.sc)
        self.specs: dict[str, dict] = {
            a.id: {"id": a.id, "board": a.board, "config": a.config, "level": self._fine,
                   "utc0_ms": scenario.start_utc_ms, "files": net.files(a.id) if net else {}}
            for a in scenario.acus}
        specs = [self.specs[name] for name in sorted(self.specs)]
        self.firmware: Firmware | JobsFirmware | VmFirmware
        if vm:
            self.firmware = VmFirmware(specs, self._ask)
        elif jobs > 1 and self.level == "wave":
            self.firmware = JobsFirmware(specs, self.street.blocks, rests)
        elif twin:
            self.firmware = TwinFirmware(specs, self._ask, self.street.blocks, rests)
        else:
            self.firmware = Firmware(specs, self._ask, twin, rests)
        self.result = RunResult(scenario.name, self.seed, self.level, self.firmware.python)
        self.result.run_us = scenario.run_us
        self.t_us = 0
        self._names = sorted(self.specs)
        self._rate = {acu.id: acu.rate_hz for acu in scenario.street.acus}
        self._n_frames: dict[int, int] = {}      # by rate, of the present block
        self._on: set[str] = set()
        self._off_until = dict.fromkeys(self.specs, 0)
        self._inbox: dict[str, list] = {name: [] for name in self.specs}
        self._events = list(scenario.events)
        self._reverts: list = []
        self._scc_n = 0
        for name in (*self.specs, SCC):
            self.bus.join(name, [], 0)
        net = scenario.network
        for link in self.bus.links.values():
            link.loss_pct, link.dup_pct = net.loss_pct, net.dup_pct
            link.reorder_pct = net.reorder_pct
        man = f"slvg/1/man/{scenario.sc}"
        self.bus.join(SCC, [f"{man}/up/+", f"{man}/st"], 0)

        self.leaping = Leaping(self, self.street) if isinstance(self.street, LeapStreet) else None

    def _ask(self, name, k0, n, phase, step, out):
        self.street.sums(name, k0, n, phase, step, self.specs[name]["board"]["pairs"], out)

    # -- one instant

    def step(self):
        """World, samplers, controllers by id, switchgear, network; then the centre's view."""
        if self.leaping:
            return self.leaping.step()
        t_us = self.t_us = self.t_us + STEP_US
        self.apply_events(t_us)
        self.street.step(t_us)
        self.new_block()
        slow = t_us % (2 * STEP_US) == 0
        self.collect(t_us)
        work = []
        for name in self._names:
            if self.powered(name, t_us):
                if name not in self._on:
                    self.boot(name, t_us)
                work.append(self.entry(name, self.frames(name), slow))
        self.exchange(t_us, slow, work)

    def new_block(self):
        self._n_frames.clear()

    def collect(self, t_us: int) -> list[str]:
        """Delivers what has come over the network by now; the controllers that got something."""
        arrived = self.bus.deliver(t_us)
        for topic, payload in arrived.pop(SCC, ()):
            self._hear(t_us, topic, payload)
        for name, came in arrived.items():
            self._inbox[name] += came
        return list(arrived)

    def frames(self, name: str):
        """Of the block that has just passed: codes, or how many where they are fetched."""
        if self._fine == "wave" and not self.firmware.pulls:
            return self.street.codes(name)
        rate = self._rate[name]
        n = self._n_frames.get(rate)
        if n is None:
            n = self._n_frames[rate] = self.street.n_frames(name)
        return n

    def entry(self, name: str, seen, slow: bool) -> tuple:
        """What a controller is called with. seen: frames or a reading."""
        arrived = []
        if slow and self._inbox[name]:
            arrived, self._inbox[name] = self._inbox[name], []
        return name, seen, self.street.inputs(name), arrived, self.bus.up(name)

    def exchange(self, t_us: int, slow: bool, work: list) -> list[int]:
        """Calls the controllers of `work`, then switchgear and network. Until when each may stay
        uncalled."""
        done = self.firmware.instant(t_us, slow, work)
        result = self.result
        spoke = []
        for entry, (drives, sent, lines, _) in zip(work, done, strict=True):
            name = entry[0]
            for output, level in drives:
                self.street.drive(name, output, level, t_us)
                result.drives.append((t_us, name, output, level))
            for line in lines:
                result.events.append((t_us, name, line))
            if sent:
                spoke.append((name, sent))
        for name, sent in spoke:
            for topic, payload, qos, retain in sent:
                result.bus.append((t_us, name, topic, bytes(payload)))
                self.bus.publish(t_us, name, topic, bytes(payload), retain, qos)
        return [wake_us for _, _, _, wake_us in done]

    def settings(self, name: str) -> dict:
        """All settings of a controller, those not given by their defaults."""
        return acu_config.check(self.specs[name]["config"])[0]

    def off_until(self, name: str) -> int:
        return self._off_until[name]

    def next_event_us(self) -> int | None:
        """When the scenario orders something next."""
        times = [entry[0] for entry in self._reverts[:1]]
        times += [event.t_us for event in self._events[:1]]
        return min(times, default=None)

    def powered(self, name: str, t_us: int) -> bool:
        """Off without supply once the hold-up is empty, and while a reboot lasts."""
        if self.street.powered(name) and t_us >= self._off_until[name]:
            return True
        if name in self._on:
            self._on.remove(name)
            self._inbox[name] = []
            self.bus.leave(name)
            self.firmware.off(name)
        return False

    def boot(self, name: str, t_us: int):
        filters = self.firmware.boot(name, t_us, self.street.inputs(name), self.bus.up(name))
        self._on.add(name)
        self.bus.join(name, filters, t_us)

    # -- what the scenario orders

    def apply_events(self, t_us: int):
        """Those of the coming block; the world places its own in it, others act at its start."""
        while self._reverts and self._reverts[0][0] < t_us:
            _, link, before = self._reverts.pop(0)
            for key, value in before.items():
                setattr(link, key, value)
        while self._events and self._events[0].t_us < t_us:
            self._act(self._events.pop(0), t_us)

    def happen(self, kind: str, **args):
        """Now, what a scenario's event of this kind would do (load.Event); to steer a run."""
        event = Event(self.t_us, kind, args)
        if self.leaping:
            self.leaping.expect(event)
        self._act(event, self.t_us)

    def _act(self, event: Event, t_us: int):
        args = dict(event.args)
        if event.kind == "world":
            self.street.set(args.pop("name"), args.pop("value"), at_us=event.t_us, **args)
        elif event.kind == "reboot":
            # at least one instant
            self._off_until[args["acu"]] = max(event.t_us + args["off_ms"] * 1000, t_us + 1)
        elif event.kind == "link":
            self._set_link(event.t_us, args)
        elif event.kind == "hang":
            self.firmware.hang(args["acu"], event.t_us + args["for_ms"] * 1000)
        elif event.kind == "clock":
            self.firmware.set_clock_error(args["acu"], args["step_ms"])
        elif event.kind == "scc":
            self.order(args["type"], args["body"])

    def _set_link(self, t_us: int, args: dict):
        link = self.bus.links[args.pop("acu")]
        for_ms = args.pop("for_ms", 0)
        before = {key: getattr(link, key) for key in args}
        for key, value in args.items():
            setattr(link, key, value)
        if for_ms:
            self._reverts.append((t_us + for_ms * 1000, link, before))
            self._reverts.sort(key=lambda entry: entry[0])

    def order(self, t: str, body: dict, nonce: int = 0):
        """A message from the centre to the Coordinator. nonce: of its question that this
        answers."""
        self._scc_n += 1
        ts = self.scenario.start_utc_ms + self.t_us // 1000
        n = self._scc_n
        cd = self.scenario.coordinator().id
        raw = messages.encode(t, SCC, cd, n, n, ts, body,
                              lambda text: self._net.sign(cd, text) if self._net else "0" * 16,
                              self._scc_n, -nonce if nonce else ts + 10_000)
        self.bus.publish(self.t_us, SCC, f"slvg/1/man/{self.scenario.sc}/dn/{t}", raw, 0, 1)

    def _hear(self, t_us: int, topic: str, payload: bytes):
        self.result.messages.append((t_us, topic, payload))
        self.scc.on_message(t_us, topic, payload)
        if topic.endswith("/time.req"):     # its keys are real, so its time has to be the centre's
            asked = messages.decode(payload)
            if asked:
                self.order("time", {"utc_ms": self.scenario.start_utc_ms + t_us // 1000,
                                    "src": "ntp"}, asked["b"]["nonce"])
        shown = self.scc.short()
        if shown and (not self.result.panel or self.result.panel[-1][1] != shown):
            self.result.panel.append((t_us, shown))

    def finish(self) -> RunResult:
        self.firmware.close()
        if self._net:
            self.result.broker = self._net.close()
        self.result.contacts = self.street.contacts
        self.result.supply = self.street.supply
        self.result.trace = self.street.trace
        self.result.record = self.street.record
        return self.result


def run(scenario: Scenario, seed: int | None = None, level: str | None = None, vm: bool = False,
        on_panel: Callable | None = None, on_event: Callable | None = None,
        on_progress: Callable | None = None, pace: Callable | None = None,
        twin: bool = True, jobs: int = 1, net=None) -> RunResult:
    """The whole scenario.

    on_panel(t_us, scc) at each change of the panel, on_event(t_us, acu, line),
    on_progress(t_us, run_us) every 100 ms of the street's time, pace(t_us) before each instant.
    jobs: processes to share the controllers between, 1 or 2; more than 1 at level wave only."""
    began = time.perf_counter()
    one = Run(scenario, seed, level, vm, twin, jobs=jobs, net=net)
    shown = said = progress_us = 0
    if pace and one.leaping:
        one.leaping.longest_us = 100_000
    try:
        while one.t_us < scenario.run_us:
            if pace:
                pace(one.t_us)
            one.step()
            result = one.result
            if on_event:
                for entry in result.events[said:]:
                    on_event(*entry)
                said = len(result.events)
            if on_panel and len(result.panel) != shown:
                shown = len(result.panel)
                on_panel(one.t_us, one.scc)
            if on_progress and one.t_us - progress_us >= 100_000:
                progress_us = one.t_us
                on_progress(one.t_us, scenario.run_us)
        one.result.captures = {acu.id: one.firmware.stored(acu.id) for acu in scenario.acus
                               if acu.role == "meter"}
    finally:
        result = one.finish()
        result.wall_s = time.perf_counter() - began
    return result
