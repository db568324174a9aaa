"""Energy registers of a meter: per phase import, export and four quadrants, measured or estimated.

Slow tier, add() after each window. Time is counted in frames of the sampler and in nothing else,
so that no step of any clock moves energy. Registers are exact integers, mW frames: what is read
out in mWh (mvarh) is their whole part, nothing is ever rounded away. A phase whose |P| (|Q|) is
below the creep threshold counts no active (reactive) energy in this window. Registers of the whole
are sums of the phases' registers; import in one phase and export in another do not cancel.

Measured is what healthy channels saw; also no voltage at all, which is zero, and a LONG window,
whose mean is a true one. Estimated, counted apart, and its bit set in `q`, is:
  voltage bad  measured current x mean of the healthy live voltages (none healthy: Udin; healthy
               but all dead: 0) x P/S and Q/S of the last good window (none yet: 1 and 0);
  current bad  P and Q of the last good window, for hold_s at most, nothing where the healthy
               voltage is dead; afterwards nothing is counted and the bit stands in `missing`;
  frames lost  they had the power of the rest of their window, for hold_s at most.
The last good window is the one before the last: a channel may have died in the last one, before
that was seen. Nothing is estimated for the time of a restart.
"""
import struct

from micropython import const

IMPORT = const(0)
EXPORT = const(1)
Q1 = const(2)      # P >= 0, Q >= 0; on to Q2 (P < 0, Q >= 0), Q3 (both < 0), Q4
Q4 = const(5)
_N = const(6)      # registers of a phase; as many again for estimates

_VERSION = const(1)
_HEAD = "<BBI"     # version, phases, frames a second
_REGISTER = "<QI"  # mWh; rest in mW frames


class Energy:
    """creep_mw: of a phase. udin_mv: declared voltage; hold_s: how long a last power is good."""

    def __init__(self, n_phases, rate_hz, creep_mw, udin_mv=230_000, hold_s=3600):
        self.q = 0              # a bit a phase: the last window was, at least in part, estimated
        self.missing = 0        # the same: for a part of it nothing could be counted
        self.p_mw = [0] * n_phases    # what was counted
        self.q_mvar = [0] * n_phases
        self._n = n_phases
        self._rate_hz = rate_hz
        self._per_mwh = rate_hz * 3600
        self._creep_mw = creep_mw
        self._udin_mv = udin_mv
        self._hold = hold_s * rate_hz
        self._held = [0] * n_phases   # frames for which the last power has served
        self._sums = [0] * (2 * _N * n_phases)
        # of the last window and of the one before: P, Q, P/S, Q/S (1e-5); None: none yet
        self._last = [None] * n_phases
        self._good = [None] * n_phases

    def add(self, n_frames, p_mw, q_mvar, bad_mask=0, u_mv=None, i_ua=None, lost_frames=0):
        """One window of n_frames. bad_mask: a bit a channel (voltages of the phases, then their
        currents) that was not to be believed in it, whoever says so. Without u_mv and i_ua a bad
        voltage is dealt with like a bad current. lost_frames: overwritten unseen since the last
        window."""
        n = self._n
        lost = min(lost_frames, self._hold)
        everyone = (1 << n) - 1
        self.q = everyone if lost else 0
        self.missing = everyone if lost < lost_frames else 0
        u_est_mv = self._voltage(u_mv, bad_mask) if u_mv else 0
        for k in range(n):
            v_bad = bad_mask >> k & 1
            i_bad = bad_mask >> (n + k) & 1
            frames = n_frames
            if not (v_bad or i_bad):
                p = p_mw[k]
                q = q_mvar[k]
                self._remember(k, p, q, u_mv[k] * i_ua[k] // 1_000_000 if u_mv and i_ua else 0)
            elif not i_bad and u_mv and i_ua:
                _, _, p, q = self._good[k] or (0, 0, 100_000, 0)
                s_mva = u_est_mv * i_ua[k] // 1_000_000
                p = s_mva * p // 100_000
                q = s_mva * q // 100_000
            elif not v_bad and u_mv and u_mv[k] * 10 < self._udin_mv:
                p = q = 0
            else:
                p, q, _, _ = self._good[k] or (0, 0, 0, 0)
                frames = min(n_frames, self._hold - self._held[k])
                if frames < n_frames or not self._good[k]:
                    self.missing |= 1 << k
                self._held[k] += frames
            self.p_mw[k] = p
            self.q_mvar[k] = q
            if v_bad or i_bad:
                self.q |= 1 << k
                self._last[k] = self._good[k]
                self._count(k, p, q, frames + (lost if frames else 0), _N)
            else:
                self._held[k] = 0
                self._count(k, p, q, frames, 0)
                self._count(k, p, q, lost, _N)

    def _voltage(self, u_mv, bad_mask):
        total = count = healthy = 0
        for k in range(self._n):
            if not bad_mask >> k & 1:
                healthy += 1
                if u_mv[k] * 10 >= self._udin_mv:
                    total += u_mv[k]
                    count += 1
        if count:
            return total // count
        return 0 if healthy else self._udin_mv

    def _remember(self, k, p, q, s_mva):
        before = self._last[k]
        self._good[k] = before
        if s_mva > self._creep_mw:
            self._last[k] = (p, q, p * 100_000 // s_mva, q * 100_000 // s_mva)
        elif before:
            self._last[k] = (p, q, before[2], before[3])
        else:
            self._last[k] = (p, q, 100_000, 0)

    def _count(self, k, p, q, frames, est):
        at = 2 * _N * k + est
        export = 1 if p < 0 else 0
        if p >= self._creep_mw or p <= -self._creep_mw:
            self._sums[at + export] += abs(p) * frames
        else:
            export = 0
        if q >= self._creep_mw or q <= -self._creep_mw:
            r = Q1 + export if q > 0 else Q4 - export
            self._sums[at + r] += abs(q) * frames

    def mwh(self, k, register, estimated=False):
        """mWh or mvarh of phase k; register: IMPORT, EXPORT, Q1..Q4."""
        at = 2 * _N * k + register + (_N if estimated else 0)
        return self._sums[at] // self._per_mwh

    def total_mwh(self, register, estimated=None):
        """Of all phases: measured ones, estimated ones or, with None, both."""
        total = 0
        for k in range(register, len(self._sums), _N):
            if estimated is None or (k // _N & 1) == estimated:
                total += self._sums[k]
        return total // self._per_mwh

    def pack(self):
        """Registers for a Record, which adds sequence and CRC."""
        raw = struct.pack(_HEAD, _VERSION, self._n, self._rate_hz)
        return raw + b"".join([struct.pack(_REGISTER, x // self._per_mwh, x % self._per_mwh)
                               for x in self._sums])

    def unpack(self, raw):
        """Takes registers up again; False, and nothing is changed, if they are not of such a
        meter. Those of another rate of sampling keep their mWh."""
        head = struct.calcsize(_HEAD)
        size = struct.calcsize(_REGISTER)
        if len(raw) != head + size * len(self._sums):
            return False
        version, n, rate_hz = struct.unpack(_HEAD, raw[:head])
        if version != _VERSION or n != self._n or not rate_hz:
            return False
        sums = []
        for at in range(head, len(raw), size):
            mwh, rest = struct.unpack(_REGISTER, raw[at:at + size])
            if rest >= rate_hz * 3600:
                return False
            sums.append(mwh * self._per_mwh + rest * self._rate_hz // rate_hz)
        self._sums = sums
        return True
