"""The supervisory panel (spec smartlvgrid, section 12), whole runs, variants and golden logs."""
import pytest

from tests.scenario.golden import is_golden
from tests.scenario.kit import assay, panel_subsequence, play

PANEL = ["OK A B A", "OUT A B A", "OUT - - -", "RES - - -", "OK A B A", "OK A B C"]


@pytest.fixture(scope="module")
def at_127_v():
    """127/220 V, 60 Hz."""
    return play(assay(street={"un_v": 127.0}, source={"u_v": 128.7, "f_mhz": 60_000},
                      config={"fn_mhz": 60_000}), "wave")


@pytest.fixture(scope="module")
def short_holdup():
    """Operators run on for 2 s only, so they are dead for most of the outage."""
    return play(assay(acus={op: {"holdup_ms": 2_000} for op in ("eu1", "eu2", "eu3")}))


def test_the_panel_shows_the_whole_run_in_order(played):
    assert panel_subsequence(PANEL, played.panel) and played.panel[-1] == PANEL[-1]
    assert played.panel == [*PANEL[:4], "RES A - -", "RES A B -", *PANEL[4:]]


def test_the_panel_changes_in_its_time(played):
    shown = {text: t_us / 1e6 for t_us, text in played.result.panel}
    assert played.result.panel[0][0] <= 6e6 and shown["OUT A B A"] <= 20.3
    assert shown["OUT - - -"] <= 23.2 and 30 < shown["RES - - -"] < 31
    assert 34 <= shown["RES A - -"] < shown["RES A B -"] <= 37
    assert shown["OK A B C"] <= 64


def test_the_first_line_follows_the_first_complete_tele(played):
    assert played.result.panel[0][0] / 1e6 == played.heard("tele")[0][0]


def test_partial_marks_appear_only_while_opening_and_reconnecting(played):
    spans = [(played.times("SHED", "cd")[0], played.times("SHED_END", "cd")[0] + 1.2),
             (played.times("RECON", "cd")[0], played.times("RECON_END", "cd")[0] + 1.2)]
    for t_us, text in played.result.panel:
        marks = text.split()[1:]
        if len({mark == "-" for mark in marks}) == 2:
            assert any(a <= t_us / 1e6 <= b for a, b in spans), text


def test_restoring_lasts_from_the_first_voltage_until_everybody_is_back(played):
    lamps = [(t_us / 1e6, text.split()[0]) for t_us, text in played.result.panel]
    res = [t_s for t_s, lamp in lamps if lamp == "RES"]
    ok = next(t_s for t_s, lamp in lamps if lamp == "OK" and t_s > 30)
    assert 30 < res[0] < 30.6 and ok >= played.times("RECON_END", "cd")[0]


def test_both_forms_of_the_panel(played):
    assert played.run.scc.short() == "OK A B C"
    assert played.run.scc.long() == "Cd:OK  EU1:A EU2:B EU3:C"


def test_every_expectation_of_the_file_comes_true(played):
    assert played.scenario.expect.panel == PANEL and played.failed() == []


@pytest.mark.parametrize("variant", ["through_scd", "at_127_v", "short_holdup"])
def test_a_variant_shows_the_same_panel_and_keeps_the_same_limits(variant, request):
    run = request.getfixturevalue(variant)
    # who has no power left cannot answer, and is shown as not known
    dead = ["n_ok: 3 to 3: 0"] if variant == "short_holdup" else []
    assert run.failed() == dead
    known = [text for text in run.panel if "?" not in text]
    assert known == [*PANEL[:4], "RES A - -", "RES A B -", *PANEL[4:]]
    assert (known == run.panel) == (not dead)


def test_the_variants_are_what_they_say(through_scd, at_127_v, short_holdup):
    cd = through_scd.scenario.coordinator().config
    assert cd["via"] == ["s1"] * 3 and through_scd.addressed("meas.req", "eu1")
    assert not [m for m in through_scd.sent("meas.req", "cd") if "/slv/" in m[1]]
    readings = at_127_v.heard("tele")[2][1]["b"]["tp"]
    assert 1240 <= readings["u_dV"][0] <= 1290 and abs(readings["f_mHz"] - 60_000) <= 1
    for op in ("eu1", "eu2", "eu3"):
        first, second = short_holdup.times("BOOT", op)
        assert 30 <= second <= 30.1 and short_holdup.lines("BOOT", op)[1].args["on_mask"] == "0"


def test_with_nobody_holding_up_all_the_same_everybody_comes_back():
    """The Coordinator too is dead after 2 s; it remembers what it told the centre, and takes it
    back."""
    dead = {acu: {"holdup_ms": 2_000} for acu in ("cd", "eu1", "eu2", "eu3")}
    street = play(assay(run_s=24, acus=dead, events=[
        (6, {"supply": "lost"}), (12, {"supply": "back"})]))
    first = min(t_s for c in ("c1", "c2", "c3") for t_s, *_ in street.moves(c))
    assert first >= 12 + 3 and street.panel[-1] == "OK A B A"
    assert street.closed_at(24) == {"c1": {0}, "c2": {1}, "c3": {0}}
    assert len(street.heard("outage")) == len(street.heard("restore")) == 1
    assert 5990 <= int(street.lines("RES", "cd")[0].args["dur_ms"]) <= 6400


def test_the_event_log_is_the_golden_one(played):
    one = played.result
    assert is_golden(f"assay-{one.level}-seed{one.seed}", one.event_log())
