"""A network on modelled chips: what a handshake or a dead socket costs the fast tier and the
watchdog, what the log says of links, and what a record that is of no use costs. The driver that
makes the network, the link, umqtt and the supervisor are the real ones; the sockets are scripts.
"""
import json
import sys

from acu.primitives.recording import Record
from tests.unit import rack
from tests.unit.net_kit import VM, Peer, ml, stream
from tests.unit.test_start_boards import AnyRack

NET = {"lan": {"host": "127.0.0.1", "port": 1883, "name": "", "tls": False, "user": "sc1-eu1",
               "password": "pw"}, "t0_s": 1_790_000_000}
LEDGER = []         # peers in the order of their making


class Slow(Peer):
    """Its handshake computes for `shake_ms` of the chip's time in one piece; where it does not
    declare it, `silent`."""

    shake_ms = 0
    declares = True

    def __init__(self, host, port, tls=None, block=None):
        Peer.__init__(self)
        self.block = block
        self.host = host
        LEDGER.append(self)

    def connected(self):
        if self.shake_ms:
            if self.declares:
                self.block(10_000 if self.shake_ms <= 10_000 else 20_000)
            RACK[0].chip.sleep(self.shake_ms * 1000)
            if self.declares:
                self.block(0)
        return Peer.connected(self)


RACK = [None]


def on_net(r, net, shake_ms=0, declares=True):
    """Starts this rack with a network record; its unit."""
    from host_sim.chips.machine_shim import install
    install(r.chip)
    Record(rack.fit.FlashStore(r.root + "/data"), "keys.net").save(
        b"\x01" + (net if isinstance(net, bytes) else json.dumps(net).encode()))
    del LEDGER[:]
    RACK[0] = r
    Slow.shake_ms = shake_ms
    Slow.declares = declares
    real, stream.Stream = stream.Stream, Slow
    try:
        return r.power_on()
    finally:
        stream.Stream = real


def told(r, name):
    return [line for line in r.events() if line.startswith(name + " ")]


def test_a_board_with_a_record_is_on_its_net_and_says_so():
    r = rack.Rack()
    unit = on_net(r, NET)
    assert r.run(2_000) == "" and unit.acu.ready and unit.ports.link.up
    assert unit.complaint == "" and unit.ports.link.complaint == ""
    assert LEDGER[0].host == "127.0.0.1" and LEDGER[0].packets[0][-20:] == (
        b"\x00\x07sc1-eu1\x00\x07sc1-eu1\x00\x02pw")[-20:]
    assert told(r, "LINK") == ["LINK net=0 up=1 cause=0"]
    assert [p[0] >> 4 for p in LEDGER[0].packets[:3]] == [1, 8, 8]
    assert r.chip.faults == []


def windows(r):
    m = r.unit.acu.measuring
    return m.half_seq, r.unit.ports.sampler.overruns, r.unit.ports.sampler.slips


def test_a_handshake_of_three_seconds_costs_an_rp2040_no_window():
    r = rack.Rack()
    unit = on_net(r, NET, 3_000)
    while not LEDGER[0].opened:
        assert r.run(10) == ""
    half, lost, slips = windows(r)
    begun_us = r.chip.t_us
    fed_us = r.chip.wdt_us
    r.run(1)
    assert r.chip.t_us - begun_us >= 3_000_000          # the main loop stood still
    assert r.chip.wdt_us > fed_us + 2_900_000           # and the watchdog was fed all the time
    after = windows(r)
    passed = (r.chip.t_us - begun_us) // 10_000
    assert passed - 3 <= after[0] - half <= passed + 3 and after[1:] == (lost, slips)
    assert r.run(1_000) == "" and unit.ports.link.up and unit.gaps == 0
    assert unit.acu.scheduler.late == {}
    assert [line.split(" ")[:2] for line in told(r, "BLOCKED")] == [["BLOCKED", "ms=3000"]]
    assert told(r, "BLOCKED")[0].endswith("gaps=0") and r.chip.faults == []


def test_a_dead_socket_costs_nothing():
    r = rack.Rack()
    unit = on_net(r, NET)
    r.run(1_500)
    assert unit.ports.link.up
    LEDGER[0].answer = lambda packet: b""
    LEDGER[0].takes = 0
    before = windows(r)
    begun_us = r.chip.t_us
    assert r.run(2_000 if not VM else 32_000) == ""
    half, lost, slips = windows(r)
    passed = (r.chip.t_us - begun_us) // 10_000
    assert passed - 3 <= half - before[0] <= passed + 3 and (lost, slips) == before[1:]
    assert unit.acu.scheduler.late == {} and told(r, "BLOCKED") == []
    if VM:
        assert told(r, "LINK")[1] == "LINK net=0 up=0 cause=%d" % ml.C_SILENT


def test_what_hangs_longer_than_twenty_seconds_is_bitten():
    if not VM:
        return      # half a minute of the board; the VM is eight times as quick
    for shake_ms, why in ((19_000, ""), (29_000, "wdt")):
        r = rack.Rack()
        on_net(r, NET, shake_ms)
        begun_us = r.chip.t_us
        assert r.run(24_000 if why == "" else 40_000) == why, shake_ms
        if why:     # 20 s are fed, then comes its own time
            assert 28_000_000 <= r.chip.t_us - begun_us <= 30_500_000


def test_a_block_that_nobody_declared_is_bitten_as_before():
    if not VM:
        return
    r = rack.Rack()
    on_net(r, NET, 9_500, False)
    assert r.run(12_000) == "wdt"


def test_many_blocks_between_two_passes_have_twenty_seconds_in_all():
    from acu.drivers.netwatch import NetWatch

    class Clock:
        def now_ms(self):
            return 0
    fed = []
    watch = NetWatch(Clock())
    watch.feed = lambda: fed.append(1)
    for _ in range(5):
        watch.block(10_000)
        for _ in range(3_000):
            if watch.left > 0:
                watch.fast()
        watch.block(0)
    assert len(fed) == 4_000 and watch.left == 0


def test_on_an_esp32_the_gap_is_counted_and_flagged_and_the_watchdog_waits():
    r = AnyRack("esp32_operator", "operator")
    unit = on_net(r, NET)
    r.run(1_500)
    assert unit.ports.link.up and unit.acu.ready and unit.gaps == 0
    LEDGER[0].eof = True
    # its timer does not call while a handshake computes
    LEDGER[0].connected = lambda: (unit.nets.block(10_000), r.chip.mask(3_000_000),
                                   unit.nets.block(0), Peer.connected(LEDGER[0]))[3]
    r.run(4_500)
    assert unit.gaps == 1 and 2_900 <= unit.gap_ms <= 3_100 and unit.ports.link.session == 2
    assert told(r, "BLOCKED") == ["BLOCKED ms=3000 gaps=1"]
    assert told(r, "FAST_GAP")[0].startswith("FAST_GAP n=1 max_ms=30")
    assert r.chip.wdt_ms == 28_000 and unit.acu.scheduler.late == {}


def test_changes_of_a_link_are_logged_and_their_repeats_once_a_minute():
    r = rack.Rack()
    unit = on_net(r, NET)
    r.run(1_500)
    for _ in range(4):
        LEDGER[0].eof = True
        r.run(20)
        assert not unit.ports.link.up
        r.run(1_100)
        while not unit.ports.link.up:
            r.run(100)
    assert told(r, "LINK") == ["LINK net=0 up=1 cause=0", "LINK net=0 up=0 cause=9"]
    unit.clock._ms += 60_000
    r.run(50)
    assert told(r, "LINK")[2:] == ["LINK net=0 up=1 cause=0"]


def test_a_record_of_no_use_leaves_a_board_without_network_and_says_why():
    two = dict(NET)
    two["man"] = dict(NET["lan"])
    two["man"]["host"] = "10.0.0.9"
    sealed = {"lan": dict(NET["lan"])}
    sealed["lan"]["tls"] = True
    wireless = dict(NET)
    wireless["wifi"] = {"ssid": "post", "password": "x" * 8, "country": "ES"}
    sys.modules.pop("network", None)
    for net, code in ((b"not json", "E432"), (b'{"lan":1}', "E432"), (b"[]", "E432"),
                      (b'{"lan":{"host":"a"', "E432"), ({"lan": {"host": "a"}}, "E433"),
                      (two, "E431"), (sealed, "E435"), (wireless, "E430")):
        r = rack.Rack()
        unit = on_net(r, net)
        assert r.run(600) == "" and unit.acu.ready and not unit.ports.link.up, code
        assert unit.ports.link.complaint[:4] == code, unit.ports.link.complaint
        assert unit.complaint == "" and "password" not in unit.ports.link.complaint
    r = rack.Rack()
    rack.put(r.root + "/data/keys.net.a", b"garbage of a flash that has died")
    unit = r.power_on()
    assert r.run(600) == "" and unit.acu.ready
    assert unit.ports.link.complaint[:4] == "E432"


def test_certificates_that_are_none_are_told():
    sealed = {"lan": dict(NET["lan"])}
    sealed["lan"]["tls"] = True
    r = rack.Rack()
    rack.put(r.root + "/data/keys.ca", b"0\x03\x02\x01\x01")
    unit = on_net(r, sealed)
    assert r.run(600) == "" and unit.acu.ready and unit.ports.link.complaint[:4] == "E435"


def test_a_coordinator_on_an_esp32_has_two_links_and_its_will_at_man():
    net = {"lan": NET["lan"], "man": dict(NET["lan"])}
    net["man"]["host"] = "10.0.0.9"
    r = AnyRack("esp32_coordinator", "coordinator")
    unit = on_net(r, net)
    r.run(2_500)
    lan, man = LEDGER
    assert unit.ports.link.up and (lan.host, man.host) == ("127.0.0.1", "10.0.0.9")
    assert b"slvg/1/man/sc1/st\x00\x030 1" in man.packets[0] and b"/st" not in lan.packets[0]
    assert told(r, "LINK") == ["LINK net=0 up=1 cause=0", "LINK net=1 up=1 cause=0"] or (
        told(r, "LINK") == ["LINK net=1 up=1 cause=0", "LINK net=0 up=1 cause=0"])
    asked = [p for p in man.packets if p[0] == 0x82]
    assert len(asked) == 1 and b"slvg/1/man/sc1/dn/+" in asked[0]
    assert b"1 1 1" in [p for p in man.packets if p[0] >> 4 == 3][0]


def test_one_broker_for_both_nets_is_one_link_also_on_an_rp2040():
    net = {"lan": NET["lan"], "man": dict(NET["lan"])}
    r = AnyRack("pico_w_coordinator", "coordinator")
    unit = on_net(r, net)
    r.run(2_500)
    assert len(LEDGER) == 1 and unit.ports.link.up and unit.ports.link.complaint == ""
    assert b"slvg/1/man/sc1/st" in LEDGER[0].packets[0]
