"""net.toml of a keyring: the Wi-Fi of the posts and where boards find their brokers.

`slvg keys make` writes it once, for somebody to fill in; it is read for each bundle. It holds the
password of the Wi-Fi, so a complaint names a key and never what stands there.
"""
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from host_sim.net.files import write_secret
from host_sim.net.identities import CENTRE, Identity
from host_sim.scenario.complaints import InputError, choices, place
from host_sim.scenario.reading import read_toml

FILE = "net.toml"
_TEXT = {
    "extra_forbidden": "is unknown", "missing": "is missing", "string_too_short": "is too short",
    "string_too_long": "is too long", "greater_than_equal": "is too small",
    "less_than_equal": "is too large", "string_pattern_mismatch": "has a character too many",
}
_Host = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Wifi(_Form):
    """WPA2: a password has 8 to 63 characters; empty, the net is open. country: two letters."""
    ssid: str = Field("", max_length=32)
    password: str = Field("", max_length=63)
    country: str = Field("", max_length=2)


class At(_Form):
    """A broker. name: under which its certificate has to be good; else the host."""
    host: _Host
    port: int = Field(8883, ge=1, le=65535)
    name: str = Field("", max_length=64)
    tls: bool = True


class _Own(_Form):
    wifi: Wifi | None = None
    lan: At | None = None
    man: At | None = None
    ntp: str = Field("", max_length=64)


class Nets(_Own):
    """circuit: what is different in one of them."""
    circuit: dict[str, _Own] = {}

    @classmethod
    def local(cls, port: int = 8883, tls: bool = True) -> "Nets":
        """A broker on this machine."""
        return cls(lan=At(host="127.0.0.1", port=port, name="localhost", tls=tls))

    @classmethod
    def read(cls, folder: Path) -> "Nets":
        path = folder / FILE
        if not path.exists():
            raise InputError([f"E446 {path}: is missing. slvg keys make writes one to fill in."])
        given = read_toml(path)
        try:
            return cls.model_validate(given)
        except ValidationError as e:
            raise InputError([_sentence(one) for one in e.errors(include_input=False)]) from None

    def of(self, who: Identity, passwords: dict[str, str]) -> dict:
        """What this one's board is told: its user name and password among it."""
        own = self.circuit.get(who.sc, _Own())
        wifi, ntp = own.wifi or self.wifi, own.ntp or self.ntp
        lan, man = own.lan or self.lan, own.man or self.man
        out: dict = {}
        if who.role == CENTRE:
            wifi, lan, man = None, None, man or lan
        if wifi is not None:
            if not wifi.ssid:
                raise InputError([f"E446 {FILE}: [wifi] ssid is empty. Write the name of the "
                                  "posts' Wi-Fi, or remove [wifi] if the boards have none."])
            if wifi.password and len(wifi.password) < 8:
                raise InputError([f"E446 {FILE}: [wifi] password is too short. WPA2 has 8 to 63 "
                                  "characters; an open net has \"\"."])
            out["wifi"] = wifi.model_dump()
        if who.role != CENTRE:
            if lan is None:
                raise InputError([f"E446 {FILE}: [lan] is missing. Write host and name of the "
                                  "broker."])
            out["lan"] = _told(lan, who.user, passwords["lan"])
        if man is not None and who.role in ("coordinator", CENTRE):
            user = CENTRE if who.role == CENTRE else who.user
            out["man"] = _told(man, user, passwords["man"])
        if ntp:
            out["ntp"] = ntp
        return out


def _told(at: At, user: str, password: str) -> dict:
    return {"host": at.host, "port": at.port, "name": at.name or at.host, "tls": at.tls,
            "user": user, "password": password}


def _sentence(error) -> str:
    loc, kind = error["loc"], error["type"]
    text = _TEXT.get(kind, "is not what it should be")
    what = place(loc, False)
    table = str(loc[-2]) if len(loc) > 1 else ""
    keys: type[BaseModel] = Nets
    if table in ("wifi", "lan", "man"):
        keys = Wifi if table == "wifi" else At
    remedy = f" Known: {choices(keys.model_fields)}." if kind == "extra_forbidden" else (
        " See docs/network.md.")
    return f"E446 {FILE}: {what} {text}.{remedy}"


def template(folder: Path, name: str, man_name: str = "") -> bool:
    """Writes one to fill in; False if there is one already."""
    path = folder / FILE
    if path.exists():
        return False
    man = f"""
[man]                       # the utility's broker, for Coordinators
host = "{man_name}"
port = 8883
name = "{man_name}"
tls = true
""" if man_name else """
# [man]                     # only if the utility's broker is another one than that at the post
# host = "broker.example"
# port = 8883
# name = "broker.example"
# tls = true
"""
    write_secret(path, f"""\
# Where the boards of this keyring find their nets; each bundle is made from it. Secret.
# ntp = "pool.ntp.org"      # where Coordinators take the time; without it the centre gives it

[wifi]                      # of all posts; remove it for boards without Wi-Fi
ssid = ""
password = ""
country = ""                # two letters, as ES

[lan]                       # the broker at the post, or the only one
host = "{name}"
port = 8883
name = "{name}"     # as in its certificate (slvg keys make --name)
tls = true
{man}
# [circuit.sc2.lan]         # what is different in one circuit
# host = "post2.example"
""".encode())
    return True
