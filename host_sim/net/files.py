"""Files with secrets: for their owner alone, and as they were or as they are to be, whenever the
power goes."""
import contextlib
import os
import tempfile
from pathlib import Path


def folder_for(path: Path) -> None:
    """Makes a folder and those above it, each for its owner alone; what is there stays."""
    missing = []
    while not path.exists():
        missing.append(path)
        path = path.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700, exist_ok=True)


def write_secret(path: Path, data: bytes) -> None:
    """0600 from its first byte on: it is never readable for others, not even for a moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")    # 0600 by itself
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
