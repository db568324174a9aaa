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
PAGED = ("meas", "agg", "tele", "ub.res", "pq")

# Kinds of a body value: i integer, u integer 0 to 127, f flag 0 or 1, n integer or null, a three
# integers or null, s word, l list, b body of `meas`.
_MEAS = ("u_dV", "a", "i_mA", "a", "p_W", "a", "q_var", "a", "s_VA", "a", "f_mHz", "i",
         "e_Wh", "i", "t_dC", "n", "gnd", "n", "dofc", "n", "ph", "n", "on", "n", "fl", "i")

# type: (QoS, retained, command, body keys and kinds in order)
TABLE = {
    "hello": (1, 1, 0, ("role", "s", "dom", "s", "fw", "s", "drf", "i", "ph", "u", "un_dV", "i",
                        "sw", "f", "boot", "i")),
    "hb": (0, 0, 0, ("up_s", "i", "rssi", "i", "q", "i", "err", "i", "ph", "u", "on", "f",
                     "why", "u")),
    "time": (0, 0, 1, ("utc_ms", "i", "src", "s")),
    "cfg": (1, 0, 1, ("k", "s", "val", "i")),
    "cfg.ack": (1, 0, 0, ("k", "s", "ok", "f", "e", "u")),
    "meas.req": (0, 0, 0, ("what", "i", "win_ms", "i")),
    "meas": (0, 0, 0, _MEAS),
    # of a branch: its own readings, and a row [id, ph, on, s_VA, p_W, q_var, fl] for each Operator
    "agg": (0, 0, 0, ("u_dV", "a", "i_mA", "a", "p_W", "a", "q_var", "a", "s_VA", "a", "on", "f",
                      "fl", "i", "n_ok", "i", "n_all", "i", "ops", "l", "pg", "i", "pgs", "i")),
    # of a meter, 10 minutes until t0_ms: means, least and greatest voltage of a window, registers
    "pq": (1, 0, 0, ("t0_ms", "i", "n", "i", "fl", "i", "u_mV", "a", "umin_mV", "a", "umax_mV",
                     "a", "i_mA", "a", "p_W", "a", "q_var", "a", "thdu_m", "a", "thdi_m", "a",
                     "f_mHz", "n", "u2_m", "n", "u0_m", "n", "e_Wh", "i", "x_Wh", "i")),
    "evt": (1, 0, 0, ("code", "s", "ph", "u", "val", "i", "lim", "i", "t0_ms", "i")),
    "sw.req": (1, 0, 1, ("on", "f", "sel", "f", "why", "u", "t_ms", "i", "lease_s", "i")),
    "sw.ack": (1, 0, 0, ("on", "f", "sel", "f", "ok", "f", "e", "u", "u_dV", "i")),
    "phs.req": (1, 0, 1, ("ph", "u", "t_ms", "i", "dead_ms", "i")),
    "phs.ack": (1, 0, 0, ("ph", "u", "ok", "f", "e", "u", "u_dV", "i")),
    "ub.req": (1, 0, 0, ("avg_s", "i", "win_ms", "i")),
    "ub.rep": (1, 0, 0, ("ph", "u", "sav_VA", "i", "smax_VA", "i", "p_W", "i", "q_var", "i",
                         "sw", "f", "nops", "u")),
    "ub.res": (1, 0, 0, ("ui0_m", "i", "ui1_m", "i", "moves", "l", "ok", "f", "e", "u")),
    # ops: rows [id, ph, on, s_VA]; br: rows [id, on, silent, s_VA] of the branches
    "tele": (1, 0, 0, ("t0", "i", "tp", "b", "st", "i", "n_ok", "i", "n_all", "i", "ops", "l",
                       "br", "l", "pg", "i", "pgs", "i")),
    "outage": (1, 1, 0, ("ph", "u", "t0_ms", "i", "dur_s", "i")),
    "restore": (1, 1, 0, ("ph", "u", "t0_ms", "i", "dur_s", "i")),
    "sc.cmd": (1, 0, 1, ("cmd", "s", "args", "l")),
    "sc.ack": (1, 0, 0, ("ok", "f", "e", "u")),
}
# Requests are refused when too old or from the future; `time` is not: a wrong clock mends itself.
REQUESTS = ("cfg", "meas.req", "sw.req", "phs.req", "ub.req", "sc.cmd")


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


def _body(spec, body):
    parts = []
    for k in range(0, len(spec), 2):
        key = spec[k]
        if key in body:
            value = body[key]
            text = _body(_MEAS, value) if spec[k + 1] == "b" else as_text(value)
            parts.append('"%s":%s' % (key, text))
    return "{" + ",".join(parts) + "}"


def encode(t, src, dst, n, c, ts, body, sign=None, k=0, x=0):
    """One frame as bytes. sign(raw bytes) -> 16 hex digits, for commands. ValueError: too long."""
    text = '{"v":1,"t":"%s","s":"%s","d":"%s","n":%d,"c":%d,"ts":%d,"b":%s' % (
        t, src, dst, n, c, ts, _body(TABLE[t][3], body))
    if TABLE[t][2]:
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
        return isinstance(value, dict) and _whole(_MEAS, value)
    if kind == "l":
        return isinstance(value, list) and _plain(value, 2)
    if not isinstance(value, list) or len(value) != 3:
        return False
    return all([v is None or _int(v) for v in value])


def _whole(spec, body):
    for k in range(0, len(spec), 2):
        if spec[k] not in body or not _fits(spec[k + 1], body[spec[k]]):
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
    entry = TABLE.get(t) if isinstance(t, str) else None
    if entry is None or not (_int(msg.get("n")) and _int(msg.get("c")) and _int(msg.get("ts"))):
        return None
    if not valid_id(msg.get("s")) or msg.get("d") != "*" and not valid_id(msg.get("d")):
        return None
    if not isinstance(msg.get("b"), dict) or not _whole(entry[3], msg["b"]):
        return None
    h = msg.get("h")
    if entry[2] and not (_int(msg.get("k")) and _int(msg.get("x")) and isinstance(h, str)
                         and len(h) == 16):
        return None
    try:
        same = encode(t, msg["s"], msg["d"], msg["n"], msg["c"], msg["ts"], msg["b"],
                      lambda text: h, msg.get("k", 0), msg.get("x", 0)) == raw
    except ValueError:                      # longer than its type may be
        return None
    return msg if same else None
