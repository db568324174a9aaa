"""Quantities against phasors whose truth is known, and once through a converter and Measuring."""
from math import acos, cos, pi, sin, sqrt

from acu.functions.quantities import UNKNOWN, Quantities
from acu.primitives.kinds import PAIRS
from tests.unit.test_measuring import Bench, near

U = (230.0, 0), (230.0, -120), (230.0, 120)
I10 = (10.0, -60), (10.0, -180), (10.0, 60)


class Window:
    """What Measuring leaves behind of these (magnitude, degrees) per channel: rms V or A."""

    SLOT_NS = 2000
    LEAD_URAD = (0, 0, 0, 30_000, 30_000, 30_000)

    def __init__(self, kind, *channels, **more):
        n = len(channels)
        self.kind = kind
        self.n_v = self.n_p = n // 2
        self.pairs = PAIRS[kind]
        self.cal = [((450 if c < n // 2 else 100) * 1_000_000, self.SLOT_NS * c)
                    for c in range(n)]
        self.un_dv = 2300
        self.f_mhz = self.used_mhz = more.get("f_mhz", 50_000)
        self.quality = 0
        self.set(*channels)

    def set(self, *channels):
        n = len(channels)
        self.n_frames = 800
        self.rms_u = [int(a * 1e6 + 0.5) for a, _ in channels]
        self.fund = []
        for c in range(n):
            a, deg = channels[c]
            # sampled later, and the transducer leads; the whole stands at any angle to the grid
            x = (deg + 77) * pi / 180 + 2 * pi * self.used_mhz / 1e12 * self.cal[c][1]
            x += self.lead_urad(c, 0) / 1e6
            k = self.n_frames * a * 1e6 * sqrt(2) / self.cal[c][0] * 2048 * 2048
            self.fund.append((int(k * cos(x)), int(-k * sin(x))))
        self.p_mw = []
        self.q_mvar = []
        for k in range(n // 2):
            (u, du), (i, di) = channels[k], channels[n // 2 + k]
            self.p_mw.append(int(u * i * 1e3 * cos((du - di) * pi / 180) + 0.5))
            self.q_mvar.append(int(u * i * 1e3 * sin((du - di) * pi / 180) + 0.5))

    def lead_urad(self, c, x_u):
        return self.LEAD_URAD[c]


def of(kind, wiring, *channels, **more):
    q = Quantities(Window(kind, *channels, **more), wiring)
    q.update()
    return q


def test_a_balanced_load_of_half_power_factor():
    for f_mhz in (45_000, 50_000, 65_000):
        q = of("post", "ABC", *(U + I10), f_mhz=f_mhz)
        assert q.f_mhz == f_mhz
        assert q.u_mv == [230_000] * 3 and q.i_ua == [10_000_000] * 3
        assert q.p_mw == [1_150_000] * 3 and q.s_mva == [2_300_000] * 3
        assert q.pf_e5 == [50_000] * 3
        for k in range(3):
            near(q.cosphi_m[k], 500, 0)
            near(q.phi_cdeg[k], 6000, 0)
        for c, deg in enumerate((0, -120, 120, -60, -180, 60)):
            near((q.angles_cdeg[c] - 100 * deg + 18_000) % 36_000, 18_000, 1)
        assert (q.p_total_mw, q.s_total_mva, q.pf_total_e5) == (3_450_000, 6_900_000, 50_000)
        near(q.q_total_mvar, 5_975_575, 2)
        for u_mv in (q.u12_mv, q.u23_mv, q.u31_mv):
            near(u_mv, 230_000 * sqrt(3), 1)
        near(q.u1_mv, 230_000, 1)
        near(q.i1_ua, 10_000_000, 10)
        for nothing in (q.u2_mv, q.u0_mv, q.u2_ppm, q.u0_ppm, q.i2_ppm, q.i0_ppm):
            near(nothing, 0, 3)
        near(q.in_ua, 0, 10)
        assert q.sequence == 1 and q.ref == 0
        near(q.phasors[0][0], 230_000_000, 20)
        near(q.phasors[0][1], 0, 20)


def test_four_quadrants():
    for lag, p, q, pf in ((30, 1, 1, 866), (150, -1, 1, -866), (-150, -1, -1, -866),
                          (-30, 1, -1, 866)):
        x = of("single", "B", (230.0, 10), (5.0, 10 - lag))
        near(x.p_total_mw, p * 995_929, 2)
        near(x.q_total_mvar, q * 575_000, 2)
        near(x.pf_e5[0], 100 * pf, 100)
        near(x.cosphi_m[0], pf, 1)
        near(x.phi_cdeg[0], 100 * lag, 1)
        near(x.in_ua, 5_000_000, 10)
        assert x.phases == (1,) and x.sequence == 0 and x.u12_mv == x.u2_ppm == UNKNOWN


def test_unbalance_is_what_its_components_were_made_of():
    """Made of U1 = 230, U2 = 4.6 at 50 degrees, U0 = 6.9 at 200, and currents likewise."""
    made = []
    for big, one, two, zero in ((230.0, 0, 50, 200), (10.0, -30, 90, 10)):
        for k in range(3):
            x = y = 0.0
            for a, deg in ((big, one - 120 * k), (big / 50, two + 120 * k), (big * 0.03, zero)):
                x += a * cos(deg * pi / 180)
                y += a * sin(deg * pi / 180)
            made.append((sqrt(x * x + y * y), _deg(x, y)))
    q = of("branch", "ABC", *made)
    near(q.u1_mv, 230_000, 2)
    near(q.u2_mv, 4600, 2)
    near(q.u0_mv, 6900, 2)
    near(q.u2_ppm, 20_000, 10)
    near(q.u0_ppm, 30_000, 10)
    near(q.i2_ppm, 20_000, 10)
    near(q.i0_ppm, 30_000, 10)
    near(q.i2_ua, 200_000, 20)
    near(q.i0_ua, 300_000, 20)
    near(q.in_ua, 900_000, 60)
    assert q.sequence == 1


def test_components_are_freed_of_skew_lead_and_differing_full_scales():
    w = Window("post", *(U + I10))
    w.cal = [((405, 450, 495)[c % 3] * 1_000_000, 6000 * (c % 3)) for c in range(6)]
    w.LEAD_URAD = (80_000, -20_000, 0, 0, 0, 0)
    q = Quantities(w)
    for u2 in (0.0, 2.3):
        w.set(*[(230.0 + u2, 0), (230.0 - u2 / 2, -120), (230.0 - u2 / 2, 120)], *I10)
        q.update()
        near(q.u1_mv, 230_000, 3)
        near(q.u2_ppm, u2 / 2 / 230 * 1e6, 20)
        near(q.u0_ppm, u2 / 2 / 230 * 1e6, 20)


def test_what_is_seldom_asked_for_is_of_the_last_window():
    w = Window("post", *(U + I10))
    q = Quantities(w)
    q.update()
    near(q.u12_mv, 398_372, 1)
    w.set((115.0, 0), (115.0, -120), (115.0, 120), *I10)
    q.update()
    near(q.u12_mv, 199_186, 1)
    assert q.s_total_mva == 3_450_000 and not hasattr(q, "u13_mv")


def _deg(x, y):
    a = acos(x / sqrt(x * x + y * y)) * 180 / pi
    return a if y >= 0 else -a


def test_two_phases_on_each_pair_of_lines_and_no_two_at_half_a_turn():
    for wiring, name in (("AB", "u12_mv"), ("BC", "u23_mv"), ("CA", "u31_mv")):
        q = of("two", wiring, (230.0, 0), (230.0, -120), (10.0, 0), (5.0, -120))
        near(getattr(q, name), 398_372, 1)
        assert sorted((q.u12_mv, q.u23_mv, q.u31_mv))[:2] == [UNKNOWN, UNKNOWN]
        assert q.sequence == 1 and q.u2_ppm == UNKNOWN and len(q.phases) == 2
        near(q.in_ua, 8_660_254, 10)
        near(q.p_total_mw, 3_450_000, 1)
        near(q.s_total_mva, 3_450_000, 1)
    for deg, sequence in ((120, -1), (180, 0), (0, 0)):
        q = of("two", "AB", (120.0, 0), (120.0, deg), (10.0, 0), (10.0, 180))
        assert q.sequence == sequence, deg


def test_a_wrong_order_of_phases_is_seen():
    q = of("post", "ABC", U[0], U[2], U[1], *I10)
    assert q.sequence == -1 and q.u2_mv == 230_000 and q.u2_ppm == UNKNOWN


def test_angles_stay_when_the_first_phase_dies():
    q = of("post", "ABC", (0.5, 13), U[1], U[2], *I10)
    near(q.angles_cdeg[1], -12_000, 1)
    near(q.angles_cdeg[2], 12_000, 1)
    assert q.ref == 1 and q.sequence == 0
    near(q.u1_mv, 153_333, 300)
    near(q.u2_ppm, 500_000, 3000)


def test_without_voltage_angles_are_seen_from_the_current_and_nothing_is_divided_by_nothing():
    q = of("post", "ABC", *(((0.0, 0),) * 3 + I10))
    assert q.ref == UNKNOWN and q.sequence == 0
    near(q.angles_cdeg[3], 0, 1)
    near(q.angles_cdeg[4], -12_000, 1)
    assert q.pf_e5 == [0] * 3 and q.cosphi_m == [0] * 3 and q.u2_ppm == UNKNOWN
    q = of("post", "ABC", (0.5, 0), (0.5, -120), (0.5, 120), *I10)
    assert q.sequence == 0 and q.u2_ppm == UNKNOWN and q.ref == UNKNOWN
    q = of("post", "ABC", *(((0.0, 0),) * 6))
    assert q.i2_ppm == UNKNOWN and q.pf_total_e5 == 0 and q.in_ua == 0


def test_without_phasors_what_needs_them_is_unknown():
    w = Window("post", *(U + I10))
    q = Quantities(w)
    q.update()
    w.fund = None
    q.update()
    assert q.u_mv == [230_000] * 3 and q.pf_e5 == [50_000] * 3
    assert q.cosphi_m == [500] * 3 and q.phi_cdeg == [6000] * 3
    assert q.phasors is None and q.sequence == 0
    assert q.u1_mv == q.u2_ppm == q.in_ua == q.u12_mv == UNKNOWN


def test_what_is_not_wired_so_is_refused():
    for kind, wiring, n in (("post", "AB", 6), ("two", "A", 4), ("single", "AB", 2),
                            ("single", "X", 2)):
        try:
            Quantities(Window(kind, *(((1.0, 0),) * n)), wiring)
        except ValueError:
            continue
        raise AssertionError(wiring)


def test_through_a_converter_and_measuring():
    b = Bench()
    q = Quantities(b.meter)
    b.run(650, f_hz=47.53, phi=acos(0.5))
    q.update()
    for k in range(3):
        near(q.u_mv[k], 230_000, 25)
        near(q.i_ua[k], 20_000_000, 4_000)
        near(q.p_mw[k], 2_300_000, 700)
        near(q.q_mvar[k], 3_983_717, 700)
        near(q.s_mva[k], 4_600_000, 1200)
        near(q.pf_e5[k], 50_000, 15)
        near(q.phi_cdeg[k], 6000, 2)
        near((q.angles_cdeg[k] + 12_000 * k + 18_000) % 36_000, 18_000, 2)
    near(q.u2_ppm, 0, 150)
    near(q.in_ua, 0, 5000)
    near(q.u12_mv, 398_372, 40)
    assert q.sequence == 1
