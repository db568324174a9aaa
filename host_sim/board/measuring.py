"""Measuring that can also be told its readings: the phasor level of the simulator.

At the fine levels it is the firmware's own Measuring, untouched. At phasor level the world says
what this front end would have measured since the last reading (world/leap.py), by the door that
metering chips use (acu/primitives/readings.py).
There are two parts in a reading where the state of the street has changed since the last one, so
that energy and averages take the past and messages the present. The energy registers count exactly
the frames that have passed, whatever the level. Runs on both Pythons.
"""
from acu.dsp.fixed import BEFORE, EVENT_SEEN, HALF_Q16, LENGTH, clear
from acu.primitives.measuring import Measuring
from acu.primitives.readings import Readings


class SimMeasuring(Readings):
    """frames() and read() say before each fast() what the next one takes."""

    def __init__(self, sampler, kind, cal, un_dv, fn_mhz):
        super().__init__(sampler, kind, cal, un_dv, fn_mhz)
        self.told = False         # at phasor level

    # -- level

    def frames(self):
        """The next fast() takes frames from the sampler."""
        if self.told:
            self.told = False
            self.resume_frames()

    def read(self, reading):
        """The next fast() takes this reading, or none if it is None."""
        if not self.told:
            self.told = True
            self.leave_frames()
        if reading:
            super().read(reading)

    def leave_frames(self):
        """From frames to readings: those frames that are in no window yet count with the next
        part. Only while no finished window waits."""
        self._left_frames = self._state[LENGTH] - self._left
        for part in self._parts:
            self._left_frames += part[54]

    def resume_frames(self):
        """From readings to frames: begins with an empty window, and after a half cycle like the
        last reading."""
        for part in self._parts:
            clear(part, 55)
        clear(self._half, 27)
        clear(self._prev, 27)
        self._tune(self._f_mhz)
        st = self._state
        n = self._half_q16 >> 16
        st[BEFORE] = n
        st[EVENT_SEEN] = 0
        st[HALF_Q16] = self._half_q16
        self._left = st[LENGTH] = n
        n_v = len(self.half_dv)
        for c in range(len(self.still)):
            self.still[c] = 0
            x = self.half_dv[c] if c < n_v else self.half_ma[c - n_v]
            code_q8 = (x << self._scale[5 * c + 4]) // self._scale[5 * c + 3]
            zero_q8 = self._zero_q8[c]
            self.codes_q8[c] = code_q8
            self._prev[self._scale[5 * c]] = zero_q8 * n >> 8
            self._prev[self._scale[5 * c + 1]] = (code_q8 * code_q8 + zero_q8 * zero_q8) * n >> 16
        self._ref[1] = self._step
        self._win = self._parts[self._bank]
        self._marks[self._bank >> 1][0] = self._ref[0]
        self._halves = 0
        self._flags = 0
        self._pending = False
        self._overruns = self._sampler.overruns

    # -- as Measuring

    def fast(self, now_us):
        return self._take(now_us) if self.told else Measuring.fast(self, now_us)
