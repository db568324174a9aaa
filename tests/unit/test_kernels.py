"""The kernels against sums done in plain integers, on both Pythons."""
from array import array

from acu.dsp import kernels
from acu.dsp.correction import correct

PAIRS = ((0, 3), (1, 4), (2, 5))
STEP = 209_715


def noise(n, seed):
    """n codes of 0..4095 from a small generator: the same on every machine."""
    codes = []
    for _ in range(n):
        seed = (seed * 8121 + 28411) % 134456
        codes.append(seed * 4096 // 134456)
    return codes


def plain(frames, pairs, phase, step):
    """What docs/architecture.md says, word by word."""
    out = []
    for v, i in pairs:
        sums = [0] * 9
        p = phase
        for frame in frames:
            x = frame[v] - 2048
            y = frame[i] - 2048
            k = p >> 16 & 255
            c = kernels.SINE[k + 64]
            s = kernels.SINE[k]
            p += step
            new = (x, y, x * x, y * y, x * y, x * c, x * s, y * c, y * s)
            for j in range(9):
                sums[j] += new[j]
        out += sums
    return out


def taken(frames, first, size, phase):
    """The kernel's answer for frames put into a ring at first, and the reference afterwards."""
    ring = array("H", bytes(2 * kernels.STRIDE * size))
    for k in range(len(frames)):
        for c in range(6):
            ring[(first + k) % size * kernels.STRIDE + c] = frames[k][c]
    ref = array("i", [phase, STEP])
    out = array("i", bytes(4 * 27))
    par = array("i", [size, 3, 0, 3, 1, 4, 2, 5])
    kernels.take_pairs(len(frames), first, ring, par, ref, kernels.SINE, out)
    return list(out), ref[0]


def cut(codes):
    return [codes[k:k + 6] for k in range(0, len(codes), 6)]


def test_sums_of_any_length_and_over_the_end_of_the_ring():
    for n in (0, 1, 2, 3, 4, 5, 20, 127):
        frames = cut(noise(6 * n, n + 1))
        for first in (0, 100, 127):
            sums, phase = taken(frames, first, 128, 0xFEDCBA)
            assert sums == plain(frames, PAIRS, 0xFEDCBA, STEP), (n, first)
            assert phase == (0xFEDCBA + n * STEP) % 2**24


def test_a_half_cycle_of_48_extreme_frames_stays_below_2_to_30():
    for v in (0, 4095):
        for i in (0, 4095):
            for swing in (False, True):
                frames = []
                for k in range(48):
                    turn = swing and k % 20 >= 10
                    frames.append([4095 - v if turn else v] * 3 + [4095 - i if turn else i] * 3)
                sums, _ = taken(frames, 90, 128, 0)
                assert sums == plain(frames, PAIRS, 0, STEP)
                for value in sums:
                    assert -2**30 < value < 2**30


def test_the_sine_table_is_round_symmetrical_and_without_mean():
    s = kernels.SINE
    assert len(s) == 320 and sum(s[:256]) == 0 and max(s) == 4096 and min(s) == -4096
    for k in range(64):
        assert s[k] == s[127 - k] == -s[128 + k] == -s[255 - k] and s[256 + k] == s[k]
        assert abs(s[k] * s[k] + s[k + 64] * s[k + 64] - 2**24) <= 2 * 4096


def test_skip_turns_the_reference_as_if_the_frames_had_come():
    for frames in (0, 1, 77, 100_000):
        ref = array("i", [0xABCDEF, STEP])
        kernels.skip(ref, frames)
        assert ref[0] == (0xABCDEF + frames * STEP) % 2**24


def corrected(codes, table, mem):
    """What the correction is, word by word, for the codes of one channel."""
    carry, last, out = mem
    done = []
    for code in codes:
        if code != last:
            t = table[code] + carry
            last, out, carry = code, t >> 3, t & 7
        done.append(out)
    return done, [carry, last, out]


def channel(ring, c):
    return [ring[k] for k in range(c, len(ring), kernels.STRIDE)]


def bent_table():
    """A converter's table with a step, a slope and eighths, that reaches both ends."""
    table = array("H", bytes(2 * 4096))
    for k in range(4096):
        table[k] = min(32760, max(0, 8 * k + k * 37 // 4096 - (50 if k < 1536 else 3)))
    return table


def test_correction_of_any_piece_and_over_the_end_of_the_ring():
    table = bent_table()
    assert table[0] == 0 and table[4095] == 32760
    size = 64
    ring = array("H", noise(kernels.STRIDE * size, 7))
    want = [channel(ring, c) for c in range(kernels.STRIDE)]
    mem = array("i", [0, -1, 0] * 5)
    mems = [[0, -1, 0] for _ in range(5)]
    first = 0
    for n in (0, 1, 63, 20, 2, 40, 64, 127 - 64):
        correct(n, first, ring, array("i", [size, 5]), table, mem)
        for c in range(5):
            places = [(first + k) % size for k in range(n)]
            done, mems[c] = corrected([want[c][k] for k in places], table, mems[c])
            for k, code in zip(places, done):
                want[c][k] = code
        first = (first + n) % size
        for c in range(kernels.STRIDE):  # the three places without a channel stay
            assert channel(ring, c) == want[c], (n, c)
        assert list(mem) == mems[0] + mems[1] + mems[2] + mems[3] + mems[4]


def test_the_correction_keeps_eighths_in_the_mean_and_a_frozen_channel_frozen():
    size = 128
    table = array("H", [8 * min(k, 4094) + 3 for k in range(4096)])
    par = array("i", [size, 2])
    mem = array("i", [0, -1, 0, 0, -1, 0])
    ring = array("H", bytes(2 * kernels.STRIDE * size))
    for k in range(size):
        ring[k * kernels.STRIDE] = 2000 + k % 2  # alive by one code
        ring[k * kernels.STRIDE + 1] = 1234      # frozen
    correct(size, 0, ring, par, table, mem)
    alive = channel(ring, 0)
    assert 8 * (sum(alive) - 2000 * size) == size // 2 * 8 + 3 * size - mem[0]
    assert channel(ring, 1) == [1234] * size
