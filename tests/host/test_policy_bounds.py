"""The kernels of the policies stay inside 32 bits at the corners of what they may be given, and at
random inside."""
import random
from array import array
from itertools import product

import pytest

from acu.functions import dispatch as dp
from acu.functions import merit
from acu.functions import policy_table as pt
from host_sim.stand_in import checked
from tests.unit.policies import EVENING_JANUARY_S, plant, reader, table

RNG = random.Random(7)
MOST = DEAR = 12_000


def plants():
    """Small and great ones, good and bad, cheap and dear."""
    for mw, ratio, pm, ueur in product((0, 1, 2_900_000, 1_000_000_000), (1, 1000), (100, 1000),
                                       (0, 108_000, 100_000_000)):
        yield dp.Plant(dp.Store(mw, min(mw * ratio + 1, 1_000_000_000), pm, pm),
                       dp.Store(mw, min(mw * ratio + 1, 1_000_000_000), pm, pm), mw, 0, ueur, ueur,
                       ueur, ueur)


def values():
    yield [DEAR] * 64, DEAR
    yield [0], 0
    yield [DEAR, 0, 0, 0], DEAR
    for _ in range(3):
        slopes = sorted((RNG.randrange(DEAR + 1) for _ in range(4)), reverse=True)
        yield slopes, RNG.randrange(DEAR)


def test_any_plant_in_any_state_at_any_price():
    for one in plants():
        solver, out = merit.Merit(one), [0] * dp.SET
        for (slopes, price), dt_s, net in product(values(), (1, 60, 3600),
                                                  (-2_000_000_000, 0, 2_000_000_000)):
            for b, h in ((0, 0), (one.battery.cap_mwh, one.hydrogen.cap_mwh), (-1, -1),
                         (one.battery.cap_mwh // 2, one.hydrogen.cap_mwh // 3)):
                with checked(prove=True):
                    solver.solve(array("i", slopes), price,
                                 [0, max(-net, 0), max(net, 0), b, h, dt_s], out)
                assert 0 <= out[dp.DIE] <= one.d_max_mw
                assert abs(out[dp.H2]) <= one.hydrogen.p_max_mw
                assert max(solver._stopped[2], solver._running[2]) < 1 << 30


@pytest.mark.parametrize("n", [1, 4, 64])
def test_slopes_of_full_bytes_are_the_price_at_most(n):
    block = array("i", [255 << 8] * (1 + 8 * n))
    slopes = array("i", [0] * n)
    for f in product((0, 1, 128, 255, 256), repeat=3):
        corner = array("i", [0, 4 * n, f[0], 0, 2 * n, f[1], 0, n, f[2], 0, 1, 0])
        with checked(prove=True):
            pt.mix(corner, block, 1, pt.UNIT_MOST, n, slopes)
        assert 255 * pt.UNIT_MOST - 60 <= min(slopes) <= max(slopes) <= 255 * pt.UNIT_MOST <= DEAR


def test_blending_and_nodes_at_their_ends():
    out = array("i", [0, 0])
    for f in (0, 255, 256):
        with checked(prove=True):
            pt.blend(bytes([0, 255, 255, 0]), f, 2, out)
        assert list(out) == [255 * f, 255 * (256 - f)]
    nodes = array("i", [0, 1, (1 << 22) - 1])
    row = array("i", [0, 5, 0])
    for x, k, f in ((-1, 0, 0), (0, 0, 0), (1, 1, 0), (1 << 21, 1, 128), (1 << 22, 1, 256),
                    (1 << 30, 1, 256)):
        with checked(prove=True):
            pt.between(x, nodes, 3, row, 0)
        assert (row[0], row[2]) == (5 * k, f), x


def test_the_table_as_a_whole_in_any_state():
    one = pt.Table(plant(), reader(table(unit=pt.UNIT_MOST, fit_pm=65_535)))
    out = [0] * dp.SET
    with checked(prove=True):
        for k in range(200):
            b, h = RNG.choice((0, -1, 2_900_000)), RNG.choice((0, -1, 200_000_000, 99_999_999))
            see = [EVENING_JANUARY_S + k * 86_400 * 5, RNG.choice((0, 6_000_000)),
                   RNG.choice((0, 2_100_000)), b, h, RNG.choice((1, 900, 3600))]
            assert one.propose(see, out)
