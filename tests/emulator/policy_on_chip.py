# Runs on the emulated chip: steps of dispatch with each policy; prints microseconds and a sum.
import gc
import time

from acu.functions import dispatch, policy_table
from acu.functions.policy_rule import Rule
from acu.functions.policy_table import Table


def read(at, n):
    with open("policy.bin", "rb") as f:
        f.seek(at)
        return f.read(n)


def steps(policies, rows, dt_s):
    """Times of a step for each row, the first of its hour and one within it."""
    d = dispatch.Dispatch(plant, policies)
    first, later = [], []
    total = 0
    for k in range(len(rows)):
        seen = [1_388_534_400 + k * 7 * 3600] + rows[k] + [dt_s]
        for times in (first, later):
            gc.collect()
            begin = time.ticks_us()
            out = d.step(k * 25_200_000, seen)
            times.append(time.ticks_diff(time.ticks_us(), begin))
            total = (total * 31 + sum(out) + out[1] * 7) & 0xFFFFFF
    return first, later, total


plant = dispatch.Plant(dispatch.Store(2_900_000, 2_900_000, 950, 950),
                       dispatch.Store(1_000_000, 200_000_000, 650, 650))
before = time.ticks_us()
print("unfit", int(policy_table.unfit(plant, read) != ""))
print("check", time.ticks_diff(time.ticks_us(), before))
with open("rows.txt") as f:
    rows = [[int(word) for word in line.split()] for line in f]
gc.collect()
free = gc.mem_free()
table = Table(plant, read)
gc.collect()
print("bytes", free - gc.mem_free())
for name, policies in (("naive", ()), ("rule", (Rule(plant),)), ("table", (table,))):
    first, later, total = steps(policies, rows, 3600)
    print(name, max(first), sum(first) // len(first), max(later), sum(later) // len(later), total)
