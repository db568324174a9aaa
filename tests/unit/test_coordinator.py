"""The Coordinator on hand-fed doors: who may say what to it, and what must not harm it."""
from acu import events as ev
from acu import messages
from tests.unit.test_fast_alloc import Post

UTC0_MS = 1_772_345_000_000
HB = {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 0, "why": 3}
BIG = (1 << 53) - 1


def started():
    p = Post()
    p.run(500)
    assert p.acu.ready
    return p


def frame(p, t, src, body, n, k=1):
    ts = UTC0_MS + p.t_us // 1000
    return messages.encode(t, src, "cd", n, n, ts, body, lambda text: "0" * 16, k, ts + 10_000)


def foreign(p):
    return p.acu.net.dropped[1]


def test_a_member_speaks_for_himself_only():
    p = started()
    p.acu.on_message("slvg/1/slv/sc1/uc0/eu1/up/hb", frame(p, "hb", "eu2", HB, 1))
    assert foreign(p) == 1 and p.acu.loading.on[1] == -1
    p.acu.on_message("slvg/1/slv/sc1/uc0/eu2/up/hb", frame(p, "hb", "eu2", HB, 1))
    assert foreign(p) == 1 and p.acu.loading.on[1] == 0


def test_nobody_on_the_street_passes_for_the_centre():
    p = started()
    order = frame(p, "cfg", "scc", {"k": "ub_en", "val": 0}, 1)
    p.acu.on_message("slvg/1/slv/sc1/uc0/eu1/up/cfg", order)
    assert foreign(p) == 1 and p.acu.cfg["ub_en"] == 1
    p.acu.on_message("slvg/1/man/sc1/dn/cfg", order)
    assert p.acu.cfg["ub_en"] == 0


def test_nobody_gives_the_time_to_the_coordinator():
    p = started()
    before = p.acu.sync.utc_ms(0)
    for k, utc_ms in ((BIG, UTC0_MS + 86_400_000), (BIG - 1, -5)):
        p.acu.on_message("slvg/1/slv/sc1/uc0/eu1/up/time",
                         frame(p, "time", "eu1", {"utc_ms": utc_ms, "src": "ntp"}, 1, k))
    assert p.acu.sync.utc_ms(0) == before


def test_a_reading_with_senseless_phase_or_position_does_not_break_the_page():
    p = started()
    m = p.acu.measuring
    body = {"u_dV": list(m.u_dv), "i_mA": [BIG] * 3, "p_W": [0] * 3, "q_var": [0] * 3,
            "s_VA": [1 << 28] * 3, "f_mHz": 50_000, "e_Wh": 0, "t_dC": None, "gnd": None,
            "dofc": None, "ph": BIG, "on": None, "fl": 0}
    for op in ("eu1", "eu2"):
        p.acu.cycle = 2
        p.acu.on_message("slvg/1/slv/sc1/uc0/%s/up/meas" % op, frame(p, "meas", op, body, 2))
    assert p.acu.meas == [None, None]
    body["ph"] = None
    for op in ("eu1", "eu2"):
        p.acu.cycle = 3
        p.acu.on_message("slvg/1/slv/sc1/uc0/%s/up/meas" % op, frame(p, "meas", op, body, 3))
    assert p.acu.meas == [(None, None, 3 << 28, 0, 0)] * 2
    p.acu.centre.telemetry(1000)
    pages = [m for m in p.link.sent if m[0].endswith("/tele")]
    assert pages and all([len(m[1]) <= messages.PAGE_MAX for m in pages])


def test_single_customers_are_told_every_t_ops_only():
    p = started()
    p.acu.meas = [(0, 1, 230, 230, 0), None]
    p.link.sent = []
    for now_ms in (1000, 61_000, 901_000):
        p.acu.centre.telemetry(now_ms)
    said = [messages.decode(m[1])["b"]["ops"] for m in p.link.sent]
    assert said == [[["eu1", 0, 1, 230]], [["eu1", 0, 1, None]], [["eu1", 0, 1, 230]]]


def test_an_outage_is_not_pushed_out_of_the_box_by_telemetry():
    p = started()
    p.link.up = False
    p.acu.centre.say(1000, "outage", {"ph": 7, "t0_ms": UTC0_MS, "dur_s": 0})
    for n in range(40):
        p.acu.centre.telemetry(1000 + n)
    p.link.up = True
    p.link.sent = []
    for _ in range(30):
        p.acu.net.slow(2000)
    topics = [m[0].split("/")[-1] for m in p.link.sent]
    assert topics.count("outage") == 1 and topics.count("tele") > 20


def test_an_answer_to_an_earlier_request_is_not_taken_for_a_fresh_one():
    p = started()
    m = p.acu.measuring
    body = {"u_dV": list(m.u_dv), "i_mA": [0] * 3, "p_W": [0] * 3, "q_var": [0] * 3,
            "s_VA": [0] * 3, "f_mHz": 50_000, "e_Wh": 0, "t_dC": None, "gnd": None, "dofc": None,
            "ph": 0, "on": 1, "fl": 0}
    p.acu.cycle = 5
    p.acu.on_message("slvg/1/slv/sc1/uc0/eu1/up/meas", frame(p, "meas", "eu1", body, 4))
    assert p.acu.meas == [None, None]
    p.acu.on_message("slvg/1/slv/sc1/uc0/eu1/up/meas", frame(p, "meas", "eu1", body, 5))
    assert p.acu.meas[0] == (0, 1, 0, 0, 0)


def test_the_time_of_ntp_is_taken_told_and_named():
    p = started()
    p.link.sent = []
    now_ms = p.acu.clock.now_ms()
    p.acu.told_utc(now_ms, p.acu.sync.utc_ms(now_ms) + 3_600_000)
    assert p.acu.log.rows[-1][2:4] == (ev.TIME_SET, 3_600_000), p.acu.log.rows[-1]
    p.acu._give_time(now_ms, 0, "time.req", {"nonce": 77})
    msg = messages.decode(p.link.sent[-1][1])
    assert msg["b"]["src"] == "ntp" and msg["x"] == -77
    n = len(p.link.sent)
    for nonce in (0, -5, -UTC0_MS, 1 << 46):        # none of ours; x would be an expiry
        p.acu._give_time(now_ms, 0, "time.req", {"nonce": nonce})
    assert len(p.link.sent) == n
