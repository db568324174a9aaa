"""`slvg study interlock`: fuzz of the interlock between four reclosers.

Reads arguments, calls host_sim/study/, prints; computes nothing itself. study_recloser.py
registers it.
"""
from pathlib import Path
from typing import Annotated

import typer

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import cores
from slvg.output import JsonFile, bad_input, writable
from slvg.progress import Counted
from slvg.study_options import Jobs, Seed, tell


def interlock(
    steps: Annotated[int | None, typer.Option("--steps", min=1, max=10_000_000, metavar="N", help=(
        "Orders, faults, losses, restarts; 1200, with --full 100000."))] = None,
    full: Annotated[bool, typer.Option("--full", help="100000 steps.")] = False,
    results: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Keep each row here, and take up a run that was cut. With --full out/interlock.jsonl "
        "unless given."))] = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Interlock of R1, R2 and R3 under random orders, contact faults, lost messages and restarts,
    through four whole firmwares. Exit code 1 if anything happened that never must."""
    if full and results is None:
        results = Path("out") / "interlock.jsonl"
        results.parent.mkdir(exist_ok=True)
    writable({"--results": results, "--json": json_file})
    from host_sim.study import interlock as one

    try:
        with Counted("sequences played") as progress:
            rows = one.run(steps or (one.FULL if full else one.STEPS), seed, jobs or cores(),
                           results, progress)
    except InputError as e:
        bad_input(e.text)
    figures = one.figures(rows)
    tell(figures, json_file)
    for case, t_s, rule, what in figures["broken_first"]:
        typer.echo(f"E571 study interlock: sequence {case} at {t_s:.3f} s, {rule}: {what}. Play "
                   "it again with the same --seed; its row holds the course.", err=True)
    if figures["broken_first"]:
        raise typer.Exit(1)
