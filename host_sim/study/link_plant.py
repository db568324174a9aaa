"""A customer's cabinet in real time, whose controller is on a real network: the link study's near
end.

The whole Operator of the firmware on the simulator's doors, at quantity level, but for its Link,
which is acu/drivers/mqtt_link.py over a real TCP connection. Its three latching contacts move as
they are driven. What the study judges is taken here, outside the firmware: each command that the
role was handed, and each movement of a contact. One thread per cabinet; cut() is a power cut, the
store stays.
"""
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from acu import app, messages
from acu.ports import CLOSE, RELEASE
from acu.primitives.recording import Record
from host_sim.board.doors import SimClock, SimStore, SimSwitchgear, SimWatchdog, SumsSampler
from host_sim.board.unit import CUSTOMER as BOARD
from host_sim.net import board_link
from host_sim.scenario.complaints import InputError

SC, UC, ID, PARENT = "sc1", "uc0", "eu1", "cd"
UP = f"slvg/1/slv/{SC}/{UC}/{ID}/up/"
DOWN = f"slvg/1/slv/{SC}/{UC}/{ID}/dn/"
USER = f"{SC}.{ID}"

_TICK_US = 5000
_CATCH_UP = 40              # ticks at once after the thread had to wait; the rest is skipped
_TRAVEL_TICKS = 2
_SUPPLY_CODES = 1480        # amplitude of 230 V at u_peak_dv
_LOAD_CODES = 300


class NoUmqtt(Exception):
    """There is none; the text says how to get it."""


def drivers() -> tuple[Any, Any]:
    """The modules of the board's link, which need umqtt.simple: $SLVG_UMQTT, else what `make
    setup` has fetched."""
    try:
        mqtt_link, stream, _ = board_link.drivers()
    except InputError:
        raise NoUmqtt("E460 study link: there is no umqtt.simple. Run `make setup`, or set "
                      "SLVG_UMQTT to the folder that has umqtt/simple.py.") from None
    return mqtt_link, stream


def keys_record(own: bytes, group: bytes) -> bytes:
    """The body of the record `keys` of one Operator (acu/primitives/authentication.py)."""
    body = b"\x01"
    for name, key in (("", own), ("*", group)):
        body += bytes((len(name),)) + name.encode() + b"\x01" + key
    return body


class SteadySums(SumsSampler):
    """Clean sines on the reference, as in tests/unit/cabinet.py: three phases of 230 V, and what
    is behind the contacts. closed(): which of them are."""

    def __init__(self, closed: Callable[[], Any]):
        super().__init__(5, BOARD["pairs"], BOARD["rate_hz"], self._sums)
        self._closed = closed

    def _sums(self, k0: int, n: int, phase: int, step: int, out: Any) -> None:
        on = any(self._closed())
        amp = [_SUPPLY_CODES] * 3 + ([_SUPPLY_CODES, _LOAD_CODES] if on else [0, 0])
        for k, (v, i) in enumerate(self.pairs):
            for w, c in enumerate((v, i)):
                out[9 * k + 2 + w] += n * (amp[c] * amp[c] // 2 + 1)
                out[9 * k + 5 + 2 * w] += n * amp[c] * 2048
            out[9 * k + 4] += n * (amp[v] * amp[i] // 2)


class Cabinet:
    """where: (host, port) of the broker, or of the proxy before it. design: makes the link of a
    MqttLink, for tests that need a wrong one; twist: is called with each Acu that is built."""

    def __init__(self, where: tuple[str, int], keys: bytes | None, password: str | None = None,
                 config: dict | None = None, design: Callable[[Any], Any] = lambda link: link,
                 twist: Callable[[Any], None] = lambda acu: None, keepalive_s: int = 30):
        self.accepted: Counter[tuple[str, int]] = Counter()    # (type, counter) that the role got
        self.taken: list[bytes] = []        # the bytes of each
        self.answers: dict[tuple[str, int], int] = {}       # (to whom, correlation id): error
        self.moves: list[tuple[int, int]] = []      # (contact, 1 closed or 0 open)
        self.failure = ""                   # an exception that escaped; nothing may
        self.lives = 0
        self.cut_s: list[float] = []        # when its supply went
        self.drops: Counter[str] = Counter()        # of lives that have ended
        self.store = SimStore()
        if keys is not None:
            Record(self.store, "keys").save(keys)
        self._where = where
        self._password = password
        self._keepalive_s = keepalive_s
        self._config = {"id": ID, "role": "operator", "sc": SC, "uc": UC, "moves_per_day": 100,
                        "t_hb_ms": 5000} | (config or {})
        self._design = design
        self._twist = twist
        self.clock = SimClock(int(time.time() * 1000))
        self.closed = [True, False, False]
        self._coil = [[RELEASE, 0] for _ in range(3)]
        self._ticks = 0
        self._work: list[Callable[[], None]] = []
        self._end = threading.Event()
        self.acu: Any = None
        self.link: Any = None
        self._began = time.monotonic()
        self._discarded = self._sessions = 0
        self._boot()
        self._thread = threading.Thread(target=self._run, name="cabinet", daemon=True)

    def __enter__(self) -> "Cabinet":
        self._thread.start()
        return self

    def __exit__(self, *what: object) -> None:
        self._end.set()
        self._thread.join(10)
        self._off()

    # -- from the study's thread

    @property
    def up(self) -> bool:
        link = self.link
        return link is not None and bool(link.up)

    @property
    def sessions(self) -> int:
        """Connections to the broker, in all lives."""
        link = self.link
        return self._sessions + (link.session if link is not None else 0)

    def do(self, what: Callable[[], None]) -> None:
        """In the controller's slow tier, and waits until it is done."""
        done = threading.Event()

        def both() -> None:
            try:
                what()
            finally:
                done.set()
        self._work.append(both)
        done.wait(10)

    def event(self, serial: int) -> bool:
        """Something worth telling happens: an event with a number that nobody else has. False:
        nobody was there to see it."""
        told = []

        def tell() -> None:
            if self.acu is not None:
                self.acu._evt(self.clock.now_ms(), "TST", 0, serial, 0)
                told.append(serial)
        self.do(tell)
        return bool(told)

    def refused(self, raw: bytes) -> bool:
        """Did the role answer this command with an error?"""
        msg = messages.decode(raw)
        return self.answers.get((msg["s"], msg["c"]), 0) > 0

    def wrong_s(self) -> float:
        """By how much its clock is wrong."""
        acu = self.acu
        return 0.0 if acu is None else abs(acu.sync.utc_ms(self.clock.now_ms()) / 1000
                                           - time.time())

    def jump(self, ms: int) -> None:
        """The device's own clock is set, as a wrong NTP server or somebody at the console does it
        (the clock of the controller's UTC, not only of the chip)."""
        def step() -> None:
            now_ms = self.clock.now_ms()
            self.clock.error_ms += ms
            self.acu.sync.set_by_hand(now_ms, self.acu.sync.utc_ms(now_ms) + ms)
        self.do(step)

    def cut(self, off_s: float = 0.3) -> None:
        """The supply of the controller goes, and comes back."""
        self.cut_s.append(time.monotonic())
        self.do(self._off)
        time.sleep(off_s)
        self.do(self._boot)

    def discarded(self) -> int:
        """Messages that the outbox gave up, in all lives."""
        acu = self.acu
        return self._discarded + (acu.net.outbox.discarded if acu is not None else 0)

    def quiet(self) -> bool:
        """Connected, and the outbox holds nothing, neither in RAM nor in the store."""
        acu = self.acu
        return (self.up and acu is not None
                and not (acu.net.outbox.waiting() or acu.net.outbox.stored()))

    def ready(self) -> bool:
        """Connected, tested, knows the time: takes commands."""
        acu = self.acu
        return (self.up and acu is not None and acu.ready
                and bool(acu.sync.synchronised(self.clock.now_ms())))

    def dropped(self) -> dict[str, int]:
        """By reason, of all lives."""
        from acu.primitives.messaging import REASONS
        found = Counter(self.drops)
        if self.acu is not None:
            found.update(dict(zip(REASONS, self.acu.net.dropped, strict=True)))
        return {reason: n for reason, n in found.items() if n}

    # -- the world

    def _mirrors(self) -> list[int]:
        return [int(one) for one in self.closed]

    def _contacts(self) -> None:
        for k, (level, since) in enumerate(self._coil):
            want = level == CLOSE
            if (level != RELEASE and want != self.closed[k]
                    and self._ticks - since >= _TRAVEL_TICKS):
                self.closed[k] = want
                self.moves.append((k, int(want)))

    # -- one life

    def _boot(self) -> None:
        self.clock.boot(self._now_us())
        self.sampler = SteadySums(lambda: self.closed)
        self.switchgear = SimSwitchgear(3, 3)
        for k, level in enumerate(self._mirrors()):
            self.switchgear.levels[k] = level
        self.watchdog = SimWatchdog(self.clock)
        mqtt_link, stream = drivers()
        self._stream = stream.Stream(*self._where)
        self.link = self._design(mqtt_link.MqttLink(
            self.clock, self._stream, USER, USER if self._password else None, self._password,
            keepalive_s=self._keepalive_s))
        self.acu = app.build(BOARD, self._config, self)
        self.lives += 1
        handle, on_message = self.acu.handle, self.acu.on_message
        here: list[bytes] = [b""]

        def watched(now_ms: int, topic: str, msg: dict) -> None:
            if messages.command(msg["t"]):
                self.accepted[msg["t"], msg["k"]] += 1
                self.taken.append(here[0])
            handle(now_ms, topic, msg)

        def heard(topic: str, raw: bytes) -> None:
            here[0] = bytes(raw)
            on_message(topic, raw)
        send = self.acu.net.send

        def says(now_ms: int, topic: str, t: str, dst: str, body: dict, *more: Any,
                 **named: Any) -> None:
            if "e" in body and (more or "c" in named):
                self.answers[dst, named["c"] if "c" in named else more[0]] = body["e"]
            send(now_ms, topic, t, dst, body, *more, **named)
        self.acu.net.send = says
        self.acu.handle = watched
        self.acu.on_message = heard
        self._twist(self.acu)

    def _off(self) -> None:
        from acu.primitives.messaging import REASONS
        if self.acu is None:
            return
        self.drops.update(dict(zip(REASONS, self.acu.net.dropped, strict=True)))
        self._discarded += self.acu.net.outbox.discarded
        self._sessions += self.link.session
        self.acu = None
        self.link = None
        self._stream.close()

    def _now_us(self) -> int:
        return int((time.monotonic() - self._began) * 1e6)

    def _run(self) -> None:
        while not self._end.is_set():
            behind = self._now_us() // _TICK_US - self._ticks
            if behind <= 0:
                time.sleep(_TICK_US / 1e6)
                continue
            if behind > _CATCH_UP:
                self._ticks += behind - _CATCH_UP
            self._ticks += 1
            try:
                self._tick()
            except Exception as e:      # an exception in the firmware resets a board: a finding
                self.failure = self.failure or f"{type(e).__name__}: {e}"
                self._off()

    def _tick(self) -> None:
        self.clock.set(self._ticks * _TICK_US)
        slow = self._ticks % 2 == 0
        while slow and self._work:
            self._work.pop(0)()
        acu = self.acu
        if acu is None:
            return
        self._contacts()
        for k, level in enumerate(self._mirrors()):
            self.switchgear.levels[k] = level
        self.sampler.block(20)
        acu.fast(self.clock.ticks_us())
        if slow:
            self.link.poll(acu.on_message)
            acu.slow(self.clock.now_ms())
        for k, level in self.switchgear.take_drives():
            self._coil[k] = [level, self._ticks]

