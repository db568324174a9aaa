"""How much Python one fast tick runs: statements, byte codes and viper calls, counted and not
timed.

Counted on CPython by tracing, on the firmware's own files; what viper functions do inside is
compiled code: a call, and the statements in it apart. Byte codes are CPython's and only comparable
with themselves. bench.py turns the statements into a budget.
"""
import re
import sys
from pathlib import Path

from acu.dsp.ring import RingSampler
from host_sim.bench import spec_of
from host_sim.board.unit import Unit

FIRMWARE = str(Path(__file__).resolve().parents[1] / "firmware")
_TICKS = 40                    # a whole window of 10 cycles
_VIPER = re.compile(r"@micropython\.viper\s+def (\w+)")


def _viper_functions() -> set[tuple[str, str]]:
    return {(str(path), name) for path in Path(FIRMWARE).rglob("*.py")
            for name in _VIPER.findall(path.read_text())}


def statements_per_tick(role: str) -> dict:
    """Mean and greatest count of a tick of a controller of this role, nothing happening."""
    spec = {**spec_of(role), "level": "wave"}
    board = spec["board"]
    unit = Unit(spec, RingSampler, None)
    levels = [1] + [0] * (len(board["inputs"]) - 1)
    if role == "recloser":
        levels = [0, 1, 1, 1, 1, 1, 0]      # open, and everything in order
    frames = b"".join(bytes([k & 1, 8] * len(board["channels"])) for k in range(20))
    unit.boot(0, levels)
    t_us = 0
    for _ in range(200):
        t_us += 5000
        unit.instant(t_us, frames, levels, (), t_us % 10_000 == 0, True)

    viper = _viper_functions()
    counts = {"statements": 0, "bytecodes": 0, "viper_calls": 0, "viper_statements": 0}

    def local(frame, event, arg):
        if event == "line":
            counts["statements"] += 1
        elif event == "opcode":
            counts["bytecodes"] += 1
        return local

    def inside(frame, event, arg):
        if event == "line":
            counts["viper_statements"] += 1
        return inside

    def calls(frame, event, arg):
        code = frame.f_code
        if not code.co_filename.startswith(FIRMWARE):
            return None
        if (code.co_filename, code.co_name) in viper:
            counts["viper_calls"] += 1
            return inside
        frame.f_trace_opcodes = True
        return local

    acu_object = unit.acu
    if acu_object is None:
        raise RuntimeError("the controller did not start")
    each = []
    before = sys.gettrace()
    for _ in range(_TICKS):
        t_us += 5000
        unit.clock.set(t_us)
        unit.sampler.push(frames)
        ticks_us = unit.clock.ticks_us()
        for key in counts:
            counts[key] = 0
        sys.settrace(calls)
        acu_object.fast(ticks_us)
        sys.settrace(before)
        each.append(dict(counts))
    return {**{key: round(sum(one[key] for one in each) / _TICKS) for key in counts},
            "statements_max": max(one["statements"] for one in each)}
