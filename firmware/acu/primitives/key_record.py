"""ISF-1, the record `keys` as `slvg keys` makes it; loaded by the start and dropped again.

A byte 1, then for each name: length, name, number of keys (1 or 2), 32 bytes each, newest first.
The name "" is our own, "*" the group's, others those whom we command.
"""
from micropython import const

from acu.primitives.authentication import Keys, Nobody, Null
from acu.primitives.recording import Record

_VERSION = const(1)
_KEY = const(32)


def parse(body):
    """name -> keys of the record's body, or None: not of this form."""
    if not body or body[0] != _VERSION:
        return None
    keys = {}
    at = 1
    while at < len(body):
        end = at + 1 + body[at]
        name = body[at + 1:end]
        if end >= len(body) or min(name or b"a") < 33 or max(name or b"a") > 126:
            return None
        n = body[end]
        rest = body[end + 1:end + 1 + n * _KEY]
        if not 0 < n <= 2 or len(rest) < n * _KEY:
            return None
        keys[str(name, "ascii")] = [rest[k:k + _KEY] for k in range(0, n * _KEY, _KEY)]
        at = end + 1 + n * _KEY
    return keys


def load(store, trusted):
    """(what signs and verifies, is a record there that is of no use). trusted: the network is a
    simulated one."""
    record = Record(store, "keys")
    keys = parse(record.load())
    if keys:
        return Keys(keys, store), False
    damaged = record.damaged or store.size("keys.a") >= 0 or store.size("keys.b") >= 0
    # keys that cannot be read must not open the door to everybody
    return (Null() if trusted and not damaged else Nobody()), damaged
