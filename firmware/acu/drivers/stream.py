"""A TCP connection, with TLS or without, whose calls do not wait (for mqtt_link.py).

begin() looks a name up, once: the address is kept until nobody has answered there for a while.
That, and each step of a TLS handshake, which takes a chip seconds of computing, is a declared
block: block(ms) before it says how long it may take, block(0) that it is over. All else returns
at once. The same on MicroPython and CPython.
"""
import select
import socket

from micropython import const

from acu.drivers.mqtt_link import C_DNS, C_NONE, C_TCP, C_TLS_OTHER

_LATER = (11, 2, 3)         # EAGAIN; CPython's TLS wants to read, to write
_UNDER_WAY = (115, 119, 11)     # EINPROGRESS, on an ESP32
_NAME_MS = const(10_000)
_SHAKE_MS = const(10_000)
_OLD = const(6)             # attempts in vain, until the name is looked up again


class Stream:
    """tls: tls.Tls or None. block: see above."""

    def __init__(self, host, port, tls=None, block=None):
        self._host = host
        self._port = port
        self._tls = tls
        self._block = block or (lambda ms: None)
        self._address = None
        self._failed = 0
        self._sock = self._over = self._look = None
        self.shaken = False
        self._cause = C_NONE

    def begin(self):
        self._cause = C_DNS
        self._failed += 1
        if self._address is None or self._failed % _OLD == 0:
            self._block(_NAME_MS)
            try:
                self._address = socket.getaddrinfo(self._host, self._port, socket.AF_INET,
                                                   socket.SOCK_STREAM)[0][-1]
            finally:
                self._block(0)
        self._cause = C_TCP
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._look = select.poll()
        self._look.register(self._sock, select.POLLOUT)
        try:
            self._sock.connect(self._address)
        except OSError as e:
            if e.errno not in _UNDER_WAY:
                raise

    def connected(self):
        seen = self._look.poll(0)
        if not seen:
            return False
        if seen[0][1] & ~select.POLLOUT:
            raise OSError(111)
        self._look = None
        self._failed = 0
        self._cause = C_NONE
        self.shaken = self._tls is None
        if self._tls:
            self._cause = C_TLS_OTHER
            self._over = self._tls.wrap(self._sock)
        # CPython's bare socket has no read and write, MicroPython's TLS nothing else
        over = self._over or self._sock
        self._get = getattr(over, "read", None) or over.recv
        self._put = getattr(over, "write", None) or over.send
        return True

    def send(self, data):
        """How many bytes went; None or 0: none, send the same again."""
        n = self._do(self._put, data)
        if n:
            self.shaken = True
        return n

    def recv(self, n):
        """At most n bytes; None: nothing there, b"": the other end has closed."""
        data = self._do(self._get, n)
        if data:
            self._cause = C_NONE
        return data

    def _do(self, call, what):
        shaken = self.shaken
        if not shaken:
            self._block(_SHAKE_MS)
        try:
            return call(what)
        except OSError as e:
            if e.errno not in _LATER:
                raise
        finally:
            if not shaken:
                self._block(0)

    def blame(self, error):
        """C_* of an error; 0: the connection itself was made."""
        if self._cause == C_TLS_OTHER:
            return self._tls.blame(error)
        return self._cause

    def close(self):
        for one in (self._over, self._sock):    # a handshake that failed has let go of its socket
            if one:
                one.close()
        self._sock = self._over = self._look = self._get = self._put = None
