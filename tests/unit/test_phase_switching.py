"""DRF-4: break before make. A toy switch answers the drives after a while, or does not; no test
may ever see a target driven before every mirror is open."""
from acu import events as ev
from acu.ports import CLOSE, OPEN, RELEASE
from acu.primitives import phase_switching as ps
from acu.primitives.switching import Gate, Look

TRAVEL_MS = 10
A, B, C = 0, 1, 2


class Bench:
    """The switch behind a real gate: contacts, their coils, the load side. 5 ms an instant."""

    def __init__(self, source=A, dead_ms=60, t_close_ms=10):
        self.mirror = [0, 0, 0]
        self.mirror[source] = 1
        self.weld = [False] * 3
        self.jam = [False] * 3
        self.half_dv = [2300, 2300, 2300, 2300]
        self.bad = 0
        self.tail_ms = 0            # a motor keeps the load side alive so long after the opening
        self.t_ms = 0
        self.base_us = (1 << 30) - 400_000     # the ticks wrap in the middle of a test
        self.drives = []            # (ms, output, level)
        self.moves = []             # (ms, contact, 1 or 0)
        self._coil = [(RELEASE, 0)] * 3
        self._dead_from_ms = 0
        self.load_fault_dv = -1     # voltage behind the relays, whatever they do
        self.gate = Gate(self, 3, Look(self, self, 2300, 900, 1100))
        self.gate.armed = True
        self.seq = ps.PhaseSequence(self.gate, Look(self, self, 2300, 900, 1100), self, dead_ms,
                                    t_close_ms)

    def drive(self, output, level):
        if level == CLOSE:
            assert self.mirror == [0, 0, 0]    # never towards two phases
        self.drives.append((self.t_ms, output, level))
        self._coil[output] = (level, self.t_ms)

    def feedback(self, k):
        return self.mirror[k]

    def half_u(self, k):
        return self.half_dv[k]

    def half_load_dv(self):
        return self.half_dv[3]

    def ticks_diff(self, a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def now_us(self):
        return (self.base_us + self.t_ms * 1000) & 0x3FFFFFFF

    def start(self, target):
        source = self.mirror.index(1)
        self.seq.start(source, target, self.now_us())
        return self

    def run(self, ms):
        for _ in range(ms // 5):
            self.t_ms += 5
            for k in range(3):
                level, since_ms = self._coil[k]
                if level == RELEASE or self.t_ms - since_ms < TRAVEL_MS:
                    continue
                want = int(level == CLOSE)
                if want != self.mirror[k] and not (self.jam[k] if want else self.weld[k]):
                    self.mirror[k] = want
                    self.moves.append((self.t_ms, k, want))
                    self._dead_from_ms = self.t_ms + self.tail_ms
            live = [self.half_dv[k] for k in range(3) if self.mirror[k]]
            self.half_dv[3] = max(live) if live else 1500 if self.t_ms < self._dead_from_ms else 0
            if self.load_fault_dv >= 0:
                self.half_dv[3] = self.load_fault_dv
            self.seq.fast(self.now_us())
            self.gate.fast()
        return self

    def closings(self):
        return [output for _, output, level in self.drives if level == CLOSE]

    def break_ms(self):
        opened = [t for t, _, to in self.moves if not to]
        closed = [t for t, _, to in self.moves if to]
        return closed[-1] - opened[-1]


def test_a_change_opens_proves_waits_closes_and_proves():
    b = Bench().start(C).run(200)
    assert b.seq.take() == ps.DONE and b.seq.take() == ps.NONE
    assert b.seq.phase == C and b.mirror == [0, 0, 1] and b.seq.e == 0 and not b.gate.locked
    assert b.moves == [(10, A, 0), (70, C, 1)]
    assert b.seq.break_ms == 60


def test_the_dead_time_counts_from_the_contacts_opening_and_ends_when_it_touches():
    for dead_ms, t_close_ms, least, most in ((60, 10, 60, 65), (60, 25, 45, 50), (40, 10, 40, 45),
                                             (500, 10, 500, 505)):
        b = Bench(dead_ms=dead_ms, t_close_ms=t_close_ms).start(B).run(800)
        assert b.seq.take() == ps.DONE
        assert least <= b.break_ms() <= most
    b = Bench()
    b.seq.set_dead(200)
    assert 200 <= b.start(B).run(400).break_ms() <= 205


def test_a_late_opening_shifts_the_whole_dead_time():
    b = Bench()
    b.weld[A] = True
    b.start(B).run(30)
    b.weld[A] = False
    b.run(300)
    assert b.seq.take() == ps.DONE and 60 <= b.break_ms() <= 65


def test_the_target_is_not_driven_before_every_mirror_is_open():
    b = Bench()
    b.weld[A] = True
    b.start(B).run(150)
    assert b.closings() == [] and b.seq.take() == ps.NONE


def test_a_welded_contact_locks_out_and_nothing_is_closed():
    b = Bench()
    b.weld[A] = True
    b.start(B).run(2000)
    assert b.seq.take() == ps.WELDED and b.seq.e == ev.E_NOT_VERIFIED and b.seq.step == ps.OPENING
    assert b.gate.locked == ev.WHY_STUCK
    assert b.closings() == [] and b.mirror == [1, 0, 0]


def test_no_current_and_no_load_voltage_do_not_prove_an_opening():
    b = Bench()
    b.weld[A] = True
    b.load_fault_dv = 0        # a blown fuse before the load side: it looks open, but is not
    b.start(B).run(1000)
    assert b.seq.take() == ps.WELDED and b.closings() == []


def test_a_live_load_side_extends_the_dead_time():
    b = Bench()
    b.tail_ms = 700
    b.start(B).run(600)
    assert b.closings() == [] and b.seq.state == ps.DEAD
    b.run(400)
    assert b.seq.take() == ps.DONE and 700 <= b.break_ms() <= 715


def test_a_load_side_that_never_dies_ends_open_and_locked():
    b = Bench()
    b.tail_ms = 60_000
    b.start(B).run(5200)
    assert b.seq.take() == ps.FAILED and b.seq.step == ps.DEAD
    assert b.mirror == [0, 0, 0] and b.gate.locked == ev.WHY_STUCK and b.closings() == []


def test_a_target_that_does_not_close_leads_back_to_the_old_phase():
    b = Bench()
    b.jam[B] = True
    b.start(B).run(600)
    assert b.seq.take() == ps.BACK and b.seq.phase == A and b.seq.e == ev.E_NOT_VERIFIED
    assert b.mirror == [1, 0, 0] and not b.gate.locked
    assert b.closings() == [B, A]
    after_b = [x[1:] for x in b.drives if x[0] > 70 and x[2] != RELEASE]
    # a late B finds itself driven open
    assert after_b[:4] == [(A, OPEN), (B, OPEN), (C, OPEN), (A, CLOSE)]


def test_a_target_without_voltage_behind_it_leads_back_after_a_whole_dead_time():
    b = Bench(source=C)
    b.load_fault_dv = 0        # contact moves, nothing comes out
    b.start(B).run(270)
    assert b.mirror == [0, 1, 0]
    b.run(30)
    b.load_fault_dv = -1
    b.run(300)
    assert b.seq.take() == ps.BACK and b.seq.phase == C and b.mirror == [0, 0, 1]
    t_open = [t for t, k, to in b.moves if k == B and not to]
    t_back = [t for t, k, to in b.moves if k == C and to]
    assert 60 <= t_back[0] - t_open[0] <= 70


def test_neither_target_nor_old_phase_closes_open_and_locked():
    b = Bench()
    b.jam = [True] * 3
    b.start(C).run(1000)
    assert b.seq.take() == ps.FAILED and b.mirror == [0, 0, 0] and b.gate.locked == ev.WHY_STUCK
    assert b.closings() == [C, A]
    b.run(3000)
    assert b.closings() == [C, A]      # and never tries again by itself


def test_supply_lost_in_the_middle_stays_open_without_a_lockout():
    b = Bench().start(B).run(30)
    b.half_dv = [0, 0, 0, 0]
    b.run(500)
    assert b.seq.take() == ps.FAILED and b.seq.e == ev.E_NO_VOLTAGE
    assert b.mirror == [0, 0, 0] and b.gate.locked == 0 and b.closings() == []


def test_target_phase_lost_in_the_middle_leads_back():
    b = Bench().start(B).run(30)
    b.half_dv[B] = 0
    b.run(500)
    assert b.seq.take() == ps.BACK and b.seq.e == ev.E_NO_VOLTAGE and b.mirror == [1, 0, 0]
    assert b.closings() == [A]


def test_a_contact_that_closes_by_itself_in_the_dead_time_ends_it():
    b = Bench().start(B).run(50)       # the opening pulses are over
    b.mirror[C] = 1
    b.run(300)
    assert b.seq.take() == ps.FAILED and b.gate.locked and b.closings() == []
    assert b.mirror == [0, 0, 0]       # and it was driven open


def test_a_second_contact_behind_the_target_opens_everything_at_once():
    for at_ms in (65, 75):             # while the target travels; while its voltage is awaited
        b = Bench()
        b.load_fault_dv = 100
        b.start(B).run(at_ms)
        assert b.closings() == [B]
        b.mirror[A] = 1
        b.run(5)
        assert [(k, level) for t, k, level in b.drives if t == b.t_ms] == [(A, OPEN), (B, OPEN),
                                                                           (C, OPEN)]
        b.run(300)
        assert b.seq.take() == ps.FAILED and b.mirror == [0, 0, 0] and b.gate.locked


def test_an_abort_stays_open_at_every_step():
    for at_ms in (5, 30, 65, 75):
        b = Bench()
        b.load_fault_dv = 100 if at_ms == 75 else -1
        b.start(B).run(at_ms)
        state = b.seq.state
        b.seq.abort()
        b.run(500)
        assert b.seq.take() == ps.FAILED and b.seq.step == state
        assert b.mirror == [0, 0, 0] and b.gate.locked == 0
    b = Bench()
    b.seq.abort()                      # nothing runs: nothing happens
    assert b.drives == [] and b.seq.take() == ps.NONE


def test_a_load_voltage_without_the_contact_proves_nothing():
    b = Bench()
    b.jam[B] = True
    b.start(B).run(65)
    b.load_fault_dv = 2300             # something feeds the load side, B never closed
    b.run(3000)
    assert b.seq.take() != ps.DONE
    b = Bench()
    b.load_fault_dv = 100
    b.start(B).run(75)
    assert b.seq.state == ps.VERIFY
    b.mirror[B] = 0                    # it bounced back, and then something feeds the load side
    b.weld[B] = b.jam[B] = True
    b.load_fault_dv = 2300
    b.run(3000)
    assert b.seq.take() != ps.DONE
