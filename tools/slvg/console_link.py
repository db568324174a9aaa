"""What a unit's console says, for programs: commands, comma-separated twins with CRC, levels.

Over an open Link (flash_link.py). A twin is believed only when each of its lines has the right
CRC-32 and the last one, END, counts them; a spoilt one is asked for once more. Knows no page.
"""
import csv
import io
from binascii import crc32
from collections.abc import Callable

from slvg.flash_link import PROMPTS, FlashError, Link

QUESTION = "? "
LEVELS = {"0": "=", "1": "=>", "B": "==>", "2": "=>>"}
_WAIT_S = 20.0


class ConsoleError(FlashError):
    """E27x thing: what, bound. Remedy."""


def fields(line: str) -> list[str]:
    """A line of a twin without its CRC; ConsoleError if that is wrong."""
    body, comma, code = line.rpartition(",")
    if not comma or code.strip('"') != f"{crc32(body.encode()) & 0xFFFFFFFF:08X}":
        raise ConsoleError(f"E275 checksum: a line of the twin is damaged ({line[:60]}). Check "
                           "cable and ground, then ask again.")
    return next(csv.reader(io.StringIO(body)))


def rows_of(lines: list[str]) -> list[list[str]]:
    """All rows of a twin but its END, which must be there and count them."""
    rows = [fields(line) for line in lines if line.startswith('"')]
    if not rows or rows[-1][:1] != ["END"] or rows[-1][1:] != [str(len(rows) - 1)]:
        raise ConsoleError(f"E275 twin: {len(rows)} lines came and no END that counts them. Check "
                           "cable and ground, then ask again.")
    return rows[:-1]


class Unit:
    """The console of one unit."""

    def __init__(self, link: Link, on_text: Callable[[str], None] | None = None):
        self._link = link
        self._on_text = on_text     # what comes, as it comes, echo and prompt left out

    def wake(self) -> str:
        """Its prompt; the REPL's if it stands there instead."""
        for _ in range(3):
            there = self._link.knock()
            if there:
                break
        else:
            raise ConsoleError(f"E272 port {self._link.device}: nothing answers. Is it a board "
                               "with this firmware, and has it power? A unit that starts needs "
                               "some seconds.")
        if there == "repl":
            raise ConsoleError(f"E273 port {self._link.device}: MicroPython's own prompt, no "
                               "controller: maintenance, safe mode or no firmware. slvg flash "
                               "brings it to life.")
        return self.send("")[1]

    def send(self, line: str, wait_s: float = _WAIT_S) -> tuple[list[str], str]:
        """(lines of the answer, the prompt or question that stands after it)."""
        shown = _Shown(self._on_text) if self._on_text else None
        text = self._link.say(line, (QUESTION, *PROMPTS), wait_s, shown)
        lines = text.replace("\r", "").split("\n")
        last = lines.pop()
        if last not in PROMPTS and not last.endswith(QUESTION):
            raise ConsoleError(f"E274 console: {line[:20] or 'the line'} had no end within "
                               f"{wait_s:.0f} s. Press Ctrl-C there, or plug the unit in again.")
        return lines[1:], last      # the first is the echo

    def ask(self, command: str, wait_s: float = _WAIT_S) -> list[str]:
        """Lines of a command that asks nothing back."""
        lines, last = self.send("\x15" + command, wait_s)
        if last not in PROMPTS:
            self._link.say("\x03", PROMPTS)
            raise ConsoleError(f"E276 {command}: asks a question ({last.strip()}). Use slvg "
                               "console without --do.")
        refused = [one for one in lines if one[:1] == "E" and one[1:4].isdigit()]
        if refused:
            raise ConsoleError(f"E277 {command}: the unit refused it: {refused[0]}")
        return lines

    def twin(self, command: str, wait_s: float = _WAIT_S) -> list[list[str]]:
        """Rows of a comma-separated page; asked twice before it is given up."""
        try:
            return rows_of(self.ask(command, wait_s))
        except ConsoleError as e:
            if not e.text.startswith("E275"):
                raise
        return rows_of(self.ask(command, wait_s))

    def login(self, level: str, password: str) -> None:
        """Up to a level; at a higher one it stays there."""
        words = {"1": ("ACC",), "B": ("ACC", "BAC"), "2": ("2AC",)}.get(level, ())
        for word in words:
            _, last = self.send("\x15" + word)
            if last.endswith(QUESTION):
                lines, last = self.send(password)
                said = next((one for one in lines if one.startswith("E33")), "")
                if said:
                    raise ConsoleError(f"E278 password: the unit refused it: {said} Give the one "
                                       f"of level {level} by --password-file or SLVG_PASSWORD. "
                                       "Forgotten: docs/console.md.")
        if last_level(self.send("")[1]) < last_level(LEVELS[level]):
            raise ConsoleError(f"E278 level {level}: was not reached. Try it by hand: slvg "
                               "console.")


def last_level(prompt: str) -> int:
    return list(LEVELS.values()).index(prompt) if prompt in LEVELS.values() else 0


class _Shown:
    """Hands lines on as they become whole: not the echo, and not the prompt that has no end."""

    def __init__(self, on_text: Callable[[str], None]):
        self._on_text = on_text
        self._rest = ""
        self._echo = True

    def __call__(self, data: bytes) -> None:
        self._rest += data.decode("utf-8", "replace").replace("\r", "")
        *lines, self._rest = self._rest.split("\n")
        for line in lines:
            if self._echo:
                self._echo = False
            else:
                self._on_text(line)
