"""The rest of a window's quantities, of which nothing is looked at each time: see quantities.py.

S of the whole is the sum of the phases' S (arithmetic apparent power); PF = P / S. Cos phi,
phasors, voltages between phases, components and the neutral current are the fundamental's. Phasors
turn against the window's reference and are freed of the slot skew and of the transducers' lead at
the frequency that the window was evaluated with. Some 50 ms on a board.
"""
from micropython import const

from acu.dsp.fixed import atan2, isqrt
from acu.functions.quantities import UNKNOWN

_ROOT3_Q20 = const(1_816_187)


def _magnitude(z):
    return isqrt(z[0] * z[0] + z[1] * z[1])


def _cdeg(y, x):
    a = (atan2(y, x) * 36_000 + 0x800000) >> 24
    return a if a < 18_000 else -18_000


def _pf_e5(p, s):
    return max(-100_000, min(100_000, (p * 200_000 + s) // (2 * s))) if s else 0


def _ppm(part, whole, least):
    """part of whole in ppm; a whole below least is none."""
    return (part * 1_000_000 + whole // 2) // whole if whole > least else UNKNOWN


class Phasors:
    """Lists run over the measured phases, phasors and angles_cdeg over the channels."""

    def __init__(self, quantities, measuring):
        q = quantities
        self._m = measuring
        n = len(q.phases)
        s_mva = q.s_mva
        self.pf_e5 = [_pf_e5(q.p_mw[k], s_mva[k]) for k in range(n)]    # P / S in 1e-5
        self.p_total_mw = sum(q.p_mw)
        self.q_total_mvar = sum(q.q_mvar)
        self.s_total_mva = sum(s_mva)
        self.pf_total_e5 = _pf_e5(self.p_total_mw, self.s_total_mva)
        self.phasors = None           # (re, im) of each channel, uV or uA rms; U of `ref` real
        self.angles_cdeg = [0] * (2 * n)     # -18000..17999
        self.ref = UNKNOWN            # channel that the angles are seen from
        self.u12_mv = self.u23_mv = self.u31_mv = UNKNOWN    # between phases
        self.i1_ua = self.i2_ua = self.i0_ua = UNKNOWN       # symmetrical components
        self.i2_ppm = self.i0_ppm = UNKNOWN                  # of the positive one
        self.in_ua = UNKNOWN          # of the neutral, towards the source: the sum of the phases
        pairs = [(q.p_mw[k], q.q_mvar[k]) for k in range(n)]
        if measuring.fund is not None and measuring.n_frames:
            self.phasors = z = self._turned(n, q.dead_mv * 1000)
            self.angles_cdeg = [_cdeg(y, x) for x, y in z]
            self._between(z, q.phases)
            if n == 3:
                # one code's worth: less current has no angle
                self._currents(z[3:], measuring.cal[-1][0] // 2048)
            pairs = [(u[0] * i[0] + u[1] * i[1], u[1] * i[0] - u[0] * i[1])
                     for u, i in zip(z[:n], z[n:])]
        # of the fundamental, or else from P and Q; the angle of U before I
        self.phi_cdeg = [_cdeg(y, x) for x, y in pairs]
        self.cosphi_m = []
        for pair in pairs:
            s = _magnitude(pair)
            self.cosphi_m.append((2000 * pair[0] + s) // (2 * s) if s else 0)

    def _turned(self, n, dead_uv):
        """Phasors from the correlations: to uV and uA, without skew and lead, seen from the first
        living voltage. That stands where it would in ABC, so that angles stay when A dies."""
        m = self._m
        scale = m.n_frames * 59_316_416        # 2048 * 2048 * sqrt 2 * 10
        phasors = []
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
            if c < n and self.ref < 0 and m.rms_u[c] >= dead_uv:
                self.ref = c
        c = self.ref if self.ref >= 0 else n   # without voltage: from the first current
        size = _magnitude(phasors[c])
        if size:
            x = (phasors[c][0] << 30) // size
            y = (phasors[c][1] << 30) // size
            for _ in range(self.ref):          # on by 120 degrees, once a dead phase
                x, y = -(x >> 1) - (y * _ROOT3_Q20 >> 21), (x * _ROOT3_Q20 >> 21) - (y >> 1)
            phasors = [((re * x + im * y + 0x20000000) >> 30,
                        (im * x - re * y + 0x20000000) >> 30) for re, im in phasors]
        return phasors

    def _between(self, z, phases):
        """Voltages between phases and the neutral's current."""
        n = len(phases)
        self.in_ua = _magnitude((sum([x for x, _ in z[n:]]), sum([y for _, y in z[n:]])))
        between = [UNKNOWN] * 3
        for k in range((0, 0, 1, 3)[n]):
            x, y = z[k]
            x1, y1 = z[(k + 1) % n]
            between[phases[k]] = (_magnitude((x - x1, y - y1)) + 500) // 1000
        self.u12_mv, self.u23_mv, self.u31_mv = between

    def _currents(self, z, least_ua):
        (ax, ay), (bx, by), (cx, cy) = z
        # a b + a2 c = -(b + c) / 2 + j sqrt 3 / 2 (b - c)
        x = 2 * ax - bx - cx
        y = 2 * ay - by - cy
        hx = -((by - cy) * _ROOT3_Q20 >> 20)
        hy = (bx - cx) * _ROOT3_Q20 >> 20
        self.i1_ua = i1 = (_magnitude((x + hx, y + hy)) + 3) // 6
        self.i2_ua = (_magnitude((x - hx, y - hy)) + 3) // 6
        self.i0_ua = (_magnitude((ax + bx + cx, ay + by + cy)) + 1) // 3
        self.i2_ppm = _ppm(self.i2_ua, i1, least_ua)
        self.i0_ppm = _ppm(self.i0_ua, i1, least_ua)
