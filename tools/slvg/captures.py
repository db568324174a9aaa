"""`slvg sim NAME --comtrade FOLDER`: what its Meters recorded around events."""
import os
from pathlib import Path

from rich.console import Console

from host_sim.scenario import captures
from host_sim.scenario.plan import Scenario
from host_sim.scenario.result import RunResult
from slvg.output import bad_input


def exporting(folder: Path, scenario: Scenario, level: str) -> None:
    """Before the run: can there be records, and can they be written?"""
    if not any(acu.role == "meter" for acu in scenario.acus):
        bad_input(f"E170 --comtrade {folder}: {scenario.name} has no meter, nobody records "
                  "samples. Try the scenario meter.")
    if not any(acu.config.get("cap_n") for acu in scenario.acus if acu.role == "meter"):
        bad_input(f"E170 --comtrade {folder}: no meter of {scenario.name} keeps records (cap_n is "
                  "0). Set cap_n = 4 in its config.")
    if level != "wave":
        bad_input(f"E170 --comtrade {folder}: at level {level} there are no samples to record. "
                  "Add --level wave.")
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        bad_input(f"E132 --comtrade {folder}: is no folder that can be written. Make it, or write "
                  "elsewhere.")


def export(console: Console, folder: Path, scenario: Scenario, result: RunResult) -> dict:
    """Writes them; the figures for --json."""
    files: list[str] = []
    damaged = 0
    for acu in scenario.acus:
        if acu.role == "meter":
            wiring = acu.config.get("wiring", "ABC")
            paths, bad = captures.export(folder, scenario.name, acu.id, wiring,
                                         result.captures.get(acu.id, []))
            files += [path.name for path in paths]
            damaged += bad
    console.print(f"{folder}: {len(files)} COMTRADE records"
                  + (f", {damaged} cut short by a power cut left out" if damaged else ""),
                  markup=False, highlight=False, soft_wrap=True)
    return {"comtrade": files, "comtrade_damaged": damaged}
