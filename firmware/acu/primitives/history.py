"""The event log as it lies in the store: where it ends, and all of it, newest first.

A ring of segments `ev0` to `ev17` (recording.py writes them): rows of 32 bytes, each with its
CRC-32. A row that a power cut tore, or that flash lost, is no row; all others count. Loaded at the
start and when somebody reads the log (console, host), and dropped again: acu.forget(). Reads a few
rows at a time, writes nothing.
"""
import struct
from binascii import crc32

from micropython import const

from acu.primitives.recording import ROW, ROW_SIZE, SEGMENT, SEGMENTS

_PIECE = const(256)       # bytes read at once: eight rows


def _row(raw, at):
    """(number, starts, utc_ms, event, a, b, c), or None if it is no whole row."""
    body = raw[at:at + ROW_SIZE - 4]
    crc = raw[at + ROW_SIZE - 4:at + ROW_SIZE]
    if len(crc) < 4 or struct.unpack("<I", crc)[0] != crc32(body) & 0xFFFFFFFF:
        return None
    return struct.unpack(ROW, body)


def _first(store, k):
    """Number of the oldest whole row of a segment; 0: it has none."""
    name = "ev%d" % k
    for at in range(0, SEGMENT, ROW_SIZE):
        raw = store.read(name, at, ROW_SIZE)
        if not raw:
            return 0
        row = _row(raw, 0)
        if row:
            return row[0]
    return 0


def _backwards(store, k):
    """Rows of a segment, its newest first."""
    name = "ev%d" % k
    at = min(store.size(name), SEGMENT) // ROW_SIZE * ROW_SIZE
    while at > 0:
        n = min(at, _PIECE)
        at -= n
        raw = store.read(name, at, n) or b""
        for j in range(n - ROW_SIZE, -1, -ROW_SIZE):
            row = _row(raw, j)
            if row:
                yield row


def find(store):
    """(number of the newest event, starts of the unit by then, segment, where the next row goes in
    it)."""
    newest = segment = 0
    for k in range(SEGMENTS):
        number = _first(store, k)
        if number > newest:
            newest = number
            segment = k
    if newest:
        for row in _backwards(store, segment):
            return row[0], row[1], segment, min(store.size("ev%d" % segment), SEGMENT)
    return 0, 0, 0, 0


def newest(log, store=None):
    """All events, newest first, as (lasting number, utc_ms, event, a, b, c). log: the Recorder, or
    None where none runs: then those of this store. It may go on writing meanwhile."""
    last = 1 << 32
    if log is None:
        _, _, segment, _ = find(store)
    else:
        store = log.store
        segment = log.segment
        rows = log.rows[:]
        while rows:
            row = rows.pop()
            last = log.base + row[0]
            yield (last,) + row[1:]
    for k in range(SEGMENTS):
        for row in _backwards(store, (segment - k) % SEGMENTS):
            if row[0] < last:
                last = row[0]
                yield (last,) + row[2:]
