"""Freezes the firmware into a MicroPython image (1.26 or later), so that its code takes no RAM.

    slvg build --board pico_w_microgrid
    make -C micropython/ports/rp2 BOARD=RPI_PICO_W FROZEN_MANIFEST=THIS_FILE

The modules are those that the build wrote, with the hashes of its manifest.json. Files in a slot
of the file system come before frozen ones, so such a board can still be flashed.
"""
# ruff: noqa: F821
include("$(PORT_DIR)/boards/RPI_PICO_W/manifest.py")
include("../../build/pico_w_microgrid/manifest.py")
