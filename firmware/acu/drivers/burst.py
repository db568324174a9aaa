"""Bursts: one cycle of samples ten times a second, where no DMA can sample (ESP32).

Of reduced quality, and marked so (Q_REDUCED in `fl`): what happens between two bursts is not seen,
energy is an estimate from one cycle in five. poll() belongs to the slow tier and blocks for one
cycle, a declared bounded block; reading() hands the result to the fast tick as a reading
(primitives/readings.py). The converter (mcp3208_burst.py, esp32_adc.py) has one method,
frame(buffer, at): one code of each channel into buffer[at:].

The frames of a burst are evenly paced. The last counts with the fraction that completes the cycle
of the tracked frequency; the frequency is the angle that the fundamental has turned from one
burst to the next. A burst in which an interrupt came between two frames is thrown away, and
counted in `spoilt`.
"""
import time
from array import array

import micropython
from micropython import const

from acu.dsp.fixed import atan2, isqrt
from acu.dsp.kernels import SINE
from acu.primitives.readings import full_scale

_MOST = const(124)            # frames of a burst: sums stay below 2^31
_PACE_US = const(185)         # at least, from frame to frame: 45 Hz in _MOST frames
_EVERY_MS = const(100)
_RANGE_MHZ = const(5_000)     # from nominal: further off, the angle between bursts is ambiguous
_TURN = const(0x1000000)
_TURN_US = const(596_046)     # 10^9 / 2^24, times 10^4: mHz and us to parts of a turn
_ALIVE = const(200)           # peak codes of a fundamental that has a frequency


@micropython.viper
def _sums(n: int, first: int, buffer: ptr16, par: ptr32, sine: ptr32, out: ptr32):
    """Of n frames of one channel: sum, squares, cos and sin correlation, about the centre 2048.
    par: channel, channels, phase of frame `first` and step in 2^24 a turn; other channel, for
    the sum of products, or -1."""
    channels = par[1]
    at = first * channels
    phase = par[2]
    a = 0
    b = 0
    c = 0
    s = 0
    p = 0
    while n:
        x = buffer[at + par[0]] - 2048
        a += x
        b += x * x
        k = phase >> 16 & 255
        c += x * sine[k + 64]
        s += x * sine[k]
        if par[4] >= 0:
            p += x * (buffer[at + par[4]] - 2048)
        phase += par[3]
        at += channels
        n -= 1
    out[0] = a
    out[1] = b
    out[2] = c >> 4
    out[3] = s >> 4
    out[4] = p


class Burst:
    """Base of the samplers; as START's fit wants them."""

    rate_hz = 1000                # frames of a part are milliseconds
    ring = None
    reduced = True                # Q_REDUCED
    stale_ticks = 50              # of 5 ms: two bursts missed

    def __init__(self, board):
        from acu.primitives import kinds
        kind = board["kind"]
        self.pairs = kinds.PAIRS[kind]
        self.channels = len(board["channels"])
        self.full_u = full_scale(board)
        self.overruns = 0
        self.spoilt = 0           # bursts in which a frame came late
        self._n_u = kinds.VOLTAGES.get(kind, 3)
        self._n_p = 1 if kind == "customer" else self._n_u
        self._buffer = array("H", bytes(2 * self.channels * (_MOST + 1)))
        self._par = array("i", [0] * 5)
        self._out = array("i", [0] * 5)
        self.fn_mhz = self._f_mhz = 50_000      # Readings says which before the start
        self._frame_us = 0        # of one frame as fast as it goes
        self._pace_us = _PACE_US
        self._due_ms = 0
        self._last = None         # (ticks_us, channel, angle) of the last burst
        self._part_us = 0
        self._rest_us = 0
        self._ready = None

    def frame(self, buffer, at):
        raise NotImplementedError

    def start(self):
        t_us = time.ticks_us()
        for _ in range(4):
            self.frame(self._buffer, 0)
        self._frame_us = time.ticks_diff(time.ticks_us(), t_us) // 4
        self._pace_us = max(_PACE_US, self._frame_us + self._frame_us // 8 + 10)
        self._f_mhz = self.fn_mhz
        self._part_us = time.ticks_us()

    def stop(self):
        pass

    def self_test(self):
        """0 good, 1 no burst could be taken in time, 2 a channel is far from its mid voltage."""
        if self._pace_us > 1_000_000 // 50 // 16:      # fewer than 16 frames in a cycle
            return 1
        self._collect(_MOST // 2)
        for c in range(self.channels):
            total = 0
            for k in range(_MOST // 2):
                total += self._buffer[k * self.channels + c]
            if abs(total // (_MOST // 2) - 2048) > 1024:
                return 2
        return 0

    def reading(self, now_us):
        ready = self._ready
        self._ready = None
        return ready

    # -- slow tier

    def poll(self, now_ms):
        """One burst when it is due: blocks for one cycle and a frame or two."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + _EVERY_MS
        cycle_us = 1_000_000_000 // self._f_mhz
        n = min(cycle_us // self._pace_us + 2, _MOST)
        t_us = time.ticks_us()
        if not self._collect(n):
            self.spoilt += 1
            return
        self._ready = self._evaluate(n, cycle_us, t_us)

    def _collect(self, n):
        """Frames at their pace; False if one of them was late."""
        buffer = self._buffer
        frame = self.frame
        step = self.channels
        pace_us = self._pace_us
        start_us = time.ticks_us()
        at = 0
        for k in range(n):
            wait_us = pace_us * k - time.ticks_diff(time.ticks_us(), start_us)
            if wait_us < -(pace_us >> 2):
                return False
            if wait_us > 0:
                time.sleep_us(wait_us)
            frame(buffer, at)
            at += step
        return True

    def _channel(self, c, whole, frac_q8, other=-1):
        """(mean, mean square, re, im, mean product) of a whole cycle, Q16 codes; re and im: the
        fundamental's peak in codes Q8, from the first frame on."""
        par = self._par
        out = self._out
        par[0] = c
        par[1] = self.channels
        par[2] = 0
        par[3] = step = self._f_mhz * self._pace_us * 10_000 // _TURN_US
        par[4] = other
        _sums(whole, 0, self._buffer, par, SINE, out)
        sums = [x << 8 for x in out]
        par[2] = whole * step
        _sums(1, whole, self._buffer, par, SINE, out)
        n_q8 = (whole << 8) + frac_q8
        for k in range(5):
            sums[k] = ((sums[k] + frac_q8 * out[k]) << 16) // n_q8
        return sums[0], sums[1], sums[2] >> 15, sums[3] >> 15, sums[4]

    def _evaluate(self, n, cycle_us, t_us):
        whole = min(cycle_us // self._pace_us, n - 1)
        frac_q8 = min(((cycle_us - whole * self._pace_us) << 8) // self._pace_us, 256)
        n_u = self._n_u
        rms_u = []
        halves = []
        fund = []
        mean = []
        for c in range(self.channels):
            one = self._channel(c, whole, frac_q8)
            mean.append(one[0])
            rms = isqrt(max((one[1] << 16) - one[0] * one[0], 0))      # codes Q16
            x_u = rms * self.full_u[c] >> 27
            rms_u.append(x_u)
            unit = 100_000 if c < n_u else 1000
            halves.append((x_u + unit // 2) // unit)
            fund.append((one[2], one[3]))
        self._follow(t_us, fund)
        p_mw = []
        q_mvar = []
        for k in range(self._n_p):
            v, i = self.pairs[k]
            p = (self._channel(v, whole, frac_q8, i)[4] << 16) - mean[v] * mean[i]
            v_re, v_im = fund[v]
            i_re, i_im = fund[i]
            # peaks in codes Q8: half their product, Q16, as p is Q32
            p1 = (v_re * i_re + v_im * i_im) << 15
            q1 = (v_re * i_im - v_im * i_re) << 15
            # later channels of a frame are sampled later: turned back, in microradian
            turn = (i - v) * self._frame_us * self._f_mhz // self.channels * 6283 // 1_000_000
            p -= q1 * turn // 1_000_000
            q1 += p1 * turn // 1_000_000
            gain = self.full_u[v] * self.full_u[i] // 1_000_000_000
            p_mw.append(p * gain >> 54)
            q_mvar.append(q1 * gain >> 54)
        us = time.ticks_diff(t_us, self._part_us) + self._rest_us
        self._part_us = t_us
        self._rest_us = us % 1000
        f_mhz = self._f_mhz if self._last else 0
        return [halves, [us // 1000, f_mhz] + rms_u + p_mw + q_mvar]

    def _alive(self, one):
        return one[0] * one[0] + one[1] * one[1] > _ALIVE * _ALIVE << 16

    def _follow(self, t_us, fund):
        """Frequency from the angle that a voltage has turned since the last burst."""
        last = self._last
        self._last = None
        best = last[1] if last else 0
        if not self._alive(fund[best]):     # stays with one voltage while there is one
            best = -1
            for c in range(min(self._n_u, 3)):
                if self._alive(fund[c]):
                    best = c
                    break
        if best < 0:
            return
        re, im = fund[best]
        angle = -atan2(im, re)       # ahead of the reference that begins with the burst
        self._last = (t_us, best, angle)
        if last is None or last[1] != best:
            return
        us = time.ticks_diff(t_us, last[0])
        if us > 2 * _EVERY_MS * 1000:
            return
        # turned by whole turns at about the frequency known, and by what the angles say
        turned = angle - last[2]
        about = us * self._f_mhz * 10_000 // _TURN_US
        turned += (about - turned + _TURN // 2) // _TURN * _TURN
        f_mhz = turned * _TURN_US // (us * 10_000)
        if abs(f_mhz - self.fn_mhz) <= _RANGE_MHZ:
            self._f_mhz = f_mhz
