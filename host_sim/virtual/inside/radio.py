"""The module `network` of the virtual board: a radio that has joined whatever it was told to join.

Sockets are the computer's own, so the board reaches what the computer reaches.
"""


class Radio:
    STA_IF = 0

    def __init__(self):
        self._on = self._joined = False

    def WLAN(self, kind):
        return self

    def country(self, text=None):
        return "XX"

    def hostname(self, text=None):
        return "virtual"

    def active(self, on=None):
        if on is not None:
            self._on = on
        return self._on

    def config(self, **what):
        pass

    def connect(self, ssid, password=None):
        self._joined = self._on

    def disconnect(self):
        self._joined = False

    def isconnected(self):
        return self._joined

    def status(self, what=None):
        return -50 if what == "rssi" else 3
