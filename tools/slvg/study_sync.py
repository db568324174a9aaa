"""`slvg study sync` and `slvg study phasor`: the recloser's measuring and its synchronism check.

Reads arguments, calls host_sim/study/, prints; computes nothing itself. study_recloser.py
registers both.
"""
from enum import StrEnum
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


class FrontEnd(StrEnum):
    rp2040 = "rp2040"
    esp32 = "esp32"


def sync(
    scenarios: Annotated[int | None, typer.Option("--scenarios", min=8, max=10_000_000,
                                                  metavar="N", help=(
        "Closings: half in the stress set, a quarter at steady slip, a quarter in check mode; "
        "2000, with --full 100000. Estimator trials: a tenth, at least 200."))] = None,
    front_end: Annotated[FrontEnd, typer.Option("--front-end", help=(
        "Noise of the converter: the board's, or as an ESP32 has it."))] = FrontEnd.rp2040,
    curve: Annotated[Path | None, typer.Option(metavar="FILE.npz", help=(
        "A measured converter: sum_a to learn its table on, sum_b to measure with."))] = None,
    full: Annotated[bool, typer.Option("--full", help=(
        "100000 closings, 10000 trials, 1000 cases in both Pythons."))] = False,
    results: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Keep each row here, and take up a run that was cut. With --full out/sync.jsonl unless "
        "given."))] = None,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Synchronism check: errors of the estimator, closings against the truth and an oracle, what
    each gate is good for. Exit code 1 if a goal was missed."""
    if full and results is None:
        results = Path("out") / "sync.jsonl"
        results.parent.mkdir(exist_ok=True)
    writable({"--results": results, "--json": json_file})
    report_folder(report)
    from host_sim.study import sync as one
    from host_sim.waveform.adc import CurveError, read_curve

    n = scenarios or (one.FULL if full else one.SCENARIOS)
    try:
        if curve is not None:
            read_curve(curve)
        chosen = one.items(n, seed, front_end.value, str(curve.resolve()) if curve else "", full)
        with Counted("cases played") as progress:
            rows = one.run(chosen, full, jobs or cores(), results, progress)
    except InputError as e:
        bad_input(e.text)
    except (CurveError, NoMicroPython, VmError, ValueError) as e:
        bad_input(str(e))
    figures = one.figures(rows, front_end.value)
    if report is not None:
        from host_sim.study.sync_report import report as written

        save(written(rows, figures, chosen[0]), report)
    tell(figures, json_file)
    for key in figures["goals_missed"]:
        typer.echo(f"E187 study sync: {key} = {figures[key]}, {one.goal(key, front_end.value)}. "
                   "The report shows each case; play it again with the same --seed.", err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)


def phasor(
    front_end: Annotated[FrontEnd, typer.Option("--front-end", help=(
        "Noise of the converter: the board's, or as an ESP32 has it."))] = FrontEnd.rp2040,
    full: Annotated[bool, typer.Option("--full", help=(
        "Frequencies in steps of 0.1 Hz, three angles, modulations in steps of 0.1 Hz."))] = False,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Phasors against the P class of C37.118.1 at 50 Hz. Exit code 1 if a limit was exceeded."""
    writable({"--json": json_file})
    report_folder(report)
    from host_sim.study import phasor as one

    try:
        with Counted("tests played") as progress:
            results = one.run(front_end.value, full, seed, jobs or cores(), progress)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    figures = one.figures(results, front_end.value)
    if report is not None:
        from host_sim.study.phasor_report import report as written

        save(written(results, figures), report)
    tell(figures, json_file)
    for text in figures["goals_missed"]:
        typer.echo(f"E188 study phasor: {text}. The report shows each test.", err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)
