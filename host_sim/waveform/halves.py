"""Numpy twins of what the firmware computes at half cycles and windows, for many controllers at
once: close_half, the usual case of sensing, table_error. Bit for bit the same.

All in 64-bit integers, where nothing that fits 32 bits on a board can be cut.
"""
import numpy as np

from host_sim.waveform.pool import BANK, CHANNELS, HALVES, LEFT, SEQ, VALUES, Pool
from host_sim.waveform.twin import COSINE, SINE

# places in `state`, as in acu/dsp/fixed.py
_LENGTH, _BEFORE, _SEQ, _REST, _HALF_Q16, _DIP, _SWELL, _SEEN = 0, 1, 5, 6, 7, 8, 9, 10
_CLIP_END_Q8 = 358_400          # below it a channel that was well is well (primitives/sensing.py)
_FROZEN = 4
_PHASES = np.arange(3)
_BITS = np.array([1, 2, 4])
_VALUES = np.arange(VALUES)
MAX_FRAMES = 2000                # of a range of table_errors()


def close_halves(pool: Pool, rows, mids, t_us):
    """Ends a half cycle of each of `rows` (indices). mids: half cycles of half a window; t_us:
    when each ended. What a window's middle or end asks for besides is left to the caller."""
    state = pool.state[rows].astype(np.int64)
    length, before = state[:, _LENGTH], state[:, _BEFORE]
    n = length + before
    half_q16 = state[:, _HALF_Q16]
    odd = (n << 16) - (half_q16 << 1)
    odd[(before == 0) | (odd > 0x10000) | (odd < -0x10000)] = 0
    odd_q8 = odd >> 8
    ref = pool.ref[rows].astype(np.int64)
    step = ref[:, 1]
    angle = (ref[:, 0] - ((step >> 1) + (step >> 9) * odd_q8 // 512)) >> 16 & 255
    half = pool.half[rows].astype(np.int64)
    total = half + pool.prev[rows]

    at = np.arange(len(rows))[:, None]
    k_sum, k_square, k_wave = pool.place[:, rows]
    n = n[:, None]
    x = total[at, k_sum]
    s = total[at, k_square]
    q = x // n
    still = pool.still[rows] + 1
    np.minimum(still, 1000, out=still)
    still[s != q * (x + x - q * n)] = 0
    pool.still[rows] = still
    zero = pool.zero_q8[rows].astype(np.int64)
    q = zero + 128 >> 8
    qn = q * n
    s -= q * (x + x - qn)
    d = zero - (q << 8)
    d *= (x - qn << 9) // n - d
    if odd.any():
        wave = half >> 12
        y = (wave[at, k_wave] * COSINE[angle][:, None]
             + wave[at, k_wave + 1] * SINE[angle][:, None] >> 11) // length[:, None]
        s -= odd_q8[:, None] * (y * y - s // n) >> 8
    q = s // n
    s -= q * n
    fine = q < 8192
    x = np.where(fine, (q << 16) + (s << 16) // n - d, (q << 8) + (s << 8) // n)
    np.maximum(x, 0, out=x)
    y = np.sqrt(x).astype(np.int64)           # exact: below 2^31
    coarse = ~fine
    z = pool.shift[rows] - 4 * coarse
    value = y * pool.factor[rows] + (1 << z - 1) >> z
    pool.codes_q8[rows] = y << 4 * coarse

    seq = state[:, _SEQ] + 1 & 0x3FFFFFFF
    slot = seq & 15
    pool.times_us[rows, slot] = t_us
    pool.half_dv[rows] = value[:, :4]
    pool.half_ma[rows] = value[at, pool.currents_at[rows]]
    voltages = pool.voltages[rows]
    place = rows * pool.width + pool.history0 + slot * voltages
    flat = pool.table.reshape(-1)
    flat[place[:, None] + _PHASES] = value[:, :3]
    four = voltages == 4
    flat[place[four] + 3] = value[four, 3]
    seen = ((value[:, :3] < state[:, _DIP, None]) | (value[:, :3] > state[:, _SWELL, None]))
    state[:, _SEEN] |= seen.any(axis=1)

    words = pool.words[rows]
    part = words[:, BANK] + (words[:, HALVES] >= mids)
    window = (rows * pool.width + pool.part0 + part * (2 * VALUES + 1))[:, None]
    low = window + 2 * _VALUES
    sums = flat[low] + half
    flat[low] = sums & 0xFFFFFF
    flat[low + 1] += (sums >> 24).astype(np.int32)
    flat[window[:, 0] + 2 * VALUES] += length.astype(np.int32)
    pool.prev[rows] = half
    pool.half[rows] = 0

    rest = state[:, _REST] + half_q16
    state[:, _SEQ] = seq
    state[:, _BEFORE] = length
    state[:, _LENGTH] = rest >> 16
    state[:, _REST] = rest & 0xFFFF
    pool.state[rows] = state
    words[:, SEQ] = seq
    words[:, HALVES] += 1
    words[:, LEFT] = state[:, _LENGTH]
    pool.words[rows] = words


def sense(pool: Pool, rows):
    """Sensing after each of `rows` closed one half cycle, where all is usual: no channel was bad,
    frozen or clipped, no load side alive without supply. Returns (unusual, changed) as masks: rows
    that were left alone, and rows whose ov, uv or oc differ from before."""
    st = pool.sense[rows]
    dv = pool.half_dv[rows]
    ma = pool.half_ma[rows]
    channels = np.arange(CHANNELS) < st[:, 4, None]
    bad = (pool.still[rows] >= _FROZEN) | (pool.codes_q8[rows] >= _CLIP_END_Q8)
    phases = dv[:, :3]
    backfeed = ((st[:, 5] == 4) & (dv[:, 3] > st[:, 10])
                & (phases < st[:, 9, None]).all(axis=1))
    unusual = (bad & channels).any(axis=1) | (st[:, 0] != 0) | (st[:, 12] != 0) | backfeed
    over = (ma > st[:, 8, None]) & (_PHASES < st[:, 4, None] - st[:, 5, None])
    found = np.stack(((phases > st[:, 6, None]) @ _BITS, (phases < st[:, 7, None]) @ _BITS,
                      over @ _BITS), axis=1)
    changed = ~unusual & (found != st[:, 1:4]).any(axis=1)
    st[:, 1:4] = found
    st[:, 11] = 1
    usual = ~unusual
    pool.sense[rows[usual]] = st[usual]
    return unusual, changed


def table_errors(phases, steps, counts) -> list:
    """table_error of several ranges: [(a, c, s)]. Arrays; counts: frames, at most MAX_FRAMES."""
    frames = np.arange(counts.max(initial=0))
    phase = phases[:, None] + frames * steps[:, None] & 0xFFFFFF
    d = (phase & 0xFFFF) - 0x8000
    d[frames >= counts[:, None]] = 0
    k = phase >> 15 & 255
    a = d.sum(axis=1)
    d >>= 8
    return list(zip(a.tolist(), (d * COSINE[k]).sum(axis=1).tolist(),
                    (d * SINE[k]).sum(axis=1).tolist(), strict=True))
