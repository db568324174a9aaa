"""Finds the 32-bit MicroPython (unix port) that runs the VM ring."""
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parents[2] / ".venv" / "micropython" / "micropython"
_PROBE = "import sys; print(sys.implementation.name, sys.maxsize)"


class NoMicroPython(Exception):
    """There is none; the text says how to get one."""


@cache
def micropython() -> str:
    """Path of a MicroPython with 32-bit words: $MICROPYTHON, the project's own, or one on the
    PATH."""
    tried = []
    for path in (os.environ.get("MICROPYTHON"), str(_HERE), shutil.which("micropython")):
        if not path or not Path(path).exists():
            continue
        probe = subprocess.run([path, "-c", _PROBE], capture_output=True, text=True, timeout=20,
                               check=False)
        out = probe.stdout.split()
        if out == ["micropython", "2147483647"]:
            return path
        tried.append(path)
    found = f" ({', '.join(tried)} is not a 32-bit one)" if tried else ""
    raise NoMicroPython(f"E130 no 32-bit MicroPython found{found}. Run `make setup`, or set "
                        "MICROPYTHON to a unix port with 31-bit small integers.")
