"""Where each quantity of a recloser stands in `q`, the array('i') filled every 5 ms.

All of the fundamental, of two sides: 1 is side i, 2 is side j (spec recloser, section 3). Units:
bp = 0.01 % of the side's nominal line voltage (10000 = Un), with the VT ratio and the signed angle
setting already in; cdeg = 0.01 deg, -18000..17999; uhz, mhz = micro-, millihertz; currents mA
secondary, powers mW and mvar secondary. The two kernels below write it, called by
primitives/bay_measuring.py alone, whose state st is told there; gates and protection only read.
"""
import micropython
from micropython import const

U1 = const(0)         # positive sequence voltage, bp: two-cycle window, corrected off nominal
U2 = const(1)
UAB1 = const(2)       # line voltages, bp, two-cycle window
UBC1 = const(3)
UCA1 = const(4)
UAB2 = const(5)
UBC2 = const(6)
UCA2 = const(7)
U0 = const(8)         # neutral displacement, bp of the open delta's nominal
UN1 = const(9)        # negative sequence voltage, bp
UN2 = const(10)
F1 = const(11)        # mhz, of the positive sequence, lag about 40 ms; 0 while U < 10 %
F2 = const(12)
DF1 = const(13)       # rate of change of frequency, mhz per s
DF2 = const(14)
DD = const(15)        # angle of side 2 minus side 1 now, cdeg
SLIP = const(16)      # f2 - f1, uhz, linear over 200 ms: the static gate's
ACC = const(17)       # d slip / dt, mhz per s, quadratic over 200 ms
DDT = const(18)       # angle, cdeg, predicted for the touch: now + t_close, quadratic over 200 ms
SLIPT = const(19)     # slip, uhz, predicted for the touch
DDT80 = const(20)     # the same angle from the 80 ms fit, cdeg
RES = const(21)       # largest deviation from the 200 ms quadratic, mdeg
DD_B = const(22)      # the second, diverse estimator: angle now, cdeg
SLIP_B = const(23)    # its slip, uhz
U1_B = const(24)      # its voltages, bp, true RMS
U2_B = const(25)
F1_B = const(26)      # its frequencies, mhz
F2_B = const(27)
GOOD = const(28)      # ticks of 5 ms since the last jump, gap or loss on either side
CALM1 = const(29)     # the same of each side alone
CALM2 = const(30)
AGE = const(31)       # ms since the last frames were taken
BAD = const(32)       # mask of channels (bit k: channel k of the board) stale, frozen or clipped
ROT1 = const(33)      # phase order: 1 right, -1 wrong, 0 not known (weak)
ROT2 = const(34)
IA = const(35)        # mA secondary, one-cycle window
IB = const(36)
IC = const(37)
I0 = const(38)        # 3 I0
I1 = const(39)
I2 = const(40)
P = const(41)         # mW, mvar secondary of three phases, side 1; positive: from side 1 to side 2
Q = const(42)
SEQ = const(43)       # ticks counted, 0..2^29
TH1 = const(44)       # angle of the positive sequence in the middle of the two-cycle window,
TH2 = const(45)       # 20.25 ms before the end, against 50 Hz: 2^24 a turn
NQ = const(46)

# From this GOOD on fits have their full length: a jump keeps GOOD at 0 for 10 ticks, and 8 + 41
# ticks after it the last trace of it has left window and fit.
GOOD_FULL = const(42)

_CREEP_MW = const(300)    # less is the noise of no current: it must not become energy


@micropython.viper
def assess(x: int, y: int, st: ptr32, ph: ptr32, size: ptr32, angle: ptr32, sizes: ptr32,
           ends: ptr32, still: ptr32, raw: ptr32, q: ptr32):
    """Sizes and powers into q, health of the channels, and for how long each side has not jumped.
    sizes: rows of pair, place, factor in Q16, the largest that a factor may have. raw: of each
    side the last 8 raw angles and sizes. still: blocks that a channel has not moved, then those
    that the last clipped one stays in the windows."""
    k = 0
    while k < 17:
        x = size[sizes[4 * k]]
        if x > sizes[4 * k + 3]:  # noqa: PLR1730  viper has no min()
            x = sizes[4 * k + 3]
        q[sizes[4 * k + 1]] = x * sizes[4 * k + 2] + 0x8000 >> 16
        k += 1
    bad = 0
    k = 0
    while k < 8:
        x = ends[k]
        y = ends[k + 8]
        if x != y:
            still[k] = 0
        elif still[k] < 8:
            still[k] += 1
        if x < 4 or y > 4091:
            still[k + 8] = 9
        if still[k + 8]:
            still[k + 8] -= 1
        if st[8] & 1 << k and (still[k] == 8 or still[k + 8]):
            bad |= 1 << k
        k += 1
    q[BAD] = bad
    k = 0
    good = 0x10000000
    while k < 2:
        a = angle[24 + k]
        s = size[24 + k]
        at = (k << 4) + ((st[2] & 7) << 1)
        p = (k << 4) + ((st[2] - 4 & 7) << 1)
        x = (a - raw[p] - raw[p] + raw[at] + 0x800000 & 0xFFFFFF) - 0x800000
        if x < 0:
            x = 0 - x
        y = s - raw[p + 1]
        if y < 0:
            y = 0 - y
        n = q[CALM1 + k]
        if (x > st[12] or y > st[13 + k] or s < st[15 + k] or raw[p + 1] < st[15 + k]
                or raw[at + 1] < st[15 + k]):
            n = 0
        elif n < 0x10000000:
            n += 1
        q[CALM1 + k] = n
        raw[at] = a
        raw[at + 1] = s
        if n < good:  # noqa: PLR1730
            good = n
        x = q[U1 + k]
        y = q[UN1 + k]
        n = 0
        if x + y >= 1000:
            if x >= y + y:
                n = 1
            elif y >= x + x:
                n = -1
        q[ROT1 + k] = n
        k += 1
    q[GOOD] = good
    q[TH1] = angle[15]
    q[TH1 + 1] = angle[16]
    x = (angle[16] >> 6) - (angle[15] >> 6) + st[4]
    y = q[F1]
    if y:
        x -= (y - 50_000) * st[5] >> 13
    st[17] = x & 0x3FFFF
    st[18] = angle[15] >> 6
    st[19] = angle[16] >> 6
    p = ph[52]           # phasor.POWER
    r = ph[53]
    p = (p >> 12) * st[11] + ((p & 4095) * st[11] >> 12) >> 6
    q[P] = p
    q[Q] = (r >> 12) * st[11] + ((r & 4095) * st[11] >> 12) >> 6
    k = 21
    if p < 0:
        p = 0 - p
        k = 23
    if p < _CREEP_MW:
        p = 0
    p += st[k]
    st[k] = p & 1023
    st[k + 1] = st[k + 1] + (p >> 10) & 0x3FFFFFFF


@micropython.viper
def tell(x: int, y: int, st: ptr32, fit: ptr32, told: ptr32, seen: ptr32, q: ptr32):
    """What the fits and the products say, into q. told: as foretell() leaves it of now and touch
    by the long fit and of touch by the 80 ms one. seen: as diverse() leaves it."""
    if q[GOOD] >= GOOD_FULL:
        x = st[17] + told[0] + 0x20000 & 0x3FFFF
        q[DD] = (x - 0x20000) * 1125 >> 13
        q[SLIP] = told[6] * 763 >> 8
        q[ACC] = told[7] * 1221 >> 14
        x = st[17] + told[4] + 0x20000 & 0x3FFFF
        q[DDT] = (x - 0x20000) * 1125 >> 13
        q[SLIPT] = told[5] * 763 >> 8
        x = st[17] + told[8] + 0x20000 & 0x3FFFF
        q[DDT80] = (x - 0x20000) * 1125 >> 13
        x = fit[3]
        if x > 0x1FFFF:  # noqa: PLR1730
            x = 0x1FFFF
        q[RES] = x * 11250 >> 13
    else:                # nothing to believe yet: the raw angle, and a deviation that refuses
        x = st[17] + 0x20000 & 0x3FFFF
        x = (x - 0x20000) * 1125 >> 13
        q[DD] = x
        q[DDT] = x
        q[DDT80] = x
        q[SLIP] = 0
        q[SLIPT] = 0
        q[ACC] = 0
        q[RES] = 180_000
    k = 0
    while k < 2:         # frequencies: fits 2, 3 of side 1, 4, 5 of side 2
        if q[U1 + k] < 1000:
            q[F1 + k] = 0
            q[DF1 + k] = 0
        else:
            y = fit[(k << 3) + 9] * 10 // 367
            q[F1 + k] = 50_000 + y
            x = fit[(k << 3) + 14]
            if x > 2_000_000:  # noqa: PLR1730
                x = 2_000_000
            if x < -2_000_000:  # noqa: PLR1730
                x = -2_000_000
            q[DF1 + k] = x * 1000 // 44_453
            # what the window lost off nominal: 1 / sinc^2 of y * 20 ms, in millionths
            if y > 6000:  # noqa: PLR1730
                y = 6000
            if y < -6000:  # noqa: PLR1730
                y = -6000
            x = (y * y >> 5) * 345 >> 13
            x += (x >> 4) * (x >> 4) // 6511
            q[U1 + k] += q[U1 + k] * (x >> 4) // 62_500
        k += 1
    q[SEQ] = st[2]
    x = seen[0] + st[4] - st[20] + 0x20000 & 0x3FFFF
    q[DD_B] = (x - 0x20000) * 1125 >> 13
    q[SLIP_B] = seen[1]
    k = 0
    while k < 2:
        q[U1_B + k] = seen[2 + k] * st[9 + k] >> 15
        q[F1_B + k] = seen[4 + k]
        k += 1
