"""The ESP32's own converter, one read at a time, in bursts (burst.py): reduced quality.

Some 35 us or more a read, 1 mV steps after the factory's correction curve, and whole milliseconds
lost when the flash cache stalls: good for a rough current and "is there voltage". Only pins of
ADC1 (32 to 39) work beside Wi-Fi. Channel k of the board is pins[k].
"""
import machine
from micropython import const

from acu.drivers.burst import Burst
from acu.primitives.readings import Readings

_UV_A_CODE = const(806)       # 3.3 V over 4095 codes


class Esp32Adc(Burst):
    def __init__(self, conv, board):
        super().__init__(board)
        self._read = []
        for pin in conv["pins"]:
            adc = machine.ADC(machine.Pin(pin), atten=machine.ADC.ATTN_11DB)
            self._read.append(adc.read_uv)

    def frame(self, buffer, at):
        for read in self._read:
            buffer[at] = read() // _UV_A_CODE
            at += 1


def fit(conv, board):
    return Esp32Adc(conv, board), Readings
