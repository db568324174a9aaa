"""Integer mathematics of measuring: root, angle, and what one half cycle costs in the fast tier.

Angles are in 2^24 a turn, the unit of the sampler's reference. Nothing here allocates but isqrt,
which takes integers of any length and belongs to the slow tier.
"""
from array import array

import micropython
from micropython import const

from acu.dsp.kernels import SINE

# Places in the state of close_half().
LENGTH = const(0)    # frames of the half cycle that is being closed, then of the next one
BEFORE = const(1)    # frames of the half cycle before; 0 after a gap
CHANNELS = const(2)
VOLTAGES = const(3)  # the first channels are voltages, the rest currents
VALUES = const(4)    # sums of a half cycle: nine a pair
SEQ = const(5)       # half cycles closed, 0..2^30-1
REST = const(6)      # what lengths have lost to rounding, Q16 frames
HALF_Q16 = const(7)  # frames of a half cycle at the tracked frequency
DIP_DV = const(8)    # a supply voltage below this, or above the next, marks the window
SWELL_DV = const(9)
EVENT_SEEN = const(10)
STATE_LEN = const(11)


@micropython.viper
def _root(x: int) -> int:
    r = 0
    b = 1 << 26
    while b:
        t = r + b
        r >>= 1
        if x >= t:
            x -= t
            r += b
        b >>= 2
    return r


def isqrt(x):
    """The whole part of the root."""
    y = x
    n = 0
    while y > 0xFFFFFFFFFFFF:
        y >>= 32
        n += 16
    while y > 0xFFFFFFF:
        y >>= 8
        n += 4
    y = _root(y)
    if not n:
        return y
    y = (y + 1) << n        # above the root, by less than a 500th
    while True:
        z = (y + x // y) >> 1
        if z >= y:
            return y
        y = z


# atan(2^-k) in 2^24 a turn, k = 0..19
ATAN = array("i", (2097152, 1238021, 654136, 332050, 166669, 83416, 41718, 20860, 10430, 5215,
                    2608, 1304, 652, 326, 163, 81, 41, 20, 10, 5))


@micropython.viper
def _cordic(y: int, x: int, atan: ptr32) -> int:
    a = 0
    if x < 0:
        x = -x
        y = -y
        a = 0x800000
    k = 0
    while k < 20:
        t = x >> k
        if y > 0:
            x += y >> k
            y -= t
            a += atan[k]
        else:
            x -= y >> k
            y += t
            a -= atan[k]
        k += 1
    return ((a + 0x800000) & 0xFFFFFF) - 0x800000


def atan2(y, x):
    """Angle in 2^24 a turn, -2^23..2^23-1, within 20 of the truth. Any integers of any length."""
    big = max(abs(x), abs(y))
    if big == 0:
        return 0
    shift = 0
    while big >> shift > 0x1FFFFFFF:
        shift += 1
    lift = 0
    while big << lift < 0x10000000:
        lift += 1
    return _cordic((y >> shift) << lift, (x >> shift) << lift, ATAN)


def sin_q16(phase):
    """sin of any phase in 2^24 a turn, Q16, within 10: between the steps of the table."""
    phase &= 0xFFFFFF
    k = phase >> 16
    # in small integers: they cost a board a tenth of long ones
    return (SINE[k] << 4) + ((SINE[k + 64] * ((phase & 0xFFFF) - 0x8000) >> 12) * 25_736 >> 20)


@micropython.viper
def table_error(phase: int, step: int, n: int, sine: ptr32, out: ptr32):
    """What the sine table's 256 steps did to n <= 2000 frames, as sums of the angle d cut off.

    out: d in 2^24 a turn; then d cos 2a and d sin 2a of the phase a, in 2^28 a turn.
    """
    a = 0
    c = 0
    s = 0
    while n:
        d = (phase & 0xFFFF) - 0x8000
        a += d
        k = phase >> 15 & 255
        d >>= 8
        c += d * sine[k + 64]
        s += d * sine[k]
        phase = (phase + step) & 0xFFFFFF
        n -= 1
    out[0] = a
    out[1] = c
    out[2] = s


@micropython.viper
def clear(a: ptr32, n: int):
    while n:
        n -= 1
        a[n] = 0


@micropython.viper
def close_half(x: int, y: int, st: ptr32, half: ptr32, prev: ptr32, scale: ptr32, code: ptr32,
               still: ptr32, zero: ptr32, win: ptr32, dv: ptr32, ma: ptr32, history: ptr32,
               ref: ptr32, sine: ptr32):
    """Ends a half cycle: RMS(1/2) of each channel, sums into the window, next length.

    x, y: nothing, the hot locals. scale: for each channel the places of its sum, sum of squares
    and correlation, then multiplier and shift from Q8 codes. code: RMS in Q8 codes, also where
    the next root starts. still: how many times in succession a channel did not move at all.
    zero: offsets in Q8 codes, at most 512 codes; not the mean of this cycle, which is no offset
    where a dip begins. win: two limbs a value, 24 bits in the lower, then frames. history:
    voltages of the last 16 half cycles. half becomes prev and is cleared.
    """
    seq = (st[5] + 1) & 0x3FFFFFFF
    st[5] = seq
    n = st[0] + st[1]
    # Whole frames are up to one more or less than a cycle: 0.6 % of the RMS, depending on where
    # the cycle is cut. The value there, from the fundamental, takes most of it away.
    odd = 0
    if st[1]:
        odd = (n << 16) - (st[7] << 1)
        if odd > 0x10000 or odd < -0x10000:
            odd = 0  # the length has just been changed
    x = (ref[0] - ((ref[1] >> 1) + (ref[1] >> 9) * (odd >> 8) // 512)) >> 16 & 255
    sin = sine[x]
    cos = sine[x + 64]
    c = 0
    k = 0
    while c < st[2]:
        y = scale[k]
        x = half[y] + prev[y]
        y = scale[k + 1]
        s = half[y] + prev[y]
        q = x // n
        if s != q * (x + x - q * n):  # the squares about a whole number near the mean
            still[c] = 0
        elif still[c] < 1000:
            still[c] += 1
        # the squares about the zero: a whole number first, so that no product is large
        q = zero[c] + 128 >> 8
        s -= q * (x + x - q * n)
        d = zero[c] - (q << 8)
        d *= ((x - q * n << 9) // n) - d
        if odd:
            x = scale[k + 2]
            y = ((half[x] >> 12) * cos + (half[x + 1] >> 12) * sin >> 11) // st[0]
            s -= (odd >> 8) * (y * y - s // n) >> 8
        q = s // n
        s -= q * n
        y = code[c] + 1
        fine = 1
        if q < 8192:
            x = (q << 16) + (s << 16) // n - d  # and what the whole number has left
        else:
            x = (q << 8) + (s << 8) // n
            y = (y >> 4) + 1
            fine = 0
        if x > 0:
            y = (y + x // y) >> 1  # at or above the root from any start
            z = 0
            while z < y:
                if z:
                    y = z
                z = (y + x // y) >> 1
        else:
            y = 0
        z = scale[k + 4]
        if not fine:
            z -= 4
        x = (y * scale[k + 3] + (1 << (z - 1))) >> z
        if not fine:
            y <<= 4
        code[c] = y
        if c < st[3]:
            dv[c] = x
            if c < 3 and (x < st[8] or x > st[9]):
                st[10] = 1
            history[(seq & 15) * st[3] + c] = x
        else:
            ma[c - st[3]] = x
        k += 5
        c += 1
    y = 0
    n = st[4]
    while y < n:
        x = half[y]
        prev[y] = x
        half[y] = 0
        k = y + y
        x += win[k]
        win[k] = x & 0xFFFFFF
        win[k + 1] += x >> 24
        y += 1
    win[n + n] += st[0]
    st[1] = st[0]
    x = st[6] + st[7]
    st[0] = x >> 16
    st[6] = x & 0xFFFF
