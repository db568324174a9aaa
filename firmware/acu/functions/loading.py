"""F3: loading control, the ordered reconnection after an outage (spec smartlvgrid, section 10).

Runs in the slow tier of a Coordinator. Takes the answers of the outage detector and what Operators
(index 0..n-1) say about themselves, returns actions that the role turns into messages and records.
Closes only customers that are open because of an outage; never one that the centre, a lock or a
local rule has opened, never two within t_slot, never without a select.
"""
from array import array

from micropython import const

from acu import events as ev
from acu.functions import outage as f2

# States. Numbers appear in records: never re-use one.
CONNECTED = const(0)
SHED = const(1)   # opening asked, acknowledgements awaited
WAIT = const(2)   # supply lost
DELAY = const(3)  # supply back, t_base runs
RECON = const(4)  # one Operator a slot

# Actions of step(): tuples that begin with one of these.
A_SHED = const(0)      # broadcast the opening
A_ASK_OPEN = const(1)  # op: ask again, alone
A_SHED_END = const(2)  # n_open, n_unknown
A_DELAY = const(3)     # n to reconnect
A_SELECT = const(4)    # op
A_CLOSE = const(5)     # op
A_CLOSED = const(6)    # op: proven
A_HOLD = const(7)      # why: E_LIMIT weak or loaded post, E_NO_VOLTAGE phases of those left
A_FAIL = const(8)      # op, e: alarm; unless e is E_NOT_VERIFIED it is tried again every minute
A_END = const(9)       # n_on, n_off

UNKNOWN = const(-1)    # of a contact, of a phase
ABC = const(3)         # phase of a three-phase user; single-phase: 0, 1, 2

_SELECT_MS = const(500)
_SELECTS = const(2)
_CLOSE_MS = const(1000)   # an acknowledged closing includes its verification by voltage
_SLOW_MS = const(60_000)  # between attempts with those that failed twice
_POLL_MS = const(100)     # between looks while held

# Bits of _fl.
_TODO = const(1)    # open because of an outage, so ours to close
_SCC = const(2)     # opened by the centre
_STUCK = const(4)   # its contact did not move: no group retry
_HEARD = const(8)   # has said something since we started
_BARRED = const(16)  # its branch is open or silent: not to be selected in vain

# _tries of an Operator: attempts failed; from _LATE on its alarm has been given.
_LATE = const(2)
_LATE_DONE = const(3)


class LoadingControl:
    """on[op]: 1, 0, UNKNOWN as last proven; why[op]: of its last opening; ph[op]: its phase."""

    def __init__(self, t_base_ms, t_slot_ms, ack_ms=2000, retries=2, hold_max_ms=60_000,
                 part_ms=60_000):
        self._t_base_ms = t_base_ms
        self._t_slot_ms = t_slot_ms
        self._ack_ms = ack_ms
        self._retries = retries
        self._hold_max_ms = hold_max_ms
        self._part_ms = part_ms
        self._out = []
        self.configure(())
        self.start(0)

    def configure(self, ops):
        """ops: (prio, id, jitter_ms) of each Operator in index order. Forgets what was known."""
        n = len(ops)
        self._order = sorted(range(n), key=lambda op: ops[op][:2])
        self._jitter_ms = [op[2] for op in ops]
        self.on = array("b", [UNKNOWN] * n)
        self.ph = array("b", [UNKNOWN] * n)
        self.why = bytearray(n)
        self._fl = bytearray(n)
        self._tries = bytearray(n)

    def start(self, now_ms):
        """Supply taken as normal; heart beats will tell who was left open by an outage."""
        self.state = CONNECTED
        self._next_ms = now_ms  # of the next action of this state: ask again, slot, slow attempt
        self._hold_ms = -1      # since when slots are held; -1: not
        self._part_at_ms = -1   # some phases are back: when their users are reconnected; -1: no
        self._phases = 7        # those that have been in band since then
        self._asked = 0         # rounds of A_ASK_OPEN
        self._normal = True     # no phase reported lost
        self._look = False      # somebody has become ours to close, or is closed: see who is left
        self._op = -1           # being selected and closed
        self._sent = 0          # selects sent to it; _SELECTS + 1: closing sent
        self._end_ms = 0        # of the wait for its answer

    def resume(self):
        """After start(), in an outage that is not over: nobody is reconnected before its end."""
        self._normal = False
        self.state = WAIT

    def idle(self):
        """Supply whole, queue empty: phases may be changed, also during the slow attempts."""
        return self.state == CONNECTED and self._normal

    def counts(self):
        """(n_on, n_open, n_unknown)"""
        n = [0, 0, 0]
        for on in self.on:
            n[1 - on] += 1
        return tuple(n)

    def on_outage(self, now_ms, answer):
        """What the outage detector has just said."""
        if answer == f2.LOST or answer == f2.FELL:
            self._part_at_ms = -1
            self._normal = False
            if self.state != SHED and self.state != WAIT:
                self._shed(now_ms)
        elif answer == f2.PART:
            self._normal = False
            if self.state in (SHED, WAIT) and self._part_at_ms < 0:
                self._watch_phases(now_ms)
        elif answer == f2.RESTORED or answer == f2.PART_END:
            self._normal = True
            for op in self._order:
                self._tries[op] = 0
            if answer == f2.RESTORED:
                if self.state == SHED:
                    self._shed_end()
                self._part_at_ms = -1
                self._delay(now_ms)
            self._look = True

    def on_scc(self, op, opened):
        """The centre opened this user, who stays open, or gives him (and any lock-out) free."""
        if opened:
            self._fl[op] |= _SCC
        else:
            self._fl[op] &= ~(_SCC | _STUCK)
            self._tries[op] = 0
            self._look = True

    def bar(self, now_ms, op, barred):
        """The branch of this user is open or silent; or it is back, and he is ours again."""
        if barred:
            self._fl[op] |= _BARRED
            if op == self._op:
                self.on[op] = UNKNOWN
                self._free(now_ms)
        elif self._fl[op] & _BARRED:
            self._fl[op] &= ~_BARRED
            self._tries[op] = 0
            self._look = True

    def on_hb(self, now_ms, op, on, why, ph):
        """A heart beat (or `hello`): position now, reason of the last opening, phase."""
        self.ph[op] = ph
        self._fl[op] |= _HEARD
        self.on[op] = on
        if on:
            self._proven(now_ms, op)
            return
        self.why[op] = why
        if why == ev.WHY_OUT:
            self._fl[op] |= _TODO
            self._look = True
        elif why == ev.WHY_SCC:
            self.on_scc(op, True)
        elif why != ev.WHY_RESET and why != ev.WHY_NONE:
            # WHY_RESET says nothing: it is ours only if it was open because of the outage before
            self._fl[op] &= ~_TODO

    def on_ack(self, now_ms, op, on, sel, e):
        """A sw.ack. on: position now by feedback, no echo of the request; sel: of a select."""
        self._fl[op] |= _HEARD
        self.on[op] = on
        if self.state == SHED:
            if on and e == ev.E_NOT_VERIFIED:
                self._stuck(op, e)
        elif on:
            self._proven(now_ms, op)
        elif op == self._op and sel and self._sent <= _SELECTS:
            if e:
                self._missed(now_ms, e)
            elif not self._ours(op):  # the centre or a local rule was faster
                self._free(now_ms)
            else:
                self._sent = _SELECTS + 1
                self._end_ms = now_ms + _CLOSE_MS
                self._out.append((A_CLOSE, op))
        elif op == self._op and not sel and self._sent > _SELECTS:
            if e == ev.E_NOT_VERIFIED:
                self._stuck(op, e)
                self._free(now_ms)
            else:
                self._missed(now_ms, e)

    def rest_ms(self, now_ms):
        """Until step() has something to do, in a whole supply and if nobody answers."""
        if self._out or self._look or not self._normal or self.state in (SHED, WAIT):
            return 0
        if self._op >= 0:       # before its select the supply is looked at all the time
            return self._end_ms - now_ms if self._sent else 0
        return self._next_ms - now_ms

    def step(self, now_ms, supply_ok, phase_ok):
        """Actions due, in order. phase_ok: mask of the phases in band; supply_ok: on these
        current < 90 % of rating and U >= 0.92 Un."""
        state = self.state
        if self._part_at_ms >= 0:
            self._phases &= phase_ok
            phase_ok = self._phases
        if state == SHED:
            self._step_shed(now_ms)
        elif state == WAIT:
            if 0 <= self._part_at_ms <= now_ms:
                # all three in band: RESTORED is near, and brings everybody back
                if phase_ok != 7 and self._pick(phase_ok, _LATE) >= 0:
                    self.state = RECON
                    self._next_ms = now_ms
                else:
                    self._watch_phases(now_ms)
        elif self._op >= 0:
            if self._sent == 0 and not supply_ok:
                self._op = -1  # the supply became weak during the jitter
            else:
                self._wait_for(now_ms)
        elif state == CONNECTED:
            self._step_connected(now_ms, supply_ok, phase_ok)
        elif self._look and state == RECON:
            self._look = False
            if self._pick(7 if self._part_at_ms < 0 else phase_ok, _LATE) < 0:
                self._finish(now_ms)
        elif now_ms >= self._next_ms:
            self.state = RECON
            self._slot(now_ms, supply_ok, phase_ok)
        out = self._out
        if out:
            self._out = []
        return out

    def _shed(self, now_ms):
        for op in self._order:
            if self.on[op] and self._fl[op] & _HEARD and not self._fl[op] & _SCC:
                self._fl[op] |= _TODO
            self._tries[op] = 0
        self._drop()
        self._asked = 0
        self._next_ms = now_ms + self._ack_ms
        self.state = SHED
        self._out = [(A_SHED,)]  # whatever was to be closed is not any more

    def _step_shed(self, now_ms):
        left = [op for op in self._order if self.on[op] and not self._fl[op] & _STUCK]
        if not left or now_ms >= self._next_ms and self._asked >= self._retries:
            self._shed_end()
        elif now_ms >= self._next_ms:
            self._asked += 1
            self._next_ms = now_ms + self._ack_ms
            for op in left:
                self._out.append((A_ASK_OPEN, op))

    def _shed_end(self):
        for op in self._order:
            if self.on[op]:
                self.on[op] = UNKNOWN
        self.state = WAIT
        n = self.counts()
        self._out.append((A_SHED_END, n[1], n[2]))

    def _drop(self):
        """The present exchange is over, whatever becomes of a closing on its way."""
        if self._op >= 0:
            self.on[self._op] = UNKNOWN
        self._op = -1
        self._hold_ms = -1

    def _watch_phases(self, now_ms):
        self._part_at_ms = now_ms + self._part_ms
        self._phases = 7

    def _delay(self, now_ms):
        self._drop()
        self.state = DELAY
        self._next_ms = now_ms + self._t_base_ms
        n = 0
        for op in self._order:
            n += self._ours(op)
        self._out.append((A_DELAY, n))

    def _step_connected(self, now_ms, supply_ok, phase_ok):
        if self._look:
            self._look = False
            if self._normal and self._pick(7, _LATE) >= 0:
                self._delay(now_ms)
                return
        if now_ms < self._next_ms:
            return
        op = self._pick(phase_ok, _LATE_DONE) if supply_ok else -1
        if op >= 0:
            self._select(now_ms, op)
            return
        self._next_ms = now_ms + _SLOW_MS
        for op in self._order:
            if self._tries[op] == _LATE_DONE:
                self._tries[op] = _LATE

    def _slot(self, now_ms, supply_ok, phase_ok):
        op = self._pick(phase_ok, _LATE)
        partial = self._part_at_ms >= 0
        if op < 0 and (partial or self._pick(7, _LATE) < 0):
            self._finish(now_ms)
        elif op < 0 or not supply_ok:
            self._next_ms = now_ms + _POLL_MS
            if self._hold_ms < 0:
                self._hold_ms = now_ms
                self._out.append((A_HOLD, ev.E_NO_VOLTAGE if op < 0 else ev.E_LIMIT))
            elif now_ms - self._hold_ms >= self._hold_max_ms:
                e = ev.E_NO_VOLTAGE if op < 0 else ev.E_LIMIT
                phases = phase_ok if partial else 7
                while True:
                    op = self._pick(phases, _LATE)
                    if op < 0:
                        break
                    self._tries[op] = _LATE
                    self._out.append((A_FAIL, op, e))
                self._finish(now_ms)
        else:
            self._hold_ms = -1
            self._select(now_ms, op)

    def _finish(self, now_ms):
        n = self.counts()
        self._out.append((A_END, n[0], n[1] + n[2]))
        self._hold_ms = -1
        self.state = CONNECTED
        self._next_ms = now_ms + _SLOW_MS
        if self._part_at_ms >= 0:
            self.state = WAIT
            self._watch_phases(now_ms)

    def _ours(self, op):
        return self._fl[op] & (_TODO | _SCC | _STUCK | _BARRED) == _TODO and self.on[op] != 1

    def _pick(self, phases, limit):
        """First with the fewest failed attempts, below limit, its phases in the mask; or -1."""
        best = -1
        for op in self._order:
            if self._tries[op] < limit and self._ours(op):
                ph = self.ph[op]
                # part of the supply is enough only for a user known to be on it
                need = 1 << ph if 0 <= ph < ABC else 7
                if need & ~phases == 0:
                    best, limit = op, self._tries[op]
        return best

    def _select(self, now_ms, op):
        self._op = op
        self._sent = 0
        self._end_ms = now_ms + self._jitter_ms[op]
        self._wait_for(now_ms)

    def _wait_for(self, now_ms):
        """The time of the jitter, select or closing is over: once more, or the next one."""
        if now_ms < self._end_ms:
            return
        if self._sent < _SELECTS:
            self._sent += 1
            self._end_ms = now_ms + _SELECT_MS
            self._out.append((A_SELECT, self._op))
        else:
            self.on[self._op] = UNKNOWN
            self._missed(now_ms, ev.E_UNKNOWN)

    def _missed(self, now_ms, e):
        op = self._op
        self._tries[op] += 1
        if self._tries[op] == _LATE:
            self._out.append((A_FAIL, op, e))
        self._free(now_ms)

    def _free(self, now_ms):
        """Next slot. Without a closing on its way nobody has to wait for it."""
        self._next_ms = now_ms + (self._t_slot_ms if self._sent > _SELECTS else 0)
        self._op = -1

    def _stuck(self, op, e):
        self._fl[op] |= _STUCK
        self._out.append((A_FAIL, op, e))

    def _proven(self, now_ms, op):
        """It says that it is closed. In an outage this only means that it has not opened yet."""
        if self.state == SHED or self.state == WAIT:
            return
        todo = self._fl[op] & _TODO
        if op == self._op or todo and self._sent <= _SELECTS:
            self._op = -1  # a late proof of another: its slot begins now, select again after it
        if todo:
            self._look = True
            self._out.append((A_CLOSED, op))
            self._next_ms = max(self._next_ms, now_ms + self._t_slot_ms)
        self._fl[op] &= ~(_TODO | _SCC)
        self._tries[op] = 0
