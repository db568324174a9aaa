"""An isolated microgrid with its devices, a second at a time: who delivers what, under contacts
and set-points, on the plant of world/microgrid.py.

The battery forms the grid: it takes the balance as far as it can, whatever its set-point says;
then an electrolyser gives way, a fuel cell and a diesel set that run give more, as their droops
say; what then is missing is load not supplied, what is too much is PV given up. A device obeys
its contact at once and a set-point until its lease is over; then hydrogen idles, the diesel set
follows the load while its contact is closed, PV and load are free. Knows nothing of the firmware
but the order of its contacts and inputs.
"""
from collections.abc import Callable
from dataclasses import dataclass

from host_sim.world.microgrid import BAT, CUR, DIE, H2, PNS, RUN, Microgrid, PlantSpec

BATTERY, HYDROGEN, DIESEL, PV, LOAD = DEVICES = ("battery", "hydrogen", "diesel", "pv", "load")
CONTACTS = ("diesel_run", "electrolyser", "fuel_cell", "battery")
INPUTS = ("diesel_runs", "diesel_fault", "h2_ready", "stop")
SECOND_US = 1_000_000


@dataclass
class Point:
    """A set-point. until_us: end of its lease."""

    on: int = 0
    p_mw: int = 0
    until_us: int = -1


class Island:
    """pv_mw, load_mw: of a second of the run. Faults are attributes, changed while it runs:
    no_start (diesel set), gas, stop, told_pct (of a store: what its gauge shows)."""

    def __init__(self, spec: PlantSpec, pv_mw: Callable[[int], int],
                 load_mw: Callable[[int], int], start_s: int = 5):
        self.plant = Microgrid(spec)
        self.now_s = 0
        self.closed = [0] * len(CONTACTS)
        self.points = {name: Point() for name in DEVICES}
        self.no_start = self.gas = self.stop = False
        self.told_pct: dict[str, float] = {}
        self.runs = False
        self.pv_mws = self.load_mws = self.given_up_mws = 0    # true energies at the bus
        # of the last second: what flows, and what the PV and the load would have liked
        self.flow = {"pv": pv_mw(0), "load": 0, "diesel": 0, "battery": 0, "hydrogen": 0, "cur": 0,
                     "pns": 0, "pv_could": pv_mw(0), "load_would": load_mw(0)}
        self._pv_mw, self._load_mw = pv_mw, load_mw
        self._start_s = start_s
        self._turning_s = 0

    def drive(self, output: int, close: bool) -> None:
        self.closed[output] = int(close)

    def released(self) -> None:
        """A reset: holding relays fall off."""
        self.closed = [0] * len(CONTACTS)

    def point(self, name: str, on: int, p_mw: int, until_us: int) -> None:
        self.points[name] = Point(on, p_mw, until_us)

    def levels(self) -> list[int]:
        return [int(self.runs), 0, int(not self.gas), int(self.stop)]

    def settling(self) -> bool:
        """The diesel set is on its way to run."""
        return bool(self.closed[0] and not self.runs)

    def step(self) -> bool:
        """A second; True if anything that can be measured has changed."""
        t_us = self.now_s * SECOND_US
        valid = {name: one for name, one in self.points.items() if t_us < one.until_us}
        could, would = self._pv_mw(self.now_s), self._load_mw(self.now_s)
        runs_before = self.runs
        self._diesel()
        pv, load = could, would
        if PV in valid and valid[PV].on:
            pv = min(pv, max(valid[PV].p_mw, 0))
        if LOAD in valid and valid[LOAD].on:
            load = max(load - max(valid[LOAD].p_mw, 0), 0)
        asked = [0] * 6
        asked[H2] = self._hydrogen(valid)
        h2 = self.plant.hydrogen.able(asked[H2], 1)
        lack = load - pv - h2
        die = 0
        if self.runs:                       # where nobody tells it, it carries the load
            asked[RUN] = 1
            die = max(valid[DIESEL].p_mw if DIESEL in valid else lack, 0)
        die = min(die, self.plant.spec.d_max_mw)
        asked[BAT] = self.plant.battery.able(lack - die, 1) if self.closed[3] else 0
        left = lack - die - asked[BAT]
        if left > 0 and asked[H2]:
            most = 0 if h2 < 0 else self.plant.hydrogen.able(h2 + left, 1)
            part = min(left, max(most - h2, 0))
            asked[H2] = h2 + part
            left -= part
        if left > 0 and self.runs:
            die = min(die + left, self.plant.spec.d_max_mw)
        asked[DIE] = die
        did = self.plant.step(pv, would, asked, 1)
        flow = {"pv": pv - did[CUR], "load": would - did[PNS], "diesel": did[DIE],
                "battery": did[BAT], "hydrogen": did[H2], "cur": could - pv + did[CUR],
                "pns": did[PNS], "pv_could": could, "load_would": would}
        self.pv_mws += flow["pv"]
        self.load_mws += flow["load"]
        self.given_up_mws += flow["cur"]
        changed = flow != self.flow or runs_before != self.runs
        self.flow = flow
        self.now_s += 1
        return changed

    def _diesel(self) -> None:
        if not self.closed[0]:
            self.runs, self._turning_s = False, 0
        elif not self.runs and not self.no_start:
            self._turning_s += 1
            self.runs = self._turning_s > self._start_s

    def _hydrogen(self, valid: dict) -> int:
        if HYDROGEN not in valid or self.gas:
            return 0
        p = valid[HYDROGEN].p_mw
        return p if p < 0 and self.closed[1] or p > 0 and self.closed[2] else 0

    def told(self, name: str) -> dict:
        """Body of a device's mg.st."""
        flow = self.flow
        body = {"e_mWh": None, "p_mW": flow[name], "ok": 1, "on": 1, "lim": 0}
        if name in (BATTERY, HYDROGEN):
            tank = self.plant.battery if name == BATTERY else self.plant.hydrogen
            e_mwh = tank.e_mwh
            if name in self.told_pct:
                e_mwh = round(tank.spec.cap_mwh * self.told_pct[name] / 100)
            body["e_mWh"] = e_mwh
            body["on"] = int(flow[name] != 0)
            body["ok"] = int(name == BATTERY or not self.gas)
        elif name == DIESEL:
            body["on"] = int(self.runs)
        elif name == PV:
            body["lim"] = int(flow["cur"] > 0)
        else:
            body["lim"] = int(flow["pns"] > 0)
        return body
