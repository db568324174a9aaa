"""The sampling drivers on an emulated Pico: no frame lost or out of place beside collections and
flash writes, every injected loss counted.

Needs what test_chip_kernels.py needs. SLVG_BOARD_SECONDS: how long the steady part lasts (issue 5
asks for 60; each costs some ten seconds here), 3 by default.
"""
import os
import subprocess

import pytest

from host_sim.bench import ROOT, compile_to
from host_sim.vm.find import micropython
from tests.emulator.test_chip_kernels import GIVEN, HERE, pytestmark  # noqa: F401
from tests.emulator.test_chip_roles import FILES_AT

SECONDS = int(os.environ.get("SLVG_BOARD_SECONDS", "3"))


@pytest.mark.parametrize("driver", ["adc", "mcp3208"])
def test_frames_come_whole_and_losses_are_counted(tmp_path, capsys, driver):
    folder = tmp_path / "files"
    folder.mkdir()
    acu = ROOT / "firmware/acu"
    compile_to(folder, "armv6m", sorted([*acu.glob("*.py"), *acu.glob("d*/*.py")]),
               ROOT / "firmware")
    image = tmp_path / "flash.img"
    subprocess.run([micropython(), "-X", "heapsize=16M", HERE / "flash.py", folder, image],
                   check=True, timeout=60)
    script = tmp_path / "script.py"
    text = (HERE / "sampling_on_chip.py").read_text().replace('"adc"\n', f'"{driver}"\n', 1)
    script.write_text(text.replace("SECONDS = 3", f"SECONDS = {SECONDS}"))
    done = subprocess.run(["node", HERE / "chip.mjs", *GIVEN, script, str(SECONDS + 30), image,
                           FILES_AT], capture_output=True, text=True, check=False,
                          timeout=300 + 30 * SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    with capsys.disabled():
        print(f"\n{driver}, {SECONDS} s of the board:\n{done.stdout}")
    said = [line.split() for line in done.stdout.splitlines()]
    wrong, gaps, taken, overruns, slips, overflows, left, writes = [
        int(word) for word in said[1][1:]]
    assert (wrong, gaps, overruns, slips, overflows) == (0, 0, 0, 0, 0)
    assert taken >= 4000 * SECONDS - 200 and abs(left) <= 1 and writes >= 2
    assert said[2][3] == "0"
    for line in said[3:5]:
        ms, lost, slips, left = [int(word) for word in line[1:]]
        assert 4 * ms - 2032 <= lost <= 4 * ms - 2032 + 40 and slips == 0 and abs(left) <= 1
    slips, overflows, wrong, left = [int(word) for word in said[5][1:]]
    assert slips + overflows == 1 and wrong == 0 and abs(left) <= 2
