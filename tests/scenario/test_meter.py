"""Scenario `meter`: a three-phase meter at the post, one of one phase at a customer, and what they
say of dips, a swell, an interruption, energy fed in, tampering and a dying channel."""
from dataclasses import replace

import pytest

from host_sim.scenario import load
from host_sim.scenario.complaints import InputError
from host_sim.scenario.figures import check, check_events
from host_sim.scenario.runner import Run
from tests.scenario.golden import is_golden
from tests.scenario.kit import Played, assay, drops, play

U_DV = {"m0": 2301, "m1": 2301}      # of phase A before the events


@pytest.fixture(scope="module")
def wave() -> Played:
    return play(load.load("meter"), "wave")


@pytest.fixture(scope="module")
def coarse() -> Played:
    return play(load.load("meter"), "quantity")


def dips(played, acu, name="DIP"):
    """[(t_s, phases, value, ms)] of the events that are over."""
    found = [(e.t_us / 1e6, *(int(x) for x in e.args.values())) for e in played.lines(name, acu)]
    return [one for one in found if one[3]]


def test_everything_that_the_scenario_expects_comes(wave):
    checks = check(wave.figures, wave.scenario) + check_events(wave.result, wave.scenario)
    assert [f"{c.name}: {c.text}" for c in checks if not c.ok] == [] and len(checks) > 10


def test_the_event_log_is_the_golden_one(wave):
    assert is_golden("meter-wave-seed1", wave.result.event_log())


@pytest.mark.parametrize("acu", ["m0", "m1"])
def test_residual_duration_and_phases_of_each_event(wave, acu):
    first, second, lost, *_ = dips(wave, acu)
    assert abs(first[2] - 0.6 * U_DV[acu]) <= 5 and abs(first[3] - 100) <= 20
    # from A on to B: one event of both where both are seen
    assert second[1] == (3 if acu == "m0" else 1)
    assert abs(second[3] - (300 if acu == "m0" else 200)) <= 20
    swell, = dips(wave, acu, "SWELL")
    assert abs(swell[2] - 1.15 * U_DV[acu]) <= 5 and abs(swell[3] - 200) <= 20
    interruption, = dips(wave, acu, "INTR")
    assert interruption[1] == (7 if acu == "m0" else 1) and interruption[2] <= 5
    assert abs(interruption[3] - 150) <= 20 <= lost[3] - 130


def test_a_start_is_told_within_a_tenth_of_a_second_and_dated_to_its_cycle(wave):
    for event in wave.lines("DIP", "m0")[:1] + wave.lines("DIP", "m1")[:1]:
        assert event.args["dur_ms"] == "0" and 4.0 < event.t_us / 1e6 < 4.1
    start = next(m["b"] for _, _, m in wave.sent("evt", "m0"))
    lag_ms = start["t0_ms"] - wave.scenario.start_utc_ms - 4000
    assert -60 <= lag_ms <= 20              # its clock is behind by the network's delay


def test_a_rapid_change_is_no_dip(wave):
    for acu in ("m0", "m1"):
        down, up = (int(e.args["du_dv"]) for e in wave.lines("RVC", acu))
        assert abs(down + 0.07 * U_DV[acu]) <= 5 and abs(down + up) <= 5
        assert not [t for t, *_ in dips(wave, acu) if 15.5 < t < 24]


def test_energy_fed_in_is_counted_apart(coarse):
    """c1 feeds in from 24 to 28 s: 2 Wh."""
    for acu in ("m0", "m1"):
        on, off = coarse.times("REV", acu)
        assert 25.0 <= on < 25.5 and 29.0 <= off < 29.5
    energy = coarse.unit("m0").acu.energy
    assert 1900 < energy.total_mwh(1) < 2200
    assert energy.total_mwh(1, True) == 0


def test_limits_and_inputs(wave):
    over = wave.lines("OCU", "m1")
    assert [28.9 < over[0].t_us / 1e6 < 29.5, over[1].args["lim_ma"]] == [True, "0"]
    assert not wave.lines("OCU", "m0") or wave.lines("OCU", "m0")[0].args["ph_mask"] == "1"
    assert [32.0 < t < 32.3 for t in wave.times("COVER", "m1")[:1]] == [True]
    assert [33.0 < t < 33.3 for t in wave.times("MAGNET", "m1")[:1]] == [True]
    assert not wave.times("COVER", "m0")
    assert [e.args["on"] for e in wave.lines("F_OUT", "m1")] == ["1", "0"]
    lost = wave.lines("PH_LOSS", "m0")
    assert [e.args["ph_mask"] for e in lost] == ["2", "2"] and not wave.lines("PH_LOSS", "m1")


def test_a_frozen_current_is_estimated_for_as_long_as_it_is_frozen(wave):
    on, off = wave.times("ESTIMATED", "m1")
    assert 43.0 < on < 43.4 and 46.0 < off < 46.6
    energy = wave.unit("m0").acu.energy
    assert energy.total_mwh(0, True) == 0


def test_ten_minutes_are_told_at_their_end_with_what_happened_in_them(wave):
    for acu in ("m0", "m1"):
        (t_s, topic, m), = wave.sent("pq", acu)
        body = m["b"]
        assert 35.0 < t_s < 35.5 and topic == f"slvg/1/slv/sc1/uc0/{acu}/up/pq"
        assert body["t0_ms"] == 1_772_344_800_000 and body["fl"] & 0x380 == 0x380
        assert abs(body["u_mV"][0] - 228_500) < 1500 and body["umin_mV"][0] < 200_000
        assert body["thdu_m"][0] is not None and 20 < body["thdu_m"][0] < 45     # 3.5 % THD


def test_readings_are_the_truth(wave):
    truth = wave.run.street.truth("m0")
    q = wave.unit("m0").acu.quantities
    for k in range(3):
        assert abs(q.u_mv[k] / 1000 - truth["u_v"][k]) < 0.1
    assert abs(q.p_mw[0] / 1000 - truth["p_w"][0]) < 0.002 * truth["p_w"][0]
    assert q.sequence == 1 and wave.unit("m1").acu.quantities.phases == (0,)


def test_a_meter_sees_its_own_customer_behind_his_phase_switch():
    """c2 is on phase B, and its Operator opens when that is lost."""
    scenario = assay("meter", acus={"m1": {"customer": "c2"}}, run_s=8, events=[
        (4, {"phase_lost": "B"}), (5, {"phase_back": "B"})])
    seen = []

    def look(run):
        q = run.firmware.units["m1"].acu.quantities
        seen.append((q.u_mv[0] / 1000, q.i_ua[0] / 1e6, run.street.truth("m1")))

    played = play(scenario, at={3.5: look})
    u_v, i_a, truth = seen[0]
    assert abs(u_v - truth["u_v"][0]) < 0.2
    assert abs(i_a - truth["i_a"][0]) < 0.05 and 7.5 < i_a < 8
    assert played.unit("m1").acu.phases == (1,)
    # the phase is back, the customer is not
    assert played.closed_at(7)["c2"] == set() and played.unit("m1").acu.quantities.u_mv[0] < 1000


def test_a_restart_keeps_the_energy(coarse):
    assert [t >= 55 for t in coarse.times("BOOT", "m1")] == [False, True]
    energy = coarse.unit("m1").acu.energy
    # 2.2 kW for 54 s, stored at the interruption, at the tick of 10 minutes and each minute
    assert energy.total_mwh(0) > 15_000


def test_a_coordinator_and_its_operators_do_not_mind_the_meters(coarse):
    """The same street without them: the same events, messages and moves, but for what it
    dropped; and what the meters say never enters its tables."""
    scenario = coarse.scenario
    without = play(replace(
        scenario, acus=tuple(a for a in scenario.acus if a.role != "meter"),
        street=replace(scenario.street,
                       acus=tuple(a for a in scenario.street.acus if a.kind != "single"
                                  and a.id != "m0")),
        events=tuple(e for e in scenario.events if e.args.get("acu") != "m1")))

    def story(played):
        return [(e.acu, e.name) for e in played.log
                if e.acu in ("cd", "eu2") and e.name != "DROPPED"]

    assert len(story(without)) > 6 and story(coarse) == story(without)
    lost = drops(coarse, "cd")
    assert lost.pop("FOREIGN") > 10 and set(lost.values()) == {0}
    assert drops(without, "cd")["FOREIGN"] == 0
    assert drops(coarse, "eu2")["FOREIGN"] == 0
    assert set(coarse.unit("cd").acu.net._seen) == {"eu2"}


def test_passes_that_it_may_leave_out_change_no_byte(coarse):
    run = Run(load.load("meter"), level="quantity", rests=False)
    while run.t_us < 30_000_000:
        run.step()
    result = run.finish()
    there = coarse.result
    assert result.events == [e for e in there.events if e[0] <= run.t_us]
    assert result.bus == [said for said in there.bus if said[0] <= run.t_us]


def test_the_story_is_the_same_at_phasor_level(coarse):
    played = play(load.load("meter"), "phasor")
    for acu in ("m0", "m1"):
        told = [[e for e in one.log if e.acu == acu] for one in (played, coarse)]
        assert [e.name for e in told[0]] == [e.name for e in told[1]]
        assert max(abs(a.t_us - b.t_us) for a, b in zip(*told, strict=True)) <= 250_000


def test_time_leaps_over_a_quiet_street_with_meters():
    """Twenty-five minutes: two intervals of ten end, and nobody is called for each window."""
    scenario = replace(load.load("meter"), run_us=1_500_000_000, events=())
    played = play(scenario, "phasor")
    pages = played.sent("pq", "m1")
    # told when the next window has come: with the next word of the Coordinator
    assert [round(t_s) // 10 for t_s, *_ in pages] == [4, 64, 124]
    assert all(m["b"]["fl"] == 0 for _, _, m in pages[1:])
    assert abs(pages[1][2]["b"]["n"] - 2_400_000) < 40_000      # frames of 600 s
    assert played.unit("m1").passes < 3000 and not played.lines("DIP")
    energy = played.unit("m1").acu.energy
    w = played.run.street.truth("m1")["p_w"][0]
    assert abs(energy.total_mwh(0) / 1000 - w * 1500 / 3600) < 4      # the last 5 s to come


# -- a meter of two phases, on a street with lines

def two(board="pico_w_meter2", phases="BC", run_s=3.0, **customer):
    given = {
        "title": "two phases", "run_s": run_s, "feeder": {"network": "synthetic", "customers": 6},
        "config": {},
        "customer": [{"id": "h1", "bus": "", "phases": phases, "s_va": 3000.0, "load": "z",
                      "inrush_x": 0.0, **customer}],
        "acu": [{"id": "cd", "role": "coordinator", "board": "pico_w_coordinator"},
                {"id": "m2", "role": "meter", "board": board, "customer": "h1"}]}
    from host_sim.world.grid.synthetic import feeder
    given["customer"][0]["bus"] = feeder(6, 1).lines[-1].bus2
    if not phases:
        del given["customer"][0]["phases"]
    return load.build(given, load.find("meter"))


@pytest.mark.parametrize("level", ["wave", "quantity", "phasor"])
def test_two_phases_are_measured_where_the_customer_is_wired(level):
    played = play(two(run_s=40.0 if level == "phasor" else 3.0), level)
    assert bool(played.unit("m2").acu.measuring.told) == (level == "phasor")
    acu = played.unit("m2").acu
    truth = played.run.street.truth("m2")
    assert acu.phases == (1, 2)
    for k in range(2):
        assert abs(acu.quantities.u_mv[k] / 1000 - truth["u_v"][k]) < 0.2
        assert abs(acu.quantities.i_ua[k] / 1e6 - truth["i_a"][k]) < 0.05
        assert abs(acu.quantities.p_mw[k] / 1000 - truth["p_w"][k]) < 8
        assert abs(acu.measuring.half_ma[k] / 1000 - truth["i_a"][k]) < 0.3
    # between two phases the load is one: its power is the sum, not twice one phase's
    assert abs(acu.quantities.p_total_mw / 1000 - 0.95 * 3000) < 100
    if level != "phasor":
        assert abs(acu.quantities.u23_mv / 1000 - 1.732 * truth["u_v"][0]) < 2


# -- what is wrong with a file

def complaints(**changes):
    try:
        assay("meter", **changes)
    except InputError as e:
        return e.complaints
    return []


def test_what_a_meter_needs_is_said():
    def one(**changes):
        said = complaints(**changes)
        assert len(said) == 1, said
        return said[0]

    assert one(acus={"m1": {"board": "pico_w_meter2"}}).startswith(
        "E144 meter.toml: [acu 4] customer = 'c1' is not wired to two phases")
    assert one(acus={"m0": {"customer": "c1"}}) == (
        "E121 meter.toml: [acu 3] customer means nothing to a meter. Remove it.")
    assert one(acus={"m1": {"customer": None}}).startswith("E122 meter.toml: [acu 4] customer is")
    assert one(acus={"m1": {"uc": "uc7"}}).startswith("E129 meter.toml: [acu 4] uc = 'uc7' is led")
    assert one(acus={"m1": {"config": {"wiring": "B"}}}) == (
        "E121 meter.toml: [acu 4] [config] wiring follows from the other tables. Remove it.")
    assert one(config={"u_int_pm": 300, "u_dip_pm": 500}).startswith(
        "E116 meter.toml: [config] u_int_pm = 300 is above half of u_dip_pm.")
    assert one(acus={"m0": {"board": "pico_w_operator"}}).startswith("E212 meter.toml: [acu 3]")
    cover = {"set": {"name": "cover", "value": 1, "acu": "cd"}}
    assert one(events=[(5, cover)]) == (
        "E129 meter.toml: [event 1] [set] acu = 'cd', the coordinator, has no cover. "
        "There are: m0, m1.")
    with pytest.raises(InputError, match="E145 meter.toml: .acu 2. customer = 'h1' is wired to"):
        two("pico_w_meter")


def test_a_coordinators_board_can_be_a_meter_without_inputs_of_one():
    scenario = assay("meter", acus={"m0": {"board": "pico_w_coordinator"}}, events=[
        (2, {"set": {"name": "ground", "value": 0, "acu": "m0"}})], run_s=4)
    played = play(scenario)
    assert played.unit("m0").acu.ready and not played.lines("COVER")
