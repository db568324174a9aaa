"""Protection of a recloser: 50/51, 50N/51N, 46, 27, 59, 59N, 47, 81O/U, 81R, 32 as one table.

Fast tier, once per tick of 5 ms after primitives/bay_measuring.py filled q (dsp/bay.py). All
elements are rows of one integer array and two viper functions evaluate them, so that an element
costs no object: one looks, one times; together they would be too long for a jump of
armv6m. Says what picked up and what operated; switches nothing, sends nothing, waits for nobody.
Allocates nothing. protection_table.py makes the rows from the settings.

A row compares one to three places of q with its pick-up: the largest (any phase) or the smallest
(all phases) of them counts. Picked up, it stays so until the value is beyond the reset level. Its
time is a sum: 5 ms a tick of a definite time, a rate by the curve's table of an inverse one
(curves.py). `ahead` ticks are credited at the comparison with the limit, since a window of one
cycle shows a fault that late. Under is over of negated numbers.

A channel that is stale or frozen shows nothing and picks nothing up; with `all`, one such phase is
enough to keep the element quiet. A bad channel that still shows some fundamental is clipped, since
a frozen one shows none by the time it is known to be: what it shows is less than the truth, and
counts; near the rails it counts as over. A residual of clipped phases is false, and never counts.
"""
from array import array

import micropython
from micropython import const

# Places in a row.
FLAGS = const(0)      # 0: off; else bits below, and the number of places << 8
PLACES = const(1)     # in q, a byte each
CHANNELS = const(2)   # masks of the channels that each comes from, a byte each
PICK = const(3)       # picked up at this or beyond; with UNDER the negated level
DROP = const(4)       # picked up until not even this is reached
LIMIT = const(5)      # ms, or `full` of the curve
AHEAD = const(6)      # ticks that the quantity lags
CURVE = const(7)      # where its table begins
RESET = const(8)      # ms after the drop until the time is forgotten, or with DISC a rate
BLOCK = const(9)      # a place of q, and what must be reached there: else the element is quiet
LEVEL = const(10)
HOLD = const(11)      # the same, but until then the element stays as it is and its time stands
CALM = const(12)
SHOWN = const(13)     # a bad channel that shows this much is not frozen but clipped
RAIL = const(14)      # with this much a clipped one is over, whatever the pick-up
AFTER = const(15)     # ticks, with LASTING (and RESET 0)
ROW = const(16)       # words of a row, and of the state before the elements

# Bits of FLAGS.
ON = const(1)
UNDER = const(2)
ABSOLUTE = const(4)
ALL = const(8)
INVERSE = const(16)
DISC = const(32)      # the time goes back as an induction disc would
TRIP = const(64)      # its operation is to open the breaker; else an alarm
LASTING = const(128)  # picks up when AFTER ticks in succession were beyond

# Places in the state.
COUNT = const(0)      # elements
BASE = const(1)       # of the group's rows in the table, bytes
SEEN = const(2)       # SEQ of the last tick
PICKED = const(3)     # masks, bit k: element k
OPERATED = const(4)
ROSE = const(5)       # picked up in this tick
ACTED = const(6)      # operated in this tick
TRIPS = const(7)      # operated, and to open the breaker
# and of element k, from ROW + EACH k on
EACH = const(10)
PHASES = const(0)     # mask of its places that are beyond the level now; 0: not picked up
DONE = const(1)       # ms, or of the curve's full
WAITED = const(2)     # ms since the drop; with LASTING, ticks beyond
SINCE = const(3)      # SEQ of the pick-up
PEAK = const(4)       # the value farthest beyond since then; of UNDER negated
WORST = const(5)      # the place, 0..2, that it came from
AT = const(6)         # SEQ of the operation
OPER = const(7)       # 1: operated
BEST = const(8)       # what it saw in this tick, of UNDER negated
BEYOND = const(9)     # places that were beyond, and << 3 the one of BEST; 0: none; -1: off, held
_SEQ = const(43)      # place of q; viper below has it, and BAD, 32, as numbers


@micropython.viper
def look(x: int, y: int, q: ptr32, tab: ptr32, st: ptr32):  # noqa: C901
    """What each element sees in this tick, into its BEST and BEYOND. x, y: the hot locals."""
    if q[43] == st[2]:
        return                          # no new tick: nothing has been measured
    bad = q[32]
    row = ptr32(int(tab) + st[1])
    s = ptr32(int(st) + 64)
    e = st[0]
    while e:
        flags = row[0]
        mask = -1
        if flags and q[row[11]] >= row[12]:
            mask = 0
            best = -0x3FFFFFFF
            if q[row[9]] >= row[10]:
                level = row[3]
                if s[0]:
                    level = row[4]
                if flags & 8:
                    best = 0x3FFFFFFF
                places = row[1]
                channels = row[2]
                n = flags >> 8
                k = 0
                while k < n:
                    x = q[places & 63]
                    if flags & 4 and x < 0:
                        x = 0 - x
                    if bad & channels & 255:
                        if x < row[13]:
                            x = -0x3FFFFFFF         # not seen
                        elif x >= row[14] and x < row[3]:
                            x = row[3]
                    elif flags & 2:
                        x = 0 - x
                    if x >= level:
                        mask |= 1 << k
                    if flags & 8:
                        if x < best:
                            best = x
                            y = k
                    elif x > best:
                        best = x
                        y = k
                    places >>= 8
                    channels >>= 8
                    k += 1
                if best < level:
                    mask = 0
                elif flags & 128 and s[0] == 0 and s[2] + 1 < row[15]:
                    mask = -2
            if mask > 0:
                mask |= y << 3
            s[8] = best
        if flags & 128 and s[0] == 0:
            if mask == -2:
                s[2] += 1
                mask = 0
            elif mask <= 0:
                s[2] = 0
        s[9] = mask
        row = ptr32(int(row) + 64)
        s = ptr32(int(s) + 40)
        e -= 1


@micropython.viper
def judge(x: int, y: int, seq: int, tab: ptr32, curve: ptr32, st: ptr32) -> int:  # noqa: C901
    """Times what look() saw; the mask of what is to open the breaker. x, y: the hot locals."""
    st[5] = 0
    st[6] = 0
    ticks = seq - st[2] & 0x1FFFFFFF    # more than one where the fast tier had to catch up
    if ticks == 0:
        return st[7]
    if ticks > 15:  # noqa: PLR1730     rates are below 2^25
        ticks = 15
    st[2] = seq
    st[3] = 0
    st[4] = 0
    st[7] = 0
    row = ptr32(int(tab) + st[1])
    s = ptr32(int(st) + 64)
    bit = 1
    e = st[0]
    while e:
        flags = row[0]
        mask = s[9]
        best = s[8]
        if mask > 0:
            y = mask >> 3
            mask &= 7
            if s[0] == 0:
                s[3] = seq
                s[4] = best
                s[5] = y
                st[5] |= bit
            elif best > s[4]:
                s[4] = best
                s[5] = y
            s[2] = 0
            x = 5
            if flags & 16:
                # the rate at this excess over the pick-up, in 1/16 mA: see curves.table()
                k = row[7]
                x = best - row[3]
                if x > curve[k + 1]:  # noqa: PLR1730  viper has no min()
                    x = curve[k + 1]
                n = curve[k]
                k += 3
                x <<= 4
                if x < 1 << n:
                    if x < 0:  # noqa: PLR1730
                        x = 0               # between reset level and pick-up
                    x = (curve[k] >> 4) * x >> n - 4
                else:
                    while x >= 2 << n:
                        n += 1
                        k += 16
                    k += x >> n - 4 & 15
                    y = (x & (1 << n - 4) - 1) << 8 >> n - 4
                    x = curve[k]
                    x += (curve[k + 1] - x) * y >> 8
            n = x * row[6]
            if s[0]:                # else nobody knows since when: one tick
                x *= ticks
            y = s[1] + x
            if y > row[5]:  # noqa: PLR1730
                y = row[5]
            s[1] = y
            if s[7] == 0 and y + n >= row[5]:
                s[7] = 1
                s[6] = seq
                st[6] |= bit
        elif mask == 0:
            s[7] = 0
            if s[1] == 0:
                pass
            elif flags & 32:
                y = 1024
                if best > 0:
                    x = (best << 10) // row[3]
                    if x > 1024:  # noqa: PLR1730
                        x = 1024
                    y = 0x100000 - x * x >> 10
                x = row[8]
                x = s[1] - (x >> 10) * y - ((x & 1023) * y >> 10) - 1
                if x < 0:  # noqa: PLR1730
                    x = 0
                s[1] = x
            elif s[2] >= row[8]:
                s[1] = 0
            else:
                s[2] += 5 * ticks
        if mask >= 0:               # else off, or held as it is
            s[0] = mask
        if s[0]:
            st[3] |= bit
        if s[7]:
            st[4] |= bit
            if flags & 64:
                st[7] |= bit
        row = ptr32(int(row) + 64)
        s = ptr32(int(s) + 40)
        bit <<= 1
        e -= 1
    return st[7]


@micropython.viper
def restart(st: ptr32, base: int):
    """Forgets everything that is timed or picked up; from now on the rows at byte `base`."""
    st[1] = base
    k = 3
    n = 16 + st[0] * 10
    while k < n:
        st[k] = 0
        k += 1


class Protection:
    """rows: array('i') of the groups' rows, one group after the other, `count` elements (<= 29)
    each; curve: the tables that inverse rows point into; q: dsp/bay.py."""

    def __init__(self, rows, curve, count, q):
        if not 0 < count <= 29 or len(rows) % (ROW * count):
            raise ValueError("protection: 1 to 29 elements, and whole groups of rows")
        self.state = array("i", bytes(4 * (ROW + EACH * count)))
        self.state[COUNT] = count
        self.state[SEEN] = -1
        self.groups = len(rows) // (ROW * count)
        self.group = 0
        self._rows = rows
        self._curve = curve
        self._q = q

    def step(self):
        """One tick; the mask of the elements that want the breaker open now."""
        look(0, 0, self._q, self._rows, self.state)
        return judge(0, 0, self._q[_SEQ], self._rows, self._curve, self.state)

    def use(self, group):
        """Another setting group, in the fast tier. Timers begin anew and nothing is operated; an
        element that is beyond its new pick-up picks up in the next tick as any other."""
        if 0 <= group < self.groups:
            self.group = group
            restart(self.state, group * self.state[COUNT] * (4 * ROW))

    def timing(self):
        """The time of an element runs: no flash write may begin, it would stop the fast tier. One
        that has operated waits for nothing more."""
        return self.state[PICKED] & ~self.state[OPERATED] != 0

    def value(self, k):
        """Of element k: the value farthest beyond its pick-up, in the unit of its quantity."""
        x = self.state[ROW + EACH * k + PEAK]
        row = (self.group * self.state[COUNT] + k) * ROW
        return 0 - x if self._rows[row] & UNDER else x

    def since_ms(self, k):
        """How long ago element k picked up, ms."""
        return ((self.state[SEEN] - self.state[ROW + EACH * k + SINCE]) & 0x1FFFFFFF) * 5
