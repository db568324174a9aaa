"""The sums of windows stay inside 32 bits on the way, and are exact, from the fullest limbs on."""
from array import array
from itertools import product

import pytest

from acu.functions import aggregates, energy, voltage_events
from host_sim.stand_in import checked

MOST = (1 << 30) - 1
FULL = 32_767


def whole(limbs):
    return sum(x << 15 * k for k, x in enumerate(limbs))


@pytest.mark.parametrize(("p", "q"), [
    *product((MOST, 1373, 1372, 0, -1372, -1373, -MOST), repeat=2)])
def test_energy_of_any_power_and_time(p, q):
    n = 12
    start = ([FULL] * 4 + [5]) * n
    sums = array("i", start)
    with checked(prove=True):
        energy._count(p, q, FULL, sums, 0)
    export = p < 0
    more = {int(export): abs(p)}
    more[2 + export if q >= 0 else 5 - export] = abs(q)
    for k in range(n):
        mine = sums[5 * k:5 * k + 5]
        assert whole(mine) == whole(start[:5]) + more.get(k, 0) * FULL
        assert max(mine[:4]) <= FULL and min(mine) >= 0


@pytest.mark.parametrize("x", [MOST, MOST - FULL, 1 << 15, 1, 0, -1, -(1 << 15), -MOST])
def test_aggregates_of_any_value(x):
    kinds = "rmflg" if x >= 0 else "mflg"
    n = aggregates._PIECE
    st = array("i", ([FULL] * 4 + [7, 9]) * len(kinds))
    start = whole(st[:5])
    with checked(prove=True):
        aggregates._add(len(kinds), 0, n, array("i", [x] * len(kinds)),
                        array("B", kinds.encode()), st)
    for k, kind in enumerate(kinds):
        one = st[6 * k:6 * k + 6]
        if kind in "lg":
            assert one[0] == (min if kind == "l" else max)(x, FULL)
            continue
        assert whole(one[:5]) == start + (x * x if kind == "r" else x) * n
        assert 0 <= min(one[:4]) and max(one[:4]) <= FULL
        assert one[5] == (9 if kind == "f" and x == 0 else 9 + n)


@pytest.mark.parametrize("n", [100, 120])
def test_half_cycles_of_any_voltage(n):
    dest = array("i", [0, 0x3FFFFF, 65_535])
    past = array("H", [65_535] * (3 * n))
    sums = array("i", [65_535 * n] * 3)
    st = array("i", [3, n, n - 1, n - 1, 1, 115])
    with checked(prove=True):
        assert voltage_events._slide(0, 0, 7, st, dest, past, sums) == 3
        assert voltage_events._slide(0, 0, 4, st, dest, past, sums) == 0
        assert list(sums) == [65_535 * (n - 1), 65_535 * n, 65_535 * n]
        assert list(st) == [3, n, 0, n, 1, 115] and past[n - 1] == 0 and past[2 * n - 1] == 65_535
        assert voltage_events._moved(0, 0, 7, st, past, sums) == 1
        assert voltage_events._moved(0, 0, 6, st, past, sums) == 0
