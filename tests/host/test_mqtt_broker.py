"""The firmware's link on the real umqtt.simple at a real broker, in CPython and in the VM.

mosquitto where there is one, else amqtt. TLS with certificates that are right, of another
authority, too old, too young and of another name: what the link says of each.
"""
import json
import os
import queue
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from host_sim.net import broker, certificates
from host_sim.net.mosquitto import Material, find
from host_sim.vm.find import micropython

ROOT = Path(__file__).resolve().parents[2]
UMQTT = Path(os.environ.get("SLVG_UMQTT") or ROOT / ".venv" / "umqtt")
HERE = Path(__file__).with_name("link_process.py")
MUST = os.environ.get("SLVG_REQUIRE_BROKER") == "1"

if not MUST and not (UMQTT / "umqtt" / "simple.py").is_file():
    pytest.skip("no umqtt.simple: run `make setup`", allow_module_level=True)
from acu.drivers import mqtt_link as ml  # noqa: E402


class Unit:
    """A process with a link. (An argument of MicroPython has at most 255 characters.)"""

    def __init__(self, python, there=None, tls=None, **how):
        port = 0 if there is None else there.tls_port if tls else there.port
        how = {"host": broker.HOST, "port": port, "id": "eu1", "filters": ["t/dn/+"],
               "will": ["t/st", "0 5", "1 5 %d"], **how, **(tls or {})}
        words = [python, *(["-X", "heapsize=4M"] if "micropython" in python else []), str(HERE),
                 str(ROOT), str(UMQTT)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, text=True)
        self.tell(json.dumps(how))
        self.said = []
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def tell(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def until(self, start, wait_s=20):
        """The next line that begins so."""
        end_s = time.monotonic() + wait_s
        while True:
            left_s = end_s - time.monotonic()
            try:
                line = self._lines.get(timeout=max(left_s, 0.01))
            except queue.Empty:
                pytest.fail(f"no {start!r} in {wait_s} s; it said: {self.said[-30:]}")
            assert line is not None, f"it ended: {self.said[-30:]}"
            self.said.append(line)
            if line.startswith(start):
                return line

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module", autouse=True)
def a_real_broker():
    if MUST and not find():
        pytest.fail("no mosquitto: install it, or set MOSQUITTO")


@pytest.fixture(scope="module", params=["cpython", "vm"])
def python(request):
    if request.param == "cpython":
        return sys.executable
    request.getfixturevalue("vm")
    return micropython()


@pytest.fixture(scope="module")
def plain():
    with broker.start("auto") as there:
        yield there


class Watcher:
    """The centre's side: paho, which is not ours."""

    def __init__(self, there):
        from paho.mqtt import client
        self.got = queue.Queue()
        self.client = client.Client(client.CallbackAPIVersion.VERSION2, "centre")
        self.client.on_message = lambda c, data, m: self.got.put((m.topic, m.payload, m.retain))
        ready = threading.Event()
        self.client.on_subscribe = lambda *_: ready.set()
        self.client.connect(there.host, there.port)
        self.client.loop_start()
        self.client.subscribe("t/#", 1)
        assert ready.wait(5)

    def next(self, topic, wait_s=10):
        while True:
            one = self.got.get(timeout=wait_s)
            if one[0] == topic:
                return one

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()


def test_messages_go_both_ways_and_the_will_is_told(python, plain):
    with Watcher(plain) as centre:
        with Unit(python, plain) as unit:
            unit.until("up 1")
            while centre.next("t/st")[1] != b"1 5 1":
                pass                            # of an earlier test, kept
            for qos in (0, 1):
                centre.client.publish("t/dn/sw.req", f"hello{qos}", qos)
                assert unit.until("got") == f"got t/dn/sw.req hello{qos}"
            unit.tell("pub t/up/evt one 1 0")
            number = int(unit.until("taken").split()[1])
            assert number >= 2 and unit.until("ack") == f"ack {number}"
            assert centre.next("t/up/evt")[1] == b"one"
            unit.tell("pub t/up/meas two 0 0")
            assert unit.until("taken") == "taken 1"
            assert centre.next("t/up/meas")[1] == b"two"
        assert centre.next("t/st")[1] == b"0 5"         # its process was killed


def test_a_retained_command_is_not_obeyed(python, plain):
    with Watcher(plain) as centre:
        centre.client.publish("t/dn/sw.req", "old", 1, True).wait_for_publish(5)
        try:
            with Unit(python, plain) as unit:
                unit.until("up 1")
                centre.client.publish("t/dn/cfg", "new", 1)
                assert unit.until("got") == "got t/dn/cfg new"
                unit.tell("figures")
                assert unit.until("figures").split()[5:] == ["1", "0", "0", "0"]
        finally:
            centre.client.publish("t/dn/sw.req", b"", 1, True).wait_for_publish(5)


def test_back_in_time_when_the_broker_was_killed_and_comes_again(python):
    with broker.start("auto") as there, Unit(python, there) as unit:
        unit.until("up 1")
        there.kill()
        unit.until(f"down {ml.C_CLOSED}")
        time.sleep(2)
        there.restart()
        began_s = time.monotonic()
        unit.until("up 2", 12)
        assert time.monotonic() - began_s <= 10
        unit.tell("pub t/up/evt again 1 0")
        unit.until("taken")
        unit.until("ack")


def test_a_broker_that_hangs_is_left(vm):
    python = micropython()
    with broker.start("auto") as there, Unit(python, there, keepalive_s=4) as unit:
        unit.until("up 1")
        there.freeze()
        began_s = time.monotonic()
        unit.until(f"down {ml.C_SILENT}", 25)
        assert 15 <= time.monotonic() - began_s <= 21       # a ping every 2 s, 15 s of patience
        there.thaw()
        unit.until("up 2", 15)
        unit.tell("figures")
        assert int(unit.until("figures").split()[1]) < 300      # no poll has waited


def test_nobody_and_nothing_at_that_address(python):
    with Unit(python, host="127.0.0.1", port=9) as unit:
        unit.until(f"down {ml.C_TCP}")
    with Unit(python, host="no-such-host.invalid", port=1883) as unit:
        unit.until(f"down {ml.C_DNS}", 40)


NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def ca():
    return certificates.authority("a circuit")


def secure(ca, names=("localhost",), days=30, now=None, since=None):
    """A broker's material."""
    pair = certificates.broker(ca, list(names), now, days, since)
    return Material(ca=ca.crt_pem(), crt=pair.crt_pem(), key=pair.key_pem())


@pytest.fixture(scope="module")
def files(ca, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    other = certificates.authority("another circuit")
    mine = certificates.client(ca, "eu1")
    for name, data in (("ca", ca.crt), ("other", other.crt), ("crt", mine.crt),
                       ("key", mine.key)):
        (folder / name).write_bytes(data)
    return folder


def test_tls_with_the_right_broker(python, ca, files):
    with broker.start("auto", tls=True, material=secure(ca, ["localhost", "127.0.0.1"])) as there:
        for name in ("localhost", "127.0.0.1"):
            tls = {"ca": str(files / "ca"), "name": name}
            with Unit(python, there, tls) as unit, Watcher(there) as centre:
                unit.until("up 1")
                for k in range(20):
                    unit.tell(f"pub t/up/evt {'x' * 400}{k} 1 0")
                    unit.until("ack")
                    assert centre.next("t/up/evt")[1].endswith(b"x%d" % k)
                centre.client.publish("t/dn/sw.req", "y" * 900, 1)
                assert unit.until("got") == "got t/dn/sw.req " + "y" * 900
                unit.tell("figures")
                said = unit.until("figures").split()
                assert int(said[2]) >= 4 and int(said[3]) * 2 == int(said[2])   # declared blocks


WRONG = {"of another authority": ({"ca": "other"}, {}, ml.C_TLS_CA),
         "of another name": ({"name": "example.org"}, {}, ml.C_TLS_NAME),
         "too old": ({}, {"now": NOW - timedelta(days=40), "days": 10,
                          "since": NOW - timedelta(days=41)}, ml.C_TLS_TIME),
         "too young": ({}, {"since": NOW + timedelta(days=5)}, ml.C_TLS_TIME)}


@pytest.mark.parametrize("what", WRONG)
def test_tls_with_a_wrong_broker(python, ca, files, what):
    here, theirs, cause = WRONG[what]
    tls = {"name": "localhost", "ca": "ca", **here}
    tls["ca"] = str(files / tls["ca"])
    with broker.start("auto", tls=True, material=secure(ca, **theirs)) as there, \
            Unit(python, there, tls) as unit:
        assert unit.until("down") == f"down {cause}"
        with pytest.raises(pytest.fail.Exception):
            unit.until("up", 3)


def test_tls_where_there_is_none(python, plain, files):
    tls = {"name": "localhost", "ca": str(files / "ca")}
    with Unit(python, plain, tls, port=plain.port) as unit:
        line = unit.until("down", 30)
        assert int(line.split()[1]) in (ml.C_TLS_OTHER, ml.C_CLOSED)


def test_a_clock_before_the_keys_is_set_to_their_time(python, ca, files):
    began_s = int(NOW.timestamp()) - 3600
    tls = {"name": "localhost", "ca": str(files / "ca"), "t0_s": began_s,
           "clock_error_ms": -200_000_000_000}
    with broker.start("auto", tls=True, material=secure(ca)) as there, \
            Unit(python, there, tls) as unit:
        assert unit.until("clock") == f"clock {began_s * 1000}"
        unit.until("up 1")


@pytest.mark.skipif(not find(), reason="amqtt asks for no certificates")
def test_client_certificates(python, ca, files):
    with broker.start("mosquitto", tls=True, material=secure(ca),
                      client_certificates=True) as there:
        tls = {"name": "localhost", "ca": str(files / "ca")}
        with Unit(python, there, tls) as unit:
            assert int(unit.until("down").split()[1]) in (ml.C_TLS_OTHER, ml.C_CLOSED)
        tls.update(crt=str(files / "crt"), key=str(files / "key"))
        with Unit(python, there, tls) as unit:
            unit.until("up 1")
