"""Settings of the four-recloser scheme (roles/islander.py), in the manner of config.KEYS: what
this recloser does in it, who the others are, the island's machines, when it separates and comes
back.

Spec recloser, section 4. Read at the start and forgotten. `is_` are the protection's settings of
the island, so these begin with `il_`.
"""
_LIST = "list"          # config.LIST

# What a recloser does, in the order of il_peers.
DUTIES = ("lead", "second", "tie", "shed")
MOST_GENS = 6

KEYS = {
    # lead, second: separate the microgrid from the grid (R1, R2), the lead asks the machines;
    # tie: joins its two parts while it is an island (R3); shed: sheds and restores load (R4)
    "il_duty": ("none",) + DUTIES,
    "il_peers": _LIST,                      # ids of the four, in this order
    "il_gens": _LIST,                       # lead: ids of the generators on the Slave Net
    "il_g1_kw": (0, 0, 100_000),            # and their ratings; 0: not given
    "il_g2_kw": (0, 0, 100_000),
    "il_g3_kw": (0, 0, 100_000),
    "il_g4_kw": (0, 0, 100_000),
    "il_g5_kw": (0, 0, 100_000),
    "il_g6_kw": (0, 0, 100_000),
    # lead, second: opens ahead of the current protection where all of it holds so long
    "il_pai": ("on", "off"),
    "il_u_pm": (700, 300, 850),             # a line voltage below
    "il_u_ms": (20, 10, 500),
    "il_df_mhzs": (2_000, 500, 10_000),     # the frequency changes faster
    "il_df_ms": (100, 50, 1_000),
    "il_jump_cdeg": (2_000, 800, 9_000),    # the angle jumps farther
    "il_trip_ms": (770, 100, 10_000),       # from the separation to the trip of machines
    "il_back_ms": (1_500, 500, 3_600_000),  # so long is the grid healthy before it comes back
    "il_bias_mhz": (50, 20, 200),           # so much faster than the grid the island then turns
    # shed: with so little deviation, so long, after the island's end, it closes again
    "il_calm_mhz": (200, 50, 1_000),
    "il_calm_s": (30, 5, 3_600),
}


def _peers(full, errors):
    peers = full["il_peers"]
    k = DUTIES.index(full["il_duty"])
    if len(peers) != len(DUTIES) or len(set(peers)) != len(peers):
        errors.append("E520 config: il_peers has %d entries. Name four different reclosers in the "
                      "order %s." % (len(peers), " ".join(DUTIES)))
    elif peers[k] != full["id"]:
        errors.append("E521 config: il_duty = %s, but il_peers names %s there and id is %s. "
                      "Correct one of them." % (full["il_duty"], peers[k], full["id"]))


def _machines(full, errors):
    gens = full["il_gens"]
    if not gens or len(gens) > MOST_GENS or len(set(gens)) != len(gens):
        errors.append("E522 config: il_gens has %d entries. Name 1 to %d different generators: "
                      "the lead balances the island with them." % (len(gens), MOST_GENS))
        return
    for k in range(len(gens)):
        key = "il_g%d_kw" % (k + 1)
        if not full[key]:
            errors.append("E523 config: %s is missing, the rating of generator %s. Set 1 to "
                          "100000." % (key, gens[k]))


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    errors = []
    duty = full.get("il_duty", "none")
    if duty == "none":
        return errors
    _peers(full, errors)
    if duty == "lead":
        _machines(full, errors)
    if duty != "shed":
        # a grant to close lasts 200 ms, and the dwell must fit into it
        if full["sy_dwell_ms"] > 100:
            errors.append("E524 config: sy_dwell_ms = %d, but what the others grant ends before. "
                          "Set 100 at il_duty = %s." % (full["sy_dwell_ms"], duty))
    if duty == "tie" and full["vt_same_ms"]:
        errors.append("E525 config: vt_same_ms = %d: the two parts of a microgrid are alike for "
                      "hours, and would be taken for one transformer. Set 0." % full["vt_same_ms"])
    slip = full["sy_slip_mhz"]
    # what is left of the limit by the guards of a steady slip
    if duty == "lead" and full["il_bias_mhz"] >= slip - min(full["gd_slip_mhz"], slip * 3 // 10):
        errors.append("E526 config: il_bias_mhz = %d is not below sy_slip_mhz = %d less its "
                      "guard: the check could never permit. Set less." % (
                          full["il_bias_mhz"], slip))
    return errors
