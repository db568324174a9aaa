"""The tie of the four-recloser scheme (R3; spec recloser, 4.2): functions/tie.py on a breaker."""
from acu import events as ev
from acu.functions import grants as gr
from acu.functions import synccheck as sc
from acu.functions import tie as ti
from acu.primitives.bay_gate import IN_BATTERY, IN_TRIP
from acu.roles.islander import Islander


class TieRecloser(Islander):
    START = ("_scheme_of",)

    def _scheme_of(self, cfg, closed):
        return ti.Tie(closed)

    def _step(self, now_ms, scheme):
        wants = scheme.step(now_ms, self._pos != 0, not self.gate.locked and self.why not in (
            ev.WHY_LOCAL, ev.WHY_SCC), self.peers)
        if wants == ti.CLOSE_ARMED:
            left_ms = ti.ARMED_MS - scheme.apart_ms(now_ms, self.peers)
            if left_ms >= 5:
                self._close(now_ms, sc.ARMED, left_ms)
        elif wants == ti.CLOSE:
            self._close(now_ms, self._mode)
        elif wants == ti.OPEN or self._pos == 1 and self.grants.due(now_ms):
            self._open(now_ms, ev.WHY_ISL)

    def _can_grant(self, now_ms, k):
        """It opens, whatever it hears from then on, unless the wish is taken back."""
        whole = self.gear.feedback(IN_TRIP) and self.gear.feedback(IN_BATTERY)
        return self.scheme.grants(whole) and not self.check.waiting(), gr.COMMIT_MS
