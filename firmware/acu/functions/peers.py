"""What the other reclosers of a scheme have told, and how far it can be believed (rc.st).

Slow tier of an Islander. A word counts for a while, from the moment at which it was said; older
ones that come later count for nothing. `known_open` and `known_closed` are never both true, and
both false where nobody has said anything for too long: then whoever needs to know waits.
"""
from micropython import const

LEAD = const(0)
SECOND = const(1)
TIE = const(2)
SHED = const(3)

# States told as `st`. Never re-used.
GRID = const(0)      # as it is with the grid
ISLAND = const(1)
BACK = const(2)      # an island, the grid is healthy again
SYNC = const(3)      # wants to close
REJOIN = const(4)    # closed again, not long ago
OUT = const(5)       # does nothing by itself: opened on purpose, locked out, or after a reset

# Bits told as `fl`.
B_SIDE1 = const(1)   # live
B_SIDE2 = const(2)
B_READY = const(4)   # nothing forbids a closing but the check
B_PAI = const(8)     # it has opened ahead of the protection

_FRESH_MS = const(700)
_QUIET_MS = const(2_500)     # where it speaks once a second


class Peer:
    LATER = True

    def __init__(self):
        self.pos = -1
        self.st = OUT
        self.since_ms = 0        # own clock: since when pos is so
        self.p_w = 0
        self.live = 0
        self.told_ms = -_QUIET_MS - 1
        self.ts = 0
        self.boot = -1           # of its command counter; -1: not heard yet

    def fresh(self, now_ms):
        return now_ms - self.told_ms <= (_QUIET_MS if self.st == GRID else _FRESH_MS)


class Peers:
    """ids: in the order LEAD, SECOND, TIE, SHED, we among them."""

    def __init__(self, ids):
        self.ids = ids
        self.all = [Peer() for _ in ids]

    def hear(self, now_ms, k, late_ms, ts, body):
        """late_ms: how long it was under way. False: something newer was heard before."""
        one = self.all[k]
        if ts < one.ts:
            return False
        one.ts = ts
        one.told_ms = now_ms - late_ms
        one.since_ms = one.told_ms - body["ms"]
        one.pos = body["pos"]
        one.st = body["st"]
        one.p_w = body["p_W"]
        one.live = body["fl"]
        return True

    def known(self, now_ms, k):
        """Its state, -1: not known."""
        one = self.all[k]
        return one.st if one.fresh(now_ms) else -1

    def known_open(self, now_ms, k):
        one = self.all[k]
        return one.pos == 0 and one.fresh(now_ms)

    def known_closed(self, now_ms, k):
        one = self.all[k]
        return one.pos == 1 and one.fresh(now_ms)

    def for_ms(self, now_ms, k):
        """How long its position is as it told."""
        return now_ms - self.all[k].since_ms
