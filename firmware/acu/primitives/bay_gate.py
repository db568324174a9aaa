"""The one gate of a recloser: a breaker between two live nets (design, section 7).

What the gate of switching.py refuses, and besides: a breaker whose contacts do not say open, one
that could not trip again, a closing by message while the switch stands on local, a hot-line tag,
and any closing that the synchronism check has not ordered in this very tick. There is no way
round the check: close() asks it at the moment of driving, whoever asks for the closing. Runs in
the fast tier: no allocation.
"""
from micropython import const

from acu.dsp.bay import AGE, BAD
from acu.primitives.switching import R_CONTACT, R_LOCKED, R_MEASURE, R_OK, R_UNARMED, Gate

# More reasons, after those of switching.py.
R_SYNC = const(7)        # the synchronism check has not ordered it: its reasons say why
R_STORED = const(8)      # spring not charged, trip circuit broken or battery not in order
R_TAG = const(9)         # a hot-line tag hangs
R_LOCAL = const(10)      # asked for by message, and the switch stands on local
R_POSITION = const(11)   # 52a and 52b contradict each other
_STALE_MS = const(40)

# Inputs of board kind recloser, in the order of board.json.
IN_52A = const(0)
IN_52B = const(1)
IN_SPRING = const(2)
IN_TRIP = const(3)
IN_BATTERY = const(4)
IN_REMOTE = const(5)
IN_TAG = const(6)
INPUTS = ("closed_52a", "open_52b", "spring", "trip_coil", "battery", "remote", "hot_line_tag")


class BayGate(Gate):
    """One output. check: functions/synccheck.py; q: dsp/bay.py."""

    def __init__(self, switchgear, check, q):
        super().__init__(switchgear, 1, None)
        self._check = check
        self._q = q
        self.remote = False      # what is being asked for came by message

    def mask(self):
        """0: proven open by both contacts, else 1."""
        gear = self._gear
        return 0 if gear.feedback(IN_52B) and not gear.feedback(IN_52A) else 1

    def closed(self):
        """Proven closed by both contacts."""
        gear = self._gear
        return gear.feedback(IN_52A) and not gear.feedback(IN_52B)

    def position(self):
        """1 closed, 0 open, -1 where the contacts do not agree."""
        gear = self._gear
        a = gear.feedback(IN_52A)
        return -1 if a == gear.feedback(IN_52B) else 1 if a else 0

    def supply_ok(self, k):
        """Asked by the proof of a closing that failed: between two nets a dead side explains
        nothing."""
        return True

    def may_close(self, k):
        """All that a closing needs but for the synchronism: R_OK or the reason."""
        if not self.armed:
            return R_UNARMED
        if self.locked:
            return R_LOCKED
        gear = self._gear
        if gear.feedback(IN_TAG):
            return R_TAG
        if self.remote and not gear.feedback(IN_REMOTE):
            return R_LOCAL
        if gear.feedback(IN_52A) == gear.feedback(IN_52B):
            return R_POSITION
        if self.mask() or self._closing[0] and self._pulse[0]:
            return R_CONTACT
        if not (gear.feedback(IN_SPRING) and gear.feedback(IN_TRIP) and gear.feedback(IN_BATTERY)):
            return R_STORED
        if self._q[BAD] or self._q[AGE] > _STALE_MS:
            return R_MEASURE
        return R_OK

    def close(self, k):
        """Drives the breaker closed if everything is true and the check orders it in this tick."""
        if self._check.may_close():
            return super().close(k)
        return self.may_close(k) or R_SYNC
