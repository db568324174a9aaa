# Runs on the emulated chip: one role on the simulator's doors; prints heap and times.
import gc
import json
import math
import time

import micropython

gc.threshold(6000)      # collect while importing, so that the garbage leaves no holes
with open("spec.json") as f:
    spec = json.load(f)
print("empty", gc.mem_free())
for name in spec["modules"]:
    __import__(name)
    gc.collect()
print("loaded", gc.mem_free())

from acu.dsp.ring import RingSampler  # noqa: E402
from acu.primitives.measuring import Measuring  # noqa: E402
from host_sim.board.unit import Unit  # noqa: E402


class Plain(Measuring):
    def frames(self):
        pass


def tick(k):
    """20 frames of a steady supply."""
    n = len(spec["board"]["channels"])
    codes = bytearray(40 * n)
    for frame in range(20):
        for c in range(n):
            turn = 2 * math.pi * (k % 4 * 20 + frame) / 80 - c % 3 * 2.0944
            code = 2048 + int(1400 * math.sin(turn))
            codes[2 * (frame * n + c)] = code & 255
            codes[2 * (frame * n + c) + 1] = code >> 8
    return bytes(codes)


unit = Unit(spec, RingSampler, None, Plain)
levels = [1] + [0] * (len(spec["board"]["inputs"]) - 1)
if spec["config"]["role"] == "recloser":
    levels = [0, 1, 1, 1, 1, 1, 0]      # open, and everything in order
unit.self_test = lambda now_ms: 0   # else refused on a chip: no board has these doors
unit.boot(0, levels)
gc.collect()
print("built", gc.mem_free())
gc.threshold(-1)        # from here on when the heap is full: a collection takes 25 ms
cycle = [tick(k) for k in range(4)]
for k in range(240):
    unit.instant(5000 * (k + 1), cycle[k & 3], levels, (), bool(k & 1), True)
gc.collect()
spent = [0] * 40


def fast_ticks():
    for k in range(40):
        unit.clock.set(5000 * (k + 241))
        now_us = unit.clock.ticks_us()
        unit.sampler.push(cycle[k & 3])
        micropython.heap_lock()     # as a hard timer has it
        begin = time.ticks_us()
        unit.acu.fast(now_us)
        spent[k] = time.ticks_diff(time.ticks_us(), begin)
        micropython.heap_unlock()


fast_ticks()
print("fast", *spent)
slow = []
for k in range(280, 680):       # two seconds, ten windows, garbage and all
    unit.feed(5000 * (k + 1), cycle[k & 3], levels, True)
    unit.acu.fast(unit.clock.ticks_us())
    if k & 1:
        begin = time.ticks_us()
        unit.acu.slow(unit.clock.now_ms())
        slow.append(time.ticks_diff(time.ticks_us(), begin))
        unit.link.sent = []
print("slow", sum(slow) // 1000, max(slow) // 1000)
gc.collect()
print("left", gc.mem_free())
print("u", *getattr(unit.acu.measuring, "half_dv", unit.acu.measuring.q[:4]))
