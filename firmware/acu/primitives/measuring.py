"""DRF-2, measuring: frames from the sampler door become RMS(1/2), powers, frequency and energy.

fast(now_us), every 5 ms, allocates nothing: takes the frames cut at half cycles of the tracked
frequency, gives RMS(1/2) of every channel (IEC 61000-4-30) and fills windows of 10 cycles at 50 Hz
or 12 at 60 Hz without a gap. slow() evaluates a finished window in integers of any length. A slow
tier that comes late loses nothing: the next window grows until the last one was fetched.

A post or a branch has UA UB UC IA IB IC; a customer UA UB UC, the voltage behind its relays and
its current; a meter of two phases U1 U2 I1 I2, of one U I; a microgrid U and three currents.
Units are in the names; half cycles
count in half_seq. P is true power with the sign of the current transformer, Q the fundamental's,
positive when the current lags. Switches and records nothing.
"""
from array import array

from micropython import const

from acu.dsp.fixed import (
    BEFORE,
    CHANNELS,
    DIP_DV,
    EVENT_SEEN,
    HALF_Q16,
    LENGTH,
    REST,
    SEQ,
    STATE_LEN,
    SWELL_DV,
    VALUES,
    VOLTAGES,
    clear,
    close_half,
)
from acu.dsp.kernels import SINE, skip
from acu.primitives.windows import EVENT, F_MIN_MHZ, LONG, LOST, Windows

HISTORY = const(16)  # half cycles that half() can look back
_TICKS = const(0x3FFFFFFF)


class Measuring(Windows):
    """cal: for each channel (full_u, slot_ns, bend): microvolt or microampere at code 2048 + 2048,
    how much later than channel 0 it is sampled, and, where its transducer shifts the phase, points
    (microvolt or microampere rms, lead in microradian at the fundamental), ascending. un_dv,
    fn_mhz: nominal voltage and frequency."""

    def __init__(self, sampler, kind, cal, un_dv, fn_mhz):
        from acu.primitives import kinds
        pairs = kinds.PAIRS[kind]
        n_v = kinds.VOLTAGES.get(kind, 3)
        if sampler.pairs != pairs or sampler.rate_hz * 500 >= 127 * F_MIN_MHZ:
            raise ValueError("measuring: the sampler's pairs or rate do not fit a " + kind)
        super().__init__(sampler, pairs, n_v, cal, un_dv, fn_mhz)
        self._frame_us = 1_000_000 // sampler.rate_hz
        self.kind = kind
        self.un_dv = un_dv
        self.half_dv = array("i", [0] * n_v)          # RMS(1/2): UA UB UC and behind the relays
        self.half_ma = array("i", [0] * (len(cal) - n_v))
        self.codes_q8 = array("i", [0] * len(cal))    # the same in codes, for sensing
        self.still = array("i", [0] * len(cal))       # half cycles a channel has not moved
        self.half_seq = 0                             # 0..2^30-1, wraps
        self.t_frames_us = 0                          # when the last frames came
        self.idle_ticks = 0                           # calls of fast() since then
        self.lost_frames = 0                          # in no window

        scale = []
        for c in range(len(cal)):
            unit = 100_000 if c < n_v else 1000
            shift = 8
            while (cal[c][0] << (shift + 1)) // (unit * 2048 * 256) < 0x8000:
                shift += 1
            scale += list(self._place[c])
            scale += [((cal[c][0] << shift) + unit * 262_144) // (unit * 524_288), shift]
        self._scale = array("i", scale)
        self._state = st = array("i", [0] * STATE_LEN)
        st[CHANNELS] = len(cal)
        st[VOLTAGES] = n_v
        st[VALUES] = 27
        st[REST] = 0x8000
        st[DIP_DV] = un_dv * 9 // 10
        st[SWELL_DV] = un_dv * 11 // 10
        self._ref = array("i", [0, 0])
        self._half = array("i", [0] * 27)
        self._prev = array("i", [0] * 27)
        self._history = array("i", [0] * (HISTORY * n_v))
        self._times_us = array("i", [0] * HISTORY)
        # two windows of two halves; while one is evaluated the other fills
        self._parts = [array("i", [0] * 55) for _ in range(4)]
        # reference at start, middle and end of each, its step, half cycles
        self._marks = [array("i", [0] * 5) for _ in range(2)]
        self._bank = 0
        self._win = self._parts[0]
        self._halves = 0
        self._pending = False
        self._flags = 0
        self._done_flags = 0
        self._overruns = sampler.overruns
        self._ref[1] = self._step
        st[HALF_Q16] = self._half_q16
        self._left = st[LENGTH] = self._half_q16 >> 16

    # ---- fast tier

    def fast(self, now_us):
        """Takes what the sampler has. Returns how many half cycles it closed."""
        sampler = self._sampler
        n = sampler.ready()
        if sampler.overruns != self._overruns:
            self._gap()
        if not n:
            if self.idle_ticks < 1000:
                self.idle_ticks += 1
            return 0
        self.idle_ticks = 0
        self.t_frames_us = now_us
        ref = self._ref
        left = self._left
        if n < left:                # no half cycle ends with these
            sampler.take(n, ref, self._half)
            self._left = left - n
            return 0
        closed = 0
        while n:
            m = left if left < n else n
            sampler.take(m, ref, self._half)
            n -= m
            left -= m
            if not left:
                self._close((now_us - n * self._frame_us) & _TICKS)
                left = self._state[LENGTH]
                closed += 1
        self._left = left
        return closed

    def _close(self, t_us):
        st = self._state
        close_half(0, 0, st, self._half, self._prev, self._scale, self.codes_q8, self.still,
                   self._zero_q8, self._win, self.half_dv, self.half_ma, self._history,
                   self._ref, SINE)
        seq = st[SEQ]
        self._times_us[seq & 15] = t_us
        self.half_seq = seq
        halves = self._halves + 1
        if halves == self._mid:
            self._win = self._parts[self._bank + 1]
            self._marks[self._bank >> 1][1] = self._ref[0]
        elif halves >= self._mid + self._mid and not self._pending:
            self._swap(halves)
            halves = 0
        self._halves = halves

    def _swap(self, halves):
        """A window is full and the one before was fetched: hand it over, follow the frequency."""
        ref = self._ref
        marks = self._marks[self._bank >> 1]
        marks[2] = ref[0]
        marks[3] = ref[1]
        marks[4] = halves
        self._done_flags = self._flags
        self._flags = 0
        if self._state[EVENT_SEEN]:
            self._state[EVENT_SEEN] = 0
            self._done_flags |= EVENT
        self._bank ^= 2
        self._win = self._parts[self._bank]
        self._marks[self._bank >> 1][0] = ref[0]
        ref[1] = self._step
        self._state[HALF_Q16] = self._half_q16
        self._pending = True

    def _gap(self):
        """Frames were lost: the reference turns on, the half cycle at hand is worth nothing."""
        lost = self._sampler.overruns - self._overruns
        skip(self._ref, lost)
        self._overruns += lost
        self.lost_frames += lost + self._state[LENGTH] - self._left
        clear(self._half, 27)
        clear(self._prev, 27)
        self._state[BEFORE] = 0
        self._left = self._state[LENGTH]
        self._flags |= LOST

    def half(self, seq, dest):
        """Copies the voltages of half cycle seq to dest; False if it is no longer, or not yet,
        there."""
        if (self.half_seq - seq) & _TICKS >= HISTORY:
            return False
        n = len(self.half_dv)
        at = (seq & 15) * n
        for k in range(n):
            dest[k] = self._history[at + k]
        return True

    def half_t_us(self, seq):
        """When half cycle seq ended, in the ticks that fast() was given."""
        return self._times_us[seq & 15]

    def half_u(self, phase):
        return self.half_dv[phase]

    def half_load_dv(self):
        return self.half_dv[3]

    # ---- slow tier

    def waiting(self):
        """A window is finished and not yet evaluated."""
        return self._pending

    def slow(self):
        """Evaluates a finished window; True when there was one."""
        if not self._pending:
            return False
        bank = self._bank ^ 2
        first = self._parts[bank]
        second = self._parts[bank + 1]
        one = [first[k] + (first[k + 1] << 24) for k in range(0, 54, 2)]
        two = [second[k] + (second[k + 1] << 24) for k in range(0, 54, 2)]
        n_one = first[54]
        n = n_one + second[54]
        marks = self._marks[bank >> 1]
        flags = self._done_flags
        if marks[4] > self._mid * 3:
            flags |= LONG
        clear(first, 55)
        clear(second, 55)
        self._window(one, two, n_one, n, marks, flags)
        self._pending = False      # only now may the fast tier take up what _window() has tuned
        return True
