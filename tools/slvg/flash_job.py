"""One flash of a board, step by step (docs/flashing.md): nothing of the running version is touched
until the new one is on the board, whole and verified; the last write decides.

job = Job(link, built, ...); job.look() reads the board, job.plan() says what would be done,
job.copy() and job.commit() do it, job.wait() watches the new version become good. Each step can be
repeated: a flash that was cut short goes on where it stopped.
"""
import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mpremote.transport import TransportExecError

from host_sim.build import Built
from slvg.flash_code import LOOK, PROVISION, TOOLS
from slvg.flash_link import Broken, FlashError, Link

BLOCK = 4096
_INLINE = 512
STORE = "/data"             # the board's records
_MARGIN = 6 * BLOCK         # littlefs' own: folders, one file twice while it is replaced
_PIECE = 1536
_GOOD_S = 240.0             # three trials of 60 s and their starts
_CHIPS = {"rp2": "rp2040", "rp2040": "rp2040", "esp32": "esp32"}
_ARCH = {"armv6m": 3, "xtensawin": 10, "x86": 1}
REFUSED_NOTE = "Nothing was written."


@dataclass
class Seen:
    """What is on the board."""

    chip: str = ""
    virtual: bool = False
    arch: int = 0
    version: tuple = ()
    unique: str = ""
    machine: str = ""
    block: int = BLOCK
    blocks: int = 0
    free: int = 0
    good: str = ""          # slot that runs, "" on a stock board
    trial: str = ""
    manifests: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)       # path -> (size, sha256)
    folders: list = field(default_factory=list)

    def whole(self, slot: str) -> bool:
        return all(f"/{slot}/{name}" in self.files for name in ("manifest.json", "board.json",
                                                                "pins.py"))


class Job:
    """progress(done bytes, of bytes, file). settings: None leaves what is on the board. records:
    of its store, by name; the others stay."""

    def __init__(self, link: Link, built: Built, settings: dict | None = None,
                 progress: Callable[[int, int, str], None] = lambda done, of, what: None,
                 maint_s: int = 120, records: dict[str, bytes] | None = None):
        self.link = link
        self.built = built
        self.settings = settings
        self.records = {f"{STORE}/{name}": data for name, data in (records or {}).items()}
        self.progress = progress
        self.maint_s = maint_s      # so long a power-up waits for the cable
        self.seen = Seen()
        self.slot = "a"
        self.copied: list[str] = []
        self.kept = 0
        self.utc = ""

    # -- looking

    def enter(self, password: str) -> str:
        """To a REPL with nothing else running. Returns what was there: "repl" or "console"."""
        # a Ctrl-C would end a unit that is starting, and leave its watchdog behind: knock first
        there = self.link.knock() or self.link.knock() or self.link.knock() or self.link.who()
        if not there:
            raise FlashError(f"E250 board {self.link.device}: nothing answers there, neither a "
                             "REPL nor a console, for 12 s. Is it the right port? Unplug the "
                             "board, plug it in and try again.")
        if there == "console":
            self.link.maintenance(password)
        self.link.repl(fresh=False)
        return there

    def look(self) -> Seen:
        # boot.py must neither count this as a start nor try a candidate
        self.link.run(f'f = open("/maint", "wb"); f.write(b"{self.maint_s}"); f.close()',
                      "it was prepared")
        self.link.repl(fresh=True)
        self.link.run(TOOLS, "it was looked at")
        text = self.link.run(LOOK, "its files were read", 60.0)
        self.seen = self._read(text)
        good = self.seen.good
        self.slot = "b" if good == "a" else "a"
        return self.seen

    @staticmethod
    def _read(text: str) -> Seen:
        import ast
        lines = text.splitlines()
        try:
            chip, virtual, mpy, arch, version, unique, machine = ast.literal_eval(lines[0])
            block, blocks, free = ast.literal_eval(lines[1])
            slot, trial = ast.literal_eval(lines[2])
        except (ValueError, IndexError, SyntaxError) as e:
            raise Broken("what the board says about itself is cut short") from e
        seen = Seen(_CHIPS.get(chip, chip), virtual, arch, version, unique, machine, block, blocks,
                    free, "", trial[:1].decode("ascii", "replace"))
        for line in lines[3:]:
            kind, _, rest = line.partition(" ")
            if kind == "M":
                with contextlib.suppress(ValueError):
                    head = rest[2:].rstrip(",")
                    seen.manifests[rest[0]] = json.loads(head + ("" if head[-1:] == "}" else "}"))
            elif kind == "F":
                path, size, digest = rest.rsplit(" ", 2)
                seen.files[path] = (int(size), digest)
            elif kind == "D":
                seen.folders.append(rest)
        for one in (slot.decode("ascii", "replace"), "a", "b"):
            if one in ("a", "b") and seen.whole(one):
                seen.good = one
                break
        return seen

    def judge(self) -> None:
        """Refuses what is not this board. Nothing has been written then."""
        seen, built = self.seen, self.built
        if seen.chip != built.mcu:
            raise FlashError(f"E251 chip: this is {seen.machine} ({seen.chip}), board "
                             f"{built.board} has an {built.mcu}. {REFUSED_NOTE} Plug in the "
                             "right board, or build for this one.")
        if seen.arch and seen.arch != _ARCH[built.march]:
            raise FlashError(f"E252 chip: the image on {seen.machine} does not run code for "
                             f"{built.march}. {REFUSED_NOTE} Use the MicroPython image for "
                             f"{built.mcu} that docs/quickstart.md names.")
        # before 1.26 an RP2040 has no hard timers
        least = (1, 26, 0) if seen.chip == "rp2040" and not seen.virtual else (1, 25, 0)
        if seen.version < least:
            raise FlashError(f"E253 MicroPython {'.'.join(map(str, seen.version))}: "
                             f"{'.'.join(map(str, least))} is the least. {REFUSED_NOTE} Put a "
                             "newer image on the board (docs/quickstart.md).")
        there = seen.manifests.get(seen.good, {}).get("board")
        if there and there != built.board:
            raise FlashError(f"E254 board: {seen.unique} is a {there}, not a {built.board}. "
                             f"{REFUSED_NOTE} Give --board {there}; a board that has changed its "
                             "use is erased first (docs/flashing.md).")
        # littlefs counts each folder twice: what it calls free may even be negative
        need, have = self.need(), (seen.free + 2 * len(seen.folders)) * seen.block
        if need > have:
            raise FlashError(f"E255 flash: {need // 1024} KiB are needed, {have // 1024} KiB are "
                             f"free. {REFUSED_NOTE} Remove files of your own, or old records: "
                             "mpremote fs rm, slvg flash --role for fewer roles.")

    # -- what is to be done

    def differing(self) -> list[str]:
        """Files of the slot that are not on the board yet; the manifest last."""
        files = self.seen.files
        wrong = [path for path, data in self.built.slot.items()
                 if files.get(f"/{self.slot}/{path}", (0, ""))[1] != _sha(data)]
        return sorted(wrong, key=lambda path: (path == "manifest.json", path))

    def stale(self) -> list[str]:
        """Files in the slot that the build does not have: an old x.py would beat a new x.mpy."""
        mine = {f"/{self.slot}/{path}" for path in self.built.slot}
        return [path for path in self.seen.files
                if path.startswith(f"/{self.slot}/") and path not in mine]

    def root(self) -> list[str]:
        return [path for path, data in self.built.root.items()
                if self.seen.files.get("/" + path, (0, ""))[1] != _sha(data)]

    def need(self) -> int:
        """Bytes of flash that must be free."""
        new = sum(_blocks(len(self.built.slot[path])) for path in self.differing())
        new += sum(_blocks(len(self.built.root[path])) for path in self.root())
        new += sum(_blocks(len(data)) for data in self.records.values())    # beside the old one
        gone = [f"/{self.slot}/{path}" for path in self.differing()] + self.stale()
        old = sum(_blocks(self.seen.files[path][0]) for path in gone if path in self.seen.files)
        folders = {path.rpartition("/")[0] for path in self.built.slot}
        new += 2 * sum(f"/{self.slot}/{one}".rstrip("/") not in self.seen.folders
                       for one in folders)
        return max(0, new - old) * BLOCK + (_MARGIN if new else 0)

    def plan(self) -> dict:
        todo = self.differing()
        return {"board": self.built.board, "board_id": self.seen.unique, "slot": self.slot,
                "version": self.built.version,
                "running": self.seen.manifests.get(self.seen.good, {}).get("version", ""),
                "copy": todo + [f"/{path}" for path in self.root()],
                "copy_bytes": sum(len(self.built.slot[path]) for path in todo),
                "keep": len(self.built.slot) - len(todo), "remove": self.stale(),
                "settings": self.settings is not None, "records": sorted(self.records)}

    # -- doing it

    def copy(self) -> None:
        """The slot that does not run, verified file by file."""
        slot, run = self.slot, self.link.run
        todo, stale = self.differing(), self.stale()
        self.kept = len(self.built.slot) - len(todo)
        of = sum(len(self.built.slot[path]) for path in todo) or 1
        done = 0
        if todo or stale:
            # from now on the slot is not whole, and no trial of it is under way
            run(f'rm("/try"); rm("/{slot}/manifest.json")', "the slot was opened")
            if "manifest.json" not in todo:
                todo.append("manifest.json")
        for path in stale:
            run(f"rm({path!r})", "an old file was removed")
        for folder in self._folders():
            run(f"try:\n os.mkdir({folder!r})\nexcept OSError:\n pass", "a folder was made")
        for path in todo:
            data = self.built.slot[path]
            self.progress(done, of, path)
            self._send(f"/{slot}/{path}", data, path == "manifest.json")
            self.copied.append(f"/{slot}/{path}")
            done += len(data)
        for path in self.root():
            self._send("/" + path, self.built.root[path], True)
            self.copied.append("/" + path)
        self.progress(of, of, "")

    def _folders(self) -> list[str]:
        folders = {f"/{self.slot}"}
        for path in self.built.slot:
            parts = path.split("/")[:-1]
            folders |= {f"/{self.slot}/" + "/".join(parts[:n + 1]) for n in range(len(parts))}
        return sorted(folders - set(self.seen.folders))

    def _send(self, path: str, data: bytes, rename: bool) -> None:
        """rename: the file is as it was or as it is to be, whenever the power goes."""
        target = path + ".new" if rename else path
        try:
            self.link.run(f'o = open({target!r}, "wb")', f"{path} was opened")
            for at in range(0, len(data), _PIECE):
                text = base64.b64encode(data[at:at + _PIECE]).decode()
                self.link.run(f'_ = o.write(binascii.a2b_base64("{text}"))', f"{path} was copied")
            said = self.link.run(f"o.close()\nprint(h({target!r}))", f"{path} was verified")
            if said.strip() != _sha(data):
                raise FlashError(f"E256 {path}: reads back differently (SHA-256). Flash again; "
                                 "if it fails at the same file, the board's flash is worn out.")
            if rename:
                self.link.run(f"os.rename({target!r}, {path!r})", f"{path} was put in its place")
        except TransportExecError as e:
            if "ENOSPC" in e.error_output or "Errno 28" in e.error_output:
                raise FlashError(f"E255 flash: full at {path}. The old firmware is untouched. "
                                 "Remove files of your own, then flash again.") from e
            raise FlashError(f"E257 {path}: the board cannot write it ({_last(e)}). Flash again; "
                             "erase the board if it stays so (docs/flashing.md).") from e

    def verify(self) -> None:
        """Every file of the slot once more, as a whole."""
        text = self.link.run(f'w("/{self.slot}")', "the slot was verified", 60.0)
        there = {}
        for line in text.splitlines():
            if line.startswith("F "):
                path, _, digest = line[2:].rsplit(" ", 2)
                there[path] = digest
        want = {f"/{self.slot}/{path}": _sha(data) for path, data in self.built.slot.items()}
        wrong = sorted(path for path in want.keys() | there.keys()
                       if want.get(path) != there.get(path))
        if wrong:
            raise FlashError(f"E256 {wrong[0]}: is not as it was sent ({len(wrong)} files). "
                             "Flash again.")

    def provision(self) -> None:
        """Settings and records: the new version's, that the old one lives with."""
        if self.records:
            self.link.run(f"try:\n os.mkdir({STORE!r})\nexcept OSError:\n pass",
                          "a folder was made")
        for path, data in self.records.items():
            self._send(path, data, True)
        if self.settings is None:
            return
        text = json.dumps(self.settings)
        try:
            said = self.link.run(PROVISION % (self.slot, text), "settings were stored")
        except TransportExecError as e:
            raise FlashError(f"E258 settings: the board cannot store them ({_last(e)}). The old "
                             "firmware is untouched. Flash again.") from e
        if said.strip() not in ("''", '""'):
            raise FlashError(f"E258 settings: {said.strip()}")

    def commit(self) -> None:
        """The last writes: clock, candidate, no more maintenance; then it restarts. Softly, for
        only so does the RP2040's clock go on."""
        now = time.gmtime()
        self.utc = time.strftime("%Y-%m-%dT%H:%M:%SZ", now)
        date = (now.tm_year, now.tm_mon, now.tm_mday, now.tm_wday, now.tm_hour, now.tm_min,
                now.tm_sec, 0)
        self.link.run(f"import machine; machine.RTC().datetime({date!r})", "its clock was set")
        again = self.seen.good == self.slot
        self.link.run(f'put("/try", b"{self.slot}3")\nrm("/boots")\nrm("/maint")' if not again else
                      'rm("/boots")\nrm("/maint")', "it was committed")
        self.link.soft_reset()

    def release(self) -> None:
        """Nothing was changed: the board goes on as before."""
        self.link.run('try:\n import os\n os.remove("/maint")\nexcept OSError:\n pass',
                      "it was let go")
        self.link.hard_reset()

    # -- afterwards

    def wait(self, wait_s: float = _GOOD_S) -> dict:
        """Until the unit says that it is good, by its console. {} if it never does."""
        until_s = time.monotonic() + wait_s
        told: dict[str, str] = {}
        while time.monotonic() < until_s:
            there = self.link.knock()
            if there == "repl":
                return {"MODE": "repl"}
            if there == "console":
                told = self.link.twin("CVER") or told
                if (told.get("VERSION") not in (None, self.built.version)     # it fell back
                        or told.get("GOOD") == "1" or told.get("MODE") == "safe"):
                    break
            time.sleep(0.3)
        return told


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _blocks(size: int) -> int:
    return -(-size // BLOCK) if size > _INLINE else 0


def _last(e: TransportExecError) -> str:
    return (e.error_output.strip().splitlines() or ["?"])[-1]
