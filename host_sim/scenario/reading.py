"""Reads TOML and JSON files, boards and settings among them, or says what is wrong with them.

Every fault ends in InputError with all its complaints. load.py makes scenarios of what is read.
"""
import json
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from acu import config as acu_config
from host_sim.scenario.complaints import InputError, sentences
from host_sim.scenario.schema import BoardForm

F = TypeVar("F", bound=BaseModel)


def _text(path: Path) -> str:
    """A mark of the byte order, as some editors write it, is no part of the text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except IsADirectoryError as e:
        raise InputError([f"E120 {path}: is a folder. Give a scenario or a job "
                          "(.toml), a board.json or a controller's settings (.json)."]) from e
    except OSError as e:
        raise InputError([f"E120 {path}: cannot be read ({e.strerror}). Name a "
                          "file that is there and may be read."]) from e
    except UnicodeDecodeError as e:
        raise InputError([f"E120 {path}: is not UTF-8 text. Save it as UTF-8."]) from e


def read_toml(path: Path) -> dict:
    try:
        return tomllib.loads(_text(path))
    except ValueError as e:
        raise InputError([f"E120 {path.name}: not TOML: {e}. Mend that line."]) from e
    except RecursionError as e:
        raise InputError([f"E120 {path.name}: nested too deep. Remove brackets."]) from e


def read_json(path: Path) -> dict:
    try:
        given = json.loads(_text(path))
    except ValueError as e:
        raise InputError([f"E120 {path.name}: not JSON: {e}. Mend that place."]) from e
    except RecursionError as e:
        raise InputError([f"E120 {path.name}: nested too deep. Remove brackets."]) from e
    if not isinstance(given, dict):
        raise InputError([f"E120 {path.name}: must hold one object {{...}}."])
    return given


def form_of(model: type[F], given: dict, file: str) -> F:
    """What was read, as the form has it. file: what the complaints call it."""
    try:
        return model.model_validate(given)
    except ValidationError as e:
        raise InputError(sentences(file, e, model)) from e


def load_board(path: Path) -> dict:
    """A board as the firmware and the simulator take it; pairs are tuples."""
    form = form_of(BoardForm, read_json(path), f"board {path.parent.name}")
    board = form.model_dump()
    board["pairs"] = tuple(tuple(pair) for pair in form.pairs)
    return board


def load_config(path: Path) -> dict:
    """The complete settings of one controller from its JSON file."""
    full, errors = acu_config.check(read_json(path))
    if errors:
        raise InputError([error.replace(" config: ", f" {path.name}: ", 1) for error in errors])
    return full
