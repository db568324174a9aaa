"""Phasors to samples, in exact arithmetic: the same bytes on every machine.

Every number is an integer, also where it sits in a float64: sines have 24 fractional bits,
amplitudes 12, so products and their sums stay below 2^53 and the fast float matrix product of
numpy is exact in any order. Nothing here calls a library sine at run time; the table is rounded
to integers once.

A channel is a column of amplitudes (constant, then cosine and sine of each order); a frame is a
row of the basis; samples are their product.
"""
import math

import numpy as np

from host_sim.world.supply import CYCLE

AMP_BITS = 12                    # fractional bits of an amplitude, in ADC codes
ROW_BITS = 24                    # fractional bits of a sine
CODE = 1.0 / (1 << (AMP_BITS + ROW_BITS))  # product to codes, an exact scaling
MID = 2048                       # code of zero
TOP = 4095
_AMP_MAX = 1 << 29               # of a column's amplitudes together; 64 times full scale

_TURN_BITS = 32                  # angles: 2^32 a cycle
_TURN = 1 << _TURN_BITS
_INDEX_BITS = 12                 # table entries a cycle; linear between them (error below 3e-7)
_FRAC_BITS = _TURN_BITS - _INDEX_BITS
_SINE = np.array([round(math.sin(2 * math.pi * i / (1 << _INDEX_BITS)) * (1 << 30))
                  for i in range((1 << _INDEX_BITS) + 1)], dtype=np.int64)
_SLOPE = np.diff(_SINE)
_FIVE12 = 5**12  # CYCLE is 2^12 * 5^12, so (phase << 20) // 5^12 has 2^32 a cycle


def sine_q30(turn):
    """sin of an angle in 2^32 a cycle (int or array), as an integer with 30 fractional bits."""
    turn = turn & (_TURN - 1)
    index = turn >> _FRAC_BITS
    return _SINE[index] + (_SLOPE[index] * (turn & ((1 << _FRAC_BITS) - 1)) >> _FRAC_BITS)


def cis(phase: int) -> complex:
    """exp(j phase), phase in CYCLE a cycle, from the integer table."""
    turn = (phase % CYCLE << 20) // _FIVE12
    return complex(int(sine_q30(turn + _TURN // 4)) / 2**30, int(sine_q30(turn)) / 2**30)


def basis(phase: int, f_mhz: int, t_ns, orders: tuple):
    """Rows for frames t_ns (int64 array, ns after the instant of `phase`): 1, cos h, sin h, ..."""
    turn = ((phase + f_mhz * t_ns) % CYCLE << 20) // _FIVE12
    h = np.array(orders, dtype=np.int64)
    turns = np.empty((len(t_ns), 2 * len(orders)), dtype=np.int64)
    turns[:, 1::2] = turn[:, None] * h
    turns[:, 0::2] = turns[:, 1::2] + _TURN // 4
    rows = np.empty((len(t_ns), 1 + 2 * len(orders)))
    rows[:, 0] = 1 << ROW_BITS
    rows[:, 1:] = sine_q30(turns) >> (30 - ROW_BITS)
    return rows


def column(constant: float, phasors: list, per_unit: float, orders: tuple, skew: int) -> list:
    """Amplitudes of a channel: rms phasors times per_unit (codes a V or A), read `skew` later.

    skew: phase of the fundamental that passes in the channel's delay, in CYCLE a cycle.
    """
    scale = math.sqrt(2.0) * per_unit * (1 << AMP_BITS)
    amplitudes = [round(constant * (1 << AMP_BITS))]
    for h, x in zip(orders, phasors, strict=True):
        x = x * cis(h * skew) * scale
        amplitudes += [round(x.real), -round(x.imag)]  # Re(X exp(j phase))
    size = sum(map(abs, amplitudes))
    if size > _AMP_MAX:                       # far beyond clipping: keep the arithmetic exact
        amplitudes = [a * _AMP_MAX // size for a in amplitudes]
    return amplitudes
