"""Wi-Fi against a radio that is a script, NTP against a server that is one, and two links as
one door."""
import struct
import sys

from acu.drivers import ntp
from tests.unit.net_kit import Clock, Net, Peer, links, ml, parts, publish

# -- Wi-Fi


class Radio:
    """network.WLAN, and the module around it."""

    STA_IF = 0

    def __init__(self):
        self.joined = self.on = False
        self.calls = []
        self.state = 0
        self.breaks = 0         # calls that raise

    def WLAN(self, kind):
        return self

    def country(self, text):
        self.calls.append(("country", text))

    def hostname(self, text):
        self.calls.append(("hostname", text))

    def active(self, on):
        self.on = on

    def config(self, **what):
        self.calls.append(("config", what))

    def isconnected(self):
        if self.breaks:
            self.breaks -= 1
            raise OSError("Wifi Internal Error")
        return self.joined

    def status(self, what=None):
        return -61 if what == "rssi" else self.state

    def connect(self, ssid, password):
        self.calls.append(("connect", ssid, password))

    def disconnect(self):
        self.calls.append(("disconnect",))


def wifi(pico=True, password="password"):
    radio = Radio()
    sys.modules["network"] = radio
    sys.modules.pop("acu.drivers.wifi", None)
    from acu.drivers.wifi import Wifi
    return radio, Wifi("post", password, "ES", "eu1", pico)


def play(one, radio, since_ms, until_ms):
    """Times at which it tried to join."""
    at = []
    for t in range(since_ms, until_ms, 100):
        before = len(radio.calls)
        one.poll(t)
        if ("connect", "post", "password") in radio.calls[before:]:
            at.append(t)
    return at


def test_wifi_joins_once_and_is_up_when_it_has_an_address():
    radio, one = wifi()
    assert radio.on and radio.calls == [
        ("country", "ES"), ("hostname", "eu1"), ("config", {"pm": 0xA11140})]
    assert play(one, radio, 0, 5_000) == [0] and not one.up and one.rssi() == 0
    radio.joined = True
    assert play(one, radio, 5_000, 8_000) == [] and one.up and one.rssi() == -61
    assert one.joins == 1
    assert ("config", {"pm": 0xA11140}) not in wifi(False)[0].calls


def test_wifi_that_is_lost_is_joined_again_after_the_radio_tried_by_itself():
    radio, one = wifi()
    play(one, radio, 0, 1_000)
    radio.joined = True
    play(one, radio, 1_000, 100_000)
    radio.joined = False
    at = play(one, radio, 100_000, 400_000)
    assert at[0] == 120_000 and at[1] - at[0] == 40_000
    assert all([b - a == 60_000 for a, b in zip(at[1:], at[2:])])
    assert one.fault == 0 and not one.up
    radio.state = -3
    play(one, radio, 400_000, 500_000)
    assert one.fault == -3
    radio.joined = True
    play(one, radio, 500_000, 501_000)
    assert one.up and one.joins == 2


def test_wifi_survives_a_radio_at_odds_with_itself_and_an_open_net():
    radio, one = wifi(password="")
    radio.breaks = 5
    for t in range(0, 10_000, 100):
        one.poll(t)
    assert ("connect", "post", None) in radio.calls and not one.up


# -- NTP

UTC_MS = 1_790_000_000_500


def answer(mark, utc_ms=UTC_MS, first=0x24, stratum=2):
    s, ms = utc_ms // 1000 + 2_208_988_800, utc_ms % 1000
    return (bytes((first, stratum)) + bytes(22) + mark + bytes(8)
            + struct.pack("!II", s & 0xFFFFFFFF, (ms << 32) // 1000 + 1))


class Server:
    """What stands for the module `socket`."""

    AF_INET, SOCK_DGRAM = 2, 2

    def __init__(self):
        self.asked = []
        self.waiting = []
        self.fails = None
        self.open = 0

    def getaddrinfo(self, host, port, family, kind):
        if self.fails:
            raise self.fails
        return [(2, 2, 0, "", (host, port))]

    def socket(self, family, kind):
        self.open += 1
        return self

    def setblocking(self, on):
        self.blocking = on

    def connect(self, address):
        self.address = address

    def send(self, data):
        self.asked.append(data)

    def recv(self, n):
        if not self.waiting:
            raise OSError(11, "later")
        return self.waiting.pop(0)

    def close(self):
        self.open -= 1


class Ticking(Clock):
    def ticks_us(self):
        return self.t_ms * 1000 & 0x3FFFFFFF


def ntp_and_server():
    clock = Ticking(5_000)
    ntp.socket = server = Server()
    blocks = []
    return clock, server, ntp.Ntp(clock, "pool.example", blocks.append), blocks


def ask(clock, one):
    assert one.poll(clock.t_ms) == 0
    return one


def test_ntp_tells_the_time_with_half_of_the_round_trip():
    clock, server, one, blocks = ntp_and_server()
    ask(clock, one)
    assert blocks == [10_000, 0] and server.address == ("pool.example", 123)
    question = server.asked[0]
    assert len(question) == 48 and question[0] == 0x23 and not server.blocking
    clock.t_ms += 60
    assert one.poll(clock.t_ms) == 0
    clock.t_ms += 20
    server.waiting.append(answer(question[40:]))
    assert one.poll(clock.t_ms) == UTC_MS + 40
    assert server.open == 0
    for _ in range(355):
        clock.t_ms += 10_000
        assert one.poll(clock.t_ms) == 0
    assert len(server.asked) == 1
    clock.t_ms += 60_000
    ask(clock, one)
    assert len(server.asked) == 2 and server.asked[1][40:] != question[40:]


def test_ntp_believes_no_other_answer():
    good = ntp_and_server()
    mark = ask(good[0], good[2]) and good[1].asked[0][40:]
    for data in (b"", b"\x24\x02", answer(b"\0" * 8), answer(mark, first=0xE4),
                 answer(mark, first=0x23), answer(mark, stratum=0), answer(mark, stratum=16),
                 answer(mark, 1_000_000_000_000), answer(mark)[:47]):
        clock, server, one, _ = ntp_and_server()
        ask(clock, one)
        assert server.asked[0][40:] == mark
        server.waiting.append(data)
        clock.t_ms += 10
        assert one.poll(clock.t_ms) == 0
        clock.t_ms += 1_000
        assert one.poll(clock.t_ms) == 0
        assert one.failed == 1 and server.open == 0, data


def test_ntp_goes_on_after_2036():
    clock, server, one, _ = ntp_and_server()
    ask(clock, one)
    late_ms = 2_150_000_000_000
    server.waiting.append(answer(server.asked[0][40:], late_ms))
    assert one.poll(clock.t_ms) == late_ms


def test_ntp_asks_ever_more_seldom_where_nobody_answers():
    clock, server, one, _ = ntp_and_server()
    server.fails = OSError(-2)
    at = []
    for _ in range(20_000):
        before = one.failed
        one.poll(clock.t_ms)
        if one.failed != before:
            at.append(clock.t_ms)
        clock.t_ms += 1_000
    gaps = [b - a for a, b in zip(at, at[1:])]
    assert gaps[:4] == [60_000, 120_000, 240_000, 480_000] and max(gaps) <= 3_601_000


# -- two links

MAN = "slvg/1/man/sc1/"
MST = "slvg/1/mst/sc1/"


def both():
    lan, man = Net(filters=(), will=None), Net(filters=(), will=None)
    man.link._clock = man.clock = lan.clock
    one = links.Links(lan.link, man.link)
    one.subscribe(MAN + "dn/+")
    one.subscribe(MST + "+/up/+")
    got = []

    def run(ms):
        for _ in range(ms // 10):
            lan.clock.t_ms += 10
            one.poll(lambda topic, payload: got.append(topic))
    return lan, man, one, got, run


def test_topics_of_man_go_to_man_and_all_others_to_lan():
    lan, man, one, got, run = both()
    assert not one.up
    run(1_500)
    assert one.up and one.session == 2 and one.cause == ml.C_NONE
    for net in (lan, man):
        net.peer.packets = []
    numbers = [one.publish(MAN + "up/evt", b"m", 1, False),
               one.publish(MST + "x/dn/a", b"l", 1, False),
               one.publish(MST + "x/dn/a", b"q", 0, False)]
    run(50)
    assert [parts(p)[1] for p in man.peer.packets] == [b"m"]
    assert [parts(p)[1] for p in lan.peer.packets] == [b"l", b"q"]
    assert numbers[0] != numbers[1] and numbers[2] == 1 and min(numbers[:2]) >= 2
    assert sorted(one.acks) == sorted(numbers[:2])
    man.peer.to_link.extend(publish(b"slvg/1/man/sc1/dn/sc.cmd", b"x"))
    lan.peer.to_link.extend(publish(b"slvg/1/mst/sc1/s/up/hb", b"x"))
    run(20)
    assert sorted(got) == ["slvg/1/man/sc1/dn/sc.cmd", "slvg/1/mst/sc1/s/up/hb"]


def test_when_man_is_lost_lan_goes_on():
    lan, man, one, got, run = both()
    run(1_500)
    man.peer.refuses = OSError(111)
    man.peer.cause = ml.C_TCP
    man.peer.eof = True
    run(3_000)
    assert one.up and one.cause == ml.C_TCP
    assert one.publish(MAN + "up/evt", b"m", 1, False) == 0
    assert one.publish(MST + "x/dn/a", b"l", 1, False) >= 2
    man.peer.refuses = None
    run(6_000)
    assert one.session == 3 and one.cause == ml.C_NONE


def test_the_kit_has_one_peer_each():
    lan, man, _, _, _ = both()
    assert isinstance(lan.peer, Peer) and lan.peer is not man.peer
