"""The time by SNTP (RFC 4330): one packet out, one back, every hour; nothing waits for it.

poll() tells UTC when an answer has come, in ms, half of the round trip added; else 0. Believed is
only an answer to our own question (it repeats the 8 bytes that we sent as our time), of a server
that says it is synchronised, within a second, with a time of this firmware's life. The name is
looked up once an hour, as a declared block (netwatch.py).
"""
import socket
import struct

from micropython import const

_PORT = const(123)
_EACH_MS = const(3_600_000)
_AGAIN_MS = const(30_000)       # doubles to an hour
_WAIT_MS = const(1_000)
_NAME_MS = const(10_000)
_LATER = (11,)
_1900_S = 2_208_988_800
_LEAST_MS = 1_735_689_600_000   # 2025
_MOST_MS = 4_102_444_800_000    # 2100


class Ntp:
    def __init__(self, clock, host, block, port=_PORT):
        self.host = host
        self.failed = 0             # questions without a good answer, in a row
        self._clock = clock
        self._block = block
        self._port = port
        self._sock = None
        self._due_ms = 0
        self._sent_ms = 0
        self._mark = b""            # which question it is that is answered

    def poll(self, now_ms):
        if now_ms < self._due_ms and not self._sock:
            return 0
        utc_ms = 0
        try:
            if not self._sock:
                self._ask()
                return 0
            utc_ms = self._hear(now_ms)
            if not utc_ms and now_ms - self._sent_ms < _WAIT_MS:
                return 0
        except (OSError, ValueError, IndexError):
            pass
        self._close()
        self.failed = 0 if utc_ms else self.failed + 1
        self._due_ms = now_ms + (_EACH_MS if utc_ms else min(_AGAIN_MS << self.failed, _EACH_MS))
        return utc_ms

    def _ask(self):
        self._block(_NAME_MS)
        try:
            address = socket.getaddrinfo(self.host, self._port, socket.AF_INET,
                                         socket.SOCK_DGRAM)[0][-1]
        finally:
            self._block(0)
        self._sock = sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.connect(address)           # answers of others do not reach us
        self._sent_ms = now_ms = self._clock.now_ms()
        self._mark = struct.pack("!II", self._clock.ticks_us(), now_ms & 0x3FFFFFFF)
        sock.send(b"\x23" + bytes(39) + self._mark)

    def _hear(self, now_ms):
        try:
            data = self._sock.recv(64)
        except OSError as e:
            if e.errno in _LATER:
                return 0
            raise
        # a server's, which is not in alarm, and has a source of its own
        if len(data) < 48 or data[0] & 7 != 4 or data[0] >> 6 == 3 or not 1 <= data[1] <= 15:
            return 0
        if data[24:32] != self._mark:
            return 0
        s, fraction = struct.unpack("!II", data[40:48])
        if not s >> 31:
            s += 1 << 32                # from 2036 on
        utc_ms = (s - _1900_S) * 1000 + (fraction * 1000 >> 32) + (now_ms - self._sent_ms) // 2
        return utc_ms if _LEAST_MS <= utc_ms < _MOST_MS else 0

    def _close(self):
        if self._sock:
            self._sock.close()
            self._sock = None
