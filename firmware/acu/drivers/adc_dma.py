"""The RP2040's own converter as a sampler: a round robin that the DMA takes away, no CPU a sample.

Inputs GP26 to GP29 in ascending order, one, two or four of them; of three, the temperature sensor
is the fourth. 48 MHz / 1500 gives 32,000 conversions a second, eight to a frame: with two inputs a
frame is u i u i u i u i. Nobody else may use machine.ADC meanwhile: it turns the round robin, and
the next ready() finds a slip. The temperature sensor is the reference of the self-test.

The bit of a failed conversion stays out of the FIFO, so that a code never leaves 12 bits (the
kernels' bounds hold); the converter remembers it, and `errors` counts the ready() that saw it.
"""
import machine
from micropython import const

from acu.drivers.dma_ring import DmaRing

_CS = const(0x4004C000)
_CS_SET = const(0x4004E000)     # its alias that sets bits and leaves the rest
_FCS = const(0x4004C008)
_FIFO = const(0x4004C00C)
_DIV = const(0x4004C010)

_EN = const(0x3)                # converter and temperature sensor
_START_MANY = const(0x8)
_READY = const(0x100)
_ERR_STICKY = const(0x400)
_AINSEL = const(0x7000)
_FIFO_ON = const(0x1000C09)     # request at one code; clears what it remembers
_FIFO_EMPTY = const(0x100)
_FIFO_LOST = const(0xC00)       # a code too many, or read when there was none
_PACE = const(1499 << 8)
_DREQ_ADC = const(36)
_SENSOR = const(4)
# codes at 85 and -40 degrees Celsius, 5 % more either way, of a supply of 3.3 V
_LEAST = const(710)
_MOST = const(1075)
_PATIENCE = const(50)
_LOOKS = const(8)


class AdcRing(DmaRing):
    def __init__(self, pins, pairs, rate_hz):
        inputs = [pin - 26 for pin in pins]
        if not inputs or sorted(inputs) != inputs or inputs[0] < 0 or inputs[-1] > 3 or (
                len(set(inputs)) != len(inputs)):
            raise ValueError("E342 converter: pins %s, but these are GP26 to GP29, each once, in "
                             "ascending order. Order pins.py and board.json so." % (pins,))
        super().__init__(len(pins), pairs, rate_hz)
        if len(inputs) == 3:
            inputs.append(_SENSOR)
        self.errors = 0
        self._inputs = bytes(inputs)
        self._turn = len(inputs) - 1
        for pin in pins:
            machine.ADC(pin)
        self._sensor = machine.ADC(_SENSOR)
        robin = 0
        for k in inputs:
            robin |= 1 << k
        self._cs = _EN | inputs[0] << 12 | (robin << 16 if len(inputs) > 1 else 0)

    def _prepare(self):
        code = 0
        for _ in range(8):
            code += self._sensor.read_u16() >> 4
        self.sound = 8 * _LEAST <= code <= 8 * _MOST

    def _halt(self):
        mem = machine.mem32
        mem[_CS] = _EN
        for _ in range(_PATIENCE):
            if mem[_CS] & _READY:
                break
        self._dma.active(0)
        for _ in range(_PATIENCE):
            if mem[_FCS] & _FIFO_EMPTY:
                break
            mem[_FIFO]
        mem[_FCS] = 0       # what is converted at rest stays out of it

    def _begin(self):
        mem = machine.mem32
        mem[_DIV] = _PACE
        mem[_FCS] = _FIFO_ON
        mem[_CS] = self._cs | _ERR_STICKY
        self._arm(_FIFO, _DREQ_ADC)     # before the first code: the FIFO holds four
        mem[_CS] = self._cs | _START_MANY

    def _at(self):
        """The next code comes from the input that is being converted, so its place must be that
        one's. A conversion may end between the looks, which take a third of its time: then they
        differ, say nothing, and it looks again."""
        mem = machine.mem32
        dma = self._dma
        if mem[_FCS] & _FIFO_LOST:
            self.overflows += 1
            return -1
        for _ in range(_LOOKS):
            cs = mem[_CS]
            at = dma.write
            end = mem[_CS]
            if not (cs ^ end) & _AINSEL:
                break
        at = at - self._base >> 1
        if self._inputs[at & self._turn] != cs >> 12 & 7 and not (cs ^ end) & _AINSEL:
            self.slips += 1
            return -1
        if cs & _ERR_STICKY:
            self.errors += 1
            mem[_CS_SET] = _ERR_STICKY
        return at
