"""Inside the MicroPython VM: the modules `network` and `socket` of a board that is on its net,
with a broker behind them that says yes to everything. For memory.py; the stream is without TLS.
"""
import io
import sys

_POLL = 3           # request of an ioctl, and what it asks for
_WRITABLE = 4


class Radio:
    """network, and its WLAN."""

    STA_IF = 0

    def WLAN(self, kind):
        return self

    def isconnected(self):
        return True

    def status(self, what=None):
        return -60

    def hostname(self, text):
        pass

    country = active = hostname

    def config(self, pm):
        pass


class Sock(io.IOBase):
    def __init__(self, family=2, kind=1):
        self.to_link = bytearray()
        self.from_link = bytearray()

    def setblocking(self, on):
        pass

    def send(self, data):
        """A question for the time, which nobody answers."""

    def recv(self, n):
        raise OSError(11)

    connect = setblocking

    def ioctl(self, request, what):
        return what & _WRITABLE if request == _POLL else 0

    def write(self, data):
        """A chunk may end within a packet, where several wait at once."""
        taken = len(data)
        self.from_link.extend(data)
        data = bytes(self.from_link)
        at = 0
        while True:
            n = shift = 0
            head = at + 1
            whole = False
            while head < len(data) and not whole:
                n |= (data[head] & 127) << shift
                shift += 7
                whole = not data[head] & 128
                head += 1
            if not whole or head + n > len(data):
                break
            kind = data[at] >> 4
            if kind == 1:
                self.to_link.extend(b"\x20\x02\0\0")
            elif kind == 8:
                self.to_link.extend(b"\x90\x03" + data[head:head + 2] + b"\x01")
            elif kind == 12:
                self.to_link.extend(b"\xd0\0")
            elif data[at] & 0xF6 == 0x32:
                topic = data[head] << 8 | data[head + 1]
                self.to_link.extend(b"\x40\x02" + data[head + 2 + topic:head + 4 + topic])
            at = head + n
        self.from_link = bytearray(data[at:])
        return taken
    def read(self, n):
        data = bytes(self.to_link[:n])
        self.to_link = self.to_link[n:]
        return data or None

    def close(self):
        pass


class Net:
    """socket."""

    AF_INET, SOCK_STREAM, SOCK_DGRAM = 2, 1, 2
    socket = Sock

    def getaddrinfo(self, host, port, family=0, kind=0):
        return [(2, 1, 0, "", (host, port))]


def install():
    sys.modules["network"] = Radio()
    sys.modules["socket"] = sys.modules["usocket"] = Net()
