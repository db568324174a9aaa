"""An MCP3208 on an RP2040 as a sampler: a state machine clocks it, two DMA channels feed and empty
it; the CPU has no part in it.

Eight channels in turn, channel k in place k of a frame, each conversion with its own start and
select bits, so that a disturbed one spoils no other (mcp_code.py). The commands come from a
ring of eight words by DMA, the codes go to the ring of frames by DMA: their places differ by the
five commands that are ahead, and ready() checks that. If either DMA were late the state machine
would wait: nothing is lost then but the pace, and that counts as an overflow.

pins.py: {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}. Uses PIO 0, state
machine 0 (a Pico W's radio is on PIO 1). The clock of the CPU must not change afterwards.
"""
from array import array

import machine
import rp2
from micropython import const

from acu.drivers.dma_ring import DmaRing
from acu.drivers.mcp_code import CODE

_SM_HZ = const(2_048_000)
_FDEBUG = const(0x50200008)
_STALLED = const(0x1000001)     # state machine 0 waited for a command, or for room
_TXF = const(0x50200010)
_RXF = const(0x50200020)
_DREQ_TX = const(0)
_DREQ_RX = const(4)
_TX_TRIGGER = const(0x5000001C)
_LOOKS = const(8)
_AHEAD = const(5)               # four commands in the FIFO, one under way


class McpRing(DmaRing):
    def __init__(self, pins, pairs, rate_hz):
        f_hz = machine.freq()
        if f_hz % 8000 or f_hz < _SM_HZ:
            raise ValueError("E343 converter: a CPU clock of %d Hz cannot be divided to 2.048 MHz "
                             "in steps of 1/256. Set a whole number of MHz." % f_hz)
        super().__init__(1 + max([max(pair) for pair in pairs]), pairs, rate_hz)
        self._feed = rp2.DMA()
        self._feed_again = rp2.DMA()
        self._feed_trigger = _TX_TRIGGER + 64 * self._feed.channel
        # the eight words lie at a multiple of 32 bytes somewhere in twice as many
        words = array("I", range(16))
        self._feed.read = words
        first = (-self._feed.read & 31) >> 2
        for k in range(8):
            words[first + k] = (0x18 | k) << 27
        self._words = words
        self._first = self._feed.read + 4 * first
        self._sck = machine.Pin(pins["sck"], machine.Pin.OUT, value=0)
        self._mosi = machine.Pin(pins["mosi"], machine.Pin.OUT, value=0)
        self._miso = machine.Pin(pins["miso"], machine.Pin.IN)
        self._cs = machine.Pin(pins["cs"], machine.Pin.OUT, value=1)
        self._sm = rp2.StateMachine(0)

    # ---- at rest

    def _prepare(self):
        """Every channel by hand, with either pull: a chip that is there says null, twelve bits,
        and eleven of them again backwards; with no select its output follows the pull."""
        self._sck.init(machine.Pin.OUT, value=0)
        self._mosi.init(machine.Pin.OUT, value=0)
        self._cs.init(machine.Pin.OUT, value=1)
        self.sound = True
        for pull, level in ((machine.Pin.PULL_UP, 1), (machine.Pin.PULL_DOWN, 0)):
            self._miso.init(machine.Pin.IN, pull)
            for channel in range(8):
                if self._miso.value() != level or not self._speaks(channel):
                    self.sound = False

    def _speaks(self, channel):
        sck = self._sck
        miso = self._miso
        self._cs.value(0)
        for k in range(6):
            self._mosi.value((0x18 | channel) << 1 >> 5 - k & 1)
            sck.value(1)
            sck.value(0)
        null = miso.value()
        code = 0
        for _ in range(12):
            sck.value(1)
            sck.value(0)
            code = code << 1 | miso.value()
        again = code & 1
        for k in range(1, 12):
            sck.value(1)
            sck.value(0)
            again |= miso.value() << k
        self._cs.value(1)
        return not null and again == code

    # ---- DmaRing's

    def _halt(self):
        self._sm.active(0)
        self._feed.active(0)
        self._feed_again.active(0)
        self._dma.active(0)

    def _begin(self):
        feed = self._feed
        again = self._feed_again
        # empties its FIFOs and forgets its stalls
        self._sm.init(CODE, freq=_SM_HZ, sideset_base=self._sck, out_base=self._mosi,
                      in_base=self._miso, set_base=self._cs)
        machine.mem32[_FDEBUG] = _STALLED
        self._arm(_RXF, _DREQ_RX)
        again.config(read=self._count, write=self._feed_trigger, count=1,
                     ctrl=again.pack_ctrl(inc_read=False, inc_write=False))
        feed.config(read=self._first, write=_TXF, count=self.COUNT, trigger=True,
                    ctrl=feed.pack_ctrl(inc_write=False, ring_sel=0, ring_size=5,
                                        treq_sel=_DREQ_TX, chain_to=again.channel))
        self._sm.active(1)

    def _at(self):
        """Where the codes are must be five places behind the commands. A conversion may end
        between the looks: then they differ, say nothing, and it looks again."""
        if machine.mem32[_FDEBUG] & _STALLED:
            self.overflows += 1
            return -1
        dma = self._dma
        feed = self._feed
        for _ in range(_LOOKS):
            to = dma.write
            ahead = feed.read
            if dma.write == to:
                break
            to = -1
        at = to - self._base >> 1
        if to >= 0 and (ahead >> 2) - at & 7 != _AHEAD:
            self.slips += 1
            return -1
        return at if to >= 0 else dma.write - self._base >> 1
