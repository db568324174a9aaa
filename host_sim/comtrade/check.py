"""What is wrong with the files of a COMTRADE record, before anything is read from them.

The .cfg is read line by line by the rules of IEEE C37.111-1991, -1999 and -2013; the .dat is held
against it. Each complaint is a sentence with code, thing, bound and remedy (E170 to E174, E176,
E179). Values are no business of this file.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

REVISIONS = ("1991", "1999", "2013")
_WIDTH = {"BINARY": 2, "BINARY32": 4, "FLOAT32": 4}     # bytes of an analog value
FORMS = ("ASCII", *_WIDTH)
_SECTION = re.compile(rb"(?i)^--- *file type: *([a-z]+)(?: +([a-z0-9]+)(?: *: *(\d+))?)? *---"
                      rb"[ \t]*\r?\n", re.MULTILINE)
_MOST_CHANNELS = 999
_MOST_SAMPLES = 20_000_000


class RecordError(Exception):
    """A record cannot be used; `text` says why, one complaint a line."""

    def __init__(self, text: str):
        self.text = text
        super().__init__(text)


@dataclass
class Analog:
    """A line of the .cfg: value = raw * a + b in `unit`; ratio: to the primary side."""
    name: str
    phase: str
    unit: str
    ratio: float
    skew_us: float


@dataclass
class Sheet:
    """A .cfg that was found good."""
    text: str
    station: str
    device: str
    revision: str
    analogs: list[Analog] = field(default_factory=list)
    n_status: int = 0
    f_hz: float = 0.0
    rates: list[tuple[float, int]] = field(default_factory=list)   # Hz, last sample; Hz 0: .dat
    form: str = ""


def files(path: Path) -> tuple[str, bytes, str, bytes]:
    """(name, content) of the .cfg and of the .dat that belong to a .cfg or are in a .cff."""
    if path.suffix.lower() == ".cff":
        return _parts(path.name, content(path))
    dat = companion(path)
    return path.name, content(path), dat.name, content(dat)


def _parts(name: str, raw: bytes) -> tuple[str, bytes, str, bytes]:
    """Of a file of the 2013 standard that has them all, each after a line that says which."""
    found = {}
    for mark in _SECTION.finditer(raw):
        kind = mark[1].upper()
        if kind in found:
            continue          # a likeness in a BINARY part
        if kind == b"DAT" and mark[3]:
            end = mark.end() + int(mark[3])
        else:
            after = _SECTION.search(raw, mark.end())
            end = after.start() if after else len(raw)
        found[kind] = raw[mark.end():end]
    for kind in (b"CFG", b"DAT"):
        if kind not in found:
            raise RecordError(f"E170 {name}: has no part '--- file type: {kind.decode()} ---'. "
                              "Save it as .cfg and .dat.")
    return f"{name} (CFG)", found[b"CFG"], f"{name} (DAT)", found[b"DAT"]


def companion(cfg: Path) -> Path:
    """The .dat beside a .cfg, in whichever case its name is written."""
    if cfg.suffix.lower() != ".cfg":
        raise RecordError(f"E170 {cfg.name or cfg}: is no .cfg or .cff file. Give the record's "
                          ".cfg; its .dat is found beside it.")
    try:
        if not cfg.is_file():
            raise RecordError(f"E170 {cfg}: no such file. Give the record's .cfg.")
        for path in sorted(cfg.parent.iterdir()):
            if path.stem.lower() == cfg.stem.lower() and path.suffix.lower() == ".dat":
                return path
    except OSError as e:
        raise RecordError(f"E170 {cfg}: {e.strerror}. Make it readable.") from e
    raise RecordError(f"E170 {cfg.name}: its {cfg.stem}.dat is missing. Put it beside the .cfg.")


def content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as e:
        raise RecordError(f"E170 {path}: {e.strerror}. Make it readable.") from e


def decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")     # older recorders
    return text.replace("\x1a", "")


class _Lines:
    """The lines of a .cfg, each asked for by what it must hold."""

    def __init__(self, name: str, text: str):
        self.name = name
        self._lines = text.splitlines()
        self.n = 0

    def wrong(self, code: str, text: str) -> RecordError:
        return RecordError(f"{code} {self.name} line {self.n}: {text}")

    def next(self, what: str, least: int = 1) -> list[str]:
        self.n += 1
        if self.n > len(self._lines):
            raise RecordError(f"E171 {self.name}: ends after {len(self._lines)} lines, before its "
                              f"line of {what}. Copy the file again.")
        fields = [one.strip() for one in self._lines[self.n - 1].split(",")]
        if len(fields) < least:
            raise self.wrong("E171", f"{len(fields)} fields, a line of {what} has at least "
                                     f"{least}. Correct it, or copy the file again.")
        return fields

    def number(self, text: str, what: str, low: float, high: float) -> float:
        try:
            value = float(text)
        except ValueError:
            raise self.wrong("E171", f"{what} = {text!r} is no number. Set {low:g} to {high:g}."
                             ) from None
        if not low <= value <= high:
            raise self.wrong("E171", f"{what} = {text} is outside {low:g} to {high:g}. Correct "
                                     "it.")
        return value

    def whole(self, text: str, what: str, low: int, high: int) -> int:
        value = self.number(text, what, low, high)
        if value != int(value):
            raise self.wrong("E171", f"{what} = {text} is no whole number. Set {low} to {high}.")
        return int(value)


def sheet(name: str, raw: bytes) -> Sheet:
    """The .cfg of this name, or RecordError."""
    text = decoded(raw)
    lines = _Lines(name, text)
    first = lines.next("station, device, revision", 2)
    year = lines.whole(first[2] if len(first) > 2 and first[2] else "1991", "revision", 1991, 2099)
    revision = max(known for known in REVISIONS if int(known) <= year)   # recorders write others
    out = Sheet(text, first[0], first[1], revision)
    n_analog = _counts(lines, out)
    for k in range(n_analog):
        out.analogs.append(_analog(lines, k, n_analog, revision))
    for k in range(out.n_status):
        fields = lines.next(f"status channel {k + 1} of {out.n_status}", 2)
        _index(lines, fields, k, "status")
    fields = lines.next("the line frequency")
    if len(fields) >= 5:
        raise lines.wrong("E172", "describes a channel; line 2 promises "
                                  f"{n_analog + out.n_status} and those are above. Correct the "
                                  "numbers there.")
    out.f_hz = lines.number(fields[0] or "0", "line frequency", 0, 1000)
    _rates(lines, out)
    for what in ("the first sample's time", "the trigger's time"):
        stamp = lines.next(what)
        if revision != "1991" and any(stamp):
            _stamp(lines, stamp, what)
    form = lines.next("the kind of .dat")[0].upper()
    if form not in FORMS:
        raise lines.wrong("E179", f"kind of .dat {form!r} is not known. There are: "
                                  f"{', '.join(FORMS)}.")
    out.form = form
    if revision != "1991" and lines.n < len(text.splitlines()):
        factor = lines.next("the time stamps' factor")[0]
        if factor:
            lines.number(factor, "time stamps' factor", 1e-9, 1e9)
    return out


def _counts(lines: _Lines, out: Sheet) -> int:
    total, analog, status = lines.next("numbers of channels", 3)[:3]
    whole = lines.whole(total, "number of channels", 1, 2 * _MOST_CHANNELS)
    if analog[-1:].upper() != "A" or status[-1:].upper() != "D":
        raise lines.wrong("E171", f"{analog!r}, {status!r}: write 6A,0D for six analog channels "
                                  "and no status channel.")
    n_analog = lines.whole(analog[:-1], "number of analog channels", 0, _MOST_CHANNELS)
    out.n_status = lines.whole(status[:-1], "number of status channels", 0, _MOST_CHANNELS)
    if whole != n_analog + out.n_status:
        raise lines.wrong("E172", f"{whole} channels are not {n_analog} analog and {out.n_status} "
                                  "status ones. Correct the one that is wrong.")
    return n_analog


def _index(lines: _Lines, fields: list[str], k: int, kind: str) -> None:
    if not fields[0].isdecimal():     # which number is the recorder's affair
        raise lines.wrong("E172", f"begins with {fields[0]!r}, the number of {kind} channel "
                                  f"{k + 1} was expected. The channels' lines do not fit the "
                                  "numbers in line 2: correct either.")


def _analog(lines: _Lines, k: int, n: int, revision: str) -> Analog:
    fields = lines.next(f"analog channel {k + 1} of {n}", 10)
    _index(lines, fields, k, "analog")
    _, name, phase, _, unit, a, b, skew = fields[:8]
    if lines.number(a, "factor a", -1e12, 1e12) == 0:
        raise lines.wrong("E176", f"factor a of {name} is 0: all its values would be one. "
                                  "Correct it.")
    lines.number(b or "0", "offset b", -1e12, 1e12)
    skew_us = lines.number(skew or "0", "skew", -1e6, 1e6)
    for text, what in zip(fields[8:10], ("least value", "greatest value"), strict=True):
        lines.number(text or "0", what, -1e39, 1e39)
    ratio = 1.0
    if revision != "1991" and len(fields) >= 13:
        side = fields[12].upper()
        if side not in ("P", "S", ""):
            raise lines.wrong("E176", f"{name} is {fields[12]!r}. Write P for primary or S for "
                                      "secondary values.")
        primary = lines.number(fields[10] or "1", "primary ratio", 0, 1e9)
        secondary = lines.number(fields[11] or "1", "secondary ratio", 0, 1e9)
        if side == "S":
            if not primary or not secondary:
                raise lines.wrong("E176", f"{name} has secondary values and the ratio {fields[10]}"
                                          f":{fields[11]}. Give the transformer's ratio, or mark "
                                          "them P.")
            ratio = primary / secondary
    return Analog(name, phase, unit, ratio, skew_us)


def _rates(lines: _Lines, out: Sheet) -> None:
    n = lines.whole(lines.next("the number of rates")[0], "number of rates", 0, 999)
    last = 0
    for k in range(max(n, 1)):
        rate, end = lines.next(f"rate {k + 1} of {n}", 2)[:2]
        rate_hz = lines.number(rate, "rate", 0, 1e8)
        if n and not rate_hz:
            raise lines.wrong("E173", "a rate of 0 Hz needs 0 rates in the line above (times are "
                                      "then the .dat's). Correct one of the two.")
        end_n = lines.whole(end, "last sample at this rate", 1, _MOST_SAMPLES)
        if end_n <= last:
            raise lines.wrong("E173", f"rate {k + 1} ends at sample {end_n}, the one before at "
                                      f"{last}. The last samples must grow.")
        last = end_n
        out.rates.append((rate_hz if n else 0.0, end_n))


def _stamp(lines: _Lines, fields: list[str], what: str) -> None:
    try:
        day, month, year = (int(x) for x in fields[0].split("/"))
        hour, minute, second = fields[1].split(":")
        if not (0 <= day <= 31 and 0 <= month <= 12 and 0 <= year <= 9999
                and 0 <= int(hour) < 24 and 0 <= int(minute) < 60 and 0 <= float(second) < 61):
            raise ValueError
    except (ValueError, IndexError):
        raise lines.wrong("E171", f"{what} is {','.join(fields)!r}. Write dd/mm/yyyy,"
                                  "hh:mm:ss.ssssss.") from None


def filled(raw: bytes) -> list[str]:
    """The rows of an ASCII .dat; some recorders write an empty one after each."""
    return [row for row in decoded(raw).splitlines() if row.strip()]


def data(name: str, raw: bytes, of: Sheet) -> int:
    """Holds the .dat of this name against its .cfg; returns by how many samples it is longer."""
    samples = of.rates[-1][1]
    if of.form == "ASCII":
        rows = filled(raw)
        columns = 2 + len(of.analogs) + of.n_status
        for k in range(min(len(rows), samples)):
            if rows[k].count(",") + 1 != columns:
                raise RecordError(f"E174 {name} line {k + 1}: {rows[k].count(',') + 1} fields, "
                                  f"the .cfg's channels need {columns}. The files do not belong "
                                  "together, or one is damaged: copy both again.")
            try:
                [float(x) for x in rows[k].split(",") if x.strip()]
            except ValueError:
                raise RecordError(f"E174 {name} line {k + 1}: holds something that is no number. "
                                  "Is it BINARY? Correct the .cfg, or copy the file again."
                                  ) from None
        found = len(rows)
    else:
        row = 8 + _WIDTH[of.form] * len(of.analogs) + 2 * ((of.n_status + 15) // 16)
        if len(raw) % row:
            raise RecordError(f"E174 {name}: {len(raw)} bytes are no whole number of samples of "
                              f"{row} bytes ({len(of.analogs)} analog, {of.n_status} status "
                              f"channels, {of.form}). The files do not belong together, or it was "
                              "cut short: copy both again.")
        found = len(raw) // row
    if found < samples:
        raise RecordError(f"E174 {name}: {found} samples, the .cfg promises {samples}. The files "
                          "do not belong together, or it was cut short: copy both again.")
    return found - samples
