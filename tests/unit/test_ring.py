"""The ring keeps frames in order, loses none silently, and allocates nothing when read."""
from array import array

import micropython

from acu.dsp.ring import HEAD_PERIOD, RingSampler

PAIRS = ((3, 4), (0, 1), (2, 0))


def ring(size=64):
    return RingSampler(5, PAIRS, size, 4000)


def codes(first, n):
    """n frames; channel 0 counts from 2048 + first on, the others hold 2048."""
    out = bytearray(10 * n)
    for k in range(n):
        for c in range(5):
            code = 2048 + (first + k if c == 0 else 0)
            out[10 * k + 2 * c] = code & 255
            out[10 * k + 2 * c + 1] = code >> 8
    return bytes(out)


def take(r, n):
    """Sum of channel 0 over the n oldest frames, centred."""
    out = array("i", bytes(4 * 27))
    r.take(n, array("i", [0, 209_715]), out)
    assert out[18 + 1] == out[9]  # the same channel seen by another pair
    return out[9]


def test_frames_come_out_in_order_and_once():
    r = ring()
    assert r.ready() == 0
    r.push(codes(0, 30))
    assert r.ready() == 30
    assert take(r, 10) == sum(range(10)) and take(r, 20) == sum(range(10, 30))
    r.push(codes(30, 48))  # over the end of the ring
    assert r.ready() == 48 and take(r, 48) == sum(range(30, 78))
    assert r.ready() == 0 and r.overruns == 0


def test_what_was_overwritten_is_counted_and_the_newest_is_kept():
    r = ring()
    r.push(codes(0, 40))
    r.push(codes(40, 60))
    assert r.ready() == 48 and r.overruns == 52
    assert take(r, 48) == sum(range(52, 100))
    r.push(codes(100, 10))
    assert r.ready() == 10 and r.overruns == 52


def test_the_count_of_frames_wraps_without_a_jump():
    r = ring()
    r.head = r.tail = HEAD_PERIOD - 7
    r.push(codes(0, 20))
    assert r.ready() == 20 and take(r, 20) == sum(range(20)) and r.head == 13


def test_a_ring_that_cannot_work_is_refused():
    for channels, size in ((9, 64), (5, 100), (5, 32)):
        try:
            RingSampler(channels, PAIRS, size, 4000)
        except ValueError:
            continue
        raise AssertionError(size)


def test_reading_allocates_nothing():
    r = ring()
    r.push(codes(0, 40))
    ref = array("i", [0, 209_715])
    out = array("i", bytes(4 * 27))
    micropython.heap_lock()
    n = r.ready()
    r.take(n, ref, out)
    micropython.heap_unlock()
    assert n == 40
