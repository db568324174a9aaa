"""F4 on the street (spec smartlvgrid, section 11): one user changes phase, unharmed."""
import pytest

from tests.scenario.kit import A, B, C, assay, play

# Balances a street that is unbalanced from the start: query at about 5.3 s, move 2.5 s later,
# result at about 14 s.
AT_ONCE = {"ub_en": 1}
HOLD_S = 5.0


@pytest.fixture(scope="module")
def nacking():
    """The third user's board sees no voltage on phase C, so it refuses to go there."""
    return play(assay(run_s=20, config=AT_ONCE, events=[
        (1, {"set": {"name": "adc.open", "acu": "eu3", "channel": 2, "value": 1}})]))


@pytest.fixture(scope="module")
def worse():
    """The moved user takes six times his load as soon as he has moved."""
    return play(assay(run_s=62, config=AT_ONCE, events=[
        (9.5, {"load_pct": {"acu": "eu3", "value": 600}}),
        (17, {"load_pct": {"acu": "eu3", "value": 100}})]))


@pytest.fixture(scope="module")
def nearly():
    """Two excursions of a balanced street, and how long the averaged UI was too high in each."""
    above = []

    def look(run):
        f4 = run.firmware.units["cd"].acu.balancing
        if run.t_us % 10_000 == 0:
            above.append((run.t_us / 1e6, f4.ui_m > 200))

    def load(value):
        return {"load_pct": {"acu": "eu1", "value": value}}

    street = play(assay(run_s=36, config={**AT_ONCE, "ub_avg_ms": 1000},
                        customers={"c3": {"phase": "C"}}, events=[
                            (8, load(200)), (11.2, load(100)),
                            (20, load(200)), (26.5, load(100))]),
                  each=look)
    spans, since = [], None
    for t_s, high in above:
        if high and since is None:
            since = t_s
        elif not high and since is not None:
            spans.append((since, t_s))
            since = None
    return street, spans


def test_the_assay_is_balanced_by_one_move(played):
    (t_s, result), = played.heard("ub.res")
    body = result["b"]
    assert body["moves"] == [["eu3", A, C]] and (body["ok"], body["e"]) == (1, 0)
    assert abs(body["ui0_m"] - 1000) <= 5 and abs(body["ui1_m"] - 111) <= 5
    assert t_s <= 64
    moves = [(old, new) for c in ("c1", "c2", "c3") for _, old, new in played.moves(c, 50)]
    assert moves == [(A, C)]


def test_query_switch_result_and_cooldown_come_in_their_time(played):
    assert [55.0 <= t_s <= 55.2 for t_s in played.times("UB_QUERY")] == [True]
    assert [57.5 <= t_s <= 58.5 for t_s in played.times("PHS_DONE")] == [True]
    assert [62.5 <= t_s <= 64.0 for t_s in played.times("UB_DONE")] == [True]


def test_before_and_after_are_the_loads_of_the_specification(played):
    """3600/1800/0, then 2000/1800/1600 VA, at nominal voltage."""
    for t_s, message in played.heard("tele"):
        tp = message["b"]["tp"]
        at_nominal = [s * (2300 / u) ** 2 if u else 0 for s, u in
                      zip(tp["s_VA"], tp["u_dV"], strict=True)]
        want = {(50, 55): (3600, 1800, 0), (64, 75): (2000, 1800, 1600)}
        for (from_s, to_s), loads in want.items():
            if from_s < t_s < to_s:
                assert all(abs(s - load) <= 0.01 * load + 10
                           for s, load in zip(at_nominal, loads, strict=True)), at_nominal


def test_it_waits_until_it_is_enabled(played):
    assert played.times("UB_QUERY")[0] >= 50 + HOLD_S
    assert played.sent("ub.req") and played.sent("ub.req")[0][0] >= 50 + HOLD_S


def test_each_operator_receives_one_request_and_sends_one_report(played, through_scd):
    for run in (played, through_scd):
        for op in ("eu1", "eu2", "eu3"):
            assert len(run.addressed("ub.req", op)) == 1
            assert len(run.sent("ub.rep", op)) == 1


def test_the_centre_hears_nothing_of_it_but_the_result(played):
    heard = [(t_s, m["t"]) for t_s, m in played.heard() if 50.5 < t_s < 72]
    assert [t for _, t in heard if t not in ("hb", "tele")] == ["ub.res"]
    told = [t_s for t_s, t in heard if t == "tele"]      # the periodic ones
    assert all(4.9 < b - a < 5.1 for a, b in zip(told, told[1:], strict=False))


def test_contacts_never_overlap_and_the_break_is_60_ms(played):
    assert played.run.street.joined_us == 0 and played.contacts.overlap_us == 0
    change, = [c for c in played.contacts.changes if c.old != c.new]
    assert 50_000 <= change.break_us <= 70_000
    assert abs(int(played.lines("PHS_DONE")[0].args["break_ms"]) - change.break_us / 1000) <= 10


@pytest.mark.parametrize("seed", range(2, 10))
def test_the_break_is_60_ms_whatever_the_relays_do(seed):
    """Travel times scatter by 2 ms and contacts bounce for 5 ms."""
    scenario = assay(run_s=9.5, events=[], config=AT_ONCE,
                     relay={"scatter_ms": 2.0, "bounce_ms": 5.0})
    street = play(scenario, seed=seed)
    change, = [c for c in street.contacts.changes if c.old != c.new]
    assert 50_000 <= change.break_us <= 70_000 and street.run.street.joined_us == 0


def test_too_high_for_less_than_the_hold_asks_nobody(nearly):
    street, ((from_s, to_s), (again_s, until_s)) = nearly
    assert HOLD_S - 1.2 <= to_s - from_s <= HOLD_S - 0.8
    assert until_s - again_s > HOLD_S
    asked = [t_s for t_s, _, _ in street.sent("ub.req")]
    assert len(asked) == 1 and again_s + HOLD_S <= asked[0] <= again_s + HOLD_S + 0.1


def test_when_one_refuses_another_goes(nacking):
    assert [(e.args["what"], e.args["e"]) for e in nacking.lines("REFUSED", "eu3")] == [("2", "4")]
    (_, result), = nacking.heard("ub.res")
    assert result["b"]["moves"] == [["eu1", A, C]] and abs(result["b"]["ui1_m"] - 111) <= 5
    assert nacking.panel[-1] == "OK C B A"
    assert len(nacking.lines("UB_PLAN")) == 2


def test_what_made_it_worse_is_taken_back_and_rests_four_cooldowns(worse):
    assert [(old, new) for _, old, new in worse.moves("c3")][:2] == [(A, C), (C, A)]
    result = worse.heard("ub.res")[0][1]["b"]
    assert (result["ok"], result["e"]) == (0, 5) and result["ui1_m"] > result["ui0_m"]
    done_s = worse.times("UB_DONE")[0]
    queries = worse.times("UB_QUERY")
    assert len(queries) == 2 and queries[1] - done_s >= 4 * 10
    assert worse.run.street.joined_us == 0


def test_a_normal_cooldown_is_10_s(nearly, nacking):
    street, _ = nearly
    for run in (street, nacking):
        done = [*run.times("UB_DONE"), *run.times("UB_ABORT")]
        assert not [q for q in run.times("UB_QUERY") for d in done if d < q < d + 10]


@pytest.fixture(scope="module")
def opens_s():
    """When the moved user's contact opens."""
    return play(assay(run_s=9.5, events=[], config=AT_ONCE)).opened_s("c3")


@pytest.mark.parametrize(("after_s", "aborts", "third"), [
    (-5.0, 0, A),      # while the unbalance is being watched
    (-2.3, 1, A),      # the Operators have been asked
    (-1.0, 1, A),      # ordered, not yet begun
    (0.001, 1, A),     # contact just open
    (0.03, 1, A),      # in the middle of the break
    (0.055, 1, A),     # driven, not yet closed
    (1.0, 1, C),       # moved, the average not yet whole
])
def test_an_outage_at_any_point_ends_it_with_all_open(opens_s, after_s, aborts, third):
    lost_s = round(opens_s + after_s, 4)
    street = play(assay(run_s=lost_s + 12.5, config=AT_ONCE, events=[
        (lost_s, {"supply": "lost"}), (lost_s + 4, {"supply": "back"})]))
    assert all(not on for on in street.closed_at(lost_s + 3).values())
    assert len(street.lines("UB_ABORT")) == aborts
    assert street.run.street.joined_us == 0
    assert street.closed_at(lost_s + 12.5) == {"c1": {A}, "c2": {B}, "c3": {third}}
    assert street.figures["never"]["reconnected_during_outage"] is False


def test_no_phase_change_is_begun_after_an_outage_has_interrupted_it():
    """The order for 8.1 s must not be carried out when the supply is back before."""
    street = play(assay(run_s=12, config={**AT_ONCE, "t_res_ms": 500, "t_base_ms": 0}, events=[
        (6.2, {"supply": "lost"}), (6.6, {"supply": "back"})]))
    assert street.lines("OUT") and not street.lines("PHS_START")


def test_four_moves_a_day_and_no_more():
    """A user that has been moved four times stays, whoever asks."""
    def order(phase):
        return {"scc": {"type": "sc.cmd", "body": {"cmd": "phs", "args": ["eu3", phase]}}}

    events = [(2 + 2 * n, order(phase)) for n, phase in enumerate((B, C, A, B, C))]
    street = play(assay(run_s=14, events=events))
    assert [new for _, _, new in street.moves("c3")] == [B, C, A, B]
    assert [m["b"]["e"] for _, m in street.heard("sc.ack")] == [0, 0, 0, 0, 3]
