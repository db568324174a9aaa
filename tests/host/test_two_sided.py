"""The two-sided world, its breaker and its codes: the truth that the synchronism study measures
against must itself be right."""
import cmath
import math

import numpy as np

from host_sim.waveform import bay_codes
from host_sim.waveform.bay_codes import ESP32, IDEAL, RATE_HZ, RP2040, UN_V, codes
from host_sim.world.breaker import Breaker
from host_sim.world.two_sided import Side, TwoSided, wrapped

PEAK = UN_V * math.sqrt(2) / bay_codes.U_PEAK_V * bay_codes.MID
BUSY = Side(f_hz=49.3, angle_deg=20, ramps=((0.4, 1.1, 0.8),), swing_hz=0.12, swing_rate_hz=0.7,
            swing_deg=33, u_pu=1.02, u_ramps=((0.2, 0.9, -0.1),))


def drawn(seed=1):
    return np.random.default_rng(seed)


def phasor(x, turns):
    """Of codes over whole cycles, in peak codes, against the angle `turns`."""
    return 2 * np.mean((x - 2048.0) * np.exp(-2j * math.pi * turns))


def test_frequency_is_the_slope_of_the_angle_and_rocof_that_of_frequency():
    t = np.linspace(0, 1.5, 15_001)
    modulated = Side(mod_hz=2.0, mod_rad=0.1)
    for side in (BUSY, modulated):
        away = np.abs(t[:, None] - [0.4, 1.1]).min(axis=1) > 0.001     # from the ramp's corners
        slope = np.gradient(side.cycles(t), t)
        assert np.abs(slope - side.hz(t))[1:-1].max() < 1e-4
        assert np.abs(np.gradient(side.hz(t), t) - side.hz_s(t))[away][1:-1].max() < 1e-3


def test_between_the_sides_lies_the_difference_of_both():
    world = TwoSided(Side(f_hz=50.1, angle_deg=170), Side(f_hz=49.9, angle_deg=-170))
    assert abs(world.deg(0.0) - 20) < 1e-9
    assert abs(world.deg(0.5) - wrapped(20 - 36)) < 1e-9
    assert abs(world.slip_hz(0.3) + 0.2) < 1e-9
    assert abs(TwoSided(Side(), Side(u_pu=1.05)).du_pu(0.0) - 0.05) < 1e-9


def test_what_happens_suddenly_happens_then_and_can_be_left_out():
    side = Side(jumps=((0.5, 30.0),), u_steps=((0.7, -0.1),), on_s=0.1, off_s=1.0)
    assert side.pu(0.09) == 0 and side.pu(0.1) == 1 and side.pu(1.0) == 0
    assert abs(side.pu(0.8) - 0.9) < 1e-12
    assert abs(wrapped(side.deg(0.51) - side.deg(0.49) - 360) - 30) < 1e-6
    assert side.sudden() == [0.1, 0.5, 0.7, 1.0]
    early = side.until(0.6)
    assert early.pu(0.8) == 1 and early.pu(1.5) == 1
    assert abs(wrapped(early.deg(0.9) - side.deg(0.9))) < 1e-9
    assert list(TwoSided(two=side).live(np.array([0.05, 0.5, 1.1]))) == [False, True, False]


def test_codes_have_the_amplitude_the_angle_and_the_slot_of_each_channel():
    world = TwoSided(Side(angle_deg=15), Side(angle_deg=-40, u_pu=0.9), u0_pu=0.3,
                     i_a=(5.0, 4.0, 3.0), i_deg=(-30.0, -20.0, 10.0))
    x = codes(world, RATE_HZ, IDEAL, drawn())
    t = np.arange(RATE_HZ) / RATE_HZ
    amp = bay_codes.MID / bay_codes.I_PEAK_A * math.sqrt(2)
    want = [(PEAK, 45), (PEAK, -75), (0.9 * PEAK, -10), (0.9 * PEAK, -130), (0.3 * PEAK, 15),
            (5 * amp, -15), (4 * amp, -125), (3 * amp, -215)]
    for k, (size, deg) in enumerate(want):
        got = phasor(x[:, k], 50.0 * (t + k * bay_codes.SLOT_S))
        assert abs(got - cmath.rect(size, math.radians(deg))) < 0.1, k


def test_the_table_follows_a_moving_frequency_and_keeps_harmonics():
    side = Side(**{**BUSY.__dict__, "harmonics": ((5, 6.0, 10.0, 70.0), (25, 1.5, 0.0, 90.0))})
    x = codes(TwoSided(side, Side()), 6000, IDEAL, drawn())[:, 0].astype(float)
    t = np.arange(6000) / RATE_HZ
    turns = side.cycles(t) + 30 / 360
    five = 0.06 * np.cos(2 * math.pi * (5 * (turns - 30 / 360)) + math.radians(10))
    last = 0.015 * np.cos(2 * math.pi * 25 * (turns - 30 / 360))
    true = PEAK * side.pu(t) * (np.cos(2 * math.pi * turns) + five + last)
    assert np.abs(x - 2048 - true).max() < 0.53      # half a code of rounding, and the table


def test_fuses_wiring_and_swapped_phases_change_what_is_measured_only():
    base = Side()
    ab, bc = base.lines(0.0)
    assert abs(abs(ab) - 1) < 1e-12 and abs(bc / ab - cmath.exp(-2j * math.pi / 3)) < 1e-12
    blown = Side(fuses=((1.0, 0, 0.0),))
    assert abs(abs(blown.lines(1.0)[0]) - 1 / math.sqrt(3)) < 1e-12
    assert abs(abs(blown.lines(1.0)[1]) - 1) < 1e-12
    assert blown.lines(0.99) == base.lines(0.99) and blown.pu(2.0) == 1
    turned = Side(wiring_deg=120.0)
    assert abs(turned.lines(0)[0] / ab - cmath.exp(2j * math.pi / 3)) < 1e-12
    assert turned.deg(0.0) == 0
    ab, bc = Side(swapped=True).lines(0.0)
    assert abs(bc / ab - cmath.exp(2j * math.pi / 3)) < 1e-12
    x = codes(TwoSided(blown, base), 8000, IDEAL, drawn())[:, 0].astype(float) - 2048
    assert abs(x[3920:4000].max() - PEAK) < 3 and abs(x[4000:].max() - PEAK / math.sqrt(3)) < 3


def test_noise_and_jitter_are_of_the_front_end():
    still = TwoSided(Side(u_pu=0.0), Side())
    for front in (RP2040, ESP32):
        x = codes(still, 8000, front, drawn())
        assert abs(x[:, 0].std() - math.hypot(front.noise_lsb, 0.289)) < 0.05 * front.noise_lsb
        # jitter: 10 us of 50 Hz are 3.1 mrad of the amplitude, rms 4.5 codes at the zero crossing
    front = bay_codes.Front("late", 0.0, 10e-6)
    got = codes(TwoSided(), 8000, front, drawn()).astype(float)
    even = codes(TwoSided(), 8000, IDEAL, drawn()).astype(float)
    rms = (got - even)[:, 0].std()
    assert 2.5 < rms < 4.0                           # PEAK * 2 pi 50 * 10 us / root 2 = 3.2


def test_the_same_seed_gives_the_same_codes():
    world = TwoSided(BUSY, Side(f_hz=50.2))
    assert (codes(world, 400, ESP32, drawn(3)) == codes(world, 400, ESP32, drawn(3))).all()
    assert (codes(world, 400, ESP32, drawn(3)) != codes(world, 400, ESP32, drawn(4))).any()
    # in pieces it is the same wave
    whole = codes(world, 400, IDEAL, drawn())
    assert (codes(world, 200, IDEAL, drawn(), first=200) == whole[200:]).all()


def test_the_breaker_touches_after_its_travel_and_its_contacts_follow():
    q = Breaker(close_s=0.06, open_s=0.03)
    assert q.aux(0.0) == (0, 1)
    assert q.order(True, 1.0) == 1.06
    assert q.order(True, 1.01) == 1.06               # a second order changes nothing
    assert not q.closed(1.059) and q.closed(1.06)
    assert q.aux(1.07) == (1, 0)
    assert q.order(True, 1.1) is None
    assert abs(q.order(False, 2.0) - 2.03) < 1e-12
    assert q.aux(2.029) == (0, 0) and q.aux(2.1) == (0, 1)


def test_what_can_be_wrong_with_a_breaker():
    welded = Breaker(closed=True)
    welded.weld = True
    assert welded.order(False, 0.0) is None and welded.closed(9.0)
    stuck = Breaker()
    stuck.stuck = True
    assert stuck.order(True, 0.0) is None and not stuck.closed(9.0)
    deaf = Breaker()
    deaf.no_52a = deaf.no_52b = True
    deaf.order(True, 0.0)
    assert deaf.closed(1.0) and deaf.aux(1.0) == (0, 1)
    scattered = {Breaker(scatter_s=0.002, rng=drawn(k)).order(True, 0.0) for k in range(50)}
    assert len(scattered) == 50 and 0.058 <= min(scattered) < 0.059 < max(scattered) <= 0.062
    turned = Breaker()
    turned.order(True, 0.0)
    assert turned.order(False, 0.01) is None and not turned.closed(9.0)
