"""A latching contact: travel, bounce, and the faults of contacts.

`order` is a coil pulse: it plans the contact's transitions, and the street carries each out at
its microsecond by calling `move`. Releasing the coil does nothing: a travel that has begun ends
by itself. The opposite order in mid-travel turns the armature round: what was planned is void.
"""
from host_sim.world.dice import Dice
from host_sim.world.spec import RelaySpec


class Relay:
    """One contact. `closed` is the true contact; `mirror` is what its auxiliary contact says."""

    def __init__(self, spec: RelaySpec, closed: bool, dice: Dice):
        self.closed = closed
        self.welded = False
        self.no_close = False             # switch stuck half-way: orders to close do nothing
        self._mirror_held: int | None = None
        self._armature = closed           # where the last order sent it
        self._travel = 0                  # number of the valid plan; older ones are void
        self._moving = 0                  # transitions of the valid plan still to come
        self._spec = spec
        self._dice = dice

    def order(self, level: int, t_us: int) -> list:
        """A pulse at t_us, level 1 close, 0 open. Returns planned [(t_us, closed, plan), ...]."""
        close = level == 1
        if self._moving and close == self._armature:
            return []                     # already on its way
        self._armature = close
        self._travel += 1
        times = []
        if close != self.closed:
            t_us += self._travel_us(self._spec.close_ms if close else self._spec.open_ms)
            times = [t_us]
            if close:
                times += self._bounces(t_us)
        self._moving = len(times)
        return [(t, close if n % 2 == 0 else not close, self._travel) for n, t in enumerate(times)]

    def move(self, closed: bool, plan: int) -> bool:
        """A planned transition is due. True if the contact changed."""
        if plan != self._travel:
            return False
        self._moving -= 1
        if closed == self.closed or (self.welded and not closed) or (self.no_close and closed):
            return False
        self.closed = closed
        return True

    def weld(self, on: bool) -> bool:
        """Welds or heals. True if healing let a contact go whose armature had already left."""
        self.welded = on
        if on or self._armature or not self.closed or self._moving:
            return False
        self.closed = False
        return True

    @property
    def mirror(self) -> int:
        return int(self.closed) if self._mirror_held is None else self._mirror_held

    def hold_mirror(self, on: bool):
        self._mirror_held = self.mirror if on else None

    @property
    def mirror_held(self) -> bool:
        return self._mirror_held is not None

    def _travel_us(self, travel_ms: float) -> int:
        scatter_us = self._dice.within(round(self._spec.scatter_ms * 1000))
        return max(round(travel_ms * 1000) + scatter_us, 1)

    def _bounces(self, t_us: int) -> list:
        """Two or three openings after the first touch, the last closing within bounce_ms."""
        bounce_us = round(self._spec.bounce_ms * 1000)
        if bounce_us < 12:                # too short for three openings of at least 1 us
            return []
        edges = 2 * (2 + self._dice.below(2))
        cuts: set = set()
        while len(cuts) < edges:
            cuts.add(1 + self._dice.below(bounce_us))
        return [t_us + cut for cut in sorted(cuts)]
