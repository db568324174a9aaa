"""The link study's far end: who commands the cabinet and collects its events, on paho-mqtt.

It does what the firmware expects of a parent, and no more: signs with the cabinet's key, counts
its commands up, and past the reserved block when a hello says that the cabinet has restarted,
which makes void what was under way; repeats the same bytes until they are answered or over;
answers the question for the time, and tells it to all, with the group's key; takes each event
once, by sender, number and time. Its session at the broker is kept.
"""
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from acu import messages
from acu.primitives.authentication import Keys, mac
from host_sim.study.link_plant import DOWN, ID, PARENT, SC, UC, UP

ALL = f"slvg/1/slv/{SC}/{UC}/all/dn/"
TTL_S = 10.0
REPEAT_S = 1.5
_KEEP_KEYS = 4096           # numbers by which a receiver knows what it has got


@dataclass
class Order:
    """A command and what became of it. e: of its answer; -1: none."""

    t: str
    k: int
    c: int
    raw: bytes
    sent_s: float
    until_s: float
    e: int = -1
    times: int = 0
    answers: int = 0
    void_s: float = float("inf")    # since when its receiver has restarted
    over: threading.Event = field(default_factory=threading.Event)


def _now() -> dict:
    return {"utc_ms": int(time.time() * 1000), "src": "ntp"}


class Receiver:
    """De-duplicates by (sender, number, time). blind: does not, which a test has to notice."""

    def __init__(self, blind: bool = False):
        self.got: Counter[int] = Counter()      # serial numbers of events, after that
        self.raw_doubles = 0
        self._seen: dict[tuple, None] = {}
        self._blind = blind

    def take(self, msg: dict) -> bool:
        """Is it news?"""
        key = (msg["s"], msg["n"], msg["ts"])
        if key in self._seen:
            self.raw_doubles += 1
            if not self._blind:
                return False
        self._seen[key] = None
        if len(self._seen) > _KEEP_KEYS:
            del self._seen[next(iter(self._seen))]
        if msg["t"] == "evt" and msg["b"]["code"] == "TST":
            self.got[msg["b"]["val"]] += 1
        return True


class Centre:
    """A context. login: (user, password) at the broker, None: anybody may connect."""

    def __init__(self, port: int, own: bytes, group: bytes, login: tuple[str, str] | None = None,
                 blind: bool = False, seed: int = 0):
        self.receiver = Receiver(blind)
        self.orders: dict[int, Order] = {}      # by correlation id
        self.issued: set[bytes] = set()
        self.boots: set[int] = set()
        self.sent = 0                           # commands, with repetitions
        self.others = 0                         # messages that no decoder takes
        self._keys = {ID: own, "*": group}
        self._port = port
        self._n = random.Random(seed).randrange(0x10000)
        self._k = 1 << 20
        self._c = 0
        self._lock = threading.RLock()
        name = login[0] if login else f"sc1.{PARENT}"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name,
                                   clean_session=False)
        if login:
            self._client.username_pw_set(*login)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._connected
        self._client.on_message = self._message
        self.online = threading.Event()

    def __enter__(self) -> "Centre":
        self._client.connect_async("127.0.0.1", self._port, keepalive=20)
        self._client.loop_start()
        return self

    def __exit__(self, *what: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def connected(self) -> bool:
        return self._client.is_connected()

    # -- commands

    def order(self, t: str, body: dict, ttl_s: float = TTL_S) -> Order:
        """Signs and sends one."""
        with self._lock:
            self._c = self._c % 65535 + 1
            c = self._c
            raw, k = self._signed(t, body, c, int(ttl_s * 1000))
            now_s = time.monotonic()
            one = self.orders[c] = Order(t, k, c, raw, now_s, now_s + ttl_s)
        self._send(one)
        return one

    def beacon(self) -> None:
        """The time, to all."""
        if self._client.is_connected():
            with self._lock:
                raw, _ = self._signed("time", _now(), 0, dst="*")
            self._client.publish(ALL + "time", raw, qos=0)

    def _signed(self, t: str, body: dict, c: int, ttl_ms: int = 10_000, nonce: int = 0,
                dst: str = ID) -> tuple[bytes, int]:
        self._n = (self._n + 1) & 0xFFFF
        self._k += 1
        ts = int(time.time() * 1000)
        raw = messages.encode(t, PARENT, dst, self._n, c, ts, body,
                              lambda text: mac(self._keys[dst], text), self._k,
                              -nonce if nonce else ts + ttl_ms)
        self.issued.add(raw)
        return raw, self._k

    def _send(self, one: Order) -> None:
        one.times += 1
        self.sent += 1
        self._client.publish(DOWN + one.t, one.raw, qos=1)

    def replay(self) -> int:
        """Sends again what is still valid, as whoever recorded it could; how many."""
        late = [one for one in list(self.orders.values()) if one.until_s > time.monotonic()]
        for one in late:
            self._client.publish(DOWN + one.t, one.raw, qos=1)
        return len(late)

    def settle(self, one: Order) -> Order:
        """Waits for the answer, and repeats the same bytes until there is one or it is over."""
        while not one.over.wait(min(REPEAT_S, max(one.until_s - time.monotonic(), 0.0))):
            if time.monotonic() >= one.until_s:
                break
            self._send(one)
        return one

    # -- what comes

    def _connected(self, client: mqtt.Client, userdata: Any, flags: Any, reason: Any,
                   properties: Any) -> None:
        client.subscribe(UP + "+", qos=1)
        self.online.set()

    def _message(self, client: mqtt.Client, userdata: Any, message: mqtt.MQTTMessage) -> None:
        msg = messages.decode(message.payload)
        if msg is None or msg["s"] != ID:
            self.others += 1
            return
        t = msg["t"]
        if not self.receiver.take(msg):
            return
        with self._lock:
            if t == "hello" and msg["b"]["boot"] not in self.boots:
                self.boots.add(msg["b"]["boot"])
                self._k = Keys.above(self._k)
                for one in self.orders.values():
                    if not one.over.is_set():
                        one.void_s = time.monotonic()
                        one.over.set()
            elif t == "time.req":
                raw, _ = self._signed("time", _now(), 0, nonce=msg["b"]["nonce"])
                client.publish(DOWN + "time", raw, qos=0)
            elif t.endswith(".ack"):
                asked = self.orders.get(msg["c"])
                if asked is not None:
                    asked.answers += 1
                    asked.e = msg["b"]["e"]
                    asked.over.set()
