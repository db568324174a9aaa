"""The slvg command line. Exit codes: 0 done, 1 an expectation was not met, 2 bad input or output,
130 stopped with Ctrl-C.

Reads arguments and files, calls the simulator, writes what was asked for; decides nothing itself.
"""
import os
import sys
from contextlib import suppress
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from host_sim import boards
from host_sim.board.jobs import JobError
from host_sim.pins import claims
from host_sim.scenario import (
    district_plan,
    figures,
    load,
    logs,
    microgrid_plan,
    reading,
    recloser_plan,
)
from host_sim.scenario.complaints import InputError
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from host_sim.world.grid.csv_files import read_network
from host_sim.world.grid.network import GridError
from host_sim.world.grid.network import check as network_check
from slvg import over_broker
from slvg.broker import command as broker
from slvg.build import command as build
from slvg.calibrate import calibrate
from slvg.captures import export, exporting
from slvg.console import command as console
from slvg.flash import command as flash
from slvg.flash import virtual
from slvg.keys import keys
from slvg.output import JsonFile, bad_input, flat, picture, writable, write_json
from slvg.show import Drawn, Pace, Plain, verdict
from slvg.study import study

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
                  rich_markup_mode="rich",
                  help="Firmware for low-voltage grid controllers on an emulated street. "
                       "Exit codes: 0 done, 1 an expectation was not met, 2 bad input, 130 "
                       "stopped with Ctrl-C.")

app.add_typer(study, name="study")
app.add_typer(keys, name="keys")
app.command("broker")(broker)
app.command()(calibrate)
app.command("build")(build)
app.command("console")(console)
app.command("flash")(flash)
app.command("board")(virtual)


class Level(StrEnum):
    wave = "wave"
    quantity = "quantity"
    phasor = "phasor"


class Broker(StrEnum):
    auto = "auto"
    mosquitto = "mosquitto"
    amqtt = "amqtt"


@app.command()
def sim(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help=(
        "A scenario by name, or a TOML file; playback: a record, see --comtrade."))],
    speed: Annotated[float | None, typer.Option(min=0.01, max=1000, metavar="X", help=(
        "Times real time; without it as fast as possible."))] = None,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help=(
        "Draw U and S per phase and the customers' powers; of a recloser both sides' U, f, angle, "
        "current and decisions; of a microgrid powers and charges; of a district currents, "
        "powers, frequency, angles."))] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Write the event log as CSV."))] = None,
    log: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Write the event log as text."))] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=2**31 - 1, metavar="N", help=(
        "Instead of the scenario's own."))] = None,
    vm: Annotated[bool, typer.Option("--vm", help=(
        "Run the firmware inside the 32-bit MicroPython."))] = False,
    feeder: Annotated[Path | None, typer.Option(metavar="FOLDER|FILE.dss", help=(
        "Another network, with its own profiles, for a scenario with a feeder."))] = None,
    level: Annotated[Level | None, typer.Option(help=(
        "From ADC codes, or from quantities (faster)."))] = None,
    jobs: Annotated[int, typer.Option(min=1, max=2, metavar="N", help=(
        "Processes that share the controllers, at level wave; the log is the same."))] = 1,
    comtrade: Annotated[Path | None, typer.Option(metavar="FILE.cfg|FOLDER", help=(
        "With playback as NAME: the record that becomes a Meter's waveform. With a scenario: "
        "where to write what its Meters or its recloser recorded around events."))] = None,
    un: Annotated[float | None, typer.Option(metavar="V", help=(
        "With playback: nominal voltage to neutral of the record."))] = None,
    channels: Annotated[str, typer.Option("--map", metavar="ua=CHANNEL,...", help=(
        "With playback: which channels, by name or number."))] = "",
    broker: Annotated[Broker | None, typer.Option(metavar="KIND", help=(
        "Messages go through a real broker, with keys and rights: mosquitto, amqtt, or auto."))]
    = None,
    tls: Annotated[bool, typer.Option("--tls", help="With --broker: over TLS.")] = False,
    no_scheme: Annotated[bool, typer.Option("--no-scheme", help=(
        "Of a district (lahsh20, ...): its reclosers only watch."))] = False,
    no_pai: Annotated[bool, typer.Option("--no-pai", help=(
        "Of a district: its reclosers have overcurrent protection alone to separate it."))]
    = False,
    blind: Annotated[bool, typer.Option("--blind", help=(
        "Of a district: closed by hand at 6.5 s, unsynchronised."))] = False,
    json_file: JsonFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what fails.")] = False,
) -> None:
    """Run a scenario on the emulated street and hold the result against what it expects."""
    if tls and broker is None:
        bad_input("E131 --tls: is about a broker. Add --broker.")
    variants = {"--no-scheme": no_scheme, "--no-pai": no_pai, "--blind": blind}
    if any(variants.values()) and not district_plan.is_one(name):
        bad_input(f"E542 {' '.join(k for k, on in variants.items() if on)}: is another way to "
                  "play a district. Leave it out, or take lahsh20, lahsh60 or lahsh100.")
    if name == "playback":
        from slvg import playback

        return playback.command(comtrade, un, channels, seed, vm, log, json_file, quiet,
                                {"--speed": speed, "--plot": plot, "--csv": csv,
                                 "--feeder": feeder, "--level": level, "--jobs 2": jobs > 1,
                                 "--broker": broker})
    options = {"seed": seed, "vm": vm, "plot": plot, "log": log, "json_file": json_file,
               "quiet": quiet}
    unused = {"--speed": speed, "--csv": csv, "--feeder": feeder, "--level": level,
              "--jobs 2": jobs > 1, "--un": un, "--map": channels, "--broker": broker}
    if recloser_plan.is_one(name):
        from slvg import recloser

        return recloser.command(name, comtrade, unused=unused, **options)
    if district_plan.is_one(name):
        from slvg import district

        return district.command(name, comtrade, district.variant_of(variants), unused=unused,
                                **options)
    if microgrid_plan.is_one(name):
        from slvg import microgrid

        return microgrid.command(name, unused=unused | {"--comtrade": comtrade}, **options)
    if un is not None or channels:
        bad_input("E131 --un, --map: belong to a record. Use them with sim playback.")
    try:
        scenario = load.load(name, str(feeder or ""))
        if level is not None:
            load.at_level(scenario, level.value)
    except InputError as e:
        bad_input(e.text)
    picture(plot)
    if jobs > 1 and vm:
        bad_input("E136 --jobs 2 --vm: the VM is one process. Leave out one of the two.")
    if vm and len(scenario.acus) > 255:      # the pipe counts what arrives at one in a byte
        bad_input(f"E135 --vm: {len(scenario.acus)} controllers, one MicroPython takes 255. "
                  "Run it without --vm.")
    writable({"--plot": plot, "--csv": csv, "--log": log, "--json": json_file}, name)
    if comtrade is not None:
        exporting(comtrade, scenario, level.value if level else scenario.level)
    from host_sim.scenario.runner import run

    quiet = quiet or str(json_file) == "-"
    console = Console(quiet=quiet)
    net = over_broker.begin(scenario, broker.value, tls) if broker else None
    drawn = console.is_terminal and not quiet
    with Drawn(console, scenario) if drawn else Plain(console) as view:
        try:
            play = partial(run, net=net) if net else run
            result = play(scenario, seed=seed, level=level.value if level else None, vm=vm,
                           on_panel=view.on_panel, on_event=view.on_event,
                           on_progress=view.on_progress, pace=Pace(speed) if speed else None,
                           jobs=jobs)
        except (InputError, GridError, JobError, NoMicroPython, VmError) as e:
            bad_input(str(e))
    figure = figures.figures(result, scenario)
    checks = figures.check(figure, scenario) + figures.check_events(result, scenario)
    if log is not None:
        logs.write_text(result, log)
    if csv is not None:
        logs.write_csv(result, csv)
    if plot is not None:
        from host_sim.scenario.plots import plot as draw

        draw(result, scenario, plot)
    if net is not None:
        more, held = over_broker.compare(console, scenario, result, seed, level and level.value)
        figure |= more
        checks += held
    if comtrade is not None:
        figure |= export(console, comtrade, scenario, result)
    failed = [one for one in checks if not one.ok]
    write_json(json_file, figure | {"checks": [vars(one) for one in checks], "ok": not failed})
    verdict(console, figure, checks)
    for one in failed:
        typer.echo(f"E140 {scenario.name}: expectation {one.name} not met: {one.text}", err=True)
    if failed:
        raise typer.Exit(1)


@app.command()
def bench(
    street: Annotated[bool, typer.Option("--street", help=(
        "Instead: how fast streets of 4 to 1000 controllers run, and where the time goes."))]
    = False,
    memory: Annotated[bool, typer.Option("--memory", help=(
        "Instead: RAM of each role as a board starts it, with drivers and console."))] = False,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help=(
        "With --street: draw the cost against the number of controllers."))] = None,
    json_file: JsonFile = None,
) -> None:
    """Report the firmware's figures: heap, cycles of a kernel, time and allocation of a tick."""
    if plot is not None and not street:
        bad_input(f"E131 --plot {plot}: only --street has a picture. Add --street.")
    if memory and street:
        bad_input("E131 --memory --street: are two reports. Leave out one of the two.")
    picture(plot)
    writable({"--plot": plot, "--json": json_file})
    try:
        if memory:
            from host_sim.memory import figures as memory_figures

            reached = memory_figures()
        elif street:
            from host_sim import bench_street

            reached = bench_street.figures(lambda text: typer.echo(f"{text} ...", err=True))
            if plot is not None:
                bench_street.plot(reached, plot)
        else:
            from host_sim.bench import figures as bench_figures

            reached = bench_figures()
    except (InputError, NoMicroPython, VmError, JobError) as e:
        bad_input(str(e))
    write_json(json_file, reached)
    if str(json_file) != "-":
        for key, value in flat(reached):
            typer.echo(f"{key:<56} {value}")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=(
        "A scenario (.toml), a feeder (folder of CSV files, .dss), a board (its folder or "
        "board.json), or a controller's settings (.json)."))],
) -> None:
    """Check a scenario, feeder, board or config file without running anything."""
    try:
        if file.suffix in (".dss", ".txt") or any(file.glob("*.csv")):
            network = read_network(file)
            if wrong := network_check(network):
                raise GridError(wrong)
            what = f"feeder, {len(network.lines)} lines, {len(network.loads)} customers"
        elif file.suffix == ".toml" and not file.is_dir():
            if recloser_plan.is_one(str(file)):
                n_events = len(recloser_plan.read(str(file)).deeds)
            elif district_plan.is_one(str(file)):
                n_events = len(district_plan.read(str(file)).deeds)
            elif microgrid_plan.is_one(str(file)):
                n_events = len(microgrid_plan.read(str(file)).deeds)
            else:
                n_events = len(load.load(str(file)).events)
            what = f"scenario, {n_events} events"
        elif file.name == "board.json" or (file / "board.json").exists():
            folder = file.parent if file.name == "board.json" else file
            if (folder / "pins.py").exists() or file.is_dir():
                board, pins = boards.load(str(folder.resolve()))
                what = (f"board, {len(board['channels'])} channels, {len(claims(pins))} pins, "
                        f"for {', '.join(board['roles'])}")
            else:
                what = f"board, {len(reading.load_board(file)['channels'])} channels, no pins.py"
        else:
            what = f"settings of {reading.load_config(file)['id']}"
    except (InputError, GridError) as e:
        bad_input(e.text)
    typer.echo(f"{file}: good ({what})")


@app.command()
def reference(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER")] = Path("docs"),
) -> None:
    """Draw the reference pages (settings, messages, events) from the firmware's tables."""
    from slvg.reference import write

    if not folder.is_dir():
        bad_input(f"E132 {folder}: no such folder. Make it, or write elsewhere.")
    for path in write(folder):
        typer.echo(f"{path}: written")


def main() -> None:
    """The command. What the checks before a run cannot foresee, such as a disk that is full at
    its end, is one line too."""
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as e:
        with suppress(OSError):
            typer.echo(f"E133 {e.filename or 'output'}: {e.strerror or e}. Make room, or write "
                       "elsewhere.", err=True)
        # what standard output did not take must not fail once more when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(2)
