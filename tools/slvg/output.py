"""What every slvg command does with its output files and with bad input."""
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help=(
    "Write the figures as JSON; - is standard output."))]


# Where a board is; flash_link.choose() takes both.
PortOption = Annotated[str, typer.Option("--port", metavar="DEVICE", help=(
    "Where it is; without it the only board that is plugged in."))]
SerialOption = Annotated[str, typer.Option("--serial", metavar="NUMBER", help=(
    "Which one, by its USB serial number."))]


def bad_input(text: str) -> NoReturn:
    typer.echo(text, err=True)
    raise typer.Exit(2)


def picture(path: Path | None) -> None:
    """The name says what kind of picture."""
    if path is not None and path.suffix.lower() not in (".png", ".svg", ".pdf"):
        bad_input(f"E131 --plot {path}: no kind of picture. End the name in .png, .svg or .pdf.")


def writable(outputs: dict[str, Path | None], name: str = "") -> None:
    """A run of a minute must not end with a file that cannot be written. name: the input, which
    no output may overwrite."""
    taken = {Path(name).resolve(): "the scenario"} if name else {}
    for option, path in outputs.items():
        if path is None or option == "--json" and str(path) == "-":
            continue
        if str(path) == "-":
            bad_input(f"E132 {option} -: standard output is for the panel. Give a file.")
        other = taken.get(path.resolve())
        if other:
            bad_input(f"E132 {option} {path}: is the file of {other} too. Give each its own.")
        why_not = trouble(path)
        if why_not:
            bad_input(f"E132 {option} {path}: {why_not}. Write elsewhere.")
        taken[path.resolve()] = option


def trouble(path: Path) -> str:
    """Why this file cannot be written, '' if it can; nothing is left of the trial."""
    try:
        if path.is_dir():
            return "is a folder"
        if not path.resolve().parent.is_dir():
            return "its folder does not exist"
        if path.is_fifo():       # opening it twice would end it for its reader
            return "" if os.access(path, os.W_OK) else "permission denied"
        new = not path.exists() and not path.is_symlink()
        with path.open("ab") as file:
            if path.is_char_device() and not file.isatty():
                file.write(b"\n")    # /dev/full can be opened
        if new:
            path.unlink()
    except OSError as e:
        return (e.strerror or "cannot be written").lower()
    return ""


def write_json(path: Path | None, what: dict) -> None:
    if path is None:
        return
    text = json.dumps(what, indent=2) + "\n"
    if str(path) == "-":
        typer.echo(text, nl=False)
    else:
        path.write_text(text, encoding="utf-8")


def flat(what: dict, prefix: str = "") -> Iterator[tuple[str, object]]:
    """Names and values of nested figures: 'roles.operator.lines', 2796."""
    for key, value in what.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value
