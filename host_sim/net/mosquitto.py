"""mosquitto 2: where it is, its configuration and its files.

`write` puts everything that a broker needs into one folder; broker.py starts it for tests and
studies, `slvg broker` for a utility. The configuration refuses what it can: nobody without a name,
no long messages, and no client id but the user's own, so that nobody disconnects another.
"""
import base64
import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from host_sim.net.files import folder_for, write_secret

# What the firmware sends at most (docs/messages.md), and room for what is to come.
MESSAGE_BYTES = 1024
_PLACES = ("/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto")
# Passwords here are 128 random bits: no number of rounds makes them harder to guess, and sixty
# boards that come back at once must not hold the broker up.
_ROUNDS = 101


@dataclass(frozen=True)
class Material:
    """What a broker is given by the keyring; all text is as mosquitto reads it."""

    passwords: str = ""
    acl: str = ""
    ca: bytes = b""         # PEM
    crt: bytes = b""        # PEM
    key: bytes = b""        # PEM, secret
    crl: bytes = b""        # PEM

    def __repr__(self) -> str:
        return "Material(...)"


@dataclass(frozen=True)
class Listening:
    """Where and how. A port of 0 is no listener; `plain` is for this machine alone."""

    plain: int = 0
    tls: int = 0
    websockets: int = 0         # with TLS if there is a certificate
    address: str = ""           # of the listeners with TLS; "": all of this machine
    certificates: bool = False  # a client shows one: its common name is the user
    connections: int = 500


def find() -> str:
    """$MOSQUITTO, or on the PATH, or where Debian has it; '' if there is none."""
    named = os.environ.get("MOSQUITTO", "")
    if named:
        return named if os.access(named, os.X_OK) and not os.path.isdir(named) else ""
    return shutil.which("mosquitto") or next((p for p in _PLACES if os.access(p, os.X_OK)), "")


def hashed(password: str, salt: bytes = b"") -> str:
    """A password as mosquitto keeps it ($7$: PBKDF2 with SHA-512), the same as mosquitto_passwd
    writes."""
    salt = salt or secrets.token_bytes(12)
    made = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS, 64)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one of such a line."""
    try:
        _, kind, rounds, salt, made = kept.split("$")
        again = hashlib.pbkdf2_hmac("sha512", password.encode(), base64.b64decode(salt),
                                    int(rounds), 64)
    except ValueError:
        return False
    return kind == "7" and secrets.compare_digest(again, base64.b64decode(made))


def configuration(folder: Path, material: Material, on: Listening, user: str = "",
                  log: str = "stderr") -> str:
    """The text of mosquitto.conf. user: whom it becomes if it is started by root."""
    named = bool(material.passwords)
    lines = [
        "# Written by `slvg broker`; a change by hand is lost at the next time.",
        *([f"user {user}"] if user else []),
        # What it has confirmed to a board it must still have after a crash, for a Coordinator that
        # is away: each change is stored at once.
        "persistence true", f"persistence_location {folder / 'data'}/",
        "autosave_on_changes true", "autosave_interval 1",
        f"allow_anonymous {'false' if named else 'true'}",
        *([f"password_file {folder / 'passwords'}"] if named else []),
        *([f"acl_file {folder / 'acl'}"] if material.acl else []),
        f"message_size_limit {MESSAGE_BYTES}", "max_inflight_messages 20",
        "max_queued_messages 100000", "persistent_client_expiration 1d", "set_tcp_nodelay true",
        f"log_dest {log}", "log_type error", "log_type warning", "log_type notice",
        "connection_messages true",
    ]
    each = [f"max_connections {on.connections}",
            # the client id is the user's name: nobody takes another's place at the broker
            *(["use_username_as_clientid true"] if named else [])]
    secure = [f"cafile {folder / 'ca.pem'}", f"certfile {folder / 'broker.crt'}",
              f"keyfile {folder / 'broker.key'}", "tls_version tlsv1.2"] if material.crt else []
    if secure and on.certificates:
        secure += ["require_certificate true", "use_identity_as_username true",
                   *([f"crlfile {folder / 'crl.pem'}"] if material.crl else [])]
    if on.plain:
        lines += ["", "# without TLS, for this machine alone",
                  f"listener {on.plain} 127.0.0.1", *each]
    if on.tls:
        lines += ["", f"listener {on.tls} {on.address}".rstrip(), *each, *secure]
    if on.websockets:
        address = on.address if secure else "127.0.0.1"
        lines += ["", f"listener {on.websockets} {address}".rstrip(), "protocol websockets",
                  *each, *secure]
    return "\n".join(lines) + "\n"


def write(folder: Path, material: Material, on: Listening, user: str = "",
          log: str = "stderr") -> Path:
    """All files of a broker into its folder; its configuration's path."""
    folder = folder.resolve()
    folder_for(folder / "data")
    for name, data in (("passwords", material.passwords.encode()), ("acl", material.acl.encode()),
                       ("ca.pem", material.ca), ("broker.crt", material.crt),
                       ("broker.key", material.key), ("crl.pem", material.crl)):
        if data:
            write_secret(folder / name, data)
        else:
            (folder / name).unlink(missing_ok=True)
    conf = folder / "mosquitto.conf"
    write_secret(conf, configuration(folder, material, on, user, log).encode())
    return conf
