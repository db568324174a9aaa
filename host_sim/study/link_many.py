"""More QoS 1 messages in one session than there are packet numbers: the link study's long case.

umqtt's own numbers end at 65,535 and then wait for ever. Messenger, outbox and link of the
firmware without a cabinet around them, since a cabinet has not so much to say: as fast as they go.
The far end takes each event once, as the centre does.
"""
import secrets
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from acu import messages
from acu.primitives.authentication import Keys
from acu.primitives.messaging import Messenger
from acu.primitives.synchronising import Synchroniser
from host_sim.board.doors import SimStore
from host_sim.net import broker
from host_sim.net.faults import FaultProxy
from host_sim.study.link_centre import Receiver
from host_sim.study.link_plant import ID, UP, drivers

MANY = 66_000               # more than 65,535
_WAITING = 10               # in the outbox at once; from 12 on it goes to the store
_AHEAD = 500                # of what the far end has got: the broker drops what it cannot queue
_STUCK_S = 20.0


class _Clock:
    @staticmethod
    def now_ms() -> int:
        return time.monotonic_ns() // 1_000_000

    @staticmethod
    def utc_ms() -> int:
        return int(time.time() * 1000)


def play(seed: int, n: int = MANY, kind: str = "mosquitto", make: Any = None) -> dict:
    """The figures of the case. make: a link in the place of MqttLink, for a test."""
    mqtt_link, stream = drivers()
    began_s = time.monotonic()
    receiver = Receiver()
    last = threading.Event()

    def heard(client: Any, userdata: Any, message: mqtt.MQTTMessage) -> None:
        msg = messages.decode(message.payload)
        if msg is not None and receiver.take(msg) and len(receiver.got) >= n:
            last.set()

    centre = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sc1.cd", clean_session=False)
    ready = threading.Event()
    centre.on_message = heard
    centre.on_subscribe = lambda *what: ready.set()
    told = {"sent": 0, "executed": 0, "refused": 0, "expired": 0, "unanswered": 0,
            "commands_lost": 0, "commands_doubled": 0, "unauthorised": 0, "failures": []}
    with broker.start(kind) as there, FaultProxy((there.host, there.port), seed) as proxy:
        centre.connect(there.host, there.port)
        centre.loop_start()
        centre.subscribe(UP + "+", 1)
        ready.wait(10)
        clock = _Clock()
        store = SimStore()
        link = (make or mqtt_link.MqttLink)(clock, stream.Stream("127.0.0.1", proxy.port), ID)
        net = Messenger(link, Synchroniser(clock), ID, 1, store,
                        Keys({"": [secrets.token_bytes(32)]}, store))
        done = _send_all(net, link, clock, n, receiver)
        last.wait(10 if done == n else 0)
        # umqtt would have been given a new session, and so new numbers, by a broken connection
        if link.session != 1:
            told["failures"] = [f"{link.session} sessions instead of one"]
        elif done < n:
            told["failures"] = [f"stuck after {done} of {n} messages"]
        told |= {"events": n, "events_lost": n - len(receiver.got),
                 "events_doubled": sum(k - 1 for k in receiver.got.values()),
                 "events_raw_doubled": receiver.raw_doubles, "discarded": net.outbox.discarded,
                 "reconnects": link.session - 1, "reconnect_s_max": 0.0,
                 "proxy": dict(proxy.counts), "dropped": {}}
        centre.disconnect()
        centre.loop_stop()
    return told | {"wall_s": round(time.monotonic() - began_s, 1)}


def _send_all(net: Messenger, link: Any, clock: _Clock, n: int, far: Receiver) -> int:
    """How many were confirmed, or n; it gives up when nothing moves any more."""
    sent = 0
    moved_s, before = time.monotonic(), (0, 0)
    while True:
        now_ms = clock.now_ms()
        while (sent < n and link.up and len(net.outbox.live) < _WAITING
               and sent - len(far.got) < _AHEAD):
            net.send(now_ms, UP + "evt", "evt", "*", {"code": "TST", "ph": 0, "val": sent,
                                                      "lim": 0, "t0_ms": now_ms})
            sent += 1
        net.slow(now_ms)
        link.poll(lambda topic, raw: None)
        waiting = len(net.outbox.live)
        if sent == n and not waiting:
            return n
        if (sent, waiting) != before:
            moved_s, before = time.monotonic(), (sent, waiting)
        elif time.monotonic() - moved_s > _STUCK_S:
            return sent - waiting
