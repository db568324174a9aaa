"""[feeder] in a scenario: what it makes, and what is refused before anything runs."""
from copy import deepcopy
from pathlib import Path

import pytest

from host_sim.scenario import load, reading
from host_sim.scenario.complaints import InputError

BRANCH = load.FILES / "branch.toml"
GIVEN = reading.read_toml(BRANCH)
CUSTOMER = {"id": "extra", "phase": "A", "s_va": 1000.0, "bus": "h01"}
OPERATOR = {"id": "eu-extra", "role": "operator", "board": "pico_w_operator", "customer": "extra"}


def built(**tables):
    """The branch scenario with some tables changed; lists replace, dicts are merged."""
    given = deepcopy(GIVEN)
    given.pop("expect")
    given["event"] = []
    for name, value in tables.items():
        given[name] = {**given.get(name, {}), **value} if isinstance(value, dict) else value
    return load.build(given, BRANCH)


def complaints(**tables):
    with pytest.raises(InputError) as e:
        built(**tables)
    return [text.replace(" branch.toml:", "", 1) for text in e.value.complaints]


def with_acu(**acu):
    return [*GIVEN["acu"], {"role": "subcoordinator", "board": "pico_w_branch", "id": "s9",
                            "uc": "uc9"} | acu]


def fault(**what):
    return [{"at_s": 5.0, "set": {"value": 1} | what}]


def test_each_load_has_a_customer_and_an_operator_under_the_nearest_branch():
    s = built()
    assert [c.id for c in s.street.customers] == [f"load{n:02}" for n in range(1, 25)]
    assert {a.id: a.customer for a in s.operators()} == {
        f"eu{n:02}": f"load{n:02}" for n in range(1, 25)}
    assert s.coordinator().config["via"] == ["s1"] * 8 + ["s2"] * 8 + ["s3"] * 8
    assert [(b.id, b.config["members"][0], len(b.config["members"])) for b in s.branches()] == [
        ("s1", "eu01", 8), ("s2", "eu09", 8), ("s3", "eu17", 8)]
    first = s.street.customers[0]
    assert (first.bus, first.phase, first.load) == ("h01", 0, "z")
    assert first.s_va == pytest.approx(1800 / 0.95)
    assert s.street.source.u_v == pytest.approx(232.99, abs=0.01)    # the network's own


def test_operators_beside_all_branches_belong_to_the_coordinator():
    s = built(feeder={"branches": ["m22"]})
    via = dict(zip(s.coordinator().config["members"], s.coordinator().config["via"], strict=True))
    assert {op for op, way in via.items() if way == "s1"} == {f"eu{n}" for n in range(11, 17)}
    assert set(via.values()) == {"s1", "-"}


def test_of_branches_one_behind_the_other_the_nearest_leads():
    s = built(feeder={"branches": ["b2", "m22"]})
    assert s.coordinator().config["via"] == ["-"] * 8 + ["s1"] * 2 + ["s2"] * 6 + ["-"] * 8


def test_a_load_follows_its_own_column_times_its_own_size(tmp_path):
    network = ring(tmp_path / "ring")
    loads = "name,bus,phase,kw,profile\nq1,c,A,2,3\nq2,b,B,-1,1\nq3,b,C,1,\n"
    (tmp_path / "ring" / "loads.csv").write_text(loads)
    path = tmp_path / "ring" / "profiles_1min_kw.csv"
    path.write_text("minute,p1,p2,p3\n1,0.1,0.2,0.3\n2,0.4,0.5,0.6\n3,0.7,0.8,0.9\n")
    own = {"network": network, "branches": 0, "first_minute": 1}
    for profiles in ("network", str(path)):
        street = built(feeder=own | {"profiles": profiles}).street
        assert [c.profile for c in street.customers] == [1, 2, 0]
        assert street.profiles_kw.tolist() == [[1.2, -0.4], [1.8, -0.7], [0.6, -0.1]]
    assert built(feeder=own).street.profiles_kw is None
    written = built(feeder=own | {"profiles": "network"},
                    customer=[CUSTOMER | {"bus": "c", "profile": 2}]).street
    assert written.profiles_kw[:, written.customers[0].profile - 1].tolist() == [0.5, 0.8, 0.2]
    path.write_text("minute,p1\n1,0.1\n2,0.1\n")
    assert complaints(feeder=own | {"profiles": "network"})[0] == (
        "E123 [feeder] profiles = 'network': has 2 minutes, the run needs 3. Give as many, or "
        "whole days of 1440, which begin again.")
    path.write_text("minute,p1\n1,0.1\n2,0.1\n3,60\n")
    assert complaints(feeder=own | {"profiles": "network"})[0] == (
        "E123 load q1 of the network profile = 3 does not exist. Set 1 to 1.")
    path.write_text("minute,p1,p2,p3\n1,0.1,1,1\n2,0.1,1,60\n3,1,1,1\n")
    assert complaints(feeder=own | {"profiles": "network"}) == [
        "E123 load q1 of the network profile = 3 comes to 120 kW, above the maximum of 100 kW. "
        "Give its minutes in kW."]
    path.write_text("minute,p1\n1,0.1\n2,0.1\n3,0.1\n")
    assert complaints(feeder=own | {"profiles": "network"}) == [
        "E123 load q1 of the network profile = 3 does not exist. Set 1 to 1."]


def test_a_branch_without_uc_has_its_own_and_nobody_shares_one():
    s = built(feeder={"branches": []}, acu=[*GIVEN["acu"], *(
        {"role": "subcoordinator", "board": "pico_w_branch", "id": one, "line": line}
        for one, line in (("s1", "b1"), ("s2", "b2")))])
    assert s.coordinator().config["via"] == ["s1"] * 8 + ["s2"] * 8 + ["-"] * 8
    assert complaints(acu=with_acu(line="v01", uc="uc1")) == [
        "E128 [acu 3] uc = 'uc1' is led by s9 already. Give each Sub-Coordinator its own."]


def test_the_scenario_of_the_manual_is_one(tmp_path):
    text = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text()
    network = ring(tmp_path / "five")
    (tmp_path / "five" / "lines.csv").write_text(
        "name,bus1,bus2,code,length_m\nl1,post,n1,al,9\nl2,n1,n2,al,9\nl3,n1,n3,al,9\n"
        "l4,n3,n4,al,9\n")
    (tmp_path / "five" / "linecodes.csv").write_text(
        "code,rmatrix_ohm_per_km,xmatrix_ohm_per_km\nal,1|0 1|0 0 1|0 0 0 1,1|0 1|0 0 1|0 0 0 1\n")
    (tmp_path / "five" / "loads.csv").write_text("name,bus,phase,kw\nh1,n1,A,1\n")
    path = tmp_path / "mine.toml"
    path.write_text(text.partition("```toml\n")[2].partition("```")[0])
    s = load.load(str(path))
    assert network.endswith("five") and len(s.events) == 3 and len(s.street.customers) == 1
    assert s.coordinator().config["via"] == ["s1"]


def test_no_customers_and_no_such_number_of_branches(tmp_path):
    network = ring(tmp_path / "ring")
    assert complaints(feeder={"branches": -1}) == [
        "E123 [feeder] branches = -1 is below its minimum of 0. Set how many, or name lines."]
    (tmp_path / "ring" / "loads.csv").write_text("name,bus,phase,kw\n")
    assert complaints(feeder={"network": network, "branches": 0}) == [
        "E126 customer has too few entries. Give 1, or loads in the network and [feeder] "
        "operators."]


def test_branches_by_number_divide_the_customers():
    s = built(feeder={"branches": 3})
    assert sorted(len(b.config["members"]) for b in s.branches()) == [8, 8, 8]
    assert [a.line for a in s.street.acus if a.kind == "branch"] == ["b1", "b2", "b3"]
    assert built(feeder={"branches": 0}).branches() == []


def test_written_customers_stand_beside_the_made_ones():
    s = built(customer=[CUSTOMER | {"load": "g"}], acu=[*GIVEN["acu"], OPERATOR])
    extra = next(c for c in s.street.customers if c.id == "extra")
    assert (extra.s_va, extra.load, extra.inrush_x) == (-1000.0, "p", 0.0)
    assert next(a for a in s.operators() if a.id == "eu-extra").config["uc"] == "uc1"


def test_current_transformers_widen_the_board_and_its_limits():
    s = built()
    cd = s.coordinator()
    assert (cd.board["i_peak_ma"], cd.board["limits"]["i_max_ma"]) == (400_000, 252_000)
    assert next(a for a in s.street.acus if a.id == "cd").i_peak_a == 400
    plain = built(acu=[{**GIVEN["acu"][0], "ct_x": 1}])
    assert plain.coordinator().board["i_peak_ma"] == 100_000


def test_zoom_is_carried_to_the_scenario():
    s = built(zoom={"level": "wave", "before_s": 1.5, "acus": ["cd", "eu07"]})
    assert (s.zoom.level, s.zoom.before_s, s.zoom.after_s, s.zoom.acus) == (
        "wave", 1.5, 5.0, ("cd", "eu07"))


@pytest.mark.parametrize(("tables", "sentence"), [
    ({"feeder": {"network": "nowhere"}},
     "E120 [feeder] network = 'nowhere': no such file or folder. Give \"synthetic\", a folder of "
     "CSV files or a .dss file, relative to the scenario."),
    ({"feeder": {"branches": ["b1", "q2"]}},
     "E129 [acu 3] line = 'q2' is not in the network. There are 39."),
    ({"feeder": {"branches": ["b1", "b1"]}},
     "E128 [acu 3] line = 'b1' has a breaker already, of s1. Give each its own."),
    ({"feeder": {"customers": 30}},
     "E121 [feeder] customers is for the synthetic network only. Remove it."),
    ({"feeder": {"branches": 99}}, None),
    ({"feeder": {"operators": "pico_x"}},
     "E211 [feeder] operators = 'pico_x' is not in boards/. Did you mean pico_w_meter? There are: "
     "esp32_coordinator, esp32_operator, pico_w_branch, pico_w_coordinator, pico_w_meter, "
     "pico_w_meter2, pico_w_meter3, pico_w_microgrid, pico_w_operator, pico_w_recloser."),
    ({"feeder": {"operators": "pico_w_branch"}},
     "E212 [feeder] operators = 'pico_w_branch' runs no operator. It is for: "
     "subcoordinator."),
    ({"feeder": {"profiles": "no.csv"}}, None),
    ({"feeder": {"profiles": "network"}}, None),
    ({"feeder": {"net": "x"}}, None),
    ({"customer": [CUSTOMER | {"bus": "h99"}]},
     "E129 [customer 1] bus = 'h99' is not in the network. Did you mean h19? There are 40."),
    ({"customer": [{k: v for k, v in CUSTOMER.items() if k != "bus"}]},
     "E122 [customer 1] bus is missing. Name his bus of the feeder."),
    ({"customer": [{k: v for k, v in CUSTOMER.items() if k != "phase"}]},
     "E122 [customer 1] phase is missing. Add it."),
    ({"customer": [CUSTOMER | {"profile": 3}]},
     "E122 [customer 1] profile = 3: [feeder] profiles is missing. Add it."),
    ({"customer": [CUSTOMER | {"id": "load01"}]},
     "E128 load load01 of the network: the id load01 is taken. Rename one."),
    ({"acu": with_acu()},
     "E122 [acu 2] line is missing. Name the line that its breaker opens."),
    ({"acu": with_acu(line="v01", board="pico_w_coordinator")},
     "E121 [acu 2] line is for a branch board on a street with a [feeder]. Remove it."),
    ({"acu": with_acu(line="v01", ct_x=50)},
     "E123 [acu 2] ct_x = 50 is above its maximum on this board. Set 1 to 12."),
    ({"zoom": {"acus": ["eu99"]}}, None),
    ({"event": fault(name="line.open", line="q")}, None),
    ({"event": fault(name="line.open")},
     "E122 [event 1] [set] line is missing; line.open needs it. Add it."),
    ({"event": fault(name="line.open", line="b1", acu="s1")},
     "E121 [event 1] [set] acu means nothing to line.open. Remove it."),
    ({"event": fault(name="bus.fault", bus="h01", phase="B", to="B")},
     "E127 [event 1] [set] to = 'B' is the phase itself. Choose another."),
    ({"event": fault(name="bus.fault", bus="h01")}, None),
    ({"event": fault(name="relay.weld", acu="s1", phase="A")},
     "E121 [event 1] [set] phase means nothing to relay.weld. Remove it."),
    ({"event": [{"at_s": 1.0, "scc": {"type": "sc.cmd",
                                      "body": {"cmd": "phs", "args": ["s1", 0]}}}]}, None),
])
def test_what_does_not_fit_is_named_before_anything_runs(tables, sentence):
    said = complaints(**tables)
    assert len(said) == 1, said
    assert said[0][0] == "E" and said[0].endswith((".", "?")) and "\n" not in said[0]
    if sentence:
        assert said[0] == sentence


def test_what_may_be_set_on_a_feeder():
    built(event=fault(name="line.open", line="b1") + fault(name="neutral.cut", line="m11")
          + fault(name="bus.fault", bus="p12", phase="A", to="E", ohm=1.0)
          + fault(name="relay.weld", acu="s1") + fault(name="relay.weld", acu="eu01", phase="A")
          + [{"at_s": 1.0, "scc": {"type": "sc.cmd",
                                   "body": {"cmd": "sw", "args": ["s1", 0, 0]}}}])


def test_a_street_without_a_feeder_has_no_lines():
    path = load.FILES / "assay.toml"
    for change in (lambda g: g["customer"][0].update(bus="b"),
                   lambda g: g["customer"][0].update(load="p"),
                   lambda g: g["acu"][0].update(line="l1"),
                   lambda g: g["event"].append(fault(name="line.open", line="l1")[0])):
        given = reading.read_toml(path)
        given["acu"].append({"id": "s1", "role": "subcoordinator", "uc": "uc1",
                             "board": "pico_w_branch"})
        load.build(deepcopy(given), path)
        change(given)
        with pytest.raises(InputError) as e:
            load.build(given, path)
        assert len(e.value.complaints) == 1 and "[feeder]" in e.value.text


def ring(folder):
    """A feeder with a loop, and a dead end: post - a - b - post, a - c."""
    files = {
        "source.csv": "bus,kv,pu,r1_ohm,x1_ohm\npost,0.4,1.0,0.01,0.01\n",
        "linecodes.csv": "code,r1_ohm_per_km,x1_ohm_per_km\nal,0.4,0.1\n",
        "lines.csv": "name,bus1,bus2,code,length_m\nx,post,a,al,50\ny,a,b,al,50\n"
                     "z,b,post,al,50\nw,a,c,al,50\n",
        "loads.csv": "name,bus,phase,kw\nq1,c,A,1\nq2,b,B,1\n"}
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    return str(folder)


def test_a_branch_must_not_have_another_way_to_the_source(tmp_path):
    network = ring(tmp_path / "ring")
    said = complaints(feeder={"network": network, "branches": ["y"]})
    assert said == ["E134 [acu 2] line = 'y' is part of a loop: what is behind it has another way "
                    "to the source. Open the loop or choose a radial line."]
    s = built(feeder={"network": network, "branches": ["w"]})
    assert s.coordinator().config["via"] == ["s1", "-"]


def test_a_line_without_a_neutral_has_none_to_cut(tmp_path):
    own = {"network": ring(tmp_path / "ring"), "branches": 0}
    assert complaints(feeder=own, event=fault(name="neutral.cut", line="x")) == [
        "E129 [event 1] [set] line = 'x' has no neutral of its own."]


def test_what_is_wrong_with_the_network_itself_is_said_in_its_own_words(tmp_path):
    network = ring(tmp_path / "ring")
    (tmp_path / "ring" / "lines.csv").write_text(
        "name,bus1,bus2,code,length_m\nx,post,a,al,0\ny,a,b,cu,50\n")
    said = complaints(feeder={"network": network, "branches": 0})
    assert len(said) >= 2 and all(text.startswith("E3") for text in said)
