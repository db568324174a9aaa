"""`slvg study link`: what a failing network loses of commands and events; study.py registers it.

Reads arguments, calls host_sim/study/link.py and link_fuzz.py, prints; computes nothing itself.
"""
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from host_sim.net.broker import BrokerError
from host_sim.study.link_plant import NoUmqtt
from host_sim.study.pool import cores
from slvg.output import JsonFile, bad_input, writable, write_json
from slvg.progress import Counted
from slvg.study_options import ReportDir, report_folder, save


def link(
    fault: Annotated[list[str] | None, typer.Option("--fault", metavar="NAME", help=(
        "Only this; may be given again. Without it all."))] = None,
    full: Annotated[bool, typer.Option("--full", help=(
        "Every byte of each packet, outages of minutes, 10^6 bent messages; 10 minutes."
    ))] = False,
    fuzz: Annotated[int | None, typer.Option("--fuzz", min=0, max=100_000_000, metavar="N", help=(
        "Bent and random messages to the decoder and the receiver; 20000, with --full 10^6. 0: "
        "none."))] = None,
    report: ReportDir = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="S", help=(
        "Of the dice: which bytes, how long, what is bent. Time is real here, so counts vary."
    ))] = 1,
    side_by_side: Annotated[int | None, typer.Option("--jobs", min=1, max=64, metavar="N", help=(
        "Trials side by side, which mostly wait; 8."))] = None,
    json_file: JsonFile = None,
) -> None:
    """A controller at a real broker over a path that fails: commands and events lost or doubled,
    how soon it is back. On this machine's loopback alone. Exit code 1 if a goal was missed."""
    writable({"--json": json_file})
    report_folder(report)
    from host_sim.study import link as one
    from host_sim.study import link_fuzz

    unknown = [name for name in fault or () if name not in one.BY_NAME]
    if unknown:
        bad_input(f"E462 study link: --fault {unknown[0]}: there is none. Choose from: "
                  f"{', '.join(one.BY_NAME)}.")
    try:
        one.check()
    except (NoUmqtt, BrokerError) as e:
        bad_input(str(e))
    with Counted("trials done") as progress:
        figures = one.run(fault or one.BY_NAME, full, seed, side_by_side or one.SIDE_BY_SIDE,
                          progress)
    n = (link_fuzz.FULL if full else link_fuzz.SAMPLE) if fuzz is None else fuzz
    if n:
        with Counted("messages bent") as progress:
            figures["fuzz"] = link_fuzz.run(n, seed, cores(), progress)
    if report is not None:
        from host_sim.study.link_report import report as written

        save(written(figures, full, seed), report)
    write_json(json_file, figures)
    if str(json_file) != "-":
        _tell(one.table(figures), figures.get("fuzz"))
    wrong = [f"E463 study link: {text}. Play it again with --fault and the same --seed."
             for text in figures["goals_missed"]]
    wrong += [f"E464 study link: {text}. Play it again with --fault and the same --seed."
              for text in figures["failures"]]
    wrong += [f"E465 study link: fuzz: {text}. Play it again with the same --fuzz and --seed."
              for text in figures.get("fuzz", {}).get("wrong", ())]
    for text in wrong:
        typer.echo(text, err=True)
    if wrong:
        raise typer.Exit(1)


def _tell(rows: tuple[list[str], list[list]], fuzz: dict | None) -> None:
    console = Console(highlight=False, width=None if Console().is_terminal else 160)
    table = Table(box=None, pad_edge=False)
    for k, column in enumerate(rows[0]):
        table.add_column(column, justify="right" if k else "left")
    for row in rows[1]:
        table.add_row(*map(str, row))
    console.print(table)
    if fuzz:
        typer.echo(f"fuzz: {fuzz['messages']} messages, {fuzz['taken']} taken, "
                   f"{fuzz['exceptions']} exceptions, {fuzz['changes']} changes of state")
