"""One controller in the simulation: its doors, its firmware, and what goes in and out in one
instant.

Runs unchanged on CPython and in the VM, so that the two rings differ in nothing but the
interpreter.
"""
import gc

from acu import app
from host_sim.board.doors import (
    SimClock,
    SimLink,
    SimStore,
    SimSwitchgear,
    SimWatchdog,
    SumsSampler,
)

# A customer's controller on a bench, for who needs no board's own files: the link study, tests.
CUSTOMER = {
    "board": "bench", "kind": "customer", "roles": ("operator",), "rate_hz": 4000, "slot_ns": 2000,
    "u_peak_dv": 4500, "i_peak_ma": 100_000, "ring_ms": 500, "pairs": ((3, 4), (0, 1), (2, 0)),
    "channels": [{"name": name} for name in ("ua", "ub", "uc", "ul", "i")], "outputs": [0, 1, 2],
    "inputs": [0, 1, 2],
}

_EACH = 50          # of so many starts one looks at the whole process
_starts = [0]


class Apart:
    """with Apart(): a controller starts. Its collections are for a board; CPython's would go
    through all that the process has, a third of its time where many start: most of them see only
    what is new."""

    def __enter__(self):
        _starts[0] += 1
        self._apart = hasattr(gc, "freeze") and _starts[0] % _EACH != 0
        if self._apart:
            gc.freeze()

    def __exit__(self, *what):
        if self._apart:
            gc.unfreeze()


class Unit:
    """spec: id, board, config, level ('wave' or 'quantity'), utc0_ms, maybe files. ring: class of
    the wave sampler. ask(k0, n, phase, step, out): sums of this controller's present block, at
    quantity level. measuring: SimMeasuring, which is the default, or a class of its kind. rests:
    the slow tier is left out where the firmware says that it has nothing to do; the log is the
    same (tests/scenario/test_rest)."""

    def __init__(self, spec, ring, ask, measuring=None, rests=True):
        if measuring is None:
            from host_sim.board.measuring import SimMeasuring as measuring
        self.spec = spec
        self.measuring = measuring
        self._ring = ring
        self._ask = ask
        self._rests = rests
        self.store = SimStore()
        for name, data in spec.get("files", {}).items():    # what was provisioned, hexadecimal
            self.store.files[name] = bytes.fromhex(data)
        self.clock = SimClock(spec["utc0_ms"])
        self.acu = None
        self.link = None
        self.hang_until_us = 0      # fault: the slow tier does not run until then
        self.wake_ms = 0            # it rests until then, in the controller's own time
        self.passes = 0             # of the slow tier so far
        self._shown = []            # levels as they were last
        self._stirred = False       # an input or the link has changed since the last pass
        self._seq = 0
        self._keyboard = None       # somebody at the console, since the first key

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
            # a meter looks back into its ring; the numpy twin keeps one only for those who do
            self.sampler.keep_ring = self.spec["config"]["role"] == "meter"
        else:
            self.sampler = SumsSampler(channels, pairs, board["rate_hz"], self._ask)
        self.switchgear = SimSwitchgear(len(board["outputs"]), len(board["inputs"]))
        self._levels(levels)
        self.link = SimLink()
        self.link.up = up
        self.watchdog = SimWatchdog(self.clock)
        self.wake_ms = 0
        self._seq = 0
        self._keyboard = None
        with Apart():
            self.acu = app.build(board, self.spec["config"], self)
        self.told = hasattr(self.acu.measuring, "frames")   # it can also be told its readings
        return self.link.filters

    def off(self):
        self.acu = None

    def stored(self):
        """Records of samples around events in its store (acu/functions/capturing.py)."""
        files = self.store.files
        return [files[name] for name in sorted(files)
                if name[:3] == "cap" and name[3:].isdigit()]

    def keys(self, data):
        """Typed at its console; what it has said since the last call."""
        if self._keyboard is None:
            if not data:
                return b""
            from host_sim.board.keyboard import Keyboard
            self._keyboard = Keyboard(self)
        terminal = self._keyboard.terminal
        terminal.keys += data
        said = terminal.text
        terminal.text = b""
        return said

    def _levels(self, levels):
        self._shown = list(levels)
        now = self.switchgear.levels
        for k in range(len(levels)):
            if now[k] != levels[k]:
                now[k] = levels[k]
                self._stirred = True

    def instant(self, t_us, frames, levels, messages, slow, up):
        """frames: bytes of ADC codes, or at quantity level how many, or at phasor level a reading
        or None (measuring.py). messages: [(topic, payload)]. Returns (drives, published, event
        lines, wake_us): the controller may stay uncalled until wake_us; 0: not at all."""
        self.feed(t_us, frames, levels, up)
        self.acu.fast(self.clock.ticks_us())
        return self.finish(t_us, messages, slow)

    def feed(self, t_us, frames, levels, up):
        """What the doors show from now on."""
        self.show(t_us, levels, up)
        if isinstance(frames, int):
            self.acu.measuring.frames()
            self.sampler.block(frames)
        elif isinstance(frames, bytes):
            if self.told:
                self.acu.measuring.frames()
            self.sampler.push(frames)
        else:
            self.acu.measuring.read(frames)
            if t_us >= self.hang_until_us:
                self.watchdog.feed()    # as in finish(): it has slept until now

    def show(self, t_us, levels, up):
        """The doors but for the sampler."""
        self.clock.set(t_us)
        if levels != self._shown:
            self._levels(levels)
        if up != self.link.up:
            self.link.up = up
            self._stirred = True

    def finish(self, t_us, messages, slow):
        """The slow tier, if it is its turn, and what has come of this instant."""
        acu = self.acu
        if slow and t_us >= self.hang_until_us:
            now_ms = self.clock.now_ms()
            if messages or now_ms >= self.wake_ms or self._stirred or acu.stirred():
                if self.wake_ms:
                    acu.rested(now_ms)
                for topic, payload in messages:
                    acu.on_message(topic, payload)
                acu.slow(now_ms)
                self.passes += 1
                self._stirred = False
                rest_ms = acu.rest_ms(now_ms) if self._rests else 0
                self.wake_ms = now_ms + rest_ms if rest_ms > 0 else 0
            else:
                self.watchdog.feed()    # a main loop that sleeps in pieces does
            if self._keyboard is not None:
                self._keyboard.poll(now_ms)
        if self.watchdog.starved():
            self.hang_until_us = 0
            self.boot(t_us, list(self.switchgear.levels), self.link.up)
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
        wake_us = self.clock.us_of(self.wake_ms) if self.wake_ms else 0
        gear = self.switchgear
        return gear.take_drives() if gear.given else (), sent, lines, wake_us
