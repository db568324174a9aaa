"""How fast a street runs: the figures of `slvg bench --street`.

Speed is simulated time over wall time, in this process unless it says otherwise; the best of some
repetitions counts, because the machine may be shared. Costs are processor time, which others on
the machine disturb less. A circuit has one Coordinator (six
channels) and up to 55 Operators (five); more controllers are several circuits side by side.
Nothing here judges: goals and results stand in docs/measurements.md.
"""
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from host_sim.board.firmware import Firmware
from host_sim.scenario.load import FILES, build
from host_sim.scenario.plan import Scenario
from host_sim.scenario.runner import Run

CIRCUIT = 56                     # controllers of a circuit
SIZES = (4, 28, 56, 250, 1000)
LEVELS = ("wave", "quantity", "phasor")
SETTLED_US = {"wave": 1_000_000, "quantity": 1_000_000, "phasor": 5_000_000}
REPEATS = 3
# what is simulated for one figure: so many seconds of 56 controllers, fewer the more there are
SPAN_S = {"wave": 4.0, "quantity": 6.0, "phasor": 120.0}
_LEAST_S = {"wave": 0.4, "quantity": 0.6, "phasor": 60.0}
Say = Callable[[str], None]


def circuit(controllers: int, level: str, run_s: float = 3600.0, **more) -> Scenario:
    """One Coordinator and its Operators; telemetry each minute, no event unless given."""
    customers = range(1, controllers)
    given: dict = {
        "title": f"{controllers} controllers", "seed": 1, "run_s": run_s, "sc": "sc1",
        "start_utc": "2026-03-01T06:00:00Z", "level": level,
        "source": {"rating_va": 50_000, "z_pct": 4.0},
        "config": {"t_tele_ms": 60_000, "t_hb_ms": 30_000},
        "customer": [{"id": f"c{k}", "phase": "ABC"[k % 3], "s_va": 300.0 + 5 * k}
                     for k in customers],
        "acu": [{"id": "cd", "role": "coordinator", "board": "pico_w_coordinator"},
                *({"id": f"eu{k}", "role": "operator", "board": "pico_w_operator",
                   "customer": f"c{k}"} for k in customers)], **more}
    return build(given, FILES / "bench.toml")


def zoomed() -> Scenario:
    """Ten minutes of 56 controllers: an outage with all reconnected one by one, later phase
    changes by the circuit's own correction; at wave level around them, else at phasor level."""
    phases = ["A" if k % 9 in (1, 4) else "ABC"[k % 3] for k in range(1, CIRCUIT)]
    return circuit(
        CIRCUIT, "phasor", 600.0, zoom={"level": "wave", "before_s": 1.0, "after_s": 2.0},
        config={"t_tele_ms": 60_000, "t_hb_ms": 30_000, "t_slot_ms": 1000, "t_base_ms": 3000,
                "t_res_ms": 1000, "ub_en": 0, "ub_hold_ms": 5000, "ub_avg_ms": 5000,
                "cooldown_ms": 60_000},
        customer=[{"id": f"c{k + 1}", "phase": phase, "s_va": 500.0}
                  for k, phase in enumerate(phases)],
        event=[{"at_s": 120.0, "supply": "lost"}, {"at_s": 150.0, "supply": "back"},
               {"at_s": 400.0, "scc": {"type": "cfg", "body": {"k": "ub_en", "val": 1}}}])


def split(controllers: int) -> list[int]:
    """Sizes of the circuits, as even as they go."""
    n = -(-controllers // CIRCUIT)
    return [controllers // n + (k < controllers % n) for k in range(n)]


class Town:
    """Circuits side by side, each a run of its own."""

    def __init__(self, controllers: int, level: str, alone=False, **how):
        """alone: each controller measures by itself, its kernels in numpy."""
        self.runs = [Run(circuit(size, level), seed=k, **how)
                     for k, size in enumerate(split(controllers))]
        self.level = level
        for run in self.runs if alone else ():
            run.firmware = Firmware([run.specs[name] for name in sorted(run.specs)], run._ask)

    def to(self, t_us: int):
        for run in self.runs:
            while run.t_us < t_us:
                run.step()

    def settle(self):
        self.to(SETTLED_US[self.level])

    def take_s(self, span_s: float) -> tuple[float, float]:
        """Wall time and processor time of the next span_s."""
        end_us = self.runs[0].t_us + round(span_s * 1e6)
        began, used = time.perf_counter(), time.process_time()
        self.to(end_us)
        return time.perf_counter() - began, time.process_time() - used

    def close(self):
        for run in self.runs:
            run.finish()


def speed(controllers: int, level: str, repeats: int = REPEATS, **how) -> tuple[float, float]:
    """Times real time by wall and by processor time of this process, the best of `repeats` spans
    one after the other."""
    span_s = max(_LEAST_S[level], SPAN_S[level] * min(1.0, CIRCUIT / controllers))
    with closing(Town(controllers, level, **how)) as town:
        town.settle()
        taken = [town.take_s(span_s) for _ in range(repeats)]
    wall_s, used_s = (min(times) for times in zip(*taken, strict=True))
    return span_s / wall_s, span_s / used_s


def zoom_speed(repeats: int = 2) -> dict:
    """The whole scenario zoomed(), from its first instant."""
    scenario = zoomed()
    best, least_s = 0.0, math.inf
    figures: dict = {}
    for _ in range(repeats):
        one = Run(scenario)
        with closing_run(one):
            began, used = time.perf_counter(), time.process_time()
            while one.t_us < scenario.run_us:
                one.step()
            wall_s, used_s = time.perf_counter() - began, time.process_time() - used
        names = [line.split()[3] for _, _, line in one.result.events]
        best = max(best, scenario.run_us / 1e6 / wall_s)
        least_s = min(least_s, used_s)
        figures = {"speed_x": best, "cpu_x": scenario.run_us / 1e6 / least_s,
                   "outages": names.count("OUT"), "reconnected": names.count("RECON_OP"),
                   "phase_changes": names.count("UB_MOVE")}
    return figures


@contextmanager
def closing_run(run: Run) -> Iterator[Run]:
    try:
        yield run
    finally:
        run.finish()


class Watch:
    """Wall time by what it is spent on; who is called from another is counted for itself only."""

    def __init__(self):
        self.spent: dict[str, float] = {}
        self._inside: list[str] = []
        self._since = time.perf_counter()

    def _turn(self):
        now = time.perf_counter()
        if self._inside:
            name = self._inside[-1]
            self.spent[name] = self.spent.get(name, 0.0) + now - self._since
        self._since = now

    def around(self, name: str, of: object, what: str):
        """Replaces a method of an object by itself with its time taken."""
        inner = getattr(of, what)

        def timed(*args, **more):
            self._turn()
            self._inside.append(name)
            try:
                return inner(*args, **more)
            finally:
                self._turn()
                self._inside.pop()

        setattr(of, what, timed)


def shares(controllers: int, level: str) -> dict[str, float]:
    """Parts of the wall time, in per cent, of a settled circuit; taking them costs a tenth."""
    with closing(Town(controllers, level)) as town:
        town.settle()
        run = town.runs[0]
        watch = Watch()
        watch.around("runner", run, "step")
        watch.around("world", run.street, "step")
        for bank in run.street.blocks():
            watch.around("sampler", bank, "fill")
        for what in ("deliver", "publish"):
            watch.around("bus", run.bus, what)
        firmware: Any = run.firmware
        watch.around("runner", firmware, "instant")
        watch.around("fast tier, measuring of all", firmware.twin, "tick")
        for unit in firmware.units.values():
            watch.around("fast tier, each controller", unit.acu, "fast")
            watch.around("slow tier", unit.acu, "slow")
            watch.around("messages", unit.acu, "on_message")
            watch.around("messages", unit.acu.net, "send")
        town.take_s(SPAN_S[level])
    whole = sum(watch.spent.values())
    return {name: round(100 * part / whole, 1)
            for name, part in sorted(watch.spent.items(), key=lambda one: -one[1])}


def cost(sizes=SIZES, say: Say = lambda text: None) -> dict:
    """{level: {controllers: (times real time, processor ms a simulated second and controller)}}"""
    table: dict = {}
    for level in LEVELS:
        table[level] = {}
        for n in sizes:
            say(f"{n} controllers at level {level}")
            wall_x, cpu_x = speed(n, level, 2)
            table[level][n] = wall_x, 1000 / cpu_x / n
    return table


def figures(say: Say = lambda text: None) -> dict:
    """All of them. say: is told what is measured next."""
    say("56 controllers at level wave")
    batched, batched_cpu = speed(CIRCUIT, "wave")
    say("the same in two processes")
    two, _ = speed(CIRCUIT, "wave", jobs=2)
    say("the same, each controller by itself")
    alone, alone_cpu = speed(CIRCUIT, "wave", alone=True)
    say("56 controllers for ten minutes, with zoom")
    zoom = zoom_speed()
    table = cost(say=say)
    say("where the time goes")
    return {
        "cores": os.cpu_count(),
        "speed_x_56_waveform": round(max(batched, two), 2),
        "speed_x_56_zoom": round(zoom.pop("speed_x"), 1),
        "speed_x_1000_phasor": round(table["phasor"][1000][0], 1),
        "circuits_of_1000": len(split(1000)),
        "zoom": {**zoom, "cpu_x": round(zoom["cpu_x"], 1)},
        "waveform_56": {"one_process_x": round(batched, 2), "two_processes_x": round(two, 2),
                        "each_alone_x": round(alone, 2),
                        "one_process_cpu_x": round(batched_cpu, 2),
                        "each_alone_cpu_x": round(alone_cpu, 2),
                        "batched_over_alone": round(batched_cpu / alone_cpu, 2),
                        "two_over_one": round(two / batched, 2)},
        "cost_cpu_ms_per_s_and_controller": {
            level: {str(n): round(ms, 4) for n, (_, ms) in row.items()}
            for level, row in table.items()},
        "shares_pct": {level: shares(CIRCUIT, level) for level in LEVELS}}


def plot(reached: dict, path: Path) -> None:
    """Cost against the number of controllers, a curve a level."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for level, costs in reached["cost_cpu_ms_per_s_and_controller"].items():
        axes.loglog([int(n) for n in costs], list(costs.values()), "o-", label=level)
    axes.loglog(SIZES, [1000 / n for n in SIZES], "k--", lw=0.8, label="real time")
    axes.set_xlabel("controllers")
    axes.set_ylabel("processor time, ms a simulated second and controller")
    axes.set_xticks(SIZES, [str(n) for n in SIZES])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)
