"""An MCP3208 by its datasheet (Microchip DS21298): what it answers bit by bit, and refuses.

codes(channel, t_us) -> 0..4095. Two ways in: edge by edge (levels, with times in ns, which are
checked against the limits at the supply; t_ns None: order only), and code(), for a model that does
not go by edges. on_wires() hangs it on a modelled chip's pins. Runs on both Pythons.
"""
# Limits in ns: clock high and low, select to first clock, deselected, data before and after the
# rising edge, output valid after the falling one.
_HIGH = 250
_SETUP_CS = 100
_DESELECTED = 500
_SETUP = 100
_HOLD = 100
_VALID = 250
_WHOLE = 1_200_000      # from the end of the sample to the last bit: the capacitor's patience
_CLOCKS = 42            # start .. the eleventh bit backwards, and as many zeros as one likes


class ProtocolError(Exception):
    pass


class Mcp3208:
    def __init__(self, codes, pins=(2, 3, 4, 5), vdd_mv=3300):
        """pins: sck, mosi, miso, cs."""
        self.codes = codes
        self.pins = tuple(pins)
        # 1 MHz at 2.7 V, 2 MHz at 5 V, and the line between
        self.clock_ns = 1_000_000_000 // (1_000_000 + (vdd_mv - 2700) * 1_000_000 // 2300)
        self.cs = 1
        self.sck = 0
        self.mosi = 0
        self.conversions = 0
        self.least_ns = {}      # the shortest of each time that was seen
        self._times = {}
        self._begin()

    def code(self, channel, t_us):
        code = self.codes(channel, t_us)
        if not 0 <= code <= 4095:
            raise ValueError("MCP3208: a code of %d at channel %d" % (code, channel))
        return code

    # ---- edges

    def _begin(self):
        self._started = False
        self._clocks = 0        # rising edges since the start bit, itself included
        self._word = 0
        self._bits = []         # still to come
        self._out = None        # what it drives, from _out_ns on; before: _was
        self._was = None
        self._out_ns = 0
        self._sampled_ns = 0

    def _check(self, what, since, t_ns, least_ns):
        """That `what` has lasted long enough since the event `since`."""
        if t_ns is None or since not in self._times:
            return
        took = t_ns - self._times[since]
        if took < self.least_ns.get(what, 1 << 60):
            self.least_ns[what] = took
        if took < least_ns:
            raise ProtocolError("MCP3208: %s of %d ns, it needs %d" % (what, took, least_ns))

    def _mark(self, event, t_ns):
        if t_ns is not None:
            self._times[event] = t_ns

    def select(self, level, t_ns=None):
        if level == self.cs:
            return
        self.cs = level
        if level:
            self._mark("deselect", t_ns)
            if self._started and self._clocks < 19:
                raise ProtocolError("MCP3208: deselected after %d of 19 clocks" % self._clocks)
            self._begin()
        else:
            if self.sck:
                raise ProtocolError("MCP3208: selected while the clock is high (mode 0,0)")
            self._check("deselected", "deselect", t_ns, _DESELECTED)
            self._mark("select", t_ns)

    def data(self, level, t_ns=None):
        if level == self.mosi:
            return
        self.mosi = level
        if not self.cs:
            if self._clocks <= 5:
                self._check("data after the clock", "rise", t_ns, _HOLD)
            self._mark("data", t_ns)

    def clock(self, level, t_ns=None):
        if level == self.sck:
            return
        self.sck = level
        if self.cs:
            if level:
                raise ProtocolError("MCP3208: a clock while it is not selected")
            return
        if level:
            if "rise" in self._times and self._clocks:
                self._check("clock period", "rise", t_ns, self.clock_ns)
                self._check("clock low", "fall", t_ns, _HIGH)
            self._check("select before the clock", "select", t_ns, _SETUP_CS)
            self._check("data before the clock", "data", t_ns, _SETUP)
            self._mark("rise", t_ns)
            self._rise(t_ns)
        else:
            self._check("clock high", "rise", t_ns, _HIGH)
            self._mark("fall", t_ns)
            self._fall(t_ns)

    def _rise(self, t_ns):
        if not self._started:
            self._started = bool(self.mosi)
            self._clocks = 1 if self._started else 0
            self._word = 1
            return
        self._clocks += 1
        if self._clocks <= 5:
            self._word = self._word << 1 | self.mosi
        if self._clocks == 5:
            if not self._word & 8:
                raise ProtocolError("MCP3208: a differential input was asked for")
            self._mark("sample", t_ns)
        if self._clocks > _CLOCKS:
            raise ProtocolError("MCP3208: more than %d clocks" % _CLOCKS)

    def _fall(self, t_ns):
        if not self._started:
            return
        if self._clocks == 6:       # the sample ends, and the null bit comes
            self._check("sample", "sample", t_ns, self.clock_ns * 3 // 2)
            code = self.code(self._word & 7, 0 if t_ns is None else t_ns // 1000)
            self.conversions += 1
            self._sampled_ns = t_ns
            self._bits = [0]
            self._bits += [code >> k & 1 for k in range(11, -1, -1)]
            self._bits += [code >> k & 1 for k in range(1, 12)]
        if self._clocks >= 6:
            if t_ns is not None and t_ns - self._sampled_ns > _WHOLE:
                raise ProtocolError("MCP3208: the conversion took too long")
            self._was = self._out
            self._out = self._bits.pop(0) if self._bits else 0
            self._out_ns = t_ns

    def out(self, t_ns=None):
        """What its output drives: 0, 1, None high impedance, or -1 while it is not settled."""
        if self.cs or self._out is None:
            return None
        if t_ns is not None and t_ns < self._out_ns + _VALID and self._was != self._out:
            return -1
        return self._out


def on_wires(chip, wires):
    """Hangs a chip on the wires of a modelled board: order is checked, times are not."""
    sck, mosi, miso, cs = chip.pins

    def show():
        wires.outside(miso, chip.out())

    def select(pin, level, t_us):
        chip.select(1 if level is None else level)
        show()

    def data(pin, level, t_us):
        chip.data(level or 0)

    def clock(pin, level, t_us):
        if chip.cs and level:
            return                  # others use the wire too, or it is set up
        chip.clock(level or 0)
        show()

    wires.watch(cs, select)
    wires.watch(mosi, data)
    wires.watch(sck, clock)
