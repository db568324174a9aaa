"""MET, TAR and CON M of a recloser: both sides, currents, powers, contacts, elements that are
picked up or have operated. Voltages, currents and powers are primary. Reads only.
"""
from acu.console.session import dec
from acu.dsp import bay as b
from acu.functions.protection import OPERATED, PICKED

# protection_settings.ELEMENTS, which would cost its table of settings to load (a test compares)
ELEMENTS = ("50A", "50B", "51", "50NA", "51N", "46", "27A", "27B", "59A", "59B", "59N", "47",
            "81UA", "81UB", "81O", "81R", "32")
_INPUTS = ("52A", "52B", "SPRING", "TRIP_COIL", "BATTERY", "REMOTE", "TAG")


def readings(session, acu):
    q = list(acu.check.q)       # one moment
    cfg = acu.cfg
    bad = acu.sensing.bad
    session.form = "%-8s %12s %-5s"
    for side in range(2):
        un_mv = cfg["un2_mv" if side else "un1_mv"] * cfg["vt_n"]
        off = bad >> 2 * side & 3
        one = cfg["vt2" if side else "vt1"] == 1
        for k in range(3):
            # CA needs both; where one is measured the others follow from it
            dead = off & (1 if one else (1, 2, 3)[k])
            x = q[b.UAB1 + 3 * side + k] * un_mv // 10_000_000
            yield ("U%d%s" % (side + 1, ("AB", "BC", "CA")[k]), dec(None if dead else x, 3), "kV")
        yield ("U%d+" % (side + 1), dec(None if off else q[b.U1 + side], 2), "%")
        yield ("U%d-" % (side + 1), dec(None if off else q[b.UN1 + side], 2), "%")
        yield ("f%d" % (side + 1), dec(q[b.F1 + side] or None, 3), "Hz")
    yield ("U0", dec(None if bad & 16 else q[b.U0], 2), "%")
    live = q[b.F1] and q[b.F2]
    yield ("angle", dec(q[b.DD] if live else None, 2), "deg")
    yield ("slip", dec((q[b.SLIP] + 500) // 1000 if live else None, 3), "Hz")
    ct = cfg["ct_n"]
    for k in range(3):
        yield ("I" + "ABC"[k], dec(None if bad >> 5 + k & 1 else q[b.IA + k] * ct, 3), "A")
    for name, place in (("3I0", b.I0), ("I+", b.I1), ("I-", b.I2)):
        yield (name, dec(None if bad >> 5 else q[place] * ct, 3), "A")
    off = bad & 0xE3
    p, r = (q[b.P] * acu.bay.ratio // 1000, q[b.Q] * acu.bay.ratio // 1000)
    yield ("P", dec(None if off else p, 3), "kW")
    yield ("Q", dec(None if off else r, 3), "kvar")
    from acu.dsp.fixed import isqrt
    s = isqrt(p * p + r * r)
    yield ("S", dec(None if off else s, 3), "kVA")
    yield ("PF", dec(None if off or not s else p * 1000 // s, 3), "")
    yield ("quality", acu.quality(session.now_ms), "bits")


def targets(acu):
    """Names are the field's; 1 is true."""
    yield ("READY", int(acu.ready))
    yield ("ADC_BAD", int(acu.sensing.bad != 0))
    for k in range(min(acu.gear.inputs, len(_INPUTS))):
        yield (_INPUTS[k], acu.gear.feedback(k))
    gate = acu.gate
    yield ("86", int(gate.locked != 0))
    yield ("COIL", int(gate.busy()))
    yield ("WHY", acu.why)
    st = acu.check.st
    yield ("25_PERMIT", int(st[7] != 0))
    yield ("25_WAITS", int(acu.check.waiting()))
    yield ("60", int(acu.vts.st[0] != 0))
    yield ("GROUP", acu.protection.group)
    state = acu.protection.state
    for k in range(len(ELEMENTS)):
        yield (ELEMENTS[k] + "_P", state[PICKED] >> k & 1)
        yield (ELEMENTS[k], state[OPERATED] >> k & 1)


def wiring(acu):
    """CON M: (what, reading, what it means) or a text; True, False: good or not."""
    q = list(acu.check.q)
    for side in range(2):
        u = q[b.U1 + side]
        good = 8000 <= u <= 12_000
        yield good, ("voltage of side %d" % (side + 1), dec(u, 2) + " %",
                     "good" if good else "NOT 80 to 120 %% of un%d_mv: fuse, ratio, or dead" % (
                         side + 1))
        rot = q[b.ROT1 + side]
        yield rot > 0, (
            "phase order of side %d" % (side + 1), ("not known", "A B C", "A C B")[rot],
            "good" if rot > 0 else "exchange two phases" if rot else "too weak to tell")
    closed = acu.gate.closed()
    if closed and q[b.F1] and q[b.F2]:
        good = abs(q[b.DD]) < 500
        yield good, ("angle, closed", dec(q[b.DD], 2) + " deg",
                     "good" if good else "NOT 0: polarity, phases, or set ang_cdeg")
    else:
        yield None, "The angle between the sides is proven with the breaker closed only."
    if max(q[b.IA:b.IC + 1]) >= acu.cfg["vt_i_ma"]:
        good = q[b.I2] * 10 < q[b.I1] * 3
        yield good, ("currents", "%s A, I- %s A" % (
            dec(q[b.I1] * acu.cfg["ct_n"], 3), dec(q[b.I2] * acu.cfg["ct_n"], 3)),
            "good" if good else "phase order or polarity of a transformer")
        yield None, "P is %s kW, positive from side 1 to side 2: is that its way?" % dec(
            q[b.P] * acu.bay.ratio // 1000, 3)
    else:
        yield None, "No current flows: polarity of the currents is not looked at."
