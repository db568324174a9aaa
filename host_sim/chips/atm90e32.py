"""The metering chip ATM90E32 at its SPI: registers, write protection, what a soft reset loses.

For SpiBus.attach(). It refuses what the chip has not: registers outside its map, a transfer of any
other length, settings while access is locked (ignored, as the chip does, and counted). u_v,
i_a, p_w, q_var, f_hz are what is at its inputs, told by the test. Runs on both Pythons.
"""

_CONFIG = tuple(list(range(0x31, 0x3B)) + list(range(0x41, 0x4D)) + list(range(0x51, 0x57))
                + list(range(0x61, 0x6D)) + [0x6E] + list(range(0x10)))
_READ_ONLY = tuple(list(range(0x71, 0x7B)) + list(range(0x80, 0x94)) + list(range(0xB0, 0xF0))
                   + list(range(0xF1, 0x100)))


class Atm90e32:
    mode = 3
    MAX_BAUD = 1_200_000

    def __init__(self, bus):
        self.bus = bus
        self.u_v = [230, 230, 230]
        self.i_a = [10, 10, 10]
        self.p_w = [2185, 2185, 2185]
        self.q_var = [718, 718, 718]
        self.f_hz = 50
        self.dead = False           # its supply is gone: MISO floats high
        self.frozen = False         # noise stops: its registers stand
        self.locked_writes = 0      # tried while access was locked
        self.power_on()
        self._bytes = None
        self._noise = 1

    def power_on(self):
        """As after its reset: settings are at their defaults."""
        self.config = {}
        for register in _CONFIG:
            self.config[register] = 0
        self.access = 0
        self.last = 0

    # -- the wire

    def select(self, chosen):
        if chosen:
            self._bytes = []
        elif self._bytes is not None:
            b = self._bytes
            self._bytes = None
            if len(b) not in (0, 4):
                raise ValueError("ATM90E32: %d bytes in a transfer, not 4" % len(b))
            if len(b) == 4 and not b[0] & 0x80 and not self.dead:
                self._write((b[0] & 3) << 8 | b[1], b[2] << 8 | b[3])

    def exchange(self, byte):
        if self._bytes is None:
            raise ValueError("ATM90E32: a clock without select")
        if self.bus.baudrate > self.MAX_BAUD:
            raise ValueError("ATM90E32: %d baud is too fast" % self.bus.baudrate)
        self._bytes.append(byte)
        n = len(self._bytes)
        if self.dead:
            return 0xFF
        if not self._bytes[0] & 0x80 or n < 3:
            return 0
        if n == 3:
            self._value = self._read((self._bytes[0] & 3) << 8 | self._bytes[1])
            self.last = self._value
            return self._value >> 8
        return self._value & 255

    # -- registers

    def _write(self, register, value):
        if register == 0x70:
            if value == 0x789A:
                self.power_on()
        elif register == 0x7F:
            self.access = value
        elif register in self.config:
            if self.access != 0x55AA:
                self.locked_writes += 1
                return
            self.config[register] = value
        else:
            raise ValueError("ATM90E32: register %#x cannot be written" % register)
        self.last = value

    def _jitter(self):
        """A code of noise on what is measured, as the chip has."""
        if not self.frozen:
            self._noise = self._noise * 1103515245 + 12345 & 0x3FFFFFFF
        return (self._noise >> 12) % 3 - 1

    def _read(self, register):
        if register == 0x78:
            return self.last
        if register == 0x7F:
            return self.access
        if register in self.config:
            return self.config[register]
        if register not in _READ_ONLY:
            raise ValueError("ATM90E32: no register %#x" % register)
        if self.config[0] != 1:
            return 0            # metering is not enabled
        if 0xD9 <= register <= 0xDB:
            x = int(self.u_v[register - 0xD9] * 100)
            return min(x + self._jitter(), 0xFFFF) if x else 0
        if 0xDD <= register <= 0xDF:
            x = int(self.i_a[register - 0xDD] * 1000)
            return min(x + self._jitter(), 0xFFFF) if x else 0
        if register == 0xF8:
            return int(self.f_hz * 100)
        for base, values in ((0xB1, self.p_w), (0xB5, self.q_var)):
            for low in (0, 0x10):
                if base + low <= register < base + low + 3:
                    word = int(values[register - base - low] * 3125) & 0xFFFFFFFF  # of 0.32 mW
                    return word & 0xFFFF if low else word >> 16
        return 0
