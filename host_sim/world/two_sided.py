"""Two sources that meet at an open recloser: what each is at any time, and what lies between them.

A Side has its own frequency (base, ramps, a swing), angle (jumps, a modulation), magnitude (steps,
ramps, a modulation, dead before `on_s` and from `off_s` on), unbalance, harmonics, blown VT fuses
and wiring. Time in s, or an array of s; angles in degrees of the positive sequence, whose phase A
is cos(angle); magnitudes in per unit of nominal. What is called `true` is the primary side: fuses
and wiring change what is measured, not the truth. Knows neither converter nor firmware.
"""
import cmath
import math
from dataclasses import dataclass, field, replace

import numpy as np

LIVE_PU, DEAD_PU = 0.85, 0.20    # spec/recloser.md, section 3
_NEVER = math.inf
_BACK = (0, 2, 1)                # order of the phases when two are swapped


def wrapped(deg):
    """-180 <= deg < 180."""
    return (deg + 180.0) % 360.0 - 180.0


@dataclass(frozen=True)
class Side:
    """harmonics: (order, share of the fundamental in %, phase in degrees of line voltage ab, and
    of bc). fuses: (s, phase 0..2, what is left of its voltage). ramps: (from s, to s, Hz/s)."""

    f_hz: float = 50.0
    angle_deg: float = 0.0                   # at 0 s
    ramps: tuple = ()
    swing_hz: float = 0.0                    # amplitude of the frequency
    swing_rate_hz: float = 1.0
    swing_deg: float = 0.0
    jumps: tuple = ()                        # (s, deg)
    u_pu: float = 1.0
    u_steps: tuple = ()                      # (s, pu)
    u_ramps: tuple = ()                      # (from s, to s, pu/s)
    on_s: float = -_NEVER
    off_s: float = _NEVER
    mod_hz: float = 0.0                      # C37.118: modulation of magnitude and angle
    mod_u: float = 0.0                       # share of the magnitude
    mod_rad: float = 0.0
    u2_pu: float = 0.0                       # negative sequence, share of the positive
    u2_deg: float = 0.0
    harmonics: tuple = ()
    fuses: tuple = ()
    wiring_deg: float = 0.0                  # measured minus true
    swapped: bool = False                    # two phases, behind the VT

    def cycles(self, t):
        """The angle in turns, not wrapped."""
        x = self.angle_deg / 360.0 + self.f_hz * t
        for begin, end, rate in self.ramps:
            done = np.clip(t, begin, end) - begin
            x = x + rate * (0.5 * done * done + done * np.maximum(t - end, 0.0))
        if self.swing_hz:
            start = math.radians(self.swing_deg)
            w = 2 * math.pi * self.swing_rate_hz
            x = x + self.swing_hz / w * (math.cos(start) - np.cos(w * t + start))
        for at, deg in self.jumps:
            x = x + deg / 360.0 * (np.asarray(t) >= at)
        if self.mod_rad:
            x = x + self.mod_rad / (2 * math.pi) * np.cos(2 * math.pi * self.mod_hz * t - math.pi)
        return x

    def deg(self, t):
        return wrapped(360.0 * self.cycles(t))

    def hz(self, t):
        """Its frequency; a jump has none."""
        f = self.f_hz + 0.0 * np.asarray(t)
        for begin, end, rate in self.ramps:
            f = f + rate * (np.clip(t, begin, end) - begin)
        if self.swing_hz:
            f = f + self.swing_hz * np.sin(2 * math.pi * self.swing_rate_hz * t
                                           + math.radians(self.swing_deg))
        if self.mod_rad:
            f = f - self.mod_rad * self.mod_hz * np.sin(2 * math.pi * self.mod_hz * t - math.pi)
        return f

    def hz_s(self, t):
        """Its rate of change of frequency."""
        rate = 0.0 * np.asarray(t)
        for begin, end, slope in self.ramps:
            rate = rate + slope * ((np.asarray(t) >= begin) & (np.asarray(t) < end))
        if self.swing_hz:
            w = 2 * math.pi * self.swing_rate_hz
            rate = rate + self.swing_hz * w * np.cos(w * t + math.radians(self.swing_deg))
        if self.mod_rad:
            w = 2 * math.pi * self.mod_hz
            rate = rate - self.mod_rad * self.mod_hz * w * np.cos(w * t - math.pi)
        return rate

    def pu(self, t):
        """Positive sequence."""
        u = self.u_pu + 0.0 * np.asarray(t)
        for at, step in self.u_steps:
            u = u + step * (np.asarray(t) >= at)
        for begin, end, rate in self.u_ramps:
            u = u + rate * (np.clip(t, begin, end) - begin)
        if self.mod_u:
            u = u * (1.0 + self.mod_u * np.cos(2 * math.pi * self.mod_hz * t))
        return u * ((np.asarray(t) >= self.on_s) & (np.asarray(t) < self.off_s))

    def lines(self, t: float) -> tuple[complex, complex]:
        """Line voltages ab and bc behind the VT at t, of a source of 1 at angle 0, in per unit of
        the nominal line voltage: fuses, wiring and unbalance included."""
        a = cmath.exp(2j * math.pi / 3)
        back = cmath.rect(self.u2_pu, math.radians(self.u2_deg))
        phases = [1 + back, a**-1 + back * a, a + back / a]
        for at, phase, left in self.fuses:
            if t >= at:
                phases[phase] *= left
        if self.swapped:
            phases = [phases[k] for k in _BACK]
        turn = cmath.exp(1j * math.radians(self.wiring_deg)) / math.sqrt(3)
        return (phases[0] - phases[1]) * turn, (phases[1] - phases[2]) * turn

    def changes(self) -> list[float]:
        """When `lines` changes."""
        return sorted({at for at, _, _ in self.fuses if at > 0})

    def sudden(self) -> list[float]:
        """When magnitude or angle jump, or the side comes or goes."""
        times = [at for at, _ in (*self.jumps, *self.u_steps)]
        times += [at for at, _, _ in self.fuses]
        return sorted(times + [at for at in (self.on_s, self.off_s) if abs(at) < _NEVER])

    def until(self, t: float) -> "Side":
        """The same source without what happens suddenly after t."""
        return replace(
            self,
            jumps=tuple(one for one in self.jumps if one[0] <= t),
            u_steps=tuple(one for one in self.u_steps if one[0] <= t),
            fuses=tuple(one for one in self.fuses if one[0] <= t),
            on_s=self.on_s if self.on_s <= t else _NEVER,
            off_s=self.off_s if self.off_s <= t else _NEVER)


@dataclass(frozen=True)
class TwoSided:
    """An open recloser: sides 1 and 2, the neutral's displacement (of the open delta's nominal)
    and three currents (A secondary, degrees to the phase's own voltage) of side 1."""

    one: Side = field(default_factory=Side)
    two: Side = field(default_factory=Side)
    u0_pu: float = 0.0
    u0_deg: float = 0.0
    i_a: tuple = (0.0, 0.0, 0.0)
    i_deg: tuple = (0.0, 0.0, 0.0)

    def deg(self, t):
        """Angle of side 2 minus side 1."""
        return wrapped(360.0 * (self.two.cycles(t) - self.one.cycles(t)))

    def slip_hz(self, t):
        return self.two.hz(t) - self.one.hz(t)

    def slip_hz_s(self, t):
        return self.two.hz_s(t) - self.one.hz_s(t)

    def du_pu(self, t):
        return self.two.pu(t) - self.one.pu(t)

    def live(self, t):
        return (self.one.pu(t) >= LIVE_PU) & (self.two.pu(t) >= LIVE_PU)

    def sudden(self) -> list[float]:
        return sorted(self.one.sudden() + self.two.sudden())

    def until(self, t: float) -> "TwoSided":
        return replace(self, one=self.one.until(t), two=self.two.until(t))
