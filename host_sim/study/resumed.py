"""Results of many runs in a file as they come, one JSON a line, so that a cut study is taken up.

The first line is the fingerprint of the programs that made them; each result names its `case`.
"""
import json
from collections.abc import Iterator
from pathlib import Path

from host_sim.scenario.complaints import InputError


def taken_up(file: Path, mark: str) -> dict[str, dict]:
    """Results that a file already holds, by case; of the same programs only."""
    if not file.exists():
        return {}
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
        first = json.loads(rows[0])["fingerprint"] if rows else ""
    except (ValueError, TypeError, KeyError):
        raise InputError([f"E143 {file}: holds something else than results of a sweep. "
                          "Name another file."]) from None
    if first != mark:
        return {}
    found = {}
    for row in rows[1:]:
        try:
            one = json.loads(row)
        except ValueError:
            break                # cut in the middle of a line
        found[one["case"]] = one
    return found


def noted(results: Iterator[dict], file: Path | None, mark: str, old: dict) -> Iterator[dict]:
    """Passes results on, each written first."""
    if file is None:
        yield from results
        return
    with file.open("w", encoding="utf-8") as out:
        for row in ({"fingerprint": mark}, *old.values()):
            out.write(json.dumps(row) + "\n")
        for one in results:
            out.write(json.dumps(one) + "\n")
            out.flush()
            yield one
