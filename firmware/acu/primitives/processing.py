"""CSF-2 Data processing: the slow tier's scheduler, its deadlines, and the watchdog.

Cooperative: each task is a bound method called with now_ms when its period is over. The watchdog
is fed only while every task met its own deadline and the fast tick advances, so a hung task or a
dead timer ends in a reset (design, section 4).
"""
from micropython import const

from acu.ports import FOREVER_MS

_NAME = const(0)
_CALL = const(1)
_PERIOD = const(2)
_DEADLINE = const(3)
_NEXT = const(4)
_LAST = const(5)
_QUIET = const(6)

_PASS_MS = const(10)
_DEAD_MS = const(500)     # without a fast tick


class Scheduler:
    """`late` counts missed deadlines by task name."""

    def __init__(self, watchdog=None):
        self._tasks = []
        self._watchdog = watchdog
        self._fast_seen = -1
        self._fast_ms = 0
        self.late = {}
        self.fast_dead_ms = 0     # for how long the fast tick has not advanced

    def add(self, name, call, period_ms, deadline_ms, quiet=False):
        """call(now_ms) every period_ms; runs more than deadline_ms apart starve the watchdog.
        quiet: it has nothing to do while its controller rests (Acu.rest_ms)."""
        self._tasks.append([name, call, period_ms, deadline_ms, 0, -1, quiet])

    def rest_ms(self, now_ms):
        """Until a task is due that is not quiet."""
        if self.fast_dead_ms >= _DEAD_MS:
            return 0
        rest_ms = FOREVER_MS
        for task in self._tasks:
            if not task[_QUIET]:
                rest_ms = min(rest_ms, task[_NEXT] - now_ms)
        return rest_ms

    def rested(self, now_ms, fast_ticks):
        """After a rest, before run(): the quiet tasks stand as if they had been called all the
        time. A fast tier that has died meanwhile is not excused."""
        for task in self._tasks:
            if task[_QUIET]:
                task[_LAST] = now_ms
                past_ms = now_ms - _PASS_MS - task[_NEXT]
                if past_ms >= 0:
                    task[_NEXT] += (past_ms // task[_PERIOD] + 1) * task[_PERIOD]
        if self._watchdog and fast_ticks != self._fast_seen:
            self._watchdog.feed()

    def run(self, now_ms, fast_ticks):
        """One pass; fast_ticks: the fast tier's own counter. True if the watchdog was fed."""
        if fast_ticks != self._fast_seen:
            self._fast_seen = fast_ticks
            self._fast_ms = now_ms
        self.fast_dead_ms = now_ms - self._fast_ms
        healthy = self.fast_dead_ms < _DEAD_MS
        for task in self._tasks:
            if task[_LAST] >= 0 and now_ms - task[_LAST] > task[_DEADLINE]:
                self.late[task[_NAME]] = self.late.get(task[_NAME], 0) + 1
                healthy = False
            if now_ms >= task[_NEXT]:
                task[_LAST] = now_ms
                task[_NEXT] += task[_PERIOD]
                if task[_NEXT] <= now_ms:
                    task[_NEXT] = now_ms + task[_PERIOD]
                task[_CALL](now_ms)
        if healthy and self._watchdog:
            self._watchdog.feed()
        return healthy
