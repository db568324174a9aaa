"""A separator of the four-recloser scheme: R2, and with separator_lead.py R1 (spec recloser, 4.2).

The fast tier opens ahead of the protection, without any message; the slow one brings it back to a
healthy grid. A trip by over-current soon after that is a lock-out.
"""
from micropython import const

from acu import events as ev
from acu.dsp.bay import BAD, CALM1, F1
from acu.functions import grants as gr
from acu.functions import islanding as pai
from acu.functions.peers import B_PAI, GRID, ISLAND, LEAD, OUT, REJOIN, SECOND
from acu.functions.separating import Separating
from acu.roles.islander import Islander

_CALM_TICKS = const(40)      # of a healthy grid
_GRID_MHZ = const(500)       # that near to nominal
_FOLLOW_MS = const(500)      # so soon after its opening the other separator is followed


class Separator(Islander):
    START = ("_scheme_of",)
    trigger = (0, 0)             # of the last separation, and what it saw

    def _fit_measuring(self, board, cfg, ports):
        super()._fit_measuring(board, cfg, ports)
        self.pai = pai.Islanding(cfg, self.bay.q)

    def _scheme_of(self, cfg, closed):
        return Separating(self.duty, cfg["il_back_ms"], closed)

    # -- fast tier

    def _trips_now(self):
        return super()._trips_now() | self.pai.step(self.gate.position())

    def _why_of(self, trips):
        return ev.WHY_PAI if trips & pai.BIT else super()._why_of(trips)

    # -- slow tier

    def may_write(self):
        st = self.pai.st
        return not (st[pai.LOW] or st[pai.FAST]) and super().may_write()

    def _tell_trip(self, now_ms):
        if self.why != ev.WHY_PAI:
            return super()._tell_trip(now_ms)
        self._islanded(now_ms, self.pai.st[pai.WHY], self.pai.st[pai.VALUE])

    def _islanded(self, now_ms, trigger, value):
        self.by_pai = B_PAI
        self.trigger = (trigger, value)
        self.log.add(now_ms, ev.PAI, trigger, value, 0, True)
        self._evt(now_ms, "PAI", 0, trigger, value)

    def _step(self, now_ms, scheme):
        other = SECOND if self.duty == LEAD else LEAD
        before = scheme.state
        wants = scheme.step(now_ms, self._pos != 0, self._own(), self.grid_good())
        if before == REJOIN and scheme.state != REJOIN and self._pos == 0 and (
                self.why == ev.WHY_OC):
            # closed onto something: that was the last time
            self.gate.locked = ev.WHY_OC
            self.log.add(now_ms, ev.LOCKOUT, ev.WHY_OC, self.gate.mask(), 0, True)
            self._save()
        elif wants:
            self._close(now_ms, self._mode)
        elif self._pos == 1 and scheme.state == GRID and self.pai.on and (
                self.peers.known(now_ms, other) == ISLAND
                and self.peers.all[other].live & B_PAI
                and self.peers.for_ms(now_ms, other) < _FOLLOW_MS) and not self.gate.locked:
            # the other one has just seen what we have not: half an island is none
            if self._open(now_ms, ev.WHY_PAI):
                self._islanded(now_ms, pai.PEER, 0)

    def _can_grant(self, now_ms, k):
        closing = self.check.waiting() or self._engaged()
        return self.scheme.grants(now_ms, k, closing, self.peers), gr.PROMISE_MS

    def _island_now(self, now_ms):
        return int(self._pos == 0 and self.scheme.state not in (GRID, REJOIN, OUT))

    def grid_good(self):
        """Side 1 is live, near nominal, and has not jumped for 0.2 s."""
        q = self.bay.q
        return (q[BAD] & 3 == 0 and self._side_live(0) and q[CALM1] >= _CALM_TICKS
                and abs(q[F1] - self.cfg["fn_mhz"]) < _GRID_MHZ)
