"""What `slvg calibrate` reads: the job, captured codes and windows, and the store as a folder.

Every fault of a file is an InputError that names the file, the bound and the remedy.
"""
import csv
import datetime as dt
import zipfile
from array import array
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationError, model_validator

from acu.functions.adc_table import RAMP, SINE, Histogram, general
from acu.primitives.calibration import wrong_table
from host_sim.scenario.complaints import InputError, choices, sentences
from host_sim.scenario.load import BOARDS
from host_sim.scenario.reading import load_board, read_json, read_toml
from host_sim.scenario.schema import Form


def _listed(x: Any) -> Any:
    return [x] if isinstance(x, (int, float)) and not isinstance(x, bool) else x


Volts = Annotated[list[Annotated[float, Field(ge=0, le=2000)]], BeforeValidator(_listed),
                  Field(min_length=1, max_length=6)]
Amperes = Annotated[list[Annotated[float, Field(ge=0, le=5000)]], BeforeValidator(_listed),
                    Field(min_length=1, max_length=6)]
Degrees = Annotated[list[Annotated[float, Field(ge=-360, le=360)]], BeforeValidator(_listed),
                    Field(min_length=1, max_length=6)]
Watts = Annotated[list[Annotated[float, Field(ge=-1e7, le=1e7)]], BeforeValidator(_listed),
                  Field(min_length=1, max_length=6)]


class PointForm(Form):
    """[[point]]: what the reference showed, and the file that the meter captured meanwhile."""

    codes: str | None = None
    windows: str | None = None
    u_v: Volts
    i_a: Amperes
    phi_deg: Degrees | None = None
    p_w: Watts | None = None
    q_var: Watts | None = None
    f_hz: float | None = Field(None, ge=40, le=70)
    angle_deg: Degrees | None = None

    @model_validator(mode="after")
    def _one_of_each(self):
        if (self.codes is None) == (self.windows is None):
            raise ValueError("needs either codes or windows. Name the one file captured.")
        if (self.p_w is None) != (self.q_var is None) or (self.p_w is None) == (
                self.phi_deg is None):
            raise ValueError("needs either phi_deg or both p_w and q_var. P alone does not say "
                             "which way the current is turned.")
        return self


class AdcForm(Form):
    """[adc]: what the converter gave on a slow ramp, or on a sine, over its whole range."""

    codes: str
    shape: Literal["ramp", "sine"]


class JobForm(Form):
    """The file that `slvg calibrate` takes. Paths in it are relative to it. table: a file of 4096
    corrected codes times 8, or "general"; or [adc], and it is learned."""

    board: str
    un_v: float = Field(230.0, ge=50, le=690)
    fn_hz: Literal[50, 60] = 50
    date: dt.date | None = None
    table: str | None = None
    adc: AdcForm | None = None
    point: list[PointForm] = Field(min_length=1, max_length=20)

    @model_validator(mode="after")
    def _one_table(self):
        if self.table and self.adc:
            raise ValueError("has both table and [adc]. Leave out the one not to be used.")
        return self


class WindowForm(Form):
    """What Measuring says of one window, as its attributes are called."""

    rms_u: list[int]
    fund: list[list[int]]
    zero_q8: list[int]
    n_frames: int = Field(ge=1, le=10_000)
    used_mhz: int = Field(ge=40_000, le=70_000)
    f_mhz: int = Field(ge=0, le=70_000)
    quality: int = Field(0, ge=0, le=255)


class WindowsForm(Form):
    """A file of windows; cal: what the meter used meanwhile, nominal unless given."""

    cal: list[list[int]] | None = None
    windows: list[WindowForm] = Field(min_length=1, max_length=10_000)


def job_of(file: Path) -> JobForm:
    try:
        return JobForm.model_validate(read_toml(file))
    except ValidationError as e:
        raise InputError(sentences(file.name, e, JobForm)) from e


def windows_of(file: Path, n: int) -> WindowsForm:
    """n: channels of the board."""
    try:
        form = WindowsForm.model_validate(read_json(file))
    except ValidationError as e:
        raise InputError(sentences(file.name, e, WindowsForm)) from e
    cal = form.cal
    if cal is not None and (len(cal) != n or any(len(c) != 2 or c[0] <= 0 for c in cal)):
        raise InputError([f"E169 {file.name}: cal holds {cal}. Give [full_u, slot_ns] of each of "
                          f"the {n} channels, full_u above 0."])
    for k, window in enumerate(form.windows, 1):
        if not len(window.rms_u) == len(window.fund) == len(window.zero_q8) == n or any(
                len(pair) != 2 for pair in window.fund):
            raise InputError([f"E169 {file.name}: window {k} does not have rms_u, fund [re, im] "
                              f"and zero_q8 of {n} channels. Capture it on this board."])
    return form


class FolderStore:
    """A controller's store as files of a folder."""

    def __init__(self, folder: Path):
        self._folder = folder

    def read(self, name: str) -> bytes | None:
        path = self._folder / name
        return path.read_bytes() if path.is_file() else None

    def write(self, name: str, data: bytes) -> None:
        (self._folder / name).write_bytes(data)


def numbers(file: Path, what: str) -> np.ndarray:
    """The whole numbers of a .npy, .npz (its only array) or .csv file."""
    try:
        if file.suffix == ".csv":
            with file.open(newline="", encoding="utf-8-sig") as lines:
                rows = [row for row in csv.reader(lines) if row]
            if rows and not rows[0][0].strip().lstrip("-").isdigit():
                rows = rows[1:]       # names of the columns
            return np.array([[int(cell) for cell in row] for row in rows])
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.lib.npyio.NpzFile):
            if len(found.files) != 1:
                raise InputError([f"E169 {file.name}: holds {choices(found.files)}. Leave one "
                                  f"array, the {what}."])
            found = found[found.files[0]]
    except OSError as e:
        raise InputError([f"E169 {file}: cannot be read ({e.strerror or 'no such array'}). Give "
                          f"the {what} as .npy, .npz or .csv."]) from e
    except (ValueError, EOFError, UnicodeDecodeError, zipfile.BadZipFile) as e:
        raise InputError([f"E169 {file.name}: no table of whole numbers. Give the {what} as .npy, "
                          ".npz or .csv."]) from e
    if found.dtype.kind not in "iu":
        raise InputError([f"E169 {file.name}: holds {found.dtype}, no whole numbers. Give the "
                          f"{what} as they came from the converter."])
    return found


def codes_of(file: Path, board: dict) -> np.ndarray:
    codes = numbers(file, "codes")
    n = len(board["channels"])
    least = board["rate_hz"] * 3 // 2
    if codes.ndim != 2 or codes.shape[1] != n:
        raise InputError([f"E169 {file.name}: has the shape {codes.shape}. Give a row a frame, "
                          f"and the {n} channels of board {board['board']} in each."])
    if codes.min(initial=0) < 0 or codes.max(initial=0) > 4095:
        raise InputError([f"E169 {file.name}: codes from {codes.min()} to {codes.max()}, outside "
                          "0 to 4095. Give the converter's own 12-bit codes."])
    if len(codes) < least:
        raise InputError([f"E169 {file.name}: {len(codes)} frames, at least {least} (1.5 s) are "
                          "needed. Capture 10 s."])
    return codes


def table_of(job: JobForm, folder: Path) -> "array[int] | None":
    """The converter's correction table as the firmware takes it, if there is to be one."""
    if job.adc:
        return _learned(folder / job.adc.codes, SINE if job.adc.shape == "sine" else RAMP)
    if job.table == "general":
        return general()
    if job.table is None:
        return None
    file = folder / job.table
    entries = numbers(file, "table").ravel()
    if entries.min(initial=0) < 0 or entries.max(initial=0) > 65_535:
        raise InputError([f"E169 {file.name}: entries from {entries.min()} to {entries.max()}. "
                          "Give corrected codes times 8, 0 to 32760."])
    table = array("H", [int(x) for x in entries])
    if why := wrong_table(table):
        raise InputError([why])
    return table


def _learned(file: Path, shape: int) -> "array[int]":
    codes = numbers(file, "codes").ravel()
    if codes.min(initial=0) < 0 or codes.max(initial=0) > 4095:
        raise InputError([f"E169 {file.name}: codes from {codes.min()} to {codes.max()}, outside "
                          "0 to 4095. Give the converter's own 12-bit codes."])
    counted = Histogram(shape)
    counted.add(array("H", codes.astype("<u2").tobytes()), len(codes))
    table, why = counted.learn()
    if table is None:
        raise InputError([why])
    return table


def board_of(name: str, beside: Path) -> dict:
    """By name, or by the path of its board.json."""
    if name.endswith(".json"):
        return load_board(beside / name)
    known = sorted(path.parent.name for path in BOARDS.glob("*/board.json"))
    if name not in known:
        raise InputError([f"E169 board {name} is unknown. Give a board.json, or one of: "
                          f"{choices(known)}."])
    return load_board(BOARDS / name / "board.json")
