"""The USB terminal's driver inside MicroPython on a real pseudo-terminal: it waits for nobody."""
import os
import pty
import select
import subprocess
import time
import tty
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import sys, time
sys.path[:] = [sys.argv[1] + "/firmware"] + sys.path
class Machine:
    pass
sys.modules["machine"] = Machine()
from acu.drivers.terminal import UsbTerminal
t = UsbTerminal()
t.own()
t0 = time.ticks_ms()
assert t.read(32) == b""
took = time.ticks_diff(time.ticks_ms(), t0)
t.write(b"ready %d\\r\\n" % (took > 50))
got = b""
while not got.endswith(b"."):
    got += t.read(8)
t.write(b"got " + got.replace(b"\\x03", b"^C") + b"\\r\\n")
page = bytes(1000)
t0 = time.ticks_ms()
sent = n = 0
while n < 2000:                 # nobody reads: the line fills up, and it goes on
    n += 1
    sent += t.write(page)
took = time.ticks_diff(time.ticks_ms(), t0)
sys.stderr.write("%d %d\\n" % (sent, took))
"""


def until(fd, end, seconds=10):
    data = b""
    limit = time.monotonic() + seconds
    while end not in data and time.monotonic() < limit:
        if select.select([fd], [], [], 0.1)[0]:
            data += os.read(fd, 4096)
    return data


def test_bytes_come_and_go_without_waiting_and_ctrl_c_is_a_byte(vm, tmp_path):
    script = tmp_path / "t.py"
    script.write_text(SCRIPT)
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    run = subprocess.Popen([vm, script, ROOT], stdin=theirs, stdout=theirs,
                           stderr=subprocess.PIPE)
    try:
        assert until(ours, b"\r\n") == b"ready 0\r\n"
        os.write(ours, b"MET\x03 k.")
        assert until(ours, b"\r\n").startswith(b"got MET^C k.\r\n")
        _, told = run.communicate(timeout=20)
        sent, took_ms = (int(x) for x in told.split())
        assert run.returncode == 0 and sent < 100_000 and took_ms < 5000
    finally:
        run.kill()
        os.close(ours)
        os.close(theirs)
