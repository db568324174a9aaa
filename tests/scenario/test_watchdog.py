"""A hung main loop (design, section 4): the fast tier protects all the same, the watchdog ends
it."""
import pytest

from tests.scenario.kit import A, assay, play


@pytest.fixture(scope="module")
def hung():
    """EU-1's slow tier hangs from 3 s on; outage from 5 to 14 s."""
    return play(assay(run_s=30, events=[
        (3, {"hang": {"acu": "eu1", "for_ms": 60_000}}), (5, {"supply": "lost"}),
        (14, {"supply": "back"})]))


def test_the_fast_tier_opens_although_the_slow_one_hangs(hung):
    assert 5.2 <= hung.opened_s("c1", 5) <= 5.4


def test_the_watchdog_resets_after_its_period_and_the_contact_stays_open(hung):
    first, second = hung.times("BOOT", "eu1")
    assert 11.3 <= second <= 11.5
    assert hung.lines("BOOT", "eu1")[1].args["on_mask"] == "0"
    assert hung.closed_at(16)["c1"] == set()


def test_a_short_hang_resets_nobody():
    street = play(assay(run_s=16, events=[(3, {"hang": {"acu": "eu1", "for_ms": 8_000}})]))
    assert len(street.times("BOOT", "eu1")) == 1


def test_why_it_is_open_is_not_lost(hung):
    """The reset came before the slow tier had noted the reason; nobody may stay dark for that."""
    assert hung.closed_at(29)["c1"] == {A}
