"""The DMA of an RP2040: registers, rings, chains, requests; and rp2.DMA. Runs on both Pythons.

A bus joins it to memory and peripherals: bus.load(address, size), bus.store(address, value, size),
bus.place(buffer) its address. A peripheral calls serve(request, self) when it may have something;
its wants(request) says whether it has. What the chip would make a mess of is refused: a channel
changed while it runs, addresses that lie nowhere or at no multiple of the width.
"""
BASE = 0x50000000
_FOREVER = 0x3F
_MASK32 = 0xFFFFFFFF

_FIELDS = {"enable": (0, 1), "high_pri": (1, 1), "size": (2, 2), "inc_read": (4, 1),
           "inc_write": (5, 1), "ring_size": (6, 4), "ring_sel": (10, 1), "chain_to": (11, 4),
           "treq_sel": (15, 6), "irq_quiet": (21, 1), "bswap": (22, 1), "sniff_en": (23, 1)}
# of each alias: what its four registers are
_ALIASES = ("rwnc", "crwn", "cnrw", "cwnr")


class Channel:
    def __init__(self, dma, number):
        self.dma = dma
        self.number = number
        self.reset()

    def reset(self):
        self.read = 0
        self.write = 0
        self.count = 0              # transfers to go
        self.reload = 0
        self.ctrl = self.number << 11
        self.busy = False
        self.claimed = False
        self._unpack()

    def _unpack(self):
        ctrl = self.ctrl
        self.size = ctrl >> 2 & 3
        self.request = ctrl >> 15 & 63
        self.chain = ctrl >> 11 & 15
        step = 1 << self.size
        ring = ctrl >> 6 & 15
        mask = (1 << ring) - 1 if ring else _MASK32
        to_write = ctrl >> 10 & 1
        self.read_step = step if ctrl >> 4 & 1 else 0
        self.write_step = step if ctrl >> 5 & 1 else 0
        self.read_mask = _MASK32 if to_write else mask
        self.write_mask = mask if to_write else _MASK32

    # ---- registers

    def get(self, at):
        name = _ALIASES[at >> 4][at >> 2 & 3]
        if name == "r":
            return self.read
        if name == "w":
            return self.write
        if name == "n":
            return self.count
        return self.ctrl | (1 << 24 if self.busy else 0)

    def set(self, at, value):
        name = _ALIASES[at >> 4][at >> 2 & 3]
        value &= _MASK32
        if name == "c" and value >> 2 & 3 == 3:
            raise ValueError("DMA %d: no such width" % self.number)
        if self.busy and name != "n":
            raise ValueError("DMA %d is running: stop it before you change it" % self.number)
        if name == "r":
            self.read = value
        elif name == "w":
            self.write = value
        elif name == "n":
            self.reload = value
        else:
            self.ctrl = value & 0xFFFFFF
            self._unpack()
        if at & 12 == 12 and value:
            self.trigger()

    def trigger(self):
        if not self.ctrl & 1 or self.busy:
            return
        self.count = self.reload
        self.busy = self.count > 0
        if self.busy and self.request == _FOREVER:
            while self.busy:
                self.step()
        elif self.busy:
            self.dma.begun(self)

    def abort(self):
        self.busy = False

    # ---- transfers

    def step(self):
        bus = self.dma.bus
        if self.read & (1 << self.size) - 1 or self.write & (1 << self.size) - 1:
            raise ValueError("DMA %d: address at no multiple of the width" % self.number)
        bus.store(self.write, bus.load(self.read, self.size), self.size)
        self.moved(1)

    def moved(self, n):
        """n transfers are done."""
        self.read = self.read & ~self.read_mask | self.read + n * self.read_step & self.read_mask
        self.write = (self.write & ~self.write_mask
                      | self.write + n * self.write_step & self.write_mask)
        self.count -= n
        if not self.count:
            self.busy = False
            if self.chain != self.number:
                self.dma.channels[self.chain].trigger()

    def window(self):
        """(buffer, item where the ring begins, item in the ring that is next, mask) of the side
        that has a ring; None if it has none in one buffer."""
        if self.write_step and self.write_mask != _MASK32:
            at, mask = self.write, self.write_mask
        elif self.read_step and self.read_mask != _MASK32:
            at, mask = self.read, self.read_mask
        else:
            return None
        low = at & ~mask
        buffer, begin = self.dma.bus.memory(low, self.size)
        if buffer is None or low + mask >= begin + (len(buffer) << self.size):
            return None
        return buffer, low - begin >> self.size, at - low >> self.size, mask >> self.size


class Dma:
    def __init__(self, chip):
        self.chip = chip
        self.bus = None
        self.peripherals = {}       # request -> who makes it
        self.channels = [Channel(self, k) for k in range(12)]
        self.held = False           # fault: somebody else has the bus

    def reset(self):
        for channel in self.channels:
            channel.reset()
        self.held = False

    def run_to(self, t_us):
        pass

    def begun(self, channel):
        """A channel waits for requests from now on: there may be one already."""
        who = self.peripherals.get(channel.request)
        if who is None:
            raise ValueError("DMA %d: nothing makes request %d in this model" % (
                channel.number, channel.request))
        self.serve(channel.request, who)

    def of(self, request):
        for channel in self.channels:
            if channel.busy and channel.request == request:
                return channel
        return None

    def serve(self, request, who):
        while not self.held and who.wants(request):
            channel = self.of(request)
            if channel is None:
                return
            channel.step()

    def steady(self, request, n):
        """The channel that would make the next n transfers and more, or None."""
        channel = self.of(request)
        if self.held or channel is None or channel.count <= n:
            return None
        return channel

    # ---- registers

    def load(self, address):
        at = address - BASE
        if 0 <= at < 12 * 64 and not at & 3:
            return self.channels[at >> 6].get(at & 63)
        raise ValueError("no such register of the DMA in this model: 0x%x" % address)

    def store(self, address, value):
        at = address - BASE
        if 0 <= at < 12 * 64 and not at & 3:
            self.channels[at >> 6].set(at & 63, value)
        elif at in (0x430, 0x444):
            for channel in self.channels:
                if value >> channel.number & 1:
                    if at == 0x430:
                        channel.trigger()
                    else:
                        channel.abort()
        else:
            raise ValueError("no such register of the DMA in this model: 0x%x" % address)


def _register(at):
    def get(self):
        return self._channel.get(at)

    def put(self, value):
        self.dma.chip.relax()
        try:
            if not isinstance(value, int):
                value = self.dma.bus.place(value)
            self._channel.set(at, value)
        finally:
            self.dma.chip.tighten()

    return property(get, put)


def rp2_dma(dma):
    """What rp2.DMA is on this chip."""
    class DMA(_DMA):
        pass

    DMA.dma = dma
    return DMA


class _DMA:
    """Firmware calls it from hard callbacks. What the model itself allocates is not the
    firmware's; no *args and no closures of many arguments, for calling those allocates."""

    dma = None

    def __init__(self):
        for channel in self.dma.channels:
            if not channel.claimed:
                channel.claimed = True
                self._channel = channel
                self.channel = channel.number
                return
        raise OSError(16)       # EBUSY

    read = _register(0x00)
    write = _register(0x04)
    count = _register(0x08)
    ctrl = _register(0x10)

    def close(self):
        """As the chip: the channel is free for others, but it goes on if it runs."""
        self._channel.claimed = False

    def pack_ctrl(self, *, default=None, enable=None, high_pri=None, size=None, inc_read=None,
                  inc_write=None, ring_size=None, ring_sel=None, chain_to=None, treq_sel=None,
                  irq_quiet=None, bswap=None, sniff_en=None):
        self.dma.chip.relax()
        try:
            value = default
            if value is None:
                value = 0x3F8039 | self.channel << 11
            for name, field in (
                    ("enable", enable), ("high_pri", high_pri), ("size", size),
                    ("inc_read", inc_read), ("inc_write", inc_write),
                    ("ring_size", ring_size), ("ring_sel", ring_sel), ("chain_to", chain_to),
                    ("treq_sel", treq_sel), ("irq_quiet", irq_quiet), ("bswap", bswap),
                    ("sniff_en", sniff_en)):
                if field is None:
                    continue
                shift, bits = _FIELDS[name]
                if not 0 <= int(field) < 1 << bits:
                    raise ValueError("bad field value")
                value = value & ~((1 << bits) - 1 << shift) | int(field) << shift
            return value
        finally:
            self.dma.chip.tighten()

    def config(self, *, read=None, write=None, count=None, ctrl=None, trigger=False):
        """The last register that is given is written to its trigger alias."""
        self.dma.chip.relax()
        try:
            given = []
            for name, value in (("r", read), ("w", write), ("n", count), ("c", ctrl)):
                if value is not None:
                    if not isinstance(value, int):
                        value = self.dma.bus.place(value)
                    given.append((name, value))
            plain = {"r": 0x00, "w": 0x04, "n": 0x08, "c": 0x10}
            starts = {"r": 0x3C, "w": 0x2C, "n": 0x1C, "c": 0x0C}
            for k in range(len(given)):
                name, value = given[k]
                last = trigger and k == len(given) - 1
                self._channel.set(starts[name] if last else plain[name], value)
            if trigger and not given:
                self._channel.trigger()
        finally:
            self.dma.chip.tighten()

    def active(self, on=None):
        self.dma.chip.relax()
        try:
            if on is not None:
                if on:
                    self._channel.trigger()
                else:
                    self._channel.abort()
            return self._channel.busy
        finally:
            self.dma.chip.tighten()
