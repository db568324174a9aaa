"""Functions of the four-recloser scheme: triggers, balance table, what the others told, grants,
separator, tie, load shedding (spec recloser, 4)."""
from array import array

from acu.dsp import bay
from acu.functions import grants as gr
from acu.functions import islanding as pai
from acu.functions import peers as ps
from acu.functions import separating as sp
from acu.functions import tie as ti
from acu.functions.balance import Balance, choose
from acu.functions.load_shedding import LoadShedding

CFG = {"il_u_pm": 700, "il_u_ms": 20, "il_df_mhzs": 2_000, "il_df_ms": 100, "il_jump_cdeg": 2_000,
       "u_live_pm": 850}
U = (bay.UAB1, bay.UBC1, bay.UCA1, bay.UAB2, bay.UBC2, bay.UCA2)


class Bus:
    """What both sides of a closed breaker show."""

    def __init__(self, **changed):
        self.q = array("i", [0] * bay.NQ)
        self.pai = pai.Islanding(dict(CFG, **changed), self.q)
        self.volts(10_000)
        self.q[bay.CALM1] = 1000
        self.closed = 1
        self.turn = 0               # of 2^24, a tick
        self.said = []

    def volts(self, bp, places=U):
        for place in places:
            self.q[place] = bp
        return self

    def run(self, ms):
        for _ in range(ms // 5):
            self.q[bay.SEQ] += 1
            self.q[bay.TH1] = (self.q[bay.TH1] + self.turn) & 0xFFFFFF
            self.said.append(self.pai.step(self.closed))
        return self

    def after_ms(self, ms):
        """From now on, how long until it says open; -1: not within ms."""
        begun = len(self.said)
        self.run(ms)
        for k in range(begun, len(self.said)):
            if self.said[k]:
                return (k - begun + 1) * 5
        return -1


def test_pai_opens_when_a_voltage_has_been_low_for_its_time():
    for places in (U, (U[0], U[3]), (U[2], U[5])):
        bus = Bus().run(1_100).volts(6_990, places)
        assert bus.after_ms(100) == 20 and bus.said[-1] == pai.BIT
        assert (bus.pai.st[pai.WHY], bus.pai.st[pai.VALUE]) == (pai.VOLTAGE, 6_990)
    assert Bus().run(1_100).volts(7_000).after_ms(500) == -1
    bus = Bus(il_u_ms=100).run(1_100).volts(3_000)
    assert bus.after_ms(95) == -1
    assert bus.volts(10_000).run(5).volts(3_000).after_ms(95) == -1      # begins anew
    assert bus.after_ms(10) == 5


def test_pai_is_armed_by_a_second_of_health_and_only_while_the_breaker_is_closed():
    assert Bus().run(990).volts(100).after_ms(500) == -1
    bus = Bus().run(1_100)
    bus.closed = 0
    assert bus.run(5).volts(100).after_ms(500) == -1
    bus.volts(10_000).closed = 1
    assert bus.run(900).volts(100).after_ms(200) == -1
    bus.volts(10_000).run(1_100)
    assert bus.volts(100).after_ms(200) == 20
    bus.volts(10_000).run(50)
    assert bus.said[-1] == pai.BIT          # until it is open
    bus.closed = -1
    bus.run(5)
    assert bus.said[-1] == 0
    off = Bus(il_pai="off").run(1_100).volts(100)
    assert off.after_ms(100) == -1 and off.pai.st[pai.WHY] == pai.VOLTAGE


def test_one_sick_channel_opens_nothing_but_a_dead_line_beside_it_does():
    bus = Bus().run(1_100).volts(0, U[:3])              # one side only: its transformer
    assert bus.after_ms(500) == -1
    bus = Bus().run(1_100)
    bus.q[bay.BAD] = 1
    bus.volts(0, U[:3])
    assert bus.after_ms(500) == -1
    assert bus.volts(100).after_ms(100) == 20           # side 2 alone says it
    bus = Bus().run(1_100)
    bus.q[bay.BAD] = 1 | 4                              # both are sick: nobody knows
    assert bus.volts(0).after_ms(500) == -1


def test_pai_opens_on_a_fast_change_of_frequency():
    bus = Bus().run(1_100)
    bus.q[bay.DF1] = -2_001
    assert bus.after_ms(200) == 100 and bus.pai.st[pai.WHY] == pai.CHANGE
    bus = Bus().run(1_100)
    bus.q[bay.DF1] = 2_000
    assert bus.after_ms(500) == -1
    bus.q[bay.DF1] = 9_000
    bus.q[bay.CALM1] = 0                                # a jump has no frequency
    assert bus.after_ms(500) == -1


def test_pai_opens_on_a_jump_of_the_angle_whatever_the_frequency():
    for turn in (0, 1_677, -1_677):                     # 50 Hz +- 20 mHz * 100
        for deg, opens in ((19.9, False), (20.1, True), (-20.1, True), (-90, True)):
            bus = Bus()
            bus.turn = turn
            bus.run(1_100)
            # the window takes the jump up in 40 ms
            step = int(deg * (1 << 24) / 360) // 8
            bus.turn = turn + step
            bus.run(40)
            bus.turn = turn
            assert (bus.after_ms(100) > 0 or pai.BIT in bus.said) == opens, (turn, deg)
            if opens:
                assert bus.pai.st[pai.WHY] == pai.JUMP
                # as it stood when it was enough: an eighth of a window later it is more
                assert 2_000 <= bus.pai.st[pai.VALUE] <= abs(deg) * 100 + 1


def test_a_swing_of_five_hertz_a_second_is_no_jump():
    bus = Bus().run(1_100)
    for k in range(200):
        bus.turn = 16_777 * 5 * k // 200 // 4           # up to 6 Hz off in a second
        bus.run(5)
    assert pai.BIT not in bus.said


# -- the balance

def test_the_table_of_the_spec():
    """Acceptance check 9: {G1, G2}, {G3, G4}, {} at 0.2, 0.6 and 1.0 MW."""
    ratings = [310_000, 310_000, 120_000, 120_000]
    assert [choose(ratings, w) for w in (200_000, 600_000, 1_000_000)] == [0b0011, 0b1100, 0]


def test_the_least_surplus_wins_and_who_does_not_run_is_not_tripped():
    assert choose([100, 100, 100], 150) == 0b001
    assert choose([0, 310, 120], 110) == 0b010          # the first one stands
    assert choose([100], 100) == 0 and choose([100], 101) == 0
    assert choose([100, 50, 50], 100) == 0b001 or choose([100, 50, 50], 100) == 0b110
    assert choose([100, 50, 50], 100) == 0b001          # one trip rather than two
    assert choose([310, 310], 0) == 0b11


def _told(balance, now_ms, watts, on=1):
    for k in range(len(watts)):
        balance.hear(now_ms, k, {"p_W": watts[k], "on": on, "isl": 0})


def test_the_table_follows_the_load_of_the_last_second():
    b = Balance(["g1", "g2"], [300_000, 200_000])
    assert b.load_w == -1 and b.trips == 0
    new = []
    for k in range(25):
        now_ms = 1000 + 100 * k
        _told(b, now_ms, (300_000, 200_000))
        new.append(b.sample(now_ms, -350_000, True))
    assert b.load_w == 150_000 and b.trips == 0b01
    # after 0.4 s the first, then one a second
    assert [k for k in range(25) if new[k]] == [3, 13, 23]
    assert b.left_w() == 200_000
    _told(b, 4000, (0, 0), 0)
    assert not b.runs(0) and b.left_w() == 0


def test_a_disturbed_second_leaves_the_table_as_it_was():
    b = Balance(["g1", "g2"], [300_000, 200_000])
    for k in range(14):
        _told(b, 1000 + 100 * k, (300_000, 200_000))
        b.sample(1000 + 100 * k, -350_000, True)
    assert b.trips == 0b01
    for k in range(6):
        b.sample(2400 + 100 * k, 2_000_000, True)
    for k in range(30):
        assert not b.sample(3000 + 100 * k, 2_000_000, False)
    assert b.load_w == 150_000 and b.trips == 0b01


def test_without_the_word_of_a_machine_or_of_the_other_separator_there_is_no_table():
    b = Balance(["g1", "g2"], [300_000, 200_000])
    b.hear(1000, 0, {"p_W": 300_000, "on": 1, "isl": 0})
    assert not any([b.sample(1000 + 100 * k, -350_000, True) for k in range(20)])
    _told(b, 3000, (300_000, 200_000))
    assert not any([b.sample(3000 + 100 * k, None, True) for k in range(20)])
    assert any([b.sample(5000 + 100 * k, -350_000, True) for k in range(3)]) is False
    _told(b, 5500, (300_000, 200_000))
    assert any([b.sample(5500 + 100 * k, -350_000, True) for k in range(12)])
    assert b.given_w(5500 + 2_501) is None              # too long ago


# -- the others

def _body(pos, st=ps.GRID, age_ms=10_000, live=0, ask=0, go=0):
    return {"pos": pos, "st": st, "ms": age_ms, "p_W": 0, "fl": live, "w": ask, "g": go}


class Four:
    """What one of them knows of the others."""

    def __init__(self):
        self.peers = ps.Peers(["r1", "r2", "r3", "r4"])
        self.now_ms = 100_000
        self.ts = 1_000_000

    def tell(self, k, pos, st=ps.GRID, age_ms=10_000, late_ms=0, **more):
        self.ts += 1
        return self.peers.hear(self.now_ms, k, late_ms, self.ts, _body(pos, st, age_ms, **more))


def test_a_word_counts_for_a_while_and_never_after_a_newer_one():
    f = Four()
    assert not f.peers.known_open(f.now_ms, 0) and not f.peers.known_closed(f.now_ms, 0)
    f.tell(0, 0, ps.ISLAND, late_ms=30)
    assert f.peers.known_open(f.now_ms, 0)
    assert f.peers.known_open(f.now_ms + 670, 0) and not f.peers.known_open(f.now_ms + 671, 0)
    f.tell(0, 1, ps.GRID)
    assert f.peers.known_closed(f.now_ms + 2_500, 0)
    assert not f.peers.known_closed(f.now_ms + 2_501, 0)
    assert not f.peers.hear(f.now_ms, 0, 0, f.ts - 1, _body(0))
    assert f.peers.known_closed(f.now_ms, 0)
    f.tell(0, 2)
    assert not f.peers.known_open(f.now_ms, 0) and not f.peers.known_closed(f.now_ms, 0)
    f.tell(1, 0, ps.ISLAND, age_ms=40, late_ms=30)
    assert f.peers.for_ms(f.now_ms, 1) == 70


# -- grants

def test_a_grant_counts_until_the_end_of_the_wish_and_for_that_wish_only():
    g = gr.Grants(0)
    assert g.ask == 0 and g.left_ms(0) == 0
    assert g.wish(1_000, 0b101, gr.SHORT_MS) and not g.wish(1_050, 0b101, gr.SHORT_MS)
    n = g.ask
    g.granted(0, n)
    assert g.left_ms(1_060) == 0                # the other one has not
    g.granted(2, n + 1)
    assert g.left_ms(1_060) == 0
    g.granted(2, n)
    assert g.left_ms(1_060) == 140 and not g.missed(1_199)
    assert g.left_ms(1_200) == 0 and g.missed(1_200)
    g.over(False)
    assert g.ask == -n and g.left_ms(1_201) == 0
    g.granted(0, n)
    g.granted(2, n)
    assert g.left_ms(1_201) == 0                # late ones are none
    assert not g.wish(1_500, 1, gr.SHORT_MS) and g.wish(1_600, 1, gr.SHORT_MS) and g.ask != n


def test_only_who_is_needed_hears_of_a_wish():
    g = gr.Grants(3)
    g.wish(1_000, 1 << ps.LEAD, gr.LONG_MS)
    assert g.asks(ps.LEAD) == g.ask and g.asks(ps.TIE) == 0
    g.over(False)
    assert g.asks(ps.LEAD) == g.ask < 0 and g.asks(ps.TIE) == 0


def test_without_an_answer_a_wish_ends_in_time_to_be_taken_back():
    g = gr.Grants(5)
    g.wish(1_000, 0b100, gr.SHORT_MS)
    assert not g.missed(1_109) and g.missed(1_110)
    g.granted(2, g.ask)
    assert not g.missed(1_110)
    # the tie would open at COMMIT_MS; the word that takes it back is there long before
    assert 110 + 60 < gr.COMMIT_MS


def test_the_loop_is_never_closed_for_longer_than_its_limit():
    """The tie's grant is the begin of its 300 ms; the wish that it answers was said before, and
    its order goes out within 200 ms of that: the touch may be 50 ms and some scatter later."""
    travel_ms = 60
    assert gr.SHORT_MS + travel_ms < gr.COMMIT_MS + 35          # it parts after the touch
    dwell_ms = 100
    assert gr.COMMIT_MS + 50 + 10 - dwell_ms - 40 < 300         # and not 0.3 s after it


def test_a_promise_goes_to_one_at_a_time_and_ends_as_it_was_given():
    g = gr.Grants(0)
    assert g.promise(1_000, 1, 7, gr.COMMIT_MS) and g.promised(1_299)
    assert g.promise(1_100, 1, 7, gr.COMMIT_MS)                 # the same wish, said again
    assert not g.promise(1_100, 2, 9, gr.COMMIT_MS)
    assert not g.due(1_299) and g.due(1_300) and not g.due(1_305)
    assert not g.promise(1_310, 1, 7, gr.COMMIT_MS)             # a copy that comes late
    assert g.promise(1_400, 2, 9, gr.COMMIT_MS)
    g.released(2, -8)
    assert g.promised(1_500)
    g.released(2, -9)
    assert not g.promised(1_500) and not g.due(1_800)


# -- separators

def _island(place, back_ms=1_500):
    s = sp.Separating(place, back_ms, True)
    s.step(0, True, False, True)
    s.step(5_000, False, True, False)
    assert s.state == ps.ISLAND
    return s


def test_a_separator_waits_for_a_healthy_grid_and_then_wants_to_close():
    s = _island(ps.LEAD)
    assert not s.step(6_000, False, True, True) and s.state == ps.BACK
    assert not s.step(7_490, False, True, True)
    s.step(7_495, False, True, False)                   # not healthy: from the beginning
    assert s.state == ps.ISLAND
    s.step(7_500, False, True, True)
    assert not s.step(8_999, False, True, True)
    assert s.step(9_000, False, True, True) and s.state == ps.SYNC
    assert not s.step(9_010, True, True, True) and s.state == ps.REJOIN
    s.step(11_010, True, True, True)
    assert s.state == ps.GRID


def test_what_was_opened_on_purpose_or_is_locked_stays_out():
    s = sp.Separating(ps.LEAD, 1_500, True)
    for k in range(400):
        assert not s.step(10 * k, False, False, True)
    assert s.state == ps.OUT
    found = sp.Separating(ps.SECOND, 1_500, False)      # after a reset
    assert found.state == ps.OUT
    s.step(5_000, False, True, True)                    # a lock-out that was ended
    assert s.state == ps.ISLAND


def test_r1_closes_when_r2_or_r3_is_known_to_be_open_and_else_asks_the_tie():
    f = Four()
    s = _island(ps.LEAD)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.NO, 0)          # nobody is heard
    f.tell(ps.SECOND, 0, ps.SYNC)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.FREE, 0)
    assert s.loop_allows(f.now_ms, f.peers, True) == (sp.NO, 0)           # another one may
    assert s.loop_allows(5_995, f.peers, False) == (sp.NO, 0)             # just opened
    assert s.loop_allows(6_000, f.peers, False) == (sp.FREE, 0)
    assert s.loop_allows(f.now_ms + 701, f.peers, False) == (sp.NO, 0)    # too long ago
    f.tell(ps.SECOND, 1, ps.GRID)
    f.tell(ps.TIE, 1, ps.ISLAND)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.ASK, 1 << ps.TIE)
    f.tell(ps.TIE, 0, ps.GRID)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.FREE, 0)
    f.tell(ps.SECOND, 1, ps.REJOIN, age_ms=150)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.NO, 0)          # 0.2 s apart


def test_r2_goes_after_r1_and_never_without_its_grant():
    f = Four()
    s = _island(ps.SECOND)
    f.tell(ps.LEAD, 0, ps.SYNC)
    f.tell(ps.TIE, 1, ps.ISLAND)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.NO, 0)
    f.tell(ps.LEAD, 1, ps.REJOIN, age_ms=190)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.NO, 0)
    f.tell(ps.LEAD, 1, ps.REJOIN, age_ms=200)
    both = 1 << ps.LEAD | 1 << ps.TIE
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.ASK, both)
    f.tell(ps.TIE, 0, ps.GRID)
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.ASK, 1 << ps.LEAD)
    f.tell(ps.LEAD, 0, ps.OUT)                          # R1 is out of it
    assert s.loop_allows(f.now_ms, f.peers, False) == (sp.ASK, 1 << ps.LEAD)
    assert s.loop_allows(f.now_ms + 701, f.peers, False) == (sp.NO, 0)


def test_the_lead_grants_what_it_cannot_be_hurt_by():
    f = Four()
    s = _island(ps.LEAD)
    f.tell(ps.SECOND, 0, ps.ISLAND)
    assert s.grants(f.now_ms, ps.TIE, False, f.peers)
    assert not s.grants(f.now_ms, ps.TIE, True, f.peers)        # it closes itself
    assert not s.grants(f.now_ms, ps.SECOND, False, f.peers)    # R1 first
    s.step(f.now_ms, True, True, True)
    assert not s.grants(f.now_ms + 190, ps.SECOND, False, f.peers)
    assert s.grants(f.now_ms + 200, ps.SECOND, False, f.peers)
    assert s.grants(f.now_ms + 200, ps.TIE, False, f.peers)
    f.tell(ps.SECOND, 1, ps.GRID)
    assert not s.grants(f.now_ms + 200, ps.TIE, False, f.peers)     # a parallel path
    assert not _island(ps.SECOND).grants(f.now_ms, ps.TIE, False, f.peers)


# -- the tie

def _whole(f, tie):
    f.tell(ps.LEAD, 1)
    f.tell(ps.SECOND, 1)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.NOTHING and tie.state == ps.GRID


def test_the_tie_closes_armed_within_100_ms_of_both_proven_open():
    f = Four()
    tie = ti.Tie(False)
    assert tie.state == ps.OUT                          # after a reset nobody knows
    _whole(f, tie)
    f.tell(ps.LEAD, 0, ps.ISLAND, age_ms=20)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.NOTHING       # one is not enough
    assert tie.loop_allows(f.now_ms, f.peers, False)[0] == sp.ASK
    f.tell(ps.SECOND, 0, ps.ISLAND, age_ms=10)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.CLOSE_ARMED
    assert tie.loop_allows(f.now_ms + 90, f.peers, False) == (sp.FREE, 0)
    assert tie.step(f.now_ms + 91, False, True, f.peers) == ti.NOTHING
    assert tie.loop_allows(f.now_ms + 91, f.peers, False) == (sp.ASK, 1 << ps.LEAD)


def test_later_it_closes_with_the_full_check_until_the_grid_is_back():
    f = Four()
    tie = ti.Tie(False)
    _whole(f, tie)
    f.tell(ps.LEAD, 0, ps.ISLAND, age_ms=1_000)
    f.tell(ps.SECOND, 0, ps.ISLAND, age_ms=999)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.NOTHING
    f.tell(ps.SECOND, 0, ps.ISLAND, age_ms=1_001)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.CLOSE
    f.tell(ps.LEAD, 0, ps.BACK, age_ms=9_000)
    assert tie.step(f.now_ms, False, True, f.peers) == ti.NOTHING


def test_the_tie_opens_when_both_separators_are_closed_and_stays_out_after_a_hand():
    f = Four()
    tie = ti.Tie(True)
    f.tell(ps.LEAD, 1, ps.REJOIN)
    f.tell(ps.SECOND, 0, ps.SYNC)
    assert tie.step(f.now_ms, True, True, f.peers) == ti.NOTHING
    f.tell(ps.SECOND, 1, ps.REJOIN)
    assert tie.step(f.now_ms, True, True, f.peers) == ti.OPEN
    assert not tie.grants(0) and tie.grants(1)
    f.tell(ps.LEAD, 0, ps.ISLAND, age_ms=2_000)
    f.tell(ps.SECOND, 0, ps.ISLAND, age_ms=2_000)
    assert tie.step(f.now_ms, False, False, f.peers) == ti.NOTHING and tie.state == ps.OUT
    assert tie.step(f.now_ms, False, True, f.peers) == ti.NOTHING       # until that is over
    _whole(f, tie)
    assert tie.loop_allows(f.now_ms, f.peers, False) == (sp.NO, 0)        # neither is open
    assert tie.grants(0)


# -- the load

def test_shed_load_comes_back_when_the_island_is_over_and_the_frequency_calm():
    f = Four()
    shed = LoadShedding(200, 30, 50_000, True)
    shed.step(0, False, True, 48_000, f.peers)
    assert shed.state == ps.ISLAND

    def play(s, mhz, lead=1, lead_st=ps.GRID, tie=0):
        """True if it wants to close within s."""
        for _ in range(100 * s):
            f.now_ms += 10
            f.tell(ps.LEAD, lead, lead_st)
            f.tell(ps.TIE, tie, ps.GRID)
            if shed.step(f.now_ms, False, True, mhz, f.peers):
                return True
        return False

    assert not play(40, 50_000, lead=0, lead_st=ps.ISLAND)
    assert not play(40, 50_000, tie=1)
    assert not play(40, 50_200) and not play(40, 49_800)
    assert not play(29, 50_199)
    assert play(2, 49_801)
    shed.step(f.now_ms, False, True, 50_300, f.peers)
    assert not play(29, 50_000)
    f.now_ms += 3_000                                   # the lead is not heard any more
    assert not shed.step(f.now_ms, False, True, 50_000, f.peers)
    assert not play(29, 50_000)
    shed.step(f.now_ms, False, False, 50_000, f.peers)  # opened on purpose since
    assert shed.state == ps.OUT
