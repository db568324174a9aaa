"""The Wi-Fi station of a Pico W or an ESP32: joins one net, and again whenever it is lost.

poll() looks twice a second and never waits; joining goes on in the radio's own time. An attempt
that has not joined within 20 s is given up and begun anew, at the latest after a minute. What
others see: up, rssi(), fault (the radio's own number of the last failure), joins.
"""
import network
from micropython import const

_LOOK_MS = const(500)
_TRY_MS = const(20_000)
_CAP_MS = const(60_000)
_NO_SLEEP = const(0xA11140)     # else a Pico W lets a message wait for 200 ms and more


class Wifi:
    def __init__(self, ssid, password, country, me, pico):
        """pico: the radio is a Pico W's."""
        self.up = False
        self.fault = 0
        self.joins = 0
        self._ssid = ssid
        self._password = password
        self._look_ms = self._due_ms = 0
        self._wait_ms = _TRY_MS
        if country:
            network.country(country)
        network.hostname(me)
        self._wlan = wlan = network.WLAN(network.STA_IF)
        wlan.active(True)
        if pico:
            wlan.config(pm=_NO_SLEEP)

    def poll(self, now_ms):
        if now_ms < self._look_ms:
            return
        self._look_ms = now_ms + _LOOK_MS
        wlan = self._wlan
        try:
            up = wlan.isconnected()
            if up != self.up:
                self.up = up
                self.joins += up
                self._wait_ms = _TRY_MS
                self._due_ms = now_ms + _TRY_MS     # the radio tries by itself first
            if not up and (now_ms >= self._due_ms or not self._due_ms):
                self.fault = wlan.status()
                if self._due_ms:
                    wlan.disconnect()
                    self._wait_ms = min(2 * self._wait_ms, _CAP_MS)
                self._due_ms = now_ms + self._wait_ms
                wlan.connect(self._ssid, self._password or None)
        except (OSError, RuntimeError):     # the radio's firmware is at odds with itself
            self.up = False

    def rssi(self):
        """dBm; 0: not known."""
        try:
            return self._wlan.status("rssi") if self.up else 0
        except (OSError, ValueError, RuntimeError):
            return 0
