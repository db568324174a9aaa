"""F4: phase unbalance and the plan of phase moves that mends it (spec smartlvgrid, section 11).

Pure arithmetic on integers: VA, W and var, unbalance in per mille. A plan is made in portions, so
that the slow tier of a Coordinator stays alive during it. Knows nothing of messages or time. A
board loads it when there is something to plan, and forgets it afterwards (balancing.py).

A load is a vector (p, q). While nobody exports, apparent powers are added, as (s, 0); else signed
P + jQ, since then apparent powers do not add. One search serves both.
"""
from micropython import const

from acu.functions.unbalance import deviations

# Why there is no plan.
PLAN_OK = const(0)
PLAN_FEW = const(1)   # too few Operators answered
PLAN_GAIN = const(2)  # not worth switching

ABC = const(3)        # phase of a three-phase user; single-phase: 0, 1, 2

_ANSWERED_PCT = const(70)
_GAIN_M = const(50)
_EXHAUSTIVE = const(7)  # movable customers up to which all 3^N assignments are tried
# Beyond that, plans kept per number of moves. One that moves a large load last looks bad until the
# next move sets it off, so the largest loads have places of their own.
_LARGE = const(10)      # loads with places of their own,
_EACH = const(2)        # so many,
_OTHERS = const(6)      # and of the rest together
_STALE = const(2)       # moves without progress until it gives up: a swap is two moves


def magnitude(p, q):
    """|p + jq|, rounded down."""
    p = abs(p)
    q = abs(q)
    if not p or not q:
        return p + q
    square = p * p + q * q
    root = max(p, q) + min(p, q) // 2 + 1  # not below the true one, so Newton only falls
    while True:
        smaller = (root + square // root) >> 1
        if smaller >= root:
            return root
        root = smaller


class Planner:
    """Call step() until it returns True; then moves, ui0_m, ui1_m and why are the answer.

    ops: (op, phase, s_va, p_w, q_var, movable) of each Operator that answered, of n_all; s_va3,
    p_w3, q_var3: the same averages at the post (without the latter two, apparent powers). What the
    movable ones do not explain is fixed: silent and three-phase users, losses.
    """

    def __init__(self, ops, n_all, s_va3, sr_va, target_m, p_w3=None, q_var3=None):
        vector = p_w3 is not None and min([op[3] for op in ops] + [0]) < 0
        self._sr_va = sr_va
        self._target_m = target_m
        self._vector = vector
        self._p = list(p_w3 if vector else s_va3)
        self._q = list(q_var3) if vector else [0, 0, 0]
        self._ops = []
        fixed = list(s_va3)
        for op, ph, s, p, q, movable in ops:
            if movable and 0 <= ph < ABC:
                self._ops.append((op, ph, p if vector else s, q if vector else 0, s))
                fixed[ph] -= s
        if not vector:
            for ph in range(3):
                self._p[ph] -= min(fixed[ph], 0)  # averages do not match: no load is negative
        self._ph = bytearray([op[1] for op in self._ops])
        large = sorted([(-abs(op[2]) - abs(op[3]), i) for i, op in enumerate(self._ops)])
        self._place = bytearray([_LARGE] * len(large))  # of each load among the children
        for k in range(min(_LARGE, len(large))):
            self._place[large[k][1]] = k
        self._n = 0   # moves of the assignment in work
        self._va = 0  # and their apparent power
        self._key = None
        self._judge()
        self.moves = []  # (op, from, to)
        self.ui0_m = self.ui1_m = self._key[1] if self._key[0] else self._key[3]
        self.why = PLAN_OK
        self._walk = self._odometer if len(self._ops) <= _EXHAUSTIVE else self._expand
        self._parents = [(self._p, self._q, self._ph, 0)]
        self._parent = 0     # the one to expand next
        self._children = [[] for _ in range(_LARGE + 1)]  # by place, best first:
        #                      (score, parent, index, to, p of A, p of B)
        self._least = -1     # best score so far
        self._stale = 0      # numbers of moves since then
        self._done = not self._ops
        if len(ops) * 100 < _ANSWERED_PCT * n_all:
            self.why = PLAN_FEW
            self._done = True

    def step(self, n=100):
        """Tries about n assignments. True when the answer stands."""
        while n > 0 and not self._done:
            n -= self._walk()
        if self._done and self.why == PLAN_OK and not self.moves:
            ui = self._key[1] if self._key[0] else self._key[3]
            if self.ui0_m - ui < _GAIN_M:
                self.why = PLAN_GAIN
            else:
                self.ui1_m = ui
                for i in range(len(self._ops)):
                    op = self._ops[i]
                    if self._best[i] != op[1]:
                        self.moves.append((op[0], op[1], self._best[i]))
        return self._done

    def _shift(self, i, to):
        """Moves customer i of the assignment in work."""
        _, home, p, q, s = self._ops[i]
        now = self._ph[i]
        self._p[now] -= p
        self._q[now] -= q
        self._p[to] += p
        self._q[to] += q
        self._ph[i] = to
        if now == home:
            self._n += 1
            self._va += s
        elif to == home:
            self._n -= 1
            self._va -= s

    def _judge(self):
        """Keeps the assignment in work if it is the best."""
        p = self._p
        q = self._q
        a, b, c, total = deviations(
            (magnitude(p[0], q[0]), magnitude(p[1], q[1]), magnitude(p[2], q[2])), self._sr_va)
        worst = max(a, b, c)
        ui = (2000 * worst + total) // (2 * total) if worst else 0
        if 1000 * worst > self._target_m * total:
            key = (1, ui, self._n, self._va)
        else:
            key = (0, self._n, self._va, ui)
        if self._key is None or key < self._key:
            self._key = key
            self._best = bytes(self._ph)

    def _off(self):
        """How far off the target the assignment in work is, VA; 0: it meets it. The distance is
        that of the signed powers, so that a phase which exports is drawn upward."""
        p = self._p
        q = self._q
        p3 = p[0] + p[1] + p[2]
        q3 = q[0] + q[1] + q[2]
        limit = self._target_m * abs(p3) // 1000
        off = 0
        for ph in range(3):
            d = abs(3 * p[ph] - p3) + abs(3 * q[ph] - q3) - limit
            if d > 0:
                off += d
        return off

    def _odometer(self):
        """The next of all 3^N: each customer is a digit whose zero is its present phase."""
        for i in range(len(self._ops)):
            self._shift(i, (self._ph[i] + 1) % 3)
            if self._ph[i] != self._ops[i][1]:
                if self._key[0] or self._n <= self._key[1]:
                    self._judge()
                return 1
        self._done = True
        return 1

    def _expand(self):
        """Every single move added to one of the kept plans; after the last of them, go deeper."""
        p, q, ph, va = self._parents[self._parent]
        self._p, self._q, self._ph, self._va = list(p), list(q), ph, va
        for i in range(len(self._ops)):
            home = self._ops[i][1]
            if ph[i] == home:
                for to in range(3):
                    if to != home:
                        self._shift(i, to)
                        off = self._off()
                        if self._keep(off, i, to) or not off or self._vector:
                            self._judge()
                        self._shift(i, home)
        self._parent += 1
        if self._parent == len(self._parents):
            self._deepen()
        return 2 * len(self._ops)

    def _keep(self, off, i, to):
        """Into the best few? Not if its loads are there: the same moves in another order. (Most
        are refused, and allocate nothing.)"""
        place = self._place[i]
        kept = self._children[place]
        full = len(kept) == (_OTHERS if place == _LARGE else _EACH)
        if full and off >= kept[-1][0]:
            return False
        a = self._p[0]
        b = self._p[1]
        for others in self._children:
            for other in others:
                if other[4] == a and other[5] == b:
                    return False
        if full:
            kept.pop()
        at = len(kept)
        while at and off < kept[at - 1][0]:
            at -= 1
        kept.insert(at, (off, self._parent, i, to, a, b))
        return True

    def _deepen(self):
        children = []
        for kept in self._children:
            children += kept
        self._stale += 1
        least = min([child[0] for child in children]) if children else 0
        if children and (self._least < 0 or least < self._least):
            self._least = least
            self._stale = 0
        if not self._key[0] or not children or self._stale == _STALE:
            self._done = True
            return
        parents = []
        for _, parent, i, to, _, _ in children:
            p, q, ph, self._va = self._parents[parent]
            self._p, self._q, self._ph = list(p), list(q), bytearray(ph)
            self._shift(i, to)
            self._n -= 1
            parents.append((self._p, self._q, self._ph, self._va))
        self._n += 1
        self._parents = parents
        self._parent = 0
        self._children = [[] for _ in range(_LARGE + 1)]
