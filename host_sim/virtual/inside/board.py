"""A virtual board from power on to the end of one life, inside MicroPython's unix port.

board.py FROM TO: pipes to and from the world, as file numbers; the first line that comes is a JSON
text of host_sim/virtual/board.py, which starts this anew after every reset. Builds the model of
the chip and its wiring, mounts the littlefs image as `/` (blank: makes one), then does what
a port's main() does: boot.py, main.py, REPL. Exit codes: 70 soft reset, 71 soft reset out of the
raw REPL, 72 hard reset (the pipe has said why). The firmware sees no file of this machine.
"""
import builtins
import gc
import io
import json
import os
import select
import sys
import time

import micropython
import vfs

_from_world = open(int(sys.argv[1]), "rb")
_to_world = open(int(sys.argv[2]), "wb")
SPEC = json.loads(_from_world.readline())
_here = SPEC["inside"]
sys.path[:] = [SPEC["shim"], _here]

from flash_image import Image  # noqa: E402
from radio import Radio  # noqa: E402
from repl import FRIENDLY, RAW, Repl  # noqa: E402
from wiring import RealTime, Wiring  # noqa: E402

from host_sim.chips import machine_shim, mcp3208, peripherals, rp2040  # noqa: E402,F401

now_us = RealTime(time.ticks_us, time.ticks_diff)
chip = machine_shim.Chip(SPEC["mcu"], now_us)
now_us.chip = chip
wiring = Wiring(chip, _from_world, _to_world)
chip.cause = SPEC["cause"]
chip.unique = bytes([int(SPEC["unique"][k:k + 2], 16) for k in range(0, 16, 2)])
if SPEC["utc_ms"]:
    chip.utc_ms = SPEC["utc_ms"]
if SPEC["wdt_ms"]:
    chip.wdt_ms = SPEC["wdt_ms"]
    chip.wdt_us = 1000 * SPEC["wdt_ms"]
chip.fit("machine.VIRTUAL", SPEC["mcu"])
mcp = mcp3208.Mcp3208(wiring.codes, tuple(SPEC["mcp"])) if SPEC["mcp"] else None
parts = rp2040.fit(chip, wiring.inner_codes, mcp)
if mcp:
    mcp3208.on_wires(mcp, chip.wires)


class Registers:
    """Whoever reads or writes one does it now, like one who looks at the clock."""

    def __getitem__(self, address):
        chip.look()
        return parts.mem32[address]

    def __setitem__(self, address, value):
        chip.look()
        parts.mem32[address] = value


chip.fit("machine.mem32", Registers())
if SPEC["one_wire"] is not None:
    wiring.sensor = machine_shim.Ds18b20()
    chip.wires.one_wire(SPEC["one_wire"], wiring.sensor)
for pin in SPEC["coils"]:
    wiring.watch(pin)
chip.device(wiring)


def power_off():
    wiring.tell("P")
    while True:
        pass


def interrupt():
    wiring.tell("I")


class _Micropython:
    """The module with a Ctrl-C that belongs to the board."""


_mp = _Micropython()
for _name in dir(micropython):
    if _name[:2] != "__":
        setattr(_mp, _name, getattr(micropython, _name))


def _kbd_intr(char):
    chip.ctrl_c = char
    wiring.tell("K %d" % char)


_mp.kbd_intr = _kbd_intr
_mp.__name__ = "micropython"

_radio = Radio()
image = Image(SPEC["image"], SPEC["blocks"], SPEC["cut"], power_off, interrupt)
_stdin = sys.stdin.buffer
_stdout = sys.stdout.buffer
_poll = select.poll()
_poll.register(sys.stdin, select.POLLIN)
_held = []


def get():
    """One byte of the REPL. The chip lives meanwhile, so does its watchdog. A Ctrl-C strikes at a
    jump, and then the byte is kept for the next call."""
    struck()
    while not _held:
        if _poll.poll(2):
            _held.append(_stdin.read(1))
        else:
            chip.look()
    byte = _held.pop(0)
    if not byte:
        sys.exit(0)
    return byte[0]


def struck():
    """A Ctrl-C that came while the flash was busy."""
    if image.interrupted:
        image.interrupted = False
        raise KeyboardInterrupt


def rest(us):
    struck()
    wiring.listen(max(1, us // 1000))


chip.on_sleep = rest
while not wiring.ready:
    wiring.listen(1000)
for _pin, _level in SPEC["driven"]:     # a soft reset leaves the pins as they are
    chip.wires.drive(_pin, _level)
vfs.umount("/")
if image.blank:
    vfs.VfsLfs2.mkfs(image, progsize=256)       # as the image of a Pico W does
disk = vfs.VfsLfs2(image, progsize=256)
vfs.mount(disk, "/")
os.chdir("/")
for _name in ("flash_image", "radio", "repl", "wiring"):
    del sys.modules[_name]
for _name in [name for name in sys.modules if name.split(".")[0] == "host_sim"]:
    del sys.modules[_name]
machine_shim.install(chip)
sys.modules["micropython"] = _mp
sys.modules["network"] = _radio
sys.path[:] = ["", ".frozen", "/lib"]
sys.argv[:] = []
gc.collect()



def cooked(*what, sep=" ", end="\n", file=None):
    """print() as on a board: lines end in CR LF. sys.stdout.buffer stays as it is."""
    if file is not None and file is not sys.stdout:
        print_(*what, sep=sep, end=end, file=file)
        return
    text = io.StringIO()
    print_(*what, sep=sep, end=end, file=text)
    _stdout.write(text.getvalue().replace("\n", "\r\n").encode())


def shown(what):
    """What the friendly REPL does with the value of an expression."""
    if what is not None:
        cooked(repr(what))


print_ = print
builtins.print = cooked
builtins.__repl_print__ = shown
NAMES = {"__name__": "__main__"}
BANNER = (b"MicroPython v1.25.0 on a virtual board; Pico W with RP2040\r\n"
          b"Type \"help()\" for more information.\r\n")
repl = Repl(get, _stdout.write, NAMES, BANNER)


def live(raw):
    """The code that this life ends with."""
    try:
        wiring.tell("K 3")
        if not repl.file("/boot.py"):
            return RAW if raw else FRIENDLY
        if not raw and not repl.file("/main.py"):
            return FRIENDLY
        _mp.kbd_intr(3)
        repl.run(raw)
    except SystemExit as e:
        return e.args[0] if e.args else 0


def end(code):
    wiring.tell("K -")
    if code == 72:
        wiring.tell("X %s" % (chip.why or "reset"))
        return
    left = max(1, (chip.wdt_us - chip.t_us) // 1000) if chip.wdt_us else 0
    driven = [[pin, chip.wires.driven(pin)] for pin in SPEC["coils"]
              if chip.wires.driven(pin) is not None]
    wiring.tell("S %s" % json.dumps([chip.utc_ms + chip.t_us // 1000, left, driven,
                                      image.writes]))


def whole(call, argument):
    """A Ctrl-C in between is one too many."""
    while True:
        try:
            return call(argument)
        except KeyboardInterrupt:
            pass


code = whole(live, SPEC["mode"] == "raw")
whole(end, code)
sys.exit(code)
