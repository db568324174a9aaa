"""F3, the Operator's own part: open without any message (spec smartlvgrid, section 10).

Runs in the fast tier once per half cycle. Says why the customer must be opened now, and switches
nothing itself. A measurement that is frozen, clipped or stale proves nothing, so it neither starts
nor ends a suspicion: a dead converter must not black out a customer. Allocates nothing.
"""
from acu.events import WHY_NONE, WHY_OUT, WHY_OV


class LocalRule:
    """Outage: own phase below u_out for t_open. Over-voltage: own phase above u_ov for t_ov; with
    a second phase below 0.85 Un and one above 1.15 Un it is the neutral that is lost."""

    def __init__(self, un_dv, u_out_dv, t_open_ms, u_ov_dv, t_ov_ms):
        self._u_out_dv = u_out_dv
        self._t_open_us = t_open_ms * 1000
        self._u_ov_dv = u_ov_dv
        self._t_ov_us = t_ov_ms * 1000
        self._hi_dv = un_dv * 115 // 100
        self._lo_dv = un_dv * 85 // 100
        self.low_us = 0         # for how long the own phase has been out
        self.high_us = 0
        self.neutral = False    # the last over-voltage looked like a lost neutral

    def step(self, half_us, own_dv, u0_dv, u1_dv, u2_dv, valid, all_valid):
        """One half cycle of half_us. own_dv: RMS(1/2) of the customer's phase; valid: its channel
        is healthy; all_valid: those of all three phases are."""
        if not valid:
            return WHY_NONE
        if own_dv < self._u_out_dv:
            if self.low_us < 60_000_000:
                self.low_us += half_us
        else:
            self.low_us = 0
        over = own_dv > self._u_ov_dv
        split = (all_valid and max(u0_dv, u1_dv, u2_dv) > self._hi_dv
                 and min(u0_dv, u1_dv, u2_dv) < self._lo_dv)
        if over or (split and own_dv > self._hi_dv):
            if self.high_us < 60_000_000:
                self.high_us += half_us
        else:
            self.high_us = 0
        if self.low_us >= self._t_open_us:
            return WHY_OUT
        if self.high_us >= self._t_ov_us:
            self.neutral = split
            return WHY_OV
        return WHY_NONE
