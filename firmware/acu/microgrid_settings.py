"""What only a dispatching ACU has in the table of settings (config.py): its plant, its step, its
field rules, the devices that it leads (spec microgrid_dispatch, Table 1 and section 4).

Powers are at the bus, in mW; energies stored, in mWh; costs in micro-EUR. Read at the start and
by whoever shows settings; forgotten after the start. Decides nothing.
"""
from acu.functions.dispatch import Plant, Store

_WORD = "word"      # config.WORD
_MOST_MW = 1_000_000_000

KEYS = {
    # who decides; one that cannot falls back to those before it
    "mg_policy": ("naive", "rule", "table"),
    "mg_step_s": (60, 1, 3_600),
    # ids of the devices on the same Slave Net; without one it is led by its contact alone
    "mg_battery": _WORD,
    "mg_hydrogen": _WORD,
    "mg_diesel": _WORD,
    "mg_pv": _WORD,
    "mg_load": _WORD,
    # plant, Table 1
    "mg_pv_mw": (6_000_000, 1_000, _MOST_MW),       # most that the PV gives
    "mg_load_mw": (2_100_000, 1_000, _MOST_MW),     # and that the load takes
    "mg_b_mw": (2_900_000, 0, _MOST_MW),
    "mg_b_mwh": (2_900_000, 0, 1_000_000_000),
    "mg_b_eta_pm": (950, 100, 1_000),               # of what is taken, so much is stored
    "mg_b_zeta_pm": (950, 100, 1_000),              # of what is stored, so much is delivered
    "mg_b_res_mwh": (0, 0, 1_000_000_000),          # left alone
    "mg_h_mw": (1_000_000, 0, _MOST_MW),
    "mg_h_mwh": (200_000_000, 0, 1_000_000_000),
    "mg_h_eta_pm": (650, 100, 1_000),
    "mg_h_zeta_pm": (650, 100, 1_000),
    "mg_h_res_mwh": (0, 0, 1_000_000_000),
    "mg_d_max_mw": (1_000_000, 0, _MOST_MW),
    "mg_d_min_mw": (0, 0, _MOST_MW),
    "mg_d0_ueurh": (15_700, 0, 100_000_000),        # an hour of the diesel set costs d0
    "mg_d1_ueurkwh": (108_000, 0, 100_000_000),     # + d1 P
    "mg_d2_ueurkw2h": (310_000, 0, 100_000_000),    # + d2 P^2
    "mg_pns_ueurkwh": (1_000_000, 0, 100_000_000),
    # field rules; 0: off
    "mg_dead_mw": (50_000, 0, 10_000_000),          # inside it the battery alone works
    "mg_jump_mw": (200_000, 0, _MOST_MW),           # PV or load off by that: a step at once
    "mg_run_s": (600, 0, 36_000),                   # the diesel set turns so long at least
    "mg_stop_s": (300, 0, 36_000),                  # and stands
    "mg_hold_s": (5, 0, 3_600),                     # from this age of PV or load on: held
    "mg_idle_s": (30, 0, 3_600),                    # stores idle, the diesel set follows the load
    "mg_silent_s": (60, 5, 3_600),                  # a store silent for longer is left out
    "mg_start_s": (30, 1, 600),                     # the diesel set must run by then
    "mg_retry_s": (600, 10, 86_400),                # and is tried again after that
    "mg_lease_s": (180, 10, 10_800),                # for so long a set-point is good
}


def wrong(full):
    """Sentences of what contradicts itself in complete settings."""
    out = []
    for low, high, what in (("mg_b_res_mwh", "mg_b_mwh", "nothing would be left to dispatch"),
                            ("mg_h_res_mwh", "mg_h_mwh", "nothing would be left to dispatch"),
                            ("mg_d_min_mw", "mg_d_max_mw", "the diesel set could never run")):
        if full[low] > full[high]:
            out.append("E196 config: %s = %d is above %s = %d (%s). Set 0 to %d." % (
                low, full[low], high, full[high], what, full[high]))
    if 0 < full["mg_idle_s"] <= full["mg_hold_s"]:
        out.append("E197 config: mg_idle_s = %d is not above mg_hold_s = %d (what is held must "
                   "begin before what idles). Set %d to 3600, or 0." % (
                       full["mg_idle_s"], full["mg_hold_s"], full["mg_hold_s"] + 1))
    if full["mg_retry_s"] <= full["mg_start_s"]:
        out.append("E198 config: mg_retry_s = %d is not above mg_start_s = %d (it would be tried "
                   "again while it is tried). Set %d to 86400." % (
                       full["mg_retry_s"], full["mg_start_s"], full["mg_start_s"] + 1))
    seen = []
    for key in ("mg_battery", "mg_hydrogen", "mg_diesel", "mg_pv", "mg_load"):
        name = full.get(key)
        if name in seen or name and name == full.get("id"):
            out.append("E199 config: %s = %s is another device's name, or this controller's own. "
                       "Give each its own." % (key, name))
        if name:
            seen.append(name)
    return out


def plant(full):
    """The plant of complete settings, as functions/dispatch.py takes it."""
    battery = Store(full["mg_b_mw"], full["mg_b_mwh"], full["mg_b_eta_pm"], full["mg_b_zeta_pm"],
                    full["mg_b_res_mwh"])
    hydrogen = Store(full["mg_h_mw"], full["mg_h_mwh"], full["mg_h_eta_pm"], full["mg_h_zeta_pm"],
                     full["mg_h_res_mwh"])
    return Plant(battery, hydrogen, full["mg_d_max_mw"], full["mg_d_min_mw"], full["mg_d0_ueurh"],
                 full["mg_d1_ueurkwh"], full["mg_d2_ueurkw2h"], full["mg_pns_ueurkwh"])
