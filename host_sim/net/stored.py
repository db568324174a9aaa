"""What a keyring holds, and how it lies in its file: one JSON, 0600, written as a whole.

Nothing of it is ever in the text of an exception, nor in a repr: a damaged file is said to be
damaged, not where and with what.
"""
import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from host_sim.net.certificates import Pair
from host_sim.net.files import folder_for, write_secret
from host_sim.net.identities import Identity
from host_sim.scenario.complaints import InputError

FILE = "keyring.json"
KEY_BYTES = 32
_VERSION = 1


@dataclass(repr=False)
class Keys:
    """[newest, older]; `epoch` counts the changes."""

    keys: list[bytes] = field(default_factory=lambda: [secrets.token_bytes(KEY_BYTES)])
    epoch: int = 1

    def rotate(self, drop: bool = False) -> None:
        """A new one signs from now on; the older is still good, unless it is dropped."""
        self.keys = [secrets.token_bytes(KEY_BYTES), *(() if drop else self.keys[:1])]
        self.epoch += 1

    def finish(self) -> bool:
        """Drops the older one; False if there is none."""
        had = len(self.keys) > 1
        del self.keys[1:]
        return had


@dataclass(repr=False)
class Held:
    """An identity and what is secret of it. passwords: by net."""

    who: Identity
    own: Keys = field(default_factory=Keys)
    passwords: dict[str, str] = field(default_factory=dict)
    pair: Pair | None = None


@dataclass(repr=False)
class Circuit:
    """names: under which the broker at its post is reached."""

    group: Keys = field(default_factory=Keys)
    names: list[str] = field(default_factory=list)
    pair: Pair | None = None
    held: dict[str, Held] = field(default_factory=dict)


@dataclass(frozen=True)
class Revoked:
    user: str
    utc: str
    serial: int = 0         # of his certificate; 0: he had none


@dataclass(repr=False)
class Stored:
    ca: Pair
    made_utc: str = ""
    centre: Held | None = None
    man_names: list[str] = field(default_factory=list)
    man_pair: Pair | None = None
    circuits: dict[str, Circuit] = field(default_factory=dict)
    revoked: list[Revoked] = field(default_factory=list)


def password() -> str:
    """Nobody has to type it: 128 bits."""
    return secrets.token_urlsafe(16)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Two commands at once would each undo the other's work."""
    try:
        folder_for(folder)
        handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as e:
        raise InputError([f"E443 keyring {folder}: cannot be written ({e.strerror}). Name a "
                          "folder of your own with --keyring."]) from e
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            raise InputError([f"E443 keyring {folder}: another slvg keys is at work in it. Wait "
                              "until that has ended."]) from e
        yield
    finally:
        os.close(handle)


def exists(folder: Path) -> bool:
    return (folder / FILE).exists()


def write(folder: Path, what: Stored) -> None:
    try:
        write_secret(folder / FILE, (json.dumps(_out(what), indent=1) + "\n").encode())
    except OSError as e:
        raise InputError([f"E443 keyring {folder}: cannot be written ({e.strerror}). What was in "
                          "it stays as it was. Make room, or name another folder."]) from e


def read(folder: Path) -> Stored:
    path = folder / FILE
    try:
        raw = path.read_bytes()
    except FileNotFoundError as e:
        raise InputError([f"E443 keyring {folder}: there is none. Make it with slvg keys make, or "
                          "name its folder with --keyring."]) from e
    except OSError as e:
        raise InputError([f"E443 keyring {folder}: cannot be read ({e.strerror}). Ask its owner; "
                          "it is for nobody else."]) from e
    if path.stat().st_mode & 0o077:
        raise InputError([f"E443 keyring {folder}: {FILE} may be read by others, who then have "
                          "all keys. chmod 600 it, and rotate all if somebody had the chance."])
    with contextlib.suppress(Exception):    # whatever is wrong, its text could tell a secret
        return _in(json.loads(raw))
    raise InputError([f"E443 keyring {folder}: {FILE} is damaged. Take your copy of the folder; "
                      "without one remove it, make another and flash every board again."])


def _out(what: Stored) -> dict:
    return {"v": _VERSION, "made_utc": what.made_utc, "ca": _pair_out(what.ca),
            "centre": what.centre and _held_out(what.centre),
            "man_names": what.man_names, "man_pair": _pair_out(what.man_pair),
            "circuits": {sc: {"group": _keys_out(one.group), "names": one.names,
                              "pair": _pair_out(one.pair),
                              "held": {id_: _held_out(h) for id_, h in sorted(one.held.items())}}
                         for sc, one in sorted(what.circuits.items())},
            "revoked": [asdict(one) for one in what.revoked]}


def _in(raw: dict) -> Stored:
    if raw["v"] != _VERSION:
        raise ValueError
    ca = _pair_in(raw["ca"])
    if ca is None:
        raise ValueError
    return Stored(
        ca, raw["made_utc"], raw["centre"] and _held_in(raw["centre"]), list(raw["man_names"]),
        _pair_in(raw["man_pair"]),
        {sc: Circuit(_keys_in(one["group"]), list(one["names"]), _pair_in(one["pair"]),
                     {id_: _held_in(h) for id_, h in one["held"].items()})
         for sc, one in raw["circuits"].items()},
        [Revoked(**one) for one in raw["revoked"]])


def _pair_out(pair: Pair | None):
    return pair and {"crt": base64.b64encode(pair.crt).decode(),
                     "key": base64.b64encode(pair.key).decode()}


def _pair_in(raw) -> Pair | None:
    return Pair(base64.b64decode(raw["crt"], validate=True),
                base64.b64decode(raw["key"], validate=True)) if raw else None


def _keys_out(keys: Keys) -> dict:
    return {"epoch": keys.epoch, "keys": [key.hex() for key in keys.keys]}


def _keys_in(raw: dict) -> Keys:
    keys = [bytes.fromhex(key) for key in raw["keys"]]
    if not 1 <= len(keys) <= 2 or any(len(key) != KEY_BYTES for key in keys):
        raise ValueError
    return Keys(keys, int(raw["epoch"]))


def _held_out(held: Held) -> dict:
    return {"who": asdict(held.who), "own": _keys_out(held.own), "passwords": held.passwords,
            "pair": _pair_out(held.pair)}


def _held_in(raw: dict) -> Held:
    who = raw["who"]        # a keyring from before there were peers has none
    who = who | {key: tuple(who.get(key, ())) for key in ("devices", "peers")}
    return Held(Identity(**who), _keys_in(raw["own"]), dict(raw["passwords"]),
                _pair_in(raw["pair"]))
