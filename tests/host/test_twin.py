"""The numpy twin gives the viper kernels' sums bit for bit, the kernels checked as on a board."""
import random
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acu.dsp.ring import RingSampler
from host_sim import stand_in
from host_sim.waveform.twin import TwinSampler

POST = (6, ((0, 3), (1, 4), (2, 5)))
CUSTOMER = (5, ((3, 4), (0, 1), (2, 0)))


def play(make, codes, cuts, step, channels, pairs):
    """Pushes the codes in the given cuts, takes each at once; returns all sums and references."""
    sampler = make(channels, pairs, 128, 4000)
    out = array("i", bytes(4 * 9 * len(pairs)))
    ref = array("i", [0xF12345, step])
    told = []
    first = 0
    for n in cuts:
        sampler.push(codes[first:first + n].tobytes())
        first += n
        assert sampler.ready() == n
        sampler.take(n, ref, out)
        told.append((list(out), ref[0], sampler.overruns))
        for k in range(len(out)):
            out[k] = 0
    return told


def both(codes, cuts, step, channels, pairs):
    with stand_in.checked(prove=True):
        by_kernel = play(RingSampler, codes, cuts, step, channels, pairs)
    assert by_kernel == play(TwinSampler, codes, cuts, step, channels, pairs)
    return by_kernel


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 112), min_size=1, max_size=6),
       st.integers(60_000, 2**20), st.sampled_from([POST, CUSTOMER]))
def test_random_codes(seed, cuts, step, shape):
    codes = np.random.default_rng(seed).integers(0, 4096, (sum(cuts), shape[0]), dtype="u2")
    both(codes, cuts, step, *shape)


@pytest.mark.parametrize("levels", [(0, 0), (4095, 4095), (0, 4095), (4095, 0)])
@pytest.mark.parametrize("square", [False, True])
def test_extreme_codes_stay_below_2_to_30_in_48_frames(levels, square):
    codes = np.empty((96, 6), dtype="u2")
    codes[:, :3], codes[:, 3:] = levels
    if square:
        codes[::2] = 4095 - codes[::2]
    for sums, _, _ in both(codes, [48, 48], 209_715, *POST):
        assert all(abs(value) < 2**30 for value in sums)


def test_127_frames_of_the_worst_wave_in_step_with_the_reference_still_fit():
    sampler = RingSampler(6, POST[1], 256, 4000)
    ref = array("i", [0, 0])  # cos stays at 4096 of 4096
    out = array("i", bytes(4 * 27))
    sampler.push(bytes(127 * 12))
    with stand_in.checked(prove=True):
        sampler.take(127, ref, out)
    assert max(abs(value) for value in out) == 127 * 2048 * 4096 < 2**30


def test_what_was_overwritten_is_counted_alike():
    rng = random.Random(3)
    codes = np.array([[rng.randrange(4096) for _ in range(5)] for _ in range(300)], dtype="u2")
    told = []
    for make in (RingSampler, TwinSampler):
        sampler = make(*CUSTOMER, 128, 4000)
        for first in range(0, 300, 50):
            sampler.push(codes[first:first + 50].tobytes())
        out = array("i", bytes(4 * 27))
        ref = array("i", [5, 209_715])
        n = sampler.ready()
        sampler.take(n, ref, out)
        told.append((n, sampler.overruns, list(out), ref[0]))
    assert told[0] == told[1]
    assert told[0][:2] == (112, 188)


@pytest.mark.parametrize("spread", [1, 3, 4096])     # still and noisy channels
def test_corrected_codes_and_what_is_left_in_the_ring_are_alike(spread):
    rng = np.random.default_rng(spread)
    table = array("H", np.clip(8 * np.arange(4096) + rng.integers(-90, 90, 4096), 0, 32760)
                  .tolist())
    samplers = [make(*POST, 128, 4000) for make in (RingSampler, TwinSampler)]
    samplers[1].keep_ring = True
    refs = [array("i", [0, 209_715]) for _ in samplers]
    for sampler in samplers:
        sampler.use_table(table)
    for _ in range(60):
        outs = [array("i", bytes(4 * 27)) for _ in samplers]
        codes = rng.integers(0, spread, (rng.integers(1, 90), 6)) + (4096 - spread) // 2
        want = rng.integers(1, 100)
        with stand_in.checked(prove=True):
            for sampler, ref, out in zip(samplers, refs, outs, strict=True):
                sampler.push(codes.astype("<u2").tobytes())
                n = min(sampler.ready(), want)
                sampler.take(n, ref, out)
        assert outs[0] == outs[1] and refs[0] == refs[1]
        last = [[sampler.ring[8 * ((sampler.tail - k) % 128) + c] for k in range(1, n + 1)
                 for c in range(6)] for sampler in samplers]
        assert last[0] == last[1]
    assert samplers[0].overruns > 0
