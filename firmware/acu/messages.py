"""The messages of the Interoperability Layer (ISF-1): one table, one encoder, one decoder.

Spec smartlvgrid, section 6. Integers only, keys in the table's order, so that both Pythons write
the same bytes. A command ends with counter `k`, expiry `x` and code `h`, and the code covers the
bytes before it.
"""
import json

from micropython import const

_INT_END = const(1 << 53)
FRAME_MAX = const(240)
PAGE_MAX = const(480)     # of the types in PAGED
LEASE_MAX_S = const(31_536_000)    # of sw.req: a year
H_TAIL = const(24)        # ,"h":"0123456789abcdef"}
PAGED = ("meas", "agg", "tele", "ub.res", "pq", "mg.rep")

# Of each type: QoS, retained, command; the kind of each body value; its keys in order. As text it
# takes a third of the RAM of tuples. Kinds: i integer, u integer 0 to 127, f flag 0 or 1, n
# integer or null, a three integers or null, s word, l list, b body of `meas`.
TABLE = {
    "hello": "110 sssiuifi role dom fw drf ph un_dV sw boot",
    "hb": "000 iiiiufu up_s rssi q err ph on why",
    "time": "001 is utc_ms src",
    "cfg": "101 si k val",
    "cfg.ack": "100 sfu k ok e",
    # a question for the time: the answer is a `time` for the asker alone, whose x is -nonce
    "time.req": "000 i nonce",
    "meas.req": "000 ii what win_ms",
    "meas": "000 aaaaaiinnnnni u_dV i_mA p_W q_var s_VA f_mHz e_Wh t_dC gnd dofc ph on fl",
    # of a branch: its own readings, and a row [id, ph, on, s_VA, p_W, q_var, fl] for each Operator
    "agg": "000 aaaaafiiilii u_dV i_mA p_W q_var s_VA on fl n_ok n_all ops pg pgs",
    # of a meter, 10 minutes until t0_ms: means, least and greatest voltage of a window, registers
    "pq": "100 iiiaaaaaaaannnii t0_ms n fl u_mV umin_mV umax_mV i_mA p_W q_var thdu_m thdi_m "
          "f_mHz u2_m u0_m e_Wh x_Wh",
    "evt": "100 suiii code ph val lim t0_ms",
    "sw.req": "101 ffuii on sel why t_ms lease_s",
    "sw.ack": "100 fffui on sel ok e u_dV",
    "phs.req": "101 uii ph t_ms dead_ms",
    "phs.ack": "100 ufui ph ok e u_dV",
    "ub.req": "100 ii avg_s win_ms",
    "ub.rep": "100 uiiiifu ph sav_VA smax_VA p_W q_var sw nops",
    "ub.res": "100 iilfu ui0_m ui1_m moves ok e",
    # ops: rows [id, ph, on, s_VA]; br: rows [id, on, silent, s_VA] of the branches
    "tele": "100 ibiiillii t0 tp st n_ok n_all ops br pg pgs",
    "outage": "110 uii ph t0_ms dur_s",
    "restore": "110 uii ph t0_ms dur_s",
    "sc.cmd": "101 sl cmd args",
    "sc.ack": "100 fu ok e",
    # set-point of a device of a microgrid, good for lease_s: on enables it (of pv: p_mW is a
    # ceiling, of load: so much is left out); p_mW positive is given to the bus. The device answers
    # with its state, and tells it by itself: e_mWh stored, ok available, on works, lim: less than
    # it would.
    "mg.set": "101 fii on p_mW lease_s",
    "mg.st": "000 nifff e_mWh p_mW ok on lim",
    # of a generator: what it gives, its rating, connected, holds the frequency by itself. Its
    # order: 0 off for good; isl: hold 50 Hz + df_mHz and the voltage + du_bp, for lease_s
    "gen.st": "000 iiff p_W s_VA on isl",
    "gen.set": "101 ffiii on isl df_mHz du_bp lease_s",
    # of a recloser to the others of its scheme (roles/islander.py): 0 open, 1 closed, 2 neither,
    # and for how long; IL_* of separating.py; power from side 1 to side 2; B_* bits; a wish to
    # close, as a number, and the number of the wish that it grants
    "rc.st": "001 uuiiuii pos st ms p_W fl w g",
    # of a dispatching ACU: PV, load, diesel set; set-points of battery, hydrogen, diesel set; what
    # is given up and left out; registers of PV, load, diesel set and what was not supplied
    "mg.rep": "000 aaiinniiiiiuu p_W set_W cur_W pns_W b_Wh h_Wh v_Wh e_Wh d_Wh x_Wh ueur by st",
}
# Requests are refused when too old or from the future; `time` is not: a wrong clock mends itself.
REQUESTS = ("cfg", "meas.req", "sw.req", "phs.req", "ub.req", "sc.cmd", "mg.set", "gen.set")


def valid_id(word):
    """Identities become parts of topics and of JSON: 1 to 16 of a-z 0-9 _ - and nothing else."""
    if not isinstance(word, str) or not 0 < len(word) <= 16:
        return False
    for ch in word:
        if ch not in "abcdefghijklmnopqrstuvwxyz0123456789_-":
            return False
    return True


def as_text(value):
    if value is None:
        return "null"
    if isinstance(value, str):
        return '"' + value + '"'
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([as_text(v) for v in value]) + "]"
    return str(value)


def form(t):
    """[kinds, key, key, ...] of a type."""
    return TABLE[t][4:].split(" ")


def qos(t):
    return int(TABLE[t][0])


def retained(t):
    return int(TABLE[t][1])


def command(t):
    return TABLE[t][2] == "1"


def _body(t, body):
    parts = []
    keys = form(t)
    for k in range(1, len(keys)):
        key = keys[k]
        if key in body:
            value = body[key]
            text = _body("meas", value) if keys[0][k - 1] == "b" else as_text(value)
            parts.append('"%s":%s' % (key, text))
    return "{" + ",".join(parts) + "}"


def encode(t, src, dst, n, c, ts, body, sign=None, k=0, x=0):
    """One frame as bytes. sign(raw bytes) -> 16 hex digits, for commands. ValueError: too long."""
    text = '{"v":1,"t":"%s","s":"%s","d":"%s","n":%d,"c":%d,"ts":%d,"b":%s' % (
        t, src, dst, n, c, ts, _body(t, body))
    if command(t):
        text += ',"k":%d,"x":%d' % (k, x)
        text += ',"h":"%s"}' % sign(text.encode())
    else:
        text += "}"
    if len(text) > (PAGE_MAX if t in PAGED else FRAME_MAX):
        raise ValueError("E201 message %s is %d bytes long. Split it into pages." % (t, len(text)))
    return text.encode()


def _int(value):
    """Within 53 bits, which is what JSON readers elsewhere keep exact."""
    return isinstance(value, int) and not isinstance(value, bool) and -_INT_END < value < _INT_END


def _word(value):
    return isinstance(value, str) and len(value) <= 16


def _plain(value, depth):
    """Integers, words, null, and lists of them, at most two deep."""
    if isinstance(value, list):
        return depth > 0 and all([_plain(v, depth - 1) for v in value])
    return value is None or _int(value) or _word(value)


def _fits(kind, value):
    if kind == "i":
        return _int(value)
    if kind == "u" or kind == "f":
        return _int(value) and 0 <= value <= (127 if kind == "u" else 1)
    if kind == "n":
        return value is None or _int(value)
    if kind == "s":
        return _word(value)
    if kind == "b":
        return isinstance(value, dict) and _whole("meas", value)
    if kind == "l":
        return isinstance(value, list) and _plain(value, 2)
    if not isinstance(value, list) or len(value) != 3:
        return False
    return all([v is None or _int(v) for v in value])


def _whole(t, body):
    keys = form(t)
    for k in range(1, len(keys)):
        if keys[k] not in body or not _fits(keys[0][k - 1], body[keys[k]]):
            return False
    return True


def decode(raw):
    """The message as a dict, or None if it is malformed in any way.

    The JSON readers of the two Pythons forgive different things (a missing comma, a control
    character, 007, NaN), so only the form that encode() itself writes is taken.
    """
    if len(raw) > PAGE_MAX or raw[:7] != b'{"v":1,':
        return None
    if min(raw) < 32 or max(raw) > 126 or b"\\" in raw:
        return None
    try:
        msg = json.loads(raw)
    except (ValueError, RuntimeError):      # RuntimeError: nested too deep
        return None
    if not isinstance(msg, dict):
        return None
    t = msg.get("t")
    if not isinstance(t, str) or t not in TABLE:
        return None
    if not (_int(msg.get("n")) and _int(msg.get("c")) and _int(msg.get("ts"))):
        return None
    if not valid_id(msg.get("s")) or msg.get("d") != "*" and not valid_id(msg.get("d")):
        return None
    if not isinstance(msg.get("b"), dict) or not _whole(t, msg["b"]):
        return None
    h = msg.get("h")
    if command(t) and not (_int(msg.get("k")) and _int(msg.get("x")) and isinstance(h, str)
                         and len(h) == 16):
        return None
    try:
        same = encode(t, msg["s"], msg["d"], msg["n"], msg["c"], msg["ts"], msg["b"],
                      lambda text: h, msg.get("k", 0), msg.get("x", 0)) == raw
    except ValueError:                      # longer than its type may be
        return None
    return msg if same else None
