"""What a finished window says: U, I, P, Q1, S, PF, f and energy, in integers of any length.

The slow half of measuring (DRF-2). A window is two halves of whole half cycles of the tracked
frequency; its sums come from the fast half, measuring.py. P is true power with the sign of the
current transformer, Q the fundamental's, positive when the current lags.
"""
from array import array

from micropython import const

from acu.dsp.fixed import atan2, isqrt, sin_q16, table_error
from acu.dsp.kernels import SINE

# Quality of a window; bit 0 of a message's `fl` is the clock's.
LOST = const(2)      # frames were overwritten: the window is shorter than its time
NO_F = const(4)      # frequency could not be measured and was held
LONG = const(8)      # the slow tier came late: averages over more than one window
EVENT = const(16)    # a supply voltage was below 90 % or above 110 % of nominal (IEC 61000-4-30)

_STEP = const(8)    # codes; half a frame too many at full scale moves a mean by 2.5

_NEAR_MHZ = const(20)    # what the window was evaluated with is then as good as its frequency

F_MIN_MHZ = const(45_000)
F_MAX_MHZ = const(65_000)


class Windows:
    """The readings are attributes: lists by phase, but a customer's load as numbers. The same with
    all their digits, whoever it is: rms_u, true RMS of each channel without its offset, microvolt
    or microampere; p_mw, q_mvar of each of the n_p pairs; fund, the fundamental of each channel as
    its correlation (re, im) with the reference, n_frames * 2048 * peak in codes, or None where it
    is not known; all of a window of n_frames evaluated at used_mhz."""

    def __init__(self, sampler, pairs, n_v, cal, un_dv, fn_mhz):
        n_u = min(n_v, 3)
        self.n_v = n_v
        self.n_p = n_p = len(set(pairs)) if n_v < 4 else 1
        self.pairs = pairs
        self.cal = cal
        self.u_dv = [0] * n_u
        self.u_load_dv = 0
        lists = n_v < 4
        self.i_ma = [0] * n_p if lists else 0
        self.p_w = [0] * n_p if lists else 0
        self.q_var = [0] * n_p if lists else 0
        self.s_va = [0] * n_p if lists else 0
        self.pf_m = [0] * n_p if lists else 0
        self.rms_u = [0] * len(cal)
        self.p_mw = [0] * n_p
        self.q_mvar = [0] * n_p
        self.fund = None
        self.n_frames = 0
        self.used_mhz = fn_mhz
        self.f_mhz = 0                                # 0: no voltage
        self.quality = 0
        self.window_ms = 0
        self.n_windows = 0
        self.e_import_mwh = 0
        self.e_export_mwh = 0

        self._sampler = sampler
        self._lists = lists
        self._n_u = n_u
        self._rate_hz = sampler.rate_hz
        self._mid = 10 if fn_mhz < 55_000 else 12     # half cycles in half a window
        self._f_mhz = fn_mhz                          # tracked, held without voltage
        self._good_mhz = fn_mhz                       # last one measured
        self._import = self._export = 0               # lost to rounding so far, mW frames
        # no-load threshold of the energy registers: below it noise would count both ways
        self._creep_mw = cal[-1][0] * cal[0][0] // 10**9 >> 15

        # milliwatt at 2048 x 2048 codes, Q10
        self._gain = [(cal[v][0] * cal[i][0] << 10) // 10**9 for v, i in pairs]
        # places of each channel's sum, sum of squares and correlation, in its first pair
        self._place = place = []
        for c in range(len(cal)):
            for k in range(3):
                if c in pairs[k]:
                    w = pairs[k].index(c)
                    place.append((9 * k + w, 9 * k + 2 + w, 9 * k + 5 + 2 * w))
                    break
        # mean square in codes of 10 % of nominal: below it there is no frequency
        self._v_min = [(un_dv * 10_000 * 2048 // cal[c][0])**2 for c in range(n_u)]

        self._zero_q8 = array("i", [0] * len(cal))    # offset of each channel, codes
        self._zero_known = 0                          # a bit a channel
        self._table = (array("i", [0, 0, 0]), array("i", [0, 0, 0]))
        self._tune(fn_mhz)

    def _window(self, one, two, n_one, n, marks, flags):
        """Readings of a window of n frames from the sums of its halves. marks: reference at start,
        middle and end, its step, half cycles."""
        broken = bool(flags & (LOST | LONG))
        table_one, table_two = self._table
        table_error(marks[0], marks[3], 0 if broken else n_one, SINE, table_one)
        table_error(marks[1], marks[3], 0 if broken else n - n_one, SINE, table_two)
        f_mhz = self._frequency(one, two, n_one, n - n_one, marks, broken)
        used_mhz = self._f_mhz
        if f_mhz > 0:
            self._f_mhz = self._good_mhz = used_mhz = f_mhz
            self._tune(f_mhz)
        elif f_mhz < 0:
            flags |= NO_F
            f_mhz = self._good_mhz
        elif used_mhz != self._good_mhz:    # lost while it was searched
            self._f_mhz = self._good_mhz
            self._tune(self._f_mhz)
        self.f_mhz = f_mhz
        total = [one[k] + two[k] for k in range(27)]
        for k in range(3):
            table_one[k] += table_two[k]
        start, _, end, step, halves = marks
        # A window ends up to half a frame off whole half cycles: 0.03 % of a voltage. Its value
        # there, known from the fundamental, takes that away.
        odd_q16 = (n << 16) - (halves * self._rate_hz * 500 * 65_536 + used_mhz // 2) // used_mhz
        image = None
        if broken or abs(odd_q16) > 0x40000:    # or cut by another frequency, while it is searched
            odd_q16 = 0
            flags |= NO_F
        else:
            image = self._image(n, used_mhz, start, step, table_one)
        self.quality = flags
        self.used_mhz = used_mhz
        mean_q16 = self._evaluate(total, n, odd_q16, end - (step * (0x10000 + odd_q16) >> 17),
                                  image)
        if image and not flags and abs(odd_q16) <= 0x10000:
            self._follow_zero(mean_q16, one, two, n_one, n - n_one)
        self.n_frames = n
        self.window_ms = n * 1000 // self._rate_hz
        self.n_windows += 1

    def _tune(self, f_mhz):
        """What the fast tier takes up at its next window."""
        self._step = self._turn(f_mhz)
        self._half_q16 = self._rate_hz * 500 * 65_536 // f_mhz

    def _turn(self, f_mhz):
        return ((f_mhz << 24) + self._rate_hz * 500) // (self._rate_hz * 1000)

    def _image(self, n, f_mhz, start, step, error):
        """What a correlation of n frames sees of a wave of f besides the wave, as (a, b) in Q30.

        The conjugate of the wave, as far as n frames are no whole number of half cycles of the sum
        of wave and reference, and what the steps of the sine table let through (error,
        table_error).
        """
        rate = self._rate_hz * 1000
        x_q16 = (f_mhz - (step * rate >> 24)) * n * 205_887 // rate   # pi in Q16
        # half the turn of n frames of both together, and of one
        k = ((sin_q16((step * n >> 1) + (f_mhz * n << 23) // rate) << 30)
             // (n * sin_q16((step >> 1) + (f_mhz << 23) // rate)))
        x_q16 = (x_q16 * x_q16 >> 16) // 6
        if x_q16:
            k = (k << 16) // (65_536 - x_q16)   # the wave itself is seen smaller
        twice = 2 * start + step * (n - 1)
        n <<= 14
        return (-(k * sin_q16(twice + 0x400000) >> 16) - error[2] * 411_775 // n,
                -(k * sin_q16(twice) >> 16) + error[1] * 411_775 // n)

    def _fundamental(self, sums, c, image):
        """Correlations of channel c without its image, if that is known."""
        k = self._place[c][2]
        re = sums[k]
        im = sums[k + 1]
        if not image:
            return re, im
        a, b = image
        return re + (re * a + im * b >> 30), im + (re * b - im * a >> 30)

    def _frequency(self, one, two, n_one, n_two, marks, broken):
        """From the angle between halves of the window; 0 without voltage, -1 if not to be had."""
        best = -1
        level = 0
        for c in range(self._n_u):
            k, square, _ = self._place[c]
            a = one[square] // n_one - (one[k] // n_one)**2
            b = two[square] // n_two - (two[k] // n_two)**2
            least = min(a, b)
            if least >= max(level, self._v_min[c]):
                best = c
                level = least
            elif best < 0 and max(a, b) >= self._v_min[c]:
                best = -2  # for a part of the window only
        if best == -1:
            return 0
        if best < 0 or broken:
            return -1
        # less than 60 % of the squares at the reference: it is not the fundamental that we look at
        missed = 0
        _, square, k = self._place[best]
        for sums, n in ((one, n_one), (two, n_two)):
            if (sums[k]**2 + sums[k + 1]**2) * 20 < (sums[square] << 24) * n * 6:
                missed += 1
        if missed == 2 and marks[3] == self._step:
            # Far from the reference, and neither a dip nor a jump: try the next of four bands.
            # Half cycles stay as long as they are: cut by a wrong band RMS would swing by 10 %.
            self._f_mhz = 47_500 + (self._f_mhz - 42_500) // 5000 * 5000 % 20_000
            self._step = self._turn(self._f_mhz)
        if missed:
            return -1
        n = n_one + n_two
        step = marks[3]
        f_mhz = self._rate_hz * 1000 * step >> 24
        before_mhz = 0
        while abs(f_mhz - before_mhz) > _NEAR_MHZ:
            before_mhz = f_mhz
            angle = 0
            for sums, frames, k in ((one, n_one, 0), (two, n_two, 1)):
                error = self._table[k]
                image = self._image(frames, f_mhz, marks[k], step, error)
                re, im = self._fundamental(sums, best, image)
                angle = atan2(im, re) + error[0] // frames - angle
            angle = ((0x800000 - angle) & 0xFFFFFF) - 0x800000
            f_mhz = (self._rate_hz * 1000 * (step * n + 2 * angle) // n + 0x800000) >> 24
        return f_mhz if F_MIN_MHZ - 500 <= f_mhz <= F_MAX_MHZ + 500 else -1

    def _evaluate(self, sums, n, odd_q16, end, image):
        """Voltages, currents, powers of n frames, of which odd_q16 at phase end are too many.
        Returns the means of the channels, codes Q16."""
        n_q16 = (n << 16) - odd_q16
        cos_q16 = sin_q16(end + 0x400000)
        end_q16 = sin_q16(end)
        self.fund = fund = []
        last_q8 = []        # value of each channel at the end, codes
        mean_q16 = []
        rms_u = []
        for c in range(len(self.cal)):
            re, im = self._fundamental(sums, c, image)
            last = (re * cos_q16 + im * end_q16 >> 19) // n
            mean = ((sums[self._place[c][0]] << 32) - (odd_q16 * last << 8)) // n_q16
            last += mean >> 8
            square = (sums[self._place[c][1]] << 48) - (odd_q16 * last * last << 16)
            var_q32 = max(square // n_q16 - mean * mean, 0)
            rms_u.append(isqrt(var_q32) * self.cal[c][0] >> 27)
            fund.append((re, im))
            last_q8.append(last)
            mean_q16.append(mean)
        p_mw = []
        q_mvar = []
        nn = n * n
        radian = self.used_mhz * 6_746_518_852 // 10**6    # Q30, in a microsecond
        for k in range(self.n_p):
            v, i = self.pairs[k]
            v_re, v_im = fund[v]
            i_re, i_im = fund[i]
            p = (sums[9 * k + 4] << 48) - (odd_q16 * last_q8[v] * last_q8[i] << 16)
            p = p // n_q16 - mean_q16[v] * mean_q16[i]
            p1 = ((v_re * i_re + v_im * i_im) << 9) // nn
            q = ((v_re * i_im - v_im * i_re) << 9) // nn
            # the current is sampled later than the voltage, and the transducers lead: turn it back
            # by 2 pi f t and their difference, in Q30; the cosine and sine of that by their series
            turn = ((self.cal[i][1] - self.cal[v][1]) * radian // 10**6
                    + (self.lead_urad(i, rms_u[i]) - self.lead_urad(v, rms_u[v])) * 16_777_216
                    // 15_625)
            less = turn * turn >> 31
            turn -= less * turn // (3 << 30)
            p, q = (p - (p1 * less + q * turn >> 30), q + (p1 * turn - q * less >> 30))
            gain = self._gain[k]
            p_mw.append((p * gain >> 63) + 1 >> 1)
            q_mvar.append((q * gain >> 63) + 1 >> 1)
        self._tell(rms_u, p_mw, q_mvar)
        self._count(sum(p_mw), n)
        return mean_q16

    def lead_urad(self, c, x_u):
        """How far the transducer of channel c leads at this RMS: between the points linear."""
        cal = self.cal[c]
        if len(cal) < 3 or not cal[2]:
            return 0
        x0_u, lead = cal[2][0]
        for x1_u, lead1 in cal[2]:
            if x_u < x1_u:
                return lead + (lead1 - lead) * max(x_u - x0_u, 0) // max(x1_u - x0_u, 1)
            x0_u, lead = x1_u, lead1
        return lead

    def _tell(self, rms_u, p_mw, q_mvar):
        """The readings: with all digits, and as messages have them."""
        self.rms_u = rms_u
        self.p_mw = p_mw
        self.q_mvar = q_mvar
        for c in range(self._n_u):
            self.u_dv[c] = (rms_u[c] + 50_000) // 100_000
        if not self._lists:
            self.u_load_dv = (rms_u[3] + 50_000) // 100_000
        for k in range(self.n_p):
            v, i = self.pairs[k]
            s_mva = rms_u[v] * rms_u[i] // 10**9
            pf_m = (2000 * p_mw[k] + s_mva) // (2 * s_mva) if s_mva else 0
            pf_m = max(-1000, min(1000, pf_m))
            i_ma = (rms_u[i] + 500) // 1000
            p_w = (p_mw[k] + 500) // 1000
            q_var = (q_mvar[k] + 500) // 1000
            s_va = (s_mva + 500) // 1000
            if self._lists:
                self.i_ma[k] = i_ma
                self.p_w[k] = p_w
                self.q_var[k] = q_var
                self.s_va[k] = s_va
                self.pf_m[k] = pf_m
            else:
                self.i_ma = i_ma
                self.p_w = p_w
                self.q_var = q_var
                self.s_va = s_va
                self.pf_m = pf_m

    def _follow_zero(self, mean_q16, one, two, n_one, n_two):
        """Offsets drift slowly: what a switched current, or a channel that freezes or heals,
        leaves in one half of a window is none, nor is the one code of a frozen channel."""
        for c in range(len(mean_q16)):
            k, square, _ = self._place[c]
            a, b = one[k], two[k]
            if (abs(a * n_two - b * n_one) > _STEP * n_one * n_two
                    or (a + b) % (n_one + n_two) == 0       # of one code, then, are the squares
                    and (one[square] + two[square]) * (n_one + n_two) == (a + b)**2):
                continue
            new_q8 = max(-512 << 8, min(512 << 8, mean_q16[c] >> 8))
            if self._zero_known & 1 << c:
                new_q8 = self._zero_q8[c] + ((new_q8 - self._zero_q8[c]) >> 4)
            self._zero_q8[c] = new_q8
            self._zero_known |= 1 << c

    def _count(self, p_mw, n):
        """Energy of n frames into one of the two registers; remainders are kept."""
        per_mwh = self._rate_hz * 3600
        if p_mw > self._creep_mw:
            self._import += p_mw * n
            self.e_import_mwh += self._import // per_mwh
            self._import %= per_mwh
        elif p_mw < -self._creep_mw:
            self._export -= p_mw * n
            self.e_export_mwh += self._export // per_mwh
            self._export %= per_mwh
