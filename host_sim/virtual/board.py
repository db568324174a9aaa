"""A virtual board: a pseudo-terminal like a USB cable, the 32-bit MicroPython, and a flash image.

The real mpremote, `slvg flash` and `slvg console` connect to `port`. One thread carries bytes
between the terminal and the VM, tells the world what the chip drives, and starts the VM anew after
every reset, as the chip would (docs/virtual_board.md). unplug() pulls the USB cable, power_off()
the supply, at any moment.
"""
import atexit
import contextlib
import json
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import tty
from functools import cache
from pathlib import Path

from host_sim import boards, memory
from host_sim.scenario.complaints import InputError
from host_sim.virtual.world import Cabinet
from host_sim.vm.find import micropython

INSIDE = Path(__file__).with_name("inside")
BLOCKS = 212            # of 4 KiB: the file system of a stock Pico W
HEAP = "4M"             # the models live in it too
PWRON, WDT = 1, 3
_SOFT = {70: "friendly", 71: "raw"}
_POWER_UP_S = 0.02
_LIFE_S = 0.2           # a VM that ends sooner, so many times in a row, will always do so
_SHORT_LIVES = 20


@cache
def models() -> Path:
    """The chips' models as .mpy, made once a process."""
    folder = Path(tempfile.mkdtemp(prefix="slvg_models_"))
    atexit.register(shutil.rmtree, folder, True)
    memory.shim(folder)
    return folder


class VirtualBoard:
    """board: a name in boards/. image: the flash, kept if it exists. link: a name for the port.
    Use as a context, or call close()."""

    def __init__(self, board: str, image: Path, link: Path | None = None,
                 unique: str = "e6614c775b8a1234", watch: bool = False):
        self.board, self._pins = boards.load(board)
        if self.board["mcu"] != "rp2040":
            raise InputError([f"E269 board {board}: there is no virtual {self.board['mcu']} yet. "
                              "Use a board with an RP2040."])
        self.image = Path(image)
        self.link = link
        self.unique = unique
        self.cabinet = Cabinet(self.board, self._pins, self._tell)
        self.faults: list[str] = []     # exceptions of the firmware's callbacks
        self.starts: list[str] = []     # why each life began: power reset wdt friendly raw
        self.cut = 0        # the power goes at this block write, from the next start on
        self.on = False
        self.plugged = False
        self._vm: subprocess.Popen | None = None
        self._master = self._slave = self._fd = -1
        self._from_vm = self._to_vm = -1
        self._lines = b""
        self._ctrl_c: int | None = None     # -1: no byte is one; None: the chip is not up yet
        self._mode = "hard"
        self._why = ""
        self._cause = PWRON
        self._soft: list = []
        self._again_s = 0.0                 # an interrupt to repeat then
        self._up = b""                      # towards the computer
        self._lock = threading.RLock()
        self._short = 0
        self._began_s = 0.0
        self._wake_r, self._wake_w = os.pipe()
        self._stop = False
        models()
        micropython()
        self.port = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.power_on()
        self._thread.start()

    def __enter__(self) -> "VirtualBoard":
        return self

    def __exit__(self, *what) -> None:
        self.close()

    # -- what a hand can do

    def plug(self) -> None:
        """A new port each time, as a computer gives it; the link follows."""
        with self._lock:
            self._master, self._slave = pty.openpty()
            tty.setraw(self._slave)
            os.set_blocking(self._master, False)
            self.port = os.ttyname(self._slave)
            self._up = b""
            self.plugged = True
            if self.link is not None:
                self.link.unlink(missing_ok=True)
                self.link.symlink_to(self.port)
        self._wake()

    def unplug(self) -> None:
        with self._lock:
            if self.plugged:
                self._unplug()
        self._wake()

    def _unplug(self) -> None:
        self.plugged = False
        os.close(self._master)
        os.close(self._slave)
        if self.link is not None:
            self.link.unlink(missing_ok=True)

    def power_on(self) -> None:
        """And the cable, if it was pulled."""
        if not self.plugged:
            self.plug()
        with self._lock:
            if not self.on:
                self.on = True
                self._mode = "hard"
                self._cause = PWRON
                self._start()
        self._wake()

    def power_off(self) -> None:
        """At once, whatever it does. The port goes too, as USB does."""
        with self._lock:
            self._dark()
        self._wake()

    def _dark(self) -> None:
        self.on = False
        self._kill()
        for pin in self.cabinet.coils():
            self.cabinet.driven(pin, None)
        if self.plugged:
            self._unplug()

    def power_cycle(self) -> None:
        self.power_off()
        time.sleep(_POWER_UP_S)
        self.power_on()

    def close(self) -> None:
        self._stop = True
        self.power_off()
        self.unplug()
        self._thread.join(5)
        os.close(self._wake_r)
        os.close(self._wake_w)

    # -- the VM's lives

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_w, b"x")

    def _spec(self) -> bytes:
        utc_ms, wdt_ms, driven, writes = self._soft or (0, 0, [], 0)
        self.cut = max(1, self.cut - writes) if self.cut else 0
        wire = self._pins["CONVERTER"]
        mcp = [wire[k] for k in ("sck", "mosi", "miso", "cs")] if (
            wire["driver"] == "mcp3208_pio") else []
        sensors = [rule["ds18b20"] for rule in self._pins["INPUTS"] if "ds18b20" in rule]
        mcu = self.board["mcu"]
        return json.dumps({
            "inside": str(INSIDE), "shim": str(models()), "image": str(self.image),
            "blocks": BLOCKS, "mcu": mcu, "mode": self._mode, "cause": self._cause,
            "mcp": mcp, "unique": self.unique,
            "one_wire": sensors[0] if sensors else None, "coils": self.cabinet.coils(),
            "cut": self.cut, "utc_ms": utc_ms, "wdt_ms": wdt_ms,
            "driven": driven}).encode() + b"\n"

    def _start(self) -> None:
        from_world, self._to_vm = os.pipe()
        self._from_vm, to_world = os.pipe()
        self._fd, inner = pty.openpty()
        tty.setraw(inner)
        os.set_blocking(self._to_vm, False)
        os.set_blocking(self._fd, False)
        self._ctrl_c, self._lines = None, b""
        words = [micropython(), "-X", f"heapsize={HEAP}", str(INSIDE / "board.py"),
                 str(from_world), str(to_world)]
        spec = self._spec()
        self._soft = []
        self._began_s = time.monotonic()
        self._vm = subprocess.Popen(words, stdin=inner, stdout=inner, stderr=inner,
                                    pass_fds=(from_world, to_world), start_new_session=True)
        for fd in (from_world, to_world, inner):
            os.close(fd)
        self.starts.append(self._why or "power" if self._mode == "hard" else self._mode)
        self._why = ""
        self._tell(spec + self.cabinet.everything())

    def _kill(self) -> None:
        if self._vm is None:
            return
        self._vm.kill()
        self._vm.wait()
        self._vm = None
        for fd in (self._fd, self._from_vm, self._to_vm):
            os.close(fd)

    def _tell(self, data: bytes) -> None:
        with self._lock:
            while self._vm is not None and data:
                try:
                    data = data[os.write(self._to_vm, data):]
                except BlockingIOError:
                    select.select([], [self._to_vm], [], 0.1)
                    if self._vm.poll() is not None:
                        return
                except OSError:
                    return

    # -- the thread

    def _run(self) -> None:
        while not self._stop:
            with self._lock:
                fds = [self._from_vm, self._fd] if self._vm else []
                room = len(self._up) < 4096
                fds = [fd for fd in fds if fd != self._fd or room]
                out = [self._master] if self.plugged and self._up else []
                # what is sent before the chip is up waits in the cable
                master = [self._master] if self.plugged and (
                    not self.on or self._ctrl_c is not None) else []
            wait_s = min(0.2, self.cabinet.next_s())
            if self._again_s:
                wait_s = min(wait_s, 0.005)
            try:
                ready, writable, _ = select.select([self._wake_r, *fds, *master], out, [], wait_s)
            except (OSError, ValueError):       # a cable was pulled meanwhile
                continue
            with self._lock:
                self._turn(ready, writable)

    def _turn(self, ready: list, writable: list) -> None:
        if self._wake_r in ready:
            os.read(self._wake_r, 4096)
        if self._vm is not None and self._from_vm in ready:     # first: it may forbid Ctrl-C
            self._told()
        self.cabinet.move()
        if self._again_s and time.monotonic() > self._again_s:
            self._again_s = 0.0
            self._interrupt()
        if self._vm is not None and self._fd in ready:
            self._heard()
        if self.plugged and self._master in writable or self._up and self.plugged:
            with contextlib.suppress(OSError):
                self._up = self._up[os.write(self._master, self._up):]
        elif not self.plugged:
            self._up = b""                      # nobody is there to take it
        if self.plugged and self._master in ready:
            self._typed()

    def _told(self) -> None:
        try:
            data = os.read(self._from_vm, 65536)
        except OSError:
            return
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            if word == "D":
                pin, level = rest.split()
                self.cabinet.driven(int(pin), None if level == "-" else int(level))
            elif word == "K":
                self._ctrl_c = int(rest) if rest != "-" else None
            elif word == "I":
                self._again_s = time.monotonic() + 0.003
            elif word == "F":
                self.faults.append(rest)
            elif word == "X":
                self._why = rest
            elif word == "S":
                self._soft = json.loads(rest)
            elif word == "P":
                self.cut = 0
                self._dark()
                return

    def _heard(self) -> None:
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._up += data
        else:
            self._ended()

    def _ended(self) -> None:
        """The VM has left: what it said last, then its next life."""
        if self._vm is None:
            return
        code = self._vm.wait()
        self._told()
        self._kill()
        self._short = self._short + 1 if time.monotonic() - self._began_s < _LIFE_S else 0
        if self._short > _SHORT_LIVES:          # its file is broken, or ours
            self.on = False
        if not self.on or self._stop:
            return
        self._mode = _SOFT.get(code, "hard")
        soft = self._mode != "hard"
        if not soft:
            self._soft = []
            for pin in self.cabinet.coils():
                self.cabinet.driven(pin, None)
        self._cause = self._cause if soft else WDT      # a soft reset changes it not
        self._start()

    def _typed(self) -> None:
        try:
            data = os.read(self._master, 4096)
        except OSError:
            return
        while data and self._vm is not None:
            if self._ctrl_c is not None and self._ctrl_c >= 0:
                at = data.find(bytes([self._ctrl_c]))
                piece, data = (data, b"") if at < 0 else (data[:at], data[at + 1:])
            else:
                at, piece, data = -1, data, b""
            while piece and self._vm is not None:
                try:
                    piece = piece[os.write(self._fd, piece):]
                except BlockingIOError:         # the board is busy: the cable waits
                    if self._vm.poll() is not None:
                        return
                    select.select([], [self._fd], [], 0.05)
                    self._told_now()
                except OSError:
                    return
            if at >= 0:
                self._interrupt()

    def _told_now(self) -> None:
        """While input waits: output must flow on, or both ends would wait for each other."""
        ready, _, _ = select.select([self._from_vm, self._fd], [], [], 0)
        if self._from_vm in ready:
            self._told()
        if self._vm is not None and self._fd in ready and len(self._up) < 1 << 20:
            self._heard()

    def _interrupt(self) -> None:
        if self._vm is not None and self._ctrl_c is not None and self._ctrl_c >= 0:
            with contextlib.suppress(ProcessLookupError):
                self._vm.send_signal(signal.SIGINT)
