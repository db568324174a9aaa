"""`slvg study microgrid`: every method over the same years, and what it costs above the least.

Naive, the rule, a policy's table, Random, plants that lack something, the bound; robustness
cases; the same set-points in the VM. Fills one Results, from which the command, the report
(microgrid_report.py) and the CSV take their tables. Prints nothing.
"""
import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from statistics import fmean

from acu.functions.policy_table import unfit
from host_sim.board.dispatch_rig import reader
from host_sim.scenario.complaints import InputError
from host_sim.study import microgrid as mg
from host_sim.study import policy
from host_sim.study.microgrid_bound import Bound, bound
from host_sim.study.microgrid_profiles import Profiles
from host_sim.study.microgrid_vm import GROWS_BYTES, Compared, compare, long_enough

RANDOM = "Random, mean of 10"
TABLE = "Table"
MOST_STEPS = 5_000_000      # of a run: 100 bytes each are kept


@dataclass
class Results:
    """played: by method, in the order of the table; variants: Naive on other plants; robust: by
    case and method; vm: by method."""

    profiles: Profiles
    raw: bytes | None = None
    train: tuple[int, ...] = ()
    played: dict[str, mg.Played] = field(default_factory=dict)
    random: list[mg.Played] = field(default_factory=list)
    bound: Bound | None = None
    variants: dict[str, mg.Played] = field(default_factory=dict)
    robust: dict[str, dict[str, mg.Played]] = field(default_factory=dict)
    vm: dict[str, Compared] = field(default_factory=dict)

    @property
    def least_eur(self) -> float | None:
        return None if self.bound is None else sum(self.bound.relaxed_eur)

    def above_pct(self, eur: float) -> float | None:
        """Above the lower bound."""
        return None if not self.least_eur else 100 * (eur / self.least_eur - 1)

    @property
    def best(self) -> mg.Played:
        """Of the firmware's methods, the cheapest."""
        return min(self.played.values(), key=lambda one: one.corrected_eur)


Progress = Callable[[str], Callable[[int, int], None]]


def usable(raw: bytes, name: str) -> bytes:
    """A table for the plant of the study."""
    wrong = unfit(mg.PlantSpec(), reader(raw))
    if wrong:
        raise InputError([f"{wrong} (--policy {name})"])
    return raw


def training(years: int) -> tuple[int, ...]:
    """All but the last, which is held out; a single one tells on itself."""
    return tuple(range(1, max(years, 2)))


def run(profiles: Profiles, raw: bytes | None, step_s: int | None, seed: int, jobs: int,
        progress: Progress, *, make: bool = True, bounded: bool = True, robust: bool = False,
        vm: bool = False) -> Results:
    """raw: a table; without it one is made of the first years, if there is one and make says so.
    step_s: of the firmware; the bound stays at the profiles' own, which no shorter step beats."""
    fine = profiles if step_s is None else profiles.held(step_s)
    if len(fine) > MOST_STEPS:
        raise InputError([f"E417 --step-s {fine.step_s}: {len(fine)} steps in all, at most "
                          f"{MOST_STEPS}. Take longer steps, or fewer --years."])
    train: tuple[int, ...] = ()
    if raw is None and make and profiles.years:
        train = training(profiles.years)
        raw, _ = policy.table_of(profiles, mg.PlantSpec(), train, jobs=jobs,
                                 progress=progress("seasons worked out"))
    results = Results(fine, raw, train)
    who = [mg.NAIVE, mg.RULE] + ([mg.table(raw, TABLE)] if raw is not None else [])
    for one in who:
        results.played[one.name] = mg.play(fine, policy=one,
                                           progress=progress(f"{one.name}: steps played"))
    told = progress("runs at random")
    for k in range(mg.RANDOM_RUNS):
        results.random.append(mg.random(fine, seed * 1000 + k, keep=False))
        told(k + 1, mg.RANDOM_RUNS)
    told = progress("variants played")
    for k, case in enumerate(mg.VARIANTS[1:]):
        results.variants[case.name] = mg.play(fine, case, keep=False)
        told(k + 1, len(mg.VARIANTS) - 1)
    if robust:
        told = progress("robustness cases played")
        for k, case in enumerate(mg.ROBUST):
            results.robust[case.name] = {one.name: mg.play(fine, case, one, keep=False)
                                          for one in who}
            told(k + 1, len(mg.ROBUST))
    if bounded:
        results.bound = bound(profiles, progress=progress("bound: iterations of the simplex"))
    if vm:
        long = long_enough(fine)
        for one in who:
            played = mg.play(long, policy=one, progress=progress(f"{one.name}: steps of the VM's"))
            results.vm[one.name] = compare(played, one,
                                           progress=progress(f"{one.name}: steps in the VM"))
    return results


def _names(results: Results) -> list[str]:
    profiles = results.profiles
    names = [f"year {k + 1}" for k in range(profiles.years)]
    return names + ([f"rest of {profiles.rest_h} h"] if profiles.rest_h else [])


def costs(results: Results) -> tuple[list[str], list[list]]:
    """Columns and rows like the paper's Table 3."""
    columns = ["method", *(f"{name}, EUR" for name in _names(results)), "total, EUR",
               "hydrogen left, kWh", "corrected for it, EUR", "above the bound, %"]
    rows: list[list] = []

    def add(name, eur, left, corrected):
        rows.append([name, *eur, sum(eur), left, corrected, results.above_pct(corrected)])

    least = results.bound
    if least is not None:
        start = least.schedule.h_start_kwh
        add("Perfect information, at least", least.relaxed_eur, start, sum(least.relaxed_eur))
        add("Perfect information, a schedule", *_row(least.schedule))
    for name in sorted(results.played, key=lambda n: results.played[n].corrected_eur):
        add(name, *_row(results.played[name]))
    by_run = [_row(one) for one in results.random]
    add(RANDOM, [fmean(column) for column in zip(*(eur for eur, _, _ in by_run), strict=True)],
        fmean(left for _, left, _ in by_run), fmean(eur for _, _, eur in by_run))
    for name, one in results.variants.items():
        add(name, *_row(one))
    return columns, rows


def _row(one: mg.Played) -> tuple[list[float], float, float]:
    return one.eur, one.parts[-1].h_end_kwh, one.corrected_eur


ENERGIES = {"diesel, kWh": "diesel_kwh", "diesel, h": "diesel_h", "not supplied, kWh": "pns_kwh",
            "given up, kWh": "cur_kwh", "battery in, kWh": "b_in_kwh",
            "battery out, kWh": "b_out_kwh", "hydrogen in, kWh": "h_in_kwh",
            "hydrogen out, kWh": "h_out_kwh"}


def energies(results: Results) -> tuple[list[str], list[list]]:
    """Of all years; hydrogen by the year stands in the CSV, as the paper's Table 4 has it."""
    rows = [[name, *(sum(getattr(part, key) for part in one.parts) for key in ENERGIES.values())]
            for name, one in _all(results).items()]
    return ["method", *ENERGIES], rows


def _all(results: Results) -> dict[str, mg.Played]:
    every = dict(results.played)
    if results.bound is not None:
        every["Perfect information, a schedule"] = results.bound.schedule
    return every | results.variants


def robustness(results: Results) -> tuple[list[str], list[list]]:
    names = list(results.played)
    rows = [["as specified", *(results.played[n].corrected_eur for n in names)]]
    rows += [[case, *(of[n].corrected_eur for n in names)] for case, of in results.robust.items()]
    return ["case", *(f"{n}, EUR" for n in names)], rows


def in_vm(results: Results) -> tuple[list[str], list[list]]:
    rows = [[name, one.steps, one.text, one.sha256, one.grown_bytes, one.us_step]
            for name, one in results.vm.items()]
    return ["method", "steps", "against CPython", "sha256 of the set-points", "memory, more bytes",
            "us a step"], rows


def table_csv(results: Results) -> str:
    """Each method in each year."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    keys = [one.name for one in fields(mg.Part)]
    writer.writerow(["method", "part", *keys])
    every = _all(results) | {f"Random {k + 1}": one for k, one in enumerate(results.random)}
    for name, one in every.items():
        for part_name, part in zip(_names(results), one.parts, strict=True):
            writer.writerow([name, part_name, *(f"{getattr(part, key):.6f}" for key in keys)])
    return out.getvalue()


def figures(results: Results) -> dict:
    """For --json. Lists are by year, EUR."""
    def eur(one: mg.Played | None):
        return None if one is None else [round(x, 2) for x in one.eur]

    profiles, least = results.profiles, results.bound
    with_table = results.played.get(TABLE)
    out: dict = {
        "profiles": profiles.name, "years": profiles.years, "rest_h": profiles.rest_h,
        "step_s": profiles.step_s,
        "naive_eur": eur(results.played["Naive"]), "rule_eur": eur(results.played["Rule"]),
        "policy_eur": eur(with_table),
        "policy_bytes": None if results.raw is None else len(results.raw),
        "policy_train": list(results.train),
        "policy_answered": None if with_table is None else with_table.answered,
        "bound_eur": None if least is None else [round(x, 2) for x in least.relaxed_eur],
        "bound_schedule_eur": None if least is None else eur(least.schedule),
        "bound_s": None if least is None else round(least.seconds, 1),
        "random_eur": [round(fmean(x), 2) for x in zip(*(one.eur for one in results.random),
                                                       strict=True)],
    }
    best = with_table or results.played["Rule"]
    out["h2_final_kwh"] = round(best.parts[-1].h_end_kwh, 2)
    for key, name in (("naive", "Naive"), ("rule", "Rule"), ("policy", TABLE)):
        one = results.played.get(name)
        if one is not None:
            above = results.above_pct(one.corrected_eur)
            out |= {f"{key}_total_eur": round(one.total_eur, 2),
                    f"{key}_corrected_eur": round(one.corrected_eur, 2),
                    f"{key}_above_bound_pct": None if above is None else round(above, 2)}
    out["variants_eur"] = {name: round(one.total_eur, 2) for name, one in results.variants.items()}
    if results.robust:
        columns, rows = robustness(results)
        out["robust_eur"] = {row[0]: {name.partition(",")[0]: round(x, 2) for name, x in
                                      zip(columns[1:], row[1:], strict=True)} for row in rows}
    for name, seen in results.vm.items():
        out[f"vm_{name.lower()}"] = {"steps": seen.steps, "equal": seen.equal,
                                     "sha256": seen.sha256, "grown_bytes": seen.grown_bytes}
    return out


def wrong(results: Results) -> list[str]:
    """What the VM must not do."""
    said = []
    for name, one in results.vm.items():
        if not one.equal:
            said.append(f"{name}: another set-point in the VM: {one.text}")
        if one.grown_bytes > GROWS_BYTES:
            said.append(f"{name}: {one.grown_bytes} bytes more in use after {one.steps} steps, "
                        f"at most {GROWS_BYTES}")
    return said
