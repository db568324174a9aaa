"""Runs the firmware of the slot that boot.py chose, and records why it ended.

Reads boot.py's globals SLOT, MODE, TRIAL and WHY, and does without them (safe) when it is run by
hand. A fatal error goes to /data/fatal, is shown at the next start, and resets the board. In
maintenance nothing runs: it waits for a Ctrl-C, as mpremote sends it, and ends the maintenance
when nobody came.
"""
import sys

import machine


def _fatal(slot, error):
    """At most 1 KiB, and the reason of the reset that follows."""
    import io
    try:
        text = io.StringIO()
        sys.print_exception(error, text)
        with open("/data/fatal", "w") as f:
            f.write("/%s\n%s" % (slot, text.getvalue()[-1000:]))
        with open("/data/reset", "w") as f:
            f.write("fatal")
    except Exception:           # full flash, no memory: the reset is worth more
        pass


def _maintain():
    """/maint holds how many seconds a power-up waits for somebody."""
    import os
    import time
    with open("/maint") as f:
        text = f.read(8)
    for _ in range(10 * int(text) if text.isdigit() else 1200):
        time.sleep_ms(100)
    os.remove("/maint")
    machine.reset()


def _main(slot, mode, trial, why):
    if why:
        print(why)
    try:
        if mode == "maint":
            _maintain()
        elif slot:
            from acu import start
            start.run(slot, mode, trial, why)
    except KeyboardInterrupt:
        pass
    except Exception as e:
        sys.print_exception(e)
        if mode == "run":
            _fatal(slot, e)
            machine.reset()


_main(globals().get("SLOT", ""), globals().get("MODE", "safe"), globals().get("TRIAL", False),
      globals().get("WHY", "E366 start: main.py ran without boot.py. Reset the board."))
