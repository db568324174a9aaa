"""Bytes to and from a technician (ports.py, Terminal) on a UART of the chip; never waits.

rule: uart (number), tx, rx, baud: TERMINAL in pins.py. The REPL stays on USB all the same, so a
Ctrl-C there is kept from ending the firmware here too.
"""
import machine

from acu.drivers.terminal import Terminal


class UartTerminal(Terminal):
    def __init__(self, rule):
        self._uart = machine.UART(rule["uart"], rule["baud"], tx=machine.Pin(rule["tx"]),
                                  rx=machine.Pin(rule["rx"]))

    def read(self, n):
        return self._uart.read(n) or b"" if self._uart.any() else b""

    def write(self, data):
        return self._uart.write(data) or 0
