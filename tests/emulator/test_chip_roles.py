"""Whole roles in MicroPython on an emulated Pico: they fit, and what the fast tier takes of 5 ms.

The doors are the simulator's, so that their heap (some 5 KB) is in the figures and no network is.
Needs what test_chip_kernels.py needs, and an image for the plain Pico.
"""
import json
import subprocess

import pytest

from host_sim.bench import ROOT, _board_files, compile_to, modules_of, spec_of
from host_sim.memory import BOARDS
from host_sim.vm.find import micropython
from tests.emulator.test_chip_kernels import GIVEN, HERE, pytestmark  # noqa: F401

FILES_AT = "0xA0000"    # 2 MiB less 1408 KiB, see flash.py


@pytest.mark.parametrize("role", ["operator", "meter", "coordinator", "recloser", "recloser_79",
                                  "recloser_lead"])
def test_a_role_starts_and_its_fast_tick_fits(tmp_path, capsys, role):
    folder = tmp_path / "files"
    folder.mkdir()
    compile_to(folder, "armv6m", sorted((ROOT / "firmware").rglob("*.py")), ROOT / "firmware")
    compile_to(folder, "armv6m", _board_files(), ROOT)
    kind = role.partition("_")[0]
    spec = {**spec_of(kind), "level": "wave", "modules": modules_of(kind)}
    if kind != role:        # what it does besides
        spec["config"] = {**spec["config"], **BOARDS[role][3]}
    (folder / "spec.json").write_text(json.dumps(spec))
    image = tmp_path / "flash.img"
    subprocess.run([micropython(), "-X", "heapsize=16M", HERE / "flash.py", folder, image],
                   check=True)
    command = ["node", HERE / "chip.mjs", *GIVEN, HERE / "role_on_chip.py", "60", image, FILES_AT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {line.split()[0]: [int(word) for word in line.split()[1:]]
            for line in done.stdout.splitlines()}
    fast = said["fast"]
    with capsys.disabled():
        print(f"\n{role}: heap free {said['empty'][0]}, with its modules {said['loaded'][0]}, "
              f"built {said['built'][0]}, after some seconds {said['left'][0]}; fast tick "
              f"{sum(fast) // len(fast)} us in the mean, {max(fast)} at most; slow tier "
              f"{said['slow'][0] / 20:.0f} % of the CPU, longest pass {said['slow'][1]} ms")
    assert max(fast) < 5000 and min(said["built"][0], said["left"][0]) > 20_000
    # both tiers together leave a fifth of the CPU
    assert sum(fast) / len(fast) / 50 + said["slow"][0] / 20 < 80
    assert min(said["u"]) > 1000
