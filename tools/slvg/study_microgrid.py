"""`slvg study microgrid`: what the dispatch costs over years; study.py registers it.

Reads arguments, calls host_sim/study/microgrid_study.py, prints; computes nothing itself.
"""
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import cores
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython, micropython
from slvg.output import JsonFile, bad_input, writable, write_json
from slvg.progress import Counted
from slvg.study_options import Jobs, ReportDir, Seed, report_folder, save


def microgrid(
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR|FILE", help=(
        "Profiles (docs/microgrid.md); without it made-up years."))] = None,
    years: Annotated[int | None, typer.Option(min=1, max=20, metavar="N", help=(
        "So many made-up years, or the first of the data; 3, or all."))] = None,
    step_s: Annotated[int | None, typer.Option("--step-s", min=1, max=3600, metavar="S", help=(
        "The firmware's step; each value of the profiles is held. Without it the profiles' own."
    ))] = None,
    policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help=(
        "A table made before (slvg study policy --out); without it one is made of all years but "
        "the last."))] = None,
    no_policy: Annotated[bool, typer.Option("--no-policy", help="Without a table."
                                            )] = False,
    no_bound: Annotated[bool, typer.Option("--no-bound", help=(
        "Without the cost at perfect information."))] = False,
    robust: Annotated[bool, typer.Option("--robust", help=(
        "Other batteries, loads and clocks than the policies were made for, too."))] = False,
    vm: Annotated[bool, typer.Option("--vm", help=(
        "The same set-points inside the 32-bit MicroPython? Exit code 1 if not."))] = False,
    report: ReportDir = None,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help=(
        "Write each method's energies and costs by the year."))] = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """What the dispatch of an isolated microgrid costs over years, method by method, against the
    least that it can. --seed: of the made-up years and of Random."""
    writable({"--csv": csv, "--json": json_file})
    report_folder(report)
    if policy is not None and no_policy:
        bad_input(f"E417 study: --no-policy and --policy {policy} exclude each other. Give one.")
    from host_sim.study import microgrid_study as one
    from host_sim.study.microgrid_bound import NoBound
    from host_sim.study.microgrid_profiles import read, synthetic

    try:
        if vm:
            micropython()        # not after minutes
        raw = None if policy is None else one.usable(_bytes(policy), str(policy))
        profiles = synthetic(years or 3, seed) if data is None else read(data)
        if data is not None and years is not None:
            profiles = profiles.first(years)
        with ExitStack() as stack:
            def progress(what: str) -> Counted:
                stack.close()        # one bar at a time
                return stack.enter_context(Counted(what))

            results = one.run(profiles, raw, step_s, seed, jobs or cores(), progress,
                              make=not no_policy, bounded=not no_bound, robust=robust, vm=vm)
    except InputError as e:
        bad_input(e.text)
    except (NoBound, NoMicroPython, VmError) as e:
        bad_input(str(e))
    figures = one.figures(results)
    if csv is not None:
        csv.write_text(one.table_csv(results), encoding="utf-8")
    if report is not None:
        from host_sim.study.microgrid_report import report as written

        save(written(results, _facts(results)), report)
    write_json(json_file, figures)
    if str(json_file) != "-":
        _tell(one, results)
    for text in one.wrong(results):
        typer.echo(f"E419 study microgrid: {text}. Play it again with the same --seed.", err=True)
    if one.wrong(results):
        raise typer.Exit(1)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise InputError([f"E411 --policy {path}: {(e.strerror or 'cannot be read').lower()}. "
                          "Make a table with slvg study policy --out."]) from None


def _facts(results) -> list[str]:
    profiles = results.profiles
    facts = [f"Profiles: {profiles.name}; {profiles.years} years of 8760 h and "
             f"{profiles.rest_h} h; steps of {profiles.step_s} s.",
             "Plant: 6 kW PV, battery 2.9 kWh, hydrogen 200 kWh (100 at first), diesel set 1 kW, "
             "1 EUR for a kWh not supplied.",
             "Methods run in the firmware's own dispatch, whose set-points the plant carries out."]
    if results.raw is not None:
        trained = ", ".join(map(str, results.train)) or "elsewhere"
        facts.append(f"Table: {len(results.raw)} bytes, trained on year {trained}.")
    if results.bound is not None:
        facts.append(f"Bound: {results.bound.iterations} iterations, {results.bound.seconds:.0f} "
                     "s on one core.")
    return facts


def _tell(one, results) -> None:
    console = Console(highlight=False, width=None if Console().is_terminal else 160)
    tables = [("Costs", one.costs(results)), ("Energies of all years", one.energies(results))]
    if results.robust:
        tables.append(("Robustness, corrected for the hydrogen left", one.robustness(results)))
    if results.vm:
        tables.append(("In the 32-bit MicroPython", one.in_vm(results)))
    for title, (columns, rows) in tables:
        table = Table(box=None, pad_edge=False, title=title, title_justify="left")
        for k, column in enumerate(columns):
            table.add_column(column, justify="right" if k else "left", overflow="fold")
        for row in rows:
            table.add_row(*(_shown(cell) for cell in row))
        console.print(table)
        console.print()


def _shown(cell: object) -> str:
    if cell is None:
        return "-"
    return f"{cell:.2f}" if isinstance(cell, float) else str(cell)
