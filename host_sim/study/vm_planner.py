"""Inside the MicroPython VM: how long the firmware's planner takes. vm_planner.py PATH < cases.

PATH holds the firmware as .mpy. Each line of standard input is a case as JSON, [ops, n_all, s_va,
sr_va, target_m, p_w, q_var]; each line out is `us longest_us steps` and the moves, op from to.
us: processor time of the whole plan, in portions as the Coordinator takes it, garbage collection
included; processor time, since a study keeps all cores busy.
"""
import gc
import json
import sys
import time

_REPEATS = 3
sys.path[:] = [sys.argv[1]]

from acu.functions.planner import Planner  # noqa: E402


def plan(args):
    gc.collect()
    began = before = time.ticks_us()
    planner = Planner(*args)
    longest = steps = 0
    done = False
    while not done:
        done = planner.step()
        now = time.ticks_us()
        longest = max(longest, time.ticks_diff(now, before))
        before = now
        steps += 1
    return time.ticks_diff(before, began), longest, steps, planner.moves


while True:
    line = sys.stdin.readline()
    if not line:
        break
    args = json.loads(line)
    best = plan(args)
    for _ in range(_REPEATS - 1):
        best = min(best, plan(args))
    flat = []
    for move in best[3]:
        flat += move
    print(" ".join([str(x) for x in best[:3]] + [str(x) for x in flat]))
