"""A scenario as plain values, complete and checked: what load.py makes and the runner plays."""
from dataclasses import dataclass, field

from host_sim.scenario.schema import ExpectForm
from host_sim.world.spec import StreetSpec, ZoomSpec


@dataclass(frozen=True)
class Acu:
    """One controller: its board and its complete settings, as the firmware takes them."""

    id: str
    role: str
    customer: str
    board: dict
    config: dict


@dataclass(frozen=True)
class Network:
    delay_ms: int
    jitter_ms: int
    loss_pct: float
    dup_pct: float
    reorder_pct: float


@dataclass(frozen=True)
class Event:
    """Something that happens at t_us. `args` are keyword arguments for who handles this kind:

    world   Street.set: name, value, and acu, phase 0..2, channel, for_ms where given
    reboot  acu, off_ms
    link    acu, for_ms; delay_ms jitter_ms loss_pct dup_pct reorder_pct partition if given
    scc     type, body: a message from the supervisory centre to the Coordinator
    clock   acu, step_ms
    hang    acu, for_ms: its slow tier does not run; the watchdog may end it
    """

    t_us: int
    kind: str
    args: dict


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    seed: int
    run_us: int
    start_utc_ms: int
    level: str                      # 'wave', 'quantity' or 'phasor'
    sc: str
    street: StreetSpec
    acus: tuple[Acu, ...]           # ordered by id
    network: Network
    events: tuple[Event, ...]       # ordered by time, then as written
    expect: ExpectForm = field(default_factory=ExpectForm)
    zoom: ZoomSpec = field(default_factory=ZoomSpec)

    def operators(self) -> list[Acu]:
        return [a for a in self.acus if a.role == "operator"]

    def branches(self) -> list[Acu]:
        """Sub-Coordinators with a breaker."""
        return [a for a in self.acus if a.board["kind"] == "branch"]

    def coordinator(self) -> Acu:
        return next(a for a in self.acus if a.role == "coordinator")
