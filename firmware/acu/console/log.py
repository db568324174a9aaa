"""SER, HIS, EVE, TRI: what happened, newest first, and the records of samples around it.

CEVE number gives a record's bytes: rows DATA, place, base64 (slvg console --comtrade makes a
COMTRADE record of them). Reads a few rows a pass, so the whole log may be asked for.
"""
import sys
from binascii import b2a_base64

from micropython import const

from acu import forget
from acu.console.session import Abort

_ROWS = const(20)
_PIECE = const(96)      # bytes of a record in a row
# of HIS: what moved, tripped or was out
_HISTORY = (3, 4, 5, 7, 8, 9, 10, 11, 13, 14, 15, 36, 45, 46, 47, 71, 84, 87, 88, 89, 90)


def run(session, word, words):
    if word == "EVE":
        yield from _records(session, words)
    elif word == "TRI":
        yield from _trigger(session)
    else:
        yield from _events(session, word, words)


def _events(session, word, words):
    from acu.primitives import history
    from acu.primitives.recording import iso, told
    most = _ROWS
    name = ""
    for one in words:
        if one.isdigit() and 0 < int(one) <= 9999:
            most = int(one)
        elif word == "SER" and not name and not one.isdigit():
            name = one.upper()
        else:
            raise Abort("E304 %s: takes how many events (1 to 9999)%s." % (
                word, " and the name of one" if word == "SER" else ""))
    acu = session.unit.acu
    session.form = "%6s %s %s"
    shown = 0
    for row in history.newest(acu and acu.log, session.unit.store):
        text = told(row)
        if word == "HIS" and row[2] not in _HISTORY or name and text.split(" ")[0] != name:
            yield None
            continue
        yield (row[0], iso(row[1]), text)
        shown += 1
        if shown == most:
            return
    if not shown and not session.twin:
        yield "No such event is stored."


def _records(session, words):
    kept = "acu.functions.capturing" in sys.modules     # by a Meter's own
    from acu.functions import captured
    store = session.unit.store
    found = captured.listed(store)
    forget("acu.functions.captured")
    if not kept:
        forget("acu.functions.capturing")
    yield None
    if not words:
        from acu.primitives.recording import iso
        session.form = "%6s %-24s %7s %7s %6s %s"
        if not session.twin:
            yield ("number", "begins (UTC)", "frames", "before", "Hz", "whole")
        for _, number, _, utc_ms, frames, before, rate_hz, _, whole in found:
            yield (number, iso(utc_ms), frames, before, rate_hz, "yes" if whole else "NO")
        if not found and not session.twin:
            yield ("No records. A Meter or a recloser keeps them where cap_n is above 0; TRI "
                   "makes one.")
        return
    number = int(words[0]) if words[0].isdigit() else -1
    for one in found:
        if one[1] == number:
            break
    else:
        raise Abort("E304 EVE: no record %s. Type EVE for those there are." % words[0])
    if not session.twin:
        raise Abort("E304 EVE %d: its bytes are for programs. Use slvg console --comtrade, or "
                    "CEVE %d." % (number, number))
    at = 0
    size = store.size(one[0])
    while at < size:
        piece = store.read(one[0], at, _PIECE)
        if not piece:
            return
        yield ("DATA", at, str(b2a_base64(piece), "utf-8").strip())
        at += len(piece)


def _trigger(session):
    capture = getattr(session.acu(), "capture", None)
    if capture is None or not capture.on:
        raise Abort("E304 TRI: this unit keeps no records of samples. Only a Meter or a recloser "
                    "with cap_n above 0 does.")
    if capture.busy():
        raise Abort("E304 TRI: one is being taken or written. Try again in some seconds.")
    before = capture.number
    capture.request()
    yield "Triggered."
    for _ in range(10):
        if (yield from session.pause(1000)):
            return
        if capture.number != before and not capture.busy():
            yield "Record %d is stored." % capture.number
            return
    yield "It is still being written. Type EVE later."
