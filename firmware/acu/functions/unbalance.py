"""The unbalance of three apparent powers (spec smartlvgrid, section 11): VA in, per mille out.

Pure arithmetic on integers, for F4 (balancing.py) and its planner.
"""


def deviations(s_va3, sr_va):
    """(3 |S_x - M| of each phase, 3 M); below the limits of the spec power is no load."""
    a, b, c = s_va3
    a = 0 if a * 600 < sr_va else a  # 0.5 % of Sr/3
    b = 0 if b * 600 < sr_va else b
    c = 0 if c * 600 < sr_va else c
    total = a + b + c
    if total * 20 < sr_va:           # M below 5 % of Sr/3
        return 0, 0, 0, total
    return abs(3 * a - total), abs(3 * b - total), abs(3 * c - total), total


def ui_m(s_va3, sr_va):
    """Unbalance of three apparent powers, per mille of their mean, to the nearest."""
    a, b, c, total = deviations(s_va3, sr_va)
    worst = max(a, b, c)
    return (2000 * worst + total) // (2 * total) if worst else 0
