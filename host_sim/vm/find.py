"""Finds the 32-bit MicroPython (unix port) that runs the VM ring."""
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parents[2] / ".venv" / "micropython" / "micropython"
_PROBE = "import sys; print(sys.implementation.name, sys.maxsize)"
_PROBE_S = 10


class NoMicroPython(Exception):
    """There is none; the text says how to get one."""


@cache
def micropython() -> str:
    """Path of a MicroPython with 32-bit words: $MICROPYTHON and no other if that is set, else the
    project's own, else one on the PATH."""
    wanted = os.environ.get("MICROPYTHON")
    tried = []
    for path in [wanted] if wanted else [str(_HERE), shutil.which("micropython")]:
        if not path or path == str(_HERE) and not _HERE.exists():
            continue
        trouble = _trouble(path)
        if not trouble:
            return path
        tried.append(f"{path} {trouble}")
    found = f" ({'; '.join(tried)})" if tried else ""
    remedy = "Set MICROPYTHON to" if wanted else "Run `make setup`, or set MICROPYTHON to"
    raise NoMicroPython(f"E130 no 32-bit MicroPython{found}. {remedy} a unix port with 31-bit "
                        f"small integers{', or unset it' if wanted else ''}.")


def _trouble(path: str) -> str:
    """Why this is no 32-bit MicroPython; '' if it is one."""
    try:
        probe = subprocess.run([path, "-c", _PROBE], stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=_PROBE_S, check=False)
    except OSError as e:
        return f"cannot be run: {e.strerror}"
    except subprocess.TimeoutExpired:
        return f"says nothing for {_PROBE_S} s"
    return "" if probe.stdout.split() == [b"micropython", b"2147483647"] else "is not one"
