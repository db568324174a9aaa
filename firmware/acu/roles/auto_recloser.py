"""Role Recloser with automatic reclosing (ANSI 79): loaded where rc_shots is above 0, else no RAM.

The sequence (functions/reclosing.py) runs in the fast tier, after the protection has tripped. When
a dead time is over it asks the synchronism check, as an order would; the check's close order goes
through the one gate, in recloser.py, and nowhere else. Here: what starts the sequence, what holds
it off, its events, and what survives a power cut. A sequence that a reset has cut is a lock-out.
"""
import struct
from array import array

from micropython import const

from acu import events as ev
from acu.functions import reclosing as rc
from acu.functions import synccheck as sc
from acu.functions.protection import PICKED
from acu.functions.reclosing import Reclosing
from acu.primitives.bay_gate import IN_TAG, R_TAG
from acu.primitives.recording import Record
from acu.primitives.switching import R_LOCKED
from acu.roles.recloser import Recloser
from acu.roles.switched import O_CHECK, O_CLOSE, O_OPEN

_ABC = const(3)
_STORED = "<BBBBiqIIIIIIIIIIII"  # version, running, cause, shot, detail, when, counts
_VERSION = const(1)
_ROOM_US = const(900_000)   # of dead time that two flash erases may take


class AutoRecloser(Recloser):
    def __init__(self, board, cfg, ports):
        self.starts, given = board["more"]     # mask of elements
        self.recl = Reclosing(*given)
        self._cut = False            # by the last reset: a sequence
        self._stepped = False        # in this tick
        self._tripped_by = 0         # elements of a trip in this tick
        self._words = array("b", [0] * (rc.LOCK + 1))      # fast tier's: answers not yet told
        self._stored = False         # what the sequence is now is in the store
        self.locked_utc = 0          # of the last lock-out; 0: none
        super().__init__(board, cfg, ports)

    # -- memory

    def _load_state(self):
        self._last_us = self.clock.ticks_us()
        self._aged_ms = self.clock.now_ms()
        self._recl_record = record = Record(self.store, "recl")
        size = struct.calcsize(_STORED)
        raw = record.load_of(_VERSION, size, size)
        recl = self.recl
        self._cut = record.damaged
        if raw:
            row = struct.unpack(_STORED, raw)
            self._cut = row[1] > 0
            recl.cause, recl.shot, recl.detail, self.locked_utc = row[2:6]
            for k in range(rc.NCOUNTS):
                recl.counts[k] = row[6 + k]
        super()._load_state()
        if recl.start(self.gate.mask() > 0, self._cut, self.gate.locked) == rc.LOCK:
            now_ms = self.clock.now_ms()
            self.log.add(now_ms, ev.ABORTED, 5, ev.WHY_RESET)
            self.log.add(now_ms, ev.RECL_LOCK, recl.cause, recl.shot)
            self._words[rc.LOCK] = 1
        recl.shot = 0

    def _booted(self, mask):
        """The lock is stored with the reason of the opening, not after it."""
        if not mask and self.why == ev.WHY_NONE and self._record.load() is not None:
            self._cut = True        # it was closed when that was stored
        if self._cut:
            self.gate.locked = self.gate.locked or ev.WHY_RESET
        return super()._booted(mask)

    def _save(self):
        """That there is a sequence comes first: a reason of the opening alone would explain it."""
        if self.recl.running() and not self._stored and self.may_write():
            self._put()
        super()._save()

    def _store(self):
        """What the sequence is. After the gate's lock, or a cut in between would forget it."""
        if not self._unsaved and self.may_write():
            self._put()

    def _put(self):
        recl = self.recl
        self._stored = True         # a trip in between makes it untrue
        self._recl_record.save(struct.pack(
            _STORED, _VERSION, int(recl.running()), recl.cause, recl.shot, recl.detail,
            self.locked_utc, *recl.counts))

    # -- fast tier

    def fast(self, now_us):
        self._stepped = False
        super().fast(now_us)
        if self.recl.state and not self._stepped:   # no frames: its times run all the same
            self._step(now_us)

    def _judge(self, now_us):
        super()._judge(now_us)
        # closed, with nothing that trips: most of the time there is nothing to do
        if self.recl.state or self._blocked != 1 or self._tripped_by:
            self._step(now_us)

    def _why_of(self, trips):
        self._tripped_by = trips
        return super()._why_of(trips)

    def _inhibited(self):
        """R_TAG, R_LOCKED, or 0."""
        return (R_TAG if self.gear.feedback(IN_TAG) else R_LOCKED if self.gate.locked else 0)

    def _step(self, now_us):  # noqa: C901
        """One tick of the sequence."""
        self._stepped = True
        recl = self.recl
        us = self.clock.ticks_diff(now_us, self._last_us)
        self._last_us = now_us
        trips = self._tripped_by
        state = recl.state
        if trips:
            self._tripped_by = 0
            what = recl.trip(trips, trips & ~self.starts == 0, self._inhibited())
            self._stored = False
        elif state == rc.WAITING:
            what = self._wait(us, now_us)
        elif state == rc.LOCKED:
            what = rc.NOTHING
            if not self.gate.locked:
                recl.restore()
        elif rc.OPENING <= state <= rc.DEAD and self._inhibited():
            what = recl.lock(rc.INHIBIT, self._inhibited())
        else:
            protection = self.protection
            what = recl.step(us, self.gate.position(), self._trips,
                             protection.state[PICKED] & self.starts)
        if what:
            self._took(what, now_us)
        if recl.state != state:
            self.hold = int(recl.hold())
            if recl.state == rc.OPENING:
                self.log.fast(ev.RECL_TRIP, recl.shot + 1, trips,
                              recl.dead_ms(recl.shot), now_us)
        elif self.hold:
            self.hold = int(recl.hold())

    def _wait(self, us, now_us):
        """The dead time is over. The order may have come in this tick."""
        recl = self.recl
        check = self.check
        st = check.st
        pending = check.waiting()
        if recl.asked and not pending and st[sc.S_RESULT] == sc.ORDERED:
            r = self._order_r
            what = recl.ordered(r)
            if r == 0:
                self.log.fast(ev.RECLOSE, recl.shot, self._own_dv(), 0, now_us)
            return what
        self.gate.remote = False            # nobody's message
        return recl.wait(us, self.gate.may_close(0), st[sc.S_DEAD] & check.par[sc.P_DEAD_MODE],
                         pending, st[sc.S_REASONS])

    def _took(self, what, now_us):
        recl = self.recl
        check = self.check
        if what == rc.ASK:
            self.log.fast(ev.RECL_ASK, recl.shot + 1, check.st[sc.S_REASONS], 0,
                          now_us)
            if not check.request(self._mode, recl.wait_ms):
                what = recl.lock(rc.BY_HAND)        # somebody else's request waits there
        if what == rc.LOCK:
            check.cancel()
            if recl.cause == rc.NOT_CLOSED or recl.cause == rc.CONTACTS:
                self.gate.open_all()                # it must not follow later
            self.gate.locked = self.gate.locked or ev.WHY_RECL
            self.log.fast(ev.RECL_LOCK, recl.cause, recl.shot, recl.detail, now_us)
        if what != rc.ASK:
            self._words[what] = 1
            self._stored = False

    def _carry_out(self, now_us):
        """An order ends the sequence: that to open, and any wish to close it by hand."""
        order = self._order
        recl = self.recl
        what = rc.NOTHING
        if order == O_OPEN:
            what = recl.stop(0)
        elif (order == O_CLOSE or order == O_CHECK) and recl.open_by_itself():
            what = recl.lock(rc.BY_HAND)
        if what:
            self._took(what, now_us)
        super()._carry_out(now_us)

    # -- slow tier

    def may_write(self):
        recl = self.recl
        if not (recl.may_write() and super().may_write()):
            return False
        # open, and time enough; that there is a sequence a reset must know in any case
        return recl.state != rc.DEAD or not self._stored or recl.left_us() > _ROOM_US

    def _operate(self, now_ms):
        self.recl.slow(now_ms - self._aged_ms)
        self._aged_ms = now_ms
        for what in (rc.MADE, rc.RECLAIMED):
            self._tell(now_ms, what)
        super()._operate(now_ms)
        if not (self._engaged() or self.gate.busy() or self._trip_seen):
            self._tell(now_ms, rc.LOCK)
        if not self._stored:
            self._store()

    def _tell(self, now_ms, what):
        """What the sequence did by itself."""
        if not self._words[what]:
            return
        self._words[what] = 0
        if what == rc.LOCK:
            recl = self.recl
            self.locked_utc = self.sync.utc_ms(now_ms)
            self.log.add(now_ms, ev.LOCKOUT, self.gate.locked, self.gate.mask(), 0, True)
            self._evt(now_ms, "LCK", recl.cause, self.gate.locked, recl.shot)
        elif what == rc.MADE:
            self.why = ev.WHY_NONE
            self.log.add(now_ms, ev.CLOSED, ev.WHY_RECL, _ABC, self._own_dv())
        else:
            self.log.add(now_ms, ev.RECLAIM)
        self._save()
        self._stored = False

    def _verify(self, now_ms):
        busy = self._busy
        if busy[0] == O_OPEN and not busy[2] and (
                rc.CLOSING <= self.recl.state <= rc.RECLAIM):
            self._busy = None       # while the slow tier stood still it opened and closed again
            if self.gate.closed():
                self.why = ev.WHY_NONE
        else:
            super()._verify(now_ms)

    def _look_at_breaker(self, now_ms):
        """In the sequence nobody else moves it, or the sequence finds out."""
        if not rc.OPENING <= self.recl.state <= rc.CLOSING:
            super()._look_at_breaker(now_ms)
        elif not self.gate.mask():
            self._position = 0

    def tag(self, now_ms, on):
        if on:
            self._block()
        return super().tag(now_ms, on)

    def _on_cfg(self, now_ms, msg, body):
        if body["k"] == "lockout" and body["val"] == 1:
            self._block()
        super()._on_cfg(now_ms, msg, body)

    def _block(self):
        """A tag ends the sequence at once, also while it cannot be stored and is not granted."""
        if self.recl.open_by_itself():
            self.gate.locked = self.gate.locked or ev.WHY_LOCAL
            self._unsaved = True
