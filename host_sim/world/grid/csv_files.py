"""A feeder from a folder of CSV files, as docs/simulator.md describes them; its load profiles.

Every complaint names file, row, column, bound and remedy; all come at once.
"""
import csv
import gzip
import math
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from host_sim.world.grid.network import (
    PHASES,
    Earth,
    GridError,
    Line,
    LineCode,
    LoadPoint,
    Matrix,
    Network,
    Source,
    Switch,
    Transformer,
)

LENGTH_MAX_M = 100_000
PROFILES = ("profiles_1min_kw.csv.gz", "profiles_1min_kw.csv")
_YES = {"1": True, "yes": True, "true": True, "closed": True,
        "0": False, "no": False, "false": False, "open": False}


class Rows:
    """One CSV file: its rows with what is wrong with them collected in `wrong`."""

    def __init__(self, path: Path, need: tuple[str, ...], wrong: list[str],
                 optional: bool = False):
        self.name = path.name
        self.wrong = wrong
        self.rows: list[dict[str, str]] = []
        if not path.is_file():
            if not optional:
                wrong.append(f"E341 {path}: no such file. Columns: {','.join(need)}.")
            return
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as e:
            wrong.append(f"E341 {path}: cannot be read ({e}). Save it as UTF-8 text.")
            return
        try:
            head, *cells = [[word.strip() for word in row] for row in csv.reader(
                text.splitlines(), skipinitialspace=True) if row] or [[]]
        except csv.Error as e:
            wrong.append(f"E341 {path}: cannot be read ({e}). Save it as CSV text.")
            return
        missing = [c for c in need if c not in head]
        if missing:
            wrong.append(f"E342 {self.name}: column {', '.join(missing)} is missing. "
                         f"Columns: {','.join(need)}.")
            return
        for twice in sorted({c for c in head if c and head.count(c) > 1}):
            wrong.append(f"E342 {self.name}: column {twice} is there twice. Leave one.")
        for k, row in enumerate(cells, 2):
            if len(row) > len(head):          # as a decimal comma makes it
                wrong.append(f"E343 {self.name} row {k}: has {len(row)} values, there are "
                             f"{len(head)} columns. Write a decimal point, and no comma in a "
                             "value.")
        self.rows = [dict(zip(head, row + [""] * len(head), strict=False)) for row in cells]

    def number(self, at: int, column: str, low: float = -math.inf, default: float | None = None
               ) -> float:
        text = self.rows[at].get(column, "")
        if not text and default is not None:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < low:
            bound = "a number" if low == -math.inf else f"a number from {low:g} on"
            self.bad(at, column, f"= {text!r} must be {bound}")
            return max(low, 1.0)
        return value

    def bad(self, at: int, column: str, text: str, remedy: str = "Correct it.") -> None:
        self.wrong.append(f"E343 {self.name} row {at + 2}: {column} {text}. {remedy}")

    def yes(self, at: int, column: str, default: bool) -> bool:
        text = self.rows[at].get(column, "").lower()
        if text and text not in _YES:
            self.bad(at, column, f"= {text!r} must be 1 or 0")
        return _YES.get(text, default)


def read_network(path: str | Path) -> Network:
    """A folder is read as CSV (docs/simulator.md), a file as OpenDSS text."""
    path = Path(path)
    if path.is_dir():
        return read_folder(path)
    if path.is_file():
        from host_sim.world.grid.dss_text import read_dss
        return read_dss(path)
    raise GridError(f"E341 {path}: no such folder or file. "
                    "Give a folder of CSV files or an OpenDSS master file.")


def read_folder(path: str | Path) -> Network:
    """The network in a folder; raises GridError with everything wrong in its files. What is wrong
    with the network itself is said by check() and the engine."""
    folder = Path(path)
    wrong: list[str] = []
    if not folder.is_dir():
        raise GridError(f"E341 {folder}: no such folder. "
                        "Give the folder of the feeder's CSV files.")
    source = _source(Rows(folder / "source.csv", ("bus", "kv", "pu"), wrong))
    transformer = _transformer(Rows(
        folder / "transformer.csv",
        ("name", "hv_bus", "lv_bus", "hv_kv", "lv_kv", "kva", "xhl_percent", "r_percent_total"),
        wrong, optional=True))
    codes = _codes(Rows(folder / "linecodes.csv", ("code",), wrong))
    lines = _lines(Rows(folder / "lines.csv", ("name", "bus1", "bus2", "code", "length_m"), wrong),
                   codes)
    loads = _loads(Rows(folder / "loads.csv", ("name", "bus", "phase", "kw"), wrong))
    at = Rows(folder / "buscoords.csv", ("bus", "x", "y"), wrong, optional=True)
    coords = {row["bus"]: (at.number(k, "x"), at.number(k, "y")) for k, row in enumerate(at.rows)}
    earth = Rows(folder / "earths.csv", ("bus", "ohm"), wrong, optional=True)
    earths = tuple(Earth(row["bus"], earth.number(k, "ohm"), row.get("conductor") or "N")
                   for k, row in enumerate(earth.rows))
    switch = Rows(folder / "switches.csv", ("name", "line"), wrong, optional=True)
    switches = tuple(Switch(row["name"], row["line"], switch.yes(k, "closed", True))
                     for k, row in enumerate(switch.rows))
    if wrong or source is None:
        raise GridError(wrong)
    lv_kv = transformer.lv_kv if transformer else source.kv
    return Network(source, transformer, codes, lines, loads, coords, earths,
                   lv_kv * 1000.0 / math.sqrt(3.0), switches, folder.resolve().name)


def _source(file: Rows) -> Source | None:
    if not file.rows:
        if not file.wrong:
            file.wrong.append("E343 source.csv: has no row. Give one.")
        return None
    if len(file.rows) > 1:
        file.wrong.append(f"E343 {file.name}: has {len(file.rows)} sources, one is possible. "
                          "Leave one.")
    number = file.number
    r1 = number(0, "r1_ohm", 0.0) if file.rows[0].get("r1_ohm") else None
    return Source(file.rows[0]["bus"], number(0, "kv", 1e-3), number(0, "pu", 0.0),
                  number(0, "isc3_a", 1e-3, 10_000.0), number(0, "isc1_a", 1e-3, 10_500.0),
                  number(0, "x_over_r", 0.0, 4.0), number(0, "freq_hz", 1.0, 50.0), r1,
                  number(0, "x1_ohm", 0.0, 0.0), number(0, "r0_ohm", 0.0, r1 or 0.0),
                  number(0, "x0_ohm", 0.0, 0.0), number(0, "angle_deg", default=0.0))


def _transformer(file: Rows) -> Transformer | None:
    if not file.rows:
        return None
    if len(file.rows) > 1:
        file.wrong.append(f"E343 {file.name}: has {len(file.rows)} transformers, one is possible. "
                          "Make one feeder of each.")
    row, number = file.rows[0], file.number
    conn = [row.get(c) or default for c, default in (("hv_conn", "delta"), ("lv_conn", "wye"))]
    if conn[0] not in ("delta", "wye") or conn[1] != "wye":
        file.bad(0, "hv_conn, lv_conn", f"= {conn[0]}, {conn[1]} must be delta or wye, and wye")
    return Transformer(row["name"], row["hv_bus"], row["lv_bus"], number(0, "hv_kv", 1e-3),
                       number(0, "lv_kv", 1e-3), number(0, "kva", 1e-3),
                       number(0, "xhl_percent", 1e-6), number(0, "r_percent_total", 0.0), *conn)


def triangle(text: str) -> Matrix | None:
    """'1 | .1 1' -> a full symmetric matrix, also of full rows; None: not of 1 to 4 rows."""
    try:
        rows = [[float(word) for word in part.replace(",", " ").split()]
                for part in text.split("|")]
    except ValueError:
        return None
    n = len(rows)
    full = all(len(row) == n for row in rows)
    if n > 4 or not (full or all(len(row) == k + 1 for k, row in enumerate(rows))):
        return None
    if not all(math.isfinite(x) for row in rows for x in row):
        return None
    return tuple(tuple(rows[max(j, k)][min(j, k)] for k in range(n)) for j in range(n))


def _codes(file: Rows) -> dict[str, LineCode]:
    codes: dict[str, LineCode] = {}
    for k, row in enumerate(file.rows):
        name = row["code"]
        if name in codes:
            file.bad(k, "code", f"{name} is there twice", "Name each once.")
        if row.get("rmatrix_ohm_per_km"):
            matrices = []
            for column in ("rmatrix_ohm_per_km", "xmatrix_ohm_per_km", "cmatrix_nf_per_km"):
                text = row.get(column, "")
                matrix = triangle(text) if text else ()
                if matrix is None or column[0] != "c" and len(matrix) != len(
                        triangle(row["rmatrix_ohm_per_km"]) or ()):
                    file.bad(k, column, f"= {text!r} is no lower triangle of 1 to 4 rows",
                             "Write '1 | .1 1 | .1 .1 1', all matrices of one size.")
                    matrix = ((1.0,),)
                matrices.append(matrix)
            codes[name] = LineCode(name, *matrices)
            continue
        if not row.get("r1_ohm_per_km"):
            file.bad(k, "r1_ohm_per_km", "is missing", "Give r1 x1 r0 x0, or rmatrix and xmatrix.")
            continue
        r1, x1 = (file.number(k, c, 0.0) for c in ("r1_ohm_per_km", "x1_ohm_per_km"))
        codes[name] = LineCode.sequence(
            name, r1, x1, file.number(k, "r0_ohm_per_km", 0.0, r1),
            file.number(k, "x0_ohm_per_km", 0.0, x1), file.number(k, "c1", 0.0, 0.0),
            file.number(k, "c0", 0.0, 0.0))
    return codes


def _lines(file: Rows, codes: dict[str, LineCode]) -> tuple[Line, ...]:
    """Without a column `phases`, a code of 3 conductors is ABC, one of 4 ABCN."""
    lines = []
    for k, row in enumerate(file.rows):
        code = codes.get(row["code"])
        phases = row.get("phases") or ("ABCN" if code and len(code.r_ohm_per_km) == 4 else "ABC")
        length_m = file.number(k, "length_m")
        if length_m > LENGTH_MAX_M:
            file.bad(k, "length_m", f"= {length_m:g} is above its maximum of {LENGTH_MAX_M:_}",
                     "Give it in metres.")
        lines.append(Line(row["name"], row["bus1"], row["bus2"], row["code"], length_m, phases))
    return tuple(lines)


def _loads(file: Rows) -> tuple[LoadPoint, ...]:
    loads = []
    for k, row in enumerate(file.rows):
        phases = row["phase"]
        if not phases or phases not in ("ABC", "AB", "BC", "CA", "BA", "CB", "AC") and (
                phases not in PHASES):
            file.bad(k, "phase", f"= {phases!r} must be A, B, C, two of them or ABC")
            phases = "A"
        number, text = file.number, row.get
        profile = int(number(k, "profile", 0.0, 0.0))
        model = text("model") or "p"
        if model not in ("p", "i", "z"):
            file.bad(k, "model", f"= {model!r} must be p, i or z")
        pf = number(k, "pf", -1.0, 0.95)
        if not 0.05 <= abs(pf) <= 1.0:
            file.bad(k, "pf", f"= {pf:g} must be 0.05 to 1, negative if leading")
            pf = 1.0
        kvar = number(k, "kvar") if text("kvar") else None
        loads.append(LoadPoint(
            row["name"], row["bus"], phases, number(k, "kw"), pf, profile or None,
            file.yes(k, "delta", False), model,
            number(k, "u_v", 1.0) if text("u_v") else None,
            number(k, "vmin_pu", 0.01, 0.5), number(k, "vmax_pu", 1.0, 1.5),
            switch=row.get("switch", ""), kvar=kvar))
    return tuple(loads)


def read_profiles(path: str | Path) -> np.ndarray:
    """kW of each profile, [minutes x profiles], of a folder, its profiles file or an OpenDSS file
    (its load shapes)."""
    path = Path(path)
    if path.is_file() and path.suffix.lower() in (".dss", ".txt"):
        from host_sim.world.grid.dss_text import read_dss_profiles
        return read_dss_profiles(path)
    if path.is_dir():
        path = next((path / name for name in PROFILES if (path / name).is_file()),
                    path / PROFILES[0])
    open_it: Callable = gzip.open if path.suffix == ".gz" else open
    try:
        with open_it(path, "rt", encoding="utf-8-sig") as file:
            head = [word.strip() for word in file.readline().split(",")]
            lines = [line for line in file if line.strip()]
        table = np.loadtxt(lines, delimiter=",", ndmin=2) if lines else np.empty((0, len(head)))
    except (OSError, EOFError, zlib.error) as e:
        raise GridError(f"E341 {path}: {getattr(e, 'strerror', None) or e}. "
                        "Columns: minute,p1,p2,...") from None
    except ValueError as e:
        raise GridError(f"E343 {path.name}: {str(e).rstrip('.')}. Write numbers only, one row a "
                        "minute, in UTF-8.") from None
    if head[0] != "minute" or len(head) < 2 or table.shape[1] != len(head):
        raise GridError(f"E342 {path.name}: its columns must be minute,p1,p2,... in kW. "
                        "Correct the first row.")
    if not len(table):
        raise GridError(f"E343 {path.name}: has no row. Give one a minute.")
    strange = np.argwhere(~np.isfinite(table))
    if len(strange):
        at, column = strange[0]
        raise GridError(f"E343 {path.name} row {at + 2}: {head[column]} = "
                        f"{table[at, column]:g} must be a number. Correct it.")
    steps = np.arange(1, len(table) + 1)
    if not np.array_equal(table[:, 0], steps):
        at = int(np.flatnonzero(table[:, 0] != steps)[0])
        raise GridError(f"E343 {path.name} row {at + 2}: minute = {table[at, 0]:g}, "
                        f"expected {at + 1}. Number the rows from 1 without gaps.")
    return table[:, 1:]
