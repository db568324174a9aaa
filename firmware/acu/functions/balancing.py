"""F4: phase-unbalance correction by moving single-phase users (spec smartlvgrid, section 11).

Runs in the slow tier of a Coordinator. Takes the averaged powers of the post and what Operators
(index 0..n-1) answer, returns actions that the role turns into messages and records. Moves nobody
unless the averaged unbalance stayed above its limit, most Operators answered and the plan is worth
it; moves back what made it worse; gives up when the supply is not in order.
"""
from micropython import const

from acu import events as ev
from acu import forget
from acu.functions.planner import PLAN_FEW
from acu.functions.unbalance import ui_m
from acu.ports import FOREVER_MS

# States. Numbers appear in records: never re-use one.
MONITOR = const(0)
ARMED = const(1)
QUERY = const(2)
PLAN = const(3)
COMMAND = const(4)   # moves ordered, their common start not yet reached
VERIFY = const(5)    # acknowledgements, then a whole average
COOLDOWN = const(6)

# Actions of step(): tuples that begin with one of these. Phases are 0, 1, 2.
B_QUERY = const(0)   # broadcast ub.req
B_ASK = const(1)     # op: ask again, alone
B_PLAN = const(2)    # n_moves, ui0_m, ui1_m as planned
B_MOVE = const(3)    # op, from, to: at now + lead_ms, the same for all of this step
B_BACK = const(4)    # op, from, to: it made things worse
B_RESULT = const(5)  # ui0_m, ui1_m, [(op, from, to), ...], ok, e
B_ABORT = const(6)   # why: one of the following

ABORT_IDLE = const(0)  # outage, reconnection or switched off: F3 goes first
ABORT_FEW = const(1)   # fewer than 70 % answered
ABORT_GAIN = const(2)  # less than 5 points to gain
ABORT_MEMORY = const(3)  # no room for the planner: nothing moves, later once more

_PLANNER = "acu.functions.planner"

_ACK_MS = const(7500)   # longest wait for a move: its load side may take seconds to die; also
                        # the gap between sequential moves when clocks are not synchronised
_SETTLE_MS = const(1000)  # the moved load's inrush, 6 x for 0.2 s, stays out of the average
_WORSE = const(4)       # cooldowns after moves that made it worse


class Balancing:
    """n_ops may be changed while MONITOR. ui_m is the unbalance at the last step."""

    def __init__(self, n_ops, ui_max_m, hyst_m, hold_ms, ub_win_ms, retries, avg_ms, cooldown_ms,
                 sr_va, moves_per_day=4, lead_ms=2000):
        self.n_ops = n_ops
        self.state = MONITOR
        self.ui_m = 0
        self._ui_max_m = ui_max_m
        self._target_m = ui_max_m - hyst_m
        self._hold_ms = hold_ms
        self._win_ms = ub_win_ms
        self._retries = retries
        self._avg_ms = avg_ms
        self._cooldown_ms = cooldown_ms
        self._sr_va = sr_va
        self._lead_ms = lead_ms
        self._moves_per_day = moves_per_day
        self._out = []
        self._planner = None
        self._begin()

    def _begin(self):
        self._since_ms = -1  # ARMED: above the limit since; -1: not. VERIFY: all answered since
        self._end_ms = 0     # of the present window, wait or cooldown
        self._tried = 0
        self._replans = 0
        self._reps = {}      # op: (ph, s_va, p_w, q_var, movable)
        self._open = {}      # op: (from, to), ordered and not yet answered
        self._moves = []     # (op, from, to) done
        self._e = ev.E_OK    # of the last move that failed
        self._ui0_m = 0

    def on_rep(self, op, ph, s_va, p_w, q_var, sw, nops):
        """An ub.rep. sw: can be moved; nops: moves made today."""
        if self.state == QUERY:
            self._reps[op] = (ph, s_va, p_w, q_var, bool(sw) and nops < self._moves_per_day)

    def on_phs_ack(self, op, ph, e):
        """A phs.ack: e == 0 means proven on phase ph."""
        if op not in self._open or self.state not in (COMMAND, VERIFY):
            return
        was, to = self._open.pop(op)
        if e == ev.E_OK and ph == to:
            self._moves.append((op, was, to))
            self._settle(op, to)
        else:
            self._fix(op, e or ev.E_NOT_VERIFIED)

    def rest_ms(self, now_ms):
        """Until step() has something to do, if nobody answers and the averages stay."""
        state = self.state
        if state == MONITOR or state == ARMED and self._since_ms < 0:
            return FOREVER_MS
        if state == ARMED:
            return self._since_ms + self._hold_ms - now_ms
        if state == VERIFY and self._since_ms >= 0:
            return self._since_ms + self._avg_ms - now_ms
        if self._out or state == PLAN or state == VERIFY and not self._open:
            return 0
        return self._end_ms - now_ms

    def step(self, now_ms, s_va3, enabled, idle, p_w3=None, q_var3=None, fresh=True):
        """Actions due. s_va3 (p_w3, q_var3): averages at the post; fresh: others than last time;
        idle: everybody reconnected, supply normal. Averages go on while not enabled, so that
        enabling finds them true."""
        if fresh:
            self.ui_m = ui_m(s_va3, self._sr_va)
        state = self.state
        if state == COOLDOWN:
            if now_ms >= self._end_ms:
                self.state = MONITOR
        elif not (enabled and idle):
            if state >= QUERY:
                self._abort(now_ms, ABORT_IDLE)
            else:
                self.state = MONITOR
        elif state <= ARMED:
            self._watch(now_ms)
        elif state == QUERY:
            self._query(now_ms, s_va3, p_w3, q_var3)
        elif state == PLAN:
            self._plan(now_ms, self._planner.step)
        elif state == COMMAND:
            if now_ms >= self._end_ms:
                self.state = VERIFY
                self._end_ms = now_ms + _ACK_MS * max(len(self._open), 1)
        else:
            self._verify(now_ms)
        out = self._out
        if out:
            self._out = []
        return out

    def _watch(self, now_ms):
        if self.ui_m > self._ui_max_m:
            if self.state == MONITOR:
                self._begin()
                self.state = ARMED
            if self._since_ms < 0:
                self._since_ms = now_ms
            elif now_ms - self._since_ms >= self._hold_ms:
                self.state = QUERY
                self._since_ms = -1
                self._end_ms = now_ms + self._win_ms
                self._out.append((B_QUERY,))
        else:
            self._since_ms = -1
            if self.ui_m < self._target_m:
                self.state = MONITOR

    def _query(self, now_ms, s_va3, p_w3, q_var3):
        if now_ms < self._end_ms:
            return
        missing = [op for op in range(self.n_ops) if op not in self._reps]
        if missing and self._tried < self._retries:
            self._tried += 1
            self._end_ms = now_ms + self._win_ms
            for op in missing:
                self._out.append((B_ASK, op))
            return
        self._ui0_m = self.ui_m
        self._post = [list(s_va3), p_w3 and list(p_w3), q_var3 and list(q_var3)]
        self._plan(now_ms, self._load)

    def _plan(self, now_ms, work):
        """A portion of the planning; where there is no room for it, nobody is moved."""
        try:
            done = work()
        except MemoryError:
            self._abort(now_ms, ABORT_MEMORY)
        else:
            if done:
                self._command(now_ms)

    def _load(self):
        """Makes the planner, whose 3 KB are on a board only until there is a plan."""
        from acu.functions.planner import Planner
        ops = []
        for op in sorted(self._reps):
            ph, s, p, q, movable = self._reps[op]
            ops.append((op, ph, s, p, q, movable))
        s, p, q = self._post
        self._planner = Planner(ops, self.n_ops, s, self._sr_va, self._target_m, p, q)
        self.state = PLAN

    def _command(self, now_ms):
        planner = self._planner
        self._drop_planner()
        if planner.moves:
            self._out.append((B_PLAN, len(planner.moves), planner.ui0_m, planner.ui1_m))
            for op, was, to in planner.moves:
                self._open[op] = (was, to)
                self._out.append((B_MOVE, op, was, to))
            self.state = COMMAND
            self._end_ms = now_ms + self._lead_ms
        elif self._moves:     # a second plan found nothing better than what is done
            self._await_average(now_ms)
        elif self._e:
            self._finish(now_ms, False)
        else:
            self._abort(now_ms, ABORT_FEW if planner.why == PLAN_FEW else ABORT_GAIN)

    def _verify(self, now_ms):
        if self._since_ms >= 0:
            if now_ms - self._since_ms >= self._avg_ms:
                worse = self.ui_m > self._ui0_m
                if worse:
                    self._e = ev.E_NOT_VERIFIED
                    for op, was, to in self._moves:
                        self._out.append((B_BACK, op, to, was))
                self._finish(now_ms, not worse, _WORSE if worse else 1)
            return
        if self._open and now_ms < self._end_ms:
            return
        for op in self._open:
            self._fix(op, ev.E_UNKNOWN)
        self._open = {}
        if self._e and not self._replans:
            self._replans = 1
            self._plan(now_ms, self._load)
        elif self._moves:
            self._await_average(now_ms)
        else:
            self._finish(now_ms, False)

    def _await_average(self, now_ms):
        self.state = VERIFY
        self._since_ms = now_ms + _SETTLE_MS

    def _finish(self, now_ms, ok, cooldowns=1):
        self._out.append((B_RESULT, self._ui0_m, self.ui_m, self._moves, int(ok), self._e))
        self._cool(now_ms, cooldowns)

    def _abort(self, now_ms, why):
        self._out.append((B_ABORT, why))
        if self._moves or self._open:
            self._e = ev.E_BUSY
            self._finish(now_ms, False)
        elif why == ABORT_IDLE:
            self.state = MONITOR
            self._drop_planner()
        else:
            self._cool(now_ms, 1)

    def _cool(self, now_ms, times):
        self.state = COOLDOWN
        self._end_ms = now_ms + self._cooldown_ms * times
        self._drop_planner()

    def _drop_planner(self):
        self._planner = None
        forget(_PLANNER)

    def _fix(self, op, e):
        """Stays where it is, in this plan and the next."""
        self._e = e
        self._reps[op] = self._reps[op][:4] + (False,)

    def _settle(self, op, to):
        """Its load is on another phase now: the averages of the post, taken before, follow it."""
        rep = self._reps[op]
        for k in range(3):
            if self._post[k]:
                self._post[k][rep[0]] -= rep[k + 1]
                self._post[k][to] += rep[k + 1]
        self._reps[op] = (to,) + rep[1:]
