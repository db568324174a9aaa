"""Loads of the power flow: constant power, current and impedance, and the way to a solution.
A load takes conj(s/u) + y u + i u/|u| while |u| is between its limits. Outside, its s and i
become the constant impedance that they are at the limit; below, where `low_v` is given, the
current falls in a straight line to that of the nominal impedance at low_v (as in OpenDSS). So
every network has a solution, and a load without voltage takes nothing.
"""
from dataclasses import dataclass

import numpy as np

from host_sim.world.grid.network import GridError

# Last step of any voltage, V: the error left is that times the contraction (0.05 or so).
TOLERANCE_V = 1e-6
_PLAIN, _ADMITTANCE, _NEWTON = 25, 25, 60         # rounds
_STEP_MAX = 1e-4                                  # smallest step of the damped Newton iteration


@dataclass(frozen=True)
class Limits:
    """Bounds of each load's voltage, V; `u_v` its nominal voltage, `low_v` see above (0: none)."""

    lo_v: np.ndarray
    hi_v: np.ndarray
    u_v: np.ndarray
    low_v: np.ndarray | None = None


class Loads:
    """One set of loads (arrays of one length) for the robust iterations.

    Everywhere a load's current is (p/a^2 + c/a + k) u, a = |u|, with p, c, k of its present range.
    """

    def __init__(self, s: np.ndarray, y: np.ndarray, i: np.ndarray, limits: Limits):
        self.s_conj = np.conj(s)
        self.y, self.i, self.limits = y, i, limits
        self.nominal = self._admittance(limits.u_v)
        self._high = self._admittance(limits.hi_v)
        self._at_lo = self._admittance(limits.lo_v)
        low = limits.low_v
        if low is not None:
            lo = limits.lo_v
            self._slides = (low > 0.0) & (low < lo)
            slope = (lo * self._at_lo - low * self.nominal) / np.where(self._slides, lo - low, 1.0)
            self._slope = np.where(self._slides, slope, 0.0)
            self._rest = low * (self.nominal - self._slope)

    def _admittance(self, v: np.ndarray) -> np.ndarray:
        return self.s_conj / (v * v) + self.i / v

    def _parts(self, a: np.ndarray) -> tuple[np.ndarray, ...]:
        """p/a^2, c/a, k."""
        below, above = a < self.limits.lo_v, a > self.limits.hi_v
        inside = ~(below | above)
        safe = np.where(inside, a, 1.0)
        p = np.where(inside, self.s_conj / (safe * safe), 0.0)
        c = np.where(inside, self.i / safe, 0.0)
        k = np.where(below, self._at_lo, np.where(above, self._high, 0.0))
        low = self.limits.low_v
        if low is not None and (below & self._slides).any():
            between = below & self._slides & (a > low)
            c = np.where(between, self._rest / np.where(between, a, 1.0), c)
            k = np.where(between, self._slope, np.where(below & self._slides, self.nominal, k))
        return p, c, k + self.y

    def current(self, v: np.ndarray) -> np.ndarray:
        p, c, k = self._parts(np.abs(v))
        return (p + c + k) * v

    def slopes(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(dI/dv, dI/dv*) of the current."""
        a = np.abs(v)
        p, c, k = self._parts(a)
        turn = np.where(a > 0.0, v / np.where(a > 0.0, a, 1.0), 0.0)
        return k + c / 2.0, -(p + c / 2.0) * turn * turn


def robust(e: np.ndarray, z: np.ndarray, loads: Loads, start: np.ndarray, hard: bool,
           aid: float, name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """(voltages, currents, rounds) of v = e - z I(v): plain, then with the loads' nominal
    admittance in the matrix, then Newton with shorter steps. GridError if nothing helps.
    aid: what the circuit has across each load and the loads' y has less."""
    rounds = 0
    if not hard:
        v, last = start, np.inf
        for rounds in range(1, _PLAIN + 1):
            i = loads.current(v)
            new = e - z @ i
            step = float(np.abs(new - v).max(initial=0.0))
            v = new
            if _near(step, last):
                return v, i, rounds
            if not step < 1e6 or rounds > 8 and step > last:
                break
            last = step
    y0 = loads.nominal + loads.y + aid
    y0 = np.where(y0.real > 0.0, y0, 0.0) - aid
    matrix = np.linalg.inv(np.eye(len(e)) + z * y0)
    v, last = matrix @ e, np.inf
    for extra in range(1, _ADMITTANCE + 1):
        i = loads.current(v)
        new = matrix @ (e - z @ (i - y0 * v))
        step = float(np.abs(new - v).max(initial=0.0))
        v = new
        if _near(step, last):
            return v, loads.current(v), rounds + extra
        if not step < 1e6:
            break
        last = step
    rounds += extra
    for first in (v, start, matrix @ e):
        if not np.isfinite(first).all():
            continue
        found = _newton(e, z, loads, first)
        if found is not None:
            v, extra = found
            return v, loads.current(v), rounds + extra
    raise GridError(f"E361 {name}: no solution of the power flow was found in this state. "
                    "Take less power, or let the loads become impedances earlier (vmin_pu).")


def _near(step: float, last: float) -> bool:
    """The steps still to come, in the ratio of the last two, add up to less than the tolerance."""
    return step < TOLERANCE_V and step * step <= TOLERANCE_V * (last - step)


def _newton(e: np.ndarray, z: np.ndarray, loads: Loads, v: np.ndarray
            ) -> tuple[np.ndarray, int] | None:
    """Newton's method on v - e + z I(v) = 0 with a line search; None: no solution."""
    n = len(e)
    jacobian = np.empty((2 * n, 2 * n))
    miss = v - e + z @ loads.current(v)
    for rounds in range(1, _NEWTON + 1):
        straight, mirror = loads.slopes(v)
        a, b = np.eye(n) + z * straight, z * mirror
        jacobian[:n, :n], jacobian[:n, n:] = (a + b).real, (b - a).imag
        jacobian[n:, :n], jacobian[n:, n:] = (a + b).imag, (a - b).real
        try:
            step = np.linalg.solve(jacobian, -np.concatenate((miss.real, miss.imag)))
        except np.linalg.LinAlgError:
            return None
        whole = step[:n] + 1j * step[n:]
        size, part = float(np.linalg.norm(miss)), 1.0
        while part > _STEP_MAX:
            new = v + part * whole
            left = new - e + z @ loads.current(new)
            if float(np.linalg.norm(left)) <= (1.0 - 0.1 * part) * size or size < TOLERANCE_V:
                break
            part /= 2.0
        else:
            return None
        v, miss = new, left
        if part * float(np.abs(whole).max(initial=0.0)) < TOLERANCE_V:
            return v, rounds
    return None
