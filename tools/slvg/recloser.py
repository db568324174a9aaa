"""`slvg sim recloser`, and any other scenario of kind "recloser": one breaker between two nets."""
import os
from pathlib import Path
from typing import NoReturn

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from host_sim.scenario import captures, recloser_plan, recloser_run
from host_sim.scenario.complaints import InputError
from host_sim.scenario.recloser_figures import check, figures
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg.output import bad_input, picture, writable, write_json
from slvg.show import expectations

_SHOWN = ("asked", "closings", "touch_s", "touch_deg", "touch_mhz", "touch_du_pct", "wait_s",
          "openings", "trip_ms", "closed_end", "records", "events", "event_log_sha256", "python",
          "seed", "wall_s")


def command(name: str, seed: int | None, vm: bool, plot: Path | None, log: Path | None,
            comtrade: Path | None, json_file: Path | None, quiet: bool, unused: dict) -> None:
    """unused: options of `sim` that a recloser has no use for, with what was given."""
    for option, given in unused.items():
        if given:
            bad_input(f"E131 {option}: a recloser's scenario has no use for it. Leave it out.")
    try:
        plan = recloser_plan.read(name)
    except InputError as e:
        bad_input(e.text)
    picture(plot)
    writable({"--plot": plot, "--log": log, "--json": json_file}, name)
    if comtrade is not None and not (comtrade.is_dir() and os.access(comtrade, os.W_OK)):
        bad_input(f"E132 --comtrade {comtrade}: is no folder that can be written. Make it, or "
                  "write elsewhere.")
    console = Console(quiet=quiet or str(json_file) == "-", highlight=False, soft_wrap=True)
    console.print(plan.title, markup=False)
    try:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(plan.name)
            result = recloser_run.run(
                plan, vm, seed,
                lambda t_us, line: bar.console.print(f"{t_us / 1e6:9.3f} s  {_words(line)}",
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
        from host_sim.scenario.recloser_plot import plot as draw

        draw(result, plot)
    if comtrade is not None:
        paths, bad = captures.export(comtrade, plan.name, plan.id, "", result.captures)
        console.print(f"{comtrade}: {len(paths)} COMTRADE records", markup=False)
        figure |= {"comtrade": [path.name for path in paths], "comtrade_damaged": bad}
    failed = [one for one in checks if not one.ok]
    write_json(json_file, figure | {
        "log": [{"t_s": t_us / 1e6, "line": line} for t_us, line in result.events],
        "console": result.console.split("\r\n") if result.console else [],
        "checks": [vars(one) for one in checks], "ok": not failed})
    _verdict(console, figure, checks)
    if failed:
        _fail(plan.name, failed)


def _words(line: str) -> str:
    return line.split(" ", 3)[3]


def _verdict(console: Console, figure: dict, checks: list) -> None:
    table = Table(box=None, pad_edge=False, title="Figures", title_justify="left")
    table.add_column("figure")
    table.add_column("value", overflow="fold")
    for name in _SHOWN:
        value = figure[name]
        text = ", ".join(map(str, value)) or "-" if isinstance(value, list) else str(value)
        table.add_row(name, Text(text))
    console.print(table)
    expectations(console, checks)


def _fail(name: str, failed: list) -> NoReturn:
    for one in failed:
        typer.echo(f"E140 {name}: expectation {one.name} not met: {one.text}", err=True)
    raise typer.Exit(1)
