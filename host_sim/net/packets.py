"""Where the packets of an MQTT stream begin and end, and of what kind they are (MQTT 3.1.1, 2.2).

For who looks at a stream from outside, a byte or a megabyte at a time; keeps no contents.
"""
from collections.abc import Iterator
from dataclasses import dataclass

CONNECT, CONNACK, PUBLISH, PUBACK = 1, 2, 3, 4
SUBSCRIBE, SUBACK = 8, 9
PINGREQ, PINGRESP = 12, 13

NAMES = {CONNECT: "CONNECT", CONNACK: "CONNACK", PUBLISH: "PUBLISH", PUBACK: "PUBACK",
         SUBSCRIBE: "SUBSCRIBE", SUBACK: "SUBACK", PINGREQ: "PINGREQ", PINGRESP: "PINGRESP"}


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes of one packet. head: the packet's first byte."""

    head: int
    data: bytes
    first: bool
    last: bool

    @property
    def kind(self) -> int:
        return self.head >> 4

    @property
    def publish_qos(self) -> int:
        """-1: no PUBLISH."""
        return self.head >> 1 & 3 if self.kind == PUBLISH else -1


class Framer:
    """feed() in any pieces; the parts together are the bytes again."""

    def __init__(self) -> None:
        self._head = -1         # -1: between two packets
        self._left = 0          # bytes of the body still to come; counts once its length is known
        self._shift = 0         # of the next digit of the length
        self._counting = False

    def feed(self, data: bytes) -> Iterator[Part]:
        at = 0
        while at < len(data):
            begin = at
            first = self._head < 0
            if first:
                self._head = data[at]
                self._left = self._shift = 0
                self._counting = True
                at += 1
            while self._counting and at < len(data):
                digit = data[at]
                self._left |= (digit & 0x7F) << self._shift
                self._shift += 7
                self._counting = digit >= 0x80
                at += 1
            last = False
            if not self._counting:
                body = min(self._left, len(data) - at)
                self._left -= body
                at += body
                last = self._left == 0
            yield Part(self._head, data[begin:at], first, last)
            if last:
                self._head = -1
