"""Role Islander: one of the four reclosers as a whole, the others played by hand (spec recloser,
4): what it opens and closes, and what it never does."""
import micropython

from acu.functions import peers as ps
from acu.roles import islander
from acu.roles.switched import O_CHECK, O_CLOSE
from tests.unit.quad import Quad, frame
from tests.unit.yard import REMOTE, TAG, TRIP

# -- apart


def test_it_opens_ahead_of_the_protection_and_tells_the_others():
    i = Quad("lead").quiet()
    assert i.heard["r2"]["pos"] == 1 and i.heard["r4"]["st"] == ps.GRID
    begun = i.ms()
    i.grid = (0.3, 50.0)
    i.run(150)
    assert i.opens() == 1 and i.drives[0][0] - begun <= 65, i.drives
    assert i.moved() == [0] and "PAI trigger=1" in " ".join(i.lines)
    assert i.heard["r2"]["pos"] == 0 and i.heard["r2"]["st"] == ps.ISLAND
    assert i.heard["r3"]["live"] & ps.B_PAI and i.acu.protection.group == 1
    assert i.isl() == ["ISL st=1 before=0 why=PAI"]
    i = Quad("lead", il_pai="off").quiet()
    i.grid = (0.3, 50.0)
    i.run(500)
    assert i.opens() == 0 and i.acu.scheme.state == ps.GRID


def test_it_needs_no_message_for_that():
    i = Quad("second").quiet()
    i.silent("r1", "r3", "r4").run(3_000)
    i.grid = (0.3, 50.0)
    assert i.run(150).moved() == [0]


def test_a_separator_follows_the_other_one():
    i = Quad("second").quiet()
    i.peer("r1", 0, ps.ISLAND, 50, live=ps.B_PAI).run(60)
    assert i.opens() == 1 and "PAI trigger=4 val=0" in i.lines
    i.run(100)
    assert i.moved() == [0] and i.acu.scheme.state == ps.BACK
    i = Quad("second").quiet()              # not where that one opened for a fault of its own
    i.peer("r1", 0, ps.ISLAND, 50).run(300)
    assert i.opens() == 0


# -- and back

def test_r1_comes_back_with_the_check_once_the_grid_is_healthy():
    i = Quad("lead", il_back_ms=1_000).quiet().separated()
    i.back().run(2_500)
    assert i.moved() == [0, 1] and i.closes() == 1
    assert abs((i.moves[1][2] + 180) % 360 - 180) < 10, i.moves
    i.run(2_500)
    assert [line[4:16] for line in i.isl()] == [
        "st=1 before=", "st=2 before=", "st=3 before=", "st=4 before=", "st=0 before="]
    assert i.acu.protection.group == 0 and "CLOSED why=ISL" in " ".join(i.lines)


def test_not_while_the_grid_is_not_healthy_for_its_time():
    i = Quad("lead", il_back_ms=1_500).quiet().separated().back(deg=3.0, slip_hz=0.0)
    i.run(1_300)
    i.grid = (0.4, 50.0)
    i.run(100)
    i.grid = (1.0, 50.0)
    i.run(1_300)
    assert i.moved() == [0]
    i.run(1_000)
    assert i.moved() == [0, 1]


def test_r1_waits_while_it_knows_neither_r2_nor_r3_to_be_open():
    i = Quad("lead", il_back_ms=500).quiet().separated()
    i.silent("r2", "r3")
    i.back(deg=3.0, slip_hz=0.0).run(4_000)
    assert i.moved() == [0] and i.acu.check.waiting()
    i.peer("r2", 0, ps.SYNC, 5_000).run(500)
    assert i.moved() == [0, 1]


def test_what_was_let_through_ends_when_the_slow_tier_stands_still():
    """A handshake of 20 s, say: what the others told meanwhile nobody has read."""
    i = Quad("lead", il_back_ms=500).quiet().separated()
    i.back(deg=-55.0).run(1_000)
    assert i.acu.check.waiting() and i.acu.hold == 0
    i.unit.hang_until_us = i.t_us + 60_000_000
    i.run(150)
    assert i.acu.hold == islander.HOLD
    i.run(2_500)
    assert i.moved() == [0]


def test_r2_waits_for_r1_and_closes_with_both_grants_only():
    i = Quad("second", il_back_ms=500).quiet().separated()
    i.back(deg=3.0, slip_hz=0.0).run(2_500)
    assert i.moved() == [0] and not [b for _, _, b in i.told if b["ask"] > 0]
    i.peer("r1", 1, ps.REJOIN, 0).run(150)
    assert not [b for _, _, b in i.told if b["ask"] > 0]
    for _ in range(20):
        i.run(10)
        if i.heard["r3"]["ask"] > 0:
            break
    ask = i.heard["r3"]["ask"]
    assert ask > 0 and i.heard["r1"]["ask"] == ask
    i.peer("r1", 1, ps.REJOIN, 400, go=ask).run(60)
    assert i.moved() == [0] and i.closes() == 0           # R3 has not said that it opens
    i.run(100)
    assert i.heard["r3"]["ask"] == -ask                   # too late: it is taken back
    i.peer("r3", 1, ps.ISLAND, 3_000, go=ask).run(300)
    assert i.closes() == 0
    for _ in range(100):
        i.run(10)
        if i.heard["r3"]["ask"] > 0:
            break
    ask2 = i.heard["r3"]["ask"]
    assert ask2 > 0 and ask2 != ask
    begun = i.ms()
    i.peer("r1", 1, ps.REJOIN, 1_400, go=ask2).peer("r3", 1, ps.ISLAND, 4_000, go=ask2).run(300)
    assert i.moved() == [0, 1] and i.moves[1][0] - begun <= 250, i.moves
    assert i.heard["r3"]["ask"] == 0                      # closed: the promise stands


def test_what_was_opened_on_purpose_stays_open():
    i = Quad("lead", il_back_ms=500).quiet()
    i.order(0).run(200)
    assert i.moved() == [0] and i.acu.scheme.state == ps.OUT
    for name, pos in (("r2", 0), ("r3", 1)):
        i.peer(name, pos, ps.ISLAND, 5_000)
    i.back(deg=3.0, slip_hz=0.0).run(4_000)
    assert i.moved() == [0]


def test_a_breaker_that_does_not_prove_is_locked_and_gets_no_second_order():
    """Acceptance check 9: the loss of an auxiliary contact."""
    i = Quad("lead", il_back_ms=500).quiet().separated()
    i.back(deg=3.0, slip_hz=0.0)
    i.levels[0] = 0                                       # 52a stays open
    i.run(6_000)
    assert i.closes() == 1 and i.acu.gate.locked and i.acu.scheme.state == ps.OUT
    assert "LOCKOUT" in " ".join(i.lines) and i.heard["r2"]["st"] == ps.OUT


def test_a_trip_soon_after_the_way_back_is_the_last_one():
    i = Quad("lead", il_back_ms=500, gr_50a_do="trip", gr_50a_ma=5_000).quiet().separated()
    i.back(deg=3.0, slip_hz=0.0)
    for _ in range(300):
        i.run(10)
        if i.closed:
            break
    i.fault_a = 12.0
    i.run(300)
    i.fault_a = 0.0
    assert i.moved() == [0, 1, 0] and i.acu.gate.locked
    i.back(deg=3.0, slip_hz=0.0).run(4_000)
    assert i.moved() == [0, 1, 0] and i.acu.scheme.state == ps.OUT


def test_on_local_with_a_tag_or_without_a_trip_circuit_it_does_not_come_back():
    for place, level in ((REMOTE, 0), (TAG, 1), (TRIP, 0)):
        i = Quad("lead", il_back_ms=500).quiet().separated()
        i.levels[place] = level
        i.back(deg=3.0, slip_hz=0.0).run(3_000)
        assert i.moved() == [0], place
        i.levels[place] = 1 - level
        i.run(1_000)
        assert i.moved() == [0, 1], place


def test_with_rem_0_it_does_not_come_back_by_itself_but_by_hand():
    i = Quad("lead", il_back_ms=500).quiet().separated()
    assert i.acu.set_local(1)
    i.back(deg=3.0, slip_hz=0.0).run(3_000)
    assert i.moved() == [0] and i.acu.scheme.state == ps.SYNC
    assert i.acu.at_console(i.unit.clock.now_ms(), O_CHECK) == 0
    i.run(100)
    assert i.acu.at_console(i.unit.clock.now_ms(), O_CLOSE) == 0
    i.run(500)
    assert i.moved() == [0, 1]


def test_after_a_reset_it_stays_out():
    i = Quad("lead", il_back_ms=500).quiet().separated()
    again = Quad("lead", False, store=i.unit.store, il_back_ms=500)
    for name, pos in (("r2", 0), ("r3", 1), ("r4", 1)):
        again.peer(name, pos, ps.ISLAND, 5_000)
    again.back(deg=3.0, slip_hz=0.0).run(5_000)
    assert again.moved() == [] and again.acu.scheme.state == ps.OUT and again.acu.ready
    assert "LOCKOUT why=RESET on_mask=0" in " ".join(again.lines)
    again.send("cfg", {"k": "lockout", "val": 0}).run(2_500)         # somebody has looked
    assert again.moved() == [1]


# -- the tie

def apart(i, age_ms=10, st=ps.ISLAND):
    i.peer("r1", 0, st, age_ms, live=ps.B_PAI).peer("r2", 0, st, age_ms, live=ps.B_PAI)
    return i


def test_the_tie_closes_at_once_where_it_was_armed():
    i = Quad("tie", False).quiet()
    i.run(500)
    apart(i)
    i.isle = (1.0, 50.3)
    i.run(120)
    assert i.moved() == [1] and i.moves[0][0] < 3_000, i.moves
    # with a halves' angle of 25 degrees it does not
    i = Quad("tie", False).quiet()
    i.run(500)
    i.two.turn = i.one.turn + 38 * 0.0174533
    i.run(60)
    apart(i).run(150)
    assert i.moved() == []


def test_the_tie_was_not_armed_where_the_angle_was_wide_before():
    i = Quad("tie", False)
    i.two.turn = i.one.turn + 12 * 0.0174533
    i.quiet().run(500)
    i.two.turn = i.one.turn + 2 * 0.0174533
    apart(i).run(150)
    assert i.moved() == []


def test_the_tie_closes_only_if_both_are_proven_open():
    i = Quad("tie", False).quiet()
    i.run(500)
    i.peer("r1", 0, ps.ISLAND, 10, live=ps.B_PAI).run(300)
    i.peer("r2", 2, ps.ISLAND, 10).run(300)
    assert i.moved() == []
    # nor by order, while neither is known to be open
    i = Quad("tie", False).quiet()
    i.order(1, 1).run(100)
    i.order(1).run(1_500)
    assert i.moved() == [] and i.acu.check.waiting()


def test_the_tie_grants_opens_by_itself_and_stays_where_it_is_taken_back():
    i = Quad("tie", False).quiet()
    apart(i).run(150)
    assert i.moved() == [1]
    for name in ("r1", "r2"):
        i.peer(name, 0, ps.SYNC, 5_000)
    i.peer("r1", 1, ps.REJOIN, 300).run(300)
    i.peer("r2", 0, ps.SYNC, 6_000, ask=77).run(30)
    assert i.heard["r2"]["go"] == 77 and i.heard["r1"]["go"] == 0
    i.peer("r2", 0, ps.SYNC, 6_200, ask=-77).run(600)
    assert i.moved() == [1]                               # taken back
    i.peer("r2", 0, ps.SYNC, 9_000, ask=78).run(30)
    begun = i.ms()
    i.silent("r1", "r2").run(600)                         # every further word is lost
    assert i.moved() == [1, 0] and 200 <= i.moves[1][0] - begun <= 380
    assert "OPENED why=ISL" in " ".join(i.lines)


def test_the_tie_opens_when_both_are_closed():
    i = Quad("tie", True).quiet()
    i.run(200)
    assert i.moved() == [0] and i.acu.scheme.state == ps.GRID


def test_a_tie_that_could_not_open_grants_nothing():
    i = Quad("tie", True)
    i.levels[TRIP] = 0
    i.time()
    i.peer("r1", 1, ps.REJOIN, 300).peer("r2", 0, ps.SYNC, 6_000, ask=77).run(1_500)
    assert i.heard["r2"]["go"] == 0 and i.moved() == []


# -- words

def test_words_that_are_late_old_or_of_strangers_count_for_nothing():
    i = Quad("second").quiet()
    now_ms = i.unit.clock.now_ms()
    peers = i.acu.peers
    assert peers.known_closed(now_ms, 0)
    i.silent("r1").run(3_000)
    assert peers.known(i.unit.clock.now_ms(), 0) == -1
    i.send("rc.st", frame(dict(i.say["r3"][1], pos=1)), src="r9").run(50)
    i.send("rc.st", frame(dict(i.say["r3"][1], pos=1, st=0)), dst="r4", src="r1").run(50)
    assert peers.known(i.unit.clock.now_ms(), 0) == -1
    for late_ms in (560, -560):
        i.word("r1", 1, late_ms)
        assert peers.known(i.unit.clock.now_ms(), 0) == -1, late_ms
    i.word("r1", 1, 400)
    assert peers.known_closed(i.unit.clock.now_ms(), 0)


def test_without_a_common_clock_nobody_is_believed():
    i = Quad("tie", False)
    i.time = lambda: None
    for name, pos in (("r1", 1), ("r2", 1), ("r4", 1)):
        i.peer(name, pos)
    i.run(2_000)
    assert i.acu.ready and i.acu.peers.known(i.unit.clock.now_ms(), 0) == -1
    apart(i).run(500)
    assert i.moved() == []


# -- the lead and its machines

def fed(i, p_w=100_000, s=1):
    """Machines tell their power every half second."""
    for _ in range(2 * s):
        i.gen("g1", p_w).gen("g2", p_w // 2)
        i.run(500)
    return i


def test_the_lead_trips_by_its_table_770_ms_after_the_separation():
    i = fed(Quad("lead").quiet(), 60_000, 3)
    assert i.acu.balance.load_w > 0
    i.peer("r2", 1, p_W=-i.acu.power_w() - 20_000)
    fed(i, 60_000, 3)
    assert i.acu.balance.trips == 0b01, (i.acu.balance.load_w, i.acu.balance.trips)
    i.separated()
    parted = i.moves[0][0]
    fed(i, 60_000, 1)
    trips = [(ms, name) for ms, name, body in i.sets if body["on"] == 0]
    assert [name for _, name in trips][0] == "g1" and 760 <= trips[0][0] - parted <= 800, trips
    assert all([name == "g1" for _, name in trips]) and len(trips) > 1      # again, until it says
    i.gen("g1", 0, on=0).run(300)
    n = len(i.sets)
    i.run(500)
    assert not [1 for _, name, body in i.sets[n:] if body["on"] == 0]


def test_it_trips_nothing_where_the_island_is_not_whole_or_the_load_not_known():
    i = Quad("lead").quiet()
    i.separated().run(1_500)
    assert "GEN_FAIL g=-1 cause=1" in i.lines and not [1 for x in i.sets if x[2]["on"] == 0]
    i = Quad("lead").quiet()
    fed(i, 60_000, 3)
    i.separated()
    i.peer("r3", 0, ps.ISLAND, 300)
    fed(i, 60_000, 1)
    assert "GEN_FAIL g=-1 cause=2" in i.lines and not [1 for x in i.sets if x[2]["on"] == 0]


def test_machines_are_asked_to_hold_the_frequency_then_to_pass_the_grid_slowly():
    i = Quad("lead", il_bias_mhz=100).quiet()
    fed(i, 60_000, 2)
    i.separated()
    fed(i, 60_000, 1)
    asked = [body for _, name, body in i.sets if name == "g2" and body["on"]]
    assert asked and all([(b["isl"], b["df_mHz"], b["du_bp"]) == (1, 0, 0) for b in asked])
    i.back(deg=-150.0)
    i.grid = (1.02, 50.05)
    fed(i, 60_000, 2)
    last = [body for _, name, body in i.sets if name == "g2"][-1]
    assert abs(last["df_mHz"] - 150) <= 3 and abs(last["du_bp"] - 200) <= 20 and last["isl"] == 1
    assert last["lease_s"] == 2
    for _ in range(100):
        fed(i, 60_000, 1)
        if i.closed:
            break
    i.run(700)
    last = [body for _, name, body in i.sets if name == "g2"][-1]
    assert (last["isl"], last["df_mHz"]) == (0, 0)


# -- load shedding

def test_the_load_is_shed_without_a_word_and_comes_back_when_the_island_is_over():
    i = Quad("shed", il_calm_s=5, dead_mode=2, gr_81ub_do="trip", gr_81ub_mhz=48_000,
             is_81ub_do="trip").quiet()
    i.silent("r1", "r2", "r3")
    i.isle = (0.0, 50.0)
    i.grid = (1.0, 47.8)
    i.run(1_000)
    assert i.moved() == [0] and i.acu.scheme.state == ps.ISLAND
    i.grid = (1.0, 50.0)
    i.run(8_000)
    assert i.moved() == [0]
    i.peer("r1", 1, ps.GRID).peer("r3", 1, ps.ISLAND).peer("r2", 1, ps.GRID).run(7_000)
    assert i.moved() == [0]                               # the tie is still closed
    i.peer("r3", 0, ps.GRID).run(4_500)
    assert i.moved() == [0]
    i.run(2_500)
    assert i.moved() == [0, 1]


# -- the fast tier

class Locked:
    """Calls a controller's fast() with the heap locked."""

    def __init__(self, i):
        self.fast = i.acu.fast
        i.acu.fast = self.call

    def call(self, now_us):
        micropython.heap_lock()
        try:
            self.fast(now_us)
        finally:
            micropython.heap_unlock()


def test_the_fast_tier_allocates_nothing():
    """Held off, through a separation, and through a closing that is let through; the tie armed."""
    assert islander.HOLD < 1 << 29
    i = Quad("lead", il_back_ms=500).quiet()
    Locked(i)
    i.separated()
    assert i.moved() == [0] and i.acu.hold == islander.HOLD
    i.back(deg=3.0, slip_hz=0.0).run(1_500)
    assert i.moved() == [0, 1]
    i = Quad("tie", False).quiet()
    i.run(500)
    Locked(i)
    apart(i).run(150)
    assert i.moved() == [1]
