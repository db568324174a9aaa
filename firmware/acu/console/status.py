"""VER, STA, TAR: who this is, how it does, each bit of its state. Reads only."""
import gc

from acu.console.session import Abort

_TESTS = ("converter", "relays", "store", "clock", "memory", "drivers")


def run(session, word, words):
    session.form = "%-16s %s"
    unit = session.unit
    if word == "VER":
        yield from _version(session)
    elif word == "STA":
        yield from _status(session, unit)
        if words:
            if words[0].upper() != "S":
                raise Abort("E304 STA: S is all it takes. Type STA or STA S.")
            yield from _support(session)
    else:
        yield from _targets(session.acu())


def _version(session):
    unit = session.unit
    acu = unit.acu
    yield ("VERSION", unit.version)
    yield ("BOARD", unit.board["board"])
    yield ("ID", unit.cfg.get("id", "-"))
    yield ("ROLE", unit.cfg.get("role", "-"))
    yield ("UNIQUE", "".join(["%02x" % x for x in
                              getattr(unit.ports, "unique_id", None) or b""]) or "-")
    yield ("SLOT", unit.slot)
    yield ("MODE", unit.mode)
    yield ("TRIAL", int(unit.trial))
    yield ("GOOD", int(unit.started))
    yield ("ACU", int(acu is not None))
    yield ("SELFTEST", acu.failed if acu else "-")
    yield ("COMPLAINT", unit.complaint.replace("\n", " ") or "-")


def _status(session, unit):
    acu = unit.acu
    yield ("Mode", unit.mode + (" (trial)" if unit.trial else ""))
    yield ("Reset cause", unit.reset_cause)
    yield ("Last fatal", session.fatal() or "none")
    gc.collect()
    if hasattr(gc, "mem_free"):
        yield ("Memory free", gc.mem_free())
    if unit.complaint:
        for line in unit.complaint.split("\n"):
            yield ("Complaint", line)
    if acu is None:
        return
    now_ms = session.now_ms
    yield ("Up", "%d s" % (now_ms // 1000))
    yield ("Starts", acu.boots)
    failed = acu.failed
    yield ("Self-test", "passed" if acu.ready else "not passed")
    for k in range(len(_TESTS)):
        yield ("  " + _TESTS[k], "FAILED" if failed >> k & 1 else "good")
    from acu.primitives.sensing import WHYS
    for k in range(len(acu.sensing.why)):
        yield ("Channel " + unit.board["channels"][k]["name"], WHYS[acu.sensing.why[k]])
    sampler = unit.ports.sampler
    for name in ("overruns", "slips", "overflows", "errors", "resets", "spoilt"):
        if hasattr(sampler, name):
            yield ("Sampler " + name, getattr(sampler, name))
    late = acu.scheduler.late
    for name in sorted(late):
        yield ("Late " + name, late[name])
    yield ("Fast ticks late", "%d, longest gap %d ms" % (unit.gaps, unit.gap_ms))
    yield ("Store errors", "%d%s" % (unit.store.failed, " " + unit.store.complaint()
                                     if unit.store.failed else ""))
    yield ("Events stored", acu.log.base + acu.log.seq)
    if hasattr(acu, "check"):
        yield ("Operations", acu.gate.operations)
        yield ("Setting group", ("grid", "island")[acu.protection.group])
        if acu.capture:
            yield ("Records of samples", "%d so far, %d missed" % (
                acu.capture.number, acu.capture.missed + acu.capture.lost))
    yield ("Clock", "synchronised" if acu.sync.synchronised(now_ms) else "not synchronised")


def _support(session):
    """All that a support desk asks for, and no secret: settings have none."""
    session.form = ""
    yield "--- VER"
    for row in _version(session):
        yield row
    for title, name, word, words in (("SHO", "settings", "SHO", []), ("MET", "met", "MET", []),
                                     ("ERR", "explain", "ERR", ["20"]),
                                     ("SER", "log", "SER", ["100"])):
        if session.unit.acu is None and name == "met":
            continue
        yield "--- " + title
        for item in session.page(name)(session, word, words):
            yield item
        session.drop(name)
    yield "--- end"


def _targets(acu):
    """Names are the field's; 1 is true."""
    if hasattr(acu, "bay"):
        from acu.console import bay
        yield from bay.targets(acu)
        return
    s = acu.sensing
    gate = getattr(acu, "gate", None)
    yield ("READY", int(acu.ready))
    yield ("ADC_BAD", int(s.bad != 0))
    for k in range(min(len(acu.measuring.half_dv), 3)):
        yield ("27_" + "ABC"[k], s.uv >> k & 1)
        yield ("59_" + "ABC"[k], s.ov >> k & 1)
    if gate is not None:
        mask = gate.mask()
        for k in range(gate.n):
            yield ("52A_%d" % (k + 1), mask >> k & 1)
        yield ("86", int(gate.locked != 0))
        yield ("COIL", int(gate.busy()))
        yield ("WHY", acu.why)
    for k in range(acu.gear.inputs):
        yield ("IN%d" % (k + 1), acu.gear.feedback(k))
