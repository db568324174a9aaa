"""Measuring that can also be told its readings: the phasor level of the simulator.

At the fine levels it is the firmware's own Measuring, untouched. At phasor level the world says
what this front end would have measured since the last reading (world/leap.py), as integers:

    (halves, part, ...)   halves: RMS(1/2) of each channel now, 0.1 V or mA
    part: (frames, mHz, uV or uA of each channel, mW of each pair, mvar of each pair)

A part is one window of any length; there are two where the state of the street has changed since
the last reading, so that energy and averages take the past and messages the present. The energy
registers count exactly the frames that have passed, whatever the level. Runs on both Pythons.
"""
from acu.dsp.fixed import BEFORE, EVENT_SEEN, HALF_Q16, LENGTH, SEQ, clear
from acu.primitives.measuring import HISTORY, Measuring


class SimMeasuring(Measuring):
    """frames() and read() say before each fast() what the next one takes."""

    def __init__(self, sampler, kind, cal, un_dv, fn_mhz):
        super().__init__(sampler, kind, cal, un_dv, fn_mhz)
        self.told = False         # at phasor level
        self._halves_now = None   # of the reading that fast() has not taken yet
        self._due = []            # parts that slow() has not taken yet
        self._left_frames = 0     # taken at the fine level, in no window

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
            self._halves_now = reading[0]
            self._due += reading[1:]

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
        if not self.told:
            return super().fast(now_us)
        self.idle_ticks = 0
        self.t_frames_us = now_us
        if self._halves_now is None:
            return 0
        n_v = len(self.half_dv)
        st = self._state
        seq = st[SEQ] = (st[SEQ] + 1) & 0x3FFFFFFF
        at = seq % HISTORY
        for c in range(len(self._halves_now)):
            if c < n_v:
                self.half_dv[c] = self._history[at * n_v + c] = self._halves_now[c]
            else:
                self.half_ma[c - n_v] = self._halves_now[c]
        self._times_us[at] = now_us
        self.half_seq = seq
        self._halves_now = None
        return 1

    def waiting(self):
        return self._pending or len(self._due) > 0

    def slow(self):
        if not self._due:
            return super().slow()
        part = self._due.pop(0)
        n = part[0] + self._left_frames
        self._left_frames = 0
        p_at = 2 + len(self.cal)
        q_at = p_at + self.n_p
        p_mw = part[p_at:q_at]
        self._tell(part[2:p_at], p_mw, part[q_at:])
        self._count(sum(p_mw), n)
        self.fund = None
        self.n_frames = n
        self.used_mhz = part[1]
        self.f_mhz = self._f_mhz = self._good_mhz = part[1]
        self.quality = 0
        self.window_ms = n * 1000 // self._rate_hz
        self.n_windows += 1
        return True
