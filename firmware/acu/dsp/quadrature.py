"""The second, diverse estimator of a recloser: angle, slip, voltage and frequency of both sides
from products of samples, without any reference, table of sines or window of the first one.

Of each side one voltage (AB) now, u, and a quarter of a nominal cycle (20 frames, exactly a block)
before, m. For sines a = A cos wt and b = B cos(wt + d) with x = w T/4:
    sum(a mb' - ma b) ~ sin d sin x        sum(a b + ma mb) ~ cos d
in each of which the double frequency cancels by itself, and with the sample b' before m
    sum m (u + b') = 2 cos x sum m^2
which is the frequency, near 90 degrees; of odd harmonics nothing is left in it at nominal.
All sums run over one cycle of four blocks. Fast tier: nothing allocates.
"""
import micropython
from micropython import const

# Sums of a block, five blocks a ring: a a, b b, a b, a mb - ma b, a ma, b mb.
SUMS = const(6)
RING = const(5)
# Of the state st, see products(): block at 2, ring of angles after these places.
HISTORY = const(21)      # angles kept, 100 ms apart at their ends


@micropython.viper
def products(x: int, y: int, line: ptr16, st: ptr32, sums: ptr32):
    """The six sums of the newest 20 frames into place st[2] % 5. line: they and the 20 before, in
    halves that change places with each block, the newest in the lower one while st[2] is even.
    Each sum below 2^27."""
    k = (st[2] & 1) * 320
    u = ptr16(int(line) + k)
    w = ptr16(int(line) + 320 - k)
    aa = 0
    bb = 0
    ab = 0
    cross = 0
    am = 0
    bm = 0
    k = 20
    while k:
        x = u[0] - 2048
        y = u[2] - 2048
        m = w[0] - 2048
        n = w[2] - 2048
        aa = x * x + aa
        bb = y * y + bb
        ab = x * y + ab
        cross = x * n - m * y + cross
        am = x * m + am
        bm = y * n + bm
        u = ptr16(int(u) + 16)
        w = ptr16(int(w) + 16)
        k -= 1
    k = st[2] % 5 * 6
    sums[k] = aa
    sums[k + 1] = bb
    sums[k + 2] = ab
    sums[k + 3] = cross
    sums[k + 4] = am
    sums[k + 5] = bm


@micropython.viper
def diverse(x: int, y: int, st: ptr32, sums: ptr32, atan: ptr32, past: ptr32, out: ptr32):
    """Evaluates the newest cycle. past: angles of the last 20 blocks and of the newest, in 2^24 a
    turn, followed from step to step modulo 64 turns. st[6]: the present after the middle of the
    first estimator's window, 1/64 ticks. out: angle of b before a now, in 2^18 a turn; slip in
    uhz, over 100 ms; rms of a and b in codes, times 4; frequencies in mhz, 0 where a or b is too
    weak."""
    newest = st[2] - 1
    aa = 0
    bb = 0
    am = 0
    bm = 0
    ma = 0
    mb = 0
    x = 0
    y = 0
    k = 0
    while k < 4:
        j = (newest - k) % 5 * 6
        i = (newest - k - 1) % 5 * 6         # the block a quarter before: its u are the m
        aa += sums[j] + sums[i] >> 3
        bb += sums[j + 1] + sums[i + 1] >> 3
        x += sums[j + 2] + sums[i + 2] >> 2
        y += sums[j + 3] >> 2
        am += sums[j + 4] + sums[i + 4] >> 3
        bm += sums[j + 5] + sums[i + 5] >> 3
        ma += sums[i] >> 3
        mb += sums[i + 1] >> 3
        k += 1
    out[2] = (aa << 2) // 5                  # an eighth of 160 squares
    out[3] = (bb << 2) // 5
    k = 2
    while k < 4:                             # and their roots: the loop of fixed.py
        z = out[k]
        r = 0
        b = 1 << 26
        while b:
            t = r + b
            r >>= 1
            if z >= t:
                z -= t
                r += b
            b >>= 2
        out[k] = r
        out[k + 2] = 0
        if r > 300:                          # am is twice the cosine, which is one of Q14
            z = 0
            if ma > 0x10000:
                z = am // (ma >> 13)
            out[k + 2] = 50_000 - (z * 1989 >> 10)
        am = bm
        ma = mb
        k += 1
    a = 0
    if x < 0:
        x = 0 - x
        y = 0 - y
        a = 0x800000
    if x or y:
        while x < 0x8000000 and -0x8000000 < y < 0x8000000:
            x <<= 1
            y <<= 1
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
    a = ((a + 0x800000) & 0xFFFFFF) - 0x800000
    x = past[20]
    y = x + ((a - x + 0x800000) & 0xFFFFFF) - 0x800000 & 0x3FFFFFFF
    past[20] = y
    k = newest % 20
    x = ((y - past[k] + 0x20000000) & 0x3FFFFFFF) - 0x20000000 >> 6
    past[k] = y
    if x > 800_000:  # noqa: PLR1730  30 Hz: no slip, but an angle that is none
        x = 800_000
    if x < -800_000:  # noqa: PLR1730
        x = -800_000
    out[1] = x * 2441 >> 6
    # the sums' middle is 50.5 frames before the end, 1377 in the count in which now is st[6]
    out[0] = (a >> 6) + x * (st[6] - 1377) // 1280
