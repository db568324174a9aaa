"""ANSI 60, supervision of a recloser's voltage transformers: fuses and wrong wiring.

step() belongs to the fast tier, once each 5 ms before the synchronism check, which refuses while
an alarm stands: a blown fuse must not look like a dead line, nor 120 degrees of wrong wiring like
synchronism. q: see dsp/bay.py; limits from sync_settings.limits(). Allocates nothing.

The breaker tells most: while it is closed, or its current flows, both sides are one conductor.
- One fuse: one side's line voltages differ by a quarter of Un, the other's do not (closed, 60 ms),
  nor do the currents where there is no other side to compare with; or, open, for 1 s, which is
  longer than a short circuit lasts.
- All fuses of a side: it is dead and the other is not (closed, 30 ms). Of both: dead, and the
  current flows on as before (60 ms). A side that dies on all phases while the breaker is open is
  a dead line: nobody can tell, so whoever pulls fuses must lock the closing.
- Wiring: closed, the sides differ by 15 degrees or 10 % (1 s); open, they stand still to 3
  degrees for 10 s at 5 mHz or less, near a multiple of 60 degrees that is not 0, as no network
  does: polarity or phases are exchanged. Open, a side whose phases turn the wrong way (100 ms).
- One transformer on both sides: open, all voltages equal to 0.1 % and 0.03 degrees for
  vt_same_ms, closer than a network that is joined elsewhere under load.

Alarms latch. Each ends after vt_ok_ms of the opposite: live and even voltages; closed and equal;
the right order; open and not equal. A wiring alarm ends so only with the breaker closed; else at
the console, after somebody has looked.
"""
from array import array

import micropython
from micropython import const

# Alarms. Bits appear in event records: never re-use one.
FUSE1 = const(1)
FUSE2 = const(2)
ONE_VT = const(4)
ANGLE = const(8)        # wired wrong: the angle between the sides,
RATIO = const(0x10)     # or their voltages
ORDER1 = const(0x20)    # phase order of a side
ORDER2 = const(0x40)

# Places of st; alarms stand first, where SyncCheck reads them.
S_ALARMS = const(0)
S_CLOSED = const(1)     # 1 closed, 0 open, -1 not known
S_RESET = const(2)      # 1: the console wants the alarms ended
S_I = const(3)          # positive sequence current while both sides were live, mA
S_AT = const(4)         # angle at which an open breaker's sides began to stand still, cdeg
S_N = const(5)          # for how many ticks: each suspicion of _SUSPICIONS, then health by alarm
_NS = const(25)

# Suspicions: ticks, alarms. The first two are of either side.
_SUSPICIONS = (12, FUSE1, 12, FUSE2,         # uneven voltages, closed
               200, FUSE1, 200, FUSE2,       # uneven voltages, open
               6, FUSE1, 6, FUSE2,           # dead, and the other side is not, closed
               12, FUSE1 | FUSE2,            # both dead, and the current flows on
               0, ONE_VT,                    # ticks: vt_same_ms
               200, ANGLE, 2000, ANGLE,      # closed; open
               200, RATIO,
               20, ORDER1, 20, ORDER2)
_NX = const(13)
_NA = const(7)
_ONE_VT_X = const(7)

_SPREAD_BP = const(2500)
_EVEN_BP = const(1000)
_HALF_BP = const(5000)

# Places of q and par, as in dsp/bay.py and synccheck.py: viper folds its own module's constants.
_U1 = const(0)
_U2 = const(1)
_UAB1 = const(2)
_UAB2 = const(5)
_DD = const(15)
_SLIP = const(16)
_GOOD = const(28)
_ROT1 = const(33)
_IA = const(35)
_I1 = const(39)
_I2 = const(40)
_P_LOW1 = const(0)         # one below the least of a live side
_P_GOOD = const(63)        # one below the ticks of a full fit
_P_DEAD = const(102)
_P_VT_I = const(110)
_P_VT_OK = const(111)
_P_VT_SAME = const(112)


@micropython.viper
def fuses(x: int, y: int, q: ptr32, par: ptr32, st: ptr32) -> int:
    """Suspicions of blown fuses, bits 0 to 6; in bits 16.. alarms that health speaks against, and
    in bits 24, 25 which side is live. x, y: nothing, the hot locals."""
    load = 0
    k = 0
    while k < 3:
        if q[_IA + k] >= par[_P_VT_I]:
            load = 1
        k += 1
    joined = load
    if st[S_CLOSED] == 1:
        joined = 1
    x = q[_I2]
    uneven_i = 1 if x >= par[_P_VT_I] and x * 10 >= q[_I1] * 3 else 0

    # each side: bit 0, 1 even, bit 2, 3 uneven, bit 4, 5 dead, bit 6, 7 at half of Un, 8, 9 live
    sides = 0
    k = 0
    while k < 2:
        n = _UAB1 + k + k + k
        end = n + 3
        x = q[n]
        y = x
        while n < end:
            z = q[n]
            if z < x:  # noqa: PLR1730
                x = z
            if z > y:  # noqa: PLR1730
                y = z
            n += 1
        if y - x < _EVEN_BP:
            sides |= 1 << k
        if y - x >= _SPREAD_BP:
            sides |= 4 << k
        if y <= par[_P_DEAD]:
            sides |= 16 << k
        if x >= _HALF_BP:
            sides |= 64 << k
        if x > par[_P_LOW1]:
            sides |= 256 << k
        k += 1

    found = 0
    k = 0
    while k < 2:
        x = sides >> k           # this side
        y = sides >> 1 - k       # the other
        if x & 4:
            if not joined:
                if st[S_CLOSED] == 0:
                    found |= 4 << k
            elif y & 64 and y & 1 or load and not uneven_i:
                found |= 1 << k
        if x & 16 and y & 64 and joined:
            found |= 16 << k
        if x & 256 and x & 1:
            found |= 0x10000 << k
        k += 1
    x = q[_I1]
    if sides & 0x300 == 0x300:
        st[S_I] = x
    y = st[S_I]
    if sides & 0x30 == 0x30 and y >= par[_P_VT_I]:
        x = (x - y) * 10
        if x < y * 3 and x > 0 - y * 3:
            found |= 64
    return found | (sides & 0x300) << 16


@micropython.viper
def wiring(x: int, y: int, q: ptr32, par: ptr32, st: ptr32) -> int:
    """Suspicions of wrong wiring, bits 7 to 12, and health in bits 16... x: what fuses() found;
    y: nothing."""
    found = 0
    k = 0
    while k < 2:
        y = q[_ROT1 + k]
        if y == -1:
            found |= 0x800 << k
        elif y == 1:
            found |= 0x200000 << k
        k += 1
    joined = 1 if st[S_CLOSED] == 1 else 0
    k = 0
    while k < 3:
        if q[_IA + k] >= par[_P_VT_I]:
            joined = 1
        k += 1
    still = 0
    if x & 0x3000000 == 0x3000000 and q[_GOOD] > par[_P_GOOD]:
        dd = (q[_DD] + 18000) % 36000 - 18000
        z = dd if dd >= 0 else 0 - dd
        du = q[_U2] - q[_U1]
        if du < 0:
            du = 0 - du
        if joined:
            if z >= 1500:
                found |= 0x100
            if z < 500:
                found |= 0x80000
            if du >= 1000:
                found |= 0x400
            if du < 500:
                found |= 0x100000
        elif st[S_CLOSED] == 0:
            y = q[_SLIP]
            if y < 5000 and y > -5000 and z > 4500 and (z + 1500) % 6000 < 3000:
                still = 1
            y = (dd - st[S_AT] + 18000) % 36000 - 18000
            if still and (y >= 300 or y <= -300):
                still = 0
            if still:
                found |= 0x200
            k = 1 if z <= 3 and du <= 10 else 0
            n = _UAB1
            while n < _UAB2:
                y = q[n + 3] - q[n]
                if y > 10 or y < -10:
                    k = 0
                n += 1
            found |= 0x80 if k else 0x40000
    if not still:
        st[S_AT] = q[_DD]
    return found


@micropython.viper
def latch(x: int, y: int, par: ptr32, st: ptr32, rows: ptr32) -> int:
    """Counts suspicions (x, from bit 0) and health (x, from bit 16), and latches alarms. y:
    nothing. rows: ticks and alarms of each suspicion."""
    y = st[S_ALARMS]
    if st[S_RESET]:
        st[S_RESET] = 0
        y = 0
        k = 0
        while k < _NX + _NA:
            st[S_N + k] = 0
            k += 1
    k = 0
    while k < _NA:
        n = 0
        if x & 0x10000 << k:
            n = st[S_N + _NX + k] + 1
            if n >= par[_P_VT_OK]:
                n = 0
                y &= -1 - (1 << k)
        st[S_N + _NX + k] = n
        k += 1
    k = 0
    while k < _NX:
        n = 0
        if x & 1 << k:
            n = st[S_N + k] + 1
            if n >= rows[k + k]:
                n = rows[k + k]
                y |= rows[k + k + 1]
        st[S_N + k] = n
        k += 1
    st[S_ALARMS] = y
    return y


class VtSupervision:
    """par: of sync_settings.limits(); q: what the bay measures. `st` is what SyncCheck takes."""

    def __init__(self, par, q):
        self.par = par
        self.q = q
        self.st = array("i", [0] * _NS)
        self._rows = array("i", _SUSPICIONS)

    def step(self, closed):
        """One tick of 5 ms. closed: by its contacts 1, open 0, -1 if they do not tell. Returns the
        alarms."""
        st = self.st
        par = self.par
        q = self.q
        same = par[_P_VT_SAME]
        self._rows[_ONE_VT_X * 2] = same if same else 0x3FFFFFFF
        st[S_CLOSED] = closed
        found = fuses(0, 0, q, par, st)
        return latch(found & 0x0003007F | wiring(found, 0, q, par, st), 0, par, st, self._rows)

    def reset(self):
        """The console, after somebody has looked: every alarm ends that is not seen anew."""
        self.st[S_RESET] = 1

    def restore(self, alarms):
        """Alarms of before a restart."""
        self.st[S_ALARMS] |= alarms
