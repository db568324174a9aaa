"""F2 on the street (spec smartlvgrid, section 9): when supply counts as lost, and who hears."""
import pytest

from acu import events, messages
from acu.primitives import history
from tests.scenario.kit import assay, panel_subsequence, play

LOST, BACK = {"supply": "lost"}, {"supply": "back"}


@pytest.fixture(scope="module")
def shaken():
    """Three dips of 150 ms, half the voltage for 10 s, then phase B lost for 5 s."""
    dips = [(t_s + d_s, how) for t_s in (2.0, 3.0033, 4.0067)
            for d_s, how in ((0, LOST), (0.15, BACK))]
    return play(assay(run_s=40, events=[
        *dips, (6, {"supply_pu": [0.5, 0.5, 0.5]}), (16, {"supply_pu": [1.0, 1.0, 1.0]}),
        (22, {"phase_lost": "B"}), (27, {"phase_back": "B"})]))


@pytest.fixture(scope="module")
def cut_off():
    """The Coordinator has no network around the beginning of the outage."""
    return play(assay(run_s=30, events=[
        (4, {"link": {"acu": "cd", "partition": True, "for_ms": 5_000}}), (6, LOST), (12, BACK)]))


@pytest.fixture(scope="module")
def falling_again():
    """The supply comes back for half a second, then for good."""
    return play(assay(run_s=24, events=[(6, LOST), (10, BACK), (10.5, LOST), (12, BACK)]))


@pytest.fixture(scope="module")
def one_phase_back():
    """After the outage phase B stays dark for more than a minute."""
    return play(assay(run_s=90, events=[
        (5, LOST), (7.9, {"phase_lost": "B"}), (8, BACK), (80, {"phase_back": "B"})]))


@pytest.mark.parametrize("level", ["wave", "quantity"])
@pytest.mark.parametrize("lost_s", [2.0, 2.0033, 2.0067, 2.0111])
def test_a_total_loss_is_an_outage_after_200_to_250_ms(lost_s, level):
    street = play(assay(run_s=2.5, events=[(lost_s, LOST)]), level)
    assert [200 <= 1000 * (t_s - lost_s) <= 250 for t_s in street.times("OUT", "cd")] == [True]
    alarm, = street.lines("OUT")
    first_bad_s = alarm.t_us / 1e6 - int(alarm.args["since_ms"]) / 1000
    assert -0.001 <= first_bad_s - lost_s <= 0.030      # the first half cycle below, not the alarm


def test_dips_of_150_ms_are_counted_and_nothing_else(shaken):
    assert shaken.unit("cd").acu.supply.bounces == 3
    # the inrush of all customers at once after a dip may drive the post's channels to the rails
    assert {e.name for e in shaken.log if 1 < e.t_us / 1e6 < 6} <= {"ADC_BAD", "ADC_OK"}
    assert not [c for c in shaken.result.contacts if c[0] < 6e6]


def test_half_the_voltage_is_no_outage(shaken):
    assert shaken.lines("OUT") == shaken.lines("SHED") == [] and shaken.heard("outage") == []
    assert [e.args["ph_mask"] for e in shaken.lines("UV", "cd")] == ["7", "2"]
    t_s = shaken.times("UV", "cd")[0]
    assert 7.0 <= t_s <= 7.05                            # t_part 1 s
    assert 17.0 <= shaken.times("UV_END", "cd")[0] <= 17.05
    assert not [c for c in shaken.result.contacts if c[0] < 22e6]
    assert panel_subsequence(["OK A B A", "PAR A B A", "OK A B A"], shaken.panel)


def test_one_phase_lost_is_told_with_its_mask_and_opens_only_its_own_customer(shaken):
    evts = [(m["b"]["code"], m["b"]["ph"]) for _, m in shaken.heard("evt")]
    assert evts == [("UV", 7), ("UV", 2)]
    assert [c[1] for c in shaken.result.contacts if 22e6 <= c[0] < 27e6] == ["c2"]
    assert "PAR A - A" in shaken.panel


def test_the_customer_of_the_lost_phase_is_served_again_when_it_is_back(shaken):
    (t_s, was, now), = shaken.moves("c2")
    assert was == now == 1 and 27 + 1 + 3 <= t_s <= 35   # t_res and t_base after the return
    assert shaken.panel[-1] == "OK A B A"


def test_the_centre_receives_exactly_one_outage_and_one_restore(played):
    (t_out_s, outage), = played.heard("outage")
    (t_res_s, restore), = played.heard("restore")
    start_ms = played.scenario.start_utc_ms
    assert 20.2 <= t_out_s <= 20.35 and 31.0 <= t_res_s <= 31.15
    for message in (outage, restore):
        assert abs(message["b"]["t0_ms"] - start_ms - 20_000) <= 30 and message["b"]["ph"] == 7
    assert restore["b"]["dur_s"] == 10    # to the first half cycle in band, not to now
    assert [m["b"]["code"] for _, m in played.heard("evt")] == ["OUT"]


def test_the_outage_is_on_the_panel_at_once_and_the_marks_stay(played):
    out = played.panel.index("OUT A B A")
    assert played.panel[out - 1:out + 2] == ["OK A B A", "OUT A B A", "OUT - - -"]
    assert played.result.panel[out][0] <= 20.3e6


def test_outage_and_restore_are_retained():
    assert [messages.TABLE[t][:2] for t in ("outage", "restore")] == ["11", "11"]


def test_the_outage_is_in_the_store_when_it_is_told():
    stored = []

    def look(run):
        if not stored and any(topic.endswith("/outage") for _, _, topic, _ in run.result.bus):
            rows = history.newest(None, run.firmware.units["cd"].store)
            stored.append([row[2] for row in rows])

    play(assay(run_s=3, events=[(2, LOST)]), each=look)
    assert events.OUT in stored[0]


def test_without_a_network_the_outage_is_told_later_and_once(cut_off):
    (t_s, outage), = cut_off.heard("outage")
    assert 9.0 <= t_s <= 9.2
    assert abs(outage["b"]["t0_ms"] - cut_off.scenario.start_utc_ms - 6_000) <= 30
    assert len(cut_off.heard("restore")) == 1
    assert cut_off.panel[-1] == "OK A B A"


def test_a_fall_while_restoring_is_the_same_outage(falling_again):
    assert len(falling_again.heard("outage")) == len(falling_again.heard("restore")) == 1
    assert falling_again.heard("restore")[0][1]["b"]["dur_s"] == 6
    assert falling_again.times("RES", "cd")[0] >= 12 + 1
    shown = [t_us / 1e6 for t_us, text in falling_again.result.panel if text == "RES - - -"]
    assert 10 < shown[0] < 10.6 and 12 < shown[1] < 12.6     # at once, not with the next tele
    assert min(t for c in ("c1", "c2", "c3") for t, *_ in falling_again.moves(c)) >= 12 + 1 + 3


def test_users_on_the_phases_that_returned_are_reconnected_after_60_s(one_phase_back):
    for customer, phase in (("c1", 0), ("c3", 0)):
        (t_s, was, now), = one_phase_back.moves(customer)
        assert was == now == phase and 8 + 60 <= t_s <= 8 + 66
    (t_s, _, now), = one_phase_back.moves("c2")
    assert now == 1 and t_s >= 80 + 1 + 3
    assert panel_subsequence(["OUT - - -", "PAR - - -", "PAR A - A", "OK A B A"],
                             one_phase_back.panel)
    assert len(one_phase_back.heard("outage")) == len(one_phase_back.heard("restore")) == 1
