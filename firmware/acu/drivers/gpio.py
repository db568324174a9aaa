"""Relays and contacts at the chip's pins (ports.py, Switchgear). Levels 0 and 1; a temperature in
0.1 degC.

OUTPUTS and INPUTS are those of the board's pins.py. A latching relay has two coils, pulsed; its
contact keeps its position without current. A holding relay has one: energised = closed, and a
reset opens it. drive() and feedback() run in the fast tier and allocate nothing. Decides nothing
but three things that no caller can be wrong about:

- no closing coil is energised while the wired interlock chain is open: drive() looks, before and
  after, and an interrupt drops the coils when the chain opens during a pulse;
- never two closing coils at once where a board's outputs are the phases of one switch, which they
  are unless pins.py says `apart` of every one;
- never both coils of one relay.
"""
from acu import forget
from acu.ports import CLOSE, OPEN


class BoardSwitchgear:
    def __init__(self, outputs, inputs, interlock, hard, unused=()):
        """hard: the chip has interrupts at once (an ESP32 has not). unused: coils that no role
        drives; they are held off."""
        from acu.drivers import wiring
        self.outputs = len(outputs)
        self.inputs = len(inputs)
        # outputs of which one at a time may be closed
        self._joined = 0 if all([rule.get("apart") for rule in outputs]) else self.outputs
        self.refused = 0        # closings that the chain, or another coil, forbade
        # the coil that closes, the one that opens (None: the other holds), what they draw at
        self._close, self._open, self._on = wiring.coils(outputs, unused)
        # a pin or a thermometer, and the level that means 1 (-1: a value)
        self._in, self._active, self._sensors = wiring.contacts(inputs)
        self._chain, self._whole = wiring.chain(interlock, self._broken, hard)
        forget("acu.drivers.wiring")

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
            for k in range(self._joined):
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
