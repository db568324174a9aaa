"""Inside the MicroPython VM: what a whole board needs. memory.py SHIM FREE; prints key value.

The present folder, which becomes `/`, is a board's file system with slot a (a build for x86) and
settings in data/; SHIM holds host_sim.chips as .mpy; FREE is what a board's heap of 160 KiB has
free before anything is loaded.
The chip's model is loaded first, and what it leaves above FREE and the sample ring is taken away,
so that the firmware's own start (acu/start.py: drivers, role, console) meets a heap of that size
and fails if that is too small. Its network is there (fake_broker.py) if the record in data/ says
so: link, umqtt and TLS context are the real ones. Frames come from a ring that is filled once
(230 V); time is told.
"""
import gc
import math
import os
import sys
from array import array

import micropython
import vfs

here = (vfs.VfsPosix(os.getcwd()), vfs.VfsPosix(sys.argv[1]))
vfs.umount("/")
vfs.mount(here[0], "/")
vfs.mount(here[1], "/shim")
gc.collect()
_RING = 32 * 1024 + 512         # apart from the 160 KiB; on paper it is added
_LIVE_MS = 25_000               # self-test, good start, first windows and their logs

sys.path[:] = ["/shim"]
from host_sim.chips import machine_shim, rp2040  # noqa: E402

chip = machine_shim.Chip("rp2040")
parts = rp2040.fit(chip, None, None)
machine_shim.install(chip)
# A pin of the model is an object; the chip's own pins are part of its image.
import machine  # noqa: E402

gc.collect()
pin_bytes = gc.mem_free()                                       # type: ignore[attr-defined]
trial = [machine.Pin(number, machine.Pin.IN) for number in (0, 1, 12, 19)]
gc.collect()
pin_bytes = (pin_bytes - gc.mem_free()) // len(trial)           # type: ignore[attr-defined]
del trial, machine
chip.reset(1)
from host_sim.vm import fake_broker  # noqa: E402

fake_broker.install()
sys.path[:] = ["/a", "/shim"]
pins = __import__("pins")
for rule in pins.INPUTS:
    if "pin" in rule:
        # a breaker with two auxiliary contacts is open
        chip.wires.outside(rule["pin"], rule["active"] if rule["name"] == "open_52b"
                           else 1 - rule["active"])
if pins.INTERLOCK:
    chip.wires.outside(pins.INTERLOCK["pin"], pins.INTERLOCK["active"])
del sys.modules["pins"], pins, rule
last_us = array("i", [0])
start = unit = sampler = ring = clock = one = c = k = x = lag = peak = n = TURN = None
# Names are kept for ever, in tables that double: the next one is made now, and the host charges
# what the firmware's own names take (host_sim/memory.py).
for k in range(760):
    hasattr(gc, "_%d" % k)
micropython.qstr_info()
gc.collect()
ballast = bytearray(gc.mem_free() - int(sys.argv[2]) - _RING)   # type: ignore[attr-defined]
gc.collect()
print("heap_start", gc.mem_free() - _RING)                      # type: ignore[attr-defined]

start = __import__("acu.start", None, None, ("Unit",))
unit = start.Unit("a", "run")
unit.begin()
if unit.complaint:
    print(unit.complaint)
    sys.exit(1)
one = sys.modules.get("acu.drivers.tls")
if one:
    one.Tls.wrap = lambda self, sock: sock      # a Python object is no stream for mbedtls
if unit.ports.link.complaint:
    print(unit.ports.link.complaint)
    sys.exit(1)
sampler = unit.ports.sampler
sampler.stop()
ring = sampler.ring
TURN = 25 * 2 * math.pi / 2048  # 25 cycles fill the ring: 48.8 Hz
c = 0
for one in unit.board["channels"]:
    # 230 V, or what the channel takes; small currents
    peak = min(6_661_000 // unit.board["u_peak_dv"], 1450) if one["name"][0] == "u" else 50
    if one["name"] == "u0":
        peak = 0
    lag = "abc".find(one["name"][-1]) * 2 * math.pi / 3
    for k in range(2048):
        ring[8 * k + c] = 2048 + k % 2 + int(peak * math.sin(TURN * k - lag))
    c += 1


def ready():
    """As many frames as have passed; in the fast tier."""
    n = (chip.t_us - last_us[0]) // 250
    last_us[0] += n * 250
    sampler.head = (sampler.head + n) & 0x1FFFFFFF
    n = (sampler.head - sampler.tail) & 0x1FFFFFFF
    return n if n < 2000 else 0


sampler.ready = ready
sampler.self_test = int         # 0: of its converter there is no model here
chip._devices = []
last_us[0] = chip.t_us
clock = unit.clock
while clock.now_ms() < _LIVE_MS:
    unit.step()
    clock.sleep_ms(10 - clock.now_ms() % 10)
micropython.qstr_info()
gc.collect()
print("ready", int(unit.acu is not None and unit.acu.ready))
print("started", int(unit.started))
print("link", int(unit.ports.link.up))
print("console", int("acu.console" in sys.modules))
print("pins", len(chip.owners) * pin_bytes)
print("heap_free", gc.mem_free())                               # type: ignore[attr-defined]
if len(sys.argv) > 3:
    micropython.mem_info()
    for name in sorted(sys.modules):
        print("loaded", name)
if sys.argv[3:4] == ["console"]:        # and with somebody at the console: what is held, most
    class Keys:
        """A terminal whose text nobody reads."""

        def __init__(self):
            self.keys = self.last = b""

        def read(self, n):
            data, self.keys = self.keys[:n], self.keys[n:]
            return data

        def write(self, data):
            self.last = (self.last + data)[-24:]
            return len(data)

    sys.path[:] = ["/a"]
    keys = unit.terminal = Keys()
    for one in unit.__dict__.values():      # its private names are shortened in a build
        if hasattr(one, "session") and hasattr(one, "terminal"):
            one.terminal = keys
    least = base = line = 0
    for line in sys.argv[4:]:
        keys.last = b""
        for k in range(1600):
            unit.step()
            clock.sleep_ms(10)
            gc.collect()
            x = gc.mem_free()                                   # type: ignore[attr-defined]
            if k == 20:
                base = base or x
                least = x
                keys.keys = line.encode() + b"\r"
            least = min(least, x)
            peak = keys.last.rpartition(b"\n")[2]
            if k > 40 and (peak in (b"=", b"=>", b"==>", b"=>>") or peak[-2:] == b"? "):
                break
        print("held", line.replace(" ", "_"), base - least, base - x)
