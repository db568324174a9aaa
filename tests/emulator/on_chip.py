# Runs on the emulated chip, after files(...) of test_kernels.py; prints sums and microseconds.
import time
from array import array

from acu.dsp import kernels
from acu.dsp.correction import correct
from acu.dsp.viper import take_pairs as viper


def noise(ring):
    seed = 1
    for k in range(len(ring)):
        seed = (seed * 8121 + 28411) % 134456
        ring[k] = seed * 4096 // 134456


def timed(f, n):
    t = time.ticks_us()
    for _ in range(50):
        f(n, 0, ring, par, ref, kernels.SINE, out)
    return time.ticks_diff(time.ticks_us(), t)


ring = array("H", bytes(16 * 128))
par = array("i", [128, 3, 0, 3, 1, 4, 2, 5])
noise(ring)
print("twin", kernels.take_pairs is not viper)
for kernel in (viper, kernels.take_pairs):
    for n, first in ((1, 127), (20, 120), (127, 64)):
        ref = array("i", [0xFEDCBA, 209715])
        out = array("i", bytes(4 * 27))
        kernel(n, first, ring, par, ref, kernels.SINE, out)
        print("sums", n, first, ref[0], *out)
    ref = array("i", [0, 0])
    print("us", timed(kernel, 40), timed(kernel, 120))
table = array("H", (8 * k for k in range(4096)))
mem = array("i", [0, -1, 0] * 6)
sizes = array("i", [128, 6])
times = []
for n in (40, 120):
    t = time.ticks_us()
    for _ in range(50):
        correct(n, 0, ring, sizes, table, mem)
    times.append(time.ticks_diff(time.ticks_us(), t))
print("us", *times)
