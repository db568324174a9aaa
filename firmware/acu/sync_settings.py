"""Settings of a recloser's synchronism check, breaker and voltage transformers, in the manner of
config.KEYS; limits() makes of them what functions/synccheck.py and vt_supervision.py compare with.

Defaults: spec recloser, section 3 (IEEE C50.12 class). Caps: IEEE 1547, by the island's rating.
Read at the start and forgotten.
"""
from array import array

from acu.dsp.bay import GOOD_FULL
from acu.functions import synccheck as sc

KEYS = {
    # contact travel, order to touch; in place of a phase relay's
    "t_close_ms": (50, 40, 250),
    "isl_kva": (1_000, 1, 10_000),             # rating of the island's generators
    "sy_du_bp": (500, 50, 1_000),              # voltage difference, 0.01 % of Un
    "sy_island": (0, 0, 2),                    # 1, 2: that side 0..+sy_du_bp above (C50.12)
    "sy_ang_cdeg": (1_000, 100, 2_000),        # largest closing angle
    "sy_slip_mhz": (67, 5, 300),
    "sy_acc_mhzs": (1_000, 50, 3_000),         # change of slip
    "sy_dwell_ms": (100, 100, 5_000),
    "sy_hold_ms": (10_000, 1_000, 60_000),     # so long an unused permit lasts
    "sy_wait_ms": (600_000, 1_000, 3_600_000),  # so long a request waits for it
    # guards inside the limits, at most 30 % of them
    "gd_du_bp": (50, 0, 300),
    "gd_ang_cdeg": (50, 0, 300),               # for breaker scatter and the prediction's error
    "gd_slip_mhz": (5, 0, 60),
    "gd_swing_mhz": (60, 0, 300),              # while the slip changes by gd_calm_mhzs or more
    "gd_calm_mhzs": (50, 10, 500),
    # of Un, per mille: all voltages of a side between are live, below all are dead
    "u_live_pm": (850, 700, 950),
    "u_high_pm": (1_200, 1_050, 1_500),
    "u_dead_pm": (200, 50, 400),
    "dead_mode": (0, 0, 7),                    # 1: side 1 dead, 2: side 2 dead, 4: both; added up
    "dead_ms": (1_000, 100, 60_000),
    "f_win_mhz": (5_000, 500, 5_000),
    # voltage transformers: secondary line voltage at Un, angle added to side 2 minus side 1
    "un1_mv": (100_000, 50_000, 250_000),
    "un2_mv": (100_000, 50_000, 250_000),
    "ang_cdeg": (0, -18_000, 17_999),
    "vt_i_ma": (50, 5, 5_000),                 # such a current has a closed breaker only
    "vt_ok_ms": (5_000, 500, 600_000),         # so long healthy ends an alarm
    "vt_same_ms": (60_000, 0, 600_000),        # so long equal: one transformer; 0: not watched
}

# IEEE 1547: up to kVA: angle, slip, voltage, at most; the last row is for all above.
_CAPS = ((499, 2_000, 300, 1_000), (1_500, 1_500, 200, 500), (0, 1_000, 100, 300))
_CAPPED = ("sy_ang_cdeg", "sy_slip_mhz", "sy_du_bp")

# What no setting changes. The quality of a measurement that may be believed (anchors, 2):
_RES_MDEG = 400
_FITS_CDEG = 300
_AGE_MS = 40
# and how far the two estimators may differ. The second one is about 0.5 deg and 20 mHz wide in
# noise and reads true RMS, 0.3 % more at 8 % of harmonics; a wrong sign, channel, ratio or table
# moves one of them by more than this.
_B_CDEG = 300
_B_BP = 200
_B_SLIP_UHZ = 100_000
_B_F_MHZ = 200
# A synchronising close touches within 2 degrees: half a degree is left for breaker and estimate.
_AIM_CDEG = 150
# From there 10 mHz take over 0.4 s to 0, and the prediction's 6 mHz hide which way they go.
_SLOW_UHZ = 10_000
_FAR = 0x7FFFFFFF
_TICK_MS = 5


def cap(kva):
    """(cdeg, mhz, bp) that IEEE 1547 allows an island of this rating."""
    for row in _CAPS:
        if kva <= row[0] or row[0] == 0:
            return row[1:]


def inside(setting, guard):
    """The effective limit: the guard takes at most 30 % of the setting."""
    return setting - min(guard, setting * 3 // 10)


def _tenths(x):
    return "%d.%d" % (x // 10, x % 10)


def wrong(full):
    """Sentences of what contradicts itself, or IEEE 1547, in complete settings."""
    errors = []
    kva = full["isl_kva"]
    for key, most in zip(_CAPPED, cap(kva)):
        if full[key] > most:
            errors.append("E190 config: %s = %d is above %d, what IEEE 1547 allows an island of "
                          "isl_kva = %d. Set %d to %d, or correct isl_kva." % (
                              key, full[key], most, kva, KEYS[key][1], most))
    angle, slip, t_ms = full["sy_ang_cdeg"], full["sy_slip_mhz"], full["t_close_ms"]
    if 36 * slip * t_ms > angle * 1_000:
        most = angle * 1_000 // (36 * t_ms)
        moved = _tenths((36 * slip * t_ms + 9_999) // 10_000)
        errors.append("E191 config: at sy_slip_mhz = %d the angle moves %s degrees in t_close_ms "
                      "= %d, more than sy_ang_cdeg = %d. Set sy_slip_mhz to at most %d, or take a "
                      "faster breaker." % (slip, moved, t_ms, angle, most))
    window_ms = 500 * angle // (9 * slip)     # 2 angle / (360 slip)
    if window_ms < full["sy_dwell_ms"]:
        errors.append("E192 config: at sy_slip_mhz = %d the angle stays inside sy_ang_cdeg = %d "
                      "for %d ms, less than sy_dwell_ms = %d: no check could ever permit. Set "
                      "sy_dwell_ms to at most %d, or less slip." % (
                          slip, angle, window_ms, full["sy_dwell_ms"], window_ms))
    if full["sy_wait_ms"] <= full["sy_dwell_ms"]:
        errors.append("E193 config: sy_wait_ms = %d ends before sy_dwell_ms = %d: no request "
                      "could ever be met. Set more than %d." % (
                          full["sy_wait_ms"], full["sy_dwell_ms"], full["sy_dwell_ms"]))
    if full["dead_mode"] and full["sy_wait_ms"] <= full["dead_ms"]:
        errors.append("E193 config: sy_wait_ms = %d ends before dead_ms = %d: no dead side could "
                      "ever be closed onto. Set more than %d, or dead_mode = 0." % (
                          full["sy_wait_ms"], full["dead_ms"], full["dead_ms"]))
    if full["fn_mhz"] != 50_000:
        errors.append("E194 config: fn_mhz = %d, a recloser measures at 50 Hz only. Set 50000."
                      % full["fn_mhz"])
    return errors


def limits(full, par=None):
    """The array that SyncCheck and VtSupervision are given; with par: the same array anew."""
    if par is None:
        par = array("i", [0] * sc.NP)

    def row(value, low, high, reason):
        par[3 * value] = low
        par[3 * value + 1] = high
        par[3 * value + 2] = reason

    def within(value, limit, reason):
        row(value, -limit, limit, reason)

    live, high = full["u_live_pm"] * 10, full["u_high_pm"] * 10
    row(sc.V_LOW1, live - 1, _FAR, sc.GATE_LIVE1)
    row(sc.V_LOW2, live - 1, _FAR, sc.GATE_LIVE2)
    row(sc.V_HIGH1, 0, high + 1, sc.GATE_LIVE1)
    row(sc.V_HIGH2, 0, high + 1, sc.GATE_LIVE2)
    limit = inside(full["sy_du_bp"], full["gd_du_bp"])
    row(sc.V_DU, -1 if full["sy_island"] else -limit, limit, sc.GATE_DU)
    limit = inside(full["sy_ang_cdeg"], full["gd_ang_cdeg"])
    within(sc.V_ANGLE, limit, sc.GATE_ANGLE)
    within(sc.V_TOUCH, limit, sc.GATE_TOUCH)
    within(sc.V_TOUCH80, limit, sc.GATE_TOUCH)
    par[sc.P_AIM] = min(_AIM_CDEG, limit)
    slip = full["sy_slip_mhz"] * 1_000
    limit = inside(slip, full["gd_slip_mhz"] * 1_000)
    within(sc.V_SLIP, limit, sc.GATE_SLIP)
    within(sc.V_SLIPT, limit, sc.GATE_SLIPT)
    limit = min(limit, inside(slip, full["gd_swing_mhz"] * 1_000))
    within(sc.V_SWING, limit, sc.GATE_SLIP)
    within(sc.V_SWINGT, limit, sc.GATE_SLIPT)
    within(sc.V_ACC, full["sy_acc_mhzs"], sc.GATE_ACC)
    row(sc.V_RES, -1, _RES_MDEG, sc.GATE_RES)
    within(sc.V_FITS, _FITS_CDEG, sc.GATE_FITS)
    row(sc.V_AGE, -1, _AGE_MS + 1, sc.GATE_AGE)
    row(sc.V_NEW, 0, 2, sc.GATE_AGE)
    row(sc.V_BAD, -1, 1, sc.GATE_BAD)
    for k in range(2):
        within(sc.V_FREQ1 + k, full["f_win_mhz"] + 1, sc.GATE_FREQ1 << k)
        row(sc.V_ORDER1 + k, 0, 2, sc.GATE_ORDER1 << k)
        within(sc.V_B_U1 + k, _B_BP, sc.GATE_B_U1 << k)
        within(sc.V_B_F1 + k, _B_F_MHZ, sc.GATE_B_SLIP)
    row(sc.V_GOOD, GOOD_FULL - 1, _FAR, sc.GATE_SETTLED)
    row(sc.V_B_ANGLE, -_FAR, _B_CDEG, sc.GATE_B_ANGLE)
    within(sc.V_B_SLIP, _B_SLIP_UHZ, sc.GATE_B_SLIP)
    row(sc.V_WIRING, -1, 1, sc.GATE_WIRING)
    row(sc.V_FUSE, -1, 1, sc.GATE_FUSE)
    row(sc.V_ONE_VT, -1, 1, sc.GATE_ONE_VT)
    row(sc.V_BLOCK, -1, 1, sc.GATE_BLOCKED)

    par[sc.P_ISLAND] = full["sy_island"]
    par[sc.P_CALM] = full["gd_calm_mhzs"]
    par[sc.P_FN] = full["fn_mhz"]
    par[sc.P_DEAD] = full["u_dead_pm"] * 10
    par[sc.P_CALM_N] = GOOD_FULL
    par[sc.P_DEAD_MODE] = full["dead_mode"]
    par[sc.P_SLOW] = _SLOW_UHZ
    par[sc.P_VT_I] = full["vt_i_ma"]
    for place, key in ((sc.P_DWELL, "sy_dwell_ms"), (sc.P_DEAD_N, "dead_ms"),
                       (sc.P_HOLD, "sy_hold_ms"), (sc.P_VT_OK, "vt_ok_ms"),
                       (sc.P_VT_SAME, "vt_same_ms")):
        par[place] = (full[key] + _TICK_MS - 1) // _TICK_MS
    return par
