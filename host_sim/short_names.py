"""Private attributes get short names that unrelated classes share, before a firmware is compiled.

Each different name costs a board some 20 bytes, whoever uses it. An attribute that begins with _
is seen by its class and by those above and below it; so two names that no such family has both may
become one, _0, _1, .. A name keeps its own where anything but `self._name` could mean it:
functions and classes (a traceback tells them), what a class or a module has at its top, what a
string names, what is never set by `self`. The answer is the same for all files of a build, and
for the same sources always the same. Called by fold.py.
"""
import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def _private(name: str) -> bool:
    return name[:1] == "_" and name[:2] != "__"


def _families(trees: Iterable[ast.Module]) -> Iterator[tuple[str, list[ast.ClassDef]]]:
    """Classes that inherit from one another, by the name of one of them."""
    classes: dict[str, list[ast.ClassDef]] = {}
    leader: dict[str, str] = {}

    def top(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(node)
                for base in node.bases:
                    above = getattr(base, "id", getattr(base, "attr", ""))
                    leader[top(node.name)] = top(above)
    together: dict[str, list[ast.ClassDef]] = {}
    for name in sorted(classes):
        together.setdefault(top(name), []).extend(classes[name])
    yield from together.items()


def _taken(trees: Iterable[ast.Module]) -> set[str]:
    """Private names that mean something else than an attribute, too."""
    taken = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                taken.add(node.name)
            elif isinstance(node, ast.Name):
                taken.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                taken.add(node.value)
            elif isinstance(node, ast.alias):
                taken.add(node.asname or node.name)
    return taken


def short_names(paths: Iterable[Path]) -> dict[str, str]:
    """Private attribute -> its short name, for all these sources together."""
    trees = [ast.parse(path.read_text()) for path in paths]
    taken = _taken(trees)
    families: dict[str, set[str]] = {}      # name -> families that have it
    for family, classes in _families(trees):
        for one in classes:
            for node in ast.walk(one):
                if (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
                        and node.value.id == "self" and _private(node.attr)):
                    families.setdefault(node.attr, set()).add(family)
    short: dict[str, str] = {}
    used: dict[str, set[int]] = {}          # by family
    for name in sorted(families, key=lambda name: (-len(families[name]), name)):
        if name not in taken:
            number = 0
            while any(number in used.get(family, ()) for family in families[name]):
                number += 1
            for family in families[name]:
                used.setdefault(family, set()).add(number)
            short[name] = f"_{number}"
    return short
