"""A dispatch policy of six numbers: hydrogen kept for when it is dear, diesel at part load.

What stands in when there is no table (policy_table.py) or no clock. Energy in either store is
worth the more the less hydrogen there is; merit.py does the rest, so that a diesel set runs long
at its cheap part load instead of short at full power. The numbers are per mille of the diesel
set's marginal cost at full power, found by search over two years of hourly profiles
(docs/microgrid.md, "The rule"). Asked in the slow tier; needs no clock and keeps no memory.
"""
from array import array

from acu.functions.dispatch import H_MWH
from acu.functions.merit import Merit

# With hydrogen empty, half full, full: worth of a kWh of hydrogen, of a kWh in the battery.
HYDROGEN_PM = (770, 550, 195)
BATTERY_PM = (830, 365, 130)


class Rule:
    """plant: acu.functions.dispatch.Plant."""

    def __init__(self, plant):
        self._merit = Merit(plant)
        self._cap_mwh = plant.hydrogen.cap_mwh
        # 0.1 mEUR per kWh; without a diesel set there is nothing to save
        self._full = (plant.d1_ueur_kwh // 100
                      + plant.d2_ueur_kw2h * (plant.d_max_mw // 1000) // 50_000
                      if plant.d_max_mw else 0)
        self._slopes = array("i", [0])

    def propose(self, seen, out):
        """out[H2], out[DIE]. True: this is an answer; False: ask the next policy."""
        if not self._full:
            return False
        h_mwh = max(seen[H_MWH], 0)
        k, f = 0, 0
        if self._cap_mwh:
            f = min(h_mwh * 512 // self._cap_mwh, 512)
            if f > 256:
                k, f = 1, f - 256
        g = 256 - f
        self._slopes[0] = (BATTERY_PM[k] * g + BATTERY_PM[k + 1] * f) * self._full // 256_000
        price = (HYDROGEN_PM[k] * g + HYDROGEN_PM[k + 1] * f) * self._full // 256_000
        self._merit.solve(self._slopes, price, seen, out)
        return True
