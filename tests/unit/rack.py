"""A board on a modelled RP2040 with its relays, for the tests of start and drivers.

Runs in both Pythons: the firmware's own drivers on host_sim/chips, its files in a folder (littlefs
in RAM inside the VM), three phases of mains behind an MCP3208, and latching relays at the pins
that remember every current through their coils. power_on() is a start as after power or a reset.
"""
import os
import sys

from acu.primitives import provisioned
from host_sim.board.unit import Apart
from host_sim.chips import mcp3208, rp2040
from host_sim.chips.machine_shim import Chip, ChipReset, install

install(Chip())     # drivers import `machine`
from acu.drivers import fit  # noqa: E402

HOME = __file__.replace("\\", "/").rpartition("/tests/")[0]
VM = sys.implementation.name == "micropython"
# one cycle of 50 Hz at 4 kS/s, 4096 at its peak
SINE = [0, 321, 641, 956, 1266, 1567, 1860, 2140, 2408, 2660, 2896, 3115, 3314, 3492, 3650, 3784,
        3896, 3983, 4046, 4083]
WAVE = SINE + [4096] + SINE[:0:-1]
WAVE += [-x for x in WAVE]
CFG = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc1"}
MIRRORS = {16: 0, 17: 1, 18: 2}
CLOSE = {6: 0, 8: 1, 10: 2}
OPEN = {7: 0, 9: 1, 11: 2}
CHAIN = 14
_n = [0]
_folders = []


class _Ram:
    """A block device that forgets nothing while the process lives."""

    def __init__(self, blocks=64):
        self.data = bytearray(b"\xff" * (4096 * blocks))

    def readblocks(self, block, buf, off=0):
        at = block * 4096 + off
        buf[:] = self.data[at:at + len(buf)]

    def writeblocks(self, block, buf, off=0):
        at = block * 4096 + off
        self.data[at:at + len(buf)] = buf

    def ioctl(self, op, arg):
        return {4: len(self.data) // 4096, 5: 4096}.get(op, 0)


def new_root():
    """A folder to be a board's file system."""
    if not VM:
        import tempfile
        folder = tempfile.TemporaryDirectory()
        _folders.append(folder)         # kept until the process ends, then removed
        return folder.name
    import vfs
    if _n[0]:
        vfs.umount("/rack%d" % _n[0])
    _n[0] += 1
    root = "/rack%d" % _n[0]
    device = _Ram()
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), root)
    return root


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


class Relays:
    """Three latching relays, 12 ms of travel; mirror contacts to ground. currents: (t_us, what,
    relay) at each coil that is energised."""

    TRAVEL_US = 12_000

    def __init__(self, wires, closed, active=0):
        """active: level of a mirror contact whose main contact is closed."""
        self.wires = wires
        self.active = active
        self.closed = [k in closed for k in range(3)]
        self.now = {}               # pin -> since when
        self.currents = []
        self.wrong = []             # what must never be
        for pin in list(CLOSE) + list(OPEN):
            wires.watch(pin, self._coil)
        self._show()

    def _coil(self, pin, level, t_us):
        if not level:
            self.now.pop(pin, None)
            return
        self.now[pin] = t_us
        shuts = pin in CLOSE
        self.currents.append((t_us, "close" if shuts else "open", (CLOSE if shuts else OPEN)[pin]))
        self.look()

    def look(self):
        """Whenever anything has changed."""
        shut = [CLOSE[pin] for pin in self.now if pin in CLOSE]
        if len(shut) > 1:
            self.wrong.append("two closing coils")
        if shut and not self.wires.level(CHAIN):
            self.wrong.append("closing coil with the chain open")
        for pin in self.now:
            if pin in CLOSE and pin + 1 in self.now:
                self.wrong.append("both coils of a relay")

    def run_to(self, t_us):
        moved = False
        for pin, since_us in self.now.items():
            if t_us - since_us >= self.TRAVEL_US:
                k = CLOSE.get(pin, OPEN.get(pin))
                moved = moved or self.closed[k] != (pin in CLOSE)
                self.closed[k] = pin in CLOSE
        if moved:
            self._show()

    def reset(self):
        pass

    def _show(self):
        for pin, k in MIRRORS.items():
            self.wires.outside(pin, self.active if self.closed[k] else 1 - self.active)


class Rack:
    def __init__(self, closed=(0,), cfg=CFG, board="pico_w_operator", kind="rp2040"):
        self.root = new_root()
        self.chip = chip = Chip(kind)
        self.live = True            # the mains
        with open("%s/boards/%s/pins.py" % (HOME, board)) as f:
            pins = {}
            exec(f.read(), pins)
        self.relays = Relays(chip.wires, closed, pins["INPUTS"][0]["active"])
        self.mcp = mcp3208.Mcp3208(self.codes)
        rp2040.fit(chip, None, self.mcp)
        mcp3208.on_wires(self.mcp, chip.wires)
        chip.device(self.relays)
        chip.wires.outside(CHAIN, 1)
        self.unit = None
        for name in ("a", "data"):
            os.mkdir(self.root + "/" + name)
        for name in ("board.json", "pins.py"):
            with open("%s/boards/%s/%s" % (HOME, board, name), "rb") as f:
                put("%s/a/%s" % (self.root, name), f.read())
        with open(self.root + "/a/pins.py", "ab") as f:
            f.write(b'\nTERMINAL = {"uart": 0, "tx": 12, "rx": %s, "baud": 115200}\n' % (
                b"13" if kind == "rp2040" else b"14"))
        put(self.root + "/a/manifest.json", b'{"board": "x", "version": "0.1.0+abc"}')
        put(self.root + "/slot", b"a")
        if cfg:
            install(chip)
            provisioned.save(fit.FlashStore(self.root + "/data"), cfg)

    def codes(self, channel, t_us):
        """325 V and 3 A peak on phase A's load while its relay is closed."""
        n = t_us // 250
        noise = n & 1
        if channel < 3:
            wave = WAVE[(n - (0, 27, 53)[channel]) % 80] if self.live else 0
            return 2048 + (wave * 1479 >> 12) + noise
        for k in range(3):
            if self.relays.closed[k] and channel < 5 and self.live:
                wave = WAVE[(n - (0, 27, 53)[k]) % 80]
                return 2048 + (wave * (1479 if channel == 3 else 61) >> 12) + noise
        return 2048 + noise

    def power_on(self, mode="run", trial=False, why="", cause=1, slot="a"):
        """A start: the unit after begin()."""
        from acu import start
        self.chip.reset(cause)
        install(self.chip)
        sys.modules.pop("pins", None)
        sys.path.insert(0, "%s/%s" % (self.root, slot))
        try:
            self.unit = start.Unit(slot, mode, trial, why, self.root)
            with Apart():
                self.unit.begin()
        finally:
            sys.path.pop(0)
        return self.unit

    def run(self, ms):
        """The main loop; the reason of the reset that ended it, or ''."""
        end_us = self.chip.t_us + ms * 1000
        try:
            while self.chip.t_us < end_us:
                self.unit.step()
                self.unit.clock.sleep_ms(10 - self.unit.clock.now_ms() % 10)
        except ChipReset:
            return self.chip.why
        return ""

    def events(self):
        """The events so far, in this start: "NAME key=value ..."."""
        log = self.unit.acu.log
        return [log.line(row).split(" ", 3)[3] for row in log.rows]

    def typed(self, text, ms=200):
        """What the terminal says to it."""
        self.chip.uart(0).from_chip()
        self.chip.uart(0).to_chip(text)
        self.run(ms)
        return self.chip.uart(0).from_chip()
