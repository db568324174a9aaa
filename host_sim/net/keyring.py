"""A utility's keyring: who is in its circuits, their keys, passwords and certificates.

    ring = Keyring.make(folder, controllers, names=["post1.example"])     # adds what is missing
    ring = Keyring.load(folder)
    ring.bundle("eu1")       what one board is given (bundle.py makes its files)
    ring.material("lan")     what a broker is given (mosquitto.py); ring.acl(), ring.passwords()
    ring.rotate("eu1"), ring.revoke("eu1"), ring.show()

folder None: in memory, for tests and studies. A controller holds its own key and its circuit's
group key; a Coordinator holds those of all in its circuit, a dispatching controller its devices',
reclosers of one scheme each other's, the centre the Coordinators'. Every change is on the disk
when the call returns, or nothing is.
"""
import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from host_sim.net import certificates, rights, stored
from host_sim.net.files import write_secret
from host_sim.net.identities import CENTRE, DEVICE, Identity, identities
from host_sim.net.mosquitto import Material, hashed
from host_sim.net.nets import Nets
from host_sim.net.stored import Circuit, Held, Keys, Revoked, Stored
from host_sim.scenario.complaints import InputError, few

LOCAL = ["localhost", "127.0.0.1"]      # names of a broker that nobody gave one


class Keyring:
    """Made by make() or load(). added: what the last make() made, a line each."""

    def __init__(self, folder: Path | None, what: Stored):
        self.folder = folder
        self.added: list[str] = []
        self._what = what
        self._nets: Nets | None = None

    # -- making, loading, storing

    @classmethod
    def make(cls, folder: Path | None, controllers: list[dict], names: list[str] | None = None,
             man_names: list[str] | None = None, client_certs: bool = False,
             readmit: tuple[str, ...] = (), now: datetime | None = None) -> "Keyring":
        """names: of the broker at the post of these circuits, or of the only one; man_names: of
        the utility's, if that is another. readmit: revoked ones that get new keys."""
        wanted = identities(controllers)
        now = now or datetime.now(UTC)
        if folder is not None and stored.exists(folder):
            ring = cls.load(folder)
        else:
            ca = certificates.authority("slvg authority", now)
            ring = cls(folder, Stored(ca, f"{now:%Y-%m-%dT%H:%M:%SZ}"))
            ring.added.append("authority: a new one")
        ring._add(wanted, list(names or ()), list(man_names or ()), client_certs, readmit, now)
        ring.save()
        return ring

    @classmethod
    def load(cls, folder: Path) -> "Keyring":
        return cls(folder, stored.read(folder))

    def save(self) -> None:
        if self.folder is None:
            return
        stored.folder_for(self.folder)
        stored.write(self.folder, self._what)
        for name, data in ((".gitignore", b"*\n"), ("ca.pem", self._what.ca.crt_pem()),
                           ("ca.der", self._what.ca.crt)):
            if not (self.folder / name).exists() or (self.folder / name).read_bytes() != data:
                write_secret(self.folder / name, data)

    def _add(self, wanted: list[Identity], names: list[str], man_names: list[str], certs: bool,
             readmit: tuple[str, ...], now: datetime) -> None:
        what, say = self._what, self.added.append
        if what.centre is None:
            what.centre = Held(Identity(CENTRE, CENTRE, "", ""))
            what.centre.passwords["man"] = stored.password()
            say("scc: key and password of the centre")
        for who in wanted:
            circuit = what.circuits.get(who.sc)
            if circuit is None:
                circuit = what.circuits[who.sc] = Circuit()
                say(f"circuit {who.sc}: group key")
            held = circuit.held.get(who.id)
            if held is None:
                if self._is_revoked(who.user) and not {who.id, who.user} & set(readmit):
                    say(f"{who.user}: stays revoked; --readmit {who.id} gives its place new keys")
                    continue
                held = circuit.held[who.id] = Held(who)
                say(f"{who.user}: key and password of this {who.role}")
            elif held.who != who:
                say(f"{who.user}: its place or role has changed, its keys have not")
                held.who = who
            for net in ("lan", "man") if who.role == "coordinator" else ("lan",):
                held.passwords.setdefault(net, stored.password())
            if certs and held.pair is None:
                held.pair = certificates.client(what.ca, who.user, now)
                say(f"{who.user}: certificate")
        if certs and what.centre.pair is None:
            what.centre.pair = certificates.client(what.ca, CENTRE, now)
            say("scc: certificate")
        for sc in sorted({who.sc for who in wanted}):
            circuit = what.circuits[sc]
            missing = [n for n in names or ([] if circuit.names else LOCAL)
                       if n not in circuit.names]
            if missing or circuit.pair is None:
                circuit.names += missing
                circuit.pair = self._broker(circuit.names, now)
                say(f"broker of {sc}: certificate for {', '.join(circuit.names)}")
        missing = [n for n in man_names if n not in what.man_names]
        if missing:
            what.man_names += missing
            what.man_pair = self._broker(what.man_names, now)
            say(f"broker of MAN: certificate for {', '.join(what.man_names)}")

    def _broker(self, names: list[str], now: datetime | None = None) -> certificates.Pair:
        try:
            if not all(re.fullmatch(r"[A-Za-z0-9_.:*-]{1,64}", name) for name in names):
                raise ValueError
            return certificates.broker(self._what.ca, names, now)
        except ValueError as e:
            raise InputError([f"E447 broker's names {', '.join(names)}: one is no name that a "
                              "certificate can have. Use host names and addresses."]) from e

    # -- who is there

    @property
    def circuits(self) -> list[str]:
        return sorted(self._what.circuits)

    def identities(self, sc: str = "") -> list[Identity]:
        return [held.who for name, one in sorted(self._what.circuits.items())
                if name == sc or not sc for _, held in sorted(one.held.items())]

    def find(self, name: str) -> Identity:
        """By id, or as circuit.id where two circuits have such a one."""
        if name == CENTRE and self._what.centre:
            return self._what.centre.who
        found = [one for one in self.identities() if name in (one.id, one.user)]
        if len(found) == 1:
            return found[0]
        users = [one.user for one in self.identities()]
        if found:
            raise InputError([f"E445 {name}: is in {len(found)} circuits. Give one of "
                              f"{', '.join(one.user for one in found)}."])
        if any(name in (one.user, one.user.partition(".")[2]) for one in self._what.revoked):
            raise InputError([f"E445 {name}: is revoked. slvg keys make STREET --readmit {name} "
                              "gives its place new keys."])
        raise InputError([f"E445 {name}: is not in the keyring. {few(name, users)}"])

    def _held(self, who: Identity) -> Held:
        if who.id == CENTRE and self._what.centre:
            return self._what.centre
        return self._what.circuits[who.sc].held[who.id]

    def _is_revoked(self, user: str) -> bool:
        return any(one.user == user for one in self._what.revoked)

    def circuit(self, sc: str = "") -> str:
        """This one, or the only one."""
        if sc in self._what.circuits:
            return sc
        if sc or len(self._what.circuits) != 1:
            raise InputError([f"E445 circuit {sc or '?'}: give one of {', '.join(self.circuits)} "
                              "with --sc."])
        return self.circuits[0]

    # -- keys

    def holders(self, who: Identity) -> list[Identity]:
        """Whoever holds this one's own key as well, since it commands him."""
        if who.role == "coordinator":
            return [self.find(CENTRE)]
        mates = self.identities(who.sc)
        if who.role == DEVICE:
            return [one for one in mates if who.id in one.devices]
        return [one for one in mates if one.role == "coordinator" or who.id in one.peers]

    def keys_of(self, who: Identity) -> dict[str, list[bytes]]:
        """name -> [newest, older]: "" his own, "*" the group's, others: of those he commands."""
        if who.id == CENTRE:
            own = {"": list(self._held(who).own.keys)}
            for one in self.identities():
                if one.role == "coordinator":
                    own[one.user] = list(self._held(one).own.keys)
            return own
        found = {"": list(self._held(who).own.keys)}
        if who.role != DEVICE:
            found["*"] = list(self._what.circuits[who.sc].group.keys)
        for one in self.identities(who.sc):
            if one != who and who in self.holders(one):
                found[one.id] = list(self._held(one).own.keys)
        return found

    def scc_keys(self, sc: str = "") -> dict[str, list[bytes]]:
        """The centre's for one circuit: "" its own, and its Coordinator's under his id."""
        return {"": list(self._held(self.find(CENTRE)).own.keys)} | {
            one.id: list(self._held(one).own.keys) for one in self.identities(self.circuit(sc))
            if one.role == "coordinator"}

    def rotate(self, name: str, finish: bool = False) -> list[str]:
        """New keys for one, for the `group` of every circuit or of `group.sc`, or for `all`;
        `broker`: new certificates. finish: drop the older ones instead. Returns who needs a new
        bundle, in the order in which to flash them."""
        if name == "broker":
            return self._rotate_brokers(finish)
        turned: list[Keys] = []
        boards: list[Identity] = []
        group, _, of = name.partition(".")
        if group == "group" or name == "all":
            for sc in [self.circuit(of)] if of else self.circuits:
                turned.append(self._what.circuits[sc].group)
                boards += [one for one in self.identities(sc) if one.role != DEVICE]
        if group != "group":
            whose = [*self.identities(), self.find(CENTRE)] if name == "all" else [self.find(name)]
            turned += [self._held(one).own for one in whose]
            boards += whose + [holder for one in whose for holder in self.holders(one)]
        older = [keys for keys in turned if len(keys.keys) > 1]
        if finish and not older:
            raise InputError([f"E448 {name}: has no older key to drop. Rotate first."])
        if not finish and older:
            raise InputError([f"E448 {name}: a change is under way (epoch {older[0].epoch}). "
                              "Flash the boards, then --finish it; a third key would lock "
                              "some out."])
        for keys in turned:
            if finish:
                keys.finish()
            else:
                keys.rotate()
        self.save()
        return in_order(boards)

    def _rotate_brokers(self, finish: bool) -> list[str]:
        if finish:
            raise InputError(["E448 broker: its certificates have no older ones. Leave out "
                              "--finish."])
        for one in self._what.circuits.values():
            one.pair = self._broker(one.names)
        if self._what.man_pair:
            self._what.man_pair = self._broker(self._what.man_names)
        self.save()
        return []

    def revoke(self, name: str) -> list[str]:
        """Out with one whose board is lost: no password, no rights, his certificate on the list of
        the revoked; new keys for all that he held, and of them the older ones dropped but for the
        group's, which allows nothing but to disconnect during an outage. Returns who needs a new
        bundle, in order."""
        who = self.find(name)
        if who.id == CENTRE:
            raise InputError(["E445 scc: the centre cannot be revoked, only rotated: slvg keys "
                              "rotate scc."])
        held = self._held(who)
        boards = self.holders(who)
        commanded = [one for one in self.identities(who.sc)
                     if one != who and who in self.holders(one)]
        circuit = self._what.circuits[who.sc]
        del circuit.held[who.id]
        for one in commanded:
            self._held(one).own.rotate(drop=True)
            boards += [one, *self.holders(one)]
        if who.role != DEVICE:
            circuit.group.finish()
            circuit.group.rotate()
            boards += [one for one in self.identities(who.sc) if one.role != DEVICE]
        self._what.revoked.append(Revoked(
            who.user, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
            certificates.serial(held.pair.crt) if held.pair else 0))
        self.save()
        return in_order([one for one in boards if one.user != who.user])

    # -- what brokers are given

    def acl(self, net: str = "both", sc: str = "") -> str:
        """The access list of one broker. sc: of this circuit's post only."""
        return rights.text(rights.users(self.identities(sc), net))

    def passwords(self, net: str = "both", sc: str = "") -> dict[str, str]:
        """user -> password, of those who may connect. Secret."""
        held = [self._held(one) for one in self.identities(sc)]
        found = {h.who.user: h.passwords[_net_of(h, net)] for h in held
                 if rights.of(h.who, net)}
        if net != "lan" and self._what.centre:
            found[CENTRE] = self._what.centre.passwords["man"]
        return found

    def material(self, net: str = "both", sc: str = "") -> Material:
        """All that a broker needs. Which certificate: that of the post's broker, but MAN's own for
        `man`, and for `both` where it serves several circuits."""
        what = self._what
        if net not in rights.NETS:
            raise InputError([f"E445 net {net}: is none. Give one of {', '.join(rights.NETS)}."])
        if net == "man" or net == "both" and what.man_pair and not sc:
            pair = what.man_pair
        else:
            every = list(what.circuits.values())
            same = not sc and every and all(one.names == every[0].names for one in every)
            if not same:        # else one broker serves all circuits, under the same names
                sc = self.circuit(sc)
            pair = every[0].pair if same else what.circuits[sc].pair
        if pair is None:
            raise InputError(["E447 broker of MAN: has no certificate. slvg keys make STREET "
                              "--man-name NAME makes one."])
        gone = {one.serial: datetime.fromisoformat(one.utc) for one in what.revoked if one.serial}
        secret = "".join(f"{user}:{_line(user, word)}\n"
                         for user, word in sorted(self.passwords(net, sc).items()))
        return Material(secret, self.acl(net, sc), what.ca.crt_pem(), pair.crt_pem(),
                        pair.key_pem(), certificates.revoked(what.ca, gone))

    # -- what boards are given

    @property
    def nets(self) -> Nets:
        """Where the boards find their brokers: net.toml of the folder, or what was set here."""
        if self._nets is None:
            self._nets = Nets.read(self.folder) if self.folder is not None else Nets.local()
        return self._nets

    @nets.setter
    def nets(self, nets: Nets) -> None:
        self._nets = nets

    def bundle(self, name: str, now: datetime | None = None) -> dict:
        """What is in the file of `slvg keys bundle`. Secret."""
        who = self.find(name)
        held = self._held(who)
        now = now or datetime.now(UTC)
        out = {"v": 1, "id": who.id, "role": who.role, "sc": who.sc,
               "keys": {peer: [key.hex() for key in keys]
                        for peer, keys in self.keys_of(who).items()},
               "net": self.nets.of(who, held.passwords) | {"t0_s": int(now.timestamp())},
               "ca": base64.b64encode(self._what.ca.crt).decode()}
        if held.pair:
            out |= {"crt": base64.b64encode(held.pair.crt).decode(),
                    "key": base64.b64encode(held.pair.key).decode()}
        return out

    # -- what may be shown

    def show(self) -> dict:
        """Everything but secrets."""
        what = self._what
        return {
            "made_utc": what.made_utc,
            "authority": {"sha256": fingerprint(what.ca.crt), "until": _until(what.ca)},
            "man": {"names": what.man_names, "until": _until(what.man_pair)},
            "circuits": {sc: {
                "broker": {"names": one.names, "until": _until(one.pair)},
                "group": _shown(one.group),
                "identities": {id_: {"role": h.who.role, "uc": h.who.uc, "user": h.who.user,
                                     "own": _shown(h.own), "certificate": _until(h.pair)}
                               for id_, h in sorted(one.held.items())}}
                for sc, one in sorted(what.circuits.items())},
            "scc": what.centre and {"own": _shown(what.centre.own),
                                    "certificate": _until(what.centre.pair)},
            "revoked": [{"user": one.user, "utc": one.utc} for one in what.revoked]}


def fingerprint(data: bytes) -> str:
    """Enough to see whether two ends have the same; nothing to find the key by."""
    return hashlib.sha256(data).hexdigest()[:8]


def in_order(boards: list[Identity]) -> list[str]:
    """Who obeys comes before who commands: a board takes the new key and the old one, whoever
    commands signs with the newest that he has."""
    rank = {"microgrid": 1, "coordinator": 2, CENTRE: 3}
    once = {one.user if one.id != CENTRE else CENTRE: one for one in boards}
    return sorted(once, key=lambda user: (rank.get(once[user].role, 0), user))


def _shown(keys: Keys) -> dict:
    return {"epoch": keys.epoch, "keys": [fingerprint(key) for key in keys.keys]}


def _until(pair: certificates.Pair | None) -> str:
    return f"{certificates.expiry(pair.crt):%Y-%m-%d}" if pair else ""


def _net_of(held: Held, net: str) -> str:
    return "man" if net == "man" and "man" in held.passwords else "lan"


def _line(user: str, word: str) -> str:
    """The same each time, so that a file that did not change does not differ."""
    return hashed(word, hashlib.sha256(f"{user}:{word}".encode()).digest()[:12])
