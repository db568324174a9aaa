"""SYN, GRO: the synchronism check of a recloser as it is now, its last decisions, its protection's
setting group.

SYN shows both sides, both estimators, the touch, each gate between its limits, permit and request,
alarms of the voltage transformers; SYN D the last decisions, SYN D k all values of one; SYN R ends
alarms after somebody has looked. Reads, but for SYN R and GRO n; moves nothing.
"""
import struct

from micropython import const

from acu import events as ev
from acu.console import gates
from acu.console.session import Abort, dec
from acu.functions import synccheck as sc
from acu.functions.sync_record import D_ALARMS, D_STATE, D_U1, D_U2, D_VALUES, ND

KINDS = ("-", "waits", "permit", "permit ended", "close order", "timed out", "cancelled")
_RESULTS = ("none so far", "waits", "close order given", "timed out", "cancelled")
_FOR = ("-", "check", "sync")
_DEAD = ("", "side 1 dead, side 2 live", "side 1 live, side 2 dead", "", "both dead")
_GROUPS = ("grid", "island")
_LEVEL_B = const(2)


def run(session, word, words):
    acu = session.acu()
    if not hasattr(acu, "check"):
        raise Abort("E311 %s: a %s has no synchronism check. Only a recloser does." % (
            word, session.unit.cfg.get("role")))
    if word == "GRO":
        yield from _group(session, acu, words)
        return
    kind = words[0].upper() if words else ""
    if kind == "D" and len(words) <= 2:
        yield from _decisions(session, acu, words[1:])
    elif kind == "R" and len(words) == 1:
        yield from _reset(session, acu)
    elif words:
        raise Abort("E304 SYN: takes nothing, D, D and a number, or R. Type HEL SYN.")
    else:
        yield from _now(session, acu)


def _now(session, acu):
    check = acu.check
    q = list(check.q)               # one moment
    val = list(check.val)
    st = list(check.st)
    cfg = acu.cfg
    session.form = "%-24s %10s %-6s %10s %10s  %s"
    a, b = acu.gear.feedback(0), acu.gear.feedback(1)
    position = "OPEN" if b and not a else "CLOSED" if a and not b else "NOT KNOWN"
    yield ("mode", cfg.get("sy_mode", "check"), "", "", "", "")
    yield ("breaker", position, "", "", "", "52a %d, 52b %d" % (a, b))
    for k in range(2):
        yield ("side %d" % (k + 1), dec(q[k], 2), "%", "", "", "%s Hz, %s Hz/s, phase order %s" % (
            dec(q[11 + k] or None, 3), dec(q[13 + k], 3),
            ("not known", "right", "WRONG")[q[33 + k]]))
        yield ("  second estimator", dec(q[24 + k], 2), "%", "", "",
               "%s Hz" % dec(q[26 + k] or None, 3))
    yield ("angle, second estimator", dec(q[22], 2), "deg", "", "",
           "slip %s Hz" % gates.shown(sc.V_SLIP, q[23]))
    yield ("touch in", cfg["t_close_ms"], "ms", "", "", "%s deg, slip %s Hz" % (
        dec(q[18], 2), gates.shown(sc.V_SLIP, q[19])))
    if not session.twin:
        yield ("gate", "value", "", "above", "below", "")
    for k in range(sc.NV):
        name, _, unit, _ = gates.of_value(k)
        yield (name, gates.shown(k, val[k]), unit, gates.shown(k, check.par[3 * k]),
               gates.shown(k, check.par[3 * k + 1]),
               "refuses: " + gates.short(check.par[3 * k + 2])
               if gates.refuses(k, val, check.par) else "good")
    yield ("dead sides", _DEAD[st[sc.S_DEAD]] or "no", "", "", "",
           "dead_mode %d" % cfg["dead_mode"])
    yield ("held", 5 * st[sc.S_CHECK_N], "ms", "", "", "dwell %d ms; for a synchronising close %d "
           "ms, dead sides %d ms" % (cfg["sy_dwell_ms"], 5 * st[sc.S_SYNC_N], 5 * st[sc.S_DEAD_N]))
    permit = st[sc.S_PERMIT]
    yield ("permit", ("no", "check", "dead side")[permit], "", "", "",
           "" if permit else gates.short(st[sc.S_REASONS]))
    if not permit and not session.twin:
        yield "  " + gates.sentence(st[sc.S_REASONS], val, check.par, cfg)
    if st[sc.S_MODE]:
        yield ("request", _FOR[st[sc.S_MODE]], "", "", "", "waits %d s more" % (
            st[sc.S_WAIT] // 200))
    else:
        yield ("request", "none", "", "", "", "last: " + _RESULTS[st[sc.S_RESULT]])
    yield ("VT alarms", acu.vts.st[0], "mask", "", "", gates.alarms(acu.vts.st[0]))
    yield ("setting group", acu.protection.group, "", "", "", _GROUPS[acu.protection.group])


def _decisions(session, acu, words):
    kept = acu.decisions
    n = len(kept)
    if not words:
        from acu.primitives.recording import iso
        session.form = "%3s %-24s %-12s %-5s %8s %8s %8s  %s"
        if not session.twin:
            yield ("k", "when (UTC)", "what", "mode", "dU %", "deg", "slip Hz", "reasons")
        for k in range(n):
            utc_ms, d = _unpacked(kept[n - 1 - k])
            val = d[D_VALUES:]
            yield (k + 1, iso(utc_ms), KINDS[d[0]], _FOR[d[D_STATE + sc.S_FOR]],
                   dec(d[D_U2] - d[D_U1], 2), gates.shown(sc.V_TOUCH, val[sc.V_TOUCH]),
                   gates.shown(sc.V_SLIPT, val[sc.V_SLIPT]),
                   gates.short(d[D_STATE + sc.S_REASONS]))
        if not n and not session.twin:
            yield "No decision so far."
        return
    k = int(words[0]) if words[0].isdigit() else 0
    if not 1 <= k <= n:
        raise Abort("E304 SYN D: takes 1 (the newest) to %d. Type SYN D for the list." % n)
    from acu.primitives.recording import iso
    utc_ms, d = _unpacked(kept[n - k])
    session.form = "%-24s %10s %-6s %s"
    yield ("when", iso(utc_ms), "", "")
    yield ("what", KINDS[d[0]], "", "for " + _FOR[d[D_STATE + sc.S_FOR]])
    yield ("reasons", d[D_STATE + sc.S_REASONS], "mask", gates.short(d[D_STATE + sc.S_REASONS]))
    yield ("all the time", d[D_STATE + sc.S_ALWAYS] & 0x1FFFFFFF, "mask",
           gates.short(d[D_STATE + sc.S_ALWAYS]) if d[D_STATE + sc.S_FOR] else "-")
    yield ("VT alarms", d[D_ALARMS], "mask", gates.alarms(d[D_ALARMS]))
    yield ("U1", dec(d[D_U1], 2), "%", "")
    yield ("U2", dec(d[D_U2], 2), "%", "")
    for v in range(sc.NV):
        name, _, unit, _ = gates.of_value(v)
        yield (name, gates.shown(v, d[D_VALUES + v]), unit,
               "refuses" if d[D_STATE + sc.S_WHY] & acu.check.par[3 * v + 2]
               and gates.refuses(v, d[D_VALUES:], acu.check.par) else "")


def _unpacked(raw):
    """(Unix time in ms, the record) of a stored decision (roles/recloser.py)."""
    row = struct.unpack("<q%di" % ND, raw)
    return row[0], row[1:]


def _reset(session, acu):
    if session.level < _LEVEL_B:
        raise Abort("E302 SYN R: needs level B. Type ACC, then BAC first.")
    mask = acu.vts.st[0]
    if not mask:
        raise Abort("E304 SYN R: there is no alarm to end.")
    yield from session.sure("End the alarms (%s); somebody has looked" % gates.alarms(mask),
                            "Are you sure")
    acu.vts.reset()
    session.log(ev.CFG, 1, mask)
    yield "Ended. What is still wrong comes back."


def _group(session, acu, words):
    if not words:
        yield "Group %d, %s." % (acu.protection.group, _GROUPS[acu.protection.group])
        return
    if words not in (["0"], ["1"]):
        raise Abort("E304 GRO: takes 0 (grid) or 1 (island).")
    if session.level < _LEVEL_B:
        raise Abort("E302 GRO: changing it needs level B. Type ACC, then BAC first.")
    n = int(words[0])
    yield from session.sure("Protect by the settings of the %s" % _GROUPS[n])
    e = acu.use_group(n)
    if e:
        raise Abort("E313 console: the unit is busy, or an element is picked up (error %d). Try "
                    "again." % e)
    yield "Group %d, %s." % (n, _GROUPS[n])
