"""Measuring of one and two phases, with all digits, and with transducers that shift the phase."""
from array import array
from math import acos, atan2, pi, sqrt

from acu.dsp.ring import RingSampler
from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from tests.unit.test_measuring import RATE_HZ, Bench, near

SINGLE = ("single", 2, PAIRS["single"], 1)
TWO = ("two", 4, PAIRS["two"], 2)


def bent(b, bends):
    """Gives the channels of a bench these transducers."""
    for c in range(len(bends)):
        b.meter.cal[c] = b.meter.cal[c][:2] + (bends[c],)
    return b


def test_a_meter_of_one_phase_reads_it_once():
    b = Bench(SINGLE)
    m = b.run(450, phi=acos(0.5))
    assert (m.n_v, m.n_p) == (1, 1)
    near(m.u_dv[0], 2300, 1)
    near(m.p_w[0], 2300, 1)
    near(m.q_var[0], 3984, 2)
    near(m.half_dv[0], 2300, 1)
    near(m.half_ma[0], 20_000, 20)
    for readings in (m.u_dv, m.i_ma, m.p_w, m.q_var, m.s_va, m.pf_m, m.p_mw, m.q_mvar):
        assert len(readings) == 1
    near(m.f_mhz, 50_000, 1)
    b.run(1800, phi=acos(0.5))
    near(m.e_import_mwh, 2300 * 2200 // 3600, 3)      # not three times


def test_a_meter_of_two_phases_reads_each_with_its_own_current():
    b = Bench(TWO)
    m = b.run(450, phi=acos(0.5))
    assert (m.n_v, m.n_p) == (2, 2)
    for k in range(2):
        near(m.p_w[k], 2300, 2)
        near(m.q_var[k], 3984, 2)
    near(m.u_dv[1], 2300, 1)
    near(m.half_dv[1], 2300, 1)
    near(m.half_ma[1], 20_000, 20)


def test_all_digits_agree_with_what_the_messages_have():
    b = Bench()
    m = b.run(650, phi=1.0)
    for k in range(3):
        near(m.rms_u[k], 230_000_000, 23_000)
        near(m.rms_u[3 + k], 20_000_000, 4_000)
        near(m.p_mw[k], 2_485_390, 500)
        near(m.q_mvar[k], 3_870_766, 500)
    assert m.n_frames == 800 and m.used_mhz == m.f_mhz
    for k in range(3):
        re, im = m.fund[k]
        peak = 230 * sqrt(2) / 450 * 2048
        near(sqrt(re * re + im * im) / (m.n_frames * 2048), peak, peak / 2000)
        turn = atan2(m.fund[3 + k][1], m.fund[3 + k][0]) - atan2(im, re)
        near((turn - 1.0 + pi) % (2 * pi) - pi, -2 * pi * 50 * 6e-6, 2e-4)  # sampled 6 us later


def test_a_transducer_that_leads_is_turned_back():
    # what lags by 1 rad behind a current transformer that leads by 60 mrad seems to lag by 0.94
    truth = 4600 * 0.5403
    seems = 4600 * 0.5898
    m = Bench().run(650, phi=0.94)
    near(m.p_w[0], seems, 3)
    m = bent(Bench(), [()] * 3 + [((0, 60_000),)] * 3).run(650, phi=0.94)
    near(m.p_w[0], truth, 2)
    near(m.q_var[0], 4600 * 0.84147, 2)
    near(m.s_va[0], 4600, 2)
    m = bent(Bench(), [((0, 60_000),)] * 3 + [()] * 3).run(650, phi=1.06)    # the voltage's leads
    near(m.p_w[0], truth, 2)


def test_its_lead_follows_the_current():
    b = bent(Bench(), [()] * 3 + [((1_000_000, 80_000), (11_000_000, 20_000))] * 3)
    m = b.meter
    for i_ua, urad in ((0, 80_000), (1_000_000, 80_000), (6_000_000, 50_000),
                       (11_000_000, 20_000), (90_000_000, 20_000)):
        assert m.lead_urad(4, i_ua) == urad
    assert m.lead_urad(0, 6_000_000) == 0
    b.run(650, i_a=6.0, phi=pi / 2 - 0.05)
    near(m.p_w[1], 0, 1)                  # 69 W without
    near(m.q_var[1], 1380, 1)


def test_a_corrected_converter_measures_what_it_would_without_its_errors():
    """Codes above 2100 come 12 too high: 1 % of the voltage, and nothing of a small current."""
    table = array("H", [8 * (k - 12 if k > 2112 else min(k, 2100)) for k in range(4096)])
    wrong = Bench()
    right = Bench()
    right.sampler.use_table(table)
    for b in (wrong, right):
        push = b.sampler.push

        def bad(codes, push=push):
            for at in range(0, len(codes), 2):
                code = codes[at] + 256 * codes[at + 1]
                if code > 2100:
                    code = min(4095, code + 12)
                    codes[at] = code & 255
                    codes[at + 1] = code >> 8
            push(codes)

        b.sampler.push = bad
        b.run(650)
    assert abs(wrong.meter.rms_u[0] - 230_000_000) > 1_000_000
    near(right.meter.rms_u[0], 230_000_000, 30_000)
    near(right.meter.p_mw[0], 4_600_000, 1200)


def test_eighths_of_a_code_are_kept_by_the_mean_and_a_frozen_channel_stays_frozen():
    table = array("H", [8 * k + 3 if k < 4095 else 8 * k for k in range(4096)])
    sampler = RingSampler(2, PAIRS["single"], 256, RATE_HZ)
    sampler.use_table(table)
    codes = bytearray(4 * 96)
    for k in range(96):
        code = 2000 + k % 7
        codes[4 * k] = code & 255
        codes[4 * k + 1] = code >> 8
        codes[4 * k + 2] = 100
    ref = array("i", [0, 0])
    out = array("i", [0] * 27)
    for _ in range(5):
        sampler.push(codes)
        sampler.take(sampler.ready(), ref, out)
    truth = 5 * 96 * 3                     # in eighths
    for k in range(96):
        truth += 5 * 8 * (2000 + k % 7 - 2048)
    near(out[0] * 8, truth, 8)
    assert out[1] == 5 * 96 * (100 - 2048)
    assert {sampler.ring[8 * k + 1] for k in range(96)} == {100}


def test_a_meter_of_one_phase_takes_no_sampler_of_three():
    try:
        Measuring(RingSampler(2, PAIRS["two"], 256, RATE_HZ), "single", [(1, 0)] * 2, 2300, 50_000)
    except ValueError:
        return
    raise AssertionError
