"""Random integers that are the same on every machine.

Every drawer of the world has its own dice, named by the run's seed and its own name, so that one
more relay or controller does not change what the others draw. Only raw 64-bit words of PCG64 are
used: numpy guarantees those; it does not guarantee its distributions.
"""
import hashlib

import numpy as np


def bits(*name) -> np.random.PCG64:
    """The generator called `name`, for example bits(seed, "eu1", "noise", 0)."""
    text = "/".join(str(part) for part in name)
    return np.random.PCG64(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little"))


class Dice:
    """Single draws."""

    def __init__(self, *name):
        self._bits = bits(*name)

    def below(self, n: int) -> int:
        """0..n-1. The bias of the modulo is n / 2^64: nothing."""
        return int(self._bits.random_raw()) % n

    def within(self, amount: int) -> int:
        """-amount..+amount."""
        return self.below(2 * amount + 1) - amount
