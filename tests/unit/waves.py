"""A waveform for the tests of watching and of its events: voltages through a 12-bit converter."""
from math import pi, sin, sqrt

from acu.dsp.ring import RingSampler
from acu.primitives.measuring import Measuring
from acu.primitives.watching import Watch

RATE_HZ = 4000
FULL_V = 450        # peak
UN_DV = 2300
TICKS = 0x3FFFFFFF
SINGLE = ("single", 2, ((0, 1), (0, 1), (0, 1)), 1)
POST = ("post", 6, ((0, 3), (1, 4), (2, 5)), 3)


class Street:
    """Voltages by phase through a 12-bit converter with noise; the currents stay at zero."""

    def __init__(self, shape=SINGLE, f_hz=50.0, phase=0.0, fn_mhz=50_000, size=512):
        kind, self.n, pairs, self.n_v = shape
        cal = [((FULL_V if c < self.n_v else 100) * 1_000_000, 0) for c in range(self.n)]
        self.sampler = RingSampler(self.n, pairs, size, RATE_HZ)
        self.meter = Measuring(self.sampler, kind, cal, UN_DV, fn_mhz)
        self.watch = Watch(self.sampler, self.meter, UN_DV)
        self.f_hz = f_hz
        self.u_v = [230.0] * self.n_v
        self.turn = phase           # of phase A, radian
        self.harmonics = ()         # (order, part, lead in radian)
        self.noise_lsb = 0.5
        self.offset = 0
        self.at_us = 0              # monotonic
        self.fast_on = True
        self.log = []               # (us, dip, swell, interruption, fast) where they changed
        self._seed = 12345
        self.told = (0, 0, 0, 0)

    def noise(self):
        total = 0
        for _ in range(3):
            self._seed = (self._seed * 1103 + 12345) & 0x3FFFFF
            total += self._seed >> 4
        return (total / 262144 - 1.5) * 2 * self.noise_lsb

    def push(self, frames):
        codes = bytearray(2 * self.n * frames)
        at = 0
        for _ in range(frames):
            for c in range(self.n):
                code = 2048 + self.offset + self.noise()
                if c < self.n_v:
                    x = self.turn - c * 2 * pi / 3
                    y = sin(x)
                    for order, part, lead in self.harmonics:
                        y += part * sin(order * x + lead)
                    code += self.u_v[c] * sqrt(2) / FULL_V * 2048 * y
                code = min(4095, max(0, int(code + 0.5)))
                codes[at] = code & 255
                codes[at + 1] = code >> 8
                at += 2
            self.turn = (self.turn + 2 * pi * self.f_hz / RATE_HZ) % (2 * pi)
        self.sampler.push(codes)

    def tick(self):
        self.at_us += 5000
        now_us = (self.at_us + TICKS - 200_000) & TICKS
        closed = self.meter.fast(now_us)
        if self.fast_on:
            self.watch.fast(now_us, closed)
        if self.at_us % 10_000 == 0:
            self.meter.slow()
        w = self.watch
        now = (w.dip, w.swell, w.interruption, w.fast_mask)
        if now != self.told:
            self.told = now
            self.log.append((self.at_us,) + now)

    def run(self, ms, u_v=None, f_hz=None):
        """Whole ticks."""
        if u_v is not None:
            self.u_v = u_v if isinstance(u_v, list) else [u_v] * self.n_v
        if f_hz is not None:
            self.f_hz = f_hz
        for _ in range(ms // 5):
            self.push(RATE_HZ // 200)
            self.tick()

    def change(self, frame, u_v):
        """One tick, after whose first frames the voltage changes. Returns when, in us."""
        self.push(frame)
        t_us = self.at_us + frame * 1_000_000 // RATE_HZ
        self.u_v = u_v if isinstance(u_v, list) else [u_v] * self.n_v
        self.push(RATE_HZ // 200 - frame)
        self.tick()
        return t_us

    def first(self, place, t_us=0):
        """When the mask in this place was first set after t_us."""
        for one in self.log:
            if one[0] > t_us and one[place]:
                return one[0]
        return None
