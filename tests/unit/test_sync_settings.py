"""Settings of the synchronism check: bounds, IEEE 1547's caps, and against each other."""
from acu import sync_settings as ss
from acu.config import wrong as config_wrong
from acu.functions import synccheck as sc
from tests.unit.tie import settings


def codes(**changed):
    return [sentence[:4] for sentence in ss.wrong(settings(**changed))]


def test_defaults_are_inside_their_bounds_and_contradict_nothing():
    assert codes() == []
    for key in ss.KEYS:
        assert config_wrong(key, ss.KEYS[key][0], ss.KEYS) == "", key


def test_a_key_out_of_its_bounds_is_named():
    for key in ("t_close_ms", "sy_slip_mhz", "dead_mode", "vt_i_ma"):
        _, low, high = ss.KEYS[key]
        for value in (low - 1, high + 1):
            sentence = config_wrong(key, value, ss.KEYS)
            assert sentence[:4] == "E107" and key in sentence, sentence


def test_caps_of_ieee_1547_by_the_rating_of_the_island():
    for kva, row in ((1, (2000, 300, 1000)), (499, (2000, 300, 1000)), (500, (1500, 200, 500)),
                     (1500, (1500, 200, 500)), (1501, (1000, 100, 300)), (9999, (1000, 100, 300))):
        assert ss.cap(kva) == row, kva
        at = {"isl_kva": kva, "sy_ang_cdeg": row[0], "sy_slip_mhz": row[1], "sy_du_bp": row[2]}
        assert codes(**at) == [], kva
        for key in ("sy_ang_cdeg", "sy_slip_mhz", "sy_du_bp"):
            above = dict(at)
            above[key] += 1
            assert codes(**above) == ["E190"], (kva, key)
    assert ss.wrong(settings(isl_kva=2000)) == [
        "E190 config: sy_du_bp = 500 is above 300, what IEEE 1547 allows an island of isl_kva = "
        "2000. Set 50 to 300, or correct isl_kva."]


def test_the_angle_that_the_breaker_time_makes_is_inside_the_largest_closing_angle():
    # 360 deg * 0.2 Hz * 0.138 s = 9.936 deg
    assert codes(sy_slip_mhz=200, t_close_ms=138) == []
    assert ss.wrong(settings(sy_slip_mhz=200, t_close_ms=140)) == [
        "E191 config: at sy_slip_mhz = 200 the angle moves 10.1 degrees in t_close_ms = 140, more "
        "than sy_ang_cdeg = 1000. Set sy_slip_mhz to at most 198, or take a faster breaker."]
    assert codes(sy_slip_mhz=198, t_close_ms=140) == []


def test_the_dwell_fits_into_the_window_of_the_angle():
    # 2 * 10 deg / (360 * 0.067 Hz) = 829 ms
    assert codes(sy_dwell_ms=829) == []
    assert codes(sy_dwell_ms=830) == ["E192"]


def test_a_request_can_be_met_before_it_ends():
    assert codes(sy_wait_ms=1000, sy_dwell_ms=800) == []
    assert codes(sy_wait_ms=1000, sy_dwell_ms=1000, sy_slip_mhz=20) == ["E193"]
    assert codes(sy_wait_ms=5000, dead_ms=5000) == []
    assert codes(sy_wait_ms=5000, dead_ms=5000, dead_mode=1) == ["E193"]
    assert codes(sy_wait_ms=5001, dead_ms=5000, dead_mode=1) == []


def test_50_hz_only():
    assert codes(fn_mhz=60_000) == ["E194"]


def test_sentences_name_a_bound_and_a_remedy():
    for changed in ({"isl_kva": 2000}, {"t_close_ms": 250, "sy_slip_mhz": 200},
                    {"sy_dwell_ms": 5000}, {"sy_wait_ms": 1000, "sy_dwell_ms": 1000},
                    {"fn_mhz": 60_000}):
        for sentence in ss.wrong(settings(**changed)):
            assert sentence[4:13] == " config: " and ". Set " in sentence and sentence[-1] == "."


def test_the_guard_takes_30_percent_at_most():
    for setting, guard, effective in ((500, 50, 450), (100, 50, 70), (500, 0, 500), (10, 5, 7),
                                      (5, 60, 4), (67_000, 5_000, 62_000),
                                      (67_000, 60_000, 46_900)):
        assert ss.inside(setting, guard) == effective, (setting, guard)


def limit(par, value):
    return par[3 * value], par[3 * value + 1]


def test_effective_limits():
    par = ss.limits(settings())
    assert limit(par, sc.V_DU) == (-450, 450)
    assert limit(par, sc.V_ANGLE) == limit(par, sc.V_TOUCH) == (-950, 950)
    assert limit(par, sc.V_SLIP) == limit(par, sc.V_SLIPT) == (-62_000, 62_000)
    assert limit(par, sc.V_SWING) == limit(par, sc.V_SWINGT) == (-46_900, 46_900)
    assert par[sc.P_DWELL] == 20 and par[sc.P_DEAD_N] == 200 and par[sc.P_HOLD] == 2000
    assert par[sc.P_AIM] == 150
    # the wider guard never widens, and nothing is aimed at that may not be touched
    par = ss.limits(settings(gd_swing_mhz=0, sy_ang_cdeg=100))
    assert limit(par, sc.V_SWING) == (-62_000, 62_000) and par[sc.P_AIM] == 70
    assert limit(ss.limits(settings(sy_island=2)), sc.V_DU) == (-1, 450)


def test_times_are_rounded_up_to_ticks():
    par = ss.limits(settings(sy_dwell_ms=101, dead_ms=503))
    assert par[sc.P_DWELL] == 21 and par[sc.P_DEAD_N] == 101


def test_new_limits_go_where_the_old_ones_are():
    par = ss.limits(settings())
    assert ss.limits(settings(sy_du_bp=400), par) is par
    assert limit(par, sc.V_DU) == (-350, 350)
