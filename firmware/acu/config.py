"""Every setting of a controller: the key carries its unit; default and bounds stand here and
nowhere else.

check() completes a dict with the defaults and returns the sentences of everything that is wrong;
an ACU is built only from settings without a complaint. Defaults: spec smartlvgrid, section 7.
"""
import gc
import sys

from acu.messages import valid_id

# key: (default, lowest, highest); a tuple of allowed words; or LIST / WORD for identities.
WORD = "word"
LIST = "list"
KEYS = {
    "id": WORD,
    "role": ("operator", "subcoordinator", "coordinator", "meter", "recloser", "microgrid"),
    "sc": WORD,                        # name of the smart circuit
    "uc": WORD,                        # micro-circuit (branch) that this ACU belongs to or leads
    "members": LIST,                   # ids of the Operators below, in order
    "prio": LIST,                      # reconnection priority of each member, low first
    # Sub-Coordinator that leads to each member; "-": our own Slave Net
    "via": LIST,
    "slot_i": (0, 0, 999),             # this Operator's place among the slot_n of its circuit
    "slot_n": (1, 1, 1_000),
    "un_dv": (2300, 1000, 4000),
    "fn_mhz": (50_000, 50_000, 60_000),
    "sr_va": (15_000, 1_000, 4_000_000),        # transformer rating, three phases
    "t_tele_ms": (60_000, 1_000, 86_400_000),
    "tele_win_ms": (3_000, 100, 60_000),
    "tele_retries": (2, 0, 5),
    "t_ops_ms": (900_000, 1_000, 86_400_000),   # how often tele tells a single customer's power
    "t_hb_ms": (30_000, 500, 3_600_000),
    "hb_missed": (3, 1, 20),                    # heart beats missed before a member is flagged
    "t_time_ms": (60_000, 1_000, 3_600_000),    # how often the Coordinator gives the time
    # of Un, per mille: below on all phases is an outage
    "u_out_pm": (100, 20, 500),
    "t_out_ms": (200, 100, 5_000),
    "u_part_pm": (700, 200, 900),
    "t_part_ms": (1_000, 100, 60_000),
    "u_lo_pm": (900, 700, 990),                 # restore band
    "u_hi_pm": (1_100, 1_010, 1_200),
    "t_res_ms": (5_000, 500, 600_000),
    "t_base_ms": (10_000, 0, 3_600_000),
    "t_slot_ms": (2_000, 500, 600_000),
    "jitter_ms": (1_000, 0, 60_000),            # of a reconnection slot, from the id's hash
    "u_close_pm": (920, 800, 1_000),            # transformer voltage needed before a slot
    "i_hold_pm": (900, 100, 1_500),             # of rated current: above, a slot is held
    "u_ov_pm": (1_200, 1_050, 1_500),           # Operator opens above
    "t_ov_ms": (200, 40, 10_000),
    "ui_max_pm": (200, 10, 2_000),
    "ui_hyst_pm": (50, 0, 500),
    "ub_hold_ms": (300_000, 1_000, 86_400_000),
    "ub_avg_ms": (900_000, 1_000, 3_600_000),
    "ub_win_ms": (3_000, 100, 60_000),
    "ub_retries": (2, 0, 5),
    "ub_en": (1, 0, 1),
    "dead_ms": (60, 40, 2_000),                 # break before make
    "t_close_ms": (10, 1, 25),                  # operate time of a phase relay, drive to contact
    "cooldown_ms": (1_800_000, 1_000, 86_400_000),
    "moves_per_day": (4, 0, 100),
    "t_iso_ms": (900_000, 10_000, 86_400_000),
    "t_otemp_dc": (900, 300, 2_000),            # transformer over-temperature
    # branch breaker: over-current for t_trip, short circuit at once
    "i_trip_ma": (63_000, 1_000, 4_000_000),
    "t_trip_ms": (1_000, 20, 60_000),
    "i_shc_ma": (200_000, 2_000, 4_000_000),
    "recl_shots": (1, 0, 3),                    # automatic reclosings before the lock-out
    "t_recl_ms": (5_000, 500, 60_000),          # dead time before each: its customers open in it
    # a trip within it belongs to the same fault: longer than F3 takes to connect the customers
    # again, or an overload of theirs would be reclosed onto for ever
    "t_reclaim_ms": (120_000, 1_000, 500_000),
}
REQUIRED = ("id", "role", "sc", "uc")

_UNITS = {"dv": "0.1 V", "ms": "ms", "mhz": "mHz", "va": "VA", "pm": "per mille", "ma": "mA",
          "dc": "0.1 degC", "w": "W", "s": "s", "bp": "0.01 %", "cdeg": "0.01 deg", "mv": "mV",
          "mhzs": "mHz per s", "kva": "kVA", "mw": "mW", "mwh": "mWh", "ueurh": "uEUR per h",
          "ueurkwh": "uEUR per kWh", "ueurkw2h": "uEUR per kW^2 h"}


def unit(key):
    return _UNITS.get(key[key.rfind("_") + 1:], "")


def _near(key, keys):
    """The known key that shares the longest beginning with this one."""
    best, most = "", 2
    for known in sorted(keys):
        n = 0
        while n < len(key) and n < len(known) and key[n] == known[n]:
            n += 1
        if n > most:
            best, most = known, n
    return best


def wrong(key, value, keys=KEYS):
    """The sentence of what is wrong with this setting; empty if nothing is."""
    rule = keys.get(key)
    if rule is None:
        near = _near(key, keys)
        remedy = "Did you mean %s?" % near if near else "Remove it; see docs/settings.md."
        return "E101 config: unknown key %s. %s" % (key, remedy)
    if rule is WORD:
        if not valid_id(value):
            return "E102 config: %s = %s is no identity. Use 1 to 16 of a-z 0-9 _ -." % (
                key, value)
    elif rule is LIST:
        if not isinstance(value, (list, tuple)):
            return "E103 config: %s must be a list. Write [...]." % key
        for item in value:
            if key == "prio" and (not _is_int(item) or not 0 <= item <= 99):
                return "E104 config: prio holds %s. Each must be 0 to 99." % (item,)
            if key != "prio" and not valid_id(item):
                return "E104 config: %s holds %s. Each must be an identity." % (key, item)
    elif isinstance(rule[0], str):
        if value not in rule:
            return "E105 config: %s = %s. Choose one of: %s." % (key, value, " ".join(rule))
    else:
        return _out_of_bounds(key, value, rule[1], rule[2])
    return ""


def _out_of_bounds(key, value, low, high):
    measure = unit(key)
    if not _is_int(value):
        return "E106 config: %s = %s must be a whole number%s. Set %d to %d." % (
            key, value, " of " + measure if measure else "", low, high)
    if low <= value <= high:
        return ""
    return "E107 config: %s = %d is %s %d%s. Set %d to %d." % (
        key, value, "below its minimum of" if value < low else "above its maximum of",
        low if value < low else high, " " + measure if measure else "", low, high)


def _is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _of_role(role):
    """The module of settings that only this role has, or None."""
    if role == "meter":
        from acu import metering
        return metering
    if role == "recloser":
        from acu import recloser_settings
        return recloser_settings
    if role == "microgrid":
        from acu import microgrid_settings
        return microgrid_settings
    return None


def rules(role):
    """(key, rule) of all settings that this role has, one after the other."""
    own = _of_role(role)
    for pair in KEYS.items():
        if not own or pair[0] not in own.KEYS:
            yield pair
    if own:
        for pair in own.rules() if hasattr(own, "rules") else own.KEYS.items():
            yield pair


def rule_of(role, key):
    """The rule of one setting, None if this role has no such."""
    for known, rule in rules(role):
        if known == key:
            return rule
    return None


def unknown(role, key):
    """The sentence about a key that this role does not have."""
    return wrong(key, 0, dict(rules(role)))


def check(given):
    """(complete settings, complaints). given: dict of key -> value. The dict itself is not
    changed."""
    errors = []
    full = {}
    role = given.get("role")
    keys = {}           # rules of what is given; all of them are too much for a console
    n = 0
    for key, rule in rules(role):
        n += 1
        if not n & 7 and n > 64 and sys.implementation.name == "micropython":
            gc.collect()        # what stays must not lie scattered among what goes
        if key in given:
            keys[key] = rule
        if rule is LIST:
            full[key] = []
        elif isinstance(rule, tuple) and not isinstance(rule[0], str):
            full[key] = rule[0]
    for key in sorted(given):
        sentence = wrong(key, given[key], keys) if key in keys else unknown(role, key)
        if sentence:
            errors.append(sentence)
        else:
            full[key] = given[key]
    for key in REQUIRED:
        if key not in given:
            errors.append("E108 config: %s is missing. It says who this controller is." % key)
    if full["fn_mhz"] not in (50_000, 60_000):
        errors.append("E109 config: fn_mhz = %d. Set 50000 or 60000." % full["fn_mhz"])
    for key in ("prio", "via"):
        if full[key] and len(full[key]) != len(full["members"]):
            errors.append("E110 config: %s has %d entries for %d members. Give each one." % (
                key, len(full[key]), len(full["members"])))
    if len(set(full["members"])) != len(full["members"]):
        errors.append("E111 config: members names somebody twice. Remove one.")
    if full["slot_i"] >= full["slot_n"]:
        errors.append(_out_of_bounds("slot_i", full["slot_i"], 0, full["slot_n"] - 1))
    if full.get("role") == "subcoordinator":
        if full["i_shc_ma"] <= full["i_trip_ma"]:
            errors.append("E114 config: i_shc_ma = %d is not above i_trip_ma. Set more than %d."
                          % (full["i_shc_ma"], full["i_trip_ma"]))
        low_ms = full["t_out_ms"] + 300         # by then its customers have opened
        if full["t_recl_ms"] < low_ms:
            errors.append("E115 config: t_recl_ms = %d is below t_out_ms + 300. Set %d to 60000."
                          % (full["t_recl_ms"], low_ms))
    own = _of_role(role)
    if own:
        errors += own.wrong(full)
    errors.sort()
    return full, errors
