"""Every module of tests/unit, once more, inside the real MicroPython."""
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUNNER = str(ROOT / "tests/vm/run_units.py")
UMQTT = Path(os.environ.get("SLVG_UMQTT") or ROOT / ".venv/umqtt") / "umqtt" / "simple.py"
MODULES = sorted(p.stem for p in (ROOT / "tests/unit").glob("test_*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_units(vm, module):
    if "net_kit" in (ROOT / f"tests/unit/{module}.py").read_text() and not UMQTT.is_file() \
            and os.environ.get("SLVG_REQUIRE_BROKER") != "1":
        pytest.skip("no umqtt.simple: run `make setup`")
    done = subprocess.run([vm, "-X", "heapsize=16M", RUNNER, str(ROOT), module],
                          capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.rstrip().endswith(" 0 failed")


def test_a_failing_unit_fails_here(vm, tmp_path):
    """The runner itself: a wrong assertion must not pass unseen."""
    unit = tmp_path / "tests" / "unit"
    unit.mkdir(parents=True)
    (unit / "test_wrong.py").write_text("def test_wrong():\n    assert 1 == 2\n")
    done = subprocess.run([vm, RUNNER, str(tmp_path), "test_wrong"], capture_output=True,
                          text=True, timeout=60, check=False)
    assert done.returncode == 1 and "FAILED test_wrong test_wrong" in done.stdout
