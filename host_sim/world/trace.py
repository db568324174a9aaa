"""What happened on the street, for reports, checks and plots: the world's own record, exact.

The firmware never sees it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

_LASTS_US = 1_000_000    # shorter states are inrush, bounce, switching


@dataclass
class Voltages:
    """A feeder from t_us on: rms at the customers' panels, V [customers x 3]; the phase that each
    is connected to, -1: none; u2/u1 and u0/u1 at the post, %."""

    t_us: int
    u_v: np.ndarray
    phase: np.ndarray
    unbalance_pct: tuple


class Trace:
    """Lists that only grow. Times in microseconds but for t_ms."""

    def __init__(self, customer_ids: list):
        self.contacts: list = []          # (t_us, customer id, phase, closed), with bounce
        self.breakers: list = []          # (t_us, acu id, closed) of branches, with bounce
        self.voltages: list = []          # of a feeder: Voltages of each state, when it began
        self.peak: Any = None             # (t_us, solution) of highest power at the post
        self.last: Any = None
        self.supply: list = []            # (t_us, (ua, ub, uc)), open-circuit V, changes
        self.joined_us = 0                # while any customer had two phase contacts closed
        self._u = [f"u_v{p}" for p in range(3)]
        self._s = [f"s_va{p}" for p in range(3)]
        self._peak = [f"i_peak{p}" for p in range(3)]
        self._customers = [f"s_va_{c}" for c in customer_ids]
        self.blocks: dict = {key: [] for key in
                             ("t_ms", *self._u, *self._s, *self._peak, *self._customers)}

    def note_supply(self, t_us: int, levels: tuple):
        """Keeps a change; two at one instant are one."""
        if self.supply and self.supply[-1][0] == t_us:
            self.supply.pop()
        if not self.supply or self.supply[-1][1] != levels:
            self.supply.append((t_us, levels))

    def note_state(self, t_us: int, solution) -> None:
        """A new state of a feeder."""
        if self.voltages and self.voltages[-1].t_us == t_us:
            self.voltages.pop()
        self.voltages.append(Voltages(t_us, solution.customers_v(), solution.phases(),
                                      solution.unbalance_pct()))
        self.settle(t_us)
        self.last = (t_us, solution)

    def settle(self, t_us: int) -> None:
        """The last state lasted until t_us: is it the highest of those that are no inrush?"""
        if self.last is not None and t_us - self.last[0] >= _LASTS_US:
            s_va = sum(self.last[1].s_va)
            if self.peak is None or s_va > sum(self.peak[1].s_va):
                self.peak = self.last

    def note_block(self, t_us: int, u_v: list, s_va: list, i_peak: list, customers_va: list):
        blocks = self.blocks
        blocks["t_ms"].append(t_us // 1000)
        for keys, values in ((self._u, u_v), (self._s, s_va), (self._peak, i_peak),
                             (self._customers, customers_va)):
            for key, value in zip(keys, values, strict=True):
                blocks[key].append(value)
