"""What only a recloser has in the table of settings (config.py): its transformers, its mode of
closing, its synchronism check (sync_settings.py), its protection (protection_settings.py), its
automatic reclosing (reclosing_settings.py) and its duty in a four-recloser scheme
(islanding_settings.py).

Voltages and currents of settings are the transformers' secondary ones. Forgotten after the start.
"""
from acu import islanding_settings, protection_settings, reclosing_settings, sync_settings

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
KEYS.update(reclosing_settings.KEYS)


def rules():
    """(key, rule) of each, those of the protection too."""
    for pair in KEYS.items():
        yield pair
    for pair in protection_settings.rules():
        yield pair


# Elements of the protection: their rows say it all; of the reclosing: what reclosing() gives.
_IN_ROWS = ("gr_", "is_", "rst_", "rc_")


def tables(full, cal):
    """What the fast tier compares with: limits of the check, then rows, curves and number of the
    protection's elements. cal: microvolt or microampere at code 2048 + 2048 of each channel."""
    from acu.functions import protection_table
    u_uv, i_ua = cal[0][0], cal[5][0]
    return (sync_settings.limits(full),) + protection_table.build(
        full, i_ua // 1414, u_uv * 10_000 // (full["un1_mv"] * 1414))


def kept(full):
    """Settings that the role goes on reading."""
    drop = _IN_ROWS if duty(full) >= 0 else _IN_ROWS + ("il_",)
    return {key: full[key] for key in full if not key.startswith(drop)}


def reclosing(full):
    """What AutoRecloser is made of, or None where nothing recloses."""
    return reclosing_settings.made_of(full) if full["rc_shots"] else None


def duty(full):
    """Place in the four-recloser scheme, peers.LEAD to SHED; -1: none."""
    word = full.get("il_duty", "none")
    return -1 if word == "none" else islanding_settings.DUTIES.index(word)


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    return (sync_settings.wrong(full) + protection_settings.wrong(full)
            + islanding_settings.wrong(full) + reclosing_settings.wrong(full))
