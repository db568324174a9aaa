"""The real mpremote on the project's virtual board, or on the board of --target: what a technician
does by hand before and beside slvg flash. Everything happens in a folder of its own."""
import hashlib
import subprocess
import sys
import time
from pathlib import Path

import pytest

FOLDER = "slvg_test"


def mpremote(target, *words, code=0) -> str:
    done = subprocess.run([sys.executable, "-m", "mpremote", "connect", target.port, *words],
                          capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("files") / FOLDER
    (folder / "deep").mkdir(parents=True)
    (folder / "one.py").write_bytes(b"X = 1\n" * 3000)
    (folder / "deep" / "two.bin").write_bytes(bytes(range(256)) * 5)
    return folder


def test_files_go_up_with_their_folders_and_come_back_the_same(target, files, tmp_path):
    mpremote(target, "fs", "cp", "-r", str(files), ":")
    said = mpremote(target, "fs", "ls", f":{FOLDER}", "+", "fs", "sha256sum",
                    f":{FOLDER}/one.py", "+", "df")
    assert "18000 one.py" in said and "0 deep/" in said
    assert hashlib.sha256((files / "one.py").read_bytes()).hexdigest() in said
    assert "868352" in said or target.board is None
    mpremote(target, "fs", "cp", f":{FOLDER}/deep/two.bin", str(tmp_path / "two.bin"))
    assert (tmp_path / "two.bin").read_bytes() == bytes(range(256)) * 5


def test_lines_end_as_on_a_board_and_tracebacks_have_no_frame_of_ours(target):
    assert mpremote(target, "exec", "print(1)\nprint(2)").split() == ["1", "2"]
    assert mpremote(target, "eval", "6 * 7").strip() == "42"
    done = subprocess.run([sys.executable, "-m", "mpremote", "connect", target.port, "exec",
                           "def f():\n raise ValueError(7)\nf()"], capture_output=True, text=True,
                          timeout=30, check=False)
    lines = (done.stdout + done.stderr).split("\n")
    assert lines[:4] == ["Traceback (most recent call last):",
                         '  File "<stdin>", line 3, in <module>',
                         '  File "<stdin>", line 2, in f', "ValueError: 7"]


def test_a_folder_of_the_computer_can_be_mounted_and_a_file_run(target, files, tmp_path):
    assert mpremote(target, "mount", str(files), "exec",
                    "import one; print(one.X)").split()[-1] == "1"
    script = tmp_path / "script.py"
    script.write_text("for k in range(3):\n    print(k)\n")
    assert mpremote(target, "run", str(script)).split() == ["0", "1", "2"]


def test_files_and_clock_survive_a_soft_reset_and_files_a_hard_one(target):
    mpremote(target, "rtc", "--set", "+", "fs", "mkdir", f":{FOLDER}/m")
    mpremote(target, "soft-reset")
    assert mpremote(target, "rtc").startswith("(20") and "2021" not in mpremote(target, "rtc")
    mpremote(target, "reset")
    time.sleep(0.5 if target.board else 3.0)
    assert "m/" in mpremote(target, "fs", "ls", f":{FOLDER}")


def test_the_supply_goes_while_a_file_is_copied(target, files):
    """What was there stays; the file that was being written is whole, or not there."""
    if target.board is None:
        pytest.skip("no hand at the supply of a real board")
    board = target.board
    board.cut = 10
    board.power_cycle()
    subprocess.run([sys.executable, "-m", "mpremote", "connect", target.port, "fs", "cp", "-r",
                    str(files), f":{FOLDER}_2"], capture_output=True, timeout=30, check=False)
    assert not board.on
    board.power_on()
    assert "18000 one.py" in mpremote(target, "fs", "ls", f":{FOLDER}")


def test_the_friendly_repl_takes_blocks_of_lines_and_a_ctrl_c(target):
    serial = pytest.importorskip("serial")
    with serial.Serial(target.port, 115200, timeout=0.5, exclusive=True) as port:
        port.write(b"\r\x03\x02")
        port.read(1000)
        port.write(b"def double(x):\r")
        assert port.read(200).endswith(b"...     ")
        port.write(b"return 2 * x\r\r\b\r")
        port.read(200)
        port.write(b"double(21)\r")
        assert b"\r\n42\r\n>>> " in port.read(200)
        port.write(b"while True: pass\r\r\r")
        time.sleep(0.3)
        port.write(b"\x03")
        assert b"KeyboardInterrupt" in port.read(400)


def test_the_folder_can_be_removed(target):
    mpremote(target, "fs", "rm", "-r", f":{FOLDER}")
    assert FOLDER + "/" not in mpremote(target, "fs", "ls")
