"""What one board is given by the keyring: the file of `slvg keys bundle`, and the board's files.

A bundle is secret: 0600, and no complaint about one tells more than the name of a part. files()
makes what `slvg flash --keys` puts into a board's store: the records `keys` (a version byte, then
name, number of keys and 32 bytes each; our own first) and `keys.net` (JSON), and the certificates
as DER.
"""
import base64
import contextlib
import json
from pathlib import Path

from acu.primitives.recording import Record
from host_sim.board.doors import SimStore
from host_sim.net.files import write_secret
from host_sim.net.stored import KEY_BYTES
from host_sim.scenario.complaints import InputError

_VERSION = b"\x01"
# Of a board's heap and flash: more keys than a circuit has controllers is a wrong file.
MAX_BYTES = 32_768


def files(bundle: dict) -> dict[str, bytes]:
    """name in /data -> what is in it."""
    rows = b""
    for name, keys in sorted(bundle["keys"].items(), key=lambda one: (one[0] != "", one[0])):
        raw = name.encode("ascii")
        rows += bytes([len(raw)]) + raw + bytes([len(keys)]) + b"".join(map(bytes.fromhex, keys))
    store = SimStore()
    Record(store, "keys").save(_VERSION + rows)
    Record(store, "keys.net").save(_VERSION + json.dumps(bundle["net"]).encode())
    out = dict(store.files)
    for part in ("ca", "crt", "key"):
        if bundle.get(part):
            out[f"keys.{part}"] = base64.b64decode(bundle[part])
    return out


def write(path: Path, bundle: dict) -> None:
    """For its owner alone."""
    try:
        write_secret(path, (json.dumps(bundle, indent=1) + "\n").encode())
    except OSError as e:
        raise InputError([f"E449 --out {path}: cannot be written ({e.strerror}). Write "
                          "elsewhere."]) from e


def read(path: Path) -> dict:
    """A bundle from its file, whole and of this version, or what is wrong with it."""
    try:
        raw = path.read_bytes()
    except OSError as e:
        raise InputError([f"E450 --keys {path}: cannot be read ({e.strerror}). Make it with slvg "
                          "keys bundle."]) from e
    found: dict = {}
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(raw)
    why_not = wrong(found)
    if why_not:
        raise InputError([f"E450 {path.name}: {why_not}. Make it again with slvg keys bundle."])
    return found


def wrong(found) -> str:
    """Which part of a bundle is not as it has to be, '' if all are; never what stands there."""
    if not isinstance(found, dict) or found.get("v") != 1:
        return "is no bundle of keys of version 1"
    for part in ("id", "role", "sc"):
        if not isinstance(found.get(part), str):
            return f"{part} is missing"
    keys = found.get("keys")
    if not isinstance(keys, dict) or "" not in keys:
        return "the controller's own key is missing"
    for name, one in keys.items():
        if not name.isascii() or len(name) > 33 or not _are_keys(one):
            return "a key is not 64 hexadecimal digits, or there are more than two of one"
    net = found.get("net")
    if not isinstance(net, dict) or not isinstance(net.get("t0_s"), int):
        return "net is missing, or has no t0_s"
    for part in ("lan", "man"):
        if part in net and not _is_broker(net[part]):
            return f"net.{part} needs host, port, name, tls, user and password"
    for part in ("ca", "crt", "key"):
        if part in found and not _is_der(found[part]):
            return f"{part} is no DER in base64"
    if "ca" not in found and any(net.get(part, {}).get("tls") for part in ("lan", "man")):
        return "tls needs ca, the authority's certificate"
    if len(json.dumps(found)) > MAX_BYTES:
        return f"is longer than {MAX_BYTES} bytes"
    return ""


def _are_keys(one) -> bool:
    with contextlib.suppress(ValueError, TypeError):
        return 1 <= len(one) <= 2 and all(
            len(bytes.fromhex(key)) == KEY_BYTES and len(key) == 2 * KEY_BYTES for key in one)
    return False


def _is_broker(one) -> bool:
    kinds = {"host": str, "port": int, "name": str, "tls": bool, "user": str, "password": str}
    return isinstance(one, dict) and all(isinstance(one.get(k), t) for k, t in kinds.items())


def _is_der(text) -> bool:
    with contextlib.suppress(ValueError, TypeError, IndexError):
        raw = base64.b64decode(text, validate=True)
        size, head = (raw[1], 2) if raw[1] < 0x80 else (
            int.from_bytes(raw[2:2 + raw[1] - 0x80], "big"), 2 + raw[1] - 0x80)
        return raw[0] == 0x30 and len(raw) == head + size
    return False
