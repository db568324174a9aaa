"""What `machine` offers of a chip, but for converters, DMA and PIO (their models bring those).

Each refuses what the chip would refuse, or what could not work on it: pins that are not there or
taken, arguments out of range, driving an input. Runs on both Pythons. Calls that firmware makes
from hard callbacks take no *args: those would allocate in the firmware's name.
"""


class _Now:
    """The chip that is installed."""

    def __init__(self):
        self.chip = None


Now = _Now()


def here():
    chip = Now.chip
    if chip is None:
        raise RuntimeError("no chip is installed")
    if chip.dead:
        chip.alive()
    return chip


def _number(pin):
    return pin.id if isinstance(pin, Pin) else pin


def integer(value, low, high, what):
    if not isinstance(value, int) or not low <= value <= high:
        raise ValueError("%s = %s is not %d to %d" % (what, value, low, high))


class Pin:
    """Constants as on the RP2040; install() gives an ESP32 its own."""

    IN = 0
    OUT = 1
    OPEN_DRAIN = 2
    PULL_UP = 1
    PULL_DOWN = 2
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, pin, mode=-1, pull=-1, *, value=None):
        chip = here()
        self.id = _number(pin)
        self._chip = chip
        if self.id not in chip.pins:
            raise ValueError("pin %s is not there on this board" % (self.id,))
        if mode != -1 or pull != -1 or value is not None:
            self.init(mode, pull, value=value)

    def init(self, mode=-1, pull=-1, *, value=None):
        chip = here()
        if mode not in (-1, Pin.IN, Pin.OUT, Pin.OPEN_DRAIN):
            raise ValueError("pin %s: no such mode" % (self.id,))
        if pull not in (-1, None, Pin.PULL_UP, Pin.PULL_DOWN):
            raise ValueError("pin %s: no such pull" % (self.id,))
        if self.id in chip.input_only and (mode not in (-1, Pin.IN) or pull not in (-1, None)):
            raise ValueError("pin %s can only be read, and has no pulls" % (self.id,))
        if mode == Pin.OUT:
            chip.claim(self.id, "an output")
            # as the chip does: the latch first, then the direction
            level = chip.wires.driven(self.id)
            if value is not None:
                level = 1 if value else 0
            chip.wires.drive(self.id, level or 0)
        elif mode != -1:
            if value is not None:
                raise ValueError("pin %s: an input has no value to be set" % (self.id,))
            chip.claim(self.id, "a one-wire bus" if mode == Pin.OPEN_DRAIN else "an input")
            chip.wires.drive(self.id, None)
        if pull != -1:
            up = None if pull is None else 1 if pull == Pin.PULL_UP else 0
            chip.wires.pull(self.id, up)

    def __call__(self, value=None):
        return self.value(value)

    def value(self, value=None):
        chip = self._chip
        if chip is not Now.chip or chip.dead:
            here()
        if value is None:
            return chip.wires.read(self.id)
        if chip.owners.get(self.id) != "an output":
            raise ValueError("pin %s is no output" % (self.id,))
        chip.relax()
        try:
            chip.wires.drive(self.id, 1 if value else 0)
        finally:
            chip.tighten()

    def on(self):
        self.value(1)

    def off(self):
        self.value(0)

    def irq(self, handler=None, trigger=12, *, hard=False):
        chip = here()
        if chip.kind == "esp32" and hard:
            raise ValueError("hard interrupts are not implemented")
        if handler is None:
            chip.irqs.pop(self.id, None)
        else:
            chip.irqs[self.id] = (trigger & Pin.IRQ_FALLING, trigger & Pin.IRQ_RISING, handler,
                                  self, hard)
        return self


class Timer:
    """A periodic or single callback. RP2040: software timers (id -1), hard or soft; ESP32: id 0 to
    3, soft only."""

    ONE_SHOT = 0
    PERIODIC = 1

    def __init__(self, id=-1, *, mode=1, freq=-1, period=-1, callback=None, hard=False):
        chip = here()
        if chip.kind == "rp2040" and id != -1:
            raise ValueError("Timer doesn't exist")
        if chip.kind == "esp32" and id not in (0, 1, 2, 3):
            raise ValueError("invalid Timer number")
        self._chip = chip
        if callback or freq != -1 or period != -1:
            self.init(mode=mode, freq=freq, period=period, callback=callback, hard=hard)

    def init(self, *, mode=1, freq=-1, period=-1, callback=None, hard=False):
        chip = here()
        if hard and not chip.hard_timers:
            if chip.kind == "esp32":
                raise ValueError("hard Timers are not implemented")
            raise TypeError("extra keyword arguments given")
        if freq != -1:
            integer(freq, 1, 1000, "freq")
            self.period_us = 1_000_000 // freq
        else:
            integer(period, 1, 1 << 30, "period")
            self.period_us = period * 1000
        self.mode = mode
        self.hard = hard
        self.callback = callback
        self.due_us = chip.t_us + self.period_us
        if self not in chip.timers:
            chip.timers.append(self)

    def fire(self):
        chip = self._chip
        if self.mode == Timer.PERIODIC:
            self.due_us += self.period_us
        else:
            self.deinit()
        # an exception disables the callback for good, as on the chip
        if self.callback and not chip.call(self.callback, self, self.hard):
            self.deinit()

    def deinit(self):
        if self in self._chip.timers:
            self._chip.timers.remove(self)


class WDT:
    """Cannot be stopped; starved, it resets the chip."""

    def __init__(self, id=0, timeout=5000):
        chip = here()
        if id != 0:
            raise ValueError("there is one watchdog")
        integer(timeout, 1, 8388 if chip.kind == "rp2040" else 1 << 30, "timeout")
        chip.wdt_ms = timeout
        self._chip = chip
        self.feed()

    def feed(self):
        if self._chip.dead:
            self._chip.alive()
        chip = self._chip
        chip.relax()
        chip.wdt_us = chip.t_us + chip.wdt_ms * 1000
        chip.tighten()

    def deinit(self):
        raise AttributeError("a watchdog cannot be stopped")


def days(year, month, day):
    """Days since 1970-01-01 (proleptic Gregorian calendar)."""
    if month <= 2:
        year -= 1
        month += 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
            + day - 719_469)


def date(day):
    """(year, month, day) of a number of days since 1970-01-01."""
    year = 1970 + day // 366
    while days(year + 1, 1, 1) <= day:
        year += 1
    month = 12
    while days(year, month, 1) > day:
        month -= 1
    return year, month, day - days(year, month, 1) + 1


class RTC:
    """Its tuple is the same whatever the epoch: (year, month, day, weekday, h, m, s, rest), the
    rest 0 on the RP2040 and microseconds on the ESP32."""

    def datetime(self, when=None):
        chip = here()
        chip.look()
        if when is None:
            ms = chip.utc_ms + chip.t_us // 1000
            day = ms // 86_400_000
            year, month, dom = date(day)
            s = ms // 1000 % 86_400
            rest = ms % 1000 * 1000 if chip.kind == "esp32" else 0
            return (year, month, dom, (day + 3) % 7, s // 3600, s // 60 % 60, s % 60, rest)
        if len(when) != 8:
            raise ValueError("a date has 8 items")
        year, month, dom, _, h, m, s, rest = when
        for value, low, high in ((year, 2000, 2099), (month, 1, 12), (dom, 1, 31), (h, 0, 23),
                                 (m, 0, 59), (s, 0, 59)):
            integer(value, low, high, "date")
        ms = (days(year, month, dom) * 86_400 + h * 3600 + m * 60 + s) * 1000
        if chip.kind == "esp32":
            ms += rest // 1000
        chip.utc_ms = ms - chip.t_us // 1000
        return None


class SpiBus:
    """One SPI of the chip; devices are chosen by their select pin, active low."""

    def __init__(self, chip):
        self.chip = chip
        self.devices = []       # (pin, device)
        self.baudrate = 0
        self.mode = -1

    def attach(self, cs, device):
        self.devices.append((cs, device))
        self.chip.wires.watch(cs, lambda pin, level, t_us: device.select(level == 0))

    def exchange(self, byte):
        chosen = [d for cs, d in self.devices if self.chip.wires.driven(cs) == 0]
        if len(chosen) > 1:
            raise ValueError("two devices of one SPI are selected")
        if not chosen:
            return 0xFF
        wanted = getattr(chosen[0], "mode", None)
        if wanted is not None and wanted != self.mode:
            raise ValueError("SPI mode %d, but the device needs %d" % (self.mode, wanted))
        return chosen[0].exchange(byte)


class SPI:
    MSB = 0
    LSB = 1

    def __init__(self, id, baudrate=1_000_000, *, polarity=0, phase=0, bits=8, firstbit=0,
                 sck=None, mosi=None, miso=None):
        chip = here()
        integer(id, 0 if chip.kind == "rp2040" else 1, 1 if chip.kind == "rp2040" else 2, "SPI")
        integer(baudrate, 1000, 40_000_000, "baudrate")
        if polarity not in (0, 1) or phase not in (0, 1) or bits != 8 or firstbit != 0:
            raise ValueError("SPI: no such polarity, phase, bits or bit order")
        for pin, what in ((sck, "clock"), (mosi, "data out"), (miso, "data in")):
            if pin is not None:
                chip.claim(_number(pin), "SPI %d %s" % (id, what))
        self._bus = chip.spi(id)
        self._bus.baudrate = baudrate
        self._bus.mode = 2 * polarity + phase

    def write(self, data):
        here()
        for byte in data:
            self._bus.exchange(byte)

    def read(self, n, write=0):
        out = bytearray(n)
        self.readinto(out, write)
        return bytes(out)

    def readinto(self, out, write=0):
        here()
        for k in range(len(out)):
            out[k] = self._bus.exchange(write)

    def write_readinto(self, data, out):
        here()
        if len(data) != len(out):
            raise ValueError("buffers must be the same length")
        for k in range(len(data)):
            out[k] = self._bus.exchange(data[k])

    def deinit(self):
        pass


class UartLine:
    """The other end of a serial line."""

    ROOM = 256

    def __init__(self):
        self.inbox = b""
        self.outbox = b""

    def to_chip(self, data):
        self.inbox += bytes(data)

    def from_chip(self):
        out = self.outbox
        self.outbox = b""
        return out


class UART:
    def __init__(self, id, baudrate=9600, *, tx=None, rx=None, **other):
        chip = here()
        integer(id, 0, 1 if chip.kind == "rp2040" else 2, "UART")
        for pin, what in ((tx, "sends"), (rx, "receives")):
            if pin is not None:
                chip.claim(_number(pin), "UART %d %s" % (id, what))
        self._line = chip.uart(id)

    def any(self):
        here()
        return len(self._line.inbox)

    def read(self, n=-1):
        here()
        data = self._line.inbox if n < 0 else self._line.inbox[:n]
        self._line.inbox = self._line.inbox[len(data):]
        return data or None

    def write(self, data):
        here()
        taken = min(len(data), UartLine.ROOM - len(self._line.outbox))
        self._line.outbox += bytes(data[:taken])
        return taken if taken else None
