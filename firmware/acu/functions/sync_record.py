"""Decision records of the synchronism check: every value at a permit, a refusal or an order.

The fast tier puts, without allocating; the slow tier pops into `last` and writes the log. Eight
can wait; `lost` counts those that were overwritten. Of a record `last`: last[D_KIND] is
synccheck.KIND_*, last[D_STATE + S_REASONS] and the like its state, last[D_VALUES + V_SLIP] and the
like what each gate saw.
"""
from array import array

from micropython import const

D_KIND = const(0)
D_ALARMS = const(1)      # of vt_supervision
D_U1 = const(2)          # bp, of q; 0 and 1 there
D_U2 = const(3)
D_STATE = const(4)       # then the state, synccheck.S_*
D_VALUES = const(23)     # then the values, synccheck.V_*
ND = const(56)

_WAIT = const(8)         # records that can wait, a power of two
_STATES = const(19)      # synccheck.NS
_VALUES = const(33)      # synccheck.NV
_MAX_N = const(0x1FFFFFFF)


class Decisions:
    def __init__(self, q, vt, st, val):
        self.last = array("i", [0] * ND)
        self.lost = 0
        self._q = q
        self._vt = vt
        self._st = st
        self._val = val
        self._rec = array("i", [0] * (ND * _WAIT))
        self._put = 0
        self._got = 0

    def put(self, kind):
        """Fast tier."""
        rec = self._rec
        at = (self._put & _WAIT - 1) * ND
        rec[at] = kind
        rec[at + 1] = self._vt[0]
        rec[at + 2] = self._q[0]
        rec[at + 3] = self._q[1]
        at += D_STATE
        for k in range(_STATES):
            rec[at + k] = self._st[k]
        at += _STATES
        for k in range(_VALUES):
            rec[at + k] = self._val[k]
        self._put = self._put + 1 & _MAX_N

    def pop(self):
        """Slow tier: the oldest record that was not read comes into `last`; False: there is
        none."""
        while self._put != self._got:
            n = self._put - self._got & _MAX_N
            if n > _WAIT:
                self.lost += n - _WAIT
                self._got = self._got + n - _WAIT & _MAX_N
            at = (self._got & _WAIT - 1) * ND
            for k in range(ND):
                self.last[k] = self._rec[at + k]
            n = self._put - self._got & _MAX_N
            if n <= _WAIT:          # else it was overwritten while being read
                self._got = self._got + 1 & _MAX_N
                return True
        return False
