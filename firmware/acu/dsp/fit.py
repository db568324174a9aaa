"""Straight lines and parabolas through the newest angles of a recloser, and what they foretell.

Angles are in 2^18 a turn, one a tick of 5 ms, kept with the newest at 0 so that nothing grows.
With x = -h..h about the middle of m = 2h + 1 points, S2 = sum x^2, a = S2 / m and S4 = sum
(x^2 - a)^2, the fit is mean + b x + c (x^2 - a) with b = sum(x y) / S2, c = sum((x^2 - a) y) / S4.
m is such that a is whole: 7, 17, 19, 41. Sums are taken modulo 2^32: partial ones may wrap, b and
c of a slip below 5 Hz do not. Fast tier: nothing allocates.
"""
import micropython
from micropython import const

# Of a fit, what fits() leaves: mean times 16, numerators of b and c, largest deviation.
MEAN = const(0)
LINE = const(1)
CURVE = const(2)
OFF = const(3)
def shape(at, n, m):
    """The row of fits()' par for the newest m of n angles that begin at place `at` of the rings:
    at + n - m, m, S2, a, S4."""
    h = m >> 1
    s2 = sum([2 * x * x for x in range(h + 1)])
    a = s2 // m
    return [at + n - m, m, s2, a, sum([(x * x - a) * (x * x - a) for x in range(-h, h + 1)])]


@micropython.viper
def follow(x: int, y: int, rings: ptr32, at: int, n: int, angle: int):
    """One more angle in the ring of n from place `at` on; place at + n holds the last one itself.
    The difference is taken as less than half a turn."""
    d = ((angle - rings[at + n] + 0x20000) & 0x3FFFF) - 0x20000
    rings[at + n] = angle
    x = at
    y = at + n - 1
    while x < y:
        rings[x] = rings[x + 1] - d
        x += 1
    rings[y] = 0


@micropython.viper
def fits(x: int, y: int, rings: ptr32, par: ptr32, count: int, out: ptr32):
    """count fits. par: rows of shape(); out: four values a fit. The deviation is of the first
    only, which is the one that decides."""
    f = 0
    while f < count:
        at = par[5 * f]
        m = par[5 * f + 1]
        s2 = par[5 * f + 2]
        a = par[5 * f + 3]
        s4 = par[5 * f + 4]
        h = m >> 1
        b = 0
        c = 0
        s = 0
        x = 0 - h
        k = 0
        while k < m:
            y = rings[at + k]
            s += y
            b = x * y + b
            c = (x * x - a) * y + c
            x += 1
            k += 1
        mean = (s << 4) // m
        out[4 * f] = mean
        out[4 * f + 1] = b
        out[4 * f + 2] = c
        if f == 0:
            if c > 0x7000000:  # noqa: PLR1730
                c = 0x7000000
            if c < -0x7000000:  # noqa: PLR1730
                c = -0x7000000
            c >>= 4
            s4 >>= 4
            off = 0
            x = 0 - h
            k = 0
            while k < m:
                y = rings[at + k] - (mean >> 4) - b * x // s2 - c * (x * x - a) // s4
                if y < 0:
                    y = 0 - y
                if y > off:  # noqa: PLR1730  viper has no max()
                    off = y
                x += 1
                k += 1
            out[3] = off
        f += 1


@micropython.viper
def foretell(x: int, y: int, fit: ptr32, par: ptr32, f: int, x64: int, out: ptr32):
    """Of fit f at x = x64 / 64, at most 74: out[0] the angle from the newest on, in 2^18 a turn;
    out[1] the slope there, 2^18 a turn and 256 a tick; out[2] the slope of the straight line;
    out[3] c times 4096, at most 150,000 (11 Hz/s)."""
    s2 = par[5 * f + 2]
    a = par[5 * f + 3]
    s4 = par[5 * f + 4]
    x = fit[4 * f + 1]
    y = x // s2
    b8 = (x - y * s2 << 8) // s2
    angle = (y * x64 + (b8 * x64 >> 8)) >> 6
    b8 += y << 8
    x = fit[4 * f + 2]
    y = x // s4
    if y > 36:
        y = 36
        x = 36 * s4
    if y < -37:
        y = -37
        x = -37 * s4
    c = (y << 12) + ((x - y * s4 << 11) // s4 << 1)
    y = (x64 * x64 >> 12) - a
    out[0] = (fit[4 * f] >> 4) + angle + (c * y >> 12)
    out[1] = b8 + (c * x64 >> 9)
    out[2] = b8
    out[3] = c
