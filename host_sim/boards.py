"""Validator of boards/NAME: board.json and pins.py together, against what the chip can do.

Called by `slvg check boards/NAME`, by `slvg build` and by the tests over all boards. Refuses
whatever could move a relay at reset, measure nothing, or run a protection where no hard timer is.
Every complaint names the thing, the bound and the remedy (E201 to E219); nothing is run.
"""
from pathlib import Path

from acu.dsp.kernels import STRIDE
from host_sim import pins as pin_facts
from host_sim.pins import CHIPS, Chip, Claim, claims
from host_sim.scenario.complaints import InputError, choices, meant
from host_sim.scenario.reading import load_board

BOARDS = Path(__file__).resolve().parents[1] / "boards"

_SPI = ("sck", "mosi", "miso", "cs")
# driver -> keys that CONVERTER must have, keys that it may have
DRIVERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "rp2_adc": (("pins",), ()),
    "mcp3208_pio": (_SPI, ()),
    "mcp3208_burst": (("spi", *_SPI), ()),
    "esp32_adc": (("pins",), ()),
    "atm90e32": (("spi", *_SPI), ("irq", "ugain", "igain", "pga", "i_x")),
}
READINGS = ("mcp3208_burst", "esp32_adc", "atm90e32")      # tell readings instead of samples
_READINGS_HZ = 1000
_MCP = 8                                                   # channels of an MCP3208
_ATM = 6
# kinds of boards whose outputs must exclude one another in hardware too
_INTERLOCKED = ("customer",)
_PROTECTING = ("branch", "recloser")


def names() -> list[str]:
    return sorted(path.parent.name for path in BOARDS.glob("*/board.json"))


def folder_of(name: str) -> Path:
    """The folder of a board given by name or by path."""
    path = Path(name)
    if "/" in name or (path / "board.json").is_file():
        if not (path / "board.json").is_file():
            raise InputError([f"E211 {name}: holds no board.json. Name a folder of boards/."])
        return path.resolve()
    if name not in names():
        raise InputError([f"E211 board {name!r} is not in boards/. {meant(name, names())}"])
    return BOARDS / name


def load(name: str) -> tuple[dict, dict]:
    """(board, pins) of a board that is in order; whatever is wrong with it is an InputError."""
    folder = folder_of(name)
    board = load_board(folder / "board.json")
    pins = pin_facts.read(folder / "pins.py")
    wrong = complaints(folder.name, board, pins)
    if wrong:
        raise InputError(wrong)
    return board, pins


def complaints(folder: str, board: dict, pins: dict) -> list[str]:
    """What is wrong with a board whose board.json has the right form."""
    wrong: list[str] = []
    chip = CHIPS[board["mcu"]]
    if board["board"] != folder:
        wrong.append(f"E202 board {folder}: board.json calls it {board['board']!r}. Give the "
                     "folder and the board one name.")
    shape = _shape(folder, pins)
    if shape:
        return wrong + shape      # pins of what has no form cannot be judged
    wrong += _converter(folder, board, pins["CONVERTER"], chip)
    wrong += _names(folder, board, pins)
    wrong += _outputs(folder, board, pins)
    wrong += _pins(folder, claims(pins), chip)
    wrong += _forbidden(folder, pins, chip)
    wrong += _roles(folder, board, pins["CONVERTER"])
    return wrong


def _shape(folder: str, pins: dict) -> list[str]:
    """Tables and whole numbers where the drivers look for them."""
    wrong = []

    def table(what: str, one, *needed: str) -> bool:
        if not isinstance(one, dict):
            wrong.append(f"E201 board {folder}: {what} = {one!r} is no table. Write {{...}}.")
            return False
        missing = [key for key in needed if key not in one]
        if missing:
            wrong.append(f"E201 board {folder}: {what} has no {missing[0]}. Add it.")
        return not missing

    def numbers(what: str, one: dict, *keys: str) -> None:
        for key in keys:
            value = one.get(key)
            for n in value if isinstance(value, tuple) else (value,):
                if key in one and type(n) is not int:
                    wrong.append(f"E203 board {folder}: {what}: {key} = {n!r} is no pin number. "
                                 "Write the chip's own number of the pin.")

    if table("CONVERTER", pins["CONVERTER"], "driver"):
        numbers("converter", pins["CONVERTER"], "pins", "sck", "mosi", "miso", "cs", "irq")
    for name in ("OUTPUTS", "UNUSED", "INPUTS"):
        if not isinstance(pins[name], tuple):
            wrong.append(f"E201 board {folder}: {name} is no tuple. Write ({{...}}, {{...}},).")
            continue
        for one in pins[name]:
            if table(f"an entry of {name}", one, "name"):
                numbers(str(one["name"]), one, "close", "open", "pin", "ds18b20")
    if pins["TERMINAL"] is not None and table("TERMINAL", pins["TERMINAL"], "uart", "baud", "tx",
                                              "rx"):
        numbers("terminal", pins["TERMINAL"], "uart", "baud", "tx", "rx")
    for name in ("INTERLOCK", "RECOVERY"):
        if pins[name] is not None and pins[name] != "bootsel" and table(
                name, pins[name], "pin", "active", "pull"):
            numbers(name.lower(), pins[name], "pin")
    return wrong


def _converter(folder: str, board: dict, converter: dict, chip: Chip) -> list[str]:
    driver = converter["driver"]
    who = f"board {folder}: converter {driver}"
    if driver not in chip.drivers:
        return [f"E215 {who} is not for the {chip.title}. There are: {choices(chip.drivers)}."
                if driver in DRIVERS else
                f"E215 {who} is unknown. {meant(str(driver), chip.drivers)}"]
    keys, more = DRIVERS[driver]
    wrong = [f"E215 {who} needs {key}. Add it to CONVERTER." for key in keys
             if key not in converter]
    wrong += [f"E215 {who} has no use for {key}. Remove it." for key in converter
              if key not in keys + more and key != "driver"]
    n = len(board["channels"])
    if driver == "rp2_adc":
        slots = len(converter.get("pins", ()))
        if slots != n:
            wrong.append(f"E216 {who} has {slots} pins, board.json {n} channels. Give each "
                         "channel its pin, in order.")
        elif slots > 3:
            wrong.append(f"E216 {who} has {slots} pins; the chip has 3 inputs. Use mcp3208_pio.")
        elif list(converter["pins"]) != sorted(converter["pins"]):
            wrong.append(f"E216 {who}: pins {converter['pins']} are not ascending, and the round "
                         "robin is. Order the channels of board.json by their pins.")
    elif driver == "esp32_adc" and len(converter.get("pins", ())) != n:
        wrong.append(f"E216 {who} has {len(converter.get('pins', ()))} pins, board.json {n} "
                     "channels. Give each channel its pin, in order.")
    elif driver in ("mcp3208_pio", "mcp3208_burst") and n > _MCP:
        wrong.append(f"E216 {who} has {_MCP} channels, board.json {n}. Leave some out.")
    elif driver == "atm90e32" and (n != _ATM or board["kind"] != "post"):
        wrong.append(f"E216 {who} measures three voltages and three currents, a "
                     f"{board['kind']} board has {n} channels. Use another converter.")
    if driver in READINGS:
        if board["rate_hz"] != _READINGS_HZ:
            wrong.append(f"E218 {who} tells readings; rate_hz = {board['rate_hz']} means nothing "
                         f"to it. Set {_READINGS_HZ}, which the simulator samples with.")
    else:
        need = 1_000_000_000 // (board["rate_hz"] * STRIDE)
        if board["slot_ns"] != need:
            wrong.append(f"E218 {who} takes a channel every {need} ns ({STRIDE} in a frame at "
                         f"{board['rate_hz']} Hz), board.json says slot_ns = {board['slot_ns']}. "
                         f"Set slot_ns to {need}: what is not corrected is a wrong power.")
    return wrong


def _names(folder: str, board: dict, pins: dict) -> list[str]:
    """board.json and pins.py must speak of the same things in the same order: the firmware
    numbers them."""
    wrong = []
    for key, table in (("outputs", "OUTPUTS"), ("inputs", "INPUTS"), ("unused", "UNUSED")):
        said = [one["name"] for one in board[key]]
        wired = [one["name"] for one in pins[table]]
        if said != wired:
            wrong.append(f"E202 board {folder}: {table} of pins.py are {' '.join(wired) or 'none'}"
                         f", {key} of board.json {' '.join(said) or 'none'}. Give both the same "
                         "names in the same order.")
    for one in pins["INPUTS"]:
        if ("pin" in one) == ("ds18b20" in one):
            wrong.append(f"E202 board {folder}: input {one['name']} needs either pin or ds18b20. "
                         "Give one of them.")
        elif "pin" in one and (one.get("active") not in (0, 1)
                               or one.get("pull") not in ("up", "down", None)
                               or "pull" not in one):
            wrong.append(f"E202 board {folder}: input {one['name']} needs active (0 or 1) and "
                         "pull (\"up\", \"down\" or None). Add them.")
    return wrong


def _outputs(folder: str, board: dict, pins: dict) -> list[str]:
    """No coil may be energised before the firmware says so, whatever the pin does till then."""
    wrong = []
    for one in (*pins["OUTPUTS"], *pins["UNUSED"]):
        who = f"board {folder}: output {one['name']}"
        drive = one.get("drive")
        if drive == "latching":
            if "close" not in one or "open" not in one or one["close"] == one["open"]:
                wrong.append(f"E210 {who} latches and needs two pins. Give close and open a pin "
                             "each.")
        elif drive == "hold":
            if "pin" not in one or "close" in one or "open" in one:
                wrong.append(f"E210 {who} is held by one pin. Give pin, not close and open.")
        else:
            wrong.append(f"E209 {who}: drive = {drive!r} says nothing of its state at reset. "
                         "Write \"latching\" (keeps its position) or \"hold\" (released is "
                         "open).")
        if one.get("active") != 1:
            wrong.append(f"E209 {who}: active = {one.get('active')!r} leaves no safe state while "
                         "the pin floats at reset. Use a driver with a pull-down resistor and "
                         "active 1.")
    if board["kind"] in _INTERLOCKED and pins["INTERLOCK"] is None:
        wrong.append(f"E213 board {folder}: {len(pins['OUTPUTS'])} outputs exclude one another "
                     "and there is no INTERLOCK. Wire the chain of the close coils' supply to an "
                     "input and name it in pins.py.")
    return wrong


def _pins(folder: str, taken: list[Claim], chip: Chip) -> list[str]:
    wrong = []
    first: dict[int, Claim] = {}
    for one in taken:
        pin = f"{chip.name}{one.pin}"
        who = f"board {folder}: {one.what} uses {pin}"
        if one.pin in chip.taken:
            wrong.append(f"E205 {who}, which serves the {chip.taken[one.pin]}. Choose another "
                         "pin in pins.py.")
        elif one.pin not in chip.pins:
            wrong.append(f"E203 {who}; the {chip.title} has no such pin. Choose one of "
                         f"{', '.join(map(str, sorted(chip.pins - set(chip.taken))))}.")
        elif one.use == "analog" and one.pin not in chip.adc:
            wrong.append(f"E208 {who}, no analog input. {chip.adc_why}")
        elif one.use in ("relay", "out", "wire") and one.pin in chip.input_only:
            wrong.append(f"E207 {who}, which is an input only. Choose another pin in pins.py.")
        elif one.use == "relay" and one.pin in chip.strapping | chip.risen:
            why = ("a strapping pin: its level at reset belongs to the chip"
                   if one.pin in chip.strapping else "which is pulled up at reset")
            wrong.append(f"E206 {who}, {why}. A relay needs a pin that stays low at reset; "
                         "choose another.")
        if one.pin not in first:
            first[one.pin] = one
        else:
            output = one.what.startswith("output ")
            other = first[one.pin].what
            wrong.append(f"E204 {who}, already used by "
                         f"{other.removeprefix('output ') if output else other}. Give each "
                         f"{'output' if output else 'function'} its own pin in pins.py.")
    return wrong


def _forbidden(folder: str, pins: dict, chip: Chip) -> list[str]:
    """pins.py tells the next reader too which pins are not free."""
    missing = [pin for pin in chip.taken if pin not in pins["FORBIDDEN"]]
    wrong = [f"E205 board {folder}: FORBIDDEN lacks {chip.name}{pin} ({chip.taken[pin]}). Add it."
             for pin in missing]
    return wrong + [f"E205 board {folder}: {one.what} uses {chip.name}{one.pin}, which FORBIDDEN "
                    "keeps. Choose another pin, or take it off the list."
                    for one in claims(pins)
                    if one.pin in pins["FORBIDDEN"] and one.pin not in chip.taken]


def _roles(folder: str, board: dict, converter: dict) -> list[str]:
    wrong = []
    if board["mcu"] == "esp32" and (board["kind"] in _PROTECTING or "recloser" in board["roles"]):
        wrong.append(f"E214 board {folder}: a {board['kind']} board trips and recloses, and an "
                     "ESP32 has no hard timers to do it in time. Use an RP2040.")
    if "meter" in board["roles"] and converter["driver"] in READINGS:
        wrong.append(f"E214 board {folder}: the role meter works on samples, and "
                     f"{converter['driver']} tells readings. Leave the role out, or use "
                     "mcp3208_pio.")
    return wrong
