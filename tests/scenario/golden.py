"""Golden event logs: what a scenario's log was when somebody read it, in tests/golden/.

SLVG_UPDATE_GOLDEN=1 rewrites them from the present runs: read the difference before you commit it.
"""
import os
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "golden"


def golden(name: str) -> str:
    """name: without .log. As it is, to the byte."""
    return (HERE / f"{name}.log").read_bytes().decode()


def is_golden(name: str, log: str) -> bool:
    """Of a run on CPython, which may rewrite it."""
    if os.environ.get("SLVG_UPDATE_GOLDEN"):
        (HERE / f"{name}.log").write_bytes(log.encode())
    assert log.splitlines() == golden(name).splitlines()
    return log == golden(name)
