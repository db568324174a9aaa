"""The emulated street: supply, contacts, loads, faults, and what it records of itself."""
import numpy as np
import pytest

from host_sim.world.dice import Dice
from host_sim.world.relay import Relay
from host_sim.world.spec import AcuSpec, CustomerSpec, RelaySpec, SourceSpec, StreetSpec
from host_sim.world.street import Street
from tests.host.street_kit import make, run

EXACT = RelaySpec(open_ms=8.0, close_ms=10.0, scatter_ms=0.0, bounce_ms=0.0)
STIFF = SourceSpec(z_pct=0.001)


def transitions(street, phase):
    return [(t, closed) for t, _, p, closed in street.contacts if p == phase]


# ---- contacts

def test_travel_times_and_the_mirror():
    street = make(relay=EXACT)
    run(street, 100)
    street.drive("eu1", 0, 0, street.now_us)
    run(street, 5)
    assert street.feedback("eu1", 0) == 1
    run(street, 95)
    assert street.feedback("eu1", 0) == 0
    street.drive("eu1", 2, 1, street.now_us)
    run(street, 100)
    assert street.contacts == [(108_000, "c1", 0, False), (210_000, "c1", 2, True)]
    assert [street.feedback("eu1", k) for k in range(3)] == [0, 0, 1]
    assert street.truth("eu1")["contact"] == 4


def test_scatter_and_bounce_stay_within_their_spec_and_end_closed():
    spread = set()
    for seed in range(20):
        street = make(seed=seed)
        street.drive("eu1", 0, 0, 0)
        run(street, 50)
        street.drive("eu1", 0, 1, 50_000)
        run(street, 50)
        opened, *closing = transitions(street, 0)
        assert 7_500 <= opened[0] <= 8_500 and not opened[1]
        assert 59_500 <= closing[0][0] <= 60_500
        assert len(closing) in (5, 7) and closing[-1][1]
        assert [c for _, c in closing] == [n % 2 == 0 for n in range(len(closing))]
        assert closing[-1][0] - closing[0][0] <= 1_500
        spread.add(closing[0][0])
    assert len(spread) > 15


def test_the_opposite_order_in_mid_travel_voids_the_first():
    street = make(relay=EXACT)
    street.drive("eu1", 0, 0, 0)
    run(street, 5)
    street.drive("eu1", 0, 1, 5_000)      # still closed: turned round in time
    street.drive("eu1", 1, 1, 5_000)
    run(street, 5)
    street.drive("eu1", 1, 0, 10_000)
    run(street, 50)
    assert street.contacts == []


def test_a_repeated_order_and_a_release_change_nothing():
    street = make(relay=EXACT)
    street.drive("eu1", 0, 0, 0)
    run(street, 5)
    street.drive("eu1", 0, 0, 5_000)
    street.drive("eu1", 0, -1, 5_000)
    run(street, 50)
    assert street.contacts == [(8_000, "c1", 0, False)]


def test_an_order_during_bounce_leaves_the_contact_where_the_order_sent_it():
    for stop_us in range(0, 2_000, 50):
        relay = Relay(RelaySpec(scatter_ms=0, bounce_ms=1.5), False, Dice(1, stop_us))
        plan = relay.order(1, 0)
        for _, closed, number in [p for p in plan if p[0] < 10_000 + stop_us]:
            relay.move(closed, number)
        plan += relay.order(0, 10_000 + stop_us)
        for _, closed, number in [p for p in sorted(plan) if p[0] >= 10_000 + stop_us]:
            relay.move(closed, number)
        assert not relay.closed


def test_a_weld_holds_until_healed():
    street = make(relay=EXACT)
    street.set("relay.weld", 1, acu="eu1", phase="A")
    street.drive("eu1", 0, 0, 0)
    run(street, 100)
    assert street.contacts == [] and street.feedback("eu1", 0) == 1
    assert street.truth("eu1")["i_a"] > 8
    street.set("relay.weld", 0, acu="eu1", phase="A")
    run(street, 10)
    assert street.contacts == [(100_000, "c1", 0, False)] and street.truth("eu1")["i_a"] == 0


def test_an_open_contact_welds_at_its_next_closing():
    street = make()
    street.drive("eu1", 0, 0, 0)
    run(street, 50)
    street.set("relay.weld", 1, acu="eu1", phase=0)
    street.drive("eu1", 0, 1, 50_000)
    run(street, 50)
    street.drive("eu1", 0, 0, 100_000)
    run(street, 50)
    assert [c for _, c in transitions(street, 0)] == [False, True]


def test_a_switch_stuck_half_way_does_not_close_until_it_is_free_and_driven_again():
    street = make(relay=EXACT)
    street.set("relay.no_close", 1, acu="eu1", phase="C")
    street.drive("eu1", 2, 1, 0)
    run(street, 50)
    assert street.contacts == []
    street.set("relay.no_close", 0, acu="eu1", phase="C")
    run(street, 50)
    assert street.contacts == []
    street.drive("eu1", 2, 1, 100_000)
    run(street, 50)
    assert street.contacts == [(110_000, "c1", 2, True)]


def test_a_stuck_mirror_lies_and_then_tells_the_truth_again():
    street = make(relay=EXACT)
    street.set("mirror.stuck", 1, acu="eu1", phase="A", for_ms=50)
    street.drive("eu1", 0, 0, 0)
    run(street, 50)
    assert street.feedback("eu1", 0) == 1 and street.truth("eu1")["contact"] == 0
    run(street, 5)
    assert street.feedback("eu1", 0) == 0


# ---- the breaker of a branch

def branch_street(level="quantity", **more):
    """The assay's street with c1 and c2 behind a branch; c3 is not."""
    customers = (CustomerSpec("c1", 0, 2000), CustomerSpec("c2", 1, 1800),
                 CustomerSpec("c3", 0, 1600))
    relay = {"relay": EXACT, **more}
    acus = (AcuSpec("cd", "post"), AcuSpec("s1", "branch", behind=("c1", "c2"), **relay),
            *(AcuSpec(f"eu{n}", "customer", f"c{n}", relay=EXACT) for n in (1, 2, 3)))
    return Street(StreetSpec(SourceSpec(), customers, acus), 7, level)


def test_a_branch_opens_for_all_behind_it_and_for_nobody_else():
    street = branch_street()
    run(street, 300)
    before = [street.truth(a)["p_w"] for a in ("eu1", "eu2", "eu3")]
    assert street.truth("s1")["p_w"] == pytest.approx([before[0], before[1], 0])
    assert street.truth("s1")["closed"] and street.inputs("s1") == [1, 0, 350]
    street.drive("s1", 0, 0, street.now_us)
    run(street, 5)
    assert street.feedback("s1", 0) == 1          # 8 ms of travel
    run(street, 95)
    assert street.breakers == [(308_000, "s1", False)] and street.contacts == []
    assert street.feedback("s1", 0) == 0 and not street.truth("s1")["closed"]
    assert street.truth("eu1")["u_v"] == [0, 0, 0] == street.truth("s1")["i_a"]
    assert street.truth("eu1")["u_load_v"] == 0 and street.truth("eu1")["contact"] == 1
    assert street.truth("eu3")["u_load_v"] > 220 < min(street.truth("s1")["u_v"])
    assert street.truth("cd")["p_w"][1] == 0 < street.truth("cd")["p_w"][0]


def test_a_branch_that_comes_back_rushes_and_its_controllers_lived_on_their_own_supply():
    street = branch_street()
    run(street, 300)
    street.drive("s1", 0, 0, street.now_us)
    run(street, 14_000)
    assert street.powered("eu1")
    run(street, 1_500)
    assert not street.powered("eu1") and not street.powered("eu2")
    assert street.powered("s1") and street.powered("eu3") and street.powered("cd")
    street.drive("s1", 0, 1, street.now_us)
    run(street, 100)
    assert street.powered("eu1")
    rated_a = [2000 / 230, 1800 / 230]
    assert street.truth("s1")["i_a"][:2] == pytest.approx([6 * i for i in rated_a], rel=0.01)
    run(street, 200)
    assert street.truth("s1")["i_a"][0] == pytest.approx(rated_a[0], rel=0.05)


def test_the_faults_of_a_breaker():
    street = branch_street()
    run(street, 10)
    street.set("relay.weld", 1, acu="s1")
    street.drive("s1", 0, 0, street.now_us)
    run(street, 50)
    assert street.breakers == [] and street.feedback("s1", 0) == 1
    street.set("relay.weld", 0, acu="s1")         # lets go what was ordered to open
    run(street, 10)
    assert [b[1:] for b in street.breakers] == [("s1", False)]
    street.set("relay.no_close", 1, acu="s1")
    street.drive("s1", 0, 1, street.now_us)
    run(street, 50)
    assert len(street.breakers) == 1
    street.set("relay.no_close", 0, acu="s1")
    street.set("mirror.stuck", 1, acu="s1")
    street.drive("s1", 0, 1, street.now_us)
    run(street, 50)
    assert street.truth("s1")["closed"] and street.feedback("s1", 0) == 0


def test_a_breaker_bounces_like_any_contact():
    street = branch_street(relay=RelaySpec())
    street.drive("s1", 0, 0, 0)
    run(street, 50)
    street.drive("s1", 0, 1, 50_000)
    run(street, 50)
    closed = [c for _, _, c in street.breakers]
    assert len(closed) in (6, 8) and closed[-1]


# ---- joined phases

def test_two_phases_joined_are_counted_and_their_current_flows():
    street = make(relay=EXACT)
    street.set("relay.weld", 1, acu="eu1", phase="A")
    street.drive("eu1", 0, 0, 0)
    run(street, 20)
    assert street.joined_us == 0
    street.drive("eu1", 2, 1, 20_000)
    run(street, 30)
    assert street.joined_us == 20_000
    truth = street.truth("cd")
    z_ohm = 0.04 * 3 * 230**2 / 15_000
    assert truth["u_v"][0] == truth["u_v"][2] == pytest.approx(116, abs=4)
    assert truth["i_a"][2] == pytest.approx(233 * 3**0.5 / (2 * z_ohm), rel=0.03)
    assert truth["u_v"][1] > 225
    street.set("relay.weld", 0, acu="eu1", phase="A")
    run(street, 10)
    assert street.joined_us == 20_000 and street.truth("cd")["u_v"][0] > 225


def test_a_lost_phase_is_fed_back_through_a_joined_contact():
    street = make(relay=EXACT)
    street.set("phase_lost", "C")
    street.drive("eu1", 2, 1, 0)
    run(street, 30)
    truth = street.truth("cd")
    assert truth["u_v"][2] == truth["u_v"][0] > 220 and truth["i_a"][2] == 0


# ---- circuit

def test_voltage_drop_is_that_of_the_short_circuit_impedance():
    load = CustomerSpec("c1", 0, 5000, pf=1.0, i3_pct=0)
    street = make(loads=(load,), u_v=230.0, harmonics_pct=())
    run(street, 5)
    z_ohm = 0.04 * 3 * 230**2 / 15_000
    r, x = z_ohm / 5**0.5, 2 * z_ohm / 5**0.5
    load = 230**2 / 5000
    expected = 230 * load / abs(complex(load + r, x))
    assert street.truth("cd")["u_v"][0] == pytest.approx(expected, rel=1e-9)
    assert street.truth("eu1")["q1_var"] == pytest.approx(0, abs=1e-6)


def test_what_the_post_delivers_is_what_the_customers_take():
    street = make()
    street.set("load_pct", 150, acu="eu2")
    run(street, 5)
    for key in ("p_w", "q1_var"):
        assert sum(street.truth("cd")[key]) == pytest.approx(
            sum(street.truth(f"eu{n}")[key] for n in (1, 2, 3)), rel=1e-12)
    assert street.truth("eu2")["s_va"] == pytest.approx(2700, rel=0.03)
    assert street.truth("eu1")["q1_var"] > 0


def test_leading_power_factor():
    street = make(loads=(CustomerSpec("c1", 0, 2000, pf=-0.8),))
    run(street, 5)
    truth = street.truth("eu1")
    assert truth["q1_var"] == pytest.approx(-0.6 / 0.8 * truth["p_w"], rel=0.01)


def test_inrush_peaks_at_its_multiple_for_its_time():
    for level in ("wave", "quantity"):
        load = CustomerSpec("c1", 2, 2000, i3_pct=0, inrush_x=6, inrush_ms=200)
        street = make(level, loads=(load,), source=STIFF, relay=EXACT, u_v=230.0)
        street.drive("eu1", 2, 0, 0)
        run(street, 50)
        street.drive("eu1", 2, 1, 50_000)
        run(street, 350)
        rated_peak = 2000 / 230 * 2**0.5
        peaks = dict(zip(street.trace["t_ms"], street.trace["i_peak2"], strict=True))
        assert max(peaks.values()) == pytest.approx(6 * rated_peak, rel=0.002)
        after = [i for t, i in peaks.items() if t > 265]
        assert max(after) == pytest.approx(rated_peak, rel=0.002)
        assert max(i for t, i in peaks.items() if 245 <= t <= 260) > 5 * rated_peak


def test_inrush_through_the_transformer_keeps_its_total_and_sags_the_voltage():
    street = make(relay=EXACT)
    street.drive("eu1", 0, 0, 0)
    run(street, 50)
    street.drive("eu1", 0, 1, 50_000)
    run(street, 50)
    truth = street.truth("eu1")
    assert truth["i_a"] == pytest.approx(6 * 2000 / 230 * (1 + 0.05**2) ** 0.5, rel=1e-9)
    assert 210 < truth["u_load_v"] < 216
    assert truth["p_w"] / truth["s_va"] == pytest.approx(0.95, abs=0.005)


def test_inrush_comes_with_the_voltage_not_with_a_dead_closing():
    street = make(relay=EXACT, source=STIFF)
    street.drive("eu1", 0, 0, 0)
    street.set("supply", "lost")
    run(street, 50)
    street.drive("eu1", 0, 1, 50_000)
    run(street, 100)
    assert street.truth("eu1")["i_a"] == 0
    street.set("supply", "back")
    run(street, 5)
    assert street.truth("eu1")["i_a"] > 50    # cold load: it starts when the voltage comes
    run(street, 200)
    assert street.truth("eu1")["i_a"] < 10


# ---- supply

def test_outage_dip_and_phase_loss():
    street = make()
    run(street, 10)
    street.set("supply", "lost", for_ms=150)
    run(street, 5)
    assert street.truth("cd")["u_v"] == [0, 0, 0] and street.truth("eu1")["s_va"] == 0
    run(street, 150)
    assert min(street.truth("cd")["u_v"]) > 200   # cold loads pull A down for a while
    street.set("phase_lost", "B")
    run(street, 5)
    assert [u > 200 for u in street.truth("cd")["u_v"]] == [True, False, True]
    street.set("supply", "lost")
    street.set("supply", "back")              # the main supply does not mend B's fuse
    run(street, 5)
    assert street.truth("cd")["u_v"][1] == 0
    street.set("phase_back", "B")
    street.set("supply_pu", [1.0, 0.5, 0.5])
    run(street, 500)
    u = street.truth("cd")["u_v"]
    assert u[0] > 220 and u[2] == pytest.approx(116.5, abs=0.5)
    assert street.supply == [
        (0, (233.0, 233.0, 233.0)), (10_000, (0, 0, 0)), (160_000, (233.0, 233.0, 233.0)),
        (165_000, (233.0, 0, 233.0)), (175_000, (233.0, 116.5, 116.5)),
    ]


def test_an_event_between_blocks_takes_effect_at_its_microsecond():
    street = make("wave", harmonics_pct=())
    street.set("supply", "lost", at_us=12_345)
    run(street, 15)
    codes = np.frombuffer(street.codes("cd"), dtype="<u2").reshape(20, 6)[:, 2].astype(int) - 2048
    assert (abs(codes[:10]) > 20).any() and (abs(codes[10:]) < 8).all()
    assert abs(codes[9]) > 8 or abs(codes[8]) > 8
    assert street.supply[-1] == (12_345, (0.0, 0.0, 0.0))


def test_holdup_runs_out_and_is_full_again_at_once():
    street = make(holdup_ms=100)
    street.set("supply", "lost")
    run(street, 95)
    assert street.powered("eu1")
    run(street, 5)
    assert not street.powered("eu1") and not street.powered("cd")
    street.set("supply", "back")
    run(street, 5)
    assert street.powered("eu1")
    street.set("supply", "lost")
    run(street, 90)
    assert street.powered("eu1")
    street.set("supply", "back")
    street.set("phase_lost", "A")
    street.set("phase_lost", "B")
    run(street, 500)
    assert street.powered("eu1")              # the third phase feeds it


def test_post_inputs():
    street = make()
    assert [street.feedback("cd", k) for k in range(3)] == [1, 1, 350]
    street.set("ground", 0)
    street.set("dofc", 0, acu="cd", for_ms=10)
    street.set("temperature_dc", 912)
    assert [street.feedback("cd", k) for k in range(3)] == [0, 0, 912]
    run(street, 20)
    assert street.feedback("cd", 1) == 1


def test_trace_has_one_entry_a_block():
    street = make()
    run(street, 50)
    assert street.trace["t_ms"] == list(range(5, 55, 5))
    assert set(map(len, street.trace.values())) == {10}
    assert street.trace["s_va0"][-1] == street.truth("cd")["s_va"][0]
    assert street.trace["s_va_c2"][-1] == street.truth("eu2")["s_va"]


# ---- bad input

@pytest.mark.parametrize(("call", "names"), [
    ({"name": "relay.wield", "value": 1}, ("relay.wield", "relay.weld", "supply")),
    ({"name": "relay.weld", "value": 1, "acu": "eu9", "phase": 0}, ("eu9", "eu1, eu2, eu3")),
    ({"name": "relay.weld", "value": 1, "acu": "cd", "phase": 0}, ("cd", "eu1, eu2, eu3")),
    ({"name": "relay.weld", "value": 1, "acu": "eu1", "phase": "D"}, ("'D'", "A, B, C")),
    ({"name": "relay.weld", "value": 1, "acu": "eu1"}, ("None", "A, B, C")),
    ({"name": "relay.weld", "value": 7, "acu": "eu1", "phase": 0}, ("relay.weld", "7", "0 to 1")),
    ({"name": "adc.freeze", "value": 1, "acu": "eu1", "channel": 5}, ("5", "eu1", "4 I")),
    ({"name": "adc.freeze", "value": 1, "acu": "eu1", "channel": "IB"}, ("IB", "U_load")),
    ({"name": "adc.freeze", "value": 1, "channel": 0}, ("acu ''", "cd, eu1")),
    ({"name": "ground", "value": 0, "acu": "eu1"}, ("eu1", "cd")),
    ({"name": "supply", "value": "gone"}, ("gone", "lost, back")),
    ({"name": "supply_pu", "value": [1, 1]}, ("supply_pu", "three")),
    ({"name": "f_mhz", "value": 50}, ("f_mhz", "40000")),
    ({"name": "harmonics_pct", "value": [5, 8]}, ("harmonics_pct", "pairs")),
])
def test_bad_settings_are_refused_by_name_with_what_exists(call, names):
    street = make()
    with pytest.raises(ValueError) as refused:
        street.set(**call, at_us=1_000_000)   # at once, not when it is due
    for name in names:
        assert name in str(refused.value)


def test_a_street_with_dangling_or_double_names_is_refused():
    c = CustomerSpec("c1", 0, 1000)
    for acus, names in (((AcuSpec("eu1", "customer", "c2"),), ("c2", "c1")),
                        ((AcuSpec("a", "post"), AcuSpec("a", "post")), ("acu", "a, a")),
                        ((AcuSpec("a", "pillar"),), ("pillar", "post, customer")),
                        ((AcuSpec("s", "branch", behind=("c3",)),), ("s", "c3", "c1"))):
        with pytest.raises(ValueError) as refused:
            Street(StreetSpec(SourceSpec(), (c,), acus), 1, "wave")
        for name in names:
            assert name in str(refused.value)


def test_bad_drives_and_steps_are_refused():
    street = make()
    for call in (lambda: street.drive("cd", 0, 1, 0), lambda: street.drive("eu1", 3, 1, 0),
                 lambda: street.drive("eu1", 0, 2, 0), lambda: street.step(10_000),
                 lambda: street.feedback("eu1", 3), lambda: street.codes("eu7")):
        with pytest.raises(ValueError, match=r"eu|cd|block"):
            call()
