"""DRF-1 of a recloser: which channels can be believed, as primitives/sensing.py says it to the
role, the log and the console. Limits of voltages are the protection's and the check's matter:
`ov`, `uv`, `oc` stay 0. fast() belongs to the fast tier, after BayMeasuring; allocates nothing.
"""
from array import array

from acu.dsp.bay import BAD
from acu.primitives.sensing import OK


class BaySensing:
    ov = uv = oc = 0

    def __init__(self, bay, channels):
        self.bad = 0                            # a bit a channel
        self.why = array("i", [OK] * channels)
        self._bay = bay
        self._all = (1 << channels) - 1
        self._any_told = 0

    def fast(self, blocks):
        """blocks: whether this tick brought frames."""
        if blocks:
            self.bad = self._bay.q[BAD]
        elif self._bay.idle_ticks >= 8:         # 40 ms
            self.bad = self._all

    def calm(self):
        return not (self.bad or self._any_told)

    def changed(self):
        """Slow tier: one (channel, why) that has changed since it was asked for last, or None."""
        bad = self.bad
        if not (bad or self._any_told):
            return None
        for k in range(len(self.why)):
            why = self._bay.why(k) if bad >> k & 1 else OK
            if why != self.why[k]:
                self.why[k] = why
                self._any_told = max(self.why)
                return k, why
        return None
