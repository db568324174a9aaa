"""A loop of three reclosers and what it joins, as bare angles: for the fuzz of its interlock.

Bus F hangs on the grid, buses 1 and 2 have machines; R1 joins F and 1, R2 F and 2, R3 1 and 2, R4
feeds a load from bus 2. A part of its own turns at a speed that somebody set; what is joined turns
together from then on, at the grid's angle or that of the first bus. No powers, no swings: the
question here is only who is joined when. Times in s, angles in degrees. Knows no firmware.
"""
from dataclasses import dataclass

from host_sim.world.breaker import Breaker
from host_sim.world.two_sided import wrapped

F, ONE, TWO, LOAD = range(4)
ENDS = {"r1": (F, ONE), "r2": (F, TWO), "r3": (ONE, TWO), "r4": (TWO, LOAD)}


@dataclass(frozen=True)
class Touch:
    """deg, slip_hz: side 2 less side 1, just before."""
    t_s: float
    name: str
    deg: float
    slip_hz: float
    live: tuple[bool, bool]


class Loop:
    def __init__(self, breakers: dict[str, Breaker]):
        self.breakers = breakers
        self.closed = {name: breaker.closed(0.0) for name, breaker in breakers.items()}
        self.grid = True
        self.fault = False                   # at F
        self.hz = [0.0] * 4                  # off nominal, of a part of its own
        self.deg = [0.0] * 4
        self.runs = [False, True, True, False]      # machines there
        self.touches: list[Touch] = []
        self.parted_s = -1.0                 # the last contact
        self._of = [0] * 4                   # part of each bus, named by its least
        self._join()

    def step(self, t_s: float, dt_s: float) -> None:
        """Contacts up to t_s, then angles dt_s on."""
        for name, breaker in self.breakers.items():
            closed = breaker.closed(t_s)
            if closed == self.closed[name]:
                continue
            if closed:
                self.touches.append(self._touch(name, t_s))
            else:
                self.parted_s = t_s
            self.closed[name] = closed
            self._join()
        for part in set(self._of):
            hz = self.part_hz(part)
            for bus in range(4):
                if self._of[bus] == part:
                    self.deg[bus] = wrapped(self.deg[bus] + 360 * hz * dt_s)

    def live(self, bus: int) -> bool:
        part = self._of[bus]
        some = [k for k in range(4) if self._of[k] == part]
        return (any(self.runs[k] for k in some) or (self.grid and F in some)) and not (
            self.fault and F in some)

    def part_hz(self, bus: int) -> float:
        """Speed of the part that this bus is in."""
        part = self._of[bus]
        return 0.0 if self.grid and self._of[F] == part else self.hz[part]

    def disturb(self) -> None:
        """The grid or a machine has come or gone."""
        self._join()

    def loop_closed(self) -> bool:
        return self.closed["r1"] and self.closed["r2"] and self.closed["r3"]

    def _touch(self, name: str, t_s: float) -> Touch:
        one, two = ENDS[name]
        return Touch(t_s, name, wrapped(self.deg[two] - self.deg[one]),
                     self.part_hz(two) - self.part_hz(one), (self.live(one), self.live(two)))

    def _join(self) -> None:
        of = list(range(4))
        for name, (one, two) in ENDS.items():
            if self.closed[name]:
                least, most = min(of[one], of[two]), max(of[one], of[two])
                of = [least if part == most else part for part in of]
        self._of = of
        for part in set(of):
            some = [k for k in range(4) if of[k] == part]
            # F without a grid follows the machines that are joined to it
            first = next((k for k in some if self.runs[k] or k == F and self.grid), some[0])
            if F in some and self.grid:
                self.deg[F], first = 0.0, F
            for bus in some:
                self.deg[bus] = self.deg[first]
