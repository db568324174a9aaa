"""A DS18B20 thermometer on one wire, in 0.1 degC. Slow tier; never waits for a conversion.

Every 10 s it begins a conversion, which takes 750 ms, and reads it in a later pass: 1 ms and 12 ms
of the wire's own time. Uses the image's onewire and ds18x20 modules. Three failures in a row, or
none that answers at the start, and the thermometer counts as missing (`there` False, t_dc
-1000); it is looked for again every 10 s.
"""
import ds18x20
import machine
import onewire
from micropython import const

MISSING_DC = const(-1000)       # below everything it can show
_EVERY_MS = const(10_000)
_CONVERT_MS = const(800)        # data sheet: 750 ms at most
_FAILURES = const(3)
_POWER_ON = const(0x0550)       # 85 degC: it has lost its supply and converted nothing
_NEAR_DC = const(750)


class Thermometer:
    def __init__(self, pin):
        self.t_dc = MISSING_DC
        self.there = False
        self._chips = ds18x20.DS18X20(onewire.OneWire(machine.Pin(pin)))
        self._rom = None
        self._due_ms = 0
        self._asked = False
        self._failures = 0

    def poll(self, now_ms):
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + _EVERY_MS
        try:
            if self._rom is None:
                found = self._chips.scan()
                if not found:
                    return
                self._rom = found[0]
            if not self._asked:
                self._chips.convert_temp()
                self._asked = True
                self._due_ms = now_ms + _CONVERT_MS
                return
            self._asked = False
            raw = self._chips.read_scratch(self._rom)       # checks its CRC
            value = raw[0] | raw[1] << 8
            if value == _POWER_ON and self.t_dc < _NEAR_DC:
                return self._failed()
            if value & 0x8000:
                value -= 0x10000
            self.t_dc = (value * 10 + 8) >> 4
            self.there = True
            self._failures = 0
        except Exception:       # onewire and ds18x20 raise several kinds for "no answer"
            self._asked = False
            self._failed()

    def _failed(self):
        self._failures += 1
        if self._failures >= _FAILURES:
            self.there = False
            self.t_dc = MISSING_DC
            self._rom = None
