"""ISL: the four-recloser scheme as this recloser sees it. Reads only.

Its duty and state, what holds a closing off, what the others have told, wishes and grants; of a
separator its triggers, of the lead the balance table and the machines. What is not known shows
'-'.
"""
from acu.console.session import Abort, dec
from acu.functions import islanding as pai
from acu.functions.separating import ASK, FREE
from acu.islanding_settings import DUTIES

_STATES = ("with the grid", "ISLAND", "grid is back", "waits for the check", "closed again", "OUT")
_POSITIONS = ("OPEN", "CLOSED", "NOT KNOWN")
_TRIGGERS = ("none", "voltage", "change of frequency", "angle jump", "the other separator")
_UNITS = ("", "%", "Hz/s", "deg", "")
_DIGITS = (0, 2, 3, 2, 0)


def run(session, word, words):
    acu = session.acu()
    if not hasattr(acu, "scheme"):
        raise Abort("E311 ISL: this unit is in no islanding scheme. Set il_duty of a recloser.")
    if words:
        raise Abort("E304 ISL: takes nothing. Type ISL.")
    now_ms = session.now_ms
    scheme, peers, grants = acu.scheme, acu.peers, acu.grants
    session.form = "%-16s %12s %-6s %s"
    yield ("duty", DUTIES[acu.duty], "", "")
    yield ("state", _STATES[scheme.state], "", "for %d s" % (
        (now_ms - scheme.since_ms) // 1000))
    yield ("closing", "", "", _loop(acu, now_ms))
    for k in range(4):
        if k == acu.duty:
            continue
        one = peers.all[k]
        fresh = one.fresh(now_ms)
        yield ("%s (%s)" % (peers.ids[k], DUTIES[k]),
               _POSITIONS[one.pos] if fresh and one.pos >= 0 else "-", "",
               "%s, %s kW, told %d ms ago" % (
                   _STATES[one.st], dec(one.p_w, 3), now_ms - one.told_ms)
               if fresh else "not heard, or not in time")
    yield ("wish", grants.ask, "", "waits for a grant" if grants.ask > 0 else "none")
    if grants.promised(now_ms):
        yield ("granted", grants.number, "", "to " + peers.ids[grants.to])
    if hasattr(acu, "pai"):
        armed = acu.pai.st[pai.ARMED] >= acu.pai.par[pai.P_ARM]
        yield ("PAI", "on" if acu.pai.on else "OFF", "",
               "armed" if armed else "not armed: a second of health first")
        why, value = acu.trigger
        yield ("last trigger", dec(value, _DIGITS[why]) if why else "-", _UNITS[why],
               _TRIGGERS[why])
    if hasattr(acu, "balance"):
        yield from _balance(acu.balance, now_ms)


def _loop(acu, now_ms):
    if not acu.held():
        return "the loop allows it"
    may, needed = acu.scheme.loop_allows(now_ms, acu.peers, acu.grants.promised(now_ms))
    if may == FREE:
        return "the loop allows it"
    if may == ASK:
        return "with the grant of " + ", ".join(
            [acu.peers.ids[k] for k in range(4) if needed >> k & 1])
    return "held off by the loop's interlock"


def _balance(balance, now_ms):
    known = balance.load_w >= 0
    yield ("load", dec(balance.load_w if known else None, 3), "kW", "")
    names = [balance.ids[k] for k in range(len(balance.ids)) if balance.trips >> k & 1]
    yield ("would trip", ", ".join(names) or "-", "", "" if known else "not known yet")
    yield ("would be left", dec(balance.left_w() if known else None, 3), "kW", "")
    for k in range(len(balance.ids)):
        told = balance.told[k]
        yield (balance.ids[k], dec(told[1] if told else None, 3), "kW",
               "never heard" if told is None else "%s%s, told %d s ago" % (
                   "runs" if told[2] else "OFF", ", holds the frequency" if told[3] else "",
                   (now_ms - told[0]) // 1000))
