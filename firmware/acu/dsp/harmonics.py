"""Loops of the spectrum: a window folded onto one cycle of 256 places, and its harmonics (slow tier).

Each frame is weighted by 1 - cos over the window (Hann), so that ends between two frames leak
nothing that matters, and spread over the four places around its phase with the weights of a cubic
spline: that turns any frequency into 256 even samples a cycle for some 300 cycles a frame, and
images of the fundamental stay below 3e-5. Whoever reads harmonic h divides by the spline's sinc^4.

Phases are in 2^24 a turn. Bounds for windows of at most 12 cycles and 2300 frames, pieces of at
most 127: weighted codes reach 2048 * 8192 >> 11 = 8192, a place 12 * 8192 * 6144 < 2^30, and its
sums over all places 2300 * 2^18 * 1.5 < 2^30. The hot locals come first.
"""
import micropython
from micropython import const

HARMONICS = const(25)
PLACES = const(256)

# Places in the state.
AT = const(0)          # frame in the ring
MASK = const(1)        # frames in the ring less one
CHANNEL = const(2)
HANN = const(3)        # phase of the weight and its step
HANN_STEP = const(4)
PHASE = const(5)       # of the fundamental and its step
STEP = const(6)
LOW = const(7)         # least and greatest code, less 2048
HIGH = const(8)
SUM = const(9)         # of the codes, and of their squares in two limbs, 24 bits in the first
SQUARES = const(10)
STATE = const(12)


@micropython.viper
def gather(x: int, y: int, n: int, st: ptr32, ring: ptr16, sine: ptr32, bins: ptr32):
    """Adds n frames of a channel to the places; x, y: nothing."""
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
        y = x * (4096 - sine[(w >> 16 & 255) + 64]) + 1024 >> 11
        w += st[4]
        # cubic spline at the distance a, in 256ths of a place; six times its weights, Q10
        a = p >> 8 & 255
        k = p >> 16
        p = (p + st[6]) & 0xFFFFFF
        x = 256 - a
        first = x * x * x + 8192 >> 14
        last = a * a * a + 8192 >> 14
        x = 0x4000000 - (6 * a * a << 8) + 3 * a * a * a + 8192 >> 14
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
        k = h >> 1     # the table is of the middles of its steps: the angle is off by half a step
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
    """out: 1.6468 (a constant of CORDIC) times the magnitude of each of the n pairs of acc."""
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
