"""CSF-1, the settings of a board as its record `settings`: a version byte, then JSON.

Read once at the start, written by the console and by `slvg flash`; loaded then and dropped again
(acu.forget). Judges nothing but the form: what a setting may be is config.py's business.
"""
import json

from micropython import const

from acu.primitives.recording import Record

_VERSION = const(1)     # above 31 it would be a character of plain JSON, which is read as well


def load(store):
    """(settings as they were given, what is wrong or ""). Nothing stored: ({}, "")."""
    record = Record(store, "settings")
    body = record.load()
    if body is None:
        if record.damaged:
            return {}, ("E383 settings: both slots of the record are damaged (CRC). Set the board "
                        "up again: slvg flash, or SET and SAVE on the console.")
        return {}, ""
    if body[:1] == b"\x01":
        body = body[1:]
    elif body[:1] != b"{":
        return {}, ("E384 settings: the record has version %d, this firmware reads %d. Flash the "
                    "firmware that wrote it, or set the board up again." % (
                        body[0] if body else 0, _VERSION))
    found = None
    try:
        if body[-1:] == b"}":       # MicroPython takes half an object for a whole one
            found = json.loads(body)
    except ValueError:
        pass
    if not isinstance(found, dict):
        return {}, ("E383 settings: the record is no JSON object. Set the board up again: slvg "
                    "flash, or SET and SAVE on the console.")
    return found, ""


def save(store, settings):
    """"", or why they were not stored: then those of before stay."""
    body = b"\x01" + json.dumps(settings).encode()
    record = Record(store, "settings")
    record.load()               # so that its number goes on
    if record.save(body) is False or Record(store, "settings").load() != body:
        return store.complaint() or (
            "E385 settings: stored, and read back differently. The flash is damaged: format it, "
            "or replace the board.")
    return ""
