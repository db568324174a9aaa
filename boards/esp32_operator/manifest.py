"""Freezes the firmware into a MicroPython image (1.26 or later), so that its code takes no RAM.

    slvg build --board esp32_operator
    make -C micropython/ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=THIS_FILE

The modules are those that the build wrote, with the hashes of its manifest.json. Files in a slot
of the file system come before frozen ones, so such a board can still be flashed.
"""
# ruff: noqa: F821
include("$(PORT_DIR)/boards/manifest.py")
include("../../build/esp32_operator/manifest.py")
