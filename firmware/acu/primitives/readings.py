"""DRF-2 where the converter tells readings instead of frames: metering chips and bursts (ESP32).

A reading is made of integers, in the order of the board's channels:

    (halves, part, ...)   halves: RMS of about a cycle of each channel now, 0.1 V or mA
    part: (frames, mHz, uV or uA of each channel, mW of each pair, mvar of each pair)

A part is a window of any length, as a count of frames at the sampler's nominal rate; energy counts
exactly those. fast() asks the sampler's reading(now_us), which gives None while there is nothing
new; what is older than the sampler's `stale_ticks` goes stale for sensing. The simulator's phasor
level comes in by the same door (host_sim/board/measuring.py). Switches and records nothing.
"""
from acu.dsp.fixed import SEQ
from acu.primitives.measuring import HISTORY, Measuring


def full_scale(board):
    """Microvolt or microampere of each channel at code 2048 + 2048, by its nominal transducers."""
    return [board["u_peak_dv"] * 100_000 if c["name"][0] == "u" else board["i_peak_ma"] * 1000
            for c in board["channels"]]


class Readings(Measuring):
    """Quantities, units and attributes as Measuring has them; fund stays None."""

    def __init__(self, sampler, kind, cal, un_dv, fn_mhz):
        super().__init__(sampler, kind, cal, un_dv, fn_mhz)
        self._halves_now = None   # of the reading that fast() has not taken yet
        self._due = []            # parts that slow() has not taken yet
        self._left_frames = 0     # passed, and in no part yet
        self._age = 0             # ticks since the last reading
        # what calibration found beside the nominal values that the sampler counts with, ppm
        full_u = getattr(sampler, "full_u", None)
        sampler.fn_mhz = fn_mhz
        self._ppm = full_u and [(cal[c][0] * 1_000_000 + full_u[c] // 2) // full_u[c]
                                for c in range(len(cal))]

    def read(self, reading):
        """The next take() takes this reading."""
        self._halves_now = reading[0]
        self._due += reading[1:]

    # -- fast tier

    def fast(self, now_us):
        reading = self._sampler.reading(now_us)
        if reading is not None:
            self._age = 0
            self.read(self._calibrated(reading))
            return self._take(now_us)
        # sensing calls a channel stale after some idle ticks; a slow converter is not idle yet
        self._age = min(self._age + 1, 10_000)
        self.idle_ticks = max(self._age - self._sampler.stale_ticks, 0)
        return 0

    def _calibrated(self, reading):
        """Gains and phase leads of the calibration, as windows of frames have them."""
        ppm = self._ppm
        out = [[reading[0][c] * ppm[c] // 1_000_000 for c in range(len(ppm))]]
        for part in reading[1:]:
            rms_u = [part[2 + c] * ppm[c] // 1_000_000 for c in range(len(ppm))]
            at = 2 + len(ppm)
            p_mw = []
            q_mvar = []
            for k in range(self.n_p):
                v, i = self.pairs[k]
                p = part[at + k] * ppm[v] // 1_000_000 * ppm[i] // 1_000_000
                q = part[at + self.n_p + k] * ppm[v] // 1_000_000 * ppm[i] // 1_000_000
                turn_urad = self.lead_urad(i, rms_u[i]) - self.lead_urad(v, rms_u[v])
                p_mw.append(p - q * turn_urad // 1_000_000)
                q_mvar.append(q + p * turn_urad // 1_000_000)
            out.append(list(part[:2]) + rms_u + p_mw + q_mvar)
        return out

    def _take(self, now_us):
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

    # -- slow tier

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
