"""F4 without common clocks (spec smartlvgrid, section 11): moves one by one, 5 s apart."""
import pytest

from tests.scenario.kit import ENABLE, A, B, C, assay, play


def without_clocks(run):
    """What heart beats say of an Operator that never got the time."""
    cd = run.firmware.units["cd"].acu
    if cd:
        cd.unsync = [True] * 3


@pytest.fixture(scope="module", params=[True, False], ids=["unsynchronised", "synchronised"])
def two_moves(request):
    """Three equal customers on phase A: two of them have to go."""
    equal = {c: {"phase": "A", "s_va": 1800.0} for c in ("c1", "c2", "c3")}
    street = play(assay(run_s=40, customers=equal, events=[(2, ENABLE)]),
                  each=without_clocks if request.param else None)
    return request.param, street


def test_one_after_the_other_or_all_at_one_time(two_moves):
    unsynchronised, street = two_moves
    asked = [(t_s, m["b"]["t_ms"]) for t_s, _, m in street.sent("phs.req", "cd")]
    starts = street.times("PHS_START")
    assert len(asked) == len(starts) == 2
    if unsynchronised:
        assert [t_ms for _, t_ms in asked] == [0, 0]
        assert 4.9 <= starts[1] - starts[0] <= 5.2
    else:
        assert asked[0][1] == asked[1][1] > 0
        assert abs(starts[1] - starts[0]) <= 0.03


def test_both_ways_end_balanced(two_moves):
    _, street = two_moves
    phases = street.closed_at(39)
    assert sorted(min(p) for p in phases.values()) == [A, B, C]
    result, = street.heard("ub.res")
    assert result[1]["b"]["ok"] == 1 and result[1]["b"]["ui1_m"] <= 20
