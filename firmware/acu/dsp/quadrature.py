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
def products(x: int, y: int, line: ptr16, st: ptr32, zero: ptr32, sums: ptr32):
    """The six sums of the newest 20 frames into place st[2] % 5. line: they and the 20 before, in
    halves that change places with each block, the newest in the lower one while st[2] is even.
    zero: offsets in codes of channels 0 and 2. Each sum below 2^27."""
    za = 2048 + zero[0]
    zb = 2048 + zero[1]
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
        x = u[0] - za
        y = u[2] - zb
        m = w[0] - za
        n = w[2] - zb
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
    turn, followed from step to step modulo 64 turns. out: angle of b before a in 2^24 a turn, at
    50.5 frames (12.6 ms) before the end; what it gained in 100 ms; mean squares of a and b in
    codes, times 16; cos x of a and b in Q14."""
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
        x += sums[j + 2] + sums[i + 1 + 1] >> 2
        y += sums[j + 3] >> 2
        am += sums[j + 4] + sums[i + 4] >> 3
        bm += sums[j + 5] + sums[i + 5] >> 3
        ma += sums[i] >> 3
        mb += sums[i + 1] >> 3
        k += 1
    out[2] = (aa << 2) // 5                  # an eighth of 160 squares
    out[3] = (bb << 2) // 5
    out[4] = 0
    out[5] = 0
    if ma > 0x10000:
        out[4] = am // (ma >> 13)            # am is twice the cosine
    if mb > 0x10000:
        out[5] = bm // (mb >> 13)
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
    out[0] = a
    x = past[20]
    y = x + ((a - x + 0x800000) & 0xFFFFFF) - 0x800000 & 0x3FFFFFFF
    past[20] = y
    k = newest % 20
    out[1] = ((y - past[k] + 0x20000000) & 0x3FFFFFFF) - 0x20000000
    past[k] = y
