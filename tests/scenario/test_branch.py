"""Scenario `branch`: three Sub-Coordinators with breakers, 24 Operators, a four-wire feeder."""
import pytest

from host_sim.scenario.figures import check, check_events
from host_sim.scenario.quality import own_v, reports
from tests.scenario.kit import Played, assay, play

B1, B2, B3 = (tuple(f"load{n:02}" for n in range(8 * k + 1, 8 * k + 9)) for k in range(3))


@pytest.fixture(scope="module")
def branch() -> Played:
    return play(assay("branch"))


def test_everything_that_the_scenario_expects_comes(branch):
    checks = check(branch.figures, branch.scenario) + check_events(branch.result, branch.scenario)
    assert [f"{c.name}: {c.text}" for c in checks if not c.ok] == []
    assert len(checks) > 20


def test_telemetry_comes_up_in_messages_of_branches_not_of_customers(branch):
    before_s = 9.0
    ups = [t for t_s, t, _ in branch.sent("agg") if t_s < before_s]
    assert {t.split("/")[4] for t in ups} == {"s1", "s2", "s3"}
    relayed = [m for t_s, t, m in branch.sent("meas") if t_s < before_s and "/mst/" in t]
    own = [m for t_s, t, m in branch.sent("meas") if t_s < before_s and "/slv/" in t]
    assert len(own) >= 24 and len(relayed) < len(own) / 4
    assert branch.heard("tele")[0][1]["b"]["n_ok"] == 24


def test_a_branch_opened_by_the_centre_is_dark_and_its_neighbours_are_not(branch):
    (t_us, acu, closed), *_ = branch.result.record.breakers
    assert (acu, closed) == ("s2", False) and 10.0 < t_us / 1e6 < 10.5
    for customer in B2:
        assert 10.0 < branch.opened_s(customer) < 11.0      # by his own local rule
    dark = branch.closed_at(20.0)
    assert [bool(dark[c]) for c in (*B1, *B2, *B3)] == [True] * 8 + [False] * 8 + [True] * 8
    here = next(v for v in reversed(branch.result.record.voltages) if v.t_us < 20_000_000)
    row = [c.id for c in branch.scenario.street.customers].index(B2[0])
    assert here.u_v[row].max() == 0 and own_v(here)[0] > 225


def test_nobody_of_the_branch_connects_before_it_is_back_and_then_one_by_one(branch):
    back_us = next(t for t, _, closed in branch.result.record.breakers if closed)
    assert 30.0 < back_us / 1e6 < 31.0
    again = [c for c in branch.contacts.changes if c.customer in B2 and c.t_us < 60_000_000]
    assert sorted(c.customer for c in again) == list(B2)
    assert all(c.t_us > back_us + 3_000_000 and c.old == c.new for c in again)
    gaps = [b.t_us - a.t_us for a, b in zip(again, again[1:], strict=False)]
    assert min(gaps) >= 1_000_000
    others = [c for c in branch.contacts.changes if c.customer not in B2 and c.t_us < 70_000_000]
    assert others == []


def test_closing_a_branch_is_selected_first(branch):
    orders = [(t_s, m["b"]) for t_s, t, m in branch.sent("sw.req", "cd") if m["d"] == "s2"]
    assert [(b["on"], b["sel"]) for _, b in orders] == [(0, 0), (1, 1), (1, 0)]
    answers = [m["b"]["ok"] for _, _, m in branch.sent("sw.ack", "s2") if m["s"] == "s2"]
    assert answers == [1, 1, 1]


def test_a_silent_sub_coordinator_is_flagged_to_the_centre_and_found_again(branch):
    assert [50 < t < 62 for t in branch.times("BRN_LOST", "cd")] == [True]
    assert [64 < t < 70 for t in branch.times("BRN_BACK", "cd")] == [True]
    silent = [(t_s, [r for r in m["b"]["br"] if r[0] == "s3"]) for t_s, m in branch.heard("tele")]
    flagged = [t_s for t_s, rows in silent for r in rows if r[2]]
    assert flagged and 50 < min(flagged) and max(flagged) < 67
    assert any(m["b"]["code"] == "BRN" for _, m in branch.heard("evt"))
    assert all(branch.closed_at(64.0)[c] for c in B3)      # they stay supplied


def test_moves_in_several_branches_start_together(branch):
    began = [e for e in branch.log if e.name == "PHS_START"]
    branches = {next(k for k, b in enumerate((B1, B2, B3)) if e.acu.replace("eu", "load") in b)
                for e in began}
    assert len(began) == branch.figures["balance_moves"] >= 3 and len(branches) >= 2
    starts = [e.t_us for e in began]
    assert max(starts) - min(starts) <= 20_000
    opened = sorted(branch.opened_s(e.acu.replace("eu", "load"), 70.0) for e in began)
    assert opened[-1] - opened[0] < 0.030


def test_reports_are_true_to_a_tenth_of_a_volt_all_along_the_feeder(branch):
    told = reports(branch.result, branch.scenario)
    assert len(told) > 400 and {r.customer for r in told} == set(range(24))
    assert branch.figures["dv_report_max_v"] <= 0.2
    low, high = branch.figures["u_min_v"], branch.figures["u_max_v"]
    assert 225 < low < high < 235


def test_a_fault_on_the_far_side_of_a_branch_trips_it_and_its_reclosing_finds_it_sound():
    """0.2 ohm for 1.5 s: the breaker opens by itself, closes after its dead time and stays."""
    fault = {"set": {"name": "bus.fault", "bus": "p12", "phase": "A", "to": "N", "ohm": 0.2,
                     "value": 1, "for_ms": 1_500}}
    played = play(assay("branch", events=[(10, fault)], run_s=40, config={"i_trip_ma": 200_000,
                                                                         "i_shc_ma": 400_000}))
    moves = [(acu, closed) for _, acu, closed in played.result.record.breakers]
    assert moves[0] == ("s1", False) and moves[-1] == ("s1", True)
    assert {acu for acu, _ in moves} == {"s1"}
    assert played.lines("RECLOSE", "s1") and played.figures["never"]["left_off_silently"] == []
    assert all(played.closed_at(39.0)[c] for c in (*B1, *B2, *B3))
