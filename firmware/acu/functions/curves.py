"""Inverse-time curves of over-current elements (ANSI 51, 51N, 46) as tables of a rate.

At the start only, then forgotten. Out: how much of the whole way to operation (`full`) one tick of
5 ms is worth at a current, so that a changing current is a sum of rates: the integral form of IEC
60255-151 and IEEE C37.112. t = TMS (A / (M^p - 1) + B), M the multiple of the pick-up; the rate is
its inverse, (M^p - 1) / (TMS (A + B (M^p - 1))), which is 0 at M = 1 and smooth. The table stands
at excesses over the pick-up, 16 to an octave, so that the fast tier divides nothing. Integers of
any length; powers by series, since only p = 0.02 needs one.
"""
from array import array

from micropython import const

# name: (A, B in 1/10000 s, p in 1/100, reset time at zero current in 1/100 s at TMS 1)
CURVES = {
    "iec_ni": (1_400, 0, 2, 1_350),
    "iec_vi": (135_000, 0, 100, 4_730),
    "iec_ei": (800_000, 0, 200, 8_000),
    "ieee_mi": (515, 1_140, 2, 485),
    "ieee_vi": (196_100, 4_910, 200, 2_160),
    "ieee_ei": (282_000, 1_217, 200, 2_910),
}
M_TOP = const(30)         # above it the time is that at 30: the converter is at its rails by then
HEADER = const(3)         # of a table: octave of its first value, largest excess, full
_LN2_Q30 = const(744_261_118)
_TICK_MS = const(5)
_RATE_TOP = const(0x800000)     # at M = 30; interpolation multiplies its differences by 256
_FULL_TOP = const(0x20000000)


def _ln_q30(num, den):
    """Natural logarithm of num / den >= 1, by 2 artanh((num - den) / (num + den))."""
    n = 0
    while num >= 2 * den:
        den *= 2
        n += 1
    y = ((num - den) << 30) // (num + den)
    square = y * y >> 30
    total = 0
    k = 1
    while y:
        total += y // k
        y = y * square >> 30
        k += 2
    return 2 * total + n * _LN2_Q30


def excess_q30(num, den, p_cent):
    """M^p - 1 for M = num / den >= 1, p of 1/100: 2, 100 or 200."""
    if p_cent == 100:
        return ((num - den) << 30) // den
    if p_cent == 200:
        return ((num * num - den * den) << 30) // (den * den)
    z = _ln_q30(num, den) * p_cent // 100
    total = 0
    term = z
    k = 2
    while term:
        total += term
        term = (term * z >> 30) // k
        k += 1
    return total


def time_us(name, tms_m, num, den):
    """Time to operate at M = num / den > 1, us. tms_m: TMS (IEC) or TD (IEEE), 1/1000."""
    a, b, p, _ = CURVES[name]
    g = excess_q30(num, den, p)
    return tms_m * ((a << 30) + b * g) // (10 * g)


def table(name, tms_m, pick_ma):
    """The table of one element, array('i'): HEADER, then rates at excesses of 2^n (1 + j / 16) of
    1/16 mA, n from the first octave on, j 0..15, until M = 30; and the two neighbours of that."""
    a, b, p, _ = CURVES[name]
    one = pick_ma * 16
    n = 4
    while (2 << n) <= one // 32:
        n += 1
    ticks = time_us(name, tms_m, M_TOP, 1) // (_TICK_MS * 1000) + 1
    full = min(_FULL_TOP, ticks * _RATE_TOP)
    top = (M_TOP - 1) * pick_ma
    out = array("i", [n, top, full])
    while True:
        for j in range(16):
            g = excess_q30(one + (1 << n) + (j << n >> 4), one, p)
            out.append(full * _TICK_MS * 10_000 * g // (tms_m * ((a << 30) + b * g)))
        if (2 << n) > top * 16:
            break
        n += 1
    out.append(out[-1])
    return out


def reset_rate(name, tms_m, full):
    """What a tick at zero current takes back of full: the disc's way back, t = TMS tr / (1 - M^2)
    (IEEE C37.112; for IEC curves the values usual there)."""
    return full * _TICK_MS * 100 // (tms_m * CURVES[name][3])
