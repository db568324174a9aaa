"""The dispatching ACU on hand-fed doors: who covers the load, what is driven, and what it makes of
everything that can be wrong."""
from acu import config, messages
from acu.app import BuildError
from acu.primitives import plant_gate as pg
from acu.primitives.messaging import FOREIGN
from tests.unit.isle import NAMES, NET, Isle

DIESEL, ELECTROLYSER, FUEL_CELL, BATTERY = pg.DIESEL, pg.ELECTROLYSER, pg.FUEL_CELL, pg.BATTERY
EMPTY = {"bat": 0, "h2": 0}


def near(value, wanted, by=8_000):
    return abs(value - wanted) <= by


def isle(**config):
    return Isle(**config).started()


def settled(e_mwh=None, p_w=None, **config):
    """Past its first steps with what the stores tell and the powers."""
    s = Isle(**config)
    if e_mwh:
        s.e_mwh.update(e_mwh)
    if p_w:
        s.p_w = list(p_w)
    return s.started().run(22_000)


# -- who delivers

def test_it_listens_to_its_net_and_to_each_of_its_devices_only():
    s = isle()
    assert sorted(s.filters) == sorted([NET + "all/dn/+", NET + "mg/dn/+"] + [
        NET + name + "/up/mg.st" for name in NAMES.values()])
    hello = s.told("hello")[0]
    assert (hello["role"], hello["drf"], hello["boot"]) == ("mg", 7, 1)


def test_of_a_lack_the_battery_then_hydrogen_then_the_diesel_set():
    s = settled(p_w=(0, 500, 0))
    assert near(s.points["bat"]["p_mW"], 500_000) and s.closed == [0, 0, 0, 1]
    s = settled({"bat": 0}, (0, 500, 0))
    assert near(s.points["h2"]["p_mW"], 500_000) and s.points["h2"]["on"] == 1
    assert s.closed == [0, 0, 1, 1]
    s = settled(EMPTY, (0, 500, 0))
    assert near(s.points["die"]["p_mW"], 500_000) and s.closed == [1, 0, 0, 1]
    assert s.said("MG_DIESEL") == ["MG_DIESEL state=1 ms=1000"]


def test_of_a_surplus_the_battery_then_the_electrolyser_then_a_ceiling_for_the_pv():
    s = settled(p_w=(2500, 500, 0))
    assert near(s.points["bat"]["p_mW"], -2_000_000, 20_000) and s.points["pv"]["on"] == 0
    s = settled({"bat": 2_900_000}, (2500, 500, 0))
    assert s.points["h2"] == {"on": 1, "p_mW": -1_000_000, "lease_s": 180}
    assert s.closed == [0, 1, 0, 1]
    assert s.points["pv"]["on"] == 1 and near(s.points["pv"]["p_mW"], 1_500_000)


def test_pv_under_its_ceiling_is_still_known_to_give_more():
    """A throttled PV shows what it gives. Taken for all that it could, the surplus would be gone,
    the ceiling lifted, and all of it again a step later."""
    s = settled({"bat": 2_900_000, "h2": 200_000_000}, (3000, 500, 0))
    assert near(s.points["pv"]["p_mW"], 500_000)
    s.tells += ["pv"]
    s.state["pv"] = {"lim": 1}
    s.p_w[0] = 500
    s.run(60_000)
    assert s.points["pv"]["on"] == 1 and near(s.points["pv"]["p_mW"], 500_000)
    s.state["pv"] = {"lim": 0}      # clouds: it gives less than it may
    s.p_w[0] = 300
    s.run(30_000)
    assert s.points["pv"]["on"] == 0 and near(s.points["bat"]["p_mW"], 200_000)


def test_pv_throttled_by_the_grid_itself_is_tried_for_more():
    """With a full battery the inverter follows the load: no surplus would ever be seen, and the
    hydrogen never be charged."""
    s = settled({"bat": 2_900_000}, (500, 500, 0))
    assert s.points["h2"]["on"] == 0
    s.tells += ["pv"]
    s.state["pv"] = {"lim": 1}
    s.run(15_000)
    assert s.points["h2"]["p_mW"] < -200_000 and s.closed[ELECTROLYSER]


def test_load_that_nothing_can_feed_is_left_out_and_said_at_both_ends():
    s = settled(EMPTY, (0, 1800, 0))
    assert s.points["load"]["on"] == 1 and near(s.points["load"]["p_mW"], 800_000, 15_000)
    assert s.points["die"]["p_mW"] == 1_000_000
    begin, = s.said("MG_PNS")
    assert begin.startswith("MG_PNS on=1 p_w=79") or begin.startswith("MG_PNS on=1 p_w=80")
    assert [b["code"] for b in s.told("evt")] == ["PNS"]
    s.tells += ["load"]
    s.state["load"] = {"lim": 1}
    s.p_w[1] = 1000                 # what is left of it
    s.run(40_000)
    assert s.points["load"]["on"] == 1 and near(s.points["load"]["p_mW"], 800_000, 60_000)
    s.state["load"] = {"lim": 0}
    s.e_mwh["h2"] = 100_000_000
    s.run(25_000)
    assert s.points["load"]["on"] == 0
    assert len(s.said("MG_PNS")) == 2 and s.said("MG_PNS")[1].startswith("MG_PNS on=0")
    assert s.acu.accounts.mwh[3] > 5000


def test_load_left_out_that_nobody_ordered_calls_for_all_that_there_is():
    s = settled({"bat": 0, "h2": 0}, (300, 300, 0))
    assert s.closed[DIESEL] == 0
    s.tells += ["load"]
    s.state["load"] = {"lim": 1}
    s.run(7_000)
    assert s.closed[DIESEL] == 1 and s.points["load"]["on"] == 0
    assert s.said("MG_PNS")[0] == "MG_PNS on=1 p_w=0 e_wh=0"


def test_a_jump_of_the_load_is_answered_at_once():
    s = settled(EMPTY, (0, 300, 0), mg_step_s=3600)
    assert near(s.points["die"]["p_mW"], 300_000)
    s.p_w[1] = 800
    s.run(1500)
    assert near(s.points["die"]["p_mW"], 800_000)
    t = settled(EMPTY, (0, 300, 0), mg_step_s=3600, mg_jump_mw=0)
    t.p_w[1] = 800
    t.run(1500)
    assert near(t.points["die"]["p_mW"], 300_000)


def test_set_points_are_renewed_long_before_their_lease_is_over():
    s = settled(mg_step_s=3600, mg_lease_s=30)
    n = len(s.told("mg.set"))
    s.run(30_000)
    assert (len(s.told("mg.set")) - n) // 5 in (2, 3, 4)
    assert s.points["bat"]["lease_s"] == 30


def test_noise_of_the_pv_at_night_is_no_power():
    s = settled(p_w=(-40, 500, 0))
    assert s.acu.seen[1] == 0 and s.acu.accounts.mwh[0] == 0
    assert near(s.points["bat"]["p_mW"], 500_000)


# -- the gate

def test_nothing_is_driven_before_the_self_test_passed():
    s = Isle()
    s.acu.contacts.wanted = 15
    s.run(290)
    assert not s.acu.ready and s.drives == []
    s.run(300)
    assert s.acu.ready and s.drives[0][1:] == (BATTERY, 1)


def test_a_restart_releases_everything_until_the_self_test_passed():
    s = settled(EMPTY, (0, 500, 0))
    assert s.closed[DIESEL]
    n = len(s.drives)
    s.reboot().run(290)
    assert s.drives[n:] == [] and s.closed == [0, 0, 0, 0]
    s.run(8_000)
    assert s.closed == [1, 0, 0, 1] and s.told("hello")[-1]["boot"] == 2


def test_a_stop_releases_everything_at_once_whatever_anybody_wants():
    s = settled(EMPTY, (0, 500, 0))
    s.inputs[pg.IN_STOP] = 1
    s.run(10)
    assert s.closed == [0, 0, 0, 0]
    s.run(20_000)
    assert s.closed == [0, 0, 0, 0] and s.said("MG_STOP") == ["MG_STOP on=1"]
    assert [x for x in s.said("MG_DIESEL") if "state=2" in x] == []    # it is no failure to start
    s.inputs[pg.IN_STOP] = 0
    s.run(10_000)
    assert s.closed == [1, 0, 0, 1] and s.said("MG_STOP")[1] == "MG_STOP on=0"


def test_hydrogen_that_is_not_ready_is_released_at_once():
    s = settled({"bat": 2_900_000}, (2500, 500, 0))
    assert s.closed[ELECTROLYSER]
    s.inputs[pg.IN_H2] = 0
    s.run(10)
    assert not s.closed[ELECTROLYSER]
    s.run(20_000)
    assert not s.closed[ELECTROLYSER]


def test_electrolyser_and_fuel_cell_are_never_enabled_together_nor_one_right_after_the_other():
    s = isle()
    gate = s.acu.contacts
    gate.wanted = 1 << ELECTROLYSER | 1 << FUEL_CELL
    s.run(5)
    assert s.closed[ELECTROLYSER] + s.closed[FUEL_CELL] == 1
    gate.wanted = 1 << FUEL_CELL
    t_ms = s.ms()
    while not s.closed[FUEL_CELL]:
        gate.wanted = 1 << FUEL_CELL
        s.run(5)
        assert not (s.closed[ELECTROLYSER] and s.closed[FUEL_CELL]) and s.ms() - t_ms < 3000
    assert s.ms() - t_ms >= 1000
    gate.wanted = 1 << ELECTROLYSER
    t_ms = s.ms()
    while not s.closed[ELECTROLYSER]:
        gate.wanted = 1 << ELECTROLYSER
        s.run(5)
        assert s.ms() - t_ms < 3000
    assert s.ms() - t_ms >= 1000


def test_no_electrolyser_is_enabled_on_a_grid_that_nobody_sees():
    s = settled()
    s.frozen = (1,)
    s.run(200)
    s.acu.contacts.wanted |= 1 << ELECTROLYSER
    s.run(20)
    assert not s.closed[ELECTROLYSER]
    s.frozen = ()
    s.run(200)
    s.acu.contacts.wanted |= 1 << ELECTROLYSER
    s.run(20)
    assert s.closed[ELECTROLYSER]


def test_a_diesel_set_with_a_fault_is_not_started():
    s = Isle()
    s.e_mwh.update(EMPTY)
    s.inputs[pg.IN_FAULT] = 1
    s.started().run(20_000)
    assert not s.closed[DIESEL] and [d for d in s.drives if d[1] == DIESEL] == []
    assert [x[:17] for x in s.said("MG_DIESEL")] == ["MG_DIESEL state=2"]


def test_a_diesel_set_that_does_not_start_is_given_up_and_tried_again_later():
    s = Isle(mg_start_s=5, mg_retry_s=20)
    s.e_mwh.update(EMPTY)
    s.starts = False
    s.started().run(10_000)
    assert not s.closed[DIESEL] and s.points["die"] == {"on": 0, "p_mW": 0, "lease_s": 180}
    assert "MG_DIESEL state=2 ms=5000" in s.lines and s.told("evt")[0]["code"] == "DGF"
    assert near(s.points["load"]["p_mW"], 500_000)          # nothing else delivers
    assert s.acu.state() & 16
    s.starts = True
    s.run(25_000)
    assert "MG_DIESEL state=4 ms=20000" in s.lines and s.closed[DIESEL]
    assert s.said("MG_DIESEL")[-1].startswith("MG_DIESEL state=1") and not s.acu.state() & 16


def test_a_diesel_set_that_stops_by_itself_is_seen():
    s = settled(EMPTY, (0, 500, 0))
    s.starts = False
    s.inputs[pg.IN_RUNS] = 0
    s.run(20)
    assert [x for x in s.lines if x.startswith("MG_DIESEL state=3")] and not s.closed[DIESEL]


def test_a_diesel_set_that_says_it_is_not_available_is_not_counted_on():
    s = Isle()
    s.e_mwh.update(EMPTY)
    s.tells += ["die"]
    s.state["die"] = {"ok": 0}
    s.started().run(22_000)
    assert not s.closed[DIESEL] and near(s.points["load"]["p_mW"], 500_000)


def test_the_diesel_set_runs_and_stands_for_its_least_times():
    s = settled(EMPTY, (0, 500, 0), mg_run_s=60, mg_stop_s=30)
    on_ms = [ms for ms, k, level in s.drives if k == DIESEL and level == 1][0]
    s.e_mwh["bat"] = 2_000_000
    s.run(70_000)
    off_ms = [ms for ms, k, level in s.drives if k == DIESEL and level != 1][0]
    assert off_ms - on_ms >= 60_000
    s.e_mwh["bat"] = 0
    s.run(60_000)
    again_ms = [ms for ms, k, level in s.drives if k == DIESEL and level == 1][1]
    assert again_ms - off_ms >= 30_000


# -- what cannot be believed

def test_a_frozen_channel_holds_the_set_points_and_then_the_diesel_set_follows_the_load():
    for channel in (0, 1, 2):
        s = settled(p_w=(200, 1300, 0))
        held = dict(s.points["bat"])
        s.frozen = (channel,)
        s.run(6_000)
        assert s.said("MG_STALE")[0].startswith("MG_STALE state=1 age_ms=50"), channel
        assert s.points["bat"] == held
        s.run(26_000)
        assert s.said("MG_STALE")[1].startswith("MG_STALE state=2 age_ms=300")
        assert s.points["bat"]["p_mW"] == 0 and s.points["h2"]["on"] == 0
        assert s.points["die"]["p_mW"] == 1_000_000 and s.closed[DIESEL]
        assert s.points["load"]["on"] == 0          # blind, nobody is told to do without
        s.frozen = ()
        s.run(12_000)
        assert s.said("MG_STALE")[2].startswith("MG_STALE state=0")
        shared = s.points["bat"]["p_mW"] + s.points["die"]["p_mW"]
        assert near(shared, 1_100_000, 20_000) and len(s.said("ADC_OK")) == 1
        assert [b["code"] for b in s.told("evt")].count("STL") == 3


def test_a_dead_diesel_channel_makes_nothing_stale():
    s = settled()
    s.frozen = (3,)
    s.run(40_000)
    assert s.said("MG_STALE") == [] and s.said("ADC_BAD") == ["ADC_BAD ch=3 fault=1"]


def test_a_dark_bus_is_no_bus_without_load():
    """Without voltage every power is 0; taken for a load of 0 nothing would ever start again."""
    s = settled(EMPTY, (0, 0, 0))
    s.p_w[1] = 600
    s.run(15_000)
    s.u_dv = 0
    s.run(40_000)
    assert s.acu.stale == 2 and s.closed[DIESEL] and near(s.points["die"]["p_mW"], 600_000)


def test_a_channel_that_is_dead_from_the_start_leaves_nobody_in_the_dark():
    s = Isle()
    s.frozen = (2,)
    s.run(45_000)
    assert s.acu.ready and s.closed[DIESEL] and s.points["die"]["p_mW"] == 1_000_000


def test_without_a_voltage_channel_the_self_test_does_not_pass():
    s = Isle()
    s.frozen = (0,)
    s.run(5_000)
    assert not s.acu.ready and s.drives == []


def test_a_silent_store_is_left_out_until_it_speaks_again():
    s = settled(mg_silent_s=20)
    s.tells.remove("bat")
    s.run(30_000)
    assert s.said("MG_STORE")[-1].startswith("MG_STORE store=1 state=2 e_wh=1000")
    assert s.points["bat"]["p_mW"] == 0 and near(s.points["h2"]["p_mW"], 500_000)
    assert s.acu.state() & 12 == 4 and s.told("evt")[-1]["code"] == "STO"
    s.tells.append("bat")
    s.run(15_000)
    assert s.said("MG_STORE")[-1].startswith("MG_STORE store=1 state=0")
    assert near(s.points["bat"]["p_mW"], 500_000)


def test_a_store_that_never_spoke_is_said_once():
    s = Isle(mg_silent_s=20)
    s.tells = ["bat"]
    s.started().run(60_000)
    said = [x for x in s.said("MG_STORE") if "store=2" in x]
    assert said == ["MG_STORE store=2 state=2 e_wh=-1"]


def test_an_impossible_charge_is_refused_and_the_store_released():
    for e_mwh in (3_480_000, -5, 1 << 40):
        s = settled()
        s.e_mwh["bat"] = e_mwh
        s.run(22_000)
        assert s.said("MG_STORE")[-1].startswith("MG_STORE store=1 state=1"), e_mwh
        assert s.points["bat"] == {"on": 0, "p_mW": 0, "lease_s": 180} and not s.closed[BATTERY]
        s.e_mwh["bat"] = 1_000_000
        s.run(22_000)
        assert s.said("MG_STORE")[-1].startswith("MG_STORE store=1 state=0") and s.closed[BATTERY]


def test_a_store_that_is_not_ready_or_does_not_know_is_left_out():
    for state in ({"ok": 0}, {"e_mWh": None}):
        s = settled()
        s.state["bat"] = state
        s.run(22_000)
        assert s.said("MG_STORE")[-1].startswith("MG_STORE store=1 state=3")
        assert s.points["bat"]["p_mW"] == 0


def test_nobody_passes_for_a_store():
    s = settled()
    before = list(s.acu.net.dropped)
    s.tell("h2", topic=NET + "bat/up/", e_mWh=2_000_000)            # another device
    s.tell("eu7", topic=NET + "eu7/up/", e_mWh=2_000_000)           # a stranger
    s.post("mg.st", {"e_mWh": 5, "p_mW": 0, "ok": 1, "on": 1, "lim": 0}, src="bat")    # from above
    s.run(100)
    assert s.acu.net.dropped[FOREIGN] - before[FOREIGN] == 3
    assert s.acu.devices.told[0][1] == 1_000_000


def test_an_old_set_point_does_not_wait_for_the_link():
    s = settled()
    s.up = False
    n = len(s.told("mg.set"))
    s.p_w[1] = 700
    s.run(30_000)
    s.up = True
    s.run(5)
    assert not s.acu.net.waiting() and len(s.told("mg.set")) == n


def test_without_a_link_nobody_is_counted_as_left_out():
    """Nobody was told to do without, and so nobody does."""
    s = settled(EMPTY, (0, 1800, 0))
    s.up = False
    s.run(12_000)
    before_mwh = s.acu.accounts.mwh[3]
    s.run(20_000)
    assert s.acu.accounts.mwh[3] == before_mwh > 0


def test_the_first_step_waits_for_each_store_and_not_for_ever():
    """A diesel set that is started for want of a word runs for its least time."""
    s = Isle()
    s.tells = ["bat"]
    s.e_mwh["bat"] = 0
    s.started().run(3_000)
    assert s.drives == [(300, BATTERY, 1)]
    s.tell("h2")
    s.run(3_000)
    assert s.closed == [0, 0, 1, 1]
    s = Isle()
    s.tells = []
    s.started().run(5_500)
    assert s.closed[DIESEL]


# -- policies

def test_a_missing_table_falls_back_to_the_rule_and_says_so():
    s = isle(mg_policy="table")
    assert s.said("MG_START") == ["MG_START policy=1 wanted=2 e=420"]
    s.run(22_000)
    assert s.acu.by == 1


def test_a_damaged_table_falls_back_too():
    store = Isle().unit.store
    store.write("policy", b"MGPT" + bytes(300))
    s = Isle(store, mg_policy="table").started()
    assert s.said("MG_START") == ["MG_START policy=1 wanted=2 e=421"]


def test_naive_needs_nothing():
    s = isle(mg_policy="naive")
    assert s.said("MG_START") == ["MG_START policy=0 wanted=0 e=0"]


# -- what is counted

def test_energies_and_costs_are_those_of_the_powers_and_survive_a_restart():
    s = settled(EMPTY, (300, 800, 0))
    s.p_w[2] = 500
    s.run(130_000)
    pv, load, diesel, _ = s.acu.accounts.mwh
    seconds = s.ms() // 1000
    assert near(pv * 3600 // seconds, 300_000) and near(load * 3600 // seconds, 800_000, 9000)
    # 500 W: 0.31 x 0.25 + 0.108 x 0.5 + 0.0157 EUR an hour, for some 130 s
    assert 130 * 147_200 // 3600 - 300 < s.acu.accounts.ueur < 160 * 147_200 // 3600
    told = s.told("mg.rep")[-1]
    s.reboot().run(12_000)
    after = s.told("mg.rep")[-1]
    for key in ("v_Wh", "e_Wh", "d_Wh", "x_Wh", "ueur"):
        assert after[key] >= told[key] > 0 or key == "x_Wh", key
    assert s.acu.accounts.mwh[1] <= load + 4000


def test_damaged_registers_are_said_and_begin_anew():
    s = settled(EMPTY, (300, 800, 0)).run(70_000)
    for name in ("mgrid.a", "mgrid.b"):
        if s.unit.store.read(name):
            s.unit.store.write(name, b"?" * 20)
    s.reboot().run(1000)
    assert s.said("LOST_REC")[-1].startswith("LOST_REC what=3") and s.acu.accounts.mwh[1] < 1000


def test_a_reading_is_answered_by_name_with_pv_load_and_diesel_in_their_places():
    s = settled(p_w=(300, 500, 100))
    s.frozen = (1,)
    s.run(500)
    s.post("meas.req", {"what": 0, "win_ms": 0})
    s.run(50)
    body = s.told("meas")[-1]
    assert body["p_W"][0] is None and near(body["p_W"][1], 500, 8) and near(body["p_W"][2], 100, 8)
    assert near(body["u_dV"][0], 2300, 5) and body["f_mHz"] == 50_000 and body["fl"] & 2


# -- settings

def test_what_does_not_fit_together_is_refused_with_its_bound():
    base = {"id": "mg", "role": "microgrid", "sc": "sc1", "uc": "uc1"}
    for change, sentence in (
            ({"mg_h_res_mwh": 200_000_001}, "E196 config: mg_h_res_mwh = 200000001 is above "
             "mg_h_mwh = 200000000 (nothing would be left to dispatch). Set 0 to 200000000."),
            ({"mg_idle_s": 5}, "E197 config: mg_idle_s = 5 is not above mg_hold_s = 5 (what is "
             "held must begin before what idles). Set 6 to 3600, or 0."),
            ({"mg_retry_s": 30}, "E198 config: mg_retry_s = 30 is not above mg_start_s = 30 (it "
             "would be tried again while it is tried). Set 31 to 86400."),
            ({"mg_battery": "b", "mg_pv": "b"}, "E199 config: mg_pv = b is another device's name, "
             "or this controller's own. Give each its own."),
            ({"mg_load": "mg"}, "E199 config: mg_load = mg is another device's name, or this "
             "controller's own. Give each its own.")):
        full = dict(base)
        full.update(change)
        assert config.check(full)[1] == [sentence]
    assert config.check(base)[1] == []


def test_a_meters_board_does_not_dispatch():
    try:
        Isle(role="meter", wiring="A")
        refused = ""
    except BuildError as e:
        refused = e.args[0]
    assert "E112" in refused


def test_the_longest_messages_fit_their_frames():
    big = (1 << 53) - 1
    raw = messages.encode("mg.set", "a" * 16, "b" * 16, 65535, 65535, big, {
        "on": 1, "p_mW": -1_000_000_000, "lease_s": 10_800}, lambda text: "0" * 16, big, big)
    assert len(raw) <= messages.FRAME_MAX
    assert len(messages.encode("mg.st", "a" * 16, "b" * 16, 65535, 65535, big, {
        "e_mWh": 1_000_000_000, "p_mW": -1_000_000_000, "ok": 1, "on": 1, "lim": 1})) <= 240


# -- rest

def test_what_it_says_and_drives_is_the_same_when_it_rests():
    told = []
    for rests in (True, False):
        s = Isle(rests=rests, mg_silent_s=20, mg_start_s=5, mg_retry_s=20)
        s.started().run(12_000)
        s.tells.remove("h2")
        s.run(30_000)
        s.e_mwh["bat"] = 0
        s.starts = False
        s.run(40_000)
        s.inputs[pg.IN_STOP] = 1
        s.run(5_000)
        s.inputs[pg.IN_STOP] = 0
        s.p_w = [900, 1800, 0]
        s.run(20_000)
        told.append((s.lines, s.drives, [(m["t"], m["n"], m["b"]) for m in s.mail]))
        assert rests == (s.unit.passes < s.ms() // 20)
    assert told[0] == told[1] and len(told[0][0]) > 10


def test_it_rests_between_its_steps_and_wakes_for_what_it_must_see():
    s = settled(mg_step_s=3600, mg_lease_s=10_800, mg_silent_s=600)
    s.run(70_000)                   # the log is stored
    rest_ms = s.acu.rest_ms(s.ms())
    assert rest_ms > 5_000
    s.inputs[pg.IN_FAULT] = 1
    s.unit.switchgear.levels[pg.IN_FAULT] = 1
    assert s.acu.rest_ms(s.ms()) == 0
