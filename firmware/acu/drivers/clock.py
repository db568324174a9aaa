"""The board's time (ports.py, Clock), and its watchdog.

Monotonic milliseconds that never wrap, wrapping microseconds (period 2^30) for the fast tier, and
Unix time. The chip's real-time clock is read once, at the start, and set by set_utc(): as a date,
which means the same whatever the epoch of the chip is (1970 on the RP2040, 2000 on the ESP32).
Neither chip has a battery: after a loss of power it begins in 2021 or 2000, until somebody tells.
"""
import time

import machine
from micropython import const

_TICKS = const(0x3FFFFFFF)
_DAY_MS = const(86_400_000)
_FEED_WITHIN_MS = const(8388)       # the longest that an RP2040 allows


def _days(year, month, day):
    """Days since 1970-01-01 (proleptic Gregorian calendar)."""
    if month <= 2:
        year -= 1
        month += 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
            + day - 719_469)


class BoardClock:
    def __init__(self):
        self.ticks_us = time.ticks_us
        self.ticks_diff = time.ticks_diff
        self.sleep_ms = time.sleep_ms
        self._ticks = time.ticks_ms()
        self._ms = 0
        year, month, day, _, h, m, s, _ = machine.RTC().datetime()
        self._utc0_ms = _days(year, month, day) * _DAY_MS + (h * 3600 + m * 60 + s) * 1000

    def now_ms(self):
        """Slow tier only, and at least once in twelve days: that is where the ticks wrap."""
        ticks = time.ticks_ms()
        self._ms += (ticks - self._ticks) & _TICKS
        self._ticks = ticks
        return self._ms

    def utc_ms(self):
        return self._utc0_ms + self.now_ms()

    def set_utc(self, utc_ms):
        """Also into the chip's clock, which lives through a soft reset. False: not a time."""
        if not 946_684_800_000 <= utc_ms < 4_102_444_800_000:      # 2000 to 2099
            return False
        from acu.primitives.recording import iso
        text = iso(utc_ms)                  # 2026-03-01T06:00:20.231Z
        part = [int(text[k:k + 2]) for k in (2, 5, 8, 11, 14, 17)]
        machine.RTC().datetime((2000 + part[0], part[1], part[2], 0, part[3], part[4], part[5], 0))
        self._utc0_ms = utc_ms - self.now_ms()
        return True


def every_5_ms(call, hard):
    """The fast tier's timer: call(timer) at once by interrupt, or between two byte codes."""
    if hard:
        return machine.Timer(-1, period=5, mode=machine.Timer.PERIODIC, callback=call, hard=True)
    return machine.Timer(0, period=5, mode=machine.Timer.PERIODIC, callback=call)


class BoardWatchdog:
    """Begins with its making and cannot be stopped: who makes it has to feed it."""

    def __init__(self):
        self._wdt = machine.WDT(timeout=_FEED_WITHIN_MS)

    def feed(self):
        self._wdt.feed()
