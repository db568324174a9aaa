"""A recloser in its line for the tests: two sides, a breaker with its contacts and spring, the
whole firmware on the doors of host_sim/board. Runs in both Pythons."""
from math import pi

import micropython

from acu import messages
from acu.ports import CLOSE, OPEN, RELEASE
from host_sim.board.unit import Unit
from tests.unit.bay import CAL, PAIRS, Bay, Side

UTC0_MS = 1_772_345_000_000
UP = "slvg/1/mst/sc1/rc1/up/"
DOWN = "slvg/1/mst/sc1/rc1/dn/"
NAMES = ("u1ab", "u1bc", "u2ab", "u2bc", "u0", "ia", "ib", "ic")
INPUTS = ("closed_52a", "open_52b", "spring", "trip_coil", "battery", "remote", "hot_line_tag")
BOARD = {
    "board": "bench", "kind": "recloser", "roles": ("recloser",), "rate_hz": 4000,
    "slot_ns": 31_250, "u_peak_dv": 2000, "i_peak_ma": 30_000, "ring_ms": 500, "pairs": PAIRS,
    "channels": [{"name": name} for name in NAMES], "outputs": [{"name": "breaker"}],
    "inputs": [{"name": name} for name in INPUTS],
}
A52, B52, SPRING, TRIP, BATTERY, REMOTE, TAG = range(7)


class Yard(Bay):
    """closed: the breaker; travel_ms from order to contact. weld, jam: it never opens, closes.
    levels: inputs that the tests set, None where the breaker does. i_load: amperes while closed,
    fault_a: while closed and a fault is on side 2."""

    def __init__(self, closed=False, one=None, two=None, store=None, **config):
        cfg = {"id": "rc1", "role": "recloser", "sc": "sc1", "uc": "uc1"}
        cfg.update(config)
        super().__init__(one, two)
        self.closed = closed
        self.weld = self.jam = False
        self.travel_ms = 50
        self.levels = [None, None, 1, 1, 1, 1, 0]
        self.i_load = 1.0
        self.fault_a = 0.0
        self._coil = RELEASE
        self._coil_us = 0
        self.t_us = 5_000_000
        self.moves = []         # (ms, 1 closed or 0 open, angle at that moment)
        self.drives = []        # (ms, level)
        self.mail = []
        self.lines = []
        self._post = []
        self._k = 0
        self._odd = False
        self.unit = Unit({"id": "rc1", "board": BOARD, "config": cfg, "level": "wave",
                          "utc0_ms": UTC0_MS}, type(self.sampler), None)
        if store:
            self.unit.store = store
        self.boot()

    def boot(self):
        self.unit.boot(self.t_us, self.inputs())
        self.acu = self.unit.acu
        self.bay = self.acu.bay
        self.q = self.bay.q
        self.gate = self.acu.gate
        return self

    def inputs(self):
        own = [int(self.closed), int(not self.closed)]
        return [own[k] if k < 2 and self.levels[k] is None else self.levels[k] for k in range(7)]

    def ms(self):
        return self.t_us // 1000 - 5000

    def _breaker(self):
        late_us = self.t_us - self._coil_us
        if self._coil == CLOSE and late_us >= self.travel_ms * 1000 and not self.closed:
            if not self.jam:
                # contact between two ticks: where the angle was then
                back = (self.two.f_hz - self.one.f_hz) * 360e-6 * (
                    late_us - self.travel_ms * 1000)
                self.closed = True
                self.moves.append((self.ms(), 1, self.dd() - back))
            self._coil = RELEASE
        elif self._coil == OPEN and late_us >= 30_000 and self.closed and not self.weld:
            self.closed = False
            self._coil = RELEASE
            self.moves.append((self.ms(), 0, 0.0))

    def tick(self):
        self._breaker()
        if self.closed:                 # one conductor
            self.two.turn, self.two.f_hz, self.two.u = self.one.turn, self.one.f_hz, self.one.u
        self.i_a = max(self.i_load, self.fault_a) if self.closed else 0.0
        frames = b"".join([self.frame() for _ in range(20)])
        self.t_us += 5000
        self._odd = not self._odd
        post = self._post if self._odd else ()
        drives, sent, lines, _ = self.unit.instant(self.t_us, frames, self.inputs(), post,
                                                   self._odd, True)
        if self._odd:
            self._post = []
        for _, level in drives:
            self.drives.append((self.ms(), level))
            if level != RELEASE:
                self._coil = level
                self._coil_us = self.t_us
        for topic, raw, _, _ in sent:
            self.says(topic, raw)
        for line in lines:
            self.lines.append(" ".join(line.split(" ")[3:]))

    def locked_tick(self):
        """5 ms of the fast tier alone, with the heap locked. How many drives it gave."""
        self.unit.sampler.push(b"".join([self.frame() for _ in range(20)]))
        self.t_us += 5000
        self.unit.clock.set(self.t_us)
        levels = self.inputs()
        for k in range(7):
            self.unit.switchgear.levels[k] = levels[k]
        now_us = self.unit.clock.ticks_us()
        micropython.heap_lock()
        try:
            self.acu.fast(now_us)
        finally:
            micropython.heap_unlock()
        drives = self.unit.switchgear.take_drives()
        for _, level in drives:
            if level != RELEASE:
                self._coil, self._coil_us = level, self.t_us
        return len(drives)

    def says(self, topic, raw):
        if topic.startswith(UP):
            self.mail.append(messages.decode(raw))

    def started(self):
        """Until the self-test has passed and both estimators are full."""
        self.run(800)
        if not self.acu.ready:
            raise RuntimeError("no self-test: " + " | ".join(self.lines))
        return self

    def send(self, t, body, dst="rc1", src="scc"):
        self._k += 1
        now = self.acu.sync.utc_ms(self.unit.clock.now_ms())
        raw = messages.encode(t, src, dst, self._k, self._k, now, body,
                              lambda raw: "0" * 16, self._k, now + 10_000)
        self._post.append((DOWN + t, raw))
        return self

    def order(self, on, sel=0):
        return self.send("sw.req", {"on": on, "sel": sel, "why": 3, "t_ms": 0, "lease_s": 0})

    def said(self, t):
        return [m for m in self.mail if m["t"] == t]

    def seen(self, name):
        return [line for line in self.lines if line.split(" ")[0] == name]


def slipping(slip_hz, deg, **config):
    """An open breaker between two live sides."""
    return Yard(one=Side(50.0), two=Side(50.0 + slip_hz, deg), **config)


__all__ = ["Yard", "Side", "slipping", "pi", "CAL"]
