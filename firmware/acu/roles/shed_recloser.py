"""The load that an island sheds, R4: functions/load_shedding.py on its breaker (spec recloser, 4).

The shedding is the protection's; a radial breaker closes no loop, so nothing holds it off here.
"""
from acu.dsp.bay import F1
from acu.functions.load_shedding import LoadShedding
from acu.roles.islander import Islander


class ShedRecloser(Islander):
    START = ("_scheme_of",)

    def _scheme_of(self, cfg, closed):
        return LoadShedding(cfg["il_calm_mhz"], cfg["il_calm_s"], cfg["fn_mhz"], closed)

    def _step(self, now_ms, scheme):
        if scheme.step(now_ms, self._pos != 0, self._own(), self.bay.q[F1], self.peers):
            self._close(now_ms, self._mode)
