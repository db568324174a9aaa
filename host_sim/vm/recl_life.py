"""Inside the MicroPython VM: a recloser with automatic reclosing lives on a flash that notes each
of its operations; recl_cuts.py cuts the power in it.

Its world is a radial line: blocks of 5 ms made once (load, fault, dead line), a breaker with
travel, faults that burn out or do not, tags, orders, a spring that is late, a breaker that does
not close, and a crew that ends lock-outs. Everything by one seed. Times in us of the life.
"""
import json
from math import cos, pi, sqrt

from acu.dsp.ring import RingSampler
from acu.functions import reclosing as rc
from acu.ports import CLOSE, OPEN, RELEASE
from acu.roles.switched import O_CHECK, O_CLOSE, O_OPEN
from host_sim.board.unit import Unit
from host_sim.vm.nor import Dice

TICK_US = 5_000
UTC0_MS = 1_772_345_000_000
CONFIG = {"id": "rc1", "role": "recloser", "sc": "sc1", "uc": "uc1", "gr_50b_do": "trip",
          "gr_50b_ma": 4_000, "gr_50b_t_ms": 0, "dead_mode": 2, "dead_ms": 100, "rc_shots": 3,
          "rc_t1_ms": 500, "rc_t2_ms": 700, "rc_t3_ms": 900, "rc_reclaim_ms": 2_000,
          "rc_ready_ms": 400, "rc_wait_ms": 1_000}
SPRING, TAG = 2, 6
_TRAVEL_US = {CLOSE: 50_000, OPEN: 30_000}
LOAD, FAULT, DEAD = 0, 1, 2
_VARIANTS = 8


def blocks(board):
    """Codes of 5 ms by what the line does, quarter of the cycle, and noise."""
    dice = Dice(3)
    peaks = [board["u_peak_dv"] / 10] * 5 + [board["i_peak_ma"] / 1000] * 3
    frames = board["rate_hz"] // 200
    out = []
    for kind in (LOAD, FAULT, DEAD):
        size = [100 * sqrt(2)] * 2 + [0.0 if kind == DEAD else 100 * sqrt(2)] * 2 + [0.0]
        size += [(10.0, 1.0)[kind == LOAD] * sqrt(2) if kind != DEAD else 0.0] * 3
        for quarter in range(4):
            for _ in range(_VARIANTS):
                raw = bytearray(16 * frames)
                for k in range(frames):
                    for c in range(8):
                        turn = quarter / 4 + k / frames / 4 + c * board["slot_ns"] * 50e-9
                        lag = (0, 1 / 3, 0, 1 / 3, 0, 1 / 12, 5 / 12, 9 / 12)[c]
                        y = size[c] * cos(2 * pi * (turn - lag)) / peaks[c]
                        code = int(2048.5 + 2048 * y + (dice.below(401) - 200) / 200)
                        raw[16 * k + 2 * c] = code & 255
                        raw[16 * k + 2 * c + 1] = code >> 8
                out.append(bytes(raw))
    return out


class Line:
    """closed: the breaker. made: blocks()."""

    def __init__(self, board, made, store, closed=True):
        self.closed = closed
        self.fault = False
        self.jam = False
        self.levels = [1, 0, 1, 1, 1, 1, 0]
        self.drives = []            # those of the present tick
        self.t_us = 5_000_000
        self._made = made
        self._n = 0
        self._coil = RELEASE
        self._coil_us = 0
        self.unit = Unit({"id": "rc1", "board": board, "config": CONFIG, "level": "wave",
                          "utc0_ms": UTC0_MS}, RingSampler, None)
        self.unit.store = store
        self.boot()

    def boot(self):
        self.drives = []
        self._coil = RELEASE
        self._contacts()
        self.unit.boot(self.t_us, self.levels)
        self.acu = self.unit.acu

    def _contacts(self):
        self.levels[0] = int(self.closed)
        self.levels[1] = int(not self.closed)

    def in_flight(self):
        """The breaker is on its way, and will get there without us."""
        return self._coil != RELEASE and (self._coil == CLOSE) != self.closed

    def arrive(self):
        self.closed = self._coil == CLOSE

    def tick(self):
        if self._coil != RELEASE and self.t_us - self._coil_us >= _TRAVEL_US[self._coil]:
            if self._coil == OPEN or not self.jam:
                self.closed = self._coil == CLOSE
            self._coil = RELEASE
        self._contacts()
        kind = DEAD if not self.closed else FAULT if self.fault else LOAD
        self._n += 1
        at = (kind * 4 + self._n % 4) * _VARIANTS + self._n * 5 // 4 % _VARIANTS
        self.t_us += TICK_US
        drives, _, _, _ = self.unit.instant(self.t_us, self._made[at], self.levels, (),
                                            self._n & 1, True)
        self.drives = [level for _, level in drives if level != RELEASE]
        for level in self.drives:
            self._coil = level
            self._coil_us = self.t_us

    def run(self, ms):
        """What was driven."""
        out = []
        for _ in range(ms // 5):
            self.tick()
            out += self.drives
        return out


class Life:
    """marks: of each tick (operations of the flash so far, state, running, closed, on its way,
    cause of the last lock-out). flash: notes; store: on it."""

    def __init__(self, root, flash, store, seconds, seed):
        with open(root + "/boards/pico_w_recloser/board.json") as f:
            self.board = json.loads(f.read())
        self.made = blocks(self.board)
        self.marks = []
        self.causes = set()         # of lock-outs that it had
        self.flash = flash
        self._dice = Dice(seed)
        self.line = Line(self.board, self.made, store)
        self._go(900)
        while len(self.marks) < seconds * 200:
            self._event()

    def _go(self, ms, until=None):
        line = self.line
        for _ in range(ms // 5):
            line.tick()
            recl = line.acu.recl
            self.marks.append((self.flash.n, recl.state, recl.running(), line.closed,
                               line.in_flight() and not line.jam, recl.cause))
            if until is not None and recl.state == until:
                return

    def _event(self):
        """A fault, and what else happens while it is dealt with."""
        line, dice = self.line, self._dice
        if dice.below(4):
            self._go(2_100 + dice.below(40) * 5)        # else the fault is in the reclaim time
        line.fault = True
        self._go(300, rc.DEAD)
        what = dice.below(12)
        shots = dice.below(4)           # so many does it survive; 3: all of them
        if what == 0:
            line.levels[TAG] = 1
        elif what == 1:
            line.levels[SPRING] = 0
        elif what == 2:
            line.jam = True
        elif what == 3:
            line.acu.at_console(line.unit.clock.now_ms(), O_OPEN)
        for n in range(3):
            self._go(100 + dice.below(60) * 5)
            line.fault = n < shots
            self._go(1_500, rc.RECLAIM)
            if line.acu.recl.state == rc.LOCKED:
                break
            self._go(150)
            if line.fault and line.closed:
                self._go(300, rc.DEAD)
        line.fault = False
        self._go(100 + dice.below(100) * 5)
        line.levels[TAG], line.levels[SPRING], line.jam = 0, 1, False
        if line.acu.recl.state == rc.LOCKED:
            self.causes.add(line.acu.recl.cause)
        if line.acu.recl.state == rc.LOCKED or not line.closed:
            self._crew()

    def _crew(self):
        line = self.line
        self._go(300)
        ops, _, _, closed, flying, cause = self.marks[-1]
        self.marks[-1] = (ops, rc.OPEN, False, closed, flying, cause)   # what follows ends it
        line.acu.tag(line.unit.clock.now_ms(), 0)
        self._go(100)
        if line.closed:
            return
        for order in (O_CHECK, O_CLOSE):
            line.acu.at_console(line.unit.clock.now_ms(), order)
            self._go(300)
