"""What the network costs and how it is: declared blocks, changes of the links, the time of NTP.

A handshake, or a look-up of a name, holds the main loop up. Who is about to do so says block(ms),
and block(0) after it; meanwhile fast(), which the fast tier's timer calls every 5 ms, feeds the
watchdog, for 20 s in all between two passes of the main loop and no longer: what hangs is bitten.
An ESP32 has no timer that would call it then; its watchdog is patient instead (clock.py). look()
runs in each pass: excuses the tasks that the block made late, logs BLOCKED and LINK.
"""
from micropython import const

from acu import events as ev

_TICK_MS = const(5)
_MOST = const(4000)         # ticks: 20 s
_LONG_MS = const(500)
_AGAIN_MS = const(60_000)   # the same is not logged more often


class NetWatch:
    """links: those whose changes are logged, LAN first. wifi, ntp: may be None."""

    def __init__(self, clock):
        self.left = 0           # ticks that are still fed; written by both tiers
        self.links = ()
        self.wifi = self.ntp = None
        self.complaint = ""     # why there is no network
        self.feed = None        # of the watchdog
        self._clock = clock
        self._budget = _MOST
        self._given = 0
        self._since_ms = 0
        self._stood_ms = 0      # longest block since the last pass
        self._said = [(False, 0), (False, 0)]
        self._when = {}         # what was logged: when
        self._gaps = 0

    def block(self, ms):
        now_ms = self._clock.now_ms()
        if ms:
            self._since_ms = now_ms
            self._given = self.left = min(ms // _TICK_MS, self._budget)
        else:
            self._budget -= self._given - self.left
            self.left = 0
            self._stood_ms = max(self._stood_ms, now_ms - self._since_ms)

    def fast(self):
        """While there is something left. Allocates nothing."""
        self.left -= 1
        self.feed()

    def look(self, acu, now_ms, gaps):
        """gaps: late ticks so far. The time as it is now."""
        self._budget = _MOST
        if self._stood_ms >= 2 * _TICK_MS:
            now_ms = self._clock.now_ms()
            acu.rested(now_ms)
            if self._stood_ms >= _LONG_MS and self._due(now_ms, ev.BLOCKED):
                acu.log.add(now_ms, ev.BLOCKED, self._stood_ms, gaps - self._gaps)
        self._stood_ms = 0
        self._gaps = gaps
        for k in range(len(self.links)):
            link = self.links[k]
            state = (link.up, 0 if link.up else link.cause)
            if state != self._said[k] and (link.up or link.cause) and self._due(
                    now_ms, (k, state)):
                self._said[k] = state
                acu.log.add(now_ms, ev.LINK, k, int(link.up), state[1])
        if self.wifi:
            self.wifi.poll(now_ms)
        if self.ntp and (not self.wifi or self.wifi.up):
            utc_ms = self.ntp.poll(now_ms)
            if utc_ms:
                self._clock.set_utc(utc_ms)
                acu.told_utc(self._clock.now_ms(), utc_ms)
        return now_ms

    def _due(self, now_ms, what):
        if now_ms - self._when.get(what, -_AGAIN_MS) < _AGAIN_MS:
            return False
        self._when[what] = now_ms
        return True
