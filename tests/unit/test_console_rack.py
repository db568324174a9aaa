"""The console on whole boards: real drivers on modelled chips, real supervisor. Calibration from
the reference to the next start, the clock, records of samples, the switch with its coils."""
from binascii import a2b_base64, crc32

from acu.primitives import calibration
from tests.unit import rack
from tests.unit.desk import Desk, Terminal
from tests.unit.test_start_boards import AnyRack

U_REF = "231"           # the board shows 229.8 V
I_REF = "17.3"


class RackDesk(Desk):
    """At the console of a rack that runs. It is given a terminal that does not count baud."""

    def __init__(self, r):
        self.rack = r
        self.start()

    def start(self, cause=1):
        self.unit = self.rack.power_on(cause=cause)
        self.terminal = self.unit.terminal = Terminal()
        self.terminal.own = self.terminal.leave = int
        self.unit._console = None
        self.run(1000)
        assert self.unit.acu.ready, self.unit.complaint

    @property
    def console(self):
        return self.unit._console

    def run(self, ms):
        self.why = self.rack.run(ms)
        return self


def reference(r, wrong=()):
    """A steady sine on all inputs; wrong: pairs of channels that are exchanged."""
    order = [0, 1, 2, 3, 4]
    for a, b in wrong:
        order[a], order[b] = order[b], order[a]

    def codes(channel, t_us):
        if channel > 4:
            return 2048
        n = t_us // 250
        at = order[channel]
        wave = rack.WAVE[(n - (0, 27, 53, 0, 0)[at]) % 80]
        return 2048 + (wave * (500 if at == 4 else 1479) >> 12) + (n & 1)
    r.mcp.codes = codes


def calibrate(d, u=U_REF, i=I_REF):
    for line in ("CAL", u, i):
        d.say(line)
    return d.text("0", 25_000)


def test_a_calibration_from_the_reference_to_the_next_start():
    r = rack.Rack()
    reference(r)
    d = RackDesk(r).level("2")
    before = d.text("MET")
    assert "UA              229.8 V" in before
    text = calibrate(d)
    assert text.count("gain") == 5 and d.stands() == "Store this calibration and restart (Y/N) ? "
    assert "UA   gain     +5" in text, text         # 231 to 229.79: +5250 ppm
    store = d.unit.store
    nominal = [(450_000_000, 31_250 * k) for k in range(4)] + [(100_000_000, 31_250 * 4)]
    assert [name for name in store.names() if name[:3] == "cal"] == []
    assert "Stored" in d.text("Y") and d.unit._order == "console"
    mine = d.unit.ports.unique_id
    cal, _, _, why = calibration.load(store, nominal, mine)
    assert why == "" and 451_000_000 < cal[0][0] < 453_500_000
    assert calibration.load(store, nominal, b"\xff" * 8)[3] != ""       # another board's record
    d.start(cause=3)
    d.level("1")
    after = d.text("MET")
    assert "UA              231.0 V" in after or "UA              230.9 V" in after, after
    assert "UL              23" in after and r.relays.currents == []
    store.write("cal.a", b"")
    store.write("cal.b", b"")
    d.start(cause=3)
    d.level("1")
    assert "UA              229.8 V" in d.text("MET")
    d.unit.stop()


def test_a_calibration_with_wrong_wiring_or_reference_is_refused_by_name():
    r = rack.Rack()
    reference(r, ((0, 1),))
    d = RackDesk(r).level("2")
    if rack.VM:                     # five times faster there
        text = calibrate(d)
        assert "E16" in text and "UA" in text and "UB" in text, text
    reference(r)
    d.run(500)
    text = calibrate(d, u="400")
    assert "E162" in text and d.stands() == "=>>", text
    assert [name for name in d.unit.store.names() if name[:3] == "cal"] == []
    for wrong in ("", "x", "1.1234567", "-.5x"):
        d.say("CAL")
        assert "E304" in d.text(wrong), wrong
    d.say("CAL")
    d.say(U_REF)
    d.say(I_REF)
    d.key("0\r", 2000)
    d.key("x", 100)
    assert b"E306 cancelled. Nothing is stored." in d.terminal.text and d.unit._order == ""
    d.unit.stop()


def test_date_and_time_are_set_and_hold():
    d = RackDesk(rack.Rack()).level("2")
    assert "is set" in d.text("DAT 2027-02-28") and "is set" in d.text("TIM 12:34:50")
    assert d.text("DAT").startswith("2027-02-28") and d.text("TIM").startswith("12:34:5")
    assert d.events("TIME_SET") and d.events("LOGIN")
    assert " 2027-02-28T12:34:5" in d.text("SER 1 LOGIN") or d.text("SER 1 TIME_SET")
    d.level("1")
    assert " 2027-02-28T12:34:5" in d.text("SER 1 LOGIN")
    d.unit.stop()


def test_the_switch_by_hand_with_its_coils():
    r = rack.Rack()
    d = RackDesk(r).level("B")
    r.relays.currents = []
    assert "Breaker OPEN" in d.answers("OPE", "Y", "Y") and not r.relays.closed[0]
    assert "Breaker CLOSED on A" in d.answers("CLO", "Y", "Y") and r.relays.closed[0]
    assert [what for _, what, _ in r.relays.currents] == ["open"] * 3 + ["close"]
    assert "Relay test passed" in d.answers("TST", "Y", "Y") and r.relays.wrong == []
    r.relays.currents = []
    d.say("OPE")
    d.key("\x03", 1000)
    d.key("OPE\rY\rY\r", 1000)
    assert r.relays.currents == [] and r.chip.faults == []
    d.unit.stop()


def test_a_meters_record_of_samples_whole_by_its_twin():
    r = AnyRack("pico_w_meter", "meter")
    rack.provisioned.save(rack.fit.FlashStore(r.root + "/data"), {
        "id": "m1", "role": "meter", "sc": "sc1", "uc": "uc1", "wiring": "A", "cap_n": 2})
    d = RackDesk(r).level("1")
    assert "Record 1 is stored." in d.text("TRI")
    listed = [line for line in d.say("CEVE") if "END" not in line]
    assert len(listed) == 1 and listed[0].split('","')[5] == "yes"
    raw = b""
    for line in d.say("CEVE 1"):
        body, _, code = line.rpartition(",")
        assert code == '"%08X"' % (crc32(body.encode()) & 0xFFFFFFFF)
        fields = body[1:-1].split('","')
        if fields[0] == "DATA":
            assert int(fields[1]) == len(raw)
            raw += a2b_base64(fields[2])
    name = [x for x in d.unit.store.names() if x[:3] == "cap" and x[3:].isdigit()][0]
    assert raw == d.unit.store.read(name) and len(raw) > 1000
    assert "for programs" in d.text("EVE 1")
    d.unit.stop()


def test_maintenance_is_a_file_and_a_reset():
    r = rack.Rack()
    d = RackDesk(r).level("2")
    d.answers("MAI", "Y")
    d.run(200)
    d.terminal.keys += b"Y\r"
    d.run(3000)
    assert b"Maintenance: resetting now." in d.terminal.text and d.why == "reset"
    assert rack.there(r.root + "/maint") and r.relays.currents == []
