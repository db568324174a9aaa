"""What stands around a recloser in a run: two sources, its breaker, load, faults, seven contacts.

While the breaker is closed one source feeds both sides: side 1 where it lives, else side 2. A
fault lies behind the recloser, on side 2, and is fed through it only. The current of a closing out
of step falls within a tenth of a second, as generators that are pulled into step do. Times in s,
voltages in per unit of nominal, currents in A secondary. Knows neither codes nor firmware.
"""
import cmath
import math
from dataclasses import dataclass, replace

from host_sim.world.breaker import Breaker
from host_sim.world.two_sided import DEAD_PU, Side, TwoSided, wrapped

INPUTS = ("closed_52a", "open_52b", "spring", "trip_coil", "battery", "remote", "hot_line_tag")
_SURGE_S = 0.1             # of a closing out of step
_X_PU = 0.3                # what lies between the sources, of 1 A and nominal voltage
_PHASES = "ABC"
_A = cmath.exp(-2j * math.pi / 3)


@dataclass(frozen=True)
class Fault:
    """i_a flows in its phases, at deg to the voltage that drives it, and u_pu of that is left;
    u0_pu: displacement of the neutral, an earth fault's. dead_s: so long without voltage ends it,
    as an arc; 0: it does not."""
    at_s: float
    end_s: float
    phases: str
    i_a: float
    deg: float
    u_pu: float
    u0_pu: float
    dead_s: float = 0.0


@dataclass(frozen=True)
class Load:
    i_a: float = 0.0
    deg: float = -18.0


@dataclass(frozen=True)
class Input:
    """A contact that does not say what it should, or a switch that somebody turns."""
    at_s: float
    end_s: float
    name: str
    value: int


def contacts(breaker: Breaker, charged: bool, inputs: list[Input], t_s: float) -> list[int]:
    """The seven inputs, as the board has them. charged: the closing spring."""
    a, b = breaker.aux(t_s)
    now = dict(zip(INPUTS, (a, b, int(charged), 1, 1, 1, 0), strict=True))
    for one in inputs:
        if one.at_s <= t_s < one.end_s:
            now[one.name] = one.value
    return [now[name] for name in INPUTS]


@dataclass(frozen=True)
class Touch:
    """A closing: sources at the moment at which the contacts touch. deg, hz: side 2 minus side 1;
    order_s: when its coil was driven."""
    t_s: float
    order_s: float
    deg: float
    slip_hz: float
    du_pct: float
    live: tuple[bool, bool]


class Bay:
    """spring_s: how long the motor takes to charge the closing spring again."""

    def __init__(self, world: TwoSided, breaker: Breaker, load: Load, faults: list[Fault],
                 inputs: list[Input], spring_s: float):
        self.world = world
        self.breaker = breaker
        self.touches: list[Touch] = []
        self.partings: list[tuple[float, float]] = []      # (contact parts, order) in s
        self._load = load
        self._faults = faults
        self._inputs = inputs
        self._spring_s = spring_s
        self._charged_s = 0.0
        self._closed = [(-1.0, breaker.closed(0.0))]       # since when which position
        self._repaired: list[float] = []

    def order(self, close: bool, t_s: float) -> None:
        at_s = self.breaker.order(close, t_s)
        if at_s is None:
            return
        while self._closed[-1][0] > t_s:                   # on its way: turned round, or again
            (self.touches if self._closed.pop()[1] else self.partings).pop()
        if close:
            self._charged_s = t_s + self._spring_s
            self.touches.append(self._touch(at_s, t_s))
        else:
            self.partings.append((at_s, t_s))
            self._part(at_s)
        self._closed.append((at_s, close))

    def _touch(self, t_s: float, order_s: float) -> Touch:
        w = self.world
        live = (bool(w.one.pu(t_s) > DEAD_PU), bool(w.two.pu(t_s) > DEAD_PU))
        return Touch(t_s, order_s, float(w.deg(t_s)), float(w.slip_hz(t_s)),
                     100 * float(w.du_pu(t_s)), live)

    def _part(self, t_s: float) -> None:
        """Side 2 goes on from the angle that both had."""
        one, two = self.world.one, self.world.two
        apart = float(one.cycles(t_s) - two.cycles(t_s))
        self.world = replace(self.world, two=replace(
            two, angle_deg=two.angle_deg + 360 * (apart - math.floor(apart))))

    # -- what is measured

    def cuts(self, begin_s: float, end_s: float) -> list[float]:
        """When something but the sources' own angles and sizes changes within."""
        times = [at for at, _ in self._closed]
        times += [at for fault in self._faults for at in (fault.at_s, fault.end_s)]
        times += self.world.one.changes() + self.world.two.changes()
        return sorted({at for at in times if begin_s < at < end_s})

    def closed(self, t_s: float) -> bool:
        return next(closed for at, closed in reversed(self._closed) if at <= t_s)

    def source(self, side: int, t_s: float) -> Side:
        """What feeds side 0 or 1."""
        w = self.world
        if self.closed(t_s):
            return w.one if w.one.pu(t_s) > DEAD_PU or w.two.pu(t_s) <= DEAD_PU else w.two
        return w.two if side else w.one

    def fault(self, t_s: float) -> Fault | None:
        """The one that is fed."""
        if not self.closed(t_s):
            return None
        return next((one for one in self._faults
                     if one.at_s <= t_s < one.end_s and not self._over(one, t_s)), None)

    def repair(self, t_s: float) -> None:
        """Whatever is wrong with the line now is mended."""
        self._repaired.append(t_s)

    def open_times(self, end_s: float) -> list[tuple[float, float]]:
        """(parted, touched or end_s) of each time that it was open, after the start."""
        ends = [at for at, _ in self._closed[1:]] + [end_s]
        return [(at, min(end, end_s)) for (at, closed), end in
                zip(self._closed, ends, strict=True) if not closed and 0 <= at < end_s]

    def _over(self, fault: Fault, t_s: float) -> bool:
        """Mended, or burnt out while the line was dead."""
        if any(fault.at_s <= at <= t_s for at in self._repaired):
            return True
        return fault.dead_s > 0 and any(
            end - max(begin, fault.at_s) >= fault.dead_s for begin, end in self.open_times(t_s))

    def lines(self, side: int, t_s: float) -> tuple[complex, complex]:
        """ab and bc behind this side's VT, of a source of 1 at angle 0."""
        ab, bc = (self.world.two if side else self.world.one).lines(t_s)
        fault = self.fault(t_s)
        if fault is not None and len(fault.phases) == 3:
            return ab * fault.u_pu, bc * fault.u_pu
        if fault is not None and len(fault.phases) == 2:
            ca = -(ab + bc)
            gone = 1 - fault.u_pu
            if fault.phases == "AB":
                return ab * fault.u_pu, bc + ab * gone / 2
            if fault.phases == "BC":
                return ab + bc * gone / 2, bc * fault.u_pu
            return ab + ca * gone / 2, bc + ca * gone / 2
        return ab, bc

    def u0(self, t_s: float) -> float:
        fault = self.fault(t_s)
        return fault.u0_pu if fault is not None else self.world.u0_pu

    def currents(self, t_s: float) -> list[complex]:
        """Of phases A, B, C, rms, against the angle of what feeds side 1. Line ab leads phase a by
        30 degrees, and the sources' angle is that of phase a."""
        if not self.closed(t_s):
            return [0j, 0j, 0j]
        i = cmath.rect(self._load.i_a, math.radians(self._load.deg))
        if self.touches:
            last = self.touches[-1]
            if last.t_s <= t_s and all(last.live):
                apart = cmath.exp(1j * math.radians(last.deg)) - 1
                i -= apart / (1j * _X_PU) * math.exp((last.t_s - t_s) / _SURGE_S)
        out = [i, i * _A, i * _A * _A]
        fault = self.fault(t_s)
        if fault is not None:
            f = cmath.rect(fault.i_a, math.radians(fault.deg))
            if len(fault.phases) == 2:
                first, second = {"AB": (0, 1), "BC": (1, 2), "CA": (2, 0)}[fault.phases]
                out[first] = f * _A**first * cmath.exp(1j * math.pi / 6)
                out[second] = -out[first]
            else:
                for phase in fault.phases:
                    k = _PHASES.index(phase)
                    out[k] += f * _A**k
        return out

    def levels(self, t_s: float) -> list[int]:
        """The seven inputs, as the board has them."""
        return contacts(self.breaker, t_s >= self._charged_s, self._inputs, t_s)

    def told(self, t_s: float) -> list[float]:
        """For a picture: U of both sides in pu, their frequencies in Hz, angle of side 2 minus
        side 1 in degrees, current of phase A in A."""
        sides = [self.source(k, t_s) for k in (0, 1)]
        u = [float(side.pu(t_s)) * abs(self.lines(k, t_s)[0]) for k, side in enumerate(sides)]
        f = [float(side.hz(t_s)) if u[k] > DEAD_PU else 0.0 for k, side in enumerate(sides)]
        deg = float(wrapped(sides[1].deg(t_s) - sides[0].deg(t_s)))
        return [*u, *f, deg, abs(self.currents(t_s)[0])]
