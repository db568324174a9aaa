"""`slvg build`: the firmware of one board and its roles as the files that go onto it.

build() returns them in memory (flash copies from there), Built.write() puts them into a folder.
The same sources give the same bytes on every machine: no times, no paths, sorted lists. Only what
this board and these roles load is in it. Nothing is run; a board that the validator refuses is not
built (E201 to E219), and what cannot be built is said with E221 to E226.
"""
import ast
import hashlib
import json
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from host_sim import boards
from host_sim.fold import FoldError
from host_sim.modules import (
    FIRMWARE,
    CompileError,
    compiled,
    exists,
    in_order,
    lines_of,
    plain,
    source,
    umqtt,
)
from host_sim.scenario.complaints import InputError, choices

MARCH = {"rp2040": "armv6m", "esp32": "xtensawin"}
MICROPYTHON = "1.25"
MPY = 6                     # version of the .mpy files
ROLES = ("operator", "coordinator", "subcoordinator", "meter", "recloser", "microgrid")
# drivers that only the converter of this name needs; a DS18B20's only where an input is one
CHOSEN = {"rp2_adc": "adc_dma", "mcp3208_pio": "mcp3208_pio", "mcp3208_burst": "mcp3208_burst",
          "esp32_adc": "esp32_adc", "atm90e32": "atm90e32"}
# settings and pages that only a recloser needs, and what only they import
RECLOSER = ("acu.recloser_settings", "acu.sync_settings", "acu.protection_settings",
            "acu.functions.protection_table", "acu.functions.curves", "acu.console.syn",
            "acu.console.gates", "acu.console.bay", "acu.console.isl", "acu.app_recloser",
            "acu.islanding_settings", "acu.roles.islander", "acu.roles.separator",
            "acu.roles.separator_lead", "acu.roles.tie_recloser", "acu.roles.shed_recloser",
            "acu.reclosing_settings", "acu.roles.auto_recloser", "acu.console.rec")
# the same of a dispatching ACU
MICROGRID = ("acu.microgrid_settings", "acu.console.mg")
# and what a recloser never needs, where it is the only role
NOT_RECLOSER = ("acu.primitives.measuring", "acu.primitives.windows", "acu.metering",
                "acu.functions.calibrating", "acu.functions.wiring")
# packages that are one file each on a board (firmware/pack.py): folders of many small modules
PACKED = ("acu/console", "acu/drivers", "acu/primitives")
UMQTT = "umqtt/simple.mpy"  # not ours, beside acu/; without it a board has no network (E430)
# what stays loaded where there is a network
NET = ("mqtt_link", "stream", "tls", "wifi", "netwatch")
# the file system of a stock image: Pico W, ESP32 with 4 MB; both in blocks of 4 KiB
FLASH = {"rp2040": 848 * 1024, "esp32": 2 * 1024 * 1024}
BLOCK = 4096
INLINE = 512                # littlefs keeps a file of so many bytes in its folder's own blocks
LINE_BYTES = 19             # RAM of an imported source line (design, section 4)
RING_BYTES = 32 * 1024      # the DMA's, RP2040 only
TLS_BYTES = 20 * 1024       # record buffers of a link, RP2040 only; its handshake comes on top
HEAP = 160 * 1024
Files = dict[str, bytes]


@dataclass(frozen=True)
class Built:
    """slot: path -> bytes of one slot (/a or /b), manifest.json among them, sorted. modules: the
    same of all modules, those that a pack in the slot holds too. root: the same of the files at /,
    which are the same for all versions. resident: modules of the largest role after the start."""

    board: str
    mcu: str
    roles: tuple[str, ...]
    march: str
    version: str
    slot: Files
    modules: Files
    root: Files
    manifest: dict
    resident: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return sum(map(len, self.slot.values()))

    @cached_property
    def sha256(self) -> str:
        """Names the whole build: the manifest has the hash of every file of the slot."""
        return hashlib.sha256(self.slot["manifest.json"]).hexdigest()

    def flash_bytes(self) -> int:
        """What one slot takes on littlefs: whole blocks a file, two a folder."""
        folders = {path.rpartition("/")[0] for path in self.slot}
        blocks = sum(-(-len(data) // BLOCK) for data in self.slot.values() if len(data) > INLINE)
        return (blocks + 2 * len(folders)) * BLOCK

    def figures(self) -> dict:
        """For --json."""
        two = 2 * self.flash_bytes()
        lines = lines_of(self.resident)
        return {
            "board": self.board, "roles": list(self.roles), "version": self.version,
            "march": self.march, "files": len(self.slot), "bytes": self.bytes,
            "sha256": self.sha256, "network": UMQTT in self.slot,
            "mpy_bytes": sum(map(len, self.modules.values())),
            "flash": {"slot_bytes": self.flash_bytes(), "two_slots_bytes": two,
                      "of_bytes": FLASH[self.mcu], "left_bytes": FLASH[self.mcu] - two},
            "ram": {"lines": lines, "code_bytes": lines * LINE_BYTES, "heap_bytes": HEAP,
                    "ring_bytes": RING_BYTES if self.mcu == "rp2040" else 0,
                    "tls_link_bytes": TLS_BYTES if self.mcu == "rp2040" else 0},
        }

    def files(self) -> Files:
        """What write() writes, path below the folder -> bytes."""
        out = {**self.root, **{f"slot/{path}": data for path, data in self.slot.items()},
               **{f"modules/{path}": data for path, data in self.modules.items()}}
        out["package.json"] = _text(self._package())
        out["manifest.py"] = self._freezing().encode()
        return dict(sorted(out.items()))

    def write(self, out: Path) -> None:
        """Into this folder; what an earlier build left in its slot/ or modules/ goes."""
        files = self.files()
        for old in sorted([*(out / "slot").rglob("*"), *(out / "modules").rglob("*")],
                          reverse=True):
            if old.is_file() and old.relative_to(out).as_posix() not in files:
                old.unlink()
            elif old.is_dir() and not any(old.iterdir()):
                old.rmdir()
        for path, data in files.items():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
            (out / path).write_bytes(data)

    def _package(self) -> dict:
        """For `mpremote mip install --target / OUT/package.json` onto an empty board: slot a; the
        manifest comes last, since a slot without it is not whole."""
        last = "manifest.json"
        paths = [path for path in self.slot if path != last] + [last]
        return {"version": self.version,
                "urls": [[path, path] for path in sorted(self.root)]
                + [[f"a/{path}", f"slot/{path}"] for path in paths], "deps": []}

    def _freezing(self) -> str:
        lines = [f'"""{self.board} {self.version}, frozen by boards/{self.board}/manifest.py."""',
                 'package("acu", base_path="modules", files=(']
        lines += [f'    "{path.removeprefix("acu/")}",' for path in self.modules
                  if path.startswith("acu/")]
        more = ['package("umqtt", base_path="modules", files=("simple.mpy",))'] * (
            UMQTT in self.modules)
        return "\n".join([*lines, "))", *more, ""])


def build(board: str, roles: tuple[str, ...] = (), march: str = "") -> Built:
    """board: a name in boards/, or a folder with board.json and pins.py. roles: () is all that the
    board may run. march: "" is the board's own; "x86" for the virtual board and the VM."""
    folder = boards.folder_of(board)
    described, pins = boards.load(board)
    name = described["board"]
    given = tuple(described["roles"]) if not roles else roles
    roles = tuple(role for role in described["roles"] if role in given)
    strange = [role for role in given if role not in described["roles"]]
    if strange:
        raise InputError([f"E212 board {name} runs no {strange[0]}. It is for: "
                          f"{choices(described['roles'])}."])
    own = MARCH[described["mcu"]]
    if march not in ("", own, "x86"):
        raise InputError([f"E221 board {name}: --march {march} is not of its chip. Leave it out "
                          f"({own}), or give x86 for the virtual board."])
    march = march or own
    sources = {name_: source(name_) for name_ in _modules(roles, pins, march,
                                                         described["mcu"])}
    try:
        modules = {path.relative_to(FIRMWARE).with_suffix(".mpy").as_posix():
                compiled(path, FIRMWARE, march) for path in sources.values()}
        theirs = umqtt()
        if theirs:
            modules[UMQTT] = plain(theirs / "umqtt" / "simple.py", theirs, march)
        slot = packed(modules)
        slot["pack.mpy"] = compiled(FIRMWARE / "pack.py", FIRMWARE, march)
    except (CompileError, FoldError) as e:
        raise InputError([f"E222 build {name}: {e}. Mend the source."]) from e
    for file in ("board.json", "pins.py"):
        slot[file] = (folder / file).read_bytes()
    listed = {path: [len(data), hashlib.sha256(data).hexdigest()]
              for path, data in sorted(slot.items())}
    version = f"{_release()}+{hashlib.sha256(_text(listed)).hexdigest()[:8]}"
    manifest = {"board": name, "march": march, "mcu": described["mcu"],
                "micropython": MICROPYTHON, "mpy": MPY, "roles": list(roles),
                "version": version, "files": listed}
    slot["manifest.json"] = _manifest_text(manifest)
    root = {file: (FIRMWARE / file).read_bytes() for file in ("boot.py", "main.py")
            if (FIRMWARE / file).is_file()}
    resident = max((tuple(_resident(role, pins)) for role in roles), key=lines_of)
    return Built(name, described["mcu"], roles, march, version, dict(sorted(slot.items())),
                 dict(sorted(modules.items())), root, manifest, resident)


def packed(modules: Files) -> Files:
    """The same with one file for each folder of PACKED, in the form of firmware/pack.py."""
    out = {path: data for path, data in modules.items()
           if path.rpartition("/")[0] not in PACKED}
    for folder in PACKED:
        inside = {path.rpartition("/")[2].encode(): data
                  for path, data in sorted(modules.items())
                  if path.rpartition("/")[0] == folder}
        if not inside:
            continue
        at = 2 + sum(1 + len(name) + 8 for name in inside)
        head = struct.pack("<H", len(inside))
        for name, data in inside.items():
            head += struct.pack("B", len(name)) + name + struct.pack("<II", at, len(data))
            at += len(data)
        out[f"{folder}.pack"] = head + b"".join(inside.values())
    return out


def _others(pins: dict) -> list[str]:
    """Drivers that this board does without."""
    wanted = {CHOSEN[pins["CONVERTER"]["driver"]]}
    if any("ds18b20" in one for one in pins["INPUTS"]):
        wanted.add("ds18b20")
    return [f"acu.drivers.{one}" for one in {*CHOSEN.values(), "ds18b20"} - wanted]


def _roots(roles: tuple[str, ...], pins: dict) -> list[str]:
    """Where the imports begin; the parts that start and console load by name are named here."""
    consoles = sorted(path for path in (FIRMWARE / "acu" / "console").glob("*.py"))
    roots = [*(f"acu.roles.{role}" for role in roles), "acu.app", "acu.start", "acu.drivers.fit",
             f"acu.drivers.{CHOSEN[pins['CONVERTER']['driver']]}",
             *(f"acu.console.{path.stem}" for path in consoles if path.stem != "__init__")]
    return [root for root in roots if exists(root)]


def _modules(roles: tuple[str, ...], pins: dict, march: str, mcu: str) -> list[str]:
    """All that may be imported on this board."""
    without = [f"acu.roles.{role}" for role in ROLES if role not in roles]
    without += _others(pins)
    if "microgrid" not in roles:
        without += MICROGRID
    if "recloser" not in roles:
        without += RECLOSER
    elif len(roles) == 1:
        without += NOT_RECLOSER
    if march != "armv6m":
        without.append("acu.dsp.kernels_thumb")
    if mcu == "rp2040":
        without.append("acu.drivers.links")         # no room for a second one (E431)
    if "coordinator" not in roles:
        without.append("acu.drivers.ntp")           # the others have the time from it
    inherited = in_order([f"acu.roles.{role}" for role in roles])     # a role may build on another
    without = [module for module in without if module not in inherited]
    return in_order(_roots(roles, pins), True, without)


def _resident(role: str, pins: dict) -> list[str]:
    """What stays loaded after the start: imports at the top of modules, and the driver that
    fit.py picks."""
    roots = [f"acu.roles.{role}", "acu.app", "acu.start", "acu.console", "acu.drivers.doors",
             "acu.drivers.clock", "acu.drivers.flash_store", "acu.drivers.gpio",
             "acu.drivers.terminal", f"acu.drivers.{CHOSEN[pins['CONVERTER']['driver']]}",
             *(f"acu.drivers.{one}" for one in NET)]
    return in_order([root for root in roots if exists(root)], False, _others(pins))


def _release() -> str:
    """FW of the firmware."""
    tree = ast.parse((FIRMWARE / "acu" / "roles" / "base.py").read_text(encoding="utf-8"))
    return next(ast.literal_eval(node.value) for node in tree.body if isinstance(node, ast.Assign)
                and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "FW")


def _text(what) -> bytes:
    return (json.dumps(what, indent=1) + "\n").encode()


def _manifest_text(manifest: dict) -> bytes:
    """The head in the first line, which a board reads alone; then a line a file."""
    head = json.dumps({k: v for k, v in manifest.items() if k != "files"})
    lines = [f" {json.dumps(path)}: {json.dumps(entry)}"
             for path, entry in manifest["files"].items()]
    return (head[:-1] + ',\n"files": {\n' + ",\n".join(lines) + "\n}}\n").encode()
