"""A street's parties at a real broker: paho clients that say and hear, and say what came."""
import contextlib
import os
import threading

import paho.mqtt.client as mqtt
import pytest

from host_sim.net import mosquitto

# Circuit of a Coordinator with an Operator and a meter of its own, a Sub-Coordinator with an
# Operator, two reclosers of one islanding scheme, the lead with a machine, and a dispatching
# controller with a battery.
STREET = [
    {"id": "cd", "role": "coordinator", "sc": "sc1", "uc": "uc0",
     "members": ["eu1", "eu2"], "via": ["-", "s1"]},
    {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"},
    {"id": "m1", "role": "meter", "sc": "sc1", "uc": "uc0"},
    {"id": "s1", "role": "subcoordinator", "sc": "sc1", "uc": "uc1", "members": ["eu2"]},
    {"id": "eu2", "role": "operator", "sc": "sc1", "uc": "uc1"},
    {"id": "r1", "role": "recloser", "sc": "sc1", "uc": "uc0", "il_peers": ["r1", "r2"],
     "il_gens": ["gen"]},
    {"id": "r2", "role": "recloser", "sc": "sc1", "uc": "uc0", "il_peers": ["r1", "r2"]},
    {"id": "mg1", "role": "microgrid", "sc": "sc1", "uc": "uc2", "mg_battery": "bat"},
    {"id": "cd", "role": "coordinator", "sc": "sc2", "uc": "uc0"},
]
ALL = "slvg/1/#"


def need_mosquitto() -> None:
    """Skipped without one, but never in CI."""
    if not mosquitto.find():
        if os.environ.get("SLVG_REQUIRE_BROKER") == "1":
            pytest.fail("there is no mosquitto")
        pytest.skip("there is no mosquitto")


class Party:
    """One client. heard: [(topic, payload)]."""

    def __init__(self, there, user="", word="", client_id="", will=None, tls=False, ca="",
                 cert=None, clean=True):
        self.heard = []
        self.refused = ""
        self._up, self._down, self._acks = threading.Event(), threading.Event(), {}
        self._got = threading.Condition()
        self.client = c = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=client_id,
                                      clean_session=clean)
        c.on_connect, c.on_disconnect = self._connected, self._gone
        c.on_message, c.on_publish, c.on_subscribe = self._message, self._acked, self._acked
        if user:
            c.username_pw_set(user, word)
        if will:
            c.will_set(will, b"poison", 1, True)
        if tls:
            c.tls_set(ca or there.ca, *(cert or ()))
        c.connect("localhost" if tls else there.host, there.tls_port if tls else there.port, 60)
        c.loop_start()
        self._up.wait(5)

    @property
    def up(self):
        return self._up.is_set() and not self.refused

    def _connected(self, client, data, flags, reason, properties):
        self.refused = str(reason) if reason.is_failure else ""
        self._up.set()

    def _gone(self, client, data, flags, reason, properties):
        self.refused = self.refused or "gone"
        self._down.set()

    def ended(self, wait_s=3.0):
        return self._down.wait(wait_s)

    def _message(self, client, data, message):
        with self._got:
            self.heard.append((message.topic, message.payload))
            self._got.notify_all()

    def _acked(self, client, data, mid, *_):
        with self._got:
            self._acks[mid] = True
            self._got.notify_all()

    def _await(self, mid):
        with self._got:
            return self._got.wait_for(lambda: mid in self._acks, 3)

    def hear(self, *topics):
        for topic in topics or (ALL,):
            self._await(self.client.subscribe(topic, 1)[1])
        return self

    def say(self, topic, payload=b"x", retain=False):
        """Returns when the broker has taken it, whether or not it is passed on."""
        self._await(self.client.publish(topic, payload, 1, retain).mid)

    def wait(self, topic, payload=b"x", wait_s=3.0):
        with self._got:
            return self._got.wait_for(lambda: (topic, payload) in self.heard, wait_s)

    def vanish(self):
        """Gone without a word: the broker tells his will."""
        self.client.loop_stop()
        self.client._sock_close()

    def leave(self):
        with contextlib.suppress(Exception):
            self.client.disconnect()
        self.client.loop_stop()


class Parties:
    """Those of one broker, by user name; `with` lets all go."""

    def __init__(self, there, passwords):
        self.there, self.passwords, self.all = there, passwords, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.all:
            one.leave()

    def party(self, user, **options):
        options.setdefault("word", self.passwords.get(user, ""))
        one = Party(self.there, user, **options)
        self.all.append(one)
        return one
