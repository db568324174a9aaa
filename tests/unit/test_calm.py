"""With a voltage in its band the panel does not ask the local rule: that must change nothing of
what the rule would have done. The own phase just inside and just outside of each limit."""
from acu import events as ev
from tests.unit.cabinet import A, B, C, Cabinet


def calm(closed=(A,), **config):
    c = Cabinet(closed, **config).started()
    assert c.acu._calm and c.mask()
    return c


def felt(c, own, dv, ms=600, others=2300):
    """What is closed after the own phase had that voltage for so long."""
    c.supply_dv = [others] * 3
    c.supply_dv[own] = dv
    return c.run(ms).mask()


def test_a_calm_customer_is_opened_just_below_u_out_and_not_just_above():
    for own in (A, B, C):
        c = calm((own,), u_out_pm=500)
        assert felt(c, own, 1170) == 1 << own and c.acu.rule.low_us == 0
        assert felt(c, own, 1130) == 0 and c.acu.why == ev.WHY_OUT


def test_a_calm_customer_is_opened_just_above_u_ov_and_not_just_below():
    for own, pm, below, above in ((A, 1200, 2745, 2775), (B, 1080, 2465, 2505),
                                  (C, 1080, 2465, 2505)):
        c = calm((own,), u_ov_pm=pm)
        assert felt(c, own, below) == 1 << own and c.acu.rule.high_us == 0
        assert felt(c, own, above) == 0 and c.acu.why == ev.WHY_OV and not c.acu.rule.neutral


def test_a_lost_neutral_is_seen_below_u_ov():
    for dv, stays in ((2630, 1), (2670, 0)):
        c = calm(u_ov_pm=1200)
        c.supply_dv = [dv, 1500, 2300]
        assert c.run(600).mask() == stays and c.acu.rule.neutral == (not stays)


def test_sags_with_good_voltage_between_do_not_add_up():
    c = calm()
    for _ in range(6):
        felt(c, A, 0, 150)
        assert c.acu.rule.low_us and not c.acu._calm
        assert felt(c, A, 2300, 60) == 1 and c.acu.rule.low_us == 0 and c.acu._calm
    for _ in range(6):
        felt(c, A, 2850, 120)
        assert c.acu.rule.high_us and not c.acu._calm
        assert felt(c, A, 2300, 60) == 1 and c.acu.rule.high_us == 0 and c.acu._calm
    assert c.drives == []


def test_a_customer_connected_again_is_opened_again():
    """The reason of one opening must not stay in force after the voltage was good."""
    c = calm()
    assert felt(c, A, 0) == 0 and len(c.said("OPENED")) == 1
    felt(c, A, 2300, 300)
    assert c.acu._calm and not c.acu._tripped and not c.acu._driven
    c.closed[A] = True          # a hand on the lever
    c.run(300)
    assert felt(c, A, 0) == 0 and len(c.said("OPENED")) == 2


def test_calm_is_the_own_phase_where_it_is_now():
    c = calm()
    assert c.move(B, ms=2000) == 0 and c.mask() == 1 << B
    c.run(300)
    assert c.acu._calm and felt(c, A, 0) == 1 << B
    assert felt(c, B, 0) == 0 and c.acu.why == ev.WHY_OUT
