"""The reference pages of docs/: settings, messages, events, drawn from the firmware's own tables.

`slvg reference` writes them; a test compares them, so that the pages cannot drift from the code.
"""
from pathlib import Path

import host_sim  # noqa: F401  makes the firmware importable
from acu import (
    config,
    events,
    messages,
    metering,
    microgrid_settings,
    protection_settings,
    recloser_settings,
    sync_settings,
)
from acu.console import commands, gates, rec, syn
from acu.functions import reclosing

_KINDS = {"i": "integer", "u": "0 to 127", "f": "0 or 1", "n": "integer or null",
          "a": "[A, B, C], each an integer or null", "s": "word", "l": "list",
          "b": "body of `meas`"}
_BEGIN = "<!-- drawn by slvg reference from firmware/acu/console/commands.py -->"
_BEGIN_SYNC = "<!-- drawn by slvg reference from firmware/acu/sync_settings.py -->"
_BEGIN_MG = "<!-- drawn by slvg reference from firmware/acu/microgrid_settings.py -->"
_BEGIN_REC = "<!-- drawn by slvg reference from firmware/acu/recloser_settings.py -->"
_BEGIN_CAUSES = "<!-- drawn by slvg reference from firmware/acu/console/rec.py -->"
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
    own = {key: rule for key, rule in recloser_settings.KEYS.items()
           if key not in sync_settings.KEYS and key not in _RECLOSING
           and key not in _ISLANDING}
    rows += ["", "## Settings that only a recloser has", "", _NOTE.format("recloser_settings.py"),
             "", "Its synchronism check, breaker and voltage transformers: "
             "[synccheck.md](synccheck.md).", "", *_HEAD, *_settings(own), "",
             "### Automatic reclosing", "",
             "What each means: [reclosing.md](reclosing.md).", "", *_HEAD,
             *_settings(_RECLOSING), "",
             "### Four reclosers that make an island", "",
             "What each means: [recloser.md](recloser.md).", "", *_HEAD,
             *_settings(_ISLANDING), "",
             "### Protection of a recloser", "", _NOTE.format("protection_settings.py"), "",
             "`gr_`: while the grid feeds the line; `is_`: in an island (`GRO` at the console).",
             "Currents and powers are secondary. `_do`: off, an alarm, or a trip; `rst_`: the",
             "level at which an element drops, of its pick-up.", "", *_HEAD,
             *_settings(dict(protection_settings.rules()))]
    rows += ["", "## Settings that only a dispatching ACU has", "",
             _NOTE.format("microgrid_settings.py"), "",
             "What each means: [dispatching.md](dispatching.md).", "", *_HEAD,
             *_settings(microgrid_settings.KEYS)]
    return "\n".join(rows) + "\n"


_RECLOSING = {key: rule for key, rule in recloser_settings.KEYS.items() if key[:3] == "rc_"}
_ISLANDING = {key: rule for key, rule in recloser_settings.KEYS.items() if key[:3] == "il_"}
_HEAD = ("| key | unit | default | lowest | highest |", "|---|---|---|---|---|")
# What each setting of the synchronism check means; in the order of sync_settings.KEYS.
SYNC_MEANS = {
    "t_close_ms": "breaker: from the order to the touch of the contacts",
    "isl_kva": "rating of the island's generators; caps the limits (IEEE 1547)",
    "sy_du_bp": "largest voltage difference",
    "sy_island": "0: symmetrical; 1 or 2: that side must be 0 to `sy_du_bp` above the other "
                 "(IEEE C50.12)",
    "sy_ang_cdeg": "largest closing angle",
    "sy_slip_mhz": "largest slip",
    "sy_acc_mhzs": "largest change of slip",
    "sy_dwell_ms": "so long must all gates hold",
    "sy_hold_ms": "so long an unused permit lasts",
    "sy_wait_ms": "so long a request waits for its moment",
    "gd_du_bp": "guard inside `sy_du_bp`",
    "gd_ang_cdeg": "guard inside `sy_ang_cdeg`, for the breaker's scatter",
    "gd_slip_mhz": "guard inside `sy_slip_mhz`",
    "gd_swing_mhz": "the same while the slip changes",
    "gd_calm_mhzs": "from here on it changes",
    "u_live_pm": "all voltages of a live side are above",
    "u_high_pm": "and below",
    "u_dead_pm": "all voltages of a dead side are below",
    "dead_mode": "dead sides that may be closed onto: 1 side 1, 2 side 2, 4 both; added up",
    "dead_ms": "so long must a side be dead",
    "f_win_mhz": "farthest frequency from nominal",
    "un1_mv": "line voltage of side 1 at nominal, secondary",
    "un2_mv": "of side 2",
    "ang_cdeg": "added to the angle of side 2 minus side 1",
    "vt_i_ma": "such a current flows through a closed breaker only",
    "vt_ok_ms": "so long healthy ends an alarm",
    "vt_same_ms": "so long equal means one transformer for both sides; 0: not watched",
}


# The same of automatic reclosing; in the order of recloser_settings.
RC_MEANS = {
    "rc_shots": "closings before the lock-out; 0: off, and nothing of it is loaded",
    "rc_t1_ms": "dead time of the first shot, from proven open to the close order",
    "rc_t2_ms": "of the second",
    "rc_t3_ms": "of the third",
    "rc_t4_ms": "of the fourth",
    "rc_t5_ms": "of the fifth",
    "rc_reclaim_ms": "so long closed without a fault, and all shots are there again",
    "rc_init": "what starts it, if set to trip: 1 50, 2 51, 4 50N, 8 51N, 16 46; added up",
    "rc_line": "`any`: as the check allows; `dead`: a side must be dead first, which `dead_mode` "
               "allows",
    "rc_wait_ms": "so long for the line to be dead, and then for the check",
    "rc_ready_ms": "so long, from the end of the dead time, for spring, trip circuit, battery, "
                   "measurements",
    "rc_open_ms": "breaker: from the trip to proven open, at most",
    "rc_close_ms": "from the close order to proven closed, at most",
    "rc_discr_ms": "a trip so soon after a close order locks out; 0: never",
    "rc_freq_n": "closings within `rc_freq_s` at most; 0: any number",
    "rc_freq_s": "their window",
}


# The same of a dispatching ACU; in the order of microgrid_settings.KEYS.
MG_MEANS = {
    "mg_policy": "who decides: `table` falls back to `rule`, `rule` to `naive`",
    "mg_step_s": "how often",
    "mg_battery": "id of the battery's management on the Slave Net",
    "mg_hydrogen": "of the hydrogen storage",
    "mg_diesel": "of the diesel set",
    "mg_pv": "of the PV inverter: takes a ceiling, says when it is throttled",
    "mg_load": "of a load switch: leaves load out when told, says when it does",
    "mg_pv_mw": "most that the PV gives",
    "mg_load_mw": "most that the load takes",
    "mg_b_mw": "battery: bus-side limit, both ways",
    "mg_b_mwh": "its capacity; 0: there is none",
    "mg_b_eta_pm": "of what it takes, so much is stored",
    "mg_b_zeta_pm": "of what is stored, so much is delivered",
    "mg_b_res_mwh": "left alone; 3 to 5 % give the diesel set time to start",
    "mg_h_mw": "hydrogen: the same",
    "mg_h_mwh": "its capacity; 0: there is none",
    "mg_h_eta_pm": "electrolyser",
    "mg_h_zeta_pm": "fuel cell",
    "mg_h_res_mwh": "left alone",
    "mg_d_max_mw": "diesel set: most; 0: there is none",
    "mg_d_min_mw": "least while it runs",
    "mg_d0_ueurh": "its cost: an hour at no load",
    "mg_d1_ueurkwh": "and for each kWh",
    "mg_d2_ueurkw2h": "and for each kW squared in an hour",
    "mg_pns_ueurkwh": "what a kWh not supplied is worth",
    "mg_dead_mw": "inside this band around balance the battery alone works",
    "mg_jump_mw": "PV or load off by that: a step at once; 0: off",
    "mg_run_s": "the diesel set runs so long at least",
    "mg_stop_s": "and stands so long",
    "mg_hold_s": "from this age of PV or load on the set-points are held; 0: off",
    "mg_idle_s": "from this age on the stores idle and the diesel set follows the load; 0: off",
    "mg_silent_s": "a device silent for longer is left out",
    "mg_start_s": "the diesel set must run by then",
    "mg_retry_s": "and is tried again after that",
    "mg_lease_s": "for so long a set-point is good",
}


def sync_table() -> str:
    """The part of docs/synccheck.md that is drawn from the firmware's settings."""
    return _with_meaning(sync_settings.KEYS, SYNC_MEANS)


def reclosing_table() -> str:
    """The settings of docs/reclosing.md."""
    return _with_meaning(_RECLOSING, RC_MEANS)


def causes_table() -> str:
    """And its causes of a lock-out."""
    rows = ["| cause | name | what happened | what to do |", "|---|---|---|---|"]
    for k in range(1, reclosing.MEASURE + 1):
        name, what, remedy = rec.of_cause(k)
        rows.append(f"| {k} | {name} | {what} | {remedy} |")
    return "\n".join(rows) + "\n"


def dispatching_table() -> str:
    """The same of docs/dispatching.md."""
    return _with_meaning(microgrid_settings.KEYS, MG_MEANS)


def _with_meaning(keys: dict, means: dict) -> str:
    rows = ["| key | unit | default | lowest | highest | meaning |", "|---|---|---|---|---|---|"]
    for key, row in zip(keys, _settings(keys), strict=True):
        rows.append(f"{row} {means[key]} |")
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
            given = "required" if key in ("role", "wiring") else rule[0]
            rows.append(f"| `{key}` | | {given} | one of {', '.join(map(str, rule))} | |")
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
             "swell, 512 interruption; `n` counts samples.", "",
             "Codes of a recloser: PRO (an element of its protection tripped: `ph` which one, as",
             "`el` in events.md, `val` its value, `lim` all that trip, as bits), VTS (`val`: the",
             "alarms of its voltage transformers), PAI (it has separated: `val` the trigger,",
             "`lim` what it saw), GEN (machines tripped: `val` the mask, `lim` the load, kW), LCK",
             "(automatic reclosing is locked out: `ph` the cause, `val` why as in its heart beat,",
             "`lim` the shots).", "",
             "Codes of a dispatching ACU: STL (`val` 0 fresh, 1 set-points held, 2 stores idle;",
             "`lim` age in ms), STO (a store is left out: `ph` 1 battery, 2 hydrogen, `val` why),",
             "DGF (the diesel set: `ph` 2 did not start, 3 stopped by itself), PNS (load is left",
             "out: `val` W, `lim` 1 it begins, 0 it is over). `st` of `mg.rep` and `err` of its",
             "heart beat, as bits: 1 held, 2 idle, 4 battery, 8 hydrogen left out, 16 no diesel",
             "set, 32 stop, 64 load left out; `by` 0 naive, 1 rule, 2 table. Energies of",
             "`mg.rep`: `v_Wh` PV, `e_Wh` load, `d_Wh` diesel set, `x_Wh` not supplied."]
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
    return "\n".join(rows + _recloser_words() + _MICROGRID_WORDS) + "\n"


_MICROGRID_WORDS = [
    "", "## Numbers in the events of a dispatching ACU", "",
    "`policy`: 0 naive, 1 rule, 2 table. `state` of MG_STALE: 0 fresh, 1 set-points held, 2",
    "stores idle, the diesel set follows the load; of MG_STORE: 0 back, 1 impossible charge, 2",
    "silent, 3 not ready; `store` 1 battery, 2 hydrogen; `e_wh` -1: not known. `state` of",
    "MG_DIESEL: 0",
    "stopped, 1 runs, 2 did not start in time or has a fault, 3 stopped by itself, 4 may be tried",
    "again; `ms` since its last change. MG_PNS `p_w` 0: nobody knows how much. What to do:",
    "[dispatching.md](dispatching.md)."]


def _recloser_words() -> list[str]:
    """What the numbers in a recloser's events mean."""
    causes = ", ".join(f"{k} {rec.of_cause(k)[0]}" for k in range(1, reclosing.MEASURE + 1))
    rows = ["", "## Numbers in the events of a recloser", "",
            f"`cause` of RECL_LOCK ([reclosing.md](reclosing.md)): {causes}.",
            "`shot`: of RECL_TRIP and RECL_ASK the one that comes, of RECL_LOCK those so far.", "",
            "`el`, an element of the protection: "
            + ", ".join(f"{k} {name.upper()}"
                        for k, name in enumerate(protection_settings.ELEMENTS)) + ".", "",
            "`kind` of SYNC, a decision of the synchronism check: "
            + ", ".join(f"{k} {word}" for k, word in enumerate(syn.KINDS) if k) + ".", "",
            "`alarms` of VT, as bits: "
            + ", ".join(f"{1 << k} {word}" for k, word in enumerate(gates.ALARMS)) + ".", "",
            "`gates` of SYNC, the reasons as bits, and what to do ([synccheck.md](synccheck.md)):",
            "", "| bit | name | what to do |", "|---|---|---|"]
    for k in range(gates.REASONS):
        name, words, remedy = gates.of_reason(k)
        rows.append(f"| {1 << k} | {name} | {words + ': ' if words else ''}{remedy} |")
    return rows


def command_table() -> str:
    """The part of docs/console.md that is drawn from the firmware's table."""
    rows = ["| command | level | twin | what |", "|---|---|---|---|"]
    for row in commands.rows():
        twin = f"`C{row[commands.NAME]}`" if row[commands.TWIN] else ""
        level = commands.LEVELS[row[commands.LEVEL]]
        rows.append(f"| `{row[commands.USAGE]}` | {level} | {twin} | {row[commands.HELP]} |")
    return "\n".join(rows) + "\n"


def _drawn(path: Path, begin: str, table: str) -> str:
    """A page that is written by hand but for its table, between two marks."""
    text = path.read_text(encoding="utf-8") if path.exists() else f"{begin}\n{_END}\n"
    return _drawn_in(text, begin, table)


def _drawn_in(text: str, begin: str, table: str) -> str:
    head, _, rest = text.partition(begin)
    return head + begin + "\n" + table + _END + rest.partition(_END)[2]


def pages(folder: Path = Path("docs")) -> dict[str, str]:
    return {"console.md": _drawn(folder / "console.md", _BEGIN, command_table()),
            "reclosing.md": _drawn_in(
                _drawn(folder / "reclosing.md", _BEGIN_REC, reclosing_table()),
                _BEGIN_CAUSES, causes_table()),
            "synccheck.md": _drawn(folder / "synccheck.md", _BEGIN_SYNC, sync_table()),
            "dispatching.md": _drawn(folder / "dispatching.md", _BEGIN_MG, dispatching_table()),
            "settings.md": settings(),
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
