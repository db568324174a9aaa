"""The Sub-Coordinator between its nets: relaying, one answer for all its members, its words."""
from acu import messages
from tests.unit.spot import ALL, MEAS, SLAVE, Spot

REQ = {"what": 0, "win_ms": 300}
MEMBERS = ("eu1", "eu2", "eu3")


def meas(**change):
    body = dict(MEAS)
    body.update(change)
    return body


def aggs(s):
    return [msg for msg in s.up if msg["t"] == "agg"]


def test_what_is_for_a_member_or_for_all_goes_down_and_their_words_go_up_unchanged():
    s = Spot().started()
    for dst in ("eu2", "*"):
        raw = s.post("ub.req", {"avg_s": 5, "win_ms": 300}, dst=dst)
        s.run(20)
        topic = SLAVE + ("all" if dst == "*" else dst) + "/dn/ub.req"
        assert s.down[-1] == (topic, raw)
    raw = s.member("meas", MEAS, c=99)
    s.run(20)
    assert s.relayed == [("slvg/1/mst/sc1/sp1/up/meas", raw)]


def test_what_is_not_ours_is_not_relayed():
    s = Spot().started()
    s.post("ub.req", {"avg_s": 5, "win_ms": 300}, dst="eu9")
    s.post("ub.req", {"avg_s": 5, "win_ms": 300}, dst="*", src="eu1")       # on the Master Net
    s._post.append((SLAVE + "eu1/up/meas", s.frame("meas", MEAS, "cd", "eu2")))
    s._post.append((SLAVE + "eu9/up/meas", s.frame("meas", MEAS, "cd", "eu9")))
    s.run(30)
    assert s.down == [] and s.relayed == []


def test_all_answers_to_a_broadcast_go_up_in_one_message_as_soon_as_the_last_is_there():
    s = Spot().started()
    raw = s.post("meas.req", REQ, dst="*", c=41)
    s.run(20)
    assert s.down == [(SLAVE + "all/dn/meas.req", raw)]
    for k in range(3):
        assert aggs(s) == []
        s.member("meas", meas(ph=k, fl=k), src=MEMBERS[k], c=41)
        s.run(20)
    agg = aggs(s)
    assert len(agg) == 1 and s.relayed == [] and agg[0]["c"] == 41
    body = agg[0]["b"]
    assert body["ops"] == [["eu%d" % (k + 1), k, 1, 230, 220, 60, k] for k in range(3)]
    assert (body["n_ok"], body["n_all"], body["on"], body["pg"], body["pgs"]) == (3, 3, 1, 0, 1)
    m = s.acu.measuring
    assert body["p_W"] == list(m.p_w) and body["u_dV"] == list(m.u_dv)
    assert abs(body["i_mA"][0] - 20_000) < 200 and abs(body["s_VA"][0] - 4600) < 50
    s.run(2000)
    assert len(aggs(s)) == 1


def test_who_does_not_answer_is_not_waited_for_and_who_comes_late_is_relayed():
    s = Spot().started()
    s.post("meas.req", REQ, dst="*", c=41)
    s.run(10)
    t_ms = s.ms()
    s.member("meas", MEAS, src="eu1", c=41)
    s.until(lambda: aggs(s), 500)
    assert 390 <= s.ms() - t_ms <= 420           # four thirds of the members' window
    assert [row[0] for row in aggs(s)[0]["b"]["ops"]] == ["eu1"] and aggs(s)[0]["b"]["n_ok"] == 1
    s.member("meas", MEAS, src="eu2", c=41)
    s.run(20)
    assert len(s.relayed) == 1 and len(aggs(s)) == 1


def test_an_answer_to_another_request_and_a_second_one_are_relayed():
    s = Spot().started()
    s.post("meas.req", REQ, dst="*", c=41)
    s.run(10)
    s.member("meas", MEAS, src="eu1", c=40)
    s.member("meas", MEAS, src="eu2", c=41)
    s.member("meas", MEAS, src="eu2", c=41)
    s.run(20)
    assert len(s.relayed) == 2
    s.run(500)
    assert [row[0] for row in aggs(s)[0]["b"]["ops"]] == ["eu2"]


def test_a_unicast_request_is_answered_as_before():
    s = Spot().started()
    s.post("meas.req", REQ, dst="eu1", c=41)
    s.run(10)
    s.member("meas", MEAS, src="eu1", c=41)
    s.run(600)
    assert len(s.relayed) == 1 and aggs(s) == []


def test_many_members_take_pages_that_are_not_too_long():
    names = ["customer_%02d_west" % k for k in range(25)]
    s = Spot(members=names).started()
    s.post("meas.req", REQ, dst="*", c=41)
    s.run(10)
    big = 1 << 52
    for name in names:
        s.member("meas", meas(p_W=[-big, -big, -big], q_var=[big] * 3, s_VA=[big] * 3, ph=big,
                              on=-5, fl=big), src=name, c=41)
        s.run(10)
    s.run(20)
    pages = aggs(s)
    assert len(pages) > 4 and [p["b"]["pg"] for p in pages] == list(range(len(pages)))
    assert {p["b"]["pgs"] for p in pages} == {len(pages)}
    assert [row[0] for p in pages for row in p["b"]["ops"]] == names
    row = pages[0]["b"]["ops"][0]
    assert row[1:3] == [127, 0] and row[4] == -row[3]


def test_a_member_that_falls_silent_is_noted_and_so_is_its_return():
    s = Spot(t_hb_ms=1000, hb_missed=2).started()
    s.member("hb", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1, "why": 0})
    s.run(3500)
    assert "MISSING op=0" in [line.rsplit(" ", 1)[0] for line in s.said("MISSING")]
    s.member("hb", {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1, "why": 0})
    s.run(20)
    assert s.said("BACK_AGAIN") == ["BACK_AGAIN op=0 boot=0"]


def test_its_beat_says_how_the_breaker_stands():
    s = Spot(t_hb_ms=1000).started()
    assert s.told("hello")[0]["role"] == "scd" and s.told("hello")[0]["sw"] == 1
    s.run(1500)
    hb = s.told("hb")[-1]
    assert (hb["on"], hb["why"], hb["err"]) == (1, 0, 0)
    s.switch(0)
    s.run(20)
    hb = s.told("hb")[-1]
    assert (hb["on"], hb["why"]) == (0, 3)


def test_the_time_goes_to_it_and_through_it():
    s = Spot().started()
    raw = s.post("time", {"utc_ms": s.utc_ms() + 60_000, "src": "rtc"}, dst="*")
    s.run(20)
    assert s.down == [(SLAVE + "all/dn/time", raw)]
    assert abs(s.acu.sync.utc_ms(s.ms()) - s.utc_ms() - 60_000) <= 20


def test_its_answer_is_there_before_the_coordinators_window_ends():
    """500 ms at the Coordinator: its slots are 300 ms long, each hop takes up to 40 ms."""
    s = Spot().started()
    win_ms = 500 * 3 // 5
    sent_ms = s.ms()
    s.run(40)
    s.post("meas.req", {"what": 0, "win_ms": win_ms}, dst="*", c=41)
    s.run(win_ms * 23 // 24 + 90)                # the last of 24 slots, and two hops more
    for name in ("eu1", "eu2"):
        s.member("meas", MEAS, src=name, c=41)
    s.run(20)
    assert aggs(s) == []
    s.until(lambda: aggs(s), 200)
    assert s.ms() + 40 - sent_ms <= 500
    assert aggs(s)[0]["b"]["n_ok"] == 2


def test_an_agg_fits_in_a_page_and_survives_the_decoder():
    s = Spot().started()
    s.post("meas.req", REQ, dst="*", c=41)
    s.run(600)
    body = aggs(s)[0]["b"]
    raw = messages.encode("agg", "sp1", "*", 65535, 65535, s.utc_ms(), body)
    assert messages.decode(raw)["b"] == body and len(raw) <= messages.PAGE_MAX
    assert ALL.startswith("slvg/1/mst/")


def test_a_member_with_a_hundred_names_does_not_shut_the_coordinator_out():
    s = Spot().started()
    for k in range(110):
        s._post.append((SLAVE + "eu1/up/hb", s.frame("meas", MEAS, "cd", "x%d" % k)))
        s._post.append((SLAVE + "y%d/up/hb" % k, s.frame("meas", MEAS, "cd", "y%d" % k)))
    s.run(50)
    assert s.relayed == [] and len(s.acu.net._seen) == 0
    assert s.switch(0) == 0 and not s.closed
