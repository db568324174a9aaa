"""The doors of acu/ports.py as plain objects that are fed from outside once an instant.

Runs unchanged on CPython and inside the MicroPython VM (so no numpy, no annotations that need
imports). Nothing here knows the world: the runner, or the VM's pipe, carries values in and out.
"""
from array import array

try:
    from time import ticks_diff  # type: ignore[attr-defined]
except ImportError:  # CPython has no wrapping ticks
    def ticks_diff(a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

_DRIVES = 64


class SimClock:
    """Virtual time. Ticks start shortly before their wrap, so that every run crosses it."""

    TICK0 = (1 << 30) - 3_000_000

    def __init__(self, utc0_ms):
        self._utc0_ms = utc0_ms
        self._boot_us = 0
        self.t_us = 0
        self._ticks = 0
        self.error_ms = 0           # of the device's own real-time clock
        self.ticks_diff = ticks_diff

    def boot(self, t_us):
        self._boot_us = t_us
        self.set(t_us)

    def set(self, t_us):
        self.t_us = t_us
        self._ticks = (t_us + self.TICK0) & 0x3FFFFFFF

    def now_ms(self):
        return (self.t_us - self._boot_us) // 1000

    def ticks_us(self):
        return self._ticks

    def us_of(self, now_ms):
        """Time of the run at which now_ms() says so."""
        return self._boot_us + now_ms * 1000

    def utc_ms(self):
        return self._utc0_ms + self.t_us // 1000 + self.error_ms


class SumsSampler:
    """Quantity level: sums instead of frames. ask(k0, n, phase, step, out) adds those of this
    block."""

    ring = None         # there are no samples to look back at

    def __init__(self, channels, pairs, rate_hz, ask):
        self.channels = channels
        self.pairs = pairs
        self.rate_hz = rate_hz
        self.overruns = 0
        self._ask = ask
        self._n = 0
        self._taken = 0

    def block(self, n):
        """A new block of n frames; what was not taken of the last one is lost."""
        self.overruns += self._n - self._taken
        self._n = n
        self._taken = 0

    def ready(self):
        return self._n - self._taken

    def take(self, n, ref, out):
        self._ask(self._taken, n, ref[0], ref[1], out)
        self._taken += n
        ref[0] = (ref[0] + n * ref[1]) & 0xFFFFFF


class SimSwitchgear:
    """Orders out, contact levels in. drive() allocates nothing: it is called from the fast
    tier."""

    def __init__(self, outputs, inputs):
        self.outputs = outputs
        self.inputs = inputs
        self.levels = array("i", [0] * max(inputs, 1))
        self._orders = array("b", [0] * (2 * _DRIVES))
        self.given = 0          # orders since take_drives()

    def drive(self, output, level):
        n = self.given
        if n < _DRIVES:
            self._orders[2 * n] = output
            self._orders[2 * n + 1] = level
            self.given = n + 1

    def feedback(self, k):
        return self.levels[k]

    def take_drives(self):
        """[(output, level)] since the last call."""
        out = [(self._orders[2 * k], self._orders[2 * k + 1]) for k in range(self.given)]
        self.given = 0
        return out


class SimLink:
    """Messages out; `up` is what the network says of this node's connection. What it takes is
    delivered or lost, never confirmed."""

    trusted = True      # nobody is on the simulated network but the simulation
    acks = ()
    session = cause = 0

    def __init__(self):
        self.up = True
        self.filters = []
        self.sent = []

    def publish(self, topic, payload, qos, retain):
        if not self.up:
            return False
        self.sent.append((topic, payload, qos, retain))
        return True

    def subscribe(self, topic_filter):
        self.filters.append(topic_filter)


class SimStore:
    """Named records in memory; outlives the controller's restarts. The calls of a board's
    FlashStore (acu/drivers/flash_store.py)."""

    failed = code = shed = 0

    def __init__(self):
        self.files = {}

    def read(self, name, at=0, n=-1):
        raw = self.files.get(name)
        if raw is None or at == 0 and n < 0:
            return raw
        return raw[at:] if n < 0 else raw[at:at + n]

    def write(self, name, data):
        self.files[name] = bytes(data)
        return True

    def append(self, name, data):
        self.files[name] = self.files.get(name, b"") + data
        return True

    def size(self, name):
        return len(self.files[name]) if name in self.files else -1

    def names(self):
        return sorted(self.files)

    def remove(self, name):
        return self.files.pop(name, None) is not None

    def complaint(self):
        return ""


class SimWatchdog:
    """Starts with the controller; not to be stopped, as on an RP2040."""

    PERIOD_MS = 8_388       # the longest that an RP2040 allows

    def __init__(self, clock):
        self._clock = clock
        self._fed_ms = clock.now_ms()

    def feed(self):
        self._fed_ms = self._clock.now_ms()

    def starved(self):
        return self._clock.now_ms() - self._fed_ms > self.PERIOD_MS
