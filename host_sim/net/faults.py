"""A network that fails on purpose: a TCP proxy on loopback between an MQTT client and its broker.

Whoever tests connects the client to `port` instead of the broker's and sets what the path does, at
any moment and for each direction of its own (`up` to the broker, `down` to the client): it is
slow, loses segments, stands still, doubles or reorders packets, ends after a certain byte. It
counts what it did, so that a test can tell a fault that did no harm from one that never happened.
It knows MQTT's fixed header and nothing else. One thread with one event loop per proxy.
"""
import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from host_sim.net.packets import Framer, Part

FIN, RST, STALL = "fin", "rst", "stall"

_SEGMENT = 1460             # of an Ethernet's TCP
_RTO_S = 0.2                # Linux's least retransmission time-out; doubles each time
_RTO_MOST = 6
_LONG_S = 4.0               # what a lost segment holds for longer than that passes nobody
_HELD_S = 0.3               # a packet waits so long for another to overtake it
_LOOK_S = 0.01              # of a stalled direction: is it over?
_ALL_AT_ONCE = 1 << 16


@dataclass
class Cut:
    """Ends the connection when `after` bytes of a packet have passed: at a packet of this kind
    (packets.PUBLISH ..., None: any bytes from now on), the n-th from now. how: FIN, RST, or STALL,
    which leaves both ends open and passes nothing more."""

    kind: int | None
    after: int
    how: str = RST
    nth: int = 1
    passed: int = 0         # bytes of that packet so far
    on: bool = False        # inside that packet


@dataclass
class Way:
    """What one direction does. loss: each segment is lost with this probability, as often as the
    dice say, and comes when TCP has sent it again; all behind it wait. double: a QoS 1 PUBLISH
    comes twice, the second one marked DUP. reorder: a QoS 0 PUBLISH lets the next packet go
    first."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    stalled: bool = False
    cut: Cut | None = None      # a packet shorter than that is cut behind its last byte
    bytes: int = 0              # that came out

    def clear(self) -> None:
        self.delay_s = self.jitter_s = self.loss = self.double = self.reorder = 0.0
        self.stalled, self.cut = False, None


@dataclass(eq=False)
class _Connection:
    client: asyncio.StreamWriter
    broker: asyncio.StreamWriter | None = None
    frozen: bool = False            # passes nothing any more, whatever the ways do
    ended: int = 0                  # of a frozen one: ends that have closed
    held_s: float = 0.0             # until then a lost segment holds the way down, loop's time
    tasks: list[asyncio.Task] = field(default_factory=list)


class FaultProxy:
    """A context. target: (host, port) of the broker. refuse: whoever connects is reset at once."""

    def __init__(self, target: tuple[str, int], seed: int = 0):
        self.up = Way()
        self.down = Way()
        self.refuse = False
        self.port = 0
        self.counts: Counter[str] = Counter()
        self.on_cut: Callable[[], None] | None = None     # called in the proxy's thread
        self._target = target
        self._random = random.Random(seed)
        self._alive: set[_Connection] = set()
        self._newest: _Connection | None = None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fault-proxy", daemon=True)
        self._listener = socket.socket()

    def __enter__(self) -> "FaultProxy":
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *what: object) -> None:
        self._do(self._end)
        self._thread.join(10)
        self._loop.close()

    # -- from the test's thread

    @property
    def connections(self) -> int:
        """That are open now."""
        return len(self._alive)

    @property
    def clear(self) -> bool:
        """A new connection would pass all."""
        return not (self.refuse or self.up.stalled or self.down.stalled)

    @property
    def passing(self) -> bool:
        """The newest connection passes all, and no segment on its way down is lost again and
        again, so that seconds pass before what is behind it can come."""
        one = self._newest
        return (self.clear and one is not None and not one.frozen
                and self._loop.time() >= one.held_s)

    def stall(self, on: bool = True) -> None:
        """Half-open: both directions take bytes and pass none; new connections too. Afterwards
        they go on, as TCP does when a path comes back."""
        self.up.stalled = self.down.stalled = on
        self.counts["stalls"] += on

    def kill(self, how: str = RST) -> int:
        """Ends all connections; how many there were."""
        n = len(self._alive)
        self._do(lambda: self._close_all(how))
        self.counts["killed"] += n
        return n

    def heal(self) -> None:
        self.up.clear()
        self.down.clear()
        self.refuse = False

    def _do(self, what: Callable[[], Any]) -> None:
        """In the loop's thread, and waits for it."""
        done = threading.Event()

        def call() -> None:
            try:
                what()
            finally:
                done.set()
        self._loop.call_soon_threadsafe(call)
        done.wait(10)

    # -- in the loop's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._accepted, sock=self._listener, limit=_ALL_AT_ONCE))
        self._ready.set()
        self._loop.run_forever()
        server.close()
        rest = asyncio.all_tasks(self._loop)
        for task in rest:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))

    def _end(self) -> None:
        self._close_all(RST)
        self._loop.stop()

    def _close_all(self, how: str) -> None:
        for one in list(self._alive):
            self._close(one, how)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            self.counts["refused"] += 1
            _abort(writer)
            return
        one = _Connection(writer)
        self._alive.add(one)
        self._newest = one
        self.counts["connections"] += 1
        try:
            back, broker = await asyncio.open_connection(*self._target, limit=_ALL_AT_ONCE)
        except OSError:
            self.counts["no_broker"] += 1
            self._close(one, RST)
            return
        if one not in self._alive:      # killed meanwhile
            _abort(broker)
            return
        one.broker = broker
        for way, source, sink in ((self.up, reader, broker), (self.down, back, writer)):
            queue: asyncio.Queue = asyncio.Queue()
            one.tasks += [self._loop.create_task(self._intake(way, source, queue, one)),
                          self._loop.create_task(self._outlet(way, sink, queue, one))]

    async def _intake(self, way: Way, source: asyncio.StreamReader, queue: asyncio.Queue,
                      one: _Connection) -> None:
        """Reads, and says of each piece when it may go. Entries: (due, bytes, end)."""
        framer = Framer()
        packet = bytearray()            # where whole packets are wanted
        held: bytes | None = None       # is being overtaken
        last_due = 0.0
        while True:
            data = b""
            with suppress(TimeoutError, OSError):
                data = await (asyncio.wait_for(source.read(_SEGMENT), _HELD_S) if held
                              else source.read(_SEGMENT))
            if held and not data:       # nobody came to overtake it
                queue.put_nowait((last_due, held, ""))
                held = None
                if not source.at_eof():
                    continue
            if one.frozen:              # takes all and says nothing, nor that one end has gone
                if data:
                    continue
                one.ended += 1
                if one.ended == 2:
                    self._close(one, FIN)
                return
            if not data:
                queue.put_nowait((last_due, b"", FIN))
                return
            # what is late makes all behind it late
            lost_s = self._lost_s(way)
            last_due = max(last_due, self._loop.time() + lost_s + way.delay_s
                           + way.jitter_s * self._random.random())
            if way is self.down and lost_s > _LONG_S:
                one.held_s = last_due
            for part in framer.feed(data):
                whole = bool(packet) or part.first and (way.double or way.reorder)
                passed, end = self._cut(way, part)
                if end == STALL:
                    queue.put_nowait((last_due, bytes(packet) + passed, end))
                    break
                if end:
                    queue.put_nowait((last_due, bytes(packet) + passed, end))
                    return
                if not whole:
                    queue.put_nowait((last_due, passed, ""))
                    continue
                packet += passed
                if not part.last:
                    continue
                raw = bytes(packet)
                packet.clear()
                if held is None and self._hits(way.reorder) and part.publish_qos == 0:
                    self.counts["reordered"] += 1
                    held = raw
                    continue
                queue.put_nowait((last_due, raw, ""))
                if part.publish_qos == 1 and self._hits(way.double):
                    self.counts["doubled"] += 1
                    queue.put_nowait((last_due, bytes((raw[0] | 8,)) + raw[1:], ""))
                if held is not None:
                    queue.put_nowait((last_due, held, ""))
                    held = None

    async def _outlet(self, way: Way, sink: asyncio.StreamWriter, queue: asyncio.Queue,
                      one: _Connection) -> None:
        while True:
            due, data, end = await queue.get()
            if (wait_s := due - self._loop.time()) > 0:
                await asyncio.sleep(wait_s)
            # set from any thread, so looked at; a test's fault needs no event of its own
            while way.stalled or one.frozen:        # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
            try:
                sink.write(data)
                await sink.drain()
            except OSError:
                end = end or FIN        # its reader finds out by itself
            way.bytes += len(data)
            if end == STALL:
                one.frozen = True
            elif end:
                # a FIN alone would leave the other direction open; MQTT has no half-closing
                self._close(one, end)
                return

    def _lost_s(self, way: Way) -> float:
        """Until TCP has sent a segment so often that one has come."""
        late_s = 0.0
        rto_s = _RTO_S
        while self._hits(way.loss) and rto_s < _RTO_S * 2 ** _RTO_MOST:
            self.counts["lost"] += 1
            late_s += rto_s
            rto_s *= 2
        return late_s

    def _hits(self, chance: float) -> bool:
        return chance > 0 and self._random.random() < chance

    def _cut(self, way: Way, part: Part) -> tuple[bytes, str]:
        """What of this part passes, and how the connection ends with it, '' if it does not."""
        cut = way.cut
        if cut is None:
            return part.data, ""
        if not cut.on and (cut.kind is None or part.first and part.kind == cut.kind):
            cut.nth -= cut.kind is not None
            cut.on = cut.kind is None or cut.nth <= 0
        if not cut.on:
            return part.data, ""
        left = cut.after - cut.passed
        if left > len(part.data) and not (part.last and cut.kind is not None):
            cut.passed += len(part.data)
            return part.data, ""
        way.cut = None
        self.counts["cuts"] += 1
        if self.on_cut is not None:
            self.on_cut()
        return part.data[:left], cut.how

    def _close(self, one: _Connection, how: str) -> None:
        self._alive.discard(one)
        current = asyncio.current_task(self._loop)
        for task in one.tasks:
            if task is not current:
                task.cancel()
        for writer in (one.client, one.broker):
            if writer is None:
                continue
            if how == RST:
                _abort(writer)
            else:
                writer.close()


def _abort(writer: asyncio.StreamWriter) -> None:
    """A reset, not an orderly end."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
