"""The sampler door over a ring that the RP2040's DMA writes for ever (ports.py, Sampler).

What is common to the internal converter (adc_dma.py) and the MCP3208 (mcp3208_pio.py): memory of
32 KiB that begins at a multiple of 32 KiB, a channel that fills it with 16-bit codes, a second one
that starts the first again when its count has ended, and ready(), which reads where the DMA is.
Times in microseconds, frames of kernels.STRIDE codes, 4000 a second. ready() runs in the fast
tier: it allocates nothing and does no I/O but a few registers; it counts

- as `overruns` the frames that were not taken in time, also when the DMA went round more than once
  between two calls (by the clock: converter and clock hang on one crystal);
- as `slips` every time that the DMA's place is not the one that the converter, or the clock, says,
  and as `overflows` every time that codes were thrown away. Then the converter is started anew at
  the first channel; nothing since the last good call is handed out, all of it counts as overruns.
"""
import gc
import time
from array import array

import micropython
import rp2
from micropython import const

from acu.dsp.ring import RingSampler

_FRAMES = const(2048)
_BYTES = const(32768)
_MASK = const(0x1FFFFFFF)
_TICKS = const(0x3FFFFFFF)
_KEEP = const(2032)         # as RingSampler: 16 frames may be written while others are taken
_TRIES = const(16)
_FRAME_US = const(250)
_TURN_US = const(400_000)   # from here on the DMA may have gone round
_LONG_US = const(100_000_000)
_ODD = const(8)             # frames that clock and DMA may differ, and a 64th of all

# self_test()
_NO_FRAMES = const(1)
_REFERENCE = const(2)
_SLIPPED = const(4)
_OVERFLOWED = const(8)

_DMA = const(0x50000000)
_COUNT_TRIGGER = const(0x1C)    # alias 1 of a channel's transfer count: starts it


def aligned(place, size):
    """array('H') of `size` bytes at a multiple of `size`. place(buffer): its address.

    MicroPython's heap hands out the first room that is large enough, so on an empty heap a filler
    as long as the way to the next multiple puts the next array there. The fillers go afterwards:
    what is lost is not memory but its coherence, below the ring nothing larger than the filler
    fits. Needs `size` and at most as much again; call it before anything else.
    """
    fillers = []
    for tries in range(1, _TRIES + 1):
        ring = array("H", range(size >> 1))
        gap = -place(ring) & (size - 1)
        if not gap:
            for k in range(size >> 1):
                ring[k] = 0
            return ring
        ring = None
        gc.collect()
        # small ones stop the holes that they fall into; then one that falls into none
        fillers.append(bytearray(gap if tries & 3 else gap + size))
    raise MemoryError("E340 sampler: no %d bytes at a multiple of it in the heap after %d tries. "
                      "Make the sampler before anything else." % (size, _TRIES))


@micropython.viper
def _new(at: int, head: int, dt_us: int) -> int:
    """Frames since the last call, dt_us ago, from head to the place `at`; -1: the clock says
    something else."""
    n = (at - head) & 2047
    late = dt_us // _FRAME_US - n
    if dt_us > _TURN_US:
        turns = (late + 1024) & -2048
        n += turns
        late -= turns
    if late > _ODD + (n >> 6) or late < 0 - _ODD - (n >> 6):
        return -1
    return n


class DmaRing(RingSampler):
    """A driver has _prepare() judge what only a converter at rest shows, _begin() start it and, by
    _arm(), the DMA, _halt() stop it, and _at() tell the place of the next code, or -1 if it cannot
    be believed."""

    COUNT = 0xFFFF8000      # transfers until the DMA is started again: 37 h; whole rings

    def __init__(self, channels, pairs, rate_hz):
        if rate_hz != 4000:
            raise ValueError("E341 sampler: rate_hz = %s, but these converters give 4000 frames a "
                             "second. Set 4000 in board.json." % rate_hz)
        self._dma = rp2.DMA()
        super().__init__(channels, pairs, _FRAMES, rate_hz, aligned(self._place, _BYTES))
        self._base = self._place(self.ring)
        self._again = rp2.DMA()
        self._trigger = _DMA + 64 * self._dma.channel + _COUNT_TRIGGER
        self._count = array("I", [self.COUNT])
        self._frame_us = 1_000_000 // rate_hz
        self._then_us = 0       # when ready() last found all in order,
        self._code = 0          # and how many codes of the frame at hand there were
        self.running = False
        self.slips = 0
        self.overflows = 0
        self._judged = (0, 0)
        self.sound = True       # the reference, or the wires, were as they should be at start

    def _place(self, buffer):
        self._dma.write = buffer
        return self._dma.write

    def _arm(self, source, request):
        """The ring from its begin on, for ever."""
        dma = self._dma
        again = self._again
        dma.active(0)
        again.active(0)
        again.config(read=self._count, write=self._trigger, count=1,
                     ctrl=again.pack_ctrl(inc_read=False, inc_write=False))
        dma.config(read=source, write=self._base, count=self.COUNT, trigger=True,
                   ctrl=dma.pack_ctrl(size=1, inc_read=False, ring_sel=1, ring_size=15,
                                      treq_sel=request, chain_to=again.channel))

    def start(self):
        """From now on frames come."""
        self.stop()
        self._prepare()
        self.head = self.tail = (self.head + 4095) & -2048 & _MASK
        self.begin = self.head
        self._begin()
        self._then_us = time.ticks_us()
        self._code = 0
        self.running = True

    def stop(self):
        """Nothing writes to the ring any more; before the memory is given away, or a reset."""
        self.running = False
        self._halt()
        self._dma.active(0)
        self._again.active(0)

    def ready(self):
        """Frames that wait to be taken. Those that were overwritten are counted and left out."""
        if not self.running:
            return 0
        at = self._at()
        now_us = time.ticks_us()
        if at < 0:
            return self._anew()
        head = self.head
        n = _new(at >> 3, head, (now_us - self._then_us) & _TICKS)
        if n < 0:
            self.slips += 1
            return self._anew()
        self._then_us = now_us
        self._code = at & 7
        head = (head + n) & _MASK
        self.head = head
        n = (head - self.tail) & _MASK
        if n > _KEEP:
            lost = n - _KEEP
            self.overruns += lost
            self.tail = (self.tail + lost) & _MASK
            n = _KEEP
        return n

    def _anew(self):
        """The converter starts again at its first channel, and the DMA at the begin of the ring.
        Lost is what was waiting, and the time since the last good call."""
        self._halt()
        lost = (self.head - self.tail) & _MASK
        # more than a ring further, so that who still reads the past sees that it is gone
        self.head = self.tail = self.begin = (self.head + 4095) & -2048 & _MASK
        self._begin()
        now_us = time.ticks_us()
        dt_us = min((now_us - self._then_us) & _TICKS, _LONG_US)
        self.overruns += lost + (8 * dt_us + (self._code + 4) * self._frame_us) // (
            8 * self._frame_us)
        self._then_us = now_us
        self._code = 0
        return 0

    def self_test(self):
        """0 good, else bits: 1 no frames, 2 reference or wires, and since it was asked last 4
        slips, 8 overflows."""
        failed = 0 if self.running and self.head != self.begin else _NO_FRAMES
        if not self.sound:
            failed |= _REFERENCE
        if self.slips != self._judged[0]:
            failed |= _SLIPPED
        if self.overflows != self._judged[1]:
            failed |= _OVERFLOWED
        self._judged = (self.slips, self.overflows)
        return failed
