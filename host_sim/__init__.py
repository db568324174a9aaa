"""The emulated street. On CPython, importing it makes MicroPython's built-ins available to
firmware/.

Inside the VM only board/ and vm/server.py are imported, and nothing needs a stand-in.
"""
import sys

if sys.implementation.name == "cpython":
    import os
    from pathlib import Path

    # Before numpy comes: its matrices are small here, and threads of OpenBLAS that wait for a busy
    # core cost a hundred times the product; results are those of one thread on any machine.
    for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(_name, "1")

    from host_sim import stand_in

    stand_in.install()

    _FIRMWARE = str(Path(__file__).resolve().parent.parent / "firmware")
    if _FIRMWARE not in sys.path:
        sys.path.insert(0, _FIRMWARE)
