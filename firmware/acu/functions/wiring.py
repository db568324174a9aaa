"""Wrong wiring by name: what each channel shows against what a reference should make it show.

explain() looks for the exchange of channels and the reversed signs, as few as possible, that make
the readings fit; one that fits as it is says ''. Used by calibrating; whole numbers, no state.
"""
from micropython import const

NAMES = {"post": ("UA", "UB", "UC", "IA", "IB", "IC"),
         "branch": ("UA", "UB", "UC", "IA", "IB", "IC"),
         "customer": ("UA", "UB", "UC", "UL", "I"),
         "two": ("U1", "U2", "I1", "I2"),
         "single": ("U", "I")}

_TURN = const(6_283_185)
_HALF = const(3_141_593)
_NEAR_URAD = const(250_000)   # 14 degrees, more than any transducer's lead, less than half of 60
_SILENT = const(2000)         # thousandths of a code rms


def wrapped(turn):
    """An angle in 2^24 a turn as -2^23 to 2^23 - 1."""
    return ((turn + 0x800000) & 0xFFFFFF) - 0x800000


def explain(names, n_v, pairs, want, have):
    """'' or what is wrong. want, have: (thousandths of a code rms, lag in urad) of each channel;
    the first n_v are voltages, pairs are (voltage, current)."""
    n = len(want)
    order, signs = _search(n_v, want, have)
    if order:
        moved = [d for d in range(n) if order[d] != d]
        if moved:
            return _moved(names, n_v, pairs, order, moved, _shift(want, have))
        for d in range(n - 1, -1, -1):
            if signs[d] < 0:
                return ("E165 calibrate: %s is reversed (180 degrees off, so its power has the "
                        "wrong sign). Exchange the two wires of its %s." % (
                            names[d], "voltage input" if d < n_v else "current transformer, or "
                            "turn it on its conductor"))
        return ""
    for d in range(n):
        if have[d][0] < _SILENT or have[d][0] * 20 < want[d][0]:
            return ("E163 calibrate: %s shows %d codes rms, the reference should drive it with "
                    "%d. Check its wires and the range of its transducer." % (
                        names[d], have[d][0] // 1000, want[d][0] // 1000))
    for d in range(n):
        if not _alike(have[d][0], want[d][0]):
            return ("E168 calibrate: %s reads %d %% of the reference, outside 70 to 130. Check "
                    "the turns ratio or divider, i_peak_ma and u_peak_dv of board.json, and the "
                    "reference's range." % (names[d], (have[d][0] * 200 // want[d][0] + 1) // 2))
    d = 1
    while d < n - 1 and _near(have[d][1] - want[d][1]):
        d += 1
    off = (have[d][1] - want[d][1] + _HALF) % _TURN - _HALF
    return ("E167 calibrate: %s is %d degrees off the reference's angle, at most 14 can be a "
            "transducer's. Check the phase angle of the reference and the wiring." % (
                names[d], off * 360 // _TURN))


def _moved(names, n_v, pairs, order, moved, shift):
    shows = ", ".join(["%s shows %s" % (names[d], names[order[d]]) for d in moved])
    crossed = [d for d in moved if (d < n_v) != (order[d] < n_v)]
    if crossed and shift and len(order) > 2:
        return ("E167 calibrate: swapped slots: the channels come %d late in the order of "
                "conversion, or %s. Set the order as board.json has it, or exchange the wires." % (
                    shift, shows))
    if crossed:
        return ("E167 calibrate: swapped channels: %s. Exchange their wires, or the order of "
                "channels in board.json." % shows)
    apart = [p for p in pairs if order[p[1]] - order[p[0]] != p[1] - p[0]]
    if apart:
        v, i = apart[0]
        return ("E166 calibrate: swapped phases: beside the voltage %s stands the current %s, 120 "
                "degrees off (%s). Exchange the wires of the voltages or of the transformers." % (
                    names[order[v]], names[order[i]], shows))
    return ("E166 calibrate: swapped phases: %s. Exchange their wires, or the reference's phases "
            "turn the other way." % shows)


def _shift(want, have):
    """By how many places in the order of conversion all channels are off, if that explains it."""
    n = len(want)
    for shift in range(1, n):
        zero = have[shift][1] - want[0][1]
        if all([_alike(have[(c + shift) % n][0], want[c][0], True)
                and _near(have[(c + shift) % n][1] - want[c][1] - zero) for c in range(n)]):
            return shift
    return 0


def _search(n_v, want, have):
    """(which wanted channel each one shows, its sign) with the fewest changes, or (None, None)."""
    n = len(want)
    best = [5 * n + 1, None, None]
    for first in range(n):
        # only what the first channel shows tells where angles begin
        if _alike(have[0][0], want[first][0], first != 0):
            zero = have[0][1] - want[first][1]
            for sign in (1, -1):
                fits = [[(_cost(0, first, sign, n_v), first, sign)]]
                for d in range(1, n):
                    fits.append(_fits(d, n_v, want, have, zero))
                if all(fits):
                    _assign(fits, [], [], 0, best)
                zero += _HALF
    return best[1], best[2]


def _fits(d, n_v, want, have, zero):
    """What channel d can be taken to show: (cost, channel, sign), the least cost first."""
    fits = []
    for c in range(len(want)):
        if _alike(have[d][0], want[c][0], c != d):
            off = have[d][1] - want[c][1] - zero
            for sign in (1, -1):
                if _near(off if sign > 0 else off + _HALF):
                    fits.append((_cost(d, c, sign, n_v), c, sign))
    return sorted(fits)


def _cost(d, c, sign, n_v):
    """Of channel d showing c: rather voltages or currents alone are exchanged than one of each."""
    return 2 * (d != c) + ((d < n_v) != (c < n_v)) + 2 * (sign < 0)


def _assign(fits, order, signs, cost, best):
    """Goes on with the next channel; keeps the best in best: [cost, order, signs]."""
    if cost >= best[0]:
        return
    if len(order) == len(fits):
        best[0] = cost
        best[1] = order
        best[2] = signs
        return
    for more, c, sign in fits[len(order)]:
        if c not in order:
            _assign(fits, order + [c], signs + [sign], cost + more, best)


def _alike(x, y, moved=False):
    """Within 30 %; within 15 % where channels would have to be exchanged for it: a wrong ratio
    must not look like that."""
    return 20 * abs(x - y) <= (3 if moved else 6) * y


def _near(lag_urad):
    return abs((lag_urad + _HALF) % _TURN - _HALF) <= _NEAR_URAD
