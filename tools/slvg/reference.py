"""The reference pages of docs/: settings, messages, events, drawn from the firmware's own tables.

`slvg reference` writes them; a test compares them, so that the pages cannot drift from the code.
"""
from pathlib import Path

import host_sim  # noqa: F401  makes the firmware importable
from acu import config, events, messages, metering
from acu.console import commands

_KINDS = {"i": "integer", "u": "0 to 127", "f": "0 or 1", "n": "integer or null",
          "a": "[A, B, C], each an integer or null", "s": "word", "l": "list",
          "b": "body of `meas`"}
_BEGIN = "<!-- drawn by slvg reference from firmware/acu/console/commands.py -->"
_END = "<!-- end of the drawn table -->"
_NOTE = "Drawn from `firmware/acu/{}` by `slvg reference`; do not edit here."


def settings() -> str:
    rows = ["# Settings of a controller", "", _NOTE.format("config.py"), "",
            "The key carries the unit. Anything out of bounds, unknown or of the wrong kind is",
            "refused with the key, the bound and the remedy, and nothing starts.", "",
            "| key | unit | default | lowest | highest |", "|---|---|---|---|---|"]
    rows += _settings(config.KEYS)
    rows += ["", "## Settings that only a meter has", "", _NOTE.format("metering.py"), "",
             "| key | unit | default | lowest | highest |", "|---|---|---|---|---|",
             *_settings(metering.KEYS)]
    return "\n".join(rows) + "\n"


def _settings(keys: dict) -> list[str]:
    rows = []
    for key, rule in keys.items():
        if rule == config.WORD:
            given = "required" if key in config.REQUIRED else "-"
            rows.append(f"| `{key}` | | {given} | identity: 1 to 16 of a-z 0-9 _ - | |")
        elif rule == config.LIST:
            rows.append(f"| `{key}` | | empty list | | |")
        elif isinstance(rule[0], str):
            rows.append(f"| `{key}` | | required | one of {', '.join(map(str, rule))} | |")
        else:
            rows.append(f"| `{key}` | {config.unit(key)} | {rule[0]} | {rule[1]} | {rule[2]} |")
    return rows


def message_page() -> str:
    rows = ["# Messages", "", _NOTE.format("messages.py"), "",
            f"JSON, integers only, keys in this order, at most {messages.FRAME_MAX} bytes "
            f"({', '.join(messages.PAGED)}: {messages.PAGE_MAX}).",
            "Envelope: `v` 1, `t` type, `s` source, `d` destination or `*`, `n` number,",
            "`c` correlation, `ts` Unix time in ms, `b` body; a command adds `k` counter,",
            "`x` expiry in Unix ms and, last, `h`, the code over all bytes before it (16 zeros",
            "until keys exist).", "",
            "| type | QoS | retained | command | body |", "|---|---|---|---|---|"]
    for t in messages.TABLE:
        kinds, *keys = messages.form(t)
        body = ", ".join(f"`{key}` {_KINDS[kind]}"
                         for key, kind in zip(keys, kinds, strict=True))
        flags = f"{'yes' if messages.retained(t) else ''} | {'yes' if messages.command(t) else ''}"
        rows.append(f"| `{t}` | {messages.qos(t)} | {flags} | {body} |")
    rows += ["", "Rows of the lists: `agg` `ops` [id, ph, on, s_VA, p_W, q_var, fl]; `tele` `ops`",
             "[id, ph, on, s_VA], `br` [id, on, silent, s_VA]. Page `pg` of `pgs` holds a part of",
             "the rows, all else is repeated. A value that is not known is null.", "",
             "Codes of `evt`: OUT UV OV NEU OC SHC OT GND DOFC TAMP; OPN (a customer could not be",
             "connected: `val` his place, `lim` the error), LCK (a branch is locked out: `val`",
             "why), BRN (a Sub-Coordinator is silent: `val` its place, `lim` for how many ms; 0:",
             "it is back). `s` is who has seen it: TAMP of a branch comes in the branch's name.",
             "", "Codes of a meter: DIP SWL INT (`val` the voltage, at the end the residual or",
             "greatest one; `lim` how long it lasted in ms, 0 at its start), RVC (`val` the",
             "change of the voltage, `lim` how long it took), FRQ OC REV PHL SEQ NEU OPC TAMP",
             "(`val` frequency, current, power, voltage, sequence, zero sequence in ppm, value of",
             "the channel that is off, 1 cover or 2 magnet; `lim` 1: it begins, 0: it is over).",
             "",
             "`fl` and `q`: 1 clock not set, 2 a channel is bad, 4 samples were lost, 8 starting,",
             "16 powers and energies are estimates, or the frequency is held, 32 measured in",
             "bursts (ESP32 without a metering chip): of reduced quality. `fl` of `pq`: 1",
             "clock was set, or is not, 2 samples lost, 4 frequency held, 8 longer windows, 16",
             "voltage outside 90 to 110 %, 32 estimates, 64 a channel was bad, 128 dip, 256",
             "swell, 512 interruption; `n` counts samples."]
    errors = {getattr(events, name): name for name in dir(events) if name.startswith("E_")}
    rows += ["", "## Errors `e` of an acknowledgement", "", "| number | meaning |", "|---|---|"]
    rows += [f"| {number} | {errors[number][2:].replace('_', ' ').lower()} |"
             for number in sorted(errors)]
    rows += ["", "## Reasons `why`", "", "| number | name |", "|---|---|"]
    rows += [f"| {k} | {name} |" for k, name in enumerate(events.WHYS)]
    return "\n".join(rows) + "\n"


def event_page() -> str:
    rows = ["# Events", "", _NOTE.format("events.py"), "",
            "A line of the log: UTC, controller, number since its start, name, values. `op` is",
            "the place of an Operator in the Coordinator's `members`, counted from 0; `br` that",
            "of a Sub-Coordinator among those in `via`; phases are 0, 1, 2, and 3 for a breaker",
            "of all three; a `mask` has bit 0 for phase A.", "",
            "| number | name | values |", "|---|---|---|"]
    table = events.TABLE
    for number, line in sorted(table.items()):
        name, *keys = line.split()
        rows.append(f"| {number} | {name} | {', '.join(f'`{key}`' for key in keys)} |")
    return "\n".join(rows) + "\n"


def command_table() -> str:
    """The part of docs/console.md that is drawn from the firmware's table."""
    rows = ["| command | level | twin | what |", "|---|---|---|---|"]
    for row in commands.rows():
        twin = f"`C{row[commands.NAME]}`" if row[commands.TWIN] else ""
        level = commands.LEVELS[row[commands.LEVEL]]
        rows.append(f"| `{row[commands.USAGE]}` | {level} | {twin} | {row[commands.HELP]} |")
    return "\n".join(rows) + "\n"


def console_page(folder: Path) -> str:
    """docs/console.md is written by hand but for its table, between two marks."""
    path = folder / "console.md"
    text = path.read_text(encoding="utf-8") if path.exists() else f"{_BEGIN}\n{_END}\n"
    head, _, rest = text.partition(_BEGIN)
    return head + _BEGIN + "\n" + command_table() + _END + rest.partition(_END)[2]


def pages(folder: Path = Path("docs")) -> dict[str, str]:
    return {"console.md": console_page(folder), "settings.md": settings(),
            "messages.md": message_page(), "events.md": event_page()}


def write(folder: Path) -> list[Path]:
    """Writes the pages; returns those that changed."""
    changed = []
    for name, text in pages(folder).items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed
