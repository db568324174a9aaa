"""`slvg study NAME`: many runs or a reference, one figure table each, with --json.

Reads arguments, calls host_sim/study/, prints; computes nothing itself.
"""
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import cores
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg.output import JsonFile, bad_input, picture, writable, write_json
from slvg.progress import Counted
from slvg.study_link import link
from slvg.study_microgrid import microgrid
from slvg.study_options import Jobs, ReportDir, Seed, report_folder, save, tell
from slvg.study_policy import policy
from slvg.study_recloser import register

study = typer.Typer(no_args_is_help=True, help="Studies: many runs, or a comparison with a "
                                               "reference.")

@study.command()
def planner(
    cases: Annotated[int, typer.Option(min=1, max=100_000, metavar="N", help=(
        "Streets of 55 customers, of six kinds in turn."))] = 200,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """The firmware's plan of phase moves against the best there is (a mixed-integer programme)."""
    writable({"--json": json_file})
    from host_sim.study import planner as one

    with Counted("cases planned") as progress:
        outcomes = one.run(cases, seed, jobs or cores(), progress=progress)
    try:
        figures = one.figures(outcomes) | one.time_in_vm(outcomes)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    tell(figures, json_file)


@study.command()
def balancing(
    feeder: Annotated[Path | None, typer.Option("--feeder", metavar="DIR", help=(
        "A feeder with its profiles (docs/simulator.md); without it a made-up street."))] = None,
    days: Annotated[int | None, typer.Option(min=1, max=365, metavar="N", help=(
        "Days in a row; without it one, or all that the folder has."))] = None,
    deals: Annotated[int, typer.Option(min=0, max=1000, metavar="N", help=(
        "Besides, days of the same feeder with the profiles dealt anew."))] = 20,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="S", help=(
        "Of the made-up street."))] = 1,
    plot: Annotated[Path | None, typer.Option(metavar="FILE.png", help=(
        "Draw losses and moves by the hour."))] = None,
    json_file: JsonFile = None,
) -> None:
    """Losses, neutral current and unbalance of a day when customers are moved at the full hour."""
    picture(plot)
    writable({"--plot": plot, "--json": json_file})
    from host_sim.study import balancing as one
    from host_sim.study import street_day
    from host_sim.world.grid.network import GridError

    try:
        street = (street_day.from_folder(feeder, days) if feeder is not None
                  else street_day.made_up(seed, days or 1))
        figures, played = one.study(street, deals,
                                    lambda text: typer.echo(f"{text} ...", err=True))
    except GridError as e:
        bad_input(e.text)
    if plot is not None:
        from host_sim.study.balancing_plot import draw

        draw(played, f"{street.network.name}: losses by the hour", plot)
    tell(figures, json_file)


@study.command(name="grid")
def grid_(
    reference: Annotated[Path | None, typer.Option("--reference", metavar="DIR", help=(
        "A feeder with OpenDSS's solution stored beside it (docs/simulator.md); without it "
        "made-up feeders are compared with two other solutions."))] = None,
    customers: Annotated[int, typer.Option(min=3, max=200, metavar="N", help=(
        "Of the made-up feeders."))] = 55,
    seed: Seed = 1,
    json_file: JsonFile = None,
) -> None:
    """How exact and how fast the grid engine is."""
    writable({"--json": json_file})
    from host_sim.study import grid as one
    from host_sim.world.grid.network import GridError

    try:
        figures = one.figures(reference, customers, seed,
                              lambda text: typer.echo(f"{text} ...", err=True))
    except GridError as e:
        bad_input(e.text)
    cases = {f"{row['wires']} wires, {row['case']}": {
        name: row[key] for name, key in (("direct", "dv_direct_v"), ("opendss", "dv_opendss_v"))}
        for row in figures.get("cases", ())}
    write_json(json_file, figures)
    if str(json_file) != "-":
        tell({key: value for key, value in figures.items() if key != "cases"} | cases, None)


def _one_case(scenario: str, named: list, name: str) -> None:
    """Plays it again and shows its log."""
    from host_sim.study import faults as one

    if not named:
        bad_input(f"E142 --case {name!r}: no such case in {scenario}. Copy its name from a "
                  "finding or from the file of results.")
    typer.echo(one.play(scenario, named[0]).result.event_log(), nl=False)
    told = one.judged(scenario, named[0])
    for rule, text in told["wrong"]:
        typer.echo(f"E141 {name}: {rule}: {text}", err=True)
    if told["wrong"]:
        raise typer.Exit(1)


class Swept(StrEnum):
    assay = "assay"
    branch = "branch"


@study.command()
def faults(
    scenario: Annotated[Swept, typer.Option(help="Whose street.")] = Swept.assay,
    full: Annotated[bool, typer.Option("--full", help=(
        "Every fault at every moment, every message: assay an hour, branch a night."))] = False,
    sample: Annotated[int, typer.Option(min=1, max=1_000_000, metavar="N", help=(
        "Without --full, so many runs, of each kind of fault in turn."))] = 120,
    seed: Seed = 1,
    jobs: Jobs = None,
    case: Annotated[str, typer.Option(metavar="NAME", help=(
        "This one case only, with its event log."))] = "",
    results: Annotated[Path | None, typer.Option(metavar="FILE", help=(
        "Keep each run's result here, and take up a sweep that was cut. With --full "
        "out/faults-SCENARIO.jsonl unless given."))] = None,
    json_file: JsonFile = None,
) -> None:
    """One fault a run, and what must hold after each. Exit code 1 if something did not."""
    from host_sim.study import faults as one

    if full and results is None:
        results = Path("out") / f"faults-{scenario.value}.jsonl"
        results.parent.mkdir(exist_ok=True)
    writable({"--results": results, "--json": json_file})
    every = one.all_cases(scenario.value)
    if case:
        _one_case(scenario.value, [some for some in every if some.name == case], case)
        return
    chosen = every if full else one.sample(every, sample, seed)
    with Counted("runs with a fault") as progress:
        try:
            found = one.sweep(scenario.value, chosen, jobs or cores(), results, progress)
        except InputError as e:
            bad_input(e.text)
    figures = one.figures(scenario.value, found, len(every))
    write_json(json_file, figures)
    if str(json_file) != "-":
        kinds = {kind: f"{row['runs']} runs, {row['wrong']} wrong, {row['somebody_off']} with "
                       "somebody off" for kind, row in figures["kinds"].items()}
        tell({key: figures[key] for key in ("scenario", "runs", "runs_of", "wrong")} | kinds, None)
    for finding in figures["findings"]:
        typer.echo(f"E141 {finding['case']}: {'; '.join(finding['what'])}. See its log with "
                   f"--scenario {scenario.value} --case '{finding['case']}'.", err=True)
    if figures["findings"]:
        raise typer.Exit(1)


class FrontEnd(StrEnum):
    ideal = "ideal"
    rp2040 = "rp2040"


class Correction(StrEnum):
    own = "own"
    general = "general"
    none = "none"


@study.command()
def accuracy(
    front_end: Annotated[FrontEnd | None, typer.Option("--front-end", help=(
        "The converter: ideal (the default), or the parametric RP2040."))] = None,
    curve: Annotated[Path | None, typer.Option(metavar="FILE.npz", help=(
        "A measured converter instead: sum_a to learn on, sum_b to test on."))] = None,
    correction: Annotated[Correction | None, typer.Option(help=(
        "The converter's own table (the default), the general RP2040 one, or raw codes."))] = None,
    full: Annotated[bool, typer.Option("--full", help=(
        "More currents, frequencies and mid voltages, 127 V and 60 Hz too."))] = False,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """The meter's errors against the class limits, through the firmware's own measuring."""
    writable({"--json": json_file})
    report_folder(report)
    if curve is not None and front_end is not None:
        bad_input(f"E152 study: --front-end {front_end} and --curve {curve} are two converters. "
                  "Give one.")
    from host_sim.study import accuracy as one
    from host_sim.waveform.adc import CurveError, read_curve

    kind = (front_end or FrontEnd.ideal).value
    chosen = correction.value if correction else (
        "own" if curve is not None or kind == "rp2040" else "none")
    try:
        measured = read_curve(curve) if curve is not None else None
        with Counted("states measured") as progress:
            results, front = one.run(kind, measured, chosen, full, seed, jobs or cores(), progress)
    except (CurveError, one.NotLearned) as e:
        bad_input(str(e))
    figures = one.figures(results, front.name, chosen, curve is not None)
    if report is not None:
        from host_sim.study.accuracy_report import report as written

        save(written(results, figures, front), report)
    tell(figures, json_file)


class Part(StrEnum):
    accuracy = "accuracy"
    events = "events"
    day = "day"
    week = "week"


@study.command()
def pq(
    part: Annotated[list[Part] | None, typer.Option(help=(
        "Only this; may be given again. Without it all four."))] = None,
    full: Annotated[bool, typer.Option("--full", help=(
        "Ten times the events, more unbalances, seven days."))] = False,
    hours: Annotated[float | None, typer.Option(min=0.08, max=8784, metavar="H", help=(
        "Of the day in which nothing may operate, spread over it; more than 24 are more days."
    ))] = None,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Power quality: voltage and unbalance, events and how soon they are seen, false operations of
    the fast path, an EN 50160 week. Exit code 1 if a goal was missed."""
    writable({"--json": json_file})
    report_folder(report)
    from host_sim.study import pq as one

    parts = [some.value for some in part] if part else one.PARTS
    if hours is not None and "day" not in parts:
        bad_input(f"E152 study: --hours {hours:g} is of the day, and --part leaves that out. Add "
                  "--part day, or leave out --hours.")
    with ExitStack() as stack:
        def progress(what: str) -> Counted:
            stack.close()        # one bar at a time
            return stack.enter_context(Counted(what))

        results = one.run(parts, full, one.hours_of(full, hours), seed, jobs or cores(), progress)
    figures = one.figures(results)
    if report is not None:
        from host_sim.study.pq_report import report as written

        save(written(results, figures), report)
    tell(figures, json_file)
    for key in figures["goals_missed"]:
        typer.echo(f"E155 study pq: {key} = {figures[key]}, at most {one.GOALS[key]:g}. Narrow it "
                   "down with --part and --seed; the report shows each case.", err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)


@study.command()
def powercut(
    cuts: Annotated[int | None, typer.Option(min=2, max=1_000_000, metavar="N", help=(
        "Cuts, spread over all writes and erases of two controllers' lives; 300, with --full "
        "12000."))] = None,
    full: Annotated[bool, typer.Option("--full", help=(
        "Longer lives, each write cut more than once, 60 days of wear on two flashes."))] = False,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """The supply goes at any write to the flash: what is lost, and how long the flash lasts. Exit
    code 1 if anything was lost, went backwards or moved."""
    writable({"--json": json_file})
    from host_sim.study import powercut as one

    try:
        with Counted("parts done") as progress:
            figures = one.run(cuts or (one.FULL_CUTS if full else one.CUTS), full, seed,
                              jobs or cores(), progress)
    except (NoMicroPython, VmError) as e:
        bad_input(str(e))
    tell(figures, json_file)
    for text in figures["wrong"]:
        typer.echo(f"E156 study powercut: {text}. Play it again with the same --seed and --cuts.",
                   err=True)
    if figures["goals_missed"]:
        raise typer.Exit(1)


register(study)
study.command()(link)
study.command()(microgrid)
study.command()(policy)
