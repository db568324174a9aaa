"""Scenario, board and config files: what is refused, and whether the sentence helps to mend it."""
import json
import tomllib

import pytest

from host_sim.scenario import deeds, load, reading
from host_sim.scenario.complaints import InputError
from host_sim.world import faults

ASSAY = load.FILES / "assay.toml"
LOST = 'supply = "lost"'
CFG = 'k = "ub_en", val = 1'


def complaints(old="", new="", text=None):
    """What the loader says about the assay with one thing changed; [] if it takes it."""
    text = text or ASSAY.read_text()
    if old not in text:
        raise ValueError(f"{old} is not in the file")
    try:
        load.build(tomllib.loads(text.replace(old, new)), ASSAY)
    except InputError as e:
        return e.complaints
    return []


def one(old, new):
    said = complaints(old, new)
    assert len(said) == 1, said
    return said[0]


def order(cmd, args):
    return f'scc = {{ type = "sc.cmd", body = {{ cmd = "{cmd}", args = [{args}] }} }}'


def board_complaint(tmp_path, change):
    board = json.loads((load.BOARDS / "pico_w_operator" / "board.json").read_text())
    change(board)
    path = tmp_path / "b" / "board.json"
    path.parent.mkdir()
    path.write_text(json.dumps(board))
    with pytest.raises(InputError) as e:
        reading.load_board(path)
    return e.value.text


def test_the_assay_is_the_circuit_of_the_specification():
    s = load.load("assay")
    assert [(c.id, c.phase, c.s_va, c.pf) for c in s.street.customers] == [
        ("c1", 0, 2000.0, 0.95), ("c2", 1, 1800.0, 0.95), ("c3", 0, 1600.0, 0.95)]
    assert (s.street.source.rating_va, s.street.source.z_pct) == (15_000, 4.0)
    assert (s.seed, s.run_us, s.start_utc_ms) == (1, 75_000_000, 1_772_344_800_000)
    assert [(e.t_us, e.kind) for e in s.events] == [
        (20_000_000, "world"), (30_000_000, "world"), (50_000_000, "scc")]
    profile = {"t_tele_ms": 5_000, "tele_win_ms": 500, "tele_retries": 1, "t_hb_ms": 2_000,
               "t_res_ms": 1_000, "t_base_ms": 3_000, "t_slot_ms": 1_000, "jitter_ms": 0,
               "ub_en": 0, "ub_hold_ms": 5_000, "ub_avg_ms": 5_000, "ub_win_ms": 500,
               "ub_retries": 1, "cooldown_ms": 10_000, "dead_ms": 60, "t_iso_ms": 900_000,
               "moves_per_day": 4}
    for acu in s.acus:
        assert {k: acu.config[k] for k in profile} == profile
    assert all(a.holdup_ms == 15_000 for a in s.street.acus)


def test_settings_that_follow_from_the_tables_are_filled_in():
    s = load.load("assay")
    cd = s.coordinator().config
    assert (cd["members"], cd["via"], cd["prio"]) == (["eu1", "eu2", "eu3"], ["-"] * 3, [0] * 3)
    assert (cd["un_dv"], cd["sr_va"]) == (2300, 15_000)
    assert [(a.config["slot_i"], a.config["slot_n"]) for a in s.operators()] == [
        (0, 3), (1, 3), (2, 3)]


def test_members_behind_a_sub_coordinator_are_reached_through_it():
    sub = ('\n[[acu]]\nid = "s1"\nrole = "subcoordinator"\n'
           'board = "pico_w_coordinator"\nuc = "uc1"\n')
    text = ASSAY.read_text().replace('customer = "c3"', 'customer = "c3"\nuc = "uc1"\n' + sub)
    s = load.build(tomllib.loads(text), ASSAY)
    assert s.coordinator().config["via"] == ["-", "-", "s1"]
    assert next(a for a in s.acus if a.id == "s1").config["members"] == ["eu3"]


def test_own_settings_and_parts_of_an_acu_override_the_common_ones():
    text = ASSAY.read_text().replace(
        'customer = "c2"',
        'customer = "c2"\nconfig = { t_hb_ms = 9_000 }\nrelay = { open_ms = 12.0 }')
    s = load.build(tomllib.loads(text + "\n[front_end]\nnoise_lsb = 1.5\n"), ASSAY)
    assert [a.config["t_hb_ms"] for a in s.acus] == [2_000, 2_000, 9_000, 2_000]
    assert [a.relay.open_ms for a in s.street.acus] == [8.0, 8.0, 12.0, 8.0]
    assert {a.front_end.noise_lsb for a in s.street.acus} == {1.5}


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("s_va = 1800.0", "s_va = -5",
     "E123 [customer 2] s_va = -5 is below its minimum of 0 VA. Set 0 to 100_000 VA."),
    ("s_va = 1800.0", 's_va = "1800"',
     "E124 [customer 2] s_va = '1800' must be a number. Set 0 to 100_000 VA."),
    ("s_va = 1800.0", "s_va = nan",
     "E124 [customer 2] s_va = nan must be a finite number. Set 0 to 100_000 VA."),
    ("z_pct = 4.0", "u_kv = 0.4", "E121 unknown key [source] u_kv. Did you mean u_v, in V?"),
    ("seed = 1", "seed = true",
     "E124 seed = True must be a whole number. Set 0 to 2_147_483_647."),
    ('phase = "B"', 'phase = "D"', "E125 [customer 2] phase = 'D'. Choose 'A', 'B' or 'C'."),
    ('id = "c1"', 'id = "Number 1"',
     "E102 [customer 1] id = 'Number 1' is no identity. Use 1 to 16 of a-z 0-9 _ -."),
    ('customer = "c3"', 'customer = "c4"',
     "E129 [acu 4] customer = 'c4' is not in [[customer]]. There are: c1, c2, c3."),
    ('board = "pico_w_coordinator"', 'board = "pico_coordinator"',
     "E211 [acu 1] board = 'pico_coordinator' is not in boards/. Did you mean "
     "pico_w_coordinator? There are: esp32_coordinator, esp32_operator, pico_w_branch, "
     "pico_w_coordinator, pico_w_meter, pico_w_meter2, pico_w_meter3, pico_w_microgrid, "
     "pico_w_operator, pico_w_recloser."),
    ("t_tele_ms = 5_000", "t_tele_ms = 5",
     "E107 [config] t_tele_ms = 5 is below its minimum of 1000 ms. Set 1000 to 86400000."),
    ("t_tele_ms", "t_tele_s", "E101 [config] unknown key t_tele_s. Did you mean t_tele_ms?"),
    ("t_tele_ms = 5_000", 'members = ["eu1"]', None),
    (LOST, 'supply = "gone"', "E125 [event 1] supply = 'gone'. Choose 'lost' or 'back'."),
    (LOST, "", None),
    (LOST, LOST + "\nf_mhz = 49_000", None),
    (LOST, "supply_pu = [1.0, 0.5]", "E126 [event 1] supply_pu has too few entries. Give 3."),
    (LOST, "supply_pu = [1.0, 0.5, 7.0]",
     "E123 [event 1] supply_pu, entry 3 = 7.0 is above its maximum of 1.5 per unit. Set 0 to"
     " 1.5 per unit."),
    (LOST, 'set = { name = "relay.welt", acu = "eu2", phase = "A", value = 1 }', None),
    (LOST, 'set = { name = "relay.weld", acu = "eu9", phase = "A", value = 1 }',
     "E129 [event 1] [set] acu = 'eu9' is not in [[acu]]. Did you mean eu3? There are: cd, "
     "eu1, eu2, eu3."),
    (LOST, 'set = { name = "relay.weld", acu = "eu2", value = 1 }',
     "E122 [event 1] [set] phase is missing; relay.weld needs it. Add it."),
    (LOST, 'set = { name = "relay.weld", acu = "eu2", phase = "A", value = 2 }', None),
    (LOST, 'reboot = { acu = "eu9" }', None),
    (LOST, 'link = { acu = "eu1" }', None),
    ("at_s = 20.0", "at_s = 99.0", None),
    (CFG, 'k = "ub_on", val = 1', None),
    (CFG, 'k = "ub_en", val = 7', None),
    (CFG, 'key = "ub_en", val = 1', None),
    ('[["eu3", "A", "C"]]', '[["eu7", "A", "C"]]', None),
    ('[["eu3", "A", "C"]]', '[["eu3", "A", "D"]]', None),
    ("all_open_ms = [0, 3000]", "all_open_ms = [3000, 0]",
     "E127 [expect] all_open_ms = [3000, 0] can never hold. Write [lowest, highest]."),
    ("all_open_ms", "all_opened_ms",
     "E121 unknown key [expect] all_opened_ms. Did you mean all_open_ms, in ms?"),
    ('"two_phases_joined"', '"two_phases"', None),
    ("2026-03-01T06", "2026-33-01T06", None),
    ('id = "eu2"', 'id = "eu2"\nuc = "uc7"',
     "E129 [acu 3] uc = 'uc7' is led by nobody. Did you mean uc0? There are: uc0."),
    ('board = "pico_w_coordinator"', 'board = "pico_w_operator"', None),
    ('board = "pico_w_coordinator"', 'board = "pico_w_coordinator"\ncustomer = "c1"',
     "E121 [acu 1] customer means nothing to a coordinator. Remove it."),
    ('customer = "c3"', 'customer = "c1"',
     "E128 [acu 4] customer = 'c1' is already behind eu1. Give each operator its own."),
    (LOST, 'set = { name = "adc.freeze", value = 1, acu = "eu1", channel = 15 }',
     "E129 [event 1] [set] channel = 15 is none of eu1. There are: 0 ua, 1 ub, 2 uc, 3 ul, 4 i."),
    (LOST, 'set = { name = "relay.weld", value = 1, acu = "cd", phase = "A" }',
     "E129 [event 1] [set] acu = 'cd', the coordinator, has no relay.weld. There are: eu1, eu2, "
     "eu3."),
    (LOST, 'load_pct = { value = 50.0, acu = "cd" }', None),
    (LOST, 'set = { name = "mirror.stuck", value = 1, acu = "cd", phase = "B" }', None),
    (LOST, 'set = { name = "ground", value = 0, acu = "eu1" }',
     "E129 [event 1] [set] acu = 'eu1', the operator, has no ground. There are: cd."),
    (LOST, 'set = { name = "dofc", value = 0, acu = "eu1" }', None),
    (LOST, 'set = { name = "temperature_dc", value = 0, acu = "eu1" }', None),
    (LOST, 'set = { name = "dofc", value = 0, acu = "" }', None),
    (LOST, 'clock = { step_ms = 5, acu = "" }',
     "E129 [event 1] [clock] acu = '' is not in [[acu]]. There are: cd, eu1, eu2, eu3."),
    (LOST, 'hang = { for_ms = 50, acu = "" }', None),
    (LOST, 'link = { partition = true, acu = "" }', None),
    (LOST, 'load_pct = { value = 50.0, acu = "" }', None),
    (LOST, 'reboot = { acu = "" }', None),
    (LOST, order("sv", '"eu1", 0, 0'),
     "E129 [event 1] [scc] body cmd = 'sv' is no order. There are: lock, phs, "
     "sw, tele, unlock."),
    (LOST, order("sw", '"eu1"'),
     "E126 [event 1] [scc] body args = ['eu1']: sw takes a list of 3."),
    (LOST, order("lock", '"eu9"'), None),
    (LOST, order("phs", '"eu1", 3'), None),
    (LOST, order("sw", '"eu1", "on", 0'), None),
    (LOST, order("tele", "1"), None),
    (LOST, 'scc = { type = "sc.cmd", body = { cmd = "tele" } }', None),
    (LOST, 'scc = { type = "cfg", body = { k = ["ub_en"], val = 1 } }', None),
    (LOST, 'scc = { type = "cfg", body = { k = "id", val = "abc" } }', None),
    ("z_pct = 4.0", "z_pct = 4.0\nu_v = 0.0", None),
    ('"2026-03-01T06:00:00Z"', "2026-03-01",
     "E127 start_utc = 2026-03-01 is no date with a time. Write 2026-03-01T06:00:00Z."),
    ('"2026-03-01T06:00:00Z"', "06:00:00", None),
    ('"2026-03-01T06:00:00Z"', "7", None),
    ('"2026-03-01T06:00:00Z"', "1969-12-31T23:00:00Z",
     "E123 start_utc = 1969-12-31T23:00:00+00:00 is out of bounds. Set 1970-01-02T00:00:00Z to "
     "9998-12-31T00:00:00Z."),
    ('"2026-03-01T06:00:00Z"', '"9999-12-31T23:59:59Z"', None),
    ('panel_end = "OK A B C"', 'events = ["cd OUTT"]', None),
])
def test_a_bad_entry_is_named_with_its_remedy(old, new, sentence):
    said = one(old, new)
    if sentence:
        assert said.replace(" assay.toml:", "", 1) == sentence
    assert said[:2] in ("E1", "E2") and " assay.toml: " in said and "\n" not in said


def test_every_complaint_is_given_at_once():
    text = ASSAY.read_text().replace('customer = "c3"', 'customer = "c9"')
    text = text.replace("t_tele_ms = 5_000", "t_tele_ms = 5").replace("cooldown_ms", "cool_ms")
    assert len(complaints(text=text)) >= 3


def test_files_that_are_no_scenario(tmp_path):
    for content, word in ((b"title = ", "not TOML"), (b"\xff\xfe", "UTF-8"),
                          (b"", "title is missing")):
        path = tmp_path / "x.toml"
        path.write_bytes(content)
        with pytest.raises(InputError) as e:
            load.load(str(path))
        assert word in e.value.text
    for name, word in (("asay", "Did you mean assay?"), ("/no/such.toml", "no such file")):
        with pytest.raises(InputError) as e:
            load.load(name)
        assert word in e.value.text


def test_a_mark_of_the_byte_order_is_no_fault(tmp_path):
    path = tmp_path / "x.toml"
    path.write_text("\ufeff" + ASSAY.read_text(), encoding="utf-8")
    assert load.load(str(path)).sc == "sc1"


def test_what_a_reader_cannot_take_is_a_sentence(tmp_path):
    for name, content in (("x.json", '{"a":' + "[" * 100_000), ("x.toml", "a = " + "[" * 100_000),
                          ("x.toml", "a = " + "9" * 5_000)):
        path = tmp_path / name
        path.write_text(content)
        with pytest.raises(InputError, match="E120 x"):
            (reading.read_json if name == "x.json" else reading.read_toml)(path)
    for reader in (reading.read_json, reading.load_board, lambda path: load.load(str(path) + "/")):
        with pytest.raises(InputError, match="is a folder. Give"):
            reader(tmp_path)


def test_more_controllers_than_a_run_takes_are_refused():
    more = "".join(f'\n[[acu]]\nid = "s{n}"\nrole = "subcoordinator"\nuc = "u{n}"\n'
                   'board = "pico_w_coordinator"\n' for n in range(1097))
    assert complaints(text=ASSAY.read_text() + more) == [
        "E126 assay.toml: acu has too many entries. Give at most 1100."]


def test_a_board_with_a_fault_is_refused(tmp_path):
    cases = {
        "outputs": lambda b: b["outputs"].append(b["outputs"][0]),
        "pairs": lambda b: b["pairs"].append([0, 9]),
        "rate_hz": lambda b: b.update(rate_hz=50),
        "i_peak_a": lambda b: b.update(i_peak_a=100),
        "ring_ms": lambda b: b.pop("ring_ms"),
        "too fast": lambda b: b.update(rate_hz=11_430),
        "pairs of others": lambda b: b.update(pairs=[[3, 4], [0, 1], [1, 2]]),
        "pair of three": lambda b: b.update(pairs=[[3, 4, 0], [0, 1], [2, 0]]),
        "order of channels": lambda b: b["channels"].reverse(),
        "a channel more": lambda b: b["channels"].append({"name": "x", "meaning": ""}),
        "phases": lambda b: b["outputs"].reverse(),
        "two outputs": lambda b: b["outputs"].pop(),
        "inputs": lambda b: b["inputs"].pop(),
        "roles": lambda b: b["roles"].append("coordinator"),
        "kind": lambda b: b.update(kind="post"),
    }
    for n, (key, change) in enumerate(cases.items()):
        folder = tmp_path / str(n)
        folder.mkdir()
        said = board_complaint(folder, change)
        assert said.startswith("E12") and "board b" in said, key


def test_settings_of_one_controller(tmp_path):
    path = tmp_path / "eu1.json"
    path.write_text('{"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0", "t_out_ms": 20}')
    with pytest.raises(InputError) as e:
        reading.load_config(path)
    assert e.value.text == ("E107 eu1.json: t_out_ms = 20 is below its minimum of 100 ms. "
                            "Set 100 to 5000.")
    path.write_text('{"id": "eu1", "role": "operator", "sc": "s", "uc": "u", "slot_i": 3, '
                    '"slot_n": 3}')
    with pytest.raises(InputError, match="slot_i = 3 is above its maximum"):
        reading.load_config(path)
    path.write_text("[]")
    with pytest.raises(InputError, match="one object"):
        reading.load_config(path)


def test_what_an_event_may_do_passes():
    for new in ('set = { name = "adc.freeze", value = 1, acu = "cd", channel = 5 }',
                'set = { name = "relay.weld", value = 1, acu = "eu1", phase = "A" }',
                'set = { name = "dofc", value = 0, acu = "cd" }', order("tele", ""),
                order("sw", '"eu1", 0, 60'), order("phs", '"eu1", 2'), order("lock", '"eu1"')):
        assert complaints(LOST, new) == []
    assert complaints('"2026-03-01T06:00:00Z"', "2026-03-01T06:00:00Z") == []


def test_every_fault_of_the_world_can_be_set_and_no_other():
    assert set(deeds.FAULTS) == {*faults.RELAY, *faults.ADC, *faults.CUSTOMER, *faults.INPUTS,
                                  *faults.GRID}
