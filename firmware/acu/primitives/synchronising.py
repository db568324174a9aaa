"""ISF-2 Synchronisation: UTC on top of the monotonic clock, and common start times.

The device's own clock may be wrong; the last accepted `time` message wins. Whoever has asked for
it (questioned(), then set(answer=True)) knows more: UTC lies between what the answer says and that
plus the round trip, and what all answers leave of it is halved; a message that nobody asked for
cannot have come before it was sent (F. Cristian 1989; K. Marzullo 1984). A step of UTC moves no
deadline: an accepted start time is turned into monotonic time at once (spec smartlvgrid, 6).
"""
from micropython import const

_LATE_MS = const(200)        # a common start that has just passed still counts as "now"
_AHEAD_MS = const(60_000)    # nothing is agreed further ahead
_DELAY_MS = const(200)       # differences a slow network makes by itself
_GOOD_MS = const(3_600_000)  # so long does one `time` message make the clock a synchronised one
_ROUND_MS = const(2_000)     # an answer that took longer waited somewhere: it says no delay,
                             # and what lies within its round trip it leaves as it is
_DRIFT = const(20_000)       # two crystals go apart by 50 ppm: 1 ms in so many
_TRIM_MS = const(500)        # by so much in all may what is no answer move the clock (trims())


class Synchroniser:
    """utc_ms = monotonic + offset."""

    def __init__(self, clock):
        self._offset_ms = clock.utc_ms() - clock.now_ms()
        self._set_ms = -1
        self._k = -1
        self._asked_ms = -1
        self._answer_ms = 0     # offset that the last answer gave
        self._lo_ms = self._hi_ms = 0       # where the offset lies; equal: never answered
        self.round_ms = 0       # of the last answer

    def utc_ms(self, now_ms):
        return now_ms + self._offset_ms

    def synchronised(self, now_ms):
        return self._set_ms >= 0 and now_ms - self._set_ms < _GOOD_MS

    def questioned(self, now_ms):
        """A question for the time has gone out."""
        self._asked_ms = now_ms

    def delay_ms(self):
        """One way, the shortest."""
        return (self._hi_ms - self._lo_ms) // 2

    def trims(self, now_ms, utc_ms):
        """Would this move the clock by so little that it need not be an answer? It must not creep
        away from the last one either."""
        return self._set_ms >= 0 and abs(
            utc_ms + self.delay_ms() - now_ms - self._answer_ms) <= _TRIM_MS

    def set(self, now_ms, utc_ms, k=0, answer=False):
        """Accepts the time; returns the step in ms, or None when the counter is not newer; -1: it
        has none. answer: nothing is to be doubted, and if questioned() was told of the question,
        the way there and back is known."""
        if utc_ms >> 42 or self._set_ms >= 0 and -1 < k <= self._k:
            return None
        was_ms = self._offset_ms
        lo_ms = utc_ms - now_ms         # it was sent before now
        round_ms = -1
        known = self._hi_ms > self._lo_ms
        if answer and self._asked_ms >= 0:
            round_ms = self.round_ms = now_ms - self._asked_ms
            self._asked_ms = -1
        if round_ms > _ROUND_MS and self._set_ms >= 0 and 0 <= was_ms - lo_ms <= round_ms:
            self._set_ms = now_ms       # it says nothing against what we have
            self._k = max(k, self._k)
            return 0
        if 0 <= round_ms <= _ROUND_MS:
            wide_ms = (now_ms - self._set_ms) // _DRIFT
            self._lo_ms = max(lo_ms, self._lo_ms - wide_ms) if known else lo_ms
            self._hi_ms = min(lo_ms + round_ms, self._hi_ms + wide_ms) if known else (
                lo_ms + round_ms)
            if self._lo_ms > self._hi_ms:       # whoever answers has set his clock
                self._lo_ms = lo_ms
                self._hi_ms = lo_ms + round_ms
            self._offset_ms = (self._lo_ms + self._hi_ms) // 2
        else:
            # on which way an answer was late nobody knows: the middle is never far wrong
            step_ms = lo_ms + (self.delay_ms() if round_ms < 0 else round_ms // 2) - was_ms
            if self._set_ms < 0 or answer or abs(step_ms) >= _DELAY_MS:     # taken whole
                self._offset_ms += step_ms
                self._lo_ms += step_ms
                self._hi_ms += step_ms
            elif known:
                self._lo_ms = max(self._lo_ms, min(lo_ms, self._hi_ms))
                self._offset_ms = (self._lo_ms + self._hi_ms) // 2
            else:       # the quickest is the best, a late one hardly news
                self._offset_ms += step_ms if step_ms > 0 else (step_ms + 4) // 8
        self._set_ms = now_ms
        self._k = max(k, self._k)
        if answer:
            self._answer_ms = self._offset_ms
        return self._offset_ms - was_ms

    def set_by_hand(self, now_ms, utc_ms):
        """At the console: the clock steps, and is no more synchronised than before. Returns the
        step in ms."""
        step_ms = utc_ms - self.utc_ms(now_ms)
        self._offset_ms += step_ms
        self._lo_ms = self._hi_ms = 0
        return step_ms

    def start_ms(self, now_ms, t_utc_ms):
        """Monotonic ms of a common start; 0 means now; None if it is past or too far ahead."""
        if t_utc_ms == 0:
            return now_ms
        wait_ms = t_utc_ms - self.utc_ms(now_ms)
        if wait_ms < -_LATE_MS or wait_ms > _AHEAD_MS:
            return None
        return now_ms + max(wait_ms, 0)
