"""The console of a dispatching ACU: who delivers what, who decided, what is wrong."""
from binascii import crc32

from tests.unit.box import Box
from tests.unit.desk import Desk
from tests.unit.isle import Isle


def desk(s):
    return Desk(s.started().run(22_000)).level("1")


def row(lines, name):
    found = [line for line in lines if line.startswith(name + "  ")]
    assert len(found) == 1, (name, lines)
    return found[0]


def test_mg_shows_powers_charges_set_points_and_who_decided():
    s = Isle()
    s.p_w = [800, 300, 0]
    lines = desk(s).say("MG")
    for name, part in (("PV", " W"), ("load", " W"), ("battery charge", "1.000000 kWh    good"),
                       ("battery level", "34.4 %"), ("hydrogen level", "25.0 %"),
                       ("set battery", "enabled"), ("set diesel set", "0.000 W      not enabled"),
                       ("diesel set state", "at rest"), ("contacts", "battery"),
                       ("decided by", "naive   wanted: naive"), ("measurement", "fresh"),
                       ("load so far", " kWh"), ("spent so far", "0.0000 EUR")):
        text = " ".join(row(lines, name).split())
        assert " ".join(part.split()) in text, (name, text)


def test_mg_says_what_is_not_believed_and_what_is_left_out():
    s = Isle(mg_silent_s=20)
    s.started().run(22_000)
    s.tells = ["bat"]
    s.e_mwh["bat"] = 9_000_000
    s.run(30_000)
    s.frozen = (1,)
    s.run(40_000)
    lines = Desk(s).level("1").say("MG")
    assert "not believed, see STA" in row(lines, "PV") and " - W" in row(lines, "PV")
    assert "IMPOSSIBLE" in row(lines, "battery charge")
    assert "SILENT" in row(lines, "hydrogen charge")
    assert "idle" in row(lines, "measurement") and "runs" in row(lines, "diesel set state")
    assert "diesel run" in row(lines, "contacts") and "not enabled" in row(lines, "set battery")


def test_its_twin_has_a_crc_a_line():
    rows = desk(Isle()).say("CMG")
    assert len(rows) > 20
    for one in rows:
        body, _, code = one.rpartition(",")
        assert code == '"%08X"' % (crc32(body.encode()) & 0xFFFFFFFF)


def test_readings_have_the_names_of_its_channels():
    d = desk(Isle())
    lines = d.say("MET")
    for name in ("U", "I_PV", "I_LOAD", "I_DIESEL", "P_LOAD"):
        row(lines, name)
    assert "Type MG" in d.text("MET E")
    assert "E311" in d.text("MET D") or "only a Meter" in d.text("MET D")
    assert "E304" in d.text("MG 3")


def test_what_an_event_and_a_setting_mean_is_explained():
    d = desk(Isle())
    assert "Its gauge" in d.text("EXP MG_STORE")
    assert "default 60, 1 to 3600 s" in d.text("EXP mg_step_s")
    assert "uEUR per kWh" in d.text("EXP mg_d1_ueurkwh")
    assert "E196 to E199" in d.text("EXP E197")
    assert "mg_step_s" in d.text("SHO mg_step_s")


def test_a_meter_dispatches_nothing():
    d = Desk(Box("single").started()).level("1")
    assert "E311 MG: a meter dispatches nothing." in d.text("MG")
