"""The slvg command: runs scenarios on the emulated street, checks files, reports figures."""
