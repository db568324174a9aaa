"""How much Python one fast tick, or one step of dispatch, runs: statements, byte codes and viper
calls, counted and not timed.

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


class Counter:
    """Counts what the firmware runs inside `with`: each use adds a row to `each`."""

    def __init__(self):
        self.each: list[dict] = []
        self._viper = _viper_functions()
        self._now: dict[str, int] = {}
        self._before = None

    def __enter__(self) -> "Counter":
        self._now = {"statements": 0, "bytecodes": 0, "viper_calls": 0, "viper_statements": 0}
        self._before = sys.gettrace()
        sys.settrace(self._calls)
        return self

    def __exit__(self, *_) -> None:
        sys.settrace(self._before)
        self.each.append(self._now)

    def _local(self, frame, event, arg):
        if event == "line":
            self._now["statements"] += 1
        elif event == "opcode":
            self._now["bytecodes"] += 1
        return self._local

    def _inside(self, frame, event, arg):
        if event == "line":
            self._now["viper_statements"] += 1
        return self._inside

    def _calls(self, frame, event, arg):
        code = frame.f_code
        if not code.co_filename.startswith(FIRMWARE):
            return None
        if (code.co_filename, code.co_name) in self._viper:
            self._now["viper_calls"] += 1
            return self._inside
        frame.f_trace_opcodes = True
        return self._local

    def figures(self) -> dict:
        """Means, and the most statements of a row."""
        n = len(self.each)
        return {**{key: round(sum(one[key] for one in self.each) / n) for key in self.each[0]},
                "statements_max": max(one["statements"] for one in self.each)}


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
    acu_object = unit.acu
    if acu_object is None:
        raise RuntimeError("the controller did not start")
    counter = Counter()
    for _ in range(_TICKS):
        t_us += 5000
        unit.clock.set(t_us)
        unit.sampler.push(frames)
        ticks_us = unit.clock.ticks_us()
        with counter:
            acu_object.fast(ticks_us)
    return counter.figures()
