"""Converter, DMA and PIO of an RP2040 for a modelled chip (chip.py), by their registers.

fit(chip, codes) puts machine.ADC, machine.mem32, rp2.DMA, rp2.StateMachine, rp2.PIO and
rp2.asm_pio on the chip. codes(channel, t_us) -> 0..4095: what the internal converter sees at its
inputs 0 to 3 and, as 4, at the temperature sensor. mcp: an MCP3208 (mcp3208.py), or None. Runs on
both Pythons; a register that is not there, or a value that the chip would not take, raises
ValueError.
"""
from host_sim.chips import pio
from host_sim.chips.dma import Dma, rp2_dma

_ADC = 0x4004C000
_RAM = 0x20010010
_DREQ_ADC = 36
_DEPTH = 4


class Adc:
    """48 MHz, 96 cycles a conversion; a FIFO of four codes."""

    def __init__(self, chip, dma, codes):
        self.chip = chip
        self.dma = dma
        self.codes = codes
        self.reset()

    def reset(self):
        self.ainsel = 0
        self.robin = 0
        self.enabled = 0            # converter 1, temperature sensor 2
        self.many = False
        self.errors = 0             # CS bits ERR and ERR_STICKY
        self.result = 0
        self.fcs = 0                # the bits that are written
        self.over = self.under = 0
        self.fifo = []
        self.div = 0
        self.end_ns = 0             # of the conversion under way
        self.fail = 0               # fault: so many conversions come to no result
        self.skips = 0              # fault: so many never reach the FIFO

    # ---- registers

    def load(self, address):
        at = address - _ADC
        if at == 0x00:
            return (self.enabled | (8 if self.many else 0) | 0x100 | self.errors
                    | self.ainsel << 12 | self.robin << 16)
        if at == 0x04:
            return self.result
        if at == 0x08:
            n = len(self.fifo)
            return (self.fcs | (0 if n else 0x100) | (0x200 if n == _DEPTH else 0)
                    | self.under << 10 | self.over << 11 | n << 16)
        if at == 0x0C:
            if not self.fifo:
                self.under = 1
                return 0
            return self.fifo.pop(0)
        if at == 0x10:
            return self.div
        raise ValueError("no such register of the converter in this model: 0x%x" % address)

    def store(self, address, value):
        at = address - _ADC
        if at == 0x00:
            self._control(value)
        elif at == 0x08:
            if value & ~0xF00FC0F:
                raise ValueError("FCS: bits that are none: 0x%x" % value)
            self.fcs = value & 0xF00000F
            if self.fcs & 8 and not self.fcs >> 24:
                raise ValueError("FCS: a request at a threshold of 0 is always there")
            self.under &= ~(value >> 10)
            self.over &= ~(value >> 11)
        elif at == 0x10:
            if value & ~0xFFFFFF:
                raise ValueError("DIV: 24 bits")
            self.div = value
        else:
            raise ValueError("no such register of the converter to write: 0x%x" % address)

    def _control(self, value):
        if value & ~0x1F750F:
            raise ValueError("CS: bits that are none: 0x%x" % value)
        self.enabled = value & 3
        self.errors &= ~(value & 0x400)
        self.robin = value >> 16 & 31
        self.ainsel = value >> 12 & 7
        if self.ainsel > 4 or value & 8 and self.robin and not self.robin >> self.ainsel & 1:
            raise ValueError("CS: input %d is not in the round robin" % self.ainsel)
        many = bool(value & 8)
        if (many or value & 4) and not value & 1:
            raise ValueError("CS: the converter is off")
        if many and (self.robin >> 4 | self.ainsel >> 2) and not value & 2:
            raise ValueError("CS: the temperature sensor is off")
        if value & 4:
            self._convert(self.chip.t_us)
        if many and not self.many:
            self.end_ns = self.chip.t_us * 1000 + 2000
        self.many = many

    def wants(self, request):
        return request == _DREQ_ADC and self.fcs & 8 and len(self.fifo) >= self.fcs >> 24

    # ---- time

    def _convert(self, t_us):
        code = self.codes(self.ainsel, t_us)
        if not 0 <= code <= 4095:
            raise ValueError("converter: a code of %d at input %d" % (code, self.ainsel))
        self.errors &= ~0x200
        mark = 0
        if self.fail:
            self.fail -= 1
            self.errors = 0x600
            mark = 0x8000
        self.result = code
        if self.robin:
            k = self.ainsel
            while True:
                k = (k + 1) % 5
                if self.robin >> k & 1:
                    break
            self.ainsel = k
        if self.skips:
            self.skips -= 1
            return
        if not self.fcs & 1:
            return
        if len(self.fifo) == _DEPTH:
            self.over = 1
            return
        if self.fcs & 2:
            code >>= 4
        self.fifo.append(code | (mark if self.fcs & 4 else 0))
        self.dma.serve(_DREQ_ADC, self)

    def _period_ns(self):
        """DIV counts cycles of 48 MHz; less than a conversion takes is no pause."""
        period = (256 + self.div) * 1000 // (48 * 256)
        return max(period, 2000)

    def run_to(self, t_us):
        if not self.many:
            return
        now_ns = t_us * 1000
        period_ns = self._period_ns()
        n = (now_ns - self.end_ns) // period_ns + 1
        if n > 8 and not (self.fifo or self.fail or self.skips):
            self._usual(n, period_ns)
        while self.many and self.end_ns <= now_ns:
            end_ns = self.end_ns
            self.end_ns += period_ns
            self._convert(end_ns // 1000)

    def _usual(self, n, period_ns):
        """n conversions at once when each goes straight to the DMA; leaves what is left."""
        channel = self.dma.steady(_DREQ_ADC, n)
        if channel is None or self.fcs & 15 != 9:
            return
        window = channel.window()
        if window is None:
            return
        ring, base, at, mask = window
        order = [self.ainsel]
        if self.robin:
            order += [k for k in range(self.ainsel + 1, 5) if self.robin >> k & 1]
            order += [k for k in range(self.ainsel) if self.robin >> k & 1]
        codes = self.codes
        m = len(order)
        end_ns = self.end_ns
        for k in range(n):
            ring[base + (at + k & mask)] = codes(order[k % m], end_ns // 1000)
            end_ns += period_ns
        self.end_ns = end_ns
        self.result = ring[base + (at + n - 1 & mask)]
        self.ainsel = order[n % m]
        self.errors &= ~0x200
        channel.moved(n)


class Bus:
    """Addresses. Memory is what the DMA was told; it gets addresses like the chip's own, large
    pieces at multiples of their size."""

    def __init__(self, adc, dma, machine):
        self.adc = adc
        self.dma = dma
        self.machine = machine
        self.pieces = []            # (address, its end, width, buffer)
        self.free = _RAM

    def place(self, buffer):
        for address, _, _, known in self.pieces:
            if known is buffer:
                return address
        size = len(bytes(buffer))
        kind = size // len(buffer) >> 1
        if size & (size - 1) == 0 and size >= 1024:
            self.free = self.free + size - 1 & ~(size - 1)
        address = self.free
        self.free = (self.free + size + 31 & ~15) + 16
        self.pieces.append((address, address + size, kind, buffer))
        return address

    def memory(self, address, width):
        for begin, end, kind, buffer in self.pieces:
            if begin <= address < end:
                return (buffer, begin) if kind == width else (None, 0)
        return None, 0

    def _device(self, address):
        page = address >> 12
        if page == 0x4004C:
            return self.adc
        if page == 0x50000:
            return self.dma
        if page == 0x50200:
            return self.machine
        raise ValueError("nothing is at 0x%x in this model" % address)

    def load(self, address, width=2):
        buffer, begin = self.memory(address, width)
        if buffer is not None:
            return buffer[address - begin >> width]
        return self._device(address).load(address)

    def store(self, address, value, width=2):
        buffer, begin = self.memory(address, width)
        if buffer is not None:
            buffer[address - begin >> width] = value & (1 << (8 << width)) - 1
        else:
            self._device(address).store(address, value)


class Mem32:
    """machine.mem32, with the aliases that exchange, set and clear bits. Each read takes access_us
    of the chip's time, so that a test can have things happen between two of them."""

    def __init__(self, chip, bus):
        self.chip = chip
        self.bus = bus
        self.access_us = 0

    def __getitem__(self, address):
        self.chip.relax()
        try:
            if self.access_us:
                self.chip.run_to(self.chip.t_us + self.access_us)
            return self.bus.load(address)
        finally:
            self.chip.tighten()

    def __setitem__(self, address, value):
        self.chip.relax()
        try:
            plain = address & ~0x3000
            how = address >> 12 & 3
            if how:
                old = self.bus.load(plain)
                value = (0, old ^ value, old | value, old & ~value)[how]
                if plain == _ADC:       # bits that can only be read
                    value &= ~0x300
            self.bus.store(plain, value)
        finally:
            self.chip.tighten()


def machine_adc(adc, chip):
    """What machine.ADC is on this chip."""
    class ADC:
        CORE_TEMP = 4

        def __init__(self, pin):
            pin = getattr(pin, "id", pin)
            if pin == 4:
                self._input = 4
                adc.enabled |= 2
            elif pin in (26, 27, 28, 29):
                if pin in chip.pins:
                    chip.claim(pin, "an input of the converter")
                self._input = pin - 26
            else:
                raise ValueError("pin %s has no converter" % (pin,))
            adc.enabled |= 1

        def read_u16(self):
            """Selects, starts once: also while a round robin runs, which it turns."""
            adc.ainsel = self._input
            adc._convert(chip.t_us)
            return adc.result << 4 | adc.result >> 8

    return ADC


class Parts:
    """What fit() has put together, for tests and worlds that make faults."""

    def __init__(self, chip, codes, mcp):
        self.dma = Dma(chip)
        self.adc = Adc(chip, self.dma, codes)
        self.machine = pio.Machine(chip, self.dma, mcp)
        self.bus = self.dma.bus = Bus(self.adc, self.dma, self.machine)
        self.dma.peripherals = {_DREQ_ADC: self.adc, 0: self.machine, 4: self.machine}
        self.mem32 = Mem32(chip, self.bus)


def fit(chip, codes=None, mcp=None):
    """Returns the Parts. codes: see the module; without, no input has any voltage."""
    parts = Parts(chip, codes or (lambda channel, t_us: 876 if channel == 4 else 0), mcp)
    chip.fit("machine.ADC", machine_adc(parts.adc, chip))
    chip.fit("machine.mem32", parts.mem32)
    chip.fit("rp2.DMA", rp2_dma(parts.dma))
    chip.fit("rp2.StateMachine", pio.state_machine(parts.machine))
    chip.fit("rp2.PIO", pio.PIO)
    chip.fit("rp2.asm_pio", pio.asm_pio)
    for device in (parts.dma, parts.adc, parts.machine):
        chip.device(device)
    return parts
