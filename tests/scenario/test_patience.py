"""F3 waits for the whole of t_res and T_base, whatever happened to the Coordinator or a phase."""
from tests.scenario.kit import A, B, assay, play

SLOW = {"t_res_ms": 3_000, "t_base_ms": 4_000}


def test_a_coordinator_restarted_in_an_outage_reconnects_nobody_before_restoration():
    """Its slow attempts, once a minute, must not take the first good half cycle for the end."""
    alive = {acu: {"holdup_ms": 200_000} for acu in ("cd", "eu1", "eu2", "eu3")}
    street = play(assay(run_s=85, config=SLOW, acus=alive, events=[
        (3, {"supply": "lost"}), (6, {"reboot": {"acu": "cd", "off_ms": 500}}),
        (66.6, {"supply": "back"})]))
    assert len(street.heard("outage")) == len(street.heard("restore")) == 1
    assert min(t_s for c in ("c1", "c2", "c3") for t_s, *_ in street.moves(c)) >= 66.6 + 3 + 4
    assert street.closed_at(84) == {"c1": {A}, "c2": {B}, "c3": {A}}


def test_a_customer_whose_phase_was_lost_alone_is_not_closed_before_it_is_steady():
    street = play(assay(run_s=85, config=SLOW, events=[
        (3, {"phase_lost": "B"}), (60.2, {"phase_back": "B"})]))
    assert street.times("UV_END", "cd")[0] >= 63.2
    (t_s, *_), = street.moves("c2")
    assert t_s >= 63.2 and street.closed_at(84)["c2"] == {B}


def test_a_partial_return_after_a_restart_still_serves_the_phases_that_are_back():
    """Restart in an outage; then only A and C return: their users come back after 60 s."""
    alive = {acu: {"holdup_ms": 200_000} for acu in ("cd", "eu1", "eu2", "eu3")}
    street = play(assay(run_s=90, acus=alive, events=[
        (3, {"supply": "lost"}), (6, {"reboot": {"acu": "cd", "off_ms": 500}}),
        (9.9, {"phase_lost": "B"}), (10, {"supply": "back"})]))
    first = min(t_s for c in ("c1", "c3") for t_s, *_ in street.moves(c))
    assert 70 <= first <= 76
    assert street.closed_at(89) == {"c1": {A}, "c2": set(), "c3": {A}}
