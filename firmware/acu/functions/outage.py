"""F2: outage, partial loss and restoration of one supply point (spec smartlvgrid, section 9).

Runs in the slow tier of a Coordinator, once per half cycle. Takes RMS(1/2) voltages of three
phases, returns what happened. Sends nothing, records nothing, switches nothing: the role does that
with the answer, and loading control opens the customers on LOST.
"""
from micropython import const

# States. Numbers appear in records: never re-use one.
NORMAL = const(0)
OUTAGE = const(1)
RESTORING = const(2)  # in band after an outage, not yet for t_res
PARTIAL = const(3)    # some phases lost, or all of them too low

# Answers of step().
NOTHING = const(0)
LOST = const(1)      # outage: t0_ms, mask. Ends a partial loss without PART_END
BACK = const(2)      # first half cycle in band
FELL = const(3)      # out of band again: still the same outage, t0_ms stays
RESTORED = const(4)  # in band for t_res: dur_ms
PART = const(5)      # partial loss, or one more phase in it: part_ms, mask, after_outage
PART_END = const(6)  # in band for t_res: dur_ms

_ALL = const(7)
_NEVER = const(-1)


class OutageDetector:
    """Lost means every valid phase below u_out; back means all three valid and inside u_lo..u_hi.

    Partial means a phase below u_part or all of them below u_lo, or, in an outage, that only some
    came back. A phase in bad_mask is neither lost nor good, and a gap in the view of all three
    starts every count again: a bad channel neither invents an outage nor confirms a restoration.
    """

    def __init__(self, u_out_dv, u_part_dv, u_lo_dv, u_hi_dv, t_out_ms, t_part_ms, t_res_ms):
        self.state = NORMAL
        self.mask = 0              # phases lost (bit 0: A); after_outage: phases not proven good
        self.after_outage = False  # PARTIAL is the rest of an outage and ends in RESTORED
        self.t0_ms = 0             # first bad half cycle of the present or last outage
        self.part_ms = 0           # the same of the partial loss
        self.dur_ms = 0            # from there to the first half cycle in band
        self.bounces = 0           # losses shorter than t_out
        self._u_out_dv = u_out_dv
        self._u_part_dv = u_part_dv
        self._u_lo_dv = u_lo_dv
        self._u_hi_dv = u_hi_dv
        self._t_out_ms = t_out_ms
        self._t_part_ms = t_part_ms
        self._t_res_ms = t_res_ms
        self._to(NORMAL)

    def resume(self, t0_ms):
        """After a restart: an outage that began at t0_ms (negative: before the start) was not
        over."""
        self._to(OUTAGE)
        self.mask = _ALL
        self.t0_ms = t0_ms

    def step(self, now_ms, u_dv, bad_mask=0):
        """One half cycle. now_ms: monotonic ms, never wraps; u_dv: RMS(1/2) per phase, 0.1 V."""
        valid = _ALL & ~bad_mask
        if not valid:
            self._to(self.state)
            return NOTHING
        out = low = under = good = 0
        for ph in range(3):
            bit = valid & 1 << ph
            u = u_dv[ph]
            if u < self._u_out_dv:
                out |= bit
            if u < self._u_part_dv:
                low |= bit
            if u < self._u_lo_dv:
                under |= bit
            elif u <= self._u_hi_dv:
                good |= bit
        if under == valid:
            low = under
        if self.state == OUTAGE:
            return self._in_outage(now_ms, out == valid, good)
        if self.state == RESTORING:
            if good != valid:
                self._to(OUTAGE)
                return FELL
            if self._steady(now_ms, good):
                self.dur_ms = self._good_ms - self.t0_ms
                self._to(NORMAL)
                return RESTORED
            return NOTHING
        return self._in_supply(now_ms, out, out == valid, low, good)

    def _in_outage(self, now_ms, lost, good):
        if good == _ALL:
            self._to(RESTORING)
            self._good_ms = now_ms
            return BACK
        if lost:
            self._some_ms = _NEVER
        elif self._some_ms < 0:
            self._some_ms = now_ms
        elif now_ms - self._some_ms >= self._t_part_ms:
            self.part_ms = self._some_ms
            self.mask = _ALL & ~good
            self.after_outage = True
            self._to(PARTIAL)
            return PART
        return NOTHING

    def _in_supply(self, now_ms, out, lost, low, good):
        """NORMAL and PARTIAL: what is worse than what is already known?"""
        known = self.mask if self.state == PARTIAL else 0
        if lost:
            self._some_ms = _NEVER
            if self._out_ms < 0:
                self._out_ms = now_ms
            elif now_ms - self._out_ms >= self._t_out_ms:
                answer = FELL
                if not self.after_outage:
                    answer = LOST
                    self.t0_ms = self._out_ms
                self.mask = out
                self.after_outage = False
                self._to(OUTAGE)
                return answer
        else:
            if self._out_ms >= 0:
                self.bounces += 1
                self._out_ms = _NEVER
            if not low & ~known:
                self._some_ms = _NEVER
            elif self._some_ms < 0:
                self._some_ms = now_ms
            elif now_ms - self._some_ms >= self._t_part_ms:
                if self.state == NORMAL:
                    self.part_ms = self._some_ms
                self.mask = known | low
                self._to(PARTIAL)
                return PART
        if self.state == PARTIAL and self._steady(now_ms, good):
            after, self.after_outage = self.after_outage, False
            self.dur_ms = self._good_ms - (self.t0_ms if after else self.part_ms)
            self._to(NORMAL)
            return RESTORED if after else PART_END
        return NOTHING

    def _steady(self, now_ms, good):
        """True when all three phases have been good for t_res without a gap."""
        if good != _ALL:
            self._good_ms = _NEVER
        elif self._good_ms < 0:
            self._good_ms = now_ms
        return self._good_ms >= 0 and now_ms - self._good_ms >= self._t_res_ms

    def _to(self, state):
        self.state = state
        self._out_ms = _NEVER   # since when every phase has been lost,
        self._some_ms = _NEVER  # some phases lost (in an outage: some of them back),
        self._good_ms = _NEVER  # all in band
