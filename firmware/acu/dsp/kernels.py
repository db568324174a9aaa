"""The per-sample loop: sums and fundamental correlations of pairs of channels (DRF-2).

In: raw unsigned 12-bit codes, frames of STRIDE codes each (channel k in place k), in a ring of
whole frames. Out: nine sums a pair as in docs/architecture.md, the sampler door, each of magnitude
below 2^30 for at most 127 frames: 127 * 2048 * 4096 is 1,065,353,216. Raw sums reach 127 * 4095^2,
which is below 2^31, so nothing wraps on the way; the centre 2048 is removed afterwards.

STRIDE is 8 because a DMA ring of the RP2040 must be a power of two in bytes and hold whole frames,
and because loads at constant places cost half. The first two parameters are the hot locals: viper
keeps two locals in registers. On CPython host_sim/waveform/twin.py does the same in numpy.
"""
import sys
from array import array

import micropython
from micropython import const

STRIDE = const(8)
MAX_FRAMES = const(127)


def _sine():
    """sin in Q12 at the middle of 256 steps, and a quarter more so that cos is 64 places on.

    The middle: a phase cut to its upper 8 bits is then off by nothing in the mean.
    """
    table = array("i", range(320))
    c, s = 1073660973, 13176464  # cos and sin of half a step, Q30
    for k in range(320):
        table[k] = (s + 0x20000) >> 18
        c, s = ((c * 1073418433 - s * 26350943 + 0x20000000) >> 30,  # turned by one step
                (s * 1073418433 + c * 26350943 + 0x20000000) >> 30)
    return table


SINE = _sine()


@micropython.viper
def take_pairs(x: int, y: int, ring: ptr16, par: ptr32, ref: ptr32, sine: ptr32, out: ptr32):
    """Adds the sums of x frames from frame y on to out, and advances ref[0] over them.

    par: frames in the ring, number of pairs, then v and i channel of each pair.
    """
    frames = x
    first = y
    step = ref[1]
    cosine = ptr32(int(sine) + 256)
    p = 0
    k = 0
    o = 0
    while k < par[1]:
        a = 0
        b = 0
        c = 0
        d = 0
        e = 0
        vc = 0
        vs = 0
        jc = 0
        js = 0
        p = ref[0]
        at = int(ring) + (first << 4)
        rest = frames
        piece = par[0] - first
        while rest > 0:
            if piece > rest:  # noqa: PLR1730  viper has no min()
                piece = rest
            v = ptr16(at + (par[2 + k + k] << 1))
            i = ptr16(at + (par[3 + k + k] << 1))
            n = piece
            while n >= 4:
                x = v[0]
                y = i[0]
                a = x + a
                b = y + b
                c = x * x + c
                d = y * y + d
                e = x * y + e
                x = v[8]
                y = i[8]
                a = x + a
                b = y + b
                c = x * x + c
                d = y * y + d
                e = x * y + e
                x = v[16]
                y = i[16]
                a = x + a
                b = y + b
                c = x * x + c
                d = y * y + d
                e = x * y + e
                x = v[24]
                y = i[24]
                a = x + a
                b = y + b
                c = x * x + c
                d = y * y + d
                e = x * y + e
                v = ptr16(int(v) + 64)
                i = ptr16(int(i) + 64)
                n -= 4
            while n:
                x = v[0]
                y = i[0]
                a = x + a
                b = y + b
                c = x * x + c
                d = y * y + d
                e = x * y + e
                v = ptr16(int(v) + 16)
                i = ptr16(int(i) + 16)
                n -= 1
            v = ptr16(at + (par[2 + k + k] << 1))
            i = ptr16(at + (par[3 + k + k] << 1))
            n = piece
            while n:
                y = p >> 16 & 255
                p += step
                x = v[0] - 2048
                vc = x * cosine[y] + vc
                vs = x * sine[y] + vs
                x = i[0] - 2048
                jc = x * cosine[y] + jc
                js = x * sine[y] + js
                v = ptr16(int(v) + 16)
                i = ptr16(int(i) + 16)
                n -= 1
            at = int(ring)  # the rest is at the start of the ring
            rest -= piece
            piece = rest
        x = frames << 11
        out[o] += a - x
        out[o + 1] += b - x
        x = frames << 22
        out[o + 2] += c - (a << 12) + x
        out[o + 3] += d - (b << 12) + x
        out[o + 4] += e - (a + b << 11) + x
        out[o + 5] += vc
        out[o + 6] += vs
        out[o + 7] += jc
        out[o + 8] += js
        o += 9
        k += 1
    ref[0] = p & 0xFFFFFF


@micropython.viper
def spread(codes: ptr8, frames: int, ring: ptr16, par: ptr32, head: int):
    """Copies frames of par[0] packed little-endian codes into a ring of par[1] frames, at head."""
    width = par[0]
    mask = par[1] - 1
    s = 0
    while frames:
        d = (head & mask) << 3
        k = 0
        while k < width:
            ring[d + k] = codes[s] | codes[s + 1] << 8
            s += 2
            k += 1
        head += 1
        frames -= 1


@micropython.viper
def skip(ref: ptr32, frames: int):
    """Advances the reference over frames that were lost; the product counts modulo 2^24 only."""
    ref[0] = int(uint(ref[0]) + uint(frames) * uint(ref[1])) & 0xFFFFFF


if sys.platform == "rp2":  # the same sums in a fifth of the time
    from acu.dsp.kernels_thumb import take_pairs  # noqa: F401, F811
