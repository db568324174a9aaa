"""ISF-1, receive and send: what may be acted upon, each thing once; nothing accepted is lost on
the way out."""
from acu import messages
from acu.primitives import messaging as ms
from acu.primitives.authentication import Keys, mac
from acu.primitives.messaging import Messenger
from host_sim.board.doors import SimStore

UTC0_MS = 1_772_345_000_000
SW = {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}


KEY = bytes(range(32))
OTHER = bytes(range(1, 33))
GROUP = b"g" * 32


class Sync:
    known = True

    def utc_ms(self, now_ms):
        return UTC0_MS + now_ms

    def synchronised(self, now_ms):
        return self.known


class Link:
    session = 0

    def __init__(self):
        self.up = True
        self.sent = []
        self.acks = []

    def publish(self, topic, payload, qos, retain):
        if self.up:
            self.sent.append(payload)
        return self.up


def messenger(keys=None, store=None):
    link = Link()
    store = store or SimStore()
    net = Messenger(link, Sync(), "eu1", 3, store, Keys(keys, store) if keys else None)
    return net, link


def signed(key, k=1, n=1, t="sw.req", body=None, dst="eu1", x=UTC0_MS + 10_000, src="cd"):
    return messages.encode(t, src, dst, n, 5, UTC0_MS, body or SW, lambda raw: mac(key, raw), k, x)


def frame(t="sw.req", body=None, src="cd", dst="eu1", n=1, k=1, ts=UTC0_MS, x=UTC0_MS + 10_000,
          h="0" * 16):
    return messages.encode(t, src, dst, n, 5, ts, body or SW, lambda raw: h, k, x)


def dropped(net):
    """Reasons counted so far, as words."""
    return [ms.REASONS[r] for r in range(len(net.dropped)) for _ in range(net.dropped[r])]


def test_a_good_command_is_accepted_once():
    net, _ = messenger()
    msg = net.receive(0, frame())
    assert msg["b"] == SW and msg["s"] == "cd" and dropped(net) == []
    assert net.receive(0, frame()) is None and dropped(net) == ["DOUBLED"]


def test_a_duplicate_is_known_by_its_number_even_with_a_newer_counter():
    net, _ = messenger()
    net.receive(0, frame(n=7, k=1))
    assert net.receive(0, frame(n=7, k=2)) is None and dropped(net) == ["DOUBLED"]
    net.receive(0, frame("hb", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1,
                                "why": 0}, n=8))
    assert net.receive(0, frame("meas.req", {"what": 0, "win_ms": 1}, n=8)) is None


def test_a_replayed_command_is_refused_though_its_number_is_new():
    net, _ = messenger()
    assert net.receive(0, frame(n=1, k=10))
    for k in (10, 9, 0, -5):
        assert net.receive(0, frame(n=20 + k, k=k)) is None
    assert dropped(net) == ["REPLAYED"] * 4
    assert net.receive(0, frame(n=2, k=11))


def test_a_replayed_command_is_refused_when_its_number_has_been_forgotten():
    net, _ = messenger()
    old = frame(n=1, k=1)
    net.receive(0, old)
    for n in range(2, 40):
        assert net.receive(0, frame(n=n, k=n))
    assert net.receive(0, old) is None and dropped(net) == ["REPLAYED"]


def test_counters_of_two_senders_are_their_own():
    net, _ = messenger()
    assert net.receive(0, frame(src="cd", k=100))
    assert net.receive(0, frame(src="scc", k=1))


def test_a_restart_makes_numbers_anew_but_never_the_counter():
    net, _ = messenger()
    hello = {"role": "cd", "dom": "tp", "fw": "1", "drf": 7, "ph": 0, "un_dV": 2300, "sw": 0,
             "boot": 4}
    net.receive(0, frame("hello", hello, dst="*", n=1))
    net.receive(0, frame(n=2, k=50))
    hello["boot"] = 5
    assert net.receive(0, frame("hello", hello, dst="*", n=1))       # same number, other boot
    assert net.receive(0, frame(n=3, k=50)) is None and dropped(net) == ["REPLAYED"]
    assert net.receive(0, frame(n=2, k=51))


def test_requests_too_old_too_early_or_expired_are_refused():
    for ts, x, ok in ((UTC0_MS, UTC0_MS + 10_000, 1), (UTC0_MS - 10_000, UTC0_MS, 1),
                      (UTC0_MS - 10_001, UTC0_MS + 9, 0), (UTC0_MS + 5000, UTC0_MS + 9000, 1),
                      (UTC0_MS + 5001, UTC0_MS + 9000, 0), (UTC0_MS, UTC0_MS - 1, 0)):
        net, _ = messenger()
        assert (net.receive(0, frame(ts=ts, x=x)) is not None) == bool(ok), (ts, x)
        assert dropped(net) == ([] if ok else ["STALE"])
    for t, body in (("meas.req", {"what": 0, "win_ms": 1}), ("ub.req", {"avg_s": 1, "win_ms": 1})):
        net, _ = messenger()
        assert net.receive(0, frame(t, body,
                                    ts=UTC0_MS - 10_001)) is None and dropped(net) == ["STALE"]


def test_time_and_reports_are_taken_at_any_age():
    """A clock that is wrong by years must be able to mend itself, and old news is still news."""
    net, _ = messenger()
    assert net.receive(0, frame("time", {"utc_ms": 1, "src": "ntp"}, dst="*", n=1, ts=5, x=6))
    assert net.receive(0, frame("sw.ack", {"on": 1, "sel": 0, "ok": 1, "e": 0, "u_dV": 1}, n=2,
                                ts=5))


def test_what_is_for_others_or_from_ourselves_is_foreign():
    net, _ = messenger()
    assert net.receive(0, frame(dst="eu2")) is None
    assert net.receive(0, frame(src="eu1")) is None
    assert net.receive(0, frame(dst="*")) is not None
    assert dropped(net) == ["FOREIGN"] * 2
    assert net.receive(0, frame(src="eu3", n=9), False, ("cd",)) is None
    assert net.receive(0, frame(n=9, k=9), False, ("cd",)) is not None


def test_a_wrong_code_is_refused_and_leaves_no_trace():
    net, _ = messenger()
    assert net.receive(0, frame(h="0" * 15 + "1")) is None
    assert dropped(net) == ["UNAUTHENTIC"]
    # same number and counter: a forgery blocks nobody
    assert net.receive(0, frame()) is not None


def test_a_command_counts_with_our_own_key_over_its_raw_bytes():
    net, _ = messenger({"": [KEY], "*": [GROUP]})
    parent = Messenger(Link(), Sync(), "cd", 1, SimStore(), Keys({"eu1": [KEY]}, SimStore()))
    parent.send(0, "t", "sw.req", "eu1", SW)
    raw = parent.outbox._link.sent[0]
    for k in range(len(raw)):
        bent = bytearray(raw)
        bent[k] ^= 1
        assert net.receive(0, bytes(bent)) is None
        assert net.receive(0, raw[:k]) is None       # cut
    assert net.receive(0, raw) is not None
    for wrong in (OTHER, GROUP):                     # another's key, and the group's
        assert net.receive(0, signed(wrong, 1 << 40, 99)) is None
    assert net.receive(0, frame(n=77, k=1 << 40)) is None        # none at all
    assert dropped(net)[-1] == "UNAUTHENTIC"


def test_the_groups_key_is_for_broadcasts():
    net, _ = messenger({"": [KEY], "*": [GROUP]})
    assert net.receive(0, signed(GROUP, dst="*")) is not None
    assert net.receive(0, signed(KEY, 2, 2, dst="*")) is None and dropped(net) == ["UNAUTHENTIC"]


def test_while_a_key_is_changed_both_are_good_and_the_newest_signs():
    net, _ = messenger({"": [OTHER, KEY]})
    assert net.receive(0, signed(KEY)) and net.receive(0, signed(OTHER, 2, 2))
    assert Keys({"eu1": [OTHER, KEY]}, SimStore()).sign(b"x", "eu1") == mac(OTHER, b"x")


def test_after_a_restart_no_recorded_command_counts_again():
    store = SimStore()
    net, _ = messenger({"": [KEY]}, store)
    old = signed(KEY, 17, 1)
    assert net.receive(0, old)                       # the power goes before the next pass
    net, _ = messenger({"": [KEY]}, store)
    assert net.receive(0, old) is None and dropped(net) == ["REPLAYED"]
    # one write reserves a block, which the sender leaves when it hears of the restart
    assert net.receive(0, signed(KEY, 4095, 2)) is None
    writes = dict(store.files)
    assert net.receive(0, signed(KEY, 4096, 3)) is not None and store.files != writes


def test_a_command_whose_counter_cannot_be_stored_is_not_obeyed():
    store = SimStore()
    net, _ = messenger({"": [KEY]}, store)
    net.may_write = lambda: False                    # something is picked up
    assert net.receive(0, signed(KEY, 1, 1)) is None and dropped(net) == ["UNKEPT"]
    net.may_write = lambda: True
    assert net.receive(0, signed(KEY, 2, 2)) is not None
    store.write = lambda name, data: False
    assert net.receive(0, signed(KEY, 4096, 3)) is None and dropped(net)[-1] == "UNKEPT"


def test_a_time_of_its_own_reserves_the_block_before_a_command_comes():
    store = SimStore()
    net, _ = messenger({"": [KEY], "*": [GROUP]}, store)
    assert net.receive(0, signed(KEY, 1, 1, "time", {"utc_ms": 1, "src": "rtc"}))
    net.slow(0)
    net.may_write = lambda: False
    assert net.receive(0, signed(KEY, 2, 2)) is not None
    assert net.receive(0, signed(GROUP, 9000, 3, "time", {"utc_ms": 1, "src": "rtc"}, "*"))
    assert not net.auth.unsaved                      # the group's key reserves nothing


def test_the_sender_leaves_the_block_when_it_hears_of_a_restart():
    sync, link = Sync(), Link()
    net = Messenger(link, sync, "cd", 1, SimStore(), Keys({"eu1": [KEY], "": [KEY]}, SimStore()))
    net.send(0, "t", "sw.req", "eu1", SW)
    hello = {"role": "op", "dom": "eu", "fw": "1", "drf": 7, "ph": 0, "un_dV": 2300, "sw": 1,
             "boot": 2}
    # the first we hear of it
    net.receive(0, frame("hello", hello, src="eu1", dst="*"), False, ("eu1",))
    net.send(0, "t", "sw.req", "eu1", SW)
    hello["boot"] = 3
    net.receive(0, frame("hello", hello, src="eu1", dst="*"), False, ("eu1",))
    net.send(0, "t", "sw.req", "eu1", SW)
    blocks = [messages.decode(raw)["k"] // 4096 for raw in link.sent]
    assert blocks[0] == blocks[1] < blocks[2]


def test_who_does_not_know_the_time_obeys_nobody():
    net, _ = messenger({"": [KEY]})
    net._sync.known = False
    assert net.receive(0, signed(KEY)) is None and dropped(net) == ["STALE"]
    net._sync.known = True
    assert net.receive(0, signed(KEY)) is not None


def test_only_the_answer_to_our_last_question_is_one_and_once():
    net, _ = messenger({"": [KEY], "*": [GROUP]})

    def time(x, dst="eu1"):
        return messages.decode(signed(KEY, 1, 1, "time", {"utc_ms": 1, "src": "rtc"}, dst, x))

    first = net.question()
    second = net.question()
    assert first != second and 0 < second < 1 << 46
    for msg in (time(-first), time(UTC0_MS), time(-second, "*"), time(second)):
        assert not net.answers(msg)
    assert net.answers(time(-second)) and not net.answers(time(-second))


def test_a_relay_passes_others_messages_and_checks_only_its_own():
    net, _ = messenger({"": [KEY]})
    assert net.receive(0, frame(dst="eu2", n=1), True) is not None    # its code is eu2's business
    assert net.receive(0, frame(dst="eu2", n=1), True) is None and dropped(net) == ["DOUBLED"]
    assert net.receive(0, frame(dst="eu1", n=2), True) is None and "UNAUTHENTIC" in dropped(net)
    assert net.receive(0, frame(dst="eu2", n=3, ts=UTC0_MS - 11_000),
                       True) is None and "STALE" in dropped(net)


def test_garbage_is_counted_and_harmless():
    net, _ = messenger()
    for raw in (b"", b"{}", b"\xff" * 100, frame()[:-1], b"x" * 5000):
        assert net.receive(0, raw) is None
    assert dropped(net) == ["MALFORMED"] * 5


def test_a_flood_of_invented_senders_ends_at_a_bound():
    net, _ = messenger()
    assert net.receive(0, frame())
    for k in range(300):
        net.receive(0, frame("ub.req", {"avg_s": 1, "win_ms": 1}, src="x%d" % k))
    assert len(net._seen) == 100
    assert net.receive(0, frame(n=2, k=2)) is not None


def test_with_keys_an_invented_sender_costs_no_memory():
    net, _ = messenger({"": [KEY]})
    for k in range(300):
        assert net.receive(0, frame("ub.req", {"avg_s": 1, "win_ms": 1}, src="x%d" % k))
    assert len(net._seen) == 0
    assert net.receive(0, signed(KEY)) is not None and list(net._seen) == ["cd"]


def test_numbers_and_counters_go_on_after_a_restart():
    first, second = [], []
    for boots, got in ((3, first), (4, second)):
        link = Link()
        net = Messenger(link, Sync(), "cd", boots, SimStore())
        for _ in range(3):
            net.send(0, "t", "sw.req", "eu1", SW)
        for raw in link.sent:
            msg = messages.decode(raw)
            got.append((msg["n"], msg["k"]))
        assert msg["ts"] == UTC0_MS and msg["x"] == UTC0_MS + 10_000 and msg["h"] == "0" * 16
    assert first[2][1] < second[0][1] and first[0][1] < first[1][1]
    assert not {n for n, _ in first} & {n for n, _ in second}


def evt(net, code):
    net.send(0, "t", "evt", "scc", {"code": code, "ph": 0, "val": 0, "lim": 0, "t0_ms": 0})


def codes(link):
    return [messages.decode(raw)["b"].get("code", "hb") for raw in link.sent]


def test_what_must_arrive_waits_for_the_link_in_order_and_is_not_overtaken():
    net, link = messenger()
    link.up = False
    for code in ("OUT", "RES", "UV"):
        evt(net, code)
    link.up = True
    evt(net, "OV")
    net.send(0, "t", "hb", "*", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1,
                                 "why": 0})
    assert codes(link) == ["hb"]                     # live data does not wait
    for _ in range(3):
        net.slow(0)
    assert codes(link) == ["hb", "OUT", "RES", "UV", "OV"]
    net.slow(0)
    assert len(link.sent) == 5


def test_the_outbox_drops_the_oldest_and_counts():
    net, link = messenger()
    link.up = False
    for k in range(30):
        evt(net, "E%d" % k)
    assert net.outbox.discarded == 6
    net.slow(0)                                       # link still down: nothing is lost by trying
    link.up = True
    for _ in range(20):
        net.slow(0)
    assert codes(link) == ["E%d" % k for k in range(6, 30)]


def test_heart_beats_are_not_kept():
    net, link = messenger()
    link.up = False
    net.send(0, "t", "hb", "*", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1,
                                 "why": 0})
    link.up = True
    net.slow(0)
    assert link.sent == []


def test_a_restarted_sender_is_newer_than_any_uptime_of_its_former_life():
    """One `time` a second for two years must not make the orders after a restart look replayed."""
    old, link = messenger()
    old._k += 63_072_000
    old.send(0, "x", "sw.req", "eu2", SW)
    new = Messenger(link, Sync(), "eu1", 4, SimStore())
    new.send(0, "x", "sw.req", "eu2", SW)
    first, second = [messages.decode(raw)["k"] for raw in link.sent]
    assert first < second < 1 << 53
