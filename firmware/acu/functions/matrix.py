"""Table 3 of the platform: which primitives each functionality may call (spec smartlvgrid, section
4.1).

A constant for the tests and the reader; no role imports it, so a board does not carry it.
"""

# functionality: (mode, event, levels SL-n, DRF-n, CSF-n, ISF-n)
TABLE_3 = {
    "F1": ("supervisory", "T1", (1, 2, 3), (2,), (1, 2), (1,)),      # telemetry
    "F2": ("supervisory", "T2", (1,), (1,), (1, 2), (1,)),           # outage detection
    "F3": ("autonomous", "T3", (1, 2, 3), (1, 3), (1, 2), (1,)),     # loading control
    "F4": ("autonomous", "T4", (2, 3), (1, 2, 4), (1, 2), (1, 2)),   # phase-unbalance correction
}
