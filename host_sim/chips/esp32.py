"""What an ESP32 samples with: its own one-shot converter, and an MCP3208 behind its SPI.

source(channel, t_us) -> code 0..4095 says what is at the inputs. Both take the time that the real
ones take, so that a driver's frames are as far apart as on a board. They refuse what the chips
would refuse. Runs on both Pythons.
"""
from host_sim.chips.peripherals import here


class Mcp3208Spi:
    """For SpiBus.attach(): three bytes a conversion, single-ended inputs only."""

    mode = 0
    MAX_BAUD = 1_350_000        # at 3.3 V, between 1.0 at 2.7 V and 2.0 at 5 V
    CALL_US = 20                # of the Python around a transfer

    def __init__(self, bus, source):
        self.bus = bus
        self.source = source
        self.conversions = 0
        self._bytes = None
        self._code = 0

    def select(self, chosen):
        if not chosen and self._bytes is not None:
            if len(self._bytes) not in (0, 3):
                raise ValueError("MCP3208: %d bytes in a conversion, not 3" % len(self._bytes))
            chip = self.bus.chip
            chip.run_to(chip.t_us + self.CALL_US + 24_000_000 // self.bus.baudrate)
        self._bytes = [] if chosen else None

    def exchange(self, byte):
        if self._bytes is None:
            raise ValueError("MCP3208: a clock without select")
        if self.bus.baudrate > self.MAX_BAUD:
            raise ValueError("MCP3208: %d baud is too fast" % self.bus.baudrate)
        self._bytes.append(byte)
        n = len(self._bytes)
        if n == 1:
            if byte & 0xFE != 6:
                raise ValueError("MCP3208: no start bit, or no single-ended input")
            return 0
        if n == 2:
            channel = (self._bytes[0] & 1) << 2 | byte >> 6
            self._code = self.source(channel, self.bus.chip.t_us)
            self.conversions += 1
            return self._code >> 8          # behind the null bit
        return self._code & 255


class Adc:
    """machine.ADC of an ESP32; source(pin, t_us)."""

    ATTN_0DB = 0
    ATTN_11DB = 3
    READ_US = 40
    source = None               # of the chip that is installed

    def __init__(self, pin, *, atten=0):
        chip = here()
        number = getattr(pin, "id", pin)
        if number not in (32, 33, 34, 35, 36, 39):
            raise ValueError("pin %s is no input of ADC1" % (number,))
        if atten not in (0, 1, 2, 3):
            raise ValueError("ADC: no such attenuation")
        chip.claim(number, "an analog input")
        self._pin = number
        self._atten = atten

    def read_uv(self):
        chip = here()
        chip.run_to(chip.t_us + self.READ_US)
        code = Adc.source(self._pin, chip.t_us)
        top_uv = 3_300_000 if self._atten == 3 else 1_100_000
        # in millivolt, and it sees nothing below 0.14 V nor above 3.1 V
        mv = code * 3300 // 4095
        return min(max(mv, 142), 3100) * 1000 if top_uv > 2_000_000 else min(mv, 1100) * 1000
