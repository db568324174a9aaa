"""Four whole reclosers of an islanding scheme on hand-fed quantities, for the interlock fuzz.

Everything of the firmware but its measuring: q (dsp/bay.py) is written from the loop's true angles
as the estimators see them, _LATE_TICKS late and carried on by the slip. Contacts, inputs, messages
and keys are the runner's. CPython only, 5 ms an instant.
"""
from collections import deque
from typing import Any

from acu.dsp import bay
from acu.functions import synccheck
from host_sim.board.unit import Unit
from host_sim.waveform.twin import RingSampler
from host_sim.world.loop import ENDS, Loop
from host_sim.world.two_sided import wrapped

STEP_US = 5000
_LATE_TICKS = 6            # what the two-cycle windows and the half-cycle jump detector need
_LEVEL_BP = 10_000
_DEAD_BP = 20
_LOAD_MA = 400
_STILL = 10                # ticks after a jump in which it is still in the windows
_TURN24 = 1 << 24
_JUMP_DEG = 4.0
_BLOCKS = 2                # place in the state of BayMeasuring


class Measured:
    """Fills q of one recloser. df_mhz_s: what the next ticks show besides, of a grid that goes."""

    def __init__(self, name: str, of: Any, t_close_s: float):
        """of: its BayMeasuring."""
        self._name = name
        self._q = of.q
        self._st = of._st
        self._t_close_s = t_close_s
        self._past: deque = deque(maxlen=_LATE_TICKS + 1)
        self._still = [0, 0]
        self._calm = [1000, 1000]
        self._was: list[tuple[bool, float]] = []
        self.df_mhz_s = 0

    def see(self, loop: Loop) -> None:
        one, two = ENDS[self._name]
        if loop.closed[self._name]:
            two = one
        self._past.append(((loop.live(one), loop.deg[one], loop.part_hz(one)),
                           (loop.live(two), loop.deg[two], loop.part_hz(two)),
                           loop.closed[self._name]))

    def fast(self, now_us: int) -> int:
        """Stands in for BayMeasuring.fast()."""
        sides, q = self._past[0], self._q
        self._st[_BLOCKS] += 1
        closed = sides[2]
        late_s = (len(self._past) - 1) * STEP_US / 1e6
        q[bay.SEQ] = (q[bay.SEQ] + 1) & 0x1FFFFFFF
        q[bay.AGE] = q[bay.BAD] = 0
        now = []
        for k in (0, 1):
            live, deg, hz = sides[k]
            now.append((live, deg + 360 * hz * late_s))
            self._calmer(k, live, deg, hz)
            u = _LEVEL_BP if live else _DEAD_BP
            for place in ((bay.U1, bay.UAB1, bay.UBC1, bay.UCA1, bay.U1_B), (
                    bay.U2, bay.UAB2, bay.UBC2, bay.UCA2, bay.U2_B))[k]:
                q[place] = u
            f = round(50_000 + 1000 * hz) if live else 0
            q[bay.F1 + k] = q[bay.F1_B + k] = f
            q[bay.ROT1 + k] = int(live)
            q[bay.CALM1 + k] = self._calm[k]
            q[(bay.TH1, bay.TH2)[k]] = round(now[k][1] / 360 * _TURN24) & (_TURN24 - 1)
        q[bay.DF1] = self.df_mhz_s
        live = now[0][0] and now[1][0]
        slip = sides[1][2] - sides[0][2] if live else 0.0
        dd = wrapped(now[1][1] - now[0][1]) if live else 0.0
        touch = wrapped(dd + 360 * slip * self._t_close_s)
        for place, value in ((bay.DD, dd), (bay.DD_B, dd), (bay.DDT, touch), (bay.DDT80, touch)):
            q[place] = round(100 * value)
        for place in (bay.SLIP, bay.SLIPT, bay.SLIP_B):
            q[place] = round(1e6 * slip)
        q[bay.GOOD] = min(self._calm)
        i = _LOAD_MA if closed and sides[0][0] else 0
        for place in (bay.IA, bay.IB, bay.IC, bay.I1):
            q[place] = i
        q[bay.P] = 70 * i
        return 1

    def _calmer(self, k: int, live: bool, deg: float, hz: float) -> None:
        """For how long has this side not jumped?"""
        if len(self._was) < 2:
            self._was.append((live, deg))
        was_live, was_deg = self._was[k]
        self._was[k] = (live, deg)
        if live != was_live or live and abs(wrapped(deg - was_deg)) > _JUMP_DEG:
            self._still[k] = _STILL
        self._still[k] -= self._still[k] > 0
        self._calm[k] = 0 if self._still[k] or not live else self._calm[k] + 1


class Recloser:
    """One controller. orders: close orders that its check gave in this instant."""

    def __init__(self, spec: dict, t_close_s: float):
        self.name = spec["id"]
        self.unit = Unit(spec, RingSampler, None, rests=False)
        self.runs = False
        self._t_close_s = t_close_s

    def boot(self, t_us: int, levels: list[int], loop: Loop) -> list[str]:
        filters: list[str] = self.unit.boot(t_us, levels, True)
        acu: Any = self.unit.acu
        self.acu = acu
        self.measured = Measured(self.name, acu.bay, self._t_close_s)
        self.measured.see(loop)
        acu.bay.fast = self.measured.fast
        acu.bay.q[bay.SEQ] = 100             # the windows are full
        self.ordered = False
        self.dead = 0
        self.mode = 0
        step = acu.check.step

        def said() -> int:
            answer: int = step()
            if answer == synccheck.CLOSE:
                st = acu.check.st
                self.ordered = True
                self.dead, self.mode = st[synccheck.S_DEAD], st[synccheck.S_FOR]
            return answer

        acu.check.step = said
        self.runs = True
        return filters

    def off(self) -> None:
        self.unit.off()
        self.runs = False
