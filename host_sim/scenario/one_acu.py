"""What scenarios of one controller share (kind = "recloser", "microgrid"): events of which each
does one thing, its board and settings, and somebody who types at its console.

Their forms, plans and runs are in recloser_*.py and microgrid_*.py; knows neither role.
"""
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import model_validator

from acu import config as acu_config
from host_sim.scenario import load, reading
from host_sim.scenario.complaints import Complaints, InputError, meant
from host_sim.scenario.schema import Form

_STOOD_US = 300_000
_ENDS = ("=", "=>", "==>", "=>>", "? ")
_FROM_STRUCTURE = ("id", "role", "sc", "uc")


class OneThing(Form):
    """An event: what happens `at_s`, exactly one of its other fields."""

    def _given(self) -> list[str]:
        return [k for k in type(self).model_fields if k != "at_s" and getattr(self, k) is not None]

    def kind(self) -> str:
        return self._given()[0]

    @model_validator(mode="after")
    def _one_thing(self):
        given = self._given()
        if len(given) != 1:
            every = ", ".join(k for k in type(self).model_fields if k != "at_s")
            raise ValueError(f"an event does exactly one thing, this one {len(given)} "
                             f"({', '.join(given) or 'nothing'}). Give one of: {every}.")
        return self


def is_kind(name: str, kind: str) -> bool:
    """Does this name or file mean a scenario of that kind? What cannot be read load.py refuses."""
    try:
        return reading.read_toml(load.find(name)).get("kind") == kind
    except InputError:
        return False


def board_of(name: str, path: Path, role: str, wrong: Complaints) -> dict:
    """A board of boards/, or of that folder beside the scenario, that runs the role."""
    found = {p.parent.name: p for folder in (load.BOARDS, path.resolve().parent / "boards")
             for p in folder.glob("*/board.json")}
    if name not in found:
        wrong.add("E211", f"board = {name!r}", f" is not in boards/. {meant(name, found)}")
        return {}
    board = reading.load_board(found[name])
    if role not in board["roles"]:
        wrong.add("E212", f"board = {name!r}", f" runs no {role}. Take pico_w_{role}.")
    return board


def config_of(form: Any, role: str, file: str, wrong: Complaints,
              more: dict | None = None) -> tuple[dict, dict]:
    """(settings as the controller is given them, complete). form: id, sc, uc, config; more: what
    follows from its other tables too."""
    more = more or {}
    for key in (*_FROM_STRUCTURE, *more):
        if key in form.config:
            wrong.add("E121", f"[config] {key}", " follows from the other tables. Remove it.")
    given = form.config | {"id": form.id, "role": role, "sc": form.sc, "uc": form.uc} | more
    full, errors = acu_config.check(given)
    wrong.all += [error.replace(" config: ", f" {file}: [config] ", 1) for error in errors]
    return given, full


class Typist:
    """Lines for the console, one after the other."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.said = ""
        self._quiet_us = 0
        self.open = False

    def turn(self, t_us: int, said: bytes) -> bytes:
        """What to type now."""
        if said:
            self.said += said.decode(errors="replace")
            self._quiet_us = t_us
        if not self.lines:
            return b""
        stands = self.said.replace("\r", "").rpartition("\n")[2]
        if self.open and not (stands.endswith(_ENDS) and t_us - self._quiet_us >= _STOOD_US):
            return b""
        self.open = True
        self._quiet_us = t_us
        return self.lines.pop(0).encode() + b"\r"

    def busy(self) -> bool:
        return self.open or bool(self.lines)

    def idle(self, t_us: int) -> bool:
        """All was typed, and the answer has stood for a while."""
        return not self.lines and t_us - self._quiet_us >= _STOOD_US

    def type(self, t_us: int, keys: Callable[[str, bytes], bytes], who: str) -> None:
        """Types what there is to type. keys: of the firmware."""
        if self.busy():
            typed = self.turn(t_us, keys(who, b""))
            if typed:
                keys(who, typed)
