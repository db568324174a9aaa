"""ANSI 25, the synchronism check of a recloser: two modes, and dead sides (spec recloser, 3).

step() belongs to the fast tier, once each 5 ms after q is filled and VtSupervision has stepped;
two viper calls, nothing allocated. q: see dsp/bay.py. par: the effective limits, guards already
taken off, from sync_settings.limits(). First every gate's value is set between its two limits,
both outside: what equals a limit is refused. Each that is not leaves its reason in a mask. Then

- check: all gates hold for the dwell, so the predicted touch lies inside the limits: a permit;
- synchronising close: all but the two angle gates hold for the dwell, and the order goes out in
  the tick whose predicted touch lies nearest to 0 degrees;
- dead sides: their own gates hold for dead_ms, where dead_mode allows that direction;
- armed: only in armed_check.py, of an islanding scheme.

A close order answers a request(), once, and may_close() is true in that very tick only: the one
gate asks it at operate time. Nothing here sets a limit aside: there is no force. Requests,
cancel() and pop() belong to the slow tier; the last word that each writes is the one that counts.
"""
from array import array

import micropython
from micropython import const

from acu.functions.sync_record import Decisions

# Reasons. Bits appear in event records: never re-use one.
GATE_LIVE1 = const(1)              # side 1 below u_live_pm or above u_high_pm
GATE_LIVE2 = const(2)
GATE_DU = const(4)                 # voltage difference
GATE_ANGLE = const(8)              # angle now
GATE_TOUCH = const(0x10)           # angle predicted for the touch
GATE_SLIP = const(0x20)            # slip, linear over 200 ms
GATE_SLIPT = const(0x40)           # slip predicted for the touch
GATE_ACC = const(0x80)             # the slip changes too fast to be predicted
GATE_RES = const(0x100)            # the angle does not follow the fit
GATE_FITS = const(0x200)           # the fits over 200 and 80 ms predict different touches
GATE_AGE = const(0x400)            # measurements old, or the same as a tick ago
GATE_BAD = const(0x800)            # a channel stale, frozen or clipped
GATE_FREQ1 = const(0x1000)         # frequency outside fn +- f_win_mhz
GATE_FREQ2 = const(0x2000)
GATE_ORDER1 = const(0x4000)        # phase order wrong or not known
GATE_ORDER2 = const(0x8000)
GATE_SETTLED = const(0x10000)      # fits not yet full since a side came back or jumped
GATE_B_ANGLE = const(0x20000)      # the second estimator sees another angle,
GATE_B_U1 = const(0x40000)         # other voltages,
GATE_B_U2 = const(0x80000)
GATE_B_SLIP = const(0x100000)      # another slip or other frequencies
GATE_WIRING = const(0x200000)      # alarm: wired wrong (vt_supervision)
GATE_FUSE = const(0x400000)        # alarm: VT fuse
GATE_ONE_VT = const(0x800000)      # alarm: both sides show one voltage transformer
GATE_BLOCKED = const(0x1000000)    # block(): interlock, lock, another recloser is closing
GATE_DEAD_MODE = const(0x2000000)  # dead_mode does not allow these dead sides
GATE_DEAD_SIDE = const(0x4000000)  # the dead side is not surely dead, or the live one not healthy
GATE_DWELL = const(0x8000000)      # everything holds, but not yet for long enough
GATE_AIM = const(0x10000000)       # synchronising close: waits for the angle

# Which of them count for what.
CHECK_GATES = const(0x1FFFFFF)     # two live sides
SYNC_GATES = const(0x1FFFFE7)      # the same without ANGLE and TOUCH
DEAD_GATES = const(0x7E00C00)      # AGE BAD WIRING FUSE ONE_VT BLOCKED DEAD_MODE DEAD_SIDE


# Modes of a request.
CHECK = const(1)
SYNC = const(2)
ARMED = const(3)         # of armed_check.py

# Answers of step().
NOTHING = const(0)
PERMIT = const(1)    # the check, or dead sides, permit a closing now
CLOSE = const(2)     # the close order, in this tick

# What became of the last request.
WAITING = const(1)
ORDERED = const(2)
TIMED_OUT = const(3)
CANCELLED = const(4)

# Values: a place each in val; in par three words each: low, high, reason.
V_LOW1 = const(0)        # least and greatest of a side's voltages, bp
V_LOW2 = const(1)
V_HIGH1 = const(2)
V_HIGH2 = const(3)
V_DU = const(4)          # side 2 minus side 1, or the island minus the grid, bp
V_ANGLE = const(5)       # cdeg
V_TOUCH = const(6)       # cdeg
V_SLIP = const(7)        # uhz
V_SLIPT = const(8)       # uhz
V_SWING = const(9)       # the same two while the slip changes, else 0: their limits are narrower
V_SWINGT = const(10)
V_ACC = const(11)        # mhz per s
V_RES = const(12)        # mdeg
V_FITS = const(13)       # cdeg
V_AGE = const(14)        # ms
V_NEW = const(15)        # 1: not the measurements of the tick before
V_BAD = const(16)        # mask
V_FREQ1 = const(17)      # mhz, off nominal
V_FREQ2 = const(18)
V_ORDER1 = const(19)     # 1 right
V_ORDER2 = const(20)
V_GOOD = const(21)       # ticks
V_B_ANGLE = const(22)    # cdeg, magnitude, less what 10 ms of slip may make
V_B_U1 = const(23)       # bp
V_B_U2 = const(24)
V_B_SLIP = const(25)     # uhz
V_B_F1 = const(26)       # mhz
V_B_F2 = const(27)
V_WIRING = const(28)     # alarms
V_FUSE = const(29)
V_ONE_VT = const(30)
V_BLOCK = const(31)
V_TOUCH80 = const(32)    # cdeg, the touch that the fit over 80 ms foretells
NV = const(33)

# Further places of par.
P_ISLAND = const(99)     # side whose voltage is measured against the other's (IEEE C50.12); else 0
P_CALM = const(100)       # mhz per s: from here on the slip changes
P_FN = const(101)         # mhz
P_DEAD = const(102)       # bp, highest of a dead side
P_CALM_N = const(103)    # ticks that the live side must be undisturbed before the other is dead
P_DEAD_MODE = const(104)  # 1: side 1 dead, 2: side 2 dead, 4: both
P_DWELL = const(105)     # ticks
P_DEAD_N = const(106)    # ticks
P_HOLD = const(107)      # ticks that a permit lasts
P_AIM = const(108)       # cdeg, farthest predicted touch of a synchronising close
P_SLOW = const(109)      # uhz, below it nobody waits for the angle
P_VT_I = const(110)      # mA secondary: such a current has a closed breaker (vt_supervision)
P_VT_OK = const(111)     # ticks of health that end an alarm
P_VT_SAME = const(112)   # ticks of equality that mean one VT; 0: not watched
NP = const(113)

# Places of st.
S_WHY = const(0)         # every gate of this tick
S_REASONS = const(1)     # those that count now: for the request's mode, or for dead sides
S_DEAD = const(2)        # the pair is 1: dead, live; 2: live, dead; 4: dead, dead; else 0
S_SEQ = const(3)         # SEQ of the last tick
S_CHECK_N = const(4)     # ticks that the gates have held: check,
S_SYNC_N = const(5)      # synchronising close,
S_DEAD_N = const(6)      # dead sides
S_PERMIT = const(7)      # 1: check, 2: dead sides permit
S_MODE = const(8)        # of the pending request; 0: none
S_WAIT = const(9)        # ticks that it may still wait
S_NEW_MODE = const(10)   # a request from the slow tier, taken in the next tick
S_NEW_WAIT = const(11)
S_CANCEL = const(12)
S_GRANT = const(13)      # SEQ of the tick of the close order, else -1
S_ALWAYS = const(14)     # reasons that have held in every tick of the request
S_RESULT = const(15)     # of the last request
S_BLOCK = const(16)
S_FIRST = const(17)      # 1: in the first tick of a request
S_FOR = const(18)        # mode of the request that this tick is for, ended or not
NS = const(19)

# Kinds of decision records (sync_record.py).
KIND_WAIT = const(1)     # a request that is not met at once, and why
KIND_PERMIT = const(2)
KIND_LOST = const(3)     # the permit; no reason: it was not used in time
KIND_ORDER = const(4)
KIND_TIMEOUT = const(5)  # the request waited too long
KIND_CANCEL = const(6)

# Places of q, as in dsp/bay.py: viper folds only the constants of its own module.
_U1 = const(0)
_U2 = const(1)
_UAB1 = const(2)
_F1 = const(11)
_DD = const(15)
_SLIP = const(16)
_ACC = const(17)
_DDT = const(18)
_SLIPT = const(19)
_DDT80 = const(20)
_RES = const(21)
_DD_B = const(22)
_SLIP_B = const(23)
_U1_B = const(24)
_F1_B = const(26)
_GOOD = const(28)
_CALM1 = const(29)
_AGE = const(31)
_BAD = const(32)
_ROT1 = const(33)
_SEQ = const(43)

_LATE = const(2778)        # cdeg from uhz: 10 ms of slip, 36000 * 0.01 / 1e6
_HALF_TICK = const(11_111)  # the same for 2.5 ms: the nearest tick is within that of 0 degrees
_MAX_N = const(0x1FFFFFFF)


@micropython.viper
def gates(x: int, y: int, q: ptr32, par: ptr32, st: ptr32, vt: ptr32,  # noqa: C901
          val: ptr32) -> int:
    """The value of every gate into val, and the mask of those that are not between their limits;
    also st[S_DEAD], st[S_SEQ]. x, y: nothing, the hot locals. vt: word 0 has the alarms."""
    k = 0
    while k < 2:
        x = q[_U1 + k]
        y = x
        n = _UAB1 + k + k + k
        end = n + 3
        while n < end:
            z = q[n]
            if z < x:  # noqa: PLR1730  viper has no min()
                x = z
            if z > y:  # noqa: PLR1730
                y = z
            n += 1
        val[V_LOW1 + k] = x
        val[V_HIGH1 + k] = y
        x = q[_F1 + k]
        val[V_FREQ1 + k] = x - par[P_FN]
        val[V_B_F1 + k] = q[_F1_B + k] - x
        val[V_ORDER1 + k] = q[_ROT1 + k]
        val[V_B_U1 + k] = q[_U1_B + k] - q[_U1 + k]
        k += 1
    x = q[_U2] - q[_U1]
    if par[P_ISLAND] == 1:
        x = 0 - x
    val[V_DU] = x

    y = (q[_DD] + 18000) % 36000 - 18000
    val[V_ANGLE] = y
    z = q[_SLIP]
    val[V_SLIP] = z
    val[V_B_SLIP] = q[_SLIP_B] - z
    if z < 0:
        z = 0 - z
    x = (q[_DD_B] - y + 18000) % 36000 - 18000
    if x < 0:
        x = 0 - x
    val[V_B_ANGLE] = x - z // _LATE
    y = (q[_DDT] + 18000) % 36000 - 18000
    val[V_TOUCH] = y
    x = (q[_DDT80] + 18000) % 36000 - 18000
    val[V_TOUCH80] = x
    val[V_FITS] = (x - y + 18000) % 36000 - 18000
    val[V_SLIPT] = q[_SLIPT]
    x = q[_ACC]
    val[V_ACC] = x
    y = 0
    z = 0
    if x >= par[P_CALM] or x <= 0 - par[P_CALM]:
        y = q[_SLIP]
        z = q[_SLIPT]
    val[V_SWING] = y
    val[V_SWINGT] = z
    val[V_RES] = q[_RES]
    val[V_GOOD] = q[_GOOD]
    val[V_AGE] = q[_AGE]
    x = q[_SEQ]
    val[V_NEW] = 0 if x == st[S_SEQ] else 1
    st[S_SEQ] = x
    val[V_BAD] = q[_BAD]
    x = vt[0]
    val[V_FUSE] = x & 3
    val[V_ONE_VT] = x & 4
    val[V_WIRING] = x >> 3
    val[V_BLOCK] = st[S_BLOCK]

    # Between two limits, not by magnitude: that of -2^31 is negative.
    x = 0
    k = 0
    n = 0
    while k < NV:
        y = val[k]
        if y <= par[n] or y >= par[n + 1]:
            x |= par[n + 2]
        k += 1
        n += 3

    # Dead sides. By both estimators; the live one must be right, and calm for a while.
    y = 0
    k = 0
    while k < 2:
        if val[V_LOW1 + k] >= 0 and val[V_HIGH1 + k] <= par[P_DEAD]:
            y |= 1 << k
        k += 1
    k = 0
    while k < 2:
        if y & 1 << k:
            z = q[_U1_B + k]
            if z < 0 or z > par[P_DEAD]:
                x |= GATE_DEAD_SIDE
        elif x & (GATE_FREQ1 | GATE_ORDER1 | GATE_B_U1) << k or q[_CALM1 + k] < par[P_CALM_N]:
            x |= GATE_DEAD_SIDE
        k += 1
    if y == 3:
        y = 4
    elif (y == 1 and x & GATE_LIVE2) or (y == 2 and x & GATE_LIVE1):
        y = 0               # the other one is neither dead nor live
    st[S_DEAD] = y
    if y & par[P_DEAD_MODE] == 0:
        x |= GATE_DEAD_MODE
    st[S_WHY] = x
    return x


@micropython.viper
def aimed(x: int, y: int, par: ptr32, val: ptr32) -> int:
    """1 if a touch ordered in this tick is as near to 0 degrees as it will come. x, y: nothing."""
    y = val[V_SLIPT]
    x = 0 - val[V_TOUCH]        # the way that the angle still has to go, in its own direction
    if y < 0:
        y = 0 - y
        x = 0 - x
    if x >= par[P_AIM] or x <= 0 - par[P_AIM]:
        return 0
    return 1 if y < par[P_SLOW] or x <= y // _HALF_TICK else 0


@micropython.viper
def decide(x: int, y: int, par: ptr32, st: ptr32) -> int:  # noqa: C901
    """From the reasons in st to the answer of this tick, and in bits 4.. the kind of a decision
    record. x: aimed(), in mode ARMED its reasons; y: S_DEAD of the tick before."""
    why = st[S_WHY]
    on_target = x
    st[S_GRANT] = -1
    kind = 0
    st[S_FOR] = st[S_MODE]
    if st[S_CANCEL]:
        st[S_CANCEL] = 0
        if st[S_MODE]:
            st[S_MODE] = 0
            st[S_RESULT] = CANCELLED
            kind = KIND_CANCEL
    if st[S_NEW_MODE]:
        st[S_MODE] = st[S_NEW_MODE]
        st[S_FOR] = st[S_NEW_MODE]
        st[S_NEW_MODE] = 0
        st[S_WAIT] = st[S_NEW_WAIT]
        st[S_RESULT] = WAITING
        st[S_ALWAYS] = _MAX_N
        st[S_FIRST] = 1

    # How long have they held? A permit that nobody used ends, and is earned anew.
    x = st[S_SYNC_N] + 1
    if why & SYNC_GATES:
        x = 0
    st[S_SYNC_N] = x & _MAX_N
    x = st[S_CHECK_N] + 1
    if why & CHECK_GATES or x > par[P_DWELL] + par[P_HOLD]:
        x = 0
    st[S_CHECK_N] = x
    permit = 1 if x >= par[P_DWELL] else 0
    x = 1 if st[S_DEAD] != y else st[S_DEAD_N] + 1
    if why & DEAD_GATES or x > par[P_DEAD_N] + par[P_HOLD]:
        x = 0
    st[S_DEAD_N] = x
    if x >= par[P_DEAD_N]:
        permit = 2

    # The reasons that count.
    y = 0
    if st[S_DEAD]:
        x = why & DEAD_GATES
        if permit != 2:
            y = GATE_DWELL
    elif st[S_MODE] == SYNC:
        x = why & SYNC_GATES
        if st[S_SYNC_N] < par[P_DWELL]:
            y = GATE_DWELL
        elif not on_target:
            y = GATE_AIM
    elif st[S_MODE] == ARMED:
        x = on_target
    else:
        x = why & CHECK_GATES
        if permit != 1:
            y = GATE_DWELL
    if x == 0:
        x = y
    st[S_REASONS] = x

    answer = PERMIT if permit else NOTHING
    if permit != st[S_PERMIT] and kind == 0:
        kind = KIND_PERMIT if permit else KIND_LOST
    st[S_PERMIT] = permit
    if st[S_MODE]:
        st[S_ALWAYS] &= x
        if x == 0:              # one order, and everything begins again
            answer = CLOSE
            kind = KIND_ORDER
            st[S_MODE] = 0
            st[S_RESULT] = ORDERED
            st[S_GRANT] = st[S_SEQ]
            st[S_CHECK_N] = 0
            st[S_SYNC_N] = 0
            st[S_DEAD_N] = 0
            st[S_PERMIT] = 0
        else:
            if st[S_FIRST]:
                kind = KIND_WAIT
            y = st[S_WAIT] - 1
            st[S_WAIT] = y
            if y <= 0:
                kind = KIND_TIMEOUT
                st[S_MODE] = 0
                st[S_RESULT] = TIMED_OUT
        st[S_FIRST] = 0
    return kind << 4 | answer


class SyncCheck:
    """par: of sync_settings.limits(); q: what the bay measures; vt: the words of VtSupervision,
    the first of which has its alarms. `val` and `st` are what the console shows."""

    last = SYNC         # of the modes that it knows

    def __init__(self, par, q, vt):
        reasons = 0
        for k in range(NV):
            if par[3 * k + 2] == 0:
                raise ValueError("synccheck: value %d has no gate" % k)
            reasons |= par[3 * k + 2]
        if reasons != CHECK_GATES:
            raise ValueError("synccheck: gates %x are missing" % (CHECK_GATES & ~reasons))
        self.par = par
        self.q = q
        self.vt = vt
        self.val = array("i", [0] * NV)
        self.st = array("i", [0] * NS)
        self.st[S_SEQ] = -1
        self.st[S_GRANT] = -1
        self._records = Decisions(q, self.vt, self.st, self.val)
        self.decision = self._records.last      # what pop() has brought, see sync_record.py

    def step(self):
        """One tick of 5 ms: NOTHING, PERMIT or CLOSE. Called twice in a tick, it refuses."""
        st = self.st
        par = self.par
        val = self.val
        before = st[S_DEAD]
        gates(0, 0, self.q, par, st, self.vt, val)
        answer = decide(aimed(0, 0, par, val), before, par, st)
        if answer > 15:
            self._records.put(answer >> 4)
        return answer & 15

    def may_close(self):
        """For the one gate, at operate time: step() has ordered a closing in this very tick."""
        st = self.st
        return (st[S_GRANT] >= 0 and st[S_GRANT] == self.q[_SEQ] and st[S_BLOCK] == 0
                and st[S_CANCEL] == 0)

    def block(self, mask):
        """Reasons of others that hold a closing off (interlock, lock, a closing elsewhere); 0:
        none. It can only refuse."""
        self.st[S_BLOCK] = mask

    # Slow tier.

    def request(self, mode, wait_ms):
        """Asks for one close order within wait_ms. False: no such mode, or one is pending."""
        st = self.st
        if not CHECK <= mode <= self.last or wait_ms < 5 or self.waiting():
            return False
        st[S_NEW_WAIT] = min(wait_ms // 5, _MAX_N)
        st[S_NEW_MODE] = mode       # last: the fast tier may come in between
        return True

    def cancel(self):
        """From now on no order for what was requested."""
        self.st[S_NEW_MODE] = 0
        self.st[S_CANCEL] = 1

    def waiting(self):
        """A request is pending."""
        st = self.st
        return st[S_NEW_MODE] != 0 or st[S_MODE] != 0 and st[S_CANCEL] == 0

    def pop(self):
        """Brings the next decision record into `decision`; False: there is none."""
        return self._records.pop()
