"""A step of dispatch in MicroPython on an emulated Pico: the set-points of CPython, and its time.

Needs what test_chip_kernels.py needs. The time of a step is that of the policy and of Dispatch,
measurement and messages aside; the first of an hour reads its part of the table from the file.
"""
import random
import subprocess
import types

from host_sim.bench import ROOT, compile_to
from host_sim.board.dispatch_rig import reader
from host_sim.study.policy_file import pack
from host_sim.vm.find import micropython
from tests.emulator.test_chip_kernels import GIVEN, HERE, pytestmark  # noqa: F401
from tests.emulator.test_chip_roles import FILES_AT
from tests.host.policy_kit import PLANT, made_up

LIMIT_US = 2000


def rows(n):
    """PV, load, battery, hydrogen of a household, anything."""
    dice = random.Random(7)
    return [[dice.choice((0, dice.randrange(6_000_000))), dice.randrange(2_100_000),
             dice.randrange(2_900_001), dice.randrange(200_000_001)] for _ in range(n)]


def test_a_step_takes_less_than_2_ms_and_says_what_cpython_says(tmp_path, capsys):
    folder = tmp_path / "files"
    folder.mkdir()
    functions = ROOT / "firmware/acu/functions"
    compile_to(folder, "armv6m", [functions.parent / "__init__.py", *(functions / f"{name}.py" for
               name in ("__init__", "dispatch", "merit", "policy_rule", "policy_table"))],
               ROOT / "firmware")
    raw = pack(PLANT, made_up())
    (folder / "policy.bin").write_bytes(raw)
    given = rows(40)
    (folder / "rows.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in given))
    image = tmp_path / "flash.img"
    subprocess.run([micropython(), "-X", "heapsize=16M", HERE / "flash.py", folder, image],
                   check=True)
    command = ["node", HERE / "chip.mjs", *GIVEN, HERE / "policy_on_chip.py", "60", image,
               FILES_AT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    said = {line.split()[0]: [int(word) for word in line.split()[1:]]
            for line in done.stdout.splitlines()}
    with capsys.disabled():
        print(f"\ntable of {len(raw)} bytes: {said['bytes'][0]} bytes of heap, checked in "
              f"{said['check'][0] / 1000:.0f} ms")
        for name in ("naive", "rule", "table"):
            first_max, first, later_max, later, _ = said[name]
            print(f"{name}: a step {later} us in the mean, {later_max} at most; the first of an "
                  f"hour {first}, {first_max}")
    assert said["unfit"] == [0]
    there = here(raw, given)
    for name in ("naive", "rule", "table"):
        assert said[name][2] <= LIMIT_US, name
        assert said[name][4] == there[name], name


def here(raw, given):
    """The same program on CPython."""
    source = (HERE / "policy_on_chip.py").read_text()
    begin = source.index("def steps"), source.index("\n\nplant =")
    names = {"dispatch": __import__("acu.functions.dispatch", fromlist=["x"]),
             "gc": types.SimpleNamespace(collect=lambda: 0), "plant": PLANT,
             "time": types.SimpleNamespace(ticks_us=lambda: 0, ticks_diff=lambda a, b: 0)}
    exec(source[begin[0]:begin[1]], names)  # noqa: S102  the chip's own words
    from acu.functions.policy_rule import Rule
    from acu.functions.policy_table import Table

    return {name: names["steps"](policies, given, 3600)[2] for name, policies in (
        ("naive", ()), ("rule", (Rule(PLANT),)), ("table", (Table(PLANT, reader(raw)),)))}
