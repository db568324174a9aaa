"""The rows of protection.py from the settings: which quantities, levels, times, blocks.

At the start only, then forgotten. Reset levels are worked out here, so that the fast tier
multiplies nothing. The reset of frequency elements is a distance in mHz, since a ratio of 50 Hz
would be no setting.
"""
from array import array

from micropython import const

from acu import protection_settings as settings
from acu.dsp import bay
from acu.functions import curves
from acu.functions import protection as pr

NEVER = const(0x3FFFFFFF)
# ticks of 5 ms that a quantity is late by in the mean: of one cycle, of two, frequency, ROCOF
_AHEAD_CYCLE = const(1)
_AHEAD_TWO = const(4)
_AHEAD_F = const(10)
_AHEAD_DF = const(25)
# undisturbed ticks, q[CALM], before a frequency, or its change, is one: of a jump q says 0 for 10
# ticks; its last trace leaves window (8) and fit (7, 19) some ticks later
_CALM_F = const(6)
_CALM_DF = const(18)
# What an unbalance leaves in a frequency changes its sign from tick to tick. A jump too small to
# be told as one (4 deg) is 0.3 Hz for 20 ms, 0.05 Hz for 50 ms, and 6 Hz/s for 55 ms.
_AFTER_F = const(5)
_AFTER_DF = const(12)
_F_U_BP = const(1_000)      # below, q has no frequency at all

# channels of board kind recloser: u1ab u1bc u2ab u2bc u0 ia ib ic
_LINES = (0x030201, 0x0C0804)           # of AB, BC, CA of either side, a byte each
_SIDE = (0x03, 0x0C)
_PHASES = const(0x804020)
_RESIDUAL = const(0xE0)


def _three(places):
    return places[0] | places[1] << 8 | places[2] << 16


# of either side: line voltages, positive and negative sequence, frequency, ROCOF, calm
_OF_SIDE = (
    (_three((bay.UAB1, bay.UBC1, bay.UCA1)), bay.U1, bay.UN1, bay.F1, bay.DF1, bay.CALM1),
    (_three((bay.UAB2, bay.UBC2, bay.UCA2)), bay.U2, bay.UN2, bay.F2, bay.DF2, bay.CALM2))


def row(flags, places, n, channels, pick, drop, t_ms, ahead=0):
    """One row, array('i'): n places of q, a byte each, as their channels' masks. pick, drop in the
    quantity's unit, not negated."""
    one = array("i", bytes(4 * pr.ROW))
    one[pr.FLAGS] = flags | pr.ON | n << 8
    one[pr.PLACES] = places
    one[pr.CHANNELS] = channels
    one[pr.PICK] = 0 - pick if flags & pr.UNDER else pick
    one[pr.DROP] = 0 - drop if flags & pr.UNDER else drop
    one[pr.LIMIT] = t_ms
    one[pr.AHEAD] = ahead
    for place, level in ((pr.BLOCK, pr.LEVEL), (pr.HOLD, pr.CALM)):
        one[place] = bay.SEQ
        one[level] = -NEVER
    one[pr.SHOWN] = one[pr.RAIL] = NEVER
    return one


def block(one, place, level):
    """The element is quiet while q[place] is below the level."""
    one[pr.BLOCK] = place
    one[pr.LEVEL] = level
    return one


def hold(one, place, level):
    """The element stays as it is, and its time stands, while q[place] is below the level."""
    one[pr.HOLD] = place
    one[pr.CALM] = level
    return one


def lasting(one, ticks):
    """It picks up when so many ticks in succession are beyond."""
    one[pr.FLAGS] |= pr.LASTING
    one[pr.AFTER] = ticks
    return one


def clips(one, peak):
    """A clipped channel counts. peak: its full scale, in the unit of the quantity: an eighth of it
    is more than a single wrong sample can show (2.5 %), and two thirds are less than the
    fundamental of a wave cut at both rails (0.7)."""
    one[pr.SHOWN] = peak // 8
    one[pr.RAIL] = peak * 2 // 3
    return one


def inverse(one, name, tms_m, out, disc=False):
    """Makes the row follow a curve, whose table is appended to out, a list of arrays."""
    table = curves.table(name, tms_m, one[pr.PICK])
    full = table[2]
    one[pr.FLAGS] |= pr.INVERSE | (pr.DISC if disc else 0)
    one[pr.LIMIT] = full
    one[pr.AHEAD] += 1      # what the sum has lost while the window filled
    one[pr.CURVE] = sum([len(t) for t in out])
    if disc:
        one[pr.RESET] = curves.reset_rate(name, tms_m, full)
    out.append(table)
    return one


def _row(full, group, name, i_peak_ma, u_peak_bp):
    """The row of one element without its time's kind."""
    side = full[group + "_side"] - 1
    lines, u, un, f, df, calm = _OF_SIDE[side]
    pick = full[settings.level_key(group, name)]
    t_ms = full[group + "_" + name + "_t_ms"]
    if name[:2] == "81" and name != "81r":
        low = name != "81o"
        drop = pick + full["rst_81_mhz"] if low else pick - full["rst_81_mhz"]
        one = row(pr.UNDER if low else 0, f, 1, _SIDE[side], pick, drop, t_ms, _AHEAD_F)
        block(one, u, max(full[group + "_81_u_pm"] * 10, _F_U_BP))
        return lasting(hold(one, calm, _CALM_F), _AFTER_F)
    drop_pm = full["rst_%s_pm" % name]
    if name == "81r":
        one = row(pr.ABSOLUTE, df, 1, _SIDE[side], pick, pick * drop_pm // 1000, t_ms,
                  _AHEAD_DF)
        block(one, u, max(full[group + "_81_u_pm"] * 10, _F_U_BP))
        return lasting(hold(one, calm, _CALM_DF), _AFTER_DF)
    if name == "32":
        return row(pr.UNDER if pick < 0 else 0, bay.P, 1, _RESIDUAL | _SIDE[0], pick,
                   pick // 1000 * drop_pm, t_ms, _AHEAD_TWO)
    if name in ("50a", "50b", "51"):
        return clips(row(0, _three((bay.IA, bay.IB, bay.IC)), 3, _PHASES, pick,
                         pick * drop_pm // 1000, t_ms, _AHEAD_CYCLE), i_peak_ma)
    if name in ("50na", "51n", "46"):
        return row(0, bay.I2 if name == "46" else bay.I0, 1, _RESIDUAL, pick,
                   pick * drop_pm // 1000, t_ms, _AHEAD_CYCLE)
    pick *= 10
    drop = pick * drop_pm // 1000
    if name in ("59n", "47"):
        if name == "59n":
            return clips(row(0, bay.U0, 1, 1 << 4, pick, drop, t_ms, _AHEAD_TWO), u_peak_bp)
        return row(0, un, 1, _SIDE[side], pick, drop, t_ms, _AHEAD_TWO)
    every = pr.ALL if full.get("%s_%s_ph" % (group, name[:2])) == "all" else 0
    if name[:2] == "59":
        return clips(row(every, lines, 3, _LINES[side], pick, drop, t_ms, _AHEAD_TWO), u_peak_bp)
    one = row(pr.UNDER | every, lines, 3, _LINES[side], pick, drop, t_ms, _AHEAD_TWO)
    return block(one, u, full[group + "_dead_pm"] * 10)


def build(full, i_peak_ma, u_peak_bp):
    """(rows, curves, elements) for Protection. full: complete settings without a complaint; the
    peaks: full scale of the channels, of voltages in bp of nominal."""
    count = len(settings.ELEMENTS)
    rows = array("i", bytes(4 * pr.ROW * count * len(settings.GROUPS)))
    tables = []
    at = 0
    for group in settings.GROUPS:
        for name in settings.ELEMENTS:
            if settings.on(full, group, name):
                one = _row(full, group, name, i_peak_ma, u_peak_bp)
                stem = group + "_" + name
                if full[stem + "_do"] == "trip":
                    one[pr.FLAGS] |= pr.TRIP
                if name in settings.INVERSE:
                    one[pr.RESET] = full[stem + "_rst_ms"]
                    if full.get(stem + "_curve", "dt") != "dt":
                        inverse(one, full[stem + "_curve"], full[stem + "_tms_m"], tables,
                                full[stem + "_disc"])
                rows[at:at + pr.ROW] = one
            at += pr.ROW
    joined = array("i", bytes(4 * max(sum([len(t) for t in tables]), 1)))
    at = 0
    for table in tables:
        joined[at:at + len(table)] = table
        at += len(table)
    return rows, joined, count
