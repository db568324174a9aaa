"""Measuring against waves whose truth is known; nothing is lost, nothing is allocated."""
from array import array
from math import acos, cos, pi, sin, sqrt

import micropython

from acu.dsp import fixed
from acu.dsp.ring import RingSampler
from acu.primitives import measuring
from acu.primitives.measuring import Measuring

RATE_HZ = 4000
SLOT_NS = 2000
U_PEAK_V = 450
I_PEAK_A = 100
POST = ("post", 6, ((0, 3), (1, 4), (2, 5)), 3)
CUSTOMER = ("customer", 5, ((3, 4), (0, 1), (2, 0)), 4)


class Bench:
    """An ideal 12-bit converter with 0.5 LSB of noise and an offset, and the meter behind it."""

    def __init__(self, shape=POST, fn_mhz=50_000):
        kind, self.n, pairs, self.n_v = shape
        cal = []
        for c in range(self.n):
            cal.append(((U_PEAK_V if c < self.n_v else I_PEAK_A) * 1_000_000, SLOT_NS * c))
        self.sampler = RingSampler(self.n, pairs, 256, RATE_HZ)
        self.meter = Measuring(self.sampler, kind, cal, 2300, fn_mhz)
        self.windows = []
        self.powers = []           # p_w and q_var of each window
        self.offset = 0            # of all channels, codes
        self.late = False          # True: the slow tier does not come
        self.t_us = (1 << 30) - 500_000  # ticks wrap within the test
        self._k = 0
        self._turn = 0.1
        self._seed = 1
        self.closed = 0

    def noise(self):
        """About Gaussian, 0.5 LSB rms."""
        total = 0
        for _ in range(3):
            self._seed = (self._seed * 1103 + 12345) & 0x3FFFFF
            total += self._seed >> 4
        return total / 262144 - 1.5

    def run(self, ms, u_v=230.0, i_a=20.0, phi=0.0, f_hz=50.0, lost=False):
        """Feeds ms of three equal phases in ticks of 5 ms; customer: phase A and its load."""
        per_tick = RATE_HZ // 200
        shift = {6: [0, 1, 2, 0, 1, 2], 5: [0, 1, 2, 0, 0], 4: [0, 1, 0, 1], 2: [0, 0]}[self.n]
        for tick in range(ms // 5):
            codes = bytearray(2 * self.n * per_tick)
            for k in range(per_tick):
                for c in range(self.n):
                    x = self._turn + 2 * pi * f_hz * SLOT_NS * c / 1e9 - shift[c] * 2 * pi / 3
                    if c < self.n_v:
                        y = u_v / U_PEAK_V * cos(x)
                    else:
                        y = i_a / I_PEAK_A * cos(x - phi)
                    code = int(y * 2048 * sqrt(2) + 2048.5 + c - 2 + self.offset + self.noise())
                    code = min(4095, max(0, code))
                    at = 2 * (k * self.n + c)
                    codes[at] = code & 255
                    codes[at + 1] = code >> 8
                self._turn += 2 * pi * f_hz / RATE_HZ
            self.sampler.push(codes)
            self.t_us = (self.t_us + 5000) & 0x3FFFFFFF
            if lost:
                continue
            self.closed += self.meter.fast(self.t_us)
            if tick & 1 and not self.late and self.meter.slow():
                self.windows.append(self.meter.window_ms)
                if self.n == 6:
                    self.powers.append(self.meter.p_w + self.meter.q_var)
        return self.meter


def near(value, truth, allowed):
    assert abs(value - truth) <= allowed, (value, truth)


def test_a_post_at_50_hz_unity_and_half_power_factor():
    b = Bench()
    m = b.run(450)
    for k in range(3):
        near(m.u_dv[k], 2300, 1)
        near(m.i_ma[k], 20_000, 6)
        near(m.p_w[k], 4600, 1)
        near(m.q_var[k], 0, 2)
        near(m.s_va[k], 4600, 2)
        near(m.pf_m[k], 1000, 0)
        near(m.half_dv[k], 2300, 1)
        near(m.half_ma[k], 20_000, 20)
    assert (m.f_mhz, m.quality, m.window_ms, m.n_windows) == (50_000, 0, 200, 2)
    b.run(600, phi=acos(0.5))
    for k in range(3):
        near(m.p_w[k], 2300, 2)
        near(m.q_var[k], 3984, 2)
        near(m.pf_m[k], 500, 0)


def test_a_customer_at_60_hz_capacitive_and_exporting():
    b = Bench(CUSTOMER, 60_000)
    m = b.run(450, f_hz=60.0, phi=-acos(0.8))
    near(m.u_load_dv, 2300, 1)
    near(m.i_ma, 20_000, 6)
    near(m.p_w, 3680, 1)
    near(m.q_var, -2760, 2)
    near(m.pf_m, 800, 0)
    near(m.f_mhz, 60_000, 1)
    for k in range(3):
        near(m.u_dv[k], 2300, 1)
    near(m.half_load_dv(), 2300, 2)
    b.run(600, f_hz=60.0, phi=pi)
    near(m.p_w, -4600, 1)
    near(m.pf_m, -1000, 0)
    assert m.e_export_mwh > 0


def test_off_nominal_frequency_is_found_and_costs_no_accuracy():
    b = Bench()
    for f_hz in (47.53, 49.97, 52.4):
        m = b.run(1000, f_hz=f_hz, phi=acos(0.5))
        near(m.f_mhz, int(f_hz * 1000 + 0.5), 2)
        near(m.u_dv[0], 2300, 1)
        near(m.p_w[1], 2300, 2)
        near(m.q_var[2], 3984, 3)
        near(m.half_dv[0], 2300, 4)


def test_a_window_that_is_no_whole_number_of_frames_long_costs_nothing():
    b = Bench()
    b.run(1000, f_hz=47.53)
    b.powers = []
    b.run(1300, f_hz=47.53)
    b.run(1300, f_hz=47.53, phi=pi / 2)
    assert len(b.powers) >= 12
    for powers in b.powers[:5]:      # 0.06 % of 4600 W at stake
        for k in range(3):
            near(powers[k], 4600, 1)
    for powers in b.powers[-4:]:
        for k in range(3):
            near(powers[k], 0, 1)
            near(powers[3 + k], 4600, 1)


def test_offsets_of_the_converter_make_no_power():
    b = Bench()
    b.offset = 80
    m = b.run(450, i_a=5.0)
    near(m.p_w[0], 1150, 1)
    near(m.i_ma[0], 5000, 10)
    near(m.half_ma[0], 5000, 30)


def test_where_the_steps_of_the_sine_table_beat_with_the_wave_they_do_no_harm():
    for f_hz in (46.5, 62.47):
        b = Bench(POST, 50_000 if f_hz < 55 else 60_000)
        m = b.run(1000, f_hz=f_hz)
        b.powers = []
        for _ in range(10):
            b.run(200, f_hz=f_hz, phi=1.0)
            near(m.f_mhz, int(f_hz * 1000 + 0.5), 1)
        for powers in b.powers[3:]:
            near(powers[3], 3871, 2)


def test_small_currents_come_out_right_beside_the_offset():
    b = Bench()
    b.offset = 40.5
    m = b.run(800, i_a=0.1)
    total = 0
    for _ in range(40):
        b.run(10, i_a=0.1)
        total += m.half_ma[1]
    near(total, 40 * 104, 40 * 2)    # 0.1 A and the noise, 0.5 LSB and that of rounding
    near(m.i_ma[1], 104, 2)


def test_a_frequency_far_from_nominal_is_searched_for():
    b = Bench()
    m = b.run(2600, f_hz=64.8)
    near(m.f_mhz, 64_800, 2)
    near(m.u_dv[0], 2300, 1)


def test_windows_cut_by_another_frequency_are_marked_until_it_is_found():
    for fn_mhz, f_hz in ((60_000, 50.0), (50_000, 53.5), (60_000, 56.0)):
        b = Bench(POST, fn_mhz)
        m = b.meter
        seen = marked = 0
        for _ in range(280):
            n = m.n_windows
            b.run(10, f_hz=f_hz)
            if m.n_windows != n:
                seen += 1
                if m.quality:
                    marked += 1
                else:
                    near(m.rms_u[0], 230_000_000, 60_000)
                    near(m.f_mhz, int(f_hz * 1000), 3)
        assert 0 < marked < seen


def test_without_voltage_there_is_no_frequency_and_half_cycles_go_on():
    b = Bench()
    m = b.run(800, f_hz=49.0)
    seq = m.half_seq
    b.run(1000, u_v=0.0, i_a=0.0)
    assert m.f_mhz == 0 and max(m.u_dv) <= 2 and max(m.half_dv) <= 2
    near(m.half_seq - seq, 98, 1)  # at 49 Hz, the last one seen
    near(m.i_ma[0], 27, 12)       # the noise of the converter and nothing else
    assert m.pf_m[0] <= 1000


def test_rms_half_shows_a_dip_within_one_cycle_and_the_window_is_marked():
    b = Bench()
    m = b.run(415)
    b.run(20, u_v=115.0)
    for k in range(3):
        assert 1150 <= m.half_u(k) <= 1850
    b.run(10, u_v=115.0)
    near(m.half_u(0), 1150, 10)
    b.run(180)
    assert m.quality & measuring.EVENT
    b.run(210)
    assert m.quality == 0


def test_past_half_cycles_can_be_read_with_their_times_over_the_wrap_of_ticks():
    b = Bench()
    m = b.run(700)
    dest = [0, 0, 0]
    for back in range(measuring.HISTORY):
        assert m.half(m.half_seq - back, dest)
        near(dest[2], 2300, 3)
    assert not m.half(m.half_seq - measuring.HISTORY, dest)
    assert not m.half(m.half_seq + 1, dest)
    for back in range(14):
        apart = m.half_t_us(m.half_seq - back) - m.half_t_us(m.half_seq - back - 1)
        assert apart & 0x3FFFFFFF == 10_000
    b.run(900, f_hz=48.2)            # 41 or 42 frames, of which ticks of 20 know nothing
    for back in range(14):
        apart = m.half_t_us(m.half_seq - back) - m.half_t_us(m.half_seq - back - 1)
        assert apart & 0x3FFFFFFF in (10_250, 10_500)
    assert (b.t_us - m.half_t_us(m.half_seq)) & 0x3FFFFFFF < 10_000


def test_each_frame_is_in_one_half_cycle_and_in_one_window():
    b = Bench()
    b.run(1005)
    assert b.windows == [200] * 5
    near(b.closed, 100, 1)


def test_energy_is_power_times_time_and_keeps_its_remainders():
    b = Bench()
    m = b.run(2000)
    near(m.e_import_mwh, 3 * 4600 * 2000 // 3600, 2)
    assert m.e_export_mwh == 0
    m._count(-4000, RATE_HZ * 9 // 10)
    before = m.e_export_mwh
    for _ in range(10_000):
        m._count(-4000, 1)          # 4 W for 2.5 s in the smallest steps
    near(m.e_export_mwh - before, 4000 * 10_000 // RATE_HZ // 3600, 1)


def test_no_load_is_not_counted_as_energy():
    b = Bench()
    m = b.run(1000, i_a=0.0)
    assert (m._import, m._export, m.e_import_mwh, m.e_export_mwh) == (0, 0, 0, 0)


def test_a_slow_tier_that_comes_late_loses_no_energy():
    b = Bench()
    m = b.run(400)
    b.late = True
    b.run(1000)
    b.late = False
    b.run(420)
    assert sum(b.windows) >= 1800 and max(b.windows) >= 800
    assert m.quality & measuring.LONG == 0  # the latest is a normal one again
    near(m.e_import_mwh, 3 * 4600 * sum(b.windows) // 3600, 3)


def test_lost_frames_are_marked_and_do_not_bend_the_frequency():
    b = Bench()
    m = b.run(450, f_hz=49.6)
    b.run(165, f_hz=49.6, lost=True)   # 660 frames into a ring of 256
    seen = 0
    phase = b.meter._ref[0]
    step = b.meter._ref[1]
    frames = b.sampler.ready() + b.sampler.overruns
    dest = [0, 0, 0]
    b.meter.fast(b.t_us)
    near(b.meter._ref[0], (phase + frames * step) % 2**24, 0)  # it never stops turning
    for back in range(m.half_seq - 41):
        assert m.half(m.half_seq - back, dest)
        near(dest[0], 2300, 40)
    for _ in range(50):
        b.run(10, f_hz=49.6)
        seen |= m.quality
        near(m.f_mhz, 49_600, 3)
        near(m.half_dv[1], 2300, 12)
    assert seen & measuring.LOST and b.sampler.overruns >= 400
    assert m.quality == 0


def test_each_frame_is_in_a_window_or_among_the_lost():
    b = Bench()
    m = b.meter
    windows = 0
    for k in range(31):
        n = m.n_windows
        b.run(90, lost=k & 3 == 1)      # at any place of a half cycle; 360 frames, a ring of 256
        assert m.n_windows - n < 2
        windows += m.n_frames * (m.n_windows - n)
    waiting = b.sampler.ready()
    begun = m._state[fixed.LENGTH] - m._left
    for part in m._parts:
        begun += part[54]
    assert windows + begun + waiting + m.lost_frames == 31 * 360
    assert m.lost_frames > b.sampler.overruns > 500     # and what the half cycle at hand had


def test_two_limbs_hold_what_one_cannot():
    state = array("i", [400, 0, 0, 0, 27, 0, 0, 400 << 16, 0, 0, 0])
    half = array("i", [0] * 27)
    prev = array("i", [0] * 27)
    win = array("i", [0] * 55)
    none = array("i", [0] * 4)
    ref = array("i", [0, 0])
    sine = array("i", [0] * 320)
    for _ in range(500):
        for k in range(27):
            half[k] = 2**30 - 1 if k & 1 else -2**30 + 1
        fixed.close_half(0, 0, state, half, prev, none, none, none, none, win, none, none, none,
                         ref, sine)
    for k in range(27):
        truth = 500 * (2**30 - 1 if k & 1 else -2**30 + 1)
        assert win[2 * k] + (win[2 * k + 1] << 24) == truth
    assert win[54] == 200_000 and sum(half) == 0


def test_roots_and_angles():
    for x in list(range(300)) + [2**30 - 1, 2**62 - 1, 2**62, 10**40]:
        y = fixed.isqrt(x)
        assert y * y <= x < (y + 1) * (y + 1)
    for k in range(0, 3600, 7):
        x = cos(k * pi / 1800)
        y = sin(k * pi / 1800)
        for size in (10**5, 10**9, 10**14):
            a = fixed.atan2(int(y * size), int(x * size))
            wrong = (a - k * 2**24 // 3600 + 2**23) % 2**24 - 2**23
            assert abs(wrong) <= 20 + 2**24 // size, (k, size, wrong)
    assert fixed.atan2(0, 0) == 0


def test_the_fast_tier_allocates_nothing():
    b = Bench()
    m = b.run(100)
    b.run(400, lost=True)   # so much waits that windows end and frames were lost
    dest = array("i", [0, 0, 0])
    micropython.heap_lock()
    n = m.fast(b.t_us)
    n += m.fast(b.t_us)
    found = m.half(m.half_seq, dest)
    u = m.half_u(0)
    micropython.heap_unlock()
    assert n >= 5 and found and u == dest[0]
    b.run(145)              # to just before a window's end, which hands it over
    while m._halves != 19:
        b.run(5)
    b.run(10, lost=True)
    micropython.heap_lock()
    m.fast(b.t_us)
    micropython.heap_unlock()
    assert m._halves == 0


def test_a_sampler_that_does_not_fit_is_refused():
    try:
        Measuring(RingSampler(6, CUSTOMER[2], 256, RATE_HZ), "post", [(1, 0)] * 6, 2300, 50_000)
    except ValueError:
        return
    raise AssertionError
