"""OPE, CLO, PUL, TST, LOC: the switch by hand. Level B, two confirmations, the gate, the contact.

Nothing here drives anything: each order goes to the controller's own at_console(), which takes it
to the gate as it would a message's, a closing only after a select. Refusals tell the gate's reason
(E310). What is answered is what the mirror contact says, never what was ordered. A recloser's
closing waits for its synchronism check: a key, a logout or the end of the page ends the wait.
"""
from micropython import const

from acu import events as ev
from acu.console.session import Abort
from acu.roles.switched import O_CHECK, O_CLOSE, O_OPEN

_WAIT_MS = const(3_000)
_TELL_MS = const(5_000)     # how often a wait for synchronism says what it waits for
_R_SYNC = const(7)          # bay_gate.R_SYNC

_GATE = ("", "the self-test has not passed yet. See STA",
         "locked out or tagged. SER says why; LOC 0 ends it after a look at the switch",
         "a contact is closed, or just moving. Type OPE first",
         "a measurement is not to be believed. See STA for the channel",
         "the supply is outside its band. Wait until MET shows it inside",
         "the load side is alive. Find what feeds it",
         "the synchronism check has not ordered it. Type SYN",
         "spring, trip circuit or battery is not in order. TAR shows which",
         "a hot-line tag hangs. Whoever hung it takes it off",
         "the switch stands on local",
         "52a and 52b contradict each other. See TAR and their wires")


def reason(r):
    """The words of a gate's reason."""
    return _GATE[r] if r < len(_GATE) else "gate %d" % r


def run(session, word, words):
    acu = session.acu()
    if not hasattr(acu, "gate"):
        raise Abort("E311 %s: a %s switches nothing. Use an Operator or a branch." % (
            word, session.unit.cfg.get("role")))
    _here(session, acu)
    if word == "LOC":
        yield from _tag(session, acu, words)
    elif word == "OPE":
        yield from session.sure("Open the switch", "Are you sure")
        yield from _open(session, acu)
    elif word == "CLO":
        yield from session.sure("Close the switch", "Are you sure")
        yield from _close(session, acu)
    elif hasattr(acu, "check"):
        raise Abort("E311 %s: a recloser closes when synchronism allows, not when a time is over. "
                    "Use OPE and CLO." % word)
    elif word == "PUL":
        s = int(words[0]) if len(words) == 1 and words[0].isdigit() else 0 if words else 5
        if not 1 <= s <= 30:
            raise Abort("E304 PUL: takes 1 to 30 seconds. Type PUL 5.")
        yield from session.sure("Open the switch for %d s" % s, "Are you sure")
        yield from _open(session, acu)
        if (yield from session.pause(s * 1000)):
            raise Abort("E306 cancelled by a key: the switch stays open. Type CLO to close it.")
        yield from _close(session, acu)
    else:
        yield from _test(session, acu)


def _here(session, acu):
    """A local/remote switch in position remote keeps hands off."""
    inputs = session.unit.board["inputs"]
    for k in range(acu.gear.inputs):
        name = inputs[k]["name"]
        if name == "local" and not acu.gear.feedback(k) or (
                name == "remote" and acu.gear.feedback(k)):
            raise Abort("E312 console: the local/remote switch stands on REMOTE. Turn it "
                        "to LOCAL.")


def _order(session, acu, order):
    """yield from: the gate's reason, 0 where it agreed and the proof is in."""
    _here(session, acu)         # the questions took their time, and so does a pulse
    e = acu.at_console(session.now_ms, order)
    if e:
        session.log(ev.HAND, int(order == O_CLOSE), e)
        raise Abort("E313 console: the unit is busy with another operation, or a select is too "
                    "old (error %d). Try again." % e)
    until_ms = session.now_ms + _WAIT_MS
    while True:
        yield None
        r = acu.hand_over()
        if r is not None:
            return r
        if session.now_ms >= until_ms:
            raise Abort("E313 console: no end of the operation within 3 s. See SER.")


def _said(acu):
    mask = acu.gate.mask()
    if not mask:
        return "Breaker OPEN"
    if acu.gate.n == 1:
        return "Breaker CLOSED"
    return "Breaker CLOSED on " + " ".join(["ABC"[k] for k in range(acu.gate.n) if mask >> k & 1])


def _open(session, acu):
    yield from _order(session, acu, O_OPEN)
    session.log(ev.HAND, 0)
    yield _said(acu)
    if acu.gate.mask():
        raise Abort("E314 open: the mirror contact still says closed. Prove it dead before you "
                    "touch anything; see SER.")


def _close(session, acu):
    r = yield from _order(session, acu, O_CHECK)
    if not r:
        if hasattr(acu, "check"):
            r = yield from _when_in_step(session, acu)
        else:
            r = yield from _order(session, acu, O_CLOSE)
    session.log(ev.HAND, 1, 0, r)
    if r == _R_SYNC:
        from acu.console import gates
        raise Abort("E310 close refused: " + gates.last(acu))
    if r:
        raise Abort("E310 close refused: %s." % reason(r))
    yield _said(acu)
    if not acu.gate.mask():
        raise Abort("E314 close: the mirror contact does not say closed. See SER and STA.")


def _when_in_step(session, acu):
    """As _order(), of a closing that waits for the synchronism check."""
    _here(session, acu)
    e = acu.at_console(session.now_ms, O_CLOSE)
    if e:
        session.log(ev.HAND, 1, e)
        raise Abort("E313 console: the unit is busy with another operation, or a select is too "
                    "old (error %d). Try again." % e)
    told_ms = session.now_ms
    hit = False
    try:
        while True:
            yield None
            r = acu.hand_over()
            if r is not None:
                break
            if session.pending and not hit:
                hit = True
                session.pending = b""
                acu.check.cancel()
            if acu.check.waiting() and session.now_ms - told_ms >= _TELL_MS:
                told_ms = session.now_ms
                from acu.console import gates
                yield "Waits; a key cancels. Now: " + gates.now(acu)
    finally:
        acu.check.cancel()      # who has gone closes nothing
    if hit and r == _R_SYNC:
        session.log(ev.HAND, 1, 0, r)
        raise Abort("E306 cancelled by a key: the breaker stays open.")
    return r


def _tag(session, acu, words):
    if words not in (["0"], ["1"]):
        raise Abort("E304 LOC: takes 1 (tag: nothing closes) or 0 (end of tag or lock-out).")
    on = int(words[0])
    if not on:
        yield from session.sure("End the tag or lock-out (somebody has looked at the switch)",
                                "Are you sure")
    e = acu.tag(session.now_ms, on)
    session.log(ev.CFG, 0, on, e)
    if e:
        raise Abort("E313 console: the unit is busy. Try again.")
    yield "Tagged: nothing closes." if on else "No tag, no lock-out."


def _test(session, acu):
    """The switch to its other position and back, with the times that the mirror contact took."""
    began_closed = acu.gate.mask() != 0
    yield from session.sure(
        "Relay test: the load goes %s. Move the switch" % (
            "off and on again" if began_closed else "on and off again"), "Are you sure")
    for step in range(2):
        began_ms = session.now_ms
        if began_closed == (step == 0):
            yield from _open(session, acu)
        else:
            yield from _close(session, acu)
        yield "%s, proven after %d ms" % ("opened" if not acu.gate.mask() else "closed",
                                          session.now_ms - began_ms)
        if step == 0 and (yield from session.pause(1000)):
            raise Abort("E306 cancelled by a key: the switch stays as it is. See TAR.")
    yield "Relay test passed: %d operations so far." % acu.gate.operations
