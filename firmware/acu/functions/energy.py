"""Energy registers of a meter: per phase import, export and four quadrants, measured or estimated.

Slow tier, add() after each window. Time is counted in frames of the sampler and in nothing else,
so that no step of any clock moves energy. Registers are exact integers, mW frames: what is read
out in mWh (mvarh) is their whole part, nothing is ever rounded away. Registers of the whole are
sums of the phases' registers; import in one phase and export in another do not cancel.

A phase without load must not creep: noise would count both ways. Below four times the threshold a
window counts active (reactive) energy only where the mean of the last windows, some 1.6 s, has
reached the threshold: it can be a third of what single windows would need.

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
from array import array

import micropython
from micropython import const

IMPORT = const(0)
EXPORT = const(1)
Q1 = const(2)      # P >= 0, Q >= 0; on to Q2 (P < 0, Q >= 0), Q3 (both < 0), Q4
Q4 = const(5)
_N = const(6)      # registers of a phase; as many again for estimates

_VERSION = const(1)
_LIMBS = const(5)  # of 15 bits, of each register
_HEAD = "<BBI"     # version, phases, frames a second
_REGISTER = "<QI"  # mWh; rest in mW frames


@micropython.viper
def _count(x: int, q: int, n: int, sums: ptr32, at: int):
    """Power x, q of |2^30| at most for n < 2^15 frames to the registers that begin at a limb."""
    k = 0
    if x < 0:
        x = 0 - x
        k = 1
    other = k + 2        # Q1, Q2
    if q < 0:
        q = 0 - q
        other = 5 - k    # Q4, Q3
    left = 2
    while left:
        left -= 1
        k = at + k * _LIMBS
        y = sums[k] + (x & 32767) * n
        sums[k] = y & 32767
        y = (y >> 15) + (x >> 15) * n
        while y:
            k += 1
            y += sums[k]
            sums[k] = y & 32767
            y >>= 15
        k = other
        x = q


class Energy:
    """creep_mw: of a phase. udin_mv: declared voltage; hold_s: how long a last power is good."""

    def __init__(self, n_phases, rate_hz, creep_mw, udin_mv=230_000, hold_s=3600):
        self.q = 0              # a bit a phase: the last window was, at least in part, estimated
        self.missing = 0        # the same: for a part of it nothing could be counted
        self.fresh = 0          # mW frames, P and Q of all phases, since they were stored
        self.p_mw = [0] * n_phases    # what was counted
        self.q_mvar = [0] * n_phases
        self._n = n_phases
        self._rate_hz = rate_hz
        self._per_mwh = rate_hz * 3600
        self._creep_mw = creep_mw
        self._udin_mv = udin_mv
        self._hold = hold_s * rate_hz
        self._mean = [None] * (2 * n_phases)
        self._held = [0] * n_phases   # frames for which the last power has served
        self._sums = array("i", [0] * (2 * _N * n_phases * _LIMBS))
        # of the last window and of the one before: P, Q and a window of not too little power to
        # take P/S and Q/S from: P, Q, U, I; None: none yet
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
        u_est_mv = self._voltage(u_mv, bad_mask) if u_mv and bad_mask & everyone else 0
        for k in range(n):
            v_bad = bad_mask >> k & 1
            i_bad = bad_mask >> (n + k) & 1
            frames = n_frames
            if not (v_bad or i_bad):
                p = p_mw[k]
                q = q_mvar[k]
                self._remember(k, p, q, u_mv and i_ua and (p, q, u_mv[k], i_ua[k]))
            elif not i_bad and u_mv and i_ua:
                good = self._good[k]
                p, q, u, i = good and good[2] or (1, 0, 1000, 1000)
                s_mva = u_est_mv * i_ua[k] // 1_000_000
                u_i = max(u * i // 1_000_000, 1)
                p = s_mva * (p * 100_000 // u_i) // 100_000
                q = s_mva * (q * 100_000 // u_i) // 100_000
            elif not v_bad and u_mv and u_mv[k] * 10 < self._udin_mv:
                p = q = 0
            else:
                p, q, _ = self._good[k] or (0, 0, 0)
                frames = min(n_frames, self._hold - self._held[k])
                if frames < n_frames or not self._good[k]:
                    self.missing |= 1 << k
                self._held[k] += frames
            self.p_mw[k] = p
            self.q_mvar[k] = q
            p = self._loaded(2 * k, p)
            q = self._loaded(2 * k + 1, q)
            if v_bad or i_bad:
                self.q |= 1 << k
                self._last[k] = self._good[k]
                self._count(k, p, q, frames + (lost if frames else 0), _N)
            else:
                self._held[k] = 0
                self._count(k, p, q, frames, 0)
                self._count(k, p, q, lost, _N)

    def _loaded(self, k, x):
        """x, or 0 where it is no load. k: which mean it belongs to."""
        creep = self._creep_mw
        y = max(-4 * creep, min(4 * creep, x))
        mean = self._mean[k]            # eight times
        mean = 8 * y if mean is None else mean + y - (mean >> 3)
        self._mean[k] = mean
        return x if x != y or abs(mean) >= 8 * creep else 0

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

    def _remember(self, k, p, q, of):
        before = self._last[k]
        self._good[k] = before
        # in small integers
        if not of or of[2] // 100 * (of[3] // 1000) <= self._creep_mw * 10:
            of = before and before[2]
        self._last[k] = (p, q, of)

    def _count(self, k, p, q, frames, est):
        self.fresh += (abs(p) + abs(q)) * frames
        at = (2 * _N * k + est) * _LIMBS
        while frames:
            _count(p, q, frames & 0x7FFF, self._sums, at)
            frames >>= 15
            at += 1

    def _sum(self, register):
        a, b, c, d, e = self._sums[register * _LIMBS:(register + 1) * _LIMBS]
        return (((e << 15) + d << 15) + c << 30) + (b << 15) + a

    def mwh(self, k, register, estimated=False):
        """mWh or mvarh of phase k; register: IMPORT, EXPORT, Q1..Q4."""
        return self._sum(2 * _N * k + register + (_N if estimated else 0)) // self._per_mwh

    def total_mwh(self, register, estimated=None):
        """Of all phases: measured ones, estimated ones or, with None, both."""
        total = 0
        for k in range(register, 2 * _N * self._n, _N):
            if estimated is None or (k // _N & 1) == estimated:
                total += self._sum(k)
        return total // self._per_mwh

    def fresh_mwh(self):
        """At least as much as any register has grown since it was stored."""
        return self.fresh // self._per_mwh

    def pack(self):
        """Registers for a Record, which adds sequence and CRC."""
        raw = struct.pack(_HEAD, _VERSION, self._n, self._rate_hz)
        sums = [self._sum(k) for k in range(2 * _N * self._n)]
        return raw + b"".join([struct.pack(_REGISTER, x // self._per_mwh, x % self._per_mwh)
                               for x in sums])

    def unpack(self, raw):
        """Takes registers up again; False, and nothing is changed, if they are not of such a
        meter. Those of another rate of sampling keep their mWh."""
        head = struct.calcsize(_HEAD)
        size = struct.calcsize(_REGISTER)
        if len(raw) != head + size * 2 * _N * self._n:
            return False
        version, n, rate_hz = struct.unpack(_HEAD, raw[:head])
        if version != _VERSION or n != self._n or not rate_hz:
            return False
        sums = []
        for at in range(head, len(raw), size):
            mwh, rest = struct.unpack(_REGISTER, raw[at:at + size])
            if rest >= rate_hz * 3600:
                return False
            x = mwh * self._per_mwh + rest * self._rate_hz // rate_hz
            sums += [x >> 15 * k & 0x7FFF for k in range(_LIMBS)]
        self._sums = array("i", sums)
        return True
