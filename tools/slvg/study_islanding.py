"""`slvg study islanding`: perturbed districts with the four-recloser scheme and without.

Reads arguments, calls host_sim/study/, prints; computes nothing itself. study_recloser.py
registers it.
"""
from pathlib import Path
from typing import Annotated

import typer

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import cores
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg.output import JsonFile, bad_input, writable
from slvg.progress import Counted
from slvg.study_options import Jobs, ReportDir, Seed, report_folder, save, tell


def islanding(
    variants: Annotated[int | None, typer.Option("--variants", min=1, max=100_000, metavar="N",
                                                 help=(
        "Districts; inertia, lines and load of each up to half more or less. 18, with --full "
        "1000."))] = None,
    full: Annotated[bool, typer.Option("--full", help="1000 variants.")] = False,
    results: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Keep each row here, and take up a run that was cut. With --full out/islanding.jsonl "
        "unless given."))] = None,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Share of perturbed districts whose machines stay in step: with the scheme (four reclosers in
    MicroPython, from samples to breakers), with an ideal one, with none, with a blind closing."""
    if full and results is None:
        results = Path("out") / "islanding.jsonl"
        results.parent.mkdir(exist_ok=True)
    writable({"--results": results, "--json": json_file})
    report_folder(report)
    from host_sim.study import islanding as one

    n = variants or (one.FULL if full else one.VARIANTS)
    try:
        with Counted("runs played") as progress:
            rows = one.run(n, seed, jobs or cores(), results, progress)
    except InputError as e:
        bad_input(e.text)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    figures = one.figures(rows)
    if report is not None:
        from host_sim.study.islanding_report import report as written

        save(written(rows, figures, seed), report)
    tell(figures, json_file)
    if figures["goals_missed"]:
        low, high = figures["in_step_ci95_pct"]
        typer.echo(f"E570 study islanding: in_step_pct = {figures['in_step_pct']} ({low} to "
                   f"{high}), at least {one.GOAL_PCT:g}. The rows of the variants in `failed` "
                   "hold their event logs (--results FILE).", err=True)
        raise typer.Exit(1)
