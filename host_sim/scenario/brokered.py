"""A run whose messages go through a real broker, each controller on its own MQTT connection.

The links are the board's (acu/drivers/mqtt_link.py over umqtt.simple, TLS where there is an
authority), the broker a real one with the circuit's rights. The network of the simulation
(board/bus.py) still says when a message arrives, so that a run stays a value; but what arrives is
what the broker delivered to that controller's connection, and what it did not deliver does not
arrive. Messages that the network loses or doubles on purpose come through the broker all the same
and are left aside.
"""
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from host_sim.board.bus import Bus
from host_sim.net.board_link import close, parts
from host_sim.scenario.complaints import InputError

_CONNECT_S = 15.0
_PATIENCE_S = 10.0          # for a message, until the broker is said to withhold it


class BrokerBus(Bus):
    """link(node): its MqttLink, not yet connected."""

    def __init__(self, seed: int, delay_ms: int, jitter_ms: int, link: Callable[[str], Any]):
        super().__init__(seed, delay_ms, jitter_ms)
        self._make = link
        self._real: dict[str, Any] = {}
        self._came: dict[str, Counter] = {}     # node -> (topic, payload), not yet delivered
        self.sent = self.through = self.sessions = 0
        self.missing: list[tuple[str, str]] = []    # (node, topic) that the broker withheld

    def join(self, node: str, filters: list, t_us: int):
        if not filters:         # it is not switched on yet
            return super().join(node, filters, t_us)
        self._drop(node)
        link = self._real[node] = self._make(node)
        self._came[node] = Counter()
        for one in filters:
            link.subscribe(one)
        self._until(node, lambda: all(one.up for one in parts(link)),
                    f"E471 {node}: no connection to the broker in {_CONNECT_S:.0f} s")
        self.sessions += len(parts(link))
        super().join(node, filters, t_us)

    def leave(self, node: str):
        self._drop(node)
        super().leave(node)

    def _drop(self, node: str):
        link = self._real.pop(node, None)
        if link is not None:
            close(link)
        self._came.pop(node, None)

    def up(self, node: str) -> bool:
        """Before it has joined: the network's own answer."""
        link = self._real.get(node)
        return super().up(node) and (link is None or link.up)

    def publish(self, t_us: int, sender: str, topic: str, payload: bytes, retain=0, qos=0):
        link = self._real[sender]
        if not self.links[sender].partition:
            self._until(sender, lambda: link.publish(topic, payload, qos, retain),
                        f"E472 {sender}: the broker takes no more messages")
            self.sent += 1
            self._poll(sender)
        super().publish(t_us, sender, topic, payload, retain, qos)

    def deliver(self, t_us: int) -> dict:
        due = super().deliver(t_us)
        for node, messages in due.items():
            there = []
            for topic, payload in messages:
                if self._take(node, topic, payload):
                    self.through += 1
                    there.append((topic, payload))
                else:
                    self.missing.append((node, topic))
            due[node] = there
        return due

    def _take(self, node: str, topic: str, payload: bytes) -> bool:
        """Waits until the broker has delivered it."""
        came = self._came[node]
        end = time.monotonic() + _PATIENCE_S
        while not came[topic, payload]:
            # the sender's own bytes may still be on their way out
            for one in self._real:
                self._poll(one)
            if time.monotonic() > end:
                return False
        came[topic, payload] -= 1
        return True

    def _poll(self, node: str):
        link, came = self._real[node], self._came[node]

        def hear(topic, payload):
            came[topic, bytes(payload)] += 1
        link.poll(hear)
        link.acks.clear()       # the simulated network, which takes it all, has said so already

    def _until(self, node: str, done: Callable[[], Any], what: str):
        end = time.monotonic() + _CONNECT_S
        while not done():
            self._poll(node)
            if time.monotonic() > end:
                cause = getattr(self._real[node], "cause", 0)
                raise InputError([f"{what} (cause {cause}). See its log, and docs/network.md."])

    def figures(self) -> dict:
        refused = sum(sum(one.refused) for link in self._real.values() for one in parts(link))
        return {"sent": self.sent, "delivered": self.through, "withheld": len(self.missing),
                "missing": [f"{topic} for {node}" for node, topic in self.missing],
                "sessions": self.sessions, "refused": refused}

    def close(self):
        for node in list(self._real):
            self._drop(node)
