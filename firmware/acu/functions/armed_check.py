"""The synchronism check of a recloser in an islanding scheme: a third mode, ARMED, for the tie
(spec recloser, 4.2: R3 closes live to live at the separation).

As synccheck.py, fast tier and slow. ARMED orders at once, without a dwell, for the two halves of
the microgrid drift apart: if the check's gates have held for a whole second, blocked or not, up to
a disturbance less than half a second ago, both sides are live and healthy now, and the raw angle
is within 35 degrees. Whoever asks limits the time further (functions/tie.py: 100 ms).
"""
from array import array

import micropython
from micropython import const

from acu.functions import synccheck as sc

# Places of pre.
A_HELD = const(0)        # ticks that the check's gates have held, blocked or not
A_LEFT = const(1)        # ticks that it is still armed
_ARM_N = const(200)
_ARM_LEFT = const(90)    # 450 ms: decision and breakers of the separators, their word, 100 ms
_ARM_CDEG = const(3_500)

# As in synccheck.py: viper folds only the constants of its own module (a test compares).
_WHY = const(0)
_ANGLE = const(5)
_CHECK = const(0xFFFFFF)           # its CHECK_GATES but for BLOCKED
_NOW = const(0x1E0CC03)            # LIVE AGE BAD ORDER WIRING FUSE ONE_VT BLOCKED
_GATE_ANGLE = const(8)
_GATE_DWELL = const(0x8000000)
_MAX_N = const(0x1FFFFFFF)


@micropython.viper
def arming(x: int, st: ptr32, val: ptr32, pre: ptr32) -> int:
    """Counts how long the check's gates hold; the reasons that count for a request in mode ARMED.
    x: nothing, the hot local."""
    x = pre[A_HELD] + 1
    if st[_WHY] & _CHECK:
        x = 0
    if x > _MAX_N:  # noqa: PLR1730
        x = _MAX_N
    pre[A_HELD] = x
    if x >= _ARM_N:
        pre[A_LEFT] = _ARM_LEFT
    elif pre[A_LEFT]:
        pre[A_LEFT] -= 1
    x = st[_WHY] & _NOW
    if pre[A_LEFT] == 0:
        x |= _GATE_DWELL
    y = val[_ANGLE]
    if y >= _ARM_CDEG or y <= 0 - _ARM_CDEG:
        x |= _GATE_ANGLE
    return x


class ArmedCheck(sc.SyncCheck):
    last = sc.ARMED

    def __init__(self, par, q, vt):
        super().__init__(par, q, vt)
        self.pre = array("i", [0] * 2)

    def step(self):
        st = self.st
        par = self.par
        val = self.val
        before = st[sc.S_DEAD]
        sc.gates(0, 0, self.q, par, st, self.vt, val)
        x = sc.aimed(0, 0, par, val)
        reasons = arming(0, st, val, self.pre)
        if st[sc.S_NEW_MODE] == sc.ARMED or not st[sc.S_NEW_MODE] and st[sc.S_MODE] == sc.ARMED:
            x = reasons
        answer = sc.decide(x, before, par, st)
        if answer > 15:
            self._records.put(answer >> 4)
        return answer & 15
