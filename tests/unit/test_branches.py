"""A Coordinator above Sub-Coordinators: one answer a branch, silent ones, open ones, orders."""
from acu import events as ev
from acu import messages
from tests.unit.mast import NOTHING, Mast
from tests.unit.spot import MEAS

SECOND = 1000


def cycle(m):
    """Runs to the next telemetry request; its correlation id."""
    n = len(m.sent)
    m.until(lambda: "*" in [dst for dst, _ in m.asked("meas.req", n)], 7 * SECOND)
    return [msg["c"] for _, msg in m.sent[n:] if msg["t"] == "meas.req" and msg["d"] == "*"][0]


def recon(m, since):
    """Who was selected, in order and once."""
    out = []
    for dst, body in m.asked("sw.req", since):
        if body["sel"] and dst not in out:
            out.append(dst)
    return out


# -- telemetry

def test_the_rows_of_an_agg_count_as_answers():
    m = Mast().started()
    c = cycle(m)
    n = len(m.sent)
    m.agg("s1", c, ((0, 220), (1, 220)))
    m.agg("s2", c, ((2, 100), (3, 340)))
    m.run(30)
    tele = m.teles(n)[0]
    assert (tele["n_ok"], tele["n_all"]) == (4, 4)
    assert tele["ops"][3] == ["eu3", 0, 1, 340]
    assert tele["br"] == [["s1", 1, 0, 440], ["s2", 1, 0, 440]]
    assert [dst for dst, _ in m.asked("meas.req", n)] == []


def test_slots_and_the_branches_own_message_fit_into_the_window():
    m = Mast().started()
    cycle(m)
    dst, body = m.asked("meas.req")[-1]
    assert dst == "*" and body["win_ms"] == 300
    t_ms = m.ms()
    n = len(m.sent)
    m.until(lambda: m.asked("meas.req", n), SECOND)
    assert 480 <= m.ms() - t_ms <= 500           # what is missing is asked for at its end


def test_who_is_missing_in_an_agg_is_asked_alone():
    m = Mast().started()
    c = cycle(m)
    n = len(m.sent)
    m.agg("s1", c, ((0, 220),))
    m.agg("s2", c, ((2, 100), (3, 340)))
    m.run(600)
    assert [dst for dst, _ in m.asked("meas.req", n)] == ["eu1"]


def test_rows_are_taken_from_the_right_branch_of_the_right_cycle_and_whole():
    m = Mast().started()
    c = cycle(m)
    m.agg("s1", c - 1, ((0, 220), (1, 220)))
    m.agg("s1", c, ((2, 220),))                 # not its member
    bad = [["eu0", 0, 1, None, 0, 0, 0], ["eu0", 0, 1], 5, ["eu9", 0, 1, 0, 0, 0, 0],
           [7, 0, 1, 0, 0, 0, 0], ["eu1", 0, "x", 0, 0, 0, 0]]
    m.from_scd("s1", "agg", {"u_dV": [None] * 3, "i_mA": [None] * 3, "p_W": [None] * 3,
                             "q_var": [None] * 3, "s_VA": [None] * 3, "on": 1, "fl": 0, "n_ok": 0,
                             "n_all": 0, "ops": bad, "pg": 0, "pgs": 1}, c=c)
    m.run(30)
    assert m.acu.meas == [None] * 4


def test_pages_of_tele_with_many_branches_are_not_too_long():
    via = ["branch_number_%02d" % (k // 2) for k in range(40)]
    m = Mast(via).started()
    c = cycle(m)
    for k in range(20):
        m.agg(via[2 * k], c, ((2 * k, 1 << 29), (2 * k + 1, 1 << 29)), (1 << 29,) * 3)
    n = len(m.sent)
    m.run(100)
    pages = m.teles(n)
    assert len(pages) > 5 and {p["n_ok"] for p in pages} == {40}
    assert [row[0] for p in pages for row in p["br"]] == ["branch_number_%02d" % k
                                                          for k in range(20)]
    assert len([row for p in pages for row in p["ops"]]) == 40
    for _, msg in m.sent[n:]:
        if msg["t"] == "tele":
            raw = messages.encode("tele", "cd", "scc", msg["n"], 0, msg["ts"], msg["b"])
            assert len(raw) <= messages.PAGE_MAX


def test_theft_in_a_branch_has_the_branchs_name():
    m = Mast().started()
    for _ in range(3):
        assert m.said("BRN_TAMP") == []
        c = cycle(m)
        m.agg("s1", c, ((0, 1000), (1, 1000)), (2010, 0, 0))
        m.agg("s2", c, ((2, 1000), (3, 1000)), (3000, 0, 0))
        m.run(50)
    assert m.said("BRN_TAMP") == ["BRN_TAMP br=1 dp_w=1000 dq_var=0"]
    assert ("s2", "TAMP", 1000, 15) in m.evts()
    assert [evt for evt in m.evts() if evt[0] == "s1"] == []


def test_an_incomplete_branch_is_not_judged():
    m = Mast().started()
    for _ in range(5):
        c = cycle(m)
        m.agg("s2", c, ((2, 1000),), (3000, 0, 0))
        m.run(50)
    assert m.said("BRN_TAMP") == []


# -- silence and return

def test_a_silent_branch_is_told_once_and_so_is_its_return():
    m = Mast()
    m.ops_beat = True
    m.started()
    m.run(3 * SECOND)
    assert m.said("BRN_LOST") == []
    m.alive = ["s1"]
    n = len(m.sent)
    m.run(8 * SECOND)
    assert len(m.said("BRN_LOST")) == 1 and m.said("BRN_LOST")[0].startswith("BRN_LOST br=1 age_")
    assert ("cd", "BRN", 1) in [evt[:3] for evt in m.evts()]
    tele = m.teles(n)[-1]
    assert tele["br"][1] == ["s2", 1, 1, None] and tele["n_ok"] == 0 and tele["n_all"] == 4
    # its customers are not missed one by one, nor asked in vain
    assert [line for line in m.said("MISSING") if "op=2" in line or "op=3" in line] == []
    late = [dst for dst, _ in m.asked("meas.req", n)][-3:]
    assert "eu0" in late and "eu2" not in late
    m.alive = ["s1", "s2"]
    m.run(2 * SECOND)
    assert m.said("BRN_BACK") == ["BRN_BACK br=1 boot=-1"]
    assert m.evts()[-1] == ("cd", "BRN", 1, 0)


def test_a_restart_is_known_by_its_hello():
    m = Mast().started()
    hello = {"role": "scd", "dom": "sp", "fw": "0", "drf": 7, "ph": 0, "un_dV": 2300, "sw": 1,
             "boot": 4}
    m.from_scd("s1", "hello", hello)
    m.run(50)
    assert m.said("BRN_BACK") == []
    n = len(m.sent)
    m.from_scd("s1", "hello", dict(hello, boot=5))
    m.run(50)
    assert m.said("BRN_BACK") == ["BRN_BACK br=0 boot=5"]
    assert [dst for dst, _ in m.asked("time", n)] == ["s1"]       # and gets the time


def test_events_of_a_branch_go_on_in_its_name():
    m = Mast().started()
    m.from_scd("s1", "evt", {"code": "SHC", "ph": 2, "val": 9, "lim": 8, "t0_ms": 1})
    m.run(50)
    assert m.evts() == [("s1", "SHC", 9, 8)]


# -- F3: customers behind a breaker

def test_behind_an_open_or_silent_branch_nobody_is_selected_and_all_else_goes_on():
    m = Mast().started()
    m.answer = True
    n = len(m.sent)
    m.dark("s1")
    m.run(130 * SECOND)
    assert [line for line in m.said("MISSING") if "op=0" in line or "op=1" in line] == []
    assert m.said("RECON") == [] and m.said("RECON_FAIL") == [] and recon(m, n) == []
    assert m.acu.loading.idle() and m.acu.lamp() == 0
    assert m.said("BRN_ON") == ["BRN_ON br=0 on=0 why=SHC"]
    assert m.teles(n)[-1]["br"][0][:3] == ["s1", 0, 0]


def test_behind_a_silent_branch_nobody_is_selected():
    m = Mast().started()
    m.answer = True
    m.alive = ["s2"]
    m.run(6 * SECOND)
    assert m.said("BRN_LOST")
    n = len(m.sent)
    # what came through just before is heard after it
    m.acu.loading.on_hb(m.ms(), 0, 0, 1, 0)
    m.run(70 * SECOND)
    assert recon(m, n) == [] and m.said("RECON_FAIL") == []
    m.alive = ["s1", "s2"]
    m.run(6 * SECOND)
    assert recon(m, n) == ["eu0"]


def test_when_the_branch_is_back_its_customers_are_connected_one_by_one():
    m = Mast(("s1", "s1", "s1", "s2")).started()
    m.answer = True
    m.dark("s1")
    m.run(5 * SECOND)
    n = len(m.sent)
    m.dark("s1", 1, 0)
    t_ms = m.ms()
    at = []
    for _ in range(1000):
        m.run(10)
        if sum(m.closed_ops) > 1 + len(at):
            at.append(m.ms() - t_ms)
    assert recon(m, n) == ["eu0", "eu1", "eu2"] and m.closed_ops == [1, 1, 1, 1]
    assert at[0] >= 2900 and at[1] - at[0] >= 1000 and at[2] - at[1] >= 1000
    assert m.said("RECON_FAIL") == [] and m.acu.loading.idle()


def test_whose_word_comes_only_after_the_branch_is_back_is_connected_too():
    m = Mast().started()
    m.answer = True
    m.beat["s1"] = dict(NOTHING, on=0, why=13)
    m.run(2 * SECOND)
    m.dark("s1", 1, 0)
    m.closed_ops[0] = 0
    m.from_op(0, "hb", dict(NOTHING, on=0, why=1))
    m.run(6 * SECOND)
    assert m.closed_ops[0] == 1


def test_a_customer_being_selected_when_his_branch_opens_is_let_go():
    m = Mast().started()
    m.dark("s1")
    m.dark("s1", 1, 0)
    n = len(m.sent)
    m.until(lambda: recon(m, n), 5 * SECOND)
    m.dark("s1")
    n = len(m.sent)
    m.run(70 * SECOND)
    assert recon(m, n) == [] and m.said("RECON_FAIL") == []


def test_a_customer_opened_by_the_centre_stays_open_when_his_branch_comes_back():
    m = Mast().started()
    m.answer = True
    m.from_op(0, "hb", dict(NOTHING, on=0, why=3))
    m.dark("s1")
    m.from_op(0, "hb", dict(NOTHING, on=0, why=3))
    m.run(SECOND)
    n = len(m.sent)
    m.dark("s1", 1, 0)
    m.run(10 * SECOND)
    assert recon(m, n) == ["eu1"]


def test_a_restarted_coordinator_selects_nobody_before_the_branch_has_spoken():
    m = Mast()
    m.answer = True
    m.closed_ops = [0, 1, 1, 1]
    m.from_op(0, "hb", dict(NOTHING, on=0, why=1))
    Mast.started(m, "s2")
    m.alive = ["s2"]
    m.from_op(0, "hb", dict(NOTHING, on=0, why=1))
    m.run(2 * SECOND)
    assert recon(m, 0) == []
    m.from_scd("s1", "hb", dict(NOTHING, on=0, why=12))
    m.run(3 * SECOND)
    assert recon(m, 0) == [] and m.said("BRN_ON") == ["BRN_ON br=0 on=0 why=OC"]


def test_an_outage_of_the_whole_circuit_brings_back_only_those_of_closed_branches():
    m = Mast().started()
    m.answer = True
    for op in (2, 3):
        m.from_op(op, "hb", NOTHING)
    m.dark("s1")
    m.supply_dv = [0, 0, 0]
    m.run(2 * SECOND)
    for op in (2, 3):
        m.closed_ops[op] = 0
        m.from_op(op, "hb", dict(NOTHING, on=0, why=1))
    m.supply_dv = [2300] * 3
    n = len(m.sent)
    m.run(30 * SECOND)
    assert recon(m, n) == ["eu2", "eu3"] and m.acu.loading.idle()
    m.dark("s1", 1, 0)
    m.run(10 * SECOND)
    assert m.closed_ops == [1, 1, 1, 1]


# -- F4

def test_customers_of_an_open_branch_answer_for_themselves_that_they_stay():
    m = Mast().started()
    m.dark("s1")
    f4 = m.acu.balancing
    f4.state = 2                # QUERY, as _do_balancing finds it
    m.acu._do_balancing(m.ms(), (0,))
    assert sorted(f4._reps) == [0, 1] and f4._reps[0][1:] == (0, 0, 0, False)
    m.alive = ["s1"]
    m.run(5 * SECOND)
    n = len(m.sent)
    m.acu._do_balancing(m.ms(), (1, 2))
    m.acu._do_balancing(m.ms(), (1, 1))
    m.run(20)
    assert [dst for dst, _ in m.asked("ub.req", n)] == ["eu1"]


def test_a_breaker_that_moves_ends_a_plan():
    m = Mast().started()
    m.acu.cfg["ub_en"] = 1
    f4 = m.acu.balancing
    f4.state = 2
    f4._end_ms = m.ms() + 10_000
    m.run(100)
    assert f4.state == 2
    m.dark("s1")
    assert f4.state == 0 and m.said("UB_ABORT")


# -- orders of the centre

class Played(Mast):
    """Sub-Coordinators answer at once and do what they are told."""

    def _sent(self, topic, raw):
        super()._sent(topic, raw)
        msg = messages.decode(raw)
        body = msg["b"]
        name = msg["d"]
        if name not in self.beat or msg["t"] not in ("sw.req", "cfg"):
            return
        if msg["t"] == "cfg":
            self.from_scd(name, "cfg.ack", {"k": body["k"], "ok": 1, "e": 0}, c=msg["c"])
            return
        if not body["sel"]:
            self.beat[name] = dict(NOTHING, on=body["on"], why=0 if body["on"] else 3)
        self.from_scd(name, "sw.ack", {"on": self.beat[name]["on"], "sel": body["sel"], "ok": 1,
                                       "e": 0, "u_dV": 2300}, c=msg["c"])


def test_the_centre_opens_and_closes_a_branch():
    m = Played().started()
    n = len(m.sent)
    assert m.order("sw", "s1", 0, 60) == ev.E_OK
    topic, msg = [one for one in m.sent[n:] if one[1]["t"] == "sw.req"][0]
    assert topic == "slvg/1/mst/sc1/s1/dn/sw.req" and msg["d"] == "s1"
    assert msg["b"] == {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 60}
    assert m.said("BRN_ON") == ["BRN_ON br=0 on=0 why=SCC"]
    n = len(m.sent)
    assert m.order("sw", "s1", 1, 0) == ev.E_OK
    assert [(b["on"], b["sel"]) for dst, b in m.asked("sw.req", n) if dst == "s1"] == [
        (1, 1), (1, 0)]
    assert m.said("BRN_ON")[-1].startswith("BRN_ON br=0 on=1")


def test_the_centre_tags_a_branch_but_does_not_move_its_phases():
    m = Played().started()
    assert m.order("lock", "s2") == ev.E_OK and m.order("unlock", "s2") == ev.E_OK
    assert [(dst, b["val"]) for dst, b in m.asked("cfg")] == [("s2", 1), ("s2", 0)]
    assert m.order("phs", "s2", 1) == ev.E_UNKNOWN
    assert m.order("sw", "s9", 0, 0) == ev.E_UNKNOWN
    assert m.order("sw", ["s2"], 0, 0) == ev.E_UNKNOWN


def test_opening_a_branch_does_not_wait_for_a_reconnection_closing_does():
    m = Played().started()
    m.from_op(2, "hb", dict(NOTHING, on=0, why=1))
    m.run(50)
    assert not m.acu.loading.idle()
    assert m.order("sw", "s1", 1, 0) == ev.E_BUSY
    assert m.order("sw", "s1", 0, 0) == ev.E_OK


def test_a_branch_that_does_not_answer_is_not_waited_for_without_end():
    m = Mast().started()
    assert m.order("sw", "s1", 0, 0) == ev.E_NOT_VERIFIED


# -- what nobody can have

def test_senders_on_the_master_net_that_are_no_branch_shut_nobody_out():
    m = Mast()
    for k in range(110):
        m.from_scd("x%d" % k, "hb", NOTHING)
    m.started()
    assert list(m.acu.branches.on) == [1, 1] and "x1" not in m.acu.net._seen


def test_one_absurd_power_does_not_cost_the_centre_its_telemetry():
    big = (1 << 53) - 1
    m = Mast().started()
    m.until(lambda: m.asked("meas.req"), 6 * SECOND)
    m.agg("s1", m.acu.cycle, ((0, big), (1, -big)), p_w=(big, big, big))
    m.agg("s2", m.acu.cycle, ((2, 220),))
    m.from_op(3, "meas", dict(MEAS, s_VA=[big] * 3, p_W=[big] * 3), c=m.acu.cycle)
    m.until(m.teles, 3 * SECOND)          # each page passes the decoder
    assert m.teles()[0]["n_ok"] == 1
    assert {row[0]: row[3] for page in m.teles() for row in page["br"]}["s1"] is None
