"""A network's customers as the engine's loads: ports, powers, limits.

One LoadPoint becomes one load a port: a three-phase one three of a third each.
"""
import math
from collections.abc import Sequence

import numpy as np

from host_sim.world.grid.circuit import Port
from host_sim.world.grid.loads import Limits
from host_sim.world.grid.network import PHASES, LoadPoint, Network, ports_of


def power_va(load: LoadPoint) -> complex:
    """At the nominal voltage, all phases together."""
    kvar = load.kvar
    if kvar is None:
        kvar = load.kw * math.copysign(math.sqrt(1.0 / load.pf ** 2 - 1.0), load.pf)
    return complex(load.kw, kvar) * 1000.0


def ports_needed(network: Network) -> list[Port]:
    """The ports of all customers, each once."""
    return list(dict.fromkeys(port for load in network.loads for port in ports_of(load)))


class Demand:
    """ports: the engine's. `owner[k]` is the customer of load k, by its place in network.loads."""

    def __init__(self, network: Network, ports: Sequence[Port]):
        index = {port: k for k, port in enumerate(ports)}
        at: list[int] = []
        owner: list[int] = []
        part: list[complex] = []
        u_v: list[float] = []
        lo: list[float] = []
        hi: list[float] = []
        low: list[float] = []
        for k, load in enumerate(network.loads):
            own = ports_of(load)
            for port in own:
                at.append(index[port])
                owner.append(k)
                part.append(power_va(load) / len(own))
                nominal = load.u_v or network.un_v * (math.sqrt(3.0) if port[2] in PHASES else 1.0)
                u_v.append(nominal)
                lo.append(load.vmin_pu * nominal)
                hi.append(load.vmax_pu * nominal)
                low.append(load.vlow_pu * nominal)
        self.network = network
        self.at, self.owner = np.array(at, np.intp), np.array(owner, np.intp)
        self._part, u = np.array(part, complex), np.array(u_v)
        models = np.array([network.loads[k].model for k in owner])
        self._p, self._z, self._i = (models == "p") * 1.0, (models == "z") / u ** 2, (
            models == "i") / u
        self.limits = Limits(np.array(lo), np.array(hi), u,
                             np.array(low) if any(low) else None)

    def scale(self, profiles: np.ndarray) -> np.ndarray:
        """[steps x loads] factors of the customers' kw: their columns of the profiles, or 1."""
        columns = [load.profile for load in self.network.loads]
        return np.stack([np.ones(len(profiles)) if c is None else profiles[:, c - 1]
                         for c in (columns[k] for k in self.owner)], axis=1)

    def taken(self, scale: np.ndarray | float = 1.0) -> tuple[np.ndarray, ...]:
        """(s_va, y, i_a) for solve and solve_many; scale: [loads] or [steps x loads]."""
        s = self._part * scale
        return s * self._p, np.conj(s) * self._z, np.conj(s) * self._i
