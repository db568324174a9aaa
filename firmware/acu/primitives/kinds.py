"""What is measured at each kind of place: which voltage goes with which current.

Pairs of (voltage, current) by the board's channels in their order. Read while sampler and
measuring are made, forgotten afterwards (app.py), for a board needs one of them.
"""
# Always three pairs: a meter of fewer phases measures its own again.
PAIRS = {"post": ((0, 3), (1, 4), (2, 5)), "branch": ((0, 3), (1, 4), (2, 5)),
         "customer": ((3, 4), (0, 1), (2, 0)), "two": ((0, 2), (1, 3), (0, 2)),
         "single": ((0, 1), (0, 1), (0, 1)), "microgrid": ((0, 1), (0, 2), (0, 3))}
# Voltages among the channels; three if nothing else is said.
VOLTAGES = {"customer": 4, "two": 2, "single": 1, "microgrid": 1}
