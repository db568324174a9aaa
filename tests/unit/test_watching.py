"""Watching against waves: what is seen, how soon, and what is not."""
from math import pi

import micropython

from acu.dsp.ring import RingSampler
from acu.primitives.measuring import Measuring
from acu.primitives.watching import Watch
from tests.unit.waves import POST, RATE_HZ, SINGLE, UN_DV, Street


def onsets(n):
    """n of phase and frame within a tick, all over both."""
    for k in range(n):
        yield 2 * pi * k / n, k * 7 % 20


def test_a_loss_is_seen_by_the_last_cycle_in_15_ms_and_named_in_30():
    worst = [0, 0, 0]
    for phase, frame in onsets(12):
        s = Street(phase=phase)
        s.run(260)
        assert s.log == []
        t_us = s.change(frame, 0.0)
        s.run(35)
        for k, place in enumerate((1, 3, 4)):
            worst[k] = max(worst[k], s.first(place) - t_us)
    assert worst[0] <= 15_000 and worst[1] <= 30_000 and worst[2] <= 7000, worst


def test_a_dip_to_85_percent_is_seen_in_25_ms_and_by_the_fast_path_in_10():
    worst = [0, 0]
    for phase, frame in onsets(12):
        s = Street(phase=phase)
        s.run(260)
        t_us = s.change(frame, 0.85 * 230)
        s.run(35)
        for k, place in enumerate((1, 4)):
            worst[k] = max(worst[k], s.first(place) - t_us)
    assert worst[0] <= 25_000 and worst[1] <= 10_000, worst


def test_three_phases_are_told_apart_and_come_back():
    s = Street(POST)
    s.run(260)
    s.change(7, [230.0, 40.0, 280.0])
    s.run(60)
    assert s.told == (2, 4, 0, 2)
    s.run(40, 230.0)
    assert s.told == (0, 0, 0, 0)
    s.run(40, [5.0, 5.0, 5.0])
    assert s.told == (7, 0, 7, 7)
    s.run(40, [230.0, 5.0, 5.0])
    assert s.told == (6, 0, 6, 6)


def test_hysteresis_is_2_percent_of_the_nominal_voltage():
    s = Street()
    for pm, told in ((905, (0, 0)), (895, (1, 0)), (915, (1, 0)), (925, (0, 0)), (1095, (0, 0)),
                     (1105, (0, 1)), (1085, (0, 1)), (1075, (0, 0))):
        s.run(80, 0.23 * pm)
        assert s.told[:2] == told, pm
    for pm, told in ((55, 0), (45, 1), (65, 1), (75, 0)):
        s.run(80, 0.23 * pm)
        assert s.told[2] == told, pm


def test_the_rms_is_that_of_one_cycle_at_any_frequency_and_offset():
    for f_hz in (47.3, 50.0, 52.6):
        s = Street(f_hz=f_hz)
        s.offset = 60
        s.run(900)
        least, most = 9999, 0
        for _ in range(40):
            s.run(5)
            u_dv = s.watch.now_dv(0)
            least, most = min(least, u_dv), max(most, u_dv)
        assert 2298 <= least and most <= 2302, (f_hz, least, most)


HARSH = ((3, 0.05, 0.3), (5, 0.05, 1.0), (7, 0.035, 2.0), (11, 0.015, 1.0))     # 8 % THD


def test_the_fast_path_stays_quiet_with_harmonics_noise_load_steps_and_drift():
    s = Street(POST)
    s.harmonics = HARSH
    s.noise_lsb = 2
    s.run(260, [230.0, 212.0, 248.0])
    for k in range(40):
        part = 1 + ((k * 7) % 11 - 5) * 0.005
        s.run(35 + k % 4 * 5, [230.0 * part, 215.0 * part, 245.0 * part], 50 + (k - 20) * 0.01)
    assert s.log == []


def test_the_fast_path_reaches_its_times_with_harmonics_and_noise():
    for u_v, limit_us in ((0.0, 7000), (0.85 * 230, 10_000)):
        for phase, frame in onsets(8):
            s = Street(phase=phase)
            s.harmonics = HARSH
            s.noise_lsb = 2
            s.run(260)
            t_us = s.change(frame, u_v)
            s.run(35)
            assert s.first(4) - t_us <= limit_us


def test_two_ms_of_a_loss_and_four_and_a_half_of_a_dip_are_enough_at_any_phase():
    for u_v, frame in ((0.0, 12), (60.0, 12), (0.85 * 230, 2)):
        for k in range(12):
            s = Street(phase=pi * k / 12)
            s.run(260)
            s.change(frame, u_v)
            assert s.told[3] == 1, (u_v, k)


def jumps(u_v, after_v, phases):
    """Streets whose phase, and voltage, jumped by 20 degrees either way, 30 ms ago."""
    for phase, frame in onsets(phases):
        for jump in (0.35, -0.35):
            s = Street(phase=phase)
            s.run(260, u_v)
            s.push(frame)
            t_us = s.at_us + frame * 250
            s.turn += jump
            s.u_v = [after_v]
            s.push(20 - frame)
            s.tick()
            s.run(30)
            yield s, t_us


def test_a_jump_of_phase_without_a_dip_is_none():
    for s, _ in jumps(212.0, 212.0, 12):
        assert s.first(4) is None      # the RMS of the cycle does fall


def test_a_dip_with_a_jump_of_phase_is_one():
    for s, t_us in jumps(230.0, 184.0, 5):
        assert s.first(4) - t_us <= 10_000


def test_the_way_back_is_no_second_event():
    for phase, frame in onsets(7):
        for u_v in (0.0, 0.6 * 230, 1.25 * 230):
            s = Street(phase=phase)
            s.run(260)
            s.change(frame, u_v)
            s.run(100)
            s.change(frame, 230.0)
            s.run(30)
            assert s.told == (0, 0, 0, 0)
            told = len(s.log)
            s.run(100)
            assert len(s.log) == told, (phase, u_v, s.log)


def test_until_the_voltage_was_steady_the_fast_path_says_nothing():
    s = Street(f_hz=58.0)           # a reference of 50 Hz: each cycle looks like another wave
    s.run(150)
    assert s.first(4) is None
    s = Street()
    s.run(200, 0.0)
    s.run(60, 230.0)
    s.log = []
    s.run(200)
    assert s.log == []


def test_a_tick_that_comes_late_takes_the_changes_in_order_and_in_time():
    s = Street()
    s.run(260)
    s.fast_on = False
    t_us = s.at_us
    s.run(20, 0.0)
    s.run(25, 230.0)
    s.fast_on = True
    s.run(5)
    start = s.watch.pop()
    end = s.watch.pop()
    assert start[1] == 1 and end[1] == 0 and end[4][0] < start[4][0]
    zero_us = (t_us + 0x3FFFFFFF - 200_000) & 0x3FFFFFFF
    assert 1500 <= (start[0] - zero_us) & 0x3FFFFFFF <= 5500
    assert 36_000 <= (end[0] - zero_us) & 0x3FFFFFFF <= 41_000


def test_changes_that_nobody_fetches_end_with_the_present_state():
    s = Street()
    for _ in range(12):
        s.run(40, 230.0)
        s.run(40, 100.0)
    got = []
    one = s.watch.pop()
    while one:
        got.append(one)
        one = s.watch.pop()
    assert len(got) == 8 and [one[1] for one in got] == [1, 0, 1, 0, 1, 0, 1, 1]


def test_frames_of_another_time_are_not_the_expected_wave():
    s = Street()
    s.run(260)
    s.turn += 2.0                   # nothing was sampled for a second: the simulator leapt
    s.at_us += 1_000_000
    s.run(200)
    assert s.log == []


class NoRing:
    """The door at quantity level."""

    ring = None

    def __init__(self, sampler):
        self.rate_hz = sampler.rate_hz


def test_without_a_ring_half_cycles_are_compared():
    s = Street(POST)
    s.watch = Watch(NoRing(s.sampler), s.meter, UN_DV)
    s.run(260)
    assert s.log == []
    s.run(100, [100.0, 230.0, 5.0])
    assert s.told == (5, 0, 4, 5)
    s.run(60, [230.0, 280.0, 230.0])
    assert s.told == (0, 2, 0, 0)
    times = [one[0] for one in s.log]
    assert times[0] - 260_000 <= 20_000 and times[-1] - 360_000 <= 40_000
    assert abs(s.watch.now_dv(1) - 2800) < 6


def test_the_fast_tier_allocates_nothing():
    s = Street(POST)
    s.run(260)
    s.fast_on = False
    s.run(20)
    s.run(60, [0.0, 200.0, 290.0])
    now_us = (s.at_us + 0x3FFFFFFF - 200_000) & 0x3FFFFFFF
    none = Watch(NoRing(s.sampler), s.meter, UN_DV)
    micropython.heap_lock()
    s.watch.fast(now_us, 1)
    none.fast(now_us, 1)
    micropython.heap_unlock()
    assert s.watch.dip and s.watch.swell and s.watch.fast_mask and none.dip


def test_a_ring_too_small_for_a_cycle_is_refused():
    sampler = RingSampler(2, SINGLE[2], 128, RATE_HZ)
    meter = Measuring(sampler, "single", [(450_000_000, 0), (100_000_000, 0)], UN_DV, 50_000)
    try:
        Watch(sampler, meter, UN_DV)
    except ValueError as e:
        assert "174 frames" in str(e)
        return
    raise AssertionError
