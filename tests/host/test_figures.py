"""Figures and verdict, on runs written by hand: each expectation must be able to fail."""
import csv
import dataclasses
import hashlib

import pytest

from acu import messages
from host_sim.scenario import figures as fig
from host_sim.scenario import load, logs
from host_sim.scenario.plots import plot
from host_sim.scenario.result import RunResult

MS = 1_000
S = 1_000_000
UP = "slvg/1/man/sc1/up/"
CUSTOMERS = {"c1": 0, "c2": 1, "c3": 0}
SCENARIO = load.load("assay")
POST = {"u_dV": [2300] * 3, "i_mA": [0] * 3, "p_W": [0] * 3, "q_var": [0] * 3, "s_VA": [0] * 3,
        "f_mHz": 50_000, "e_Wh": 0, "t_dC": 350, "gnd": 1, "dofc": 1, "ph": None, "on": None,
        "fl": 0}


class Story:
    """A run written by hand."""

    def __init__(self):
        self.result = RunResult("assay", 1, "quantity", "cpython", run_us=75 * S)
        self.result.supply = [(0, (233.0,) * 3)]
        self.n = 0

    def event(self, t_us, acu, text):
        self.n += 1
        self.result.events.append((t_us, acu, f"2026-03-01T06:00:00.000Z {acu} {self.n} {text}"))

    def message(self, t_us, kind, body):
        self.n += 1
        raw = messages.encode(kind, "cd", "scc", self.n, 0, self.n, body)
        self.result.messages.append((t_us, UP + kind, raw))

    def tele(self, n_ok=3):
        self.message(0, "tele", {"t0": self.n, "tp": POST, "st": 0, "n_ok": n_ok, "n_all": 3,
                                 "ops": [], "br": [], "pg": 1, "pgs": 1})

    def contact(self, t_us, customer, phase, closed):
        self.result.contacts.append((t_us, customer, phase, closed))
        self.result.contacts.sort()

    def supply(self, t_us, u_v):
        self.result.supply.append((t_us, (u_v,) * 3))

    def figures(self):
        return fig.figures(self.result, SCENARIO)

    def never(self, name):
        return self.figures()["never"][name]

    def failed(self, **expect):
        form = dataclasses.replace(SCENARIO, expect=SCENARIO.expect.model_copy(update=expect))
        return [c.name for c in fig.check(self.figures(), form) if not c.ok]


def outage(story, lost_us=20 * S, back_us=30 * S):
    """Lost, seen after 215 ms, all open 300 ms after the loss; back, seen after 1 s."""
    story.supply(lost_us, 0.0)
    story.event(lost_us + 215 * MS, "cd", "OUT ph_mask=7 u_max_dv=3 since_ms=0")
    for n, (customer, phase) in enumerate(CUSTOMERS.items(), 1):
        story.contact(lost_us + (280 + 10 * n) * MS, customer, phase, 0)
        story.event(lost_us + 300 * MS, f"eu{n}", "OPENED why=OUT ph=0 u_dv=0")
    story.supply(back_us, 233.0)
    story.event(back_us + S, "cd", "RES dur_ms=10000 u_min_dv=2290")


def reconnect(story, from_us=34_200 * MS, gap_us=1_100 * MS):
    """One by one, each contact bouncing as it makes."""
    for n, (customer, phase) in enumerate(CUSTOMERS.items()):
        for bounce_us, closed in ((0, 1), (500, 0), (900, 1)):
            story.contact(from_us + n * gap_us + bounce_us, customer, phase, closed)
    story.event(from_us + 3 * gap_us, "cd", "RECON_END n_on=3 n_off=0")


def move(story, t_us=57 * S, break_us=60 * MS, customer="c3", old=0, new=2):
    story.contact(t_us, customer, old, 0)
    for bounce_us, closed in ((0, 1), (400, 0), (1_000, 1)):
        story.contact(t_us + break_us + bounce_us, customer, new, closed)
    story.message(t_us + 6 * S, "ub.res",
                  {"ui0_m": 1000, "ui1_m": 111, "moves": [["eu3", 0, 2]], "ok": 1, "e": 0})


def assay():
    story = Story()
    story.tele()
    outage(story)
    story.message(20_300 * MS, "outage", {"ph": 7, "t0_ms": 1, "dur_s": 0})
    story.message(31 * S, "restore", {"ph": 7, "t0_ms": 1, "dur_s": 10})
    reconnect(story)
    move(story)
    story.result.panel = [(n * S, text) for n, text in enumerate(
        ("OK A B A", "OUT A B A", "OUT - - -", "RES - - -", "RES A - -", "OK A B A", "OK A B C"))]
    return story


def test_a_good_assay_passes_with_its_figures():
    story = assay()
    f = story.figures()
    assert story.failed() == []
    assert (f["outage_latency_ms"], f["all_open_ms"]) == (215, 95)
    assert (f["reconnect_first_ms"], f["reconnect_gap_ms"]) == (4_200, [1_100, 1_100])
    assert f["reconnect_order"] == ["eu1", "eu2", "eu3"]
    assert (f["ui_before_pct"], f["ui_after_pct"]) == (100.0, 11.1)
    assert f["moves"] == [["eu3", "A", "C"]]
    assert (f["break_ms"], f["contact_overlap_ms"]) == (60, 0)
    log = story.result.event_log().encode()
    assert f["event_log_sha256"] == hashlib.sha256(log).hexdigest()


@pytest.mark.parametrize(("what", "change"), [
    ("panel", lambda s: s.result.panel.pop(2)),
    ("panel", lambda s: s.result.panel.reverse()),
    ("panel_end", lambda s: s.result.panel.append((74 * S, "OK A B A"))),
    ("outage_latency_ms", lambda s: s.result.supply.__setitem__(1, (19_900 * MS, (0.0,) * 3))),
    ("all_open_ms", lambda s: s.result.contacts.pop(0)),
    ("n_ok", lambda s: s.tele(n_ok=2)),
    ("n_outage", lambda s: s.message(0, "outage", {"ph": 7, "t0_ms": 1, "dur_s": 0})),
    ("n_ub_res", lambda s: move(s, t_us=65 * S)),
    ("contact_overlap_ms", lambda s: s.contact(60 * S, "c1", 1, 1)),
    ("never two_phases_joined", lambda s: s.contact(60 * S, "c1", 1, 1)),
    ("break_ms", lambda s: move(s, t_us=65 * S, break_us=45 * MS, customer="c1", new=1)),
    ("never reconnected_during_outage", lambda s: s.contact(25 * S, "c1", 0, 1)),
    ("never left_off_silently", lambda s: s.contact(70 * S, "c1", 0, 0)),
])
def test_each_expectation_can_fail(what, change):
    story = assay()
    change(story)
    assert what in story.failed()


def test_order_gap_and_first_closing_are_those_of_the_reconnection():
    story = Story()
    outage(story)
    for t_ms, customer in ((33_000, "c2"), (33_400, "c1"), (35_000, "c3")):
        story.contact(t_ms * MS, customer, CUSTOMERS[customer], 1)
    failed = story.failed()
    assert {"reconnect_order", "reconnect_first_ms", "reconnect_gap_ms"} <= set(failed)
    assert story.figures()["reconnect_gap_ms"] == [400, 1_600]


def test_two_outages_give_two_latencies_and_both_must_hold():
    story = Story()
    outage(story, 10 * S, 12 * S)
    reconnect(story, 16 * S)
    outage(story, 40 * S, 42 * S)
    story.event(60 * S, "cd", "OUT ph_mask=7 u_max_dv=3 since_ms=0")
    f = story.figures()
    assert f["outage_latency_ms"] == [215, 215, 20_000]
    assert "outage_latency_ms" in story.failed()


def test_a_missing_figure_fails_its_bound():
    assert {"outage_latency_ms", "ui_before_pct", "break_ms", "n_ok"} <= set(Story().failed())


def test_bounce_is_neither_a_break_nor_a_reconnection():
    story = Story()
    move(story)
    assert story.figures()["break_ms"] == 60
    assert story.figures()["reconnect_order"] == []


def test_overlap_is_the_time_with_two_contacts_closed():
    story = Story()
    story.contact(10 * S, "c1", 1, 1)
    story.contact(10 * S + 2_500, "c1", 0, 0)
    assert story.figures()["contact_overlap_ms"] == 2.5
    story.contact(74 * S, "c2", 2, 1)   # and never ended
    assert story.figures()["contact_overlap_ms"] == 1002.5


def test_a_closing_under_way_when_the_supply_falls_is_no_reconnection():
    story = Story()
    story.contact(10 * S, "c1", 0, 0)
    story.contact(20 * S + 9 * MS, "c1", 0, 1)
    story.supply(20 * S, 0.0)
    assert not story.never("reconnected_during_outage")


def test_no_closing_while_the_coordinator_still_sees_the_outage():
    story = Story()
    outage(story)
    story.contact(30_500 * MS, "c1", 0, 1)   # voltage is back, but not yet proved steady
    assert story.never("reconnected_during_outage")


@pytest.mark.parametrize(("acu", "line", "silent"), [
    ("eu1", "STUCK ph_mask=1 u_load_dv=0 i_ma=0", False),
    ("eu1", "OPENED why=SCC ph=0 u_dv=2300", False),
    ("eu1", "OPENED why=PHS ph=0 u_dv=2300", True),
    ("eu1", "OPENED why=OUT ph=0 u_dv=0", True),       # there was no outage
    ("cd", "RECON_FAIL op=eu1 e=5", False),
    ("cd", "RECON_FAIL op=0 e=5", False),
    ("cd", "RECON_FAIL op=eu2 e=5", True),
    ("eu2", "STUCK ph_mask=1 u_load_dv=0 i_ma=0", True),
])
def test_a_customer_left_off_needs_an_event_of_his_own(acu, line, silent):
    story = Story()
    story.contact(60 * S, "c1", 0, 0)
    story.event(61 * S, acu, line)
    assert (story.never("left_off_silently") == ["c1"]) is silent


def test_an_old_event_does_not_explain_a_later_opening():
    story = Story()
    story.event(5 * S, "eu1", "OPENED why=SCC ph=0 u_dv=2300")
    story.contact(5 * S, "c1", 0, 0)
    story.contact(10 * S, "c1", 0, 1)
    story.contact(60 * S, "c1", 0, 0)
    assert story.never("left_off_silently") == ["c1"]


def test_the_outage_explains_until_the_reconnection_has_ended():
    story = Story()
    outage(story)
    assert story.never("left_off_silently") == []
    story.event(40 * S, "cd", "RECON_END n_on=3 n_off=0")
    assert story.never("left_off_silently") == ["c1", "c2", "c3"]


def test_moves_by_number_are_shown_by_name():
    story = Story()
    story.message(0, "ub.res", {"ui0_m": 1, "ui1_m": 1, "moves": [[2, 0, 2]], "ok": 1, "e": 0})
    assert story.figures()["moves"] == [["eu3", "A", "C"]]


def test_a_doubled_message_counts_once():
    story = assay()
    story.result.messages += story.result.messages
    assert story.failed() == []


def test_named_events_must_be_in_the_log():
    story = assay()
    want = dataclasses.replace(SCENARIO, expect=SCENARIO.expect.model_copy(
        update={"events": ["cd OUT", "eu2 STUCK"]}))
    assert [c.ok for c in fig.check_events(story.result, want)] == [True, False]


def test_the_log_as_text_and_csv(tmp_path):
    story = assay()
    logs.write_text(story.result, tmp_path / "log.txt")
    assert (tmp_path / "log.txt").read_text() == story.result.event_log()
    logs.write_csv(story.result, tmp_path / "log.csv")
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert len(rows) == len(story.result.events)
    assert rows[0]["event"] == "OUT" and rows[0]["t_s"] == "20.215"
    assert rows[0]["arguments"] == "ph_mask=7 u_max_dv=3 since_ms=0"


def test_the_plot_is_a_picture(tmp_path):
    story = assay()
    names = [f"{q}{p}" for q in ("u_v", "s_va") for p in range(3)] + ["s_va_c1", "s_va_c2"]
    story.result.trace = {name: [1.0] * 150 for name in names}
    story.result.trace["t_ms"] = list(range(0, 75_000, 500))
    plot(story.result, SCENARIO, tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
