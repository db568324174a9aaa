"""The isolated microgrid as a plant: PV, load, battery, hydrogen, diesel set, and what it costs.

Spec microgrid_dispatch, section 3. Exact in integers, any step from 1 s to 1 h: powers in mW at
the bus, stores in mW s (an hourly step keeps its fractions of a mWh), costs in nano-EUR. The plant
does what set-points ask as far as it can: no store leaves its bounds and no energy appears,
whatever is asked. Knows nothing of the firmware; the places of a set-point list are the spec's.
"""
from dataclasses import dataclass, field

BAT, H2, DIE, CUR, PNS, RUN = range(6)
HOUR_S = 3600


@dataclass(frozen=True)
class StoreSpec:
    """p_max_mw: bus-side limit both ways; eta_pm: stored of what is taken, zeta_pm: delivered of
    what is stored, per mille."""

    p_max_mw: int
    cap_mwh: int
    eta_pm: int
    zeta_pm: int
    start_mwh: int = 0


@dataclass(frozen=True)
class PlantSpec:
    """Defaults: spec microgrid_dispatch, Table 1."""

    battery: StoreSpec = StoreSpec(2_900_000, 2_900_000, 950, 950)
    hydrogen: StoreSpec = StoreSpec(1_000_000, 200_000_000, 650, 650, 100_000_000)
    d_max_mw: int = 1_000_000
    d0_ueur_h: int = 15_700
    d1_ueur_kwh: int = 108_000
    d2_ueur_kw2h: int = 310_000
    c_pns_ueur_kwh: int = 1_000_000

    @classmethod
    def of(cls, plant, battery_pct: float = 0, hydrogen_pct: float = 50) -> "PlantSpec":
        """What a controller believes in (anything with these names); its stores so full at
        first."""
        def store(one, pct):
            return StoreSpec(one.p_max_mw, one.cap_mwh, one.eta_pm, one.zeta_pm,
                             round(one.cap_mwh * pct / 100))
        return cls(store(plant.battery, battery_pct), store(plant.hydrogen, hydrogen_pct),
                   plant.d_max_mw, plant.d0_ueur_h, plant.d1_ueur_kwh, plant.d2_ueur_kw2h,
                   plant.c_pns_ueur_kwh)


def diesel_neur_h(spec, p_mw, run):
    """Cost of an hour of the diesel set at p_mw, nano-EUR (10)."""
    return ((spec.d2_ueur_kw2h * p_mw * p_mw + 500_000_000) // 1_000_000_000
            + spec.d1_ueur_kwh * p_mw // 1000 + (1000 * spec.d0_ueur_h if run else 0))


class Tank:
    """One store. e_mws: stored, mW s."""

    def __init__(self, spec):
        self.spec = spec
        self.e_mws = spec.start_mwh * HOUR_S
        self._cap_mws = spec.cap_mwh * HOUR_S

    @property
    def e_mwh(self):
        return self.e_mws // HOUR_S

    def able(self, p_mw, dt_s):
        """What it can do of p_mw for dt_s: deliver (positive) or take."""
        spec = self.spec
        if p_mw > 0:
            return min(p_mw, spec.p_max_mw, self.e_mws * spec.zeta_pm // (1000 * dt_s))
        return -min(-p_mw, spec.p_max_mw,
                    (self._cap_mws - self.e_mws) * 1000 // (spec.eta_pm * dt_s))

    def move(self, p_mw, dt_s):
        """Does it as far as it can; returns what it did."""
        p_mw = self.able(p_mw, dt_s)
        if p_mw > 0:
            self.e_mws -= -(-p_mw * dt_s * 1000 // self.spec.zeta_pm)
        else:
            self.e_mws += -p_mw * dt_s * self.spec.eta_pm // 1000
        return p_mw


@dataclass
class Totals:
    """Since the start, or since they were taken: mW s and nano-EUR times seconds of an hour."""

    cost_neur_s: int = 0
    diesel_mws: int = 0
    diesel_s: int = 0
    pns_mws: int = 0
    cur_mws: int = 0
    b_in_mws: int = 0
    b_out_mws: int = 0
    h_in_mws: int = 0
    h_out_mws: int = 0

    @property
    def eur(self):
        return self.cost_neur_s / HOUR_S / 1e9


@dataclass
class Microgrid:
    """The plant. did: powers of the last step, at the places of a set-point list."""

    spec: PlantSpec = field(default_factory=PlantSpec)

    def __post_init__(self):
        self.battery = Tank(self.spec.battery)
        self.hydrogen = Tank(self.spec.hydrogen)
        self.did = [0] * 6
        self.totals = Totals()

    def step(self, pv_mw, load_mw, asked, dt_s):
        """dt_s of PV and load under the set-points `asked`; returns `did`. A lack that the
        set-points leave is load not supplied, a surplus PV given up. Nothing is stored that has
        no source, and nothing delivered that nobody takes: the diesel set gives way first."""
        spec, did, sums = self.spec, self.did, self.totals
        bat = self.battery.able(asked[BAT], dt_s)
        h2 = self.hydrogen.able(asked[H2], dt_s)
        die = min(max(asked[DIE], 0), spec.d_max_mw)
        short = -(pv_mw + bat + h2 + die)
        over = bat + h2 + die - load_mw
        if short > 0:
            part = min(short, max(-bat, 0))
            bat += part
            h2 += short - part
        elif over > 0:
            part = min(over, die)
            die -= part
            over -= part
            part = min(over, max(h2, 0))
            h2 -= part
            bat -= over - part
        bat = self.battery.move(bat, dt_s)
        h2 = self.hydrogen.move(h2, dt_s)
        lack = load_mw - pv_mw - bat - h2 - die
        did[BAT], did[H2], did[DIE] = bat, h2, die
        did[CUR] = -min(lack, 0)
        did[PNS] = max(lack, 0)
        did[RUN] = int(die > 0 or asked[RUN] > 0)
        sums.cost_neur_s += dt_s * (diesel_neur_h(spec, die, did[RUN])
                                    + did[PNS] * spec.c_pns_ueur_kwh // 1000)
        sums.diesel_mws += die * dt_s
        sums.diesel_s += dt_s * did[RUN]
        sums.pns_mws += did[PNS] * dt_s
        sums.cur_mws += did[CUR] * dt_s
        if bat < 0:
            sums.b_in_mws -= bat * dt_s
        else:
            sums.b_out_mws += bat * dt_s
        if h2 < 0:
            sums.h_in_mws -= h2 * dt_s
        else:
            sums.h_out_mws += h2 * dt_s
        return did
