"""What only a recloser has in the table of settings (config.py): its transformers, its mode of
closing, its synchronism check (sync_settings.py), its protection (protection_settings.py), its
automatic reclosing (reclosing_settings.py) and its duty in a four-recloser scheme
(islanding_settings.py).

Voltages and currents of settings are the transformers' secondary ones. Forgotten after the start.
"""
from acu import islanding_settings, protection_settings, sync_settings

KEYS = {
    "vt1": (2, 1, 2),                  # line voltages measured on side 1: AB and BC, or AB
    "vt2": (2, 1, 2),
    "u0n_mv": (100_000, 10_000, 250_000),       # open delta at full displacement
    "vt_n": (100, 1, 1_000),                    # primary to secondary
    "ct_n": (100, 1, 5_000),
    # a request closes when the check permits (the default), or aimed at 0 degrees
    "sy_mode": ("check", "sync"),
    # records of samples around close orders and trips, 26 to 42 KB of RAM by t_close_ms; 0: none
    "cap_n": (0, 0, 8),
}
KEYS.update(sync_settings.KEYS)
KEYS.update(islanding_settings.KEYS)


def parsed(text):
    """(key, rule) of each line. A key in a text is no name, and names are what a board is short
    of: see docs/memory.md."""
    for line in text.strip().split("\n"):
        words = line.split("#")[0].split()
        rule = words[1:4]
        yield words[0], tuple([int(x) for x in rule] if rule[0].isdigit() else rule)


# Of automatic reclosing; what contradicts itself in them: reclosing_settings.py.
RECLOSING = """
rc_shots      0       0 5           # closings before the lock-out; 0: never recloses
rc_t1_ms      2000    300 300000    # dead time of each shot, from proven open to the order
rc_t2_ms      15000   300 300000
rc_t3_ms      30000   300 300000
rc_t4_ms      60000   300 300000
rc_t5_ms      120000  300 300000
rc_reclaim_ms 30000   2000 500000
rc_init       15      0 31          # 1: 50, 2: 51, 4: 50N, 8: 51N, 16: 46; added up
rc_line       any     dead          # dead: a side must be dead first, as dead_mode says
rc_wait_ms    10000   1000 500000   # for that, and then for the check
rc_ready_ms   10000   0 120000      # for spring, trip circuit, battery, measurements
rc_open_ms    200     50 1000       # the breaker's times at most, to its contacts
rc_close_ms   200     80 1000
rc_discr_ms   0       0 100000      # a trip so soon after a close order locks out
rc_freq_n     0       0 60          # closings within rc_freq_s at most; 0: any
rc_freq_s     3600    60 86400
"""
KEYS.update(dict(parsed(RECLOSING)))


def rules():
    """(key, rule) of each, those of the protection too."""
    for pair in KEYS.items():
        yield pair
    for pair in protection_settings.rules():
        yield pair


# Elements of the protection: their rows say it all; of the reclosing: what reclosing() gives.
_IN_ROWS = ("gr_", "is_", "rst_", "rc_")
# Of roles that switch customers or lead others, in the common table: a recloser reads none.
_OTHERS = ("members", "prio", "via", "slot_", "sr_", "tele_", "t_tele", "t_ops", "hb_", "t_time",
           "u_out", "t_out", "u_part", "t_part", "t_base", "t_slot", "jitter", "u_close", "i_hold",
           "u_ov", "t_ov", "ui_", "ub_", "cooldown", "moves_", "t_iso", "t_otemp", "i_trip",
           "t_trip", "i_shc", "recl_", "t_recl")


def tables(full, cal):
    """What the fast tier compares with: limits of the check, then rows, curves and number of the
    protection's elements. cal: microvolt or microampere at code 2048 + 2048 of each channel."""
    from acu.functions import protection_table
    u_uv, i_ua = cal[0][0], cal[5][0]
    return (sync_settings.limits(full),) + protection_table.build(
        full, i_ua // 1414, u_uv * 10_000 // (full["un1_mv"] * 1414))


def kept(full):
    """Settings that the role goes on reading."""
    drop = _IN_ROWS + _OTHERS if duty(full) >= 0 else _IN_ROWS + _OTHERS + ("il_",)
    return {key: full[key] for key in full if not key.startswith(drop)}


def reclosing(full):
    """What AutoRecloser is made of, or None where nothing recloses."""
    if not full["rc_shots"]:
        return None
    from acu import reclosing_settings
    return reclosing_settings.tables(full)


def duty(full):
    """Place in the four-recloser scheme, peers.LEAD to SHED; -1: none."""
    word = full.get("il_duty", "none")
    return -1 if word == "none" else islanding_settings.DUTIES.index(word)


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    errors = (sync_settings.wrong(full) + protection_settings.wrong(full)
              + islanding_settings.wrong(full))
    if full["rc_shots"]:
        from acu import reclosing_settings
        errors += reclosing_settings.wrong(full)
    return errors
