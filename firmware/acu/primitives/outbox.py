"""ISF-1, store and forward: what waits for the network, in RAM and then in the store.

Live messages first. What the link has taken but the broker not yet confirmed stays here; a broken
connection makes it due again, so that the receiver may get it twice and tells by its number. While
a net is down, events and energy go from RAM into segments of the store, `out0` .. `out15`, one
block each, kept over a restart; afterwards they follow, oldest first, one a second, and a segment
goes when its last message is confirmed. Commands are never stored, and dropped when their time is
over. What cannot be kept is counted. Never waits, decides nothing.
"""
import struct
from binascii import crc32

from micropython import const

from acu.ports import FOREVER_MS

_RAM = const(24)            # messages; a page is half a kilobyte
_SPOOL = const(12)          # so many in RAM, or the oldest waits so long: into the store
_SPOOL_MS = const(10_000)
_EACH_MS = const(1_000)     # between two messages from the store
_SEGMENT = const(4096)
_SEGMENTS = const(16)
_TELE_MS = const(900_000)   # of telemetry the totals of every quarter of an hour are stored: a day
_STORED = ("evt", "outage", "restore", "pq", "ub.res", "log.dat", "tele")
_HEAD = const(4)            # of a segment: its number

# of an entry
_TOPIC = const(0)
_RAW = const(1)
_RETAIN = const(2)
_TICKET = const(3)          # 0: not sent; else the link's number
_AT_MS = const(4)
_UNTIL_MS = const(5)        # 0: no matter when


def _kind(topic):
    return topic[topic.rfind("/") + 1:]


class Outbox:
    def __init__(self, link, store):
        self._link = link
        self._store = store
        self.live = []
        self._session = link.session
        self.discarded = 0          # QoS 1 messages lost for want of room
        self._tele_ms = -_TELE_MS   # when one was stored
        self._segments = []         # numbers in the store, oldest first; a name is number % 16
        self._size = 0              # of the newest
        self._at = _HEAD            # where the next to be sent lies, in the oldest
        self._old = 0               # the link's number of the one under way; -1: was sent
        self._old_ms = 0
        for k in range(_SEGMENTS):
            raw = store.read("out%d" % k, 0, _HEAD)
            if raw and len(raw) == _HEAD:
                self._segments.append(struct.unpack("<I", raw)[0])
        self._segments.sort()
        if self._segments:
            self._size = _SEGMENT   # a torn row may be its last: the next batch begins another

    def stored(self):
        """Segments in the store."""
        return len(self._segments)

    def unsent(self):
        return sum([one[_TICKET] == 0 for one in self.live])

    def put(self, now_ms, topic, raw, retain, until_ms=0):
        """QoS 1, at once if nothing of its net waits: what arrives late would be taken for a
        replay."""
        ticket = 0
        self._renew()
        if not self._blocked(topic):
            ticket = self._link.publish(topic, raw, 1, retain)
            if ticket == 1:
                return
        if len(self.live) >= _RAM:
            self._give_up()
        self.live.append([topic, raw, retain, ticket, now_ms, until_ms])

    def _blocked(self, topic):
        """Does one of the same net wait?"""
        net = topic[:11]
        for one in self.live:
            if not one[_TICKET] and one[_TOPIC][:11] == net:
                return True
        return False

    def _give_up(self):
        """Room for one: what repeats itself goes first, an outage is said once."""
        at = 0
        for k in range(len(self.live)):
            if _kind(self.live[k][_TOPIC]) == "tele":
                at = k
                break
        del self.live[at]
        self.discarded += 1

    def slow(self, now_ms, may_write):
        link = self._link
        self._renew()
        while link.acks:
            self._confirmed(link.acks.pop(0))
        if self.live:
            self._send(now_ms)
        if self._segments and link.up and not self.live and now_ms - self._old_ms >= _EACH_MS:
            self._send_old(now_ms)
        if may_write and self._spool_ms(now_ms) <= 0:
            self._spool(now_ms)

    def _renew(self):
        """What was under way on a connection that is gone may be lost."""
        if self._link.session != self._session or not self._link.up:
            self._session = self._link.session
            for one in self.live:
                one[_TICKET] = 0
            self._old = min(self._old, 0)

    def _confirmed(self, ticket):
        if ticket == self._old:
            self._old = -1
            return
        for k in range(len(self.live)):
            if self.live[k][_TICKET] == ticket:
                del self.live[k]
                return

    def _send(self, now_ms):
        """The oldest of each net that takes it, two a pass."""
        shut = []
        left = 2
        k = 0
        while k < len(self.live) and left:
            one = self.live[k]
            if one[_TICKET]:
                k += 1
                continue
            if one[_UNTIL_MS] and now_ms > one[_UNTIL_MS]:
                del self.live[k]           # a command; who gave it hears no answer
                self.discarded += 1
                continue
            net = one[_TOPIC][:11]
            ticket = 0
            if net not in shut:
                ticket = self._link.publish(one[_TOPIC], one[_RAW], 1, one[_RETAIN])
            if not ticket:
                shut.append(net)
                k += 1
                continue
            left -= 1
            if ticket == 1:
                del self.live[k]
            else:
                one[_TICKET] = ticket
                k += 1

    # -- the store

    def _spool_ms(self, now_ms):
        """How long until what waits should be stored."""
        waits = 0
        oldest_ms = now_ms
        for one in self.live:
            if not one[_TICKET] and _kind(one[_TOPIC]) in _STORED:
                waits += 1
                oldest_ms = min(oldest_ms, one[_AT_MS])
        if not waits:
            return FOREVER_MS
        # a net that is up takes two a pass
        return oldest_ms + (_EACH_MS if waits >= _SPOOL else _SPOOL_MS) - now_ms

    def _spool(self, now_ms):
        """All of it in one write: each costs an erase."""
        data = b""
        kept = []
        room = _SEGMENT - self._size if self._segments else _SEGMENT - _HEAD
        for one in self.live:
            topic, raw = one[_TOPIC], one[_RAW]
            kind = _kind(topic)
            if one[_TICKET] or kind not in _STORED:
                kept.append(one)
            elif kind == "tele" and (now_ms - self._tele_ms < _TELE_MS or b'"pg":0,' not in raw):
                pass                # its totals come again in a minute
            else:
                if kind == "tele":
                    self._tele_ms = now_ms
                row = struct.pack("<HB", len(raw), len(topic)) + topic.encode() + raw
                row += struct.pack("<I", crc32(row) & 0xFFFFFFFF)
                if len(row) > room:
                    if not self._put(data):
                        return
                    data = b""
                    self._size = _SEGMENT       # full
                    room = _SEGMENT - _HEAD
                data += row
                room -= len(row)
        if not data or self._put(data):
            self.live = kept

    def _put(self, data):
        """False: the store did not take it; then it stays in RAM."""
        if not data:
            return True
        segments = self._segments
        if segments and self._size + len(data) <= _SEGMENT:
            done = self._store.append("out%d" % (segments[-1] % _SEGMENTS), data)
            self._size += len(data)
        else:
            if len(segments) >= _SEGMENTS:
                self.discarded += self._rows(segments[0], self._at)
                self._forget()
            number = segments[-1] + 1 if segments else 0
            data = struct.pack("<I", number) + data
            done = self._store.write("out%d" % (number % _SEGMENTS), data)
            if done is not False:
                segments.append(number)
                self._size = len(data)
        return done is not False

    def _row(self, number, at):
        """(topic, raw, where the next one is), or None: no whole row is there."""
        name = "out%d" % (number % _SEGMENTS)
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
        self._store.remove("out%d" % (self._segments.pop(0) % _SEGMENTS))
        self._at = _HEAD
        self._old = 0

    def _send_old(self, now_ms):
        """Retained, it would undo what has been told since."""
        self._old_ms = now_ms
        if self._old > 0:
            return              # the one before is not confirmed
        number = self._segments[0]
        row = self._row(number, self._at)
        if row and self._old < 0:       # that one is
            self._at = row[2]
            row = self._row(number, self._at)
        if not row:
            return self._forget()
        ticket = self._link.publish(row[0], row[1], 1, 0)
        self._old = -1 if ticket == 1 else ticket

    # -- rest

    def waiting(self):
        """Something could go, or is to be confirmed."""
        if not self._link.up:
            return False
        return bool(self.live or self._link.acks)

    def rest_ms(self, now_ms):
        """Until slow() has something to do while the link stays as it is."""
        rest_ms = self._spool_ms(now_ms)
        if self._segments and self._link.up:
            rest_ms = self._old_ms + _EACH_MS - now_ms
        for one in self.live:
            if one[_UNTIL_MS] and not one[_TICKET]:
                rest_ms = min(rest_ms, one[_UNTIL_MS] + 1 - now_ms)
        return max(0, rest_ms)
