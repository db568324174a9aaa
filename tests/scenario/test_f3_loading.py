"""F3 on the street (spec smartlvgrid, section 10): everybody opens, and comes back one by one."""
import pytest

from acu.roles.base import slot_of
from host_sim.world.street import Street
from tests.scenario.kit import assay, play

LOST, BACK = {"supply": "lost"}, {"supply": "back"}
CUSTOMERS = ("c1", "c2", "c3")
T_RES_S, T_BASE_S, T_SLOT_S = 1.0, 3.0, 1.0
WEAK_PU = 0.915 * 230 / 233
_BASE_RUN = [(6, LOST), (10, BACK)]     # back: reconnection begins at 14 s and has ended by 17 s


@pytest.fixture(scope="module")
def equal_users():
    """Three users of 2000 VA, the last one to be served first."""
    return play(assay(run_s=20, events=_BASE_RUN, acus={"eu1": {"prio": 2}, "eu2": {"prio": 1}},
                      customers={c: {"s_va": 2000.0} for c in CUSTOMERS}), "wave")


@pytest.fixture(scope="module")
def second_outage():
    """The supply fails again when one user is back, and for good."""
    return play(assay(run_s=22, events=[*_BASE_RUN, (14.6, LOST)]))


@pytest.fixture(scope="module")
def alone():
    """No Coordinator from 4 s on, outage from 6 to 10 s; the centre has opened the third user."""
    open_eu3 = {"scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["eu3", 0, 0]}}}
    return play(assay(run_s=64, config={"t_iso_ms": 10_000},
                      events=[(2, open_eu3), (4, {"reboot": {"acu": "cd", "off_ms": 3_600_000}}),
                              *_BASE_RUN]))


@pytest.fixture(scope="module")
def restarted():
    """The Coordinator restarts in the middle of the outage, an Operator while it waits."""
    return play(assay(run_s=24, events=[
        (6, LOST), (7, {"reboot": {"acu": "cd", "off_ms": 2_000}}),
        (8, {"reboot": {"acu": "eu2", "off_ms": 1_000}}), (10, BACK)]))


@pytest.fixture(scope="module")
def restarted_after():
    """The supply has been back for 2 s when the Coordinator restarts: it has seen no outage."""
    return play(assay(run_s=24, events=[
        *_BASE_RUN, (12, {"reboot": {"acu": "cd", "off_ms": 1_000}})]))


@pytest.fixture(scope="module")
def leased():
    """The centre opens eu1 without and eu2 with a lease of 16 s; an outage lies in between."""
    def order(*args):
        return {"scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": list(args)}}}

    return play(assay(run_s=45, events=[
        (2, order("eu1", 0, 0)), (3, order("eu2", 0, 16)), *_BASE_RUN,
        (25, {"reboot": {"acu": "eu1", "off_ms": 500}}), (40, order("eu1", 1, 0))]))


@pytest.fixture(scope="module")
def weak():
    """Back at 0.915 Un, in the restore band but below 0.92 Un, and it stays there."""
    return play(assay(run_s=78, events=[*_BASE_RUN, (10, {"supply_pu": [WEAK_PU] * 3})]))


@pytest.fixture(scope="module")
def weak_at_first():
    return play(assay(run_s=30, events=[
        *_BASE_RUN, (10, {"supply_pu": [WEAK_PU] * 3}), (20, {"supply_pu": [1.0] * 3})]))


def returns(played, since_s=0.0):
    """(t_s, customer) of each reconnection, in order."""
    return sorted((t_s, c) for c in CUSTOMERS for t_s, *_ in played.moves(c, since_s))


def test_all_are_open_within_3_s_and_nothing_flows_at_restore(played):
    out_s, = played.times("OUT", "cd")
    assert all(out_s - 0.2 < played.opened_s(c) <= out_s + 3.0 for c in CUSTOMERS)
    for k in range(3):
        assert max(played.trace(f"s_va{k}", out_s + 3.0, 34.0)) == 0
        assert max(played.trace(f"i_peak{k}", out_s + 3.0, 34.0)) == 0
    shed, = played.lines("SHED_END", "cd")
    assert shed.args["n_open"] == "3" and shed.t_us / 1e6 <= out_s + 3.0


def test_the_local_rule_opens_without_any_message(alone):
    for customer in ("c1", "c2"):      # t_out + 100 ms, a half cycle, and the contact's travel
        assert 0.3 <= alone.opened_s(customer, 6) - 6 <= 0.35
    assert [e.args["why"] for e in alone.lines("OPENED", since_s=6)] == ["OUT", "OUT"]


def test_at_restore_only_the_restore_mark_changes(played):
    k = played.panel.index("RES - - -")
    assert played.panel[k - 1] == "OUT - - -"
    assert 30.0 < played.result.panel[k][0] / 1e6 < 31.0
    assert not [c for c in played.result.contacts if 21e6 < c[0] < 34e6]


def test_the_first_closes_after_t_res_and_t_base_and_the_others_a_slot_apart(played):
    times = [t_s for t_s, _ in returns(played, 30)[:3]]
    assert 30 + T_RES_S + T_BASE_S <= times[0] <= 35.0
    assert all(b - a >= T_SLOT_S for a, b in zip(times, times[1:], strict=False))
    assert times[-1] <= 37.0
    assert [c for _, c in returns(played, 30)[:3]] == ["c1", "c2", "c3"]


def test_each_closing_is_selected_first_and_closed_once(played):
    requests = [(m["d"], m["b"]["sel"]) for _, _, m in played.sent("sw.req", "cd") if m["b"]["on"]]
    assert requests == [(op, sel) for op in ("eu1", "eu2", "eu3") for sel in (1, 0)]


def test_the_end_of_shedding_and_each_closing_are_told_at_once(equal_users):
    """None of them lies near the periodic tele of each 5 s."""
    told = [t_s for t_s, _ in equal_users.heard("tele")]
    for t_s in [*equal_users.times("SHED_END", "cd"), *equal_users.times("RECON_OP", "cd")]:
        assert any(0 < t - t_s <= 1.2 for t in told)


def test_priority_goes_before_identity(equal_users):
    assert [c for _, c in returns(equal_users)] == ["c3", "c2", "c1"]


def test_the_inrush_of_all_is_never_seen_at_once(equal_users):
    """Peak currents against the same street with its three contacts closed at one instant."""
    together = Street(equal_users.scenario.street, equal_users.scenario.seed, "wave")

    def on_to(t_s):
        while together.now_us < t_s * 1e6:
            together.step(together.now_us + 5000)

    def drive_all(level):
        for op, phase in (("eu1", 0), ("eu2", 1), ("eu3", 0)):
            together.drive(op, phase, level, together.now_us)

    together.set("supply", "lost")
    on_to(0.5)
    drive_all(0)
    on_to(1.0)
    together.set("supply", "back")
    on_to(1.5)
    drive_all(1)
    on_to(2.5)
    after = together.trace["t_ms"].index(1500)
    peaks_at_once = [max(together.trace[f"i_peak{k}"][after:]) for k in range(3)]
    sum_at_once = max(map(sum, zip(*(together.trace[f"i_peak{k}"][after:] for k in range(3)),
                                   strict=True)))
    blocks = [equal_users.trace(f"i_peak{k}", 10.0, 20.0) for k in range(3)]
    assert 0 < max(map(sum, zip(*blocks, strict=True))) <= 0.5 * sum_at_once
    assert max(blocks[0]) <= 0.6 * peaks_at_once[0]       # two users on A, one on B
    assert max(blocks[1]) <= 1.02 * peaks_at_once[1]
    assert max(map(max, blocks)) <= 0.6 * max(peaks_at_once)


def test_a_second_outage_while_reconnecting_ends_with_all_open(second_outage):
    assert [c for _, c in returns(second_outage)] == ["c1"]
    assert second_outage.closed_at(14.6) == {"c1": {0}, "c2": set(), "c3": set()}
    assert all(not on for on in second_outage.closed_at(17.6).values())
    assert all(not on for on in second_outage.closed_at(22).values())
    assert second_outage.panel[-1] == "OUT - - -"
    again_s = second_outage.times("SHED", "cd")[1]       # ordered, not left to the local rules
    assert 14.8 <= again_s <= 14.85
    assert not [m for t_s, _, m in second_outage.sent("sw.req") if m["b"]["on"] and t_s > again_s]
    assert len(second_outage.heard("outage")) == 2 and len(second_outage.heard("restore")) == 1


def test_nobody_is_closed_while_the_street_is_dark(played, second_outage, restarted):
    for run in (played, second_outage, restarted):
        assert run.figures["never"]["reconnected_during_outage"] is False


def test_alone_for_t_iso_with_good_voltage_an_operator_closes_by_itself(alone):
    for op, customer in (("eu1", "c1"), ("eu2", "c2")):
        (t_s, was, now), = alone.moves(customer)
        due_s = 10 + 10.0 + T_BASE_S + slot_of(op, 32) * T_SLOT_S
        assert was == now and due_s <= t_s <= due_s + 0.1
        assert alone.lines("TISO", op)
    times = [t_s for t_s, _ in returns(alone)]
    assert abs(times[1] - times[0]) >= T_SLOT_S * 0.99


def test_alone_or_not_what_the_centre_opened_stays_open(alone):
    assert alone.moves("c3") == [] and alone.closed_at(64)["c3"] == set()


def test_an_operator_that_hears_its_coordinator_never_closes_by_itself(leased):
    assert leased.lines("TISO") == []


def test_a_restarted_coordinator_brings_back_who_is_open_because_of_the_outage(
        restarted, restarted_after):
    for run in (restarted, restarted_after):
        assert [c for _, c in returns(run)] == ["c1", "c2", "c3"]
        times = [t_s for t_s, _ in returns(run)]
        assert times[0] >= 10 + T_RES_S + T_BASE_S
        assert all(b - a >= T_SLOT_S for a, b in zip(times, times[1:], strict=False))
        assert run.panel[-1] == "OK A B A"
    assert returns(restarted_after)[0][0] >= 13 + T_BASE_S


def test_an_operator_that_restarts_open_stays_open(restarted, leased):
    boots = [e.args["on_mask"] for e in restarted.lines("BOOT", "eu2")]
    assert boots == ["2", "0"]
    assert restarted.moves("c2")[0][0] >= 14
    assert [e.args["on_mask"] for e in leased.lines("BOOT", "eu1")] == ["1", "0"]
    assert leased.closed_at(39.9)["c1"] == set()


def test_a_user_opened_by_the_centre_stays_open_through_an_outage(leased):
    assert leased.closed_at(39.9)["c1"] == set()         # lease 0: never by itself
    assert returns(leased, 6)[0] == (pytest.approx(14.1, abs=0.3), "c3")
    (t_s, *_), = leased.moves("c1")
    assert 40 <= t_s <= 40.6                             # the centre's own order brings it back


def test_a_lease_ends_by_itself_and_not_before(leased):
    (t_s, *_), = leased.moves("c2")
    assert 3 + 16 <= t_s <= 3 + 16 + 0.3
    assert [e.args["why"] for e in leased.lines("CLOSED", "eu2")] == ["LEASE"]


def test_a_weak_post_holds_the_slots_for_a_minute_and_then_alarms(weak):
    assert [round(t_s) for t_s in weak.times("RECON_HOLD", "cd")] == [14]
    assert returns(weak) == []
    alarms = weak.times("RECON_FAIL", "cd")
    assert len(alarms) == 3 and all(74 <= t_s <= 75 for t_s in alarms)
    assert [m["b"]["code"] for _, m in weak.heard("evt")].count("OPN") == 3


def test_the_slots_go_on_when_the_post_is_strong_again(weak_at_first):
    times = [t_s for t_s, _ in returns(weak_at_first)]
    assert len(times) == 3 and 20 <= times[0] <= 21 and weak_at_first.lines("RECON_HOLD")
    assert weak_at_first.lines("RECON_FAIL") == []


@pytest.mark.parametrize(("pu", "code", "mask"), [
    ([1.26, 1.0, 1.0], "OV", 1),
    ([1.28, 0.6, 1.0], "NEU", 1),      # the neutral is gone: one phase high, another low
])
def test_over_voltage_opens_after_200_ms_and_is_told(pu, code, mask):
    street = play(assay(run_s=5, events=[(3, {"supply_pu": pu})]))
    for op, customer in (("eu1", "c1"), ("eu3", "c3")):
        assert 0.2 <= street.opened_s(customer) - 3 <= 0.26
        assert [e.args["why"] for e in street.lines("OPENED", op)] == ["OV"]
    assert street.closed_at(5)["c2"] == {1}
    told = [m for _, m in street.heard("evt") if m["s"] != "cd"]
    assert sorted((m["s"], m["b"]["code"], m["b"]["ph"]) for m in told) == [
        ("eu1", code, mask), ("eu3", code, mask)]
    assert all(m["b"]["val"] > m["b"]["lim"] == 2760 for m in told)


def test_a_short_over_voltage_opens_nobody():
    street = play(assay(run_s=4, events=[
        (3, {"supply_pu": [1.26, 1.0, 1.0]}), (3.15, {"supply_pu": [1.0, 1.0, 1.0]})]))
    assert street.result.contacts == []
