"""`slvg calibrate`: from a capture on a reference to the records of a meter's store.

Reads arguments, calls host_sim/study/, prints; decides nothing itself.
"""
from pathlib import Path
from typing import Annotated

import typer

from host_sim.scenario.complaints import InputError
from slvg.output import JsonFile, bad_input, writable, write_json


def calibrate(
    job: Annotated[Path | None, typer.Argument(metavar="JOB.toml", help=(
        "Which board, what the reference showed, and the files captured meanwhile."))] = None,
    out: Annotated[Path | None, typer.Option(metavar="FOLDER", help=(
        "Write the records `cal` and `adc` here, as the files of the meter's store."))] = None,
    board_id: Annotated[str, typer.Option("--board-id", metavar="HEX", help=(
        "Unique id of the calibrated board: another one then refuses the records. Without it they "
        "fit any board."))] = "",
    example: Annotated[Path | None, typer.Option(metavar="FOLDER", help=(
        "Instead: write a job here, with the captures of a simulated meter."))] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**31 - 1, metavar="S", help=(
        "Of the example: another one, another meter."))] = 1,
    json_file: JsonFile = None,
) -> None:
    """Gain, phase lead and offset of a meter's channels from a reference; names wrong wiring."""
    writable({"--json": json_file})
    for option, folder in (("--out", out), ("--example", example)):
        if folder is not None and not folder.is_dir():
            bad_input(f"E132 {option} {folder}: no such folder. Make it, or write elsewhere.")
    if (job is None) == (example is None):
        bad_input("E169 calibrate: needs either JOB.toml or --example FOLDER. `slvg calibrate "
                  "--example FOLDER` writes a job to begin with.")
    if example is not None:
        if out is not None or json_file is not None:
            bad_input("E169 calibrate: --example only writes a job. Leave out --out and --json, "
                      "and give them with the job.")
        if (example / "calibrate.toml").exists():
            bad_input(f"E132 --example {example}: has a calibrate.toml already. Give another "
                      "folder, or move it away.")
        from host_sim.study import calibrating_example

        typer.echo(f"{calibrating_example.write(example, seed)}: written")
        return
    from host_sim.study import calibrating

    try:
        told = calibrating.run(Path(str(job)), out, calibrating.board_id_of(board_id))
    except InputError as e:
        bad_input(e.text)
    write_json(json_file, told)
    if str(json_file) == "-":
        return
    typer.echo(f"{told['board']}: {told['points']} points, {told['windows']} windows, "
               f"{'own table, ' if told['table'] else ''}{told['date']}")
    for name, channel in told["channels"].items():
        leads = ", ".join(f"{mrad:+.3f} mrad at {float(x):g} {'V' if name[0] == 'U' else 'A'}"
                          for x, mrad in channel["lead_mrad"].items())
        typer.echo(f"{name:<3} gain {channel['gain_ppm'] / 10_000:+.3f} %, offset "
                   f"{channel['offset_codes']:+.2f} codes, lead {leads or 'none'}")
    if out is not None:
        typer.echo(f"{out}: records written")
