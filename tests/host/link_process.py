"""An MqttLink alone in a process, of either Python, on real sockets: link_process.py ROOT UMQTT

Says on stdout what happens to it, a line each: up SESSION, down CAUSE, got TOPIC TEXT, ack N,
taken N. Obeys on stdin, after a line of JSON: pub TOPIC TEXT QOS RETAIN, figures, quit. JSON:
host, port, id, user, password, filters, keepalive_s, will; for TLS name, ca, crt, key (files,
DER), t0_s.
"""
import gc
import json
import select
import sys
import time

root, umqtt = sys.argv[1:3]
sys.path[:0] = [root, root + "/firmware", umqtt]
VM = sys.implementation.name == "micropython"
if not VM:
    import host_sim  # noqa: F401  what MicroPython has and CPython has not
from acu.drivers.mqtt_link import MqttLink  # noqa: E402
from acu.drivers.stream import Stream  # noqa: E402


class Clock:
    """Real time; its UTC is as wrong as it is told."""

    def __init__(self):
        self._ticks = self._now()
        self.error_ms = 0

    def _now(self):
        return time.ticks_ms() if VM else int(time.monotonic() * 1000) & 0x3FFFFFFF

    def now_ms(self):
        return (self._now() - self._ticks) & 0x3FFFFFFF

    def utc_ms(self):
        return int(time.time()) * 1000 + self.error_ms

    def set_utc(self, utc_ms):
        print("clock", utc_ms)
        self.error_ms = utc_ms - int(time.time()) * 1000


def say(*words):
    print(*words)
    if not VM:
        sys.stdout.flush()


def read(path):
    with open(path, "rb") as f:
        return f.read()


how = json.loads(sys.stdin.readline())
clock = Clock()
blocks = []
security = None
if "ca" in how:
    from acu.drivers.tls import Tls
    clock.error_ms = how.get("clock_error_ms", 0)
    security = Tls(clock, read(how["ca"]), how["name"],
                   read(how["crt"]) if "crt" in how else b"",
                   read(how["key"]) if "key" in how else b"", how.get("t0_s", 0))
stream = Stream(how["host"], how["port"], security, blocks.append)
link = MqttLink(clock, stream, how["id"], how.get("user"), how.get("password"),
                how.get("will"), how.get("keepalive_s", 30))
for one in how.get("filters", ()):
    link.subscribe(one)


def hear(topic, payload):
    say("got", topic, str(payload, "utf-8"))


keys = select.poll()
keys.register(sys.stdin, select.POLLIN)
was = (False, 0)
longest_ms = 0
while True:
    began_ms = clock.now_ms()
    link.poll(hear)
    longest_ms = max(longest_ms, clock.now_ms() - began_ms)
    now = (link.up, link.session, link.cause)
    if now != was:
        if link.up:
            say("up", link.session)
        elif link.cause:
            say("down", link.cause)
        was = now
    while link.acks:
        say("ack", link.acks.pop(0))
    if keys.poll(0 if VM else 3):
        words = sys.stdin.readline().split()
        if not words or words[0] == "quit":
            break
        if words[0] == "pub":
            say("taken", link.publish(words[1], words[2].encode(), int(words[3]),
                                      words[4] == "1"))
        elif words[0] == "figures":
            gc.collect()
            say("figures", longest_ms, len(blocks), blocks.count(0),
                gc.mem_free() if VM else 0, *link.refused)
    if VM:
        time.sleep_ms(3)
