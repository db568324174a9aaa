"""Reads an access list as mosquitto does, for the broker in Python; and says what it allows.

Lines `user NAME`, `topic read|write|readwrite FILTER`; nothing else is written by keyring.py, and
whatever else is read here ends the reading, since a rule that is not understood must not be left
out. Before the first `user` a rule would be for everybody: refused as well.
"""


class AccessError(Exception):
    """A line that is none of ours."""


def read(text: str) -> dict[str, list[tuple[str, str]]]:
    """user -> [("read" or "write", filter)]."""
    rules: dict[str, list[tuple[str, str]]] = {}
    mine: list[tuple[str, str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] == "user" and len(words) == 2:
            mine = rules.setdefault(words[1], [])
        elif (words[0] == "topic" and len(words) == 3 and mine is not None
              and words[1] in ("read", "write", "readwrite")):
            mine += [(way, words[2]) for way in ("read", "write") if way in words[1]]
        else:
            raise AccessError(f"line {number} of the access list is not understood")
    return rules


def covers(allowed: str, asked: str) -> bool:
    """Whether all that `asked`, a topic or a filter, can match is matched by `allowed`."""
    have, want = allowed.split("/"), asked.split("/")
    for k, word in enumerate(have):
        if word == "#":
            return True
        if k >= len(want) or want[k] == "#" or word != "+" and word != want[k]:
            return False
    return len(have) == len(want)


def allows(rules: dict[str, list[tuple[str, str]]], user: str, way: str, topic: str) -> bool:
    return any(one == way and covers(allowed, topic) for one, allowed in rules.get(user, ()))
