"""ISF-1, store and forward: nothing accepted is lost within the room there is, whatever the net
does."""
from acu.primitives.outbox import Outbox
from host_sim.board.doors import SimStore

UP = "slvg/1/slv/sc1/uc1/eu1/up/"
MAN = "slvg/1/man/sc1/up/"


class Link:
    """A broker that confirms when told to; shut: prefixes of topics that it does not take."""

    def __init__(self):
        self.up = True
        self.shut = ()
        self.session = 1
        self.acks = []
        self.got = []           # (topic, payload, retain), in order
        self.pending = []
        self._n = 1

    def publish(self, topic, payload, qos, retain):
        if not self.up or topic.startswith(self.shut or ("-",)):
            return 0
        self.got.append((topic, payload, retain))
        self._n += 1
        self.pending.append(self._n)
        return self._n

    def confirm(self):
        self.acks += self.pending
        self.pending = []

    def cut(self):
        self.up = False
        self.pending = []

    def back(self):
        self.up = True
        self.session += 1


def put(box, now_ms, *names, retain=0, kind="evt"):
    for name in names:
        box.put(now_ms, UP + kind, name.encode(), retain)


def names(link):
    return [str(raw, "utf-8") for _, raw, _ in link.got]


def run(box, link, from_ms, for_ms, confirms=True, may_write=True):
    for now_ms in range(from_ms, from_ms + for_ms, 10):
        box.slow(now_ms, may_write)
        if confirms:
            link.confirm()


def test_what_is_not_confirmed_is_sent_again_on_the_next_connection():
    link = Link()
    box = Outbox(link, SimStore())
    put(box, 0, "a", "b")
    assert names(link) == ["a", "b"]
    box.slow(10, True)
    link.acks.append(link.pending[0])                # a arrived, b nobody knows
    box.slow(20, True)
    link.cut()
    link.back()
    run(box, link, 30, 100)
    assert names(link) == ["a", "b", "b"]
    run(box, link, 200, 20_000)
    assert names(link) == ["a", "b", "b"] and not box.waiting()


def test_the_store_keeps_what_waits_and_gives_it_back_oldest_first_one_a_second():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    for k in range(40):
        put(box, k * 1000, "e%02d" % k)
        run(box, link, k * 1000, 1000)
    assert box.stored() and box.discarded == 0 and box.unsent() < 24
    link.back()
    put(box, 40_000, "live")
    run(box, link, 40_000, 500)
    assert "live" in names(link)                     # live data first
    before = len(link.got)
    run(box, link, 40_500, 5_000)
    assert 4 <= len(link.got) - before <= 6
    run(box, link, 46_000, 60_000)
    told = names(link)
    assert sorted(told) == sorted(["live"] + ["e%02d" % k for k in range(40)])
    stored = [name for name in told if name < told[0]]
    assert stored == sorted(stored) and box.stored() == 0
    assert [name for name in store.files if name[:3] == "out"] == []


def test_what_the_store_holds_outlives_a_restart_and_comes_at_most_twice():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    for k in range(14):
        put(box, 0, "e%02d" % k)
    run(box, link, 0, 12_000)
    assert box.unsent() == 0
    box = Outbox(link, store)                        # a power cut
    put(box, 0, "new")
    run(box, link, 0, 12_000)
    link.back()
    run(box, link, 20_000, 3_500)
    link.cut()
    box = Outbox(link, store)                        # one more, in the middle
    link.back()
    run(box, link, 0, 40_000)
    assert set(names(link)) == {"e%02d" % k for k in range(14)} | {"new"}
    assert max([names(link).count(name) for name in names(link)]) <= 2


def test_a_connection_lost_while_the_store_is_read_loses_nothing():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    put(box, 0, "a", "b", "c")
    run(box, link, 0, 12_000)
    link.back()
    run(box, link, 12_000, 1_500, False)             # "a" is under way
    link.cut()
    run(box, link, 14_000, 100)
    link.back()
    run(box, link, 15_000, 10_000)
    assert names(link) == ["a", "a", "b", "c"] and box.stored() == 0


def test_what_was_under_way_when_the_net_went_is_stored_like_the_rest():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    put(box, 0, "a")
    link.cut()
    run(box, link, 0, 12_000)
    box = Outbox(link, store)                        # a power cut in the outage
    link.back()
    run(box, link, 0, 5_000)
    assert names(link) == ["a", "a"]


def test_a_torn_segment_loses_its_last_row_only():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    put(box, 0, "a", "b", "c")
    run(box, link, 0, 12_000)
    store.files["out0"] = store.files["out0"][:-3]
    link.back()
    box = Outbox(link, store)
    run(box, link, 0, 10_000)
    assert names(link) == ["a", "b"] and box.stored() == 0


def test_full_it_gives_up_the_oldest_and_counts_each():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    for k in range(600):
        put(box, k * 500, "%04d" % k + "x" * 200)
        run(box, link, k * 500, 500)
    assert box.stored() == 16 and sum([len(raw) for raw in store.files.values()]) <= 16 * 4096
    link.back()
    run(box, link, 300_000, 700_000)
    told = sorted(names(link))
    assert len(told) + box.discarded == 600 and len(told) >= 250
    assert told == ["%04d" % k + "x" * 200 for k in range(600 - len(told), 600)]


def test_retained_states_are_not_told_again_as_such_from_the_store():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    put(box, 0, "old", retain=1, kind="outage")
    run(box, link, 0, 12_000)
    link.back()
    put(box, 12_000, "new", retain=1, kind="restore")
    run(box, link, 12_000, 10_000)
    assert [(raw, retain) for _, raw, retain in link.got] == [(b"new", 1), (b"old", 0)]


def test_a_command_waits_no_longer_than_it_is_good_and_is_never_stored():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    box.put(0, "slvg/1/slv/sc1/uc1/eu1/dn/sw.req", b"open", 0, 10_000)
    run(box, link, 0, 11_000)
    assert store.files == {} and box.unsent() == 0
    link.back()
    run(box, link, 11_000, 1_000)
    assert link.got == [] and box.discarded == 1


def test_one_net_that_is_down_does_not_hold_up_the_other_nor_change_its_order():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.shut = MAN
    for k in range(3):
        box.put(0, MAN + "evt", b"m%d" % k, 0)
        put(box, 0, "s%d" % k)
    assert names(link) == ["s0", "s1", "s2"]
    run(box, link, 0, 11_000)
    assert box.stored() == 1                         # it has waited for ten seconds
    link.shut = ()
    run(box, link, 11_000, 10_000)
    assert names(link) == ["s0", "s1", "s2", "m0", "m1", "m2"]


def test_of_telemetry_the_totals_of_each_quarter_of_an_hour_are_stored():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    for minute in range(60):
        for page in (0, 1):
            box.put(minute * 60_000, MAN + "tele",
                    b'{"t":%d,"pg":%d,"pgs":2}' % (minute, page), 0)
        for k in range(0, 60_000, 1000):
            box.slow(minute * 60_000 + k, True)
    link.back()
    run(box, link, 3_600_000, 60_000)
    minutes = [int(name.split(":")[1].split(",")[0]) for name in names(link)]
    assert minutes == sorted(minutes) and len(minutes) == 4
    assert all([b - a >= 15 for a, b in zip(minutes, minutes[1:])])


def test_nothing_is_written_while_protection_is_busy():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    link.cut()
    put(box, 0, "a")
    run(box, link, 0, 30_000, may_write=False)
    assert store.files == {}
    run(box, link, 30_000, 100)
    assert store.files


def test_a_store_that_does_not_take_it_leaves_it_in_ram():
    link, store = Link(), SimStore()
    tried = []

    def refuse(name, data):
        tried.append(name)
        return False
    store.write = store.append = refuse
    box = Outbox(link, store)
    link.cut()
    put(box, 0, "a", "b")
    run(box, link, 0, 30_000)
    assert len(tried) == 1                           # not at every pass
    link.back()
    run(box, link, 30_000, 1_000)
    assert names(link) == ["a", "b"]


def test_its_rest_ends_when_something_is_to_be_done():
    link, store = Link(), SimStore()
    box = Outbox(link, store)
    assert box.rest_ms(0) > 1_000_000
    link.cut()
    put(box, 0, "a")
    assert 9_000 < box.rest_ms(500) <= 9_500 and box.rest_ms(20_000) == 0
    run(box, link, 500, 12_000)
    link.back()
    assert box.rest_ms(20_000) == 0
