"""The spectrum's kernels never leave their words, and find what an exact transform finds."""
from array import array

import numpy as np
import pytest

from acu.dsp import harmonics as hm
from acu.dsp.kernels import SINE, STRIDE
from acu.functions.spectrum import UNKNOWN, Spectrum
from host_sim.stand_in import checked
from host_sim.waveform import harmonics as twin
from tests.host.spans import Cells, run, span

FRAMES = 2550                       # most of a window
PLACE = 12 * 8193 * 6144            # most of a place: each of 12 cycles comes by once


class Ring:
    overruns = 0
    _table = None

    def __init__(self, codes, rate_hz, size=4096):
        self.rate_hz, self.size, self.tail = rate_hz, size, 0
        self.ring = array("H", bytes(2 * STRIDE * size))
        for k, code in enumerate(codes):
            self.ring[STRIDE * k] = int(code)
        self._n = len(codes)

    def arrive(self, n=40):
        self.tail = min(self.tail + n, self._n)


class Tracked:
    cal = [(450_000_000, 0)]
    fund = ((1, 0),)

    def __init__(self, f_mhz):
        self.used_mhz = f_mhz


def spectrum(codes, f_mhz, rate_hz):
    ring = Ring(codes, rate_hz)
    s = Spectrum(ring, Tracked(f_mhz))
    largest = 0
    while s.step() == UNKNOWN:
        ring.arrive(rate_hz // 100)
        largest = max(largest, *(abs(x) for x in s._bins), *(abs(x) for x in s._acc))
    return s, largest


def test_a_frame_from_any_state_stays_inside_32_bits():
    state = [span(0, 255), 255, span(0, 7), span(0, 0xFFFFFF), span(0, 0x8000),
             span(0, 0xFFFFFF), span(0, 0x80000), span(-2048, 4095), span(-4095, 2047),
             span(-2048 * FRAMES, 2047 * FRAMES), span(0, 0xFFFFFF), span(0, FRAMES)]
    bins = Cells(4, hm.PLACES, -PLACE, PLACE)
    run(hm, "gather", 0, 0, 1, Cells.of(4, state), Cells(2, STRIDE * 256, 0, 4095),
        Cells(4, 320, -4096, 4096), bins)


def test_folding_and_the_sums_of_any_window_stay_inside_30_bits():
    bins = Cells(4, hm.PLACES, -PLACE, PLACE)
    run(hm, "fold", 0, 0, bins)
    # the sum of all places is bounded by the frames, wherever in them it is
    half = FRAMES * 6144 // 128 + 2
    acc = Cells(4, 2 * hm.HARMONICS)
    run(hm, "correlate", 0, 0, 1, 4, Cells(4, 320, -4096, 4096), Cells(4, 256, -half, half), acc)
    with pytest.raises((OverflowError, ValueError)):
        run(hm, "correlate", 0, 0, 1, 2, Cells(4, 320, -4096, 4096),
            Cells(4, 256, -2 * half, 2 * half), acc)


@pytest.mark.parametrize(("rate_hz", "f_mhz"), [(4000, 50_000), (10_000, 45_000)])
def test_rails_at_the_worst_places_stay_inside_their_words(rate_hz, f_mhz):
    for h in (1, 2):
        turn = h * f_mhz / 1000 / rate_hz * np.arange(4000) % 1
        with checked(prove=True):
            s, largest = spectrum(np.where(turn < 0.5, 4095, 0), f_mhz, rate_hz)
        assert largest < 1 << 30
        if h == 1:
            assert abs(s.h_ppm[0][3] - 333_333) < 3000


def test_magnitudes_of_any_pair_that_a_window_can_give():
    rng = np.random.default_rng(3)
    for scale in (3, 400, 10**5, 10**8, FRAMES * 6144 * 64):
        turn = rng.random(25) * 6.2832
        turn[:3] = 0, np.pi, np.pi / 4
        pairs = np.array(scale * np.array([np.cos(turn), np.sin(turn)]).T, dtype=int).ravel()
        pairs[8:10] = 0
        out = array("i", [0] * 25)
        with checked(prove=True):
            hm.magnitudes(0, 0, 25, array("i", [int(x) for x in pairs]), out)
        truth = 1.646760258 * np.hypot(pairs[::2], pairs[1::2])
        assert np.all(np.abs(np.array(out) - truth) <= 2 + truth * 2e-5)


def test_ratios_over_their_range():
    rng = np.random.default_rng(5)
    spline = np.sinc(np.arange(1, 26) / 256) ** 4
    for one in (1 << 19, (1 << 21) - 1, 10**8, (1 << 31) - 1):
        for part in (3e-5, 1e-3, 0.1, 1.0, 2.5):
            sizes = np.minimum(one * part * rng.random(25), (1 << 31) - 1).astype(int)
            sizes[0] = one
            out = array("i", [0] * 26)
            with checked(prove=True):
                hm.ratios(0, 0, 25, array("i", sizes.tolist()), out)
            truth = 1e6 * np.minimum(sizes / one, 2) / spline * spline[0]
            assert np.all(np.abs(np.array(out[1:]) - truth) <= 3 + truth * 2e-4)
            assert max(abs(x) for x in out) < 1 << 30
            thd = np.sqrt(np.sum(np.array(out[2:], dtype=float) ** 2))
            assert abs(out[0] - thd) <= 2 + thd * 1e-4


@pytest.mark.parametrize("rate_hz", [4000, 4800, 6400])
def test_it_finds_what_an_exact_transform_of_the_same_codes_finds(rate_hz):
    rng = np.random.default_rng(rate_hz)
    k = np.arange(2 * rate_hz // 5)
    for _ in range(4):
        f_mhz = int(rng.integers(45_000, 65_000)) if _ else 50_000
        turn = 2 * np.pi * f_mhz / 1000 / rate_hz * k
        wave = np.cos(turn + 1)
        for h in range(2, 26):
            wave += rng.random() / h / 4 * np.cos(h * turn + rng.random() * 6.28)
        codes = np.clip(np.round(2048 + 900 * wave + 0.5 * rng.standard_normal(len(k))), 0, 4095)
        s, _ = spectrum(codes, f_mhz, rate_hz)
        n = s._n
        weight = 1 - np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)
        lines = [abs(np.sum(weight * (codes[:n] - 2048) * np.exp(-1j * h * turn[:n])))
                 for h in range(1, 26)]
        truth = 1e6 * np.array(lines) / lines[0]
        assert np.max(np.abs(np.array(s.h_ppm[0][1:]) - truth)) < 60
        assert abs(s.thd_ppm[0] - np.sqrt(np.sum(truth[1:] ** 2))) < 60


def test_the_numpy_twin_is_equal_to_the_bit():
    rng = np.random.default_rng(8)
    ring = array("H", rng.integers(0, 4096, 256 * STRIDE).tolist())
    states = [array("i", [200, 255, 3, 5, 20_000, 77, 209_715, 4095, -4095, 0, 0, 0])
              for _ in range(2)]
    bins = [array("i", [0] * 256) for _ in range(2)]
    acc = [array("i", [0] * 50) for _ in range(2)]
    for n in (127, 1, 0, 40, 126):
        for k, loops in enumerate((hm, twin)):
            loops.gather(0, 0, n, states[k], ring, SINE, bins[k])
        assert states[0] == states[1] and bins[0] == bins[1]
    for k, loops in enumerate((hm, twin)):
        hm.fold(0, 0, bins[k])
        loops.correlate(0, 0, 1, 9, SINE, bins[k], acc[k])
        loops.correlate(0, 0, 9, 26, SINE, bins[k], acc[k])
    assert acc[0] == acc[1]
