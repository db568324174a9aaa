"""The network of the simulation: a broker with retained messages, and a link with faults for each
node.

Delays are counted from the publishing; both ends' faults apply. One seeded generator, drawn in a
fixed order, so that a run can be repeated. QoS is not re-enacted: a lost message is lost, which is
harsher than MQTT; a partitioned node is told that its link is down and may keep QoS 1 messages for
later.
"""
import heapq
import random
from dataclasses import dataclass


@dataclass
class LinkState:
    """Conditions at one node. Percentages 0..100; partition: nothing in, nothing out."""

    delay_ms: int = 0
    jitter_ms: int = 0
    loss_pct: float = 0.0
    dup_pct: float = 0.0
    reorder_pct: float = 0.0
    partition: bool = False


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT topic filter with + and #."""
    parts = topic.split("/")
    wanted = topic_filter.split("/")
    for k, want in enumerate(wanted):
        if want == "#":
            return True
        if k >= len(parts) or want not in ("+", parts[k]):
            return False
    return len(parts) == len(wanted)


def _form(topic_filter: str) -> tuple:
    """((levels before a final #, places of +, is there a #), the words between)"""
    parts = topic_filter.split("/")
    rest = parts[-1] == "#"
    if rest:
        parts.pop()
    wild = tuple(k for k, part in enumerate(parts) if part == "+")
    return (len(parts), wild, rest), tuple(part for part in parts if part != "+")


class Bus:
    """delay_ms and jitter_ms: of every message; faults besides in links[node]."""

    _REORDER_MS = 150

    def __init__(self, seed: int, delay_ms: int, jitter_ms: int):
        self._rng = random.Random(f"bus {seed}")
        self._delay_ms = delay_ms
        self._jitter_ms = jitter_ms
        self.links: dict[str, LinkState] = {}
        self._filters: dict[str, list] = {}
        self._retained: dict[str, bytes] = {}
        # form of a filter -> its words -> nodes, and topic -> nodes; until somebody joins
        self._forms: dict[tuple, dict] = {}
        self._routes: dict[str, list] = {}
        self._queue: list = []
        self._n = 0
        self.lost = 0

    def join(self, node: str, filters: list, t_us: int):
        """(Re)connects a node; retained messages are sent to it anew."""
        self.links.setdefault(node, LinkState())
        self._filters[node] = list(filters)
        self._routes.clear()
        self._forms.clear()
        for topic in sorted(self._retained):
            if any(matches(f, topic) for f in filters):
                self._send(t_us, node, topic, self._retained[topic])

    def leave(self, node: str):
        self._filters.pop(node, None)
        self._routes.clear()
        self._forms.clear()

    def up(self, node: str) -> bool:
        return not self.links[node].partition

    def publish(self, t_us: int, sender: str, topic: str, payload: bytes, retain=0, qos=0):
        link = self.links[sender]
        if link.partition or self._hit(link.loss_pct):
            self.lost += 1
            return
        if retain:
            self._retained[topic] = payload
        copies = 2 if self._hit(link.dup_pct) else 1
        for node in self._routes.get(topic) or self._listeners(topic):
            for _ in range(copies):
                self._send(t_us + link.delay_ms * 1000, node, topic, payload)

    def _listeners(self, topic: str) -> list:
        """Who has subscribed this topic, in order of names. Filters of the same form (length,
        places of their wildcards) are one table, so that a thousand nodes cost no thousand
        comparisons."""
        if not self._forms:
            for node, filters in self._filters.items():
                for one in filters:
                    form, key = _form(one)
                    self._forms.setdefault(form, {}).setdefault(key, set()).add(node)
        parts = topic.split("/")
        found: set = set()
        for (length, wild, rest), table in self._forms.items():
            if len(parts) == length or (rest and len(parts) >= length):
                found |= table.get(tuple([parts[k] for k in range(length) if k not in wild]),
                                   set())
        self._routes[topic] = sorted(found)
        return self._routes[topic]

    def next_us(self) -> int | None:
        """When the next message arrives."""
        return self._queue[0][0] if self._queue else None

    def deliver(self, t_us: int) -> dict:
        """{node: [(topic, payload)]} of what has arrived by now, in order of arrival."""
        out: dict[str, list] = {}
        while self._queue and self._queue[0][0] <= t_us:
            _, _, node, topic, payload = heapq.heappop(self._queue)
            if node not in self._filters or self.links[node].partition:
                self.lost += 1
            else:
                out.setdefault(node, []).append((topic, payload))
        return out

    def _hit(self, pct: float) -> bool:
        return pct > 0 and self._rng.random() * 100 < pct

    def _send(self, t_us: int, node: str, topic: str, payload: bytes):
        link = self.links[node]
        if self._hit(link.loss_pct):
            self.lost += 1
            return
        for _ in range(2 if self._hit(link.dup_pct) else 1):
            jitter_us = self._rng.randrange((self._jitter_ms + link.jitter_ms) * 1000 + 1)
            if self._hit(link.reorder_pct):
                jitter_us += self._REORDER_MS * 1000
            self._n += 1
            due_us = t_us + (self._delay_ms + link.delay_ms) * 1000 + jitter_us
            heapq.heappush(self._queue, (due_us, self._n, node, topic, payload))
