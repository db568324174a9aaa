"""Stage 0 of a board inside the real MicroPython, on a real littlefs."""
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_boot_in_every_state_with_errors_and_power_cuts(vm):
    script = ROOT / "tests/vm/boot_on_littlefs.py"
    done = subprocess.run([vm, "-X", "heapsize=8M", script, ROOT], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0 and done.stdout.endswith("\nok\n"), (
        done.stdout[-3000:] + done.stderr[-2000:])
