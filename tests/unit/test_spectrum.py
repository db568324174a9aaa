"""Spectrum of waves whose harmonics are known, through a noisy converter and real Measuring."""
from array import array
from math import cos, pi, sqrt

from acu.dsp.ring import RingSampler
from acu.functions.spectrum import UNKNOWN, Spectrum
from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from tests.unit.test_measuring import near

RATE_HZ = 4000


class Meter:
    """A meter of one phase: converter with 0.5 LSB of noise, Measuring and Spectrum. waves: for
    each channel the peak in codes and {harmonic: (part of the fundamental, angle)}."""

    def __init__(self, waves, f_hz=50.0, fn_mhz=50_000, size=256, rate_hz=RATE_HZ, noise=0.5):
        self.rate_hz = rate_hz
        self.sampler = RingSampler(2, PAIRS["single"], size, rate_hz)
        cal = [(450_000_000, 0), (100_000_000, 2000)]
        self.measuring = Measuring(self.sampler, "single", cal, 2300, fn_mhz)
        self.spectrum = Spectrum(self.sampler, self.measuring)
        self.waves = waves
        self.f_hz = f_hz
        self.noise = noise
        self.offset = 0
        self.told = []
        self.tick = 0
        self._turn = 0.3
        self._seed = 1
        self._t_us = 0

    def _code(self, c):
        peak, harmonics = self.waves[c]
        x = cos(self._turn)
        for h, (part, angle) in harmonics.items():
            x += part * cos(h * self._turn + angle)
        for _ in range(3):
            self._seed = (self._seed * 1103 + 12345) & 0x3FFFFF
            x += ((self._seed >> 4) / 131072 - 1) * self.noise / peak
        return min(4095, max(0, int(peak * x + 2048.5 + self.offset)))

    def run(self, ms, slow=True):
        n = self.rate_hz // 200
        for _ in range(ms // 5):
            codes = bytearray(4 * n)
            for k in range(n):
                for c in range(2):
                    code = self._code(c)
                    codes[4 * k + 2 * c] = code & 255
                    codes[4 * k + 2 * c + 1] = code >> 8
                self._turn += 2 * pi * self.f_hz / self.rate_hz
            self.sampler.push(codes)
            self._t_us = (self._t_us + 5000) & 0x3FFFFFFF
            self.measuring.fast(self._t_us)
            self.tick += 1
            if slow and self.tick & 1:
                self.measuring.slow()
                c = self.spectrum.step()
                if c != UNKNOWN:
                    self.told.append(c)
        return self.spectrum


PURE = (1480, {})
EIGHT = {3: (0.03, 1.0), 5: (0.06, 0.2), 7: (0.04, -2.0), 11: (0.01, 0.5), 13: (0.005, 0.0),
         25: (0.01, 1.5)}


def test_a_pure_wave_has_next_to_no_harmonics_whatever_its_frequency():
    """Also where the samples of a cycle are always at the same angles, and between two frames."""
    for f_hz, fn_mhz in ((50.0, 50_000), (47.53, 50_000), (62.37, 60_000)):
        s = Meter((PURE, PURE), f_hz, fn_mhz).run(1000)
        for c in range(2):
            assert 0 <= s.thd_ppm[c] < 500, (f_hz, s.thd_ppm)
            assert s.h_ppm[c][1] == 1_000_000
            near(s.crest_m[c], 1414, 4)


def test_without_noise_the_method_itself_leaves_next_to_nothing():
    for f_hz, fn_mhz in ((50.01, 50_000), (62.37, 60_000)):
        s = Meter((PURE, PURE), f_hz, fn_mhz, noise=0.0).run(1000)
        assert s.thd_ppm[0] < 150 and s.thd_ppm[1] < 150, s.thd_ppm


def test_harmonics_are_found_with_their_size():
    for f_hz, fn_mhz in ((50.0, 50_000), (48.77, 50_000), (60.0, 60_000)):
        s = Meter(((1300, EIGHT), (300, {5: (0.4, 0.0)})), f_hz, fn_mhz).run(1000)
        near(s._n / RATE_HZ, 0.2, 0.006)        # 10 or 12 cycles
        square = 0
        for h in range(2, 26):
            part = EIGHT.get(h, (0,))[0]
            near(s.h_ppm[0][h], part * 1e6, 120 + part * 500)
            square += part * part
        near(s.thd_ppm[0], sqrt(square) * 1e6, 100)
        near(s.h_ppm[1][5], 400_000, 800)
        near(s.thd_ppm[1], 400_000, 800)


def test_crest_factor_and_dc():
    square_wave = {}
    for h in range(3, 26, 2):
        square_wave[h] = (1 / h, (h - 1) // 2 % 2 * pi)
    m = Meter(((1000, square_wave), (1000, {3: (0.2, pi)})))
    m.offset = 40
    s = m.run(1000)
    near(s.crest_m[0], 1180, 30)               # Gibbs' overshoot of 9 %, RMS 0.99
    near(s.thd_ppm[0], 463_148, 200)
    near(s.crest_m[1], 871 / 0.7211, 6)        # 0.8 at the top and more beside it
    for c, full_u in ((0, 450_000_000), (1, 100_000_000)):
        near(s.dc_u[c], 40 * full_u / 2048, full_u / 20_000)


def test_channels_take_turns_and_small_signals_have_no_harmonics():
    m = Meter((PURE, (6, {})))
    s = m.run(2000)
    assert m.told[:4] == [0, 1, 0, 1] and s.n_done == len(m.told) >= 5
    assert s.thd_ppm[0] >= 0
    assert s.thd_ppm[1] == s.crest_m[1] == UNKNOWN
    assert set(s.h_ppm[1]) == {UNKNOWN}
    near(s.dc_u[1], 0, 5000)


def test_before_the_first_window_all_is_unknown():
    s = Meter((PURE, PURE)).run(300)
    assert s.thd_ppm == s.crest_m == s.dc_u == [UNKNOWN] * 2 and s.n_done == 0


def test_a_slow_tier_that_comes_late_spoils_no_window():
    """80 ms of 64 are overwritten: the window begins again."""
    m = Meter((PURE, PURE))
    for _ in range(10):
        m.run(170)
        m.run(80, slow=False)
    assert m.spectrum.n_done == 0
    for _ in range(16):
        m.run(20, slow=False)                 # late, but not too late
        m.run(10)
    s = m.spectrum
    assert s.n_done >= 1 and s.thd_ppm[0] < 500


def test_frames_lost_by_the_fast_tier_spoil_no_window():
    m = Meter((PURE, PURE))
    m.run(300)
    for _ in range(4):
        fast = m.measuring.fast
        m.measuring.fast = lambda now_us: 0
        m.run(70, slow=False)                 # 24 ms of 70 are overwritten
        m.measuring.fast = fast
        m.run(130)
    assert m.sampler.overruns > 0 and m.spectrum.n_done == 0
    s = m.run(600)
    assert s.n_done == 2 and s.thd_ppm[0] < 500 and s.thd_ppm[1] < 500


def test_frames_that_the_converter_lost_spoil_no_window_either():
    m = Meter((PURE, PURE))
    m.run(400)
    m._turn += 1.0                            # overflow of its own queue: nothing is overwritten
    m.sampler.overruns += 13
    s = m.run(100)
    assert s.n_done == 0
    s = m.run(500)
    assert s.n_done == 2 and s.thd_ppm[0] < 500 and s.thd_ppm[1] < 500


def test_no_harmonic_above_half_the_rate():
    s = Meter((PURE, PURE), rate_hz=2000).run(1000)
    assert s.h_ppm[0][19] >= 0 and s.thd_ppm[0] < 600
    assert list(s.h_ppm[0])[20:] == [UNKNOWN] * 6


def test_without_a_ring_nothing_is_known():
    m = Meter((PURE, PURE))
    m.run(300)
    m.sampler.ring = None
    assert m.spectrum.step() == UNKNOWN and m.spectrum.thd_ppm == [UNKNOWN] * 2
    assert array("i", [UNKNOWN])[0] == -1


def test_peaks_at_the_rails_are_seen_whatever_the_rms():
    """Half of the current's range by RMS: sensing cannot tell that from a sine."""
    spiky = (1500, {3: (0.7, 0.0), 5: (0.4, 0.0)})
    for table in (None, array("H", [min(32_760, 8 * code + 30 - code // 64) for code in
                                    range(4096)])):
        m = Meter((PURE, spiky))
        if table:
            m.sampler.use_table(table)
        assert m.run(1000).clipped == 2
        assert max(m.measuring.codes_q8) < 1430 * 256
        m.waves = (PURE, (900, spiky[1]))
        assert m.run(1000).clipped == 0
