"""The four-recloser scheme without a recloser: what spec/recloser.md, section 4 says, on the true
phasors, at once and without a mistake. The measure for what the firmware reaches, and the two
baselines beside it: nobody does anything, and R1 closes at 6.5 s whatever the angle.
"""
import cmath
import itertools
import math
from dataclasses import dataclass

from host_sim.study.islanding_watch import Watch, Watched
from host_sim.world.district_params import GENERATORS, Params

IDEAL, NONE, BLIND = "ideal", "none", "blind"
_PAI_MS, _TRIP_MS, _UFLS_MS = 100, 770, 600      # after the fault; after A; below 48 Hz
CLOSE_MS = 6500                                  # blind, and the earliest that is checked
_NEXT_MS = 200                                   # R1, R2, R3
_DWELL_MS, _TOUCH_S = 100, 0.05
_D_DEG, _D_HZ, _D_PU = 10.0, 0.20, 0.05
_UFLS_HZ, _BIAS_HZ = 48.0, 0.10
QUIET_MS = 6000                                  # of a run after R3 opened


@dataclass(frozen=True)
class Played:
    watch: Watch
    district: Watched
    tripped: tuple[str, ...]
    ufls_ms: int | None


def trip_set(params: Params, load_share: float) -> tuple[str, ...]:
    """Machines whose loss leaves enough with the least surplus; none, if no set leaves enough."""
    load = params.l_max_mw * load_share
    best: tuple[str, ...] = ()
    least = math.inf
    for n in range(len(GENERATORS) + 1):
        for chosen in itertools.combinations(range(len(GENERATORS)), n):
            left = sum(s for k, s in enumerate(params.s_mw) if k not in chosen)
            if load <= left + 1e-9 and left - load < least - 1e-9:
                least, best = left - load, tuple(GENERATORS[k] for k in chosen)
    return best


class _Scheme:
    def __init__(self, district: Watched, kind: str):
        self._d = district
        self._blind = kind == BLIND
        self.tripped: tuple[str, ...] = ()
        self.ufls_ms: int | None = None
        self.over_ms: int | None = None          # R3 is open again
        self._a_ms: int | None = None
        self._low_ms: int | None = None
        self._ok_ms: int | None = None
        self._e_ms: int | None = None
        self._balanced = False
        self._pai_ms = round(district.params.fault_s * 1000) + _PAI_MS

    def act(self) -> None:
        d, now = self._d, self._d.now_ms
        if self._a_ms is None:
            if now >= self._pai_ms:
                self._a_ms = now
                for name, closed in (("r1", False), ("r2", False), ("r3", True)):
                    d.switch(name, closed)
            return
        if self.over_ms is not None:
            return
        if self._e_ms is None:
            back = any(name == "D" for name, _ in d.marks)
            for gen in GENERATORS:
                d.request(gen, True, _BIAS_HZ if back else 0.0, 0.0, now + 1000)
        if now >= self._a_ms + _TRIP_MS and not self._balanced:
            self._balanced = True
            self.tripped = trip_set(d.params, d.load_share)
            for gen in self.tripped:
                d.trip(gen)
        self._shed(now)
        self._join(now)

    def _shed(self, now: int) -> None:
        if self._d.f_hz() >= _UFLS_HZ:
            self._low_ms = None
        elif self._low_ms is None:
            self._low_ms = now
        elif now - self._low_ms >= _UFLS_MS and self.ufls_ms is None:
            self.ufls_ms = now
            self._d.switch("r4", False)

    def _join(self, now: int) -> None:
        d = self._d
        if self._e_ms is None:
            if now >= CLOSE_MS if self._blind else self._checked(now):
                d.switch("r1", True)
                self._e_ms = now
        elif now >= self._e_ms + _NEXT_MS and not d.closed["r2"]:
            d.switch("r2", True)
        elif now >= self._e_ms + 2 * _NEXT_MS:
            d.switch("r3", False)
            for gen in GENERATORS:
                d.request(gen, False, 0.0, 0.0, now)
            self.over_ms = now

    def _checked(self, now: int) -> bool:
        d = self._d
        grid, island = d.sides("r1")
        ok = now >= CLOSE_MS and abs(grid) > 0.85 and abs(island) > 0.85
        if ok:
            deg = math.degrees(cmath.phase(island / grid))
            slip = d.f_hz() - 50.0
            then = deg + 360 * slip * _TOUCH_S
            ok = (abs(deg) < _D_DEG and abs(then) < _D_DEG and abs(slip) < _D_HZ
                  and abs(abs(island) - abs(grid)) < _D_PU)
        if not ok:
            self._ok_ms = None
            return False
        self._ok_ms = now if self._ok_ms is None else self._ok_ms
        return now - self._ok_ms >= _DWELL_MS


def play(params: Params, load_share: float, kind: str, until_ms: int,
         step_us: int = 1000) -> Played:
    """To the end of the run, or until it is lost, or quiet for QUIET_MS after the sequence."""
    d = Watched(params, load_share, step_us)
    scheme = _Scheme(d, kind)
    while d.now_ms < until_ms and not d.watch.lost():
        if kind != NONE:
            scheme.act()
        d.step()
        if scheme.over_ms is not None and d.now_ms >= scheme.over_ms + QUIET_MS:
            break
    return Played(d.watch, d, scheme.tripped, scheme.ufls_ms)
