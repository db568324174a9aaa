"""The doors of one board: builds the drivers that its pins.py names, and no others.

ports(board, pins) -> Ports, for app.build() and the start. The sampler comes before the modules of
a role: its ring needs 32 KiB in one piece. Energises nothing. A port is known to be no stand-in by
its very class: the start's self-test asks for one of those in REAL.
"""
import machine

from acu.drivers.clock import BoardClock, BoardWatchdog
from acu.drivers.flash_store import FlashStore

# door: the classes that may stand behind it, as module and class
REAL = {
    "clock": ("clock BoardClock",),
    "watchdog": ("clock BoardWatchdog",),
    "switchgear": ("gpio BoardSwitchgear",),
    "store": ("flash_store FlashStore",),
    "link": ("fit NullLink",),
    "terminal": ("terminal UsbTerminal", "terminal UartTerminal"),
    "sampler": ("adc_dma AdcRing", "mcp3208_pio McpRing", "atm90e32 Atm90e32",
                "mcp3208_burst McpBurst", "esp32_adc Esp32Adc"),
}


class NullLink:
    """No network yet: always down."""

    up = False

    def publish(self, topic, payload, qos, retain):
        return False

    def subscribe(self, topic_filter):
        pass

    def poll(self, on_message):
        pass


class Ports:
    """measuring is there only where the converter tells readings instead of frames."""

    sampler = switchgear = link = watchdog = None

    def poll(self, now_ms):
        """Once in each slow pass."""
        self.switchgear.poll(now_ms)
        if self.readings:
            self.sampler.poll(now_ms)

    def self_test(self, now_ms):
        """What the roles cannot see, as bits of roles.base T_*; 0: all is well."""
        from acu import forget
        from acu.drivers import selftest
        failed = selftest.run(self, now_ms)
        forget("acu.drivers.selftest")
        return failed


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
        from acu.drivers.terminal import UartTerminal
        p.terminal = UartTerminal(uart)
    else:
        from acu.drivers.terminal import UsbTerminal
        p.terminal = UsbTerminal()
    if not bare:
        complete(p, board, pins)
    return p


def complete(p, board, pins):
    """The doors of a controller. The watchdog, which begins here, comes last."""
    p.sampler = _sampler(board, pins, p)
    p.readings = hasattr(p.sampler, "poll")
    from acu.drivers.gpio import BoardSwitchgear
    p.switchgear = BoardSwitchgear(pins.OUTPUTS, pins.INPUTS, pins.INTERLOCK,
                                   board["mcu"] == "rp2040", getattr(pins, "UNUSED", ()))
    p.link = NullLink()
    p.watchdog = BoardWatchdog()
