"""`slvg study NAME`: many runs or a reference, one figure table each, with --json.

Reads arguments, calls host_sim/study/, prints; computes nothing itself.
"""
from pathlib import Path
from typing import Annotated

import typer

from slvg.output import JsonFile, bad_input, writable, write_json

study = typer.Typer(no_args_is_help=True, help="Studies: many runs, or a comparison with a "
                                               "reference.")


@study.command()
def grid(
    reference: Annotated[Path | None, typer.Option("--reference", metavar="DIR", help=(
        "A feeder with OpenDSS's solution stored beside it, format docs/feeders.md; without it "
        "made-up feeders are compared with two other solutions."))] = None,
    customers: Annotated[int, typer.Option(min=3, max=200, help=(
        "Of the made-up feeders."))] = 55,
    seed: Annotated[int, typer.Option(help="Of the made-up feeders.")] = 1,
    json_file: JsonFile = None,
) -> None:
    """How exact and how fast the grid engine is."""
    from host_sim.study import grid as computed
    from host_sim.world.grid.network import GridError

    writable({"--json": json_file})
    try:
        figures = computed.figures(reference, customers, seed,
                                   lambda text: typer.echo(f"{text} ...", err=True))
    except GridError as e:
        bad_input(e.text)
    for row in figures.get("cases", ()):
        typer.echo(f"{row['wires']} wires, {row['case']:<34} " + "  ".join(
            f"{other} {'-' if row[key] is None else f'{row[key]:.1e} V'}"
            for other, key in (("direct", "dv_direct_v"), ("opendss", "dv_opendss_v"))))
    for key, value in figures.items():
        if key != "cases":
            typer.echo(f"{key:<20} {f'{value:.3e}' if key.startswith('max_dv') and value is not None else value}")
    write_json(json_file, figures)
