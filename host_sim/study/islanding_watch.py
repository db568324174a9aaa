"""Whether the machines of a district stay in step: what is looked at, once a millisecond.

While a machine hangs on the grid its angle counts against the source, from the whole turn that was
nearest when it was connected; on its own, against the other machines of its island. 180 degrees
are a pole slip. An island lives while its frequency is one that machines bear. Any player of the
world may have a Watched district instead of a plain one; knows neither firmware nor scheme.
"""
import cmath
import math
from dataclasses import dataclass

from host_sim.world.district import District
from host_sim.world.district_params import Params
from host_sim.world.swing import F_HZ

SLIP_DEG = 180.0
_BUS2 = ("g3", "g4")
F_LEAST_HZ, F_MOST_HZ = 45.0, 57.5       # beyond, hydro sets trip by themselves
_BACK_PU, _LIVE_PU = 0.85, 0.2           # of a supplied district, of a side that is not dead


@dataclass(frozen=True)
class Closing:
    """A recloser joins the grid and a district that lives: island minus grid."""
    name: str
    ms: int
    deg: float
    slip_hz: float
    du_pu: float


class Watch:
    """slipped, dead: what is lost for good. f_min, f_max: of the island. peak_pu: greatest |P|/S
    of a machine after the first closing."""

    def __init__(self, district: District):
        self.slipped_ms: int | None = None
        self.dead_ms: int | None = None
        self.f_min = math.inf
        self.f_max = -math.inf
        self.peak_pu = 0.0
        self.closings: list[Closing] = []
        self.worst_deg = 0.0
        self._district = district
        self._zero: dict[str, float] = {}        # of each machine on the grid
        self._apart: dict[tuple[str, str], float] = {}
        self._was: dict[str, bool] = {}

    def look(self) -> None:
        d, now = self._district, self._district.now_ms
        on_grid = self._on_grid()
        running = [m for m in d.machines.values() if m.on]
        for k, m in enumerate(running):
            if on_grid[m.name]:
                turns = self._zero.setdefault(m.name, 360 * round(m.delta_deg / 360))
                self._far(abs(m.delta_deg - turns), now)
                continue
            self._zero.pop(m.name, None)
            for other in running[k + 1:]:
                self._between(m, other, on_grid, now)
        for f in {self._f_hz(m.name) for m in running if not on_grid[m.name]}:
            self.f_min, self.f_max = min(self.f_min, f), max(self.f_max, f)
            if not F_LEAST_HZ <= f <= F_MOST_HZ:
                self._dead(now)
        if not running:
            self._dead(now)
        if self.closings:
            self.peak_pu = max(self.peak_pu, *(abs(p) / m.s_mva for p, m in zip(
                d.pe_mw(), d.machines.values(), strict=True)))

    def touch(self, name: str) -> None:
        """R1 or R2 is about to join grid and district."""
        d = self._district
        grid, island = d.sides(name)
        if d.q6_closed and min(abs(grid), abs(island)) > _LIVE_PU:
            behind = {"r1": "g1", "r2": "g3"}[name]
            f = 50.0 if self._on_grid()[behind] else self._f_hz(behind)
            self.closings.append(Closing(name, d.now_ms, math.degrees(cmath.phase(island / grid)),
                                         f - 50.0, abs(island) - abs(grid)))

    def lost(self) -> bool:
        return self.slipped_ms is not None or self.dead_ms is not None

    def parallel(self) -> bool:
        """All that run are on the grid by R1 and R2, R3 is open, and both buses are supplied."""
        d = self._district
        running = [m for m in d.machines.values() if m.on]
        return (bool(running) and d.q6_closed and not d.fault_on and d.closed["r1"]
                and d.closed["r2"] and not d.closed["r3"]
                and all(abs(u) > _BACK_PU for name in ("r1", "r3") for u in d.sides(name)))

    def in_step(self) -> bool:
        """At the end of the run."""
        return not self.lost() and self.parallel()

    def _on_grid(self) -> dict[str, bool]:
        d = self._district
        one = d.closed["r1"] or d.closed["r3"] and d.closed["r2"]
        two = d.closed["r2"] or d.closed["r3"] and d.closed["r1"]
        return {name: d.q6_closed and (two if name in _BUS2 else one)
                for name in d.machines}

    def _f_hz(self, name: str) -> float:
        """Of the island that this machine's bus is part of; nominal where none runs."""
        d = self._district
        here = [m for m in d.machines.values() if m.on
                and (d.joined() or (m.name in _BUS2) == (name in _BUS2))]
        s = sum(m.s_mva for m in here)
        return F_HZ * (1 + sum(m.s_mva * m.w for m in here) / s) if s else F_HZ

    def _between(self, m, other, on_grid: dict[str, bool], now: int) -> None:
        """Two machines of one island; from the angle at which they became one."""
        pair = (m.name, other.name)
        joined = (m.name in _BUS2) == (other.name in _BUS2) or self._district.joined()
        if on_grid[other.name] or not joined:
            self._apart.pop(pair, None)
            return
        apart = m.delta_deg - other.delta_deg
        zero = self._apart.setdefault(pair, 360 * round(apart / 360))
        self._far(abs(apart - zero), now)

    def _far(self, deg: float, now: int) -> None:
        self.worst_deg = max(self.worst_deg, deg)
        if deg > SLIP_DEG and self.slipped_ms is None:
            self.slipped_ms = now

    def _dead(self, now: int) -> None:
        if self.dead_ms is None:
            self.dead_ms = now


class Watched(District):
    """A district that is looked at by itself."""

    def __init__(self, params: Params, load_share: float, step_us: int = 1000):
        super().__init__(params, load_share, step_us)
        self.watch = Watch(self)

    def step(self) -> None:
        self.watch.look()
        super().step()

    def switch(self, name: str, closed: bool) -> None:
        if closed and not self.closed[name] and name in ("r1", "r2"):
            self.watch.touch(name)
        super().switch(name, closed)
