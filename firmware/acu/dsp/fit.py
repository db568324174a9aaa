"""Straight lines and parabolas through the newest angles of a recloser, and what they foretell.

Angles are in 2^18 a turn, one a tick of 5 ms, kept with the newest at 0 so that nothing grows.
With x = -h..h about the middle of m = 2h + 1 points, S2 = sum x^2, a = S2 / m and S4 = sum
(x^2 - a)^2, the fit is mean + b x + c (x^2 - a) with b = sum(x y) / S2, c = sum((x^2 - a) y) / S4.
m is such that a is whole: 7, 17, 19, 41. Sums are taken modulo 2^32: partial ones may wrap, b and
c of a slip below 5 Hz do not. Fast tier: nothing allocates.
"""
import micropython


def shape(at, n, m):
    """The row of fits()' par for the newest m of n angles that begin at place `at` of the rings:
    at + n - m, m, S2, a, S4."""
    h = m >> 1
    s2 = sum([2 * x * x for x in range(h + 1)])
    a = s2 // m
    return [at + n - m, m, s2, a, sum([(x * x - a) * (x * x - a) for x in range(-h, h + 1)])]


@micropython.viper
def follow(x: int, y: int, rings: ptr32, par: ptr32, st: ptr32, first: int):
    """One more angle, st[first] and on, in each ring. par: of each ring where it begins and how
    many it holds, ended by a size of 0; the place behind a ring holds the last angle itself. The
    difference is taken as less than half a turn."""
    angle = ptr32(int(st) + (first << 2))
    k = 0
    while par[k + k + 1]:
        x = par[k + k]
        y = x + par[k + k + 1]
        d = ((angle[k] - rings[y] + 0x20000) & 0x3FFFF) - 0x20000
        rings[y] = angle[k]
        y -= 1
        r = ptr32(int(rings) + (x << 2))
        y -= x
        while y:
            r[0] = r[1] - d
            r = ptr32(int(r) + 4)
            y -= 1
        r[0] = 0
        k += 1


@micropython.viper
def fits(x: int, y: int, rings: ptr32, par: ptr32, count: int, out: ptr32):
    """count fits. par: rows of shape(); out: four values a fit, mean times 16, numerators of b
    and c, largest deviation: of the first only, which is the one that decides."""
    f = 0
    while f < count:
        r = ptr32(int(rings) + (par[0] << 2))
        m = par[1]
        a = par[3]
        b = 0
        c = 0
        s = 0
        x = 0 - (m >> 1)
        k = m
        while k:
            y = r[0]
            r = ptr32(int(r) + 4)
            s += y
            b = x * y + b
            c = (x * x - a) * y + c
            x += 1
            k -= 1
        mean = (s << 4) // m
        out[0] = mean
        out[1] = b
        out[2] = c
        if f == 0:
            # b and c as in foretell()
            y = b // par[2]
            b = (y << 8) + (b - y * par[2] << 8) // par[2]
            if b > 0x3000000:  # noqa: PLR1730  viper has no min()
                b = 0x3000000
            if b < -0x3000000:  # noqa: PLR1730
                b = -0x3000000
            y = c // par[4]
            if y > 900:
                y = 900
                c = 900 * par[4]
            if y < -900:
                y = -900
                c = -900 * par[4]
            c = (y << 12) + ((c - y * par[4] << 11) // par[4] << 1)
            mean = (mean >> 4) - (c * a >> 12)
            off = 0
            r = ptr32(int(rings) + (par[0] << 2))
            x = 0 - (m >> 1)
            k = m
            while k:
                y = r[0] - mean - (((c * x >> 4) + b) * x >> 8)
                r = ptr32(int(r) + 4)
                if y < 0:
                    y = 0 - y
                if y > off:  # noqa: PLR1730
                    off = y
                x += 1
                k -= 1
            out[3] = off
        par = ptr32(int(par) + 20)
        out = ptr32(int(out) + 16)
        f += 1


@micropython.viper
def foretell(x: int, y: int, fit: ptr32, par: ptr32, ask: ptr32, out: ptr32):
    """Of ask[0] questions (fit, x64 at most 74 * 64): out, four a question: the angle at x64 / 64
    from the newest on, in 2^18 a turn; the slope there, 2^18 a turn and 256 a tick; the slope of
    the straight line; both at most 5 Hz; c times 4096, at most 150,000 (11 Hz/s)."""
    n = ask[0]
    while n:
        row = ptr32(int(par) + 20 * ask[1])
        one = ptr32(int(fit) + 16 * ask[1])
        x64 = ask[2]
        s2 = row[2]
        s4 = row[4]
        x = one[1]
        y = x // s2
        b8 = (x - y * s2 << 8) // s2
        angle = (y * x64 + (b8 * x64 >> 8)) >> 6
        b8 += y << 8
        x = one[2]
        y = x // s4
        if y > 36:
            y = 36
            x = 36 * s4
        if y < -37:
            y = -37
            x = -37 * s4
        c = (y << 12) + ((x - y * s4 << 11) // s4 << 1)
        y = (x64 * x64 >> 12) - row[3]
        out[0] = (one[0] >> 4) + angle + (c * y >> 12)
        x = b8 + (c * x64 >> 9)
        k = 1
        while k < 3:
            if x > 1_700_000:  # noqa: PLR1730  viper has no min()
                x = 1_700_000
            if x < -1_700_000:  # noqa: PLR1730
                x = -1_700_000
            out[k] = x
            x = b8
            k += 1
        out[3] = c
        ask = ptr32(int(ask) + 8)
        out = ptr32(int(out) + 16)
        n -= 1
