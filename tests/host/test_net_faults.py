"""The proxy that fails on purpose: each of its faults happens, exactly as said, and is counted.

A fault that never happened would let any design pass the link study.
"""
import itertools
import socket
import threading
import time
from contextlib import contextmanager, suppress

import pytest

from host_sim.net import faults
from host_sim.net.faults import FIN, RST, STALL, Cut, FaultProxy
from host_sim.net.packets import PINGREQ, PUBLISH, Framer

PING = b"\xc0\x00"
BODY = b"how do you do"


def publish(qos, body=BODY):
    rest = b"\x00\x01t" + (b"\x00\x07" if qos else b"") + body
    return bytes((0x30 | qos << 1, len(rest))) + rest


class Peer:
    """What stands in for the broker: keeps what it gets, sends what it is told to."""

    def __init__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.got = []           # of each connection
        self.conns = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                conn, _ = self._listener.accept()
            except OSError:
                return
            self.conns.append(conn)
            self.got.append(bytearray())
            threading.Thread(target=self._read, args=(conn, self.got[-1]), daemon=True).start()

    def _read(self, conn, into):
        try:
            while data := conn.recv(4096):
                into += data
        except OSError:
            pass

    def close(self):
        with suppress(OSError):         # closed already
            self._listener.shutdown(socket.SHUT_RDWR)      # else accept() keeps it open
        self._listener.close()


@contextmanager
def path(seed=1):
    peer = Peer()
    with FaultProxy(peer.address, seed) as proxy:
        yield proxy, peer
    peer.close()


def client(proxy):
    conn = socket.create_connection(("127.0.0.1", proxy.port), 5)
    conn.settimeout(5)
    return conn


def until(what, s=5.0):
    end = time.monotonic() + s
    while not what() and time.monotonic() < end:
        time.sleep(0.005)
    assert what()


def test_a_stream_in_any_pieces_is_the_same_packets():
    long = bytes((0x32, 0x80 | 72, 1)) + b"x" * 200      # a length of two bytes
    stream = PING + publish(0) + long + publish(1) + PING
    for size in (1, 2, 3, 7, len(stream)):
        framer = Framer()
        parts = [part for at in range(0, len(stream), size)
                 for part in framer.feed(stream[at:at + size])]
        assert b"".join(part.data for part in parts) == stream
        assert [(part.kind, part.publish_qos) for part in parts if part.first] == [
            (PINGREQ, -1), (PUBLISH, 0), (PUBLISH, 1), (PUBLISH, 1), (PINGREQ, -1)]
        assert sum(part.last for part in parts) == 5


def test_a_healthy_path_passes_all_both_ways():
    with path() as (proxy, peer):
        conn = client(proxy)
        conn.sendall(PING + publish(1))
        until(lambda: peer.got and peer.got[0] == PING + publish(1))
        peer.conns[0].sendall(b"\xd0\x00")
        assert conn.recv(9) == b"\xd0\x00" and proxy.counts == {"connections": 1}


@pytest.mark.parametrize("how", [FIN, RST, STALL])
def test_a_cut_passes_exactly_so_many_bytes_of_the_packet(how):
    raw = publish(1)
    with path() as (proxy, peer):
        for k in (0, 1, 2, 9, len(raw) - 1, len(raw), len(raw) + 9):
            del peer.got[:]
            proxy.counts.clear()
            proxy.up.cut = Cut(PUBLISH, k, how)
            conn = client(proxy)
            for at in range(0, len(raw), 5):
                try:
                    conn.sendall((PING if at == 0 else b"") + raw[at:at + 5])
                except OSError:
                    break
            passed = PING + raw[:k]
            until(lambda: proxy.counts["cuts"] == 1)
            until(lambda: peer.got == [passed])     # noqa: B023
            if how == STALL:                   # half-open: both sides see nothing
                peer.conns[-1].sendall(b"\xd0\x00")
                conn.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    conn.recv(9)
                assert proxy.connections == 1 and proxy.kill() == 1
            until(lambda: proxy.connections == 0)


def test_the_second_of_a_kind_can_be_meant_or_any_byte():
    with path() as (proxy, peer):
        proxy.up.cut = Cut(PUBLISH, 3, nth=2)
        client(proxy).sendall(publish(0) + PING + publish(0, b"second"))
        until(lambda: peer.got and peer.got[0] == publish(0) + PING + publish(0, b"second")[:3])
        proxy.up.cut = Cut(None, 3)
        client(proxy).sendall(PING + PING)
        until(lambda: len(peer.got) == 2 and peer.got[1] == PING + PING[:1])


def test_delay_loss_and_stall_hold_bytes_back_but_keep_them():
    with path() as (proxy, peer):
        conn = client(proxy)
        proxy.up.delay_s = 0.3
        began = time.monotonic()
        conn.sendall(PING)
        until(lambda: peer.got and peer.got[0] == PING)
        assert time.monotonic() - began >= 0.29
        proxy.heal()

        proxy.stall()
        assert not proxy.clear
        conn.sendall(publish(0))
        again = client(proxy)                  # a new one gets no answer either
        again.sendall(PING)
        time.sleep(0.1)
        assert peer.got[0] == PING and peer.got[1:] in ([], [b""])
        proxy.stall(False)
        until(lambda: peer.got == [PING + publish(0), PING])

        proxy.up.loss = 0.3
        began = time.monotonic()
        for k in range(8):
            conn.sendall(publish(0, b"%d" % k))
            time.sleep(0.02)
        until(lambda: peer.got[0] == PING + publish(0) + b"".join(
            publish(0, b"%d" % k) for k in range(8)), 30)
        assert proxy.counts["lost"] > 0 and time.monotonic() - began >= 0.2


def test_a_path_whose_segment_is_lost_for_seconds_is_not_in_order(monkeypatch):
    """A command behind it expires, and is not the controller's loss; one behind a segment that
    comes soon is."""
    with path() as (proxy, peer):
        conn = client(proxy)
        conn.sendall(PING)
        until(lambda: peer.got and peer.got[0] == PING)
        proxy.up.loss = proxy.down.loss = 1.0
        conn.sendall(PING)
        until(lambda: proxy.counts["lost"] == 6)
        assert proxy.passing                    # no command goes up
        peer.conns[0].sendall(b"\xd0\x00")
        until(lambda: proxy.counts["lost"] == 12)
        until(lambda: not proxy.passing)
        assert proxy.clear
        again = client(proxy)
        until(lambda: len(peer.conns) == 2)
        assert proxy.passing                    # a new connection has nothing before it
        monkeypatch.setattr(faults, "_RTO_MOST", 2)
        peer.conns[1].sendall(b"\xd0\x00")
        until(lambda: proxy.counts["lost"] == 14)
        assert proxy.passing and again.recv(9) == b"\xd0\x00"      # 0.6 s


def test_whole_packets_are_doubled_and_overtaken():
    with path() as (proxy, peer):
        conn = client(proxy)
        proxy.up.double = 1.0
        conn.sendall(PING + publish(0) + publish(1)[:4])
        time.sleep(0.02)
        conn.sendall(publish(1)[4:])
        again = bytes((publish(1)[0] | 8,)) + publish(1)[1:]
        until(lambda: peer.got and peer.got[0] == PING + publish(0) + publish(1) + again)
        assert proxy.counts["doubled"] == 1
        proxy.heal()
        del peer.got[0][:]

        proxy.up.reorder = 0.5
        sent = [publish(0, b"%02d" % k) for k in range(12)]
        conn.sendall(b"".join(sent))
        until(lambda: len(peer.got[0]) == 12 * len(sent[0]))
        came = [part.data for part in Framer().feed(bytes(peer.got[0]))]
        assert sorted(came) == sent and came != sent and proxy.counts["reordered"] >= 2
        assert all(abs(came.index(one) - k) <= 1 for k, one in enumerate(sent))


def test_refused_and_killed_connections_are_reset_and_counted():
    with path() as (proxy, peer):
        conn = client(proxy)
        until(lambda: proxy.connections == 1 and peer.conns)
        assert proxy.kill() == 1
        with pytest.raises(ConnectionError):
            conn.recv(9)
        proxy.refuse = True
        with pytest.raises(ConnectionError):
            client(proxy).recv(9)
        proxy.refuse = False
        peer.close()
        for one in itertools.chain(peer.conns, [conn]):
            one.close()
        with pytest.raises(ConnectionError):   # the broker is gone
            client(proxy).recv(9)
        assert (proxy.counts["refused"], proxy.counts["no_broker"]) == (1, 1)
