"""The district of Lahsh: a grid behind Q6, four machines, loads, reclosers R1 to R4, one fault.

Network of spec/recloser.md, section 5.1: source - Xs - Q6 - bus F; F - R1 - line - bus 1;
F - R2 - line - bus 2; bus 1 - R3 - tie - bus 2; R4 - part of bus 2's load. Everything in per unit
of 1 MVA and 10 kV, in a frame that turns at 50 Hz with the source at angle 0. A recloser stands at
the end that is named first, so that both its sides are one node while it is closed. The runner
steps it, turns its switches and asks; Q6, its protection and the fault act by themselves. Machines
learn of an island by request() only. Knows neither samples nor firmware.
"""
import cmath
import math

from host_sim.world.district_params import GENERATORS, DataError, Params
from host_sim.world.swing import F_HZ, Machine, Matrix, kron, power, take_back

RECLOSERS = ("r1", "r2", "r3", "r4")
BASE_A = 57.735                  # 1 MVA at 10 kV
_FAULT_PU = 1e5                  # bolted
_GRID, _F, _BUS1 = 0, 5, 6       # nodes: grid, g1 to g4, F, buses 1 and 2
_OF_BUS = (0, 0, 1, 1)
_ROUNDS, _NEAR = 50, 1e-12       # of the search for the steady state


class District:
    """Starts in steady state at 0 ms: R1, R2, R4, Q6 closed, R3 open, each machine at its rating,
    both buses at nominal voltage. load_share: of the greatest load. step_us: of integration."""

    def __init__(self, params: Params, load_share: float, step_us: int = 1000):
        if not (isinstance(load_share, float | int) and 0.0 < load_share <= 1.5):
            raise DataError([f"E566 district: load_share = {load_share!r} cannot be. Set above 0 "
                             "to 1.5."])
        self.params = params
        self.load_share = load_share
        self.machines = {name: Machine(name, *data) for name, *data in zip(
            GENERATORS, params.s_mw, params.x_d, params.tj_s, strict=True)}
        self.closed = {"r1": True, "r2": True, "r3": False, "r4": True}
        self.q6_closed = True
        self.fault_on = False
        self.marks: list[tuple[str, int]] = []
        self._all = list(self.machines.values())
        self._now_us = 0
        self._step_us = step_us
        self._fault_over = False
        self._over_us: int | None = None         # since when Q6 sees too much
        self._q6_opens_us: int | None = None
        self._q6_closes_us: int | None = None
        self._shots = 0
        self._known: dict[tuple, tuple[Matrix, Matrix]] = {}
        self._net: tuple[Matrix, Matrix] | None = None
        self._state: tuple[list[complex], list[complex]] | None = None
        self._settle()

    @property
    def now_ms(self) -> int:
        return self._now_us // 1000

    # -- what the runner does

    def switch(self, name: str, closed: bool) -> None:
        """The contact of a recloser touches or parts."""
        if self.closed[name] != closed:
            self.closed[name] = closed
            self._changed()

    def trip(self, gen: str) -> None:
        """Its breaker opens for good."""
        machine = self.machines[gen]
        if machine.on:
            machine.on = machine.isl = False
            machine.p_mw = machine.w = 0.0
            self._changed()

    def request(self, gen: str, isl: bool, df_hz: float, du_pu: float, until_ms: int) -> None:
        """What its governor and AVR are told; after until_ms it is droop and nominal voltage."""
        machine = self.machines[gen]
        if machine.on:
            machine.isl = isl
            machine.b = df_hz / F_HZ if isl else 0.0
            machine.du_pu = du_pu
            machine.until_ms = until_ms

    def step(self) -> None:
        """One step on, 1 ms unless built otherwise."""
        p, dt_s = self.params, self._step_us / 1e6
        self._protect()
        e, u = self._solved()
        pe = power(e, self._network()[0])
        for k, m in enumerate(self._all):
            if not m.on:
                continue
            if m.until_ms <= self.now_ms and (m.isl or m.du_pu):
                self.request(m.name, False, 0.0, 0.0, 0)
            m.swing(pe[1 + k], p.d, dt_s)
            m.govern(p.r_droop, p.tg_s, p.rate, dt_s)
            m.excite(abs(u[1 + _OF_BUS[k]]), p.ka, dt_s)
        for island in (self._all,) if self.joined() else (self._all[:2], self._all[2:]):
            take_back(island, p.ki, dt_s)
        self._now_us += self._step_us
        self._state = None

    # -- what the runner asks

    def sides(self, name: str) -> tuple[complex, complex]:
        """Voltages of both sides, now."""
        f, one, two = self._solved()[1]
        first, second = {"r1": (f, one), "r2": (f, two), "r3": (one, two), "r4": (two, 0j)}[name]
        return (first, first) if self.closed[name] else (first, second)

    def amps(self, name: str) -> complex:
        """From its first side to its second, now."""
        if not self.closed[name]:
            return 0j
        p = self.params
        f, one, two = self._solved()[1]
        if name == "r4":
            return two * self._load(p.r4_mw)
        first, second, z = {"r1": (f, one, p.line1), "r2": (f, two, p.line2),
                            "r3": (one, two, p.tie)}[name]
        return (first - second) / z

    def q6_amps(self) -> complex:
        return (1 - self._solved()[1][0]) / (1j * self.params.xs) if self.q6_closed else 0j

    def pe_mw(self) -> list[float]:
        """Electrical power of g1 to g4, now; what they give the network, while p_mw is what their
        turbines give them."""
        return power(self._solved()[0], self._network()[0])[1:]

    def joined(self) -> bool:
        """Buses 1 and 2 are one island, or on one grid."""
        return self.closed["r3"] or self.closed["r1"] and self.closed["r2"]

    def f_hz(self) -> float:
        """The island's frequency; 0: nothing runs."""
        s = sum(m.s_mva for m in self._all if m.on)
        return F_HZ * (1 + sum(m.s_mva * m.w for m in self._all if m.on) / s) if s else 0.0

    # -- the fault and Q6

    def _protect(self) -> None:
        """What begins at this instant. Definite time: too much without a break for q6_trip_s."""
        p, now = self.params, self._now_us
        if not self.fault_on and not self._fault_over and now >= round(p.fault_s * 1e6):
            self._fault(True)
        if self.fault_on and p.fault_for_s is not None and p.fault_for_s != math.inf \
                and now >= round((p.fault_s + p.fault_for_s) * 1e6):
            self._fault(False)
        if self._q6_closes_us is not None and now >= self._q6_closes_us:
            self._q6(True)
        if self._q6_opens_us is not None:
            if now >= self._q6_opens_us:
                self._q6(False)
        elif abs(self.q6_amps()) < p.q6_pickup_pu:
            self._over_us = None
        else:
            self._over_us = now if self._over_us is None else self._over_us
            if now - self._over_us >= round(p.q6_trip_s * 1e6):
                self._q6_opens_us = now + round(p.q6_open_s * 1e6)

    def _fault(self, on: bool) -> None:
        self.fault_on = on
        self._fault_over = not on
        self.marks.append(("fault" if on else "clear", self.now_ms))
        self._changed()

    def _q6(self, closed: bool) -> None:
        self.q6_closed = closed
        self._q6_opens_us = self._q6_closes_us = self._over_us = None
        self.marks.append(("D" if closed else "B", self.now_ms))
        self._changed()
        if closed:
            return
        if self.fault_on and self.params.fault_for_s is None:
            self._fault(False)
        if self._shots < self.params.q6_shots:
            self._shots += 1
            self._q6_closes_us = self._now_us + round(self.params.q6_reclose_s * 1e6)

    # -- the network

    def _changed(self) -> None:
        self._net = self._state = None

    def _load(self, mw: float) -> complex:
        """Admittance of a load that takes mw at nominal voltage and full share."""
        p = mw * self.load_share
        return complex(p, -p * math.tan(math.acos(self.params.pf)))

    def _network(self) -> tuple[Matrix, Matrix]:
        """Reduced admittances of grid and machines, and factors of the three buses."""
        if self._net is None:
            key = (self.q6_closed, self.fault_on, *self.closed.values(),
                   *(m.on for m in self._all))
            if key not in self._known:
                self._known[key] = kron(self._admittances(), 5)
            self._net = self._known[key]
        return self._net

    def _admittances(self) -> Matrix:
        p, closed = self.params, self.closed
        y: Matrix = [[0j] * 8 for _ in range(8)]
        branches = [(_F, _BUS1, p.line1, closed["r1"]), (_F, _BUS1 + 1, p.line2, closed["r2"]),
                    (_BUS1, _BUS1 + 1, p.tie, closed["r3"]),
                    (_GRID, _F, 1j * p.xs, self.q6_closed)]
        branches += [(1 + k, _BUS1 + _OF_BUS[k], 1j * m.x_pu, m.on)
                     for k, m in enumerate(self._all)]
        for i, j, z, there in branches:
            if there:
                y[i][j] = y[j][i] = -1 / z
                y[i][i] += 1 / z
                y[j][j] += 1 / z
        half = p.l_max_mw / 2
        y[_BUS1][_BUS1] += self._load(half)
        y[_BUS1 + 1][_BUS1 + 1] += self._load(half if closed["r4"] else half - p.r4_mw)
        if self.fault_on:
            y[_F][_F] += _FAULT_PU
        return y

    def _solved(self) -> tuple[list[complex], list[complex]]:
        """Voltages behind the reactances, of the grid and of g1 to g4, and those of F, 1, 2."""
        if self._state is None:
            e = [1 + 0j, *(m.emf() for m in self._all)]
            self._state = e, [sum(a * x for a, x in zip(row, e, strict=True))
                              for row in self._network()[1]]
        return self._state

    def _settle(self) -> None:
        """Angles of both buses at which the machines give their ratings and nominal voltage, by
        Newton; then what is behind the reactances, the reactive power shared by rating."""
        p = self.params
        y = self._admittances()
        for i, m in enumerate(self._all):        # the machines are what is looked for
            y[_BUS1 + _OF_BUS[i]][_BUS1 + _OF_BUS[i]] -= 1 / (1j * m.x_pu)
        want = [p.s_mw[0] + p.s_mw[1], p.s_mw[2] + p.s_mw[3]]

        def given(a: list[float]) -> list[complex]:
            """Complex power that flows from the machines into both buses."""
            u = [cmath.rect(1, x) for x in a]
            f = -(y[_F][_GRID] + y[_F][6] * u[0] + y[_F][7] * u[1]) / y[_F][_F]
            return [u[b] * (y[6 + b][_F] * f + y[6 + b][6 + b] * u[b]).conjugate() for b in (0, 1)]

        a = [0.0, 0.0]
        for _ in range(_ROUNDS):
            miss = [s.real - w for s, w in zip(given(a), want, strict=True)]
            if max(map(abs, miss)) < _NEAR:
                break
            h = 1e-6
            (c00, c10), (c01, c11) = ([(s.real - w - m) / h for s, w, m in zip(
                given(moved), want, miss, strict=True)]
                for moved in ([a[0] + h, a[1]], [a[0], a[1] + h]))
            det = c00 * c11 - c01 * c10
            if not det:
                break
            a = [a[0] - (c11 * miss[0] - c01 * miss[1]) / det,
                 a[1] - (c00 * miss[1] - c10 * miss[0]) / det]
        if not max(abs(s.real - w) for s, w in zip(given(a), want, strict=True)) < 1e-9:
            raise DataError(["E567 district: machines at their ratings and nominal voltage at "
                             "both buses have no steady state over these lines. Take smaller "
                             "line impedances or xs, or smaller machines."])
        for k, m in enumerate(self._all):
            b = _OF_BUS[k]
            s = given(a)[b] * m.s_mva / want[b]
            u = cmath.rect(1, a[b])
            e = u + 1j * m.x_pu * (s / u).conjugate()
            m.e_pu, m.delta_deg = abs(e), math.degrees(cmath.phase(e))
