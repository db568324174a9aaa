"""The medium-voltage side as seen at the transformer: voltage, frequency, harmonics, fuses.

Phase angles are kept as integers: frequency in mHz times time in ns is a phase in 10^-12 cycles,
exactly, so the wave has no jump at a frequency step and no drift in a year.
"""
import math

from host_sim.world.spec import SourceSpec

CYCLE = 10**12  # one cycle in the unit of phase: mHz times ns

_S = math.sqrt(3.0) / 2.0  # correctly rounded everywhere, unlike sin(120 deg)
ANGLES = (complex(1.0, 0.0), complex(-0.5, -_S), complex(-0.5, _S))  # 0, -120, +120 deg


class Supply:
    """What feeds the street now. Values in, phasors out; the street says when."""

    def __init__(self, spec: SourceSpec):
        self._u_v = spec.u_v
        self.pu = (1.0, 1.0, 1.0)
        self.dead = False                 # whole supply lost
        self.blown = [False] * 3          # a fuse or a line of one phase
        self.harmonics = tuple((int(h), float(pct)) for h, pct in spec.harmonics_pct)
        self.f_mhz = spec.f_mhz
        self._t0_ns = 0
        self._phase0 = 0

    def set_f(self, f_mhz: int, t_us: int):
        """Frequency step at t_us without a step of phase."""
        self._phase0 = self.phase(t_us * 1000)
        self._t0_ns = t_us * 1000
        self.f_mhz = f_mhz

    def phase(self, t_ns: int) -> int:
        """Phase of A at t_ns, 0..CYCLE-1; the voltage is its cosine."""
        return (self._phase0 + self.f_mhz * (t_ns - self._t0_ns)) % CYCLE

    def live(self) -> tuple:
        """Per phase: is the source connected at all? Where not, nothing feeds the node."""
        return tuple(not self.dead and not blown for blown in self.blown)

    def e(self) -> tuple:
        """Open-circuit fundamental phasors, rms volts."""
        return tuple(self._u_v * self.pu[p] * ANGLES[p] for p in range(3))

    def levels(self) -> tuple:
        """Open-circuit rms of the fundamental per phase, as the list of changes shows it."""
        return tuple(self._u_v * self.pu[p] if on else 0.0 for p, on in enumerate(self.live()))
