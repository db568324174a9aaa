"""Settings of the four-recloser scheme (roles/islander.py): what in them contradicts itself or
another setting.

Spec recloser, section 4. Their keys and bounds stand in recloser_settings.py, which loads this
where il_duty is set; read at the start and forgotten.
"""
# What a recloser does, in the order of il_peers, and of peers.LEAD to SHED.
DUTIES = ("lead", "second", "tie", "shed")
MOST_GENS = 6


def tables(full):
    """Its place in the scheme, peers.LEAD to SHED."""
    return DUTIES.index(full["il_duty"])


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
    duty = full["il_duty"]
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
