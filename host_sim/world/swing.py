"""Machines that swing: network reduced to their internal nodes, rotor, governor, AVR.

Per unit on 1 MVA and 10 kV; angles in electrical degrees against a frame that turns at exactly
50 Hz, speeds w as deviation in pu, times in s. The equations are those of spec/recloser.md,
section 5. Plain complex arithmetic, so that a run is the same on any machine. district.py builds
the network and steps the machines. Knows no switch, no time of day and no firmware.
"""
import cmath
import math
from collections.abc import Sequence

F_HZ = 50.0
E_MIN, E_MAX = 0.7, 1.8          # what the exciter reaches
_EXCITED = 0.5                   # pu of voltage below which the AVR holds still
_DEG = math.pi / 180

Matrix = list[list[complex]]


def solved(a: Matrix, b: Matrix) -> Matrix:
    """x of a x = b, by elimination with pivots. a must not be singular."""
    n = len(a)
    rows = [[*a[i], *b[i]] for i in range(n)]
    for p in range(n):
        top = max(range(p, n), key=lambda i: abs(rows[i][p]))
        rows[p], rows[top] = rows[top], rows[p]
        pivot = rows[p]
        for row in rows[p + 1:]:
            if row[p]:
                m = row[p] / pivot[p]
                row[p:] = [x - m * y for x, y in zip(row[p:], pivot[p:], strict=True)]
    width = len(rows[0]) - n
    x: Matrix = [[0j] * width for _ in range(n)]
    for i in reversed(range(n)):
        for k in range(width):
            got = rows[i][n + k] - sum(rows[i][j] * x[j][k] for j in range(i + 1, n))
            x[i][k] = got / rows[i][i]
    return x


def fed(y: Matrix, sources: int) -> list[int]:
    """Nodes behind the first `sources` that hang on one of them."""
    reached = set(range(sources))
    edge = list(reached)
    while edge:
        i = edge.pop()
        for j, link in enumerate(y[i]):
            if link and j not in reached:
                reached.add(j)
                edge.append(j)
    return [i for i in range(sources, len(y)) if i in reached]


def kron(y: Matrix, sources: int) -> tuple[Matrix, Matrix]:
    """The first `sources` nodes keep their voltage, the others go: I = reduced E, and
    U of the others = factors E. A node that nothing feeds has 0 V."""
    live = fed(y, sources)
    keep = range(sources)
    inner = [[y[i][j] for j in live] for i in live]
    outer = [[-y[i][j] for j in keep] for i in live]
    got = dict(zip(live, solved(inner, outer), strict=True)) if live else {}
    reduced = [[y[i][j] + sum(y[i][m] * got[m][j] for m in live) for j in keep] for i in keep]
    dead = [0j] * sources
    return reduced, [got.get(i, dead) for i in range(sources, len(y))]


def power(e: Sequence[complex], reduced: Matrix) -> list[float]:
    """Pe of each node: Re(E conj(Y E))."""
    return [(e[i] * sum(y * x for y, x in zip(row, e, strict=True)).conjugate()).real
            for i, row in enumerate(reduced)]


def power_by_angles(e_pu: Sequence[float], deg: Sequence[float], reduced: Matrix) -> list[float]:
    """Equation (8) as it is printed; a_ij are 90 degrees minus the impedance angle of y_ij."""
    out = []
    for i, row in enumerate(reduced):
        p = 0.0
        for j, y in enumerate(row):
            if j == i:
                p += e_pu[i] ** 2 * abs(y) * math.sin(math.pi / 2 + cmath.phase(y))
            else:
                a = math.pi / 2 + cmath.phase(-y)
                p += e_pu[i] * e_pu[j] * abs(y) * math.sin((deg[i] - deg[j]) * _DEG - a)
        out.append(p)
    return out


class Machine:
    """One generator. isl: isochronous, b off nominal speed; else droop only. x: what it has taken
    back of its power for that, pu of its rating. du_pu is added to the reference of its AVR.
    clipped: +1 at its greatest, -1 at its least power, 0 between."""

    __slots__ = ("name", "s_mva", "x_pu", "tj_s", "on", "p_mw", "p_ref_mw", "w", "delta_deg",
                 "e_pu", "isl", "x", "b", "du_pu", "until_ms", "clipped")

    def __init__(self, name: str, s_mva: float, x_d: float, tj_s: float):
        self.name = name
        self.s_mva = s_mva
        self.x_pu = x_d / s_mva          # x_d is on the machine's own rating
        self.tj_s = tj_s
        self.on = True
        self.p_mw = self.p_ref_mw = s_mva
        self.w = 0.0
        self.delta_deg = 0.0
        self.e_pu = 1.0
        self.isl = False
        self.x = self.b = 0.0
        self.du_pu = 0.0
        self.until_ms = 0
        self.clipped = 0

    def emf(self) -> complex:
        return cmath.rect(self.e_pu, self.delta_deg * _DEG)

    def swing(self, pe_mw: float, damping: float, dt_s: float) -> None:
        """Rotor: speed first, angle with the new speed (semi-implicit)."""
        dp = (self.p_mw - pe_mw) / self.s_mva
        self.w += dt_s * (dp - damping * self.w) / self.tj_s
        self.delta_deg += dt_s * 360 * F_HZ * self.w

    def govern(self, droop: float, tg_s: float, rate: float, dt_s: float) -> None:
        """Turbine power follows droop and x."""
        cmd = self.p_ref_mw / self.s_mva - (self.w - self.b) / droop - self.x
        self.clipped = (cmd >= 1) - (cmd <= 0)
        want = (min(max(cmd, 0.0), 1.0) * self.s_mva - self.p_mw) / tg_s
        most = rate * self.s_mva
        self.p_mw += dt_s * min(max(want, -most), most)

    def excite(self, u_pu: float, ka: float, dt_s: float) -> None:
        if u_pu > _EXCITED:
            self.e_pu += dt_s * ka * (1 + self.du_pu - u_pu)
            self.e_pu = min(max(self.e_pu, E_MIN), E_MAX)


def take_back(machines: Sequence[Machine], ki: float, dt_s: float) -> None:
    """x of those of one island that are told to be isochronous: the integral of their mean speed
    error, so that they share what changes. Out of a limit it may run back, further into it not."""
    told = [m for m in machines if m.on and m.isl]
    if not told:
        return
    dx = dt_s * ki * sum(m.w - m.b for m in told) / len(told)
    if all(m.clipped > 0 for m in told) and dx < 0 or all(m.clipped < 0 for m in told) and dx > 0:
        return
    for m in told:
        m.x += dx
