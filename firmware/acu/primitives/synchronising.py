"""ISF-2 Synchronisation: UTC on top of the monotonic clock, and common start times.

The device's own clock may be wrong; the last accepted `time` message wins. It was under way: half
the round trip of the last question that was answered (asked(), then set(answer=True)) is added to
each. What differs by less than a slow network makes is followed slowly, so that one late message
moves nobody. A step of UTC moves no deadline: an accepted start time is turned into monotonic time
at once (spec smartlvgrid, section 6).
"""
from micropython import const

_LATE_MS = const(200)        # a common start that has just passed still counts as "now"
_AHEAD_MS = const(60_000)    # nothing is agreed further ahead
_DELAY_MS = const(200)       # differences a slow network makes by itself
_GOOD_MS = const(3_600_000)  # so long does one `time` message make the clock a synchronised one
_ROUND_MS = const(2_000)     # an answer that took longer waited somewhere: it says no delay
_TRIM_MS = const(500)        # by so much in all may what is no answer move the clock (trims())


class Synchroniser:
    """utc_ms = monotonic + offset."""

    def __init__(self, clock):
        self._offset_ms = clock.utc_ms() - clock.now_ms()
        self._set_ms = -1
        self._k = -1
        self._asked_ms = -1
        self._answer_ms = 0     # offset that the last answer gave
        self.delay_ms = 0       # one way, of what comes from whom we ask

    def utc_ms(self, now_ms):
        return now_ms + self._offset_ms

    def synchronised(self, now_ms):
        return self._set_ms >= 0 and now_ms - self._set_ms < _GOOD_MS

    def asked(self, now_ms):
        """A question for the time has gone out."""
        self._asked_ms = now_ms

    def trims(self, now_ms, utc_ms):
        """Would this move the clock by so little that it need not be an answer? It must not creep
        away from the last one either."""
        off_ms = utc_ms + self.delay_ms - now_ms
        return self._set_ms >= 0 and abs(off_ms - self._answer_ms) <= _TRIM_MS

    def set(self, now_ms, utc_ms, k=0, answer=False):
        """Accepts the time; returns the step in ms, or None when the counter is not newer; -1: it
        has none. answer: nothing is to be doubted, and if asked() was told of the question, half
        the way there and back is known."""
        if utc_ms >> 42 or self._set_ms >= 0 and -1 < k <= self._k:
            return None
        round_ms = now_ms - self._asked_ms
        fresh = answer and 0 <= self._asked_ms and round_ms <= _ROUND_MS
        if answer:
            self._asked_ms = -1
        if fresh:
            known = self.delay_ms
            half_ms = round_ms // 2
            self.delay_ms = half_ms if not known or half_ms < known else (3 * known + half_ms) // 4
            utc_ms += half_ms
        else:
            utc_ms += self.delay_ms
        step_ms = utc_ms - self.utc_ms(now_ms)
        if self._set_ms >= 0 and not answer and -_DELAY_MS < step_ms < (
                _DELAY_MS if self.delay_ms else 0):
            # one that was longer under way than usual, or less long, is hardly news; where the
            # delay is not known, the quickest is the best
            step_ms = (step_ms + 4) // 8
        self._set_ms = now_ms
        self._k = max(k, self._k)
        self._offset_ms += step_ms
        if answer:
            self._answer_ms = self._offset_ms
        return step_ms

    def set_by_hand(self, now_ms, utc_ms):
        """At the console: the clock steps, and is no more synchronised than before. Returns the
        step in ms."""
        step_ms = utc_ms - self.utc_ms(now_ms)
        self._offset_ms += step_ms
        return step_ms

    def start_ms(self, now_ms, t_utc_ms):
        """Monotonic ms of a common start; 0 means now; None if it is past or too far ahead."""
        if t_utc_ms == 0:
            return now_ms
        wait_ms = t_utc_ms - self.utc_ms(now_ms)
        if wait_ms < -_LATE_MS or wait_ms > _AHEAD_MS:
            return None
        return now_ms + max(wait_ms, 0)
