"""REC: automatic reclosing of a recloser (ANSI 79) as it is now, and why it locked out.

State, shot, time left, last lock-out with its cause and remedy, counters, what starts it, the
inputs that supervise it, and what holds a closing off. REC R ends a lock-out after somebody has
looked. Reads, but for REC R; moves nothing.
"""
from micropython import const

from acu import events as ev
from acu.console import operate
from acu.console.session import Abort, dec
from acu.functions import reclosing as rc
from acu.functions import synccheck as sc
from acu.protection_settings import ELEMENTS

STATES = ("ready", "tripped, the breaker opens", "open, dead time", "waits to close",
          "close order given", "closed again, reclaim time", "open, closes by hand only",
          "LOCKED OUT")
# By their numbers: what it was, and what to do.
CAUSES = """
-|none|
SHOTS|all shots used, the fault is still there|Find the fault, then REC R and CLO
SYNC|no synchronism in time|SYN D says which gate; then REC R and CLO
NOT_CLOSED|the breaker did not close|Look at spring, coil and mechanism
DISCRIMINATION|trip before the closing was proven, or in the discrimination time|Find the fault
FREQUENT|too many closings in rc_freq_s|What trips so often?
NOT_OPENED|the breaker did not open|Prove dead before you touch it; trip coil, mechanism
BY_HAND|somebody closed, or asked for it, in the sequence|Ask who; then REC R
OPENED|open at the end of the reclaim time|Who opened it? Then REC R and CLO
TRIPPING|an element still trips at the end of the dead time|SER: which; its setting
LINE|the line was not dead in time|What feeds it? Generators that have not disconnected
INHIBIT|tag, lock, order to open, or an element that starts nothing|SER; then REC R
RESET|supply or controller lost in the sequence, or a trip just after a start|Find the fault
STORED|spring, trip circuit or battery not ready in time|TAR shows which
CONTACTS|52a and 52b contradict each other|TAR, contacts and wires
ON_FAULT|trip after a closing by hand|It was closed onto a fault: find it
MEASURE|measurements not to be believed|STA for the channel
"""
_INPUTS = ("52a", "52b", "spring charged", "trip coil", "battery", "remote", "hot-line tag")
_LEVEL_B = const(2)


def of_cause(k):
    """(name, what it was, what to do)."""
    row = CAUSES[1:].split("\n")[k].split("|")
    return row[0], row[1], row[2]


def run(session, word, words):
    acu = session.acu()
    if not hasattr(acu, "check"):
        raise Abort("E311 REC: a %s has no automatic reclosing of this kind. Only a recloser "
                    "does." % session.unit.cfg.get("role"))
    if not hasattr(acu, "recl"):
        raise Abort("E311 REC: automatic reclosing is off. Set rc_shots above 0.")
    if not words:
        yield from _now(session, acu)
    elif words[0].upper() == "R" and len(words) == 1:
        yield from _reset(session, acu)
    else:
        raise Abort("E304 REC: takes nothing, or R. Type HEL REC.")


def _now(session, acu):
    recl = acu.recl
    state = recl.state
    session.form = "%-18s %10s %-6s %s"
    yield ("state", state, "", STATES[state])
    yield ("shot", "%d of %d" % (recl.shot, recl.shots), "", "dead times %s s" % " ".join(
        [dec(recl.dead_ms(k), 3) for k in range(recl.shots)]))
    yield ("time left", dec(recl.left_us() // 1000, 3), "s", "")
    name, what, remedy = of_cause(recl.cause)
    yield ("last lock-out", recl.cause, "", "%s: %s" % (name, what) if recl.cause else what)
    if recl.cause:
        yield ("  when", "", "", _when(acu.locked_utc))
        yield ("  detail", recl.detail, "", _detail(recl))
        yield ("  remedy", "", "", remedy + ".")
    counts = list(recl.counts)
    yield ("trips", counts[rc.TRIPS], "", "lock-outs %d" % counts[rc.LOCKS])
    for k in range(recl.shots):
        yield ("closings, shot %d" % (k + 1), counts[rc.SHOT + k], "",
               "good %d" % counts[rc.GOOD + k])
    yield ("starts with", "", "", _elements(acu.starts))
    for k in range(len(_INPUTS)):
        yield (_INPUTS[k], acu.gear.feedback(k), "", "")
    yield ("holds closing off", "", "", _holds(acu))


def _elements(mask):
    return " ".join([ELEMENTS[k].upper() for k in range(len(ELEMENTS)) if mask >> k & 1])


def _when(utc_ms):
    from acu.primitives.recording import iso
    return iso(utc_ms) if utc_ms else "-"


def _detail(recl):
    """What the number means, by the cause."""
    detail = recl.detail
    if recl.cause in (rc.SYNC, rc.LINE):
        from acu.console import gates
        return "check: " + gates.short(detail)
    if recl.cause in (rc.INHIBIT, rc.STORED, rc.CONTACTS, rc.MEASURE):
        return operate.reason(detail)
    if recl.cause in (rc.SHOTS, rc.DISCRIMINATION, rc.TRIPPING, rc.ON_FAULT, rc.RESET, rc.BY_HAND):
        return _elements(detail)
    return ""


def _holds(acu):
    """The first that the gate would name, then the check's."""
    r = acu.gate.may_close(0)
    if r:
        return operate.reason(r)
    if acu.check.st[sc.S_REASONS]:
        from acu.console import gates
        return "check: " + gates.short(acu.check.st[sc.S_REASONS])
    return "nothing"


def _reset(session, acu):
    if session.level < _LEVEL_B:
        raise Abort("E302 REC R: needs level B. Type ACC, then BAC first.")
    if acu.recl.state != rc.LOCKED:
        raise Abort("E304 REC R: it is not locked out.")
    if acu.gate.locked == ev.WHY_LOCAL:
        raise Abort("E304 REC R: a tag hangs. LOC 0 takes it off, after a look at the switch.")
    yield from session.sure("End the lock-out (%s); somebody has looked" % (
        of_cause(acu.recl.cause)[1]), "Are you sure")
    e = acu.tag(session.now_ms, 0)
    session.log(ev.CFG, 0, 0, e)
    if e:
        raise Abort("E313 console: the unit is busy. Try again.")
    yield "Ended. Now CLO closes, if nothing else holds it off."
