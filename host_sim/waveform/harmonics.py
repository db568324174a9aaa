"""numpy twin of the two heavy loops of dsp/harmonics.py, bit-equal; the other loops are its own.

TwinSampler offers it to the firmware's Spectrum, which is otherwise a tenth of a simulated second
of real time for each one simulated.
"""
import numpy as np

_FRAMES = np.arange(128)
_TURNS = np.outer(np.arange(26), np.arange(128)) & 255      # harmonic, place


def gather(_x, _y, n, st, ring, sine, bins):
    """n frames of a channel, weighted, to the places around their phases."""
    k = _FRAMES[:n]
    table = np.frombuffer(sine, "i4").astype(np.int64)
    codes = np.frombuffer(ring, "u2").reshape(-1, 8)
    at, mask, channel, w, w_step, p, p_step, low, high, total, squares, limb = st[:12]
    x = codes[at + k & mask, channel].astype(np.int64) - 2048
    w_all = w + w_step * k
    step = w_all >> 16 & 255
    beside = ((w_all & 0xFFFF) - 0x8000) * 201 >> 15
    y = x * (4096 - table[step + 64] + (table[step] * beside + 8192 >> 14)) + 1024 >> 11
    phase = p + p_step * k & 0xFFFFFF
    a = phase >> 4 & 4095
    b = 4096 - a
    first = (b * b >> 12) * b + 8192 >> 14
    q = a * a >> 12
    last = q * a + 8192 >> 14
    mid = 0x4000000 - (q * 6 << 12) + q * a * 3 + 8192 >> 14
    into = np.frombuffer(bins, "i4")
    place = phase >> 16
    for beyond, weight in ((255, first), (0, mid), (1, 6144 - first - mid - last), (2, last)):
        np.add.at(into, place + beyond & 255, (y * weight).astype(np.int32))
    squares += int(x @ x)
    st[0] = at + n & mask
    st[3] = w + n * w_step & 0xFFFFFF
    st[5] = p + n * p_step & 0xFFFFFF
    if n:
        st[7] = min(low, int(x.min()))
        st[8] = max(high, int(x.max()))
    st[9] = total + int(x.sum())
    st[10] = squares & 0xFFFFFF
    st[11] = limb + (squares >> 24)


def correlate(_x, _y, h, end, sine, bins, acc):
    """Harmonics h..end - 1 of folded places."""
    table = np.frombuffer(sine, "i4").astype(np.int64)
    places = np.frombuffer(bins, "i4").astype(np.int64).reshape(2, 128)
    into = np.frombuffer(acc, "i4").reshape(-1, 2)
    for one in range(h, end):
        x = places[one & 1]
        turn = _TURNS[one]
        into[one - 1] = (x * table[turn + 64] >> 6).sum(), (x * table[turn] >> 6).sum()
