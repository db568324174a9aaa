"""What a dispatching ACU sees of its island: ADC codes while it is looked at, readings between.

The same front end, noise and arithmetic as any controller's of a street (bank.py, front_end.py,
world/leap.py). States come as true powers in mW; the load lags, the others are in phase.
"""
import math
from types import SimpleNamespace

from host_sim.waveform.bank import AHEAD, Bank
from host_sim.waveform.front_end import FrontEnd
from host_sim.world.leap import Readings
from host_sim.world.spec import AcuSpec, FrontEndSpec, SourceSpec
from host_sim.world.supply import Supply

BLOCK_US = 5_000
U_V = 230.0


class IslandFront:
    def __init__(self, acu_id: str, board: dict, seed: int, front: FrontEndSpec, load_pf: float):
        spec = AcuSpec(acu_id, "microgrid", rate_hz=board["rate_hz"],
                       u_peak_v=board["u_peak_dv"] / 10, i_peak_a=board["i_peak_ma"] / 1000,
                       front_end=front)
        self._id, self._rate_hz = acu_id, board["rate_hz"]
        self.end = FrontEnd(spec, seed)
        self._ends = {acu_id: self.end}
        self._readings = Readings((spec,), self._ends, seed)
        self._supply = Supply(SourceSpec())
        self._none = SimpleNamespace(orders=(1,), i=[[0j]] * 3)
        self._tan = math.tan(math.acos(load_pf))
        self._phasors: list = []
        self._epoch = 0
        self._bank: Bank | None = None
        self._now_us = 0

    def learn(self, t_us: int, pv_mw: int, load_mw: int, diesel_mw: int) -> None:
        """A new state from t_us on."""
        load = complex(load_mw, -load_mw * self._tan) / (1000 * U_V)
        self._phasors = [[complex(U_V)], [complex(pv_mw / (1000 * U_V))], [load],
                         [complex(diesel_mw / (1000 * U_V))]]
        self._epoch += 1
        self._readings.learn(t_us, [self._phasors], self._supply.f_mhz)

    def touch(self) -> None:
        """A fault of a channel began or ended."""
        self._epoch += 1

    def faulty(self) -> bool:
        return any(c.frozen or c.open for c in self.end.channels)

    def look(self, t_us: int) -> None:
        """From here on codes."""
        self._readings.forget(self._id)
        self._bank = Bank(self._rate_hz, self._ends, BLOCK_US)
        self._now_us = t_us

    def leave(self, t_us: int) -> None:
        """From here on readings."""
        self._bank = None
        self._readings.start(self._id, t_us)

    def codes(self, t_us: int, ahead_us: int) -> bytes:
        """Of the block that ends at t_us; ahead_us: until then nothing changes."""
        bank = self._bank
        if bank is None:
            raise ValueError("codes are for whoever looks: call look() first")
        bank.begin(self._now_us, t_us)
        ahead_us = max(t_us, min(ahead_us, self._now_us + AHEAD * BLOCK_US))
        bank.fill((self._now_us, t_us), ahead_us, self._epoch, self._none, self._supply,
                  lambda _: self._phasors)
        self._now_us = t_us
        return bank.codes(self._id)

    def reading(self, t_us: int) -> tuple | None:
        return self._readings.read(self._id, t_us, True)
