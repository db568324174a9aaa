"""The branch breaker of a Sub-Coordinator in its spot: orders, protection, reclosing, memory."""
from acu import events as ev
from tests.unit.spot import BOARD, Spot

SECOND = 1000


def reasons(s, name):
    """The events without the voltage."""
    return [" ".join(line.split(" ")[1:3]) for line in s.said(name)]


def fault(s, i_ma=90_000):
    s.i_ma = [10_000, i_ma, 10_000]
    return s


# -- orders of the centre

def test_the_centre_opens_and_nothing_recloses():
    s = Spot().started()
    assert s.switch(0) == ev.E_OK and not s.closed
    s.run(60 * SECOND)
    assert not s.closed and reasons(s, "OPENED") == ["why=SCC ph=3"]
    assert s.told("hb")[-1]["on"] == 0 and s.told("hb")[-1]["why"] == ev.WHY_SCC


def test_closing_is_selected_first():
    s = Spot().started()
    s.switch(0)
    assert s.switch(1) == ev.E_INTERLOCK and not s.closed
    assert s.switch(1, sel=1) == ev.E_OK and not s.closed
    assert s.switch(1, src="cd2") == ev.E_INTERLOCK and not s.closed
    assert s.switch(1, sel=1) == ev.E_OK
    s.run(2100)
    assert s.switch(1) == ev.E_INTERLOCK and not s.closed
    assert s.close() == ev.E_OK and s.closed
    assert reasons(s, "CLOSED") == ["why=SCC ph=3"]


def test_closing_needs_all_three_voltages_in_band():
    for k in range(3):
        for u_dv in (0, 2000, 2600):
            s = Spot().started()
            s.switch(0)
            s.supply_dv[k] = u_dv
            s.run(100)
            assert s.close() == ev.E_NO_VOLTAGE and not s.closed


def test_the_supply_is_looked_at_again_when_it_operates():
    s = Spot().started()
    s.switch(0)
    assert s.switch(1, sel=1) == ev.E_OK
    s.supply_dv[2] = 2000
    s.run(50)
    assert s.switch(1) != ev.E_OK and not s.closed


def test_closing_needs_every_channel():
    for c in range(6):
        s = Spot().started()
        s.switch(0)
        s.frozen = (c,)
        s.run(200)
        assert s.close() == ev.E_LIMIT and not s.closed


def test_no_closing_while_current_flows_behind_an_open_mirror():
    s = Spot(closed=False).started()
    s.leak_ma = [0, 3000, 0]
    s.run(100)
    assert s.close() == ev.E_INTERLOCK and s.drives == []


def test_before_the_self_test_no_coil_moves():
    s = Spot()
    assert s.switch(0, ms=100) == ev.E_BUSY and s.drives == []


def test_opening_is_allowed_always():
    s = Spot().started()
    s.supply_dv = [0, 0, 0]
    s.frozen = (0, 1, 2, 3, 4, 5)
    s.run(200)
    assert s.switch(0) == ev.E_OK and not s.closed
    s = Spot().started()
    assert s.lockout(1) == ev.E_OK
    assert s.switch(0) == ev.E_OK and not s.closed


def test_an_opening_without_a_converter_is_proved_by_the_mirror():
    s = Spot().started()
    s.lost_frames = True
    s.run(200)
    assert s.switch(0) == ev.E_OK and not s.closed and not s.acu.gate.locked


def test_a_select_does_not_outlive_the_voltage_it_was_given_for():
    s = Spot(closed=False).started()
    assert s.switch(1, sel=1) == ev.E_OK
    s.supply_dv[1] = 0
    s.run(100)
    s.supply_dv[1] = 2300
    s.run(100)
    assert s.switch(1) == ev.E_INTERLOCK and not s.closed


def test_an_opening_takes_the_place_of_a_closing_that_is_being_proved():
    s = Spot(closed=False).started()
    assert s.switch(1, sel=1) == ev.E_OK
    s.travel_ms = 35
    s.post("sw.req", {"on": 1, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
    s.run(20)
    s.post("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
    s.run(800)
    assert not s.closed
    assert [ack["e"] for ack in s.told("sw.ack")] == [ev.E_OK, ev.E_BUSY, ev.E_OK]
    assert s.acu.why == ev.WHY_SCC and not s.acu.gate.locked


def test_an_order_counts_on_the_master_net_only_and_for_us_only():
    s = Spot().started()
    for kw in ({"src": "eu1"}, {"src": "eu1", "topic": "slvg/1/slv/sc1/uc1/eu1/up/"},
               {"dst": "sp2"}, {"dst": "*"}, {"dst": "eu1"}):
        s.post("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}, **kw)
        s.run(300)
        assert s.closed and s.told("sw.ack") == []


def test_a_breaker_that_does_not_open_is_told_and_locked():
    s = Spot().started()
    s.weld = True
    assert s.switch(0) == ev.E_NOT_VERIFIED
    assert s.said("STUCK")[0].startswith("STUCK ph_mask=1 u_load_dv=0 i_ma=19")
    assert s.acu.gate.locked == ev.WHY_STUCK and s.said("LOCKOUT")


def test_current_after_the_opening_is_a_weld_whatever_the_mirror_says():
    s = Spot().started()
    s.weld = True
    s.post("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
    s.run(20)
    s.lie = 0
    s.run(500)
    assert s.told("sw.ack")[-1]["e"] == ev.E_NOT_VERIFIED
    assert s.acu.gate.locked == ev.WHY_STUCK and len(s.said("STUCK")) == 1


def test_a_current_channel_at_its_rails_shows_a_current_that_flows_on():
    s = Spot(recl_shots=0).started()
    s.weld = True
    s.i_ma = [0, 2_000_000, 0]
    s.run(50)
    s.lie = 0
    s.run(500)
    assert s.acu.gate.locked == ev.WHY_STUCK and len(s.said("STUCK")) == 1


def test_a_breaker_whose_mirror_already_says_open_is_driven_and_proved_by_its_current():
    s = Spot().started()
    s.lie = 0
    s.run(50)
    assert s.switch(0) == ev.E_OK and not s.closed
    s = Spot().started()
    s.lie = 0
    s.weld = True
    s.run(50)
    assert s.switch(0) == ev.E_NOT_VERIFIED and s.acu.gate.locked == ev.WHY_STUCK


def test_a_breaker_that_does_not_close_is_opened_and_locked():
    s = Spot(closed=False).started()
    s.jam = True
    assert s.close() == ev.E_NOT_VERIFIED and s.acu.gate.locked == ev.WHY_STUCK
    s.run(500)
    s.jam = False
    assert s.close() == ev.E_INTERLOCK and not s.closed


def test_a_lease_ends_by_itself_and_one_of_zero_never():
    s = Spot().started()
    s.post("time", {"utc_ms": s.utc_ms(), "src": "rtc"}, dst="*")
    assert s.switch(0, lease_s=20) == ev.E_OK
    s.run(19 * SECOND)
    assert not s.closed
    s.run(2 * SECOND)
    assert s.closed and reasons(s, "CLOSED") == ["why=LEASE ph=3"]


def test_a_tag_stops_a_lease():
    s = Spot().started()
    s.switch(0, lease_s=5)
    assert s.lockout(1) == ev.E_OK
    s.run(30 * SECOND)
    assert not s.closed


def test_a_board_without_outputs_refuses_and_says_that_it_is_connected():
    board = dict(BOARD)
    board["outputs"] = []
    s = Spot(board=board).started()
    answer = s.ask("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
    assert answer["e"] == ev.E_UNKNOWN and answer["on"] == 1
    fault(s, 300_000).run(5 * SECOND)
    assert s.told("evt") == [] and s.told("hello")[0]["drf"] == 3


# -- protection without a message

def test_over_current_for_its_time_opens_the_branch():
    s = fault(Spot(recl_shots=0).started())
    t_ms = s.ms()
    s.until(lambda: not s.closed, 2 * SECOND)
    assert 1000 <= s.moves[-1][0] - t_ms <= 1060
    s.run(100)
    assert len(s.said("OC")) == 1 and s.said("OC")[0].startswith("OC ph_mask=2 i_ma=89")
    assert s.said("OPENED")[0].startswith("OPENED why=OC")
    evt = s.told("evt")[0]
    assert (evt["code"], evt["ph"], evt["lim"]) == ("OC", 2, 63_000)


def test_less_or_shorter_than_that_does_not():
    s = fault(Spot().started(), 60_000).run(3 * SECOND)
    assert s.closed
    s = fault(Spot().started()).run(900)
    s.i_ma = [10_000] * 3
    s.run(20)
    fault(s).run(900)
    assert s.closed and not s.said("OC")


def test_a_short_circuit_opens_at_once_also_when_it_drives_the_channel_to_its_rails():
    for i_ma, i_shc_ma in ((220_000, 200_000), (2_000_000, 400_000)):
        s = fault(Spot(recl_shots=0, i_shc_ma=i_shc_ma).started(), i_ma)
        t_ms = s.ms()
        s.run(150)
        assert not s.closed and s.moves[-1][0] - t_ms <= 60
        assert s.said("SHC") and s.told("evt")[0]["code"] == "SHC"


def test_a_dead_current_channel_trips_nothing():
    s = Spot().started()
    s.frozen = (3, 4, 5)
    fault(s, 300_000).run(3 * SECOND)
    assert s.closed


def test_the_breaker_trips_though_its_mirror_says_open():
    s = Spot(recl_shots=0).started()
    s.lie = 0
    fault(s, 250_000).run(200)
    assert not s.closed


def test_an_outage_of_the_supply_does_not_open_the_branch():
    s = Spot().started()
    s.supply_dv = [0, 0, 0]
    s.run(10 * SECOND)
    assert s.closed and s.drives == []


# -- automatic reclosing

def test_a_fault_that_passes_costs_one_dead_time():
    s = fault(Spot(t_reclaim_ms=30_000).started(), 250_000)
    s.until(lambda: not s.closed, 200)
    s.i_ma = [5_000] * 3
    open_ms = s.moves[-1][0]
    s.until(lambda: s.closed, 6 * SECOND)
    assert 5000 <= s.moves[-1][0] - open_ms <= 5040
    s.run(100)
    assert s.said("RECLOSE")[0].startswith("RECLOSE shot=1 u_min_dv=22")
    assert reasons(s, "CLOSED") == ["why=RECL ph=3"]
    assert [hb["on"] for hb in s.told("hb")][-2:] == [0, 1] and s.acu.why == ev.WHY_NONE
    s.run(31 * SECOND)
    assert s.said("RECLAIM") and not s.acu.gate.locked
    fault(s, 250_000).run(200)                  # another fault has all shots again
    s.i_ma = [5_000] * 3
    s.run(6 * SECOND)
    assert s.closed


def test_a_fault_that_stays_locks_out_after_the_last_shot():
    for shots in range(4):
        s = fault(Spot(recl_shots=shots).started(), 250_000)
        s.run(60 * SECOND)
        assert [on for _, on in s.moves] == [0] + [1, 0] * shots
        assert len(s.said("RECLOSE")) == shots and s.acu.gate.locked == ev.WHY_SHC
        assert s.said("LOCKOUT") == ["LOCKOUT why=SHC on_mask=0"]
        assert s.told("evt")[-1]["code"] == "LCK" or s.told("evt")[-2]["code"] == "LCK"
        assert s.told("hb")[-1]["err"] == ev.WHY_SHC


def test_after_a_lock_out_only_an_unlock_and_a_close_bring_it_back():
    s = fault(Spot(recl_shots=0).started(), 250_000)
    s.run(1 * SECOND)
    s.i_ma = [5_000] * 3
    assert s.close() == ev.E_INTERLOCK
    assert s.lockout(0) == ev.E_OK
    s.run(20 * SECOND)
    assert not s.closed
    assert s.close() == ev.E_OK and s.closed


def test_it_recloses_with_a_good_supply_only():
    for bad in ([0, 0, 0], [2300, 2000, 2300], [2300, 2300, 2600]):
        s = fault(Spot().started(), 250_000).run(200)
        assert not s.closed
        s.i_ma = [5_000] * 3
        s.supply_dv = bad
        s.run(20 * SECOND)
        assert not s.closed
        s.supply_dv = [2300] * 3
        s.run(200)
        assert s.closed
        s = fault(Spot().started(), 250_000).run(200)
        s.supply_dv = bad
        s.run(70 * SECOND)                      # too long: not for it to end
        s.supply_dv = [2300] * 3
        s.run(5 * SECOND)
        assert not s.closed and s.acu.gate.locked == ev.WHY_RECL


def test_it_does_not_reclose_blind():
    s = fault(Spot().started(), 250_000).run(200)
    s.frozen = (4,)
    s.run(20 * SECOND)
    assert not s.closed


def test_an_opening_by_the_centre_ends_the_sequence():
    s = fault(Spot().started(), 250_000).run(500)
    assert s.switch(0) == ev.E_OK
    s.i_ma = [5_000] * 3
    s.run(30 * SECOND)
    assert not s.closed and s.acu.why == ev.WHY_SCC and s.said("RECLOSE") == []


def test_a_tag_ends_the_sequence_also_when_it_is_taken_off_again():
    s = fault(Spot().started(), 250_000).run(500)
    assert s.lockout(1) == ev.E_OK and s.lockout(0) == ev.E_OK
    s.i_ma = [5_000] * 3
    s.run(30 * SECOND)
    assert not s.closed


def test_a_closing_onto_a_fault_is_not_repeated():
    s = Spot(closed=False).started()
    fault(s, 250_000)
    s.close()
    s.run(30 * SECOND)
    assert [on for _, on in s.moves] == [1, 0] and s.acu.gate.locked == ev.WHY_SHC


def test_closed_by_order_for_t_reclaim_without_a_fault_it_has_its_shots_again():
    s = Spot(closed=False, t_reclaim_ms=30_000).started()
    assert s.close() == ev.E_OK
    s.run(31 * SECOND)
    fault(s, 250_000).run(200)
    assert not s.closed
    s.i_ma = [5_000] * 3
    s.run(6 * SECOND)
    assert s.closed


def test_a_fault_that_is_there_at_the_start_opens_once_the_self_test_has_passed():
    s = fault(Spot(), 250_000).run(SECOND)
    assert not s.closed and s.said("SHC")


def test_no_flash_is_written_while_protection_looks_at_a_current():
    s = Spot().started().run(SECOND)
    assert s.acu.may_write()
    fault(s).run(500)
    assert s.closed and not s.acu.may_write()
    s.run(SECOND)
    assert not s.closed and s.acu.may_write()
    s.i_ma = [5_000] * 3
    s.jam = True
    s.until(lambda: s.said("RECLOSE"), 5 * SECOND)
    assert not s.acu.may_write()
    s = Spot().started().run(SECOND)
    s.post("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
    s.run(10)
    assert not s.acu.may_write()


def test_a_breaker_that_stays_closed_in_a_trip_is_told_and_never_reclosed():
    s = Spot().started()
    s.weld = True
    fault(s, 250_000).run(1 * SECOND)
    assert s.acu.gate.locked == ev.WHY_STUCK and len(s.said("STUCK")) == 1
    s.weld = False
    s.closed = False
    s.run(5 * SECOND)
    assert not s.closed and s.acu.recl.state == 4       # at once, not after the longest wait
    s.run(30 * SECOND)
    assert not s.closed


def test_a_reclosing_whose_contact_does_not_follow_locks_out():
    s = fault(Spot().started(), 250_000).run(200)
    s.i_ma = [5_000] * 3
    s.jam = True
    s.run(8 * SECOND)
    s.jam = False
    assert [level for _, _, level in s.drives][-2:] == [0, -1]      # whatever it may still do
    s.run(30 * SECOND)
    assert not s.closed and s.acu.gate.locked == ev.WHY_VERIFY and s.said("LOCKOUT")


def test_the_lever_is_respected():
    s = Spot().started()
    s.closed = False
    s.run(500)
    assert s.acu.why == ev.WHY_LOCAL and s.told("hb")[-1]["on"] == 0
    s.run(30 * SECOND)
    assert not s.closed and s.drives == []
    s.closed = True
    s.run(500)
    assert s.acu.why == ev.WHY_NONE and s.told("hb")[-1]["on"] == 1
    fault(s, 250_000).run(20 * SECOND)          # onto a fault: not repeated either
    assert not s.closed and s.said("RECLOSE") == []


# -- memory

def restart(s, **config):
    t = Spot(closed=s.closed, store=s.unit.store, **config)
    t.i_ma = [5_000] * 3
    return t.started()


def test_a_reset_in_mid_sequence_locks_out():
    s = fault(Spot().started(), 250_000).run(1 * SECOND)
    assert not s.closed
    t = restart(s).run(30 * SECOND)
    assert not t.closed and t.acu.gate.locked == ev.WHY_RESET and t.said("ABORTED")
    s = fault(Spot().started(), 250_000).run(200)
    s.i_ma = [5_000] * 3
    s.run(6 * SECOND)
    assert s.closed
    t = restart(s).run(1 * SECOND)              # closed again, but not yet for t_reclaim
    assert t.closed and t.acu.gate.locked == ev.WHY_RESET
    s = fault(Spot(t_reclaim_ms=30_000).started(), 250_000).run(200)
    s.i_ma = [5_000] * 3
    t = restart(s.run(40 * SECOND))
    assert t.closed and t.acu.gate.locked == 0


def test_why_lock_and_lease_survive_a_power_loss():
    s = fault(Spot(recl_shots=0).started(), 250_000).run(1 * SECOND)
    t = restart(s)
    assert t.acu.gate.locked == ev.WHY_SHC and t.acu.why == ev.WHY_SHC and not t.closed
    s = Spot().started()
    s.switch(0, lease_s=0)
    t = restart(s).run(60 * SECOND)
    assert not t.closed and t.acu.why == ev.WHY_SCC
    s = Spot().started()
    s.switch(0)
    s.lockout(1)
    t = restart(s)
    assert t.close() == ev.E_INTERLOCK and not t.closed


def test_a_breaker_found_open_stays_open():
    s = Spot(closed=False).started().run(60 * SECOND)
    assert not s.closed and s.acu.why == ev.WHY_RESET and s.drives == []


def test_a_state_record_of_another_version_locks_out():
    s = Spot().started()
    record = s.acu._record
    raw = bytearray(record.load())
    raw[0] = 9
    record.save(bytes(raw))
    assert restart(s).acu.gate.locked == ev.WHY_RESET


def test_the_end_of_a_sequence_by_a_reset_is_told_to_the_centre():
    s = fault(Spot().started(), 250_000).run(1 * SECOND)
    t = restart(s)
    lock = [evt for evt in t.told("evt") if evt["code"] == "LCK"]
    assert len(lock) == 1 and lock[0]["val"] == ev.WHY_RESET
    assert t.said("LOCKOUT") == ["LOCKOUT why=RESET on_mask=0"]


# -- whoever closes besides the sequence

def test_closed_by_order_in_the_dead_time_the_sequence_is_over():
    s = fault(Spot().started(), 250_000).run(1 * SECOND)
    s.i_ma = [5_000] * 3
    assert s.close() == ev.E_OK and s.closed
    s.run(10 * SECOND)
    assert s.closed and s.acu.gate.locked == 0 and not s.said("LOCKOUT")
    fault(s, 250_000).run(20 * SECOND)          # the fault is still there: not repeated
    assert not s.closed and s.said("RECLOSE") == [] and s.acu.gate.locked == ev.WHY_SHC


def test_closed_by_order_onto_the_fault_in_the_dead_time_it_is_not_repeated():
    s = fault(Spot().started(), 250_000).run(1 * SECOND)
    s.close()
    s.run(20 * SECOND)
    assert [on for _, on in s.moves] == [0, 1, 0] and s.acu.gate.locked == ev.WHY_SHC


def test_closed_by_the_lever_onto_the_fault_in_the_dead_time_it_is_not_repeated():
    s = fault(Spot().started(), 250_000).run(1 * SECOND)
    s.closed = True
    s.run(20 * SECOND)
    assert not s.closed and s.said("RECLOSE") == [] and s.acu.gate.locked == ev.WHY_SHC


def test_a_trip_under_a_tag_is_for_good_also_when_the_tag_goes_in_the_dead_time():
    s = Spot().started()
    s.lockout(1)
    s.run(SECOND)
    fault(s, 250_000).run(1 * SECOND)
    assert not s.closed and [e["code"] for e in s.told("evt")] == ["SHC", "LCK"]
    assert s.lockout(0) == ev.E_OK
    s.i_ma = [5_000] * 3
    s.run(20 * SECOND)
    assert not s.closed and s.said("RECLOSE") == []


def test_a_trip_slower_than_t_reclaim_does_not_give_the_shots_back():
    s = fault(Spot(t_trip_ms=3000, t_reclaim_ms=1000).started())
    s.run(60 * SECOND)
    assert [on for _, on in s.moves] == [0, 1, 0] and s.acu.gate.locked == ev.WHY_OC


def test_an_overload_that_comes_back_with_its_customers_locks_out():
    s = Spot().started()
    for _ in range(4):
        fault(s).run(1500)
        s.i_ma = [0, 0, 0]                      # all open; F3 takes its time
        s.run(60 * SECOND)
    assert [on for _, on in s.moves] == [0, 1, 0] and s.acu.gate.locked == ev.WHY_OC


def test_a_short_circuit_at_the_rails_at_the_start_opens_too():
    s = fault(Spot(), 2_000_000).run(SECOND)
    assert not s.closed and s.said("SHC")


def test_no_state_is_written_while_a_closing_may_still_meet_a_fault():
    """A flash erase would hold the trip back by up to 400 ms."""
    for first in (lambda s: fault(s, 250_000).run(200), lambda s: s.switch(0)):
        s = Spot().started().run(SECOND)
        first(s)
        s.run(SECOND)
        s.i_ma = [5_000] * 3
        store = s.acu.store
        write = store.write
        wrote = []

        def noted(name, raw, s=s, write=write, wrote=wrote):
            wrote.append(s.ms())
            write(name, raw)

        store.write = noted
        if s.acu.why == ev.WHY_SCC:
            assert s.switch(1, sel=1) == ev.E_OK
            s.post("sw.req", {"on": 1, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})
        s.until(lambda s=s: s.closed, 6 * SECOND)
        s.run(2 * SECOND)
        store.write = write
        closed_ms = s.moves[-1][0]
        assert [ms for ms in wrote if ms >= closed_ms - 20]
        assert [ms for ms in wrote if closed_ms - 20 <= ms < closed_ms + 100] == []
        assert restart(s).acu.gate.locked == (ev.WHY_RESET if s.acu.recl.running() else 0)


def test_a_lease_whose_closing_met_a_lost_supply_is_tried_again():
    s = Spot().started()
    s.post("time", {"utc_ms": s.utc_ms(), "src": "rtc"}, dst="*")
    assert s.switch(0, lease_s=10) == ev.E_OK
    s.travel_ms = 35                            # not proven before the supply goes
    s.until(lambda: s.drives[-1][2] == 1, 12 * SECOND)
    s.supply_dv = [0, 0, 0]
    s.jam = True
    s.run(5 * SECOND)
    s.jam = False
    s.supply_dv = [2300] * 3
    s.run(70 * SECOND)
    assert s.closed and reasons(s, "CLOSED") == ["why=LEASE ph=3"]


def test_a_tag_that_cannot_be_stored_now_is_not_acknowledged():
    s = fault(Spot().started()).run(500)
    assert s.lockout(1) == ev.E_BUSY and s.acu.gate.locked == 0
    s.i_ma = [5_000] * 3
    s.run(100)
    assert s.lockout(1) == ev.E_OK and restart(s).acu.gate.locked == ev.WHY_LOCAL


def test_an_unlock_that_comes_with_the_trip_does_not_end_its_lock_out():
    s = fault(Spot(recl_shots=0).started(), 250_000)
    for _ in range(10):
        s.tick(False)                           # a slow tier that is late
    assert s.acu._trip_seen and s.lockout(0) == ev.E_BUSY
    s.run(SECOND)
    assert s.acu.gate.locked == ev.WHY_SHC and s.said("LOCKOUT") == ["LOCKOUT why=SHC on_mask=0"]
