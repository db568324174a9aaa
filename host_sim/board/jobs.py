"""The controllers of a run in two processes, half of them in each; the calls of firmware.py.

Each instant the other process gets its controllers' work and codes first and answers after this
one has done its own half, so the log cannot depend on who is quicker. Only codes and readings
cross the pipe: not for level 'quantity', whose sums are asked for one by one.
"""
import marshal
import os
import struct
import subprocess
import sys
from contextlib import suppress

import numpy as np

from host_sim.board.twinned import TwinFirmware


class JobError(Exception):
    """The other process stopped; the text says how, with its code."""


class JobsFirmware:
    """banks(): as TwinFirmware has them."""

    pulls = True
    python = "cpython"

    def __init__(self, specs, banks, rests=True):
        self._banks = banks
        here, there = specs[::2], specs[1::2]
        self._here = TwinFirmware(here, _nothing, banks, rests)
        self._there = {spec["id"] for spec in there}
        self._known: dict = {}         # rate -> (bank, index of the columns sent)
        self._waiting = False
        # In a session of its own: a Ctrl-C is ours to answer.
        self._child = subprocess.Popen(
            [sys.executable, "-m", "host_sim.board.hosted"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, start_new_session=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
        try:
            self._call("start", there, rests)
        except BaseException:          # a Ctrl-C too: nobody else knows of this process yet
            self.close()
            raise

    def boot(self, acu_id, t_us, levels, up):
        if acu_id in self._there:
            return self._call("boot", acu_id, t_us, levels, up)
        return self._here.boot(acu_id, t_us, levels, up)

    def off(self, acu_id):
        if acu_id in self._there:
            return self._call("off", acu_id)
        return self._here.off(acu_id)

    def set_clock_error(self, acu_id, error_ms):
        if acu_id in self._there:
            return self._call("set_clock_error", acu_id, error_ms)
        return self._here.set_clock_error(acu_id, error_ms)

    def hang(self, acu_id, until_us):
        if acu_id in self._there:
            return self._call("hang", acu_id, until_us)
        return self._here.hang(acu_id, until_us)

    def stored(self, acu_id):
        if acu_id in self._there:
            return self._call("stored", acu_id)
        return self._here.stored(acu_id)

    def instant(self, t_us, slow, work):
        theirs = [one for one in work if one[0] in self._there]
        if not theirs:
            return self._here.instant(t_us, slow, work)
        self._send(("instant", t_us, slow, theirs, self._codes()))
        ours = [one for one in work if one[0] not in self._there]
        here = iter(self._here.instant(t_us, slow, ours))
        there = iter(self._answer())
        return [next(there if one[0] in self._there else here) for one in work]

    def close(self):
        """It ends with its input; while it owes an answer it is killed."""
        if self._waiting:
            self._child.kill()
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        try:
            self._child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child.stdout.close()

    def _codes(self):
        """[(rate, widths or None if they are as before, codes)] of the other's columns."""
        said = []
        for bank in self._banks():
            known, columns = self._known.get(bank.rate_hz, (None, None))
            widths = None
            if known is not bank:
                slices = {name: bank.columns(name) for name in bank.members
                          if name in self._there}
                widths = {name: place.stop - place.start for name, place in slices.items()}
                columns = np.array([k for place in slices.values()
                                    for k in range(place.start, place.stop)], dtype=int)
                self._known[bank.rate_hz] = bank, columns
            if len(columns):
                codes = bank.block_codes().take(columns, 1).tobytes()
                said.append((bank.rate_hz, widths, codes))
        return said

    def _call(self, *request):
        self._send(request)
        return self._answer()

    def _send(self, request):
        self._waiting = True
        data = marshal.dumps(request)
        with suppress(BrokenPipeError):      # it has ended: _answer() says so
            self._child.stdin.write(struct.pack("<I", len(data)) + data)
            self._child.stdin.flush()

    def _answer(self):
        size = self._child.stdout.read(4)
        data = self._child.stdout.read(*struct.unpack("<I", size)) if len(size) == 4 else b""
        if not data:
            raise JobError("E137 the second process of the run ended with exit code "
                           f"{self._child.wait()}; its own message stands above. Run with one "
                           "(--jobs 1).")
        self._waiting = False
        return marshal.loads(data)


def _nothing(*_):
    raise ValueError("a run in two processes asks for no sums")
