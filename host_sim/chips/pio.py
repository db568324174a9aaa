"""rp2.asm_pio and rp2.StateMachine of a modelled RP2040. Runs on both Pythons.

asm_pio() assembles the source that the driver has, with MicroPython's names and to MicroPython's
program lists [opcodes, -1, -1, execctrl, shiftctrl, out, set, side-set]. The state machine does
not run opcodes: it knows what the program of drivers/mcp_code.py does in 64 cycles, and
refuses any other (tests/host/test_mcp3208_wire.py runs the opcodes one by one). Stalls, FIFOs and
requests are those of the chip.
"""
from array import array

OUT_LOW = 2
OUT_HIGH = 3

_NAMES = {"pins": 0, "x": 1, "y": 2, "null": 3, "pindirs": 4, "pc": 5, "status": 5, "isr": 6,
          "osr": 7, "not_x": 1, "x_dec": 2, "not_y": 3, "y_dec": 4, "x_not_y": 5, "pin": 6,
          "not_osre": 7, "noblock": 0, "block": 0x20}


class PIO:
    IN_LOW = 0
    IN_HIGH = 1
    OUT_LOW = OUT_LOW
    OUT_HIGH = OUT_HIGH
    SHIFT_LEFT = 0
    SHIFT_RIGHT = 1
    JOIN_NONE = 0
    JOIN_TX = 1
    JOIN_RX = 2


class PIOASMError(Exception):
    pass


class _Line:
    """What an instruction returns: takes .side() and [delay]."""

    def __init__(self, asm, at):
        self.asm = asm
        self.at = at

    def side(self, value):
        self.asm.sides[self.at] = value
        return self

    def __getitem__(self, delay):
        self.asm.delays[self.at] = delay
        return self


class _Asm:
    """One pass over the body of a program; the second knows the labels."""

    def __init__(self, labels):
        self.known = labels
        self.labels = {}
        self.words = []
        self.sides = {}
        self.delays = {}
        self.target = 0
        self.top = -1

    def _emit(self, word):
        self.words.append(word)
        return _Line(self, len(self.words) - 1)

    def names(self):
        names = dict(_NAMES)
        for name in ("wrap_target", "wrap", "label", "nop", "jmp", "out", "in_", "set", "mov",
                     "push", "pull"):
            names[name] = getattr(self, name)
        return names

    def wrap_target(self):
        self.target = len(self.words)

    def wrap(self):
        self.top = len(self.words) - 1

    def label(self, name):
        if name in self.labels:
            raise PIOASMError("duplicate label " + name)
        self.labels[name] = len(self.words)

    def nop(self):
        return self._emit(0xA042)

    def jmp(self, condition, label=None):
        if label is None:
            condition, label = 0, condition
        if self.known is not None and label not in self.known:
            raise PIOASMError("unknown label " + label)
        return self._emit(condition << 5 | (self.known[label] if self.known is not None else 0))

    def out(self, where, bits):
        return self._emit(0x6000 | where << 5 | bits & 31)

    def in_(self, what, bits):
        return self._emit(0x4000 | what << 5 | bits & 31)

    def set(self, where, value):
        if not 0 <= value <= 31:
            raise PIOASMError("set takes five bits")
        return self._emit(0xE000 | where << 5 | value)

    def mov(self, where, what):
        return self._emit(0xA000 | where << 5 | what)

    def push(self, block=0x20):
        return self._emit(0x8000 | block)

    def pull(self, block=0x20):
        return self._emit(0x8080 | block)


def _run(f, names):
    """f() with these names about it and no others."""
    space = f.__globals__
    kept = dict(space)
    space.clear()
    space.update(names)
    try:
        f()
    finally:
        space.clear()
        space.update(kept)


def _count(init):
    return 0 if init is None else 1 if isinstance(init, int) else len(init)


def asm_pio(*, out_init=None, set_init=None, sideset_init=None, in_shiftdir=0, out_shiftdir=0,
            autopush=False, autopull=False, push_thresh=32, pull_thresh=32, fifo_join=0):
    def assemble(f):
        first = _Asm(None)
        _run(f, first.names())
        asm = _Asm(first.labels)
        _run(f, asm.names())
        n = len(asm.words)
        if n > 32:
            raise PIOASMError("a PIO holds 32 instructions")
        bits = _count(sideset_init)
        optional = bits and len(asm.sides) < n
        if optional:
            bits += 1
        code = array("H")
        for k in range(n):
            delay = asm.delays.get(k, 0)
            side = asm.sides.get(k)
            if delay > 31 >> bits:
                raise PIOASMError("delay too large")
            if side is not None and (not bits or side >> (bits - (1 if optional else 0))):
                raise PIOASMError("side-set too large")
            word = asm.words[k] | delay << 8
            if side is not None:
                word |= side << 13 - bits | (0x1000 if optional else 0)
            code.append(word)
        top = asm.top if asm.top >= 0 else n - 1
        execctrl = top << 12 | asm.target << 7 | (1 << 30 if optional else 0)
        shiftctrl = (fifo_join << 30 | (pull_thresh & 31) << 25 | (push_thresh & 31) << 20
                     | out_shiftdir << 19 | in_shiftdir << 18 | (1 << 17 if autopull else 0)
                     | (1 << 16 if autopush else 0))
        return [code, -1, -1, execctrl, shiftctrl, out_init, set_init, sideset_init]
    return assemble


# drivers/mcp_code.py as it was when tests/host/test_mcp3208_wire.py last ran it
MCP3208 = (0x80A0, 0xE801, 0xE100, 0xE024, 0x6001, 0x1044, 0xAB42, 0xB042, 0xA042, 0xB042, 0xE02B,
           0x5001, 0x004B, 0x8020)
_CYCLES = 64
_DEPTH = 4
BASE = 0x50200000
_FDEBUG = BASE + 8
_TXF = BASE + 0x10
_RXF = BASE + 0x20
_DREQ_TX = 0
_DREQ_RX = 4
_RXSTALL = 1
_TXSTALL = 1 << 24


class Machine:
    """State machine 0 of PIO 0, clocking `mcp`: an object with pins (sck, mosi, miso, cs) and
    code(channel, t_us)."""

    def __init__(self, chip, dma, mcp):
        self.chip = chip
        self.dma = dma
        self.mcp = mcp
        self.reset()

    def reset(self):
        self.tx = []
        self.rx = []
        self.fdebug = 0
        self.running = False
        self.ready = False          # init() was called
        self.command = -1           # of the conversion under way; -1: waits for one
        self.code = -1              # waits for room in the FIFO
        self.end_ns = 0             # of the conversion under way
        self.jam_us = 0             # fault: until then its clock stands

    # ---- rp2.StateMachine

    def init(self, prog, freq, out_base, in_base, set_base, sideset_base):
        code, _, _, execctrl, shiftctrl, out, high, side = prog
        if tuple(code) != MCP3208 or execctrl != 13 << 12 or shiftctrl != 0 or (
                out, high, side) != (OUT_LOW, OUT_HIGH, OUT_LOW):
            raise ValueError("this model of a state machine knows the MCP3208's program only")
        if freq * 65536 < 125_000_000 or freq > 125_000_000:
            raise ValueError("freq out of range")
        self.reset()
        self.ready = True
        # the divider has steps of 1/256, and a cycle of the chip takes 8 ns
        self.period_ns = 125_000_000 * 256 // freq * 8 * _CYCLES // 256
        self.pins = (sideset_base.id, out_base.id, in_base.id, set_base.id)
        there = self.mcp is not None and self.mcp.pins == self.pins
        self._code = self.mcp.code if there else self._no_chip
        for pin in (sideset_base, out_base):
            self.chip.wires.drive(pin.id, 0)
        self.chip.wires.drive(set_base.id, 1)

    def active(self, on):
        if on and not self.ready:
            raise ValueError("a state machine without a program")
        if on and not self.running:
            self.end_ns = self.chip.t_us * 1000
        self.running = bool(on)
        if on:
            self._next()

    # ---- registers

    def load(self, address):
        if address == _FDEBUG:
            return self.fdebug
        if address == _RXF:
            if not self.rx:
                raise ValueError("the receive FIFO was read when it was empty")
            return self.rx.pop(0)
        raise ValueError("no such register of the PIO in this model: 0x%x" % address)

    def store(self, address, value):
        if address == _FDEBUG:
            self.fdebug &= ~value
        elif address == _TXF:
            if len(self.tx) >= _DEPTH:
                raise ValueError("the transmit FIFO was written when it was full")
            self.tx.append(value)
        else:
            raise ValueError("no such register of the PIO in this model: 0x%x" % address)

    def wants(self, request):
        """The requests to the DMA."""
        if request == _DREQ_TX:
            return len(self.tx) < _DEPTH
        return request == _DREQ_RX and len(self.rx) > 0

    # ---- time

    def _serve(self):
        self.dma.serve(_DREQ_RX, self)
        self.dma.serve(_DREQ_TX, self)

    def _next(self):
        """Pulls the next command, at end_ns, or waits."""
        self._serve()
        if not self.tx:
            self.fdebug |= _TXSTALL
            self.command = -1
            return
        self.command = self.tx.pop(0)
        if self.command >> 30 != 3:
            raise ValueError("MCP3208: no start bit, or a differential input: 0x%x" % self.command)
        self.end_ns += self.period_ns
        self._serve()

    def _no_chip(self, channel, t_us):
        return 4095 if self.chip.wires.level(self.pins[2]) else 0

    def run_to(self, t_us):
        if not self.running or t_us < self.jam_us:
            return
        now_ns = t_us * 1000
        if self.jam_us:
            self.end_ns = max(self.end_ns, self.jam_us * 1000)
            self.jam_us = 0
        while True:
            if self.code >= 0:          # waits for room
                self._serve()
                if len(self.rx) >= _DEPTH:
                    return
                self.rx.append(self.code)
                self.code = -1
                self.end_ns = now_ns
                self._next()
            if self.command < 0:        # waits for a command
                self._serve()
                if not self.tx:
                    return
                self.end_ns = now_ns
                self._next()
            if self.end_ns > now_ns:
                return
            self._many((now_ns - self.end_ns) // self.period_ns)
            code = self._code(self.command >> 27 & 7, self.end_ns // 1000)
            if len(self.rx) >= _DEPTH:
                self.fdebug |= _RXSTALL
                self.code = code
                return
            self.rx.append(code)
            self._next()

    def _many(self, n):
        """n conversions at once, where nothing but the usual happens. Leaves the rest."""
        rx = self.dma.steady(_DREQ_RX, n)
        tx = self.dma.steady(_DREQ_TX, n)
        if rx is None or tx is None or self.rx or len(self.tx) != _DEPTH:
            return
        source = tx.window()
        sink = rx.window()
        if source is None or sink is None:
            return
        words, first, w, w_mask = source
        ring, base, r, r_mask = sink
        ahead = [self.command] + self.tx
        for k in range(5):
            if words[first + (w + k - 5 & w_mask)] != ahead[k]:
                return
        end_ns = self.end_ns
        period_ns = self.period_ns
        channels = [words[first + (w + k - 5 & w_mask)] >> 27 & 7 for k in range(w_mask + 1)]
        ask = self._code
        for k in range(n):
            ring[base + (r + k & r_mask)] = ask(channels[k & w_mask], end_ns // 1000)
            end_ns += period_ns
        self.end_ns = end_ns
        self.command = words[first + (w + n - 5 & w_mask)]
        self.tx = [words[first + (w + n - 4 + k & w_mask)] for k in range(4)]
        rx.moved(n)
        tx.moved(n)


def state_machine(machine):
    """What rp2.StateMachine is on this chip."""
    class StateMachine(_StateMachine):
        pass

    StateMachine.machine = machine
    return StateMachine


class _StateMachine:
    machine = None

    def __init__(self, id, prog=None, **settings):
        if id != 0:
            raise ValueError("this model has state machine 0 only")
        if prog is not None:
            self.init(prog, **settings)

    def init(self, prog, *, freq, out_base, in_base, set_base, sideset_base):
        self.machine.chip.relax()
        try:
            self.machine.init(prog, freq, out_base, in_base, set_base, sideset_base)
        finally:
            self.machine.chip.tighten()

    def active(self, on=None):
        self.machine.chip.relax()
        try:
            if on is not None:
                self.machine.active(on)
        finally:
            self.machine.chip.tighten()
        return self.machine.running
