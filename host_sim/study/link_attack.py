"""An attacker with an Operator's credentials, in the link study: eu2 against the cabinet of eu1.

He has what a stolen eu2 has: a login at the broker, its key and the circuit's group key. At a
broker with the access list of the project he tries every topic; at one without, where nothing
stops him from hearing and saying all, he forges, replays, bends, cuts short, re-orders and
retains commands. Genuine commands and events go on meanwhile. Nothing of his may be done.
"""
import random
import secrets
import time
from collections import Counter
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from acu import messages
from acu.primitives.authentication import mac
from host_sim.net import mosquitto, rights
from host_sim.net.identities import Identity
from host_sim.study.link_bend import bent
from host_sim.study.link_centre import ALL
from host_sim.study.link_plant import DOWN, ID, PARENT, SC, UC, UP
from host_sim.study.link_trial import Trial

OTHER = "eu2"
_C0 = 60_000                # his correlation ids: above the centre's
_OWN = f"slvg/1/slv/{SC}/{UC}/{OTHER}/up/"
_EVERY_S = 0.02
_DAY_MS = 86_400_000
_BODIES: dict[str, dict] = {
    "sw.req": {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0},
    "phs.req": {"ph": 2, "t_ms": 0, "dead_ms": 60}, "cfg": {"k": "lockout", "val": 1}}
# What somebody else's login must not say, beside the cabinet's own topics.
_TOPICS = (DOWN + "sw.req", ALL + "sw.req", DOWN + "time", ALL + "time", UP + "sw.ack",
           f"slvg/1/mst/{SC}/{PARENT}/up/evt", f"slvg/1/mst/{SC}/all/dn/time",
           f"slvg/1/man/{SC}/up/tele", f"slvg/1/man/{SC}/dn/sc.cmd", f"slvg/1/man/{SC}/st",
           f"slvg/1/slv/{SC}/{UC}/{OTHER}/dn/sw.req", "$SYS/broker/uptime", "other")


def with_acl() -> tuple[mosquitto.Material, dict[str, str]]:
    """A broker's passwords and access list for Coordinator and both Operators; the passwords."""
    people = [Identity(PARENT, "coordinator", SC, UC), Identity(ID, "operator", SC, UC),
              Identity(OTHER, "operator", SC, UC)]
    words = {one.user: secrets.token_urlsafe(16) for one in people}
    return mosquitto.Material(
        passwords="".join(f"{user}:{mosquitto.hashed(word)}\n" for user, word in words.items()),
        acl=rights.text({one.user: rights.of(one, "lan") for one in people})), words


class Attacker:
    """A context."""

    def __init__(self, trial: Trial, login: tuple[str, str] | None = None):
        self.heard: Counter[str] = Counter()        # topics that are none of eu2's business
        self.tried: Counter[str] = Counter()
        self.recorded: list[tuple[str, bytes]] = []
        self._trial = trial
        self._random = random.Random(trial.random.random())
        self._own = secrets.token_bytes(32)
        self._n = 0
        self._k = (1 << 40)         # above any that the cabinet has seen
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2,
                                   client_id=login[0] if login else "nobody")
        if login:
            self._client.username_pw_set(*login)
        self._client.on_connect = self._connected
        self._client.on_message = self._message

    def __enter__(self) -> "Attacker":
        self._client.connect("127.0.0.1", self._trial.broker.port)
        self._client.loop_start()
        return self

    def __exit__(self, *what: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, *what: Any) -> None:
        for topic in ("#", "slvg/1/#", DOWN + "+", UP + "+", f"slvg/1/man/{SC}/up/+"):
            client.subscribe(topic, 1)

    def _message(self, client: Any, userdata: Any, message: mqtt.MQTTMessage) -> None:
        topic = message.topic
        if f"/{OTHER}/" in topic or "/all/" in topic:
            return
        self.heard[topic] += 1
        # not his own rubbish
        if topic.startswith(DOWN) and messages.decode(message.payload) is not None:
            self.recorded.append((topic, bytes(message.payload)))

    def say(self, how: str, topic: str, raw: bytes, retain: bool = False, qos: int = 1) -> None:
        self.tried[how] += 1
        self._client.publish(topic, raw, qos=qos, retain=retain)

    def sign(self, t: str, key: bytes | None, dst: str = ID, src: str = PARENT, **body: Any
             ) -> bytes:
        """A command as only its sender should be able to make it. key None: zeros for a code."""
        self._n = (self._n + 7) & 0xFFFF
        self._k += 1
        ts = int(time.time() * 1000)
        return messages.encode(
            t, src, dst, self._n, _C0 + self._n % 5000, ts, _BODIES.get(t, {}) | body,
            lambda text: "0" * 16 if key is None else mac(key, text), self._k, ts + 10_000)

    # -- what he tries

    def once(self) -> None:
        """One thing, by the dice."""
        r, trial = self._random, self._trial
        how = r.randrange(10)
        topic, raw = r.choice(self.recorded[-40:]) if self.recorded else (DOWN + "sw.req", b"")
        t = r.choice(tuple(_BODIES))
        if how == 0:
            self.say("forged, no key", DOWN + t, self.sign(t, None))
        elif how == 1:
            key = r.choice((self._own, trial.group, secrets.token_bytes(32)))
            self.say("forged, another key", DOWN + t, self.sign(t, key))
        elif how == 2:
            self.say("replayed", topic, raw, qos=r.randrange(2))
        elif how == 3:
            self.say("bent", topic, bent(raw, r) if raw else b"{")
        elif how == 4:
            self.say("cut short", topic, raw[:r.randrange(len(raw) + 1)])
        elif how == 5:          # newer first, then older
            for where, old in reversed(self.recorded[-3:]):
                self.say("in another order", where, old)
        elif how == 6:
            dst = r.choice((OTHER, ID))
            self.say("for another unit", DOWN + t, self.sign(t, self._own, dst))
            self.say("for another unit", DOWN.replace(ID, OTHER) + t, raw)
        elif how == 7:
            self.say("retained", DOWN + t, r.choice((raw, self.sign(t, self._own))), retain=True)
        elif how == 8:          # the group's key, which he has: it may only open what is dead
            body: dict[str, Any] = {"on": r.randrange(2), "sel": r.randrange(2)}
            body = body if t == "sw.req" else {}
            self.say("to all", r.choice((ALL, DOWN)) + t, self.sign(t, trial.group, "*", **body))
        else:
            utc_ms = int(time.time() * 1000) + r.choice((-1, 1)) * r.choice((3000, _DAY_MS))
            key, dst = r.choice(((trial.group, "*"), (self._own, ID), (trial.group, ID)))
            self.say("the time", r.choice((ALL, DOWN)) + "time",
                     self.sign("time", key, dst, utc_ms=utc_ms, src="ntp"))
            hello = messages.encode("hello", PARENT, "*", 1, 0, utc_ms, {
                "role": "cd", "dom": "x", "fw": "1", "drf": 1, "ph": 0, "un_dV": 2300, "sw": 0,
                "boot": r.randrange(99)})
            self.say("a parent that has restarted", DOWN + "hello", hello)


def open_broker(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """Without an access list."""
    with Attacker(t) as he:
        end = time.monotonic() + (180 if full else 25)
        next_kill = time.monotonic() + 4
        while time.monotonic() < end:
            he.once()
            t.run(_EVERY_S)
            if time.monotonic() > next_kill:    # what is retained comes at the next connection
                next_kill += 6
                t.proxy.kill()
        for topic in _TOPICS[:4]:
            he.say("forgotten", topic, b"", retain=True)
        t.run(0.3)
        link = t.cabinet.link
        t.notes |= {"attempts": sum(he.tried.values()), "tried": dict(he.tried),
                    "retained_refused": link.refused[0] if link is not None else 0}


def access_list(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """With it: he hears nothing and is not heard."""
    with Attacker(t, (f"{SC}.{OTHER}", t.words[f"{SC}.{OTHER}"])) as he:
        end = time.monotonic() + (60 if full else 12)
        while time.monotonic() < end:
            he.once()
            for topic in _TOPICS:
                he.say("a topic of others", topic, he.sign("sw.req", t.group, "*"))
            # on his own topic, in another's name
            he.say("own topic", _OWN + "evt", messages.encode(
                "evt", ID, "*", 7, 0, 0, {"code": "TST", "ph": 0, "val": -1, "lim": 0,
                                          "t0_ms": 0}))
            t.run(0.1)
        t.notes |= {"attempts": sum(he.tried.values()), "tried": dict(he.tried),
                    "overheard": sum(he.heard.values()),
                    "reached_cabinet": sum(t.cabinet.dropped().values())}
        if he.heard:
            t.fail(f"an Operator hears {next(iter(he.heard))}")

