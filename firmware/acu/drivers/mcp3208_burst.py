"""The converter MCP3208 read through machine.SPI, in bursts (burst.py): ESP32, reduced quality.

Channel k of the board is input k of the chip. A conversion is three bytes; each costs some Python
calls, some 60 us in all, so that five channels give about 50 frames a cycle. On an RP2040 PIO and
DMA do this without the CPU (mcp3208_pio.py).
"""
import machine
from micropython import const

from acu.drivers.burst import Burst
from acu.primitives.readings import Readings

_BAUD = const(1_000_000)      # the chip takes 1.0 MHz at 2.7 V and 2.0 at 5


class McpBurst(Burst):
    def __init__(self, conv, board):
        super().__init__(board)
        self._spi = machine.SPI(conv["spi"], baudrate=_BAUD, polarity=0, phase=0,
                                sck=machine.Pin(conv["sck"]), mosi=machine.Pin(conv["mosi"]),
                                miso=machine.Pin(conv["miso"]))
        self._cs = machine.Pin(conv["cs"], machine.Pin.OUT, value=1)
        # start, single-ended, D2 D1 D0, then clocks for the null bit and twelve bits
        self._ask = [bytes((6 | c >> 2, (c & 3) << 6, 0)) for c in range(self.channels)]
        self._word = bytearray(3)

    def frame(self, buffer, at):
        cs = self._cs.value
        exchange = self._spi.write_readinto
        word = self._word
        for ask in self._ask:
            cs(0)
            exchange(ask, word)
            cs(1)
            buffer[at] = (word[1] & 15) << 8 | word[2]
            at += 1


def fit(conv, board):
    return McpBurst(conv, board), Readings
