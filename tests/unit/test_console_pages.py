"""What each page of the console shows, on each kind of unit, and what may be set."""
from binascii import crc32

from acu.primitives import provisioned
from tests.unit.box import Box
from tests.unit.cabinet import Cabinet
from tests.unit.desk import Desk
from tests.unit.mast import Mast
from tests.unit.spot import Spot


def desk(place=None, level="1", bare="", board=None):
    return Desk(place or Cabinet().started(), bare, board).level(level)


def rows(d, line):
    """Of a twin: each line's CRC and the count of END are checked."""
    out = []
    for text in d.say(line):
        body, _, code = text.rpartition(",")
        assert code == '"%08X"' % (crc32(body.encode()) & 0xFFFFFFFF), text
        assert body[0] == body[-1] == '"'
        out.append(body[1:-1].split('","'))
    assert out[-1] == ["END", str(len(out) - 1)], out
    return out[:-1]


def table(d, line):
    out = {}
    for row in rows(d, line):
        out[row[0]] = row[1:]
    return out


def test_readings_of_an_operator():
    d = desk()
    t = table(d, "CMET")
    assert sorted(t) == sorted(["UA", "UB", "UC", "UL", "IA", "PA", "QA", "SA", "PFA", "f",
                                "quality"])
    assert 2290 < int(t["UA"][0].replace(".", "")) < 2310 and t["UA"][1] == "V"
    assert t["f"] == ["50.000", "Hz"] and int(t["PA"][0]) > 1000
    text = d.text("MET")
    assert "UA " in text and " V" in text and "\nf " in text
    assert sorted(table(d, "CMET E")) == ["export", "import", "stored import"]
    for kind in "DMH":
        assert "only a Meter" in d.text("MET " + kind)
    for wrong in ("MET X", "MET 0", "MET 3601", "MET E D", "MET -1"):
        assert "E304" in d.text(wrong), wrong
    assert d.text("MET 3").count("UA ") == 3


def test_a_channel_that_is_not_believed_has_no_value():
    place = Cabinet().started()
    place.frozen = (1,)
    place.run(1000)
    t = table(desk(place), "CMET")
    assert t["UB"][0] == "-" and t["UA"][0] != "-" and int(t["quality"][0]) & 1
    assert "FROZEN" in d_text(place, "STA").upper()


def d_text(place, line):
    return desk(place).text(line)


def test_readings_of_a_meter():
    for kind, names in (("post", "ABC"), ("two", "BC"), ("single", "B")):
        d = desk(Box(kind).started())
        for word in ("D", "M"):
            assert "no interval has ended yet" in d.text("MET " + word)
        d.place.run(12_000)
        t = table(d, "CMET")
        for name in names:
            for what in ("U", "I", "P", "Q", "S", "PF"):
                assert what + name in t, (kind, name, what, t)
        assert len([x for x in t if x[0] == "U"]) == len(names)
        assert len(table(d, "CMET E")) == 13
        for word, n in (("H", 2), ("D", 3), ("M", 3)):
            assert len(rows(d, "CMET " + word)) == n * len(names), (kind, word)
        u = table(d, "CMET M")
        assert 229_000 < int(u["U" + names[0]][0].replace(".", "")) < 231_000


def test_readings_of_a_coordinator_and_of_a_branch():
    for place in (Mast().started(), Spot().started()):
        d = desk(place, board={"inputs": [{"name": "mirror"}, {"name": "spare"},
                                          {"name": "temperature"}]})
        t = table(d, "CMET")
        for name in ("UA", "UB", "UC", "IA", "IB", "IC", "PA", "PB", "PC", "f", "T"):
            assert name in t, t
        assert t["T"] == ["30.0", "degC"] and "UL" not in t
        for line in ("MET E", "STA", "STA S", "TAR", "COM", "SHO", "SER", "HIS", "ERR", "EVE",
                     "VER"):
            text = d.text(line)
            assert text and "E30" not in text, (line, text)
    assert "52A_1" in table(d, "CTAR")


def test_every_twin_is_whole_on_every_unit():
    for place in (Cabinet().started(), Box().started(), Mast().started(), Spot().started()):
        d = desk(place)
        for word in ("CVER", "CMET", "CMET E", "CSER", "CHIS", "CEVE", "CSTA", "CSTA S", "CTAR",
                     "CCOM", "CSHO", "CERR", "CMET H", "CEVE 9", "CSER x y z", "CSHO nothing"):
            rows(d, word)
            assert d.stands() == "=>"


def test_version_and_status():
    t = table(desk(level="0"), "CVER")
    assert t["VERSION"] == ["0.1.0+3fa9c21b"] and t["BOARD"] == ["bench"] and t["ID"] == ["eu1"]
    assert t["ROLE"] == ["operator"] and t["UNIQUE"] == ["0102030405060708"] and t["SLOT"] == ["a"]
    assert t["ACU"] == ["1"] and t["MODE"] == ["run"] and t["SELFTEST"] == ["0"]
    t = table(desk(level="0", bare="new"), "CVER")
    assert t["ACU"] == ["0"] and t["ID"] == ["-"] and t["COMPLAINT"][0].startswith("E370")
    d = desk()
    text = d.text("STA")
    for name in ("Mode", "Self-test        passed", "converter", "Channel ua", "Store errors",
                 "Starts           1", "Clock"):
        assert name in text, name
    assert "E304" in d.text("STA X")


def test_a_support_file_has_all_and_no_secret():
    d = desk(level="2")
    for line in ("PAS 2", "s3cret-x", "s3cret-x"):
        d.say(line)
    d.unit.store.write("keys.a", b"K3Y-OF-THE-NET")
    text = d.text("STA S")
    for title in ("--- VER", "--- SHO", "--- MET", "--- ERR", "--- SER", "--- end"):
        assert title in text
    assert "s3cret" not in text and "K3Y" not in text and "u_close_pm" in text
    assert "LOGIN level=3" in text


def test_targets_and_links():
    d = desk()
    t = table(d, "CTAR")
    assert t["52A_1"] == ["1"] and t["52A_2"] == ["0"] and t["READY"] == ["1"]
    assert t["27_A"] == ["0"] and t["86"] == ["0"] and t["COIL"] == ["0"]
    d.place.supply_dv[1] = 0
    d.run(1500)
    assert table(d, "CTAR")["27_B"] == ["1"]
    t = table(d, "CCOM")
    assert t["Link"] == ["up"] and t["malformed"] == t["replayed"] == ["0"]
    assert t["Keys"] == ["not needed: a simulated network"] and t["Commands"] == ["remote"]


def test_the_local_remote_switch_needs_level_b_and_outlives_a_restart():
    d = desk(level="1")
    assert table(d, "CREM")["REMOTE"] == ["1"]
    assert "E302" in d.text("REM 0") and not d.place.acu.local
    d = desk(level="B")
    for wrong in ("REM 2", "REM x", "REM 0 1"):
        assert "E304" in d.text(wrong)
    assert "0" in d.text("REM 0") and d.place.acu.local == 1
    assert "LOCAL on=1" in d.text("SER 1")
    assert "REM 1" in table(d, "CCOM")["Commands"][0]
    assert Cabinet(store=d.place.unit.store).acu.local == 1


def test_while_it_says_local_no_command_from_afar_counts_and_each_gets_its_answer():
    d = desk(level="B")
    d.text("REM 0")
    p = d.place
    before = list(p.drives)
    for t, body in (("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}),
                    ("phs.req", {"ph": 1, "t_ms": 0, "dead_ms": 60}),
                    ("cfg", {"k": "lockout", "val": 1})):
        assert p.ask(t, body)["e"] == 3, t
    assert p.drives == before and not p.acu.gate.locked
    assert d.events("REFUSED")[0].startswith("REFUSED what=9 e=3")
    d.text("REM 1")
    assert p.ask("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0})["e"] == 0


def test_the_log_newest_first_with_names():
    d = desk(level="B")
    d.answers("OPE", "Y", "Y")
    got = rows(d, "CSER 5")
    assert len(got) == 5 and [int(row[0]) for row in got] == sorted(
        [int(row[0]) for row in got], key=lambda n: -n)
    assert got[0][2].startswith("HAND") and got[1][2].startswith("OPENED why=LOCAL")
    assert rows(d, "CSER 100 BOOT")[0][2].startswith("BOOT boots=1")
    assert "No such event" in d.text("SER 5 NOTHING")
    names = [row[2].split(" ")[0] for row in rows(d, "CHIS")]
    assert "OPENED" in names and "LOGIN" not in names and "BOOT" not in names
    for wrong in ("SER 0", "SER 10000", "HIS x", "SER a b"):
        assert "E304" in d.text(wrong)


def test_the_whole_log_of_a_unit_without_controller():
    place = Cabinet().started()
    d = desk(place, "B")
    for _ in range(3):
        d.answers("OPE", "Y", "Y")
        d.answers("CLO", "Y", "Y")
    place.acu.log.flush()
    d = desk(place, "1", "safe")
    assert len(rows(d, "CHIS")) == 12


def test_explanations():
    d = desk(level="0")
    assert "gate" in d.text("EXP E310") and "Remedy" in d.text("EXP STUCK")
    assert "Event 84 HAND" in d.text("EXP HAND") and "default" in d.text("EXP un_dv")
    for wrong in ("EXP", "EXP nonsense", "EXP E999", "EXP a b", "EXP E"):
        assert "E304" in d.text(wrong)
    d = desk()
    assert "No errors" in d.text("ERR")
    d.place.frozen = (0,)
    d.run(1500)
    text = d.text("ERR")
    assert "ADC_BAD" in text and "Remedy: " in text
    d.unit.complaint = "E371 start: drivers."
    d.unit.fatal = "/a\nTraceback (most recent call last):\n  more\nMemoryError: 88\n"
    text = d.text("ERR")
    assert "E371" in text and "MemoryError" in text and "more" not in text.replace("remedy", "")
    assert "MemoryError: 88" in d.text("STA")


def test_settings_are_shown_with_default_bounds_and_unit():
    d = desk()
    t = table(d, "CSHO")
    assert t["un_dv"] == ["2300", "2300", "1000 to 4000 x 0.1 V"]
    assert t["role"][0] == "operator" and t["members"][1:] == ["[]", "list"] and "cap_n" not in t
    assert "cap_n" in table(desk(Box().started()), "CSHO")
    assert len(d.say("SHO un_dv")) == 2
    assert "E101" in d.text("SHO un_dx") and "un_dv" in d.text("SHO un_d")


def test_set_keeps_a_draft_within_bounds():
    d = desk(level="2")
    for line, code in (("SET un_dv 999", "E107"), ("SET un_dv 4001", "E107"),
                       ("SET un_dv abc", "E106"), ("SET un_dv --5", "E106"),
                       ("SET un_dv -", "E106"), ("SET id Not-An-Id!", "E102"),
                       ("SET role king", "E105"), ("SET members A B", "E104"),
                       ("SET prio 1 x", "E104"), ("SET prio 1 100", "E104"),
                       ("SET members [1", "E103"), ("SET un_dx 1", "E101"),
                       ("SET cap_n 1", "E101")):
        assert code in d.text(line), (line, d.terminal.text)
        assert d.console.session.draft is None
    assert "in the draft" in d.text("SET un_dv 2400") and "2400" in d.text("SHO un_dv")
    d.say("SET members eu1, eu2")
    d.say('SET via ["s1", "-"]')
    d.say("SET prio 1 2")
    d.say("SET t_out_ms")
    assert d.stands() == "t_out_ms = - (100 to 5000 ms) ? "
    d.say("300")
    assert d.console.session.draft["members"] == ["eu1", "eu2"]
    assert d.console.session.draft["via"] == ["s1", "-"]
    assert d.console.session.draft["prio"] == [1, 2]
    assert d.console.session.draft["t_out_ms"] == 300
    assert d.unit.cfg.get("un_dv", 2300) == 2300 and d.place.acu.ready      # nothing in force
    assert "thrown away" in d.text("REV") and d.console.session.draft is None
    assert "E304" in d.text("SAV") and "E304" in d.text("REV")


def test_sav_judges_asks_stores_and_restarts():
    d = desk(level="2")
    d.say("SET un_dv 2400")
    text = d.text("SAV")
    assert "un_dv          - -> 2400" in text and d.stands().endswith("(Y/N) ? ")
    assert "E306" in d.text("N") and d.unit.order == "" and d.console.session.draft
    assert provisioned.load(d.unit.store)[0] == {}
    text = d.answers("SAV", "Y")
    assert "Stored" in text and d.unit.order == "console"
    assert provisioned.load(d.unit.store)[0]["un_dv"] == 2400
    assert d.events("SETTINGS") and d.place.drives == []
    d = desk(level="2")
    d.say("SET role meter")         # this board is none
    text = d.answers("SAV", "Y")
    assert "E112" in text and "Nothing is stored" in text and d.unit.order == ""
    assert provisioned.load(d.unit.store)[0] == {} and d.console.session.draft
    d = desk(level="2")
    d.say("SET id eu1")
    assert "Nothing differs" in d.text("SAV")


def test_commissioning_makes_the_settings_of_a_new_unit():
    d = desk(level="2", bare="new")
    d.say("CON")
    for answer in ("", "Bad Name!", "eu7", "sc1", "uc2", "2300", "50000"):
        assert d.stands().endswith("] ? "), d.stands()
        text = d.text(answer)
        assert ("E102" in text) == (answer == "Bad Name!")
    assert "Drafted: eu7 is operator of sc1" in text and d.stands() == "=>>"
    assert "Stored" in d.answers("SAV", "Y")
    cfg = provisioned.load(d.unit.store)[0]
    assert cfg["id"] == "eu7" and cfg["uc"] == "uc2" and cfg["role"] == "operator"
    for answers in (("", "\x03"), ("meter", "")):
        d.say("CON I")
        text = d.text(answers[0])
        assert ("E112" in text) == (answers[0] == "meter")
        d.key("\x03", 200)
        assert d.stands() == "=>>"
    assert "E304" in d.text("CON X")


def test_commissioning_looks_at_the_wiring():
    d = desk(Box().started(), "2")
    d.run(1000)
    text = d.answers("CON M", "230", "10")
    assert text.count("good") >= 6 and "0 not." in text and "REVERSED" not in text
    assert d.events("CHECKED")
    box = Box()
    box.angles[1], box.angles[2] = box.angles[2], box.angles[1]
    box.i_ma[1] = -10_000
    box.u_dv[2] = 1200
    d = desk(box.started(), "2")
    d.run(1000)
    text = d.answers("CON M", "250,5", "")
    assert text.count("REVERSED order") == 2 and "FED IN" in text and "NOT 80 to 120 %" in text
    assert "ratio U" in text and "CAL, or u_peak_dv" in text
    d.say("CON M")
    for wrong in ("--5", "-.x", "12345678", "1.23", "abc"):
        if d.stands() == "=>>":
            d.say("CON M")
        assert "E304" in d.text(wrong), wrong


def test_records_only_of_a_meter():
    d = desk(level="1")
    assert "keeps no records" in d.text("TRI") and "No records" in d.text("EVE")
    assert rows(d, "CEVE") == []
    for wrong in ("EVE 1", "EVE x", "EVE 99999999999"):
        assert "E304" in d.text(wrong)


def test_maintenance_needs_two_yes():
    d = desk(level="2")
    for answers in (("N",), ("Y", "N"), ("Y", "")):
        d.answers("MAI", *answers)
        assert not d.unit.maintenance and d.unit.order == ""
    assert "resetting now" in d.answers("MAI", "Y", "Y")
    assert d.unit.maintenance and d.unit.order == "maint"


def test_date_and_time_are_shown():
    d = desk(level="1")
    assert d.text("DAT").startswith("2026-03-01 UTC, not synchronised")
    assert d.text("TIM").startswith("06:03:")
    assert "E302" in d.text("DAT 2026-03-01") and "E302" in d.text("TIM 01:02:03")
    d.level("2")
    for wrong in ("DAT 2026-02-29", "DAT 1999-01-01", "DAT 2100-01-01", "DAT x", "DAT 2026-13-01",
                  "DAT 2026-04-31", "TIM 24:00:00", "TIM 1:60:0", "TIM 1:2", "TIM -1:0:0"):
        assert "E304" in d.text(wrong), wrong
