"""`slvg build`: the firmware of a board as files.

Reads arguments, calls host_sim/build.py, prints; decides nothing itself.
"""
from pathlib import Path
from typing import Annotated

import typer

from host_sim.build import MARCH, build
from host_sim.scenario.complaints import InputError
from slvg.output import JsonFile, bad_input, writable, write_json

KIB = 1024


def command(
    board: Annotated[str, typer.Option("--board", metavar="NAME|FOLDER", help=(
        "Which board, of boards/ or a folder of your own."))],
    role: Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help=(
        "For this role only; may be repeated. Without it for all that the board may run."))]
    = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FOLDER", help=(
        "Where to write; without it build/NAME."))] = None,
    march: Annotated[str, typer.Option("--march", metavar="ARCH", help=(
        f"Instead of the board's own ({', '.join(MARCH.values())}): x86 for the virtual "
        "board."))] = "",
    vm: Annotated[bool, typer.Option("--vm", help="The same as --march x86.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Build a board's firmware: .mpy files, manifest with hashes, package.json, freezing list."""
    writable({"--json": json_file})
    if out is not None and out.exists() and not out.is_dir():
        bad_input(f"E132 --out {out}: is a file. Give a folder.")
    try:
        built = build(board, tuple(role or ()), "x86" if vm else march)
    except InputError as e:
        bad_input(e.text)
    out = out or Path("build") / built.board
    built.write(out)
    told = built.figures()
    write_json(json_file, told)
    if str(json_file) == "-":
        return
    flash, ram = told["flash"], told["ram"]
    typer.echo(f"{built.board} {built.version} for {', '.join(built.roles)} ({built.march})")
    typer.echo(f"{told['files']} files, {told['bytes']} bytes, sha256 {built.sha256}")
    typer.echo(f"flash: {flash['slot_bytes'] // KIB} KiB a slot, both "
               f"{flash['two_slots_bytes'] // KIB} of {flash['of_bytes'] // KIB} KiB; "
               f"{flash['left_bytes'] // KIB} KiB are left for logs and records")
    typer.echo(f"RAM: {ram['lines']} lines, about {ram['code_bytes'] // KIB} KiB of code"
               + (f"; besides {ram['ring_bytes'] // KIB} KiB of samples and "
                  f"{ram['tls_link_bytes'] // KIB} KiB a TLS link" if ram["ring_bytes"] else ""))
    if not told["network"]:
        typer.echo("E430 network: umqtt.simple is not in it, so the board has no network. Run "
                   "`make setup` where pip reaches its index, or set SLVG_UMQTT to a folder that "
                   "has umqtt/simple.py; then build again.")
    typer.echo(f"{out}: written")
