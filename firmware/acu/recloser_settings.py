"""What only a recloser has in the table of settings (config.py): its transformers, its mode of
closing, its synchronism check (sync_settings.py), its protection (protection_settings.py), its
automatic reclosing (reclosing_settings.py) and its duty in a four-recloser scheme
(islanding_settings.py).

Voltages and currents of settings are the transformers' secondary ones. Forgotten after the start.
"""
import sys

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


# rc_: of automatic reclosing; what contradicts itself in them: reclosing_settings.py. il_: of the
# four-recloser scheme (spec recloser, 4), likewise islanding_settings.py; is_ are the protection's
# settings of an island. lead, second: R1, R2 separate the microgrid from the grid, the lead asks
# the machines; tie: R3 joins its two parts while it is an island; shed: R4 sheds load.
# A key in a text is no name, and names are what a board is short of (host_sim/memory.py).
for line in """
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
il_duty       none lead second tie shed
il_peers      list                  # ids of the four, in this order
il_gens       list                  # lead: ids of the generators on the Slave Net
il_g1_kw      0       0 100000      # and their ratings; 0: not given
il_g2_kw      0       0 100000
il_g3_kw      0       0 100000
il_g4_kw      0       0 100000
il_g5_kw      0       0 100000
il_g6_kw      0       0 100000
il_pai        on off                # lead, second: opens ahead of the current protection where
il_u_pm       700     300 850       # a line voltage is below this
il_u_ms       20      10 500        # for so long,
il_df_mhzs    2000    500 10000     # the frequency changes faster
il_df_ms      100     50 1000       # for so long, or
il_jump_cdeg  2000    800 9000      # the angle jumps farther
il_trip_ms    770     100 10000     # from the separation to the trip of machines
il_back_ms    1500    500 3600000   # so long is the grid healthy before it comes back
il_bias_mhz   50      20 200        # so much faster than the grid the island then turns
il_calm_mhz   200     50 1000       # shed: with so little deviation, so long, after the island's
il_calm_s     30      5 3600        # end, it closes again
""".strip().split("\n"):
    row = line.split("#")[0].split()
    if row[1] == "list":
        KEYS[row[0]] = "list"               # config.LIST
    else:
        KEYS[row[0]] = tuple([int(x) for x in row[1:]] if row[1].isdigit() else row[1:])


def rules():
    """(key, rule) of each, those of the protection too."""
    for pair in KEYS.items():
        yield pair
    for pair in protection_settings.rules():
        yield pair


# Elements of the protection: their rows say it all; of the reclosing: its tables(); then of roles
# that switch customers or lead others, in the common table.
_DROP = ("gr_", "is_", "rst_", "rc_", "members", "prio", "via", "slot_", "sr_", "tele_", "t_tele",
         "t_ops", "hb_", "t_time", "u_out", "t_out", "u_part", "t_part", "t_base", "t_slot",
         "jitter", "u_close", "i_hold", "u_ov", "t_ov", "ui_", "ub_", "cooldown", "moves_",
         "t_iso", "t_otemp", "i_trip", "t_trip", "i_shc", "recl_", "t_recl")


def tables(full, cal):
    """What the fast tier compares with: limits of the check, then rows, curves and number of the
    protection's elements. cal: microvolt or microampere at code 2048 + 2048 of each channel."""
    from acu.functions import protection_table
    u_uv, i_ua = cal[0][0], cal[5][0]
    return (sync_settings.limits(full),) + protection_table.build(
        full, i_ua // 1414, u_uv * 10_000 // (full["un1_mv"] * 1414))


def more(full):
    """The module of what it does besides, where rc_shots or il_duty say that it does; None: a
    plain recloser."""
    row = "rc_shots acu.reclosing_settings il_duty acu.islanding_settings none".split()
    for k in (0, 2):
        if full.get(row[k], 0) not in (0, row[4]):
            __import__(row[k + 1])
            return sys.modules[row[k + 1]]
    return None


def kept(full):
    """Settings that the role goes on reading."""
    drop = _DROP if more(full) else _DROP + ("il_",)
    return {key: full[key] for key in full if not key.startswith(drop)}


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    errors = sync_settings.wrong(full) + protection_settings.wrong(full)
    module = more(full)
    return errors + module.wrong(full) if module else errors
