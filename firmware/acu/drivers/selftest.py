"""The part of the self-test that only the board's drivers know. Imported when it is due, then
forgotten; returns bits of roles.base T_*. Drives nothing.
"""
import gc
import sys

import machine
from micropython import const

from acu.roles.base import T_ADC, T_CLOCK, T_MEMORY, T_PORTS, T_RELAY

_HEAP = const(12_288)       # a console, a record and the log need so much at once

# door: the classes that may stand behind it, as module and class
REAL = {
    "clock": ("clock BoardClock",),
    "watchdog": ("clock BoardWatchdog",),
    "switchgear": ("gpio BoardSwitchgear",),
    "store": ("flash_store FlashStore",),
    "link": ("doors NullLink", "mqtt_link MqttLink", "links Links"),
    "terminal": ("terminal UsbTerminal", "uart UartTerminal"),
    "sampler": ("adc_dma AdcRing", "mcp3208_pio McpRing", "atm90e32 Atm90e32",
                "mcp3208_burst McpBurst", "esp32_adc Esp32Adc"),
}


def stand_ins(ports):
    """Doors behind which there is no driver: their class must be the very one that the driver's
    module has, so neither a name nor an attribute can pass for it."""
    found = []
    for door, places in REAL.items():
        kind = type(getattr(ports, door, None))
        real = False
        for place in places:
            module, name = place.split(" ")
            driver = sys.modules.get("acu.drivers." + module)
            real = real or driver is not None and getattr(driver, name, None) is kind
        if not real:
            found.append(door)
    if hasattr(machine, "__file__"):        # a machine.py on the board hides the chip's own
        found.append("machine")
    return found


def run(ports, now_ms):
    failed = 0
    if stand_ins(ports):
        failed |= T_PORTS
    test = getattr(ports.sampler, "self_test", None)
    if test is None or test():
        failed |= T_ADC
    gear = ports.switchgear
    if not hasattr(gear, "energised") or gear.energised():
        failed |= T_RELAY
    # both clocks of the chip, over some milliseconds
    clock = ports.clock
    ms, us = clock.now_ms(), clock.ticks_us()
    clock.sleep_ms(20)
    ms = clock.now_ms() - ms
    us = clock.ticks_diff(clock.ticks_us(), us)
    if not 19 <= ms <= 40 or not -2_000 <= us - 1000 * ms <= 2_000:
        failed |= T_CLOCK
    gc.collect()
    if hasattr(gc, "mem_free") and gc.mem_free() < _HEAP:
        failed |= T_MEMORY
    return failed
