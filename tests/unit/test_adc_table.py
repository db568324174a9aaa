"""The converter's own table: learned from a ramp and from a sine it straightens the converter, and
a signal from which nothing can be learned is refused by name."""
from array import array
from math import cos, pi

from acu.functions import adc_table
from acu.functions.adc_table import RAMP, SINE, Histogram, general, learn


def begin(c):
    """Where code c of a bent converter begins, in codes: E11 and a smooth bow."""
    wide = 0.0
    for at in (512, 1536, 2560, 3584):
        if c >= at:
            wide += 9.0
    return 10.0 + c * 0.993 + wide - 4.0 * ((c - 2048) / 2048) ** 2


def rise(p, shape):
    """Part of the time that the signal is below p codes."""
    p = p / 4096
    if shape == RAMP:
        return min(1.0, max(0.0, p))
    # a sine that overdrives the converter by 0.5 % on either side; acos by halving
    want = (1.0 - 2.0 * p) / 1.005
    low, high = 0.0, 1.0
    for _ in range(26):
        mid = (low + high) / 2
        if cos(pi * mid) > want:
            low = mid
        else:
            high = mid
    return low


def histogram(shape, n=400_000):
    counts = array("H", bytes(8192))
    before = 0
    for c in range(4096):
        now = int(n * rise(begin(c + 1), shape)) if c < 4095 else n
        counts[c] = min(65_000, now - before)
        before = now
    return counts


def straightness(table):
    """Greatest deviation of table from the converter's true middles, in codes, after a line."""
    far = 0.0
    low = table[100] / 8 - (begin(100) + begin(101)) / 2
    high = table[4000] / 8 - (begin(4000) + begin(4001)) / 2
    for c in list(range(20, 4070, 3)) + [511, 1535, 2559, 3583]:
        line = low + (high - low) * (c - 100) / 3900
        far = max(far, abs(table[c] / 8 - (begin(c) + begin(c + 1)) / 2 - line))
    return far


def raw():
    table = array("H", bytes(8192))
    for c in range(4096):
        table[c] = 8 * c
    return table


def test_a_ramp_straightens_the_converter():
    table, why = learn(histogram(RAMP), RAMP)
    assert why == ""
    assert straightness(raw()) > 8
    assert straightness(table) < 0.2


def test_so_does_a_sine_that_overdrives_a_little():
    passes = []
    table, why = learn(histogram(SINE, 900_000), SINE, lambda: passes.append(0))
    assert why == ""
    assert straightness(table) < 0.25
    assert len(passes) > 100       # the watchdog was fed on the way


def test_codes_that_never_come_are_as_wrong_as_the_next():
    table, _ = learn(histogram(RAMP), RAMP)
    for c in range(4096):
        assert abs(table[c] - 8 * c) < 100 and table[c] <= 32_760
    last = 4095
    while begin(last + 1) > 4095:
        last -= 1
    assert abs(table[4095] - min(32_760, table[last - 1] + 8 * (4096 - last))) <= 1


def test_the_general_table_has_the_steps_of_the_erratum():
    table = general()
    for c in (512, 1536, 2560, 3584):
        rises = table[c + 8] - table[c - 8] - 128
        assert 8 * 7 < rises < 8 * 12
    assert sum([c % 97 * table[c] for c in range(4096)]) == 3219044391  # the same in either Python
    # on the line that fits all of it best: no offset, no slope
    total = moment = 0
    for c in range(4096):
        total += table[c] - 8 * c
        moment += (table[c] - 8 * c) * (2 * c - 4095)
    assert abs(total) < 4096 * 2
    assert abs(moment) < 4096 * 4096 * 2


def test_readings_are_counted_from_interleaved_frames():
    h = Histogram(RAMP)
    frames = array("H", [0, 7, 1, 7, 1, 7, 4095, 7])
    h.add(frames, 4, 2)
    assert (h.counts[0], h.counts[1], h.counts[4095], h.counts[7], h.n) == (1, 2, 1, 0, 4)


def refused(counts, shape, *said):
    table, why = learn(counts, shape)
    assert table is None and why.startswith("E151 adc table: "), why
    for word in said:
        assert word in why, why


def test_too_few_readings():
    refused(histogram(RAMP, 50_000), RAMP, "readings, at least 65536", "Go on for longer")


def test_a_signal_that_does_not_cover_the_range():
    counts = histogram(RAMP)
    for c in range(300):
        counts[c] = 0
    refused(counts, RAMP, "only codes 300 to 4", "below 256")
    refused(array("H", [9000] + [0] * 4095), RAMP, "readings, at least")


def test_steps_instead_of_a_ramp():
    counts = histogram(RAMP)
    for c in range(1000, 1009):
        counts[c] = 0
    refused(counts, RAMP, "codes 1000 to 1008 never came")


def test_a_ramp_that_stood_still():
    counts = histogram(RAMP)
    counts[2000] = 30_000
    refused(counts, RAMP, "code 2000 came 30000 times", "stood still")


def test_a_count_that_is_full():
    counts = histogram(RAMP)
    counts[0] = 65_535
    refused(counts, RAMP, "code 0 came 65535 times or more", "fewer readings")


def test_a_sine_taken_for_a_ramp_and_a_ramp_for_a_sine():
    refused(histogram(SINE, 900_000), RAMP, "even ramp")
    refused(histogram(RAMP), SINE, "clean sine")


def test_a_signal_that_jumps_is_no_ramp():
    h = Histogram(RAMP)
    codes = array("H", [100, 3000] * 50)
    h.add(codes, 100)
    table, why = h.learn()
    assert table is None and "99 readings more than 64 codes" in why
    # a sine may: its readings are codes apart
    s = Histogram(SINE)
    s.add(codes, 100)
    assert "at least 65536" in s.learn()[1]


def test_counts_of_another_converter():
    refused(array("H", [100] * 1024), RAMP, "1024 counts")


def test_the_cosine_is_good_to_a_hundredth_of_a_code():
    for k in range(0, 1001, 7):
        assert abs(adc_table._cos_q28(k, 1000) / 2**28 - cos(pi * k / 1000)) < 2e-7
