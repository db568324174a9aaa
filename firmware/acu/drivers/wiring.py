"""The pins of relays and contacts as gpio.py drives and reads them. Loaded at the start, then
forgotten. Energises nothing: a coil is off from the first moment that its pin is an output.
"""
import machine

_PULL = ("down", "up")


def _coil(number, active):
    return machine.Pin(number, machine.Pin.OUT, value=1 - active)


def _input(rule):
    pull = rule.get("pull")
    if pull not in _PULL:
        return machine.Pin(rule["pin"], machine.Pin.IN)
    return machine.Pin(rule["pin"], machine.Pin.IN,
                       machine.Pin.PULL_UP if pull == "up" else machine.Pin.PULL_DOWN)


def coils(outputs, unused):
    """Lists of: the coil that closes, the one that opens (None: held by the other), level of
    current."""
    for rule in unused:
        for coil in ("close", "open", "pin"):
            if coil in rule:
                _coil(rule[coil], rule["active"])
    closes, opens, on = [], [], []
    for rule in outputs:
        active = rule["active"]
        held = rule["drive"] == "hold"
        closes.append(_coil(rule["pin" if held else "close"], active))
        opens.append(None if held else _coil(rule["open"], active))
        on.append(active)
    return closes, opens, on


def contacts(inputs):
    """Lists of: pin or thermometer, level that means 1 (-1: a value); and the thermometers."""
    pins, active, sensors = [], [], []
    for rule in inputs:
        if "ds18b20" in rule:
            from acu.drivers.ds18b20 import Thermometer
            sensor = Thermometer(rule["ds18b20"])
            sensors.append(sensor)
            pins.append(sensor)
            active.append(-1)
        else:
            pins.append(_input(rule))
            active.append(rule["active"])
    return pins, active, sensors


def chain(rule, broken, hard):
    """(pin or None, level of a closed chain); broken(pin) is called when it opens."""
    if not rule:
        return None, 1
    whole = rule["active"]
    pin = _input(rule)
    edge = machine.Pin.IRQ_FALLING if whole else machine.Pin.IRQ_RISING
    if hard:
        pin.irq(broken, edge, hard=True)
    else:
        pin.irq(broken, edge)
    return pin, whole
