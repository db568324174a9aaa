"""Quantities of a window that are looked at each time (IEC 61850: MMXU, MSQI), from Measuring.

Slow tier; update() after each window that Measuring.slow() has evaluated. Integers, unit in the
name. U, I, P are true ones, harmonics included; Q and the symmetrical components are the
fundamental's. Signs: P positive when taken from the grid (by the transformers), Q positive when
the current lags. Where a number has no meaning (no voltage; no fundamental at the simulator's
phasor level) it is UNKNOWN, or 0 in `sequence`. Says nothing of channels that are bad or of
flagged windows: sensing and measuring.quality do.

All the rest (phasors.py: angles, cos phi, PF, totals, between phases, neutral) is an attribute
too, computed, and its module loaded, when it is first asked for; until the next window.
"""
from array import array

from micropython import const

from acu.dsp.harmonics import magnitudes

UNKNOWN = const(-1)

WIRING = {"ABC": (0, 1, 2), "AB": (0, 1), "BC": (1, 2), "CA": (2, 0), "A": (0,), "B": (1,),
          "C": (2,)}


class Quantities:
    """Lists run over the measured phases, `phases` says which (0..2). wiring: "ABC", or the phases
    of a meter of two or one."""

    def __init__(self, measuring, wiring="ABC"):
        self.phases = phases = WIRING.get(wiring, ())
        n = measuring.n_p
        if measuring.n_v != n or len(phases) != n:
            raise ValueError("quantities: a %s is not wired %s" % (measuring.kind, wiring))
        self.u_mv = [0] * n
        self.i_ua = [0] * n
        self.p_mw = [0] * n
        self.q_mvar = [0] * n
        self.f_mhz = 0                # 0: no voltage
        self.sequence = 0             # 1: ABC, -1: ACB
        self._m = measuring
        self._late = None
        self.dead_mv = measuring.un_dv * 10          # 10 % of nominal: below it no angle
        cal = measuring.cal
        # of each full scale what it has more than the first, Q20
        self._more = [(cal[c][0] - cal[0][0] << 20) // cal[0][0] for c in range(n)]
        # mV, Q40, of one step of magnitudes(): 6 * 1.64676 * 512 * 2048 * sqrt 2 * 1000
        self._mv_q40 = (cal[0][0] << 40) // 14_651_987_480
        self._acc = array("i", [0] * 6)
        self._sizes = array("i", [0] * 3)
        self._no_components()

    def update(self):
        """Takes the window that measuring has just evaluated."""
        m = self._m
        n = len(self.phases)
        self._late = None
        self.f_mhz = m.f_mhz
        self.u_mv = [(u + 500) // 1000 for u in m.rms_u[:n]]
        self.i_ua = list(m.rms_u[n:])
        self.p_mw = m.p_mw
        self.q_mvar = m.q_mvar
        self._no_components()
        if n > 1 and m.fund is not None and m.n_frames:
            self._components(n)

    def __getattr__(self, name):
        if self._late is None:
            from acu.functions.phasors import Phasors
            self._late = Phasors(self, self._m)
        return getattr(self._late, name)

    @property
    def s_mva(self):
        n = len(self.phases)
        u = self._m.rms_u
        return [(u[k] * u[n + k] + 500_000_000) // 1_000_000_000 for k in range(n)]

    def _no_components(self):
        self.u1_mv = self.u2_mv = self.u0_mv = UNKNOWN       # symmetrical components
        self.u2_ppm = self.u0_ppm = UNKNOWN                  # of the positive one
        self.sequence = 0

    def _components(self, n):
        """Of the voltages; in integers below 2^30, as those above cost a board 50 us each."""
        m = self._m
        acc = self._acc
        frames = m.n_frames << 2
        for c in range(n):
            re, im = m.fund[c]
            x = re // frames          # 512 times the peak in codes
            y = -im // frames
            # times its full scale, turned back by slot skew and lead, Q20 (a series)
            turn = ((m.cal[c][1] * m.used_mhz + 75_891) // 151_782
                    + m.lead_urad(c, m.rms_u[c]) * 16_384 // 15_625)
            less = turn * turn >> 21
            more = self._more[c]
            turn += (turn * more >> 20) - less * turn // 0x300000
            more -= less + (less * more >> 20)
            j = x + 64 >> 7
            k = y + 64 >> 7
            acc[c + c] = x + (j * more + k * turn + 4096 >> 13)
            acc[c + c + 1] = y + (k * more - j * turn + 4096 >> 13)
        ax, ay, bx, by, cx, cy = acc
        alive = min(self.u_mv) >= self.dead_mv
        if n == 2:
            magnitudes(0, 0, 2, acc, self._sizes)
            # the second lags by a third: not where it lags by half a turn, or by none
            cross = (ay >> 7) * (bx >> 7) - (ax >> 7) * (by >> 7)
            least = (self._sizes[0] >> 7) * (self._sizes[1] >> 7) * 3 >> 4
            self.sequence = (cross > least) - (cross < -least) if alive else 0
            return
        # a b + a2 c = -(b + c) / 2 + j sqrt 3 / 2 (b - c)
        x = 2 * ax - bx - cx
        y = 2 * ay - by - cy
        j = (cy - by) * 362 // 209 - (cy - by >> 17)
        k = (bx - cx) * 362 // 209 - (bx - cx >> 17)
        acc[0] = x + j
        acc[1] = y + k
        acc[2] = x - j
        acc[3] = y - k
        acc[4] = 2 * (ax + bx + cx)
        acc[5] = 2 * (ay + by + cy)
        magnitudes(0, 0, 3, acc, self._sizes)
        u1, u2, u0 = [(size * self._mv_q40 >> 39) + 1 >> 1 for size in self._sizes]
        self.u1_mv, self.u2_mv, self.u0_mv = u1, u2, u0
        if u1 > self.dead_mv:
            self.u2_ppm = _ppm(u2, u1)
            self.u0_ppm = _ppm(u0, u1)
        if alive:
            self.sequence = (u1 > 3 * u2) - (u2 > 3 * u1)


def _ppm(part, whole):
    part *= 1000
    return part // whole * 1000 + (part % whole * 1000 + whole // 2) // whole
