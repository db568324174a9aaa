"""Bends a frame as an attacker, or a line, does: for the link study and its fuzz.

Most mutants of a signed command keep its form, so that the decoder takes them and the code has to
refuse them; the others break it. A mutant may by chance be the frame itself: who asks compares.
"""
import json
import random
from collections.abc import Callable, Iterator

_BOUNDS = (0, 1, -1, 127, 128, 255, 65_535, 65_536, 2**30 - 1, 2**30, 2**31 - 1, 2**31, -2**31,
           2**42, 2**53 - 1, 2**53, 2**63, 2**64, -2**53, 10**25)
_INSERTS = (b"{", b"}", b"[", b"]", b'"', b",", b":", b" ", b"\n", b"\t", b"-", b"0", b".5", b"e3",
            b"null", b"true", b"NaN", b"\\", b"\\u0041", b"\x00", b"\x7f", b"\xff", b"\xc3\xa9",
            b'"n":1,', b'"v":1,', b"9" * 30, b"{}", b"[]")


def _flip(raw: bytes, r: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(r.choice((1, 1, 1, 2, 8))):
        data[r.randrange(len(data))] ^= 1 << r.randrange(8)
    return bytes(data)


def _short(raw: bytes, r: random.Random) -> bytes:
    return raw[:r.randrange(len(raw))]


def _insert(raw: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(raw) + 1)
    return raw[:at] + r.choice(_INSERTS) + raw[at:]


def _remove(raw: bytes, r: random.Random) -> bytes:
    at = r.randrange(len(raw))
    return raw[:at] + raw[at + r.randrange(1, 6):]


def _digit(raw: bytes, r: random.Random) -> bytes:
    """Still well-formed: another number, or another letter of a word."""
    data = bytearray(raw)
    places = [k for k, ch in enumerate(raw) if chr(ch).isalnum()]
    if not places:
        return _flip(raw, r)
    at = r.choice(places)
    data[at] = r.choice(b"0123456789" if chr(data[at]).isdigit() else b"abcdefghijklmnopqrstuv")
    return bytes(data)


def _members(change: Callable[[dict, random.Random], list[tuple[str, object]] | None]
             ) -> Callable[[bytes, random.Random], bytes]:
    """A mutation of the members; written again as the firmware's encoder does it."""
    def bend(raw: bytes, r: random.Random) -> bytes:
        try:
            msg = json.loads(raw)
        except ValueError:
            return _flip(raw, r)
        if not isinstance(msg, dict) or not isinstance(msg.get("b"), dict):
            return _flip(raw, r)
        pairs = change(msg, r)
        body = list(msg.items()) if pairs is None else pairs
        return _text(body).encode("utf-8", "replace")
    return bend


def _text(pairs: list[tuple[str, object]]) -> str:
    return "{" + ",".join(f"{json.dumps(key)}:{_value(value)}" for key, value in pairs) + "}"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return _text(list(value.items()))
    return json.dumps(value, separators=(",", ":"))


def _bound(msg: dict, r: random.Random) -> None:
    place = r.choice((msg, msg["b"]))
    numbers = [key for key, value in place.items() if isinstance(value, int)]
    if numbers:
        place[r.choice(numbers)] = r.choice(_BOUNDS)


def _other(msg: dict, r: random.Random) -> None:
    """Another version, type, sender, receiver, code."""
    key = r.choice(("v", "t", "s", "d", "h", "d"))
    msg[key] = {"v": r.choice((0, 2, "1")), "t": r.choice(("sw.req", "cfg", "time", "x", "evt")),
                "s": r.choice(("cd", "scc", "eu2", "")), "d": r.choice(("eu2", "*", "cd", "")),
                "h": r.choice((f"{r.getrandbits(64):016x}", "0" * 16, "", None))}[key]


def _swapped(msg: dict, r: random.Random) -> list[tuple[str, object]]:
    pairs = list(msg.items())
    i, j = r.randrange(len(pairs)), r.randrange(len(pairs))
    pairs[i], pairs[j] = pairs[j], pairs[i]
    return pairs


def _twice(msg: dict, r: random.Random) -> list[tuple[str, object]]:
    """A key that comes again, with another value."""
    pairs = list(msg.items())
    key, _ = r.choice(pairs)
    pairs.insert(r.randrange(len(pairs) + 1), (key, r.choice((0, 1, "cd", {}, None))))
    return pairs


def _missing(msg: dict, r: random.Random) -> None:
    place = r.choice((msg, msg["b"]))
    if place:
        del place[r.choice(list(place))]


MUTATIONS = {"bit flips": _flip, "truncation": _short, "insertion": _insert, "removal": _remove,
             "another digit": _digit, "numbers at their bounds": _members(_bound),
             "other version, type, unit, code": _members(_other),
             "swapped members": _members(_swapped), "a key twice": _members(_twice),
             "a member missing": _members(_missing)}


def bent(raw: bytes, r: random.Random) -> bytes:
    """One mutation, by the dice; raw is not empty."""
    return r.choice(tuple(MUTATIONS.values()))(raw, r)


def truncations(raw: bytes) -> Iterator[bytes]:
    """At every byte."""
    for k in range(len(raw)):
        yield raw[:k]
