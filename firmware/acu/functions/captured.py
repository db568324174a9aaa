"""What captures are in the store, for the start, console and host; capturing.py writes them.

Loaded when somebody asks, and dropped again (acu.forget). Reads a piece at a time, changes
nothing, but that halves go at the start.
"""
import struct
from binascii import crc32

from micropython import const

from acu.functions.capturing import CHANNEL, HEAD, MAGIC

_PIECE = const(512)


def _heads(store):
    """[(number, file name, fields of its header, bytes that it should have)], oldest first."""
    out = []
    head = struct.calcsize(HEAD)
    for name in store.names():
        if name[:3] != "cap" or not name[3:].isdigit():
            continue
        raw = store.read(name, 0, head) or b""
        if len(raw) < head or struct.unpack("<I", raw[:4])[0] != MAGIC:
            out.append((0, name, None, -1))
            continue
        of = struct.unpack(HEAD, raw)
        size = head + of[11] * (struct.calcsize(CHANNEL) + 2 * of[5]) + 4
        out.append((of[1], name, of, size))
    out.sort()
    return out


def listed(store):
    """[(file name, number, cause, Unix time of the first frame in ms, frames, those before the
    event, frames a second, channels, whole)], newest first. whole: length and CRC are right."""
    out = []
    for number, name, of, size in _heads(store):
        if of:
            whole = store.size(name) == size and _sum(store, name, size - 4)
            out.append((name, number, of[2], of[7], of[5], of[6], of[4], of[11], whole))
    out.reverse()
    return out


def tidy(store, keep):
    """After a start: halves that a cut left go, and the oldest if there are more than are kept."""
    kept = []
    for _, name, _, size in _heads(store):
        if store.size(name) == size and int(name[3:]) <= keep:
            kept.append(name)
        else:
            store.remove(name)
    while len(kept) > keep:
        store.remove(kept.pop(0))


def _sum(store, name, size):
    """Is the CRC after `size` bytes that of them?"""
    crc = at = 0
    while at < size:
        piece = store.read(name, at, min(_PIECE, size - at))
        if not piece:
            return False
        crc = crc32(piece, crc)
        at += len(piece)
    return store.read(name, size, 4) == struct.pack("<I", crc & 0xFFFFFFFF)
