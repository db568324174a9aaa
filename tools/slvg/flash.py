"""`slvg flash`: new firmware onto a board; `slvg board`: a virtual one by hand.

Reads arguments and files, shows progress, writes the receipt. The steps are in flash_job.py, the
way to the board in flash_link.py, the virtual board in host_sim/virtual/, `--unplug` in
flash_sim.py. Exit codes: 0 the new version is good, 1 it is not, or a cut has bricked a board,
2 refused, or broken off.
"""
import contextlib
import hashlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from acu import app as acu_app
from host_sim.bench import spec_of
from host_sim.boards import load as load_board
from host_sim.build import Built, build
from host_sim.scenario.complaints import InputError
from host_sim.scenario.reading import read_json
from host_sim.vm.find import NoMicroPython
from slvg.flash_job import Job
from slvg.flash_link import FlashError, Link, choose
from slvg.output import JsonFile, PortOption, SerialOption, bad_input, writable, write_json

RECEIPTS = Path("build") / "receipts"


def settings_of(board: str, file: Path | None, identity: str) -> dict | None:
    """Settings to store, judged as the board will; None: leave what it has."""
    if file is None:
        if identity:
            raise FlashError("E261 --id: needs --settings, the file that it changes. Give both.")
        return None
    given = read_json(file)
    if identity:
        given["id"] = identity
    described, _ = load_board(board)
    try:
        acu_app.settings(described, given)
    except acu_app.BuildError as e:
        raise InputError([line.replace(" config: ", f" {file.name}: ", 1)
                          for line in e.args[0].splitlines()]) from e
    return given


def _roles_of(settings: dict | None) -> tuple[str, ...]:
    """The role that will run: all of a board's take more flash than it may have, twice."""
    return (settings["role"],) if settings else ()


def example(board: str, role: str) -> dict:
    """Settings with which a fresh virtual board measures and reports."""
    described, _ = load_board(board)
    config = dict(spec_of(role)["config"])
    if described["kind"] == "single":
        config["wiring"] = "A"
    return config


def password_of(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as e:
            raise FlashError(f"E262 --password-file {file}: cannot be read. Give a text file "
                             "with one line.") from e
    return os.environ.get("SLVG_PASSWORD", "")


@contextlib.contextmanager
def shown(quiet: bool) -> Iterator[Callable[[int, int, str], None]]:
    console = Console(stderr=True, quiet=quiet)
    bar = Progress(TextColumn("copying"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                   TextColumn("left"), TimeRemainingColumn(), TextColumn("{task.description}"),
                   console=console, transient=True, disable=quiet or not console.is_terminal)
    with bar:
        task = bar.add_task("")
        yield lambda done, of, what: bar.update(task, completed=done, total=of, description=what)


def policy_of(file: Path | None, settings: dict | None, board: str) -> dict[str, bytes]:
    """The records of a dispatch table, judged as the board will: {} without one."""
    if file is None:
        return {}
    from acu import microgrid_settings
    from acu.functions import policy_table
    from host_sim.board.dispatch_rig import reader
    from host_sim.study.policy_file import MAX_BYTES

    try:
        raw = file.read_bytes()
    except OSError as e:
        raise FlashError(f"E270 --policy {file}: cannot be read ({e.strerror}). Make one with "
                         "slvg study policy --out.") from e
    plant = None
    if settings is not None:
        if settings.get("role") != "microgrid":
            raise FlashError(f"E271 --policy: role {settings.get('role')} dispatches nothing. "
                             "Leave it out, or give settings of role microgrid.")
        plant = microgrid_settings.plant(acu_app.settings(load_board(board)[0], settings))
    why_not = policy_table.unfit(plant, reader(raw))
    if why_not or len(raw) > MAX_BYTES:
        raise FlashError(why_not.replace(" policy: ", f" {file.name}: ", 1)
                         or f"E425 {file.name}: {len(raw)} bytes, at most {MAX_BYTES} fit.")
    return {policy_table.RECORD: raw}


def keys_of(file: Path | None, settings: dict | None) -> dict[str, bytes]:
    """The records of a bundle of keys, which has to be this controller's: {} without one."""
    if file is None:
        return {}
    from host_sim.net import bundle

    given = bundle.read(file)
    if settings is None:
        raise FlashError("E453 --keys: needs --settings, to see that they are this controller's. "
                         "Give both.")
    for part in ("id", "role", "sc"):
        if given[part] != settings.get(part):
            raise FlashError(f"E453 {file.name}: is for {part} {given[part]}, the settings are of "
                             f"{settings.get(part)}. Give the bundle of this controller.")
    return bundle.files(given)


def flash(link: Link, built: Built, settings: dict | None, password: str = "",
          progress: Callable[[int, int, str], None] = lambda done, of, what: None,
          say: Callable[[str], None] = lambda text: None, dry: bool = False,
          maint_s: int = 120, await_good: bool = True,
          other: Callable[[str], Built] | None = None,
          records: dict[str, bytes] | None = None) -> dict:
    """One flash from the first knock to the receipt. A refusal lets the unit go on as it was.
    other(march): the same build for another chip, for a virtual board behind a port."""
    began_s = time.monotonic()
    job = Job(link, built, settings, progress, maint_s, records)
    was = job.enter(password)
    seen = job.look()
    if seen.virtual and built.march != "x86" and other:
        job.built = built = other("x86")
    try:
        job.judge()
    except FlashError:
        job.release()
        raise
    plan = job.plan()
    receipt = {"tool": "slvg flash", "dry_run": dry, **plan, "chip": seen.chip,
               "micropython": ".".join(map(str, seen.version)), "was": was,
               "began_utc": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    say(f"{built.board} {seen.unique}: {built.version} into /{job.slot}, {len(plan['copy'])} "
        f"files to copy, {plan['keep']} are there")
    if dry:
        job.release()
        return receipt | {"seconds": _since(began_s), "good": True}
    job.copy()
    job.verify()
    job.provision()
    job.commit()
    say("copied, verified and committed; it restarts and tests itself")
    told = job.wait() if await_good else {}
    good = told.get("VERSION") == built.version and told.get("GOOD") == "1"
    receipt |= {
        "sha256": built.sha256, "utc_set": job.utc,
        "files": {f"/{job.slot}/{path}": hashlib.sha256(data).hexdigest()
                  for path, data in built.slot.items()},
        "root": {f"/{path}": hashlib.sha256(data).hexdigest()
                 for path, data in built.root.items()},
        "copied": len(job.copied), "good": good, "runs_version": told.get("VERSION", ""),
        "runs_slot": told.get("SLOT", ""), "self_test": _self_test(told, built.version, good),
        "complaint": told.get("COMPLAINT", ""), "seconds": _since(began_s)}
    if settings is not None:
        receipt["id"] = settings.get("id", "")
        receipt["settings_sha256"] = hashlib.sha256(
            json.dumps(settings, sort_keys=True).encode()).hexdigest()
    return receipt


def _since(began_s: float) -> float:
    return round(time.monotonic() - began_s, 1)


def _self_test(told: dict, version: str, good: bool) -> str:
    if told.get("VERSION") != version:
        return "not passed"         # what answers is the old version, or nothing
    if told.get("ACU") == "0":
        return "unprovisioned" if good else "not run"
    if good:
        return "passed"
    return f"failed ({told['SELFTEST']})" if told.get("SELFTEST") else "not passed"


def failure(receipt: dict) -> str:
    """What to say when the new version did not become good."""
    runs = receipt["runs_version"]
    if runs and runs != receipt["version"]:
        state = f"The board fell back to {runs}, which runs"
    elif runs:
        state = f"It runs still, in slot {receipt['runs_slot'] or '-'}"
    else:
        state = "Its console does not answer"
    why = receipt["complaint"].strip("- ")
    return (f"E260 flash: {receipt['version']} did not become good on {receipt['board_id']} "
            f"(self-test {receipt['self_test']}{'; ' + why if why else ''}). {state}. Read ERR "
            "and EVE on slvg console, then flash again.")


def command(
    board: Annotated[str, typer.Option("--board", metavar="NAME|FOLDER", help=(
        "What the board is, of boards/ or a folder of your own."))],
    role: Annotated[list[str] | None, typer.Option("--role", metavar="ROLE", help=(
        "Firmware for these roles only; else for the one of --settings, or all."))] = None,
    port: PortOption = "",
    number: SerialOption = "",
    settings: Annotated[Path | None, typer.Option("--settings", metavar="FILE.json", help=(
        "Settings to store; without it the board keeps what it has."))] = None,
    identity: Annotated[str, typer.Option("--id", metavar="ID", help=(
        "Identity, instead of the one in --settings."))] = "",
    policy: Annotated[Path | None, typer.Option("--policy", metavar="FILE", help=(
        "Dispatch table of slvg study policy --out, for role microgrid."))] = None,
    keys: Annotated[Path | None, typer.Option("--keys", metavar="FILE", help=(
        "Bundle of slvg keys bundle: keys, brokers, Wi-Fi."))] = None,
    password_file: Annotated[Path | None, typer.Option("--password-file", metavar="FILE", help=(
        "Password of level 2 of a running unit; or SLVG_PASSWORD."))] = None,
    receipt: Annotated[Path | None, typer.Option("--receipt", metavar="FILE", help=(
        f"Where to write the receipt; without it {RECEIPTS}/."))] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help=(
        "Look, judge and say what would be done; write nothing."))] = False,
    sim: Annotated[bool, typer.Option("--sim", help="Onto a fresh virtual board.")] = False,
    unplug: Annotated[int, typer.Option("--unplug", min=0, max=10_000, metavar="N", help=(
        "With --sim: pull the cable or the supply at N random moments of a flash, and see that "
        "the board starts."))] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Of --unplug.")] = 1,
    json_file: JsonFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what fails.")] = False,
) -> None:
    """Flash a board: find, check, copy what differs, verify, commit, wait for its self-test."""
    writable({"--json": json_file, "--receipt": receipt})
    quiet = quiet or str(json_file) == "-"
    say: Callable[[str], None] = (lambda text: None) if quiet else typer.echo
    try:
        if unplug and not sim:
            raise FlashError("E263 --unplug: is for virtual boards. Add --sim.")
        if sim and (port or number):
            raise FlashError("E264 --sim: makes its own board. Leave out --port and --serial.")
        wanted = settings_of(board, settings, identity)
        records = policy_of(policy, wanted, board) | keys_of(keys, wanted)
        built = build(board, tuple(role or _roles_of(wanted)), "x86" if sim else "")
        if unplug:
            from slvg.flash_sim import study

            told = study(built, wanted or example(board, built.roles[0]), unplug, seed, quiet)
            write_json(json_file, told)
            say(f"{told['cuts']} cuts: {told['bricked']} bricked, {told['old']} started the old "
                f"version, {told['new']} the new one")
            raise typer.Exit(1 if told["bricked"] else 0)
        password = password_of(password_file)
        if sim:
            wanted = wanted or example(board, built.roles[0])
            with tempfile.TemporaryDirectory() as folder, _virtual(board, folder) as there:
                done = _once(there.port, built, wanted, records, password, say, dry_run,
                             quiet)
        else:
            device = choose(port, number)
            done = _once(device, built, wanted, records, password, say, dry_run, quiet)
    except (InputError, NoMicroPython) as e:
        bad_input(getattr(e, "text", str(e)))
    if not dry_run:
        name = f"{done['board_id']}-{done['began_utc'].replace(':', '')}.json"
        receipt = receipt or RECEIPTS / name
        receipt.parent.mkdir(parents=True, exist_ok=True)
        receipt.write_text(json.dumps(done, indent=1) + "\n", encoding="utf-8")
    told = {"seconds": done["seconds"], "slot": done["slot"], "version": done["version"],
            "self_test": done.get("self_test", "-"), "receipt": str(receipt or ""),
            "good": done["good"], "copied": done.get("copied", 0), "keep": done["keep"],
            "board_id": done["board_id"], "dry_run": dry_run}
    write_json(json_file, told)
    if not done["good"]:
        typer.echo(failure(done), err=True)
        raise typer.Exit(1)
    if dry_run:
        for path in done["copy"]:
            say(f"would copy {path}")
        for path in done["remove"]:
            say(f"would remove {path}")
        return
    say(f"{done['version']} is good in slot {done['slot']}: self-test {done['self_test']}, "
        f"{done['seconds']} s. Receipt: {receipt}")


def _once(device: str, built: Built, settings: dict | None, records: dict[str, bytes],
          password: str, say: Callable[[str], None], dry: bool, quiet: bool) -> dict:
    link = Link(device)
    try:
        with shown(quiet) as progress:
            return flash(link, built, settings, password, progress, say, dry,
                         other=lambda march: build(built.board, built.roles, march),
                         records=records)
    finally:
        link.close()


def _virtual(board: str, folder: str):
    from host_sim.virtual.board import VirtualBoard

    return VirtualBoard(board, Path(folder) / "flash.img")


def virtual(
    board: Annotated[str, typer.Option("--board", metavar="NAME|FOLDER", help=(
        "Which board, of boards/ or a folder of your own."))],
    image: Annotated[Path, typer.Option("--image", metavar="FILE", help=(
        "Its flash, made blank if it is not there."))] = Path("board.img"),
    link: Annotated[Path | None, typer.Option("--link", metavar="PATH", help=(
        "A name for its port."))] = None,
) -> None:
    """Run a virtual board until Ctrl-C: a serial port with MicroPython behind it."""
    from host_sim.virtual.board import VirtualBoard

    try:
        if link is not None and link.exists() and not link.is_symlink():
            raise FlashError(f"E265 --link {link}: is a file. Name one that is not there.")
        if not image.resolve().parent.is_dir() or image.is_dir():
            raise FlashError(f"E266 --image {image}: cannot be a file there. Name another.")
        there = VirtualBoard(board, image.resolve(), link)
    except (InputError, NoMicroPython) as e:
        bad_input(getattr(e, "text", str(e)))
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    with there:
        typer.echo(f"{board} at {link or there.port}; Ctrl-C ends it")
        while there.on:
            time.sleep(0.5)
    bad_input("E267 board: its MicroPython ends as soon as it starts. Is the image damaged? "
              f"Remove {image} and start again.")
