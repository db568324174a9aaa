"""Places that viper makes each module repeat are the same everywhere; gates keep to 32 bits."""
from acu.dsp import bay
from acu.functions import sync_record, synccheck, vt_supervision
from host_sim import stand_in
from tests.unit import test_synccheck, test_vt_supervision


def _private(module):
    return {name[1:]: value for name, value in vars(module).items()
            if name[0] == "_" and name[1:2].isupper() and isinstance(value, int)}


def test_places_of_q_are_those_of_the_bay():
    for module in (synccheck, vt_supervision):
        same = {name: value for name, value in _private(module).items() if hasattr(bay, name)}
        assert len(same) >= 11
        assert same == {name: getattr(bay, name) for name in same}, module.__name__


def test_places_of_the_limits_and_of_a_record():
    places = _private(vt_supervision)
    assert places["P_LOW1"] == 3 * synccheck.V_LOW1
    assert places["P_GOOD"] == 3 * synccheck.V_GOOD
    for name in ("P_DEAD", "P_VT_I", "P_VT_OK", "P_VT_SAME"):
        assert places[name] == getattr(synccheck, name), name
    assert 3 * synccheck.NV <= synccheck.P_ISLAND
    assert _private(sync_record)["STATES"] == synccheck.NS
    assert _private(sync_record)["VALUES"] == synccheck.NV
    assert sync_record.D_STATE + synccheck.NS == sync_record.D_VALUES
    assert sync_record.D_VALUES + synccheck.NV == sync_record.ND
    assert len(vt_supervision._SUSPICIONS) == 2 * places["NX"]
    assert vt_supervision._SUSPICIONS[2 * places["ONE_VT_X"] + 1] == vt_supervision.ONE_VT
    assert vt_supervision.S_N + places["NX"] + places["NA"] == places["NS"]


def test_masks_have_every_reason_once():
    reasons = {name: value for name, value in vars(synccheck).items()
               if name.startswith("GATE_")}
    assert sorted(reasons.values()) == [1 << k for k in range(29)]
    live = sum(reasons.values()) & ~(synccheck.GATE_DEAD_MODE | synccheck.GATE_DEAD_SIDE
                                     | synccheck.GATE_DWELL | synccheck.GATE_AIM)
    assert live == synccheck.CHECK_GATES
    assert live & ~synccheck.GATE_ANGLE & ~synccheck.GATE_TOUCH == synccheck.SYNC_GATES
    assert synccheck.DEAD_GATES == sum(reasons["GATE_" + name] for name in (
        "AGE", "BAD", "WIRING", "FUSE", "ONE_VT", "BLOCKED", "DEAD_MODE", "DEAD_SIDE"))


def test_nothing_leaves_32_bits():
    with stand_in.checked(prove=True):
        test_synccheck.test_each_gate_refuses_alone_and_permits_just_beside()
        test_synccheck.test_dwell_is_20_ticks_and_any_false_begins_it_again()
        test_synccheck.test_one_order_a_request_and_only_then()
        test_synccheck.closing(100, -2000)
        test_vt_supervision.test_one_fuse_while_closed_is_seen_in_60_ms_and_named()
        test_vt_supervision.test_both_sides_lost_while_the_load_flows_on()
