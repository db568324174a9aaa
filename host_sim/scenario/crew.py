"""A radial line's customers and the crew that ends what no reclosing ends, and how often and how
long the customers were out.

The crew is there crew_s after the breaker has opened and stayed open: it mends the line, ends the
lock-out, and the centre closes. Nobody plays the hour that it takes in the field: such an outage
counts crew_min. One that ends before is momentary and counts its own time (IEEE 1366: SAIFI and
SAIDI count the long ones, MAIFI the others; all customers are behind the one breaker).
"""
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from host_sim.world.bay import Bay

_AGAIN_US = 5_000_000       # if it did not close
_THEN_US = 500_000          # from the end of the lock-out to the order


@dataclass(frozen=True)
class Line:
    customers: int
    crew_s: float
    crew_min: float


class Crew:
    """order: Centre.order of recloser_run.py."""

    def __init__(self, line: Line, bay: Bay, order: Callable[[int, str], None]):
        self._line = line
        self._bay = bay
        self._order = order
        self._open_us = -1          # since when; -1: closed
        self._close_us = -1         # when to order it closed
        self.visits = 0

    def look(self, t_us: int) -> None:
        """Each slow instant."""
        t_s = t_us / 1e6
        if self._bay.closed(t_s):
            self._open_us = self._close_us = -1
        elif self._open_us < 0:
            self._open_us = t_us
        elif self._close_us >= 0:
            if t_us >= self._close_us:
                self._close_us = t_us + _AGAIN_US
                self._order(t_us, "close")
        elif t_us - self._open_us >= self._line.crew_s * 1e6:
            self.visits += 1
            self._bay.repair(t_s)
            self._order(t_us, "untag")
            self._close_us = t_us + _THEN_US


def outages(line: Line, bay: Bay, end_s: float) -> dict[str, Any]:
    """Per customer: long interruptions, momentary ones, minutes."""
    long = momentary = 0
    minutes = 0.0
    for begin_s, back_s in bay.open_times(end_s):
        if back_s - begin_s >= line.crew_s:
            long += 1
            minutes += line.crew_min
        else:
            momentary += 1
            minutes += (back_s - begin_s) / 60
    return {"interruptions": long, "momentary": momentary, "minutes": round(minutes, 3)}
