"""OpenDSS text: files, lines and words. What the elements mean is dss_text's business.
Takes comments (! // and /* */), continuation lines (~, more), quoted and bracketed values,
Redirect and Compile, New and Edit, `like`. Every object keeps where it was written.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

_CLOSING = {'"': '"', "'": "'", "(": ")", "[": "]", "{": "}"}
_DEPTH = 20       # files within files


@dataclass
class Element:
    """One object: class, name, properties in small letters, in the order they were written."""

    kind: str
    name: str
    where: str                                   # 'Lines.txt line 12'
    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    lists: list[tuple[str, str]] = field(default_factory=list)   # all of them, repeated ones too
    stray: list[tuple[str, str]] = field(default_factory=list)   # (value without a name, where)


def words_of(text: str) -> list[tuple[str, str]]:
    """'a=1 b=[2 3] c' -> [('a', '1'), ('b', '2 3'), ('', 'c')]."""
    found: list[tuple[str, str]] = []
    at, n = 0, len(text)
    key = ""
    while at < n:
        char = text[at]
        if char in " \t,=":
            at += 1
            continue
        if char in _CLOSING:
            end = text.find(_CLOSING[char], at + 1)
            end = n if end < 0 else end
            value, at = text[at + 1:end], end + 1
        else:
            end = at
            while end < n and text[end] not in " \t,=":
                end += 1
            value, at = text[at:end], end
        after = re.match(r"[ \t]*=", text[at:])
        if after and not key:
            key = value
            at += after.end()
            continue
        found.append((key.lower(), value.strip()))
        key = ""
    return found


class Reader:
    """Reads a master file and what it redirects to. `wrong` and `notes` collect the complaints."""

    def __init__(self, wrong: list[str], notes: list[str]):
        self.wrong, self.notes = wrong, notes
        self.elements: dict[tuple[str, str], Element] = {}
        self.options: dict[str, str] = {}
        self.coords: dict[str, tuple[float, float]] = {}
        self.opened: list[tuple[str, str]] = []          # (line, where)
        self._last: Element | None = None
        self._depth = 0

    def read(self, path: Path) -> None:
        try:
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as e:
            self.wrong.append(f"E345 {path}: {e.strerror or e}. Give an OpenDSS text file.")
            return
        if self._depth >= _DEPTH:
            self.wrong.append(f"E345 {path.name}: {_DEPTH} files within files. Does it redirect "
                              "to itself? Take that out.")
            return
        self._depth += 1
        hidden = False
        for number, line in enumerate(text.splitlines(), 1):
            stripped = line.strip()
            if hidden or stripped.startswith("/*"):
                hidden = "*/" not in stripped
                continue
            stripped = re.split(r"!|//", stripped, maxsplit=1)[0].strip()
            if stripped:
                self._command(stripped, f"{path.name} line {number}", path.parent)
        self._depth -= 1

    def _command(self, text: str, where: str, folder: Path) -> None:
        if text.startswith("~"):
            self._more(text[1:], where)
            return
        parts = text.split(None, 1)
        verb, rest = parts[0].lower(), parts[1] if len(parts) > 1 else ""
        if verb == "more":
            self._more(rest, where)
        elif verb in ("new", "edit"):
            self._element(verb, rest, where, folder)
        elif verb in ("redirect", "compile"):
            found = self.file(rest.strip("\"'()[]{} "), folder, where)
            if found:
                self.read(found)
        elif verb in ("buscoords", "latloncoords"):
            found = self.file(rest.strip("\"'()[]{} "), folder, where)
            if found:
                self._coordinates(found)
        elif verb == "set":
            self.options.update((key, value) for key, value in words_of(rest))
        elif verb == "open":
            values = words_of(rest)
            if values:
                self.opened.append((values[0][1], where))
        elif verb == "batchedit":
            self.notes.append(f"{where}: '{text}' is not carried out.")
        elif verb not in ("clear", "clearall", "solve", "calcvoltagebases", "calcv", "show",
                          "plot", "export", "close", "reset", "sample", "visualize", "help",
                          "disable"):
            self.wrong.append(f"E346 {where}: command {parts[0]!r} is not known here. "
                              "Take it out.")

    def file(self, name: str, folder: Path, where: str) -> Path | None:
        """The file of this name; letters' case is forgiven, as where it was written."""
        path = folder / name.replace("\\", "/")
        if path.is_file():
            return path
        if path.parent.is_dir():
            for other in sorted(path.parent.iterdir()):
                if other.name.lower() == path.name.lower() and other.is_file():
                    return other
        self.wrong.append(f"E345 {where}: file {name} is not in {folder}. Put it there.")
        return None

    def _element(self, verb: str, rest: str, where: str, folder: Path) -> None:
        words = words_of(rest)
        if not words or words[0][0] not in ("", "object") or "." not in words[0][1]:
            self.wrong.append(f"E346 {where}: {rest[:40]!r} names no class and object. "
                              "Write 'New Line.name ...'.")
            self._last = None
            return
        kind, _, name = words[0][1].partition(".")
        kind, name = kind.lower(), name.strip()
        if kind == "circuit":           # makes a source called Source
            self.options["circuit"] = name
            kind, name = "vsource", "source"
        key = (kind, name.lower())
        if verb == "new":
            if key in self.elements:
                self.wrong.append(f"E347 {where}: {kind} {name} is there already "
                                  f"({self.elements[key].where}). Name each once.")
            self.elements[key] = Element(kind, name, where, folder)
        elif key not in self.elements:
            self.wrong.append(f"E347 {where}: {kind} {name} is not there to edit. "
                              "Write New first.")
            self._last = None
            return
        self._last = self.elements[key]
        self._take(self._last, words[1:], where)

    def _more(self, text: str, where: str) -> None:
        if self._last is not None:
            self._take(self._last, words_of(text), where)

    def _take(self, element: Element, words: list[tuple[str, str]], where: str) -> None:
        for key, value in words:
            if not key:
                element.stray.append((value, where))
            elif key == "like":
                other = self.elements.get((element.kind, value.lower()))
                if other is None:
                    self.wrong.append(f"E347 {where}: like={value}: there is no such "
                                      f"{element.kind}. Name one written before.")
                else:
                    element.values.update(other.values)
                    element.lists.extend(other.lists)
            else:
                element.values[key] = value
                element.lists.append((key, value))

    def _coordinates(self, path: Path) -> None:
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            text = re.split(r"!|//", line, maxsplit=1)[0]
            words = [w for w in re.split(r"[\s,]+", text.strip()) if w]
            if not words:
                continue
            try:
                self.coords[words[0].lower()] = float(words[1]), float(words[2])
            except (IndexError, ValueError):
                self.wrong.append(f"E343 {path.name} line {number}: {line.strip()[:40]!r} is not "
                                  "'bus, x, y'. Correct it.")
