"""DRF-1, sensing: which channels can be believed, and what is outside its limits.

fast(closed) belongs to the fast tier, right after Measuring.fast and also when it closed nothing;
it allocates nothing. `bad` has a bit a channel, why[channel] the reason; `ov`, `uv`, `oc` have a
bit a phase, plain comparisons of RMS(1/2) without delay. Nothing is decided here: who switches
looks at `bad` first, so that a dead converter is not taken for a dead street.
"""
from array import array

import micropython
from micropython import const

OK = const(0)
FROZEN = const(1)       # one code for five half cycles: a healthy channel always has noise
CLIPPED = const(2)      # so large that the peaks of a sine are at the rails
STALE = const(3)        # no frames for 40 ms
IMPLAUSIBLE = const(4)  # load side alive for a second without any supply
WHYS = ("OK", "FROZEN", "CLIPPED", "STALE", "IMPLAUSIBLE")

_STALE_TICKS = const(8)   # of 5 ms
_CLIP_Q8 = const(366_080)      # 1430 of the 1448 codes of a sine from rail to rail
_CLIP_END_Q8 = const(358_400)
_BACKFEED = const(100)    # half cycles: a motor runs down faster


@micropython.viper
def _sense(st: ptr32, why: ptr32, code: ptr32, still: ptr32, dv: ptr32, ma: ptr32) -> int:
    """Returns 0 where nothing has changed. st: 0-3 bad, ov, uv, oc; 4-5 channels, voltages; 6-8
    limits of ov, uv, oc; 9 a supply below is dead, 10 a load above is alive; 11 half cycles closed
    now; 12 half cycles of backfeed.
    """
    bad = 0
    c = 0
    while c < st[4]:
        w = 0
        if still[c] >= 4:  # each time two half cycles were compared
            w = 1
        elif code[c] >= _CLIP_Q8:
            w = 2
        elif why[c] == 2 and code[c] >= _CLIP_END_Q8:
            w = 2
        why[c] = w
        if w:
            bad |= 1 << c
        c += 1
    ov = 0
    uv = 0
    dead = 1
    n = st[5]
    if n > 3:  # noqa: PLR1730  viper has no min()
        n = 3
    c = 0
    while c < n:
        x = dv[c]
        if x > st[6]:
            ov |= 1 << c
        if x < st[7]:
            uv |= 1 << c
        if x >= st[9]:
            dead = 0
        c += 1
    oc = 0
    c = 0
    while c < st[4] - st[5]:
        if ma[c] > st[8]:
            oc |= 1 << c
        c += 1
    if st[5] == 4:
        if dead and dv[3] > st[10]:
            if st[12] < _BACKFEED:
                st[12] += st[11]
        else:
            st[12] = 0
        if st[12] >= _BACKFEED and not bad & 15:
            why[3] = 4
            bad |= 8
    w = st[0] ^ bad | st[1] ^ ov | st[2] ^ uv | st[3] ^ oc
    st[0] = bad
    st[1] = ov
    st[2] = uv
    st[3] = oc
    return w


class Sensing:
    """Limits in 0.1 V and mA; as they stand by default no limit is ever passed."""

    def __init__(self, measuring, ov_dv=0x3FFFFFFF, uv_dv=0, oc_ma=0x3FFFFFFF):
        n = len(measuring.codes_q8)
        self.bad = 0                              # a bit a channel
        self.why = array("i", [0] * n)
        self.bad_since_us = array("i", [0] * n)   # ticks of the half cycle that showed it
        self.ov = self.uv = self.oc = 0           # a bit a phase
        self._m = measuring
        self._told = [0] * n
        self._any_told = 0
        un_dv = measuring.un_dv
        self._st = array("i", (0, 0, 0, 0, n, len(measuring.half_dv), ov_dv, uv_dv, oc_ma,
                               un_dv // 10, un_dv // 2, 0, 0))

    def fast(self, closed):
        """closed: how many half cycles Measuring.fast has just closed."""
        m = self._m
        st = self._st
        if closed:
            st[11] = closed
            if not _sense(st, self.why, m.codes_q8, m.still, m.half_dv, m.half_ma):
                return
            self.ov = st[1]
            self.uv = st[2]
            self.oc = st[3]
        elif m.idle_ticks >= _STALE_TICKS:
            for k in range(len(self.why)):
                self.why[k] = STALE
            st[0] = (1 << len(self.why)) - 1
        else:
            return
        if st[0] != self.bad:
            t_us = m.half_t_us(m.half_seq) if closed else m.t_frames_us
            for k in range(len(self.why)):
                if st[0] & ~self.bad & 1 << k:
                    self.bad_since_us[k] = t_us
            self.bad = st[0]

    def calm(self):
        """Slow tier: all channels believed, and told so; no voltage outside its limits."""
        return not (self.bad or self.ov or self.uv or self._any_told)

    def changed(self):
        """Slow tier: one (channel, why) that has changed since it was asked for last, or None."""
        if not (self.bad or self._any_told):
            return None
        for k in range(len(self._told)):
            why = self.why[k]
            if why != self._told[k]:
                self._told[k] = why
                self._any_told = max(self._told)
                return k, why
        return None
