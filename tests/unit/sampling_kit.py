"""A modelled RP2040 whose converters say which channel a code is of and when it was taken, and
what the tests of both sampling drivers do with it."""
from array import array

from host_sim.chips import machine_shim, mcp3208, rp2040

PAIRS = ((0, 1), (0, 1), (0, 1))
FRAME_US = 250


def marked(channel, t_us):
    """Twelve bits: the channel, and the quarter millisecond modulo 512."""
    return channel | t_us // FRAME_US % 512 << 3


class Bench:
    """One chip with a driver on it, and who takes its frames."""

    def __init__(self, codes=marked, mcp=None):
        self.chip = machine_shim.Chip("rp2040")
        self.parts = rp2040.fit(self.chip, codes, mcp)
        if mcp is not None:
            mcp3208.on_wires(mcp, self.chip.wires)
        machine_shim.install(self.chip)
        self.ref = array("i", [0, 0])
        self.out = array("i", [0] * 27)
        self.taken = 0
        self.gaps = 0           # places where frames do not follow one another
        self.last = -1

    def start(self, ring):
        self.ring = ring
        ring.start()
        self.t0_us = self.chip.t_us

    def wait(self, us):
        self.chip.run_to(self.chip.t_us + us)

    def tick(self, order):
        """What the fast tier does, with the heap locked; looks at every frame on the way. order:
        channels in the places of a frame."""
        ring = self.ring
        got = [0]

        def look(_):
            got[0] = ring.ready()

        assert self.chip.call(look, None, True), self.chip.faults
        n = got[0]
        self.taken += n
        while n:
            m = min(n, 127)
            for k in range(m):
                at = ((ring.tail + k) & (ring.size - 1)) << 3
                first = ring.ring[at] >> 3
                for c in range(8):
                    code = ring.ring[at + c]
                    assert code & 7 == order[c], (c, code & 7, ring.tail + k)
                    assert (code >> 3) - first & 511 <= 1
                if self.last >= 0 and first - self.last & 511 != 1:
                    self.gaps += 1
                self.last = first
            for k in range(27):
                self.out[k] = 0
            ring.take(m, self.ref, self.out)
            n -= m
        return got[0]

    def run(self, ms, order, tick_ms=5):
        for _ in range(ms // tick_ms):
            self.wait(1000 * tick_ms)
            self.tick(order)

    def owed(self):
        """Frames by time less frames that were taken, or counted as lost."""
        return (self.chip.t_us - self.t0_us) // FRAME_US - self.taken - self.ring.overruns
