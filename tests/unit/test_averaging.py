"""Sliding averages: what counts, and for how long."""
from acu.functions.averaging import Average


def test_averages_slide():
    a = Average(1600, 3)
    assert a.mean() == [0, 0, 0]
    for t in range(0, 1600, 100):
        a.add(t, (1000, 0, 3))
    assert a.mean() == [1000, 0, 3]
    for t in range(1600, 2400, 100):
        a.add(t, (3000, 0, 3))
    assert a.mean() == [2000, 0, 3]
    a.add(100_000, (7, -8, 9))   # what lies before a gap is gone
    assert a.mean() == [7, -8, 9]
    a = Average(900_000, 3)
    for t in range(0, 900_000, 2000):
        a.add(t, (1_000_000, 1, 2))
    assert a.mean() == [1_000_000, 1, 2]


def test_a_long_window_weighs_more():
    a = Average(1600, 1)
    a.add(0, (1000,), 200)
    a.add(10, (4000,), 400)
    assert a.mean() == [3000]
    a.add(20, (7000,), 5)        # even a short one counts
    assert a.mean() == [4000]
