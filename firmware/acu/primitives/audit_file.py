"""CSF-1, the rows of who asked what from afar as they lie in the store: a ring of two files.

Loaded when a row is written or read, and dropped again. A row is UTC, counter, correlation id, the
error E_* of the answer (-1: none), who, which, and their CRC-32. Bytes in, bytes out.
"""
import struct
from binascii import crc32

from micropython import const

_ROW = "<qQHb16s8s"
_SIZE = const(47)           # and its CRC-32
_FILE = const(4042)         # bytes of each file: 86 rows in a block


def _last(store, k):
    """UTC of the newest row of a file, 0: it has none."""
    size = store.size("audit%d" % k)
    if size < _SIZE:
        return 0
    raw = store.read("audit%d" % k, size // _SIZE * _SIZE - _SIZE, 8)
    return struct.unpack("<q", raw)[0] if raw and len(raw) == 8 else 0


def append(store, rows):
    """rows: (utc_ms, k, c, e, who, what). One write."""
    data = b""
    for utc_ms, k, c, e, who, what in rows:
        raw = struct.pack(_ROW, utc_ms, k, c, e, who.encode(), what.encode())
        data += raw + struct.pack("<I", crc32(raw) & 0xFFFFFFFF)
    k = int(_last(store, 1) > _last(store, 0))
    size = max(store.size("audit%d" % k), 0)
    if size + len(data) > _FILE:
        store.write("audit%d" % (k ^ 1), data)
    else:
        store.append("audit%d" % k, bytes(-size % _SIZE) + data)      # half a row is none


def read(store):
    """All whole rows, newest first."""
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
