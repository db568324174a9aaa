"""What is wrong with a supply that is not a dip: frequency, over-current, reversed energy, a lost
phase or neutral, a wrong sequence, a transducer that is off, cover and magnet (DRF-1, slow tier).

step() once per window of 10/12 cycles takes plain numbers and says what began or ended. Each
condition has a pick-up, a drop-off apart from it, and a time that it must last for either; the
phases of one kind that turn together are told together. Decides and logs nothing.

Which of the two is it, when a voltage channel shows next to nothing beside living ones? If a
normal current flows in that phase, the phase lives and the channel is off (OPEN_U): where nothing
is supplied nothing flows, and a short circuit takes more than i_max. Without current it is told as
a lost phase: from inside the meter a blown fuse and a wire off its terminal look the same. A
current channel that shows less than i_open for t_open (an hour), while its voltage and another
phase's current are there, is only likely to be off (OPEN_I): a phase that is used at all is rarely
so idle. A meter of one phase cannot tell either.
"""
from micropython import const

from acu.ports import FOREVER_MS

# Kinds; 0 to 3 are those of voltage_events.py.
F_LOW = const(4)
F_HIGH = const(5)
OVERCURRENT = const(6)
REVERSED = const(7)
PHASE_LOSS = const(8)
SEQUENCE = const(9)
NEUTRAL = const(10)
OPEN_U = const(11)
OPEN_I = const(12)
COVER = const(13)
MAGNET = const(14)

_F_HYST_MHZ = const(50)
_LIVE_PM = const(800)   # a phase above it lives
_LOSS_PM = const(500)   # one below it beside a living one is lost, until above _LIVE_PM
_OPEN_PM = const(5)
_WHOLE = (F_LOW, F_HIGH, SEQUENCE, NEUTRAL, COVER, MAGNET)     # of no single phase
# A floating neutral moves all phases by one phasor: zero sequence without negative one. Of a lost
# phase both are a third.
_U0_PPM = const(100_000)
_U2_PPM = const(50_000)


class SupplyEvents:
    """Limits: i_max_ma (0: none), p_rev_w, i_live_ma (a current above it flows), i_open_ma (above
    the noise of a channel); t_ms for all but the channels that are off (t_open_ms; five times t_ms
    for a voltage)."""

    def __init__(self, phases, un_dv, f_lo_mhz, f_hi_mhz, i_max_ma, p_rev_w=20, i_live_ma=500,
                 i_open_ma=20, t_ms=1000, t_open_ms=3_600_000):
        self.mask = [0] * 15        # phases, or 1, that are on, by kind
        self._all = (1 << phases) - 1
        self._un_dv = un_dv
        self._f_mhz = (f_lo_mhz, f_hi_mhz)
        self._i_max_ma = i_max_ma or 0x3FFFFFFF
        self._p_rev_w = p_rev_w
        self._i_live_ma = i_live_ma
        self._i_open_ma = i_open_ma
        # by kind: how long to pick up and to drop; by phase since when it has, or -1; start
        self._times_ms = [(t_ms, t_ms)] * 15
        self._times_ms[OPEN_U] = (5 * t_ms, t_ms)
        self._times_ms[OPEN_I] = (t_open_ms, t_ms)
        self._times_ms[COVER] = self._times_ms[MAGNET] = (0, t_ms)
        self._since_ms = [[-1] * (1 if kind in _WHOLE else phases) for kind in range(15)]
        self._start_ms = [[0] * phases for kind in range(15)]
        self._waits = 0             # kinds (bits) of which a phase has picked up, or dropped

    def rest_ms(self, now_ms):
        """Until a condition that has picked up, or dropped, will have lasted for its time."""
        rest_ms = FOREVER_MS
        for kind in range(15):
            if self._waits & 1 << kind:
                for k in range(len(self._since_ms[kind])):
                    since_ms = self._since_ms[kind][k]
                    if since_ms >= 0:
                        on = self.mask[kind] >> k & 1
                        rest_ms = min(rest_ms, since_ms + self._times_ms[kind][on] - now_ms)
        return max(rest_ms, 0)

    def step(self, now_ms, window_ms, f_mhz, u_dv, i_ma, p_w, bad_u=0, bad_i=0, sequence=0,
             u0_ppm=-1, u2_ppm=-1, cover=0, magnet=0):
        """A window that ends now: lists by phase; bad_u, bad_i: phases whose channel is not to be
        believed; f_mhz 0: none; sequence 1, -1, 0: not known; u0, u2: -1 likewise; cover, magnet:
        levels of the inputs, 1: open, there. Returns a list of (kind, 1 or 0, phases, value, ms
        that it has lasted)."""
        self._told = []
        self._at = (now_ms, window_ms)
        lo_mhz, hi_mhz = self._f_mhz
        self._turn(F_LOW, (f_mhz,), 0 < f_mhz < lo_mhz, not 0 < f_mhz < lo_mhz + _F_HYST_MHZ)
        self._turn(F_HIGH, (f_mhz,), f_mhz > hi_mhz, f_mhz <= hi_mhz - _F_HYST_MHZ)
        all_u = self._all & ~bad_u
        lives = self._where(u_dv, self._un_dv * _LIVE_PM // 1000) & all_u
        flows = self._where(i_ma, self._i_live_ma) & ~bad_i
        over = self._where(i_ma, self._i_max_ma + 1) & ~bad_i
        self._turn(OVERCURRENT, i_ma, over,
                   ~self._where(i_ma, self._i_max_ma - self._i_max_ma // 20), bad_i)
        back_w = [-p for p in p_w]
        self._turn(REVERSED, p_w, self._where(back_w, self._p_rev_w),
                   ~self._where(back_w, self._p_rev_w // 2), bad_u | bad_i)
        nothing = ~self._where(u_dv, self._un_dv * _OPEN_PM // 1000)
        unlikely = nothing & flows & ~over
        some = ~self._where(u_dv, self._un_dv * _LOSS_PM // 1000) if lives else 0
        self._turn(PHASE_LOSS, u_dv, some & ~unlikely, lives | unlikely, bad_u)
        self._turn(OPEN_U, u_dv, unlikely, ~nothing, bad_u | bad_i)
        idle = ~self._where(i_ma, self._i_open_ma)
        suspect = 0
        for k in range(len(i_ma)):
            if lives & idle & 1 << k and flows & ~(1 << k):
                suspect |= 1 << k
        self._turn(OPEN_I, i_ma, suspect, ~idle, bad_i)
        known = sequence if lives == self._all == 7 else 0
        self._turn(SEQUENCE, (sequence,), known < 0, known > 0)
        self._turn(NEUTRAL, (u0_ppm,), u0_ppm > _U0_PPM and u2_ppm < _U2_PPM,
                  0 <= u0_ppm < _U0_PPM * 8 // 10)
        self._turn(COVER, (cover,), cover, not cover)
        self._turn(MAGNET, (magnet,), magnet, not magnet)
        return self._told

    def _where(self, values, limit):
        """Phases at or above the limit."""
        if min(values) >= limit:
            return self._all
        mask = 0
        if max(values) >= limit:
            for k in range(len(values)):
                if values[k] >= limit:
                    mask |= 1 << k
        return mask

    def _turn(self, kind, values, pick, drop, bad=0):
        """Off phases in pick turn on when they have been there for the time, likewise on ones in
        drop; a bad one stays what it was."""
        on = self.mask[kind]
        turning = (pick & ~on | drop & on) & ~bad & self._all
        if not turning and not self._waits & 1 << kind:
            return
        now_ms, window_ms = self._at
        since_ms = self._since_ms[kind]
        turned = [0, 0]
        at = [0, 0]
        for k in range(len(since_ms)):
            bit = 1 << k
            was = on >> k & 1
            if not turning & bit:
                since_ms[k] = -1
                continue
            if since_ms[k] < 0:
                since_ms[k] = now_ms - window_ms
            if now_ms - since_ms[k] < self._times_ms[kind][was]:
                continue
            if not was:
                self._start_ms[kind][k] = since_ms[k]
            since_ms[k] = -1
            if not turned[1 - was] or abs(values[k]) > abs(values[at[1 - was]]):
                at[1 - was] = k
            turned[1 - was] |= bit
        self.mask[kind] = on ^ turned[0] ^ turned[1]
        self._waits &= ~(1 << kind)
        if max(since_ms) >= 0:
            self._waits |= 1 << kind
        for on in (0, 1):
            if turned[on]:
                k = at[on]
                self._told.append((kind, on, on if kind in _WHOLE else turned[on], values[k],
                                   now_ms - self._start_ms[kind][k]))
