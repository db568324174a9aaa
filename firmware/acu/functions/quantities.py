"""All quantities of a window that an engineer asks for (IEC 61850: MMXU, MSQI), from Measuring.

Slow tier; update() after each window that Measuring.slow() has evaluated. Integers, unit in the
name. RMS values, P, S and PF are true ones, harmonics included; Q, cos phi, phasors, voltages
between phases, symmetrical components and the neutral current are the fundamental's. Signs: P
positive when taken from the grid (by the transformers), Q positive when the current lags, PF has
the sign of P. S of the whole is the sum of the phases' S (arithmetic apparent power), PF = P / S.

Phasors turn against the window's reference and are freed of the slot skew and of the transducers'
lead at the frequency that the window was evaluated with. Where a number has no meaning (no
voltage; no fundamental at the simulator's phasor level) it is UNKNOWN, or 0 in `sequence`. Says
nothing of channels that are bad or of flagged windows: sensing and measuring.quality do.
"""
from micropython import const

from acu.dsp.fixed import atan2, isqrt

UNKNOWN = const(-1)

WIRING = {"ABC": (0, 1, 2), "AB": (0, 1), "BC": (1, 2), "CA": (2, 0), "A": (0,), "B": (1,),
          "C": (2,)}

_ROOT3_Q20 = const(1_816_187)


def _magnitude(z):
    return isqrt(z[0] * z[0] + z[1] * z[1])


def _ppm(part, whole, least):
    """part of whole in ppm; a whole below least is none."""
    return (part * 1_000_000 + whole // 2) // whole if whole > least else UNKNOWN


class Quantities:
    """Lists run over the measured phases, `phases` says which (0..2); phasors and angles_cdeg over
    the channels. wiring: "ABC", or the phases of a meter of two or one."""

    def __init__(self, measuring, wiring="ABC"):
        self.phases = phases = WIRING.get(wiring, ())
        n = measuring.n_p
        if measuring.n_v != n or len(phases) != n:
            raise ValueError("quantities: a %s is not wired %s" % (measuring.kind, wiring))
        self.u_mv = [0] * n
        self.i_ua = [0] * n
        self.p_mw = [0] * n
        self.q_mvar = [0] * n
        self.s_mva = [0] * n
        self.pf_e5 = [0] * n          # P / S in 1e-5
        self.cosphi_m = [0] * n       # of the fundamental; its angle, U before I
        self.phi_cdeg = [0] * n
        self.p_total_mw = self.q_total_mvar = self.s_total_mva = 0
        self.pf_total_e5 = 0
        self.f_mhz = 0                # 0: no voltage
        self.phasors = None           # (re, im) of each channel, uV or uA rms; U of `ref` real
        self.angles_cdeg = [0] * (2 * n)     # -18000..17999
        self.ref = UNKNOWN            # channel that the angles are seen from
        self.sequence = 0             # 1: ABC, -1: ACB
        self._m = measuring
        self._dead_uv = measuring.un_dv * 10_000     # 10 % of nominal: below it no angle
        # one code's worth: less current has no angle
        self._least_ua = measuring.cal[-1][0] // 2048
        self._no_phasors()

    def update(self):
        """Takes the window that measuring has just evaluated."""
        m = self._m
        self.f_mhz = m.f_mhz
        p_mw = q_mvar = s_mva = 0
        for k in range(len(self.phases)):
            v, i = m.pairs[k]
            u_uv = m.rms_u[v]
            p = m.p_mw[k]
            q = m.q_mvar[k]
            s = (u_uv * m.rms_u[i] + 500_000_000) // 1_000_000_000
            self.u_mv[k] = (u_uv + 500) // 1000
            self.i_ua[k] = m.rms_u[i]
            self.p_mw[k] = p
            self.q_mvar[k] = q
            self.s_mva[k] = s
            self.pf_e5[k] = self._pf_e5(p, s)
            p_mw += p
            q_mvar += q
            s_mva += s
        self.p_total_mw = p_mw
        self.q_total_mvar = q_mvar
        self.s_total_mva = s_mva
        self.pf_total_e5 = self._pf_e5(p_mw, s_mva)
        if m.fund is None or not m.n_frames:
            self._no_phasors()
        else:
            self._turned()
            self._between()
            if len(self.phases) == 3:
                self._symmetrical()
        for k in range(len(self.phases)):
            self._fundamental(k)

    def _pf_e5(self, p, s):
        return max(-100_000, min(100_000, (p * 200_000 + s) // (2 * s))) if s else 0

    def _no_phasors(self):
        self.phasors = None
        self.ref = UNKNOWN
        self.sequence = 0
        for c in range(len(self.angles_cdeg)):
            self.angles_cdeg[c] = 0
        self.u12_mv = self.u23_mv = self.u31_mv = UNKNOWN    # between phases
        self.u1_mv = self.u2_mv = self.u0_mv = UNKNOWN       # symmetrical components
        self.i1_ua = self.i2_ua = self.i0_ua = UNKNOWN
        self.u2_ppm = self.u0_ppm = self.i2_ppm = self.i0_ppm = UNKNOWN   # of the positive one
        self.in_ua = UNKNOWN          # of the neutral, towards the source: the sum of the phases

    def _turned(self):
        """Phasors from the correlations: to uV and uA, without skew and lead, seen from the first
        living voltage. That stands where it would in ABC, so that angles stay when A dies."""
        m = self._m
        n = len(self.phases)
        scale = m.n_frames * 59_316_416        # 2048 * 2048 * sqrt 2 * 10
        phasors = []
        self.ref = UNKNOWN
        for c in range(2 * n):
            # Q30 of a radian; both are small, so that sine and cosine are their series
            turn = (m.cal[c][1] * m.used_mhz * 6_746_518_852 // 10**12
                    + m.lead_urad(c, m.rms_u[c]) * 16_777_216 // 15_625)
            less = turn * turn >> 31
            turn -= less * turn // (3 << 30)
            re, im = m.fund[c]
            full = m.cal[c][0] * 10
            x, y = re - (re * less + im * turn >> 30), -im + (im * less - re * turn >> 30)
            phasors.append((x * full // scale, y * full // scale))
            if c < n and self.ref < 0 and m.rms_u[c] >= self._dead_uv:
                self.ref = c
        c = self.ref if self.ref >= 0 else n   # without voltage: from the first current
        size = _magnitude(phasors[c])
        if size:
            x = (phasors[c][0] << 30) // size
            y = (phasors[c][1] << 30) // size
            for _ in range(self.ref):          # on by 120 degrees, once a dead phase
                x, y = -(x >> 1) - (y * _ROOT3_Q20 >> 21), (x * _ROOT3_Q20 >> 21) - (y >> 1)
            for c in range(2 * n):
                re, im = phasors[c]
                phasors[c] = ((re * x + im * y + 0x20000000) >> 30,
                              (im * x - re * y + 0x20000000) >> 30)
        self.phasors = phasors
        for c in range(2 * n):
            self.angles_cdeg[c] = self._cdeg(phasors[c][1], phasors[c][0])

    def _cdeg(self, y, x):
        a = (atan2(y, x) * 36_000 + 0x800000) >> 24
        return a if a < 18_000 else -18_000

    def _between(self):
        """Voltages between phases, the neutral's current and, of two phases, their sequence."""
        z = self.phasors
        n = len(self.phases)
        x = y = 0
        for k in range(n):
            x += z[n + k][0]
            y += z[n + k][1]
        self.in_ua = _magnitude((x, y))
        for k in range(n if n > 1 else 0):
            j = (k + 1) % n
            u_mv = (_magnitude((z[k][0] - z[j][0], z[k][1] - z[j][1])) + 500) // 1000
            if n == 2:
                if k:
                    break
                # the second lags by a third: not where it lags by half a turn, or by none
                cross = z[0][0] * z[1][1] - z[0][1] * z[1][0]
                least = _magnitude(z[0]) * _magnitude(z[1]) // 2
                alive = min(self.u_mv) * 1000 >= self._dead_uv
                self.sequence = (-cross > least) - (cross > least) if alive else 0
            p = self.phases[k]
            if p == 0:
                self.u12_mv = u_mv
            elif p == 1:
                self.u23_mv = u_mv
            else:
                self.u31_mv = u_mv

    def _symmetrical(self):
        self.u1_mv, self.u2_mv, self.u0_mv = [(x + 500) // 1000 for x in self._components(0)]
        self.i1_ua, self.i2_ua, self.i0_ua = self._components(3)
        self.u2_ppm = _ppm(self.u2_mv, self.u1_mv, self._dead_uv // 1000)
        self.u0_ppm = _ppm(self.u0_mv, self.u1_mv, self._dead_uv // 1000)
        self.i2_ppm = _ppm(self.i2_ua, self.i1_ua, self._least_ua)
        self.i0_ppm = _ppm(self.i0_ua, self.i1_ua, self._least_ua)
        self.sequence = 0
        if min(self.u_mv) * 1000 >= self._dead_uv:
            self.sequence = (self.u1_mv > 3 * self.u2_mv) - (self.u2_mv > 3 * self.u1_mv)

    def _components(self, c):
        """Magnitudes of positive, negative and zero sequence of channels c, c + 1, c + 2."""
        ax, ay = self.phasors[c]
        bx, by = self.phasors[c + 1]
        cx, cy = self.phasors[c + 2]
        # a b + a2 c = -(b + c) / 2 + j sqrt 3 / 2 (b - c)
        x = 2 * ax - bx - cx
        y = 2 * ay - by - cy
        hx = -((by - cy) * _ROOT3_Q20 >> 20)
        hy = (bx - cx) * _ROOT3_Q20 >> 20
        return ((_magnitude((x + hx, y + hy)) + 3) // 6, (_magnitude((x - hx, y - hy)) + 3) // 6,
                (_magnitude((ax + bx + cx, ay + by + cy)) + 1) // 3)

    def _fundamental(self, k):
        """cos phi and its angle, from the phasors or else from P and Q."""
        if self.phasors:
            ux, uy = self.phasors[k]
            ix, iy = self.phasors[len(self.phases) + k]
            p = ux * ix + uy * iy
            q = uy * ix - ux * iy
        else:
            p = self.p_mw[k]
            q = self.q_mvar[k]
        s = isqrt(p * p + q * q)
        self.cosphi_m[k] = (2000 * p + s) // (2 * s) if s else 0
        self.phi_cdeg[k] = self._cdeg(q, p)
