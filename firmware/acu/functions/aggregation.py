"""F1 in a branch: the answers of its customers to one broadcast, collected for one message.

Runs in the slow tier of a Sub-Coordinator. Says when to send; the role sends. A row is kept only
if it answers the present broadcast; what comes too late is relayed as it is.
"""
from micropython import const

_LEAST_MS = const(100)      # to answer, where no window is given


class Aggregation:
    """rows[k] is the answer of member k in the present collection, or None."""

    def __init__(self, n):
        self.c = 0              # correlation id of the broadcast
        self.rows = [None] * n
        self._n = n
        self._end_ms = -1       # of the collection; -1: none runs

    def start(self, now_ms, c, win_ms):
        """A broadcast goes down. The members' slots fill win_ms; a third of it is for the way
        there and back, and the Coordinator waits as long again for our message."""
        self.c = c
        self.rows = [None] * self._n
        self._end_ms = now_ms + max(win_ms * 4 // 3, _LEAST_MS)

    def take(self, k, c, row):
        """True if this answer will be in the message."""
        if self._end_ms < 0 or c != self.c or self.rows[k] is not None:
            return False
        self.rows[k] = row
        return True

    def rest_ms(self, now_ms, forever_ms):
        if self._end_ms < 0:
            return forever_ms
        return max(self._end_ms - now_ms, 0) if None in self.rows else 0

    def due(self, now_ms):
        """True once: everybody has answered, or the time is over."""
        if self._end_ms < 0 or None in self.rows and now_ms < self._end_ms:
            return False
        self._end_ms = -1
        return True
