"""The close-block tag (spec smartlvgrid, section 10) stops every closing, also after a power
loss."""
import pytest

from tests.scenario.kit import A, B, assay, play


def order(cmd, *args):
    """The centre's order through the Coordinator."""
    return lambda run: run.order("sc.cmd", {"cmd": cmd, "args": list(args)})


@pytest.fixture(scope="module")
def tagged():
    """EU-1 is tagged from 2 to 30 s; outage from 4 to 6 s; its board loses power at 8 s."""
    return play(assay(run_s=40, events=[
        (4, {"supply": "lost"}), (6, {"supply": "back"}),
        (8, {"reboot": {"acu": "eu1", "off_ms": 200}})]),
        at={2: order("lock", "eu1"), 20: order("phs", "eu1", 2), 22: order("sw", "eu1", 1, 0),
            30: order("unlock", "eu1")})


def test_the_tag_stops_no_opening(tagged):
    assert tagged.closed_at(3)["c1"] == {A} and tagged.closed_at(5)["c1"] == set()


def test_neither_reconnection_nor_the_centre_closes_or_moves_a_tagged_customer(tagged):
    assert tagged.closed_at(29) == {"c1": set(), "c2": {B}, "c3": {A}}
    assert len(tagged.times("REFUSED", "eu1")) >= 3
    assert [m["b"]["e"] for _, m in tagged.heard("sc.ack")] == [0, 2, 2, 0]
    assert tagged.lines("RECON_FAIL", "cd")[0].args["e"] == "2"


def test_the_tag_survives_a_power_loss(tagged):
    assert tagged.times("BOOT", "eu1") == [0.005, 8.2]
    assert all(t_s > 8.2 for t_s in tagged.times("REFUSED", "eu1"))


def test_without_the_tag_the_customer_is_reconnected(tagged):
    assert tagged.closed_at(39)["c1"] == {A} and tagged.times("CLOSED", "eu1")[0] > 30


@pytest.mark.parametrize("way", ["lease", "alone"])
def test_a_tagged_customer_closes_neither_at_the_end_of_a_lease_nor_when_alone(way):
    """The same run without the tag closes, so it is the tag that stops it."""
    events = [(1, {"link": {"acu": "cd", "partition": True}}), (4, {"supply": "lost"}),
              (5, {"supply": "back"})] if way == "alone" else []
    config = {"t_iso_ms": 10_000} if way == "alone" else {}
    closed = {}
    for tag in (False, True):
        at = {0.5: order("lock", "eu1")} if tag else {}
        if way == "lease":
            at = {2: order("sw", "eu1", 0, 5), **({3.5: order("lock", "eu1")} if tag else {})}
        run_s = 60 if way == "alone" else 15
        street = play(assay(run_s=run_s, events=events, config=config), at=at)
        closed[tag] = street.closed_at(run_s)["c1"]
    assert closed == {False: {A}, True: set()}
