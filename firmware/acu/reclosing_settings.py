"""Settings of a recloser's automatic reclosing (functions/reclosing.py): what in them contradicts
itself or another setting, and what the sequence is made of.

Their keys and bounds stand in recloser_settings.py, which loads this where rc_shots is above 0;
read at the start and forgotten.
"""
from acu import protection_settings as protection

# Elements by ANSI number, in the order of the bits of rc_init.
GROUPS = (("50a", "50b"), ("51",), ("50na",), ("51n",), ("46",))
# The check sees a dead line, or two sides that stand still, so long after the contacts part.
SETTLE_MS = 400
_MARGIN_MS = 500
_AUX_MS = 30            # a contact of the breaker, and a tick, after the main one
# A curve at twice its pick-up, of TMS or TD 1, ms.
_AT_TWO = {"iec_ni": 10_029, "iec_vi": 13_500, "iec_ei": 26_667, "ieee_mi": 3_804,
           "ieee_vi": 7_028, "ieee_ei": 9_522}


def initiating(full):
    """Mask of the elements that start a sequence, by their places in protection.ELEMENTS."""
    mask = 0
    for bit, names in enumerate(GROUPS):
        if full["rc_init"] >> bit & 1:
            for name in names:
                mask |= 1 << protection.ELEMENTS.index(name)
    return mask


def lead_ms(full):
    """So long the check looks before it permits."""
    return max(full["sy_dwell_ms"], full["dead_ms"] if full["dead_mode"] else 0) + 10


def dead_ms(full):
    """Dead times of the shots that are used."""
    return [full["rc_t%d_ms" % (k + 1)] for k in range(full["rc_shots"])]


def tables(full):
    """(elements that start it, what Reclosing is given)."""
    return initiating(full), (
        dead_ms(full), lead_ms(full), full["rc_reclaim_ms"], full["rc_open_ms"],
        full["rc_close_ms"], full["rc_ready_ms"], full["rc_wait_ms"], full["rc_discr_ms"],
        full["rc_freq_n"], full["rc_freq_s"], full.get("rc_line") == "dead")


def _slowest(full):
    """(ms, what) of the slowest element that starts a sequence; an inverse one at twice its
    pick-up."""
    most, what = 0, ""
    for group in protection.GROUPS:
        for bit, names in enumerate(GROUPS):
            for name in names:
                stem = group + "_" + name
                if not full["rc_init"] >> bit & 1 or full.get(stem + "_do") != "trip":
                    continue
                t_ms = full[stem + "_t_ms"]
                curve = full.get(stem + "_curve", "dt")
                if curve != "dt":
                    t_ms = _AT_TWO[curve] * full[stem + "_tms_m"] // 1_000
                if t_ms >= most:
                    most, what = t_ms, stem
    return most, what


def wrong(full):
    """Sentences of what contradicts itself in complete settings with shots."""
    errors = []
    slowest_ms, what = _slowest(full)
    if not what:
        errors.append("E500 config: rc_shots = %d, and no element of rc_init = %d is set to trip. "
                      "Set one of their _do to trip, or rc_shots = 0." % (
                          full["rc_shots"], full["rc_init"]))
    least = slowest_ms + full["rc_open_ms"] + _MARGIN_MS
    if full["rc_reclaim_ms"] < least:
        errors.append("E501 config: rc_reclaim_ms = %d ends before %s has tripped again (%d ms): "
                      "it would reclose for ever. Set at least %d, or a faster element." % (
                          full["rc_reclaim_ms"], what, slowest_ms, least))
    times = full["t_close_ms"] + full["rc_open_ms"]
    settled = full["dead_ms"] + SETTLE_MS if full["dead_mode"] else 0
    for k, t_ms in enumerate(dead_ms(full)):
        if t_ms < times:
            errors.append("E502 config: rc_t%d_ms = %d is shorter than the breaker's own "
                          "t_close_ms + rc_open_ms. Set at least %d." % (k + 1, t_ms, times))
        elif t_ms < settled:
            errors.append("E503 config: rc_t%d_ms = %d is over before the check has seen a line "
                          "dead for dead_ms = %d. Set at least %d, a shorter dead_ms, or "
                          "dead_mode = 0." % (k + 1, t_ms, full["dead_ms"], settled))
    if full.get("rc_line") == "dead" and not full["dead_mode"]:
        errors.append("E504 config: rc_line = dead, and dead_mode = 0 closes onto no dead side. "
                      "Set dead_mode, or rc_line = any.")
    if full.get("il_duty", "none") != "none":
        errors.append("E505 config: rc_shots = %d and il_duty = %s: two would close the same "
                      "breaker. Set rc_shots = 0, or il_duty = none." % (
                          full["rc_shots"], full["il_duty"]))
    least = full["t_close_ms"] + _AUX_MS
    if full["rc_close_ms"] < least:
        errors.append("E506 config: rc_close_ms = %d is over before the contacts can have touched "
                      "(t_close_ms = %d). Set at least %d." % (
                          full["rc_close_ms"], full["t_close_ms"], least))
    if full["rc_discr_ms"] >= full["rc_reclaim_ms"]:
        errors.append("E507 config: rc_discr_ms = %d is not below rc_reclaim_ms = %d: no second "
                      "shot would ever come. Set less." % (
                          full["rc_discr_ms"], full["rc_reclaim_ms"]))
    if 0 < full["rc_freq_n"] < full["rc_shots"]:
        errors.append("E508 config: rc_freq_n = %d is below rc_shots = %d: the last shots would "
                      "never come. Set 0 or at least %d." % (
                          full["rc_freq_n"], full["rc_shots"], full["rc_shots"]))
    if full["rc_wait_ms"] < lead_ms(full):
        errors.append("E509 config: rc_wait_ms = %d ends before the check could permit. Set at "
                      "least %d." % (full["rc_wait_ms"], lead_ms(full)))
    return errors
