"""Profiles of a microgrid: what the PV could give and what the load wants, at equal steps.

Read from CSV (also .gz) or NPZ, or made up from a seed (`synthetic`), and given to the microgrid
study and to the training of its policies. Powers in mW. A year is 8760 h from 1 January on, and
the file's clock is taken for UTC. Raises InputError only, with the file, the line, the bound and
the remedy; computes no costs, dispatches nothing.
"""
import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.signal import lfilter
from scipy.special import ndtr

from host_sim.scenario.complaints import InputError, meant
from host_sim.world.dice import bits

HOUR_S = 3600
DAY_H = 24
YEAR_H = 8760
START_S = 1_388_534_400          # 2014-01-01 00:00 UTC, of a year of 8760 h
PV_KW = 6.0                      # what 1.0 in pv_pu stands for (spec, Table 1)
MW_KW = 1_000_000
_KINDS = (".csv", ".csv.gz", ".npz")
_COLUMNS = ("hour", "time", "year", "pv_pu", "pv_kw", "load_kw")
_MOST = {"pv_pu": (1.2, "p.u.", "Divide by the installed power, or call the column pv_kw"),
         "pv_kw": (100.0, "kW", "Is the column in W? Divide by 1000"),
         "load_kw": (100.0, "kW", "Is the column in W? Divide by 1000")}
_LEAST_KW = 0.01                 # of the highest load: below, the column is in MW or in p.u.


@dataclass(frozen=True, eq=False)
class Profiles:
    """pv_mw, load_mw: int64, one value a step. start_s: Unix time of the first."""

    name: str
    pv_mw: np.ndarray
    load_mw: np.ndarray
    step_s: int = HOUR_S
    start_s: int = START_S

    def __len__(self) -> int:
        return len(self.pv_mw)

    @property
    def year(self) -> int:
        """Steps of a year."""
        return YEAR_H * HOUR_S // self.step_s

    @property
    def years(self) -> int:
        """Whole ones; what is left over is `rest_h`."""
        return len(self) // self.year

    @property
    def rest_h(self) -> int:
        return len(self) % self.year * self.step_s // HOUR_S

    @property
    def parts(self) -> list[slice]:
        """Each year's steps, and the rest's."""
        return [slice(k, min(k + self.year, len(self))) for k in range(0, len(self), self.year)]

    def first(self, years: int) -> "Profiles":
        if not 1 <= years <= self.years:
            raise InputError([f"E416 {self.name}: years = {years}, it has {self.years}. "
                              f"Set --years 1 to {self.years}, or leave it out."])
        n = years * self.year
        return replace(self, pv_mw=self.pv_mw[:n], load_mw=self.load_mw[:n])

    def held(self, step_s: int) -> "Profiles":
        """The same at shorter steps, each value held."""
        if step_s < 1 or self.step_s % step_s:
            raise InputError([f"E417 --step-s {step_s}: the profiles of {self.name} have steps of "
                              f"{self.step_s} s. Set what divides that, for example "
                              f"{self.step_s // 4}."])
        n = self.step_s // step_s
        return replace(self, pv_mw=np.repeat(self.pv_mw, n), load_mw=np.repeat(self.load_mw, n),
                       step_s=step_s)


def find(folder: Path) -> Path:
    """The one file of profiles in a folder; a file stands for itself."""
    if not folder.exists():
        raise InputError([f"E411 {folder}: does not exist. Give a file of profiles "
                          f"({', '.join(_KINDS)}) or its folder."])
    if not folder.is_dir():
        return folder
    there = sorted(p for p in folder.iterdir() if p.name.lower().endswith(_KINDS))
    if len(there) == 1:
        return there[0]
    found = "holds no file of profiles" if not there else (
        f"holds {len(there)} files: {', '.join(p.name for p in there[:4])}")
    raise InputError([f"E411 {folder}: {found}. Name one file ({', '.join(_KINDS)})."])


def read(path: Path) -> Profiles:
    """A file, or the one in a folder."""
    path = find(path)
    name = path.name
    if not name.lower().endswith(_KINDS):
        raise InputError([f"E411 {name}: is no kind of profiles. Give {', '.join(_KINDS)}."])
    try:
        columns, row = _npz(path) if name.lower().endswith(".npz") else _csv(path)
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, UnicodeDecodeError,
            csv.Error) as e:
        why = getattr(e, "strerror", None) or str(e) or type(e).__name__
        raise InputError([f"E411 {name}: cannot be read ({why}). Is it complete, and of the "
                          "kind that its name says?"]) from None
    return _checked(name, columns, row)


Row = Callable[[int], str]


def _csv(path: Path) -> tuple[dict, Row]:
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.name.lower().endswith(".gz") else raw).decode("utf-8-sig")
    lines = list(csv.reader(io.StringIO(text)))
    head = [word.strip() for word in lines[0]] if lines else []
    rows = [(k + 2, line) for k, line in enumerate(lines[1:]) if line]
    _known(path.name, head)
    for at, line in rows:
        if len(line) != len(head):
            raise InputError([f"E416 {path.name}: line {at} has {len(line)} fields, its head "
                              f"{len(head)}. Give every line the same columns."])
    columns = {name: [line[k].strip() for _, line in rows] for k, name in enumerate(head)}
    return columns, lambda k: f"line {rows[k][0]}"


def _npz(path: Path) -> tuple[dict, Row]:
    columns = {}
    if not zipfile.is_zipfile(path):
        raise zipfile.BadZipFile("no archive of arrays")
    with np.load(path, allow_pickle=False) as file:
        _known(path.name, list(file.files))
        for name in file.files:
            try:
                columns[name] = file[name].ravel()
            except ValueError:
                raise InputError([f"E413 {path.name}: {name} is an array of objects. Save numbers "
                                  "(float or integer arrays)."]) from None
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise InputError([f"E416 {path.name}: arrays of different lengths ({told}). Give each "
                          "step one value of each."])
    return columns, lambda k: f"row {k}"


def _known(file: str, head: list[str]) -> None:
    wrong = []
    for name in head:
        if name not in _COLUMNS:
            wrong.append(f"E412 {file}: unknown column {name!r}. {meant(name, list(_COLUMNS))}")
        elif head.count(name) > 1 and f"E412 {file}: column {name!r} is" not in "".join(wrong):
            wrong.append(f"E412 {file}: column {name!r} is there {head.count(name)} times. Keep "
                         "one.")
    pv = [name for name in ("pv_pu", "pv_kw") if name in head]
    if not wrong:
        if len(pv) != 1:
            wrong.append(f"E412 {file}: {'both pv_pu and pv_kw' if pv else 'no PV column'}. Give "
                         f"one of pv_pu (of {PV_KW:g} kW) and pv_kw.")
        if "load_kw" not in head:
            wrong.append(f"E412 {file}: no column load_kw. Add the load in kW.")
    if wrong:
        raise InputError(wrong)


def _checked(file: str, columns: dict, row: Row) -> Profiles:
    if not len(columns["load_kw"]):
        raise InputError([f"E416 {file}: has no rows. Give whole days, one row a step."])
    step_s, start_s = _clock(file, columns, row)
    pv = "pv_pu" if "pv_pu" in columns else "pv_kw"
    powers = []
    for name, kw in ((pv, PV_KW if pv == "pv_pu" else 1.0), ("load_kw", 1.0)):
        values = _numbers(file, name, columns[name], row)
        most, unit, remedy = _MOST[name]
        low, high = int(values.argmin()), int(values.argmax())
        if values[low] < 0:
            raise InputError([f"E414 {file}: {row(low)}: {name} = {values[low]:g} is negative. "
                              "Set 0 where nothing is produced or used."])
        if values[high] > most:
            raise InputError([f"E414 {file}: {row(high)}: {name} = {values[high]:g} is above "
                              f"{most:g} {unit}. {remedy}."])
        powers.append(np.rint(values * kw * MW_KW).astype(np.int64))
    if powers[1].max() < _LEAST_KW * MW_KW:
        raise InputError([f"E414 {file}: load_kw is never above {powers[1].max() / MW_KW:g} kW, "
                          f"expected at least {_LEAST_KW:g}. Is the column in MW? Give kW."])
    n = len(powers[0])
    day = DAY_H * HOUR_S // step_s
    if n % day:
        raise InputError([f"E416 {file}: {n} rows of {step_s} s are {n // day} days and "
                          f"{n % day} rows. Give whole days ({day} rows each)."])
    return Profiles(file, powers[0], powers[1], step_s, start_s)


def _numbers(file: str, name: str, given, row: Row) -> np.ndarray:
    try:
        values = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        for k, word in enumerate(given):
            try:
                float(word)
            except (TypeError, ValueError):
                raise InputError([f"E413 {file}: {row(k)}: {name} = {str(word)!r} is no number. "
                                  "Give numbers with a point."]) from None
        raise
    odd = np.flatnonzero(~np.isfinite(values))
    if len(odd):
        raise InputError([f"E413 {file}: {row(int(odd[0]))}: {name} = {values[odd[0]]} is no "
                          f"finite number ({len(odd)} such). Fill the gap before."])
    return values


def _clock(file: str, columns: dict, row: Row) -> tuple[int, int]:
    """(seconds of a step, Unix time of the first), from `time` if there is one."""
    if "hour" in columns:
        hours = _numbers(file, "hour", columns["hour"], row)
        odd = np.flatnonzero(np.diff(hours) != 1)
        if len(odd):
            k = int(odd[0]) + 1
            raise InputError([f"E415 {file}: {row(k)}: hour {hours[k]:g} follows "
                              f"{hours[k - 1]:g}. Give every hour once, in order."])
    if "time" not in columns:
        return HOUR_S, START_S
    times = []
    for k, word in enumerate(columns["time"]):
        try:
            t = datetime.fromisoformat(str(word))
        except ValueError:
            raise InputError([f"E415 {file}: {row(k)}: time = {str(word)!r} is no time. Write "
                              "2014-01-01T00:00 (UTC)."]) from None
        times.append((t if t.tzinfo else t.replace(tzinfo=UTC)).timestamp())
    steps = np.diff(times)
    step_s = int(steps[0]) if len(steps) else HOUR_S
    odd = np.flatnonzero(steps != step_s)
    if len(odd):
        k = int(odd[0]) + 1
        raise InputError([f"E415 {file}: {row(k)}: {steps[k - 1]:g} s after the row before, the "
                          f"others {step_s} s. Give every step once, in order."])
    if not 1 <= step_s <= HOUR_S or HOUR_S % step_s or "hour" in columns and step_s != HOUR_S:
        raise InputError([f"E415 {file}: steps of {step_s} s. Give steps of 1 to {HOUR_S} s that "
                          "divide an hour (with a column hour: of an hour)."])
    return step_s, int(times[0])


# The made-up profiles. Shape and statistics are those of the data of the specification's section
# 9 (Belgium), as a few numbers: the sky's from fits to it, the load's as it was made there.
_LATITUDE, _TILT, _AZIMUTH = np.radians([50.8, 45.0, 7.8])
_NOON_H = 12.44                  # of the file's clock
_CLEAR_AIR, _DIFFUSE, _YIELD = 0.858, 0.055, 0.81
_SUN_W = 1361.0
_HIGHEST = 1.03                  # clearness
_BENT = np.log([0.122, 1.12])     # first exponent of the clearness in winter and in summer
_SHARE, _DIP = 0.78, 0.28        # second, and by how much it is less between the two
_TURN_DEG, _WIDTH_DEG = -9.0, 3.4   # declination at which winter's skies become summer's
_FAST_H, _SLOW_H, _SLOW = 2.5, 27.0, 0.58
_PEAKS = ((0.7027, 9.0, 2.0), (1.0, 18.0, 3.0))    # of the load: height, hour, width
_LOAD_MOST_KW = 2.1
_FACTOR = (0.75, 1.24)


def clear_pu(hour: np.ndarray) -> np.ndarray:
    """What the PV gives under a clear sky in these hours of the year, p.u.: beam by air mass on a
    tilted plane, and a little diffuse light; the mean of four moments."""
    day = hour // DAY_H + 1
    decl = np.radians(23.45) * np.sin(2 * np.pi * (284 + day) / 365)
    b = 2 * np.pi * (day - 81) / 364
    early_h = (9.87 * np.sin(2 * b) - 7.53 * np.cos(b) - 1.5 * np.sin(b)) / 60
    north, tilt, turn = _LATITUDE, _TILT, _AZIMUTH
    total = np.zeros(len(hour))
    for part in (0.125, 0.375, 0.625, 0.875):
        w = np.radians(15 * (hour % DAY_H + part - _NOON_H + early_h))
        high = np.sin(north) * np.sin(decl) + np.cos(north) * np.cos(decl) * np.cos(w)
        up = np.maximum(high, 1e-9)
        mass = 1 / (up + 0.15 * (np.degrees(np.arcsin(up)) + 3.885) ** -1.253)
        facing = (high * np.cos(tilt)
                  + (np.cos(decl) * np.sin(north) * np.cos(w) - np.sin(decl) * np.cos(north))
                  * np.sin(tilt) * np.cos(turn)
                  + np.cos(decl) * np.sin(w) * np.sin(tilt) * np.sin(turn))
        light = (_CLEAR_AIR ** (mass ** 0.678) * np.maximum(facing, 0)
                 + _DIFFUSE * up * (1 + np.cos(tilt)) / 2)
        total += np.where(high > 0, light, 0)
    return _YIELD * _SUN_W / 1000 * total / 4


def _uniform(n: int, *name) -> np.ndarray:
    """n numbers in (0, 1), the same on every machine."""
    return ((bits(*name).random_raw(n) >> np.uint64(12)) + 0.5) / 2.0 ** 52


def normal(n: int, *name) -> np.ndarray:
    """n normal numbers (Box and Muller), the same on every machine."""
    a, b = _uniform(n, *name, "a"), _uniform(n, *name, "b")
    return np.sqrt(-2 * np.log(a)) * np.cos(2 * np.pi * b)


def _remembered(n: int, time_h: float, *name) -> np.ndarray:
    """A normal process of this memory, of variance 1."""
    rho = np.exp(-1 / time_h)
    start = normal(1, *name, "start")
    return lfilter([np.sqrt(1 - rho * rho)], [1, -rho], normal(n, *name), zi=rho * start)[0]


def clearness(years: int, seed: int) -> np.ndarray:
    """By the hour, a part of what a clear sky gives: a process with a memory of hours and one of
    a day, bent so that winter is mostly dark with a few clear days, summer anything."""
    n = years * YEAR_H
    z = (np.sqrt(1 - _SLOW) * _remembered(n, _FAST_H, seed, "microgrid", "fast")
         + np.sqrt(_SLOW) * _remembered(n, _SLOW_H, seed, "microgrid", "slow"))
    day = np.arange(n) // DAY_H % 365 + 1
    decl_deg = 23.45 * np.sin(2 * np.pi * (284 + day) / 365)
    summer = 1 / (1 + np.exp(-(decl_deg - _TURN_DEG) / _WIDTH_DEG))
    bent = np.exp(_BENT[0] + (_BENT[1] - _BENT[0]) * summer)
    share = _SHARE - _DIP * 4 * summer * (1 - summer)
    return _HIGHEST * (1 - (1 - ndtr(z)) ** (1 / share)) ** (1 / bent)


def synthetic(years: int, seed: int) -> Profiles:
    """Made-up years, hourly: 6 kW of PV under Belgian skies, and a household of 18.3 kWh a day
    whose days are alike but for a factor."""
    n = years * YEAR_H
    hour = np.arange(n)
    pv_pu = clear_pu(hour % YEAR_H) * clearness(years, seed)
    low, high = _FACTOR
    factor = low + (high - low) * _uniform(years * 365, seed, "microgrid", "load")
    of_day = np.arange(DAY_H)
    shape = sum(top * np.exp(-0.5 * ((of_day - at) / width) ** 2) for top, at, width in _PEAKS)
    load_kw = _LOAD_MOST_KW / high * np.repeat(factor, DAY_H) * np.tile(shape, years * 365)
    return Profiles(f"synthetic, seed {seed}",
                    np.rint(pv_pu * PV_KW * MW_KW).astype(np.int64),
                    np.rint(load_kw * MW_KW).astype(np.int64))
