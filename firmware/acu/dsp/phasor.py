"""Phasors of a recloser's channels: from the newest frames to sizes and angles (design, 4).

Reference is the nominal 50 Hz, 80 frames a cycle, and a block is the 20 frames of 5 ms. Of each
block and channel the sums A = sum v e and B = sum j v e are kept (v: code - 2048, e: cos and
-sin in Q12, j: place in the block), so that windows of whole blocks may have slopes:
- two cycles, triangular (rect * rect): what is not 50 Hz falls with the square of its distance,
  and the window's middle is 81 frames (20.25 ms) before its end. Voltages, currents, powers.
- one cycle, rectangular: currents of the protection.
- half a cycle: the raw angle in which a jump shows after 5 ms.
Phasors leave with 400 (two cycles) or 320 a code of amplitude, |x| < 2^20. Channels are sampled
one after the other: each is turned back to channel 0 and scaled by a complex factor in Q14.

Fast tier: nothing allocates. The first two parameters are the hot locals.
"""
from array import array

import micropython
from micropython import const

FRAMES = const(20)       # a block
BLOCKS = const(8)        # in the ring: two cycles
# Of a block: A re, A im, B re, B im (Q12 >> 5) of each channel.
PLACES = const(32)

# Pairs (re, im) that window() leaves: two cycles of all channels, from ONE on one cycle of the
# currents (5..7), then halves of the voltages 0..3.
ONE = const(8)
PAIRS = const(15)


def _twiddles():
    """cos in Q12 of the 80 frames of a cycle, and a quarter more: -sin is 20 places on."""
    table = array("i", range(100))
    c, s = 1073741824, 0         # Q30; cos and sin of a turn / 80 below
    for k in range(100):
        table[k] = (c + 0x20000) >> 18
        c, s = ((c * 1070432479 - s * 84242461 + 0x20000000) >> 30,
                (s * 1070432479 + c * 84242461 + 0x20000000) >> 30)
    return table


TWIDDLES = _twiddles()


@micropython.viper
def piece(x: int, y: int, ring: ptr32, st: ptr32, line: ptr32):
    """Copies the 20 frames from frame st[1] of a ring of st[0] frames into the half of `line`
    where they are in one piece: the lower one while the count of blocks st[2] is even."""
    mask = st[0] - 1
    at = st[1]
    to = ptr32(int(line) + (st[2] & 1) * 320)
    k = 20
    while k:
        v = ptr32(int(ring) + ((at & mask) << 4))
        to[0] = v[0]
        to[1] = v[1]
        to[2] = v[2]
        to[3] = v[3]
        to = ptr32(int(to) + 16)
        at += 1
        k -= 1


@micropython.viper
def block(x: int, y: int, line: ptr16, st: ptr32, tw: ptr32, blocks: ptr32, ends: ptr32):
    """Sums of the newest 20 frames, of each channel in the order 0..7, into place st[2] & 7 of
    blocks, and 8 places on as well, so that any eight follow one another. ends: least and greatest
    of two codes in four. st[2]: blocks so far.

    B comes of running sums: each v e is in the running sum A of 20 - j frames.
    """
    k = 0
    while k < 8:
        v = ptr16(int(line) + (st[2] & 1) * 320 + k + k)
        c = ptr32(int(tw) + (st[2] & 3) * 80)       # 20 places of 4 bytes
        low = 4095
        high = 0
        y = 0
        b = 0
        j = 5
        while j:
            x = v[0]
            if x < low:  # noqa: PLR1730  viper has no min()
                low = x
            if x > high:  # noqa: PLR1730
                high = x
            x -= 2048
            y = x * c[0] + y
            b += y
            x = v[8] - 2048
            y = x * c[1] + y
            b += y
            x = v[16] - 2048
            y = x * c[2] + y
            b += y
            x = v[24]
            if x < low:  # noqa: PLR1730
                low = x
            if x > high:  # noqa: PLR1730
                high = x
            x -= 2048
            y = x * c[3] + y
            b += y
            v = ptr16(int(v) + 64)
            c = ptr32(int(c) + 16)
            j -= 1
        ends[k] = low
        ends[k + 8] = high
        a = y + 16 >> 5
        b = a * 20 - (b + 16 >> 5)
        v = ptr16(int(v) - 320)
        y = 0
        d = 0
        j = 5
        while j:                # -sin is 20 places on: c has come there
            x = v[0] - 2048
            y = x * c[0] + y
            d += y
            x = v[8] - 2048
            y = x * c[1] + y
            d += y
            x = v[16] - 2048
            y = x * c[2] + y
            d += y
            x = v[24] - 2048
            y = x * c[3] + y
            d += y
            v = ptr16(int(v) + 64)
            c = ptr32(int(c) + 16)
            j -= 1
        to = ptr32(int(blocks) + ((st[2] & 7) << 7) + (k << 4))
        x = y + 16 >> 5
        y = x * 20 - (d + 16 >> 5)
        to[0] = a
        to[1] = x
        to[2] = b
        to[3] = y
        to[256] = a
        to[257] = x
        to[258] = b
        to[259] = y
        k += 1


@micropython.viper
def window(x: int, y: int, st: ptr32, blocks: ptr32, factor: ptr32, out: ptr32):
    """The newest windows of all channels, turned and scaled. st[2]: blocks so far, the newest
    among them. factor: re, im in Q14 of each channel, |factor| < 1.2. out: PAIRS pairs."""
    oldest = int(blocks) + ((st[2] & 7) << 7)
    p = 0
    while p < 15:
        k = p
        if p >= 11:
            k = p - 11
        elif p >= 8:
            k = p - 3
        b = ptr32(oldest + (k << 4))
        re = 0
        q = 2
        while q:
            if p < 8:       # two cycles: weights 1..80, then 79..0
                x = b[0] + b[2] + b[32] * 21 + b[34] + b[64] * 41 + b[66] + b[96] * 61 + b[98]
                x += b[128] * 79 - b[130] + b[160] * 59 - b[162] + b[192] * 39 - b[194]
                x = x + b[224] * 19 - b[226] + 512 >> 10
            elif p < 11:    # one cycle
                x = b[128] + b[160] + b[192] + b[224] + 8 >> 4
            else:
                x = b[192] + b[224] + 4 >> 3
            if q == 2:
                re = x
                b = ptr32(int(b) + 4)
            q -= 1
        im = x
        c = factor[k + k]
        s = factor[k + k + 1]
        y = s & 127
        s >>= 7
        x = c & 127
        c >>= 7
        out[p + p] = re * c + (re * x >> 7) - im * s - (im * y >> 7) + 64 >> 7
        out[p + p + 1] = re * s + (re * y >> 7) + im * c + (im * x >> 7) + 64 >> 7
        p += 1


# Pairs that sequences() leaves behind those of window().
POS1 = const(15)
POS2 = const(16)
NEG1 = const(17)
NEG2 = const(18)
CA1 = const(19)
CA2 = const(20)
I_POS = const(21)
I_NEG = const(22)
I_ZERO = const(23)
RAW1 = const(24)
RAW2 = const(25)
POWER = const(26)        # no phasor: P and Q of side 1, units of 400 / 64 a code, squared, halved
LOOKS = const(27)        # pairs in all


@micropython.viper
def sequences(x: int, y: int, ph: ptr32, single: int):
    """Symmetrical components: of each side's line voltages AB and BC (two cycles, and half a cycle
    for RAW), of the currents (one cycle). single: bit 0, 1: side 1, 2 has the voltage AB only,
    which then stands for the positive sequence.

    With CA = -AB - BC the positive sequence as a line voltage is AB/2 + j (AB + 2 BC)/(2 root 3).
    """
    k = 0
    while k < 4:
        a = k << 2           # AB of sides 1 and 2: pairs 0 and 2
        if k > 1:
            a = (k - 2 << 2) + 22
        re = ph[a]
        im = ph[a + 1]
        x = re + ph[a + 2] + ph[a + 2]           # AB + 2 BC, times 1/(2 root 3) = 18919 / 65536
        y = im + ph[a + 3] + ph[a + 3]
        x = x * 147 + (x * 103 >> 7) + 256 >> 9
        y = y * 147 + (y * 103 >> 7) + 256 >> 9
        to = 48 + (k - 2 << 1)
        if k < 2:
            to = 30 + (k << 1)
            ph[34 + (k << 1)] = (re >> 1) + y
            ph[35 + (k << 1)] = (im >> 1) - x
            ph[38 + (k << 1)] = 0 - re - ph[a + 2]
            ph[39 + (k << 1)] = 0 - im - ph[a + 3]
        ph[to] = (re >> 1) - y
        ph[to + 1] = (im >> 1) + x
        if single & 1 << (k & 1):
            ph[to] = re
            ph[to + 1] = im
            if k < 2:               # BC a third of a turn behind AB, and no negative sequence
                ph[34 + (k << 1)] = 0
                ph[35 + (k << 1)] = 0
                ph[38 + (k << 1)] = re
                ph[39 + (k << 1)] = im
                x = im * 443 + (im * 52 >> 7) + 256 >> 9
                y = re * 443 + (re * 52 >> 7) + 256 >> 9
                ph[a + 2] = x - (re >> 1)
                ph[a + 3] = 0 - y - (im >> 1)
        k += 1
    # currents: (A + a B + a^2 C) / 3 with a = -1/2 + j root 3 / 2
    re = ph[18] + ph[20]
    im = ph[19] + ph[21]
    ph[46] = ph[16] + re
    ph[47] = ph[17] + im
    x = ph[18] - ph[20]
    y = ph[19] - ph[21]
    x = x * 443 + (x * 52 >> 7) + 256 >> 9       # root 3 / 2 = 56756 / 65536
    y = y * 443 + (y * 52 >> 7) + 256 >> 9
    re = ph[16] - (re >> 1)
    im = ph[17] - (im >> 1)
    ph[42] = (re - y) // 3
    ph[43] = (im + x) // 3
    ph[44] = (re + y) // 3
    ph[45] = (im - x) // 3
    # powers by two wattmeters, AB with A and CB with C; two cycles
    a = ph[0] + 32 >> 6
    b = ph[1] + 32 >> 6
    x = ph[10] + 32 >> 6
    y = ph[11] + 32 >> 6
    p = a * x + b * y >> 1
    r = b * x - a * y >> 1
    a = 0 - ph[2] + 32 >> 6
    b = 0 - ph[3] + 32 >> 6
    x = ph[14] + 32 >> 6
    y = ph[15] + 32 >> 6
    p += a * x + b * y >> 1
    r += b * x - a * y >> 1
    ph[52] = p
    ph[53] = r


@micropython.viper
def polar(x: int, y: int, ph: ptr32, atan: ptr32, size: ptr32, angle: ptr32):
    """Size of the phasors that are asked for, |x| < 2^21.3, and angle of POS and RAW. size: times
    1.6468 / 16, which is what turning them makes of it (CORDIC, the loop of fixed.py: a call would
    cost more). angle: 2^24 a turn, -2^23..2^23-1, within 40 where size is not small."""
    p = 0
    while p < 26:
        x = ph[p + p]
        y = ph[p + p + 1]
        if 0x3018000 >> p & 1:
            x <<= 9
            y <<= 9
            a = 0
            if x < 0:
                x = 0 - x
                y = 0 - y
                a = 0x800000
            k = 0
            while k < 18:
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
            angle[p] = ((a + 0x800000) & 0xFFFFFF) - 0x800000
            size[p] = x >> 13
        elif 0x3FF871F >> p & 1:    # not: currents of two cycles, halves of single voltages
            if x < 0:
                x = 0 - x
            if y < 0:
                y = 0 - y
            if y > x:
                t = x
                x = y
                y = t
            k = 0                   # to 15 bits, so that the squares' sum stays below 2^31
            if x > 0xFFFFF:
                k = 7
            elif x > 0x7FFF:
                k = 5
            x >>= k
            y >>= k
            t = x + (y * 3 >> 3)    # within 7 % of the root, and twice made better
            if t:
                a = x * x + y * y
                t = t + a // t >> 1
                t = t + a // t >> 1
            size[p] = t * 13_490 >> 17 - k
        p += 1
