"""The one gate of a dispatching ACU: contacts that start the diesel set and enable the stores.

Holding relays, so that a reset, a hang that ends in one, and a lost supply release everything. The
slow tier writes `wanted`, one word; the fast tier looks at every tick whether what is wanted may
be, and drives what has changed. Nothing is driven before the self-test passed; a stop releases all
at once; the electrolyser and the fuel cell, which share valves, are never enabled together nor one
right after the other; hydrogen that is not ready is released at once; a diesel set that reports a
fault is not started. Runs in the fast tier: no allocation. Position of the diesel set is its
feedback, never what was ordered (design, section 7).
"""
from array import array

from micropython import const

from acu.ports import CLOSE, OPEN

# Outputs and inputs of board kind microgrid, in the order of board.json.
DIESEL = const(0)
ELECTROLYSER = const(1)
FUEL_CELL = const(2)
BATTERY = const(3)
OUTPUTS = const(4)
IN_RUNS = const(0)       # the diesel set turns and gives voltage
IN_FAULT = const(1)      # its own controller reports a fault; a broken wire does too
IN_H2 = const(2)         # hydrogen: no gas alarm, pressures in order; a broken wire is none
IN_STOP = const(3)       # the stop chain is open

_APART_TICKS = const(200)    # 1 s between electrolyser and fuel cell


class PlantGate:
    """Independent contacts, one an output."""

    def __init__(self, switchgear):
        self._gear = switchgear
        self._rest = array("i", [_APART_TICKS] * OUTPUTS)   # ticks since it was released
        self.on = 0              # driven closed, bits
        self.wanted = 0          # bits, of the slow tier
        self.armed = False       # set by the self-test, never by a message
        self.operations = 0

    def fast(self, bad):
        """Each tick. bad: not 0 while a channel is not believed."""
        want = self._allowed(self.wanted, bad)
        on = self.on
        rest = self._rest
        for k in range(OUTPUTS):
            bit = 1 << k
            if want & bit:
                rest[k] = 0
                if not on & bit:
                    self._gear.drive(k, CLOSE)
                    self.operations += 1
            else:
                if rest[k] < _APART_TICKS:
                    rest[k] += 1
                if on & bit:
                    self._gear.drive(k, OPEN)
                    self.operations += 1
        self.on = want

    def busy(self):
        """The next tick is needed: something is to be driven, or the second between electrolyser
        and fuel cell runs."""
        for k in (ELECTROLYSER, FUEL_CELL):
            if not self.on & 1 << k and self._rest[k] < _APART_TICKS:
                return True
        return self._allowed(self.wanted, 0) != self.on

    def _allowed(self, want, bad):
        """Of what is wanted, what may be driven at this very moment."""
        gear = self._gear
        if not self.armed or gear.feedback(IN_STOP):
            return 0
        on = self.on
        if gear.feedback(IN_FAULT) and not on & 1 << DIESEL:
            want &= ~(1 << DIESEL)
        if not gear.feedback(IN_H2):
            want &= ~(1 << ELECTROLYSER | 1 << FUEL_CELL)
        if bad and not on & 1 << ELECTROLYSER:      # no new load on a grid that nobody sees
            want &= ~(1 << ELECTROLYSER)
        if on & 1 << FUEL_CELL or self._rest[FUEL_CELL] < _APART_TICKS:
            want &= ~(1 << ELECTROLYSER)
        elif on & 1 << ELECTROLYSER or self._rest[ELECTROLYSER] < _APART_TICKS:
            want &= ~(1 << FUEL_CELL)
        elif want & 1 << ELECTROLYSER:
            want &= ~(1 << FUEL_CELL)
        return want
