"""COM, REM: links, what was dropped and why, who asked what; and whether commands from afar count.

Reads; REM alone changes something: the local/remote switch, kept over a restart. Keys are never
shown, only whether there are some.
"""
from acu import events as ev
from acu.console.session import Abort
from acu.primitives.messaging import REASONS

# Causes C_* of drivers/mqtt_link.py, in their order, with what helps.
_CAUSES = ("-", "no Wi-Fi: see its name and password, and the distance",
           "the broker's name is not known: see DNS, or give its address",
           "the broker does not answer: see host, port, firewall",
           "TLS: the broker's certificate is of another CA. Provision keys.ca anew",
           "TLS: the broker's certificate has expired, or the clock is wrong. See TIM",
           "TLS: the certificate is for another name. See `name` of the net",
           "TLS: the handshake failed", "the broker refused: user, password or access list",
           "the broker closed the connection", "the broker fell silent",
           "what came was no MQTT", "what was sent did not go")
_REFUSED = ("retained command", "longer than 1 KiB", "broken", "no room")


def run(session, word, words):
    session.form = "%-16s %s"
    acu = session.acu()
    if word == "REM":
        yield from _remote(session, acu, words)
    elif not words:
        yield from _links(session, acu)
    elif words[0].upper() == "A":
        yield from _audit(session)
    else:
        raise Abort("E304 COM: A is all it takes. Type COM or COM A.")


def _links(session, acu):
    now_ms = session.now_ms
    link = acu.link
    names = ("LAN", "MAN")
    complaint = getattr(link, "complaint", "")
    if complaint:
        yield ("Network", complaint)
    wifi = getattr(link, "wifi", None)
    if wifi:
        yield ("Wi-Fi", "up, %d dBm" % wifi.rssi() if wifi.up else "down")
    links = getattr(link, "links", None) or (link,)
    for k in range(len(links)):
        one = links[k]
        name = names[k] if len(links) > 1 else "Link"
        cause = getattr(one, "cause", 0)
        yield (name, "up" if one.up else "down")
        yield ("  connections", one.session)
        if cause:
            yield ("  last trouble", _CAUSES[cause] if cause < len(_CAUSES) else cause)
        refused = getattr(one, "refused", ())
        for j in range(len(refused)):
            if refused[j]:
                yield ("  " + _REFUSED[j], refused[j])
    net = acu.net
    box = net.outbox
    yield ("Waiting", "%d to go, %d in all; %d segments stored" % (
        box.unsent(), len(box.live), box.stored()))
    yield ("Given up", box.discarded)
    yield ("Dropped:", "")
    for k in range(len(net.dropped)):
        yield (REASONS[k].lower(), net.dropped[k])
    yield ("Keys", "yes" if net.auth.strict else
           "not needed: a simulated network" if net.auth.good else
           "NONE: no command counts. Provision: slvg flash --keys")
    yield ("Commands", "local: none from afar counts. REM 1 ends it" if acu.local else "remote")
    yield ("Clock", "%s, %d ms one way" % (
        "synchronised" if acu.sync.synchronised(now_ms) else "not synchronised",
        acu.sync.delay_ms()))


def _audit(session):
    from acu import forget
    from acu.primitives.audit_file import read
    from acu.primitives.recording import iso
    forget("acu.primitives.audit_file")
    session.form = "%s %-16s %-8s counter %d, c %d: %s"
    n = 0
    for utc_ms, k, c, e, who, what in read(session.unit.store):
        n += 1
        yield (iso(utc_ms), who, what, k, c, "no answer" if e < 0 else "e=%d" % e)
    if not n:
        yield "No command from afar is on record."


def _remote(session, acu, words):
    if not words:
        yield ("REMOTE", 1 - acu.local)
        return
    if words[0] not in ("0", "1") or len(words) > 1:
        raise Abort("E304 REM: takes 0 or 1. Type REM 0 before somebody works at the unit.")
    if session.level < 2:
        raise Abort("E302 REM: changing it needs level B. Type BAC first.")
    on = 1 - int(words[0])
    if not acu.set_local(on):
        raise Abort(session.unit.store.complaint() or "E381 store: not written. Try again.")
    session.log(ev.LOCAL, on)
    yield ("REMOTE", 1 - on)
