"""The doors of one board: builds the drivers that its pins.py names, and no others.

ports(board, pins) -> Ports, for app.build() and the start. The sampler comes before the modules of
a role: its ring needs 32 KiB in one piece. Dropped after the start; what stays of it is doors.py.
Energises nothing.
"""
import machine

from acu.drivers.clock import BoardClock, BoardWatchdog
from acu.drivers.doors import NullLink, Ports
from acu.drivers.flash_store import FlashStore


def _sampler(board, pins, ports):
    rule = pins.CONVERTER
    driver = rule["driver"]
    pairs = tuple([tuple(pair) for pair in board["pairs"]])
    if driver == "rp2_adc":
        from acu.drivers.adc_dma import AdcRing
        return AdcRing(rule["pins"], pairs, board["rate_hz"])
    if driver == "mcp3208_pio":
        from acu.drivers.mcp3208_pio import McpRing
        return McpRing(rule, pairs, board["rate_hz"])
    if driver == "atm90e32":
        from acu.drivers.atm90e32 import fit
    elif driver == "mcp3208_burst":
        from acu.drivers.mcp3208_burst import fit
    elif driver == "esp32_adc":
        from acu.drivers.esp32_adc import fit
    else:
        raise ValueError("E350 pins: no driver is called %s. See docs/starting.md." % driver)
    sampler, measuring = fit(rule, board)
    if measuring:
        ports.measuring = measuring
    return sampler


def ports(board, pins, root="/data", bare=False):
    """bare: only what a console needs; complete() does the rest."""
    p = Ports()
    p.clock = BoardClock()
    p.store = FlashStore(root)
    p.unique_id = machine.unique_id()
    uart = getattr(pins, "TERMINAL", None)
    if uart:
        from acu.drivers.uart import UartTerminal
        p.terminal = UartTerminal(uart)
    else:
        from acu.drivers.terminal import UsbTerminal
        p.terminal = UsbTerminal()
    if not bare:
        complete(p, board, pins)
    return p


def _hard_timer():
    """The RP2040 port has them from MicroPython 1.26 on."""
    try:
        machine.Timer(-1, period=1000, mode=machine.Timer.ONE_SHOT, callback=None,
                      hard=True).deinit()
        return True
    except TypeError:
        return False


def complete(p, board, pins):
    """The doors of a controller. The watchdog, which begins here, comes last."""
    if board["mcu"] == "rp2040" and not _hard_timer():
        raise ValueError("E351 timer: this MicroPython has no hard timers, so no protection would "
                         "be on time. Put version 1.26 or later on the board")
    p.sampler = _sampler(board, pins, p)
    p.readings = hasattr(p.sampler, "poll")
    from acu.drivers.gpio import BoardSwitchgear
    p.switchgear = BoardSwitchgear(pins.OUTPUTS, pins.INPUTS, pins.INTERLOCK,
                                   board["mcu"] == "rp2040", getattr(pins, "UNUSED", ()))
    p.link = NullLink()
    p.watchdog = BoardWatchdog(board["mcu"] == "rp2040")
