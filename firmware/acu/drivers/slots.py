"""The files of stage 0 (boot.py) as the running firmware changes them, and the reset itself.

Imported when something is to be done, then forgotten. root: prefix of all paths, '' on a board.
"""
import os

import machine

_MAINT_S = b"120"       # so long a power-up waits for somebody who maintains


def _put(path, data):
    try:
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.rename(path + ".new", path)
        return True
    except OSError:
        return False


def _drop(path):
    try:
        os.remove(path)
    except OSError:
        pass


def cause(store):
    """What began this start, as in the BOOT event: 1 power on, 2 reset pin, 3 watchdog, 4 deep
    sleep, 5 soft reset, 6 ordered, 7 fatal error, 8 recovery, 0 not known. An ordered reset has
    left its word in the store."""
    why = store.read("reset")
    if why is not None:
        store.remove("reset")
        if why == b"fatal":
            return 7
        return 8 if why == b"recovery" else 6
    code = machine.reset_cause()
    return code if 1 <= code <= 5 else 0


def recall_time(clock, store):
    """An RP2040's clock does not live through a reset: it goes on where an ordered reset, or who
    set the board up, has left it in the store, if it is behind that."""
    raw = store.read("utc") or b""
    if raw.isdigit() and clock.utc_ms() < int(raw):
        clock.set_utc(int(raw))


def confirm(root, slot, trial):
    """This slot is good: in this order, so that a cut leaves it good or on trial. False: the flash
    took it not."""
    if trial:
        if not _put(root + "/slot", slot.encode()):
            return False
        _drop(root + "/try")
    _drop(root + "/boots")
    return True


def once_more(root):
    """Out of safe mode, for one start."""
    return _put(root + "/boots", b"4")


def maintain(root):
    return _put(root + "/maint", _MAINT_S)


def version(path):
    """Of the manifest, whose head is its first line: it is long, and memory is short."""
    try:
        with open(path, "rb") as f:
            head = str(f.read(400), "utf-8")
        return head.split('"version"')[1].split('"')[1]
    except (OSError, IndexError, UnicodeError):
        return "?"


def reset():
    machine.reset()
