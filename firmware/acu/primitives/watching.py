"""DRF-1, watching the voltages at every tick: dips, swells, interruptions, and a fast path.

fast(now_us, closed) belongs to the fast tier, right after Measuring.fast and Sensing.fast; it
allocates nothing. From the sampler's ring it takes, each 5 ms and not only at half cycles,

- the RMS of the last cycle of each voltage (its values at the ends of half cycles are RMS(1/2) of
  IEC 61000-4-30), compared with the limits of dip, swell and interruption, hysteresis 2 %;
- the last 2 ms and 4.5 ms against the wave that was expected, the one a cycle earlier. In 2 ms
  the squares are compared; in 4.5 ms that wave and its quadrature are fitted, so that neither a
  jump of phase nor a wrong frequency looks like a dip. Either ratio times the RMS before is the
  voltage of the moment: below 45 % by the one or 88 % by the other sets the phase's bit of
  fast_mask. It holds for five ticks, and until the RMS is back.

The fast path is armed by 40 ms of voltage like that a cycle before. Where there is no ring, and
until it holds a cycle, RMS(1/2) of measuring is compared instead, at closed half cycles.

`dip`, `swell`, `interruption`, `fast_mask` have a bit a phase. What has changed waits, with its
time and the extremes, for the slow tier's pop(). Nothing is decided here: who protects looks at
sensing.bad too, for a channel that died is no dead phase.
"""
from array import array

import micropython
from micropython import const

from acu.dsp.expected import compare, confirm, fit, squares
from acu.dsp.fixed import HALF_Q16, isqrt

_TICKS = const(0x3FFFFFFF)
_FRAMES = const(0x1FFFFFFF)
_GUARD = const(16)      # frames that the converter may write meanwhile
_GAP_US = const(20_000)  # time without frames: what is in the ring is from before
_PLACES = const(8)      # changes that can wait

# per mille of Udin; the hysteresis is 2 % of it (IEC 61000-4-30, 5.4)
_HYST_PM = const(20)
_LONG_PM = const(880)   # the fast path, by 4.5 ms
_SHORT_PM = const(450)  # and by 2 ms
_FLAT_PM = const(40)    # where less is expected, in the mean of the piece, there is no telling


@micropython.viper
def _cycle(x: int, y: int, ring: ptr16, st: ptr32, ph: ptr32, zero: ptr32):
    """Mean square of the last cycle of each voltage.

    st: 0 last place in the ring; 1 phases; 2 frames of a cycle, Q8; 3 frame after the newest; 4, 5
    samples in 2 ms and in 4.5 ms; 6 step; 7-10 dip, swell, interruption, fast; 11 see _judge; 12
    frames from one such sample to the next. ph, 16 words a phase: 0 mean square, codes Q5; 1-8
    those of the last steps; 9 steps like the cycle before, at most 12, armed from 8; 10 steps to
    hold; 11, 12 least and greatest since the event began; 13, 14 squared ratios to what was
    expected in 2 and in 4.5 ms, Q12, at most 4 (-1: no telling).
    """
    wrap = st[0]
    step = (st[6] + 1) & 7
    st[6] = step
    c = 0
    p = 0
    while c < st[1]:
        z = 2048 + (zero[c] + 128 >> 8)
        # one cycle, the frame before it by the fraction that belongs to the cycle
        rest = st[2] >> 8
        y = ((st[3] - rest - 1 << 3) + c) & wrap
        x = ring[y] - z
        s = x * x * (st[2] & 255) >> 8
        y = (y + 8) & wrap
        k = wrap + 8 - y >> 3
        while rest:
            if k > rest:  # noqa: PLR1730  viper has no min()
                k = rest
            rest -= k
            while k > 3:
                x = ring[y] - z
                s = x * x + s
                y += 8
                x = ring[y] - z
                s = x * x + s
                y += 8
                x = ring[y] - z
                s = x * x + s
                y += 8
                x = ring[y] - z
                s = x * x + s
                y += 8
                k -= 4
            while k:
                x = ring[y] - z
                s = x * x + s
                y += 8
                k -= 1
            y = c
            k = rest
        x = s // st[2]
        y = (x << 13) + (s - x * st[2] << 13) // st[2]
        ph[p] = y
        ph[p + 1 + step] = y
        c += 1
        p += 16


@micropython.viper
def _halves(st: ptr32, ph: ptr32, lim: ptr32, dv: ptr32, scale: ptr32):
    """Mean squares from RMS(1/2) in 0.1 V; scale: for each channel its codes Q16, greatest."""
    st[6] = (st[6] + 1) & 7
    c = 0
    while c < st[1]:
        x = dv[c]
        if x > scale[c + c + 1]:  # noqa: PLR1730
            x = scale[c + c + 1]
        x = x * scale[c + c] >> 12
        x = x * x >> 3
        ph[c << 4] = x
        ph[(c << 4) + 1 + st[6]] = x
        ph[(c << 4) + 9] = 0
        if x < lim[c * 9]:
            st[10] |= 1 << c
        c += 1


@micropython.viper
def _judge(st: ptr32, ph: ptr32, lim: ptr32) -> int:
    """Dip, swell, interruption by the mean squares and lim: nine a phase, begin and end of dip,
    swell, interruption, then of the fast path. Returns all masks; st[11]: how long before the end
    of this step a limit was passed, in 1/256 of the step."""
    st[11] = 0
    dipped = st[7]
    swelled = st[8]
    c = 0
    p = 0
    q = 0
    while c < st[1]:
        v = ph[p]
        bit = 1 << c
        if not dipped or v < ph[p + 11]:
            ph[p + 11] = v
        if not swelled or v > ph[p + 12]:
            ph[p + 12] = v
        k = 0
        while k < 3:
            turned = -1
            if st[7 + k] & bit:
                if k == 1:
                    if v <= lim[q + 3]:
                        turned = 3
                elif v >= lim[q + 1 + k + k]:
                    turned = 1 + k + k
            elif k == 1:
                if v > lim[q + 2]:
                    turned = 2
            elif v < lim[q + k + k]:
                turned = k + k
            if turned >= 0:
                st[7 + k] ^= bit
                a = lim[q + turned] - v
                b = ph[p + 1 + (st[6] + 7 & 7)] - v
                if b < 0:
                    a = 0 - a
                    b = 0 - b
                if a > 0:       # else the step before was beyond it too: after a gap
                    part = 256
                    if a < b:
                        while b > 0x3FFFFF:
                            a >>= 1
                            b >>= 1
                        part = (a << 8) // b
                    if part > st[11]:  # noqa: PLR1730
                        st[11] = part
            k += 1
        if st[10] & bit:
            if ph[p + 10]:
                ph[p + 10] -= 1
            elif v >= lim[q + 1]:
                st[10] ^= bit
        c += 1
        p += 16
        q += 9
    return st[7] | st[8] << 3 | st[9] << 6 | st[10] << 9


class Watch:
    """un_dv: Udin, 0.1 V; limits of dip, swell and interruption in per mille of it. A single-phase
    board has one phase, a customer three (not the voltage behind its relays)."""

    def __init__(self, sampler, measuring, un_dv, dip_pm=900, swell_pm=1100, int_pm=50):
        self.dip = self.swell = self.interruption = self.fast_mask = 0
        self.fast_us = 0            # ticks when a bit of fast_mask was last set
        self.phases = n = min(measuring.n_v, 3)
        self.measuring = measuring
        self._sampler = sampler
        self._ring = sampler.ring
        self._tail = sampler.tail if self._ring is not None else 0
        rate_hz = sampler.rate_hz
        self._frame_us = 1_000_000 // rate_hz
        self._step = rate_hz // 160
        self._last_us = 0
        self._fill = 0              # frames in the ring that follow one another
        self._begin = 0             # of the ring, as the sampler had it then
        self._word = 0
        self._full_u = [measuring.cal[c][0] for c in range(n)]
        self._lag = 0
        lim = []
        scale = []
        for full_u in self._full_u:
            for pm in (dip_pm, dip_pm + _HYST_PM, swell_pm, swell_pm - _HYST_PM, int_pm,
                       int_pm + _HYST_PM, _LONG_PM, _SHORT_PM, _FLAT_PM):
                # mean square in codes Q5
                x = 32 * (un_dv * pm * 100 * 2048)**2 // full_u**2
                k = len(lim) % 9
                lim.append(min(x << 2 if k in (6, 7) else x >> 5 if k == 8 else x, 0x3FFFFFFF))
            k_q12 = 100_000 * 2048 * 65_536 // full_u
            scale += [k_q12, 0x7FFF000 // k_q12]
        self._lim = array("i", lim)
        self._scale = array("i", scale)
        self._ph = array("i", [0] * (16 * n))
        self._sums = array("i", [0] * (8 * n))
        stride = max(rate_hz // 2000, 1)
        long = rate_hz * 9 // 2000
        size = sampler.size if self._ring is not None else 8
        self._st = array("i", (size * 8 - 1, n, 0, 0, rate_hz // 500 // stride, long // stride,
                               0, 0, 0, 0, 0, 0, stride))
        self._far = long + 2        # frames looked at beyond a cycle and a quarter
        least = rate_hz // 36 + long + self._step + _GUARD + 4
        if self._ring is not None and size < least:
            raise ValueError("watching: the ring must hold 39 ms, %d frames" % least)
        self._queue = array("i", [0] * (8 * _PLACES))
        self._put = self._got = 0   # modulo 2 * _PLACES

    # ---- fast tier

    def fast(self, now_us, closed):
        """closed: how many half cycles Measuring.fast has just closed."""
        m = self.measuring
        st = self._st
        n = 0
        if self._ring is not None:
            tail = self._sampler.tail
            n = (tail - self._tail) & _FRAMES
        if n:
            self._tail = tail
            size = self._sampler.size
            lag_q8 = m._state[HALF_Q16] >> 7
            far = (lag_q8 * 5 >> 10) + self._far
            if self._sampler.begin != self._begin:      # the converter was started anew
                self._begin = self._sampler.begin
                self._fill = 0
                n = (tail - self._begin) & _FRAMES
            n = min(n, size)
            if ((now_us - self._last_us) & _TICKS) - n * self._frame_us > _GAP_US:
                self._fill = 0
            self._last_us = now_us
            self._fill = min(self._fill + n, size)
            # after a long block the oldest are passed over
            n = min(n, size - _GUARD - far)
            st[2] = lag_q8
            while n:
                k = min(n, self._step)
                n -= k
                fill = self._fill - n
                if fill - 1 > lag_q8 >> 8:
                    st[3] = (tail - n) & (size - 1)
                    _cycle(0, 0, self._ring, st, self._ph, m._zero_q8)
                    if fill >= far:
                        compare(0, 0, self._ring, st, m._zero_q8, self._sums)
                        squares(0, 0, st, self._sums, self._ph, self._lim)
                        hints = fit(0, 0, st, self._sums, self._ph, self._lim)
                        if hints:
                            confirm(0, 0, self._ring, st, m._zero_q8, self._sums, self._ph, hints)
                    closed = 0
                    word = _judge(st, self._ph, self._lim)
                    if word != self._word:
                        self._changed(word, now_us - (n + (k * st[11] >> 8)) * self._frame_us)
        elif closed:
            self._fill = 0
        if closed:
            _halves(st, self._ph, self._lim, m.half_dv, self._scale)
            word = _judge(st, self._ph, self._lim)
            if word != self._word:
                self._changed(word, now_us)

    def _changed(self, word, t_us):
        st = self._st
        if st[10] & ~self.fast_mask:
            self.fast_us = t_us & _TICKS
        self.dip = st[7]
        self.swell = st[8]
        self.interruption = st[9]
        self.fast_mask = st[10]
        before = self._word
        self._word = word
        if not (word ^ before) & 511:
            return
        put = self._put
        if (put - self._got) & 15 == _PLACES:
            put = (put - 1) & 15    # full: the last one gives way, so that the state is right
        at = (put & 7) << 3
        queue = self._queue
        queue[at] = t_us & _TICKS
        queue[at + 1] = word
        for c in range(self.phases):
            queue[at + 2 + c] = self._ph[16 * c + 11]
            queue[at + 5 + c] = self._ph[16 * c + 12]
        self._put = (put + 1) & 15

    # ---- slow tier

    def restart(self):
        """What is in the ring belongs to another time; the states stay."""
        self._fill = 0

    def pop(self):
        """The oldest change: (ticks, dip, swell, interruption, least, greatest), the last two mean
        squares of each phase since the dip or swell began; None if there is none."""
        got = self._got
        if got == self._put:
            return None
        at = (got & 7) << 3
        one = list(self._queue[at:at + 8])
        self._got = (got + 1) & 15
        n = self.phases
        return (one[0], one[1] & 7, one[1] >> 3 & 7, one[1] >> 6 & 7, one[2:2 + n], one[5:5 + n])

    def dv(self, phase, square):
        """A mean square (codes, Q5) as voltage, 0.1 V."""
        return (isqrt(square * self._full_u[phase]**2 << 3) + 1_638_400_000) // 3_276_800_000

    def now_dv(self, phase):
        """RMS of the last cycle, 0.1 V."""
        return self.dv(phase, self._ph[16 * phase])
