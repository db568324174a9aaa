"""The slvg command: runs scenarios on the emulated street, checks files, reports the firmware's figures."""
