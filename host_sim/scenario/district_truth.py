"""The district of a run, ms by ms, and what becomes of it: what its contacts did, angles, powers.

Turns the world, tells it where the main contacts of the cells are, and keeps what the figures and
the picture need. Asked by district_run.py; knows no firmware and no message.
"""
import cmath
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from host_sim.scenario.district_plan import Plan
from host_sim.world.cell import Cell
from host_sim.world.district import BASE_A, RECLOSERS, District
from host_sim.world.two_sided import LIVE_PU, wrapped

_SLIP_MS = 10            # over which the slip of a touch is taken
_ALIKE_HZ = 0.2
_NOTE_MS = 5             # a row of the trace


@dataclass(frozen=True)
class Move:
    """A contact that touched or parted. deg, slip_hz, du_pct: side 2 less side 1, just before a
    touch; live: both sides were."""
    t_s: float
    recloser: str
    closed: bool
    order_s: float
    deg: float
    slip_hz: float
    du_pct: float
    live: bool


@dataclass
class Row:
    """What a picture shows of one moment. amps: A of R1 to R4; p_mw, deg: of g1 to g4."""
    t_s: float
    f_hz: float
    amps: list[float]
    p_mw: list[float]
    deg: list[float]
    on: list[bool]
    closed: list[bool]


@dataclass
class Kept:
    moves: list[Move] = field(default_factory=list)
    trips: list[tuple[float, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    f_hz: list[float] = field(default_factory=list)      # each ms, from 0 on
    a_s: float | None = None         # R1 and R2 have parted
    e_s: float | None = None         # R1 or R2 has touched again
    peak_p_pu: float | None = None   # |P|/S since
    most_deg: float | None = None    # of a machine's angle since
    angle_90_s: float | None = None  # a machine that is joined to the grid was beyond
    angle_180_s: float | None = None
    in_step: bool = False            # at the end, see finish()


class Truth:
    def __init__(self, plan: Plan, cells: Mapping[str, Cell]):
        self.world = District(plan.params, plan.load_share)
        self.kept = Kept()
        self._cells = cells
        # whole turns of each machine when it was last joined to the grid; None: it is not
        self._turns: list[int] | None = [0] * 4
        self._before: deque = deque(maxlen=_SLIP_MS + 1)     # what stood at the reclosers
        self._last: tuple = ()       # switches then
        self._note()

    def trip(self, generator: str) -> None:
        if self.world.machines[generator].on:
            self.world.trip(generator)
            self.kept.trips.append((self.world.now_ms / 1000, generator))

    def turn(self, until_ms: int) -> list:
        """On to there. Of each ms what DistrictBlocks takes; before 0 s nothing moves."""
        world = self.world
        if until_ms <= 0:
            return [(self._standing(), self._standing())]
        out = []
        while world.now_ms < until_ms:
            self._look_at_contacts()
            now = self._switches()
            begin = self._before[-1] if now == self._last else self._standing()
            world.step()
            end = self._standing()
            self._last = self._switches()
            # what the world switched, it switched at the begin of this ms
            out.append((begin if now == self._last else end, end))
            self._before.append(end)
            self._watch()
        return out

    def finish(self) -> None:
        """In step: no machine was beyond 180 degrees while joined to the grid, and those that run
        turn alike, within 90 degrees of each other."""
        run = [m for m in self.world.machines.values() if m.on]
        apart = [(wrapped(m.delta_deg - run[0].delta_deg), 50 * (m.w - run[0].w)) for m in run]
        self.kept.in_step = bool(run) and self.kept.angle_180_s is None and all(
            abs(deg) < 90 and abs(hz) < _ALIKE_HZ for deg, hz in apart)

    def _switches(self) -> tuple:
        w = self.world
        return (*w.closed.values(), w.q6_closed, w.fault_on, *(m.on for m in w.machines.values()))

    def _standing(self) -> list[tuple[complex, complex, complex]]:
        w = self.world
        return [(*w.sides(name), w.amps(name)) for name in RECLOSERS]

    def _look_at_contacts(self) -> None:
        world, kept = self.world, self.kept
        now_s = world.now_ms / 1000
        for name, cell in self._cells.items():
            closed = cell.closed(now_s)
            if closed == world.closed[name]:
                continue
            kept.moves.append(self._move(name, closed, now_s, cell))
            world.switch(name, closed)
            if name in ("r1", "r2"):
                self._joined(now_s, kept.moves[-1])

    def _move(self, name: str, closed: bool, now_s: float, cell: Cell) -> Move:
        one, two = self.world.sides(name)
        order_s = next((at for at, close in reversed(cell.orders) if close == closed), now_s)
        if name == "r4" or min(abs(one), abs(two)) < LIVE_PU:
            return Move(now_s, name, closed, order_s, 0.0, 0.0, 0.0, False)
        deg = math.degrees(cmath.phase(two / one))
        slip_hz = 0.0
        if len(self._before) > _SLIP_MS:
            was_one, was_two, _ = self._before[0][RECLOSERS.index(name)]
            if was_one and was_two:
                turned = cmath.phase(two / one * (was_one / was_two))
                slip_hz = turned / (2 * math.pi) * 1000 / _SLIP_MS
        return Move(now_s, name, closed, order_s, deg, slip_hz, 100 * (abs(two) - abs(one)), True)

    def _joined(self, now_s: float, move: Move) -> None:
        """The machines and the grid, after R1 or R2 has moved."""
        kept, closed = self.kept, self.world.closed
        if not closed["r1"] and not closed["r2"]:
            self._turns = None
            if kept.a_s is None:
                kept.a_s = now_s
        elif self._turns is None:
            self._turns = [round(m.delta_deg / 360) for m in self.world.machines.values()]
            if kept.e_s is None and move.live:
                kept.e_s = now_s
                kept.peak_p_pu = kept.most_deg = 0.0

    def _watch(self) -> None:
        """After each ms."""
        world, kept = self.world, self.kept
        kept.f_hz.append(world.f_hz())
        machines = list(world.machines.values())
        now_s = world.now_ms / 1000
        if self._turns is not None:
            most = max((abs(m.delta_deg - 360 * turn)
                        for m, turn in zip(machines, self._turns, strict=True) if m.on),
                       default=0.0)
            if most > 90 and kept.angle_90_s is None:
                kept.angle_90_s = now_s
            if most > 180 and kept.angle_180_s is None:
                kept.angle_180_s = now_s
            if kept.most_deg is not None:
                kept.most_deg = max(kept.most_deg, most)
        if kept.peak_p_pu is not None:
            powers = zip(world.pe_mw(), machines, strict=True)
            kept.peak_p_pu = max(kept.peak_p_pu, *(
                abs(p) / m.s_mva for p, m in powers if m.on), 0.0)
        if world.now_ms % _NOTE_MS == 0:
            self._note()

    def _note(self) -> None:
        w = self.world
        machines = list(w.machines.values())
        self.kept.rows.append(Row(
            w.now_ms / 1000, w.f_hz(), [abs(w.amps(name)) * BASE_A for name in RECLOSERS],
            w.pe_mw(), [m.delta_deg for m in machines], [m.on for m in machines],
            [w.closed[name] for name in RECLOSERS]))
