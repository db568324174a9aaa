"""What a full flash can do without: the oldest capture, then the oldest segment of the event log.

Loaded by flash_store.py when a write did not fit, and dropped again. Names a file, removes
nothing; settings, calibration, energy, counters and keys are never named, nor is the newest
segment, and no event goes for a capture.
"""
import struct


def _number(store, name, at):
    """The number that tells the order of captures (in their header) or segments (first row)."""
    raw = store.read(name, at, 4) or b""
    return struct.unpack("<I", raw)[0] if len(raw) == 4 else 0


def oldest(store, writing):
    """A file's name, or "": nothing may go. writing: the file that did not fit stays."""
    best = ""
    events = []
    least = 0
    for name in store.names():
        if name == writing or not name[3:].isdigit() and not name[2:].isdigit():
            continue
        if name[:3] == "cap":
            number = _number(store, name, 4)
            if not best or number < least:
                best, least = name, number
        elif name[:2] == "ev":
            events.append((_number(store, name, 0), name))
    if best or len(events) < 2 or writing[:3] == "cap":
        return best
    events.sort()
    return events[0][1]
