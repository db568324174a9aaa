"""Two sides of an open recloser for the tests: their waves through a 12-bit converter with noise
into BayMeasuring, sampled channel after channel as the board does. Volts and amperes secondary."""
from math import cos, pi, radians, sqrt

from acu.dsp.bay import NQ
from acu.dsp.ring import RingSampler
from acu.primitives.bay_measuring import BayMeasuring

CFG = {"un1_mv": 100_000, "un2_mv": 100_000, "u0n_mv": 100_000, "ang_cdeg": 0, "vt1": 2, "vt2": 2,
       "t_close_ms": 50}
SLOT_NS = 31_250
CAL = [((200 if c < 5 else 30) * 1_000_000, c * SLOT_NS) for c in range(8)]
PAIRS = ((0, 5), (1, 7), (4, 6))
FULL = (200, 200, 200, 200, 200, 30, 30, 30)
_THIRD = 2 * pi / 3


class Side:
    def __init__(self, f_hz=50.0, deg=0.0, u=1.0):
        self.f_hz = f_hz
        self.turn = radians(deg)
        self.u = u              # of 100 V
        self.order = 1          # -1: phases swapped
        self.harmonics = ()     # (order, part, lead in radian)
        self.open_ab = False    # a fuse that is blown

    def volt(self, line, dt_s):
        """Line voltage AB (0) or BC (1), dt_s after the frame's start."""
        x = self.turn + 2 * pi * self.f_hz * dt_s - self.order * line * _THIRD
        y = cos(x)
        for k, part, lead in self.harmonics:
            y += part * cos(k * x + lead)
        return 0.0 if self.open_ab and not line else 100 * sqrt(2) * self.u * y


class Bay:
    def __init__(self, one=None, two=None, **cfg):
        full = dict(CFG)
        full.update(cfg)
        self.one = one or Side()
        self.two = two or Side()
        self.sampler = RingSampler(8, PAIRS, 256, 4000)
        self.bay = BayMeasuring(self.sampler, CAL, full)
        self.q = self.bay.q
        self.i_a = 0.0          # rms, lagging U1 by lag
        self.lag = 0.0
        self.i_c = 1.0          # part of it in phase C
        self.noise_lsb = 0.5
        self.stuck = {}         # channel: code
        self.t_us = 0
        self.seed = 12345

    def noise(self):
        total = 0
        for _ in range(3):
            self.seed = (self.seed * 1103 + 12345) & 0x3FFFFF
            total += self.seed >> 6
        return (total - 98_302) / 32_768 * self.noise_lsb

    def frame(self):
        codes = bytearray(16)
        for c in range(8):
            dt_s = c * SLOT_NS * 1e-9
            if c < 4:
                y = (self.one, self.two)[c >> 1].volt(c & 1, dt_s)
            elif c == 4 or not self.i_a:
                y = 0.0
            else:
                x = self.one.turn + 2 * pi * self.one.f_hz * dt_s - pi / 6 - self.lag
                y = self.i_a * sqrt(2) * cos(x - (c - 5) * _THIRD) * (self.i_c if c == 7 else 1)
            code = min(4095, max(0, int(2048.5 + 2048 * y / FULL[c] + self.noise())))
            code = self.stuck.get(c, code)
            codes[2 * c] = code & 255
            codes[2 * c + 1] = code >> 8
        for side in (self.one, self.two):
            side.turn += 2 * pi * side.f_hz / 4000
        return bytes(codes)

    def push(self, frames):
        self.sampler.push(b"".join([self.frame() for _ in range(frames)]))

    def tick(self):
        self.push(20)
        self.t_us += 5000
        return self.bay.fast(self.t_us)

    def run(self, ms):
        for _ in range(ms // 5):
            self.tick()
        return self

    def dd(self):
        """The truth now, degrees, side 2 minus side 1."""
        d = (self.two.turn - self.one.turn) * 180 / pi
        return (d + 180) % 360 - 180

    def row(self):
        return [self.q[k] for k in range(NQ)]


def apart(a_deg, b_deg):
    return abs((a_deg - b_deg + 180) % 360 - 180)
