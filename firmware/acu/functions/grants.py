"""Grants between the reclosers of a loop: who may close now, and what the others do for it.

Slow tier. A wish has a number and ends some time after it was said, by the clock of whoever
wishes: a grant that comes late is none, so nobody's clock and no lost word can make two of them
close. Who grants promises, by his own clock, for longer than the wish can last: the lead that it
neither closes nor lets another one close, the tie that it opens, unless it hears that the wish is
over. A wish that the tie opens for is short, so that the loop is closed for less than 0.3 s.
"""
from micropython import const

SHORT_MS = const(200)        # from the wish until the close order, where a loop closes
LONG_MS = const(3_000)       # and where none does
_PAUSE_MS = const(600)       # from one wish to the next
PROMISE_MS = const(3_500)    # the longest wish, travel of the breaker, margin
COMMIT_MS = const(300)       # then the tie opens: the loop is closed for less than 0.3 s
_ANSWER_MS = const(110)      # without an answer by then the wish is over: it could be too late
_NUMBERS = const(0x7FFF)


class Grants:
    def __init__(self, first):
        self._n = first % _NUMBERS      # another one after each start
        self._asked_ms = -_PAUSE_MS
        self._lasts_ms = 0
        self._needed = 0                # mask of places
        self._got = 0
        self.ask = 0                    # as told: the wish, negative: it is over
        self.to = -1                    # who has our promise
        self.number = 0
        self._until_ms = 0

    # -- who wishes

    def wish(self, now_ms, needed, lasts_ms):
        """A new wish, if the last one is long enough ago. needed: mask of those who must grant."""
        if self.ask > 0 or now_ms - self._asked_ms < _PAUSE_MS:
            return False
        self._n = self._n % _NUMBERS + 1
        self.ask = self._n
        self._asked_ms = now_ms
        self._lasts_ms = lasts_ms
        self._needed = needed
        self._got = 0
        return True

    def asks(self, k):
        """The wish as told to place k: only who has to do something for it must know."""
        return self.ask if self._needed >> k & 1 else 0

    def granted(self, k, number):
        if number == self.ask and number > 0:
            self._got |= 1 << k

    def left_ms(self, now_ms):
        """For how long all that was needed is granted; 0: it is not."""
        if self.ask <= 0 or self._got & self._needed != self._needed:
            return 0
        return max(self._lasts_ms - (now_ms - self._asked_ms), 0)

    def missed(self, now_ms):
        """The wish has ended without a closing, or cannot be granted in time."""
        if self.ask <= 0:
            return False
        past_ms = now_ms - self._asked_ms
        return past_ms >= self._lasts_ms or (
            past_ms >= _ANSWER_MS and self._got & self._needed != self._needed)

    def over(self, closed):
        """It has closed: the promises stand. Or not: the others are told, and are free again."""
        if self.ask > 0:
            self.ask = 0 if closed else -self.ask

    # -- who grants

    def promised(self, now_ms):
        return self.to >= 0 and now_ms < self._until_ms

    def promise(self, now_ms, k, number, lasts_ms):
        """To one at a time; the same wish, said again, changes nothing."""
        if self.promised(now_ms):
            return self.to == k and self.number == number
        if self.to == k and self.number == number:
            return False                # that one is over
        self.to = k
        self.number = number
        self._until_ms = now_ms + lasts_ms
        return True

    def released(self, k, number):
        """It says that its wish is over."""
        if self.to == k and self.number == -number:
            self._until_ms = 0

    def due(self, now_ms):
        """A promise that nobody has released ends now; once."""
        if self.to < 0 or now_ms < self._until_ms or not self._until_ms:
            return False
        self._until_ms = 0
        return True
