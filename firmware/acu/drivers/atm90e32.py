"""The three-phase metering chip ATM90E32 on SPI: an ESP32's Port-G with class claims.

The chip samples, multiplies and averages by itself; its registers become readings
(primitives/readings.py): voltages and currents every 20 ms, powers and frequency every 200 ms.
reading() is called from the 5 ms tick, which is soft on an ESP32 and may allocate. A chip that has
lost its settings (a supply dip) is set up again and counted in `resets`; one that answers nonsense
gives no reading, and its channels go stale. Channels: UA UB UC IA IB IC. SPI mode 3; each register
is 16 bits behind a 16-bit address whose top bit means reading. Switches nothing.
"""
import time

import machine
from micropython import const

from acu.primitives.readings import Readings, full_scale

_METER_EN = const(0x00)
_PL_HIGH = const(0x31)        # pulse constant, 3200 imp/kWh
_PL_LOW = const(0x32)
_MMODE0 = const(0x33)         # three phases, four wires; bit 12: 60 Hz
_MMODE1 = const(0x34)         # gains of the current inputs, two bits each
_P_START = const(0x35)
_Q_START = const(0x36)
_S_START = const(0x37)
_UGAIN_A = const(0x61)        # then IGAIN; those of B and C four and eight further
_SOFT_RESET = const(0x70)
_LAST_DATA = const(0x78)
_ACCESS = const(0x7F)
_PMEAN_A = const(0xB1)        # B, C follow; the low words 16 further
_QMEAN_A = const(0xB5)
_URMS_A = const(0xD9)
_IRMS_A = const(0xDD)
_FREQ = const(0xF8)
_LOW_WORD = const(0x10)

_TICKS = const(4)             # of 5 ms between two readings
_EVERY = const(10)            # of them has powers and frequency
_SAME = const(25)             # readings alike to the last bit: the chip has stopped


class Atm90e32:
    """conv: spi, sck, mosi, miso, cs; optional ugain, igain (what makes its registers volts and
    amperes), pga (1, 2, 4), i_x (whole ratio of current transformers before the board's)."""

    rate_hz = 1000                # frames of a part are milliseconds
    channels = 6
    ring = None
    stale_ticks = _TICKS

    def __init__(self, conv, board):
        from acu.primitives import kinds
        self.pairs = kinds.PAIRS["post"]
        self.overruns = 0
        self.resets = 0           # set up again after it had lost its settings
        self.errors = 0           # readings that were nonsense
        self.full_u = full_scale(board)
        self._spi = machine.SPI(conv["spi"], baudrate=200_000, polarity=1, phase=1,
                                sck=machine.Pin(conv["sck"]), mosi=machine.Pin(conv["mosi"]),
                                miso=machine.Pin(conv["miso"]))
        self._cs = machine.Pin(conv["cs"], machine.Pin.OUT, value=1)
        self._gains = (conv.get("ugain", 7305), conv.get("igain", 25_368))
        self._pga = {1: 0, 2: 0x15, 4: 0x2A}[conv.get("pga", 1)]
        self._i_x = conv.get("i_x", 1)
        self.fn_mhz = 50_000      # Readings says which before the start
        self._word = bytearray(2)
        self._tick = 0
        self._n = 0
        self._same = 0
        self._raw = None
        self._part_us = 0
        self._rest_us = 0

    # -- registers

    def _read(self, register):
        word = self._word
        word[0] = 0x80 | register >> 8
        word[1] = register & 255
        self._cs.value(0)
        self._spi.write(word)
        self._spi.readinto(word)
        self._cs.value(1)
        return word[0] << 8 | word[1]

    def _write(self, register, value):
        self._cs.value(0)
        self._spi.write(bytes((register >> 8, register & 255, value >> 8, value & 255)))
        self._cs.value(1)

    def _wide(self, register):
        """A signed power, 0.32 mW."""
        x = self._read(register) << 16 | self._read(register + _LOW_WORD)
        return x - (x >> 31 << 32)

    # -- as START's samplers

    def start(self):
        self._set_up()
        self._part_us = time.ticks_us()

    def _set_up(self):
        """False if the chip does not answer."""
        self._write(_SOFT_RESET, 0x789A)
        time.sleep_ms(5)
        self._write(_ACCESS, 0x55AA)
        self._write(_METER_EN, 1)
        if self._read(_LAST_DATA) != 1:
            return False
        ugain, igain = self._gains
        mode = 0x1087 if self.fn_mhz == 60_000 else 0x87
        table = [(_PL_HIGH, 0x0861), (_PL_LOW, 0xC468), (_MMODE0, mode),
                 (_MMODE1, self._pga), (_P_START, 0x1D4C), (_Q_START, 0x1D4C), (_S_START, 0x1D4C)]
        for k in range(0, 12, 4):
            table += [(_UGAIN_A + k, ugain), (_UGAIN_A + 1 + k, igain)]
        for register, value in table:
            self._write(register, value)
        self._write(_ACCESS, 0)
        for register, value in table:
            if self._read(register) != value:
                return False
        return True

    def stop(self):
        self._write(_ACCESS, 0x55AA)
        self._write(_METER_EN, 0)
        self._write(_ACCESS, 0)

    def self_test(self):
        """0 good, 1 it does not answer or has lost its settings."""
        return 0 if self._there() else 1

    def _there(self):
        return self._read(_METER_EN) == 1 and self._read(_UGAIN_A) == self._gains[0]

    # -- the door

    def reading(self, now_us):
        """A reading when one is due, else None."""
        self._tick += 1
        if self._tick < _TICKS:
            return None
        self._tick = 0
        self._n += 1
        full = self._n >= _EVERY
        if full and not self._there():
            self._n = 0
            self.resets += 1
            self._set_up()
            return None
        u = [self._read(_URMS_A + k) for k in range(3)]        # 0.01 V
        i = [self._read(_IRMS_A + k) for k in range(3)]        # mA
        raw = u + i
        # dead inputs stand still at nothing; a chip that has stopped does so at something
        self._same = self._same + 1 if raw == self._raw and max(u) > 1000 else 0
        self._raw = raw
        if self._same >= _SAME or min(u) == 0xFFFF:
            self.errors += 1
            return None
        i_x = self._i_x
        reading = [[(x + 5) // 10 for x in u] + [x * i_x for x in i]]
        if full:
            self._n = 0
            us = time.ticks_diff(now_us, self._part_us) + self._rest_us
            self._part_us = now_us
            self._rest_us = us % 1000
            reading.append([us // 1000, self._read(_FREQ) * 10] + [x * 10_000 for x in u]
                           + [x * 1000 * i_x for x in i]
                           + [self._wide(_PMEAN_A + k) * 8 * i_x // 25 for k in range(3)]
                           + [self._wide(_QMEAN_A + k) * 8 * i_x // 25 for k in range(3)])
        return reading


def fit(conv, board):
    return Atm90e32(conv, board), Readings
