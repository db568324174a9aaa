"""The tie of the four-recloser scheme, R3: joins the two parts of a microgrid while it is an
island, open otherwise, for it would be a parallel path (spec recloser, 4 and 4.2).

Slow tier, every 10 ms. Both separators proven open: it closes, armed (armed_check.py) within
100 ms, later with the full check and the lead's grant. Both proven closed: it opens. Who is about
to close the loop hears from it first that it will open.
"""
from micropython import const

from acu.functions.peers import GRID, ISLAND, LEAD, OUT, SECOND
from acu.functions.separating import ASK, FREE, NO

ARMED_MS = const(100)
_AGAIN_MS = const(1_000)     # armed closings are over by then; from here on with the full check

# Answers of step().
NOTHING = const(0)
CLOSE_ARMED = const(1)
CLOSE = const(2)
OPEN = const(3)


class Tie:
    def __init__(self, closed):
        # open after a reset: nobody knows of what it was part, so it waits for the next island
        self.state = ISLAND if closed else OUT
        self.since_ms = 0
        self._closed = closed

    def _to(self, now_ms, state):
        if state != self.state:
            self.state = state
            self.since_ms = now_ms

    def apart_ms(self, now_ms, peers):
        """How long both separators have been open; -1: they are not, or it is not known."""
        if peers.known_open(now_ms, LEAD) and peers.known_open(now_ms, SECOND):
            return min(peers.for_ms(now_ms, LEAD), peers.for_ms(now_ms, SECOND))
        return -1

    def step(self, now_ms, closed, able, peers):
        """able: nothing is locked, and it was not opened on purpose. NOTHING or what it wants."""
        self._closed = closed
        apart_ms = self.apart_ms(now_ms, peers)
        together = peers.known_closed(now_ms, LEAD) and peers.known_closed(now_ms, SECOND)
        if closed:
            self._to(now_ms, ISLAND)
            return OPEN if together else NOTHING
        if together:
            self._to(now_ms, GRID if able else OUT)
            return NOTHING
        if not able or self.state == OUT:
            self._to(now_ms, OUT)           # until that island is over
            return NOTHING
        if apart_ms < 0:
            return NOTHING
        self._to(now_ms, ISLAND)
        if apart_ms <= ARMED_MS:
            return CLOSE_ARMED
        # once the grid is healthy each part comes back by its own separator
        late = (peers.known(now_ms, LEAD) in (ISLAND, OUT)
                and peers.known(now_ms, SECOND) in (ISLAND, OUT))
        return CLOSE if late and apart_ms >= _AGAIN_MS else NOTHING

    def loop_allows(self, now_ms, peers, promised):
        """(NO, FREE or ASK, mask of those to ask), whoever wants to close it."""
        if promised:
            return NO, 0
        apart_ms = self.apart_ms(now_ms, peers)
        if 0 <= apart_ms <= ARMED_MS:
            return FREE, 0
        if peers.known_open(now_ms, LEAD) or peers.known_open(now_ms, SECOND):
            return ASK, 1 << LEAD
        return NO, 0

    def grants(self, can_open):
        """Its word for a separator: that it opens. can_open: the trip circuit is whole."""
        return not self._closed or can_open
