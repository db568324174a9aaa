"""Constants folded over the borders of modules, before the firmware is compiled for a board.

MicroPython's const() folds a number into the code of its own module only: elsewhere `ev.OPENED` is
a global, an attribute, a dictionary entry and a name in RAM, some 40 bytes a constant and 13 us a
use in the fast tier. Here each use of a whole-number const() of another module of acu becomes the
number itself, its import and its definition go; what they leave is empty, so lines keep their
numbers in a traceback. The names of arguments are kept in RAM too: those that no call uses as a
keyword become _0, _1, .. in each function, a hundred names less a role (and the 1261st costs 9 KB
at once). Nothing else changes: the same source runs unfolded on CPython and in the VM's tests.
Called by bench.compile_to(), with which all .mpy files are made.
"""
import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from host_sim.short_names import attributes, module_names, nodes, short_of

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
Given = Callable[[str], dict[str, int] | None]


class FoldError(Exception):
    """A name that is a constant here is something else there."""


def constants(source: str) -> dict[str, int]:
    """Whole numbers that a module declares at its top as NAME = const(expression)."""
    known: dict[str, int] = {}
    for node in ast.parse(source).body:
        name = _defined(node)
        if name and isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            code = compile(ast.Expression(node.value.args[0]), "const", "eval")
            try:
                value = eval(code, {"__builtins__": {}}, dict(known))
            except NameError:           # made of something that is no constant
                continue
            if type(value) is int:
                known[name] = value
    return known


def _defined(node: ast.stmt) -> str:
    """The name, if this is NAME = const(...)."""
    if (isinstance(node, ast.Assign) and len(node.targets) == 1
            and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
            and isinstance(node.value.func, ast.Name) and node.value.func.id == "const"):
        return node.targets[0].id
    return ""


class _Place(NamedTuple):
    """A piece of a source: lines from 1, columns in bytes from 0."""

    line: int
    column: int
    end_line: int
    end_column: int

    def within(self, outer: "_Place") -> bool:
        return ((outer.line, outer.column) <= (self.line, self.column)
                and (self.end_line, self.end_column) <= (outer.end_line, outer.end_column))


def _place(node: ast.stmt | ast.expr | ast.arg) -> _Place:
    return _Place(node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


class _Folder:
    """One module's folding. given: module name -> its constants; short: attribute -> name;
    elsewhere: what other modules may name of this one, None: anything."""

    def __init__(self, source: str, module: str, given: Given, short: dict[str, str],
                 elsewhere: set[str] | None = None):
        self.tree = ast.parse(source)
        self.nodes = nodes(self.tree)
        self.lines = source.splitlines(keepends=True)
        # a plain name -> its number; mpy-cross itself does what is private
        self.names = {name: value for name, value in (given(module) or {}).items()
                      if name[0] != "_"}
        self.aliases: dict[str, dict[str, int]] = {}   # a module's name here -> its constants
        self.kept: set[str] = set()                    # aliases used for more than constants
        self.edits: list[tuple[_Place, str]] = []
        self._find_imports(given)
        self._numbers()
        self._drop_imports()
        self._drop_definitions()
        self._attributes(short)
        if elsewhere is not None:
            self._top(module_names(self.tree, elsewhere))
        for node in self.tree.body:
            for one in node.body if isinstance(node, ast.ClassDef) else [node]:
                if isinstance(one, ast.FunctionDef) and not one.decorator_list:
                    self._arguments(one)

    def _find_imports(self, given: Given) -> None:
        for node in self.nodes:
            if not isinstance(node, ast.ImportFrom) or (node.module or "").split(".")[0] != "acu":
                continue
            here = given(str(node.module)) or {}
            for one in node.names:
                if one.name in here:
                    self.names[one.asname or one.name] = here[one.name]
                else:
                    inner = given(f"{node.module}.{one.name}")
                    if inner:
                        self.aliases[one.asname or one.name] = inner

    def _numbers(self) -> None:
        """In place of the names that are read."""
        inside = set()
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                table = self.aliases.get(node.value.id, {})
                if node.attr in table:
                    if not isinstance(node.ctx, ast.Load):
                        raise FoldError(f"{node.value.id}.{node.attr} is assigned to")
                    self.edits.append((_place(node), _number(table[node.attr])))
                    inside.add(node.value)
        for node in self.nodes:
            if isinstance(node, ast.Name) and node not in inside:
                if node.id in self.aliases:
                    self.kept.add(node.id)
                if node.id in self.names and isinstance(node.ctx, ast.Load):
                    self.edits.append((_place(node), _number(self.names[node.id])))
            elif isinstance(node, (ast.arg, ast.Global)):
                for name in [node.arg] if isinstance(node, ast.arg) else node.names:
                    if name in self.names:
                        raise FoldError(f"{name} is an argument or a global")

    def _drop_imports(self) -> None:
        for parent in self.nodes:
            for field in ("body", "orelse", "finalbody"):
                body = getattr(parent, field, None)
                if not isinstance(body, list):      # of an expression
                    continue
                for node in body:
                    if isinstance(node, ast.ImportFrom):
                        self._drop_import(node, alone=len(body) == 1)

    def _drop_import(self, node: ast.ImportFrom, alone: bool) -> None:
        left = []
        for one in node.names:
            name = one.asname or one.name
            if name not in self.names and (name not in self.aliases or name in self.kept):
                left.append(one.name + (f" as {one.asname}" if one.asname else ""))
        if len(left) < len(node.names):
            text = f"from {node.module} import {', '.join(left)}" if left else ""
            self.edits.append((_place(node), text or ("pass" if alone else "")))

    def _drop_definitions(self) -> None:
        own = []
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and _defined(node) in self.names:
                place = _place(node)
                self.edits = [edit for edit in self.edits if not edit[0].within(place)]
                self.edits.append((place, ""))
                own.append(node.targets[0])
        for one in self.nodes:
            if (isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store)
                    and one.id in self.names and one not in own):
                raise FoldError(f"line {one.lineno}: {one.id} is a constant elsewhere")

    def _attributes(self, short: dict[str, str]) -> None:
        for node in self.nodes:
            if isinstance(node, ast.Attribute) and node.attr in short:
                end, column = node.end_lineno or 0, node.end_col_offset or 0
                place = _Place(end, column - len(node.attr), end, column)
                self.edits.append((place, short[node.attr]))
            elif isinstance(node, ast.ClassDef):
                for one in node.body:
                    if isinstance(one, ast.FunctionDef) and one.name in short:
                        self._define(one, "def ", short[one.name])

    def _define(self, node: ast.FunctionDef | ast.ClassDef, word: str, short: str) -> None:
        column = node.col_offset + len(word)
        place = _Place(node.lineno, column, node.lineno, column + len(node.name))
        self.edits.append((place, short))

    def _top(self, short: dict[str, str]) -> None:
        for node in self.nodes:
            if isinstance(node, ast.Name) and node.id in short:
                self.edits.append((_place(node), short[node.id]))
        for one in self.tree.body:
            if isinstance(one, (ast.FunctionDef, ast.ClassDef)) and one.name in short:
                self._define(one, "class " if isinstance(one, ast.ClassDef) else "def ",
                             short[one.name])

    def _arguments(self, function: ast.FunctionDef) -> None:
        """Short names for those that nobody calls by their own. A name that something inside the
        function binds again is left as it is."""
        inside = [node for one in function.body for node in nodes(one)]
        bound: set[str] = set()
        for node in inside:
            if isinstance(node, ast.arg):
                bound.add(node.arg)
            elif isinstance(node, ast.comprehension):
                bound |= {one.id for one in nodes(node.target) if isinstance(one, ast.Name)}
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                bound |= set(node.names)
            elif isinstance(node, ast.alias):
                bound.add(node.asname or node.name)
            elif isinstance(node, (ast.ExceptHandler, ast.FunctionDef, ast.ClassDef)):
                bound.add(node.name or "")
        for k, arg in enumerate(function.args.args):
            if arg.arg == "self" or arg.arg in bound or arg.arg in keywords():
                continue
            self.edits.append((_place(arg), f"_{k}"))
            self.edits += [(_place(node), f"_{k}") for node in inside
                           if isinstance(node, ast.Name) and node.id == arg.arg]

    def text(self) -> str:
        lines = list(self.lines)
        for place, text in sorted(self.edits, reverse=True):
            first, last = place.line - 1, place.end_line - 1
            head = lines[first].encode()[:place.column].decode()
            tail = lines[last].encode()[place.end_column:].decode()
            lines[first:last + 1] = [head + text + "\n" * (last - first) + tail]
            if last > first:        # as many lines as before
                lines[first:first + 1] = lines[first].splitlines(keepends=True)
        return "".join(lines)


def _number(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


class _Whole(NamedTuple):
    """What the folding of one file needs to know of all."""

    keywords: frozenset[str]
    short: dict[str, str]
    elsewhere: set[str]


@cache
def _whole() -> _Whole:
    """Of the firmware, and the doors of the simulator that are compiled with it: each is read
    once."""
    paths = sorted([*FIRMWARE.rglob("*.py"), *(FIRMWARE.parent / "host_sim/board").glob("*.py")])
    sources = [nodes(ast.parse(path.read_text())) for path in paths]
    called = {node.arg for source in sources for node in source
              if isinstance(node, ast.keyword) and node.arg}
    return _Whole(frozenset(called), short_of(sources), attributes(sources))


def keywords() -> frozenset[str]:
    """Names by which any call in the firmware, or in the doors that are compiled with it, hands
    over an argument."""
    return _whole().keywords


@cache
def given(module: str) -> dict[str, int] | None:
    """The constants of a module of the firmware; None where there is no such module."""
    path = FIRMWARE / (module.replace(".", "/") + ".py")
    return constants(path.read_text()) if path.exists() else None


def fold(source: str, module: str, given: Given = given, short: dict[str, str] | None = None,
         elsewhere: set[str] | None = None) -> str:
    """The source of `module` with the constants of others as numbers. given: module -> constants,
    or None where there is no such module; short: names of attributes and methods that become
    others; elsewhere: what others name, so that what is private here becomes short."""
    return _Folder(source, module, given, short or {}, elsewhere).text()


def folded(path: Path, base: Path) -> str:
    """The same of a file; base: the folder in which its package is."""
    module = ".".join(path.relative_to(base).with_suffix("").parts)
    try:
        return fold(path.read_text(), module, short=_whole().short, elsewhere=_whole().elsewhere)
    except (FoldError, SyntaxError) as e:
        raise FoldError(f"{path.relative_to(base)}: {e}") from e
