"""Feeders from OpenDSS text, and OpenDSS run live on the same text: equal to 0.001 V.

The live tests need the extra `grid` (OpenDSSDirect); the reader's tests do not.
"""
import math
from itertools import pairwise

import numpy as np
import pytest

from host_sim.world.grid import opendss
from host_sim.world.grid.csv_files import read_network, read_profiles
from host_sim.world.grid.demand import Demand, ports_needed
from host_sim.world.grid.dss_parser import words_of
from host_sim.world.grid.dss_text import read_dss
from host_sim.world.grid.engine import Engine
from host_sim.world.grid.network import GridError
from host_sim.world.grid.opendss import OpenDssEngine
from host_sim.world.grid.sources import open_circuit
from host_sim.world.grid.synthetic import feeder

live = pytest.mark.skipif(not opendss.available(), reason="needs the extra grid (OpenDSSDirect)")

MASTER = """clear
Set DefaultBaseFrequency=50   ! Europe
/* a block
   of comment */
New circuit.Village basekv=11 pu=1.02 angle=3 mvasc3=60 mvasc1=50 x1r1=3
Redirect sub\\Codes.TXT
New LoadShape.house npts=4 interval=1 mult=[0.2 0.5 1.0 0.7]
New LoadShape.farm npts=4 interval=1 csvfile=farm.csv
batchedit loadshape..* useactual=no
New Transformer.T phases=3 windings=2 xhl=4.5
~ wdg=1 bus=sourcebus conn=delta kv=11 kva=250 %r=0.6
~ wdg=2 bus=head.1.2.3.4 conn=wye kv=0.4 kva=250 %r=0.7
New Reactor.earth0 phases=1 bus1=head.4 bus2=head.0 r=2 x=0
New Reactor.earth1 phases=1 bus1=n4.4 bus2=n4.0 r=15 x=0
New Reactor.earth2 phases=1 bus1=n6.4 bus2=n6.0 r=25 x=0
New Line.a bus1=head.1.2.3.4 bus2=n2.1.2.3.4 linecode=four length=180 units=m
New Line.b bus1=n2.1.2.3.4 bus2=n3.1.2.3.4 linecode=four length=0.3 units=kft
New Line.c bus1=n3.1.2.3.4 bus2=n4.1.2.3.4 phases=4
~ rmatrix=[.5 | .05 .5 | .05 .05 .5 | .05 .05 .05 .5]
~ xmatrix=(.7 | .6 .7 | .6 .6 .7 | .6 .6 .6 .7)
~ cmatrix=[250 | -40 250 | -40 -40 250 | -40 -40 -40 250]
more length=0.08 units=km
New Line.d bus1=n3.1.4 bus2=n5.1.4 phases=2 linecode=two length=40 units=m   // a spur of one phase
New Line.e bus1=n4.1.2.3.4 bus2=n6.1.2.3.4 linecode=four units=m
Edit Line.e length=90
New Line.f bus1=n3.2.4 bus2=n7.2.4 phases=2 linecode=two length=120 units=m
New "Load.one" phases=1 bus1=n5.1.4 kv=0.23 kw=6 pf=0.95 daily=house
New Load.two phases=1 bus1=n7.2.4 kv=0.23 kw=4 kvar=1.5 model=2 daily=farm
New Load.three phases=3 bus1=n4.1.2.3.4 kv=0.4 kw=12 pf=-0.97 model=5 vminpu=0.8 vmaxpu=1.2
New Load.four phases=3 bus1=n6.1.2.3 conn=delta kv=0.4 kw=9 pf=0.9
New Load.five phases=1 bus1=n6.3.1 kv=0.4 kw=5 pf=0.92
New Load.six phases=1 bus1=n4.3 kv=0.23 kw=2 pf=1
New Load.seven like=one bus1=n6.3.4 kv=0.25 kw=7 pf=0.9 vminpu=0.99
New Generator.sun phases=3 bus1=n6.1.2.3.4 kv=0.4 kw=8 pf=1 model=1
New energymeter.m line.a 1
Set voltagebases=[11 .4]
Calcvoltagebases
buscoords xy.csv
Solve
"""
CODES = """New LineCode.four nphases=4 units=km
~ rmatrix=[.42 | .049 .42 | .049 .049 .42 | .049 .049 .049 .45]
~ xmatrix=[.74 | .65 .74 | .65 .65 .74 | .65 .65 .65 .75]
~ cmatrix=[0 | 0 0 | 0 0 0 | 0 0 0 0]
New LineCode.two nphases=2 r1=1.15 x1=.09 r0=1.9 x0=.4 c1=0 c0=0 units=km
"""


def village(folder, text=MASTER):
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "codes.txt").write_text(CODES)
    (folder / "farm.csv").write_text("0.1\n0.9\n0.4\n0.3\n")
    (folder / "xy.csv").write_text("head, 0, 0\nn2 100 20\nN3, 130 20\n")
    master = folder / "Master.dss"
    master.write_text(text)
    return master


def solved(master, factor=1.0, **state):
    network = read_dss(master)
    ports = ports_needed(network)
    engine, demand = Engine(network, ports), Demand(network, ports)
    engine.topology(**state)
    return network, engine.solve(open_circuit(network), demand.at, *demand.taken(factor),
                                 limits=demand.limits)


def by_opendss(master, *commands):
    """{(bus, conductor): V} and the losses of OpenDSS itself, after some commands."""
    import opendssdirect as dss
    text = master.read_text().replace("sub\\Codes.TXT", "sub/codes.txt")
    linux = master.with_name("linux.dss")
    linux.write_text(text)
    dss.Text.Command(f"compile [{linux}]")
    for command in (*commands, "set tolerance=1e-10", "set maxiterations=1000", "solve"):
        dss.Text.Command(command)
    assert dss.Solution.Converged()
    array = np.asarray(dss.Circuit.YNodeVArray())
    names = [name.lower().split(".") for name in dss.Circuit.YNodeOrder()]
    volts = {(bus, " ABCN"[int(node)]): v for (bus, node), v in zip(
        names, array[0::2] + 1j * array[1::2], strict=True) if bus != "sourcebus"}
    return volts, complex(*dss.Circuit.Losses())


def worst_v(state, volts):
    own = state.all_voltages()
    assert len(own) == len(volts)
    return max(abs(own[key] - volts[key]) for key in own)


@live
def test_an_unbalanced_village_with_a_neutral_equals_opendss(tmp_path):
    master = village(tmp_path)
    network, state = solved(master)
    volts, losses = by_opendss(master)
    assert worst_v(state, volts) < 1e-3
    # OpenDSS leaves shunt reactors out of its losses: ours are with the earthings
    losses += sum(abs(volts[earth.bus, "N"]) ** 2 / earth.ohm for earth in network.earths)
    assert abs(state.losses_va - losses) < 0.5
    assert abs(volts["n6", "N"]) > 1.0


@live
def test_a_broken_neutral_equals_opendss(tmp_path):
    master = village(tmp_path)
    _, state = solved(master, cut={("b", "N")})
    volts, _ = by_opendss(master, "edit line.b enabled=no",
                          "new line.b3 bus1=n2.1.2.3 bus2=n3.1.2.3 phases=3 length=0.3 units=kft "
                          "rmatrix=[.128016 | .0149352 .128016 | .0149352 .0149352 .128016] "
                          "xmatrix=[.225552 | .19812 .225552 | .19812 .19812 .225552] "
                          "cmatrix=[0 | 0 0 | 0 0 0]")
    assert worst_v(state, volts) < 1e-3
    assert abs(volts["n6", "N"]) > 20.0


@live
@pytest.mark.parametrize("commands, state", [
    (["new reactor.f phases=1 bus1=n4.1 bus2=n4.0 r=5 x=0"], {"faults": (("n4", "A", "E", 5.0),)}),
    (["new reactor.f phases=1 bus1=n6.1 bus2=n6.2 r=2 x=0"], {"faults": (("n6", "A", "B", 2.0),)}),
    (["new reactor.f phases=1 bus1=n6.3 bus2=n6.4 r=2 x=0"], {"faults": (("n6", "C", "N", 2.0),)}),
])
def test_faults_equal_opendss(tmp_path, commands, state):
    master = village(tmp_path)
    _, own = solved(master, **state)
    volts, _ = by_opendss(master, *commands)
    assert worst_v(own, volts) < 1e-3


@live
def test_a_star_star_transformer_passes_the_zero_sequence_as_in_opendss(tmp_path):
    master = village(tmp_path, MASTER.replace("conn=delta kv=11", "conn=wye kv=11"))
    _, state = solved(master)
    volts, _ = by_opendss(master)
    assert worst_v(state, volts) < 1e-3


@live
def test_loads_turn_into_impedances_above_1_05_as_in_opendss(tmp_path):
    master = village(tmp_path, MASTER.replace("pu=1.02", "pu=1.12"))
    _, state = solved(master)
    volts, _ = by_opendss(master)
    assert worst_v(state, volts) < 1e-3
    stiff = village(tmp_path, MASTER.replace("pu=1.12", "pu=1.02"))
    network = read_dss(stiff)
    assert {load.vmax_pu for load in network.loads} == {1.05, 1.1, 1.2}


@live
def test_the_second_engine_has_the_interface_and_the_answers_of_the_first():
    network = feeder(20, 2, neutral=True)
    ports = [(load.bus, *pair) for load in network.loads
             for pair in (("A", "N"), ("B", "N"), ("C", "N"), ("A", "B"), ("N", "E"))]
    first, second = Engine(network, ports), OpenDssEngine(network, ports)
    assert first.index == second.index
    e = open_circuit(network) * [1.0, 0.97, 1.02]
    at = [5 * k + (k % 4) for k in range(20)]
    s = np.linspace(100.0, 2500.0, 20) * (1 + 0.3j)
    y, i = np.full(20, 0.01 - 0.001j), np.full(20, 2.0 - 0.5j)
    ties = ((0, 1, 5.0),)
    bus = network.loads[3].bus
    for state in ({}, {"open_lines": {"L9"}}, {"cut": {("L1", "N")}}, {"cut": {("L4", "N")}},
                  {"cut": {("source", "A")}}, {"faults": ((bus, "A", "E", 10.0),)}):
        first.topology(**state)
        second.topology(**state)
        for tie in ((), ties):
            one, two = (engine.solve(e, at, s / 4.0, y, i, tie) for engine in (first, second))
            where = f"{state} {tie}"
            np.testing.assert_allclose(one.u, two.u, atol=1e-3, err_msg=where)
            np.testing.assert_allclose(one.i_src, two.i_src, atol=1e-3, err_msg=where)
            np.testing.assert_allclose(one.i_load, two.i_load, atol=1e-3, err_msg=where)
            for line in ("L1", "L9", "L20"):
                np.testing.assert_allclose(one.line_i(line), two.line_i(line), atol=1e-3,
                                           err_msg=where)
            assert abs(one.losses_va - two.losses_va) < 1.0
            v, w = one.all_voltages(), two.all_voltages()
            assert max(abs(v[key] - w[key]) for key in w) < 1e-3, where


SHORT = """clear
Set DefaultBaseFrequency=50
New circuit.Short basekv=0.4 pu=1.01 bus1=head isc3=3000 isc1=2500
New LineCode.perkm r1=.4 x1=.1 r0=1.2 x0=.3 units=km
New LineCode.bare r1=.0004 x1=.0001 r0=.0012 x0=.0003 c1=.3 c0=.1
New LineCode.perm r1=.0004 x1=.0001 r0=.0012 x0=.0003 c1=.3 c0=.1 units=m
New LineCode.thin nphases=1 r1=.5 x1=.1 c1=1 units=km
New Line.a bus1=head bus2=x {line}
New Load.l phases=3 bus1=x kv=0.4 kw=20 pf=0.9
New Load.m phases=1 bus1=x.1 kv=0.231 kw=3 pf=0.9
Solve
"""


@live
@pytest.mark.parametrize("line", [
    "linecode=perkm length=0.2",                   # the code's unit holds
    "linecode=perkm length=200 units=m",
    "linecode=perm length=200",
    "linecode=perm length=0.2 units=km",
    "linecode=bare length=200",                    # no units at all
    "linecode=bare length=200 units=m",            # no conversion either
    "r1=.3 x1=.1 r0=.9 x0=.3 c1=0 c0=0 length=.3", # own impedances
    "r1=.3 x1=.1 r0=.9 x0=.3 c1=10 length=300 units=m",
    "length=.4",                                   # OpenDSS's default line
    "switch=y",
    "linecode=perkm length=20 units=m\nNew Line.b phases=1 bus1=x.1 bus2=y.1 linecode=thin "
    "length=50 units=m\nNew Load.n phases=1 bus1=y.1 kv=.231 kw=4 model=5",
])
def test_units_and_defaults_are_opendss_own(tmp_path, line):
    master = tmp_path / "Master.dss"
    master.write_text(SHORT.format(line=line))
    _, state = solved(master)
    assert worst_v(state, by_opendss(master)[0]) < 1e-3


def test_what_is_read_from_the_text(tmp_path):
    master = village(tmp_path)
    network = read_network(master)
    lines = {line.name: line for line in network.lines}
    assert lines["b"].length_m == pytest.approx(91.44) and lines["e"].length_m == 90.0
    assert lines["d"].phases == "AN" and lines["f"].phases == "BN" and lines["a"].phases == "ABCN"
    assert network.codes["four"].r_ohm_per_km[3] == (0.049, 0.049, 0.049, 0.45)
    assert [(e.bus, e.ohm) for e in network.earths] == [("head", 2.0), ("n4", 15.0), ("n6", 25.0)]
    loads = {load.id: load for load in network.loads}
    assert loads["five"].phases == "CA" and loads["four"].delta and not loads["three"].delta
    assert loads["six"].neutral == "E" and loads["one"].neutral == "N"
    assert loads["sun"].kw == -8.0 and loads["two"].kvar == 1.5
    assert (loads["one"].model, loads["two"].model, loads["three"].model) == ("p", "z", "i")
    assert (loads["one"].vmin_pu, loads["one"].vmax_pu, loads["one"].vlow_pu) == (0.95, 1.05, 0.5)
    assert loads["three"].u_v == pytest.approx(400.0 / math.sqrt(3.0))
    assert network.coords == {"head": (0.0, 0.0), "n2": (100.0, 20.0), "n3": (130.0, 20.0)}
    assert network.un_v == pytest.approx(400.0 / math.sqrt(3.0))
    assert len(network.notes) == 1 and "line 9: 'batchedit" in network.notes[0]
    profiles = read_profiles(master)
    assert profiles.tolist() == [[0.2, 0.1], [0.5, 0.9], [1.0, 0.4], [0.7, 0.3]]
    assert (loads["one"].profile, loads["two"].profile, loads["six"].profile) == (1, 2, None)
    t = network.transformer
    assert (t.kva, t.xhl_percent, t.lv_bus) == (250.0, 4.5, "head")
    assert t.r_percent_total == pytest.approx(1.3)


def test_an_open_line_is_an_open_switch(tmp_path):
    _, state = solved(village(tmp_path, MASTER + "open line.f 1\n"))
    assert state.all_voltages()["n7", "B"] == 0.0


@pytest.mark.parametrize("old, new, code, words", [
    ("New energymeter.m line.a 1", "New Capacitor.c bus1=n6 kvar=5", "E348",
     ["Master.dss line 35", "capacitor c", "not modelled", "Take it out"]),
    ("linecode=four length=180", "linecode=fur length=180", "E332", ["line 16", "fur"]),
    ("units=m   // a spur", "units=yards // a spur", "E348", ["yards", "Choose", "km"]),
    ("length=180", "length=long", "E348", ["length=long", "number"]),
    ("bus2=n5.1.4", "bus2=n5.2.4", "E348", ["line d", "same nodes"]),
    ("bus1=n5.1.4 kv", "bus1=n5.1.7 kv", "E348", ["node above 4"]),
    ("model=2 daily", "model=3 daily", "E348", ["load two", "model=3", "Use 1"]),
    ("daily=farm", "daily=barn", "E348", ["barn", "load shape"]),
    ("csvfile=farm.csv", "csvfile=fram.csv", "E345", ["fram.csv", "Put it there"]),
    ("Redirect sub\\Codes.TXT", "Redirect Master.dss", "E345", ["redirect to itself"]),
    ("Redirect sub", "Redirect sup", "E345", ["Codes.TXT"]),
    ("Solve\n", "Enrage\n", "E346", ["Enrage", "Take it out"]),
    ("xhl=4.5", "xhl=4.5 tap=1.025", "E348", ["tap=1.025"]),
    ("conn=wye kv=0.4 kva=250", "conn=delta kv=0.4 kva=250", "E348", ["delta", "wye"]),
    ("New Load.six", "New Load.one", "E347", ["there already", "Name each once"]),
    ("like=one", "like=z", "E347", ["like=z"]),
    ("kw=2 pf=1", "2 pf=1", "E346", ["'2' stands without a name"]),
    ("bus1=n4.4 bus2=n4.0 r=15", "bus1=n4.1 bus2=n4.0 r=15", "E348", ["earthing"]),
    ("New Reactor.earth0", "New Transformer.U buses=[a b]\nNew Reactor.earth0", "E348",
     ["second of 2"]),
    ("[0.2 0.5 1.0 0.7]", "[0.2 x]", "E348", ["loadshape house"]),
])
def test_what_is_wrong_with_a_text(tmp_path, old, new, code, words):
    assert old in MASTER
    with pytest.raises(GridError) as caught:
        read_dss(village(tmp_path, MASTER.replace(old, new, 1)))
    text = next(one for one in caught.value.complaints if one.startswith(code))
    for word in words:
        assert word in text, text


def test_a_file_that_is_not_there(tmp_path):
    for path in (tmp_path / "none.dss", tmp_path / "none"):
        with pytest.raises(GridError, match="E34[15]"):
            read_network(path)


def test_words_of_a_line():
    assert words_of("a=1, b = [2 3] c='x y' d (4, 5)") == [
        ("a", "1"), ("b", "2 3"), ("c", "x y"), ("", "d"), ("", "4, 5")]


def test_without_the_extra_the_second_engine_says_so(monkeypatch):
    import builtins
    real = builtins.__import__

    def none(name, *rest, **more):
        if name == "opendssdirect":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", none)
    assert not opendss.available()
    with pytest.raises(GridError, match="E362"):
        OpenDssEngine(feeder(3, 1), [])


def test_the_village_is_radial_and_every_spur_has_its_conductors(tmp_path):
    """The text above is a sound network; a chain of its lines joins head with n6."""
    network = read_dss(village(tmp_path))
    at = {line.name: line for line in network.lines}
    for one, two in pairwise("abce"):
        assert at[one].bus2 == at[two].bus1
