"""What may arrive from the network and must do nothing (spec smartlvgrid, sections 6 and 10)."""
import pytest

from acu import events as ev
from acu import messages
from acu.primitives.messaging import UNAUTHENTIC
from tests.scenario.kit import NULL_CODE, assay, drops, frame, inject, play

TO_EU1 = "slvg/1/slv/sc1/uc0/eu1/dn/"
TO_ALL = "slvg/1/slv/sc1/uc0/all/dn/"
OPEN = {"on": 0, "sel": 0, "why": ev.WHY_SCC, "t_ms": 0, "lease_s": 0}
CLOSE = {"on": 1, "sel": 0, "why": ev.WHY_SCC, "t_ms": 0, "lease_s": 0}
SELECT = {**CLOSE, "sel": 1}
K = 1 << 24        # far ahead of the Coordinator's own counter


def order(run, n, body=OPEN, k=None, dst="eu1", src="scc", **envelope):
    return frame(run, "sw.req", src, dst, body, n, K + n if k is None else k, **envelope)


def after_another(first, second):
    """Two messages, of which the first is harmless and good."""
    def deed(run):
        for raw in (first(run), second(run)):
            inject(run, TO_EU1 + "sw.req", raw)
    return deed


def good(n, k=None):
    return lambda run: order(run, n, {**OPEN, "on": 1, "sel": 1}, k)


def alone(raw_of):
    return lambda run: inject(run, TO_EU1 + "sw.req", raw_of(run))


BAD = {
    "cut short": ("MALFORMED", alone(lambda run: order(run, 1)[:-9])),
    "no JSON": ("MALFORMED", alone(lambda run: b'{"v":1,"t":"sw.req"' + b"}" * 3)),
    "not UTF-8": ("MALFORMED", alone(lambda run: order(run, 1).replace(b'"scc"', b'"\xff\xfe"'))),
    "a float": ("MALFORMED", alone(lambda run: order(run, 1).replace(b'"on":0', b'"on":0.0'))),
    "a key missing": ("MALFORMED", alone(lambda run: order(run, 1).replace(b'"sel":0,', b""))),
    "without a code": ("MALFORMED", alone(
        lambda run: order(run, 1).replace(b',"h":"' + NULL_CODE.encode() + b'"', b""))),
    "another version": ("MALFORMED", alone(lambda run: order(run, 1).replace(b'"v":1', b'"v":2'))),
    "for somebody else": ("FOREIGN", alone(lambda run: order(run, 1, dst="eu2"))),
    "its own echo": ("FOREIGN", alone(lambda run: order(run, 1, src="eu1"))),
    "11 s old": ("STALE", alone(lambda run: order(run, 1, age_ms=11_000, ttl_ms=60_000))),
    "6 s ahead": ("STALE", alone(lambda run: order(run, 1, age_ms=-6_000))),
    "expired": ("STALE", alone(lambda run: order(run, 1, age_ms=2_000, ttl_ms=1_000))),
    "the same number twice": ("DOUBLED", after_another(
        good(1), lambda run: order(run, 1, k=K + 9))),
    "an old counter": ("REPLAYED", after_another(
        good(5), lambda run: order(run, 6, k=K + 5))),
    "a wrong code": ("UNAUTHENTIC", alone(lambda run: order(run, 1, code="0123456789abcdef"))),
}


@pytest.fixture(scope="module")
def attacked():
    """{what: (drops before, drops after, contacts)}

    A street for each bad message would be slow: on this one eu1 restarts before each."""
    seen = {}
    at = {}
    events = []
    for n, (what, (_, deed)) in enumerate(BAD.items()):
        t_s = 2.0 + 2 * n
        events.append((t_s - 1.0, {"reboot": {"acu": "eu1", "off_ms": 50}}))

        def before(run, what=what, deed=deed):
            seen[what] = [drops(run, "eu1")]
            deed(run)

        def after(run, what=what):
            seen[what] += [drops(run, "eu1"), list(run.result.contacts)]

        at |= {t_s: before, t_s + 0.8: after}
    play(assay(run_s=2.0 + 2 * len(BAD), events=events), at=at)
    return seen


@pytest.mark.parametrize("what", BAD)
def test_a_bad_message_is_counted_by_its_reason_and_switches_nothing(attacked, what):
    before, after, contacts = attacked[what]
    reason = BAD[what][0]
    assert after == {**before, reason: before[reason] + 1}
    assert contacts == []


def test_the_same_order_in_good_form_does_open():
    """Without this the test above would prove nothing."""
    street = play(assay(run_s=3.5, events=[]),
                  at={2.0: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 1))})
    assert street.closed_at(3.5)["c1"] == set() and sum(drops(street, "eu1").values()) == 0


def test_a_message_delivered_twice_acts_once():
    street = play(assay(run_s=19, network={"dup_pct": 100.0}, events=[
        (6, {"supply": "lost"}), (9, {"supply": "back"})]))
    for op, customer in (("eu1", "c1"), ("eu2", "c2"), ("eu3", "c3")):
        assert drops(street, op)["DOUBLED"] >= 3
        assert len(street.moves(customer)) == 1
        assert len([d for d in street.result.drives if d[1] == op and d[3] == 1]) == 1
    assert street.panel[-1] == "OK A B A"


def test_a_broadcast_never_closes():
    """Not even one that has been selected, on a street with good voltage."""
    def deed(run):
        inject(run, TO_EU1 + "sw.req", order(run, 1, OPEN))

    def select(run):
        inject(run, TO_EU1 + "sw.req", order(run, 2, SELECT))

    def close_all(run):
        inject(run, TO_ALL + "sw.req", order(run, 3, CLOSE, dst="*"))

    def close_one(run):
        inject(run, TO_EU1 + "sw.req", order(run, 4, SELECT))

    street = play(assay(run_s=5, events=[]),
                  at={2.0: deed, 2.5: select, 3.0: close_all, 4.0: close_one})
    assert street.closed_at(5) == {"c1": set(), "c2": {1}, "c3": {0}}
    dropped = street.lines("DROPPED", since_s=3.0)
    assert {(e.acu, int(e.args["reason"])) for e in dropped} == {
        (op, UNAUTHENTIC) for op in ("eu1", "eu2", "eu3")}
    assert [m for t_s, _, m in street.sent("sw.ack", "eu1") if 3 <= t_s < 4] == []


def test_a_broadcast_opens_nobody_who_has_voltage():
    body = {**OPEN, "why": ev.WHY_OUT}
    street = play(assay(run_s=3.5, events=[]), at={
        2.0: lambda run: inject(run, TO_ALL + "sw.req", order(run, 1, body, dst="*"))})
    assert street.result.contacts == []
    assert [(e.acu, e.args["e"]) for e in street.lines("REFUSED")] == [
        (op, "3") for op in ("eu1", "eu2", "eu3")]


def test_closing_needs_a_select_by_the_same_peer():
    def put(n, body, src="scc"):
        return lambda run: inject(run, TO_EU1 + "sw.req", order(run, n, body, src=src))

    street = play(assay(run_s=6, events=[]), at={
        2.0: put(1, OPEN), 2.5: put(2, CLOSE), 3.0: put(3, SELECT), 3.5: put(4, CLOSE, "cd"),
        4.0: put(5, CLOSE), 4.5: put(6, SELECT), 5.0: put(7, CLOSE)})
    acks = [(m["b"]["sel"], m["b"]["e"]) for _, _, m in street.sent("sw.ack", "eu1")]
    assert acks == [(0, 0), (0, ev.E_INTERLOCK), (1, 0), (0, ev.E_INTERLOCK), (0, ev.E_INTERLOCK),
                    (1, 0), (0, 0)]
    (t_s, *_), = street.moves("c1")
    assert 5.0 <= t_s <= 5.2


def test_a_user_opened_by_the_centre_is_closed_by_nobody_else():
    recon = {**SELECT, "why": ev.WHY_RECON}
    street = play(assay(run_s=4.5, events=[]), at={
        2.0: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 1, OPEN)),
        3.0: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 2, recon, src="cd")),
        3.5: lambda run: inject(run, TO_EU1 + "sw.req", order(
            run, 3, {**recon, "sel": 0}, src="cd"))})
    acks = [m["b"]["e"] for _, _, m in street.sent("sw.ack", "eu1")]
    assert acks == [0, ev.E_LIMIT, ev.E_LIMIT] and street.moves("c1") == []


def test_a_select_is_forgotten_after_10_s():
    street = play(assay(run_s=15, events=[]), at={
        2.0: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 1, OPEN)),
        2.5: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 2, SELECT)),
        12.8: lambda run: inject(run, TO_EU1 + "sw.req", order(run, 3, CLOSE))})
    assert street.moves("c1") == []


@pytest.mark.parametrize("step_ms", [11_000, -11_000])
def test_a_clock_that_is_wrong_by_more_than_any_ttl_heals(step_ms):
    """Its own clock is 11 s off from the start; every request would be stale to it."""
    street = play(assay(run_s=12, events=[(0, {"clock": {"acu": "eu1", "step_ms": step_ms}})]))
    (healed,) = street.lines("TIME_SET", "eu1")
    assert abs(int(healed.args["step_ms"]) + step_ms) <= 50 and healed.t_us < 2e6
    assert [m["b"]["n_ok"] for _, m in street.heard("tele")] == [3, 3]
    start_ms = street.scenario.start_utc_ms
    for t_s, _, m in street.sent("meas", "eu1"):
        assert abs(m["ts"] - start_ms - t_s * 1000) <= 100 and m["b"]["fl"] & 1 == 0


def test_time_is_not_taken_from_an_old_counter():
    """A recorded `time` message played again sets no clock back."""
    recorded = []

    def record(run):
        recorded.extend(raw for _, _, topic, raw in run.result.bus
                        if topic.endswith("/eu1/dn/time"))

    def replay(run):
        again = messages.decode(recorded[0])
        inject(run, TO_EU1 + "time", recorded[0].replace(b'"n":%d' % again["n"], b'"n":9'))

    street = play(assay(run_s=12, events=[]), at={3.0: record, 10.0: replay})
    assert recorded
    assert [e for e in street.lines("TIME_SET") if e.t_us > 2e6] == []
    start_ms = street.scenario.start_utc_ms
    assert all(abs(m["ts"] - start_ms - t_s * 1000) <= 100
               for t_s, _, m in street.sent("hb", "eu1"))


def test_no_frame_is_longer_than_its_bound(played, through_scd):
    for run in (played, through_scd):
        for _, _, topic, raw in run.result.bus:
            paged = topic.rpartition("/")[2] in ("meas", "tele", "agg")
            assert len(raw) <= (480 if paged else 240), topic


def test_only_the_coordinator_speaks_on_the_man(played, through_scd):
    for run in (played, through_scd):
        assert {who for _, who, topic, _ in run.result.bus if "/man/" in topic} == {"cd"}
