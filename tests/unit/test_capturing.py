"""Captures: the very samples around an event, whatever the slow tier does meanwhile."""
import struct
from array import array
from binascii import crc32

import micropython

from acu.dsp.ring import RingSampler
from acu.functions import captured
from acu.functions.capturing import CHANNEL, HEAD, MAGIC, UNSYNC, Capture
from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from acu.primitives.synchronising import Synchroniser
from host_sim.board.doors import SimClock, SimStore, SumsSampler

RATE_HZ = 4000
UTC0_MS = 1_772_345_000_000
CAL = [(450_000_000, 0), (100_000_000, 2000)]


class Bench:
    """A meter of one phase. Channel 0 counts the frames, channel 1 stands."""

    def __init__(self, store=None, size=2048, keep=4):
        self.store = store or SimStore()
        self.clock = SimClock(UTC0_MS)
        self.clock.boot(0)
        self.sync = Synchroniser(self.clock)
        self.sampler = RingSampler(2, PAIRS["single"], size, RATE_HZ)
        meter = Measuring(self.sampler, "single", CAL, 2300, 50_000)
        self.capture = Capture(self.sampler, meter, self.store, self.clock, self.sync, keep)
        self.t_us = 0
        self.k = 0              # frames so far
        self.stored = []        # numbers
        self._sums = array("i", [0] * 27)
        self._ref = array("i", [0, 209_715])

    def run(self, ms, picked=0, slow=True, tier=True, locked=False):
        for _ in range(ms // 5):
            self.t_us += 5000
            self.clock.set(self.t_us)
            codes = bytearray(80)
            for j in range(20):
                code = self.k & 4095
                codes[4 * j] = code & 255
                codes[4 * j + 1] = code >> 8
                codes[4 * j + 2] = 99
                self.k += 1
            self.sampler.push(codes)
            if not tier:
                continue
            while self.sampler.ready():
                self.sampler.take(min(self.sampler.ready(), 120), self._ref, self._sums)
            now_us = self.clock.ticks_us()
            if locked:
                micropython.heap_lock()
            self.capture.fast(now_us, picked, 53)
            if locked:
                micropython.heap_unlock()
            if slow and self.t_us % 10_000 == 0:
                n = self.capture.slow(self.clock.now_ms(), True)
                if n:
                    self.stored.append(n)
        return self


def parts(raw):
    """(fields of the header, channels, codes) of a record; CRC and length are right."""
    assert crc32(raw[:-4]) & 0xFFFFFFFF == struct.unpack("<I", raw[-4:])[0]
    size = struct.calcsize(HEAD)
    head = struct.unpack(HEAD, raw[:size])
    step = struct.calcsize(CHANNEL)
    n = head[-1]
    channels = [struct.unpack(CHANNEL, raw[size + step * c:size + step * (c + 1)])
                for c in range(n)]
    codes = array("H", raw[size + step * n:-4])
    assert len(codes) == n * head[5]
    return head, channels, codes


def test_the_samples_from_200_ms_before_to_200_ms_after_are_kept_one_by_one():
    b = Bench().run(1000)
    event = b.k
    b.run(40, picked=1).run(400)
    assert b.stored == [1]
    head, channels, codes = parts(b.store.read("cap0"))
    assert head[:6] == (MAGIC, 1, 53, UNSYNC, RATE_HZ, 1600)
    assert channels == [(450_000_000, 0, 0), (100_000_000, 2000, 0)]
    assert (head[9], head[10][:6], head[11]) == (2300, b"single", 2)
    pre = head[6]
    # the event's frame is one of the tick that saw it
    assert 780 <= pre <= 820
    first = event + 20 - pre
    for k in range(1600):
        assert codes[2 * k] == (first + k) & 4095
        assert codes[2 * k + 1] == 99
    # the first frame's time: 4 frames a millisecond since the start
    assert abs(head[7] - UTC0_MS - first // 4) <= 1


def test_a_slow_tier_that_comes_late_loses_nothing():
    b = Bench().run(1000)
    b.run(20, picked=1, slow=False).run(3000, slow=False)
    assert b.stored == [] and b.capture.busy()
    b.run(100)
    head, _, codes = parts(b.store.read("cap0"))
    assert codes[2 * head[6] - 2] == (4000 + 19) & 4095
    assert abs(head[7] - UTC0_MS - (4020 - head[6]) // 4) <= 1
    assert not b.capture.busy()


def test_nothing_is_written_while_something_is_picked_up():
    b = Bench().run(500)
    b.run(10, picked=1, slow=False).run(1000, slow=False)
    for _ in range(10):
        assert b.capture.slow(b.clock.now_ms(), False) == 0
    assert b.store.read("cap0") is None


def test_only_so_many_are_kept_and_numbers_go_on_after_a_restart():
    b = Bench(keep=2).run(300)
    for _ in range(3):
        b.run(10, picked=1).run(500)
    assert b.stored == [1, 2, 3]
    assert [one[1] for one in captured.listed(b.store)] == [3, 2]
    again = Bench(b.store, keep=2).run(300).run(10, picked=1).run(500)
    assert again.stored == [4]
    assert [one[1] for one in captured.listed(b.store)] == [4, 3]
    for one in captured.listed(b.store):
        assert parts(b.store.read(one[0]))[0][1] == one[1] and one[8]


def test_a_cut_while_one_is_written_leaves_as_many_as_there_were():
    b = Bench(keep=2).run(300)
    for _ in range(3):
        b.run(10, picked=1).run(500)
    b.run(10, picked=1, slow=False).run(400, slow=False)
    for _ in range(2):
        assert b.capture.slow(b.clock.now_ms(), True) == 0
    found = captured.listed(b.store)
    assert [(one[1], one[8]) for one in found] == [(4, False), (3, True), (2, True)]
    again = Bench(b.store, keep=2).run(300).run(10, picked=1).run(500)
    assert again.stored == [5]
    assert [(one[1], one[8]) for one in captured.listed(b.store)] == [(5, True), (3, True)]
    b.store.files["cap7"] = b.store.files["cap0"]       # of a time when more were kept
    Bench(b.store, keep=1)
    assert [(one[1], one[8]) for one in captured.listed(b.store)] == [(5, True)]


def test_what_the_store_does_not_take_leaves_no_half_of_a_capture():
    b = Bench(keep=2).run(300).run(10, picked=1).run(500)
    append = b.store.append
    b.store.append = lambda name, data: False
    b.run(10, picked=1).run(500)
    assert b.stored == [1] and b.capture.lost == 1 and not b.capture.busy()
    assert [one[1] for one in captured.listed(b.store)] == [1]
    b.store.append = append
    b.run(10, picked=1).run(500)
    assert [(one[1], one[8]) for one in captured.listed(b.store)] == [(3, True), (1, True)]


def test_captures_are_listed_with_what_a_reader_wants_to_know():
    b = Bench().run(1000).run(40, picked=1).run(400)
    raw = b.store.read("cap0")
    head = parts(raw)[0]
    assert captured.listed(b.store) == [
        ("cap0", 1, 53, head[7], 1600, head[6], RATE_HZ, 2, True)]
    for wrong in (raw[:-1], raw[:3000], raw[:3000] + b"x" + raw[3001:]):
        b.store.files["cap0"] = wrong
        assert captured.listed(b.store)[0][8] is False
    for none in (b"", raw[:20], b"x" * 3000):
        b.store.files["cap0"] = none
        assert captured.listed(b.store) == []


def test_an_event_during_a_capture_is_counted_not_mixed_in():
    b = Bench().run(500).run(20, picked=1).run(50).run(20, picked=1).run(600)
    assert b.stored == [1] and b.capture.missed == 1


def test_what_waits_to_be_written_is_not_overwritten_by_the_next_event():
    b = Bench().run(500).run(20, picked=1, slow=False).run(500, slow=False)
    b.run(20, picked=1, slow=False).run(500, slow=False).run(100)
    head, _, codes = parts(b.store.read("cap0"))
    assert b.stored == [1] and b.capture.missed == 1
    assert codes[0] == 2020 - head[6]


def test_a_lasting_event_is_captured_once():
    b = Bench().run(500).run(3000, picked=1)
    assert b.stored == [1] and b.capture.missed == 0


def test_what_stands_from_the_start_on_is_no_event():
    b = Bench().run(500, picked=1)
    assert not b.capture.busy()
    b.run(10).run(10, picked=1).run(500)
    assert b.stored == [1]


def test_the_slow_tier_may_ask_for_one():
    b = Bench().run(500)
    b.capture.request(56)
    b.run(600)
    assert b.stored == [1]
    assert parts(b.store.read("cap0"))[0][2] == 56


def test_what_was_overwritten_is_not_stored_as_if_it_were_there():
    b = Bench().run(500).run(10, picked=1)
    b.run(600, tier=False)                       # as long as the ring, and more
    b.run(600)
    assert b.stored == [] and b.capture.lost == 1 and not b.capture.busy()
    b.run(300).run(10, picked=1).run(500)        # the next is whole again
    assert b.stored == [1]


def test_soon_after_the_start_there_is_less_before_it():
    b = Bench().run(50).run(10, picked=1).run(500)
    head, _, codes = parts(b.store.read("cap0"))
    assert head[6] == 220 and codes[0] == 0 and head[5] == 220 + 800


def test_the_fast_tier_allocates_nothing():
    b = Bench().run(500, locked=True).run(20, picked=1, locked=True).run(500, locked=True)
    assert b.stored == [1]


def test_without_samples_there_is_nothing_to_capture():
    sampler = SumsSampler(2, PAIRS["single"], RATE_HZ, None)
    clock = SimClock(UTC0_MS)
    meter = Measuring(sampler, "single", CAL, 2300, 50_000)
    c = Capture(sampler, meter, SimStore(), clock, Synchroniser(clock))
    for _ in range(3):
        c.fast(0, 1)
    assert not c.on and not c.busy() and c.missed == 0


def test_it_keeps_up_before_the_ring_comes_round():
    """50 frames a tick against 20 new ones: it has caught up before 200 ms."""
    b = Bench().run(500).run(5, picked=1)
    b.run(180)
    assert (b.sampler.tail - b.capture._next) & 0x1FFFFFFF == 0
