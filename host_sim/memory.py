"""`slvg bench --memory`: what each role needs of a board's RAM, with drivers, start, console and
one link with TLS.

Each role is built for its board as .mpy (build.py, march x86) and started by the firmware's own
acu/start.py inside the 32-bit VM, on the model of an RP2040, in a heap of 160 KiB (vm/memory.py).
What the VM cannot show stands beside it: the DMA's ring and the record buffers of TLS links on
paper, the TLS context, which is in libc's heap there (on an RP2040 in MicroPython's), measured.

The chip's model has names of its own, and MicroPython keeps names for ever in tables that double
(9 KB at the 1261st). So tables are made before the firmware comes, and what the firmware's own
names take, counted in a VM without a model, is taken off.
"""
import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from acu.primitives import provisioned
from acu.primitives.recording import Record
from host_sim.bench import spec_of
from host_sim.board.doors import SimStore
from host_sim.build import HEAP, LINE_BYTES, RING_BYTES, TLS_BYTES, Built, build
from host_sim.modules import ROOT, in_order, lines_of, plain
from host_sim.net import certificates
from host_sim.scenario.complaints import InputError
from host_sim.vm.find import micropython

# row: the board whose drivers it is measured with, TLS links, role, settings besides those of the
# scenario. Records of samples are an option that a board with room may choose: 20 KB.
BOARDS: dict[str, tuple[str, int, str, dict]] = {
    "operator": ("pico_w_operator", 1, "operator", {}),
    "coordinator": ("pico_w_coordinator", 1, "coordinator", {}),
    "subcoordinator": ("pico_w_branch", 1, "subcoordinator", {}),
    "recloser": ("pico_w_recloser", 1, "recloser", {}),
    "recloser_79": ("pico_w_recloser", 1, "recloser", {"rc_shots": 2, "gr_51_do": "trip"}),
    "recloser_lead": ("pico_w_recloser", 1, "recloser", {
        "il_duty": "lead", "il_peers": ["rc1", "r2", "r3", "r4"], "il_gens": ["g1", "g2"],
        "il_g1_kw": 100, "il_g2_kw": 100}),
    "microgrid": ("pico_w_microgrid", 1, "microgrid", {"mg_policy": "table"}),
    "meter": ("pico_w_meter", 1, "meter", {"cap_n": 0, "wiring": "A"}),
    "meter_3ph": ("pico_w_meter3", 1, "meter", {"cap_n": 0})}
# Of the issue, for one link: 16 KiB beside the record buffers of TLS.
LEAST_FREE = 16 * 1024 + TLS_BYTES
_MORE = 64 * 1024           # given to a role that does not start, to say what it needs
_MODELS = 1024 * 1024       # room for the chip's model, taken away before the firmware starts


_NAME_BYTES = 7             # of a name in such a table: its place, hash and length
_FIRST_TABLE = 20
# of the console only its first module is loaded before somebody types; events when the log is
# read; tls_blame when a handshake has failed
_LATER = ("acu.console.", "acu.events", "acu.drivers.tls_blame", "acu.functions.captured",
          "acu.primitives.history")
# what a recloser's settings choose, each with all that only it imports
_CHOICES = {"il_duty": ("acu.islanding_settings", "acu.roles.islander", "acu.roles.separator",
                        "acu.roles.separator_lead", "acu.roles.tie_recloser",
                        "acu.roles.shed_recloser"),
            "rc_shots": ("acu.reclosing_settings", "acu.roles.auto_recloser")}
_COUNT_NAMES = """
import sys, micropython, os, vfs
class Hardware:
    def __getattr__(self, name):
        return 0 if name.upper() == name and name != "PIO" else self
    def __call__(self, *given, **named):
        return self
    def asm_pio(self, **how):
        return lambda program: program
for name in ("machine", "rp2", "onewire", "ds18x20", "network"):
    sys.modules[name] = Hardware()
here = vfs.VfsPosix(os.getcwd())
vfs.umount("/")
vfs.mount(here, "/")
sys.path[:] = [sys.argv[1]]
for name in sys.argv[2:]:
    __import__(name)
micropython.qstr_info()
"""


class MemoryFault(InputError):
    """A role does not start in that heap; the text is the VM's own."""

    def __init__(self, text: str):
        super().__init__([text])


def _run(words: list[str], heap: int, root: Path | None = None) -> str:
    """root: what the VM mounts as its `/`."""
    done = subprocess.run([micropython(), "-X", f"heapsize={heap}", *words], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=300, check=False, cwd=root)
    if done.returncode:
        raise MemoryFault(f"E226 memory: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def shim(folder: Path) -> None:
    """The chips' models for the VM."""
    for source in [ROOT / "host_sim" / "__init__.py", ROOT / "host_sim" / "vm" / "fake_broker.py",
                   *(ROOT / "host_sim" / "chips").glob("*.py")]:
        target = (folder / source.relative_to(ROOT)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(plain(source, ROOT, "x86"))


@cache
def _pair() -> tuple[bytes, bytes, bytes]:
    """Authority, a board's certificate, its key."""
    ca = certificates.authority("memory")
    mine = certificates.client(ca, "sc1-eu1")
    return ca.crt, mine.crt, mine.key


def _provision_net(store: SimStore, config: dict) -> None:
    """The records of slvg keys: where the broker is, certificates, keys of ours and of others."""
    at = {"host": "broker.example", "port": 8883, "name": "broker.example", "tls": True,
          "user": "sc1-" + config["id"], "password": "0123456789abcdef0123456789"}
    wifi = {"ssid": "post", "password": "0123456789", "country": "ES"}
    net = {"wifi": wifi, "lan": at, "man": at, "ntp": "pool.example", "t0_s": 1_790_000_000}
    Record(store, "keys.net").save(b"\x01" + json.dumps(net).encode())
    for name, data in zip(("keys.ca", "keys.crt", "keys.key"), _pair(), strict=True):
        store.write(name, data)
    others = [*config.get("members", ()), *config.get("branches", ())]
    body = b"".join(struct.pack("B", len(peer)) + peer.encode() + b"\x01" + bytes(32)
                    for peer in ("", "*", *others))
    Record(store, "keys").save(b"\x01" + body)


def tls_context_bytes(work: Path) -> int:
    """What mbedtls takes for one context with authority, certificate and key; measured."""
    for name, data in zip(("ca", "crt", "key"), _pair(), strict=True):
        (work / name).write_bytes(data)
    done = subprocess.run([micropython(), str(ROOT / "host_sim/vm/tls_memory.py"), "ca", "crt",
                           "key"], capture_output=True, text=True, check=False, cwd=work)
    used = [int(n) for n in re.findall(r"in use bytes *= *(\d+)", done.stderr)]
    if done.returncode or len(used) < 4:
        raise MemoryFault(f"E226 memory of TLS: {done.stdout[-500:]}{done.stderr[-1500:]}")
    return used[-1] - used[1]


def lay_out(root: Path, built: Built, config: dict, net: bool = False) -> None:
    """A board's file system: slot a, and these settings in data/; net: and a network."""
    for path, data in built.slot.items():
        (root / "a" / path).parent.mkdir(parents=True, exist_ok=True)
        (root / "a" / path).write_bytes(data)
    store = SimStore()
    wrong = provisioned.save(store, config)
    if wrong:
        raise MemoryFault(wrong)
    if net:
        _provision_net(store, config)
    shutil.rmtree(root / "data", ignore_errors=True)
    (root / "data").mkdir()
    for name, data in store.files.items():
        (root / "data" / name).write_bytes(data)


def _qstrs(out: str) -> list[tuple[int, int]]:
    """(names, bytes of their texts) at each report in the output of a VM."""
    return [(int(n), int(text)) for n, text in
            re.findall(r"n_qstr=(\d+), n_str_data_bytes=(\d+)", out)]


def own_names(root: Path, built: Built, config: dict) -> tuple[int, int]:
    """(bytes of the tables, of the texts) of the firmware's own names, without a chip's model, of
    what these settings load."""
    modules = [path.removesuffix(".mpy").replace("/", ".").removesuffix(".__init__")
               for path in built.modules]
    chosen = [name for key, names in _CHOICES.items() if key not in config for name in names]
    if len(chosen) == sum(map(len, _CHOICES.values())):
        chosen.append("acu.app_recloser")
    others = set(in_order(chosen, True))
    left_out = others - set(in_order(
        [name for name in modules if name.startswith("acu") and name not in others], True, chosen))
    file = root / "names.py"
    file.write_text(_COUNT_NAMES)
    loaded = [name for name in modules if name not in left_out and not name.startswith(_LATER)]
    (n, text), = _qstrs(_run([file.name, "/a", *loaded], 1 << 20, root))
    tables, size = 0, _FIRST_TABLE
    while tables < n:
        tables, size = tables + size, size * 2
    return tables * _NAME_BYTES, text


def role_in_vm(row: str, work: Path, heap: int = HEAP, detail: bool = False,
               net: bool = True) -> dict:
    """What vm/memory.py prints for one row, and its build. work: a folder with the models."""
    board, _, role, more = BOARDS[row]
    built = build(board, (role,), "x86")
    root = work / row
    config = {**spec_of(role)["config"], **more}
    lay_out(root, built, config, net)
    free = int(_run(["-c", "import gc; gc.collect(); print(gc.mem_free())"], heap))
    tables, texts = own_names(root, built, config)
    out = _run([str(ROOT / "host_sim/vm/memory.py"), str((work / "shim").resolve()),
                str(free - tables), *(["detail"] if detail else [])], heap + _MODELS, root)
    if detail:
        sys.stderr.write(out)
    told: dict = {"built": built}
    (_, before), (_, after) = _qstrs(out)[-2:]
    for line in out.splitlines():
        words = line.split()
        if len(words) == 2:
            told[words[0]] = int(words[1]) if words[1].isdigit() else words[1]
    told["heap_start"] += tables
    told["heap_free"] += told.get("pins", 0) - max(texts - (after - before), 0)
    if not told.get("ready") or net and not told.get("link"):
        raise MemoryFault(f"E226 {row}: its self-test did not pass, or it has no link: {out}")
    return told


def figures(roles: tuple[str, ...] = tuple(BOARDS)) -> dict:
    out: dict = {"heap_bytes": HEAP, "least_free_bytes": LEAST_FREE, "roles": {}}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shim(work / "shim")
        context = tls_context_bytes(work)
        for role in roles:
            board, links, on_board, _ = BOARDS[role]
            try:
                told = role_in_vm(role, work)
                free, short = told["heap_free"], 0
            except MemoryFault as e:
                if "MemoryError" not in str(e):
                    raise
                told = role_in_vm(role, work, HEAP + _MORE)      # how much is missing?
                free, short = 0, max(_MORE - told["heap_free"], 1)
            built = told["built"]
            on_chip = build(board, (on_board,))
            modules = {path.removesuffix(".mpy").replace("/", "."): len(data)
                       for path, data in on_chip.modules.items()}
            out["roles"][role] = {
                "board": built.board, "heap_start": told["heap_start"],
                "heap_free_after_start": free, "enough": free >= LEAST_FREE,
                "short_bytes": short,
                "mpy_bytes": sum(modules.values()), "modules": len(modules),
                "lines": lines_of(built.resident),
                "lines_at_19_bytes": lines_of(built.resident) * LINE_BYTES,
                "mpy_bytes_by_module": dict(sorted(modules.items(), key=lambda one: -one[1])),
                "on_paper": {"dma_ring": RING_BYTES, "tls_links": links,
                             "tls_bytes": links * TLS_BYTES, "tls_context_bytes": context,
                             "left_bytes": free - links * (TLS_BYTES + context)}}
    return out
