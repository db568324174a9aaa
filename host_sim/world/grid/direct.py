"""A slow solution of the same network by another way: the check of the engine.
All conductors of all buses in one dense matrix, no merged chains, no ports: Newton's method on
the node voltages. Shares with the engine the network's values and the source's impedance, nothing
else.
"""
from collections.abc import Sequence

import numpy as np

from host_sim.world.grid.network import GridError, Network, buses_of
from host_sim.world.grid.sources import thevenin_z

_ROUNDS = 60


def solve(network: Network, e: np.ndarray, loads: Sequence[tuple], open_lines=frozenset(),
          cut=frozenset(), faults=(), vmin_pu: float = 0.5) -> dict[tuple[str, str], complex]:
    """Voltage to earth of every conductor. loads: ((bus, plus, minus), s_va, y, i_a); below
    vmin_pu of the nominal voltage s_va and i_a are impedances. Every conductor must have a way to
    source or earth."""
    node: dict[tuple[str, str], int] = {}
    for bus, has in buses_of(network).items():
        for c in has:
            node[bus, c] = len(node)
    n = len(node)
    y = np.zeros((n + 1, n + 1), complex)        # the last row is earth

    def place(bus: str, c: str) -> int:
        return node.get((bus, c), n) if c != "E" else n

    def stamp(ends: list[tuple[int, int]], block: np.ndarray) -> None:
        for j, (p, m) in enumerate(ends):
            for k, (q, r) in enumerate(ends):
                y[p, q] += block[j, k]
                y[m, r] += block[j, k]
                y[p, r] -= block[j, k]
                y[m, q] -= block[j, k]

    for line in network.lines:
        if line.name in open_lines:
            continue
        code = network.codes[line.code]
        z = (np.array(code.r_ohm_per_km) + 1j * np.array(code.x_ohm_per_km)) * line.length_m / 1e3
        keep = [k for k, c in enumerate(line.phases) if (line.name, c) not in cut]
        stamp([(node[line.bus1, line.phases[k]], node[line.bus2, line.phases[k]]) for k in keep],
              np.linalg.inv(z[np.ix_(keep, keep)]))
    fed = [k for k in range(3) if ("source", "ABC"[k]) not in cut]
    lv = network.lv_bus
    y_s = np.linalg.inv(thevenin_z(network)[np.ix_(fed, fed)])
    star = place(lv, "N")
    stamp([(node[lv, "ABC"[k]], star) for k in fed], y_s)
    into = np.zeros(n + 1, complex)
    current = y_s @ np.asarray(e)[fed]
    for k, i in zip(fed, current, strict=True):
        into[node[lv, "ABC"[k]]] += i
        into[star] -= i
    for earth in network.earths:
        stamp([(place(earth.bus, earth.conductor), n)], np.array([[1.0 / earth.ohm]]))
    for bus, plus, minus, ohm in faults:
        stamp([(place(bus, plus), place(bus, minus))], np.array([[1.0 / ohm]]))
    plus = np.array([place(port[0], port[1]) for port, *_ in loads])
    minus = np.array([place(port[0], port[2]) for port, *_ in loads])
    s, y_load, i_load = (np.array([load[k] for load in loads], complex) for k in (1, 2, 3))
    vmin_v = np.array([vmin_pu * network.un_v * (3.0 ** 0.5 if port[2] in "ABC" else 1.0)
                       for port, *_ in loads])
    return _newton(network, node, y, into, (plus, minus), (s, y_load, i_load), vmin_v)


def _newton(network, node, y, into, ends, taken, vmin_v) -> dict[tuple[str, str], complex]:
    plus, minus = ends
    s, y_load, i_load = taken
    n = len(node)
    start = y.copy()
    np.add.at(start, (plus, plus), 1e-4)          # a little load where only constant power is
    np.add.at(start, (minus, minus), 1e-4)
    v = np.append(np.linalg.solve(start[:n, :n], into[:n]), 0.0)
    for _ in range(_ROUNDS):
        u = v[plus] - v[minus]
        a = np.maximum(np.abs(u), 1e-9)
        held = np.maximum(a, vmin_v)
        power, steady = np.conj(s) / held ** 2, i_load / held
        inside = a >= vmin_v
        i = (power + steady + y_load) * u
        miss = y @ v - into
        np.add.at(miss, plus, i)
        np.subtract.at(miss, minus, i)
        turn = (u / a) ** 2
        straight = np.where(inside, steady / 2.0, power + steady) + y_load
        mirror = -np.where(inside, power + steady / 2.0, 0.0) * turn
        one, two = y.copy(), np.zeros_like(y)
        for matrix, slope in ((one, straight), (two, mirror)):
            np.add.at(matrix, (plus, plus), slope)
            np.add.at(matrix, (minus, minus), slope)
            np.subtract.at(matrix, (plus, minus), slope)
            np.subtract.at(matrix, (minus, plus), slope)
        one, two, left = one[:n, :n], two[:n, :n], miss[:n]
        jacobian = np.block([[(one + two).real, (two - one).imag],
                             [(one + two).imag, (one - two).real]])
        step = np.linalg.solve(jacobian, -np.concatenate((left.real, left.imag)))
        move = step[:n] + 1j * step[n:]
        most = float(np.abs(move).max())
        v[:n] += move * min(1.0, 100.0 / max(most, 1e-9))
        if most < 1e-9:
            return {key: complex(v[k]) for key, k in node.items()}
    raise GridError(f"E361 {network.name}: the direct solution was not found. Take less power.")
