"""What only a recloser has in the table of settings (config.py): its transformers, its mode of
closing, its synchronism check (sync_settings.py) and its protection (protection_settings.py).

Voltages and currents of settings are the transformers' secondary ones. Forgotten after the start.
"""
from acu import protection_settings, sync_settings

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
KEYS.update(protection_settings.KEYS)


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    return sync_settings.wrong(full) + protection_settings.wrong(full)
