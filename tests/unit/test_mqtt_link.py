"""The MQTT link against a broker that is a script: what cuts, lies, floods and silence cost.

The peer answers as an MQTT 3.1.1 broker would unless a test says otherwise; nothing waits, the
time is told. The same file runs in the VM, and with $SLVG_UMQTT on another umqtt.simple.
"""
import gc

from tests.unit.net_kit import (
    CONNACK,
    PINGRESP,
    VM,
    Net,
    Peer,
    ml,
    parts,
    polite,
    puback,
    publish,
    suback,
    u16,
)


def test_it_comes_up_with_its_will_its_filters_and_its_birth():
    net = Net(filters=("a/dn/+", "b/dn/+"), user="eu1", password="secret")
    assert net.until_up() < 1_500
    net.run(50)
    assert net.peer.kinds() == [1, 8, 8, 3]
    hello = net.peer.packets[0]
    assert hello[:12] == b"\x10" + bytes((len(hello) - 2,)) + b"\x00\x04MQTT\x04\xee\x00\x1e"
    assert hello[12:] == (b"\x00\x03eu1" + b"\x00\x04a/st" + b"\x00\x030 3"
                          + b"\x00\x03eu1" + b"\x00\x06secret")
    assert net.peer.packets[1] == b"\x82\x0b\x00\x01\x00\x06a/dn/+\x01"
    assert parts(net.peer.packets[3])[:3] == (b"a/st", b"1 3 1", 1)
    assert parts(net.peer.packets[3])[4] == 1           # retained
    assert net.link.session == 1 and net.link.acks == [] and net.link.cause == ml.C_NONE


def test_messages_come_whole_and_are_acknowledged_once():
    for gives in (1 << 20, 1, 3):
        net = Net().start()
        net.peer.gives = gives
        for qos in (0, 1):
            net.peer.to_link.extend(publish(b"a/dn/sw.req", b"{%d}" % qos, qos, 300))
        net.run(100)
        assert net.got == [("a/dn/sw.req", b"{0}"), ("a/dn/sw.req", b"{1}")]
        assert net.peer.packets == [puback(300)]


def test_publications_go_out_and_their_acknowledgements_come_back():
    held = []

    def answer(packet):
        if packet[0] & 0xF6 == 0x32 and parts(packet)[0] == b"up":
            held.append(parts(packet)[3])
            return b""
        return polite(packet)
    net = Net(answer).start()
    assert net.link.publish("live", b"x", 0, False) == 1
    first = net.link.publish("up", b"one", 1, False)
    second = net.link.publish("up", b"two", 1, True)
    net.run(50)
    assert first >= 2 and second >= 2 and first != second and net.link.acks == []
    assert [parts(p)[:3] + parts(p)[4:] for p in net.peer.packets] == [
        (b"live", b"x", 0, 0), (b"up", b"one", 1, 0), (b"up", b"two", 1, 1)]
    for n in reversed(held):
        net.peer.to_link.extend(puback(n))
    net.run(20)
    assert net.link.acks == [second, first]


def test_an_acknowledgement_that_comes_twice_counts_once():
    net = Net().start()
    n = net.link.publish("up", b"x", 1, False)
    net.peer.to_link.extend(puback(n - 1) + puback(n - 1) + puback(999))
    net.run(50)
    assert net.link.acks == [n] and net.link.up


def cut_at(k, data, when, qos=0):
    """A connection that ends k bytes into `data`, which comes instead of the answer to a packet
    of that kind, or by itself (0)."""
    cut = [True]

    def answer(packet):
        if cut[0] and packet[0] >> 4 == when:
            cut[0] = False
            net.peer.eof = True
            return data[:k]
        return polite(packet)
    net = Net(answer)
    if when in (0, 3, 12):
        cut[0] = False
        net.start()
        cut[0] = True
        net.got.clear()
    if when == 0:
        cut[0] = False
        net.peer.to_link.extend(data[:k])
        net.peer.eof = True
    elif when == 3:
        net.link.acks.clear()
        net.link.publish("up", b"x", 1, False)
    elif when == 12:
        net.until(lambda: not cut[0], 40_000)
    net.until_closed()
    broken = net.link.cause
    back_ms = net.until_up()
    net.run(100)
    return net, broken, back_ms


def test_a_cut_at_any_byte_delivers_nothing_and_is_mended():
    telling = publish(b"a/dn/sw.req", b'{"on":1,"k":77}')
    asking = publish(b"a/dn/sw.req", b'{"on":1,"k":77}', 1, 9)
    for data, when in ((CONNACK, 1), (suback(1), 8), (puback(2), 3), (PINGRESP, 12),
                       (telling, 0), (asking, 0)):
        for k in range(len(data)):
            net, broken, back_ms = cut_at(k, data, when)
            where = "%s cut at %d" % (data, k)
            assert net.got == [] and net.link.acks == [], where
            assert broken == ml.C_CLOSED and back_ms <= 3_000, where
            assert net.peer.opened == 2 and net.link.up, where
            assert not [p for p in net.peer.packets if p[0] == 0x40], where
        if when == 0:       # but whole, and only then cut, it counts
            net, broken, _ = cut_at(len(data), data, when)
            assert net.got == [("a/dn/sw.req", b'{"on":1,"k":77}')] and broken == ml.C_CLOSED


def test_a_message_in_pieces_of_any_size_arrives_once():
    data = publish(b"a/dn/x", b"p" * 200, 1, 5)
    for k in range(1, len(data)):
        net = Net().start()
        net.peer.to_link.extend(data[:k])
        net.run(30)
        assert net.got == []
        net.peer.to_link.extend(data[k:])
        net.run(30)
        assert net.got == [("a/dn/x", b"p" * 200)] and net.peer.packets == [puback(5)]
        if not VM and k > 20:
            break


def test_packet_numbers_wrap_and_none_that_is_under_way_is_used_again():
    kept = []

    def answer(packet):
        if packet[0] & 0xF6 == 0x32 and parts(packet)[1] == b"kept":
            kept.append(parts(packet)[3])
            return b""
        return polite(packet)
    net = Net(answer).start()
    link, peer = net.link, net.peer
    link._stream.kinds = None
    stays = link.publish("up", b"kept", 1, False)
    seen = set()
    many = 70_000
    acked = taken = 0
    while acked < many:
        while taken < many:
            n = link.publish("up", b"x", 1, False)
            if not n:
                break
            assert n != stays and n >= 2
            taken += 1
            seen.add(n)
        peer.packets = []
        link.poll(net.hear)
        acked += len(link.acks)
        link.acks.clear()
    assert taken == acked == many and len(seen) == 65_534 and peer.opened == 1
    assert max(seen) == 65_536 and min(seen) == 2
    peer.to_link.extend(puback(kept[0]))
    net.run(10)
    assert link.acks == [stays] and link.session == 1


def test_what_is_too_long_goes_by_and_the_broker_is_told_to_forget_it():
    net = Net().start()
    for qos, n in ((0, 1_025), (1, 1_025), (0, 1_400), (1, 1_400), (1, 40_000)):
        before = net.link.refused[ml.OVERSIZED]
        net.peer.packets = []
        net.peer.to_link.extend(publish(b"a/dn/x", b"y" * n, qos, 513))
        net.peer.to_link.extend(publish(b"a/dn/x", b"next"))
        net.run(500)
        assert net.got == [("a/dn/x", b"next")], n
        assert net.link.refused[ml.OVERSIZED] == before + 1
        assert net.peer.packets == ([puback(513)] if qos else [])
        net.got.clear()
    net.peer.to_link.extend(publish(b"a/dn/x", b"y" * 1024))
    net.run(50)
    assert len(net.got[0][1]) == 1024 and net.peer.opened == 1


def test_a_command_that_a_broker_has_kept_is_dropped():
    net = Net().start()
    net.peer.to_link.extend(publish(b"a/dn/sw.req", b"1", 1, 4, 1))
    net.peer.to_link.extend(publish(b"a/st", b"1", 0, 0, 1))
    net.run(20)
    assert net.got == [("a/st", b"1")] and net.link.refused[ml.RETAINED] == 1
    assert net.peer.packets == [puback(4)]


def test_what_is_no_mqtt_ends_the_connection_and_is_counted():
    wrong = (
        b"\x30\xff\xff\xff\xff\x7f" + b"x" * 40,    # a length of five bytes
        b"\x30\x80\x80\x80\x80\x01",
        b"\x30\x01\x00",                            # no room for a topic
        b"\x30\x05\x00\x09abc",                     # the topic leaves the packet
        b"\x32\x05\x00\x03abc",                     # no room for the number
        b"\x34\x08\x00\x03abc\x00\x01x",            # QoS 2 was never asked for
        b"\x36\x08\x00\x03abc\x00\x01x",
        b"\x40\x03\x00\x01\x00",
        b"\x90\x03\x00\x77\x01",
        b"\x90\x02\x00\x01",
        b"\xd0\x01\x00",
        b"\x20\x04\x00\x00\x00\x00",
        b"\x10\x00", b"\x82\x05\x00\x01\x00\x00\x00", b"\xc0\x00", b"\xe0\x00", b"\xf0\x00",
        b"\x00\x00", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    for data in wrong:
        net = Net().start()
        net.peer.to_link.extend(data)
        net.run(30)
        assert net.got == [] and not net.link.up, data
        assert net.link.cause == ml.C_BROKEN and net.link.refused[ml.BROKEN] == 1, data
        net.until_up()
        assert net.link.session == 2


def test_a_topic_that_is_no_text_is_counted_and_the_next_message_comes():
    net = Net().start()
    net.peer.to_link.extend(publish(b"a/\xff\xfe", b"1", 1, 8) + publish(b"a/dn/\xc3\xa4", b"2"))
    net.run(20)
    assert net.got == [("a/dn/\u00e4", b"2")] and net.link.refused[ml.BROKEN] == 1
    assert net.link.up and net.peer.packets == [puback(8)]


def test_a_broker_that_refuses_is_asked_again_after_a_long_pause():
    def no(kind, data):
        return lambda packet: data if packet[0] >> 4 == kind else polite(packet)
    for answer in (no(1, b"\x20\x02\x00\x05"), no(8, suback(1, 0x80))):
        net = Net(answer)
        net.until_closed()
        assert net.link.cause == ml.C_REFUSED and not net.link.up
        net.run(14_000)
        assert net.peer.opened == 1 and net.link.session == 0
        net.peer.answer = polite
        assert net.until_up() <= 17_000


def test_a_second_connack_is_no_answer():
    net = Net().start()
    net.peer.to_link.extend(CONNACK)
    net.run(20)
    assert not net.link.up


def test_pauses_grow_to_five_seconds_and_are_not_the_same_everywhere():
    starts = set()
    for k in range(60):
        net = Net()
        net.link = ml.MqttLink(net.clock, net.peer, "eu%d" % k)
        net.peer.refuses = OSError(111)
        net.peer.cause = ml.C_TCP
        at = []
        for _ in range(8):
            tried = net.peer.opened
            while net.peer.opened == tried:
                net.run(10)
            at.append(net.clock.t_ms)
        assert net.link.cause == ml.C_TCP
        pauses = [b - a for a, b in zip(at, at[1:])]
        for pause_ms, most_ms in zip(pauses, (1000, 2000, 4000, 5000, 5000, 5000, 5000)):
            assert most_ms // 2 <= pause_ms <= most_ms + 20, pauses
        starts.add(at[3])
    assert len(starts) > 40     # they do not come together


def test_back_within_ten_seconds_of_the_brokers_return():
    for down_ms in (3_000, 61_000, 240_000):
        net = Net().start()
        net.peer.eof = True
        net.peer.refuses = OSError(111)
        net.run(down_ms)
        assert not net.link.up
        net.peer.refuses = None
        assert net.until_up() <= 5_100


def test_nobody_answers_the_call():
    net = Net()
    net.peer.slow = 1 << 30
    net.until(lambda: net.peer.opened)
    net.run(5_100)
    assert net.link.cause == ml.C_TCP and net.peer.closed == 1


def test_a_broker_that_says_nothing_at_all():
    net = Net(lambda packet: b"")
    net.until_closed()
    assert net.link.cause == ml.C_SILENT and 15_000 <= net.clock.t_ms <= 16_500


def test_a_ping_after_half_the_keepalive_and_no_sooner():
    net = Net(keepalive_s=30).start()
    net.run(14_900)
    assert net.peer.packets == []
    net.run(200)
    assert net.peer.packets == [b"\xc0\x00"]
    net.run(60_000)
    assert net.peer.packets == [b"\xc0\x00"] * 5 and net.link.up


def test_half_open_though_there_is_always_something_to_send():
    """Live data goes into the computer's own buffer; that is no sign of life of the broker."""
    net = Net().start()
    net.peer.answer = lambda packet: b""
    start_ms = net.clock.t_ms
    while net.link.up and net.clock.t_ms - start_ms < 60_000:
        net.link.publish("live", b"x", 0, False)
        net.run(1_000)
    assert 29_000 <= net.clock.t_ms - start_ms <= 32_000 and net.link.cause == ml.C_SILENT


def test_an_acknowledgement_that_does_not_come():
    net = Net(lambda packet: b"" if packet[0] >> 4 == 3 and parts(packet)[0] == b"up"
              else polite(packet)).start()
    n = net.link.publish("up", b"x", 1, False)
    start_ms = net.clock.t_ms
    while net.link.up:
        net.peer.to_link.extend(publish(b"a/dn/x", b"I live"))
        net.run(500)
    assert net.clock.t_ms - start_ms <= 15_500
    assert n and net.link.cause == ml.C_SILENT and net.link.session == 1 and net.link.acks == []
    net.until_up()
    assert net.link.session == 2


def test_a_full_buffer_of_the_net_takes_nothing_more_and_loses_nothing():
    net = Net().start()
    net.peer.takes = 0
    taken = 0
    while net.link.publish("live", b"%04d" % taken + b"x" * 200, 0, False):
        taken += 1
        net.run(10)
    assert 5 <= taken <= 12 and net.link.refused[ml.FULL] == 1
    net.peer.takes = 7
    net.run(6_000)
    assert [int(parts(p)[1][:4]) for p in net.peer.packets] == list(range(taken))
    net.peer.packets = []
    assert net.link.publish("live", b"y", 0, False) == 1
    net.run(10)
    assert len(net.peer.packets) == 1


def test_what_was_tried_is_tried_again_with_the_same_bytes():
    """A TLS write that did not go has to be repeated as it was, though more waits behind it."""
    net = Net().start()
    tried = []
    real = net.peer.send

    def send(data):
        tried.append(data)
        return real(data) if len(tried) > 3 else None
    net.peer.send = send
    for k in range(3):
        net.link.publish("live", b"%d" % k, 0, False)
        net.run(10, 10)
    net.run(20)
    assert tried[0] == tried[1] == tried[2] == tried[3] and len(net.peer.packets) == 3


def test_six_are_under_way_and_no_more():
    net = Net(lambda packet: b"" if packet[0] >> 4 == 3 and parts(packet)[0] == b"up"
              else polite(packet)).start()
    taken = [net.link.publish("up", b"x", 1, False) for _ in range(9)]
    assert [bool(n) for n in taken] == [True] * 6 + [False] * 3
    assert net.link.publish("live", b"x", 0, False) == 1        # live data goes on
    net.run(50)
    net.peer.to_link.extend(puback(taken[2] - 1))
    net.run(20)
    assert net.link.acks == [taken[2]] and net.link.publish("up", b"x", 1, False) >= 2


def test_publishing_from_within_a_message_is_safe():
    net = Net().start()

    def hear(topic, payload):
        net.got.append(net.link.publish("up", payload + b"!", 1, False))
        net.link.subscribe("late/%d" % len(net.got))
    for k in range(4):
        net.peer.to_link.extend(publish(b"a/dn/x", b"%d" % k, 1, 40 + k))
    net.link.poll(hear)
    net.run(50)
    assert len(net.got) == 4 and sorted(net.got) == sorted(net.link.acks)
    sent = [parts(p)[1] for p in net.peer.packets if p[0] >> 4 == 3]
    assert sent == [b"0!", b"1!", b"2!", b"3!"]
    assert [p for p in net.peer.packets if p[0] == 0x40] == [puback(40 + k) for k in range(4)]


def test_one_poll_hears_four_packets_and_the_next_one_goes_on():
    net = Net().start()
    for k in range(10):
        net.peer.to_link.extend(publish(b"a/dn/x", b"%d" % k))
    heard = []
    for _ in range(3):
        net.link.poll(net.hear)
        heard.append(len(net.got))
    assert heard == [4, 8, 10]


def test_an_error_of_the_controller_is_not_the_links():
    net = Net().start()
    net.peer.to_link.extend(publish(b"a/dn/x", b"1"))

    def hear(topic, payload):
        raise KeyError("of the controller")
    seen = ""
    try:
        net.link.poll(hear)
    except KeyError:
        seen = "told"
    assert seen and net.link.up


def test_every_kind_of_error_below_is_a_broken_connection():
    for error in (OSError(104), OSError(-1), IndexError("x"), AssertionError("x"),
                  ValueError("x"), MemoryError("x"), TypeError("x")):
        net = Net().start()
        net.peer.fault = error
        net.run(50)
        assert not net.link.up and net.link.cause == ml.C_CLOSED, error
        net.peer.fault = None
        net.until_up()
        assert net.link.session == 2


def test_a_write_that_fails_is_told_as_such():
    net = Net().start()

    def send(data):
        raise OSError(104)
    net.peer.send = send
    net.link.publish("live", b"x", 0, False)
    net.run(20)
    assert net.link.cause == ml.C_WRITE


def test_no_memory_for_a_publication_ends_the_connection_and_nothing_else():
    net = Net().start()
    wire = net.link._wire
    real = wire.write
    left = [3]

    def write(data, n=-1):
        left[0] -= 1
        if not left[0]:
            raise MemoryError
        real(data, n)
    wire.write = write
    assert net.link.publish("up", b"x", 1, False) == 0
    assert not net.link.up and net.link.cause == ml.C_WRITE and len(wire.tx) == 0
    net.until_up()
    assert net.link.session == 2 and net.link.publish("up", b"x", 1, False) >= 2


def test_without_wifi_nothing_is_tried_and_its_loss_ends_the_connection():
    class Wifi:
        up = False
    net = Net(carrier=Wifi())
    net.run(5_000)
    assert net.peer.opened == 0 and net.link.cause == ml.C_WIFI
    net.link._carrier.up = True
    net.start()
    net.link._carrier.up = False
    net.run(20)
    assert not net.link.up and net.link.cause == ml.C_WIFI and net.peer.closed == 1
    net.run(20_000)
    assert net.peer.opened == 1


def test_while_it_is_down_nothing_is_taken():
    net = Net()
    assert net.link.publish("up", b"x", 1, False) == 0 and net.link.refused[ml.FULL] == 0
    net.start()
    net.peer.eof = True
    net.run(20)
    assert net.link.publish("up", b"x", 1, False) == 0


def test_what_was_heard_before_the_end_still_counts():
    net = Net().start()
    net.peer.to_link.extend(publish(b"a/dn/x", b"last words"))
    net.peer.eof = True
    net.run(20)
    assert net.got == [("a/dn/x", b"last words")] and not net.link.up


def test_the_session_that_failed_leaves_nothing_to_the_next():
    net = Net().start()
    net.peer.takes = 5
    net.link.publish("up", b"of the first", 1, False)
    net.link.poll(net.hear)
    net.peer.to_link.extend(publish(b"a/dn/x", b"cut here")[:9])
    net.run(10)
    net.peer.eof = True
    net.run(20)
    net.peer.takes = 1 << 20
    net.peer.packets = []
    net.until_up()
    net.run(1_000)
    assert net.peer.kinds() == [1, 8, 3] and net.got == []
    assert parts(net.peer.packets[-1])[1] == b"1 3 2"


def test_memory_is_steady_over_connections_and_messages():
    if not VM:
        return
    net = Net().start()
    free = []
    for _ in range(6):
        for k in range(200):
            net.link.publish("up", b"z" * 300, 1, False)
            net.peer.to_link.extend(publish(b"a/dn/x", b"q" * 500, 1, 3))
            net.run(20)
            net.got.clear()
            net.peer.packets = []
            net.link.acks.clear()
            if k % 50 == 0:
                net.peer.eof = True
                net.until_up()
        gc.collect()
        free.append(gc.mem_free())
    assert max(free[1:]) - min(free[1:]) < 1_000, free


def test_the_fake_broker_is_one():
    """The script speaks as MQTT 3.1.1 has it."""
    assert u16(513) == b"\x02\x01" and publish(b"a", b"x" * 200)[:4] == b"\x30\xcb\x01\x00"
    assert Peer().kinds() == []
