"""Error model of one controller's ADC: gain, offset, slot skew, the transformers' phase, drift,
noise, rounding, clipping, three faults; at level wave also jitter, saturation and a converter's
uneven curve (adc.py).

Both levels use it, so the firmware sees the same errors at either. Offsets and gains are drawn
once from the controller's own dice; noise is a function of (seed, controller, frame number), not
of what was asked for before.
"""
import math

import numpy as np

from host_sim.waveform import adc, synthesis
from host_sim.world.dice import Dice, bits
from host_sim.world.spec import AcuSpec

CHUNK = 4096                     # frames of noise made at a time
_LOW_HALVES, _LOW = np.uint64(0x0000_FFFF_0000_FFFF), np.uint64(0xFFFF_FFFF)
SUM4_SD = 37837.0               # of the sum of four uniform 16-bit integers
_TURN_URAD = 159_154.943_091_895  # of synthesis' 10^12 a cycle, in a microradian
_HOME_DC = 250                   # no drift there


class Channel:
    """One ADC input: what it converts by, and its faults."""

    def __init__(self, name: str, full_scale: float, skew_ns: int, offset: float, gain: float,
                 lead: tuple = ()):
        """lead: (RMS in % of full scale, microradian at the fundamental), ascending."""
        self.name = name
        self.skew_ns = skew_ns
        self.offset = offset              # codes
        self.gain = gain                  # of the transducer, near 1
        self.gain_fault_pct = 0.0
        self.open = False                 # floats at mid-code
        self.frozen = False
        self.held: int | None = None      # code it froze at, from the first frame after freezing
        self._per_unit = synthesis.MID / full_scale
        self._lead = lead

    def column(self, phasors: list, orders: tuple, f_mhz: int, last_code: int) -> list:
        """Amplitudes for synthesis; last_code: of the frame before, in case it just froze."""
        nothing = [0j] * len(orders)
        if self.frozen:
            if self.held is None:
                self.held = last_code
            return synthesis.column(self.held + 0.5, nothing, 0.0, orders, 0)
        per_unit = self._per_unit * self.gain * (1.0 + self.gain_fault_pct / 100.0)
        if self._lead:
            turn = self._lead_urad(phasors[0]) * _TURN_URAD
            phasors = [x * synthesis.cis(round(turn / h))     # a magnetising branch's, 1 / h
                       for h, x in zip(orders, phasors, strict=True)]
        return synthesis.column(synthesis.MID + 0.5 + self.offset,
                                nothing if self.open else phasors,
                                per_unit, orders, f_mhz * self.skew_ns)

    def _lead_urad(self, x: complex) -> float:
        """At this fundamental: between the points linear, held at the ends."""
        size = math.sqrt(2.0 * (x.real * x.real + x.imag * x.imag))
        pct = 100.0 * size * self._per_unit / synthesis.MID
        x0, y0 = self._lead[0]
        for x1, y1 in self._lead:
            if pct < x1:
                return y0 + (y1 - y0) * max(pct - x0, 0.0) / max(x1 - x0, 1e-9)
            x0, y0 = x1, y1
        return y0

    def freeze(self, on: bool):
        self.frozen = on
        self.held = None


class FrontEnd:
    """The channels of one controller and its noise."""

    def __init__(self, acu: AcuSpec, seed: int):
        lines = ("UA", "UB", "UC", "IA", "IB", "IC")
        names = {"post": lines, "branch": lines,
                 "customer": ("UA", "UB", "UC", "U_load", "I"),
                 "two": ("U1", "U2", "I1", "I2"), "single": ("U", "I"),
                 "microgrid": ("U", "I_pv", "I_load", "I_diesel")}[acu.kind]
        spec = acu.front_end
        dice = Dice(seed, acu.id, "front_end")
        warmer_k = (spec.temperature_dc - _HOME_DC) / 10
        self.channels = []
        for k, name in enumerate(names):
            offset = dice.within(round(spec.offset_lsb * 4096)) / 4096
            gain = 1.0 + dice.within(round(spec.gain_err_pct * 10_000)) / 1_000_000
            full_scale = acu.i_peak_a if name[0] == "I" else acu.u_peak_v
            self.channels.append(Channel(
                name, full_scale, k * spec.slot_ns, offset + spec.offset_lsb_k * warmer_k,
                gain * (1.0 + spec.gain_ppm_k * 1e-6 * warmer_k),
                spec.i_lead_urad if name[0] == "I" else ()))
        self.jitter_ns = spec.jitter_ns
        self._of_voltage = adc.passage_of(spec.inl, 0.0)
        self._of_current = adc.passage_of(spec.inl, spec.i_sat_pct)
        self._noise_factor = round(spec.noise_lsb * (1 << synthesis.AMP_BITS) * 65536 / SUM4_SD)
        self._name = (seed, acu.id, "noise")
        self._jitter_name = (seed, acu.id, "jitter")

    def passages(self) -> list:
        """Of each channel the table of adc.passage, None if it is even."""
        return [self._of_current if c.name[0] == "I" else self._of_voltage for c in self.channels]

    def jitter(self, chunk: int):
        """How late the frames chunk * CHUNK on are sampled, in ns / jitter_ns * SUM4_SD."""
        words = bits(*self._jitter_name, chunk).random_raw(CHUNK)
        return _sum4(words)

    def noise(self, chunk: int):
        """Noise of frames chunk * CHUNK on, all channels, in the unit of synthesis' products."""
        count = CHUNK * len(self.channels)
        words = bits(*self._name, chunk).random_raw(count)
        scaled = _sum4(words) * self._noise_factor >> 16
        return (scaled << synthesis.ROW_BITS).astype(np.float64).reshape(CHUNK, -1)


def _sum4(words):
    """About Gaussian whole numbers of standard deviation SUM4_SD from 64 random bits each."""
    two = (words & _LOW_HALVES) + (words >> np.uint64(16) & _LOW_HALVES)
    return ((two & _LOW) + (two >> np.uint64(32))).astype(np.int64) - 131_070
