"""DRF-3: the one gate. Each refusal stands alone: everything else is as it should be, so that
taking one check out of the gate lets one contact close here that must not."""
from acu import events as ev
from acu.ports import CLOSE, OPEN, RELEASE
from acu.primitives import switching as sw


class Gear:
    def __init__(self):
        self.mirror = [0, 0, 0]
        self.drives = []

    def drive(self, output, level):
        self.drives.append((output, level))

    def feedback(self, k):
        return self.mirror[k]


class Meter:
    """What Look reads of measuring and sensing."""

    def __init__(self):
        self.half_dv = [2300, 2300, 2300, 0]
        self.bad = 0

    def half_u(self, k):
        return self.half_dv[k]

    def half_load_dv(self):
        return self.half_dv[3]


def gate():
    """A gate that would close any contact, and what it looks at."""
    gear = Gear()
    meter = Meter()
    g = sw.Gate(gear, 3, sw.Look(meter, meter, 2300, 900, 1100))
    g.armed = True
    return g, gear, meter


def refused(g, gear, k, reason):
    before = list(gear.drives)
    assert g.may_close(k) == reason
    assert g.close(k) == reason
    assert gear.drives == before


def test_a_gate_with_nothing_against_it_closes_the_contact_asked_for_and_no_other():
    for k in range(3):
        g, gear, _ = gate()
        assert g.may_close(k) == sw.R_OK and gear.drives == []
        assert g.close(k) == sw.R_OK
        assert gear.drives == [(k, CLOSE)]


def test_before_the_self_test_no_coil_is_energised_in_either_direction():
    g, gear, _ = gate()
    g.armed = False
    refused(g, gear, 1, sw.R_UNARMED)
    g.open_all()
    for _ in range(20):
        g.fast()
    assert gear.drives == []


def test_a_lock_of_any_reason_refuses_to_close_and_allows_to_open():
    for why in (ev.WHY_STUCK, ev.WHY_LOCAL, ev.WHY_RESET):
        g, gear, _ = gate()
        g.locked = why
        refused(g, gear, 0, sw.R_LOCKED)
        g.open_all()
        assert gear.drives == [(0, OPEN), (1, OPEN), (2, OPEN)]


def test_any_closed_mirror_refuses_also_that_of_the_contact_asked_for():
    for closed in range(3):
        for k in range(3):
            g, gear, _ = gate()
            gear.mirror[closed] = 1
            assert g.mask() == 1 << closed
            refused(g, gear, k, sw.R_CONTACT)


def test_while_one_contact_is_being_driven_closed_no_other_is():
    g, gear, _ = gate()
    g.close(0)
    refused(g, gear, 1, sw.R_CONTACT)     # its mirror still says open
    for _ in range(7):
        g.fast()
    refused(g, gear, 1, sw.R_CONTACT)
    g.fast()
    assert g.close(1) == sw.R_OK          # contact 0 never moved and is no longer driven


def test_an_opening_ends_a_closing_in_progress():
    g, gear, _ = gate()
    g.close(2)
    g.open_all()
    assert gear.drives[-1] == (2, OPEN)
    assert g.may_close(1) == sw.R_OK


def test_a_channel_not_to_be_believed_refuses_its_phase_and_the_load_side_refuses_all():
    for k in range(3):
        g, gear, meter = gate()
        meter.bad = 1 << k
        refused(g, gear, k, sw.R_MEASURE)
        assert g.may_close((k + 1) % 3) == sw.R_OK
        meter.bad = 8
        refused(g, gear, k, sw.R_MEASURE)
    g, gear, meter = gate()
    meter.bad = 16                        # the current's channel: nothing here depends on it
    assert g.close(0) == sw.R_OK


def test_supply_outside_its_band_refuses_and_the_band_itself_is_inside():
    for u_dv, r in ((0, sw.R_SUPPLY), (2069, sw.R_SUPPLY), (2070, sw.R_OK), (2530, sw.R_OK),
                    (2531, sw.R_SUPPLY)):
        g, gear, meter = gate()
        meter.half_dv[1] = u_dv
        assert g.may_close(1) == r
        if r:
            refused(g, gear, 1, r)
            assert g.may_close(0) == sw.R_OK


def test_a_load_side_that_is_alive_refuses():
    for u_dv, r in ((574, sw.R_OK), (575, sw.R_LOAD), (2300, sw.R_LOAD)):
        g, gear, meter = gate()
        meter.half_dv[3] = u_dv
        assert g.may_close(0) == r
        if r:
            refused(g, gear, 0, r)


def test_what_was_true_at_the_select_is_asked_again_at_the_closing():
    def contact(g, gear, meter):
        gear.mirror[2] = 1

    def channel(g, gear, meter):
        meter.bad = 1

    def supply(g, gear, meter):
        meter.half_dv[0] = 2000

    def load(g, gear, meter):
        meter.half_dv[3] = 900

    def lock(g, gear, meter):
        g.locked = ev.WHY_STUCK

    for change in (contact, channel, supply, load, lock):
        g, gear, meter = gate()
        assert g.may_close(0) == sw.R_OK
        change(g, gear, meter)
        assert g.close(0) != sw.R_OK and gear.drives == []


def test_an_opening_is_never_refused_once_armed_whatever_is_measured():
    g, gear, meter = gate()
    g.locked = ev.WHY_STUCK
    gear.mirror = [1, 1, 0]
    meter.bad = 31
    meter.half_dv = [0, 5000, 0, 4000]
    g.open_all()
    assert gear.drives == [(0, OPEN), (1, OPEN), (2, OPEN)]


def test_every_coil_is_released_after_40_ms_of_drive():
    g, gear, _ = gate()
    g.close(1)
    for _ in range(7):
        g.fast()
    assert gear.drives == [(1, CLOSE)]
    g.fast()
    assert gear.drives == [(1, CLOSE), (1, RELEASE)]
    g.open_all()
    for _ in range(30):
        g.fast()
    assert gear.drives[2:] == [(0, OPEN), (1, OPEN), (2, OPEN), (0, RELEASE), (1, RELEASE),
                               (2, RELEASE)]


def test_fast_is_asked_for_until_the_last_coil_is_released():
    """The fast tier calls fast() only while `driving`: a pulse must not be forgotten."""
    for k in range(3):
        g, gear, _ = gate()
        assert not g.driving
        g.close(k)
        for _ in range(30):
            if g.driving:
                g.fast()
        assert gear.drives == [(k, CLOSE), (k, RELEASE)] and not g.driving and not g.busy()
        g.close(k)
        for _ in range(3):
            g.fast()
        g.open_all()
        for _ in range(30):
            if g.driving:
                g.fast()
        assert gear.drives[-3:] == [(0, RELEASE), (1, RELEASE), (2, RELEASE)] and not g.driving


def test_each_reason_has_its_error_for_the_message():
    assert [sw.TO_E[r] for r in (sw.R_OK, sw.R_UNARMED, sw.R_LOCKED, sw.R_CONTACT, sw.R_MEASURE,
                                 sw.R_SUPPLY,
                                 sw.R_LOAD)] == [0, 1, 2, 2, 3, 4, 2]
