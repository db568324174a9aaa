"""The Meter on hand-fed doors: what its readers, and who would harm them, get from it."""
from acu import config, messages, metering
from acu.app import BuildError
from acu.functions import calibrating
from acu.primitives import windows
from host_sim.board.unit import Unit
from tests.unit.box import I_PEAK_MA, NET, U_PEAK_DV, UTC0_MS, Box, board


def near(value, wanted, by):
    return abs(value - wanted) <= by


# -- what it says

def test_it_says_who_it_is_and_listens_to_its_own_net_only():
    b = Box().started()
    assert sorted(b.filters) == [NET + "all/dn/+", NET + "m1/dn/+"]
    hello = b.told("hello")[0]
    assert (hello["role"], hello["sw"], hello["drf"], hello["boot"]) == ("mt", 0, 3, 1)
    assert b.lines[0].startswith("BOOT boots=1") and "SELFTEST ok=1 failed_mask=0" in b.lines


def test_a_reading_has_each_phase_in_its_place_and_null_for_the_others():
    for kind, places in (("post", (0, 1, 2)), ("two", (1, 2)), ("single", (1,))):
        b = Box(kind).started().run(1000)
        b.i_ma = [10_000 + 1000 * k for k in range(b.n)]
        b.lag = (2048, 3547)        # 60 degrees
        b.run(1000)
        body = b.meas()
        for p in range(3):
            if p not in places:
                assert [body[key][p] for key in ("u_dV", "i_mA", "p_W", "q_var")] == [None] * 4
                continue
            i_ma = b.i_ma[places.index(p)]
            assert near(body["u_dV"][p], 2300, 4) and near(body["i_mA"][p], i_ma, 80)
            assert near(body["p_W"][p], i_ma * 23 // 200, 30)
            assert near(body["q_var"][p], i_ma * 1992 // 10_000, 30)
        assert body["f_mHz"] == 50_000 and body["t_dC"] == 251 and body["on"] is None
        assert body["ph"] == (1 if kind == "single" else None)


def test_it_answers_only_who_asks_it_by_its_name_and_does_nothing_else():
    b = Box().started()
    ask = {"what": 0, "win_ms": 0}
    assert b.ask("meas.req", ask, dst="*") is None
    assert b.ask("ub.req", {"avg_s": 60, "win_ms": 100}) is None
    assert b.ask("sw.req", {"on": 0, "sel": 0, "why": 3, "t_ms": 0, "lease_s": 0}) is None
    assert b.ask("phs.req", {"ph": 1, "t_ms": 0, "dead_ms": 60}) is None
    assert b.ask("cfg", {"k": "ub_en", "val": 1}) is None
    assert b.ask("meas.req", ask)["d"] == "cd"


def test_its_time_is_the_coordinators():
    b = Box().started()
    assert b.meas()["fl"] & 1
    b.post("time", {"utc_ms": b.utc_ms(), "src": "rtc"}, dst="*")
    b.run(100)
    assert b.meas()["fl"] == 0


# -- voltage events

def test_a_dip_is_logged_and_told_at_its_start_and_at_its_end():
    b = Box("single").started().run(1000)
    b.u_dv = [1500]
    b.run(150)
    assert b.said("DIP")[0].startswith("DIP ph_mask=2 res_dv=") and len(b.said("DIP")) == 1
    assert b.said("DIP")[0].endswith("dur_ms=0")
    b.u_dv = [2300]
    b.run(500)
    words = dict([word.split("=") for word in b.said("DIP")[1].split(" ")[1:]])
    assert near(int(words["res_dv"]), 1500, 4) and near(int(words["dur_ms"]), 150, 20)
    first, last = b.told("evt")
    assert first["code"] == last["code"] == "DIP" and first["lim"] == 0
    assert last["lim"] == int(words["dur_ms"]) and last["val"] == int(words["res_dv"])
    assert first["t0_ms"] == last["t0_ms"]      # so they are known to be of one event


def test_of_three_phases_an_interruption_needs_all_and_a_dip_one():
    b = Box().started().run(1000)
    b.u_dv = [0, 0, 2300]
    b.run(200)
    assert b.said("DIP") and not b.said("INTR")
    b.u_dv = [0, 0, 0]
    b.run(200)
    assert b.said("INTR")[0].startswith("INTR ph_mask=7")


def test_the_limits_of_events_are_settings():
    for key, value, u_dv, name in (("u_dip_pm", 950, 2150, "DIP"),
                                   ("u_swell_pm", 1050, 2450, "SWELL"),
                                   ("u_int_pm", 200, 300, "INTR")):
        for limit in ({}, {key: value}):
            b = Box("single", **limit).started().run(1000)
            b.u_dv = [u_dv]
            b.run(300)
            assert bool(b.said(name)) == bool(limit), name


def test_a_supply_that_is_dead_from_the_start_is_told_once_it_is_ready():
    b = Box("single")
    b.u_dv = [0]
    b.started().run(1000)
    names = [line.split(" ")[0] for line in b.lines]
    assert names == ["BOOT", "SELFTEST", "DIP", "INTR"]
    b.u_dv = [2300]
    b.run(500)
    for name in ("DIP", "INTR"):
        first, last = b.said(name)
        assert first.endswith("dur_ms=0") and near(int(last.split("=")[-1]), 1600, 50)
        start, end = [e["t0_ms"] for e in b.told("evt") if e["code"] == name[:3]]
        assert start == end and near(start, UTC0_MS, 40)
    assert not Box("single").started().run(1000).told("evt")


def test_the_interruption_in_a_short_dip_is_told_after_its_start():
    b = Box("single").started().run(1000)
    b.u_dv = [0]
    b.run(40)
    b.u_dv = [2300]
    b.run(500)
    assert [e["code"] for e in b.told("evt")] == ["DIP", "INT", "INT", "DIP"]


def test_a_rapid_change_is_dated_to_its_beginning():
    b = Box("single").started().run(3000)
    t0_ms = b.utc_ms()
    b.u_dv = [2150]
    b.run(3000)
    event, = b.told("evt")
    assert event["code"] == "RVC" and near(event["t0_ms"], t0_ms, 15)
    row = b.acu.log.rows[-1]
    assert row[2] == metering.RVC and near(row[1], t0_ms, 15)


def test_a_frozen_voltage_channel_is_no_dip():
    b = Box().started().run(1000)
    b.frozen = (1,)
    b.run(1000)
    assert b.said("ADC_BAD") and b.said("DIP") == b.told("evt") == []
    assert b.meas()["u_dV"][1] is None and b.meas()["fl"] & 2


# -- supply events and inputs

def test_energy_fed_in_overcurrent_frequency_cover_and_magnet():
    b = Box("single", i_max_ma=20_000, rev_w=500).started().run(1000)
    b.i_ma = [-5000]
    b.run(2000)
    assert b.said("REV")[0].startswith("REV ph_mask=2 p_w=-11")
    assert b.told("evt")[-1]["code"] == "REV"
    b.i_ma = [21_000]
    b.run(3000)
    assert b.said("REV")[1].endswith("on=0") and b.said("OCU")[0].endswith("lim_ma=20000")
    b.inputs = [1, 0, 251]
    b.run(500)
    b.inputs = [1, 1, 251]
    b.run(500)
    assert b.said("COVER") == ["COVER open=1"] and b.said("MAGNET") == ["MAGNET on=1"]
    assert [(e["code"], e["val"], e["lim"]) for e in b.told("evt")[-2:]] == [("TAMP", 1, 1),
                                                                            ("TAMP", 2, 1)]


def test_a_lost_phase_and_a_voltage_wire_that_is_off_are_told_apart():
    b = Box().started().run(1000)
    b.u_dv[1] = b.i_ma[1] = 0
    b.run(3000)
    assert b.said("PH_LOSS")[0].startswith("PH_LOSS ph_mask=2 on=1") and not b.said("OPEN_CH")
    b = Box().started().run(1000)
    b.u_dv[1] = 0
    b.run(8000)
    assert b.said("OPEN_CH") == ["OPEN_CH ch=1 on=1"] and not b.said("PH_LOSS")
    assert b.meas()["u_dV"][1] is None


# -- energy

def wh(b, register=0):
    return b.acu.energy.total_mwh(register) // 1000


def test_energy_survives_a_restart_and_nothing_above_what_is_stored_is_told():
    b = Box("single").started()
    b.run(70_000)
    told = b.meas()["e_Wh"]
    assert 30 < told <= wh(b) and told == b.acu.e_wh      # 2.3 kW for a minute
    again = Box("single", b.unit.store).started()
    assert again.meas()["e_Wh"] == told and near(wh(again), told, 1)
    b = Box("single", again.unit.store).started()
    b.i_ma = [-10_000]
    b.run(70_000)
    assert near(b.meas()["e_Wh"], told, 1) and wh(b, 1) > 30      # export has its own register


def test_damaged_registers_do_not_begin_anew_silently():
    b = Box("single").started().run(61_000)
    files = b.unit.store.files
    for name in [name for name in files if name.startswith("registers.")]:
        files[name] = files[name][:20] + b"\x55" + files[name][21:]
    assert Box("single", b.unit.store).started().said("REGISTERS") == ["REGISTERS ok=0"]
    assert not Box("single").started().said("REGISTERS")


class Torn:
    """A store that dies in the middle of one write of the registers."""

    def __init__(self, store, at):
        self._store = store
        self.left = at

    def write(self, name, raw):
        if name.startswith("registers"):
            self.left -= 1
            if not self.left:
                self._store.write(name, raw[:len(raw) // 2])
                raise OSError("cut")
        self._store.write(name, raw)

    def __getattr__(self, name):
        return getattr(self._store, name)


def test_a_cut_at_any_write_costs_what_was_not_told():
    """Energy that was told is there again, whichever write of the registers was the last one."""
    for cut in range(1, 5):
        b = Box("single").started()
        told = 0
        store = b.unit.store
        torn = b.acu._registers._store = Torn(store, cut)
        try:
            for _ in range(300):
                b.run(1000)
                told = b.acu.e_wh
        except OSError:
            pass
        assert not torn.left and told >= 12 * (cut - 1) and told == b.acu.e_wh
        assert Box("single", store).started().acu.e_wh == told


def test_reactive_energy_alone_is_stored_too():
    b = Box("single")
    b.lag = (0, 4096)
    b.started().run(70_000)
    varh = b.acu.energy.total_mwh(3) // 1000     # Q2: the box knows no slot skew, which is 1.4 W
    assert varh > 40 and b.acu.e_wh == 0
    again = Box("single", b.unit.store).started()
    assert near(again.acu.energy.total_mwh(3) // 1000, varh, 8)


def test_registers_of_another_meter_are_not_taken_silently():
    b = Box("single").started().run(61_000)
    again = Box("two", b.unit.store).started()
    assert again.said("REGISTERS") == ["REGISTERS ok=0"] and again.meas()["e_Wh"] == 0
    assert not Box("single", b.unit.store).started().said("REGISTERS")


def test_a_power_cut_costs_no_more_than_the_last_second():
    """An interruption may be the last that it sees: it stores at once."""
    b = Box("single").started()
    b.run(15_000)
    b.u_dv = [0]
    b.run(1000)
    again = Box("single", b.unit.store).started()
    assert near(again.meas()["e_Wh"], 9, 1)


def test_a_frozen_current_is_estimated_and_says_so():
    b = Box("single", t_hb_ms=5_000).started().run(3000)
    before = wh(b)
    b.frozen = (1,)
    b.run(15_000)
    body = b.meas()
    assert body["i_mA"][1] is None and near(body["p_W"][1], 2300, 30) and body["fl"] & 16
    assert b.told("hb")[-1]["q"] & 16
    assert b.said("ESTIMATED") == ["ESTIMATED ph_mask=2 on=1 none_mask=0"]
    assert near(wh(b) - before, 10, 1)
    assert near(b.acu.energy.total_mwh(0, True) // 1000, 9, 1)
    b.frozen = ()
    b.run(1000)
    assert b.said("ESTIMATED")[-1] == "ESTIMATED ph_mask=0 on=0 none_mask=0"
    assert not b.meas()["fl"] & 16


def test_that_an_estimate_has_come_to_its_end_is_told():
    b = Box("single", t_est_s=5).started().run(3000)
    b.frozen = (1,)
    b.run(10_000)
    assert b.said("ESTIMATED") == ["ESTIMATED ph_mask=2 on=1 none_mask=0",
                                   "ESTIMATED ph_mask=2 on=1 none_mask=2"]


def test_a_held_frequency_and_lost_frames_are_told_in_a_reading():
    b = Box("single").started().run(1000)
    b.post("time", {"utc_ms": b.utc_ms(), "src": "rtc"}, dst="*")
    b.run(1000)
    assert b.meas()["fl"] == 0
    m = b.acu.measuring
    for quality, fl in ((windows.NO_F, 16), (windows.LOST, 4), (windows.EVENT, 0)):
        m.quality = quality
        assert b.acu.quality(b.ms()) == fl


def test_peaks_at_the_rails_are_flagged():
    b = Box("single")
    b.acu.sync.set(b.ms(), b.utc_ms())
    b.started().run(1000)
    b.acu.spectrum.clipped = 2
    assert b.meas()["fl"] == 2 and b.meas()["i_mA"][1] is not None
    b.run(20_000)
    assert b.told("pq")[0]["fl"] == 64


def test_an_idle_phase_is_measured_as_nothing_not_estimated():
    b = Box().started().run(1000)
    b.i_ma[2] = 0
    b.acu.supply._times_ms[12] = (1000, 1000)    # t_open of a current: an hour
    b.run(4000)
    assert b.said("OPEN_CH") == ["OPEN_CH ch=5 on=1"] and not b.said("ESTIMATED")


# -- aggregates

def test_ten_minutes_are_told_at_the_tick_of_utc():
    b = Box("two")
    b.acu.sync.set(b.ms(), b.utc_ms())
    b.started().run(18_000)
    assert b.told("pq") == []
    b.run(4_000)
    page = b.told("pq")[0]
    assert page["t0_ms"] == UTC0_MS + 20_000 and page["n"] == near_frames(page["n"])
    assert page["u_mV"][0] is None and near(page["u_mV"][1], 230_000, 300)
    assert page["umin_mV"][1] <= page["u_mV"][1] <= page["umax_mV"][1]
    assert near(page["i_mA"][2], 10_000, 60) and near(page["p_W"][1], 2300, 20)
    assert page["thdu_m"] == [None, None, None] and page["u2_m"] is None
    assert page["e_Wh"] == b.acu.e_wh and near(page["f_mHz"], 50_000, 100)
    assert page["fl"] == 0


def near_frames(n):
    """20 s at 4 kS/s, less a window at either end."""
    assert 78_000 <= n <= 80_000, n
    return n


def test_a_dip_flags_its_ten_minutes():
    b = Box("single").started()
    b.run(10_000)
    b.u_dv = [1500]
    b.run(100)
    b.u_dv = [2300]
    b.run(12_000)
    assert b.told("pq")[0]["fl"] & 128


def test_a_page_says_that_its_clock_was_set_or_never_right():
    for step_ms, fl in ((0, 0), (-3000, 1), (3000, 1), (None, 1)):
        b = Box("single").started()
        if step_ms is not None:
            b.post("time", {"utc_ms": b.utc_ms(), "src": "rtc"}, dst="*")
        b.run(1000)
        b.acu.aggregates.add(b.utc_ms(), 1, [0] * 11)      # no window before that counts
        b.acu.aggregates._parts[2].clear()
        b.acu.aggregates._parts[0].clear()
        if step_ms:
            b.post("time", {"utc_ms": b.utc_ms() + step_ms, "src": "rtc"}, dst="*")
        b.run(25_000)
        assert b.told("pq")[0]["fl"] == fl, step_ms


def test_a_channel_that_was_off_all_the_time_has_no_value_in_a_page():
    b = Box("two").started()
    b.frozen = (0, 3)
    b.run(21_000)
    page = b.told("pq")[0]
    assert page["u_mV"][2] is not None and page["i_mA"][1] is not None
    assert page["u_mV"][1] is not None and page["fl"] & 64      # off for a part of it
    b.acu.sync.set(b.ms(), page["t0_ms"] + 595_000, 1 << 40)
    b.run(8_000)
    b.acu.sync.set(b.ms(), page["t0_ms"] + 1_195_000, 1 << 41)
    b.run(8_000)
    page = b.told("pq")[-1]
    assert page["u_mV"][:2] == page["umin_mV"][:2] == page["umax_mV"][:2] == [None, None]
    assert page["i_mA"][2] is None and page["u_mV"][2] and page["i_mA"][1]
    assert page["p_W"][1] and page["p_W"][2]


def test_the_longest_page_fits():
    body = {}
    kinds, *keys = messages.form("pq")
    for key, kind in zip(keys, kinds):
        big = -9_999_999
        if key[0] == "u":
            big = 999_999
        elif key in ("e_Wh", "x_Wh"):
            big = 9_999_999_999
        elif key == "t0_ms":
            big = 9_999_999_999_999
        elif key in ("thdu_m", "thdi_m", "fl"):
            big = 9999
        body[key] = [big] * 3 if kind == "a" else big
    raw = messages.encode("pq", "m" * 16, "*", 65_535, 0, 9_999_999_999_999, body)
    assert len(raw) <= messages.PAGE_MAX and messages.decode(raw)["b"] == body


# -- calibration

NOMINAL = [(U_PEAK_DV * 100_000, 0), (I_PEAK_MA * 1000, 2000)]


def test_a_calibration_in_the_store_is_used_and_told():
    b = Box("single")
    cal = [(U_PEAK_DV * 110_000, 0, (), 512),
           (I_PEAK_MA * 1000, 2000, ((1_000_000, 3000),), -256)]
    assert calibrating.save(b.unit.store, cal, NOMINAL, 20_500 * 86_400) == ""
    b = Box("single", b.unit.store)
    assert list(b.acu.measuring._zero_q8) == [512, -256]        # from the first half cycle on
    b.started().run(1000)
    assert b.said("CAL") == ["CAL ok=1 date_day=20500 e=0"]
    assert near(b.meas()["u_dV"][1], 2530, 4)


def test_a_damaged_calibration_is_told_and_the_nominal_one_used():
    b = Box("single")
    cal = [(U_PEAK_DV * 110_000, 0, (), 0), (I_PEAK_MA * 1000, 2000, (), 0)]
    assert calibrating.save(b.unit.store, cal, NOMINAL, 86_400) == ""
    files = b.unit.store.files
    for name in list(files):
        if name.startswith("cal."):
            files[name] = files[name][:20] + b"\x55" + files[name][21:]
    b = Box("single", b.unit.store).started().run(1000)
    assert b.said("CAL") == ["CAL ok=0 date_day=0 e=160"]
    assert near(b.meas()["u_dV"][1], 2300, 4)
    assert Box("single").started().said("CAL") == []        # never calibrated: nothing to say


# -- settings

def refused(kind, i_peak_ma=I_PEAK_MA, **given):
    cfg = {"id": "m1", "role": "meter", "sc": "sc1", "uc": "uc1"}
    cfg.update(given)
    of = board(kind)
    of["i_peak_ma"] = i_peak_ma
    spec = {"id": "m1", "board": of, "config": cfg, "level": "quantity", "utc0_ms": 0}
    try:
        Unit(spec, None, None).boot(0, [0, 0, 0])
    except BuildError as e:
        return e.args[0]
    return ""


def test_a_wiring_that_the_board_has_not_is_refused():
    assert refused("two", wiring="ABC") == ("E117 config: wiring = ABC does not fit a board of "
                                            "kind two. Set AB or BC or CA.")
    assert refused("single") == ("E117 config: wiring = - does not fit a board of kind single. "
                                 "Set A or B or C.")
    assert refused("single", wiring="D").startswith("E105 ")
    assert refused("post") == "" and refused("two", wiring="CA") == ""


def test_a_board_of_currents_that_no_integer_holds_is_refused():
    assert refused("post", 2_147_000) == ""
    assert refused("post", 5_000_000).startswith("E118 config: i_peak_ma = 5000000 of the board ")


def test_settings_of_a_meter_are_a_meters_own():
    assert config.wrong("u_dip_pm", 900).startswith("E101 ")
    full, errors = config.check({"id": "m", "role": "meter", "sc": "s", "uc": "u",
                                 "u_dip_pm": 500, "u_int_pm": 300})
    assert errors == ["E116 config: u_int_pm = 300 is above half of u_dip_pm. Set 10 to 250."]
    assert set(metering.KEYS) - set(full) == {"wiring"}
    for key, rule in metering.KEYS.items():
        if not isinstance(rule[0], str):
            assert rule[1] <= rule[0] <= rule[2], key


# -- rest

def test_it_rests_until_the_tick_and_not_during_an_event():
    b = Box("single", t_hb_ms=3_600_000, i_max_ma=20_000).started()
    b.run(61_000)                                   # the log is written
    now_ms = b.ms()
    rest_ms = b.acu.rest_ms(now_ms)
    assert 0 < rest_ms <= 600_000 - b.utc_ms() % 600_000
    b.i_ma = [30_000]
    b.run(500)
    assert 0 < b.acu.rest_ms(b.ms()) <= 1000        # an over-current that has picked up
    b = Box("single", u_dip_pm=980).started().run(61_000)
    b.u_dv = [2220]                 # a dip for this meter, no under-voltage for anybody
    b.run(2000)
    assert b.acu.sensing.calm() and b.acu.rest_ms(b.ms()) == 0


def test_a_link_that_is_down_loses_no_event():
    b = Box("single").started().run(1000)
    b.up = False
    b.u_dv = [1500]
    b.run(200)
    b.u_dv = [2300]
    b.run(500)
    assert b.told("evt") == []
    b.up = True
    b.run(500)
    assert [e["code"] for e in b.told("evt")] == ["DIP", "DIP"]
