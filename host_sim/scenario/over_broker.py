"""A scenario over real brokers: keys, rights and two brokers, made for the run and gone with it.

Each controller gets what `slvg keys` would give it (its keys in the store, user and password for
its links), the brokers what `slvg broker` would: passwords, access lists, with TLS certificates.
One is the LAN's, at the post, the other MAN's, at the utility; the Coordinator alone is on both.
The centre signs its orders with the Coordinator's key. Used by `slvg sim --broker`.
"""
from acu.primitives.authentication import mac
from host_sim.net import board_link, broker, bundle
from host_sim.net.identities import CENTRE
from host_sim.net.keyring import Keyring
from host_sim.scenario.brokered import BrokerBus
from host_sim.scenario.plan import Scenario

_GATEWAYS = ("coordinator", "subcoordinator")


class OverBroker:
    """kind: of broker.KINDS. What Run takes for its network; close() ends the brokers."""

    def __init__(self, scenario: Scenario, kind: str = "auto", tls: bool = False):
        self._ring = ring = Keyring.make(None, [acu.config for acu in scenario.acus],
                                         man_names=broker.NAMES)
        self._users = {acu.id: ring.find(acu.id).user for acu in scenario.acus}
        self._kept = {acu.id for acu in scenario.acus if acu.role in _GATEWAYS} | {CENTRE}
        self._users[CENTRE] = CENTRE
        self._passwords = {net: ring.passwords(net) for net in ("lan", "man")}
        self._keys = ring.scc_keys(scenario.sc)
        self._cd = scenario.coordinator().id
        self._status = f"slvg/1/man/{scenario.sc}/st"
        self._tls = tls
        self._bus: BrokerBus | None = None
        self._brokers: dict[str, broker.Broker] = {}
        try:
            for net in ("lan", "man"):
                self._brokers[net] = broker.start(kind, ring, tls, net=net, sc=(
                    scenario.sc if net == "lan" else ""))
        except BaseException:
            self._stop()
            raise

    def bus(self, seed: int, delay_ms: int, jitter_ms: int) -> BrokerBus:
        self._bus = BrokerBus(seed, delay_ms, jitter_ms, self._link)
        return self._bus

    def _link(self, node: str):
        if node == CENTRE:
            return self._at("man", node)
        lan = self._at("lan", node)
        if node != self._cd:
            return lan
        return board_link.gateway(lan, self._at("man", node, (self._status, "0", "1 %d")))

    def _at(self, net: str, node: str, will: tuple | None = None):
        user, there = self._users[node], self._brokers[net]
        return board_link.link(
            there.host, there.tls_port if self._tls else there.port, user, user,
            self._passwords[net][user], there.ca_der if self._tls else b"", "localhost", will,
            node not in self._kept)

    def files(self, name: str) -> dict[str, str]:
        """What was provisioned before the first start."""
        given = bundle.files(self._ring.bundle(name))
        return {file: data.hex() for file, data in given.items() if file in ("keys.a", "keys.b")}

    def sign(self, dst: str, raw: bytes) -> str:
        """Of the centre."""
        return mac(self._keys[dst][0], raw)

    def close(self) -> dict:
        figures = {"kind": self._brokers["lan"].kind, "tls": self._tls}
        if self._bus is not None:
            figures |= self._bus.figures()
            self._bus.close()
        self._stop()
        return figures

    def _stop(self) -> None:
        for one in self._brokers.values():
            one.stop()
