"""The event log of a run as text or CSV; times in the devices' UTC and in run seconds."""
import csv
from pathlib import Path

from host_sim.scenario.figures import event_lines
from host_sim.scenario.result import RunResult


def write_text(result: RunResult, path: Path) -> None:
    """One line an event, byte for byte what the run's hash is taken of."""
    path.write_bytes(result.event_log().encode())


def write_csv(result: RunResult, path: Path) -> None:
    """t_s of the run, then the words of the line; the arguments keep their names."""
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("t_s", "utc", "acu", "seq", "event", "arguments"))
        for line, (t_us, _, text) in zip(event_lines(result), result.events, strict=True):
            utc, acu, seq = text.split(" ")[:3]
            rows.writerow((f"{t_us / 1e6:.3f}", utc, acu, seq, line.name,
                           " ".join(f"{k}={v}" for k, v in line.args.items())))
