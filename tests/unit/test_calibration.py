"""Calibration: what a reference teaches is right to 0.02 % of P, survives in the store, and
nonsense is named and never stored."""
from array import array
from math import acos, cos, pi, sin, sqrt

from acu.functions import calibrating
from acu.functions.calibrating import Point, calibrate, lag_of, thinned
from acu.functions.wiring import explain
from acu.primitives import calibration
from acu.primitives.kinds import PAIRS
from acu.primitives.measuring import Measuring
from host_sim.board.doors import SimStore

try:
    from host_sim.waveform.twin import TwinSampler as Sampler  # bit-equal, and faster there
except ImportError:
    from acu.dsp.ring import RingSampler as Sampler  # without numpy

RATE_HZ = 4000
SLOT_NS = 2000
U_U = 450_000_000
I_U = 100_000_000
SINGLE = [(U_U, 0), (I_U, SLOT_NS)]
POST = [(U_U if c < 3 else I_U, SLOT_NS * c) for c in range(6)]
URAD = 1_000_000
THIRD = 2 * pi / 3
DATE_S = 1_772_345_000


class Board:
    """A board whose transducers have errors, and what feeds it."""

    def __init__(self, kind="single", cal=None):
        nominal = SINGLE if kind == "single" else POST
        self.kind = kind
        self.n = n = len(nominal)
        self.n_v = n // 2
        self.nominal = nominal
        self.gain = [1.0] * n           # of what reaches the converter
        self.lead = [0.0] * n           # rad
        self.bend = 0.0                 # further lead of the currents at no current, rad
        self.offset = [0.0] * n         # codes
        self.order = list(range(n))     # which signal each channel of the converter gets
        self.noise = 0.3                # codes, each way
        self.meter = Measuring(Sampler(n, PAIRS[kind], 256, RATE_HZ), kind, cal or nominal,
                               2300, 50_000)
        calibration.seed(self.meter)
        self.point = None
        self._k = 0
        self._seed = 7

    def feed(self, ms, u_v=230.0, i_a=50.0, lag=0.0, f_hz=50.0, third=THIRD, drift=0.0, slip=0.0):
        """drift: relative change of all signals a second; slip: Hz that the last one is off."""
        m = self.meter
        wave = []
        for c in range(self.n):
            signal = self.order[c]
            if signal < self.n_v:
                peak = u_v / U_U
                turn = self.lead[signal] - signal * third
            else:
                peak = i_a / I_U
                turn = self.lead[signal] + self.bend / (1 + i_a) - lag - (
                    signal - self.n_v) * third
            turn += 2 * pi * f_hz * SLOT_NS * c * 1e-9
            peak *= self.gain[signal] * sqrt(2) * 2048e6
            still = (peak * cos(turn), -peak * sin(turn), 2048.5 + self.offset[c])
            wave.append(still)
        codes = bytearray(2 * self.n * 20)
        for _ in range(ms // 5):
            grown = 1 + drift * self._k / RATE_HZ
            if slip:                     # of the last channel
                x = 2 * pi * slip * self._k / RATE_HZ
                re, im, mid = still
                wave[-1] = (re * cos(x) + im * sin(x), im * cos(x) - re * sin(x), mid)
            for k in range(20):
                x = 2 * pi * f_hz * self._k / RATE_HZ
                self._k += 1
                a, b = cos(x) * grown, sin(x) * grown
                at = 2 * k * self.n
                for re, im, mid in wave:
                    self._seed = (self._seed * 1103 + 12345) & 0x3FFFFF
                    y = re * a + im * b + mid + self.noise * (self._seed / 2097152 - 1)
                    code = min(4095, max(0, int(y)))
                    codes[at] = code & 255
                    codes[at + 1] = code >> 8
                    at += 2
            m._sampler.push(codes)
            m.fast(self._k * 250 & 0x3FFFFFFF)
            if m.slow() and self.point:
                self.point.add()
        return m

    def learn(self, u_v=230.0, i_a=50.0, lag=0.0, ms=1250, angles=None, say=None, **more):
        """One point of the reference; say: what it says where that is not what it does."""
        self.feed(450, u_v, i_a, lag, **more)     # settle: windows that began before
        said = {"u_uv": int(u_v * 1e6), "i_ua": int(i_a * 1e6), "lag_urad": int(lag * URAD),
                "angle_urad": angles}
        said.update(say or {})
        self.point = point = Point(self.meter, **said)
        self.feed(ms, u_v, i_a, lag, **more)
        self.point = None
        return point


def near(value, truth, allowed):
    assert abs(value - truth) <= allowed, (value, truth)


def refused(board, code, *words, **how):
    """The sentence, after a check that nothing is to be stored."""
    cal, why = calibrate([board.learn(**how)])
    assert cal is None and why[:5] == code + " ", why
    for word in words:
        assert word in why, why
    return why


def bad_single():
    b = Board()
    b.gain = [1.04, 0.91]
    b.lead = [0.0, 0.045]
    b.offset = [11.0, -23.0]
    return b


def check_single(cal, i_a, allowed_pm=0.2):
    """P, U and I with this calibration at PF 1, 0.5 inductive and 0.8 capacitive."""
    for lag in (0.0, acos(0.5), -acos(0.8)):
        b = bad_single()
        b.meter = Board(cal=cal).meter
        m = b.feed(450, i_a=i_a, lag=lag)
        p_mw = q_mvar = u_uv = i_ua = 0
        for _ in range(3):
            b.feed(200, i_a=i_a, lag=lag)
            p_mw += m.p_mw[0]
            q_mvar += m.q_mvar[0]
            u_uv += m.rms_u[0]
            i_ua += m.rms_u[1]
        truth = 230_000 * i_a
        near(p_mw / 3, truth * cos(lag), truth * cos(lag) * allowed_pm / 1000)
        near(q_mvar / 3, truth * sin(lag), truth * allowed_pm / 1000)
        near(u_uv / 3, 230e6, 230e6 * 1e-4)
        near(i_ua / 3, i_a * 1e6, i_a * 1e6 * 2e-4)


def test_after_one_point_p_is_right_within_0_02_percent():
    cal, why = calibrate([bad_single().learn()])
    assert why == ""
    check_single(cal, 50.0)


def test_the_point_may_have_any_power_factor_and_an_older_calibration():
    older = [(U_U * 98 // 100, 0, (), 0), (I_U * 109 // 100, SLOT_NS, ((10_000_000, 20_000),), 0)]
    b = bad_single()
    b.meter = Board(cal=older).meter
    cal, why = calibrate([b.learn(lag=1.0)])
    assert why == ""
    check_single(cal, 50.0)


def test_a_sweep_teaches_how_the_lead_follows_the_current():
    points = []
    for i_a in (2.0, 8.0, 50.0):
        b = bad_single()
        b.bend = 0.09
        points.append(b.learn(i_a=i_a, lag=0.5))
    cal, why = calibrate(points)
    assert why == ""
    near(cal[0][0], U_U / 1.04, U_U * 1e-4)
    near(cal[1][0], I_U / 0.91, I_U * 2e-4)
    bend = cal[1][2]
    assert len(bend) == 3 and cal[0][2] == ()
    for k in range(3):
        i_a = (2.0, 8.0, 50.0)[k]
        near(bend[k][0], i_a * 1e6, i_a * 4e3)
        near(bend[k][1], (0.045 + 0.09 / (1 + i_a)) * 1e6, 300 if k else 1000)


def test_offsets_are_learned_and_taken_up_from_the_first_half_cycle():
    b = bad_single()
    cal, _ = calibrate([b.learn()])
    near(cal[0][3], 11 * 256, 60)
    near(cal[1][3], -23 * 256, 60)
    for seeded in (False, True):
        b = bad_single()
        b.meter = Board(cal=cal if seeded else [entry[:3] for entry in cal]).meter
        m = b.feed(60, i_a=0.5)
        right = abs(m.half_ma[0] - 500) < 100
        assert right == seeded, m.half_ma[0]


def test_three_phases_are_learned_each_with_its_own():
    b = Board("post")
    b.gain = [1.02, 0.97, 1.0, 0.9, 1.1, 1.2]
    b.lead = [0.0, 0.004, -0.003, 0.05, 0.02, 0.001]
    lags = (0, int(THIRD * URAD), int(2 * THIRD * URAD))
    cal, why = calibrate([b.learn(angles=lags)])
    assert why == ""
    for c in range(6):
        near(cal[c][0], POST[c][0] / b.gain[c], POST[c][0] * 2e-4)
        if c:
            near(cal[c][2][0][1], b.lead[c] * URAD, 150)
    # without the reference's angles a voltage has no lead, and its current's is what differs
    cal, why = calibrate([b.learn(lag=0.4)])
    assert why == "" and cal[1][2] == ()
    near(cal[4][2][0][1], (0.02 - 0.004) * URAD, 150)


# -- nonsense is named


def test_a_reversed_transformer_is_named():
    b = Board()
    b.gain[1] = -1.0
    refused(b, "E165", "I is reversed", "current transformer")
    b = Board("post")
    b.gain[4] = -1.0
    refused(b, "E165", "IB is reversed", lag=0.6)
    b = Board("post")
    b.gain[0] = -1.0
    refused(b, "E165", "UA is reversed", "voltage input")


def test_swapped_phases_are_named():
    b = Board("post")
    b.order = [0, 1, 2, 4, 3, 5]
    refused(b, "E166", "IA shows IB", "IB shows IA")
    b = Board("post")
    b.order = [0, 2, 1, 3, 4, 5]
    refused(b, "E166", "UB shows UC", "120 degrees")
    b = Board("post")                    # all three currents one place on
    b.order = [0, 1, 2, 4, 5, 3]
    refused(b, "E166", "120 degrees")
    refused(Board("post"), "E166", "turn the other way", third=-THIRD)


def test_swapped_slots_and_channels_are_named():
    b = Board()
    b.order = [1, 0]
    refused(b, "E167", "U shows I", "I shows U", i_a=10.0)
    b = Board()                          # of equal size, but the sign of the angle tells
    b.order = [1, 0]
    refused(b, "E167", "U shows I", i_a=51.1, lag=1.0)
    b = Board("post")
    b.order = [5, 0, 1, 2, 3, 4]
    refused(b, "E167", "swapped slots", "1 late", i_a=20.0, lag=0.5)
    b = Board("post")
    b.order = [0, 1, 4, 3, 2, 5]
    refused(b, "E167", "UC shows IB", "IB shows UC", i_a=20.0)


def test_a_wrong_ratio_an_open_channel_and_a_wrong_angle_are_named():
    b = Board()
    b.gain[1] = 0.5
    refused(b, "E168", "I reads 50 %", "turns ratio")
    b.gain[1] = 0.0
    refused(b, "E163", "I shows 0 codes")
    b = Board()
    b.gain[0] = 0.0
    refused(b, "E164", "no frequency", "exchanged")
    b = Board()
    b.lead[1] = 0.4
    refused(b, "E167", "23 degrees off")
    b.lead[1] = 0.12
    refused(b, "E167", "120", "no transducer")


def test_a_reference_out_of_range_too_small_or_unsteady_is_named():
    refused(Board(), "E162", "80.000 A", "0.195 A to 70.721 A", i_a=80.0)
    refused(Board(), "E162", "U 330.000 V", u_v=330.0)
    refused(Board(), "E162", "52000 mHz", "measures 50000", say={"f_mhz": 52_000})
    refused(Board(), "E162", "70000 mHz", say={"f_mhz": 70_000})
    refused(Board(), "E163", "with 20 codes rms", "near full scale", i_a=1.0)
    refused(Board(), "E162", "0.100 A", i_a=0.1)
    refused(Board(), "E164", "varies", "settle", drift=0.01)
    refused(Board(), "E164", "angle of I varies", slip=0.001)
    refused(Board(), "E164", "windows, at least 5", ms=650)
    b = Board()
    point = b.learn(ms=1250)
    point.disturbed = 2
    assert calibrate([point])[1][:5] == "E164 "


def test_windows_that_lost_frames_do_not_count():
    b = Board()
    m = b.meter
    b.point = point = Point(m, 230_000_000, 50_000_000)
    b.feed(650)
    known = point.n
    for flag in (2, 4, 8):
        m.quality = flag
        point.add()
    m.quality = 16            # a voltage outside 90 to 110 % is as good as any
    point.add()
    assert (point.n - known, point.disturbed) == (1, 3)


def test_p_and_q_of_a_reference_must_fit_its_u_and_i():
    lag, why = lag_of(230_000_000, 10_000_000, 1_150_000, 1_991_858)
    assert why == ""
    near(lag, pi / 3 * URAD, 20)
    assert lag_of(230_000_000, 10_000_000, 2_300_000, 1_000_000)[1][:5] == "E162 "


def test_six_points_are_kept_where_they_bend_most():
    bend = [(k * 1000, 60_000 - 8000 * k if k < 4 else 30_000) for k in range(1, 10)]
    kept = thinned(bend)
    assert len(kept) == 6 and kept[0] == bend[0] and kept[-1] == bend[-1]
    assert (4000, 30_000) in kept and (3000, 36_000) in kept
    assert thinned([(5000, 10), (1000, 30), (5010, 20)]) == ((1000, 30), (5000, 15))


def test_every_exchange_of_two_channels_and_every_sign_is_explained():
    names = ("UA", "UB", "UC", "IA", "IB", "IC")
    want = [(1000_000, 0), (1000_000, 2_094_395), (1000_000, 4_188_790),
            (300_000, 500_000), (300_000, 2_594_395), (300_000, 4_688_790)]
    pairs = ((0, 3), (1, 4), (2, 5))
    turn = 700_000        # the board's own zero of angles
    plain = [(x, a + turn) for x, a in want]
    assert explain(names, 3, pairs, want, plain) == ""
    for c in range(6):
        have = list(plain)
        have[c] = (have[c][0], have[c][1] + 3_141_593)
        why = explain(names, 3, pairs, want, have)
        assert why.startswith("E165 calibrate: %s is reversed" % names[c]), why
        for d in range(c):
            have = list(plain)
            have[c], have[d] = have[d], have[c]
            why = explain(names, 3, pairs, want, have)
            assert "%s shows %s" % (names[c], names[d]) in why, why
            assert why[:4] == ("E166" if (c < 3) == (d < 3) else "E167")
    have = list(plain)
    have[4] = plain[1]        # beside it, not in exchange for it
    assert explain(names, 3, pairs, want, have).startswith("E168 calibrate: IB reads 333 %")
    # where voltages and currents look alike, the other sequence is still no exchange of them
    want[3:] = want[:3]
    for a, b in ((0, 1), (0, 2), (1, 2)):
        have = list(want)
        for c in (0, 3):
            have[a + c], have[b + c] = have[b + c], have[a + c]
        assert explain(names, 3, pairs, want, have)[:4] == "E166"
    want[3:] = [(x, a + 1_047_198) for x, a in want[:3]]
    have = [want[d] for d in (0, 1, 2, 3, 5, 4)]
    for d in (0, 2, 3):
        have[d] = (have[d][0], have[d][1] + 3_141_593)
    assert explain(names, 3, pairs, want, have)[:4] == "E166"


# -- the store


def example():
    return [(U_U * 102 // 100, 0, (), -300),
            (I_U * 95 // 100, SLOT_NS, ((1_000_000, 60_000), (50_000_000, -1000)), 77)]


def table():
    return array("H", [min(8 * k + k % 5, 32_760) for k in range(4096)])


def test_what_was_saved_is_loaded():
    store = SimStore()
    assert calibration.load(store, SINGLE) == (SINGLE, None, 0, "")
    assert calibrating.save(store, example(), SINGLE, DATE_S) == ""
    assert calibration.load(store, SINGLE) == (example(), None, DATE_S, "")
    assert calibrating.save_table(store, table()) == ""
    assert calibrating.save(store, example(), SINGLE, DATE_S + 1, table()) == ""
    assert calibration.load(store, SINGLE) == (example(), table(), DATE_S + 1, "")


def test_a_calibration_belongs_to_its_table():
    store = SimStore()
    calibrating.save(store, example(), SINGLE, DATE_S)
    calibrating.save_table(store, table())
    cal, found, date_s, why = calibration.load(store, SINGLE)
    assert (cal, found, date_s) == (SINGLE, table(), 0)
    assert why[:5] == "E160 " and "another correction table" in why


def test_a_damaged_record_is_refused_as_a_whole_and_named():
    for name, code in (("cal", "E160 "), ("adc", "E161 ")):
        store = SimStore()
        calibrating.save_table(store, table())
        calibrating.save(store, example(), SINGLE, DATE_S, table())
        raw = bytearray(store.read(name + ".a"))
        for at in (5, 20, len(raw) - 1):
            raw[at] ^= 4
            store.write(name + ".a", bytes(raw))
            cal, found, date_s, why = calibration.load(store, SINGLE)
            assert (cal, date_s) == (SINGLE, 0) and why.startswith(code + name), why
            assert (found is None) == (name == "adc")
            raw[at] ^= 4
        store.write(name + ".a", bytes(raw[:30]))
        assert calibration.load(store, SINGLE)[3].startswith(code)


def test_a_cut_write_leaves_the_calibration_before():
    store = SimStore()
    calibrating.save(store, example(), SINGLE, DATE_S)
    calibrating.save(store, example(), SINGLE, DATE_S + 9)
    store.write("cal.b", store.read("cal.b")[:40])
    assert calibration.load(store, SINGLE) == (example(), None, DATE_S, "")


def rewritten(body):
    """A store whose `cal` is valid by its CRC, whoever wrote it."""
    store = SimStore()
    calibrating.write(store, "cal", body)
    return calibration.load(store, SINGLE)


def test_an_alien_record_is_refused():
    store = SimStore()
    calibrating.save(store, example(), SINGLE, DATE_S)
    body = store.read("cal.a")[10:]
    assert rewritten(body)[0] == example()
    cal, _, date_s, why = rewritten(b"\x03" + body[1:])
    assert (cal, date_s) == (SINGLE, 0) and "version 3" in why
    for alien in (body[:-1], body + b"\0", body[:18], body[:11], b"",
                  body[:18] + b"\6" + body[19:]):
        cal, _, date_s, why = rewritten(alien)
        assert (cal, date_s) == (SINGLE, 0) and why[:5] == "E160 ", why
    assert calibration.load(store, POST)[3][:5] == "E160 "      # of another board


PICO = b"\xe6\x61\x41\x04\x03\x2b\x5c\x27"
ESP = b"\x24\x6f\x28\xae\x01\x02"


def test_another_boards_calibration_is_refused_and_both_are_named():
    store = SimStore()
    calibrating.save_table(store, table(), PICO)
    calibrating.save(store, example(), SINGLE, DATE_S, table(), PICO)
    assert calibration.load(store, SINGLE, PICO) == (example(), table(), DATE_S, "")
    cal, found, date_s, why = calibration.load(store, SINGLE, ESP)
    assert (cal, found, date_s) == (SINGLE, None, 0) and why == (
        "E161 adc: made for board e6614104032b5c27, this one is 246f28ae0102. Restore its own, or "
        "calibrate it.")
    calibrating.save_table(store, table(), ESP)     # its own table does not make it its own
    cal, found, date_s, why = calibration.load(store, SINGLE, ESP)
    assert (cal, found, date_s) == (SINGLE, table(), 0) and why[:22] == "E160 cal: made for boa"


def test_a_calibration_of_nobody_fits_any_board_and_so_does_a_board_that_does_not_know_its_id():
    store = SimStore()
    calibrating.save(store, example(), SINGLE, DATE_S)
    assert calibration.load(store, SINGLE, PICO)[0] == example()
    calibrating.save(store, example(), SINGLE, DATE_S, None, ESP)
    assert calibration.load(store, SINGLE)[0] == example()
    assert calibration.load(store, SINGLE, ESP) == (example(), None, DATE_S, "")


def test_a_calibration_of_before_boards_had_ids_is_still_read():
    store = SimStore()
    calibrating.save(store, example(), SINGLE, DATE_S)
    body = store.read("cal.a")[10:]
    calibrating.write(store, "cal", b"\x01\x00" + body[10:])
    assert calibration.load(store, SINGLE, PICO) == (example(), None, DATE_S, "")


def out_of_bounds():
    u, i = example()
    far = (1_000_000, 90_001)
    return ([u, (I_U * 131 // 100, SLOT_NS, (), 0)], [u, (I_U * 69 // 100, SLOT_NS, (), 0)],
            [(u[0], 0, (), 131_073), i], [u, (I_U, SLOT_NS, (far,), 0)],
            [u, (I_U, SLOT_NS, ((2000, 5), (2000, 6)), 0)],
            [u, (I_U, SLOT_NS, ((I_U + 1, 5),), 0)],
            [u, (I_U, SLOT_NS, tuple([(k, 0) for k in range(7)]), 0)])


def test_what_is_out_of_bounds_is_neither_stored_nor_loaded():
    real = calibrating.wrong
    for bad in out_of_bounds():
        store = SimStore()
        why = calibrating.save(store, bad, SINGLE, DATE_S)
        assert why[:5] == "E160 " and store.read("cal.a") is None
        if len(bad[1][2]) > 6:
            continue                     # has no room in a record
        calibrating.wrong = lambda cal, nominal: ""
        try:
            calibrating.save(store, bad, SINGLE, DATE_S)
        finally:
            calibrating.wrong = real
        cal, _, date_s, why = calibration.load(store, SINGLE)
        assert (cal, date_s) == (SINGLE, 0) and why[:5] == "E160 "


def test_a_table_of_nonsense_is_not_stored():
    store = SimStore()
    for bad in (table()[:4095], array("H", [0] * 4096), array("H", [32_761] * 4096),
                array("H", list(table()[:4095]) + [32_761])):
        assert calibrating.save_table(store, bad)[:5] == "E161 "
        assert store.read("adc.a") is None
        other = SimStore()               # written by somebody else
        calibrating.write(other, "adc", b"\1\0" + bytes(memoryview(bad)))
        assert calibration.load(other, SINGLE)[3][:5] == "E161 "
        assert calibration.load(other, SINGLE)[1] is None


def test_the_constants_of_the_record_fit_it():
    assert calibrating.POINTS * 8 + 9 == 57


def test_a_table_of_another_length_is_refused_not_fatal():
    for size in (8191, 8192, 8193, 8194):
        store = SimStore()
        calibrating.write(store, "adc", b"\x01\x00" + bytes(size))
        cal, table, _, why = calibration.load(store, SINGLE)
        assert cal == SINGLE and table is None and why[:5] == "E161 ", size
