"""`slvg study grid`: how exact and how fast the grid engine is.

With a reference (a folder in the format of docs/simulator.md that has OpenDSS's solution beside
the feeder) against that; without, on made-up feeders against a slow direct solution and, if
installed, OpenDSS run live.
"""
import csv
import gzip
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from host_sim.world.dice import Dice
from host_sim.world.grid import direct, opendss
from host_sim.world.grid.csv_files import read_folder, read_profiles
from host_sim.world.grid.demand import Demand, ports_needed
from host_sim.world.grid.engine import VMIN_PU, Engine
from host_sim.world.grid.network import PHASES, GridError, Network, buses_of
from host_sim.world.grid.sources import hv_side, open_circuit
from host_sim.world.grid.synthetic import day, feeder

LOAD_V, SNAPSHOTS = "ref_opendss_load_v.csv.gz", "ref_opendss_snapshots.csv"
_SINGLE, _SWITCHES, _REPEATS = 480, 300, 9
Say = Callable[[str], None]


def _quiet(text: str) -> None:
    """Progress that nobody looks at."""


def figures(reference: Path | None = None, customers: int = 55, seed: int = 1, say: Say = _quiet
            ) -> dict:
    """All figures of the study; raises GridError for a folder that is none."""
    if reference is not None:
        return against_reference(reference, say)
    return against_others(customers, seed, say)


# --- speed -------------------------------------------------------------------------------------


def _best_s(run: Callable[[], object], repeats: int = _REPEATS) -> float:
    """The least of some times: what the machine's other work disturbed least."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    return best


def speed(network: Network, profiles: np.ndarray, say: Say = _quiet) -> dict:
    """Solves a second one by one and together; a phase switch with its solve; compiling the
    feeder. Ports are the three phases of every customer, and each solve's voltages are read."""
    say("speed")
    buses = buses_of(network)
    ports = list(dict.fromkeys([*ports_needed(network), *(
        (load.bus, phase, "N") for load in network.loads for phase in PHASES
        if phase in buses[load.bus])]))
    setup_s = _best_s(lambda: Engine(network, ports), 3)
    engine = Engine(network, ports)
    demand = Demand(network, ports)
    e = open_circuit(network)
    s, *others = demand.taken(demand.scale(profiles))
    y, i_a = (x if x.any() else None for x in others)
    picks = np.linspace(0, len(s) - 1, _SINGLE).astype(int).tolist()

    def row(x: np.ndarray | None, t: int) -> np.ndarray | None:
        return None if x is None else x[t]

    def one_by_one() -> None:
        for t in picks:
            engine.solve(e, demand.at, s[t], row(y, t), row(i_a, t)).u    # noqa: B018

    dice = Dice("switching")
    at, places = demand.at, []
    choices = [[engine.index[bus, phase, "N"] for phase in PHASES if phase in buses[bus]]
               if minus == "N" else [p] for p, (bus, _, minus) in (
                   (p, ports[p]) for p in at.tolist())]
    for _ in range(_SWITCHES):
        load = dice.below(len(choices))
        at = at.copy()
        at[load] = choices[load][dice.below(len(choices[load]))]
        places.append(at)

    def switching() -> None:
        for t, at in enumerate(places):
            engine.solve(e, at, s[picks[t]], row(y, picks[t]), row(i_a, picks[t])).u   # noqa: B018

    many = engine.solve_many(e, demand.at, s, y, i_a)
    return {
        "solves_per_s": round(_SINGLE / _best_s(one_by_one)),
        "solves_many_per_s": round(len(s) / _best_s(lambda: engine.solve_many(e, demand.at, s, y,
                                                                            i_a))),
        "switch_solve_ms": round(_best_s(switching) / _SWITCHES * 1e3, 4),
        "setup_ms": round(setup_s * 1e3, 2),
        "rounds": many.rounds,
    }


# --- against the stored solution -----------------------------------------------------------------


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8") as file:
                rows = list(csv.reader(file))
        else:
            rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error, csv.Error) as e:
        raise GridError(f"E341 {path}: {getattr(e, 'strerror', None) or e}. A reference folder "
                        f"has {LOAD_V} and {SNAPSHOTS} beside the feeder.") from None
    if len(rows) < 2:
        raise GridError(f"E342 {path.name}: has no rows. Store the reference solution in it.")
    return rows[0], rows[1:]


def _numbers(path: Path, rows: list[list[str]], width: int) -> np.ndarray:
    try:
        values = np.array([[float(word) for word in row] for row in rows])
    except ValueError as e:
        raise GridError(f"E343 {path.name}: {e}. Write numbers only.") from None
    if values.ndim != 2 or values.shape[1] != width:
        raise GridError(f"E343 {path.name}: its rows must have {width} columns. Correct it.")
    return values


def _instants(path: Path, head: list[str], most: int) -> list[int]:
    """The minutes that the columns name, each with a magnitude and an angle of every phase."""
    minutes = sorted({int(name.rpartition("_")[2]) for name in head[1:]
                      if name.rpartition("_")[2].isdecimal()})
    wanted = [f"{what}{p.lower()}_{minute}" for minute in minutes for p in PHASES
              for what in ("v", "deg")]
    whole = sorted(wanted) == sorted(head[1:]) and minutes
    if not whole or minutes[0] < 1 or minutes[-1] > most:
        raise GridError(f"E342 {path.name}: columns {', '.join(head)}. Write bus, then va_M, "
                        "dega_M, vb_M, degb_M, vc_M, degc_M for each minute M of 1 to "
                        f"{most}.")
    return minutes


def against_reference(folder: Path, say: Say = _quiet) -> dict:
    """Every minute at every customer, every bus at the stored instants, losses, speed."""
    missing = [name for name in (LOAD_V, SNAPSHOTS) if not (folder / name).is_file()]
    if missing:
        raise GridError(f"E341 {folder}: has no {' and no '.join(missing)}. Store OpenDSS's "
                        "solution there (docs/simulator.md), or leave --reference out.")
    say("reading")
    network, profiles = read_folder(folder), read_profiles(folder)
    ports = ports_needed(network)
    engine, demand = Engine(network, ports), Demand(network, ports)
    e = open_circuit(network)
    s, y, i_a = demand.taken(demand.scale(profiles))
    say("every minute")
    states = engine.solve_many(e, demand.at, s, y, i_a, limits=demand.limits)

    path = folder / LOAD_V
    head, rows = _table(path)
    at = {network.loads[owner].id: k for k, owner in enumerate(demand.owner.tolist())}
    unknown = [name for name in head[1:] if name not in at]
    if unknown or len(rows) > len(profiles):
        raise GridError(f"E342 {path.name}: {len(rows)} minutes, {len(profiles)} in the profiles; "
                        f"unknown customers: {', '.join(unknown) or 'none'}. Store those of this "
                        "feeder.")
    stored = _numbers(path, rows, len(head))[:, 1:]
    columns = [at[name] for name in head[1:]]
    dv_loads = float(np.abs(np.abs(states.u_load[:len(stored), columns]) - stored).max())

    say("every bus")
    path = folder / SNAPSHOTS
    head, rows = _table(path)
    minutes = _instants(path, head, len(profiles))
    values = _numbers(path, [row[1:] for row in rows], len(head) - 1)
    dv_buses = 0.0
    for minute in minutes:
        v = states.at(minute - 1).all_voltages()
        for p in PHASES:
            u = values[:, head.index(f"v{p.lower()}_{minute}") - 1]
            angle = values[:, head.index(f"deg{p.lower()}_{minute}") - 1]
            own = np.array([v.get((row[0], p), 0j) for row in rows])
            dv_buses = max(dv_buses, float(np.abs(own - u * np.exp(1j * np.radians(angle))).max()))
    minute = minutes[min(1, len(minutes) - 1)]
    state = states.at(minute - 1)
    u, i = hv_side(network, state.i_src)
    return {
        "feeder": network.name, "customers": len(network.loads), "buses": len(engine.plan.buses),
        "minutes": len(stored), "snapshot_buses": len(rows), "snapshots": minutes,
        "max_dv_v": max(dv_loads, dv_buses), "max_dv_loads_v": dv_loads,
        "max_dv_buses_v": dv_buses, f"losses_{minute}_kw": round(state.losses_va.real / 1e3, 6),
        f"hv_{minute}_kw": [round(p / 1e3, 4) for p in (u * i.conj()).real.tolist()],
        "load_v_min": round(float(np.abs(states.u_load).min()), 4),
        "load_v_max": round(float(np.abs(states.u_load).max()), 4),
        **speed(network, profiles, say),
    }


# --- against other solutions ---------------------------------------------------------------------


def cases(network: Network, dice: Dice) -> list[tuple[str, dict]]:
    """States that try the engine: (name, arguments of topology)."""
    neutral = any(len(line.phases) == 4 for line in network.lines)
    lines = [line.name for line in network.lines]
    bus = network.loads[dice.below(len(network.loads))].bus
    some = lines[1 + dice.below(len(lines) // 2)]
    found: list[tuple[str, dict]] = [
        ("normal", {}), ("line open", {"open_lines": {lines[-1]}}),
        ("earth fault", {"faults": ((bus, "A", "E", 5.0),)}),
        ("short of two phases", {"faults": ((bus, "A", "B", 0.5),)}),
    ]
    if neutral:
        found += [("neutral broken at the transformer", {"cut": {(lines[0], "N")}}),
                  ("neutral broken", {"cut": {(some, "N")}}),
                  ("phase to neutral", {"faults": ((bus, "C", "N", 0.3),)})]
    return found


def against_others(customers: int, seed: int, say: Say = _quiet) -> dict:
    """Made-up feeders with and without a neutral, in several states."""
    with_dss = opendss.available()
    rows: list[dict] = []
    for neutral in (False, True):
        network = feeder(customers, seed, neutral)
        profiles = day(customers, seed)
        ports = list(dict.fromkeys((load.bus, phase, "N") for load in network.loads
                                   for phase in PHASES))
        engine = Engine(network, ports)
        other = opendss.OpenDssEngine(network, ports) if with_dss else None
        demand = Demand(network, ports)
        e = open_circuit(network)
        s = demand.taken(demand.scale(profiles))[0][int(np.argmax(profiles.sum(axis=1)))]
        # All kinds of load are tried; with more constant power OpenDSS finds no solution where a
        # neutral is broken.
        un = network.un_v
        taken = (s / 8.0, np.conj(s) * 0.75 / (un * un), np.conj(s) / (8.0 * un))
        for name, state in cases(network, Dice("cases", seed)):
            say(f"{'four' if neutral else 'three'} wires, {name}")
            rows.append({"wires": 4 if neutral else 3, "case": name,
                         **_compare(network, engine, other, demand, e, taken, state)})
    worst = {key: max((row[key] for row in rows if row[key] is not None), default=None)
             for key in ("dv_direct_v", "dv_opendss_v")}
    network = feeder(customers, seed)
    return {
        "feeder": network.name, "customers": customers, "buses": len(network.lines) + 1,
        "max_dv_v": max(x for x in worst.values() if x is not None),
        "max_dv_direct_v": worst["dv_direct_v"], "max_dv_opendss_v": worst["dv_opendss_v"],
        "opendss": with_dss, "cases": rows, **speed(network, day(customers, seed), say),
    }


def _compare(network, engine: Engine, other, demand: Demand, e, taken, state: dict) -> dict:
    engine.topology(**state)
    own = engine.solve(e, demand.at, *taken)
    v = own.all_voltages()
    s, y, i_a = taken
    ports = [engine.ports[p] for p in demand.at.tolist()]
    result: dict = {"rounds": own.rounds, "dv_direct_v": None, "dv_opendss_v": None}
    if not engine.circuit.floating:       # the direct way knows no leak
        loads = list(zip(ports, s, y, i_a, strict=True))
        full = direct.solve(network, e, loads, vmin_pu=VMIN_PU, **state)
        result["dv_direct_v"] = max(abs(v[key] - full[key]) for key in full)
    if other is not None:
        other.topology(**state)
        try:
            full = other.solve(e, demand.at, s, y, i_a).all_voltages()
        except GridError:
            return result                 # it gave up; the direct way remains
        result["dv_opendss_v"] = max(abs(v[key] - full[key]) for key in full)
    return result
