"""The fast path of watching: the newest samples of a voltage against the wave that was expected.

Expected is the wave a cycle earlier, before the event. In the last 2 ms only the squares are
compared, which sees a loss. In the last 4.5 ms that wave and the one a quarter of a cycle before
it are fitted to the samples: the size of what fits is the voltage, whatever its phase, so a wrong
frequency does no harm. Four kernels, one after the other, in the fast tier; they allocate
nothing. ring, st and ph are described in primitives/watching.py, lim at its _judge; samples are
taken at about 2 kHz. The first two parameters are the hot locals.
"""
import micropython


@micropython.viper
def compare(x: int, y: int, ring: ptr16, st: ptr32, zero: ptr32, sums: ptr32):
    """Products of the newest samples x of each voltage, of e, a cycle before, and of q, a quarter
    before that. sums, eight a phase: xx xe xq ee eq qq in 4.5 ms, then xx ee in 2 ms."""
    wrap = st[0]
    lag = st[2] + 128 >> 8
    quarter = lag + 2 >> 2 << 3
    lag <<= 3
    c = 0
    p = 0
    while c < st[1]:
        z = 2048 + (zero[c] + 128 >> 8)
        at = (st[3] << 3) + c - 8
        xx = 0
        xe = 0
        xq = 0
        ee = 0
        eq = 0
        qq = 0
        k = 0
        while k < st[5]:
            y = at - lag
            x = ring[y - quarter & wrap] - z
            y = ring[y & wrap] - z
            ee = y * y + ee
            eq = x * y + eq
            qq = x * x + qq
            s = ring[at & wrap] - z
            xq = x * s + xq
            xe = y * s + xe
            xx = s * s + xx
            at -= st[12] << 3
            k += 1
            if k == st[4]:
                sums[p + 6] = xx
                sums[p + 7] = ee
        sums[p] = xx
        sums[p + 1] = xe
        sums[p + 2] = xq
        sums[p + 3] = ee
        sums[p + 4] = eq
        sums[p + 5] = qq
        c += 1
        p += 8


@micropython.viper
def squares(x: int, y: int, st: ptr32, sums: ptr32, ph: ptr32, lim: ptr32):
    """The 2 ms of each voltage; leaves in sums whether it fell there, and the RMS before."""
    c = 0
    p = 0
    q = 0
    while c < st[1]:
        # before an event the RMS was the greatest of the last five steps
        y = ph[p]
        k = 4
        while k:
            x = ph[p + 1 + (st[6] + 8 - k & 7)]
            if x > y:  # noqa: PLR1730  viper has no max()
                y = x
            k -= 1
        rms = y >> 10
        k = c << 3
        x = sums[k + 6]
        y = sums[k + 7]
        sums[k + 6] = 0
        sums[k + 7] = rms
        r = -1
        if y >= lim[q + 8] * st[4]:
            r = 16384
            if x >> 2 < y:
                while y > 0xFFFF:
                    y >>= 1
                    x >>= 1
                r = (x << 12) // y
                if r < 4096 and r * rms < lim[q + 7]:
                    sums[k + 6] = 1
        ph[p + 13] = r
        c += 1
        p += 16
        q += 9


@micropython.viper
def fit(x: int, y: int, st: ptr32, sums: ptr32, ph: ptr32, lim: ptr32) -> int:
    """The 4.5 ms, and both together. What 2 ms say is so; the phases of which 4.5 ms say that they
    fell are returned, and sums has what confirm() needs."""
    hints = 0
    c = 0
    p = 0
    q = 0
    while c < st[1]:
        k = c << 3
        # 4.5 ms: x = a e + b q by least squares; a a + b b is its size, whatever its phase
        xx = sums[k]
        xe = sums[k + 1]
        xq = sums[k + 2]
        ee = sums[k + 3]
        eq = sums[k + 4]
        qq = sums[k + 5]
        r = -1
        y = ee
        if qq > y:  # noqa: PLR1730
            y = qq
        if y >= lim[q + 8] * st[5]:
            r = 16384
            if xx >> 1 < ee + qq:
                s = 0
                while y > 0x3FFF:
                    y >>= 1
                    s += 1
                ee >>= s
                eq >>= s
                qq >>= s
                xe >>= s
                xq >>= s
                det = ee * qq - eq * eq
                r = -1
                if det > y * y >> 4:
                    det >>= 12
                    x = xe * qq - xq * eq
                    y = xq * ee - xe * eq
                    xe = 1
                    if x < 0:
                        x = 0 - x
                        xe = -1
                    xq = 1
                    if y < 0:
                        y = 0 - y
                        xq = -1
                    x = x // det
                    y = y // det
                    r = 16384
                    if x < 8192 and y < 8192:
                        r = x * x + y * y >> 12
                    if ph[p + 9] >= 8 and r < 4096 and r * sums[k + 7] < lim[q + 6]:
                        hints |= 1 << c
                        sums[k] = x * xe
                        sums[k + 1] = y * xq
                        sums[k + 2] = s
                        x = 4096 - r >> 1
                        sums[k + 3] = (x * x >> 12) * (ee + qq) >> 12
        ph[p + 14] = r
        x = sums[k + 6]
        k = ph[p + 9]
        if x and k >= 8:
            st[10] |= 1 << c
            ph[p + 10] = 5
        x = ph[p + 13]
        if x > 1024 and x < 16384 or x < 0:
            if r > 3318 and r < 4956:
                k += 2
        if k:
            k -= 1
        if k > 12:  # noqa: PLR1730
            k = 12
        ph[p + 9] = k
        c += 1
        p += 16
        q += 9
    return hints


@micropython.viper
def confirm(x: int, y: int, ring: ptr16, st: ptr32, zero: ptr32, sums: ptr32, ph: ptr32,
            hints: int):
    """A jump of phase within the 4.5 ms looks like less voltage too; but then the fit leaves of
    the samples 0.045 (1 - r)^2 of the wave or more, r the ratio, and of a dip next to nothing."""
    lag = st[2] + 128 >> 8
    quarter = lag + 2 >> 2 << 3
    lag <<= 3
    c = 0
    while c < st[1]:
        if hints & 1 << c:
            z = 2048 + (zero[c] + 128 >> 8)
            p = c << 3
            at = (st[3] << 3) + c - 8
            y = 0
            k = st[5]
            while k:
                x = (ring[at - lag & st[0]] - z) * sums[p] + 2048
                x += (ring[at - lag - quarter & st[0]] - z) * sums[p + 1]
                x = ring[at & st[0]] - z - (x >> 12)
                y = x * x + y
                at -= st[12] << 3
                k -= 1
            if (y >> sums[p + 2]) * 28 < sums[p + 3]:
                st[10] |= 1 << c
                ph[(c << 4) + 10] = 5
        c += 1
