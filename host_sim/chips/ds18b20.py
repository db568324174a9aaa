"""A DS18B20 on its wire, and the modules `onewire` and `ds18x20` that boards' images have.

The sensor answers at the level of bits and commands, as its data sheet has them: presence after a
reset, ROM commands, conversion that takes its time, a scratchpad with CRC. The modules are
micropython-lib's, with its calls; each bit takes the time that the wire takes. Runs on both
Pythons.
"""
from binascii import hexlify

from host_sim.chips.peripherals import Pin, here

_RESET_US = 960
_BIT_US = 70
_CONVERT_US = 750_000
_CLEAR = bytes((0x50, 0x05, 0x4B, 0x46, 0x7F, 0xFF, 0x0C, 0x10))    # 85.0 degC: power-on value


def crc8(data):
    """Dallas CRC: x^8 + x^5 + x^4 + 1, least significant bit first."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8C if crc & 1 else crc >> 1
    return crc


class Ds18b20:
    """t_16: temperature in 1/16 degC. Faults: gone (no answer at all), noise (flips a bit of each
    scratchpad)."""

    def __init__(self, t_16=400, serial=b"\x11\x22\x33\x44\x55\x66"):
        body = b"\x28" + serial
        self.rom = body + bytes([crc8(body)])
        self.t_16 = t_16
        self.gone = False
        self.noise = False
        self.reset()
        self._pad = _CLEAR

    def reset(self):
        self._bits = []         # of the command that comes in
        self._out = []          # bits that go out
        self._state = "idle"
        self._ready_us = 0

    def presence(self):
        if self.gone:
            return False
        self._bits = []
        self._out = []
        self._state = "rom"
        return True

    def read(self, t_us):
        if self.gone or self._state == "idle":
            return 1
        if self._state == "converting":
            return 1 if t_us >= self._ready_us else 0
        return self._out.pop(0) if self._out else 1

    def write(self, bit, t_us):
        if self.gone or self._state == "idle":
            return
        self._bits.append(bit)
        if self._state == "match":
            if len(self._bits) == 64:
                self._state = "function" if _bytes(self._bits) == self.rom else "idle"
                self._bits = []
        elif self._state == "search":
            self._bits = []
            if bit != _bit(self.rom, self._at):
                self._state = "idle"        # another device is meant
            else:
                self._search(self._at + 1)
        elif len(self._bits) == 8:
            command = _bytes(self._bits)[0]
            self._bits = []
            self._command(command, t_us)

    def _command(self, command, t_us):
        if self._state == "rom":
            if command == 0xCC:
                self._state = "function"
            elif command == 0x55:
                self._state = "match"
            elif command == 0xF0:
                self._state = "search"
                self._search(0)
            else:
                raise ValueError("DS18B20: no ROM command 0x%02X" % command)
        elif command == 0x44:
            self._state = "converting"
            self._ready_us = t_us + _CONVERT_US
            raw = self.t_16 & 0xFFFF
            self._next = bytes((raw & 255, raw >> 8)) + _CLEAR[2:]
        elif command == 0xBE:
            if self._ready_us and t_us >= self._ready_us:
                self._pad = self._next
            whole = self._pad + bytes([crc8(self._pad)])
            if self.noise:
                whole = bytes([whole[0] ^ 4]) + whole[1:]
            self._out = [_bit(whole, k) for k in range(72)]
        elif command not in (0x4E, 0x48, 0xB4):
            raise ValueError("DS18B20: no command 0x%02X" % command)

    def _search(self, at):
        self._at = at
        if at < 64:
            bit = _bit(self.rom, at)
            self._out = [bit, 1 - bit]
        else:
            self._state = "function"


def _bit(data, k):
    return data[k >> 3] >> (k & 7) & 1


def _bytes(bits):
    out = bytearray(len(bits) // 8)
    for k in range(len(bits)):
        out[k >> 3] |= bits[k] << (k & 7)
    return bytes(out)


class OneWireError(Exception):
    pass


class OneWire:
    """As micropython-lib's onewire.OneWire."""

    SEARCH_ROM = 0xF0
    MATCH_ROM = 0x55
    SKIP_ROM = 0xCC

    def __init__(self, pin):
        self.pin = pin
        self.pin.init(Pin.OPEN_DRAIN, Pin.PULL_UP)

    def _devices(self, us):
        chip = here()
        chip.sleep(us)
        return chip.wires.devices(self.pin.id)

    def reset(self, required=False):
        found = [d.presence() for d in self._devices(_RESET_US)]
        if required and True not in found:
            raise OneWireError
        return True in found

    def readbit(self):
        bit = 1
        for device in self._devices(_BIT_US):
            bit &= device.read(here().t_us)
        return bit

    def writebit(self, value):
        for device in self._devices(_BIT_US):
            device.write(1 if value else 0, here().t_us)

    def readbyte(self):
        return _bytes([self.readbit() for _ in range(8)])[0]

    def readinto(self, buf):
        for k in range(len(buf)):
            buf[k] = self.readbyte()

    def writebyte(self, value):
        for k in range(8):
            self.writebit(value >> k & 1)

    def write(self, buf):
        for byte in buf:
            self.writebyte(byte)

    def select_rom(self, rom):
        self.reset()
        self.writebyte(self.MATCH_ROM)
        self.write(rom)

    def crc8(self, data):
        return crc8(data)

    def scan(self):
        """Follows the one branch that answers; several devices on a wire are not modelled."""
        if len(here().wires.devices(self.pin.id)) > 1:
            raise ValueError("the model knows one device on a wire")
        if not self.reset():
            return []
        self.writebyte(self.SEARCH_ROM)
        bits = []
        for _ in range(64):
            bit = self.readbit()
            if bit == self.readbit():
                return []
            self.writebit(bit)
            bits.append(bit)
        return [bytearray(_bytes(bits))]


class DS18X20:
    """As micropython-lib's ds18x20.DS18X20, but for read_temp(), which is a float."""

    def __init__(self, onewire):
        self.ow = onewire
        self.buf = bytearray(9)

    def scan(self):
        return [rom for rom in self.ow.scan() if rom[0] in (0x10, 0x22, 0x28)]

    def convert_temp(self):
        self.ow.reset(True)
        self.ow.writebyte(self.ow.SKIP_ROM)
        self.ow.writebyte(0x44)

    def read_scratch(self, rom):
        self.ow.reset(True)
        self.ow.select_rom(rom)
        self.ow.writebyte(0xBE)
        self.ow.readinto(self.buf)
        if self.ow.crc8(self.buf):
            raise Exception("CRC error of %s" % hexlify(rom).decode())
        return self.buf
