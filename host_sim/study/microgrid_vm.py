"""The microgrid's dispatch inside the 32-bit MicroPython: the same set-points, byte for byte?

A run on CPython has noted what the firmware saw at each step; the VM is shown the same and must
answer the same. Set-points that are all equal make the same plant, so nothing of the plant needs
to be in the VM.
"""
import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acu.functions.dispatch import SET
from host_sim.study.microgrid import Case, Played, Policy
from host_sim.study.microgrid_profiles import Profiles
from host_sim.vm.process import VmProcess

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (ROOT / "firmware", ROOT)      # where the VM imports from
HEAP = "4M"                  # the sources are compiled in it too; leaks must not end it
STEPS = 100_000              # over which memory must not grow (spec, section 10)
GROWS_BYTES = 256            # less is not growth: a number of 64 bits more or less at that moment
_BLOCK = 500                 # steps; what is noted is played in blocks of the same size
_ANSWER = struct.Struct("<III")


@dataclass(frozen=True)
class Compared:
    """first: the step that differs first, with both set-points; None: they are equal."""

    steps: int
    sha256: str              # of all set-points of the VM
    equal: bool
    first: tuple[int, list[int], list[int]] | None
    grown_bytes: int         # what the second half needed more than the first
    us_step: float           # mean processor time of a step, this machine

    @property
    def text(self) -> str:
        if self.first is None:
            return f"equal in {self.steps} steps"
        return "step {}: CPython {}, VM {}".format(*self.first)


def long_enough(profiles: Profiles) -> Profiles:
    """The same in so many shorter steps that there are STEPS of them, or all that a second
    each gives."""
    for n in range(1, profiles.step_s):
        if profiles.step_s % n == 0 and n * len(profiles) >= STEPS:
            return profiles.held(profiles.step_s // n)
    return profiles.held(1)


class Vm(VmProcess):
    """The firmware's dispatch in a MicroPython of its own. given: of a Rig."""

    def __init__(self, given: dict, folders=FOLDERS, heap: str = HEAP):
        super().__init__(ROOT / "host_sim/vm/dispatch_server.py", *folders, heap=heap)
        self._write(json.dumps(given).encode() + b"\n")

    def run(self, seen: np.ndarray) -> tuple[np.ndarray, int, int]:
        """(set-points, heap in use, us) of steps."""
        body = seen.astype("<i8").tobytes()
        self._write(struct.pack("<I", len(body)) + body)
        size, heap, us = _ANSWER.unpack(self._read(_ANSWER.size))
        return np.frombuffer(self._read(size), dtype="<i4").reshape(-1, SET), heap, us


def compare(played: Played, policy: Policy, case: Case | None = None, options: dict | None = None,
            progress: Callable[[int, int], None] = lambda done, of: None,
            folders=FOLDERS) -> Compared:
    """played: a run of this policy in this case with these options."""
    case = case or Case()
    vm = Vm(policy.given(case.told or case.spec, options), folders)
    digest = hashlib.sha256()
    first = None
    heaps: list[int] = []
    us = 0
    try:
        for at in range(0, len(played.seen), _BLOCK):
            progress(at, len(played.seen))
            answer, heap, took_us = vm.run(played.seen[at:at + _BLOCK])
            digest.update(answer.tobytes())
            if len(answer) == _BLOCK:
                heaps.append(heap)
            us += took_us
            odd = np.flatnonzero((answer != played.asked[at:at + _BLOCK]).any(axis=1))
            if first is None and len(odd):
                k = int(odd[0])
                first = (at + k, played.asked[at + k].tolist(), answer[k].tolist())
    finally:
        vm.close()
    progress(len(played.seen), len(played.seen))
    half = len(heaps) // 2
    grown = max(heaps[half:]) - max(heaps[1:half]) if half > 1 else 0     # the first one imports
    return Compared(len(played.seen), digest.hexdigest(), first is None, first, grown,
                    us / max(len(played.seen), 1))
