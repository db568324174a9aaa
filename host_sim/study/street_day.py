"""A day on a feeder for the balancing study: powers minute by minute, and what the grid makes of
them under a given arrangement of the customers on the phases.

Powers in VA (complex), currents in A, voltages in V. An arrangement is an array of phases 0, 1, 2,
one for each customer that can be moved; days are arrays of arrangements, one an hour.
"""
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host_sim.world.grid import synthetic
from host_sim.world.grid.csv_files import read_network, read_profiles
from host_sim.world.grid.demand import Demand, ports_needed
from host_sim.world.grid.engine import Engine
from host_sim.world.grid.network import PHASES, GridError, Network, buses_of
from host_sim.world.grid.sources import open_circuit

MINUTES = 1440
HOUR = 60
VA_EACH = 2000      # rated power of the circuit, a customer: what F4 measures unbalance against
_TURN = np.exp(2j * np.pi / 3)


@dataclass(frozen=True)
class Flow:
    """Minute by minute: losses of the circuit, the post's neutral, u2/u1 in percent."""

    losses_w: np.ndarray
    neutral_a: np.ndarray
    vuf_post_pct: np.ndarray
    vuf_worst_pct: np.ndarray    # of the customer who has it worst in that minute

    @property
    def kwh(self) -> float:
        return float(self.losses_w.sum()) / 60_000.0


class Feeder:
    """profiles: kW, [minutes x columns]. Raises GridError with all that is wrong."""

    def __init__(self, network: Network, profiles: np.ndarray):
        if len(profiles) < MINUTES or len(profiles) % MINUTES:
            raise GridError(f"E371 {network.name}: {len(profiles)} minutes of profiles. Give "
                            f"whole days, {MINUTES} rows each.")
        wanted = max((load.profile or 0 for load in network.loads), default=0)
        if wanted > profiles.shape[1]:
            raise GridError(f"E372 {network.name}: a load has profile {wanted}, there are "
                            f"{profiles.shape[1]}. Choose one of them.")
        self.network = network
        self.profiles = profiles
        has = buses_of(network)
        self.movable = [k for k, load in enumerate(network.loads)
                        if load.phases in PHASES and set(PHASES) <= set(has[load.bus])
                        and load.kw > 0]
        if not self.movable:
            raise GridError(f"E373 {network.name}: no single-phase customer at a bus with three "
                            "phases. Without one there is nothing to move.")
        self._buses = list(dict.fromkeys([network.lv_bus, *(
            network.loads[k].bus for k in self.movable)]))
        ports = [*ports_needed(network),
                 *((bus, phase, "N") for bus in self._buses for phase in PHASES),
                 *((network.loads[k].bus, phase, network.loads[k].neutral)
                   for k in self.movable for phase in PHASES)]
        self.engine = Engine(network, list(dict.fromkeys(ports)))
        self.e = open_circuit(network)
        self._demand = Demand(network, self.engine.ports)
        index = self.engine.index
        # rows of the loads that can be moved, and the ports that each may have
        self._rows = np.array([int(np.flatnonzero(self._demand.owner == k)[0])
                               for k in self.movable])
        self.ports = np.array([[index[network.loads[k].bus, phase, network.loads[k].neutral]
                                for phase in PHASES] for k in self.movable])
        self.home = np.array([PHASES.index(network.loads[k].phases) for k in self.movable])
        self._seen = np.array([[index[bus, phase, "N"] for phase in PHASES]
                               for bus in self._buses])
        self.take(profiles)

    @property
    def days(self) -> int:
        return len(self._s) // MINUTES

    def take(self, profiles: np.ndarray) -> None:
        """Other profiles, of the same customers."""
        self._s, y, i_a = self._demand.taken(self._demand.scale(profiles))
        self._y, self._i = (x if x.any() else None for x in (y, i_a))
        # at the nominal voltage, whatever the load's kind
        u = self.network.un_v
        self.s = (self._s + (0 if self._y is None else np.conj(y) * u * u)
                  + (0 if self._i is None else np.conj(i_a) * u))[:, self._rows]

    def deal(self, seed: int) -> None:
        """Deals the profiles anew: another day of as likely a street."""
        r = np.random.default_rng(seed)
        self.take(self.profiles[:, r.permutation(self.profiles.shape[1])])

    def solve(self, minutes: slice, arrangement: np.ndarray):
        at = self._demand.at.copy()
        at[self._rows] = self.ports[np.arange(len(arrangement)), arrangement]

        def some(x):
            return None if x is None else x[minutes]

        return self.engine.solve_many(self.e, at, self._s[minutes], some(self._y), some(self._i))

    def flow(self, hours: Sequence[np.ndarray]) -> Flow:
        """hours: the arrangement of each hour."""
        losses, neutral, post, worst = [], [], [], []
        for h, arrangement in enumerate(hours):
            states = self.solve(slice(HOUR * h, HOUR * (h + 1)), arrangement)
            u = states.u[:, self._seen]                       # minute, bus, phase
            u1 = abs(u[..., 0] + _TURN * u[..., 1] + _TURN ** 2 * u[..., 2])
            u2 = abs(u[..., 0] + _TURN ** 2 * u[..., 1] + _TURN * u[..., 2])
            vuf = 100 * u2 / u1
            losses.append(states.losses_va.real)
            neutral.append(abs(states.i_src.sum(axis=1)))
            post.append(vuf[:, 0])
            worst.append(vuf[:, 1:].max(axis=1))
        return Flow(*(np.concatenate(x) for x in (losses, neutral, post, worst)))

    @property
    def resistance(self) -> np.ndarray:
        """Real part of the impedances between `ports`, ohm: losses are i* R i."""
        return self.engine.circuit.z.real

    @property
    def rated_va(self) -> int:
        return VA_EACH * len(self.network.loads)


def made_up(seed: int, days: int, customers: int = 55) -> Feeder:
    """A synthetic street; each day has its own profiles."""
    profiles = np.concatenate([synthetic.day(customers, seed + 1000 * d) for d in range(days)])
    return Feeder(synthetic.feeder(customers, seed), profiles)


def from_folder(folder: Path, days: int | None) -> Feeder:
    """The feeder of a folder with its profiles; days: of those that it has, from the first."""
    feeder, profiles = read_network(folder), read_profiles(folder)
    if days is not None:
        if len(profiles) < days * MINUTES:
            raise GridError(f"E374 {folder}: profiles of {len(profiles) // MINUTES} days, "
                            f"{days} wanted. Give --days {len(profiles) // MINUTES}.")
        profiles = profiles[:days * MINUTES]
    return Feeder(feeder, profiles)
