"""A whole board on an emulated Pico, from power on: the files of `slvg build`, boot.py, main.py,
drivers and the console by USB; mains, relays and contacts around it are board_on_chip.mjs.

Needs what test_chip_kernels.py needs, and an image of MicroPython 1.26 or later (hard timers).
"""
import json
import os
import re
import subprocess

import pytest

from host_sim import boards
from host_sim.build import build
from host_sim.memory import lay_out
from host_sim.vm.find import micropython
from tests.emulator.test_chip_kernels import GIVEN, HERE, pytestmark  # noqa: F401
from tests.emulator.test_chip_roles import FILES_AT

SECONDS = int(os.environ.get("SLVG_BOARD_SECONDS", "18"))     # each costs some 5 s here
U_DV, I_MA, DEGREES = 2300, 5000, 30
NET = {"id": "me", "sc": "sc1", "uc": "uc1"}
CFG = {"operator": {**NET, "role": "operator"},
       "meter": {**NET, "role": "meter", "wiring": "A"}}
# kind and degrees of each channel; of the Operator the last two lie behind its relays
CHANNELS = {"operator": ["u 0", "u 120", "u 240", "u 0", "i 0"], "meter": ["u 0", "i 0"]}
LOAD = {"operator": [3, 4], "meter": []}
# what the technician types, and when; questions are to stand before they are answered
SAY = {"operator": [[3.8, "ACC"], [4.4, "MET"], [5.4, "SER"], [6.2, "BAC"], [6.8, "TST"],
                    [7.4, "Y"], [8, "Y"], [14.4, "CVER"], [15.2, "STA"], [16.4, "SER"]],
       "meter": [[3.8, "ACC"], [5, "MET"], [6, "SER"], [14.4, "CVER"], [15.2, "STA"]]}


def world(role, described, pins):
    """What is around the chip, for board_on_chip.mjs. The first relay is closed."""
    coils = [{"pin": rule[coil], "active": rule["active"]}
             for rule in pins["OUTPUTS"] + pins.get("UNUSED", ())
             for coil in ("close", "open", "pin") if coil in rule]
    mirrors = [rule["pin"] for rule in pins["INPUTS"] if rule["name"].startswith("mirror")]
    relays = [[rule["close"], rule["open"], mirrors[k], k == 0]
              for k, rule in enumerate(pins["OUTPUTS"])]
    levels = {rule.get("pin", rule.get("ds18b20")): 1 - rule.get("active", 0)
              for rule in pins["INPUTS"] if not rule["name"].startswith("mirror")}
    if pins["INTERLOCK"]:
        levels[pins["INTERLOCK"]["pin"]] = pins["INTERLOCK"]["active"]
    codes = []
    for channel in CHANNELS[role]:
        kind, degrees = channel.split()
        peak = (U_DV / described["u_peak_dv"] if kind == "u" else I_MA / described["i_peak_ma"])
        codes.append([2048 * 2**0.5 * peak, int(degrees) + (DEGREES if kind == "i" else 0)])
    return {"codes": codes, "load": LOAD[role], "relays": relays, "coils": coils,
            "levels": levels, "say": SAY[role], "seconds": SECONDS}


def board(role, tmp_path):
    """What was seen of it."""
    name = f"pico_w_{role}"
    built = build(name, (role,))
    folder = tmp_path / "files"
    lay_out(folder, built, CFG[role])
    for path, data in built.root.items():
        (folder / path).write_bytes(data)
    (folder / "slot").write_bytes(b"a")
    image = tmp_path / "flash.img"
    subprocess.run([micropython(), "-X", "heapsize=16M", HERE / "flash.py", folder, image],
                   check=True, timeout=60)
    file = tmp_path / "world.json"
    file.write_text(json.dumps(world(role, *boards.load(name))))
    done = subprocess.run(["nice", "node", HERE / "board_on_chip.mjs", *GIVEN, image, FILES_AT,
                           file], capture_output=True, text=True, check=False,
                          timeout=120 + 40 * SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def table(text, command):
    """The last page of this command, as name -> words."""
    page = text.rsplit(f">{command}\r\n", 1)[1].split("=>")[0]
    if command[0] == "C":
        rows = [[cell.strip('"') for cell in line.split(",")] for line in page.splitlines()]
        return {row[0]: row[1:] for row in rows if len(row) > 2}
    rows = [line.split() for line in page.splitlines()]
    return {" ".join(row[:-1]): row[-1:] for row in rows if row} | {
        row[0]: row[1:] for row in rows if row}


def times(text):
    """Event -> seconds of its first row in SER."""
    found = re.findall(r"T00:00:(\d\d\.\d{3})Z (\w+)", text)
    return {event: float(at) for at, event in reversed(found)}


@pytest.mark.parametrize("role", ["operator", "meter"])
def test_a_board_starts_measures_and_talks(tmp_path, capsys, role):
    seen = board(role, tmp_path)
    text = "".join(piece for _, piece in seen["heard"])
    assert seen["died"] == "", text
    version, readings, status = table(text, "CVER"), table(text, "MET"), table(text, "STA")
    assert [version[name][0] for name in ("GOOD", "ACU", "SELFTEST", "COMPLAINT")] == [
        "1", "1", "0", "-"]
    # the sampler: every frame, in its place
    for name in ("overruns", "slips", "overflows"):
        assert status[f"Sampler {name}"] == ["0"]
    assert "Late" not in status and status["Store errors"] == ["0"]
    free = int(status["Memory free"][0])
    assert free >= 48 * 1024
    # truth: 230 V, 5 A, 30 degrees
    for name, true, unit in (("UA", 230, 0.1), ("IA", 5, 0.001), ("PA", 1150 * 3**0.5 / 2, 1),
                             ("QA", 575, 1), ("f", 50, 0.001)):
        assert abs(float(readings[name][0]) - true) <= 0.002 * true + unit, (name, text)
    # when: LOGIN was written when ACC came
    at = times(text)
    heard = next(ms for ms, piece in seen["heard"] if "ACC" in piece) / 1000
    passed = heard + at["SELFTEST"] - at["LOGIN"]
    # no coil before the self-test, nor while nobody wants it
    coils = seen["coils"]
    asked = {line: ms for ms, line in seen["marks"]}
    moved = [ms for ms, _, _, _, on in coils if on]
    assert coils and min([*moved, 1e9]) > max(1000 * passed, asked.get("Y", 0))
    if role == "operator":
        assert moved and seen["closed"] == [True, False, False], text
    else:
        assert not moved
    # the timer: 5 ms, whatever else runs
    begins = [us for us, _ in seen["ticks"]]
    gaps = [b - a for a, b in zip(begins, begins[1:], strict=False)]
    missed = sum(round(gap / 5000) - 1 for gap in gaps if gap > 7500)
    took = [us for _, us in seen["ticks"]]
    running_us = 1000 * seen["ms"] - begins[0]
    share = 100 * seen["timer_us"] / running_us
    with capsys.disabled():
        print(f"\n{role}, {seen['ms'] / 1000:.0f} s from power on: outputs defined after "
              f"{coils[0][0]:.0f} ms, first fast tick {begins[0] / 1e6:.2f} s, self-test passed "
              f"{passed:.1f} s; fast tick {sum(took) // len(took)} us in the mean, {max(took)} at "
              f"most, {share:.1f} % of the CPU, {missed} of {len(took)} missed, longest gap "
              f"{max(gaps) / 1000:.1f} ms; asleep {seen['idle_us'] / 10 / seen['ms']:.0f} %; heap "
              f"free {free}")
    assert role != "operator" or share <= 15
    assert passed < 5 and missed <= len(took) // 50
