"""Loops of the spectrum (slow tier): a window folded into one cycle of 256 places, its harmonics.

Each frame is weighted by 1 - cos over the window (Hann), so that ends between two frames leak
nothing that matters, and spread over the four places around its phase with the weights of a cubic
spline: that turns any frequency into 256 even samples a cycle for some 550 cycles a frame, and
images of the fundamental stay below 3e-5. Whoever reads harmonic h divides by the spline's sinc^4.

Phases are in 2^24 a turn. Bounds for windows of at most 12 cycles and 2550 frames, pieces of at
most 127: weighted codes reach 2048 * 8192 >> 11 = 8192, a place 12 * 8192 * 6144 < 2^30, and its
sums over all places 2550 * 6144 * 64 < 2^30. The hot locals come first.
"""
import micropython
from micropython import const

HARMONICS = const(25)
PLACES = const(256)


@micropython.viper
def gather(x: int, y: int, n: int, st: ptr32, ring: ptr16, sine: ptr32, bins: ptr32):
    """Adds n frames of a channel to the places; x, y: nothing. st: 0 first frame, 1 frames in the
    ring less one, 2 channel, 3-4 phase of the weight and its step, 5-6 of the fundamental, 7-8
    least and greatest code less 2048, 9 sum of these, 10-11 of their squares (24 bits first).
    """
    at = st[0]
    w = st[3]
    p = st[5]
    low = st[7]
    high = st[8]
    total = st[9]
    squares = st[10]
    while n:
        x = ring[(at << 3) + st[2]] - 2048
        at = (at + 1) & st[1]
        total += x
        squares += x * x
        if x < low:  # noqa: PLR1730  viper has no min()
            low = x
        if x > high:  # noqa: PLR1730
            high = x
        # the weight, between the steps of the table: their middle, and Q14 radian from there
        k = w >> 16 & 255
        y = ((w & 0xFFFF) - 0x8000) * 201 >> 15
        y = x * (4096 - sine[k + 64] + (sine[k] * y + 8192 >> 14)) + 1024 >> 11
        w += st[4]
        # cubic spline at the distance a, Q12, from a place; six times its weights, Q10
        a = p >> 4 & 4095
        k = p >> 16
        p = (p + st[6]) & 0xFFFFFF
        x = 4096 - a
        first = (x * x >> 12) * x + 8192 >> 14
        x = a * a >> 12
        last = x * a + 8192 >> 14
        x = 0x4000000 - (x * 6 << 12) + x * a * 3 + 8192 >> 14
        bins[(k + 255) & 255] += y * first
        bins[k] += y * x
        bins[(k + 1) & 255] += y * (6144 - first - x - last)
        bins[(k + 2) & 255] += y * last
        n -= 1
    st[0] = at
    st[3] = w & 0xFFFFFF
    st[5] = p
    st[7] = low
    st[8] = high
    st[9] = total
    st[10] = squares & 0xFFFFFF
    st[11] += squares >> 24


@micropython.viper
def fold(x: int, y: int, bins: ptr32):
    """Half a cycle on: the sum for even harmonics stays, the difference for odd ones follows."""
    k = 0
    while k < 128:
        x = bins[k] + 2048 >> 12
        y = bins[k + 128] + 2048 >> 12
        bins[k] = x + y
        bins[k + 128] = x - y
        k += 1


@micropython.viper
def correlate(x: int, y: int, h: int, end: int, sine: ptr32, bins: ptr32, acc: ptr32):
    """Harmonics h..end - 1 of folded places, re and im, to acc; x, y: nothing."""
    cosine = ptr32(int(sine) + 256)
    while h < end:
        c = 0
        s = 0
        k = 0
        v = bins
        if h & 1:
            v = ptr32(int(bins) + 512)
        n = 128
        while n:
            y = k & 255
            x = v[0]
            c += x * cosine[y] >> 6
            s += x * sine[y] >> 6
            k += h
            v = ptr32(int(v) + 4)
            n -= 1
        acc[h + h - 2] = c
        acc[h + h - 1] = s
        h += 1


@micropython.viper
def magnitudes(x: int, y: int, n: int, acc: ptr32, out: ptr32):
    """out: 1.6468 (a constant of CORDIC) times the magnitude of each of the n pairs of acc,
    which is at most 2550 * 6144 * 64."""
    h = 0
    while h < n:
        x = acc[h + h]
        y = acc[h + h + 1]
        if x < 0:
            x = -x
        if y < 0:
            y = -y
        shift = 0
        while (x | y) >= 0x10000000:
            x >>= 1
            y >>= 1
            shift -= 1
        while shift < 16 and (x | y) < 0x8000000:
            x <<= 1
            y <<= 1
            shift += 1
        k = 0
        while k < 16:
            t = x >> k
            if y > 0:
                x += y >> k
                y -= t
            else:
                x -= y >> k
                y += t
            k += 1
        if shift < 0:
            out[h] = x << -shift
        else:
            out[h] = x >> shift
        h += 1


@micropython.viper
def ratios(x: int, y: int, n: int, sizes: ptr32, out: ptr32):
    """From the magnitudes of harmonics 1..n, the first at least 2^19: out[h] harmonic h in ppm of
    the first, at most 2,200,000; out[0] all but the first, as one (their THD)."""
    one = sizes[0]
    shift = 0
    while one >= 0x200000:
        one >>= 1
        shift += 1
    most = 0
    h = 1
    while h <= n:
        x = sizes[h - 1] >> shift
        if x > one << 1:  # noqa: PLR1730  viper has no min()
            x = one << 1
        y = x // one
        ppm = y * 1_000_000
        x = (x - y * one) * 1000
        y = x // one
        ppm += y * 1000
        ppm += ((x - y * one) * 1000 + (one >> 1)) // one
        # by the spline's sinc^4: 1 + 2/3 z^2 + 11/45 z^4, z = pi h / 256, less that of the first
        y = (h * h - 1) * 158
        x = (y >> 10) * (y >> 10)
        ppm += ppm * (y * 2 // 3 + x * 11 // 45 + 64 >> 7) + 4096 >> 13
        out[h] = ppm
        if h > 1:
            most |= ppm
        h += 1
    shift = 0
    while most >> shift > 8191:
        shift += 1
    total = 0
    h = 2
    while h <= n:
        x = (out[h] + (1 << shift >> 1)) >> shift
        total += x * x
        h += 1
    while shift and total < 0x20000000:
        total <<= 2
        shift -= 1
    y = 46341
    x = 46340
    while x < y:          # the root of it
        y = x
        if y:
            x = (y + total // y) >> 1
    out[0] = y << shift
