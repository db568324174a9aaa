"""What goes wrong in the link study: each case a name, a sentence and what it does to a trial.

A case plays for about half a minute, with full for minutes, and leaves the healing to the trial.
Cases run side by side, each with a broker, path and cabinet of its own; those that cut at each
byte are many parts of one case. The attacker's are in link_attack.py, the 65,536 messages in
link_many.py.
"""
import time
from collections.abc import Callable
from dataclasses import dataclass

from host_sim.net import packets
from host_sim.net.faults import FIN, RST, STALL, Cut
from host_sim.study.link_trial import PHASES, SWITCH, Trial

_HOUR_MS, _DAY_MS = 3_600_000, 86_400_000


@dataclass(frozen=True)
class Case:
    """play(trial, full, bytes at which to cut). event_every_s: of the cabinet's events. bytes: of
    the packet that is cut; 0: nothing is."""

    name: str
    what: str
    play: Callable[[Trial, bool, tuple[int, ...]], None]
    plan: str = SWITCH
    event_every_s: float = 0.3
    bytes: int = 0


def _none(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    t.run(60 if full else 10)


def _killed(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    for _ in range(15 if full else 3):
        t.run(t.random.uniform(0.5, 2.0))
        since = t.cabinet.sessions
        t.broker.kill()
        t.run(t.random.uniform(0.2, 3.0))
        t.broker.restart()
        t.back(since)


def _stopped(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """For so long that what waits goes to the store, and more than RAM would hold."""
    t.run(2)
    since = t.cabinet.sessions
    t.broker.kill()
    t.run(240 if full else 30)
    t.broker.restart()
    t.back(since)


def _half_open(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    for s in (180, 60, 20) if full else (35,):
        t.run(2)
        t.proxy.stall()
        t.run(s)
        t.proxy.stall(False)
        t.back()


def _frozen(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """The broker's machine answers for TCP, and nobody behind it."""
    t.run(2)
    t.healthy = False
    t.broker.freeze()
    t.run(120 if full else 35)
    t.broker.thaw()
    t.healthy = True
    t.back()


def _mid_packet(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """Half a packet, and then nothing: neither the rest nor an end."""
    places = [(t.proxy.down, packets.PUBLISH), (t.proxy.up, packets.PUBLISH)]
    if full:
        places += [(t.proxy.down, packets.PUBACK), (t.proxy.up, packets.PUBACK)] * 2 + places
    for way, kind in places:
        most = 4 if kind == packets.PUBACK else 60
        t.back(t.cut(way, Cut(kind, t.random.randrange(1, most), STALL)), 60)


def _cut(way: str, kind: int) -> Callable[[Trial, bool, tuple[int, ...]], None]:
    def play(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
        for n, k in enumerate(cuts):
            cut = Cut(kind, k, (FIN, RST)[n % 2])
            t.back(t.cut(getattr(t.proxy, way), cut, kind == packets.CONNACK))
    return play


def _lossy(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    t.proxy.up.loss = t.proxy.down.loss = 0.3
    t.run(180 if full else 30)


def _slow(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    t.path_s = 4 * 5.0              # CONNECT, CONNACK, SUBSCRIBE, SUBACK
    for way in (t.proxy.up, t.proxy.down):
        way.delay_s, way.jitter_s = 5.0, 0.5
    t.run(20)
    if full:
        t.proxy.kill()              # a connection has to be made over it as well
        t.run(120)
    t.run(15)


def _reordered(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    t.proxy.up.reorder = t.proxy.down.reorder = 1.0     # few are QoS 0
    for _ in range(6 if full else 1):
        t.run(10)
        t.cabinet.jump(1500)        # the question for the time and its answer are QoS 0
        t.run(10)


def _doubled(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    t.proxy.up.double = t.proxy.down.double = 0.5
    t.run(120 if full else 20)


def _jumps(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """Of the chip's clock, which must not matter, and of the controller's, which it must mend."""
    back_s = []
    for _ in range(3 if full else 1):
        for ms in (_HOUR_MS, -_HOUR_MS, _DAY_MS, -_DAY_MS):
            t.cabinet.clock.error_ms += ms
            t.run(1)
            t.cabinet.jump(ms)
            began = time.monotonic()
            t.wait(lambda: t.cabinet.wrong_s() < 1, 40, "the right time")
            back_s.append(time.monotonic() - began)
            t.run(1)
    t.notes["clock_right_s_max"] = round(max(back_s), 1)


def _restarted(t: Trial, full: bool, cuts: tuple[int, ...]) -> None:
    """The controller's supply goes just after a command, before, while and after it is done, and
    all commands of the last seconds come again when it is back; and once while the broker is
    away."""
    t.notes["replayed"] = 0
    for n in range(24 if full else 5):
        t.until_sent()
        t.hold.set()                # a newer command would make the replay an old one anyway
        t.run(t.random.choice((0.0, 0.01, 0.02, 0.04, 0.08, 0.3)))
        since = t.cabinet.sessions
        t.cabinet.cut(t.random.choice((0.2, 1.0)))
        t.back(since)
        t.notes["replayed"] += t.centre.replay()
        t.run(0.5)
        t.hold.clear()
        if n % 6 == 4:
            t.broker.kill()
            t.run(18)               # what waits is in the store by now
            t.quiet_events(12)
            t.cabinet.cut(0.2)
            since = t.cabinet.sessions
            t.broker.restart()
            t.back(since)


CASES = (
    Case("none", "nothing is wrong", _none),
    Case("broker_killed", "broker killed and restarted, again and again", _killed),
    Case("broker_down", "broker away for minutes while events go on", _stopped, SWITCH, 1.0),
    Case("half_open", "path takes bytes and passes none, for minutes", _half_open, SWITCH, 1.0),
    Case("broker_hangs", "broker stopped in its tracks, its connections open", _frozen, SWITCH,
         1.0),
    Case("mid_packet", "half a packet, then silence", _mid_packet, SWITCH, 1.0),
    Case("cut_command", "connection ends within a command", _cut("down", packets.PUBLISH), SWITCH,
         1.0, 222),
    Case("cut_connack", "connection ends within the CONNACK", _cut("down", packets.CONNACK),
         SWITCH, 1.0, 4),
    Case("cut_publish", "connection ends within a message of the cabinet",
         _cut("up", packets.PUBLISH), SWITCH, 1.0, 176),
    Case("cut_puback", "connection ends within the PUBACK of an event",
         _cut("down", packets.PUBACK), SWITCH, 1.0, 4),
    Case("cut_puback_up", "connection ends within the PUBACK of a command",
         _cut("up", packets.PUBACK), SWITCH, 1.0, 4),
    Case("loss", "30 % of the segments are lost", _lossy),
    Case("delay", "5 s there, 5 s back", _slow, PHASES, 1.0),
    Case("reorder", "QoS 0 packets overtake each other", _reordered),
    Case("duplicates", "half of the QoS 1 packets come twice", _doubled),
    Case("clock_jumps", "clocks jump by an hour and a day, both ways", _jumps),
    Case("restart", "controller loses its supply in the middle of commands", _restarted, SWITCH,
         0.5),
)
BY_NAME = {case.name: case for case in CASES}
