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
CHANNELS = const(8)
_PLACES = const(32)      # of a block in the ring: A re, A im, B re, B im (Q12 >> 5) of 8 channels

# Pairs (re, im) that window() leaves: two cycles of all channels, one of 5..7, halves of 0..3.
TWO = const(0)
ONE = const(8)
HALF = const(11)
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
def block(x: int, y: int, ring: ptr16, st: ptr32, tw: ptr32, blocks: ptr32, ends: ptr32):
    """Sums of the 20 frames from frame st[1] of a ring of st[0] frames into place st[2] & 7 of
    blocks. ends: least and greatest code of each channel in the block. st[2]: blocks so far."""
    mask = (st[0] << 3) - 1
    at = (st[1] << 3)
    out = (st[2] & 7) << 5
    tw = ptr32(int(tw) + (st[2] & 3) * 80)       # 20 places of 4 bytes
    k = 0
    while k < 8:
        p = at + k
        j = 0
        low = 4095
        high = 0
        ac = 0
        as_ = 0
        bc = 0
        bs = 0
        while j < 20:
            x = ring[p & mask]
            p += 8
            if x < low:  # noqa: PLR1730  viper has no min()
                low = x
            if x > high:  # noqa: PLR1730
                high = x
            x -= 2048
            y = x * tw[j]
            ac += y
            bc = y * j + bc
            y = x * tw[j + 20]
            as_ += y
            bs = y * j + bs
            j += 1
        blocks[out] = ac + 16 >> 5
        blocks[out + 1] = as_ + 16 >> 5
        blocks[out + 2] = bc + 16 >> 5
        blocks[out + 3] = bs + 16 >> 5
        ends[k] = low
        ends[k + 8] = high
        out += 4
        k += 1


@micropython.viper
def window(x: int, y: int, st: ptr32, blocks: ptr32, factor: ptr32, out: ptr32):
    """The newest windows of all channels, turned and scaled. st[2]: blocks so far, the newest
    among them. factor: re, im in Q14 of each channel, |factor| < 1.2. out: PAIRS pairs."""
    newest = st[2] - 1 & 7
    p = 0
    while p < 15:
        k = p
        if p >= 11:
            k = p - 11
        elif p >= 8:
            k = p - 3
        q = 0
        while q < 2:
            a = (k << 2) + q
            x = 0
            if p < 8:       # two cycles: 1..80, then 79..0
                y = 0
                while y < 4:
                    at = a + ((newest + 1 + y & 7) << 5)
                    x += blocks[at] * (20 * y + 1) + blocks[at + 2]
                    at = a + ((newest + 5 + y & 7) << 5)
                    x += blocks[at] * (79 - 20 * y) - blocks[at + 2]
                    y += 1
                x = x + 512 >> 10
            elif p < 11:    # one cycle
                y = 0
                while y < 4:
                    x += blocks[a + ((newest - y & 7) << 5)]
                    y += 1
                x = x + 8 >> 4
            else:
                x = blocks[a + (newest << 5)] + blocks[a + ((newest - 1 & 7) << 5)]
                x = x + 4 >> 3
            if q == 0:
                re = x
            q += 1
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
LOOKS = const(26)        # pairs in all


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
            if k < 2:
                ph[34 + (k << 1)] = 0
                ph[35 + (k << 1)] = 0
                ph[38 + (k << 1)] = re
                ph[39 + (k << 1)] = im
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


# atan(2^-k) in 2^24 a turn, k = 0..17
ATAN = array("i", (2097152, 1238021, 654136, 332050, 166669, 83416, 41718, 20860, 10430, 5215,
                   2608, 1304, 652, 326, 163, 81, 41, 20))


@micropython.viper
def polar(x: int, y: int, ph: ptr32, n: int, atan: ptr32, size: ptr32, angle: ptr32):
    """Size and angle of n phasors |x| < 2^20. size: times 1.6468 / 16, the length that turning
    them left (CORDIC). angle: 2^24 a turn, -2^23..2^23-1, within 40 where size is not small."""
    p = 0
    while p < n:
        x = ph[p + p] << 9
        y = ph[p + p + 1] << 9
        a = 0
        if x < 0:
            x = 0 - x
            y = 0 - y
            a = 0x800000
        k = 0
        while k < 18:
            t = x >> k
            if y > 0:  # noqa: PLR1730
                x += y >> k
                y -= t
                a += atan[k]
            else:
                x -= y >> k
                y += t
                a -= atan[k]
            k += 1
        size[p] = x >> 13
        angle[p] = ((a + 0x800000) & 0xFFFFFF) - 0x800000
        p += 1
