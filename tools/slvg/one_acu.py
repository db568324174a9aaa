"""`slvg sim` of a scenario with few controllers in a world of its own: kinds "recloser",
"microgrid" and "district". Reads arguments, plays, prints, writes; computes nothing itself."""
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from host_sim.scenario.complaints import InputError
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg.output import bad_input, picture, writable, write_json
from slvg.show import expectations


def sim(name: str, plan_of: Callable, play: Callable, figures: Callable, check: Callable,
        draw: Callable[[], Callable], shown: tuple[str, ...], *, seed: int | None, vm: bool,
        plot: Path | None, log: Path | None, json_file: Path | None, quiet: bool,
        kind: str, unused: dict, more: Callable[[Console, Any, Any], dict] | None = None,
        words: Callable[[str], str] | None = None) -> None:
    """plan_of, play, figures, check: of this kind of scenario; draw(): its picture's function;
    shown: its figures, in the table's order; unused: options of `sim` that it has no use for,
    with what was given; more: what else to do with (console, plan, result), gives more figures;
    words: what of a line of the log is shown as it comes, without it all but its head."""
    shown_of = words or _words
    for option, given in unused.items():
        if given:
            bad_input(f"E131 {option}: a {kind}'s scenario has no use for it. Leave it out.")
    try:
        plan = plan_of(name)
    except InputError as e:
        bad_input(e.text)
    picture(plot)
    writable({"--plot": plot, "--log": log, "--json": json_file}, name)
    console = Console(quiet=quiet or str(json_file) == "-", highlight=False, soft_wrap=True)
    console.print(plan.title, markup=False)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(plan.name)
            result = play(
                plan, vm, seed,
                lambda t_us, line: bar.console.print(f"{t_us / 1e6:9.3f} s  {shown_of(line)}",
                                                     markup=False),
                lambda n, of: bar.update(task, completed=n, total=of))
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    if result.console:
        console.print(result.console.replace("\r", "").rstrip(), markup=False)
    figure = figures(result) | ({} if seed is None else {"seed": seed})
    checks = check(figure, result)
    if log is not None:
        log.write_text(result.event_log(), encoding="utf-8")
    if plot is not None:
        draw()(result, plot)
    if more is not None:
        figure |= more(console, plan, result)
    failed = [one for one in checks if not one.ok]
    write_json(json_file, figure | {
        "log": [{"t_s": t_us / 1e6, "line": line} for t_us, line in result.events],
        "console": result.console.split("\r\n") if result.console else [],
        "checks": [vars(one) for one in checks], "ok": not failed})
    _verdict(console, figure, checks, shown)
    if failed:
        _fail(plan.name, failed)


def _words(line: str) -> str:
    return line.split(" ", 3)[3]


def _verdict(console: Console, figure: dict, checks: list, shown: tuple[str, ...]) -> None:
    table = Table(box=None, pad_edge=False, title="Figures", title_justify="left")
    table.add_column("figure")
    table.add_column("value", overflow="fold")
    for name in shown:
        value = figure[name]
        table.add_row(name, Text(_text(value)))
    console.print(table)
    expectations(console, checks)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = [f"{key} {_text(one)}" for key, one in value.items()]
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _fail(name: str, failed: list) -> NoReturn:
    for one in failed:
        typer.echo(f"E140 {name}: expectation {one.name} not met: {one.text}", err=True)
    raise typer.Exit(1)
