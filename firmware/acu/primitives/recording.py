"""CSF-1 Recording: the event log in RAM and store, and small records that survive a power cut.

Events are integers until somebody reads them. The fast tier queues without allocating; the slow
tier gives them their time and flushes in batches of 16, after 60 s, or at once where the role asks
for it (one append costs a block erase). In the store the log is a ring of segments of one block
each, a row with its own CRC: at least the last 2048 events, under numbers that go on after a
restart. history.py finds its end at the start and reads it. Never decides, sends or switches
anything.
"""
import struct
from array import array
from binascii import crc32

from micropython import const

from acu import events as ev
from acu import forget
from acu.ports import FOREVER_MS

_QUEUE = const(16)        # events the fast tier may hold until the next slow tick
_ROW = const(5)           # number, a, b, c, ticks_us
_KEEP = const(24)         # rows kept in RAM, of 70 bytes
_MOST = const(96)         # the same while they cannot be stored
_BATCH = const(16)
_FLUSH_MS = const(60_000)
SEGMENT = const(4096)     # bytes: a block of the flash, 128 rows
SEGMENTS = const(18)      # 16 are 2048 events; one is being filled, one makes up for torn rows
ROW_SIZE = const(32)
ROW = "<IHqHiii"          # lasting number, starts, utc_ms, event, a, b, c; then their CRC-32
_HEAD = "<IHI"            # seq, length, crc32


def iso(utc_ms):
    """Unix time in ms as 2026-03-01T06:00:20.231Z; no library, since the boards' epochs differ."""
    day, ms = divmod(utc_ms, 86_400_000)
    z = day + 719_468                      # days from 0000-03-01 (proleptic Gregorian calendar)
    era, doe = divmod(z, 146_097)
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (
        year, month, doy - (153 * mp + 2) // 5 + 1, ms // 3_600_000, ms // 60_000 % 60,
        ms // 1000 % 60, ms % 1000)


def _int32(value):
    """A row has 32 bits for each; a clock set by years, or a message's number, may need more."""
    return max(-0x80000000, min(0x7FFFFFFF, value))


class Recorder:
    """The event log of one ACU."""

    def __init__(self, store, clock, sync, me):
        from acu.primitives import history
        self.store = store
        self._clock = clock
        self._sync = sync
        self._me = me
        self._queue = array("i", [0] * (_QUEUE * _ROW))
        self._head = 0            # written by the fast tier only
        self._tail = 0            # written by the slow tier only
        self.lost = 0             # events that found the queue full, or no store for too long
        self.rows = []            # (seq, utc_ms, number, a, b, c), newest last
        self.seq = 0
        # events stored before this start; starts so far as they say; where the next one goes
        self.base, self.boots, self.segment, self._at = history.find(store)
        forget("acu.primitives.history")
        self._saved = 0           # seq of the last one in the store
        self._since_ms = 0
        self._urgent = False
        self._held = False        # the store took not all of the last flush
        self._failed = 0          # of the store's failures, those that are in the log

    def fast(self, number, a, b, c, now_us):
        """From the fast tier: queues, allocates nothing; drops and counts when it is full."""
        nxt = (self._head + 1) % _QUEUE
        if nxt == self._tail:
            self.lost += 1
            return
        q = self._queue
        k = self._head * _ROW
        q[k] = number
        q[k + 1] = a
        q[k + 2] = b
        q[k + 3] = c
        q[k + 4] = now_us
        self._head = nxt

    def add(self, now_ms, number, a=0, b=0, c=0, urgent=False):
        """From the slow tier. urgent: into the store with the next flush, not with the batch."""
        self.seq += 1
        row = (self.seq, self._sync.utc_ms(now_ms), number, _int32(a), _int32(b), _int32(c))
        rows = self.rows
        rows.append(row)
        while len(rows) > _KEEP and (rows[0][0] <= self._saved or len(rows) > _MOST):
            if rows[0][0] > self._saved:
                self._saved = rows[0][0]
                self.lost += 1
            del rows[0]
        if self._saved == self.seq - 1:
            self._since_ms = now_ms
        if urgent:
            self._urgent = True

    def slow(self, now_ms, may_write):
        """Takes over what the fast tier queued; writes to the store when due and allowed."""
        q = self._queue
        now_us = self._clock.ticks_us()
        while self._tail != self._head:
            k = self._tail * _ROW
            age_ms = self._clock.ticks_diff(now_us, q[k + 4]) // 1000
            self.add(now_ms - age_ms, q[k], q[k + 1], q[k + 2], q[k + 3], True)
            self._tail = (self._tail + 1) % _QUEUE
        failed = self.store.failed
        if failed != self._failed:
            self._failed = failed
            if failed in (1, 10, 100, 1000):
                self.add(now_ms, ev.STORE, self.store.code, failed, self.store.shed)
        unsaved = self.seq - self._saved
        if may_write and unsaved and (
                now_ms - self._since_ms >= _FLUSH_MS
                or not self._held and (self._urgent or unsaved >= _BATCH)):
            self._held = not self.flush(1)      # each batch is an erase: one a pass
            self._since_ms = now_ms     # what was not taken is tried again a minute later

    def queued(self):
        """Has the fast tier left something?"""
        return self._tail != self._head

    def rest_ms(self, now_ms):
        """Until slow() has something to do."""
        if self._urgent and not self._held or self._tail != self._head:
            return 0
        unsaved = self._saved != self.seq
        return self._since_ms + _FLUSH_MS - now_ms if unsaved else FOREVER_MS

    def flush(self, most=_MOST):
        """What is not yet in the store, in so many batches at most; False: it did not take it."""
        while self._saved < self.seq and most:
            most -= 1
            if self._at >= SEGMENT:
                self.segment = (self.segment + 1) % SEGMENTS
                self._at = 0
            k = len(self.rows) - (self.seq - self._saved)
            torn = -self._at % ROW_SIZE         # half a row of a cut before us is none
            n = min(_BATCH, (SEGMENT - self._at) // ROW_SIZE)
            data = bytes(torn)
            for row in self.rows[k:k + n]:
                raw = struct.pack(ROW, self.base + row[0], self.boots & 0xFFFF, row[1], row[2],
                                  row[3], row[4], row[5])
                data += raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
            write = self.store.append if self._at else self.store.write
            name = "ev%d" % self.segment
            if write(name, data) is False:
                self._at = max(0, self.store.size(name))
                return False
            self._at += len(data)
            self._saved = min(self._saved + n, self.seq)
        self._urgent = self._saved < self.seq
        return True

    def line(self, row):
        """One event as the log shows it: time, who, number in this run, name, key=value.
        The table stays loaded while lines are read: acu.forget("acu.events") afterwards."""
        return "%s %s %d %s" % (iso(row[1]), self._me, row[0], told(row))


def told(row):
    """What happened, without when and who: NAME key=value. row: of Recorder.rows or of
    history.newest(); an event of another firmware has a number for a name."""
    from acu import events
    spec = events.TABLE.get(row[2], "EVENT%d a b c" % row[2]).split(" ")
    text = spec[0]
    for k in range(1, len(spec)):
        value = row[k + 2]
        if spec[k] == "why" and 0 <= value < len(events.WHYS):
            value = events.WHYS[value]
        text += " %s=%s" % (spec[k], value)
    return text


def _crc(seq, body):
    """Covers the number too: a new number over an old body must not make that body the newest."""
    return crc32(body, crc32(struct.pack("<IH", seq, len(body)))) & 0xFFFFFFFF


class Record:
    """A few bytes in two slots; the newest valid one wins: a cut write leaves the one before."""

    LATER = True        # made while it runs, too (app.settle)

    def __init__(self, store, name):
        self._store = store
        self._name = name
        self._seq = 0
        self.damaged = False      # something is there, and it is of no use

    def load(self):
        """The newest valid body, or None."""
        best = None
        for slot in (".a", ".b"):
            raw = self._store.read(self._name + slot)
            if raw is None:
                continue
            self.damaged = True
            if len(raw) < 10:
                continue
            seq, length, crc = struct.unpack(_HEAD, raw[:10])
            body = raw[10:10 + length]
            valid = len(body) == length and _crc(seq, body) == crc
            if valid and (best is None or seq > self._seq):
                best = body
                self._seq = seq
        if best is not None:
            self.damaged = False
        return best

    def load_of(self, version, least, size):
        """The newest valid body if it begins with this version, at least so long: cut, or filled
        with zeros, to the size, since what is new goes to its end. Else None."""
        body = self.load()
        if body is None:
            return None
        if len(body) < least or body[0] != version:
            self.damaged = True
            return None
        return (body + bytes(size))[:size]

    def save(self, body):
        """False, and the number stays, if the store did not take it: the next attempt goes to the
        same slot, never over the only valid one."""
        seq = self._seq + 1
        raw = struct.pack(_HEAD, seq, len(body), _crc(seq, body)) + body
        if self._store.write(self._name + (".a" if seq & 1 else ".b"), raw) is False:
            return False
        self._seq = seq
        return True
