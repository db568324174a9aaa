"""boot.py and main.py on a real littlefs in RAM, inside MicroPython: boot_on_littlefs.py ROOT.

Prints one line a check and "ok" at the end. Plays every state that the files of stage 0 can have,
garbage included, writes that fail, a full flash, and a power cut at each block write. The pins are
a modelled chip's: any current through a coil is a failure.
"""
# ruff: noqa: UP031   MicroPython
import os
import sys

ROOT = sys.argv[1]
sys.path[:] = [ROOT + "/firmware", ROOT] + sys.path
import vfs  # noqa: E402

from host_sim.chips.machine_shim import Chip, ChipReset, install  # noqa: E402

install(Chip())
from acu.drivers import slots  # noqa: E402

with open(ROOT + "/firmware/boot.py") as _f:
    BOOT = compile(_f.read(), "/boot.py", "exec")
with open(ROOT + "/firmware/main.py") as _f:
    MAIN = compile(_f.read(), "/main.py", "exec")
PATH = list(sys.path)

PINS = """OUTPUTS = ({"name": "a", "drive": "latching", "close": 6, "open": 7, "active": 1},
           {"name": "b", "drive": "hold", "pin": 8, "active": 0})
UNUSED = ({"name": "c", "drive": "latching", "close": 10, "open": 11, "active": 1},)
RECOVERY = %s
LED = 22
"""
COILS = {6: 1, 7: 1, 8: 0, 10: 1, 11: 1}      # pin: level that draws current
PLAIN = PINS % '{"pin": 0, "active": 0, "pull": "up"}'
BOOTSEL = PINS % '"bootsel"'


class Flash:
    """cut: so many block writes until nothing is written any more; wrong: errno of each write."""

    def __init__(self, blocks=48):
        self.data = bytearray(b"\xff" * (4096 * blocks))
        self.cut = -1
        self.writes = 0
        self.wrong = 0

    def readblocks(self, block, buf, off=0):
        at = block * 4096 + off
        buf[:] = self.data[at:at + len(buf)]

    def writeblocks(self, block, buf, off=0):
        if self.wrong:
            return -self.wrong
        self.writes += 1
        if 0 <= self.cut < self.writes:
            return -5
        n = len(buf) // 2 if self.writes == self.cut else len(buf)
        at = block * 4096 + off
        self.data[at:at + n] = buf[:n]

    def ioctl(self, op, arg):
        if op == 6:
            if self.wrong:
                return -self.wrong
            self.writes += 1
            if 0 <= self.cut < self.writes:
                return -5
            self.data[arg * 4096:arg * 4096 + 4096] = b"\xff" * 4096
            return 0
        return {4: len(self.data) // 4096, 5: 4096}.get(op, 0)


class Board:
    def __init__(self):
        self.flash = Flash()
        vfs.VfsLfs2.mkfs(self.flash)
        self.chip = Chip()
        self.currents = []
        for pin in COILS:
            self.chip.wires.watch(pin, self._coil)
        self.mount()

    def _coil(self, pin, level, t_us):
        if level == COILS[pin]:
            self.currents.append(pin)

    def mount(self):
        vfs.umount("/")
        vfs.mount(vfs.VfsLfs2(self.flash), "/")

    def slot(self, name, pins=PLAIN, files=("manifest.json", "board.json")):
        os.mkdir("/" + name)
        for file in files:
            put("/%s/%s" % (name, file), b"{}")
        if pins is not None:
            put("/%s/pins.py" % name, pins if isinstance(pins, bytes) else pins.encode())

    def start(self, cause=1, main=False):
        """boot.py's four words; with main also main.py. Returns the globals."""
        self.chip.reset(cause)
        install(self.chip)
        self.mount()
        sys.path[:] = PATH
        sys.modules.pop("pins", None)
        space = {"__name__": "__main__"}
        exec(BOOT, space)
        left = [name for name in space if name[:1] == "_" and name[:2] != "__" and name != "_n"]
        check(left == [], "boot.py leaves %s" % left)
        if main:
            exec(MAIN, space)
        return space

    def safe(self):
        """Every coil is an output that is off, or not touched at all, and none ever drew."""
        check(self.currents == [], "current through %s" % self.currents)
        return all(self.chip.wires.driven(pin) == 1 - COILS[pin] for pin in COILS)


def put(path, data):
    with open(path, "wb") as f:
        f.write(data)


def get(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return None


def check(true, what):
    if not true:
        print("FAILED:", what)
        sys.exit(1)


def words(space):
    return space["SLOT"], space["MODE"], space["TRIAL"], space["WHY"][:4]


def plain():
    b = Board()
    check(words(b.start()) == ("", "safe", False, "E360"), "an empty flash")
    b.slot("a")
    check(words(b.start()) == ("a", "run", False, ""), "no /slot, one whole slot")
    check(b.safe() and get("/boots") == b"1" and sys.path[0] == "/a", "first start")
    check("pins" not in sys.modules, "pins are those of the slot that runs")
    b.slot("b")
    put("/slot", b"b")
    for k in range(2, 6):
        check(words(b.start()) == ("b", "run", False, "") and get("/boots") == b"%d" % k, "count")
    for _ in range(3):
        check(words(b.start()) == ("b", "safe", False, "E362"), "safe mode")
        check(b.safe() and get("/boots") == b"5", "safe mode's outputs")
    os.remove("/boots")
    put("/try", b"a3")
    for tries in (b"a2", b"a1", b"a0"):
        check(words(b.start()) == ("a", "run", True, "") and get("/try") == tries, "trial")
        check(sys.path[0] == "/a" and get("/boots") is None, "a trial is not counted in /boots")
    check(words(b.start()) == ("b", "run", False, "E361") and get("/try") is None, "falls back")
    check(words(b.start()) == ("b", "run", False, ""), "and says so once")
    put("/maint", b"")
    put("/try", b"a3")
    check(words(b.start())[1] == "maint" and b.safe() and get("/try") == b"a3", "maintenance")
    print("plain")


def every_state():
    """What each file may hold, in all combinations; slots whole, cut, or not there."""
    n = 0
    for a in (PLAIN, None, b"OUTPUTS = (", b"\xff\x00\x80", "OUTPUTS = 7\n"):
        for b_whole in (True, False):
            b = Board()
            b.slot("a", a)
            if b_whole:
                b.slot("b")
            for slot in (None, b"a", b"b", b"", b"x", b"ab", b"\xff\xfe"):
                for trial in (None, b"a3", b"b1", b"b0", b"", b"b9", b"\xff"):
                    for boots in (None, b"4", b"5", b"-1", b"9" * 30):
                        for path, data in (("/slot", slot), ("/try", trial), ("/boots", boots)):
                            if data is not None:
                                put(path, data)
                            elif get(path) is not None:
                                os.remove(path)
                        s, mode, tries, why = words(b.start())
                        n += 1
                        check(mode in ("run", "safe"), "mode %s" % mode)
                        check(why != "E364", "boot.py failed: %s %s %s" % (slot, trial, boots))
                        check(s != "b" or b_whole, "a slot that is not there")
                        check(s != "a" or a is not None, "a slot without pins.py")
                        check(s or mode == "safe", "runs nothing")
                        if tries:
                            check(int(get("/try")[1:]) == int(trial[1:]) - 1, "try is counted")
                        elif mode == "run" and s:
                            check(not get("/try"), "a dead trial stays")
                        if b_whole or isinstance(a, str) and a == PLAIN:
                            check(b.safe(), "outputs with the other slot's pins")
    print("states", n)


def errors():
    for wrong in (28, 5):
        b = Board()
        b.slot("a")
        b.slot("b")
        put("/slot", b"a")
        b.flash.wrong = wrong
        check(words(b.start()) == ("a", "run", False, "") and b.safe(), "no write goes")
        b.flash.wrong = 0
        b.mount()
        put("/try", b"b3")
        b.flash.wrong = wrong
        check(words(b.start()) == ("a", "run", False, "E365") and b.safe(), "trial not counted")
    b = Board()
    b.slot("a")
    put("/slot", b"a")
    try:
        with open("/fill", "wb") as f:
            while True:
                f.write(bytes(4096))
    except OSError:
        pass
    check(words(b.start()) == ("a", "run", False, "") and b.safe(), "full flash")
    print("errors")


def power_cuts():
    """After a cut anywhere the next start is as before or as after; trials never grow."""
    n = 0
    for first, slot, trial, boots in ((("b", "run", True, ""), b"a", b"b3", None),
                                      (("b", "run", True, ""), b"a", b"b1", b"4"),
                                      (("a", "run", False, "E361"), b"a", b"b0", b"2"),
                                      (("a", "run", False, ""), b"a", None, b"4")):
        b = Board()
        b.slot("a")
        b.slot("b")
        for path, data in (("/slot", slot), ("/try", trial), ("/boots", boots)):
            if data is not None:
                put(path, data)
        image = bytes(b.flash.data)
        b.flash.writes = 0
        check(words(b.start()) == first, "uncut")
        writes = b.flash.writes
        check(writes > 0, "nothing was written")
        for cut in range(1, writes + 1):
            b.flash.data[:] = image
            b.flash.writes = 0
            b.flash.cut = cut
            b.start()
            b.safe()
            b.flash.cut = -1
            after = words(b.start())
            n += 1
            check(after[0] in ("a", "b") and after[1] in ("run", "safe"), "bricked: %s" % (after,))
            check(after[3] != "E360" and get("/slot") == b"a", "the good slot is lost")
            left = int(get("/try")[1:]) if after[2] else -1
            check(left < int(trial[1:]) if trial else left == -1, "a try too many")
            check(int(get("/boots") or 0) <= int(boots or 0) + 2, "boots")
    print("cuts", n)


def confirmations():
    """The running firmware confirms itself, and the power goes at any write: it is on trial, or
    good, and nothing else."""
    b = Board()
    b.slot("a")
    b.slot("b")
    put("/slot", b"a")
    put("/try", b"b2")
    put("/boots", b"3")
    image = bytes(b.flash.data)
    b.flash.writes = 0
    check(slots.confirm("", "b", True), "confirm")
    writes = b.flash.writes
    check((get("/slot"), get("/try"), get("/boots")) == (b"b", None, None), "confirmed")
    for cut in range(1, writes + 1):
        b.flash.data[:] = image
        b.mount()
        b.flash.writes = 0
        b.flash.cut = cut
        slots.confirm("", "b", True)
        b.flash.cut = -1
        slot, mode, trial, why = words(b.start())
        check(slot == "b" and mode == "run" and not why, "a confirmation cut: %s" % slot)
        check(trial or get("/slot") == b"b", "neither on trial nor good")
    b.flash.data[:] = image
    b.mount()
    b.flash.wrong = 28
    check(not slots.confirm("", "b", True), "a full flash confirms nothing")
    b.flash.wrong = 0
    check(get("/slot") == b"a", "the good slot stays")
    print("confirmations", writes)


def recovery():
    names = ("keys.a", "settings.a", "settings.b", "passwords.a", "energy.a", "ev0")
    for pins in (PLAIN, BOOTSEL):
        for held_ms, wiped in ((0, False), (1500, False), (9000, True)):
            b = Board()
            b.slot("a", pins)
            os.mkdir("/data")
            for name in names:
                put("/data/" + name, b"x")
            end_us = b.chip.t_us + held_ms * 1000

            class Button:
                """Pressed from the start, for so long."""

                def __init__(self, b, end_us):
                    self.b = b
                    self.end_us = end_us

                def run_to(self, t_us):
                    pressed = t_us < self.end_us
                    self.b.chip.bootsel = pressed
                    self.b.chip.wires.outside(0, 0 if pressed else None)

                def reset(self):
                    self.run_to(self.b.chip.t_us)

            button = Button(b, end_us)
            b.chip.device(button)
            space = b.start()
            check(words(space) == ("a", "run", False, "") and b.safe(), "recovery starts")
            there = sorted(os.listdir("/data"))
            want = ["energy.a", "ev0", "reset"] if wiped else sorted(names)
            check(there == want, "recovery: %s" % there)
            if wiped:
                check(get("/data/reset") == b"recovery", "the reason")
            check(b.chip.t_us < (6_000_000 if held_ms else 1_300_000), "it waits too long")
    # keys go first, whenever the power goes
    b = Board()
    b.slot("a")
    os.mkdir("/data")
    for name in names:
        put("/data/" + name, b"x")
    image = bytes(b.flash.data)
    b.chip.wires.outside(0, 0)
    b.flash.writes = 0
    b.start()
    writes = b.flash.writes
    for cut in range(1, writes + 1):
        b.flash.data[:] = image
        b.flash.writes = 0
        b.flash.cut = cut
        b.start()
        b.flash.cut = -1
        b.mount()
        there = os.listdir("/data")
        check("keys.a" not in there or "passwords.a" in there, "keys without their guard")
        check("energy.a" in there and "ev0" in there, "more was lost than meant")
    # BOOTSEL counts after a power-up only: no second of delay when the watchdog bites
    b = Board()
    b.slot("a", BOOTSEL)
    b.start(cause=3)
    check(b.chip.t_us == 0, "a watchdog's start waits for a button")
    print("recovery", writes)


def main_py():
    b = Board()
    b.slot("a")
    put("/slot", b"a")
    os.mkdir("/data")
    os.mkdir("/a/acu")
    put("/a/acu/__init__.py", b"")
    known = [name for name in sys.modules if name.startswith("acu")]
    for name in known:
        sys.modules.pop(name)

    def play(text, mode=None):
        put("/a/acu/start.py", text)
        for name in ("acu", "acu.start"):
            sys.modules.pop(name, None)
        if get("/data/fatal"):
            os.remove("/data/fatal")
        try:
            b.start(main=True)
        except ChipReset:
            return b.chip.why
        return ""
    crash = (b"def run(slot, mode, trial, why):\n"
             b"    raise ValueError('E999 %s %s' % (slot, mode))\n")
    check(play(crash) == "reset", "a fatal error resets")
    check(b"E999 a run" in get("/data/fatal") and get("/data/fatal")[:3] == b"/a\n", "its record")
    check(get("/data/reset") == b"fatal", "its reason")
    check(play(b"import nothing_of_that_name\n") == "reset", "a module is missing")
    check(play(b"def run(") == "reset" and len(get("/data/fatal")) <= 1024, "garbage")
    long = b"def run(*a):\n    raise ValueError('x' * 2000)\n"
    check(play(long) == "reset" and len(get("/data/fatal")) <= 1024, "a long one")
    check(play(b"def run(*a):\n    raise KeyboardInterrupt\n") == "", "Ctrl-C")
    check(get("/data/fatal") is None, "is no fatal error")
    put("/boots", b"5")
    check(play(crash) == "", "in safe mode nothing resets: the REPL is left")
    put("/maint", b"2")
    t_us = b.chip.t_us
    check(play(crash) == "reset" and get("/maint") is None, "maintenance ends by itself")
    check(1_900_000 < b.chip.t_us - t_us < 2_500_000, "after its time")
    space = {"__name__": "__main__"}
    exec(MAIN, space)           # without boot.py: says so, runs nothing
    b.safe()
    print("main")


plain()
every_state()
errors()
power_cuts()
confirmations()
recovery()
main_py()
print("ok")
