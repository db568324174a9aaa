"""DRF-2 calibrating: gain, phase lead and offset of each channel, from a reference.

A Point takes the windows that Measuring evaluates while the reference feeds the board; calibrate()
makes of one point or of a sweep the `cal` that primitives/calibration.py stores, or says what is
wrong: then nothing may be stored. Slow tier, in maintenance; on a host likewise. Integers, uV, uA,
urad, mHz. Angles count as lags: positive is later.

The current's lead is told against its own voltage's. A voltage's own lead, against the first, is
told only where the reference says its angles.
"""
import struct

from micropython import const

from acu.dsp.fixed import atan2, isqrt
from acu.functions.wiring import NAMES, explain, wrapped
from acu.primitives.calibration import (
    BOARD,
    CHANNEL,
    HEAD,
    LEAD_URAD,
    POINT,
    POINTS,
    VERSION,
    crc_of,
    wrong,
    wrong_table,
)
from acu.primitives.recording import Record
from acu.primitives.windows import LONG, LOST, NO_F

TURN_URAD = const(6_283_185)
WINDOWS = const(5)            # at least, of a point; 50 are 10 s
_SPREAD_PPM = const(2000)     # of the readings of one point, besides half a code of noise
_SPREAD_URAD = const(2000)    # of its angles, besides half a code
_LEAST = const(4)             # codes rms that a reference must drive a channel with
_LEAST_TOP = const(70)        # the same for the gain: about 5 % of the range


def urad(turn):
    """2^24 a turn -> microradian."""
    return (turn * TURN_URAD + (1 << 23)) >> 24


def lag_of(u_uv, i_ua, p_mw, q_mvar):
    """(lag of the current in urad, '') of a reference that shows P and Q, or (0, what is wrong):
    U * I must be the root of P^2 + Q^2 within 2 %, else it is no sine."""
    s_mva = u_uv * i_ua // 10**9
    if abs(isqrt(p_mw * p_mw + q_mvar * q_mvar) - s_mva) * 50 > s_mva:
        return 0, ("E162 calibrate: the reference's P = %d W and Q = %d var do not fit its U * "
                   "I = %d VA within 2 %%. Use a sine, and the four readings of one moment." % (
                       p_mw // 1000, q_mvar // 1000, s_mva // 1000))
    return urad(atan2(q_mvar, p_mw)), ""


class Point:
    """One state of the reference, and what the board measured in it.

    u_uv: true rms of each voltage channel, i_ua of each current; lag_urad: how far each current
    lags behind its own voltage, -pi to pi; one number stands for all. f_mhz: 0 if not known.
    angle_urad: how far each voltage lags behind the first; None: as in the grid, A before B before
    C, and no lead of the voltages is learned.
    """

    def __init__(self, measuring, u_uv, i_ua, lag_urad=0, f_mhz=0, angle_urad=None):
        self._m = m = measuring
        n = len(m.cal)
        self.n_v = m.n_v
        self.names = NAMES[m.kind]
        self.cal = m.cal
        self.pairs = m.pairs[:m.n_p]
        self.f_ref_mhz = f_mhz
        self.angles_known = angle_urad is not None
        if angle_urad is None:
            third = TURN_URAD // 3
            angle_urad = (0, third, 2 * third, 0)[:m.n_v]
        self.true_u = _each(u_uv, m.n_v) + _each(i_ua, n - m.n_v)
        self.true_lag = _each(angle_urad, m.n_v) + [0] * (n - m.n_v)
        lags = _each(lag_urad, len(self.pairs))
        for k in range(len(self.pairs)):
            v, i = self.pairs[k]
            self.true_lag[i] = self.true_lag[v] + lags[k]
        self.n = 0                # windows
        self.disturbed = 0        # windows with frames lost or no frequency
        self.zero_q8 = [0] * n
        self._frames = 0
        self._square = [0] * n
        self._cross = [[0, 0] for _ in range(n)]
        self._low_u = [0] * n
        self._high_u = [0] * n
        self._first = [0] * n     # angle in the first window, then how far others were off it
        self._low = [0] * n
        self._high = [0] * n
        self._f_frames = 0

    def add(self):
        """Takes the window that Measuring has just evaluated."""
        m = self._m
        if m.quality & (LOST | NO_F | LONG) or not m.fund or not m.f_mhz:
            self.disturbed += 1
            return
        n = m.n_frames
        a, b = m.fund[0]
        for c in range(len(self.cal)):
            x_u = m.rms_u[c]
            re, im = m.fund[c]
            re, im = re * a + im * b, im * a - re * b
            angle = atan2(im, re)
            if not self.n:
                self._low_u[c] = self._high_u[c] = x_u
                self._first[c] = angle
            self._low_u[c] = min(self._low_u[c], x_u)
            self._high_u[c] = max(self._high_u[c], x_u)
            off = wrapped(angle - self._first[c])
            self._low[c] = min(self._low[c], off)
            self._high[c] = max(self._high[c], off)
            self._square[c] += x_u * x_u * n
            self._cross[c][0] += re
            self._cross[c][1] += im
            self.zero_q8[c] = m._zero_q8[c]
        self._frames += n
        self._f_frames += m.used_mhz * n
        self.n += 1

    # -- what the board measured

    def rms_u(self, c):
        return isqrt(self._square[c] // self._frames)

    def f_mhz(self):
        return self._f_frames // self._frames

    def lag_urad(self, c):
        """Of channel c behind channel 0, as if both were sampled at once."""
        slot_ns = self.cal[c][1] - self.cal[0][1]
        lag = urad(atan2(self._cross[c][1], self._cross[c][0]))
        return lag + slot_ns * self.f_mhz() * TURN_URAD // 10**12

    def codes(self, x_u, c):
        """uV or uA rms in thousandths of a code rms."""
        return x_u * 2_048_000 // self.cal[c][0]

    # -- what is wrong

    def wrong(self):
        """'' if the point may be used."""
        return self._reference() or self._unsteady() or self._wiring()

    def _reference(self):
        for c in range(len(self.cal)):
            x_u = self.true_u[c]
            most_u = self.cal[c][0] * 1000 // 1414
            least_u = self.cal[c][0] * _LEAST // 2048
            if not least_u <= x_u <= most_u:
                return ("E162 calibrate: the reference gives %s %s, the channel takes %s to %s. "
                        "Set the reference inside." % (
                            self.names[c], self.text(c, x_u), self.text(c, least_u),
                            self.text(c, most_u)))
        f_mhz = self.f_ref_mhz
        if f_mhz and not 45_000 <= f_mhz <= 65_000:
            return ("E162 calibrate: the reference has %d mHz, outside 45000 to 65000. Set 50 or "
                    "60 Hz." % f_mhz)
        if f_mhz and self.n and abs(f_mhz - self.f_mhz()) > 100:
            return ("E162 calibrate: the reference says %d mHz, the board measures %d, more than "
                    "100 apart. Read the reference again, or check the board's sampling rate." % (
                        f_mhz, self.f_mhz()))
        return ""

    def _unsteady(self):
        if self.n < WINDOWS and not self.disturbed:
            return ("E164 calibrate: %d windows, at least %d are needed. Capture 10 s (50 "
                    "windows)." % (self.n, WINDOWS))
        if self.disturbed * 10 > self.n:
            return ("E164 calibrate: %d of %d windows lost frames or had no frequency, at most a "
                    "tenth may. Check the reference's voltage, and that no U is exchanged with an "
                    "I, then capture again." % (self.disturbed, self.disturbed + self.n))
        for c in range(len(self.cal)):
            spread_u = self._high_u[c] - self._low_u[c]
            x_u = self.rms_u(c)
            if spread_u > x_u * _SPREAD_PPM // 1_000_000 + self.cal[c][0] // 4096:
                return ("E164 calibrate: %s varies by %s in %d windows, at most %d ppm and half a "
                        "code may. Let the reference settle, then capture again." % (
                            self.names[c], self.text(c, spread_u), self.n, _SPREAD_PPM))
            spread = urad(self._high[c] - self._low[c])
            least = min(self.codes(x_u, c), self.codes(self.rms_u(0), 0)) + 1
            # a channel that shows next to nothing has no angle: the wiring's test names it
            if least > 1000 * _LEAST and spread > _SPREAD_URAD + 500_000_000 // least:
                return ("E164 calibrate: the angle of %s varies by %d urad in %d windows, at most "
                        "%d and half a code may. Let the reference settle, then capture again." % (
                            self.names[c], spread, self.n, _SPREAD_URAD))
        return ""

    def _wiring(self):
        n = len(self.cal)
        want = []
        have = []
        for c in range(n):
            want.append((self.codes(self.true_u[c], c), self.true_lag[c]))
            have.append((self.codes(self.rms_u(c), c), self.lag_urad(c)))
        why = explain(self.names, self.n_v, self.pairs, want, have)
        if why:
            return why
        for v, i in self.pairs:
            lead = self.lead_urad(i)
            if abs(lead) > LEAD_URAD:
                return ("E167 calibrate: %s lags %d urad too little behind %s, no transducer "
                        "shifts by more than %d. Check the phase angle of the reference and "
                        "the kind of transformer." % (
                            self.names[i], lead, self.names[v], LEAD_URAD))
        return ""

    def lead_urad(self, c):
        """Of the transducer of channel c: it shows a lag smaller than the true one. A voltage
        whose angle is not known is taken to have none."""
        v = c
        if c < self.n_v:
            if not self.angles_known:
                return 0
            v = 0
        else:
            for k in range(len(self.pairs)):
                if self.pairs[k][1] == c:
                    v = self.pairs[k][0]
        seen = self.lag_urad(c) - self.lag_urad(v)
        lead = self.true_lag[c] - self.true_lag[v] - seen
        lead = (lead + TURN_URAD // 2) % TURN_URAD - TURN_URAD // 2
        return lead + (self.lead_urad(v) if c >= self.n_v else 0)

    def text(self, c, x_u):
        return "%d.%03d %s" % (x_u // 1_000_000, x_u // 1000 % 1000, "V" if c < self.n_v else "A")


def calibrate(points):
    """(cal, '') from one Point at full current, or from several; (None, what is wrong).

    The gain takes all points by least squares, so the large currents decide; each gives its lead.
    """
    for point in points:
        why = point.wrong()
        if why:
            return None, why
    cal = []
    one = points[0]
    for c in range(len(one.cal)):
        top = max([p.codes(p.true_u[c], c) for p in points])
        if top < 1000 * _LEAST_TOP:
            return None, ("E163 calibrate: the largest reference drives %s with %d codes rms, at "
                          "least %d are needed for its gain. Add a point near full scale." % (
                              one.names[c], top // 1000, _LEAST_TOP))
        old_u = one.cal[c][0]
        true = square = 0
        for p in points:
            x_u = p.rms_u(c)
            true += p.true_u[c] * x_u
            square += x_u * x_u
        full_u = (old_u * true + square // 2) // square
        bend = []
        if c >= one.n_v or one.angles_known and c:
            bend = [(p.rms_u(c) * full_u // old_u, p.lead_urad(c)) for p in points]
        cal.append((full_u, one.cal[c][1], thinned(bend), points[-1].zero_q8[c]))
    return cal, ""


def thinned(bend):
    """At most POINTS points, ascending, none within 2 % of another: those go that lie nearest to
    the line between their neighbours."""
    bend = sorted(bend)
    k = 1
    while k < len(bend):
        if bend[k][0] * 50 <= bend[k - 1][0] * 51:
            bend[k - 1] = (bend[k - 1][0], (bend[k - 1][1] + bend[k][1]) // 2)
            del bend[k]
        else:
            k += 1
    while len(bend) > POINTS:
        least = at = -1
        for k in range(1, len(bend) - 1):
            (x0, y0), (x, y), (x1, y1) = bend[k - 1:k + 2]
            off = abs(y0 + (y1 - y0) * (x - x0) // (x1 - x0) - y)
            if at < 0 or off < least:
                least = off
                at = k
        del bend[at]
    return tuple(bend)


def _each(x, n):
    return [x] * n if isinstance(x, int) else list(x)


# -- into the store


def save(store, cal, nominal, date_s, table=None, board=b""):
    """Writes `cal`; table: the correction table in use; board: the unique id of the one that was
    calibrated, b"" where it is not known. Returns '', or why nothing was written."""
    why = wrong(cal, nominal)
    if why:
        return why
    body = struct.pack(HEAD, VERSION, date_s, crc_of(table), len(cal))
    body = body[:2] + _whose(board) + body[2:]
    for full_u, _, bend, zero_q8 in cal:
        body += struct.pack(CHANNEL, full_u, zero_q8, len(bend))
        for k in range(POINTS):
            body += struct.pack(POINT, *(bend[k] if k < len(bend) else (0, 0)))
    return write(store, "cal", body)


def save_table(store, table, board=b""):
    """Writes `adc`: array('H'), 4096 corrected codes times 8. '', or why nothing was written."""
    return wrong_table(table) or write(
        store, "adc", struct.pack("<H", VERSION) + _whose(board) + bytes(memoryview(table)))


def _whose(board):
    return (board + bytes(BOARD))[:BOARD]


def write(store, name, body):
    """Into the older slot: a cut leaves the record before. '', or why it was not stored."""
    record = Record(store, name)
    record.load()             # so that its number goes on
    return store.complaint() if record.save(body) is False else ""
