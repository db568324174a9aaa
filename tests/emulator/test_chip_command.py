"""What a signed command costs the slow tier of an emulated Pico: its code, and all checks.

Needs what test_chip_kernels.py needs.
"""
import subprocess

from acu import messages
from acu.primitives.authentication import mac
from host_sim.bench import ROOT, compile_to
from host_sim.vm.find import micropython
from tests.emulator.test_chip_kernels import GIVEN, HERE, pytestmark  # noqa: F401
from tests.emulator.test_chip_roles import FILES_AT

KEY = bytes(range(32))
N = 12


def test_a_signed_command_is_taken_and_what_it_costs(tmp_path, capsys):
    folder = tmp_path / "files"
    folder.mkdir()
    acu = ROOT / "firmware/acu"
    compile_to(folder, "armv6m", [
        *(acu / f"{name}.py" for name in ("__init__", "messages", "ports")),
        *(acu / "primitives" / f"{name}.py" for name in (
            "__init__", "authentication", "messaging", "outbox", "recording")),
        acu / "events.py"], ROOT / "firmware")
    body = {"on": 1, "sel": 1, "why": 3, "t_ms": 0, "lease_s": 3600}
    (folder / "frames.txt").write_bytes(b"".join(messages.encode(
        "sw.req", "cd", "eu1", n, n, 1_772_345_000_000, body, lambda text: mac(KEY, text),
        4294967296 + n, 1_772_345_010_000) + b"\n" for n in range(1, N + 1)))
    image = tmp_path / "flash.img"
    subprocess.run([micropython(), "-X", "heapsize=16M", HERE / "flash.py", folder, image],
                   check=True)
    done = subprocess.run(["node", HERE / "chip.mjs", *GIVEN, HERE / "command_on_chip.py", "60",
                           image, FILES_AT], capture_output=True, text=True, check=False,
                          timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {line.split()[0]: [int(word) for word in line.split()[1:]]
            for line in done.stdout.splitlines()}
    with capsys.disabled():
        print(f"\na command's code {said['mac'][1] / 1000:.1f} ms, all checks "
              f"{said['receive'][1] / 1000:.1f} ms ({said['receive'][0] / 1000:.1f} at most)")
    assert said["taken"] == [N]
