"""F4 against section 11 of the spec: when it asks, whom it moves, and when it lets go."""
from acu import events as ev
from acu.functions.averaging import Average
from acu.functions.balancing import (
    ABORT_FEW,
    ABORT_GAIN,
    ABORT_IDLE,
    ABORT_MEMORY,
    ARMED,
    B_ABORT,
    B_ASK,
    B_BACK,
    B_MOVE,
    B_PLAN,
    B_QUERY,
    B_RESULT,
    COMMAND,
    COOLDOWN,
    MONITOR,
    QUERY,
    VERIFY,
    Balancing,
)

A, B, C = 0, 1, 2
SR_VA = 15_000
LEAD_MS = 2000


class Street:
    """Customers of constant power; the post's average over 5 s; answers come after 40 ms."""

    def __init__(self, loads=((A, 2000), (B, 1800), (A, 1600)), sw=(1, 1, 1)):
        self.f4 = Balancing(len(loads), 200, 50, 5000, 500, 1, 5000, 10_000, SR_VA, 4, LEAD_MS)
        self.avg = Average(5000, 3)
        self.ph = [ph for ph, _ in loads]
        self.s_va = [s for _, s in loads]
        self.sw = sw
        self.nops = [0] * len(loads)
        self.deaf = set()
        self.nack = {}
        self.extra = [0, 0, 0]  # load of the post that no customer explains
        self.enabled = True
        self.idle = True
        self.inrush_ms = 0      # for so long after its move a customer takes six times its load
        self._rush = {}         # op: until when
        self.now = 0
        self.said = []
        self._mail = []

    def post(self):
        s3 = list(self.extra)
        for k in range(len(self.ph)):
            s3[self.ph[k]] += self.s_va[k] * (6 if self.now < self._rush.get(k, 0) else 1)
        return s3

    def run(self, ms):
        first = len(self.said)
        for _ in range(ms // 10):
            for mail in [m for m in self._mail if m[0] == self.now]:
                self._arrive(*mail[1:])
            if self.now % 200 == 0:
                self.avg.add(self.now, self.post())
            for action in self.f4.step(self.now, self.avg.mean(), self.enabled, self.idle):
                self.said.append((self.now,) + action)
                if action[0] == B_QUERY:
                    self._mail += [(self.now + 40, B_ASK, op, 0) for op in range(len(self.ph))]
                elif action[0] == B_ASK:
                    self._mail.append((self.now + 40, B_ASK, action[1], 0))
                elif action[0] in (B_MOVE, B_BACK):
                    after = 40 if action[1] in self.nack else LEAD_MS + 100
                    self._mail.append((self.now + after, B_MOVE, action[1], action[3]))
            self.now += 10
        return self.said[first:]

    def _arrive(self, kind, op, to):
        if op in self.deaf:
            return
        if kind == B_ASK:
            s = self.s_va[op]
            p, q = s * 95 // 100, s * 31 // 100
            self.f4.on_rep(op, self.ph[op], s, p, q, self.sw[op], self.nops[op])
        elif op in self.nack:
            self.f4.on_phs_ack(op, self.ph[op], self.nack[op])
        else:
            self.ph[op] = to
            self._rush[op] = self.now + self.inrush_ms
            self.f4.on_phs_ack(op, to, ev.E_OK)


def acts(said, *kinds):
    return [s[1:] for s in said if s[1] in kinds]


def test_the_assay_from_enabling_to_the_result():
    s = Street()
    s.enabled = False
    s.run(50_000)
    assert s.said == [] and s.f4.ui_m == 1000
    s.enabled = True
    said = s.run(25_000)
    assert [x[1:] for x in said] == [
        (B_QUERY,), (B_PLAN, 1, 1000, 111), (B_MOVE, 2, A, C),
        (B_RESULT, 1000, 111, [(2, A, C)], 1, ev.E_OK)]
    assert 55_000 <= said[0][0] <= 55_200
    assert 57_500 <= said[2][0] + LEAD_MS <= 58_500
    assert 62_000 <= said[3][0] <= 64_000


def test_no_query_before_the_hold_is_over_and_every_drop_restarts_it():
    s = Street()
    assert s.run(4000) == [] and s.f4.state == ARMED
    f4 = Balancing(3, 200, 50, 5000, 500, 1, 5000, 10_000, SR_VA)
    high, between, low = (2500, 1900, 1500), (2300, 1900, 1600), (2000, 1900, 1800)
    t = 0
    for s3, ms, state in ((high, 4900, ARMED), (between, 100, ARMED), (high, 4900, ARMED),
                          (low, 10, MONITOR), (high, 4900, ARMED), (high, 200, QUERY)):
        for _ in range(ms // 10):
            f4.step(t, s3, True, True)
            t += 10
        assert f4.state == state, (s3, t)


def test_each_is_asked_once_and_only_the_silent_again():
    s = Street()
    s.run(5000)
    said = s.run(1200)
    assert acts(said, B_QUERY, B_ASK) == [(B_QUERY,)]
    s = Street()
    s.deaf = {1}
    said = s.run(6100)
    assert acts(said, B_QUERY, B_ASK, B_ABORT) == [(B_QUERY,), (B_ASK, 1), (B_ABORT, ABORT_FEW)]
    assert s.f4.state == COOLDOWN
    s = Street()
    s.deaf = {1}
    s.run(5300)
    s.deaf = set()
    said = s.run(1000)
    assert acts(said, B_ASK, B_MOVE) == [(B_ASK, 1), (B_MOVE, 2, A, C)]


def test_the_window_is_waited_for_also_when_everybody_has_answered():
    s = Street()
    said = s.run(8000)
    assert said[2][0] - said[0][0] >= 500


def test_too_little_to_gain_moves_nobody():
    s = Street(sw=(0, 0, 0))
    assert acts(s.run(6000), B_MOVE, B_ABORT) == [(B_ABORT, ABORT_GAIN)]
    assert acts(s.run(9000), B_QUERY) == []


def test_after_a_refusal_another_one_goes():
    s = Street()
    s.nack = {2: ev.E_INTERLOCK}
    said = s.run(20_000)
    assert acts(said, B_MOVE, B_RESULT) == [(B_MOVE, 2, A, C), (B_MOVE, 0, A, C),
                                            (B_RESULT, 1000, 111, [(0, A, C)], 1, ev.E_INTERLOCK)]


def test_silence_is_a_refusal_and_there_is_one_second_plan_only():
    s = Street()
    s.nack = {0: ev.E_BUSY}
    s.run(5700)
    s.deaf = {2}
    said = s.run(20_000)
    assert acts(said, B_MOVE, B_RESULT) == [(B_MOVE, 0, A, C),
                                            (B_RESULT, 1000, 1000, [], 0, ev.E_BUSY)]


def test_a_street_that_refuses_is_asked_twice():
    s = Street(((A, 300),) * 9, (1,) * 9)
    s.extra = [1500, 3000, 2700]
    s.nack = {k: ev.E_LIMIT for k in range(9)}
    said = s.run(25_000)
    assert len(acts(said, B_PLAN)) == 2
    assert acts(said, B_RESULT) == [(B_RESULT, 273, 273, [], 0, ev.E_LIMIT)]
    assert acts(said, B_BACK) == []


def test_who_moved_is_counted_where_it_is_in_the_second_plan():
    loads = ((A, 1500), (A, 1500), (A, 1500), (A, 1500), (A, 1500), (A, 1500))
    s = Street(loads, (1,) * 6)
    s.run(5700)
    moves = acts(s.said, B_MOVE)
    assert len(moves) == 4
    s.nack = {moves[0][1]: ev.E_LIMIT}
    # its refusal was to come late, so tell it now
    s.f4.on_phs_ack(moves[0][1], A, ev.E_LIMIT)
    said = s.run(25_000)
    again = acts(said, B_MOVE)
    assert len(again) == 1 and again[0][1] not in [m[1] for m in moves]
    assert acts(said, B_RESULT)[0][1:3] == (2000, 0) and sorted(s.ph) == [0, 0, 1, 1, 2, 2]


def test_what_made_it_worse_is_taken_back_and_rested_four_times_longer():
    s = Street()
    s.run(6000)
    s.extra = [0, 0, 9000]
    said = s.run(9000)
    assert acts(said, B_BACK) == [(B_BACK, 2, C, A)]
    result = acts(said, B_RESULT)[0]
    assert result[2] > result[1] and result[3:] == ([(2, A, C)], 0, ev.E_NOT_VERIFIED)
    done = said[-1][0]
    s.extra = [0, 0, 0]
    said = s.run(50_000)
    assert said[0][1] == B_QUERY and done + 40_000 <= said[0][0] <= done + 45_100


def test_the_result_is_read_from_an_average_that_began_after_the_inrush():
    s = Street()
    s.inrush_ms = 800
    said = s.run(20_000)
    moved = [x[0] for x in said if x[1] == B_MOVE][0] + LEAD_MS + 100
    result = [x for x in said if x[1] == B_RESULT][0]
    assert moved + 6000 <= result[0] <= moved + 6300 and result[3] == 111


def test_an_outage_at_any_point_lets_go():
    for ms, state in ((3000, ARMED), (5200, QUERY), (5600, COMMAND), (8000, VERIFY)):
        s = Street()
        s.run(ms)
        assert s.f4.state == state
        s.idle = False
        said = s.run(100)
        if state == ARMED:
            assert said == [] and s.f4.state == MONITOR
        elif state == QUERY:
            assert [x[1:] for x in said] == [(B_ABORT, ABORT_IDLE)] and s.f4.state == MONITOR
        else:
            assert acts(said, B_ABORT) == [(B_ABORT, ABORT_IDLE)] and s.f4.state == COOLDOWN
            assert acts(said, B_RESULT)[0][4:] == (0, ev.E_BUSY)
        assert acts(s.run(3000), B_MOVE, B_QUERY) == []


def test_off_means_off_also_in_the_middle():
    s = Street()
    s.run(5200)
    s.enabled = False
    assert acts(s.run(60_000), B_QUERY, B_MOVE, B_ABORT) == [(B_ABORT, ABORT_IDLE)]


def test_who_has_no_moves_left_today_stays():
    s = Street()
    s.nops = [0, 0, 4]
    assert acts(s.run(7000), B_MOVE) == [(B_MOVE, 0, A, C)]


def test_cooldown_then_the_next_round():
    s = Street()
    done = s.run(15_000)[-1]
    assert done[1] == B_RESULT and s.f4.state == COOLDOWN
    s.s_va = [5000, 100, 100]
    said = s.run(20_000)
    assert said[0][1] == B_QUERY and done[0] + 15_000 <= said[0][0] <= done[0] + 15_100


def test_exporters_are_planned_with_signed_powers():
    f4 = Balancing(3, 200, 50, 1000, 500, 0, 5000, 10_000, SR_VA)
    p3 = (500, 3500, 400)
    said = []
    for t in range(0, 3000, 10):
        said += f4.step(t, p3, True, True, p3, (0, 0, 0))
        if t == 1100:
            f4.on_rep(0, A, 2500, -2500, 0, 0, 0)
            f4.on_rep(1, B, 2000, 2000, 0, 1, 0)
            f4.on_rep(2, B, 1500, 1500, 0, 1, 0)
    assert (B_MOVE, 2, B, C) in said and len(said) == 3


def test_the_unbalance_is_worked_out_only_when_the_averages_are_others():
    f4 = Balancing(3, 200, 50, 5000, 500, 1, 5000, 10_000, SR_VA)
    f4.step(0, (3600, 1800, 0), True, True)
    assert f4.ui_m == 1000
    f4.step(10, (1, 2, 3), True, True, fresh=False)
    assert f4.ui_m == 1000
    f4.step(20, (2000, 1800, 1600), True, True, fresh=True)
    assert f4.ui_m == 111


class _NoRoom:
    """A planner that finds no memory, when it is made or while it searches."""

    at_start = True

    def __init__(self, *_):
        if self.at_start:
            raise MemoryError

    def step(self):
        raise MemoryError


def test_without_room_for_a_plan_nobody_moves_and_it_is_tried_again_later():
    for at_start in (True, False):
        from acu.functions import planner  # a board forgets it after each plan
        street = Street()
        was, planner.Planner = planner.Planner, _NoRoom
        _NoRoom.at_start = at_start
        try:
            said = street.run(7_000)
        finally:
            planner.Planner = was
        assert acts(said, B_ABORT, B_PLAN, B_MOVE) == [(B_ABORT, ABORT_MEMORY)]
        assert street.f4.state == COOLDOWN
        assert acts(street.run(20_000), B_MOVE) == [(B_MOVE, 2, A, C)]
