"""Automatic reclosing of a recloser (ANSI 79): up to five shots, each with its dead time.

Runs in the fast tier, once a tick, and allocates nothing. Says when to ask the synchronism check
for a closing and when to lock out; it closes nothing, and nothing here goes round the check or the
gate: what they refuse is not closed. The role (auto_recloser.py) feeds it the position by both
contacts, what trips, what the gate says and what has become of the request. Only a trip of chosen
elements starts it; one close order a shot; every end but a good one is a lock-out with its cause.

The 79 of a branch (branch_reclosing.py) is another one: it has no check, asks the gate each tick
and reads from its refusal whether the supply may still come, in a third of the lines.
"""
from array import array

from micropython import const

from acu.primitives import bay_gate as bg
from acu.primitives import switching as sw

# States. Numbers are told: never re-use one.
READY = const(0)     # closed, all shots are there
OPENING = const(1)   # tripped: the breaker must open
DEAD = const(2)      # proven open, the dead time runs
WAITING = const(3)   # dead time over: for the line, for the gate, then for the check's moment
CLOSING = const(4)   # the one close order of this shot is out
RECLAIM = const(5)   # closed again: a trip now belongs to the same fault
OPEN = const(6)      # opened on purpose, or found open: waits for a closing by hand
LOCKED = const(7)    # somebody has to look

# Answers.
NOTHING = const(0)
ASK = const(1)       # request the closing of the check, once
MADE = const(2)      # proven closed
RECLAIMED = const(3)  # the fault is gone: next time all shots are there again
LOCK = const(4)      # lock out; `cause` and `detail` say why

# Causes of a lock-out. Numbers stand in records and events: never re-use one.
SHOTS = const(1)     # all used
SYNC = const(2)      # no synchronism before the end of the wait; detail: reasons of the check
NOT_CLOSED = const(3)
DISCRIMINATION = const(4)   # trip in the discrimination time, or before the closing was proven
FREQUENT = const(5)  # too many closings in a time
NOT_OPENED = const(6)       # the trip has been too long
BY_HAND = const(7)   # somebody closes, or asks for it, in the sequence
OPENED = const(8)    # open at the end of the reclaim time
TRIPPING = const(9)  # something still trips at the end of the dead time; detail: elements
LINE = const(10)     # not dead in time
INHIBIT = const(11)  # tag, lock, order to open, trip of an element that starts nothing
RESET = const(12)    # supply or controller lost in the sequence, or trip just after a start
STORED = const(13)   # spring, trip circuit or battery not ready in time
CONTACTS = const(14)  # they contradict each other
ON_FAULT = const(15)  # trip after a closing by hand
MEASURE = const(16)  # measurements not to be believed, in time

_ODD_US = const(150_000)    # contacts between two positions, or closed by somebody, at most
_FRESH_US = const(200_000)  # a fault that was closed onto has shown itself by then
_TICK_US = const(5_000)
_MOST_US = const(0x20000000)

# Places of counts.
TRIPS = const(0)
SHOT = const(1)      # closings as first, second .. shot
GOOD = const(6)      # and those after which the fault was gone
LOCKS = const(11)
NCOUNTS = const(12)


def _cause_of(r):
    """Of what the gate refuses with."""
    if r == bg.R_STORED:
        return STORED
    if r == sw.R_MEASURE:
        return MEASURE
    if r == bg.R_POSITION or r == sw.R_CONTACT:
        return CONTACTS
    return SYNC if r == bg.R_SYNC else INHIBIT


class Reclosing:
    """dead_ms: of each shot, so their number. lead_ms: so long before the end of the dead time the
    check has to begin to look. open_ms, close_ms: the breaker's times at most; ready_ms: so long
    after the dead time its gate may still refuse; wait_ms: line or check; discr_ms: from a close
    order on. freq_n: closings within freq_s at most; 0: any. dead_line: wait for it."""

    def __init__(self, dead_ms, lead_ms, reclaim_ms, open_ms, close_ms, ready_ms, wait_ms,
                 discr_ms, freq_n, freq_s, dead_line):
        self.shots = len(dead_ms)
        self._dead_us = array("i", [ms * 1000 for ms in dead_ms])
        self._lead_us = lead_ms * 1000
        self._reclaim_us = reclaim_ms * 1000
        self._open_us = open_ms * 1000
        self._close_us = close_ms * 1000
        self._ready_us = ready_ms * 1000
        self._wait_us = wait_ms * 1000
        self.wait_ms = wait_ms
        self._discr_us = discr_ms * 1000
        self._freq_n = freq_n
        self._freq_ms = freq_s * 1000
        self._dead_line = dead_line
        self.state = OPEN
        self.shot = 0           # closings since the first trip
        self.cause = 0          # of the last lock-out
        self.detail = 0
        self.asked = False      # in WAITING: the check has the request
        self.counts = array("i", [0] * NCOUNTS)
        self._doom = 0          # cause of a lock-out that a trip now would be; 0: a shot
        self._t_us = 0          # in this state
        self._odd_us = 0
        self._since_us = 0      # the close order
        self._recent = 0        # closings in the frequency window
        self._recent_ms = 0     # its age; the slow tier's

    def _to(self, state):
        self.state = state
        self._t_us = self._odd_us = 0
        self.asked = False

    def lock(self, cause, detail=0):
        self.cause = cause
        self.detail = detail
        self.counts[LOCKS] += 1
        self._to(LOCKED)
        return LOCK

    # -- what the state is, for both tiers

    def running(self):
        """A sequence is under way: it opened by itself and has not yet been closed for good."""
        return OPENING <= self.state <= CLOSING or self.state == RECLAIM and self.shot > 0

    def open_by_itself(self):
        """Opened, and means to close again."""
        return OPENING <= self.state <= WAITING

    def hold(self):
        """The check must not collect a permit yet: it would have to be used at once."""
        return self.state == DEAD and self.left_us() > self._lead_us

    def dead_ms(self, k):
        """Of shot k, from 0."""
        return self._dead_us[k] // 1000

    def left_us(self):
        """Of the time of this state; 0: none runs, or it is over."""
        state = self.state
        if state == DEAD:
            return max(self._dead_us[self.shot] - self._t_us, 0)
        if state == RECLAIM:
            return max(self._reclaim_us - self._t_us, 0)
        return max(self._wait_us - self._t_us, 0) if state == WAITING else 0

    def may_write(self):
        """No order waits or is being carried out, into which a flash erase of 0.4 s would come."""
        state = self.state
        return not (state == OPENING or state == CLOSING or state == WAITING
                    or state == RECLAIM and self._t_us < _FRESH_US)

    # -- what happens

    def start(self, closed, cut, locked):
        """Before the first tick. cut: a sequence was under way, or the breaker is found open that
        was left closed. locked: before the start. Nobody knows what was then: a trip in the first
        reclaim time is the last one."""
        self._doom = RESET
        self._to(RECLAIM if closed else OPEN)
        if cut:
            return self.lock(RESET)
        if locked:
            self._to(LOCKED)
        return NOTHING

    def restore(self):
        """Somebody has looked."""
        self.shot = 0
        self._to(OPEN)

    def trip(self, elements, starts, inhibited):
        """The breaker has just been ordered open by these elements. starts: those that start a
        sequence, and no other one trips with them."""
        state = self.state
        if state == LOCKED:
            return NOTHING
        if state == OPENING:            # one more element, before the breaker is open
            return NOTHING if starts else self.lock(INHIBIT, elements)
        self.counts[TRIPS] += 1
        if state == OPEN:
            return self.lock(ON_FAULT, elements)
        if state == DEAD or state == WAITING:
            return self.lock(BY_HAND, elements)     # open, and something has closed it
        if state == CLOSING or (state == RECLAIM and self.shot
                                and self._since_us < self._discr_us):
            return self.lock(DISCRIMINATION, elements)
        if state == RECLAIM and self._doom:
            return self.lock(self._doom, elements)
        if not starts:
            if state == READY:
                self._to(OPEN)
                return NOTHING
            return self.lock(INHIBIT, elements)
        if inhibited:
            return self.lock(INHIBIT, inhibited)
        if self._freq_n and self._recent >= self._freq_n:
            return self.lock(FREQUENT, self._recent)
        if self.shot >= self.shots:
            return self.lock(SHOTS, elements)
        self._to(OPENING)
        return NOTHING

    def stop(self, detail):
        """Ordered open, tagged or locked: nothing recloses."""
        if self.running():
            return self.lock(INHIBIT, detail)
        if self.state != LOCKED:
            self._to(OPEN)
        return NOTHING

    def step(self, us, position, trips, picked):  # noqa: C901
        """One tick, us after the last one, in every state but WAITING. position: 1 closed, 0 open,
        -1 neither, by both contacts. trips: elements that want it open; picked: picked up."""
        state = self.state
        if state == READY:
            if position == 0:           # neither tripped nor ordered: somebody at the lever
                self._to(OPEN)
            return NOTHING
        if state == RECLAIM and picked:
            us = 0                      # a fault that is there is not over
        if self._t_us < _MOST_US:
            self._t_us += us
            self._since_us += us
        if state == OPENING:
            if position == 0:
                self._to(DEAD)
            elif self._t_us >= self._open_us:
                return self.lock(NOT_OPENED if position > 0 else CONTACTS)
        elif state == DEAD:
            if position:
                self._odd_us += us
                if self._odd_us >= _ODD_US:
                    return self.lock(BY_HAND if position > 0 else CONTACTS)
            else:
                self._odd_us = 0
            if self._t_us + _TICK_US >= self._dead_us[self.shot]:     # the check takes one
                if trips:
                    return self.lock(TRIPPING, trips)
                self._to(WAITING)
        elif state == CLOSING:
            if position > 0:
                self._to(RECLAIM)
                return MADE
            if self._t_us >= self._close_us:
                return self.lock(CONTACTS if position else NOT_CLOSED)
        elif state == RECLAIM:
            if position == 0 and self.shot == 0:
                self._to(OPEN)
            elif self._t_us >= self._reclaim_us:
                return self._reclaimed(position)
        elif state == OPEN and position > 0:
            self._doom = ON_FAULT       # by hand or by order: a trip now means a fault was there
            self.shot = 0
            self._to(RECLAIM)
        return NOTHING

    def _reclaimed(self, position):
        if position <= 0:
            return self.lock(CONTACTS if position else OPENED)
        what = NOTHING
        if self.shot:
            self.counts[GOOD + self.shot - 1] += 1
            what = RECLAIMED
        self._doom = self.shot = 0
        self._to(READY)
        return what

    def wait(self, us, r, dead, pending, reasons):
        """The same in WAITING. r: what the gate refuses now, but for the synchronism; dead: the
        check sees dead sides that may be closed onto; pending: it still has the request; reasons:
        its own."""
        if self._t_us < _MOST_US:
            self._t_us += us
        if r == sw.R_CONTACT or r == bg.R_POSITION:
            self._odd_us += us
            if self._odd_us >= _ODD_US:
                return self.lock(BY_HAND if r == sw.R_CONTACT else CONTACTS)
        elif r and _cause_of(r) == INHIBIT:
            return self.lock(INHIBIT, r)
        else:
            self._odd_us = 0
        if self.asked:
            if not pending or self._t_us >= self._wait_us:
                return self.lock(LINE if self._dead_line else SYNC, reasons)
        elif self._dead_line and not dead:
            if self._t_us >= self._wait_us:
                return self.lock(LINE, reasons)
        elif r:
            if self._t_us >= self._ready_us:
                return self.lock(_cause_of(r), r)
        else:
            self._t_us = 0
            self.asked = True
            return ASK
        return NOTHING

    def ordered(self, r):
        """The check has ordered the closing, and the gate said r."""
        if r:
            return self.lock(_cause_of(r), r)
        self.counts[SHOT + self.shot] += 1
        self.shot += 1
        self._recent += 1
        self._since_us = 0
        self._to(CLOSING)
        return NOTHING

    # -- slow tier

    def slow(self, ms):
        """So much later: how often it closed is counted anew after the window."""
        if self._recent:
            self._recent_ms += ms
            if self._recent_ms >= self._freq_ms:
                self._recent = 0
        if not self._recent:
            self._recent_ms = 0
