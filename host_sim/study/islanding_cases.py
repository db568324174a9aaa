"""Variants of the district: inertia of each machine, impedance of each line and the load, each up
to half more or less than in spec/recloser.md, drawn for one of its three load cases.

A variant whose load, without what R4 sheds, is more than all machines give is one that nobody
could carry; it is drawn and played all the same and counted apart.
"""
from dataclasses import dataclass, replace

import numpy as np

from host_sim.world.dice import bits
from host_sim.world.district_params import Params

BASES = (0.2, 0.6, 1.0)
SPREAD = 0.5
_DIGITS = 4                       # of a factor: what is written is what is played


@dataclass(frozen=True)
class Variant:
    number: int
    base: float                   # load case
    load_share: float
    params: Params

    @property
    def can_be_carried(self) -> bool:
        p = self.params
        return self.load_share * (p.l_max_mw - p.r4_mw) <= sum(p.s_mw)


def variant(seed: int, number: int) -> Variant:
    rng = np.random.Generator(bits(seed, "islanding", number))
    base = BASES[number % len(BASES)]
    usual = Params()

    def some(n: int) -> list[float]:
        return [round(float(x), _DIGITS) for x in rng.uniform(1 - SPREAD, 1 + SPREAD, n)]

    (load,), inertia, lines = some(1), some(4), some(3)
    return Variant(number, base, base * load, replace(
        usual, tj_s=tuple(t * k for t, k in zip(usual.tj_s, inertia, strict=True)),
        line1=usual.line1 * lines[0], line2=usual.line2 * lines[1], tie=usual.tie * lines[2]))
