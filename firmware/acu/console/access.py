"""ACC, BAC, 2AC, PAS: levels and their passwords.

A password is kept as salted, iterated SHA-256 in the record `passwords`: one row of level, salt
and digest for each level that has one. Where there is none at all every level is open, which the
console says each time: so it is from the factory until commissioning sets the first. From then on
a level without its own takes the next one above it, or else below: 2AC leads past no other's.
Three wrong ones in a row lock all levels for 30 s, also for the next session. Nothing here is ever
echoed, logged or printed.
"""
import hashlib

from micropython import const

from acu import events as ev
from acu.console.session import Abort
from acu.primitives.recording import Record

_ROUNDS = const(400)        # about 50 ms on an RP2040, a few passes
_EACH = const(20)           # a pass
_SALT = const(8)
_ROW = const(41)            # level, salt, digest
_LOCK_MS = const(30_000)
_LEAST = const(6)
_MOST = const(32)

_LEVEL = {"ACC": 1, "BAC": 2, "2AC": 3}
_WORD = {"1": 1, "B": 2, "2": 3}


def run(session, word, words):
    if word == "PAS":
        yield from _set(session, words)
        return
    level = _LEVEL[word]
    if session.level >= level:
        session.level = level       # down again needs no password
        session.log(ev.LOGIN, level)
        return
    if word == "BAC" and session.level < 1:
        raise Abort("E302 BAC: needs level 1. Type ACC first.")
    console = session.console
    if session.now_ms < console.locked_ms:
        raise Abort("E331 password: locked for %d s more, after three wrong ones. Wait." % (
            (console.locked_ms - session.now_ms + 999) // 1000))
    row = _find(session.unit.store, level)
    if row is None:
        session.say("NO PASSWORD is set for level %s: anybody may come here. Set one: 2AC, PAS %s."
                    % (word[0] if word != "ACC" else "1", word[0] if word != "ACC" else "1"))
    else:
        typed = yield from session.ask("Password: ? ", True)
        digest = yield from _digest(row[1:1 + _SALT], typed)
        if not _same(digest, row[1 + _SALT:]):
            console.wrong += 1
            console.wrong_level = max(console.wrong_level, row[0])
            session.log(ev.PASSWORD, console.wrong)
            if console.wrong >= 3:
                console.wrong = console.wrong_level = 0
                console.locked_ms = session.now_ms + _LOCK_MS
                raise Abort("E331 password: wrong, three times: locked for 30 s. Forgotten: "
                            "docs/console.md.")
            raise Abort("E330 password: wrong. Try again; three wrong ones lock for 30 s.")
        if row[0] >= console.wrong_level:    # who may read must not guess on for ever
            console.wrong = console.wrong_level = 0
    session.level = level
    session.log(ev.LOGIN, level)


def _rows(store):
    body = Record(store, "passwords").load() or b""
    return [body[k:k + _ROW] for k in range(0, len(body) - _ROW + 1, _ROW)]


def _find(store, level):
    """The row that guards this level; None: there is none at all."""
    rows = _rows(store)
    for at in (level, level + 1, level + 2, level - 1, level - 2):
        for row in rows:
            if row[0] == at:
                return row
    return None


def _digest(salt, text):
    """yield from: a bounded piece of it a pass."""
    digest = salt + text.encode()
    for k in range(_ROUNDS):
        digest = hashlib.sha256(salt + digest).digest()
        if k % _EACH == _EACH - 1:
            yield None
    return digest


def _same(a, b):
    """Takes as long whatever differs."""
    other = len(a) ^ len(b)
    for k in range(min(len(a), len(b))):
        other |= a[k] ^ b[k]
    return other == 0


def _set(session, words):
    level = _WORD.get(words[0].upper()) if len(words) == 1 else None
    if level is None:
        raise Abort("E304 PAS: needs a level. Type PAS 1, PAS B or PAS 2.")
    first = yield from session.ask("New password, %d to %d characters: ? " % (_LEAST, _MOST), True)
    if not _LEAST <= len(first) <= _MOST:
        raise Abort("E332 password: has %d characters, not %d to %d. Choose another." % (
            len(first), _LEAST, _MOST))
    again = yield from session.ask("Password once more: ? ", True)
    if again != first:
        raise Abort("E332 password: the two differ. Nothing is changed; begin again.")
    salt = hashlib.sha256(_noise(session)).digest()[:_SALT]
    digest = yield from _digest(salt, first)
    store = session.unit.store
    body = b"".join([row for row in _rows(store) if row[0] != level])
    record = Record(store, "passwords")
    record.load()           # so that its number goes on
    if record.save(body + bytes([level]) + salt + digest) is False:
        raise Abort(store.complaint())
    yield "Password of level %s is set." % words[0].upper()


def _noise(session):
    """What nobody knows beforehand; a salt need not be secret."""
    unit = session.unit
    return (getattr(unit.ports, "unique_id", None) or b"") + b"%d %d" % (
        unit.clock.ticks_us(), unit.clock.utc_ms())
