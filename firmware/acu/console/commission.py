"""CON, CAL: putting a unit into service.

CON I asks who it is and makes a draft of settings; CON M looks at what is measured: levels, phase
order, polarity, against a hand-held meter if there is one. CAL calibrates gains, offsets and phase
leads against a reference of known class, one point, and stores them with the board's identity
(functions/calibrating.py judges). Nothing switches.
"""
from micropython import const

from acu import events as ev
from acu import forget
from acu.console.session import Abort, dec

_WINDOWS = const(50)        # of a calibration: 10 s
_NEAR = const(10)           # degrees that a voltage may be off 120


def run(session, word, words):
    kind = words[0].upper() if words else ""
    if word == "CAL" and hasattr(session.acu(), "bay"):
        raise Abort("E304 CAL: a recloser is set by un1_mv, un2_mv, vt_n, ct_n and ang_cdeg. CON "
                    "M shows what is off.")
    if word == "CAL":
        try:
            yield from _calibrate(session)
        finally:
            forget("acu.functions.calibrating", "acu.functions.wiring",
                   "acu.primitives.calibration")
    elif kind == "M" and hasattr(session.acu(), "bay"):
        yield from _bay(session, session.acu())
    elif kind == "M":
        yield from _wiring(session, session.acu())
    elif kind in ("", "I"):
        yield from _identity(session)
    else:
        raise Abort("E304 CON: takes I (who it is) or M (what it measures). Type HEL CON.")


def _number(text, digits, what):
    """A decimal number as a whole one of 10^-digits."""
    text = text.strip().replace(",", ".")
    whole, _, rest = (text[1:] if text[:1] == "-" else text).partition(".")
    if not (whole + rest).isdigit() or len(rest) > digits or len(whole) > 6:
        raise Abort("E304 %s: %s is no number with up to %d decimals. Begin again." % (
            what, text, digits))
    rest += "0" * (digits - len(rest))
    value = int(whole or "0") * 10**digits + int(rest or "0")
    return -value if text[:1] == "-" else value


# -- who it is


def _identity(session):
    from acu import config
    unit = session.unit
    draft = dict(unit.cfg if session.draft is None else session.draft)
    board = unit.board
    if not board["roles"]:
        raise Abort("E304 CON: %s has no role in this firmware." % board["board"])
    yield "%s. Enter keeps what stands in brackets; Ctrl-C leaves." % board["board"]
    asked = [("role", " ".join(board["roles"])), ("id", "name of this unit, a-z 0-9 _ -"),
             ("sc", "name of the smart circuit"), ("uc", "its branch, micro-circuit"),
             ("un_dv", "nominal voltage to neutral, 0.1 V"), ("fn_mhz", "50000 or 60000 mHz")]
    draft.setdefault("role", board["roles"][0])
    draft.setdefault("un_dv", 2300)
    draft.setdefault("fn_mhz", 50_000)
    k = 0
    while k < len(asked):
        key, text = asked[k]
        answer = yield from session.ask("%s (%s) [%s] ? " % (key, text, draft.get(key, "")))
        answer = answer.strip()
        if answer:
            value = int(answer) if key in ("un_dv", "fn_mhz") and answer.isdigit() else answer
            wrong = config.wrong(key, value, {key: config.rule_of(draft.get("role"), key)})
            if key == "role" and not wrong and value not in board["roles"]:
                wrong = "E112 config: role = %s does not run on this board. Choose one of: %s." % (
                    value, " ".join(board["roles"]))
            if wrong:
                yield wrong
                continue
            draft[key] = value
        elif key not in draft:
            yield "E108 config: %s is missing. It says who this controller is." % key
            continue
        if key == "role" and draft["role"] == "meter":
            asked.append(("wiring", "phases that it measures: ABC, AB, BC, CA, A, B or C"))
        k += 1
    session.draft = draft
    yield "Drafted: %s is %s of %s. SHO shows it, SAV stores it and restarts; then CON M." % (
        draft["id"], draft["role"], draft["sc"])


# -- what it measures


def _angles(m):
    """Lag of each voltage behind the first in degrees, [] where it is not known."""
    if not m.fund:
        return []
    from acu.dsp.fixed import atan2
    a, b = m.fund[0]
    turns = []
    for c in range(min(m.n_v, 3)):
        re, im = m.fund[c]
        turn = atan2(im * a - re * b, re * a + im * b)
        slot_ns = m.cal[c][1] - m.cal[0][1]
        turns.append((turn * 360 >> 24) + slot_ns * m.used_mhz * 360 // 10**12)
    return [turn % 360 for turn in turns]


def _bay(session, acu):
    """Of a recloser: levels, phase order, angle, currents."""
    from acu.console import bay
    good = bad = 0
    session.form = "%-24s %-24s %s"
    for fits, row in bay.wiring(acu):
        good += fits is True
        bad += fits is False
        yield row
    session.log(ev.CHECKED, good, bad)
    yield "%d good, %d not. Alarms of the transformers: SYN." % (good, bad)


def _wiring(session, acu):
    m = acu.measuring
    good = bad = 0
    session.form = "%-12s %-24s %s"
    lo = m.un_dv * 8 // 10
    hi = m.un_dv * 12 // 10
    for k in range(min(len(m.u_dv), 3)):
        fits = lo <= m.u_dv[k] <= hi
        good += fits
        bad += not fits
        yield ("voltage %d" % (k + 1), dec(m.u_dv[k], 1) + " V",
               "good" if fits else "NOT 80 to 120 % of un_dv: divider, fuse, un_dv")
    angles = _angles(m)
    for k in range(1, len(angles)):
        off = (angles[k] - 120 * k + 180) % 360 - 180
        other = (angles[k] + 120 * k + 180) % 360 - 180
        fits = abs(off) <= _NEAR
        good += fits
        bad += not fits
        yield ("order 1-%d" % (k + 1), "lags by %d degrees" % angles[k],
               "good" if fits else "REVERSED order: exchange two phases" if abs(other) <= _NEAR
               else "NOT 120 apart: same phase twice, or a voltage turned round")
    p_w = m.p_w if isinstance(m.p_w, list) else [m.p_w]
    for k in range(len(p_w)):
        yield ("power %d" % (k + 1), "%d W" % p_w[k],
               "taken" if p_w[k] > 0 else "no load" if p_w[k] == 0
               else "FED IN: a source, or the current transformer is turned round")
    u = yield from session.ask("A hand-held meter shows how many V, phase 1 (Enter: none) ? ")
    if u.strip():
        u = _number(u, 1, "voltage")
        off = (m.u_dv[0] - u) * 1000 // max(u, 1)
        fits = abs(off) <= 20
        good += fits
        bad += not fits
        yield ("ratio U", "%s %% off" % dec(off, 1), "good" if fits else "CAL, or u_peak_dv of "
               "board.json is not this divider's")
    i_ma = m.i_ma[0] if isinstance(m.i_ma, list) else m.i_ma
    i = yield from session.ask("A clamp shows how many A there (Enter: none) ? ")
    if i.strip():
        i = _number(i, 3, "current")
        off = (i_ma - i) * 1000 // max(i, 1)
        fits = abs(off) <= 30
        good += fits
        bad += not fits
        yield ("ratio I", "%s %% off" % dec(off, 1), "good" if fits else "CAL, or i_peak_ma of "
               "board.json is not this transformer's")
    session.log(ev.CHECKED, good, bad)
    yield "%d good, %d not." % (good, bad)


# -- calibration


def _calibrate(session):
    acu = session.acu()
    unit = session.unit
    m = acu.measuring
    if getattr(unit.ports.sampler, "full_u", None):
        raise Abort("E304 CAL: this converter tells readings, no samples. Set the chip's gains in "
                    "pins.py.")
    yield "Feed a steady sine of known class to all inputs: U, I near full load, phase angle."
    u_uv = _number((yield from session.ask("U of the reference, V ? ")), 6, "U")
    i_ua = _number((yield from session.ask("I of the reference, A ? ")), 6, "I")
    lag = _number((yield from session.ask("I lags U by how many degrees [0] ? ")) or "0", 3, "lag")
    try:
        from acu.functions import calibrating
        point = calibrating.Point(m, u_uv, i_ua, lag * 3_141_593 // 180_000)
    except MemoryError:
        point = None
    if point is None:
        raise Abort("E308 console: no memory for a calibration. Restart, then CAL at once.")
    why = point._reference()
    if why:
        raise Abort(why)
    yield "Measuring for 10 s; a key cancels."
    seen = m.n_windows
    session.pending = b""
    for _ in range(_WINDOWS * 40):
        if point.n >= _WINDOWS:
            break
        yield None
        if session.pending:
            raise Abort("E306 cancelled. Nothing is stored.")
        if m.n_windows != seen:
            seen = m.n_windows
            point.add()
    cal, why = calibrating.calibrate([point])
    if why:
        raise Abort(why)
    from acu import app
    nominal = app.calibration(unit.board)
    forget("acu.app")
    session.form = "%-4s gain %9s ppm, offset %7s codes, lead %8s urad"
    for c in range(len(cal)):
        gain = cal[c][0] * 1_000_000 // nominal[c][0] - 1_000_000
        yield (point.names[c], "%+d" % gain, dec(cal[c][3] * 100 >> 8, 2),
               cal[c][2][0][1] if cal[c][2] else 0)
    yield from session.sure("Store this calibration and restart")
    why = calibrating.save(unit.store, cal, nominal, unit.clock.utc_ms() // 1000,
                           unit.ports.sampler._table,
                           getattr(unit.ports, "unique_id", None) or b"")
    if why:
        raise Abort(why)
    yield "Stored. Restarting to put it in force."
    unit.request_reset("console")
