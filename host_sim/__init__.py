"""The emulated street. On CPython, importing it makes MicroPython's built-ins available to
firmware/.

Inside the VM only board/ and vm/server.py are imported, and nothing needs a stand-in.
"""
import sys

if sys.implementation.name == "cpython":
    from pathlib import Path

    from host_sim import stand_in

    stand_in.install()

    _FIRMWARE = str(Path(__file__).resolve().parent.parent / "firmware")
    if _FIRMWARE not in sys.path:
        sys.path.insert(0, _FIRMWARE)
