"""F1 on the street (spec smartlvgrid, section 8): what the centre is told is what flows."""
import math

import pytest

from tests.scenario.kit import A, B, C, assay, play

UN_V = 230.0
I_NOM_A = 15_000 / 3 / UN_V       # 21.7 A a phase at the post
LSB_A = 100.0 / 2048
STEADY_S = (19.9, 49.9, 74.9)     # A, B, A before and after the outage; A, B, C
WIN_S, RETRY_S = 0.5, 0.5


def _list(value):
    return list(value) if hasattr(value, "__len__") else [value]


@pytest.fixture(scope="module")
def measured():
    """Readings of every controller beside the truth at STEADY_S."""
    seen = {}

    def look(run):
        for name, unit in run.firmware.units.items():
            m = unit.acu.measuring
            got = [_list(x) for x in (m.u_dv, m.i_ma, m.p_w, m.q_var)]
            seen[name, run.t_us] = got, run.street.truth(name)

    play(assay(), "wave", at=dict.fromkeys(STEADY_S, look))
    return seen


@pytest.fixture(scope="module")
def muted():
    """The second Operator cannot be heard from 8 to 18 s."""
    return play(assay(run_s=27, events=[
        (8, {"link": {"acu": "eu2", "partition": True, "for_ms": 10_000}})]))


def cycles(played):
    """[(t of the request, t of its tele, tele's body, {operator: meas})] of each cycle."""
    out = []
    teles = played.heard("tele")
    for t_req, topic, _ in played.sent("meas.req", "cd"):
        if "/all/" in topic:
            t_tele, tele = next((t, m) for t, m in teles if t >= t_req)
            said = {m["s"]: m["b"] for t, _, m in played.sent("meas") if t_req <= t <= t_tele}
            out.append((t_req, t_tele, tele["b"], said))
    return out


def steady(played):
    """Cycles in which nothing was switched for a second before."""
    busy = [t_us / 1e6 for t_us, *_ in played.result.contacts]
    return [c for c in cycles(played)
            if not 20 <= c[0] < 31 and not any(c[0] - 1 <= t <= c[1] for t in busy)]


def test_the_centre_sees_who_is_on_which_phase(played):
    for t_s, message in played.heard("tele"):
        if t_s < 20:
            ops = {name: (phase, on) for name, phase, on, _ in message["b"]["ops"]}
            assert ops == {"eu1": (A, 1), "eu2": (B, 1), "eu3": (A, 1)}
    assert not any(phase == C for phase, on in ops.values())


def test_the_post_is_the_sum_of_its_customers_within_1_pct(played):
    rows = steady(played)
    assert len(rows) >= 8
    assert [rows[n][2]["ops"][2][:2] for n in (0, -1)] == [["eu3", A], ["eu3", C]]
    for _, _, tele, said in rows:
        for key in ("s_VA", "p_W", "q_var"):
            for k in (A, B, C):
                total = sum(meas[key][k] or 0 for meas in said.values())
                at_post = tele["tp"][key][k]
                if total:
                    assert abs(at_post - total) <= max(0.01 * total, 1), (key, k, at_post, total)
                else:     # an idle phase shows the noise of its current channel and no more
                    assert abs(at_post) <= 0.002 * UN_V * I_NOM_A
        listed = {name: s_va for name, _, _, s_va in tele["ops"]}
        assert listed == {name: sum(s or 0 for s in meas["s_VA"]) for name, meas in said.items()}


def test_every_tele_comes_within_window_retries_and_a_second(played, muted):
    for run, least in ((played, 15), (muted, 5)):
        rows = cycles(run)
        assert len(rows) >= least
        for t_req, t_tele, _, _ in rows:
            assert t_tele - t_req <= WIN_S + RETRY_S + 1.0


def test_a_muted_operator_is_counted_missing_and_its_last_value_is_not_told(muted):
    by_time = [(t_s, m["b"]["n_ok"], m["b"]["n_all"], [op[0] for op in m["b"]["ops"]])
               for t_s, m in muted.heard("tele")]
    quiet = [row for row in by_time if 8.5 <= row[0] < 18]
    assert len(quiet) == 2
    for _, n_ok, n_all, names in quiet:
        assert (n_ok, n_all, names) == (2, 3, ["eu1", "eu3"])
    for t_s, n_ok, n_all, names in by_time:
        if not 8.5 <= t_s < 18:
            assert (n_ok, n_all, names) == (3, 3, ["eu1", "eu2", "eu3"])
    assert muted.panel == ["OK A B A", "OK A ? A", "OK A B A"]
    assert [e.args["op"] for e in muted.lines("MISSING", "cd")] == ["1"]
    assert 14 <= muted.times("MISSING", "cd")[0] <= 16.5      # three beats of 2 s
    assert muted.times("BACK_AGAIN", "cd")


def test_only_the_silent_operator_is_asked_again(muted):
    asked = [topic for t_s, topic, _ in muted.sent("meas.req", "cd") if "/all/" not in topic]
    assert asked and all("/eu2/" in topic for topic in asked)
    assert len(asked) == 2      # one retry in each of the two cycles


def test_readings_are_the_truth_within_a_thousandth_of_nominal(measured):
    for (u_dv, i_ma, p_w, q_var), truth in measured.values():
        for k in (A, B, C):
            assert abs(u_dv[k] / 10 - truth["u_v"][k]) <= 0.001 * UN_V
        pairs = zip(i_ma, p_w, q_var, *(_list(truth[key]) for key in ("i_a", "p_w", "q1_var")),
                    strict=True)
        for i, p, q, i_true, p_true, q_true in pairs:
            assert abs(p - p_true) <= 0.001 * UN_V * I_NOM_A
            assert abs(q - q_true) <= 0.001 * UN_V * I_NOM_A
            if i_true > 0:
                assert abs(i / 1000 - i_true) <= 0.001 * I_NOM_A
            else:
                # Half a code of noise and the rounding of the 12-bit converter are a current like
                # any other: 0.028 A, 0.13 % of nominal. A load hides it: sqrt(I^2 + n^2).
                floor_a = math.sqrt(0.5 ** 2 + 1 / 12) * LSB_A
                assert abs(i / 1000 - floor_a) <= 0.1 * floor_a


def test_power_that_no_meter_saw_is_reported_after_three_cycles():
    """A bridged meter: a customer's current channel shows half of what flows."""
    street = play(assay(run_s=32, events=[
        (7, {"set": {"name": "adc.gain_pct", "acu": "eu1", "channel": 4, "value": -50}})]))
    alarms = [(t_s, m["b"]["val"]) for t_s, m in street.heard("evt") if m["b"]["code"] == "TAMP"]
    assert len(alarms) == 1 and len(street.lines("TAMP", "cd")) == 1
    t_s, missing_w = alarms[0]
    assert 20 <= t_s <= 21.5         # cycles at 10, 15 and 20 s
    assert 800 <= missing_w <= 1000


def test_a_small_difference_is_no_theft():
    street = play(assay(run_s=32, events=[
        (7, {"set": {"name": "adc.gain_pct", "acu": "eu1", "channel": 4, "value": -20}})]))
    assert street.heard("evt") == []      # 400 of 5400 VA: below 15 %


def test_what_could_not_be_sent_is_sent_later_oldest_first():
    street = play(assay(run_s=30, events=[
        (9, {"link": {"acu": "cd", "partition": True, "for_ms": 9_000}})]))
    got = [(t_s, m["b"]["t0"], m["b"]["n_ok"]) for t_s, m in street.heard("tele")]
    late = [row for row in got if 18 <= row[0] < 20]
    assert len(late) == 2 and all(n_ok == 0 for _, _, n_ok in late)    # of 10 and 15 s
    assert [t0 for _, t0, _ in got] == sorted({t0 for _, t0, _ in got})
