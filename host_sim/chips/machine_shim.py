"""The modules `machine`, `rp2`, `esp32`, `time`, `onewire` and `ds18x20` of a modelled chip.

install(chip) makes it the chip that firmware meets from now on. The modules are the same objects
for ever and their contents change with the chip, so firmware writes `import machine` and
`machine.Pin` when it needs it. On CPython `time` stays what it is and only learns MicroPython's
calls; in the VM a module of that name takes the built-in's place. Runs on both Pythons.
"""
import sys

import micropython

from host_sim.chips import ds18b20, peripherals
from host_sim.chips.chip import TICKS, Chip, ChipReset
from host_sim.chips.ds18b20 import Ds18b20
from host_sim.chips.peripherals import Now, here
from host_sim.chips.wires import Wires

__all__ = ["Chip", "ChipReset", "Ds18b20", "Wires", "here", "install"]

_VM = sys.implementation.name == "micropython"
_NAMES = ("machine", "rp2", "esp32", "onewire", "ds18x20")
_modules = {}


class _Module:
    """In the VM any object can stand in sys.modules."""

    def __init__(self, name):
        self.__name__ = name


def _new(name):
    return _Module(name) if _VM else type(sys)(name, "see host_sim/chips/machine_shim.py")


# -- machine

def _reset():
    here().die("reset")


def _reset_cause():
    chip = here()
    if chip.kind == "rp2040":   # knows only power on and watchdog, and resets itself by the latter
        return 1 if chip.cause == 1 else 3
    return chip.cause


def _unique_id():
    return here().unique


def _freq(hz=None):
    if hz is not None:
        peripherals.integer(hz, 20_000_000, 270_000_000, "frequency")
    return 125_000_000 if here().kind == "rp2040" else 160_000_000


def _idle():
    here().sleep(1000)


def _disable_irq():
    here().masked = True
    return 0


def _enable_irq(state):
    here().masked = False


# -- time

def _ticks_us():
    chip = Now.chip
    if chip is None or chip.dead or chip.now_us:
        here().look()
        chip = Now.chip
    return chip.ticks_us


def _ticks_ms():
    chip = here()
    chip.look()
    return chip.ticks_ms


def _ticks_diff(a, b):
    return ((a - b + 0x20000000) & TICKS) - 0x20000000


def _ticks_add(a, delta):
    return (a + delta) & TICKS


def _sleep_ms(ms):
    here().sleep(max(0, ms) * 1000)


def _sleep_us(us):
    here().sleep(max(0, us))


def _time():
    """Seconds in the chip's own epoch: 1970 on the RP2040, 2000 on the ESP32."""
    chip = here()
    s = (chip.utc_ms + chip.t_us // 1000) // 1000
    return s if chip.kind == "rp2040" else s - 946_684_800


_TIME = {"ticks_us": _ticks_us, "ticks_ms": _ticks_ms, "ticks_diff": _ticks_diff,
         "ticks_add": _ticks_add, "sleep_ms": _sleep_ms, "sleep_us": _sleep_us}


def _kbd_intr(char):
    here().ctrl_c = char


def _bootsel():
    return 1 if here().bootsel else 0


def _fill(module, parts):
    for name, part in parts.items():
        setattr(module, name, part)


def _machine(chip):
    rp2040 = chip.kind == "rp2040"
    pin = peripherals.Pin
    pin.IN, pin.OUT, pin.OPEN_DRAIN = (0, 1, 2) if rp2040 else (1, 3, 7)
    pin.PULL_UP, pin.PULL_DOWN = (1, 2) if rp2040 else (2, 1)
    parts = {"Pin": pin, "Timer": peripherals.Timer, "WDT": peripherals.WDT,
             "RTC": peripherals.RTC, "SPI": peripherals.SPI, "UART": peripherals.UART,
             "reset": _reset, "reset_cause": _reset_cause, "unique_id": _unique_id, "freq": _freq,
             "idle": _idle, "disable_irq": _disable_irq, "enable_irq": _enable_irq,
             "PWRON_RESET": 1, "WDT_RESET": 3}
    if not rp2040:
        parts.update({"HARD_RESET": 2, "DEEPSLEEP_RESET": 4, "SOFT_RESET": 5})
    return parts


def install(chip):
    """From now on firmware meets this chip."""
    Now.chip = chip
    if not _modules:
        for name in _NAMES:
            _modules[name] = _new(name)
        if _VM:
            real = sys.modules.get("time") or __import__("time")
            clock = _modules["time"] = _new("time")
            _fill(clock, {"gmtime": real.gmtime, "localtime": real.localtime, "sleep": real.sleep,
                          "mktime": real.mktime, "time": _time})
    for name, module in _modules.items():
        sys.modules[name] = module
    clock = _modules.get("time") or __import__("time")
    _fill(clock, _TIME)
    if not _VM:
        micropython.kbd_intr = _kbd_intr
        micropython.mem_info = lambda: None
    rp2040 = chip.kind == "rp2040"
    known = {"machine": _machine(chip),
             "rp2": {"bootsel_button": _bootsel} if rp2040 else {},
             "esp32": {},
             "onewire": {"OneWire": ds18b20.OneWire, "OneWireError": ds18b20.OneWireError},
             "ds18x20": {"DS18X20": ds18b20.DS18X20}}
    for name in chip.parts:
        module, _, part = name.partition(".")
        known[module][part] = chip.parts[name]
    for name in _NAMES:
        module = _modules[name]
        for old in dir(module):
            if old[:2] != "__":
                delattr(module, old)
        _fill(module, known[name])
    # a module that this chip does not have
    sys.modules.pop("esp32" if rp2040 else "rp2")
    return chip
