"""A separator of the four-recloser scheme, R1 or R2: open in an island, closed again with the grid
(spec recloser, 4.2).

Slow tier, every 10 ms. CLOSED is GRID here; opened ahead of the protection or by its own, it is an
ISLAND; once the grid has been healthy for il_back_ms it wants to close, through the check, which
waits for the moment. R1 goes first: R2 waits until R1 has been closed for 0.2 s, or is out of the
scheme. What was opened on purpose, has failed, or was found open after a reset stays as it is. A
loop of R1, R2 and R3 is closed for less than 0.3 s: see loop_allows() and grants.py.
"""
from micropython import const

from acu.functions.peers import BACK, GRID, ISLAND, LEAD, OUT, REJOIN, SECOND, SYNC, TIE

# Answers of may_close().
NO = const(0)
FREE = const(1)
ASK = const(2)

_REJOIN_MS = const(2_000)    # a trip by over-current within it is a lock-out
_APART_MS = const(200)       # between two closings
_OPEN_MS = const(1_000)      # so long after an opening nobody closes: R3 may be on its way


class Separating:
    """place: LEAD or SECOND; back_ms: il_back_ms."""

    def __init__(self, place, back_ms, closed):
        self.place = place
        self.state = GRID if closed else OUT
        self.since_ms = 0
        self._back_ms = back_ms
        self._pos_ms = -_OPEN_MS     # since when the position is so
        self._closed = closed

    def _to(self, now_ms, state):
        self.state = state
        self.since_ms = now_ms

    def step(self, now_ms, closed, own, good):
        """closed: proven closed; not proven open counts as closed. own: it was opened by the
        scheme or the protection, not on purpose, and nothing is locked. good: the grid's side is
        healthy. True: it wants to close."""
        if closed != self._closed:
            self._closed = closed
            self._pos_ms = now_ms
        state = self.state
        if closed:
            if state == REJOIN and now_ms - self.since_ms >= _REJOIN_MS:
                self._to(now_ms, GRID)
            elif state != GRID and state != REJOIN:
                self._to(now_ms, REJOIN)
            return False
        if not own:
            if state != OUT:
                self._to(now_ms, OUT)
        elif state in (GRID, REJOIN, OUT):
            self._to(now_ms, ISLAND)
        elif not good:
            if state != ISLAND:
                self._to(now_ms, ISLAND)
        elif state == ISLAND:
            self._to(now_ms, BACK)
        elif state == BACK and now_ms - self.since_ms >= self._back_ms:
            self._to(now_ms, SYNC)
        return self.state == SYNC

    def parted_ms(self, now_ms):
        """How long the position is as it is."""
        return now_ms - self._pos_ms

    # -- the loop

    def loop_allows(self, now_ms, peers, promised):
        """(NO, FREE or ASK, mask of those to ask), whoever wants to close it. promised: another
        one has our word that we do not."""
        if promised or self.parted_ms(now_ms) < _OPEN_MS:
            return NO, 0
        if self.place == LEAD:
            if peers.known_closed(now_ms, SECOND) and peers.for_ms(now_ms, SECOND) < _APART_MS:
                return NO, 0
            if peers.known_open(now_ms, SECOND) or peers.known_open(now_ms, TIE):
                return FREE, 0
            # both not known to be open: the tie must say that it opens
            return (ASK, 1 << TIE) if peers.known(now_ms, TIE) >= 0 else (NO, 0)
        if peers.known_closed(now_ms, LEAD):
            if peers.for_ms(now_ms, LEAD) < _APART_MS:
                return NO, 0
        elif not (peers.known_open(now_ms, LEAD) and peers.known(now_ms, LEAD) == OUT):
            return NO, 0                # R1 first
        ask = 1 << LEAD
        if peers.known_closed(now_ms, LEAD) and not peers.known_open(now_ms, TIE):
            ask |= 1 << TIE
        return ASK, ask

    def grants(self, now_ms, k, closing, peers):
        """The lead's word for SECOND or TIE: closes not, nor lets another one, while it is
        good."""
        if self.place != LEAD or closing:
            return False
        if k == TIE:
            return not self._closed or peers.known_open(now_ms, SECOND)
        if self._closed:
            return self.parted_ms(now_ms) >= _APART_MS
        return self.state == OUT
