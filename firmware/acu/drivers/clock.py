"""The board's time (ports.py, Clock), and its watchdog.

Monotonic milliseconds that never wrap, wrapping microseconds (period 2^30) for the fast tier, and
Unix time. The chip's real-time clock is read once, at the start, and set by set_utc(): as a date,
which means the same whatever the epoch of the chip is (1970 on the RP2040, 2000 on the ESP32).
Neither chip has a battery: after a loss of power it begins in 2021 or 2000, until somebody tells.
"""
import time

import machine
from micropython import const

from acu import forget

_TICKS = const(0x3FFFFFFF)
_FEED_WITHIN_MS = const(8388)       # the longest that an RP2040 allows
# an ESP32 has nothing that feeds during a handshake and a look-up, 20 s at most
_PATIENT_MS = const(28_000)


class BoardClock:
    def __init__(self):
        self.ticks_us = time.ticks_us
        self.ticks_diff = time.ticks_diff
        self.sleep_ms = time.sleep_ms
        self._ticks = time.ticks_ms()
        self._ms = 0
        from acu.drivers import rtc
        self._utc0_ms = rtc.read()
        forget("acu.drivers.rtc")

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
        from acu.drivers import rtc
        rtc.write(utc_ms)
        forget("acu.drivers.rtc")
        self._utc0_ms = utc_ms - self.now_ms()
        return True


def every_5_ms(call, hard):
    """The fast tier's timer: call(timer) at once by interrupt, or between two byte codes."""
    if hard:
        return machine.Timer(-1, period=5, mode=machine.Timer.PERIODIC, callback=call, hard=True)
    return machine.Timer(0, period=5, mode=machine.Timer.PERIODIC, callback=call)


class BoardWatchdog:
    """Begins with its making and cannot be stopped: who makes it has to feed it."""

    def __init__(self, hard=True):
        """hard: there are timers that go on while the main loop stands still."""
        self._wdt = machine.WDT(timeout=_FEED_WITHIN_MS if hard else _PATIENT_MS)

    def feed(self):
        self._wdt.feed()
