"""Lives of controllers on a store of real flash, scripted, for the study of power cuts and wear.

A place is a controller with the little world at its doors; it is told readings (phasor level), so
that a minute is six calls. Everything that a board ever stores is stored here by the firmware's
own code: counters, switch state, energy, registers, log, settings, calibration, captures, and the
files of the start. Runs in both Pythons; the caller mounts the flash.
"""
import json
from array import array

from acu import messages
from acu.dsp.ring import RingSampler
from acu.functions.capturing import Capture
from acu.ports import CLOSE, RELEASE
from host_sim.board.unit import Unit

UTC0_MS = 1_772_345_000_000
CUSTOMER = ("operator",)
CONFIG = {
    "operator": {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"},
    "meter": {"id": "m1", "role": "meter", "sc": "sc1", "uc": "uc1", "wiring": "ABC"},
    "subcoordinator": {"id": "sp1", "role": "subcoordinator", "sc": "sc1", "uc": "uc1"},
    "coordinator": {"id": "cd", "role": "coordinator", "sc": "sc1", "uc": "uc0"},
}
BOARDS = {"operator": "pico_w_operator", "meter": "pico_w_meter3",
          "subcoordinator": "pico_w_branch", "coordinator": "pico_w_coordinator"}


class Place:
    """role: one of CONFIG. closed: contacts at the start, as a mask."""

    def __init__(self, root, role, store, closed=1, **config):
        with open(f"{root}/boards/{BOARDS[role]}/board.json") as f:
            self.board = json.loads(f.read())
        cfg = dict(CONFIG[role])
        cfg.update(config)
        self.role = role
        self.t_us = 5_000_000
        self.u_dv = 2300
        self.p_w = 2000             # of all phases together
        self.closed = closed
        self.moved = 0              # drives that close or open a contact
        self.lines = []
        self._coils = []
        self._post = []
        self._n = 0
        names = [channel["name"] for channel in self.board["channels"]]
        self._volts = [name[0] == "u" for name in names]
        self._three = self._volts[2] and not self._volts[-1]
        self.unit = Unit({"id": cfg["id"], "board": self.board, "config": cfg,
                          "level": "quantity", "utc0_ms": UTC0_MS}, None, None, None, False)
        self.unit.store = store
        self.acu = self._running()

    # -- the world

    def _levels(self):
        n_out = len(self.board["outputs"])
        levels = [self.closed >> k & 1 for k in range(n_out)]
        return (levels + [0] * len(self.board["inputs"]))[:len(self.board["inputs"])]

    def _reading(self, ms):
        """What the channels have seen in the last ms."""
        on = self.closed or not self.board["outputs"]
        halves = []
        rms_u = []
        load = self.role == "operator"
        p_w = self.p_w if on and self.u_dv > 1000 else 0
        phases = 1 if load else self._volts.count(True)
        i_ma = p_w * 10_000 // (phases * max(self.u_dv, 1))
        for k in range(len(self._volts)):
            x = self.u_dv if self._volts[k] else i_ma
            if load and k == 3 and not on:
                x = 0
            halves.append(x)
            rms_u.append(x * (100_000 if self._volts[k] else 1000))
        n_p = self.acu.measuring.n_p
        frames = self.board["rate_hz"] * ms // 1000
        part = [frames, 50_000] + rms_u + [p_w * 1000 // n_p] * n_p + [0] * n_p
        return [halves, part]

    def boot(self):
        self.t_us += 20_000
        self._coils = []
        self.unit.boot(self.t_us, self._levels())
        self.acu = self._running()

    def _running(self):
        return self.unit.acu

    def go(self, ms, step_ms=10):
        """Time passes in steps of step_ms, each a fast tick and a slow pass."""
        for _ in range(ms // step_ms):
            self.t_us += step_ms * 1000
            self.unit.clock.set(self.t_us)
            if step_ms > 100:
                self.acu.rested(self.unit.clock.now_ms())   # only a leap of ours, no late task
            self._relays()
            post, self._post = self._post, []
            drives, _, lines, _ = self.unit.instant(self.t_us, self._reading(step_ms),
                                                    self._levels(), post, True, True)
            self.lines += lines
            for output, level in drives:
                self._coils.append((output, level))
                if level != RELEASE:
                    self.moved += 1

    def _relays(self):
        for output, level in self._coils:
            if level != RELEASE:
                bit = 1 << output
                self.closed = self.closed | bit if level == CLOSE else self.closed & ~bit
        self._coils = []

    def start(self):
        """Power on until the self-test has passed and the coils rest."""
        self.boot()
        self.go(1000, 50)

    def tell(self, t, body):
        """A request of the Coordinator."""
        self._n += 1
        cfg = self.unit.spec["config"]
        ts = self.unit.clock.utc_ms()
        raw = messages.encode(t, "cd", cfg["id"], self._n, 7, ts, body, lambda text: "0" * 16,
                              self._n, ts + 10_000)
        self._post.append((f"slvg/1/slv/{cfg['sc']}/{cfg['uc']}/{cfg['id']}/dn/{t}", raw))
        self.go(500)

    def switch(self, on, sel=0, why=5):
        self.tell("sw.req", {"on": on, "sel": sel, "why": why, "t_ms": 0, "lease_s": 0})

    # -- what happens in a street

    def dip(self, ms):
        """The supply goes and comes back."""
        self.u_dv = 0
        self.go(ms)
        self.u_dv = 2300
        self.go(500)

    def reconnect(self):
        self.switch(1, 1)
        self.switch(1)

    def energy_mwh(self):
        """Imported so far, by the firmware's own register."""
        if self.role == "meter":
            return self.acu.energy.total_mwh(0)
        return self.acu.measuring.e_import_mwh


class Samples:
    """A sampler, and what a Capture wants of a meter, for captures of a place that has readings
    only."""

    def __init__(self, place, keep=3):
        self.sampler = RingSampler(2, ((0, 1), (0, 1), (0, 1)), 2048, 4000)
        self.kind = "single"
        self.cal = [(450_000_000, 0), (100_000_000, 2000)]
        self._zero_q8 = [0, 0]
        self.used_mhz = 50_000
        self.un_dv = 2300
        self._place = place
        self._sums = array("i", [0] * 27)
        self._ref = array("i", [0, 209_715])
        acu = place.acu
        self.capture = Capture(self.sampler, self, place.unit.store, acu.clock, acu.sync, keep)
        self._now_ms = 0

    def event(self):
        """Something is picked up; the capture is written."""
        self.capture.fast(0, 0, 0)
        for k in range(90):
            self.sampler.push(bytes([k, 8, 99, 7]) * 20)
            self.sampler.take(20, self._ref, self._sums)
            self.capture.fast(self._place.unit.clock.ticks_us(), int(k > 40), 53)
        while self.capture.busy():
            self.capture.slow(self._place.unit.clock.now_ms(), True)
