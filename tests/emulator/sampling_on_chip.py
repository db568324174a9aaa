# Runs on the emulated chip: a sampling driver under a timer while the main loop collects garbage,
# writes files, hangs and takes the DMA away. test_chip_sampling.py writes the driver's name and
# the seconds in.
# ruff: noqa: F821  the chip's names
import gc
import time
from array import array

import machine

DRIVER = "adc"
SECONDS = 3

if DRIVER == "adc":
    from acu.drivers.adc_dma import AdcRing

    heap = gc.mem_free()
    ring = AdcRing((26, 27, 28), ((0, 1), (0, 1), (0, 1)), 4000)
    order = array("i", (0, 1, 2, 4, 0, 1, 2, 4))
else:
    from acu.drivers.mcp3208_pio import McpRing

    heap = gc.mem_free()
    ring = McpRing({"sck": 2, "mosi": 3, "miso": 4, "cs": 5}, ((3, 4), (0, 1), (2, 0)), 4000)
    order = array("i", range(8))
gc.collect()
print("heap", heap, gc.mem_free())
# the frame before, wrong places, frames that do not follow, frames, ticks, us in ready()
st = array("i", (-1, 0, 0, 0, 0, 0, 0))
ref = array("i", (0, 209715))
out = array("i", bytes(4 * 27))


@micropython.viper
def look(ring: ptr16, st: ptr32, order: ptr32, at: int, n: int):
    while n:
        p = (at & 2047) << 3
        k = 0
        while k < 8:
            if ring[p + k] & 7 != order[k]:
                st[1] += 1
            k += 1
        now = ring[p] >> 3
        if st[0] >= 0 and (now - st[0] & 511) != 1:
            st[2] += 1
        st[0] = now
        at += 1
        n -= 1
        st[3] += 1


def tick(t):
    begin = time.ticks_us()
    n = ring.ready()
    st[5] += time.ticks_diff(time.ticks_us(), begin)
    st[4] += 1
    while n:
        m = min(n, 127)
        look(ring.ring, st, order, ring.tail, m)
        ring.take(m, ref, out)
        n -= m


def balance():
    """Frames by time since the start, less those taken or counted as lost."""
    state = machine.disable_irq()
    us = time.ticks_diff(time.ticks_us(), begin_us)
    tick(None)
    machine.enable_irq(state)
    return us // 250 - st[3] - ring.overruns


ring.start()
begin_us = time.ticks_us()
try:
    timer = machine.Timer(period=5, mode=machine.Timer.PERIODIC, callback=tick, hard=True)
except TypeError:       # 1.25 has soft timers only
    timer = machine.Timer(period=5, mode=machine.Timer.PERIODIC, callback=tick)
end = time.ticks_add(time.ticks_ms(), SECONDS * 1000)
writes = 0
while time.ticks_diff(end, time.ticks_ms()) > 0:
    junk = [bytearray(100) for _ in range(50)]
    gc.collect()
    with open("junk", "wb") as f:
        f.write(bytes(3000))
    writes += 1
    time.sleep_ms(200)
left = balance()
print("steady", st[1], st[2], st[3], ring.overruns, ring.slips, ring.overflows, left, writes)
print("ready", st[5] // st[4], "test", ring.self_test())
for ms in (600, 1100):
    before = ring.overruns
    state = machine.disable_irq()
    begin = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), begin) < ms * 1000:
        pass
    machine.enable_irq(state)
    time.sleep_ms(50)
    print("hang", ms, ring.overruns - before, ring.slips, balance())
machine.mem32[0x50000444] = 0xFFF       # all channels are aborted
time.sleep_ms(60)
print("stolen", ring.slips, ring.overflows, st[1], balance())
timer.deinit()
ring.stop()
