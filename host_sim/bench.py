"""The figures of `slvg bench`: heap, allocation, time and instruction counts of the firmware.

Nothing here judges; limits stand in the tests that call it and in docs/measurements.md. What runs
in the VM runs as .mpy, as on a board; static counts come from the armv6m code that a Pico would
execute.
"""
import ast
import io
import json
import subprocess
import tempfile
import tokenize
from pathlib import Path

from acu.protection_settings import ELEMENTS, INVERSE
from host_sim.modules import ROOT, compiled, exists, lines_of, modules_of
from host_sim.modules import source as source_of
from host_sim.scenario import microgrid_plan
from host_sim.scenario.load import load
from host_sim.scenario.reading import load_board
from host_sim.vm.find import micropython

ROLES = ("coordinator", "operator", "meter", "recloser", "microgrid")
ALL_ROLES = (*ROLES, "subcoordinator")
HEAP = "160K"
# Of a recloser, whose measuring reads the samples themselves; its tables are made before its role
# is loaded, which is the other way round in vm/measure.py.
HEAP_AND_RING = "256K"
MORE = 96 * 1024
# with every element of the grid's group, which costs most; the model's ring has 48.8 Hz
RECLOSER = {"id": "rc1", "role": "recloser", "sc": "sc1", "uc": "uc1",
            "gr_81ua_mhz": 47_000, "gr_81ub_mhz": 48_000,
            **{f"gr_{name}_do": "trip" for name in ELEMENTS},
            "gr_32_do": "alarm",
            **{f"gr_{name}_curve": "iec_ni" for name in INVERSE}}
# What a board's start leaves in memory besides the role, and what it loads and forgets again.
DRIVERS = ("acu.drivers.clock", "acu.drivers.flash_store", "acu.drivers.gpio",
           "acu.drivers.terminal", "acu.drivers.doors", "acu.start", "acu.console")
CONVERTER = {"meter": "acu.drivers.adc_dma"}      # the others' is the greatest one
FORGOTTEN = ("acu.drivers.fit", "acu.drivers.rtc", "acu.drivers.wiring", "acu.drivers.slots",
             "acu.drivers.selftest", "acu.drivers.mcp_code")
# of a statement on a Cortex-M0+ under MicroPython with the lookups and calls in it, in the mean of
# whole fast ticks on an emulated chip (tests/emulator); a bare one takes 600 (design, section 4)
STATEMENT_CYCLES = 1600
VIPER_CALL_CYCLES = 1600     # of entering a viper function with some arguments: 650 to 2,560
FRAMES, PAIRS = 20, 3        # of one tick at 4 kS/s


def compile_to(folder: Path, march: str, sources: list[Path], base: Path):
    """Each source, its constants folded (fold.py), as .mpy under folder, at the same path below
    base."""
    for source in sources:
        target = (folder / source.relative_to(base)).with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(compiled(source, base, march))


def drivers_of(role: str) -> list[str]:
    """Modules that stay in a board's memory besides those of the role."""
    names = [*DRIVERS, CONVERTER.get(role, "acu.drivers.mcp3208_pio")]
    return [name for name in names if exists(name)]


def code_lines_of(modules: list[str]) -> int:
    """Lines of code alone: comments, docstrings and empty lines cost no memory."""
    return sum(_code_lines(source_of(module).read_text()) for module in modules)


def _code_lines(text: str) -> int:
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        if (isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef))
                and ast.get_docstring(node) is not None):
            first = node.body[0]
            lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return len(lines)


def firmware_files() -> list[Path]:
    """Sources of the firmware but the hand-assembled ones, which no VM can load."""
    return sorted(path for path in (ROOT / "firmware").rglob("*.py")
                  if not path.stem.endswith("_thumb"))


def _board_files() -> list[Path]:
    names = ("__init__.py", "board/__init__.py", "board/doors.py", "board/unit.py")
    return [ROOT / "host_sim" / name for name in names]


def spec_of(role: str) -> dict:
    """The first controller of this role in the scenario that has one: id, board, settings."""
    if role == "recloser":
        return {"id": "rc1", "board": load_board(ROOT / "boards/pico_w_recloser/board.json"),
                "config": RECLOSER, "utc0_ms": 1_772_345_000_000}
    if role == "microgrid":
        plan = microgrid_plan.read("microgrid")
        return {"id": plan.id, "board": plan.board, "config": plan.config,
                "utc0_ms": plan.start_utc_ms}
    scenario = load({"meter": "meter", "subcoordinator": "branch"}.get(role, "assay"))
    acu = next(a for a in scenario.acus if a.role == role)
    return {"id": acu.id, "board": acu.board, "config": acu.config,
            "utc0_ms": scenario.start_utc_ms}


class Bench:
    """Compiles once, then measures roles in VMs of their own."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory()
        self.path = Path(self._folder.name)
        compile_to(self.path, "x86", firmware_files(), ROOT / "firmware")
        compile_to(self.path, "x86", _board_files(), ROOT)

    def close(self):
        self._folder.cleanup()

    def _measure(self, role: str, level: str, what: str, *more, heap=HEAP) -> dict:
        spec = {**spec_of(role), "level": level, "modules": modules_of(role),
                "drivers": drivers_of(role), "forgotten": FORGOTTEN}
        if what == "heap":      # captures, off by default, take 4 KB of code and 20 KB of samples
            spec["config"] = {**spec["config"], "cap_n": 0} if role == "meter" else spec["config"]
        file = self.path / f"{role}.json"
        file.write_text(json.dumps(spec))
        done = subprocess.run(
            [micropython(), "-X", f"heapsize={heap}", str(ROOT / "host_sim/vm/measure.py"),
             str(self.path), str(file), what, *map(str, more)],
            capture_output=True, text=True, timeout=300, check=False)
        if done.returncode:
            raise RuntimeError(f"{role} {what}: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        out: dict = {"modules": {}}
        for line in done.stdout.splitlines():
            words = line.split()
            if words[0] == "module":
                out["modules"][words[1]] = int(words[2])
            else:
                out[words[0]] = int(words[1])
        return out

    def heap(self, role: str) -> dict:
        """Bytes free after start in a heap of HEAP, bytes by module; without the sample ring.
        board_free: with a board's drivers, start and console in place of the simulator's doors;
        their objects count as much as those of the doors."""
        if role == "recloser":
            out = self._measure(role, "wave", "heap", heap=HEAP_AND_RING)
            out["heap_start"] -= MORE
            out["heap_free"] -= MORE - 32 * 1024        # the ring
        else:
            out = self._measure(role, "quantity", "heap")
        out["board_free"] = out["heap_free"] + out["doors"] - out["board"]
        return out

    def growth(self, role: str, windows: int) -> int:
        """Bytes that `windows` windows of 200 ms leave behind."""
        level = "wave" if role == "recloser" else "quantity"
        return self._measure(role, level, "growth", windows, heap="2M")["growth"]

    def tick(self, role: str) -> dict:
        """Bytes that 400 fast ticks allocate with the heap locked, ns of one tick in the VM."""
        return self._measure(role, "wave", "tick", heap="2M")


def figures() -> dict:
    """All of them."""
    from host_sim import bench_policy
    from host_sim.thumb import asm_cycles_per_pair, cycles_per_pair
    from host_sim.tick_count import statements_per_tick

    with tempfile.TemporaryDirectory() as folder:
        kernels = ROOT / "firmware/acu/dsp/kernels.py"
        by_hand = kernels.with_name("kernels_thumb.py")
        compile_to(Path(folder), "armv6m", [kernels, by_hand], ROOT / "firmware")
        dsp = Path(folder) / "acu/dsp"
        cycles = cycles_per_pair(dsp / "kernels.mpy", kernels)
        asm = asm_cycles_per_pair(dsp / "kernels_thumb.mpy", by_hand)
    # an RP2040 runs the hand-assembled one, behind one more call
    kernel_cycles = FRAMES * PAIRS * sum(asm.values()) + VIPER_CALL_CYCLES
    bench = Bench()
    try:
        out: dict = {"roles": {}}
        for role in ROLES:
            heap = bench.heap(role)
            tick = bench.tick(role)
            plain = statements_per_tick(role)
            out["roles"][role] = {
                "heap_start": heap["heap_start"], "heap_free": heap["heap_free"],
                "lines": lines_of(modules_of(role)), "module_bytes": heap["modules"],
                "fast_tick_us_vm": tick["tick_ns"] / 1000, "fast_tier_alloc_bytes": tick["alloc"],
                **plain}
            if role != "recloser":      # most of its tick is in other kernels: see tests/emulator
                out["roles"][role]["fast_tick_us_rp2040_estimate"] = round(
                    (plain["statements"] * STATEMENT_CYCLES
                     + plain["viper_calls"] * VIPER_CALL_CYCLES + kernel_cycles) / 125)
        roles = out["roles"]
        out["vm_heap_free_coordinator"] = roles["coordinator"]["heap_free"]
        out["fast_tier_alloc_bytes"] = max(r["fast_tier_alloc_bytes"] for r in roles.values())
        out["fast_tick_us_vm"] = {role: roles[role]["fast_tick_us_vm"] for role in ROLES}
        out["fast_tick_instructions"] = {role: roles[role]["bytecodes"] for role in ROLES}
    finally:
        bench.close()
    out["dispatch_step"] = bench_policy.figures()
    out["viper_cycles_per_pair"] = cycles["sums"]
    out["viper_cycles_per_pair_correlation"] = cycles["correlation"]
    out["asm_cycles_per_pair"] = asm["sums"]
    out["asm_cycles_per_pair_correlation"] = asm["correlation"]
    return out
