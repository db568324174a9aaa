"""F3 against section 10 of the spec: who is opened, who closed again, when, and who never is."""
from acu import events as ev
from acu.functions import outage as f2
from acu.functions.loading import (
    A_ASK_OPEN,
    A_CLOSE,
    A_CLOSED,
    A_DELAY,
    A_END,
    A_FAIL,
    A_HOLD,
    A_SELECT,
    A_SHED,
    A_SHED_END,
    ABC,
    CONNECTED,
    DELAY,
    RECON,
    SHED,
    WAIT,
    LoadingControl,
)

BASE_MS, SLOT_MS = 3000, 1000
COMMANDS = (A_SHED, A_ASK_OPEN, A_SELECT, A_CLOSE)


class Street:
    """Operators that answer after 30 ms, as told; runs F3 in steps of 10 ms."""

    def __init__(self, phases=(0, 1, 0), prio=None, jitter_ms=0):
        n = len(phases)
        self.f3 = LoadingControl(BASE_MS, SLOT_MS)
        self.f3.configure([(prio[k] if prio else 1, "eu%d" % k, jitter_ms) for k in range(n)])
        self.f3.start(0)
        self.ph = phases
        self.on = [1] * n
        self.why = [ev.WHY_NONE] * n
        self.deaf = set()   # answers nothing
        self.mute = set()   # obeys, but its answers are lost
        self.refuse = {}    # op: e of its answer to a select or a closing
        self.now = 0
        self.supply_ok = True
        self.phase_ok = 7
        self.said = []
        self.closed_at = []
        self._mail = []
        for op in range(n):
            self.beat(op)

    def beat(self, op):
        self.f3.on_hb(self.now, op, self.on[op], self.why[op], self.ph[op])

    def tell(self, answer):
        self.f3.on_outage(self.now, answer)

    def run(self, ms):
        """Returns the actions of this time: [(t_ms, action, ...), ...]"""
        first = len(self.said)
        for _ in range(ms // 10):
            for at, op, act in self._mail:
                if at == self.now:
                    self._answer(op, act)
            for action in self.f3.step(self.now, self.supply_ok, self.phase_ok):
                self.said.append((self.now,) + action)
                if action[0] in COMMANDS:
                    for op in range(len(self.on)) if action[0] == A_SHED else action[1:2]:
                        self._mail.append((self.now + 30, op, action[0]))
            self.now += 10
        return self.said[first:]

    def _answer(self, op, act):
        if op in self.deaf:
            return
        e = ev.E_OK
        if act in (A_SHED, A_ASK_OPEN):
            if self.on[op]:
                self.on[op], self.why[op] = 0, ev.WHY_OUT
        else:
            e = self.refuse.get(op, ev.E_OK)
            if act == A_CLOSE and not e and not self.on[op]:
                self.on[op] = 1
                self.closed_at.append((self.now, op))
        if op not in self.mute:
            self.f3.on_ack(self.now, op, self.on[op], int(act == A_SELECT), e)

    def outage(self, ms=10_000):
        self.tell(f2.LOST)
        self.run(ms)
        self.tell(f2.BACK)
        self.run(1000)
        self.tell(f2.RESTORED)


def acts(said, *kinds):
    return [s[1:] for s in said if s[1] in kinds]


def test_an_outage_opens_everybody_at_once_and_restoration_closes_them_one_by_one():
    s = Street()
    s.tell(f2.LOST)
    assert s.run(1000) == [(0, A_SHED), (30, A_SHED_END, 3, 0)]
    assert s.f3.state == WAIT and s.on == [0, 0, 0]
    s.tell(f2.BACK)
    assert s.run(1000) == [] and s.f3.state == WAIT
    s.tell(f2.RESTORED)
    said = s.run(BASE_MS)
    assert said == [(2000, A_DELAY, 3)] and s.f3.state == DELAY and not s.closed_at
    said = s.run(4000)
    assert acts(said, A_SELECT, A_CLOSE, A_CLOSED) == [
        (kind, op) for op in range(3) for kind in (A_SELECT, A_CLOSE, A_CLOSED)]
    assert said[-1][1:] == (A_END, 3, 0) and s.f3.state == CONNECTED and s.f3.idle()
    at = [t for t, _ in s.closed_at]
    assert at[0] >= 2000 + BASE_MS and at[-1] <= 2000 + BASE_MS + 3000
    assert all([at[k + 1] - at[k] >= SLOT_MS for k in range(2)])


def test_gaps_hold_with_jitter_too():
    s = Street((0, 1, 2, 0), jitter_ms=370)
    s.outage()
    s.run(12_000)
    at = [t for t, _ in s.closed_at]
    assert len(at) == 4 and all([at[k + 1] - at[k] >= SLOT_MS for k in range(3)])
    assert at[0] >= 11_000 + BASE_MS + 370


def test_the_order_is_priority_then_identity():
    s = Street((0, 1, 2, 0), prio=(3, 1, 2, 1))
    s.outage()
    s.run(12_000)
    assert [op for _, op in s.closed_at] == [1, 3, 2, 0]


def test_who_does_not_answer_is_asked_alone_and_then_unknown():
    s = Street()
    s.deaf = {1}
    s.tell(f2.LOST)
    assert s.run(7000) == [(0, A_SHED), (2000, A_ASK_OPEN, 1), (4000, A_ASK_OPEN, 1),
                           (6000, A_SHED_END, 2, 1)]
    assert list(s.f3.on) == [0, -1, 0] and s.f3.counts() == (0, 2, 1)
    s.deaf = set()
    s.tell(f2.RESTORED)
    said = s.run(8000)  # it had never opened: its select says so and nothing is closed
    assert acts(said, A_CLOSED) == [(A_CLOSED, 0), (A_CLOSED, 1), (A_CLOSED, 2)]
    assert acts(said, A_CLOSE) == [(A_CLOSE, 0), (A_CLOSE, 2)]
    assert said[-1][1:] == (A_END, 3, 0)


def test_a_heart_beat_proves_an_opening_as_well():
    s = Street()
    s.mute = {1}
    s.tell(f2.LOST)
    s.run(500)
    s.beat(1)
    assert s.run(500)[0][1:] == (A_SHED_END, 3, 0)


def test_restored_before_the_acknowledgements_came():
    s = Street()
    s.deaf = {0}
    s.tell(f2.LOST)
    s.run(1000)
    s.tell(f2.RESTORED)
    assert acts(s.run(10), A_SHED_END, A_DELAY) == [(A_SHED_END, 2, 1), (A_DELAY, 3)]


def test_an_outage_during_the_delay_or_the_reconnection_opens_all_again():
    for ms in (1000, BASE_MS + 20, BASE_MS + 500, BASE_MS + 1500):
        s = Street()
        s.outage()
        s.run(ms)
        assert s.f3.state in (DELAY, RECON)
        s.tell(f2.FELL if ms == 1000 else f2.LOST)
        before = len(s.closed_at)
        said = s.run(3000)
        assert said[0][1:] == (A_SHED,) and acts(said, A_SELECT, A_CLOSE) == []
        assert s.on == [0, 0, 0] and s.f3.state == WAIT and len(s.closed_at) == before
        s.tell(f2.RESTORED)
        assert acts(s.run(BASE_MS), A_SELECT, A_CLOSE) == []
        assert acts(s.run(6000), A_END) == [(A_END, 3, 0)] and s.on == [1, 1, 1]
        for op in range(3):
            s.beat(op)
        assert s.run(1000) == []


def test_a_closing_not_yet_told_to_the_role_is_withdrawn():
    s = Street()
    s.outage()
    s.run(BASE_MS + 30)
    s.f3.on_ack(s.now, 0, 0, 1, ev.E_OK)
    s.tell(f2.LOST)
    assert s.f3.step(s.now, True, 7) == [(A_SHED,)]


def test_what_others_opened_stays_open():
    for why in (ev.WHY_SCC, ev.WHY_OV, ev.WHY_LOCAL, ev.WHY_STUCK, ev.WHY_PHS, ev.WHY_RESET,
                ev.WHY_VERIFY):
        s = Street()
        s.on[1], s.why[1] = 0, why
        s.beat(1)
        s.outage()
        s.run(9000)
        s.beat(1)
        s.run(70_000)
        assert s.on == [1, 0, 1] and [op for _, op in s.closed_at] == [0, 2], why
        assert acts(s.said, A_END) == [(A_END, 2, 1)]


def test_a_lock_put_on_during_the_outage_is_respected():
    s = Street()
    s.tell(f2.LOST)
    s.run(1000)
    s.why[1] = ev.WHY_LOCAL
    s.beat(1)
    s.tell(f2.RESTORED)
    s.run(9000)
    assert s.on == [1, 0, 1]


def test_a_heart_beat_sent_just_before_the_opening_leaves_nobody_dark():
    s = Street()
    s.tell(f2.LOST)
    s.run(20)
    s.beat(1)
    s.run(1000)
    s.tell(f2.RESTORED)
    s.run(9000)
    assert s.on == [1, 1, 1]


def test_who_was_open_because_of_the_outage_and_then_was_reset_is_ours():
    s = Street()
    s.tell(f2.LOST)
    s.run(1000)
    s.why[1] = ev.WHY_RESET
    s.beat(1)
    s.tell(f2.RESTORED)
    s.run(9000)
    assert s.on == [1, 1, 1]


def test_the_centre_may_open_somebody_who_waits_and_release_him_again():
    s = Street()
    s.tell(f2.LOST)
    s.run(1000)
    s.f3.on_scc(1, True)
    s.beat(1)   # still says that the outage opened him
    s.tell(f2.RESTORED)
    s.run(9000)
    assert s.on == [1, 0, 1]
    s.f3.on_scc(1, False)
    s.run(9000)
    assert s.on == [1, 1, 1]
    s = Street()
    s.outage()
    s.run(BASE_MS + 20)   # selected, its answer on the way
    s.f3.on_scc(0, True)
    s.run(9000)
    assert s.on == [0, 1, 1]


def test_weak_supply_holds_the_slots_and_alarms_after_a_minute():
    s = Street()
    s.outage()
    s.run(BASE_MS + 500)
    s.supply_ok = False
    said = s.run(20_000)
    assert acts(said, A_HOLD) == [(A_HOLD, ev.E_LIMIT)] and len(s.closed_at) == 1
    s.supply_ok = True
    assert acts(s.run(3000), A_END) == [(A_END, 3, 0)]

    s = Street()
    s.outage()
    s.supply_ok = False
    said = s.run(BASE_MS + 61_000)
    assert acts(said, A_FAIL) == [(A_FAIL, k, ev.E_LIMIT) for k in range(3)]
    assert said[-1][1:] == (A_END, 0, 3)
    assert said[-1][0] - s.said[acts_at(s.said, A_HOLD)][0] in (60_000, 60_100)
    s.run(70_000)
    assert not s.closed_at
    s.supply_ok = True
    said = s.run(70_000)
    assert s.on == [1, 1, 1] and acts(said, A_CLOSED) == [(A_CLOSED, k) for k in range(3)]


def acts_at(said, kind):
    return [k for k in range(len(said)) if said[k][1] == kind][0]


def test_weakness_during_the_jitter_holds_too():
    s = Street(jitter_ms=300)
    s.outage()
    s.run(BASE_MS + 100)
    s.supply_ok = False
    assert acts(s.run(1000), A_SELECT, A_HOLD) == [(A_HOLD, ev.E_LIMIT)]


def test_who_cannot_be_selected_is_tried_at_the_end_then_alarmed_then_every_minute():
    s = Street()
    s.outage()
    s.deaf = {0}
    said = s.run(BASE_MS + 8000)
    assert acts(said, A_SELECT, A_CLOSED, A_FAIL, A_END) == [
        (A_SELECT, 0), (A_SELECT, 0), (A_SELECT, 1), (A_CLOSED, 1), (A_SELECT, 2), (A_CLOSED, 2),
        (A_SELECT, 0), (A_SELECT, 0), (A_FAIL, 0, ev.E_UNKNOWN), (A_END, 2, 1)]
    assert s.f3.idle()
    said = s.run(130_000)
    assert acts(said, A_SELECT, A_FAIL, A_END) == [(A_SELECT, 0)] * 4
    assert 60_000 <= said[2][0] - said[0][0] <= 62_000
    s.beat(0)  # heart beats of the one in trouble start no new delay
    assert acts(s.run(1000), A_DELAY) == []
    s.deaf = set()
    assert acts(s.run(62_000), A_CLOSED) == [(A_CLOSED, 0)] and s.on == [1, 1, 1]


def test_a_refusal_is_told_with_its_reason():
    s = Street()
    s.refuse = {1: ev.E_INTERLOCK}
    s.outage()
    assert acts(s.run(BASE_MS + 8000), A_FAIL) == [(A_FAIL, 1, ev.E_INTERLOCK)]


def test_a_stuck_contact_is_alarmed_once_and_left_alone():
    s = Street()
    s.outage()
    s.run(BASE_MS + 20)
    s.refuse = {0: ev.E_NOT_VERIFIED}
    s.f3.on_ack(s.now, 0, 0, 1, ev.E_OK)
    said = s.run(200_000)
    assert acts(said, A_FAIL) == [(A_FAIL, 0, ev.E_NOT_VERIFIED)]
    assert acts(said, A_SELECT) == [(A_SELECT, 1), (A_SELECT, 2)]
    s.refuse = {}
    s.f3.on_scc(0, False)  # the centre has had a look
    s.run(70_000)
    assert s.on == [1, 1, 1]
    s = Street()
    s.deaf = {2}
    s.tell(f2.LOST)
    s.run(100)
    s.f3.on_ack(s.now, 2, 1, 0, ev.E_NOT_VERIFIED)  # it did not open
    assert acts(s.run(7000), A_FAIL, A_ASK_OPEN, A_SHED_END) == [
        (A_FAIL, 2, ev.E_NOT_VERIFIED), (A_SHED_END, 2, 1)]


def test_a_closing_whose_answer_is_lost_is_found_out_by_a_second_select():
    s = Street()
    s.outage()
    s.run(BASE_MS + 60)   # select of 0 answered
    s.mute = {0}
    s.run(1500)
    s.mute = set()
    said = s.run(6000)
    assert acts(said, A_CLOSED) == [(A_CLOSED, 1), (A_CLOSED, 2), (A_CLOSED, 0)]
    assert acts(said, A_FAIL) == [] and [op for _, op in s.closed_at] == [0, 1, 2]
    at = [t for t, _ in s.closed_at]
    assert at[1] - at[0] >= SLOT_MS and at[2] - at[1] >= SLOT_MS


def test_a_late_proof_still_gives_its_slot_to_the_street():
    s = Street()
    s.outage()
    s.run(BASE_MS + 60)
    s.deaf = {0}
    s.run(2000)           # its closing was given up, the next one has its select on the way
    s.deaf = set()
    assert s.f3.state == RECON
    s.on[0] = 1
    s.f3.on_ack(s.now, 0, 1, 0, ev.E_OK)
    late = s.now
    s.run(6000)
    assert all([t - late >= SLOT_MS for t, op in s.closed_at if t > late]) and s.on == [1, 1, 1]


def test_those_already_on_use_no_slot():
    s = Street()
    s.tell(f2.LOST)
    s.run(1000)
    s.on[0] = 1
    s.tell(f2.RESTORED)
    s.beat(0)
    said = s.run(BASE_MS + 3000)
    assert acts(said, A_SELECT) == [(A_SELECT, 1), (A_SELECT, 2)]


def test_a_restarted_coordinator_finds_those_left_open():
    s = Street()
    s.on[1], s.why[1] = 0, ev.WHY_OUT
    s.beat(1)
    said = s.run(BASE_MS + 1000)
    assert acts(said, A_DELAY, A_SELECT, A_CLOSED, A_END) == [
        (A_DELAY, 1), (A_SELECT, 1), (A_CLOSED, 1), (A_END, 3, 0)]
    assert s.closed_at[0][0] >= BASE_MS


def test_one_of_whom_nothing_is_known_is_not_closed_before_he_speaks():
    s = Street()
    s.f3.configure([(1, "eu%d" % k, 0) for k in range(3)])
    s.on = [0, 0, 0]
    s.why = [ev.WHY_OUT, ev.WHY_SCC, ev.WHY_OUT]
    s.outage()
    s.run(6000)
    assert s.closed_at == []
    for op in range(3):
        s.beat(op)
    s.run(9000)
    assert s.on == [1, 0, 1]


def test_while_phases_are_missing_only_their_users_wait():
    s = Street((0, 1, 0))
    s.outage()
    s.run(BASE_MS + 500)
    s.phase_ok = 5        # the fuse of B blows
    s.run(1000)
    s.tell(f2.PART)
    said = s.run(70_000)
    assert acts(said, A_HOLD, A_FAIL, A_END) == [
        (A_HOLD, ev.E_NO_VOLTAGE), (A_FAIL, 1, ev.E_NO_VOLTAGE), (A_END, 2, 1)]
    assert s.on == [1, 0, 1] and not s.f3.idle()
    s.phase_ok = 7
    s.tell(f2.PART_END)
    said = s.run(6000)
    assert acts(said, A_DELAY, A_CLOSED, A_END) == [(A_DELAY, 1), (A_CLOSED, 1), (A_END, 3, 0)]


def test_one_opened_by_a_lost_phase_comes_back_when_it_does():
    s = Street()
    s.tell(f2.PART)
    s.phase_ok = 5
    s.on[1], s.why[1] = 0, ev.WHY_OUT
    s.beat(1)
    assert s.run(10_000) == []
    s.phase_ok = 7
    s.tell(f2.PART_END)
    s.run(5000)
    assert s.on == [1, 1, 1]


def test_after_an_outage_with_some_phases_back_their_single_phase_users_return_after_a_minute():
    s = Street((0, 1, ABC, 2))
    s.tell(f2.LOST)
    s.run(10_000)
    s.phase_ok = 3
    s.tell(f2.PART)
    part = s.now
    said = s.run(65_000)
    assert acts(said, A_SELECT, A_CLOSED, A_END, A_HOLD, A_FAIL) == [
        (A_SELECT, 0), (A_CLOSED, 0), (A_SELECT, 1), (A_CLOSED, 1), (A_END, 2, 2)]
    assert s.closed_at[0][0] >= part + 60_000 and s.f3.state == WAIT
    s.phase_ok = 7        # all in band, but not yet RESTORED
    assert s.run(130_000) == []
    s.phase_ok = 6        # now another pair: those on B are on, those on C return
    assert acts(s.run(130_000), A_CLOSED) == [(A_CLOSED, 3)]
    s.phase_ok = 7
    s.run(1000)
    s.tell(f2.RESTORED)
    said = s.run(6000)
    assert acts(said, A_DELAY, A_CLOSED, A_END) == [(A_DELAY, 1), (A_CLOSED, 2), (A_END, 4, 0)]


def test_a_fall_during_such_a_reconnection_opens_all():
    s = Street((0, 1, 2))
    s.tell(f2.LOST)
    s.run(10_000)
    s.phase_ok = 3
    s.tell(f2.PART)
    s.run(60_500)
    assert s.f3.state == RECON
    s.tell(f2.FELL)
    s.run(3000)
    assert s.on == [0, 0, 0] and s.f3.state == WAIT
    assert s.run(100_000) == []


def test_states_are_told_apart():
    s = Street()
    s.deaf = {0}
    s.tell(f2.LOST)
    s.run(100)
    assert s.f3.state == SHED and not s.f3.idle()
