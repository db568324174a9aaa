"""Settings of a recloser's protection (functions/protection.py), in the manner of config.KEYS.

Two groups: gr_ while the grid feeds the line, is_ for an island. An element's key is group, ANSI
number and stage, unit: gr_50a_ma. Currents and powers are those of the transformers' secondary
side, voltages per mille of nominal. Read at the start and forgotten.
"""

GROUPS = ("gr", "is")
# Number and stage of each element; its place is its bit in the masks. Never re-used.
ELEMENTS = ("50a", "50b", "51", "50na", "51n", "46", "27a", "27b", "59a", "59b", "59n", "47",
            "81ua", "81ub", "81o", "81r", "32")
CURVES = ("dt", "iec_ni", "iec_vi", "iec_ei", "ieee_mi", "ieee_vi", "ieee_ei")
INVERSE = ("51", "51n", "46")
_DO = ("off", "alarm", "trip")
_I_MA = (50, 20_000)
_U_PM = (100, 1_400)

# element: (unit of its pick-up, (lowest, highest), pick-up and time in ms of grid, of island,
# reset level in per mille of the pick-up: default, lowest, highest)
_RULES = {
    "50a": ("ma", _I_MA, (10_000, 0), (4_000, 0), (950, 500, 990)),
    "50b": ("ma", _I_MA, (4_000, 300), (2_500, 300), (950, 500, 990)),
    "51": ("ma", _I_MA, (1_000, 1_000), (1_000, 1_000), (950, 500, 990)),
    "50na": ("ma", _I_MA, (1_000, 100), (1_000, 100), (950, 500, 990)),
    "51n": ("ma", _I_MA, (200, 1_000), (200, 1_000), (950, 500, 990)),
    "46": ("ma", _I_MA, (300, 10_000), (300, 10_000), (950, 500, 990)),
    "27a": ("pm", (50, 1_000), (500, 200), (500, 200), (1_050, 1_010, 1_500)),
    "27b": ("pm", (50, 1_000), (800, 3_000), (850, 3_000), (1_020, 1_010, 1_500)),
    "59a": ("pm", _U_PM, (1_300, 40), (1_200, 40), (980, 500, 990)),
    "59b": ("pm", _U_PM, (1_150, 3_000), (1_100, 3_000), (980, 500, 990)),
    "59n": ("pm", (20, 1_400), (200, 5_000), (200, 5_000), (950, 500, 990)),
    "47": ("pm", (20, 1_000), (100, 5_000), (100, 5_000), (950, 500, 990)),
    "81ua": ("mhz", (45_000, 50_000), (47_500, 0), (47_000, 200), (1_000, 1_000, 1_020)),
    "81ub": ("mhz", (45_000, 50_000), (49_000, 600), (48_000, 600), (1_000, 1_000, 1_020)),
    "81o": ("mhz", (50_000, 55_000), (51_500, 200), (52_000, 500), (1_000, 980, 1_000)),
    "81r": ("mhzs", (100, 10_000), (2_000, 100), (3_000, 200), (800, 500, 950)),
    "32": ("mw", (-3_000_000, 3_000_000), (-50_000, 1_000), (-50_000, 1_000), (900, 500, 980)),
}


def rules():
    """(key, rule) of each, one after the other: all at once they are 8 KB, which is more than a
    console has. rule: (default, lowest, highest) or a tuple of words, as config.KEYS has it."""
    yield "rst_81_mhz", (20, 5, 500)
    for name in ELEMENTS:
        unit, bounds, grid, island, reset = _RULES[name]
        if unit != "mhz":
            yield "rst_%s_pm" % name, reset
        for group, (level, t_ms) in zip(GROUPS, (grid, island)):
            stem = group + "_" + name
            yield stem + "_do", _DO
            yield stem + "_" + unit, (level, bounds[0], bounds[1])
            # a channel that freezes looks like no voltage until it is known to: 40 ms
            yield stem + "_t_ms", (t_ms, 60 if name[:2] == "27" else 0, 600_000)
            if name in INVERSE:
                yield stem + "_curve", CURVES
                yield stem + "_tms_m", (300, 20, 15_000)    # TMS or TD, of 1000
                yield stem + "_disc", (0, 0, 1)             # 1: its time goes back as a disc's
                yield stem + "_rst_ms", (0, 0, 60_000)      # 0: at the drop
    for group in GROUPS:
        yield group + "_side", (1, 1, 2)                    # of 27, 59, 47, 81
        yield group + "_27_ph", ("any", "all")
        yield group + "_59_ph", ("any", "all")
        yield group + "_dead_pm", (200, 100, 800)           # below, 27 takes the line for dead
        yield group + "_81_u_pm", (500, 200, 900)           # below, 81 is blocked


def level_key(group, name):
    return group + "_" + name + "_" + _RULES[name][0]


def on(full, group, name):
    return full.get(group + "_" + name + "_do", "off") != "off"


# (first, second, sign): the first stage must lie beyond the second, or it never acts alone
_ORDER = (("50a", "50b", 1), ("50b", "51", 1), ("50a", "51", 1), ("50na", "51n", 1),
          ("27a", "27b", -1), ("59a", "59b", 1), ("81ua", "81ub", -1))


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    errors = []
    for group in GROUPS:
        for first, second, sign in _ORDER:
            if not (on(full, group, first) and on(full, group, second)):
                continue
            a, b = level_key(group, first), level_key(group, second)
            if (full[a] - full[b]) * sign <= 0:
                errors.append("E180 config: %s = %d is not %s %s = %d, the slower stage. Set it "
                              "%s, or one of the two off." % (
                                  a, full[a], "above" if sign > 0 else "below", b, full[b],
                                  "higher" if sign > 0 else "lower"))
        for name in ("27a", "27b"):
            key, dead = level_key(group, name), group + "_dead_pm"
            if on(full, group, name) and full[key] <= full[dead]:
                errors.append("E181 config: %s = %d is not above %s = %d: a voltage that low is "
                              "taken for a dead line, and it never operates. Set more than %d." % (
                                  key, full[key], dead, full[dead], full[dead]))
        key = group + "_32_mw"
        if on(full, group, "32") and -1_000 < full[key] < 1_000:
            errors.append("E182 config: %s = %d is lost in the noise. Set -3000000 to -1000 for "
                          "power from side 2 to side 1, 1000 to 3000000 for the other way." % (
                              key, full[key]))
        for name in ("81ua", "81ub", "81o"):
            key = level_key(group, name)
            gap = full[key] - full["fn_mhz"] if name == "81o" else full["fn_mhz"] - full[key]
            if on(full, group, name) and gap <= full["rst_81_mhz"]:
                errors.append("E183 config: %s = %d is within rst_81_mhz = %d of the nominal "
                              "frequency, it would never reset. Set it at least %d mHz away." % (
                                  key, full[key], full["rst_81_mhz"], full["rst_81_mhz"] + 1))
        for name in INVERSE:
            if not on(full, group, name):
                continue
            stem = group + "_" + name
            curve = full.get(stem + "_curve", "dt")
            tms_m = full[stem + "_tms_m"]
            if curve[:4] == "iec_" and tms_m > 2_000:
                errors.append("E185 config: %s_tms_m = %d is above 2000, the most of an IEC curve "
                              "(above is for the time dial of IEEE curves). Set 20 to 2000." % (
                                  stem, tms_m))
            if curve == "dt" and full[stem + "_disc"]:
                errors.append("E184 config: %s_disc = 1 needs a curve, a definite time has no "
                              "disc. Set %s_curve, or %s_disc = 0." % (stem, stem, stem))
    return errors
