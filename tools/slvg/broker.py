"""`slvg broker`: mosquitto's configuration from the keyring, and mosquitto itself with --run.

Exit codes: 0 done, 2 refused, 130 stopped with Ctrl-C.
"""
import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from host_sim.net import mosquitto, stored
from host_sim.net.keyring import Keyring
from host_sim.scenario.complaints import InputError
from slvg.keys import DIR, RingOption
from slvg.output import JsonFile, bad_input, writable, write_json


def command(
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help=(
        "Where the broker's files go."))] = Path("broker"),
    keyring: RingOption = DIR,
    net: Annotated[str, typer.Option("--net", metavar="lan|man|both", help=(
        "The broker at the post, the utility's, or one for both."))] = "both",
    sc: Annotated[str, typer.Option("--sc", metavar="SC", help=(
        "At the post of this circuit, where the keyring has several."))] = "",
    tls_port: Annotated[int, typer.Option("--tls-port", min=0, max=65535, metavar="PORT", help=(
        "For boards and the centre; 0: none."))] = 8883,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, metavar="PORT", help=(
        "Without TLS, for this machine alone; 0: none."))] = 0,
    ws_port: Annotated[int, typer.Option("--ws-port", min=0, max=65535, metavar="PORT", help=(
        "Websockets with TLS, for pages in a browser; 0: none."))] = 0,
    address: Annotated[str, typer.Option("--address", metavar="ADDRESS", help=(
        "Listen there only; else on all addresses of this machine."))] = "",
    client_certs: Annotated[bool, typer.Option("--client-certs", help=(
        "Whoever connects shows his certificate (slvg keys make --client-certs)."))] = False,
    connections: Annotated[int, typer.Option("--connections", min=1, max=10_000, help=(
        "At most so many at each port."))] = 500,
    user: Annotated[str, typer.Option("--user", metavar="NAME", help=(
        "Whom mosquitto runs as; started by root, its files are given to him."))] = "",
    run: Annotated[bool, typer.Option("--run", help="Start it, until Ctrl-C.")] = False,
    json_file: JsonFile = None,
) -> None:
    """Write the configuration of mosquitto 2: TLS, names and passwords, access list."""
    writable({"--json": json_file})
    ports = [one for one in (tls_port, port, ws_port) if one]
    if not ports or len(set(ports)) < len(ports):
        bad_input("E452 broker: needs a port, and each another one. Give --tls-port, --port, "
                  "--ws-port.")
    binary = mosquitto.find()
    if run and not binary:
        bad_input("E441 broker: there is no mosquitto, neither as $MOSQUITTO nor on the PATH. "
                  "Install it (Debian: apt-get install mosquitto).")
    if not keyring.is_dir():
        bad_input(f"E443 keyring {keyring}: there is none. Make it with slvg keys make, or name "
                  "its folder with --keyring.")
    root = os.geteuid() == 0
    try:
        me = user or (pwd.getpwuid(os.geteuid()).pw_name if root else "")
        owner = pwd.getpwnam(me) if me else None
        with stored.locked(keyring):
            given = Keyring.load(keyring).material(net, sc)
        on = mosquitto.Listening(port, tls_port, ws_port, address, client_certs, connections)
        conf = mosquitto.write(folder, given, on, me)
        if root and owner is not None:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, owner.pw_uid, owner.pw_gid)
    except KeyError:
        bad_input(f"E452 --user {user}: is nobody on this machine. Give mosquitto, or leave it "
                  "out.")
    except InputError as e:
        bad_input(e.text)
    except OSError as e:
        bad_input(f"E452 --folder {folder}: cannot be written ({e.strerror}). Write elsewhere.")
    users = given.passwords.count("\n")
    told = {"configuration": str(conf), "net": net, "users": users, "tls_port": tls_port,
            "port": port, "ws_port": ws_port, "client_certs": client_certs}
    write_json(json_file, told)
    if str(json_file) != "-":
        typer.echo(f"{conf}: written, for {users} users"
                   + "".join(f", {what} {at}" for what, at in (
                       ("TLS", tls_port), ("plain on this machine", port),
                       ("websockets", ws_port)) if at))
        if not run:
            typer.echo(f"Start it: {binary or 'mosquitto'} -c {conf}. One that runs is told by "
                       "SIGHUP; certificates, and the list of the revoked, by a restart.")
    if run:
        _run([binary, "-c", str(conf)])


def _run(command: list[str]) -> None:
    """Until Ctrl-C, or until it ends by itself; it never outlives us."""
    bound = shutil.which("setpriv")
    process = subprocess.Popen([bound, "--pdeathsig", "TERM", *command] if bound else command)
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores Ctrl-C
        signal.signal(number, signal.default_int_handler)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise typer.Exit(130) from None
    bad_input(f"E442 broker: mosquitto ended by itself ({code}); it said why above. Is a port "
              "taken?")
