"""Brokers on this machine: they start, hold TLS, die and come back, and leave nothing behind."""
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import pytest

from host_sim.net import broker, certificates, mosquitto
from host_sim.net.keyring import Keyring
from tests.net.parties import STREET, Parties, Party, need_mosquitto

HOME = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request):
    if request.param == "mosquitto":
        need_mosquitto()
    return request.param


def test_a_killed_one_comes_back_at_the_same_ports(kind):
    with broker.start(kind, tls=True, websockets=True) as there:
        ports = (there.port, there.tls_port, there.ws_port)
        assert len(set(ports)) == 3 and 0 not in ports
        there.kill()
        assert not there.running
        with pytest.raises(OSError):
            socket.create_connection((there.host, there.port), 1)
        there.restart()
        assert (there.port, there.tls_port, there.ws_port) == ports
        one = Party(there, tls=True).hear("a")
        Party(there).say("a")
        assert one.wait("a")


def test_a_frozen_one_answers_nothing_until_it_thaws(kind):
    with broker.start(kind) as there:
        there.freeze()
        with socket.create_connection((there.host, there.port), 1) as one:
            one.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00<\x00\x01a")
            one.settimeout(0.4)
            with pytest.raises(TimeoutError):
                one.recv(4)
            there.thaw()
            one.settimeout(5)
            assert one.recv(4) == b"\x20\x02\x00\x00"


def test_tls_is_1_2_at_least_and_the_wrong_name_or_authority_is_refused(kind):
    with broker.start(kind, tls=True) as there:
        def connect(name, ca=None, most=None):
            context = ssl.create_default_context(cadata=ca or there.ca_der)
            if most:
                context.maximum_version = most
            with socket.create_connection((there.host, there.tls_port), 5) as raw, \
                    context.wrap_socket(raw, server_hostname=name) as one:
                return one.version()

        assert connect("localhost") in ("TLSv1.2", "TLSv1.3")
        with pytest.raises(ssl.SSLError, match="(?i)hostname mismatch"):
            connect("post1")
        with pytest.raises(ssl.SSLError, match="(?i)verify failed"):
            connect("localhost", certificates.authority("another").crt)
        with pytest.raises((ssl.SSLError, OSError)):
            connect("localhost", most=ssl.TLSVersion.TLSv1_1)


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "raise KeyboardInterrupt",
                                 "sys.exit(3)", "os.kill(os.getpid(), 15)"])
def test_nothing_outlives_who_started_it(kind, end):
    code = ("import host_sim, os, sys\nfrom host_sim.net import broker\n"
            f"b = broker.start({kind!r})\nprint(b._process.pid, b.port, flush=True)\n{end}")
    done = subprocess.run([sys.executable, "-c", code], cwd=HOME, capture_output=True, text=True,
                          check=False)
    pid, port = map(int, done.stdout.split())
    until_s = time.monotonic() + 5
    while (_alive(pid) or broker._listens(port)) and time.monotonic() < until_s:
        time.sleep(0.05)
    assert not _alive(pid) and not broker._listens(port)


def _alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_certificate_says_who_one_is_and_a_revoked_one_nothing(tmp_path):
    need_mosquitto()
    ring = Keyring.make(None, STREET, client_certs=True)
    files = {}
    for user in ("sc1.eu1", "sc1.eu2"):
        pair = ring._held(ring.find(user)).pair
        files[user] = (str(tmp_path / f"{user}.crt"), str(tmp_path / f"{user}.key"))
        Path(files[user][0]).write_bytes(pair.crt_pem())
        Path(files[user][1]).write_bytes(pair.key_pem())
    up = "slvg/1/slv/sc1/uc0/eu1/up/meas"

    def start():
        return broker.start("mosquitto", keyring=ring, tls=True, client_certificates=True)

    with start() as there, Parties(there, ring.passwords()) as all_:
        coordinator = Party(there, "sc1.cd", ring.passwords()["sc1.cd"]).hear(
            "slvg/1/slv/sc1/uc0/+/up/+")       # by the plain port, with his password
        # with another's certificate nobody passes for him, whatever name and password he gives
        for cert, heard in (("sc1.eu2", False), ("sc1.eu1", True)):
            one = all_.party("sc1.eu1", tls=True, cert=files[cert])
            one.say(up, cert.encode())
            assert coordinator.wait(up, cert.encode(), 3 if heard else 0.5) == heard
        coordinator.leave()
        with contextlib.suppress(ssl.SSLError, OSError):
            assert not all_.party("sc1.eu1", tls=True).up      # without a certificate
    ring.revoke("eu1")
    with start() as there, Parties(there, ring.passwords()) as all_:
        assert all_.party("sc1.eu2", tls=True, cert=files["sc1.eu2"]).up
        # how a refused certificate shows depends on the version of TLS: at once, or a little later
        with contextlib.suppress(ssl.SSLError, OSError):
            assert not all_.party("sc1.eu1", word="x", tls=True, cert=files["sc1.eu1"]).up


def test_passwords_are_hashed_as_mosquitto_does_it(tmp_path):
    """Its own tool's lines are understood, ours are by it (test_access.py)."""
    need_mosquitto()
    tool = Path(mosquitto.find()).parent.parent / "bin" / "mosquitto_passwd"
    if not tool.exists():
        pytest.skip("no mosquitto_passwd here")
    file = tmp_path / "p"
    file.write_text("eu1:secret\n")
    subprocess.run([tool, "-U", str(file)], check=True)
    kept = file.read_text().strip().partition(":")[2]
    assert mosquitto.matches("secret", kept) and not mosquitto.matches("Secret", kept)
    assert not mosquitto.matches("x", "$6$x") and not mosquitto.matches("", "")


def test_what_it_refuses_is_said(monkeypatch):
    with pytest.raises(broker.BrokerError, match="E440"):
        broker.start("rabbit")
    monkeypatch.setenv("MOSQUITTO", "/nowhere/mosquitto")
    with pytest.raises(broker.BrokerError, match="E441"):
        broker.start("mosquitto")
    with broker.start("auto") as there:
        assert there.kind == "amqtt"
        with pytest.raises(broker.BrokerError, match="E442"):
            broker.start("amqtt", port=there.port)


def test_slvg_broker_runs_it_and_ctrl_c_ends_it(tmp_path):
    need_mosquitto()
    ring = Keyring.make(tmp_path / "keys", STREET[:7])
    tls, plain = broker._free(), broker._free()
    run = subprocess.Popen(
        [sys.executable, "-c", "from slvg.cli import main; main()", "broker", "--keyring",
         str(tmp_path / "keys"), "--folder", str(tmp_path / "b"), "--tls-port", str(tls),
         "--port", str(plain), "--run"], cwd=HOME,
        env=os.environ | {"PYTHONPATH": f"{HOME}:{HOME}/firmware:{HOME}/tools"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        until_s = time.monotonic() + 20
        while not broker._listens(plain) and time.monotonic() < until_s:
            time.sleep(0.1)

        class There:
            host, port, tls_port, ca = "127.0.0.1", plain, tls, str(tmp_path / "keys" / "ca.pem")

        words = ring.passwords()
        with Parties(There, words) as all_:
            assert all_.party("sc1.eu1", tls=True).up and not all_.party("").up
        run.send_signal(signal.SIGINT)
        assert run.wait(10) == 130
        assert not broker._listens(plain)
    finally:
        run.kill()
        run.wait()
