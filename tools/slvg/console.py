"""`slvg console`: the serial console of a unit, with history, completion, a log and parsed pages.

Interactive: lines are edited here and sent whole; questions of the unit are answered in place,
passwords unseen. With --do, --json, --support or --comtrade it asks and leaves. What a command
does is the unit's business (firmware/acu/console); this only carries it. Passwords are neither
printed nor logged.
"""
import datetime as dt
import os
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console
from rich.table import Table

from acu.console import commands
from host_sim.scenario import captures
from host_sim.scenario.complaints import InputError
from slvg.console_link import QUESTION, ConsoleError, Unit
from slvg.flash import password_of
from slvg.flash_link import PROMPTS, Link, choose
from slvg.output import JsonFile, PortOption, SerialOption, bad_input, writable, write_json

STATE = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "slvg"
_LIVE_S = 3600.0        # a live page goes on until Ctrl-C


class Log:
    """Every line with the time of this computer; None as file: none."""

    def __init__(self, file: TextIO | None):
        self._file = file

    def __call__(self, mark: str, text: str) -> None:
        if self._file:
            now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            self._file.write(f"{now.replace('+00:00', 'Z')} {mark} {text}\n")
            self._file.flush()


def command(
    port: PortOption = "",
    number: SerialOption = "",
    do: Annotated[str, typer.Option("--do", metavar="'MET; SER 5'", help=(
        "Send these commands, print the answers, leave."))] = "",
    level: Annotated[str, typer.Option("--level", metavar="1|B|2", help=(
        "Log in first; the password by --password-file or SLVG_PASSWORD."))] = "",
    password_file: Annotated[Path | None, typer.Option("--password-file", metavar="FILE", help=(
        "Password of that level, one line."))] = None,
    table: Annotated[bool, typer.Option("--table", help=(
        "With --do: the comma-separated twins as tables, checksums verified."))] = False,
    log: Annotated[Path | None, typer.Option("--log", metavar="FILE", help=(
        "Append all that is said to this file, with times."))] = None,
    support: Annotated[Path | None, typer.Option("--support", metavar="FILE", help=(
        "Write what a support desk needs (STA S), and leave."))] = None,
    comtrade: Annotated[Path | None, typer.Option("--comtrade", metavar="FOLDER", help=(
        "Fetch all records of samples as COMTRADE, and leave."))] = None,
    wiring: Annotated[str, typer.Option("--wiring", metavar="ABC", help=(
        "With --comtrade: the phases of the meter, as in its settings."))] = "",
    json_file: JsonFile = None,
) -> None:
    """Talk to a unit by its serial console."""
    if level not in ("", "1", "B", "2"):
        bad_input(f"E279 --level {level}: is none. Choose 1, B or 2.")
    if (json_file or table) and not (do or comtrade):
        bad_input("E279 --json, --table: need commands. Add --do 'MET' or --comtrade.")
    writable({"--json": json_file, "--support": support, "--log": log})
    if comtrade is not None and not comtrade.is_dir():
        bad_input(f"E132 --comtrade {comtrade}: no such folder. Make it, or write elsewhere.")
    try:
        password = password_of(password_file)
        link = Link(choose(port, number))
    except InputError as e:
        bad_input(e.text)
    file = log.open("a", encoding="utf-8") if log else None
    try:
        told = Log(file)
        if do or support or comtrade:
            figures = _once(link, told, do, level, password, table, support, comtrade, wiring)
            write_json(json_file, figures)
        else:
            _talk(link, told, level, password)
    except InputError as e:
        bad_input(e.text)
    finally:
        link.close()
        if file:
            file.close()


# -- ask and leave


def _once(link: Link, log: Log, do: str, level: str, password: str, table: bool,
          support: Path | None, comtrade: Path | None, wiring: str) -> dict:
    unit = Unit(link)
    unit.wake()
    if level or support or comtrade:
        unit.login(level or "1", password)
    figures: dict = {}
    for one in (part.strip() for part in do.split(";")):
        if not one:
            continue
        log(">", one)
        if table:
            figures[one] = _show_table(one, unit.twin("C" + one))
        else:
            for line in unit.ask(one):
                log("<", line)
                typer.echo(line)
            if _has_twin(one):
                figures[one] = unit.twin("C" + one)
    if support is not None:
        support.write_text("\n".join(unit.ask("STA S", 60.0)) + "\n", encoding="utf-8")
        typer.echo(f"{support}: written")
    if comtrade is not None:
        figures["comtrade"] = fetch(unit, comtrade, wiring, typer.echo)
    return figures


def _has_twin(line: str) -> bool:
    row, _ = commands.find(line.split(maxsplit=1)[0])
    return row is not None and row[commands.TWIN] == "C"


def _show_table(title: str, rows: list[list[str]]) -> list[list[str]]:
    shown = Table(title=title, show_header=False)
    for row in rows:
        shown.add_row(*row)
    Console().print(shown)
    return rows


def fetch(unit: Unit, folder: Path, wiring: str, say: Callable[[str], None]) -> list[str]:
    """All whole records of samples of a Meter, as COMTRADE; the names of the .cfg files."""
    who = {row[0]: row[1] for row in unit.twin("CVER")}
    listed = [row for row in unit.twin("CEVE") if row[0].isdigit()]
    raws = []
    for row in listed:
        parts = [one for one in unit.twin(f"CEVE {row[0]}", 120.0) if one[0] == "DATA"]
        raws.append(b"".join(b64decode(one[2]) for one in parts))
    name = who.get("ID", "unit")
    if not wiring:
        kind = next((one.kind for one in map(captures.unpack, raws) if one), "post")
        wiring = {"single": "A", "two": "AB"}.get(kind, "ABC")
    paths, damaged = captures.export(folder, who.get("BOARD", "unit"), name, wiring, raws)
    say(f"{folder}: {len(paths)} COMTRADE records"
        + (f", {damaged} damaged left out" if damaged else ""))
    return [path.name for path in paths]


# -- interactive


def _talk(link: Link, log: Log, level: str, password: str) -> None:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.history import FileHistory

    def show(line: str) -> None:
        log("<", line)
        typer.echo(line)

    unit = Unit(link, show)
    standing = unit.wake()
    if level:
        unit.login(level, password)
        standing = unit.send("")[1]
    words = [row[commands.NAME] for row in commands.rows()]
    words += ["C" + row[commands.NAME] for row in commands.rows() if row[commands.TWIN]]
    STATE.mkdir(parents=True, exist_ok=True)
    lines: PromptSession = PromptSession(
        history=FileHistory(str(STATE / "console_history")),
        completer=WordCompleter(words, ignore_case=True, sentence=True))
    answers: PromptSession = PromptSession()
    typer.echo(f"{link.device}: connected. HEL for help, Ctrl-C ends a page, Ctrl-D leaves.")
    while True:
        question = standing not in PROMPTS
        secret = question and "assword" in standing
        try:
            if question:
                typed = answers.prompt(standing, is_password=secret)
            else:
                typed = lines.prompt(standing)
        except KeyboardInterrupt:
            typed = "\x03"
        except EOFError:
            return
        log(">", "(a password)" if secret else typed.replace("\x03", "^C"))
        standing = _answer(unit, typed)


def _answer(unit: Unit, typed: str) -> str:
    """What stands after it; a live page is ended by Ctrl-C."""
    try:
        return unit.send(typed, _LIVE_S)[1]
    except KeyboardInterrupt:
        return unit.send("\x03")[1]
    except ConsoleError as e:
        typer.echo(e.text, err=True)
        return unit.wake()


__all__ = ["QUESTION", "command", "fetch"]
