"""PAI, proactive automatic islanding: opens ahead of the current protection (spec recloser, 4.2).

Fast tier of a separator (roles/separator.py), once a tick of 5 ms, after bay_measuring.py filled q
(dsp/bay.py). While the breaker is closed it looks for a grid that is going: a line
voltage of both sides below il_u_pm, a frequency of the grid's side that changes faster than
il_df_mhzs, or an angle of it that jumps by more than il_jump_cdeg. Armed once both sides have been
healthy for a second. Says so and switches nothing; needs no message. Allocates nothing.

The two sides of a closed breaker are one bus: a channel that freezes shows a dead line on one of
them only, and opens nothing. The jump is what the angle's second difference over 40 ms leaves: at
2 Hz off nominal it is 0, at 5 Hz/s 3 degrees.
"""
from array import array

import micropython
from micropython import const

BIT = const(1 << 29)     # of the mask of elements: next to the protection's
# Triggers, of event PAI. Never re-used.
VOLTAGE = const(1)
CHANGE = const(2)        # of frequency
JUMP = const(3)
PEER = const(4)          # the other separator has opened

# Places of st.
ARMED = const(0)         # ticks of health, up to P_ARM
LOW = const(1)           # ticks that the voltage has been low
FAST = const(2)          # ticks that the frequency has changed too fast
STRONG = const(3)        # ticks that the voltage was enough for an angle
SEEN = const(4)          # q[SEQ] of the last tick
WHY = const(5)           # what has triggered; stays until the breaker is open
VALUE = const(6)         # bp, mHz/s or cdeg
HEALTHY = const(7)       # ticks of health in a row, of both sides
RING = const(8)          # 16 angles, 2^24 a turn

# Places of par.
P_U = const(0)           # bp
P_U_N = const(1)         # ticks
P_DF = const(2)          # mHz/s
P_DF_N = const(3)
P_JUMP = const(4)        # 2^24 a turn
P_LIVE = const(5)        # bp
P_ARM = const(6)         # ticks

_ARM_TICKS = const(200)
# In the kernel as numbers: 5_000 bp are enough for an angle, 18 ticks without a jump make a change
# of frequency one. Places of q too, as in dsp/bay.py.


@micropython.viper
def watch(x: int, y: int, closed: int, q: ptr32, par: ptr32, st: ptr32) -> int:  # noqa: C901
    """What triggers in this tick, 0: nothing. x, y: nothing, the hot locals."""
    n = q[43]
    if n == st[4]:
        return st[5]
    st[4] = n
    low1 = q[2]                     # the least line voltage of either side
    if q[3] < low1:  # noqa: PLR1730  viper has no min()
        low1 = q[3]
    if q[4] < low1:  # noqa: PLR1730
        low1 = q[4]
    low2 = q[5]
    if q[6] < low2:  # noqa: PLR1730
        low2 = q[6]
    if q[7] < low2:  # noqa: PLR1730
        low2 = q[7]
    bad = q[32]
    x = low1
    if bad & 3 or (low2 > x and bad & 12 == 0):
        x = low2                    # the healthier one: one channel opens nothing
    y = st[7] + 1
    if low1 < par[5] or low2 < par[5] or bad & 15 or q[29] < 18:
        y = 0
    if y > 0x10000000:  # noqa: PLR1730
        y = 0x10000000
    st[7] = y
    if closed != 1:
        st[0] = 0
        st[1] = 0
        st[2] = 0
        st[5] = 0
    elif st[0] < par[6]:
        st[0] = y
    # the angle, against its own course
    at = 8 + (n & 15)
    y = st[8 + (n - 8 & 15)]
    angle = q[44]
    y = (angle - y - y + st[at] + 0x800000 & 0xFFFFFF) - 0x800000
    st[at] = angle
    if y < 0:
        y = 0 - y
    if x < 5_000:
        st[3] = 0
    elif st[3] < 64:
        st[3] += 1
    if st[0] < par[6] or st[5] or (bad & 3 and bad & 12):
        return st[5]
    if x >= par[0]:
        st[1] = 0
    else:
        st[1] += 1
        if st[1] >= par[1]:
            st[5] = 1
            st[6] = x
    n = q[13]
    if n < 0:
        n = 0 - n
    if q[29] >= 18:                 # else it is no change of frequency yet; the count stands
        if n <= par[2]:
            st[2] = 0
        else:
            st[2] += 1
            if st[2] >= par[3] and st[5] == 0:
                st[5] = 2
                st[6] = n
    if y > par[4] and st[3] > 16 and st[5] == 0:
        st[5] = 3
        st[6] = (y >> 6) * 1125 >> 13
    return st[5]


class Islanding:
    """q: dsp/bay.py; cfg: complete settings."""

    def __init__(self, cfg, q):
        self._q = q
        self.on = cfg.get("il_pai") != "off"
        self.st = array("i", [0] * (RING + 16))
        self.st[SEEN] = -1
        self.par = array("i", (
            cfg["il_u_pm"] * 10, (cfg["il_u_ms"] + 4) // 5, cfg["il_df_mhzs"],
            (cfg["il_df_ms"] + 4) // 5, (cfg["il_jump_cdeg"] << 24) // 36_000,
            cfg["u_live_pm"] * 10, _ARM_TICKS))

    def step(self, position):
        """One tick: BIT while the breaker must open, else 0. position: 1 closed."""
        return BIT if watch(0, 0, position, self._q, self.par, self.st) and self.on else 0

    def calm(self):
        """Both sides have been healthy for a quarter of a second: what is measured is what was
        before the event."""
        return self.st[HEALTHY] >= 50
