"""Scenarios through the recloser's own measuring and synchronism check, in a MicroPython process
or in this one: the same calls, the same bytes.

`Vm` and `Here` have rows() and check() (host_sim/board/bay_rig.py says what they answer). A study
gives each of its processes one Vm; `of_process` keeps it there between work items.
"""
import atexit
import json
import os
import struct
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from acu.dsp.bay import NQ
from host_sim.board import bay_rig
from host_sim.vm.process import VmProcess
from host_sim.waveform import bay_codes

ROOT = Path(__file__).resolve().parents[2]
TICK_S = bay_rig.TICK_US / 1e6
FRAMES = bay_rig.FRAMES
_HEAD = struct.Struct("<iiiiiii")
# BayMeasuring's own settings: transformers of 100 V, line voltages of both phases on both sides
BAY = {"un1_mv": 100_000, "un2_mv": 100_000, "u0n_mv": 100_000, "ang_cdeg": 0, "vt1": 2, "vt2": 2,
       "t_close_ms": 60, "vt_n": 1, "ct_n": 1}


class Checked(NamedTuple):
    """What the check said: tick k ends at (k + 1) * TICK_S; order: -1 for none."""

    order: int
    decision: np.ndarray
    reasons: np.ndarray
    answers: np.ndarray


def settings(sync: dict | None = None, bay: dict | None = None, table=None,
             gain: float = 1.0) -> dict:
    """Of board pico_w_recloser, as its board.json says. gain: what a calibration has found, full
    scale against nominal."""
    with (ROOT / "boards/pico_w_recloser/board.json").open(encoding="utf-8") as file:
        board = json.load(file)
    nominal = [board["u_peak_dv"] * 100_000] * 5 + [board["i_peak_ma"] * 1000] * 3
    full = [round(x * gain) for x in nominal]
    return {"cal": [(full_u, k * board["slot_ns"]) for k, full_u in enumerate(full)],
            "pairs": board["pairs"], "rate_hz": board["rate_hz"],
            "bay": BAY | (bay or {}), "sync": sync or {},
            "table": list(table) if table is not None else None}


def told(answer: bytes) -> Checked:
    numbers = np.frombuffer(answer, dtype="<i4")
    played, order, n = (int(x) for x in numbers[:3])
    return Checked(order, numbers[3:3 + n], numbers[3 + n:3 + n + played],
                   numbers[3 + n + played:])


class _Runner:
    """Codes in, what the firmware made of them out."""

    def run(self, what: int, codes: np.ndarray, ask_tick: int, mode: int, wait_ms: int,
            blind: int = 0) -> bytes:
        raise NotImplementedError

    def rows(self, codes: np.ndarray) -> np.ndarray:
        """(ticks, NQ): all quantities (acu.dsp.bay) after each tick of 20 frames."""
        answer = self.run(bay_rig.ROWS, codes, 0, 0, 0)
        return np.frombuffer(answer, dtype="<i4").reshape(-1, NQ)

    def check(self, codes: np.ndarray, ask_tick: int, mode: int, wait_ms: int,
              blind: int = 0) -> Checked:
        """A close is asked for at ask_tick, never if that is negative; ends with the order."""
        return told(self.run(bay_rig.CHECK, codes, ask_tick, mode, wait_ms, blind))

    def close(self) -> None:
        pass


class Here(_Runner):
    """In this CPython."""

    def __init__(self, given: dict):
        self._rig = bay_rig.Rig(json.loads(json.dumps(given)))

    def run(self, what, codes, ask_tick, mode, wait_ms, blind=0):
        return self._rig.run(what, codes.astype("<u2").tobytes(), len(codes) // FRAMES, ask_tick,
                             mode, wait_ms, blind)


class Vm(VmProcess, _Runner):
    """In a 32-bit MicroPython of its own. folders: of acu and of host_sim."""

    patience_s = 2

    def __init__(self, given: dict, folders=(ROOT / "firmware", ROOT), heap: str = "48M"):
        super().__init__(ROOT / "host_sim/vm/bay_server.py", *folders, heap=heap)
        self._write(json.dumps(given).encode() + b"\n")

    def run(self, what, codes, ask_tick, mode, wait_ms, blind=0):
        body = codes.astype("<u2").tobytes()
        self._write(_HEAD.pack(what, len(codes) // FRAMES, ask_tick, mode, wait_ms, blind,
                               len(body)) + body)
        return self._read(struct.unpack("<I", self._read(4))[0])


def of_process(given: str) -> Vm:
    """The VM of this process for settings as JSON; ends with the process."""
    return _of(given, os.getpid())


@cache
def _of(given: str, _pid: int) -> Vm:
    """A forked process must not talk to its parent's."""
    vm = Vm(json.loads(given))
    atexit.register(vm.close)
    return vm


def played(world, seconds: float, front: bay_codes.Front, rng: np.random.Generator) -> np.ndarray:
    """Codes of whole ticks of a world."""
    ticks = round(seconds / TICK_S)
    return bay_codes.codes(world, ticks * FRAMES, front, rng)
