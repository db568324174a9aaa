"""`slvg sim playback --comtrade FILE.cfg`: a record of a disturbance through the whole Meter."""
import re
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from host_sim.scenario import playback
from host_sim.scenario.complaints import InputError
from host_sim.vm.client import VmError
from host_sim.vm.find import NoMicroPython
from slvg.output import bad_input, writable, write_json

_ALIKE = 0.005      # windows that differ by less in all of U and I are shown once
_START = ("BOOT", "SELFTEST")     # of every playback
_VOLTAGE = re.compile(r"\b(res|max|du|u)_dv=(\d+)")
_FLAGS = ((2, "lost"), (4, "no f"), (8, "long"), (16, "event"))


def mapping(text: str) -> dict[str, str]:
    """ua=VA,ib=3 as a table."""
    chosen = {}
    for part in filter(None, text.split(",")):
        name, equals, channel = part.partition("=")
        if not equals or not name.strip() or not channel.strip():
            bad_input(f"E175 --map {part}: is no pair. Write ua=CHANNEL,ia=CHANNEL,... with names "
                      "or numbers of channels.")
        name = name.strip().lower()
        if name in chosen:
            bad_input(f"E175 --map {part}: {name} is given twice. Give each input one channel.")
        chosen[name] = channel.strip()
    return chosen


def command(comtrade: Path | None, un_v: float | None, chosen: str, seed: int | None, vm: bool,
            log: Path | None, json_file: Path | None, quiet: bool, unused: dict) -> None:
    """unused: options of `sim` that a record has no use for, with what was given."""
    if comtrade is None:
        bad_input("E170 sim playback: no record. Give one, --comtrade FILE.cfg.")
    for option, given in unused.items():
        if given:
            bad_input(f"E131 {option}: a record has no use for it. Leave it out.")
    writable({"--log": log, "--json": json_file}, str(comtrade))
    for option, path in (("--log", log), ("--json", json_file)):
        if path is not None and path.suffix.lower() == ".dat" and path.stem == comtrade.stem:
            bad_input(f"E132 {option} {path}: is the record's. Write elsewhere.")
    console = Console(quiet=quiet or str(json_file) == "-", highlight=False, soft_wrap=True)
    try:
        record, plan = playback.prepare(comtrade, un_v, mapping(chosen))
        _head(console, record, plan)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(record.name)
            played = playback.run(record, plan, 1 if seed is None else seed, vm,
                                  lambda n, of: bar.update(task, completed=n, total=of))
    except (InputError, NoMicroPython, VmError) as e:
        bad_input(str(e))
    _windows(console, played)
    _events(console, played)
    if log is not None:
        log.write_text("".join(line + "\n" for _, line in played.events), encoding="utf-8")
    write_json(json_file, figures(played))
    if played.same is False:
        typer.echo(f"E140 {record.name}: the log inside MicroPython is another one. Report it, "
                   "with the record.", err=True)
        raise typer.Exit(1)


def figures(played: playback.Played) -> dict:
    """For --json: volts, amperes, watts of the record's primary side, seconds from its first
    sample."""
    record, plan = played.record, played.plan
    return {
        "record": {"name": record.name, "station": record.station, "device": record.device,
                   "revision": record.revision, "form": record.form,
                   "start": record.start.isoformat(), "length_s": record.length_s,
                   "trigger_s": record.trigger_s, "samples": len(record.time_s),
                   "rates_hz": [rate for rate, _ in record.rates]},
        "meter": {"kind": plan.kind, "wiring": plan.wiring, "un_v": plan.un_v,
                  "u_ratio": plan.u_ratio, "i_ratio": plan.i_ratio, "fn_hz": plan.fn_mhz / 1000,
                  "inputs": {name: channel.name if channel else None
                             for name, channel in plan.inputs}},
        "windows": [asdict(window) for window in played.windows],
        "events": [{"t_s": t_s, "line": line} for t_s, line in played.events],
        "notes": plan.notes, "vm_same": played.same, "ok": played.same is not False,
    }


def _head(console: Console, record: playback.Record, plan: playback.Plan) -> None:
    rates = ", ".join(f"{rate:g} Hz" for rate, _ in record.rates[:3] if rate) or "own times"
    rates += f" and {len(record.rates) - 3} more" if len(record.rates) > 3 else ""
    console.print(f"{record.name}: {record.station}, {record.device} ({record.revision} "
                  f"{record.form}, {rates}); {record.length_s:.3f} s from {record.start} on, "
                  f"trigger at {record.trigger_s:.3f} s", markup=False)
    wires = " ".join(f"{name}={c.name if c else '-'}" for name, c in plan.inputs)
    through = "" if plan.u_ratio == 1 and plan.i_ratio == 1 else \
        f" through {plan.u_ratio:.4g}:1 and {plan.i_ratio:g}:1"
    console.print(f"Meter {plan.kind} {plan.wiring}, {plan.un_dv / 10:g} V "
                  f"{plan.fn_mhz // 1000} Hz{through}: {wires}", markup=False)
    for note in plan.notes:
        console.print(f"- {note}", markup=False)


def _windows(console: Console, played: playback.Played) -> None:
    console.print(f"{'window':>10} {'f':>9}  ph {'U':>10} {'deg':>7} {'I':>10} {'deg':>7} "
                  f"{'P':>11} {'Q1':>11} {'PF':>7}", markup=False)
    plan = played.plan
    code_v, code_a = (plan.u_peak_dv / 10 * plan.u_ratio / 2048,
                      plan.i_peak_ma / 1000 * plan.i_ratio / 2048)
    shown: list[tuple[float, float]] = []
    alike = 0
    for w in played.windows:
        # value, and what does not count of it
        now = [(u, max(_ALIKE * u, code_v)) for u in w.u_v]
        now += [(i, max(_ALIKE * i, code_a)) for i in w.i_a]
        now += [(x, u * max(_ALIKE * i, code_a)) for part in (w.p_w, w.q_var)
                for x, u, i in zip(part, w.u_v, w.i_a, strict=True)]
        if shown and w is not played.windows[-1] and all(
                abs(a - b) <= least for (a, _), (b, least) in zip(now, shown, strict=True)):
            alike += 1
            continue
        if alike:
            console.print(f"{'':>10} {alike} alike", markup=False)
        shown, alike = now, 0
        for k, phase in enumerate(plan.wiring):
            head = f"{w.t_s:8.3f} s {w.f_hz:6.3f} Hz" if k == 0 else " " * 20
            console.print(f"{head}  {phase}  {_si(w.u_v[k], 'V')} "
                          f"{_deg(w.u_deg[k], w.u_v[k] > code_v)} {_si(w.i_a[k], 'A')} "
                          f"{_deg(w.i_deg[k], w.i_a[k] > code_a)} {_si(w.p_w[k], 'W')} "
                          f"{_si(w.q_var[k], 'var')} {w.pf[k]:7.4f}"
                          f"{_flags(w) if k == 0 else ''}", markup=False)


def _events(console: Console, played: playback.Played) -> None:
    """In the Meter's own words, and what its voltages are of the record's nominal one."""
    shown = [(t_s, line) for t_s, line in played.events
             if not any(f" {word} " in line for word in _START)]
    both = {None: "", True: ", the same inside MicroPython", False: ", ANOTHER inside MicroPython"}
    console.print(f"events: {len(shown) or 'none'}{both[played.same]}", markup=False)
    for t_s, line in shown:
        words = line.split(" ", 3)[3]
        value = _VOLTAGE.search(words)
        if value:
            pct = int(value[2]) * 10 / played.plan.un_dv * 10
            words += f"  ({pct:.1f} % of Un)"
        where = " in the cycles after it" if t_s > played.record.length_s else \
            " in the cycles before it" if t_s < 0 else ""
        console.print(f"{t_s:10.3f} s  {words}{where}", markup=False)


def _flags(w: playback.Window) -> str:
    words = [word for bit, word in _FLAGS if w.quality & bit]
    if w.u2_pct is not None:
        words.append(f"u2 {w.u2_pct:.2f} %")
    for letter, thd in (("U", w.thd_u_pct), ("I", w.thd_i_pct)):
        if thd and thd[0] is not None:
            words.append(f"THD {letter} {max(x or 0.0 for x in thd):.1f} %")
    if not w.whole:
        words.append("with repeated cycles")
    return "  " + ", ".join(words) if words else ""


def _deg(x: float, known: bool) -> str:
    return f"{x:7.2f}" if known else "      -"


def _si(x: float, of: str) -> str:
    for factor, prefix in ((1e6, "M"), (1e3, "k"), (1.0, "")):
        if abs(x) >= factor or factor == 1.0:
            text = f"{x / factor:.4g} {prefix}{of}"
            break
    return f"{text:>{8 + len(of)}}" if of != "V" and of != "A" else f"{text:>10}"

