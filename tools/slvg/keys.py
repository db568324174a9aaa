"""`slvg keys`: a utility's keyring: made, changed, shown, and handed to boards and brokers.

Reads arguments, calls host_sim/net/keyring.py, says what is to be done next. Nothing secret is
ever printed, nor taken from the command line. Exit codes: 0 done, 2 refused.
"""
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from host_sim.net import bundle as bundles
from host_sim.net import nets, stored
from host_sim.net.files import folder_for, write_secret
from host_sim.net.keyring import LOCAL, Keyring
from host_sim.scenario.complaints import InputError
from host_sim.scenario.controllers import controllers
from slvg.output import JsonFile, bad_input, writable, write_json

keys = typer.Typer(no_args_is_help=True, help=(
    "Keys, passwords and certificates of a utility's circuits; docs/network.md."))

RingOption = Annotated[Path, typer.Option("--keyring", metavar="DIR", help=(
    "The keyring's folder. It is the secret: for nobody else, never in a repository."))]
DIR = Path("keys")


def _in(folder: Path, what: Callable[[], dict], json_file: Path | None) -> dict:
    """Does it with nobody else at work in the keyring."""
    writable({"--json": json_file})
    try:
        with stored.locked(folder):
            told = what()
    except InputError as e:
        bad_input(e.text)
    write_json(json_file, told)
    return told


def _say(json_file: Path | None, text: str) -> None:
    if str(json_file) != "-":
        typer.echo(text)


def _ring(folder: Path) -> Keyring:
    if not folder.is_dir():
        bad_input(f"E443 keyring {folder}: there is none. Make it with slvg keys make, or name "
                  "its folder with --keyring.")
    return Keyring.load(folder)


def _next(boards: list[str]) -> str:
    return ("Now, in this order: slvg keys bundle and slvg flash --keys for "
            f"{', '.join(boards)}." if boards else "Now: slvg broker, and restart it.")


@keys.command()
def make(
    street: Annotated[str, typer.Argument(metavar="STREET", help=(
        "A scenario by name or file, or a folder with the settings (.json) of each "
        "controller."))],
    keyring: RingOption = DIR,
    name: Annotated[list[str] | None, typer.Option("--name", metavar="NAME|ADDRESS", help=(
        "Under which boards reach the broker at the post, or the only one; again for more."))]
    = None,
    man_name: Annotated[list[str] | None, typer.Option("--man-name", metavar="NAME|ADDRESS", help=(
        "The same of the utility's broker, if that is another."))] = None,
    client_certs: Annotated[bool, typer.Option("--client-certs", help=(
        "A certificate for each controller as well."))] = False,
    readmit: Annotated[list[str] | None, typer.Option("--readmit", metavar="ID", help=(
        "A revoked one, whose place has a new board."))] = None,
    json_file: JsonFile = None,
) -> None:
    """Make what is missing: keys, passwords, certificates. What is there stays as it is."""
    def work() -> dict:
        ring = Keyring.make(keyring, controllers(street), name, man_name, client_certs,
                            tuple(readmit or ()))
        first = nets.template(keyring, (name or LOCAL)[0], (man_name or [""])[0])
        return {"keyring": str(keyring), "added": ring.added, "net_toml": first}

    told = _in(keyring, work, json_file)
    for line in told["added"]:
        _say(json_file, line)
    _say(json_file, f"{keyring}: {len(told['added'])} added" if told["added"] else
         f"{keyring}: nothing was missing")
    if told["net_toml"]:
        _say(json_file, f"Now fill in {keyring / nets.FILE}: the Wi-Fi, and where the broker is.")


@keys.command()
def rotate(
    what: Annotated[str, typer.Argument(metavar="ID|group|all|broker", help=(
        "Whose key; group: of all circuits, group.SC: of one; broker: new certificates."))],
    finish: Annotated[bool, typer.Option("--finish", help=(
        "Drop the older key, once every board has its new bundle."))] = False,
    keyring: RingOption = DIR,
    json_file: JsonFile = None,
) -> None:
    """Give new keys; the older ones are good until --finish."""
    told = _in(keyring, lambda: {"flash": _ring(keyring).rotate(what, finish)}, json_file)
    done = "the older key is dropped" if finish else "changed"
    _say(json_file, f"{what}: {done}. {_next(told['flash'])}")


@keys.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="ID")],
    keyring: RingOption = DIR,
    json_file: JsonFile = None,
) -> None:
    """Lock out one whose board is lost or stolen."""
    told = _in(keyring, lambda: {"revoked": name, "flash": _ring(keyring).revoke(name)},
               json_file)
    _say(json_file, f"{name}: revoked. First slvg broker, which locks it out at once. "
         + _next(told["flash"]) + " At the end slvg keys rotate group --finish.")


@keys.command()
def show(keyring: RingOption = DIR, json_file: JsonFile = None) -> None:
    """Who is there, fingerprints of keys, when certificates end. No secrets."""
    told = _in(keyring, lambda: _ring(keyring).show(), json_file)
    _say(json_file, f"authority {told['authority']['sha256']} until {told['authority']['until']}")
    if told["man"]["names"]:
        _say(json_file, f"broker of MAN until {told['man']['until']}: "
                        f"{', '.join(told['man']['names'])}")
    _say(json_file, f"{'scc':<20} {'centre':<15} {_keys(told['scc']['own'])}")
    for sc, one in told["circuits"].items():
        _say(json_file, f"{sc}: broker until {one['broker']['until']}: "
                        f"{', '.join(one['broker']['names'])}")
        _say(json_file, f"{sc + '.*':<20} {'group':<15} {_keys(one['group'])}")
        for who in one["identities"].values():
            until = f"  certificate until {who['certificate']}" if who["certificate"] else ""
            _say(json_file, f"{who['user']:<20} {who['role']:<15} {_keys(who['own'])}{until}")
    for gone in told["revoked"]:
        _say(json_file, f"{gone['user']:<20} revoked {gone['utc']}")


def _keys(own: dict) -> str:
    newest, *older = own["keys"]
    return f"epoch {own['epoch']:<3} {newest}" + (f"  older {older[0]}" if older else "")


@keys.command()
def acl(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="- is standard output.")]
    = Path("-"),
    net: Annotated[str, typer.Option("--net", metavar="lan|man|both", help=(
        "The broker at the post, the utility's, or one for both."))] = "both",
    sc: Annotated[str, typer.Option("--sc", metavar="SC", help="Of this circuit only.")] = "",
    keyring: RingOption = DIR,
) -> None:
    """Write mosquitto's access list; slvg broker does it with all the rest."""
    def work() -> dict:
        ring = _ring(keyring)
        return {"text": ring.acl(net, ring.circuit(sc) if sc else "")}

    text = _in(keyring, work, None)["text"]
    if str(out) == "-":
        typer.echo(text, nl=False)
        return
    writable({"--out": out})
    write_secret(out, text.encode())
    typer.echo(f"{out}: written")


@keys.command()
def bundle(
    name: Annotated[str, typer.Argument(metavar="ID|all")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE|FOLDER", help=(
        "Secret; remove it when the board has it. With all: a folder."))],
    keyring: RingOption = DIR,
    json_file: JsonFile = None,
) -> None:
    """Write what one board is given: slvg flash --keys FILE."""
    def work() -> dict:
        ring = _ring(keyring)
        if name != "all":
            bundles.write(out, ring.bundle(name))
            return {"files": [str(out)]}
        if out.exists() and not out.is_dir():
            raise InputError([f"E449 --out {out}: is a file. With all, name a folder."])
        folder_for(out)
        files = {out / f"{who.user}.json": ring.bundle(who.user) for who in ring.identities()}
        for path, one in files.items():
            bundles.write(path, one)
        return {"files": [str(path) for path in files]}

    for path in _in(keyring, work, json_file)["files"]:
        _say(json_file, f"{path}: written, secret")
