"""What is wrong with a file that somebody wrote: code, file, key, bound, remedy, in one line each.

Every reader of scenario, board and config files raises InputError and nothing else, with all
complaints at once; the command prints its text and ends with code 2. A traceback is never an
answer to bad input.
"""
from difflib import get_close_matches

from pydantic import BaseModel, ValidationError

_UNITS = {
    "v": "V", "dv": "0.1 V", "va": "VA", "ma": "mA", "a": "A", "ms": "ms", "s": "s", "ns": "ns",
    "mhz": "mHz", "hz": "Hz", "pct": "%", "pm": "per mille", "pu": "per unit",
    "dc": "0.1 degC", "lsb": "codes", "x": "times rated", "utc": "UTC",
}
_LISTED = 30     # names in a remedy
_WRONG_TYPE = {
    "int_type": "a whole number", "float_type": "a number", "string_type": "a text in quotes",
    "bool_type": "true or false", "list_type": "a list [...]", "dict_type": "a table",
    "model_type": "a table", "model_attributes_type": "a table",
    "finite_number": "a finite number",
}


class InputError(Exception):
    """Complaints about input files. `code` is the first one's; `text` has one a line."""

    def __init__(self, complaints: list[str]):
        self.complaints = complaints
        self.text = "\n".join(complaints)
        self.code = self.text.split(" ", 1)[0]
        super().__init__(self.text)


class Complaints:
    """The complaints about one file so far, so that its reader need not stop at the first."""

    def __init__(self, file: str):
        self.file = file
        self.all: list[str] = []

    def add(self, code: str, where: str, text: str) -> None:
        self.all.append(f"{code} {self.file}: {where}{text}")

    def once(self, complaint: str) -> None:
        """What is wrong with a common setting is wrong for every ACU, but said once."""
        if complaint not in self.all:
            self.all.append(complaint)

    def known(self, where: str, one: str, table: str, ids: list[str]) -> bool:
        if one not in ids:
            self.add("E129", where, f" = {one!r} is not in [[{table}]]. {meant(one, ids)}")
        return one in ids


def nearest(word: str, known) -> str:
    """The known word that was probably meant, or ''; a right stem counts more than the unit."""
    known = sorted(known)
    stem = word.rpartition("_")[0]
    same_stem = [k for k in known if stem and k.rpartition("_")[0] == stem]
    close = get_close_matches(word, same_stem or known, n=1, cutoff=0.3 if same_stem else 0.55)
    return close[0] if close else (same_stem[0] if same_stem else "")


def unit(key: str) -> str:
    """The unit that the key's name carries, '' if none."""
    return _UNITS.get(key.rpartition("_")[2], "") if "_" in key else ""


def choices(known) -> str:
    return ", ".join(str(k) for k in sorted(known)) or "none"


def meant(word: str, known) -> str:
    """The remedy for a name that does not exist."""
    near = nearest(word, known)
    hint = f"Did you mean {near}? " if near else ""
    return f"{hint}There are: {choices(known)}."


def few(word: str, known) -> str:
    """The same where there may be hundreds."""
    text = meant(word, known)
    return text if len(known) <= _LISTED else \
        text.partition("There are: ")[0] + f"There are {len(known)}."


def place(loc, is_table: bool) -> str:
    """('customer', 1, 's_va') -> '[customer 2] s_va'; is_table: the last word is no key."""
    words: list[str] = []
    for word in loc:
        if isinstance(word, int):
            words[-1] += f" {word + 1}"
        else:
            words.append(word)
    key = [] if is_table or not words else [words.pop().replace(" ", ", entry ")]
    return " ".join([*(f"[{word}]" for word in words), *key])


def _field(model: type[BaseModel], loc):
    """(model that holds the last key of loc, its field or None), through lists and optionals."""
    field = None
    for word in loc:
        if isinstance(word, int):
            continue
        if field is not None:
            inner = _model_in(field.annotation)
            if inner is None:
                return model, field
            model = inner
        field = model.model_fields.get(word)
        if field is None:
            return model, None
    return model, field


def _model_in(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found:
            return found
    return None


def _bounds(annotation, metadata) -> tuple:
    low = high = None
    for rule in metadata:
        for source in (rule, *getattr(rule, "metadata", ())):
            low = getattr(source, "ge", low)
            high = getattr(source, "le", high)
    if low is None and high is None:
        for part in getattr(annotation, "__args__", ()):
            low, high = _bounds(part, getattr(part, "__metadata__", ()))
            if low is not None or high is not None:
                break
    return low, high


def sentences(file: str, error: ValidationError, model: type[BaseModel]) -> list[str]:
    """pydantic's findings as this project's complaints."""
    return [_sentence(file, one, model) for one in error.errors()]


def _sentence(file: str, one, model) -> str:
    loc, kind, given = one["loc"], one["type"], one["input"]
    where = place(loc, kind == "value_error")
    key = next((w for w in reversed(loc) if isinstance(w, str)), "")
    holder, field = _field(model, loc)
    low, high = _bounds(field.annotation, field.metadata) if field else (None, None)
    of = unit(key)
    with_unit = f" {of}" if of else ""
    remedy = f" Set {low:_} to {high:_}{with_unit}." if None not in (low, high) else ""

    if kind == "extra_forbidden":
        near = nearest(key, holder.model_fields)
        in_unit = f", in {unit(near)}" if near and unit(near) else ""
        fix = (f"Did you mean {near}{in_unit}?" if near else
               f"Known here: {choices(holder.model_fields)}.")
        return f"E121 {file}: unknown key {where}. {fix}"
    if kind == "missing":
        return f"E122 {file}: {where} is missing. Add it{'; in ' + of if of else ''}."
    if kind in ("greater_than_equal", "less_than_equal"):
        is_what, bound = (("below its minimum", low) if kind == "greater_than_equal" else
                          ("above its maximum", high))
        return f"E123 {file}: {where} = {given!r} is {is_what} of {bound:_}{with_unit}.{remedy}"
    if kind in _WRONG_TYPE:
        return f"E124 {file}: {where} = {given!r} must be {_WRONG_TYPE[kind]}.{remedy}"
    if kind == "literal_error":
        return f"E125 {file}: {where} = {given!r}. Choose {one['ctx']['expected']}."
    if kind in ("too_short", "too_long"):
        need = one["ctx"].get("min_length", one["ctx"].get("max_length"))
        few, most = ("few", "") if kind == "too_short" else ("many", "at most ")
        return f"E126 {file}: {where} has too {few} entries. Give {most}{need}."
    if kind == "string_pattern_mismatch":
        return f"E102 {file}: {where} = {given!r} is no identity. Use 1 to 16 of a-z 0-9 _ -."
    if kind.startswith("date_"):
        return f"E124 {file}: {where} = {given!r} is no date. Write it as 2026-12-31."
    text = str(one.get("ctx", {}).get("error", one["msg"]))
    return f"E127 {file}: {where + ' ' if where else ''}{text}"
