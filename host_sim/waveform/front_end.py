"""Error model of one controller's ADC: gain, offset, slot skew, noise, rounding, clipping, three
faults.

Both levels use it, so the firmware sees the same errors at either. Offsets and gains are drawn
once from the controller's own dice; noise is a function of (seed, controller, frame number), not
of what was asked for before.
"""
import numpy as np

from host_sim.waveform import synthesis
from host_sim.world.dice import Dice, bits
from host_sim.world.spec import AcuSpec

CHUNK = 4096                     # frames of noise made at a time
_LOW_HALVES, _LOW = np.uint64(0x0000_FFFF_0000_FFFF), np.uint64(0xFFFF_FFFF)
_SUM4_SD = 37837.0               # of the sum of four uniform 16-bit integers


class Channel:
    """One ADC input: what it converts by, and its faults."""

    def __init__(self, name: str, full_scale: float, skew_ns: int, offset: float, gain: float):
        self.name = name
        self.skew_ns = skew_ns
        self.offset = offset              # codes
        self.gain = gain                  # of the transducer, near 1
        self.gain_fault_pct = 0.0
        self.open = False                 # floats at mid-code
        self.frozen = False
        self.held: int | None = None      # code it froze at, from the first frame after freezing
        self._per_unit = synthesis.MID / full_scale

    def column(self, phasors: list, orders: tuple, f_mhz: int, last_code: int) -> list:
        """Amplitudes for synthesis; last_code: of the frame before, in case it just froze."""
        nothing = [0j] * len(orders)
        if self.frozen:
            if self.held is None:
                self.held = last_code
            return synthesis.column(self.held + 0.5, nothing, 0.0, orders, 0)
        per_unit = self._per_unit * self.gain * (1.0 + self.gain_fault_pct / 100.0)
        return synthesis.column(synthesis.MID + 0.5 + self.offset,
                                nothing if self.open else phasors,
                                per_unit, orders, f_mhz * self.skew_ns)

    def freeze(self, on: bool):
        self.frozen = on
        self.held = None


class FrontEnd:
    """The channels of one controller and its noise."""

    def __init__(self, acu: AcuSpec, seed: int):
        lines = ("UA", "UB", "UC", "IA", "IB", "IC")
        names = {"post": lines, "branch": lines,
                 "customer": ("UA", "UB", "UC", "U_load", "I"),
                 "two": ("U1", "U2", "I1", "I2"), "single": ("U", "I")}[acu.kind]
        spec = acu.front_end
        dice = Dice(seed, acu.id, "front_end")
        self.channels = []
        for k, name in enumerate(names):
            offset = dice.within(round(spec.offset_lsb * 4096)) / 4096
            gain = 1.0 + dice.within(round(spec.gain_err_pct * 10_000)) / 1_000_000
            full_scale = acu.i_peak_a if name[0] == "I" else acu.u_peak_v
            self.channels.append(Channel(name, full_scale, k * spec.slot_ns, offset, gain))
        self._noise_factor = round(spec.noise_lsb * (1 << synthesis.AMP_BITS) * 65536 / _SUM4_SD)
        self._name = (seed, acu.id, "noise")

    def noise(self, chunk: int):
        """Noise of frames chunk * CHUNK on, all channels, in the unit of synthesis' products."""
        count = CHUNK * len(self.channels)
        words = bits(*self._name, chunk).random_raw(count)
        two = (words & _LOW_HALVES) + (words >> np.uint64(16) & _LOW_HALVES)
        four = ((two & _LOW) + (two >> np.uint64(32))).astype(np.int64) - 131_070
        scaled = four * self._noise_factor >> 16
        return (scaled << synthesis.ROW_BITS).astype(np.float64).reshape(CHUNK, -1)
