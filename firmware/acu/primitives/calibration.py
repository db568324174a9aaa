"""DRF-2, what a board's transducers and its converter really are, as two records of the store.

`cal`: for each channel the value at code 2048 + 2048, the offset and the phase lead; `adc`: the
converter's correction table. Both name the board whose they are, by its unique id: another's are
as wrong as none, and look right. A record is taken or refused as a whole: who refuses says so and
goes on with what board.json has. Read once at the start; functions/calibrating.py writes them.
"""
import struct
from array import array
from binascii import crc32, hexlify

from micropython import const

from acu.primitives.recording import Record

POINTS = const(6)             # of a channel's lead, at most
LEAD_URAD = const(90_000)     # 5 degrees: what shifts more is no transducer but wrong wiring
OFFSET_Q8 = const(131_072)    # 512 codes, as far as measuring follows an offset
GAIN_PPM = const(300_000)     # how far from nominal
_FAR = const(2048)            # a table's entry from its code, eighths of a code
VERSION = const(2)            # 1 had no board
BOARD = const(8)    # bytes of a board's unique id, zeros behind a shorter one; only zeros: unknown
HEAD = "<HIIB"      # version, date in s of Unix time, CRC of the table in use (0: none), channels
CHANNEL = "<IiB"    # full_u in uV or uA, offset_q8, points
POINT = "<Ii"       # uV or uA rms, lead in urad
_LENGTH = const(57)  # of a channel with its six points


def crc_of(table):
    """Which correction table this is; 0: none."""
    return crc32(table) & 0xFFFFFFFF if table is not None else 0


def load(store, nominal, board=b""):
    """(cal for Measuring, correction table or None, date in s of Unix time, what is wrong or '').

    nominal: (full_u, slot_ns) of each channel; it is the answer, with date 0, where no `cal` is
    to be had. A calibrated channel is (full_u, slot_ns, lead points, offset in codes Q8). board:
    this board's unique id; without it, or without one in a record, nothing is compared.
    """
    table, why = _table(store, board)
    body, damaged = _body(store, "cal", "E160", board)
    why = why or damaged
    if body is None:
        return nominal, table, 0, why
    n = len(nominal)
    size = struct.calcsize(HEAD)
    _, date_s, crc, channels = struct.unpack(HEAD, body[:size])
    if channels != n or len(body) != size + _LENGTH * n:
        return nominal, table, 0, why or (
            "E160 cal: the record has %d channels, this board %d. Calibrate it." % (channels, n))
    if crc != crc_of(table):
        return nominal, table, 0, why or (
            "E160 cal: made with another correction table than `adc` has. Calibrate again.")
    cal = []
    for c in range(n):
        at = size + _LENGTH * c
        full_u, zero_q8, points = struct.unpack(CHANNEL, body[at:at + 9])
        bend = []
        for k in range(at + 9, at + 9 + 8 * min(points, POINTS), 8):
            bend.append(struct.unpack(POINT, body[k:k + 8]))
        cal.append((full_u, nominal[c][1], tuple(bend), zero_q8))
    damaged = wrong(cal, nominal)
    if damaged:
        return nominal, table, 0, why or damaged
    return cal, table, date_s, why


def wrong(cal, nominal):
    """Why this calibration must not be used, '' if it may."""
    for c in range(len(nominal)):
        full_u, _, bend, zero_q8 = cal[c]
        gain = full_u * 1_000_000 // nominal[c][0]
        if abs(gain - 1_000_000) > GAIN_PPM:
            return ("E160 cal: channel %d has %d ppm of its nominal gain, outside 700000 to "
                    "1300000. Check the transducer and board.json, then calibrate." % (c, gain))
        if abs(zero_q8) > OFFSET_Q8:
            return ("E160 cal: channel %d has an offset of %d codes, outside -512 to 512. Check "
                    "its mid voltage, then calibrate." % (c, zero_q8 >> 8))
        last_u = -1
        for x_u, lead_urad in bend:
            if not last_u < x_u <= full_u or abs(lead_urad) > LEAD_URAD or len(bend) > POINTS:
                return ("E160 cal: channel %d leads by %d urad at %d; at most %d points, ascending"
                        ", of -90000 to 90000 urad. Calibrate again." % (
                            c, lead_urad, x_u, POINTS))
            last_u = x_u
    return ""


def seed(measuring):
    """Gives a new Measuring the offsets of its calibration, until its first window knows better:
    without them they are in the RMS of the first half cycles."""
    for c in range(len(measuring.cal)):
        if len(measuring.cal[c]) > 3:
            measuring._zero_q8[c] = measuring.cal[c][3]


def _table(store, board):
    body, why = _body(store, "adc", "E161", board)
    if body is None:
        return None, why
    table = array("H", body[2:] if len(body) & 1 == 0 else b"")
    why = wrong_table(table)
    return (None, why) if why else (table, "")


def wrong_table(table):
    """Why this correction table must not be used, '' if it may."""
    if len(table) != 4096:
        return ("E161 adc: the table has %d entries, a 12-bit converter has 4096. Learn it again."
                % len(table))
    for code in range(4096):
        if abs(table[code] - 8 * code) > _FAR or table[code] > 32_760:
            return ("E161 adc: code %d would become %d/8, outside 0 to 4095 or more than 256 "
                    "codes away. Learn the table again." % (code, table[code]))
    return ""


def text(board):
    """A unique id as people read it."""
    return hexlify(board).decode()


def _body(store, name, error, board):
    """(body of the newest valid record without its board, or None; what is wrong with it or '').
    """
    record = Record(store, name)
    body = record.load()
    if body is None:
        if not record.damaged:
            return None, ""   # never calibrated
        return None, "%s %s: the record is damaged (CRC). Calibrate again." % (error, name)
    found = struct.unpack("<H", body[:2])[0] if len(body) >= struct.calcsize(HEAD) else 0
    if found == 1:
        return body, ""
    if found != VERSION or len(body) < struct.calcsize(HEAD) + BOARD:
        return None, ("%s %s: the record has version %d, this firmware reads 1 and %d. Calibrate "
                      "again." % (error, name, found, VERSION))
    whose = body[2:2 + BOARD]
    if board and whose != bytes(BOARD) and whose != (board + bytes(BOARD))[:BOARD]:
        return None, ("%s %s: made for board %s, this one is %s. Restore its own, or calibrate "
                      "it." % (error, name, text(whose), text(board)))
    return body[:2] + body[2 + BOARD:], ""
