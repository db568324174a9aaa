"""Bytes to and from a technician (ports.py, Terminal) on USB. Neither call ever waits.

USB is the image's own standard input and output, shared with its REPL: own() keeps a Ctrl-C there
from ending the firmware, leave() gives the REPL its way in again. A computer that does not read
costs at most one packet: what is not taken the caller keeps.
"""
import select
import sys

import micropython
from micropython import const

_PACKET = const(64)
_PACKETS = const(4)     # a call


class Terminal:
    def own(self):
        micropython.kbd_intr(-1)

    def leave(self):
        micropython.kbd_intr(3)


class UsbTerminal(Terminal):
    def __init__(self):
        self._in = select.poll()
        self._in.register(sys.stdin, select.POLLIN)
        self._out = select.poll()
        self._out.register(sys.stdout, select.POLLOUT)

    def read(self, n):
        """At most n bytes that are there; b'' if none."""
        data = b""
        source = sys.stdin.buffer
        while len(data) < n and self._in.poll(0):
            byte = source.read(1)
            if not byte:
                break
            data += byte
        return data

    def write(self, data):
        """How many of them were taken."""
        taken = 0
        for _ in range(_PACKETS):
            if taken == len(data) or not self._out.poll(0):
                break
            piece = data[taken:taken + _PACKET]
            sys.stdout.buffer.write(piece)
            taken += len(piece)
        return taken
