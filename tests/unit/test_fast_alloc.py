"""One tick of the fast tier allocates nothing: with the heap locked, an allocation raises
MemoryError.

On CPython there is no heap to lock and the ticks just run; the VM gives the verdict.
"""
import micropython

from acu import app
from acu import events as ev
from acu.dsp.ring import RingSampler
from host_sim.board.doors import SimClock, SimLink, SimStore, SimSwitchgear, SimWatchdog
from tests.unit.cabinet import B, Cabinet
from tests.unit.spot import Spot


def locked_ticks(c, ms):
    """Like Cabinet.run, but with the heap locked during each Acu.fast(). Returns how many ticks
    ran."""
    acu = c.acu
    clock = c.unit.clock
    for n in range(ms // 5):
        c.t_us += 5000
        clock.set(c.t_us)
        c._relays()
        c.feel()
        for k in range(3):
            c.unit.switchgear.levels[k] = c.mirrors()[k]
        c.unit.sampler.block(0 if c.lost_frames else 20)
        now_us = clock.ticks_us()
        micropython.heap_lock()
        acu.fast(now_us)
        micropython.heap_unlock()
        for k, level in c.unit.switchgear.take_drives():
            c.drives.append((c.ms(), k, level))
            c._coil[k] = level
            c._coil_ms[k] = c.ms()
        if n & 1:
            acu.slow(clock.now_ms())
    return ms // 5


def test_the_lock_would_notice():
    made = []
    micropython.heap_lock()
    try:
        made = [made, 1 << 40]
        noticed = False
    except MemoryError:
        noticed = True
    micropython.heap_unlock()
    assert noticed or getattr(micropython, "stand_in", False)


def test_an_idle_operator():
    c = Cabinet().started()
    assert locked_ticks(c, 1000) == 200 and c.mask() == 1


def test_an_operator_that_opens_in_an_outage_and_waits_in_the_dark():
    c = Cabinet().started()
    c.supply_dv = [0, 0, 0]
    locked_ticks(c, 1000)
    assert c.mask() == 0 and c.acu.why == ev.WHY_OUT


def test_an_operator_with_over_voltage_and_a_lost_neutral():
    c = Cabinet().started()
    c.supply_dv = [2900, 1500, 2300]
    locked_ticks(c, 500)
    assert c.mask() == 0 and c.acu.why == ev.WHY_OV and c.acu.rule.neutral


def test_every_order():
    c = Cabinet().started()
    c.switch(0)
    c.run(300)
    for sel in (1, 0):
        c.post("sw.req", {"on": 1, "sel": sel, "why": 5, "t_ms": 0, "lease_s": 0})
        for topic, raw in c._post:
            c.acu.on_message(topic, raw)
        c._post = []
        locked_ticks(c, 200)
    assert c.mask() == 1
    c.post("sw.req", {"on": 0, "sel": 0, "why": 5, "t_ms": 0, "lease_s": 0})
    c.acu.on_message(*c._post.pop())
    locked_ticks(c, 200)
    assert c.mask() == 0


def phase_change(change=None, ms=900):
    c = Cabinet().started()
    c.post("phs.req", {"ph": B, "t_ms": 0, "dead_ms": 60})
    c.acu.on_message(*c._post.pop())
    if change:
        change(c)
    locked_ticks(c, ms)
    assert c.acu.sequence.state == 0 and c.drives
    return c


def test_a_whole_phase_change():
    assert phase_change().mask() == 2


def test_a_phase_change_that_goes_back_welds_or_is_aborted():
    def jam(c):
        c.jam[B] = True

    def weld(c):
        c.weld[0] = True

    def dead(c):
        c.supply_dv = [0, 0, 0]

    assert phase_change(jam).mask() == 1
    assert phase_change(weld).acu.gate.locked == ev.WHY_STUCK
    assert phase_change(dead).mask() == 0


def test_channels_that_cannot_be_believed():
    for fault in ("frozen", "clipped"):
        c = Cabinet().started()
        setattr(c, fault, (0, 1, 3))
        locked_ticks(c, 500)
        assert c.acu.sensing.bad
    c = Cabinet().started()
    c.lost_frames = True
    locked_ticks(c, 300)
    assert c.acu.sensing.bad == 31
    c.lost_frames = False
    locked_ticks(c, 300)
    assert c.acu.sensing.bad == 0


def branch_ticks(s, ms):
    """The same for a Spot."""
    clock = s.unit.clock
    for n in range(ms // 5):
        s.t_us += 5000
        clock.set(s.t_us)
        s._breaker()
        s.feel()
        s.unit.switchgear.levels[0] = s.mirrors()[0]
        s.unit.sampler.block(20)
        now_us = clock.ticks_us()
        micropython.heap_lock()
        s.acu.fast(now_us)
        micropython.heap_unlock()
        s._drive(s.unit.switchgear.take_drives())
        if n & 1:
            s.acu.slow(clock.now_ms())


def test_a_branch_that_trips_recloses_and_locks_out():
    s = Spot(t_recl_ms=500).started()
    branch_ticks(s, 500)
    s.i_ma = [10_000, 2_000_000, 80_000]
    branch_ticks(s, 2000)
    assert [on for _, on in s.moves] == [0, 1, 0] and s.acu.gate.locked == ev.WHY_SHC


def test_a_branch_that_waits_for_the_supply_and_one_whose_contact_does_not_follow():
    for jam in (False, True):
        s = Spot(t_recl_ms=500).started()
        s.i_ma = [10_000, 70_000, 10_000]
        branch_ticks(s, 1100)
        s.supply_dv = [2300, 0, 2300]
        s.jam = jam
        branch_ticks(s, 1000)
        s.supply_dv = [2300] * 3
        branch_ticks(s, 500)
        assert s.closed != jam


def test_every_order_to_a_branch():
    s = Spot().started()
    for on, sel in ((0, 0), (1, 1), (1, 0)):
        s.acu.on_message("slvg/1/mst/sc1/sp1/dn/sw.req", s.frame("sw.req", {
            "on": on, "sel": sel, "why": 3, "t_ms": 0, "lease_s": 0}))
        branch_ticks(s, 400)
        assert s.closed == bool(on and not sel)
    s.acu.on_message("slvg/1/mst/sc1/sp1/dn/cfg", s.frame("cfg", {"k": "lockout", "val": 1}))
    branch_ticks(s, 50)
    assert s.acu.gate.locked == ev.WHY_LOCAL and not s.acu._order


class Post:
    """The doors of a Coordinator; its ring is filled before each locked tick."""

    PAIRS = ((0, 3), (1, 4), (2, 5))
    BOARD = {"board": "bench", "kind": "post", "roles": ("coordinator",), "rate_hz": 4000,
             "slot_ns": 2000,
             "u_peak_dv": 4500, "i_peak_ma": 100_000,
             "channels": [{"name": n} for n in ("ua", "ub", "uc", "ia", "ib", "ic")]}

    def __init__(self):
        self.clock = SimClock(1_772_345_000_000)
        self.sampler = RingSampler(6, self.PAIRS, 512, 4000)
        self.switchgear = SimSwitchgear(0, 3)
        self.link, self.store = SimLink(), SimStore()
        self.watchdog = SimWatchdog(self.clock)
        self.clock.boot(0)
        self.acu = app.build(self.BOARD, {"id": "cd", "role": "coordinator", "sc": "sc1",
                                          "uc": "uc0",
                                          "members": ["eu1", "eu2"]}, self)
        self.t_us = 0
        self.peak = 1480
        self._k = 0

    def run(self, ms):
        for n in range(ms // 5):
            codes = bytearray(240)
            for k in range(20):
                # a triangle of 50 Hz is wave enough here: 80 frames a cycle
                x = (self._k + k) % 80
                x = 20 - x if x < 40 else x - 60
                for c in range(6):
                    code = 2048 + self.peak * x // 20 + (k & 1)
                    codes[12 * k + 2 * c] = code & 255
                    codes[12 * k + 2 * c + 1] = code >> 8
            self._k += 20
            self.sampler.push(codes)
            self.t_us += 5000
            self.clock.set(self.t_us)
            now_us = self.clock.ticks_us()
            micropython.heap_lock()
            self.acu.fast(now_us)
            micropython.heap_unlock()
            if n & 1:
                self.acu.slow(self.clock.now_ms())


def test_a_coordinator_before_during_and_after_an_outage():
    p = Post()
    p.run(1000)
    assert p.acu.ready and p.acu.measuring.half_seq > 90
    p.peak = 0
    p.run(500)
    assert "OUT" in [p.acu.log.line(row).split(" ")[3] for row in p.acu.log.rows]
    p.peak = 1480
    p.run(300)
