"""One microcontroller: its time, its pins' owners, its timers, watchdog and resets.

Time is told (run_to, sleep) or, with now_us, real: then each look at the clock catches up first.
Everything due happens in its order of time: devices (converter, DMA), then timers. A hard timer's
callback runs with the heap locked, and one that raises is disabled for good, as on the chip. Runs
on both Pythons. Peripherals are in peripherals.py, the modules that firmware imports in
machine_shim.py.
"""
import micropython

from host_sim.chips.wires import Wires

TICKS = 0x3FFFFFFF
_US0 = (1 << 30) - 3_000_000        # ticks_us at power on: 3 s before its wrap
_MS0 = (1 << 30) - 20_000
_STEP_US = 5_000
_UTC0_MS = 1_609_459_200_000         # 2021-01-01, as after power on

# Pins that firmware may use. A Pico W has its radio on 23, 24, 25 and 29.
_PICO_W = tuple(list(range(23)) + [26, 27, 28, "LED"])
_ESP32 = (0, 1, 2, 3, 4, 5, 12, 13, 14, 15, 16, 17, 18, 19, 21, 22, 23, 25, 26, 27, 32, 33, 34,
          35, 36, 39)

PWRON = 1
HARD = 2
WDT = 3


class ChipReset(SystemExit):
    """The chip is gone: machine.reset(), or its watchdog starved. 72: start it anew."""


class Chip:
    def __init__(self, kind="rp2040", now_us=None):
        if kind not in ("rp2040", "esp32"):
            raise ValueError("no such chip: %s" % kind)
        self.kind = kind
        self.wires = Wires()
        self.pins = _PICO_W if kind == "rp2040" else _ESP32
        self.input_only = () if kind == "rp2040" else (34, 35, 36, 39)
        self.now_us = now_us
        self.t_us = 0
        self.cause = PWRON
        self.bootsel = False            # is the button pressed?
        self.utc_ms = _UTC0_MS          # its real-time clock at t_us 0
        self.unique = b"\xe6\x61\x10\x52\x37\x8b\x4f\x21"
        self.hard_timers = kind == "rp2040"     # False: an image older than MicroPython 1.26
        self.parts = {}                 # "machine.ADC": what the models offer
        self.ctrl_c = 3                 # micropython.kbd_intr, as last set
        self.faults = []                # exceptions of callbacks
        self.on_sleep = None            # call(us): instead of waiting, with real time
        self._devices = []
        self._bus = {}
        self._uarts = {}
        self._running = False
        self._in_irq = 0
        self._locks = 0                 # of the heap, by hard callbacks under way
        self.wires.edge = self._edge
        self._clear()

    def _clear(self):
        self.dead = False
        self.why = ""
        self.masked = False             # interrupts off: nothing is called back
        self.owners = {}                # pin -> what took it
        self.timers = []
        self.irqs = {}
        self.wdt_us = 0                 # it bites then; 0: never started
        self.wdt_ms = 0
        self._boot_us = self.t_us
        self._tick()

    def reset(self, cause):
        """The chip only: the wires' other end does not notice but by what is driven."""
        self.wires.release_all()
        self.cause = cause
        self._clear()
        for device in self._devices:
            device.reset()
        if self.kind == "rp2040":       # its clock starts in 2021 after every reset
            self.utc_ms = _UTC0_MS - self.t_us // 1000

    def die(self, why):
        self.dead = True
        self.why = why
        raise ChipReset(72)

    def alive(self):
        if self.dead:
            raise ChipReset(72)

    # -- what models and the board offer

    def fit(self, name, part):
        """name: "machine.ADC": what that name is on this chip."""
        self.parts[name] = part

    def device(self, device):
        """device.run_to(t_us) in every step of time, device.reset() at a reset."""
        self._devices.append(device)

    def spi(self, number):
        from host_sim.chips.peripherals import SpiBus
        if number not in self._bus:
            self._bus[number] = SpiBus(self)
        return self._bus[number]

    def uart(self, number):
        from host_sim.chips.peripherals import UartLine
        if number not in self._uarts:
            self._uarts[number] = UartLine()
        return self._uarts[number]

    def claim(self, pin, what):
        """A function takes a pin for itself."""
        if pin not in self.pins:
            raise ValueError("pin %s is not there on this board" % (pin,))
        owner = self.owners.get(pin, what)
        if owner != what:
            raise ValueError("pin %s is %s already, and cannot be %s" % (pin, owner, what))
        self.owners[pin] = what

    # -- time

    def _tick(self):
        """Small numbers for the clock of the firmware: it must not allocate."""
        self.wires.t_us = self.t_us
        self.ticks_us = (self.t_us - self._boot_us + _US0) & TICKS
        self.ticks_ms = ((self.t_us - self._boot_us) // 1000 + _MS0) & TICKS

    def look(self):
        """Somebody looks at the clock."""
        self.alive()
        if self.now_us and not self._running:
            self.run_to(self.now_us())

    def run_to(self, t_us):
        """Everything that happens until then."""
        if self._running or t_us < self.t_us:
            return
        self._running = True
        try:
            while True:
                self.alive()
                step_us = min(t_us, self.t_us + _STEP_US)
                for timer in self.timers:
                    if not self.masked:
                        step_us = min(step_us, max(timer.due_us, self.t_us))
                if self.wdt_us and self.wdt_us <= step_us:
                    step_us = self.wdt_us
                self.t_us = step_us
                self._tick()
                for device in self._devices:
                    device.run_to(step_us)
                if self.wdt_us and self.t_us >= self.wdt_us:
                    self.die("wdt")
                if not self.masked:
                    for timer in list(self.timers):
                        if timer.due_us <= self.t_us:
                            timer.fire()
                if self.t_us >= t_us and (self.masked or not self._due()):
                    return
        finally:
            self._running = False

    def _due(self):
        for timer in self.timers:
            if timer.due_us <= self.t_us:
                return True
        return False

    def sleep(self, us):
        """The firmware waits."""
        self.alive()
        if self._in_irq:
            raise RuntimeError("a callback must not wait")
        if self.now_us is None:
            self.run_to(self.t_us + us)
            return
        end_us = self.now_us() + us
        while self.now_us() < end_us:
            if self.on_sleep:
                self.on_sleep(min(1000, end_us - self.now_us()))
            self.run_to(self.now_us())

    def mask(self, us):
        """Interrupts are off for so long, as while the flash is erased. Devices go on."""
        self.masked = True
        self.run_to(self.t_us + us)
        self.masked = False
        self.run_to(self.t_us)

    # -- callbacks

    def call(self, function, argument, hard):
        """False if it raised: then the chip never calls it again."""
        fault = None
        self._in_irq += 1
        if hard:
            self._locks += 1
            micropython.heap_lock()
        try:
            function(argument)
        except Exception as e:
            fault = e
        finally:
            if hard:
                micropython.heap_unlock()
                self._locks -= 1
            self._in_irq -= 1
        if fault is not None:
            self.faults.append(fault)
        return fault is None

    def relax(self):
        """A model's own work inside a hard callback may allocate, it is no part of the chip:
        between relax() and tighten()."""
        for _ in range(self._locks):
            micropython.heap_unlock()

    def tighten(self):
        for _ in range(self._locks):
            micropython.heap_lock()

    def _edge(self, pin, level):
        irq = self.irqs.get(pin)        # (on falling, on rising, handler, Pin, hard)
        if irq and irq[1 if level else 0] and not self.dead:
            if not self.call(irq[2], irq[3], irq[4]):
                del self.irqs[pin]
