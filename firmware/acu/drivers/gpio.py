"""Relays and contacts at the chip's pins (ports.py, Switchgear). Levels 0 and 1; a temperature in
0.1 degC.

OUTPUTS and INPUTS are those of the board's pins.py. A latching relay has two coils, pulsed; its
contact keeps its position without current. A holding relay has one: energised = closed, and a
reset opens it. drive() and feedback() run in the fast tier and allocate nothing. Decides nothing
but three things that no caller can be wrong about:

- no closing coil is energised while the wired interlock chain is open: drive() looks, before and
  after, and an interrupt drops the coils when the chain opens during a pulse;
- never two closing coils at once: a board's outputs are the phases of one switch;
- never both coils of one relay.
"""
import machine

from acu.ports import CLOSE, OPEN

_PULL = ("down", "up")


def _coil(number, active):
    """An output that is off from its first moment."""
    return machine.Pin(number, machine.Pin.OUT, value=1 - active)


def _input(rule):
    pull = rule.get("pull")
    if pull not in _PULL:
        return machine.Pin(rule["pin"], machine.Pin.IN)
    return machine.Pin(rule["pin"], machine.Pin.IN,
                       machine.Pin.PULL_UP if pull == "up" else machine.Pin.PULL_DOWN)


class BoardSwitchgear:
    def __init__(self, outputs, inputs, interlock, hard, unused=()):
        """hard: the chip has interrupts at once (an ESP32 has not). unused: coils that no role
        drives; they are held off."""
        for rule in unused:
            for coil in ("close", "open", "pin"):
                if coil in rule:
                    _coil(rule[coil], rule["active"])
        self.outputs = len(outputs)
        self.inputs = len(inputs)
        self.refused = 0        # closings that the chain, or another coil, forbade
        self._close = []        # the coil that closes,
        self._open = []         # the one that opens; None: held closed by the other
        self._on = []           # level at which they draw current
        for rule in outputs:
            active = rule["active"]
            held = rule["drive"] == "hold"
            self._close.append(_coil(rule["pin" if held else "close"], active))
            self._open.append(None if held else _coil(rule["open"], active))
            self._on.append(active)
        self._in = []
        self._active = []
        self._sensors = []
        for rule in inputs:
            if "ds18b20" in rule:
                from acu.drivers.ds18b20 import Thermometer
                sensor = Thermometer(rule["ds18b20"])
                self._sensors.append(sensor)
                self._in.append(sensor)
                self._active.append(-1)
            else:
                self._in.append(_input(rule))
                self._active.append(rule["active"])
        self._chain = None
        self._whole = 1
        if interlock:
            self._whole = interlock["active"]
            self._chain = _input(interlock)
            edge = machine.Pin.IRQ_FALLING if self._whole else machine.Pin.IRQ_RISING
            if hard:
                self._chain.irq(self._broken, edge, hard=True)
            else:
                self._chain.irq(self._broken, edge)

    def interlocked(self):
        """The chain is open: nothing can be closed."""
        return self._chain is not None and self._chain() != self._whole

    def _broken(self, pin):
        """The chain has opened, at any moment. Interrupt."""
        for k in range(self.outputs):
            self._close[k](1 - self._on[k])

    def drive(self, output, level):
        on = self._on[output]
        close = self._close[output]
        trip = self._open[output]
        if level == CLOSE:
            for k in range(self.outputs):
                if k != output and self._close[k]() == self._on[k]:
                    self.refused += 1
                    return
            if self.interlocked():
                self.refused += 1
                return
            if trip is not None:
                trip(1 - on)
            close(on)
            if self.interlocked():      # the interrupt may be late on an ESP32
                close(1 - on)
        elif level == OPEN:
            close(1 - on)
            if trip is not None:
                trip(on)
        elif trip is not None:          # a held contact stays where it is
            close(1 - on)
            trip(1 - on)

    def feedback(self, k):
        active = self._active[k]
        if active < 0:
            return self._in[k].t_dc
        return 1 if self._in[k]() == active else 0

    def poll(self, now_ms):
        """Slow tier: thermometers."""
        for sensor in self._sensors:
            sensor.poll(now_ms)

    def missing(self):
        """Inputs, as bits, whose sensor does not answer."""
        mask = 0
        for k in range(self.inputs):
            if self._active[k] < 0 and not self._in[k].there:
                mask |= 1 << k
        return mask

    def energised(self):
        """Coils that draw current, read back at their pins: 1 << 2k closes, 2 << 2k opens."""
        mask = 0
        for k in range(self.outputs):
            if self._close[k]() == self._on[k]:
                mask |= 1 << 2 * k
            if self._open[k] is not None and self._open[k]() == self._on[k]:
                mask |= 2 << 2 * k
        return mask
