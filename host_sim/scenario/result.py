"""What a run leaves behind: plain values that reports, checks and plots read."""
from dataclasses import dataclass, field

from host_sim.world.trace import Trace


@dataclass
class RunResult:
    """One finished run. Times are simulation microseconds from 0 unless the name says
    otherwise."""

    name: str
    seed: int
    level: str                                     # 'wave', 'quantity' or 'phasor'
    python: str                                    # 'cpython' or 'vm'
    panel: list = field(default_factory=list)      # (t_us, short string), each change once
    events: list = field(default_factory=list)     # (t_us, acu id, line) in order of appearance
    messages: list = field(default_factory=list)   # (t_us, topic, payload bytes) seen by the SCC
    # (t_us, sender, topic, payload bytes) all published
    bus: list = field(default_factory=list)
    contacts: list = field(default_factory=list)   # (t_us, customer id, phase 0..2, closed 0/1)
    drives: list = field(default_factory=list)     # (t_us, acu id, output, level)
    # (t_us, (ua, ub, uc) in V) at each change of supply
    supply: list = field(default_factory=list)
    # lists: t_ms, u_v0..2, s_va0..2, i_peak0..2 at the post
    trace: dict = field(default_factory=dict)
    # all that the world kept of itself: breakers, voltages of a feeder, states for its map
    record: Trace = field(default_factory=lambda: Trace([]))
    # samples that meters recorded around events: acu id -> records (captures.py)
    captures: dict = field(default_factory=dict)
    broker: dict = field(default_factory=dict)      # what went through a real one (brokered.py)
    wall_s: float = 0.0
    run_us: int = 0

    def event_log(self) -> str:
        """The event log as text, one line an event; byte-identical in both Pythons."""
        return "".join(line + "\n" for _, _, line in self.events)
