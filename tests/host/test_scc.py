"""The supervisory centre: what the panel shows, and what it must not be talked into."""
import io

from rich.console import Console

from acu import messages
from host_sim.scenario.scc import Scc
from slvg import panel

UP = "slvg/1/man/sc1/up/"
OK, OUT, RES, PAR = range(4)
A, B, C = range(3)
EU1 = ["eu1", A, 1, 2000]
EU2 = ["eu2", B, 1, 1800]
EU3 = ["eu3", A, 1, 1600]
ALL = (EU1, EU2, EU3)
POST = {"u_dV": [2300, 2301, 2302], "i_mA": [15600, 7800, 0], "p_W": [0] * 3, "q_var": [0] * 3,
        "s_VA": [3600, 1800, 0], "f_mHz": 50_000, "e_Wh": 0, "t_dC": 350, "gnd": 1, "dofc": 1,
        "ph": None, "on": None, "fl": 0}


class Centre:
    """An Scc with a Coordinator that numbers and dates its messages."""

    def __init__(self):
        self.scc = Scc("sc1")
        self.n = 0

    def tell(self, kind, body, n=None, ts=None):
        self.n = (self.n + 1) & 0xFFFF if n is None else n
        ts = self.n * 1000 if ts is None else ts
        raw = messages.encode(kind, "cd", "scc", self.n, 0, ts, body)
        self.scc.on_message(0, UP + kind, raw)
        return self.scc.short()

    def tele(self, st, ops, n_all=3, t0=None, pg=1, pgs=1, br=(), **when):
        body = {"t0": self.n if t0 is None else t0, "tp": POST, "st": st, "n_ok": len(ops),
                "n_all": n_all, "ops": [list(op) for op in ops], "br": list(br),
                "pg": pg, "pgs": pgs}
        return self.tell("tele", body, **when)

    def outage(self, **when):
        return self.tell("outage", {"ph": 7, "t0_ms": 1, "dur_s": 0}, **when)


def open_(op):
    return [op[0], op[1], 0, 0]


def test_the_assay_as_the_panel_shows_it():
    c = Centre()
    assert c.scc.short() == "" and c.scc.long() == ""
    assert c.tele(OK, ALL) == "OK A B A"
    assert c.scc.long() == "Cd:OK  EU1:A EU2:B EU3:A"
    assert c.outage() == "OUT A B A"
    assert c.tele(OUT, [open_(op) for op in ALL]) == "OUT - - -"
    assert c.tele(RES, [open_(op) for op in ALL]) == "RES - - -"
    assert c.tele(RES, [EU1, open_(EU2), open_(EU3)]) == "RES A - -"
    assert c.tele(OK, [EU1, EU2, ["eu3", C, 1, 1600]]) == "OK A B C"
    assert c.tele(PAR, ALL) == "PAR A B A"


def test_of_many_customers_the_panel_counts_and_names_what_is_not_in_order():
    c = Centre()

    def tele(st, ops, n_all, br):
        """Three pages, the branches on the last one."""
        for k in range(3):
            said = c.tele(st, ops[8 * k:8 * k + 8], n_all, 1, k, 3, br if k == 2 else ())
        return said

    ops = [[f"eu{n:02}", n % 3, 1, 500] for n in range(24)]
    branches = [["s1", 1, 0, 4000], ["s2", 1, 0, 4000]]
    assert tele(OK, ops, 24, branches) == "OK A8 B8 C8"
    assert c.scc.long() == "Cd:OK  S1:+ S2:+"
    ops[0][2], ops[4][2] = 0, None
    branches = [["s1", 0, 0, 0], ["s2", 1, 1, None]]
    assert tele(OK, ops, 24, branches) == "OK A7 B7 C8 -1 ?1 s1- s2?"
    assert c.scc.long() == "Cd:OK  S1:- S2:? EU00:- EU04:?"
    assert tele(PAR, ops[1:], 24, [["s1", 0, 2, 0], ["s1"]]) == "PAR A7 B7 C8 ?2"
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(panel.drawing(c.scc, "title", 1, 2, []))
    shown = console.export_text()
    assert len(shown.splitlines()) < 20 and "2 not connected" in shown
    assert shown.count("●") == 22 + 1    # and the lamp


def test_nothing_is_shown_before_the_first_complete_telemetry():
    c = Centre()
    assert c.outage() == ""
    assert c.tele(OK, [EU1], pg=1, pgs=2, t0=7) == ""
    assert c.tele(OK, [EU2, EU3], pg=2, pgs=2, t0=7) == "OK A B A"


def test_pages_may_overtake_each_other():
    c = Centre()
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)):
        c.tele(OUT, ALL)
        n = c.n
        for pg in order:
            said = c.tele(OK, [ALL[pg]], pg=pg, pgs=3, t0=7 + n, n=n + 1 + pg, ts=(n + 1) * 1000)
        assert said == "OK A B A", order
        c.n = n + 3


def test_pages_of_different_cycles_do_not_mix():
    c = Centre()
    c.tele(OK, ALL)
    assert c.tele(RES, [open_(EU1)], pg=1, pgs=2, t0=100) == "OK A B A"
    assert c.tele(OK, [EU2, EU3], pg=2, pgs=2, t0=200) == "OK A B A"
    assert c.tele(OK, [open_(EU1)], pg=1, pgs=2, t0=200) == "OK - B A"


def test_one_that_did_not_answer_is_not_shown_as_connected():
    c = Centre()
    c.tele(OK, ALL)
    assert c.tele(OK, [EU1, EU3]) == "OK A ? A"
    assert (c.scc.n_ok, c.scc.n_all) == (2, 3)
    assert c.scc.ops["eu2"].phase == B  # its place in the drawing
    assert c.tele(OK, [EU1, ["eu2", None, None, None], EU3]) == "OK A ? A"
    assert c.tele(OK, ALL) == "OK A B A"


def test_columns_stand_in_the_order_of_the_ids():
    assert Centre().tele(OK, [EU3, EU2, EU1]) == "OK A B A"


def test_late_and_repeated_messages_do_not_turn_the_panel_back():
    c = Centre()
    c.tele(OK, ALL, n=10, ts=10_000)
    c.tele(OUT, [open_(op) for op in ALL], n=12, ts=12_000)
    assert c.tele(OK, ALL, n=10, ts=10_000) == "OUT - - -"
    c.tele(RES, [open_(op) for op in ALL], n=13, ts=13_000)
    assert c.outage(n=11, ts=11_000) == "RES - - -"


def test_wrap_restart_and_a_clock_set_back_are_not_late():
    c = Centre()
    c.tele(OK, ALL, n=65_535, ts=10_000)
    assert c.tele(RES, ALL, n=0, ts=11_000) == "RES A B A"
    assert c.tele(OK, ALL, n=500, ts=1_000) == "OK A B A"      # clock set back
    assert c.tele(PAR, ALL, n=1, ts=2_000) == "PAR A B A"      # restarted


def test_malformed_and_foreign_messages_are_counted_and_dropped():
    c = Centre()
    c.tele(OK, ALL)
    tele = messages.encode("tele", "cd", "scc", 9, 0, 9, {
        "t0": 1, "tp": POST, "st": OUT, "n_ok": 0, "n_all": 3, "ops": [], "br": [], "pg": 1,
        "pgs": 1})
    for topic, raw in ((UP + "tele", b"{"), (UP + "tele", tele[:-1]), (UP + "evt", tele),
                       ("slvg/1/man/sc2/up/tele", tele), ("slvg/1/slv/sc1/uc0/eu1/up/tele", tele)):
        c.scc.on_message(0, topic, raw)
    assert c.scc.dropped == 5 and c.scc.short() == "OK A B A"


def test_rows_of_the_wrong_form_are_not_shown_as_customers():
    c = Centre()
    assert c.tele(OK, [EU1, ["eu2", 7, 1, 1], ["eu3"]]) == "OK A ?"


def test_the_last_will_is_seen():
    c = Centre()
    c.scc.on_message(0, "slvg/1/man/sc1/st", b"0")
    assert not c.scc.online
