"""What the pins of a chip can do, and which of them a board's pins.py claims for what.

Facts of the Raspberry Pi Pico W (RP2040 datasheet, Pico W datasheet) and of ESP32-WROOM/WROVER
modules (ESP32 datasheet, sections 2.2 to 2.4 and the table of its IO_MUX). boards.py judges.
pins.py holds constants only, so it is read, never run.
"""
import ast
from dataclasses import dataclass, field
from pathlib import Path

from host_sim.scenario.complaints import InputError

NAMES = ("CONVERTER", "OUTPUTS", "INPUTS", "INTERLOCK", "RECOVERY", "LED", "FORBIDDEN", "UNUSED",
         "TERMINAL")
_NEEDED = NAMES[:-2]     # UNUSED: outputs that no role drives; TERMINAL: a console not on USB


@dataclass(frozen=True)
class Chip:
    """name: of a pin, in sentences. taken: pin -> what it serves already. strapping: read by the
    chip at reset; risen: besides, pulled up or toggling then. where: pin -> its number on the
    module's header."""

    name: str
    title: str
    pins: frozenset[int]
    taken: dict[int, str]
    adc: frozenset[int]
    adc_why: str
    input_only: frozenset[int] = frozenset()
    strapping: frozenset[int] = frozenset()
    risen: frozenset[int] = frozenset()
    drivers: tuple[str, ...] = ()
    where: dict[int, str] = field(default_factory=dict)


def _header(*columns: tuple[str, str]) -> dict[int, str]:
    """'- 36 39' -> {36: 'J2-2', 39: 'J2-3'}; '-' is no GPIO."""
    return {int(word): f"{prefix}{k}" for prefix, words in columns
            for k, word in enumerate(words.split(), 1) if word != "-"}


CHIPS = {
    "rp2040": Chip(
        "GP", "Pico W", frozenset([*range(23), 26, 27, 28]),
        {23: "wireless power", 24: "wireless data", 25: "wireless chip select",
         29: "wireless clock"},
        frozenset((26, 27, 28)), "A Pico W has them on GP26, GP27 and GP28.",
        drivers=("rp2_adc", "mcp3208_pio"),
        where=_header(("", "0 1 - 2 3 4 5 - 6 7 8 9 - 10 11 12 13 - 14 15 16 17 - 18 19 20 21 - "
                           "22 - 26 27 - 28"))),
    "esp32": Chip(
        "GPIO", "ESP32", frozenset([0, 1, 2, 3, 4, 5, *range(12, 20), 21, 22, 23, 25, 26, 27,
                                    32, 33, 34, 35, 36, 39]),
        {1: "console output", 3: "console input", **dict.fromkeys(range(6, 12), "flash memory"),
         16: "PSRAM of a WROVER", 17: "PSRAM of a WROVER"},
        frozenset((32, 33, 34, 35, 36, 39)),
        "ADC1 is on GPIO32 to 36 and 39; ADC2 stops when Wi-Fi starts.",
        frozenset((34, 35, 36, 39)), frozenset((0, 2, 5, 12, 15)), frozenset((14,)),
        ("mcp3208_burst", "esp32_adc", "atm90e32"),
        _header(("J2-", "- - 36 39 34 35 32 33 25 26 27 14 12 - 13 9 10 11"),
                ("J3-", "- 23 22 1 3 21 - 19 18 5 17 16 4 0 2 15 8 7 6"))),
}


@dataclass(frozen=True)
class Claim:
    """A function that takes a pin. use: relay, out, in, analog, wire (both ways)."""

    what: str
    pin: int
    use: str


def read(path: Path) -> dict:
    """The constants of a pins.py; anything else in it is refused."""
    board = path.parent.name
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise InputError([f"E201 board {board}: pins.py cannot be read ({e.strerror}). Write it "
                          "beside board.json."]) from e
    except (SyntaxError, ValueError) as e:
        raise InputError([f"E201 board {board}: pins.py is no Python: {e}. Mend it."]) from e
    out: dict = {}
    wrong = []
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue      # the docstring
        name = ""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
        if name not in NAMES or not isinstance(node, ast.Assign) or len(node.targets) > 1:
            wrong.append(f"E201 board {board}: pins.py, line {node.lineno}: only constants stand "
                         f"here: {', '.join(NAMES)}. Remove it.")
            continue
        try:
            out[name] = ast.literal_eval(node.value)
        except ValueError:
            wrong.append(f"E201 board {board}: pins.py: {name} is no constant. Write it with "
                         "numbers, texts, tuples and dictionaries only.")
    wrong += [f"E201 board {board}: pins.py: {name} is missing. Add it; None where there is none."
              for name in _NEEDED if name not in out and f"{name} is no" not in "".join(wrong)]
    if wrong:
        raise InputError(wrong)
    out.setdefault("UNUSED", ())
    out.setdefault("TERMINAL", None)
    return out


def claims(pins: dict) -> list[Claim]:
    """Every pin of a well-formed pins.py with what it serves, in the file's order."""
    out = []
    converter = pins["CONVERTER"]
    for k, pin in enumerate(converter.get("pins", ())):
        out.append(Claim(f"converter input {k}", pin, "analog"))
    for key, use in (("sck", "out"), ("mosi", "out"), ("miso", "in"), ("cs", "out"),
                     ("irq", "in")):
        if key in converter:
            out.append(Claim(f"converter {key}", converter[key], use))
    for one in (*pins["OUTPUTS"], *pins["UNUSED"]):
        for key in ("close", "open", "pin"):
            if key in one:
                what = f"output {one['name']}"
                out.append(Claim(what if key == "pin" else f"{what} ({key})", one[key], "relay"))
    for one in pins["INPUTS"]:
        if "ds18b20" in one:
            out.append(Claim(f"input {one['name']}", one["ds18b20"], "wire"))
        elif "pin" in one:
            out.append(Claim(f"input {one['name']}", one["pin"], "in"))
    for name, what in (("INTERLOCK", "interlock"), ("RECOVERY", "recovery button")):
        if isinstance(pins[name], dict):
            out.append(Claim(what, pins[name]["pin"], "in"))
    if isinstance(pins["TERMINAL"], dict):
        out.append(Claim("terminal tx", pins["TERMINAL"]["tx"], "out"))
        out.append(Claim("terminal rx", pins["TERMINAL"]["rx"], "in"))
    if isinstance(pins["LED"], int):
        out.append(Claim("LED", pins["LED"], "out"))
    return out
