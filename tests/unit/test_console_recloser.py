"""The console of a recloser: the check and its decisions in words, a closing that waits for it,
alarms, setting groups, readings of both sides."""
from binascii import crc32

from acu import protection_settings
from acu.console import bay, gates, operate
from acu.functions import synccheck as sc
from acu.primitives import bay_gate
from tests.unit.desk import Desk
from tests.unit.yard import BATTERY, REMOTE, TAG, Side, Yard, slipping


def desk(y, level="B"):
    y.levels[REMOTE] = 0
    return Desk(y.started()).level(level)


def test_the_tables_of_words_are_those_of_the_check_and_the_protection():
    assert len(gates._VALUES.split("\n")) == sc.NV + 2
    rows = gates._REASONS.strip("\n").split("\n")
    names = [row.split("|")[0] for row in rows]
    for name, bit in sc.__dict__.items():
        if name[:5] == "GATE_":
            assert gates.short(bit) == name[5:], name
    assert len(names) == 29 and all([len(row.split("|")) == 3 for row in rows])
    assert bay.ELEMENTS == tuple([name.upper() for name in protection_settings.ELEMENTS])
    assert "synchronism" in operate._GATE[bay_gate.R_SYNC]
    assert len(operate._GATE) == bay_gate.R_POSITION + 1
    assert gates.shown(sc.V_SLIP, -62_400) == "-0.062" and gates.shown(sc.V_LOW1, -5) == "-0.05"


def test_every_reason_has_its_sentence():
    y = slipping(0.3, 120)
    y.started().run(500)
    check = y.acu.check
    val = list(check.val)
    for bit in range(29):
        text = gates.sentence(1 << bit, val, check.par, y.acu.cfg)
        assert len(text) > 12 and text[-1] == ".", (bit, text)
    text = gates.now(y.acu)
    assert "slip 0.300 Hz above 0.062 Hz (limit 0.067, guard 0.005)" in text, text
    assert "at touch" not in text and text.endswith("Wait until the angle comes by."), text


def test_syn_shows_both_sides_each_gate_and_why_it_refuses():
    y = slipping(0.2, 40)
    y.two.u = y.two.u * 106 // 100 if isinstance(y.two.u, int) else y.two.u * 1.06
    d = desk(y, "1")
    lines = d.say("SYN")
    text = "\n".join(lines)
    for part in ("mode ", "side 1 ", "side 2 ", "second estimator", "touch in ", "refuses: DU",
                 "refuses: SLIP", "permit ", "VT alarms ", "phase order right", "52a 0, 52b 1"):
        assert part in text, (part, text)
    gated = [line for line in lines if line.endswith(" good") or " refuses: " in line]
    assert len(gated) == sc.NV
    for name in ("dU", "angle at touch", "slip", "2nd estimator, slip", "blocked"):
        assert [line for line in gated if line.startswith(name + "  ")], name
    rows = d.say("CSYN")
    for row in rows:
        body, _, code = row.rpartition(",")
        assert code == '"%08X"' % (crc32(body.encode()) & 0xFFFFFFFF)
    assert rows[-1].startswith('"END","%d"' % (len(rows) - 1)) and len(rows) > sc.NV + 10


def test_a_closing_waits_for_the_check_and_says_what_it_waits_for():
    d = desk(slipping(0.05, -150, sy_mode="sync"))
    text = d.answers("CLO", "Y", "Y")
    assert "Waits; a key cancels. Now: everything holds, the angle is still to come by" in text
    assert "Breaker CLOSED" in text and abs(d.place.moves[0][2]) < 1.0
    assert d.events("HAND") == ["HAND what=1 e=0 gate=0"]
    assert "Breaker OPEN" in d.answers("OPE", "Y", "Y")


def test_a_refusal_gives_the_values_and_the_remedy():
    d = desk(slipping(0.3, 0, sy_wait_ms=1000))
    text = d.answers("CLO", "Y", "Y")
    assert "E310 close refused: " in text and "slip 0.300 Hz above 0.062 Hz" in text, text
    assert d.place.moves == [] and d.events("HAND") == ["HAND what=1 e=0 gate=7"]
    listed = d.text("SYN D")
    assert "timed out" in listed and "waits" in listed and "SLIP" in listed
    whole = d.text("SYN D 1")
    assert "what                      timed out" in whole and whole.count("refuses") >= 1
    assert "E304" in d.text("SYN D 9") and "E304" in d.text("SYN X")


def test_a_key_a_logout_and_ctrl_c_end_the_wait():
    for keys in (b"x", b"\x03"):
        d = desk(slipping(0.05, 20, sy_mode="sync"))
        d.say("CLO")
        d.say("Y")
        d.run(200)
        d.key("Y\r", 500)
        assert d.unit.acu.check.waiting()
        d.key(keys, 300)
        assert not d.unit.acu.check.waiting() and d.place.moves == []
        d.run(20_000)
        assert d.place.moves == []
    assert d.stands() == "==>"


def test_what_forbids_it_is_said_by_name():
    for level, value, word in ((TAG, 1, "hot-line tag"), (BATTERY, 0, "battery")):
        y = Yard()
        d = desk(y)
        y.levels[level] = value
        assert word in d.answers("CLO", "Y", "Y") and y.moves == []
    y = Yard()
    d = Desk(y.started()).level("B")                # the switch stands on remote
    assert "E312" in d.text("CLO") and y.moves == []
    y.levels[REMOTE] = 0
    assert "E311" in d.text("PUL") and "E311" in d.text("TST")


def test_alarms_end_after_somebody_has_looked():
    y = Yard(one=Side(50.0), two=Side(50.0, 120))
    d = desk(y, "1")
    d.run(11_000)
    assert "wiring: angle" in d.text("SYN")
    assert "E302" in d.text("SYN R") and y.acu.vts.st[0]
    d.level("B")
    assert "E304" not in d.answers("SYN R", "Y", "Y") and not y.acu.vts.st[0]
    assert "E304" in d.text("SYN R")


def test_setting_groups():
    d = desk(Yard(), "1")
    assert d.text("GRO") == "Group 0, grid." and "E302" in d.text("GRO 1")
    d.level("B")
    assert "Group 1, island." in d.answers("GRO 1", "Y") and "E304" in d.text("GRO 2")
    d.run(50)
    assert d.unit.acu.protection.group == 1 and d.events("GROUP") == ["GROUP n=1"]


def test_readings_targets_and_commissioning():
    y = slipping(0.1, 30)
    d = desk(y, "2")
    text = d.text("MET")
    for row in ("U1AB  ", "U2CA  ", "f2             50.", "angle ", "slip            0.1", "IC  "):
        assert row in text, (row, text)
    u_v = [int(line.split()[1].replace(".", "")) for line in d.say("MET") if line[:4] == "U1AB"]
    assert 9_950 <= u_v[0] <= 10_050
    text = d.text("TAR")
    for name in ("52B              1", "25_PERMIT        0", "81R_P            0", "REMOTE"):
        assert name in text, (name, text)
    text = d.text("CON M")
    assert "phase order of side 2    A B C" in text and "4 good, 0 not" in text
    assert "E304" in d.text("CAL") and "Setting group    grid" in d.text("STA")
    assert "gd_slip_mhz" in d.text("SHO gd_slip_mhz")
    assert "E107" in d.text("SET sy_slip_mhz 9000")
    assert "in the draft" in d.text("SET sy_slip_mhz 250")
    assert "E190 config: sy_slip_mhz = 250 is above 200" in d.answers("SAV", "Y")
    assert "Synchronism check" in d.text("HEL SYN") and "SYNC kind" in d.text("EXP SYNC")
    assert gates.alarms(3) == "fuse of side 1, fuse of side 2"
