"""Dips, swells, interruptions and rapid voltage changes by the rules of IEC 61000-4-30.

Runs in the slow tier, each pass, behind primitives/watching.py, which compares; here phases become
events. A dip or swell begins when the first phase leaves and ends when all are back (5.4); an
interruption begins when all phases are below its limit and ends when one is back (5.5); it is
also a dip. A rapid change is told when it has ended, and only if it became none of the others
(5.11). Times are those at which the last cycle's RMS passed the limit; an interruption began that
cycle earlier, for all of it is below 5 %. Sends and logs nothing.
"""
from array import array

import micropython
from micropython import const

# Kinds; those of supply_events.py follow.
DIP = const(0)
SWELL = const(1)
INTERRUPTION = const(2)
RVC = const(3)

START = const(1)
END = const(0)

_HALVES = const(10)     # that measuring surely still has; more at once: a gap

# Places in the state of the rapid changes.
_KEPT = const(3)        # half cycles in the memory
_STEADY = const(4)


@micropython.viper
def _slide(x: int, at: int, good: int, st: ptr32, dest: ptr32, past: ptr16, sums: ptr32) -> int:
    """One half cycle, from place `at` of dest on, into the memory of a second; but a steady
    voltage that leaves the band around the mean only sets its bit in the result. x: nothing. st:
    voltages, half cycles of a second, place, _KEPT, _STEADY, band (0.1 V)."""
    n = st[1]
    c = 0
    out = 0
    if st[4]:
        while c < st[0]:
            x = dest[at + c] * n - sums[c]
            y = st[5] * n
            if x > y or x < 0 - y:
                out |= 1 << c
            c += 1
        out &= good
        c = 0
    if not out:
        y = st[2]
        while c < st[0]:
            x = dest[at + c]
            if x > 65535:  # noqa: PLR1730  viper has no min()
                x = 65535
            sums[c] += x - past[y]
            past[y] = x
            y += n
            c += 1
        y = st[2] + 1
        if y == n:
            y = 0
        st[2] = y
        if st[3] < n:
            st[3] += 1
    return out


@micropython.viper
def _moved(x: int, y: int, good: int, st: ptr32, past: ptr16, sums: ptr32) -> int:
    """Voltages of which the last second was not inside half the band around its mean."""
    n = st[1]
    c = 0
    at = 0
    while c < st[0]:
        y = sums[c] // n
        k = n
        while k:
            x = past[at] - y
            if x > st[5] >> 1 or x < 0 - (st[5] >> 1):
                good |= 1 << c + 8
            at += 1
            k -= 1
        c += 1
    return good & good >> 8


class VoltageEvents:
    """rvc_pm: threshold of rapid changes, per mille of Udin; 0: none are looked for. `active` has
    a bit for each kind in progress (1 << DIP ...)."""

    def __init__(self, watch, un_dv, fn_mhz=50_000, rvc_pm=50):
        self.active = 0
        self.rvc_max_dv = 0         # of the last rapid change: the farthest from where it began
        self._seen = 0
        self._watch = watch
        self._all = (1 << watch.phases) - 1
        self._raw = (0, 0, 0)
        self._mask = [0, 0, 0]      # phases of the dip, swell, interruption so far
        self._start_ms = [0, 0, 0]
        self._t0_us = [0, 0, 0]
        self._worst = [0, 0, 0]     # mean square and its phase, as voltage at the end
        self._bad = 0
        self._band_dv = un_dv * rvc_pm // 1000
        self._n = 100 if fn_mhz < 55_000 else 120   # half cycles of a second
        self._seq = watch.measuring.half_seq
        if rvc_pm:
            self._past = array("H", bytes(2 * self._n * watch.phases))
            self._sum = array("i", [0] * watch.phases)
            self._st = array("i", (watch.phases, self._n, 0, 0, 0, self._band_dv))
            self._forget()

    def seen(self):
        """Kinds (bits) in progress since this was asked last: the window is flagged (4.7)."""
        seen = self._seen | self.active
        self._seen = 0
        return seen & (1 << DIP | 1 << SWELL | 1 << INTERRUPTION)

    def running(self):
        """(kind, phases, worst so far in 0.1 V, monotonic ms of its start) of each in progress."""
        return [(k, self._mask[k], self._worst[k], self._start_ms[k]) for k in range(3)
                if self.active >> k & 1]

    def step(self, now_ms, now_us, bad=0):
        """now_ms, now_us: the same instant, monotonic ms and ticks; bad: channels that are frozen,
        stale or open. Returns a list of (kind, START or END, phases, 0.1 V, ms, ticks of the
        start): the voltage at START, the residual or greatest at END; the change of an RVC."""
        told = []
        if bad != self._bad:
            self._bad = bad
            self._judge(told, now_ms, now_us, now_us, None, None)
        watch = self._watch
        while watch._got != watch._put:
            one = watch.pop()
            self._raw = one[1:4]
            self._judge(told, now_ms, now_us, one[0], one[4], one[5])
        if self._band_dv and (self.active or told):
            self._spoilt = True
            self._st[_KEPT] = 0     # steady a second after it at the earliest
        if self._band_dv and watch.measuring.half_seq != self._seq:
            self._rapid(told, now_ms, now_us)
        return told

    # ---- dip, swell, interruption

    def _judge(self, told, now_ms, now_us, t_us, least, greatest):
        """The states at t_us; without extremes a channel went bad, or came back."""
        at_ms = now_ms - ((now_us - t_us) & 0x3FFFFFFF) // 1000
        good = self._all & ~self._bad
        for k in range(3):
            mask = self._raw[k] & good
            if k == INTERRUPTION and mask != good:
                mask = 0
            kind = 1 << k
            worst = self._extreme(self._mask[k] | mask, greatest if k == SWELL else least,
                                  k == SWELL)
            if worst is not None:
                self._worst[k] = worst
            if mask and not self.active & kind:
                self.active |= kind
                self._mask[k] = 0
                self._start_ms[k] = at_ms
                self._t0_us[k] = t_us
                if k == INTERRUPTION:   # a cycle before, but not before the dip
                    back_ms = min(2000 // self._n, at_ms - self._start_ms[DIP])
                    self._start_ms[k] -= back_ms
                    self._t0_us[k] = t_us = (t_us - back_ms * 1000) & 0x3FFFFFFF
                if worst is None:
                    self._worst[k] = min([self._watch.now_dv(c) for c in range(self._watch.phases)
                                          if mask & 1 << c])
                told.append((k, START, mask, self._worst[k], 0, t_us))
            elif not mask and self.active & kind:
                self.active ^= kind
                self._seen |= kind
                told.append((k, END, self._mask[k], self._worst[k], at_ms - self._start_ms[k],
                             self._t0_us[k]))
                self._mask[k] = 0
            self._mask[k] |= mask

    def _extreme(self, mask, squares, most):
        """Least, or greatest, voltage of these phases."""
        if squares is None or not mask:
            return None
        found = [self._watch.dv(c, squares[c]) for c in range(len(squares)) if mask & 1 << c]
        return max(found) if most else min(found)

    # ---- rapid voltage changes

    def _forget(self):
        """Begins anew: steady after a second of voltage inside the band."""
        self._st[_KEPT] = self._st[_STEADY] = 0
        self._rvc = 0               # phases of the change that goes on
        self._before = None
        self._spoilt = False        # it became a dip or a swell

    def _rapid(self, told, now_ms, now_us):
        m = self._watch.measuring
        n = (m.half_seq - self._seq) & 0x3FFFFFFF
        if n > _HALVES:
            self._seq = m.half_seq
            self._forget()
            return
        good = self._all & ~self._bad
        while n:
            n -= 1
            self._seq = (self._seq + 1) & 0x3FFFFFFF
            at = (self._seq & 15) * m.n_v
            out = _slide(0, at, good, self._st, m._history, self._past, self._sum)
            if out or not self._st[_STEADY]:
                self._half(told, now_ms, now_us, at, good, out)

    def _half(self, told, now_ms, now_us, at, good, out):
        """One half cycle: steady while it is inside the band around the mean of the last second,
        and again when a whole second is inside half the band around its own (5.11.3)."""
        st = self._st
        dest = self._watch.measuring._history
        total = self._sum
        if out:
            st[_STEADY] = 0
            self._rvc = out
            self._spoilt = self.active > 0
            self._before = [x // self._n for x in total]
            self.rvc_max_dv = 0
            self._rvc_us = self._watch.measuring.half_t_us(self._seq)
            self._rvc_ms = now_ms - ((now_us - self._rvc_us) & 0x3FFFFFFF) // 1000
            _slide(0, at, good, st, dest, self._past, total)
        if self._before:
            for c in range(len(total)):
                du = abs(dest[at + c] - self._before[c])
                if du > self._band_dv and good & 1 << c:
                    self._rvc |= 1 << c
                if self._rvc & 1 << c:
                    self.rvc_max_dv = max(self.rvc_max_dv, du)
        # at the voltage of a dip or swell nothing is steady: the way back is its own
        if st[_KEPT] < self._n or self.active or _moved(0, 0, good, st, self._past, total):
            return
        st[_STEADY] = 1
        if self._before:
            self._settled(told, now_ms)

    def _settled(self, told, now_ms):
        """Steady for a second: the change ended before it."""
        change = 0
        for c in range(len(self._sum)):
            du = self._sum[c] // self._n - self._before[c]
            if self._rvc & 1 << c and abs(du) > abs(change):
                change = du
        if not self._spoilt:
            told.append((RVC, END, self._rvc, change, max(now_ms - self._rvc_ms - 1000, 0),
                         self._rvc_us))
        self._rvc = 0
        self._before = None
