"""A broker on this machine for tests, the simulator and studies: mosquitto, or amqtt in Python.

    with broker.start("auto") as there:             # anybody may connect, plain
        connect(there.host, there.port)
    with broker.start("mosquitto", keyring=ring, tls=True) as there:
        connect(there.host, there.tls_port, there.ca)

On 127.0.0.1 alone, on ports of its own, in a temporary folder. It ends with the `with`, with
stop(), with this process, even a killed one: nothing is left behind. kill(), restart(), freeze()
and thaw() are a broker's misfortunes; its ports stay the same. With a keyring only its identities
may connect, and the access list holds, in either broker.
"""
import atexit
import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from host_sim.net import certificates, mosquitto

KINDS = ("auto", "mosquitto", "amqtt")
HOST = "127.0.0.1"
# Names under which a certificate made here is good.
NAMES = ["localhost", HOST]
_UP_S = 15.0
_DOWN_S = 5.0
_HOME = Path(__file__).resolve().parents[2]


class BrokerError(Exception):
    """It does not start: code, what it said itself, remedy."""


class Ring(Protocol):
    """What is asked of a keyring."""

    def material(self, net: str = "both", sc: str = "") -> mosquitto.Material: ...


def start(kind: str = "auto", keyring: Ring | None = None, tls: bool = False, port: int = 0,
          websockets: bool = False, net: str = "both", sc: str = "",
          client_certificates: bool = False, tls_port: int = 0,
          material: mosquitto.Material | None = None) -> "Broker":
    """Starts one and waits until it listens. kind: auto is mosquitto where there is one. net: the
    rights that it knows, "lan", "man" or "both". tls: a port with TLS besides the plain one,
    without a keyring with a certificate of its own. material: instead of the keyring's."""
    if kind not in KINDS:
        raise BrokerError(f"E440 broker: {kind} is none. Choose one of: {', '.join(KINDS)}.")
    if kind == "auto":
        kind = "mosquitto" if mosquitto.find() else "amqtt"
    if kind == "mosquitto" and not mosquitto.find():
        raise BrokerError("E441 broker: there is no mosquitto, neither as $MOSQUITTO nor on the "
                          "PATH. Install it (Debian: apt-get install mosquitto), or use amqtt.")
    if kind == "amqtt" and client_certificates:
        raise BrokerError("E440 broker: amqtt asks for no client certificates. Use mosquitto.")
    given = material or (keyring.material(net, sc) if keyring else mosquitto.Material())
    if not tls:
        given = replace(given, ca=b"", crt=b"", key=b"", crl=b"")
    elif not given.crt:
        ca = certificates.authority("slvg trial")
        pair = certificates.broker(ca, NAMES)
        given = replace(given, ca=ca.crt_pem(), crt=pair.crt_pem(), key=pair.key_pem())
    there = Broker(kind, given, client_certificates)
    there.launch(port, tls_port if tls_port or not tls else -1, -1 if websockets else 0)
    return there


class Broker:
    """A running broker; made by start()."""

    def __init__(self, kind: str, material: mosquitto.Material, certified: bool = False):
        self.kind = kind
        self.host = HOST
        self.port = 0               # plain
        self.tls_port = 0           # 0: none
        self.ws_port = 0
        self.material = material
        self._certified = certified
        self._folder = Path(tempfile.mkdtemp(prefix="slvg-broker-"))
        self._process: subprocess.Popen | None = None
        self._command: list[str] = []
        _open.append(self)

    def __enter__(self) -> "Broker":
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    @property
    def ca(self) -> str:
        """Path of the authority's certificate, PEM; '' without TLS."""
        return str(self._folder / "ca.pem") if self.material.ca else ""

    @property
    def ca_der(self) -> bytes:
        """The same as boards take it."""
        import ssl
        return ssl.PEM_cert_to_DER_cert(self.material.ca.decode()) if self.material.ca else b""

    @property
    def log(self) -> str:
        """What it said so far."""
        try:
            return (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self, port: int, tls_port: int, ws_port: int) -> None:
        """Once, by start(). Of a free port (0 here for the plain one, -1 for the others) somebody
        else may be faster: then with another."""
        fixed = port > 0 or tls_port > 0 or ws_port > 0
        for attempt in range(1 if fixed else 5):
            self.port = port or _free()
            self.tls_port = _free() if tls_port < 0 else tls_port
            self.ws_port = _free() if ws_port < 0 else ws_port
            try:
                self._prepare()
                self.restart()
                return
            except BrokerError as e:
                if fixed or attempt == 4 or "in use" not in self.log + str(e):
                    self.stop()
                    raise
            except BaseException:
                self.stop()
                raise

    def _prepare(self) -> None:
        on = mosquitto.Listening(self.port, self.tls_port, self.ws_port, HOST, self._certified)
        if self.kind == "mosquitto":
            me = pwd.getpwuid(os.geteuid()).pw_name if os.geteuid() == 0 else ""
            conf = mosquitto.write(self._folder, self.material, on, me)
            self._command = [mosquitto.find(), "-c", str(conf)]
            return
        mosquitto.write(self._folder, self.material, on)
        job = self._folder / "amqtt.json"

        def file(name: str) -> str:
            path = self._folder / name
            return str(path) if path.exists() else ""

        job.write_text(json.dumps({
            "plain": on.plain, "tls": on.tls, "websockets": on.websockets,
            "crt": file("broker.crt"), "key": file("broker.key"),
            "passwords": file("passwords"), "acl": file("acl")}), encoding="utf-8")
        self._command = [sys.executable, "-m", "host_sim.net.amqtt_server", str(job)]

    def change(self, material: mosquitto.Material) -> None:
        """Another list of passwords and rights, as after a revocation; as mosquitto is told by
        SIGHUP. amqtt has to start again for it."""
        self.material = replace(material, ca=self.material.ca, crt=self.material.crt,
                                key=self.material.key)
        self._prepare()
        if self.kind == "mosquitto":
            self._send(signal.SIGHUP)
        else:
            self.restart()

    def restart(self) -> None:
        """Also after kill(): the same ports, the same files."""
        self._end(signal.SIGTERM)
        ports = [one for one in (self.port, self.tls_port, self.ws_port) if one]
        for port in ports:      # somebody else's would be taken for ours
            if _listens(port):
                raise BrokerError(f"E442 broker: port {port} is in use. Choose another.")
        with open(self._folder / "log", "ab") as log:
            self._process = _launch(self._command, log)
        until_s = time.monotonic() + _UP_S
        for port in ports:
            while not _listens(port):
                if self._process.poll() is not None or time.monotonic() > until_s:
                    said = " ".join(self.log.split())[-300:]
                    self._end(signal.SIGKILL)
                    raise BrokerError(f"E442 broker: {self.kind} does not listen at port {port}: "
                                      f"{said or 'it said nothing'}. Is the port taken? Choose "
                                      "another.")
                time.sleep(0.02)

    def kill(self) -> None:
        """As a power failure does it: it closes nothing and stores nothing."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """It hangs: connections stay open, nothing is answered. Until thaw()."""
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    def stop(self) -> None:
        """Ends it and removes its files. Twice does no harm."""
        self._end(signal.SIGTERM)
        shutil.rmtree(self._folder, ignore_errors=True)
        if self in _open:
            _open.remove(self)

    def _send(self, number: int) -> None:
        if self._process is not None and self.running:
            self._process.send_signal(number)

    def _end(self, number: int) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(number)
            process.send_signal(signal.SIGCONT)     # a frozen one hears nothing else
        try:
            process.wait(_DOWN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_DOWN_S)
        if process.stdin:
            process.stdin.close()


def _free() -> int:
    with socket.socket() as one:
        one.bind((HOST, 0))
        return one.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(0.5)
        return one.connect_ex((HOST, port)) == 0


# -- nothing is left behind
#
# A child dies with the *thread* that started it (PR_SET_PDEATHSIG): this one lives as long as the
# process. In a session of its own Ctrl-C does not reach it before the `with` has had its end.
_open: list[Broker] = []
_threads: list[ThreadPoolExecutor] = []


def _launch(command: list[str], log) -> subprocess.Popen:
    if not _threads:
        _threads.append(ThreadPoolExecutor(1, "brokers"))
    bound = shutil.which("setpriv")
    if bound:
        command = [bound, "--pdeathsig", "KILL", *command]
    return _threads[0].submit(
        subprocess.Popen, command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
        start_new_session=True, cwd=_HOME).result()


@atexit.register
def _stop_all() -> None:
    for one in list(_open):
        with contextlib.suppress(Exception):
            one.stop()


def _forked() -> None:
    """It has neither the thread nor the right to stop what is not its own."""
    _threads.clear()
    _open.clear()


os.register_at_fork(after_in_child=_forked)
