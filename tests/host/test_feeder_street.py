"""The street on a feeder: what each controller's place sees, against circuit theory."""
import math

import numpy as np
import pytest

from host_sim.world.grid.network import Earth, Line, LineCode, LoadPoint, Network, Source
from host_sim.world.spec import AcuSpec, CustomerSpec, RelaySpec, SourceSpec, StreetSpec
from host_sim.world.street import Street
from host_sim.world.tree import Tree
from tests.host.street_kit import run

EXACT = RelaySpec(scatter_ms=0.0, bounce_ms=0.0)
R_OHM_KM = 0.5
_OWN, _MUTUAL = complex(R_OHM_KM, 0.4), complex(0.0, 0.3)


def network(*, neutral=True, loop=False, lines=()):
    """post - a - b - c, and post - d; 100 m each, resistive enough to see."""
    n = 4 if neutral else 3
    code = LineCode("code", *(tuple(tuple(part(_OWN if j == k else _MUTUAL) for k in range(n))
                                    for j in range(n))
                              for part in (lambda z: z.real, lambda z: z.imag)))
    phases = "ABCN"[:n]
    ways = [("l1", "post", "a"), ("l2", "a", "b"), ("l3", "b", "c"), ("l4", "post", "d"), *lines]
    if loop:
        ways.append(("l5", "c", "d"))
    return Network(Source("post", 0.4, r1_ohm=0.01, x1_ohm=0.02, r0_ohm=0.01, x0_ohm=0.02), None,
                   {"code": code},
                   tuple(Line(name, one, two, "code", 100.0, phases) for name, one, two in ways),
                   (LoadPoint("x", "b", "A", 1.0),),
                   earths=(Earth("post", 1.0), Earth("c", 20.0)) if neutral else (),
                   un_v=230.0)


def street(customers, branches=(), level="quantity", net=None, **spec):
    """Each customer on one phase has a controller; s1, s2: breakers in these lines."""
    acus = [AcuSpec("cd", "post", i_peak_a=400)]
    acus += [AcuSpec(f"s{n}", "branch", line=line, i_peak_a=400, relay=EXACT)
             for n, line in enumerate(branches, 1)]
    acus += [AcuSpec(f"eu-{c.id}", "customer", c.id, relay=EXACT) for c in customers
             if not c.phases]
    source = SourceSpec(u_v=235.0, harmonics_pct=spec.pop("harmonics_pct", ()))
    return Street(StreetSpec(source, tuple(customers), tuple(acus), feeder=net or network(),
                             **spec), 3, level)


def customer(name, bus, phase=0, s_va=4000.0, **more):
    return CustomerSpec(name, phase, s_va, **{"inrush_x": 0.0, "i3_pct": 0.0, "bus": bus} | more)


ONE = customer("x", "b", pf=1.0)
THREE = (customer("x", "b", 0), customer("y", "c", 1, 3000.0), customer("z", "d", 2, 2000.0))


def test_a_single_load_sees_the_voltage_of_its_loop():
    s = street((ONE,))
    run(s, 10)
    truth = s.truth("eu-x")
    load_ohm = 230.0 ** 2 / 4000.0
    loop = complex(0.01, 0.02) + 0.2 * (2 * _OWN - 2 * _MUTUAL)   # out in A, back in N
    expected = 235.0 * load_ohm / abs(load_ohm + loop)
    # the neutral is earthed at the post and 20 ohm at the end: a little returns through earth
    assert truth["u_load_v"] == pytest.approx(expected, rel=2e-4)
    assert truth["u_load_v"] == truth["u_v"][0] < 232.0
    assert truth["u_v"][1] > 234.0 < truth["u_v"][2]      # the risen neutral is seen there


def test_constant_power_current_and_impedance_differ_as_they_should():
    taken = {}
    for kind in "zip":
        s = street((customer("x", "b", pf=1.0, load=kind),))
        run(s, 10)
        taken[kind] = s.truth("eu-x")
    u = taken["p"]["u_load_v"]
    assert taken["p"]["p_w"] == pytest.approx(4000.0, rel=1e-5)
    assert taken["i"]["i_a"] == pytest.approx(4000.0 / 230.0, rel=1e-5)
    assert taken["z"]["p_w"] == pytest.approx(4000.0 * (taken["z"]["u_load_v"] / 230) ** 2,
                                              rel=1e-5)
    assert u != taken["z"]["u_load_v"] != taken["i"]["u_load_v"]


def test_the_post_delivers_the_loads_and_the_losses():
    s = street(THREE)
    run(s, 10)
    loads_w = sum(s.truth(f"eu-{c}")["p_w"] for c in "xyz")
    post_w = sum(s.truth("cd")["p_w"])
    assert 0 < post_w - loads_w < 0.03 * loads_w
    source_w = sum(abs(i) ** 2 * 0.01 for i in s.truth("cd")["i_a"])
    assert s._solution.state.losses_va.real == pytest.approx(post_w - loads_w + source_w, rel=1e-4)


def test_what_controllers_see_is_on_a_grid_that_no_matrix_library_moves():
    s = street(THREE, branches=("l1",))
    run(s, 10)
    for acu in ("cd", "s1", "eu-x"):
        for phasor in s._phasors(acu):
            for x in (phasor[0].real, phasor[0].imag):
                assert x * 2**20 == round(x * 2**20)


# ---- branches

def test_the_breaker_of_a_branch_opens_its_line():
    s = street(THREE, branches=("l2",))
    run(s, 10)
    before = s.truth("s1")
    assert before["p_w"][0] > 3_500 and before["p_w"][1] > 2_500 and before["i_a"][2] < 0.01
    s.drive("s1", 0, 0, s.now_us)
    run(s, 15_600)
    assert [s.truth(f"eu-{c}")["u_v"] for c in "xy"] == [[0.0] * 3] * 2
    assert min(s.truth("eu-z")["u_v"]) > 230 < min(s.truth("s1")["u_v"])
    assert s.truth("s1")["i_a"] == [0.0] * 3
    assert [s.powered(a) for a in ("eu-x", "eu-y", "eu-z", "s1", "cd")] == [
        False, False, True, True, True]
    s.drive("s1", 0, 1, s.now_us)
    run(s, 50)
    assert s.truth("s1")["p_w"] == pytest.approx(before["p_w"]) and s.powered("eu-y")


def test_a_branch_inside_a_branch_goes_dark_with_it():
    s = street(THREE, branches=("l1", "l3"))
    s.drive("s1", 0, 0, 0)
    run(s, 50)
    assert s.truth("s2")["u_v"] == [0.0] * 3 and s.truth("s1")["u_v"][0] > 230
    s.drive("s2", 0, 0, s.now_us)
    s.drive("s1", 0, 1, s.now_us)
    run(s, 50)
    assert s.truth("eu-x")["u_load_v"] > 220 and s.truth("eu-y")["u_load_v"] == 0


def test_inrush_comes_at_the_customers_and_ends():
    s = street((customer("x", "b", inrush_x=6.0, inrush_ms=100),), branches=("l1",))
    run(s, 200)
    rated = s.truth("eu-x")["i_a"]
    assert rated < 20
    s.drive("s1", 0, 0, s.now_us)
    run(s, 100)
    s.drive("s1", 0, 1, s.now_us)
    run(s, 50)
    assert s.truth("eu-x")["i_a"] == pytest.approx(6 * 4000 / 230, rel=1e-6)
    assert s.truth("s1")["i_a"][0] == pytest.approx(6 * 4000 / 230, rel=1e-3)
    run(s, 1_500)
    assert s.truth("eu-x")["i_a"] == pytest.approx(rated)
    s.record.settle(s.now_us)
    assert s.record.peak[1].s_va[0] == pytest.approx(s.truth("cd")["s_va"][0])    # no inrush


# ---- faults

def test_a_line_opened_by_hand_and_closed_again():
    s = street(THREE)
    s.set("line.open", 1, line="l3", at_us=20_000, for_ms=30)
    run(s, 30)
    assert s.truth("eu-y")["u_v"] == [0.0] * 3 and s.truth("eu-x")["u_load_v"] > 220
    run(s, 30)
    assert s.truth("eu-y")["u_v"][1] > 220


def test_a_broken_neutral_shifts_the_voltages_of_those_behind():
    s = street((customer("x", "b", 0, 6000.0), customer("y", "b", 1, 500.0)))
    run(s, 10)
    before = s.truth("eu-x")["u_v"]
    s.set("neutral.cut", 1, line="l1")
    run(s, 10)
    after = s.truth("eu-x")["u_v"]
    assert after[0] < before[0] - 20 and after[1] > before[1] + 20
    s.set("neutral.cut", 0, line="l1")
    run(s, 10)
    assert s.truth("eu-x")["u_v"] == pytest.approx(before)


def test_a_fault_pulls_its_phase_down_and_clears():
    s = street(THREE)
    run(s, 10)
    before = s.truth("cd")["u_v"]
    s.set("bus.fault", 1, bus="d", phase="C", to="N", ohm=0.05, for_ms=40)
    run(s, 20)
    assert s.truth("cd")["i_a"][2] > 1_000 and s.truth("cd")["u_v"][2] < before[2] - 15
    assert s.truth("eu-z")["u_load_v"] < 115
    run(s, 40)
    assert s.truth("cd")["u_v"] == pytest.approx(before)


def test_two_contacts_closed_join_the_phases_of_that_panel():
    s = street(THREE)
    run(s, 10)
    s.set("relay.weld", 1, acu="eu-x", phase="A")
    s.drive("eu-x", 0, 0, s.now_us)
    s.drive("eu-x", 2, 1, s.now_us)
    run(s, 50)
    truth = s.truth("eu-x")
    assert truth["contact"] == 5 and truth["u_v"][0] == pytest.approx(truth["u_v"][2], abs=1)
    assert truth["u_v"][0] < 200 < truth["u_v"][1] and s.joined_us > 0
    assert s.truth("cd")["i_a"][2] > 300 < s.truth("cd")["i_a"][0]


def test_a_lost_phase_of_the_supply_and_all_three():
    s = street(THREE)
    s.set("phase_lost", "B")
    run(s, 10)
    truth = s.truth("cd")
    assert truth["u_v"][1] < 5 and truth["i_a"][1] == 0 and min(truth["u_v"][::2]) > 225
    s.set("supply", "lost")
    run(s, 10)
    assert s.truth("cd")["u_v"] == [0.0] * 3 == s.truth("eu-z")["u_v"]
    s.set("supply", "back")
    s.set("phase_back", "B")
    run(s, 10)
    assert min(s.truth("eu-y")["u_v"]) > 220


@pytest.mark.parametrize(("call", "names"), [
    ({"name": "line.open", "value": 1, "line": "l9"}, ("line", "l9", "l1, l2")),
    ({"name": "bus.fault", "value": 1, "bus": "q", "phase": "A"}, ("bus", "q", "a, b, c")),
    ({"name": "bus.fault", "value": 1, "bus": "a", "phase": "A", "to": "A"}, ("to", "B, C, N, E")),
    ({"name": "bus.fault", "value": 1, "bus": "a", "phase": "A", "ohm": 0}, ("ohm", "0.001")),
    ({"name": "neutral.cut", "value": 2, "line": "l1"}, ("neutral.cut", "0 to 1")),
])
def test_a_wrong_place_is_refused_by_name_with_what_exists(call, names):
    s = street(THREE)
    with pytest.raises(ValueError) as refused:
        s.set(**call, at_us=1_000_000)
    for name in names:
        assert name in str(refused.value)


def test_grid_faults_need_a_feeder():
    s = Street(StreetSpec(SourceSpec(), (CustomerSpec("c1", 0, 1000),),
                          (AcuSpec("cd", "post"),)), 1, "quantity")
    with pytest.raises(ValueError, match="feeder"):
        s.set("line.open", 1, line="l1")


# ---- customers of other kinds, profiles, harmonics

def test_wired_customers_and_a_generator():
    s = street((customer("x", "b", 0, 2000.0, pf=1.0, load="p"),
                customer("m", "c", 0, 9000.0, pf=1.0, load="p", phases="ABC"),
                customer("w", "c", 0, 3000.0, pf=1.0, load="z", phases="AB")))
    run(s, 10)
    p_w = s.truth("cd")["p_w"]
    assert sum(p_w) == pytest.approx(14_000, rel=0.04) and p_w[2] == pytest.approx(3_000, rel=0.02)
    before = s.truth("eu-x")["u_load_v"]
    s = street((customer("x", "b", 0, 2000.0, pf=1.0, load="p"),
                customer("g", "c", 0, -5000.0, pf=1.0, load="p")))
    run(s, 10)
    assert s.truth("cd")["p_w"][0] == pytest.approx(-3_000, rel=0.05)
    assert s.truth("eu-g")["p_w"] == pytest.approx(-5_000, rel=1e-5)
    assert s.truth("eu-x")["u_load_v"] > 236 > before


def test_minute_profiles_apply_at_the_minute_and_start_again():
    rows = np.array([[1.0, 2.0], [3.0, 4.0]])
    s = street((customer("x", "b", 0, 1.0, pf=1.0, load="p", profile=2),
                customer("y", "d", 1, 500.0, pf=1.0, load="p")), profiles_kw=rows)
    assert s.next_us() == 60_000_000
    run(s, 10)
    assert s.truth("eu-x")["p_w"] == pytest.approx(2_000, rel=1e-5)
    for minute, kw in ((1, 4.0), (2, 2.0), (3, 4.0)):
        while s.now_us < minute * 60_000_000:
            s.step(s.now_us + 5_000)
        assert s.truth("eu-x")["p_w"] == pytest.approx((6.0 - kw) * 1000, rel=1e-5)
        run(s, 5)
        assert s.truth("eu-x")["p_w"] == pytest.approx(kw * 1000, rel=1e-5)
        assert s.truth("eu-y")["p_w"] == pytest.approx(500, rel=1e-5)
    assert [v.t_us for v in s.record.voltages] == [0, 60_000_000, 120_000_000, 180_000_000]
    s.set("load_pct", 50, acu="eu-x")
    run(s, 5)
    assert s.truth("eu-x")["p_w"] == pytest.approx(2_000, rel=1e-5)


def test_third_harmonics_of_the_loads_add_up_at_branch_and_post():
    some = [customer(n, b, p, 3000.0, pf=1.0, i3_pct=10.0)
            for n, b, p in (("x", "b", 0), ("y", "c", 0), ("z", "d", 1))]
    s = street(some, branches=("l1",))
    run(s, 10)
    third = s._solution.orders.index(3)
    i3 = {c.id: s._solution.load_of(c.id)[1][third] for c in some}
    assert abs(i3["x"]) == pytest.approx(0.1 * abs(s._solution.load_of("x")[1][0]))
    branch = s._solution.branch_of(s._acus["s1"])[1]
    assert branch[0][third] == pytest.approx(i3["x"] + i3["y"])
    assert s._solution.i[0][third] == branch[0][third] and branch[1][third] == 0
    assert s._solution.i[1][third] == i3["z"] and s._solution.i[2][third] == 0


def test_the_source_s_harmonics_reach_the_customers():
    s = street(THREE, harmonics_pct=((5, 3.0),))
    run(s, 10)
    quiet = street(THREE)
    run(quiet, 10)
    more = math.hypot(quiet.truth("eu-x")["u_load_v"], 0.03 * 235)
    assert s.truth("eu-x")["u_load_v"] == pytest.approx(more, rel=1e-6)
    s.set("line.open", 1, line="l1")
    run(s, 10)
    assert s.truth("eu-x")["u_v"] == [0.0] * 3


def test_codes_and_sums_come_at_both_levels():
    for level in ("wave", "quantity"):
        s = street(THREE, branches=("l1",), level=level)
        run(s, 20)
        for acu in ("cd", "s1", "eu-x"):
            assert s.n_frames(acu) == 20
            if level == "wave":
                assert len(s.codes(acu)) == 20 * 2 * (5 if acu == "eu-x" else 6)


# ---- what hangs on what

def test_the_tree_knows_what_is_behind_a_line_and_where_a_loop_is():
    tree = Tree(network())
    assert tree.behind("l2") == {"b", "c"} and tree.ends["l2"] == ("a", "b")
    assert tree.path("c") == ["l3", "l2", "l1"] and tree.path("post") == []
    assert not any(tree.looped(line) for line in ("l1", "l2", "l3", "l4"))
    ring = Tree(network(loop=True, lines=(("l6", "a", "e"),)))
    assert all(ring.looped(line) for line in ("l1", "l2", "l3", "l4", "l5"))
    assert not ring.looped("l6") and ring.behind("l6") == {"e"}


def test_the_record_has_the_voltages_of_each_state():
    s = street(THREE)
    run(s, 10)
    s.drive("eu-y", 1, 0, s.now_us)
    run(s, 30)
    first, last = s.record.voltages[0], s.record.voltages[-1]
    assert (first.t_us, last.t_us) == (0, 18_000) and last.phase.tolist() == [0, -1, 2]
    assert last.u_v[0] == pytest.approx(s.truth("eu-x")["u_v"], rel=1e-6)
    assert last.unbalance_pct[0] > 0.04
