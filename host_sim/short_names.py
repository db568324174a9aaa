"""Private names become short ones that strangers share, before a firmware is compiled.

Each different name costs a board some 20 bytes, whoever uses it, and the 1261st 9 KB. An attribute
or a method that begins with _ is seen by its class and by those above and below it; so two names
that no such family has both may become one, _0, _1, .. What a module has at its top and nobody
else names becomes _a, _b, .. A name keeps its own where anything else could mean it: constants,
what a string or another module names, what is never told by `self`. A traceback then has the
file, the line and `_7`. The answer is the same for all files of a build, and for the same sources
always the same. Called by fold.py.
"""
import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def nodes(tree: ast.AST) -> list[ast.AST]:
    """What ast.walk() gives, in half the time: whoever looks more than once keeps it."""
    found = [tree]
    for node in found:
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, ast.AST):
                found.append(value)
            elif isinstance(value, list):
                found += [one for one in value if isinstance(one, ast.AST)]
    return found


def _private(name: str) -> bool:
    return name[:1] == "_" and name[:2] != "__"


def _families(sources: Iterable[list[ast.AST]]) -> Iterator[tuple[str, list[ast.ClassDef]]]:
    """Classes that inherit from one another, by the name of one of them."""
    classes: dict[str, list[ast.ClassDef]] = {}
    leader: dict[str, str] = {}

    def top(name: str) -> str:
        while leader.get(name, name) != name:
            name = leader[name]
        return name

    for source in sources:
        for node in source:
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(node)
                for base in node.bases:
                    above = getattr(base, "id", getattr(base, "attr", ""))
                    leader[top(node.name)] = top(above)
    together: dict[str, list[ast.ClassDef]] = {}
    for name in sorted(classes):
        together.setdefault(top(name), []).extend(classes[name])
    yield from together.items()


def _taken(sources: Iterable[list[ast.AST]]) -> set[str]:
    """Private names that mean something else than an attribute, too."""
    taken = set()
    for source in sources:
        methods = {id(one) for node in source if isinstance(node, ast.ClassDef)
                   for one in node.body if isinstance(one, ast.FunctionDef)}
        for node in source:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                if id(node) not in methods:
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
    return short_of([nodes(ast.parse(path.read_text())) for path in paths])


def short_of(sources: list[list[ast.AST]]) -> dict[str, str]:
    """The same of their nodes()."""
    taken = _taken(sources)
    families: dict[str, set[str]] = {}      # name -> families that have it
    for family, classes in _families(sources):
        for one in classes:
            for method in one.body:
                if isinstance(method, ast.FunctionDef) and _private(method.name):
                    families.setdefault(method.name, set()).add(family)
            for node in nodes(one):
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


def attributes(sources: Iterable[list[ast.AST]]) -> set[str]:
    """What any of these sources, as their nodes(), names as an attribute, imports by its name, or
    has as a text."""
    found = set()
    for source in sources:
        for node in source:
            if isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.ImportFrom):
                found |= {one.name for one in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found


def _letters(number: int) -> str:
    """a .. z, aa .. zz"""
    return chr(97 + number) if number < 26 else _letters(number // 26 - 1) + _letters(number % 26)


def module_names(tree: ast.Module, elsewhere: set[str]) -> dict[str, str]:
    """Private functions, classes and variables at the top of a module -> their short names.
    elsewhere: attributes() of all."""
    own: list[str] = []
    for node in tree.body:
        name = ""
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            name = node.name
        elif (isinstance(node, ast.Assign) and len(node.targets) == 1
              and isinstance(node.targets[0], ast.Name) and not (
                  isinstance(node.value, ast.Call)
                  and getattr(node.value.func, "id", "") == "const")):
            name = node.targets[0].id
        if _private(name) and name not in own:
            own.append(name)
    bound: set[str] = set()         # also somewhere inside, as something else perhaps
    used: set[str] = set()
    top = {id(node) for node in tree.body}
    names = {id(target) for node in tree.body if isinstance(node, ast.Assign)
             for target in node.targets}
    for inner in nodes(tree):
        if isinstance(inner, ast.Name):
            used.add(inner.id)
            if not isinstance(inner.ctx, ast.Load) and id(inner) not in names:
                bound.add(inner.id)
        elif isinstance(inner, ast.arg):
            bound.add(inner.arg)
        elif isinstance(inner, ast.keyword):
            bound.add(inner.arg or "")
        elif isinstance(inner, ast.alias):
            bound.add(inner.asname or inner.name)
        elif isinstance(inner, (ast.Global, ast.Nonlocal)):
            bound |= set(inner.names)
        elif isinstance(inner, ast.ExceptHandler):
            bound.add(inner.name or "")
        elif isinstance(inner, (ast.FunctionDef, ast.ClassDef)) and id(inner) not in top:
            bound.add(inner.name)
    short: dict[str, str] = {}
    number = 0
    for name in own:
        if name in bound or name in elsewhere:
            continue
        while "_" + _letters(number) in used | bound:
            number += 1
        short[name] = "_" + _letters(number)
        number += 1
    return short
