"""Scenario `branch` with faults that meet each other: breaker, supply, resets, overload. By the
world's record nothing closes wrongly, and nobody stays dark without a word."""
import pytest

from host_sim.study.fault_rules import closed, violations
from tests.scenario.kit import Played, assay, play

B1 = tuple(f"load{n:02}" for n in range(1, 9))
ALONE = {"i_trip_ma": 200_000, "i_shc_ma": 400_000}


def fault(at_s, for_ms=1000):
    """0.2 ohm at the far side of branch s1."""
    return at_s, {"set": {"name": "bus.fault", "bus": "p12", "phase": "A", "to": "N", "ohm": 0.2,
                          "value": 1, "for_ms": for_ms}}


def order(at_s, cmd, *args):
    return at_s, {"scc": {"type": "sc.cmd", "body": {"cmd": cmd, "args": list(args)}}}


def street(*events, run_s, **config) -> Played:
    played = play(assay("branch", events=list(events), run_s=run_s, config={**ALONE, **config}))
    assert violations(played.run) == []
    return played


def off(played) -> list[str]:
    return [customer for customer, mask in closed(played.run).items() if not mask]


def breaker(played, acu) -> list[tuple[float, bool]]:
    """Its movements, without the chatter of a closing."""
    out: list = []
    for t_us, who, on in played.result.record.breakers:
        if who == acu and not (out and t_us / 1e6 - out[-1][0] < 0.02):
            out.append((t_us / 1e6, on))
    return out


def test_an_outage_in_the_dead_time_is_waited_for_and_nobody_is_forgotten():
    played = street(fault(5), (7, {"supply": "lost"}), (15, {"supply": "back"}), run_s=52)
    (_, first), (closed_s, second) = breaker(played, "s1")
    assert (first, second) == (False, True) and 15.0 <= closed_s < 15.5
    assert off(played) == [] and len(played.lines("RES", "cd")) == 1


def test_a_reset_in_the_dead_time_is_a_lock_out_that_the_centre_hears_of():
    played = street(fault(5), (7, {"reboot": {"acu": "s1", "off_ms": 2000}}),
                    order(20, "unlock", "s1"), order(22, "sw", "s1", 1, 0), run_s=40)
    codes = [m["b"]["code"] for _, m in played.heard("evt") if m["s"] == "s1"]
    assert codes == ["SHC", "LCK"]
    assert [on for _, on in breaker(played, "s1")] == [False, True] and off(played) == []


def test_an_overload_comes_back_with_its_customers_and_locks_the_branch_out():
    heavy = [(10.0, {"load_pct": {"acu": f"eu{n:02}", "value": 400}}) for n in range(1, 9)]
    played = street(*heavy, run_s=75, i_trip_ma=40_000, t_base_ms=35_000)
    assert [on for _, on in breaker(played, "s1")] == [False, True, False]
    assert sorted(off(played)) == list(B1)
    assert [m["b"]["code"] for _, m in played.heard("evt") if m["s"] == "s1"] == [
        "OC", "OC", "LCK"]


@pytest.mark.parametrize("at_s", [10.22, 10.30, 10.40])
def test_a_branch_that_trips_in_the_middle_of_phase_changes(at_s):
    """Two of its customers and two of others move together at 10.308 s."""
    played = street((5, {"scc": {"type": "cfg", "body": {"k": "ub_en", "val": 1}}}), fault(at_s),
                    run_s=40, ub_hold_ms=1000)
    assert played.lines("PHS_START") and off(played) == []
