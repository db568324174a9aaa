"""One controller in the simulation: its doors, its firmware, and what goes in and out in one
instant.

Runs unchanged on CPython and in the VM, so that the two rings differ in nothing but the
interpreter.
"""
from acu import app
from host_sim.board.doors import (
    SimClock,
    SimLink,
    SimStore,
    SimSwitchgear,
    SimWatchdog,
    SumsSampler,
)


class Unit:
    """spec: id, board, config, level ('wave' or 'quantity'), utc0_ms. ring: class of the wave
    sampler. ask(k0, n, phase, step, out): sums of this controller's present block, at quantity
    level."""

    def __init__(self, spec, ring, ask):
        self.spec = spec
        self._ring = ring
        self._ask = ask
        self.store = SimStore()
        self.clock = SimClock(spec["utc0_ms"])
        self.acu = None
        self.link = None
        self.hang_until_us = 0      # fault: the slow tier does not run until then
        self._seq = 0

    def boot(self, t_us, levels, up=True):
        """Power on. Returns the topic filters that the firmware subscribed."""
        board = self.spec["board"]
        self.clock.boot(t_us)
        pairs = tuple([tuple(p) for p in board["pairs"]])
        channels = len(board["channels"])
        if self.spec["level"] == "wave":
            size = 256
            while size * 1000 < board["ring_ms"] * board["rate_hz"]:
                size *= 2
            self.sampler = self._ring(channels, pairs, size, board["rate_hz"])
        else:
            self.sampler = SumsSampler(channels, pairs, board["rate_hz"], self._ask)
        self.switchgear = SimSwitchgear(len(board["outputs"]), len(board["inputs"]))
        self._levels(levels)
        self.link = SimLink()
        self.link.up = up
        self.watchdog = SimWatchdog(self.clock)
        self._seq = 0
        self.acu = app.build(board, self.spec["config"], self)
        return self.link.filters

    def off(self):
        self.acu = None

    def _levels(self, levels):
        for k in range(len(levels)):
            self.switchgear.levels[k] = levels[k]

    def instant(self, t_us, frames, levels, messages, slow, up):
        """frames: bytes of ADC codes, or at quantity level how many. messages: [(topic, payload)].
        Returns (drives, published, event lines)."""
        self.clock.set(t_us)
        self._levels(levels)
        self.link.up = up
        if isinstance(frames, int):
            self.sampler.block(frames)
        else:
            self.sampler.push(frames)
        acu = self.acu
        acu.fast(self.clock.ticks_us())
        if slow and t_us >= self.hang_until_us:
            for topic, payload in messages:
                acu.on_message(topic, payload)
            acu.slow(self.clock.now_ms())
        if self.watchdog.starved():
            self.hang_until_us = 0
            self.boot(t_us, levels, up)
            acu = self.acu
        sent = self.link.sent
        if sent:
            self.link.sent = []
        lines = []
        log = acu.log
        if log.seq != self._seq:
            for row in log.rows:
                if row[0] > self._seq:
                    lines.append(log.line(row))
            self._seq = log.seq
        return self.switchgear.take_drives(), sent, lines
