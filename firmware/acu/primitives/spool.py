"""ISF-1, the store's part of store and forward: segments `out0` .. `out15`, one block each.

Made by the outbox while something lies in the store or has to go there, and dropped again (RAM). A
segment is its number, then rows of lengths, topic, bytes and CRC-32; one write takes all that
waits, since each costs an erase. The oldest is sent first, a message at a time, and removed when
its last one is confirmed: after a restart its messages may go out twice. A torn row ends its
segment.
"""
import struct
from binascii import crc32

from micropython import const

from acu.primitives.outbox import SEGMENTS

SEGMENT = const(4096)
_HEAD = const(4)            # of a segment: its number
_TELE_MS = const(900_000)   # of telemetry the totals of every quarter of an hour: a day of them


class Spool:
    LATER = True        # made while it runs (app.settle)

    def __init__(self, store):
        self._store = store
        self.discarded = 0          # messages that gave way
        self.segments = []          # numbers in the store, oldest first; a name is number % 16
        self._size = SEGMENT        # of the newest: a torn row may be its last
        self._at = _HEAD            # where the next to be sent lies, in the oldest
        self.old = 0                # the link's number of the one under way; -1: was sent
        self._old_ms = 0
        self._tele_ms = -_TELE_MS   # when one was stored
        for k in range(SEGMENTS):
            raw = store.read("out%d" % k, 0, _HEAD)
            if raw and len(raw) == _HEAD:
                self.segments.append(struct.unpack("<I", raw)[0])
        self.segments.sort()

    def keep(self, now_ms, entries):
        """(kind, topic, bytes) into the store, in one write or two. False: it did not take
        them."""
        data = b""
        room = SEGMENT - self._size if self.segments else SEGMENT - _HEAD
        for kind, topic, raw in entries:
            if kind == "tele":      # its totals come again in a minute
                if now_ms - self._tele_ms < _TELE_MS or b'"pg":0,' not in raw:
                    continue
                self._tele_ms = now_ms
            row = struct.pack("<HB", len(raw), len(topic)) + topic.encode() + raw
            row += struct.pack("<I", crc32(row) & 0xFFFFFFFF)
            if len(row) > room:
                if not self._put(data):
                    return False
                data = b""
                self._size = SEGMENT        # full
                room = SEGMENT - _HEAD
            data += row
            room -= len(row)
        return self._put(data)

    def _put(self, data):
        if not data:
            return True
        segments = self.segments
        if segments and self._size + len(data) <= SEGMENT:
            done = self._store.append("out%d" % (segments[-1] % SEGMENTS), data)
            self._size += len(data)
        else:
            if len(segments) >= SEGMENTS:
                self.discarded += self._rows(segments[0], self._at)
                self._forget()
            number = segments[-1] + 1 if segments else 0
            data = struct.pack("<I", number) + data
            done = self._store.write("out%d" % (number % SEGMENTS), data)
            if done is not False:
                segments.append(number)
                self._size = len(data)
        return done is not False

    def _row(self, number, at):
        """(topic, bytes, where the next one is), or None: no whole row is there."""
        name = "out%d" % (number % SEGMENTS)
        head = self._store.read(name, at, 3)
        if not head or len(head) < 3:
            return None
        n, t = struct.unpack("<HB", head)
        size = 3 + t + n
        row = self._store.read(name, at, size + 4)
        if not row or len(row) < size + 4 or (
                struct.unpack("<I", row[size:])[0] != crc32(row[:size]) & 0xFFFFFFFF):
            return None
        return str(row[3:3 + t], "utf-8"), row[3 + t:size], at + size + 4

    def _rows(self, number, at):
        n = 0
        row = self._row(number, at)
        while row:
            n += 1
            row = self._row(number, row[2])
        return n

    def _forget(self):
        """The oldest segment is done with."""
        self._store.remove("out%d" % (self.segments.pop(0) % SEGMENTS))
        self._at = _HEAD
        self.old = 0

    def send(self, link):
        """The next one, when the one before is confirmed. Not retained: it would undo what has
        been told since."""
        if self.old > 0:
            return
        number = self.segments[0]
        row = self._row(number, self._at)
        if row and self.old < 0:        # that one is
            self._at = row[2]
            row = self._row(number, self._at)
        if not row:
            return self._forget()
        ticket = link.publish(row[0], row[1], 1, 0)
        self.old = -1 if ticket == 1 else ticket
