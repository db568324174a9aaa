"""The 79 of a recloser as a table of situations: each cause of a lock-out, each time, each count.

The sequence alone, fed tick by tick; what the role makes of it: test_auto_recloser.py."""
from acu.functions import reclosing as rc
from acu.primitives import bay_gate as bg
from acu.primitives import switching as sw

OPEN, CLOSED, NEITHER = 0, 1, -1
EL = 4                  # an element that starts it
TICK_US = 5_000


class Breaker:
    """A sequence with its breaker: asked, it closes close_ms later unless told otherwise."""

    def __init__(self, shots=2, dead_ms=600, reclaim_ms=3_000, open_ms=200, close_ms=200,
                 ready_ms=1_000, wait_ms=2_000, discr_ms=0, freq_n=0, freq_s=60, dead_line=False):
        self.recl = rc.Reclosing([dead_ms * (k + 1) for k in range(shots)], 110, reclaim_ms,
                                 open_ms, close_ms, ready_ms, wait_ms, discr_ms, freq_n, freq_s,
                                 dead_line)
        self.recl.start(True, False, 0)
        self.position = CLOSED
        self.trips = self.picked = 0
        self.gate = sw.R_OK         # what it refuses with
        self.order = sw.R_OK        # and at the moment of the order
        self.dead = 1
        self.in_step = True         # the check permits at once
        self.pending = False
        self.opens_ms = self.closes_ms = 50
        self.t_ms = 0
        self.said = []              # (ms, answer)
        self._moves = []            # (ms, position)

    def run(self, ms):
        for _ in range(ms // 5):
            self.t_ms += 5
            while self._moves and self._moves[0][0] <= self.t_ms:
                self.position = self._moves.pop(0)[1]
            self._tell(self._step())
        return self

    def _step(self):
        recl = self.recl
        if recl.state != rc.WAITING:
            return recl.step(TICK_US, self.position, self.trips, self.picked)
        if recl.asked and self.in_step and self.pending:
            self.pending = False
            if self.order == sw.R_OK:
                self._moves.append((self.t_ms + self.closes_ms, CLOSED))
            return recl.ordered(self.order)
        gate = self.gate
        if self.position:
            gate = sw.R_CONTACT if self.position > 0 else bg.R_POSITION
        return recl.wait(TICK_US, gate, self.dead, self.pending, 0x28)

    def _tell(self, what):
        if what:
            self.said.append((self.t_ms, what))
        if what == rc.ASK:
            self.pending = True
        elif what == rc.LOCK:
            self.pending = False

    def ready(self):
        """Past the reclaim time of the start."""
        self.run(3_100)
        assert self.recl.state == rc.READY
        self.said = []
        self.t_ms = 0
        return self

    def trip(self, elements=EL, starts=True, inhibited=0):
        """The protection trips; the breaker opens."""
        self._moves = [(self.t_ms + self.opens_ms, OPEN)]
        self._tell(self.recl.trip(elements, starts, inhibited))
        return self

    def answers(self):
        return [what for _, what in self.said]

    def when(self, what):
        return [t for t, one in self.said if one == what]


def locked_by(b, cause):
    """It is locked out for that, once, and asks for nothing any more."""
    asked = b.answers().count(rc.ASK)
    b.trips = 0
    b.gate = sw.R_OK
    b.in_step = True
    b.run(20_000)
    assert b.recl.state == rc.LOCKED and b.recl.cause == cause, (b.recl.state, b.recl.cause)
    assert b.answers().count(rc.LOCK) == 1 and b.answers().count(rc.ASK) == asked
    assert b.recl.counts[rc.LOCKS] == 1


def test_a_fault_that_is_gone_after_the_first_shot_costs_its_dead_time():
    b = Breaker().ready().trip().run(5_000)
    assert b.answers() == [rc.ASK, rc.MADE, rc.RECLAIMED]
    assert b.recl.state == rc.READY and b.recl.shot == 0
    counts = list(b.recl.counts)
    assert counts == [1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]


def test_each_shot_has_its_own_dead_time_within_1_percent_or_20_ms():
    b = Breaker(shots=5, dead_ms=700, reclaim_ms=2_000).ready()
    for k in range(5):
        b.trip()
        opened_ms = b.t_ms + b.opens_ms
        b.run(50 + 700 * (k + 1) + 100)
        asked_ms = b.when(rc.ASK)[-1]
        assert abs(asked_ms - opened_ms - 700 * (k + 1)) <= 20, (k, asked_ms - opened_ms)
    assert list(b.recl.counts[1:6]) == [1] * 5 and b.recl.shot == 5
    b.trip()
    locked_by(b, rc.SHOTS)


def test_all_shots_are_there_again_after_the_reclaim_time_and_not_before():
    b = Breaker(shots=1, reclaim_ms=3_000).ready().trip().run(800)
    made_ms = b.when(rc.MADE)[0]
    b.run(made_ms + 2_900 - b.t_ms)
    assert b.recl.state == rc.RECLAIM
    b.run(150)
    assert b.recl.state == rc.READY and abs(b.when(rc.RECLAIMED)[0] - made_ms - 3_000) <= 20
    b.trip().run(800)
    assert b.recl.shot == 1                     # a new fault
    b.trip()
    locked_by(b, rc.SHOTS)


def test_a_fault_that_is_there_is_not_over():
    b = Breaker(shots=1).ready().trip().run(1_000)
    b.picked = EL
    b.run(10_000)
    assert b.recl.state == rc.RECLAIM
    b.trip()
    locked_by(b, rc.SHOTS)


def test_lock_out_without_synchronism():
    b = Breaker().ready().trip()
    b.in_step = False
    b.run(5_000)
    assert b.when(rc.LOCK)[0] - b.when(rc.ASK)[0] in (2_000, 2_005)
    assert b.recl.detail == 0x28                # reasons of the check
    locked_by(b, rc.SYNC)
    b = Breaker().ready().trip()
    b.in_step = False
    b.run(800)
    b.pending = False                           # the check gave it up
    b.run(10)
    locked_by(b, rc.SYNC)


def test_lock_out_of_a_line_that_is_not_dead_in_time():
    b = Breaker(dead_line=True).ready().trip()
    b.dead = 0
    b.run(5_000)
    assert rc.ASK not in b.answers()
    locked_by(b, rc.LINE)
    b = Breaker(dead_line=True).ready().trip()
    b.dead = 0
    b.run(1_500)
    b.dead = 2                                  # late, but in time
    b.run(200)
    assert b.answers() == [rc.ASK, rc.MADE]


def test_lock_out_of_a_breaker_that_does_not_close():
    b = Breaker().ready().trip()
    b.closes_ms = 100_000
    b.run(1_500)
    assert b.when(rc.LOCK)[0] - b.when(rc.ASK)[0] in (200, 205)
    locked_by(b, rc.NOT_CLOSED)


def test_a_slow_breaker_is_one_that_works():
    b = Breaker().ready()
    b.opens_ms = b.closes_ms = 180
    b.trip().run(5_000)
    assert b.answers() == [rc.ASK, rc.MADE, rc.RECLAIMED]


def test_lock_out_of_a_breaker_that_does_not_open():
    b = Breaker().ready()
    b.opens_ms = 100_000
    b.trip().run(300)
    assert b.when(rc.LOCK) == [200]
    locked_by(b, rc.NOT_OPENED)


def test_lock_out_by_a_trip_in_the_discrimination_time_or_before_the_closing_is_proven():
    for discr_ms, after_ms, cause in ((500, 300, rc.DISCRIMINATION), (0, 300, 0),
                                      (500, 600, 0)):
        b = Breaker(discr_ms=discr_ms).ready().trip().run(1_000)
        b.run(b.when(rc.ASK)[0] + after_ms - b.t_ms)
        b.said = []
        b.trip().run(10)
        assert (b.answers() == [rc.LOCK]) == (cause > 0), (discr_ms, after_ms)
        if cause:
            locked_by(b, cause)
    b = Breaker().ready().trip()
    b.run(640)
    while not b.pending and b.recl.state != rc.CLOSING:
        b.run(5)
    b.run(20)
    assert b.recl.state == rc.CLOSING
    b.trip()                                    # in the close pulse: it wins
    b._moves = []
    b.position = OPEN
    locked_by(b, rc.DISCRIMINATION)


def test_lock_out_by_frequent_operation():
    b = Breaker(freq_n=3, freq_s=60).ready()
    for _ in range(3):
        b.trip().run(5_000)
        b.recl.slow(5_000)
    assert b.answers().count(rc.RECLAIMED) == 3
    b.trip()
    locked_by(b, rc.FREQUENT)
    b = Breaker(freq_n=3, freq_s=60).ready()
    for _ in range(6):
        b.trip().run(5_000)
        b.recl.slow(21_000)                      # never three in a minute
    assert b.answers().count(rc.RECLAIMED) == 6


def test_lock_out_by_somebody_who_closes_in_the_sequence():
    b = Breaker(dead_ms=5_000).ready().trip().run(300)
    b.position = CLOSED
    b.run(200)
    assert b.recl.state == rc.LOCKED            # at once, not when the dead time is over
    locked_by(b, rc.BY_HAND)
    b = Breaker().ready().trip().run(300)
    b.position = CLOSED
    b.run(20).trip()                            # and onto the fault, before it was noticed
    locked_by(b, rc.BY_HAND)
    b = Breaker().ready().trip()
    b.in_step = False
    b.run(1_000)
    b.position = CLOSED                         # while the check waits
    b.run(200)
    locked_by(b, rc.BY_HAND)


def test_a_contact_that_bounces_is_nobody():
    b = Breaker().ready().trip().run(300)
    b.position = NEITHER
    b.run(60)
    b.position = OPEN
    b.run(3_000)
    assert b.answers() == [rc.ASK, rc.MADE]


def test_lock_out_of_a_breaker_that_is_open_at_the_end_of_the_reclaim_time():
    b = Breaker().ready().trip().run(1_000)
    b.position = OPEN                           # nobody tripped it
    b.run(1_000)
    assert b.recl.state == rc.RECLAIM
    b.run(2_000)
    locked_by(b, rc.OPENED)


def test_lock_out_if_something_still_trips_at_the_end_of_the_dead_time():
    b = Breaker().ready().trip()
    b.trips = 0x400
    b.run(1_000)
    assert b.recl.detail == 0x400
    locked_by(b, rc.TRIPPING)
    b = Breaker().ready().trip()
    b.trips = EL
    b.run(300)
    b.trips = 0                                 # in time
    b.run(500)
    assert b.answers() == [rc.ASK, rc.MADE]


def test_lock_out_by_what_inhibits():
    for inhibited in (bg.R_TAG, sw.R_LOCKED):
        b = Breaker().ready().trip(inhibited=inhibited)
        assert b.recl.detail == inhibited
        locked_by(b, rc.INHIBIT)
    for gate in (bg.R_TAG, sw.R_LOCKED, sw.R_UNARMED):
        b = Breaker().ready().trip()
        b.in_step = False
        b.run(1_000)
        b.gate = gate                           # comes while the check waits
        b.run(10)
        assert b.recl.detail == gate
        locked_by(b, rc.INHIBIT)
    b = Breaker().ready().trip().run(300)
    b._tell(b.recl.stop(0))                     # ordered open
    locked_by(b, rc.INHIBIT)
    b = Breaker().ready().trip().run(1_000)
    b.trip(starts=False)                        # by an element that starts nothing
    locked_by(b, rc.INHIBIT)


def test_lock_out_of_stored_energy_or_measurements_that_are_not_ready_in_time():
    for gate, cause in ((bg.R_STORED, rc.STORED), (sw.R_MEASURE, rc.MEASURE)):
        b = Breaker().ready().trip()
        b.gate = gate
        b.run(1_500)
        assert rc.ASK not in b.answers()
        b.run(500)
        locked_by(b, cause)
        b = Breaker().ready().trip()
        b.gate = gate
        b.run(1_400)
        b.gate = sw.R_OK                        # late, but in time
        b.run(200)
        assert b.answers() == [rc.ASK, rc.MADE]
        b = Breaker().ready().trip()
        b.order = gate                          # gone at the very moment
        b.run(1_000)
        locked_by(b, cause)


def test_lock_out_of_contacts_that_contradict_each_other():
    b = Breaker().ready().trip()
    b._moves = [(50, NEITHER)]
    b.run(300)
    locked_by(b, rc.CONTACTS)
    for t_ms in (300, 900):                     # in the dead time, while it waits
        b = Breaker().ready().trip()
        b.in_step = False
        b.run(t_ms)
        b.position = NEITHER
        b.run(200)
        locked_by(b, rc.CONTACTS)
    b = Breaker().ready().trip()
    b.closes_ms = 100_000
    while b.recl.state != rc.CLOSING:
        b.run(5)
    b.position = NEITHER
    b.run(300)
    locked_by(b, rc.CONTACTS)
    b = Breaker().ready().trip().run(1_000)
    b.position = NEITHER
    b.run(4_000)
    locked_by(b, rc.CONTACTS)


def test_lock_out_by_a_trip_after_a_closing_by_hand():
    b = Breaker().ready()
    b.recl.stop(0)
    b.position = OPEN
    b.run(500)
    assert b.recl.state == rc.OPEN and not b.said
    b.position = CLOSED
    b.run(1_000).trip()
    locked_by(b, rc.ON_FAULT)
    b = Breaker().ready()
    b.recl.stop(0)
    b.position = OPEN
    b.run(500)
    b.position = CLOSED
    b.trip()                                    # before the closing was even noticed
    locked_by(b, rc.ON_FAULT)
    b = Breaker().ready()
    b.recl.stop(0)
    b.position = OPEN
    b.run(500)
    b.position = CLOSED
    b.run(3_100).trip().run(1_000)              # a reclaim time later it is a fault as any
    assert b.answers() == [rc.ASK, rc.MADE]


def test_lock_out_by_a_reset_in_the_sequence_and_by_a_trip_just_after_a_start():
    b = Breaker()
    assert b.recl.start(False, True, 0) == rc.LOCK
    b.said = [(0, rc.LOCK)]
    b.position = OPEN
    locked_by(b, rc.RESET)
    b = Breaker()
    b.run(500).trip()
    locked_by(b, rc.RESET)


def test_a_second_element_before_the_breaker_is_open_is_the_same_trip():
    b = Breaker().ready().trip().run(10)
    b._tell(b.recl.trip(EL | 2, True, 0))
    b.run(3_000)
    assert b.answers() == [rc.ASK, rc.MADE] and b.recl.counts[rc.TRIPS] == 1
    b = Breaker().ready()                       # and it does not make it late
    b.opens_ms = 100_000
    b.trip().run(150)
    b._tell(b.recl.trip(EL | 2, True, 0))
    b.run(60)
    locked_by(b, rc.NOT_OPENED)
    b = Breaker().ready().trip().run(10)
    b._tell(b.recl.trip(EL | 0x100, False, 0))  # one that starts nothing shares it
    locked_by(b, rc.INHIBIT)


def test_an_opening_on_purpose_is_not_reclosed():
    for how in ("order", "lever", "element"):
        b = Breaker().ready()
        if how == "order":
            b.recl.stop(0)
        elif how == "element":
            b.recl.trip(0x100, False, 0)        # of one that starts nothing
        b.position = OPEN
        b.run(10_000)
        assert b.said == [] and b.recl.state == rc.OPEN, how
        b.position = CLOSED
        b.run(5_000)
        assert b.recl.state == rc.READY


def test_somebody_has_looked():
    b = Breaker(shots=1).ready().trip().run(1_000).trip().run(1_000)
    assert b.recl.state == rc.LOCKED
    b.recl.restore()
    b.position = OPEN
    b.run(5_000)
    assert b.recl.state == rc.OPEN and b.answers().count(rc.ASK) == 1
    b.position = CLOSED
    b.run(4_000)
    assert b.recl.state == rc.READY
    b.trip().run(1_000)
    assert b.answers().count(rc.ASK) == 2       # with all shots


def test_times_run_however_late_the_ticks_come():
    """A tick after a flash erase brings all of its time."""
    recl = Breaker().ready().recl
    recl.trip(EL, True, 0)
    recl.step(60_000, OPEN, 0, 0)
    said = [recl.step(us, OPEN, 0, 0) for us in (200_000, 390_000)]
    assert said == [rc.NOTHING, rc.NOTHING] and recl.state == rc.DEAD
    recl.step(5_000, OPEN, 0, 0)
    assert recl.state == rc.WAITING


def test_the_check_begins_to_look_in_time():
    b = Breaker().ready().trip().run(60)
    assert b.recl.hold()
    b.run(400)
    assert b.recl.hold()
    b.run(100)
    assert not b.recl.hold() and b.recl.state == rc.DEAD
