"""ISF-2 Synchronisation: UTC on top of the monotonic clock, and common start times.

The device's own clock may be wrong; the last accepted `time` message wins. A step of UTC moves no
deadline: an accepted start time is turned into monotonic time at once (spec smartlvgrid, section
6).
"""
from micropython import const

_LATE_MS = const(200)        # a common start that has just passed still counts as "now"
_AHEAD_MS = const(60_000)    # nothing is agreed further ahead
_DELAY_MS = const(200)       # differences a slow network makes by itself
_GOOD_MS = const(3_600_000)  # so long does one `time` message make the clock a synchronised one


class Synchroniser:
    """utc_ms = monotonic + offset."""

    def __init__(self, clock):
        self._offset_ms = clock.utc_ms() - clock.now_ms()
        self._set_ms = -1
        self._k = -1

    def utc_ms(self, now_ms):
        return now_ms + self._offset_ms

    def synchronised(self, now_ms):
        return self._set_ms >= 0 and now_ms - self._set_ms < _GOOD_MS

    def set(self, now_ms, utc_ms, k=0):
        """Accepts the time; returns the step in ms, or None when the counter is not newer."""
        if utc_ms >> 42 or self._set_ms >= 0 and k <= self._k:
            return None
        step_ms = utc_ms - self.utc_ms(now_ms)
        if -_DELAY_MS < step_ms < 0 and self._set_ms >= 0:
            # the message was under way longer than the one that set us: hardly news
            utc_ms -= step_ms - step_ms // 8
        self._set_ms = now_ms
        self._k = k
        return self.set_by_hand(now_ms, utc_ms)

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
