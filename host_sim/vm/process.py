"""A program inside a real 32-bit MicroPython, and the pipe to it. Over it talk client.py (the
controllers of a run) and study/bay_batch.py (a recloser's measuring).
"""
import subprocess
from contextlib import suppress

from host_sim.vm.find import micropython


class VmError(Exception):
    """The VM stopped; the text says how, with its code."""


class VmProcess:
    """script and words as on a command line; heap as -X heapsize takes it."""

    patience_s = 10         # for its end, before it is killed

    def __init__(self, script, *words, heap: str):
        # In a session of its own: a Ctrl-C is ours to answer, not a traceback of the VM's.
        self._vm = subprocess.Popen(
            [micropython(), "-X", f"heapsize={heap}", str(script), *map(str, words)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        if self._vm.stdin is None or self._vm.stdout is None:
            raise VmError("E134 the MicroPython VM has no pipe")
        self._to, self._from = self._vm.stdin, self._vm.stdout

    def _read(self, n: int) -> bytes:
        data = self._from.read(n)
        if len(data) < n:
            raise VmError(f"E134 the MicroPython VM ended with exit code {self._vm.wait()}; "
                          "its own message stands above")
        return data

    def _write(self, data: bytes) -> None:
        try:
            self._to.write(data)
            self._to.flush()
        except BrokenPipeError:
            self._read(1)        # it has ended: says so

    def close(self) -> None:
        """The VM ends with its input."""
        with suppress(BrokenPipeError):
            self._to.close()
        try:
            self._vm.wait(timeout=self.patience_s)
        except subprocess.TimeoutExpired:
            self._vm.kill()
            self._vm.wait()
        self._from.close()
