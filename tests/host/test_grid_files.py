"""A feeder as CSV files, what is wrong with one, and the study that compares solutions."""
import csv
import gzip
import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from host_sim.study import grid as study
from host_sim.world.grid.csv_files import read_folder, read_network, read_profiles
from host_sim.world.grid.demand import Demand, ports_needed
from host_sim.world.grid.engine import Engine
from host_sim.world.grid.network import Earth, GridError, Line, LoadPoint, Switch, check
from host_sim.world.grid.sources import open_circuit
from host_sim.world.grid.synthetic import feeder
from host_sim.world.grid.tree import branch_points, downstream, loads_behind, upstream_bus
from slvg.cli import app

SHARED = Path(os.environ.get("SLVG_SHARED", Path(__file__).resolve().parents[3] / "shared"))
EURO = SHARED / "data" / "euro_lv"
needs_euro = pytest.mark.skipif(not EURO.is_dir(), reason="needs shared/data/euro_lv")

FILES = {
    "source.csv": "bus,kv,pu,isc3_a,isc1_a,x_over_r,freq_hz\nHV,10,1.01,4000,100,5,50\n",
    "transformer.csv": "name,hv_bus,lv_bus,hv_conn,lv_conn,hv_kv,lv_kv,kva,xhl_percent,"
                       "r_percent_total\nT1,HV,1,delta,wye,10,0.4,160,4,1.2\n",
    "linecodes.csv": "code,r1_ohm_per_km,x1_ohm_per_km,r0_ohm_per_km,x0_ohm_per_km,"
                     "rmatrix_ohm_per_km,xmatrix_ohm_per_km\n"
                     "main,0.3,0.08,1.2,0.3,,\n"
                     "four,,,,,.4 | .05 .4 | .05 .05 .4 | .05 .05 .05 .5,"
                     ".7 | .6 .7 | .6 .6 .7 | .6 .6 .6 .8\n"
                     "one,,,,,1.2 | .05 1.2,.7 | .6 .7\n",
    "lines.csv": "name,bus1,bus2,code,length_m,phases\nL1,1,2,four,60,\nL2,2,3,four,40,\n"
                 "L3,3,4,one,20,BN\nL4,2,5,main,30,\nL5,5,3,main,50,\n",
    "loads.csv": "name,bus,phase,kw,pf,profile,model,u_v,kvar,switch,delta\n"
                 "c1,4,B,2,0.95,1,p,,,,\nc2,3,ABC,6,0.9,2,i,,,,1\nc3,5,A,3,-0.98,1,z,230,,S3,\n"
                 "pv,3,CA,-4,1,,p,,0.5,,\n",
    "buscoords.csv": "bus,x,y\n1,0,0\n2,60,0\n",
    "earths.csv": "bus,ohm\n1,2\n3,12\n",
    "switches.csv": "name,line,closed\ntie,L5,0\n",
    "profiles_1min_kw.csv": "minute,p1,p2\n1,0.5,0.25\n2,1,1\n3,2,1.5\n",
}


def write(folder, **changes):
    for name, text in FILES.items():
        new = changes.get(name.partition(".")[0], text)
        if new is not None:
            (folder / name).write_text(new)
    return folder


def test_everything_a_folder_can_say(tmp_path):
    network = read_network(write(tmp_path))
    assert check(network) == [] == check(network, radial=True)
    lines = {line.name: line for line in network.lines}
    assert (lines["L1"].phases, lines["L3"].phases, lines["L4"].phases) == ("ABCN", "BN", "ABC")
    loads = {load.id: load for load in network.loads}
    assert loads["c2"].delta and loads["c2"].model == "i" and loads["c3"].switch == "S3"
    assert loads["pv"].kvar == 0.5 and loads["pv"].profile is None and loads["c1"].profile == 1
    assert (loads["c1"].vmin_pu, loads["c1"].vmax_pu, loads["c1"].vlow_pu) == (0.5, 1.5, 0.0)
    assert [(e.bus, e.ohm) for e in network.earths] == [("1", 2.0), ("3", 12.0)]
    assert network.switches == (Switch("tie", "L5", False),)
    assert network.un_v == pytest.approx(230.94, abs=0.01)
    profiles = read_profiles(tmp_path)
    assert profiles.tolist() == [[0.5, 0.25], [1.0, 1.0], [2.0, 1.5]]
    ports = ports_needed(network)
    engine, demand = Engine(network, ports), Demand(network, ports)
    assert demand.owner.tolist() == [0, 1, 1, 1, 2, 3] and len(ports) == 5
    assert demand.scale(profiles)[2].tolist() == [2.0, 1.5, 1.5, 1.5, 2.0, 1.0]
    s, y, i_a = demand.taken()
    assert s[0] == pytest.approx(2000 + 657.4j, abs=0.1) and s[5] == -4000 + 500j
    assert abs(i_a[1]) == pytest.approx(2000 / 0.9 / 400, rel=1e-9) and y[4].imag > 0.0
    state = engine.solve(open_circuit(network), demand.at, s, y, i_a, limits=demand.limits)
    assert 200.0 < abs(state.u[0]) < 240.0
    # a source alone: own LV source, no transformer
    own = read_folder(write(tmp_path, transformer=None,
                            source="bus,kv,pu,r1_ohm,x1_ohm\n1,0.4,1,0.02,0.04\n"))
    (tmp_path / "transformer.csv").unlink()
    own = read_folder(tmp_path)
    assert own.transformer is None and own.lv_bus == "1" and check(own) == []


@pytest.mark.parametrize("file, old, new, code, words", [
    ("source", "10,1.01", "ten,1.01", "E343", ["source.csv row 2", "kv = 'ten'", "a number"]),
    ("source", "bus,kv", "bus,volts", "E342", ["source.csv", "kv is missing", "Columns"]),
    ("transformer", "160,4", "-160,4", "E343", ["kva", "-160"]),
    ("transformer", "delta,wye", "delta,delta", "E343", ["delta or wye"]),
    ("linecodes", "main,0.3", "main,", "E343", ["row 2", "r1_ohm_per_km is missing"]),
    ("linecodes", ".05 .05 .4 |", ".05 .4 |", "E343", ["row 3", "lower triangle"]),
    ("linecodes", "one,", "four,", "E343", ["four is there twice"]),
    ("lines", "four,60", "four,long", "E343", ["lines.csv row 2", "length_m = 'long'"]),
    ("lines", "four,60", "four,1e9", "E343", ["row 2", "1e+09", "100_000", "metres"]),
    ("lines", "name,bus1", "name,bus_1", "E342", ["bus1 is missing"]),
    ("loads", "c1,4,B", "c1,4,D", "E343", ["loads.csv row 2", "phase = 'D'", "A, B, C"]),
    ("loads", "2,0.95", "2,0.01", "E343", ["pf = 0.01", "0.05 to 1"]),
    ("loads", "1,p,,,,", "1,q,,,,", "E343", ["model = 'q'", "p, i or z"]),
    ("switches", "L5,0", "L5,maybe", "E343", ["closed = 'maybe'"]),
    ("earths", "3,12", "3,inf", "E343", ["earths.csv row 3", "ohm"]),
    ("buscoords", "60,0", "60,", "E343", ["buscoords.csv row 3"]),
    ("source", "\n", "\nx,0.4,1\n", "E343", ["has 2 sources", "Leave one"]),
    ("loads", "c1,4,B,2", "c1,4,B,2,5", "E343", ["row 2", "columns", "decimal point"]),
    ("lines", "name,bus1", "name,bus1,bus1", "E342", ["bus1 is there twice"]),
])
def test_what_is_wrong_with_a_file(tmp_path, file, old, new, code, words):
    text = next(t for name, t in FILES.items() if name.startswith(file))
    assert old in text
    with pytest.raises(GridError) as caught:
        read_folder(write(tmp_path, **{file: text.replace(old, new, 1)}))
    assert caught.value.code == code
    for word in words:
        assert word in caught.value.text, caught.value.text


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    write(tmp_path, lines=None, loads="name,bus\nx,1\n",
          source=FILES["source.csv"].replace("4000", "none"))
    with pytest.raises(GridError) as caught:
        read_folder(tmp_path)
    assert [one[:4] for one in caught.value.complaints] == ["E343", "E341", "E342"]
    with pytest.raises(GridError, match="E341"):
        read_network(tmp_path / "nothing")


@pytest.mark.parametrize("text, code", [
    ("minute,p1\n1,0.5\n3,0.5\n", "E343"), ("minute,p1\n1,x\n", "E343"),
    ("time,p1\n1,1\n", "E342"), (None, "E341"), ("minute\n1\n", "E342"),
    ("minute,p1\n", "E343 .* no row"), ("minute,p1\n1,1\n2,nan\n", "E343 .* row 3: p1 = nan"),
])
def test_what_is_wrong_with_profiles(tmp_path, text, code):
    with pytest.raises(GridError, match=code):
        read_profiles(write(tmp_path, profiles_1min_kw=text))


def test_profiles_as_a_spreadsheet_writes_them_and_a_file_that_was_cut(tmp_path):
    path = write(tmp_path, profiles_1min_kw="\ufeffminute,p1\r\n1,0.5\r\n2,0.6\r\n\r\n")
    assert read_profiles(path).tolist() == [[0.5], [0.6]]
    cut = tmp_path / "cut.csv.gz"
    cut.write_bytes(gzip.compress(b"minute,p1\n1,0.5\n")[:-9])
    with pytest.raises(GridError, match="E341 .*cut.csv.gz"):
        read_profiles(cut)


# --- what is wrong with a network ---------------------------------------------------------------


def changed(network, at=0, **values):
    lines = list(network.lines)
    lines[at] = replace(lines[at], **values)
    return replace(network, lines=tuple(lines))


def loads_of(network, *loads):
    return replace(network, loads=(*network.loads, *loads))


BASE = feeder(12, 1)
FOUR = feeder(12, 1, neutral=True)


@pytest.mark.parametrize("network, code, words", [
    (replace(BASE, lines=(*BASE.lines, BASE.lines[0])), "E331", ["two lines", "L1", "each once"]),
    (loads_of(BASE, BASE.loads[0]), "E331", ["two customers", "C1"]),
    (replace(BASE, switches=(Switch("S", "L99"),)), "E331", ["switch S", "L99", "mean L9"]),
    (changed(BASE, code="service_15"), "E332", ["L1", "service_15", "Did you mean service_16"]),
    (changed(BASE, length_m=0.0), "E333", ["L1", "length_m = 0", "above zero"]),
    (changed(BASE, length_m=-3.0), "E333", ["length_m = -3"]),
    (changed(BASE, bus2="1"), "E333", ["begins and ends at bus 1"]),
    (changed(BASE, phases="AB"), "E334", ["conductors AB", "has 3"]),
    (changed(BASE, phases="ABA"), "E334", ["at most once"]),
    (loads_of(BASE, LoadPoint("x", "99", "A", 1.0)), "E335", ["customer x", "bus 99"]),
    (replace(BASE, lines=(BASE.lines[0], *BASE.lines[2:])), "E336",
     ["island", "to bus 1", "Connect"]),
    (loads_of(BASE, LoadPoint("x", "2", "A", float("nan"))), "E337", ["customer x", "kw = nan"]),
    (replace(BASE, source=replace(BASE.source, bus="elsewhere")), "E337", ["elsewhere", "HV"]),
    (replace(BASE, transformer=replace(BASE.transformer, kva=0.0)), "E337", ["kva = 0"]),
    (replace(BASE, source=replace(BASE.source, kv=110.0)), "E337", ["110 kV", "11 kV"]),
    (replace(FOUR, earths=(Earth("999", 5.0),)), "E338", ["earthing", "bus 999"]),
    (replace(FOUR, earths=(Earth("1", 0.0),)), "E338", ["0 ohm"]),
    (replace(BASE, loads=tuple(replace(load, switch="S1") for load in BASE.loads[:2])), "E339",
     ["C1 and C2", "S1", "its own"]),
    (loads_of(BASE, LoadPoint("x", "2", "ABC", 1.0, switch="S9")), "E339", ["phase switch S9"]),
])
def test_what_is_wrong_with_a_network(network, code, words):
    said = check(network)
    text = next(one for one in said if one.startswith(code))
    for word in words:
        assert word in text, text
    with pytest.raises(GridError):
        Engine(network, [])


def test_a_phase_that_is_missing_on_the_way(tmp_path):
    lines = FILES["lines.csv"].replace("L3,3,4,one,20,BN", "L3,3,4,one,20,AN")
    network = read_folder(write(tmp_path, lines=lines))
    assert [one for one in check(network) if "E338" in one and "c1" in one and "B" in one]
    # the phase is there at the bus, but not between it and the transformer
    spur = (*BASE.lines, Line("S1", "2", "s1", "one", 10.0, "A"),
            Line("S2", "s1", "s2", "main_95", 10.0))
    code = replace(BASE.codes["main_95"], name="one", r_ohm_per_km=((1.0,),),
                   x_ohm_per_km=((0.1,),))
    network = loads_of(replace(BASE, lines=spur, codes={**BASE.codes, "one": code}),
                       LoadPoint("x", "s2", "B", 1.0))
    assert ["E338" in one and "needs B" in one for one in check(network)] == [True]


def test_a_loop_is_complained_of_where_the_feeder_must_be_radial():
    a, b = BASE.loads[0].bus, BASE.loads[-1].bus
    network = replace(BASE, lines=(*BASE.lines, Line("tie", a, b, "main_95", 60.0)))
    assert check(network) == []
    assert [one[:4] for one in check(network, radial=True)] == ["E340"]
    opened = replace(network, switches=(Switch("S", "tie", closed=False),))
    assert check(opened, radial=True) == []


def test_many_mistakes_of_one_kind_do_not_fill_the_screen():
    network = replace(BASE, lines=tuple(replace(line, length_m=0.0) for line in BASE.lines))
    said = check(network)
    assert len(said) == 9 and f"and {len(BASE.lines) - 8} more" in said[-1]


# --- what hangs behind what ----------------------------------------------------------------------


def test_branches_of_a_feeder():
    network = feeder(24, 1, main_branches=3)
    lines = branch_points(network, 3)
    behind = [loads_behind(network, line) for line in lines]
    assert [len(loads) for loads in behind] == [8, 8, 8]
    assert not downstream(network, lines[0]) & downstream(network, lines[1])
    assert upstream_bus(network, lines[0]) == "1"
    small = branch_points(network, 6, max_customers=5)
    sizes = [len(loads_behind(network, line)) for line in small]
    assert max(sizes) <= 5 and 0 < len(small) <= 6 and sum(sizes) > 12
    turned = replace(network, lines=tuple(replace(line, bus1=line.bus2, bus2=line.bus1)
                                          for line in network.lines))
    assert branch_points(turned, 3) == lines


# --- the study -----------------------------------------------------------------------------------


@needs_euro
def test_the_european_feeder_equals_the_stored_solution_of_opendss():
    network, profiles = read_folder(EURO), read_profiles(EURO)
    assert check(network, radial=True) == []
    ports = ports_needed(network)
    engine, demand = Engine(network, ports), Demand(network, ports)
    states = engine.solve_many(open_circuit(network), demand.at,
                               *demand.taken(demand.scale(profiles)), limits=demand.limits)
    with gzip.open(EURO / study.LOAD_V, "rt") as file:
        rows = list(csv.reader(file))
    stored = np.array(rows[1:], float)[:, 1:]
    assert stored.shape == (1440, 55)
    assert np.abs(np.abs(states.u_load) - stored).max() < 1e-3
    assert states.losses_va[565].real == pytest.approx(2050.2, abs=0.1)


@needs_euro
def test_study_grid_with_a_reference(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_REPEATS", 1)
    out = tmp_path / "grid.json"
    done = CliRunner().invoke(app, ["study", "grid", "--reference", str(EURO), "--json", str(out)])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text())
    assert figures["max_dv_v"] == max(figures["max_dv_loads_v"], figures["max_dv_buses_v"]) < 1e-3
    assert (figures["minutes"], figures["snapshot_buses"]) == (1440, 906)
    assert figures["losses_566_kw"] == pytest.approx(2.0502, abs=1e-4)
    assert figures["hv_566_kw"] == pytest.approx([28.404, 17.963, 13.042], abs=1e-3)
    assert (figures["load_v_min"], figures["load_v_max"]) == pytest.approx((235.717, 255.505),
                                                                           abs=1e-3)
    for key in ("solves_per_s", "solves_many_per_s", "switch_solve_ms", "setup_ms"):
        assert figures[key] > 0.0


def stored_solution(folder):
    """The engine's own answer written as a reference."""
    network, profiles = read_folder(folder), read_profiles(folder)
    network = replace(network, loads=network.loads[:1] + network.loads[2:])
    ports = ports_needed(network)
    engine, demand = Engine(network, ports), Demand(network, ports)
    states = engine.solve_many(open_circuit(network), demand.at,
                               *demand.taken(demand.scale(profiles)), limits=demand.limits)
    with gzip.open(folder / study.LOAD_V, "wt") as file:
        file.write("minute," + ",".join(load.id for load in network.loads) + "\n")
        for t, row in enumerate(np.abs(states.u_load)):
            file.write(f"{t + 1}," + ",".join(f"{u:.6f}" for u in row) + "\n")
    at = [states.at(t).all_voltages() for t in (0, 2)]
    names = [f"{kind}{p}_{m}" for m in (1, 3) for p in "abc" for kind in ("v", "deg")]
    with (folder / study.SNAPSHOTS).open("w") as file:
        file.write("bus," + ",".join(names) + "\n")
        for bus in ("1", "2", "3", "5"):
            file.write(bus + "".join(
                f",{abs(v[bus, p]):.6f},{np.degrees(np.angle(v[bus, p])):.6f}"
                for v in at for p in "ABC") + "\n")
    (folder / "loads.csv").write_text("".join(
        line + "\n" for line in FILES["loads.csv"].splitlines() if not line.startswith("c2")))


def test_the_study_sees_a_wrong_voltage_and_takes_any_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_REPEATS", 1)
    stored_solution(write(tmp_path))
    figures = study.figures(tmp_path)
    assert figures["max_dv_v"] < 2e-5 and figures["snapshots"] == [1, 3]
    assert "losses_3_kw" in figures
    path = tmp_path / study.SNAPSHOTS
    rows = path.read_text().splitlines()
    words = rows[2].split(",")
    words[1] = str(float(words[1]) + 0.5)
    path.write_text("\n".join([*rows[:2], ",".join(words), *rows[3:]]) + "\n")
    figures = study.figures(tmp_path)
    assert figures["max_dv_buses_v"] == pytest.approx(0.5, abs=1e-3)
    assert figures["max_dv_loads_v"] < 2e-5 and figures["max_dv_v"] > 0.4
    for old, new in (("va_1", "foo"), ("dega_1", "dega_99999"), ("va_1,dega_1,", "")):
        path.write_text("\n".join([rows[0].replace(old, new), *rows[1:]]) + "\n")
        with pytest.raises(GridError, match=f"E342 {study.SNAPSHOTS}"):
            study.figures(tmp_path)
    path.write_bytes(bytes(range(128, 256)))
    with pytest.raises(GridError, match=f"E341 .*{study.SNAPSHOTS}"):
        study.figures(tmp_path)
    with gzip.open(tmp_path / study.LOAD_V, "wt") as file:
        file.write("minute,c1,stranger\n1,230,230\n")
    with pytest.raises(GridError, match="E342 .*stranger"):
        study.figures(tmp_path)
    path.unlink()
    with pytest.raises(GridError, match=f"E341 .*{study.SNAPSHOTS}"):
        study.figures(tmp_path)


def test_study_grid_without_a_reference(tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_REPEATS", 1)
    out = tmp_path / "grid.json"
    done = CliRunner().invoke(app, ["study", "grid", "--customers", "12", "--json", str(out)])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text())
    assert figures["max_dv_v"] < 1e-3
    assert {row["wires"] for row in figures["cases"]} == {3, 4} and len(figures["cases"]) == 11
    assert sum(row["dv_direct_v"] is not None for row in figures["cases"]) >= 8
    assert (figures["max_dv_opendss_v"] is not None) == figures["opendss"]


def test_study_grid_of_a_folder_that_is_none(tmp_path):
    done = CliRunner().invoke(app, ["study", "grid", "--reference", str(tmp_path)])
    assert done.exit_code == 2 and "E341" in done.output and "Traceback" not in done.output
