"""A broker that is a script, for the tests of the MQTT link; runs in both Pythons.

Peer is what the link takes for its stream: bytes go in both directions as the test says, none
waits. Below it are the packets as MQTT 3.1.1 has them, made by hand and not by umqtt.
"""
import sys

HOME = __file__.replace("\\", "/").rpartition("/tests/")[0]
VM = sys.implementation.name == "micropython"


def umqtt():
    """Where umqtt.simple is: $SLVG_UMQTT, else what `make setup` has fetched."""
    import os
    path = os.getenv("SLVG_UMQTT") or HOME + "/.venv/umqtt"
    try:
        os.stat(path + "/umqtt/simple.py")
    except OSError:
        if not VM and os.getenv("SLVG_REQUIRE_BROKER") != "1":
            import pytest
            pytest.skip("no umqtt.simple: run `make setup`", allow_module_level=True)
    return path


sys.path.append(umqtt())
from acu.drivers import links, stream  # noqa: E402,F401
from acu.drivers import mqtt_link as ml  # noqa: E402


class Clock:
    def __init__(self, now_ms=0):
        self.t_ms = now_ms

    def now_ms(self):
        return self.t_ms


class Peer:
    """answer(packet) -> bytes that come back, at each whole packet that the link has sent."""

    def __init__(self, answer=None):
        self.answer = answer or polite
        self.refuses = None         # raised by begin()
        self.slow = 0               # looks until TCP is connected
        self.takes = 1 << 20        # bytes of a send() at most; 0: its buffer is full
        self.gives = 1 << 20        # the same of a recv()
        self.fault = None           # raised by recv()
        self.opened = self.closed = 0
        self.packets = []
        self.shaken = False
        self.cause = 0
        self._slow = 0
        self._fresh()

    def _fresh(self):
        self.open = False
        self.eof = False            # after what is in `to_link`
        self.to_link = bytearray()
        self.heard = bytearray()

    def begin(self):
        self._fresh()
        self.opened += 1
        if self.refuses:
            raise self.refuses
        self._slow = self.slow

    def connected(self):
        self._slow -= 1
        if self._slow >= 0:
            return False
        self.open = self.shaken = True
        return True

    def send(self, data):
        if not self.open:
            raise OSError(9)
        n = min(len(data), self.takes)
        self.heard.extend(data[:n])
        while True:
            size = whole(self.heard)
            if not size:
                return n or None
            packet = bytes(self.heard[:size])
            self.heard = self.heard[size:]
            self.packets.append(packet)
            self.to_link.extend(self.answer(packet))

    def recv(self, n):
        if self.fault:
            raise self.fault
        if not self.open:
            raise OSError(9)
        data = bytes(self.to_link[:min(n, self.gives)])
        self.to_link = self.to_link[len(data):]
        if data:
            return data
        return b"" if self.eof else None

    def blame(self, error):
        return self.cause

    def close(self):
        self.closed += 1
        self.open = self.shaken = False

    def kinds(self):
        """First bytes' upper halves of what the link has sent."""
        return [packet[0] >> 4 for packet in self.packets]


def whole(data):
    """Bytes of the packet at the begin; 0: it is not all there."""
    n = shift = 0
    for at in range(1, min(len(data), 5)):
        n |= (data[at] & 127) << shift
        shift += 7
        if not data[at] & 128:
            return at + 1 + n if len(data) >= at + 1 + n else 0
    return 0


def length(n):
    out = bytearray()
    while True:
        out.append(n & 127 | (128 if n > 127 else 0))
        n >>= 7
        if not n:
            return bytes(out)


def u16(n):
    return bytes((n >> 8, n & 255))


CONNACK = b"\x20\x02\x00\x00"
PINGRESP = b"\xd0\x00"


def puback(n):
    return b"\x40\x02" + u16(n)


def suback(n, code=1):
    return b"\x90\x03" + u16(n) + bytes((code,))


def publish(topic, payload, qos=0, n=7, retain=0):
    body = u16(len(topic)) + topic + (u16(n) if qos else b"") + payload
    return bytes((0x30 | qos << 1 | retain,)) + length(len(body)) + body


def parts(packet):
    """(topic, payload, qos, number, retain) of a PUBLISH."""
    at = 1
    while packet[at] & 128:
        at += 1
    at += 1
    n = packet[at] << 8 | packet[at + 1]
    topic = packet[at + 2:at + 2 + n]
    at += 2 + n
    qos = packet[0] >> 1 & 3
    number = 0
    if qos:
        number = packet[at] << 8 | packet[at + 1]
        at += 2
    return topic, packet[at:], qos, number, packet[0] & 1


def polite(packet):
    """What a broker answers."""
    kind = packet[0] >> 4
    if kind == 1:
        return CONNACK
    if kind == 8:
        return suback(packet[2] << 8 | packet[3])
    if kind == 3:
        return puback(parts(packet)[3]) if packet[0] & 6 else b""
    if kind == 12:
        return PINGRESP
    return b""


class Net:
    """A link, its peer and their time."""

    def __init__(self, answer=None, filters=("a/dn/+",), **named):
        self.clock = Clock()
        self.peer = Peer(answer)
        self.got = []
        named.setdefault("will", ("a/st", "0 3", "1 3 %d"))
        self.link = ml.MqttLink(self.clock, self.peer, "eu1", **named)
        for one in filters:
            self.link.subscribe(one)

    def hear(self, topic, payload):
        self.got.append((topic, payload))

    def run(self, ms, step_ms=10):
        end_ms = self.clock.t_ms + ms
        while self.clock.t_ms < end_ms:
            self.clock.t_ms += step_ms
            self.link.poll(self.hear)
        return self

    def until(self, true, ms=60_000):
        """How long it took."""
        start_ms = self.clock.t_ms
        while not true():
            if self.clock.t_ms - start_ms > ms:
                raise ValueError("not within %d ms" % ms)
            self.run(10)
        return self.clock.t_ms - start_ms

    def until_up(self):
        return self.until(lambda: self.link.up)

    def until_closed(self):
        return self.until(lambda: self.peer.closed)

    def start(self):
        self.until_up()
        self.run(20)
        self.peer.packets = []
        return self
