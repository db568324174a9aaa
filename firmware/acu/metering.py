"""What only a meter has in the tables: its settings (config.py) and its events (events.py).

Apart from those, so that the other roles need not read it; forgotten after the start. Limits of
voltage events are those of IEC 61000-4-30, 5.4 and 5.5, by default; numbers of events are never
re-used.
"""
from micropython import const

KEYS = {
    # the phases that it measures, in the order of its channels
    "wiring": ("ABC", "AB", "BC", "CA", "A", "B", "C"),
    "u_dip_pm": (900, 500, 990),                # of Un, per mille
    "u_swell_pm": (1_100, 1_010, 1_500),
    "u_int_pm": (50, 10, 300),
    "rvc_pm": (50, 10, 200),                    # rapid change of a steady voltage
    "f_dev_mhz": (1_000, 50, 5_000),            # from nominal
    "i_max_ma": (63_000, 100, 4_000_000),
    "rev_w": (50, 1, 1_000_000),                # fed in: reversed energy
    "t_pick_ms": (1_000, 200, 60_000),          # so long, before one of these four is an event
    "cap_n": (0, 0, 8),                         # records of samples around events, 20 KB of RAM
    "t_est_s": (3_600, 1, 604_800),             # energy is estimated for that long at most
}
_I_PEAK_MA = const(2_147_000)     # its square wave in microampere is below 2^31
# Phases that a meter on a board of this kind may measure.
WIRED = {"post": ("ABC",), "two": ("AB", "BC", "CA"), "single": ("A", "B", "C")}

# Their names and arguments are in events.TABLE, which loads nothing while nobody reads a log.
# Voltage events are logged twice, at their start (dur_ms 0) and at their end; others with on 1, 0.
DIP = const(53)
SWELL = const(54)
INTR = const(55)
RVC = const(56)
F_OUT = const(57)
REV = const(58)
PH_LOSS = const(59)
PH_SEQ = const(60)
OPEN_CH = const(61)
COVER = const(62)
MAGNET = const(63)
CAL = const(64)
CAPTURE = const(65)
ESTIMATED = const(66)
OCU = const(67)
REGISTERS = const(68)    # those of the store are another meter's, or damaged: energy begins at 0


def wrong(full):
    """Sentences of what does not fit in complete settings."""
    u_dip, u_int = full["u_dip_pm"], full["u_int_pm"]
    if u_int * 2 > u_dip:
        return ["E116 config: u_int_pm = %d is above half of u_dip_pm. Set 10 to %d." % (
            u_int, u_dip // 2)]
    return []


def unfit(board, cfg):
    """Sentences of what does not fit the board; gives the only possible wiring if none is set."""
    fits = WIRED.get(board["kind"], ())
    if len(fits) == 1:
        cfg.setdefault("wiring", fits[0])
    wiring = cfg.get("wiring", "-")
    if board["i_peak_ma"] > _I_PEAK_MA:
        return ["E118 config: i_peak_ma = %d of the board is above %d, a meter cannot count with "
                "more. Set the current behind the transformer, and multiply what is read." % (
                    board["i_peak_ma"], _I_PEAK_MA)]
    return [] if wiring in fits else [
        "E117 config: wiring = %s does not fit a board of kind %s. Set %s." % (
            wiring, board["kind"], " or ".join(fits) or "another role")]
