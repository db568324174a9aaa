"""`slvg study protection|reclosing|sync|phasor|islanding`: the recloser's studies; study.py has
them from here.

Reads arguments, calls host_sim/study/, prints; computes nothing itself.
"""
from typing import Annotated

import typer

from host_sim.study.pool import cores
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg import study_interlock, study_islanding, study_sync
from slvg.output import JsonFile, bad_input, writable
from slvg.progress import Counted
from slvg.study_options import Jobs, ReportDir, Seed, report_folder, save, tell


def register(study: typer.Typer) -> None:
    """Adds the commands of this file to `slvg study`."""
    study.command()(protection)
    study.command()(reclosing)
    study.command()(study_sync.sync)
    study.command()(study_sync.phasor)
    study.command()(study_islanding.islanding)
    study.command()(study_interlock.interlock)


def protection(
    trials: Annotated[int | None, typer.Option(min=1, max=100_000, metavar="N", help=(
        "Faults of random phase for each function; 40, with --full 1000."))] = None,
    full: Annotated[bool, typer.Option("--full", help="1000 for each function.")] = False,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Times and pick-ups of the protection over faults of random phase, from ADC codes through
    the firmware's measuring. Exit code 1 if a goal was missed."""
    writable({"--json": json_file})
    report_folder(report)
    from host_sim.study import protection as one

    n = trials or (one.FULL_TRIALS if full else one.TRIALS)
    try:
        with Counted("faults played") as progress:
            results = one.run(n, seed, jobs or cores(), progress)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    figures = one.figures(results)
    if report is not None:
        from host_sim.study.protection_report import report as written

        save(written(results, figures), report)
    tell(figures, json_file)
    for key in figures["goals_missed"]:
        typer.echo(f"E186 study protection: {key} is missed. Play it again with the same --seed; "
                   "the report shows each fault.", err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)


def reclosing(
    trials: Annotated[int | None, typer.Option(min=0, max=100_000, metavar="N", help=(
        "Faults of random phase whose times are judged; 40, with --full 1000."))] = None,
    cuts: Annotated[int | None, typer.Option(min=0, max=1_000_000, metavar="N", help=(
        "Cuts of the power, at any tick or write of a recloser's sequences; 300, with --full "
        "10000."))] = None,
    full: Annotated[bool, typer.Option("--full", help="1000 faults, 10000 cuts.")] = False,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """A recloser's automatic reclosing: its dead and reclaim times over faults of random phase,
    and what is left of a sequence when the supply goes in it. Exit code 1 if a goal was missed."""
    writable({"--json": json_file})
    from host_sim.study import reclosing as one

    n = trials if trials is not None else one.FULL_TRIALS if full else one.TRIALS
    n_cuts = cuts if cuts is not None else one.FULL_CUTS if full else one.CUTS
    try:
        with Counted("parts done") as progress:
            figures = one.run(n, n_cuts, full, seed, jobs or cores(), progress)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    tell(figures, json_file)
    for key in figures["goals_missed"]:
        typer.echo(f"E511 study reclosing: {key} = {figures[key]}, at most {one.GOALS[key]:g}. "
                   "Play it again with the same --seed; `wrong` tells of cuts.", err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)
