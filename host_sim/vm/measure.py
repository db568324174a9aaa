"""Inside the MicroPython VM: what one role costs. measure.py PATH SPEC.json WHAT; prints key value
lines.

PATH holds the firmware and the doors as .mpy, as a board would load them. WHAT:
  heap    bytes free after start in the heap given by -X heapsize (quantity level: the sample ring
          is apart), bytes that each module of acu took when it was imported; those of the
          simulator's doors; and of what a board has in their place, drivers, start and console
  growth  bytes that more windows leave behind
  tick    bytes that fast ticks allocate with the heap locked, and microseconds of one tick
"""
import gc
import json
import sys
import time

import micropython

gc.collect()
_START = gc.mem_free()
sys.path[:] = [sys.argv[1]]
with open(sys.argv[2]) as f:
    spec = json.load(f)
what = sys.argv[3]


def modules(names):
    """Imports one by one, in the order of need, so that each line is that module's own cost."""
    for name in names:
        gc.collect()
        before = gc.mem_free()
        __import__(name)
        gc.collect()
        print("module", name, before - gc.mem_free())


def no_sums(k0, n, phase, step, out):
    """A quiet front end: half a bit of noise on every channel, so that nothing looks frozen."""
    for k in range(0, len(out), 9):
        out[k + 2] += n
        out[k + 3] += n


class _Hardware:
    """In place of machine and rp2 while the drivers are loaded: no driver is ever made."""

    def __getattr__(self, name):
        return 0 if name.upper() == name and name != "PIO" else self

    def asm_pio(self, **how):
        return lambda program: program


def on_a_board():
    """Bytes of the modules that a board's start leaves there."""
    from acu import forget
    sys.modules["machine"] = sys.modules["rp2"] = _Hardware()
    gc.collect()
    before = gc.mem_free()
    for name in spec["drivers"]:
        __import__(name)
    for name in spec["drivers"]:
        for one in dir(sys.modules[name]):
            cls = getattr(sys.modules[name], one)
            if hasattr(cls, "__bases__") and "__init__" in cls.__dict__:
                cls.__init__ = None
    forget(*spec["forgotten"])
    gc.collect()
    print("board", before - gc.mem_free())


if what == "heap":
    modules(spec.pop("modules"))
    gc.collect()
    before = gc.mem_free()
from acu import app, forget  # noqa: E402
from acu.primitives.measuring import Measuring  # noqa: E402
from host_sim.board import unit as of_unit  # noqa: E402
from host_sim.board.unit import Unit  # noqa: E402

if spec["level"] == "wave":
    from acu.dsp.ring import RingSampler
else:
    RingSampler = None


class Plain(Measuring):
    """The firmware's own, without the simulator's way in, which no board pays for."""

    def frames(self):
        pass


if what == "heap":
    gc.collect()
    print("doors", before - gc.mem_free())
unit = Unit(spec, RingSampler, no_sums, Plain)
levels = [1] + [0] * (len(spec["board"]["inputs"]) - 1)
if spec["config"]["role"] == "recloser":
    levels = [0, 1, 1, 1, 1, 1, 0]      # open, and everything in order
unit.boot(0, levels)
app.settle(unit.acu)            # as a board does
del app, of_unit.app
channels = len(spec["board"]["channels"])
frames = 20
if spec["level"] == "wave":
    frames = b"".join([bytes([k & 1, 8] * channels) for k in range(20)])
_at = [0]


def go(instants):
    """Lives for so many instants of 5 ms."""
    for _ in range(instants):
        _at[0] += 5000
        unit.instant(_at[0], frames, levels, (), _at[0] % 10_000 == 0, True)


go(400)
forget("acu.events", "acu.app")     # as on a board, where nobody reads the log
gc.collect()
if what == "heap":
    print("heap_start", _START)
    print("heap_free", gc.mem_free())
    on_a_board()
elif what == "growth":
    go(4000)                     # logs, averages and dictionaries reach their size
    before = 0
    windows = int(sys.argv[4])
    gc.collect()
    before = gc.mem_free()
    go(windows * 40)             # a window is 200 ms
    gc.collect()
    print("growth", before - gc.mem_free())
    print("windows", windows)
elif what == "tick":
    acu, clock, sampler = unit.acu, unit.clock, unit.sampler
    push = sampler.push
    now = [0]

    def ticks(n):
        """Time of n ticks alone: the sampler is fed outside of it."""
        spent = 0
        for _ in range(n):
            now[0] += 5000
            clock.set(_at[0] + now[0])
            ticks_us = clock.ticks_us()
            push(frames)
            begin = time.ticks_us()
            acu.fast(ticks_us)
            spent += time.ticks_diff(time.ticks_us(), begin)
        return spent

    ticks(100)
    gc.collect()
    gc.disable()
    mid = n = 0                 # while the heap is locked no dictionary may grow
    for _ in range(400):
        now[0] += 5000
        clock.set(_at[0] + now[0])
        ticks_us = clock.ticks_us()
        push(frames)
        micropython.heap_lock()
        mid = gc.mem_alloc()
        acu.fast(ticks_us)
        n += gc.mem_alloc() - mid
        micropython.heap_unlock()
    gc.enable()
    print("alloc", n)
    best = min([ticks(400) for _ in range(5)])
    print("tick_ns", best * 1000 // 400)
