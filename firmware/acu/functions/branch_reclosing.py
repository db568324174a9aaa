"""Automatic reclosing of a branch (ANSI 79): after a trip, open for a dead time, then try again.
That of a recloser, which asks a synchronism check, is reclosing.py.

Runs in the fast tier, once a tick. Says when to ask the gate for the closing and when to lock out;
switches nothing itself. Only a trip of the local rule starts it. Nothing recloses after an opening
by order, a tag, a closing by hand or by order onto a fault, or a reset. Allocates nothing.
"""
from micropython import const

# States.
READY = const(0)      # closed, or not concerned
DEAD = const(1)       # opened by the local rule; the dead time runs, then the supply is awaited
CLOSING = const(2)    # the gate has driven it; the mirror contact must follow
RECLAIM = const(3)    # closed again: a trip now counts as the same fault
OFF = const(4)        # open for good

# Answers.
NOTHING = const(0)
CLOSE = const(1)      # ask the gate now, tell asked() what it said
MADE = const(2)       # proven closed
LOCK = const(3)       # lock out
RECLAIMED = const(4)  # the fault is gone: next time all shots are there again

_PROVE_US = const(150_000)        # a contact that has not moved by then is stuck
_WAIT_US = const(60_000_000)      # so long is a healthy supply awaited after the dead time
_HAND_US = const(50_000)          # closed so long in the dead time: somebody else did it
_FRESH_US = const(200_000)        # a fault that was closed onto has shown itself by then


class Reclosing:
    """shots 0..3; t_dead_ms 500..60_000; t_reclaim_ms 1_000..500_000."""

    def __init__(self, shots, t_dead_ms, t_reclaim_ms):
        self._shots = shots
        self._t_dead_us = t_dead_ms * 1000
        self._t_reclaim_us = t_reclaim_ms * 1000
        self.state = READY
        self.shot = 0           # closings since the first trip
        self._hand = False      # closed by order: a trip now means that the fault was there
        self._t_us = 0          # in this state
        self._shut_us = -1      # in DEAD: for how long closed again; -1: not yet seen open

    def _to(self, state):
        self.state = state
        self._t_us = 0

    def running(self):
        """A sequence is under way: it opened by itself and has not yet been closed for good."""
        return self.state in (DEAD, CLOSING) or self.state == RECLAIM and self.shot > 0

    def fresh(self):
        """Just closed: what it was closed onto is not yet known."""
        return self.state == CLOSING or self.state == RECLAIM and self._t_us < _FRESH_US

    def trip(self):
        """The local rule has opened. LOCK if that was the last time, else NOTHING."""
        again = self.state == DEAD and self._shut_us >= 0      # somebody has closed meanwhile
        if again or self.state == OFF or self._hand or self.shot >= self._shots:
            self._to(OFF)
            return LOCK
        self._to(DEAD)
        self._shut_us = -1
        return NOTHING

    def by_hand(self):
        """Closed by order, or by somebody at the lever."""
        self._hand = True
        self.shot = 0
        self._to(RECLAIM)

    def stop(self):
        """Open for good, whatever was under way: an order, a tag, a lock-out."""
        self._hand = False
        self.shot = 0
        self._to(OFF)

    def step(self, us, closed, driving):
        """One tick, us after the last one. closed: the mirror contact; driving: a coil is."""
        state = self.state
        if state == READY:
            return NOTHING
        if state == OFF:
            if closed and not driving:
                self.by_hand()
            return NOTHING
        if self._t_us < 0x20000000:
            self._t_us += us
        if state == DEAD:
            if not closed:
                self._shut_us = 0
            elif self._shut_us >= 0:
                self._shut_us += us
                if self._shut_us >= _HAND_US and not driving:
                    self.by_hand()
                return NOTHING
            if self._t_us >= self._t_dead_us:
                return CLOSE
        elif state == CLOSING:
            if closed:
                self._to(RECLAIM)
                return MADE
            if self._t_us >= _PROVE_US:
                self._to(OFF)
                return LOCK
        elif self._t_us >= self._t_reclaim_us:
            self._hand = False
            self.shot = 0
            self._to(READY)
            return RECLAIMED
        return NOTHING

    def asked(self, driven, wait):
        """What the gate said to CLOSE. wait: refused for the supply only, which may come back."""
        if driven:
            self.shot += 1
            self._to(CLOSING)
        elif not wait or self._t_us >= self._t_dead_us + _WAIT_US:
            self._to(OFF)
            return LOCK
        return NOTHING
