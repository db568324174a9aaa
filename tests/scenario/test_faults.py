"""The street with a fault in it (issue 2): no run may join two phases, close anybody onto a dead
supply or two in one slot, or leave somebody off without a word why. fault_kit.check() is that
rule, applied to every run.

Each test is one fault at one moment; the moment is a time, or what a controller has just done.
Without a fault: OUT at 3.2 s, RES at 6.0 s, closings at 7.1, 8.3 and 9.5 s; with ub_en = 1 eu3 is
moved from A to C at 3.6 s and that is verified at 5.8 s.
"""

import pytest

from tests.scenario.fault_kit import (
    Once,
    at,
    broken_mirror,
    check,
    fault,
    lines,
    link,
    lost_for,
    made,
    names,
    outage,
    play,
    reboot,
    violations,
    world,
)

OUT_OF_WAY = 60_000  # ms: longer than any run
SELECTED = ("up/sw.ack", '"sel":1', '"e":0')
ALL = ("c1", "c2", "c3")


def closings(run, acu):
    """Times of this controller's orders to close, us."""
    return [t_us for t_us, who, _, level in run.result.drives if who == acu and level == 1]


def reconnected(run):
    """The customers in the order of their closing."""
    return [customer for _, customer, _ in made(run)]


# ---- restarts


@pytest.mark.parametrize(("acu", "seed"), [("cd", 11), ("eu1", 12), ("eu2", 13), ("eu3", 14)])
def test_a_restart_in_normal_service_moves_no_contact(acu, seed):
    run = check(play([at(2, reboot={"acu": acu})], seed=seed, run_s=6))
    assert run.result.contacts == [] and run.result.drives == []


@pytest.mark.parametrize(
    ("who", "parts", "seed"),
    [
        ("cd", ("OUT ",), 21),
        ("cd", ("SHED_END",), 22),
        ("cd", ("RECON ",), 23),
        ("eu1", SELECTED, 24),
        ("cd", ("dn/sw.req", '"on":1,"sel":0'), 25),
        ("cd", ("RECON_OP op=1",), 26),
    ],
)
def test_customers_come_back_after_a_restart_of_the_coordinator(who, parts, seed):
    run = check(play(outage(), Once(who, *parts, do=reboot("cd")), seed=seed, run_s=15))
    assert sorted(reconnected(run)) == list(ALL)


@pytest.mark.parametrize(
    ("who", "parts", "seed"),
    [
        ("cd", ("OUT ",), 31),
        ("eu2", ("OPENED",), 32),
        ("cd", ("RECON ",), 33),
        ("eu2", SELECTED, 34),
        ("eu2", ("CLOSED",), 35),
    ],
)
def test_a_customer_comes_back_after_a_restart_of_his_operator(who, parts, seed):
    run = check(play(outage(), Once(who, *parts, do=reboot("eu2")), seed=seed, run_s=15))
    assert sorted(reconnected(run)) == list(ALL)


def test_customers_come_back_when_an_operator_and_the_coordinator_restart_together():
    run = check(
        play(
            outage(),
            Once("cd", "SHED_END", do=reboot("cd")),
            Once("eu1", "OPENED", do=reboot("eu1")),
            seed=41,
            run_s=15,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


def test_an_outage_longer_than_every_hold_up():
    """Everybody starts from dead, with the contact open and the reason in the store."""
    run = check(play(outage(3, 8), seed=42, run_s=16, holdup_ms=2000))
    assert names(run, "eu1").count("BOOT") == 2 and sorted(reconnected(run)) == list(ALL)


@pytest.mark.parametrize(
    ("after_ms", "off", "moved", "seed"),
    [(0, (), None, 51), (30, ("c3",), None, 52), (85, (), {"c3": 2}, 53)],
)
def test_a_phase_change_cut_by_a_restart_is_locked_out_and_not_resumed(after_ms, off, moved, seed):
    """Before anything moved, in the dead time, and with the target just closed."""
    run = play(
        [],
        Once("eu3", "PHS_START", do=reboot("eu3"), after_ms=after_ms),
        seed=seed,
        run_s=8,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    check(run, off, moved)
    assert names(run, "eu3")[-3:] == ["ABORTED", "LOCKOUT", "SELFTEST"]


def test_a_restart_while_a_phase_change_is_agreed_but_not_begun():
    run = check(
        play(
            [],
            Once("cd", "dn/phs.req", do=reboot("eu3"), after_ms=1000),
            seed=54,
            run_s=8,
            ub_en=1,
            cooldown_ms=OUT_OF_WAY,
        )
    )
    assert "ABORTED" in names(run, "eu3") and run.result.contacts == []


def test_a_restart_after_a_phase_change_remembers_where_it_ended():
    run = play(
        [],
        Once("eu3", "PHS_DONE", do=reboot("eu3")),
        seed=55,
        run_s=9,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    check(run, moved={"c3": 2})
    assert "LOCKOUT" not in names(run, "eu3")


@pytest.mark.parametrize(("text", "seed"), [("UB_QUERY", 61), ("UB_MOVE", 62)])
def test_a_restart_of_the_coordinator_in_a_correction(text, seed):
    """The plan is forgotten, the order under way carried out or not; a new plan ends the work."""
    check(
        play([], Once("cd", text, do=reboot("cd")), seed=seed, run_s=14, ub_en=1), moved={"c3": 2}
    )


def test_a_restart_of_the_coordinator_while_a_correction_is_verified():
    run = check(
        play([], Once("eu3", "PHS_DONE", do=reboot("cd")), seed=63, run_s=12, ub_en=1),
        moved={"c3": 2},
    )
    assert len(made(run)) == 1


# ---- messages


@pytest.mark.parametrize(
    ("network", "seed"),
    [
        ({"loss_pct": 10.0}, 71),
        ({"dup_pct": 100.0}, 72),
        ({"delay_ms": 150, "jitter_ms": 150}, 73),
        ({"reorder_pct": 50.0}, 74),
        ({"loss_pct": 4.0, "dup_pct": 30.0, "reorder_pct": 30.0}, 75),
    ],
)
def test_everybody_comes_back_over_a_bad_network(network, seed):
    # who was given up after two attempts is tried again a minute later
    run_s = 80 if "loss_pct" in network else 18
    run = check(play(outage(), seed=seed, run_s=run_s, network=network))
    assert sorted(reconnected(run)) == list(ALL)


@pytest.mark.parametrize(
    ("network", "seed"),
    [({"loss_pct": 8.0}, 81), ({"dup_pct": 100.0}, 82), ({"reorder_pct": 60.0}, 83)],
)
def test_one_move_only_over_a_bad_network(network, seed):
    run = play([], seed=seed, run_s=9, network=network, ub_en=1, cooldown_ms=OUT_OF_WAY)
    check(run, moved={"c3": 2})
    assert len(made(run)) == 1


def test_an_order_to_close_that_was_given_before_another_outage_is_not_carried_out_after_it():
    run = check(
        play(
            outage(),
            Once("eu1", *SELECTED, do=link("eu1", delay_ms=1500, for_ms=100)),
            Once("eu1", *SELECTED, do=lost_for(700), after_ms=100),
            seed=91,
            run_s=16,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


def test_an_order_to_close_that_arrives_when_the_coordinator_has_given_up_is_not_carried_out():
    """It would close in the slot of another."""
    run = check(
        play(
            outage(),
            Once("eu1", *SELECTED, do=link("eu1", delay_ms=2100, for_ms=100)),
            seed=92,
            run_s=16,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


def test_an_answer_that_comes_late_is_not_taken_for_that_of_the_next_attempt():
    run = check(
        play(
            outage(),
            Once("eu1", *SELECTED, do=link("cd", delay_ms=1300, for_ms=150)),
            seed=93,
            run_s=18,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


# ---- partitions


@pytest.mark.parametrize(
    ("who", "text", "seed"), [("cd", "OUT ", 101), ("cd", "RECON ", 102), ("eu1", "CLOSED", 103)]
)
def test_an_operator_cut_off_for_a_while_opens_by_itself_and_is_closed_in_its_turn(
    who, text, seed
):
    run = check(
        play(
            outage(),
            Once(who, text, do=link("eu2", partition=True, for_ms=2000)),
            seed=seed,
            run_s=16,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


@pytest.mark.parametrize(
    ("who", "parts", "seed"),
    [
        ("cd", ("OUT ",), 111),
        ("cd", ("RECON ",), 112),
        ("eu1", SELECTED, 113),
        ("cd", ("RECON_OP op=0",), 114),
    ],
)
def test_the_coordinator_cut_off_for_a_while(who, parts, seed):
    run = check(
        play(
            outage(),
            Once(who, *parts, do=link("cd", partition=True, for_ms=2500)),
            seed=seed,
            run_s=18,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


def test_reconnection_needs_no_centre():
    run = check(play(outage(), Once("cd", "SELFTEST", do=link("scc", partition=True)), seed=115))
    assert reconnected(run) == list(ALL) and run.result.panel == []


def test_an_operator_that_missed_its_turns_is_reported_and_tried_again_later():
    run = check(
        play(
            [*outage(), at(6, link={"acu": "eu2", "partition": True, "for_ms": 10_000})],
            seed=116,
            run_s=78,
        )
    )
    failed = lines(run, "cd", "RECON_FAIL")
    assert [body["op"] for _, body in failed] == ["1"]
    assert "MISSING" in names(run, "cd") and reconnected(run) == ["c1", "c3", "c2"]


# ---- contacts


def test_a_contact_welded_before_an_outage_is_reported_and_never_driven_closed():
    run = check(play([fault(1, "relay.weld", "eu1", phase="A"), *outage()], seed=121))
    assert {"STUCK", "LOCKOUT"} <= set(names(run, "eu1")) and closings(run, "eu1") == []
    assert reconnected(run) == ["c2", "c3"]


def test_a_contact_that_welds_at_a_phase_change_blocks_the_other_phase():
    run = play(
        [fault(1, "relay.weld", "eu3", phase="A")],
        seed=122,
        run_s=8,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
        moves_per_day=1,
    )
    assert {"PHS_FAIL", "STUCK", "LOCKOUT"} <= set(names(run, "eu3")) and closings(
        run, "eu3"
    ) == []
    assert run.street.truth("eu3")["contact"] == 1
    check(run, moved={"c1": 2})  # the plan's second choice


def test_a_welded_contact_whose_mirror_contact_lies_is_found_by_the_voltage_behind_it():
    run = play(
        [fault(1, "relay.weld", "eu3", phase="A")],
        Once("eu3", "PHS_START", do=broken_mirror("eu3", 0), after_ms=5),
        seed=127,
        run_s=11,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    assert {"PHS_FAIL", "LOCKOUT"} <= set(names(run, "eu3")) and closings(run, "eu3") == []
    assert run.street.truth("eu3")["contact"] == 1
    check(run, moved={"c1": 2} if reconnected(run) else None)


def test_a_switch_that_sticks_half_way_goes_back_to_its_phase():
    run = play(
        [fault(1, "relay.no_close", "eu3", phase="C")],
        seed=123,
        run_s=8,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    assert "PHS_FAIL" in names(run, "eu3") and "LOCKOUT" not in names(run, "eu3")
    check(run, moved={"c1": 2})


def test_a_switch_that_closes_on_no_phase_any_more_stays_open_and_says_so():
    run = play(
        [
            fault(1, "relay.no_close", "eu3", phase="C"),
            fault(1, "relay.no_close", "eu3", phase="A"),
        ],
        seed=124,
        run_s=8,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    assert {"PHS_FAIL", "LOCKOUT", "OPENED"} <= set(names(run, "eu3"))
    check(run, off=("c3",), moved={"c1": 2})


def test_a_contact_that_does_not_close_is_no_reason_to_keep_the_others_waiting():
    run = check(
        play([fault(1, "relay.no_close", "eu1", phase="A"), *outage()], seed=125, run_s=14),
        off=("c1",),
    )
    assert {"STUCK", "LOCKOUT"} <= set(names(run, "eu1"))
    assert [body["op"] for _, body in lines(run, "cd", "RECON_FAIL")] == ["0"]
    assert len(closings(run, "eu1")) == 1


def test_a_lock_out_ends_by_an_unlock_and_by_nothing_else():
    """Sound again at 10 s; but neither centre nor F3 closes it before the unlock at 13 s."""

    def order(t_s, *args):
        return at(t_s, scc={"type": "sc.cmd", "body": {"cmd": args[0], "args": list(args[1:])}})

    run = check(
        play(
            [
                fault(1, "relay.no_close", "eu1", phase="A", for_ms=9000),
                *outage(),
                order(11, "sw", "eu1", 1, 0),
                order(13, "unlock", "eu1"),
            ],
            seed=126,
            run_s=17,
        )
    )
    assert [t_us > 13_000_000 for t_us in closings(run, "eu1")] == [False, True]


@pytest.mark.parametrize(
    ("phase", "off", "moved", "seed"), [("A", ("c3",), {"c1": 2}, 131), ("C", (), {"c1": 2}, 132)]
)
def test_a_mirror_contact_that_hangs_at_a_phase_change_never_joins_two_phases(
    phase, off, moved, seed
):
    """On A it always says closed: never proven open, C is not closed. On C it always says open."""
    run = play(
        [fault(1, "mirror.stuck", "eu3", phase=phase)],
        seed=seed,
        run_s=9,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    assert "PHS_FAIL" in names(run, "eu3")
    check(run, off, moved)


def test_a_mirror_contact_that_says_closed_for_ever_leaves_the_customer_off_with_a_word():
    run = check(
        play([fault(1, "mirror.stuck", "eu1", phase="A"), *outage()], seed=133), off=("c1",)
    )
    assert {"STUCK", "LOCKOUT"} <= set(names(run, "eu1")) and closings(run, "eu1") == []


def test_a_mirror_contact_that_says_open_for_ever_does_not_keep_the_next_outage_from_opening():
    run = check(
        play(
            [*outage(), *outage(14, 15), fault(4, "mirror.stuck", "eu1", phase="A")],
            seed=134,
            run_s=20,
        ),
        off=("c1",),
    )
    assert {"STUCK", "LOCKOUT"} <= set(names(run, "eu1")) and len(closings(run, "eu1")) == 1


def test_a_broken_mirror_contact_does_not_keep_a_customer_connected_in_an_outage():
    run = check(
        play(outage(), Once("eu1", "SELFTEST", do=broken_mirror("eu1", 0)), seed=135, run_s=14),
        off=("c1",),
    )
    assert {"OPENED", "STUCK", "LOCKOUT"} <= set(names(run, "eu1")) and len(
        closings(run, "eu1")
    ) == 1


# ---- converters


def test_a_frozen_voltage_at_an_operator_neither_opens_nor_closes():
    run = check(play([fault(2, "adc.freeze", "eu1", channel=0)], seed=141, run_s=6))
    assert "ADC_BAD" in names(run, "eu1") and run.result.contacts == []


def test_an_operator_with_a_frozen_voltage_opens_when_told_and_is_not_closed():
    run = check(
        play([fault(2, "adc.freeze", "eu1", channel=0), *outage()], seed=142, run_s=14),
        off=("c1",),
    )
    assert "OPENED" in names(run, "eu1") and closings(run, "eu1") == []
    assert [body["op"] for _, body in lines(run, "cd", "RECON_FAIL")] == ["0"]


def test_an_operator_with_a_frozen_load_voltage_is_not_closed():
    run = check(
        play([fault(4, "adc.freeze", "eu2", channel=3), *outage()], seed=143, run_s=14),
        off=("c2",),
    )
    assert closings(run, "eu2") == []


def test_an_outage_is_seen_with_one_frozen_voltage_at_the_post_and_its_end_when_it_has_healed():
    run = check(
        play([fault(2, "adc.freeze", "cd", channel=1, for_ms=6000), *outage()], seed=144, run_s=17)
    )
    out_us = lines(run, "cd", "OUT")[0][0]
    assert 3_200_000 <= out_us <= 3_250_000 and made(run)[0][0] > 8_000_000


def test_frozen_voltages_at_the_post_invent_no_outage():
    run = check(
        play([fault(2, "adc.freeze", "cd", channel=k) for k in range(3)], seed=145, run_s=7)
    )
    assert {body["ch"] for _, body in lines(run, "cd", "ADC_BAD")} == {
        "0",
        "1",
        "2",
    } and "OUT" not in names(run, "cd")
    assert run.result.contacts == []


def test_nobody_is_closed_while_the_post_is_blind():
    run = check(
        play(
            [*(fault(2, "adc.freeze", "cd", channel=k, for_ms=8000) for k in range(3)), *outage()],
            seed=146,
            run_s=18,
        )
    )
    assert made(run)[0][0] > 10_000_000 and sorted(reconnected(run)) == list(ALL)


def test_nobody_is_closed_while_a_current_at_the_post_is_frozen():
    run = check(
        play([fault(5, "adc.freeze", "cd", channel=3, for_ms=5000), *outage()], seed=147, run_s=16)
    )
    assert "RECON_HOLD" in names(run, "cd")
    assert made(run)[0][0] > 10_000_000 and sorted(reconnected(run)) == list(ALL)


def test_a_frozen_current_at_the_post_is_no_proof_that_the_supply_is_there():
    """Found by the sweep: the outage was missed, and F3 closed as soon as the supply was back."""
    run = check(
        play([fault(1.13, "adc.freeze", "cd", channel=4, for_ms=3000), *outage()], seed=151)
    )
    assert "OUT" in names(run, "cd") and reconnected(run) == list(ALL)


def test_a_channel_that_was_frozen_measures_as_before_once_it_has_healed():
    """The code at which it stood is no offset."""
    healthy = play([], seed=152, run_s=5)
    run = check(play([fault(1.13, "adc.freeze", "cd", channel=4, for_ms=3000)], seed=152, run_s=5))
    before, after = (r.firmware.units["cd"].acu.measuring.half_ma[1] for r in (healthy, run))
    assert abs(after - before) < 0.01 * before


@pytest.mark.parametrize("for_ms", [3000, 0])
def test_a_channel_that_is_frozen_at_the_start_does_not_hide_an_outage(for_ms):
    """The Coordinator begins its work all the same; the code at which the channel stood in a part
    of the first window is no offset either, and so no current without voltage."""
    frozen = fault(0.13, "adc.freeze", "cd", channel=3, for_ms=for_ms)
    run = play([frozen, *outage()], seed=153, run_s=14)
    assert not violations(run) and "OUT" in names(run, "cd")
    # its current not known, the post has no room for anybody until it is
    assert reconnected(run) == (list(ALL) if for_ms else [])


def test_a_load_side_that_froze_at_its_crest_is_no_over_voltage_in_an_outage():
    """What is open because of the outage is reconnected; after an over-voltage it would not be."""
    frozen = fault(1.13, "adc.freeze", "eu3", channel=3, for_ms=3000)
    run = check(play([frozen, *outage()], seed=1, run_s=14))
    assert [args["why"] for _, args in lines(run, "eu3", "OPENED")] == ["OUT"]


def test_an_open_voltage_channel_does_not_black_out_its_customer():
    """It reads zero, like a dead phase; but behind the closed contact there is voltage."""
    run = check(play([fault(2, "adc.open", "eu1", channel=0)], seed=148, run_s=8))
    assert run.result.contacts == []


@pytest.mark.parametrize(("channels", "seed"), [((1,), 149), ((0, 1, 2), 150)])
def test_open_voltage_channels_at_the_post_do_not_black_out_the_street(channels, seed):
    run = check(
        play([fault(2, "adc.open", "cd", channel=k) for k in channels], seed=seed, run_s=10)
    )
    assert "OUT" not in names(run, "cd") and run.result.contacts == []


# ---- clocks


@pytest.mark.parametrize(("step_ms", "seed"), [(10_000, 161), (-10_000, 162)])
def test_a_clock_ten_seconds_off_is_mended_and_changes_nothing(step_ms, seed):
    run = check(play([at(0, clock={"acu": "eu2", "step_ms": step_ms}), *outage()], seed=seed))
    assert "TIME_SET" in names(run, "eu2") and reconnected(run) == list(ALL)


@pytest.mark.parametrize(("step_ms", "seed"), [(10_000, 163), (-10_000, 164)])
def test_a_clock_ten_seconds_off_that_nobody_could_mend_before_the_outage(step_ms, seed):
    run = check(
        play(
            [
                at(0, clock={"acu": "eu2", "step_ms": step_ms}),
                at(0, link={"acu": "eu2", "partition": True, "for_ms": 6500}),
                *outage(),
            ],
            seed=seed,
            run_s=15,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


# ---- the supply


@pytest.mark.parametrize(
    ("who", "parts", "after_ms", "seed"),
    [
        ("cd", ("RECON ",), 300, 171),
        ("eu1", SELECTED, 0, 172),
        ("cd", ("dn/sw.req", '"on":1,"sel":0'), 30, 173),
        ("cd", ("dn/sw.req", '"on":1,"sel":0'), 45, 174),
        ("eu1", ("CLOSED",), 0, 175),
        ("cd", ("RECON_OP op=1",), 500, 176),
    ],
)
def test_a_second_outage_during_reconnection(who, parts, after_ms, seed):
    run = check(
        play(outage(), Once(who, *parts, do=lost_for(800), after_ms=after_ms), seed=seed, run_s=18)
    )
    assert names(run, "cd").count("OUT") == 2
    assert "LOCKOUT" not in names(run, "eu1")  # the supply went away, the switch is sound


def test_an_outage_that_ends_before_the_coordinator_calls_it_one():
    """250 ms: the Coordinator sheds at 200, the Operators' own rule needs 300."""
    check(play([at(3, supply="lost"), at(3.25, supply="back")], seed=177, run_s=12))


def test_a_fuse_that_blows_while_the_street_reconnects():
    run = play(
        [*outage(), at(13, phase_back="A")],
        Once("eu1", "CLOSED", do=world("phase_lost", "A")),
        seed=181,
        run_s=19,
    )
    check(run)
    assert {"UV", "UV_END"} <= set(names(run, "cd")) and reconnected(run)[:2] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("pu", "ms", "seed"),
    [
        ([0.4] * 3, 150, 191),
        ([0.0] * 3, 150, 192),
        ([1.15] * 3, 2500, 193),
        ([0.8] * 3, 2500, 194),
    ],
)
def test_a_dip_or_swell_while_the_street_reconnects(pu, ms, seed):
    run = check(
        play(
            outage(),
            Once("cd", "RECON_OP op=0", do=world("supply_pu", pu, for_ms=ms)),
            seed=seed,
            run_s=17,
        )
    )
    assert sorted(reconnected(run)) == list(ALL)


def test_a_lost_neutral_opens_those_who_get_too_much_and_nobody_closes_them_again():
    run = check(
        play(
            [at(3, supply_pu=[1.3, 0.7, 1.0]), at(6, supply_pu=[1.0, 1.0, 1.0])],
            seed=195,
            run_s=12,
        ),
        off=("c1", "c3"),
    )
    opened = lines(run, "eu1", "OPENED")
    assert (
        opened[0][1]["why"] == "OV" and 3_200_000 <= opened[0][0] <= 3_300_000 and made(run) == []
    )


@pytest.mark.parametrize(
    ("who", "parts", "after_ms", "seed"),
    [
        ("cd", ("dn/phs.req",), 200, 201),
        ("cd", ("dn/phs.req",), 1850, 202),
        ("eu3", ("PHS_START",), 20, 203),
        ("eu3", ("PHS_START",), 50, 204),
        ("eu3", ("PHS_START",), 75, 205),
        ("eu3", ("PHS_DONE",), 100, 206),
    ],
)
def test_an_outage_during_a_phase_change(who, parts, after_ms, seed):
    """Wherever it strikes, the customer is closed again in his turn, where he was left."""
    run = play(
        [],
        Once(who, *parts, do=lost_for(1200), after_ms=after_ms),
        seed=seed,
        run_s=10,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    assert "LOCKOUT" not in names(run, "eu3")
    check(run, moved={"c3": 2} if "PHS_DONE" in names(run, "eu3") else None)


def test_a_fuse_that_blows_on_the_target_during_a_phase_change():
    run = play(
        [at(8, phase_back="C")],
        Once("eu3", "PHS_START", do=world("phase_lost", "C")),
        seed=207,
        run_s=10,
        ub_en=1,
        cooldown_ms=OUT_OF_WAY,
    )
    check(run)
    assert "PHS_FAIL" in names(run, "eu3")


# ---- the same from samples


def test_a_second_outage_during_reconnection_at_waveform_level():
    run = check(
        play(
            outage(2, 4),
            Once("eu1", "CLOSED", do=lost_for(800), after_ms=20),
            seed=301,
            run_s=13,
            level="wave",
        )
    )
    assert sorted(reconnected(run)) == ["c1", "c1", "c2", "c3"]
