"""CSF-1, who asked what from afar and what became of it: a ring of rows in the store.

A row a command: when (UTC), who, which, counter, correlation id, and the error E_* of the answer;
-1: none was given in time. It goes to the store with the answer. Only where there are keys,
so that who asked is who was authentic. console/com.py shows it; nothing here decides.
"""
import struct
from binascii import crc32

from micropython import const

from acu.ports import FOREVER_MS

_ROW = "<qQHb16s8s"
_SIZE = const(47)           # and its CRC-32
_FILE = const(4042)         # bytes of each of the two files: 86 rows in a block
_OPEN = const(4)            # commands that wait for their answer
_ANSWER_MS = const(15_000)
NONE = const(-1)


class Audit:
    def __init__(self, store):
        self._store = store
        self._rows = []             # [at_ms, utc_ms, src, t, k, c, e, done]
        self.unsaved = False        # one is done and not stored
        newest = self._last(1)
        self._file = int(newest is not None and (newest > (self._last(0) or 0)))

    def _last(self, k):
        """UTC of the newest row of a file, None: it has none."""
        size = self._store.size("audit%d" % k)
        if size < _SIZE:
            return None
        raw = self._store.read("audit%d" % k, size // _SIZE * _SIZE - _SIZE, 8)
        return struct.unpack("<q", raw)[0] if raw and len(raw) == 8 else None

    def asked(self, now_ms, utc_ms, msg):
        if len(self._rows) >= _OPEN:
            self._rows[0][7] = self.unsaved = True
        self._rows.append([now_ms, utc_ms, msg["s"], msg["t"], msg["k"], msg["c"] & 0xFFFF, NONE,
                           False])

    def answered(self, c, e):
        for row in self._rows:
            if row[5] == c and not row[7]:
                row[6] = e
                row[7] = self.unsaved = True
                return

    def slow(self, now_ms, may_write):
        for row in self._rows:
            if not row[7] and now_ms - row[0] > _ANSWER_MS:
                row[7] = self.unsaved = True
        if not self.unsaved or not may_write:
            return
        data = b""
        for row in [row for row in self._rows if row[7]]:
            raw = struct.pack(_ROW, row[1], row[4], row[5], row[6], row[2].encode(),
                              row[3].encode())
            data += raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
            self._rows.remove(row)
        name = "audit%d" % self._file
        if self._store.size(name) + len(data) > _FILE:
            self._file ^= 1
            self._store.write("audit%d" % self._file, data)
        else:
            torn = -max(self._store.size(name), 0) % _SIZE
            self._store.append(name, bytes(torn) + data)
        self.unsaved = False

    def rest_ms(self, now_ms):
        if self.unsaved:
            return 0
        return self._rows[0][0] + _ANSWER_MS + 1 - now_ms if self._rows else FOREVER_MS


def rows(store):
    """All whole rows, newest first: (utc_ms, k, c, e, who, what)."""
    found = []
    for k in range(2):
        raw = store.read("audit%d" % k) or b""
        for at in range(0, len(raw) - _SIZE + 1, _SIZE):
            row = raw[at:at + _SIZE - 4]
            if struct.unpack("<I", raw[at + _SIZE - 4:at + _SIZE])[0] == crc32(row) & 0xFFFFFFFF:
                utc_ms, n, c, e, who, what = struct.unpack(_ROW, row)
                found.append((utc_ms, n, c, e, str(who.rstrip(b"\0"), "ascii"),
                              str(what.rstrip(b"\0"), "ascii")))
    found.sort()
    found.reverse()
    return found
