"""What the studies' commands share: their options, how they tell figures and write reports."""
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from slvg.output import bad_input, flat, write_json

Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="S", help=(
    "The same seed gives the same figures."))]
Jobs = Annotated[int | None, typer.Option(min=1, max=64, metavar="N", help=(
    "Processes; without it all cores."))]
ReportDir = Annotated[Path | None, typer.Option("--report", metavar="DIR", help=(
    "Write the report there: HTML, and its tables and figures as CSV and PNG."))]


def tell(figures: dict, json_file: Path | None) -> None:
    """The figures as a table, and as JSON where asked for."""
    write_json(json_file, figures)
    if str(json_file) != "-":
        for key, value in flat(figures):
            typer.echo(f"{key:<48} {'-' if value is None else value}")


def report_folder(folder: Path | None) -> None:
    """A run of a minute must not end with a report that cannot be written; nothing is made yet,
    what is bad otherwise leaves no empty folder."""
    if folder is None:
        return
    why_not = ""
    try:
        there = folder.resolve()
        while not there.exists() and there != there.parent:
            there = there.parent
        if not there.is_dir():
            why_not = f"{there} is a file" if there != folder.resolve() else "is a file"
        elif not os.access(there, os.W_OK):
            why_not = "permission denied"
        elif there != folder.resolve():       # /proc says it could be written, and cannot
            with tempfile.TemporaryDirectory(dir=there):
                pass
    except OSError as e:
        why_not = (e.strerror or "cannot be made").lower()
    if why_not:
        bad_input(f"E132 --report {folder}: {why_not}. Name a folder, or a place for a new one.")


def save(report, folder: Path) -> None:
    """A host_sim.study.report.Report into the folder; says where its page is."""
    typer.echo(f"report: {report.write(folder)[0]}", err=True)
