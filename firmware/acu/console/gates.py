"""The gates of the synchronism check in words: what each saw, its limits, why it refuses.

For SYN and CLO of a recloser, loaded while they are read. val, par, st: those of
functions/synccheck.py, or of one of its decision records. Looks only.
"""
from micropython import const

from acu.console.session import dec
from acu.functions import synccheck as sc
from acu.functions.sync_record import D_STATE, D_VALUES

# Of each value, sc.V_*: name, digits after the point, unit, setting that its limit comes from.
# Micro- are shown as milli-, since no limit is finer.
_VALUES = """
U1 least|2|%|
U2 least|2|%|
U1 greatest|2|%|
U2 greatest|2|%|
dU|2|%|sy_du_bp
angle|2|deg|sy_ang_cdeg
angle at touch|2|deg|sy_ang_cdeg
slip|3|Hz|sy_slip_mhz
slip at touch|3|Hz|sy_slip_mhz
slip, swinging|3|Hz|sy_slip_mhz
slip at touch, swinging|3|Hz|sy_slip_mhz
change of slip|3|Hz/s|sy_acc_mhzs
fit residual|3|deg|
80 ms fit differs by|2|deg|
age|0|ms|
new measurement|0||
bad channels|0|mask|
f1 off nominal|3|Hz|
f2 off nominal|3|Hz|
phase order 1|0||
phase order 2|0||
undisturbed|0|ticks|
2nd estimator, angle|2|deg|
2nd estimator, U1|2|%|
2nd estimator, U2|2|%|
2nd estimator, slip|3|Hz|
2nd estimator, f1|3|Hz|
2nd estimator, f2|3|Hz|
VT wiring alarm|0|mask|
VT fuse alarm|0|mask|
one VT for both|0|mask|
blocked|0||
angle at touch by 80 ms|2|deg|sy_ang_cdeg
"""
# Of each reason, by its bit: short name, words where no value says it, what to do.
_REASONS = """
LIVE1||Side 1 is not live; MET
LIVE2||Side 2 is not live; MET
DU||Match the voltages
ANGLE||Wait until the angle comes by
TOUCH||Wait until the angle comes by
SLIP||Wait, or match the machine's speed
SLIPT||Wait, or match the machine's speed
ACC||Wait until the speed is steady
RES||Wait until the swing is over
FITS||Wait until the swing is over
AGE||See STA
BAD||See STA for the channel
FREQ1||Wait, or see the settings f_win_mhz
FREQ2||Wait, or see the settings f_win_mhz
ORDER1||Phase order of side 1: wiring, CON M
ORDER2||Phase order of side 2: wiring, CON M
SETTLED||Wait 0.3 s after a side came back or jumped
B_ANGLE||The two estimators disagree: wiring, harmonics; STA
B_U1||The two estimators disagree: wiring, harmonics; STA
B_U2||The two estimators disagree: wiring, harmonics; STA
B_SLIP||The two estimators disagree: wiring, harmonics; STA
WIRING||Look at the wiring of the transformers, then SYN R
FUSE||Look at the fuses of the transformers
ONE_VT||Both sides show one transformer: wiring, then SYN R
BLOCKED|the breaker is closed, a trip stands, or another holds it off|See TAR
DEAD_MODE|a side is dead, and dead_mode does not allow to close onto it|MET shows which
DEAD_SIDE|the dead side is not surely dead, or the live one not calm|Wait, or see MET
DWELL|everything holds, not yet for long enough|Wait
AIM|everything holds, the angle is still to come by|Wait
"""
# who says the first need not say the second
_SAID = ((sc.GATE_ANGLE, sc.GATE_TOUCH), (sc.GATE_SLIP, sc.GATE_SLIPT))
_SLIPS = (sc.V_SLIP, sc.V_SLIPT, sc.V_SWING, sc.V_SWINGT, sc.V_B_SLIP)

ALARMS = ("fuse of side 1", "fuse of side 2", "one transformer for both sides", "wiring: angle",
           "wiring: voltages", "phase order of side 1", "phase order of side 2")


def _row(text, k):
    """Columns of the k-th line of a table."""
    at = 1
    while k:
        at = text.find("\n", at) + 1
        k -= 1
    return text[at:text.find("\n", at)].split("|")


REASONS = const(29)


def of_reason(k):
    """[short name, words where no value says it, what to do] of the reason at bit k."""
    return _row(_REASONS, k)


def of_value(k):
    """[name, digits, unit, setting] of value k."""
    row = _row(_VALUES, k)
    row[1] = int(row[1])
    return row


def short(mask):
    """Names of the reasons in a mask."""
    names = [_row(_REASONS, k)[0] for k in range(REASONS) if mask >> k & 1]
    return " ".join(names) if names else "-"


def shown(k, x):
    """Value or limit x of kind k as a number with its digits; '-' where there is no limit."""
    if x >= 0x7FFFFFFF or x <= -0x7FFFFFFF:
        return "-"
    if k in _SLIPS:
        x = (x + 500) // 1000
    return dec(x, of_value(k)[1])


def refuses(k, val, par):
    """Is value k at or beyond one of its limits?"""
    return not par[3 * k] < val[k] < par[3 * k + 1]


def _beyond(k, val, par, cfg):
    """'slip 0.112 Hz above 0.062 Hz (limit 0.067, guard 0.005)'."""
    name, digits, unit, key = of_value(k)
    high = val[k] >= par[3 * k + 1]
    limit = par[3 * k + 1 if high else 3 * k]
    unit = " " + unit if unit else ""
    text = "%s %s%s %s %s%s" % (name, shown(k, val[k]), unit, "at" if val[k] == limit else
                                "above" if high else "below", shown(k, limit), unit)
    setting = cfg.get(key, 0)
    guard = setting - (abs(limit) // 1000 if k in _SLIPS else abs(limit))
    if key and guard > 0:
        text += " (limit %s, guard %s)" % (dec(setting, digits), dec(guard, digits))
    return text


def sentence(mask, val, par, cfg, most=3):
    """The reasons of a mask, the first ones with their values, and what to do about the first."""
    for first, second in _SAID:
        if mask & first:
            mask &= ~second
    parts = []
    todo = ""
    told = 0
    for bit in range(REASONS):
        if not mask >> bit & 1:
            continue
        _, words, remedy = _row(_REASONS, bit)
        todo = todo or remedy
        if not words:
            for k in range(sc.NV):
                if par[3 * k + 2] == 1 << bit and refuses(k, val, par) and not told >> k & 1:
                    told |= 1 << k
                    words = _beyond(k, val, par, cfg)
                    break
        parts.append(words or _row(_REASONS, bit)[0])
    more = len(parts) - most
    text = "; ".join(parts[:most])
    if more > 0:
        text += "; and %d more" % more
    return text + ". " + todo + "." if text else "nothing refuses."


def now(acu):
    """Why nothing closes at this moment."""
    check = acu.check
    val = list(check.val)
    return sentence(check.st[sc.S_REASONS], val, check.par, acu.cfg)


def last(acu):
    """What the check saw when it gave up the last request."""
    d = acu.check.decision
    return sentence(d[D_STATE + sc.S_REASONS], d[D_VALUES:], acu.check.par, acu.cfg)


def alarms(mask):
    """Of the voltage transformers' supervision, in words."""
    return ", ".join([ALARMS[k] for k in range(len(ALARMS)) if mask >> k & 1]) or "none"
