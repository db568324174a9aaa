"""Energy registers: nothing is lost, nothing is invented; two well-known wrong designs fail."""
import struct

from acu.functions.energy import EXPORT, IMPORT, Q1, Energy
from tests.unit.test_measuring import RATE_HZ, Bench

YEAR_FRAMES = 365 * 86_400 * RATE_HZ
W = 1000
U = [230_000] * 3
I5 = [5_000_000] * 3
P = [1_150_000] * 3       # 5 A at P/S 1


class Ours:
    """One phase of Energy, as the audit asks."""

    def __init__(self):
        self.energy = Energy(1, RATE_HZ, 500)

    def add(self, n, p_mw):
        self.energy.add(n, [p_mw], [0])

    def mwh(self):
        return self.energy.mwh(0, IMPORT)

    def power_mw(self, bench):
        return bench.meter.p_mw[0]


class Float32(Ours):
    """kWh in the floats of a board, as a total-energy sensor sums them."""

    def __init__(self):
        self.kwh = 0.0

    def add(self, n, p_mw):
        self.kwh = _float32(self.kwh + _float32(p_mw * n / RATE_HZ / 3.6e12))

    def mwh(self):
        return self.kwh * 1e6


class DropEqual(Ours):
    """Leaves out samples like the one before, as a current-clamp sensor does to save time."""

    def power_mw(self, bench):
        total = n = 0
        before = None
        for u, i in bench.codes:
            if i != before:
                before = i
                total += (u - 2048) * (i - 2048)
                n += 1
        return total * 450 * 100 * 1000 // (2048 * 2048 * n)


def _float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


class Faint:
    """A converter without noise, 20 counts peak of current, and Measuring behind it."""

    I_A = 20 / 2048 * 100 / 2**0.5

    def __init__(self):
        bench = Bench()
        self.meter = bench.meter
        self.codes = []
        bench.noise = lambda: 0
        push = bench.sampler.push

        def seen(codes):
            for at in range(0, len(codes), 12):
                u = codes[at] + 256 * codes[at + 1] + 2          # the bench's offsets
                i = codes[at + 6] + 256 * codes[at + 7] - 1
                self.codes.append((u, i))
            push(codes)

        bench.sampler.push = seen
        bench.run(650, i_a=self.I_A)


def audit(design):
    """What is wrong with a design: its year against the exact sum of its windows, at 1 W, at 60 W
    and at Imax in pieces of ten minutes, which is kind to floats; and a faint current's energy."""
    wrong = []
    for p_mw in (W, 60 * W, 23_000 * W):
        counter = design()
        exact = left = 0
        k = 0
        while left < YEAR_FRAMES:
            n = 2_400_000 + 799 * (k % 7)
            p = p_mw + k % 11
            counter.add(n, p)
            exact += n * p
            left += n
            k += 1
        if abs(counter.mwh() * RATE_HZ * 3600 - exact) * 1_000_000 > exact:
            wrong.append(p_mw)
    counter = design()
    truth = 230 * Faint.I_A * 1000
    if abs(counter.power_mw(Faint()) - truth) > 0.005 * truth:
        wrong.append("faint")
    return wrong


def test_a_year_is_exact_and_two_wrong_designs_fail_the_same_test():
    assert audit(Ours) == []
    assert audit(DropEqual) == ["faint"]
    wrong = audit(Float32)
    assert W in wrong and 60 * W in wrong and "faint" not in wrong


def test_no_frame_is_rounded_away_whatever_the_windows():
    e = Energy(1, RATE_HZ, 0)
    exact = 0
    for k in range(3000):
        n = 790 + k % 23
        e.add(n, [997 + k % 13], [-1])
        exact += n * (997 + k % 13)
    assert e.mwh(0, IMPORT) == exact // (RATE_HZ * 3600)
    whole, rest = struct.unpack("<QI", e.pack()[6:18])
    assert whole * RATE_HZ * 3600 + rest == exact


HOUR = 3600 * RATE_HZ


def test_each_quadrant_has_its_register():
    for p, q, register in ((1000, 500, Q1), (-1000, 500, Q1 + 1), (-1000, -500, Q1 + 2),
                           (1000, -500, Q1 + 3)):
        e = Energy(3, RATE_HZ, 10)
        e.add(HOUR, [0, p, 0], [0, q, 0])
        active = IMPORT if p > 0 else EXPORT
        for k in range(3):
            for r in range(6):
                truth = 0
                if k == 1:
                    truth = {active: 1000, register: 500}.get(r, 0)
                assert e.mwh(k, r) == truth, (k, r)
                assert e.mwh(k, r, True) == 0
        assert e.total_mwh(active) == e.total_mwh(active, False) == 1000
        assert e.total_mwh(active, True) == 0


def test_import_and_export_of_two_phases_do_not_cancel():
    e = Energy(3, RATE_HZ, 10)
    e.add(HOUR, [2000, -3000, 1000], [0] * 3)
    assert (e.total_mwh(IMPORT), e.total_mwh(EXPORT)) == (3000, 3000)


def test_below_the_creep_threshold_nothing_counts():
    e = Energy(1, RATE_HZ, 500)
    for _ in range(100):
        e.add(HOUR, [499], [-499])
        e.add(HOUR, [-499], [499])
    assert [e.mwh(0, r) for r in range(6)] == [0] * 6
    e = Energy(1, RATE_HZ, 500)
    e.add(HOUR, [500], [-500])
    assert e.mwh(0, IMPORT) == 500 and e.mwh(0, Q1 + 3) == 500
    e = Energy(1, RATE_HZ, 500)
    e.add(HOUR, [-499], [500])        # no active power worth counting: as import
    assert e.mwh(0, EXPORT) == 0 and e.mwh(0, Q1) == 500


def test_noise_of_four_thresholds_does_not_creep_and_a_small_load_in_it_counts():
    """No load with noise that passes the threshold in single windows; then 1 W in the same."""
    e = Energy(1, RATE_HZ, 500)
    noise = [-300, 1400, -1500, 900, -1100, 600] * 50
    for x in noise:
        e.add(800, [x], [-x])
    assert sum(e._sums) == 0
    for x in noise:
        e.add(800, [1000 + x // 3], [0])
    assert abs(e.mwh(0, IMPORT) - 1000 * 300 * 800 // (RATE_HZ * 3600)) <= 2
    assert e.mwh(0, EXPORT) == 0


def test_a_load_counts_from_its_first_window_and_ends_with_its_last():
    e = Energy(1, RATE_HZ, 500)
    for _ in range(50):
        e.add(HOUR, [0], [0])
    e.add(HOUR, [2001], [0])
    e.add(HOUR, [-2001], [0])
    assert (e.mwh(0, IMPORT), e.mwh(0, EXPORT)) == (2001, 2001)
    for _ in range(12):
        e.add(HOUR, [0], [0])
    e.add(HOUR, [600], [0])
    assert e.mwh(0, IMPORT) == 2001


def good(hold_s=3600):
    """A meter of three phases that has seen P/S 0.8 lagging for some windows, 1 s each."""
    e = Energy(3, RATE_HZ, 500, hold_s=hold_s)
    for _ in range(3):
        e.add(RATE_HZ, [920_000] * 3, [690_000] * 3, 0, U, I5)
    return e


def measured(e):
    return [e.mwh(k, r) for k in range(3) for r in range(6)]


def test_a_bad_voltage_is_estimated_from_the_others_and_the_last_power_factor():
    e = good()
    before = measured(e)
    u = [0, 231_000, 233_000]
    e.add(HOUR, [0, 0, 0], [0, 0, 0], 1, u, [10_000_000, 0, 0])
    assert e.q == 1 and e.missing == 0
    assert measured(e) == before
    assert e.mwh(0, IMPORT, True) == 232 * 10 * 800
    assert e.mwh(0, Q1, True) == 232 * 10 * 600
    assert e.p_mw[0] == 232 * 10 * 800
    assert e.mwh(1, IMPORT, True) == 0


def test_what_voltage_is_assumed():
    """u of the healthy phases, bad channels, volts: dead ones among live ones do not count."""
    for u, bad, volts in (([1, 231_000, 233_000], 1, 232), ([1, 2000, 233_000], 1, 233),
                          ([1, 2000, 1000], 1, 0), ([1, 1, 1], 7, 230)):
        e = good()
        e.add(HOUR, [0] * 3, [0] * 3, bad, u, [10_000_000, 0, 0])
        assert e.mwh(0, IMPORT, True) == volts * 10 * 800, volts


def test_without_any_good_window_before_the_power_factor_is_one():
    e = Energy(1, RATE_HZ, 500)
    e.add(HOUR, [0], [0], 1, [0], [10_000_000])
    assert e.mwh(0, IMPORT, True) == 2_300_000 and e.mwh(0, IMPORT) == 0 and e.q == 1


def test_a_bad_current_holds_the_last_good_power_for_a_time_and_then_says_that_nothing_counts():
    e = good(hold_s=7200)
    # the last window before is in doubt too: the channel had died in it
    e.add(RATE_HZ, [5_000_000] * 3, [0] * 3, 0, U, I5)
    before = measured(e)
    for told, hours in ((0, 1), (0, 2), (2, 2), (2, 2)):
        e.add(HOUR, [0, 77_000, 0], [0] * 3, 1 << 4, U, [0, 300_000, 0])
        assert e.q == 2 and e.missing == told
        assert e.mwh(1, IMPORT, True) == 920_000 * hours
        assert e.mwh(1, Q1, True) == 690_000 * hours
    assert measured(e) == before
    for _ in range(3):                 # healthy again: the time starts anew
        e.add(RATE_HZ, [920_000] * 3, [0] * 3, 0, U, I5)
        assert e.q == 0 and e.missing == 0
    e.add(HOUR, [0] * 3, [0] * 3, 1 << 4, U, I5)
    assert e.mwh(1, IMPORT, True) == 920_000 * 3


def test_a_window_in_doubt_is_forgotten():
    e = good()
    e.add(RATE_HZ, [5_000_000] * 3, [0] * 3, 0, U, I5)        # it was dying in this one
    e.add(RATE_HZ, [0] * 3, [0] * 3, 1 << 4, U, I5)
    e.add(RATE_HZ, [930_000] * 3, [0] * 3, 0, U, I5)          # and is alive for one
    before = e.mwh(1, IMPORT, True)
    e.add(HOUR, [0] * 3, [0] * 3, 1 << 4, U, I5)
    assert e.mwh(1, IMPORT, True) == before + 920_000


def test_a_hold_that_ends_within_a_window_counts_up_to_there():
    e = good(hold_s=1800)
    e.add(HOUR, [0] * 3, [0] * 3, 1 << 3, U, I5)
    assert e.mwh(0, IMPORT, True) == 460_000 and e.missing == 1 and e.q == 1


def test_a_bad_current_takes_nothing_from_a_dead_phase():
    e = good()
    e.add(HOUR, [0] * 3, [0] * 3, 1 << 3, [1000, 230_000, 230_000], I5)
    assert e.mwh(0, IMPORT, True) == 0 and e.q == 1 and e.missing == 0


def test_an_interruption_is_measured_zero():
    e = good()
    before = measured(e)
    e.add(HOUR, [0] * 3, [0] * 3, 0, [0] * 3, [0] * 3)
    assert measured(e) == before and e.q == 0 and e.total_mwh(IMPORT, True) == 0


def test_lost_frames_have_the_power_of_their_window_as_an_estimate():
    e = good()
    before = e.mwh(2, IMPORT)
    e.add(HOUR, [1_000_000] * 3, [0] * 3, 0, U, I5, lost_frames=HOUR // 10)
    assert e.mwh(2, IMPORT) == before + 1_000_000 and e.mwh(2, IMPORT, True) == 100_000
    assert e.q == 7 and e.missing == 0
    e.add(HOUR, [1_000_000] * 3, [0] * 3, 0, U, I5, lost_frames=10 * HOUR)
    assert e.mwh(2, IMPORT, True) == 1_100_000 and e.missing == 7


def test_registers_survive_a_restart_to_the_last_frame_and_damage_changes_nothing():
    e = good()
    e.add(12_345, P, [-7] * 3, 1, U, I5)
    raw = e.pack()
    other = Energy(3, RATE_HZ, 500)
    assert other.unpack(raw) and other.pack() == raw
    for bad in (raw[:-1], b"\x07" + raw[1:], b"\x01\x01" + raw[2:], b"",
                raw[:2] + bytes(4) + raw[6:], raw[:14] + b"\xff\xff\xff\xff" + raw[18:]):
        assert not other.unpack(bad)
        assert other.pack() == raw
    faster = Energy(3, 2 * RATE_HZ, 500)       # a firmware that samples twice as fast
    assert faster.unpack(raw)
    assert measured(faster) == measured(e)


def test_a_century_at_the_largest_power_is_packed():
    e = Energy(1, RATE_HZ, 500)
    e.add(100 * YEAR_FRAMES, [100_000_000], [0])
    other = Energy(1, RATE_HZ, 500)
    assert other.unpack(e.pack())
    assert other.mwh(0, IMPORT) == 100 * 365 * 24 * 100_000_000
