"""The kernels of watching stay inside 32 bits on the way and below 2^30 at their ends, whatever is
in the ring: extreme codes, offsets, frequencies and rates, computed as the board does."""
from array import array

import numpy as np
import pytest

from acu.dsp.fixed import HALF_Q16
from acu.dsp.ring import RingSampler
from acu.primitives.measuring import Measuring
from acu.primitives.watching import Watch
from host_sim.stand_in import checked

RNG = np.random.default_rng(1)
CODES = {
    "low": lambda n, period: np.zeros(n),
    "high": lambda n, period: np.full(n, 4095),
    "rails": lambda n, period: RNG.integers(0, 2, n) * 4095,
    "any": lambda n, period: RNG.integers(0, 4096, n),
    "square": lambda n, period: (np.arange(n) // max(period // 2, 1) & 1) * 4095,
    "jump": lambda n, period: (np.arange(n) > n // 2) * 4095,
    "rise": lambda n, period: 2048 + np.where(abs(np.arange(n) - 90) < 40, 2047, 64)
    * np.where(np.arange(n) // max(period // 2, 1) & 1, 1, -1),
    "noise": lambda n, period: 2048 + RNG.integers(0, 3, n),
}


def ticks(rate_hz, size, lag_q8, codes, zero_q8):
    sampler = RingSampler(2, ((0, 1),) * 3, size, rate_hz)
    meter = Measuring(sampler, "single", [(450_000_000, 0), (450_000_000, 0)], 2300, 50_000)
    watch = Watch(sampler, meter, 2300)
    meter._zero_q8[0] = zero_q8
    meter._state[HALF_Q16] = lag_q8 << 7
    sampler.ring[:] = array("H", np.repeat(codes.astype("u2"), 8).tolist())
    watch._fill = size
    for t in range(10):
        sampler.tail = (sampler.tail + rate_hz // 200) % (1 << 29)
        watch.fast(t * 5000, 1)
    return watch


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize(("rate_hz", "size", "f_mhz"),
                         [(11_000, 1024, 44_500), (4000, 512, 50_000), (2000, 256, 65_500)])
def test_no_kernel_leaves_its_bounds(kind, rate_hz, size, f_mhz):
    lag_q8 = rate_hz * 256_000 // f_mhz | 255
    codes = CODES[kind](size, rate_hz * 1000 // f_mhz)
    with checked(prove=True):
        for zero_q8 in (0, 512 << 8, -512 << 8):
            watch = ticks(rate_hz, size, lag_q8, codes, zero_q8)
            assert max(*watch._ph, -min(watch._ph)) < 1 << 30


def test_codes_of_13_bits_are_caught():
    with checked(prove=True), pytest.raises(OverflowError, match="leaves 32 bits"):
        ticks(11_000, 1024, 63_231, np.full(1024, 8191), -512 << 8)
