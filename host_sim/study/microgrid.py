"""Years of the microgrid: the firmware's own Dispatch with a policy, step by step on the plant.

`play` is one run; `Case` says what differs from the specification's plant and profiles (variants,
robustness), `Policy` who proposes. Costs are counted by the plant (host_sim/world/microgrid.py).
Random is played without Dispatch, as the specification's section 6 has it: nothing mends what it
proposes. `slvg study microgrid` (tools/slvg/study_microgrid.py) and the policies' own study call
it; it prints nothing.
"""
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from acu.functions.dispatch import DT_S, H_MWH, LOAD, PV, SEEN, SET
from acu.functions.policy_table import plant_words
from host_sim.board.dispatch_rig import Rig
from host_sim.study.microgrid_profiles import HOUR_S, Profiles, normal
from host_sim.world.dice import bits
from host_sim.world.microgrid import Microgrid, PlantSpec, StoreSpec, Totals

RANDOM_RUNS = 10
H2_EUR_KWH = 0.65 * 0.43         # what a kWh left in the hydrogen store is worth (section 8)
_TELL_EVERY = 1000               # steps
_KWH_MWS = 1_000_000 * HOUR_S    # a kWh in mW s


@dataclass(frozen=True)
class Policy:
    """Who proposes: a class of the firmware, made with the plant and, if there is one, with what
    reads its table. Without a module nobody does, and Dispatch falls back on Naive. then: asked
    when it does not answer."""

    name: str
    module: str = ""
    cls: str = ""
    table: bytes | None = None
    then: tuple["Policy", ...] = ()

    def given(self, spec: PlantSpec, options: dict | None = None) -> dict:
        """For a Rig, as JSON takes it."""
        chain = [one for one in (self, *self.then) if one.module]
        return {"plant": plant_words(spec), "options": options or {}, "policies": [
            [one.module, one.cls, None if one.table is None else one.table.hex()]
            for one in chain]}


NAIVE = Policy("Naive")
RULE = Policy("Rule", "acu.functions.policy_rule", "Rule")


def table(raw: bytes, name: str = "Table") -> Policy:
    """As a board has it: the rule decides where the table does not answer."""
    return Policy(name, "acu.functions.policy_table", "Table", raw, (RULE,))


@dataclass(frozen=True)
class Case:
    """What is played. told: the plant that the firmware believes in, if it is another one.
    load_pm: factor on the load; noise_pm: standard deviation of a factor on each hour's load;
    offset_h: the firmware's clock is so far ahead; step_s: of the firmware, if not the
    profiles'."""

    name: str = "as specified"
    spec: PlantSpec = field(default_factory=PlantSpec)
    told: PlantSpec | None = None
    load_pm: int = 1000
    noise_pm: int = 0
    noise_seed: int = 1
    offset_h: int = 0
    step_s: int = 0

    def profiles(self, given: Profiles) -> Profiles:
        if 0 < self.step_s < given.step_s:
            given = given.held(self.step_s)
        load_mw = given.load_mw * self.load_pm // 1000
        if self.noise_pm:
            hour = HOUR_S // given.step_s
            z = np.repeat(normal(-(-len(given) // hour), self.noise_seed, "microgrid", "noise"),
                          hour)[:len(given)]
            load_mw = np.rint(load_mw * np.maximum(1 + self.noise_pm / 1000 * z, 0))
        return replace(given, load_mw=load_mw.astype(np.int64),
                       start_s=given.start_s + HOUR_S * self.offset_h)


def efficiency(spec: PlantSpec, pm: int) -> PlantSpec:
    """Another battery, this good each way."""
    return replace(spec, battery=replace(spec.battery, eta_pm=pm, zeta_pm=pm))


_NONE = StoreSpec(0, 0, 1000, 1000)
_BASE = PlantSpec()
NO_HYDROGEN = replace(_BASE, hydrogen=_NONE)
NO_STORAGE = replace(_BASE, hydrogen=_NONE, battery=_NONE)
VARIANTS = (
    Case("Naive"),
    Case("Naive, hydrogen empty at first",
         replace(_BASE, hydrogen=replace(_BASE.hydrogen, start_mwh=0))),
    Case("Naive, battery 0.90", efficiency(_BASE, 900)),
    Case("no hydrogen", NO_HYDROGEN),
    Case("no storage", NO_STORAGE),
    Case("no diesel", replace(_BASE, d_max_mw=0)),
    Case("nothing but PV", replace(NO_STORAGE, d_max_mw=0)),
)
ROBUST = (
    Case("battery 0.90, not told", efficiency(_BASE, 900), told=_BASE),
    Case("steps of 15 min", step_s=900),
    Case("load x 0.8", load_pm=800),
    Case("load x 1.2", load_pm=1200),
    Case("noise of 30 % on each hour's load", noise_pm=300),
    Case("clock 2 h fast", offset_h=2),
    Case("clock 2 h slow", offset_h=-2),
    Case("clock 12 h wrong", offset_h=12),
    Case("clock half a year wrong", offset_h=4368),
)


@dataclass(frozen=True)
class Part:
    """A year, or what is left over. Energies in kWh at the bus, stores at its end."""

    eur: float
    diesel_kwh: float
    diesel_h: float
    pns_kwh: float
    cur_kwh: float
    b_in_kwh: float
    b_out_kwh: float
    h_in_kwh: float
    h_out_kwh: float
    b_end_kwh: float
    h_end_kwh: float


@dataclass(frozen=True, eq=False)
class Played:
    """seen, asked, did: (steps, ..) integers as the firmware has them; stores: energy in mWh after
    each step (all empty if they were not kept); answered: steps that a policy answered, not the
    last resort."""

    name: str
    parts: list[Part]
    h_start_kwh: float
    seen: np.ndarray
    asked: np.ndarray
    did: np.ndarray
    stores: np.ndarray
    answered: int = 0

    @property
    def eur(self) -> list[float]:
        return [part.eur for part in self.parts]

    @property
    def total_eur(self) -> float:
        return sum(self.eur)

    @property
    def corrected_eur(self) -> float:
        """Had it left as much hydrogen as it found."""
        return self.total_eur - (self.parts[-1].h_end_kwh - self.h_start_kwh) * H2_EUR_KWH


def _part(world: Microgrid) -> Part:
    sums, world.totals = world.totals, Totals()
    return Part(sums.eur, sums.diesel_mws / _KWH_MWS, sums.diesel_s / HOUR_S,
                sums.pns_mws / _KWH_MWS, sums.cur_mws / _KWH_MWS,
                sums.b_in_mws / _KWH_MWS, sums.b_out_mws / _KWH_MWS,
                sums.h_in_mws / _KWH_MWS, sums.h_out_mws / _KWH_MWS,
                world.battery.e_mws / _KWH_MWS, world.hydrogen.e_mws / _KWH_MWS)


Progress = Callable[[int, int], None]


def _silent(done: int, of: int) -> None:
    pass


def drive(profiles: Profiles, case: Case, name: str, ask: Callable,
          progress: Progress = _silent, keep: bool = True) -> Played:
    """ask(seen): set-points. Profiles are the case's already. keep: every step's numbers."""
    world = Microgrid(case.spec)
    pv, load = profiles.pv_mw.tolist(), profiles.load_mw.tolist()
    dt_s, utc_s = profiles.step_s, profiles.start_s
    saw, asked, did, stores = array("q"), array("i"), array("i"), array("i")
    parts = []
    seen = [0] * SEEN
    for part in profiles.parts:
        for k in range(part.start, part.stop):
            seen[:] = (utc_s + k * dt_s, pv[k], load[k], world.battery.e_mwh,
                       world.hydrogen.e_mwh, dt_s)
            shown = tuple(seen)
            out = ask(seen)
            done = world.step(pv[k], load[k], out, dt_s)
            if keep:
                saw.extend(shown)
                asked.extend(out)
                did.extend(done)
                stores.extend((world.battery.e_mwh, world.hydrogen.e_mwh))
            if not k % _TELL_EVERY:
                progress(k, len(pv))
        parts.append(_part(world))
    progress(len(pv), len(pv))
    start_kwh = case.spec.hydrogen.start_mwh / 1e6

    def rows(values, n):
        return np.frombuffer(values, dtype=values.typecode).reshape(-1, n)

    return Played(name, parts, start_kwh, rows(saw, SEEN), rows(asked, SET), rows(did, SET),
                  rows(stores, 2))


def play(profiles: Profiles, case: Case | None = None, policy: Policy = NAIVE,
         options: dict | None = None, progress: Progress = _silent, keep: bool = True) -> Played:
    """One run of the firmware. options: of Dispatch."""
    case = case or Case()
    rig = Rig(policy.given(case.told or case.spec, options))
    answered = [0]

    def ask(seen):
        out = rig.step(seen)
        if policy.module and not rig.dispatch.by:
            answered[0] += 1
        return out

    played = drive(case.profiles(profiles), case, policy.name, ask, progress, keep)
    return replace(played, answered=answered[0])


def random(profiles: Profiles, seed: int, case: Case | None = None, keep: bool = True) -> Played:
    """Diesel and hydrogen anything, each step anew; the battery takes what it can of the rest."""
    case = case or Case()
    spec = case.spec
    n = len(profiles)
    draws = bits(seed, "microgrid", "random").random_raw(2 * n)
    die = (draws[:n] % np.uint64(spec.d_max_mw + 1)).astype(np.int64).tolist()
    p_mw = spec.hydrogen.p_max_mw
    h2 = ((draws[n:] % np.uint64(2 * p_mw + 1)).astype(np.int64) - p_mw).tolist()
    step = iter(zip(die, h2, strict=True))

    def ask(seen):
        diesel, hydrogen = next(step)
        if hydrogen > 0:
            hydrogen = min(hydrogen, seen[H_MWH] * spec.hydrogen.zeta_pm * 18
                           // (5 * seen[DT_S]))
        else:
            room = spec.hydrogen.cap_mwh - seen[H_MWH]
            hydrogen = -min(-hydrogen, room * HOUR_S * 1000 // (spec.hydrogen.eta_pm * seen[DT_S]))
        return [seen[LOAD] - seen[PV] - hydrogen - diesel, hydrogen, diesel, 0, 0, int(diesel > 0)]

    return drive(case.profiles(profiles), case, "Random", ask, keep=keep)
