"""F1: telemetry cycle and sum check of a circuit (spec smartlvgrid, section 8).

Runs in the slow tier of a Coordinator. Says when to ask whom and when to compose the `tele`; the
role asks, keeps the values, sends, and stores what cannot be sent. A value of an earlier cycle is
never counted: the role passes on_meas() only answers to the present request.
"""
from micropython import const

# States.
IDLE = const(0)
COLLECT = const(1)
RETRY = const(2)

# Actions of step(): tuples that begin with one of these.
T_REQ_ALL = const(0)  # broadcast meas.req
T_REQ = const(1)      # op: ask again, alone
T_COMPOSE = const(2)  # n_ok

_RETRY_MS = const(1000)  # longest window of a retry: no slots are needed then


class Telemetry:
    """got[op] is 1 when op has answered in the present (or, when IDLE, the last) cycle."""

    def __init__(self, n_ops, t_tele_ms, win_ms, retries):
        self.state = IDLE
        self.got = bytearray(n_ops)
        self._t_tele_ms = t_tele_ms
        self._win_ms = win_ms
        self._retries = retries
        self._tried = 0
        self._next_ms = -1     # start of the next periodic cycle; -1: not yet known
        self._end_ms = 0       # of the present window
        self._pending = False

    def trigger(self):
        """A cycle at once; after the present one if one is running."""
        self._pending = True

    def on_meas(self, op):
        if self.state != IDLE:
            self.got[op] = 1

    def rest_ms(self, now_ms):
        """Until step() has something to do, if nobody answers."""
        if self.state == IDLE:
            return 0 if self._pending else self._next_ms - now_ms
        return self._end_ms - now_ms if sum(self.got) < len(self.got) else 0

    def step(self, now_ms):
        """Actions due."""
        if self._next_ms < 0:
            self._next_ms = now_ms + self._t_tele_ms
        if self.state == IDLE:
            due = now_ms >= self._next_ms
            if not due and not self._pending:
                return ()
            while self._next_ms <= now_ms:
                self._next_ms += self._t_tele_ms
            self._pending = False
            self._tried = 0
            for op in range(len(self.got)):
                self.got[op] = 0
            self.state = COLLECT
            self._end_ms = now_ms + self._win_ms
            return ((T_REQ_ALL,),)
        n_ok = sum(self.got)
        if n_ok < len(self.got):
            if now_ms < self._end_ms:
                return ()
            if self._tried < self._retries:
                self._tried += 1
                self.state = RETRY
                self._end_ms = now_ms + min(self._win_ms, _RETRY_MS)
                return [(T_REQ, op) for op in range(len(self.got)) if not self.got[op]]
        self.state = IDLE
        return ((T_COMPOSE, n_ok),)


class SumCheck:
    """Power at the post against the sum of its customers: losses, unmetered load or theft."""

    def __init__(self, sr_va, limit_pct=15, cycles=3):
        self._sr_va = sr_va
        self._limit_pct = limit_pct
        self._cycles = cycles
        self._off = 0  # complete cycles off in a row

    def step(self, tp_p_w, tp_q_var, sum_p_w, sum_q_var, s_tp_va):
        """One cycle in which everybody answered. True once, until it has been in order again."""
        if s_tp_va * 20 < self._sr_va:
            return False  # below 5 % of the rating measurement errors rule: no verdict
        off = max(abs(tp_p_w - sum_p_w), abs(tp_q_var - sum_q_var))
        if off * 100 <= self._limit_pct * s_tp_va:
            self._off = 0
            return False
        self._off += 1
        return self._off == self._cycles
