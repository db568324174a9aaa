"""The world's end of a virtual board inside the VM: what comes through the pipe at the wires.

The world (host_sim/virtual/world.py, CPython) sends levels of pins, a temperature, buttons, and
frames of codes for some whole periods, which the converter sees again and again at the real pace
until others come. It is told what the chip drives. Messages to the chip: kind, pin, length, body;
from the chip: lines of text. Runs in MicroPython only.
"""
import io
import select
import struct
import sys
from array import array

_HEAD = 4
_FRAME_US = 250
_LAG_US = 200_000       # so much is caught up; a slow computer loses the rest of its time


class RealTime:
    """Microseconds that go on with the wall clock, as far as the models keep pace."""

    def __init__(self, ticks_us, ticks_diff):
        self._ticks = ticks_us
        self._diff = ticks_diff
        self._last = ticks_us()
        self._us = 0
        self.chip = None
        self.lost_us = 0

    def __call__(self):
        now = self._ticks()
        self._us += self._diff(now, self._last)
        self._last = now
        late = self._us - self.chip.t_us - _LAG_US
        if late > 0:
            self._us -= late
            self.lost_us += late
        return self._us


class Wiring:
    """A device of the chip: looks into the pipe in every step of time."""

    def __init__(self, chip, source, sink):
        self.chip = chip
        self._in = source
        self._out = sink
        self._poll = select.poll()
        self._poll.register(source, select.POLLIN)
        self._table = array("H", [2048] * 8)
        self._frames = 1
        self.sensor = None          # a Ds18b20
        self.ready = False          # the world has told all it knows
        self._faults = 0
        self._head = bytearray(_HEAD)

    def reset(self):
        pass

    def run_to(self, t_us):
        self.listen(0)
        while self._faults < len(self.chip.faults):     # callbacks that the chip calls no more
            text = io.StringIO()
            sys.print_exception(self.chip.faults[self._faults], text)
            self.tell("F " + text.getvalue().strip().replace("\n", " | "))
            self._faults += 1

    def codes(self, channel, t_us):
        return self._table[t_us // _FRAME_US % self._frames << 3 | channel]

    def inner_codes(self, channel, t_us):
        """As the chip's own converter numbers them; 4 is its temperature sensor."""
        if channel == 4:
            return 876
        return self._table[t_us // _FRAME_US % self._frames << 3 | channel]

    def listen(self, ms):
        """Takes what is there; waits at most so long for it."""
        while self._poll.poll(ms):
            self.chip.relax()
            try:
                self._take()
            finally:
                self.chip.tighten()
            ms = 0

    def _take(self):
        head = self._in.read(_HEAD)
        if not head or len(head) < _HEAD:
            sys.exit(0)             # the world is gone
        kind, pin, n = struct.unpack("<BBH", head)
        body = self._in.read(n) if n else b""
        if kind == 76:              # L: a level, 2 is nobody
            level = body[0]
            self.chip.wires.outside(pin, None if level == 2 else level)
        elif kind == 70:            # F: frames
            self._table = array("H", body)
            self._frames = len(self._table) >> 3
        elif kind == 84 and self.sensor is not None:
            self.sensor.t_16 = struct.unpack("<h", body)[0]
        elif kind == 66:            # B: the BOOTSEL button
            self.chip.bootsel = bool(body[0])
        elif kind == 90:
            self.ready = True

    def tell(self, text):
        self.chip.relax()
        try:
            self._out.write((text + "\n").encode())     # at once: a Ctrl-C comes before or after
        finally:
            self.chip.tighten()

    def watch(self, pin):
        self.chip.wires.watch(pin, self._driven)

    def _driven(self, pin, level, t_us):
        # the pin's model has relaxed the chip already, and that does not nest
        self._out.write(("D %s %s\n" % (pin, "-" if level is None else level)).encode())
